"""Spellings of functions that databases have no word for, made of what they have."""

from __future__ import annotations

# The remainder of a division has the sign of the dividend there. The least whole number divided by
# -1 is beyond the greatest.
MODULO = (
    "CASE WHEN {0} IS NULL OR {1} = 0 THEN NULL WHEN {1} = -1 THEN 0"
    " WHEN ~ < 0 AND {1} > 0 OR ~ > 0 AND {1} < 0 THEN ~ + {1} ELSE ~ END"
)
"""The remainder with the sign of the divisor; ~ is the one that the database computes."""


def version_by(replaced: str, sign: int, text: str = "{0}") -> str:
    """How the key of a version is made by replacements, and ``sign`` is the first one's operand."""
    parts = replaced.format(text, "{2}", f"{{{sign}}}")
    names = f"replace(replace({parts}, '!!!', '!!~!'), '.', '!!')"
    numbers = replaced.format(names, "{5}", f"{{{sign + 3}}}")
    return f"CASE WHEN {{1}} THEN {replaced.format(numbers, '{8}', f'{{{sign + 6}}}')} END"
