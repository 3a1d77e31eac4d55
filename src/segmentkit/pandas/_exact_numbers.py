"""Numbers: exact arithmetic of integers and decimals, and their comparison with floats."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from segmentkit._operators import to_float as as_float
from segmentkit._planning.ir import Comparison
from segmentkit.dtypes import Kind
from segmentkit.pandas._arrays import Array, Mask, Vector, masked

COMPARE: dict[Comparison, Callable[[Any, Any], Any]] = {
    Comparison.EQ: operator.eq,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
INT64 = 2**63
"""Whole numbers below it, in size, fit an int64."""
EXACT_FLOAT = 2**53
"""Whole numbers up to it, in size, are floats as well."""
_EXACT_POWER = 22
"""Ten to it is a float still."""


def size(data: Array) -> int:
    """The greatest of the whole numbers, without its sign."""
    return max(abs(int(data.min())), abs(int(data.max()))) if data.size else 0


def rescaled(vector: Vector, scale: int) -> Array:
    """The whole numbers that a vector holds at a greater scale."""
    factor = 10 ** (scale - vector.scale)
    if factor == 1:
        return vector.data
    return np.asarray(_wide(vector.data, max(size(vector.data), 1) * factor >= INT64) * factor)


def _wide(data: Array, needed: bool) -> Array:
    return data.astype(object) if needed else data


def calculate(sign: str, left: Vector, right: Vector) -> Vector:
    """``left op right`` of exact numbers; missing if either is."""
    if sign == "*":
        a, b, scale = left.data, right.data, left.scale + right.scale
        wide = size(a) * size(b) >= INT64
    else:
        scale = max(left.scale, right.scale)
        a, b = rescaled(left, scale), rescaled(right, scale)
        wide = size(a) + size(b) >= INT64
    data = np.asarray(_ARITHMETIC[sign](_wide(a, wide), _wide(b, wide)))
    kinds = (left.kind, right.kind)
    kind = Kind.DECIMAL if Kind.DECIMAL in kinds else Kind.INTEGER
    return Vector(kind, data, either(left.mask, right.mask), scale)


def calculate_floats(sign: str, left: Vector, right: Vector) -> Vector:
    """``left op right`` of floats; missing if either is, or the divisor is zero."""
    a, b = left.data, right.data
    with np.errstate(all="ignore"):
        if sign == "/":
            data = np.where(b == 0, np.nan, np.true_divide(a, b))
        else:
            data = np.asarray(_ARITHMETIC[sign](a, b))
    return Vector(Kind.FLOAT, data)


def absolute(vector: Vector) -> Vector:
    """The numbers without their signs."""
    data = vector.data
    if data.dtype == np.int64:
        data = _wide(data, size(data) >= INT64)
    return Vector(vector.kind, np.asarray(abs(data)), vector.mask, vector.scale)


def widened(data: Array) -> Array:
    """Floats of any width as float64: the number that a narrow one is printed as.

    Of 19.99, float32 holds 19.9899997…; beside the constant 19.99 pandas compares the two as
    float32, where they are the same. So they are here, since the shortest decimal that stands for
    the narrow float is taken for it.
    """
    with np.errstate(invalid="ignore"):
        found = data.astype(np.float64, copy=False)
    if data.dtype.itemsize >= found.dtype.itemsize:
        return found
    digits, least = (range(3, 6), -4) if data.dtype.itemsize == 2 else (range(6, 10), -13)
    with np.errstate(all="ignore"):
        exponents = np.floor(np.log10(np.abs(found)))
        # A power of ten and a whole number are exact here, so that one rounding makes the decimal.
        near = (exponents >= least) & (exponents <= _EXACT_POWER)
        open_ = np.flatnonzero(near)
        for row in np.flatnonzero(~near & np.isfinite(exponents)):
            found[row] = float(str(data[row]))
        for count in digits:
            places = count - 1 - exponents[open_]
            power = 10.0 ** np.abs(places)
            exact, up = found[open_], places >= 0
            made = np.where(up, np.rint(exact * power) / power, np.rint(exact / power) * power)
            same = made.astype(data.dtype) == data[open_]
            found[open_[same]] = made[same]
            open_ = open_[~same]
    return found


def to_float(vector: Vector) -> Vector:
    """Exact numbers as the nearest floats."""
    if vector.kind is Kind.FLOAT:
        return vector
    data = nearest_floats(vector.data, vector.scale)
    if vector.mask is not None:
        data = np.where(vector.mask, np.nan, data)
    return Vector(Kind.FLOAT, data)


def to_whole(data: Array) -> Vector:
    """Floats that are whole numbers, or missing, as integers."""
    mask = np.isnan(data)
    return masked(Kind.INTEGER, np.where(mask, 0.0, data).astype(np.int64), mask)


def nearest_floats(data: Array, scale: int) -> Array:
    """Whole numbers, divided by ten to the scale, as the nearest floats."""
    if data.dtype != object and scale == 0:
        return data.astype(np.float64)
    if data.dtype != object and scale <= _EXACT_POWER and size(data) < EXACT_FLOAT:
        # Both operands are exact, so the one rounding is the division's.
        return np.asarray(data / float(10**scale))
    power = 10**scale
    return np.array([_divided(int(v), power) for v in data.flat], np.float64).reshape(data.shape)


def _divided(value: int, power: int) -> float:
    try:
        return value / power
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def compare(op: Comparison, left: Vector, right: Vector) -> Mask:
    """``left op right`` of numbers, exactly; false where either is missing."""
    if left.kind is right.kind is Kind.FLOAT:
        found = COMPARE[op](left.data, right.data)
    elif Kind.FLOAT in (left.kind, right.kind):
        # Beside Python's integers numpy warns of what is not a number.
        with np.errstate(invalid="ignore"):
            found = COMPARE[op](*(_meeting_floats(v) for v in (left, right)))
    else:
        scale = max(left.scale, right.scale)
        found = COMPARE[op](rescaled(left, scale), rescaled(right, scale))
    return present(np.asarray(found, dtype=np.bool_), left.mask, right.mask)


def _meeting_floats(vector: Vector) -> Array:
    """Integers that floats can hold as floats, others as Python's, which compare exactly."""
    data = vector.data
    if vector.kind is Kind.FLOAT:
        return data
    if data.dtype != object and size(data) <= EXACT_FLOAT:
        return data.astype(np.float64)
    return data.astype(object)


