"""What the operators do to single values, missing data included: the reference for every target."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from decimal import Context, Decimal
from fractions import Fraction
from hashlib import md5
from typing import Any

from segmentkit._calendar import (
    FIRST_MICRO,
    LAST_MICRO,
    SUNDAY_WEEK,
    add_days,
    first_of_sunday_week,
    instant_at,
    micros,
    month_day,
    months_later,
    years_between,
)
from segmentkit._patterns.matcher import matches
from segmentkit._patterns.versions import version_key

EXACT = Context(prec=76)
"""Exact arithmetic is not subject to the precision that the caller's thread has set."""


def fold_case(text: str) -> str:
    """The form in which texts are equal whatever their case (Unicode case folding).

    Cherokee alone folds to capitals; here its letters are small like all others, as databases
    have them.
    """
    return text.casefold().lower()


def add(a: Any, b: Any) -> Any:
    """``a + b``; missing if either is."""
    if a is None or b is None:
        return None
    return EXACT.add(a, b) if isinstance(a, Decimal) or isinstance(b, Decimal) else _number(a + b)


def subtract(a: Any, b: Any) -> Any:
    """``a - b``; missing if either is."""
    if a is None or b is None:
        return None
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        return EXACT.subtract(a, b)
    return _number(a - b)


def multiply(a: Any, b: Any) -> Any:
    """``a * b``; missing if either is."""
    if a is None or b is None:
        return None
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        return EXACT.multiply(a, b)
    return _number(a * b)


def divide(a: float | None, b: float | None) -> float | None:
    """True division of floats; missing if either is, or if the divisor is zero."""
    if a is None or b is None or b == 0:
        return None
    quotient = a / b
    return quotient if quotient == quotient else None


def _number(value: Any) -> Any:
    return value if value == value else None


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
}
"""The operators, by their sign."""


def to_float(value: Any) -> float | None:
    """An exact number as a float; infinite beyond the range of floats."""
    if value is None:
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def absolute(value: Any) -> Any:
    """The number without its sign."""
    if isinstance(value, Decimal):
        return value.copy_abs()
    return None if value is None else abs(value)


def modulo(a: int | None, b: int | None) -> int | None:
    """What is left of a division, with the sign of the divisor; missing where that is zero."""
    return None if a is None or b is None or b == 0 else a % b


def default(value: Any, fallback: Any) -> Any:
    """The value, or the fallback where it is missing."""
    return fallback if value is None else value


def age(birth: date | None, today: date) -> int | None:
    """Whole years."""
    return None if birth is None else years_between(birth, today)


def year_day_in(day: date, low: int, high: int) -> bool:
    """Whether a day of the year is in a range that may pass the year's end."""
    number = month_day(day)
    return low <= number <= high if low <= high else number >= low or number <= high


BUCKETS = 2**32
"""So many, and each customer is in one."""


def bucket(key: int | str | None, salt: str) -> int | None:
    """A number below `BUCKETS` that depends on key and salt alone."""
    return None if key is None else bucket_of(f"{salt}:{key}")


def bucket_of(text: str) -> int:
    """The first 32 bits of the MD5 digest of a text."""
    digest = md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False)
    return int.from_bytes(digest.digest()[:4])


def length(text: str | None) -> int | None:
    """How many characters a text has, by Unicode code point."""
    return None if text is None else len(text)


EARTH_RADIUS = 6_371_008.8
"""Metres: the mean radius of the Earth (IUGG; GRS 80, Moritz, Journal of Geodesy 74, 2000)."""


def distance(
    north: float | None, east: float | None, north2: float | None, east2: float | None
) -> float | None:
    """Metres between two points on a sphere, by the haversine formula; degrees north and east.

    Missing if a point is, or if it is not on the globe.
    """
    if north is None or east is None or north2 is None or east2 is None:
        return None
    if max(abs(north), abs(north2)) > 90 or max(abs(east), abs(east2)) > 180:
        return None
    a, b = math.radians(north), math.radians(north2)
    half = math.radians(east2 - east) / 2
    square = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(half) ** 2
    # Rounding can make the square exceed one between antipodes.
    return 2 * EARTH_RADIUS * math.atan2(math.sqrt(square), math.sqrt(abs(1 - square)))


def day(clock: date | None) -> date | None:
    """The calendar date."""
    return clock.date() if isinstance(clock, datetime) else clock


def week(clock: date | None) -> date | None:
    """The date of the week's Monday."""
    date_ = day(clock)
    return None if date_ is None else add_days(date_, -date_.weekday())


def sunday_week(clock: date | None) -> date | None:
    """The date of the Sunday with which the week begins."""
    date_ = day(clock)
    return None if date_ is None else first_of_sunday_week(date_)


