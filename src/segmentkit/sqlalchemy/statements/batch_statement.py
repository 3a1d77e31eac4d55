"""Many segments in one statement: one scan for each relation, joined to the customers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa
from attrs import evolve, frozen

from segmentkit._planning import ir
from segmentkit._planning.plan import ORDERED, Plan, Wanted, group_of, wanted_by
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled, computed_once, joined
from segmentkit.sqlalchemy.dialects.stored_values import shown
from segmentkit.sqlalchemy.statements.codes import BITS, FLAG, Code, Place, Span, packed, ranked
from segmentkit.sqlalchemy.statements.compiler import Compiler, Sql
from segmentkit.sqlalchemy.statements.joins import Rows
from segmentkit.sqlalchemy.statements.predicate import (
    JOINS,
    beside,
    compile_predicate,
    guarded,
)
from segmentkit.sqlalchemy.tables import Tables

Conditions: TypeAlias = dict[str, ir.Condition]

_DENSE = 50
"""Conditions that are counted in the database in the time in which one number is read from it."""

_COLUMNS, _NODES = 1_000, 20_000
"""What one query takes at most: PostgreSQL has 1,664 columns, SQLite 32,766 parameters."""


def portions(conditions: Mapping[str, ir.Condition], share: int = 1) -> list[Conditions]:
    """The conditions in as few statements as databases take; ``share``: of so many, one's part."""
    found: list[Conditions] = []
    room = _Room(share)
    for name, condition in conditions.items():
        if not room.takes(condition) or not found:
            found.append({})
            room = _Room(share)
            room.takes(condition)
        found[-1][name] = condition
    if not found:
        found.append({})
    return found


class _Room:
    """How much more goes into a statement."""

    def __init__(self, share: int) -> None:
        self.share = share
        self.conditions = self.nodes = 0
        self.tests: set[ir.Condition] = set()
        self.wanted: set[Wanted] = set()
        self.joined: set[Hashable] = set()

    def takes(self, condition: ir.Condition) -> bool:
        """Add a condition, if there is room for it."""
        own = wanted_by([condition])
        wanted = self.wanted.union(own)
        more = _joined(own)
        joins = self.joined if len(more) > JOINS else self.joined | more
        tests = self.tests.union(_literals(condition))
        nodes = self.nodes + len(ir.walk(condition))
        full = (
            len(joins) * self.share > JOINS
            or max(len(wanted), len(tests), self.conditions + 1) * self.share > _COLUMNS
            or nodes * self.share > _NODES
        )
        if self.conditions and full:
            return False
        self.conditions += 1
        self.tests, self.wanted, self.joined, self.nodes = tests, wanted, joins, nodes
        return True


def _joined(wanted: list[Wanted]) -> set[Hashable]:
    """What sub-queries are told apart by: each is joined once."""
    found: set[Hashable] = set()
    for node in wanted:
        if isinstance(node, ir.Aggregate) and node.function not in ORDERED:
            found.add(group_of(node))
        elif not isinstance(node, ir.Overall):
            found.add(node)
    return found


def is_alone(condition: ir.Condition) -> bool:
    """Whether a condition joins more by itself than a statement takes."""
    wanted = wanted_by([condition])
    return len(wanted) > JOINS and len(_joined(wanted)) > JOINS


