"""Whether a goal is reached: those who entered, beside those who entered and were held out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import pandas as pd
from attrs import define, evolve, frozen

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit._usage import expect
from segmentkit.analysis._experiments import Effect, adjusted, ratio_p, sample_of
from segmentkit.analysis._goals.measuring import (
    check_fresh,
    knows_its_past,
    label_of,
    numbers_among,
)
from segmentkit.analysis._plot import bare, empty, labels_of, new_figure
from segmentkit.analysis._result import Result, chance, figure, moment, number, plural
from segmentkit.analysis._statistics import Interval, checked, holm, newcombe, shares_test
from segmentkit.goal import Amount, Goal, Measure, is_rate, measure_name
from segmentkit.source import Source, check_source

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VERDICTS = ("reached", "missed", "not yet known", "not comparable")
"""What can be said of a goal."""
_ALIKE = 0.001
_FEWEST = 100


class Entries(Protocol):
    """What knows who entered a segment: a store."""

    def entered(self, name: str, *, since: AsOf = None, until: AsOf = None) -> Any:
        """When people first entered, by key."""
        ...

    def history(self, segments: Any = None) -> pd.DataFrame:
        """How segments changed from run to run."""
        ...


@frozen
class Compared:
    """One metric of both arms.

    Attributes:
        name: What is measured.
        amount: The least effect that matters; of a guard, how much worse it may get.
        treated: The mean or rate of those who were treated; None of nobody.
        held_out: That of those who were held out.
        effect: The difference, or the lift if the amount is one; None of too few.
        interval: Where the effect may well lie.
        p: How often chance alone would show as much.
        slope: How much of what was before is taken off; None if nothing is known of it.
        missing: Of how many it is missing.
        state: A verdict; of a guard ``kept``, ``broken`` or ``not yet known``.
    """

    name: str
    amount: Amount
    treated: float | None
    held_out: float | None
    effect: float | None
    interval: Interval | None
    p: float | None
    slope: float | None
    missing: int
    state: str


@define(frozen=True, slots=False)
class Outcome(Result):
    """Whether a goal is reached.

    Attributes:
        goal: The goal.
        as_of: The instant of the answer, in UTC.
        is_final: Whether the goal has ended, so that the answer is the last one.
        treated: How many entered and were treated.
        held_out: How many entered and were held out.
        metric: What the goal measures.
        guards: What must not get worse.
        verdict: One of `VERDICTS`.
        level: The level of the intervals.
        remarks: What else to know.
    """

    goal: Goal
    as_of: datetime
    is_final: bool
    treated: int
    held_out: int
    metric: Compared
    guards: tuple[Compared, ...]
    verdict: str
    level: float
    remarks: tuple[str, ...]

    _formats: ClassVar = {
        "treated": figure,
        "held out": figure,
        "effect": str,
        "from": str,
        "to": str,
        "p": chance,
    }

    @property
    def frame(self) -> pd.DataFrame:
        """One row for the metric, and one for each guard."""
        rows = []
        for role, each in (("metric", self.metric), *(("guard", each) for each in self.guards)):
            low, high = each.interval or (None, None)
            shown = [shown_effect(value, each.amount) for value in (each.effect, low, high)]
            means = each.treated, each.held_out
            rows.append((role, each.name, *means, *shown, each.p, str(each.amount), each.state))
        heads = ["role", "what", "treated", "held out", "effect", "from", "to", "p"]
        return pd.DataFrame(rows, columns=[*heads, "amount", "state"], dtype=object)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What it means."""
        return (f"{self.verdict}: {self._why()}", *self.remarks)

    def _why(self) -> str:
        metric, goal = self.metric, self.goal
        kind = "fixed, since the goal has ended" if self.is_final else "valid at every look"
        if self.verdict == "not comparable":
            planned = f"{goal.hold_out}% were to be held out"
            everyone = localized(self.held_out + self.treated)
            return f"{planned}, and {localized(self.held_out)} of {everyone} were"
        if metric.interval is None:
            return "too few people have entered, or all of them have the same number"
        low, high = (shown_effect(each, metric.amount) for each in metric.interval)
        told = f"the effect lies between {low} and {high} ({localized(self.level, '.0%')}, {kind})"
        broken = [each.name for each in self.guards if each.state == "broken"]
        unsure = [each.name for each in self.guards if each.state == "not yet known"]
        if broken:
            return f"{told}, and {', '.join(broken)} got worse by more than was allowed"
        if self.verdict == "not yet known" and metric.state == "reached" and unsure:
            return f"{told}, but {', '.join(unsure)} may have got worse by more than is allowed"
        return told

    @property
    def _title(self) -> str:
        done = "ended" if self.is_final else "goes on"
        return (
            f"{self.goal.name}: {self.verdict}; {label_of(self.goal)} of {self.metric.name}, "
            f"{localized(self.treated)} treated and {localized(self.held_out)} held out, {done}, "
            f"as of {moment(self.as_of)}"
        )

    def plot(self) -> Figure:
        """Draw the intervals, beside zero and the amounts.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        known = [each for each in (self.metric, *self.guards) if each.interval is not None]
        if not known:
            return empty(self._why())
        figure_ = new_figure(8, 1.2 + 0.9 * len(known), f"{self.goal.name}: {self.verdict}")
        all_axes = figure_.subplots(len(known), 1, squeeze=False)[:, 0]
        labels = labels_of((each.name for each in known), 30)
        for axes, each, label in zip(all_axes, known, labels, strict=True):
            assert each.interval is not None
            assert each.effect is not None
            scale = 100 if each.amount.unit else 1
            low, high, middle = (scale * v for v in (*each.interval, each.effect))
            axes.axvline(0, color="0.6", lw=1)
            wanted = scale * each.amount.value
            sign = -1 if each is self.metric and self.goal.direction == "down" else 1
            axes.axvline(sign * wanted, color="C2" if each is self.metric else "C3", ls="--", lw=1)
            axes.plot([low, high], [0, 0], color="C0", lw=3, solid_capstyle="butt")
            axes.plot([middle], [0], "o", color="C0")
            axes.set_yticks([0], [label])
            axes.set_ylim(-1, 1)
            axes.set_xlabel(f"effect ({each.amount.unit})" if each.amount.unit else "effect")
            bare(axes, "top", "right", "left")
        return figure_


def shown_effect(value: float | None, amount: Amount) -> str | None:
    """An effect in the unit of its amount."""
    if value is None:
        return None
    if amount.unit:
        return f"{100 * value:+.2f}{' pp' if amount.unit == 'pp' else ' %'}"
    return f"{'+' if value > 0 else ''}{figure(value)}"


@define(frozen=True, slots=False)
class Outcomes(Result):
    """Several goals: the more there are, the stronger must be what each shows.

    Attributes:
        each: The goals, by name; their p is corrected by Holm's method, and so are the verdicts.
    """

    each: Mapping[str, Outcome]

    _formats: ClassVar = {"treated": number, "held out": number, "p": chance}

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each goal."""
        rows = [
            (n, o.verdict, o.treated, o.held_out, shown_effect(o.metric.effect, o.metric.amount),
             str(o.metric.amount), o.metric.p)
            for n, o in self.each.items()
        ]  # fmt: skip
        heads = ["goal", "verdict", "treated", "held out", "effect", "amount", "p"]
        return pd.DataFrame(rows, columns=heads, dtype=object)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What each says."""
        return tuple(f"{name}: {outcome.notes[0]}" for name, outcome in self.each.items())

    @property
    def _title(self) -> str:
        return f"{plural(len(self.each), 'goal')}, p corrected for their number by Holm's method"


def goal(
    asked: Goal,
    store: Entries,
    source: Source,
    *,
    people: int | None = None,
    level: float = 0.95,
    as_of: AsOf = None,
    stale: str = "refuse",
) -> Outcome:
    """Tell whether a goal is reached.

    Compared are those who were seen to enter the segment since the goal began: those who were
    treated with those who were held out, by nothing but the sample. Whatever happened to them
    later leaves nobody out. Before the goal ends, the intervals are valid however often you look;
    once it has ended, they are fixed, as narrow as they can be, and the answer stays.

    It is reached if the interval shows an effect in the right direction, the effect is at least
    the amount, and no guard is broken or in doubt; missed if the interval says that the effect is
    smaller than the amount, or a guard is broken.

    Args:
        asked: The goal.
        store: The store that has run the segment.
        source: The source of the population.
        people: How many people are expected to enter in all, for which intervals before the end
            are narrowest; by default as many as were members when the goal began. Do not change
            it while the goal goes on.
        level: The level of the intervals.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        stale: ``"refuse"`` stale data, or ``"allow"`` it.

    Returns:
        The verdict, and the numbers behind it.

    Raises:
        DataError: A table that is read is stale, or the segment was never run.
        ImportError: scipy and statsmodels are not installed; the extra is `stats`.
        SegmentkitError: Something cannot be evaluated, as for `Source.evaluate`.
        ValueError: The goal has not begun, or the level is not between 0 and 1.
    """
    expect(asked, Goal, "goal(goal, store, source)")
    check_source(source)
    checked(level)
    at = utc_of(as_of, asked.schema)
    if at <= asked.begins:
        begins = f"the goal {asked.name!r} begins at {moment(asked.begins)}"
        raise ValueError(f"{begins}; until then, plan(goal, source) tells what would show")
    when = min(at, asked.ends)
    remarks = [*check_fresh([asked], source, at, stale)]
    entries = store.entered(str(asked.segment.name), since=asked.begins, until=when)
    remarks += _changes(asked, store, when)
    arms = _Arms.of(asked, entries.index, source, when)
    if arms.gone:
        remarks.append(f"of those who entered, {localized(arms.gone)} are no longer in the data")
    looking = _Looking(level, at >= asked.ends, _planned(asked, store, people))
    metric = _judged(asked, arms.compared(asked.measure, asked.amount, "metric", looking))
    guards = tuple(
        _guarded(arms.compared(guard.measure, guard.margin, f"guard {name}", looking.one_sided()))
        for name, guard in asked.guards.items()
    )
    for each in (metric, *guards):
        if each.missing:
            remarks.append(
                f"{each.name} is missing of {localized(each.missing)}, who do not count for it"
            )
    found = Outcome(
        asked, at, looking.is_final, arms.treated, arms.held_out, metric, guards, "", level,
        tuple(remarks),
    )  # fmt: skip
    p = ratio_p(arms.held_out, arms.treated, float(asked.hold_out) / 100)
    return evolve(found, verdict=_verdict(found, comparable=p is None or p >= _ALIKE))


def goals(
    asked: Mapping[str, Goal] | Iterable[Goal], store: Entries, source: Source, **choices: Any
) -> Outcomes:
    """Tell which of several goals are reached.

    The more goals there are, the likelier it is that one of them seems to be reached by chance.
    So each p is corrected for their number by Holm's method.

    Args:
        asked: The goals.
        store: The store that has run the segments.
        source: The source of the population.
        **choices: As for `goal`: ``level``, ``as_of``, ``stale``.

    Returns:
        The verdicts.

    Raises:
        SegmentkitError: As for `goal`.
        ValueError: You gave no goals; or as for `goal`.
    """
    each = list(asked.values() if isinstance(asked, Mapping) else asked)
    if not each:
        raise ValueError("give at least one goal")
    return Outcomes(corrected({one.name: goal(one, store, source, **choices) for one in each}))


def corrected(outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Several goals with each p, and each verdict, corrected for their number."""
    found = dict(outcomes)
    known = [name for name, outcome in found.items() if outcome.metric.p is not None]
    ps = holm([found[name].metric.p or 0.0 for name in known])
    for name, p in zip(known, ps, strict=True):
        outcome = found[name]
        metric = evolve(outcome.metric, p=p)
        if metric.state == "reached" and p >= 1 - outcome.level:
            metric = evolve(metric, state="not yet known")
        verdict = outcome.verdict
        if verdict == "reached" and metric.state != "reached":
            verdict = "not yet known"
        found[name] = evolve(outcome, metric=metric, verdict=verdict)
    return found


