"""One record at a time, in plain Python: what every other target is compared with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from segmentkit import Segment
from tests.conformance_cases import Tables, records
from tests.targets.target import Target


def _members(segment: Segment, tables: Tables, as_of: datetime) -> list[Any]:
    entity = segment.schema.entity
    matches = segment.matcher(as_of=as_of)
    rows = tables[entity.table]
    found = zip(rows, records(segment.schema, tables), strict=True)
    return [row[entity.key] for row, record in found if matches(record)]


TARGETS = [Target("record", "record", _members)]
