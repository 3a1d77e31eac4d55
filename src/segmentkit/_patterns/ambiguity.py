"""Whether engines that try one way after the other could take exponentially long.

They do where a repeat can go over one text in several ways: each time round, the ways multiply
(A. Weber and H. Seidl, Theoretical Computer Science 88, 1991). A product of the automaton of what
is repeated with itself finds such a text. Some engines take a long time then; MariaDB gives up and
answers no.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

from attrs import frozen

from segmentkit._patterns.automaton import Positions, by_character, places
from segmentkit._patterns.syntax import Chain, Either, Node, Range, Repeat, parse

_FEW = 4
"""Up to so many times, ways do not multiply to many."""
_MOST_PAIRS, _MOST_SUMS = 100_000, 1_000_000
"""What takes longer to find out is refused, too."""
_LENGTH, _MOST_WAYS = 50, 1_000_000
"""In so long a text, no position may be reached in more ways."""


@frozen
class _Ambiguous(Exception):
    """A repeat that can go over one text in several ways."""

    repeat: Repeat


@lru_cache(maxsize=256)
def ambiguous(pattern: str) -> tuple[int, int] | None:
    """Where a pattern may take exponentially long; None if it does not.

    Raises:
        PatternError: The pattern does not stand.
    """
    tree = parse(pattern)
    try:
        _ways(tree)
    except _Ambiguous as found:
        return found.repeat.start, found.repeat.end
    return (0, len(pattern)) if _has_many_ways(tree) else None


def _ways(node: Node) -> int:
    """How often repeats that are ambiguous are nested, each counted as often as it repeats."""
    match node:
        case Chain(parts) | Either(parts):
            return max(map(_ways, parts), default=1)
        case Repeat(part, _, most) if most != 1:
            below = _ways(part)
            if not _is_ambiguous(part):
                return below
            if most is None or most * below > _FEW:
                raise _Ambiguous(node)
            return most * below
        case Repeat(part):
            return _ways(part)
        case _:
            return 1


def _is_ambiguous(part: Node) -> bool:
    """Whether what is repeated can go over one text in several ways."""
    positions = Positions()
    body = positions.add(part)
    if body.is_nullable or _ways_of_nothing(part) > 1:
        return True
    follow = positions.follow
    for place in places(body.last):
        if follow[place] & body.first:
            return True  # on the way inside, or the next time round
        follow[place] |= body.first
    return _rejoins(positions)


def _ways_of_nothing(node: Node) -> int:
    """In how many ways, at most, its parts can all be the empty text where they can be it."""
    match node:
        case Chain(parts):
            return prod(map(_ways_of_nothing, parts))
        case Either(options):
            empty = sum(Positions().add(each).is_nullable for each in options)
            return max(1, empty) * prod(map(_ways_of_nothing, options))
        case Repeat(part, _, most):
            twice = 1 + Positions().add(part).is_nullable
            return int((twice * _ways_of_nothing(part)) ** min(most or 1, _LENGTH))
        case _:
            return 1


def _rejoins(positions: Positions) -> bool:
    """Whether two different ways over one text, begun at one position, come to one again.

    All positions of what is repeated can be reached from all others.
    """
    follow = positions.follow
    found = _together(positions, [1 << place for place in range(len(follow))])
    return found is None or any(
        follow[one] & follow[other]
        for one, others in enumerate(found)
        for other in places(others & ~(1 << one))
    )


def _has_many_ways(tree: Node) -> bool:
    """Whether a position can be reached in very many ways in a short text.

    The ways to each position are added up over those before it to which one text can lead; what
    each of them is the most for may be another text, so there can be fewer ways than this finds.
    """
    positions = Positions()
    whole = positions.add(tree)
    nothing = _ways_of_nothing(tree)
    together = _together(positions, [whole.first])
    if together is None:
        return True
    before = _before(positions, together)
    if sum(len(each) for some in before for each in some) * _LENGTH > _MOST_SUMS:
        return True
    ways = [nothing * (whole.first >> place & 1) for place in range(len(before))]
    for _ in range(_LENGTH):
        now = [max((sum(ways[p] for p in each) for each in some), default=0) for some in before]
        if max(now, default=nothing) > _MOST_WAYS:
            return True
        if now == ways:
            break
        ways = now
    return False


def _before(positions: Positions, together: list[int]) -> list[list[list[int]]]:
    """For each position the sets of those before it to which one text may lead."""
    having = set(by_character(positions)[1])
    before = [0] * len(positions.follow)
    for place, following in enumerate(positions.follow):
        for after in places(following):
            before[after] |= 1 << place
    sets = [
        {some & each & together[place] for each in having for place in places(some & each)}
        for some in before
    ]
    return [[list(places(some)) for some in each] for each in sets]


def _together(positions: Positions, starts: list[int]) -> list[int] | None:
    """For each position those to which the same text may lead; None if it takes too long to say.

    Args:
        positions: The positions.
        starts: Sets of positions to which one text may lead if they have a character in common.
    """
    alike = _overlapping(positions)
    found = [0] * len(alike)
    pairs: list[tuple[int, int]] = []
    looked = 0

    def add(some: int, others: int) -> None:
        nonlocal looked
        for place in places(some):
            new = others & alike[place] & ~found[place]
            looked += 1
            found[place] |= new
            pairs.extend((place, other) for other in places(new))

    for start in starts:
        add(start, start)
    while pairs:
        one, other = pairs.pop()
        add(positions.follow[one], positions.follow[other])
        if looked > _MOST_PAIRS:
            return None
    return found


def _overlapping(positions: Positions) -> list[int]:
    """For each position those that have a character of its own."""
    distinct: dict[tuple[Range, ...], int] = {}
    for place, letter in enumerate(positions.letters):
        distinct[letter.ranges] = distinct.get(letter.ranges, 0) | 1 << place
    alike = {
        ranges: sum(theirs for others, theirs in distinct.items() if _overlap(ranges, others))
        for ranges in distinct
    }
    return [alike[letter.ranges] for letter in positions.letters]


def _overlap(one: tuple[Range, ...], other: tuple[Range, ...]) -> bool:
    return any(low <= top and bottom <= high for low, high in one for bottom, top in other)
