"""Warnings: what there is to say of a definition that stands, and may surprise."""

from __future__ import annotations

from segmentkit._checking.context import Context
from segmentkit._diagnostics.diagnostic import diagnostic
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import DATE, TIMESTAMP


def of_missing(ctx: Context, node: t.Expr, value: ir.Value) -> None:
    """A negative form holds of what is missing."""
    if ctx.warn and value.nullable and value not in ctx.present:
        whose = ctx.row.relation.name if ctx.row else ctx.schema.entity.name
        text = format_tree(node)
        ctx.warnings.append(diagnostic("SK201", node.span, entity=whose, operand=text))


def of_comparison(
    ctx: Context, node: t.Compare, left: ir.Value, right: ir.Value, negative: bool
) -> None:
    """What may surprise of ``a = b`` and its kin."""
    if negative:
        of_missing(ctx, node.left, left)
        of_missing(ctx, node.right, right)
    if node.operator in ("=", "!="):
        _of_day(ctx, node, node.left, left, node.right, right)
        _of_day(ctx, node, node.right, right, node.left, left)


def _of_day(
    ctx: Context, node: t.Compare, operand: t.Expr, value: ir.Value, day: t.Expr, other: ir.Value
) -> None:
    """``placed_at = 2026-05-09`` is true at midnight only, which is seldom what is meant."""
    if value.dtype == TIMESTAMP and isinstance(day, t.Literal) and other.dtype == DATE:
        texts = {"operand": format_tree(operand), "date": format_tree(day)}
        ctx.warnings.append(diagnostic("SK202", node.span, **texts))
