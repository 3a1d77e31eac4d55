"""What people write who know another language, and how this one says the same.

A habit is a regular expression around the place where reading stopped, and what stands for it:
write that in the place of what was found, and the definition says what was meant.
"""

from __future__ import annotations

import re
from functools import cache

from segmentkit._diagnostics.diagnostic import Diagnostic, Hint, Span, advice, diagnostic
from segmentkit._language import habit_forms as forms
from segmentkit._language import (
    habits_of_choices,
    habits_of_documents,
    habits_of_programs,
    habits_of_rows,
    habits_of_tests,
    habits_of_words,
)
from segmentkit._language.habit_forms import (
    CLOSE,
    COUNT,
    IN_WORDS,
    INSIDE,
    LENGTH,
    LIST,
    MORE,
    NAME,
    NOT,
    NOW,
    OPEN,
    PATH,
    SIGN,
    TEST,
    TEXT,
    UNIT,
    VALUE,
    WORD,
    Form,
    Match,
    groups,
)

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
            meant = form(found) if callable(form) else form.format_map(groups(found))
            if meant is not None and (hint := _hint(found, meant)) is not None:
                shown = " ".join(found[0].split())
                code = "SK005" if "chain" in pattern.groupindex else "SK001"
                return diagnostic(code, Span(*found.span()), found=f"'{shown}'", hint=hint)
    return None


def _hint(found: Match, meant: Hint | str) -> Hint | None:
    """What a form says, as a hint that can be followed."""
    if isinstance(meant, Hint):
        return meant
    written = _SINGLE_QUOTED.sub(_double_quoted, meant)
    if written.strip() == found[0].strip():
        return None
    here = spaced(found.string, *found.span(), written)
    if not written.strip():
        return advice("leave_it_out", here)
    said = next((id for name, id in _WHY.items() if name in found.re.groupindex), "write_quoted")
    return advice(said, here, text=written.strip())


def spaced(text: str, start: int, end: int, written: str) -> str:
    """What is written in the place of a part of a text, not to run into the words beside it."""
    before, after = text[:start][-1:], text[end:][:1]
    head = " " if _is_of_word(before) and _is_of_word(written[:1]) else ""
    tail = " " if _is_of_word(after) and _is_of_word(written[-1:]) else ""
    return f"{head}{written}{tail}"


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character in ("_", ":", "`")


_WHY = {"is": "write_not_is", "chain": "write_between"}
"""The hint that also says why, where an expression has a group of the name."""

_SINGLE_QUOTED = re.compile(r"'([^'\"\\\n]*)'")


def _double_quoted(found: Match) -> str:
    return f'"{found[1]}"'


# -- the habits ----------------------------------------------------------------------------------

