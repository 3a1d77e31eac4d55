"""Numbers, shares and days as a language writes them; Babel knows how, if it is installed."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def _babel() -> Any:
    try:
        from babel import dates, numbers  # noqa: PLC0415 - optional, and slow to load
    except ImportError:
        return None
    return numbers, dates


def number(value: float, language: str, digits: int = 0) -> str:
    """A number with separators, and so many digits after the point."""
    english = f"{value:,.{digits}f}"
    if language == "en" or (library := _babel()) is None:
        return english
    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return str(library[0].format_decimal(value, pattern, locale=language))


class Shown(int):
    """A whole number that a format with separators shows as a language does."""

    language: str

    def __new__(cls, value: int, language: str) -> Shown:
        made = super().__new__(cls, value)
        made.language = language
        return made

    def __format__(self, spec: str) -> str:
        return number(int(self), self.language) if spec == "," else format(int(self), spec)
