"""Values out of columns of JSON, and lists of texts: arrays, or JSON where there are none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from segmentkit.dtypes import DType, Kind
from segmentkit.schema import Attribute
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Composite, Spelled
from segmentkit.sqlalchemy.dialects.json_spellings import ITEM
from segmentkit.sqlalchemy.dialects.long_lists import Among
from segmentkit.sqlalchemy.dialects.stored_values import below_domain
from segmentkit.sqlalchemy.statements.stored_forms import in_form

_READS: dict[Kind, Construct] = {
    Kind.BOOLEAN: Construct.JSON_BOOLEAN,
    Kind.INTEGER: Construct.JSON_WHOLE,
    Kind.FLOAT: Construct.JSON_FLOAT,
    Kind.DECIMAL: Construct.JSON_DECIMAL,
    Kind.TEXT: Construct.JSON_TEXT,
    Kind.DATE: Construct.JSON_DATE,
    Kind.TIMESTAMP: Construct.JSON_INSTANT,
    Kind.TEXTS: Construct.JSON_LIST,
}

_SCALE = 9
"""The digits after the point of decimals of which nothing is told."""


def held(attribute: Attribute, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """An attribute, of the column that holds it."""
    if attribute.form is not None:
        return in_form(attribute, column)
    if isinstance(column.type, postgresql.DOMAIN):
        return held(attribute, below_domain(column))
    if attribute.path or attribute.dtype.kind is not Kind.TEXTS:
        path = attribute.path[1:]
        return _in_json(column, attribute.dtype, path) if attribute.path else column
    if _varies(column.type):
        kinds = (column.type, *column.type._variant_mapping.values())
        array = sa.type_coerce(column, next(filter(is_array, kinds)))
        return ArrayOrJson(column, array, _in_json(column, attribute.dtype, ()), column.type)
    return column if is_array(column.type) else _in_json(column, attribute.dtype, ())


def is_array(type_: Any) -> bool:
    """Whether values of a type are arrays; drivers of ClickHouse have a type of their own."""
    return isinstance(type_, sa.ARRAY) or type(type_).__name__ == "Array"


def _varies(type_: Any) -> bool:
    """Whether values are arrays in some dialects and JSON in others."""
    kinds = {is_array(each) for each in (type_, *type_._variant_mapping.values())}
    return len(kinds) == 2


class ArrayOrJson(Composite):
    """Of a column, what there is to say where it is an array, and where it is JSON."""

    inherit_cache = True

    def __init__(self, column: Any, array: Any, in_json: Any, type_: Any = None) -> None:
        super().__init__("array or JSON", column, array, in_json, type_=type_ or array.type)


@compiles(ArrayOrJson)
def _array_or_json(element: ArrayOrJson, compiler: SQLCompiler, **kw: Any) -> str:
    column, array, in_json = element.clauses
    kind = column.type.dialect_impl(compiler.dialect)
    return str(compiler.process(array if is_array(kind) else in_json, **kw))


def _in_json(
    column: sa.ColumnElement[Any], dtype: DType, keys: tuple[str, ...]
) -> sa.ColumnElement[Any]:
    """The value at the end of a path in a column of JSON, NULL where it is of another type."""
    path = "".join(["$", *(f'."{key}"' for key in keys)])
    words = [sa.literal(text, sa.String()) for text in (path, *keys)]
    exact = sa.Numeric(38, _SCALE if dtype.scale is None else dtype.scale)
    type_ = exact if dtype.kind is Kind.DECIMAL else None
    return Spelled(_READS[dtype.kind], column, *words, type_=type_)


def item() -> sa.ColumnElement[Any]:
    """What a test of a list's items is of."""
    return sa.literal_column(ITEM, sa.String())


def has_item(texts: sa.ColumnElement[Any], test: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """That a list has an item of which a test holds."""
    if isinstance(texts, ArrayOrJson):
        column, array, in_json = texts.clauses
        return ArrayOrJson(column, *(_has_item(each, test) for each in (array, in_json)))
    return _has_item(texts, test)


def size(texts: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """How many texts a list has; NULL has none."""
    if isinstance(texts, ArrayOrJson):
        column, array, in_json = texts.clauses
        return ArrayOrJson(column, *(size(each) for each in (array, in_json)))
    return Spelled(Construct.ARRAY_SIZE if is_array(texts.type) else Construct.JSON_SIZE, texts)


def _has_item(texts: Any, test: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    many = isinstance(test, Among)
    if is_array(texts.type):
        return Spelled(Construct.MANY_IN_ARRAY if many else Construct.IN_ARRAY, texts, test)
    return Spelled(Construct.MANY_IN_JSON if many else Construct.IN_JSON, texts, test)


def is_plain_array(type_: Any) -> bool:
    """Whether values are arrays of texts that have no width, to which others are filled up."""
    return is_array(type_) and not _varies(type_) and not isinstance(type_.item_type, sa.CHAR)


def has_any(
    texts: sa.ColumnElement[Any], items: Iterable[sa.ColumnElement[Any]]
) -> sa.ColumnElement[Any]:
    """That an array has one of some texts."""
    item: Any = texts.type.item_type  # type: ignore[attr-defined]
    # The type of the array; a length would cut longer texts to it.
    array = sa.ARRAY(sa.Text() if isinstance(item, sa.Text) else sa.String())
    return Spelled(Construct.HAS_ANY, texts, *items, named=array)
