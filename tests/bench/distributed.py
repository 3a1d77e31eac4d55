"""A million customers and ten million orders in Parquet: Sail's cluster beside DuckDB.

Both are asked for the members of the same segments by segmentkit, and must have the very same ids.
The files are made once, of arithmetic alone, so they are the same on every machine.
"""

from __future__ import annotations

import argparse
import atexit
import hashlib
import os
import statistics
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import sqlalchemy as sa
from attrs import frozen
from memory import most
from timing import rounds

from segmentkit import Schema, Segment
from segmentkit import spark as segments_of_frames
from segmentkit import sqlalchemy as sql

FOLDER = Path(__file__).parents[2] / "build" / "distributed"
AS_OF = datetime(2026, 5, 1, 12, tzinfo=UTC)
FILES = 10
"""Of orders: what a cluster can share among its workers."""

CUSTOMERS = """
    SELECT i + 1 AS id,
        CASE WHEN x % 20 > 0 THEN ['UA', 'DK', 'NO', 'US', 'DE', 'PL'][x % 6 + 1] END AS country,
        CASE WHEN y % 10 > 0 THEN (y // 10 % 80 + 10)::INTEGER END AS age,
        ['Коваль', 'Straße', 'STRASSE', 'Køge', '100%_', 'КОЗАК'][x % 6 + 1] || ' ' || y % 977 AS name
    FROM (
        SELECT i, (i + 1) * 48271 % 2147483647 AS x, (i + 7) * 69621 % 2147483647 AS y
        FROM range(?) AS t (i)
    )
"""
ORDERS = """
    SELECT i + 1 AS id,
        CASE WHEN y % 50 > 0 THEN (x * 16807 % 2147483647) % ?::BIGINT + 1 END AS customer_id,
        CASE WHEN x % 100 > 0
            THEN TIMESTAMP '2026-05-08' - to_microseconds((y * 39373 % 2147483647) * 29400)
        END AS placed_at,
        ['paid', 'paid', 'paid', 'returned', 'open'][y % 5 + 1] AS status,
        ((x % 30000)::DECIMAL(12, 2) / 100)::DECIMAL(12, 2) AS amount
    FROM (
        SELECT i, (i + 1) * 48271 % 2147483647 AS x, (i + 7) * 69621 % 2147483647 AS y
        FROM range(?, ?) AS t (i)
    )
"""
SEGMENTS = {
    "attributes": 'country in ("UA", "DK") and not (age < 30)',
    "window": 'count(orders in last 90 days where status = "paid") >= 2',
    "sum": 'sum(orders.amount where status = "paid") > 1000.50 and country != "US"',
    "none": "none(orders in last 180 days) and age is present",
    "text": 'name contains "strasse" ignoring case or name starts with "Ко"',
    "all together": (
        '(country = "UA" and any(orders in last 30 days where status = "paid"))'
        " or (age is missing and sum(orders.amount) >= 2000 and none(orders in last 60 days))"
    ),
    "first and last": 'last(orders.status) = "returned" and first(orders.amount) < 10',
}


