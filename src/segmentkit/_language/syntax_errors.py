"""Why a text is not a definition: the place where reading stopped, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lark import Token

from segmentkit._diagnostics.diagnostic import Diagnostic, Hint, Span, advice, diagnostic, suggest
from segmentkit._diagnostics.wording import Term, term
from segmentkit._language import slips
from segmentkit._language.foreign_numbers import number_or_date
from segmentkit._language.grammar import place
from segmentkit._language.habits import habit, spaced
from segmentkit._language.keywords import UNITS, keywords

_TEXT_WORDS = term("'contains', 'starts with' or 'ends with'")
_FOLDED_WORDS = term("'contains', 'starts with' or 'ends with' … 'ignoring case'")
_PATTERN = term("'matches', of the whole text: \".*\" stands for what may be around")
_FOREIGN: dict[str, Term | str] = {
    "&&": "'and'", "||": "'or'", "!": "'not'", "&": "'and'", "|": "'or'", "∧": "'and'",
    "∨": "'or'", "¬": "'not'", "≥": "'>='", "=>": "'>='", "≤": "'<='", "=<": "'<='",
    "≠": "'!='", "!==": "'!='", "===": "'='", "eq": "'='", "equal": "'='", "equals": "'='",
    "ne": "'!='", "gt": "'>'", "ge": "'>='", "gte": "'>='", "lt": "'<'", "le": "'<='",
    "lte": "'<='",
    "greater": "'>'", "less": "'<'", "–": "'-'", "−": "'-'", "×": "'*'", "÷": "'/'",
    "like": _TEXT_WORDS, "=~": _PATTERN, "~": _PATTERN, "~*": _PATTERN, "regexp": _PATTERN,
    "rlike": _PATTERN, "match": _PATTERN,
    "ilike": _FOLDED_WORDS,
    "include": "'contains'", "includes": "'contains'",
    "startswith": "'starts with'", "begins": "'starts with'", "endswith": "'ends with'",
    "after": "'>'", "since": "'>='", "before": "'<'", "until": "'<='", "but": "'and'",
    "except": "'and not'", "unless": "'and not'", "xor": "'(a or b) and not (a and b)'",
    "^": "'(a or b) and not (a and b)'",
}  # fmt: skip
_ADVICE = {
    "//": advice("comment_begins"), "/*": advice("comment_begins"),
    ";": advice("one_condition_without_end", ""), "the": advice("leave_it_out", ""),
    "yesterday": advice("yesterday_in_window"), "[": advice("list_in_round_brackets"),
    "percent": advice("write_quoted", text="%"),
}  # fmt: skip
_UNIT_WORDS = {*UNITS, *(f"{unit}s" for unit in UNITS)}
_OPERAND = "NUMBER"  # a token that is acceptable exactly where an operand is


def explain(text: str, start: int, token: Token | None, expected: frozenset[str]) -> Diagnostic:
    """One diagnostic for the place where reading stopped."""
    if re.fullmatch(r"(?:\s++|#[^\n]*+)*+", text):
        return diagnostic("SK008", Span(0, 0))
    at_end = token is not None and token.type == "$END"
    if at_end:
        start = len(text.rstrip())
    elif number := number_or_date(text, start) or (token is None and slips.quoted(text, start)):
        return number
    if meant := habit(text, start) or slips.joints(text, start, at_end):
        return meant
    if at_end:
        closing = slips.missing_bracket(text) if "RPAR" in expected else None
        hint = _expectation(expected, text)
        if re.search(r"\bbetween\s+[^\s()]+\s*\Z", text[:start], re.IGNORECASE):
            hint = advice("upper_end_must_follow")
        elif "END" in expected:
            hint = advice("end_of_case", " end")
        return closing or diagnostic("SK002", Span(start, start + 1), hint=hint)
    return (
        slips.foreign_word(text, start, expected)
        or _foreign(text, start, expected)
        or slips.surplus_bracket(text, start)
        or slips.joined(text, start, expected)
        or (_unreadable(text, start) if token is None else _of_token(token, text, start, expected))
        or _unexpected(text, start, expected)
    )


# -- habits of other languages --------------------------------------------------------------------


def _foreign(text: str, start: int, expected: frozenset[str]) -> Diagnostic | None:
    """What is written so elsewhere, named with what stands here instead."""
    opening = re.match(r"\s*(select|where|if|case)\b", text, re.IGNORECASE)
    if opening and (opening[1].lower() == "select" or start <= opening.end() + 1):
        span, word = Span(*opening.span(1)), opening[1]
        return diagnostic("SK001", span, found=f"'{word}'", hint=advice("condition_alone"))
    if clause := re.compile(r"limit\s+\d+|(?:order|group)\s+by\b", re.I).match(text, start):
        hint = advice("one_condition")
        return diagnostic("SK001", Span(*clause.span()), found=f"'{clause[0]}'", hint=hint)
    # Reading stops at the second sign of `=>`.
    signs = re.search(r"[=<>!~/*]*\Z", text[:start])
    begin = start if signs is None else signs.start()
    for at in dict.fromkeys((begin, start)):
        found = re.compile(r"&&|\|\||[=<>!~/*]+|\w+|.", re.DOTALL).match(text, at)
        word = "" if found is None else found[0].lower()
        if word.isalpha() and "_WHERE" in expected:
            continue  # no operator stands behind the name of a relation
        if found and (suggestion := _FOREIGN.get(word)):
            if word == "~" and re.search(r"(\A|\(|\b(and|or|not|where))\s*\Z", text[:at], re.I):
                suggestion = "'not'"
            one = _one(text, found, suggestion)
            told: dict[str, Any] = {"text": found[0], "suggestion": suggestion}
            return diagnostic("SK009", Span(*found.span()), hint=one, **told)
        if found and (told_hint := _ADVICE.get(word)):
            return diagnostic("SK001", Span(*found.span()), found=f"'{found[0]}'", hint=told_hint)
    return None


def _one(text: str, found: re.Match[str], suggestion: Term | str) -> Hint | None:
    """The sign or word that stands for another, where there is one."""
    if isinstance(suggestion, Term) or "(" in suggestion:
        return None
    written = suggestion.strip("'")
    return advice("write_quoted", spaced(text, *found.span(), written), text=written)


# -- what is no token -----------------------------------------------------------------------------


def _unreadable(text: str, start: int) -> Diagnostic | None:
    """A character with which nothing begins."""
    character = text[start]
    if character in "\"'":
        return slips.unclosed(text, start)
    if (found_sign := slips.unreadable(text, start)) is not None:
        return found_sign
    found: Term | str = f"'{character}'"
    hint: Hint | None = None
    if character in "“”„«»‘’":
        hint = advice("straight_quotes", text='"')
    elif character in ":?{$@":
        hint = advice("parameter_form")
    elif character == "`":
        hint = advice("close_quote", quote="`")
    elif not character.isprintable():
        found = term("the character {code}", code=f"U+{ord(character):04X}")
        hint = advice("delete_unseen")
    elif not character.isascii():
        hint = advice("other_signs")
    return diagnostic("SK001", Span(start, start + 1), found=found, hint=hint)


# -- a token in the wrong place -------------------------------------------------------------------

_AGGREGATE = r"\b(any|none|count|sum|avg|min|max|median|mode|first|last)"
_BARE = re.compile(rf"{_AGGREGATE}\s+\Z", re.IGNORECASE)
_EMPTY = re.compile(rf"{_AGGREGATE}\s*\(\s*\Z", re.IGNORECASE)
_IN_PARAMETER = re.compile(r"\bin\s+(:\w+)\s*\Z", re.IGNORECASE)
_WINDOWS = ("last", "next", "this", "previous")
_OF_ROWS = advice("conditions_after_where")


def _of_token(token: Token, text: str, start: int, expected: frozenset[str]) -> Diagnostic | None:
    if token.type == "COMPARE" and not expected & {_OPERAND, "_WHERE"}:
        return diagnostic("SK005", place(token))
    within = re.search(r"\bwithin(\s+[\d_.]+)?\s*$", text[:start], re.IGNORECASE)
    if within and expected in ({"NUMBER", "PARAMETER"}, {"UNIT"}):
        return diagnostic("SK015", Span(within.start(), place(token).end))
    window = re.search(r"\b(last|next|previous)\s+$", text[:start], re.IGNORECASE)
    if window and (unit := re.match(r"(?!_)[a-z]+", text[start:], re.IGNORECASE)):
        return _window(window, unit[0].lower(), start)
    placed = _misplaced_name if token.type == "NAME" else _misplaced
    hint = _spelled(token, text, expected) or placed(token, text, expected)
    if hint is None and token.type != "STRING":
        return None
    found = token.value if token.type == "STRING" else f"'{token.value}'"
    return diagnostic(
        "SK001", place(token), found=found, hint=hint or _expectation(expected, text[:start])
    )


def _window(found: re.Match[str], unit: str, start: int) -> Diagnostic | None:
    if unit not in _UNIT_WORDS:
        return None
    word = found[1].lower()
    calendar = "previous" if word == "last" else "this"
    span = Span(found.start(), start + len(unit))
    return diagnostic("SK012", span, word=word, unit=unit.removesuffix("s"), calendar=calendar)


def _spelled(token: Token, text: str, expected: frozenset[str]) -> Hint | None:
    """A keyword that was probably meant: one that can stand here, or else any."""
    word = token.value
    if token.type == "NAME":
        near = _close(word, (w for w, kind in keywords().items() if kind in expected), 0.7)
        near = near or _close(word, keywords(), 0.8)
        return _proposed(token, text, near) if near and near != word.lower() else None
    after = re.compile(r"\s+(\w+)").match(text, place(token).end)
    if after is None or token.type not in ("_IN", "NOT") or after[1].lower() in _WINDOWS:
        return None
    words = ("segment", "list") if token.type == "_IN" else ("followed", "preceded")
    near = _close(after[1], words, 0.7)
    return _proposed(token, text, f"{word.lower()} {near}") if near else None


def _proposed(token: Token, text: str, word: str) -> Hint:
    span = place(token)
    return advice("did_you_mean", spaced(text, span.start, span.end, word), name=word)


def _close(word: str, known: Iterable[str], cutoff: float) -> str | None:
    return suggest(word, sorted(set(known)), cutoff)


def _misplaced(token: Token, text: str, expected: frozenset[str]) -> Hint | None:
    """A token that would be right at another place."""
    word, before, after = token.value.lower(), text[: token.start_pos], text[token.end_pos :]
    match keywords().get(word, token.type):
        case "STEP":
            return advice("steps_in_brackets")
        case "WITHIN":
            return advice("within_of_step")
        case "COMPARE" if _OPERAND in expected:
            return advice("both_sides")
        case "COMPARE" | "_AND" | "_OR" if "_WHERE" in expected:
            return _OF_ROWS
        case "_COMMA" if found := re.search(r"(=|\bcontains)\s*\([^()]*\Z", before):
            word = "in" if found[1] == "=" else "contains any"
            return advice("write_quoted", text=f"{word} (…)")
        # A comma ends a condition, so all that is left to expect is the end of what it stands in.
        case "_COMMA" if expected & {"_AND", "$END", "RPAR"}:
            return advice("join_tests")
        case "_LPAR" if found := re.search(r"\b(now|today)\s*\Z", before, re.IGNORECASE):
            return advice("without_brackets", name=found[1].lower())
        case "TIMES" | "RPAR" if found := _EMPTY.search(before):
            return advice("name_a_relation", name=found[1].lower())
        case "NUMBER" if "LAST" in expected and (unit := re.match(r"\s*(\w+)", after)):
            return advice("last_or_next", length=f"{word} {unit[1]}")
        case "NUMBER" | "STRING" | "TRUE" | "FALSE" if "MISSING" in expected:
            return advice("equals_not_is")
        case "_IN" if re.search(r"\bwhere\b", before, re.IGNORECASE):
            return advice("window_before_where")
        case _:
            return None


def _misplaced_name(token: Token, text: str, expected: frozenset[str]) -> Hint | None:
    """A name that lacks what stands before it."""
    word = token.value.lower()
    if word in _UNIT_WORDS and (found := _IN_PARAMETER.search(text[: token.start_pos])):
        return advice("last_or_next", length=f"{found[1]} {word}")
    if found := _BARE.search(text[: token.start_pos]):
        return advice("write_brackets", name=found[1].lower(), inside=token.value)
    if word in _WINDOWS and "_IN" in expected:
        return advice("in_before", word=word)
    return None


def _unexpected(text: str, start: int, expected: frozenset[str]) -> Diagnostic:
    match = re.match(r"\w+|[^\w\s]", text[start:])
    found = match[0] if match else text[start : start + 1]
    span = Span(start, start + max(1, len(found)))
    return diagnostic("SK001", span, found=f"'{found}'", hint=_expectation(expected, text[:start]))


_EXPECTATIONS: tuple[tuple[set[str], set[str], Hint], ...] = (
    ({_OPERAND, "NAME"}, set(), advice("expect_operand")),
    (
        {"UNIT"},
        {"COMPARE", "_AND", "RPAR"},
        advice("expect_unit"),
    ),
    ({_OPERAND}, {"NAME"}, advice("expect_number")),
    ({"MISSING"}, set(), advice("expect_missing")),
    ({"EVERYONE"}, set(), advice("expect_everyone")),
    ({"CASE"}, set(), advice("expect", what="'case'")),
    ({"_WITH"}, set(), advice("expect", what="'with'")),
    (
        {"LAST"},
        set(),
        advice("expect_list_or_window"),
    ),
    ({"COMPARE", "_THEN"}, set(), advice("expect_then")),
    ({"COMPARE", "END"}, {"RPAR"}, advice("expect_branch")),
    ({"COMPARE"}, set(), advice("expect_test")),
    ({"RPAR", "_AND"}, set(), advice("expect_joint_or_bracket")),
    ({"RPAR", "WITHIN"}, set(), advice("expect_where_within_step")),
    ({"RPAR", "_IN"}, set(), advice("expect_window_where_step")),
    ({"RPAR", "_WHERE"}, set(), advice("expect_where_step")),
    ({"RPAR"}, set(), advice("expect", what="')'")),
    ({"_AND"}, set(), advice("expect_joint_or_end")),
    ({"NAME"}, set(), advice("expect_name")),
    ({"AGO"}, set(), advice("expect_ago")),
    ({"_LPAR"}, set(), advice("expect", what="'('")),
)
"""What can stand here, and what must not, and how that is said."""


def _expectation(expected: frozenset[str], before: str) -> Hint | None:
    """What could stand here, in words."""
    if "_BY" in expected:
        step = re.search(r"\b(followed|preceded)\s*\Z", before, re.IGNORECASE)
        return advice("expect_by_relation" if step else "expect_by_value")
    for there, absent, hint in _EXPECTATIONS:
        if there <= expected and not absent & expected:
            return hint
    return None
