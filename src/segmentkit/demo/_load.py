"""Complete Journey as a SQLite file: written once, then used again."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import pandas as pd
from sqlalchemy import Column, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from segmentkit.demo._frames import Progress, frames, optional
from segmentkit.demo._tables import metadata

# Stamped into the file's header. Count the layout up whenever the tables or their data change.
_APPLICATION: Final = int.from_bytes(b"sgkt")
_LAYOUT: Final = 2

_CHUNK: Final = 50_000
_ABANDONED_AFTER: Final = 3600.0
_DIALECT: Final = sqlite.dialect()


def default_path() -> Path:
    """Where the demo's database is kept: a file in the user's cache folder.

    Raises:
        ImportError: The extra `demo` is not installed.
    """
    folder: Path = optional("platformdirs").user_cache_path("segmentkit", appauthor=False)
    return folder / "completejourney.sqlite"


def load(path: Path | None = None, progress: Progress | None = None) -> Path:
    """Make sure that the demo's SQLite file is there, and say where.

    A file that an earlier call wrote is used as it is, if it is whole. If it is damaged, a warning
    says so, and it is written anew. A new one is written beside its final
    place and renamed into it when complete, so no one ever sees half of it.

    Args:
        path: The file. The default is `default_path()`.
        progress: Called, while a new file is written, with the step (`"reading"`, the name of
            a table, `"indexing"`), how much of the step is done, and out of how much. Every
            step's last call has the two equal. Never called if the file is already there.

    Returns:
        The file's path.

    Raises:
        ImportError: The extra `demo` is not installed.
        FileExistsError: The file is something else than the demo's database. It is untouched.
        OSError: The file could not be written; the message says why.
    """
    own = path is None
    path = default_path() if path is None else path
    if _is_ready(path, own=own):
        return path
    data = frames(progress)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        _write_beside(path, data, progress)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error), error.errno) from error
    except sqlite3.OperationalError as error:
        # SQLite reports a full disk and a failing one so.
        raise _unwritable(path, str(error), errno.EIO) from error
    return path


def _is_ready(path: Path, *, own: bool) -> bool:
    """Whether the file is a whole database of this layout; ``own``: its name is ours alone.

    Raises:
        FileExistsError: It is a file that we did not write, and so may not replace.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
            size = file.seek(0, os.SEEK_END)
    except FileNotFoundError:
        return False
    if not header.strip(b"\0"):
        return False  # what a crash of the machine leaves behind
    # https://www.sqlite.org/fileformat2.html#the_database_header
    application = int.from_bytes(header[68:72])
    is_ours = header.startswith(b"SQLite format 3\0") and application == _APPLICATION
    if not is_ours and own:
        return _damaged(path, "it is not the demo's database")
    if not is_ours:
        message = "not the demo's database; remove it or name another file"
        raise FileExistsError(errno.EEXIST, message, str(path))
    page = int.from_bytes(header[16:18])
    whole = size == (65536 if page == 1 else page) * int.from_bytes(header[28:32])
    if not whole or int.from_bytes(header[60:64]) != _LAYOUT:
        return False
    try:
        with closing(sqlite3.connect(path)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    return found == "ok" or _damaged(path, found.replace("\n", " "))


def _damaged(path: Path, why: str) -> bool:
    told = f"the demo's database {path} is damaged ({why}) and is written anew"
    warnings.warn(told, UserWarning, stacklevel=4)
    return False


def _unwritable(path: Path, why: str, code: int | None) -> OSError:
    message = f"cannot write the demo's database ({why}); name another file"
    return OSError(code or errno.EIO, message, str(path))


def _remove_abandoned(path: Path) -> None:
    """Remove what loads that were killed left; younger files may belong to one still running."""
    for part in path.parent.glob(f"{path.name}.*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _ABANDONED_AFTER:
                part.unlink()


def _write_beside(path: Path, data: dict[str, pd.DataFrame], progress: Progress | None) -> None:
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            _write(connection, data, progress)
        os.fsync(handle)
    except BaseException:
        os.close(handle)
        part.unlink(missing_ok=True)
        raise
    os.close(handle)
    part.replace(path)


def _write(
    connection: sqlite3.Connection, data: dict[str, pd.DataFrame], progress: Progress | None
) -> None:
    # A file that is thrown away unless complete needs neither a journal nor waiting for the disk.
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for table in metadata.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=_DIALECT)))
        _insert(connection, table, data[table.name], progress)
    _index(connection, progress)
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {_LAYOUT}")
    connection.execute("COMMIT")


def _insert(
    connection: sqlite3.Connection, table: Table, frame: pd.DataFrame, progress: Progress | None
) -> None:
    statement = str(table.insert().compile(dialect=_DIALECT))
    for start in range(0, len(frame), _CHUNK):
        chunk = frame.iloc[start : start + _CHUNK]
        stored = [_stored(column, chunk[column.name]) for column in table.columns]
        connection.executemany(statement, zip(*stored, strict=True))
        if progress is not None:
            progress(table.name, start + len(chunk), len(frame))


def _stored(column: Column[Any], values: pd.Series[Any]) -> Iterator[object]:
    """The values as SQLAlchemy writes them, so that what it binds later compares right."""
    convert = column.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    codes, distinct = pd.factorize(values)
    texts = [value if convert is None else convert(value) for value in distinct.tolist()]
    # Code -1 says missing, and is the place of the last.
    return map([*texts, None].__getitem__, codes.tolist())


def _index(connection: sqlite3.Connection, progress: Progress | None) -> None:
    indexes = [index for table in metadata.sorted_tables for index in table.indexes]
    for done, index in enumerate(indexes):
        if progress is not None:
            progress("indexing", done, len(indexes) + 1)
        connection.execute(str(CreateIndex(index).compile(dialect=_DIALECT)))
    connection.execute("ANALYZE")  # without it SQLite cannot tell a small table from a large one
    if progress is not None:
        progress("indexing", len(indexes) + 1, len(indexes) + 1)
