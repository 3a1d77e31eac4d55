"""Is it a good segment: large enough, homogeneous, different from the rest, and stable?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from math import sqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
from attrs import define, field, frozen

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit._usage import expect
from segmentkit.analysis import _statistics as stats
from segmentkit.analysis._comparands import Scale, groups_of
from segmentkit.analysis._metric import Metric
from segmentkit.analysis._plot import bare, empty, new_figure, shortened
from segmentkit.analysis._result import Result, chance, figure, moment, plural, share
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source
from segmentkit.trait import Trait

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "large enough": "would a test among the members show the effect that matters?",
        "homogeneous": "are the members more alike than all who are compared?",
        "different": "do they differ from the rest by more than chance, and by enough to matter?",
        "stable": "did it keep its size and its members over the last periods?",
    }
)
"""The questions about a segment, in order."""
SMALL = 0.2
"""The least effect that matters, in standard deviations or as Cohen's h, if none is stated."""


@frozen
class Verdict:
    """The answer to one question about a segment.

    Attributes:
        question: One of `QUESTIONS`.
        holds: The answer; None if it is not known.
        why: The reason in words.
        numbers: The numbers behind it, by name; numbers that cannot be computed are absent.
    """

    question: str
    holds: bool | None
    why: str
    numbers: Mapping[str, float] = field(factory=dict)

    @property
    def answer(self) -> str:
        """``yes``, ``no``, or ``cannot be told``."""
        return {True: "yes", False: "no", None: "cannot be told"}[self.holds]


@define(frozen=True, slots=False, eq=False)
class Assessment(Result):
    """Whether a segment is a good one, question by question.

    Attributes:
        segment: The segment's name, if it has one.
        base: What it is compared with.
        metric: What it is measured by.
        size: The number of members.
        base_size: The number of people in the base who are not members.
        total: The sum of the members' metric, or for how many of them it holds; None for times.
        part: Its share of the members' and the base's total, if that is a share.
        as_of: The instant of the answer, in UTC.
        verdicts: The answers.
        sizes: The number of members at the last instants, the earliest first.
        rate: Whether the metric is a rate, and not a mean.
    """

    segment: str | None
    base: str
    metric: str
    size: int
    base_size: int
    total: float | None
    part: float | None
    as_of: datetime
    verdicts: tuple[Verdict, ...]
    sizes: Mapping[datetime, int]
    rate: bool = False

    _formats: ClassVar[Mapping[str, Callable[[object], str]]] = {}

    def __getitem__(self, question: str) -> Verdict:
        """The answer to one question."""
        for verdict in self.verdicts:
            if verdict.question == question:
                return verdict
        raise KeyError(f"the questions are {', '.join(QUESTIONS)}, not {question!r}")

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each number behind a verdict."""
        rows = [
            (verdict.question, verdict.answer, name, float(value))
            for verdict in self.verdicts
            for name, value in verdict.numbers.items()
        ]
        return pd.DataFrame(rows, columns=["question", "verdict", "number", "value"])

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        return ["question", "verdict", "why"], [
            [v.question, v.answer, v.why] for v in self.verdicts
        ]

    def _below(self) -> tuple[str, ...]:
        return self.notes

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """The verdicts in one sentence."""
        if not self.size:
            return ("nobody is a member, so there is nothing to assess",)
        held = [verdict.question for verdict in self.verdicts if verdict.holds]
        failed = [verdict.question for verdict in self.verdicts if verdict.holds is False]
        told = f"{len(held)} of {len(self.verdicts)} hold"
        return (told + (f"; not {', '.join(failed)}" if failed else ""),)

    @property
    def _title(self) -> str:
        name = self.segment or "the segment"
        worth = ""
        if self.total is not None and self.size:
            of_all = "" if self.part is None else f" ({share(self.part)} of all)"
            worth = f", {figure(self.total)} of {self.metric}{of_all}"
        others = f"{localized(self.base_size)} others of {self.base}"
        people = f"{plural(self.size, 'member')} beside {others}"
        return f"{name}: {people}{worth}, as of {moment(self.as_of)}"

    def plot(self) -> Figure:
        """Draw the numbers behind the verdicts, one panel for each.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        if not self.size:
            return empty(self.notes[0])
        return _panels(self)


