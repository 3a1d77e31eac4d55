"""Words of marketing tools, SQL and pandas, of Ukrainian and Polish, around rows and values."""

from __future__ import annotations

import re

from segmentkit._diagnostics.diagnostic import Hint, advice
from segmentkit._language.foreign_words import FUNCTIONS, UNITS
from segmentkit._language.formatter import format_text
from segmentkit._language.habit_forms import (
    NAME,
    NOT,
    PATH,
    TEST,
    TEXT,
    UNIT,
    VALUE,
    WORD,
    Form,
    Match,
    begins,
    if_begins,
)
from segmentkit._language.habits_of_rows import (
    AGGREGATE,
    END,
    ROWS,
    SIGNED,
    WINDOW,
    happened,
    own_test,
    window,
)

_PHRASES = "total|average|avg|amount|last|first|largest|highest|smallest|lowest"
_ONE = rf"(?:{VALUE}|{WORD})"
_OR_LIST = rf"{_ONE}(?:\s*,\s*{_ONE})*+\s+or\s+{_ONE}(?:\s*(?:,|\bor\b)\s*{_ONE})*"
_FIRST = ("first", "earliest", "oldest")
_UNIT_WORDS = "|".join(sorted(UNITS, key=len, reverse=True))
_FOLD = {"size": "count", "mean": "avg", "nunique": "count"}


def _after_where(found: Match) -> str:
    """``count(orders where last 30 days and …)``: a window stands before ``where``."""
    tests = f" where {found['tests']}" if found["tests"] else ""
    return f"{found['agg']}({found['rows']} {window(found)}{tests})"


def _selected(found: Match) -> str | None:
    """``COUNT(*) FROM orders WHERE … > 2``."""
    agg, of = found["agg"].lower(), found["of"].strip()
    if (of in ("*", "1")) > (agg == "count"):
        return None
    value = "" if agg == "count" else f".{of.rpartition('.')[2]}"
    tests = f" where {own_test(found['tests'], found['rows'])}" if found["tests"] else ""
    return f"{agg}({found['rows']}{value}{tests}) {found['sign']} {found['value']}"


def _of_frame(found: Match) -> str:
    """``orders[orders.status == "paid"].amount.sum()`` and ``orders.groupby("id").size()``."""
    groups = found.groupdict()
    word, rows = (groups["word"] or "size").lower(), found["rows"]
    test = groups.get("test") or groups.get("query")
    agg = _FOLD.get(word, word)
    value = f".{groups['of']}" if groups["of"] and agg != "count" else ""
    return f"{agg}({rows}{value}{f' where {own_test(test, rows)}' if test else ''})"


def _listed(found: Match) -> str:
    words = re.split(r"(?i)\s*,\s*|\s+or\s+", found["values"].strip())
    texts = [w if re.fullmatch(VALUE, w, re.I) else format_text(w) for w in words]
    return f"{found['path']} {found['no'] or ''}in ({', '.join(texts)})"


def _long_ago(found: Match) -> Hint:
    """``last order > 30 days ago``: people say so for longer ago, and here it is later."""
    agg = "first" if found["which"].lower() in _FIRST else "last"
    earlier, later = (f"{agg}({found['rows']}.time) {s} {found['ago']}" for s in "<>")
    return advice("earlier_or_later", earlier=earlier, later=later)


def _tagged(found: Match) -> str:
    text = found["text"]
    return f"tags contains {text if re.fullmatch(TEXT, text) else format_text(text)}"


def _called(found: Match) -> str | None:
    name = FUNCTIONS[found["word"].lower()]
    return f"{name}({found['rows']})" if begins(found) and name != "age" else None


def _not_equal(found: Match) -> str | None:
    text = found["text"] if re.fullmatch(VALUE, found["text"], re.I) else format_text(found["text"])
    return f"{found['path']} != {text}" if begins(found) else None


def _phrase(found: Match) -> str | None:
    """``total spent is greater than 100``: what it names is looked for in the schema."""
    ranked = re.search(r"\bby\s+\Z", found.string[: found.start()], re.IGNORECASE)
    return f"`{found['words'].lower()}`" if ranked or begins(found) else None


