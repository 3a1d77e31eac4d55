"""Fields and values of other tools: what the schema calls them, and the types that it gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any

from attrs import frozen

from segmentkit._diagnostics.diagnostic import Hint, advice, did_you_mean
from segmentkit._language import syntax as t
from segmentkit.dtypes import BOOLEAN, FLOAT, TEXT, DType, Kind
from segmentkit.interchange._reader import Reader
from segmentkit.schema import Entity, Relation

_LARGEST = 2**63 - 1
_MOST_DIGITS = 18
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)


_SHOWN = 60
"""Characters of a name in a message."""


@frozen
class Field:
    """What a field is called in definitions, and what the schema says of it.

    Attributes:
        parts: The names on the way to it.
        dtype: The type of its values; None where it is a relation.
        nullable: Whether it may be missing.
        relation: The relation, where it is one.
    """

    parts: tuple[str, ...]
    dtype: DType | None
    nullable: bool
    relation: Relation | None = None


def field_of(reader: Reader, entity: Entity, name: str, at: str) -> Field:
    """What a field means in an entity.

    Raises:
        Refusal: The schema has nothing of this name.
    """
    root = entity is reader.schema.entity
    if root and entity.attribute(name) is None and (trait := reader.traits.get(name)) is not None:
        return Field((name,), trait.dtype, nullable=True)
    whole = entity.attribute(name) if "." in name else None
    parts = (name,) if whole is not None and not whole.path else tuple(name.split("."))
    if root and len(parts) > 1 and parts[0] == entity.name and entity.attribute(name) is None:
        parts = parts[1:]
    links = 0
    while links < len(parts) - 1 and (link := entity.link(parts[links])) is not None:
        entity, links = reader.schema.named(link.to), links + 1
    inner = parts[links:]
    if len(inner) == 1 and links == 0 and (relation := entity.relation(inner[0])) is not None:
        return Field(parts, None, nullable=False, relation=relation)
    attribute = entity.attribute(".".join(inner))
    if attribute is None or (len(inner) > 1 and not attribute.path):
        groups = (entity.attributes, entity.documents, entity.links, entity.relations)
        known = [each.name for group in groups for each in group]
        document = next((each for each in entity.documents if each.name == inner[0]), None)
        if document is not None:
            keys = [each.name for each in document.attributes]
            hint = did_you_mean(name[:_SHOWN], keys) if inner[1:] else None
            hint = hint or advice("there_are", names=", ".join(keys[:12]))
            raise reader.refusal("SK101", at, hint=hint, name=name[:_SHOWN])
        hint = did_you_mean(inner[0][:_SHOWN], [*known, *(reader.traits if root else ())])
        raise reader.refusal("SK101", at, hint=hint, name=name[:_SHOWN])
    return Field(parts, attribute.dtype, attribute.nullable or links > 0)


def literal(reader: Reader, value: Any, dtype: DType, at: str) -> t.Literal:
    """A value as a constant of a type.

    Raises:
        Refusal: It is no value of this type, or no definition can write it.
    """
    span = reader.span(at)
    reader.count(at)
    if value is None:
        hint = advice("operator_for_missing")
        raise reader.wrong(at, f"null is no {_word(dtype)}", hint)
    read = _READ.get(dtype.kind) if dtype.unit is None else None
    if read is None:
        raise reader.unsayable(at, f"a {_word(dtype)} in a condition of another tool")
    try:
        found = read(value)
    except _OutOfRange:
        raise reader.refusal("SK013", at) from None
    if found is None:
        raise reader.wrong(at, f"{shown(value)} is no {_word(dtype)}", _HINTS.get(dtype.kind))
    return t.Literal(found, span)


def as_written(reader: Reader, value: Any, at: str) -> t.Literal:
    """A value as a constant of the type that it has in JSON.

    Raises:
        Refusal: It has none that definitions have.
    """
    kinds = {bool: BOOLEAN, str: TEXT, int: FLOAT, float: FLOAT, Decimal: FLOAT}
    dtype = next((each for kind, each in kinds.items() if isinstance(value, kind)), None)
    if dtype is None:
        raise reader.wrong(at, f"{shown(value)} is no single value")
    return literal(reader, value, dtype, at)


def _word(dtype: DType) -> str:
    return "number" if dtype.is_number else dtype.family


def shown(value: object) -> str:
    """A value in a message: short, and on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return ascii(value[:40]) if not value.isprintable() else f"{value[:40]!r}"
        case int():
            return "a number" if value.bit_length() > 128 else str(value)
        case float():
            return str(value)
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"[:60]


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        # JSON can hold halves of characters, which are no text.
        value.encode()
    except UnicodeEncodeError:
        return None
    return str(value)


class _OutOfRange(Exception):
    """A number that no definition can write."""


def _number(value: Any) -> int | Decimal | None:
    match value:
        case bool():
            return None
        case int():
            if abs(value) > _LARGEST:
                raise _OutOfRange
            return int(value)
        case float():
            return _written(Decimal(repr(float(value)))) if isfinite(value) else None
        case Decimal():
            return _written(value) if value.is_finite() else None
        case str() if len(value) <= _LONGEST and _NUMBER.fullmatch(value.strip()):
            return _written(Decimal(value.strip()))
        case _:
            return None


_LONGEST = 100


def _written(number: Decimal) -> int | Decimal:
    """A number as a definition writes it: whole where it is, and exact."""
    if not number:
        return 0
    if number.adjusted() > _MOST_DIGITS or number.adjusted() < -_MOST_DIGITS:
        raise _OutOfRange
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    kept = "".join(map(str, digits)).rstrip("0") if exponent < -_MOST_DIGITS else ""
    if kept:
        exponent += len(digits) - len(kept)
        number = Decimal((sign, tuple(map(int, kept)), exponent))
    if exponent < -_MOST_DIGITS or abs(int(number)) > _LARGEST:
        raise _OutOfRange
    return int(number) if number == int(number) else number


def _day(value: Any) -> date | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _instant(value: Any) -> date | datetime | None:
    """An instant, or a day, which stands for its first instant."""
    if (day := _day(value)) is not None:
        return day
    if not isinstance(value, str) or not (match := _INSTANT.fullmatch(value)):
        return None
    try:
        found = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[5] or ''}")
        found.utctimetuple()
    except (ValueError, OverflowError):
        return None
    return found


def first_instant(day: t.Expr) -> t.Expr:
    """A day written as its first instant, for what would take the day as a whole."""
    match day:
        case t.Literal(date() as value, span) if not isinstance(value, datetime):
            return t.Literal(datetime.combine(value, time()), span)
        case _:
            return day


_READ: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.TEXT: _text,
    Kind.TEXTS: _text,
    Kind.DATE: _day,
    Kind.TIMESTAMP: _instant,
    **dict.fromkeys((Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL), _number),
}
_HINTS: Mapping[Kind, Hint] = {
    Kind.BOOLEAN: advice("truth_without_quotes"),
    Kind.TEXT: advice("as_a_text"),
    Kind.DATE: advice("day_form"),
    Kind.TIMESTAMP: advice("instant_form"),
}


def parameter(reader: Reader, value: Any, at: str) -> t.Parameter:
    """A parameter, with or without its colon.

    Raises:
        Refusal: It is no name of a parameter.
    """
    name = value.removeprefix(":") if isinstance(value, str) else ""
    if not _PARAMETER.fullmatch(name):
        raise reader.wrong(at, f"{shown(value)} is no name of a parameter")
    return t.Parameter(name, reader.span(at))


_PARAMETER = re.compile(r"[^\W\d]\w*")
