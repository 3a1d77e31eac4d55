"""Lengths of time: as they are written, and what arithmetic makes of them and of times."""

from __future__ import annotations

from attrs import evolve

from segmentkit._calendar import MICROSECONDS, MONTHS
from segmentkit._checking.coercion import exact_dtype, kind_of, to_float
from segmentkit._checking.context import Context
from segmentkit._checking.hints import in_days
from segmentkit._checking.parameters import number_of
from segmentkit._diagnostics.diagnostic import Hint, advice
from segmentkit._diagnostics.wording import Term, term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import (
    DATE,
    DURATION,
    FLOAT,
    INTEGER,
    MEAN_DURATION,
    TIMESTAMP,
    DType,
    Kind,
)

_DAY = MICROSECONDS["day"]
_MOST = 3_652_500 * _DAY
"""Ten thousand years: no two times of the calendar are further apart."""
_MOST_MONTHS = 120_000
_ZERO = ir.Const(0, DURATION)


def length(ctx: Context, node: t.Duration) -> ir.Value | None:
    """A length of time in microseconds; None after an error."""
    if node.unit in MONTHS:
        ctx.error("SK181", node.span, unit=term(f"{node.unit}s"), hint=_in_days(node))
        return None
    each = ir.Const(MICROSECONDS[node.unit], DURATION)
    match node.number:
        case t.Literal(int() as count):
            if abs(count * MICROSECONDS[node.unit]) > _MOST:
                ctx.error("SK183", node.span, text=format_tree(node))
                return None
            return ir.Const(count * MICROSECONDS[node.unit], DURATION)
        case t.Parameter() as parameter:
            most = _MOST // MICROSECONDS[node.unit]
            takes = evolve(number_of(f"{node.unit}s", most), least=-most)
            number = ctx.parameter(parameter, takes)
            return None if number is None else ir.Arithmetic("*", number, each, DURATION)
        case _:
            raise AssertionError(node.number)


_DAYS_OF = {"month": 30, "quarter": 90, "year": 365}


def _in_days(node: t.Duration) -> Hint:
    if not isinstance(node.number, t.Literal) or not isinstance(node.number.value, int):
        return advice("count_in_days")
    return advice("write", text=f"{node.number.value * _DAYS_OF[node.unit]} days")


def negative(value: ir.Value) -> ir.Value:
    """A length of time backwards."""
    if value.dtype.kind is Kind.FLOAT:
        return ir.Arithmetic("-", ir.Const(0.0, MEAN_DURATION), value, MEAN_DURATION)
    if isinstance(value, ir.Const) and isinstance(value.value, int):
        return ir.Const(-value.value, DURATION)
    return ir.Arithmetic("-", _ZERO, value, DURATION)


def months_later(
    ctx: Context, operator: str, left: t.Expr, time: ir.Value, node: t.Duration
) -> ir.Value | None:
    """``date + 3 months``; None after an error."""
    text = format_tree(node)
    if time.dtype != DATE:
        hint = None
        if time.dtype == TIMESTAMP:
            hint = advice("write", text=f"{_day(left)} {operator} {text}")
        elif time.dtype.is_duration:
            hint = _in_days(node)
        ctx.error("SK181", node.span, unit=term(f"{node.unit}s"), hint=hint)
        return None
    match node.number:
        case t.Literal(int() as count):
            months = count * MONTHS[node.unit]
            if abs(months) > _MOST_MONTHS:
                ctx.error("SK183", node.span, text=text)
                return None
            by = ir.Const(months if operator == "+" else -months, INTEGER)
            return ir.Call("later_month", (time, by), DATE)
        case _:
            hint = advice("months_written_out")
            ctx.error("SK181", node.span, unit=term(f"{node.unit}s"), hint=hint)
            return None


def _day(node: t.Expr) -> str:
    return f"day({format_tree(node)})"


def combined(
    ctx: Context,
    operator: str,
    left: tuple[t.Expr, ir.Value],
    right: tuple[t.Expr, ir.Value],
) -> ir.Value | None:
    """Arithmetic in which a time or a length of time stands; None after an error."""
    (left_node, a), (right_node, b) = left, right
    match _word(a.dtype), operator, _word(b.dtype):
        case "time", "-", "time":
            return _difference(a, b)
        case "time", "+" | "-", "length":
            return _moved(ctx, left_node, a, right_node, b if operator == "+" else negative(b))
        case "length", "+", "time":
            return _moved(ctx, right_node, b, left_node, a)
        case "length", "+" | "-", "length":
            if Kind.FLOAT in (a.dtype.kind, b.dtype.kind):
                return ir.Arithmetic(operator, to_float(a), to_float(b), MEAN_DURATION)
            return ir.Arithmetic(operator, a, b, DURATION)
        case "length", "*", "number":
            return _times(ctx, left_node, right_node, a, b)
        case "number", "*", "length":
            return _times(ctx, left_node, right_node, b, a)
        case "length", "/", "number":
            return ir.Arithmetic("/", to_float(a), to_float(b), MEAN_DURATION)
        case "length", "/", "length":
            return ir.Arithmetic("/", to_float(a), to_float(b), FLOAT)
        case _:
            _refuse(ctx, operator, left, right)
            return None


def _word(dtype: DType) -> str:
    if dtype.is_time:
        return "time"
    return "length" if dtype.is_duration else "number"