@frozen(slots=False)
class Pass:
    """Everyone beside what some conditions are made of, each distinct thing once.

    Attributes:
        each: The key, called ``key``, the codes of everyone, and ``value``, if one is asked for.
        codes: What tells of the tests, by the names of the columns.
        spans: The code of each distinct test, and what of it passes.
        conditions: What is made of the tests.
    """

    each: sa.Subquery
    codes: Mapping[str, Code]
    spans: Mapping[ir.Condition, tuple[str, Span]]
    conditions: Conditions

    @classmethod
    def of(cls, conditions: Conditions, tables: Tables, value: ir.Value | None = None) -> Pass:
        """Join what the conditions, and a value, need to the entity, each distinct thing once."""
        rows = Rows(tables, tables.schema.entity, ir.Scope.ENTITY)
        alone = {n: each for n, each in conditions.items() if not tables.joins and is_alone(each)}
        plan = Plan({name: each for name, each in conditions.items() if name not in alone})
        values = [] if value is None else [value]
        wanted = list(dict.fromkeys([*plan.wanted, *wanted_by(values)]))
        compiler = Compiler(tables.schema, rows, beside(rows, wanted, []))
        columns = [rows.key(rows.entity.key or "").label("key")]
        columns += [shown(compiler.value(each)).label("value") for each in values]
        most: dict[str, int] = {}
        spans: dict[ir.Condition, tuple[str, Span]] = {}
        tests = dict.fromkeys(t for each in plan.conditions.values() for t in _literals(each))
        for code, one in _named("rank", [] if tables.joins else ranked(tests)):
            most[code] = one.most
            nodes = (node for test in one.tests for node in ir.walk(test))
            columns.append(guarded(one.number(compiler), nodes).label(code))
            spans |= {test: (code, span) for test, span in one.spans()}
        here = evolve(tables, root=rows.start, mapped=None)
        flags = {test: compiler.condition(test) for test in tests if test not in spans}
        flags |= {each: compile_predicate(each, here) for each in alone.values()}
        for code, (test, made) in _named("test", flags.items()):
            flag = Spelled(Construct.FLAG, guarded(made, ir.walk(test)))
            columns.append(flag.label(code))
            spans[test] = code, FLAG
        query = rows.finished(sa.select(*columns).select_from(rows.source))
        each = computed_once(query).subquery()
        codes = {code: Code(each.c[code], greatest) for code, greatest in most.items()}
        for test in flags:
            code, _ = spans[test]
            codes[code] = Code(Spelled(Construct.IS_FLAGGED, each.c[code]))
        return cls(each, codes, spans, conditions)

    @property
    def tests(self) -> list[Sql]:
        """Which columns make each condition."""
        known = {test: self.codes[code].test(span) for test, (code, span) in self.spans.items()}
        return [_made_of(known, node) for node in self.conditions.values()]

    @property
    def signs(self) -> Pass:
        """What is read of everyone: the codes, or the conditions as flags, if these are fewer."""
        if len(self.codes) <= len(self.conditions):
            return self
        flags = dict(_named("sign", map(Code, self.tests)))
        spans = dict(zip(self.conditions.values(), ((code, FLAG) for code in flags), strict=True))
        return evolve(self, codes=flags, spans=spans)

    @cached_property
    def packed(self) -> tuple[list[Sql], Mapping[str, Place]]:
        """Numbers that carry the codes, and where in them each is."""
        numbers, places = packed(self.codes.values())
        named: list[Sql] = [number.label(f"codes_{i}") for i, number in enumerate(numbers)]
        return named, dict(zip(self.codes, places, strict=True))

    def _select(self, *columns: Sql) -> sa.Select[Any]:
        return sa.select(*columns).select_from(self.each)

    def signed(self, *, columnar: bool = False) -> sa.Select[Any]:
        """Everyone's key and codes: a column each, or packed into a few numbers."""
        each = [code.column().label(f"sign_{i}") for i, code in enumerate(self.codes.values())]
        return self._select(self.each.c.key, *(each if columnar else self.packed[0]))

    @property
    def is_dense(self) -> bool:
        """Whether the codes are so few for all the conditions that to read them is less work."""
        return len(self.conditions) > _DENSE * len(self.packed[0])

    def gathered(self) -> sa.Select[Any]:
        """Each combination of codes that occurs, packed into a few numbers, and how often."""
        each = self._select(*self.packed[0]).subquery()
        return sa.select(*each.c, sa.func.count()).group_by(*each.c)

    def counted(self) -> sa.Select[Any]:
        """How many there are, and of how many each condition holds."""
        counts = [
            Spelled(Construct.TALLY, test, sa.literal_column(str(place)))
            for place, test in enumerate(self.tests)
        ]
        return self._select(sa.func.count(), *counts)

    def signatures(self, key: str) -> sa.Select[Any]:
        """Everyone's key, and of the conditions bits of as few numbers as hold them."""
        return self._select(self.each.c.key.label(key), *_signatures(self.tests))

    def combined(self) -> sa.Select[Any]:
        """Each combination of conditions that occurs, as bits of numbers, and how often."""
        signatures = _signatures(self.tests)
        if not signatures:
            return self._select(sa.func.count())
        each = self._select(*signatures).subquery()
        return sa.select(*each.c, sa.func.count()).group_by(*each.c)


_T = TypeVar("_T")


def _named(kind: str, each: Iterable[_T]) -> Iterator[tuple[str, _T]]:
    """Things with names of one kind."""
    return ((f"{kind}_{place}", one) for place, one in enumerate(each))


def _signatures(tests: list[Sql]) -> list[Sql]:
    return [
        _signature(tests[start : start + BITS]).label(f"signature_{start // BITS}")
        for start in range(0, len(tests), BITS)
    ]


def _literals(condition: ir.Condition) -> Iterator[ir.Condition]:
    """What a condition is made of by ``and`` and ``or``."""
    if isinstance(condition, ir.And | ir.Or):
        for operand in condition.operands:
            yield from _literals(operand)
    else:
        yield condition


def _made_of(known: Mapping[ir.Condition, Sql], condition: ir.Condition) -> Sql:
    """A condition, of the columns that are known."""
    if condition in known:
        return known[condition]
    assert isinstance(condition, ir.And | ir.Or)
    parts = [_made_of(known, operand) for operand in condition.operands]
    return joined(parts, conjunctive=isinstance(condition, ir.And))


def _signature(tests: list[Sql]) -> Sql:
    """A number whose bits are what tests say, the first the lowest."""
    # The numbers are ours, and parameters are few.
    bits = [sa.case((test, _bit(place)), else_=_bit(None)) for place, test in enumerate(tests)]
    total: Sql = bits[0]
    for bit in bits[1:]:
        total = total + bit
    return total


def _bit(place: int | None) -> Sql:
    number = 0 if place is None else 1 << place
    return sa.literal_column(str(number), sa.BigInteger())
