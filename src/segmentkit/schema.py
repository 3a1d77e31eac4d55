"""Schemas: entities, their attributes, and the links and relations between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import define, evolve, field, frozen

from segmentkit._attributes import Attribute, Document, Values, parse_dtype
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._html import as_written
from segmentkit._language.formatter import is_writable
from segmentkit.dtypes import TEXT
from segmentkit.errors import SchemaError
from segmentkit.extension import Extension

__all__ = [
    "Attribute",
    "Channel",
    "Document",
    "Entity",
    "LeftOut",
    "Link",
    "Place",
    "Relation",
    "Schema",
    "Values",
    "parse_dtype",
]


@frozen
class Place:
    """A place on the globe: two attributes of one row, in degrees.

    Args:
        name: The name that definitions use in `distance`.
        latitude: The attribute that holds the degrees north of the equator.
        longitude: The attribute that holds the degrees east of Greenwich.
    """

    name: str
    latitude: str = field(kw_only=True)
    longitude: str = field(kw_only=True)


@frozen
class Link:
    """A link from a row to at most one row of another entity.

    Args:
        name: The name that definitions use.
        to: The entity that it leads to; by default the one of the same name.
        key: The column here that holds the key of the other row.
        by: The column there that ``key`` is a value of, where that is not the other's key.
        join: What a mapped class says instead of ``key``, for people to read; SQL asks the class.
    """

    name: str
    to: str = field(kw_only=True)
    key: str = field(kw_only=True)
    by: str | None = field(default=None, kw_only=True)
    join: str | None = field(default=None, kw_only=True)

    @to.default
    def _to(self) -> str:
        return self.name


@frozen
class Relation:
    """A relation from a row to any number of rows of another entity.

    Args:
        name: The name that definitions use.
        to: The entity that it leads to; by default the one of the same name.
        key: The column there that holds the key of the row here.
        at: The attribute there with the time; it makes the rows events.
        value: The text there, if the relation is a table of texts: ``tags contains "vip"`` then
            tests for a row whose ``value`` is that text.
        by: The column here that ``key`` is a value of, where that is not the key of the row.
        join: What a mapped class says instead of ``key``, for people to read; SQL asks the class.
    """

    name: str
    to: str = field(kw_only=True)
    key: str = field(kw_only=True)
    at: str | None = field(default=None, kw_only=True)
    value: str | None = field(default=None, kw_only=True)
    by: str | None = field(default=None, kw_only=True)
    join: str | None = field(default=None, kw_only=True)

    @to.default
    def _to(self) -> str:
        return self.name


@frozen
class Channel:
    """A way to reach someone: ``reachable by email`` in a definition.

    Both texts are in the language, about the root entity. They are checked when the channel is
    first used, and when a catalog with this schema is read.

    Args:
        name: The name that definitions use.
        address: The address: an attribute such as ``email``, here or behind a link. A missing or
            an empty address is no address.
        consent: The condition under which someone has consented: a boolean attribute, or any
            other. If consent is not known, there is none.
    """

    name: str
    address: str = field(kw_only=True)
    consent: str = field(kw_only=True)


def _by_name(items: Iterable[Any]) -> tuple[Any, ...]:
    items = tuple(items)
    seen: set[str] = set()
    for item in items:
        if not isinstance(item.name, str) or not item.name:
            raise SchemaError(f"{item.name!r} is not a name: it must be a text")
        if not is_writable(item.name):
            raise SchemaError(
                f"no definition can write the name {item.name!r}: give another, and say what it is "
                "called in the data by column= or table="
            )
        if item.name in seen:
            raise SchemaError(f"{item.name!r} is declared twice")
        seen.add(item.name)
    return items


@frozen
class Entity:
    """A kind of thing with attributes: customers, orders, stores.

    Args:
        name: The name that definitions use.
        key: The column that identifies a row; the root entity and targets of links need one.
        attributes: The values of a row.
        documents: JSON columns, and the types of their values.
        places: Pairs of attributes that are a place.
        links: Links to one row of another entity.
        relations: Relations to many rows of another entity.
        table: Its table or frame; by default its name.
        schema: The database schema of the table, where it is not the default one.
        model: The mapped class whose rows these are, where they are not just those of a table.
    """

    name: str
    key: str | None = field(default=None, kw_only=True)
    attributes: tuple[Attribute, ...] = field(default=(), kw_only=True, converter=_by_name)
    documents: tuple[Document, ...] = field(default=(), kw_only=True, converter=_by_name)
    places: tuple[Place, ...] = field(default=(), kw_only=True, converter=_by_name)
    links: tuple[Link, ...] = field(default=(), kw_only=True, converter=_by_name)
    relations: tuple[Relation, ...] = field(default=(), kw_only=True, converter=_by_name)
    table: str = field(kw_only=True)
    schema: str | None = field(default=None, kw_only=True)
    model: str | None = field(default=None, kw_only=True)
    _by_name: Mapping[str, Attribute] = field(init=False, eq=False, repr=False)

    @table.default
    def _table(self) -> str:
        return self.name

    @_by_name.default
    def _named(self) -> dict[str, Attribute]:
        inner = [a for document in self.documents for a in document.attributes]
        return {a.name: a for a in (*inner, *self.attributes)}

    def __attrs_post_init__(self) -> None:
        inner = [document.attributes for document in self.documents]
        groups: tuple[Iterable[Any], ...] = (
            self.attributes, self.documents, self.places, self.links, self.relations, *inner,
        )  # fmt: skip
        # What leads to one row can be asked as a link, and as a relation of one row at most.
        both = {(i.name, i.to, i.by or "", i.join) for i in self.links if i.by or i.join}
        names = [i.name for group in groups for i in group]
        for relation in self.relations:
            if (relation.name, relation.to, relation.key, relation.join) in both:
                names.remove(relation.name)
        for name in names:
            if names.count(name) > 1:
                raise SchemaError(f"entity {self.name!r} declares {name!r} twice")
        for place in self.places:
            for name in (place.latitude, place.longitude):
                attribute = self.attribute(name)
                if attribute is None or not attribute.dtype.is_number:
                    raise SchemaError(
                        f"{self.name}.{place.name}: {self.name!r} has no attribute {name!r} "
                        "that is a number of degrees"
                    )

    def attribute(self, name: str) -> Attribute | None:
        """The attribute with this name, or None."""
        return self._by_name.get(name)

    def document(self, name: str) -> Document | None:
        """The document with this name, or None."""
        return next((d for d in self.documents if d.name == name), None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the attributes."""
        columns = [*(a.column for a in self.attributes), *(d.name for d in self.documents)]
        return tuple(dict.fromkeys(columns))

    def place(self, name: str) -> Place | None:
        """The place with this name, or None."""
        return next((p for p in self.places if p.name == name), None)

    def link(self, name: str) -> Link | None:
        """The link with this name, or None."""
        return next((i for i in self.links if i.name == name), None)

    def relation(self, name: str) -> Relation | None:
        """The relation with this name, or None."""
        return next((r for r in self.relations if r.name == name), None)

    @property
    def full_table(self) -> str:
        """The table with its database schema, if it has one."""
        return self.table if self.schema is None else f"{self.schema}.{self.table}"

    @property
    def key_attribute(self) -> Attribute | None:
        """The attribute of the key column, if it is declared."""
        return next((a for a in self.attributes if a.column == self.key), None)


