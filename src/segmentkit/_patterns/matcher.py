"""Whether a text matches a pattern, in time that depends on the lengths of both alone.

The states of a deterministic automaton are made where a text first leads to them (K. Thompson,
Communications of the ACM 11, 1968; R. Cox, "Regular Expression Matching Can Be Simple And Fast",
2007). ``re`` would try all ways in which a text can match one after the other.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import Any, TypeAlias

from segmentkit._patterns.automaton import Positions, by_character, places
from segmentkit._patterns.syntax import parse

_MOST_STEPS = 4_096
"""So many are kept; a text that needs more takes longer, and no more room."""

_State: TypeAlias = dict[str, Any]
"""Where reading a text has come to: the state to which each character leads, as far as that is
known. A plain dictionary is read fastest, so what else there is to know stands there, too."""
_NEXT, _ENDS = "next", "ends"
"""The positions that can come next, and whether a text can end; no character is called so."""
_DEAD: _State = {_ENDS: False}
"""Where no text matches any more: no character goes on."""


class Matcher:
    """A function of a text: whether it matches."""

    def __init__(self, pattern: str) -> None:
        positions = Positions()
        whole = positions.add(parse(pattern))
        self._follow = positions.follow
        self._last = whole.last
        self._starts, self._having = by_character(positions)
        self._begin = {_NEXT: whole.first, _ENDS: whole.is_nullable}
        self._forget()

    def __call__(self, text: str) -> bool:
        state, characters = self._start, iter(text)
        character = ""
        while True:
            try:
                for character in characters:
                    state = state[character]
            except KeyError:
                if state is _DEAD:
                    return False
                state = self._step(state, character)
            else:
                ends: bool = state[_ENDS]
                return ends

    def _step(self, state: _State, character: str) -> _State:
        """The state that a character leads to, which is kept."""
        if self._steps >= _MOST_STEPS:
            self._forget()
        self._steps += 1
        having = self._having[bisect_right(self._starts, ord(character)) - 1]
        here = state[_NEXT] & having
        found = state[character] = self._state(here) if here else _DEAD
        return found

    def _state(self, here: int) -> _State:
        known = self._states.get(here)
        if known is None:
            following = 0
            for place in places(here):
                following |= self._follow[place]
            known = {_NEXT: following, _ENDS: bool(here & self._last)}
            self._states[here] = known
        return known

    def _forget(self) -> None:
        """Begin anew; whoever is reading a text goes on from where it is."""
        self._start: _State = {**self._begin}
        self._states: dict[int, _State] = {}
        self._steps = 0


@lru_cache(maxsize=64)
def matcher(pattern: str) -> Matcher:
    """The function that says whether a text matches a pattern that stands."""
    return Matcher(pattern)


def matches(text: str, pattern: str) -> bool:
    """Whether a whole text matches a pattern that stands."""
    return matcher(pattern)(text)


def matches_present(text: str | None, pattern: str) -> bool | None:
    """The same where a text may be missing; then so is the answer."""
    return None if text is None else matcher(pattern)(text)
