"""Times that move, and lengths of time as numbers of microseconds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa

from segmentkit._calendar import MICROSECONDS, add_days, first_before, length_of
from segmentkit._planning import ir
from segmentkit._planning.time_arithmetic import inside
from segmentkit.dtypes import DATE
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Bracketed, Spelled, later
from segmentkit.sqlalchemy.dialects.time_zones import Earliest, in_utc, micros
from segmentkit.sqlalchemy.dialects.written_times import on_one_clock

Sql: TypeAlias = sa.ColumnElement[Any]


_FARTHEST = 9_000 * 365 * MICROSECONDS["day"]
"""Within that, the ends of the calendar can be moved, too."""


class Compiles(Protocol):
    """What compiles the operands."""

    def condition(self, node: ir.Condition) -> Sql:
        """A condition."""
        ...

    def value(self, node: ir.Value) -> Sql:
        """A value."""
        ...

    def operand(self, node: ir.Value) -> Sql:
        """A value that SQL computes with."""
        ...


def lowered(of: Compiles, node: ir.Call) -> Sql:
    """What one of the functions comes to of which the arithmetic of times consists."""
    match node.name, node.arguments:
        case "micros", (time,):
            return micros(of.operand(time), is_date=time.dtype == DATE)
        case "within", (number, low, high):
            held = of.operand(number)
            return sa.case((held.between(of.value(low), of.value(high)), held))
        case _:
            test, moved = inside(node), _moved(of, node)
            if test == ir.TRUE:
                return moved
            # What it is has one form, whatever form the time is written in.
            return Bracketed(None, sa.case((of.condition(test), moved)), type_=moved.type)


def told_by(of: Compiles, day: ir.Value) -> tuple[Sql, Earliest] | None:
    """The instant that a date follows from, and of which day on it is another or later.

    None where the date is of no instant.
    """
    match day:
        case ir.Call("day", (ir.Call("local", (at, _)),)):
            return on_one_clock(in_utc(of.operand(at))), lambda day: day
        case ir.Call("moved", (start, ir.Const(int() as by))):
            days = length_of(by).days
            return _moved_on(told_by(of, start), lambda day: add_days(day, -days))
        case ir.Call("later_month", (start, ir.Const(int() as by))):
            return _moved_on(told_by(of, start), lambda day: first_before(day, by))
        case _:
            return None


def _moved_on(start: tuple[Sql, Earliest] | None, before: Earliest) -> tuple[Sql, Earliest] | None:
    return start and (start[0], lambda day: start[1](before(day)))


def start_of(of: Compiles, at: ir.Value) -> tuple[Sql, timedelta] | None:
    """The instant from which another one is moved, and by how much; None where it is not.

    A move nearly as long as the calendar is left as it is.
    """
    match at:
        case ir.Call("moved", (start, ir.Const(int() as by))) if abs(by) < _FARTHEST:
            before = start_of(of, start)
            if before and abs(before[1] + length_of(by)) < length_of(_FARTHEST):
                return before[0], before[1] + length_of(by)
            return on_one_clock(in_utc(of.operand(start))), length_of(by)
        case _:
            return None


def _moved(of: Compiles, node: ir.Call) -> Sql:
    """A time some while later, in the calendar or not."""
    start, by = node.arguments
    time = of.operand(start)
    if node.name == "later_month":
        return Spelled(Construct.MONTHS_LATER, time, of.value(by))
    if start.dtype == DATE:
        return Spelled(Construct.DAYS_LATER, time, _divided(of, by, MICROSECONDS["day"]))
    return later(on_one_clock(in_utc(time)), _divided(of, by, MICROSECONDS["second"]))


def _divided(of: Compiles, by: ir.Value, unit: int) -> Sql:
    """A length in a larger unit, of which it has a whole number."""
    if isinstance(by, ir.Const) and isinstance(by.value, int):
        return sa.literal(by.value // unit, sa.BigInteger())
    return Spelled(Construct.QUOTIENT, of.operand(by), sa.literal(unit, sa.BigInteger()))
