"""Values in conditions of SQL: columns, constants, times, and counts of rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from attrs import evolve
from sqlglot import exp

from segmentkit._diagnostics.diagnostic import Span, advice, encodable
from segmentkit._language import syntax as t
from segmentkit.dtypes import BOOLEAN, DATE, FLOAT, INTEGER, TIMESTAMP, DType, Kind
from segmentkit.interchange._reader import Reader
from segmentkit.interchange._values import Field, field_of, literal, parameter
from segmentkit.schema import Entity, Schema
from segmentkit.trait import Trait

BLIND = frozenset({"mysql", "tsql", "singlestore"})
"""Dialects whose databases ignore the case of texts, unless they are told not to."""

LIKE_BLIND = BLIND | {None, "sqlite"}
"""Dialects whose LIKE does; without a dialect, it may."""

_NO_EMPTY = frozenset({"oracle", "exasol"})
"""Dialects whose databases take the empty text for NULL."""

WITH_CLASSES = frozenset({"tsql", "fabric"})
"""Dialects whose LIKE knows classes of letters: ``[AB]%``."""

_INSTEAD = {
    Kind.BOOLEAN: advice("truth_without_quotes"),
    Kind.DATE: advice("quoted_day"),
    Kind.TIMESTAMP: advice("quoted_instant"),
}
"""What to write in place of a number."""

_UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
_CASTS = {
    "DATE": DATE,
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPNTZ", "DATETIME"), TIMESTAMP),
}
_ARITHMETIC = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}


class SqlReader(Reader):
    """A conversion whose places are characters of the text: ``12-20``."""

    def __init__(
        self, text: str, schema: Schema, traits: Mapping[str, Trait], applied: Any = ()
    ) -> None:
        super().__init__(schema, traits, applied=applied)
        # JSON can bring halves of characters, which no text of SQL has.
        self.text = encodable(text)
        self.is_beyond = False
        """Whether a difference is to be applied that no definition can say."""

    def span(self, at: str) -> Span:
        """The place of characters; of the whole text, if it is not known."""
        start, _, end = at.partition("-")
        return Span(int(start), int(end)) if end else Span(0, len(self.text))

    @property
    def source(self) -> str:
        """The text itself."""
        return self.text

    def place(self, span: Span) -> Span:
        """Where it is in the text."""
        return span


class Values:
    """The columns and constants of one condition.

    Attributes:
        reader: The conversion.
        dialect: The name of the dialect.
        entity: The entity whose columns are meant.
        negative: Whether a test stands under an odd number of nots.
        both: Whether it stands under an XOR.
    """

    def __init__(self, reader: SqlReader, dialect: str | None) -> None:
        self.reader = reader
        self.dialect = dialect
        self.entity = reader.schema.entity
        self.negative = self.both = False
        # Of a column, databases take a number in quotes for a number.
        self.beside_column = False
        # What columns of the rows of a sub-query have before them, inside one.
        self.alias: str | None = None
        self.unsure = False

    # -- places and what is told

    def at(self, node: exp.Expression) -> str:
        """The characters of a part, as far as its names and constants tell."""
        known = [each.meta for each in node.walk() if "start" in each.meta]
        if not known:
            return ""
        return f"{min(m['start'] for m in known)}-{max(m['end'] for m in known) + 1}"

    def _place_of(self, line: Any, column: Any, text: Any) -> str:
        if not isinstance(line, int) or not isinstance(column, int):
            return ""
        lines = self.reader.text.split("\n")
        end = sum(len(each) + 1 for each in lines[: line - 1]) + column
        start = max(0, end - len(text or " "))
        return f"{start}-{min(max(end, start + 1), len(self.reader.text))}"

    def told(self, node: exp.Expression) -> str:
        """What a part is called in a message."""
        if isinstance(node, exp.Anonymous):
            return f"the function {str(node.this)[:40]}"
        if isinstance(node, exp.Func):
            return f"the function {node.sql_name()}"
        words = re.findall("[A-Z]+(?=[A-Z][a-z]|$)|[A-Z][a-z]+", type(node).__name__)
        return " ".join(words).upper() or type(node).__name__

    def check_arguments(self, node: exp.Expression) -> None:
        """A part of a known kind has nothing that is not known: what has is another thing."""
        allowed = ARGUMENTS.get(type(node), _PLAIN)
        for key, value in node.args.items():
            if value not in (None, False, []) and key not in allowed:
                raise self.reader.unsayable(self.at(node), f"{self.told(node)} with '{key}'")

    def differs(self, rule: str, node: exp.Expression, told: str) -> bool:
        """Note a difference at a part."""
        return self.reader.differs(rule, self.at(node), told)

    def note_missing(self, node: exp.Expression, *, nullable: bool, negated: bool = False) -> None:
        """A negation of a test that may be of a missing value."""
        if not nullable or not (self.both or negated != self.negative):
            return
        if self.alias is not None:
            self.unsure = True
        else:
            told = "SQL leaves out those for whom a value is missing; here they are in"
            self.differs("missing", node, told)

    def note_times(
        self, node: exp.Expression, dtype: DType, *values: exp.Expression, shorter: bool = False
    ) -> None:
        """Constants beside an instant, where the database has both as texts.

        With ``shorter``, one that is a beginning of the stored text compares as the instant does.
        """
        if dtype != TIMESTAMP or self.dialect not in (None, "sqlite"):
            return
        for each in values:
            known = _written(each)
            if known is None or (shorter and re.fullmatch(_BEGINNING, known)):
                continue
            if len(known) == _DAY:
                told = "some databases compare the day and the instant as texts"
                self.differs("first-instant", node, told)
            elif not re.fullmatch(_WHOLE, known):
                told = "some databases compare this text, and instants in another form"
                self.differs("times", node, told)

    # -- columns

    def column(self, node: exp.Expression) -> Field:
        """What a column means."""
        self.check_arguments(node)
        if not isinstance(node.this, exp.Identifier):
            raise self.reader.unsayable(self.at(node), self.told(node))
        name, table = node.this, node.args.get("table")
        at = self.at(node)
        if self.alias is not None and (table is None or same(self.alias, table)):
            # Without a table it is of the rows: whether these have it, the schema may not know.
            return field_of(self.reader, self.entity, self._attribute(self.entity, name), at)
        root = self.reader.schema.entity
        found = self._of_customer(root, name, table, at)
        if self.alias is None:
            return found
        return evolve(found, parts=(root.name, *found.parts))

    def _of_customer(
        self, entity: Entity, name: exp.Expression, table: exp.Expression | None, at: str
    ) -> Field:
        if table is None or same(entity.name, table) or same(entity.table, table):
            return field_of(self.reader, entity, self._attribute(entity, name), at)
        link = next((i for i in entity.links if same(i.name, table)), None)
        if link is None:
            hint = advice("column_of_entity", entity=entity.name)
            raise self.reader.unsayable(at, f"the table {table.name[:40]!r} here", hint)
        inner = self._attribute(self.reader.schema.named(link.to), name)
        return field_of(self.reader, entity, f"{link.name}.{inner}", at)

    def _attribute(self, entity: Entity, name: exp.Expression) -> str:
        """The attribute of a column; names without quotes have no case in SQL."""
        text: str = name.name
        if entity.attribute(text) is not None:
            return text
        columns = {a.column: a.name for a in entity.attributes if a.column}
        if text in columns:
            return columns[text]
        if not name.args.get("quoted"):
            names = [*columns, *(a.name for a in entity.attributes)]
            alike = {columns.get(n, n) for n in names if n.casefold() == text.casefold()}
            if len(alike) == 1:
                return alike.pop()
        return text

    # -- values

    def dtype_of(self, node: exp.Expression) -> DType | None:
        """The type of a value; None of a constant, which takes that of the other side."""
        match node:
            case exp.Column():
                return self.column(node).dtype
            case exp.Paren() | exp.Neg() | exp.Lower() | exp.Upper() | exp.Coalesce() | exp.Abs():
                return self.dtype_of(node.this)
            case exp.Add() | exp.Sub() | exp.Mul():
                known = self.dtype_of(node.this) or self.dtype_of(node.expression)
                constants = not any(isinstance(each, exp.Column) for each in node.walk())
                return known if known or constants else FLOAT
            case exp.DateAdd() | exp.DateSub() | exp.TimestampAdd() | exp.TimestampSub():
                return self.dtype_of(node.this)
            case exp.CurrentDate():
                return DATE
            case exp.CurrentTimestamp():
                return TIMESTAMP
            case exp.Anonymous() if _is_now(node):
                return TIMESTAMP
            case exp.Literal() | exp.Boolean() | exp.Null() | exp.Placeholder() | exp.Interval():
                return None
            case exp.Cast() | exp.TsOrDsToDate() | exp.DateStrToDate() if isinstance(
                node.this, exp.Literal
            ):
                return None
            case exp.Subquery():
                return INTEGER
            case _:
                raise self.reader.unsayable(self.at(node), f"{self.told(node)} as a value")

    def is_nullable(self, node: exp.Expression) -> bool:
        """Whether a value may be missing."""
        if isinstance(node, exp.Coalesce | exp.Subquery):
            return False
        if isinstance(node, exp.Column):
            return self.column(node).nullable
        return any(self.is_nullable(each) for each in node.iter_expressions())

    def constants(self, *nodes: exp.Expression) -> tuple[Decimal, ...] | None:
        """The numbers of a test of numbers alone."""
        found = [_number(node) for node in nodes]
        return None if None in found else tuple(each for each in found if each is not None)

    def folded(self, *nodes: exp.Expression) -> bool:
        """Whether a comparison is of the lower or the upper case of a text and constants in it."""
        changed = [each for each in nodes if isinstance(each, exp.Lower | exp.Upper)]
        if not changed:
            return False
        lower = isinstance(changed[0], exp.Lower)
        for each in nodes:
            plain = isinstance(each, exp.Literal) and each.is_string
            same = plain and each.this == (each.this.lower() if lower else each.this.upper())
            if not same and type(each) is not type(changed[0]):
                raise self.reader.unsayable(self.at(each), "a text that LOWER or UPPER never gives")
        self.differs("case-folding", changed[0], "here Unicode's folding is compared")
        return True

    def value(self, node: exp.Expression, dtype: DType) -> t.Expr:  # noqa: PLR0911, PLR0912 - one a kind
        """What a value means, beside one of a type."""
        reader, at = self.reader, self.at(node)
        reader.count(at)
        self.check_arguments(node)
        match node:
            case exp.Column():
                return t.Name(self.column(node).parts, reader.span(at))
            case exp.Literal():
                return self._literal(node.this, bool(node.is_string), dtype, at)
            case exp.Neg() if isinstance(node.this, exp.Literal) and not node.this.is_string:
                return self._literal(f"-{node.this.this}", False, dtype, at)
            case exp.Neg():
                with reader.deeper(at):
                    return t.Negative(self.value(node.this, dtype), reader.span(at))
            case exp.Boolean():
                return literal(reader, bool(node.this), dtype, at)
            case exp.Cast() | exp.TsOrDsToDate() | exp.DateStrToDate() if isinstance(
                node.this, exp.Literal
            ):
                return self._cast(node, at)
            case exp.Paren() | exp.Lower() | exp.Upper():
                with reader.deeper(at):
                    return self.value(node.this, dtype)
            case exp.Placeholder() if node.this:
                return parameter(reader, str(node.this), at)
            case exp.CurrentDate() if not node.args.get("this"):
                return t.Moment("today", 0, "day", reader.span(at))
            case exp.CurrentTimestamp() | exp.Anonymous() if _is_now(node):
                return t.Moment("now", 0, "day", reader.span(at))
            case exp.Add() | exp.Sub() | exp.Mul():
                with reader.deeper(at):
                    return self._arithmetic(node, dtype)
            case exp.DateAdd() | exp.DateSub() | exp.TimestampAdd() | exp.TimestampSub():
                with reader.deeper(at):
                    return self._moved(node)
            case exp.Coalesce() if len(node.expressions) == 1:
                parts = [self.value(each, dtype) for each in (node.this, *node.expressions)]
                return self._call("default", parts, at)
            case exp.Abs():
                return self._call("abs", [self.value(node.this, dtype)], at)
            case exp.Subquery():
                return self.sub_query(node)
            case exp.Null():
                hint = advice("is_null")
                raise reader.unsayable(at, "a comparison with NULL, which is never true", hint)
            case _:
                raise reader.unsayable(at, f"{self.told(node)} as a value")

    def sub_query(self, node: exp.Expression) -> t.Expr:
        """What a sub-query means, which is for those who know conditions."""
        raise NotImplementedError

    def _literal(self, text: str, is_text: bool, dtype: DType, at: str) -> t.Literal:
        if is_text:
            if dtype.is_number and not self.beside_column:
                what = "a number in quotes beside an expression, which databases differ in"
                raise self.reader.unsayable(at, what, advice("number_without_quotes"))
            self.check_empty(text, at)
            return literal(self.reader, text, dtype, at)
        if dtype == BOOLEAN and text in ("0", "1"):
            return t.Literal(text == "1", self.reader.span(at))
        if not dtype.is_number:
            told = f"{text[:40]} is no {dtype.family}"
            raise self.reader.wrong(at, told, _INSTEAD.get(dtype.kind, advice("in_quotes")))
        return literal(self.reader, text, FLOAT, at)

    def check_empty(self, text: str, at: str) -> None:
        """See that a text is one to the database."""
        if not text and self.dialect in _NO_EMPTY:
            told = "the empty text, which is NULL to this database"
            raise self.reader.unsayable(at, told, advice("is_null"))

    def _cast(self, node: exp.Expression, at: str) -> t.Literal:
        """``DATE '2026-05-09'``, ``TIMESTAMP '…'``."""
        to = str(node.args["to"].this.name) if node.args.get("to") else "DATE"
        dtype = _CASTS.get(to)
        if dtype is None or not node.this.is_string:
            raise self.reader.unsayable(at, f"CAST to {to[:40]}")
        return literal(self.reader, node.this.this, dtype, at)

    def _arithmetic(self, node: exp.Expression, dtype: DType) -> t.Expr:
        reader, at = self.reader, self.at(node)
        sign = _ARITHMETIC[type(node)]
        left = self.value(node.this, dtype)
        if not isinstance(node.expression, exp.Interval):
            if dtype.is_time and _number(node.expression) is not None:
                hint = advice("one_number_and_unit")
                raise reader.unsayable(at, "a time plus or minus a bare number", hint)
            right = self.value(node.expression, dtype)
            return t.Arithmetic((left, right), (sign,), reader.span(at))
        return self._later(left, sign, *self._interval(node.expression, at), at)

    def _moved(self, node: exp.Expression) -> t.Expr:
        """``DATE_SUB(NOW(), INTERVAL 30 DAY)``, ``DATEADD(day, -30, GETDATE())``."""
        at, amount = self.at(node), node.expression
        back = isinstance(node, exp.DateSub | exp.TimestampSub)
        if isinstance(amount, exp.Neg):
            amount, back = amount.this, not back
        digits = str(amount.this) if isinstance(amount, exp.Literal) else ""
        if digits.startswith("-"):
            digits, back = digits[1:], not back
        length = exp.Interval(this=exp.Literal.string(digits), unit=node.args.get("unit"))
        if not isinstance(node.this, exp.Column | exp.CurrentDate | exp.CurrentTimestamp) and not (
            isinstance(node.this, exp.Anonymous) and _is_now(node.this)
        ):
            raise self.reader.unsayable(at, f"{self.told(node)} of {self.told(node.this)}")
        dtype = self.dtype_of(node.this) or TIMESTAMP
        start = self.value(node.this, dtype)
        return self._later(start, "-" if back else "+", *self._interval(length, at), at)

    def _later(self, left: t.Expr, sign: str, count: int, unit: str, at: str) -> t.Expr:
        """A time so much later, or earlier."""
        reader = self.reader
        if isinstance(left, t.Moment) and left.base == "now" and sign in "+-" and left.count == 0:
            return t.Moment("now", count if sign == "+" else -count, unit, left.span)
        length = t.Duration(t.Literal(count, reader.span(at)), unit, reader.span(at))
        return t.Arithmetic((left, length), (sign,), reader.span(at))

    def _interval(self, node: exp.Expression, at: str) -> tuple[int, str]:
        self.check_arguments(node)
        count, unit = node.this, node.args.get("unit")
        digits = str(count.this) if isinstance(count, exp.Literal) else ""
        word = str(unit.name).lower().removesuffix("s") if unit is not None else ""
        if not re.fullmatch("[0-9]{1,9}", digits) or int(digits) == 0 or word not in _UNITS:
            raise self.reader.unsayable(at, "this INTERVAL", advice("one_number_and_unit"))
        return int(digits), word

    def _call(self, name: str, arguments: list[t.Expr], at: str) -> t.Call:
        span = self.reader.span(at)
        return t.Call(name, tuple(arguments), False, None, None, None, span, span)


_DAY = len("2026-05-09")
_BEGINNING = r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d(\.\d{1,6})?)?)?"
_WHOLE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"
"""An instant as SQLAlchemy writes it on SQLite, and beginnings of it."""


def _written(node: exp.Expression) -> str | None:
    """The text of a time that is written out; of today, any day's."""
    if isinstance(node, exp.CurrentDate):
        return "2026-05-09"
    inner = node.this if isinstance(node, exp.Cast | exp.TsOrDsToDate | exp.DateStrToDate) else node
    return str(inner.this) if isinstance(inner, exp.Literal) and inner.is_string else None


