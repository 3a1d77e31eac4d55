"""SQL that dialects spell differently; the spellings are in `_dialects`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Integer,
    String,
    and_,
    cast,
    literal,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from segmentkit.sqlalchemy._dialects import Construct, dialect_named


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
    type = DateTime()


class InUtc(Spelled):
    """An instant without a zone, in UTC, of one that has a zone."""

    inherit_cache = True
    construct = Construct.IN_UTC
    type = DateTime()


class Shifted(Spelled):
    """A timestamp so many seconds later."""

    inherit_cache = True
    construct = Construct.SHIFTED
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
