"""Customers and ten events of each, of any number, and what is asked about them.

The rows are made by DuckDB, of arithmetic alone, so they are the same on every machine.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from segmentkit import (
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Catalog,
    Entity,
    Relation,
    Schema,
    Segment,
)

EACH = 10
"""Events of a customer, on average."""
AS_OF = datetime(2026, 5, 1, 12, tzinfo=UTC)
KINDS = ("visit", "cart", "order", "return", "mail")
_A_FILE = 5_000_000
"""Rows of a file at most: workers of a cluster share files."""

_PRIME = 2_147_483_647
_MIXED = f"""
    CREATE MACRO mixed(i, factor) AS
        ((i + 1) * factor % {_PRIME}) * ((i + 1) * factor % {_PRIME}) % {_PRIME}
"""
_CUSTOMERS = """
    SELECT i AS id, (15 + x % 80)::INTEGER AS age,
        ['DK', 'NO', 'SE', 'UA'][x // 80 % 4 + 1] AS country
    FROM (SELECT i, mixed(i, 48271) AS x FROM range({first}, {end}) AS t (i))
"""
# Every twentieth row is of the same customer and instant as the one before: ties.
_EVENTS = """
    SELECT i AS id, x % {customers} AS customer_id,
        TIMESTAMP '2026-05-01 12:00:00' - to_minutes(y % 43200) AS happened_at,
        [{kinds}][z % 5 + 1] AS kind, (z // 5 % 1000)::INTEGER AS cents
    FROM (
        SELECT i, mixed(j, 48271) AS x, mixed(j + 7, 69621) AS y, mixed(i + 9, 39373) AS z
        FROM (SELECT i, i - (i % 20 = 19)::BIGINT AS j FROM range({first}, {end}) AS t (i))
    )
"""

SCHEMA = Schema(
    [
        Entity(
            "customers",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("age", INTEGER),
                Attribute("country", TEXT),
            ],
            relations=[Relation("events", key="customer_id", at="happened_at")],
        ),
        Entity(
            "events",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("customer_id", INTEGER),
                Attribute("happened_at", TIMESTAMP),
                Attribute("kind", TEXT),
                Attribute("cents", INTEGER),
            ],
        ),
    ]
)

_COUNTED = 'count(events where kind = "order")'
_SPENT = 'sum(events.cents where kind != "mail")'
_BOUGHT = 'events where kind = "cart" followed by events where kind = "order" within 1 day'
QUESTIONS = {
    "count … where": f"{_COUNTED} >= 3",
    "sum … where": f"{_SPENT} > 4500",
    "any": 'any(events where kind = "order" and cents > 800)',
    "none": 'none(events where kind = "return")',
    "window": "count(events in last 7 days) > count(events between 14 days ago and 7 days ago)",
    "one customer in eighty": f"age = 20 and {_COUNTED} >= 3",
    "count distinct": "count(distinct events.kind) >= 5",
    "first": 'first(events.kind) = "visit"',
    "last": "last(events.cents) > 500",
    "median": "median(events.cents) > 500",
    "followed by": f"any({_BOUGHT})",
    "not followed by": f"any({_BOUGHT.replace('followed', 'not followed')})",
    "preceded by": 'any(events where kind = "order" preceded by events where kind = "visit")',
    "three steps": f'any({_BOUGHT} followed by events where kind = "return" within 1 day)',
    "top 10% by": f"top 10% by {_SPENT}",
    "ntile": f"ntile(5, {_SPENT}) = 5",
    "among": f"{_SPENT} > avg({_SPENT} among everyone)",
    "among others": f'{_COUNTED} > median({_COUNTED} among (country = "UA"))',
}
"""What is asked, by the construct that it is about."""
TOGETHER = "30 segments in one pass"


def segments(name: str) -> Catalog:
    """The segments of a question: one, or many that are counted in one pass."""
    if name != TOGETHER:
        return Catalog({name: Segment.define(name, QUESTIONS[name], SCHEMA)})
    texts = [
        f"age >= {18 + step * 5} and {measure} {'>=' if step % 2 else '<'} {1 + step}"
        for step in range(6)
        for measure in (
            *(f'count(events in last {days} days where kind = "order")' for days in (7, 30)),
            'sum(events.cents in last 14 days where kind = "cart") / 300',
            "count(distinct events.kind) - 1",
            "last(events.cents) / 150",
        )
    ]
    return Catalog({f"s{i}": Segment.define(f"s{i}", text, SCHEMA) for i, text in enumerate(texts)})


def make(folder: Path, events: int) -> Path:
    """A folder with the rows as Parquet files, which are made if they are not there."""
    made, customers = folder / f"events-{events}", events // EACH
    if (made / "done").exists():
        return made
    with duckdb.connect() as connection:
        connection.execute(_MIXED)
        for name, query, rows in (
            ("customers", _CUSTOMERS, customers),
            ("events", _EVENTS, events),
        ):
            (made / name).mkdir(parents=True, exist_ok=True)
            for number, first in enumerate(range(0, rows, _A_FILE)):
                text = query.format(
                    first=first,
                    end=min(rows, first + _A_FILE),
                    customers=customers,
                    kinds=", ".join(f"'{kind}'" for kind in KINDS),
                )
                file = made / name / f"{number:03}.parquet"
                connection.execute(f"COPY ({text}) TO '{file}' (FORMAT parquet)")
    (made / "done").touch()
    return made


def files(data: Path, table: str) -> str:
    """Where the rows of a table are, as DuckDB and others read it."""
    return f"{data / table}/*.parquet"
