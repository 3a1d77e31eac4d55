"""JSON values → values of the schema's types: None if absent or of another type.

The reference for every target. Objects are mappings; a document may also be JSON's text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from segmentkit._record.convert import reader
from segmentkit.dtypes import Kind
from segmentkit.errors import DataError
from segmentkit.schema import Attribute

_YEAR = "([0-9][0-9][0-9][1-9]|[0-9][0-9][1-9]0|[0-9][1-9]00|[1-9]000)"
DAY = f"{_YEAR}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]" + "[0-9]?" * 5 + ")?"
ZONE = "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?"
"""How days and clocks are written in JSON, which has no word for them: as ISO 8601 does.

All engines read these patterns alike, and templates of SQL have no other use for their signs.
"""

_DAY = re.compile(DAY)
_INSTANT = re.compile(f"{DAY}[T ]{CLOCK}{ZONE}")
_LARGEST = 2**63


def loose_reader(attribute: Attribute, entity: str) -> Callable[[Any], Any]:
    """Make the function that reads one value of a document.

    Args:
        attribute: What to read.
        entity: Whose attribute it is, for messages.

    Returns:
        A function of the document: a mapping, JSON as text, or missing. It raises ``DataError``
        where it is something else.
    """
    keys, look = attribute.path[1:], _LOOKS[attribute.dtype.kind]
    exact = reader(attribute, entity) if attribute.dtype.kind in _EXACT else None
    place = f"{entity}.{attribute.path[0]}"

    def read(document: Any) -> Any:
        found = parsed(document, place)
        for key in keys:
            is_object = type(found) is dict or isinstance(found, Mapping)
            found = found.get(key) if is_object else None
        value = None if found is None else look(found)
        return value if exact is None or value is None else exact(value, {})

    return read


def parsed(value: Any, place: str) -> Any:
    """A document as objects, if it is JSON's text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:60] + "…"
        raise DataError(f"{place} must be JSON, not {shown}") from None


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def _whole(value: Any) -> Any:
    """Whole numbers, 1.0 among them, that databases hold."""
    number = _number(value)
    if number is None or number != int(number) or not -_LARGEST <= number < _LARGEST:
        return None
    return int(number)


def _float(value: Any) -> Any:
    number = _number(value)
    try:
        return None if number is None else float(number)
    except OverflowError:
        return None


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _date(value: Any) -> Any:
    if isinstance(value, str):
        return _made(date.fromisoformat, value) if _DAY.fullmatch(value) else None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def instant(value: Any) -> Any:
    """The instant that a text tells; None if it tells none."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return None
    found = _made(datetime.fromisoformat, value)
    if found is None or found.tzinfo is None:
        return found
    try:
        return found.astimezone(UTC)
    except OverflowError:
        return None


def _made(make: Callable[[str], Any], text: str) -> Any:
    """What a text tells, unless it tells 30 February."""
    try:
        return make(text)
    except ValueError:
        return None


def _texts(value: Any) -> Any:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return None
    return tuple(each for each in value if isinstance(each, str))


_LOOKS: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _whole,
    Kind.FLOAT: _float,
    Kind.DECIMAL: _number,
    Kind.TEXT: _text,
    Kind.DATE: _date,
    Kind.TIMESTAMP: instant,
    Kind.TEXTS: _texts,
}
"""What a value of JSON is as one of a kind; None where it is none."""
_EXACT = (Kind.DECIMAL, Kind.TIMESTAMP)
"""Kinds of which there are several forms in Python."""
