"""Tests of operands: columns as they are read, or values that were computed."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from segmentkit._planning import ir
from segmentkit.dtypes import Kind
from segmentkit.pandas import _exact_numbers as exact
from segmentkit.pandas import _text as text
from segmentkit.pandas._arrays import Mask, Text, Values, Vector
from segmentkit.pandas._frames import Column
from segmentkit.pandas._lists import Lists
from segmentkit.pandas._native_compare import Stored, compare_times, number_of
from segmentkit.pandas._text import TextColumn

Operand: TypeAlias = Values | Column


def settled(operand: Operand) -> Values:
    """The values in the form that is computed with."""
    assert not isinstance(operand, Lists)
    return operand.settled if isinstance(operand, TextColumn | Stored) else operand


def compare_constant(op: ir.Comparison, left: Operand, value: Any, *, folded: bool) -> Mask:
    if isinstance(left, Stored):
        return left.compare_constant(op, value if isinstance(value, date) else Fraction(value))
    if not isinstance(left, Vector):
        if op is ir.Comparison.EQ:
            return is_one_of(left, [value], folded=folded)
        assert isinstance(left, Text)
        return left.test(lambda text: exact.COMPARE[op](text, value))
    match left.kind:
        case Kind.BOOLEAN:
            return left.data if value else ~(left.data | left.missing)
        case Kind.DATE | Kind.TIMESTAMP:
            return compare_times(op, left.data, number_of(value, left.kind))
        case _:
            return exact.compare_constant(op, left, value)


def compare(op: ir.Comparison, left: Operand, right: Operand, *, folded: bool) -> Mask:
    left, right = settled(left), settled(right)
    if isinstance(left, Vector):
        assert isinstance(right, Vector)
        if left.kind in (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL):
            return exact.compare(op, left, right)
        found = np.asarray(exact.COMPARE[op](left.data, right.data))
        return exact.present(found, left.mask, right.mask)
    assert isinstance(right, Text)
    if op is ir.Comparison.EQ:
        return text.equal(left, right, folded=folded)
    return text.in_order(op, left, right)


def is_one_of(operand: Operand, values: list[Any], *, folded: bool) -> Mask:
    if isinstance(operand, TextColumn):
        return operand.is_one_of(values, folded=folded)
    operand = settled(operand)
    if isinstance(operand, Text):
        return text.is_one_of(operand, values, folded=folded)
    if operand.kind is Kind.BOOLEAN:
        found = np.isin(operand.data, np.array(values, dtype=np.bool_))
        return exact.present(found, operand.mask)
    if operand.data.dtype.kind == "M":
        return np.isin(operand.data, np.array(values, dtype=operand.data.dtype))
    return exact.is_one_of(operand, values)


def is_listed(operand: Operand, keys: frozenset[int | str]) -> Mask:
    """Membership in a list that may be long."""
    if isinstance(operand, TextColumn):
        return operand.is_one_of([str(key) for key in keys], folded=False)
    operand = settled(operand)
    if isinstance(operand, Text):
        return operand.test(keys.__contains__)
    if operand.data.dtype == object:
        found = np.array([value in keys for value in operand.data], dtype=np.bool_)
    else:
        found = np.isin(operand.data, np.fromiter(map(int, keys), np.int64, len(keys)))
    return exact.present(found, operand.mask)


def has(op: ir.TextOperator, operand: Operand, pattern: str, *, folded: bool) -> Mask:
    if isinstance(operand, TextColumn):
        return operand.has(op, pattern, folded=folded)
    assert isinstance(operand, Text)
    return text.has(operand, op, pattern, folded=folded)
