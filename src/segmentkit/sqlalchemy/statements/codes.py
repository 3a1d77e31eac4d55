"""Codes: what many tests ask of one value, as one small number beside each row.

``spent >= 100``, ``spent > 500`` and ``spent < 20`` all follow from where ``spent`` is among 20,
100 and 500: halving finds the place, and one column holds it, where a column for each test would
be written and read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import sqlalchemy as sa
from attrs import evolve, frozen

from segmentkit._operators import to_float
from segmentkit._planning import ir
from segmentkit.dtypes import Kind
from segmentkit.sqlalchemy.statements.compiler import Compiler, Sql

Cut: TypeAlias = tuple[Any, bool]
"""A constant, and whether values that equal it are below the cut."""

Integers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_WORTH = 3
"""Tests of one value that are worth a code: two are two columns."""

_BELOW = (ir.Comparison.LT, ir.Comparison.LE)
_ABOVE = (ir.Comparison.GE, ir.Comparison.GT)
_EQUAL_BELOW = (ir.Comparison.LE, ir.Comparison.GT)
_KINDS = (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.DATE, Kind.TIMESTAMP)


@frozen
class Span:
    """Which numbers pass a test: those from ``low`` to ``high``, or all others."""

    low: int
    high: int
    inside: bool = True

    def among(self, numbers: Integers) -> Integers:
        """Which numbers pass."""
        if self.low == self.high:
            found = np.equal(numbers, self.low)
        else:
            found = np.greater_equal(numbers, self.low) & np.less_equal(numbers, self.high)
        return found if self.inside else np.logical_not(found)

    def of(self, number: Sql, most: int) -> Sql:
        """The test, of a column that holds a number up to ``most``."""
        low, high = _number(self.low), _number(self.high)
        if self.low == self.high:
            return number == low if self.inside else number != low
        if self.high == most:
            return number >= low if self.inside else number < low
        if self.low == 0:
            return number <= high if self.inside else number > high
        within = sa.and_(number >= low, number <= high)
        return within if self.inside else sa.or_(number < low, number > high)


@frozen
class Ranked:
    """A value, and the constants that tests compare it with, in order.

    The number is 0 where the value is missing, else one more than there are cuts below the value.
    """

    value: ir.Value
    tests: tuple[ir.Condition, ...]
    cuts: tuple[tuple[Cut, ir.Const], ...]

    @property
    def most(self) -> int:
        """The greatest number."""
        return len(self.cuts) + 1

    def number(self, compiler: Compiler) -> Sql:
        """The number: as many comparisons as it has binary digits."""

        def between(low: int, high: int) -> Sql:
            if low == high:
                return _number(low + 1)
            middle = (low + high) // 2
            (_, equal), constant = self.cuts[middle]
            operator = ir.Comparison.LE if equal else ir.Comparison.LT
            below = compiler.condition(ir.Compare(operator, self.value, constant))
            return sa.case((below, between(low, middle)), else_=between(middle + 1, high))

        found = between(0, len(self.cuts))
        if not self.value.nullable and not isinstance(self.value, ir.Column):
            return found
        return sa.case((compiler.condition(ir.Missing(self.value)), _number(0)), else_=found)

    def spans(self) -> Iterator[tuple[ir.Condition, Span]]:
        """Which numbers pass each of the tests."""
        places = {cut: place for place, (cut, _) in enumerate(self.cuts)}
        for test in self.tests:
            compare = _compared(test)
            assert compare is not None
            below = places[_cut(compare)] + 1
            under, over = Span(1, below), Span(below + 1, self.most)
            is_below = compare.operator in _BELOW
            if compare is test:
                yield test, under if is_below else over
            elif self.value.nullable:
                # What is missing passes the complement.
                yield test, evolve(under if is_below else over, inside=False)
            else:
                yield test, over if is_below else under


def ranked(tests: Iterable[ir.Condition]) -> list[Ranked]:
    """Values that several of the tests compare with constants."""
    found: dict[tuple[ir.Value, type], list[tuple[ir.Condition, ir.Compare]]] = {}
    for test in tests:
        compare = _compared(test)
        if compare is not None:
            kind = type(_constant(compare).value)
            found.setdefault((compare.left, kind), []).append((test, compare))
    return [
        Ranked(value, tuple(test for test, _ in each), cuts)
        for (value, _), each in found.items()
        if len(each) >= _WORTH and (cuts := _cuts(compare for _, compare in each))
    ]


def _compared(test: ir.Condition) -> ir.Compare | None:
    """The comparison in order with a constant, if a test is one or the complement of one."""
    leaf = test.operand if isinstance(test, ir.Not) else test
    match leaf:
        case ir.Compare(operator, left, ir.Const(value)):
            in_order = operator in (*_BELOW, *_ABOVE) and left.dtype.kind in _KINDS
            return leaf if in_order and value is not None else None
        case _:
            return None


def _constant(compare: ir.Compare) -> ir.Const:
    assert isinstance(compare.right, ir.Const)
    return compare.right


def _cut(compare: ir.Compare) -> Cut:
    return _constant(compare).value, compare.operator in _EQUAL_BELOW


def _cuts(compares: Iterable[ir.Compare]) -> tuple[tuple[Cut, ir.Const], ...]:
    """The cuts in order; none if an engine may take two constants for one."""
    cuts = {_cut(compare): _constant(compare) for compare in compares}
    values = {value for value, _ in cuts}
    # Some databases keep numbers as floats.
    floats = {v if isinstance(v, date) else to_float(v) for v in values}
    if len(floats) < len(values):
        return ()
    return tuple(sorted(cuts.items(), key=lambda each: each[0]))


def _number(value: int) -> Sql:
    return sa.literal_column(str(value), sa.Integer())


@frozen
class Code:
    """What tells of tests: a small number, or a flag.

    Attributes:
        sql: The column of the number, or the condition.
        most: The greatest number; None of a flag.
    """

    sql: Sql
    most: int | None = None

    def test(self, span: Span) -> Sql:
        """The test that a span is of."""
        return self.sql if self.most is None else span.of(self.sql, self.most)

    @property
    def width(self) -> int:
        """How many bits it takes."""
        return 1 if self.most is None else self.most.bit_length()

    def column(self) -> Sql:
        """It as a column."""
        return sa.type_coerce(self.sql, sa.Boolean() if self.most is None else sa.Integer())

    def shifted(self, shift: int) -> Sql:
        """It as a part of a number, from a bit on."""
        # The numbers are ours, and parameters are few.
        bit = sa.literal_column(str(1 << shift), sa.BigInteger())
        if self.most is None:
            return sa.case((self.sql, bit), else_=sa.literal_column("0", sa.BigInteger()))
        # Of two small numbers, the product would have to be a small one.
        return sa.cast(self.sql, sa.BigInteger()) * bit


FLAG = Span(1, 1)
"""What passes the test of a flag."""


@frozen
class Place:
    """Where a code is: in which number, from which bit on, and how many bits."""

    number: int
    shift: int
    width: int

    def read(self, numbers: Sequence[Integers]) -> Integers:
        """The code, out of the numbers."""
        found: Integers = numbers[self.number] >> self.shift & ((1 << self.width) - 1)
        # Small numbers are compared several times as fast.
        return found.astype(np.uint8 if self.width <= _BYTE else np.int64)


_BYTE = 8
BITS = 62
"""How many bits a number carries: all databases have integers of 64 bits, with a sign."""


def packed(codes: Iterable[Code]) -> tuple[list[Sql], list[Place]]:
    """Numbers that carry codes, and where each of these is."""
    numbers: list[Sql] = []
    places: list[Place] = []
    used = BITS
    for code in codes:
        if used + code.width > BITS:
            numbers.append(code.shifted(0))
            used = 0
        else:
            numbers[-1] = numbers[-1] + code.shifted(used)
        places.append(Place(len(numbers) - 1, used, code.width))
        used += code.width
    return numbers, places