def _state(found: Match) -> str:
    state = "missing" if found["missing"] else "empty"
    return f"{found['path']} is {'not ' if found['no'] else ''}{state}"


_TABLE = rf"from\s+(?P<rows>{NAME})(?:\s+where\s+(?P<tests>[^()]+?))?"
_OF = rf"(?P<agg>count|sum|avg|min|max)\(\s*(?P<of>\*|1|{NAME}(?:\.{NAME})?)\s*\)"

HABITS: tuple[tuple[str, Form], ...] = (
    # tools for marketing
    (rf"{AGGREGATE}\(\s*{ROWS}\s+where\s+{WINDOW}\s*(?:(?:and\b|,)\s*(?P<tests>[^()]+?)\s*)?\)",
     _after_where),
    (r"\A(?P<head>[^()]*?)\s+(?:over\s+)?all\s+time\b", "{head}"),
    (rf"{PATH}\s+(?:is|has)\s+(?:any|some)\s+value\b", "{path} is present"),
    (rf"{PATH}\s+(?:has\s+(?:not|no)|(?:does\s+not|doesn't)\s+have)\s+(?:an?\s+|any\s+)?value\b",
     "{path} is missing"),
    (rf"(?<![\w.])(?P<which>last|latest|newest|first|earliest|oldest)\s+(?P<rows>{NAME})\s*"
     rf"[<>]=?\s*(?P<ago>\d++\s+{UNIT}\s+ago)\b", _long_ago),
    (rf"\b(?:tagged(?:\s+(?:with|as))?|(?:has|have|with)\s+(?:the\s+|an?\s+)?tags?)\s+(?P<text>{TEXT}|{WORD})",
     _tagged),
    (rf"(?<![\w.])(?:is|are)\s+(?P<no>not\s+)?in\s+(?P<name>(?:segment\s+)?(?:{NAME}|{TEXT})){END}",
     if_begins("{no}in {name}")),
    (rf"\bcan\s+receive\s+(?P<name>{NAME})(?:\s+(?:marketing|campaigns?|messages?)\b)?",
     "reachable by {name}"),
    (rf"{PATH}\s+(?:is\s+)?(?:equal\s+to|equals)\s+(?:any|one)\s+of\b", "{path} is any of"),
    (r"\b(?:does\s+not|doesn't|doesnt|isn't|isnt)\s+equals?\b(?:\s+to\b)?", "!="),
    (r"\b(?:is\s+not|isn't|isnt)\s+"
     r"(?P<test>in(?!\s+(?:segment|list))|between|contains|starts|ends)\b", "not {test}"),
    (r"\b(?:isn't|isnt)\b", "is not"),
    (r"\bdoesnt\b", "does not"),
    (rf"\bnot\s+(?P<path>(?!(?:an?|reachable|segment|list|any|has|have|all|top|bottom|member)\b){NAME})\s+"
     rf"(?P<text>{VALUE}|{WORD}){END}", _not_equal),
    (rf"(?<![\w.`])(?P<words>days?\s+since\s+{WORD}(?:\s+{WORD})?)(?=\s*[<>=])", "`{words}`"),
    (rf"(?<![\w.`])(?P<words>(?:{_PHRASES})\s+(?!{UNIT}\b|of\b){WORD}(?:\s+{WORD})?)"
     r"(?=\s*\Z|\s+(?:in|over|under|above|below|between|is)\b)", _phrase),
    (rf"{PATH}\s+{NOT}in\s*\(\s*(?P<values>{_OR_LIST})\s*\)", _listed),
    (rf"\bis\s+not\s+an?\s+member\s+of\s+(?:segment\s+)?(?P<name>{NAME}|{TEXT})",
     "not in segment {name}"),
    (rf"(?P<path>{NAME})\s+(?P<text>(?-i:(?!AND|OR|NOT)[A-Z]{{2,3}})){END}",
     if_begins("{path} = '{text}'")),
    (r"\b(?:(?P<more>greater|more)|less)\s+or\s+equal(?:\s+to)?\b",
     lambda found: ">=" if found["more"] else "<="),
    (r"\)\s+is\s+(?P<no>not\s+)?(?P<value>-?\d[\w.:-]*)",
     lambda found: f") {'!=' if found['no'] else '='} {found['value']}"),
    # SQL
    (rf"(?:\A\s*select\s+)?(?<![\w.(]){_OF}\s+{_TABLE}\s*{SIGNED}{END}", _selected),
    (rf"{NAME}\s+in\s*\(\s*select\b[^()]*?\b{_TABLE}\s+group\s+by\s+[\w.]+\s+having\s+{_OF}\s*{SIGNED}\s*\)",
     _selected),
    (rf"\bposition\(\s*(?P<text>{TEXT})\s+in\s+{PATH}\s*\)\s*(?:>\s*0|>=\s*1|!=\s*0)",
     "{path} contains {text}"),
    (rf"(?<!\w)order\s+by\s+{PATH}\s+desc\s+limit\s+(?P<n>\d++)\s*;?\s*\Z",
     if_begins("top {n} by {path}")),
    # pandas
    (rf"{PATH}\.fillna\(\s*(?P<value>{VALUE})\s*\)", "default({path}, {value})"),
    (rf"(?P<rows>{NAME})\.groupby\([^()]*\)(?:(?:\[\s*['\"]|\.)(?P<of>\w+)(?:['\"]\s*\])?(?=\.))?"
     r"\.(?P<word>size|count|sum|mean|min|max)\(\s*\)", _of_frame),
    (rf"(?P<rows>{NAME})(?:\[(?P<test>[^\[\]]*{TEST}[^\[\]]*)\]|\.query\(\s*(?P<quote>['\"])(?P<query>[^'\"]*)(?P=quote)\s*\))"
     r"(?:\.shape\[0\]|\.(?P<of>\w+)\.(?P<word>sum|mean|min|max|count)\(\s*\))", _of_frame),
    (rf"\blen\(\s*(?P<rows>{NAME})\[(?P<test>[^\[\]]*{TEST}[^\[\]]*)\]\s*\)(?P<of>)(?P<word>)",
     _of_frame),
    (r"(?<![\w.])np\.where(?=\()", "if"),
    (rf"{PATH}\.is_?in\(\s*range\(\s*(?P<low>\d++)\s*,\s*(?P<high>\d++)\s*\)\s*\)",
     lambda found: f"{found['path']} between {found['low']} and {int(found['high']) - 1}"),
    # Ukrainian and Polish
    (rf"{PATH}\s+(?:jest\s+|є\s+)?(?P<no>(?:не|nie)\s+)?(?:jest\s+|є\s+)?"
     rf"(?:(?P<missing>відсутн\w+|brak\w*)|порожн\w+|пуст\w+|pust\w+){END}", _state),
    (rf"(?:\b(?:в|у|w|за)\s+)?\b(?:цього|цьому|цій|поточн\w+|tym|tego|bieżąc\w+)\s+(?P<unit>{_UNIT_WORDS})\b",
     lambda found: f"in this {UNITS[found['unit'].lower()]}"),
    (rf"{PATH}\s+(?:від|od)\s+(?P<low>{VALUE})\s+(?:до|do)\s+(?P<high>{VALUE})",
     "{path} between {low} and {high}"),
    (rf"(?<![\w.])(?P<word>{'|'.join(FUNCTIONS)})\s+(?P<rows>{NAME}(?:\.{NAME})*)(?=\s*[<>=!])",
     _called),
    (rf"(?<![\w.])(?P<no>без|brak|nie\s+ma|не\s+ма(?:є|ють)|немає)\s+(?P<rows>{NAME})(?:\s+{WINDOW})?{END}",
     happened),
    (rf"(?<![\w.])(?:ма(?:є|ють)|ma|mają)\s+(?P<rows>{NAME})(?:\s+{WINDOW})?{END}", happened),
    (rf"{PATH}\s+(?:сьогодні|dzisiaj|dziś){END}", "{path} in this day"),
    (rf"{PATH}\s+(?:вчора|wczoraj){END}", "{path} in previous day"),
    (rf"{PATH}\s+(?:один|одна|одне|jed(?:en|na|no))\s+(?:з|із|z)(?=\s)", "{path} is one of"),
    (r"\brówn[aey]\s+się\b", "="),
    (r"\b(?:różn[aey]|інш\w+)\s+(?:od|ніж|від)(?=\s)", "!="),
)  # fmt: skip
