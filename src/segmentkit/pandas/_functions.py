"""The language's functions, for arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date, tzinfo
from functools import partial

import numpy as np
import pandas as pd

from segmentkit import _operators
from segmentkit._calendar import (
    FIRST_MICRO,
    LAST_MICRO,
    SUNDAY_WEEK,
    clock_steps,
    first_instant,
    years_between,
)
from segmentkit._operators import EARTH_RADIUS
from segmentkit._patterns.versions import version_key
from segmentkit.dtypes import Kind
from segmentkit.pandas._arrays import Array, Mask, Text, Values, Vector, masked, object_array
from segmentkit.pandas._exact_numbers import absolute, calculate, rescaled

_HOUR = 3_600_000_000
"""Microseconds."""
_EARLIEST, _LATEST = np.datetime64(date.min, "D"), np.datetime64(date.max, "D")


def default(value: Values, fallback: Values) -> Values:
    """The value, or the fallback where it is missing."""
    if isinstance(value, Text) or isinstance(fallback, Text):
        assert isinstance(value, Text)
        assert isinstance(fallback, Text)
        numbers: dict[Hashable, int] = {}
        a, b = value.numbered(numbers, str), fallback.numbered(numbers, str)
        return Text(np.where(a < 0, b, a), object_array(list(numbers)))
    missing = value.missing
    mask = missing & fallback.missing
    if value.kind in (Kind.INTEGER, Kind.DECIMAL):
        scale = max(value.scale, fallback.scale)
        data = np.where(missing, rescaled(fallback, scale), rescaled(value, scale))
        kind = Kind.DECIMAL if Kind.DECIMAL in (value.kind, fallback.kind) else Kind.INTEGER
        return masked(kind, data, mask, scale)
    return masked(value.kind, np.where(missing, fallback.data, value.data), mask)


def chosen(tests: list[Mask], values: list[Values]) -> Values:
    """The value of the first test that is true; the last value where none is."""
    if any(isinstance(value, Text) for value in values):
        numbers: dict[Hashable, int] = {}
        texts = [value for value in values if isinstance(value, Text)]
        codes = _first_of(tests, [text.numbered(numbers, str) for text in texts])
        return Text(codes, object_array(list(numbers)))
    vectors = [value for value in values if isinstance(value, Vector)]
    mask = _first_of(tests, [vector.missing for vector in vectors])
    kind = vectors[0].kind
    if kind not in (Kind.INTEGER, Kind.DECIMAL):
        return masked(kind, _first_of(tests, [vector.data for vector in vectors]), mask)
    scale = max(vector.scale for vector in vectors)
    kind = Kind.DECIMAL if any(v.kind is Kind.DECIMAL for v in vectors) else Kind.INTEGER
    data = _first_of(tests, [rescaled(vector, scale) for vector in vectors])
    return masked(kind, data, mask, scale)


def _first_of(tests: list[Mask], arrays: list[Array]) -> Array:
    *firsts, found = arrays
    for test, array in zip(reversed(tests), reversed(firsts), strict=True):
        found = np.where(test, array, found)
    return found


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


def local(instants: Vector, zone: tzinfo) -> Vector:
    """What the clock of a zone shows at instants."""
    data = instants.data
    years = np.unique(data[~np.isnat(data)].astype("M8[Y]").astype(np.int64) + 1970)
    steps = clock_steps(zone, np.unique(np.clip(years, date.min.year, date.max.year)).tolist())
    since = np.array([at for at, _ in steps], dtype="M8[us]")
    ahead = np.array([seconds for _, seconds in steps], dtype="m8[s]")
    return Vector(Kind.TIMESTAMP, data + ahead[np.searchsorted(since, data, side="right") - 1])


def micros(times: Vector) -> Vector:
    """The microseconds from 1970 to instants, or to the midnights with which dates begin."""
    data = times.data.astype("M8[us]")
    return masked(Kind.INTEGER, data.view(np.int64), np.asarray(np.isnat(data)))


def within(numbers: Vector, low: int, high: int) -> Vector:
    """The numbers, missing where they are out of a range."""
    outside = np.asarray((numbers.data < low) | (numbers.data > high), dtype=np.bool_)
    data = numbers.data
    if data.dtype == object:
        data = np.where(outside, 0, data).astype(np.int64)
    return masked(numbers.kind, data, outside | numbers.missing)


def moved(times: Vector, by: Vector) -> Vector:
    """Times some microseconds later, missing out of the calendar."""
    found = within(calculate("+", micros(times), by), FIRST_MICRO, LAST_MICRO)
    data = np.where(found.missing, np.datetime64("NaT", "us"), found.data.astype("M8[us]"))
    return Vector(times.kind, data.astype("M8[D]") if times.kind is Kind.DATE else data)


def later_month(days: Vector, months: int) -> Vector:
    """The same days of other months, or the last ones; missing out of the calendar."""
    codes, distinct = _distinct(days)
    found = [_operators.later_month(day, months) for day in distinct]
    return Vector(Kind.DATE, np.array(found, dtype="M8[D]")[codes])


def part(name: str, clock: Vector) -> Vector:
    """A part of what calendar and clock show, by its name in the language."""
    days = clock.data.astype("M8[D]")
    numbers = days.astype(np.int64)
    # Days are counted from a Thursday.
    weekday = (numbers + 3) % 7 + 1
    match name:
        case "day":
            return Vector(Kind.DATE, days)
        case "week":
            return Vector(Kind.DATE, days - (weekday - 1))
        case "week from Sunday":
            first = days - weekday % 7
            return Vector(Kind.DATE, np.maximum(first, np.datetime64(date.min)))
        case "weekday":
            found = weekday
        case "monthday":
            found = (days - days.astype("M8[M]")).astype(np.int64) + 1
        case "month":
            found = days.astype("M8[M]").astype(np.int64) % 12 + 1
        case "quarter":
            found = days.astype("M8[M]").astype(np.int64) % 12 // 3 + 1
        case "year":
            found = days.astype("M8[Y]").astype(np.int64) + 1970
        case _:
            found = (clock.data - days).astype(np.int64) // _HOUR
    return masked(Kind.INTEGER, np.asarray(found), clock.missing)


def ordinal(name: str, days: Vector) -> Vector:
    """What number the part of the calendar has that each day is in; see `_operators.ORDINALS`."""
    months = days.data.astype("M8[M]").astype(np.int64) + 1970 * 12
    day = days.data.astype("M8[D]").astype(np.int64) + date(1970, 1, 1).toordinal()
    found = {
        "ordinal of day": day,
        "ordinal of week": (day + 6) // 7,
        f"ordinal of {SUNDAY_WEEK}": (day + 7) // 7,
        "ordinal of month": months,
        "ordinal of quarter": months // 3,
        "ordinal of year": months // 12,
    }[name]
    return masked(Kind.INTEGER, found, days.missing)


def bucket(keys: Values, salt: str) -> Vector:
    """The bucket of each key."""
    texts = keys.texts if isinstance(keys, Text) else keys.data
    found = np.array(
        [_operators.bucket(key, salt) for key in texts.ravel().tolist()], dtype=np.int64
    )
    found = np.append(found, 0)[keys.codes] if isinstance(keys, Text) else found
    return masked(Kind.INTEGER, found, keys.missing)


def length(text: Values) -> Vector:
    """How many characters each text has; each distinct text is counted once."""
    assert isinstance(text, Text)
    # The code -1 of a missing text finds the last number.
    numbers = np.array([*map(len, text.texts), 0], dtype=np.int64)
    return masked(Kind.INTEGER, numbers[text.codes], text.missing)


def version(text: Values) -> Text:
    """The key of each text that is a version; each distinct text is read once."""
    assert isinstance(text, Text)
    numbers: dict[Hashable, int] = {}
    keys = map(version_key, text.texts)
    found = [-1 if key is None else numbers.setdefault(key, len(numbers)) for key in keys]
    codes = np.array([*found, -1], dtype=np.intp)[text.codes]
    return Text(codes, object_array(list(numbers)))


def modulo(a: Vector, b: Vector) -> Vector:
    """What is left of divisions, with the sign of the divisor; missing where that is zero."""
    zero = np.asarray(b.data == 0, dtype=np.bool_)
    with np.errstate(all="ignore"):
        data = np.asarray(np.mod(a.data, np.where(zero, 1, b.data)))
    return masked(Kind.INTEGER, data, zero | a.missing | b.missing)


def distance(north: Vector, east: Vector, north2: Vector, east2: Vector) -> Vector:
    """Metres between points on a sphere, missing where one is not on it; degrees north and east."""
    a, b = (np.radians(_within(90, of.data)) for of in (north, north2))
    half = np.radians(_within(180, east2.data) - _within(180, east.data)) / 2
    square = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(half) ** 2
    angle = 2 * np.arctan2(np.sqrt(square), np.sqrt(abs(1 - square)))
    return Vector(Kind.FLOAT, np.asarray(EARTH_RADIUS * angle))


def _within(most: int, degrees: Array) -> Array:
    return np.where(abs(degrees) <= most, degrees, np.nan)


FUNCTIONS: dict[str, Callable[..., Values]] = {
    "abs": absolute,
    "default": default,
    "distance": distance,
    "length": length,
    "micros": micros,
    "mod": modulo,
    "version": version,
    **{name: partial(part, name) for name in _operators.PARTS},
    **{name: partial(ordinal, name) for name in _operators.ORDINALS},
}
"""What functions of the language do to values alone, by name."""


def year_day_in(days: Vector, low: int, high: int) -> Mask:
    """Whether the day of the year is in a range that may pass the year's end."""
    codes, distinct = _distinct(days)
    found = [d is not None and _operators.year_day_in(d, low, high) for d in distinct]
    return np.array(found, dtype=np.bool_)[codes]


def _distinct(days: Vector) -> tuple[Array, list[date | None]]:
    """Days as codes of distinct ones, which are Python's and held within its calendar."""
    numbers = days.data.view(np.int64)
    codes, distinct = pd.factorize(numbers.ravel())
    found = distinct.view("M8[D]")
    held = np.where(np.isnat(found), found, np.clip(found, _EARLIEST, _LATEST))
    return codes.reshape(numbers.shape), held.tolist()
