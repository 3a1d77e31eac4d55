"""The forms of habits: what stands for a match, in this language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from segmentkit._diagnostics.diagnostic import Hint, advice, suggest
from segmentkit._language import foreign_words
from segmentkit._language.formatter import format_name, format_text
from segmentkit._language.keywords import RESERVED, keywords
from segmentkit.functions import AGGREGATES, FUNCTIONS

Match: TypeAlias = re.Match[str]
Form: TypeAlias = str | Callable[[Match], Hint | str | None]
"""What stands for a match: groups in curly brackets, or a function of it."""

# -- pieces of patterns ---------------------------------------------------------------------------

_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
WORD = rf"(?!(?:{'|'.join(sorted(RESERVED))}|case|when|then|select|from|if)\b)[^\W\d]\w*+"
NAME = rf"(?:`[^`\n]++`|{WORD})"
PATH = rf"(?<![\w.`])(?P<path>{NAME}(?:\.{NAME})*?)"
TEXT = r"""(?:"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')"""
VALUE = rf"(?:{TEXT}|-?\d[\w.\-:]*+|true\b|false\b|:\w++)"
MORE = rf"(?:\s*,\s*{VALUE})"
LIST = rf"{VALUE}{MORE}*+"
SIGN = r"(?P<sign>[<>]=?|={1,2}|!=|<>)"
COUNT = f"(?:{'|'.join(_NUMBERS)})"
TEST = r"(?:[<>]=?|={1,2}|!=|<>)"
UNIT = r"(?:second|minute|hour|day|week|month|quarter|year)s?"
LENGTH = rf"""(?:interval\s*)?['"]?(?P<length>\d[\d_]*+['"]?\s*{UNIT})\b['"]?"""
NOW = r"(?<![\w.])(?:now|current_timestamp|getdate|sysdate)\b(?:\s*\(\s*\))?"
NOT = r"(?P<no>not\s+)?"
IN_WORDS = r"(?:last|next|this|previous|segment|list)\b"
OPEN, CLOSE = r"[\[{(]", r"[\]})]"
INSIDE = r"(?P<inside>(?:[^()]++|\((?:[^()]++|\([^()]*+\))*+\))*+)"
_PART = re.compile(rf"(?:{TEXT}|\((?:[^()]++|\([^()]*+\))*+\)|[^,;])++")

# -- times ----------------------------------------------------------------------------------------


def as_moved(found: Match) -> str:
    """``seen + 7 days > now`` is ``seen > 7 days ago``."""
    way = "ago" if found["move"] == "+" else "from now"
    return f"{found['path']} {found['sign']} {_length(found)} {way}"


def as_elapsed(found: Match) -> str | None:
    """``now - seen > 7 days`` is ``seen < 7 days ago``."""
    sign = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(found["sign"])
    return sign and f"{found['path']} {sign} {_length(found)} ago"


def as_from_now(found: Match) -> str:
    return f"{_length(found)} {'ago' if found['move'] == '-' else 'from now'}"


def _length(found: Match) -> str:
    return " ".join(re.findall(r"[\d_]+|[a-z]+", found["length"].lower()))


def as_instant(found: Match) -> str:
    return "T".join(found["text"].split())


def as_of_today(found: Match) -> Hint:
    return advice("from_this_moment", text=as_from_now(found))


def as_part(found: Match) -> str:
    part = found["part"].lower()
    return f"{_PARTS_OF_TIME.get(part, part)}({found['path']})"


_PARTS_OF_TIME = {"day": "monthday", "dow": "weekday", "isodow": "weekday", "dayofweek": "weekday"}


def as_cast(found: Match) -> str:
    return f"day({found['path']})" if found["type"].lower() == "date" else found["path"]


def as_aged(found: Match) -> str:
    sign = "<" if found["age"][0].lower() == "o" else ">"
    return f"{found['path']} {sign} {_length(found)} ago"


def as_within(found: Match) -> str | None:
    if re.search(r"\bby\s+\Z", found.string[: found.start()], re.IGNORECASE):
        return None  # a step has a 'within' of its own
    return f"{found['path']} in last {_length(found)}"


# -- texts and lists ------------------------------------------------------------------------------


def as_like(found: Match) -> str | None:
    """``name like '%x%'`` is ``name contains "x"``; nothing says the same of other patterns."""
    pattern = found["bare"] if "bare" in found.re.groupindex else found["text"][1:-1]
    body = pattern.strip("%")
    if not body or re.search(r"[%_\\]", body):
        return None
    ends = (pattern.startswith("%"), pattern.endswith("%"))
    test = {(True, True): "contains", (True, False): "ends with", (False, True): "starts with"}
    no = found["no"] is not None
    word = f"{'not ' * no}{test[ends]}" if any(ends) else "!=" if no else "="
    fold = " ignoring case" if found["fold"] else ""
    return f"{found['path']} {word} {format_text(body)}{fold}"


def as_text_test(found: Match) -> str:
    test = {"s": "starts with", "e": "ends with"}.get(found["word"][0].lower(), "contains")
    return f"{found['path']} {test} {found['text']}"


def as_each(found: Match) -> str:
    """``name starts with ("x", "y")``: tests of beginnings and ends take no list."""
    values = re.findall(VALUE, found["values"], re.IGNORECASE)
    tests = [f"{found['path']} {found['test'].lower()} {value}" for value in values]
    return f"{'not ' if found['no'] else ''}({' or '.join(tests)})"


def as_equals_one_of(found: Match) -> str:
    word = "not in" if found["sign"] in ("!=", "<>") else "in"
    return f"{found['path']} {word} ({found['values'] or found['others']})"


def as_nobody(found: Match) -> str:
    """Nothing is in an empty list, and everything contains all of it."""
    return str((found["no"] is not None) != (found["all"] is not None)).lower()


def as_size(found: Match) -> Hint:
    return advice("length_or_count", name=found["path"])


def as_is_word(found: Match) -> str:
    word, sign = found["word"], "!=" if found["no"] else "="
    if state := suggest(word, ("missing", "present"), cutoff=0.75):
        return f"{found['path']} is {'not ' if found['no'] else ''}{state}"
    is_word = word.lower() in ("today", "now", "true", "false")
    return f"{found['path']} {sign} {word.lower() if is_word else format_text(word)}"


def as_empty(found: Match) -> Hint:
    sign, word, state = ("!=", "any", "present") if found["no"] else ("=", "none", "missing")
    not_ = "not " if found["no"] else ""
    told: dict[str, Any] = {"sign": sign, "no": not_, "word": word, "state": state}
    return advice("empty_of_each_kind", name=found["path"], **told)


def as_compared(found: Match) -> str:
    sign = "<" if found["more"][0].lower() in "lfsub" else ">"
    return f"{sign}{'=' if found['equal'] else ''}"


def as_chained(found: Match) -> str:
    """``1 <= n <= 5`` is ``n between 1 and 5``; other signs need two tests."""
    low, sign, path, other, high = found.group("low", "sign", "path", "chain", "high")
    if sign == other and sign in ("<=", ">="):
        low, high = (low, high) if sign == "<=" else (high, low)
        return f"{path} between {low} and {high}"
    return f"{low} {sign} {path} and {path} {other} {high}"


# -- conditions and names -------------------------------------------------------------------------


def as_together(found: Match) -> str | None:  # noqa: PLR0911
    """``AND(a, b)``, ``any of (a, b)``, ``at least two of (a, b, c)``, ``IF(a, b, c)``."""
    if not begins(found):
        return None
    parts = _parts(found["inside"])
    match found["word"].lower().split():
        case [("and" | "or" | "und" | "oder" | "et" | "ou" | "и" | "или" | "і" | "або")] if (
            len(parts) < 2
        ):
            return None
        case ["und" | "et" | "и" | "і"]:
            return f"({_joined(parts, 'and')})"
        case ["oder" | "ou" | "или" | "або"]:
            return f"({_joined(parts, 'or')})"
        case ["and"] | [("all" | "every"), "of"]:
            return f"({_joined(parts, 'and')})"
        case ["or"] | [("any" | "one" | "some"), "of"]:
            return f"({_joined(parts, 'or')})"
        case ["none", "of"]:
            return f"not ({_joined(parts, 'or')})"
        case ["if" | "iif" | "wenn"] if [p.lower() for p in parts[1:]] in _TRUE_OR_FALSE:
            return f"({parts[0]})"
        case ["if" | "iif" | "iff" | "ifelse" | "if_else" | "wenn"] if _is_value(found, parts):
            return _chosen([parts[:2]], parts[2:])
        case ["ifs"] if len(parts) > 1 and len(parts) % 2 == 0:
            *pairs, (test, last) = zip(parts[::2], parts[1::2], strict=True)
            rest = [last] if pairs and test.lower() in ("true", "1") else []
            return _chosen(pairs if rest else [*pairs, (test, last)], rest)
        case ["if"] if len(parts) == 3:
            test, yes, no = (_joined([part, "x"], "and")[:-6] for part in parts)
            return f"({test} and {yes} or not ({parts[0]}) and {no})"
        case [*words] if number := next((_NUMBERS.get(w, w) for w in words if _counts(w)), None):
            most = "exactly" if "exactly" in words else "at most" if "most" in words else "at least"
            return f"{most} {number} of ({', '.join(parts)})" if parts else None
        case _:
            return None


_TRUE_OR_FALSE = (["true", "false"], ["1", "0"], ["true"])


def _is_value(found: Match, parts: list[str]) -> bool:
    """Whether what is chosen is compared, or is no condition."""
    if len(parts) not in (2, 3):
        return False
    goes_on = _TESTED.match(found.string, found.end()) is not None
    return goes_on or any(re.fullmatch(VALUE, part, re.IGNORECASE) for part in parts[1:])


_TESTED = re.compile(r"\s*(?:[<>=!+*/-]|(?:not\s+)?in\b|between\b|is\b)", re.IGNORECASE)


def _chosen(pairs: Iterable[Sequence[str]], rest: list[str]) -> str:
    whens = "".join(f"when {test} then {value} " for test, value in pairs)
    return f"case {whens}{''.join(f'else {value} ' for value in rest)}end"


def _counts(word: str) -> bool:
    return word in _NUMBERS or word.isdecimal()


def _parts(inside: str) -> list[str]:
    """What stands between commas, but for those within brackets and quotes."""
    return [part.strip() for part in _PART.findall(inside) if part.strip()]


def _joined(parts: list[str], word: str) -> str:
    return f" {word} ".join(f"({p})" if re.search(r"\s(?:or|and)\s", p, re.I) else p for p in parts)


def begins(found: Match) -> bool:
    """Whether an operand can begin here."""
    return BEFORE_OPERAND.search(found.string[: found.start()]) is not None


def if_begins(written: str) -> Form:
    """The form that is written, only where an operand can begin."""
    return lambda found: written.format_map(groups(found)) if begins(found) else None


def groups(found: Match) -> dict[str, str]:
    """The groups of a match; those without a part of the text are empty."""
    return {name: value or "" for name, value in found.groupdict().items()}


BEFORE_OPERAND = re.compile(r"(?:\A|[(,]|\b(?:and|or|not|where))\s*\Z", re.IGNORECASE)


def as_any(found: Match) -> str | None:
    return f"any({found['path']})" if begins(found) and len(found["path"]) > 3 else None


def as_none(found: Match) -> str | None:
    return f"none({found['path']})" if begins(found) else None


def as_named(found: Match) -> str | None:
    return format_name(found["name"].strip()) if begins(found) else None


def as_keyed(found: Match) -> Hint | str | None:
    """``df["x"]`` is ``x``, and ``document["x"]`` is ``document.x``."""
    name = format_name(found["name"].strip())
    if not begins(found):
        return None
    frame = found["frame"]
    if not frame or re.fullmatch(r"(?:df|frame|data|row|table)\w*", frame, re.IGNORECASE):
        return name
    if len(frame) == 1:
        return advice("column_or_json", name=name, document=frame)
    return f"{frame}.{name}"


def as_of_rows(found: Match) -> str:
    """``orders.amount.sum()`` and ``orders.sum(amount)`` are ``sum(orders.amount)``."""
    name = {"mean": "avg", "exists": "any"}.get(found["word"].lower(), found["word"].lower())
    return f"{name}({'.'.join(filter(None, (found['path'], found['attribute'])))})"


def as_in_kind(found: Match) -> str | None:
    return f"in {found['kind'].lower()} {found['name']}" if begins(found) else None


def as_spaced(found: Match) -> Hint | str | None:
    """A name of several words."""
    words = found["words"].split()
    known = {*keywords(), *AGGREGATES, *FUNCTIONS} - _OF_ROWS
    joints = foreign_words.AND | foreign_words.OR | foreign_words.NOT
    if not joints.isdisjoint(word.lower() for word in words):
        return None
    if len(words) < 2 or not begins(found) or len({*words, *known}) < len(words) + len(known):
        return None
    name = format_name(" ".join(words))
    if words[0] in _OF_ROWS or any(not word[0].islower() for word in words):
        return name
    return advice("tests_or_spaced_name", name=name)


_OF_ROWS = frozenset(
    (
        *("first", "last", "avg", "average", "sum", "total", "amount", "number", "count"),
        *("max", "min", "largest", "highest", "smallest", "lowest"),
    )
)
"""Words that begin the names of what rows come to, as ``average order value``."""