def month(clock: date | None) -> int | None:
    """1 for January to 12 for December."""
    return None if clock is None else clock.month


def monthday(clock: date | None) -> int | None:
    """1 to 31."""
    return None if clock is None else clock.day


def quarter(clock: date | None) -> int | None:
    """1 for January to March, up to 4 for October to December."""
    return None if clock is None else (clock.month + 2) // 3


def year(clock: date | None) -> int | None:
    """The calendar year."""
    return None if clock is None else clock.year


def weekday(clock: date | None) -> int | None:
    """1 for Monday to 7 for Sunday."""
    return None if clock is None else clock.isoweekday()


def hour(clock: datetime | None) -> int | None:
    """0 to 23."""
    return None if clock is None else clock.hour


def within(value: int | None, low: int, high: int) -> int | None:
    """The number, missing where it is out of a range."""
    return None if value is None or not low <= value <= high else value


def moved(time: Any, by: int | None) -> Any:
    """A time so many microseconds later; missing out of the calendar."""
    number = within(add(since_1970(time), by), FIRST_MICRO, LAST_MICRO)
    at = None if number is None else instant_at(number)
    return at if at is None or isinstance(time, datetime) else at.date()


def since_1970(time: date | None) -> int | None:
    """The microseconds from 1970 to an instant, or to the beginning of a date."""
    return None if time is None else micros(time)


def later_month(day: date | None, months: int) -> date | None:
    """The same day of another month, or its last day; missing out of the calendar."""
    return None if day is None else months_later(day, months)


TIMES: dict[str, Callable[..., Any]] = {
    "later_month": later_month,
    "micros": since_1970,
    "moved": moved,
    "within": within,
}
"""What the arithmetic of times consists of; no definition calls these by name."""

_NUMBERS: dict[str, Callable[[date], int]] = {
    "day": date.toordinal,
    # The calendar begins on a Monday; what is before its first Sunday is a week, too.
    "week": lambda day: (day.toordinal() + 6) // 7,
    SUNDAY_WEEK: lambda day: (day.toordinal() + 7) // 7,
    "month": lambda day: day.year * 12 + day.month,
    "quarter": lambda day: day.year * 4 + (day.month + 2) // 3,
    "year": lambda day: day.year,
}


def _if_present(number: Callable[[date], int]) -> Callable[[date | None], int | None]:
    return lambda day: None if day is None else number(day)


ORDINALS = {f"ordinal of {part}": _if_present(number) for part, number in _NUMBERS.items()}
"""What number the part of the calendar has that a day is in, by what no definition can name.

All are positive, and those of neighbours differ by one.
"""

PARTS: dict[str, Callable[[Any], Any]] = {
    "day": day,
    "week": week,
    SUNDAY_WEEK: sunday_week,
    "monthday": monthday,
    "month": month,
    "quarter": quarter,
    "year": year,
    "weekday": weekday,
    "hour": hour,
}
"""The parts of what a calendar and a clock show, by name."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": absolute,
    "age": age,
    "bucket": bucket,
    "default": default,
    "distance": distance,
    "length": length,
    "mod": modulo,
    "size": length,
    "version": version_key,
    **PARTS,
}
"""The functions of values, by name; ``age`` is given today's date, too."""

TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__,
    "starts with": str.startswith,
    "ends with": str.endswith,
    "matches": matches,
}
"""The tests of a text for another, by the words of the language."""


def total(values: list[Any]) -> Any:
    """The sum, exact where the values are."""
    result: Any = 0
    for value in values:
        result = add(result, value)
    return result


def mean(values: list[Any]) -> float | None:
    """The mean, as a float."""
    found = total(values) if values else None
    return None if found is None else float(found) / len(values)


def median(values: list[Any]) -> float | None:
    """The middle, or the mean of the two in the middle, as a float."""
    if not values:
        return None
    ordered = sorted(values)
    half = len(ordered) // 2
    return mean(ordered[half : half + 1] if len(ordered) % 2 else ordered[half - 1 : half + 1])


def place_of(share: Fraction, count: int) -> int:
    """Which of so many values in order, from 1, is the percentile by nearest rank."""
    return max(1, math.ceil(share * count))


def percentile(share: Fraction, values: list[Any]) -> Any:
    """The least value that a share of all values, or more, do not exceed."""
    return sorted(values)[place_of(share, len(values)) - 1] if values else None


def streak(ordinals: list[int]) -> int:
    """How many numbers there are at most of which each is the next one after another."""
    # What a number is ahead of its place changes where one is left out.
    runs = Counter(number - place for place, number in enumerate(sorted(set(ordinals))))
    return max(runs.values(), default=0)


def mode(values: list[Any]) -> Any:
    """The most frequent, and of several the least."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value), default=None)
