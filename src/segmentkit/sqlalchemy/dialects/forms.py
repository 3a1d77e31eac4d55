"""Values of columns that keep them in a form of their own, beside what is kept."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler

from segmentkit._schema.stored_forms import Encoding, Form
from segmentkit.dtypes import Kind
from segmentkit.sqlalchemy.dialects.bind_types import CONSTANTS
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Composite, Spelled
from segmentkit.sqlalchemy.dialects.written_times import StepTest, is_written

Sql: TypeAlias = sa.ColumnElement[Any]


class InForm(Composite):
    """The value of what a column keeps in a form of its own.

    Args:
        form: The form.
        kept: What is stored.
        value: What it means.
        type_: The type of the value.
    """

    inherit_cache = True
    of: Form

    def __init__(self, form: Form, kept: Sql, value: Sql, type_: Any) -> None:
        super().__init__(form, kept, value, type_=type_)

    @property
    def kept(self) -> Sql:
        """What is stored."""
        found: Sql = self.clauses[0]
        return found


@compiles(InForm)
def _in_form(element: InForm, compiler: SQLCompiler, **kw: Any) -> str:
    return str(compiler.process(element.clauses[1], **kw))


def is_since(time: Sql, point: date) -> Sql:
    """That a time is not before a date or an instant; by what is kept, where it rises with it."""
    return _tested(time, operators.ge, point)


def is_before(time: Sql, point: date) -> Sql:
    """That a time is before a date or an instant."""
    return _tested(time, operators.lt, point)


def _tested(time: Sql, op: Any, point: date) -> Sql:
    if not isinstance(time, InForm) or isinstance(time.of, Encoding):
        return _compared(time, op, point)
    assert isinstance(point, datetime)
    kept = time.of.least(point)
    if kept is not None:
        return _compared(time.kept, op, kept)
    return Spelled(Construct.NOBODY) if op is operators.ge else time.kept.is_not(None)


def _compared(column: Sql, op: Any, point: date | int) -> Sql:
    if isinstance(point, int):
        return sa.BinaryExpression(column, sa.literal(point, _WHOLE), op, type_=_TRUTH)
    parameter = CONSTANTS[Kind.TIMESTAMP if isinstance(point, datetime) else Kind.DATE]
    constant = parameter(None, point, column.type, unique=True)
    if isinstance(point, datetime) and is_written(column):
        return StepTest(column, constant, op, _TRUTH)
    return sa.BinaryExpression(column, constant, op, type_=_TRUTH)


_TRUTH = sa.Boolean()
_WHOLE = sa.BigInteger()
