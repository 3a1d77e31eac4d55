"""Keys and columns in Parquet files, with metadata about them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import pandas as pd

from segmentkit.errors import DataError

_KEY = b"segmentkit"


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError(
            'Parquet files need pyarrow: pip install "segmentkit[parquet]"'
        ) from error
    return pa, pq


def write(
    path: str | PathLike[str],
    keys: pd.Index[Any],
    columns: Iterable[tuple[str, Any]],
    told: dict[str, Any],
) -> None:
    """Write keys and columns beside them; the file appears when it is complete.

    Args:
        path: Where to.
        keys: The keys.
        columns: Names and arrays, of which only one is held at a time: Arrow's take less room.
        told: What is told of them.
    """
    pa, pq = _arrow()
    given = {column: pa.array(values) for column, values in columns}
    name = "key" if keys.name is None else str(keys.name)
    while name in given:
        name += "_"
    table = pa.table({name: pa.array(keys, from_pandas=True), **given})
    about = {**told, "key": keys.name}
    table = table.replace_schema_metadata({_KEY: json.dumps(about).encode()})
    target = Path(path)
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            pq.write_table(table, file)
            file.close()
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise


def read(
    path: str | PathLike[str],
) -> tuple[pd.Index[Any], Iterator[np.ndarray[Any, Any]], dict[str, Any]]:
    """Read what `write` wrote.

    Returns:
        The keys, the columns beside them, one after the other, and what is told of them.

    Raises:
        DataError: Something else did.
    """
    pa, pq = _arrow()
    try:
        table = pq.read_table(Path(path))
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is not a Parquet file: {error}") from None
    told = (table.schema.metadata or {}).get(_KEY)
    if told is None:
        raise DataError(f"{path} was not written by segmentkit")
    about = json.loads(told)
    keys = pd.Index(table.column(0).to_pandas(), name=about.pop("key"))
    return keys, (column.to_numpy() for column in table.columns[1:]), about
