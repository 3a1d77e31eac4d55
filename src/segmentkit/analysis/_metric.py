"""One metric of several groups: how many have it, its sum, and its spread."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd
from attrs import frozen

from segmentkit._diagnostics.languages import localized
from segmentkit.analysis._comparands import (
    Scale,
    countable,
    meant,
    meeting,
    missing_of,
    sample_of,
    scale_of,
    today_of,
)
from segmentkit.analysis._statistics import LARGEST, Sample
from segmentkit.analysis._units import mixed_units
from segmentkit.dtypes import Kind
from segmentkit.errors import DataError, SchemaError
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.source import Source
from segmentkit.trait import Trait


@frozen
class Measured:
    """A metric of groups, by their labels.

    Attributes:
        sizes: How many are in each.
        samples: The numbers of those of whom it is known; of a rate, ones and zeros.
        remarks: What was left out.
    """

    sizes: Mapping[str, int]
    samples: Mapping[str, Sample]
    remarks: tuple[str, ...] = ()


@frozen
class Metric:
    """What is measured.

    Attributes:
        asked: A trait, or a segment whose rate is taken.
        name: What to call it.
        scale: Shares, means, or means of days ago.
    """

    asked: Trait | Segment
    name: str
    scale: Scale

    @classmethod
    def of(cls, asked: Trait | Segment | str, schema: Schema) -> Metric:
        """A trait, a segment, or a value or condition in the language as a metric.

        Raises:
            DefinitionError: It is neither a value nor a condition of the schema.
            SchemaError: It is of another schema, or a text.
        """
        name = None
        if isinstance(asked, str):
            name, asked = asked, meant(asked, schema, {}, "the metric")
        if asked.schema != schema:
            raise SchemaError("the metric is of another schema than the segments")
        if isinstance(asked, Segment):
            return cls(asked, asked.name or asked.definition, Scale.CATEGORY)
        name = name or str(asked.name)
        if asked.dtype.kind is Kind.TEXT:
            raise SchemaError(
                f"{name} is text, which has no mean: take the rate of a segment, as in "
                f'Segment.define("so", \'{asked.source} = "…"\', schema)'
            )
        if asked.dtype.is_duration:
            return cls(countable(asked), f"{name} (days)", Scale.NUMBER)
        scale = scale_of(asked.dtype)
        return cls(asked, f"{name}{' (days ago)' if scale is Scale.AGE else ''}", scale)

    @property
    def is_rate(self) -> bool:
        """Whether it is a rate, and not a mean."""
        return self.scale is Scale.CATEGORY

    def measured(
        self, groups: Mapping[str, Segment], source: Source, instant: datetime, *, mixed: bool
    ) -> Measured:
        """Measure groups, who have nobody in common.

        Raises:
            DataError: Amounts are of several units, and that is not allowed as ``mixed``.
        """
        if isinstance(self.asked, Segment):
            return _of_segment(self.asked, groups, source, instant)
        several = None if mixed else mixed_units(self.asked, source, groups, instant)
        if several is not None:
            raise DataError(
                f'{several}; choose one, as in sum(orders.amount where currency = "EUR"), or '
                "allow it by mixed=True"
            )
        (tally,) = source.tally([countable(self.asked)], groups, as_of=instant).values()
        if self.is_rate:
            return _of_truth(tally)
        today = today_of(instant, self.asked.schema.zone)
        samples = {label: sample_of(tally, label, self.scale, today) for label in groups}
        sizes = {label: int(tally[label].sum()) for label in groups}
        known = sum(sizes.values()) - sum(missing_of(tally).values())
        infinite = known - sum(sample.size for sample in samples.values())
        told = f"infinite, or beyond {LARGEST:g}, of {localized(infinite)}, who count as missing"
        remarks = (told,) if infinite else ()
        return Measured(sizes, samples, remarks)


def _of_segment(
    asked: Segment, groups: Mapping[str, Segment], source: Source, instant: datetime
) -> Measured:
    every = {f"group {place}": group for place, group in enumerate(groups.values())}
    every |= {f"held {place}": meeting([g, asked]) for place, g in enumerate(groups.values())}
    counts = source.sizes(every, as_of=instant)
    sizes = {label: counts[f"group {place}"] for place, label in enumerate(groups)}
    held = {label: counts[f"held {place}"] for place, label in enumerate(groups)}
    return Measured(sizes, {n: Sample.of([1, 0], [held[n], sizes[n] - held[n]]) for n in groups})


def _of_truth(tally: pd.DataFrame) -> Measured:
    known = tally[tally.index.notna()]
    values = [int(value) for value in known.index.tolist()]
    sizes = {str(label): int(tally[label].sum()) for label in tally}
    return Measured(sizes, {n: Sample.of(values, known[n].tolist()) for n in sizes})