# -- what is compared -----------------------------------------------------------------------------


@frozen
class _Looking:
    """How an effect is looked at.

    Attributes:
        level: The level of the interval.
        is_final: Whether it is looked at once, at the end.
        planned: At how many people an interval before the end is narrowest.
    """

    level: float
    is_final: bool
    planned: int

    def one_sided(self) -> _Looking:
        """The same for one side: each end of the interval is a bound of the level."""
        return evolve(self, level=2 * self.level - 1)

    def at(self, effect: Effect) -> tuple[Interval, float]:
        """The interval and the p of an effect."""
        if self.is_final:
            return effect.fixed(self.level), effect.fixed_p()
        told = self.planned, self.level
        return effect.always(*told), effect.always_p(*told)


@frozen
class _Arms:
    """Numbers of those who entered, and who of them was held out.

    Attributes:
        numbers: What is measured, by name.
        before: The same when the goal began, where that is known.
        is_held: Who was held out.
        gone: How many are no longer in the data.
    """

    numbers: Mapping[str, np.ndarray[Any, Any]]
    before: Mapping[str, np.ndarray[Any, Any]]
    is_held: np.ndarray[Any, Any]
    gone: int

    @classmethod
    def of(cls, asked: Goal, keys: pd.Index[Any], source: Source, at: datetime) -> _Arms:
        measures: dict[str, Measure] = {"metric": asked.measure}
        measures |= {f"guard {name}": guard.measure for name, guard in asked.guards.items()}
        found = numbers_among({"held out": asked.held_out, **measures}, source, at, keys)
        past = {name: each for name, each in measures.items() if knows_its_past(each)}
        before = numbers_among(past, source, asked.begins, keys) if past else {}
        there = keys[keys.isin(found["held out"].index)]

        def among(numbers: pd.Series[float]) -> np.ndarray[Any, Any]:
            return numbers.reindex(there).to_numpy(dtype=np.float64)

        held = among(found.pop("held out")) == 1
        own = {name: among(each) for name, each in found.items()}
        return cls(own, {n: among(e) for n, e in before.items()}, held, len(keys) - len(there))

    @property
    def held_out(self) -> int:
        return int(self.is_held.sum())

    @property
    def treated(self) -> int:
        return len(self.is_held) - self.held_out

    def compared(self, measure: Measure, amount: Amount, name: str, looking: _Looking) -> Compared:
        """One metric of both arms, its state still open."""
        known = np.isfinite(self.numbers[name])
        values, held = self.numbers[name][known], self.is_held[known]
        plain = sample_of(values[~held]), sample_of(values[held])
        slope = None
        if name in self.before and len(values):
            values, slope = adjusted(values, self.before[name][known])
        arms = sample_of(values[~held]), sample_of(values[held])
        effect = Effect.of(*arms, relative=amount.is_relative)
        interval, p = (None, None) if effect is None else looking.at(effect)
        value = None if effect is None else effect.value
        if looking.is_final and not slope and amount.unit == "pp" and is_rate(measure):
            counts = [round(float(each.total)) for each in plain]
            sizes = [each.size for each in plain]
            interval, test = newcombe(counts, sizes, looking.level), shares_test(counts, sizes)
            if interval is not None:
                value = counts[0] / sizes[0] - counts[1] / sizes[1]
                p = 1.0 if test is None else test.p
        return Compared(
            measure_name(measure),
            amount,
            plain[0].mean,
            plain[1].mean,
            value,
            interval,
            p,
            slope,
            int((~known).sum()),
            "not yet known",
        )


