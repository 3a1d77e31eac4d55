"""Functions and arithmetic: the types of their operands and of their results."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from segmentkit._checking.coercion import article, exact_dtype, to_float
from segmentkit._checking.comparisons import same_family
from segmentkit._checking.context import Context
from segmentkit._checking.geography import distance
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
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
    if node.window or node.where or node.then or node.distinct:
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
    return ir.Call(function.name, tuple(found), function.result or dtype, added)


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
                ctx.error("SK104", node.span, left=first.dtype.family, right=dtype.family)
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
    if word.accepts(value.dtype):
        return to_float(value) if wanted == "float" else value
    hint = None
    if wanted == "date" and value.dtype == TIMESTAMP:
        hint = f"declare '{format_tree(node)}' as a date in the schema"
    ctx.error("SK112", node.span, name=name, expected=word.expected, hint=hint,
               **article(value.dtype))  # fmt: skip
    return None


def wrong_count(ctx: Context, node: t.Call, expected: int) -> None:
    """Note that there are too many arguments, or too few."""
    words = {1: "one argument", 2: "two arguments"}.get(expected, f"{expected} arguments")
    given = len(node.arguments)
    ctx.error("SK111", node.span, name=node.name, expected=words, given=given)


def negative(ctx: Context, node: t.Negative) -> ir.Value | None:
    """``-x`` is what is left of nothing."""
    zero = t.Literal(0, node.span)
    return chain(ctx, t.Arithmetic((zero, node.operand), ("-",), node.span))


def chain(ctx: Context, node: t.Arithmetic) -> ir.Value | None:
    """``a + b - c``, read from the left; None after an error."""
    operands = [_operand(ctx, o) for o in node.operands]
    total = operands[0]
    for operator, operand in zip(node.operators, operands[1:], strict=True):
        if total is None or operand is None:
            return None
        if operator == "/" or FLOAT in (total.dtype, operand.dtype):
            total = ir.Arithmetic(operator, to_float(total), to_float(operand), FLOAT)
        else:
            dtype = exact_dtype(operator, total.dtype, operand.dtype)
            total = ir.Arithmetic(operator, total, operand, dtype)
    return total


def _operand(ctx: Context, node: t.Expr) -> ir.Value | None:
    value = ctx.typed(node, decimal())
    if value is not None and not value.dtype.is_number:
        hint = "to move a time, write '7 days ago' or a window" if value.dtype.is_time else None
        ctx.error("SK107", node.span, hint=hint, **article(value.dtype))
        return None
    return value
