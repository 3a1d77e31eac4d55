"""Errors of commands: one message and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from segmentkit.errors import CatalogError, SegmentkitError

WRONG = 1
"""The exit code when definitions are wrong."""


class Wrong(click.ClickException):
    """Definitions that do not stand. The message is shown as it is."""

    exit_code = WRONG

    def show(self, file: object = None) -> None:
        """Print the message."""
        show(printable(self.message), error=True)


class Failure(click.ClickException):
    """A call that cannot be answered here: a file, an option, the database."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        """Print the message, on one line."""
        click.echo(f"Error: {one_line(self.message)}", err=True)


@contextmanager
def definitions_of(file: str) -> Iterator[None]:
    """Say which file it was in which a definition or the schema is wrong."""
    try:
        yield
    except CatalogError as error:
        count = len(error.problems)
        mistakes = "1 mistake" if count == 1 else f"{count} mistakes"
        raise Wrong(f"{error}\n{file}: {mistakes}") from None
    except SegmentkitError as error:
        raise Wrong(f"{file}: {error}") from None


def complaint(error: Exception) -> click.ClickException | None:
    """What to tell of an error that a command let through; None if it is a bug of ours."""
    match error:
        case click.ClickException():
            return error
        case SegmentkitError():
            return Wrong(str(error))
        case OSError():
            return Failure(os_message(error))
        case _:
            return None


def os_message(error: OSError) -> str:
    """What the operating system says, with the file's name before it."""
    why = error.strerror or str(error)
    return why if error.filename is None else f"{error.filename}: {why}"


def each(files: Iterable[Path], work: Callable[[Path], int]) -> int:
    """Do the same for several files, and go on after one that is wrong.

    Args:
        files: The files.
        work: Does it for one, and returns an exit code.

    Returns:
        The worst exit code.
    """
    worst = 0
    for file in files:
        try:
            code = work(file)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        worst = max(worst, code)
    return worst


def show(text: str, *, error: bool = False) -> None:
    """Print diagnostics or an explanation; on a terminal, definitions are coloured.

    Args:
        text: What to print.
        error: Whether it goes to standard error.
    """
    if not (sys.stderr if error else sys.stdout).isatty():
        click.echo(text, err=error)
        return
    from segmentkit._cli._terminal import (  # noqa: PLC0415 - slow to load, for terminals only
        coloured,
        screen,
    )

    screen(error=error).print(coloured(text), soft_wrap=True)


def printable(text: str) -> str:
    """The text without what would steer a terminal."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def one_line(text: str) -> str:
    """The text on one line, without what would steer a terminal."""
    return printable(" ".join(text.split()))
