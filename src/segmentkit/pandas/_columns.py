"""A frame's column, of any dtype, as values of the schema's type."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias, assert_never

import numpy as np
import pandas as pd
from attrs import evolve

from segmentkit._calendar import FIRST_MICRO, LAST_MICRO, shown_steps
from segmentkit._record.convert import KINDS, reader
from segmentkit._schema.stored_forms import Encoding, Form, LocalTime
from segmentkit.dtypes import INTEGER, DType, Kind
from segmentkit.errors import DataError
from segmentkit.pandas._arrays import Array, Mask, Vector, integers, masked
from segmentkit.pandas._arrow import ArrowValues, arrow_values, objects
from segmentkit.pandas._exact_numbers import EXACT_FLOAT, INT64, size, to_float, widened
from segmentkit.pandas._native_compare import Stored, are_whole
from segmentkit.schema import Attribute

Column: TypeAlias = "pd.Series[Any]"

_FIRST, _LAST = np.datetime64(datetime.min, "us"), np.datetime64(datetime.max, "us")
_EXACT_ROUNDING = 2**49
"""Below it, a float times a power of ten is off by an eighth at most."""
_UNSURE = 0.25
"""A product that is so far from a whole number may be between two of them."""


def read(column: Column, attribute: Attribute, entity: str) -> Vector | Stored:
    """The values of a column that does not hold texts.

    Args:
        column: A column of a frame.
        attribute: What it is, according to the schema.
        entity: Whose it is, for messages.

    Returns:
        Its values in the rows' order.

    Raises:
        DataError: It holds what the schema does not say.
    """
    if attribute.form is not None:
        return _of_form(column, attribute, attribute.form, entity)
    values = stored(column)
    kind = attribute.dtype.kind
    found: Vector | Stored | None
    match kind:
        case Kind.BOOLEAN:
            found = values if values and values.kind is Kind.BOOLEAN else None
        case Kind.INTEGER:
            found = whole(values)
            if found is None and values is not None and values.kind is Kind.FLOAT:
                check_exact(f"{entity}.{attribute.name}", values.data)
        case Kind.FLOAT:
            found = to_float(values) if values and _is_number(values) else None
        case Kind.DECIMAL:
            found = _decimal(values, attribute.dtype.scale)
        case Kind.DATE:
            found = _date(values, column.dtype)
        case Kind.TIMESTAMP:
            found = _timestamp(values)
        case Kind.TEXT | Kind.TEXTS | Kind.ANNIVERSARY:
            raise AssertionError(kind)
        case _:
            assert_never(kind)
    return found if found is not None else _one_by_one(column, attribute, entity)


def _is_number(values: Vector) -> bool:
    return values.kind in (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)


# -- what is stored: a vector of the kind that the dtype tells ------------------------------------


def stored(column: Column) -> Vector | None:
    """A column's values as its dtype tells them; None where it does not."""
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = stored(pd.Series(dtype.categories))
        codes: Array = column.cat.codes.to_numpy(np.intp)
        return None if categories is None else categories.take(codes)
    if isinstance(dtype, pd.ArrowDtype):
        return _of_arrow(arrow_values(column))
    if isinstance(dtype, pd.SparseDtype):
        return _of_numpy(np.asarray(column.array))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _of_numpy(np.asarray(column.array, dtype=f"M8[{dtype.unit}]"))
    if pd.api.types.is_extension_array_dtype(dtype):
        return _of_nullable(column, dtype.kind)
    return _of_numpy(column.to_numpy())


def _of_numpy(data: Array, mask: Mask | None = None) -> Vector | None:
    match data.dtype.kind:
        case "b":
            return masked(Kind.BOOLEAN, data, mask)
        case "i":
            return masked(Kind.INTEGER, data.astype(np.int64, copy=False), mask)
        case "u":
            wide = size(data) >= INT64
            return masked(Kind.INTEGER, data.astype(object if wide else np.int64), mask)
        case "f":
            return masked(Kind.FLOAT, widened(data), mask)
        case "M":
            return masked(Kind.TIMESTAMP, data, mask)
        case _:
            return None


def _of_nullable(column: Column, kind: str) -> Vector | None:
    """Arrays of pandas with a mask."""
    if kind not in "biuf":
        return None
    array: Any = column.array
    if kind == "f":
        return _of_numpy(array.to_numpy(dtype=array.dtype.numpy_dtype, na_value=np.nan))
    mask = array.isna()
    stored = {"b": np.bool_, "i": np.int64, "u": np.uint64}[kind]
    return _of_numpy(array.to_numpy(dtype=stored, na_value=0), mask if mask.any() else None)


