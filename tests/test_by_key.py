"""A source asks PostgreSQL's planner, and asks of one segment in the shape that suits its indexes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from segmentkit import Segment
from segmentkit.sqlalchemy import Source, members, planner, schema_from
from tests.commands import Run
from tests.targets.databases import postgresql_url

AS_OF = datetime(2026, 5, 1, tzinfo=UTC)
METADATA = sa.MetaData()
REGIONS = sa.Table(
    "by_key_regions",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("no", sa.Integer),
)
PEOPLE = sa.Table(
    "by_key_people",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("score", sa.Integer),
    sa.Column("region_id", sa.ForeignKey(REGIONS.c.id)),
)
ORDERS = sa.Table(
    "by_key_orders",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person", sa.ForeignKey(PEOPLE.c.id)),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("cents", sa.Integer),
)
VISITS = sa.Table(
    "by_key_visits",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person", sa.ForeignKey(PEOPLE.c.id)),
)
SCHEMA = schema_from(PEOPLE, events={ORDERS.name: {"at": "at"}})
FEW, MANY = "score < 30", "score < 900"
SPENT = f'sum({ORDERS.name}.cents in last 60 days where status = "paid") > 100'
INDEX = sa.Index("by_key_index", ORDERS.c.person)
COVERING = sa.Index("by_key_index", *(ORDERS.c[n] for n in ("person", "at", "status", "cents")))
OF_TIME = sa.Index("by_key_index", ORDERS.c.at, ORDERS.c.person)
ORDERS.indexes.clear()
VISIBLE = "SELECT relallvisible, relpages FROM pg_class WHERE relname = 'by_key_orders'"
SIZE = 5_000
ROWS = f"""
CREATE TABLE by_key_regions (id integer PRIMARY KEY, no integer);
CREATE TABLE by_key_people (id integer PRIMARY KEY, score integer, region_id integer REFERENCES by_key_regions);
CREATE TABLE by_key_orders
    (id integer PRIMARY KEY, person integer REFERENCES by_key_people, at timestamp, status varchar, cents integer);
CREATE TABLE by_key_visits (id integer PRIMARY KEY, person integer REFERENCES by_key_people);
SELECT setseed(0.5);
INSERT INTO by_key_regions SELECT i, i FROM generate_series(0, 999) i;
INSERT INTO by_key_people
    SELECT i, CASE WHEN random() < 0.7 THEN mod(i, 1000) END, mod(i, 1000)
    FROM generate_series(0, {SIZE - 1}) i;
INSERT INTO by_key_orders
    SELECT i, CASE WHEN random() < 0.9 THEN floor(random() * {SIZE}) END,
        timestamp '2026-05-03' - random() * interval '92 days',
        CASE WHEN random() < 0.5 THEN 'paid' ELSE 'refunded' END,
        CASE floor(random() * 4) WHEN 0 THEN 10 WHEN 1 THEN 60 WHEN 2 THEN 200 END
    FROM generate_series(1, {SIZE * 20}) i;
INSERT INTO by_key_visits
    SELECT i, floor(random() * {SIZE}) FROM generate_series(1, {SIZE}) i
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    """People and their orders in PostgreSQL."""
    engine = sa.create_engine(postgresql_url())
    METADATA.drop_all(engine)
    for statement in ROWS.split(";"):
        _run(engine, statement)
    yield engine
    METADATA.drop_all(engine)
    engine.dispose()


@contextmanager
def _indexed(engine: sa.Engine, index: sa.Index | None) -> Iterator[None]:
    if index is not None:
        index.create(engine)
    # Whoever looks at the same time, such as PostgreSQL's own autovacuum, keeps rows from being
    # marked as visible to all, without which no index is enough alone.
    for _ in range(50):
        _run(engine, "VACUUM ANALYZE")
        with engine.connect() as connection:
            seen, pages = connection.exec_driver_sql(VISIBLE).one()
        if seen >= pages:
            break
        time.sleep(0.1)
    try:
        yield
    finally:
        if index is not None:
            index.drop(engine)


def _run(engine: sa.Engine, text: str) -> None:
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(text)


def _define(text: str) -> Segment:
    return Segment.define(None, text, SCHEMA)


