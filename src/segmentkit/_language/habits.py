"""What people write who know another language, and how this one says the same.

A habit is a regular expression around the place where reading stopped, and what stands for it:
write that in the place of what was found, and the definition says what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from segmentkit._diagnostics.diagnostic import Diagnostic, Span, diagnostic
from segmentkit._language.formatter import format_name, format_text
from segmentkit._language.keywords import RESERVED, keywords
from segmentkit.functions import AGGREGATES, FUNCTIONS

_Match: TypeAlias = re.Match[str]

_NEAR = 300  # how far to look around the place


def habit(text: str, start: int) -> Diagnostic | None:
    """What was meant by the words around a place, if others write it so."""
    before, first = len(text[:start].rstrip()), max(0, start - _NEAR)
    last = min(len(text), start + _NEAR)
    for pattern, form in _compiled():
        for found in pattern.finditer(text, first, last):
            if found.start() > start or found.end() < before:
                continue  # elsewhere
            if found.end() == last < len(text):
                continue  # it may go on
            said = form(found) if callable(form) else form.format_map(_groups(found))
            if said:
                if not said.startswith("write "):
                    said = f"write '{_SINGLE_QUOTED.sub(_double_quoted, said)}'"
                said += next((why for name, why in _WHY.items() if name in pattern.groupindex), "")
                shown = " ".join(found[0].split())
                code = "SK005" if "chain" in pattern.groupindex else "SK001"
                return diagnostic(code, Span(*found.span()), found=f"'{shown}'", hint=said)
    return None


_WHY = {
    "is": "; 'is' only tests whether a value is missing or present",
    "chain": "; 'between' has both ends in",
}
"""What is said besides, where an expression has a group of the name."""

_SINGLE_QUOTED = re.compile(r"'([^'\"\\\n]*)'")


def _double_quoted(found: _Match) -> str:
    return f'"{found[1]}"'


def _groups(found: _Match) -> dict[str, str]:
    return {name: value or "" for name, value in found.groupdict().items()}


# -- times ----------------------------------------------------------------------------------------


def _moved(found: _Match) -> str:
    """``seen + 7 days > now`` is ``seen > 7 days ago``."""
    way = "ago" if found["move"] == "+" else "from now"
    return f"{found['path']} {found['sign']} {_length(found)} {way}"


def _elapsed(found: _Match) -> str | None:
    """``now - seen > 7 days`` is ``seen < 7 days ago``."""
    sign = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(found["sign"])
    return sign and f"{found['path']} {sign} {_length(found)} ago"


def _from_now(found: _Match) -> str:
    return f"{_length(found)} {'ago' if found['move'] == '-' else 'from now'}"


def _length(found: _Match) -> str:
    return " ".join(re.findall(r"[\d_]+|[a-z]+", found["length"].lower()))


def _instant(found: _Match) -> str:
    return "T".join(found["text"].split())


def _of_today(found: _Match) -> str:
    return f"write '{_from_now(found)}', which counts from this moment"


# -- texts and lists ------------------------------------------------------------------------------


def _like(found: _Match) -> str | None:
    """``name like '%x%'`` is ``name contains "x"``; nothing says the same of other patterns."""
    pattern = found["text"][1:-1]
    body = pattern.strip("%")
    if not body or re.search(r"[%_\\]", body):
        return None
    ends = (pattern.startswith("%"), pattern.endswith("%"))
    test = {(True, True): "contains", (True, False): "ends with", (False, True): "starts with"}
    no = found["no"] is not None
    word = f"{'not ' * no}{test[ends]}" if any(ends) else "!=" if no else "="
    fold = " ignoring case" if found["fold"] else ""
    return f"{found['path']} {word} {format_text(body)}{fold}"


def _text_test(found: _Match) -> str:
    test = {"s": "starts with", "e": "ends with"}.get(found["word"][0].lower(), "contains")
    return f"{found['path']} {test} {found['text']}"


def _each(found: _Match) -> str:
    """``name starts with ("x", "y")``: tests of beginnings and ends take no list."""
    values = re.findall(_VALUE, found["values"], re.IGNORECASE)
    tests = [f"{found['path']} {found['test'].lower()} {value}" for value in values]
    return f"{'not ' if found['no'] else ''}({' or '.join(tests)})"


def _equals_one_of(found: _Match) -> str:
    word = "not in" if found["sign"] in ("!=", "<>") else "in"
    return f"{found['path']} {word} ({found['values'] or found['others']})"


def _nobody(found: _Match) -> str:
    """Nothing is in an empty list, and everything contains all of it."""
    return str((found["no"] is not None) != (found["all"] is not None)).lower()


def _empty(found: _Match) -> str:
    path = found["path"]
    sign, word, state = ("!=", "any", "present") if found["no"] else ("=", "none", "missing")
    return (
        f"write '{path} {sign} \"\"' for a text, '{word}({path})' for a relation, "
        f"or '{path} is {state}'"
    )


def _compared(found: _Match) -> str:
    sign = "<" if found["more"][0].lower() in "lfs" else ">"
    return f"{sign}{'=' if found['equal'] else ''}"


def _chained(found: _Match) -> str:
    """``1 <= n <= 5`` is ``n between 1 and 5``; other signs need two tests."""
    low, sign, path, other, high = found.group("low", "sign", "path", "chain", "high")
    if sign == other and sign in ("<=", ">="):
        low, high = (low, high) if sign == "<=" else (high, low)
        return f"{path} between {low} and {high}"
    return f"{low} {sign} {path} and {path} {other} {high}"


# -- conditions and names -------------------------------------------------------------------------


def _together(found: _Match) -> str | None:
    """``AND(a, b)``, ``any of (a, b)``, ``at least two of (a, b, c)``, ``IF(a, b, c)``."""
    if not _begins(found):
        return None
    parts = _parts(found["inside"])
    match found["word"].lower().split():
        case ["and" | "or"] if len(parts) < 2:
            return None
        case ["and"] | [("all" | "every"), "of"]:
            return f"({_joined(parts, 'and')})"
        case ["or"] | [("any" | "one" | "some"), "of"]:
            return f"({_joined(parts, 'or')})"
        case ["none", "of"]:
            return f"not ({_joined(parts, 'or')})"
        case ["if"] if len(parts) == 3:
            test, yes, no = (_joined([part, "x"], "and")[:-6] for part in parts)
            return f"({test} and {yes} or not ({parts[0]}) and {no})"
        case [*words] if number := next((_NUMBERS.get(w, w) for w in words if _counts(w)), None):
            most = "exactly" if "exactly" in words else "at most" if "most" in words else "at least"
            return f"{most} {number} of ({', '.join(parts)})" if parts else None
        case _:
            return None


_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}


def _counts(word: str) -> bool:
    return word in _NUMBERS or word.isdecimal()


def _parts(inside: str) -> list[str]:
    """What stands between commas, but for those within brackets and quotes."""
    return [part.strip() for part in _PART.findall(inside) if part.strip()]


def _joined(parts: list[str], word: str) -> str:
    return f" {word} ".join(f"({p})" if re.search(r"\s(?:or|and)\s", p, re.I) else p for p in parts)


def _begins(found: _Match) -> bool:
    """Whether an operand can begin here."""
    return _BEFORE_OPERAND.search(found.string[: found.start()]) is not None


_BEFORE_OPERAND = re.compile(r"(?:\A|[(,]|\b(?:and|or|not|where))\s*\Z", re.IGNORECASE)


def _any(found: _Match) -> str | None:
    return f"any({found['path']})" if _begins(found) and len(found["path"]) > 3 else None


def _named(found: _Match) -> str | None:
    return format_name(found["name"].strip()) if _begins(found) else None


def _spaced(found: _Match) -> str | None:
    """A name of several words."""
    words = found["words"].split()
    known = {*keywords(), *AGGREGATES, *FUNCTIONS}
    if len(words) < 2 or not _begins(found) or len({*words, *known}) < len(words) + len(known):
        return None
    name = format_name(" ".join(words))
    if any(not word[0].islower() for word in words):
        return name
    return f"write tests with 'and' or 'or' between them, and a name of several words as {name}"


# -- the habits -----------------------------------------------------------------------------------

_WORD = rf"(?!(?:{'|'.join(sorted(RESERVED))}|case|when|then|select|from|if)\b)[^\W\d]\w*+"
_NAME = rf"(?:`[^`\n]++`|{_WORD})"
_PATH = rf"(?<![\w.`])(?P<path>{_NAME}(?:\.{_NAME})*?)"
_TEXT = r"""(?:"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')"""
_VALUE = rf"(?:{_TEXT}|-?\d[\w.\-:]*+|true\b|false\b|:\w++)"
_MORE = rf"(?:\s*,\s*{_VALUE})"
_LIST = rf"{_VALUE}{_MORE}*+"
_SIGN = r"(?P<sign>[<>]=?|={1,2}|!=|<>)"
_COUNT = f"(?:{'|'.join(_NUMBERS)})"
_UNIT = r"(?:second|minute|hour|day|week|month|quarter|year)s?"
_LENGTH = rf"""(?:interval\s*)?['"]?(?P<length>\d[\d_]*+['"]?\s*{_UNIT})\b['"]?"""
_NOW = r"(?<![\w.])(?:now|current_timestamp|getdate|sysdate)\b(?:\s*\(\s*\))?"
_NOT = r"(?P<no>not\s+)?"
_IN_WORDS = r"(?:last|next|this|previous|segment|list)\b"
_OPEN, _CLOSE = r"[\[{(]", r"[\]})]"
_INSIDE = r"(?P<inside>(?:[^()]++|\((?:[^()]++|\([^()]*+\))*+\))*+)"
_PART = re.compile(rf"(?:{_TEXT}|\((?:[^()]++|\([^()]*+\))*+\)|[^,])++")

_HABITS: tuple[tuple[str, str | Callable[[_Match], str | None]], ...] = (
    # texts without quotes
    (
        r"(?<![\w.])(?P<text>https?://[\w\-./?=&%#~+:]++|[\w.+\-]++@[\w\-]++(?:\.[\w\-]++)+)",
        '"{text}"',
    ),
    # times
    (rf"{_PATH}\s*(?P<move>[+-])\s*{_LENGTH}\s*{_SIGN}\s*{_NOW}", _moved),
    (rf"{_NOW}\s*-\s*{_PATH}\s*{_SIGN}\s*{_LENGTH}", _elapsed),
    (rf"{_NOW}\s*(?P<move>[+-])\s*{_LENGTH}", _from_now),
    (rf"(?<![\w.])(?:today|current_date)\s*(?P<move>[+-])\s*{_LENGTH}", _of_today),
    (r"\b(?:date|timestamp)\s*(?P<quote>['\"])(?P<text>\d[\d\-: T.]++Z?)(?P=quote)", _instant),
    # tests of texts
    (rf"{_PATH}\s+{_NOT}(?P<fold>i?)like\s+(?P<text>{_TEXT})", _like),
    (
        rf"{_PATH}\.(?:str\.)?(?P<word>starts_?with|ends_?with|contains|includes)"
        rf"\(\s*(?P<text>{_TEXT})\s*\)",
        _text_test,
    ),
    (rf"\b(?P<word>contains|includes)\(\s*{_PATH}\s*,\s*(?P<text>{_TEXT})\s*\)", _text_test),
    (
        rf"{_PATH}\.(?:str\.)?(?:lower|upper|casefold)\(\)\s*={{1,2}}\s*(?P<text>{_TEXT})",
        "{path} = {text} ignoring case",
    ),
    (
        rf"{_PATH}\s+{_NOT}(?P<test>(?:starts|ends)\s+with)\s*\(\s*(?P<values>{_VALUE}{_MORE}+)\s*\)",
        _each,
    ),
    (rf"(?P<text>{_TEXT})\s+{_NOT}in\s+(?!{_IN_WORDS}){_PATH}", "{path} {no}contains {text}"),
    (rf"{_PATH}\s+icontains\s+(?P<text>{_TEXT})", "{path} contains {text} ignoring case"),
    (rf"{_PATH}\s+(?:has|having)\s+(?P<text>{_TEXT})", "{path} contains {text}"),
    # lists
    (rf"{_PATH}\s+{_NOT}(?:in|contains\s+(?:any|(?P<all>all)))\s*\(\s*\)", _nobody),
    (r"\bin\s+(?P<low>\d++)\s*(?:\.\.|to\b)\s*(?P<high>\d++)", "between {low} and {high}"),
    (
        rf"{_PATH}\s+{_NOT}in\s*(?:\[\s*(?P<values>{_LIST})\s*\]|\{{\s*(?P<others>{_LIST})\s*\}})",
        "{path} {no}in ({values}{others})",
    ),
    (
        rf"{_PATH}\s+(?:is\s+{_NOT}in|(?:is\s+)?(?P<not>not\s+)?one\s+of)\s*\(\s*(?P<values>{_LIST})\s*\)",
        "{path} {no}{not}in ({values})",
    ),
    (
        rf"{_PATH}\s+{_NOT}in\s+(?P<values>{_TEXT}{_MORE}*+|{_VALUE}{_MORE}++)(?!\s*,)",
        "{path} {no}in ({values})",
    ),
    (
        rf"{_PATH}\s*{_SIGN}\s*(?:{_OPEN}\s*(?P<values>{_VALUE}{_MORE}++)\s*{_CLOSE}|(?P<others>{_VALUE}{_MORE}++)(?!\s*,))",
        _equals_one_of,
    ),
    (
        rf"{_PATH}\.isin\(\s*{_OPEN}\s*(?P<values>{_LIST})\s*{_CLOSE}\s*\)",
        "{path} in ({values})",
    ),
    # what is missing
    (rf"{_PATH}\.(?:is_?null|is_?na)\(\)", "{path} is missing"),
    (rf"{_PATH}\.(?:not_?null|not_?na)\(\)", "{path} is present"),
    (rf"{_PATH}\s+is\s+{_NOT}(?:empty|blank)\b", _empty),
    (rf"{_PATH}\s+is\s+{_NOT}(?:none|nil|undefined|na|nan)\b", "{path} is {no}missing"),
    # comparisons
    (rf"{_PATH}\s+not\s+(?P<value>{_VALUE})", "{path} != {value}"),
    (rf"{_PATH}\s+(?P<is>is)\s+not\s+(?P<value>{_VALUE})", "{path} != {value}"),
    (rf"{_PATH}\s+(?P<is>is)\s+(?P<value>{_VALUE})", "{path} = {value}"),
    (
        rf"{_PATH}\s*{_SIGN}\s*(?P<value>{_VALUE})\s+(?P<word>and|or)\s+"
        rf"(?P<other>[<>]=?|={{1,2}}|!=|<>)\s*(?P<end>{_VALUE})",
        "{path} {sign} {value} {word} {path} {other} {end}",
    ),
    (
        rf"(?<![\w.])(?P<low>{_VALUE})\s*(?P<sign>[<>]=?)\s*{_PATH}\s*(?P<chain>[<>]=?)\s*(?P<high>{_VALUE})",
        _chained,
    ),
    (
        rf"\bbetween\s*\(?\s*(?P<low>{_VALUE})\s*(?:,|to\b)\s*(?P<high>{_VALUE})\s*\)?",
        "between {low} and {high}",
    ),
    (
        r"(?:\bis\s+)?\b(?P<more>greater|more|higher|larger|less|lower|fewer|smaller)\s+than\b"
        r"(?P<equal>\s+or\s+equal(?:\s+to)?\b)?",
        _compared,
    ),
    (r"\bis\s+equal\s+to\b", "="),
    (r"\bis\s+not\s+equal\s+to\b", "!="),
    (r":=", "="),
    (r"(?P<sign>[!<>])\s+=(?!=)", "{sign}="),
    # logic
    (
        r"\bcase\s+when\s+(?P<test>[^;]+?)\s+then\s+(?:1|true)\s+else\s+(?:0|false|null)\s+end\b"
        r"(?:\s*=\s*(?:1|true)\b)?",
        "({test})",
    ),
    (
        r"\A\s*(?P<left>[^()]+?)\s+xor\s+(?P<right>[^()]+?)\s*\Z",
        "({left}) and not ({right}) or not ({left}) and ({right})",
    ),
    (
        rf"(?<![\w.])(?P<word>and|or|if|(?:all|every|any|one|some|none)\s+of)\s*\({_INSIDE}\)",
        _together,
    ),
    (
        rf"(?<![\w.])(?P<word>(?:(?:at\s+(?:least|most)|exactly)\s+)?(?:\d++|{_COUNT})\s+of"
        rf"|(?:at\s+(?:least|most)|exactly)\s+(?:\d++|{_COUNT}))\s*\({_INSIDE}\)",
        _together,
    ),
    (rf"(?:\bis\s+)?\bat\s+least\b(?!\s+(?:\d++|{_COUNT})(?:\s+of\b|\s*\())", ">="),
    (r"(?:\bis\s+)?\bat\s+most\b(?!\s+\d++\s+of\b)", "<="),
    (rf"[!~¬]\s*{_PATH}(?![\w.(\[])", "not {path}"),
    (r"[!~¬]+(?=\s*\()", "not"),
    # segments, relations, parameters, names
    (
        rf"{_PATH}\s+(?:is\s+)?{_NOT}in\s+segment\s+(?P<name>{_NAME}|{_TEXT})",
        "{no}in segment {name}",
    ),
    (
        rf"{_PATH}\s+is\s+{_NOT}in\s+list\s+(?P<name>{_NAME}|{_TEXT})",
        "{path} {no}in list {name}",
    ),
    (rf"(?<![\w.])(?:has|exists)\s+{_PATH}", _any),
    (rf"{_PATH}\.(?:count|size|length)\(\)", "count({path})"),
    (
        r"(?<![\w.])(?P<head>(?:any|none|count)\([^()]*+)\)\s+where\s+(?P<rest>[^()]*[^()\s])",
        "{head} where {rest})",
    ),
    (r"[@$]?\{\s*(?P<name>[^\W\d]\w*+)\s*\}", ":{name}"),
    (r"[@$](?P<name>[^\W\d]\w*+)", ":{name}"),
    (
        r"(?<![\w.])(?:[^\W\d]\w*+)?\[\s*(?P<quote>['\"])(?P<name>[^\]'\"\n]+)(?P=quote)\s*\]",
        _named,
    ),
    (r"(?<![\w.])\[(?P<name>[^\W\d][\w ]*)\]", _named),
    (
        rf"(?<![\w.`])(?P<words>{_WORD}(?:[ ]+{_WORD}){{0,4}}+(?:[ ]+\([\w%/$€°]++\))?)"
        r"(?=\s*[<>=!])",
        _spaced,
    ),
)


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], str | Callable[[_Match], str | None]], ...]:
    """The habits, once there is a mistake: to compile them takes longer than to read."""
    return tuple((re.compile(pattern, re.IGNORECASE), form) for pattern, form in _HABITS)
