"""The tree of a pattern → its positions and what may follow each (Glushkov's automaton).

Repeats are written out, so a position is one character of the pattern. Sets of positions are whole
numbers, one bit for each (V. M. Glushkov, Russian Mathematical Surveys 16, 1961).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import assert_never

from attrs import Factory, define, frozen

from segmentkit._patterns.syntax import LAST, Chain, Either, Letter, Node, Repeat


@frozen
class Part:
    """A part of a pattern.

    Attributes:
        first: The positions that it can begin with.
        last: Those that it can end with.
        is_nullable: Whether it can be the empty text.
    """

    first: int
    last: int
    is_nullable: bool


_NOTHING = Part(0, 0, True)


@define(eq=False)
class Positions:
    """The positions of a pattern, each with its letter and those that may come next."""

    letters: list[Letter] = Factory(list)
    follow: list[int] = Factory(list)

    def add(self, node: Node) -> Part:
        """Add the positions of a part."""
        match node:
            case Letter():
                place = 1 << len(self.letters)
                self.letters.append(node)
                self.follow.append(0)
                return Part(place, place, False)
            case Chain(parts):
                whole = _NOTHING
                for each in parts:
                    whole = self.then(whole, self.add(each))
                return whole
            case Either(options):
                found = [self.add(option) for option in options]
                first = reduce(or_, (part.first for part in found))
                last = reduce(or_, (part.last for part in found))
                return Part(first, last, any(part.is_nullable for part in found))
            case Repeat(inner, least, most):
                return self.repeated(inner, least, most)
            case _:
                assert_never(node)

    def repeated(self, node: Node, least: int, most: int | None) -> Part:
        copies = [self.add(node) for _ in range(max(1, least if most is None else most))]
        if most is None:
            for place in places(copies[-1].last):
                self.follow[place] |= copies[-1].first
        whole = _NOTHING
        for copy in reversed(copies[least:]):
            joined = self.then(copy, whole)
            whole = Part(joined.first, joined.last, True)
        for copy in reversed(copies[:least]):
            whole = self.then(copy, whole)
        return whole

    def then(self, before: Part, after: Part) -> Part:
        """One part after another."""
        for place in places(before.last):
            self.follow[place] |= after.first
        first = before.first | after.first if before.is_nullable else before.first
        last = before.last | after.last if after.is_nullable else after.last
        return Part(first, last, before.is_nullable and after.is_nullable)


def by_character(positions: Positions) -> tuple[list[int], list[int]]:
    """Where ranges of code points begin that are all alike, and the positions that have them."""
    changes = {0: 0, LAST + 1: 0}
    for place, letter in enumerate(positions.letters):
        for low, high in letter.ranges:
            for edge in (low, high + 1):
                changes[edge] = changes.get(edge, 0) ^ 1 << place
    starts, having, now = sorted(changes), [], 0
    for start in starts:
        now ^= changes[start]
        having.append(now)
    return starts, having


def places(positions: int) -> Iterator[int]:
    """The places of a set of positions."""
    while positions:
        lowest = positions & -positions
        yield lowest.bit_length() - 1
        positions ^= lowest
