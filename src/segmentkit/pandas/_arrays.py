"""Vectors: the values of many rows, and which of them are missing."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from attrs import evolve, field, frozen

from segmentkit.dtypes import DType, Kind

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Positions: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]
"""For each row here, the place of its row there; -1 where there is none."""

_FEW = 8
"""So many passes over codes of a byte cost less than looking up each."""

NEUTRAL: dict[Kind, Any] = {
    Kind.BOOLEAN: False,
    Kind.INTEGER: 0,
    Kind.FLOAT: np.float64("nan"),
    Kind.DECIMAL: 0,
    Kind.DATE: np.datetime64("NaT", "D"),
    Kind.TIMESTAMP: np.datetime64("NaT", "us"),
}
"""What stands where a value is missing; of floats and times it also says so."""
NAT = -(2**63)
"""The number that stands for NaT."""


@frozen(eq=False, slots=False)
class Vector:
    """Values other than texts.

    Attributes:
        kind: What they are.
        data: Booleans; int64, or Python's ints where that is too small, for integers and, times
            ten to the scale, for decimals; float64; datetime64[D]; datetime64[us] in UTC.
            A constant has no dimension.
        mask: True where a value is missing, if one is; floats and times need none, since NaN and
            NaT compare as missing values must.
        scale: Of decimals, the digits after the point.
    """

    kind: Kind
    data: Array
    mask: Mask | None = None
    scale: int = 0

    @cached_property
    def missing(self) -> Mask:
        """True where a value is missing."""
        if self.mask is not None:
            return self.mask
        if self.kind is Kind.FLOAT:
            return np.isnan(self.data)
        if self.data.dtype.kind == "M":
            return np.isnat(self.data)
        return np.zeros(self.data.shape, dtype=np.bool_)

    def has_missing(self) -> bool:
        """Whether any value is missing."""
        if self.data.dtype.kind == "M" and self.data.size:
            return bool(self.data.view(np.int64).min() == NAT)
        return bool(self.missing.any())

    def take(self, places: Positions) -> Vector:
        """The values at some places; missing at -1."""
        if self.data.shape == ():
            return self
        if not len(self.data):
            return nothing(self.kind, len(places))
        outside = places < 0
        data = self.data[places]
        data[outside] = NEUTRAL[self.kind]
        if self.mask is not None:
            return evolve(self, data=data, mask=self.mask[places] | outside)
        return evolve(self, data=data, mask=outside if _needs_mask(self.kind) else None)

    def only(self, places: Positions) -> Vector:
        """The values at some places, all of which are there."""
        mask = None if self.mask is None else self.mask[places]
        return evolve(self, data=self.data[places], mask=mask)

    def spread(self, size: int) -> Vector:
        """A constant as the values of so many rows."""
        if self.data.shape != ():
            return self
        mask = None if self.mask is None else np.broadcast_to(self.mask, size)
        return evolve(self, data=np.broadcast_to(self.data, size), mask=mask)


def _needs_mask(kind: Kind) -> bool:
    return kind in (Kind.BOOLEAN, Kind.INTEGER, Kind.DECIMAL)


def masked(kind: Kind, data: Array, mask: Mask | None, scale: int = 0) -> Vector:
    """A vector whose data may hold anything where the mask says that a value is missing."""
    if mask is None or not mask.any():
        return Vector(kind, data, None, scale)
    data = np.where(mask, NEUTRAL[kind], data)
    return Vector(kind, data, mask if _needs_mask(kind) else None, scale)


def nothing(kind: Kind, size: int) -> Vector:
    """Missing values only."""
    data = np.full(size, NEUTRAL[kind])
    return Vector(kind, data, np.ones(size, dtype=np.bool_) if _needs_mask(kind) else None)


@frozen(eq=False, slots=False)
class Text:
    """Texts, as codes of distinct ones.

    Attributes:
        codes: For each row, the place of its text among the distinct ones; -1 where missing.
        texts: The distinct texts, Python's.
    """

    codes: Array
    texts: Array = field(repr=False)

    @cached_property
    def missing(self) -> Mask:
        """True where a text is missing."""
        missing: Mask = np.less(self.codes, 0)
        return missing

    def has_missing(self) -> bool:
        """Whether any text is missing."""
        return bool(self.missing.any())

    def take(self, places: Positions) -> Text:
        """The texts at some places; missing at -1."""
        if self.codes.shape == ():
            return self
        if not len(self.codes):
            return Text(np.full(len(places), -1), self.texts)
        return Text(np.where(places < 0, -1, self.codes[places]), self.texts)

    def only(self, places: Positions) -> Text:
        """The texts at some places, all of which are there."""
        return Text(self.codes[places], self.texts)

    def spread(self, size: int) -> Text:
        """A constant as the texts of so many rows."""
        return Text(np.broadcast_to(self.codes, size), self.texts) if not self.codes.ndim else self

    def test(self, holds: Callable[[str], bool]) -> Mask:
        """Which rows have a text of which something holds; each distinct text is asked once."""
        answers = np.fromiter(map(holds, self.texts), dtype=np.bool_, count=len(self.texts))
        if self.codes.itemsize == 1 and answers.sum() <= _FEW:
            found = np.zeros(self.codes.shape, dtype=np.bool_)
            for code in np.flatnonzero(answers).tolist():
                found |= self.codes == code
            return found
        # The code -1 of a missing text finds the last answer, which is no.
        return np.append(answers, np.False_)[self.codes]

    def numbered(self, numbers: dict[Hashable, int], key: Callable[[str], Hashable]) -> Array:
        """For each row the number of its text's key, which is added if it is new; -1: missing."""
        found = [numbers.setdefault(key(text), len(numbers)) for text in self.texts]
        return np.array([*found, -1], dtype=np.intp)[self.codes]

    @cached_property
    def ranks(self) -> Array:
        """The codes in the order of the texts, by code point."""
        ranks = np.empty(len(self.texts) + 1, dtype=np.intp)
        ranks[np.argsort(self.texts, kind="stable")] = np.arange(len(self.texts))
        ranks[-1] = -1
        return ranks[self.codes]


Values: TypeAlias = Vector | Text


def constant(value: bool | int | float | Decimal | str | date | None, dtype: DType) -> Values:
    """A constant as values without a dimension."""
    if dtype.kind is Kind.TEXT:
        return Text(np.array(0 if value is not None else -1), object_array([value or ""]))
    if value is None:
        return _missing_constant(dtype.kind)
    match value:
        case Decimal():
            return _decimal_constant(value)
        case datetime():
            return Vector(dtype.kind, np.array(value, dtype="M8[us]"))
        case date():
            return Vector(dtype.kind, np.array(value, dtype="M8[D]"))
        case bool() | float():
            return Vector(dtype.kind, np.array(value))
        case int():
            return Vector(dtype.kind, integers(value))
        case _:
            raise AssertionError(value)


def _missing_constant(kind: Kind) -> Vector:
    return Vector(kind, np.array(NEUTRAL[kind]), np.array(True) if _needs_mask(kind) else None)


def _decimal_constant(value: Decimal) -> Vector:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1) * 10 ** max(0, exponent)
    return Vector(Kind.DECIMAL, integers(unscaled), None, max(0, -exponent))


def integers(values: int | list[int]) -> Array:
    """Whole numbers as an array: int64 where they fit, else Python's."""
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        return np.array(values, dtype=object)


def object_array(values: list[Any]) -> Array:
    """Python's objects as an array of them."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
