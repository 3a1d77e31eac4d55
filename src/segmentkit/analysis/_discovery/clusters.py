"""People who are alike, and definitions that come close to describing them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from attrs import define, field, frozen

from segmentkit._definition import AsOf, utc_of
from segmentkit._diagnostics.languages import localized
from segmentkit.analysis._discovery.clustering import MOST, Measured, described, grouped, held_by
from segmentkit.analysis._discovery.decision_tree import Growth, check_growth
from segmentkit.analysis._discovery.features import Places
from segmentkit.analysis._discovery.leaf_segments import defined, within
from segmentkit.analysis._discovery.models import models
from segmentkit.analysis._discovery.training_data import (
    Of,
    Reader,
    looked_at,
    not_looked_at,
    values_of,
)
from segmentkit.analysis._plot import bare, empty, labels_of, new_figure
from segmentkit.analysis._result import Result, moment, number, plural, rounded, share
from segmentkit.dtypes import Kind
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.source import Source, check_source
from segmentkit.trait import Trait

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Mean = float | datetime
"""The mean of numbers, the share of booleans that are true, or the middle of times."""


@frozen
class Cluster:
    """A cluster: people who are alike.

    Attributes:
        segment: A definition that comes close to describing them; the condition ``among`` is a
            part of it.
        condition: The part of the definition that describes this cluster.
        size: The number of people in the cluster.
        described: The number of people for whom the definition holds, in any cluster or in none.
        known: How many of these are in any cluster.
        both: How many of these are in this cluster.
        means: The mean of each value in the cluster.
        distances: How many standard deviations each mean lies from that of all clusters.
    """

    segment: Segment = field(repr=lambda segment: repr(segment.name))
    condition: str
    size: int
    described: int
    known: int
    both: int
    means: Mapping[str, Mean]
    distances: Mapping[str, float]

    @property
    def precision(self) -> float | None:
        """Of the people in clusters whom the definition finds, the share who are in this one."""
        return self.both / self.known if self.known else None

    @property
    def recall(self) -> float:
        """The share of the cluster that the definition finds."""
        return self.both / self.size

    @property
    def jaccard(self) -> float:
        """Of the people in this cluster or found by the definition, the share who are both."""
        return self.both / (self.size + self.known - self.both)


@define(frozen=True, slots=False, eq=False)
class Clusters(Result):
    """Clusters of people, and definitions that come close to describing them.

    Attributes:
        clusters: The clusters, the largest first.
        members: The name of each person's cluster, by key; people who were left out are absent.
        population: The number of people who were looked at.
        as_of: The instant of the answer, in UTC.
        silhouettes: How much closer people are to their own cluster than to the next, from -1 to
            1, for each number of clusters that was tried.
        remarks: What was left out, and why there are no clusters.
        rates: The values of which the mean is a share: booleans.
    """

    clusters: tuple[Cluster, ...]
    members: pd.Series[Any] = field(repr=False)
    population: int
    as_of: datetime
    silhouettes: Mapping[int, float]
    remarks: tuple[str, ...]
    rates: frozenset[str] = field(default=frozenset(), repr=False)

    @cached_property
    def _formats(self) -> Mapping[str, Any]:  # type: ignore[override]
        shares = dict.fromkeys(("precision", "recall", "jaccard"), share)
        means = {f"mean {name}": partial(self._mean, name) for name in self._names}
        return {"size": number, "described": number, **shares, **means}

    def _mean(self, name: str, value: Any) -> str:
        """A mean of numbers, a share of booleans, or the middle of times."""
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d}"
        return share(value) if name in self.rates else rounded(value)

    @property
    def _names(self) -> list[str]:
        """What people were told apart by."""
        return list(self.clusters[0].means) if self.clusters else []

    @property
    def segments(self) -> dict[str, Segment]:
        """The definitions as segments, by their names: for a catalog, or for a partition."""
        return {str(each.segment.name): each.segment for each in self.clusters}

    @property
    def accuracy(self) -> float | None:
        """The share of people in clusters for whom the definitions give the right cluster."""
        both = sum(each.both for each in self.clusters)
        return both / len(self.members) if len(self.members) else None

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each cluster, the largest first."""
        rows = [
            (
                *(each.segment.name, each.size),
                *each.means.values(),
                *(each.condition, each.described, each.precision, each.recall, each.jaccard),
            )
            for each in self.clusters
        ]
        means = [f"mean {name}" for name in self._names]
        told = ["definition", "described", "precision", "recall", "jaccard"]
        return pd.DataFrame(rows, columns=["cluster", "size", *means, *told])

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the numbers say, in words."""
        return tuple(self._told())

    def _told(self) -> Iterator[str]:
        if self.accuracy is not None:
            yield f"the definitions say the right cluster of {share(self.accuracy)}"
            found = self.silhouettes[len(self.clusters)]
            clear = "" if found > _CLEAR else ": they run into each other, and may be none"
            yield f"the clusters' silhouette is {localized(found, '.2f')}{clear}"
            for each in self.clusters:
                if not each.described:
                    yield f"no definition says who is in {each.segment.name}"
            beside = sum(each.described - each.known for each in self.clusters)
            if beside:
                who = f"{localized(beside)} who were left out"
                yield f"definitions hold of {who}, by what is known of them"
        yield from self.remarks

    @property
    def _title(self) -> str:
        told = f"{plural(len(self.clusters), 'cluster')} of {localized(len(self.members))}"
        return f"{told} of {localized(self.population)}, as of {moment(self.as_of)}"

    def plot(self) -> Figure:
        """Draw how each cluster differs from all: the means, coloured by their distance.

        Raises:
            ImportError: matplotlib is not installed; the extra is `plots`.
        """
        if not self.clusters:
            return empty(self.remarks[0])
        names = self._names
        figure = new_figure(5 + 1.4 * len(names), 1.4 + 0.7 * len(self.clusters), self._title)
        axes = figure.add_subplot()
        shades = [[each.distances[name] for name in names] for each in self.clusters]
        drawn = axes.imshow(shades, cmap="RdBu_r", vmin=-3, vmax=3, aspect="auto", alpha=0.6)
        for row, each in enumerate(self.clusters):
            for place, name in enumerate(names):
                told = self._mean(name, each.means[name])
                axes.text(place, row, told, ha="center", va="center")
        conditions = labels_of((each.condition for each in self.clusters), 60)
        labels = [
            f"{each.segment.name} · {localized(each.size)}\n{condition}"
            for each, condition in zip(self.clusters, conditions, strict=True)
        ]
        axes.set_yticks(range(len(labels)), labels)
        axes.set_xticks(range(len(names)), labels_of(names, 24))
        axes.tick_params(length=0)
        bare(axes, "top", "right", "bottom", "left")
        figure.colorbar(drawn, ax=axes, label="standard deviations from all", shrink=0.9)
        return figure


_CLEAR = 0.25
"""Up to it, there is no substantial structure (Kaufman and Rousseeuw, 1990)."""


def clusters(  # noqa: PLR0913 - keywords, each of which says one thing
    of: Of,
    source: Source,
    *,
    schema: Schema | None = None,
    among: Segment | None = None,
    as_of: AsOf = None,
    n: int | None = None,
    model: str = "k-means",
    depth: int = 3,
    seed: int = 0,
) -> Clusters:
    """Find people who are alike, and definitions that come close to describing them.

    Numbers, times and booleans are standardised, so that each has the same weight. People with a
    missing value are left out. A shallow decision tree then describes each cluster in the
    language, as well as it can. No two of its definitions hold for the same person.

    Args:
        of: The values in which people must be alike: values in the language, such as names of
            attributes, or traits. None means every attribute that fits.
        source: The source of the population.
        schema: The schema of ``of``; by default that of its traits, or of ``among``.
        among: The people to look at; by default everyone.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        n: The number of clusters, from 2 to 50; by default the number from 2 to 8 with the highest
            silhouette.
        model: ``k-means``, for round clusters, or ``gaussian``, for elongated ones.
        depth: The number of cuts in a definition; more if a cluster would otherwise have none.
        seed: Where the search for clusters begins.

    Returns:
        The clusters, and how well their definitions describe them.

    Raises:
        DataError: A parameter has no value, or two people have one key.
        DefinitionError: A text in ``of`` is not a value of the schema.
        ImportError: scikit-learn is not installed; the extra is `discover`.
        UnsupportedError: The source cannot compute a construct.
        ValueError: An argument is out of its range, there is nothing to look at, or the schema is
            not known.
    """
    check_source(source)
    check_growth(depth, seed)
    if n is not None and n not in range(2, MOST + 1):
        raise ValueError(f"n must be from 2 to {MOST}, not {n}")
    if model not in ("k-means", "gaussian"):
        raise ValueError(f"model must be 'k-means' or 'gaussian', not {model!r}")
    models()
    of = of if of is None or isinstance(of, str) else list(of)
    schema = _schema(of, schema, among)
    instant = utc_of(as_of, schema)
    asked, unfit = looked_at(of, schema)
    texts = [f"{each.text} is a text" for each in asked if each.trait.dtype.kind is Kind.TEXT]
    asked = [each for each in asked if each.trait.dtype.kind is not Kind.TEXT]
    skipped = not_looked_at([*unfit, *texts])
    if not asked:
        raise ValueError("; ".join(["there is no number, time or boolean to look at", *skipped]))
    frame = values_of([each.trait for each in asked], source, among, instant)
    measured = Measured.of(asked, frame)
    why = measured.why_none(len(frame), n or 2)
    if why is not None:
        nobody = pd.Series([], index=frame.index[:0], dtype=object)
        told = (why, *measured.remarks, *skipped)
        return Clusters((), nobody, len(frame), instant, {}, told)
    groups, silhouettes = grouped(measured, n, model, seed)
    reader = Reader(schema, instant, measured.rows, 1)
    ways = described(measured, groups, frame, reader, Growth(depth, _least(groups), seed))
    apart = measured.standardised
    found = []
    for place, way in enumerate(ways):
        chosen, people = groups == place, defined(way, asked, schema)
        held = held_by(way, len(frame))
        cluster = Cluster(
            within(people, among).named(f"cluster {place + 1}"),
            people.definition,
            int(chosen.sum()),
            int(held.sum()),
            int(held[measured.rows].sum()),
            int(held[measured.rows[chosen]].sum()),
            measured.means(chosen),
            dict(zip(measured.texts, apart[chosen].mean(axis=0).tolist(), strict=True)),
        )
        found.append(cluster)
    members = pd.Series(
        [f"cluster {place + 1}" for place in groups], index=frame.index[measured.rows]
    )
    return Clusters(
        tuple(found),
        members,
        len(frame),
        instant,
        silhouettes,
        (*measured.remarks, *skipped),
        frozenset(each.text for each in asked if each.trait.dtype.kind is Kind.BOOLEAN),
    )


def _least(groups: Places) -> int:
    """How many people a cut must leave on each side: few of all, and not a whole cluster."""
    return max(1, min(len(groups) // 200, int(np.bincount(groups).min()) // 2))


def _schema(of: Of, schema: Schema | None, among: Segment | None) -> Schema:
    """What is spoken of."""
    traits = [] if of is None else [each for each in of if isinstance(each, Trait)]
    if schema is not None:
        return schema
    for each in [*traits, *([] if among is None else [among])]:
        return each.schema
    raise ValueError("the schema is not known: give schema=…")
