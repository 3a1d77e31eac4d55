"""Whether a text matches a pattern, in time that depends on the lengths of both alone.

The states of a deterministic automaton are made where a text first leads to them (K. Thompson,
Communications of the ACM 11, 1968; R. Cox, "Regular Expression Matching Can Be Simple And Fast",
2007). ``re`` would try all ways in which a text can match one after the other.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import Any

from segmentkit._patterns.automaton import Positions, by_character, places
from segmentkit._patterns.syntax import parse

_MOST_STEPS = 4_096
"""So many are kept; a text that needs more takes longer, and no more room."""


class _State(dict[str, Any]):
    """Where reading a text has come to, and by which character it goes on to which state.

    Attributes:
        next: The positions that can come next.
        accepts: Whether a text can end here.
    """

    __slots__ = ("accepts", "matcher", "next")

    def __init__(self, matcher: Matcher, following: int, *, accepts: bool) -> None:
        super().__init__()
        self.matcher = matcher
        self.next = following
        self.accepts = accepts

    def __missing__(self, character: str) -> _State | _Dead:
        return self.matcher.step(self, character)


class _Dead(dict[str, Any]):
    """Where no text matches any more: no character goes on."""

    accepts = False


_DEAD = _Dead()


class Matcher:
    """A function of a text: whether it matches."""

    def __init__(self, pattern: str) -> None:
        positions = Positions()
        whole = positions.add(parse(pattern))
        self._follow = positions.follow
        self._last = whole.last
        self._starts, self._having = by_character(positions)
        self._start = _State(self, whole.first, accepts=whole.is_nullable)
        self._states: dict[int, _State] = {}
        self._steps = 0

    def __call__(self, text: str) -> bool:
        state = self._start
        try:
            for character in text:
                state = state[character]
        except KeyError:
            return False
        return state.accepts

    def step(self, state: _State, character: str) -> _State | _Dead:
        """The state that a character leads to, which is kept."""
        if self._steps >= _MOST_STEPS:
            self._forget()
        self._steps += 1
        having = self._having[bisect_right(self._starts, ord(character)) - 1]
        following = self._state(state.next & having) if state.next & having else _DEAD
        state[character] = following
        return following

    def _state(self, here: int) -> _State:
        known = self._states.get(here)
        if known is None:
            following = 0
            for place in places(here):
                following |= self._follow[place]
            known = _State(self, following, accepts=bool(here & self._last))
            self._states[here] = known
        return known

    def _forget(self) -> None:
        """Begin anew; whoever is reading a text goes on from where it is."""
        states, self._states, self._steps = self._states, {}, 0
        self._start.clear()
        for state in states.values():
            state.clear()


@lru_cache(maxsize=64)
def matcher(pattern: str) -> Matcher:
    """The function that says whether a text matches a pattern that stands."""
    return Matcher(pattern)


def matches(text: str, pattern: str) -> bool:
    """Whether a whole text matches a pattern that stands."""
    return matcher(pattern)(text)
