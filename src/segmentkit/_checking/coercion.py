"""Which type a constant has, and how numbers of two types meet."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from uuid import UUID

from segmentkit._diagnostics.wording import Term, term
from segmentkit._planning import ir
from segmentkit.dtypes import BOOLEAN, DATE, FLOAT, INTEGER, TEXT, TIMESTAMP, DType, Kind, decimal

_decimal = cache(decimal)
_DTYPES: dict[type, DType] = {
    bool: BOOLEAN, int: INTEGER, float: FLOAT, str: TEXT, datetime: TIMESTAMP, date: DATE,
}  # fmt: skip


def literal_dtype(value: ir.Constant) -> DType:
    """The type of a constant."""
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return _decimal(max(0, -exponent)) if isinstance(exponent, int) else decimal()
    found = _DTYPES.get(type(value))
    return found or next(dtype for kind, dtype in _DTYPES.items() if isinstance(value, kind))


def as_uuid(value: object) -> str | None:
    """A text that is a UUID, in the form that attributes have."""
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def kind_of(dtype: DType) -> Term:
    """What a value of a type is, as messages say it."""
    return term(f"a{'n' * (dtype.family[0] in 'aeiou')} {dtype.family}")


def to_float(value: ir.Value) -> ir.Value:
    if value.dtype.kind is Kind.FLOAT:
        return value
    if isinstance(value, ir.Const) and isinstance(value.value, int | Decimal):
        return ir.Const(float(value.value), FLOAT)
    return ir.ToFloat(value)


def aligned(left: ir.Value, right: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Exact numbers and floats meet as floats, as they do in databases."""
    a, b = left.dtype.kind, right.dtype.kind
    if a is not b and Kind.FLOAT in (a, b):
        return to_float(left), to_float(right)
    return left, right


def exact_dtype(operator: str, left: DType, right: DType) -> DType:
    """The type of exact arithmetic."""
    if left == right == INTEGER:
        return INTEGER
    scales = [0 if d == INTEGER else d.scale for d in (left, right)]
    if None in scales:
        return decimal()
    known = [s for s in scales if s is not None]
    return decimal(sum(known) if operator == "*" else max(known))
