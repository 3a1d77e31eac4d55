"""Instants that SQLite keeps as texts, however those are written: one test serves all forms.

SQLAlchemy writes ``2026-05-01 10:00:00.000000``, SQLite's ``CURRENT_TIMESTAMP`` writes no fraction,
others write a ``T`` between the day and the clock, or fewer digits. As texts, these are in another
order than the instants are. Rather than rewrite what is stored, which would cost the index, a test
is put so that each form passes it just when its instant does: a bound without zeros at its end is
below every form of its instant, and above every form of an earlier one. So a test that takes the
instant of the bound with the earlier ones goes by the next microsecond. Beside the day stands which
of the two letters follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator

from segmentkit.sqlalchemy.dialects.column_types import codec_of
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Clocked, Composite, Spelled

Sql: TypeAlias = sa.ColumnElement[Any]

_T_FORM = "replace({p}, ' ', 'T')"
_T = "substr({p}, 1, 10) || 'T'"
_DAY = "{x} >= substr({p}, 1, 10) AND {x} < substr({p}, 1, 10) || 'U'"
# Of each OR, what nearly all rows pass stands first.
_FROM = f"({{x}} >= {{p}} AND ({{x}} >= {_T_FORM} OR {{x}} < {_T}))"
_BEFORE = f"({{x}} < {_T_FORM} AND ({{x}} < {{p}} OR {{x}} >= {_T}))"
_TEMPLATES = {
    operators.gt: _FROM,
    operators.ge: _FROM,
    operators.lt: _BEFORE,
    operators.le: _BEFORE,
    operators.eq: f"({_DAY} AND {{clock}} = {{p}})",
    operators.ne: "{clock} <> {p}",
    operators.in_op: "{clock} IN {p}",
    operators.not_in_op: "({clock} NOT IN {p})",
}
_USUAL = "%(year)04d-%(month)02d-%(day)02d %(hour)02d:%(minute)02d:%(second)02d"


class _Written(TypeDecorator[datetime]):
    """An instant as text, with all six digits of its fraction."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else _naive(value).isoformat(" ", "microseconds")


class _Edge(TypeDecorator[datetime]):
    """An instant as text that every form of it follows, or the next one, that none follows."""

    impl = sa.String
    cache_ok = True

    def __init__(self, after: bool) -> None:
        super().__init__()
        self.after = after

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        at = _naive(value)
        if self.after and at == datetime.max:
            return "9999-12-31 24"  # above the last instant
        return _edge(at + datetime.resolution if self.after else at)


def _edge(at: datetime) -> str:
    return at.isoformat(" ", "microseconds").rstrip("0").rstrip(".")


def _naive(value: datetime) -> datetime:
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


_EDGES = {
    operators.ge: _Edge(after=False),
    operators.lt: _Edge(after=False),
    operators.gt: _Edge(after=True),
    operators.le: _Edge(after=True),
}


class ClockTest(sa.BinaryExpression[bool]):
    """A test of an instant against constants."""

    inherit_cache = True

    def _negate(self) -> Any:
        plain: Any = super()._negate()  # type: ignore[no-untyped-call]
        return ClockTest(plain.left, plain.right, plain.operator, plain.type, plain.negate)


@compiles(ClockTest, "sqlite")
def _clock_test(element: ClockTest, compiler: SQLCompiler, **kw: Any) -> str:
    bound: Any = element.right
    bound = bound._with_binary_element_type(_EDGES.get(element.operator, _Written()))
    return _TEMPLATES[element.operator].format(
        x=compiler.process(element.left, **kw),
        p=compiler.process(bound, **kw),
        clock=compiler.process(Spelled(Construct.CLOCK, element.left), **kw),
    )


class StepTest(Composite):
    """That an instant is not before a constant, or is before it: short, and without an index.

    Args:
        op: Which of the two.
        point: The constant, which is ours, so that it can stand in the text.
        of: The instant, as `spaced` makes it.
        constant: The same constant as a parameter.
    """

    inherit_cache = True

    def __init__(self, op: Any, point: datetime, of: Sql, constant: Sql) -> None:
        super().__init__((op, point), of, constant, type_=sa.Boolean())


@compiles(StepTest)
def _step_test(element: StepTest, compiler: SQLCompiler, **kw: Any) -> str:
    (op, _), (of, constant) = element.of, element.clauses
    words: str = compiler.process(sa.BinaryExpression(of, constant, op), **kw)
    return words


@compiles(StepTest, "sqlite")
def _step_test_of_texts(element: StepTest, compiler: SQLCompiler, **kw: Any) -> str:
    (op, point), (of, _) = element.of, element.clauses
    sign = {operators.ge: ">=", operators.lt: "<"}[op]
    return f"{compiler.process(of, **kw)} {sign} '{_edge(point)}'"


def spaced(time: Sql) -> Sql:
    """An instant as steps of clocks are found by it, however it is written."""
    return Spelled(Construct.SPACED, time) if is_written(time) else time


def is_spaced(time: Sql) -> bool:
    """Whether SQLite keeps an instant as a text that `StepTest` takes."""
    is_made = isinstance(time, Spelled) and time.of is Construct.SPACED
    return is_made or isinstance(time.type, Clocked)


def is_written(column: Sql) -> bool:
    """Whether a column is of instants that SQLite keeps as texts, which others may have written."""
    if isinstance(column, Composite) or isinstance(column.type, Clocked):
        return False
    codec = codec_of(column.type)
    kind: Any = column.type if codec is None else codec.stored
    if not isinstance(kind, sa.DateTime) or not (codec is None or codec.plain):
        return False
    return not isinstance(kind, DATETIME) or kind._storage_format.startswith(_USUAL)


def on_one_clock(column: Sql) -> Sql:
    """Instants that can be compared with those of other columns, however each is written."""
    if not is_written(column):
        return column
    kind: Any = column.type
    known = type(kind) in _PLAIN and not kind.timezone
    return Spelled(Construct.CLOCK, column, type_=Clocked() if known else None)


def end_of(choose: Callable[[Sql], Sql], times: Sql) -> Sql:
    """The first of instants, or the last, as `on_one_clock` would have it: that one alone is made.

    With one sign before the clock, texts are in the order of their instants, but for zeros at the
    end, which tell nothing.
    """
    if not is_written(times):
        return choose(times)
    found = choose(Spelled(Construct.IN_ORDER, times, type_=times.type))
    return Spelled(Construct.IN_FULL, found, type_=on_one_clock(times).type)


_PLAIN = (sa.DateTime, DATETIME)
