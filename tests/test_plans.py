"""No question is a product: the plans that engines make without indexes and without statistics.

A product takes a hundred times as long for ten times the rows. Engines make one where they read a
table throughout for each row of another; a plan says so, whatever is in the tables.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from attrs import frozen

from segmentkit import INTEGER, TIMESTAMP, Attribute, Entity, Relation, Schema, Segment
from segmentkit import sqlalchemy as sql
from tests.targets import DATABASES
from tests.targets.databases import Database, another, asks_planner

NOON = datetime(2026, 5, 1, 12)


def _events(name: str, owner: str, **more: Any) -> Entity:
    made = {"id": INTEGER, owner: INTEGER, "at": TIMESTAMP, "cents": INTEGER}
    each = [Attribute(column, dtype) for column, dtype in made.items()]
    return Entity(name, key="id", attributes=each, **more)


SCHEMA = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("age", INTEGER)],
            relations=[
                Relation("orders", key="person", at="at"),
                Relation("visits", key="person", at="at"),
            ],
        ),
        _events("orders", "person", relations=[Relation("lines", key="order_id", at="at")]),
        _events("visits", "person"),
        _events("lines", "order_id"),
    ]
)
METADATA = sql.tables_from(SCHEMA)
PEOPLE = METADATA.tables["people"]
MARIADB = os.environ.get("SEGMENTKIT_MARIADB_URL", "")
ENGINES = ["sqlite", *(["mariadb"] if MARIADB else [])]
QUESTIONS = [
    "any(orders)",
    "none(orders where cents > 5)",
    "count(orders in last 9 days) >= 3 and sum(visits.cents) > 5",
    "max(orders.cents) > 5 or count(visits) = 0",
    "median(orders.cents) > 5",
    "first(orders.cents) > 5",
    "last(orders.cents where cents > 2) > 5 and last(visits.at) < 3 days ago",
    "sum(orders.lines.cents) > 5",
    "any(orders where any(lines where cents > 5))",
    "any(orders where last(lines.cents) > 5)",
    "any(orders followed by visits)",
    "any(orders where cents > 5 followed by orders where cents < 2 within 1 day)",
    "any(orders preceded by visits within 1 day)",
    "count(orders not followed by visits where cents > 5 within 1 day) >= 2",
    "any(orders not preceded by visits)",
    "any(orders followed by visits within 1 day followed by orders within 1 day)",
    "any(orders not followed by visits not followed by orders)",
    "any(orders followed by orders.lines within 1 day)",
    "any(orders where any(lines followed by lines))",
    "last(orders.cents followed by visits) > 5",
    "sum(orders.cents where cents > 2 followed by visits) > 5",
    "top 10% by sum(orders.cents)",
]


@frozen
class Loop:
    """A table that a plan reads.

    Attributes:
        block: What is nested in one another stands in one block.
        text: How it is read, in the engine's words.
        whole: Whether it is read throughout.
        repeated: Whether the block is run again for each row of another.
    """

    block: Any
    text: str
    whole: bool
    repeated: bool


def products(loops: Sequence[Loop]) -> list[str]:
    """What is read throughout for each row of another table."""
    blocks: dict[Any, list[Loop]] = defaultdict(list)
    for loop in loops:
        blocks[loop.block].append(loop)
    return [
        loop.text
        for block in blocks.values()
        for place, loop in enumerate(block)
        if loop.whole and (place or loop.repeated)
    ]


def _of_sqlite(rows: Sequence[Any]) -> list[Loop]:
    told = {row[0]: (row[1], row[3]) for row in rows}

    def is_repeated(block: int) -> bool:
        while block in told:
            block, text = told[block]
            if text.startswith("CORRELATED"):
                return True
            if text.startswith(("MATERIALIZE", "LIST SUBQUERY")):
                return False
        return False

    return [
        Loop(parent, text, text.startswith("SCAN"), is_repeated(parent))
        for parent, text in told.values()
        if text.startswith(("SCAN", "SEARCH"))
    ]


_AGAIN = ("DEPENDENT SUBQUERY", "DEPENDENT UNION", "LATERAL DERIVED")


def _of_mariadb(rows: Sequence[Any]) -> list[Loop]:
    return [
        # What a hash join reads throughout it reads once.
        Loop(
            row[0], str(tuple(row)), row[3] == "ALL" and "BNLH" not in str(row[9]), row[1] in _AGAIN
        )
        for row in rows
    ]


@frozen
class Asked:
    """A database with tables, and nothing that helps to read them."""

    engine: sa.Engine
    words: str
    read: Callable[[Sequence[Any]], list[Loop]]

    def products(self, ask: Callable[[sa.Connection], object]) -> list[str]:
        """The products in the plans of what is asked."""
        return [found for plan in self.plans(ask) for found in products(self.read(plan))]

    def plans(self, ask: Callable[[sa.Connection], object], *settings: str) -> list[Sequence[Any]]:
        """The plans of what is asked."""
        sent: list[tuple[str, Any]] = []

        def note(*call: Any) -> None:
            sent.append((call[2], call[3]))

        with self.engine.connect() as connection:
            for setting in settings:
                connection.exec_driver_sql(setting)
            sa.event.listen(connection, "before_cursor_execute", note)
            ask(connection)
            sa.event.remove(connection, "before_cursor_execute", note)
            plans: list[Sequence[Any]] = [
                connection.exec_driver_sql(f"{self.words} {text}", values).all()
                for text, values in sent
                if not asks_planner(text)
            ]
            if settings:
                connection.invalidate()
        assert any(plans)
        return plans


@pytest.fixture(scope="module", params=ENGINES)
def asked(request: pytest.FixtureRequest) -> Iterator[Asked]:
    """Each engine that plans by row, with a few rows, so that no table is taken for empty."""
    here = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    name = f"plans_{uuid4().hex[:12]}"
    if request.param == "mariadb":
        admin = sa.create_engine(MARIADB)
        with admin.begin() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        here = sa.create_engine(sa.make_url(MARIADB).set(database=name))
    METADATA.create_all(here)
    with here.begin() as connection:
        for table in METADATA.sorted_tables:
            owner = [each for each in ("person", "order_id") if each in table.c]
            rows: list[dict[str, Any]] = [
                {"id": i, **({"at": NOON, "cents": i} if owner else {"age": i % 60})}
                | dict.fromkeys(owner, i % 40)
                for i in range(1, 401)
            ]
            connection.execute(table.insert(), rows)
    plain = request.param == "sqlite"
    words = "EXPLAIN QUERY PLAN" if plain else "EXPLAIN"
    yield Asked(here, words, _of_sqlite if plain else _of_mariadb)
    here.dispose()
    if not plain:
        with admin.begin() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        admin.dispose()


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("prefix", ["", "age < 20 and "])
def test_a_source_asks_for_no_product(asked: Asked, question: str, prefix: str) -> None:
    """Whatever is asked, no table is read throughout for each row of another."""
    segment = Segment.define("s", f"{prefix}({question})", SCHEMA)
    ways: list[Callable[[sql.Source], object]] = [
        lambda source: source.members(segment, as_of=NOON),
        lambda source: source.sizes([segment, ~segment], as_of=NOON),
    ]
    for way in ways:
        found = asked.products(lambda connection, way=way: way(sql.Source(connection, PEOPLE)))  # type: ignore[misc]
        assert not found


@pytest.mark.parametrize("question", [q for q in QUESTIONS if "follow" in q or "last" in q])
def test_a_predicate_is_no_product(asked: Asked, question: str) -> None:
    """In a query of the user's own, rows in order are asked for in the engine's shape, too."""
    segment = Segment.define("s", question, SCHEMA)
    query = sa.select(PEOPLE.c.id).where(sql.predicate(segment, PEOPLE, as_of=NOON))
    assert not asked.products(lambda connection: connection.execute(query).all())


@pytest.mark.skipif(not MARIADB, reason="no MariaDB")
@pytest.mark.parametrize("asked", ["mariadb"], indirect=True)
@pytest.mark.parametrize(
    "question", [q for q in QUESTIONS if "follow" in q and q.startswith(("any", "count"))]
)
def test_sorted_rows_are_not_looked_up(asked: Asked, question: str) -> None:
    """MariaDB does not look each row up among all that are sorted, which the disk may hold."""
    segment = Segment.define("s", question, SCHEMA)
    (plan,) = asked.plans(
        lambda connection: sql.Source(connection, PEOPLE).members(segment, as_of=NOON),
        "SET max_heap_table_size = 16384, tmp_memory_table_size = 1024",
    )
    read = {row[2]: row[3] for row in plan if str(row[2]).startswith("<derived")}
    assert set(read.values()) == {"ALL"}, plan


GROUPED = [
    "count(orders where cents > 5) >= 3",
    "sum(orders.cents) > 5",
    "median(orders.cents) > 5",
    "percentile(90, orders.cents) > 5",
    "mode(orders.cents) = 5",
    "max(orders.cents) > 5 or count(visits) = 0",
    "top 10% by sum(orders.cents)",
    "sum(orders.cents) > avg(sum(orders.cents) among everyone)",
]


@pytest.mark.parametrize("question", GROUPED)
def test_rows_are_grouped_by_a_scan(question: str) -> None:
    """SQLite does not walk through an index on the owner, from which it would look each row up."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    METADATA.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX of_person ON orders (person, at)")
        people = [{"id": i, "age": i % 60} for i in range(1, 41)]
        connection.execute(PEOPLE.insert(), people)
        rows = [{"id": i, "person": i % 40, "at": NOON, "cents": i} for i in range(400)]
        connection.execute(METADATA.tables["orders"].insert(), rows)
        connection.exec_driver_sql("ANALYZE")
        segment = Segment.define("s", question, SCHEMA)
        predicate = sa.select(PEOPLE.c.id).where(sql.predicate(segment, PEOPLE, as_of=NOON))
        source = sql.Source(connection, PEOPLE)
        ways: list[Callable[[], object]] = [
            lambda: source.members(segment, as_of=NOON),
            lambda: source.sizes([segment, ~segment], as_of=NOON),
            lambda: connection.execute(predicate).all(),
        ]
        for way in ways:
            plan = "\n".join(map(str, _planned(connection, way)))
            assert "SCAN orders" in plan
            assert not re.search("SCAN orders_. USING INDEX", plan), plan


