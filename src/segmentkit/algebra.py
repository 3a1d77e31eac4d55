"""The named operations on sets: what ``& | - ~`` do, over any number of segments."""

from __future__ import annotations

from segmentkit._language import syntax as t
from segmentkit.segment import Segment, complement, junction

__all__ = ["complement", "difference", "intersection", "union"]


def _chained(name: str | None, segments: tuple[Segment, ...], kind: type[t.And | t.Or]) -> Segment:
    if not segments:
        raise ValueError("give at least one segment")
    if len(segments) == 1:
        return segments[0].named(name)
    return junction(name, kind, list(segments))


def union(name: str | None, *segments: Segment) -> Segment:
    """Everyone who is in any of the segments.

    Args:
        name: The name of the result.
        *segments: One or more, of one schema.

    Returns:
        The union; with one segment, the same set under the new name.

    Raises:
        SchemaError: The segments are of different schemas.
        ValueError: You gave none.
    """
    return _chained(name, segments, t.Or)


def intersection(name: str | None, *segments: Segment) -> Segment:
    """Everyone who is in all of the segments.

    Args:
        name: The name of the result.
        *segments: One or more, of one schema.

    Returns:
        The intersection; with one segment, the same set under the new name.

    Raises:
        SchemaError: The segments are of different schemas.
        ValueError: You gave none.
    """
    return _chained(name, segments, t.And)


def difference(name: str | None, segment: Segment, *others: Segment) -> Segment:
    """Everyone who is in the first segment and in none of the others.

    Args:
        name: The name of the result.
        segment: The segment to start with.
        *others: The segments to leave out.

    Returns:
        The difference.

    Raises:
        SchemaError: The segments are of different schemas.
    """
    if not others:
        return segment.named(name)
    return junction(name, t.And, [segment, *(~other for other in others)])
