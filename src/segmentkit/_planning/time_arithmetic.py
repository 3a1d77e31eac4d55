"""Times as numbers, and tests of such numbers as bounds of the times themselves.

A time that is moved, and a difference of times, is counted in microseconds since 1970. Where all
but one time is a constant, a test of the number is a test of that time, which an index can serve.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, tzinfo

from attrs import evolve

from segmentkit._calendar import (
    FIRST_MICRO,
    LAST_MICRO,
    MICROSECONDS,
    first_instant,
    instant_at,
    is_in_calendar,
    micros,
)
from segmentkit._operators import TIMES
from segmentkit._planning import ir
from segmentkit.dtypes import DATE, DURATION, TIMESTAMP, DType

_TO_ITS_DAY = {ir.Comparison.LT: ir.Comparison.LE, ir.Comparison.GE: ir.Comparison.GT}
_UPPER = (ir.Comparison.LT, ir.Comparison.LE)


def is_moved(value: ir.Value) -> bool:
    """Whether a value is a time some while before or after another."""
    return isinstance(value, ir.Call) and value.name in ("moved", "later_month")


def instant_of(value: ir.Value, as_of: datetime, zone: tzinfo) -> ir.Value:
    """The instant with which a date begins; an instant is its own."""
    if value.dtype == TIMESTAMP:
        return value
    if isinstance(value, ir.Const):
        day = value.value
        return ir.Const(first_instant(day, zone) if isinstance(day, date) else None, TIMESTAMP)
    if _reads_a_clock(value):
        each = by_branches(value, lambda branch: instant_of(branch, as_of, zone), TIMESTAMP)
        if each is not None:
            return each
    return ir.Call("instant", (value, ir.Const(as_of, TIMESTAMP)), TIMESTAMP)


def _reads_a_clock(day: ir.Value) -> bool:
    """Whether a date follows from what the clock of a zone shows."""
    match day:
        case ir.Call("local"):
            return True
        case ir.Call(arguments=parts) | ir.Case(values=parts):
            return any(map(_reads_a_clock, parts))
        case _:
            return False


def by_branches(time: ir.Value, of: Callable[[ir.Value], ir.Value], dtype: DType) -> ir.Case | None:
    """What a function comes to of each branch of a time that is chosen; None where no time is.

    SQL looks up by many tests what the clock of a zone shows. Each of these tests would contain
    all branches.

    Args:
        time: The time, which may be moved after it is chosen.
        of: The function.
        dtype: The type of what the function comes to.
    """
    match time:
        case ir.Case():
            return evolve(time, values=tuple(map(of, time.values)), dtype=dtype)
        case ir.Call("default", (value, _) as either):
            return ir.Case((ir.Not(ir.Missing(value)),), tuple(map(of, either)), dtype)
        case ir.Call("moved" | "later_month", (start, by)):
            return by_branches(start, lambda branch: of(_moved(time, branch, by)), dtype)
        case _:
            return None


def _moved(time: ir.Call, start: ir.Value, by: ir.Value) -> ir.Value:
    """A time as another one is moved."""
    if isinstance(start, ir.Const) and isinstance(by, ir.Const):
        return ir.Const(TIMES[time.name](start.value, by.value), time.dtype)
    return evolve(time, arguments=(start, by))


def number(time: ir.Value) -> ir.Value:
    """The microseconds from 1970 to a time, or to the midnight with which a date begins."""
    match time:
        case ir.Const(value):
            found = micros(value) if isinstance(value, date) else None
            return ir.Const(found, DURATION)
        case ir.Call("moved", (start, by)):
            low, high = _ends(time)
            return ir.Call("within", (_sum(number(start), by), low, high), DURATION)
        case _:
            return ir.Call("micros", (time,), DURATION)


def inside(time: ir.Call) -> ir.Condition:
    """That a time is in the calendar once it has moved; true of what is missing, or not."""
    start, by = time.arguments
    if time.name == "later_month":
        assert isinstance(by, ir.Const)
        return ir.conjunction([*between(start, *dates_with_months(_whole(by)))])
    total = _sum(number(start), by)
    low, high = map(_whole, _ends(time))
    tests = [bounded(ir.Comparison.GE, total, low), bounded(ir.Comparison.LE, total, high)]
    return ir.conjunction([test for test in tests if not _is_presence(test)])


def _ends(time: ir.Value) -> tuple[ir.Const, ir.Const]:
    """The first and the last number of a calendar's times."""
    last = LAST_MICRO
    if time.dtype == DATE:
        last -= last % MICROSECONDS["day"]
    return ir.Const(FIRST_MICRO, DURATION), ir.Const(last, DURATION)


def _sum(left: ir.Value, right: ir.Value) -> ir.Value:
    if isinstance(left, ir.Const) and isinstance(right, ir.Const):
        total = None if left.value is None or right.value is None else _whole(left) + _whole(right)
        return ir.Const(total, DURATION)
    return ir.Arithmetic("+", left, right, DURATION)


def _whole(node: ir.Const) -> int:
    assert isinstance(node.value, int)
    return node.value


