"""What sets the members of a segment apart from others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
from attrs import define, evolve

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit._usage import expect
from segmentkit.analysis import _statistics as stats
from segmentkit.analysis._comparands import Scale, groups_of, meeting, things_of
from segmentkit.analysis._differences import FEW, Comparing, Difference
from segmentkit.analysis._explain_by_key import asked_about
from segmentkit.analysis._plot import bare, empty, labels_of, new_figure
from segmentkit.analysis._result import Result, chance, distinct, figure, moment, plural, share
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source
from segmentkit.trait import Trait

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = (
    "what", "members", "base", "difference", "low", "high", "lift", "effect", "effect low",
    "effect high", "p", "few", "defining",
)  # fmt: skip
_NUMBERS = _COLUMNS[1:-2]


@define(frozen=True, slots=False)
class Profile(Result):
    """How the members of a segment differ from a base, the greatest differences first.

    Attributes:
        segment: The segment's name, if it has one.
        base: What it is compared with.
        size: The number of members.
        base_size: The number of people in the base who are not members.
        as_of: The instant of the answer, in UTC.
        level: How often intervals hold, and how certain a difference must be to be reported.
        differences: First those that are more than chance, then the rest, by size of effect.
        remarks: What was not compared, and why.
    """

    segment: str | None
    base: str
    size: int
    base_size: int
    as_of: datetime
    level: float
    differences: tuple[Difference, ...]
    remarks: tuple[str, ...] = ()

    _formats: ClassVar = dict.fromkeys(
        ("members", "base", "difference", "interval", "lift", "effect", "p"), str
    )

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each difference; shares are between 0 and 1."""
        rows = [
            (
                d.what, d.members, d.base, d.difference, d.low, d.high, d.lift, d.effect,
                d.effect_low, d.effect_high, d.p, d.few, d.defining,
            )
            for d in self.differences
        ]  # fmt: skip
        found = pd.DataFrame(rows, columns=list(_COLUMNS))
        return found.astype({**dict.fromkeys(_NUMBERS, "Float64"), "few": bool, "defining": bool})

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        heads = ["what", "members", "base", "difference", "interval", "lift", "effect", "p", "note"]
        shown = self.differences[:_SHOWN]
        names = distinct([" ".join(each.what.split()) for each in shown], 60)
        return heads, [[n, *_told(each)] for n, each in zip(names, shown, strict=True)]

    def _below(self) -> tuple[str, ...]:
        more = len(self.differences) - _SHOWN
        return (*([f"… and {localized(more)} more in `frame`"] if more > 0 else []), *self.notes)

    def is_certain(self, difference: Difference) -> bool:
        """Whether a difference is more than chance, at the given level."""
        return difference.apart or (difference.p is not None and difference.p <= 1 - self.level)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the numbers say in words, and what was not compared."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        if not self.size:
            yield "nobody is a member, so there is nothing to tell"
            return
        if not self.base_size:
            yield f"there is nobody to compare with: all of {self.base} are members"
            return
        certain = [each for each in self.differences if self.is_certain(each)]
        tests = sum(each.p is not None for each in self.differences)
        if certain:
            yield (
                f"{localized(len(certain))} of {plural(len(self.differences), 'difference')} are "
                f"more than chance; p is corrected for {plural(tests, 'test')} (Holm)"
            )
        elif tests:
            yield f"nothing is more than chance; p is corrected for {plural(tests, 'test')} (Holm)"
        for each in self.differences:
            if each.apart:
                yield (
                    f"{each.what} is {amount(each, each.members)} of every member, and "
                    f"{amount(each, each.base)} of everybody else"
                )
        if any(each.few for each in self.differences):
            yield f"few: known of fewer than {FEW} on one side; take it with care"
        if any(each.defining for each in self.differences):
            yield "defining: the definition asks about it, so that it differs is no news"
        yield from self.remarks

    @property
    def _title(self) -> str:
        name = self.segment or "the segment"
        return (
            f"{name}: {plural(self.size, 'member')} beside {localized(self.base_size)} others of "
            f"{self.base}, as of {moment(self.as_of)}"
        )

    def plot(self, *, most: int = 20) -> Figure:
        """Draw how far members and base differ in each comparison, with intervals.

        Args:
            most: The number of differences to show, the greatest first.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        known = [each for each in self.differences if each.effect is not None]
        if not known:
            return empty(self.notes[0] if self.notes else "there is nothing to compare")
        return _forest(self, known[:most], len(known))


_SHOWN = 40
"""Differences that are shown as text."""


def amount(each: Difference, value: float | None) -> str:
    """A share as per cent, a mean as a number."""
    if value is None:
        return "–"
    return share(value) if each.scale == Scale.CATEGORY.value else figure(value)


def _told(each: Difference) -> Iterator[str]:
    """A difference as the cells of a row, but the first."""
    yield amount(each, each.members)
    yield amount(each, each.base)
    shares = each.scale == Scale.CATEGORY.value

    def signed(value: float | None) -> str:
        if value is None:
            return "–"
        return f"{100 * value:+.1f} pp" if shares else f"{'+' if value > 0 else ''}{figure(value)}"

    yield signed(each.difference)
    yield "–" if each.low is None else f"{signed(each.low)} to {signed(each.high)}"
    yield "–" if each.lift is None else f"{localized(each.lift, '.2f')}×"
    yield "–" if each.effect is None else f"{each.effect:+.2f}"
    yield "–" if each.p is None else chance(each.p)
    notes = [word for word, holds in (("few", each.few), ("defining", each.defining)) if holds]
    yield ", ".join(notes)


# -- how it is found ----------------------------------------------------------------------------


def profile(
    segment: Segment,
    source: Source,
    *,
    base: Segment | None = None,
    of: Iterable[str | Trait | Segment] | None = None,
    traits: Iterable[Trait] = (),
    as_of: AsOf = None,
    level: float = 0.95,
    values: int = 10,
) -> Profile:
    """Find what sets the members of a segment apart from others.

    Every attribute and trait is compared, among the people for whom it is known: shares of texts
    and conditions, with Newcombe's intervals; means of numbers, with Welch's; and for times, how
    many days ago they were. How often a value is missing is compared too. Members of the segment
    who are also in the base are compared as members only. The source counts how often each value
    occurs, without keys.

    Args:
        segment: The segment.
        source: The source of the population.
        base: The segment to compare the members with; by default everyone else.
        of: What to compare: values or conditions in the language, traits, segments; by default
            all attributes of the entity, in its documents and at the end of its links.
        traits: More traits to compare; texts in ``of`` can use them, and those of the definition.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        level: How often intervals must hold.
        values: How many values of a text to compare, the most frequent of each side; the rest
            is counted together.

    Returns:
        The differences, the greatest first.

    Raises:
        DataError: A parameter has no value.
        DefinitionError: Something in ``of`` is neither a value nor a condition of the schema.
        ImportError: scipy and statsmodels are not installed; the extra is `stats`.
        SchemaError: The base or a trait is of another schema.
        UnsupportedError: The source cannot compute a construct.
        ValueError: There is nothing to compare, or the level is not a probability.
    """
    check_source(source)
    expect(segment, Segment, "profile(segment, source)")
    stats.checked(level)
    if values < 1:
        raise ValueError(f"values must be at least 1, not {values!r}")
    groups = groups_of(segment, base)
    instant = utc_of(as_of, segment.schema)
    things, lists = things_of(of, traits, segment)
    comparing = Comparing(source, groups, instant, level, values)
    told = asked_about([segment] if base is None else [segment, base])
    drafts = [evolve(d, defining=d.name in told) for d in comparing.compared(things, lists)]
    found = _ranked(_corrected(drafts), level)
    called = "everyone" if base is None else base.name or base.definition
    both = 0 if base is None else source.count(meeting([base, segment]), as_of=instant)
    if both:
        who = "1 of them is a member" if both == 1 else f"{localized(both)} of them are members"
        comparing.remarks.append(f"{called}: {who} of the segment, and compared as such")
    return Profile(
        segment.name,
        called,
        *comparing.whole,
        instant,
        level,
        tuple(found),
        tuple(comparing.remarks),
    )


def _corrected(drafts: Sequence[Difference]) -> list[Difference]:
    tested = [each.test.p for each in drafts if each.test is not None]
    corrected = iter(stats.holm(tested))
    return [each if each.test is None else evolve(each, p=next(corrected)) for each in drafts]


def _ranked(found: Iterable[Difference], level: float) -> list[Difference]:
    def rank(each: Difference) -> tuple[bool, float]:
        certain = each.apart or (each.p is not None and each.p <= 1 - level)
        size = float("inf") if each.apart else abs(each.effect or 0.0)
        return not certain, -size

    return sorted(found, key=rank)


# -- as a picture -------------------------------------------------------------------------------


def _forest(found: Profile, shown: Sequence[Difference], known: int) -> Figure:
    title = found._title + (f": the first {len(shown)} of {known}" if known > len(shown) else "")
    drawn = new_figure(9, 1.4 + 0.3 * len(shown), title)
    axes = drawn.add_subplot()
    axes.axvline(0, color="0.6", linewidth=1)
    for place, each in enumerate(shown):
        assert each.effect is not None
        low, high = each.effect_low or 0.0, each.effect_high or 0.0
        more = "C0" if each.effect > 0 else "C3"
        colour = more if found.is_certain(each) else "0.75"
        axes.barh(place, each.effect, color=colour, alpha=0.55, height=0.65)
        axes.plot([low, high], [place, place], color=colour, linewidth=1.5)
        told = f"{amount(each, each.members)} | {amount(each, each.base)}"
        axes.text(1.02, place, told, va="center", fontsize=8, transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(shown)), labels_of((each.what for each in shown), 48))
    axes.set_ylim(len(shown) - 0.4, -0.6)
    # One wild interval of a few must not press all others together.
    most = max(abs(each.effect or 0.0) for each in shown)
    ends = [abs(x or 0.0) for each in shown for x in (each.effect_low, each.effect_high)]
    wide = min(max(ends), 2.5 * most) * 1.08 or 1.0
    axes.set_xlim(-wide, wide)
    axes.set_xlabel("←  less among members     effect (Cohen's h, Hedges' g)     more  →")
    above = "members | base"
    axes.text(1.02, -1, above, va="center", fontsize=8, transform=axes.get_yaxis_transform())
    axes.tick_params(left=False)
    bare(axes, "top", "right", "left")
    return drawn
