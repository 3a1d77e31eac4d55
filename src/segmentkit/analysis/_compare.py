"""One metric across the parts of a partition: means, sums or rates, and whether they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import pandas as pd
from attrs import define, evolve, frozen

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit.analysis import _statistics as stats
from segmentkit.analysis._comparands import Scale, meeting
from segmentkit.analysis._metric import Measured, Metric
from segmentkit.analysis._overlap import named_segments
from segmentkit.analysis._plot import bare, empty, labels_of, new_figure, shortened
from segmentkit.analysis._result import Result, chance, figure, moment, number, plural, share
from segmentkit.errors import SchemaError
from segmentkit.partition import Partition
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source
from segmentkit.trait import Trait

if TYPE_CHECKING:
    from matplotlib.figure import Figure

How = Literal["mean", "sum", "rate"]
"""What is computed for each part."""


@frozen
class Part:
    """A metric of one part.

    Attributes:
        label: The part's label.
        size: The number of people in it.
        missing: For how many of them the metric is missing.
        value: The mean, the sum or the rate, where it is known; None if it is known for nobody.
        low: The lower end of its interval.
        high: The upper end of its interval.
        total: The sum; for a rate, the number of people for whom it holds.
    """

    label: str
    size: int
    missing: int
    value: float | None
    low: float | None
    high: float | None
    total: float

    @property
    def known(self) -> int:
        """For how many people the metric is known."""
        return self.size - self.missing


@define(frozen=True, slots=False)
class Comparison(Result):
    """A metric across the parts of a partition.

    Attributes:
        partition: The partition's name, if it has one.
        metric: The metric's name.
        how: Whether the values are means, sums or rates.
        as_of: The instant of the answer, in UTC.
        level: How often intervals hold, and how certain a difference must be to be reported.
        parts: The parts in their order.
        test: Whether the parts differ: for rates a chi-square test, or Fisher's test of two if
            few are expected; for means and sums Welch's analysis of variance of the means. None
            if nothing can be tested.
        effect: How much the parts explain of the metric: for rates Cramér's V, for means and sums
            omega², the unbiased share of the variance that is between the parts.
        eta: For means and sums eta², the share of the variance in this data.
        remarks: What was left out of the test, and why.
    """

    partition: str | None
    metric: str
    how: How
    as_of: datetime
    level: float
    parts: tuple[Part, ...]
    test: stats.Tested | None
    effect: float | None
    eta: float | None = None
    remarks: tuple[str, ...] = ()

    @property
    def _formats(self) -> Mapping[str, object]:  # type: ignore[override]
        amount = share if self.how == "rate" else figure
        columns = dict.fromkeys((self.how, "low", "high"), amount)
        return {"members": number, "missing": number, **columns, "of all": share}

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each part; rates, and the shares of sums, are between 0 and 1."""
        rows = [(p.label, p.size, p.missing, p.value, p.low, p.high) for p in self.parts]
        columns = ["part", "members", "missing", self.how, "low", "high"]
        found = pd.DataFrame(rows, columns=columns)
        if self.how == "sum":
            whole = sum(part.total for part in self.parts)
            same = len({part.total < 0 for part in self.parts if part.total}) == 1
            found["of all"] = [part.total / whole if same else None for part in self.parts]
        return found.astype(dict.fromkeys([*columns[3:], *list(found)[6:]], "Float64"))

    @property
    def is_certain(self) -> bool:
        """Whether the parts differ by more than chance, at the given level."""
        return self.test is not None and self.test.p <= 1 - self.level

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the numbers say, in words."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        if not any(part.known for part in self.parts):
            why = "nobody is in any part" if not self._size else "it is missing of everybody"
            yield f"there is nothing to compare: {why}"
            return
        if self.test is not None:
            what = "more than chance" if self.is_certain else "no more than chance would have it"
            who = "the means" if self.how == "sum" else "the parts"
            yield f"{who} differ by {what}: {_test_told(self.test)}"
        if self.effect is not None:
            yield self._effect_told(self.effect)
        yield from self.remarks

    def _effect_told(self, effect: float) -> str:
        if self.how == "rate":
            size = localized(effect, ".3f")
            return f"Cramér's V is {size}: from 0.1 on small, 0.3 medium, 0.5 large"
        assert self.eta is not None
        return (
            f"the parts explain {share(effect)} of the variance (omega²; eta² is "
            f"{share(self.eta)}): from 1% on small, 6% medium, 14% large"
        )

    @property
    def _size(self) -> int:
        return sum(part.size for part in self.parts)

    @property
    def _title(self) -> str:
        name = self.partition or "the parts"
        whole = f"{localized(self._size)} in all, as of {moment(self.as_of)}"
        return f"{self.how} of {self.metric} by {name}, {whole}"

    def plot(self) -> Figure:
        """Draw the value of each part with its interval.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        known = [part for part in self.parts if part.value is not None]
        if not known:
            return empty(self.notes[0])
        return _intervals(self, known)


def _test_told(test: stats.Tested) -> str:
    degrees = f" ({', '.join(f'{df:.4g}' for df in test.df)} df)" if test.df else ""
    p = chance(test.p)
    p = p if p.startswith("<") else f"= {p}"
    exact = not test.df  # its statistic is a ratio of odds, which may be infinite
    statistic = "" if exact else f" {test.statistic:.4g}{degrees},"
    return f"{test.name}{',' if exact else ''}{statistic} p {p}"


def compare(
    partition: Partition | Mapping[str, Segment] | Iterable[Segment],
    metric: Trait | Segment | str,
    source: Source,
    *,
    how: How | None = None,
    as_of: AsOf = None,
    level: float = 0.95,
    mixed: bool = False,
) -> Comparison:
    """Compare a metric across the parts of a partition.

    The intervals are Student's for means and sums, and Wilson's for rates. Intervals and the test
    treat the customers as a sample.

    Args:
        partition: The partition, or a mapping of segments that share nobody.
        metric: A trait that is a number, or true or false; a segment, whose rate is compared; or
            either in the language, as in ``sum(orders.amount)``.
        source: The source of the population.
        how: ``mean`` or ``sum`` for numbers, ``rate`` for others; by default ``mean``, or
            ``rate`` if there is no mean.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        level: How often intervals must hold.
        mixed: Compare amounts even if they have several units. By default it is an error if an
            attribute called ``currency`` or ``unit`` stands beside an amount and differs.

    Returns:
        The parts, with a test of whether they differ, and how much they explain.

    Raises:
        DataError: A parameter has no value, or amounts have several units.
        DefinitionError: The metric is neither a value nor a condition of the schema.
        ImportError: scipy and statsmodels are not installed; the extra is `stats`.
        SchemaError: The metric is of another schema, or of a type that cannot be compared.
        UnsupportedError: The source cannot compute a construct.
        ValueError: Segments share members or have no names, or ``how`` is not one of these.
    """
    check_source(source)
    stats.checked(level)
    name = partition.name if isinstance(partition, Partition) else None
    parts = _exclusive(partition)
    schema = next(iter(parts.values())).schema
    measure = Metric.of(metric, schema)
    how = _how(measure, how)
    instant = utc_of(as_of, schema)
    if not isinstance(partition, Partition):
        _check_disjoint(parts, source, instant)
    measured = measure.measured(parts, source, instant, mixed=mixed)
    test, effect, eta, remarks = (_rates if measure.is_rate else _means)(measured.samples)
    return Comparison(
        name,
        measure.name,
        how,
        instant,
        level,
        tuple(_part(label, measured, how, level) for label in parts),
        test,
        effect,
        eta,
        (*measured.remarks, *remarks),
    )


def _exclusive(
    partition: Partition | Mapping[str, Segment] | Iterable[Segment],
) -> dict[str, Segment]:
    """The parts, of whom nobody is in two; what a partition leaves is its rest."""
    if not isinstance(partition, Partition):
        return named_segments(partition)
    parts = list(partition.parts.values())
    found = {
        label: meeting([part], parts[:place])
        for place, (label, part) in enumerate(partition.parts.items())
    }
    everyone = Segment.define(None, "true", partition.schema)
    return {**found, partition.rest: meeting([everyone], parts)}


def _check_disjoint(parts: Mapping[str, Segment], source: Source, instant: datetime) -> None:
    if any(part.schema != next(iter(parts.values())).schema for part in parts.values()):
        raise SchemaError("the parts are of different schemas")
    together = source.overlap(parts, as_of=instant)
    for one, other in combinations(parts, 2):
        if both := int(together.loc[one, other]):  # type: ignore[arg-type]
            raise ValueError(
                f"{one} and {other} have {plural(both, 'member')} in common: put them in order by "
                "Partition.define"
            )


def _how(metric: Metric, how: str | None) -> How:
    fitting: dict[Scale, tuple[How, ...]] = {
        Scale.CATEGORY: ("rate",), Scale.NUMBER: ("mean", "sum"), Scale.AGE: ("mean",),
    }  # fmt: skip
    for each in fitting[metric.scale]:
        if how in (None, each):
            return each
    fit = " or ".join(map(repr, fitting[metric.scale]))
    raise ValueError(f"how must be {fit} of this metric, not {how!r}")


def _part(label: str, measured: Measured, how: How, level: float) -> Part:
    sample, size = measured.samples[label], measured.sizes[label]
    if how == "rate":
        interval = stats.wilson(int(sample.total), sample.size, level)
    else:
        interval = stats.mean_interval(sample, level)
    low, high = interval or (None, None)
    part = Part(label, size, size - sample.size, sample.mean, low, high, float(sample.total))
    if how != "sum" or part.value is None:
        return part
    low, high = (end if end is None else end * sample.size for end in (low, high))
    return evolve(part, value=part.total, low=low, high=high)


Answer = tuple[stats.Tested | None, float | None, float | None, list[str]]
"""A test, how much the parts explain by two measures, and what was left out."""


def _means(samples: Mapping[str, stats.Sample]) -> Answer:
    remarks: list[str] = []
    tested = [sample for sample in samples.values() if sample.variance]
    if len(tested) > 1:
        left = [label for label, sample in samples.items() if not sample.variance]
        remarks += [f"{label}: left out of the test, {_why(samples[label])}" for label in left]
    elif any(sample.size for sample in samples.values()):
        remarks.append("there is no test: it needs two parts in which not all have the same value")
    eta, omega = stats.explained(list(samples.values())) or (None, None)
    return stats.means_test(tested), omega, eta, remarks


def _why(sample: stats.Sample) -> str:
    if not sample.size:
        return "nobody is known"
    if sample.size == 1 or sample.mean is None:
        return "there is only one"
    return f"all have {figure(sample.mean)}"


def _rates(samples: Mapping[str, stats.Sample]) -> Answer:
    told = {label: sample for label, sample in samples.items() if sample.size}
    counts = [int(sample.total) for sample in told.values()]
    sizes = [sample.size for sample in told.values()]
    remarks = []
    if len(told) > 1:
        left = [label for label in samples if label not in told]
        remarks = [f"{label}: left out of the test, nobody is known" for label in left]
    test = stats.shares_test(counts, sizes)
    if test is None and told:
        remarks.append("there is no test: it needs two parts, and some of whom it holds, not all")
    elif test is not None and len(told) > 2 and stats.few_expected(counts, sizes):
        remarks.append("few are expected in a part, so that the test is only roughly right")
    return test, stats.cramer(counts, sizes) if test is not None else None, None, remarks


# -- as a picture -------------------------------------------------------------------------------


def _intervals(found: Comparison, shown: Sequence[Part]) -> Figure:
    title = found._title + (f": the first {_MOST} of {len(shown)}" if len(shown) > _MOST else "")
    shown = shown[:_MOST]
    drawn = new_figure(8, 1.4 + 0.4 * len(shown), title)
    axes = drawn.add_subplot()
    amount = share if found.how == "rate" else figure
    for place, part in enumerate(shown):
        assert part.value is not None
        if part.low is not None and part.high is not None:
            axes.plot([part.low, part.high], [place, place], color="C0", linewidth=2, alpha=0.6)
        axes.plot([part.value], [place], "o", color="C0")
        told = f"{amount(part.value)}  ({localized(part.known)})"
        axes.text(1.02, place, told, va="center", fontsize=9, transform=axes.get_yaxis_transform())
    above = f"{found.how}  (known)"
    axes.text(1.02, -1, above, va="center", fontsize=8, transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(shown)), labels_of((part.label for part in shown), 40))
    axes.set_ylim(len(shown) - 0.5, -0.7)
    axes.margins(x=0.05)
    axes.xaxis.set_major_formatter(lambda value, _: amount(value))
    axes.set_xlabel(f"{found.how} of {shortened(found.metric)}, {100 * found.level:.4g}% intervals")
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)
    axes.tick_params(left=False)
    bare(axes, "top", "right", "left")
    return drawn


_MOST = 40
"""Parts that are drawn."""
