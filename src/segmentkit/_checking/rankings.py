"""Ranks, samples and values of the population."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

from segmentkit._checking.calls import fitting, wrong_count
from segmentkit._checking.context import Context
from segmentkit._checking.parameters import SHARE, number_of
from segmentkit._diagnostics.diagnostic import hinted, write
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._operators import BUCKETS
from segmentkit._planning import ir
from segmentkit.dtypes import INTEGER, TEXT
from segmentkit.extension import Aggregate
from segmentkit.functions import AggregateSignature

_OVERALL = ("avg", "count", "max", "median", "min", "sum")
_MOST_TILES = 1_000_000
_MOST_DIGITS = 6


def ranked(ctx: Context, node: t.Ranked) -> tuple[ir.Condition, ir.Value] | None:
    """``top 10% by …``, and the value ranked by; None after an error.

    The rank r is within the first p% of n when (r - 1) / n < p / 100: when its tile of 100 is
    one of the first p. Shares are fractions in lowest terms, so nothing is rounded.
    """
    if not ctx.of_customers(node):
        return None
    limit, tiles = _limit(ctx, node.limit)
    value = _ordered(ctx, node.by, node.direction)
    among = ctx.of_others(node.among)
    if value is None or limit is None:
        return None
    standing = ir.Standing(value, among, node.direction == "top", tiles)
    return ir.Compare(ir.Comparison.LE, standing, limit), value


def _limit(ctx: Context, limit: t.Percent | t.Count) -> tuple[ir.Value | None, int | None]:
    """The last rank or tile that is in, and how many tiles there are."""
    if not isinstance(limit, t.Percent):
        number = ctx.number(limit, number_of("customers"))
        return (ir.Const(number, INTEGER) if isinstance(number, int) else number), None
    share = _share(ctx, limit)
    if isinstance(share, Fraction):
        return ir.Const(share.numerator, INTEGER), share.denominator
    return share, None


def sample(ctx: Context, node: t.Call) -> ir.Condition | None:
    """``sample(10%, "spring")``: the first of so many buckets; None after an error."""
    if not ctx.of_customers(node):
        return None
    match node.arguments:
        case (t.Percent() as percent, t.Literal(str() as salt)) if _is_plain(node):
            share = _share(ctx, percent)
        case _:
            ctx.error("SK155", node.span)
            return None
    entity = ctx.schema.entity
    key = entity.key_attribute
    if key is None or key.dtype not in (INTEGER, TEXT):
        ctx.error("SK156", node.span, entity=entity.name, key=entity.key)
        return None
    if share is None:
        return None
    ctx.use("attribute", entity, key.name, node.span)
    column = ir.Column(ir.Scope.ENTITY, (), key.name, key.dtype, key.nullable)
    bucket = ir.Call("bucket", (column, ir.Const(salt, TEXT)), INTEGER)
    limit: ir.Value = (
        ir.Const(math.ceil(share * BUCKETS), INTEGER) if isinstance(share, Fraction) else share
    )
    return ir.Compare(ir.Comparison.LT, bucket, limit)


def tile(ctx: Context, node: t.Call) -> ir.Value | None:
    """``ntile(5, …)``: which of so many parts; None after an error."""
    if not ctx.of_customers(node):
        return None
    if len(node.arguments) != 2:
        wrong_count(ctx, node, 2)
        return None
    if node.window is not None or node.where is not None or node.distinct:
        ctx.error("SK126", node.span)
        return None
    count, by = node.arguments
    match count:
        case t.Literal(int() as tiles) if type(tiles) is int and 1 <= tiles <= _MOST_TILES:
            value = _ordered(ctx, by, node.name)
            among = _among(ctx, node)
            return None if value is None else ir.Standing(value, among, False, tiles)
        case _:
            ctx.error("SK154", count.span, most=_MOST_TILES, text=format_tree(count))
            return None


def overall(ctx: Context, node: t.Call, function: AggregateSignature | None) -> ir.Value | None:
    """``avg(age among everyone)``; None after an error."""
    if not ctx.of_customers(node):
        return None
    plain = len(node.arguments) == 1 and not node.distinct
    added = function if isinstance(function, Aggregate) else None
    if function is None or (not added and function.name not in _OVERALL) or not plain:
        ctx.error("SK153", node.span)
        return None
    (argument,) = node.arguments
    value = fitting(ctx, argument, ctx.value(argument), node.name, function.operand)
    among = _among(ctx, node)
    if value is None:
        return None
    kind = added or ir.AggregateFunction(function.name)
    return ir.Overall(kind, value, among, function.result_of(value.dtype))


def is_percent(number: int | Decimal) -> bool:
    """Whether it is from 0 to 100, with at most six digits after the point."""
    exponent = Decimal(number).as_tuple().exponent
    assert isinstance(exponent, int)
    return not isinstance(number, bool) and 0 <= number <= 100 and -exponent <= _MOST_DIGITS


def _among(ctx: Context, node: t.Call) -> ir.Condition:
    return ir.TRUE if node.among is None else ctx.of_others(node.among)


def _ordered(ctx: Context, node: t.Expr, name: str) -> ir.Value | None:
    value = ctx.value(node)
    if value is None and ctx.errors and ctx.errors[-1].code == "SK115":
        # What rows have is ranked by what they come to, or by the latest of their times.
        rows = [t.Call(each, (node,)) for each in ("sum", "last")]
        with ctx.attempt():
            fit = [each for each in rows if ctx.value(each) is not None]
        if fit and ctx.errors[-1].fix is None:
            hint = write(format_tree(fit[0]))
            ctx.errors[-1] = hinted(ctx.errors[-1], hint, node.span)
    return fitting(ctx, node, value, name, "ordered")


def _share(ctx: Context, percent: t.Percent) -> Fraction | ir.Param | None:
    """A percentage as a fraction of one, or a parameter for it; None after an error."""
    if isinstance(percent.number, t.Parameter):
        return ctx.parameter(percent.number, SHARE)
    number = Decimal(percent.number)
    if not is_percent(number):
        ctx.error("SK152", percent.span, text=format_tree(percent))
        return None
    return Fraction(number) / 100


def _is_plain(node: t.Call) -> bool:
    return not node.distinct and node.window is None and node.where is None and node.among is None
