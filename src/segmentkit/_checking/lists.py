"""Lists of texts as wholes: how many texts are in one, and whether there are any."""

from __future__ import annotations

from segmentkit._checking import hints, names, surprises
from segmentkit._checking.aggregates import table_of_texts
from segmentkit._checking.coercion import kind_of
from segmentkit._checking.context import Context
from segmentkit._diagnostics.diagnostic import advice
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import INTEGER, TEXT


def length(ctx: Context, node: t.Expr) -> ir.Value | None:
    """How many texts a list has; None where a part of a definition is no list."""
    if not isinstance(node, t.Name):
        return None
    if (relation := table_of_texts(ctx, node)) is not None:
        assert relation.value is not None
        value = t.Name((*node.parts, relation.value), node.span)
        return ctx.value(t.Call("count", (value,), name_span=node.span, span=node.span))
    texts = names.list_of_texts(ctx, node)
    return None if texts is None else ir.Call("size", (texts,), INTEGER)


def is_empty(ctx: Context, node: t.IsEmpty, negative: bool) -> ir.Condition:
    """That there is a list, and no text in it."""
    size = length(ctx, node.operand)
    if size is None:
        _refuse(ctx, node)
        return ir.FALSE
    if node.negated != negative and isinstance(size, ir.Call):
        surprises.of_missing(ctx, node.operand, size.arguments[0])
    test = ir.Compare(ir.Comparison.EQ, size, ir.Const(0, INTEGER))
    return ir.complement(test) if node.negated else test


def _refuse(ctx: Context, node: t.IsEmpty) -> None:
    value = names.tested(ctx, node.operand)
    if value is None:
        hints.rows_meant(ctx, node)
        return
    text = format_tree(node.operand)
    state = f"{text} is {'present' if node.negated else 'missing'}"
    hint = advice("write_quoted", state, text=state)
    if value.dtype == TEXT:
        test = f'{text} {"!=" if node.negated else "="} ""'
        hint = advice("write_quoted", test, text=test)
        if value.nullable:
            hint = advice("write_either", first=test, second=state)
    ctx.error("SK162", node.span, hint=hint, what=kind_of(value.dtype))