def bounded(op: ir.Comparison, left: ir.Value, limit: int) -> ir.Condition:
    """``left op limit`` of a length of time, as a bound of the one time in it, if there is one."""
    match left:
        case ir.Arithmetic("+", inner, ir.Const(int() as by)):
            return bounded(op, inner, limit - by)
        case ir.Arithmetic("+", ir.Const(int() as by), inner):
            return bounded(op, inner, limit - by)
        case ir.Arithmetic("-", inner, ir.Const(int() as by)):
            return bounded(op, inner, limit + by)
        case ir.Arithmetic("-", ir.Const(int() as start), inner):
            return bounded(ir.MIRRORED[op], inner, start - limit)
        case ir.Call("within", (inner, ir.Const(int() as low), ir.Const(int() as high))):
            return _within(op, inner, limit, low, high)
        case ir.Call("micros", (time,)) if _is_bounded_itself(time):
            return _bound(op, time, limit)
        case _:
            return ir.Compare(op, left, ir.Const(limit, DURATION))


def _within(op: ir.Comparison, inner: ir.Value, limit: int, low: int, high: int) -> ir.Condition:
    """The same of a number that is missing out of a range: both ends of it are bounds, too."""
    if op is ir.Comparison.EQ:
        return bounded(op, inner, limit) if low <= limit <= high else ir.FALSE
    tests = [bounded(op, inner, limit)]
    if limit > high or op not in _UPPER:
        tests.append(bounded(ir.Comparison.LE, inner, high))
    if limit < low or op in _UPPER:
        tests.append(bounded(ir.Comparison.GE, inner, low))
    return ir.conjunction([test for test in tests if not _is_presence(test)] or tests)


def _is_presence(test: ir.Condition) -> bool:
    return test == ir.TRUE or isinstance(test, ir.Not)


def _is_bounded_itself(time: ir.Value) -> bool:
    return not (isinstance(time, ir.Call) and time.name == "instant")


def _bound(op: ir.Comparison, time: ir.Value, limit: int) -> ir.Condition:
    """``time op`` an instant; beyond the calendar every time is before it, or none is."""
    if time.dtype == DATE:
        rest = limit % MICROSECONDS["day"]
        limit -= rest
        if rest and op is ir.Comparison.EQ:
            return ir.FALSE
        if rest:
            # Dates before a later hour are those up to its day.
            op = _TO_ITS_DAY.get(op, op)
    if FIRST_MICRO <= limit <= LAST_MICRO:
        at = instant_at(limit)
        value: date | datetime = at.date() if time.dtype == DATE else at
        return ir.Compare(op, time, ir.Const(value, time.dtype))
    if op is ir.Comparison.EQ or (op in _UPPER) != (limit > LAST_MICRO):
        return ir.FALSE
    return ir.Not(ir.Missing(time)) if time.nullable else ir.TRUE


# -- months ---------------------------------------------------------------------------------------


_FIRST_DAY, _LAST_DAY = date.min.toordinal(), date.max.toordinal()


def dates_with_months(months: int) -> tuple[int, int]:
    """The first and the last date, by number, that have a date so many months later."""
    first = 12 - min(months, 0)
    if not is_in_calendar(first):
        return _LAST_DAY + 1, _LAST_DAY
    low = date(first // 12, first % 12 + 1, 1).toordinal()
    return low, _last(date.max, months)


def dates_within(op: ir.Comparison, day: date, months: int) -> tuple[int, int]:
    """The dates that are ``op day`` once they are so many months later, by their numbers.

    Dates in order are in order so many months later, too: some of them are the same then.
    """
    low, high = dates_with_months(months)
    before = _last(date.fromordinal(day.toordinal() - 1), months) if day > date.min else 0
    if op in (ir.Comparison.LE, ir.Comparison.EQ):
        high = min(high, _last(day, months))
    if op is ir.Comparison.LT:
        high = min(high, before)
    if op in (ir.Comparison.GE, ir.Comparison.EQ):
        low = max(low, before + 1)
    if op is ir.Comparison.GT:
        low = max(low, _last(day, months) + 1)
    return low, high


def _last(day: date, months: int) -> int:
    """The number of the last date that is, so many months later, not after a day."""
    index = day.year * 12 + day.month - 1 - months
    if not is_in_calendar(index):
        return _FIRST_DAY - 1 if index < 12 else _LAST_DAY
    year, month = index // 12, index % 12 + 1
    most = monthrange(year, month)[1]
    # Days that a shorter month lacks become its last one.
    ends = day.day == monthrange(day.year, day.month)[1]
    return date(year, month, most if ends else min(day.day, most)).toordinal()


def between(start: ir.Value, low: int, high: int) -> list[ir.Compare]:
    """The tests that a date is from one number to another; none where every date is."""
    tests = []
    if low > _FIRST_DAY:
        tests.append(ir.Compare(ir.Comparison.GE, start, ir.Const(date.fromordinal(low), DATE)))
    if high < _LAST_DAY:
        tests.append(ir.Compare(ir.Comparison.LE, start, ir.Const(date.fromordinal(high), DATE)))
    return tests
