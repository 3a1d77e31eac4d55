"""Text → syntax tree, by the tables of ``grammar.lark``."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from typing import Any

from attrs import evolve

from segmentkit._calendar import EXACT_UNITS
from segmentkit._diagnostics.diagnostic import Diagnostic, Span, diagnostic
from segmentkit._language import syntax as t
from segmentkit._language.lalr import Unexpected, read
from segmentkit._language.lexer import Token, Unreadable, tokens
from segmentkit._language.syntax_errors import explain
from segmentkit.errors import SegmentSyntaxError
from segmentkit.functions import FORMS, FUNCTIONS

MAX_LENGTH = 100_000
"""Characters in a definition."""

MAX_REMEMBERED = 4_000
"""Characters: what became of longer texts is not kept for the next time."""

MAX_DEPTH = 42
"""How deep a definition may nest: a level counts about as much as it burdens SQLite's parser."""

_ARITHMETIC, _DIVISION, _CALL, _STEP, _LOGIC, _OTHER = 4, 6, 4, 7, 2, 1
_POPULATION = 8
_LEVELS: dict[type[t.Node], int] = {
    t.And: _LOGIC,
    t.Or: _LOGIC,
    t.Not: _LOGIC,
    t.Negative: _ARITHMETIC,
    t.Step: _STEP,
}
_IN_ORDER = {"first": _CALL, "last": _CALL, "median": 2}
"""What is computed of rows in order takes sub-queries of sub-queries, if it asks for rows."""
_BRACKET = 2 * _CALL + _STEP + 2 * _LOGIC + 2 * _OTHER
"""What a bracket adds at most: a call, ``or``, ``and``, a test and a window's two ends."""
_BRACKETS = re.compile("[()]")
_STEPS = re.compile("followed|preceded", re.IGNORECASE)
_OPAQUE = re.compile(r""""(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|`[^`]*+`|#[^\n]*+""")
"""Texts, quoted names and comments: what brackets mean nothing in."""
_LIST = re.compile(r"\bin\s*+\([^()]*+\)", re.IGNORECASE)
"""``in (…)`` with nothing in brackets in it: it is no deeper than a test and a sum."""


