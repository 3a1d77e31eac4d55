"""Attributes: the values that a row has, their types by name, and values inside documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from attrs import field, frozen

from segmentkit._calendar import is_zone
from segmentkit._diagnostics.diagnostic import suggest
from segmentkit._schema.stored_forms import UNITS, Counted, Encoding, Form, LocalTime
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
    if text.endswith("?") and text[:-1] in _TYPES:
        way = f"type = {json.dumps(text[:-1])}, nullable = true"
        raise SchemaError(f"the type {text!r} stands alone only; beside others write {way}")
    word = re.match(r"\w*", text.lower())
    if meant := (word and _TYPES_OF_OTHERS.get(word[0])) or suggest(text, _TYPES):
        raise SchemaError(f"unknown type {text!r}; did you mean {meant!r}?")
    known = f"{', '.join(_TYPES)} and decimal(digits)"
    raise SchemaError(f"unknown type {text!r}; the types are {known}")


def _tuple(items: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(items, str):
        raise SchemaError(f"the values of an attribute must be a list, not {items!r}")
    return tuple(items)


def _pairs(told: Any) -> tuple[tuple[Any, Any], ...]:
    """An encoding as pairs of what is stored and what it means."""
    if told == ():
        return ()
    try:
        pairs = tuple((stored, meant) for stored, meant in dict(told).items())
        if len(pairs) == len(told) > 0:
            return pairs
    except (TypeError, ValueError):
        pass
    raise SchemaError(
        'an encoding says once of each stored value what it means, as {"Y": True, "N": False}, '
        f"and not {told!r:.60}"
    )


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
        unit: Of a timestamp that is stored as a whole number: ``seconds`` or ``milliseconds``
            since 1970.
        zone: Of a timestamp that is stored as local time, without a zone: the IANA name of the
            zone. Without it, stored times without a zone are in UTC.
        encoding: Of a boolean or a number that is stored otherwise: the stored text or whole
            number, and what it means. Everything else that is stored is missing.
        min: Of a number: the least that it can be. Nothing is checked when you ask for members;
            a definition whose test is then always or never true gets a warning.
        max: Of a number: the greatest that it can be.
        path: Where in a `Document` it is, the document's name first; made by the document.

    Example:
        >>> print(Attribute("active", BOOLEAN, encoding={"Y": True, "N": False}).form)
        text, of which 'Y', 'N' are told
    """

    name: str
    dtype: DType
    nullable: bool = False
    values: tuple[Any, ...] = field(default=(), converter=_tuple)
    column: str = field(kw_only=True)
    uuid: bool = field(default=False, kw_only=True)
    unit: str | None = field(default=None, kw_only=True)
    zone: str | None = field(default=None, kw_only=True)
    encoding: tuple[tuple[str | int, Any], ...] = field(
        default=(), kw_only=True, converter=_pairs, eq=False
    )
    min: int | float | Decimal | None = field(default=None, kw_only=True)
    max: int | float | Decimal | None = field(default=None, kw_only=True)
    path: tuple[str, ...] = field(default=(), kw_only=True)
    form: Form | None = field(init=False, repr=False)

    @column.default
    def _column(self) -> str:
        return self.name

    @form.default
    def _form(self) -> Form | None:
        if self.encoding:
            return Encoding(tuple((s, _exactly(self.dtype, v)) for s, v in self.encoding))
        if self.unit is not None:
            return Counted(self.unit)
        return None if self.zone is None else LocalTime(self.zone)

    @property
    def bounds(self) -> tuple[int | float | Decimal | None, int | float | Decimal | None]:
        """The least and the greatest value, in the type of the attribute; None where none is."""
        low, high = (None if b is None else _exactly(self.dtype, b) for b in (self.min, self.max))
        return low, high

    @property
    def stored(self) -> DType:
        """The type that its column has."""
        return self.dtype if self.form is None else self.form.stored

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.dtype, DType):
            raise SchemaError(f"{self.name}: the type must be one like TEXT, not {self.dtype!r}")
        kind = self.dtype.kind
        if self.uuid and kind is not Kind.TEXT:
            raise SchemaError(f"{self.name} is {self.dtype}, and UUIDs are texts")
        self._check_form(kind)
        told = (*self.values, *(meant for _, meant in self.encoding))
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        if bounds and not self.dtype.is_number:
            raise SchemaError(f"{self.name} is {self.dtype}; min and max are of numbers")
        for value in (*told, *bounds):
            if not _is_of(kind, value) or not _is_told(self.dtype, value):
                raise SchemaError(f"{self.name} is {self.dtype}, and its value {value!r} is not")
        for value in (*told, *bounds) if bounds else ():
            self._check_within(_exactly(self.dtype, value))

    def _check_within(self, value: Any) -> None:
        low, high = self.bounds
        if (low is not None and value < low) or (high is not None and value > high):
            raise SchemaError(f"{self.name} is from {low} to {high}, and {value} is not within")

    def _check_form(self, kind: Kind) -> None:
        told = [n for n in ("unit", "zone", "encoding") if getattr(self, n) not in (None, ())]
        if len(told) > 1:
            raise SchemaError(f"{self.name} is stored in one form, not by {' and '.join(told)}")
        if (self.unit is not None or self.zone is not None) and kind is not Kind.TIMESTAMP:
            raise SchemaError(f"{self.name} is {self.dtype}; {told[0]} is of timestamps")
        if self.unit is not None and self.unit not in tuple(UNITS):
            raise SchemaError(f"{self.name}: the unit is {' or '.join(UNITS)}, not {self.unit!r}")
        if self.zone is not None and not is_zone(self.zone):
            raise SchemaError(f"{self.name}: unknown time zone {self.zone!r}")
        if self.encoding:
            self._check_encoding(kind)

    def _check_encoding(self, kind: Kind) -> None:
        if kind is not Kind.BOOLEAN and not self.dtype.is_number:
            raise SchemaError(
                f"{self.name} is {self.dtype}; an encoding is of a boolean or a number"
            )
        stored = [each for each, _ in self.encoding]
        if {type(each) for each in stored} not in ({str}, {int}):
            raise SchemaError(
                f"{self.name}: what is stored is texts, or whole numbers, not {stored!r:.60}"
            )
        if any(isinstance(each, int) and abs(each) >= 2**63 for each in stored):
            raise SchemaError(f"{self.name}: databases have no whole number such as {stored!r:.60}")


def _is_of(kind: Kind, value: object) -> bool:
    """Whether a value can be one of a kind; a boolean is no number."""
    types = _LISTED.get(kind, (str,))
    return isinstance(value, types) and isinstance(value, bool) is (kind is Kind.BOOLEAN)


def _exactly(dtype: DType, value: Any) -> Any:
    """A number in the type of its attribute."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise SchemaError(_TOO_LONG)
    if dtype.kind is Kind.DECIMAL:
        return _rounded(Decimal(str(value)), dtype.scale)
    return float(value) if dtype.kind is Kind.FLOAT else value


def _rounded(number: Decimal, scale: int | None) -> Decimal:
    try:
        return number if scale is None or not number.is_finite() else round(number, scale)
    except InvalidOperation:
        raise SchemaError(_TOO_LONG) from None


_MOST_BITS = 92
_TOO_LONG = "a number that an attribute lists, or is bounded by, has at most 28 digits"


def _is_told(dtype: DType, value: Any) -> bool:
    """Whether a number is finite, and has no more digits than its type."""
    if not isinstance(value, float | Decimal):
        return True
    exact = Decimal(str(value))
    return exact.is_finite() and _rounded(exact, dtype.scale) == exact


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
