"""Segments of data frames: the same members that SQL and single records give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from segmentkit._defined import AsOf, instant_of
from segmentkit.pandas._compile import evaluate
from segmentkit.pandas._frames import Frames, Source
from segmentkit.pandas._schema import schema_from
from segmentkit.pandas._vectors import Mask
from segmentkit.segment import Segment, bound_condition

__all__ = ["mask", "members", "schema_from"]


def mask(segment: Segment, frames: Frames, *, as_of: AsOf = None) -> pd.Series[bool]:
    """Say of every row of the entity's frame whether it is in a segment.

    Args:
        segment: Whom to select.
        frames: The frames by the names of the entities' tables, of any dtypes that fit the
            schema's types; or the entity's frame, where no other is needed. They are not changed.
        as_of: The instant to ask about; by default now. Without a zone, in the schema's.

    Returns:
        True and False, on the index of the entity's frame and named like the segment;
        ``attrs["as_of"]`` is the instant. Its complement is ``~``.

    Raises:
        DataError: A frame or column is not there or not what the schema says, a key is not
            unique where rows are found by it, or a parameter of the segment has no value.
        UnsupportedError: Frames cannot compute a construct.

    Example:
        >>> import pandas as pd
        >>> people = pd.DataFrame({"id": [7, 8, 9], "age": [17, 30, None]}, index=["a", "b", "c"])
        >>> shop = schema_from(people, "people", keys={"people": "id"})
        >>> mask(Segment.define("not a minor", "not (age < 18)", shop), people)
        a    False
        b     True
        c     True
        Name: not a minor, dtype: bool
    """
    source = Source(frames, segment.schema)
    index = source.frame(segment.schema.entity).index
    found, instant = _answer(segment, source, as_of)
    series = pd.Series(found, index=index, name=segment.name)
    series.attrs = {"as_of": instant}
    return series


def members(segment: Segment, frames: Frames, *, as_of: AsOf = None) -> pd.Series[Any]:
    """The keys of a segment's members.

    Args:
        segment: Whom to select.
        frames: The frames by the names of the entities' tables; or the entity's.
        as_of: The instant to ask about; by default now. Without a zone, in the schema's.

    Returns:
        The values of the key's column in the members' rows, with their index and in their order;
        ``attrs["as_of"]`` is the instant.

    Raises:
        DataError: A frame or column is not there or not what the schema says, a key is not
            unique where rows are found by it, or a parameter of the segment has no value.
        UnsupportedError: Frames cannot compute a construct.

    Example:
        >>> import pandas as pd
        >>> people = pd.DataFrame({"id": [7, 8, 9]})
        >>> visits = pd.DataFrame({"person": [9, 7, 9]})
        >>> site = schema_from(
        ...     {"people": people, "visits": visits},
        ...     "people",
        ...     keys={"people": "id"},
        ...     relations={"visits": "person"},
        ... )
        >>> frequent = Segment.define("frequent", "count(visits) > 1", site)
        >>> members(frequent, {"people": people, "visits": visits}).tolist()
        [9]
    """
    source = Source(frames, segment.schema)
    entity = segment.schema.entity
    assert entity.key is not None
    keys = source.series(entity, entity.key)
    found, instant = _answer(segment, source, as_of)
    chosen = keys[found]
    chosen.attrs = {**chosen.attrs, "as_of": instant}
    return chosen


def _answer(segment: Segment, source: Source, as_of: AsOf) -> tuple[Mask, datetime]:
    instant = instant_of(as_of, segment.schema)
    found = evaluate(bound_condition(segment, instant), source)
    return found, instant.replace(tzinfo=UTC)
