"""What SQL, spreadsheets and programs put around a condition, and how they call things in it."""

from __future__ import annotations

import re

from segmentkit._diagnostics.diagnostic import Hint, advice
from segmentkit._language.formatter import format_name, format_text
from segmentkit._language.habit_forms import (
    LIST,
    NAME,
    NOT,
    PATH,
    TEST,
    TEXT,
    VALUE,
    Form,
    Match,
    as_text_test,
    begins,
)

_NOW = (
    r"(?:now|getdate|getutcdate|sysdate|sysdatetime|current_timestamp|localtimestamp|utcnow|"
    r"datetime\.(?:utc)?now|date\.now|dt\.now|timezone\.now|pd\.timestamp\.(?:now|today)|moment)"
)
_TODAY = r"(?:today|curdate|current_date|date\.today|datetime\.today|dt\.date\.today|utctoday)"
_PEOPLE = (
    r"(?:customers?|people|persons?|users?|clients?|contacts?|members|subscribers|everyone|"
    r"everybody|those|anyone|profiles?|accounts?|rows?)"
)


def _ended(found: Match) -> Hint:
    return advice("one_condition", "")


def _alone(found: Match) -> Hint:
    return advice("condition_alone", "")


def _comment(found: Match) -> Hint:
    return advice("comment_begins", "#")


def _no_comment(found: Match) -> Hint:
    return advice("comment_ends_with_line", "")


def as_parameter(found: Match) -> Hint:
    """``$age > 18``: a variable or a column, which only its author knows."""
    return advice("attribute_or_parameter", name=found["name"])


def _length(found: Match) -> str:
    number, unit = found["number"], found["unit"].lower()
    return f"{number} {unit if unit.endswith('s') else f'{unit}s'}"


def _contains(found: Match) -> str:
    fold = " ignoring case" if found["fold"] else ""
    return f"{found['path']} contains {found['text']}{fold}"


def _pattern(found: Match) -> str | None:
    """``name ~ '^A'`` is ``name starts with "A"``; anything else is a pattern of the whole text."""
    path, no, text = found["path"], "not " if found["no"] else "", found["text"][1:-1]
    bare = text.removeprefix("^").removesuffix("$")
    starts, ends = text.startswith("^"), text.endswith("$")
    fold = " ignoring case" if found["fold"] else ""
    if re.fullmatch(r"[\w\s@,;:!#%&-]+", bare):
        if starts and ends:
            return f'{path} {"!=" if no else "="} "{bare}"{fold}'
        test = "starts with" if starts else "ends with" if ends else "contains"
        return f'{path} {no}{test} "{bare}"{fold}'
    if fold or ("|" in text and not re.fullmatch(r"\^?\([^()]*\)\$?", text)):
        return None
    head, tail = "" if starts else ".*", "" if ends else ".*"
    bare = bare.replace('"', '\\"')
    return f'{path} {no}matches "{head}{bare}{tail}"'


def _else_false(found: Match) -> str:
    return f"({found['test']}) and {found['yes']}"


def _dotted(found: Match) -> str | None:
    """``"company"."industry"``."""
    parts = re.findall(rf"{TEXT}|{NAME}", found[0])
    if not any(part[0] in "\"'" for part in parts):
        return None
    return ".".join(format_name(p[1:-1]) if p[0] in "\"'" else p for p in parts)


def _of_test(found: Match) -> str | None:
    text, path = found["text"], found["path"]
    bare = text.removeprefix("^").removesuffix("$")
    test = (
        "starts with" if text.startswith("^") else "ends with" if text.endswith("$") else "contains"
    )
    if text.startswith("^") and text.endswith("$"):
        test = "="
    return f'{path} {test} "{bare}"{" ignoring case" if found["fold"] else ""}'


_OR = re.compile(r"\s+or\s+", re.IGNORECASE)

