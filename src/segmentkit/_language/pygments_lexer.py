"""Colours for definitions in everything that uses Pygments: docs, terminals, slides."""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer, words
from pygments.token import (
    Comment,
    Keyword,
    Literal,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

from segmentkit._language.keywords import RESERVED, keywords

_PHRASES = (
    "segment",
    "list",
    "entered",
    "left",
    "reachable",
    "top",
    "bottom",
    "at least",
    "at most",
    "exactly",
)
_WORDS = sorted({*keywords(), *_PHRASES})


class DefinitionLexer(RegexLexer):
    """Reads definitions of segments; the name for Pygments is ``segmentkit``.

    It knows words and not the grammar, so an attribute that is called like a keyword is coloured
    as one.
    """

    name = "segmentkit"
    aliases: ClassVar = ["segmentkit"]
    tokens: ClassVar = {
        "root": [
            (r"\s+", Whitespace),
            (r"#[^\n]*", Comment.Single),
            (r'"(?:[^"\\\n]|\\.)*"', String.Double),
            (r"'(?:[^'\\\n]|\\.)*'", String.Single),
            (r"`(?:[^`\n]|``)+`", Name),
            (r":[^\W\d]\w*", Name.Variable),
            (r"\d{4}-\d\d(?:-\d\d(?:[Tt][\d:.]+(?:[Zz]|[+-]\d\d:?\d\d)?)?)?\b", Literal.Date),
            (r"\d[\d_]*(?:\.\d+)?%?", Number),
            (words(sorted(RESERVED), prefix="(?i)", suffix=r"\b"), Keyword),
            (r"[^\W\d]\w*(?=\()", Name.Function),
            (
                words(_WORDS, prefix="(?i)", suffix=r"\b"),
                Keyword,
            ),
            (r"[^\W\d](?:\w|[^\x00-\x7f\s])*", Name),
            (r"[=<>!+\-*/%]+", Operator),
            (r"[(),.]", Punctuation),
        ]
    }
