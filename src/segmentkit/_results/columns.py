"""Values from an engine as columns, with the types that pandas has for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from segmentkit.dtypes import DType, Kind

_IN_ARRAYS = {"bool", "int8", "int16", "int32", "int64"}


def columns_of(batch: Any) -> list[Any]:
    """The columns of an Arrow batch: whole numbers and booleans as arrays, the rest as lists."""
    return [_of_arrow(column) for column in batch.columns]


def _of_arrow(column: Any) -> Any:
    kind = str(column.type)
    if column.null_count or kind not in _IN_ARRAYS:
        return column.to_pylist()
    found = column.to_numpy(zero_copy_only=False)
    return found if kind == "bool" else found.astype(np.int64, copy=False)


def values_frame(
    dtypes: Mapping[str, DType],
    columns: Sequence[Sequence[Any]],
    index: pd.Index[Any],
    instant: datetime,
) -> pd.DataFrame:
    """One column a value, on an index; ``instant`` is told in ``attrs``."""
    found = {
        name: pd.Series(_converted(dtype, values), index=index)
        for (name, dtype), values in zip(dtypes.items(), columns, strict=True)
    }
    frame = pd.DataFrame(found, index=index)
    frame.attrs = {"as_of": instant.replace(tzinfo=UTC)}
    return frame


def values_index(dtype: DType, values: Sequence[Any]) -> pd.Index[Any]:
    """Values as an index; what is missing is missing there."""
    index: pd.Index[Any] = pd.Index(_converted(dtype, values), tupleize_cols=False)
    return index


def tally_frame(
    index: pd.Index[Any],
    counts: np.ndarray[Any, Any],
    names: Sequence[str],
    *,
    most: int | None = None,
    different: int | None = None,
) -> pd.DataFrame:
    """How often values occur in segments, by value, the most frequent first.

    Args:
        index: The values.
        counts: Of each value a row, of each segment a column.
        names: The names of the segments.
        most: Only so many most frequent values of each segment, and what is missing.
        different: How many values there are, if not all of them are here.
    """
    missing = np.asarray(index.isna())
    if missing.sum() > 1:  # engines tell NULL from a float that is no number
        counts = np.vstack([counts[~missing], counts[missing].sum(axis=0)])
        index = index[np.append(np.flatnonzero(~missing), missing.argmax())]
        missing = np.asarray(index.isna())
    total = counts.sum(axis=1)
    kept = total > 0
    if different is None:
        different = int((kept & ~missing).sum())
    if most is not None:
        present = np.where(missing[:, None], -1, counts)
        ranks = np.argsort(np.argsort(-present, axis=0, kind="stable"), axis=0)
        kept &= missing | ((ranks < most) & (counts > 0)).any(axis=1)
    places = np.flatnonzero(kept)
    places = places[np.argsort(-total[places], kind="stable")]
    found = pd.DataFrame(counts[places], index=index[places], columns=list(names))
    found.attrs = {"different": different}
    return found


def _present(values: Sequence[Any], read: Callable[[Any], Any]) -> list[Any]:
    return [None if value is None else read(value) for value in values]


def _integers(values: Sequence[Any]) -> Any:
    numbers = _present(values, int)
    try:
        return pd.array(numbers, dtype="Int64")
    except (OverflowError, ValueError, TypeError):
        return np.array(numbers, dtype=object)


def _floats(values: Sequence[Any]) -> Any:
    return np.array([np.nan if value is None else float(value) for value in values], dtype="f8")


def _objects(values: Sequence[Any], read: Callable[[Any], Any]) -> Any:
    found = np.empty(len(values), dtype=object)
    found[:] = _present(values, read)
    return found


def _dates(values: Sequence[Any]) -> Any:
    return np.array(values, dtype="M8[D]").astype("M8[s]")


def _timestamps(values: Sequence[Any]) -> Any:
    times = [v.astimezone(UTC).replace(tzinfo=None) if v and v.tzinfo else v for v in values]
    return pd.DatetimeIndex(np.array(times, dtype="M8[us]")).tz_localize("UTC")


def _converted(dtype: DType, values: Sequence[Any]) -> Any:
    if dtype.is_duration:
        return lengths(np.array([np.nan if v is None else v for v in values], dtype=object))
    return _CONVERTED[dtype.kind](values)


def lengths(micros: np.ndarray[Any, Any]) -> Any:
    """Microseconds, NaN where they are missing, as lengths of time, as long as those can be."""
    found = [
        _NO_LENGTH if value != value else max(-_LONGEST, min(_LONGEST, _whole(value)))
        for value in micros.tolist()
    ]
    return np.array(found, dtype=np.int64).view("m8[us]")


_NO_LENGTH, _LONGEST = -(2**63), 2**63 - 1


def _whole(value: Any) -> int:
    if isinstance(value, float) and abs(value) > _LONGEST:
        return _LONGEST if value > 0 else -_LONGEST
    whole: int = round(value)
    return whole


_CONVERTED: Mapping[Kind, Callable[[Sequence[Any]], Any]] = {
    Kind.BOOLEAN: lambda values: pd.array(_present(values, bool), dtype="boolean"),
    Kind.INTEGER: _integers,
    Kind.FLOAT: _floats,
    Kind.DECIMAL: lambda values: _objects(values, lambda value: Decimal(str(value))),
    Kind.TEXTS: lambda values: _objects(values, list),
    Kind.TEXT: lambda values: pd.array(list(values), dtype="string"),
    Kind.DATE: _dates,
    Kind.TIMESTAMP: _timestamps,
}
"""What pandas keeps values of each kind as."""
