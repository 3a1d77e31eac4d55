"""What every analysis returns: it prints, shows itself in a notebook, and has a frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import pandas as pd

from segmentkit._calendar import shown
from segmentkit._diagnostics.diagnostic import encodable
from segmentkit._diagnostics.languages import dated, localized
from segmentkit._html import Html, element, table


def number(value: Any) -> str:
    """A whole number, with separators."""
    return localized(value)


def share(value: Any) -> str:
    """A share as per cent."""
    return localized(value, ".1%")


def figure(value: Any) -> str:
    """A number of any size, to as many digits as one reads."""
    return localized(value, ",.0f" if abs(value) >= 1000 else ".4g")


def chance(value: Any) -> str:
    """A value of p."""
    return f"<{localized(0.001, '')}" if value < 0.001 else localized(value, ".3f")


def rounded(value: Any) -> str:
    """A number to four digits, and a large one to the next whole one."""
    return localized(value, ",.0f" if 1e4 <= abs(value) < 1e15 else ",.4g")


def plural(count: int, word: str) -> str:
    """So many of something."""
    return f"{localized(count)} {word}" if count == 1 else f"{localized(count)} {word}s"


def moment(at: datetime) -> str:
    """An instant, as its zone's clocks show it."""
    return dated(shown(at))


def distinct(texts: Sequence[str], most: int) -> list[str]:
    """Texts of at most so many letters; those that differ still do.

    Example:
        >>> distinct(["a long text", "a long tent", "short"], 8)
        ['a l…text', 'a l…tent', 'short']
        >>> distinct(["a long text, to be cut"], 8)
        ['a long …']
    """
    found = {text: text if len(text) <= most else text[: most - 1] + "…" for text in texts}
    for cut in (_middle, _numbered):
        alike = Counter(found.values())
        again = [text for text in found if alike[found[text]] > 1]
        found |= {text: cut(text, most, place) for place, text in enumerate(again, 1)}
    return [found[text] for text in texts]


def _middle(text: str, most: int, _: int) -> str:
    """A text without its middle."""
    head, tail = (most - 1) // 2, most // 2
    return text if len(text) <= most else f"{text[:head]}…{text[-tail:]}"


def _numbered(text: str, most: int, place: int) -> str:
    """A text with a number after it."""
    return f"{text[: most - len(f'{place}') - 2]}… {place}"


class Result(ABC):
    """A table with a heading above it and words below it.

    A result prints as text, shows itself in a notebook, and gives its numbers as a data frame.
    """

    _formats: ClassVar[Mapping[str, Callable[[Any], str]]] = {}
    """How numbers are written, by their columns; they stand to the right."""

    @property
    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """The numbers."""

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """What the numbers say, in words."""

    @property
    @abstractmethod
    def _title(self) -> str:
        """What was asked, of whom and when."""

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        """The heads of the columns, and the rows as text."""
        frame = self.frame.head(_MOST)
        heads = [str(name) for name in frame.columns]
        columns = [
            distinct([_cell(self._formats.get(head), value) for value in frame[head]], _LONG)
            for head in frame.columns
        ]
        return heads, [list(row) for row in zip(*columns, strict=True)]

    def _below(self) -> tuple[str, ...]:
        """What stands below the table."""
        more = len(self.frame) - _MOST
        return (
            *([f"… and {plural(more, 'more row')} in `frame`"] if more > 0 else []),
            *self.notes,
        )

    def __str__(self) -> str:
        heads, rows = self._cells()
        lines = [self._title]
        if rows:
            widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
            for row in (heads, *rows):
                cells = [
                    f"{cell:>{width}}" if head in self._formats else f"{cell:{width}}"
                    for head, cell, width in zip(heads, row, widths, strict=True)
                ]
                lines.append("  ".join(cells).rstrip())
        return encodable("\n".join([*lines, *self._below()]))

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        # IPython asks class by class, and would find the `__repr__` that attrs makes first.
        cls._repr_pretty_ = Result._repr_pretty_  # type: ignore[method-assign]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        heads, rows = self._cells()
        shown = [table(heads, rows, tuple(self._formats))] if rows else []
        notes = [element("p", note) for note in self._below()]
        told = element("div", element("p", element("b", self._title)), *shown, *notes)
        return Html(encodable(told))


_LONG = 90
_MOST = 60
"""Rows that are shown."""


def _cell(write: Callable[[Any], str] | None, value: Any) -> str:
    if value is None or value is pd.NA or value != value:
        return "–"
    if write is not None:
        return write(value)
    if isinstance(value, datetime):
        return moment(value)
    return " ".join(str(value).split())
