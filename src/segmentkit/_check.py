"""Syntax tree × schema → typed tree. Finds every mistake; what is unknown is poisoned once."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from segmentkit import _ast as t
from segmentkit import _ir as ir
from segmentkit._coercion import aligned, article
from segmentkit._diagnostics import Diagnostic, diagnostic, did_you_mean, suggest
from segmentkit._format import format_tree
from segmentkit._parser import MAX_DEPTH
from segmentkit._values import ValueChecker, between, quoted, some
from segmentkit.dtypes import BOOLEAN, DATE, INTEGER, TEXT, TIMESTAMP, DType, Kind
from segmentkit.errors import SegmentTypeError
from segmentkit.functions import AGGREGATES
from segmentkit.schema import Schema

_COMPARISONS = {c.value: c for c in ir.Comparison} | {"!=": ir.Comparison.EQ}

MAX_SIZE = 50_000
"""Nodes of a typed tree, references written out."""


@frozen
class Checked:
    """What a definition means, and the parameters in it that have no value."""

    condition: ir.Condition
    parameters: tuple[tuple[str, DType], ...]


def check(tree: t.Expr, schema: Schema, source: str, segments: Mapping[str, Checked]) -> Checked:
    """Find out what a definition means.

    Args:
        tree: The syntax tree.
        schema: What its names can refer to.
        source: The text it was read from, for the error.
        segments: What ``in segment`` can refer to.

    Returns:
        The typed tree and the parameters that have no value.

    Raises:
        SegmentTypeError: The definition does not fit the schema; carries every mistake.
    """
    checker = _Checker(schema, segments)
    condition = checker.condition(tree, negative=False)
    # Without references a tree is no larger than its text.
    if segments and not checker.errors and _too_large(condition):
        checker.error("SK127", tree.span, limit=f"{MAX_SIZE:,}")
    if checker.errors:
        raise SegmentTypeError(sorted(checker.errors, key=lambda d: d.span.start), source)
    return Checked(condition, tuple(checker.parameters.items()))


def warnings_of(
    tree: t.Expr, schema: Schema, segments: Mapping[str, Checked]
) -> tuple[Diagnostic, ...]:
    """What there is to say about a definition that stands.

    A pass of its own, because most definitions are evaluated far more often than they are read.

    Args:
        tree: A syntax tree that ``check`` accepts.
        schema: What its names refer to.
        segments: What ``in segment`` refers to.

    Returns:
        The warnings, in the order of the text.
    """
    checker = _Checker(schema, segments, warn=True)
    checker.condition(tree, negative=False)
    return tuple(sorted(checker.warnings, key=lambda d: d.span.start))


def _too_large(condition: ir.Condition) -> bool:
    """Whether references make the tree larger or deeper than a text could be."""
    size, stack = 0, [(condition, 0)]
    while stack:
        node, depth = stack.pop()
        size += 1
        if size > MAX_SIZE or depth > MAX_DEPTH:
            return True
        deeper = depth + 2 if isinstance(node, ir.And | ir.Or) else depth + 1
        stack += [(part, deeper) for part in ir.parts(node)]  # type: ignore[misc]
    return False


class _Checker(ValueChecker):
    """One pass over one definition."""

    def __init__(
        self, schema: Schema, segments: Mapping[str, Checked], *, warn: bool = False
    ) -> None:
        super().__init__(schema)
        self.warn = warn
        self.segments = segments
        self.present: frozenset[ir.Value] = frozenset()

    # -- conditions -----------------------------------------------------------------------------

    def condition(self, node: t.Expr, *, negative: bool) -> ir.Condition:  # noqa: PLR0911
        """What a condition means; ``negative``: whether it stands under an odd number of nots."""
        match node:
            case t.And(operands):
                return ir.conjunction(self._several(operands, negative, alone=not negative))
            case t.Or(operands):
                return ir.disjunction(self._several(operands, negative, alone=negative))
            case t.Not(operand):
                return ir.complement(self.condition(operand, negative=not negative))
            case t.Compare():
                return self._compare(node, negative)
            case t.TextTest():
                return self._text_test(node, negative)
            case t.InList():
                return self._in_list(node, negative)
            case t.InWindow():
                return self._in_window(node, negative)
            case t.IsMissing(operand, negated):
                missing = self._missing(operand)
                return ir.complement(missing) if negated else missing
            case t.InSegment(name):
                return self._in_segment(node, name)
            case t.Ranked():
                return self._ranked(node, negative)
            case t.Call("sample"):
                return self.sample(node) or ir.FALSE
            case t.Call(name, among=None) if name in ("any", "none"):
                rows = self.aggregate(node, AGGREGATES[name])
                one = ir.Const(1, INTEGER)
                test = ir.FALSE if rows is None else ir.Compare(ir.Comparison.GE, rows, one)
                return ir.complement(test) if name == "none" else test
            case _:
                return self._bare(node, negative)

    def _ranked(self, node: t.Ranked, negative: bool) -> ir.Condition:
        found = self.ranked(node)
        if found is None:
            return ir.FALSE
        test, value = found
        if negative:
            self._warn_missing(node.by, value)
        return test

    def _missing(self, operand: t.Expr) -> ir.Condition:
        if (place := self.place(operand)) is not None:
            return ir.disjunction([ir.Missing(coordinate) for coordinate in place])
        value = self.value(operand)
        if isinstance(value, ir.Call) and value.dtype.kind is Kind.ANNIVERSARY:
            # A day of the year is missing where its date is.
            (value,) = value.arguments
        return ir.FALSE if value is None else ir.Missing(value)

    def _bare(self, node: t.Expr, negative: bool) -> ir.Condition:
        """A value that stands as a condition: it must be a boolean."""
        if isinstance(node, t.Literal) and isinstance(node.value, bool):
            return ir.Always(node.value)
        if isinstance(node, t.Parameter):
            value: ir.Value | None = self.parameter(node, BOOLEAN)
        else:
            value = self.value(node)
        if value is None:
            return ir.FALSE
        if value.dtype != BOOLEAN:
            text = format_tree(node)
            hint = f"compare it, as in '{text} > 0'" if value.dtype.is_number else None
            if value.dtype.is_time:
                hint = f"compare it, as in '{text} in last 30 days'"
            self.error("SK108", node.span, hint=hint, **article(value.dtype))
            return ir.FALSE
        if negative:
            self._warn_missing(node, value)
        return ir.Compare(ir.Comparison.EQ, value, ir.Const(True, BOOLEAN))

    def _several(
        self, operands: tuple[t.Expr, ...], negative: bool, *, alone: bool
    ) -> list[ir.Condition]:
        """The operands of ``and`` or ``or``.

        Where all of them must hold (``alone``; under ``not`` that is ``or``), a test that a value
        is present leaves out whoever the others would include by surprise.
        """
        before = self.present
        if self.warn and alone:
            tests = [o for o in operands if isinstance(o, t.IsMissing) and o.negated != negative]
            known = [self.value(test.operand) for test in tests]
            self.present = before.union(v for v in known if v is not None)
        found = [self.condition(o, negative=negative) for o in operands]
        self.present = before
        return found

    def _warn_missing(self, node: t.Expr, value: ir.Value) -> None:
        if self.warn and value.nullable and value not in self.present:
            text = format_tree(node)
            whose = self.row.relation.name if self.row else self.schema.entity.name
            self.warnings.append(diagnostic("SK201", node.span, entity=whose, operand=text))

    def _compare(self, node: t.Compare, negative: bool) -> ir.Condition:
        left, right = self.pair(node.left, node.right)
        if left is None or right is None:
            return ir.FALSE
        negated = node.operator == "!="
        operator = _COMPARISONS[node.operator]
        if not self._comparable(node, left, right, operator):
            return ir.FALSE
        if self.declared:
            self._check_values(node.left, left, [(node.right, right)], folded=node.ignoring_case)
            self._check_values(node.right, right, [(node.left, left)], folded=node.ignoring_case)
        if self.warn and negated != negative:
            self._warn_missing(node.left, left)
            self._warn_missing(node.right, right)
        if self.warn:
            self._warn_day(node, left, right)
        left, right = aligned(left, right)
        test = ir.Compare(operator, left, right, node.ignoring_case)
        return ir.complement(test) if negated else test

    def _comparable(
        self, node: t.Compare, left: ir.Value, right: ir.Value, operator: ir.Comparison
    ) -> bool:
        if not self.same_family(node.left, left, node.right, right):
            return False
        family = left.dtype.family
        if operator is not ir.Comparison.EQ and not left.dtype.is_ordered:
            self.error("SK105", node.span, family=family)
            return False
        if node.ignoring_case and left.dtype.kind is not Kind.TEXT:
            self.error("SK124", node.span, name="ignoring case", **article(left.dtype))
            return False
        return True

    def _check_values(
        self,
        node: t.Expr,
        value: ir.Value,
        options: list[tuple[t.Expr, ir.Value]],
        *,
        folded: bool,
    ) -> None:
        """A constant that is compared with an attribute must be one of its listed values."""
        attribute = self.declared.get(value) if self.declared else None
        if attribute is None:
            return
        known = {v.casefold() if folded and isinstance(v, str) else v for v in attribute.values}
        for option_node, option in options:
            if not isinstance(option, ir.Const) or option.value is None:
                continue
            wanted = option.value
            if isinstance(wanted, str) and folded:
                wanted = wanted.casefold()
            if wanted not in known:
                names = [str(v) for v in attribute.values]
                close = suggest(str(option.value), names)
                hint = f"did you mean '{close}'?" if close else f"it has {some(names)}"
                self.error(
                    "SK106", option_node.span, value=option.value, name=format_tree(node), hint=hint
                )

    def _warn_day(self, node: t.Compare, left: ir.Value, right: ir.Value) -> None:
        """``placed_at = 2026-05-09`` is true at midnight only, which is seldom what is meant."""
        if not self.warn or node.operator not in ("=", "!="):
            return
        for a, b, operand, day in (
            (left, right, node.left, node.right),
            (right, left, node.right, node.left),
        ):
            if a.dtype == TIMESTAMP and isinstance(day, t.Literal) and b.dtype == DATE:
                texts = {"operand": format_tree(operand), "date": format_tree(day)}
                self.warnings.append(diagnostic("SK202", node.span, **texts))

    def _text_test(self, node: t.TextTest, negative: bool) -> ir.Condition:
        operand = self.value(node.operand)
        patterns = self._constants(node.patterns, TEXT)
        if operand is None or patterns is None:
            return ir.FALSE
        if operand.dtype != TEXT:
            self.error("SK124", node.operand.span, name=node.operator, **article(operand.dtype))
            return ir.FALSE
        if node.negated != negative:
            self._warn_missing(node.operand, operand)
        operator = ir.TextOperator(node.operator)
        tests: list[ir.Condition] = [
            ir.TextTest(operator, operand, p, node.ignoring_case) for p in patterns
        ]
        test = (ir.conjunction if node.quantifier == "all" else ir.disjunction)(tests)
        return ir.complement(test) if node.negated else test

    def _in_list(self, node: t.InList, negative: bool) -> ir.Condition:
        operand = self.value(node.operand)
        options = self._constants(node.options, operand.dtype if operand else None)
        if operand is None or options is None:
            return ir.FALSE
        if node.ignoring_case and operand.dtype != TEXT:
            self.error("SK124", node.span, name="ignoring case", **article(operand.dtype))
            return ir.FALSE
        pairs = list(zip(node.options, options, strict=True))
        if not all(self.same_family(node.operand, operand, n, v) for n, v in pairs):
            return ir.FALSE
        self._check_values(node.operand, operand, list(pairs), folded=node.ignoring_case)
        if node.negated != negative:
            self._warn_missing(node.operand, operand)
        test = self._one_of(operand, options, node.ignoring_case)
        return ir.complement(test) if node.negated else test

    def _one_of(
        self, operand: ir.Value, options: list[ir.Const | ir.Param], folded: bool
    ) -> ir.Condition:
        if operand.dtype.is_time and any(o.dtype != operand.dtype for o in options):
            each: list[ir.Condition] = [
                ir.Compare(ir.Comparison.EQ, operand, o, folded) for o in options
            ]
            return ir.disjunction(each)
        fitted: list[ir.Const | ir.Param] = []
        for option in options:
            _, value = aligned(operand, option)
            assert isinstance(value, ir.Const | ir.Param)
            fitted.append(value)
        return ir.OneOf(operand, tuple(dict.fromkeys(fitted)), folded)

    def _constants(
        self, nodes: tuple[t.Expr, ...], dtype: DType | None
    ) -> list[ir.Const | ir.Param] | None:
        """Values written out, or parameters; None when one of them is neither."""
        found: list[ir.Const | ir.Param] = []
        for node in nodes:
            if isinstance(node, t.Parameter) and dtype is not None:
                value: ir.Value | None = self.parameter(node, dtype)
            else:
                value = self.value(node)
            if value is None:
                return None
            if not isinstance(value, ir.Const | ir.Param):
                self.error("SK123", node.span, text=format_tree(node))
                return None
            if dtype == TEXT and value.dtype != TEXT:
                self.error(
                    "SK104", node.span, left="text", right=value.dtype.family, hint=quoted(node)
                )
                return None
            found.append(value)
        return found

    def _in_window(self, node: t.InWindow, negative: bool) -> ir.Condition:
        operand = self.value(node.operand)
        ends = self.bounds(node.window, operand, node.operand)
        if operand is None or ends is None:
            return ir.FALSE
        if node.negated != negative:
            self._warn_missing(node.operand, operand)
        test = between(operand, ends)
        return ir.complement(test) if node.negated else test

    def _in_segment(self, node: t.InSegment, name: str) -> ir.Condition:
        if self.row is not None:
            self.error("SK113", node.span, hint="join it outside the brackets with 'and'")
            return ir.FALSE
        found = self.segments.get(name)
        if found is None:
            hint = did_you_mean(name, self.segments) or "no other segments are given"
            self.error("SK117", node.name_span, name=name, hint=hint)
            return ir.FALSE
        for parameter, dtype in found.parameters:
            self.parameters.setdefault(parameter, dtype)
        return found.condition
