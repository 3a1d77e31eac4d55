"""What trees of conditions and values rest on, and how large they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

from attrs import evolve, fields

from segmentkit._planning import ir


def has_aggregates(node: ir.Condition | ir.Value) -> bool:
    """Whether it rests on rows of a relation or on other customers.

    What a step asks of its own row is not part of it.
    """
    nodes = [node]
    for each in nodes:
        if isinstance(each, ir.OF_MANY):
            return True
        if not isinstance(each, (ir.Column, ir.Const, ir.Follows)):
            nodes += ir.parts(each)
    return False


def is_of_population(node: ir.Condition | ir.Value) -> bool:
    """Whether it rests on other customers."""
    return any(isinstance(each, ir.POPULATION) for each in ir.walk(node))


def size_of(node: ir.Condition | ir.Value, most: int) -> int:
    """How many nodes it has, each counted where it stands; counted to one more than so many."""
    size, stack = 0, [node]
    while stack and size <= most:
        size += 1
        stack += ir.parts(stack.pop())
    return size


_N = TypeVar("_N")


def rewritten(node: _N, change: Callable[[Any], Any]) -> _N:
    """The same tree with other nodes in the place of those that change into something."""
    if isinstance(node, tuple):
        return tuple(rewritten(each, change) for each in node)  # type: ignore[return-value]
    if not isinstance(node, _NODES):
        return node
    changed = change(node)
    if changed is not None:
        return changed  # type: ignore[no-any-return]
    names = [f.name for f in fields(type(node))]
    return evolve(node, **{name: rewritten(getattr(node, name), change) for name in names})


def of_no_rows(node: _N) -> _N:
    """The same, with what each aggregate is over no rows in its place."""
    return rewritten(node, lambda n: n.empty if isinstance(n, ir.Aggregate) else None)


_NODES = (*get_args(ir.Value), *get_args(ir.Condition))
