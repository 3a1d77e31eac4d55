"""Rows of the table of the JSON form: objects with a tag, and which of them can stand where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import field, frozen

from segmentkit._diagnostics.diagnostic import advice, did_you_mean
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.json_fields import (
    MAX_EXACT,
    TEXT,
    Room,
    Slot,
    Steps,
    Wrong,
    unexpected,
)

_REQUIRED: Any = object()
OWN_NAME: Any = object()
"""The default of a field that is called as its object is."""


@frozen
class Field:
    """A field of a node, and the key that it has in JSON."""

    name: str
    slot: Slot
    key: str = field()
    default: Any = _REQUIRED

    @key.default
    def _key(self) -> str:
        return self.name.replace("_", " ")


Split: TypeAlias = Callable[[Any], Mapping[str, Any] | None]


def _fields(given: Any) -> tuple[Field, ...]:
    return (given,) if isinstance(given, Field) else tuple(given)


@frozen(eq=False)
class Row:
    """How one kind of node is an object: its tag, what stands under it and what stands beside it.

    Attributes:
        tag: The key by which the object is known; a word of the language.
        kind: The class of the node.
        main: The fields under the tag: one is the value itself, several are a list.
        beside: The fields with keys of their own.
        fixed: The fields that the tag tells.
        make: Makes the node of its fields, where that is not just the class.
        split: What a node has for these, where it has other fields; None if the row does not fit.
        fields: The node's own fields then.
    """

    tag: str
    kind: type
    main: tuple[Field, ...] = field(converter=_fields)
    beside: tuple[Field, ...] = field(default=(), converter=_fields)
    fixed: Mapping[str, Any] = field(factory=dict)
    make: Callable[..., Any] = field(kw_only=True)
    split: Split | None = field(default=None, kw_only=True)
    fields: tuple[str, ...] = field(default=(), kw_only=True)
    _fits: tuple[tuple[str, Any], ...] = field(init=False)

    @make.default
    def _kind(self) -> Callable[..., Any]:
        return self.kind

    @_fits.default
    def _pairs(self) -> tuple[tuple[str, Any], ...]:
        return tuple(self.fixed.items())

    @property
    def names(self) -> frozenset[str]:
        """The fields of the class that it tells."""
        told = self.fields or (one.name for one in (*self.main, *self.beside))
        return frozenset((*self.fixed, *told))

    def read(self, data: Mapping[str, Any], room: Room) -> Any:
        """The node for an object that has the tag."""
        values = dict(self.fixed)
        step = self.tag
        try:
            given = data[step]
            if len(self.main) == 1:
                only = self.main[0]
                values[only.name] = only.slot.read(given, room)
            else:
                self._read_list(given, values, room)
            left = len(data) - 1
            for one in self.beside:
                if one.key in data:
                    step = one.key
                    values[one.name] = one.slot.read(data[step], room)
                    left -= 1
                elif one.default is _REQUIRED:
                    step = ""
                    raise Wrong("SK023", name=one.key)
                else:
                    values[one.name] = one.default
            if left:
                step = ""
                known = {self.tag, *(one.key for one in self.beside)}
                raise no_key(next(key for key in data if key not in known), known)
            step = self.tag
            return self.make(**values)
        except Wrong as error:
            if step:
                error.steps.append(step)
            raise

    def _read_list(self, given: Any, values: dict[str, Any], room: Room) -> None:
        size = len(self.main)
        if type(given) is not list or len(given) != size:
            names = ", ".join(one.name for one in self.main)
            raise unexpected(given, term("a list of {size}: {names}", size=size, names=names))
        for n, (one, item) in enumerate(zip(self.main, given, strict=True)):
            try:
                values[one.name] = one.slot.read(item, room)
            except Wrong as error:
                error.steps.append(n)
                raise

    def fields_of(self, node: Any) -> Mapping[str, Any] | None:
        """What a node has for the fields; None if it is not of this row."""
        if self.split is not None:
            return self.split(node)
        for name, value in self._fits:
            given = getattr(node, name)
            if type(given) is not type(value) or given != value:
                return None
        return {one.name: getattr(node, one.name) for one in (*self.main, *self.beside)}

    def write(self, values: Mapping[str, Any], room: Room) -> dict[str, Any]:
        """The object for a node with these fields."""
        step: tuple[str | int, ...] = (self.tag,)
        parts: list[Any] = []
        try:
            for n, one in enumerate(self.main):
                step = (self.tag, n) if len(self.main) > 1 else step
                parts.append(one.slot.write(values[one.name], room))
            found: dict[str, Any] = {self.tag: parts[0] if len(parts) == 1 else parts}
            for one in self.beside:
                value = values[one.name]
                if type(value) is not type(one.default) or value != one.default:
                    step = (one.key,)
                    found[one.key] = one.slot.write(value, room)
        except Wrong as error:
            error.steps += reversed(step)
            raise
        return found

    def inside(self, values: Mapping[str, Any]) -> Iterator[tuple[Steps, Any]]:
        """The nodes below, and how JSON goes there."""
        several = len(self.main) > 1
        for n, one in enumerate(self.main):
            for steps, node in one.slot.inside(values[one.name]):
                yield (self.tag, n, *steps) if several else (self.tag, *steps), node
        for one in self.beside:
            for steps, node in one.slot.inside(values[one.name]):
                yield (one.key, *steps), node

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the object."""
        parts = [one.slot.schema() for one in self.main]
        if len(parts) > 1:
            size = len(parts)
            of_tag: dict[str, Any] = {"type": "array", "prefixItems": parts, "items": False}
            of_tag |= {"minItems": size, "maxItems": size}
        else:
            of_tag = parts[0]
        return {
            "type": "object",
            "required": [self.tag, *(one.key for one in self.beside if one.default is _REQUIRED)],
            "properties": {self.tag: of_tag, **{one.key: one.slot.schema() for one in self.beside}},
            "additionalProperties": False,
        }


