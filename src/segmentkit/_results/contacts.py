"""Addresses in the forms that others take: phone numbers as E.164, and hashes of platforms.

What cannot be an address is missing: it is never handed over as something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from segmentkit.handover import Field


def form_of(field: Field) -> Callable[[Any], Any]:
    """What makes of a value what is handed over.

    Raises:
        ImportError: It is about phone numbers, and phonenumbers is not installed.
    """
    match field.form:
        case None:
            return lambda value: value
        case "e164":
            return _phone(field.region)
        case "hashed_email":
            return hashed_email
        case "hashed_phone":
            number, change = _phone(field.region), _PHONES[str(field.platform)]
            return lambda value: _hashed(number(value), change)
        case _:
            raise AssertionError(field.form)


def hashed_email(value: object) -> str | None:
    """What all platforms compare: SHA-256 of the e-mail in lower case, without space around it.

    Example:
        >>> hashed_email("  Ada@Example.com ") == hashed_email("ada@example.com")
        True
        >>> hashed_email("nowhere") is None
        True
    """
    text = value.strip().lower() if isinstance(value, str) else ""
    before, at, after = text.rpartition("@")
    return _digest(text) if before and at and after and not set(text) & set(" \t\n") else None


_PHONES: Mapping[str, Callable[[str], str]] = {
    "google": lambda number: number,
    "tiktok": lambda number: number,
    # The digits of the country and of the number alone.
    "meta": lambda number: number.removeprefix("+"),
    "snapchat": lambda number: number.removeprefix("+"),
}
"""How platforms write phone numbers before they hash them."""


def _hashed(number: str | None, change: Callable[[str], str]) -> str | None:
    return None if number is None else _digest(change(number))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _phone(region: str | None) -> Callable[[Any], str | None]:
    try:
        import phonenumbers  # noqa: PLC0415 - optional
    except ImportError as error:
        message = 'phone numbers need phonenumbers: pip install "segmentkit[phones]"'
        raise ImportError(message, name=error.name) from error

    def number_of(value: Any) -> str | None:
        if not isinstance(value, str):
            return None
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_valid_number(number):
            return None
        found: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        return found

    return number_of
