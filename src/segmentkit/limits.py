"""Limits for catalogs that strangers write."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from attrs import Attribute, field, frozen


def _positive(_: Limits, attribute: Attribute[int], value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{attribute.name} must be a whole number above 0, not {value!r:.60}")


def _limit(default: int) -> int:
    found: int = field(default=default, validator=_positive, kw_only=True)
    return found


@frozen
class Limits:
    """Limits for a catalog that someone else wrote.

    The defaults are far above what people write by hand. Raise them for a catalog that you trust.
    The language itself limits single definitions.

    Args:
        bytes: The size of the file.
        definitions: How many segments, traits, lists and partitions there are.
        parts: The parts of all definitions, each with everything that it refers to written out.
        list_bytes: The size of all files of static lists together.

    Raises:
        ValueError: A limit is not a whole number above 0.

    Example:
        >>> Limits(definitions=10)
        Limits(bytes=1000000, definitions=10, parts=500000, list_bytes=64000000)
    """

    bytes: int = _limit(1_000_000)
    definitions: int = _limit(10_000)
    parts: int = _limit(500_000)
    list_bytes: int = _limit(64_000_000)


DEFAULT = Limits()


def read_regular(path: Path, most: int) -> bytes:
    """A file's first bytes: one more than may be tells that there are too many.

    Raises:
        OSError: It cannot be read, or is a pipe, a device or another special file.
    """

    def opened(name: str, flags: int) -> int:
        # A pipe that nobody writes to would be waited for.
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    with open(path, "rb", opener=opened) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return stream.read(most + 1)


def beside(folder: Path, name: str) -> Path:
    """The path of a file in a folder, or below it.

    Raises:
        OSError: It is elsewhere: by its name, or because a link leads there.
    """
    path = Path(os.path.realpath(folder / name))
    if not path.is_relative_to(os.path.realpath(folder)):
        raise OSError(errno.EACCES, "it is outside of the catalog's folder", name)
    return path
