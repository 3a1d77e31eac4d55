"""Before a goal starts: which effect would show, with how many people and which hold-out."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from math import ceil, sqrt
from typing import ClassVar

import numpy as np
import pandas as pd
from attrs import define, frozen

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit._usage import expect
from segmentkit.analysis._experiments import people_for, sample_of, visible
from segmentkit.analysis._goals.measuring import check_fresh, label_of, numbers_of
from segmentkit.analysis._result import Result, figure, moment, number, share
from segmentkit.analysis._statistics import checked
from segmentkit.goal import Goal, measure_name
from segmentkit.source import Source, check_source

_SHARES = (0.05, 0.1, 0.2, 0.5)


@frozen
class Visible:
    """What one hold-out would show.

    Attributes:
        hold_out: The share of people who are held out.
        effect: The smallest effect that would show, in the unit of the metric; None if there are
            too few people.
        relative: The same as a share of the metric as it is now; None if that is zero.
        people: How many people the amount of the goal needs; None if that cannot be told.
    """

    hold_out: float
    effect: float | None
    relative: float | None
    people: int | None


@define(frozen=True, slots=False)
class Plan(Result):
    """Which effect would show at the end of a goal.

    Attributes:
        goal: The goal.
        as_of: The instant of the numbers, in UTC.
        people: How many people are expected to enter.
        members: How many members the segment has now; the numbers are theirs.
        mean: The metric as it is of them.
        deviation: Its standard deviation.
        power: How often an effect of that size shows.
        level: The level of the interval.
        options: What each hold-out would show; that of the goal is the first.
        remarks: What else to know.
    """

    goal: Goal
    as_of: datetime
    people: int
    members: int
    mean: float | None
    deviation: float | None
    power: float
    level: float
    options: tuple[Visible, ...]
    remarks: tuple[str, ...] = ()

    _formats: ClassVar = {
        "hold-out": share,
        "smallest effect": figure,
        "relative": share,
        "people needed": number,
    }

    @property
    def shows(self) -> bool | None:
        """Whether the goal's amount would show; None if that cannot be told."""
        needed = self.options[0].people
        return None if needed is None else needed <= self.people

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each hold-out, that of the goal first."""
        rows = [(each.hold_out, each.effect, each.relative, each.people) for each in self.options]
        heads = ["hold-out", "smallest effect", "relative", "people needed"]
        return pd.DataFrame(rows, columns=heads, dtype=object)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Whether the goal can be decided."""
        chances = f"{localized(self.power, '.0%')} of the time"
        if self.shows is None:
            told = "what the amount needs cannot be told: there are too few members, or no spread"
        elif self.shows:
            told = f"an effect of {self.goal.amount} would show {chances}"
        else:
            needed = self.options[0].people
            told = (
                f"an effect of {self.goal.amount} would not show {chances}: that needs "
                f"{localized(needed)} people; wait longer, hold out more, or look for a larger "
                "effect"
            )
        return (told, *self.remarks)

    @property
    def _title(self) -> str:
        mean = "–" if self.mean is None else figure(self.mean)
        return (
            f"{self.goal.name}: {label_of(self.goal)} of {measure_name(self.goal.measure)} {mean} "
            f"now, {localized(self.people)} people expected, as of {moment(self.as_of)}"
        )


def plan(
    goal: Goal,
    source: Source,
    *,
    people: int | None = None,
    power: float = 0.8,
    level: float = 0.95,
    as_of: AsOf = None,
    stale: str = "refuse",
) -> Plan:
    """Tell which effect would show at the end of a goal, before it starts.

    The metric is measured of the members that the segment has now.

    Args:
        goal: The goal.
        source: The source of the population.
        people: How many people will enter until the end; by default as many as are members now.
        power: How often an effect of that size is to show.
        level: The level of the interval at the end.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        stale: ``"refuse"`` stale data, or ``"allow"`` it.

    Returns:
        The smallest effect that would show, and how many people the goal's amount needs, with
        the goal's hold-out and with others.

    Raises:
        DataError: A table that is read is stale.
        ImportError: scipy is not installed; the extra is `stats`.
        SegmentkitError: Something cannot be evaluated, as for `Source.evaluate`.
        ValueError: The power or the level is not between 0 and 1.
    """
    expect(goal, Goal, "plan(goal, source)")
    check_source(source)
    checked(level)
    checked(power, "power")
    at = utc_of(as_of, goal.schema)
    remarks = check_fresh([goal], source, at, stale)
    found = numbers_of({"measured": goal.measure, "in": goal.segment}, source, at)
    inside = found["in"].to_numpy() == 1
    values = found["measured"].reindex(found["in"].index).to_numpy(dtype=np.float64)[inside]
    known = values[np.isfinite(values)]
    if len(known) < len(values):
        remarks += (f"the metric is missing of {localized(len(values) - len(known))} members",)
    sample = sample_of(known)
    deviation = None if not sample.variance else sqrt(sample.variance)
    expected = len(values) if people is None else people
    own = float(goal.hold_out) / 100
    amount = goal.amount.value * (abs(sample.mean or 0) if goal.amount.is_relative else 1)

    def option(hold_out: float) -> Visible:
        least = visible(expected, hold_out, power, level)
        needed = None
        if deviation and amount:
            needed = ceil(people_for(amount / deviation, hold_out, power, level))
        if least is None or deviation is None:
            return Visible(hold_out, None, None, needed)
        effect = least * deviation
        relative = effect / abs(sample.mean) if sample.mean else None
        return Visible(hold_out, effect, relative, needed)

    others = [each for each in _SHARES if each != own]
    options = tuple(option(each) for each in (own, *others))
    told = expected, len(values), sample.mean, deviation, power, level
    return Plan(goal, at, *told, options, remarks)
