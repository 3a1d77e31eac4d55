"""Schemas and constants ⇄ JSON, by one table of what a schema is made of."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from segmentkit._calendar import WEEK_STARTS
from segmentkit._diagnostics.diagnostic import advice
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.given import Constant, exact
from segmentkit._language.json_fields import (
    FLAG,
    TEXT,
    Choice,
    Room,
    Several,
    Slot,
    Wrong,
    unexpected,
)
from segmentkit._language.json_form import envelope
from segmentkit._language.json_rows import OWN_NAME, Field, Record
from segmentkit._language.json_table import EXPRESSION
from segmentkit._schema.attributes import Attribute, Document, parse_dtype
from segmentkit._schema.entities import Channel, Entity, Link, Place, Relation
from segmentkit._schema.freshness import Fresh
from segmentkit.dtypes import DType
from segmentkit.errors import SchemaError
from segmentkit.extension import Extension


class _Constant(Slot):
    """A value of a parameter, a list or an attribute: as in definitions, and floats."""

    def read(self, value: Any, room: Room) -> Any:
        if type(value) is dict and set(value) == {"float"}:
            text = TEXT.read(value["float"], room)
            if not _FLOAT.fullmatch(text) or not math.isfinite(float(text)):
                expected = term('digits such as "0.5"')
                raise Wrong("SK021", found=repr(text)[:40], expected=expected)
            return float(text)
        found = EXPRESSION.read(value, room)
        if type(found) is not t.Literal:
            raise unexpected(value, "a constant")
        return found.value

    def write(self, value: Any, room: Room) -> Any:
        if isinstance(value, float):
            if not math.isfinite(value):
                raise Wrong("SK013")
            return {"float": repr(float(value))}
        if isinstance(value, Constant):
            value = exact(value)
        if type(value) is str:
            TEXT.read(value, Room(len(value)))
        if type(value) is Decimal and value.is_finite() and value == value.to_integral_value():
            value = Decimal(f"{value:f}.0") if "." not in f"{value:f}" else value
        return EXPRESSION.write(t.Literal(value), room)

    def schema(self) -> dict[str, Any]:
        kinds = ("integer", "decimal", "date", "timestamp")
        rows = [EXPRESSION.rows[kind].schema() for kind in kinds]
        assert EXPRESSION.constants is not None
        pattern = {"type": "string", "pattern": f"^(?:{_FLOAT.pattern})$"}
        rows.append(
            {
                "type": "object",
                "required": ["float"],
                "properties": {"float": pattern},
                "additionalProperties": False,
            }
        )
        return {"oneOf": [EXPRESSION.constants.schema(), *rows]}


_FLOAT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]{1,3})?")
CONSTANT = _Constant()


class _Type(Slot):
    """A type of values, by its name."""

    def read(self, value: Any, room: Room) -> DType:
        try:
            return parse_dtype(TEXT.read(value, room))
        except SchemaError as error:
            raise Wrong("SK020", detail=term(str(error))) from None

    def write(self, value: DType, room: Room) -> str:
        return str(value)

    def schema(self) -> dict[str, Any]:
        return TEXT.schema()


_TYPE = _Type()


class _Values(Slot):
    """The types in a document: of an object in it, those of what is in that."""

    def read(self, value: Any, room: Room) -> Any:
        if type(value) is str:
            return _TYPE.read(value, room)
        if type(value) is not dict:
            raise unexpected(value, "a type, or an object of types")
        room.enter()
        found = by_key(value, self.read, room)
        room.depth -= 1
        return found

    def write(self, value: Any, room: Room) -> Any:
        if isinstance(value, DType):
            return str(value)
        return {key: self.write(told, room) for key, told in value.items()}

    def schema(self) -> dict[str, Any]:
        return {"type": "object"}


def by_key(
    data: Any, read: Callable[[Any, Room], Any], room: Room, *, expected: str = "an object"
) -> dict[str, Any]:
    """Read the values of an object, with the place of one that is wrong."""
    if type(data) is not dict:
        raise unexpected(data, expected)
    found = {}
    for key, value in data.items():
        if type(key) is not str:
            raise unexpected(key, "keys that are texts")
        try:
            found[TEXT.read(key, room)] = read(value, room)
        except Wrong as error:
            error.steps.append(key)
            raise
    return found


# -- the table ------------------------------------------------------------------------------------


def _texts(*names: str) -> Iterator[Field]:
    """Texts that may be left out."""
    yield from (Field(name, TEXT, name, default=None) for name in names)


def _flag(name: str) -> Field:
    return Field(name, FLAG, name, default=False)


def _all(name: str, slot: Slot) -> Field:
    return Field(name, Several(slot, 0), name, default=())


_NAME = Field("name", TEXT)
_WAY = (_NAME, Field("to", TEXT, default=OWN_NAME), Field("key", TEXT))
_ATTRIBUTE = Record(
    Attribute,
    (
        _NAME,
        Field("dtype", _TYPE, "type"),
        _flag("nullable"),
        _all("values", CONSTANT),
        Field("column", TEXT, default=OWN_NAME),
        _flag("uuid"),
        *_texts("unit", "zone"),
        # What is stored, and what it means.
        _all("encoding", Several(CONSTANT, 2)),
        Field("min", CONSTANT, "min", default=None),
        Field("max", CONSTANT, "max", default=None),
    ),
)
_DOCUMENT = Record(Document, (_NAME, Field("values", _Values())))
_PLACE = Record(Place, (_NAME, Field("latitude", TEXT), Field("longitude", TEXT)))
_LINK = Record(Link, (*_WAY, *_texts("by", "join")))
_RELATION = Record(Relation, (*_WAY, *_texts("at", "value", "by", "join")))
_CHANNEL = Record(Channel, (_NAME, Field("address", TEXT), Field("consent", TEXT)))
_FRESH = Record(Fresh, (Field("at", TEXT), *_texts("warn", "stale")))
_ENTITY = Record(
    Entity,
    (
        _NAME,
        *_texts("key"),
        _all("attributes", _ATTRIBUTE),
        _all("documents", _DOCUMENT),
        _all("places", _PLACE),
        _all("links", _LINK),
        _all("relations", _RELATION),
        Field("table", TEXT, default=OWN_NAME),
        *_texts("schema", "model"),
        Field("fresh", _FRESH, default=None),
    ),
)


class _Names(Several):
    """What a schema adds to the language: only its names, since the rest is Python."""

    def write(self, value: Any, room: Room) -> list[str]:
        return [one.name for one in value]


class _Pairs(Slot):
    """What a schema leaves out, and why."""

    def read(self, value: Any, room: Room) -> tuple[tuple[str, ...], ...]:
        return tuple(map(tuple, Several(Several(TEXT, 2), 0).read(value, room)))

    def write(self, value: Any, room: Room) -> list[list[str]]:
        return [list(pair) for pair in value]

    def schema(self) -> dict[str, Any]:
        return Several(Several(TEXT, 2), 0).schema()


SCHEMA = Record(
    dict,
    (
        Field("root", TEXT),
        Field("time_zone", TEXT, "time_zone", default="UTC"),
        Field("week_start", Choice(WEEK_STARTS), "week_start", default=WEEK_STARTS[0]),
        Field("entities", Several(_ENTITY)),
        _all("channels", _CHANNEL),
        Field("functions", _Names(TEXT, 0), default=()),
        Field("left_out", _Pairs(), "left_out", default=()),
    ),
)
RECORDS = (_ATTRIBUTE, _DOCUMENT, _PLACE, _LINK, _RELATION, _CHANNEL, _FRESH, _ENTITY, SCHEMA)


def parts_of(data: Any, functions: Iterable[Extension], room: Room) -> dict[str, Any]:
    """What a schema is made of.

    Args:
        data: A schema in JSON.
        functions: Where its functions are looked for.
        room: How much there may be.
    """
    found: dict[str, Any] = SCHEMA.read(data, room)
    known = {one.name: one for one in functions}
    for name in found.get("functions", ()):
        if name not in known:
            hint = advice("give_function", name=name)
            raise Wrong("SK103", steps=("functions",), name=name, hint=hint)
    return found | {"functions": [known[name] for name in found.get("functions", ())]}


def write_schema(schema: Any) -> dict[str, Any]:
    """A schema that stands alone, as values that JSON has.

    Raises:
        SchemaError: A value that it lists cannot be written.
    """
    try:
        return {"language": t.LANGUAGE, **SCHEMA.write(schema, Room())}
    except Wrong as error:
        raise SchemaError(error.diagnostic().render("")) from None


def read_schema(data: Any, functions: Iterable[Extension]) -> dict[str, Any]:
    """What a schema that stands alone is made of.

    Raises:
        SchemaError: It is no schema; the place is a JSON pointer.
    """
    try:
        told = envelope(data, [one.key for one in SCHEMA.parts])
        own = {key: value for key, value in told.items() if key != "language"}
        return parts_of(own, functions, Room())
    except Wrong as error:
        raise SchemaError(error.diagnostic().render("")) from None


def schema_of_schemas() -> dict[str, Any]:
    """The JSON Schema of schemas that stand alone."""
    found = SCHEMA.schema()
    properties = {"language": {"const": t.LANGUAGE}, **found["properties"]}
    return {**found, "required": ["language", *found["required"]], "properties": properties}
