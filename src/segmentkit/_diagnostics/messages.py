"""The wording of every message and hint: tables, from which the docs are made, and translations."""

from __future__ import annotations

from segmentkit._diagnostics import hints, meaning_messages, text_messages
from segmentkit._diagnostics.code import Code

__all__ = ["CODES", "HINTS", "Code"]

CODES = {
    entry.id: entry
    for entry in sorted((*text_messages.TABLE, *meaning_messages.TABLE), key=lambda entry: entry.id)
}

HINTS = {code: entry.hint for code, entry in CODES.items() if entry.hint is not None} | hints.TABLE
"""The wordings of hints by their ids; that of a hint which belongs to a code is the code."""
