"""Values that are chosen by tests, all of them in one form."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa

from segmentkit._planning import ir
from segmentkit.dtypes import TIMESTAMP, DType, Kind
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled
from segmentkit.sqlalchemy.dialects.time_zones import in_utc
from segmentkit.sqlalchemy.dialects.written_times import on_one_clock

Sql: TypeAlias = sa.ColumnElement[Any]

_NULL = sa.null()
_ONE_FORM = {
    Kind.TEXT: Construct.EXACT_TEXT,
    Kind.DECIMAL: Construct.SENT_DECIMAL,
    Kind.INTEGER: Construct.SIGNED,
}
_OF_CONSTANTS = {
    Kind.TIMESTAMP: Construct.AS_INSTANT,
    Kind.DATE: Construct.AS_DATE,
    Kind.INTEGER: None,
}


class Compiles(Protocol):
    """What compiles tests and values."""

    def condition(self, node: ir.Condition) -> Sql:
        """A condition."""
        ...

    def operand(self, node: ir.Value) -> Sql:
        """A value that SQL computes with."""
        ...

    def constant(self, node: ir.Const, like: Sql | None = None) -> Sql:
        """A bound parameter."""
        ...


def chosen(of: Compiles, node: ir.Case) -> Sql:
    """The value of the first test that is true; what is unknown is not."""
    *values, last = _results(of, node)
    found = sa.case(*zip(map(of.condition, node.tests), values, strict=True), else_=last)
    found.type = in_digits(node.dtype, next(v.type for v in (*values, last) if v is not _NULL))
    return found


def in_one_form(value: ir.Value, sql: Sql, dtype: DType) -> Sql:
    """A value in the form that one function takes several of a type in."""
    form = _ONE_FORM.get(dtype.kind)
    if isinstance(value, ir.Const):
        form = _OF_CONSTANTS.get(dtype.kind, form)
    return Spelled(form, sql) if form else sql


def in_digits(dtype: DType, kind: Any) -> Any:
    """A type with as many digits after the point as values can have, so that all are read."""
    scale = dtype.scale if dtype.kind is Kind.DECIMAL else None
    return kind if scale is None else sa.Numeric(38, scale)


def _results(of: Compiles, node: ir.Case) -> list[Sql]:
    computed = {v: of.operand(v) for v in node.values if not isinstance(v, ir.Const)}
    if node.dtype == TIMESTAMP:
        computed = {value: on_one_clock(in_utc(sql)) for value, sql in computed.items()}
    like = next(iter(computed.values()), None)

    def written(value: ir.Value) -> Sql:
        if isinstance(value, ir.Const) and value.value is None:
            return _NULL
        sql = of.constant(value, like) if isinstance(value, ir.Const) else computed[value]
        return in_one_form(value, sql, node.dtype)

    return list(map(written, node.values))