def _planned(asked: Goal, store: Entries, people: int | None) -> int:
    """For how many people intervals are narrowest: what was known when the goal began."""
    if people is not None:
        return max(people, 2)
    runs = store.history([str(asked.segment.name)])
    before = runs[runs["as_of"] <= asked.begins]
    return max(int(before["size"].iloc[-1]), _FEWEST) if len(before) else 10 * _FEWEST


def _changes(asked: Goal, store: Entries, at: datetime) -> list[str]:
    """Say that the definition changed while the goal went on."""
    runs = store.history([str(asked.segment.name)])
    during = runs[(runs["as_of"] >= asked.begins) & (runs["as_of"] < at)]
    count = int((during["cause"] == "definition").sum())
    if not count:
        return []
    return [f"the definition of {asked.segment.name} changed {plural(count, 'time')} meanwhile"]


# -- verdicts -------------------------------------------------------------------------------------


def _judged(asked: Goal, metric: Compared) -> Compared:
    """The metric with what it says of the goal."""
    if metric.interval is None or metric.effect is None:
        return metric
    low, high, effect = *metric.interval, metric.effect
    if asked.direction == "down":
        low, high, effect = -high, -low, -effect
    least = metric.amount.value
    if low > 0 and effect >= least:
        return evolve(metric, state="reached")
    return evolve(metric, state="missed") if high < least else metric


def _guarded(guard: Compared) -> Compared:
    """A guard with its state: whether the bound stays within the margin."""
    if guard.interval is None:
        return guard
    margin, (low, high) = guard.amount.value, guard.interval
    if margin < 0:
        margin, low, high = -margin, -high, -low
    if high <= margin:
        return evolve(guard, state="kept")
    return evolve(guard, state="broken") if low > margin else guard


def _verdict(found: Outcome, *, comparable: bool) -> str:
    states = [each.state for each in found.guards]
    if not comparable:
        return "not comparable"
    if "broken" in states:
        return "missed"
    if found.metric.state == "reached" and "not yet known" in states:
        return "not yet known"
    return found.metric.state
