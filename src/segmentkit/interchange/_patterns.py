"""Regular expressions that say no more than tests of texts do."""

from __future__ import annotations

import re

from attrs import frozen

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
