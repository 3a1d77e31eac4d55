"""How segments overlap: pairs, near-duplicates, and the combinations that occur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
from attrs import define, frozen

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit._usage import is_single
from segmentkit.analysis._plot import bare, empty, labels_of, new_figure
from segmentkit.analysis._result import Result, moment, number, plural, share
from segmentkit.errors import UsageError
from segmentkit.evaluation import Evaluation
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@frozen
class Pair:
    """Two segments.

    Attributes:
        one: The name of the first.
        other: The name of the second.
        both: The number of people in both.
        either: The number of people in at least one.
        jaccard: The share of these who are in both; None if both segments are empty.
        one_in_other: The share of the first that is in the second; None if it is empty.
        other_in_one: The share of the second that is in the first; None if it is empty.
    """

    one: str
    other: str
    both: int
    either: int
    jaccard: float | None
    one_in_other: float | None
    other_in_one: float | None


@define(frozen=True, slots=False)
class Overlap(Result):
    """How segments overlap.

    Attributes:
        sizes: How many members each segment has, by name.
        population: The number of everyone.
        as_of: The instant of the answer, in UTC.
        together: For every pair of segments, the number of people in both.
        combined: For each combination of segments that occurs, the number of people in exactly
            these, the most frequent first; None if you did not ask for it.
        alike: The Jaccard index from which two segments are near-duplicates.
    """

    sizes: Mapping[str, int]
    population: int
    as_of: datetime
    together: Mapping[tuple[str, str], int]
    combined: Mapping[tuple[str, ...], int] | None
    alike: float

    _formats: ClassVar = {
        "both": number,
        "either": number,
        "jaccard": share,
        "one in other": share,
        "other in one": share,
    }

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs, the most alike first."""
        found = [self._pair(*names, both) for names, both in self.together.items()]
        return tuple(sorted(found, key=lambda pair: -(pair.jaccard or 0)))

    def _pair(self, one: str, other: str, both: int) -> Pair:
        mine, theirs = self.sizes[one], self.sizes[other]
        either = mine + theirs - both
        shares = [both / whole if whole else None for whole in (either, mine, theirs)]
        return Pair(one, other, both, either, *shares)

    @property
    def duplicates(self) -> tuple[Pair, ...]:
        """The pairs that are near-duplicates."""
        return tuple(p for p in self.pairs if p.jaccard is not None and p.jaccard >= self.alike)

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each pair, the most alike first."""
        rows = [
            (p.one, p.other, p.both, p.either, p.jaccard, p.one_in_other, p.other_in_one)
            for p in self.pairs
        ]
        columns = ["one", "other", "both", "either", "jaccard", "one in other", "other in one"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def matrix(self) -> pd.DataFrame:
        """The number of people in each pair, names × names; the diagonal has the sizes."""
        names = list(self.sizes)
        found = pd.DataFrame(0, index=names, columns=names)
        for name, size in self.sizes.items():
            found.loc[name, name] = size
        for pair in self.pairs:
            found.loc[pair.one, pair.other] = found.loc[pair.other, pair.one] = pair.both
        return found

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the numbers say, in words."""
        return tuple(self._told())

    def _told(self) -> Iterator[str]:
        for name, size in self.sizes.items():
            if not size:
                yield f"{name}: nobody is in it"
            elif size == self.population:
                yield f"{name}: everybody is in it"
        for pair in self.pairs:
            if not pair.both:
                continue
            if pair.both == pair.either:
                yield f"{pair.one} and {pair.other} have the same {plural(pair.both, 'member')}"
            elif pair.one_in_other == 1:
                yield f"{pair.one} is within {pair.other}"
            elif pair.other_in_one == 1:
                yield f"{pair.other} is within {pair.one}"
            elif pair in self.duplicates:
                yield f"{pair.one} and {pair.other} are nearly the same: {share(pair.jaccard)}"

    @property
    def _title(self) -> str:
        told = plural(len(self.sizes), "segment")
        return f"{told} of {localized(self.population)}, as of {moment(self.as_of)}"

    def plot(self, *, most: int = 30) -> Figure:
        """Draw an UpSet picture: the combinations that occur, and how many are in each.

        Args:
            most: The number of combinations to show, the most frequent first.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        if self.combined is None:
            return empty("combinations were not counted: leave out pairs_only=True")
        shown = {names: count for names, count in self.combined.items() if names}
        if not shown:
            return empty("nobody is in any of these segments")
        title = self._title
        if len(shown) > most:
            title += f": the {most} most frequent of {len(shown)} combinations"
        return _upset(self.sizes, dict(list(shown.items())[:most]), title)


def overlap(
    segments: Mapping[str, Segment] | Iterable[Segment],
    source: Source,
    *,
    as_of: AsOf = None,
    alike: float = 0.9,
    pairs_only: bool = False,
) -> Overlap:
    """Count how segments overlap.

    The source evaluates the segments in one pass. No rows of relations leave it, and with
    ``pairs_only`` only counts do.

    Args:
        segments: A catalog, another mapping, or segments that have names.
        source: The source of the population.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        alike: The Jaccard index from which two segments are near-duplicates.
        pairs_only: Do not count combinations of more than two, which the picture needs.

    Returns:
        The counts of all pairs and of all combinations.

    Raises:
        DataError: A parameter has no value.
        UnsupportedError: The source cannot compute a construct.
        ValueError: You gave no segments, or one has no name.
    """
    check_source(source)
    if is_single(segments):
        raise UsageError("overlap(segments, source) takes several, such as [one, other]")
    named = named_segments(segments)
    schema = next(iter(named.values())).schema
    at = utc_of(as_of, schema)
    if not pairs_only:
        return overlap_of(source.evaluate(named, as_of=at), at, alike)
    matrix = source.overlap(named, as_of=at)
    return _overlap(matrix, at, None, alike)


def overlap_of(evaluation: Evaluation, at: datetime, alike: float = 0.9) -> Overlap:
    """How segments overlap that were asked about already."""
    return _overlap(evaluation.overlap(), at, _combined(evaluation.frame), alike)


def _overlap(
    matrix: pd.DataFrame,
    at: datetime,
    combined: Mapping[tuple[str, ...], int] | None,
    alike: float,
) -> Overlap:
    names, counts = [str(name) for name in matrix], matrix.to_numpy().tolist()
    sizes = {name: counts[place][place] for place, name in enumerate(names)}
    together = {
        (one, other): counts[i][j] for (i, one), (j, other) in combinations(enumerate(names), 2)
    }
    return Overlap(sizes, matrix.attrs["population"], at, together, combined, alike)


def _combined(frame: pd.DataFrame) -> dict[tuple[str, ...], int]:
    """How many rows have each combination of true columns, the most frequent first."""
    found: dict[tuple[str, ...], int] = {}
    for held, count in frame.value_counts(list(frame)).items():
        assert isinstance(held, tuple)
        found[tuple(str(n) for n, holds in zip(frame, held, strict=True) if holds)] = int(count)
    return {names: found[names] for names in sorted(found, key=lambda n: (-found[n], n))}


def named_segments(segments: Mapping[str, Segment] | Iterable[Segment]) -> dict[str, Segment]:
    """Segments by their names.

    Raises:
        ValueError: There are none, one has no name, or two have one.
    """
    if isinstance(segments, Mapping):
        named = dict(segments)
    else:
        several = list(segments)
        nameless = [each for each in several if each.name is None]
        if nameless:
            raise ValueError(f"a segment needs a name here: {nameless[0]!r}")
        named = {str(each.name): each for each in several}
        if len(named) < len(several):
            raise ValueError("two of the segments have one name; give them in a mapping")
    if not named:
        raise ValueError("give at least one segment")
    return named


def _upset(sizes: Mapping[str, int], shown: Mapping[tuple[str, ...], int], title: str) -> Figure:
    used = {name for names in shown for name in names}
    names = sorted(used, key=lambda name: sizes[name])
    rows = {name: row for row, name in enumerate(names)}
    figure = new_figure(3.5 + 0.45 * len(shown), 2.6 + 0.3 * len(names), title)
    grid = figure.add_gridspec(
        2, 2, width_ratios=[1.2, 0.45 * len(shown) + 0.4], height_ratios=[2, 0.3 * len(names) + 0.2]
    )
    above = figure.add_subplot(grid[0, 1])
    dots = figure.add_subplot(grid[1, 1], sharex=above)
    left = figure.add_subplot(grid[1, 0], sharey=dots)
    places = range(len(shown))
    bars = above.bar(places, list(shown.values()), color="0.25", width=0.7)
    above.bar_label(bars, [localized(count) for count in shown.values()], fontsize=8)
    above.margins(y=0.2)
    above.set_ylabel("in exactly these")
    above.set_yticks([])
    above.tick_params(bottom=False, labelbottom=False)
    bare(above, "top", "right", "left")
    for place, held in enumerate(shown):
        dots.scatter([place] * len(names), range(len(names)), color="0.88", s=40, zorder=1)
        at = sorted(rows[name] for name in held)
        dots.scatter([place] * len(at), at, color="0.15", s=40, zorder=3)
        dots.plot([place, place], [at[0], at[-1]], color="0.15", zorder=2)
    dots.set_yticks(range(len(names)), labels_of(names, 30))
    dots.set_ylim(-0.6, len(names) - 0.4)
    dots.tick_params(bottom=False, labelbottom=False, left=False)
    bare(dots, "top", "right", "bottom", "left")
    left.barh(range(len(names)), [sizes[name] for name in names], color="C0", height=0.6)
    left.invert_xaxis()
    left.set_xlabel("size")
    left.tick_params(left=False, labelleft=False)
    bare(left, "top", "left", "right")
    return figure
