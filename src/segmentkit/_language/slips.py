"""Slips of the hand: signs that look like others, quotes and brackets, words of other languages."""

from __future__ import annotations

import re

from segmentkit._diagnostics.diagnostic import Diagnostic, Hint, Span, advice, diagnostic
from segmentkit._diagnostics.wording import term
from segmentkit._language import foreign_words, look_alikes
from segmentkit._language.formatter import format_text
from segmentkit._language.habit_forms import BEFORE_OPERAND
from segmentkit._language.habits import spaced
from segmentkit._language.keywords import keywords

_TEXT = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`\n]*`|#[^\n]*")
_WORD = re.compile(r"[^\W\d]\w*")
_COMMA_AT_END = re.compile(r",\s*\Z")
_JOINT_AT_END = re.compile(r"\s*\b(?:and|or)\s*\Z", re.IGNORECASE)
_WORD_AT_END = re.compile(r"[^\W\d][\w-]*\Z")
_TEXT_OR_VALUE = r"(?:[<>=]|\bcontains|\bwith)\s*(?:\"[^\"\n]*\"|'[^'\n]*'|\d[\d.]*|true|false)"
_VALUE_BEFORE = re.compile(rf"{_TEXT_OR_VALUE}\s+\Z", re.IGNORECASE)
_WORD_BEFORE = re.compile(r"([^\W\d]\w*)\s+\Z")
_NEAR = 100  # how far to look around the place


def _instead(text: str, start: int, end: int, written: str) -> Diagnostic:
    hint = advice("write", spaced(text, start, end, written), text=written)
    return _not_expected(text, start, end, hint)


def _in_latin(text: str, start: int, end: int, written: str) -> Diagnostic:
    """A word with a sign that only looks like one of its letters."""
    sign = look_alikes.named(text[start:end])
    written_here = spaced(text, start, end, written)
    hint = advice("write_without_sign", written_here, text=written, sign=sign)
    return _not_expected(text, start, end, hint)


def _left_out(text: str, start: int, end: int) -> Diagnostic:
    return _not_expected(text, start, end, advice("leave_it_out", ""))


def _not_expected(text: str, start: int, end: int, hint: Hint) -> Diagnostic:
    shown = " ".join(text[start:end].split())
    return diagnostic("SK001", Span(start, end), found=f"'{shown}'", hint=hint)


# -- signs ----------------------------------------------------------------------------------------


def quoted(text: str, start: int) -> Diagnostic | None:
    """A text between quotes that look like those of the language."""
    for found in look_alikes.QUOTED.finditer(text):
        if found.start() <= start < found.end():
            inner = next(part for part in found.groups() if part is not None)
            written = format_text(inner)
            hint = advice("straight_quotes", written, text=written)
            return diagnostic("SK001", Span(*found.span()), found=f"'{found[0]}'", hint=hint)
    return None


def unreadable(text: str, start: int) -> Diagnostic | None:
    """A character with which nothing begins, and which looks like one that does."""
    character = text[start]
    if look_alikes.is_unseen(character) and not character.isspace():
        found = term("the character {code}", code=f"U+{ord(character):04X}")
        hint = advice("delete_unseen", "")
        return diagnostic("SK001", Span(start, start + 1), found=found, hint=hint)
    end = start
    while end < len(text) and look_alikes.sign(text[end]) is not None:
        end += 1
    if end == start:
        return None
    written = "".join(filter(None, map(look_alikes.sign, text[start:end])))
    shown = text[start:end]
    hint = advice("write", spaced(text, start, end, written), text=written)
    return diagnostic("SK009", Span(start, end), text=shown, hint=hint, suggestion=written)


def unclosed(text: str, start: int) -> Diagnostic | None:
    """A quote that nothing closes: it belongs to the word before it, or after the one behind it."""
    quote = text[start]
    line = text[start:].split("\n", 1)[0]
    rest = line[1:].rstrip()
    told = {"quote": quote}
    if not rest and (before := _WORD_AT_END.search(text, max(0, start - _NEAR), start)):
        written = format_text(before[0])
        hint = advice("write", written, text=written)
        return diagnostic("SK003", Span(before.start(), start + 1), hint=hint, **told)
    other = '"' if quote == "'" else "'"
    if rest.endswith(other) and other not in rest[:-1]:
        end, written = start + 1 + len(rest), format_text(rest[:-1])
        hint = advice("close_quote", written, span=Span(start, end), quote=quote)
        return diagnostic("SK003", Span(start, end), hint=hint, **told)
    whole = re.fullmatch(r"[^\"'()=<>,]*", rest) and not re.search(r"\b(?:and|or)\b", rest, re.I)
    span = Span(start, start + len(line))
    closed = f"{quote}{rest}{quote}" if rest and whole else None
    hint = advice("close_quote", closed, quote=quote)
    return diagnostic("SK003", span, hint=hint, **told)


