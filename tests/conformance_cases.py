"""Reads the conformance cases: data that says what definitions mean, for every target."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import frozen

from segmentkit import Schema, Segment
from segmentkit._declaration import read_declaration
from segmentkit.dtypes import Kind
from segmentkit.schema import Attribute, Entity

FOLDER = Path(__file__).parent / "conformance"

Tables = Mapping[str, list[dict[str, Any]]]


@frozen(eq=False)
class Case:
    """One definition, the rows it is asked of, and the answer."""

    file: str
    name: str
    where: str
    schema: Schema
    as_of: datetime
    rows: Tables
    parameters: Mapping[str, Any]
    members: list[Any] | None
    error: str | None
    says: str | None
    at: str | None
    warnings: bool | None
    unsupported: list[str]

    def define(self) -> Segment:
        """The segment, its parameters bound."""
        segment = Segment.define(self.name, self.where, self.schema)
        return segment.bind(**self.parameters) if self.parameters else segment


def cases() -> Iterator[Case]:
    """Every case of every file."""
    for path in sorted(FOLDER.glob("*.toml")):
        yield from cases_in(path.read_text(encoding="utf-8"), path.stem)


def cases_in(text: str, file: str = "") -> Iterator[Case]:
    """The cases of one file."""
    data = tomllib.loads(text, parse_float=Decimal)
    schema = read_declaration(data["schema"]).schema()
    for told in data["case"]:
        rows = {**data.get("rows", {}), **told.get("rows", {})}
        yield Case(
            file=file,
            name=told["name"],
            where=told["where"],
            schema=schema,
            as_of=told.get("as_of", data.get("as_of")),
            rows={
                entity.table: [_typed(entity, row) for row in rows.get(entity.table, [])]
                for entity in schema.entities
            },
            parameters=told.get("parameters", {}),
            members=told.get("members"),
            error=told.get("error"),
            says=told.get("says"),
            at=told.get("at"),
            warnings=told.get("warnings"),
            unsupported=told.get("unsupported", []),
        )


def _typed(entity: Entity, row: Mapping[str, Any]) -> dict[str, Any]:
    """Columns with their Python values; what a row does not say is missing."""
    known = {a.column for a in entity.attributes}
    extra = {way.key: row[way.key] for way in entity.links if way.key in row.keys() - known}
    return {a.column: _value(a, row.get(a.column)) for a in entity.attributes} | extra


def _value(attribute: Attribute, value: Any) -> Any:
    if value is None:
        return None
    kind = attribute.dtype.kind
    if kind is Kind.DECIMAL:
        return Decimal(value)
    if kind is Kind.FLOAT:
        return float(value)
    if kind is Kind.TIMESTAMP and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def records(schema: Schema, tables: Tables) -> list[dict[str, Any]]:
    """The rows of the entity as nested records: relations as lists, links as records."""
    return [
        _record(schema, schema.entity, row, tables, deep=True)
        for row in tables[schema.entity.table]
    ]


def _record(
    schema: Schema, entity: Entity, row: Mapping[str, Any], tables: Tables, *, deep: bool
) -> dict[str, Any]:
    record: dict[str, Any] = {
        a.name: row[a.column] for a in entity.attributes if row.get(a.column) is not None
    }
    for link in entity.links:
        target = schema.named(link.to)
        found = [r for r in tables[target.table] if r[target.key] == row.get(link.key)]
        if found and row.get(link.key) is not None:
            record[link.name] = _record(schema, target, found[0], tables, deep=False)
    for relation in entity.relations if deep else ():
        target = schema.named(relation.to)
        mine = [r for r in tables[target.table] if r.get(relation.key) == row[entity.key]]
        record[relation.name] = [_record(schema, target, r, tables, deep=False) for r in mine]
    return record
