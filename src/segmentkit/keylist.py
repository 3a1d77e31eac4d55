"""Static lists: fixed lists of keys, such as the badges that were scanned at a fair."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any
from uuid import UUID

from attrs import field, frozen

from segmentkit._diagnostics.diagnostic import Diagnostic, Span, diagnostic
from segmentkit._diagnostics.wording import Term, over, term
from segmentkit.dtypes import INTEGER, TEXT, DType
from segmentkit.errors import CatalogError, DataError, Problem, SchemaError
from segmentkit.limits import DEFAULT, Limits, read_regular
from segmentkit.schema import Attribute, Schema

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_LARGEST = 2**63 - 1
_TOLD = 10
"""How many wrong lines of a file are told; a file of the wrong kind is wrong in all of them."""


def _keys(given: Iterable[Any]) -> frozenset[int | str]:
    if isinstance(given, str | bytes):
        raise DataError(f"the keys of a list must be several values, not one text {given!r:.60}")
    keys = frozenset(given)
    kinds = set(map(type, keys))
    if not kinds <= {int, str}:
        # Of numpy's and pandas' numbers and texts, the plain ones that they stand for.
        keys = frozenset(map(_plain, keys))
        kinds = set(map(type, keys))
    if kinds == {int} and not -_LARGEST - 1 <= min(keys) <= max(keys) <= _LARGEST:
        raise DataError("the keys of a list must fit in 64 bits")
    if len(kinds) > 1:
        raise DataError("the keys of a list must be all integers or all texts, not both")
    return keys


def _plain(key: Any) -> int | str:
    value = key.item() if type(key).__module__ == "numpy" else key
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    raise DataError(f"a key is an integer or a text, not {type(key).__name__} {key!r:.60}")


@frozen
class KeyList:
    """A static list of keys: ``in list june_fair`` in a definition.

    The keys are those of the segmented entity, all integers or all texts; a ``UUID`` is its text.
    Order and repetition do not matter. A list can hold millions of keys.

    Args:
        name: The name that definitions use.
        keys: The keys.
        title: A title for people.
        description: What it is.
        owner: Who is responsible for it.

    Raises:
        DataError: A key is neither an integer nor a text, or the list has both.

    Example:
        >>> fair = KeyList("june_fair", [8, 21, 8])
        >>> len(fair), 21 in fair
        (2, True)
    """

    name: str
    keys: frozenset[int | str] = field(converter=_keys, repr=lambda keys: f"<{len(keys):,}>")
    title: str | None = field(default=None, kw_only=True)
    description: str | None = field(default=None, kw_only=True)
    owner: str | None = field(default=None, kw_only=True)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        schema: Schema,
        *,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        owner: str | None = None,
        limits: Limits = DEFAULT,
    ) -> KeyList:
        """Read a file of keys.

        The file is in UTF-8, with one key on each line. If its name ends in ``.csv``, the first
        column counts. Empty lines are skipped, and so is a first line that is the name of the
        key's column. White space around a key is ignored.

        Args:
            path: The file.
            schema: The schema of the entity that the keys belong to.
            name: The name that definitions use; by default the file's name without its ending.
            title: A title for people.
            description: What it is.
            owner: Who is responsible for it.
            limits: How large the file may be, in ``list_bytes``.

        Returns:
            The list.

        Raises:
            CatalogError: The file is too large, or has lines that are not keys; has the first ten
                of them.
            SchemaError: The schema does not declare the entity's key as an integer or a text.
            OSError: The file cannot be read, or is not a regular file.
        """
        _key_of(schema)
        content = read_regular(Path(path), limits.list_bytes)
        if len(content) > limits.list_bytes:
            too_large = over("list_bytes", limits.list_bytes)
            raise CatalogError([_problem(Path(path), None, "SK307", **too_large)])
        keys, problems = read_keys(Path(path), content, schema)
        if problems:
            raise CatalogError(problems)
        about = {"title": title, "description": description, "owner": owner}
        return cls(Path(path).stem if name is None else name, keys, **about)

    @property
    def dtype(self) -> DType:
        """The type of the keys; an empty list has integers."""
        return TEXT if any(isinstance(k, str) for k in self._first()) else INTEGER

    def _first(self) -> Iterator[int | str]:
        yield from (key for key, _ in zip(self.keys, range(1), strict=False))

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    def __str__(self) -> str:
        return f"{self.name}: {len(self.keys):,} keys"


def kind_of_key(dtype: DType) -> Term:
    """The type of a key, as messages say it."""
    if dtype.scale is not None:
        return term("a {type}", type=str(dtype))
    return term("an integer") if dtype == INTEGER else term(f"a {dtype}")


def read_keys(
    path: Path, content: bytes, schema: Schema
) -> tuple[frozenset[int | str], list[Problem]]:
    """The keys in a file, and the lines of it that are none.

    What is wrong does not show the content: the file may be another one than was meant.

    Raises:
        SchemaError: The schema does not declare the entity's key as an integer or a text.
    """
    key = _key_of(schema)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return frozenset(), [_problem(path, line, "SK305", detail=term("not UTF-8"))]
    headings = {key.name, key.column}
    told = {"key": f"{schema.entity.name}.{key.name}", "what": kind_of_key(key.dtype)}
    read = _integer if key.dtype == INTEGER else str
    keys: set[int | str] = set()
    problems: list[Problem] = []
    try:
        for number, cell in _cells(path, text):
            if number == 1 and cell in headings:
                continue
            found = read(cell) if cell else None
            if found is None:
                problems.append(_problem(path, number, "SK306", **told))
                if len(problems) == _TOLD:
                    break
            else:
                keys.add(found)
    except csv.Error as error:
        problems.append(_problem(path, None, "SK305", detail=term("not CSV: {error}", error=error)))
    return frozenset(keys), problems


def _key_of(schema: Schema) -> Attribute:
    entity = schema.entity
    key = entity.key_attribute
    if key is None or key.dtype not in (INTEGER, TEXT):
        raise SchemaError(
            f"a list needs to know what the keys of {entity.name!r} are: declare the column "
            f"{entity.key!r} as an attribute, an integer or a text"
        )
    return key


def _cells(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, each with its number: what stands in the first column."""
    if path.suffix.lower() != ".csv":
        # Unlike splitlines, only at what ends lines in files.
        for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
            if cell := line.strip():
                yield number, cell
        return
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 1
    for row in rows:
        if any(cell.strip() for cell in row):
            yield number, row[0].strip()
        number = rows.line_num + 1


def _integer(text: str) -> int | None:
    if not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    return value if -_LARGEST - 1 <= value <= _LARGEST else None


def _problem(path: Path, line: int | None, code: str, **values: Any) -> Problem:
    found: Diagnostic = diagnostic(code, Span(0, 0), **values)
    return Problem(found, None, str(path), line, None)
