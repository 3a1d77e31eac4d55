"""Errors of commands: one message and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import click

from segmentkit._diagnostics.languages import chosen, in_words
from segmentkit._diagnostics.wording import term
from segmentkit.errors import CatalogError, Problem, SegmentkitError

WRONG = 1
"""The exit code when definitions are wrong."""


class Wrong(click.ClickException):
    """Definitions that do not stand. The message is shown as it is.

    Args:
        message: What to show.
        problems: The same for programs, as far as it has places.
    """

    exit_code = WRONG

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    def show(self, file: object = None) -> None:
        """Print the message."""
        show(self.message, error=True)


class Failure(click.ClickException):
    """A call that cannot be answered here: a file, an option, the database."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        """Print the message, on one line."""
        show(f"Error: {one_line(self.message)}", error=True)


@contextmanager
def definitions_of(file: str) -> Iterator[None]:
    """Say which file it was in which a definition or the schema is wrong."""
    try:
        yield
    except CatalogError as error:
        count = len(error.problems)
        many = term("1 mistake") if count == 1 else term("{count} mistakes", count=count)
        mistakes = in_words(many, chosen())
        raise Wrong(f"{error}\n{file}: {mistakes}", error.problems) from None
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


_File = TypeVar("_File")


def each(files: Iterable[_File], work: Callable[[_File], int]) -> int:
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


def say(text: str, *, error: bool = False) -> None:
    """Print lines; nothing in them can steer a terminal.

    Args:
        text: What to print.
        error: Whether it goes to standard error.
    """
    click.echo(printable(text), err=error)


def show(text: str, *, error: bool = False) -> None:
    """Print diagnostics or an explanation; on a terminal, definitions are coloured.

    Args:
        text: What to print; nothing in it can steer a terminal.
        error: Whether it goes to standard error.
    """
    text = printable(text)
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
        c if c.isprintable() or c in _SPACES else "\N{REPLACEMENT CHARACTER}" for c in text
    )


_SPACES = "\n\t\u00a0\u202f"  # the last two stand between the digits of numbers


def one_line(text: str) -> str:
    """The text on one line, without what would steer a terminal."""
    return printable(" ".join(text.split()))