def parse(text: str) -> t.Expr:
    """Read a definition.

    Args:
        text: The definition.

    Returns:
        Its syntax tree.

    Raises:
        SegmentSyntaxError: The text is not a definition; carries one diagnostic.
        TypeError: It is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"a definition is a text, not {type(text).__name__}")
    return _remembered(text) if len(text) <= MAX_REMEMBERED else _parsed(text)


@lru_cache(maxsize=512)
def _remembered(text: str) -> t.Expr:
    return _parsed(text)


def _parsed(text: str) -> t.Expr:
    if len(text) > MAX_LENGTH:
        raise _failure(
            text[:80],
            diagnostic("SK006", Span(0, 1), length=f"{len(text):,}", limit=f"{MAX_LENGTH:,}"),
        )
    if surrogate := re.search("[\ud800-\udfff]", text):
        raise _failure(
            text[: surrogate.start()],
            diagnostic("SK001", Span(*surrogate.span()), found="half of a character"),
        )
    try:
        tree: t.Expr = read(tokens(text), _BUILDER)
    except Unreadable as error:
        raise _failure(text, explain(text, error.position, None, frozenset())) from None
    except Unexpected as error:
        token = error.token
        raise _failure(text, explain(text, token.start_pos, token, error.expected)) from None
    except _Refused as error:
        raise _failure(text, error.diagnostic) from None
    if _may_be_deep(text) and (deep := too_deep(tree)):
        raise _failure(text, diagnostic("SK007", deep))
    return tree


def _may_be_deep(text: str) -> bool:
    """Whether it is worth looking: what nests is written with one of these, and counts so much."""
    signs = sum(map(text.count, "+-*/"))
    lower = text.lower()
    nots = lower.count("not")
    others = sum(map(lower.count, ("among", "top", "bottom")))
    steps = len(_STEPS.findall(text))
    bracket = _BRACKET if steps else _BRACKET - _STEP
    room = MAX_DEPTH - bracket - _LOGIC * nots - _DIVISION * signs - bracket * steps
    room -= _POPULATION * others
    return bracket * text.count("(") > room and bracket * _nesting(text) > room


def _nesting(text: str) -> int:
    """How many brackets stand inside each other at most; those of flat lists do not count."""
    brackets = _BRACKETS.findall(_LIST.sub("", _OPAQUE.sub("", text)))
    return max(accumulate(1 if b == "(" else -1 for b in brackets), default=0)


def too_deep(tree: t.Expr) -> Span | None:
    """The place where a tree passes ``MAX_DEPTH``, found without recursion."""
    stack: list[tuple[t.Node, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH:
            return node.span
        deeper = depth + _level(node)
        stack += [(child, deeper) for child in t.children(node)]
    return None


def _level(node: t.Node) -> int:
    if t.is_of_population(node):
        return _POPULATION
    if isinstance(node, t.Arithmetic):
        # A chain is read from the left: its first operand is as deep as the chain is long.
        most = _DIVISION if "/" in node.operators else _ARITHMETIC
        return most + len(node.operands) - 2
    if isinstance(node, t.Call):
        deeper = 0 if node.then is None else _LOGIC
        if node.where is not None and _has_aggregates(node.where):
            deeper += _LOGIC + _IN_ORDER.get(node.name, 0)
        return _CALL + deeper
    return _LEVELS.get(type(node), _OTHER)


def _has_aggregates(tree: t.Expr) -> bool:
    stack: list[t.Node] = [tree]
    while stack:
        node = stack.pop()
        # What a schema adds may be an aggregate too.
        if isinstance(node, t.Call) and node.name not in (*FUNCTIONS, *FORMS):
            return True
        stack += t.children(node)
    return False


def _failure(text: str, found: Diagnostic) -> SegmentSyntaxError:
    return SegmentSyntaxError([found], text)


class _Refused(Exception):
    """A token that is well-formed and still no value, such as 2026-02-30."""

    def __init__(self, found: Diagnostic) -> None:
        self.diagnostic = found


def _refuse(code: str, token: Token, **values: Any) -> _Refused:
    return _Refused(diagnostic(code, token.span, **values))


# -- what became of the tokens ------------------------------------------------------------------

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_BIGGEST = 2**63 - 1
_MOST_DIGITS = 18


def _text(token: Token) -> str:
    """The value of a text in quotes."""
    body = token.value[1:-1]
    if "\\" not in body:
        return body

    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            raise _refuse("SK011", token, text=match[0])
        return _ESCAPES[code]

    value = _ESCAPE.sub(replace, body)
    # Escapes can write an emoji as two halves, as JSON does; halves alone are no text.
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _refuse("SK011", token, text=token.value) from None


def _name(token: Token) -> str:
    if token.type == "QUOTED":
        return token.value[1:-1].replace("``", "`")
    if token.type == "STRING":
        return _text(token)
    return token.value


def _number(token: Token) -> int | Decimal:
    digits = token.value.replace("_", "")
    whole, _, fraction = digits.partition(".")
    if len(whole) > _MOST_DIGITS + 1 or len(fraction) > _MOST_DIGITS or int(whole) > _BIGGEST:
        raise _refuse("SK013", token)
    return Decimal(digits) if fraction else int(whole)


def _negated(value: int | Decimal) -> int | Decimal:
    """Minus a number, exactly: an operator would round to the digits of the thread's context."""
    return value.copy_negate() if isinstance(value, Decimal) else -value


def _count(token: Token, unit: Token | str) -> int:
    count = _number(token)
    if isinstance(count, Decimal):
        raise _refuse("SK014", token, unit=f"{unit if isinstance(unit, str) else _unit(unit)}s")
    return count


def _unit(token: Token) -> str:
    return token.value.lower().removesuffix("s")


