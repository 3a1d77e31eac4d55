"""Members of one segment of customers and orders: segmentkit's SQL beside the same by hand.

Both are statements that are ready; how long one takes to make is measured as *text to SQL*.

The segment is a country test and three measures. *Broad*, nearly half of the customers pass the
country test; *narrow*, one of a hundred. Every engine is asked without an index on the orders and
with one, and every shape that people write is tried: the fastest one counts. Times are those of the
processor, of this process and the server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import databases
import numpy as np
import pandas as pd
import sqlalchemy as sa
from holders import servers, spent
from timing import Row, compared, rounds

from segmentkit import Schema, Segment
from segmentkit import sqlalchemy as sql

BENCHMARK = "SQL, one segment"
CUSTOMERS, EACH = 20_000, 10
AS_OF = datetime(2026, 1, 1)
COUNTRIES = {"DK": 0.46, "NO": 0.25, "SE": 0.18, "FI": 0.10, "IS": 0.01}
BREADTHS = {"broad": "DK", "narrow": "IS"}
STATUSES = {"paid": 0.8, "refunded": 0.1, "cancelled": 0.1}
INDEXES = {
    "no index": (),
    "index on the key": ("customer_id",),
    "covering index": ("customer_id", "placed_at", "status", "cents"),
}
INDEXED = {
    # It has no use for indexes here.
    "duckdb": ("no index",),
    "sqlite": tuple(INDEXES),
    "postgresql": tuple(INDEXES),
    # InnoDB makes one for every foreign key.
    "mariadb": ("index on the key", "covering index"),
}
NEEDS_INDEX = "correlated"
"""Shapes that do not end without an index."""
FINALISTS = 3
"""Shapes by hand that are measured; all the others were slower in a first round."""


def definition(country: str) -> str:
    """The segment of the benchmark."""
    return (
        f'country = "{country}"'
        ' and count(orders in last 90 days where status = "paid") >= 3'
        " and sum(orders.cents in last 365 days) > 50000"
        ' and none(orders in last 30 days where status = "refunded")'
    )


PAID, YEAR, REFUND = "{o}status = 'paid' AND {p90}", "{p365}", "{o}status = 'refunded' AND {p30}"


def _within(alias: str) -> dict[str, str]:
    found = {"o": alias}
    for days in (30, 90, 365):
        at = f"{alias}placed_at"
        found[f"p{days}"] = f"{at} > {{d{days}}} AND {at} <= {{now}}"
    return found


def by_hand() -> dict[str, str]:
    """The shapes, by what people call them; ``{…}`` are values, put in as literals."""
    w = _within("o.")
    paid, year, refund = (each.format(**w) for each in (PAID, YEAR, REFUND))
    filtered = (
        f"COUNT(*) FILTER (WHERE {paid}) >= 3"
        f" AND SUM(o.cents) FILTER (WHERE {year}) > 50000"
        f" AND COUNT(*) FILTER (WHERE {refund}) = 0"
    )
    of_customer = "FROM orders o WHERE o.customer_id = c.id AND"
    select = "SELECT c.id FROM customers c"
    danes = "c.country = {country}"
    bound = w["p365"]
    limited = "o.customer_id IN (SELECT id FROM customers WHERE country = {country})"
    one_scan = (
        f"SELECT o.customer_id, COUNT(*) FILTER (WHERE {paid}) AS a,"
        f" SUM(o.cents) FILTER (WHERE {year}) AS b, COUNT(*) FILTER (WHERE {refund}) AS z"
        f" FROM orders o WHERE {bound}"
    )
    joined = "a >= 3 AND b > 50000 AND z = 0"
    return {
        "correlated sub-queries": f"{select} WHERE {danes}"
        f" AND (SELECT COUNT(*) {of_customer} {paid}) >= 3"
        f" AND (SELECT SUM(o.cents) {of_customer} {year}) > 50000"
        f" AND (SELECT COUNT(*) {of_customer} {refund}) = 0",
        "correlated EXISTS": f"{select} WHERE {danes}"
        f" AND EXISTS (SELECT 1 {of_customer} {paid} HAVING COUNT(*) >= 3)"
        f" AND EXISTS (SELECT 1 {of_customer} {year} HAVING SUM(o.cents) > 50000)"
        f" AND NOT EXISTS (SELECT 1 {of_customer} {refund})",
        "IN, one a measure": f"{select} WHERE {danes}"
        f" AND c.id IN (SELECT o.customer_id FROM orders o WHERE {paid}"
        " GROUP BY o.customer_id HAVING COUNT(*) >= 3)"
        f" AND c.id IN (SELECT o.customer_id FROM orders o WHERE {year}"
        " GROUP BY o.customer_id HAVING SUM(o.cents) > 50000)"
        f" AND c.id NOT IN (SELECT o.customer_id FROM orders o WHERE {refund})",
        "joined, one a measure": f"{select}"
        f" LEFT JOIN (SELECT o.customer_id, COUNT(*) AS a FROM orders o WHERE {paid}"
        " GROUP BY o.customer_id) x ON x.customer_id = c.id"
        f" LEFT JOIN (SELECT o.customer_id, SUM(o.cents) AS b FROM orders o WHERE {year}"
        " GROUP BY o.customer_id) y ON y.customer_id = c.id"
        f" LEFT JOIN (SELECT o.customer_id, COUNT(*) AS z FROM orders o WHERE {refund}"
        " GROUP BY o.customer_id) v ON v.customer_id = c.id"
        f" WHERE {danes} AND a >= 3 AND b > 50000 AND COALESCE(z, 0) = 0",
        "joined, one scan": f"{select} LEFT JOIN ({one_scan} GROUP BY o.customer_id) x"
        f" ON x.customer_id = c.id WHERE {danes} AND {joined}",
        "joined, one scan, limited": f"{select} LEFT JOIN ({one_scan} AND {limited}"
        f" GROUP BY o.customer_id) x ON x.customer_id = c.id WHERE {danes} AND {joined}",
        "join, then group": f"{select} JOIN orders o ON o.customer_id = c.id"
        f" WHERE {danes} AND {bound} GROUP BY c.id HAVING {filtered}",
        "IN, one scan": f"{select} WHERE {danes} AND c.id IN (SELECT o.customer_id FROM orders o"
        f" WHERE {bound} GROUP BY o.customer_id HAVING {filtered})",
        "IN, one scan, limited": f"{select} WHERE {danes} AND c.id IN (SELECT o.customer_id"
        f" FROM orders o WHERE {bound} AND {limited} GROUP BY o.customer_id HAVING {filtered})",
        "IN, one scan, limited by join": f"{select} WHERE {danes} AND c.id IN (SELECT o.customer_id"
        f" FROM orders o JOIN customers l ON l.id = o.customer_id WHERE l.country = {{country}}"
        f" AND {bound} GROUP BY o.customer_id HAVING {filtered})",
        "join, group by owner": "SELECT o.customer_id FROM customers c"
        " JOIN orders o ON o.customer_id = c.id"
        f" WHERE {danes} AND {bound} GROUP BY o.customer_id HAVING {filtered}",
        "correlated, one scan": f"{select} WHERE {danes} AND (SELECT {filtered}"
        f" {of_customer} {bound})",
        "the scan alone, limited": f"SELECT o.customer_id FROM orders o WHERE {bound}"
        f" AND {limited} GROUP BY o.customer_id HAVING {filtered}",
    }


# On MariaDB texts that are compared exactly, as by the others.
TEXT = sa.String(10).with_variant(sa.String(10, collation="utf8mb4_nopad_bin"), "mariadb", "mysql")


def tables() -> sa.MetaData:
    """Customers and their orders, as an application declares them."""
    metadata = sa.MetaData()
    sa.Table(
        "customers",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("country", TEXT, nullable=False),
    )
    sa.Table(
        "orders",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("customer_id", sa.Integer, nullable=False),
        sa.Column("placed_at", sa.DateTime, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("cents", sa.Integer, nullable=False),
    )
    return metadata


def schema_of(metadata: sa.MetaData) -> Schema:
    """What the definition speaks of."""
    events = {"orders": {"key": "customer_id", "at": "placed_at"}}
    return sql.schema_from(metadata, "customers", events=events)


def data(customers: int, orders: int) -> dict[str, pd.DataFrame]:
    """The rows, the same in every run."""
    draw = np.random.default_rng(1)

    def choice(shares: Mapping[str, float], size: int) -> Any:
        return draw.choice(list(shares), size, p=list(shares.values()))

    back = draw.integers(0, 730 * 86_400, orders).astype("m8[s]")
    return {
        "customers": pd.DataFrame(
            {"id": np.arange(customers), "country": choice(COUNTRIES, customers)}
        ),
        "orders": pd.DataFrame(
            {
                "id": np.arange(orders),
                "customer_id": draw.integers(0, customers, orders),
                "placed_at": np.datetime64(AS_OF, "s") - back,
                "status": choice(STATUSES, orders),
                "cents": draw.integers(100, 25_000, orders),
            }
        ),
    }


def spelled(text: str, dialect: str, country: str) -> str:
    """A shape as an engine takes it."""
    kind = "TIMESTAMP " if dialect in ("duckdb", "postgresql") else ""
    days = {f"d{d}": AS_OF - timedelta(days=d) for d in (30, 90, 365)}
    times = {
        name: f"{kind}'{at:%Y-%m-%d %H:%M:%S.%f}'" for name, at in {**days, "now": AS_OF}.items()
    }
    text = text.format(country=f"'{country}'", **times)
    if dialect in ("mariadb", "mysql"):
        text = re.sub(
            r"COUNT\(\*\) FILTER \(WHERE (.*?)\)(?= [>=A])", r"COUNT(CASE WHEN \1 THEN 1 END)", text
        )
        text = re.sub(
            r"SUM\((\S+)\) FILTER \(WHERE (.*?)\)(?= [>A])", r"SUM(CASE WHEN \2 THEN \1 END)", text
        )
    return text


def statement(
    connection: sa.Connection, root: sa.Table, segment: Segment, as_of: datetime = AS_OF
) -> tuple[str, Any]:
    """The statement that a source asks for the members, and its values, as the driver gets them."""
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, text: str, values: Any, *___: Any) -> None:
        # What a source asks the planner comes before, on PostgreSQL within a savepoint.
        about_plans = text.startswith(("EXPLAIN", "SAVEPOINT", "RELEASE"))
        if not about_plans and "sqlite_master" not in text:
            sent.append((text, values))

    sa.event.listen(connection, "before_cursor_execute", note)
    sql.Source(connection, root).members(segment, as_of=as_of)
    sa.event.remove(connection, "before_cursor_execute", note)
    (found,) = sent
    return found


def measured(
    name: str, engine: sa.Engine, schema: Schema, root: sa.Table, index: str, count: int
) -> Iterator[Row]:
    """Our statement beside the fastest of those by hand, broad and narrow."""
    for breadth, country in BREADTHS.items():
        segment = Segment.define("benchmark", definition(country), schema)
        clock = partial(spent, servers(engine))
        with engine.connect() as connection:
            if name == "postgresql":
                # Others that worked for it would not be counted.
                connection.exec_driver_sql("SET max_parallel_workers_per_gather = 0")

            def ask(
                text: str, values: Any = None, connection: sa.Connection = connection
            ) -> list[Any]:
                return [row[0] for row in connection.exec_driver_sql(text, values)]

            ours = partial(ask, *statement(connection, root, segment))
            expected = sorted(ours())
            seconds = {}
            by = by_hand()
            if name == "sqlite":
                del by["correlated EXISTS"]  # HAVING without GROUP BY
            for shape, text in by.items():
                if index == "no index" and name != "duckdb" and shape.startswith(NEEDS_INDEX):
                    continue
                by[shape] = spelled(text, engine.dialect.name, country)
                start = clock()
                if sorted(ask(by[shape])) != expected:
                    raise AssertionError(f"{name}, {shape}: other members")
                seconds[shape] = clock() - start
            finalists = sorted(seconds, key=seconds.__getitem__)[:FINALISTS]
            contenders: dict[str, Callable[[], object]] = {"segmentkit": ours}
            contenders |= {shape: partial(ask, by[shape]) for shape in finalists}
            found = rounds(contenders, count, clock=clock)
        best = min(finalists, key=lambda shape: float(np.median(found[shape])))
        found["fastest by hand"] = found[best]
        case = f"{name}, {index}, {breadth}"
        yield compared(
            BENCHMARK, case, found, beside="fastest by hand", target=1.1, note=f"by hand: {best}"
        )


def run(*, quick: bool, customers: int | None = None) -> Iterator[Row]:
    """Measure every engine that can be reached, without an index and with one."""
    customers = customers or (200 if quick else CUSTOMERS)
    frames = data(customers, customers * EACH)
    for name in databases.reachable():
        with ExitStack() as stack:
            engine = stack.enter_context(databases.opened(name))
            metadata = tables()
            databases.fill(engine, metadata, frames)
            schema, orders = schema_of(metadata), metadata.tables["orders"]
            for index in INDEXED[name]:
                columns = INDEXES[index]
                made = sa.Index("of_customer", *(orders.c[each] for each in columns))
                if columns:
                    made.create(engine)
                databases.analyze(engine)
                root = metadata.tables["customers"]
                count = 2 if quick else 5
                yield from measured(name, engine, schema, root, index, count)
                if columns:
                    made.drop(engine)
                orders.indexes.discard(made)
