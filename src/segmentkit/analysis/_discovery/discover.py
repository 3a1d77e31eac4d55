"""Rules, which are definitions, that describe who is in a segment or has a high value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from attrs import define, evolve, field, frozen

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit._language.formatter import format_name
from segmentkit.analysis._discovery.decision_tree import (
    Growth,
    Leaf,
    check_growth,
    columns_of,
    leaves,
    looks,
)
from segmentkit.analysis._discovery.estimates import Estimate, estimate
from segmentkit.analysis._discovery.features import Places
from segmentkit.analysis._discovery.labels import Target, target_of
from segmentkit.analysis._discovery.leaf_segments import defined, within
from segmentkit.analysis._discovery.models import models
from segmentkit.analysis._discovery.training_data import (
    Of,
    Reader,
    Value,
    looked_at,
    not_looked_at,
    values_of,
)
from segmentkit.analysis._explain_by_key import asked_about
from segmentkit.analysis._plot import bare, empty, labels_of, new_figure, shortened
from segmentkit.analysis._result import Result, moment, number, plural, rounded, share
from segmentkit.analysis._statistics import checked
from segmentkit.dtypes import Kind
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source
from segmentkit.trait import Trait

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@frozen
class Rule:
    """A rule: a definition, and the rate or the mean of the target among its members.

    Attributes:
        segment: The members. The condition ``among`` is a part of the definition.
        condition: The part of the definition that describes this rule.
        size: The number of members among the people on whom it was found: those of its rate.
        found: The rate or the mean among the people on whom it was found.
        lift: That divided by the rate or mean of everyone on whom rules were found; None if
            theirs is not above zero.
        held_out: The rate or the mean among the people held out; None if nobody was.
        agrees: Whether the two differ by no more than chance; None if that is not known.
    """

    segment: Segment = field(repr=lambda segment: repr(segment.name))
    condition: str
    size: int
    found: Estimate
    lift: float | None
    held_out: Estimate | None
    agrees: bool | None


@define(frozen=True, slots=False, eq=False)
class Discovery(Result):
    """Rules that describe who is in a segment, or who has a high value.

    Attributes:
        target: The name of the target.
        rate: Whether it has a rate, as a segment or a boolean, or a mean, as a number.
        population: The number of people who were looked at.
        as_of: The instant of the answer, in UTC.
        base: The rate or the mean of everyone on whom rules were found.
        held_out: The rate or the mean of everyone held out; None if nobody was.
        rules: The rules, the highest first; together they hold for everyone exactly once.
        remarks: What was left out, and why there is no rule.
        level: The level of intervals, and how certain it is that a rule is not chance.
    """

    target: str
    rate: bool
    population: int
    as_of: datetime
    base: Estimate
    held_out: Estimate | None
    rules: tuple[Rule, ...]
    remarks: tuple[str, ...]
    level: float

    @cached_property
    def _formats(self) -> Mapping[str, Any]:  # type: ignore[override]
        told = share if self.rate else rounded
        lift = {"lift": lambda value: f"{localized(value, '.2f')}×"}
        values = dict.fromkeys((self._what, "from", "to", f"{self._what} held out"), told)
        return {"size": number, **values, **lift, "held out": number}

    @property
    def _what(self) -> str:
        return "rate" if self.rate else "mean"

    @property
    def segments(self) -> dict[str, Segment]:
        """The rules as segments, by their names: for a catalog, or for a partition."""
        return {str(rule.segment.name): rule.segment for rule in self.rules}

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each rule, the highest first."""
        nobody = Estimate(0, None, None, None)
        rows = [
            (
                rule.condition,
                rule.size,
                rule.found.value,
                rule.found.low,
                rule.found.high,
                rule.lift,
                (rule.held_out or nobody).count,
                (rule.held_out or nobody).value,
                _YES[rule.agrees],
            )
            for rule in self.rules
        ]
        told = ["from", "to", "lift", "held out", f"{self._what} held out", "agrees"]
        return pd.DataFrame(rows, columns=["rule", "size", self._what, *told])

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the numbers say, in words."""
        return tuple(self._told())

    def _told(self) -> Iterator[str]:
        tested = [rule.agrees for rule in self.rules if rule.agrees is not None]
        if tested:
            told = f"{sum(tested)} of {plural(len(tested), 'rule')}"
            yield f"{told} agree with those held out, within what chance allows"
        for place, rule in enumerate(self.rules, 1):
            if rule.agrees is False and rule.held_out is not None:
                there, here = map(self._number, (rule.held_out.value, rule.found.value))
                yield f"rule {place} differs: {there} of those held out, {here} where it was found"
        yield from self.remarks

    def _number(self, value: float | None) -> str:
        return "–" if value is None else share(value) if self.rate else rounded(value)

    @property
    def _title(self) -> str:
        told = f"{self.target}: {self._number(self.base.value)} of {localized(self.base.count)}"
        held = "" if self.held_out is None else f" ({localized(self.held_out.count)} more held out)"
        return f"{told}{held}, as of {moment(self.as_of)}"

    def plot(self) -> Figure:
        """Draw each rule's rate or mean with its interval, beside that of the people held out.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        if not self.rules:
            return empty(self.remarks[0])
        figure = new_figure(10.5, 1.4 + 0.5 * len(self.rules), self._title)
        axes = figure.add_subplot()
        sides = (("found", "C0", -0.12, "o"), ("held_out", "C1", 0.12, "s"))
        for name, colour, shift, marker in sides:
            drawn = [(i, getattr(rule, name)) for i, rule in enumerate(self.rules)]
            for place, each in ((i, e) for i, e in drawn if e is not None and e.value is not None):
                if each.low is not None:
                    axes.plot([each.low, each.high], [place + shift] * 2, color=colour)
                axes.plot(each.value, place + shift, marker=marker, color=colour)
        if self.base.value is not None:
            axes.axvline(self.base.value, color="0.6", linestyle="--", linewidth=1)
        told = labels_of((rule.condition for rule in self.rules), 75)
        labels = [
            f"{text} · {localized(rule.size)}" for text, rule in zip(told, self.rules, strict=True)
        ]
        axes.set_yticks(range(len(labels)), labels)
        axes.invert_yaxis()
        if self.rate:
            axes.xaxis.set_major_formatter(lambda value, _: localized(value, ".0%"))
        of = f"{self._what} of {shortened(self.target, 40)}"
        axes.set_xlabel(f"{of}: of those it was found on (●), and of those held out (■)")
        bare(axes)
        return figure


