"""Signs that look like others, and signs that cannot be seen."""

from __future__ import annotations

import re
import unicodedata

_CYRILLIC = dict(zip("аеорсухіјѕԁһкАВЕКМНОРСТХУІЈЅ", "aeopcyxijsdhkABEKMHOPCTXYIJS", strict=True))
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧον", "ABEZHIKMNOPTYXov", strict=True))
_LATIN = str.maketrans({**_CYRILLIC, **_GREEK})
_QUOTES = "“”„‟«»‹›‘’‚‛´＂＇〝〞′″`"
_SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": "*", "÷": "/", "≥": ">=", "⩾": ">=",
    "≤": "<=", "⩽": "<=", "≠": "!=", "∧": "and", "∨": "or", "¬": "not", "∈": "in", "＝": "=",
    "＞": ">", "＜": "<", "！": "!", "（": "(", "）": ")", "，": ",", "、": ",", "．": ".",
    "：": ":", "＋": "+", "－": "-", "＊": "*", "／": "/", "％": "%", "\u00a0": " ",
    "≡": "=", "⇒": ">=",
}  # fmt: skip
_INNER = f'([^{_QUOTES}"\\\\\n]*)'
QUOTED = re.compile(f'[{_QUOTES}]{_INNER}[{_QUOTES}"]|"{_INNER}[{_QUOTES}]')
"""A text between quotes of which one at least is no quote here."""


def sign(character: str) -> str | None:
    """The sign of the language that a character looks like."""
    if character in _SIGNS:
        return _SIGNS[character]
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain != character and plain.isascii() and plain.strip() else None


def in_latin(text: str) -> str:
    """The text with Latin letters in the place of those that look like them."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if not is_unseen(c))
    return plain.translate(_LATIN)


def is_unseen(character: str) -> bool:
    """Whether a sign takes no room, or looks like a space and is another."""
    return character == "\u00a0" or unicodedata.category(character) in ("Cf", "Zl", "Zp", "Cc")


def is_mixed(text: str) -> bool:
    """Whether a word has letters of several scripts, of which one looks like another."""
    return any(_is_mixed(word) for word in re.findall(r"[^\W\d_]+", text))


def _is_mixed(word: str) -> bool:
    scripts = {script for c in word if (script := _script(c))}
    return len(scripts) > 1 and "LATIN" in scripts


def _script(character: str) -> str:
    first = unicodedata.name(character, "").split(" ")[0]
    return first if first in ("LATIN", "CYRILLIC", "GREEK") else ""


def cleaned(text: str) -> str | None:
    """A text without what was most likely put in by mistake; None where nothing was."""
    plain = "".join(c for c in text if not is_unseen(c) or c in "\n\r\t").strip()
    if is_mixed(plain):
        latin = plain.translate(_LATIN)
        plain = latin if not is_mixed(latin) else plain
    return plain if plain != text and plain else None


def named(text: str) -> str:
    """The first sign of a text that is not what it looks like, with its code point and its name."""
    for character in text:
        if is_unseen(character) or (not character.isascii() and in_latin(character).isascii()):
            return described(character)
    return ""


def described(character: str) -> str:
    """A character by its code point and its name."""
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'a control character').lower()})"
