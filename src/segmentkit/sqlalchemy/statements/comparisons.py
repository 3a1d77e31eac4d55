"""Comparisons of two SQL expressions, in forms that compare."""

from __future__ import annotations

from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.sql import operators

from segmentkit._planning import ir
from segmentkit.dtypes import Kind
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled, TextTest
from segmentkit.sqlalchemy.dialects.stored_values import decoded, same_form, varies
from segmentkit.sqlalchemy.dialects.time_zones import in_utc
from segmentkit.sqlalchemy.dialects.written_times import ClockTest, is_written, on_one_clock
from segmentkit.sqlalchemy.statements.operators import NEGATED

Sql: TypeAlias = sa.ColumnElement[Any]

_TRUTH = sa.Boolean()


def met(value: ir.Value, a: Sql, b: Sql, *, ordered: bool = False) -> tuple[Sql, Sql]:
    """Two expressions, of which ``value`` is one, in forms that compare."""
    if not same_form(a, b, ordered=ordered):
        a, b = decoded(a), decoded(b)
    if value.dtype.kind is Kind.TIMESTAMP:
        if varies(a.type) or varies(b.type):
            a, b = in_utc(a), in_utc(b)
        a, b = on_one_clock(a), on_one_clock(b)
    if _has_zone(a) and not _has_zone(b):
        return a, Spelled(Construct.ZONED, b)
    return (Spelled(Construct.ZONED, a), b) if _has_zone(b) and not _has_zone(a) else (a, b)


def compared(value: ir.Value, op: Any, left: Sql, right: Sql) -> Sql:
    if value.dtype.kind is Kind.TEXT:
        return TextTest.of(op, left, right, NEGATED[op])
    is_constant = isinstance(right, sa.BindParameter)
    if value.dtype.kind is Kind.TIMESTAMP and is_constant and is_written(left):
        return ClockTest(left, right, op, _TRUTH, NEGATED[op])
    return tested(op, left, right)


def tested(op: Any, left: Sql, right: Sql) -> Sql:
    """A comparison of two expressions; both have their types, so there is nothing to coerce."""
    return sa.BinaryExpression(left, right, op, type_=_TRUTH, negate=NEGATED[op])


def settled(value: bool) -> Sql:
    """A condition that holds of everyone, or of nobody."""
    return Spelled(Construct.EVERYONE if value else Construct.NOBODY)


def _has_zone(value: Sql) -> bool:
    return bool(getattr(value.type, "timezone", False))


def equal(value: ir.Value, a: Sql, b: Sql) -> Sql:
    """Whether two expressions that were `met` are equal; ``value`` is one of them."""
    return compared(value, operators.eq, a, b)
