"""Syntax tree → canonical text: lower-case keywords, double quotes, brackets only where needed."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import assert_never

from segmentkit._language import syntax as t
from segmentkit._language.keywords import RESERVED

_PLAIN = re.compile(r"[^\W\d]\w*")
_LETTER = re.compile(r"[^\W\d]")
_UNWRITABLE = re.compile(r"[\n\ud800-\udfff]")
_QUANTIFIER = re.compile(r"\A(?:any|all)(?!\w)", re.IGNORECASE)

# How tightly an expression holds together; a looser one inside a tighter one needs brackets.
_OR, _AND, _NOT, _TEST, _SUM, _PRODUCT, _UNARY, _ATOM = range(8)


def format_tree(tree: t.Expr) -> str:
    """The canonical text of a tree: parsing it gives the tree again."""
    return _expr(tree, _OR)


def format_name(name: str) -> str:
    """A name as definitions write it: in backquotes where it is no plain identifier.

    Example:
        >>> format_name("country"), format_name("order count")
        ('country', '`order count`')
    """
    plain = _PLAIN.fullmatch(name) or (name.isidentifier() and _LETTER.match(name))
    if plain and name.lower() not in RESERVED:
        return name
    return "`" + name.replace("`", "``") + "`"


def is_writable(name: str) -> bool:
    """Whether a definition can write a name: not the empty one, nor line breaks or half letters."""
    return bool(name) and not _UNWRITABLE.search(name)


def format_text(value: str) -> str:
    r"""A text in double quotes, with escapes.

    Example:
        >>> print(format_text('say "hi"'))
        "say \"hi\""
    """
    return '"' + "".join(map(_character, value)) + '"'


def format_value(value: bool | int | Decimal | str | date | datetime) -> str:
    """A constant as definitions write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return format_text(value)
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case datetime():
            return _instant(value)
        case date():
            return value.isoformat()
        case _:
            assert_never(value)


_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _character(character: str) -> str:
    if character in _ESCAPED:
        return _ESCAPED[character]
    if character == " " or character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    pairs = (units[i : i + 2] for i in range(0, len(units), 2))
    return "".join(f"\\u{int.from_bytes(pair):04x}" for pair in pairs)


