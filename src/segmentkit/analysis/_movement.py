"""Sizes over time, and who moved between the parts of a partition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from attrs import define, field

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit.analysis._overlap import named_segments
from segmentkit.analysis._plot import bare, colours, empty, labels_of, new_figure
from segmentkit.analysis._result import Result, moment, number, plural
from segmentkit.partition import Partition
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# -- sizes over time ----------------------------------------------------------------------------


@define(frozen=True, slots=False, eq=False)
class History(Result):
    """The sizes of segments at several instants.

    Attributes:
        sizes: For each instant, in UTC, in order, the size of each segment by its name.
    """

    sizes: Mapping[datetime, Mapping[str, int]]

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each instant: ``as_of``, and one column for each segment."""
        return pd.DataFrame([{"as_of": at, **sizes} for at, sizes in self.sizes.items()])

    @property
    def names(self) -> list[str]:
        """The names of the segments."""
        return list(next(iter(self.sizes.values())))

    @cached_property
    def _formats(self) -> Mapping[str, Any]:  # type: ignore[override]
        return dict.fromkeys(self.names, number)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """How much each grew."""
        first, *_, last = self.sizes.values() if len(self.sizes) > 1 else ({}, {})
        return tuple(f"{name}: {last[name] - first[name]:+,}" for name in last)

    @property
    def _title(self) -> str:
        return f"{plural(len(self.names), 'segment')} at {plural(len(self.sizes), 'instant')}"

    def plot(self) -> Figure:
        """Draw the sizes as lines.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        figure = new_figure(8, 4, self._title)
        axes = figure.add_subplot()
        names = self.names
        for name, label, colour in zip(
            names, labels_of(names, 40), colours(len(names)), strict=True
        ):
            sizes = [each[name] for each in self.sizes.values()]
            axes.plot(list(self.sizes), sizes, marker="o", label=label, color=colour)  # type: ignore[arg-type]
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)
        figure.autofmt_xdate()
        bare(axes)
        return figure


def history(
    segments: Mapping[str, Segment] | Iterable[Segment], source: Source, instants: Iterable[AsOf]
) -> History:
    """Count segments at several instants.

    Events are seen as they were at each instant; attributes are what they are now.

    Args:
        segments: A catalog, another mapping, or segments that have names.
        source: The source of the population.
        instants: The instants, such as the first days of months.

    Returns:
        The sizes.

    Raises:
        DataError: A parameter has no value.
        UnsupportedError: The source cannot compute a construct.
        ValueError: You gave no instants or no segments, or a segment has no name.
    """
    check_source(source)
    named = named_segments(segments)
    schema = next(iter(named.values())).schema
    asked = sorted({utc_of(each, schema) for each in instants})
    if not asked:
        raise ValueError("give at least one instant")
    sizes = {}
    for at in asked:
        found = source.sizes(named, as_of=at)
        sizes[at] = {name: found[name] for name in named}
    return History(sizes)


# -- between the parts of a partition -----------------------------------------------------------


@define(frozen=True, slots=False, eq=False)
class Movement(Result):
    """Who moved between the parts of a partition.

    Attributes:
        partition: The partition's name.
        since: The earlier instant, in UTC.
        as_of: The later instant, in UTC.
        matrix: How many people were in the row's part then, and are in the column's part now.
    """

    partition: str
    since: datetime
    as_of: datetime
    matrix: pd.DataFrame = field(repr=False)

    _formats: ClassVar = {"members": number}

    @property
    def population(self) -> int:
        """The number of everyone in all parts."""
        return int(self.matrix.to_numpy().sum())

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each move that occurs, the most frequent first, including who stayed."""
        rows = [
            (before, after, int(self.matrix.loc[before, after]))
            for before in self.matrix.index
            for after in self.matrix.columns
            if self.matrix.loc[before, after]
        ]
        rows.sort(key=lambda row: -row[-1])
        return pd.DataFrame(rows, columns=["from", "to", "members"])

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """The number of people who moved."""
        if not self.population:
            return ("there is nobody to move",)
        stayed = sum(int(self.matrix.loc[label, label]) for label in self.matrix.index)
        moved = localized(self.population - stayed)
        return (f"{localized(stayed)} stayed where they were, {moved} moved",)

    @property
    def _title(self) -> str:
        return f"{self.partition}, from {moment(self.since)} to {moment(self.as_of)}"

    def plot(self) -> Figure:
        """Draw the flow from the parts then to the parts now.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        if not self.population:
            return empty(self.notes[0])
        figure = new_figure(8, 1.5 + 0.7 * len(self.matrix), self._title)
        axes = figure.add_subplot()
        _flow(axes, self.matrix, self.population * 0.03)
        axes.invert_yaxis()
        axes.set_axis_off()
        return figure


def movement(partition: Partition, source: Source, *, since: AsOf, as_of: AsOf = None) -> Movement:
    """Count who moved between the parts of a partition between two instants.

    Args:
        partition: The partition.
        source: The source of the population.
        since: The earlier instant.
        as_of: The later instant; by default now.

    Returns:
        The counts.

    Raises:
        DataError: A parameter has no value.
        UnsupportedError: The source cannot compute a construct.
    """
    check_source(source)
    then, now = (utc_of(each, partition.schema) for each in (since, as_of))
    before, after = (_labels(partition, source, at) for at in (then, now))
    labels = list(partition.labels)
    both = pd.DataFrame({"before": before, "after": after})
    matrix = pd.crosstab(both["before"], both["after"]).reindex(
        index=labels, columns=labels, fill_value=0
    )
    matrix = matrix.rename_axis(index=None, columns=None)
    return Movement(partition.name, then, now, matrix)


def _labels(partition: Partition, source: Source, at: datetime) -> pd.Series[Any]:
    """The part of everybody at an instant, by key."""
    frame = source.evaluate(dict(partition.parts), as_of=at).frame
    found = pd.Series(partition.rest, index=frame.index, dtype=object)
    for label in reversed(list(partition.parts)):
        found[frame[label]] = label
    return found


def _flow(axes: Axes, matrix: pd.DataFrame, gap: float) -> None:
    parts = list(matrix.index)
    shown = dict(zip(parts, labels_of(parts, 30), strict=True))
    shades = dict(zip(parts, colours(len(parts)), strict=True))
    sides = {0: matrix.sum(axis=1), 1: matrix.sum(axis=0)}
    tops: dict[tuple[int, str], float] = {}
    for side, sizes in sides.items():
        level = 0.0
        for label in parts:
            size = float(sizes[label])
            tops[side, label] = level
            if size:
                axes.bar(side, size, width=0.08, bottom=level, color=shades[label])
                place, align = (-0.06, "right") if side == 0 else (1.06, "left")
                told = f"{shown[label]} · {localized(int(size))}"
                axes.text(place, level + size / 2, told, ha=align, va="center", fontsize=8)
                level += size + gap
    way = [step / 20 for step in range(21)]
    ease = [x * x * (3 - 2 * x) for x in way]
    for before in parts:
        for after in parts:
            size = float(matrix.loc[before, after])
            if size:
                start, end = tops[0, before], tops[1, after]
                low = [start + (end - start) * e for e in ease]
                across = [0.04 + 0.92 * x for x in way]
                high = [y + size for y in low]
                axes.fill_between(across, low, high, color=shades[before], alpha=0.35, linewidth=0)
                tops[0, before] += size
                tops[1, after] += size
    axes.set_xlim(-0.6, 1.6)