@contextmanager
def _sent(engine: sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent, with their parameters."""
    found: list[tuple[str, Any]] = []

    def keep(_: Any, __: Any, text: str, parameters: Any, *___: Any) -> None:
        found.append((text, parameters))

    sa.event.listen(engine, "before_cursor_execute", keep)
    yield found
    sa.event.remove(engine, "before_cursor_execute", keep)


def _plan(engine: sa.Engine, segment: Segment) -> str:
    """The database's plan of the statement that a source sends for a segment."""
    with _sent(engine) as sent:
        Source(engine, PEOPLE).members(segment, as_of=AS_OF)
    text, parameters = sent[-1]
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN {text}", parameters)
        return "\n".join(line for (line,) in found)


def _told(bind: Any, text: str) -> str:
    return Source(bind, PEOPLE).explain(_define(text), as_of=AS_OF)


LOOKED_UP = "those who pass the tests of attributes; of each, the rows that an index finds"
JOINED = "those who pass the tests of attributes, joined to their rows and grouped"
DEFINITIONS = [
    SPENT,
    f"{FEW} and {SPENT}",
    f"{MANY} and {SPENT}",
    f"not ({FEW}) and count({ORDERS.name}) >= 12 and {SPENT}",
    f"{FEW} and count({ORDERS.name}) >= 8 and not ({SPENT})",
    f"{FEW} and avg({ORDERS.name}.cents) > 60",
    f"score is missing and max({ORDERS.name}.cents) = 200 and any({VISITS.name})",
    f"{FEW} and {SPENT} and count({VISITS.name}) < 2",
    f"{FEW} and (count({ORDERS.name}) > 12 or min({ORDERS.name}.cents) > 10)",
    f"{FEW} and count({ORDERS.name}) = 0",
]


@pytest.mark.parametrize("index", [None, INDEX, COVERING, OF_TIME])
def test_the_members_are_the_same(engine: sa.Engine, index: sa.Index | None) -> None:
    """With and without indexes, a source has the members of the statement that looks at nothing."""
    with _indexed(engine, index), engine.connect() as connection:
        source = Source(connection, PEOPLE)
        for text in DEFINITIONS:
            segment = _define(text)
            alone = sorted(connection.scalars(members(segment, PEOPLE, as_of=AS_OF)))
            assert sorted(source.members(segment, as_of=AS_OF)) == alone, text
            assert source.count(segment, as_of=AS_OF) == len(alone), text
            assert alone or "= 0" in text
            some = {key: source.contains(segment, key, as_of=AS_OF) for key in (alone or [1])[:2]}
            assert all(some.values()) == bool(alone)


def test_few_customers_are_looked_up_by_an_index(engine: sa.Engine) -> None:
    """With an index on the owner, orders of one customer in a hundred are not read as a whole."""
    with _indexed(engine, INDEX):
        plan = _plan(engine, _define(f"{FEW} and {SPENT}"))
        assert "by_key_index" in plan
        assert f"Seq Scan on {ORDERS.name}" not in plan
        assert LOOKED_UP in _told(engine, f"{FEW} and {SPENT}")


@pytest.mark.parametrize("index", [INDEX, None, OF_TIME], ids=["owner", "none", "time"])
def test_many_customers_are_joined(engine: sa.Engine, index: sa.Index | None) -> None:
    """With an index or none, the orders of most customers are read in one scan."""
    with _indexed(engine, index):
        assert "SubPlan" not in _plan(engine, _define(f"{MANY} and {SPENT}"))
        assert JOINED in _told(engine, f"{MANY} and {SPENT}")


def test_a_covering_index_is_enough(engine: sa.Engine) -> None:
    """An index with all that is read answers alone."""
    with _indexed(engine, COVERING):
        plan = _plan(engine, _define(f"score < 100 and {SPENT}"))
        assert "Index Only Scan using by_key_index" in plan


@pytest.mark.parametrize(
    "index",
    [
        "",
        "CREATE INDEX ON by_key_orders (at, person)",
        "CREATE INDEX ON by_key_orders (person) WHERE status = 'paid' AND cents > 0",
        "CREATE INDEX ON by_key_orders ((person + 1))",
        "CREATE INDEX ON by_key_orders (person); ALTER TABLE by_key_people ALTER id TYPE numeric",
        "CREATE INDEX ON by_key_orders (person); SET LOCAL enable_indexscan = off; "
        "SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off",
        "CREATE INDEX ON by_key_orders (person); "
        "CREATE TEMP TABLE by_key_orders AS SELECT * FROM by_key_orders; ANALYZE by_key_orders",
    ],
)
def test_what_is_no_index_of_customers_is_not_one(engine: sa.Engine, index: str) -> None:
    """Where each customer's orders would be a scan of many, they are joined."""
    with _indexed(engine, None), engine.connect() as connection:
        for statement in filter(None, index.split(";")):
            connection.exec_driver_sql(statement)
        assert "has no index for" in _told(connection, f"{FEW} and {SPENT}")
        connection.rollback()


def test_other_schemas_have_other_indexes(engine: sa.Engine) -> None:
    """The planner is asked of the tables that the statement is sent to."""
    with _indexed(engine, INDEX), engine.connect() as connection:
        connection.exec_driver_sql("CREATE SCHEMA by_key_other")
        for table in (REGIONS, PEOPLE, ORDERS, VISITS):
            connection.exec_driver_sql(
                f"CREATE TABLE by_key_other.{table.name} AS SELECT * FROM {table.name}"
            )
        text = f"{FEW} and {SPENT}"
        assert LOOKED_UP in _told(connection, text)
        there = connection.execution_options(schema_translate_map={None: "by_key_other"})
        assert "has no index for" in _told(there, text)
        plain = connection.execution_options(schema_translate_map=None)
        plain.exec_driver_sql("SET LOCAL search_path TO by_key_other")
        assert "has no index for" in _told(plain, text)
        connection.rollback()


def test_tests_beyond_links_are_joined(engine: sa.Engine) -> None:
    """The rows would be looked up before it is known how few customers pass."""
    with _indexed(engine, INDEX):
        assert JOINED in _told(engine, f"region.no < 10 and {SPENT}")


def test_the_users_statements_ask_nothing(engine: sa.Engine) -> None:
    """A source asks the planner on its connection; statements of the user's own are sent alone."""
    segment = _define(f"{FEW} and {SPENT}")
    with _indexed(engine, INDEX), _sent(engine) as sent:
        Source(engine, PEOPLE).count(segment, as_of=AS_OF)
        assert sum(text.startswith("EXPLAIN") for text, _ in sent) == 3
        sent.clear()
        assert Source(engine, PEOPLE).contains(segment, 3, as_of=AS_OF) in (True, False)
        with engine.connect() as connection:
            connection.scalars(members(segment, PEOPLE, as_of=AS_OF)).all()
        assert len(sent) == 2


def test_what_the_planner_does_not_say_is_not_known(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the planner cannot be asked, rows are joined, and the transaction goes on."""
    monkeypatch.setattr(planner, "_Explain", lambda _: sa.text("SELECT nothing FROM nowhere"))
    segment = _define(f"{FEW} and {SPENT}")
    with _indexed(engine, INDEX), engine.connect() as connection:
        connection.execute(PEOPLE.insert(), [{"id": SIZE + 1, "score": 1}])
        found = Source(connection, PEOPLE).members(segment, as_of=AS_OF)
        assert sorted(found) == sorted(connection.scalars(members(segment, PEOPLE, as_of=AS_OF)))
        assert connection.scalar(sa.select(PEOPLE.c.id).where(PEOPLE.c.id > SIZE)) == SIZE + 1
        connection.rollback()


def test_other_ways_to_ask(engine: sa.Engine) -> None:
    """Aliases, conditions on customers, sessions, and connections that commit by themselves."""
    segment = _define(f"{FEW} and {SPENT}")
    with _indexed(engine, INDEX):
        expected = sorted(Source(engine, PEOPLE).members(segment, as_of=AS_OF))
        alias = PEOPLE.alias("others")
        assert sorted(Source(engine, alias).members(segment, as_of=AS_OF)) == expected
        even = Source(engine, PEOPLE, where=PEOPLE.c.id % 2 == 0)
        assert sorted(even.members(segment, as_of=AS_OF)) == [k for k in expected if k % 2 == 0]
        with Session(engine) as session:
            assert sorted(Source(session, PEOPLE).members(segment, as_of=AS_OF)) == expected
        committing = engine.execution_options(isolation_level="AUTOCOMMIT")
        assert sorted(Source(committing, PEOPLE).members(segment, as_of=AS_OF)) == expected
        assert LOOKED_UP in _told(committing, f"{FEW} and {SPENT}")
        streaming = engine.execution_options(stream_results=True)
        assert sorted(Source(streaming, PEOPLE).members(segment, as_of=AS_OF)) == expected
        with engine.connect() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            assert sorted(Source(connection, PEOPLE).members(segment, as_of=AS_OF)) == expected
            assert LOOKED_UP in _told(connection, f"{FEW} and {SPENT}")


def test_explain_plan_says_why(engine: sa.Engine, tmp_path: Path, run: Run) -> None:
    """On the command line, too."""
    file = tmp_path / "segments.toml"
    quoted = f"{FEW} and {SPENT}".replace('"', '\\"')
    file.write_text(
        f'language = 1\n[schema]\nentity = "{PEOPLE.name}"\nevents.{ORDERS.name} = {{ at = "at" }}\n'
        f'[segments.spenders]\nwhere = "{quoted}"\n'
    )
    url = engine.url.render_as_string(hide_password=False)
    with _indexed(engine, INDEX):
        found = run("explain-plan", str(file), "spenders", "--url", url, "--as-of", "2026-05-01")
    assert f"-- {LOOKED_UP}" in found.out
    assert f"-- PostgreSQL expects: to look up the {ORDERS.name} of " in found.out