_HABITS: tuple[tuple[str, Form], ...] = (
    (habits_of_documents.DOCUMENT, habits_of_documents.as_document),
    # stays in segments
    (
        rf"\bin\s+segment\s+(?P<name>{NAME}|{TEXT})\s+(?:since|over|(?:for\s+)?"
        rf"(?:at\s+least|more\s+than|over|longer\s+than))\s+{LENGTH}(?:\s+ago)?",
        "in segment {name} for {length}",
    ),
    (
        rf"(?<![\w.])(?P<word>entered|left)\s+(?!segment\b)(?P<name>{NAME}|{TEXT})"
        r"(?=\s+in\s+(?:last|this|previous|\d))",
        "{word} segment {name}",
    ),
    *habits_of_words.HABITS,
    *habits_of_programs.CLAUSES,
    (rf"{PATH}\s*(?P<move>[+-])\s*{LENGTH}\s*{SIGN}\s*{NOW}", forms.as_moved),
    (rf"{NOW}\s*-\s*{PATH}\s*{SIGN}\s*{LENGTH}", forms.as_elapsed),
    (rf"{NOW}\s*(?P<move>[+-])\s*{LENGTH}", forms.as_from_now),
    *habits_of_rows.HABITS,
    *habits_of_programs.HABITS,
    *habits_of_tests.HABITS,
    # texts without quotes
    (
        r"(?<![\w.])(?P<text>https?://[\w\-./?=&%#~+:]++|[\w.+\-]++@[\w\-]++(?:\.[\w\-]++)+)",
        '"{text}"',
    ),
    (
        r"(?<!\w)'(?P<head>[^'\"\n\\]*)''(?P<rest>[^'\"\n\\]*)'",
        '"{head}\'{rest}"',
    ),
    # times
    (
        rf"{PATH}\s+(?:is\s+)?(?P<age>older|newer|younger)\s+than\s+{LENGTH}(?:\s+ago)?",
        forms.as_aged,
    ),
    (
        rf"{PATH}\s+within\s+(?:the\s+)?(?:last\s+|past\s+)?{LENGTH}(?:\s+ago)?",
        forms.as_within,
    ),
    (
        r"\b(?:in\s+the\s+(?:past|last)|in\s+past|(?:during|within)\s+(?:the\s+)?(?:past|last))\b(?=\s+\d)",
        "in last",
    ),
    (
        rf"{PATH}\s+from\s+(?P<low>{VALUE})\s+(?:to|until)\s+(?P<high>{VALUE})",
        "{path} between {low} and {high}",
    ),
    (rf"{PATH}\s+on\s+(?P<low>\d{{4}}-\d\d-\d\d)\b", "{path} in {low}"),
    (
        rf"\bextract\s*\(\s*(?P<part>year|month|day|hour|dow|isodow)\s+from\s+{PATH}\s*\)",
        forms.as_part,
    ),
    (rf"\bcast\s*\(\s*{PATH}\s+as\s+(?P<type>\w+)(?:\(\d+\))?\s*\)", forms.as_cast),
    (rf"{PATH}::(?P<type>\w+)", forms.as_cast),
    (
        rf"(?P<head>\b(?:count|any|none|sum|avg|min|max)\((?:(?!where)[^()])*+)\)\s*"
        rf"(?P<sign>[<>]=?|={{1,2}}|!=)\s*(?P<value>{VALUE})\s+"
        rf"(?P<window>in\s+(?:(?:last|next|previous)\s+\d++\s+{UNIT}|(?:this|previous)\s+{UNIT}))\b",
        "{head} {window}) {sign} {value}",
    ),
    (
        rf"(?P<head>\b(?:count|sum|avg|min|max)\([^()]*\bwhere\b[^()]*?{TEST}\s*{VALUE})\s*"
        rf"(?P<chain>[<>]=?|={{1,2}}|!=)\s*(?P<value>{VALUE})(?=\s*(?:\Z|\band\b|\bor\b))(?![^()]*\))",
        "{head}) {chain} {value}",
    ),
    (rf"(?<![\w.])(?:today|current_date)\s*(?P<move>[+-])\s*{LENGTH}", forms.as_of_today),
    (
        r"\b(?:date|timestamp|datetime|datetimeoffset)\s*(?P<quote>['\"])"
        r"(?P<text>\d[\d\-: T.]++Z?)(?P=quote)",
        forms.as_instant,
    ),
    # tests of texts
    (rf"{PATH}\s+{NOT}(?P<fold>i?)like\s+(?P<text>{TEXT})", forms.as_like),
    (
        rf"{PATH}\s+{NOT}(?P<fold>i?)like\s+(?P<bare>%[\w@.-]+%?|[\w@.-]+%)(?!\w)",
        forms.as_like,
    ),
    (
        rf"(?P<fold>lower|upper|lcase|ucase)\(\s*{PATH}\s*\)\s+{NOT}like\s+(?P<text>{TEXT})",
        forms.as_like,
    ),
    (
        rf"{PATH}\.(?:str\.)?(?P<word>starts_?with|ends_?with|contains|includes)"
        rf"\(\s*(?P<text>{TEXT})\s*\)",
        forms.as_text_test,
    ),
    (
        rf"\b(?P<word>contains|includes)\(\s*{PATH}\s*,\s*(?P<text>{TEXT})\s*\)",
        forms.as_text_test,
    ),
    (
        rf"{PATH}\.(?:str\.)?(?:lower|upper|casefold)\(\)\s*={{1,2}}\s*(?P<text>{TEXT})",
        "{path} = {text} ignoring case",
    ),
    (
        rf"{PATH}\s+{NOT}(?P<test>(?:starts|ends)\s+with)\s*\(\s*(?P<values>{VALUE}{MORE}+)\s*\)",
        forms.as_each,
    ),
    (rf"(?P<text>{TEXT})\s+{NOT}in\s+(?!{IN_WORDS}){PATH}", "{path} {no}contains {text}"),
    (rf"{PATH}\s+icontains\s+(?P<text>{TEXT})", "{path} contains {text} ignoring case"),
    (rf"{PATH}\s+(?:has|having)\s+(?P<text>{TEXT})", "{path} contains {text}"),
    (r"\b(?:does\s+not|doesn't|not)\s+(?:contain|include)s?\b", "not contains"),
    (r"\b(?:does\s+not|doesn't)\s+(?:start|begin)s?\s+with\b", "not starts with"),
    (r"\b(?:does\s+not|doesn't)\s+end\s+with\b", "not ends with"),
    (r"\b(?:begins?|start|starting|beginning)\s+with\b", "starts with"),
    (r"\b(?:end|ending)\s+with\b", "ends with"),
    (rf"\b(?P<test>starts|ends)(?=\s+{TEXT})", "{test} with"),
    (r"\bcontaining\b", "contains"),
    (rf"{PATH}\.str\.len\(\)", "length({path})"),
    # lists
    (
        r"\bin\s*[\[(]?\s*(?P<low>\d++)\s*(?:\.\.|to\b|-|–)\s*(?P<high>\d++)\s*[\])]?(?![-\w])",
        "between {low} and {high}",
    ),
    (
        rf"{PATH}\s*(?P<sign>[<>]=?)\s*(?P<whole>-?\d++),(?P<rest>\d++)(?![\w,])",
        "{path} {sign} {whole}.{rest}",
    ),
    (rf"{PATH}\s+{NOT}(?:in|contains\s+(?:any|(?P<all>all)))\s*\(\s*\)", forms.as_nobody),
    (
        rf"{PATH}\s+{NOT}in\s*(?:\[\s*(?P<values>{LIST})\s*\]|\{{\s*(?P<others>{LIST})\s*\}})",
        "{path} {no}in ({values}{others})",
    ),
    (
        rf"{PATH}\s+(?:is\s+{NOT}in|(?:is\s+)?(?P<not>not\s+)?one\s+of)\s*\(\s*(?P<values>{LIST})\s*\)",
        "{path} {no}{not}in ({values})",
    ),
    (
        rf"{PATH}\s+{NOT}in\s+(?P<values>{TEXT}{MORE}*+|{VALUE}{MORE}++)(?!\s*,)",
        "{path} {no}in ({values})",
    ),
    (
        rf"{PATH}\s*(?P<sign>={{1,2}}|!=|<>)\s*(?:{OPEN}\s*(?P<values>{VALUE}{MORE}++)\s*{CLOSE}|(?P<others>{VALUE}{MORE}++)(?!\s*,))",
        forms.as_equals_one_of,
    ),
    (
        rf"{PATH}\.isin\(\s*{OPEN}\s*(?P<values>{LIST})\s*{CLOSE}\s*\)",
        "{path} in ({values})",
    ),
    # what is missing
    (rf"{PATH}\.(?:is_?null|is_?na)\(\)", "{path} is missing"),
    (rf"{PATH}\.(?:not_?null|not_?na)\(\)", "{path} is present"),
    (rf"{PATH}\s+is\s+{NOT}blank\b", forms.as_empty),
    (rf"{PATH}\s+is\s+{NOT}(?:none(?!\s+of\b)|nil|undefined|na|nan)\b", "{path} is {no}missing"),
    (
        rf"{PATH}\s+(?:not\s+(?:null|missing|empty)|has\s+(?:a\s+)?value|exists|is\s+(?:set|known))\b",
        "{path} is present",
    ),
    (rf"{PATH}\s+is\s+(?:unknown|unset|not\s+(?:set|known))\b", "{path} is missing"),
    # comparisons
    (r"\b(?:(?:is|does)\s+)?not\s+equals?\b(?:\s+to\b)?", "!="),
    (rf"\b(?:isn't|doesn't\s+equal)(?=\s+{VALUE})", "!="),
    (r"\b(?:is\s+)?equals?\s+to\b", "="),
    (rf"\b(?:is\s+)?exactly(?=\s+{VALUE})", "="),
    (
        r"(?:\bis\s+)?\b(?P<more>over|above|under|below)(?P<equal>(?!))?(?=\s+[-:]?\w)",
        forms.as_compared,
    ),
    (r"=!(?!=)", "!="),
    (rf"{PATH}\s+not\s+(?P<value>{VALUE})", "{path} != {value}"),
    (rf"{PATH}\s+(?P<is>is)\s+not\s+(?P<value>{VALUE})", "{path} != {value}"),
    (rf"{PATH}\s+(?P<is>is)\s+(?P<value>{VALUE})", "{path} = {value}"),
    (
        rf"{PATH}\s*{SIGN}\s*(?P<value>{VALUE})\s+(?P<word>and|or)\s+"
        rf"(?P<other>[<>]=?|={{1,2}}|!=|<>)\s*(?P<end>{VALUE})",
        "{path} {sign} {value} {word} {path} {other} {end}",
    ),
    (
        rf"(?<![\w.])(?P<low>{VALUE})\s*(?P<sign>[<>]=?)\s*{PATH}\s*(?P<chain>[<>]=?)\s*(?P<high>{VALUE})",
        forms.as_chained,
    ),
    (
        rf"\bbetween\s*\(?\s*(?P<low>{VALUE})\s*(?:,|to\b)\s*(?P<high>{VALUE})\s*\)?",
        "between {low} and {high}",
    ),
    (
        r"(?:\bis\s+)?\b(?P<more>greater|more|higher|larger|less|lower|fewer|smaller)\s+than\b"
        r"(?P<equal>\s+or\s+equal(?:\s+to)?\b)?",
        forms.as_compared,
    ),
    (r":=", "="),
    (r"(?P<sign>[!<>])\s+=(?!=)", "{sign}="),
    *habits_of_choices.HABITS,
    # logic
    (
        r"\A\s*(?P<left>[^()]+?)\s+xor\s+(?P<right>[^()]+?)\s*\Z",
        "({left}) and not ({right}) or not ({left}) and ({right})",
    ),
    (
        rf"(?<![\w.])(?P<word>and|or|if|iif|iff|ifs|ifelse|if_else|und|oder|et|ou|и|или|і|або|(?:all|every|any|one|some|none)\s+of)\s*\({INSIDE}\)",
        forms.as_together,
    ),
    (
        rf"(?<![\w.])(?P<word>(?:(?:at\s+(?:least|most)|exactly)\s+)?(?:\d++|{COUNT})\s+of"
        rf"|(?:at\s+(?:least|most)|exactly)\s+(?:\d++|{COUNT}))\s*\({INSIDE}\)",
        forms.as_together,
    ),
    (rf"(?:\bis\s+)?\bat\s+least\b(?!\s+(?:\d++|{COUNT})(?:\s+of\b|\s*\())", ">="),
    (r"(?:\bis\s+)?\bat\s+most\b(?!\s+\d++\s+of\b)", "<="),
    (rf"[!~¬]\s*{PATH}(?![\w.(\[])", "not {path}"),
    (r"[!~¬]+(?=\s*\()", "not"),
    # segments, relations, parameters, names
    (
        rf"\b(?P<no>not\s+)?in\s+(?P<kind>segment|list)\s*\(\s*(?P<name>{NAME}|{TEXT})\s*\)",
        "{no}in {kind} {name}",
    ),
    (
        rf"(?<![\w.])(?:is\s+in\s+|(?:is\s+)?(?:a\s+)?member\s+of\s+|belongs\s+to\s+)?(?P<kind>segment|list)\s+(?P<name>{NAME}|{TEXT})",
        forms.as_in_kind,
    ),
    (rf"{PATH}/\$count\b", "count({path})"),
    # numbers
    (rf"{PATH}\s*%\s*(?P<by>\d++|{NAME})(?![\w.(`])", "mod({path}, {by})"),
    (rf"{PATH}\s*->>?\s*(?P<quote>['\"])(?P<name>\w+)(?P=quote)(?=\s*[<>=!])", "{path}.{name}"),
    (rf"{PATH}\s*(?:->|<-|→|←)\s*(?P<text>{TEXT})", "{path} = {text}"),
    (rf"{PATH}->(?P<name>{WORD})(?=\s*[<>=!])", "{path}.{name}"),
    (
        rf"(?<![\w.])(?P<word>any|none|count)\(\s*{PATH}\.(?P<attribute>{NAME})\s*(?P<test>{TEST}\s*{VALUE})\s*\)",
        "{word}({path} where {attribute} {test})",
    ),
    (
        rf"{PATH}\.(?P<word>sum|avg|mean|min|max|median|mode|first|last|exists)\(\s*(?P<attribute>{NAME})?\s*\)",
        forms.as_of_rows,
    ),
    (
        rf"{PATH}\.(?P<word>any|none|count)\(\s*(?P<test>[^()]*{TEST}[^()]*)\)",
        "{word}({path} where {test})",
    ),
    (rf"{PATH}\[\s*(?P<test>{NAME}\s*{TEST}\s*{VALUE})\s*\]", "{path} where {test}"),
    (rf"(?<![\w.])(?:no|without)\s+{PATH}(?=\s*(?:\Z|\)|and\b|or\b))", forms.as_none),
    (
        rf"{PATH}\s+(?:is\s+)?{NOT}in\s+segment\s+(?P<name>{NAME}|{TEXT})",
        "{no}in segment {name}",
    ),
    (
        rf"{PATH}\s+is\s+{NOT}in\s+list\s+(?P<name>{NAME}|{TEXT})",
        "{path} {no}in list {name}",
    ),
    (rf"(?<![\w.])(?:has|have|exists)\s+{PATH}", forms.as_any),
    (rf"{PATH}\.count\(\)", "count({path})"),
    (rf"{PATH}\.(?:size|length|len)\(\)", forms.as_size),
    (
        r"(?<![\w.])(?P<head>(?:any|none|count)\([^()]*+)\)\s+where\s+(?P<rest>[^()]*[^()\s])",
        "{head} where {rest})",
    ),
    (r"[@$]\{\s*(?P<name>[^\W\d]\w*+)\s*\}", ":{name}"),
    (r"\{\s*(?P<name>[^\W\d]\w*+)\s*\}", habits_of_programs.as_parameter),
    (r"[@$](?P<name>[^\W\d]\w*+)", ":{name}"),
    (
        r"(?<![\w.])(?P<frame>[^\W\d]\w*+)?\[\s*(?P<quote>['\"])(?P<name>[^\]'\"\n]+)(?P=quote)\s*\]",
        forms.as_keyed,
    ),
    (r"(?<![\w.])\[(?P<name>[^\W\d][\w %()/$€°]*)\]", forms.as_named),
    (
        rf"{PATH}\s+(?P<is>is)\s+{NOT}(?!(?:null|missing|present|in|not)\b)(?P<word>[^\W\d]\w*+)(?!\s*[\w(.])",
        forms.as_is_word,
    ),
    (
        rf"(?<![\w.`])(?P<words>{WORD}(?:[ ]+{WORD}){{0,4}}+(?:[ ]+\([\w%/$€°]++\))?)"
        r"(?=\s*[<>=!])",
        forms.as_spaced,
    ),
    *habits_of_programs.REST,
)


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], Form], ...]:
    """The habits, once there is a mistake: to compile them takes longer than to read."""
    return tuple((re.compile(pattern, re.IGNORECASE), form) for pattern, form in _HABITS)
