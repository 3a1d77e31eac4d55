"""How deep a definition nests: what is too deep for some engine is refused by every one."""

from __future__ import annotations

from segmentkit._language import syntax as t
from segmentkit.functions import FORMS, FUNCTIONS

MAX_DEPTH = 42
"""How deep a definition may nest: a level counts about as much as it burdens SQLite's parser."""

_ARITHMETIC, _DIVISION, _CALL, _STEP, _LOGIC, _OTHER = 4, 6, 4, 7, 2, 1
_POPULATION = 8
_OUTERMOST = 8
"""Junctions around everything, which are free: what stands by itself can be joined to others."""
_LEVELS: dict[type[t.Node], int] = {
    t.And: _LOGIC,
    t.Or: _LOGIC,
    t.Not: _LOGIC,
    t.Counted: _CALL,
    t.Case: _CALL,
    t.Negative: _ARITHMETIC,
    t.Step: _STEP,
}
_IN_ORDER = {"first": _CALL, "last": _CALL, "median": 2, "mode": 4, "percentile": 2, "streak": 6}
"""What is computed of rows in order takes sub-queries of sub-queries, if it asks for rows."""


def too_deep(tree: t.Expr) -> t.Node | None:
    """The node where a tree passes ``MAX_DEPTH``, found without recursion."""
    stack: list[tuple[t.Node, int, int]] = [(tree, 0, _OUTERMOST)]
    while stack:
        node, depth, free = stack.pop()
        if isinstance(node, t.Within):
            continue  # it is a number, and nests nothing
        if depth > MAX_DEPTH:
            return node
        if free and isinstance(node, t.And | t.Or | t.Not):
            stack += [(child, depth, free - 1) for child in t.children(node)]
        else:
            deeper = depth + _level(node)
            stack += [(child, deeper, 0) for child in t.children(node)]
    return None


def is_of_population(node: t.Node) -> bool:
    """Whether it looks at many customers together."""
    if isinstance(node, t.Call):
        return node.among is not None or node.name == "ntile"
    return isinstance(node, t.Ranked)


def _level(node: t.Node) -> int:
    if is_of_population(node):
        return _POPULATION
    if isinstance(node, t.Arithmetic):
        # A chain is read from the left: its first operand is as deep as the chain is long.
        most = _DIVISION if "/" in node.operators else _ARITHMETIC
        return most + len(node.operands) - 2
    if isinstance(node, t.Call):
        deeper = 0 if node.then is None else _LOGIC
        if node.where is not None and _has_aggregates(node.where):
            deeper += _LOGIC + _IN_ORDER.get(node.name, 0)
        return _CALL + deeper
    return _LEVELS.get(type(node), _OTHER)


def _has_aggregates(tree: t.Expr) -> bool:
    stack: list[t.Node] = [tree]
    while stack:
        node = stack.pop()
        # What a schema adds may be an aggregate too.
        if isinstance(node, t.Call) and node.name not in (*FUNCTIONS, *FORMS):
            return True
        stack += t.children(node)
    return False
