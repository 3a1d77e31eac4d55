"""What has another form elsewhere, and can be read here: ``LEFT(name, 2) = "An"``, ``len(tags)``.

Each form is a tree, and what stands for it here is a tree. They are looked at only where a
definition is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from attrs import evolve

from segmentkit._checking.foreign_lookups import lookup
from segmentkit._checking.foreign_percentiles import ranked
from segmentkit._checking.row_phrases import meant_by_phrase
from segmentkit._language import syntax as t
from segmentkit._language.foreign_words import instant_of, number_of_day_or_month
from segmentkit.functions import AGGREGATES, FUNCTIONS
from segmentkit.schema import Schema

_FOLDING = ("lower", "upper", "casefold", "lcase", "ucase", "tolower", "toupper", "proper")
_FINDS = {
    **dict.fromkeys(("search", "ilike"), True),
    **dict.fromkeys(
        ("find", "position", "charindex", "locate", "instr", "strpos", "indexof", "index_of",
         "substringof", "contains", "includes", "has_text"), False
    ),
}  # fmt: skip
"""Functions that look for a text in another, and whether they ignore case."""
_TRUTH_OF_FIND = ("substringof", "contains", "includes", "has_text", "ilike")
_DATES = ("date", "datetime", "timestamp", "to_date", "todate", "to_timestamp", "datevalue",
          "parse_date", "datefromparts", "make_date", "isodate")  # fmt: skip
_DIFFERENCES = ("datediff", "date_diff", "timestampdiff", "days_between", "datedif", "days")
_SINCE = ("days_since", "dayssince", "days_ago", "time_since", "days_passed")
_TESTS = {
    **dict.fromkeys(("startswith", "beginswith", "hasprefix", "istartswith"), "starts with"),
    **dict.fromkeys(("endswith", "hassuffix"), "ends with"),
    **dict.fromkeys(("matches", "fullmatch", "regexpfullmatch"), "matches"),
}
_MISSING = {
    **dict.fromkeys(("isnull", "isna", "isblank", "ismissing", "isnone", "isnan"), False),
    **dict.fromkeys(("notnull", "notna", "isnotnull", "ispresent"), True),
}
_IFS = {"countif": "count", "countifs": "count", "sumif": "sum", "averageif": "avg"}
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_UNITS = r"(?:second|minute|hour|day|week|month|quarter|year)"
_SHORT = {"d": "day", "dd": "day", "m": "month", "mm": "month", "y": "year", "yy": "year",
          "yyyy": "year", "hh": "hour", "ww": "week", "wk": "week"}  # fmt: skip


def rewritten(
    schema: Schema, tree: t.Node, *, inside: bool = False
) -> Iterator[tuple[t.Node, t.Expr]]:
    """The parts of a tree that have another form here, and that form; the outer first."""
    meant = _meant(schema, tree)
    if meant is None and not inside:
        meant = _of_rows(schema, tree) or meant_by_phrase(schema, tree)
    if meant is not None:
        yield tree, meant
        return
    for part in t.children(tree):
        yield from rewritten(schema, part, inside=inside or isinstance(tree, t.Call))


def _meant(schema: Schema, node: t.Node) -> t.Expr | None:
    match node:
        case t.Compare("=", t.Name(("segment",)), t.Name((name,)) | t.Literal(str() as name)):
            return None if schema.entity.attribute("segment") else t.InSegment(name, span=node.span)
        case t.Compare():
            return _comparison(node) or lookup(node) or ranked(node)
        case t.TextTest(operand=t.Call() as call) | t.InList(operand=t.Call() as call):
            inner = _folded(call)
            return None if inner is None else evolve(node, operand=inner, ignoring_case=True)
        case t.And():
            return _of_one_row(schema, node)
        case t.InWindow(operand=t.Call("any" | "none", window=None) as rows) if _is_rows(rows):
            within = evolve(rows, window=node.window, span=node.span)
            return t.Not(within, node.span) if node.negated else within
        case t.Call():
            return _of_earlier(node) or _call(schema, node)
        case t.Arithmetic((t.Name((first,)), t.Name((second,))), (("-" | "/") as sign,)):
            return _of_two_names(schema, first, second, sign)
        case t.InList(
            operand,
            (t.Arithmetic((t.Literal(int() as low), t.Literal(int() as high)), ("-",)) as both,),
        ) if low < high:
            window = t.Range(both.operands[0], both.operands[1], both.span)
            return t.InWindow(operand, window, node.negated, node.span)
        case _:
            return None


def _of_rows(schema: Schema, node: t.Node) -> t.Expr | None:
    """A test of an attribute that only the rows of one relation have: one of them passes it."""
    if not isinstance(node, t.TextTest | t.InList | t.InWindow | t.IsMissing):
        return None
    if not isinstance(node.operand, t.Name):
        return None
    entity, parts = schema.entity, node.operand.parts
    ways = [r for r in entity.relations if schema.named(r.to).attribute(parts[-1])]
    if len(parts) == 1:
        known = (entity.attribute, entity.link, entity.relation, entity.document)
        links = [k for k in entity.links if schema.named(k.to).attribute(parts[0])]
        if len(ways) != 1 or links or any(of(parts[0]) for of in known):
            return None
    elif len(parts) != 2 or parts[0] not in [each.name for each in ways]:
        return None
    else:
        ways = [each for each in ways if each.name == parts[0]]
    where = evolve(node, operand=t.Name(parts[-1:]), negated=False)
    rows = t.Name((ways[0].name,))
    return t.Call("none" if node.negated else "any", (rows,), where=where, span=node.span)


def _of_one_row(schema: Schema, node: t.And) -> t.Expr | None:
    """Tests of attributes of the rows of one relation, side by side: one row passes them all."""
    tests: dict[str, list[t.Expr]] = {}
    for each in node.operands:
        side = each.left if isinstance(each, t.Compare) else getattr(each, "operand", None)
        if isinstance(side, t.Name) and len(side.parts) == 2 and _is_path(schema, side):
            tests.setdefault(side.parts[0], []).append(each)
    name, together = max(tests.items(), key=lambda item: len(item[1]), default=("", []))
    if len(together) < 2 or any(getattr(each, "negated", False) for each in together):
        return None
    where = t.And(tuple(map(_own, together)), node.span)
    rows = t.Call("any", (t.Name((name,)),), where=where, span=node.span)
    rest = [each for each in node.operands if each not in together]
    at = node.operands.index(together[0])
    return evolve(node, operands=(*rest[:at], rows, *rest[at:])) if rest else rows


def _own(node: t.Expr) -> t.Expr:
    match node:
        case t.Compare(_, t.Name(parts) as name):
            return evolve(node, left=evolve(name, parts=parts[1:]))
        case t.TextTest(_, t.Name(parts) as name) | t.InList(t.Name(parts) as name):
            return evolve(node, operand=evolve(name, parts=parts[1:]))
        case t.InWindow(t.Name(parts) as name) | t.IsMissing(t.Name(parts) as name):
            return evolve(node, operand=evolve(name, parts=parts[1:]))
        case _:
            return node


def _of_earlier(node: t.Call) -> t.Expr | None:
    """A step that names the row which it follows, but gave it no name."""
    match node:
        case t.Call(_, (t.Name() as value,), alias=None, then=t.Step(where=where) as step) if where:
            rows = value.parts[-1] if node.name in ("any", "none", "count") else value.parts[0]
        case _:
            return None
    alias = rows[0].lower()
    named = _renamed_rows(where, rows, alias)
    if named == where:
        return None
    return evolve(node, alias=t.Name((alias,)), then=evolve(step, where=named))


def _renamed_rows(node: t.Expr, rows: str, alias: str) -> t.Expr:
    match node:
        case t.And(operands):
            return evolve(node, operands=tuple(_renamed_rows(o, rows, alias) for o in operands))
        case t.Compare(_, left, right):
            sides = (_renamed_rows(left, rows, alias), _renamed_rows(right, rows, alias))
            return evolve(node, left=sides[0], right=sides[1])
        case t.Name((first, _)) if first == rows:
            return evolve(node, parts=(alias, *node.parts[1:]))
        case _:
            return node


def _is_rows(call: t.Call) -> bool:
    return len(call.arguments) == 1 and call.then is None and call.among is None


# -- comparisons ----------------------------------------------------------------------------------


def _comparison(node: t.Compare) -> t.Expr | None:
    for side, other, turned in ((node.left, node.right, False), (node.right, node.left, True)):
        if not isinstance(side, t.Call):
            continue
        operator = _MIRRORED.get(node.operator, node.operator) if turned else node.operator
        found = _of_call(node, side, operator, other)
        if found is not None:
            return found
    return None


def _of_call(node: t.Compare, call: t.Call, operator: str, other: t.Expr) -> t.Expr | None:
    name, arguments, equal = call.name.lower(), call.arguments, operator in ("=", "!=")
    if equal and (inner := _folded(call)) is not None:
        return evolve(node, operator=operator, left=inner, right=other, ignoring_case=True)
    match arguments, other:
        case (operand, t.Literal(int() as size)), t.Literal(str() as text) if equal and (
            name in ("left", "right") and len(text) == size
        ):
            test = "starts with" if name == "left" else "ends with"
            return t.TextTest(test, operand, None, (other,), operator == "!=", span=node.span)
        case (operand, t.Literal(0 | 1), t.Literal(int() as size)), t.Literal(str() as text) if (
            equal and name in ("mid", "substr", "substring") and len(text) == size
        ):
            return t.TextTest(
                "starts with", operand, None, (other,), operator == "!=", span=node.span
            )
        case _, t.Literal(int() as least) if name in _FINDS and _finds(operator, least):
            return _found(call, node)
        case _, t.Negative(t.Literal(1)) if name in _FINDS and operator in (">", "!="):
            return _found(call, node)
        case (_, t.Literal() | t.Name(), *_), t.Literal() if equal and name == "any":
            return None
        case _, t.Literal(int()) if (born := _years(name, arguments)) is not None:
            return evolve(node, operator=operator, left=born, right=other)
        case _, t.Literal(int()):
            length = _difference(name, arguments)
            if length is not None:
                lasts, unit = length
                right = t.Duration(other, unit, other.span)
                return evolve(node, operator=operator, left=lasts, right=right)
        case (t.Literal(str() as unit), operand), t.Call(
            arguments=(t.Literal(str() as same), t.Moment("now" | "today", 0))
        ) if name == "date_trunc" and operator == "=" and unit == same:
            if re.fullmatch(_UNITS, unit.lower()):
                window = t.Calendar("this", None, unit.lower(), node.span)
                return t.InWindow(operand, window, False, node.span)
        case (_,), t.Name((word,)) | t.Literal(str() as word) if name in ("month", "weekday") and (
            number := number_of_day_or_month(name, word)
        ):
            return evolve(node, operator=operator, left=call, right=t.Literal(number, other.span))
        case (t.Literal(), *_), _ if len(arguments) > 1 and (
            (equal and name == "any") or (operator, name) == ("!=", "all")
        ):
            return t.InList(other, arguments, operator == "!=", False, node.span)
        case _:
            pass
    return None


def _finds(operator: str, least: int) -> bool:
    return (operator, least) in ((">", 0), (">=", 1), ("!=", 0), (">", -1), (">=", 0))


def _found(call: t.Call, node: t.Expr) -> t.Expr | None:
    """The test that a text is in another: one of them is written out."""
    texts = [a for a in call.arguments if isinstance(a, t.Literal) and isinstance(a.value, str)]
    rest = [a for a in call.arguments if a not in texts]
    if len(texts) != 1 or len(rest) != 1:
        return None
    folded, (operand,) = _FINDS[call.name.lower()], rest
    if (inner := _folded(operand)) is not None:
        operand, folded = inner, True
    return t.TextTest("contains", operand, None, (texts[0],), False, folded, node.span)


def _difference(name: str, arguments: tuple[t.Expr, ...]) -> tuple[t.Expr, str] | None:
    """How long one time is after another, and the unit that a number counts."""
    now = t.Moment("now", 0, "day")
    if name in _SINCE and len(arguments) == 1:
        return _minus(now, arguments[0]), "day"
    if name not in _DIFFERENCES:
        return None
    match arguments:
        case (t.Name((unit,)) | t.Literal(str() as unit), start, end):
            pass
        case (start, end, t.Literal(str() as unit)):
            pass
        case (end, start):
            unit = "day"
        case _:
            return None
    unit = _SHORT.get(unit.lower(), unit.lower().removesuffix("s"))
    if unit not in ("second", "minute", "hour", "day", "week"):
        return None
    return _minus(end, start), unit


def _years(name: str, arguments: tuple[t.Expr, ...]) -> t.Expr | None:
    """Whole years until today: ``DATEDIF(birth_date, TODAY(), "Y")``."""
    match arguments:
        case (start, t.Moment("now" | "today", 0), t.Literal(str() as unit)) | (
            t.Name((unit,)) | t.Literal(str() as unit),
            start,
            t.Moment("now" | "today", 0),
        ) if name in _DIFFERENCES and unit.lower() in ("y", "yy", "yyyy", "year", "years"):
            return t.Call("age", (start,))
        case _:
            return None


def _minus(end: t.Expr, start: t.Expr) -> t.Expr:
    return t.Arithmetic((end, start), ("-",))


def _folded(node: t.Expr) -> t.Expr | None:
    """What is in the brackets of ``lower(…)``."""
    match node:
        case t.Call(name, (inner,)) if name.lower() in _FOLDING:
            return inner
        case _:
            return None


# -- calls ----------------------------------------------------------------------------------------


def _call(schema: Schema, node: t.Call) -> t.Expr | None:
    name, arguments = node.name.lower(), node.arguments
    if schema.function(node.name) is not None:
        return None
    match name, arguments:
        case ("isnumber", (t.Call() as inner,)) if inner.name.lower() in _FINDS:
            return _found(inner, node)
        case ("segment" | "in_segment" | "insegment", (t.Literal(str() as of) | t.Name((of,)),)):
            return t.InSegment(of, span=node.span)
        case ("boolean" | "bool" | "int" | "str" | "number" | "tostring" | "tonumber", (inner,)):
            return inner
        case ("trim" | "ltrim" | "rtrim" | "strip" | "clean", (inner,)):
            return inner
        case ("reachable" | "reachable_by", (t.Literal(str() as of) | t.Name((of,)),)):
            return t.Reachable(of, span=node.span)
        case ("exact", (left, right)):
            return t.Compare("=", left, right, False, node.span)
        case ("not", (inner,)):
            return t.Not(inner, node.span)
        case (_, (_, _)) if name in _TRUTH_OF_FIND:
            return _found(node, node)
        case (_, (t.Literal(), *_)) if schema.entity.attribute(node.name) is not None and all(
            isinstance(a, t.Literal) for a in arguments
        ):
            return t.InList(t.Name((node.name,)), arguments, span=node.span)
        case _ if name in _IFS:
            return _if(node, _IFS[name])
        case _:
            found = _chosen(node, name) or _of_time(node, name) or _of_many(schema, node, name)
            return found or _test(node) or _renamed(node)


def _chosen(node: t.Call, name: str) -> t.Expr | None:
    """Values that are chosen by functions."""
    match name, node.arguments:
        case ("if" | "iif" | "iff" | "ifelse" | "if_else" | "wenn" | "ifs", (_, _, *_) as given):
            return _case(given[::2], given[1::2], node) if name == "ifs" or len(given) < 4 else None
        case ("nvl2", (of, yes, no)):
            return _case((t.IsMissing(of, True), no), (yes,), node)
        case ("nullif", (of, other)):
            return _case((t.Compare("!=", of, other),), (of,), node)
        case ("decode" | "switch", (of, *rest)) if len(rest) > 1:
            tests = [t.Compare("=", of, each) for each in rest[: len(rest) // 2 * 2 : 2]]
            return _case([*tests, *rest[len(tests) * 2 :]], rest[1::2], node)
        case _:
            return None


def _case(tests: Sequence[t.Expr], values: Sequence[t.Expr], node: t.Call) -> t.Case:
    """So many tests with their values; a value that has no other beside it is the rest."""
    branches = tuple(t.When(*pair) for pair in zip(tests, values, strict=False))
    rest = tests[len(values)] if len(tests) > len(values) else None
    return t.Case(branches, rest, node.span)


def _of_time(node: t.Call, name: str) -> t.Expr | None:
    """Times that are made by functions, or moved by them, and their parts."""
    match name, node.arguments:
        case ("date_part" | "datepart", (t.Literal(str() as unit) | t.Name((unit,)), of)):
            part = _PARTS.get(unit.lower(), unit.lower())
            return t.Call(part, (of,), span=node.span) if part in FUNCTIONS else None
        case ("dateadd" | "date_add" | "adddate" | "date_sub" | "subdate", _):
            return _moved(node, name)
        case (_, (t.Literal(int() as year), t.Literal(int() as month), t.Literal(int() as day))):
            return _day(node, year, month, day) if name in _DATES else None
        case (_, (t.Literal(str() as text), *_)) if name in _DATES:
            return _instant(node, text)
        case _:
            return None


_PARTS = {"day": "monthday", "dow": "weekday", "isodow": "weekday"}


def _of_many(schema: Schema, node: t.Call, name: str) -> t.Expr | None:
    """Aggregates whose rows are named in another way."""
    match name, node.arguments:
        case ("len" | "length" | "size", (t.Name() as of,)) if _leads(schema, of):
            return evolve(node, name="count")
        case (
            "nunique" | "count_distinct" | "countdistinct" | "countd" | "approx_count_distinct",
            (t.Name() as of,),
        ) if len(of.parts) > 1:
            return evolve(node, name="count", distinct=True)
        case (_, (t.Literal(str() as text) as given,)) if name in AGGREGATES:
            path = t.Name(tuple(text.split(".")), given.span)
            return evolve(node, arguments=(path,)) if _is_path(schema, path) else None
        case (_, (t.Name((rows,)), t.Name((attribute,)))) if name in AGGREGATES:
            path = t.Name((rows, attribute))
            return evolve(node, arguments=(path,)) if _is_path(schema, path) else None
        case _:
            return None


def _is_path(schema: Schema, name: t.Name) -> bool:
    """Whether a name is that of a relation of the root entity, or of an attribute of its rows."""
    relation = schema.entity.relation(name.parts[0])
    if relation is None or len(name.parts) > 2:
        return False
    return len(name.parts) == 1 or schema.named(relation.to).attribute(name.parts[1]) is not None


def _of_two_names(schema: Schema, first: str, second: str, sign: str) -> t.Expr | None:
    """``signed-up`` is ``signed_up``, and ``company/industry`` is ``company.industry``."""
    entity, link = schema.entity, schema.entity.link(first)
    if sign == "/":
        there = link is not None and schema.named(link.to).attribute(second) is not None
        return t.Name((first, second)) if there else None
    known = entity.attribute(first) is not None and entity.attribute(second) is not None
    names = [n for n in (f"{first}_{second}", f"{first}{second}") if entity.attribute(n)]
    return t.Name((names[0],)) if not known and names else None


def _leads(schema: Schema, name: t.Name) -> bool:
    """Whether a name of the root entity ends at a relation."""
    parts = name.parts[1:] if name.parts[0] == schema.entity.name else name.parts
    return len(parts) == 1 and schema.entity.relation(parts[0]) is not None


def _moved(node: t.Call, name: str) -> t.Expr | None:
    """``DATEADD(day, -30, GETDATE())`` is ``30 days ago``, and ``DATE_SUB(x, 30 days)`` earlier."""
    match node.arguments:
        case (t.Name((unit,)) | t.Literal(str() as unit), number, base):
            back = isinstance(number, t.Negative)
            count = number.operand if isinstance(number, t.Negative) else number
            length: t.Expr = t.Duration(count, _SHORT.get(unit.lower(), unit.lower()))
        case (base, t.Duration(count) as length):
            back = "sub" in name
        case (base, t.Literal(int()) as count):
            back, length = "sub" in name, t.Duration(count, "day")
        case _:
            return None
    match base, count:
        case t.Moment("now" | "today"), t.Literal(int() as days) if isinstance(length, t.Duration):
            return t.Moment("now", -days if back else days, length.unit, node.span)
        case _:
            return t.Arithmetic((base, length), ("-" if back else "+",), node.span)


def _day(node: t.Call, year: int, month: int, day: int) -> t.Expr | None:
    try:
        return t.Literal(date(year, month, day), node.span)
    except ValueError:
        return None


def _instant(node: t.Call, text: str) -> t.Expr | None:
    found = instant_of(text)
    return None if found is None else t.Literal(found, node.span)


def _test(node: t.Call) -> t.Expr | None:
    """The test that is a function elsewhere: ``startswith(name, "x")``, ``isnull(age)``."""
    name = node.name.lower().replace("_", "")
    match node.arguments:
        case (operand,) if name in _MISSING:
            return t.IsMissing(operand, _MISSING[name], node.span)
        case (operand,) if name == "isempty":
            return t.IsEmpty(operand, False, node.span)
        case (operand, pattern) if name in _TESTS:
            inner = _folded(operand)
            test = (_TESTS[name], operand if inner is None else inner, None, (pattern,))
            return t.TextTest(*test, False, inner is not None, node.span)
        case _:
            return None


def _renamed(node: t.Call) -> t.Expr | None:
    """A function that only has another name here."""
    name = node.name.lower()
    if name in FUNCTIONS or name in AGGREGATES:
        return evolve(node, name=name) if name != node.name else None
    found = [f.name for each in (FUNCTIONS, AGGREGATES) for f in each.values() if name in f.others]
    if name == "isnull" and len(node.arguments) == 2:
        found = ["default"]
    if name == "date" and len(node.arguments) != 1:
        return None
    if name in ("len", "size"):
        found = ["length"]
    return evolve(node, name=found[0]) if len(found) == 1 else None


_CRITERION = re.compile(r"\s*(<=|>=|<>|!=|=|<|>)?\s*(.*?)\s*", re.DOTALL)


def _if(node: t.Call, function: str) -> t.Expr | None:
    """``COUNTIF(orders.status, "paid")`` is ``count(orders where status = "paid")``."""
    match node.arguments:
        case (t.Name(parts) as tested, criterion) if function == "count":
            value: t.Expr = t.Name(parts[:-1]) if len(parts) > 1 else tested
        case (t.Name(parts) as tested, criterion, t.Name() as value):
            pass
        case _:
            return None
    if len(parts) < 2:
        return None
    operator, other = "=", criterion
    if isinstance(criterion, t.Literal) and isinstance(criterion.value, str):
        found = _CRITERION.fullmatch(criterion.value)
        assert found is not None
        sign, text = found.groups()
        operator = {"<>": "!=", None: "="}.get(sign, sign)
        number = re.fullmatch(r"-?\d+", text)
        other = t.Literal(int(text) if number else text, criterion.span)
    test = t.Compare(operator, t.Name(parts[-1:]), other)
    return t.Call(function, (value,), where=test, span=node.span, name_span=node.name_span)
