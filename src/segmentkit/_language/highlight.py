"""A definition as HTML in which each kind of word has a class, or a colour of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import zip_longest

from lark import Token

from segmentkit._html import Html, element
from segmentkit._language.grammar import UNREADABLE, place
from segmentkit._language.parser import tokens

_CLASSES = {
    **dict.fromkeys(("STRING",), "text"),
    **dict.fromkeys(("NUMBER", "PERCENT", "DATE", "INSTANT", "PERIOD"), "number"),
    "PARAMETER": "parameter",
}
_PLAIN = {"NAME", "COMPARE", "SIGN", "TIMES", "_LPAR", "RPAR", "_COMMA", "_DOT", UNREADABLE}
_COMMENT = re.compile(r"(#[^\n]*)")


_COLOURS = {
    "text": "#2e8b57",
    "number": "#c0691a",
    "function": "#8a63d2",
    "keyword": "#3b78d8",
    "parameter": "#c2477f",
    "comment": "#808080",
}
"""Colours that can be read on white and on black: a notebook does not tell which it has."""


def coloured(text: str, *, inline: bool = False) -> Html:
    """A definition with its words in spans; all else stays as it is written.

    Args:
        text: The definition.
        inline: Whether the spans have colours instead of classes, where there is no style sheet.

    Example:
        >>> print(coloured('count(orders) > 3  # many'))
        <span class="function">count</span>(orders) &gt; <span class="number">3</span>  <span class="comment"># many</span>
    """  # noqa: E501
    pieces = (_span(kind, said, inline) for kind, said in _pieces(text))
    return Html("".join(pieces))


def _span(kind: str, said: str, inline: bool) -> Html:
    if not kind:
        return Html(escape(said))
    if inline:
        return element("span", said, style=f"color: {_COLOURS[kind]}")
    return element("span", said, class_=kind)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    for kind, token in _kinds(text):
        span = place(token)
        yield from _between(text[position : span.start])
        position = span.end
        yield kind, text[span.start : position]
    yield from _between(text[position:])


def _kinds(text: str) -> Iterator[tuple[str, Token]]:
    """Each token and its class, as far as the text can be read."""
    found = list(tokens(text))
    for token, following in zip_longest(found, found[1:]):
        if token.type == "NAME" and following is not None and following.type == "_LPAR":
            yield "function", token
        elif token.type in _PLAIN:
            yield "", token
        else:
            yield _CLASSES.get(token.type, "keyword"), token


def _between(text: str) -> Iterator[tuple[str, str]]:
    for part in _COMMENT.split(text):
        yield "comment" if part.startswith("#") else "", part