def compare_constant(op: Comparison, vector: Vector, value: float | Decimal) -> Mask:
    """``vector op value`` of numbers, exactly; false where missing."""
    data = vector.data
    if vector.kind is Kind.FLOAT:
        return np.asarray(COMPARE[op](data, as_float(value)), dtype=np.bool_)
    if not isinstance(value, int) and not math.isfinite(value):
        found = np.full(data.shape, COMPARE[op](0, value))
        return present(found, vector.mask)
    limited = whole_limit(op, Fraction(value) * 10**vector.scale)
    if limited is None:
        return np.zeros(data.shape, dtype=np.bool_)
    op, limit = limited
    if data.dtype != object and not -INT64 <= limit < INT64:
        found = np.full(data.shape, COMPARE[op](0, limit))
    else:
        found = np.asarray(COMPARE[op](data, limit), dtype=np.bool_)
    return present(found, vector.mask)


def whole_limit(op: Comparison, value: Fraction) -> tuple[Comparison, int] | None:
    """The test of whole numbers that is the same as ``op value``; None if none can pass."""
    limit = math.floor(value)
    if limit == value:
        return op, limit
    if op is Comparison.EQ:
        return None
    # Between two whole numbers: those up to the lower one are below the value.
    return {Comparison.LT: Comparison.LE, Comparison.GE: Comparison.GT}.get(op, op), limit


def is_one_of(vector: Vector, values: list[Any]) -> Mask:
    """Which numbers are among some constants; false where missing."""
    if vector.kind is Kind.FLOAT:
        return np.isin(vector.data, np.array([as_float(v) for v in values]))
    exact = [Fraction(v) * 10**vector.scale for v in values if math.isfinite(v)]
    wanted = [int(v) for v in exact if v.denominator == 1]
    if vector.data.dtype == object:
        known = set(wanted)
        found = np.array([v in known for v in vector.data], dtype=np.bool_)
    else:
        found = np.isin(vector.data, np.array([v for v in wanted if -INT64 <= v < INT64], np.int64))
    return present(found, vector.mask)


def present(found: Mask, *masks: Mask | None) -> Mask:
    """What was found, without the rows where something is missing."""
    for mask in masks:
        if mask is not None:
            found = found & ~mask
    return found


def either(a: Mask | None, b: Mask | None) -> Mask | None:
    """Where either is missing."""
    if a is None or b is None:
        return b if a is None else a
    return a | b
