"""Arrow-backed columns as numpy arrays, through the methods of Arrow arrays.

Whoever has such a column has pyarrow; nobody else needs it, so it is not imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from attrs import frozen

from segmentkit.pandas._arrays import Array, Mask, object_array

_TEXTS = ("string", "large_string")
_WORD = 2**64


@frozen(eq=False)
class ArrowValues:
    """What an Arrow array holds.

    Attributes:
        data: Its values; anything where one is missing.
        mask: Where values are missing, if any are.
        is_date: Whether the values are days since 1970.
        scale: Of decimals, the digits after the point; the values are whole numbers then.
    """

    data: Array
    mask: Mask | None
    is_date: bool = False
    scale: int | None = None


def arrow_values(column: Any) -> ArrowValues | None:
    """The values of a Series whose dtype is Arrow's; None where the dtype is not a plain one."""
    arrow = column.array.__arrow_array__()
    mask = arrow.is_null().to_numpy() if arrow.null_count else None
    name = str(arrow.type)
    if name.startswith("date"):
        return ArrowValues(_filled(arrow.cast("date32").cast("int32")), mask, is_date=True)
    if name.startswith("timestamp"):
        data = _filled(arrow.cast("int64")).view(f"M8[{arrow.type.unit}]")
        return ArrowValues(data, mask)
    if name.startswith("decimal"):
        whole = _unscaled(arrow, mask)
        return None if whole is None else ArrowValues(whole, mask, scale=arrow.type.scale)
    if name == "bool":
        return ArrowValues(_filled(arrow, False), mask)
    if name.startswith(("int", "uint")):
        return ArrowValues(_filled(arrow), mask)
    if name in ("float", "double", "halffloat"):
        return ArrowValues(arrow.to_numpy(), mask)
    return None


def arrow_lists(column: Any) -> tuple[Array, list[Any], Array, Mask] | None:
    """Lists of texts of a Series whose dtype is Arrow's; None where the dtype is no such one.

    Codes of the texts of all lists, the distinct texts, the length of each list, and which lists
    are missing.
    """
    if not isinstance(column.dtype, pd.ArrowDtype):
        return None
    dtype = column.dtype.pyarrow_dtype
    if not is_list_of_texts(dtype):
        return None
    arrow = column.array.__arrow_array__().combine_chunks()
    texts = arrow.flatten().dictionary_encode()
    lengths = arrow.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    missing = arrow.is_null().to_numpy(zero_copy_only=False)
    return _filled(texts.indices, -1), texts.dictionary.to_pylist(), lengths, missing


def is_list_of_texts(dtype: Any) -> bool:
    """Whether Arrow's type is one of lists of texts."""
    is_list = str(dtype).startswith(("list<", "large_list<"))
    return is_list and str(dtype.value_type) in _TEXTS


def is_arrow_text(dtype: Any) -> bool:
    """Whether Arrow stores a column's texts, and so tests them fast."""
    if isinstance(dtype, pd.StringDtype):
        return dtype.storage.startswith("pyarrow")
    return isinstance(dtype, pd.ArrowDtype) and str(dtype.pyarrow_dtype) in _TEXTS


def matched(column: Any, pattern: str) -> Mask:
    """Which texts of a Series match a regular expression of RE2; false where missing."""
    from pyarrow import compute  # type: ignore[import-untyped]  # noqa: PLC0415 - it has the column

    found = compute.match_substring_regex(column.array.__arrow_array__(), pattern=pattern)
    return np.asarray(_filled(found, value=False), dtype=np.bool_)


def without_views(column: Any) -> Any:
    """The same Series; texts that Arrow stores as views, as Polars does, in a form pandas knows."""
    dtype = column.dtype
    if not isinstance(dtype, pd.ArrowDtype) or str(dtype.pyarrow_dtype) != "string_view":
        return column
    texts = type(column.array)(column.array.__arrow_array__().cast("large_string"))
    return pd.Series(texts, index=column.index, name=column.name)


def objects(column: Any) -> Array:
    """The values of a Series as Python's objects, whatever its dtype."""
    if isinstance(column.dtype, pd.ArrowDtype):
        # Not every type of Arrow's has all that pandas' own conversion asks of it.
        return object_array(column.array.__arrow_array__().to_pylist())
    data: Array = column.to_numpy(dtype=object)
    return data


def _filled(arrow: Any, value: bool | int = 0) -> Array:
    data: Array = (arrow.fill_null(value) if arrow.null_count else arrow).to_numpy()
    return data


def _unscaled(arrow: Any, mask: Mask | None) -> Array | None:
    """Decimals of 128 bits as the whole numbers that they are stored as."""
    if arrow.type.bit_width != 128 or arrow.type.scale < 0:
        return None
    pairs = [_words(chunk) for chunk in arrow.chunks]
    words = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    low, high = words[:, 0], words[:, 1]
    if mask is not None:
        # Nobody says what is stored where a value is missing.
        low, high = np.where(mask, 0, low), np.where(mask, 0, high)
    if (high == low >> 63).all():
        return low
    unsigned = low.astype(np.uint64).astype(object)
    return np.asarray(high.astype(object) * _WORD + unsigned)


def _words(chunk: Any) -> Array:
    """The lower and the upper half of each value."""
    stored = np.frombuffer(chunk.buffers()[1], dtype="<i8").reshape(-1, 2)
    return stored[chunk.offset : chunk.offset + len(chunk)]
