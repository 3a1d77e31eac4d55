"""Reading catalog files and writing results; no file is ever half-written."""

from __future__ import annotations

import difflib
import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from uuid import uuid4

import click

from segmentkit._catalog.toml_file import CatalogText, read_catalog
from segmentkit._cli._errors import Failure, definitions_of, os_message, printable, say
from segmentkit._diagnostics.languages import localized
from segmentkit.limits import DEFAULT

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A file that is there."""


def read_bytes(file: Path) -> bytes:
    """The content of a file, or of a pipe; one byte more than may be, if there is more.

    Raises:
        Failure: It cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return stream.read(DEFAULT.bytes + 1)
    except OSError as error:
        raise Failure(f"cannot read {os_message(error)}") from None


def read_file(file: Path) -> CatalogText:
    """Read a catalog file, and leave its definitions unchecked.

    Raises:
        Failure: It cannot be read.
        Wrong: It is no catalog file.
    """
    content = read_bytes(file)
    with definitions_of(str(file)):
        return read_catalog(content, file=str(file), folder=file.parent)


def is_standard(file: Path | None) -> bool:
    """Whether a file is standard output."""
    return file is None or str(file) == "-"


class _Cleaned(io.TextIOBase):
    """A terminal, which nothing that is written can steer; a file or a pipe gets all as it is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(printable(text))
        return len(text)


_NOT_TEXT = {".xlsx", ".xls", ".ods", ".parquet", ".pq", ".feather", ".pdf", ".docx", ".zip", ".gz"}
"""What files are called that hold no text."""


@contextmanager
def writing(file: Path | None) -> Iterator[TextIO | io.TextIOBase]:
    """Open a file that appears when complete, and not at all when something goes wrong.

    Args:
        file: Where to write; standard output if it is None or ``-``.

    Yields:
        The stream to write UTF-8 to; line ends are written as given.

    Raises:
        Failure: It cannot be written.
    """
    if is_standard(file):
        yield _Cleaned(sys.stdout) if sys.stdout.isatty() else sys.stdout
        return
    assert file is not None
    if file.suffix.lower() in _NOT_TEXT:
        raise Failure(
            f"{file} would hold a text, and no program opens one of such a name: call it "
            f"{file.with_suffix('')}.csv, or .html if it is a report"
        )
    target = Path(os.path.realpath(file))  # so that a link stays one
    try:
        if target.exists() and not target.is_file():
            # A pipe or a device: there is nothing to replace.
            with target.open("w", encoding="utf-8", newline="") as stream:
                yield stream
        else:
            with _replacing(target) as stream:
                yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror or error}") from None


@contextmanager
def _replacing(target: Path) -> Iterator[TextIO]:
    part = target.with_name(f".segmentkit-{uuid4().hex[:12]}.part")
    try:
        with part.open("x", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def wrote(file: Path | None, number: int, noun: str) -> None:
    """Say on standard error how much is in a file now; of standard output, nothing."""
    if not is_standard(file):
        say(f"wrote {file}: {localized(number)} {noun}{'s' * (number != 1)}", error=True)


def difference(before: str, after: str, file: str) -> str:
    """What is other in a text, in the form of ``diff -u``."""
    old, new = (list(io.StringIO(text, newline="\n")) for text in (before, after))
    lines = difflib.unified_diff(old, new, file, file)
    end = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + end for line in lines)