# -- brackets and joints --------------------------------------------------------------------------


def _bare(text: str) -> str:
    """The text with nothing in its texts and comments."""
    return _TEXT.sub(lambda found: " " * len(found[0]), text)


def surplus_bracket(text: str, start: int) -> Diagnostic | None:
    """A bracket that nothing opens, if it does not matter where the other would stand."""
    if text[start : start + 1] != ")":
        return None
    bare = _bare(text)
    if bare[: start + 1].count("(") >= bare[: start + 1].count(")"):
        return None
    if _is_of_one_joint(bare):
        return _left_out(text, start, start + 1)
    return None


def missing_bracket(text: str) -> Diagnostic | None:
    """A bracket that nothing closes, if it can only close at the end."""
    bare = _bare(text)
    opened: list[int] = []
    for place, character in enumerate(bare):
        if character == "(":
            opened.append(place)
        elif character == ")" and opened:
            opened.pop()
    if len(opened) != 1 or not _is_of_one_joint(bare[opened[0] :]):
        return None
    if re.search(r"\bwhere\b", bare[opened[0] :], re.IGNORECASE) and re.search(
        r"\w\s*\Z", bare[: opened[0]]
    ):
        return None  # the bracket may have to stand before the last test
    end = len(text.rstrip())
    if "#" in text.rsplit("\n", 1)[-1]:
        return None
    hint = advice("close_at_end", ")", span=Span(end, end))
    return diagnostic("SK002", Span(end, end + 1), hint=hint)


_BALANCED = re.compile(r"\([^()]*\)")
_DEPTH = 5  # brackets within brackets that are looked through


def _is_of_one_joint(bare: str) -> bool:
    for _ in range(_DEPTH):
        bare = _BALANCED.sub(" x ", bare)
    words = {word.lower() for word in re.findall(r"\b(?:and|or|not)\b", bare, re.IGNORECASE)}
    return not {"and", "or"} <= words and "not" not in words


def joints(text: str, start: int, at_end: bool) -> Diagnostic | None:
    """``and and``, and an ``and`` with nothing before it or behind it."""
    if at_end:
        last = _JOINT_AT_END.search(text, max(0, start - _NEAR), start)
        if last is None:
            return None
        said = last[0].strip()
        hint = advice("test_after", "", span=Span(*last.span()), word=said)
        return diagnostic("SK002", Span(start, start + 1), hint=hint)
    if text[start] == "=" and re.search(r"=\s+\Z", text[max(0, start - _NEAR) : start]):
        return _left_out(text, start, start + 1)
    if text[start] == "," and re.search(
        r"\b(?:and|or)\s*\Z", text[max(0, start - _NEAR) : start], re.IGNORECASE
    ):
        return _left_out(text, start, start + 1)
    if two := _TWO_SIGNS.search(text, max(0, start - _NEAR), start + 1):
        written = ">=" if "=" in two[0] else "!=" if "<" in two[0] else ">"
        return _instead(text, *two.span(), written)
    if text[start] == ")" and (comma := _COMMA_AT_END.search(text, max(0, start - _NEAR), start)):
        return _left_out(text, *comma.span())
    word = re.compile(r"(and|or)\b\s*", re.IGNORECASE).match(text, start)
    if word is None:
        return None
    before = re.search(
        r"(?:\A|\(|\b(and|or))\s*\Z", text[max(0, start - _NEAR) : start], re.IGNORECASE
    )
    if before is None or (before[1] and before[1].lower() != word[1].lower()):
        return None
    return _left_out(text, start, word.end())


def joined(text: str, start: int, expected: frozenset[str]) -> Diagnostic | None:
    """Two tests with a comma, or with nothing between them."""
    if text[start] in "\"'" and _IN_LIST.search(text, max(0, start - _NEAR), start):
        hint = advice("comma_before", ", ", span=Span(start, start))
        return diagnostic("SK001", Span(start, start + 1), found=text[start], hint=hint)
    if not expected & {"_AND", "$END"}:
        return None
    if text[start] in ",;":
        after = re.compile(r"[,;]\s*(?:(and|or)\b)?").match(text, start)
        assert after is not None
        if after[1]:
            return _left_out(text, start, start + 1)
        if not _TEST_BEHIND.match(text, start + 1):
            return None
        if _is_same_name(text, start, start + 1):
            return None
        hint = advice("join_tests", " and")
        return diagnostic("SK001", Span(start, start + 1), found=f"'{text[start]}'", hint=hint)
    name = _WORD.match(text, start)
    if name is None or name[0].lower() in _NO_TESTS or _is_same_name(text, start, start):
        return None
    if not _VALUE_BEFORE.search(text, max(0, start - _NEAR), start):
        return None
    if not re.compile(
        r"\s*(?:\Z|\)|[<>=!(.]|(?:and|or|in|is|between|contains|starts|ends)\b)", re.I
    ).match(text, name.end()):
        return None
    hint = advice("join_tests", f"and {name[0]}")
    return diagnostic("SK001", Span(*name.span()), found=f"'{name[0]}'", hint=hint)


