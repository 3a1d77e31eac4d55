"""The wording of every message: one table, from which the docs are made."""

from __future__ import annotations

from segmentkit._diagnostics import meaning_messages, text_messages
from segmentkit._diagnostics.code import Code

__all__ = ["CODES", "Code"]

CODES = {
    entry.id: entry
    for entry in sorted((*text_messages.TABLE, *meaning_messages.TABLE), key=lambda entry: entry.id)
}
