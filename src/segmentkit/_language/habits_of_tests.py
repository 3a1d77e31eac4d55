"""Tests in the words of other tools, and as people say them."""

from __future__ import annotations

import re

from segmentkit._language.foreign_words import (
    CURRENCIES,
    MONTH,
    NUMBERS,
    month_of,
)
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
from segmentkit._language.habits_of_order import END, ORDERS
from segmentkit._language.habits_of_rows import NUMBER, WINDOW, as_number, window

_WHAT = rf"(?P<path>(?<![\w.`])(?:\w+\([^()]*\)|{NAME}(?:\.{NAME})*))"
"""A name, or a call of a function."""


def _long_ago(found: Match) -> str:
    """``more than 30 days ago`` is earlier than ``30 days ago``."""
    more = found["word"].lower() in ("more", "over", "longer", "earlier", "greater", "older", ">")
    number = "1" if found["number"].lower() in ("a", "an") else as_number(found["number"])
    return f"{'<' if more else '>'} {number} {found['unit'].lower()} ago"


def _aged(found: Match) -> str:
    older = found["word"].lower() == "older"
    return f"{found['path']} {'<' if older else '>'} {found['number']} {found['unit'].lower()} ago"


def _quarter(found: Match) -> str:
    year, quarter = int(found["year"]), int(found["quarter"])
    first, last = 3 * quarter - 2, 3 * quarter
    days = 31 if last in (3, 12) else 30
    return f"between {year}-{first:02}-01 and {year}-{last:02}-{days}"


def _month(found: Match) -> str:
    name = found["name"]
    month = int(name) if name.isdecimal() else month_of(name)
    return f"in {found['year']}-{month:02}" if month and month < 13 else ""


def _spelled(found: Match) -> str | None:
    """A text of several words without quotes."""
    text = found["words"]
    if not any(word[0].isupper() for word in text.split()):
        return None
    return f"{found['head']}{format_text(text)}"


def _or_more(found: Match) -> str:
    more = found["way"].lower() in (
        "more",
        "older",
        "above",
        "over",
        "higher",
        "greater",
        "later",
        "+",
    )
    sign = ">=" if more else "<="
    return f"{found['path']} {sign} {found['value']}"


def _repeated(found: Match) -> str:
    path, sign = found["path"], found["sign"]
    return f"{path} {sign} {found['value']} {found['word']} {path} {sign} {found['other']}"


def _backquoted(found: Match) -> str | None:
    words = found["words"].split()
    if not begins(found) or any(word.lower() in _NEVER for word in words):
        return None
    return f"`{' '.join(words)}` "


_NEVER = frozenset(
    (
        *("any", "none", "count", "sum", "avg", "is", "has", "have", "did", "no", "segment"),
        *("list", "all", "both", "either", "neither", "top", "bottom", "reachable", "never"),
        *("with", "without", "every", "lambda", "customers", "people", "users", "number"),
        *("total", "exactly", "select", "new", "typeof", "case", "not", "нет", "не", "ні", "nie"),
        *("nicht", "ikke", "the", "if", "at", "least", "most", "more", "than", "over", "under"),
        *("last", "this", "next", "previous", "older", "younger", "within", "since", "before"),
        *("after", "until", "in", "на", "за"),
    )
)


def _two_ends(found: Match) -> str | None:
    """``points >= 10 <= 20``."""
    path, sign, other = found["path"], found["sign"], found["other"]
    if sign[0] == other[0]:
        return None
    return f"{path} {sign} {found['value']} and {path} {other} {found['end']}"


def _listed(found: Match) -> str | None:
    """``tier in gold, silver`` and ``tier is gold or silver``."""
    words = [
        word.strip() for word in re.split(r"(?i)[,;]|\s+or\s+", found["words"]) if word.strip()
    ]
    if not _NEVER.isdisjoint(words):
        return None
    texts = [w if re.fullmatch(VALUE, w, re.IGNORECASE) else format_text(w) for w in words]
    return f"{found['path']} {found['no'] or ''}in ({', '.join(texts)})"