_YES = {True: "yes", False: "no", None: None}


def discover(  # noqa: PLR0913 - keywords, each of which says one thing
    target: Segment | Trait,
    source: Source,
    *,
    of: Of = None,
    among: Segment | None = None,
    as_of: AsOf = None,
    depth: int = 3,
    least: float = 0.02,
    holdout: float = 0.3,
    level: float = 0.95,
    seed: int = 0,
) -> Discovery:
    """Find rules that describe who is in a segment, or who has a high value.

    A shallow decision tree divides people again and again where the target differs most, and each
    part becomes a definition. A cut stays only if chance alone would hardly make one as clear,
    however many cuts were tried. Some people are held out, by their keys, to check each rule.

    Args:
        target: A segment or a boolean trait, whose rate you get, or a number trait, whose mean you
            get.
        source: The source of the population.
        of: The values that may divide people: values in the language, such as names of
            attributes, or traits. By default every attribute except keys.
        among: The people to look at; by default everyone.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        depth: The number of cuts that may follow each other.
        least: The smallest number of people on each side of a cut or, below one, their share of
            the people on whom rules are found.
        holdout: The share of people to hold out.
        level: The level of intervals, and how certain it must be that a cut is not chance.
        seed: Decides who is held out, and which of two equal cuts is taken.

    Returns:
        The rules, with the rate or mean of each and its interval.

    Raises:
        DataError: A parameter has no value, or two people have one key.
        DefinitionError: A text in ``of`` is not a value of the schema.
        ImportError: scikit-learn is not installed; the extra is `discover`.
        UnsupportedError: The source cannot compute a construct.
        ValueError: An argument is out of its range, or the target is neither number nor boolean.
    """
    check_source(source)
    check_growth(depth, seed)
    _check_arguments(target, least=least, holdout=holdout, level=level)
    models()
    instant = utc_of(as_of, target.schema)
    asked, unfit = looked_at(of, target.schema)
    traits = [each.trait for each in asked] + ([target] if isinstance(target, Trait) else [])
    frame = values_of(traits, source, among, instant)
    known = target_of(target, frame, source, instant, holdout=holdout, seed=seed)
    rows, values = known.rows, known.values
    if of is None:
        asked, own = _beside(asked, target)
        unfit += own
    growth = Growth(depth, max(1, math.ceil(least * len(rows) if least < 1 else least)), seed)
    reader = Reader(target.schema, instant, rows, growth.least)
    features, skipped = reader.features(asked, frame)
    if of is None:
        same = [each for each in features if known.is_like(each)]
        skipped += [f"{each.text} is nearly the same as the target" for each in same]
        features = [each for each in features if each not in same]
    columns = columns_of(features, rows, values)

    def apart(one: Places, other: Places) -> bool:
        cuts = looks(columns, np.concatenate([one, other]))
        return not known.is_chance(one, other, cuts, level)

    found = leaves(columns, values, rows, growth, apart)
    everyone = np.ones(len(frame), dtype=np.bool_)
    base = estimate(known.of(everyone, held=False), level, rate=known.rate)
    rules = [
        _rule(leaf, known, base, level, defined([leaf], asked, target.schema))
        for leaf in found
        if leaf.conditions
    ]
    remarks = [] if rules else [known.why_none(growth.least)]
    remarks += [*known.remarks, *not_looked_at([*unfit, *skipped])]
    return Discovery(
        target.name or "the segment",
        known.rate,
        len(frame),
        instant,
        base,
        estimate(known.of(everyone, held=True), level, rate=known.rate) if holdout else None,
        _named(rules, target.name or "rule", among),
        tuple(remarks),
        level,
    )


