"""A schema as an author declares it: in a catalog's ``[schema]`` table, or in keywords.

A declaration can be complete, or name only what a database or frames cannot tell: which column is
an event's time, and ways that no foreign key declares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from attrs import field, frozen

from segmentkit._calendar import WEEK_STARTS
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._usage import described
from segmentkit.dtypes import DType
from segmentkit.errors import SchemaError
from segmentkit.schema import (
    Attribute,
    Channel,
    Document,
    Entity,
    Fresh,
    Link,
    Place,
    Relation,
    Schema,
    parse_dtype,
)

Ways: TypeAlias = Mapping[str, str | Mapping[str, str]] | None
"""Relations or links by name: the column of the key, or each thing that is declared."""

_TABLE_KEYS = (
    "key", "attributes", "documents", "places", "events", "relations", "links", "fresh",
)  # fmt: skip
_WAY = ("key", "to", "by")
_SCHEMA_KEYS = (
    "entity", "time_zone", "week_start", "events", "relations", "links", "tables", "channels",
)  # fmt: skip


@frozen
class RelationDeclaration:
    """A relation or a link as far as the author tells it; None where it is left to be found out."""

    name: str
    key: str | None = None
    to: str | None = None
    at: str | None = None
    value: str | None = None
    by: str | None = None


@frozen
class TableDeclaration:
    """One table, as far as the author tells it."""

    name: str
    key: str | None = None
    attributes: tuple[Attribute, ...] = ()
    relations: tuple[RelationDeclaration, ...] = ()
    links: tuple[RelationDeclaration, ...] = ()
    places: tuple[Place, ...] = ()
    documents: tuple[Document, ...] = ()
    fresh: Fresh | None = None


@frozen
class Declaration:
    """A schema, as far as the author tells it."""

    entity: str
    tables: Mapping[str, TableDeclaration] = field(factory=dict)
    time_zone: str = "UTC"
    channels: tuple[Channel, ...] = ()
    week_start: str = WEEK_STARTS[0]

    def table(self, name: str) -> TableDeclaration:
        """What is told of a table; nothing, if it is not mentioned."""
        return self.tables.get(name, TableDeclaration(name))

    @property
    def is_complete(self) -> bool:
        """Whether the attributes of the entity are told, so that no database is needed."""
        return bool(self.table(self.entity).attributes)

    def schema(self) -> Schema:
        """The schema, when everything is told.

        Raises:
            SchemaError: Something is missing or contradicts itself.
        """
        if not self.is_complete:
            raise SchemaError(
                f"the schema does not declare the attributes of {self.entity!r}: read them from a "
                f"database, or declare them under [schema.tables.{self.entity}]"
            )
        entities = [
            Entity(
                table.name,
                key=table.key,
                attributes=table.attributes,
                documents=table.documents,
                places=table.places,
                links=[_link(table.name, way) for way in table.links],
                relations=[_relation(table.name, way) for way in table.relations],
                fresh=table.fresh,
            )
            for table in self.tables.values()
        ]
        return self.made_of(entities)

    def made_of(self, entities: Iterable[Entity]) -> Schema:
        """The schema of entities that were found out, with what is told of the whole."""
        return Schema(
            entities,
            root=self.entity,
            channels=self.channels,
            time_zone=self.time_zone,
            week_start=self.week_start,
        )


def _link(table: str, way: RelationDeclaration) -> Link:
    return Link(way.name, to=way.to or way.name, key=_key(table, way), by=way.by)


def _relation(table: str, way: RelationDeclaration) -> Relation:
    to = way.to or way.name
    return Relation(way.name, to=to, key=_key(table, way), at=way.at, value=way.value, by=way.by)


def _key(table: str, way: RelationDeclaration) -> str:
    if way.key is None:
        at = "" if way.at is None else f', at = "{way.at}"'
        raise SchemaError(
            f"{table}.{way.name} needs a key, the column that leads there: "
            f'{way.name} = {{ key = "…"{at} }}'
        )
    return way.key


def declare(
    entity: str,
    *,
    time_zone: str = "UTC",
    week_start: str = WEEK_STARTS[0],
    events: Mapping[str, Any] | None = None,
    relations: Mapping[str, Any] | None = None,
    links: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
    channels: Mapping[str, Any] | None = None,
) -> Declaration:
    """A declaration from keywords, in the form that files have."""
    data: dict[str, Any] = {"entity": entity, "time_zone": time_zone, "week_start": week_start}
    given = {
        "events": events,
        "relations": relations,
        "links": links,
        "tables": tables,
        "channels": channels,
    }
    data.update({name: value for name, value in given.items() if value is not None})
    return read_declaration(data)


def read_declaration(data: Mapping[str, Any]) -> Declaration:
    """Read the ``[schema]`` table of a file.

    Args:
        data: The table, as a TOML reader gives it.

    Returns:
        The declaration.

    Raises:
        SchemaError: A key is unknown or a value has the wrong form.
    """
    _only("schema", data, _SCHEMA_KEYS)
    entity = _text("schema.entity", data.get("entity"))
    tables = {
        name: _table(name, _mapping(f"schema.tables.{name}", table))
        for name, table in _items("schema.tables", data.get("tables", {}))
    }
    # What stands at the top is said of the entity.
    top = _table(entity, {k: v for k, v in data.items() if k in _TABLE_KEYS})
    told = tables.get(entity, TableDeclaration(entity))
    tables[entity] = TableDeclaration(
        entity,
        told.key,
        told.attributes,
        (*told.relations, *top.relations),
        (*told.links, *top.links),
        told.places,
        told.documents,
        told.fresh,
    )
    channels = tuple(
        _channel(f"schema.channels.{name}", name, told)
        for name, told in _items("schema.channels", data.get("channels", {}))
    )
    zone = _text("schema.time_zone", data.get("time_zone", "UTC"))
    week_start = _text("schema.week_start", data.get("week_start", WEEK_STARTS[0]))
    return Declaration(entity, tables, zone, channels, week_start)


def _channel(place: str, name: str, data: Any) -> Channel:
    told = _mapping(place, data)
    _only(place, told, ("address", "consent"))
    parts = {key: _text(f"{place}.{key}", told.get(key)) for key in ("address", "consent")}
    return Channel(name, **parts)


def _table(name: str, data: Mapping[str, Any]) -> TableDeclaration:
    place = f"schema.tables.{name}"
    _only(place, data, _TABLE_KEYS)
    key = data.get("key")
    return TableDeclaration(
        name,
        None if key is None else _text(f"{place}.key", key),
        tuple(
            read_attribute(place, *item)
            for item in _items(f"{place}.attributes", data.get("attributes", {}))
        ),
        (
            *_ways(f"{place}.events", data.get("events", {}), (*_WAY, "at", "value"), short="at"),
            *_ways(f"{place}.relations", data.get("relations", {}), (*_WAY, "value"), short="key"),
        ),
        tuple(_ways(f"{place}.links", data.get("links", {}), _WAY, short="key")),
        tuple(
            _place(f"{place}.places.{name}", name, value)
            for name, value in _items(f"{place}.places", data.get("places", {}))
        ),
        tuple(
            _document(f"{place}.documents.{name}", name, value)
            for name, value in _items(f"{place}.documents", data.get("documents", {}))
        ),
        None if "fresh" not in data else _fresh(f"{place}.fresh", data["fresh"]),
    )


def _fresh(place: str, value: Any) -> Fresh:
    told = _mapping(place, value)
    _only(place, told, ("at", "warn", "stale"))
    lengths = {name: _text(f"{place}.{name}", told[name]) for name in told if name != "at"}
    try:
        return Fresh(_text(f"{place}.at", told.get("at")), **lengths)
    except SchemaError as error:
        raise SchemaError(f"{place.removesuffix('.fresh')}: {error}") from None


def _document(place: str, name: str, value: Any) -> Document:
    return Document(name, {k: _values(f"{place}.{k}", v) for k, v in _items(place, value)})


def _values(place: str, value: Any) -> Any:
    """The types of what an object holds: of an object in it, those of what is in that."""
    if isinstance(value, str):
        return _dtype(place, value)
    return {key: _values(f"{place}.{key}", told) for key, told in _items(place, value)}


def _place(place: str, name: str, value: Any) -> Place:
    told = _mapping(place, value)
    _only(place, told, ("latitude", "longitude"))
    latitude, longitude = (_text(f"{place}.{k}", told.get(k)) for k in ("latitude", "longitude"))
    return Place(name, latitude=latitude, longitude=longitude)


def read_attribute(place: str, name: str, value: Any) -> Attribute:
    """Read what is told of an attribute: its type, or a table with that and more.

    Raises:
        SchemaError: It is something else.
    """
    place = f"{place}.attributes.{name}"
    if isinstance(value, str):
        return Attribute(name, _dtype(place, value.removesuffix("?")), value.endswith("?"))
    told = _mapping(place, value)
    _only(place, told, ("type", "nullable", "values", "column", "uuid", *_MORE))
    nullable, values = told.get("nullable", False), told.get("values", [])
    uuid = told.get("uuid", False)
    for key, flag in (("nullable", nullable), ("uuid", uuid)):
        if not isinstance(flag, bool):
            raise SchemaError(f"{place}.{key} must be true or false")
    if not isinstance(values, list | tuple):
        raise SchemaError(f"{place}.values must be a list")
    return Attribute(
        name,
        _dtype(place, _text(f"{place}.type", told.get("type"))),
        nullable,
        values,
        column=_text(f"{place}.column", told.get("column", name)),
        uuid=uuid,
        **{name: told[name] for name in _MORE if name in told},
    )


_MORE = ("unit", "zone", "encoding", "min", "max")
"""How a column stores what the type says, and which numbers it can hold."""


def _dtype(place: str, text: str) -> DType:
    try:
        return parse_dtype(text)
    except SchemaError as error:
        raise SchemaError(f"{place}: {error}") from None


def _ways(
    place: str, data: Any, keys: tuple[str, ...], *, short: str
) -> Iterator[RelationDeclaration]:
    expected = f"the name of a column, or a table (a dict in Python) of {', '.join(keys)}"
    for name, value in _items(place, data):
        told = (
            {short: value}
            if isinstance(value, str)
            else _mapping(f"{place}.{name}", value, expected)
        )
        _only(f"{place}.{name}", told, keys)
        if short == "at" and "at" not in told:
            raise SchemaError(f"{place}.{name} needs 'at': the column that says when")
        yield RelationDeclaration(
            name, **{k: _text(f"{place}.{name}.{k}", v) for k, v in told.items()}
        )


def _items(place: str, data: Any) -> Iterator[tuple[str, Any]]:
    yield from _mapping(place, data).items()


def _mapping(place: str, data: Any, expected: str = "a table") -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise _wrong(place, expected, data)
    for name in data:
        if not isinstance(name, str):
            raise SchemaError(f"{place}: a name must be text, not {described(name)}")
    return data


def _text(place: str, value: Any) -> str:
    if value is None:
        raise SchemaError(f"{place} is missing")
    if not isinstance(value, str):
        raise _wrong(place, "text", value)
    return value


def _wrong(place: str, expected: str, value: Any) -> SchemaError:
    # The classes and columns of SQLAlchemy, which this module does not know, have a name as well.
    key = getattr(value, "key", None)
    hint = f"; write {key!r}" if isinstance(key, str) else ""
    return SchemaError(f"{place} must be {expected}, not {type(value).__name__}{hint}")


def _only(place: str, data: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in data:
        if name not in known:
            hint = did_you_mean(name, known)
            raise SchemaError(f"unknown key {name!r} in {place}" + (f"; {hint}" if hint else ""))
