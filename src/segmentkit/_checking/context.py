"""What the functions of the checker share: the schema, the names, where they are, what they found.

Every function takes the context first. A value inside a condition inside a value is checked by
`Context.value` and `Context.condition`, to which the module on top gave its two dispatchers, so
that the modules themselves import each other only downwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import Factory, define, evolve, field, frozen

from segmentkit._checking.parameters import both
from segmentkit._checking.written_names import in_backquotes
from segmentkit._diagnostics.diagnostic import Diagnostic, Hint, Span, advice, diagnostic
from segmentkit._diagnostics.wording import Term, term
from segmentkit._language import syntax as t
from segmentkit._planning import ir
from segmentkit.dtypes import DType, ParameterType
from segmentkit.errors import SegmentTypeError
from segmentkit.keylist import KeyList
from segmentkit.schema import Attribute, Entity, Relation, Schema


@frozen
class Checked:
    """What a definition means, the parameters that have no value, and what it rests on."""

    condition: ir.Condition
    parameters: tuple[tuple[str, DType], ...] = ()
    traits: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


@frozen
class CheckedValue:
    """What a trait means, the parameters in it that have no value, and the traits it rests on.

    The value is None where it is wrong and that has been told already.
    """

    value: ir.Value | None
    parameters: tuple[tuple[str, DType], ...] = ()
    traits: tuple[str, ...] = ()


@frozen
class Names:
    """What a definition can refer to beside its schema."""

    segments: Mapping[str, Checked] = field(factory=dict)
    traits: Mapping[str, CheckedValue] = field(factory=dict)
    lists: Mapping[str, KeyList] = field(factory=dict)


@frozen
class NamedRow:
    """A row that a definition gave a name.

    Attributes:
        relation: The relation that it is of.
        entity: What it is.
        up: How many relations it is away from the row here.
        followed: Whether the row here is that of a step which follows it.
        why: Why it cannot be named here; None where it can.
    """

    relation: str
    entity: Entity
    up: int
    followed: bool = False
    why: Term | None = None


@frozen
class Row:
    """The row that names refer to inside the brackets of an aggregate.

    Attributes:
        relation: What it is a row of.
        entity: Where the relation leads.
        owner: The entity that has the relation.
        prefix: What names start with, as in ``sum(orders.amount)``; nothing in ``where``.
        follows: The row that it comes after or before, if it is that of a step.
        inside: The row whose brackets it stands in.
        alias: What a definition calls it.
        names: What definitions call this row and those around it.
    """

    relation: Relation
    entity: Entity
    owner: Entity
    prefix: tuple[str, ...] = ()
    follows: Row | None = None
    inside: Row | None = None
    alias: str | None = None
    names: Mapping[str, NamedRow] = field(factory=dict)


@frozen
class NameUse:
    """What one part of a name means.

    Attributes:
        kind: What it is: an attribute, a link, a relation …
        name: What the schema calls it, after the name of its entity.
        place: The whole name, or what stands in its place.
        part: Which part of the name; None where it is not written, but read all the same.
    """

    kind: str
    name: str
    place: Span
    part: int | None


@define(eq=False)
class Context:
    """One pass over one definition.

    Attributes:
        schema: What names refer to.
        names: What they refer to beside it.
        warn: Whether warnings are asked for.
        source: The text that places are in, where it is known.
        row: The row that names refer to; None where they are those of the root entity.
        warnings: What was noted, each with the value that may be missing, if it is of one.
        declared: The attributes of the columns found of whose values the schema says something.
        uses: What names mean, if that is asked for.
    """

    schema: Schema
    names: Names
    _value: Callable[[Context, t.Expr], ir.Value | None]
    _condition: Callable[[Context, t.Expr, bool], ir.Condition]
    warn: bool = False
    source: str = ""
    errors: list[Diagnostic] = Factory(list)
    warnings: list[tuple[Diagnostic, ir.Value | None]] = Factory(list)
    parameters: dict[str, DType] = Factory(dict)
    used_traits: dict[str, None] = Factory(dict)
    used_lists: dict[str, None] = Factory(dict)
    row: Row | None = None
    declared: dict[ir.Value, Attribute] = Factory(dict)
    uses: list[NameUse] | None = None

    def value(self, node: t.Expr) -> ir.Value | None:
        """What a value means; None after an error."""
        return self._value(self, node)

    def condition(self, node: t.Expr, *, negative: bool = False) -> ir.Condition:
        """What a condition means; ``negative``: whether it stands under an odd number of nots."""
        return self._condition(self, node, negative)

    def afresh(self, schema: Schema, names: Names) -> Context:
        """A context for a pass over another text."""
        return Context(schema, names, self._value, self._condition)

    def error(self, code: str, span: Span, *, hint: Hint | None = None, **values: Any) -> None:
        """Note a mistake."""
        self.errors.append(diagnostic(code, span, hint=hint, **values))

    def raise_errors(self, source: str) -> None:
        """Raise the mistakes that were noted, in the order of the text."""
        if self.errors:
            found = [in_brackets(each, source) for each in self.errors]
            found = in_backquotes(found, source, self.schema)
            raise SegmentTypeError(sorted(found, key=lambda d: d.span.start), source)

    def use(
        self, kind: str, entity: Entity | None, name: str, place: Span, part: int | None = None
    ) -> None:
        """Note what a part of a name means, or what is read without being written."""
        if self.uses is not None:
            full = name if entity is None else f"{entity.name}.{name}"
            self.uses.append(NameUse(kind, full, place, part))

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Mistakes in here are not told."""
        errors = len(self.errors)
        yield
        del self.errors[errors:]

    @contextmanager
    def inside(self, row: Row | None) -> Iterator[None]:
        """Names are those of a row; what tests outside say of its values is of another row."""
        before, start = self.row, len(self.warnings)
        self.row = row
        yield
        self.row = before
        self._settle(start, lambda value: any(map(_is_of_row, ir.walk(value))))

    def of_others(self, node: t.Expr) -> ir.Condition:
        """What a condition on other customers means; no test outside speaks of them."""
        start = len(self.warnings)
        found = self.condition(node)
        self._settle(start, lambda value: True)
        return found

    def _settle(self, start: int, which: Callable[[ir.Value], bool]) -> None:
        """No test to come can make a warning needless that is of one of these values."""
        for i, (found, value) in enumerate(self.warnings[start:], start):
            if value is not None and which(value):
                self.warnings[i] = found, None

    def of_customers(self, node: t.Expr) -> bool:
        """Whether a node stands where names are the customer's; an error is noted elsewhere."""
        if self.row is not None:
            self.error("SK113", node.span, hint=advice("about_customers"))
        return self.row is None

    def name_like(self, text: str) -> t.Name | None:
        """The attribute, trait or relation that a text names here, whatever its case."""
        entity = self.row.entity if self.row else self.schema.entity
        *links, last = text.split(".")
        for part in links:
            link = entity.link(part)
            if link is None:
                return None
            entity = self.schema.named(link.to)
        known = [a.name for a in entity.attributes]
        known += [] if links or self.row else self.names.traits
        known += [] if links else [relation.name for relation in entity.relations]
        name = next((name for name in known if name.casefold() == last.casefold()), None)
        return None if name is None else t.Name((*links, name))

    def taken(self, name: str) -> Term | None:
        """What a name stands for that no row can have."""
        if name == self.schema.entity.name:
            return term("the entity")
        if self.row is not None and name in self.row.names:
            return term("another row")
        for entity in self.schema.entities:
            of = {"relation": entity.relation, "link": entity.link, "document": entity.document}
            for what, known in of.items():
                if known(name) is not None:
                    return term(f"a {what} of {{entity}}", entity=entity.name)
        return None

    def name_for(self, row: Row) -> str:
        """A name that a row can have."""
        first = row.relation.name[0].lower()
        choices = [first, *(f"{first}{i}" for i in range(1, 1000))]
        return next(each for each in choices if self.taken(each) is None)

    def parameter(self, node: t.Parameter, dtype: DType) -> ir.Param | None:
        """A parameter, typed by its use; None after an error."""
        if dtype.unit is not None:
            form = ":{} days" if dtype.is_duration else ":{} km"
            hint = advice("write_unit", text=form.format(node.name))
            if dtype.unit == "version":
                form = "version(:{})"
                hint = advice("write", text=form.format(node.name))
            if isinstance(dtype, ParameterType):
                first, second = map(form.format, ("first", "second"))
                hint = advice("join_with_or", text=f"… = {first} or … = {second}")
            self.error("SK125", node.span, name=node.name, hint=hint)
            return None
        known = self.parameters.setdefault(node.name, dtype)
        together = both(known, dtype)
        if together is None:
            families: dict[str, Any] = {"first": term(known.family), "second": term(dtype.family)}
            self.error("SK120", node.span, name=node.name, **families)
            return None
        self.parameters[node.name] = together
        return ir.Param(node.name, dtype)

    def number(self, count: t.Count, takes: ParameterType) -> int | ir.Param | None:
        """A number that is written out, or a parameter for it; None after an error."""
        return self.parameter(count, takes) if isinstance(count, t.Parameter) else count

    def typed(self, node: t.Expr, dtype: DType | None) -> ir.Value | None:
        """A value, where a parameter has a type; None after an error, or where it has none."""
        if isinstance(node, t.Parameter) and dtype is not None:
            return self.parameter(node, dtype)
        return self.value(node)

    def adopt(self, parameters: Iterable[tuple[str, DType]], span: Span) -> None:
        """Take up the parameters of what stands at a place."""
        for name, dtype in parameters:
            self.parameter(t.Parameter(name, span), dtype)


_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`\n]*`")


def in_brackets(found: Diagnostic, source: str) -> Diagnostic:
    """The diagnostic, with a fix that has all brackets of what it replaces.

    Trees keep no brackets, so the place of ``(a + b) > c`` begins behind the first of them.
    """
    if found.fix is None:
        return found
    bare = _QUOTED.sub(lambda text: " " * len(text[0]), source)
    start, end = found.fix.span.start, found.fix.span.end
    depth = least = 0
    for character in bare[start:end]:
        depth += (character == "(") - (character == ")")
        least = min(least, depth)
    for _ in range(-least):
        start = bare.rfind("(", 0, start)
    for _ in range(depth - least):
        end = bare.find(")", end) + 1
    if start < 0 or end <= 0:
        return found
    return evolve(found, fix=evolve(found.fix, span=Span(start, end)))


def _is_of_row(node: ir.Condition | ir.Value) -> bool:
    return isinstance(node, ir.Column) and node.scope is not ir.Scope.ENTITY
