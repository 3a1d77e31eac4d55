"""A record's values → values of the schema's types: None when missing, ``DataError`` when wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from uuid import UUID

from segmentkit._schema.stored_forms import LocalTime
from segmentkit.dtypes import Kind
from segmentkit.errors import DataError
from segmentkit.schema import Attribute

KINDS: dict[Kind, type] = {
    Kind.BOOLEAN: bool,
    Kind.INTEGER: int,
    Kind.FLOAT: float,
    Kind.DECIMAL: Decimal,
    Kind.TEXT: str,
    Kind.DATE: date,
    Kind.TIMESTAMP: datetime,
    Kind.TEXTS: tuple,
}
"""The type that the values of each kind have in Python."""


def reader(attribute: Attribute, entity: str) -> Callable[[Any, Mapping[str, Any] | None], Any]:
    """Make the function that reads one attribute.

    Args:
        attribute: What to read.
        entity: Whose attribute it is, for messages.

    Returns:
        A function of the raw value, None if there is none, and of the record that it is from,
        which is None beyond a missing link.
    """
    convert = _read_of(attribute)
    place = f"{entity}.{attribute.name}"

    def read(value: Any, record: Mapping[str, Any] | None) -> Any:
        if record is None:
            return None
        if is_missing(value):
            if attribute.nullable:
                return None
            if value is None and attribute.name not in record:
                keys = ", ".join(map(str, record)) or "nothing"
                raise DataError(f"the record has no {place!r}; it has {keys}")
            raise DataError(f"{place} is missing, and the schema does not declare it nullable")
        try:
            found = convert(_stored(value, attribute))
        except (TypeError, ValueError, OverflowError, InvalidOperation):
            if isinstance(value, Decimal) and not value.is_finite():
                raise DataError(f"{place} must be finite, not {value}") from None
            shown = repr(value)
            shown = shown if len(shown) <= 60 else shown[:60] + "…"
            raise DataError(
                f"{place} must be {_described(attribute)}, not {type(value).__name__} {shown}"
            ) from None
        if found is None and not attribute.nullable:
            raise DataError(
                f"{place} is missing, since {value!r:.60} is not in its encoding, and the schema "
                "does not declare it nullable"
            )
        return found

    return read


def _read_of(attribute: Attribute) -> Callable[[Any], Any]:
    """What makes a value of what is stored; None where an encoding does not tell."""
    form = attribute.form
    if form is None:
        return _CONVERT[attribute.dtype.kind]
    plain = _clock if isinstance(form, LocalTime) else _CONVERT[form.stored.kind]
    read: Callable[[Any], Any] = form.read
    return lambda value: read(plain(value))


def _described(attribute: Attribute) -> str:
    return str(attribute.dtype if attribute.form is None else attribute.form)


def _stored(value: Any, attribute: Attribute) -> Any:
    """The value as a table would hold it: an enum's name or value, money in whole units."""
    if isinstance(value, Enum):
        return value.name if value.name in attribute.values else value.value
    scale = attribute.dtype.scale
    if scale is not None and isinstance(value, float):
        # The shortest text of a float is the decimal that was meant: 0.1, not 0.10000000000000001.
        return round(Decimal(repr(_plain(value))), scale)
    return value


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or pandas' NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    if isinstance(value, Decimal):
        return value.is_nan()  # one kind of NaN can not even be compared
    if isinstance(value, float | datetime) or type(value).__name__ == "NaTType":
        return bool(value != value)
    return False


def _plain(value: Any) -> Any:
    """A numpy scalar as the Python value that it holds."""
    return value.item() if type(value).__module__ == "numpy" else value


def _boolean(value: Any) -> bool:
    value = _plain(value)
    if type(value) is bool:
        return value
    raise TypeError


def _integer(value: Any) -> int:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError
    if isinstance(value, Decimal):
        value = _sensible(value)
    if value != int(value):
        raise ValueError
    return int(value)


def _float(value: Any) -> float:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError
    return float(value)


def _decimal(value: Any) -> Decimal:
    value = _plain(value)
    if isinstance(value, Decimal):
        return _sensible(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    # The shortest text of a float is the decimal that was meant: 0.1, not 0.1000000000000000055….
    return _sensible(Decimal(repr(value)))


def _sensible(value: Decimal) -> Decimal:
    """A decimal that a column could hold: infinities and a million digits do not compute."""
    if not value.is_finite() or abs(value.adjusted()) > _MOST_DIGITS:
        raise ValueError
    return value


_MOST_DIGITS = 1000


def _text(value: Any) -> str:
    value = _plain(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            raise ValueError
        return value.date()
    if isinstance(value, date):
        return value
    raise TypeError


def _timestamp(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError
    if type(value) is not datetime:
        # pandas' own type, which counts nanoseconds: the language counts microseconds.
        moment = datetime(
            value.year, value.month, value.day, value.hour, value.minute, value.second,
            value.microsecond, value.tzinfo, fold=value.fold,
        )  # fmt: skip
    else:
        moment = value
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)


def _clock(value: Any) -> datetime:
    """What a clock showed, which is without a zone."""
    if getattr(value, "tzinfo", None) is not None:
        raise ValueError
    return _timestamp(value)


def _texts(value: Any) -> tuple[str, ...]:
    """The texts of a list; those that are missing in it are none."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise TypeError
    return tuple(_text(each) for each in value if not is_missing(each))


_CONVERT: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _integer,
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.TEXT: _text,
    Kind.DATE: _date,
    Kind.TIMESTAMP: _timestamp,
    Kind.TEXTS: _texts,
}
