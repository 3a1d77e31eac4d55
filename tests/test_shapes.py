"""What a database reads, counted in its own plan: the same on every machine, unlike time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from segmentkit import (
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Entity,
    Link,
    Relation,
    Schema,
    Segment,
)
from segmentkit import sqlalchemy as sql
from tests.targets.databases import asks_planner

NOON = datetime(2026, 5, 1, 12)


def _table(name: str, attributes: dict[str, Any], **more: Any) -> Entity:
    made = [Attribute(each, dtype) for each, dtype in {"id": INTEGER, **attributes}.items()]
    return Entity(name, key="id", attributes=made, **more)


SHOP = Schema(
    [
        _table(
            "people",
            {"country": TEXT},
            relations=[
                Relation("orders", key="person", at="at"),
                Relation("visits", key="person", at="at"),
            ],
        ),
        _table(
            "orders",
            {"person": INTEGER, "at": TIMESTAMP, "cents": INTEGER, "status": TEXT},
            relations=[Relation("lines", key="order_id")],
        ),
        _table("visits", {"person": INTEGER, "at": TIMESTAMP}),
        _table(
            "lines",
            {"order_id": INTEGER, "pieces": INTEGER},
            links=[Link("product", to="products", key="product_id")],
        ),
        _table("products", {"kind": TEXT}),
    ]
)
BENCHMARK = (
    'country = "DK" and count(orders in last 90 days where status = "paid") >= 3'
    " and sum(orders.cents in last 365 days) > 50000"
    ' and none(orders in last 30 days where status = "refunded")'
)


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    """SQLite with an index on every way from a person to the lines, and rows behind them."""
    made = sql.prepare(sa.create_engine("sqlite://", poolclass=sa.StaticPool))
    tables = sql.tables_from(SHOP).tables
    sa.Index("orders_of", tables["orders"].c.person)
    sa.Index("visits_of", tables["visits"].c.person)
    sa.Index("lines_of", tables["lines"].c.order_id)
    tables["people"].metadata.create_all(made)
    at = [datetime(2026, 1 + i % 4, 1 + i % 28) for i in range(400)]
    rows: dict[str, list[dict[str, Any]]] = {
        "people": [{"id": i, "country": "DK" if i % 10 == 0 else "NO"} for i in range(100)],
        "orders": [
            {"id": i, "person": i % 100, "at": at[i], "cents": 900 * i % 70_000, "status": "paid"}
            for i in range(400)
        ],
        "visits": [{"id": i, "person": i % 90, "at": at[i]} for i in range(300)],
        "lines": [
            {"id": i, "order_id": i % 400, "pieces": i % 5, "product_id": i % 7}
            for i in range(1_200)
        ],
        "products": [{"id": i, "kind": "meat" if i % 2 else "greens"} for i in range(7)],
    }
    with made.begin() as connection:
        for name, each in rows.items():
            connection.execute(tables[name].insert(), each)
        connection.exec_driver_sql("ANALYZE")
    yield made
    made.dispose()


@pytest.fixture
def source(engine: sa.Engine) -> sql.Source:
    """The same as a source."""
    return sql.Source(engine, sql.tables_from(SHOP).tables["people"])


def asked(engine: sa.Engine, ask: Callable[[], object]) -> tuple[list[str], list[str]]:
    """The statements that a question issues, and what SQLite plans for them."""
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, text: str, parameters: Any, *___: Any) -> None:
        if not asks_planner(text):
            sent.append((text, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        plans = [
            row[3]
            for text, parameters in sent
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)
        ]
    return [text for text, _ in sent], plans


def members(engine: sa.Engine, source: sql.Source, text: str) -> tuple[str, list[str]]:
    """The one statement that finds a segment's members, and its plan."""
    segment = Segment.define(None, text, SHOP)
    sent, plans = asked(engine, lambda: source.members(segment, as_of=NOON))
    (statement,) = sent
    query = sql.members(segment, source.entity, as_of=NOON)
    with engine.connect() as connection:
        assert sorted(connection.scalars(query)) == sorted(source.members(segment, as_of=NOON))
    return statement, plans