@pytest.mark.parametrize("question", GROUPED)
def test_nobody_is_looked_up_once_a_row(question: str) -> None:
    """Without an index on rows, SQLite finds by a list whose they are, and not each by a key."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    METADATA.create_all(engine)
    segment = Segment.define("s", f"age > 5 and ({question})", SCHEMA)
    with engine.connect() as connection:
        source = sql.Source(connection, PEOPLE)
        plan = _planned(connection, lambda: source.members(segment, as_of=NOON))
    blocks: dict[int, list[str]] = defaultdict(list)
    for _, parent, _, text in plan:
        blocks[parent].append(text)
    for texts in blocks.values():
        first, *others = texts
        assert not (first.startswith("SCAN orders") and "SEARCH people" in str(others)), texts


def _planned(connection: sa.Connection, ask: Callable[[], object]) -> list[Any]:
    """The plans of SQLite of what is asked."""
    sent: list[tuple[str, Any]] = []
    listened = (connection, "before_cursor_execute", lambda *call: sent.append(call[2:4]))
    sa.event.listen(*listened)
    ask()
    sa.event.remove(*listened)
    return [
        row
        for text, values in sent
        if not asks_planner(text)
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
    ]


MANY_KEYS = [
    *QUESTIONS,
    "age > 40 or any(orders where cents > 5)",
    "age > 40 or none(orders)",
    "any(orders where cents > 5) or any(visits)",
    "none(orders) or none(visits)",
    "count(orders) <= 2 and none(visits)",
    "not (count(orders) >= 2 and any(visits))",
    "at least 2 of (any(orders), any(visits), age > 5)",
    "any(orders where none(lines))",
    "none(orders where cents > 5 or none(lines))",
    "count(orders where none(lines)) <= 3",
    "any(orders followed by visits where cents > 5) or age > 5",
    "any(orders where cents > 5 or not any(lines where cents > 2) followed by visits)",
    "sum(orders.cents) > avg(sum(orders.cents) among (any(visits) or age > 4))",
    "top 10% by age among (none(orders))",
]


POSTGRESQL = [each for each in DATABASES if each.name == "postgresql"]


def _of_many(url: sa.URL) -> sa.Engine:
    """A database of PostgreSQL with thousands of keys, of which it has no statistics."""
    owners = {
        "orders": ("person", 4_000),
        "visits": ("person", 4_000),
        "lines": ("order_id", 8_000),
    }
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    METADATA.create_all(engine)
    with engine.begin() as connection:

        def fill(table: str, columns: str, values: str, rows: int) -> None:
            # It would look for itself, at some time.
            connection.exec_driver_sql(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({columns}) SELECT {values}"
                f" FROM generate_series(1, {rows}) AS t (i)"
            )

        fill("people", "id, age", "i, mod(i, 60)", 4_000)
        for table, (owner, of) in owners.items():
            values = f"i, mod(i, {of}), timestamp '2026-04-01' + i * interval '1 minute', i"
            fill(table, f'id, {owner}, "at", cents', values, 2 * of)
    return engine


@pytest.fixture(scope="module", params=POSTGRESQL, ids=lambda database: database.name)
def with_little_memory(request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    """PostgreSQL with statistics, and more keys than fit into the memory that a hash may use."""
    with another(request.param) as url:
        engine = _of_many(url)
        with engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.exec_driver_sql("SET work_mem = '64kB'")
            connection.exec_driver_sql("SET hash_mem_multiplier = 1")
            yield connection
        engine.dispose()


@pytest.mark.parametrize("question", MANY_KEYS)
def test_no_key_is_compared_with_all_others(
    with_little_memory: sa.Connection, question: str
) -> None:
    """What PostgreSQL cannot hash, since keys are too many, it does not search for each key."""
    connection = with_little_memory
    segment = Segment.define("s", question, SCHEMA)
    source = sql.Source(connection, PEOPLE)
    query = sa.select(PEOPLE.c.id).where(sql.predicate(segment, PEOPLE, as_of=NOON))
    sent: list[tuple[str, Any]] = []
    listened = (connection, "before_cursor_execute", lambda *call: sent.append(call[2:4]))
    sa.event.listen(*listened)
    members = set(source.members(segment, as_of=NOON).keys)
    sizes = source.sizes([segment, ~segment], as_of=NOON)
    found = set(connection.scalars(query))
    sa.event.remove(*listened)
    assert found == members
    assert list(sizes.values()) == [len(found), 4_000 - len(found)]
    for text, values in sent:
        if not text.startswith("SELECT"):
            continue  # what a source asks the planner
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {text}", values).scalars())
        assert not re.search(r"(?<!hashed )SubPlan \d+\)", plan), plan


@pytest.mark.parametrize("question", GROUPED)
def test_a_source_groups_by_a_scan(with_little_memory: sa.Connection, question: str) -> None:
    """PostgreSQL with an index on the owner does not read all rows in its order, each by itself."""
    connection = with_little_memory
    segment = Segment.define("s", question, SCHEMA)
    limited = Segment.define("limited", "age > 1 and sum(orders.cents) > 5", SCHEMA)
    sent: list[tuple[str, Any]] = []
    listened = (connection, "before_cursor_execute", lambda *call: sent.append(call[2:4]))
    with connection.begin_nested() as savepoint:
        connection.exec_driver_sql("CREATE INDEX of_person ON orders (person)")
        # As of a table whose pages are spread, and which is taken for kept in memory.
        connection.exec_driver_sql("SET LOCAL random_page_cost = 0.1")
        source = sql.Source(connection, PEOPLE)
        sa.event.listen(*listened)
        source.members(segment, as_of=NOON)
        source.sizes([segment, ~segment], as_of=NOON)
        sa.event.remove(*listened)
        explained = source.explain(limited, as_of=NOON)
        plans = [
            "\n".join(connection.exec_driver_sql(f"EXPLAIN {text}", values).scalars())
            for text, values in sent
            if text.startswith("SELECT")
        ]
        savepoint.rollback()
    assert "-- PostgreSQL would join in the order of an index" in explained
    assert "GROUP BY greatest(" in explained
    assert plans
    for plan in plans:
        assert "Index Scan using of_person" not in plan, plan


CHAIN = " followed by visits where cents = 3 within 1 day followed by orders within 1 day" * 2


@pytest.mark.parametrize("database", POSTGRESQL, ids=lambda database: database.name)
def test_a_chain_is_no_product_without_statistics(database: Database) -> None:
    """However few rows PostgreSQL expects at the end of a chain, it does not read all for each."""
    segment = Segment.define("s", f"any(orders where cents = 3{CHAIN})", SCHEMA)
    sent: list[tuple[str, Any]] = []
    with another(database) as url:
        engine = _of_many(url)
        with engine.connect() as connection:
            sa.event.listen(
                connection, "before_cursor_execute", lambda *call: sent.append(call[2:4])
            )
            sql.Source(connection, PEOPLE).members(segment, as_of=NOON)
            text, values = next(each for each in sent if each[0].startswith("SELECT"))
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {text}", values).scalars())
        engine.dispose()
    assert "Semi Join" in plan
    assert "Nested Loop Semi Join" not in plan, plan


FORMS = {
    1: ("2026-04-01 10:00:00.000000", "2026-04-01T11:00:00"),
    2: ("2026-04-01T10:00:00", "2026-04-01 09:00:00"),
    3: ("2026-04-01 10:00:00", "2026-04-01 10:00:00.000000"),
    4: ("2026-04-01 10:00", "2026-04-02T09:59:59.5"),
    5: ("2026-04-01T10:00:00.000000", "2026-04-02 10:00:00.000001"),
    6: ("2026-04-01T09:00:00", "2026-04-01 10:00:00"),
}
"""Instants of two orders of a person each, as different programs write them."""


@pytest.mark.parametrize(
    ("definition", "members"),
    [
        ("any(orders followed by orders within 1 day)", [1, 2, 4, 6]),
        ("any(orders where cents = 1 followed by orders within 1 day)", [1, 4, 6]),
        ("any(orders where cents = 2 preceded by orders within 1 day)", [1, 4, 6]),
        ("any(orders where cents = 1 not followed by orders)", [2, 3]),
        ("last(orders.cents) = 2", [1, 3, 4, 5, 6]),
        ("first(orders.cents) = 2", [2]),
        ("max(orders.at) = 2026-04-01T10:00", [2, 3, 6]),
        ("min(orders.at) = 2026-04-01T09:00", [2, 6]),
        ("max(orders.at) - min(orders.at) = 1 hour", [1, 2, 6]),
    ],
)
def test_rows_in_order_however_they_are_written(definition: str, members: list[int]) -> None:
    """On SQLite, which keeps texts, what comes after what depends on the instants alone."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    METADATA.create_all(engine)
    rows = [
        (2 * person + place, person, at, place + 1)
        for person, both in FORMS.items()
        for place, at in enumerate(both)
    ]
    segment = Segment.define("s", definition, SCHEMA)
    test = sql.predicate(segment, PEOPLE, as_of=NOON)
    with engine.begin() as connection:
        connection.execute(PEOPLE.insert(), [{"id": each, "age": 0} for each in FORMS])
        for row in rows:
            connection.exec_driver_sql(
                "INSERT INTO orders (id, person, at, cents) VALUES (?, ?, ?, ?)", row
            )
        assert sorted(sql.Source(connection, PEOPLE).members(segment, as_of=NOON)) == members
        assert sorted(connection.scalars(sa.select(PEOPLE.c.id).where(test))) == members
        # What stands at the head of a query does so in other statements, too.
        connection.execute(PEOPLE.update().where(test).values(age=9))
        connection.execute(PEOPLE.delete().where(PEOPLE.c.age == 9, test))
        left = [each for each in FORMS if each not in members]
        assert sorted(connection.scalars(sa.select(PEOPLE.c.id))) == left
    engine.dispose()
