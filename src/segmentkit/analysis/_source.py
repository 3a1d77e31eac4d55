"""What an analysis asks of wherever the data is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import pandas as pd

from segmentkit._defined import AsOf
from segmentkit.segment import Segment
from segmentkit.trait import Trait


class Counts(Protocol):
    """How many members segments have, and how many there are in all."""

    @property
    def population(self) -> int: ...

    def __getitem__(self, name: str, /) -> int: ...


class Keyed(Protocol):
    """Everyone by key, and one boolean column a segment."""

    @property
    def frame(self) -> pd.DataFrame: ...


class Source(Protocol):
    """Where segments are asked about: a database, data frames, Spark."""

    def evaluate(self, segments: Mapping[str, Segment], *, as_of: AsOf = None) -> Keyed:
        """Say of everyone which segments they are in."""
        ...

    def sizes(self, segments: Mapping[str, Segment], *, as_of: AsOf = None) -> Counts:
        """Count members, where the data is."""
        ...

    def values(
        self, traits: Iterable[Trait], *, of: Segment | None = None, as_of: AsOf = None
    ) -> Any:
        """The values of traits as columns of a data frame, by key."""
        ...
