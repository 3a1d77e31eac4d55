"""A world and a definition as a conformance case, to be pasted into a file of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from segmentkit import Segment
from segmentkit._checking.combining import spelled_out
from segmentkit._definition import instant_of, lowest_first
from segmentkit._language.formatter import format_tree
from segmentkit.schema import Attribute, Entity, Schema
from tests.property.worlds import World


def as_case(world: World, segment: Segment, members: list[Any]) -> str:
    """A file of one case, in TOML; what the definition refers to is written out."""
    schema = world.schema
    where = format_tree(spelled_out(_used(segment)))
    rows = [line for e in schema.entities for line in _rows(e, world.rows[e.table])]
    lines = [
        "language = 1",
        f"as_of = {_value(instant_of(world.as_of, world.schema))}",
        *_names(segment),
        "",
        *_schema(schema),
        "",
        "[rows]",
        *rows,
        "",
        "[[case]]",
        'name = ""',
        f"where = {_value(where)}",
        f"members = {_value(members)}",
    ]
    return "\n".join(lines) + "\n"


def _used(segment: Segment) -> list[Segment]:
    """The segment and all that it refers to, near or far, itself last."""
    return lowest_first(segment, lambda each: each.references.values())


def _names(segment: Segment) -> list[str]:
    """The traits and lists that the definition names, itself or in a reference."""
    used = _used(segment)
    traits = {n: each.definition for s in used for n, each in s.traits.items()}
    lists = {n: sorted(each.keys) for s in used for n, each in s.lists.items()}
    found = [(kind, items) for kind, items in (("traits", traits), ("lists", lists)) if items]
    return [f"{kind} = {_value(items)}" for kind, items in found]


def _schema(schema: Schema) -> list[str]:
    lines = ["[schema]", f"entity = {_value(schema.entity.name)}"]
    lines.append(f"time_zone = {_value(schema.time_zone)}")
    lines.append(f"week_start = {_value(schema.week_start)}")
    for each in schema.channels:
        told = {"address": each.address, "consent": each.consent}
        lines.append(f"channels.{_value(each.name)} = {_value(told)}")
    for entity in schema.entities:
        lines += ["", f"[schema.tables.{_value(entity.name)}]"]
        lines += [f"key = {_value(entity.key)}"] if entity.key else []
        lines.append(f"attributes = {_value(_attributes(schema, entity))}")
        if entity.fresh is not None:
            told = {"at": entity.fresh.at, "stale": entity.fresh.stale}
            lines.append(f"fresh = {_value(told)}")
        for document in entity.documents:
            lines.append(f"documents.{document.name} = {_value(_types(document.values))}")
        for link in entity.links:
            lines.append(f"links.{link.name} = {_value({'key': link.key, 'to': link.to})}")
        for relation in entity.relations:
            told = {"key": relation.key, "to": relation.to}
            kind = "events" if relation.at else "relations"
            told |= {"at": relation.at} if relation.at else {}
            lines.append(f"{kind}.{relation.name} = {_value(told)}")
    return lines


def _attribute(attribute: Attribute) -> Any:
    told: dict[str, Any] = {"type": str(attribute.dtype), "nullable": attribute.nullable}
    if attribute.unit is not None:
        told["unit"] = attribute.unit
    if attribute.zone is not None:
        told["zone"] = attribute.zone
    if attribute.encoding:
        told["encoding"] = [
            [stored, float(meant) if isinstance(meant, Decimal) else meant]
            for stored, meant in attribute.encoding
        ]
    return f"{attribute.dtype}{'?' * attribute.nullable}" if len(told) == 2 else told


def _attributes(schema: Schema, entity: Entity) -> dict[str, Any]:
    """The types; the column that tells a row's owner is declared in a case."""
    found: dict[str, Any] = {a.name: _attribute(a) for a in entity.attributes}
    for owner in schema.entities:
        key = owner.key_attribute
        for relation in owner.relations:
            if relation.to == entity.name and relation.key not in found:
                found[relation.key] = f"{key.dtype if key else 'text'}?"
    return found


def _rows(entity: Entity, rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return [f"{entity.table} = []"]
    return [f"{entity.table} = [", *(f"    {_value(_loose(row))}," for row in rows), "]"]


def _types(values: Any) -> dict[str, Any]:
    return {k: _types(v) if isinstance(v, Mapping) else str(v) for k, v in values.items()}


def _loose(row: dict[str, Any]) -> dict[str, Any]:
    """Lists and documents as JSON, in which something can be missing."""
    return {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in row.items()}


def _value(value: Any) -> str:
    match value:
        case Mapping():
            items = [f"{_value(str(k))} = {_value(v)}" for k, v in value.items() if v is not None]
            return "{ " + ", ".join(items) + " }"
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case bool():
            return str(value).lower()
        case Decimal():
            return f'"{value}"'
        case float():
            return "nan" if math.isnan(value) else repr(value)
        case datetime():
            return value.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case _:
            return repr(value)
