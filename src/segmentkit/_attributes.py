"""Attributes: the values that a row has, their types by name, and values inside documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import field, frozen

from segmentkit._diagnostics.diagnostic import suggest
from segmentkit.dtypes import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    DType,
    Kind,
    decimal,
)
from segmentkit.errors import SchemaError

_TYPES = {str(t): t for t in (BOOLEAN, INTEGER, FLOAT, TEXT, DATE, TIMESTAMP, TEXTS)}


_TYPES_OF_OTHERS = {
    **dict.fromkeys(("int", "bigint", "smallint", "long"), "integer"),
    **dict.fromkeys(("str", "string", "varchar", "char", "object"), "text"),
    **dict.fromkeys(("double", "real", "number"), "float"),
    **dict.fromkeys(("numeric", "money"), "decimal(2)"),
    **dict.fromkeys(("datetime", "timestamptz"), "timestamp"),
}
_LISTED: Mapping[Kind, tuple[type, ...]] = {
    Kind.BOOLEAN: (bool,),
    Kind.INTEGER: (int,),
    Kind.FLOAT: (int, float, Decimal),
    Kind.DECIMAL: (int, float, Decimal),
    Kind.DATE: (date,),
    Kind.TIMESTAMP: (datetime,),
}
"""What listed values can be; those of texts, and of lists of them, are texts."""


def parse_dtype(text: str) -> DType:
    """Read a type from its name, as in files.

    Args:
        text: ``boolean``, ``integer``, ``float``, ``decimal``, ``decimal(2)``, ``text``,
            ``date``, ``timestamp``, or ``text[]`` for a list of texts.

    Returns:
        The type.

    Raises:
        SchemaError: The name is not one of these.

    Example:
        >>> parse_dtype("decimal(2)") == decimal(2)
        True
    """
    if text in _TYPES:
        return _TYPES[text]
    if match := re.fullmatch(r"decimal(?:\((\d{1,2})\))?", text):
        return decimal(int(match[1]) if match[1] else None)
    word = re.match(r"\w*", text.lower())
    if meant := (word and _TYPES_OF_OTHERS.get(word[0])) or suggest(text, _TYPES):
        raise SchemaError(f"unknown type {text!r}; did you mean {meant!r}?")
    known = f"{', '.join(_TYPES)} and decimal(digits)"
    raise SchemaError(f"unknown type {text!r}; the types are {known}")


def _tuple(items: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(items, str):
        raise SchemaError(f"the values of an attribute must be a list, not {items!r}")
    return tuple(items)


@frozen
class Attribute:
    """One value of each row of an entity.

    Args:
        name: The name that definitions use.
        dtype: Its type.
        nullable: Whether it may be missing.
        values: The possible values, if they are few and known.
        column: Its column in tables and frames; by default its name.
        uuid: Whether its texts are UUIDs, written as Python does: 32 small digits and four dashes.
            A definition can write them in any form, and no other text.
        path: Where in a `Document` it is, the document's name first; made by the document.
    """

    name: str
    dtype: DType
    nullable: bool = False
    values: tuple[Any, ...] = field(default=(), converter=_tuple)
    column: str = field(kw_only=True)
    uuid: bool = field(default=False, kw_only=True)
    path: tuple[str, ...] = field(default=(), kw_only=True)

    @column.default
    def _column(self) -> str:
        return self.name

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.dtype, DType):
            raise SchemaError(f"{self.name}: the type must be one like TEXT, not {self.dtype!r}")
        kind = self.dtype.kind
        if self.uuid and kind is not Kind.TEXT:
            raise SchemaError(f"{self.name} is {self.dtype}, and UUIDs are texts")
        types = _LISTED.get(kind, (str,))
        for value in self.values:
            if not isinstance(value, types) or isinstance(value, bool) is not (
                kind is Kind.BOOLEAN
            ):
                raise SchemaError(f"{self.name} is {self.dtype}, and its value {value!r} is not")


Values: TypeAlias = "Mapping[str, DType | Values]"
"""The types of what an object of JSON holds, by its keys; of an object in it, again such a one."""


@frozen
class Document:
    """A JSON column in which some values have a type: ``properties.plan`` in a definition.

    JSON does not enforce types. So each value may be missing: if it is not there, if it is JSON's
    null, or if its type is not the one declared here.

    Args:
        name: The name that definitions use, which is also its column in tables and frames.
        values: The types of its values, by key. For an object inside it, the types of that
            object's values.

    Example:
        >>> told = Document("properties", {"plan": TEXT, "billing": {"seats": INTEGER}})
        >>> [attribute.name for attribute in told.attributes]
        ['properties.plan', 'properties.billing.seats']
    """

    name: str
    values: Values = field(eq=False)
    attributes: tuple[Attribute, ...] = field(init=False, repr=False)

    @attributes.default
    def _attributes(self) -> tuple[Attribute, ...]:
        return tuple(self._within((self.name,), self.values))

    def _within(self, path: tuple[str, ...], values: Values) -> Iterator[Attribute]:
        for key, told in values.items():
            way = (*path, key)
            name = ".".join(way)
            if not key or any(c in _UNFIT or not c.isprintable() for c in key):
                raise SchemaError(f"{name}: a key must be a text without quotes and backslashes")
            if isinstance(told, Mapping):
                yield from self._within(way, told)
            else:
                yield Attribute(name, told, nullable=True, column=self.name, path=way)


_UNFIT = frozenset("\"'\\$")
"""Characters that paths into JSON have words for."""
