"""Columns that keep values in a form of their own: their values, and tests of what they keep."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.sql import operators

from segmentkit._planning import ir
from segmentkit._schema.stored_forms import Counted, Encoding, Form, LocalTime
from segmentkit.dtypes import DType, Kind
from segmentkit.errors import SchemaError, UnsupportedError
from segmentkit.schema import Attribute
from segmentkit.sqlalchemy.dialects.bind_types import TYPES, sent
from segmentkit.sqlalchemy.dialects.column_types import codec_of
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Clocked, Spelled, TextTest, joined, later
from segmentkit.sqlalchemy.dialects.forms import InForm
from segmentkit.sqlalchemy.dialects.stored_values import decoded, varies
from segmentkit.sqlalchemy.dialects.time_zones import from_local, is_aware
from segmentkit.sqlalchemy.statements.comparisons import compared as plainly
from segmentkit.sqlalchemy.statements.comparisons import settled, tested
from segmentkit.sqlalchemy.statements.operators import NEGATED

Sql: TypeAlias = sa.ColumnElement[Any]

_EPOCH = datetime(1970, 1, 1)
_MISFITS: Mapping[Kind, tuple[type[Any], ...]] = {
    Kind.INTEGER: (sa.Float, sa.String, sa.Boolean, sa.DateTime, sa.Date),
    Kind.TEXT: (sa.Numeric, sa.Integer, sa.Boolean, sa.DateTime, sa.Date),
    Kind.TIMESTAMP: (sa.Numeric, sa.Integer, sa.Boolean, sa.String, sa.Date),
}
"""Types of columns that do not keep what a form says."""


def in_form(attribute: Attribute, column: Sql) -> InForm:
    """An attribute of a column that keeps it in a form.

    Raises:
        SchemaError: The column is of a type that does not keep such values.
        UnsupportedError: The column keeps a zone.
    """
    form, dtype = attribute.form, attribute.dtype
    assert form is not None
    kind = column.type
    if isinstance(kind, sa.Enum):
        column = decoded(column)
    elif codec_of(kind) is not None:
        raise SchemaError(
            f"the column {attribute.column!r} has the type {type(kind).__name__}, which converts "
            f"its values already: do not say that it is stored as {form}"
        )
    elif is_aware(column) or varies(kind):
        raise UnsupportedError(
            f"{attribute.name} is said to be stored as {form}, and its column {attribute.column!r} "
            f"keeps a zone with it ({type(kind).__name__}): do not say the zone"
        )
    elif isinstance(kind, _MISFITS[form.stored.kind]):
        raise SchemaError(
            f"{attribute.name} is said to be stored as {form}, and its column "
            f"{attribute.column!r} is {type(kind).__name__}"
        )
    type_ = TYPES[dtype.kind] if dtype.scale is None else sa.Numeric(38, dtype.scale)
    if dtype.kind is Kind.TIMESTAMP:
        type_ = Clocked()
    return InForm(form, column, _value(form, dtype, column), type_=type_)


def _value(form: Form, dtype: DType, kept: Sql) -> Sql:
    match form:
        case Counted("seconds"):
            return later(Spelled(Construct.AS_INSTANT, sent(_EPOCH, Kind.TIMESTAMP)), kept)
        case Counted():
            return Spelled(Construct.SINCE_1970, kept, sent(_EPOCH, Kind.TIMESTAMP))
        case LocalTime():
            return from_local(kept, form.clock)
        case Encoding(pairs):
            whens = [(_is(kept, told), sent(meant, dtype.kind)) for told, meant in pairs]
            return sa.case(*whens, else_=sa.null())


def _is(kept: Sql, told: str | int) -> Sql:
    if isinstance(told, int):
        return kept == sa.literal(told, sa.BigInteger())
    wanted: Sql = sa.literal(told, sa.String())
    wanted = wanted if told else Spelled(Construct.EMPTY_TEXT, wanted)
    kept = kept if told else Spelled(Construct.EMPTY_TEXT, kept)
    return TextTest.of(operators.eq, kept, wanted, operators.ne)


# -- tests of what is kept ------------------------------------------------------------------------


class Compiles(Protocol):
    """What compiles constants."""

    def constant(self, node: ir.Const, like: Sql | None = None) -> Sql:
        """A constant beside a column."""
        ...

    def one_of(self, operand: Sql, node: ir.OneOf | ir.Contains, *, positive: bool) -> Sql:
        """Whether an expression is one of the constants, or none of them."""
        ...


def absent(value: Sql, op: Any = operators.is_) -> Sql:
    """That a value is missing; by the other operator, that it is there."""
    # Of all forms, only an encoding can tell nothing of what is kept.
    plain = isinstance(value, InForm) and not isinstance(value.of, Encoding)
    return tested(op, value.kept if plain else value, sa.null())


def compared(of: Compiles, column: InForm, op: Any, constants: Sequence[ir.Value]) -> Sql:
    """A comparison of a column with a constant, by what it keeps; with several, ``=`` or ``!=``."""
    form, kept, positive = column.of, column.kept, op is not operators.ne
    values = [each.value for each in constants if isinstance(each, ir.Const)]
    some, ranges = kept_of(form, op if positive else operators.eq, values)

    def test(op: Any, end: Any) -> Sql:
        constant = ir.Const(end, form.stored)
        return plainly(constant, op, kept, of.constant(constant, kept))

    tests = [test(op if not positive else operators.eq, some[0])] if len(some) == 1 else []
    if len(some) > 1:
        options = tuple(ir.Const(each, form.stored) for each in some)
        tests.append(of.one_of(kept, ir.OneOf(options[0], options), positive=positive))
    for low, high in ranges:
        ends = [(operators.ge, low), (operators.lt, high)]
        found = [test(op if positive else NEGATED[op], end) for op, end in ends if end is not None]
        tests.append(joined(found or [absent(kept, operators.is_not)], conjunctive=positive))
    return joined(tests, conjunctive=not positive) if tests else settled(not positive)


Range: TypeAlias = tuple[Any, Any]
"""The least value, and the least one beyond; None where there is no end."""


def kept_of(form: Form, op: Any, constants: list[Any]) -> tuple[list[Any], list[Range]]:
    """What is kept of the values that compare so with a constant, or equal one of several.

    Returns:
        The values that can be kept, and ranges of them.
    """
    if isinstance(form, Encoding):
        test = _PLAIN[op]
        pairs = form.pairs
        return [told for told, meant in pairs if any(test(meant, c) for c in constants)], []
    ranges = [each for c in constants if (each := _range(form, op, c)) is not None]
    alone = [low for low, high in ranges if low is not None and high == _next(low)]
    return alone, [(low, high) for low, high in ranges if low is None or high != _next(low)]


def _range(form: Counted | LocalTime, op: Any, instant: datetime) -> Range | None:
    """What is kept from `low` on is not before an instant, and from `high` on it is after it."""
    low = form.least(instant)
    high = None if instant == datetime.max else form.least(instant + datetime.resolution)
    match op:
        case operators.lt:
            return None, low
        case operators.le:
            return None, high
        case operators.ge | operators.eq if low is None:
            return None
        case operators.ge:
            return low, None
        case operators.gt:
            return None if high is None else (high, None)
        case _:
            return None if low == high else (low, high)


def _next(kept: Any) -> Any:
    return kept + (datetime.resolution if isinstance(kept, datetime) else 1)


_PLAIN: Mapping[Any, Callable[[Any, Any], bool]] = {
    operators.eq: operator.eq,
    operators.lt: operator.lt,
    operators.le: operator.le,
    operators.gt: operator.gt,
    operators.ge: operator.ge,
}
