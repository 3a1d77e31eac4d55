"""Calendars and clocks in SQL: UTC plus seconds that are bound as constants.

No database is asked for a zone's history: some have none, and theirs need not be Python's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import Any, TypeAlias

import sqlalchemy as sa
from attrs import frozen

from segmentkit._calendar import Steps, clock_steps, midnight_steps, shown_steps
from segmentkit._calendar import first_instant as begin
from segmentkit._schema.stored_forms import LocalTime
from segmentkit.dtypes import Kind
from segmentkit.sqlalchemy.dialects.bind_types import sent
from segmentkit.sqlalchemy.dialects.constructs import FUNCTIONS, Construct
from segmentkit.sqlalchemy.dialects.elements import Bracketed, Spelled, later
from segmentkit.sqlalchemy.dialects.forms import InForm, Passed, by_steps
from segmentkit.sqlalchemy.dialects.stored_values import VariedInUtc, varies
from segmentkit.sqlalchemy.dialects.written_times import on_one_clock

Sql: TypeAlias = sa.ColumnElement[Any]
Earliest: TypeAlias = Callable[[date], date]
"""Of which day on something is a day or later."""

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


def ordinal(name: str, day: Sql) -> Sql:
    """What number the part of the calendar has that a day is in; see `_operators.ORDINALS`."""
    match name.removeprefix("ordinal of "):
        case "day":
            return Spelled(Construct.ORDINAL, day)
        case "week":
            return _seventh(day, 6)
        case "week from Sunday":
            return _seventh(day, 7)
        case "month":
            return sa.extract("year", day) * 12 + sa.extract("month", day)
        case "quarter":
            return sa.extract("year", day) * 4 + part("quarter", day, is_date=True)
        case _:
            return sa.extract("year", day)


def _seventh(day: Sql, ahead: int) -> Sql:
    days = Bracketed(None, Spelled(Construct.ORDINAL, day) + ahead, type_=sa.BigInteger())
    return Spelled(Construct.QUOTIENT, days, sa.literal(7, sa.BigInteger()))


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
    start, by = (in_utc(at), timedelta()) if told_by is None else told_by
    steps = clock_steps(zone, _years(as_of))
    if told_by is None and isinstance(at, InForm) and isinstance(at.of, LocalTime):
        return _of_local(at.kept, at.of, steps)
    at = on_one_clock(in_utc(at))
    still = timedelta()
    low, high = datetime.min + max(by, still), datetime.max + min(by, still)
    # Beyond these ends, every instant has passed a step once it has moved, or none has.
    steps = [(t, s) for t, s in steps if t <= high]
    since: list[Since] = [(max(t, low) - by, t, s) for t, s in steps]
    ahead = _latest(start, since, as_of)
    return at if ahead is None else later(at, ahead)


def from_local(kept: Sql, zone: tzinfo) -> Sql:
    """The instant at which the clock of a zone shows a time, as `_calendar.first_shown` has it.

    Args:
        kept: The time, as a column keeps it.
        zone: The zone; changes of its clock after the year `_LAST_CHANGE` are not known.
    """
    return _of_local(kept, LocalTime(str(zone)), [(datetime.min, 0)])


@lru_cache(maxsize=256)
def _turns_of_local(
    form: LocalTime,
    shown: tuple[tuple[datetime, datetime, int], ...],
    other: tuple[tuple[datetime, int], ...],
) -> tuple[list[Since], list[Since]]:
    """How far another clock is ahead of the clock of a form, and where the latter jumps."""
    turns = [(since, -ahead) for since, _, ahead in shown]
    ahead_since = [(least, ahead) for at, ahead in other if (least := form.least(at)) is not None]
    merged: list[Since] = [
        (since, since, _at(turns, since) + _at(ahead_since, since))
        for since in sorted({since for since, _ in (*turns, *ahead_since)})
    ]
    # Where the clock skips what is kept, it is the end of the jump.
    jumps: list[Since] = [(datetime.min, datetime.min, None)]
    for since, skipped, _ in shown:
        if skipped < since:
            end = since + timedelta(seconds=_at(turns, since) + _at(ahead_since, since))
            jumps += [(skipped, skipped, end), (since, since, None)]
    return merged, jumps


def _of_local(kept: Sql, form: LocalTime, other: Steps) -> Sql:
    """What another clock shows when the clock of a form shows a time."""
    shown = shown_steps(form.clock, _SHOWN)
    merged, jumps = _turns_of_local(form, tuple(shown), tuple(other))
    by = _latest(kept, merged, _SOON)
    time = on_one_clock(kept)
    found = time if by is None else later(time, by)
    ends = _latest(kept, jumps, _SOON)
    return found if ends is None else sa.func.coalesce(ends, found, type_=found.type)


def _at(steps: Steps, time: datetime) -> int:
    return steps[bisect_right(steps, time, key=itemgetter(0)) - 1][1]


def first_instant(
    day: Sql, zone: tzinfo, as_of: datetime, told_by: tuple[Sql, Earliest] | None = None
) -> Sql:
    """Midnight in a zone, or the day's first instant where the clock jumps over midnight.

    Args:
        day: The day.
        zone: The zone.
        as_of: When the question is asked.
        told_by: An instant that the day follows from, and of which day of it on the day is another
            or later. The steps are looked up by it: what makes a day of it stands once, and not
            beside each step.
    """
    steps = midnight_steps(zone, _years(as_of))
    if told_by is None:
        since: list[Since] = [(t.date(), t, -s) for t, s in steps]
    else:
        _, earliest = told_by
        starts = [earliest(t.date()) for t, _ in steps]
        pairs = zip(starts, steps, strict=True)
        since = [(begin(d, zone), t, -s) for d, (t, s) in pairs]
    behind = _latest(day if told_by is None else told_by[0], since, as_of)
    first = Spelled(Construct.FIRST_INSTANT, day)
    return first if behind is None else later(first, behind)


def micros(time: Sql, *, is_date: bool) -> Sql:
    """The microseconds from 1970 to an instant, or to the midnight with which a date begins."""
    at = Spelled(Construct.FIRST_INSTANT, time) if is_date else on_one_clock(in_utc(time))
    return Spelled(Construct.MICROS, at)


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


Since: TypeAlias = tuple[date, datetime, int | datetime | None]
"""From where on it is so many seconds, or an instant, and when that is."""


def _latest(time: Sql, steps: list[Since], as_of: datetime) -> Sql | None:
    """What it is since the latest step that a time has passed; None where it is nothing always.

    The past stands newest first, for most rows are young; before it one test guards the future.
    """
    if all(isinstance(value, int | None) and not value for *_, value in steps):
        return None
    past = tuple((since, value) for since, at, value in steps if at <= as_of)
    future = tuple((since, value) for since, at, value in steps if at > as_of)
    return by_steps(time, _Turns(past, future))


_AT_ONCE = 12

Values: TypeAlias = list[tuple[date, Sql]]


@frozen(cache_hash=True)
class _Turns:
    """What it is since the latest step that a time has passed."""

    past: tuple[tuple[date, int | datetime | None], ...]
    future: tuple[tuple[date, int | datetime | None], ...]

    def by(self, is_since: Passed, is_before: Passed) -> Sql:
        """Make it of two tests of the time."""
        past = [(since, _value(value)) for since, value in self.past]
        future = [(since, _value(value)) for since, value in self.future]
        # Few tests come before that of a row, however old it is.
        ends = range(len(past) - 1, 0, -_AT_ONCE)
        parts = [past[1:][max(end - _AT_ONCE, 0) : end] for end in ends]
        whens = [(is_since(part[0][0]), _newest(part, is_since)) for part in parts]
        if future:
            whens.insert(0, (is_since(future[0][0]), _oldest(future, is_before)))
        return _case(whens, past[0][1])


def _newest(steps: Values, is_since: Passed) -> Sql:
    """What it is since the latest of steps, the first of which has been passed."""
    return _case([(is_since(at), value) for at, value in reversed(steps[1:])], steps[0][1])


def _oldest(steps: Values, is_before: Passed) -> Sql:
    """The same, where the first steps are the likeliest."""
    ends = [(is_before(after), value) for (_, value), (after, _) in pairwise(steps)]
    return _case(ends, steps[-1][1])


def _case(whens: list[tuple[Sql, Sql]], otherwise: Sql) -> Sql:
    return sa.case(*whens, else_=otherwise) if whens else otherwise


def _value(value: int | datetime | None) -> Sql:
    match value:
        case None:
            return sa.null()
        case datetime():
            return Spelled(Construct.AS_INSTANT, sent(value, Kind.TIMESTAMP))
        case _:
            # The numbers are ours, and parameters are few.
            return sa.literal_column(f"({value})", sa.Integer())
