"""Regular expressions of JavaScript: those that tests of texts say, and others as patterns."""

from __future__ import annotations

import itertools
import re

from attrs import evolve, frozen

from segmentkit._patterns.matcher import matches
from segmentkit._patterns.printing import both_cases, printed
from segmentkit._patterns.syntax import PatternError, parse

_SIGNS = frozenset(r".*+?()[]{}|^$" + "\\")


@frozen
class Literals:
    """What a pattern looks for: one of some texts, somewhere or at an end.

    Attributes:
        texts: The texts.
        starts: Whether the text begins with it.
        ends: Whether the text ends with it.
    """

    texts: tuple[str, ...]
    starts: bool
    ends: bool

    def found_in(self, text: str) -> bool:
        """Whether a text has one of them."""
        for each in self.texts:
            if self.starts and self.ends:
                found = text == each
            elif self.starts or self.ends:
                found = text.startswith(each) if self.starts else text.endswith(each)
            else:
                found = each in text
            if found:
                return True
        return False


def literals_of(pattern: str) -> Literals | None:
    """The texts that a regular expression of JavaScript searches for; None if it does more."""
    starts = pattern.startswith("^")
    body = pattern[1:] if starts else pattern
    ends = body.endswith("$") and not _is_escaped(body)
    body = body[:-1] if ends else body
    grouped = re.fullmatch(r"\((?:\?:)?([^()]*)\)", body)
    choices = _choices(grouped[1] if grouped else body)
    if choices is None or (not grouped and len(choices) > 1 and (starts or ends)):
        # An anchor belongs to the first or the last of several.
        return None
    texts = [_plain(choice) for choice in choices]
    known = tuple(text for text in texts if text is not None)
    return Literals(known, starts, ends) if len(known) == len(texts) else None


def _is_escaped(text: str) -> bool:
    before = text[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _choices(body: str) -> list[str] | None:
    """The parts between bars, of a body whose bars are not escaped."""
    return None if r"\|" in body else body.split("|")


def _plain(choice: str) -> str | None:
    """The text of a choice without signs of its own; a backslash before a sign makes it plain."""
    found = []
    position = 0
    while position < len(choice):
        character = choice[position]
        if character == "\\":
            position += 1
            character = choice[position : position + 1]
            if character not in _SIGNS and character not in {"/", "-"}:
                return None
        elif character in _SIGNS:
            return None
        found.append(character)
        position += 1
    return "".join(found)


@frozen
class Searched:
    """A regular expression that is searched for, as a pattern of a whole text.

    Attributes:
        pattern: The pattern.
        counts: Whether it counts characters, of which those beyond U+FFFF are two in JavaScript.
        excludes: Whether it names characters that must not be there; without regard to case, these
            are more than those whose other case may be there.
    """

    pattern: str
    counts: bool
    excludes: bool

    def found_in(self, text: str) -> bool:
        """Whether a text matches; of what is no pattern, the checker tells."""
        try:
            return matches(text, self.pattern)
        except PatternError:
            return False

    def ignoring_case(self) -> Searched:
        """The same with both cases of each letter."""
        try:
            return evolve(self, pattern=printed(both_cases(parse(self.pattern))))
        except PatternError:
            return self


_ANY = r"(.|\n)*"
_DOT = "[^\n\r\u2028\u2029]"
"""What a dot stands for in JavaScript."""


def searched_for(pattern: str) -> Searched | None:
    """A regular expression as a pattern; None if JavaScript reads a part of it in its own way.

    What patterns cannot have at all stays, and the checker refuses it.
    """
    starts = pattern.startswith("^")
    body = pattern[1:] if starts else pattern
    ends = body.endswith("$") and not _is_escaped(body)
    parts = _parts(body[:-1] if ends else body)
    if parts is None:
        return None
    depths = itertools.accumulate((part == "(") - (part == ")") for part in parts)
    choices = any(part == "|" and not depth for part, depth in zip(parts, depths, strict=True))
    if choices and (starts or ends):
        # An anchor belongs to the first or the last of several.
        return None
    inner = "".join(_DOT if part == "." else part for part in parts)
    inner = f"({inner})" if choices else inner
    excludes = any(part.startswith("[^") for part in parts)
    counts = excludes or any(part in (".", r"\D", r"\W") for part in parts)
    return Searched(f"{'' if starts else _ANY}{inner}{'' if ends else _ANY}", counts, excludes)


_PART = re.compile(
    r"""
    \\. | \[\^?(?:\\.|[^\]\\])*\] | \(\?: | (?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\?? | .
    """,
    re.VERBOSE | re.DOTALL,
)


def _parts(body: str) -> list[str] | None:
    """The parts of a regular expression: characters, classes, brackets and repeats."""
    found = []
    for match in _PART.finditer(body):
        part = match[0]
        if part == "\\":
            # Nothing is left for it to stand before.
            return None
        if part in (r"\s", r"\S") or (part[0] == "[" and re.search(r"\\[sS]", part)):
            # White space of Unicode there, and of ASCII in patterns.
            return None
        if part == r"\/":
            part = "/"
        elif part == "(?:":
            part = "("
        elif len(part) > 1 and part[-1] == "?" and part[0] in "*+?{":
            # What is found first makes no difference to whether something is.
            part = part[:-1]
        found.append(part)
    return found
