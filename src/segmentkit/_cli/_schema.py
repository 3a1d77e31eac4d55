"""``segmentkit schema``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click
import tomlkit

from segmentkit._catalog.schema_table import declare
from segmentkit._cli._database import connected, reflected, url_option
from segmentkit._cli._errors import Failure
from segmentkit.errors import SchemaError
from segmentkit.schema import Attribute, Entity, Link, Relation, Schema, Values


@click.command
@url_option
@click.option(
    "--entity", metavar="TABLE", required=True, help="The table whose rows are segmented."
)
@click.option(
    "--event",
    "events",
    metavar="TABLE=COLUMN",
    multiple=True,
    help="A table of events and the column with their time. Can be repeated.",
)
@click.option(
    "--time-zone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="The zone in which days begin, such as Europe/Kyiv.",
)
def schema(url: str, entity: str, events: tuple[str, ...], time_zone: str) -> None:
    """Write the [schema] of a catalog file from a database.

    With it in the file, you can check the definitions without the database.
    """
    told = {}
    for event in events:
        table, equals, at = event.partition("=")
        if not (table and equals and at):
            raise click.BadParameter(
                f"{event!r} is not of the form TABLE=COLUMN", param_hint="'--event'"
            )
        told[table] = {"at": at}
    try:
        declaration = declare(entity, events=told, time_zone=time_zone)
    except SchemaError as error:
        raise Failure(str(error)) from None
    with connected(url) as database:
        found, _ = reflected(declaration, database)
    click.echo(schema_text(found), nl=False)


def schema_text(schema: Schema) -> str:
    """A schema as the head of a catalog file, complete.

    Args:
        schema: The schema.

    Returns:
        TOML.
    """
    head = tomlkit.table()
    head["entity"] = schema.root
    head["time_zone"] = schema.time_zone
    head["tables"] = tables = tomlkit.table(is_super_table=True)
    for entity in schema.entities:
        tables[entity.name] = _table(entity)
    if schema.channels:
        head["channels"] = channels = tomlkit.table(is_super_table=True)
        for each in schema.channels:
            channels[each.name] = _inline({"address": each.address, "consent": each.consent})
    document = tomlkit.document()
    document["language"] = 1
    document["schema"] = head
    return tomlkit.dumps(document)


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
    return table


def _ways(ways: Iterable[Link | Relation]) -> Any:
    table = tomlkit.table()
    for way in ways:
        told: dict[str, Any] = {"key": way.key, "to": way.to}
        told |= {name: getattr(way, name, None) for name in ("at", "value", "by")}
        table[way.name] = _inline({name: text for name, text in told.items() if text is not None})
    return table


def _attribute(attribute: Attribute) -> Any:
    if not (attribute.values or attribute.uuid) and attribute.column == attribute.name:
        return f"{attribute.dtype}{'?' * attribute.nullable}"
    told: dict[str, Any] = {"type": str(attribute.dtype), "nullable": attribute.nullable}
    if attribute.values:
        told["values"] = list(attribute.values)
    if attribute.column != attribute.name:
        told["column"] = attribute.column
    if attribute.uuid:
        told["uuid"] = True
    return _inline(told)


def _values(values: Values) -> Any:
    told = {k: _values(v) if isinstance(v, Mapping) else str(v) for k, v in values.items()}
    return _inline(told)


def _inline(told: dict[str, Any]) -> Any:
    table = tomlkit.inline_table()
    table.update(told)
    return table
