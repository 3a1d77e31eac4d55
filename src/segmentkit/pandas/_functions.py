"""The language's functions of values, for arrays."""

from __future__ import annotations

from datetime import date, tzinfo

import numpy as np
import pandas as pd

from segmentkit import _scalar
from segmentkit._time import first_instant, years_between
from segmentkit.dtypes import Kind
from segmentkit.pandas._exact import rescaled
from segmentkit.pandas._vectors import Array, Mask, Vector, masked

_EARLIEST, _LATEST = np.datetime64(date.min, "D"), np.datetime64(date.max, "D")


def default(value: Vector, fallback: Vector) -> Vector:
    """The value, or the fallback where it is missing."""
    missing = value.missing
    mask = missing & fallback.missing
    if value.kind in (Kind.INTEGER, Kind.DECIMAL):
        scale = max(value.scale, fallback.scale)
        data = np.where(missing, rescaled(fallback, scale), rescaled(value, scale))
        kind = Kind.DECIMAL if Kind.DECIMAL in (value.kind, fallback.kind) else Kind.INTEGER
        return masked(kind, data, mask, scale)
    return masked(value.kind, np.where(missing, fallback.data, value.data), mask)


def age(birth: Vector, today: date) -> Vector:
    """Whole years from days of birth to a day."""
    codes, distinct = _distinct(birth)
    years = [0 if d is None else years_between(d, today) for d in distinct]
    return masked(Kind.INTEGER, np.array(years, dtype=np.int64)[codes], birth.missing)


def instant(days: Vector, zone: tzinfo) -> Vector:
    """The first instants of days in a zone."""
    codes, distinct = _distinct(days)
    firsts = [None if d is None else first_instant(d, zone) for d in distinct]
    return Vector(Kind.TIMESTAMP, np.array(firsts, dtype="M8[us]")[codes])


def year_day_in(days: Vector, low: int, high: int) -> Mask:
    """Whether the day of the year is in a range that may pass the year's end."""
    codes, distinct = _distinct(days)
    found = [d is not None and _scalar.year_day_in(d, low, high) for d in distinct]
    return np.array(found, dtype=np.bool_)[codes]


def _distinct(days: Vector) -> tuple[Array, list[date | None]]:
    """Days as codes of distinct ones, which are Python's and held within its calendar."""
    numbers = days.data.view(np.int64)
    codes, distinct = pd.factorize(numbers.ravel())
    found = distinct.view("M8[D]")
    held = np.where(np.isnat(found), found, np.clip(found, _EARLIEST, _LATEST))
    return codes.reshape(numbers.shape), held.tolist()