def same(name: str, identifier: exp.Expression) -> bool:
    text: str = identifier.name
    return text == name or (
        not identifier.args.get("quoted") and text.casefold() == name.casefold()
    )


def _is_now(node: exp.Expression) -> bool:
    if isinstance(node, exp.CurrentTimestamp):
        return not node.args.get("this")
    return str(node.this).lower() == "now" and not node.expressions


def _number(node: exp.Expression) -> Decimal | None:
    if isinstance(node, exp.Literal) and not node.is_string:
        try:
            return Decimal(node.this)
        except InvalidOperation:
            return None
    return None


def like_parts(pattern: str, escape: str | None) -> list[str] | None:
    """The texts between the percent signs of a pattern; None if no tests of texts say it.

    One text is the whole; of two, the first begins and the second ends; of three, the outer two are
    empty.
    """
    parts = [""]
    signs: Iterator[str] = iter(pattern)
    for sign in signs:
        if sign == escape:
            plain = next(signs, None)
            if plain is None:
                return None
            parts[-1] += plain
        elif sign == "_":
            return None
        elif sign == "%":
            parts.append("")
        else:
            parts[-1] += sign
    while len(parts) > 2 and parts[:2] == ["", ""]:
        del parts[0]
    while len(parts) > 2 and parts[-2:] == ["", ""]:
        del parts[-1]
    within = len(parts) == 3 and parts[0] == parts[2] == ""
    return parts if len(parts) < 3 or within else None


_PLAIN = frozenset({"this", "expression"})
ARGUMENTS: Mapping[type[exp.Expression], frozenset[str]] = {
    exp.Column: frozenset({"this", "table"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Is: _PLAIN | {"negate"},
    exp.In: frozenset({"this", "expressions"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Like: _PLAIN | {"negate"},
    exp.ILike: _PLAIN | {"negate"},
    exp.Cast: frozenset({"this", "to"}),
    exp.Interval: frozenset({"this", "unit"}),
    **dict.fromkeys(
        (exp.DateAdd, exp.DateSub, exp.TimestampAdd, exp.TimestampSub),
        frozenset({"this", "expression", "unit"}),
    ),
    exp.Coalesce: frozenset({"this", "expressions"}),
    exp.Anonymous: frozenset({"this"}),
    exp.CurrentTimestamp: frozenset(),
    exp.CurrentDate: frozenset(),
}
"""What a part of a kind can have; whatever else it has may change its meaning."""
