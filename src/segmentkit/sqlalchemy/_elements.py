"""SQL that dialects spell differently: each element once, with its spellings beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    Integer,
    String,
    UnaryExpression,
    and_,
    cast,
    literal,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

CASEFOLD = "segmentkit_casefold"
"""The name of the function that `prepare` adds to SQLite."""


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


class Position(FunctionElement[int]):
    """Where a text first stands in another, from 1; 0 when it does not."""

    inherit_cache = True
    type = Integer()


@compiles(Position)
def _position(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    text, wanted = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"position({wanted} in {text})"


@compiles(Position, "sqlite")
@compiles(Position, "oracle")
@compiles(Position, "duckdb")
def _position_instr(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)})"


@compiles(Position, "mssql")
def _position_charindex(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    text, wanted = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"charindex({wanted}, {text})"


class Beginning(FunctionElement[str]):
    """The first characters of a text; the whole text when it is shorter."""

    inherit_cache = True
    type = String()


@compiles(Beginning)
def _beginning(element: Beginning, compiler: SQLCompiler, **kw: Any) -> str:
    text, length = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"substr({text}, 1, {length})"


@compiles(Beginning, "mssql")
def _beginning_left(element: Beginning, compiler: SQLCompiler, **kw: Any) -> str:
    return f"left({compiler.process(element.clauses, **kw)})"


class Ending(FunctionElement[str]):
    """The last characters of a text; the whole text when it is shorter."""

    inherit_cache = True
    type = String()


@compiles(Ending)
def _ending(element: Ending, compiler: SQLCompiler, **kw: Any) -> str:
    # "right" is a reserved word of SQL and a function of every dialect but the ones below.
    return f"right({compiler.process(element.clauses, **kw)})"


@compiles(Ending, "sqlite")
@compiles(Ending, "oracle")
def _ending_substr(element: Ending, compiler: SQLCompiler, **kw: Any) -> str:
    text, length = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"substr({text}, -{length})"


class FoldedCase(FunctionElement[str]):
    """A text in which case makes no difference."""

    inherit_cache = True
    type = String()


@compiles(FoldedCase)
def _folded(element: FoldedCase, compiler: SQLCompiler, **kw: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kw)})"


@compiles(FoldedCase, "sqlite")
def _folded_sqlite(element: FoldedCase, compiler: SQLCompiler, **kw: Any) -> str:
    # SQLite's own lower() knows ASCII only.
    return f"{CASEFOLD}({compiler.process(element.clauses, **kw)})"


class Exact(FunctionElement[Any]):
    """An exact decimal: the expression itself, rounded to its scale where decimals are floats."""

    inherit_cache = True

    def __init__(self, expression: ColumnElement[Any], scale: int) -> None:
        super().__init__(expression, literal(scale, Integer()))
        self.type = expression.type


@compiles(Exact)
def _exact(element: Exact, compiler: SQLCompiler, **kw: Any) -> str:
    expression, _ = element.clauses
    return f"({compiler.process(expression, **kw)})"


@compiles(Exact, "sqlite")
def _exact_sqlite(element: Exact, compiler: SQLCompiler, **kw: Any) -> str:
    return f"round({compiler.process(element.clauses, **kw)})"


class AsFloat(FunctionElement[float]):
    """A number as a float of double precision."""

    inherit_cache = True
    type = Double()


@compiles(AsFloat)
def _as_float(element: AsFloat, compiler: SQLCompiler, **kw: Any) -> str:
    (number,) = element.clauses
    return compiler.process(cast(number, element.type), **kw)


@compiles(AsFloat, "mysql")
@compiles(AsFloat, "mariadb")
def _as_float_mysql(element: AsFloat, compiler: SQLCompiler, **kw: Any) -> str:
    # There is no such cast; a sum with a float is one.
    return f"({compiler.process(element.clauses, **kw)} + 0e0)"


class NanAsNull(UnaryExpression[float]):
    """A float that is NULL where it is not a number, so that both are missing."""

    inherit_cache = True

    def __init__(self, expression: ColumnElement[Any]) -> None:
        super().__init__(expression, type_=expression.type)


@compiles(NanAsNull)
def _nan(element: NanAsNull, compiler: SQLCompiler, **kw: Any) -> str:
    # SQLite, MySQL, MariaDB, SQL Server and others hold no NaN.
    return compiler.process(element.element, **kw)


@compiles(NanAsNull, "postgresql")
@compiles(NanAsNull, "duckdb")
def _nan_postgresql(element: NanAsNull, compiler: SQLCompiler, **kw: Any) -> str:
    return f"nullif({compiler.process(element.element, **kw)}, 'NaN')"


class FirstInstant(FunctionElement[Any]):
    """The first instant of a date, in UTC."""

    inherit_cache = True

    def __init__(self, expression: ColumnElement[Any], to: Any) -> None:
        super().__init__(expression)
        self.type = to


@compiles(FirstInstant)
def _first_instant(element: FirstInstant, compiler: SQLCompiler, **kw: Any) -> str:
    (expression,) = element.clauses
    return compiler.process(cast(expression, element.type), **kw)


@compiles(FirstInstant, "sqlite")
def _first_instant_sqlite(element: FirstInstant, compiler: SQLCompiler, **kw: Any) -> str:
    # Instants are text there, in the form that SQLAlchemy writes.
    return f"({compiler.process(element.clauses, **kw)} || ' 00:00:00.000000')"
