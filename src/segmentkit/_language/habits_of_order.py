"""Tests whose words stand in another order, and comparisons in words of other languages."""

from __future__ import annotations

from collections.abc import Iterator

from segmentkit._language.foreign_words import COMPARISONS, THAN, month_of
from segmentkit._language.formatter import format_text
from segmentkit._language.habit_forms import (
    NAME,
    NOT,
    PATH,
    TEXT,
    UNIT,
    VALUE,
    WORD,
    Form,
    Match,
    begins,
    if_begins,
)
from segmentkit._language.habits_of_rows import NUMBER, as_number

END = r"\s*(?:\Z|[),]|\b(?:and|or)\b)"
"""What stands behind a test."""


def _in_range(found: Match) -> str:
    """``in range(18, 31)`` has no upper end."""
    return f"between {found['low']} and {int(found['high']) - 1}"


def _searched(found: Match) -> str | None:
    """A range of Lucene: ``age:{18 TO 30}``, ``joined:[2026-01-01 TO *]``."""
    path, low, high = found["path"], found["low"], found["high"]
    signs = (">=" if found["open"] == "[" else ">", "<=" if found["close"] == "]" else "<")
    ends = [f"{path} {s} {end}" for s, end in zip(signs, (low, high), strict=True) if end != "*"]
    return " and ".join(ends) if len(ends) < 2 else f"({' and '.join(ends)})"


def _at_least_ago(found: Match) -> str:
    """``at least 30 days ago`` is ``<= 30 days ago``."""
    least = " ".join(found["word"].lower().split()) in ("at least", "no less than", "not less than")
    number = "1" if found["number"].lower() in ("a", "an") else as_number(found["number"])
    return f"{'<=' if least else '>='} {number} {found['unit'].lower()} ago"


def _compared_abroad() -> Iterator[tuple[str, Form]]:
    """Comparisons in other languages: ``größer als 18``."""
    for sign, words in COMPARISONS.items():
        pattern = rf"(?<!\w)(?:(?:ist|jest|est|es|є)\s+)?(?:{words})(?:\s+{THAN})?(?=\s*[\d:])"
        yield pattern, sign


def _interval(found: Match) -> str | None:
    """``age in [18, 30)`` has its lower end in, and its upper end out."""
    low, high = found["open"] == "[", found["close"] == "]"
    if low == high or found["no"]:
        return None
    signs = (">=" if low else ">", "<=" if high else "<")
    path = found["path"]
    return f"({path} {signs[0]} {found['low']} and {path} {signs[1]} {found['high']})"


_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/"}

