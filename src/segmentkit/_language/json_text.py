"""JSON as text: read strictly, so that no reader's habits change what was written."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from attrs import frozen


class Unreadable(Exception):
    """Not JSON: says why."""


@frozen
class Repeated:
    """An object in which a key is there twice; most readers keep the last one in silence."""

    key: str


def read_json(text: str | bytes) -> Any:
    """Read JSON.

    Args:
        text: The JSON.

    Returns:
        Its values. An object that has a key twice is a `Repeated`, and a number that is not a
        whole one of at most 20 digits is a decimal: nobody has rounded it yet.

    Raises:
        Unreadable: It is not JSON.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(
            decoded.removeprefix("\ufeff"),
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=Decimal,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise Unreadable("brackets are nested too deeply") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not UTF-8: byte {error.start} is wrong") from None
    except json.JSONDecodeError as error:
        told = f"{error.msg[:1].lower()}{error.msg[1:]}"
        raise Unreadable(f"{told} (line {error.lineno}, column {error.colno})") from None


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _MOST_DIGITS else Decimal("Infinity")


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:  # its exponent is larger than a decimal can have
        return Decimal("Infinity")


_MOST_DIGITS = 20


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Repeated:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    counts = Counter(key for key, _ in pairs)
    return Repeated(counts.most_common(1)[0][0])


def write_json(data: Any, *, indent: int | None = None) -> str:
    """Values of JSON as text, in which letters of all scripts stand as they are."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent)


class HasJson:
    """What can be written as JSON."""

    __slots__ = ()

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """It as values that JSON has."""

    def to_json(self, *, indent: int | None = None) -> str:
        """Write it as JSON, which `from_json` reads.

        Args:
            indent: How many spaces to indent by; by default, it is on one line.

        Returns:
            The text of `to_dict`.
        """
        return write_json(self.to_dict(), indent=indent)


def pointer_of(steps: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901).

    Example:
        >>> pointer_of(["where", "and", 0, "a/b"])
        '/where/and/0/a~1b'
    """
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
