"""SQL that dialects spell differently; the spellings are in `_dialects`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    Integer,
    String,
    and_,
    literal,
    literal_column,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from segmentkit.sqlalchemy._dialects import LETTERS, Construct, RareLetters, dialect_named
from segmentkit.sqlalchemy._folding import RARE, folded, rare_letters


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
    template = dialect_named(compiler.dialect.name).spelling(element.construct)
    # Only what the template uses: a parameter that is not in the text must not be bound.
    operands = [
        compiler.process(clause, **kw) if f"{{{i}}}" in template else ""
        for i, clause in enumerate(element.clauses)
    ]
    if "{type}" not in template:
        return template.format(*operands)
    words = compiler.dialect.type_compiler_instance.process(element.type)
    return template.format(*operands, type=words)


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
    dialect = dialect_named(compiler.dialect.name)
    text = compiler.process(clause, **kw)
    lower = dialect.spelling(Construct.FOLDED)
    if dialect.rare_letters is RareLetters.LEFT:
        return lower.format(text)
    collation = getattr(compiler.dialect, LETTERS, '"default"')
    return folded(
        dialect.spelling(Construct.LETTERS).format(text, letters=collation),
        lower=lower,
        letters=str(letters),
        translate=dialect.rare_letters is RareLetters.TRANSLATED,
    )


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


class NanAsNull(Spelled):
    """A float that is NULL where it is not a number, so that both are missing."""

    inherit_cache = True
    construct = Construct.NAN_AS_NULL

    def __init__(self, expression: ColumnElement[Any]) -> None:
        super().__init__(expression)
        self.type = expression.type


class FirstInstant(Spelled):
    """The first instant of a date, in UTC."""

    inherit_cache = True
    construct = Construct.FIRST_INSTANT

    def __init__(self, expression: ColumnElement[Any], to: Any) -> None:
        super().__init__(expression)
        self.type = to
