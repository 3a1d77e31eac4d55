"""Case folding with functions that every database has: ``lower``, ``translate``, ``replace``.

``lower`` makes of a character its one small character, and Unicode's case folding does the same of
all but the letters below. So folding is ``lower`` and the difference; tests hold the lists to
Python's `str.casefold`, and every database to Python.

A rare letter matters only to a text that has something of what it folds to, so that the SQL for
most texts is short: what is looked for in Cyrillic is not found in a ligature of Latin letters.
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

SHARP = "\u1e9e"
DOTTED = "\u0130"
"""A capital I with a dot, of which databases make an i with or without it."""
RARE = DOTTED + SINGLE + MULTIPLE
_PARTS = {letter: set(letter.casefold()) for letter in RARE}


def rare_letters(texts: Iterable[str]) -> str:
    """The letters that ``lower`` does not fold and that can be in what equals these texts."""
    present = {c for text in texts for c in text}
    return "".join(letter for letter, parts in _PARTS.items() if parts & present)


def one_of(letters: str) -> str:
    """A regular expression of letters and of the capitals that ``lower`` makes them of."""
    capitals = [c.title() for c in letters if c.title().lower() == c != c.title()]
    # The capital of the sharp s is younger than its rules.
    return f"[{letters}{''.join(capitals)}{SHARP if 'ß' in letters else ''}]"


def folded(text: str, *, lower: str, letters: str, translate: bool) -> str:
    """The SQL that folds a text.

    Args:
        text: SQL for the text.
        lower: The template that makes small letters.
        letters: Those that ``lower`` does not fold and that matter here.
        translate: Whether there is ``translate``.
    """
    single = "".join(c for c in letters if c in SINGLE)
    multiple = "".join(c for c in letters if c in MULTIPLE)
    if DOTTED in letters:
        text = _replaced(text, DOTTED)
    text = lower.format(text)
    if single and translate:
        text = f"translate({text}, '{single}', '{single.casefold()}')"
    return _replaced(text, multiple if translate else single + multiple)


def _replaced(text: str, letters: str) -> str:
    for letter in letters:
        text = f"replace({text}, '{letter}', '{letter.casefold()}')"
    return text