@frozen
class Standard:
    """What is good enough.

    Attributes:
        effect: The smallest effect that matters, in the metric's own units, or as a share for a
            rate; by default 0.2 standard deviations, or as much for a rate (Cohen's h).
        power: How often a test must show the effect.
        level: How certain a test must be.
        periods: The number of periods to look back.
        every: The length of a period.
        alike: The smallest Jaccard index of the members now and a period ago.
        drift: How far sizes may be from their mean, as a share of it.

    Raises:
        ValueError: A number is out of its range.
    """

    effect: float | None = field(default=None, kw_only=True)
    power: float = field(default=0.8, kw_only=True)
    level: float = field(default=0.95, kw_only=True)
    periods: int = field(default=6, kw_only=True)
    every: timedelta = field(default=timedelta(days=30), kw_only=True)
    alike: float = field(default=0.5, kw_only=True)
    drift: float = field(default=0.2, kw_only=True)

    def __attrs_post_init__(self) -> None:
        stats.checked(self.level)
        stats.checked(self.power, "power")
        if self.power <= 1 - self.level:
            raise ValueError(f"power must be more than 1 - level, not {self.power!r}")
        if self.effect is not None and not self.effect > 0:
            raise ValueError(f"the effect must be greater than 0, not {self.effect!r}")
        if self.periods < 1 or self.every <= timedelta(0):
            raise ValueError("give at least one period that is longer than zero")


def assess(
    segment: Segment,
    source: Source,
    *,
    metric: Trait | Segment | str,
    base: Segment | None = None,
    standard: Standard | None = None,
    as_of: AsOf = None,
    mixed: bool = False,
) -> Assessment:
    """Assess whether a segment is worth having: four plain verdicts, and the numbers behind them.

    - *large enough*: comparing one random half of the members with the other half would show the
      effect, as certainly and as often as the standard requires.
    - *homogeneous*: the metric varies less within the members than among everyone compared.
    - *different*: the metric differs from the base's by more than chance, and by no less than a
      small effect.
    - *stable*: at each of the last instants the size was near its mean, and of the people who were
      members now or a period ago, enough were members both times.

    Args:
        segment: The segment.
        source: The source of the population.
        metric: What it is measured by: a trait that is a number or true or false, a segment,
            whose rate is taken, or either in the language.
        base: Whom to compare the members with; by default everyone else.
        standard: What is good enough; by default `Standard()`.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        mixed: Measure by amounts even if they have several units; by default that is an error.

    Returns:
        The verdicts. A source knows attributes as they are now, so that only events and the clock
        make a segment unstable here.

    Raises:
        DataError: A parameter has no value, or amounts have several units.
        DefinitionError: The metric is neither a value nor a condition of the schema.
        ImportError: scipy and statsmodels are not installed; the extra is `stats`.
        SchemaError: The metric or the base is of another schema, or the metric is a text.
        UnsupportedError: The source cannot compute a construct.
    """
    check_source(source)
    expect(segment, Segment, "assess(segment, source, …)")
    standard = standard or Standard()
    instant = utc_of(as_of, segment.schema)
    groups = groups_of(segment, base)
    measure = Metric.of(metric, segment.schema)
    measured = measure.measured(groups, source, instant, mixed=mixed)
    members, others = measured.samples.values()
    size, base_size = measured.sizes.values()
    sizes = _sizes(segment, source, instant, standard)
    judging = _Judging(measure, members, others, standard)
    verdicts: tuple[Verdict, ...] = (
        judging.large(),
        judging.homogeneous(),
        judging.different(),
        _stable(sizes, _alike(segment, source, instant, standard), standard),
    )
    if not size:
        verdicts = tuple(Verdict(v.question, None, "nobody is a member") for v in verdicts)
    summed = measure.scale is not Scale.AGE
    totals = [float(sample.total) for sample in (members, others)]
    return Assessment(
        segment.name,
        "everyone" if base is None else base.name or base.definition,
        measure.name,
        size,
        base_size,
        totals[0] if summed else None,
        totals[0] / sum(totals) if summed and min(totals) >= 0 and any(totals) else None,
        instant,
        verdicts,
        sizes,
        measure.is_rate,
    )


# -- the verdicts -------------------------------------------------------------------------------