def _of_arrow(values: ArrowValues | None) -> Vector | None:
    if values is None:
        return None
    if values.is_date:
        return masked(Kind.DATE, values.data.astype("M8[D]"), values.mask)
    if values.scale is not None:
        return masked(Kind.DECIMAL, values.data, values.mask, values.scale)
    return _of_numpy(values.data, values.mask)


# -- what is stored → what the schema says --------------------------------------------------------


def whole(values: Vector | None) -> Vector | Stored | None:
    """Whole numbers; those with gaps are often kept as floats."""
    if values is None or not _is_number(values):
        return None
    if values.kind is Kind.DECIMAL:
        whole, rest = np.divmod(values.data, 10**values.scale)
        return None if rest.any() else masked(Kind.INTEGER, whole, values.mask)
    if values.kind is Kind.INTEGER:
        return values
    return Stored(Kind.INTEGER, values) if are_whole(values.data) else None


def check_exact(place: str, numbers: Array) -> None:
    """Make sure that no float was another whole number before it was a float.

    Raises:
        DataError: One may have been; says how to read it.
    """
    wide = np.isfinite(numbers) & (abs(numbers) >= EXACT_FLOAT)
    if wide.any():
        raise DataError(
            f"{place} holds floats, which are not exact from 2**53 on: {numbers[wide][0]:.0f} may "
            'have been another number. Read it as whole numbers, by dtype="Int64"'
        )


def _decimal(values: Vector | None, scale: int | None) -> Vector | None:
    if values is None or not _is_number(values):
        return None
    if values.kind is not Kind.FLOAT:
        return masked(Kind.DECIMAL, values.data, values.mask, values.scale)
    mask = np.isnan(values.data)
    data = np.where(mask, 0.0, values.data)
    if not np.isfinite(data).all():
        return None
    power = 10.0 ** (scale or 0)
    if scale is None or not (abs(data) < _EXACT_ROUNDING / power).all():
        return _of_decimals([Decimal(repr(v)) for v in data.tolist()], mask, scale)
    # A float that stands for cents is the one nearest to them: rounding finds them again.
    scaled = data * power
    rounded = np.rint(scaled)
    cents = rounded.astype(np.int64)
    # Others are rounded by the digits that they show, of which the product may know too little.
    for row in np.flatnonzero(abs(scaled - rounded) > _UNSURE):
        cents[row] = _unscaled(Decimal(repr(data[row].item())), scale)
    return masked(Kind.DECIMAL, cents, mask, scale)


def _of_decimals(values: list[Decimal], mask: Mask, scale: int | None) -> Vector:
    """Finite decimals as whole numbers, at a given scale or else at the greatest among them."""
    if scale is None:
        scale = max((_digits(v) for v in set(values)), default=0)
    data = integers([_unscaled(v, scale) for v in values])
    return masked(Kind.DECIMAL, data, mask, scale)


