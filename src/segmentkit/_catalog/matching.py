"""Many segments of one schema → one function of a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from segmentkit._record.compile_many import compile_many
from segmentkit.errors import UnsupportedError
from segmentkit.extension import Target
from segmentkit.schema import Schema
from segmentkit.segment import Segment, bound_condition

Matcher: TypeAlias = Callable[[Mapping[str, Any]], tuple[str, ...]]


def compiled(segments: Mapping[str, Segment], schema: Schema, instant: datetime) -> Matcher:
    """A function that finds the names of the segments that a record is in.

    Raises:
        DataError: A parameter has no value.
        UnsupportedError: The answer of a segment depends on other records; names it.
    """
    for name, segment in segments.items():
        try:
            segment._refuse_others()
        except UnsupportedError as error:
            raise UnsupportedError(f"segment {name!r}: {error}") from None
    conditions = {
        name: bound_condition(segment, instant, Target.RECORD) for name, segment in segments.items()
    }
    names = {id(segment): name for name, segment in segments.items()}
    references = {
        name: [names[id(each)] for each in segment.references.values() if id(each) in names]
        for name, segment in segments.items()
    }
    return compile_many(conditions, schema, references)
