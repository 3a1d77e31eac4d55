"""Rules of react-querybuilder whose field is known: what each operator says of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import frozen

from segmentkit._diagnostics.diagnostic import advice, did_you_mean
from segmentkit._language import syntax as t
from segmentkit.dtypes import TEXT, TEXTS, TIMESTAMP
from segmentkit.interchange._logic import any_of, negation
from segmentkit.interchange._reader import Reader
from segmentkit.interchange._values import (
    Field,
    field_of,
    first_instant,
    literal,
    parameter,
    shown,
)

_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_TEXT_TESTS = {
    "contains": ("contains", False),
    "beginswith": ("starts with", False),
    "endswith": ("ends with", False),
    "doesnotcontain": ("contains", True),
    "doesnotbeginwith": ("starts with", True),
    "doesnotendwith": ("ends with", True),
}
_IGNORING_CASE = "ignoringcase"
_EQUALITIES = {"equals": "=", "doesnotequal": "!="}
_OPERATORS = (
    *_COMPARISONS,
    *("contains", "beginsWith", "endsWith", "doesNotContain", "doesNotBeginWith"),
    *("doesNotEndWith", "null", "notNull", "in", "notIn", "between", "notBetween"),
)


class Tests:
    """The rules of one query, each of which tests a field of one entity.

    Attributes:
        reader: The conversion.
        entity: What fields are of.
        negative: Whether a rule stands under an odd number of nots.
        both: Whether it stands under an xor, where it is asked with a not and without.
        dropped: How many rules were left out as the other tool leaves them out.
    """

    def __init__(self, reader: Reader, *, ignoring_case: bool) -> None:
        self.reader = reader
        self.ignoring_case = ignoring_case
        self.entity = reader.schema.entity
        self.fields: dict[tuple[str, str], Field] = {}
        # Under an odd number of nots, and under an xor, which is under both.
        self.negative = self.both = False
        self.may_be_missing = False
        self.dropped = 0
        """How many rules were left out because the other tool does."""

    def field(self, name: str, at: str) -> Field:
        known = self.fields.get((self.entity.name, name))
        if known is None:
            known = field_of(self.reader, self.entity, name, f"{at}/field")
            if not _PLAIN.fullmatch(name) or name.lower() in _RESERVED:
                told = f"databases refuse '{name}' without quotes"
                self.reader.differs("names", at, told)
            self.fields[self.entity.name, name] = known
        return known

    def test(self, found: Field, operator: str, value: Any, source: str, at: str) -> t.Expr | None:
        """What an operator says of a field."""
        word = operator.lower()
        folded = word.endswith(_IGNORING_CASE)
        if folded:
            word = word.removesuffix(_IGNORING_CASE)
            word = _EQUALITIES.get(word, word)
        name = t.Name(found.parts, self.reader.span(at))
        asked = _Asked(found, name, word, value, source, at, folded)
        if word in ("null", "notnull"):
            return t.IsMissing(name, word == "notnull", name.span)
        read = _READ.get(word)
        if read is None or (folded and word not in _FOLDED):
            told = f"{shown(operator)} is not an operator of react-querybuilder"
            raise self.reader.wrong(f"{at}/operator", told, did_you_mean(operator, _OPERATORS))
        self.may_be_missing = found.nullable
        test = read(self, asked)
        customers = self.entity is self.reader.schema.entity
        if self.may_be_missing and customers and (self.both or asked.negated != self.negative):
            told = f"SQL leaves out whose '{'.'.join(found.parts)}' is missing; here they are in"
            self.reader.differs("missing", at, told)
        return test

    def _compare(self, asked: _Asked) -> t.Expr:
        right = self._operand(asked, asked.value, f"{asked.at}/value")
        if asked.word not in ("<", ">="):
            self._note_days(asked, right)
        return t.Compare(asked.word, asked.name, right, asked.folded, asked.name.span)

    def _text_test(self, asked: _Asked) -> t.Expr:
        reader, at = self.reader, f"{asked.at}/value"
        operator, negated = _TEXT_TESTS[asked.word]
        if asked.source == "field":
            hint = advice("text_itself")
            raise reader.unsayable(at, "a test of one text by another field", hint)
        value = asked.value
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if value.bit_length() <= _BITS else value
        pattern = (
            parameter(reader, value, at)
            if asked.source == "parameter"
            else literal(reader, value, TEXT, at)
        )
        folded = asked.folded or self.ignoring_case
        if asked.found.dtype == TEXTS or asked.found.dtype is None:
            told = "SQL looks for the text in the list as it is stored"
            reader.differs("whole-item", asked.at, told)
        elif not folded:
            told = "LIKE ignores the case of letters on some databases"
            folded = reader.differs("case", asked.at, told)
        if isinstance(pattern, t.Literal) and any(sign in str(pattern.value) for sign in "%_"):
            told = "in SQL, % and _ in the value stand for any letters"
            reader.differs("wildcard", asked.at, told)
        return t.TextTest(operator, asked.name, None, (pattern,), negated, folded, asked.name.span)

    def _in(self, asked: _Asked) -> t.Expr | None:
        reader, at = self.reader, f"{asked.at}/value"
        values = self._list(asked.value, at, empty=False)
        if not values:
            self.may_be_missing = False
            told = "SQL leaves the rule out"
            if reader.differs("empty-list", asked.at, told):
                self.dropped += 1
                return None
            return t.Literal(asked.negated, asked.name.span)
        options = [self._operand(asked, each, f"{at}/{i}") for i, each in enumerate(values)]
        self._note_days(asked, *options)
        if asked.source == "field":
            equal = [t.Compare("=", asked.name, each, False, asked.name.span) for each in options]
            found = any_of(equal)
            return negation(found) if asked.negated else found
        return t.InList(asked.name, tuple(options), asked.negated, asked.folded, asked.name.span)

    def _between(self, asked: _Asked) -> t.Expr:
        reader, at = self.reader, f"{asked.at}/value"
        values = self._list(asked.value, at, empty=True)
        if len(values) != 2:
            told = f"a range has two ends, and this has {len(values)}"
            raise reader.wrong(at, told, advice("both_ends"))
        ends = [self._operand(asked, each, f"{at}/{i}") for i, each in enumerate(values)]
        dtype = asked.found.dtype or TEXT
        self._note_days(asked, ends[1])
        # A day as the end of a range would be the whole day, and in SQL it is its first instant.
        low, high = map(first_instant, ends) if dtype == TIMESTAMP else ends
        if dtype.is_number and _falls(low, high):
            told = "SQL swaps the ends of the range"
            if reader.differs("swapped-range", asked.at, told):
                low, high = high, low
        span = asked.name.span
        return t.InWindow(asked.name, t.Range(low, high, span), asked.negated, span)

    def _note_days(self, asked: _Asked, *values: t.Expr) -> None:
        days = (isinstance(v, t.Literal) and not isinstance(v.value, datetime) for v in values)
        if asked.found.dtype == TIMESTAMP and any(days):
            told = "some databases compare the day and the instant as texts"
            self.reader.differs("first-instant", asked.at, told)

    # -- values

    def _operand(self, asked: _Asked, value: Any, at: str) -> t.Expr:
        if asked.source == "parameter":
            return parameter(self.reader, value, at)
        if asked.source == "field":
            if not isinstance(value, str):
                told = f"the name of a field is a text, and not {shown(value)}"
                raise self.reader.wrong(at, told)
            other = self.field(value.strip(), at)
            self.may_be_missing = self.may_be_missing or other.nullable
            return t.Name(other.parts, self.reader.span(at))
        return literal(self.reader, value, asked.found.dtype or TEXT, at)

    def _list(self, value: Any, at: str, *, empty: bool) -> list[Any]:
        """A list, or a text with commas; a comma after a backslash belongs to the text."""
        if isinstance(value, str):
            self.reader.count(at, value.count(","))
            parts = [part.replace("\\,", ",").strip() for part in _COMMA.split(value)]
            return parts if empty else [part for part in parts if part]
        if isinstance(value, list | tuple):
            return [each.strip() if isinstance(each, str) else each for each in value]
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return [value]
        told = f"a list of values is needed, and this is {shown(value)}"
        raise self.reader.wrong(at, told)


@frozen
class _Asked:
    """A rule whose field is known."""

    found: Field
    name: t.Name
    word: str
    value: Any
    source: str
    at: str
    folded: bool

    @property
    def negated(self) -> bool:
        return self.word == "!=" or self.word.startswith(("not", "doesnot"))


_READ: Mapping[str, Callable[[Tests, _Asked], t.Expr | None]] = {
    **dict.fromkeys(_COMPARISONS, Tests._compare),
    **dict.fromkeys(_TEXT_TESTS, Tests._text_test),
    **dict.fromkeys(("in", "notin"), Tests._in),
    **dict.fromkeys(("between", "notbetween"), Tests._between),
}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*([.][A-Za-z_][A-Za-z0-9_]*)*")
_RESERVED = frozenset(
    """
    all and any as between by case check column create cross default delete desc distinct drop else
    end except exists for foreign from full grant group having in index inner insert into is join
    left like limit not null offset on or order outer primary references right select set table then
    to union unique update user using values when where with
    """.split()  # noqa: SIM905 - a list of so many words is read best as a text
)
"""Words of SQL that databases take for a name only in quotes, and that columns are called."""
_FOLDED = {"=", "!=", "in", "notin", *_TEXT_TESTS}
_COMMA = re.compile(r"(?<!\\),")
_BITS = 128


def _falls(low: t.Expr, high: t.Expr) -> bool:
    match low, high:
        case t.Literal(int() | Decimal() as first), t.Literal(int() | Decimal() as second):
            return second < first
        case _:
            return False
