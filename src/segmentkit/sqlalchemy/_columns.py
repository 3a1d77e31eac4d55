"""Attributes from columns: their types, listed values and whether they may be missing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from segmentkit._language.formatter import is_writable
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
from segmentkit.schema import Attribute
from segmentkit.sqlalchemy.dialects.column_types import codec_of
from segmentkit.sqlalchemy.models import Unfit


def dtype_of(column: sa.types.TypeEngine[Any]) -> DType | None:
    """The language's type for a column's, if there is one."""
    codec = codec_of(column)
    if codec is not None:
        return codec.dtype
    match column:
        case postgresql.DOMAIN():
            return dtype_of(column.data_type)
        case sa.ARRAY(item_type=item, dimensions=None | 1):
            return TEXTS if isinstance(item, sa.String) and not isinstance(item, sa.Enum) else None
        case sa.Integer() if _is_flag(column):
            return BOOLEAN
        case sa.Numeric() if not isinstance(column, sa.Float):
            # PostgreSQL rounds to hundreds where it is -2.
            return decimal(column.scale and max(0, column.scale))
        case _:
            return next((dtype for kinds, dtype in _DTYPES if isinstance(column, kinds)), None)


_DTYPES: tuple[tuple[Any, DType | None], ...] = (
    (mysql.SET, None),
    (sa.Boolean, BOOLEAN),
    ((sa.Integer, mysql.YEAR), INTEGER),
    (sa.Float, FLOAT),
    (sa.String, TEXT),
    (sa.DateTime, TIMESTAMP),
    (sa.Date, DATE),
)


def _is_flag(column: sa.types.TypeEngine[Any]) -> bool:
    """Whether it is what MariaDB and MySQL make of BOOLEAN: TINYINT(1)."""
    told = vars(column)
    return told.get("display_width") == 1 and not told.get("unsigned")


def attribute_of(name: str, column: sa.ColumnClause[Any], called: str | None = None) -> Attribute:
    """The attribute that a column is, which may be ``called`` otherwise in the rows of a class.

    Raises:
        Unfit: The language has no word for its type, or cannot write its name.
    """
    if not is_writable(name):
        raise Unfit("no definition can write its name: give it another, in tables, with 'column'")
    kind = column.type
    while isinstance(kind, postgresql.DOMAIN):
        kind = kind.data_type
    dtype, codec = dtype_of(kind), codec_of(kind)
    if dtype is None and codec is not None and codec.why:
        raise Unfit(codec.why)
    if isinstance(kind, sa.types.NullType):
        raise Unfit("SQLAlchemy does not know its type")
    if dtype is None:
        raise Unfit(f"the language has no word for its type, {_named(kind)}")
    if told := _varies(kind):
        raise Unfit(told)
    values = codec.values if codec else ()
    nullable = getattr(column, "nullable", True) and not column.primary_key
    try:
        uuid = codec is not None and codec.uuid
        return Attribute(name, dtype, nullable, values, column=called or column.name, uuid=uuid)
    except SchemaError as error:
        raise Unfit(str(error)) from None


def check_told(attribute: Attribute, kind: sa.types.TypeEngine[Any]) -> None:
    """See that an attribute that the author declares is what the column's own type makes.

    Raises:
        SchemaError: Constants of the one type are none of the other.
    """
    codec = codec_of(kind)
    if codec is not None and codec.why.endswith("in a form of its own"):
        raise SchemaError(f"the attribute {attribute.name!r} cannot be declared: {codec.why}")
    if codec is None or codec.dtype is None or attribute.form is not None:
        return
    told, known = attribute.dtype, codec.dtype
    if told.kind is not known.kind and {told.kind, known.kind} != {Kind.DECIMAL, Kind.FLOAT}:
        raise SchemaError(
            f"the attribute {attribute.name!r} is declared as {told}, and the values of its type "
            f"{codec.name} are {known}: declare it as that, or leave it out of tables"
        )


def _varies(kind: sa.types.TypeEngine[Any]) -> str:
    """Why a type has other values in some dialects than in others, if it has."""
    for dialect, other in kind._variant_mapping.items():
        if not _is_alike(kind, other):
            return (
                f"on {dialect} its type is {_named(other)}, and elsewhere {_named(kind)}, whose "
                "values are not the same: make it a TypeDecorator that has the same everywhere"
            )
    return ""


def _is_alike(kind: sa.types.TypeEngine[Any], other: sa.types.TypeEngine[Any]) -> bool:
    """Whether a variant of a type has values like those of the type."""
    a, b = codec_of(kind), codec_of(other)
    if a is not None and a.uuid and b is None:
        return isinstance(other, sa.String | sa.LargeBinary | sa.BINARY)
    if dtype_of(kind) == TEXTS and isinstance(other, sa.JSON):
        return True
    forms = [(c.values, c.uuid, c.factor or 1) if c else ((), False, 1) for c in (a, b)]
    return forms[0] == forms[1] and _family(kind) == _family(other)


def _family(kind: sa.types.TypeEngine[Any]) -> object:
    """What values of two types have in common: numbers are whole, or have a fraction."""
    dtype = dtype_of(kind)
    if dtype is None or dtype.kind not in (Kind.FLOAT, Kind.DECIMAL, Kind.INTEGER):
        return dtype
    return dtype.kind is Kind.INTEGER or dtype.scale == 0


def _named(kind: sa.types.TypeEngine[Any]) -> str:
    if isinstance(kind, sa.types.UserDefinedType | sa.Enum):
        return type(kind).__name__
    try:
        return str(kind)
    except (sa.exc.CompileError, sa.exc.UnsupportedCompilationError):
        return type(kind).__name__
