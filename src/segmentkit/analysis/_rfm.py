"""Recency, frequency and monetary value: scores by declared rules, and named groups of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
from attrs import define, field, frozen

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit._language.formatter import format_value
from segmentkit._language.given import Constant, exact
from segmentkit.analysis._plot import bare, empty, new_figure
from segmentkit.analysis._result import Result, moment, number
from segmentkit.errors import SchemaError
from segmentkit.partition import Partition
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source
from segmentkit.trait import Trait

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scores = tuple[int, int]
"""From which score to which."""

GROUPS: Mapping[str, tuple[Scores, Scores]] = MappingProxyType(
    {
        "champions": ((5, 5), (4, 5)),
        "loyal": ((3, 4), (4, 5)),
        "potential loyalists": ((4, 5), (2, 3)),
        "new customers": ((5, 5), (1, 1)),
        "promising": ((4, 4), (1, 1)),
        "need attention": ((3, 3), (3, 3)),
        "about to sleep": ((3, 3), (1, 2)),
        "cannot lose": ((1, 2), (5, 5)),
        "at risk": ((1, 2), (3, 4)),
        "hibernating": ((1, 2), (1, 2)),
    }
)
"""Groups of those who bought: scores of recency, and of frequency or monetary value.

Together they are all scores from 1 to 5, each once.
"""


@frozen
class Scale:
    """A value and the rule that scores it, from 1, the worst, up.

    Attributes:
        value: The value, in the language.
        among: The condition for being scored, in the language.
        tiles: The number of groups, as even as possible, or None.
        bounds: Otherwise the smallest value for each score from 2 up.
        days: Or, for a time, the number of last days in which it must be, for each score from 2 up.
    """

    value: str
    among: str
    tiles: int | None = None
    bounds: tuple[Constant, ...] = ()
    days: tuple[int, ...] = ()

    @property
    def most(self) -> int:
        """The best score."""
        return self.tiles or len(self.bounds or self.days) + 1

    def definition(self, low: int, high: int) -> str:
        """The condition for a score in a range, including both ends.

        Raises:
            ValueError: There are no such scores.
        """
        if not 1 <= low <= high <= self.most:
            raise ValueError(f"there are no scores from {low} to {high}: they go to {self.most}")
        if self.tiles is not None:
            return self._tiled(low, high)
        tests = [self._reached(low)] if low > 1 else [self.among]
        if high < self.most:
            tests.append(f"not {self._reached(high + 1)}")
        return " and ".join(tests)

    def _tiled(self, low: int, high: int) -> str:
        # Whoever has no value is not ranked anyway.
        among = "" if self.among == f"{self.value} is present" else f" among ({self.among})"
        tile = f"ntile({self.tiles}, {self.value}{among})"
        if low == high:
            return f"{tile} = {low}"
        if high == self.most:
            return f"{tile} >= {low}"
        return f"{tile} between {low} and {high}"

    def _reached(self, score: int) -> str:
        if self.days:
            days = self.days[score - 2]
            return f"({self.value} in last {days} {'day' if days == 1 else 'days'})"
        return f"({self.value} >= {format_value(exact(self.bounds[score - 2]))})"


@frozen(eq=False)
class Rfm:
    """Rules that score recency, frequency and monetary value.

    Make one with `Rfm.define`.

    Attributes:
        schema: The schema of the definitions.
        recency: When someone last bought.
        frequency: How often someone bought.
        monetary: How much someone spent.
    """

    schema: Schema
    recency: Scale
    frequency: Scale
    monetary: Scale
    traits: tuple[Trait, ...] = field(init=False)
    """The three values, as traits."""

    @traits.default
    def _traits(self) -> tuple[Trait, ...]:
        scales = {"recency": self.recency, "frequency": self.frequency, "monetary": self.monetary}
        return tuple(Trait.define(n, scale.value, self.schema) for n, scale in scales.items())

    @classmethod
    def define(
        cls,
        schema: Schema,
        *,
        recency: str,
        frequency: str,
        monetary: str,
        tiles: int = 5,
        recency_days: Sequence[int] = (),
        frequency_from: Sequence[Constant] = (),
        monetary_from: Sequence[Constant] = (),
    ) -> Rfm:
        """Define what is scored, and by which rules.

        A value without a rule of its own is divided into ``tiles`` that are as even as possible,
        among everyone who ever bought. Equal values have equal scores, so tiles can be uneven.

        Args:
            schema: The schema of the texts.
            recency: When someone last bought: ``last(orders.placed_at)``.
            frequency: How often: ``count(orders in last 365 days)``.
            monetary: How much: ``sum(orders.amount in last 365 days)``.
            tiles: The number of scores for values without a rule.
            recency_days: The number of days for each score from 2 up: ``[365, 90, 30, 7]``.
            frequency_from: The lowest value for each score from 2 up: ``[2, 4, 8, 16]``.
            monetary_from: The same for the monetary value.

        Returns:
            The rules.

        Raises:
            DefinitionError: A text is not a value of the schema.
            SchemaError: The recency is not a time.
            ValueError: Rules are not in order.

        Example:
            >>> from segmentkit import TIMESTAMP, Attribute, Entity, Relation, decimal
            >>> bought = [Attribute("at", TIMESTAMP), Attribute("amount", decimal(2))]
            >>> orders = Entity("orders", attributes=bought)
            >>> way = Relation("orders", key="person", at="at")
            >>> shop = Schema([Entity("people", key="id", relations=[way]), orders])
            >>> rules = Rfm.define(
            ...     shop,
            ...     recency="last(orders.at)",
            ...     frequency="count(orders)",
            ...     monetary="sum(orders.amount)",
            ...     recency_days=[365, 180, 90, 30],
            ...     frequency_from=[2, 4, 8, 16],
            ... )
            >>> print(rules.groups()["champions"])
            last(orders.at) in last 30 days and count(orders) >= 8
        """
        among = f"{recency} is present"
        if list(recency_days) != sorted(set(recency_days), reverse=True):
            raise ValueError("recency_days must fall, as in [365, 180, 90, 30]")
        for name, bounds in (("frequency", frequency_from), ("monetary", monetary_from)):
            if list(bounds) != sorted(set(bounds)):
                raise ValueError(f"{name}_from must rise, as in [2, 4, 8, 16]")
        scales = [
            Scale(recency, among, None if recency_days else tiles, days=tuple(recency_days)),
            Scale(frequency, among, None if frequency_from else tiles, tuple(frequency_from)),
            Scale(monetary, among, None if monetary_from else tiles, tuple(monetary_from)),
        ]
        rules = cls(schema, *scales)
        if not rules.traits[0].dtype.is_time:
            raise SchemaError(f"the recency must be a time, not {rules.traits[0].dtype}")
        for scale in scales:
            Segment.define(None, scale.definition(1, 1), schema)
        return rules

    def scored(
        self, recency: Scores, across: Scores, *, by: str = "frequency", name: str | None = None
    ) -> Segment:
        """The segment with some scores of recency, and of frequency or monetary value.

        Args:
            recency: The range of scores of recency.
            across: The range of scores of the other value.
            by: The other value: ``frequency`` or ``monetary``.
            name: The name of the segment.

        Returns:
            A segment like any other.

        Raises:
            ValueError: There are no such scores.
        """
        scales = (self.recency, self._across(by))
        tests = [s.definition(*scores) for s, scores in zip(scales, (recency, across), strict=True)]
        return Segment.define(name, " and ".join(tests), self.schema)

    def _across(self, by: str) -> Scale:
        try:
            return {"frequency": self.frequency, "monetary": self.monetary}[by]
        except KeyError:
            raise ValueError(f"by must be 'frequency' or 'monetary', not {by!r}") from None

    def groups(self, *, by: str = "frequency") -> dict[str, Segment]:
        """The named groups of `GROUPS`, as segments; everyone who bought is in exactly one.

        Args:
            by: The value beside recency: ``frequency`` or ``monetary``.

        Raises:
            ValueError: The scores do not go from 1 to 5, of which the groups are made.
        """
        for scale in (self.recency, self._across(by)):
            if scale.most != 5:
                raise ValueError(f"the groups are made of 5 scores; {scale.value} has {scale.most}")
        return {n: self.scored(*scores, by=by, name=n) for n, scores in GROUPS.items()}

    def partition(
        self, *, by: str = "frequency", name: str = "rfm", rest: str = "never bought"
    ) -> Partition:
        """The named groups as a partition, in which everyone else is the rest.

        Raises:
            ValueError: The scores do not go from 1 to 5, of which the groups are made.
        """
        return Partition.define(name, self.groups(by=by), rest=rest)


@define(frozen=True, slots=False)
class Grid(Result):
    """The number of people with each pair of scores.

    Attributes:
        by: The value beside recency.
        population: The number of everyone.
        as_of: The instant of the answer, in UTC.
        cells: The number of people with each score of recency and of the other value.
        groups: The number of people in each named group; empty if there are not 5 scores.
        bought: The number of people who have a recency.
        lacking: The number of these whose other value is missing, so that they have no scores.
        tiled: Whether scores of recency, and of the other, are tiles, and not declared rules.
    """

    by: str
    population: int
    as_of: datetime
    cells: Mapping[Scores, int]
    groups: Mapping[str, int]
    bought: int
    lacking: int
    tiled: tuple[bool, bool]

    _formats: ClassVar = {"recency": str, "frequency": str, "monetary": str, "members": number}

    @property
    def scored(self) -> int:
        """The number of people who have scores."""
        return sum(self.cells.values())

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each pair of scores, the best first."""
        rows = [(*scores, self._group(scores), n) for scores, n in sorted(self.cells.items())[::-1]]
        return pd.DataFrame(rows, columns=["recency", self.by, "group", "members"])

    @property
    def matrix(self) -> pd.DataFrame:
        """Members by score: recency down, the best on top, and the other across."""
        columns = ["recency", self.by, "members"]
        found = self.frame[columns].pivot_table("members", "recency", self.by, aggfunc="sum")
        return found.sort_index(ascending=False)

    def _group(self, scores: Scores) -> str | None:
        named = GROUPS if self.groups else {}
        for name, ranges in named.items():
            if all(low <= s <= high for s, (low, high) in zip(scores, ranges, strict=True)):
                return name
        return None

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """The number of people in each group, and what is unusual."""
        return tuple(self._told())

    def _told(self) -> Iterator[str]:
        if not self.scored:
            if not self.bought:
                yield "nobody has bought, so there is nothing to score"
            yield from self._unscored()
            return
        for name, size in self.groups.items():
            yield f"{name}: {localized(size)}"
        yield from self._unscored()
        for axis, what in enumerate(("recency", self.by)):
            every = {scores[axis] for scores in self.cells}
            used = {scores[axis] for scores, size in self.cells.items() if size}
            for score in sorted(every - used):
                yield f"nobody has {what} {score}: {self._why(axis)}"

    def _unscored(self) -> Iterator[str]:
        """Who has no scores, and why."""
        if self.bought < self.population:
            yield f"never bought: {localized(self.population - self.bought)}"
        if self.lacking:
            yield f"bought, but {self.by} is missing: {localized(self.lacking)}, who have no scores"
        if others := self.bought - self.lacking - self.scored:
            yield f"bought, but without a score: {localized(others)}"

    def _why(self, axis: int) -> str:
        """Why nobody has a score."""
        if not self.tiled[axis]:
            return "no value is in its range"
        tiles = max(scores[axis] for scores in self.cells)
        if self.scored < tiles:
            return f"there are {localized(self.scored)} people for {tiles} scores"
        if self.lacking and axis == 0:
            return f"equal values have one score, and {localized(self.lacking)} have no {self.by}"
        return "equal values have one score"

    @property
    def _title(self) -> str:
        told = f"recency and {self.by} of {localized(self.scored)} of {localized(self.population)}"
        return f"{told}, as of {moment(self.as_of)}"

    def plot(self) -> Figure:
        """Draw the grid: recency up, the other across, with the named groups.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        if not self.scored:
            return empty(self.notes[0] if self.notes else "nobody has scores")
        down, across = (sorted({scores[axis] for scores in self.cells}) for axis in (0, 1))
        figure = new_figure(2 + 1.4 * len(across), 1.4 + 0.9 * len(down), self._title)
        axes = figure.add_subplot()
        most = max(self.cells.values())
        shades = [[self.cells[r, f] / most for f in across] for r in down]
        extent = (0.5, len(across) + 0.5, 0.5, len(down) + 0.5)
        axes.imshow(
            shades, cmap="Blues", vmin=0, vmax=2, origin="lower", aspect="auto", extent=extent
        )
        for (recency, other), size in self.cells.items():
            axes.text(other, recency, localized(size), ha="center", va="center", color="0.2")
        for name, ((low, high), (left, right)) in (GROUPS if self.groups else {}).items():
            outline = [[left - 0.5, right + 0.5], [low - 0.5, high + 0.5]]
            (x0, x1), (y0, y1) = outline
            axes.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color="0.45", linewidth=1.2)
            told = f"{name} · {localized(self.groups[name])}"
            axes.text(x0 + 0.06, y1 - 0.06, told, ha="left", va="top", fontsize=8, weight="bold")
        axes.set_xticks(across)
        axes.set_yticks(down)
        axes.set_xlabel(f"{self.by} score")
        axes.set_ylabel("recency score")
        axes.tick_params(length=0)
        bare(axes, "top", "right", "bottom", "left")
        return figure


def grid(rules: Rfm, source: Source, *, by: str = "frequency", as_of: AsOf = None) -> Grid:
    """Count the people with each pair of scores, and in each named group.

    Args:
        rules: The rules for scores.
        source: The source of the population.
        by: The value beside recency: ``frequency`` or ``monetary``.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The counts.

    Raises:
        UnsupportedError: The source cannot compute a construct.
        ValueError: ``by`` is neither of these.
    """
    check_source(source)
    at = utc_of(as_of, rules.schema)
    down, across = rules.recency.most, rules._across(by).most
    places = [(r, f) for r in range(1, down + 1) for f in range(1, across + 1)]
    cells = {f"{r} {f}": rules.scored((r, r), (f, f), by=by) for r, f in places}
    groups = rules.groups(by=by) if down == across == 5 else {}
    scales = (rules.recency, rules._across(by))
    bought, other = (f"({scale.value}) is present" for scale in scales)
    beside = {
        "bought": Segment.define(None, bought, rules.schema),
        "lacking": Segment.define(None, f"{bought} and not ({other})", rules.schema),
    }
    sizes = source.sizes({**cells, **groups, **beside}, as_of=at)
    return Grid(
        by,
        sizes.population,
        at,
        {(r, f): sizes[f"{r} {f}"] for r, f in places},
        {name: sizes[name] for name in groups},
        sizes["bought"],
        sizes["lacking"],
        (scales[0].tiles is not None, scales[1].tiles is not None),
    )
