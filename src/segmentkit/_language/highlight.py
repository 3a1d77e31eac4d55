"""A definition as HTML in which each kind of word has a class, for a style sheet to colour."""

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


def coloured(text: str) -> Html:
    """A definition with its words in spans; all else stays as it is written.

    Example:
        >>> print(coloured('count(orders) > 3  # many'))
        <span class="function">count</span>(orders) &gt; <span class="number">3</span>  <span class="comment"># many</span>
    """  # noqa: E501
    return Html("".join(_pieces(text)))


def _pieces(text: str) -> Iterator[Html]:
    position = 0
    for kind, token in _kinds(text):
        span = place(token)
        yield from _between(text[position : span.start])
        position = span.end
        said = text[span.start : position]
        yield element("span", said, class_=kind) if kind else _plain(said)
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


def _between(text: str) -> Iterator[Html]:
    for part in _COMMENT.split(text):
        yield element("span", part, class_="comment") if part.startswith("#") else _plain(part)


def _plain(text: str) -> Html:
    return Html(escape(text))