CLAUSES: tuple[tuple[str, Form], ...] = (
    (r"\A\s*select\b(?:[^()]|\([^()]*\))*?\bwhere\b\s*", _alone),
    (
        r"\A\s*\w+(?:\.i?loc)?\[\s*(?P<inside>(?=.*[<>=&|~(])[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]\s*\Z",
        "{inside}",
    ),
    (r"\A\s*\w+\.query\(\s*(?P<quote>['\"])(?P<inside>.*)(?P=quote)\s*\)\s*\Z", "{inside}"),
    (r"!!\s*(?=[\w(])", ""),
    (r"\A\s*[?&]?\$?(?:filter|q|query|where)\s*=(?!=)\s*(?=[\w(\"'])", _alone),
    (r"\A\s*[\[{](?P<inside>[^\[\]{}]*[<>=][^\[\]{}]*)[\]}]\s*\Z", "{inside}"),
    (r"(?<!\w)'(?P<head>\w+)'(?P<rest>\w+)'(?!\w)", '"{head}\'{rest}"'),
    (
        rf"(?<![\w.])(?:if|iif)\(\s*(?P<test>[^(),;]+(?:\([^()]*\)[^(),;]*)*)\s*[,;]\s*(?P<yes>{TEXT}|\d+)"
        rf"\s*[,;]\s*(?:{TEXT}|\d+)\s*\)\s*={{1,2}}\s*(?P=yes)",
        "({test})",
    ),
    (
        rf"(?P<head>(?:(?:contains|with)\s*{TEXT}|\b(?:missing|present)|\))\s*)(?:={{1,2}}|eq\b)\s*(?:true|1)\b",
        "{head}",
    ),
    (
        r"\A\s*(?:from\s+\w+\s+)?(?:where|having|filter\s+by|filter|if|when)\b(?![\s(]*\(.*[,;].*\))\s+(?!.*\bthen\b)",
        _alone,
    ),
    (
        rf"\A\s*(?:(?:all|every|the|any|find|show|get|list)\s+)*{_PEOPLE}\s+"
        r"(?:(?:where|who|whose|with|that|which|having)\s+)(?:(?:have|are|has|is|an?|the)\s+)*"
        r"(?!no\b|at\b|more\b|less\b|not\b)(?=[\w`(\"]+[\s.]*(?:[<>=!(]|\b(?:is|in|not|contains|between|starts|ends|matches|and|or)\b|\Z))",
        _alone,
    ),
    (
        rf"\A\s*(?:the\s+|a\s+|our\s+)?{_PEOPLE}\s+(?=(?:has|have|had|did|made|placed|never|bought|visited)\b)",
        _alone,
    ),
    (r"\A\s*=\s*(?=[\w(])", lambda found: advice("leave_out_first_sign", "")),
    (r"\s*;\s*\Z", lambda found: advice("one_condition_without_end", "")),
    (r"\s+(?:limit\s+\d+|(?:order|group)\s+by\b[^()]*)\s*;?\s*\Z", _ended),
    (r"\s*/\*[^*]*\*/\s*(?=\Z)", _no_comment),
    (r"/\*[^*]*\*/", _no_comment),
    (r"\A\s*(?:lambda\s+\w+\s*:|\(?(?P<row>\w+)\)?\s*=>(?=.*\b(?P=row)\.))\s*", _alone),
    (r"(?<=\s)(?:--|//)(?=\s*[^\W\d])", _comment),
)

_FRAMES = r"(?:(?:df|frame|data|row|record|self|item|obj|it|x|r|c|u)\.)?"
_METHODS = {"gt": ">", "gte": ">=", "ge": ">=", "lt": "<", "lte": "<=", "le": "<=", "eq": "=",
            "equals": "=", "ne": "!=", "neq": "!="}  # fmt: skip
_IFS = {"count": "count", "sum": "sum", "average": "avg", "avg": "avg"}


def _if_of_rows(found: Match) -> str | None:
    """``SUMIF(orders, status = "paid", amount)`` and its kin."""
    agg, rows, column = _IFS[found["agg"].lower()], found["rows"], found["column"]
    if (agg == "count") != (column is None):
        return None
    own = "" if column is None else f".{column.removeprefix(f'{rows}.')}"
    return f"{agg}({rows}{own} where {found['test']})"


def _days_back(found: Match) -> str:
    """Literals of Salesforce: ``LAST_N_DAYS:30``, ``THIS_MONTH``."""
    word, number = found["word"].upper(), found["number"]
    way, _, unit = word.replace("_N_", "_").partition("_")
    if number:
        return f" in {way.lower()} {number} {unit.lower()}"
    return f" in {'previous' if way == 'LAST' else way.lower()} {unit.lower()}"


