"""How others count rows, and ask whether there are any."""

from __future__ import annotations

import re

from segmentkit._language.foreign_words import AND, LAST, NUMBERS, OR, UNITS
from segmentkit._language.habit_forms import (
    NAME,
    PATH,
    TEST,
    UNIT,
    VALUE,
    WORD,
    Form,
    Match,
    begins,
    if_begins,
)

AGGREGATE = r"(?<![\w.])(?P<agg>count|any|none|sum|avg|min|max|median|first|last)"
ROWS = rf"(?P<rows>(?:distinct\s+)?{NAME}(?:\.{NAME})*)"
CALL = rf"{AGGREGATE}\(\s*{ROWS}\s*\)"
SIGNED = rf"(?P<sign>[<>]=?|={{1,2}}|!=|<>)\s*(?P<value>{VALUE})"
_ANY_UNIT = rf"(?:{UNIT}|[dwyh](?![^\W_])|{'|'.join(sorted(UNITS, key=len, reverse=True))})"
NUMBER = rf"(?:\d[\d_]*+|(?:{'|'.join(NUMBERS)})\b)"
WINDOW = (
    rf"(?P<window>(?:(?:in|within|during|for|over|of|за|у|в|w|w\s+ciągu|au\s+cours\s+des|in\s+den|en\s+los)\s+)?(?:the\s+)?"
    rf"(?:(?P<way>last|past|next|previous|{'|'.join(LAST)})\s+(?P<number>{NUMBER})\s*(?P<unit>{_ANY_UNIT})\b"
    rf"|(?P<calendar>this|previous|current)\s+(?P<one>{UNIT})\b"
    rf")|(?:in|during|for|of)\s+(?P<period>\d{{4}}(?:-\d\d){{0,2}})\b"
    rf"|(?:within|for)\s+(?P<within>{NUMBER})\s*(?P<units>{_ANY_UNIT})\b"
    rf"|between\s+(?P<low>{VALUE})\s+and\s+(?P<high>{VALUE}))"
)
CONDITION = rf"(?P<test>{NAME}(?:\.{NAME})*\s*(?:{TEST}|contains\b)\s*(?:{VALUE}|{WORD}))"
TESTED = rf"{AGGREGATE}\(\s*{ROWS}\s+where\s+(?P<tests>[^()]+?)\s*\)"
_JOINTS = "|".join(("and", "or", *sorted(AND | OR)))
END = rf"(?=\s*(?:\Z|[),]|\b(?:{_JOINTS})\b))"
_QUANTITY = (
    r"(?P<quantity>at\s+least|minimum|min|more\s+than|over|greater\s+than|at\s+most|maximum|max|"
    r"up\s+to|less\s+than|fewer\s+than|under|exactly|precisely|only|just|>=|>|<=|<|=)"
)
_DID = (
    r"(?:(?:who\s+)?(?:did|do|does|done|has|have|had|having|made|make|placed|performed|with)\s+"
    r"(?:(?:done|made|placed|performed|had|completed|bought)\s+)?)"
)


def window(found: Match) -> str:
    """The window, as it is written here."""
    if found["low"]:
        return f"between {found['low']} and {found['high']}"
    if found["period"]:
        return f"in {found['period']}"
    if found["one"]:
        word = "previous" if found["calendar"].lower() == "previous" else "this"
        return f"in {word} {found['one'].lower()}"
    number, unit = found["number"] or found["within"], found["unit"] or found["units"]
    way = (found["way"] or "last").lower()
    way = way if way in ("next", "previous") else "last"
    return f"in {way} {as_number(number)} {as_unit(unit)}"


def as_number(number: str) -> str:
    return str(NUMBERS.get(number.lower(), number))


def as_unit(unit: str) -> str:
    unit = {"d": "days", "w": "weeks", "y": "years", "h": "hours"}.get(unit.lower(), unit)
    return f"{UNITS[unit.lower()]}s" if unit.lower() in UNITS else unit.lower()


