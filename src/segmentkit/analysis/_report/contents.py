"""The contents of a report: results, independent of how they look."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import define, frozen

from segmentkit._checking.binding import Given
from segmentkit.analysis._attrition import Attrition
from segmentkit.analysis._freshness import Freshness
from segmentkit.analysis._goals.outcome import Outcome
from segmentkit.analysis._missing_data import Coverage, Gaps
from segmentkit.analysis._overlap import Overlap
from segmentkit.analysis._profile import Profile
from segmentkit.errors import Problem, SegmentkitError
from segmentkit.partition import Audit, Partition
from segmentkit.runs import Run
from segmentkit.schema import Schema
from segmentkit.segment import Segment


@frozen
class Chapter:
    """The part of a report about one segment.

    Attributes:
        name: Its name in the catalog.
        segment: The segment as it is written, with its parameters.
        parameters: The values that its parameters have in the catalog.
        version: A fingerprint of everything that the definition depends on.
        size: The number of members; None if it is broken.
        attrition: Who is left after each clause; None if there is only one, or it is broken.
        gaps: Whom missing data affects; None if that cannot be computed.
        profile: What sets its members apart; None if you did not ask for it, or it cannot be
            computed.
        trouble: What could not be computed, and why, in words.
    """

    name: str
    segment: Segment
    parameters: Mapping[str, Given]
    version: str
    size: int | None
    attrition: Attrition | None
    gaps: Gaps | None
    profile: Profile | None
    trouble: tuple[str, ...]


@define(frozen=True, slots=False)
class Contents:
    """The results that a report shows.

    Attributes:
        title: The title of the page.
        schema: The schema of the segments.
        population: The number of everyone.
        as_of: The instant of the answer, in UTC.
        chapters: The segments, in the order of the catalog.
        overlap: How they overlap; None if none of them can be computed.
        partitions: The partitions, each with its audit, or with the reason why there is none.
        coverage: How much is known of the population; None if that cannot be computed.
        problems: The mistakes of definitions that were left out of the catalog.
        freshness: Whether the tables that segments read are fresh; None if the schema has no
            thresholds.
        runs: What a store has kept of the segments, old to new.
        goals: The goals that have begun, each with its outcome, or with the reason why there is
            none.
    """

    title: str
    schema: Schema
    population: int
    as_of: datetime
    chapters: tuple[Chapter, ...]
    overlap: Overlap | None
    partitions: tuple[tuple[Partition, Audit | SegmentkitError], ...]
    coverage: Coverage | None
    problems: tuple[Problem, ...]
    freshness: Freshness | None = None
    runs: tuple[Run, ...] = ()
    goals: tuple[tuple[str, Outcome | str], ...] = ()

    @property
    def broken(self) -> Mapping[str, str]:
        """The segments that could not be computed, and why."""
        return {each.name: each.trouble[0] for each in self.chapters if each.size is None}
