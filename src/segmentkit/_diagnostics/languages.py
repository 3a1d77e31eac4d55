"""In which language people are spoken to: catalogs of gettext, beside English."""

from __future__ import annotations

import gettext
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from segmentkit._diagnostics.formats import ENGLISH, Shown, day_in, number_in
from segmentkit._diagnostics.wording import Term, filled

VARIABLE = "SEGMENTKIT_LANGUAGE"
DOMAIN = "segmentkit"
LOCALES = Path(__file__).parents[1] / "locale"
"""Where the catalogs are: ``uk/LC_MESSAGES/segmentkit.mo``."""

_chosen: ContextVar[str | None] = ContextVar("language", default=None)
_NAME = re.compile(r"([a-zA-Z]{2,3})(?:[-_.@,;].*)?", re.DOTALL)


def code_of(language: str) -> str:
    """The code of a language, of what environments and browsers have: ``uk`` of ``uk_UA.UTF-8``.

    Of the several languages of a header ``Accept-Language``, it is the first. What is no name of a
    language is none that has messages.
    """
    found = _NAME.fullmatch(language.strip())
    return found[1].lower() if found else ""


def is_known(language: str) -> bool:
    """Whether there are messages in a language."""
    code = code_of(language)
    return code == ENGLISH or (bool(code) and _file(code).is_file())


def known() -> list[str]:
    """The languages that there are messages in."""
    return sorted([ENGLISH, *(path.parts[-3] for path in LOCALES.glob("*/LC_MESSAGES/*.mo"))])


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """What is said in here is said in a language, if nothing else is asked for."""
    token = _chosen.set(language)
    try:
        yield
    finally:
        _chosen.reset(token)


def chosen(language: str | None = None) -> str:
    """The language asked for, or that of the command or the environment; else English.

    A language without messages is English, and that is said once.
    """
    asked = language or _chosen.get() or os.environ.get(VARIABLE) or ENGLISH
    return ENGLISH if asked == ENGLISH else _checked(code_of(asked) or asked[:20])


@lru_cache(maxsize=64)
def _checked(code: str) -> str:
    if is_known(code):
        return code
    told = f"there are no messages in {code!r}, so they are in English: there are "
    warnings.warn(told + ", ".join(known()), stacklevel=3)
    return ENGLISH


def _file(code: str) -> Path:
    return LOCALES / code / "LC_MESSAGES" / f"{DOMAIN}.mo"


@lru_cache(maxsize=16)
def _catalog(code: str) -> gettext.NullTranslations:
    with _file(code).open("rb") as stream:
        return gettext.GNUTranslations(stream)


TERM = "term"
"""The context of terms in catalogs; of messages it is the code, of hints ``hint`` and the id."""


def said(context: str, wording: str, values: Mapping[str, Any], language: str) -> str:
    """A wording with its values, in a language that has messages."""
    if language == ENGLISH:
        return filled(wording, values)
    translated = _catalog(language).pgettext(context, wording)
    return filled(translated, {name: _told(each, language) for name, each in values.items()})


def in_words(words: Term, language: str) -> str:
    """A term in a language that has messages."""
    return said(TERM, words.wording, words.values, language)


def _told(value: Any, language: str) -> Any:
    match value:
        case Term():
            return in_words(value, language)
        case bool():
            return value
        case int():
            return Shown(value, language)
        case _:
            return value


# -- numbers and days -----------------------------------------------------------------------------


def localized(value: Any, spec: str = ",") -> str:
    """A number with separators, or in another format, as the chosen language writes it."""
    return number_in(chosen(), format(value, spec))


def dated(instant: str) -> str:
    """A day, or an instant that begins with one, as the chosen language writes it."""
    return day_in(chosen(), instant)


# -- of a command line ----------------------------------------------------------------------------


def choose(language: str) -> None:
    """From here on, what is said is said in a language, if nothing else is asked for."""
    _chosen.set(language)


def of_environment() -> str | None:
    """The language of ``LC_ALL``, ``LC_MESSAGES`` or ``LANG``, if there are messages in it."""
    told = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return code_of(told) if is_known(told) else None
