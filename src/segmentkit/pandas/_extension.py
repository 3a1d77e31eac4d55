"""Functions and aggregates that a schema adds: by their own lowerings, or value by value."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from attrs import evolve

from segmentkit._planning import ir
from segmentkit._record import extensions
from segmentkit._record.extensions import as_decimals, place_of, result_of
from segmentkit.dtypes import DType, Kind
from segmentkit.errors import DataError
from segmentkit.extension import Aggregate, Extension, Function
from segmentkit.pandas._aggregates import Rows
from segmentkit.pandas._arrays import Array, Positions, Values, Vector, constant
from segmentkit.pandas._columns import read
from segmentkit.pandas._export import objects_of, series
from segmentkit.pandas._functions import default
from segmentkit.pandas._native_compare import Stored
from segmentkit.pandas._text import TextColumn


def scalar(node: ir.Call, function: Function, arguments: list[Values], size: int) -> Values:
    """A function of the values of so many rows.

    Raises:
        DataError: It gave something else than it says.
        UnsupportedError: It has no lowering for frames or records.
    """
    arguments = [argument.spread(size) for argument in arguments]
    places = np.arange(size)
    if not function.takes_missing:
        missing = reduce(np.logical_or, (argument.missing for argument in arguments))
        places = np.flatnonzero(~missing)
        arguments = [argument.only(places) for argument in arguments]
    found: Any = []
    if function.pandas is None:
        compute = extensions.scalar(node, function)
        found = list(map(compute, *map(objects_of, arguments)))
    elif len(places):
        pairs = zip(arguments, as_decimals(function, node.arguments), strict=True)
        found = function.pandas(*(_given(_widened(*pair), len(places)) for pair in pairs))
    return _scattered(_read(function, found, len(places), node.dtype), places, size)


def aggregate(node: ir.Aggregate | ir.Overall, function: Aggregate, rows: Rows) -> Values:
    """One value for each owner.

    Raises:
        DataError: It gave something else than it says.
        UnsupportedError: It has no lowering for frames or records.
    """
    assert rows.values is not None
    owners = np.unique(rows.owners)
    found: Any = []
    if function.pandas is None:
        compute = extensions.aggregate(node, function)
        found = [compute(values) for values in _grouped(rows)]
    elif len(owners):
        groups = _given(rows.values, len(rows.owners)).groupby(rows.owners)
        found = function.pandas(groups)
        if isinstance(found, pd.Series):
            found = found.reindex(owners)
    values = _read(function, found, len(owners), node.dtype)
    return _or_empty(_scattered(values, owners, rows.count), node, function)


def _grouped(rows: Rows) -> list[list[Any]]:
    """The values of each owner that has some, in the order of the owners."""
    assert rows.values is not None
    order = np.argsort(rows.owners, kind="stable")
    starts = np.unique(rows.owners[order], return_index=True)[1].tolist()
    values = objects_of(rows.values.only(order))
    return [values[a:b] for a, b in pairwise([*starts, len(values)])]


def _widened(values: Values, as_decimal: bool) -> Values:
    """Whole numbers as decimals, if they should be."""
    if as_decimal and isinstance(values, Vector):
        return evolve(values, kind=Kind.DECIMAL)
    return values


def _given(values: Values, size: int) -> pd.Series[Any]:
    """Values as a lowering gets them; instants as the language computes with them."""
    if isinstance(values, Vector) and values.kind is Kind.TIMESTAMP:
        return pd.Series(values.data)
    return series(values, size, pd.RangeIndex(size))


def _read(function: Extension, found: Any, size: int, dtype: DType) -> Values:
    """What a lowering gave, as values of the type that it should give."""
    if not pd.api.types.is_list_like(found) or len(found) != size:
        raise DataError(f"{place_of(function)} must give {size:,} values for as many rows")
    column = found.reset_index(drop=True) if isinstance(found, pd.Series) else _column(found)
    attribute, place = result_of(function, dtype), place_of(function)
    values: Any
    if dtype.kind is Kind.TEXT:
        values = TextColumn(column, attribute, place).settled
    else:
        values = read(column, attribute, place)
    values = values.settled if isinstance(values, Stored) else values
    if not attribute.nullable and values.has_missing():
        raise DataError(f"{place} is missing in some rows, and should never be")
    return values  # type: ignore[no-any-return]


def _column(found: Any) -> pd.Series[Any]:
    if isinstance(found, list):
        return pd.Series(found, dtype=object)
    return pd.Series(found)


def _scattered(values: Values, places: Array, size: int) -> Values:
    """Values at some places of so many rows; at the others they are missing."""
    back: Positions = np.full(size, -1, dtype=np.intp)
    back[places] = np.arange(len(places))
    return values.take(back)


def _or_empty(values: Values, node: ir.Aggregate | ir.Overall, function: Aggregate) -> Values:
    """With what it is over no values where it is missing."""
    empty = ir.over_nothing(function, node.dtype)
    if empty.value is None:
        return values
    return default(values, constant(empty.value, node.dtype))