def no_key(name: object, known: Any) -> Wrong:
    """What to say of a key that has no meaning."""
    if type(name) is not str:
        return unexpected(name, "keys that are texts")
    return Wrong("SK022", name=f"{name:.60}", hint=did_you_mean(name[:60], known))


@frozen(eq=False)
class Record(Slot):
    """An object that is always of one kind, and has no tag.

    Attributes:
        kind: The class.
        parts: Its fields.
    """

    kind: Callable[..., Any]
    parts: tuple[Field, ...]

    def read(self, value: Any, room: Room) -> Any:
        keys = [one.key for one in self.parts]
        if type(value) is not dict:
            raise unexpected(value, term("an object with {keys}", keys=", ".join(keys)))
        room.enter()
        for key in value:
            if key not in keys:
                raise no_key(key, keys)
        found = {}
        for one in self.parts:
            if one.key in value:
                try:
                    found[one.name] = one.slot.read(value[one.key], room)
                except Wrong as error:
                    error.steps.append(one.key)
                    raise
            elif one.default is _REQUIRED:
                raise Wrong("SK023", name=one.key)
        room.depth -= 1
        return self.kind(**found)

    def write(self, value: Any, room: Room) -> dict[str, Any]:
        found = {}
        for one in self.parts:
            held = getattr(value, one.name)
            default = value.name if one.default is OWN_NAME else one.default
            if type(held) is not type(default) or held != default:
                found[one.key] = one.slot.write(held, room)
        return found

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "required": [one.key for one in self.parts if one.default is _REQUIRED],
            "properties": {one.key: one.slot.schema() for one in self.parts},
            "additionalProperties": False,
        }


