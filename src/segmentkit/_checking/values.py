"""Values, names, functions and aggregates: the half of the checker that deals in types."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import frozen

from segmentkit._calendar import to_utc
from segmentkit._checking.coercion import aligned, article, exact_dtype, literal_dtype, to_float
from segmentkit._checking.geography import Coordinates
from segmentkit._checking.rankings import PopulationChecker
from segmentkit._checking.windows import Bound, bounds
from segmentkit._diagnostics.diagnostic import Diagnostic, Span, diagnostic, did_you_mean
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_name, format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import (
    BOOLEAN,
    DATE,
    DISTANCE,
    FLOAT,
    TEXT,
    TIMESTAMP,
    DType,
    Kind,
    decimal,
)
from segmentkit.functions import AGGREGATES, FORMS, FUNCTIONS, AggregateSignature, Signature
from segmentkit.schema import Attribute, Document, Entity, Relation, Schema


@frozen
class CheckedValue:
    """What a trait means, the parameters in it that have no value, and the traits it rests on.

    The value is None where it is wrong and that has been told already.
    """

    value: ir.Value | None
    parameters: tuple[tuple[str, DType], ...] = ()
    traits: tuple[str, ...] = ()


@frozen
class Row:
    """The row that names refer to inside the brackets of an aggregate.

    Attributes:
        relation: What it is a row of.
        entity: Where the relation leads.
        owner: The entity that has the relation.
        prefix: What names start with, as in ``sum(orders.amount)``; nothing in ``where``.
    """

    relation: Relation
    entity: Entity
    owner: Entity
    prefix: tuple[str, ...] = ()


class ValueChecker(PopulationChecker):
    """What values mean; conditions inside brackets are left to the subclass."""

    def __init__(self, schema: Schema, traits: Mapping[str, CheckedValue]) -> None:
        self.schema = schema
        self.traits = traits
        self.used_traits: dict[str, None] = {}
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.parameters: dict[str, DType] = {}
        self.row: Row | None = None
        self.present: frozenset[ir.Value] = frozenset()
        self.declared: dict[ir.Value, Attribute] = {}

    def error(self, code: str, span: Span, *, hint: str | None = None, **values: Any) -> None:
        self.errors.append(diagnostic(code, span, hint=hint, **values))

    def of_customers(self, node: t.Expr) -> bool:
        if self.row is not None:
            hint = "it is about customers: join it outside the brackets with 'and'"
            self.error("SK113", node.span, hint=hint)
        return self.row is None

    @abstractmethod
    def aggregate(self, node: t.Call, function: AggregateSignature) -> ir.Aggregate | None:
        """What an aggregate means; None after an error."""

    # -- values ---------------------------------------------------------------------------------

    def value(self, node: t.Expr) -> ir.Value | None:
        """What a value means; None after an error."""
        match node:
            case t.Literal(value):
                if isinstance(value, datetime):
                    value = to_utc(value, self.schema.zone)
                return ir.Const(value, literal_dtype(value))
            case t.Name():
                return self._single(node)
            case t.Parameter():
                self.error("SK125", node.span, name=node.name)
                return None
            case t.Length():
                return self.length(node)
            case t.Percent():
                self.error("SK157", node.span)
                return None
            case t.Moment("today"):
                return ir.Moment(ir.Anchor.TODAY, 0, "day", DATE)
            case t.Moment(_, count, unit):
                return ir.Moment(ir.Anchor.NOW, count, unit, TIMESTAMP)
            case t.Negative(operand):
                zero = t.Literal(0, node.span)
                return self._chain(t.Arithmetic((zero, operand), ("-",), node.span))
            case t.Arithmetic():
                return self._chain(node)
            case t.Call():
                return self._call(node)
            case _:
                # Its own mistakes are found too, beside the one that it stands here.
                self.condition(node, negative=False)
                self.error("SK109", node.span)
                return None

    def pair(self, left: t.Expr, right: t.Expr) -> tuple[ir.Value | None, ir.Value | None]:
        """Two operands, of which one may give a parameter its type."""
        if isinstance(left, t.Parameter) and not isinstance(right, t.Parameter):
            b = self.value(right)
            return (self.parameter(left, b.dtype) if b else None), b
        a = self.value(left)
        if isinstance(right, t.Parameter):
            return a, (self.parameter(right, a.dtype) if a else None)
        return a, self.value(right)

    def parameter(self, node: t.Parameter, dtype: DType) -> ir.Value | None:
        if dtype == DISTANCE:
            hint = f"write a unit: :{node.name} km"
            self.error("SK125", node.span, name=node.name, hint=hint)
            return None
        known = self.parameters.setdefault(node.name, dtype)
        if known.family != dtype.family and not (known.is_time and dtype.is_time):
            self.error("SK120", node.span, name=node.name, first=known.family, second=dtype.family)
            return None
        return ir.Param(node.name, dtype)

    def adopt(self, parameters: Iterable[tuple[str, DType]], span: Span) -> None:
        """Take up the parameters of what stands at a place."""
        for name, dtype in parameters:
            self.parameter(t.Parameter(name, span), dtype)

    def _chain(self, node: t.Arithmetic) -> ir.Value | None:
        operands = [self._operand(o) for o in node.operands]
        total = operands[0]
        for operator, operand in zip(node.operators, operands[1:], strict=True):
            if total is None or operand is None:
                return None
            if operator == "/" or FLOAT in (total.dtype, operand.dtype):
                total = ir.Arithmetic(operator, to_float(total), to_float(operand), FLOAT)
            else:
                dtype = exact_dtype(operator, total.dtype, operand.dtype)
                total = ir.Arithmetic(operator, total, operand, dtype)
        return total

    def _operand(self, node: t.Expr) -> ir.Value | None:
        if isinstance(node, t.Parameter):
            return self.parameter(node, decimal())
        value = self.value(node)
        if value is not None and not value.dtype.is_number:
            hint = "to move a time, write '7 days ago' or a window" if value.dtype.is_time else None
            self.error("SK107", node.span, hint=hint, **article(value.dtype))
            return None
        return value

    def tested(self, node: t.Expr) -> ir.Value | None:
        """What the operand of a test means that a list of texts can stand in."""
        return self._name(node) if isinstance(node, t.Name) else self.value(node)

    def _single(self, node: t.Name) -> ir.Value | None:
        value = self._name(node)
        if value is None or value.dtype.kind is not Kind.TEXTS:
            return value
        self.error("SK161", node.span, name=format_tree(node))
        return None

    def _name(self, node: t.Name) -> ir.Value | None:
        found = self._start(node)
        if found is None:
            return None
        start, scope, parts = found
        if scope is ir.Scope.ENTITY:
            return self._of_entity(node, parts)
        return self._column(node, start, scope, parts)

    def _start(self, node: t.Name) -> tuple[Entity, ir.Scope, tuple[str, ...]] | None:
        """Where the parts of a name begin to lead, and those that are left; None after an error."""
        parts, row, root = node.parts, self.row, self.schema.entity
        if row is not None and row.prefix == parts:
            self.error("SK114", node.span, name=format_tree(node),
                       hint=f"name an attribute: {format_tree(node)}.…")  # fmt: skip
            return None
        if row is not None and row.prefix and row.prefix == parts[: len(row.prefix)]:
            return row.entity, ir.Scope.ROW, parts[len(row.prefix) :]
        if len(parts) > 1 and parts[0] == root.name and root.attribute(parts[0]) is None:
            return root, ir.Scope.ENTITY, parts[1:]
        if row is None:
            return root, ir.Scope.ENTITY, parts
        if row.prefix:
            owner = (root.name,) if root.attribute(parts[0]) else row.prefix
            example = ".".join(map(format_name, (*owner, *parts)))
            self.error("SK116", node.span, name="an aggregate", example=example)
            return None
        return row.entity, ir.Scope.ROW, parts

    def place(self, node: t.Expr) -> Coordinates | None:
        """The coordinates of a place that the schema declares; None if this names none."""
        if not isinstance(node, t.Name):
            return None
        errors = len(self.errors)
        found = self._start(node)
        del self.errors[errors:]
        if found is None:
            return None
        start, scope, (*links, name) = found
        entity: Entity | None = start
        for link in links:
            way = entity.link(link) if entity else None
            entity = self.schema.named(way.to) if way else None
        place = entity.place(name) if entity else None
        if place is None:
            return None
        north = self._column(node, start, scope, (*links, place.latitude))
        east = self._column(node, start, scope, (*links, place.longitude))
        return None if north is None or east is None else (north, east)

    def _of_entity(self, node: t.Name, parts: tuple[str, ...]) -> ir.Value | None:
        """An attribute of the entity, or a trait, which is called like none of them."""
        root = self.schema.entity
        found = self.traits.get(parts[0]) if self.traits and len(parts) == 1 else None
        if found is None or root.attribute(parts[0]) is not None:
            return self._column(node, root, ir.Scope.ENTITY, parts)
        if found.value is None:
            return None
        if self.row is not None and self.row.prefix and ir.has_aggregates(found.value):
            self.error("SK113", node.span, hint=f"compare '{parts[0]}' after 'where'")
            return None
        if ir.is_of_population(found.value) and not self.of_customers(node):
            return None
        self.used_traits[parts[0]] = None
        self.adopt(found.parameters, node.span)
        return found.value

    def _column(
        self, node: t.Name, start: Entity, scope: ir.Scope, parts: tuple[str, ...]
    ) -> ir.Value | None:
        entity, links = start, 0
        while links < len(parts) - 1 and (link := entity.link(parts[links])) is not None:
            entity, links = self.schema.named(link.to), links + 1
        first, *inner = parts[links:]
        attribute = entity.attribute(first)
        if inner:
            attribute = entity.attribute(".".join((first, *inner)))
            attribute = attribute if entity.document(first) else None
        if attribute is None:
            self._unknown(node, entity, first, scope)
            return None
        # A link may lead nowhere, so what is beyond it may be missing.
        nullable = attribute.nullable or links > 0
        column = ir.Column(scope, parts[:links], attribute.name, attribute.dtype, nullable)
        if attribute.values:
            self.declared[column] = attribute
        elif self.declared:
            self.declared.pop(column, None)
        return column

    def _unknown(self, node: t.Name, entity: Entity, part: str, scope: ir.Scope) -> None:
        text = ".".join(map(format_name, node.parts))
        if entity.relation(part) is not None:
            if part == node.parts[-1]:
                self.error("SK114", node.span, name=text)
            else:
                self.error("SK115", node.span, name=text, relation=part)
            return
        if entity.link(part) is not None:
            target = self.schema.follow(entity, [part])
            names = [f"{text}.{format_name(a.name)}" for a in target.attributes]
            self.error(
                "SK128", node.span, name=part, hint=f"write {some(names)}" if names else None
            )
            return
        if entity.place(part) is not None:
            self.error("SK150", node.span, name=part)
            return
        if (document := entity.document(part)) is not None:
            self._unknown_inside(node, document)
            return
        if entity.attribute(part) is not None:
            self.error("SK129", node.span, name=part)
            return
        root = self.schema.entity
        hint = None
        if scope is ir.Scope.ROW and self.row is not None:
            if part == self.row.relation.name:
                hint = f"inside the brackets of {part}, names are its own: drop '{part}.'"
            elif root.attribute(part) or root.link(part):
                hint = f"the attribute of {root.name} is {format_name(root.name)}.{text}"
        groups = (
            entity.attributes, entity.documents, entity.places, entity.links, entity.relations,
        )  # fmt: skip
        hint = _WORDS_OF_OTHERS.get(part.lower(), hint)
        traits = self.traits if entity is root and part == node.parts[-1] else ()
        known = [*(each.name for group in groups for each in group), *traits]
        if len(node.parts) > 1 and part == node.parts[0]:
            known.append(root.name)
        hint = hint or did_you_mean(part, known)
        if hint is None and len(node.parts) == 1:
            hint = f'a text stands in quotes: "{part}"'
        self.error("SK101", node.span, name=part, hint=hint)

    def _unknown_inside(self, node: t.Name, document: Document) -> None:
        """A name that ends in a document, or leads to what it does not declare."""
        parts = node.parts[node.parts.index(document.name) :]
        known = {".".join(map(format_name, a.path)): a.path for a in document.attributes}
        within = [name for name, path in known.items() if path[: len(parts)] == parts]
        if within or len(parts) == 1:
            hint = f"write {some(within)}" if within else None
            self.error("SK160", node.span, name=format_tree(node), hint=hint)
            return
        name = ".".join(map(format_name, parts))
        self.error("SK101", node.span, name=name, hint=did_you_mean(name, known))

    def same_family(
        self, node: t.Expr, value: ir.Value, other_node: t.Expr, other: ir.Value
    ) -> bool:
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
        hint = _conversion(node, other) or _conversion(other_node, value)
        if Kind.ANNIVERSARY in (a.kind, b.kind):
            hint = "an anniversary is for windows: anniversary(birth_date) in next 7 days"
        self.error("SK104", span, left=a.family, right=b.family, hint=hint)
        return False

    def bounds(
        self, window: t.Window, operand: ir.Value | None, node: t.Expr
    ) -> tuple[Bound, Bound] | None:
        """The two ends of a window, as tests of the operand."""
        low = high = None
        if isinstance(window, t.Range):
            low, high = self._end(window.low, operand), self._end(window.high, operand)
            if low is None or high is None or operand is None:
                return None
            pairs = ((window.low, low), (window.high, high))
            if not all(self.same_family(node, operand, n, v) for n, v in pairs):
                return None
            if not operand.dtype.is_ordered:
                self.error("SK105", node.span, family=operand.dtype.family)
                return None
            (_, low), (_, high) = aligned(operand, low), aligned(operand, high)
        if operand is None:
            return None
        found = bounds(window, operand.dtype, low, high, self.schema.zone)
        if isinstance(found, Diagnostic):
            self.errors.append(found)
            return None
        if found is None:
            self.error("SK110", node.span, what=f"'{format_tree(node)}'")
            return None
        return found

    def _end(self, node: t.Expr, operand: ir.Value | None) -> ir.Value | None:
        if isinstance(node, t.Parameter) and operand is not None:
            return self.parameter(node, operand.dtype)
        return self.value(node)

    # -- functions and aggregates ---------------------------------------------------------------

    def _call(self, node: t.Call) -> ir.Value | None:
        added = self.schema.function(node.name)
        if node.name == "point":
            self.error("SK150", node.span, name=format_tree(node))
            return None
        scalar = FUNCTIONS.get(node.name) or added
        if isinstance(scalar, Signature) and node.among is None:
            return self.function(node, scalar)
        if node.name == "ntile":
            return self.tile(node)
        aggregate = AGGREGATES.get(node.name) or added
        if not isinstance(aggregate, AggregateSignature):
            aggregate = None
        if node.among is not None:
            return self.overall(node, aggregate)
        if node.name in ("any", "none"):
            self.aggregate(node, AGGREGATES[node.name])
            self.error(
                "SK109", node.span, hint="it is a condition already: compare nothing with it"
            )
            return None
        if aggregate is not None:
            return self.aggregate(node, aggregate)
        known = [*FUNCTIONS, *FORMS, *AGGREGATES, *(f.name for f in self.schema.functions)]
        hint = _FUNCTIONS_OF_OTHERS.get(node.name.lower()) or did_you_mean(node.name, known)
        self.error("SK103", node.name_span, name=node.name, hint=hint)
        return None


def between(operand: ir.Value, ends: tuple[Bound, Bound]) -> ir.Condition:
    low, high = ends
    if operand.dtype.kind is Kind.ANNIVERSARY:
        assert isinstance(operand, ir.Call)
        low_open, high_open = low[0] is ir.Comparison.GT, high[0] is ir.Comparison.LT
        return ir.AnniversaryIn(operand.arguments[0], low[1], low_open, high[1], high_open)
    return ir.conjunction([ir.Compare(op, operand, value) for op, value in ends])


def some(names: list[str], most: int = 6) -> str:
    shown = ", ".join(names[:most])
    return shown + (", …" if len(names) > most else "")


def quoted(node: t.Expr) -> str | None:
    return f'write "{format_tree(node)}" in quotes' if isinstance(node, t.Literal) else None


_WORDS_OF_OTHERS = {
    **dict.fromkeys(("null", "none", "nan"), "to ask for what is missing, write 'is missing'"),
    "yes": 'write true, or as a text "yes"',
    "no": 'write false, or as a text "no"',
    "yesterday": "write '1 day ago', or for the whole day 'in previous day'",
    "tomorrow": "write '1 day from now', or for the whole day 'in next 1 day'",
}
_FUNCTIONS_OF_OTHERS = {
    **dict.fromkeys(("exists", "some", "has"), "write any(…)"),
    **dict.fromkeys(("lower", "upper", "casefold"), 'write … = "…" ignoring case'),
    **dict.fromkeys(("coalesce", "ifnull", "nvl"), "write default(…, 0)"),
    **dict.fromkeys(("isnull", "is_null", "isna"), "write … is missing"),
    **dict.fromkeys(("average", "mean"), "write avg(…)"),
    **dict.fromkeys(("size", "length", "len"), "of a relation, write count(…)"),
    "total": "write sum(…)",
    "round": "there is no rounding: compare with a bound",
    "distinct": "write count(distinct …)",
    "date": "write day(…)",
}
"""What stands here for what others call so."""


def _conversion(node: t.Expr, other: ir.Value) -> str | None:
    """How a constant of the wrong type would be written in the right one."""
    if other.dtype.is_time and format_tree(node).replace(" - ", "").isdecimal():
        return "write dates as 2026-05-09"
    if not isinstance(node, t.Literal):
        return None
    value = node.value
    if other.dtype == TEXT:
        return quoted(node)
    if other.dtype == DISTANCE and isinstance(value, int | Decimal):
        return f"write a unit: {format_tree(node)} km"
    if isinstance(value, str):
        if other.dtype.is_number and value.replace(".", "", 1).isdecimal():
            return f"write {value} without quotes"
        if other.dtype.is_time:
            return "write dates without quotes: 2026-05-09"
        if other.dtype == BOOLEAN and value.lower() in ("true", "false"):
            return f"write {value.lower()} without quotes"
    if other.dtype == BOOLEAN and value in (0, 1):
        return f"write {'true' if value else 'false'}"
    return None
