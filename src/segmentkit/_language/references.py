"""What a tree refers to by name."""

from __future__ import annotations

from collections.abc import Iterator

from segmentkit._diagnostics.diagnostic import Span
from segmentkit._language import syntax as t


def trait_places(tree: t.Node, entity: str) -> Iterator[tuple[str, Span]]:
    """The names that can be those of traits: of the entity, here or by its name in brackets."""
    stack: list[tuple[t.Node | None, bool]] = [(tree, False)]
    while stack:
        node, in_rows = stack.pop()
        match node:
            case t.Name((own, name)) if own == entity:
                yield name, node.span
            case t.Name((name,)) if not in_rows:
                yield name, node.span
            case t.Call(_, arguments, window=window, among=None):
                # Of an aggregate, whose rows the arguments name; of a function, its operands.
                stack += [(each, in_rows) for each in (window, *arguments)]
                stack += [(node.where, True), (node.then, True)]
            case None:
                pass
            case _:
                stack += [(child, in_rows) for child in t.children(node)]


def references_in(tree: t.Node) -> list[str]:
    """The names of the segments that a tree refers to, in order, each once."""
    return list(dict.fromkeys(n.name for n in t.every(tree) if isinstance(n, t.InSegment)))
