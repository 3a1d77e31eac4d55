"""Percentiles of rows: an aggregate that is told a share, too."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from attrs import evolve

from segmentkit._checking import surprises
from segmentkit._checking.aggregates import aggregate
from segmentkit._checking.calls import wrong_count
from segmentkit._checking.context import Context
from segmentkit._checking.foreign_percentiles import by_rank, from_hundred
from segmentkit._checking.parameters import SHARE
from segmentkit._checking.rankings import is_percent
from segmentkit._diagnostics.diagnostic import Hint, advice, hinted, write
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.functions import AggregateSignature

_ENDS = {Fraction(0): ir.AggregateFunction.MIN, Fraction(1): ir.AggregateFunction.MAX}
"""The percentile of nothing is the least value, and that of all the greatest."""


def percentile(ctx: Context, node: t.Call, function: AggregateSignature) -> ir.Aggregate | None:
    """``percentile(90, orders.amount)``; None after an error."""
    if len(node.arguments) != 2:
        wrong_count(ctx, node, 2)
        return None
    percent, value = node.arguments
    share: Fraction | ir.Param | None = None
    match percent:
        case t.Parameter():
            share = ctx.parameter(percent, SHARE)
        case t.Literal(int() | Decimal() as number) if is_percent(number):
            share = Fraction(number) / 100
            surprises.of_small_percent(ctx, percent, Decimal(number))
        case _:
            ctx.error("SK195", percent.span, text=format_tree(percent), hint=_meant(node))
    found = aggregate(ctx, evolve(node, arguments=(value,)), function)
    if found is None and isinstance(share, Fraction) and ctx.errors[-1].code == "SK116":
        _of_customers(ctx, percent, value)
    if found is None or share is None:
        return None
    if isinstance(share, Fraction) and share in _ENDS:
        return evolve(found, function=_ENDS[share])
    return evolve(found, share=share)


def _of_customers(ctx: Context, percent: t.Expr, value: t.Expr) -> None:
    """A percentile among customers is asked for by rank."""
    found = by_rank(percent, value)
    if found is not None and isinstance(value, t.Name):
        hint = advice("rank_customers", text=format_tree(found))
        ctx.errors[-1] = hinted(ctx.errors[-1], hint)


def _meant(node: t.Call) -> Hint | None:
    """How the percentile is written that was probably meant."""
    match node.arguments:
        case (t.Percent(int() | Decimal() as number), value) | (
            value,
            t.Percent(int() | Decimal() as number),
        ) if is_percent(number):
            pass
        case (value, t.Literal(int() | Decimal() as number)) if is_percent(number):
            if isinstance(value, t.Literal):
                return None
            number = from_hundred(number)
        case _:
            return None
    whole = evolve(node, arguments=(t.Literal(number, t.NOWHERE), value))
    return write(format_tree(whole), span=node.span)