def _moved_in(found: Match) -> str:
    said = f"{found['agg']}({found['rows']} {window(found)})"
    return f"{said} {found['sign']} {found['value']}" if "sign" in found.re.groupindex else said


def _within_brackets(found: Match) -> str:
    return f"{found['agg']}({found['rows']} {window(found)}{found['end']}"


def _since(found: Match) -> str:
    """Rows after a day: they are told by the relation's time."""
    sign = {"since": ">=", "from": ">=", "after": ">", "before": "<", "until": "<="}
    time = f"time {sign[found['word'].lower()]} {found['day']}"
    end = " and " if "where" in found["end"].lower() else found["end"]
    return f"{found['agg']}({found['rows']} where {time}{end}"


def _before_where(found: Match) -> str:
    said = f"{found['agg']}({found['rows']} {window(found)} where {found['tests']})"
    return f"{said} {found['sign']} {found['value']}" if "sign" in found.re.groupindex else said


def _of_conditions(found: Match) -> str | None:
    """``orders where amount > 5``: whether there is such a row."""
    if not begins(found) or re.search(r"\w\s*\(\s*\Z", found.string[: found.start()]):
        return None
    return f"any({found['rows']} where {found['tests'].strip()})"


def _quantified(found: Match) -> str | None:
    """``at least 3 orders in last 30 days``."""
    if not begins(found) or found["rows"].lower() in _NO_ROWS:
        return None
    within = f" {window(found)}" if found["window"] else ""
    sign = _sign(found["quantity"])
    return f"count({found['rows']}{within}) {sign} {as_number(found['count'])}"


_NO_ROWS = (
    *("of", "times", "and", "or", "not", "ago", "by", "hours", "day", "days", "weeks", "months"),
    *("year", "years"),
)


def _sign(words: str) -> str:
    words = " ".join(words.lower().split())
    for signs, sign in _SIGNS:
        if words in signs:
            return sign
    return words


_SIGNS = (
    (("at least", "minimum", "min"), ">="),
    (("more than", "over", "greater than"), ">"),
    (("at most", "maximum", "max", "up to"), "<="),
    (("less than", "fewer than", "under"), "<"),
    (("exactly", "precisely", "only", "just"), "="),
)


def _counted(found: Match) -> str:
    """What is counted is rows, whatever their attribute."""
    return found["rows"].partition(".")[0] if found["agg"].lower() == "count" else found["rows"]


def happened(found: Match) -> str | None:
    if not begins(found):
        return None
    within = f" {window(found)}" if found["window"] else ""
    negative = "no" in found.re.groupindex and found["no"]
    return f"{'none' if negative else 'any'}({found['rows']}{within})"


# -- rows of others: o => o.amount > 100 ----------------------------------------------------------


def own_test(test: str, row: str) -> str:
    """A test of a row, without the name that the row has elsewhere."""
    return re.sub(rf"(?<![\w.]){re.escape(row)}[./](?=\w)", "", test.strip())


def _of_each(found: Match) -> str | None:
    test, rows = own_test(found["test"], found["row"]), found["path"]
    match found["word"].lower():
        case "some" | "any" | "exists" | "anymatch" | "find":
            return f"any({rows} where {test})"
        case "every" | "all" | "allmatch":
            return f"none({rows} where not ({test}))" if " " in test else None
        case "filter" | "where" | "count":
            return f"count({rows} where {test})"
        case _:
            return None


def _comprehension(found: Match) -> str | None:
    rows, row = found["rows"], found["row"]
    value = own_test(found["value"], row)
    test = own_test(found["test"], row) if found["test"] else ""
    where = f" where {test}" if test else ""
    match found["word"].lower():
        case "any":
            return f"any({rows} where {' and '.join(filter(None, (value, test)))})"
        case "all" if not test:
            return f"none({rows} where not ({value}))"
        case "len" | "sum" | "count" if value in (row, "1"):
            return f"count({rows}{where})"
        case "sum" | "min" | "max" if re.fullmatch(r"\w+", value):
            return f"{found['word'].lower()}({rows}.{value}{where})"
        case _:
            return None


