"""Functions and aggregates that a schema adds, in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from segmentkit._planning import ir
from segmentkit.dtypes import DType, Kind
from segmentkit.errors import UnsupportedError
from segmentkit.extension import DEFAULT, Aggregate, Extension, Function, Target
from segmentkit.sqlalchemy.dialects.bind_types import TYPES, sent
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.dialect import dialect_of
from segmentkit.sqlalchemy.dialects.elements import Composite, Spelled, exact
from segmentkit.sqlalchemy.dialects.time_zones import in_utc

Sql: TypeAlias = sa.ColumnElement[Any]


def scalar(function: Function, arguments: Iterable[tuple[Sql, bool]], dtype: DType) -> Sql:
    """A function of arguments, of each of which it is known whether it may be missing.

    Raises:
        UnsupportedError: It has no lowering for SQL.
    """
    given = [(in_utc(value), nullable) for value, nullable in arguments]
    found = _lowered(function, [value for value, _ in given], dtype)
    tests = [value.is_not(None) for value, nullable in given if nullable]
    if function.takes_missing or not tests:
        return found
    return sa.case((sa.and_(*tests), found))


def aggregate(node: ir.Aggregate | ir.Overall, function: Aggregate, value: Sql) -> Sql:
    """An aggregate of the values that are not NULL; what it is over none is its own.

    Raises:
        UnsupportedError: It has no lowering for SQL.
    """
    value = in_utc(value)
    found = _lowered(function, [value], node.dtype)
    some: Sql = sa.case((sa.func.count(value) > 0, found))
    empty = ir.over_nothing(function, node.dtype)
    if empty.value is None:
        return some
    kind = Kind.INTEGER if type(empty.value) is int else empty.dtype.kind
    return sa.func.coalesce(some, sent(empty.value, kind), type_=some.type)


def _lowered(function: Extension, arguments: list[Sql], dtype: DType) -> Sql:
    kind = TYPES[dtype.kind]
    each: dict[str, Sql] = {
        name: sa.type_coerce(make(*arguments), kind) for name, make in function.sql.items()
    }
    if not each:
        raise function.refuse(Target.SQL)
    found: Sql = each[DEFAULT] if each.keys() == {DEFAULT} else _Spoken(function.name, each)
    if dtype.kind is Kind.FLOAT:
        return Spelled(Construct.NAN_AS_NULL, Spelled(Construct.AS_FLOAT, found))
    if dtype.kind is Kind.DECIMAL and dtype.scale is not None:
        return exact(found, dtype.scale)
    return found


class _Spoken(Composite):
    """One of several expressions: the one for the dialect."""

    inherit_cache = True

    def __init__(self, name: str, each: Mapping[str, Sql]) -> None:
        super().__init__((name, *each), *each.values(), type_=next(iter(each.values())).type)


@compiles(_Spoken)
def _spoken(element: _Spoken, compiler: SQLCompiler, **kw: Any) -> str:
    name, *names = element.of
    each = dict(zip(names, element.clauses, strict=True))
    dialect = dialect_of(compiler.dialect)
    found = each.get(dialect.name, each.get(DEFAULT))
    if found is None:
        raise UnsupportedError(f"{name}() has no lowering for {dialect.title}")
    # To those around it, it is one function and needs no brackets; what it is may need them.
    return f"({compiler.process(found, **kw)})"
