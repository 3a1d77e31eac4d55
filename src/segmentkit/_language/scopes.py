"""Names of rows in trees that a program builds: whose they are, and how a definition writes them.

A name knows whose it is, by the `Scope` before it, until the definition is complete: only then it
is known how the definition has to write it.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

from segmentkit._language import syntax as t
from segmentkit.errors import UsageError


@frozen
class Scope:
    """Whose a name is: the row that is segmented, or a row at the end of a path of relations.

    Attributes:
        path: The relations.
        root: The entity that is segmented.
        narrowed: The conditions, windows and steps that leave only some of the rows.
    """

    path: tuple[str, ...]
    root: str
    narrowed: tuple[t.Node, ...] = ()


def scopes_in(tree: t.Node) -> set[tuple[str, ...]]:
    """Whose the names of a tree are, as far as they are not written yet."""
    heads = [node.parts[0] for node in t.every(tree) if isinstance(node, t.Name)]
    return {head.path for head in heads if isinstance(head, Scope)}


def within_rows(tree: Any, narrowed: tuple[t.Node, ...]) -> Any:
    """A tree in whose names nothing more is said of rows that are narrowed in this way.

    Raises:
        UsageError: A name is that of fewer rows: what leaves out the others would be lost.
    """

    def change(node: Any) -> Any:
        scope: Any = node.parts[0] if isinstance(node, t.Name) else None
        if not isinstance(scope, Scope) or not scope.narrowed:
            return node
        if all(each in narrowed for each in scope.narrowed):
            whole: Any = evolve(scope, narrowed=())
            return t.Name((whole, *node.parts[1:]))
        rows, name = ".".join(scope.path), node.parts[1]
        raise UsageError(
            f"{name!r} is that of only some of the {rows}: take the aggregate of these, as in "
            f"rows.where(…).sum(rows.{name}), where rows are all {rows}"
        )

    return t.transformed(tree, change)


def written(tree: Any, within: tuple[str, ...] = (), narrowed: tuple[t.Node, ...] = ()) -> Any:
    """A tree with its names as they are written in the brackets of some rows.

    Raises:
        UsageError: A name is that of other rows, which are not seen there.
    """

    def name_of(node: t.Name) -> t.Name:
        scope, *rest = node.parts
        if not isinstance(scope, Scope):
            return node
        path = scope.path
        if path[: len(within)] == within:
            return t.Name((*path[len(within) :], *rest))
        if not path:
            return t.Name((scope.root, *rest))
        raise UsageError(
            f"within the rows of {'.'.join(within)}, those of {'.'.join(path)} are not seen: test "
            f"columns of the rows, or of {scope.root}"
        )

    def change(node: Any) -> Any:
        if isinstance(node, t.Step):
            return evolve(node, relation=name_of(node.relation))
        return name_of(node) if isinstance(node, t.Name) else node

    return t.transformed(within_rows(tree, narrowed), change)
