"""What a caller gives as frames: pandas' own, by the names of their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from segmentkit._usage import described
from segmentkit.errors import SegmentkitError

Frames: TypeAlias = "Mapping[str, pd.DataFrame] | pd.DataFrame"

_WAYS: dict[tuple[str, str], str] = {
    ("polars", "DataFrame"): "frame.to_pandas()",
    ("polars", "LazyFrame"): "frame.collect().to_pandas()",
    ("pyarrow", "Table"): "table.to_pandas()",
    ("pyarrow", "RecordBatch"): "batch.to_pandas()",
    ("duckdb", "DuckDBPyRelation"): "relation.df()",
    ("pandas", "Series"): "series.to_frame()",
    ("pandas", "DataFrameGroupBy"): "the frame before groupby()",
    ("pandas", "TextFileReader"): "pandas.concat(…) of it",
    ("pandas", "JsonReader"): "pandas.concat(…) of it",
    ("pandas", "ExcelFile"): "file.parse()",
    ("pyarrow", "ParquetFile"): "file.read().to_pandas()",
    ("numpy", "ndarray"): "pandas.DataFrame(…) of it",
    ("numpy", "recarray"): "pandas.DataFrame(…) of it",
    ("dask", "DataFrame"): "frame.compute()",
    ("cudf", "DataFrame"): "frame.to_pandas()",
    ("modin", "DataFrame"): "frame._to_pandas()",
    ("narwhals", "DataFrame"): "frame.to_pandas()",
    ("pyspark", "DataFrame"): "it to segmentkit.spark instead",
}
"""What to give instead, by the library and the class."""


_READ = {
    ".parquet": "pandas.read_parquet(…)",
    ".csv": "pandas.read_csv(…)",
    ".txt": "pandas.read_csv(…)",
    ".tsv": 'pandas.read_csv(…, sep="\\t")',
    ".json": "pandas.read_json(…)",
    ".jsonl": "pandas.read_json(…, lines=True)",
    ".ndjson": "pandas.read_json(…, lines=True)",
    ".feather": "pandas.read_feather(…)",
    ".orc": "pandas.read_orc(…)",
    ".xlsx": "pandas.read_excel(…)",
    ".xls": "pandas.read_excel(…)",
    ".ods": "pandas.read_excel(…)",
}
"""What reads files, by their suffixes."""
_PACKED = (".gz", ".bz2", ".xz", ".zip", ".zst")
"""What pandas opens by itself."""


def frames_of(
    given: Any, table: str, error: Callable[[str], SegmentkitError]
) -> Mapping[str, pd.DataFrame]:
    """Frames by the names of their tables.

    Args:
        given: What a caller gave.
        table: What a single frame is the frame of.
        error: Makes the error to raise.
    """
    if isinstance(given, pd.DataFrame):
        return {table: given}
    # Tables of Arrow, texts and other frames have items, too, and are no mappings.
    if not isinstance(given, Mapping):
        raise error(
            "frames must be a DataFrame of pandas, or a dictionary of them by the names of their "
            f"tables, not {_told(given, table)}"
        )
    for name, frame in given.items():
        if not isinstance(name, str):
            raise error(f"the name of a frame is a text, not {name!r:.60}")
        if not isinstance(frame, pd.DataFrame):
            told = _told(frame, str(name))
            raise error(f"the frame {name!r} must be a DataFrame of pandas, not {told}")
    return given


def _told(given: Any, table: str) -> str:
    """What something is, and what to give instead."""
    kind = type(given)
    library = kind.__module__.partition(".")[0].removeprefix("_")
    if isinstance(given, str | PathLike):
        path = Path(given)
        name = path.stem if path.suffix.lower() in _PACKED else path.name
        read = _READ.get(Path(name).suffix.lower())
        return repr(given)[:60] + (f": give {read} of it" if read else "")
    if given is None or isinstance(given, bytes):
        return repr(given)[:60]
    called = described(given)
    if kind in (list, tuple) and any(isinstance(each, pd.DataFrame) for each in given):
        return f"{called}: name them, as in {{{table!r}: frame}}"
    way = _WAYS.get((library, kind.__name__))
    if way is None and hasattr(given, "to_pandas"):
        way = "its .to_pandas()"
    if way is None and kind in (list, tuple, dict):
        way = "pandas.DataFrame(…) of it"
    return f"{called}: give {way}" if way else called
