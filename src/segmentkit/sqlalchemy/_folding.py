"""Templates that fold case with what every database has: ``lower``, ``translate``, ``replace``.

``lower`` maps a character to its one small character, and Unicode's case folding does the same of
all but the characters below. So folding is ``lower`` and the difference; tests hold the two lists
to Python's `str.casefold`, and every database to Python.
"""

from __future__ import annotations

from collections.abc import Iterable

_SINGLE = [
    0xB5,  # the micro sign, a mu
    0x17F,  # the long s
    0x345,  # the iota below a letter
    *(0x3C2, 0x3D0, 0x3D1, 0x3D5, 0x3D6, 0x3F0, 0x3F1, 0x3F5),  # final sigma, letters of formulas
    *range(0x1C80, 0x1C89),  # old forms of Cyrillic letters
    0x1E9B,  # the long s with a dot
    0x1FBE,  # an iota of its own
]
_MULTIPLE = [
    *(0xDF, 0x149, 0x1F0),  # the sharp s, and two that have no capitals
    *(0x390, 0x3B0),  # iota and upsilon with two accents
    0x587,  # an Armenian ligature
    *range(0x1E96, 0x1E9B),  # Latin letters of transcriptions
    *range(0x1F50, 0x1F58, 2),  # Greek letters with marks, and with the iota below
    *range(0x1F80, 0x1F88),
    *range(0x1F90, 0x1F98),
    *range(0x1FA0, 0x1FA8),
    *(0x1FB2, 0x1FB3, 0x1FB4, 0x1FB6, 0x1FB7),
    *(0x1FC2, 0x1FC3, 0x1FC4, 0x1FC6, 0x1FC7),
    *(0x1FD2, 0x1FD3, 0x1FD6, 0x1FD7),
    *(0x1FE2, 0x1FE3, 0x1FE4, 0x1FE6, 0x1FE7),
    *(0x1FF2, 0x1FF3, 0x1FF4, 0x1FF6, 0x1FF7),
    *range(0xFB00, 0xFB07),  # Latin and Armenian ligatures
    *range(0xFB13, 0xFB18),
]
SINGLE = "".join(map(chr, _SINGLE))
"""Small letters that fold to another letter."""
MULTIPLE = "".join(map(chr, _MULTIPLE))
"""Small letters that fold to several."""

# Of this one letter databases make an i with or without its dot.
_DOTTED = "\u0130"


def lowered(text: str = "{0}", *, collated: str = "") -> str:
    """``lower`` of a text, under a collation that says what small letters are."""
    return f"lower({_replaced(text + collated, _DOTTED)})"


def translated(text: str) -> str:
    """Fold what ``lower`` leaves, where there is ``translate``."""
    return _replaced(f"translate({text}, '{SINGLE}', '{SINGLE.casefold()}')", MULTIPLE)


def replaced(text: str) -> str:
    """Fold what ``lower`` leaves, where there is only ``replace``."""
    return _replaced(text, SINGLE + MULTIPLE)


def _replaced(text: str, characters: Iterable[str]) -> str:
    for character in characters:
        text = f"replace({text}, '{character}', '{character.casefold()}')"
    return text
