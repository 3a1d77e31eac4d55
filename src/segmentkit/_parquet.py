"""Frames in Parquet files, with what is told of them."""

from __future__ import annotations

import json
import os
from os import PathLike
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pandas as pd

from segmentkit.errors import DataError

_KEY = b"segmentkit"


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
    except ImportError as error:
        raise ImportError("Parquet files need pyarrow: pip install segmentkit[parquet]") from error
    return pa, pq


def write(path: str | PathLike[str], frame: pd.DataFrame, told: dict[str, Any]) -> None:
    """Write a frame and its index; the file appears when it is complete."""
    pa, pq = _arrow()
    name = "key" if frame.index.name is None else str(frame.index.name)
    while name in frame.columns:
        name += "_"
    keys = pa.array(frame.index, from_pandas=True)
    columns = [pa.array(frame[column].to_numpy()) for column in frame.columns]
    table = pa.table([keys, *columns], names=[name, *map(str, frame.columns)])
    about = {**told, "key": frame.index.name}
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


def read(path: str | PathLike[str]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read what `write` wrote.

    Raises:
        DataError: Something else did.
    """
    pa, pq = _arrow()
    try:
        table = pq.read_table(Path(path))
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is no Parquet file: {error}") from None
    told = (table.schema.metadata or {}).get(_KEY)
    if told is None:
        raise DataError(f"{path} was not written by segmentkit")
    about = json.loads(told)
    keys = pd.Index(table.column(0).to_pandas(), name=about.pop("key"))
    columns = {
        name: table.column(place + 1).to_numpy()
        for place, name in enumerate(table.column_names[1:])
    }
    return pd.DataFrame(columns, index=keys), about
