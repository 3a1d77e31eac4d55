"""Functions and arithmetic: the types of their operands and of their results."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, TypeAlias

from segmentkit._calendar import MONTHS
from segmentkit._checking import durations
from segmentkit._checking.coercion import exact_dtype, kind_of, to_float
from segmentkit._checking.comparisons import same_family
from segmentkit._checking.context import Context
from segmentkit._checking.geography import distance
from segmentkit._checking.hints import undeclared
from segmentkit._checking.windows import begun
from segmentkit._diagnostics.diagnostic import advice
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._patterns.versions import version_key
from segmentkit._planning import ir
from segmentkit.dtypes import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    VERSION,
    DType,
    decimal,
)
from segmentkit.extension import Function
from segmentkit.functions import WORDS, Signature

_OF_PARAMETERS: Mapping[str, DType] = {
    "number": decimal(),
    "integer": INTEGER,
    "float": FLOAT,
    "text": TEXT,
    "boolean": BOOLEAN,
    "date": DATE,
    "timestamp": TIMESTAMP,
}
"""The types that parameters of a definition get as arguments, where there is just one."""


def function(ctx: Context, node: t.Call, function: Signature) -> ir.Value | None:
    """The value of a function; None after an error."""
    if node.window or node.where or node.then or node.distinct or node.alias:
        ctx.error("SK126", node.span)
        return None
    if len(node.arguments) != len(function.parameters):
        wrong_count(ctx, node, len(function.parameters))
        return None
    if function.name == "distance":
        return distance(ctx, node)
    pairs = list(zip(node.arguments, function.parameters, strict=True))
    fitted = [fitting(ctx, a, ctx.typed(a, _OF_PARAMETERS.get(p)), node.name, p) for a, p in pairs]
    found = [a for a in fitted if a is not None]
    if len(found) < len(fitted):
        return None
    if function.name == "version" and isinstance(found[0], ir.Const):
        return _version(ctx, node, found[0])
    dtype = found[0].dtype
    for word in dict.fromkeys(function.parameters):
        places = [i for i, p in enumerate(function.parameters) if p == word]
        if not WORDS[word].together:
            continue
        together = _together(ctx, node, [found[i] for i in places], places)
        if together is None:
            return None
        for place, value in zip(places, together[0], strict=True):
            found[place] = value
        if places[0] == 0:
            dtype = together[1]
    added = function if isinstance(function, Function) else None
    name = begun(function.name, ctx.schema)
    return ir.Call(name, tuple(found), function.result or dtype, added)


def _version(ctx: Context, node: t.Call, text: ir.Const) -> ir.Const | None:
    """A version that is written out."""
    key = version_key(str(text.value))
    if key is None:
        ctx.error("SK192", node.arguments[0].span, text=text.value)
        return None
    return ir.Const(key, VERSION)


def _together(
    ctx: Context, node: t.Call, values: list[ir.Value], places: list[int]
) -> tuple[list[ir.Value], DType] | None:
    """Arguments in the one type that they have; None after an error."""
    first = values[0]
    for place, value in zip(places[1:], values[1:], strict=True):
        if not same_family(ctx, node.arguments[places[0]], first, node.arguments[place], value):
            return None
    dtypes = [value.dtype for value in values]
    if not first.dtype.is_number:
        for dtype in dtypes:
            if dtype != first.dtype:
                families: dict[str, Any] = {
                    "left": term(first.dtype.family),
                    "right": term(dtype.family),
                }
                ctx.error("SK104", node.span, **families)
                return None
        return values, first.dtype
    if FLOAT in dtypes:
        return list(map(to_float, values)), FLOAT
    return values, reduce(lambda a, b: exact_dtype("+", a, b), dtypes)


def fitting(
    ctx: Context, node: t.Expr, value: ir.Value | None, name: str, wanted: str
) -> ir.Value | None:
    """A value as an argument, or as the operand of an aggregate; None after an error."""
    if value is None:
        return None
    word = WORDS[wanted]
    if durations.is_uneven(value):
        ctx.error("SK184", node.span, text=format_tree(node))
        return None
    if value.dtype == VERSION and name != "default":
        ctx.error("SK193", node.span, text=format_tree(node))
        return None
    of_schema = value.dtype.is_duration and ctx.schema.function(name) is not None
    if word.accepts(value.dtype) and not of_schema:
        return to_float(value) if wanted == "float" else value
    others = [dtype for dtype in (DATE, TIMESTAMP, INTEGER) if word.accepts(dtype)]
    is_one = others and INTEGER not in others[1:]
    hint = undeclared(ctx, node, value, others[0]) if is_one else None
    if wanted == "date" and value.dtype == TIMESTAMP:
        hint = advice("declare_date", name=format_tree(node))
    if value.dtype.is_duration:
        hint = advice("divide_length", text=f"{_divided(node)} / 1 day")
    expected = word.expected
    if of_schema:
        expected = expected.replace(", a length of time or", " or")
    told = {"expected": term(expected), "what": kind_of(value.dtype)}
    ctx.error("SK112", node.span, name=name, hint=hint, **told)
    return None


def _divided(node: t.Expr) -> str:
    text = format_tree(node)
    return f"({text})" if isinstance(node, t.Arithmetic) else text


def wrong_count(ctx: Context, node: t.Call, expected: int) -> None:
    """Note that there are too many arguments, or too few."""
    words = {1: term("one argument"), 2: term("two arguments")}
    told = words.get(expected) or term("{count} arguments", count=expected)
    given = [format_tree(each) for each in node.arguments[:expected]]
    form = ", ".join([*given, *["…"] * (expected - len(given))])
    hint = advice("write", text=f"{node.name}({form})")
    values = {"name": node.name, "expected": told, "given": len(node.arguments)}
    ctx.error("SK111", node.span, hint=hint, **values)


def negative(ctx: Context, node: t.Negative) -> ir.Value | None:
    """``-x`` is what is left of nothing."""
    value = _operand(ctx, node.operand, INTEGER)
    if value is None:
        return None
    if value.dtype.is_duration:
        return durations.negative(value)
    zero = t.Literal(0, node.span)
    return _combined(ctx, "-", (zero, ir.Const(0, INTEGER)), (node.operand, value))


def chain(ctx: Context, node: t.Arithmetic) -> ir.Value | None:
    """``a + b - c``, read from the left; None after an error."""
    first, *others = node.operands
    has_time = any(isinstance(each, t.Duration | t.Moment) for each in node.operands)
    wanted = DATE if has_time else INTEGER
    total, broken = _operand(ctx, first, wanted), False
    read = first
    for i, (operator, each) in enumerate(zip(node.operators, others, strict=True)):
        if isinstance(each, t.Duration) and each.unit in MONTHS and operator in "+-":
            found = durations.months_later(ctx, operator, read, total, each) if total else None
        else:
            value = _operand(ctx, each, wanted)
            pair = None if total is None or value is None else ((read, total), (each, value))
            found = None if pair is None else _combined(ctx, operator, *pair)
        total, broken = found, broken or found is None
        so_far = node.operands[: i + 2], node.operators[: i + 1]
        read = t.Arithmetic(*so_far, first.span.to(each.span))
    return None if broken else total


_Operand: TypeAlias = tuple[t.Expr, ir.Value]


def _combined(ctx: Context, operator: str, left: _Operand, right: _Operand) -> ir.Value | None:
    if left[1].dtype.is_number and right[1].dtype.is_number:
        return durations.numbers(operator, left[1], right[1])
    return durations.combined(ctx, operator, left, right)


def _operand(ctx: Context, node: t.Expr, wanted: DType) -> ir.Value | None:
    value = ctx.typed(node, decimal())
    if value is None:
        return None
    dtype = value.dtype
    if not (dtype.is_number or dtype.is_time or dtype.is_duration):
        hint = undeclared(ctx, node, value, wanted)
        ctx.error("SK107", node.span, what=kind_of(dtype), hint=hint)
        return None
    return value
