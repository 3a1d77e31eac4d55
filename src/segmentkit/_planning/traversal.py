"""What trees of conditions and values rest on, and how large they are."""

from __future__ import annotations

from typing import TypeVar, get_args

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


def of_no_rows(node: _N) -> _N:
    """The same, with what each aggregate is over no rows in its place."""
    if isinstance(node, ir.Aggregate):
        return node.empty  # type: ignore[return-value]
    if isinstance(node, tuple):
        return tuple(map(of_no_rows, node))  # type: ignore[return-value]
    if not isinstance(node, _NODES):
        return node
    names = [f.name for f in fields(type(node))]
    return evolve(node, **{name: of_no_rows(getattr(node, name)) for name in names})


_NODES = (*get_args(ir.Value), *get_args(ir.Condition))
