"""Whether what we write lets databases use their indexes, by the plans that they make.

DuckDB is not here: it reads columns by blocks, and looks an index up for few keys only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import frozen

from segmentkit import Segment
from segmentkit import sqlalchemy as sql
from tests.targets import TARGETS
from tests.targets.databases import postgresql_url

NOON = datetime(2026, 5, 1, 12)
METADATA = sa.MetaData()
CUSTOMERS = sa.Table(
    "customers",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("country", sa.String, index=True),
    sa.Column("age", sa.Integer, index=True),
    sa.Column("vip", sa.Boolean, index=True),
    sa.Column("active", sa.Boolean, index=True),
    sa.Column("born", sa.Date, index=True),
    sa.Column("seen", sa.DateTime, index=True),
    sa.Column("met", sa.DateTime(timezone=True), index=True),
    sa.Column("note", sa.String, index=True),
)
ORDERS = sa.Table(
    "orders",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("customer_id", sa.ForeignKey("customers.id"), index=True),
    sa.Column("placed_at", sa.DateTime, index=True),
    sa.Column("amount", sa.Numeric(10, 2)),
)
SCHEMA = sql.schema_from(CUSTOMERS, events={"orders": "placed_at"})


def _rows() -> Iterator[tuple[sa.Table, list[dict[str, Any]]]]:
    """Few customers of every value, and nearly nobody with something missing."""
    yield (
        CUSTOMERS,
        [
            {
                "id": n,
                "country": f"C{n % 500}",
                "age": n % 500 or None,
                "vip": n % 100 == 0,
                "active": n % 100 != 0,
                "born": NOON.date() - timedelta(days=n % 2500),
                "seen": NOON - timedelta(hours=n % 2500),
                "met": (NOON - timedelta(hours=n % 2500)).replace(tzinfo=UTC),
                "note": f"note {n}" if n % 100 else None,
            }
            for n in range(1, 5001)
        ],
    )
    yield (
        ORDERS,
        [
            {
                "id": n,
                "customer_id": 1 + n % 5000,
                "placed_at": NOON - timedelta(minutes=n),
                "amount": n % 90,
            }
            for n in range(1, 30_001)
        ],
    )


@frozen
class Plan:
    """What of the tables a query reads.

    Attributes:
        indexes: The indexes that it searches.
        scanned: The tables that it reads throughout.
    """

    indexes: frozenset[str]
    scanned: frozenset[str]


def _of_postgresql(told: list[Any]) -> Plan:
    nodes = [told[0][0][0]["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", ())
    return Plan(
        frozenset(node["Index Name"] for node in nodes if "Index Name" in node),
        frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
    )


def _of_sqlite(told: list[Any]) -> Plan:
    lines = [row[3] for row in told]
    scans = [re.match(r"SCAN (customers|orders)", line) for line in lines]
    found = [re.match(r"SEARCH .* USING (?:COVERING )?INDEX (\w+)", line) for line in lines]
    keys = [re.match(r"SEARCH (customers|orders).* USING INTEGER PRIMARY KEY", x) for x in lines]
    return Plan(
        frozenset(m[1] for m in found if m) | {f"{m[1]}_pkey" for m in keys if m},
        frozenset(m[1] for m in scans if m),
    )


EXPLAIN = {
    "postgresql": ("EXPLAIN (FORMAT JSON)", _of_postgresql),
    "sqlite": ("EXPLAIN QUERY PLAN", _of_sqlite),
}
ENGINES = [target.name for target in TARGETS if target.name in EXPLAIN]


@pytest.fixture(scope="module", params=ENGINES)
def connection(request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    """A database with indexes, rows, and statistics of them, which is gone at the end."""
    here = request.param == "sqlite"
    engine = sa.create_engine("sqlite://" if here else postgresql_url())
    with engine.connect() as opened:
        if not here:
            opened.execute(sa.text("CREATE SCHEMA indexes"))
            opened.execute(sa.text("SET LOCAL search_path = indexes"))
        METADATA.create_all(opened)
        for table, rows in _rows():
            opened.execute(table.insert(), rows)
        opened.execute(sa.text("ANALYZE"))
        yield opened
        opened.rollback()
    engine.dispose()


def plan(connection: sa.Connection, definition: str, *tests: Any) -> Plan:
    segment = Segment.define(None, definition, SCHEMA)
    query = sql.members(segment, CUSTOMERS, as_of=NOON).where(*tests)
    words, read = EXPLAIN[connection.dialect.name]

    def explain(*call: Any) -> tuple[str, Any]:
        return f"{words} {call[2]}", call[3]

    sa.event.listen(connection, "before_cursor_execute", explain, retval=True)
    try:
        return read(list(connection.execute(query).cursor.fetchall()))
    finally:
        sa.event.remove(connection, "before_cursor_execute", explain)


ATTRIBUTES = [
    ("age = 5", "age"),
    ("age in (5, 7)", "age"),
    ("age between 5 and 9", "age"),
    ("not age >= 10", "age"),
    ("not (age < 490)", "age"),
    ("age not between 5 and 490", "age"),
    ('country = "C5"', "country"),
    ('country in ("C5", "C7")', "country"),
    ("vip", "vip"),
    ("note is missing", "note"),
    ("born in 2026-04-29", "born"),
    ("born in last 3 days", "born"),
    ("not (born < 2026-04-29)", "born"),
    ("seen in last 3 hours", "seen"),
    ("seen in 2026-04-30", "seen"),
    ("not (seen < 3 hours ago)", "seen"),
    ("seen not between 2026-01-18 and 2026-04-30", "seen"),
    ("met in last 3 hours", "met"),
    ("not (met < 3 hours ago)", "met"),
]


@pytest.mark.parametrize(("definition", "column"), ATTRIBUTES)
def test_attributes(connection: sa.Connection, definition: str, column: str) -> None:
    """A test of an attribute that few pass searches its index, complements included."""
    found = plan(connection, definition)
    assert found == Plan(frozenset({f"ix_customers_{column}"}), frozenset())


def test_different_attributes(connection: sa.Connection) -> None:
    """Alternatives search an index each."""
    found = plan(connection, 'age = 5 or country = "C9"')
    assert found == Plan(frozenset({"ix_customers_age", "ix_customers_country"}), frozenset())


@pytest.mark.parametrize("definition", ["not active", "active != true"])
def test_rare_falsehood(connection: sa.Connection, definition: str) -> None:
    """PostgreSQL finds the few who are not true by an index of booleans; SQLite has no such way."""
    if connection.dialect.name == "postgresql":
        assert plan(connection, definition).indexes == {"ix_customers_active"}


@pytest.mark.parametrize(
    "definition",
    [
        "any(orders in last 1 hour)",
        "none(orders in last 1 hour)",
        "count(orders in last 1 hour) >= 2",
        "count(orders in last 1 hour) = 0",
        "sum(orders.amount in last 1 hour) > 10",
        "sum(orders.amount in last 1 hour) < 10",
    ],
)
def test_windows(connection: sa.Connection, definition: str) -> None:
    """A window of a relation searches the index on its time."""
    found = plan(connection, definition)
    assert "ix_orders_placed_at" in found.indexes
    assert "orders" not in found.scanned


@pytest.mark.parametrize(
    ("definition", "column"),
    [
        ('country = "C5" and count(orders) > 2', "country"),
        ('country = "C5" and count(orders) < 2', "country"),
        ("age = 5 and last(orders.placed_at) < 3 days ago", "age"),
        ("not (age < 498) and none(orders where amount > 10)", "age"),
    ],
)
def test_few_customers(connection: sa.Connection, definition: str, column: str) -> None:
    """Rows are read only of the customers who pass the tests of attributes."""
    found = plan(connection, definition)
    assert {f"ix_customers_{column}", "ix_orders_customer_id"} <= found.indexes
    assert not found.scanned


@pytest.mark.parametrize(
    "definition",
    [
        "any(orders)",
        "count(orders) >= 3",
        "sum(orders.amount) > 100",
        "avg(orders.amount) > 3",
        "last(orders.amount) > 10",
        "median(orders.amount) > 10",
        "count(orders) >= age",
    ],
)
def test_one_customer(connection: sa.Connection, definition: str) -> None:
    """Whether one customer is a member is seen from that customer's rows."""
    found = plan(connection, definition, CUSTOMERS.c.id == 7)
    assert "orders" not in found.scanned


@pytest.mark.parametrize("definition", ["none(orders)", "count(orders) < 3"])
def test_one_customer_without_rows(connection: sa.Connection, definition: str) -> None:
    """So it is where customers without rows are members."""
    found = plan(connection, definition, CUSTOMERS.c.id == 7)
    assert "orders" not in found.scanned
    limited = plan(connection, f"id = 7 and {definition}")
    assert "orders" not in limited.scanned