def _date(token: Token) -> date:
    try:
        return date.fromisoformat(token.value)
    except ValueError:
        raise _refuse("SK010", token, text=token.value) from None


def _instant(token: Token) -> datetime:
    try:
        value = datetime.fromisoformat(token.value.upper())
        value.utctimetuple()
    except (ValueError, OverflowError):
        raise _refuse("SK010", token, text=token.value) from None
    return value


def _split(items: list[Any], kind: str) -> bool:
    """Take the optional token of a kind out of the children; whether it was there."""
    for i, item in enumerate(items):
        if type(item) is Token and item.type == kind:
            del items[i]
            return True
    return False


def _fold(items: list[Any]) -> Span | None:
    """Take the optional ``ignoring case`` off the end."""
    return items.pop() if type(items[-1]) is Span else None


class _Builder:
    """Called at each reduction, bottom up, by the names in ``grammar.lark``."""

    def condition(self, items: list[Any]) -> t.Expr:
        """A flat chain: ``not`` binds tighter than ``and``, and that tighter than ``or``."""
        if len(items) == 1:
            return items[0]  # type: ignore[no-any-return]
        alternatives: list[list[t.Expr]] = [[]]
        negations: list[Token] = []
        for item in items:
            if type(item) is not Token:
                operand = item
                for word in reversed(negations):
                    operand = t.Not(operand, word.span.to(operand.span))
                alternatives[-1].append(operand)
                negations = []
            elif item.type == "NOT":
                negations.append(item)
            elif item.type == "OR":
                alternatives.append([])
        return _chain([_chain(each, t.And) for each in alternatives], t.Or)

    def compare(self, items: list[Any]) -> t.Expr:
        fold = _fold(items)
        left, operator, right = items
        spelled = _SPELLINGS.get(operator.value, operator.value)
        end = fold or right.span
        return t.Compare(spelled, left, right, fold is not None, left.span.to(end))

    def in_list(self, items: list[Any]) -> t.Expr:
        fold, negated = _fold(items), _split(items, "NOT")
        operand, options, close = items
        span = operand.span.to(fold or close.span)
        return t.InList(operand, options, negated, fold is not None, span)

    def in_window(self, items: list[Any]) -> t.Expr:
        negated = _split(items, "NOT")
        operand, window = items
        return t.InWindow(operand, window, negated, operand.span.to(window.span))

    def between(self, items: list[Any]) -> t.Expr:
        negated = _split(items, "NOT")
        operand, low, _, high = items
        window = t.Range(low, high, low.span.to(high.span))
        return t.InWindow(operand, window, negated, operand.span.to(high.span))

    def is_missing(self, items: list[Any]) -> t.Expr:
        negated = _split(items, "NOT")
        operand, word = items
        return t.IsMissing(operand, negated != (word.type == "PRESENT"), operand.span.to(word.span))

    def text_test(self, items: list[Any]) -> t.Expr:
        fold, negated = _fold(items), _split(items, "NOT")
        operand, word, pattern = items
        span = operand.span.to(fold or pattern.span)
        operator = _TEXT_TESTS[word.type]
        return t.TextTest(operator, operand, None, (pattern,), negated, fold is not None, span)

    def text_tests(self, items: list[Any]) -> t.Expr:
        fold, negated = _fold(items), _split(items, "NOT")
        operand, _, quantifier, patterns, close = items
        span = operand.span.to(fold or close.span)
        how = quantifier.value.lower()
        return t.TextTest("contains", operand, how, patterns, negated, fold is not None, span)

    def reference(self, items: list[Token]) -> t.Expr:
        opening, name = items
        return _REFERENCES[opening.type](_name(name), name.span, opening.span.to(name.span))

    def fold(self, items: list[Token]) -> Span:
        return items[0].span

    def items(self, items: list[t.Expr]) -> tuple[t.Expr, ...]:
        return tuple(items)

    def rolling(self, items: list[Token]) -> t.Window:
        word, count, unit = items
        span = word.span.to(unit.span)
        return t.Rolling(word.value.lower(), _count(count, unit), _unit(unit), span)

    def calendar(self, items: list[Token]) -> t.Window:
        word, unit = items[0], items[-1]
        count = _count(items[1], unit) if len(items) == 3 else None
        return t.Calendar(word.value.lower(), count, _unit(unit), word.span.to(unit.span))

    def period(self, items: list[Token]) -> t.Window:
        token = items[0]
        year, month, day = (*map(int, token.value.split("-")), None, None)[:3]
        try:
            date(year, month or 1, day or 1)  # type: ignore[arg-type]
        except ValueError:
            raise _refuse("SK010", token, text=token.value) from None
        return t.Period(year, month, day, token.span)  # type: ignore[arg-type]

    def arithmetic(self, items: list[Any]) -> t.Expr:
        """A flat chain: ``* /`` bind tighter than ``+ -``."""
        terms: list[t.Expr] = []
        signs: list[str] = []
        factors: list[t.Expr] = [items[0]]
        times: list[str] = []
        for sign, operand in zip(items[1::2], items[2::2], strict=True):
            if sign.type == "SIGN":
                terms.append(_arithmetic(factors, times))
                signs.append(sign.value)
                factors, times = [operand], []
            else:
                factors.append(operand)
                times.append(sign.value)
        return _arithmetic([*terms, _arithmetic(factors, times)], signs)

    def bracketed(self, items: list[Any]) -> t.Expr:
        return items[0]  # type: ignore[no-any-return]

    def signed(self, items: list[Any]) -> t.Expr:
        sign, operand = items
        if sign.value == "+":
            raise _refuse("SK001", sign, found="'+'")
        span = sign.span.to(operand.span)
        if isinstance(operand, t.Literal) and type(operand.value) in (int, Decimal):
            negated = _negated(operand.value)  # type: ignore[arg-type]
            return t.Literal(negated, span)
        return t.Negative(operand, span)

    def number(self, items: list[Token]) -> t.Expr:
        return t.Literal(_number(items[0]), items[0].span)

    def string(self, items: list[Token]) -> t.Expr:
        return t.Literal(_text(items[0]), items[0].span)

    def truth(self, items: list[Token]) -> t.Expr:
        return t.Literal(items[0].type == "TRUE", items[0].span)

    def day(self, items: list[Token]) -> t.Expr:
        return t.Literal(_date(items[0]), items[0].span)

    def instant(self, items: list[Token]) -> t.Expr:
        return t.Literal(_instant(items[0]), items[0].span)

    def moment(self, items: list[Token]) -> t.Expr:
        return t.Moment(items[0].value.lower(), 0, "day", items[0].span)

    def ago(self, items: list[Token]) -> t.Expr:
        count, unit, end = items
        return t.Moment("now", -_count(count, unit), _unit(unit), count.span.to(end.span))

    def from_now(self, items: list[Token]) -> t.Expr:
        count, unit, end = items
        return t.Moment("now", _count(count, unit), _unit(unit), count.span.to(end.span))

    def parameter(self, items: list[Token]) -> t.Expr:
        return t.Parameter(items[0].value[1:], items[0].span)

    def length(self, items: list[Token]) -> t.Expr:
        number, unit = items
        of = self.number([number]) if number.type == "NUMBER" else self.parameter([number])
        return t.Length(of, _unit(unit), number.span.to(unit.span))

    def path(self, items: list[Token]) -> t.Expr:
        if len(items) == 1:
            return t.Name((_name(items[0]),), items[0].span)
        return t.Name(tuple(map(_name, items)), items[0].span.to(items[-1].span))

    def call(self, items: list[Any]) -> t.Expr:
        distinct = _split(items, "DISTINCT")
        name, arguments, *extras, close = items
        window = where = among = then = None
        for extra in reversed(extras):
            if type(extra) is t.Step:
                # Each step speaks of a row that the steps before it have found.
                last = extra if then is None else then
                then = evolve(extra, then=then, span=extra.span.to(last.span))
            elif type(extra) is _Where:
                where = extra.condition
            elif type(extra) is _Among:
                among = extra.condition
            else:
                window = extra
        word = _name(name) if name.type == "QUOTED" else name.value.lower()
        span = name.span.to(close.span)
        return t.Call(word, arguments, distinct, window, where, among, name.span, span, then)

    def step(self, items: list[Any]) -> t.Step:
        opening, relation, *extras = items
        where = within = None
        end = relation.span
        for extra in extras:
            if type(extra) is _Where:
                where = extra.condition
                end = where.span
            else:
                within = extra
                end = within.span
        negated = opening.value[0] in "nN"
        direction = "followed" if opening.value[-8] in "fF" else "preceded"
        span = opening.span.to(end)
        return t.Step(direction, negated, relation, where, within, None, span)

    def within(self, items: list[Token]) -> t.Within:
        word, count, unit = items
        name = _unit(unit)
        if name not in EXACT_UNITS:
            days = {"month": 30, "quarter": 90, "year": 365}[name] * _count(count, unit)
            raise _refuse("SK016", unit, unit=f"{name}s", days=days)
        return t.Within(_count(count, unit), name, word.span.to(unit.span))

    def over(self, items: list[t.Window]) -> t.Window:
        return items[0]

    def over_range(self, items: list[t.Expr]) -> t.Window:
        low, _, high = items
        return t.Range(low, high, low.span.to(high.span))

    def where(self, items: list[t.Expr]) -> _Where:
        return _Where(items[0])

    def among(self, items: list[Any]) -> _Among:
        last = items[-1]
        if last.type == "EVERYONE":
            return _Among(t.Literal(True, last.span), last.span)
        return _Among(items[0], last.span)

    def ranked(self, items: list[Any]) -> t.Expr:
        percent = _split(items, "PERCENT")
        word, number, by, *among = items
        limit = self.percent([number]) if percent else _count(number, "customer")
        everyone = t.Literal(True, t.NOWHERE)
        (where,) = among or (_Among(everyone, by.span),)
        span = word.span.to(where.span)
        return t.Ranked(word.value.lower(), limit, by, where.condition, span)

    def percent(self, items: list[Token]) -> t.Percent:
        number = _number(items[0])
        return t.Percent(number, items[0].span.to(items[-1].span))


