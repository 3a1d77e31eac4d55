"""SQL that dialects spell differently; the spellings are in `_dialects`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    BinaryExpression,
    BindParameter,
    Boolean,
    ColumnClause,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Integer,
    Select,
    String,
    Table,
    UnaryExpression,
    and_,
    cast,
    literal,
    literal_column,
    or_,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from segmentkit.sqlalchemy.dialects.case_folding import RARE, folded, one_of, rare_letters
from segmentkit.sqlalchemy.dialects.constructs import LETTERS, Construct
from segmentkit.sqlalchemy.dialects.dialect import DIALECTS, dialect_of


class Bracketed(FunctionElement[bool]):
    """A condition in brackets that stay, whatever stands around it."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """It is a group already."""
        return self


@compiles(Bracketed)
def _bracketed(element: Bracketed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)})"


_TRUTH = Boolean()
_CHAIN = 250


def joined(tests: Sequence[ColumnElement[Any]], *, conjunctive: bool) -> ColumnElement[Any]:
    """All of the tests, or any of them; long chains in brackets.

    SQLite takes a chain of n tests for an expression n levels deep, and refuses more than 1,000.
    """
    join = and_ if conjunctive else or_
    while len(tests) > _CHAIN:
        tests = [Bracketed(join(*tests[i : i + _CHAIN])) for i in range(0, len(tests), _CHAIN)]
    return join(*tests)


class Spelled(FunctionElement[Any]):
    """What a dialect spells in its own way."""

    construct: ClassVar[Construct]

    @property
    def spelled_type(self) -> Any:
        """What ``{type}`` stands for."""
        return self.type


@compiles(Spelled)
def _spelled(element: Spelled, compiler: SQLCompiler, **kw: Any) -> str:
    template = dialect_of(compiler.dialect).spelling(element.construct)
    # Only what the template uses: a parameter that is not in the text must not be bound.
    operands = [
        compiler.process(clause, **kw) if f"{{{i}}}" in template else ""
        for i, clause in enumerate(element.clauses)
    ]
    return _filled(template, operands, lambda: element.spelled_type, compiler)


def _filled(
    template: str, operands: Sequence[str], type_: Callable[[], Any], compiler: SQLCompiler
) -> str:
    """A template with its operands, and with what the dialect calls a type, if it is in it."""
    if "{type}" not in template:
        return template.format(*operands)
    words = compiler.dialect.type_compiler_instance.process(type_())
    return template.format(*operands, type=words)


class ExactText(Spelled):
    """A text that is compared, and put in order, by code point."""

    inherit_cache = True
    construct = Construct.EXACT_TEXT
    type = String()


class TextTest(BinaryExpression[bool]):
    """A comparison of texts by code point, whatever the collation of a column.

    Where a column's own collation is not exact, a positive test says both: as the collation has
    it, for the sake of an index on the column, and exactly.
    """

    inherit_cache = True

    @classmethod
    def of(cls, operator: Any, left: Any, right: Any, negate: Any) -> TextTest:
        """A test of two expressions."""
        # A part of what the statement is cached by, unlike the texts themselves.
        modifiers = {"ascii": _is_ascii(left) and _is_ascii(right)}
        return cls(left, right, operator, _TRUTH, negate, modifiers)

    def _negate(self) -> Any:
        plain: Any = super()._negate()  # type: ignore[no-untyped-call]
        return TextTest.of(plain.operator, plain.left, plain.right, plain.negate)


def _is_ascii(operand: ColumnElement[Any]) -> bool:
    """Whether no constant has a letter beyond ASCII."""
    wanted: Any = operand.value if isinstance(operand, BindParameter) else ""
    return wanted.isascii() if isinstance(wanted, str) else all(map(str.isascii, wanted))


@compiles(TextTest)
def _text_test(element: TextTest, compiler: SQLCompiler, **kw: Any) -> str:
    exact = dialect_of(compiler.dialect).exact_collations
    as_declared: str = compiler.visit_binary(element, **kw)  # type: ignore[no-untyped-call]
    columns = [e for e in (element.left, element.right) if not isinstance(e, BindParameter)]
    if not exact or all(getattr(each.type, "collation", None) in exact for each in columns):
        return as_declared
    test = BinaryExpression(ExactText(element.left), element.right, element.operator, Boolean())
    exactly = compiler.process(test, **kw)
    return f"({as_declared} AND {exactly})" if _may_use_index(element) else exactly


def _may_use_index(test: TextTest) -> bool:
    """Whether a column is tested for being one of some texts, in a character set that has them.

    To ask a column for a text that its character set lacks is an error.
    """
    column, wanted = test.left, test.right
    if isinstance(column, BindParameter):
        column, wanted = wanted, column
    if not isinstance(column, ColumnClause) or not isinstance(wanted, BindParameter):
        return False
    positive = test.operator in (operators.eq, operators.in_op)
    return positive and (test.modifiers["ascii"] or _holds_unicode(column))


def _holds_unicode(column: ColumnClause[Any]) -> bool:
    """Whether a column, or else its table, says that it can hold any text."""
    declared = [getattr(column.type, name, None) for name in ("charset", "collation")]
    if not any(declared):
        tables = [getattr(base, "table", None) for base in column.base_columns]
        options = [option for t in tables if isinstance(t, Table) for option in t.kwargs.items()]
        declared = [value for name, value in options if name.endswith(("charset", "collate"))]
    return any(str(each).startswith("utf8mb4") for each in declared if each)


class LookedUp(Spelled):
    """The value of one column of one row; NULL when there is no row."""

    inherit_cache = True
    construct = Construct.LOOKED_UP

    def __init__(self, query: Select[Any]) -> None:
        super().__init__(query.scalar_subquery())
        self.type = query.selected_columns[0].type


def keeping_gaps(query: Select[Any]) -> Select[Any]:
    """A query with outer joins, in which what they do not find is NULL everywhere."""
    return _followed(query, {name: each.after_outer_joins for name, each in DIALECTS.items()})


def computed_once(query: Select[Any]) -> Select[Any]:
    """A query each of whose columns is computed once, however often they are used around it."""
    return _followed(query, {name: each.after_columns for name, each in DIALECTS.items()})


def _followed(query: Select[Any], words: Mapping[str, str | None]) -> Select[Any]:
    for dialect, suffix in words.items():
        if suffix:
            query = query.suffix_with(text(suffix), dialect=dialect)
    return query


class Position(Spelled):
    """Where a text first stands in another, from 1; 0 when it does not."""

    inherit_cache = True
    construct = Construct.POSITION
    type = Integer()


class Beginning(Spelled):
    """The first characters of a text; the whole text when it is shorter."""

    inherit_cache = True
    construct = Construct.BEGINNING
    type = String()


class Ending(Spelled):
    """The last characters of a text; the whole text when it is shorter."""

    inherit_cache = True
    construct = Construct.ENDING
    type = String()


class FoldedCase(FunctionElement[str]):
    """A text in which case makes no difference.

    Args:
        text: The text.
        others: What it is compared with, folded; by default anything.
    """

    inherit_cache = True
    type = String()

    def __init__(self, text: ColumnElement[Any], others: Iterable[str] | None = None) -> None:
        letters = RARE if others is None else rare_letters(others)
        # As a column, which is never compiled, they are part of the key of SQLAlchemy's cache.
        super().__init__(text, literal_column(letters))


@compiles(FoldedCase)
def _folded_case(element: FoldedCase, compiler: SQLCompiler, **kw: Any) -> str:
    clause, letters = element.clauses
    dialect = dialect_of(compiler.dialect)
    collation = getattr(compiler.dialect, LETTERS, '"default"')
    given = compiler.process(clause, **kw)
    text = dialect.spelling(Construct.LETTERS).format(given, letters=collation)
    lower = dialect.spelling(Construct.FOLDED)
    if dialect.rare_letters is None or not str(letters):
        return lower.format(text)
    # Folding them takes many times as long, and hardly any text holds one.
    rare = dialect.rare_letters.format(text, one_of(str(letters)))
    rarely = folded(text, lower=lower, letters=str(letters), translate=dialect.translates)
    return f"CASE WHEN {rare} THEN {rarely} ELSE {lower.format(text)} END"


class Exact(Spelled):
    """An exact decimal: the expression itself, rounded to its scale where decimals are floats."""

    inherit_cache = True
    construct = Construct.EXACT

    def __init__(self, expression: ColumnElement[Any], scale: int) -> None:
        super().__init__(expression, literal(scale, Integer()))
        self.type = expression.type


class AsFloat(Spelled):
    """A number as a float of double precision."""

    inherit_cache = True
    construct = Construct.AS_FLOAT
    type = Double()


class Divisor(Spelled):
    """A count that divides a sum, which is NULL where the count is zero."""

    inherit_cache = True
    construct = Construct.DIVISOR
    type = Double()


class NanAsNull(UnaryExpression[Any]):
    """A float that is NULL where it is not a number, so that both are missing.

    No function, because those take SQLAlchemy long to make, and every float needs one.
    """

    inherit_cache = True

    def __init__(self, expression: ColumnElement[Any]) -> None:
        super().__init__(expression, type_=expression.type)


@compiles(NanAsNull)
def _nan_as_null(element: NanAsNull, compiler: SQLCompiler, **kw: Any) -> str:
    template = dialect_of(compiler.dialect).spelling(Construct.NAN_AS_NULL)
    operand = compiler.process(element.element, **kw)
    return _filled(template, [operand], lambda: element.type, compiler)


class Whole(Spelled):
    """A whole number to compute with, in a type that results fit."""

    inherit_cache = True
    construct = Construct.WHOLE

    def __init__(self, expression: ColumnElement[Any]) -> None:
        super().__init__(expression)
        self.type = expression.type


class Addend(Whole):
    """A whole number to sum up."""

    inherit_cache = True
    construct = Construct.ADDEND


class FirstInstant(Spelled):
    """The first instant of a date, in UTC."""

    inherit_cache = True
    construct = Construct.FIRST_INSTANT
    type = DateTime()


class InUtc(Spelled):
    """An instant without a zone, in UTC, of one that has a zone."""

    inherit_cache = True
    construct = Construct.IN_UTC
    type = DateTime()


class Day(Spelled):
    """The date of a timestamp."""

    inherit_cache = True
    construct = Construct.DAY
    type = Date()


class Week(Spelled):
    """The date of the Monday of a date's week."""

    inherit_cache = True
    construct = Construct.WEEK
    type = Date()