def _beside(asked: list[Value], target: Segment | Trait) -> tuple[list[Value], list[str]]:
    """What does not define the target, and why not the rest."""
    if isinstance(target, Trait):
        text = f"{format_name(target.name or 'target')} is present"
        traits = {target.name or "target": target}
        target = Segment.define(None, text, target.schema, traits=traits)
    told = asked_about([target])
    left = [each for each in asked if each.text not in told]
    own = [f"{each.text} is in the target's definition" for each in asked if each.text in told]
    return left, own


def _check_arguments(
    target: Segment | Trait, *, least: float, holdout: float, level: float
) -> None:
    """Make sure that arguments are in their ranges."""
    if isinstance(target, Trait):
        if not (target.dtype.is_number or target.dtype.kind is Kind.BOOLEAN):
            raise ValueError(
                f"a trait to look for must be a number or a boolean: {target.name} is a "
                f"{target.dtype.family}"
            )
    elif not isinstance(target, Segment):
        raise TypeError(f"the target must be a Segment or a Trait, not {type(target).__name__}")
    if not 0 < least < math.inf:
        raise ValueError(f"least must be above 0, and finite, not {least}")
    if not 0 <= holdout < 1:
        raise ValueError(f"holdout must be a share from 0 to below 1, not {holdout}")
    checked(level)


def _rule(leaf: Leaf, known: Target, base: Estimate, level: float, people: Segment) -> Rule:
    """What there is to say of a leaf."""
    mask = leaf.mask(len(known.values))
    found, held = (
        estimate(known.of(mask, held=side), level, rate=known.rate) for side in (False, True)
    )
    all_, here = base.value, found.value
    lift = None if all_ is None or here is None or all_ <= 0 else here / all_
    tested = bool(known.held.any())
    return Rule(
        people,
        people.definition,
        found.count,
        found,
        lift,
        held if tested else None,
        held.agrees(found) if tested else None,
    )


def _named(rules: list[Rule], name: str, among: Segment | None) -> tuple[Rule, ...]:
    """The rules in order, the highest first, with names, and of those who were asked about."""
    rules = sorted(rules, key=lambda rule: (-(rule.found.value or 0), -rule.size, rule.condition))
    return tuple(
        evolve(rule, segment=within(rule.segment, among).named(f"{name} {place}"))
        for place, rule in enumerate(rules, 1)
    )
