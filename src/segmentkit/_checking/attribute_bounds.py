"""What the least and the greatest value of an attribute say of a test: always true, or never."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeAlias

from segmentkit._checking.context import Context
from segmentkit._checking.windows import Bound
from segmentkit._diagnostics.diagnostic import advice, diagnostic
from segmentkit._diagnostics.wording import Term, term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.schema import Attribute

_Number: TypeAlias = int | float | Decimal


def of_comparison(ctx: Context, node: t.Compare, left: ir.Value, right: ir.Value) -> None:
    """A comparison that holds whatever the attribute is within its bounds, or never."""
    negated = node.operator == "!="
    operator = ir.Comparison("=" if negated else node.operator)
    _told(ctx, node, node.left, left, [(operator, right)], negated=negated)
    _told(ctx, node, node.right, right, [(ir.MIRRORED[operator], left)], negated=negated)


def of_window(ctx: Context, node: t.InWindow, value: ir.Value, ends: tuple[Bound, Bound]) -> None:
    """The same of a range."""
    _told(ctx, node, node.operand, value, ends, negated=node.negated)


def of_list(
    ctx: Context, node: t.InList, value: ir.Value, pairs: Iterable[tuple[t.Expr, ir.Value]]
) -> None:
    """The same of each of several constants."""
    for option, constant in pairs:
        one = t.Compare("=", node.operand, option, False, option.span)
        _told(ctx, one, node.operand, value, [(ir.Comparison.EQ, constant)])


def _told(
    ctx: Context,
    node: t.Expr,
    operand: t.Expr,
    value: ir.Value,
    tests: Iterable[tuple[ir.Comparison, ir.Value]],
    *,
    negated: bool = False,
) -> None:
    """Warn of a test, all of whose comparisons hold, or one of which never does."""
    attribute = ctx.declared.get(value)
    if attribute is None or attribute.bounds == (None, None):
        return
    verdicts = [_verdict(op, constant, attribute.bounds) for op, constant in tests]
    if False not in verdicts and None in verdicts:
        return
    holds = False not in verdicts
    name, hint = format_tree(operand), None
    if holds and value.nullable:
        state = "missing" if negated else "present"
        verdict = term(f"true of all whose '{{name}}' is {state}", name=name)
        hint = advice("write_quoted", text=f"{name} is {state}")
    elif holds is negated:
        verdict = term("never true")
    else:
        verdict, hint = term("always true"), advice("leave_it_out")
    told: dict[str, Any] = {"text": format_tree(node), "name": name, "bounds": _words(attribute)}
    ctx.warnings.append((diagnostic("SK207", node.span, hint=hint, verdict=verdict, **told), None))


def _verdict(
    op: ir.Comparison, constant: ir.Value, bounds: tuple[_Number | None, _Number | None]
) -> bool | None:
    """Whether a comparison holds of all values within bounds, or of none; None: it depends."""
    if not isinstance(constant, ir.Const) or not isinstance(constant.value, int | float | Decimal):
        return None
    (low, high), number = bounds, constant.value
    if op is ir.Comparison.EQ:
        outside = (low is not None and number < low) or (high is not None and number > high)
        return False if outside else None
    # A comparison is that of "<" or of "<=", or the complement of one.
    with_equal = op in (ir.Comparison.LE, ir.Comparison.GT)
    if high is not None and (high < number or (with_equal and high == number)):
        less = True
    elif low is not None and (low > number or (not with_equal and low == number)):
        less = False
    else:
        return None
    return less is (op in (ir.Comparison.LT, ir.Comparison.LE))


def _words(attribute: Attribute) -> Term:
    low, high = attribute.bounds
    if high is None:
        return term("at least {low}", low=low)
    if low is None:
        return term("at most {high}", high=high)
    return term("from {low} to {high}", low=low, high=high)
