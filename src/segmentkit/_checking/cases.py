"""Values that are chosen by conditions: their results have one type."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from segmentkit._checking import unquoted
from segmentkit._checking.coercion import as_uuid, exact_dtype, kind_of, to_float
from segmentkit._checking.comparisons import same_family, written
from segmentkit._checking.context import Context
from segmentkit._checking.durations import is_uneven
from segmentkit._diagnostics.diagnostic import Span, advice, hinted, write
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import (
    ANNIVERSARY,
    FLOAT,
    MEAN_DURATION,
    TEXT,
    TEXTS,
    TIMESTAMP,
    DType,
    Kind,
)


def case(ctx: Context, node: t.Case) -> ir.Value | None:
    """The value of the first branch whose condition holds; None after an error."""
    tests = tuple(ctx.condition(branch.condition) for branch in node.branches)
    results = [branch.value for branch in node.branches]
    results += [] if node.otherwise is None else [node.otherwise]
    known = [(r, _result(ctx, r)) for r in results if not isinstance(r, t.Parameter)]
    values = {id(result): value for result, value in known if value is not None}
    present = [(result, value) for result, value in known if value is not None]
    dtype = _dtype(ctx, node, present) if len(present) == len(known) else None
    if dtype is None:
        if isinstance(node.otherwise, t.Name) and node.otherwise.parts[-1].lower() in _NOTHING:
            _leave_out(ctx, node.branches[-1].value.span.end, node.otherwise)
        for result, value in known if present else ():
            if value is None:
                unquoted.quote_unknown(ctx, result, present[0][1].dtype)
        return None
    for each in results:
        if isinstance(each, t.Parameter):
            parameter = ctx.parameter(each, dtype)
            if parameter is None:
                return None
            values[id(each)] = parameter
    chosen = [_as(values[id(result)], dtype) for result in results]
    if node.otherwise is None:
        chosen.append(ir.Const(None, dtype))
    return _of_uuids(ctx, ir.Case(tests, tuple(chosen), dtype))


_NOTHING = ("null", "none", "missing", "nil", "na", "nan")


def _leave_out(ctx: Context, start: int, otherwise: t.Name) -> None:
    """``else null`` says what is so without it."""
    last = ctx.errors[-1] if ctx.errors else None
    if last is not None and last.code == "SK101" and last.span == otherwise.span:
        place = Span(start, otherwise.span.end)
        hint = advice("else_left_out", "", span=place, text=format_tree(otherwise))
        ctx.errors[-1] = hinted(last, hint)


def _result(ctx: Context, node: t.Expr) -> ir.Value | None:
    """A result; None after an error."""
    if is_condition(node):
        ctx.condition(node)
        branch = t.When(node, t.Literal(True))
        meant = format_tree(t.Case((branch,), t.Literal(False)))
        ctx.error("SK109", node.span, hint=write(meant, span=node.span))
        return None
    value = ctx.value(node)
    if value is None:
        return None
    if is_uneven(value):
        ctx.error("SK184", node.span, text=format_tree(node))
        return None
    if value.dtype in (TEXTS, ANNIVERSARY):
        hint = advice("test_each_of_them") if value.dtype == TEXTS else None
        told = {"expected": term("one value"), "what": kind_of(value.dtype)}
        ctx.error("SK112", node.span, name="case", hint=hint, **told)
        return None
    return value


def is_condition(tree: t.Expr) -> bool:
    """Whether what is written can be a condition only."""
    if isinstance(tree, t.Call):
        return tree.name in ("any", "none", "sample")
    named = (t.Literal, t.Name, t.Parameter, t.Moment, t.Percent, t.Duration, t.Length)
    return not isinstance(tree, (*named, t.Negative, t.Arithmetic, t.Case))


def _dtype(ctx: Context, node: t.Case, results: Sequence[tuple[t.Expr, ir.Value]]) -> DType | None:
    """The one type of the results; None after an error."""
    if not results:
        # Only parameters: each says that it has no type.
        for branch in node.branches:
            ctx.value(branch.value)
        return None
    first_node, first = results[0]
    for other_node, other in results[1:]:
        if not same_family(ctx, first_node, first, other_node, other):
            # Which of them was meant, nothing says.
            ctx.errors[-1] = hinted(ctx.errors[-1], advice("values_of_one_type"))
            return None
        if first.dtype.is_time and first.dtype != other.dtype:
            instant = first_node if first.dtype == TIMESTAMP else other_node
            hint = write(f"day({format_tree(instant)})", span=instant.span)
            span = first_node.span.to(other_node.span)
            told = {"left": term(first.dtype.family), "right": term(other.dtype.family)}
            ctx.error("SK104", span, hint=hint, **told)
            return None
    dtypes = [value.dtype for _, value in results]
    if any(dtype.kind is Kind.FLOAT for dtype in dtypes):
        if first.dtype.is_duration:
            return MEAN_DURATION
        return FLOAT if first.dtype.is_number else first.dtype
    return reduce(_wider, dtypes)


def _wider(a: DType, b: DType) -> DType:
    return exact_dtype("+", a, b) if a.is_number else a


def _as(value: ir.Value, dtype: DType) -> ir.Value:
    return to_float(value) if dtype in (FLOAT, MEAN_DURATION) else value


def _of_uuids(ctx: Context, value: ir.Case) -> ir.Case:
    """Where all results are UUIDs, so is the value: constants are in the form of attributes."""
    declared = [ctx.declared[v] for v in value.values if v in ctx.declared]
    uuid = next((a for a in declared if a.uuid), None)
    constants = [v.value for v in value.values if isinstance(v, ir.Const) and v.value is not None]
    if value.dtype != TEXT or uuid is None or not all(map(as_uuid, constants)):
        return value
    column = next(v for v in value.values if ctx.declared.get(v) is uuid)
    found = ir.Case(value.tests, tuple(written(ctx, v, column) for v in value.values), TEXT)
    if all(isinstance(v, ir.Const) or v in ctx.declared for v in found.values):
        ctx.declared[found] = uuid
    return found
