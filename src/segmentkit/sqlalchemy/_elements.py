"""SQL that dialects spell differently; the spellings are in `_dialects`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Dialect,
    Double,
    Integer,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
    and_,
    literal,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from segmentkit.sqlalchemy._dialects import LETTERS, Construct, dialect_named


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

    @property
    def spelled_type(self) -> Any:
        """What ``{type}`` stands for."""
        return self.type


@compiles(Spelled)
def _spelled(element: Spelled, compiler: SQLCompiler, **kw: Any) -> str:
    template = dialect_named(compiler.dialect.name).spelling(element.construct)
    # Only what the template uses: a parameter that is not in the text must not be bound.
    operands = [
        compiler.process(clause, **kw) if f"{{{i}}}" in template else ""
        for i, clause in enumerate(element.clauses)
    ]
    words = {"letters": getattr(compiler.dialect, LETTERS, '"default"')}
    if "{type}" in template:
        words["type"] = compiler.dialect.type_compiler_instance.process(element.spelled_type)
    return template.format(*operands, **words)


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

    def __init__(self, expression: ColumnElement[Any], to: Any) -> None:
        super().__init__(expression)
        self.type = to


class PackedKeys(TypeDecorator[Any]):
    """Many keys as one parameter: an array where there are such, else a JSON text."""

    impl = String
    cache_ok = True

    def __init__(self, key: Any) -> None:
        super().__init__()
        self.key = key

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """The type of the parameter itself."""
        if dialect_named(dialect.name).arrays:
            return dialect.type_descriptor(ARRAY(self.key))
        return dialect.type_descriptor(String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The parameter's value."""
        keys = list(value)
        if dialect_named(dialect.name).arrays:
            most = _most(self.key)
            # A key that does not fit the column's type is in no row, and no array could hold it.
            return [k for k in keys if -most - 1 <= k <= most] if most is not None else keys
        process = self.key.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps(keys if process is None else list(map(process, keys)))


def _most(key: Any) -> int | None:
    """The greatest number that a column of whole numbers holds."""
    match key:
        case SmallInteger():
            return 2**15 - 1
        case BigInteger():
            return 2**63 - 1
        case Integer():
            return 2**31 - 1
        case _:
            return None


class Listed(Spelled):
    """Whether a column holds one of many keys."""

    inherit_cache = True
    construct = Construct.LISTED
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], packed: Any, each: Any) -> None:
        super().__init__(column, packed, each)

    @property
    def spelled_type(self) -> Any:
        """The type of a key."""
        column, _, _ = self.clauses
        return BigInteger() if isinstance(column.type, Integer) else Text()


class NotListed(Listed):
    """Whether a column holds none of many keys."""

    inherit_cache = True
    construct = Construct.NOT_LISTED
