"""Periods of the calendar, as they are written."""

from __future__ import annotations

import re
from datetime import date

from segmentkit._diagnostics.diagnostic import Span
from segmentkit._language.syntax import NOWHERE, Period


def period_of(text: str, span: Span = NOWHERE) -> Period:
    """``2026``, ``2026-05``, ``2026-05-09``.

    Raises:
        ValueError: The calendar has no such period.
    """
    if not _PERIOD.fullmatch(text):
        raise ValueError(text)
    parts = [int(part) for part in text.split("-")]
    date(*parts, *[1] * (3 - len(parts)))
    month, day = (*parts[1:], None, None)[:2]
    return Period(parts[0], month, day, span)


_PERIOD = re.compile(r"\d{4}(?:-\d{2}){0,2}")
