"""Reads the conformance cases: data that says what definitions mean, for every target.

A file has a ``[schema]`` as a catalog has one, ``as_of``, the ``[rows]`` of its tables, and
``[[case]]`` after ``[[case]]``. What stands in a case beside ``name`` goes before what stands at
the top of the file. Each asks one thing:

- ``where``, a definition, and its ``members``, the keys; or ``error`` (``"syntax"``, ``"type"``),
  what the message ``says`` and the piece of the text that it points ``at``;
- ``value``, an expression, and its ``values``, pairs of a key and a value; keys that are not there
  have none;
- ``partition``, the name of one, and its ``labels``, keys by label; ``audit`` tells of each label
  how many it has ``alone``, how many it ``got``, and how many it ``lost`` to each other.

Definitions can refer to names as in a catalog file: ``[traits]`` are expressions, ``[segments]``
definitions, ``[lists]`` keys written out, ``[partitions]`` have ``parts`` and ``rest``; the whole
file's, and the case's own. ``parameters`` are bound, ``warnings`` says whether the checker warns,
``unsupported`` names targets, or families of them, that refuse with ``UnsupportedError``.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import frozen

from segmentkit import Aggregate, Function, Partition, Schema, Segment, Trait
from segmentkit._catalog.check import Found, check_catalog
from segmentkit._catalog.schema_table import read_declaration
from segmentkit._catalog.toml_file import CatalogText, Entry, ListEntry, PartitionEntry
from segmentkit.dtypes import Kind
from segmentkit.schema import Attribute, Entity

FOLDER = Path(__file__).parent / "conformance"

Tables = Mapping[str, list[dict[str, Any]]]


@frozen(eq=False)
class Case:
    """One question, the rows it is asked of, and the answer."""

    file: str
    name: str
    where: str | None
    value: str | None
    partition: str | None
    names: Found
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
    values: dict[Any, Any] | None
    labels: dict[str, list[Any]] | None
    audit: dict[str, dict[str, Any]] | None

    def define(self) -> Segment:
        """The segment, its parameters bound."""
        assert self.where is not None
        names = self.names
        segment = Segment.define(
            self.name,
            self.where,
            self.schema,
            segments=names.segments,
            traits=names.traits,
            lists=names.lists,
        )
        return segment.bind(**self.parameters) if self.parameters else segment

    def define_trait(self) -> Trait:
        """The trait, its parameters bound."""
        assert self.value is not None
        trait = Trait.define(self.name, self.value, self.schema, traits=self.names.traits)
        return trait.bind(**self.parameters) if self.parameters else trait

    def find_partition(self) -> Partition:
        """The partition, its parameters bound."""
        assert self.partition is not None
        return self.names.partitions[self.partition].bind(**self.parameters)


def cases() -> Iterator[Case]:
    """Every case of every file."""
    for path in sorted(FOLDER.glob("*.toml")):
        yield from cases_in(path.read_text(encoding="utf-8"), path.stem)


def cases_in(
    text: str, file: str = "", functions: Iterable[Function | Aggregate] = ()
) -> Iterator[Case]:
    """The cases of one file; ``functions`` are those that its definitions know beside the language's."""
    data = tomllib.loads(text, parse_float=Decimal)
    schema = read_declaration(data["schema"]).schema().extended(functions)
    shared = _names(schema, data)
    for told in data["case"]:
        rows = {**data.get("rows", {}), **told.get("rows", {})}
        asked = schema.rooted(told["entity"]) if "entity" in told else schema
        own = asked is not schema or any(kind in told for kind in _NAMED)
        yield Case(
            file=file,
            name=told["name"],
            where=told.get("where"),
            value=told.get("value"),
            partition=told.get("partition"),
            names=_names(asked, data, told) if own else shared,
            schema=asked,
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
            unsupported=told.get("unsupported", data.get("unsupported", [])),
            values=dict(told["values"]) if "values" in told else None,
            labels=told.get("labels"),
            audit=told.get("audit"),
        )


_NAMED = ("traits", "segments", "lists", "partitions")


def _names(schema: Schema, *told: Mapping[str, Any]) -> Found:
    """What definitions can refer to."""
    merged = {kind: {n: v for t in told for n, v in t.get(kind, {}).items()} for kind in _NAMED}
    traits = {n: Entry("trait", n, value, {}, 0) for n, value in merged["traits"].items()}
    segments = {n: Entry("segment", n, where, {}, 0) for n, where in merged["segments"].items()}
    lists = {n: ListEntry(n, tuple(keys), {}, 0) for n, keys in merged["lists"].items()}
    partitions = {
        n: PartitionEntry(n, tuple(each["parts"]), each["rest"], {}, 0)
        for n, each in merged["partitions"].items()
    }
    return check_catalog(CatalogText(segments, traits, lists, partitions, {}, None), schema)


def _typed(entity: Entity, row: Mapping[str, Any]) -> dict[str, Any]:
    """Columns with their Python values; what a row does not say is missing."""
    known = {a.column for a in entity.attributes}
    extra = {way.key: row.get(way.key) for way in entity.links if way.key not in known}
    documents = {d.name: _parsed(row.get(d.name)) for d in entity.documents}
    return {a.column: _value(a, row.get(a.column)) for a in entity.attributes} | documents | extra


def _parsed(value: Any) -> Any:
    """What JSON tells; TOML itself has no word for what is missing in a list."""
    return json.loads(value) if isinstance(value, str) else value


def _value(attribute: Attribute, value: Any) -> Any:
    if value is None:
        return None
    kind = attribute.stored.kind
    if kind is Kind.DECIMAL:
        return Decimal(value)
    if kind is Kind.FLOAT:
        return float(value)
    if kind is Kind.TEXTS:
        return _parsed(value)
    if kind is Kind.TIMESTAMP and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def records(schema: Schema, tables: Tables) -> list[dict[str, Any]]:
    """The rows of the entity as nested records: relations as lists, links as records."""
    root = schema.entity
    return [_record(schema, root, row, tables, (root.name,)) for row in tables[root.table]]


def _record(
    schema: Schema, entity: Entity, row: Mapping[str, Any], tables: Tables, way: tuple[str, ...]
) -> dict[str, Any]:
    """A row with what it leads to; relations do not lead back to where the way came from."""
    record: dict[str, Any] = {
        a.name: row[a.column] for a in entity.attributes if row.get(a.column) is not None
    }
    record |= {d.name: row[d.name] for d in entity.documents if row.get(d.name) is not None}
    for link in entity.links:
        target = schema.named(link.to)
        found = [r for r in tables[target.table] if r[target.key] == row.get(link.key)]
        if found and row.get(link.key) is not None:
            record[link.name] = _record(schema, target, found[0], tables, ())
    for relation in entity.relations if way else ():
        target = schema.named(relation.to)
        if target.name not in way:
            mine = [r for r in tables[target.table] if r.get(relation.key) == row[entity.key]]
            beyond = (*way, target.name)
            record[relation.name] = [_record(schema, target, r, tables, beyond) for r in mine]
    return record
