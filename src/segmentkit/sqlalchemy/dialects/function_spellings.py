"""Spellings of functions that databases have no word for, made of what they have."""

from __future__ import annotations

# The remainder of a division has the sign of the dividend there. The least whole number divided by
# -1 is beyond the greatest.
MODULO = (
    "CASE WHEN {0} IS NULL OR {1} = 0 THEN NULL WHEN {1} = -1 THEN 0"
    " WHEN ~ < 0 AND {1} > 0 OR ~ > 0 AND {1} < 0 THEN ~ + {1} ELSE ~ END"
)
"""The remainder with the sign of the divisor; ~ is the one that the database computes."""


_SPLIT = "split_part({0}, '{1}', {2})"
# Of a text with more dots than it has, all of which are there.
SPLIT_BY_INDEX = "substring_index(substring_index(concat({0}, '{1}{1}{1}'), '{1}', {2}), '{1}', -1)"


def version_by(
    replaced: str,
    sign: int,
    text: str = "{0}",
    *,
    split: str = _SPLIT,
    padded: str = "lpad({0}, 18, '0')",
) -> str:
    """How the key of a version is made.

    Args:
        replaced: How all places are replaced that match a pattern, in a text, by another.
        sign: The first operand that writes a group as the database does.
        text: The text.
        split: The part between signs of a text; its number is {2}.
        padded: Digits of one length.
    """
    whole = split.format(text, "+", 1)
    core = f"replace({split.format(whole, '-', 1)}, 'v', '')"
    numbers = ", '!!#', ".join(padded.format(split.format(core, ".", n)) for n in range(1, 5))
    place = f"position('-' in {whole})"
    names = f"concat('!', replace(substr({whole}, {place} + 1), '.', '!!'), '!')"
    for operand in (2, 5):
        names = replaced.format(names, f"{{{operand}}}", f"{{{operand + sign - 2}}}")
    # Few have names, which take their time.
    rest = f"CASE WHEN {place} = 0 THEN '!~!' ELSE {names} END"
    return f"CASE WHEN {{1}} THEN concat('!#', {numbers}, '!', {rest}) END"
