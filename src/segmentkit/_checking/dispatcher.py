"""Which function checks which node: the one module that knows them all."""

from __future__ import annotations

from datetime import datetime

from segmentkit._calendar import to_utc
from segmentkit._checking import (
    aggregates,
    calls,
    cases,
    comparisons,
    durations,
    geography,
    hints,
    lists,
    literals,
    memberships,
    names,
    rankings,
    references,
    surprises,
    unquoted,
    windows,
)
from segmentkit._checking.coercion import kind_of, literal_dtype
from segmentkit._checking.context import Context, Names
from segmentkit._checking.parameters import number_of
from segmentkit._checking.percentiles import percentile
from segmentkit._checking.streaks import streak
from segmentkit._diagnostics.diagnostic import Hint, advice, likely, write
from segmentkit._diagnostics.wording import either
from segmentkit._language import foreign_words
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import BOOLEAN, DATE, INTEGER, TIMESTAMP, Kind
from segmentkit.functions import AGGREGATES, FORMS, FUNCTIONS, AggregateSignature, Signature
from segmentkit.schema import Schema


def context(schema: Schema, names: Names, *, warn: bool = False, source: str = "") -> Context:
    """A context for one pass over one definition."""
    return Context(schema, names, _value, _watched if warn else _condition, warn, source)


def _value(ctx: Context, node: t.Expr) -> ir.Value | None:  # noqa: PLR0911
    match node:
        case t.Literal(value):
            if isinstance(value, datetime):
                value = to_utc(value, ctx.schema.zone)
            return ir.Const(value, literal_dtype(value))
        case t.Name():
            return names.single(ctx, node)
        case t.Parameter(name):
            ctx.error("SK125", node.span, name=name)
            return None
        case t.Length():
            return geography.length(ctx, node)
        case t.Duration():
            return durations.length(ctx, node)
        case t.Percent():
            ctx.error("SK157", node.span)
            return None
        case t.Moment("today"):
            return ir.Moment(ir.Anchor.TODAY, 0, "day", DATE)
        case t.Moment(_, count, unit):
            known = ctx.number(count, number_of(f"{unit}s"))
            return None if known is None else windows.now(TIMESTAMP, count, unit, back=node.ago)
        case t.Negative():
            return calls.negative(ctx, node)
        case t.Arithmetic():
            return calls.chain(ctx, node)
        case t.Call():
            return _call(ctx, node)
        case t.Case():
            return cases.case(ctx, node)
        case _:
            # Its own mistakes are found too, beside the one that it stands here.
            ctx.condition(node)
            ctx.error("SK109", node.span)
            return None


def _call(ctx: Context, node: t.Call) -> ir.Value | None:
    added = ctx.schema.function(node.name)
    if node.name == "point":
        ctx.error("SK150", node.span, name=format_tree(node))
        return None
    match node:
        case t.Call("length", (operand,), False, None, None, None, then=None, alias=None):
            if (size := lists.length(ctx, operand)) is not None:
                return size
        case _:
            pass
    scalar = FUNCTIONS.get(node.name) or added
    if isinstance(scalar, Signature) and node.among is None:
        return calls.function(ctx, node, scalar)
    if node.name == "ntile":
        return rankings.tile(ctx, node)
    aggregate = AGGREGATES.get(node.name) or added
    if not isinstance(aggregate, AggregateSignature):
        aggregate = None
    if node.among is not None:
        return rankings.overall(ctx, node, aggregate)
    if node.name in ("any", "none"):
        aggregates.aggregate(ctx, node, AGGREGATES[node.name])
        ctx.error("SK109", node.span, hint=advice("condition_already"))
        return None
    if node.name == "percentile" and aggregate is not None:
        return percentile(ctx, node, aggregate)
    if node.name == "streak" and aggregate is not None:
        return streak(ctx, node, aggregate)
    if aggregate is not None:
        return aggregates.aggregate(ctx, node, aggregate)
    known = [*FUNCTIONS, *FORMS, *AGGREGATES, *(f.name for f in ctx.schema.functions)]
    hint = _of_others(node.name.lower()) or hints.look_alike(node.name, known)
    hint = hint or likely(node.name, known)
    ctx.error("SK103", node.name_span, name=node.name, hint=hint)
    return None


def _of_others(name: str) -> Hint | None:
    """What stands here for what others call so."""
    if name in foreign_words.FUNCTIONS:
        return write(foreign_words.FUNCTIONS[name])
    forms = [f.form for each in (FUNCTIONS, AGGREGATES) for f in each.values() if name in f.others]
    return advice("write", text=either(forms)) if forms else _WORDS_OF_OTHERS.get(name)


_WORDS_OF_OTHERS = {
    **dict.fromkeys(("lower", "upper", "casefold"), advice("write", text='… = "…" ignoring case')),
    "round": advice("no_rounding"),
    **dict.fromkeys(
        ("quantile", "percentile_disc", "percentile_cont"), advice("percentile_counts_to_100")
    ),
    "distinct": advice("write", text="count(distinct …)"),
}