def make(customers: int, orders: int) -> Path:
    """The folder of the files, which are made when they are not there."""
    folder = FOLDER / f"{customers}x{orders}"
    if (folder / "done").exists():
        return folder
    for part in ("customers", "orders"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:

        def copy(query: str, values: list[int], path: Path) -> None:
            connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)", values)

        copy(CUSTOMERS, [customers], folder / "customers" / "0.parquet")
        for i in range(FILES):
            ends = [orders * i // FILES, orders * (i + 1) // FILES]
            copy(ORDERS, [customers, *ends], folder / "orders" / f"{i}.parquet")
    (folder / "done").touch()
    return folder


@frozen
class Engine:
    """Something that answers: ``summary`` in the engine, ``ids`` brought here."""

    name: str
    summary: Callable[[Segment], tuple[int, int]]
    ids: Callable[[Segment], np.ndarray[Any, Any]]


def of_duckdb(folder: Path, schema: Schema, memory: str) -> Engine:
    """DuckDB, through SQLAlchemy, on views of the files."""
    engine = sa.create_engine("duckdb:///:memory:", poolclass=sa.pool.StaticPool)
    customers = sql.tables_from(schema).tables["customers"]
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET memory_limit = '{memory}'")
        for name in ("customers", "orders"):
            files = f"read_parquet('{folder / name}/*.parquet')"
            connection.exec_driver_sql(f"CREATE VIEW {name} AS SELECT * FROM {files}")
        connection.commit()

    def query(segment: Segment) -> sa.Select[Any]:
        return sql.members(segment, customers, as_of=AS_OF)

    def summary(segment: Segment) -> tuple[int, int]:
        found = query(segment).subquery()
        with engine.connect() as connection:
            row = connection.execute(sa.select(sa.func.count(), sa.func.sum(found.c.id))).one()
        return int(row[0]), int(row[1] or 0)

    def ids(segment: Segment) -> np.ndarray[Any, Any]:
        with engine.connect() as connection:
            return np.array(connection.scalars(query(segment)).all(), dtype=np.int64)

    return Engine("DuckDB", summary, ids)


def frames_of(session: Any, folder: Path) -> Mapping[str, Any]:
    """The files as Spark's frames."""
    return {name: session.read.parquet(str(folder / name)) for name in ("customers", "orders")}


def schema_of(frames: Mapping[str, Any]) -> Schema:
    """The schema that both are asked with."""
    return segments_of_frames.schema_from(
        frames,
        "customers",
        keys={"customers": "id", "orders": "id"},
        events={"orders": {"key": "customer_id", "at": "placed_at"}},
    )


def of_spark(name: str, frames: Mapping[str, Any]) -> Engine:
    """What speaks Spark's protocol."""
    from pyspark.sql import functions

    def summary(segment: Segment) -> tuple[int, int]:
        found = segments_of_frames.members(segment, frames, as_of=AS_OF)
        row = found.agg(functions.count("id"), functions.sum("id")).collect()[0]
        return int(row[0]), int(row[1] or 0)

    def ids(segment: Segment) -> np.ndarray[Any, Any]:
        found = segments_of_frames.members(segment, frames, as_of=AS_OF).toArrow()
        return found.column(0).to_numpy()

    return Engine(name, summary, ids)


def sail(workers: int) -> Any:
    """A session of a Sail server of its own: a driver and workers, in this process."""
    os.environ.setdefault("RUST_LOG", "error")
    os.environ["SAIL_MODE"] = "local-cluster"
    os.environ["SAIL_CLUSTER__WORKER_INITIAL_COUNT"] = str(workers)
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    atexit.register(server.stop)  # without a reference to it the server would be gone
    return SparkSession.builder.remote(f"sc://localhost:{server.listening_address[1]}").create()


def spark() -> Any:
    """A session of Spark itself, on this machine."""
    from pyspark.sql import SparkSession

    return SparkSession.builder.remote("local[2]").getOrCreate()


def digest(ids: np.ndarray[Any, Any]) -> str:
    """What only the same set of ids has."""
    return hashlib.sha256(np.sort(ids).astype("<i8").tobytes()).hexdigest()


def main() -> None:
    """Compare, and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=1_000_000)
    options.add_argument("--orders", type=int, default=10_000_000)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--engine", choices=["sail", "spark"], default="sail")
    options.add_argument("--memory", default="6GB", help="of DuckDB; the rest is on disk")
    told = options.parse_args()
    folder = make(told.customers, told.orders)
    title = "Spark, local" if told.engine == "spark" else f"Sail, {told.workers} workers"
    session = spark() if told.engine == "spark" else sail(told.workers)
    frames = frames_of(session, folder)
    schema = schema_of(frames)
    one, other = of_duckdb(folder, schema, told.memory), of_spark(title, frames)
    print(f"{told.customers:,} customers, {told.orders:,} orders")
    print(f"| segment | members | ids (SHA-256) | DuckDB | {title} | ratio |")
    print("|---|---|---|---|---|---|")
    for name, definition in SEGMENTS.items():
        segment = Segment.define(name, definition, schema)
        found = one.summary(segment)
        assert found == other.summary(segment), name
        same = digest(one.ids(segment))
        assert same == digest(other.ids(segment)), name
        asked = {each.name: partial(each.summary, segment) for each in (one, other)}
        times = rounds(asked, told.rounds)
        a, b = (statistics.median(times[each.name]) for each in (one, other))
        print(f"| {name} | {found[0]:,} | {same[:12]} | {a:.2f} s | {b:.2f} s | {b / a:.1f} |")
    print(f"\nThis process, in which both run, held at most {most() / 1000:.1f} GB.")


if __name__ == "__main__":
    main()
