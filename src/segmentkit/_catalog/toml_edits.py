"""Edits of a TOML text that leave everything else as it is, byte for byte, comments included."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from typing import Any
from uuid import uuid4

import tomlkit
from tomlkit.container import Container, OutOfOrderTableProxy
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import SingleKey

from segmentkit._catalog.refactoring import Edit
from segmentkit._catalog.toml_file import BYTE_ORDER_MARK, Entry
from segmentkit.errors import UsageError


class TomlEdits:
    """Changes of the strings and the keys of one TOML text.

    Marks take the place of the strings, so that what stands between them is known to be as it was
    before anything is put there.
    """

    def __init__(self, text: str) -> None:
        self._mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
        self._before = text.removeprefix(self._mark)
        self._old: dict[str, str] = {}
        self._new: dict[str, str] = {}
        self._keys: list[tuple[Any, str, str]] = []
        self._added: list[tuple[Any, str, str]] = []
        try:
            self.document = tomlkit.parse(self._before)
        except TOMLKitError as error:
            raise UsageError(f"cannot find the definitions: {error}") from None

    def place(self, entry: Entry) -> tuple[Any, str]:
        """The table that holds a definition, and under which key."""
        table: Any = self.document[f"{entry.kind}s"]
        if isinstance(table[entry.name], str):
            return table, entry.name
        return table[entry.name], "where" if entry.kind == "segment" else "value"

    def characters(self, entries: Iterable[Entry]) -> list[list[tuple[int, int]]]:
        """Where each character of some definitions begins and ends in the text.

        Raises:
            UsageError: It is written in a way in which they cannot be found.
        """
        marks = []
        for entry in entries:
            table, key = self.place(entry)
            marks.append(self.put(table, key, table[key].as_string()))
        marked = self._marked()
        starts, longer = {}, len(self._mark)
        for match in re.finditer("|".join(marks), marked) if marks else ():
            starts[match[0]] = match.start() + longer
            longer += len(self._old[match[0]]) - len(match[0])
        return [
            [
                (starts[mark] + start, starts[mark] + end)
                for start, end in _characters(self._old[mark])
            ]
            for mark in marks
        ]

    def put(self, table: Any, key: str | int, written: str) -> str:
        """Write something else in the place of a string, quotes and all.

        Returns:
            The mark that stands there until then.
        """
        mark = f"'{uuid4().hex}'"
        self._old[mark] = table[key].as_string()
        self._new[mark] = written
        table[key] = tomlkit.string(mark[1:-1], literal=True)
        return mark

    def change(self, table: Any, key: str | int, edits: Iterable[Edit]) -> None:
        """Change parts of a string; its other characters stay as they are written."""
        self.put(table, key, _edited(table[key].as_string(), edits))

    def rename(self, table: Any, key: str, name: str) -> None:
        """Give a key another name, where it stands."""
        self._keys.append((table, key, name))

    def add(self, table: Any, key: str, text: str) -> None:
        """Write one more text into a table."""
        self._added.append((table, key, text))

    def text(self) -> str:
        """The text with all changes.

        Raises:
            UsageError: It is written in a way in which they cannot be made.
        """
        self._marked()
        for table, key, text in self._added:
            table[key] = text
        for table, key, name in self._keys:
            _rename(table, key, name)
        return self._mark + _filled(self.document.as_string(), self._new)

    def _marked(self) -> str:
        """The text with marks in the places of strings, and with nothing else changed."""
        marked: str = self.document.as_string()
        if _filled(marked, self._old) != self._before:
            raise UsageError("the definitions cannot be replaced without changing more of the file")
        return marked


def _filled(marked: str, strings: dict[str, str]) -> str:
    if not strings:
        return marked
    pattern = re.compile("|".join(map(re.escape, strings)))
    return pattern.sub(lambda match: strings[match[0]], marked)


def _rename(table: Any, key: str, name: str) -> None:
    if isinstance(table, OutOfOrderTableProxy):
        for part in table._tables:
            _rename(part, key, name)
        return
    container = table if isinstance(table, Container) else table.value
    for i, (old, item) in enumerate(container.body):
        if old is not None and old.key == key:
            written = old.as_string()
            space = written[len(written.rstrip()) :]
            new = copy(old)
            new.key = name
            new._original = SingleKey(name).as_string() + space
            container.body[i] = new, item
            if hasattr(item, "display_name"):  # the header as it was written
                item.display_name = None


_CHARACTER = {
    "'": re.compile(r"\r\n|.", re.DOTALL),
    '"': re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[ \t]*\r?\n\s*|.)|\r\n|.", re.DOTALL),
}
_CONTINUED = re.compile(r"\\[ \t]*\r?\n")


def _edited(written: str, edits: Iterable[Edit]) -> str:
    """A TOML string in which parts of its value are replaced."""
    quotes, places = _quotes(written), _characters(written)
    parts, at = [], 0
    for span, new in sorted(edits, key=lambda edit: edit[0].start):
        start = places[span.start][0]
        parts += [written[at:start], _escaped(new, quotes)]
        at = places[span.end - 1][1] if span.end > span.start else start
    return "".join([*parts, written[at:]])


def _quotes(written: str) -> str:
    return written[:3] if written[:3] in ("'''", '"""') else written[0]


def _characters(written: str) -> list[tuple[int, int]]:
    """Where each character of a TOML string's value begins and ends in it, and the value's end."""
    quotes = _quotes(written)
    inside = written[len(quotes) : -len(quotes)]
    start = len(quotes)
    if len(quotes) == 3 and (opening := re.match(r"\r?\n", inside)):
        start += opening.end()  # which is no part of the value
    found = _CHARACTER[quotes[0]].finditer(written, start, len(written) - len(quotes))
    places = [match.span() for match in found if not _CONTINUED.match(match[0])]
    return [*places, (len(written) - len(quotes),) * 2]


def _escaped(text: str, quotes: str) -> str:
    """A name as it stands in a string with such quotes."""
    if quotes[0] == "'":
        if "'" in text:
            raise UsageError(
                f"the name {text} cannot be written in a TOML string with the quotes {quotes}"
            )
        return text
    return text.replace("\\", "\\\\").replace('"', '\\"')


def string_like(text: str, written: str) -> str:
    """A text as a TOML string, in the quotes of another if nothing needs escapes there."""
    had = _quotes(written)
    plain = text.isprintable()
    fits = {
        "'": plain and "'" not in text,
        '"': plain and not {'"', "\\"} & set(text),
        "'''": plain and "''" not in text and not text.endswith("'"),
        '"""': plain and '""' not in text and not re.search(r'\\|"$', text),
    }
    for quotes in (had, "'", '"', "'''"):
        if fits[quotes]:
            return f"{quotes}{text}{quotes}"
    return tomlkit.string(text).as_string()
