"""JSON that someone else wrote: as an object, or as its text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from segmentkit.interchange._reader import Reader

MAX_CHARACTERS = 1_000_000


class _Unfit(ValueError):
    """JSON that says something twice, or that is no number."""


def loaded(reader: Reader, given: Any) -> Any:
    """What a text of JSON says, or the object itself.

    Raises:
        Refusal: It is not JSON.
    """
    if not isinstance(given, str):
        return given
    if len(given) > MAX_CHARACTERS:
        raise reader.wrong("", f"the text has more than {MAX_CHARACTERS:,} characters")
    try:
        return json.loads(
            given,
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except _Unfit as error:
        raise reader.wrong("", str(error)) from None
    except RecursionError:
        raise reader.refusal("SK007", "") from None
    except ValueError as error:
        told = f"the text is not JSON: {error}".partition("\n")[0]
        raise reader.wrong("", told[:200]) from None


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise _Unfit("a number is out of range") from None


def _whole(digits: str) -> int | Decimal:
    # Python reads no more than some thousand digits, and definitions have 19.
    return int(digits) if len(digits) < _MOST_DIGITS else _decimal(digits)


_MOST_DIGITS = 100


def _constant(word: str) -> Any:
    raise _Unfit(f"{word} is no number")


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Unfit(f"an object has the key {key[:40]!a} twice")
        found[key] = value
    return found
