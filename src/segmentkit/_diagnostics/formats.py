"""Numbers and days as a language writes them; Babel knows how, if it is installed."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

ENGLISH = "en"


def number_in(language: str, text: str) -> str:
    """A number that is written in English, as a language writes it."""
    return text if language == ENGLISH else text.translate(_separators(language))


@lru_cache(maxsize=16)
def _separators(language: str) -> dict[int, str]:
    try:
        from babel import numbers  # noqa: PLC0415 - optional, and slow to load
    except ImportError:
        return {}
    group = numbers.get_group_symbol(language)
    return str.maketrans({",": group, ".": numbers.get_decimal_symbol(language)})


_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def day_in(language: str, text: str) -> str:
    """A text that begins with a day such as 2026-05-09, with the day as a language writes it."""
    found = _DAY.match(text)
    if language == ENGLISH or found is None:
        return text
    try:
        from babel import dates  # noqa: PLC0415 - optional, and slow to load
    except ImportError:
        return text
    day = dates.format_skeleton("yMd", date.fromisoformat(found[0]), locale=language)
    return f"{day}{text[found.end() :]}"


class Shown(int):
    """A whole number that a format with separators shows as a language does."""

    language: str

    def __new__(cls, value: int, language: str) -> Shown:
        made = super().__new__(cls, value)
        made.language = language
        return made

    def __format__(self, spec: str) -> str:
        return number_in(self.language, format(int(self), spec))
