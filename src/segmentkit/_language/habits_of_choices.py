"""Values that others choose in another form: ``IF … THEN``, ``CASE x WHEN 1``, ``a ? b : c``."""

from __future__ import annotations

import re

from segmentkit._language.habit_forms import PATH, VALUE, Form, Match

_ONE = rf"(?:{VALUE}|[^\W\d][\w.]*+)"
_INSIDE = r"(?:(?!\bcase\b)[^;])*?"
_WHEN = re.compile(rf"\bwhen\s+(?P<value>{VALUE})\s+then\b", re.IGNORECASE)
_ELSE_IF = r"\b(?:else\s*if|elsif|elif)\b"
_CHOICE = "case when {test} then {yes} else {no} end"


def _as_tested(found: Match) -> str | None:
    """``case n when 1 then …`` is ``case when n = 1 then …``."""
    whens = found["whens"]
    if len(_WHEN.findall(whens)) < len(re.findall(r"\bwhen\b", whens, re.IGNORECASE)):
        return None
    tested = _WHEN.sub(lambda when: f"when {found['path']} = {when['value']} then", whens)
    return f"case {tested}end"


def _as_case(found: Match) -> str:
    branches = re.sub(_ELSE_IF, "when", found["branches"], flags=re.IGNORECASE)
    return f"case when {branches}end"


HABITS: tuple[tuple[str, Form], ...] = (
    (rf"\bcase\s+{PATH}\s+(?P<whens>when\b{_INSIDE})\bend\b", _as_tested),
    (rf"(?P<head>\bcase\s+when\b{_INSIDE}\bthen\b{_INSIDE})\s*,?\s*{_ELSE_IF}", "{head} when"),
    (rf"(?<![\w.])if\s+(?P<branches>{_INSIDE}\bthen\b{_INSIDE})\bend(?:\s*if)?\b", _as_case),
    (
        rf"(?P<head>\bcase\s+when\b{_INSIDE}\bthen\b[^;,]*?)\s*,\s*(?P<word>when|else|end)\b",
        "{head} {word}",
    ),
    (r"(?P<head>\bcase\s+when\b[^;]*?\bend)\s+(?:case|if)\b", "{head}"),
    *(
        (rf"{start}\s*{choice}\s*{end}", _CHOICE)
        for start, end in ((r"\(", r"\)"), (r"\A", r"\Z"))
        for choice in (
            rf"(?P<test>[^()?;]+?)\s*\?\s*(?P<yes>{_ONE})\s*:\s*(?P<no>{_ONE})",
            rf"(?P<yes>{_ONE})\s+if\s+(?P<test>[^();]+?)\s+else\s+(?P<no>{_ONE})",
        )
    ),
)
