"""Segments of data frames: the same members that SQL and single records give."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from segmentkit.pandas._compile import evaluate
from segmentkit.pandas._frames import Frames, Source
from segmentkit.pandas._vectors import Mask
from segmentkit.segment import Segment, bound_condition, instant_of

__all__ = ["mask", "members"]


def mask(
    segment: Segment, frames: Frames, *, as_of: datetime | date | None = None
) -> pd.Series[bool]:
    """Say of every customer whether they are in a segment."""
    source = Source(frames, segment.schema)
    found, instant = _answer(segment, source, as_of)
    series = pd.Series(found, index=source.frame(segment.schema.entity).index, name=segment.name)
    series.attrs["as_of"] = instant
    return series


def members(
    segment: Segment, frames: Frames, *, as_of: datetime | date | None = None
) -> pd.Series[Any]:
    """The keys of the customers who are in a segment."""
    source = Source(frames, segment.schema)
    entity = segment.schema.entity
    assert entity.key is not None
    keys = source.series(entity, entity.key)
    found, instant = _answer(segment, source, as_of)
    chosen = keys[found]
    chosen.attrs["as_of"] = instant
    return chosen


def _answer(
    segment: Segment, source: Source, as_of: datetime | date | None
) -> tuple[Mask, datetime]:
    instant = instant_of(as_of, segment.schema)
    found = evaluate(bound_condition(segment, instant), source)
    return found, instant.replace(tzinfo=UTC)
