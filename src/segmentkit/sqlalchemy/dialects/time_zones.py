"""Calendars and clocks in SQL: UTC plus seconds that are bound as constants.

No database is asked for a zone's history: some have none, and theirs need not be Python's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, TypeAlias

import sqlalchemy as sa

from segmentkit._calendar import add_days, clock_steps, midnight_steps, shown_steps
from segmentkit._calendar import first_instant as begin
from segmentkit._schema.stored_forms import LocalTime
from segmentkit.dtypes import Kind
from segmentkit.sqlalchemy.dialects.bind_types import sent
from segmentkit.sqlalchemy.dialects.constructs import FUNCTIONS, Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled, later
from segmentkit.sqlalchemy.dialects.forms import InForm, is_before, is_since
from segmentkit.sqlalchemy.dialects.stored_values import VariedInUtc, varies
from segmentkit.sqlalchemy.dialects.written_times import on_one_clock

Sql: TypeAlias = sa.ColumnElement[Any]

YEARS_AHEAD = 10
"""Until the end of which year after ``as_of`` changes of clocks are known, beside all before."""
_FIRST_CHANGE = 1840
"""Clocks that show the time of a zone, and not of the sun, are younger."""
_LAST_CHANGE = 2050
_SHOWN = sorted({datetime.min.year, *range(_FIRST_CHANGE, _LAST_CHANGE + 1), datetime.max.year})
"""The years whose changes of clocks are known to the values of columns in local time."""
_SOON = datetime(2030, 1, 1)
"""Few of those are later."""


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
    if told_by is None and isinstance(at, InForm) and at.of == LocalTime(str(zone)):
        return _unless_skipped(at.kept, zone, on_one_clock(at.kept), lambda since, _: since)
    since: list[Since] = [(max(t, low) - by, t, s) for t, s in steps]
    ahead = _latest(start, since, as_of)
    return at if ahead is None else later(at, ahead)


def from_local(kept: Sql, zone: tzinfo) -> Sql:
    """The instant at which the clock of a zone shows a time, as `_calendar.first_shown` has it.

    Args:
        kept: The time, as a column keeps it.
        zone: The zone; changes of its clock after the year `_LAST_CHANGE` are not known.
    """
    steps = [(since, -ahead) for since, _, ahead in shown_steps(zone, _SHOWN)]
    behind = _latest(kept, [(since, since, seconds) for since, seconds in steps], _SOON)
    shown = on_one_clock(kept)
    found = shown if behind is None else later(shown, behind)
    return _unless_skipped(kept, zone, found, lambda since, ahead: since - timedelta(seconds=ahead))


def _unless_skipped(
    kept: Sql, zone: tzinfo, found: Sql, jumped: Callable[[datetime, int], datetime]
) -> Sql:
    """A time; where a clock skips what is kept, what is made of the end of the jump instead."""
    jumps = [each for each in shown_steps(zone, _SHOWN) if each[1] < each[0]]
    sides = [(skipped, 1) for _, skipped, _ in jumps] + [(since, 0) for since, _, _ in jumps]
    is_skipped = _latest(kept, [(t, t, n) for t, n in [(datetime.min, 0), *sorted(sides)]], _SOON)
    if is_skipped is None:
        return found
    ends = [
        (
            is_since(kept, skipped),
            Spelled(Construct.AS_INSTANT, sent(jumped(since, ahead), Kind.TIMESTAMP)),
        )
        for since, skipped, ahead in reversed(jumps)
    ]
    return sa.case((is_skipped == sa.literal(1, sa.Integer()), sa.case(*ends)), else_=found)


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
        since: list[Since] = [(t.date(), t, -s) for t, s in steps]
    else:
        _, later_by = told_by
        starts = [_before(t.date(), later_by) for t, _ in steps]
        pairs = zip(starts, steps, strict=True)
        since = [(begin(d, zone), t, -s) for d, (t, s) in pairs]
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


def _years(as_of: datetime) -> list[int]:
    last = min(as_of.year + YEARS_AHEAD, datetime.max.year)
    return sorted({datetime.min.year, *range(_FIRST_CHANGE, last + 1), datetime.max.year})


Since: TypeAlias = tuple[date, datetime, int]
"""From where on it is so many seconds, and when that is."""


def _latest(time: Sql, steps: list[Since], as_of: datetime) -> Sql | None:
    """The seconds since the latest step that a time has passed; None where they are always none.

    The past stands newest first, for most rows are young; before it one test guards the future.
    """
    if not any(seconds for _, _, seconds in steps):
        return None
    past = [(is_since(time, since), seconds) for since, at, seconds in steps[1:] if at <= as_of]
    future = [(since, seconds) for since, at, seconds in steps[1:] if at > as_of]
    whens: list[tuple[Sql, Any]] = past[::-1]
    if future:
        ends = [is_before(time, since) for since, _ in future[1:]]
        *known, last = (seconds for _, seconds in future)
        later = _case(list(zip(ends, known, strict=True)), last)
        whens.insert(0, (is_since(time, future[0][0]), later))
    return _case(whens, steps[0][2])


def _case(whens: list[tuple[Sql, Any]], otherwise: int) -> Sql:
    whens = [(test, _seconds(value)) for test, value in whens]
    return sa.case(*whens, else_=_seconds(otherwise)) if whens else _seconds(otherwise)


def _seconds(value: Any) -> Sql:
    # The numbers are ours, and parameters are few.
    return sa.literal_column(f"({value})", sa.Integer()) if isinstance(value, int) else value
