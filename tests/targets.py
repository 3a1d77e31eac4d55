"""The targets, behind one call: a segment, rows and an instant in; the members' keys out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import frozen

from segmentkit import Segment
from tests.conformance_cases import Tables, records


@frozen
class Target:
    """One way to answer."""

    name: str
    members: Callable[[Segment, Tables, datetime], list[Any]]


def _by_record(segment: Segment, tables: Tables, as_of: datetime) -> list[Any]:
    entity = segment.schema.entity
    matches = segment.matcher(as_of=as_of)
    rows = tables[entity.table]
    found = zip(rows, records(segment.schema, tables), strict=True)
    return [row[entity.key] for row, record in found if matches(record)]


TARGETS = [Target("record", _by_record)]
