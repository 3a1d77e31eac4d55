"""The fewest tests of a formula whose verdicts would have to change to change its verdict."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import count
from typing import TypeAlias, assert_never

from attrs import frozen

_STATES = 20_000
"""How many partial answers are looked at before the search gives up."""


@frozen(eq=False)
class Leaf:
    """A test with its verdict; tests of one key change together, one without a key never does."""

    key: Hashable | None
    holds: bool


@frozen(eq=False)
class Junction:
    """All of the parts, or any of them."""

    every: bool
    parts: tuple[Formula, ...]


@frozen(eq=False)
class Tally:
    """At least and at most so many of the parts."""

    least: int
    most: int
    parts: tuple[Formula, ...]

    def rest(self, first: bool) -> Tally:
        """What must hold of the other parts where the first came out so."""
        return Tally(self.least - first, self.most - first, self.parts[1:])


@frozen(eq=False)
class Opposite:
    """Not the part."""

    part: Formula


Formula: TypeAlias = Leaf | Junction | Tally | Opposite


@frozen
class Changes:
    """The tests to change: by their keys, None if there are none; and whether they are fewest."""

    keys: tuple[Hashable, ...] | None
    fewest: bool


def fewest_changes(formula: Formula) -> Changes:
    """Find the fewest tests whose change changes the verdict.

    Where every test stands once, the answer adds up from the parts: what all must hold of costs
    the sum, what any may hold of the least. Where tests stand more than once, all ways are
    searched, cheapest first, as in a minimal hitting set; that is exact too, unless there are so
    many that the search gives up.

    Args:
        formula: The tests and how they are joined.

    Returns:
        The keys of the tests.
    """
    wanted = not verdict(formula, {})
    keys = [test.key for test in _tests(formula)]
    if len(set(keys)) == len(keys):
        _, changed = _summed(formula, wanted)
        return Changes(changed, fewest=True)
    return _searched(formula, wanted)


def verdict(formula: Formula, changed: Mapping[Hashable, bool]) -> bool:
    """Whether a formula holds when some tests come out as told."""
    match formula:
        case Leaf(key, holds):
            return changed.get(key, holds)
        case Opposite(part):
            return not verdict(part, changed)
        case Junction(every, parts):
            return (all if every else any)(verdict(part, changed) for part in parts)
        case Tally(least, most, parts):
            return least <= sum(verdict(part, changed) for part in parts) <= most
        case _:
            assert_never(formula)


def _tests(formula: Formula) -> Iterator[Leaf]:
    """The tests that can change."""
    match formula:
        case Leaf(key):
            if key is not None:
                yield formula
        case Opposite(part):
            yield from _tests(part)
        case Junction(_, parts) | Tally(_, _, parts):
            for part in parts:
                yield from _tests(part)
        case _:
            assert_never(formula)


def _summed(formula: Formula, wanted: bool) -> tuple[float, tuple[Hashable, ...] | None]:
    """What it costs to have a verdict, and the keys to change; tests taken as independent."""
    match formula:
        case Leaf(key, holds):
            if holds is wanted:
                return 0, ()
            return (math.inf, None) if key is None else (1, (key,))
        case Opposite(part):
            return _summed(part, not wanted)
        case Junction(every, parts):
            each = [_summed(part, wanted) for part in parts]
            if every is not wanted:
                return min(each, key=lambda found: found[0], default=(math.inf, None))
            keys: tuple[Hashable, ...] = ()
            for _, more in each:
                if more is None:
                    return math.inf, None
                keys += more
            return len(keys), keys
        case Tally():
            return _tallied(formula, wanted)
        case _:
            assert_never(formula)


def _tallied(tally: Tally, wanted: bool) -> tuple[float, tuple[Hashable, ...] | None]:
    """The same for a tally: what each count of parts that hold costs, one part after another."""
    best: list[tuple[float, tuple[Hashable, ...] | None]] = [(0, ())]
    for part in tally.parts:
        fails, holds = _summed(part, False), _summed(part, True)
        stays = [_both(found, fails) for found in best] + [(math.inf, None)]
        grows = [(math.inf, None), *(_both(found, holds) for found in best)]
        best = [min(each, key=lambda found: found[0]) for each in zip(stays, grows, strict=True)]
    fitting = [
        found for count, found in enumerate(best) if (tally.least <= count <= tally.most) is wanted
    ]
    return min(fitting, key=lambda found: found[0], default=(math.inf, None))


def _both(
    one: tuple[float, tuple[Hashable, ...] | None], other: tuple[float, tuple[Hashable, ...] | None]
) -> tuple[float, tuple[Hashable, ...] | None]:
    if one[1] is None or other[1] is None:
        return math.inf, None
    return one[0] + other[0], (*one[1], *other[1])


_Agenda: TypeAlias = tuple[tuple[Formula, bool], ...]


@frozen
class _State:
    """A partial answer: what must still come out how, what tests came to, which were changed."""

    agenda: _Agenda
    settled: Mapping[Hashable, bool]
    changed: tuple[Hashable, ...]

    def on(self, way: _Agenda) -> _State | None:
        """The state after the first of the agenda went this way; None where it contradicts."""
        left, settled, changed = [], dict(self.settled), self.changed
        for part, wanted in way:
            if not isinstance(part, Leaf):
                left.append((part, wanted))
            elif part.key is None or part.key in settled:
                if settled.get(part.key, part.holds) is not wanted:
                    return None
            else:
                settled[part.key] = wanted
                if part.holds is not wanted:
                    changed = (*changed, part.key)
        return _State((*left, *self.agenda[1:]), settled, changed)


def _searched(formula: Formula, wanted: bool) -> Changes:
    """All ways to have a verdict, those with the fewest changes first."""
    order = count()
    waiting = [(0, next(order), _State(((formula, wanted),), {}, ()))]
    for _ in range(_STATES):
        if not waiting:
            return Changes(None, fewest=True)
        _, _, state = heappop(waiting)
        if not state.agenda:
            return Changes(state.changed, fewest=True)
        for way in _ways(*state.agenda[0]):
            after = state.on(way)
            if after is not None:
                heappush(waiting, (len(after.changed), next(order), after))
    return _guessed(formula, wanted)


def _guessed(formula: Formula, wanted: bool) -> Changes:
    """Changes that would do if the tests were independent, where they do as they are."""
    _, keys = _summed(formula, wanted)
    if keys is None:
        return Changes(None, fewest=True)
    opposite = {test.key: not test.holds for test in _tests(formula) if test.key in keys}
    works = verdict(formula, opposite) is wanted
    return Changes(tuple(dict.fromkeys(keys)) if works else None, fewest=False)


def _ways(formula: Formula, wanted: bool) -> list[_Agenda]:
    """What must come out how for a formula to come out as wanted: one of these."""
    match formula:
        case Opposite(part):
            return [((part, not wanted),)]
        case Junction(every, parts) if every is wanted:
            return [tuple((part, wanted) for part in parts)]
        case Junction(_, parts):
            return [((part, wanted),) for part in parts]
        case Tally(least, most, parts):
            if not parts:
                return [()] if (least <= 0 <= most) is wanted else []
            return [((parts[0], each), (formula.rest(each), wanted)) for each in (True, False)]
        case Leaf():
            return [((formula, wanted),)]
        case _:
            assert_never(formula)