class LeftOut(NamedTuple):
    """A part of the source that a derived schema does not have.

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
    return _by_name(found)


@define(slots=False, frozen=True, eq=False)
class Schema:
    """Everything that a definition can name.

    Args:
        entities: The entities; each link and relation leads to one of them.
        root: The entity whose rows are segmented; by default the first.
        channels: Ways to reach a row of the root entity.
        functions: Functions and aggregates that this schema adds to the language.
        time_zone: The IANA zone in which days and months begin, and of instants without a zone.
            Stored timestamps without a zone are in UTC.
        left_out: Parts of the source that a derived schema does not have, and why. Schemas that
            differ only in this are equal.

    Raises:
        SchemaError: A name is declared twice or leads nowhere, or the zone is unknown.

    Example:
        >>> from segmentkit import INTEGER
        >>> people = Entity("people", key="id", attributes=[Attribute("age", INTEGER)])
        >>> Schema([people]).root
        'people'
    """

    entities: tuple[Entity, ...] = field(converter=_by_name)
    root: str = field(kw_only=True)
    channels: tuple[Channel, ...] = field(default=(), kw_only=True, converter=_by_name)
    functions: tuple[Extension, ...] = field(default=(), kw_only=True, converter=_extensions)
    time_zone: str = field(default="UTC", kw_only=True)
    left_out: tuple[LeftOut, ...] = field(default=(), kw_only=True, converter=_left_out)

    @root.default
    def _root(self) -> str:
        if not self.entities:
            raise SchemaError("a schema needs at least one entity")
        return self.entities[0].name

    def __attrs_post_init__(self) -> None:
        self._check_zone()
        if not self.entity.key:
            raise SchemaError(f"the entity {self.root!r} needs a key")
        for entity in self.entities:
            ways: tuple[Link | Relation, ...] = (*entity.links, *entity.relations)
            for way in ways:
                self._check_way(entity, way)

    def _check_zone(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
            raise SchemaError(f"unknown time zone {self.time_zone!r}") from None

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
        return (*named, self.root, self.time_zone)

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
        names = ("entities", "root", "channels", "functions", "time_zone", "left_out")
        return {name: getattr(self, name) for name in names}

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
        lines.append(f"    {a.name}: {a.dtype}{'?' if a.nullable else ''}{listed}")
    inner = [a for document in entity.documents for a in document.attributes]
    lines += [f"    {a.name}: {a.dtype}?" for a in inner]
    lines += [f"    {p.name}: place at {p.latitude}, {p.longitude}" for p in entity.places]
    lines += [f"    {i.name} -> one of {i.to}, {_joined(i)}" for i in entity.links]
    for r in entity.relations:
        at = f", at {r.at}" if r.at else ""
        value = f", each a {r.value}" if r.value else ""
        lines.append(f"    {r.name} -> many of {r.to}, {_joined(r)}{at}{value}")
    return "\n".join(lines)


def _joined(way: Link | Relation) -> str:
    if way.join is not None:
        return f"where {way.join}"
    return f"by {way.key}" if way.by is None else f"by {way.key} = {way.by}"
