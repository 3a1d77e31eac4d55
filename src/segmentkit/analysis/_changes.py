"""Who entered a segment and who left it between two instants, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from attrs import define, evolve, field, frozen

from segmentkit._checking.context import Checked
from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit._planning.snapshot import seen_until
from segmentkit.analysis._plot import bare, empty, new_figure
from segmentkit.analysis._result import Result, moment, number, plural
from segmentkit.errors import SchemaError
from segmentkit.evaluation import Members
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAUSES: Mapping[str, str] = {
    "data": "attributes changed, or events came late",
    "clock": "the clock moved",
    "events": "events happened",
    "definition": "the definition changed",
}
"""The causes for entering or leaving a segment, in the order in which they are checked."""


@frozen
class Cause:
    """How many entered and left for one reason.

    Attributes:
        name: One of `CAUSES`.
        entered: How many entered.
        left: How many left.
    """

    name: str
    entered: int
    left: int


@define(frozen=True, slots=False, eq=False)
class Changes(Result):
    """Who entered a segment and who left it between two instants.

    Attributes:
        segment: The segment's name, if it has one.
        since: The earlier instant, in UTC.
        as_of: The later instant, in UTC.
        before: How many members there were.
        after: How many there are.
        causes: How many people entered and left, by cause.
        entered: The keys of the people who entered, and the cause of each.
        left: The keys of the people who left, and the cause of each.
    """

    segment: str | None
    since: datetime
    as_of: datetime
    before: int
    after: int
    causes: tuple[Cause, ...]
    entered: pd.Series[str] = field(repr=False)
    left: pd.Series[str] = field(repr=False)

    _formats: ClassVar = {"entered": number, "left": number}

    @property
    def stayed(self) -> int:
        """The number of people who were members and still are."""
        return self.after - len(self.entered)

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each cause."""
        rows = [(CAUSES[c.name], c.entered, c.left) for c in self.causes]
        return pd.DataFrame(rows, columns=["because", "entered", "left"])

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What became of the members."""
        if not self.before and not self.after:
            return ("nobody was in it, and nobody is",)
        told = f"{plural(self.stayed, 'member')} stayed, {localized(len(self.entered))} entered"
        return (f"{told}, {localized(len(self.left))} left",)

    @property
    def _title(self) -> str:
        name = self.segment or "the segment"
        sizes = f"{localized(self.before)} → {localized(self.after)}"
        return f"{name}: {sizes}, from {moment(self.since)} to {moment(self.as_of)}"

    def plot(self) -> Figure:
        """Draw a waterfall from the size before to the size after, by cause.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        if not self.before and not self.after:
            return empty(self.notes[0])
        steps: list[tuple[str, int, int, str]] = [("before", 0, self.before, "C0")]
        level = self.before
        for cause in self.causes:
            told = CAUSES[cause.name]
            if cause.left:
                steps.append((f"left: {told}", level - cause.left, cause.left, "C3"))
                level -= cause.left
            if cause.entered:
                steps.append((f"entered: {told}", level, cause.entered, "C2"))
                level += cause.entered
        steps.append(("after", 0, self.after, "C0"))
        figure = new_figure(8, 1 + 0.4 * len(steps), self._title)
        axes = figure.add_subplot()
        labels, starts, sizes, colours = zip(*steps, strict=True)
        axes.barh(range(len(steps)), sizes, left=starts, color=colours)
        for place, (_, start, size, _) in enumerate(steps):
            axes.text(start + size, place, f" {localized(size)}", va="center")
        axes.set_yticks(range(len(steps)), labels)
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.set_xticks([])
        bare(axes, "top", "right", "bottom")
        return figure


def changes(
    segment: Segment,
    source: Source,
    *,
    since: AsOf,
    as_of: AsOf = None,
    earlier: Segment | None = None,
    members: Members | None = None,
) -> Changes:
    """Find who entered a segment and who left it between two instants, and why.

    The same people are evaluated step by step: as they were then; as of the later instant, but
    without what happened in between (the clock); with it (events); and by the new definition, if
    there is another. The cause is the last step that changed someone's answer.

    A source knows attributes as they are now, so it needs ``members`` that you kept at the
    earlier instant to show that attributes have changed.

    Args:
        segment: The segment.
        source: The source of the population.
        since: The earlier instant.
        as_of: The later instant; by default now.
        earlier: The definition at the earlier instant; by default the same.
        members: The members that a source returned at that time; by default evaluated now.

    Returns:
        The counts by cause, and the keys.

    Raises:
        DataError: A parameter has no value.
        SchemaError: The two definitions are of different schemas.
        UnsupportedError: The source cannot compute a construct.
        ValueError: The earlier instant is not earlier.
    """
    check_source(source)
    old = segment if earlier is None else earlier
    if old.schema != segment.schema:
        raise SchemaError("the two definitions are of different schemas")
    then, now = utc_of(since, segment.schema), utc_of(as_of, segment.schema)
    if then > now:
        raise ValueError(f"since is {moment(then)}, which is after {moment(now)}")
    still = seen_until(old._checked.condition, old.schema, then.replace(tzinfo=None))
    unmoved = evolve(old, checked=Checked(still, old._checked.parameters))
    asked = {"clock": unmoved, "events": old, "definition": segment}
    steps = {"data": source.evaluate({"data": old}, as_of=then).frame["data"]}
    steps |= dict(source.evaluate(asked, as_of=now).frame.items())  # type: ignore[arg-type]
    table = pd.DataFrame(steps)
    if members is not None:
        known = pd.Series(members.mask, index=members.population)
        table = pd.DataFrame({"kept": known, **steps})
    # Whom an answer does not know, is not in.
    table = table.fillna(False).astype(bool)
    return _told(segment, table, then, now)


def _told(segment: Segment, table: pd.DataFrame, then: datetime, now: datetime) -> Changes:
    first, *rest = map(str, table)
    cause: pd.Series[Any] = pd.Series("", index=table.index, dtype=object)
    for before, after in pairwise([first, *rest]):
        cause[table[before] != table[after]] = after
    was, is_in = table[first], table[rest[-1]]
    entered, left = cause[~was & is_in], cause[was & ~is_in]
    names = rest if len(rest) == len(CAUSES) else [name for name in CAUSES if name != "data"]
    causes = tuple(Cause(n, int((entered == n).sum()), int((left == n).sum())) for n in names)
    return Changes(
        segment.name,
        then,
        now,
        int(was.sum()),
        int(is_in.sum()),
        causes,
        entered,
        left,
    )
