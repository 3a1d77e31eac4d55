"""Calendar arithmetic. Instants are naive datetimes in UTC; a zone says where days begin."""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EXACT_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
"""Units of a fixed length, in seconds."""

MICROSECONDS = {unit: seconds * 1_000_000 for unit, seconds in EXACT_UNITS.items()}
"""The same in microseconds, in which lengths of time are counted."""

MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""Units that are steps in a calendar, in months."""

WEEK_STARTS = ("monday", "sunday")
"""The days on which weeks can begin; the first where nothing is said."""

SUNDAY_WEEK = "week from Sunday"
"""What a week is where weeks begin on Sunday: a unit of the calendar, and a function of times.

No definition can name it.
"""

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


def micros(time: date) -> int:
    """The microseconds from 1970 to an instant, or to the midnight with which a date begins."""
    at = time if isinstance(time, datetime) else datetime(time.year, time.month, time.day)
    return (at - _EPOCH) // _MICROSECOND


FIRST_MICRO, LAST_MICRO = micros(datetime.min), micros(datetime.max)
"""The ends of the calendar."""


def instant_at(microseconds: int) -> datetime:
    """The instant so many microseconds after 1970, within the calendar."""
    return _EPOCH + microseconds * _MICROSECOND


def length_of(microseconds: float) -> timedelta:
    """A length of time as Python has it: in whole microseconds, and no longer than those go."""
    try:
        return timedelta(microseconds=round(microseconds))
    except OverflowError:
        return timedelta.max if microseconds > 0 else timedelta.min


def is_in_calendar(months: int) -> bool:
    """Whether a year and a month, counted in months from the year 0 on, have dates."""
    return date.min.year * 12 <= months < (date.max.year + 1) * 12


def months_later(day: date, months: int) -> date | None:
    """The same day of another month, or its last day; None out of the calendar."""
    inside = is_in_calendar(day.year * 12 + day.month - 1 + months)
    return add_months(day, months) if inside else None


def is_zone(name: object) -> bool:
    """Whether it is the IANA name of a time zone."""
    try:
        ZoneInfo(name)  # type: ignore[arg-type]
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        return False
    return True


def to_utc(value: datetime, zone: tzinfo) -> datetime:
    """An instant in UTC without a zone; a value without one is read in ``zone``."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    try:
        return value.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return datetime.max if value.year > 1 else datetime.min


def first_shown(shown: datetime, zone: tzinfo) -> datetime:
    """When the clock of ``zone`` shows a time: the first instant, if it shows it twice.

    Of a time that it skips, it is the instant at which it does. So it never goes back as the time
    that is shown goes on.
    """
    early, late = (to_utc(shown.replace(fold=fold), zone) for fold in (0, 1))
    if early <= late:
        return early
    # Before the jump the clock was less ahead, so that it would have shown the time later.
    before = late.replace(microsecond=0)
    return _step_between(_at_instant, timedelta(seconds=1), zone, before, early)[0]


def local(instant: datetime, zone: tzinfo) -> datetime:
    """What the clock on the wall of ``zone`` shows at an instant."""
    try:
        return instant.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return instant


def in_zone(instant: datetime, zone: tzinfo) -> datetime:
    """The same instant with its zone."""
    try:
        return instant.replace(tzinfo=UTC).astimezone(zone)
    except OverflowError:
        return instant.replace(tzinfo=UTC)


def shown(at: datetime) -> str:
    """An instant with a zone, for people to read: what the clocks of that zone show."""
    return f"{at.replace(tzinfo=None).isoformat(' ', 'seconds')} {at.tzinfo}"


def first_instant(day: date, zone: tzinfo) -> datetime:
    """When a day begins in ``zone``.

    Where the clock jumps over midnight, the offset before the jump gives the jump itself,
    which is the day's first instant (PEP 495 with ``fold=0``).
    """
    return to_utc(datetime(day.year, day.month, day.day), zone)