@frozen
class _Judging:
    """What a metric of the members, and of others, says of them."""

    metric: Metric
    members: stats.Sample
    others: stats.Sample
    standard: Standard

    def large(self) -> Verdict:
        question, standard, sample = "large enough", self.standard, self.members
        if sample.mean is None:
            return Verdict(question, None, f"{self.metric.name} is missing of every member")
        half = sample.size // 2
        if half < 2:
            return Verdict(question, False, "so few can be no test of anything")
        assert sample.variance is not None
        deviation = sqrt(sample.variance)
        if self.metric.is_rate:
            # Up from a low rate, down from a high one, where there is more room.
            start = min(sample.mean, 1 - sample.mean)
            shown = stats.detectable_shares(start, half, standard.power, standard.level)
            least = standard.effect
            if least is None:
                least = stats.raised(start, SMALL) - start
            distance = None if start + least > 1 else stats.h_of(start, start + least)
        else:
            if not deviation:
                told = f"{self.metric.name} is {self.told(sample.mean)} of every member"
                return Verdict(question, None, f"{told}, so that there is no chance to reckon with")
            d = stats.detectable_means(half, standard.power, standard.level)
            shown = None if d is None else d * deviation
            least = SMALL * deviation if standard.effect is None else standard.effect
            distance = least / deviation
        if distance is None:
            return Verdict(question, None, f"a rate cannot change by {self.apart(least)}")
        needed = stats.needed(distance, standard.power, standard.level)
        numbers = {"members": sample.size, "effect asked for": least, "members needed": needed}
        if shown is not None:
            numbers["effect that would show"] = shown
        holds = shown is not None and shown <= least
        would = f"a difference of {self.apart(shown)}" if shown is not None else "no difference"
        why = (
            f"one half beside the other would show {would} in "
            f"{localized(standard.power, '.0%')} of tests; "
            f"{self.apart(least)} matters"
        )
        return Verdict(
            question,
            holds,
            why if holds else f"{why}: it takes about {localized(needed)} members",
            numbers,
        )

    def homogeneous(self) -> Verdict:
        question = "homogeneous"
        everyone = self.members | self.others
        if self.members.variance is None:
            return Verdict(question, None, "it takes two members of whom the metric is known")
        if not self.others.size:
            return Verdict(question, None, "there is nobody else to compare with")
        if not everyone.variance:
            return Verdict(question, None, f"{self.metric.name} is the same of everybody")
        within, among = sqrt(self.members.variance), sqrt(everyone.variance)
        eta = (stats.explained([self.members, self.others]) or (0.0, 0.0))[0]
        numbers = {
            "deviation within": within,
            "deviation of all": among,
            "eta²": eta,
        }
        told = (
            f"the standard deviation is {figure(within)} within, {figure(among)} among all; "
            f"membership explains {share(eta)} of the variance"
        )
        return Verdict(question, within < among, told, numbers)

    def different(self) -> Verdict:
        question, level = "different", self.standard.level
        one, other = self.members, self.others
        if one.mean is None or other.mean is None:
            who = "any member" if one.mean is None else "anybody else"
            return Verdict(question, None, f"the metric is not known of {who}")
        apart = one.mean - other.mean
        numbers = {"members": one.mean, "base": other.mean, "difference": apart}
        told = f"{self.told(one.mean)} beside {self.told(other.mean)}"
        if self.metric.is_rate:
            counts, sizes = (int(one.total), int(other.total)), (one.size, other.size)
            test, effect = (
                stats.shares_test(counts, sizes),
                stats.shares_effect(counts, sizes, level),
            )
            interval, scale = stats.newcombe(counts, sizes, level), "Cohen's h"
        else:
            test, interval = stats.welch(one, other, level) or (None, None)
            effect, scale = stats.means_effect(one, other, level), "Hedges' g"
        if test is None or effect is None or interval is None:
            if not apart:
                return Verdict(question, False, f"{told}: the same", numbers)
            if one.variance == other.variance == 0:
                return Verdict(question, True, f"{told}, without exception", numbers)
            return Verdict(question, None, f"{told}; so few cannot be tested", numbers)
        numbers |= {"low": interval.low, "high": interval.high, "effect": effect[0], "p": test.p}
        p = chance(test.p)
        told += f", {scale} {effect[0]:+.2f}, p {p if p.startswith('<') else '= ' + p}"
        certain, matters = test.p <= 1 - level, abs(effect[0]) >= SMALL
        if certain and not matters:
            told += ": more than chance, but hardly any difference"
        return Verdict(question, certain and matters, told, numbers)

    def told(self, value: float) -> str:
        """A rate or a mean."""
        return share(value) if self.metric.is_rate else figure(value)

    def apart(self, value: float) -> str:
        """A difference of rates or means."""
        return _points(value) if self.metric.is_rate else figure(value)


