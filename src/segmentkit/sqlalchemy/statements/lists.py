"""Values out of columns of JSON, and lists of texts: arrays, or JSON where there are none."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from segmentkit.dtypes import DType, Kind
from segmentkit.schema import Attribute
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.dialect import dialect_of
from segmentkit.sqlalchemy.dialects.elements import Settled, Spelled
from segmentkit.sqlalchemy.dialects.json_spellings import ITEM
from segmentkit.sqlalchemy.dialects.long_lists import Among

_READS: dict[Kind, tuple[Construct, Any]] = {
    Kind.BOOLEAN: (Construct.JSON_BOOLEAN, sa.Boolean()),
    Kind.INTEGER: (Construct.JSON_WHOLE, sa.BigInteger()),
    Kind.FLOAT: (Construct.JSON_FLOAT, sa.Double()),
    Kind.DECIMAL: (Construct.JSON_DECIMAL, sa.Numeric()),
    Kind.TEXT: (Construct.JSON_TEXT, sa.String()),
    Kind.DATE: (Construct.JSON_DATE, sa.Date()),
    Kind.TIMESTAMP: (Construct.JSON_INSTANT, sa.DateTime()),
    Kind.TEXTS: (Construct.JSON_LIST, sa.JSON()),
}

_SCALE = 9
"""The digits after the point of decimals of which nothing is told."""


def held(attribute: Attribute, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """An attribute, of the column that holds it."""
    loose = attribute.dtype.kind is Kind.TEXTS and not is_array(column.type)
    return (
        InJson(column, attribute.dtype, attribute.path[1:]) if attribute.path or loose else column
    )


def is_array(type_: Any) -> bool:
    """Whether values of a type are arrays; drivers of ClickHouse have a type of their own."""
    return isinstance(type_, sa.ARRAY) or type(type_).__name__ == "Array"


class InJson(Spelled):
    """The value at the end of a path in a column of JSON, NULL where it is of another type."""

    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any], dtype: DType, keys: tuple[str, ...]) -> None:
        path = "".join(["$", *(f'."{key}"' for key in keys)])
        # As a column, which is never compiled, the type is part of the key of SQLAlchemy's cache.
        told: sa.ColumnElement[Any] = sa.literal_column(str(dtype))
        super().__init__(column, *(sa.literal(text, sa.String()) for text in (path, *keys)), told)
        self.construct, self.type = _READS[dtype.kind]  # type: ignore[misc]
        self.scale = _SCALE if dtype.scale is None else dtype.scale
        if dtype.kind is Kind.DECIMAL:
            self.type = sa.Numeric(38, self.scale)


@compiles(InJson)
def _in_json(element: InJson, compiler: SQLCompiler, **kw: Any) -> str:
    template = dialect_of(compiler.dialect).spelling(element.construct)
    column, path, *keys, _ = element.clauses
    return template.format(
        compiler.process(column, **kw),
        # Only what the template uses: a parameter that is not in the text must not be bound.
        compiler.process(path, **kw) if "{1}" in template else "",
        keys="".join(f", {compiler.process(key, **kw)}" for key in keys if "{keys}" in template),
        scale=element.scale,
    )


def item() -> sa.ColumnElement[Any]:
    """What a test of a list's items is of."""
    return sa.literal_column(ITEM, sa.String())


def has_item(texts: sa.ColumnElement[Any], test: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """That a list has an item of which a test holds."""
    many = isinstance(test, Among)
    if is_array(texts.type):
        return (_ManyInArray if many else _InArray)(texts, test)
    return (_ManyInList if many else _InList)(texts, test)


def is_plain_array(type_: Any) -> bool:
    """Whether values are arrays of texts that have no width, to which others are filled up."""
    return is_array(type_) and not isinstance(type_.item_type, sa.CHAR)


class HasAny(Settled):
    """That an array has one of some texts."""

    inherit_cache = True
    construct = Construct.HAS_ANY

    @property
    def spelled_type(self) -> Any:
        """The type of the array; a length would cut longer texts to it."""
        item: Any = next(iter(self.clauses)).type.item_type  # type: ignore[attr-defined]
        return sa.ARRAY(sa.Text() if isinstance(item, sa.Text) else sa.String())


@compiles(HasAny)
def _has_any(element: HasAny, compiler: SQLCompiler, **kw: Any) -> str:
    array, *items = element.clauses
    template = dialect_of(compiler.dialect).spelling(element.construct)
    words = compiler.dialect.type_compiler_instance
    return template.format(
        compiler.process(array, **kw),
        items=", ".join(compiler.process(each, **kw) for each in items),
        type=words.process(element.spelled_type) if "{type}" in template else "",
    )


class _InArray(Settled):
    inherit_cache = True
    construct = Construct.IN_ARRAY


class _InList(Settled):
    inherit_cache = True
    construct = Construct.IN_JSON


class _ManyInArray(Settled):
    inherit_cache = True
    construct = Construct.MANY_IN_ARRAY


class _ManyInList(Settled):
    inherit_cache = True
    construct = Construct.MANY_IN_JSON
