"""Results of the target: labels of a partition, counts of combinations, columns of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from segmentkit._results.columns import lengths, tally_frame
from segmentkit.dtypes import DType, Kind
from segmentkit.pandas._arrays import (
    Array,
    Mask,
    Positions,
    Text,
    Values,
    Vector,
    object_array,
)


def first_of(held: list[Mask], size: int) -> Positions:
    """For each row the place of the first mask that holds it; after the last if none does."""
    codes = np.full(size, len(held), dtype=np.intp)
    for place in reversed(range(len(held))):
        codes[held[place]] = place
    return codes


def counted(held: list[Mask], size: int) -> Iterator[tuple[tuple[bool, ...], int]]:
    """Each combination of masks that occurs, and in how many rows."""
    codes = np.zeros(size, dtype=np.intp)
    combinations: list[tuple[bool, ...]] = [()]
    for mask in held:
        # Numbered again after each mask, so that they never grow beyond the number of rows.
        codes, found = pd.factorize(codes * 2 + mask)
        combinations = [(*combinations[code // 2], bool(code % 2)) for code in found.tolist()]
    yield from zip(combinations, np.bincount(codes).tolist(), strict=False)


def tallied(
    values: Values, held: Mapping[str, Mask], size: int, most: int | None, dtype: DType
) -> pd.DataFrame:
    """How often each value occurs where masks hold."""
    column = series(values, size, pd.RangeIndex(size), dtype)
    codes, known = pd.factorize(column, use_na_sentinel=False)
    counts = [np.bincount(codes[mask], minlength=len(known)) for mask in held.values()]
    index = pd.Index(known, tupleize_cols=False)
    return tally_frame(index, np.stack(counts, axis=1), list(held), most=most)


def series(
    values: Values, size: int, index: pd.Index[Any], dtype: DType | None = None
) -> pd.Series[Any]:
    """Values as a column of a frame."""
    values = values.spread(size)
    if dtype is not None and dtype.is_duration:
        return pd.Series(_lengths(values), index=index)
    found = _text(values) if isinstance(values, Text) else _array(values)
    return pd.Series(found, index=index)


def _lengths(values: Values) -> Any:
    assert isinstance(values, Vector)
    if values.data.dtype != np.int64:
        return lengths(np.where(values.missing, np.nan, values.data))
    return np.where(values.missing, np.timedelta64("NaT", "us"), values.data.view("m8[us]"))


def objects_of(values: Values) -> list[Any]:
    """Values as Python's objects, None where they are missing."""
    if isinstance(values, Text):
        texts: list[Any] = object_array([*values.texts, None])[values.codes].tolist()
        return texts
    if values.kind is Kind.DECIMAL:
        return list(_objects(values, _decimal(values)))
    return list(_objects(values, lambda value: value))


def _decimal(values: Vector) -> Any:
    return lambda number: Decimal(f"{number}E-{values.scale}")


def _text(values: Text) -> Any:
    texts = object_array([*values.texts, None])[values.codes]
    try:
        return pd.array(texts, dtype="string")
    except UnicodeEncodeError:  # half a character, which Arrow's texts cannot hold
        return pd.array(texts, dtype=pd.StringDtype("python"))


def _array(values: Vector) -> Any:
    match values.kind:
        case Kind.DECIMAL:
            return _objects(values, _decimal(values))
        case Kind.INTEGER if values.data.dtype == object:
            return _objects(values, int)
        case Kind.INTEGER:
            return pd.arrays.IntegerArray(np.array(values.data), np.array(values.missing))
        case Kind.BOOLEAN:
            return pd.arrays.BooleanArray(np.array(values.data), np.array(values.missing))
        case Kind.DATE:
            return values.data.astype("M8[s]")
        case Kind.TIMESTAMP:
            return pd.DatetimeIndex(values.data).tz_localize("UTC")
        case _:
            return np.array(values.data)


def _objects(values: Vector, read: Any) -> Array:
    pairs = zip(values.data.tolist(), values.missing.tolist(), strict=True)
    return object_array([None if missing else read(number) for number, missing in pairs])