class Weekday(Spelled):
    """The number of a date's day in its week, from 1."""

    inherit_cache = True
    construct = Construct.WEEKDAY
    type = Integer()


class Hour(Spelled):
    """The hour of a timestamp."""

    inherit_cache = True
    construct = Construct.HOUR
    type = Integer()


class Angle(Spelled):
    """The angle, in radians, whose sine and cosine are in the proportion of two numbers."""

    inherit_cache = True
    construct = Construct.ANGLE
    type = Double()


class Bucket(Spelled):
    """The first 32 bits of the MD5 digest of a text, as a number."""

    inherit_cache = True
    construct = Construct.BUCKET
    type = BigInteger()

    def __init__(self, salt: str, key: ColumnElement[Any]) -> None:
        text = key if isinstance(key.type, String) else cast(key, String(_DIGITS))
        super().__init__(literal(f"{salt}:", String()) + text)


_DIGITS = 20
"""Those of a whole number, with its sign."""


class Quotient(Spelled):
    """How often a whole number goes into another; neither is negative."""

    inherit_cache = True
    construct = Construct.QUOTIENT
    type = BigInteger()


class Later(Spelled):
    """A time so many seconds later; earlier, where they are less than none."""

    inherit_cache = True
    construct = Construct.SECONDS_LATER

    def __init__(self, time: ColumnElement[Any], seconds: int | ColumnElement[Any]) -> None:
        known = literal(seconds, BigInteger()) if isinstance(seconds, int) else seconds
        super().__init__(time, known)
        self.type = time.type


