"""Syntax tree × schema → typed tree. Finds every mistake; what is unknown is poisoned once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from attrs import evolve, field, frozen

from segmentkit._checking.coercion import aligned, article
from segmentkit._checking.literals import ConstantChecker
from segmentkit._checking.sql_depth import MOST, is_deeper
from segmentkit._checking.values import CheckedValue, between
from segmentkit._diagnostics.diagnostic import Diagnostic, diagnostic, did_you_mean
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._language.parser import parse
from segmentkit._planning import ir
from segmentkit.dtypes import BOOLEAN, DATE, INTEGER, TEXT, TIMESTAMP, DType, Kind
from segmentkit.errors import DefinitionError, SchemaError, SegmentTypeError
from segmentkit.functions import AGGREGATES
from segmentkit.keylist import KeyList, kind_of_key
from segmentkit.schema import Channel, Schema

_COMPARISONS = {c.value: c for c in ir.Comparison} | {"!=": ir.Comparison.EQ}

MAX_SIZE = 50_000
"""Nodes of a typed tree, references written out."""


@frozen
class Checked:
    """What a definition means, the parameters that have no value, and what it rests on."""

    condition: ir.Condition
    parameters: tuple[tuple[str, DType], ...] = ()
    traits: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


@frozen
class Names:
    """What a definition can refer to beside its schema."""

    segments: Mapping[str, Checked] = field(factory=dict)
    traits: Mapping[str, CheckedValue] = field(factory=dict)
    lists: Mapping[str, KeyList] = field(factory=dict)


def check(tree: t.Expr, schema: Schema, source: str, names: Names) -> Checked:
    """Find out what a definition means.

    Args:
        tree: The syntax tree.
        schema: What its names can refer to.
        source: The text it was read from, for the error.
        names: What else it can refer to.

    Returns:
        The typed tree and the parameters that have no value.

    Raises:
        SegmentTypeError: The definition does not fit the schema; carries every mistake.
        SchemaError: A channel that it names is declared wrongly.
    """
    checker = _Checker(schema, names)
    condition = checker.condition(tree, negative=False)
    checker.check_size(tree, condition)
    checker.raise_errors(source)
    parameters = tuple(checker.parameters.items())
    return Checked(condition, parameters, tuple(checker.used_traits), tuple(checker.used_lists))


def check_trait(
    name: str, tree: t.Expr, schema: Schema, source: str, traits: Mapping[str, CheckedValue]
) -> CheckedValue:
    """Find out what a trait means.

    Args:
        name: What it is called.
        tree: The syntax tree of its value.
        schema: What its names can refer to.
        source: The text it was read from, for the error.
        traits: The other traits that it can refer to.

    Returns:
        The typed tree and the parameters that have no value.

    Raises:
        SegmentTypeError: The value does not fit the schema, or there is no value; carries every
            mistake.
    """
    checker = _Checker(schema, Names(traits=traits))
    _check_free(checker, name)
    value = None
    if _is_condition(tree):
        checker.condition(tree, negative=False)
        hint = "name the condition as a segment"
        checker.error("SK140", tree.span, what="a condition", hint=hint)
    else:
        value = checker.value(tree)
    if value is not None and value.dtype.kind is Kind.ANNIVERSARY:
        checker.error("SK140", tree.span, what="a day of the year")
    if value is not None:
        checker.check_size(tree, value)
    checker.raise_errors(source)
    return CheckedValue(value, tuple(checker.parameters.items()), tuple(checker.used_traits))


def value_of(tree: t.Expr, schema: Schema, names: Names) -> ir.Value | None:
    """What a part of a definition that stands means as a value.

    Args:
        tree: The part.
        schema: What its names refer to.
        names: What else it refers to.

    Returns:
        The typed tree; None if the part is no value by itself, as a place is none.
    """
    checker = _Checker(schema, names)
    value = checker.tested(tree)
    if checker.errors or value is None or value.dtype.kind is Kind.ANNIVERSARY:
        return None
    return value


def is_list(tree: t.Expr, schema: Schema, names: Names) -> bool:
    """Whether a part of a definition that stands is a list of texts: an attribute, or a table."""
    checker = _Checker(schema, names)
    if checker.table_of_texts(tree) is not None:
        return True
    value = checker.tested(tree) if isinstance(tree, t.Name) else None
    return value is not None and value.dtype.kind is Kind.TEXTS


def coordinates_of(tree: t.Expr, schema: Schema) -> list[t.Expr]:
    """The attributes of a place of the schema; none if a part of a definition names no place."""
    columns = _Checker(schema, Names()).place(tree) or ()
    return [t.Name((*c.links, c.name), t.NOWHERE) for c in columns if isinstance(c, ir.Column)]


def _check_free(checker: _Checker, name: str) -> None:
    """A trait must not be called as something else of the entity is."""
    entity = checker.schema.entity
    kinds = (
        ("an attribute", entity.attribute),
        ("a link", entity.link),
        ("a relation", entity.relation),
    )
    for what, of in kinds:
        if of(name) is not None:
            checker.error("SK141", t.NOWHERE, name=name, what=what, entity=entity.name)


def _is_condition(tree: t.Expr) -> bool:
    if isinstance(tree, t.Call):
        return tree.name in ("any", "none")
    values = (t.Literal, t.Name, t.Parameter, t.Moment, t.Negative, t.Arithmetic)
    return not isinstance(tree, values)


def check_channel(channel: Channel, schema: Schema) -> ir.Condition:
    """Find out what it means to be reachable by a channel.

    Args:
        channel: The channel.
        schema: What its texts speak of.

    Returns:
        The condition: there is an address, and there is consent.

    Raises:
        SchemaError: The channel is declared wrongly.
    """
    try:
        address = _address(channel, schema)
        consent = parse(channel.consent)
        checker = _Checker(evolve(schema, channels=()), Names())
        condition = checker.condition(consent, negative=False)
        checker.raise_errors(channel.consent)
    except DefinitionError as error:
        raise SchemaError(f"channel {channel.name!r} is declared wrongly\n{error}") from None
    if checker.parameters:
        raise SchemaError(f"channel {channel.name!r}: a channel has no parameters")
    return ir.conjunction([address, condition])


def _address(channel: Channel, schema: Schema) -> ir.Condition:
    """That there is an address; the empty text is none."""
    checker = _Checker(evolve(schema, channels=()), Names())
    tree = parse(channel.address)
    value = checker.value(tree)
    checker.raise_errors(channel.address)
    assert value is not None
    present = ir.Not(ir.Missing(value))
    if value.dtype != TEXT:
        return present
    empty = ir.Compare(ir.Comparison.EQ, value, ir.Const("", TEXT))
    return ir.conjunction([present, ir.complement(empty)])


def warnings_of(tree: t.Expr, schema: Schema, names: Names) -> tuple[Diagnostic, ...]:
    """What there is to say about a definition that stands.

    A pass of its own, because most definitions are evaluated far more often than they are read.

    Args:
        tree: A syntax tree that ``check`` accepts.
        schema: What its names refer to.
        names: What else it refers to.

    Returns:
        The warnings, in the order of the text.
    """
    checker = _Checker(schema, names, warn=True)
    checker.condition(tree, negative=False)
    return tuple(sorted(checker.warnings, key=lambda d: d.span.start))


def _too_large(tree: ir.Condition | ir.Value) -> bool:
    """Whether references make the tree larger than a text could be."""
    size, stack = 0, [tree]
    while stack:
        size += 1
        if size > MAX_SIZE:
            return True
        stack += ir.parts(stack.pop())
    return False


class _Checker(ConstantChecker):
    """One pass over one definition."""

    def __init__(self, schema: Schema, names: Names, *, warn: bool = False) -> None:
        super().__init__(schema, names.traits)
        self.warn = warn
        self.names = names
        self.used_lists: dict[str, None] = {}

    def check_size(self, tree: t.Expr, meaning: ir.Condition | ir.Value) -> None:
        if self.errors:
            return
        # Without references a tree is no larger than its text.
        if (self.names.segments or self.names.traits) and _too_large(meaning):
            self.error("SK127", tree.span, limit=f"{MAX_SIZE:,}")
        elif is_deeper(meaning, MOST):
            self.error("SK007", tree.span)

    def raise_errors(self, source: str) -> None:
        if self.errors:
            raise SegmentTypeError(sorted(self.errors, key=lambda d: d.span.start), source)

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
                return self.text_test(node, negative)
            case t.InList():
                return self.in_list(node, negative)
            case t.InWindow():
                return self._in_window(node, negative)
            case t.IsMissing(operand, negated):
                missing = self._missing(operand)
                return ir.complement(missing) if negated else missing
            case t.InSegment() | t.InKeyList() | t.Reachable():
                return self._reference(node)
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
            self.warn_missing(node.by, value)
        return test

    def _missing(self, operand: t.Expr) -> ir.Condition:
        if (place := self.place(operand)) is not None:
            return ir.disjunction([ir.Missing(coordinate) for coordinate in place])
        if self.table_of_texts(operand) is not None:
            # Whoever has no rows there has no texts, which is something else.
            return ir.FALSE
        value = self.tested(operand)
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
            if isinstance(node, t.Literal) and isinstance(node.value, str):
                hint = f"several values stand in a list: in (…, {text})"
            self.error("SK108", node.span, hint=hint, **article(value.dtype))
            return ir.FALSE
        if negative:
            self.warn_missing(node, value)
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
            known = [self.tested(test.operand) for test in tests]
            self.present = before.union(v for v in known if v is not None)
        found = [self.condition(o, negative=negative) for o in operands]
        self.present = before
        return found

    def _compare(self, node: t.Compare, negative: bool) -> ir.Condition:
        left, right = self.pair(node.left, node.right)
        if left is None or right is None:
            return ir.FALSE
        negated = node.operator == "!="
        operator = _COMPARISONS[node.operator]
        if not self._comparable(node, left, right, operator):
            return ir.FALSE
        if self.declared:
            self.check_values(node.left, left, [(node.right, right)], folded=node.ignoring_case)
            self.check_values(node.right, right, [(node.left, left)], folded=node.ignoring_case)
        if self.warn and negated != negative:
            self.warn_missing(node.left, left)
            self.warn_missing(node.right, right)
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
        if operator is not ir.Comparison.EQ and not left.dtype.is_ordered:
            self.error("SK105", node.span, family=left.dtype.family)
            return False
        if node.ignoring_case and left.dtype.kind is not Kind.TEXT:
            self.error("SK124", node.span, name="ignoring case", **article(left.dtype))
            return False
        return True

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

    def _in_window(self, node: t.InWindow, negative: bool) -> ir.Condition:
        operand = self.value(node.operand)
        ends = self.bounds(node.window, operand, node.operand)
        if operand is None or ends is None:
            return ir.FALSE
        if node.negated != negative:
            self.warn_missing(node.operand, operand)
        test = between(operand, ends)
        return ir.complement(test) if node.negated else test

    # -- what is asked of the entity as a whole --------------------------------------------------

    def _reference(self, node: t.InSegment | t.InKeyList | t.Reachable) -> ir.Condition:
        if self.row is not None:
            self.error("SK113", node.span, hint="join it outside the brackets with 'and'")
            return ir.FALSE
        match node:
            case t.InSegment():
                return self._in_segment(node)
            case t.InKeyList():
                return self._in_key_list(node)
            case t.Reachable():
                return self._reachable(node)
            case _:
                assert_never(node)

    def _in_segment(self, node: t.InSegment) -> ir.Condition:
        found = self.names.segments.get(node.name)
        if found is None:
            hint = did_you_mean(node.name, self.names.segments) or "no other segments are given"
            self.error("SK117", node.name_span, name=node.name, hint=hint)
            return ir.FALSE
        self.adopt(found.parameters, node.span)
        return found.condition

    def _in_key_list(self, node: t.InKeyList) -> ir.Condition:
        found = self.names.lists.get(node.name)
        if found is None:
            hint = did_you_mean(node.name, self.names.lists) or "no lists are given"
            self.error("SK143", node.name_span, name=node.name, hint=hint)
            return ir.FALSE
        self.used_lists[node.name] = None
        entity = self.schema.entity
        key = entity.key_attribute
        if key is None or key.dtype not in (INTEGER, TEXT):
            expected = "an attribute" if key is None else "an integer or a text"
            values = {"entity": entity.name, "key": entity.key, "expected": expected}
            self.error("SK145", node.span, **values)
            return ir.FALSE
        if found.keys and found.dtype != key.dtype:
            held = {INTEGER: "integers", TEXT: "texts"}[found.dtype]
            place = f"{entity.name}.{key.name}"
            told = {"name": node.name, "held": held, "key": place, **kind_of_key(key.dtype)}
            self.error("SK144", node.span, **told)
            return ir.FALSE
        column = ir.Column(ir.Scope.ENTITY, (), key.name, key.dtype, key.nullable)
        return ir.Listed(column, found.name, found.keys) if found.keys else ir.FALSE

    def _reachable(self, node: t.Reachable) -> ir.Condition:
        channel = self.schema.channel(node.name)
        if channel is None:
            names = [c.name for c in self.schema.channels]
            hint = did_you_mean(node.name, names) or "the schema declares no channels"
            self.error("SK146", node.name_span, name=node.name, hint=hint)
            return ir.FALSE
        return check_channel(channel, self.schema)
