"""Runs and hand-overs of a store in processes that are killed: ``python -m tests.store_killer URL EVERY TASK``.

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

from segmentkit import Handover, Segment
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


def stopped_at(engine: sa.Engine, place: int, stop: Callable[[], object]) -> None:
    """Stop something before the so many-th statement, or end of a transaction."""
    seen = 0

    def count(*_: Any, **__: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == place:
            stop()

    sa.event.listen(engine, "before_cursor_execute", count)
    sa.event.listen(engine, "commit", count)


def killed_at(place: int) -> Callable[[sa.Engine, Store], None]:
    """A run that is killed before a statement, or before the end of the transaction."""

    def work(engine: sa.Engine, store: Store) -> None:
        stopped_at(engine, place, lambda: os.kill(os.getpid(), signal.SIGKILL))
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


# -- handing over ---------------------------------------------------------------------------------

LETTERS = Handover.define("letters", segments(12)["grown"], channel="none")
DUE = [12, 13, 14, 15, 16]


def begin_letters(engine: sa.Engine, store: Store) -> None:
    """Nobody is grown; then five people are, of whom nobody was told."""
    PEOPLE.create(engine)
    store.create()
    with engine.begin() as connection:
        connection.execute(PEOPLE.insert(), [{"id": n, "age": n - 5} for n in range(5, 17)])
    store.run(segments(12), as_of=FIRST)
    with engine.begin() as connection:
        connection.execute(PEOPLE.update().values(age=PEOPLE.c.id))
    store.run(segments(12), as_of=SECOND)


def hand_over(store: Store) -> list[int]:
    """Hand over all who are due, two by two; acknowledge as a batch, and by ids."""
    keys = []
    for number, batch in enumerate(store.pull(LETTERS, size=2, as_of=SECOND)):
        keys += [row.key for row in batch.rows]
        if number % 2:
            store.ack(LETTERS, [row.id for row in batch.rows])
        else:
            batch.ack()
    return keys


def killed_letters_at(place: int) -> Callable[[sa.Engine, Store], None]:
    """Letters that are handed over until a statement, or the end of a transaction."""

    def work(engine: sa.Engine, store: Store) -> None:
        stopped_at(engine, place, lambda: os.kill(os.getpid(), signal.SIGKILL))
        hand_over(store)

    return work


def handed(engine: sa.Engine, store: Store) -> list[int]:
    """Whom the store takes for told."""
    table = store.metadata.tables["segmentkit_handed"]
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.select(table.c.key)))


def rest_comes(engine: sa.Engine, store: Store) -> None:
    """Whole batches were taken over, the rest is handed over now, and then nobody; begin again."""
    found = handed(engine, store)
    assert found in [DUE[:n] for n in (0, 2, 4, 5)], found
    assert hand_over(store) == DUE[len(found) :]
    assert handed(engine, store) == DUE
    assert hand_over(store) == []
    with engine.begin() as connection:
        for name in ("handed", "cursor"):
            connection.execute(store.metadata.tables[f"segmentkit_{name}"].delete())


TASKS = {
    "run": (begin, killed_at, unchanged, complete),
    "letters": (begin_letters, killed_letters_at, rest_comes, rest_comes),
}
"""What to begin with, what is killed, what must be true after that, and at the end."""


def main(url: str, every: int, task: str) -> None:
    """Kill processes at one place after the other, until one is complete."""
    first, killed, check, last = TASKS[task]
    assert in_a_fork(url, first)
    place = 1
    while not in_a_fork(url, killed(place)):
        assert in_a_fork(url, check)
        place += every
    assert in_a_fork(url, last)
    sys.stdout.write(f"killed {(place - 1) // every} times\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