class DaysLater(Spelled):
    """A date so many days later, or earlier."""

    inherit_cache = True
    construct = Construct.DAYS_LATER

    def __init__(self, day: ColumnElement[Any], days: int) -> None:
        super().__init__(day, literal(days, Integer()))
        self.type = day.type


class Settled(Spelled):
    """A condition that rests on nothing."""

    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """It is a condition already: nothing need compare it with true."""
        return self


class Everyone(Settled):
    """A condition that holds of every row."""

    inherit_cache = True
    construct = Construct.EVERYONE


class Nobody(Settled):
    """A condition that holds of no row."""

    inherit_cache = True
    construct = Construct.NOBODY


class Flag(Spelled):
    """A condition as a column."""

    inherit_cache = True
    construct = Construct.FLAG
    type = Boolean()


class IsFlagged(Spelled):
    """Such a column as a condition."""

    inherit_cache = True
    construct = Construct.IS_FLAGGED
    type = Boolean()


class Tally(Spelled):
    """How many rows pass a test; with a number that tells the count from others."""

    inherit_cache = True
    construct = Construct.TALLY
    type = Integer()


class OnlyRow(Spelled):
    """The value of the one row, if there is one, that a sub-query finds by its key."""

    inherit_cache = True
    construct = Construct.ONLY_ROW

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


class EmptyText(Spelled):
    """The empty text, or what is compared with it among others: itself, where there is one."""

    inherit_cache = True
    construct = Construct.EMPTY_TEXT

    def __init__(self, expression: ColumnElement[Any]) -> None:
        super().__init__(expression)
        self.type = expression.type


class Infinite(Spelled):
    """A number that is too large for a float."""

    inherit_cache = True
    construct = Construct.INFINITE
    type = Double()


class Zoned(Spelled):
    """An instant that was stored without a zone, beside those that have one."""

    inherit_cache = True
    construct = Construct.ZONED
    type = DateTime(timezone=True)
