"""Constants of a definition as parameters, in types that drivers do not know how to send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from segmentkit.dtypes import Kind
from segmentkit.errors import UnsupportedError
from segmentkit.sqlalchemy.dialects.constructs import SENT_DIGITS, Construct
from segmentkit.sqlalchemy.dialects.dialect import dialect_of
from segmentkit.sqlalchemy.dialects.elements import Spelled

TYPES: dict[Kind, Any] = {
    Kind.BOOLEAN: sa.Boolean(),
    Kind.INTEGER: sa.BigInteger(),
    Kind.FLOAT: sa.Double(),
    Kind.DECIMAL: sa.Numeric(),
    Kind.TEXT: sa.String(),
    Kind.DATE: sa.Date(),
    Kind.TIMESTAMP: sa.DateTime(),
    Kind.TEXTS: sa.JSON(none_as_null=True),
}
"""The types in which constants are bound."""

_FIRST, _LAST = 1900, 2299


class Constant(sa.BindParameter[Any]):
    """A parameter; sent as text where drivers lack its type, and made what it is there."""

    inherit_cache = True
    construct: ClassVar[Construct]


class Instant(Constant):
    """An instant."""

    inherit_cache = True
    construct = Construct.SENT_INSTANT


class Day(Constant):
    """A date."""

    inherit_cache = True
    construct = Construct.SENT_DATE


class Amount(Constant):
    """A decimal."""

    inherit_cache = True
    construct = Construct.SENT_DECIMAL


CONSTANTS: Mapping[Kind, type[sa.BindParameter[Any]]] = MappingProxyType(
    {Kind.TIMESTAMP: Instant, Kind.DATE: Day, Kind.DECIMAL: Amount}
)
"""What is bound as something else than a plain parameter."""


def sent(value: Any, kind: Kind) -> sa.ColumnElement[Any]:
    """A constant that meets no column."""
    parameter = CONSTANTS.get(kind, sa.BindParameter)
    return parameter(None, value, TYPES[kind], unique=True)


@compiles(Constant)
def _constant(element: Constant, compiler: SQLCompiler, **kw: Any) -> str:
    sent: sa.BindParameter[Any] = element
    if dialect_of(compiler.dialect).spelling(element.construct) != "{0}":
        sent = element._with_binary_element_type(_AsText(element.construct))
    words: str = compiler.visit_bindparam(sent, **kw)  # type: ignore[no-untyped-call]
    return words


class _AsText(sa.types.TypeDecorator[Any]):
    """What is sent as text."""

    impl = sa.String
    cache_ok = True

    def __init__(self, construct: Construct) -> None:
        super().__init__()
        self.construct = construct

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else _written(value, dialect_of(dialect).title)

    def bind_expression(self, bindparam: Any) -> Any:
        return Spelled(self.construct, bindparam)


def _written(value: date | Decimal | int, title: str) -> str:
    if isinstance(value, date):
        return _within(value).isoformat()
    exponent = Decimal(value).as_tuple().exponent
    if isinstance(exponent, int) and -exponent > SENT_DIGITS:
        raise UnsupportedError(f"{title} is sent {SENT_DIGITS} digits after the point at most")
    return format(value, "f")


def _within(day: date) -> date:
    """A date or an instant; what lies beyond the database's calendar is the nearest end of it."""
    if isinstance(day, datetime):
        day = day.replace(tzinfo=None)
    if day.year < _FIRST:
        return type(day)(_FIRST, 1, 1)
    if day.year > _LAST:
        return type(day)(_LAST + 1, 1, 1) - day.resolution
    return day
