"""Syntax tree ⇄ JSON: one table of the nodes, from which reader, writer and JSON Schema are made.

To add a node, add a row to ``EXPRESSION.fill``: its tag, which is a word of the language, its
class, the fields under the tag and the fields beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from attrs import evolve

from segmentkit._calendar import EXACT_UNITS
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_value
from segmentkit._language.json_fields import (
    ALIAS,
    FLAG,
    NAME,
    PARAMETER,
    PATH,
    TARGET,
    TEXT,
    Bare,
    Choice,
    Limited,
    Open,
    Room,
    Several,
    Single,
    Slot,
    Steps,
    Text,
    Wrong,
    each,
    sequence,
    unexpected,
)
from segmentkit._language.json_rows import CONSTANTS, Field, Group, Row, is_writable
from segmentkit._language.keywords import UNITS
from segmentkit._language.periods import period_of

_BIGGEST = 2**63 - 1

# -- the kinds of places --------------------------------------------------------------------------

EXPRESSION = Group("expression", 'an expression, such as {"name": …}', CONSTANTS)
_WINDOW = Group("window", 'a window, such as {"last": 30, "unit": "day"}')
_BRANCH = Group("branch", 'a branch, such as {"when": …, "then": …}')
_STEP = Group("step", 'a step, such as {"followed by": …}')
_WITHIN = Group("within", 'a length of time, such as {"count": 24, "unit": "hour"}')
GROUPS = (EXPRESSION, _WINDOW, _BRANCH, _STEP, _WITHIN)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _BIGGEST


def _is_unsigned(value: object) -> bool:
    return _is_count(value) or (type(value) is Decimal and not value.is_signed())


def _of(is_right: Callable[[object], bool]) -> Callable[[Any], bool]:
    """Whether a node is such a number, or a parameter."""
    return lambda node: (
        isinstance(node, t.Parameter) or (isinstance(node, t.Literal) and is_right(node.value))
    )


_WHOLE = "a whole number from 0"
_OPEN = 'or {"param": …}'
_COUNT = Bare(EXPRESSION, _is_count, f"{_WHOLE}, {_OPEN}", (t.Parameter,))
_NUMBER = Bare(EXPRESSION, _is_unsigned, f"a number from 0, {_OPEN}", (t.Parameter,))
_LIMIT = Bare(
    EXPRESSION, _is_count, f'{_WHOLE}, {{"percent": …}} {_OPEN}', (t.Percent, t.Parameter)
)
_COUNTED = Limited(EXPRESSION, _of(_is_count), f'{_WHOLE}, or {{"param": …}}')
_MEASURED = Limited(EXPRESSION, _of(_is_unsigned), 'a number from 0, or {"param": …}')
_PATTERN = Limited(
    EXPRESSION,
    lambda node: not (isinstance(node, t.Call) and node.name in ("any", "all")),
    "a text: any and all are the tags 'contains any' and 'contains all'",
)
_LASTING = Limited(
    EXPRESSION,
    lambda node: isinstance(node, t.Duration),
    'a length of time, such as {"duration": 30, "unit": "day"}',
)
_SOME = Several(EXPRESSION)
_OPTIONS = Open(EXPRESSION, 0, kind=t.Parameter)
_TWO = Several(EXPRESSION, 2)


class _Chain(Slot):
    """The steps of a sequence: in the tree each has the next one, in JSON they are a list."""

    def read(self, value: Any, room: Room) -> t.Step:
        then: t.Step | None = None
        steps: tuple[t.Step, ...] = Several(_STEP).read(value, room)
        for step in reversed(steps):
            then = evolve(step, then=then)
        assert then is not None
        return then

    def write(self, value: Any, room: Room) -> list[Any]:
        return each(self._steps(value), _STEP.write, room)

    def schema(self) -> dict[str, Any]:
        return Several(_STEP).schema()

    def inside(self, value: Any) -> Iterator[tuple[Steps, Any]]:
        yield from (((n,), step) for n, step in enumerate(self._steps(value)))

    def _steps(self, value: Any) -> Iterator[Any]:
        while value is not None:
            yield value
            value = value.then if type(value) is t.Step else None


class _Chained(Slot):
    """The operands of ``a + b - c`` after the first: ``[{"+": b}, {"-": c}]``."""

    def read(self, value: Any, room: Room) -> Any:
        if type(value) is not dict or len(value) != 1 or next(iter(value)) not in _OPERATORS:
            raise unexpected(value, 'an operator and its operand, such as {"+": …}')
        ((operator, operand),) = value.items()
        try:
            return operator, EXPRESSION.read(operand, room)
        except Wrong as error:
            error.steps.append(operator)
            raise

    def write(self, value: Any, room: Room) -> Any:
        operator, operand = value
        return {operator: EXPRESSION.write(operand, room)}

    def schema(self) -> dict[str, Any]:
        properties = {operator: EXPRESSION.schema() for operator in _OPERATORS}
        return {"type": "object", "properties": properties, "additionalProperties": False} | {
            "minProperties": 1,
            "maxProperties": 1,
        }

    def inside(self, value: Any) -> Iterator[tuple[Steps, Any]]:
        yield (value[0],), value[1]


_OPERATORS = ("+", "-", "*", "/")

# -- what is read from texts ----------------------------------------------------------------------


def _decimal(value: str) -> t.Literal:
    number = Decimal(value)
    if abs(number) > _BIGGEST:
        raise Wrong("SK013")
    return t.Literal(number)


def _integer(value: str) -> t.Literal:
    number = int(value)
    if abs(number) > _BIGGEST:
        raise Wrong("SK013")
    return t.Literal(number)


def _day(value: str) -> t.Literal:
    try:
        return t.Literal(date.fromisoformat(value))
    except ValueError:
        raise Wrong("SK010", text=value) from None


def _instant(value: str) -> t.Literal:
    try:
        found = datetime.fromisoformat(value)
        found.utctimetuple()
    except (ValueError, OverflowError):
        raise Wrong("SK010", text=value) from None
    return t.Literal(found)


def _written(kind: type) -> Callable[[t.Literal], Mapping[str, Any] | None]:
    """A constant of a kind as the text that definitions have."""
    return lambda node: {"value": _text(node.value)} if type(node.value) is kind else None


def _text(value: Any) -> str:
    if type(value) is datetime:
        # Definitions write offsets in whole minutes, and JSON does as they do.
        return format_value(value)
    if type(value) is int and not -_BIGGEST <= value <= _BIGGEST:
        raise Wrong("SK013")
    if type(value) is Decimal and not is_writable(value):
        raise Wrong("SK013")
    return format_value(value)


_DIGITS = "the digits of a number, such as"
_INTEGER = r"-?(?:0|[1-9][0-9]{0,18})"
_DECIMAL = rf"{_INTEGER}\.[0-9]{{1,18}}"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIMESTAMP = (
    _DATE + r"T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)


def _like(expected: str, pattern: str) -> Field:
    found = Text(expected, re.compile(pattern).fullmatch, f"^(?:{pattern})$")
    return Field("value", found)


def _period(period: str) -> t.Period:
    try:
        return period_of(period)
    except ValueError:
        raise Wrong("SK010", text=period) from None


def _of_period(node: t.Period) -> Mapping[str, Any]:
    parts = [node.year, node.month, node.day]
    if type(node.year) is not int or not 1 <= node.year <= 9999:
        raise unexpected(node.year, "a year from 1 to 9999")
    for part in parts[1:]:
        if part is not None and (type(part) is not int or not 0 < part < 100):
            raise unexpected(part, "a number of the calendar")
    digits = [f"{node.year:04}", *(f"{part:02}" for part in parts[1:] if part is not None)]
    return {"period": "-".join(digits)}


# -- what several fields make ---------------------------------------------------------------------


def _moment(way: int) -> Callable[..., t.Moment]:
    def make(count: t.Count, unit: str) -> t.Moment:
        if isinstance(count, t.Parameter):
            return t.Moment("now", count, unit, ago=way < 0)
        return t.Moment("now", way * count, unit)

    return make


def _of_moment(way: int) -> Callable[[t.Moment], Mapping[str, Any] | None]:
    """The count of a moment, if it is on this side of now; none is told as before."""

    def split(node: t.Moment) -> Mapping[str, Any] | None:
        count, ago = node.count, node.ago
        if type(count) is int:
            if ago is not False:
                raise unexpected(ago, "a count below 0, not 'ago', which is for parameters")
            count, ago = way * count, count <= 0
        elif not isinstance(count, t.Parameter):
            raise unexpected(count, "a whole number or a parameter")
        if _is_named(node) or ago is not (way < 0):
            return None
        return {"count": count, "unit": node.unit}

    return split


def _is_named(node: t.Moment) -> bool:
    return type(node.count) is int and node.count == 0 and node.unit == "day"


def _of_named(node: t.Moment) -> Mapping[str, Any] | None:
    return {"base": node.base} if _is_named(node) else None


def _between(tag: str, negated: bool) -> Row:
    def make(operand: t.Expr, low: t.Expr, high: t.Expr) -> t.InWindow:
        return t.InWindow(operand, t.Range(low, high), negated)

    def split(node: t.InWindow) -> Mapping[str, Any] | None:
        window = node.window
        if node.negated is not negated or type(window) is not t.Range:
            return None
        return {"operand": node.operand, "low": window.low, "high": window.high}

    main = _expressions("operand", "low", "high")
    own = ("operand", "window", "negated")
    return Row(tag, t.InWindow, main, make=make, split=split, fields=own)


def _repeated(operator: str) -> Row:
    def make(operands: tuple[t.Expr, ...]) -> t.Arithmetic:
        return t.Arithmetic(operands, (operator,) * (len(operands) - 1))

    def split(node: t.Arithmetic) -> Mapping[str, Any] | None:
        alike = sequence(node.operators) == (operator,) * (len(sequence(node.operands)) - 1)
        return {"operands": node.operands} if alike else None

    own = ("operands", "operators")
    return Row(operator, t.Arithmetic, Field("operands", _TWO), make=make, split=split, fields=own)


def _mixed(first: t.Expr, rest: tuple[tuple[str, t.Expr], ...]) -> t.Arithmetic:
    operators = tuple(operator for operator, _ in rest)
    if len({operator in "+-" for operator in operators}) > 1:
        raise Wrong(
            "SK021",
            found=term("* or / beside + or -"),
            expected=term("the inner ones as an operand"),
        )
    return t.Arithmetic((first, *(operand for _, operand in rest)), operators)


def _of_mixed(node: t.Arithmetic) -> Mapping[str, Any]:
    operands, operators = sequence(node.operands), sequence(node.operators)
    if len(operands) != len(operators) + 1:
        found = term("{count} operators", count=len(operators))
        raise Wrong("SK021", found=found, expected=term("one less than operands"))
    return {"first": operands[0], "rest": tuple(zip(operators, operands[1:], strict=True))}


def _call(**fields: Any) -> t.Call:
    beside = {"alias": "as", "window": "window", "where": "where", "then": "steps"}
    for name, key in beside.items() if fields["among"] is not None else ():
        if fields[name] is not None:
            found = term("'{key}' beside 'among'", key=key)
            raise Wrong("SK021", found=found, expected=term("one of them"))
    return t.Call(**fields)


def _expressions(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, EXPRESSION) for name in names)


def _joined(kind: type[t.And | t.Or]) -> Callable[..., t.Expr]:
    return lambda operands: t.joined(kind, operands)


# -- the table ------------------------------------------------------------------------------------

_UNIT = Field("unit", Choice(UNITS))
_FOLD = Field("ignoring_case", FLAG, default=False)
_OPERAND = Field("operand", EXPRESSION)
_BOTH = _expressions("left", "right")
_ALIAS = Field("alias", ALIAS, "as", default=None)
_MOMENT = ("base", "count", "unit", "ago")
_NEGATED = (("", False), ("not ", True))

EXPRESSION.fill(
    Row("integer", t.Literal, _like(f'{_DIGITS} "9007199254740993"', _INTEGER), make=_integer,
        split=_written(int), fields=("value",)),
    Row("decimal", t.Literal, _like(f'{_DIGITS} "99.90"', _DECIMAL), make=_decimal,
        split=_written(Decimal), fields=("value",)),
    Row("date", t.Literal, _like('a date such as "2026-05-09"', _DATE), make=_day,
        split=_written(date), fields=("value",)),
    Row("timestamp", t.Literal, _like('a time such as "2026-05-09T12:00Z"', _TIMESTAMP),
        make=_instant, split=_written(datetime), fields=("value",)),
    Row("name", t.Name, Field("parts", PATH)),
    Row("param", t.Parameter, Field("name", PARAMETER)),
    Row("percent", t.Percent, Field("number", _NUMBER)),
    Row("length", t.Length, Field("number", _MEASURED), Field("unit", Choice(("m", "km", "mile")))),
    Row("duration", t.Duration, Field("number", _COUNTED), _UNIT),
    Row("moment", t.Moment, Field("base", Choice(("now", "today"))),
        make=lambda base: t.Moment(base, 0, "day"), split=_of_named, fields=_MOMENT),
    Row("ago", t.Moment, Field("count", _COUNT), _UNIT, make=_moment(-1), split=_of_moment(-1),
        fields=_MOMENT),
    Row("from now", t.Moment, Field("count", _COUNT), _UNIT, make=_moment(1), split=_of_moment(1),
        fields=_MOMENT),
    Row("negative", t.Negative, _OPERAND, make=t.negative),
    *map(_repeated, _OPERATORS),
    Row("arithmetic", t.Arithmetic,
        (Field("first", EXPRESSION), Field("rest", Several(_Chained()))),
        make=_mixed, split=_of_mixed, fields=("operands", "operators")),
    Row("call", t.Call, Field("name", NAME), (
        Field("arguments", _SOME, "of"),
        _ALIAS,
        Field("distinct", FLAG, default=False),
        Field("window", _WINDOW, default=None),
        Field("where", EXPRESSION, default=None),
        Field("among", EXPRESSION, default=None),
        Field("then", _Chain(), "steps", default=None),
    ), make=_call),
    Row("case", t.Case, Field("branches", Several(_BRANCH)),
        Field("otherwise", EXPRESSION, "else", default=None)),
    *(Row(o, t.Compare, _BOTH, _FOLD, {"operator": o}) for o in ("=", "!=", "<", "<=", ">", ">=")),
    *(
        Row(word + operator, t.TextTest, (_OPERAND, Field("patterns", Single(_PATTERN))), _FOLD,
            {"operator": operator, "quantifier": None, "negated": negated})
        for word, negated in _NEGATED
        for operator in ("contains", "starts with", "ends with", "matches")
    ),
    *(
        Row(f"{word}contains {quantifier}", t.TextTest, (_OPERAND, Field("patterns", _SOME)), _FOLD,
            {"operator": "contains", "quantifier": quantifier, "negated": negated})
        for word, negated in _NEGATED
        for quantifier in ("any", "all")
    ),
    *(
        row
        for word, negated in _NEGATED
        for row in (
            Row(f"{word}in", t.InList, (_OPERAND, Field("options", _OPTIONS)), _FOLD,
                {"negated": negated}),
            _between(f"{word}between", negated),
            Row(f"{word}in window", t.InWindow, (_OPERAND, Field("window", _WINDOW)), (),
                {"negated": negated}),
            Row(f"{word}listed in", t.Listed, (_OPERAND, Field("name", TEXT)), (),
                {"negated": negated}),
        )
    ),
    Row("is missing", t.IsMissing, _OPERAND, (), {"negated": False}),
    Row("is present", t.IsMissing, _OPERAND, (), {"negated": True}),
    Row("is empty", t.IsEmpty, _OPERAND, (), {"negated": False}),
    Row("is not empty", t.IsEmpty, _OPERAND, (), {"negated": True}),
    Row("in segment", t.InSegment, Field("name", TEXT)),
    Row("in segment for", t.Membership, Field("name", TEXT), Field("window", _LASTING, "for"),
        {"event": "in"}),
    *(
        Row(f"{event} segment", t.Membership, Field("name", TEXT), Field("window", _WINDOW),
            {"event": event})
        for event in ("entered", "left")
    ),
    Row("in list", t.InKeyList, Field("name", TEXT)),
    Row("reachable by", t.Reachable, Field("name", TEXT)),
    *(
        Row(direction, t.Ranked, Field("limit", _LIMIT), (
            Field("by", EXPRESSION),
            Field("among", EXPRESSION, default=t.Literal(True)),
        ), {"direction": direction})
        for direction in ("top", "bottom")
    ),
    *(
        Row(quantifier, t.Counted, Field("count", _COUNT), Field("operands", _SOME, "of"),
            {"quantifier": quantifier})
        for quantifier in ("at least", "at most", "exactly")
    ),
    Row("not", t.Not, _OPERAND),
    Row("and", t.And, Field("operands", _TWO), make=_joined(t.And)),
    Row("or", t.Or, Field("operands", _TWO), make=_joined(t.Or)),
)  # fmt: skip
_WINDOW.fill(
    *(
        Row(direction, t.Rolling, Field("count", _COUNT), _UNIT, {"direction": direction})
        for direction in ("last", "next")
    ),
    Row("this", t.Calendar, Field("unit", Choice(UNITS)), (), {"which": "this", "count": None}),
    Row("previous", t.Calendar, Field("unit", Choice(UNITS)),
        Field("count", _COUNT, default=None), {"which": "previous"}),
    Row("period", t.Period, Field("period", Text(
        'a year, month or day, such as "2026-05"',
        re.compile("[0-9]{4}(?:-[0-9]{2}){0,2}").fullmatch, "^[0-9]{4}(?:-[0-9]{2}){0,2}$",
    )), make=_period, split=_of_period, fields=("year", "month", "day")),
    Row("between", t.Range, _expressions("low", "high")),
)  # fmt: skip
_BRANCH.fill(
    Row("when", t.When, Field("condition", EXPRESSION), Field("value", EXPRESSION, "then")),
)
_STEP.fill(
    *(
        Row(f"{word}{direction} by", t.Step, Field("relation", TARGET), (
            _ALIAS,
            Field("where", EXPRESSION, default=None),
            Field("within", _WITHIN, default=None),
        ), {"direction": direction, "negated": negated},
            make=lambda **fields: t.Step(**fields, then=None),
            fields=("relation", "alias", "where", "within", "then"))
        for word, negated in _NEGATED
        for direction in ("followed", "preceded")
    )
)  # fmt: skip
_WITHIN.fill(
    Row("count", t.Within, Field("count", _COUNT), Field("unit", Choice(tuple(EXACT_UNITS)))),
)
