"""What is asked of a definition: its conditions and values, and what their names refer to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, Self

from attrs import field, frozen

from segmentkit._checking.checker import check, value_of
from segmentkit._checking.context import Names
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit._planning.normalize import normalize, normalize_value
from segmentkit.schema import Schema
from segmentkit.trait import Trait


class Explained(Protocol):
    """What there is to know of a segment."""

    @property
    def name(self) -> str | None: ...
    @property
    def schema(self) -> Schema: ...
    @property
    def references(self) -> Mapping[str, Any]: ...
    @property
    def traits(self) -> Mapping[str, Trait]: ...
    @property
    def _tree(self) -> t.Expr: ...
    @property
    def _names(self) -> Names: ...


@frozen(eq=False)
class Scope:
    """What the names in a question refer to.

    Attributes:
        schema: The schema.
        names: What they mean beside it.
        within: The segment that the question stands in; None if it refers to no segments.
        traits: The traits that it can name.
    """

    schema: Schema
    names: Names = field(factory=Names)
    within: Explained | None = None
    traits: Mapping[str, Trait] = field(factory=dict)

    @classmethod
    def of(cls, segment: Explained) -> Self:
        """The scope of a segment's definition."""
        return cls(segment.schema, segment._names, segment, segment.traits)

    def reference(self, name: str) -> Any:
        """The segment that a definition here refers to."""
        assert self.within is not None
        return self.within.references[name]

    def inside(self, trait: Trait) -> Scope:
        """The scope of a trait's definition."""
        known = {name: other._checked for name, other in trait.traits.items()}
        return Scope(self.schema, Names(traits=known), None, trait.traits)


@frozen(eq=False)
class Question:
    """A condition or a value, and what its names refer to."""

    tree: t.Expr
    scope: Scope

    @property
    def text(self) -> str:
        """In the words of the language."""
        return format_tree(self.tree)

    def condition(self, instant: datetime) -> ir.Condition:
        """What a condition means."""
        checked = check(self.tree, self.scope.schema, self.text, self.scope.names)
        return normalize(checked.condition, instant, self.scope.schema.zone)

    @property
    def meaning(self) -> ir.Value:
        """What a value means at any instant."""
        value = value_of(self.tree, self.scope.schema, self.scope.names)
        assert value is not None
        return value

    def value(self, instant: datetime) -> ir.Value:
        """What a value means."""
        return normalize_value(self.meaning, instant, self.scope.schema.zone)
