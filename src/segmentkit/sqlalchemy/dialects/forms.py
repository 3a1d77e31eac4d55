"""Values of columns that keep them in a form of their own, beside what is kept."""

from __future__ import annotations

from collections.abc import Callable
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
from segmentkit.sqlalchemy.dialects.elements import Composite, Spelled, naming
from segmentkit.sqlalchemy.dialects.written_times import StepTest, is_spaced, spaced

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


Passed: TypeAlias = Callable[[date], Sql]
"""That a time is not before a date or an instant, or that it is before it."""


def by_steps(time: Sql, make: Callable[[Passed, Passed], Sql]) -> Sql:
    """What is made of a time by where it lies between dates or instants.

    Args:
        time: The time; what is kept of it is compared, where that rises with it.
        make: Makes it of two tests.
    """
    form = time.of if isinstance(time, InForm) and not isinstance(time.of, Encoding) else None
    kept = time.kept if isinstance(time, InForm) and form is not None else time

    def tests(at: Sql) -> Sql:
        return make(
            lambda point: _tested(at, form, operators.ge, point, kept.type),
            lambda point: _tested(at, form, operators.lt, point, kept.type),
        )

    return naming(spaced(kept), tests)


def _tested(at: Sql, form: Form | None, op: Any, point: date, kind: Any) -> Sql:
    end: date | int | None = point
    if form is not None:
        assert isinstance(point, datetime)
        assert not isinstance(form, Encoding)
        end = form.least(point)
    match end:
        case None:
            return Spelled(Construct.NOBODY) if op is operators.ge else at.is_not(None)
        case int():
            return sa.BinaryExpression(at, sa.literal_column(f"({end})", _WHOLE), op, _TRUTH)
        case datetime():
            constant: Sql = CONSTANTS[Kind.TIMESTAMP](None, end, kind, unique=True)
            if is_spaced(at):
                return StepTest(op, end, at, constant)
        case _:
            constant = CONSTANTS[Kind.DATE](None, end, kind, unique=True)
    return sa.BinaryExpression(at, constant, op, _TRUTH)


_TRUTH = sa.Boolean()
_WHOLE = sa.BigInteger()