def _existing(found: Match) -> str:
    state = "present" if found["state"].lower() == "exists" else "missing"
    return f"{found['path']} is {state}"


_UNITS = "DAY|WEEK|MONTH|QUARTER|YEAR"

HABITS: tuple[tuple[str, Form], ...] = (
    (
        r"\b(?P<no>(?:does\s+not|doesn't|not)\s+)?(?:exactly\s+match(?:es)?|match(?:es)?\s+exactly|is\s+exactly)\b",
        lambda found: "!=" if found["no"] else "=",
    ),
    (
        rf"\s*={{1,2}}\s*(?P<word>(?-i:(?:LAST|NEXT)_N_(?:{_UNITS})S|(?:THIS|LAST)_(?:{_UNITS})))\b(?::(?P<number>\d+))?",
        _days_back,
    ),
    (rf"(?<![\w.])_(?P<state>exists|missing)_\s*:\s*{PATH}", _existing),
    (
        rf"{PATH}\s*:\s*(?P<word>[^\W\d]\w*)\*(?!\w)",
        lambda found: f"{found['path']} starts with {format_text(found['word'])}",
    ),
    (r"\s*;\s*(?=\w[\w.]*\s*(?:[<>=!]))", " and "),
    (r"(?<![\w.])Q\((?P<inside>[^()]+)\)", "({inside})"),
    (rf"(?<![\w.])is\.(?:na|null|nan)\(\s*{PATH}\s*\)", "{path} is missing"),
    (rf"[!~]\s*is\.(?:na|null|nan)\(\s*{PATH}\s*\)", "{path} is present"),
    (
        rf"{PATH}\s*%in%\s*(?:c\s*\(\s*(?P<values>{LIST})\s*\))",
        "{path} in ({values})",
    ),
    (rf"{PATH}\.is_\(\s*(?:None|null\(\))\s*\)", "{path} is missing"),
    (rf"{PATH}\.(?:isnot|is_not)\(\s*(?:None|null\(\))\s*\)", "{path} is present"),
    (
        rf"{PATH}\.is_?in_?\(\s*[\[({{]?\s*(?P<values>{LIST})\s*[\])}}]?\s*\)",
        "{path} in ({values})",
    ),
    (rf"{PATH}\.in_\(\s*[\[({{]\s*(?P<values>{LIST})\s*[\])}}]\s*\)", "{path} in ({values})"),
    (
        rf"{PATH}\.(?:not_?in_?|notin_)\(\s*[\[({{]?\s*(?P<values>{LIST})\s*[\])}}]?\s*\)",
        "{path} not in ({values})",
    ),
    (
        rf"{PATH}\s+{NOT}similar\s+to\s+(?P<text>{TEXT})",
        lambda found: (
            f"{found['path']} {found['no'] or ''}matches "
            f'"{found["text"][1:-1].replace("%", ".*").replace("_", ".")}"'
        ),
    ),
    (
        rf"{PATH}\.indexOf\(\s*(?P<text>{TEXT})\s*\)\s*(?:!={{1,2}}\s*-1|>=\s*0|>\s*-1)",
        "{path} contains {text}",
    ),
    (rf"\bnew\s+date\s*\(\s*(?P<name>{NAME}(?:\.{NAME})*)\s*\)", "{name}"),
    (rf"{PATH}\.getFullYear\(\s*\)", "year({path})"),
    (
        rf"{PATH}\s+is\s+{NOT}`(?P<word>[^`\n]+)`",
        lambda found: (
            f"{found['path']} {'!=' if found['no'] else '='} {format_text(found['word'])}"
        ),
    ),
    (rf"(?:\A\s*|(?<=\s))\+(?={NAME}\s*:)", ""),
    (rf"(?<=[\w\"'])\s+-(?={NAME}\s*:)", " and not "),
    (rf"{PATH}\s*=@\s*(?P<text>{TEXT})", "{path} contains {text}"),
    (rf"{PATH}\s*!@\s*(?P<text>{TEXT})", "{path} not contains {text}"),
    (
        rf"(?<![\w.])(?P<agg>count|sum|average|avg)ifs?\(\s*(?P<rows>{NAME})\s*[,;]\s*"
        rf"(?P<test>{NAME}\s*{TEST}\s*{VALUE})"
        rf"(?:\s*[,;]\s*(?P<column>{NAME}(?:\.{NAME})?))?\s*\)",
        _if_of_rows,
    ),
    (
        rf"{_FRAMES}{PATH}\.(?P<method>{'|'.join(_METHODS)})\(\s*(?P<value>{VALUE})\s*\)",
        lambda found: f"{found['path']} {_METHODS[found['method'].lower()]} {found['value']}",
    ),
    (
        rf"(?:lower|upper)\(\s*{PATH}\s*\)\.(?:str\.)?(?P<word>starts_?with|ends_?with|contains|includes)"
        rf"\(\s*(?P<text>{TEXT})[^()]*\)",
        lambda found: f"{as_text_test(found)} ignoring case",
    ),
    (
        rf"\b(?P<word>contains|includes)\(\s*(?:to)?(?:lower|upper)\(\s*{PATH}\s*\)\s*,\s*(?P<text>{TEXT})\s*\)",
        lambda found: f"{as_text_test(found)} ignoring case",
    ),
    (r"\bis\s+missing\s*={1,2}\s*false\b", "is present"),
    (r"\bis\s+present\s*={1,2}\s*false\b", "is missing"),
    (rf"\)\s*in\s*\[\s*(?P<values>{LIST})\s*\]", ") in ({values})"),
    (
        rf"{PATH}\.map\(\s*\(?(?P<row>\w+)\)?\s*=>\s*(?P=row)\.(?P<of>\w+)\s*\)\.(?P<word>sum|min|max|avg)\(\s*\)",
        "{word}({path}.{of})",
    ),
    (
        r"(?P<head>(?:={1,2}|!=)\s*)(?P<text>[^\W\d]\w*'\w+)(?=\s*(?:\Z|\)|,|\b(?:and|or)\b))",
        lambda found: f'{found["head"]}"{found["text"]}"',
    ),
    (rf"(?<![\w.]){_NOW}\s*\(\s*\)", "now"),
    (rf"(?<![\w.]){_TODAY}\s*\(\s*\)", "today"),
    (r"\bnew\s+date\s*\(\s*\)", "now"),
    (rf"\bnew\s+date\s*\(\s*(?P<text>{TEXT})\s*\)", "{text}"),
    (
        r"(?<![\w.])(?:pd|np|dt|datetime|moment)\."
        r"(?P<name>datetime|date|timestamp|timedelta|to_datetime|isna|isnull|notna|notnull)(?=\s*\()",
        "{name}",
    ),
    (
        rf"(?P<name>{TEXT}|{NAME})(?P<rest>(?:\.(?:{TEXT}|{NAME}))+)",
        _dotted,
    ),
    (
        r"(?<![\w.])(?P<name>(?!(?:and|or|if|iif|und|oder|et|ou|и|или|і|або)\b)[^\W\d]\w*)"
        r"\((?P<inside>[^()]*;[^()]*)\)",
        lambda found: f"{found['name']}({found['inside'].replace(';', ',')})",
    ),
    (
        r"(?P<head>(?:={1,2}|!=|\bcontains|\bwith)\s*)(?P<text>[@/.#][\w./@-]*)(?=\s*(?:\Z|\)|,|\b(?:and|or)\b))",
        lambda found: f"{found['head']}{format_text(found['text'])}",
    ),
    (
        r"(?<![\w.])timedelta\(\s*(?P<unit>day|hour|minute|second|week)s?\s*=\s*(?P<number>\d+)\s*\)",
        _length,
    ),
    (r"(?<![\w.])(?:timedelta\(\s*)(?P<number>\d+)(?P<unit>)\s*\)", "{number} days"),
    (r"(?<![\w])[fFrRuUbB](?=['\"])", ""),
    (r"\?\.(?=\w)", "."),
    (r"\s*\?\s*(?:true|1|yes)\s*:\s*(?:false|0|no)\s*", ""),
    (
        rf"(?P<yes>(?!not\b){NAME}(?:\s*{TEST}\s*{VALUE})?)\s+if\s+(?P<test>[^;]+?)\s+else\s+(?:false|none|0)\b",
        _else_false,
    ),
    (r"\{\{\s*(?P<name>[^\W\d][\w.]*)\s*\}\}", "{name}"),
    (
        rf"(?<![\w.])[@$](?P<name>[^\W\d]\w*+)(?=\s*(?:{TEST}|\bin\b|\bis\b|\bcontains\b))",
        as_parameter,
    ),
    (
        rf"[\[(]\s*(?P<values>{LIST})\s*[\])]\s*\.(?:includes|contains|indexOf)\(\s*{PATH}\s*\)",
        "{path} in ({values})",
    ),
    (
        rf"{PATH}\.(?:str\.)?(?:contains|includes|has)\(\s*(?P<text>{TEXT})"
        r"(?:\s*,\s*(?:(?P<fold>case\s*=\s*false)|(?:case|regex|na)\s*=\s*\w+))*\s*\)",
        _contains,
    ),
    (
        rf"{PATH}\.between\(\s*(?P<low>{VALUE})\s*,\s*(?P<high>{VALUE})[^()]*\)",
        "{path} between {low} and {high}",
    ),
    (rf"{PATH}\.(?:str\.)?(?:strip|trim)\(\s*\)", "{path}"),
    (
        rf"{PATH}\.n_?unique\(\s*\)",
        lambda found: (
            f"count(distinct {found['path']})"
            if "." in found["path"]
            else f"count({found['path']})"
        ),
    ),
    (
        rf"(?P<frame>{NAME})\[\s*(?P<quote>['\"])(?P<name>\w+)(?P=quote)\s*\]"
        r"\.(?P<word>sum|mean|avg|min|max|median)\(\s*\)",
        lambda found: (
            f"{'avg' if found['word'].lower() == 'mean' else found['word'].lower()}"
            f"({found['frame']}.{found['name']})"
        ),
    ),
    (
        rf"{PATH}\s+{NOT}(?:regexp|rlike|similar\s+to|matches|=~|~)(?P<fold>\*)?\s*(?P<text>{TEXT})",
        _pattern,
    ),
    (rf"{PATH}\s*(?P<no>!)?(?:=~|~)(?P<fold>\*)?\s*(?P<text>{TEXT})", _pattern),
    (
        rf"/(?P<text>\^?[\w\s@-]+\$?)/(?P<fold>i?)\.test\(\s*{PATH}\s*\)",
        _of_test,
    ),
    (rf"{PATH}\s+is\s+{NOT}distinct\s+from\b", lambda f: f"{f['path']} {'=' if f['no'] else '!='}"),
    (r"(?<![<>=!])>>(?!=)", ">"),
    (r"(?<![<>=!])<<(?!=)", "<"),
    (r"(?<![\w.])nvl2?\s*\(", "default("),
    (
        rf"{PATH}\s*:\s*\(\s*(?P<values>[\w\"'.-]+(?:\s+or\s+[\w\"'.-]+)+)\s*\)",
        lambda found: f"{found['path']} in ({_OR.sub(', ', found['values'])})",
    ),
    (rf"(?<![\w)\"'.])-(?={NAME}\s*:)", "not "),
    (
        r"\binterval\s+['\"]?(?P<number>\d+)['\"]?\s*(?P<unit>second|minute|hour|day|week|month|year)s?['\"]?",
        _length,
    ),
    (
        rf"{PATH}\s*:\s*\[\s*(?P<low>[\w.:-]+)\s+to\s+(?P<high>[\w.:-]+)\s*\]",
        "{path} between {low} and {high}",
    ),
    (
        rf"{PATH}\s*:\s*(?P<sign>[<>]=?|!=|=)?\s*(?P<value>{TEXT}|-?[\w][\w.:\-]*)",
        lambda found: (
            f"{found['path']} {found['sign'] or '='} {found['value']}" if begins(found) else None
        ),
    ),
)


REST: tuple[tuple[str, Form], ...] = (
    (
        rf"{PATH}\.(?:str\.)?(?:lower|upper|casefold|toLowerCase|toUpperCase|toLower|toUpper)\(\s*\)",
        "lower({path})",
    ),
)