def test_rows_are_those_of_members_who_pass(engine: sa.Engine, source: sql.Source) -> None:
    """A list of people first, then by index just the orders of those."""
    _, plans = members(engine, source, BENCHMARK)
    assert "SEARCH orders_1 USING INDEX" in "\n".join(plans)
    assert not [line for line in plans if line.startswith("SCAN orders")]


def test_a_bound_that_all_share_is_asked_once(engine: sa.Engine, source: sql.Source) -> None:
    """The longest window limits the rows, and what only repeats it is asked nowhere."""
    statement, _ = members(engine, source, BENCHMARK)
    # Each test of an instant tells apart by one OR how the instant is written; there is no other.
    assert statement.count(" OR ") == statement.count(" || 'T'")
    assert "sum(orders_1.cents)" in statement
    assert statement.count("orders_1.at >= ?") == 3


def test_of_everyone_rows_are_grouped_first(engine: sa.Engine, source: sql.Source) -> None:
    """Without tests of attributes no row is joined to anybody: who is left is looked up."""
    statement, plans = members(engine, source, "sum(orders.cents) > 100 and count(visits) >= 2")
    assert "JOIN" not in statement
    assert plans[0].startswith("SEARCH people_1")


def test_that_a_row_has_happened_is_asked_last(engine: sa.Engine, source: sql.Source) -> None:
    """What nearly all rows pass comes after the tests that leave few."""
    text = 'count(orders in last 9 days where status = "paid" and any(lines)) >= 2'
    statement, _ = members(engine, source, text)
    tests = ["orders_1.status = ?", "orders_1.at < replace(", "FROM lines"]
    assert sorted(tests, key=statement.index) == tests


def test_the_second_relation_is_limited(engine: sa.Engine, source: sql.Source) -> None:
    """Of two relations one is joined; the other is read for those who pass, by index."""
    text = 'country = "DK" and count(orders) >= 2 and count(visits in last 60 days) >= 1'
    statement, plans = members(engine, source, text)
    assert "FROM visits" in statement
    assert not [line for line in plans if line.startswith(("SCAN orders", "SCAN visits"))]


def test_whoever_has_no_rows_may_belong(engine: sa.Engine, source: sql.Source) -> None:
    """Nobody is lost who has no rows; the rows that are read are of those who pass."""
    statement, plans = members(engine, source, 'country = "DK" and count(visits) <= 2')
    assert "NOT IN" in statement
    assert not [line for line in plans if line.startswith("SCAN visits")]


STEAKS = (
    "count(orders in last 60 days"
    ' where any(lines where product.kind = "meat") and any(lines where product.kind = "greens")) >= 1'
)


def test_rows_of_rows_are_those_within_the_window(engine: sa.Engine, source: sql.Source) -> None:
    """What is asked of the lines of orders is one look-up, of orders in the window, by index."""
    statement, plans = members(engine, source, STEAKS)
    assert statement.count("FROM lines") == 1
    assert statement.count("orders_2.at >= ?") == 1
    assert not [line for line in plans if line.startswith("SCAN lines")]


def test_rows_of_rows_are_those_of_who_passes(engine: sa.Engine, source: sql.Source) -> None:
    """Without a window, a test of an attribute limits the lines, down through the orders."""
    text = 'country = "DK" and count(orders where sum(lines.pieces) > 3) >= 1'
    statement, plans = members(engine, source, text)
    assert statement.count("FROM lines") == 1
    assert not [line for line in plans if line.startswith(("SCAN lines", "SCAN orders"))]


def test_rows_of_rows_without_limits(engine: sa.Engine, source: sql.Source) -> None:
    """That an order has happened says so little that no look-up is limited by it."""
    statement, _ = members(engine, source, "count(orders where any(lines)) >= 1")
    assert statement.count("FROM lines") == 1
    assert "orders_2" not in statement


def test_sizes_of_one_are_counted_in_its_own_shape(engine: sa.Engine, source: sql.Source) -> None:
    """Everyone and the members, in one statement, without asking everyone."""
    segment = Segment.define("s", BENCHMARK, SHOP)
    sent, plans = asked(engine, lambda: source.sizes(segment, as_of=NOON))
    assert len(sent) == 1
    assert not [line for line in plans if line.startswith("SCAN orders")]
    assert source.sizes(segment, as_of=NOON)["s"] == source.count(segment, as_of=NOON)
    assert source.sizes(segment, as_of=NOON).population == 100