# -- what the clocks of a zone show, as steps: for targets that cannot ask the zone ---------------

Steps: TypeAlias = list[tuple[datetime, int]]
"""Since when a clock is so many seconds ahead of UTC, in order, from the calendar's begin on."""


def clock_steps(zone: tzinfo, years: Iterable[int]) -> Steps:
    """How far the clock of a zone is ahead of UTC at each instant of some years, in order."""
    return _steps(_at_instant, timedelta(seconds=1), zone, years)


def shown_steps(zone: tzinfo, years: Iterable[int]) -> list[tuple[datetime, datetime, int]]:
    """The same by what the clock shows, for `first_shown`.

    Returns:
        The time before which it skips or repeats some, the first one that it has skipped (the same,
        if it skips none), and how many seconds it is ahead from there on.
    """
    # At the ends of the calendar, what the clock shows may be beyond it.
    first, last = datetime.min + _APART, datetime.max - _APART
    steps = [(datetime.min, _at_instant(first, zone))]
    steps += [step for step in clock_steps(zone, years) if first < step[0] < last]
    found = [(datetime.min, datetime.min, steps[0][1])]
    for (_, before), (at, after) in pairwise(steps):
        since = at + timedelta(seconds=max(before, after))
        skipped = at + timedelta(seconds=before) if after > before else since
        found.append((since, skipped, after))
    return found


def midnight_steps(zone: tzinfo, years: Iterable[int]) -> Steps:
    """How far midnight in a zone is ahead of the first instant of that day, by days."""
    return _steps(_at_midnight, timedelta(days=1), zone, years)


def _at_instant(instant: datetime, zone: tzinfo) -> int:
    return int((local(instant, zone) - instant).total_seconds())


def _at_midnight(midnight: datetime, zone: tzinfo) -> int:
    return int((midnight - first_instant(midnight.date(), zone)).total_seconds())


_Ahead: TypeAlias = Callable[[datetime, tzinfo], int]


def _steps(ahead: _Ahead, unit: timedelta, zone: tzinfo, years: Iterable[int]) -> Steps:
    steps = [(datetime.min, ahead(datetime.min, zone))]
    for year in years:
        for since, seconds in _steps_of_year(ahead, unit, zone, year):
            if seconds != steps[-1][1]:
                steps.append((since, seconds))
    return steps


_APART = timedelta(days=3)
"""No clock was ever changed twice within so short a time."""


@lru_cache(maxsize=4096)
def _steps_of_year(ahead: _Ahead, unit: timedelta, zone: tzinfo, year: int) -> Steps:
    before, end = datetime(year, 1, 1), datetime.min + (datetime.max - datetime.min) // unit * unit
    steps = [(before, ahead(before, zone))]
    while before.year == year and before < end:
        after = before + min(_APART, end - before)
        if ahead(after, zone) != steps[-1][1]:
            steps.append(_step_between(ahead, unit, zone, before, after))
        before = after
    return steps


