"""Tests of a value against constants: lists, patterns and tags."""

from __future__ import annotations

from segmentkit._checking import attribute_bounds, hints, surprises, unquoted
from segmentkit._checking.aggregates import table_of_texts
from segmentkit._checking.coercion import aligned, kind_of
from segmentkit._checking.comparisons import check_values, same_family, written
from segmentkit._checking.context import Context
from segmentkit._checking.names import tested
from segmentkit._checking.parameters import list_of
from segmentkit._checking.patterns import check_pattern
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import TEXT, TEXTS, DType
from segmentkit.schema import Relation

_CONSTANT = (ir.Const, ir.Param)


def text_test(ctx: Context, node: t.TextTest, negative: bool) -> ir.Condition:
    """What is in a text, or in a list of texts."""
    if (relation := table_of_texts(ctx, node.operand)) is not None:
        return _has_rows_of(ctx, node, relation, negative)
    operand = tested(ctx, node.operand)
    patterns = _constants(ctx, node.patterns, TEXT)
    if operand is None or patterns is None:
        return ir.FALSE
    if operand.dtype == TEXTS and node.operator != "contains":
        ctx.error("SK161", node.operand.span, name=format_tree(node.operand))
        return ir.FALSE
    if operand.dtype not in (TEXT, TEXTS):
        told = {"name": node.operator, "what": kind_of(operand.dtype)}
        ctx.error("SK124", node.operand.span, hint=hints.unquoted(ctx, node.operand), **told)
        return ir.FALSE
    if node.operator == "matches":
        check_pattern(ctx, node, patterns[0])
    if node.negated != negative:
        surprises.of_missing(ctx, node.operand, operand)
    if operand.dtype == TEXTS:
        return _has_texts(ctx, node, operand, patterns)
    operator = ir.TextOperator(node.operator)
    tests: list[ir.Condition] = [
        ir.TextTest(operator, operand, p, node.ignoring_case) for p in patterns
    ]
    test = (ir.conjunction if node.quantifier == "all" else ir.disjunction)(tests)
    return ir.complement(test) if node.negated else test


def _has_texts(
    ctx: Context, node: t.TextTest, operand: ir.Value, patterns: list[ir.Const | ir.Param]
) -> ir.Condition:
    """That a list has a text, or one of several, or each of them."""
    pairs: list[tuple[t.Expr, ir.Value]] = list(zip(node.patterns, patterns, strict=True))
    check_values(ctx, node.operand, operand, pairs, folded=node.ignoring_case)
    wanted = list(dict.fromkeys(patterns))
    each = [(p,) for p in wanted] if node.quantifier == "all" else [tuple(wanted)]
    test = ir.conjunction([ir.Contains(operand, some, node.ignoring_case) for some in each])
    return ir.complement(test) if node.negated else test


def _has_rows_of(
    ctx: Context, node: t.TextTest, relation: Relation, negative: bool
) -> ir.Condition:
    """The same of a table of texts: that there is a row of one."""
    if node.operator != "contains":
        ctx.error("SK161", node.operand.span, name=format_tree(node.operand))
        return ir.FALSE
    assert relation.value is not None
    value = t.Name((relation.value,), node.operand.span)
    tests = [
        t.InList(value, options, False, node.ignoring_case, node.span)
        for options in (
            [(p,) for p in node.patterns] if node.quantifier == "all" else [node.patterns]
        )
    ]
    rows = [
        t.Call("any", (node.operand,), False, None, test, None, node.span, node.span)
        for test in tests
    ]
    found = ir.conjunction([ctx.condition(each, negative=negative) for each in rows])
    return ir.complement(found) if node.negated else found


def in_list(ctx: Context, node: t.InList, negative: bool) -> ir.Condition:
    """A value that is one of several constants."""
    operand = ctx.value(node.operand)
    if isinstance(node.options, t.Parameter):
        return _in_parameter(ctx, node, operand, node.options, negative)
    if operand is None:
        hints.list_in_list(ctx, node)
    options = _constants(ctx, node.options, operand.dtype if operand else None, operand)
    if operand is None or options is None or not _is_folded_text(ctx, node, operand):
        return ir.FALSE
    pairs = list(zip(node.options, options, strict=True))
    if not all(same_family(ctx, node.operand, operand, n, v) for n, v in pairs):
        return ir.FALSE
    check_values(ctx, node.operand, operand, list(pairs), folded=node.ignoring_case)
    if node.negated != negative:
        surprises.of_missing(ctx, node.operand, operand)
    surprises.of_days_in_list(ctx, node, operand, options)
    if ctx.warn:
        attribute_bounds.of_list(ctx, node, operand, pairs)
    options = [written(ctx, option, operand) for option in options]
    test = _one_of(ctx, operand, options, node.ignoring_case)
    return ir.complement(test) if node.negated else test


def _is_folded_text(ctx: Context, node: t.InList, operand: ir.Value) -> bool:
    if node.ignoring_case and operand.dtype != TEXT:
        ctx.error("SK124", node.span, name="ignoring case", what=kind_of(operand.dtype))
        return False
    return True


def _in_parameter(
    ctx: Context, node: t.InList, operand: ir.Value | None, options: t.Parameter, negative: bool
) -> ir.Condition:
    """A value that is one of a list that is bound later."""
    if operand is None or not _is_folded_text(ctx, node, operand):
        return ir.FALSE
    one = ir.Param(options.name, operand.dtype)
    if not same_family(ctx, node.operand, operand, options, one):
        return ir.FALSE
    listed = ctx.parameter(options, list_of(operand.dtype))
    if listed is None:
        return ir.FALSE
    if node.negated != negative:
        surprises.of_missing(ctx, node.operand, operand)
    test = ir.OneOf(operand, (listed,), node.ignoring_case)
    return ir.complement(test) if node.negated else test


def _one_of(
    ctx: Context, operand: ir.Value, options: list[ir.Const | ir.Param], folded: bool
) -> ir.Condition:
    if not options:
        return ir.FALSE
    if operand.dtype.is_time and any(o.dtype != operand.dtype for o in options):
        each: list[ir.Condition] = [
            ir.Compare(ir.Comparison.EQ, operand, o, folded) for o in options
        ]
        return ir.disjunction(each)
    fitted: list[ir.Const | ir.Param] = []
    for option in options:
        _, value = aligned(operand, option)
        assert isinstance(value, _CONSTANT)
        fitted.append(value)
    return ir.OneOf(operand, tuple(dict.fromkeys(fitted)), folded)


def _constants(
    ctx: Context,
    nodes: tuple[t.Expr, ...],
    dtype: DType | None,
    operand: ir.Value | None = None,
) -> list[ir.Const | ir.Param] | None:
    """Values written out, or parameters; None when one of them is neither."""
    found: list[ir.Const | ir.Param] = []
    for node in nodes:
        value = ctx.typed(node, dtype)
        if value is None:
            unquoted.quote_unknown(ctx, node, dtype, written_out=True)
            return None
        if not isinstance(value, _CONSTANT):
            meant = unquoted.as_text(node) if dtype == TEXT and operand is None else None
            ctx.error("SK123", node.span, text=format_tree(node), hint=meant)
            return None
        if dtype == TEXT and value.dtype != TEXT:
            hint = hints.text_for(ctx, node, operand)
            families = {"left": term("text"), "right": term(value.dtype.family)}
            ctx.error("SK104", node.span, hint=hint, **families)
            return None
        found.append(value)
    return found
