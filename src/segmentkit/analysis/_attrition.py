"""How many people each clause of a segment leaves."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
from attrs import define, frozen

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._usage import expect
from segmentkit.analysis._plot import bare, labels_of, new_figure
from segmentkit.analysis._result import Result, moment, number, plural
from segmentkit.analysis._size_queries import Counting
from segmentkit.evaluation import Sizes
from segmentkit.segment import Segment, joined
from segmentkit.source import Source, check_source

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@frozen
class Stage:
    """The counts of one clause.

    Attributes:
        clause: The clause in canonical form.
        alone: The number of people for whom it holds by itself.
        left: The number of people left after it and all clauses before it.
        lost: The number of people whom it removes, after all clauses before it.
        costs: How many more members the segment would have without this clause.
    """

    clause: str
    alone: int
    left: int
    lost: int
    costs: int


@define(frozen=True, slots=False)
class Attrition(Result):
    """How many remain after each clause of a segment.

    Attributes:
        segment: The segment's name, if it has one.
        population: The number of everyone, before the first clause.
        as_of: The instant of the answer, in UTC.
        stages: The clauses in the order of the definition.
    """

    segment: str | None
    population: int
    as_of: datetime
    stages: tuple[Stage, ...]

    _formats: ClassVar = dict.fromkeys(("alone", "left", "lost", "costs"), number)

    @property
    def size(self) -> int:
        """How many are in the segment."""
        return self.stages[-1].left

    @property
    def costliest(self) -> Stage | None:
        """The clause without which the segment would be largest; None if all cost nothing."""
        most = max(self.stages, key=lambda stage: stage.costs)
        return most if most.costs else None

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each clause."""
        rows = [(s.clause, s.alone, s.left, s.lost, s.costs) for s in self.stages]
        return pd.DataFrame(rows, columns=["clause", "alone", "left", "lost", "costs"])

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the numbers say, in words."""
        if not self.population:
            return ("there is nobody to lose",)
        if len(self.stages) == 1:
            return ("the definition is one clause, so there is nothing to take apart",)
        if self.costliest is None:
            return (
                "no clause costs anybody by itself: whom one leaves out, another leaves out too",
            )
        told = plural(self.costliest.costs, "more member")
        return (f"costs most: without {self.costliest.clause} there would be {told}",)

    @property
    def _title(self) -> str:
        name = self.segment or "the segment"
        sizes = f"{localized(self.size)} of {localized(self.population)}"
        return f"{name}: {sizes}, as of {moment(self.as_of)}"

    def plot(self) -> Figure:
        """Draw a waterfall: who is left after each clause, and whom it lost.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        figure = new_figure(8, 1.2 + 0.5 * (len(self.stages) + 1), self._title)
        axes = figure.add_subplot()
        left = [self.population, *(stage.left for stage in self.stages)]
        names = labels_of(["everyone", *(stage.clause for stage in self.stages)])
        places = range(len(left))
        lost = [0, *(before - after for before, after in pairwise(left))]
        axes.barh(places, left, color="C0")
        axes.barh(places, lost, left=left, color="C3", alpha=0.35)
        for place, count, gone in zip(places, left, lost, strict=True):
            told = f" {localized(count)}" + (f"  (lost {localized(gone)})" if gone else "")
            axes.text(count + gone, place, told, va="center")
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set_xlim(0, max(1, self.population) * 1.45)
        axes.set_xticks([])
        bare(axes, "top", "right", "bottom")
        return figure


def attrition(segment: Segment, source: Source, *, as_of: AsOf = None) -> Attrition:
    """Count how many people remain after each clause of a segment, alone and in order.

    The clauses are those that ``and`` joins at the top of the definition. If the definition is
    only a reference, they are those of the other segment. The source counts them in one pass.

    Args:
        segment: The segment.
        source: The source of the population.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The counts.

    Raises:
        DataError: A parameter has no value.
        UnsupportedError: The source cannot compute a construct.
    """
    check_source(source)
    expect(segment, Segment, "attrition(segment, source)")
    return attrition_counting(segment).of(source, utc_of(as_of, segment.schema))


def attrition_counting(segment: Segment) -> Counting[Attrition]:
    """The clauses to count: each alone, with those before it, and what is without it."""
    holder, operands = _parts(segment)
    count = len(operands)
    asked = {f"alone {i}": _all_of(holder, operands[i : i + 1]) for i in range(count)}
    asked |= {f"left {i}": _all_of(holder, operands[: i + 1]) for i in range(count)}
    asked |= {
        f"without {i}": _all_of(holder, operands[:i] + operands[i + 1 :]) for i in range(count)
    }

    def read(sizes: Sizes, at: datetime) -> Attrition:
        left = [sizes.population, *(sizes[f"left {i}"] for i in range(count))]
        stages = tuple(
            Stage(
                format_tree(operand),
                sizes[f"alone {i}"],
                after,
                before - after,
                sizes[f"without {i}"] - left[-1],
            )
            for i, (operand, (before, after)) in enumerate(
                zip(operands, pairwise(left), strict=True)
            )
        )
        return Attrition(segment.name, sizes.population, at, stages)

    return Counting(asked, read)


def _parts(segment: Segment) -> tuple[Segment, tuple[t.Expr, ...]]:
    """The clauses, and the segment in whose words they are."""
    while isinstance(segment._tree, t.InSegment):
        segment = segment.references[segment._tree.name]
    tree = segment._tree
    return segment, tree.operands if isinstance(tree, t.And) else (tree,)


def _all_of(holder: Segment, operands: tuple[t.Expr, ...]) -> Segment:
    everyone = t.Literal(True, t.NOWHERE)
    if len(operands) < 2:
        return joined(None, [holder], operands[0] if operands else everyone)
    return joined(None, [holder], t.And(operands, t.NOWHERE))