def _step_between(
    ahead: _Ahead, unit: timedelta, zone: tzinfo, before: datetime, after: datetime
) -> tuple[datetime, int]:
    old, new = ahead(before, zone), ahead(after, zone)
    while after - before > unit:
        middle = before + max(unit, (after - before) // 2 // unit * unit)
        if ahead(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after, new


def add_days(day: date, count: int) -> date:
    """A day so many days later, held within the calendar."""
    try:
        return day + timedelta(days=count)
    except OverflowError:
        return date.max if count > 0 else date.min


def add_months(day: date, count: int) -> date:
    """A day so many months later, clamped at the month's end, held within the calendar."""
    index = day.year * 12 + day.month - 1 + count
    year, month = divmod(index, 12)
    if year < date.min.year:
        return date.min
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def first_before(day: date, months: int) -> date:
    """The first day that is a day or later once it is so many months later."""
    found = add_months(day, -months)
    return found if add_months(found, months) >= day else add_days(found, 1)


def shift_date(day: date, count: int, unit: str) -> date:
    """A day moved by days, weeks, months, quarters or years."""
    if unit in MONTHS:
        return add_months(day, count * MONTHS[unit])
    return add_days(day, count * EXACT_UNITS[unit] // EXACT_UNITS["day"])


def shift(instant: datetime, count: int, unit: str, zone: tzinfo) -> datetime:
    """An instant moved: exactly by seconds … weeks, by the calendar of ``zone`` for the rest."""
    if unit in EXACT_UNITS:
        try:
            return instant + timedelta(seconds=count * EXACT_UNITS[unit])
        except OverflowError:
            return datetime.max if count > 0 else datetime.min
    clock = local(instant, zone)
    moved = add_months(clock.date(), count * MONTHS[unit])
    return to_utc(datetime.combine(moved, clock.time()), zone)


def start_of(instant: datetime, count: int, unit: str, zone: tzinfo) -> datetime:
    """The first instant of the calendar unit that lies ``count`` units from the current one."""
    if unit in ("second", "minute", "hour"):
        clock = local(instant, zone)
        since = timedelta(microseconds=clock.microsecond)
        if unit != "second":
            since += timedelta(seconds=clock.second)
        if unit == "hour":
            since += timedelta(minutes=clock.minute)
        try:
            start = instant - since
        except OverflowError:
            return datetime.min
        return shift(start, count, unit, zone)
    return first_instant(start_date(local(instant, zone).date(), count, unit), zone)


def start_date(today: date, count: int, unit: str) -> date:
    """The first day of the unit ``count`` units from today's.

    A ``week`` begins on Monday, and a `SUNDAY_WEEK` on Sunday.
    """
    match unit:
        case "day":
            start = today
        case "week":
            start = add_days(today, -today.weekday())
        case "week from Sunday":
            return add_days(first_of_sunday_week(today), 7 * count)
        case "month":
            start = today.replace(day=1)
        case "quarter":
            start = today.replace(month=today.month - (today.month - 1) % 3, day=1)
        case _:
            start = today.replace(month=1, day=1)
    return shift_date(start, count, unit)


def first_of_sunday_week(day: date) -> date:
    """The Sunday with which a day's week begins; that of the calendar's first days, with them."""
    return add_days(day, -(day.isoweekday() % 7))


def years_between(birth: date, today: date) -> int:
    """Whole years; 29 February counts as 28 February in common years."""
    return today.year - birth.year - ((birth.month, birth.day) > _reached(today))


def _reached(today: date) -> tuple[int, int]:
    """The latest (month, day) whose anniversary has come this year."""
    if (today.month, today.day) == (2, 28) and not isleap(today.year):
        return 2, 29
    return today.month, today.day


def latest_birth(years: int, today: date) -> date | None:
    """The last day of birth of someone who is at least ``years`` old; None before the calendar.

    Beyond the calendar's end it is the calendar's end.
    """
    year = today.year - years
    if year < date.min.year:
        return None
    if year > date.max.year:
        return date.max
    month, day = _reached(today)
    return date(year, month, min(day, monthrange(year, month)[1]))


def month_day(day: date) -> int:
    """Month and day as one number that orders the days of a year: 9 May is 509."""
    return day.month * 100 + day.day


def anniversaries(first: date, last: date) -> tuple[int, int] | None:
    """The days of the year on which someone has an anniversary from ``first`` to ``last``.

    Args:
        first: The first day of the range.
        last: The last day of the range, itself in it, not before ``first``.

    Returns:
        The first and the last day of the year, as ``month_day`` numbers; the first is the greater
        where the range passes the year's end. None when the range covers a whole year.
    """
    if first.year < date.max.year and last >= add_months(first, 12) - timedelta(days=1):
        return None
    month, day = _reached(last)
    return month_day(first), month * 100 + day
