"""Comparisons of numbers and times as they are stored, without a copy of most columns."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from functools import cached_property

import numpy as np
from attrs import frozen

from segmentkit._planning.ir import Comparison
from segmentkit.dtypes import Kind
from segmentkit.pandas._arrays import NAT, Array, Mask, Vector
from segmentkit.pandas._exact_numbers import COMPARE, EXACT_FLOAT, to_whole, whole_limit

_CHUNK = 2**15
_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
"""How many of each unit make a day."""
_FURTHEST = 2**63 - 1


@frozen(eq=False, slots=False)
class Stored:
    """A column in a form other than that of vectors of its kind.

    Attributes:
        kind: What its values are.
        raw: What it holds: integers as floats, or times in another unit.
    """

    kind: Kind
    raw: Vector

    @property
    def missing(self) -> Mask:
        """True where a value is missing."""
        return self.raw.missing

    def has_missing(self) -> bool:
        """Whether any value is missing."""
        return self.raw.has_missing()

    @cached_property
    def settled(self) -> Vector:
        """The values in the form that vectors have."""
        if self.kind is Kind.INTEGER:
            return to_whole(self.raw.data)
        unit = "D" if self.kind is Kind.DATE else "us"
        return Vector(self.kind, self.raw.data.astype(f"M8[{unit}]", copy=False))

    def compare_constant(self, op: Comparison, value: Fraction | date) -> Mask:
        """Where ``column op value`` holds; false where a value is missing."""
        if not isinstance(value, date):
            return _compare_whole(op, self.raw.data, value)
        point = number_of(value, self.kind)
        unit, _ = np.datetime_data(self.raw.data.dtype)
        if self.kind is Kind.DATE:
            return _compare_coarse(op, self.raw.data, point, _DAY[unit])
        if unit == "ns":
            return _compare_coarse(op, self.raw.data, point, 1_000)
        return _compare_fine(op, self.raw.data, Fraction(point * _DAY[unit], _DAY["us"]))


def number_of(value: date, kind: Kind) -> int:
    """A date as days, or an instant as microseconds, since 1970."""
    unit = "D" if kind is Kind.DATE else "us"
    return int(np.array(value, dtype=f"M8[{unit}]").astype(np.int64))


def are_whole(data: Array) -> bool:
    """Whether floats are whole numbers, or missing, and so small that no other is near."""
    for start in range(0, len(data), _CHUNK):
        part = data[start : start + _CHUNK]
        whole = (np.rint(part) == part) & (np.abs(part) < EXACT_FLOAT)
        if not (whole | np.isnan(part)).all():
            return False
    return True


def _compare_whole(op: Comparison, data: Array, value: Fraction) -> Mask:
    found = whole_limit(op, value)
    if found is None:
        return np.zeros(len(data), dtype=np.bool_)
    op, limit = found
    # All numbers here are smaller than such a limit, infinity or not.
    near = float(limit) if abs(limit) <= EXACT_FLOAT else float("inf") * (1 if limit > 0 else -1)
    return np.asarray(COMPARE[op](data, near))


def _compare_coarse(op: Comparison, data: Array, point: int, factor: int) -> Mask:
    """Times against a point of a unit that is so many times longer: they count by its start."""
    start, end = point * factor, (point + 1) * factor
    match op:
        case Comparison.EQ:
            after = compare_times(Comparison.GE, data, start)
            return after & compare_times(Comparison.LT, data, end)
        case Comparison.LE:
            return compare_times(Comparison.LT, data, end)
        case Comparison.GT:
            return compare_times(Comparison.GE, data, end)
        case _:
            return compare_times(op, data, start)


def _compare_fine(op: Comparison, data: Array, point: Fraction) -> Mask:
    """Times against a point of a shorter unit."""
    found = whole_limit(op, point)
    return (
        np.zeros(len(data), dtype=np.bool_)
        if found is None
        else compare_times(found[0], data, found[1])
    )


def compare_times(op: Comparison, data: Array, point: int) -> Mask:
    """Times against a number of their own unit; false where a time is missing."""
    numbers = data.view(np.int64)
    # NaT is the least number of all. What is beyond an int64 is as good as its end.
    held = max(-_FURTHEST, min(point, _FURTHEST))
    found = np.asarray(COMPARE[op](numbers, held))
    return found & (numbers != NAT) if op in (Comparison.LT, Comparison.LE) else found