def _instant(value: datetime) -> str:
    precision = "minutes" if value.second == value.microsecond == 0 else "auto"
    text = value.replace(tzinfo=None).isoformat(timespec=precision)
    if value.tzinfo is None:
        return text
    offset = value.utcoffset()
    if not offset:
        return text + "Z"
    sign = "-" if offset < timedelta() else "+"
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{text}{sign}{minutes // 60:02}:{minutes % 60:02}"


def format_length(value: timedelta) -> str:
    """A length of time in the units of definitions; seconds have digits after the point.

    Example:
        >>> format_length(timedelta(days=9, seconds=3661))
        '9 days 1 hour 1 minute 1 second'
    """
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    counts = {"day": value.days, "hour": hours, "minute": minutes, "second": seconds}
    parts = [_units(count, unit) for unit, count in counts.items() if count]
    if value.microseconds:
        exact = f"{seconds + value.microseconds / 1_000_000:.6f}".rstrip("0")
        parts = [part for part in parts if "second" not in part] + [f"{exact} seconds"]
    return sign + (" ".join(parts) or "0 seconds")


def _path(parts: tuple[str, ...]) -> str:
    return ".".join(map(format_name, parts))


def _units(count: t.Count, unit: str) -> str:
    return f"{_count(count)} {unit}" if count == 1 else f"{_count(count)} {unit}s"


def _count(count: t.Count | Decimal) -> str:
    return f":{count.name}" if isinstance(count, t.Parameter) else format_value(count)


def _window(window: t.Window) -> str:
    match window:
        case t.Rolling():
            return f"in {window.direction} {_units(window.count, window.unit)}"
        case t.Calendar(which, None, unit):
            return f"in {which} {unit}"
        case t.Calendar(which, count, unit):
            assert count is not None
            return f"in {which} {_units(count, unit)}"
        case t.Period(year, month, day):
            parts = [f"{year:04}"] + [f"{part:02}" for part in (month, day) if part is not None]
            return "in " + "-".join(parts)
        case t.Range(low, high):
            return f"between {_expr(low, _SUM)} and {_expr(high, _SUM)}"
        case _:
            assert_never(window)


def _moment(moment: t.Moment) -> str:
    if moment.count == 0 and moment.unit == "day":
        return moment.base
    count, ago = moment.count, moment.ago
    if isinstance(count, int):
        count, ago = abs(count), count <= 0
    return f"{_units(count, moment.unit)} {'ago' if ago else 'from now'}"


def _list(items: tuple[t.Expr, ...]) -> str:
    return ", ".join(_expr(item, _SUM) for item in items)


def _call(call: t.Call) -> str:
    inside = ("distinct " if call.distinct else "") + _list(call.arguments) + _alias(call)
    if call.window is not None:
        inside += " " + _window(call.window)
    if call.among is not None:
        inside += _among(call.among)
    inside += _where(call.where)
    step = call.then
    while step is not None:
        inside += " " + _step(step)
        step = step.then
    name = format_name(call.name)
    if call.name != call.name.lower():
        # Without backquotes, functions are called in any case.
        name = f"`{name}`" if name == call.name else name
    return f"{name}({inside})"


def _case(node: t.Case) -> str:
    words = ["case"]
    for branch in node.branches:
        words += ["when", _expr(branch.condition, _OR), "then", _expr(branch.value, _SUM)]
    if node.otherwise is not None:
        words += ["else", _expr(node.otherwise, _SUM)]
    return " ".join([*words, "end"])


def _alias(named: t.Call | t.Step) -> str:
    return "" if named.alias is None else f" as {_path(named.alias.parts)}"


def _where(condition: t.Expr | None) -> str:
    return "" if condition is None else f" where {_expr(condition, _OR)}"


def _step(step: t.Step) -> str:
    text = f"{'not ' * step.negated}{step.direction} by {_path(step.relation.parts)}"
    text += _alias(step) + _where(step.where)
    if step.within is not None:
        text += f" within {_units(step.within.count, step.within.unit)}"
    return text


_EVERYONE = t.Literal(True, t.NOWHERE)


def _among(condition: t.Expr) -> str:
    return f" among {'everyone' if condition == _EVERYONE else f'({_expr(condition, _OR)})'}"


def _percent(percent: t.Percent) -> str:
    return f"{_count(percent.number)}%"


def _ranked(node: t.Ranked) -> str:
    limit = _percent(node.limit) if isinstance(node.limit, t.Percent) else _count(node.limit)
    among = "" if node.among == _EVERYONE else _among(node.among)
    return f"{node.direction} {limit} by {_expr(node.by, _SUM)}{among}"


def _arithmetic(node: t.Arithmetic) -> tuple[str, int]:
    level = _SUM if node.operators[0] in "+-" else _PRODUCT
    # The operands of one chain are read from the left: a chain inside a chain keeps its brackets.
    parts = [_expr(node.operands[0], level + 1)]
    for operator, operand in zip(node.operators, node.operands[1:], strict=True):
        parts += [operator, _expr(operand, level + 1)]
    return " ".join(parts), level


def _text_test(node: t.TextTest) -> str:
    word = f"not {node.operator}" if node.negated else node.operator
    if node.quantifier:
        pattern = f"{node.quantifier} ({_list(node.patterns)})"
    else:
        pattern = _expr(node.patterns[0], _SUM)
        if node.operator == "contains":
            # Right after this word two names are keywords.
            pattern = _QUANTIFIER.sub(r"`\g<0>`", pattern)
    return f"{_expr(node.operand, _SUM)} {word} {pattern}{_fold(node)}"


def format_reference(name: str) -> str:
    """The name of a segment, a list or a channel as definitions write it: in quotes if need be."""
    return name if format_name(name) == name else format_text(name)


def _membership(node: t.Membership) -> str:
    text = f"{node.event} segment {format_reference(node.name)} "
    if isinstance(node.window, t.Duration):
        return f"{text}for {_expr(node.window, _ATOM)}"
    return text + _window(node.window)


def _fold(node: t.Compare | t.TextTest | t.InList) -> str:
    return " ignoring case" if node.ignoring_case else ""


def _write(node: t.Expr) -> tuple[str, int]:  # noqa: PLR0911, PLR0912 - one case a node
    """The text of a node and how tightly it holds together."""
    match node:
        case t.Literal(value):
            negative = isinstance(value, int | Decimal) and value < 0
            return format_value(value), _UNARY if negative else _ATOM
        case t.Name(parts):
            return _path(parts), _ATOM
        case t.Parameter(name):
            return f":{name}", _ATOM
        case t.Percent():
            return _percent(node), _ATOM
        case t.Ranked():
            return _ranked(node), _TEST
        case t.Length(number, unit):
            plural = "s" if unit == "mile" and number != t.Literal(1, t.NOWHERE) else ""
            return f"{_expr(number, _ATOM)} {unit}{plural}", _ATOM
        case t.Duration(t.Literal(int() as count), unit):
            return _units(count, unit), _ATOM
        case t.Duration(number, unit):
            return f"{_expr(number, _ATOM)} {unit}s", _ATOM
        case t.Moment():
            return _moment(node), _ATOM
        case t.Call():
            return _call(node), _ATOM
        case t.Case():
            return _case(node), _ATOM
        case t.Negative(operand):
            return f"-{_expr(operand, _ATOM)}", _UNARY
        case t.Arithmetic():
            return _arithmetic(node)
        case t.Compare(operator, left, right):
            text = f"{_expr(left, _SUM)} {operator} {_expr(right, _SUM)}"
            return text + _fold(node), _TEST
        case t.TextTest():
            return _text_test(node), _TEST
        case t.InList(operand, options):
            word = "not in" if node.negated else "in"
            listed = f"({_list(options)})" if isinstance(options, tuple) else f":{options.name}"
            return f"{_expr(operand, _SUM)} {word} {listed}{_fold(node)}", _TEST
        case t.InWindow(operand, window):
            word = "not " if node.negated else ""
            return f"{_expr(operand, _SUM)} {word}{_window(window)}", _TEST
        case t.IsMissing(operand):
            word = "present" if node.negated else "missing"
            return f"{_expr(operand, _SUM)} is {word}", _TEST
        case t.IsEmpty(operand):
            return f"{_expr(operand, _SUM)} is {'not ' * node.negated}empty", _TEST
        case t.InSegment(name):
            return f"in segment {format_reference(name)}", _TEST
        case t.Membership():
            return _membership(node), _TEST
        case t.InKeyList(name):
            return f"in list {format_reference(name)}", _TEST
        case t.Listed(operand, name, negated):
            word = "not in list" if negated else "in list"
            return f"{_expr(operand, _SUM)} {word} {format_reference(name)}", _TEST
        case t.Reachable(name):
            return f"reachable by {format_reference(name)}", _TEST
        case t.Counted(quantifier, count, operands):
            conditions = ", ".join(_expr(o, _OR) for o in operands)
            return f"{quantifier} {_count(count)} of ({conditions})", _TEST
        case t.Not(operand):
            return f"not {_expr(operand, _NOT)}", _NOT
        case t.And(operands):
            return " and ".join(_expr(o, _NOT) for o in operands), _AND
        case t.Or(operands):
            return " or ".join(_expr(o, _AND) for o in operands), _OR
        case _:
            assert_never(node)


def _expr(node: t.Expr, at_least: int) -> str:
    text, level = _write(node)
    return text if level >= at_least else f"({text})"
