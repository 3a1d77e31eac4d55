"""Attributes from columns: their types, listed values and whether they may be missing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from segmentkit.dtypes import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    DType,
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
        case sa.Boolean():
            return BOOLEAN
        case sa.Integer() if _is_flag(column):
            return BOOLEAN
        case sa.Integer():
            return INTEGER
        case sa.Float():
            return FLOAT
        case sa.Numeric():
            return decimal(column.scale)
        case sa.String():
            return TEXT
        case sa.DateTime():
            return TIMESTAMP
        case sa.Date():
            return DATE
        case sa.ARRAY(item_type=sa.Enum()):
            return None
        case sa.ARRAY(item_type=sa.String(), dimensions=None | 1):
            return TEXTS
        case _:
            return None


def _is_flag(column: sa.types.TypeEngine[Any]) -> bool:
    """Whether it is what MariaDB and MySQL make of BOOLEAN: TINYINT(1)."""
    told = vars(column)
    return told.get("display_width") == 1 and not told.get("unsigned")


def attribute_of(name: str, column: sa.ColumnClause[Any], called: str | None = None) -> Attribute:
    """The attribute that a column is, which may be ``called`` otherwise in the rows of a class.

    Raises:
        Unfit: The language has no word for its type, or cannot write its name.
    """
    dtype, codec = dtype_of(column.type), codec_of(column.type)
    if dtype is None and codec is not None and codec.why:
        raise Unfit(codec.why)
    if dtype is None:
        raise Unfit(f"the language has no word for its type, {_named(column.type)}")
    values = codec.values if codec else ()
    nullable = getattr(column, "nullable", True) and not column.primary_key
    try:
        return Attribute(name, dtype, nullable, values, column=called or column.name)
    except SchemaError as error:
        raise Unfit(str(error)) from None


def _named(kind: sa.types.TypeEngine[Any]) -> str:
    try:
        return str(kind)
    except (sa.exc.CompileError, sa.exc.UnsupportedCompilationError):
        return type(kind).__name__
