"""Comparisons: two values of one type, and a value within the ends of a window."""

from __future__ import annotations

from typing import TypeVar

from attrs import evolve

from segmentkit._checking import attribute_bounds, hints, surprises, unquoted, windows
from segmentkit._checking.coercion import aligned, as_uuid, kind_of
from segmentkit._checking.context import Context
from segmentkit._checking.parameters import number_of
from segmentkit._checking.windows import Bound
from segmentkit._diagnostics.diagnostic import Diagnostic, advice, hinted
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import DATE, TEXT, Kind

_V = TypeVar("_V", bound=ir.Value)
_COMPARISONS = {c.value: c for c in ir.Comparison} | {"!=": ir.Comparison.EQ}


def compare(ctx: Context, node: t.Compare, negative: bool) -> ir.Condition:
    """``a = b`` and its kin."""
    left, right = _pair(ctx, node.left, node.right)
    if left is None or right is None:
        for side, other, value in ((node.left, node.right, right), (node.right, node.left, left)):
            if not isinstance(other, t.Literal):  # two constants are compared by nobody
                dtype = value.dtype if value else unquoted.meant_dtype(ctx, other)
                unquoted.quote_unknown(ctx, side, dtype)
        hints.meant_by(ctx, node, right if left is None else left)
        return ir.FALSE
    negated = node.operator == "!="
    operator = _COMPARISONS[node.operator]
    if not _comparable(ctx, node, left, right, operator):
        return ir.FALSE
    if ctx.declared:
        check_values(ctx, node.left, left, [(node.right, right)], folded=node.ignoring_case)
        check_values(ctx, node.right, right, [(node.left, left)], folded=node.ignoring_case)
        left, right = written(ctx, left, right), written(ctx, right, left)
    if ctx.warn:
        surprises.of_difference(ctx, node)
        surprises.of_comparison(ctx, node, left, right, negated != negative)
        attribute_bounds.of_comparison(ctx, node, left, right)
    left, right = aligned(left, right)
    test = ir.Compare(operator, left, right, node.ignoring_case)
    return ir.complement(test) if negated else test


def in_window(ctx: Context, node: t.InWindow, negative: bool) -> ir.Condition:
    """``t in last 30 days``, and ``x between a and b``."""
    operand = ctx.value(node.operand)
    ends = bounds(ctx, node.window, operand, node.operand)
    if operand is None or ends is None:
        hints.rows_meant(ctx, node)
        return ir.FALSE
    if node.negated != negative:
        surprises.of_missing(ctx, node.operand, operand)
        if isinstance(node.window, t.Range):
            for (_, end), bound in zip(ends, (node.window.low, node.window.high), strict=True):
                surprises.of_missing(ctx, bound, end)
    if ctx.warn:
        attribute_bounds.of_window(ctx, node, operand, ends)
    test = between(operand, ends)
    return ir.complement(test) if node.negated else test


def _pair(ctx: Context, left: t.Expr, right: t.Expr) -> tuple[ir.Value | None, ir.Value | None]:
    """Two operands, of which one may give a parameter its type."""
    if isinstance(left, t.Parameter) and not isinstance(right, t.Parameter):
        b = ctx.value(right)
        return (ctx.parameter(left, b.dtype) if b else None), b
    a = ctx.value(left)
    if isinstance(right, t.Parameter):
        return a, (ctx.parameter(right, a.dtype) if a else None)
    return a, ctx.value(right)


def _comparable(
    ctx: Context, node: t.Compare, left: ir.Value, right: ir.Value, operator: ir.Comparison
) -> bool:
    if not same_family(ctx, node.left, left, node.right, right):
        hints.compared_otherwise(ctx, node, left, right)
        return False
    if operator is not ir.Comparison.EQ and not left.dtype.is_compared:
        ctx.error("SK105", node.span, family=term(left.dtype.family), hint=hints.order(ctx, node))
        return False
    if node.ignoring_case and left.dtype != TEXT:
        ctx.error("SK124", node.span, name="ignoring case", what=kind_of(left.dtype))
        return False
    return True


def same_family(
    ctx: Context, node: t.Expr, value: ir.Value, other_node: t.Expr, other: ir.Value
) -> bool:
    """Whether two values compare; an error is noted where they do not."""
    a, b = value.dtype, other.dtype
    if a is b and a.kind is not Kind.ANNIVERSARY:
        return True
    if Kind.ANNIVERSARY not in (a.kind, b.kind) and (
        a.family == b.family or (a.is_time and b.is_time)
    ):
        return True
    span = node.span.to(other_node.span)
    if span.start > span.end:
        span = other_node.span
    hint = hints.conversion(ctx, node, other) or hints.conversion(ctx, other_node, value)
    if Kind.ANNIVERSARY in (a.kind, b.kind):
        hint = advice("anniversary_in_window")
    ctx.error("SK104", span, left=term(a.family), right=term(b.family), hint=hint)
    return False


