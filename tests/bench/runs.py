"""Daily runs of a store beside the same question, of which nothing is kept; processor time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import databases
import holders
import numpy as np
import pandas as pd
import sqlalchemy as sa
from timing import Row, compared

from segmentkit import Segment
from segmentkit.sqlalchemy import Source, Store, schema_from

BENCHMARK = "daily runs of a store"
CUSTOMERS, SEGMENTS, COLUMNS, DAYS = 200_000, 50, 10, 5
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def run(*, quick: bool, customers: int | None = None) -> Iterator[Row]:
    """Fifty segments of a tenth of the customers each, of whom 2 in 100 change a day."""
    count = customers or (2_000 if quick else CUSTOMERS)
    metadata = sa.MetaData()
    names = [f"x{n}" for n in range(COLUMNS)]
    people = sa.Table(
        "people",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in names),
    )
    schema = schema_from(people)
    segments = {
        f"s{n}": Segment.define(
            f"s{n}", f"{names[n % 10]} < {70 + 2 * n} and {names[(n + 1) % 10]} >= {n % 7}", schema
        )
        for n in range(SEGMENTS)
    }
    draw = np.random.default_rng(1)
    values = {name: draw.integers(0, 1000, count) for name in names}
    frame = pd.DataFrame({"id": np.arange(count), **values})
    for engine_name in databases.reachable():
        with databases.opened(engine_name) as engine:
            databases.fill(engine, metadata, {"people": frame})
            yield from _measured(engine_name, engine, people, segments)


def _measured(
    name: str, engine: sa.Engine, people: sa.Table, segments: dict[str, Segment]
) -> Iterator[Row]:
    store, source = Store(engine, people), Source(engine, people)
    store.create()
    store.run(segments, as_of=FIRST)
    times: dict[str, list[float]] = {"segmentkit": [], "sizes alone": []}
    changes, working = 0, holders.servers(engine)
    for day in range(1, DAYS):
        at = FIRST + timedelta(days=day)
        moved = (people.c.id * 7919 + day) % 1000 < 20
        change = {c: (c + people.c.id * day + day) % 1000 for c in people.c if c is not people.c.id}
        with engine.begin() as connection:
            connection.execute(people.update().where(moved).values(change))
        start = holders.spent(working)
        sizes = source.sizes(segments, as_of=at)
        times["sizes alone"].append(holders.spent(working) - start)
        start = holders.spent(working)
        found = store.run(segments, as_of=at)
        times["segmentkit"].append(holders.spent(working) - start)
        if {n: r.size for n, r in found.items()} != dict(sizes):
            raise AssertionError(f"{name}: the store and the sizes do not agree")
        changes = sum(r.entered + r.left for r in found.values())
    yield compared(BENCHMARK, f"{name}, {changes:,} changes", times, beside="sizes alone")
