"""Tests of a value against constants: the part of the checker for lists, patterns and tags."""

from __future__ import annotations

from segmentkit._checking.aggregates import RowChecker
from segmentkit._checking.coercion import aligned, article
from segmentkit._checking.values import quoted, some
from segmentkit._diagnostics.diagnostic import diagnostic, suggest
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import TEXT, TEXTS, DType
from segmentkit.schema import Relation

_CONSTANT = (ir.Const, ir.Param)


class ConstantChecker(RowChecker):
    """What memberships and text tests mean.

    Attributes:
        warn: Whether warnings are asked for.
    """

    warn: bool

    def warn_missing(self, node: t.Expr, value: ir.Value) -> None:
        """A negative form holds of what is missing."""
        if self.warn and value.nullable and value not in self.present:
            text = format_tree(node)
            whose = self.row.relation.name if self.row else self.schema.entity.name
            self.warnings.append(diagnostic("SK201", node.span, entity=whose, operand=text))

    def check_values(
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

    def text_test(self, node: t.TextTest, negative: bool) -> ir.Condition:
        """What is in a text, or in a list of texts."""
        if (relation := self.table_of_texts(node.operand)) is not None:
            return self._has_rows_of(node, relation, negative)
        operand = self.tested(node.operand)
        patterns = self._constants(node.patterns, TEXT)
        if operand is None or patterns is None:
            return ir.FALSE
        if operand.dtype == TEXTS and node.operator != "contains":
            self.error("SK161", node.operand.span, name=format_tree(node.operand))
            return ir.FALSE
        if operand.dtype not in (TEXT, TEXTS):
            self.error("SK124", node.operand.span, name=node.operator, **article(operand.dtype))
            return ir.FALSE
        if node.negated != negative:
            self.warn_missing(node.operand, operand)
        if operand.dtype == TEXTS:
            return self._has_texts(node, operand, patterns)
        operator = ir.TextOperator(node.operator)
        tests: list[ir.Condition] = [
            ir.TextTest(operator, operand, p, node.ignoring_case) for p in patterns
        ]
        test = (ir.conjunction if node.quantifier == "all" else ir.disjunction)(tests)
        return ir.complement(test) if node.negated else test

    def _has_texts(
        self, node: t.TextTest, operand: ir.Value, patterns: list[ir.Const | ir.Param]
    ) -> ir.Condition:
        """That a list has a text, or one of several, or each of them."""
        pairs: list[tuple[t.Expr, ir.Value]] = list(zip(node.patterns, patterns, strict=True))
        self.check_values(node.operand, operand, pairs, folded=node.ignoring_case)
        wanted = list(dict.fromkeys(patterns))
        each = [(p,) for p in wanted] if node.quantifier == "all" else [tuple(wanted)]
        test = ir.conjunction([ir.Contains(operand, some, node.ignoring_case) for some in each])
        return ir.complement(test) if node.negated else test

    def _has_rows_of(self, node: t.TextTest, relation: Relation, negative: bool) -> ir.Condition:
        """The same of a table of texts: that there is a row of one."""
        if node.operator != "contains":
            self.error("SK161", node.operand.span, name=format_tree(node.operand))
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
        found = ir.conjunction([self.condition(each, negative=negative) for each in rows])
        return ir.complement(found) if node.negated else found

    def in_list(self, node: t.InList, negative: bool) -> ir.Condition:
        """A value that is one of several constants."""
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
        self.check_values(node.operand, operand, list(pairs), folded=node.ignoring_case)
        if node.negated != negative:
            self.warn_missing(node.operand, operand)
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
            assert isinstance(value, _CONSTANT)
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
            if not isinstance(value, _CONSTANT):
                self.error("SK123", node.span, text=format_tree(node))
                return None
            if dtype == TEXT and value.dtype != TEXT:
                self.error(
                    "SK104", node.span, left="text", right=value.dtype.family, hint=quoted(node)
                )
                return None
            found.append(value)
        return found
