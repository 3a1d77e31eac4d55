"""Clusters of people, and the leaves of a tree that come close to each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from attrs import evolve, frozen

from segmentkit._diagnostics.languages import localized
from segmentkit.analysis._discovery.decision_tree import MOST_DEEP, Growth, Leaf, columns_of, leaves
from segmentkit.analysis._discovery.features import Chosen, Mask, Numbers, Places, Span
from segmentkit.analysis._discovery.labels import LARGEST
from segmentkit.analysis._discovery.models import models
from segmentkit.analysis._discovery.training_data import Reader, Value

MOST = 50
"""How many clusters there can be: nobody reads more."""
_MOST_TRIED = 8
_TRIED = 3000
"""Of how many people silhouettes are told."""
_START = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000


@frozen
class Measured:
    """Numbers of people.

    Attributes:
        values: What the columns are of.
        rows: Of whom everything is known, by their places.
        numbers: Their numbers; times are days.
        remarks: Who is left out, and what.
    """

    values: tuple[Value, ...]
    rows: Places
    numbers: Numbers
    remarks: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[Value], frame: pd.DataFrame) -> Measured:
        """The numbers of everybody in a frame of values."""
        columns = [_numbers(frame[str(value.trait.name)]) for value in values]
        table = np.column_stack(columns) if columns else np.zeros((len(frame), 0))
        known = np.abs(table) < LARGEST  # nor is what is missing
        lacking = zip(values, (~known).sum(axis=0).tolist(), strict=True)
        rows = np.flatnonzero(known.all(axis=1))
        told = ", ".join(f"{value.text} of {localized(n)}" for value, n in lacking if n)
        lost = len(frame) - len(rows)
        remarks = (
            [f"left out: {localized(lost)} of whom something is not known: {told}"] if lost else []
        )
        numbers = table[rows]
        differs = [bool(len(rows)) and bool(np.ptp(column)) for column in numbers.T]
        alike = [value.text for value, does in zip(values, differs, strict=True) if not does]
        if alike and len(rows):
            remarks.append(f"not looked at, as it is the same of everyone: {', '.join(alike)}")
        kept = tuple(value for value, does in zip(values, differs, strict=True) if does)
        return cls(kept, rows, numbers[:, differs], tuple(remarks))

    @property
    def texts(self) -> list[str]:
        """How definitions say what the columns are of."""
        return [value.text for value in self.values]

    @property
    def standardised(self) -> Numbers:
        """The numbers as distances from their means, in standard deviations."""
        scaled = self.numbers / np.maximum(np.abs(self.numbers).max(axis=0, initial=0), 1e-150)
        return np.asarray((scaled - scaled.mean(axis=0)) / scaled.std(axis=0))

    def means(self, chosen: Any) -> dict[str, float | datetime]:
        """The mean of each value among some rows."""
        found = self.numbers[chosen].mean(axis=0).tolist()
        return {
            value.text: _START + timedelta(days=mean) if value.trait.dtype.is_time else mean
            for value, mean in zip(self.values, found, strict=True)
        }

    def why_none(self, people: int, count: int) -> str | None:
        """Why there are no clusters, or not so many; None if there can be."""
        if not people:
            return "there is nobody to ask about"
        if not len(self.rows):
            return "of nobody everything is known"
        if not self.values:
            return "nobody differs"
        different = len(np.unique(self.numbers, axis=0))
        if different < count:
            return f"{localized(different)} who differ are too few for {localized(count)} clusters"
        return None


def _numbers(column: pd.Series[Any]) -> Numbers:
    found = np.full(len(column), np.nan)
    known = column.notna().to_numpy()
    if column.dtype.kind == "M":
        # Counted in microseconds: nanoseconds end in 2262.
        zoned = column.dt.tz_convert(None) if column.dt.tz is not None else column
        since = zoned[known].to_numpy().astype("datetime64[us]").astype(np.int64)
        found[known] = since / _DAY
    else:
        found[known] = column[known].astype(np.float64)
    return found


def grouped(
    measured: Measured, count: int | None, model: str, seed: int
) -> tuple[Places, dict[int, float]]:
    """The cluster of each, the largest being 0; and the silhouettes of the counts tried."""
    table = measured.standardised
    some = table
    if len(table) > _TRIED:
        some = table[np.random.default_rng(seed).choice(len(table), _TRIED, replace=False)]
    different = len(np.unique(some, axis=0))
    counts = [count] if count else range(2, min(_MOST_TRIED, different) + 1)
    silhouettes = {
        n: models().silhouette(some, models().grouped(some, n, kind=model, seed=seed))
        for n in counts
    }
    best = max(silhouettes, key=lambda n: silhouettes[n])
    found = models().grouped(table, best, kind=model, seed=seed)
    _, found, sizes = np.unique(found, return_inverse=True, return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    return np.argsort(order)[found], silhouettes


def described(
    measured: Measured, groups: Places, frame: pd.DataFrame, reader: Reader, growth: Growth
) -> list[list[Leaf]]:
    """The leaves of a tree that stand for each cluster.

    The tree grows until each cluster has a leaf. Only who has a value is at a leaf that asks
    about it.
    """
    features, _ = reader.features(measured.values, frame)
    target = np.full(len(frame), -1, dtype=np.int64)
    target[measured.rows] = groups
    columns = columns_of(features, measured.rows, target)
    count = int(groups.max()) + 1

    def kind(rows: Places) -> int:
        return int(np.bincount(target[rows], minlength=count).argmax())

    ways: list[list[Leaf]] = []
    for depth in range(growth.depth, MOST_DEEP + 1):
        grown = evolve(growth, depth=depth)
        found = leaves(
            columns, target, measured.rows, grown, lambda one, other: kind(one) != kind(other)
        )
        found.sort(key=lambda leaf: -len(leaf.rows))
        ways = [[_known(leaf) for leaf in found if kind(leaf.rows) == g] for g in range(count)]
        if all(ways):
            break
    return ways


def held_by(ways: Sequence[Leaf], size: int) -> Mask:
    """Whom any of some leaves holds of, of so many."""
    found = np.zeros(size, dtype=np.bool_)
    for leaf in ways:
        found |= leaf.mask(size)
    return found


def _known(leaf: Leaf) -> Leaf:
    """Those at a leaf of whom the values that it asks about are known."""
    known: dict[Any, Any] = {}
    for feature, condition in leaf.conditions.items():
        match condition:
            case Span():
                known[feature] = condition & Span(condition.feature, missing=False)
            case Chosen():
                known[feature] = condition & Chosen(condition.feature, frozenset({0, 1}))
    return Leaf(known, leaf.rows)
