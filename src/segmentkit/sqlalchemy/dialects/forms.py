"""Values of columns that keep them in a form of their own, beside what is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa
from attrs import field, frozen
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.cache_key import NO_CACHE
from sqlalchemy.sql.compiler import SQLCompiler

from segmentkit._schema.stored_forms import Encoding, Form
from segmentkit.dtypes import Kind
from segmentkit.sqlalchemy.dialects.bind_types import CONSTANTS
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Composite, Named, Naming, Spelled
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


class Made(Protocol):
    """What is made of two tests of a time; it can be a key."""

    def __hash__(self) -> int: ...

    def by(self, is_since: Passed, is_before: Passed) -> Sql:
        """Make it."""
        ...


@frozen
class _Time:
    """All that tests of a time follow from: two columns of one type have the same.

    Attributes:
        form: The form in which it is kept.
        spaced: Whether it is a text that `StepTest` takes.
        key: What SQLAlchemy knows the two types by.
        type: The type of the time as it is tested.
        kept: The type of what is kept.
    """

    form: Form | None
    spaced: bool
    key: Any
    type: Any = field(eq=False)
    kept: Any = field(eq=False)


def by_steps(time: Sql, make: Made) -> Sql:
    """What is made of a time by where it lies between dates or instants.

    Args:
        time: The time; what is kept of it is compared, where that rises with it.
        make: Makes it of two tests.
    """
    form = time.of if isinstance(time, InForm) and not isinstance(time.of, Encoding) else None
    kept = time.kept if isinstance(time, InForm) and form is not None else time
    value = spaced(kept)
    keys = value.type._static_cache_key, kept.type._static_cache_key
    tested = _Time(form, is_spaced(value), keys, value.type, kept.type)
    # A type that SQLAlchemy caches nothing by is known by nothing.
    made = _made if NO_CACHE not in keys else _made.__wrapped__
    return Naming((make, tested), value, made(make, tested))


@lru_cache(maxsize=256)
def _made(make: Made, time: _Time) -> Sql:
    at = Named(None, type_=time.type)
    return make.by(
        lambda point: _tested(at, time, operators.ge, point),
        lambda point: _tested(at, time, operators.lt, point),
    )


def _tested(at: Sql, time: _Time, op: Any, point: date) -> Sql:
    form, kind = time.form, time.kept
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
            if time.spaced:
                return StepTest(op, end, at, constant)
        case _:
            constant = CONSTANTS[Kind.DATE](None, end, kind, unique=True)
    return sa.BinaryExpression(at, constant, op, _TRUTH)


_TRUTH = sa.Boolean()
_WHOLE = sa.BigInteger()
