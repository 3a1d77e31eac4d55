"""A catalog as JSON: written, and read into the entries of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from attrs import evolve

from segmentkit._catalog.refactoring import Contents
from segmentkit._catalog.toml_file import CatalogText, Declared, Entry, ListEntry, PartitionEntry
from segmentkit._checking.binding import in_order
from segmentkit._definition import Defined
from segmentkit._diagnostics.diagnostic import Diagnostic, Span, diagnostic
from segmentkit._diagnostics.wording import over, term
from segmentkit._language.json_fields import TEXT, Room, Several, Slot, Wrong, unexpected
from segmentkit._language.json_form import definitions, envelope, from_json, pointed
from segmentkit._language.json_rows import Field, Record, no_key
from segmentkit._language.json_table import EXPRESSION
from segmentkit._language.json_text import pointer_of
from segmentkit._language.parser import parse
from segmentkit._language.syntax import LANGUAGE
from segmentkit._schema.json_form import CONSTANT, SCHEMA, by_key, parts_of
from segmentkit.errors import (
    CatalogError,
    DefinitionError,
    Problem,
    SchemaError,
    SegmentSyntaxError,
)
from segmentkit.extension import Extension
from segmentkit.goal import Goal
from segmentkit.handover import Handover
from segmentkit.limits import Limits
from segmentkit.schema import Schema

_T = TypeVar("_T")


def _about(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, TEXT, default=None) for name in names)


_LIST = Record(
    dict, (Field("keys", Several(CONSTANT, 0)), *_about("title", "description", "owner"))
)
_PARTITION = Record(
    dict,
    (
        Field("parts", Several(TEXT)),
        Field("rest", TEXT),
        *_about("title", "description", "owner"),
    ),
)
_SEGMENT, _TRAIT = (
    Record(dict, (Field(key, EXPRESSION), *_about("title", "description", "owner", "goal", *own)))
    for key, own in (("where", ["was"]), ("value", []))
)


class _Named(Slot):
    """An object whose values are of one kind."""

    def __init__(self, of: Slot) -> None:
        self.of = of

    def read(self, value: Any, room: Room) -> dict[str, Any]:
        return by_key(value, self.of.read, room)

    def write(self, value: Any, room: Room) -> dict[str, Any]:
        found = {}
        for key, given in value.items():
            try:
                found[key] = self.of.write(given, room)
            except Wrong as error:
                error.steps.append(key)
                raise
        return found

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.of.schema()}


class _Given(Slot):
    """What a parameter is given: a value, or the values of a list."""

    def read(self, value: Any, room: Room) -> Any:
        if type(value) is list:
            return _CONSTANTS.read(value, room)
        return CONSTANT.read(value, room)

    def write(self, value: Any, room: Room) -> Any:
        if isinstance(value, list | tuple | set | frozenset):
            return _CONSTANTS.write(in_order(value), room)
        return CONSTANT.write(value, room)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [CONSTANT.schema(), _CONSTANTS.schema()]}


_CONSTANTS = Several(CONSTANT, 0)
_PARAMETERS = _Named(_Given())
_GOAL = Record(
    dict,
    (
        *(Field(name, TEXT) for name in ("segment", "metric")),
        *(Field(name, CONSTANT) for name in ("amount", "starts", "by")),
        Field("hold_out", TEXT, "hold_out"),
        Field("direction", TEXT, default=None),
        Field("guards", _Named(CONSTANT), default=None),
        *_about("title", "description", "owner"),
    ),
)
_HANDOVER = Record(
    dict,
    (
        Field("segment", TEXT),
        *_about("on", "channel", "goal", "wait", "again"),
        *(Field(name, _Named(TEXT), default=None) for name in ("fields", "task")),
        *_about("title", "description", "owner"),
    ),
)
_DECLARED = {"goal": _GOAL, "handover": _HANDOVER}
_KINDS = {
    **{"traits": _TRAIT, "lists": _LIST, "segments": _SEGMENT, "partitions": _PARTITION},
    **{f"{kind}s": record for kind, record in _DECLARED.items()},
}
_KEYS = ("schema", "parameters", *_KINDS)


def catalog_dict(contents: Contents) -> dict[str, Any]:
    """A catalog as values that JSON has.

    Raises:
        UsageError: It refers to what it does not have.
        SegmentSyntaxError: No definition can write the value of a parameter, or a key of a list.
    """
    contents.check_closed()
    try:
        return _catalog_dict(contents, Room(_NO_END))
    except Wrong as error:
        raise SegmentSyntaxError([error.diagnostic()], "") from None


def _parameters(contents: Contents, room: Room) -> dict[str, Any]:
    try:
        return _PARAMETERS.write(contents.parameters, room)
    except Wrong as error:
        error.steps.append("parameters")
        raise


def _catalog_dict(contents: Contents, room: Room) -> dict[str, Any]:
    tables: dict[str, Any] = {
        "parameters": _parameters(contents, room),
        "traits": {name: _definition(each) for name, each in contents.traits.items()},
        "lists": {
            name: {"keys": [CONSTANT.write(key, room) for key in sorted(each.keys)]} | _told(each)
            for name, each in contents.lists.items()
        },
        "segments": {name: _definition(each) for name, each in contents.segments.items()},
        "partitions": {
            name: {"parts": list(each.parts), "rest": each.rest} | _told(each)
            for name, each in contents.partitions.items()
        },
        "goals": {n: _written(_GOAL, each) for n, each in contents.goals.items()},
        "handovers": {n: _written(_HANDOVER, each) for n, each in contents.handovers.items()},
    }
    schema = {} if contents.schema is None else {"schema": SCHEMA.write(contents.schema, room)}
    return {"language": LANGUAGE, **schema, **{kind: each for kind, each in tables.items() if each}}


_NO_END = 10**12


def _written(record: Record, plan: Goal | Handover) -> dict[str, Any]:
    """What a file says of something, as JSON has it."""
    told, room = plan.told(), Room(_NO_END)
    parts = [one for one in record.parts if one.name in told]
    return {one.key: one.slot.write(told[one.name], room) for one in parts}


def _definition(each: Defined) -> dict[str, Any]:
    return {key: value for key, value in each.to_dict().items() if key not in ("language", "name")}


def _told(each: Any) -> dict[str, str]:
    told = {name: getattr(each, name) for name in ("title", "description", "owner")}
    return {name: text for name, text in told.items() if text is not None}


def read_catalog_json(
    data: str | bytes | dict[str, Any], functions: Iterable[Extension], limits: Limits
) -> CatalogText:
    """Read a catalog without checking its definitions.

    Args:
        data: JSON as text, or the values that a reader of JSON gave.
        functions: Where the functions of its schema are looked for.
        limits: How much it may ask for.

    Returns:
        What it says.

    Raises:
        CatalogError: It is not a catalog; has all mistakes.
        SchemaError: Its schema is wrong.
    """
    return _Reader(limits).read(data, functions)


def _placed(text: str, place: str, found: Diagnostic) -> Diagnostic:
    return pointed([found], parse(text), place)[0]


class _Reader:
    """Reads one catalog, and collects what is wrong with its form."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        told: dict[str, Any] = over("bytes", limits.bytes)
        self.room = Room(limits.bytes, Wrong("SK307", **told))
        self.problems: list[Problem] = []

    def read(self, data: Any, functions: Iterable[Extension]) -> CatalogText:
        try:
            if isinstance(data, str | bytes):
                self.room.take(len(data))
                self.room.left += len(data)
            told = envelope(data, _KEYS, self.limits.bytes)
        except Wrong as error:
            self.refuse(error)
            raise CatalogError(self.problems) from None
        if sum(len(told[kind]) for kind in _KINDS if isinstance(told.get(kind), dict)) > (
            self.limits.definitions
        ):
            too_many = over("definitions", self.limits.definitions)
            found = diagnostic("SK307", Span(0, 0), pointer="", **too_many)
            raise CatalogError([Problem(found, None, None, None, None)])
        traits = dict(self.entries(told, "trait", self.definition("trait", "value")))
        lists = dict(self.entries(told, "list", self.key_list))
        segments = dict(self.entries(told, "segment", self.definition("segment", "where")))
        partitions = dict(self.entries(told, "partition", self.partition))
        goals, handovers = (
            dict(self.entries(told, kind, partial(self.declared, kind))) for kind in _DECLARED
        )
        parameters: dict[str, Any] = {}
        try:
            parameters = _PARAMETERS.read(told.get("parameters", {}), self.room)
        except Wrong as error:
            error.steps.append("parameters")
            self.refuse(error)
        if self.problems:
            raise CatalogError(self.problems)
        text = CatalogText(segments, traits, lists, partitions, parameters, None)
        own = self.schema(told["schema"], functions) if "schema" in told else None
        text = evolve(text, goals=goals, handovers=handovers)
        return evolve(text, limits=self.limits, own=own, is_json=True)

    def refuse(self, error: Wrong, name: str | None = None, kind: str = "segment") -> None:
        self.problems.append(Problem(error.diagnostic(), None, None, None, None, name, kind))

    def schema(self, data: Any, functions: Iterable[Extension]) -> Schema:
        try:
            return Schema(**parts_of(data, functions, self.room))
        except Wrong as error:
            error.steps.append("schema")
            raise SchemaError(error.diagnostic().render("")) from None

    def entries(
        self, told: dict[str, Any], kind: str, read: Callable[[str, Any], _T]
    ) -> Iterator[tuple[str, _T]]:
        """What stands under one of the keys at the top."""
        data = told.get(f"{kind}s", {})
        if type(data) is not dict:
            error = unexpected(data, "an object of names")
            error.steps.append(f"{kind}s")
            self.refuse(error, None, kind)
            return
        for name, each in data.items():
            try:
                TEXT.read(name, self.room)
                yield name, read(name, each)
            except Wrong as error:
                error.steps += [name, f"{kind}s"]
                self.refuse(error, name if type(name) is str else None, kind)
            except DefinitionError as error:
                self.problems += [
                    Problem(found, None, None, None, None, name, kind)
                    for found in error.diagnostics
                ]

    def definition(self, kind: str, key: str) -> Callable[[str, Any], Entry]:
        known = [one.key for one in _KINDS[f"{kind}s"].parts]
        about = Record(dict, _KINDS[f"{kind}s"].parts[1:])

        def read(name: str, data: Any) -> Entry:
            if type(data) is not dict:
                raise unexpected(data, term('an object with "{key}"', key=key))
            for other in data:
                if other not in known:
                    raise no_key(other, known)
            if key not in data:
                raise Wrong("SK023", name=key)
            rest = {other: value for other, value in data.items() if other != key}
            place = pointer_of([f"{kind}s", name, key])
            text, tree = from_json(data[key], place, is_condition=kind == "segment")
            placed = partial(_placed, text, place)
            return Entry(kind, name, text, about.read(rest, self.room), 1, (tree, placed))

        return read

    def key_list(self, name: str, data: Any) -> ListEntry:
        told = _LIST.read(data, self.room)
        return ListEntry(name, told.pop("keys"), told, None)

    def declared(self, kind: str, name: str, data: Any) -> Declared:
        return Declared(kind, name, _DECLARED[kind].read(data, self.room))

    def partition(self, name: str, data: Any) -> PartitionEntry:
        told = _PARTITION.read(data, self.room)
        return PartitionEntry(name, told.pop("parts"), told.pop("rest"), told, None)


def schema_of_catalogs() -> dict[str, Any]:
    """The JSON Schema of catalogs."""
    tables = {kind: record.schema() for kind, record in _KINDS.items()}
    named = {"parameters": _PARAMETERS.schema()} | {
        kind: {"type": "object", "additionalProperties": each} for kind, each in tables.items()
    }
    return {
        "type": "object",
        "required": ["language"],
        "properties": {"language": {"const": LANGUAGE}, "schema": SCHEMA.schema(), **named},
        "additionalProperties": False,
        "$defs": definitions(),
    }
