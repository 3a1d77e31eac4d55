"""The targets, behind one call: a segment, rows and an instant in; the members' keys out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.pool import StaticPool

from segmentkit import Segment
from segmentkit.sqlalchemy import members, prepare, tables_from
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


def _by_sqlite(segment: Segment, tables: Tables, as_of: datetime) -> list[Any]:
    engine = prepare(sa.create_engine("sqlite://", poolclass=StaticPool))
    metadata = tables_from(segment.schema)
    metadata.create_all(engine)
    root = metadata.tables[segment.schema.entity.table]
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if rows := tables[table.name]:
                connection.execute(table.insert(), rows)
        found = list(connection.scalars(members(segment, root, as_of=as_of)))
    engine.dispose()
    return found


TARGETS = [Target("record", _by_record), Target("sqlite", _by_sqlite)]
