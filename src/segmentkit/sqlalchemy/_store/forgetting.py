"""What a store forgets: people, and stays that ended long ago."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from segmentkit._definition import AsOf
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit.errors import DataError
from segmentkit.sqlalchemy._store.reading import known, select_ids
from segmentkit.sqlalchemy._store.tables import StoreTables

_AT_ONCE = 500


def erase(connection: sa.Connection, tables: StoreTables, keys: Sequence[Any]) -> dict[str, int]:
    """Forget people.

    Returns:
        The consumers that were told of some of them, each with how many.
    """
    told: dict[str, set[Any]] = {}
    handed = tables.handed
    # All that ever took somebody over, whether they still ask or not.
    consumers = list(connection.scalars(sa.select(handed.c.consumer).distinct()))
    ids = [number for (number,) in connection.execute(select_ids(tables))]
    for portion in _portions(keys):
        # The key follows the consumer, and the segment, in the order of the rows.
        taken = sa.and_(handed.c.consumer.in_(consumers), handed.c.key.in_(portion))
        query = sa.select(handed.c.consumer, handed.c.key).distinct()
        for consumer, key in connection.execute(query.where(taken)):
            told.setdefault(consumer, set()).add(key)
        connection.execute(sa.delete(handed).where(taken))
        for rows in (tables.member, tables.past):
            who = sa.and_(rows.c.segment_id.in_(ids), rows.c.key.in_(portion))
            connection.execute(sa.delete(rows).where(who))
    return {consumer: len(keys) for consumer, keys in sorted(told.items())}


def _portions(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE))


def retire(connection: sa.Connection, tables: StoreTables, consumer: str) -> int:
    """End a hand-over: nothing waits for it any more.

    Returns:
        How many people it was told of.

    Raises:
        DataError: It never asked.
    """
    cursor, handed = tables.cursor, tables.handed
    known = set(connection.scalars(sa.select(cursor.c.consumer).distinct()))
    if consumer not in known:
        hint = did_you_mean(consumer, known)
        raise DataError(
            f"hand-over {consumer!r} has never been pulled here, or is retired already"
            + (f"; {hint}" if hint else "")
        )
    connection.execute(sa.delete(cursor).where(cursor.c.consumer == consumer))
    people = sa.select(sa.func.count(handed.c.key.distinct())).where(handed.c.consumer == consumer)
    return connection.scalar(people) or 0


def prune(connection: sa.Connection, tables: StoreTables, before: AsOf) -> int:
    """Forget stays that had ended before an instant, unless a consumer has yet to read them.

    Returns:
        How many.
    """
    run, past, cursor = tables.run, tables.past, tables.cursor
    pruned = 0
    for segment in known(connection, tables).values():
        ended = sa.select(sa.func.max(run.c.run)).where(
            run.c.segment_id == segment.id, run.c.as_of < segment.instant(before)
        )
        read = sa.select(sa.func.min(cursor.c.run)).where(cursor.c.segment_id == segment.id)
        limits = [connection.scalar(query) for query in (ended, read)]
        last = 0 if limits[0] is None else min(each for each in limits if each is not None)
        old = sa.and_(past.c.segment_id == segment.id, past.c.left_run <= last)
        count = connection.scalar(sa.select(sa.func.count()).select_from(past).where(old))
        if not count:
            continue
        pruned += count
        connection.execute(sa.delete(past).where(old))
        of = tables.segment
        if last > segment.known_from:
            change = sa.update(of).where(of.c.id == segment.id).values(known_from=last)
            connection.execute(change)
    return pruned