class _Where:
    """Tells the condition of an aggregate from its arguments until both meet in ``call``."""

    __slots__ = ("condition",)

    def __init__(self, condition: t.Expr) -> None:
        self.condition = condition


class _Among:
    """Who is looked at together, and where that ends."""

    __slots__ = ("condition", "span")

    def __init__(self, condition: t.Expr, span: Span) -> None:
        self.condition = condition
        self.span = span


_BUILDER = _Builder()
_SPELLINGS = {"==": "=", "<>": "!="}
_REFERENCES: dict[str, type[t.InSegment | t.InKeyList | t.Reachable]] = {
    "IN_SEGMENT": t.InSegment,
    "IN_LIST": t.InKeyList,
    "REACHABLE": t.Reachable,
}
_TEXT_TESTS = {"CONTAINS": "contains", "STARTS": "starts with", "ENDS": "ends with"}


def _chain(items: list[t.Expr], kind: type[t.And | t.Or]) -> t.Expr:
    """``a and (b and c)`` is ``a and b and c``: the tree keeps no brackets that mean nothing."""
    if len(items) == 1:
        return items[0]
    flat: list[t.Expr] = []
    for item in items:
        if isinstance(item, kind):
            flat += item.operands
        else:
            flat.append(item)
    return kind(tuple(flat), items[0].span.to(items[-1].span))


def _arithmetic(operands: list[t.Expr], operators: list[str]) -> t.Expr:
    if not operators:
        return operands[0]
    span = operands[0].span.to(operands[-1].span)
    return t.Arithmetic(tuple(operands), tuple(operators), span)