ORDERS: tuple[tuple[str, Form], ...] = (
    *_compared_abroad(),
    # the words of a test in another order
    (r"\bin\s+range\s*\(\s*(?P<low>\d+)\s*,\s*(?P<high>\d+)\s*\)", _in_range),
    (
        rf"{PATH}\s*:\s*(?P<open>[\[{{])\s*(?P<low>\*|[\w.:-]+)\s+to\s+(?P<high>\*|[\w.:-]+)\s*(?P<close>[\]}}])",
        _searched,
    ),
    (
        rf"(?<!\w)(?:między|pomiędzy|zwischen|entre|між|между)\s+(?P<low>{VALUE})\s+"
        rf"(?:a|i|und|et|y|і|й|та|и)\s+(?P<high>{VALUE})",
        "between {low} and {high}",
    ),
    (
        rf"{PATH}\s+(?P<word>add|sub|mul|div)\s+(?P<value>{VALUE})",
        lambda found: f"{found['path']} {_ARITHMETIC[found['word'].lower()]} {found['value']}",
    ),
    (
        rf"{PATH}\s+(?:is\s+)?in\s+(?:the\s+)?(?P<way>top|bottom)\s+(?P<n>\d+\s*%?)(?={END})",
        lambda found: f"{found['way'].lower()} {found['n'].replace(' ', '')} by {found['path']}",
    ),
    (
        rf"(?:\A\s*|(?<=\())(?:wenn|falls|якщо|если|jeśli|jeżeli|cuando|hvis)\s+(?={NAME})",
        "",
    ),
    (
        rf"(?:\bis\s+|\bwas\s+)?\b(?P<word>at\s+least|at\s+most|(?:no|not)\s+more\s+than|(?:no|not)\s+less\s+than|up\s+to)\s+"
        rf"(?P<number>{NUMBER}|an?)\s+(?P<unit>{UNIT})\s+ago\b",
        _at_least_ago,
    ),
    (
        rf"(?:\A\s*|(?<=\())(?:all|only|who\s+(?:are|is)|that\s+(?:are|is)|those\s+who\s+are)\s+(?P<name>{NAME})(?={END})",
        "{name}",
    ),
    (
        rf"(?P<name>{NAME})\s*(?:(?P<yes>yes|true|on|так|tak)|no|false|off|ні|nie)(?={END})",
        lambda found: f"{'' if found['yes'] else 'not '}{found['name']}" if begins(found) else None,
    ),
    (
        r"(?<![\w:.-])(?P<hour>1?\d|2[0-3])(?::00)?\s*(?P<half>am|pm)\b",
        lambda found: str(int(found["hour"]) % 12 + 12 * (found["half"].lower() == "pm")),
    ),
    (
        rf"(?P<name>{NAME})\s+(?:is\s+)?(?P<no>not\s+|un)?reachable(?={END})",
        lambda found: (
            f"{'not ' if found['no'] else ''}reachable by {found['name']}"
            if begins(found)
            else None
        ),
    ),
    (
        r"(?:can|may)\s+be\s+(?:reached|contacted)\s+(?:by|via|through|on|with)\b",
        "reachable by",
    ),
    (
        rf"(?P<sign>[<>]=?|={{1,2}}|!=)\s*(?P<value>{VALUE})\s+(?P<path>{NAME})(?={END})",
        if_begins("{path} {sign} {value}"),
    ),
    (
        rf"(?P<path>{NAME})\s+(?P<value>{VALUE})\s*(?P<sign>[<>]=?|={{1,2}}|!=)(?={END})",
        if_begins("{path} {sign} {value}"),
    ),
    (
        rf"(?P<test>contains|starts\s+with|ends\s+with)\s+(?P<path>{NAME})\s+(?P<text>{TEXT})(?={END})",
        if_begins("{path} {test} {text}"),
    ),
    (
        rf"(?P<no>not\s+)?in\s*(?P<list>\(\s*{VALUE}(?:\s*,\s*{VALUE})*\s*\))\s+(?P<path>{NAME})(?={END})",
        if_begins("{path} {no}in {list}"),
    ),
    (
        rf"(?:is\s+|has\s+)?(?P<no>not\s+)?(?P<state>missing|present|null|empty)\s+(?P<path>{NAME})(?={END})",
        lambda found: (
            f"{found['path']} is {'not ' if found['no'] else ''}"
            f"{'present' if found['state'].lower() == 'present' else 'missing'}"
            if begins(found)
            else None
        ),
    ),
    (
        rf"(?P<path>{NAME})\s+(?:(?P<no>not)\s+)?(?P<state>missing|present)(?={END})",
        lambda found: (
            f"{found['path']} is {'not ' if found['no'] else ''}{found['state'].lower()}"
            if begins(found)
            else None
        ),
    ),
    (
        rf"(?P<path>{NAME})\s+not(?=\s*(?:\Z|\)|and\b|or\b))",
        if_begins("not {path}"),
    ),
    (
        rf"{PATH}\s+{NOT}in\s+(?P<word>(?!(?:last|next|this|previous|segment|list|the|past|group|range)\b){WORD})(?={END})",
        lambda found: (
            f"{found['path']} {'!=' if found['no'] else '='} {format_text(found['word'])}"
            if begins(found) and not month_of(found["word"])
            else None
        ),
    ),
    (
        rf"{PATH}\s+{NOT}in\s*(?P<open>[\[(])\s*(?P<low>-?\d[\d.]*)\s*[,;]\s*(?P<high>-?\d[\d.]*)\s*(?P<close>[\])])",
        _interval,
    ),
)
