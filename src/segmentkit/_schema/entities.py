"""Entities, and what they have: attributes, documents, places, links and relations; channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

from segmentkit._language.formatter import is_writable
from segmentkit._schema.attributes import Attribute, Document
from segmentkit._schema.freshness import Fresh
from segmentkit.dtypes import DATE
from segmentkit.errors import SchemaError


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


def each_once(items: Iterable[Any]) -> tuple[Any, ...]:
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
        fresh: How old the newest row may be.
    """

    name: str
    key: str | None = field(default=None, kw_only=True)
    attributes: tuple[Attribute, ...] = field(default=(), kw_only=True, converter=each_once)
    documents: tuple[Document, ...] = field(default=(), kw_only=True, converter=each_once)
    places: tuple[Place, ...] = field(default=(), kw_only=True, converter=each_once)
    links: tuple[Link, ...] = field(default=(), kw_only=True, converter=each_once)
    relations: tuple[Relation, ...] = field(default=(), kw_only=True, converter=each_once)
    table: str = field(kw_only=True)
    schema: str | None = field(default=None, kw_only=True)
    model: str | None = field(default=None, kw_only=True)
    fresh: Fresh | None = field(default=None, kw_only=True)
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
        if (key := self.key_attribute) is not None and key.form is not None:
            raise SchemaError(
                f"{self.name}.{key.name} is the key, and keys are compared as they are stored"
            )
        for place in self.places:
            for name in (place.latitude, place.longitude):
                attribute = self.attribute(name)
                if attribute is None or not attribute.dtype.is_number:
                    raise SchemaError(
                        f"{self.name}.{place.name}: {self.name!r} has no attribute {name!r} "
                        "that is a number of degrees"
                    )
        if self.fresh is not None:
            self._check_fresh(self.fresh)

    def _check_fresh(self, fresh: Fresh) -> None:
        place, at = f"{self.name}.fresh", self.attribute(fresh.at)
        if at is None or at.path:
            raise SchemaError(f"{place}: {self.name!r} has no attribute {fresh.at!r}")
        if not at.dtype.is_time:
            raise SchemaError(f"{place}: {fresh.at!r} is {at.dtype}, not a time")
        parts = [each for each in fresh.lengths.values() if each.seconds]
        if at.dtype == DATE and parts:
            raise SchemaError(f"{place}: {fresh.at!r} is a date, so count in days")

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