def _condition(ctx: Context, node: t.Expr, negative: bool) -> ir.Condition:  # noqa: PLR0911, PLR0912
    match node:
        case t.And():
            return ir.conjunction(_several(ctx, node, negative, not negative))
        case t.Or():
            return ir.disjunction(_several(ctx, node, negative, negative))
        case t.Not(operand):
            return ir.complement(ctx.condition(operand, negative=not negative))
        case t.Compare():
            return comparisons.compare(ctx, node, negative)
        case t.TextTest():
            return literals.text_test(ctx, node, negative)
        case t.InList():
            return literals.in_list(ctx, node, negative)
        case t.InWindow():
            return comparisons.in_window(ctx, node, negative)
        case t.IsMissing(operand, negated):
            missing = _missing(ctx, operand)
            hints.rows_meant(ctx, node)
            return ir.complement(missing) if negated else missing
        case t.IsEmpty():
            return lists.is_empty(ctx, node, negative)
        case t.Membership():
            return memberships.membership(ctx, node)
        case t.InSegment() | t.InKeyList() | t.Reachable():
            return references.reference(ctx, node)
        case t.Listed():
            return references.listed(ctx, node, negative)
        case t.Ranked():
            return _ranked(ctx, node, negative)
        case t.Counted():
            return _counted(ctx, node, negative)
        case t.Call("sample"):
            return rankings.sample(ctx, node) or ir.FALSE
        case t.Call(name, among=None) if name in ("any", "none"):
            rows = aggregates.aggregate(ctx, node, AGGREGATES[name])
            one = ir.Const(1, INTEGER)
            test = ir.FALSE if rows is None else ir.Compare(ir.Comparison.GE, rows, one)
            return ir.complement(test) if name == "none" else test
        case _:
            return _bare(ctx, node, negative)


def _watched(ctx: Context, node: t.Expr, negative: bool) -> ir.Condition:
    found = _condition(ctx, node, negative)
    surprises.of_constants(ctx, node, found)
    surprises.of_texts(ctx, node)
    return found


def _several(ctx: Context, node: t.And | t.Or, negative: bool, every: bool) -> list[ir.Condition]:
    """The operands of ``and``, or of ``or``; under ``not``, ``or`` is what all must hold of."""
    operands = unquoted.refuse_strays(ctx, node)
    if not ctx.warn:
        return [_condition(ctx, operand, negative) for operand in operands]
    starts, found = [], []
    for operand in operands:
        starts.append(len(ctx.warnings))
        found.append(ctx.condition(operand, negative=negative))
    tests = [ir.complement(test) for test in found] if negative else found
    surprises.keep_unexpected(ctx, starts, tests, every=every)
    return found


def _missing(ctx: Context, operand: t.Expr) -> ir.Condition:
    if (place := names.place(ctx, operand)) is not None:
        return ir.disjunction([ir.Missing(coordinate) for coordinate in place])
    if aggregates.table_of_texts(ctx, operand) is not None:
        # Whoever has no rows there has no texts, which is something else.
        return ir.FALSE
    value = names.tested(ctx, operand)
    if isinstance(value, ir.Call) and value.dtype.kind is Kind.ANNIVERSARY:
        # A day of the year is missing where its date is.
        (value,) = value.arguments
    return ir.FALSE if value is None else ir.Missing(value)


def _ranked(ctx: Context, node: t.Ranked, negative: bool) -> ir.Condition:
    found = rankings.ranked(ctx, node)
    if found is None:
        return ir.FALSE
    test, value = found
    if negative:
        surprises.of_missing(ctx, node.by, value)
    return test


def _counted(ctx: Context, node: t.Counted, negative: bool) -> ir.Condition:
    """So many of the operands; those that must not hold too often are under a ``not``."""
    size = len(node.operands)
    count = ctx.number(node.count, number_of("conditions", size))
    if isinstance(count, int) and not 1 <= count <= size:
        ctx.error("SK158", node.span, count=count, size=size)
    negative ^= node.quantifier != "at least"
    operands = [ctx.condition(operand, negative=negative) for operand in node.operands]
    if isinstance(count, int):
        return ir.counted(operands, *node.bounds)
    open_number = None if count is None else f"{node.quantifier} {count.name}"
    return ir.Counted(tuple(operands), 0, size, open_number)


def _bare(ctx: Context, node: t.Expr, negative: bool) -> ir.Condition:
    """A value that stands as a condition: it must be a boolean."""
    if isinstance(node, t.Literal) and isinstance(node.value, bool):
        return ir.Always(node.value)
    value = ctx.typed(node, BOOLEAN)
    if value is None:
        hints.rows_meant(ctx, node)
        hints.segment_meant(ctx, node)
        return ir.FALSE
    if value.dtype != BOOLEAN:
        hint = hints.compared(ctx, node, value.dtype, ctx.declared.get(value))
        ctx.error("SK108", node.span, hint=hint, what=kind_of(value.dtype))
        return ir.FALSE
    if negative:
        surprises.of_missing(ctx, node, value)
    return ir.Compare(ir.Comparison.EQ, value, ir.Const(True, BOOLEAN))
