"""Text → tokens. A word is a keyword only where it can be one, so few words are reserved."""

from __future__ import annotations

import re
from collections.abc import Iterator

from segmentkit._diagnostics.diagnostic import Span


class Token:
    """A piece of the text: its kind, what it says and where it stands."""

    __slots__ = ("end_pos", "start_pos", "type", "value")

    def __init__(self, kind: str, value: str, start: int, end: int) -> None:
        self.type = kind
        self.value = value
        self.start_pos = start
        self.end_pos = end

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.start_pos, self.end_pos)


class Unreadable(Exception):
    """No token begins at this place."""

    def __init__(self, position: int) -> None:
        self.position = position


RESERVED = {
    "and": "AND",
    "or": "OR",
    "not": "NOT",
    "in": "_IN",
    "is": "_IS",
    "between": "_BETWEEN",
    "where": "_WHERE",
    "contains": "CONTAINS",
    "starts": "STARTS",
    "ends": "ENDS",
    "true": "TRUE",
    "false": "FALSE",
    "today": "TODAY",
    "now": "NOW",
    "distinct": "DISTINCT",
    "ignoring": "_IGNORING",
}
"""Words that are never names, unless they stand in backquotes."""

_UNIT = dict.fromkeys(
    [
        unit + plural
        for unit in ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
        for plural in ("", "s")
    ],
    "UNIT",
)
_LENGTH = dict.fromkeys(["m", "km", "mile", "miles"], "LENGTH")
_IN_WORDS = {"last": "LAST", "next": "NEXT", "this": "THIS", "previous": "PREVIOUS"}
_IS_WORDS = {"missing": "MISSING", "present": "PRESENT", "null": "NULL"}
_AFTER = {
    "NUMBER": _UNIT | _LENGTH | {"by": "_BY"},
    "PERCENT": {"by": "_BY"},
    "_AMONG": {"everyone": "EVERYONE"},
    "PARAMETER": _LENGTH,
    "THIS": _UNIT,
    "PREVIOUS": _UNIT,
    "LAST": _UNIT,
    "NEXT": _UNIT,
    "UNIT": {"ago": "AGO", "from": "_FROM"},
    "_IN": _IN_WORDS,
    "_IS": _IS_WORDS,
    "CONTAINS": {"any": "ANY", "all": "ALL"},
    "STARTS": {"with": "_WITH"},
    "ENDS": {"with": "_WITH"},
    "_IGNORING": {"case": "CASE"},
    "STEP": {"by": "_BY"},
}
"""Words that are keywords right after a token of a kind, and names elsewhere."""

_ENDS = (
    *("NAME", "QUOTED", "STRING", "PARAMETER", "NUMBER", "DATE", "INSTANT", "PERIOD", "UNIT"),
    *("RPAR", "TRUE", "FALSE", "TODAY", "NOW", "AGO", "MISSING", "PRESENT", "NULL", "CASE"),
    *("LENGTH", "PERCENT"),
)
"""What ends an operand or a test: no name stands right after one."""
_NEXT = {"followed": "STEP", "preceded": "STEP", "within": "WITHIN", "among": "_AMONG"}

KEYWORDS = {
    (word, kind) for words in (RESERVED, _NEXT, *_AFTER.values()) for word, kind in words.items()
}
"""Every word that can be a keyword, with the kind of token that it is then."""

_AFTER |= {kind: _AFTER.get(kind, {}) | _NEXT for kind in _ENDS}

_PUNCTUATION = {"(": "_LPAR", ")": "RPAR", ",": "_COMMA", ".": "_DOT", "%": "PERCENT"}
_PUNCTUATION |= dict.fromkeys("+-", "SIGN") | dict.fromkeys("*/", "TIMES")