def _one_of(found: Match) -> str | None:
    """``country is none of DK, NO``."""
    words = [w for w in re.split(r"(?i)\s*[,;]\s*(?:or\s+)?|\s+or\s+", found["words"]) if w]
    if not _NEVER.isdisjoint(words):
        return None
    texts = [w if re.fullmatch(VALUE, w, re.IGNORECASE) else format_text(w) for w in words]
    no = "not " if found["kind"].lower().startswith("no") else ""
    return f"{found['path']} {no}in ({', '.join(texts)})"


HABITS: tuple[tuple[str, Form], ...] = (
    *ORDERS,
    (
        rf"{PATH}\s+is\s+(?P<kind>any|one|none|not\s+any|not\s+one)\s+of\s*:?\s*[\[(]?\s*"
        rf"(?P<words>(?:{VALUE}|{WORD})(?:(?:\s*[,;]\s*(?:or\s+)?|\s+or\s+)(?:{VALUE}|{WORD}))*)\s*[\])]?(?={END})",
        _one_of,
    ),
    (
        rf"{PATH}\s+{NOT}in\s*[\[{{]\s*(?P<words>(?:{VALUE}|{WORD})(?:\s*[,;]\s*(?:{VALUE}|{WORD}))*)\s*[\]}}]",
        _listed,
    ),
    (r"\bnot\s*={1,2}(?!=)", "!="),
    (
        rf"{PATH}\s*\[\s*(?P<low>\d++)\s*[,;]\s*(?P<high>\d++)\s*\]",
        "{path} between {low} and {high}",
    ),
    (r"(?P<number>(?<![\w.])\d++)\s+years?\s+old\b", "{number}"),
    (rf"{PATH}\s+from\s+(?P<value>-?\d[\w.:-]*)(?={END})", "{path} >= {value}"),
    (rf"\b(?:has|have|with)\s+tags?\s+(?P<text>{TEXT})", "tags contains {text}"),
    (r"\bin\s+segments\s+(?=\w|[\"'])", "in segment "),
    (
        r"\b(?P<way>top|best|highest|bottom|worst|lowest)\s+(?P<n>\d+\s*(?:%|percent\b)?)\s+(?:of\s+)?(?:the\s+|all\s+|our\s+)*"
        r"(?:(?:customers|people|users|clients|contacts|spenders|members)\s+)?by\b",
        lambda found: (
            f"{'bottom' if found['way'].lower() in ('bottom', 'worst', 'lowest') else 'top'} "
            f"{re.sub(r'(?i)[ ]*percent', '%', found['n']).replace(' ', '')} by"
        ),
    ),
    (
        r"\b(?:beginnt\s+mit|commence\s+par|починається\s+(?:з|із|на)|начинается\s+(?:с|на)|"
        r"zaczyna\s+się\s+(?:od|na)|empieza\s+con|begynder\s+med)(?=\s)",
        "starts with",
    ),
    (
        r"\b(?:endet\s+(?:mit|auf)|(?:finit|termine)\s+par|закінчується\s+(?:на|з)|"
        r"заканчивается\s+(?:на|с)|kończy\s+się\s+na|termina\s+con|slutter\s+med)(?=\s)",
        "ends with",
    ),
    (
        r"\b(?:nie\s+zawiera|не\s+містить|не\s+содержит|enthält\s+nicht|ne\s+contient\s+pas|"
        r"no\s+contiene)(?=\s)",
        "not contains",
    ),
    (rf"{PATH}\s+(?:ist|est|jest|є|es|är)\s+(?P<value>{VALUE})", "{path} = {value}"),
    (
        rf"{PATH}\s+{NOT}(?:in|is|is\s+in)\s+(?P<words>(?:{VALUE}|{WORD})(?:\s*,\s*(?:or\s+)?(?:{VALUE}|{WORD})"
        rf"|\s+or\s+(?:{VALUE}|{WORD}))+)(?=\s*(?:\Z|\)|\b(?:and|or)\b))(?!\s+\w+\s*[<>=])",
        _listed,
    ),
    (r"\b(?:includes?|has|have|contain)\s+(?P<word>any|all)(?:\s+of)?(?=\s*\()", "contains {word}"),
    (r"\bends\s+in\b", "ends with"),
    (rf"{PATH}\s+has\s+no\s+value\b", "{path} is missing"),
    (
        r"(?:\bis\s+)?\b(?:not|no)\s+(?:greater|more|higher|larger|bigger|over|later)(?:\s+than)?\b",
        "<=",
    ),
    (r"(?:\bis\s+)?\b(?:not|no)\s+(?:less|fewer|lower|smaller|under|earlier)(?:\s+than)?\b", ">="),
    (r"\bbigger\s+than\b", ">"),
    (
        r"(?<![\w.])(?:is\s+)?(?P<word>older|younger)\s+than\s+(?P<n>\d++)(?:\s+years?)?(?!\s*\w*\s*ago)(?=\s*(?:\Z|[),]|\b(?:and|or)\b))",
        lambda found: (
            f"age {'>' if found['word'].lower() == 'older' else '<'} {found['n']}"
            if begins(found)
            else None
        ),
    ),
    (rf"(?P<head>between\s+{VALUE}\s+and\s+{VALUE})\s*,?\s*\(?inclusive(?:ly)?\)?", "{head}"),
    (r"\bin\s+(?:the\s+)?(?:year|month)\s+(?P<when>\d{4}(?:-\d\d)?)\b", "in {when}"),
    (
        rf"(?<![\w.`])(?P<path>(?!(?:before|after|since|until|than|from|to|on|by|is|was|till)\b){NAME}(?:\.{NAME})*)"
        r"\s+(?:is\s+|was\s+)?today\b",
        "{path} in this day",
    ),
    (r"\b(?:is\s+)?later\s+than\b", ">"),
    (r"\b(?:is\s+)?earlier\s+than\b", "<"),
    (rf"{PATH}\s+(?:is\s+|was\s+)?never(?={END})", "{path} is missing"),
    (
        rf"\b(?P<word>{'|'.join(NUMBERS)})\s+(?={UNIT}\s+(?:ago|from)\b)",
        lambda found: f"{as_number(found['word'])} ",
    ),
    (
        r"\bbetween\s+(?P<a>\d++),(?P<b>\d++)\s+and\s+(?P<c>\d++)(?:,(?P<d>\d++))?(?![\w,])",
        lambda found: (
            f"between {found['a']}.{found['b']} and "
            + ".".join(filter(None, (found["c"], found["d"])))
        ),
    ),
    (r"(?P<sign>[<>]=?)\s*(?P<whole>-?\d++),(?P<rest>\d++)(?![\w,])", "{sign} {whole}.{rest}"),
    (
        rf"(?:(?:is|are)\s+)?(?:an?\s+)?(?:member\s+of|belongs?\s+to|in\s+group|in\s+the\s+segment)\s+(?P<name>{NAME})(?={END})",
        if_begins("in segment {name}"),
    ),
    (rf"\bin\s+segment\s*(?:={{1,2}}|:|is\b)\s*(?P<name>{NAME}|{TEXT})", "in segment {name}"),
    (
        rf"{PATH}\s*(?P<sign>[<>]=?)\s*(?P<value>{VALUE})\s*(?P<other>[<>]=?)\s*(?P<end>{VALUE})",
        _two_ends,
    ),
    # logic
    (r"\band\s*/\s*or\b", "or"),
    (r"(?:\A\s*|(?<=\())both\s+(?=\w)", ""),
    (r"(?:\A\s*|(?<=\())either\s+(?=\w[^()]*\bor\b)", ""),
    (
        rf"\bneither\s+(?P<a>{NAME})\s+nor\s+(?P<b>{NAME})(?=\s*(?:\Z|\)))",
        "not ({a} or {b})",
    ),
    (
        rf"(?<=\w\s)without\s+(?P<name>{NAME})(?={END})",
        lambda found: None if begins(found) else f"and not {found['name']}",
    ),
    (
        rf"(?<=[\w\"')]\s)(?:except(?:\s+(?:where|if|when))?|unless|excluding|but\s+not)\s+(?P<test>{NAME}(?:\s*{TEST}\s*{VALUE})?)(?=\s*(?:\Z|\)))",
        "and not {test}",
    ),
    (
        rf"(?<!\w)is\s+(?P<no>not\s+)?(?:an?\s+)?(?P<name>{NAME})(?={END})",
        lambda found: f"{'not ' if found['no'] else ''}{found['name']}" if begins(found) else None,
    ),
    # numbers
    (rf"{_WHAT}\s*(?:={{1,2}}|is)?\s*(?P<value>\d[\d.]*)(?P<way>\+)(?!\s*\w)", _or_more),
    (
        rf"{_WHAT}\s*(?:={{1,2}}|\bis\b)?\s*(?P<value>{VALUE})\s+(?:or|and)\s+"
        r"(?P<way>more|older|above|over|higher|greater|later|less|younger|below|under|lower|fewer|earlier)\b",
        _or_more,
    ),
    (
        rf"{_WHAT}\s*(?:={{1,2}}|\b(?:is|in|is\s+in|in\s+range|in\s+the\s+range|between|from|is\s+between)\b)?\s*(?P<low>\d[\d.]*?)"
        r"\s*(?:\.\.+|-|–|—|\bto\b)\s*(?P<high>\d++(?:\.\d+)?)(?![\w-])",
        lambda found: f"{found['path']} between {found['low']} and {found['high']}",
    ),
    (
        rf"(?P<low>\d++)\s+to\s+(?P<high>\d++)\s*={{1,2}}\s*{PATH}",
        "{path} between {low} and {high}",
    ),
    (
        rf"\bbetween\s*[\[(]\s*(?P<low>{VALUE})\s*(?:,|and|to|-)\s*(?P<high>{VALUE})\s*[\])]",
        "between {low} and {high}",
    ),
    (
        rf"(?<!\btop\s)(?<!\bbottom\s)(?P<number>(?<![\w.])\d[\d_]*+(?:\.\d+)?)\s*{CURRENCIES}(?!\w)(?!\s*(?:of\b|\())",
        "{number}",
    ),
    (rf"(?P<head>[<>=]\s*)(?:{CURRENCIES})\s+(?P<number>\d[\d_.]*)", "{head}{number}"),
    (r"\b(?:minimum|min)\.?\s+(?=[\d:])", ">= "),
    (r"\b(?:maximum|max)\.?\s+(?=[\d:])", "<= "),
    # times
    (
        rf"(?:\bis\s+)?\b(?P<word>more|less|over|under|longer|shorter|earlier|later|older|newer)\s+(?:than\s+)?"
        rf"(?P<number>{NUMBER}|an?)\s+(?P<unit>{UNIT})\s+ago\b",
        _long_ago,
    ),
    (
        rf"{_WHAT}\s+(?:is\s+)?(?P<word>older|newer|younger)\s+than\s+(?P<number>\d+)\s+(?P<unit>{UNIT})(?:\s+ago)?",
        _aged,
    ),
    (r"\b(?:is\s+)?on\s+or\s+(?:after|later\s+than)\b", ">="),
    (r"\b(?:is\s+)?on\s+or\s+before\b", "<="),
    (r"\b(?:is\s+)?(?:not\s+before|no\s+earlier\s+than|starting\s+from|as\s+of)\b", ">="),
    (r"\b(?:is\s+)?(?:not\s+after|no\s+later\s+than|up\s+to)\b", "<="),
    (
        r"\bis\s+(?=(?:after|before|since|until|between|contains|starts|ends|within|older|newer)\b)",
        "",
    ),
    (r"(?:={1,2}|\bin|\bon|\bis)?\s*\byesterday\b", "in previous day"),
    (
        rf"{PATH}\s*(?:={{1,2}}|>=?|\b(?:is|is\s+in|in|within|during|for)\b)?\s*(?:the\s+)?"
        rf"(?P<not>not\s+)?{WINDOW}",
        lambda found: (
            f"{found['path']} {found['not'] or ''}{window(found)}"
            if found["low"] is None and found["period"] is None
            else None
        ),
    ),
    (
        rf"{PATH}\s*(?:={{1,2}}|\b(?:is|in|during|within)\b)?\s*(?P<word>last|this|next|previous|past)\s+(?P<unit>{UNIT})\b",
        lambda found: f"{found['path']} in {found['word'].lower()} {found['unit'].lower()}",
    ),
    (r"\b(?:in|during|={1,2})\s*q(?P<quarter>[1-4])[ -]?(?P<year>\d{4})\b", _quarter),
    (r"\b(?:in|during|={1,2})\s*(?P<year>\d{4})[ -]?q(?P<quarter>[1-4])\b", _quarter),
    (rf"\b(?:in|during|={{1,2}})\s*(?P<name>{MONTH})\s+(?P<year>\d{{4}})\b", _month),
    (r"\b(?:in|during)\s*(?P<year>\d{4})[-/.](?P<name>\d\d?)(?![\w/.-])", _month),
    (r"\b(?:in|during)\s*(?P<name>\d\d?)[-/.](?P<year>\d{4})(?![\w/.-])", _month),
    # lists
    (
        rf"{PATH}\s+(?:(?:is|matches|equals|in)\s+)?{NOT}(?:(?:any|either|one|some)\s+(?:of\s+)?|either\s+)"
        rf"[\[(]?\s*(?P<values>{VALUE}(?:\s*,\s*(?:or\s+)?{VALUE}|\s+or\s+{VALUE})*+)\s*[\])]?(?!\s*,)",
        lambda found: (
            f"{found['path']} {found['no'] or ''}in ({', '.join(_values(found['values']))})"
        ),
    ),
    (
        rf"{PATH}\s*(?P<sign>=|!=)\s*(?P<value>{VALUE})\s+(?P<word>or|and)\s+(?:is|{TEST})\s+(?P<other>{VALUE})",
        _repeated,
    ),
    # words
    (rf"{PATH}\s+(?:including|having|containing)\s+(?P<text>{TEXT})", "{path} contains {text}"),
    (rf"{PATH}\s+from\s+(?P<text>{TEXT})", "{path} = {text}"),
    (
        rf"{PATH}\s+not\s+(?P<word>(?!(?:null|missing|empty|present|none|set|known|blank)\b){WORD})(?={END})",
        lambda found: f"{found['path']} != {format_text(found['word'])}",
    ),
    (rf"{PATH}\s+start\s+(?P<text>{TEXT})", "{path} starts with {text}"),
    (rf"{PATH}\s+end\s+(?P<text>{TEXT})", "{path} ends with {text}"),
    (
        rf"(?P<head>(?:={{1,2}}|!=|\bcontains|\bwith)\s*)(?P<words>{WORD}(?:[ ]{WORD})+)"
        rf"(?={END})",
        _spelled,
    ),
    # the population, segments, channels
    (r"\b(?P<way>top|bottom)\s+(?P<n>\d+)\s*(?:percent|pct)\b", "{way} {n}%"),
    (r"\b(?P<way>top|bottom)\s+(?P<n>\d+\s*%)\s+(?:of|in|for|on)\s+", "{way} {n} by "),
    (
        r"\b(?P<way>top|bottom)\s+(?P<n>\d+\s*%?)\s+(?:customers|people|users|clients|contacts|spenders)\s+(?:by|in|of|on)\b",
        "{way} {n} by",
    ),
    (
        rf"\b(?P<way>top|bottom)\s+(?P<n>\d+\s*%?)\s+(?=(?!by\b|percent\b|customers\b){NAME}[\s.(]*(?:\Z|\w|\)))",
        "{way} {n} by ",
    ),
    (r"\breachable\s+(?:via|through|on|with|per|using)\b", "reachable by"),
    (
        rf"(?P<head>(?:\A\s*|(?<=\()|(?<=\band)\s+|(?<=\bor)\s+)(?:not\s+)?)in\s+"
        rf"(?P<name>{TEXT}|(?!segment\b|list\b|last\b|next\b|this\b|previous\b){WORD})(?={END})",
        "{head}in segment {name}",
    ),
    # names of several words
    (
        rf"(?<![\w.`])(?P<words>{WORD}(?:[ ]+{WORD}){{1,3}}?)\s+"
        r"(?=(?:not\s+)?(?:in|between|contains|is|starts|ends|matches)\b)",
        _backquoted,
    ),
)


def _values(text: str) -> list[str]:
    return re.findall(VALUE, text, re.IGNORECASE)
