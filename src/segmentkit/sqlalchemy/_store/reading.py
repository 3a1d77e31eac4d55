"""What a store knows: the last runs, who was in at an instant, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from attrs import frozen

from segmentkit._definition import AsOf, instant_in
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit.errors import DataError
from segmentkit.runs import Run, Stay
from segmentkit.sqlalchemy._store.tables import StoreTables


@frozen
class Known:
    """A segment of a store.

    Attributes:
        id: Its number.
        name: Its name.
        time_zone: The zone of its schema.
        known_from: The first run of which it is known who was in.
        last: Its last run, if it had one.
        definition: What was run then.
    """

    id: int
    name: str
    time_zone: str
    known_from: int
    last: Run | None
    definition: str

    def instant(self, as_of: AsOf) -> datetime:
        """The instant that a caller gives, naive, in UTC; without a zone, it is in the schema's."""
        return instant_in(as_of, ZoneInfo(self.time_zone))


def run_of(name: str, row: Any) -> Run:
    """A run, from its row."""
    at = row.as_of.replace(tzinfo=UTC)
    counts = row.size, row.entered, row.left_count
    return Run(name, *counts, row.cause, at, row.run, row.version, bool(row.stale))


def known(connection: sa.Connection, tables: StoreTables) -> dict[str, Known]:
    """The segments, by name, each with its last run."""
    segment, run = tables.segment, tables.run
    last = sa.select(run.c.segment_id, sa.func.max(run.c.run).label("run"))
    last_run = last.group_by(run.c.segment_id).subquery()
    of_last = sa.and_(run.c.segment_id == last_run.c.segment_id, run.c.run == last_run.c.run)
    rows = run.join(last_run, of_last)
    query = sa.select(segment, run).select_from(
        segment.outerjoin(rows, run.c.segment_id == segment.c.id)
    )
    return {
        row.name: Known(
            row.id,
            row.name,
            row.time_zone,
            row.known_from,
            None if row.run is None else run_of(row.name, row),
            row.definition or "",
        )
        for row in connection.execute(query)
    }


def the_segment(connection: sa.Connection, tables: StoreTables, name: str) -> Known:
    """A segment, by its name.

    Raises:
        DataError: It has never been run.
    """
    found = known(connection, tables)
    if name in found and found[name].last is not None:
        return found[name]
    hint = did_you_mean(name, found)
    raise DataError(
        f"segment {name!r} was never run here" + (f"; {hint}" if hint else ": call run(catalog)")
    )


def run_at(
    connection: sa.Connection, tables: StoreTables, segment: Known, instant: datetime
) -> Run:
    """The last run of a segment that was not after an instant.

    Raises:
        DataError: There was none, or of that one it is no longer known who was in.
    """
    run = tables.run
    query = sa.select(run).where(run.c.segment_id == segment.id, run.c.as_of <= instant)
    row = connection.execute(query.order_by(run.c.run.desc()).limit(1)).first()
    at = instant.replace(tzinfo=UTC).isoformat()
    if row is None:
        first = sa.select(sa.func.min(run.c.as_of)).where(run.c.segment_id == segment.id)
        begun = connection.scalar(first).replace(tzinfo=UTC).isoformat()
        raise DataError(f"segment {segment.name!r} was first run as of {begun}, after {at}")
    if row.run < segment.known_from:
        raise DataError(
            f"who was in segment {segment.name!r} as of {at} is no longer known: stays that had "
            "ended were pruned"
        )
    return run_of(segment.name, row)


def keys_at(
    tables: StoreTables, segment: Known, number: int
) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """The keys of those who were in a segment at a run."""
    member, past = tables.member, tables.past
    now = sa.select(member.c.key).where(
        member.c.segment_id == segment.id, member.c.since_run <= number
    )
    assert segment.last is not None
    if number == segment.last.number:
        return now
    then = sa.select(past.c.key).where(
        past.c.segment_id == segment.id, past.c.since_run <= number, past.c.left_run > number
    )
    return now.union_all(then)


def stays_of(
    connection: sa.Connection, tables: StoreTables, key: Any, name: str | None = None
) -> list[Stay]:
    """When somebody was in which segments, in order.

    Args:
        connection: What is asked.
        tables: The tables.
        key: The key of the person.
        name: The only segment to look at.
    """
    segment = tables.segment
    ids = select_ids(tables)
    if name is not None:
        ids = sa.select(segment.c.id).where(segment.c.name == name)
    entered, left = tables.run.alias("entered"), tables.run.alias("gone")
    member, past = tables.member, tables.past
    found: list[Stay] = []
    columns = segment.c.name, entered.c.as_of.label("entered_at"), entered.c.cause, entered.c.stale
    for rows, *end in (
        (member, sa.null(), sa.null(), sa.null()),
        (past, left.c.as_of, left.c.cause, left.c.stale),
    ):
        here = rows.join(segment, segment.c.id == rows.c.segment_id).join(
            entered, _is_run(entered, rows, rows.c.since_run)
        )
        if rows is past:
            here = here.join(left, _is_run(left, rows, rows.c.left_run))
        names = "left_at", "why", "of_stale"
        ends = (each.label(name) for each, name in zip(end, names, strict=True))
        query = sa.select(*columns, *ends).select_from(here)
        # The key follows the segment in the order of the rows.
        query = query.where(rows.c.segment_id.in_(ids), rows.c.key == key)
        found += map(_stay, connection.execute(query))
    return sorted(found, key=lambda each: (each.entered_at, each.segment))


def select_ids(tables: StoreTables) -> sa.Select[Any]:
    """The numbers of all segments: the key of a person is found by an index after one of them."""
    return sa.select(tables.segment.c.id)


def _is_run(run: Any, rows: sa.Table, number: Any) -> sa.ColumnElement[bool]:
    return sa.and_(run.c.segment_id == rows.c.segment_id, run.c.run == number)


def _stay(row: Any) -> Stay:
    left = row.left_at
    return Stay(
        row.name,
        row.entered_at.replace(tzinfo=UTC),
        None if left is None else left.replace(tzinfo=UTC),
        row.cause == "data" and not row.stale,
        row.why == "data" and not row.of_stale,
    )


def history_rows(
    connection: sa.Connection, tables: StoreTables, names: frozenset[str] | None
) -> list[Run]:
    """All runs, in order."""
    segment, run = tables.segment, tables.run
    query = (
        sa.select(segment.c.name, run)
        .select_from(segment.join(run, run.c.segment_id == segment.c.id))
        .order_by(run.c.as_of, segment.c.id, run.c.run)
    )
    found = [run_of(row.name, row) for row in connection.execute(query)]
    return [each for each in found if names is None or each.segment in names]
