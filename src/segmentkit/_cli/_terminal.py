"""What a terminal shows, with definitions in colours."""

from __future__ import annotations

import re
import sys
from itertools import zip_longest
from typing import NoReturn

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from segmentkit._language.pygments_lexer import DefinitionLexer

_CODE = re.compile(r"\bSK\d{3}\b")
_HINT = re.compile(r"^ +[^\W\d]+:")
_VERDICT = re.compile(r"^ *[✓✗?] ")
_ERROR = re.compile(r"^Error:")
_CARETS = re.compile(r"^\s*\^+$")


_ENDLESS = 10_000
"""The width of a line that goes into a file or a pipe, where nothing may be cut."""


class _Screen(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Leave it to the command line, as for everything else that is printed."""
        raise  # noqa: PLE0704 - called while the error is handled


def screen(*, error: bool = False) -> Console:
    """Where results are shown, or messages if ``error``."""
    stream = sys.stderr if error else sys.stdout
    return _Screen(file=stream, width=None if stream.isatty() else _ENDLESS, highlight=False)


def coloured(text: str) -> Text:
    """The text with colours: definitions, codes, carets.

    Args:
        text: Rendered diagnostics, or an explanation.

    Returns:
        The same characters, with styles.
    """
    lines = text.split("\n")
    painted = [_line(line, below or "") for line, below in zip_longest(lines, lines[1:])]
    return Text("\n").join(painted)


def _line(line: str, below: str) -> Text:
    if _CARETS.match(line):
        return Text(line, "bold red")
    if _CARETS.match(below):
        return _definition(line)
    if verdict := _VERDICT.match(line):
        return Text(verdict[0]) + _definition(line[verdict.end() :])
    found = Text(line)
    found.highlight_regex(_ERROR, "bold red")
    found.highlight_regex(_CODE, "bold")
    found.highlight_regex(_HINT, "bold")
    return found


def coloured_sql(text: str) -> Text:
    """SQL with colours, and its comments."""
    return Syntax("", "sql", theme="ansi_dark").highlight(text)


def _definition(text: str) -> Text:
    # The colours of the terminal itself: nobody else knows whether it is light or dark.
    syntax = Syntax("", DefinitionLexer(stripnl=False, ensurenl=False), theme="ansi_dark")
    return syntax.highlight(text)
