"""A schema and a catalog as TOML, for what comes from no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import tomlkit

from segmentkit._calendar import WEEK_STARTS
from segmentkit._catalog.refactoring import Contents
from segmentkit._catalog.schema_table import read_declaration
from segmentkit._checking.binding import Given
from segmentkit._definition import Defined
from segmentkit._language.syntax import LANGUAGE
from segmentkit.errors import SchemaError
from segmentkit.goal import Goal
from segmentkit.handover import Handover
from segmentkit.keylist import KeyList
from segmentkit.partition import Partition
from segmentkit.schema import Attribute, Entity, Link, Relation, Schema, Values


def catalog_text(contents: Contents) -> str:
    """A catalog as a file, with its schema if a file can say it.

    Args:
        contents: What it has.

    Returns:
        TOML.

    Raises:
        UsageError: It refers to what it does not have.
    """
    contents.check_closed()
    schema = contents.schema
    document = tomlkit.document()
    document["language"] = LANGUAGE
    if schema is not None and _can_be_said(schema):
        document["schema"] = _schema(schema)
    tables = {
        "parameters": {name: _constant(value) for name, value in contents.parameters.items()},
        "lists": {
            name: {"keys": sorted(each.keys), **_about(each)}
            for name, each in contents.lists.items()
        },
        "traits": {
            name: {"value": each.source, **_about(each)} for name, each in contents.traits.items()
        },
        "segments": {
            name: {"where": each.source, **_about(each)} for name, each in contents.segments.items()
        },
        "partitions": {
            name: {"parts": list(each.parts), "rest": each.rest} | _about(each)
            for name, each in contents.partitions.items()
        },
        "goals": {name: _told(each) for name, each in contents.goals.items()},
        "handovers": {name: _told(each) for name, each in contents.handovers.items()},
    }
    for kind, entries in tables.items():
        if entries:
            document[kind] = entries
    return tomlkit.dumps(document)


def _told(each: Goal | Handover) -> dict[str, Any]:
    return {
        key: _inline({name: _constant(one) for name, one in value.items()})
        if isinstance(value, dict)
        else _constant(value)
        for key, value in each.told().items()
    }


def _constant(value: Given) -> Any:
    if isinstance(value, list | tuple | set | frozenset):
        return [_constant(each) for each in value]
    if isinstance(value, Decimal):
        # The reader takes the digits as they are written.
        text = f"{value:f}"
        return tomlkit.value(text if "." in text else f"{text}.0")
    return value


def _about(each: Defined | KeyList | Partition) -> dict[str, str]:
    names = ("title", "description", "owner", "goal", "was")
    told = {name: getattr(each, name, None) for name in names}
    return {name: text for name, text in told.items() if text is not None}


def _can_be_said(schema: Schema) -> bool:
    """Whether a file says exactly this schema: not where it has classes or functions."""
    try:
        return read_declaration(_schema(schema).unwrap()).schema() == schema
    except SchemaError:
        return False


def schema_text(schema: Schema) -> str:
    """A schema as the head of a catalog file, complete.

    Args:
        schema: The schema.

    Returns:
        TOML.
    """
    document = tomlkit.document()
    document["language"] = LANGUAGE
    document["schema"] = _schema(schema)
    return tomlkit.dumps(document)


def _schema(schema: Schema) -> Any:
    head = tomlkit.table()
    head["entity"] = schema.root
    head["time_zone"] = schema.time_zone
    if schema.week_start != WEEK_STARTS[0]:
        head["week_start"] = schema.week_start
    head["tables"] = tables = tomlkit.table(is_super_table=True)
    for entity in schema.entities:
        tables[entity.name] = _table(entity)
    if schema.channels:
        head["channels"] = channels = tomlkit.table(is_super_table=True)
        for each in schema.channels:
            channels[each.name] = _inline({"address": each.address, "consent": each.consent})
    return head


def _table(entity: Entity) -> Any:
    table = tomlkit.table()
    if entity.key is not None:
        table["key"] = entity.key
    for kind, ways in (
        ("events", [r for r in entity.relations if r.at is not None]),
        ("relations", [r for r in entity.relations if r.at is None]),
        ("links", list(entity.links)),
    ):
        if ways:
            table[kind] = _ways(ways)
    table["attributes"] = attributes = tomlkit.table()
    for attribute in entity.attributes:
        attributes[attribute.name] = _attribute(attribute)
    if entity.documents:
        table["documents"] = documents = tomlkit.table()
        for document in entity.documents:
            documents[document.name] = _values(document.values)
    if entity.places:
        table["places"] = places = tomlkit.table()
        for place in entity.places:
            coordinates = {"latitude": place.latitude, "longitude": place.longitude}
            places[place.name] = _inline(coordinates)
    if (fresh := entity.fresh) is not None:
        told = {"at": fresh.at, "warn": fresh.warn, "stale": fresh.stale}
        table["fresh"] = _inline({name: text for name, text in told.items() if text is not None})
    return table


def _ways(ways: Iterable[Link | Relation]) -> Any:
    table = tomlkit.table()
    for way in ways:
        told: dict[str, Any] = {"key": way.key, "to": way.to}
        told |= {name: getattr(way, name, None) for name in ("at", "value", "by")}
        table[way.name] = _inline({name: text for name, text in told.items() if text is not None})
    return table


def _attribute(attribute: Attribute) -> Any:
    bounds = {name: getattr(attribute, name) for name in ("min", "max")}
    bounds = {name: _constant(bound) for name, bound in bounds.items() if bound is not None}
    plain = attribute.form is None and not (attribute.values or attribute.uuid or bounds)
    if plain and attribute.column == attribute.name:
        return f"{attribute.dtype}{'?' * attribute.nullable}"
    told: dict[str, Any] = {"type": str(attribute.dtype), "nullable": attribute.nullable}
    if attribute.values:
        told["values"] = list(attribute.values)
    if attribute.column != attribute.name:
        told["column"] = attribute.column
    if attribute.uuid:
        told["uuid"] = True
    stored = {"unit": attribute.unit, "zone": attribute.zone}
    told |= {name: text for name, text in stored.items() if text is not None}
    if attribute.encoding:
        told["encoding"] = _encoding(attribute.encoding)
    return _inline(told | bounds)


def _encoding(pairs: tuple[tuple[str | int, Any], ...]) -> Any:
    """What is stored as a key; whole numbers are no keys of TOML, and stand in pairs."""
    if all(isinstance(stored, str) for stored, _ in pairs):
        return _inline({str(stored): _constant(meant) for stored, meant in pairs})
    return [[stored, _constant(meant)] for stored, meant in pairs]


def _values(values: Values) -> Any:
    told = {k: _values(v) if isinstance(v, Mapping) else str(v) for k, v in values.items()}
    return _inline(told)


def _inline(told: dict[str, Any]) -> Any:
    table = tomlkit.inline_table()
    table.update(told)
    return table
