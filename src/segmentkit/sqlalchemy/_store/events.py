"""Who entered or left a segment in which run, as far as a consumer has not taken them over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from segmentkit.sqlalchemy._store.reading import Known
from segmentkit.sqlalchemy._store.tables import StoreTables

_AT_ONCE = 500


@frozen
class Event:
    """Somebody who entered or left.

    Attributes:
        key: The key.
        run: The number of the run that saw it.
        at: When it was run, in UTC.
        is_over: Whether it is over: who entered has left again, who left has entered again.
        is_stale: Whether the data was stale.
    """

    key: Any
    run: int
    at: datetime
    is_over: bool
    is_stale: bool


@frozen
class Span:
    """Which runs are looked at: after one, up to another.

    Attributes:
        after: The last run that a consumer has read.
        upto: The last run of which events have waited long enough.
    """

    after: int
    upto: int


def position(
    connection: sa.Connection, tables: StoreTables, segment: Known, consumer: str
) -> int | None:
    """The last run that a consumer has read; None if it never asked."""
    cursor = tables.cursor
    query = sa.select(cursor.c.run).where(
        cursor.c.consumer == consumer, cursor.c.segment_id == segment.id
    )
    found: int | None = connection.scalar(query)
    return found


def begin(connection: sa.Connection, tables: StoreTables, segment: Known, consumer: str) -> None:
    """Let a consumer begin with the last run, if it never asked."""
    if position(connection, tables, segment, consumer) is None:
        assert segment.last is not None
        told = {"consumer": consumer, "segment_id": segment.id, "run": segment.last.number - 1}
        connection.execute(sa.insert(tables.cursor).values(told))


def last_waited(
    connection: sa.Connection, tables: StoreTables, segment: Known, wait: timedelta
) -> int:
    """The last run that is at least so long before the last one; 0 if there is none."""
    assert segment.last is not None
    if not wait:
        return segment.last.number
    run, until = tables.run, segment.last.as_of.replace(tzinfo=None) - wait
    query = sa.select(sa.func.max(run.c.run)).where(
        run.c.segment_id == segment.id, run.c.as_of <= until
    )
    return connection.scalar(query) or 0


def select_events(
    tables: StoreTables, segment: Known, event: str, consumer: str, span: Span
) -> sa.Select[Any]:
    """The events of some runs, in order, that a consumer has not taken over."""
    member, past, run, handed = tables.member, tables.past, tables.run, tables.handed
    if event == "entered":
        here = sa.select(member.c.key, member.c.since_run.label("run"), sa.literal(0).label("over"))
        gone = sa.select(past.c.key, past.c.since_run.label("run"), sa.literal(1).label("over"))
        each = here.where(member.c.segment_id == segment.id).union_all(
            gone.where(past.c.segment_id == segment.id)
        )
        rows = each.subquery()
    else:
        back = sa.exists().where(member.c.segment_id == segment.id, member.c.key == past.c.key)
        over = sa.case((back, 1), else_=0).label("over")
        left = sa.select(past.c.key, past.c.left_run.label("run"), over)
        rows = left.where(past.c.segment_id == segment.id).subquery()
    is_run = sa.and_(run.c.segment_id == segment.id, run.c.run == rows.c.run)
    was_handed = sa.exists().where(
        handed.c.consumer == consumer,
        handed.c.key == rows.c.key,
        handed.c.run == rows.c.run,
        handed.c.segment_id == segment.id,
    )
    query = sa.select(rows.c.key, rows.c.run, rows.c.over, run.c.as_of, run.c.stale)
    return (
        query.join_from(rows, run, is_run)
        .where(
            run.c.cause == "data",
            rows.c.run > span.after,
            rows.c.run <= span.upto,
            sa.not_(was_handed),
        )
        .order_by(rows.c.run, rows.c.key)
    )


def events(
    connection: sa.Connection, query: sa.Select[Any], last: Event | None, most: int
) -> list[Event]:
    """Some events of a query, after the last that was looked at."""
    key, run = query.selected_columns[0], query.selected_columns[1]
    if last is not None:
        later = sa.or_(run > last.run, sa.and_(run == last.run, key > last.key))
        query = query.where(later)
    return [
        Event(row.key, row.run, row.as_of.replace(tzinfo=UTC), bool(row.over), bool(row.stale))
        for row in connection.execute(query.limit(most))
    ]


def handed_before(
    connection: sa.Connection, tables: StoreTables, consumer: str, keys: Sequence[Any]
) -> dict[Any, datetime]:
    """When people were last handed over to a consumer, in UTC."""
    handed = tables.handed
    query = (
        sa.select(handed.c.key, sa.func.max(handed.c.at))
        .where(handed.c.consumer == consumer, handed.c.key.in_(keys))
        .group_by(handed.c.key)
    )
    rows = connection.execute(query)
    return {key: at.replace(tzinfo=UTC) for key, at in rows}


def acknowledge(
    connection: sa.Connection,
    tables: StoreTables,
    segment: Known,
    consumer: str,
    taken: Iterable[tuple[Any, int]],
    at: datetime,
    upto: int | None = None,
) -> int:
    """Keep that a consumer has taken over people; how many it had not taken over before.

    Args:
        connection: A transaction in which nobody else writes.
        tables: The tables.
        segment: The segment.
        consumer: The consumer.
        taken: The keys, each with the run that saw the event.
        at: When, naive, in UTC.
        upto: The run up to which everything was read, if that is known.
    """
    handed, cursor = tables.handed, tables.cursor
    pairs = list(dict.fromkeys(taken))
    count = 0
    for start in range(0, len(pairs), _AT_ONCE):
        portion = pairs[start : start + _AT_ONCE]
        keys = [key for key, _ in portion]
        query = sa.select(handed.c.key, handed.c.run).where(
            handed.c.consumer == consumer,
            handed.c.segment_id == segment.id,
            handed.c.key.in_(keys),
        )
        known = {(key, run) for key, run in connection.execute(query)}
        new = [
            {"consumer": consumer, "segment_id": segment.id, "key": key, "run": run, "at": at}
            for key, run in portion
            if (key, run) not in known
        ]
        if new:
            connection.execute(sa.insert(handed), new)
        count += len(new)
    if upto is not None:
        here = sa.and_(cursor.c.consumer == consumer, cursor.c.segment_id == segment.id)
        move = sa.update(cursor).where(here, cursor.c.run < upto).values(run=upto)
        connection.execute(move)
    return count
