"""Output for people and for programs: tables, shares, times, progress bars."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOBase
from typing import TextIO

import click
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from segmentkit._cli._errors import one_line, printable, show
from segmentkit._cli._terminal import coloured_sql, screen
from segmentkit._diagnostics.languages import localized
from segmentkit._results.freshness import Loaded
from segmentkit.partition import Audit


def show_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str]
) -> None:
    """Print a table.

    Args:
        head: The columns' names.
        rows: The cells.
        numbers: The columns that hold numbers.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in head:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    screen().print(table)


def show_json(value: object) -> None:
    """Print values as JSON, in which what would steer a terminal is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    click.echo("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def show_sql(text: str) -> None:
    """Print SQL: as it is into a file or a pipe, in colours on a terminal."""
    if sys.stdout.isatty():
        screen().print(coloured_sql(printable(text)), soft_wrap=True, end="")
    else:
        click.echo(text)


_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What a cell begins with that a spreadsheet takes for a formula, in any of the usual settings."""


def write_csv(
    stream: TextIO | TextIOBase, rows: Iterable[Sequence[object]], *, spreadsheet: bool
) -> int:
    """Write rows as CSV.

    Args:
        stream: Where to.
        rows: The cells.
        spreadsheet: Whether a text that would be a formula gets an apostrophe before it.

    Returns:
        How many there were.
    """
    plain = csv.writer(stream, lineterminator="\n")
    # Before Python 3.13 a carriage return that does not end lines stands without quotes.
    quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    count = 0
    for row in rows:
        count += 1
        lines = quoted if any(isinstance(cell, str) and "\r" in cell for cell in row) else plain
        lines.writerow([_harmless(cell) for cell in row] if spreadsheet else row)
    return count


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def show_audit(audit: Audit) -> None:
    """Print how many each part of a partition would have alone, and has."""
    rows = (
        (
            part.label,
            localized(part.alone),
            localized(part.got),
            percent(part.got, audit.population),
            ", ".join(f"{label} {localized(count)}" for label, count in part.lost.items()),
        )
        for part in audit.parts
    )
    show_table(
        ("Part", "Alone", "Got", "Share", "Lost to"), rows, numbers=("Alone", "Got", "Share")
    )


def warn_of(loaded: Iterable[Loaded]) -> None:
    """Say on standard error which tables are not as fresh as they should be."""
    for each in loaded:
        if each.state != "ok":
            word = "stale" if each.state == "stale" else "warning"
            show(f"{word}: {one_line(str(each))}", error=True)


def percent(part: int, whole: int) -> str:
    """A share: ``12.5%``, as in the analyses."""
    return localized(part / whole, ".1%") if whole else "–"


def duration(seconds: float) -> str:
    """How long it took: ``12 ms`` or ``3.45 s``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{localized(seconds, '.2f')} s"


class Bars:
    """Bars on a terminal, one a step; nothing anywhere else."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        self._console = console
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show how much of a step is done."""
        if self._progress is None:
            return
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(one_line(step), total=total)
        self._progress.update(self._tasks[step], completed=done)

    def say(self, text: str) -> None:
        """Print a line, above the bars if there are any."""
        self._console.print(Text(one_line(text)))


@contextmanager
def bars() -> Iterator[Bars]:
    """Show bars on standard error, if that is a terminal, and remove them at the end."""
    console = screen(error=True)
    if not console.is_terminal:
        yield Bars(console, None)
        return
    step = TextColumn("{task.description}", markup=False)
    columns = (step, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bars(console, progress)