def _subquery(found: Match) -> str | None:
    """``EXISTS (SELECT … FROM orders WHERE …)`` and ``(SELECT COUNT(*) FROM orders)``."""
    rows, alias = found["rows"], found["alias"]
    tests = []
    for test in re.split(r"\s+and\s+", found["tests"] or "", flags=re.IGNORECASE):
        for name in filter(None, (alias, rows)):
            test = own_test(test, name)  # noqa: PLW2901 - what is left of it
        if re.fullmatch(r"(?:\w+_)?id\s*=\s*(?:\w+_)?id|\w+_id\s*=\s*\w+", test):
            continue  # the join, which the relation is
        if test and not re.fullmatch(r"[\w.]+\s*=\s*[\w]+(?:\.\w+)+|[\w]+\.\w+\s*=\s*[\w.]+", test):
            tests.append(test)
    where = f" where {' and '.join(tests)}" if tests else ""
    if "agg" not in found.re.groupindex:
        return f"{'none' if found['no'] else 'any'}({rows}{where})"
    value = own_test(found["of"].strip(), alias or rows)
    if value in ("*", "1"):
        return f"count({rows}{where})" if found["agg"].lower() == "count" else None
    distinct, _, value = value.rpartition(" ")
    return f"{found['agg'].lower()}({f'{distinct} '.lstrip()}{rows}.{value}{where})"


_FROM = (
    rf"from\s+(?P<rows>{NAME})(?:\s+(?:as\s+)?(?P<alias>(?!where\b)\w+))?"
    r"(?:\s+where\s+(?P<tests>[^()]+?))?\s*\)"
)