# The quantifiers are possessive: no text makes the search go back and try again.
_TOKEN = re.compile(
    r"""
    (?: \s++ | \#[^\n]*+ )*+
    (?:
        (?P<WORD> [^\W\d]\w*+ )
      | (?P<INSTANT> \d{4}-\d\d-\d\d[Tt]\d\d:\d\d (?: :\d\d (?: \.\d{1,6} )? )?
                     (?: [Zz] | [+-]\d\d:?\d\d )? (?!\w) )
      | (?P<DATE> \d{4}-\d\d-\d\d (?!\w) )
      | (?P<NUMBER> (?: 0 | [1-9](?:_?\d)*+ ) (?: \.\d++ )?+ (?!\w) )
      | (?P<EARLY> 0\d\d\d (?: -\d\d )? (?![\w-]) )
      | (?P<STRING> " (?: [^"\\\n] | \\. )*+ " | ' (?: [^'\\\n] | \\. )*+ ' )
      | (?P<COMPARE> == | != | <> | <= | >= | [=<>] )
      | (?P<PUNCTUATION> [(),.+\-*/%] )
      | (?P<PARAMETER> :[^\W\d]\w*+ )
      | (?P<QUOTED> ` (?: [^`\n] | `` )++ ` )
      | (?P<END> \Z )
    )
    """,
    re.VERBOSE,
)
_PERIOD = re.compile(r"\d{4}(?:-\d\d)?(?![\w-])")
_RANK = re.compile(r"\s*+\d")
_RANKS = {"top": "TOP", "bottom": "BOTTOM"}
_PHRASES = frozenset({"in", "not", "reachable", *_RANKS})
"""Words that what comes after can make another token of."""
_SEGMENT = re.compile(r"\s++(?ai:(segment)|list)(?!\w)")
_BY = re.compile(r"\s++(?ai:by)(?!\w)")
_NEGATED_STEP = re.compile(r"(?:\s++|#[^\n]*+)++(?ai:followed|preceded)(?!\w)")


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a definition, and ``$END``.

    Raises:
        Unreadable: At a character with which no token begins.
    """
    match, before, last, position = _TOKEN.match, "", "", 0
    plain = text.isascii()
    while True:
        found = match(text, position)
        if found is None:
            raise Unreadable(_skip(text, position))
        kind = found.lastgroup
        assert kind is not None
        start, position = found.span(found.lastindex or 0)
        value = text[start:position]
        if kind == "WORD":
            if not plain and text[position : position + 1] > "\x7f":
                position = _end_of_name(text, position)
                value = text[start:position]
            word = value.lower()
            kind = _word(word, before, last)
            if word not in _PHRASES:
                pass  # as most words are
            elif kind == "_IN" and (what := _SEGMENT.match(text, position)):
                kind, position = "IN_SEGMENT" if what[1] else "IN_LIST", what.end()
            elif kind == "NOT" and last in _ENDS and (step := _NEGATED_STEP.match(text, position)):
                kind, position = "STEP", step.end()
                value = text[start:position]
            elif word == "reachable" and (by := _BY.match(text, position)):
                kind, position = "REACHABLE", by.end()
            elif kind == "NAME" and word in _RANKS and _RANK.match(text, position):
                kind = _RANKS[word]
        elif kind == "PUNCTUATION":
            kind = _PUNCTUATION[value]
        elif kind == "EARLY":
            # Years before 1000: no number begins with a zero.
            if last != "_IN":
                raise Unreadable(start)
            kind = "PERIOD"
        elif kind == "END":
            kind = "$END"
        elif kind == "NUMBER" and last == "_IN" and (period := _PERIOD.match(text, start)):
            kind, value, position = "PERIOD", period[0], period.end()
        yield Token(kind, value, start, position)
        if kind == "$END":
            return
        before, last = last, kind


def _word(word: str, before: str, last: str) -> str:
    here = _AFTER.get(last)
    if here is not None and word in here:
        return here[word]
    if last == "NOT" and before == "_IS" and word in _IS_WORDS:
        return _IS_WORDS[word]
    return RESERVED.get(word, "NAME")


def _end_of_name(text: str, position: int) -> int:
    """Past the marks that go on a letter, of which regular expressions know nothing."""
    while position < len(text) and ("a" + text[position]).isidentifier():
        position += 1
    return position


def _skip(text: str, position: int) -> int:
    """Past white space and comments."""
    found = re.compile(r"(?:\s++|#[^\n]*+)*+").match(text, position)
    return found.end() if found else position
