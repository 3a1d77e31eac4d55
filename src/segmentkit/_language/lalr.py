"""Tokens → whatever a builder makes of them, by the LALR tables of the grammar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeAlias

from segmentkit._language.lexer import Token
from segmentkit._language.tables import RULES, STATES

_ACCEPT = -1_000_000
_Build: TypeAlias = Callable[[list[Any]], Any]


class Unexpected(Exception):
    """A token that cannot stand where it does, and the kinds of those that can."""

    def __init__(self, token: Token, expected: frozenset[str]) -> None:
        self.token = token
        self.expected = expected


def read(tokens: Iterable[Token], builder: object) -> Any:
    """Read a text bottom up: each reduction calls the builder's method of that name.

    Args:
        tokens: The tokens of the text; the kind of the last one is ``$END``.
        builder: Its methods take the list of a rule's children.

    Returns:
        What the builder made of the whole.

    Raises:
        Unexpected: The tokens are no sentence of the language.
    """
    actions, rules = _actions(), _rules(builder)
    state, states, values = 0, [0], []
    for token in tokens:
        kind: str = token.type
        while (action := actions[state].get(kind)) is not None:
            if action >= 0:
                state = action
                states.append(state)
                values.append(token)
                break
            if action == _ACCEPT:
                return values[0]
            origin, size, build = rules[action]
            if size == 1:
                # Most reductions are of one child, and most of those need no building.
                if build is not None:
                    values[-1] = build(values[-1:])
                states[-1] = state = actions[states[-2]][origin]
                continue
            if build is not None:
                values[-size:] = [build(values[-size:])]
            del states[-size:]
            state = actions[states[-1]][origin]
            states.append(state)
        else:
            raise Unexpected(token, _acceptable(states))
    raise AssertionError("the end is accepted, or not")


def _acceptable(states: list[int]) -> frozenset[str]:
    """The kinds of tokens that can stand next, whatever reductions they need first."""
    return frozenset(kind for kind in _actions()[states[-1]] if _is_acceptable(kind, [*states]))


def _is_acceptable(kind: str, states: list[int]) -> bool:
    if kind.islower():
        return False
    while (action := _actions()[states[-1]].get(kind)) is not None:
        if action >= 0 or action == _ACCEPT:
            return True
        origin, size, _ = _read_rule(RULES[~action])
        del states[-size:]
        states.append(_actions()[states[-1]][origin])
    return False


@cache
def _actions() -> tuple[dict[str, int], ...]:
    """What to do in each state, by the next token; where to go, by what was reduced."""
    return tuple(map(_read_state, STATES))


def _read_state(text: str) -> dict[str, int]:
    actions: dict[str, int] = {}
    for part in text.split("|"):
        *symbols, action = part.split(" ")
        actions |= dict.fromkeys(symbols, _ACCEPT if action == "!" else int(action))
    return actions


@cache
def _rules(builder: object) -> tuple[tuple[str, int, _Build | None], ...]:
    """The rules in such an order that the action of reducing is the index."""
    found = []
    for rule in RULES:
        origin, size, (name, *kept) = _read_rule(rule)
        build = None if name == "=" else _as_list if name == "+" else getattr(builder, name)
        found.append((origin, size, build and _choosing(build, size, kept)))
    return tuple(reversed(found))


def _read_rule(text: str) -> tuple[str, int, list[str]]:
    origin, size, *rest = text.split(" ")
    return origin, int(size), rest


def _as_list(children: list[Any]) -> list[Any]:
    """The children, in a list that nobody else has."""
    return children


def _choosing(build: _Build, size: int, kept: list[str]) -> _Build:
    """The same of those children alone that the tree needs."""
    if kept == [str(i) for i in range(size)]:
        return build
    chosen = [(int(each.removesuffix("*")), each.endswith("*")) for each in kept]
    if not any(many for _, many in chosen):
        places = [i for i, _ in chosen]
        return lambda children: build([children[i] for i in places])

    (first, grows), *others = chosen

    def spread(children: list[Any]) -> Any:
        # A list that grows item by item is nobody else's: copying it would take quadratic time.
        found: list[Any] = children[first] if grows else [children[first]]
        for i, many in others:
            if many:
                found += children[i]
            else:
                found.append(children[i])
        return build(found)

    return spread
