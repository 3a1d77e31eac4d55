"""``grammar.lark`` → the parser that Lark makes of it.

The tables of the parser are saved as data of this package, so that no process has to make them:
``python -m segmentkit._language.grammar`` does that when the grammar changes. They are JSON, not
the pickle of ``Lark.save``. Where they do not fit, Lark makes them anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pkgutil import get_data
from typing import Any

from lark import Lark, Token
from lark import __version__ as lark_version
from lark.grammar import Rule
from lark.lexer import TerminalDef

from segmentkit._diagnostics.diagnostic import Span
from segmentkit._language.keywords import RESERVED, grammar, keywords

TABLES = "tables.json"
_OPTIONS = {"parser": "lalr", "lexer": "contextual", "start": ["start"]}

UNREADABLE = "UNREADABLE"
"""The kind of what begins no token: no rule has it."""


class Words:
    """What the lexer's regular expressions do not know of words; stands before Lark's parser.

    Names are read everywhere, and reserved words are none, so it is the parser that refuses both.
    """

    always_accept = ("NAME",)

    def __init__(self) -> None:
        self._reserved = {word: keywords()[word] for word in RESERVED}
        self._kinds = {"NAME", *keywords().values()} - {"UNIT", "LENGTH", "STEP"}

    def process(self, tokens: Iterator[Token]) -> Iterator[Token]:
        """The tokens of a text: keywords are ASCII, names are letters, digits and marks on them."""
        for token in tokens:
            if token.isascii():
                if token.type == "NAME":
                    token.type = self._reserved.get(token.lower(), "NAME")
                yield token
            elif token.type in self._kinds and token[0] != "`":
                yield from self._of_letters(token)
            else:
                yield token

    def _of_letters(self, token: Token) -> Iterator[Token]:
        start = token.start_pos
        assert start is not None
        length = next((i for i, c in enumerate(token) if not _in_names(c)), len(token))
        word = token[:length]
        kind = self._reserved.get(word.lower(), "NAME") if word.isascii() else "NAME"
        yield _token(kind, word, start)
        if length < len(token):
            yield _token(UNREADABLE, token[length:], start + length)


def _in_names(character: str) -> bool:
    return character.isalnum() or ("a" + character).isidentifier()


def _token(kind: str, value: str, start: int) -> Token:
    return Token(kind, value, start, end_pos=start + len(value))


def place(token: Token) -> Span:
    """Where a token stands."""
    assert token.start_pos is not None
    assert token.end_pos is not None
    return Span(token.start_pos, token.end_pos)


def parser(builder: object) -> Lark:
    """The parser of the grammar, from the saved tables where they fit.

    Args:
        builder: Called at each reduction, by the names in the grammar, with a list of the parts.
    """
    given = {"postlex": Words(), "transformer": builder}
    tables = json.loads(get_data(__package__, TABLES) or "{}")
    if tables.get("made from") == _made_from():
        tables["data"]["options"] |= given
        with suppress(Exception):  # whatever a later version of Lark may not understand
            return Lark.load(with_numbers(tables))
    return Lark(grammar(), **_OPTIONS, **given)


def with_numbers(tables: dict[str, Any]) -> dict[str, Any]:
    """The same tables, where the keys that were numbers before they were JSON are so again."""
    parser = tables["data"]["parser"]["parser"]
    parser["states"] = {state: _numbered(row) for state, row in _numbered(parser["states"]).items()}
    parser["tokens"] = _numbered(parser["tokens"])
    return {**tables, "memo": _numbered(tables["memo"])}


def _numbered(found: dict[str, Any]) -> dict[int, Any]:
    return {int(key): value for key, value in found.items()}


def _made_from() -> str:
    """What the tables depend on: the grammar, and the form that Lark gives them."""
    return f"{sha256(grammar().encode()).hexdigest()} {lark_version.split('.')[0]}"


def tables() -> str:
    """The tables of the grammar as JSON."""
    lark = Lark(grammar(), **_OPTIONS, postlex=Words())
    data, memo = lark.memo_serialize([TerminalDef, Rule])
    data["options"] = _OPTIONS
    return json.dumps({"made from": _made_from(), "data": data, "memo": memo})


if __name__ == "__main__":
    with open(os.path.join(os.path.dirname(__file__), TABLES), "w", encoding="utf-8") as file:
        file.write(tables())
