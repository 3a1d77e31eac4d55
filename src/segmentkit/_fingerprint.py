"""The fingerprint of a definition: it changes with everything that could change the members."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import fields

from segmentkit._calendar import WEEK_STARTS
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit.schema import Attribute, Entity, Link, Relation, Schema

if TYPE_CHECKING:
    from segmentkit._definition import Defined

_DIGITS = 32


def fingerprint(whole: Defined) -> str:
    """A fingerprint of a segment or a trait: the same in every process, for the same meaning."""
    told: set[str] = set()
    words: set[str] = set()
    seen: set[int] = set()
    stack: list[Defined] = [whole]
    while stack:
        each = stack.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        # What it is called itself says nothing of whom it holds.
        name = None if each is whole else each.name
        told.add(repr((type(each).__name__, name, format_tree(each._tree))))
        words.update(word for node in t.every(each._tree) for word in _words(node))
        stack += each._uses()
        # Only segments have lists.
        for name, keys in getattr(each, "lists", {}).items():
            told.add(repr(("KeyList", name, sorted(keys.keys))))
    told.update(_of_schema(whole.schema, words))
    text = "\n".join([f"language {t.LANGUAGE}", *sorted(told)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _words(node: t.Node) -> Iterator[str]:
    """The names in a node, and its other texts."""
    if isinstance(node, t.Reachable):
        yield _EVERYTHING
    for each in fields(type(node)):
        value = getattr(node, each.name)
        values = value if isinstance(value, tuple) else (value,)
        yield from (text for text in values if isinstance(text, str))


_EVERYTHING = "\0"
"""The word of a definition that may rest on any part of the schema: channels have texts of their
own."""


def _of_schema(schema: Schema, words: set[str]) -> Iterator[str]:
    """The parts of a schema that words can mean, each in a line of its own."""
    yield repr((schema.root, schema.time_zone))
    if schema.week_start != WEEK_STARTS[0]:
        yield f"weeks begin on {schema.week_start}"
    yield from (repr((f.name, str(f))) for f in schema.functions if _has(words, f.name))
    yield from (repr(c) for c in schema.channels if _has(words, _EVERYTHING))
    # What stands beside a way, a relation or a place comes with it.
    told: Mapping[str, set[str]] = {e.name: set() for e in schema.entities}
    for entity in schema.entities:
        for link in entity.links:
            if _has(words, link.name):
                yield repr((entity.name, "link", link.name, *_joined(schema, link)))
        for relation in entity.relations:
            if _has(words, relation.name):
                beside = relation.at, relation.value
                joined = _joined(schema, relation)
                yield repr((entity.name, "many", relation.name, *joined, *beside))
                told[schema.named(relation.to).name].update(filter(None, beside))
        for place in entity.places:
            if _has(words, place.name):
                yield repr((entity.name, "place", place.name, place.latitude, place.longitude))
                told[entity.name].update((place.latitude, place.longitude))
    for entity in schema.entities:
        yield from _of_entity(entity, words, told[entity.name])


def _of_entity(entity: Entity, words: set[str], beside: set[str]) -> Iterator[str]:
    found = []
    inner = [a for document in entity.documents for a in document.attributes]
    for attribute in (*inner, *entity.attributes):
        name = attribute.name
        near = name in beside or attribute.column == entity.key
        if near or _has(words, name) or (attribute.path and words.issuperset(attribute.path)):
            values = sorted(map(str, attribute.values))
            kind = str(attribute.dtype), attribute.nullable, values
            place = entity.name, name, attribute.column, attribute.path
            found.append(repr((*place, *kind, *_form(attribute))))
    if found:
        yield repr((entity.name, entity.full_table, entity.model, entity.key))
        yield from found


def _form(attribute: Attribute) -> tuple[object, ...]:
    """What is told of how it is stored."""
    if attribute.form is None:
        return ()
    return attribute.unit, attribute.zone, sorted(map(repr, attribute.encoding))


def _joined(schema: Schema, way: Link | Relation) -> tuple[str | None, ...]:
    """Whose rows a way leads to, and by what."""
    target = schema.named(way.to)
    return target.name, target.full_table, target.model, target.key, way.key, way.by, way.join


def _has(words: set[str], name: str) -> bool:
    return name in words or _EVERYTHING in words
