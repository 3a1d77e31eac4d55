"""A tree that divides people, and its leaves as conditions in the language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from attrs import field, frozen

from segmentkit.analysis._discovery.features import Column, Condition, Feature, Mask, Places
from segmentkit.analysis._discovery.models import models

Apart: TypeAlias = Callable[[Places, Places], bool]
"""Whether the rows on both sides of a last split are worth to be told apart."""

MOST_DEEP = 12
"""How many splits may follow each other at most: nobody reads more."""


@frozen
class Leaf:
    """Where a tree ends: what holds of everyone there.

    Attributes:
        conditions: What holds, by what it speaks of; what a path says of one thing is one.
        rows: Those that the tree was grown on.
    """

    conditions: Mapping[Feature, Condition] = field(repr=False)
    rows: Places

    @property
    def tests(self) -> list[str]:
        """The tests in the language, all of which must hold."""
        return [test for condition in self.conditions.values() for test in condition.tests()]

    def mask(self, size: int) -> Mask:
        """Whom it holds of, of so many."""
        found = np.ones(size, dtype=np.bool_)
        for condition in self.conditions.values():
            found &= condition.mask
        return found


@frozen
class Growth:
    """How a tree grows.

    Attributes:
        depth: How many splits may follow each other.
        least: How many there must be on each side.
        seed: Decides between splits that are equally good.
    """

    depth: int
    least: int
    seed: int


def check_growth(depth: int, seed: int) -> None:
    """Make sure that a tree can grow so.

    Raises:
        ValueError: It cannot.
    """
    if depth not in range(1, MOST_DEEP + 1):
        raise ValueError(f"depth must be from 1 to {MOST_DEEP}, not {depth}")
    if seed not in range(2**32):
        raise ValueError(f"seed must be from 0 to {2**32 - 1}, not {seed}")


def columns_of(features: Iterable[Feature], rows: Places, target: Any) -> list[Column]:
    """What a tree sees of features."""
    return [column for feature in features for column in feature.columns(rows, target)]


def leaves(
    columns: Sequence[Column], target: Any, rows: Places, growth: Growth, apart: Apart
) -> list[Leaf]:
    """Grow a tree and write down its leaves; together they part everyone.

    Args:
        columns: What it sees.
        target: What it is to tell apart: a number of everyone, or, if whole numbers, a class.
        rows: Those that it is grown on.
        growth: How it grows.
        apart: What becomes one leaf again.
    """
    if not columns or len(rows) < 2 * growth.least:
        return [Leaf({}, rows)]
    table = np.column_stack([column.places[rows] for column in columns])
    tree = models().tree(
        table, target[rows], depth=growth.depth, least=growth.least, seed=growth.seed
    )

    def below(node: int, leaf: Leaf) -> list[Leaf]:
        if tree.children_left[node] < 0:
            return [leaf]
        column, last = columns[tree.feature[node]], tree.threshold[node]
        parted = column.parted(last, leaf.rows)
        if parted is None:
            return [leaf]
        left = column.places[leaf.rows] <= last
        ways = zip(
            (tree.children_left[node], tree.children_right[node]),
            parted,
            (leaf.rows[left], leaf.rows[~left]),
            strict=True,
        )
        found = [below(child, _narrowed(leaf, part, part_rows)) for child, part, part_rows in ways]
        if all(len(side) == 1 for side in found) and not apart(found[0][0].rows, found[1][0].rows):
            return [leaf]
        return [*found[0], *found[1]]

    return below(0, Leaf({}, rows))


def _narrowed(leaf: Leaf, condition: Any, rows: Places) -> Leaf:
    """A leaf further down."""
    feature = condition.feature
    held: Any = leaf.conditions.get(feature)
    narrower = condition if held is None else held & condition
    return Leaf({**leaf.conditions, feature: narrower}, rows)


def looks(columns: Iterable[Column], rows: Places) -> int:
    """In how many ways rows can be cut in two."""
    return sum(int(np.count_nonzero(np.bincount(column.places[rows]))) - 1 for column in columns)
