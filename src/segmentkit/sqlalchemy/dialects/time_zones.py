"""Calendars and clocks in SQL: UTC plus seconds that are bound as constants.

No database is asked for a zone's history: some have none, and theirs need not be Python's.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from typing import Any, TypeAlias

import sqlalchemy as sa

from segmentkit._calendar import add_days, clock_steps, midnight_steps
from segmentkit._calendar import first_instant as begin
from segmentkit.dtypes import Kind
from segmentkit.sqlalchemy.dialects.bind_types import CONSTANTS
from segmentkit.sqlalchemy.dialects.constructs import FUNCTIONS, Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled, later
from segmentkit.sqlalchemy.dialects.stored_values import VariedInUtc, varies
from segmentkit.sqlalchemy.dialects.written_times import on_one_clock

Sql: TypeAlias = sa.ColumnElement[Any]

YEARS_AHEAD = 10
"""Until the end of which year after ``as_of`` changes of clocks are known, beside all before."""
_FIRST_CHANGE = 1840
"""Clocks that show the time of a zone, and not of the sun, are younger."""


def part(name: str, time: Sql, *, is_date: bool) -> Sql:
    """A part of what a calendar and a clock show, by its name in the language."""
    if name != "hour" and not is_date:
        time = Spelled(Construct.DAY, time)
    if name == "day":
        return time
    if name in FUNCTIONS:
        return Spelled(FUNCTIONS[name], time)
    if name == "quarter":
        month = sa.extract("month", time)
        return sa.case(*((month <= 3 * number, number) for number in range(1, 5)))
    return sa.extract("day" if name == "monthday" else name, time)


def local(
    at: Sql, zone: tzinfo, as_of: datetime, told_by: tuple[Sql, timedelta] | None = None
) -> Sql:
    """What the clock of a zone shows at an instant.

    Args:
        at: The instant.
        zone: The zone.
        as_of: When the question is asked.
        told_by: An instant, and how much later than it the other one is, at most 9,000 years.
            The steps are looked up by it: what moves it stands once, and not beside each step.
    """
    at = on_one_clock(in_utc(at))
    start, by = (at, timedelta()) if told_by is None else told_by
    still = timedelta()
    low, high = datetime.min + max(by, still), datetime.max + min(by, still)
    # Beyond these ends, every instant has passed a step once it has moved, or none has.
    steps = [(t, s) for t, s in clock_steps(zone, _years(as_of)) if t <= high]
    since = [(_constant(max(t, low) - by, start), t, s) for t, s in steps]
    ahead = _latest(start, since, as_of)
    return at if ahead is None else later(at, ahead)


def first_instant(
    day: Sql, zone: tzinfo, as_of: datetime, told_by: tuple[Sql, timedelta] | None = None
) -> Sql:
    """Midnight in a zone, or the day's first instant where the clock jumps over midnight.

    Args:
        day: The day.
        zone: The zone.
        as_of: When the question is asked.
        told_by: An instant on whose day, so much later, the day is. The steps are looked up by it:
            what makes a day of it stands once, and not beside each step.
    """
    steps = midnight_steps(zone, _years(as_of))
    if told_by is None:
        since = [(_constant(t.date(), day), t, -s) for t, s in steps]
    else:
        day_of, later_by = told_by
        starts = [_before(t.date(), later_by) for t, _ in steps]
        pairs = zip(starts, steps, strict=True)
        since = [(_constant(begin(d, zone), day_of), t, -s) for d, (t, s) in pairs]
    behind = _latest(day if told_by is None else told_by[0], since, as_of)
    first = Spelled(Construct.FIRST_INSTANT, day)
    return first if behind is None else later(first, behind)


def micros(time: Sql, *, is_date: bool) -> Sql:
    """The microseconds from 1970 to an instant, or to the midnight with which a date begins."""
    at = Spelled(Construct.FIRST_INSTANT, time) if is_date else on_one_clock(in_utc(time))
    return Spelled(Construct.MICROS, at)


def _before(day: date, by: timedelta) -> date:
    return add_days(day, -by.days)


def in_utc(at: Sql) -> Sql:
    """An instant without a zone, as constants are bound."""
    if varies(at.type):
        return VariedInUtc(at)
    return Spelled(Construct.IN_UTC, at) if is_aware(at) else at


def is_aware(at: Sql) -> bool:
    """Whether a column keeps a zone with its instants."""
    return bool(getattr(at.type, "timezone", False))


def _constant(value: date, like: Sql) -> Sql:
    parameter = CONSTANTS[Kind.TIMESTAMP if isinstance(value, datetime) else Kind.DATE]
    return parameter(None, value, like.type, unique=True)


def _years(as_of: datetime) -> list[int]:
    last = min(as_of.year + YEARS_AHEAD, datetime.max.year)
    return sorted({datetime.min.year, *range(_FIRST_CHANGE, last + 1), datetime.max.year})


def _latest(time: Sql, steps: list[tuple[Sql, datetime, int]], as_of: datetime) -> Sql | None:
    """The seconds since the latest step that a time has passed; None where they are always none.

    The past stands newest first, for most rows are young; before it one test guards the future.
    """
    if not any(seconds for _, _, seconds in steps):
        return None
    past = [(time >= since, seconds) for since, at, seconds in steps[1:] if at <= as_of]
    future = [(since, seconds) for since, at, seconds in steps[1:] if at > as_of]
    whens: list[tuple[Sql, Any]] = past[::-1]
    if future:
        ends = [time < since for since, _ in future[1:]]
        *known, last = (seconds for _, seconds in future)
        later = _case(list(zip(ends, known, strict=True)), last)
        whens.insert(0, (time >= future[0][0], later))
    return _case(whens, steps[0][2])


def _case(whens: list[tuple[Sql, Any]], otherwise: int) -> Sql:
    whens = [(test, _seconds(value)) for test, value in whens]
    return sa.case(*whens, else_=_seconds(otherwise)) if whens else _seconds(otherwise)


def _seconds(value: Any) -> Sql:
    # The numbers are ours, and parameters are few.
    return sa.literal_column(f"({value})", sa.Integer()) if isinstance(value, int) else value
