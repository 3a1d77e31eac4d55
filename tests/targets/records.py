"""One record at a time, in plain Python: what every other target is compared with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from segmentkit import Partition, Schema, Segment, Trait
from tests.conformance_cases import Tables, records
from tests.targets.target import Target


def _members(segment: Segment, tables: Tables, as_of: datetime) -> list[Any]:
    matches = segment.matcher(as_of=as_of)
    return [key for key, is_in in _each(matches, segment.schema, tables).items() if is_in]


def _values(trait: Trait, tables: Tables, as_of: datetime) -> dict[Any, Any]:
    return _each(trait.calculator(as_of=as_of), trait.schema, tables)


def _labels(partition: Partition, tables: Tables, as_of: datetime) -> dict[Any, str]:
    return _each(partition.labeller(as_of=as_of), partition.schema, tables)


def _each(answer: Callable[..., Any], schema: Schema, tables: Tables) -> dict[Any, Any]:
    """What a function says of each record, by key."""
    entity = schema.entity
    found = zip(tables[entity.table], records(schema, tables), strict=True)
    return {row[entity.key]: answer(record) for row, record in found}


TARGETS = [Target("record", "record", _members, values=_values, labels=_labels)]
