"""Places and distances."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from segmentkit._checking import names
from segmentkit._checking.coercion import kind_of, to_float
from segmentkit._checking.context import Context
from segmentkit._checking.names import Coordinates
from segmentkit._diagnostics.diagnostic import advice
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import DISTANCE, FLOAT, decimal

_METRES = {"m": Decimal(1), "km": Decimal(1000), "mile": Decimal("1609.344")}
_MOST = {"latitude": 90, "longitude": 180}


def length(ctx: Context, node: t.Length) -> ir.Value | None:
    """A distance in metres."""
    factor = _METRES[node.unit]
    match node.number:
        case t.Literal(int() | Decimal() as number):
            return ir.Const(float(number * factor), DISTANCE)
        case t.Parameter() as parameter:
            number_of = ctx.parameter(parameter, decimal())
            if number_of is None:
                return None
            metres = ir.Const(float(factor), FLOAT)
            return ir.Arithmetic("*", to_float(number_of), metres, DISTANCE)
        case _:
            raise AssertionError(node.number)


def distance(ctx: Context, node: t.Call) -> ir.Value | None:
    """The distance of two places."""
    places = [coordinates(ctx, argument, node.name) for argument in node.arguments]
    found = [to_float(c) for place in places if place is not None for c in place]
    return ir.Call("distance", tuple(found), DISTANCE) if len(found) == 4 else None


def coordinates(ctx: Context, node: t.Expr, function: str) -> Coordinates | None:
    """Where a place is; None after an error."""
    if isinstance(node, t.Call) and node.name == "point":
        return _point(ctx, node)
    if (place := names.place(ctx, node)) is not None:
        return place
    value = ctx.value(node)
    if value is not None:
        told: dict[str, Any] = {"expected": term("places"), "what": kind_of(value.dtype)}
        ctx.error("SK112", node.span, name=function, hint=advice("place_or_point"), **told)
    return None


def _point(ctx: Context, node: t.Call) -> Coordinates | None:
    if len(node.arguments) != 2:
        given = len(node.arguments)
        ctx.error("SK111", node.span, name="point", expected=term("two arguments"), given=given)
        return None
    north, east = (
        _degrees(ctx, argument, name) for argument, name in zip(node.arguments, _MOST, strict=True)
    )
    return None if north is None or east is None else (north, east)


def _degrees(ctx: Context, node: t.Expr, name: str) -> ir.Value | None:
    value = ctx.typed(node, decimal())
    if value is None:
        return None
    if not value.dtype.is_number:
        expected, what = term("numbers of degrees"), kind_of(value.dtype)
        ctx.error("SK112", node.span, name="point", expected=expected, what=what)
        return None
    most = _MOST[name]
    match value:
        case ir.Const(int() | Decimal() as degrees) if not -most <= degrees <= most:
            ctx.error("SK151", node.span, name=term(name), most=most, text=format_tree(node))
            return None
        case _:
            return value
