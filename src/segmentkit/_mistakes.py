"""Why a text is not a definition: the place where reading stopped, in words."""

from __future__ import annotations

import re

from segmentkit._diagnostics import Diagnostic, Span, diagnostic
from segmentkit._lexer import Token

_TEXT_WORDS = "'contains', 'starts with' or 'ends with'"
_FOREIGN = {
    "&&": "'and'", "||": "'or'", "!": "'not'", "&": "'and'", "|": "'or'",
    "like": _TEXT_WORDS, "=~": _TEXT_WORDS, "ilike": f"{_TEXT_WORDS} … 'ignoring case'",
    "equals": "'='", "startswith": "'starts with'", "endswith": "'ends with'",
    "xor": "'(a or b) and not (a and b)'",
}  # fmt: skip
_UNITS = {
    "s": "seconds", "sec": "seconds", "min": "minutes", "m": "minutes or months", "mo": "months",
    "h": "hours", "d": "days", "w": "weeks", "q": "quarters", "y": "years", "yr": "years",
}  # fmt: skip
_METRES_AGO = re.compile(r"(\d[\d_]*)\s+(m)\s+\Z", re.IGNORECASE)
_OPERAND = "NUMBER"  # a token that is acceptable exactly where an operand is


def explain(text: str, start: int, token: Token | None, expected: frozenset[str]) -> Diagnostic:
    """One diagnostic for the place where reading stopped."""
    if re.fullmatch(r"(?:\s++|#[^\n]*+)*+", text):
        return diagnostic("SK008", Span(0, 0))
    if token is not None and token.type == "$END":
        end = len(text.rstrip())
        return diagnostic("SK002", Span(end, end + 1), hint=_expectation(expected))
    return (
        _foreign(text, start)
        or (None if token is None else _explain_token(token, text, start, expected))
        or _unexpected(text, start, expected)
    )


def _foreign(text: str, start: int) -> Diagnostic | None:
    """Habits of other languages, named with what stands here instead."""
    rest = text[start:]
    if match := re.match(r"\d[\d_.]*[eE][+-]?\d+", rest):
        span = Span(start, start + match.end())
        return diagnostic("SK001", span, found=f"'{match[0]}'", hint="write numbers out: 1000")
    if match := re.match(r"(\d[\d_]*)(km|mi|miles?)\b", rest, re.IGNORECASE):
        span = Span(start, start + match.end())
        word = "miles" if match[2].lower().startswith("mi") else "km"
        hint = f"write the unit as a word of its own: {match[1]} {word}"
        return diagnostic("SK001", span, found=f"'{match[0]}'", hint=hint)
    if re.match(r"(?:ago|from)\b", rest) and (match := _METRES_AGO.search(text[:start])):
        span = Span(match.start(), match.end(2))
        written = f"{match[1]} {_UNITS[match[2].lower()]}"
        return diagnostic("SK004", span, text=text[span.start : span.end], suggestion=written)
    if match := re.match(r"(\d[\d_]*)([a-zA-Z]+)", rest):
        unit = _UNITS.get(match[2].lower())
        written = f"{match[1]} {unit}" if unit else f"{match[1]} days"
        span = Span(start, start + match.end())
        return diagnostic("SK004", span, text=match[0], suggestion=written)
    if match := re.match(r"&&|\|\||=~|[!&|]|\w+", rest):
        word = match[0].lower()
        if word in _FOREIGN:
            span = Span(start, start + match.end())
            return diagnostic("SK009", span, text=match[0], suggestion=_FOREIGN[word])
    if rest[0] in "\"'":
        line = rest.split("\n", 1)[0]
        return diagnostic("SK003", Span(start, start + len(line)), quote=rest[0])
    if rest[0] in "“”„«»‘’":
        return diagnostic(
            "SK001", Span(start, start + 1), found=f"'{rest[0]}'", hint='use straight quotes: "'
        )
    return None


def _explain_token(
    token: Token, text: str, start: int, expected: frozenset[str]
) -> Diagnostic | None:
    if token.type == "COMPARE" and _OPERAND not in expected:
        return diagnostic("SK005", token.span)
    within = re.search(r"\bwithin(\s+[\d_.]+)?\s*$", text[:start], re.IGNORECASE)
    if within and expected in ({"NUMBER"}, {"UNIT"}):
        return diagnostic("SK015", Span(within.start(), token.end_pos))
    window = re.search(r"\b(last|next|previous)\s+$", text[:start], re.IGNORECASE)
    if window and (unit := re.match(r"(?!_)[a-z]+", text[start:], re.IGNORECASE)):
        word = window[1].lower()
        calendar = "previous" if word == "last" else "this"
        span = Span(window.start(), start + unit.end())
        return diagnostic(
            "SK012", span, word=word, unit=unit[0].lower().removesuffix("s"), calendar=calendar
        )
    return None


def _unexpected(text: str, start: int, expected: frozenset[str]) -> Diagnostic:
    match = re.match(r"\w+|[^\w\s]", text[start:])
    found = match[0] if match else text[start : start + 1]
    span = Span(start, start + max(1, len(found)))
    return diagnostic("SK001", span, found=f"'{found}'", hint=_expectation(expected))


def _expectation(expected: frozenset[str]) -> str | None:
    """What could stand here, in words."""
    if _OPERAND in expected and "NAME" in expected:
        return "a name, a value, 'not' or '(' can stand here"
    if "UNIT" in expected and "COMPARE" not in expected:
        return "a unit must follow: seconds, minutes, hours, days, weeks, months, quarters, years"
    if "MISSING" in expected:
        return "'missing' or 'present' must follow"
    if "_BY" in expected and "UNIT" not in expected:
        return "'by', and what to rank by, must follow"
    if "LAST" in expected:
        return "a list '(…)', or a window such as 'last 30 days' or 'this month', must follow"
    if "COMPARE" in expected:
        return "a test such as '= …' or 'in …', 'and', 'or', or the end can follow"
    if "RPAR" in expected and "AND" in expected:
        return "'and', 'or' or ')' can follow"
    if expected == {"_BY"}:
        return "'by' and the name of a relation must follow"
    if "RPAR" in expected and "WITHIN" in expected:
        return "'where', 'within', another step or ')' can follow"
    if "RPAR" in expected:
        return "')' must follow"
    if "AND" in expected:
        return "'and', 'or' or the end can follow"
    return None
