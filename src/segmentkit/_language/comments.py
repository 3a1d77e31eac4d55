"""Comments as other languages begin them."""

from __future__ import annotations

import re

from segmentkit._diagnostics.diagnostic import Span

_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`\n]*`")
_SIGN = re.compile(r"(?:(?<=\s)|\A)(?:--|//)(?=\s|\w)")


def comment_sign(text: str, place: int) -> Span | None:
    """The sign that begins a comment elsewhere, if the place is behind one in its line."""
    start = text.rfind("\n", 0, place) + 1
    line = text[start:].split("\n", 1)[0]
    bare = _QUOTED.sub(lambda found: "x" * len(found[0]), line)
    found = _SIGN.search(bare)
    if found is None or start + found.start() > place:
        return None
    return Span(start + found.start(), start + found.end())
