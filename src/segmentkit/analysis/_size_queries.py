"""Requests for sizes of segments; several of them run in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from attrs import frozen

from segmentkit.evaluation import Sizes
from segmentkit.segment import Segment
from segmentkit.source import Source

_T = TypeVar("_T")


@frozen
class Counting(Generic[_T]):
    """An analysis that needs nothing but sizes.

    Attributes:
        asked: The segments to count, by names of its own.
        read: Makes the result of their sizes and the instant in UTC.
    """

    asked: Mapping[str, Segment]
    read: Callable[[Sizes, datetime], _T]

    def of(self, source: Source, at: datetime) -> _T:
        """Ask a source."""
        return self.read(source.sizes(self.asked, as_of=at), at)


def answered(countings: Sequence[Counting[Any]], source: Source, at: datetime) -> tuple[Any, ...]:
    """Ask a source for several in one pass.

    Args:
        countings: What to ask.
        source: Whom.
        at: As of when, in UTC.

    Returns:
        Their results in order; of one that the source cannot compute, the error.
    """
    asked = {
        f"{place} {name}": segment
        for place, each in enumerate(countings)
        for name, segment in each.asked.items()
    }
    if not asked:
        return ()
    sizes = source.sizes(asked, as_of=at, skip_broken=True)
    return tuple(_read(each, f"{place} ", sizes, at) for place, each in enumerate(countings))


def _read(counting: Counting[Any], before: str, sizes: Sizes, at: datetime) -> Any:
    names = {name: before + name for name in counting.asked}
    broken = [sizes.broken[full] for full in names.values() if full in sizes.broken]
    if broken:
        return broken[0]
    counts = {name: sizes[full] for name, full in names.items()}
    return counting.read(Sizes(counts, sizes.population, at), at)
