"""Times that a type of SQLite is told to keep as texts in a form of the app's own."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

_MOMENT = datetime(2026, 5, 9, 13, 30, 15, 123_456)
_READ = r"2026-05-09(?:[ T]13:30:15(?:\.\d+)?)?"


def foreign_form(kind: TypeEngine[Any]) -> str | None:
    """Why SQL cannot ask for the times of a type, if SQLite keeps them as ``09/05/2026``."""
    below = kind._variant_mapping.get("sqlite", kind)
    match below:
        case sqlite.DATETIME():
            moment: Any = _MOMENT
        case sqlite.DATE():
            moment = _MOMENT.date()
        case _:
            return None
    processor = below.bind_processor(sqlite.dialect())
    try:
        written = str(processor(moment)) if processor is not None else ""
    except Exception:  # a format of the app's
        written = str(getattr(below, "_storage_format", ""))
    if not written or re.fullmatch(_READ, written):
        return None
    told = "which SQL can neither read nor order: leave storage_format out"
    return f"SQLite keeps it as {written!r}, {told}"
