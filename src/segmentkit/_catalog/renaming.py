"""Another name for something: in definitions, in the schema, in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import tomlkit
from attrs import evolve

from segmentkit._catalog.refactoring import Contents, Edit, Renaming, UsesByUser
from segmentkit._catalog.schema_table import Declaration
from segmentkit._catalog.toml_edits import TomlEdits, string_like
from segmentkit._catalog.toml_file import CatalogText
from segmentkit._checking.context import Names
from segmentkit._checking.uses import uses_of
from segmentkit._diagnostics.diagnostic import Span
from segmentkit._language.parser import parse
from segmentkit.handover import Handover
from segmentkit.schema import Channel, Document, Entity, Schema

_T = TypeVar("_T")


def renamed(text: CatalogText, contents: Contents, what: Renaming) -> tuple[str, Schema | None]:
    """A file and its schema in which something has another name.

    Args:
        text: The file.
        contents: What it has.
        what: What is renamed.

    Raises:
        UsageError: The file is written in a way in which this cannot be changed.
        SchemaError: The name is taken.
    """
    uses = contents.uses()
    schema = contents.schema
    if schema is not None and what.entity is not None:
        schema = renamed_schema(schema, what)
    return _renamed_text(text, what, uses, contents), schema


# -- in the schema --------------------------------------------------------------------------------


def renamed_schema(schema: Schema, what: Renaming) -> Schema:
    """A schema in which something of an entity has another name.

    A column follows its attribute where both were called the same, and so do keys.

    Args:
        schema: The schema.
        what: What is renamed.

    Raises:
        SchemaError: The name is taken.
    """
    column = _column(schema, what)
    entities = [_renamed_entity(schema, entity, what, column) for entity in schema.entities]
    channels = [
        evolve(
            channel,
            **{
                part: edited(getattr(channel, part), _channel_edits(schema, channel, part, what))
                for part in ("address", "consent")
            },
        )
        for channel in schema.channels
    ]
    return evolve(schema, entities=entities, channels=channels)


def _channel_edits(schema: Schema, channel: Channel, part: str, what: Renaming) -> list[Edit]:
    """The changes of the address or of the consent of a channel."""
    text = getattr(channel, part)
    alone = evolve(schema, channels=())
    found = uses_of(parse(text), alone, Names(), text, is_value=part == "address")
    return what.edits(found)


def edited(text: str, edits: Iterable[Edit]) -> str:
    """A text in which parts are replaced."""
    parts, at = [], 0
    for span, new in sorted(edits, key=lambda edit: edit[0].start):
        parts += [text[at : span.start], new]
        at = span.end
    return "".join([*parts, text[at:]])


def _column(schema: Schema, what: Renaming) -> str | None:
    """The column that is renamed with its attribute, if one is."""
    if what.kind != "attribute" or what.entity is None:
        return None
    attribute = schema.named(what.entity).attribute(what.member)
    assert attribute is not None
    return attribute.name if attribute.column == attribute.name else None


def _renamed_entity(schema: Schema, entity: Entity, what: Renaming, column: str | None) -> Entity:
    here = entity.name == what.entity

    def name(old: _T, *, of: str = entity.name) -> _T | str:
        return what.name if (of, old) == (what.entity, what.member) else old

    def key(old: _T, *, of: str = entity.name) -> _T | str:
        return what.name if column is not None and (of, old) == (what.entity, column) else old

    def way(each: Any, kind: str) -> Any:
        told = {"name": name(each.name), "to": each.to}
        of_key, of_by = (entity.name, each.to) if kind == "link" else (each.to, entity.name)
        told |= {"key": key(each.key, of=of_key), "by": key(each.by, of=of_by)}
        if kind == "relation":
            told |= {part: name(getattr(each, part), of=each.to) for part in ("at", "value")}
        return evolve(each, **told)

    return evolve(
        entity,
        key=key(entity.key),
        attributes=[evolve(a, name=name(a.name), column=key(a.column)) for a in entity.attributes],
        documents=[
            Document(d.name, _renamed_values(d.values, what.member.split(".")[1:], what.name))
            if here and what.kind == "value" and what.member.split(".")[0] == d.name
            else d
            for d in entity.documents
        ],
        places=[
            evolve(
                p,
                name=name(p.name),
                latitude=name(p.latitude),
                longitude=name(p.longitude),
            )
            for p in entity.places
        ],
        links=[way(each, "link") for each in entity.links],
        relations=[way(each, "relation") for each in entity.relations],
        fresh=entity.fresh and evolve(entity.fresh, at=name(entity.fresh.at)),
    )


def _renamed_values(values: Any, path: list[str], name: str) -> dict[str, Any]:
    first, *rest = path
    return {
        (name if key == first and not rest else key): (
            _renamed_values(told, rest, name) if key == first and rest else told
        )
        for key, told in values.items()
    }


# -- in the file ----------------------------------------------------------------------------------


def _renamed_text(text: CatalogText, what: Renaming, uses: UsesByUser, contents: Contents) -> str:
    schema = contents.schema
    edits = TomlEdits(text.content)
    for entry in (*text.entries.values(), *text.traits.values()):
        if changes := what.edits(uses[entry.kind, entry.name]):
            edits.change(*edits.place(entry), changes)
    for name, handover in contents.handovers.items():
        _rename_in_fields(edits, edits.document["handovers"][name], handover, what)
    for kind in ("goals", "handovers"):
        for plan in edits.document.get(kind, {}).values():
            _rename_in_plan(edits, plan, what)
    if what.entity is not None:
        if text.declaration is not None and schema is not None:
            _SchemaTable(edits, what, text.declaration, schema).rename()
        return edits.text()
    document = edits.document
    tables: Any = document.get(f"{what.kind}s", {})
    if what.member in tables:
        edits.rename(tables, what.member, what.name)
    for partition in document.get("partitions", {}).values() if what.kind == "segment" else ():
        parts = partition["parts"]
        for i, part in enumerate(parts):
            if part == what.member:
                edits.put(parts, i, string_like(what.name, part.as_string()))
    return edits.text()


def _rename_in_fields(edits: TomlEdits, table: Any, handover: Handover, what: Renaming) -> None:
    """The values that are handed over."""
    for name, each in handover.values.items():
        changes = [
            (Span(span.start + each.offset, span.end + each.offset), new)
            for span, new in what.edits(each.value.uses())
        ]
        if changes:
            is_own = name == "owner" and name not in handover.fields
            edits.change(table["task" if is_own else "fields"], name, changes)


def _rename_in_plan(edits: TomlEdits, table: Any, what: Renaming) -> None:
    """The segments and traits that a goal or a hand-over names."""
    if what.kind not in ("segment", "trait"):
        return
    names = {what.member: what.name}
    names |= {f"{what.kind} {old}": f"{what.kind} {new}" for old, new in names.items()}
    for key in ("metric", *(["segment"] if what.kind == "segment" else [])):
        if (new := names.get(table.get(key))) is not None:
            edits.put(table, key, string_like(new, table[key].as_string()))
    guards: Any = table.get("guards", {})
    for old, new in names.items():
        if old in guards:
            edits.rename(guards, old, new)


class _SchemaTable:
    """The edits of a ``[schema]`` table."""

    def __init__(
        self, edits: TomlEdits, what: Renaming, declaration: Declaration, schema: Schema
    ) -> None:
        assert what.entity is not None
        self.edits = edits
        self.what = what
        self.entity = what.entity
        self.root = declaration.entity
        self.before = schema
        self.schema: Any = edits.document["schema"]
        self.column = _column(schema, what) is not None

    def rename(self) -> None:
        """Rename it wherever the table names it."""
        tables: Any = self.schema.get("tables", {})
        for entity in {*tables, self.root}:
            places = [tables[entity]] if entity in tables else []
            for place in [*places, *([self.schema] if entity == self.root else [])]:
                self.ways(entity, place)
                if entity == self.entity:
                    self.members(place)
        for name, told in self.schema.get("channels", {}).items():
            channel = Channel(name, address=told["address"], consent=told["consent"])
            for part in ("address", "consent"):
                if changes := _channel_edits(self.before, channel, part, self.what):
                    self.edits.change(told, part, changes)

    def members(self, place: Any) -> None:
        """What the entity itself declares."""
        if self.what.kind == "value":
            *path, last = self.what.member.split(".")
            inner: Any = place.get("documents", {})
            for step in path:
                inner = inner.get(step, {})
            if last in inner:
                self.edits.rename(inner, last, self.what.name)
            return
        for group in ("attributes", "places"):
            if self.what.member in (told := place.get(group, {})):
                self.edits.rename(told, self.what.member, self.what.name)
        attribute = place.get("attributes", {}).get(self.what.member)
        if isinstance(attribute, Mapping):
            self.put(attribute, "column", key=True)
        for each in place.get("places", {}).values():
            self.put(each, "latitude")
            self.put(each, "longitude")
        if "fresh" in place:
            self.put(place["fresh"], "at")
        if place is not self.schema:
            self.put(place, "key", key=True)

    def ways(self, entity: str, place: Any) -> None:
        """Links and relations, which name what is at either end."""
        for group, short in (("events", "at"), ("relations", "key"), ("links", "key")):
            ways: Any = place.get(group, {})
            for name, told in ways.items():
                to = name if isinstance(told, str) else told.get("to", name)
                held = entity if group == "links" else to
                other = to if group == "links" else entity
                parts = {"key": held, "by": other, "at": to, "value": to}
                if isinstance(told, str):
                    self.of(parts[short], ways, name, key=short == "key")
                else:
                    for part, owner in parts.items():
                        self.of(owner, told, part, key=part in ("key", "by"))
                if (entity, name) == (self.entity, self.what.member):
                    self.way(ways, name, short)

    def way(self, ways: Any, name: str, short: str) -> None:
        """A link or a relation gets another name, and leads where it led."""
        told: Any = ways[name]
        if isinstance(told, str):
            written = ways[name].as_string()
            text = f"{{ {short} = {written}, to = {tomlkit.string(name).as_string()} }}"
            self.edits.put(ways, name, text)
        elif "to" not in told:
            self.edits.add(told, "to", name)
        self.edits.rename(ways, name, self.what.name)

    def of(self, owner: str, table: Any, part: str, *, key: bool) -> None:
        """A part that names something of an entity."""
        if owner == self.entity:
            self.put(table, part, key=key)

    def put(self, table: Any, part: str, *, key: bool = False) -> None:
        """Rename the attribute that a string names, if it is this; a key names a column."""
        is_named = self.what.kind == "attribute" and table.get(part) == self.what.member
        if is_named and (self.column or not key):
            self.edits.put(table, part, string_like(self.what.name, table[part].as_string()))
