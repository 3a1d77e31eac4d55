"""Schemas: entities, their attributes, and the links and relations between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from attrs import define, evolve, field, fields

from segmentkit._calendar import WEEK_STARTS, is_zone
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._html import as_written
from segmentkit._language.json_text import HasJson
from segmentkit._schema.attributes import Attribute, Document, Values, parse_dtype
from segmentkit._schema.entities import Channel, Entity, Link, Place, Relation, each_once
from segmentkit._schema.freshness import Fresh
from segmentkit.dtypes import TEXT
from segmentkit.errors import SchemaError
from segmentkit.extension import Extension

if TYPE_CHECKING:
    from segmentkit.builder import Row

__all__ = [
    "Attribute",
    "Channel",
    "Document",
    "Entity",
    "Fresh",
    "LeftOut",
    "Link",
    "Place",
    "Relation",
    "Schema",
    "Values",
    "parse_dtype",
]


class LeftOut(NamedTuple):
    """A part of the source that a derived schema does not have, or that no definition reaches.

    Attributes:
        what: A table, or a column or relationship as in ``customers.picture``.
        why: The reason, in words.
    """

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


def _left_out(given: Iterable[Any]) -> tuple[LeftOut, ...]:
    return tuple(LeftOut(*each) for each in given)


def _extensions(given: Iterable[Any]) -> tuple[Extension, ...]:
    found = tuple(given)
    for each in found:
        if not isinstance(each, Extension):
            raise SchemaError(f"{each!r:.60} is neither a Function nor an Aggregate")
    return each_once(found)


@define(slots=False, frozen=True, eq=False)
class Schema(HasJson):
    """Everything that a definition can name.

    Args:
        entities: The entities; each link and relation leads to one of them.
        root: The entity whose rows are segmented; by default the first.
        channels: Ways to reach a row of the root entity.
        functions: Functions and aggregates that this schema adds to the language.
        time_zone: The IANA zone in which days and months begin, and of instants without a zone.
            Stored timestamps without a zone are in UTC.
        week_start: The day on which weeks begin: ``monday`` or ``sunday``.
        left_out: Parts of the source that a derived schema does not have, and why. Schemas that
            differ only in this are equal.

    Raises:
        SchemaError: A name is declared twice or leads nowhere, or the zone is unknown, or no
            week begins on that day.

    Example:
        >>> from segmentkit import INTEGER
        >>> people = Entity("people", key="id", attributes=[Attribute("age", INTEGER)])
        >>> Schema([people]).root
        'people'
    """

    entities: tuple[Entity, ...] = field(converter=each_once)
    root: str = field(kw_only=True)
    channels: tuple[Channel, ...] = field(default=(), kw_only=True, converter=each_once)
    functions: tuple[Extension, ...] = field(default=(), kw_only=True, converter=_extensions)
    time_zone: str = field(default="UTC", kw_only=True)
    week_start: str = field(default=WEEK_STARTS[0], kw_only=True)
    left_out: tuple[LeftOut, ...] = field(default=(), kw_only=True, converter=_left_out)

    @root.default
    def _root(self) -> str:
        if not self.entities:
            raise SchemaError("a schema needs at least one entity")
        return self.entities[0].name

    def __attrs_post_init__(self) -> None:
        self._check_calendar()
        if not self.entity.key:
            raise SchemaError(f"the entity {self.root!r} needs a key")
        for entity in self.entities:
            ways: tuple[Link | Relation, ...] = (*entity.links, *entity.relations)
            for way in ways:
                self._check_way(entity, way)

    def _check_calendar(self) -> None:
        if not is_zone(self.time_zone):
            raise SchemaError(f"unknown time zone {self.time_zone!r}")
        if self.week_start not in WEEK_STARTS:
            days = " or ".join(map(repr, WEEK_STARTS))
            raise SchemaError(f"week_start is {days}, not {self.week_start!r:.60}")

    def _check_way(self, entity: Entity, way: Link | Relation) -> None:
        target = self.named(way.to)
        place = f"{entity.name}.{way.name}"
        if isinstance(way, Link) and not (target.key or way.by or way.join):
            raise SchemaError(
                f"{place} leads to {target.name!r}, which declares no key: say which column "
                "tells its rows apart"
            )
        if isinstance(way, Relation):
            if not entity.key:
                raise SchemaError(f"{place} needs a key of {entity.name!r}")
            if way.at is not None:
                at = target.attribute(way.at)
                if at is None or at.path:
                    raise SchemaError(
                        f"{place}: {target.name!r} has no attribute {way.at!r} to tell the time"
                    )
                if not at.dtype.is_time:
                    raise SchemaError(f"{place}: {way.at!r} is {at.dtype}, not a time")
            if way.value is not None:
                value = target.attribute(way.value)
                if value is None or value.dtype != TEXT:
                    raise SchemaError(f"{place}: {target.name!r} has no text {way.value!r}")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as a ``tzinfo``."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def entity(self) -> Entity:
        """The root entity, whose rows are segmented."""
        return self.named(self.root)

    @cached_property
    def _index(self) -> dict[str, Entity]:
        return {e.name: e for e in self.entities}

    def named(self, name: str) -> Entity:
        """The entity with this name.

        Raises:
            SchemaError: There is no such entity.
        """
        try:
            return self._index[name]
        except KeyError:
            hint = did_you_mean(name, self._index)
            raise SchemaError(
                f"no entity {name!r} in the schema" + (f"; {hint}" if hint else "")
            ) from None

    def rooted(self, entity: str) -> Schema:
        """The same entities with another root, whose rows are then segmented.

        Args:
            entity: The name of the new root, which needs a key.

        Returns:
            A schema.

        Raises:
            SchemaError: There is no such entity, or it has no key.

        Example:
            >>> stores = Entity("stores", key="id")
            >>> print(Schema([Entity("people", key="id"), stores]).rooted("stores").entity.name)
            stores
        """
        return evolve(self, root=entity, channels=())

    def extended(self, functions: Iterable[Extension]) -> Schema:
        """The same schema, with more functions and aggregates.

        Args:
            functions: The functions and aggregates to add.

        Returns:
            A schema.

        Raises:
            SchemaError: Two of them have the same name.

        Example:
            >>> from segmentkit import FLOAT, Function
            >>> half = Function("half", ["float"], FLOAT, "One half of it.", record=lambda x: x / 2)
            >>> print(Schema([Entity("people", key="id")]).extended([half]))
            people (whose rows are segmented)
            half(float) -> float
        """
        return evolve(self, functions=(*self.functions, *functions))

    def to_dict(self) -> dict[str, Any]:
        """The schema as values that JSON has.

        Returns:
            ``language``, and all that the schema says. Of functions that it adds, these are the
            names: they are Python, and `from_json` takes them.
        """
        from segmentkit._schema.json_form import write_schema  # noqa: PLC0415 - few programs need it

        return write_schema(self)

    @classmethod
    def from_json(
        cls, data: str | bytes | dict[str, Any], *, functions: Iterable[Extension] = ()
    ) -> Schema:
        """Read a schema in JSON, as `to_json` and `to_dict` write it.

        Args:
            data: JSON as text, or the values that a reader of JSON gave.
            functions: Where to find the functions that it names; others of them are not used.

        Returns:
            The schema.

        Raises:
            SchemaError: It is not JSON, or not a schema, or contradicts itself.
        """
        from segmentkit._schema.json_form import read_schema  # noqa: PLC0415 - few programs need it

        return cls(**read_schema(data, functions))

    @property
    def row(self) -> Row:
        """A row of the root entity, from which you build definitions in Python.

        Example:
            >>> from segmentkit import INTEGER
            >>> age = Attribute("age", INTEGER, nullable=True)
            >>> c = Schema([Entity("people", key="id", attributes=[age])]).row
            >>> (c.age >= 18) | c.age.is_missing()
            age >= 18 or age is missing
        """
        from segmentkit.builder import Row  # noqa: PLC0415 - few programs need it

        return Row(self)

    def function(self, name: str) -> Extension | None:
        """The function or aggregate that the schema adds under this name, or None."""
        return next((f for f in self.functions if f.name == name), None)

    def channel(self, name: str) -> Channel | None:
        """The channel with this name, or None."""
        return next((c for c in self.channels if c.name == name), None)

    def follow(self, start: Entity, links: Iterable[str]) -> Entity:
        """The entity at the end of a path of links that is known to exist."""
        for name in links:
            link = start.link(name)
            assert link is not None
            start = self.named(link.to)
        return start

    @cached_property
    def _identity(self) -> tuple[object, ...]:
        named = map(frozenset, (self.entities, self.channels, self.functions))
        return (*named, self.root, self.time_zone, self.week_start)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schema):
            return NotImplemented
        return self is other or self._identity == other._identity

    @cached_property
    def _hash(self) -> int:
        return hash(self._identity)

    def __hash__(self) -> int:
        return self._hash

    def __getstate__(self) -> dict[str, object]:
        return {each.name: getattr(self, each.name) for each in fields(type(self))}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        self.__dict__.update(state)

    def __str__(self) -> str:
        described = [_describe(e, root=e.name == self.root) for e in self.entities]
        reached = [f"reachable by {c.name}: at {c.address}, if {c.consent}" for c in self.channels]
        left = [f"    {each}" for each in self.left_out]
        left = ["left out:", *left] if left else []
        return "\n".join([*described, *reached, *map(str, self.functions), *left])

    def _repr_html_(self) -> str:
        return as_written(str(self))


def _describe(entity: Entity, *, root: bool) -> str:
    notes = [f"rows of the class {entity.model}"] if entity.model else []
    notes += ["whose rows are segmented"] if root else []
    lines = [entity.name + (f" ({', '.join(notes)})" if notes else "")]
    for a in entity.attributes:
        listed = f" in ({', '.join(map(str, a.values))})" if a.values else " (UUID)" * a.uuid
        form = "" if a.form is None else f" ({a.form})"
        low, high = a.bounds
        form += "" if low is None else f" from {low}"
        form += "" if high is None else f" up to {high}"
        lines.append(f"    {a.name}: {a.dtype}{'?' if a.nullable else ''}{listed}{form}")
    inner = [a for document in entity.documents for a in document.attributes]
    lines += [f"    {a.name}: {a.dtype}?" for a in inner]
    lines += [f"    {p.name}: place at {p.latitude}, {p.longitude}" for p in entity.places]
    lines += [f"    {i.name} -> one of {i.to}, {_joined(i)}" for i in entity.links]
    for r in entity.relations:
        at = f", at {r.at}" if r.at else ""
        value = f", each a {r.value}" if r.value else ""
        lines.append(f"    {r.name} -> many of {r.to}, {_joined(r)}{at}{value}")
    if (fresh := entity.fresh) is not None:
        told = [f"{state} after {getattr(fresh, state)}" for state in fresh.lengths]
        lines.append(f"    fresh by {fresh.at}: {', '.join(told)}")
    return "\n".join(lines)


def _joined(way: Link | Relation) -> str:
    if way.join is not None:
        return f"where {way.join}"
    return f"by {way.key}" if way.by is None else f"by {way.key} = {way.by}"