def _difference(a: ir.Value, b: ir.Value) -> ir.Value:
    """How long after another a time is; a date beside an instant is its first one."""
    if a.dtype != b.dtype:
        a, b = (
            ir.Call("instant", (each,), TIMESTAMP) if each.dtype == DATE else each
            for each in (a, b)
        )
    left, right = (ir.Call("micros", (each,), DURATION) for each in (a, b))
    return ir.Arithmetic("-", left, right, DURATION)


def _moved(
    ctx: Context, time_node: t.Expr, time: ir.Value, by_node: t.Expr, by: ir.Value
) -> ir.Value | None:
    span = by_node.span
    if by.dtype != DURATION:
        ctx.error("SK182", span, text=format_tree(by_node))
        return None
    if time.dtype == DATE and not _is_of_days(by):
        hint = None
        if not _is_fixed(by):
            hint = advice("dates_move_by_days")
        elif isinstance(by_node, t.Duration) and isinstance(time_node, t.Moment):
            hint = advice("write_quoted", text=f"now + {format_tree(by_node)}")
        hint = hint or advice("days_or_longer")
        ctx.error("SK122", span, unit=_unit(by_node), hint=hint)
        return None
    return ir.Call("moved", (time, by), time.dtype)


def _unit(node: t.Expr) -> Term:
    return term(f"{node.unit}s" if isinstance(node, t.Duration) else "hours")


def _is_of_days(by: ir.Value) -> bool:
    """Whether a length is whole days, whatever the data."""
    match by:
        case ir.Const(int() as value):
            return value % _DAY == 0
        case ir.Arithmetic("*", left, right):
            return _is_of_days(left) or _is_of_days(right)
        case ir.Arithmetic(_, left, right):
            return _is_of_days(left) and _is_of_days(right)
        case ir.Call("micros", (time,)):
            return time.dtype == DATE
        case _:
            return False


def _is_fixed(by: ir.Value) -> bool:
    """Whether a length is written out, or told by parameters."""
    parts = ir.walk(by)
    return all(isinstance(each, ir.Const | ir.Param | ir.Arithmetic) for each in parts)


def is_uneven(value: ir.Value) -> bool:
    """Whether a value is an instant moved by what the data says: a number to compare, no more."""
    match value:
        case ir.Call("moved", (time, by)):
            even = _is_fixed(by) or (time.dtype == DATE and _is_of_days(by))
            return not even or is_uneven(time)
        case ir.Call("micros", (ir.Call("moved", arguments),)):
            return any(map(is_uneven, arguments))
        case ir.Arithmetic() | ir.Call() | ir.Case() | ir.ToFloat():
            return any(is_uneven(part) for part in ir.parts(value) if isinstance(part, ir.Value))
        case _:
            return False


def _times(
    ctx: Context, left: t.Expr, right: t.Expr, by: ir.Value, number: ir.Value
) -> ir.Value | None:
    """A length so many times; whole times a whole number, where it is known how long it is."""
    match by, number:
        case ir.Const(int() as length), ir.Const(int() as times) if by.dtype == DURATION:
            if abs(length * times) > _MOST:
                text = f"{format_tree(left)} * {format_tree(right)}"
                ctx.error("SK183", left.span.to(right.span), text=text)
                return None
            return ir.Const(length * times, DURATION)
        case _, ir.Const(int()) if by.dtype == DURATION and _is_fixed(by):
            return ir.Arithmetic("*", by, number, DURATION)
        case ir.Const(int() as length), _ if by.dtype == DURATION and number.dtype == INTEGER:
            # No length is longer than the calendar, so no engine's integers are too small.
            most = _MOST // max(abs(length), 1)
            ends = ir.Const(-most, INTEGER), ir.Const(most, INTEGER)
            held = ir.Call("within", (number, *ends), INTEGER)
            return ir.Arithmetic("*", held, by, DURATION)
        case _:
            return ir.Arithmetic("*", to_float(by), to_float(number), MEAN_DURATION)


def _refuse(
    ctx: Context, operator: str, left: tuple[t.Expr, ir.Value], right: tuple[t.Expr, ir.Value]
) -> None:
    """Say what does not go together, and what was probably meant."""
    (left_node, a), (right_node, b) = left, right
    hint: Hint | None = None
    for node, value in (left, right):
        if isinstance(node, t.Literal) and value.dtype.is_number and operator in "+-":
            hint = in_days(node)
    if hint is None and a.dtype.is_time and b.dtype.is_time and operator == "+":
        hint = advice("difference_of_times")
    words = {
        "+": ("added to", b, a), "-": ("taken from", b, a),
        "*": ("multiplied by", a, b), "/": ("divided by", a, b),
    }[operator]  # fmt: skip
    word, first, second = words
    told = {"what": kind_of(first.dtype), "how": term(word), "other": kind_of(second.dtype)}
    ctx.error("SK180", left_node.span.to(right_node.span), hint=hint, **told)


def numbers(operator: str, left: ir.Value, right: ir.Value) -> ir.Value:
    """Arithmetic of numbers."""
    if operator == "/" or FLOAT in (left.dtype, right.dtype):
        return ir.Arithmetic(operator, to_float(left), to_float(right), FLOAT)
    dtype = exact_dtype(operator, left.dtype, right.dtype)
    return ir.Arithmetic(operator, left, right, dtype)
