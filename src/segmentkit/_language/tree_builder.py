"""What Lark reads → syntax tree, bottom up: each reduction calls the method of its name."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from attrs import evolve
from lark import Token

from segmentkit._calendar import EXACT_UNITS
from segmentkit._diagnostics.diagnostic import Diagnostic, Span, advice, diagnostic
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._language.grammar import place
from segmentkit._language.periods import period_of


class Refused(Exception):
    """A token that is well-formed and still no value, such as 2026-02-30."""

    def __init__(self, found: Diagnostic) -> None:
        self.diagnostic = found


def _refuse(code: str, token: Token, **values: Any) -> Refused:
    return Refused(diagnostic(code, place(token), **values))


# -- what became of the tokens ------------------------------------------------------------------

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_NO_ESCAPE = re.compile(r"\\(?![\"'\\nrt]|u[0-9a-fA-F]{4})(?<!\\\\)")
_BIGGEST = 2**63 - 1
_MOST_DIGITS = 18


def _text(token: Token) -> str:
    """The value of a text in quotes."""
    body = token[1:-1]
    if "\\" not in body:
        return body

    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            doubled = _NO_ESCAPE.sub(r"\\\\", token)
            hint = advice("SK011", doubled)
            raise _refuse("SK011", token, text=match[0], hint=hint)
        return _ESCAPES[code]

    value = _ESCAPE.sub(replace, body)
    # Escapes can write an emoji as two halves, as JSON does; halves alone are no text.
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _refuse("SK011", token, text=str(token)) from None


def name_of(token: Token) -> str:
    """What a name says, in backquotes or not."""
    if token.type == "STRING":
        return _text(token)
    return token[1:-1].replace("``", "`") if token[0] == "`" else str(token)


def _number(token: Token) -> int | Decimal:
    digits = token.replace("_", "")
    whole, _, fraction = digits.partition(".")
    if len(whole) > _MOST_DIGITS + 1 or len(fraction) > _MOST_DIGITS or int(whole) > _BIGGEST:
        raise _refuse("SK013", token)
    return Decimal(digits) if fraction else int(whole)


def _count(token: Token, of: str) -> t.Count:
    if token.type == "PARAMETER":
        return _parameter(token)
    count = _number(token)
    if isinstance(count, Decimal):
        raise _refuse("SK014", token, unit=term(f"{of}s"))
    return count


def _parameter(token: Token) -> t.Parameter:
    return t.Parameter(token[1:], place(token))


def _unit(token: Token) -> str:
    return token.lower().removesuffix("s")


def _date(token: Token) -> date:
    try:
        return date.fromisoformat(token)
    except ValueError:
        raise _refuse("SK010", token, text=str(token)) from None


def _instant(token: Token) -> datetime:
    try:
        value = datetime.fromisoformat(token.upper())
        value.utctimetuple()
    except (ValueError, OverflowError):
        raise _refuse("SK010", token, text=str(token)) from None
    return value


class TreeBuilder:
    """The methods are named as in ``grammar.lark``, and take the parts of a rule in its order.

    A part that was left out is None, and tokens that begin with an underscore are not there.
    """

    def condition(self, operands: list[t.Expr]) -> t.Expr:
        return t.joined(t.Or, operands, operands[0].span.to(operands[-1].span))

    def conjunction(self, operands: list[t.Expr]) -> t.Expr:
        return t.joined(t.And, operands, operands[0].span.to(operands[-1].span))

    def negated(self, parts: list[Any]) -> t.Expr:
        word, operand = parts
        return t.Not(operand, place(word).to(operand.span))

    def compare(self, parts: list[Any]) -> t.Expr:
        left, operator, right, fold = parts
        spelled = _SPELLINGS.get(operator, str(operator))
        return t.Compare(spelled, left, right, fold is not None, left.span.to(fold or right.span))

    def in_list(self, parts: list[Any]) -> t.Expr:
        operand, negated, options, close, fold = parts
        span = operand.span.to(fold or place(close))
        return t.InList(operand, options or (), negated is not None, fold is not None, span)

    def in_parameter(self, parts: list[Any]) -> t.Expr:
        operand, negated, token, fold = parts
        span = operand.span.to(fold or place(token))
        options = _parameter(token)
        return t.InList(operand, options, negated is not None, fold is not None, span)

    def in_window(self, parts: list[Any]) -> t.Expr:
        operand, negated, window = parts
        return t.InWindow(operand, window, negated is not None, operand.span.to(window.span))

    def is_missing(self, parts: list[Any]) -> t.Expr:
        operand, negated, word = parts
        if word.type == "EMPTY":
            return t.IsEmpty(operand, negated is not None, operand.span.to(place(word)))
        is_present = (negated is not None) != (word.type == "PRESENT")
        return t.IsMissing(operand, is_present, operand.span.to(place(word)))

    def text_test(self, parts: list[Any]) -> t.Expr:
        operand, negated, word, pattern, fold = parts
        span = operand.span.to(fold or pattern.span)
        operator, tests = _TEXT_TESTS[word.type], (pattern,)
        if isinstance(pattern, t.Call) and pattern.name in ("any", "all"):
            raise _of_several(operator, operand, pattern, negated)
        return t.TextTest(
            operator, operand, None, tests, negated is not None, fold is not None, span
        )

    def text_tests(self, parts: list[Any]) -> t.Expr:
        operand, negated, _, quantifier, patterns, close, fold = parts
        span = operand.span.to(fold or place(close))
        how = quantifier.lower()
        return t.TextTest(
            "contains", operand, how, patterns, negated is not None, fold is not None, span
        )

    def reference(self, parts: list[Token]) -> t.Expr:
        opening, name = parts
        span = place(name)
        return _REFERENCES[opening.type](name_of(name), span, place(opening).to(span))

    def stayed(self, parts: list[Token]) -> t.Expr:
        opening, name, number, unit = parts
        length = self.duration([number, unit])
        span = place(opening).to(place(unit))
        return t.Membership("in", name_of(name), length, place(name), span)

    def moved(self, parts: list[Any]) -> t.Expr:
        opening, name, window = parts
        event = "entered" if opening[0] in "eE" else "left"
        span = place(opening).to(window.span)
        return t.Membership(event, name_of(name), window, place(name), span)

    def listed(self, parts: list[Any]) -> t.Expr:
        operand, negated, _, name = parts
        span = operand.span.to(place(name))
        return t.Listed(operand, name_of(name), negated is not None, place(name), span)

    def ranked(self, parts: list[Any]) -> t.Expr:
        word, number, percent, by, among = parts
        limit = self.percent([number, percent]) if percent else _count(number, "customer")
        where, end = among or (t.Literal(True, t.NOWHERE), by.span)
        return t.Ranked(word.lower(), limit, by, where, place(word).to(end))

    def counted(self, parts: list[Any]) -> t.Expr:
        words, number, *operands, close = parts
        quantifier = " ".join(words.lower().split())
        count = _count(number, "condition")
        return t.Counted(quantifier, count, tuple(operands), place(words).to(place(close)))

    def fold(self, parts: list[Token]) -> Span:
        return place(parts[0])

    def items(self, items: list[t.Expr]) -> tuple[t.Expr, ...]:
        return tuple(items)

    # -- windows of time

    def rolling(self, parts: list[Token]) -> t.Window:
        word, count, unit = parts
        span = place(word).to(place(unit))
        return t.Rolling(word.lower(), _count(count, _unit(unit)), _unit(unit), span)

    def calendar(self, parts: list[Token]) -> t.Window:
        word, unit = parts
        return t.Calendar(word.lower(), None, _unit(unit), place(word).to(place(unit)))

    def previous(self, parts: list[Any]) -> t.Window:
        word, number, unit = parts
        count = None if number is None else _count(number, _unit(unit))
        return t.Calendar(word.lower(), count, _unit(unit), place(word).to(place(unit)))

    def period(self, parts: list[Token]) -> t.Window:
        (token,) = parts
        try:
            return period_of(token, place(token))
        except ValueError:
            raise _refuse("SK010", token, text=str(token)) from None

    def range(self, ends: list[t.Expr]) -> t.Window:
        low, high = ends
        return t.Range(low, high, low.span.to(high.span))

    # -- values

    def sum(self, parts: list[Any]) -> t.Expr:
        return _arithmetic(parts)

    def product(self, parts: list[Any]) -> t.Expr:
        return _arithmetic(parts)

    def bracketed(self, parts: list[Any]) -> t.Expr:
        return parts[0]  # type: ignore[no-any-return]

    def signed(self, parts: list[Any]) -> t.Expr:
        sign, operand = parts
        if sign == "+":
            raise _refuse("SK001", sign, found="'+'", hint=advice("no_plus"))
        return t.negative(operand, place(sign).to(operand.span))

    def number(self, parts: list[Token]) -> t.Expr:
        return t.Literal(_number(parts[0]), place(parts[0]))

    def string(self, parts: list[Token]) -> t.Expr:
        return t.Literal(_text(parts[0]), place(parts[0]))

    def truth(self, parts: list[Token]) -> t.Expr:
        return t.Literal(parts[0].type == "TRUE", place(parts[0]))

    def day(self, parts: list[Token]) -> t.Expr:
        return t.Literal(_date(parts[0]), place(parts[0]))

    def instant(self, parts: list[Token]) -> t.Expr:
        return t.Literal(_instant(parts[0]), place(parts[0]))

    def moment(self, parts: list[Token]) -> t.Expr:
        return t.Moment(parts[0].lower(), 0, "day", place(parts[0]))

    def ago(self, parts: list[Token]) -> t.Expr:
        number, word, end = parts
        unit, span = _unit(word), place(number).to(place(end))
        count = _count(number, unit)
        if isinstance(count, t.Parameter):
            return t.Moment("now", count, unit, span, ago=True)
        return t.Moment("now", -count, unit, span)

    def from_now(self, parts: list[Token]) -> t.Moment:
        count, word, end = parts
        unit = _unit(word)
        return t.Moment("now", _count(count, unit), unit, place(count).to(place(end)))

    def percent(self, parts: list[Token]) -> t.Percent:
        number, sign = parts
        share = _parameter(number) if number.type == "PARAMETER" else _number(number)
        return t.Percent(share, place(number).to(place(sign)))

    def parameter(self, parts: list[Token]) -> t.Expr:
        return _parameter(parts[0])

    def length(self, parts: list[Token]) -> t.Expr:
        number, unit = parts
        of = self.number([number]) if number.type == "NUMBER" else _parameter(number)
        return t.Length(of, _unit(unit), place(number).to(place(unit)))

    def duration(self, parts: list[Token]) -> t.Duration:
        number, word = parts
        unit, span = _unit(word), place(number).to(place(word))
        count = _count(number, unit)
        of = count if isinstance(count, t.Parameter) else t.Literal(count, place(number))
        return t.Duration(of, unit, span)

    def case(self, parts: list[Any]) -> t.Expr:
        *whens, otherwise, end = parts
        starts, conditions, values = whens[::3], whens[1::3], whens[2::3]
        branches = tuple(
            t.When(condition, value, place(start).to(value.span))
            for start, condition, value in zip(starts, conditions, values, strict=True)
        )
        return t.Case(branches, otherwise, branches[0].span.to(place(end)))

    def path(self, names: list[Token]) -> t.Expr:
        return t.Name(tuple(map(name_of, names)), place(names[0]).to(place(names[-1])))

    def call(self, parts: list[Any]) -> t.Call:
        name, distinct, arguments, alias, window, where, *steps, close = parts
        then = None
        for step in reversed(steps):
            # Each step speaks of a row that the steps before it have found.
            last = step if then is None else then
            then = evolve(step, then=then, span=step.span.to(last.span))
        word = name_of(name) if name[0] == "`" else name.lower()
        spans = place(name), place(name).to(place(close))
        if word == "cast" and alias is not None:
            raise _of_cast(arguments, alias, spans[1])
        return t.Call(
            word, arguments, distinct is not None, window, where, None, *spans, then, alias
        )

    def call_among(self, parts: list[Any]) -> t.Expr:
        *call, (among, _), close = parts
        return evolve(self.call([*call, None, None, None, close]), among=among)

    # -- in the brackets of an aggregate

    def step(self, parts: list[Any]) -> t.Step:
        opening, relation, alias, where, within = parts
        end = within or where or alias or relation
        direction = "followed" if opening[-8] in "fF" else "preceded"
        span = place(opening).to(end.span)
        negated = opening[0] in "nN"
        return t.Step(direction, negated, relation, where, within, None, span, alias)

    def row_name(self, parts: list[Token]) -> t.Name:
        return t.Name((name_of(parts[0]),), place(parts[0]))

    def within(self, parts: list[Token]) -> t.Within:
        word, count, unit = parts
        name = _unit(unit)
        number = _count(count, name)
        if name not in EXACT_UNITS:
            each = {"month": 30, "quarter": 90, "year": 365}[name]
            days = count if isinstance(number, t.Parameter) else each * number
            raise _refuse("SK016", unit, unit=term(f"{name}s"), days=days)
        return t.Within(number, name, place(word).to(place(unit)))

    def among(self, parts: list[Any]) -> tuple[t.Expr, Span]:
        """Who is looked at together, and where that ends."""
        end = place(parts[-1])
        return (t.Literal(True, end) if len(parts) == 1 else parts[0]), end


def _of_several(operator: str, operand: t.Expr, given: t.Call, negated: Token | None) -> Refused:
    """``name starts with any ("x", "y")``: beginnings and ends are tested one by one."""
    tests = [f"{format_tree(operand)} {operator} {format_tree(each)}" for each in given.arguments]
    said = f"({f' {_SEVERAL[given.name]} '.join(tests)})"
    span = operand.span.to(given.span)
    meant = f"{'not ' if negated else ''}{said}"
    hint = advice("write_quoted", meant, text=meant)
    return Refused(diagnostic("SK001", span, found=f"'{operator} {given.name}'", hint=hint))


def _of_cast(arguments: tuple[t.Expr, ...], to: t.Name, span: Span) -> Refused:
    """``cast(seen as date)``: values have their types, and an instant has its day."""
    text = ", ".join(map(format_tree, arguments))
    meant = f"day({text})" if to.parts[0].lower() == "date" else text
    hint = advice("write_quoted", meant, text=meant)
    return Refused(diagnostic("SK001", span, found="'cast'", hint=hint))


_SEVERAL = {"any": "or", "all": "and"}
_SPELLINGS = {"==": "=", "<>": "!="}
_REFERENCES: dict[str, type[t.InSegment | t.InKeyList | t.Reachable]] = {
    "IN_SEGMENT": t.InSegment,
    "IN_LIST": t.InKeyList,
    "REACHABLE": t.Reachable,
}
_TEXT_TESTS = {
    "CONTAINS": "contains",
    "STARTS": "starts with",
    "ENDS": "ends with",
    "MATCHES": "matches",
}


def _arithmetic(parts: list[Any]) -> t.Expr:
    operands, operators = tuple(parts[::2]), tuple(map(str, parts[1::2]))
    return t.Arithmetic(operands, operators, operands[0].span.to(operands[-1].span))