_IN_LIST = re.compile(r"\bin\s*\([^()]*[\"']\s+\Z", re.IGNORECASE)
_TEST_BEHIND = re.compile(r"\s*(?:\(|not\b|[^\W\d]\w*\s*(?:\Z|[)(.<>=!,;]|\w))", re.IGNORECASE)
_NO_TESTS = frozenset(
    (
        *("ago", "from", "days", "day", "hours", "weeks", "months", "years", "ignoring"),
        *("within", "where", "then", "else", "at", "least", "most", "more", "than", "if", "when"),
        *("while", "with", "for", "of"),
    )
)


def _is_same_name(text: str, before: int, after: int) -> bool:
    """Whether two tests that stand side by side are of one name: then 'or' may be meant."""
    first_place = max(0, before - _NEAR)
    text, before, after = text[first_place:], before - first_place, after - first_place
    first = re.search(r"([^\W\d][\w.]*)\s*([<>=!]=?|\bin\b|\bcontains\b)[^<>=!]*\Z", text[:before])
    second = re.compile(r"\s*([^\W\d][\w.]*)\s*([<>]?)").match(text, after)
    if not first or not second or first[1] != second[1]:
        return False
    return {first[2][0], second[2]} != {"<", ">"}  # one end each: both are meant


_TWO_SIGNS = re.compile(r"(?<![<>=!])(?:=\s+>|>\s+>|<\s+>)\Z")


# -- words ----------------------------------------------------------------------------------------


def foreign_word(text: str, start: int, expected: frozenset[str]) -> Diagnostic | None:
    """A word that stands for one of the language, where that one can stand."""
    here = _WORD.match(text, start)
    if here is not None:
        word = here[0].lower()
        for words, token, written in (
            (foreign_words.AND, "_AND", "and"),
            (foreign_words.OR, "_OR", "or"),
        ):
            if word in words and token in expected and text[here.end() :].strip():
                return _instead(text, start, here.end(), written)
        if word in foreign_words.NOT and "NOT" in expected and "_IN" in expected:
            return _instead(text, start, here.end(), "not")
        if word in foreign_words.TESTS and "_BETWEEN" in expected:
            return _instead(text, start, here.end(), foreign_words.TESTS[word])
        if "UNIT" in expected and word in foreign_words.UNITS:
            return _instead(text, start, here.end(), f"{foreign_words.UNITS[word]}s")
        if "AGO" in expected and word in foreign_words.AGO:
            return _instead(text, start, here.end(), "ago")
        if "LAST" in expected and word in foreign_words.LAST:
            return _instead(text, start, here.end(), "last")
        if (
            "UNIT" not in expected
            and "NUMBER" in expected
            and word in foreign_words.NUMBERS
            and (
                re.search(
                    r"\b(?:last|next|previous)\s+\Z",
                    text[max(0, start - _NEAR) : start],
                    re.IGNORECASE,
                )
            )
        ):
            return _instead(text, start, here.end(), str(foreign_words.NUMBERS[word]))
        if "_AND" in expected and (split := _run_together(word)):
            return _instead(text, start, here.end(), split)
        if (plain := look_alikes.in_latin(here[0])) != here[0] and plain.lower() in keywords():
            kind = keywords()[plain.lower()]
            if kind in expected:
                return _in_latin(text, start, here.end(), plain.lower())
    before = _WORD_BEFORE.search(text, max(0, start - _NEAR), start)
    if before and BEFORE_OPERAND.search(text, max(0, before.start() - _NEAR), before.start()):
        word = before[1].lower()
        latin = look_alikes.in_latin(before[1])
        if latin.lower() == "not" != word:
            return _in_latin(text, before.start(), before.end(1), "not")
        if word in foreign_words.NOT and "_AND" in expected:
            return _instead(text, before.start(), before.end(1), "not")
    return None


def _run_together(word: str) -> str | None:
    """``andvip`` is ``and vip``."""
    found = re.fullmatch(r"and(not)?([a-z_]\w+)", word)
    return found and f"and {'not ' if found[1] else ''}{found[2]}"


__all__ = ["foreign_word", "joined", "joints", "missing_bracket", "quoted", "surplus_bracket",
           "unclosed", "unreadable"]  # fmt: skip
