"""What each window means: the two tests that a time in it passes."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, tzinfo
from typing import Any, TypeAlias, assert_never

from segmentkit._calendar import EXACT_UNITS, SUNDAY_WEEK, add_days, first_instant
from segmentkit._diagnostics.diagnostic import Diagnostic, advice, diagnostic
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._planning.ir import Anchor, Comparison, Const, Moment, Param, Value
from segmentkit.dtypes import DATE, TIMESTAMP, DType, Kind
from segmentkit.schema import Schema

Bound: TypeAlias = tuple[Comparison, Value]

_SHORTER_THAN_A_DAY = [
    unit for unit, seconds in EXACT_UNITS.items() if seconds < EXACT_UNITS["day"]
]


def bounds(
    window: t.Window, dtype: DType, low: Value | None, high: Value | None, schema: Schema
) -> tuple[Bound, Bound] | Diagnostic | None:
    """The lower and the upper end of a window over values of a type, as two tests.

    ``low`` and ``high`` are the checked ends of a range; the schema says where days and weeks
    begin. A diagnostic where the window does not suit a date; None where the type has no time.
    """
    if isinstance(window, t.Range):
        assert low is not None
        assert high is not None
        return _range(window, dtype, low, high, schema.zone)
    if not (dtype.is_time or dtype.kind is Kind.ANNIVERSARY):
        return None
    unit = getattr(window, "unit", "day")
    if dtype != TIMESTAMP and unit in _SHORTER_THAN_A_DAY:
        return diagnostic(
            "SK122", window.span, unit=term(f"{unit}s"), hint=advice("days_or_longer")
        )
    kind = TIMESTAMP if dtype == TIMESTAMP else DATE
    match window:
        case t.Rolling("last", count, unit):
            return (Comparison.GT, now(kind, count, unit, back=True)), (Comparison.LE, now(kind))
        case t.Rolling(_, count, unit):
            return (Comparison.GT, now(kind)), (Comparison.LE, now(kind, count, unit))
        case t.Calendar("this", _, unit):
            return _calendar(kind, begun(unit, schema), 0, 1)
        case t.Calendar(_, count, unit):
            return _calendar(kind, begun(unit, schema), 1 if count is None else count, 0)
        case t.Period():
            return _period(window, kind, schema.zone)
        case _:
            assert_never(window)


def begun(unit: str, schema: Schema) -> str:
    """A unit of the calendar, or the function of that name, as the schema has it."""
    return SUNDAY_WEEK if unit == "week" and schema.week_start == "sunday" else unit


def now(dtype: DType, count: t.Count = 0, unit: str = "day", *, back: bool = False) -> Value:
    """A time so many units from ``as_of``, or before it."""
    return moment(Anchor.NOW if dtype == TIMESTAMP else Anchor.TODAY, count, unit, dtype, back=back)


def moment(anchor: Anchor, count: t.Count, unit: str, dtype: DType, *, back: bool = False) -> Value:
    """A time so many units from another; as long as the count is a parameter, a parameter too."""
    if isinstance(count, t.Parameter):
        return Param(f"{count.name} {unit} {'before' if back else 'after'} {anchor.value}", dtype)
    return Moment(anchor, -count if back else count, unit, dtype)


def _calendar(dtype: DType, unit: str, before: t.Count, after: int) -> tuple[Bound, Bound]:
    return (
        (Comparison.GE, moment(Anchor.START, before, unit, dtype, back=True)),
        (Comparison.LT, moment(Anchor.START, after, unit, dtype)),
    )


def _period(window: t.Period, dtype: DType, zone: tzinfo) -> tuple[Bound, Bound]:
    first = date(window.year, window.month or 1, window.day or 1)
    if window.day is not None:
        last = first
    elif window.month is not None:
        last = first.replace(day=monthrange(window.year, window.month)[1])
    else:
        last = first.replace(month=12, day=31)
    return (Comparison.GE, _day(first, dtype, zone)), _through(last, dtype, zone)


def _through(last: date, dtype: DType, zone: tzinfo) -> Bound:
    """The test that a time is not after the end of a day; the calendar's last day has no next."""
    if last < date.max:
        return Comparison.LT, _day(add_days(last, 1), dtype, zone)
    return Comparison.LE, Const(datetime.max if dtype == TIMESTAMP else last, dtype)


def _day(day: date, dtype: DType, zone: tzinfo) -> Const:
    return Const(first_instant(day, zone) if dtype == TIMESTAMP else day, dtype)


def _range(
    window: t.Range, dtype: DType, low: Value, high: Value, zone: tzinfo
) -> tuple[Bound, Bound] | Diagnostic:
    """``between a and b``; of instants, a date at the upper end counts through its end."""
    upper: Bound = (Comparison.LE, high)
    if dtype == TIMESTAMP and high.dtype == DATE:
        match high:
            case Const(date() as day):
                upper = _through(day, TIMESTAMP, zone)
            case Moment():
                upper = (Comparison.LT, Moment(Anchor.START, 1, "day", TIMESTAMP))
            case _:
                told: dict[str, Any] = {"left": term("timestamp"), "right": term("date")}
                return diagnostic("SK104", window.high.span, hint=advice("upper_end"), **told)
    return (Comparison.GE, low), upper
