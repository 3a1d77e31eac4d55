"""Definitions → queries of react-querybuilder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from attrs import frozen

from segmentkit._diagnostics.diagnostic import Diagnostic, Hint, Span, diagnostic
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._usage import expect
from segmentkit.errors import ConversionError, DefinitionError
from segmentkit.interchange._react_querybuilder import from_react_querybuilder
from segmentkit.interchange._result import Difference
from segmentkit.segment import Segment

Query = dict[str, Any]
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MATCHES = {">=": "atLeast", "<=": "atMost", "=": "exactly"}
_PLAIN: dict[tuple[str, object], str] = {("atLeast", 1): "some", ("atMost", 0): "none"}
_TEXT_TESTS = {
    ("contains", False): "contains",
    ("starts with", False): "beginsWith",
    ("ends with", False): "endsWith",
    ("contains", True): "doesNotContain",
    ("starts with", True): "doesNotBeginWith",
    ("ends with", True): "doesNotEndWith",
}
_FOLDED = {"=": "equalsIgnoringCase", "!=": "doesNotEqualIgnoringCase"}


@frozen
class Exported:
    """A segment as a query of another tool.

    Attributes:
        query: The query, of values that JSON has.
        differences: Where the other tool answers differently, and for whom.
    """

    query: Query
    differences: tuple[Difference, ...]


def to_react_querybuilder(segment: Segment) -> Exported:
    """Hand on a segment as a query of react-querybuilder.

    ``from_react_querybuilder`` reads the query as an equal segment. What ``ignoring case`` says has
    operators of its own, such as ``containsIgnoringCase``, which a front end must know.

    Args:
        segment: The segment.

    Returns:
        The query, and where the SQL that react-querybuilder writes of it answers differently.

    Raises:
        DefinitionError: A part of the definition is none that such queries have; has all of them,
            with their places in the definition.

    Example:
        >>> from segmentkit import INTEGER, Attribute, Entity, Schema
        >>> people = Schema([Entity("people", key="id", attributes=[Attribute("age", INTEGER)])])
        >>> to_react_querybuilder(Segment.define("adults", "age >= 18", people)).query
        {'combinator': 'and', 'rules': [{'field': 'age', 'operator': '>=', 'value': 18}]}
    """
    expect(segment, Segment, "to_react_querybuilder(segment)")
    query, problems = _written(segment)
    if problems:
        raise DefinitionError(problems, segment.source)
    try:
        back = from_react_querybuilder(query, segment.schema, traits=segment.traits)
    except ConversionError as error:
        whole = Span(0, len(segment.source))
        told = [_refused(whole, f"this as a query: {d.message}") for d in error.diagnostics]
        raise DefinitionError(told, segment.source) from None
    # What would be read as something else is not handed on: it says the same, or is written alike.
    if back.segment != segment and query != _written(back.segment)[0]:
        found = _refused(Span(0, len(segment.source)), f"this, and not '{back.definition}'")
        raise DefinitionError([found], segment.source)
    return Exported(query, back.differences)


def _written(segment: Segment) -> tuple[Query, list[Diagnostic]]:
    writer = _Writer(segment)
    return _as_group(writer.written(segment._tree)), writer.problems


def _refused(span: Span, what: str, hint: Hint | None = None) -> Diagnostic:
    return diagnostic("SK503", span, what=what, hint=hint)


class _Writer:
    """One export: the rules and groups of its conditions, and what no rule can say."""

    def __init__(self, segment: Segment) -> None:
        self.schema = segment.schema
        self.problems: list[Diagnostic] = []
        self._entity = segment.schema.entity

    def written(self, node: t.Expr) -> Query:
        """A rule or a group."""
        match node:
            case t.And(operands):
                return _group("and", map(self.written, operands))
            case t.Or(operands):
                return _group("or", map(self.written, operands))
            case t.Not(operand):
                return _negated(self.written(operand))
            case t.Literal(True):
                return _group("and", ())
            case t.Name():
                return _rule(self._field(node), "=", True)
            case t.IsMissing(operand):
                return _rule(self._field(operand), "notNull" if node.negated else "null", None)
            case t.Compare():
                return self._compare(node)
            case t.TextTest() if node.operator != "matches":
                return self._text_test(node)
            case t.InList(operand, (_, *_) as options):
                operator = "notIn" if node.negated else "in"
                operator += "IgnoringCase" * node.ignoring_case
                values = [self._constant(option) for option in options]
                return _rule(self._field(operand), operator, values)
            case t.InWindow(operand, t.Range(low, high)):
                return self._between(node, operand, low, high)
            case t.Call("any" | "none"):
                return self._rows(node)
            case _:
                return self._refuse(node)

    # -- tests

    def _compare(self, node: t.Compare) -> Query:
        match node.left, node.right:
            case (t.Call("count") as count, right):
                return self._count(node, count, right)
            case (t.Literal() | t.Parameter(), t.Name() as name):
                operator, value = _MIRRORED[node.operator], node.left
            case (name, value):
                operator = node.operator
        if node.ignoring_case:
            operator = _FOLDED[operator]
        return _rule(self._field(name), operator, **self._value(value))

    def _text_test(self, node: t.TextTest) -> Query:
        if node.quantifier is not None:
            combinator = "and" if node.quantifier == "all" else "or"
            each = [
                t.TextTest(
                    node.operator, node.operand, None, (p,), False, node.ignoring_case, p.span
                )
                for p in node.patterns
            ]
            found = _group(combinator, map(self.written, each))
            return _negated(found) if node.negated else found
        operator = _TEXT_TESTS[node.operator, node.negated] + "IgnoringCase" * node.ignoring_case
        return _rule(self._field(node.operand), operator, **self._value(node.patterns[0]))

    def _between(self, node: t.InWindow, operand: t.Expr, low: t.Expr, high: t.Expr) -> Query:
        field = self._field(operand)
        if isinstance(high, t.Literal) and _is_day(high.value) and self._is_instant(operand):
            # Here a day is the whole day, and in a rule it is its first instant.
            return self._days(node, field, low, high)
        ends = [self._value(low), self._value(high)]
        sources = {each.get("valueSource", "value") for each in ends}
        if len(sources) > 1:
            return self._refuse(node)
        operator = "notBetween" if node.negated else "between"
        rule = _rule(field, operator, [each["value"] for each in ends])
        return rule if sources == {"value"} else {**rule, "valueSource": sources.pop()}

    def _days(self, node: t.InWindow, field: str, low: t.Expr, high: t.Literal) -> Query:
        assert isinstance(high.value, date)
        if high.value == date.max:
            return self._refuse(node)
        after = (high.value + timedelta(days=1)).isoformat()
        first = _rule(field, ">=", **self._value(low))
        found = _group("and", [first, _rule(field, "<", after)])
        return _negated(found) if node.negated else found

    def _is_instant(self, operand: t.Expr) -> bool:
        if not isinstance(operand, t.Name):
            return False
        entity = self._entity
        for name in operand.parts[:-1]:
            if (link := entity.link(name)) is None:
                break
            entity = self.schema.named(link.to)
        found = entity.attribute(operand.parts[-1]) or entity.attribute(".".join(operand.parts))
        return found is None or not found.dtype.is_time or str(found.dtype) == "timestamp"

    # -- rows

    def _rows(self, call: t.Call) -> Query:
        if call.name == "none" and isinstance(call.where, t.Not):
            return self._match(call, {"mode": "all"}, call.where.operand)
        mode = "some" if call.name == "any" else "none"
        return self._match(call, {"mode": mode}, call.where)

    def _count(self, node: t.Compare, call: t.Call, right: t.Expr) -> Query:
        """``count(orders where …) >= 2``, and a share: ``… >= 0.5 * count(orders)``."""
        threshold: int | float | str
        whole = t.Call("count", call.arguments, False, None, None, None, t.NOWHERE, t.NOWHERE)
        match right:
            case t.Literal(int() as least) if least >= 0 and (node.operator, least) != ("<", 0):
                shifted = {">": (">=", least + 1), "<": ("<=", least - 1)}
                operator, threshold = shifted.get(node.operator, (node.operator, least))
            case t.Arithmetic((t.Literal(Decimal() as share), count), ("*",)) if (
                count == whole and 0 < share < 1 and node.operator in (*_MATCHES, "!=")
            ):
                operator, threshold = node.operator, _number(share)
            case _:
                return self._refuse(node)
        mode = _MATCHES["=" if operator == "!=" else operator]
        plain = _PLAIN.get((mode, threshold))
        match = {"mode": plain} if plain else {"mode": mode, "threshold": threshold}
        found = self._match(call, match, call.where)
        return _negated(found) if operator == "!=" else found

    def _match(self, call: t.Call, match: Query, where: t.Expr | None) -> Query:
        relation = call.arguments[0] if len(call.arguments) == 1 else None
        plain = not (call.window or call.then or call.among or call.distinct)
        known = isinstance(relation, t.Name) and len(relation.parts) == 1
        found = self._entity.relation(relation.parts[0]) if known else None  # type: ignore[union-attr]
        if found is None or not plain:
            return self._refuse(call)
        before, self._entity = self._entity, self.schema.named(found.to)
        value = _as_group(self.written(where)) if where is not None else _group("and", ())
        self._entity = before
        return {**_rule(found.name, "=", value), "match": match}

    # -- fields and values

    def _field(self, node: t.Expr) -> str:
        if isinstance(node, t.Name):
            parts = node.parts
            root = self.schema.entity
            of_customer = self._entity is not root and parts[0] == root.name
            if not of_customer and (len(parts) == 1 or not any("." in part for part in parts)):
                return ".".join(parts)
        self._refuse(node)
        return ""

    def _value(self, node: t.Expr) -> Query:
        match node:
            case t.Name():
                return {"value": self._field(node), "valueSource": "field"}
            case t.Parameter(name):
                return {"value": name, "valueSource": "parameter"}
            case _:
                return {"value": self._constant(node)}

    def _constant(self, node: t.Expr) -> Any:
        match node:
            case t.Literal(bool() | int() | str() as value):
                return value
            case t.Literal(Decimal() as value):
                return _number(value)
            case t.Literal(date() as value):
                return value.isoformat()
            case _:
                self._refuse(node)
                return None

    def _refuse(self, node: t.Expr) -> Query:
        self.problems.append(_refused(node.span, f"'{format_tree(node)[:60]}'"))
        return _rule("", "=", None)


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _number(value: Decimal) -> float | str:
    """A number that JavaScript reads exactly, or its digits."""
    found = float(value)
    return found if Decimal(repr(found)) == value else format(value, "f")


def _rule(field: str, operator: str, value: Any, **more: Any) -> Query:
    return {"field": field, "operator": operator, "value": value, **more}


def _group(combinator: str, rules: Iterator[Query] | list[Query] | tuple[()]) -> Query:
    return {"combinator": combinator, "rules": list(rules)}


def _as_group(found: Query) -> Query:
    return found if "rules" in found else _group("and", [found])


def _negated(found: Query) -> Query:
    group = _as_group(found)
    if group.get("not") or not group["rules"]:
        group = _group("and", [group])
    return {**group, "not": True}
