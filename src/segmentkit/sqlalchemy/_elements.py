"""SQL that dialects spell differently; the spellings are in `_dialects`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import (
    BinaryExpression,
    BindParameter,
    Boolean,
    ColumnClause,
    ColumnElement,
    DateTime,
    Double,
    Integer,
    String,
    Table,
    and_,
    literal,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from segmentkit.sqlalchemy._dialects import LETTERS, Construct, dialect_of


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


@compiles(Spelled)
def _spelled(element: Spelled, compiler: SQLCompiler, **kw: Any) -> str:
    template = dialect_of(compiler.dialect).spelling(element.construct)
    # Only what the template uses: a parameter that is not in the text must not be bound.
    operands = [
        compiler.process(clause, **kw) if f"{{{i}}}" in template else ""
        for i, clause in enumerate(element.clauses)
    ]
    words = {"letters": getattr(compiler.dialect, LETTERS, '"default"')}
    if "{type}" in template:
        words["type"] = compiler.dialect.type_compiler_instance.process(element.type)
    return template.format(*operands, **words)


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
        wanted = right.value if isinstance(right, BindParameter) else None
        texts = [wanted] if isinstance(wanted, str) else wanted or ()
        # A part of what the statement is cached by, unlike the texts themselves.
        modifiers = {"ascii": all(text.isascii() for text in texts)}
        return cls(left, right, operator, Boolean(), negate, modifiers)

    def _negate(self) -> Any:
        plain: Any = super()._negate()  # type: ignore[no-untyped-call]
        return TextTest.of(plain.operator, plain.left, plain.right, plain.negate)


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


class FoldedCase(Spelled):
    """A text in which case makes no difference."""

    inherit_cache = True
    construct = Construct.FOLDED
    type = String()


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


class NanAsNull(Spelled):
    """A float that is NULL where it is not a number, so that both are missing."""

    inherit_cache = True
    construct = Construct.NAN_AS_NULL

    def __init__(self, expression: ColumnElement[Any]) -> None:
        super().__init__(expression)
        self.type = expression.type


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

    def __init__(self, expression: ColumnElement[Any], to: Any) -> None:
        super().__init__(expression)
        self.type = to


class Zoned(Spelled):
    """An instant that was stored without a zone, beside those that have one."""

    inherit_cache = True
    construct = Construct.ZONED
    type = DateTime(timezone=True)