HABITS: tuple[tuple[str, Form], ...] = (
    (rf"(?:{NAME}\.)?{NAME}\s+(?P<no>not\s+)?in\s*\(\s*select\b[^()]*?\b{_FROM}", _subquery),
    (rf"(?P<no>not\s+)?\bexists\s*\(\s*select\b[^()]*?\b{_FROM}", _subquery),
    (
        rf"\(\s*select\s+(?P<agg>count|sum|avg|min|max)\s*\((?P<of>[^()]+)\)\s*(?:as\s+\w+\s+)?{_FROM}",
        _subquery,
    ),
    (
        rf"\b(?P<word>any|all|sum|min|max|len|count)\(\s*[\[(]?\s*(?P<value>[^()\[\]]+?)\s+for\s+"
        rf"(?P<row>\w+)\s+in\s+(?P<rows>{NAME})(?:\s+if\s+(?P<test>[^()\[\]]+?))?\s*[\])]?\s*\)",
        _comprehension,
    ),
    (
        rf"{PATH}[./](?P<word>some|any|exists|anyMatch|find|every|all|allMatch|filter|where|count)"
        rf"\(\s*\(?(?P<row>\w+)\)?\s*(?:=>|->|:)\s*(?P<test>[^()]+?)\s*\)(?:\.(?:length|count|size)(?:\(\))?)?",
        _of_each,
    ),
    (rf"{PATH}/(?P<word>any|none)\(\s*\)", "{word}({path})"),
    # windows outside the brackets, or within them without their first word
    (rf"{TESTED}\s*{SIGNED}\s+{WINDOW}", _before_where),
    (rf"{TESTED}\s*{WINDOW}\s*{SIGNED}", _before_where),
    (
        rf"(?<![\w.])(?P<agg>any|none)\(\s*{ROWS}\s+where\s+(?P<tests>[^()]+?)\s*\)\s*{WINDOW}{END}",
        _before_where,
    ),
    (rf"(?<![\w.])(?P<agg>any|none)\(\s*{ROWS}\s*\)\s*{WINDOW}{END}", _moved_in),
    (rf"{CALL}\s*{SIGNED}\s+{WINDOW}", _moved_in),
    (
        rf"{CALL}\s*{SIGNED}\s+(?P<word>since|after|before|until)\s+(?P<day>\d[\w.:-]*)(?P<end>)",
        lambda found: f"{_since(found)}) {found['sign']} {found['value']}",
    ),
    (
        rf"{CALL}\s*(?P<between>between\s+{VALUE}\s+and\s+{VALUE})\s+(?=in\b|within\b|during\b|this\b|last\b){WINDOW}",
        lambda found: f"{found['agg']}({found['rows']} {window(found)}) {found['between']}",
    ),
    (
        rf"\bcount\s*(?:\(\s*(?:unique|different|dist)\s+|\s(?:distinct|unique)\s+)(?P<rows>{NAME}(?:\.{NAME})+)\s*(?:\)|(?=\s*[<>=!]))",
        "count(distinct {rows})",
    ),
    (
        rf"(?<![\w.])(?:distinct|unique)\s*\(\s*(?P<rows>{NAME}(?:\.{NAME})+)\s*\)",
        "count(distinct {rows})",
    ),
    (rf"{CALL}\s*{WINDOW}\s*{SIGNED}", _moved_in),
    (
        rf"{AGGREGATE}\(\s*{ROWS}\s*,?\s*{WINDOW}\s*(?:,\s*|and\s+|with\s+)?(?!where\b|and\b){CONDITION}",
        lambda found: f"{found['agg']}({found['rows']} {window(found)} where {found['test']}",
    ),
    (
        rf"(?<![\w.])(?P<no>(?:(?:has|have|had|with)\s+)?no|without|never)\s+(?P<rows>{NAME})\s+(?P<word>since|after|before|until)\s+(?P<day>\d[\w.:-]*)(?P<end>)(?P<agg>)",
        lambda found: f"none{_since(found)})" if begins(found) else None,
    ),
    (
        rf"(?<![\w.])(?:has|have|had|did|with)\s+(?P<rows>{NAME})\s+(?P<word>since|after|before|until)\s+(?P<day>\d[\w.:-]*)(?P<end>)(?P<agg>)",
        lambda found: f"any{_since(found)})" if begins(found) else None,
    ),
    (
        rf"(?<![\w.])(?P<count>{NUMBER})\s+or\s+(?P<side>more|fewer|less)\s+(?P<rows>{NAME})(?:\s+{WINDOW})?{END}",
        lambda found: (
            f"count({found['rows']}{' ' + window(found) if found['window'] else ''}) "
            f"{'>=' if found['side'].lower() == 'more' else '<='} {as_number(found['count'])}"
            if begins(found)
            else None
        ),
    ),
    (
        rf"(?<![\w.])zero\s+(?P<rows>{NAME})(?:\s+{WINDOW})?{END}",
        lambda found: (
            f"count({found['rows']}{' ' + window(found) if found['window'] else ''}) = 0"
            if begins(found)
            else None
        ),
    ),
    (
        rf"(?<![\w.]){_DID}?(?P<rows>(?!(?:at|is|age)\b){NAME})\s+{_QUANTITY}\s+(?P<count>\d++)\s+{WINDOW}{END}",
        _quantified,
    ),
    (rf"{AGGREGATE}\(\s*{ROWS}\s*,?\s*{WINDOW}(?P<end>\s*\)|\s+where\b)", _within_brackets),
    (
        rf"{AGGREGATE}\(\s*{ROWS}\s+where\s+(?P<tests>[^()]+?)\s+(?:and\s+)?{WINDOW}\s*\)",
        _before_where,
    ),
    (
        rf"{AGGREGATE}\(\s*{ROWS}\s*,?\s+from\s+(?P<low>{VALUE})\s+(?:to|until|till)\s+(?P<high>{VALUE})",
        "{agg}({rows} between {low} and {high}",
    ),
    (
        rf"{AGGREGATE}\(\s*{ROWS}\s*,?\s+(?:in\s+)?(?P<word>since|after|before|from|until)\s+"
        rf"(?P<day>{VALUE})(?P<end>\s*\)|\s+where\s+)",
        _since,
    ),
    # tests outside the brackets, or within them without 'where'
    (rf"{CALL}\s+where\s+{CONDITION}\s*{SIGNED}", "{agg}({rows} where {test}) {sign} {value}"),
    (
        rf"{CALL}\s*{SIGNED}\s+(?:where|with|if)\s+{CONDITION}",
        "{agg}({rows} where {test}) {sign} {value}",
    ),
    (rf"{CALL}\s+(?:with|if|when)\s+{CONDITION}", "{agg}({rows} where {test})"),
    (
        rf"{AGGREGATE}\(\s*{ROWS}(?:\s*(?:,|;|:|&&?|\|)\s*|\s+(?:with|if|and|when|which|that|having|whose|for|on)\s+|\s+)"
        rf"{CONDITION}",
        "{agg}({rows} where {test}",
    ),
    (
        rf"(?<![\w.])(?:(?:has|have|did)\s+)?(?P<rows>{NAME})\s+where\s+(?P<tests>[^()]*?{CONDITION})(?=\s*\Z|\))",
        _of_conditions,
    ),
    (
        rf"(?P<head>{AGGREGATE}\(\s*{ROWS}\s+where\s+[^()]*?)\s+where\s+(?=[^()]*\))",
        "{head} and ",
    ),
    (
        rf"{AGGREGATE}\(\s*{ROWS}\s*{SIGNED}(?=\s*(?:\Z|\b(?:and|or)\b))",
        "{agg}({rows}) {sign} {value}",
    ),
    (
        rf"(?<![\w.(])(?P<rows>{NAME})\s+{WINDOW}\s*{SIGNED}{END}",
        lambda found: (
            f"count({found['rows']} {window(found)}) {found['sign']} {found['value']}"
            if begins(found)
            else None
        ),
    ),
    (
        rf"(?<![\w.])(?P<agg>sum|avg|min|max|median)\(\s*(?P<attribute>{NAME})\s*\)\s+(?:from|of|in|over)\s+"
        rf"(?P<rows>(?!last\b|this\b|previous\b|next\b){NAME})(?=\s*[<>=!])",
        "{agg}({rows}.{attribute})",
    ),
    (
        rf"(?<![\w.])(?P<agg>count|sum|avg|min|max)\(\s*(?P<rows>\*|{NAME}(?:\.{NAME})?)\s*\)\s*filter\s*\(\s*where\s+(?P<tests>[^()]+)\)",
        lambda found: (
            None
            if found["rows"] == "*"
            else f"{found['agg'].lower()}({_counted(found)} where {found['tests'].strip()})"
        ),
    ),
    # words in the place of brackets
    (
        rf"(?<![\w.])(?P<agg>sum|avg|min|max|median)\(\s*(?P<attribute>{NAME})\s+(?:of|from|in)\s+(?P<rows>{NAME})\s*\)",
        "{agg}({rows}.{attribute})",
    ),
    (
        rf"(?<![\w.])(?:the\s+)?(?:total\s+)?(?:number|count|amount|#)\s+of\s+(?P<rows>{NAME})(?!\.)",
        "count({rows})",
    ),
    (
        rf"(?<![\w.])(?:the\s+)?(?P<agg>sum|avg|min|max|median)\s+of\s+(?P<rows>{NAME}(?:\.{NAME})*)",
        "{agg}({rows})",
    ),
    (rf"(?<![\w.])(?:the\s+)?total\s+of\s+(?P<rows>{NAME}(?:\.{NAME})*)", "sum({rows})"),
    (
        rf"(?<![\w.])(?:the\s+)?(?:average|mean)\s+of\s+(?P<rows>{NAME}(?:\.{NAME})*)",
        "avg({rows})",
    ),
    (
        rf"(?<![\w.])(?P<agg>count|any|none|sum|avg|min|max|median)\s+(?!of\b)(?P<rows>{NAME}(?:\.{NAME})*)"
        rf"(?=\s*(?:\Z|[<>=!)]|\b(?:and|or)\b))",
        "{agg}({rows})",
    ),
    (rf"(?<![\w.])(?P<rows>{NAME})\s+(?-i:count|number)(?=\s*[<>=!])", "count({rows})"),
    (
        rf"(?<![\w.])(?P<rows>{NAME})\s+exists?{END}",
        if_begins("any({rows})"),
    ),
    (
        rf"(?<![\w.])(?P<rows>{NAME})\s+(?:does\s+not|do\s+not|doesn't|don't|not)\s+exists?{END}",
        if_begins("none({rows})"),
    ),
    # as tools for marketing say it
    (
        rf"(?<![\w.])(?P<agg>count|sum|avg|min|max|any|none)\s+(?P<rows>{NAME}(?:\.{NAME})?)\s+where\s+{CONDITION}"
        rf"(?P<rest>\s*{TEST}\s*{VALUE})?{END}",
        if_begins("{agg}({rows} where {test}){rest}"),
    ),
    (
        rf"(?<![\w.]){_DID}?(?P<rows>{NAME})\s+{_QUANTITY}\s+(?P<count>once|twice|thrice)(?:\s+{WINDOW})?{END}",
        _quantified,
    ),
    (
        rf"(?<![\w.]){_DID}?(?P<rows>{NAME})\s+(?:zero|0|no)\s+times(?:\s+{WINDOW})?{END}",
        lambda found: (
            f"none({found['rows']}{' ' + window(found) if found['window'] else ''})"
            if begins(found)
            else None
        ),
    ),
    (
        rf"(?<![\w.])(?:the\s+)?(?P<which>last|latest|newest|most\s+recent|first|earliest|oldest)\s+(?P<rows>{NAME})\s+"
        rf"(?=(?:is\s+|was\s+|in\s+|on\s+)?(?:older|newer|more|less|before|after|since|in|within|over))",
        lambda found: (
            f"{'first' if found['which'].lower() in ('first', 'earliest', 'oldest') else 'last'}"
            f"({found['rows']}.time) "
            if begins(found)
            else None
        ),
    ),
    (
        rf"(?<![\w.]){_DID}?{_QUANTITY}\s+(?P<count>{NUMBER})\s+(?P<rows>{NAME})\s+"
        rf"(?:where|with)\s+(?P<tests>{CONDITION}){END}",
        lambda found: (
            f"count({found['rows']} where {found['tests']}) {_sign(found['quantity'])} "
            f"{as_number(found['count'])}"
            if begins(found)
            else None
        ),
    ),
    (
        rf"(?<![\w.]){_DID}?{_QUANTITY}\s+(?P<count>{NUMBER})\s+(?P<rows>{NAME})(?:\s+{WINDOW})?(?!\s*[<>=(.])",
        _quantified,
    ),
    (
        rf"(?<![\w.]){_DID}?(?P<rows>{NAME})\s+{_QUANTITY}\s+(?P<count>{NUMBER})\s*(?:times|x)\b(?:\s+{WINDOW})?",
        _quantified,
    ),
    (
        rf"(?<![\w.])(?:(?:did|has|have|had|do|does)(?:n't|\s+not|\s+never)(?:\s+(?:have|had|done|made|placed|performed|do|make|place))?(?:\s+any)?"
        rf"|never(?:\s+(?:had|did|made|placed|done|performed))?|(?:(?:has|have|had|did|with)\s+)?(?P<none>no)|without(?:\s+any)?)"
        rf"(?P<no>\s+)(?P<rows>{NAME})(?:\s+{WINDOW})?(?=\s*(?:\Z|\)|,|\b(?:and|or)\b))",
        happened,
    ),
    (
        rf"(?<![\w.])(?:(?:did|has|have|had|performed|made|placed|with|does|do)\s+)"
        rf"(?:(?:done|made|placed|had|performed)\s+)?(?:(?:any|some|an?)\s+)?"
        rf"(?P<rows>(?!(?:no|not|value|a)\b){NAME})(?:\s+{WINDOW})?(?=\s*(?:\Z|\)|,|\b(?:and|or)\b))",
        happened,
    ),
)