def check_values(
    ctx: Context,
    node: t.Expr,
    value: ir.Value,
    options: list[tuple[t.Expr, ir.Value]],
    *,
    folded: bool,
) -> None:
    """A constant that is compared with an attribute must be one of its listed values."""
    attribute = ctx.declared.get(value) if ctx.declared else None
    if attribute is None:
        return
    if attribute.uuid:
        _check_uuids(ctx, node, options)
    if not attribute.values:
        return
    known = {v.casefold() if folded and isinstance(v, str) else v for v in attribute.values}
    for option_node, option in options:
        if not isinstance(option, ir.Const) or option.value is None:
            continue
        wanted = option.value
        if isinstance(wanted, str) and folded:
            wanted = wanted.casefold()
        if wanted not in known:
            hint = hints.of_values(str(option.value), attribute.values)
            told = {"value": option.value, "name": format_tree(node)}
            ctx.error("SK106", option_node.span, hint=hint, **told)


def _check_uuids(ctx: Context, node: t.Expr, options: list[tuple[t.Expr, ir.Value]]) -> None:
    for option_node, option in options:
        if isinstance(option, ir.Const) and as_uuid(option.value) is None:
            told = {"value": option.value, "name": format_tree(node)}
            ctx.error("SK106", option_node.span, hint=_UUIDS, **told)


_UUIDS = advice("it_has_uuids")


def written(ctx: Context, value: _V, other: ir.Value) -> _V:
    """A constant as the attribute that it is compared with has it: UUIDs in one form."""
    if not isinstance(value, ir.Const) or (attribute := ctx.declared.get(other)) is None:
        return value
    text = as_uuid(value.value) if attribute.uuid else None
    return value if text is None else evolve(value, value=text)


def bounds(
    ctx: Context, window: t.Window, operand: ir.Value | None, node: t.Expr
) -> tuple[Bound, Bound] | None:
    """The two ends of a window, as tests of the operand."""
    low = high = None
    if isinstance(window, t.Range):
        dtype = operand.dtype if operand else None
        low, high = ctx.typed(window.low, dtype), ctx.typed(window.high, dtype)
        for bound, value in ((window.low, low), (window.high, high)):
            if value is None:
                unquoted.quote_unknown(ctx, bound, dtype)
        if low is None or high is None or operand is None:
            return None
        pairs = ((window.low, low), (window.high, high))
        for bound, value in pairs:
            if not same_family(ctx, node, operand, bound, value):
                if (hint := hints.undeclared(ctx, node, operand, value.dtype)) is not None:
                    ctx.errors[-1] = hinted(ctx.errors[-1], hint)
                hints.years_meant(ctx, window, operand.dtype)
                return None
        if not operand.dtype.is_compared:
            family = term(operand.dtype.family)
            least = t.Compare(">=", node, window.low, span=node.span)
            hint = hints.unquoted(ctx, node) or hints.order(ctx, least)
            ctx.error("SK105", node.span, family=family, hint=hint)
            return None
        (_, low), (_, high) = aligned(operand, low), aligned(operand, high)
    if operand is None or not _is_counted(ctx, window):
        return None
    found = windows.bounds(window, operand.dtype, low, high, ctx.schema)
    if isinstance(found, Diagnostic):
        ctx.errors.append(found)
        return None
    if found is None:
        hint = hints.unquoted(ctx, node) or hints.undeclared(ctx, node, operand, DATE)
        ctx.error("SK110", node.span, what=f"'{format_tree(node)}'", hint=hint)
        return None
    if ctx.warn:
        surprises.of_range(ctx, node, window, found, operand.dtype)
    return found


def _is_counted(ctx: Context, window: t.Window) -> bool:
    """Whether the number of units is one, or a parameter that takes one."""
    if not isinstance(window, t.Rolling | t.Calendar) or window.count is None:
        return True
    return ctx.number(window.count, number_of(f"{window.unit}s")) is not None


def between(operand: ir.Value, ends: tuple[Bound, Bound]) -> ir.Condition:
    """That a value is within two ends."""
    low, high = ends
    if operand.dtype.kind is Kind.ANNIVERSARY:
        assert isinstance(operand, ir.Call)
        low_open, high_open = low[0] is ir.Comparison.GT, high[0] is ir.Comparison.LT
        return ir.AnniversaryIn(operand.arguments[0], low[1], low_open, high[1], high_open)
    return ir.conjunction([ir.Compare(op, operand, value) for op, value in ends])
