"""Who entered a segment, and when first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from segmentkit.sqlalchemy._store.reading import Known
from segmentkit.sqlalchemy._store.tables import StoreTables


def select_entries(
    tables: StoreTables, segment: Known, since: datetime | None, until: datetime | None
) -> sa.Select[Any]:
    """The key and the first entry of everyone who was seen to enter.

    Entries that only a first run or a new definition has found, and those of stale data, are none.

    Args:
        tables: The tables.
        segment: The segment.
        since: The earliest instant, naive, in UTC; None for any.
        until: The instant before which they entered; None for any.
    """
    run = tables.run
    stays = [
        sa.select(rows.c.key, rows.c.since_run).where(rows.c.segment_id == segment.id)
        for rows in (tables.member, tables.past)
    ]
    each = sa.union_all(*stays).subquery()
    tests = [run.c.segment_id == segment.id, run.c.cause == "data", run.c.stale == sa.false()]
    tests += [] if since is None else [run.c.as_of >= since]
    tests += [] if until is None else [run.c.as_of < until]
    found = sa.select(each.c.key, sa.func.min(run.c.as_of).label("entered_at"))
    return (
        found.join_from(each, run, run.c.run == each.c.since_run).where(*tests).group_by(each.c.key)
    )