def _digits(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _unscaled(value: Decimal, scale: int) -> int:
    """``value`` times ten to the scale, rounded half to even."""
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(numerator * 10**scale, denominator)
    result: int = whole if not rest else round(whole + Fraction(rest, denominator))
    return result


def _date(values: Vector | None, dtype: Any) -> Vector | Stored | None:
    """Days; of an instant without a zone, its day."""
    if values is None or values.kind is Kind.DATE:
        return values
    if values.kind is not Kind.TIMESTAMP or _has_zone(dtype):
        return None
    return Stored(Kind.DATE, values)


def _timestamp(values: Vector | None) -> Vector | Stored | None:
    if values is None or values.kind is not Kind.TIMESTAMP:
        return None
    return values if values.data.dtype == "M8[us]" else Stored(Kind.TIMESTAMP, values)


def _has_zone(dtype: Any) -> bool:
    if isinstance(dtype, pd.CategoricalDtype):
        return _has_zone(dtype.categories.dtype)
    return isinstance(dtype, pd.DatetimeTZDtype) or "tz=" in str(dtype)


# -- what is stored in a form of its own ----------------------------------------------------------


def _of_form(column: Column, attribute: Attribute, form: Form, entity: str) -> Vector:
    """The values of what a column stores in a form."""
    if isinstance(form, Encoding) or (isinstance(form, LocalTime) and _has_zone(column.dtype)):
        return _by_distinct(column, attribute, entity)
    raw = _by_kind(stored(column), form.stored)
    raw = raw.settled if isinstance(raw, Stored) else raw
    if raw is None or raw.data.dtype == object:
        return _by_distinct(column, attribute, entity)
    if isinstance(form, LocalTime):
        return masked(Kind.TIMESTAMP, _first_shown(raw.data, form), None)
    limits = FIRST_MICRO // form.micros, LAST_MICRO // form.micros
    if not ((raw.data >= limits[0]) & (raw.data <= limits[1])).all():
        return _by_distinct(column, attribute, entity)
    return masked(Kind.TIMESTAMP, (raw.data * form.micros).view("M8[us]"), raw.mask)


def _by_kind(values: Vector | None, dtype: DType) -> Vector | Stored | None:
    return whole(values) if dtype == INTEGER else _timestamp(values)


def _by_distinct(column: Column, attribute: Attribute, entity: str) -> Vector:
    """The distinct values as Python's objects, each read as one of a record is."""
    look = reader(evolve(attribute, nullable=True), entity)
    raw = objects(column)
    # What are equal need not be of one type: True is no number here.
    codes: dict[tuple[type, Any], int] = {}
    places = np.empty(len(raw), dtype=np.intp)
    values: list[Any] = []
    for row, value in enumerate(raw):
        try:
            place = codes.setdefault((type(value), value), len(values))
        except TypeError:
            place = len(values)
        if place == len(values):
            values.append(look(value, _ROW))
        places[row] = place
    mask = np.array([v is None for v in values], dtype=np.bool_)
    return of_objects(values, mask, attribute, entity).take(places)


def _first_shown(shown: Array, form: LocalTime) -> Array:
    """`_calendar.first_shown` of many times, by a table of what the clock skipped and repeated."""
    if not len(present := shown[~np.isnat(shown)]):
        return shown
    found = np.unique(present.astype("M8[Y]")).astype(np.int64) + 1970
    near = {int(year) + more for year in found for more in (-1, 0, 1)}
    years = sorted(near & set(range(MINYEAR, MAXYEAR + 1)))
    steps = shown_steps(form.clock, years)
    since, skipped = (np.array([s[i] for s in steps], dtype="M8[us]") for i in (0, 1))
    ahead = np.array([s[2] for s in steps], dtype="m8[s]")
    # Before a jump, those that it skips are as good as the first of them.
    after = np.append(skipped[1:], _LAST)
    place = np.searchsorted(since, shown, side="right") - 1
    instants = np.minimum(shown, after[place]) - ahead[place]
    return np.clip(np.where(np.isnat(shown), shown, instants), _FIRST, _LAST)


# -- objects --------------------------------------------------------------------------------------


def _one_by_one(column: Column, attribute: Attribute, entity: str) -> Vector:
    """The values as Python's objects, each read as one of a record is."""
    kind = attribute.dtype.kind
    look = reader(evolve(attribute, nullable=True), entity)
    plain = KINDS[kind]
    if kind is Kind.INTEGER:
        floats = [v for v in objects(column) if isinstance(v, float)]
        check_exact(f"{entity}.{attribute.name}", np.array(floats, dtype=np.float64))
    if kind in (Kind.DECIMAL, Kind.TIMESTAMP):
        values = [look(v, _ROW) for v in objects(column)]
    else:
        values = [v if type(v) is plain else look(v, _ROW) for v in objects(column)]
    mask = np.array([v is None for v in values], dtype=np.bool_)
    return of_objects(values, mask, attribute, entity)


_ROW: dict[str, Any] = {}
"""The reader asks for the record to say what it has when a key is absent; here none can be."""


def of_objects(values: list[Any], mask: Mask, attribute: Attribute, entity: str) -> Vector:
    """Python's values as a vector."""
    kind = attribute.dtype.kind
    match kind:
        case Kind.FLOAT:
            return Vector(kind, np.array(values, dtype=np.float64))
        case Kind.DATE:
            return Vector(kind, np.array(values, dtype="M8[D]"))
        case Kind.TIMESTAMP:
            return Vector(kind, np.array(values, dtype="M8[us]"))
        case Kind.BOOLEAN:
            return masked(kind, np.array(values, dtype=np.bool_), mask)
        case Kind.INTEGER:
            return masked(kind, integers([v or 0 for v in values]), mask)
        case _:
            decimals = [_ZERO if v is None else v for v in values]
            for value in decimals:
                if not value.is_finite():
                    raise DataError(f"{entity}.{attribute.name} must be finite, not {value}")
            return _of_decimals(decimals, mask, None)


_ZERO = Decimal(0)