class Constants(Slot):
    """The constants that JSON has: texts, truth values, whole numbers that every reader keeps."""

    def holds(self, node: t.Literal) -> bool:
        """Whether JSON has it as it is."""
        value = node.value
        return type(value) in (str, bool) or (type(value) is int and abs(value) <= MAX_EXACT)

    def read(self, value: Any, room: Room) -> t.Literal:
        room.take()
        if type(value) is str:
            return t.Literal(TEXT.read(value, room))
        if type(value) is bool or (type(value) is int and abs(value) <= MAX_EXACT):
            return t.Literal(value)
        if type(value) in (int, float, Decimal):
            raise _inexact(value)
        raise unexpected(value, 'a constant, or an object such as {"name": …}')

    def schema(self) -> dict[str, Any]:
        exact = {"type": "integer", "minimum": -MAX_EXACT, "maximum": MAX_EXACT}
        return {"anyOf": [{"type": ["boolean", "string"]}, exact]}


CONSTANTS = Constants()


def _inexact(value: int | float | Decimal) -> Wrong:
    number = Decimal(repr(value)) if type(value) is float else Decimal(value)
    if not is_writable(number):
        return Wrong("SK013")
    kind, digits = "integer", f"{number:f}"
    if type(value) is not int:
        kind, digits = "decimal", digits if "." in digits else f"{digits}.0"
    return Wrong("SK025", hint=advice("json_number", kind=kind, number=digits))


def is_writable(number: Decimal) -> bool:
    """Whether definitions can write a number: as large as an integer, to 18 places."""
    if not number.is_finite() or not -_PLACES <= int(number.as_tuple().exponent) < _FAR:
        return False
    return abs(number) < 2**63


_PLACES = 18
_FAR = 40


@frozen(eq=False)
class Group(Slot):
    """The kinds of nodes that can stand in one place."""

    name: str
    expected: str
    constants: Constants | None = None
    rows: dict[str, Row] = field(factory=dict)
    by_kind: dict[type, list[Row]] = field(factory=dict)

    def fill(self, *rows: Row) -> None:
        """Give it its rows, which can hold nodes of the same group."""
        _GROUPS.append(self)
        for row in rows:
            self.rows[row.tag] = row
            self.by_kind.setdefault(row.kind, []).append(row)

    def read(self, value: Any, room: Room) -> Any:
        if type(value) is not dict:
            if self.constants is None:
                raise unexpected(value, self.expected)
            return self.constants.read(value, room)
        room.enter()
        row = next(iter(value), None)
        if type(row) is not str or row not in self.rows:
            row = next((key for key in value if type(key) is str and key in self.rows), None)
            if row is None:
                raise self._unknown(value)
        found = self.rows[row].read(value, room)
        room.depth -= 1
        return found

    def _unknown(self, value: dict[Any, Any]) -> Wrong:
        for key in value:
            others = [each.name for each in _GROUPS if type(key) is str and key in each.rows]
            if others:
                found = term(f"a {others[0]}")
                return Wrong("SK021", found=found, expected=term(self.expected))
            return no_key(key, self.rows)
        return unexpected(value, self.expected)

    def row_of(self, node: Any) -> tuple[Row, Mapping[str, Any]] | None:
        """The row that a node is written by, and its fields there."""
        for row in self.by_kind.get(type(node), ()):
            values = row.fields_of(node)
            if values is not None:
                return row, values
        return None

    def write(self, value: Any, room: Room) -> Any:
        room.take()
        if type(value) is t.Literal and self.constants and self.constants.holds(value):
            return value.value
        found = self.row_of(value)
        if found is None:
            given = value.value if type(value) is t.Literal else value
            hint = None
            if type(given) is float:
                hint = advice("write", text=f'Decimal("{given!r:.20}")')
            raise unexpected(given, self.expected, hint)
        row, values = found
        room.enter()
        written = row.write(values, room)
        room.depth -= 1
        return written

    def schema(self) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{self.name}"}

    def definition(self) -> dict[str, Any]:
        """The JSON Schema that the others refer to."""
        constants = [] if self.constants is None else [self.constants.schema()]
        return {"oneOf": [*constants, *(row.schema() for row in self.rows.values())]}


_GROUPS: list[Group] = []
