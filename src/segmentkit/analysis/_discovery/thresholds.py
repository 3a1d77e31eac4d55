"""Bounds between two values with as few digits as possible: where a definition divides people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from decimal import Context, Decimal, localcontext
from typing import Any, TypeAlias

from attrs import field, frozen

from segmentkit._calendar import first_instant, local, shift
from segmentkit._language.formatter import format_value


@frozen
class Bound:
    """A constant that values are compared with.

    Attributes:
        value: What it is, as the values are.
        text: How a definition says it.
    """

    value: Any
    text: str = field(eq=False)


Between: TypeAlias = Callable[[Any, Any], Bound | None]
"""Finds a bound above the first value, and not above the second; None if none can be written."""

_MOST_DIGITS = 18
_LARGEST = 2**63 - 1
"""How many digits a number has after the point at most in a definition, and how large it is."""


def between_numbers(kind: Callable[[Decimal], Any]) -> Between:
    """How numbers of a kind are parted: at the number of the fewest digits."""

    def between(low: Any, high: Any) -> Bound | None:
        with localcontext(Context(prec=800)):
            first, last = _finite(_exact(low), _exact(high))
            for number in _roundest(first, last):
                value = kind(number)
                if first < number <= last and low < value <= high:
                    return Bound(value, format_value(number))
        return None

    return between


def _exact(value: Any) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _finite(low: Decimal, high: Decimal) -> tuple[Decimal, Decimal]:
    """The same ends, or what lies within them if they are infinite."""
    match low.is_infinite(), high.is_infinite():
        case True, True:
            return Decimal(-1), Decimal(1)
        case True, False:
            return high - max(Decimal(1), abs(high)), high
        case False, True:
            return low, low + max(Decimal(1), abs(low))
        case _:
            return low, high


def _roundest(low: Decimal, high: Decimal) -> Iterator[Decimal]:
    """Numbers between two, the roundest first, and of these the one in the middle first."""
    if low < 0 <= high:
        yield Decimal(0)
    middle = (low + high) / 2
    for place in range(_MOST_DIGITS, -_MOST_DIGITS - 1, -1):
        step = Decimal(1).scaleb(place)
        nearest = (middle / step).to_integral_value()
        found = [(nearest + n) * step for n in (0, -1, 1)]
        for number in sorted(found, key=lambda number: abs(number - middle)):
            if abs(number) <= _LARGEST:
                yield number


_STEPS = (
    *(("year", count) for count in (10, 5, 1)),
    *(("month", count) for count in (6, 3, 1)),
    *(("day", count) for count in (10, 5, 1)),
    *(("hour", count) for count in (12, 6, 1)),
    *(("minute", count) for count in (30, 10, 1)),
    *(("second", count) for count in (30, 10, 1)),
)
_UNITS = {
    "year": (31_556_952, 99),
    "month": (2_629_746, 36),
    "day": (86_400, 999),
    "hour": (3_600, 999),
    "minute": (60, 999),
    "second": (1, 999),
}
"""About how many seconds a unit is, and how many of it can still be read."""


def between_times(instant: datetime, zone: tzinfo) -> Between:
    """How times are parted: so long ago, in units as large as can be; or at a date."""

    def between(low: datetime, high: datetime) -> Bound:
        middle = low + (high - low) / 2
        past = (instant - middle).total_seconds()
        for unit, step in _STEPS:
            length, most = _UNITS[unit]
            near = round(past / length / step)
            counts = [count for n in (0, -1, 1) if abs(count := (near + n) * step) <= most]
            moments = [(shift(instant, -count, unit, zone), count) for count in counts]
            within = [(abs(at - middle), at, count) for at, count in moments if low < at <= high]
            if within:
                _, at, count = min(within)
                return Bound(at, _ago(count, unit))
        return next(bound for bound in _begins(high, zone) if low < bound.value <= high)

    return between


def _ago(count: int, unit: str) -> str:
    if not count:
        return "now"
    units = unit if abs(count) == 1 else f"{unit}s"
    return f"{abs(count)} {units} {'ago' if count > 0 else 'from now'}"


def _begins(at: datetime, zone: tzinfo) -> Iterator[Bound]:
    """When the year of an instant began, its month, and so on; the instant itself at last."""
    day = local(at, zone).date()
    for begin in (day.replace(month=1, day=1), day.replace(day=1), day):
        yield Bound(first_instant(begin, zone), format_value(begin))
    second = at.replace(microsecond=0)
    for moment in (second.replace(minute=0, second=0), second.replace(second=0), second, at):
        yield Bound(moment, format_value(moment.replace(tzinfo=UTC)))
