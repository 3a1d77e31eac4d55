"""Differences between two groups of people, one comparison at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import pandas as pd
from attrs import define, evolve, field, frozen

from segmentkit._diagnostics.languages import localized
from segmentkit._language.formatter import format_value
from segmentkit.analysis import _statistics as stats
from segmentkit.analysis._comparands import (
    BASE,
    MEMBERS,
    Comparand,
    Scale,
    meeting,
    missing_of,
    sample_of,
    today_of,
)
from segmentkit.analysis._result import plural
from segmentkit.analysis._units import mixed_units
from segmentkit.dtypes import Kind
from segmentkit.segment import Segment
from segmentkit.source import Source
from segmentkit.trait import Trait

FEW = 30
"""A group of which fewer are known is flagged: what is seen of it may be chance."""


@frozen
class Difference:
    """How the members of a segment and of a base differ in one value or condition.

    Attributes:
        what: A condition, whose shares are compared, or a value, whose means are compared.
        scale: ``shares``, ``means``, or ``means of days ago`` for times.
        members: The share, or the mean, of the members; None if it is known for nobody.
        base: The same for the base.
        sizes: For how many members, and for how many of the base, it is known.
        difference: The members' value minus the base's.
        low: The lower end of the interval of the difference.
        high: The upper end of the interval of the difference.
        lift: The members' share divided by the base's; None for means, and if the base's is 0.
        effect: The difference on one scale for all: Cohen's h for shares, Hedges' g for means.
            From 0.2 on it is called small, from 0.5 medium, from 0.8 large.
        effect_low: The lower end of the interval of the effect.
        effect_high: The upper end of the interval of the effect.
        p: How often chance alone would show as much somewhere, corrected for the number of tests
            by Holm's method. None if there is nothing to test.
        test: The test, not corrected.
        few: Whether so few are known that you should take it with care.
        defining: Whether the segment's, or the base's, definition asks about it.
        name: The attribute, the trait or the condition that it is about.
    """

    what: str
    scale: str
    members: float | None
    base: float | None
    sizes: tuple[int, int]
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    lift: float | None = None
    effect: float | None = None
    effect_low: float | None = None
    effect_high: float | None = None
    p: float | None = None
    test: stats.Tested | None = field(default=None, repr=False)
    few: bool = False
    defining: bool = False
    name: str = field(default="", repr=False)

    @property
    def apart(self) -> bool:
        """Whether the means differ and nobody differs from the mean of the group."""
        return self.effect is None and bool(self.difference) and min(self.sizes) > 1


@define
class Comparing:
    """Asks the source about two groups, and compares what it counts.

    Attributes:
        groups: Members and base, who have nobody in common.
        remarks: What is not compared, and why.
    """

    source: Source
    groups: Mapping[str, Segment]
    instant: datetime
    level: float
    values: int
    remarks: list[str] = field(factory=list)
    sizes: Mapping[str, int] = field(factory=dict)

    def compared(self, things: Sequence[Comparand], lists: Sequence[Segment]) -> list[Difference]:
        """What there is to say of each thing."""
        conditions = [each for each in (*(thing.asked for thing in things), *lists)
                      if isinstance(each, Segment)]  # fmt: skip
        asked = dict(self.groups)
        for place, condition in enumerate(conditions):
            asked |= {
                f"{n} {place}": meeting([group, condition]) for n, group in self.groups.items()
            }
        self.sizes = self.source.sizes(asked, as_of=self.instant)
        if not all(self.whole):
            return []
        found = [
            self.shares(name, self.of_both(f"{{}} {place}"), self.whole, name)
            for place, name in enumerate(str(each.name or each.definition) for each in conditions)
        ]
        traits = {str(t.asked.name): t for t in things if isinstance(t.asked, Trait)}
        by_kind = {
            categories: [t for t in traits.values() if (t.scale is Scale.CATEGORY) is categories]
            for categories in (True, False)
        }
        for categories, some in by_kind.items():
            if not some:
                continue
            tallies = self.source.tally(
                [t.asked for t in some if isinstance(t.asked, Trait)],
                dict(self.groups),
                most=self.values if categories else None,
                as_of=self.instant,
            )
            for thing, tally in zip(some, tallies.values(), strict=True):
                found += (self.categories if categories else self.numbers)(thing, tally)
        return found

    @property
    def whole(self) -> tuple[int, int]:
        """How many members there are, and how many of the base."""
        return self.of_both("{}")

    def of_both(self, template: str) -> tuple[int, int]:
        """Two counts of the source."""
        members, base = (self.sizes[template.format(name)] for name in self.groups)
        return members, base

    def categories(self, thing: Comparand, tally: pd.DataFrame) -> Iterator[Difference]:
        """Shares of the values of a text or a truth, among those of whom it is known."""
        listed = tally[tally.index.notna()]
        missing = _pair(missing_of(tally))
        known = tuple(size - gone for size, gone in zip(self.whole, missing, strict=True))
        different = tally.attrs["different"]
        if different == 0:
            self.remarks.append(f"{thing.name}: missing of everybody")
        elif different == 1:
            told = _constant(listed.index[0])
            self.remarks.append(f"{thing.name}: {told} of everybody of whom it is known")
        elif different > self.values and int(listed.sum(axis=1).max()) == 1:
            self.remarks.append(
                f"{thing.name}: {localized(different)} values, none of them twice; "
                "not compared by value"
            )
        else:
            cells = list(self.cells(thing, listed, different, (known[0], known[1])))
            # Of two cells, one tells of both.
            for what, counts in cells[:1] if len(cells) == 2 else cells:
                yield self.shares(what, counts, (known[0], known[1]), thing.name)
        yield from self.missing(thing, missing)

    def cells(
        self, thing: Comparand, listed: pd.DataFrame, different: int, known: tuple[int, int]
    ) -> Iterator[tuple[str, tuple[int, int]]]:
        """Counts of the values of a text or a truth, and of all that are not listed."""
        truth = isinstance(thing.asked, Trait) and thing.asked.dtype.kind is Kind.BOOLEAN
        rows = zip(
            listed.index.tolist(), listed[list(self.groups)].to_numpy().tolist(), strict=True
        )
        counted = {value: (int(one), int(other)) for value, (one, other) in rows}
        for value in sorted(counted, key=lambda v: (truth and not v, -sum(counted[v]), str(v))):
            what = thing.name if truth else f"{thing.name} = {_constant(value)}"
            yield what, counted[value]
        if others := different - len(listed):
            rest = [
                size - sum(counts[side] for counts in counted.values())
                for side, size in enumerate(known)
            ]
            yield f"{thing.name}: {plural(others, 'other value')}", (rest[0], rest[1])

    def missing(self, thing: Comparand, missing: tuple[int, int]) -> Iterator[Difference]:
        """How often something is missing, if it is of anybody, and not of everybody."""
        if any(missing) and missing != self.whole:
            yield self.shares(f"{thing.name} is missing", missing, self.whole, thing.name)

    def shares(
        self, what: str, counts: tuple[int, int], sizes: tuple[int, int], name: str
    ) -> Difference:
        """Two shares."""
        found = Difference(
            what,
            Scale.CATEGORY.value,
            counts[0] / sizes[0] if sizes[0] else None,
            counts[1] / sizes[1] if sizes[1] else None,
            sizes,
            test=stats.shares_test(counts, sizes),
            few=min(sizes) < FEW,
            name=name,
        )
        if found.members is None or found.base is None:
            return found
        interval = stats.newcombe(counts, sizes, self.level)
        effect = stats.shares_effect(counts, sizes, self.level)
        assert interval is not None
        assert effect is not None
        return evolve(
            found,
            difference=found.members - found.base,
            low=interval.low,
            high=interval.high,
            lift=found.members / found.base if found.base else None,
            effect=effect[0],
            effect_low=effect[1].low,
            effect_high=effect[1].high,
        )

    def numbers(self, thing: Comparand, tally: pd.DataFrame) -> Iterator[Difference]:
        """Means of numbers, and of how many days ago times were."""
        assert isinstance(thing.asked, Trait)
        several = mixed_units(thing.asked, self.source, self.groups, self.instant)
        if several is not None:
            self.remarks.append(f"{thing.name}: {several}, so that its means say little")
        today = today_of(self.instant, thing.asked.schema.zone)
        one, other = (sample_of(tally, name, thing.scale, today) for name in self.groups)
        missing = _pair(missing_of(tally))
        infinite = sum(self.whole) - sum(missing) - one.size - other.size
        if infinite:
            told = (
                f"infinite, or beyond {stats.LARGEST:g}, of {localized(infinite)}, who are left out"
            )
            self.remarks.append(f"{thing.name}: {told}")
        if not one.size and not other.size:
            if not infinite:
                self.remarks.append(f"{thing.name}: missing of everybody")
            return
        if one.spread == other.spread == 0 and one.mean == other.mean:
            self.remarks.append(f"{thing.name}: the same of everybody who has it")
        else:
            yield self.means(thing, one, other)
        yield from self.missing(thing, missing)

    def means(self, thing: Comparand, one: stats.Sample, other: stats.Sample) -> Difference:
        """Two means."""
        tested = stats.welch(one, other, self.level)
        effect = stats.means_effect(one, other, self.level)
        both = one.mean is not None and other.mean is not None
        found = Difference(
            thing.name + (" (days ago)" if thing.scale is Scale.AGE else ""),
            thing.scale.value,
            one.mean,
            other.mean,
            (one.size, other.size),
            (one.mean or 0.0) - (other.mean or 0.0) if both else None,
            few=min(one.size, other.size) < FEW,
            name=thing.name,
        )
        if tested is not None:
            found = evolve(found, test=tested[0], low=tested[1].low, high=tested[1].high)
        if effect is not None:
            low, high = effect[1]
            found = evolve(found, effect=effect[0], effect_low=low, effect_high=high)
        return found


def _pair(counts: Mapping[str, int]) -> tuple[int, int]:
    return counts[MEMBERS], counts[BASE]


def _constant(value: object) -> str:
    """A value as the language writes it."""
    return format_value(value if isinstance(value, bool) else str(value))
