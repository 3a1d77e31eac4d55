"""Runs of a store in processes that are killed: ``python -m tests.store_killer URL EVERY``.

Forks while it has opened nothing itself, so that no process shares a connection.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from segmentkit import Segment
from segmentkit.sqlalchemy import Store, schema_from

PEOPLE = sa.Table(
    "people",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("age", sa.Integer),
)
SCHEMA = schema_from(PEOPLE)
FIRST, SECOND = (datetime(2026, 5, day, tzinfo=UTC) for day in (1, 2))


def segments(limit: int) -> dict[str, Segment]:
    """Two segments, of which one is defined otherwise with another limit."""
    texts = {"grown": f"age >= {limit}", "young": "age < 10"}
    return {name: Segment.define(name, text, SCHEMA) for name, text in texts.items()}


def begin(engine: sa.Engine, store: Store) -> None:
    """Ten people and a first run; then they are all older."""
    PEOPLE.create(engine)
    store.create()
    with engine.begin() as connection:
        connection.execute(PEOPLE.insert(), [{"id": n, "age": n} for n in range(5, 15)])
    store.run(segments(12), as_of=FIRST)
    with engine.begin() as connection:
        connection.execute(PEOPLE.update().values(age=PEOPLE.c.age + 2))


def rows(store: Store, engine: sa.Engine) -> Any:
    """All that the store's tables hold."""
    with engine.connect() as connection:
        tables = store.metadata.tables.values()
        return [sorted(connection.execute(sa.select(each)).all(), key=repr) for each in tables]


def in_a_fork(url: str, work: Callable[[sa.Engine, Store], None]) -> bool:
    """Work in a process of its own; whether it lived to the end."""
    child = os.fork()
    if not child:
        engine = sa.create_engine(url, poolclass=NullPool)
        work(engine, Store(engine, PEOPLE))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    if status:
        sys.exit("a process failed")
    return True


def killed_at(place: int) -> Callable[[sa.Engine, Store], None]:
    """A run that is killed before a statement, or before the end of the transaction."""

    def work(engine: sa.Engine, store: Store) -> None:
        seen = 0

        def count(*_: Any, **__: Any) -> None:
            nonlocal seen
            seen += 1
            if seen == place:
                os.kill(os.getpid(), signal.SIGKILL)

        sa.event.listen(engine, "before_cursor_execute", count)
        sa.event.listen(engine, "commit", count)
        store.run(segments(11), as_of=SECOND)

    return work


def unchanged(engine: sa.Engine, store: Store) -> None:
    """Nothing is there but the first run, and no table is left behind."""
    found = rows(store, engine)
    assert [row.as_of for row in found[1]] == [FIRST.replace(tzinfo=None)] * 2, found
    assert [(r.key, r.since_run) for r in found[2]] == EXPECTED_FIRST, found
    assert not found[3], found


# As (segment, key, run): 5 to 9 are young, and 12 to 14 are grown.
EXPECTED_FIRST = sorted(
    [(key, 1) for key in (12, 13, 14, 5, 6, 7, 8, 9)], key=lambda r: (r[0] < 10, repr(r))
)


def complete(engine: sa.Engine, store: Store) -> None:
    """The run that was not killed is right."""
    history = store.history()
    told = history[history["as_of"] == SECOND][["segment", "size", "entered", "left", "cause"]]
    assert told.values.tolist() == [
        ["grown", 5, 2, 0, "data"],
        ["grown", 6, 1, 0, "definition"],
        ["young", 3, 0, 2, "data"],
    ], told
    assert sorted(store.members("grown")) == [9, 10, 11, 12, 13, 14]
    assert sorted(store.members("young")) == [5, 6, 7]


def main(url: str, every: int) -> None:
    """Kill runs at one place after the other, until one is complete."""
    assert in_a_fork(url, begin)
    place = 1
    while not in_a_fork(url, killed_at(place)):
        assert in_a_fork(url, unchanged)
        place += every
    assert in_a_fork(url, complete)
    sys.stdout.write(f"killed {(place - 1) // every} times\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
