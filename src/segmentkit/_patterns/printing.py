"""The tree of a pattern → the regular expression that engines are given.

What engines read differently is written out: the dot, the named sets, every sign. A letter beyond
ASCII stands in a set, because ClickHouse looks for the bytes of what must occur before it looks at
the pattern, and loses one where the letter may be left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, assert_never

from attrs import evolve

from segmentkit._patterns.syntax import (
    LAST,
    Chain,
    Either,
    Letter,
    Node,
    Range,
    Repeat,
    complement,
    joined,
)

_SPECIAL = frozenset("[]\\^-&~|")


def printed(node: Node, *, nul: str = "\\x00") -> str:
    r"""A pattern that every engine reads alike, without ends.

    Args:
        node: The pattern.
        nul: The character NUL: few engines take one in the text of a pattern.

    Example:
        >>> from segmentkit._patterns.syntax import parse
        >>> printed(parse(r"\d{2,}(a|é)?."))
        '[0-9]{2,}(?:a|[é])?[^\n]'
    """
    match node:
        case Letter(ranges):
            return _letter(ranges, nul)
        case Chain(parts):
            return "".join(_tight(each, Either, nul) for each in parts)
        case Either(options):
            return "|".join(printed(each, nul=nul) for each in options)
        case Repeat(part, least, most):
            return _tight(part, (Either, Chain, Repeat), nul) + _counts(least, most)
        case _:
            assert_never(node)


def both_cases(node: Node) -> Node:
    """The same pattern with small and capital letters of ASCII for one another."""
    match node:
        case Letter(ranges):
            return Letter(joined((*ranges, *_other_case(ranges))))
        case Chain(parts):
            return Chain(tuple(map(both_cases, parts)))
        case Either(options):
            return Either(tuple(map(both_cases, options)))
        case Repeat(part):
            return evolve(node, part=both_cases(part))
        case _:
            assert_never(node)


_CASES = (("A", "Z", 32), ("a", "z", -32))


def _other_case(ranges: Iterable[Range]) -> Iterator[Range]:
    for low, high in ranges:
        for first, last, move in _CASES:
            start, end = max(low, ord(first)), min(high, ord(last))
            if start <= end:
                yield start + move, end + move


def _tight(node: Node, loose: Any, nul: str) -> str:
    """A part of a pattern, in brackets if it is of a loose kind."""
    inner = printed(node, nul=nul)
    return f"(?:{inner})" if isinstance(node, loose) else inner


_MARKS = {(0, None): "*", (1, None): "+", (0, 1): "?"}


def _counts(least: int, most: int | None) -> str:
    if mark := _MARKS.get((least, most)):
        return mark
    if most is None:
        return f"{{{least},}}"
    return f"{{{least}}}" if least == most else f"{{{least},{most}}}"


def _letter(ranges: tuple[Range, ...], nul: str) -> str:
    low, high = ranges[0]
    if len(ranges) == 1 and low == high and chr(low).isascii() and chr(low).isalnum():
        return chr(low)
    if ranges[-1][1] < LAST:
        return f"[{_set(ranges, nul)}]"
    left = complement(ranges)
    return f"[^{_set(left, nul)}]" if left else "(?:[^a]|a)"


def _set(ranges: Iterable[Range], nul: str) -> str:
    return "".join(
        _character(low, nul) if low == high else f"{_character(low, nul)}-{_character(high, nul)}"
        for low, high in ranges
    )


def _character(code: int, nul: str) -> str:
    character = chr(code)
    if character in _SPECIAL:
        return f"\\{character}"
    return character if code else nul