def _points(value: float) -> str:
    """A difference of rates."""
    return f"{localized(100 * value, '.1f')} pp"


def _sizes(
    segment: Segment, source: Source, instant: datetime, standard: Standard
) -> dict[datetime, int]:
    """How many members there were, the earliest first."""
    instants = [instant - place * standard.every for place in range(standard.periods, -1, -1)]
    return {at: source.sizes({"members": segment}, as_of=at)["members"] for at in instants}


def _alike(segment: Segment, source: Source, instant: datetime, standard: Standard) -> float | None:
    """The Jaccard index of the members now and a period ago."""
    now, then = (source.members(segment, as_of=at) for at in (instant, instant - standard.every))
    either = len(now | then)
    return len(now & then) / either if either else None


def _stable(sizes: Mapping[datetime, int], jaccard: float | None, standard: Standard) -> Verdict:
    counts = list(sizes.values())
    mean = sum(counts) / len(counts)
    if jaccard is None or not mean:
        return Verdict("stable", None, "nobody was a member")
    drift = max(abs(count - mean) for count in counts) / mean
    numbers = {"jaccard": jaccard, "drift": drift, "least": min(counts), "most": max(counts)}
    if drift == 0 and jaccard == 1:
        told = "the same members all the time; but attributes are known only as they are now"
        return Verdict("stable", True, told, numbers)
    days = standard.every / timedelta(days=1)
    told = (
        f"{share(jaccard)} of those in it now or {figure(days)} "
        f"{'day' if days == 1 else 'days'} ago were in it both times; "
        f"{localized(min(counts))} to {localized(max(counts))} members at {len(counts)} instants, "
        f"{share(drift)} off the mean at most"
    )
    return Verdict("stable", jaccard >= standard.alike and drift <= standard.drift, told, numbers)


# -- as a picture -------------------------------------------------------------------------------


def _panels(found: Assessment) -> Figure:
    drawn = new_figure(10, 5.2, found._title)
    grid = drawn.add_gridspec(2, 2, hspace=0.12, wspace=0.08)
    large, alike, different, stable = (
        drawn.add_subplot(grid[place // 2, place % 2]) for place in range(4)
    )
    apart, told = (_points, share) if found.rate else (figure, figure)
    _bars(large, found["large enough"], ("effect that would show", "effect asked for"), apart)
    _bars(alike, found["homogeneous"], ("deviation within", "deviation of all"), figure)
    _bars(different, found["different"], ("members", "base"), told)
    of = f"{'rate' if found.rate else 'mean'} of {shortened(found.metric, 40)}"
    different.set_xlabel(of, fontsize=8)
    stable.set_title(_headed(found["stable"]), loc="left", fontsize=10)
    stable.plot(list(found.sizes), list(found.sizes.values()), marker="o")  # type: ignore[arg-type]
    stable.set_ylim(0, max(1, *found.sizes.values()) * 1.15)
    stable.tick_params(axis="x", labelsize=7, rotation=20)
    stable.set_ylabel("members", fontsize=8)
    bare(stable)
    return drawn


def _headed(verdict: Verdict) -> str:
    return f"{verdict.question}: {verdict.answer}"


def _bars(
    axes: Axes, verdict: Verdict, names: tuple[str, str], write: Callable[[float], str]
) -> None:
    """Two numbers behind a verdict beside each other."""
    axes.set_title(_headed(verdict), loc="left", fontsize=10)
    known = [name for name in names if name in verdict.numbers]
    if not known:
        axes.set_axis_off()
        axes.text(0, 0.7, verdict.why, wrap=True, va="top", fontsize=8, transform=axes.transAxes)
        return
    values = [verdict.numbers[name] for name in known]
    axes.barh(range(len(known)), values, color=["C0", "0.75"][: len(known)], height=0.6)
    for place, value in enumerate(values):
        axes.text(value, place, f" {write(value)}", va="center", fontsize=8)
    axes.set_yticks(range(len(known)), known, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.margins(x=0.15)
    axes.set_xticks([])
    bare(axes, "top", "right", "bottom", "left")
    axes.tick_params(left=False)
