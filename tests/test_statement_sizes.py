"""Statements too large for a database: several in their place, or a refusal by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from attrs import evolve
from sqlalchemy.pool import StaticPool

from segmentkit import (
    DATE,
    INTEGER,
    TIMESTAMP,
    Attribute,
    Entity,
    Partition,
    Schema,
    Segment,
    Trait,
    UnsupportedError,
)
from segmentkit import pandas as frames
from segmentkit.sqlalchemy import Source, labels, members, prepare, schema_from, values
from segmentkit.sqlalchemy.dialects import statement_sizes
from segmentkit.sqlalchemy.dialects.dialect import dialect_of
from tests.targets.databases import postgresql_url

AS_OF = datetime(2026, 5, 1, tzinfo=UTC)
PEOPLE = sa.Table(
    "size_people",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("age", sa.Integer),
    sa.Column("joined", sa.DateTime),
    sa.Column("seen", sa.DateTime),
)
SCHEMA = schema_from(PEOPLE, time_zone="Europe/Berlin")
ROWS: list[dict[str, Any]] = [
    {
        "id": i,
        "age": i % 90,
        "joined": datetime(2026, 3, 28, 12) + timedelta(hours=7 * i),
        "seen": datetime(2026, 3, 28, 23, 30) + timedelta(hours=7 * i + i % 5),
    }
    for i in range(60)
]
LATE = {
    f"late_{hours}": Segment.define(None, f"day(seen) < joined + {hours} hours", SCHEMA)
    for hours in range(5)
}
"""Each is a search among the days on which Berlin's clocks change: on SQLite 4 parameters, 23 kB."""


@pytest.fixture
def engine() -> Iterator[sa.Engine]:
    """People in SQLite, on one connection whose limits can be set."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        PEOPLE.create(connection)
        connection.execute(PEOPLE.insert(), ROWS)
    yield engine
    engine.dispose()


def _limited(engine: sa.Engine, limit: int, most: int) -> None:
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.setlimit(limit, most)


@contextmanager
def _sent(engine: sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent, with their parameters."""
    found: list[tuple[str, Any]] = []

    def keep(_: Any, __: Any, text: str, parameters: Any, *___: Any) -> None:
        found.append((text, parameters))

    sa.event.listen(engine, "after_cursor_execute", keep)
    yield found
    sa.event.remove(engine, "after_cursor_execute", keep)


def _by_frames() -> frames.Source:
    return frames.Source({PEOPLE.name: pd.DataFrame(ROWS)})


@pytest.mark.parametrize(
    ("limit", "most"),
    [(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 12), (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 60_000)],
    ids=["parameters", "length"],
)
def test_many_definitions_are_split(engine: sa.Engine, limit: int, most: int) -> None:
    """Definitions that are too large together are asked in as many statements as it takes."""
    _limited(engine, limit, most)
    source = Source(engine, PEOPLE)
    expected = _by_frames().evaluate(LATE, as_of=AS_OF)
    with _sent(engine) as sent:
        found = source.evaluate(LATE, as_of=AS_OF)
    assert len(sent) > 1
    assert (found.frame.sort_index() == expected.frame.sort_index()).all(axis=None)
    assert dict(source.sizes(LATE, as_of=AS_OF)) == dict(expected.sizes())
    pd.testing.assert_frame_equal(source.overlap(LATE, as_of=AS_OF), expected.overlap())
    assert source.explain(LATE, as_of=AS_OF).count("SELECT") > len(sent)


def test_one_definition_is_refused_by_name(engine: sa.Engine) -> None:
    """A definition that is too large alone is named, and others are answered without it."""
    _limited(engine, sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 3)
    source = Source(engine, PEOPLE)
    both = {"late": LATE["late_1"], "old": Segment.define(None, "age > 60", SCHEMA)}
    told = "SQLite takes at most 3 parameters in one statement, and this one has 4"
    with pytest.raises(UnsupportedError, match=f"(?s)late.*{told}"):
        source.evaluate(both, as_of=AS_OF)
    for ask in (source.members, source.count, source.explain):
        with pytest.raises(UnsupportedError, match=told):
            ask(both["late"], as_of=AS_OF)
    with pytest.raises(UnsupportedError, match=told):
        source.overlap(both, as_of=AS_OF)
    found = source.evaluate(both, as_of=AS_OF, skip_broken=True)
    assert found.names == ("old",)
    # Only a source's questions are counted.
    with engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="too many"):
        connection.execute(sa.select(sa.literal(1).in_(range(2_000))))


def test_queries_are_counted_on_an_engine_that_is_prepared(engine: sa.Engine) -> None:
    """What `members`, `values` and `labels` make is refused by name, too; nothing else is counted."""
    late, day = LATE["late_1"], Trait.define("day", "day(seen + 1 hour)", SCHEMA)
    queries = [
        members(late, PEOPLE, as_of=AS_OF),
        values([day], PEOPLE, segment=late, as_of=AS_OF),
        labels(Partition.define("p", {"late": late}, rest="others"), PEOPLE, as_of=AS_OF),
    ]
    prepare(engine)
    with engine.connect() as connection:
        found = [connection.execute(query).all() for query in queries]
    assert len(found[0]) == len(found[1]) < len(found[2]) == len(ROWS)
    _limited(engine, sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 3)
    with engine.connect() as connection:
        for query in queries:
            with pytest.raises(UnsupportedError, match="SQLite takes at most 3 parameters"):
                connection.execute(query)
        with pytest.raises(sa.exc.OperationalError, match="too many"):
            connection.execute(sa.select(sa.literal(1).in_(range(9))))


def test_the_way_out_leads_there(engine: sa.Engine) -> None:
    """Parts of a definition that is too large are segments whose members combine."""
    _limited(engine, sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 8)
    source = Source(engine, PEOPLE)
    whole = LATE["late_1"] & ~LATE["late_3"] | LATE["late_4"]
    with pytest.raises(UnsupportedError, match="segments of their own and combine their members"):
        source.members(whole, as_of=AS_OF)
    one, three, four = (source.members(LATE[f"late_{hours}"], as_of=AS_OF) for hours in (1, 3, 4))
    assert set((one - three) | four) == set(_by_frames().members(whole, as_of=AS_OF))


# The lowest SQLAlchemy leaves the cursor open of what is refused before it is sent.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_postgresql_takes_65535_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its driver sends no more; what would take more is split, and the transaction goes on."""
    engine = sa.create_engine(postgresql_url())
    row = dialect_of(engine.dialect)
    assert row.parameters is not None
    expected = _by_frames().evaluate(LATE, as_of=AS_OF)
    with engine.connect() as connection:
        PEOPLE.create(connection)
        connection.execute(PEOPLE.insert(), ROWS)
        source = Source(connection, PEOPLE)
        # So many as to reach the true limit take the database a minute.
        monkeypatch.setattr(statement_sizes, "dialect_of", lambda _: evolve(row, parameters=300))
        with _sent(engine) as sent:
            found = source.evaluate(LATE, as_of=AS_OF)
        assert len(sent) > 1
        assert (found.frame.sort_index() == expected.frame.sort_index()).all(axis=None)
        monkeypatch.setattr(statement_sizes, "dialect_of", lambda _: evolve(row, parameters=250))
        with pytest.raises(UnsupportedError, match="PostgreSQL takes at most 250 parameters"):
            source.members(LATE["late_1"], as_of=AS_OF)
        connection.execute(sa.select(sa.literal_column("1").in_(range(row.parameters))))
        with pytest.raises(sa.exc.OperationalError, match="number of parameters"):
            connection.execute(sa.select(sa.literal_column("1").in_(range(row.parameters + 1))))
        connection.rollback()
    engine.dispose()


def _nested(depth: int) -> str:
    return (
        "age > 3"
        if not depth
        else f"(id > {depth} {('and', 'or')[depth % 2]} {_nested(depth - 1)})"
    )


@pytest.fixture
def shallow(engine: sa.Engine) -> sa.Engine:
    """SQLite that takes expressions of a few levels only."""
    _limited(engine, sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 12)
    return engine


def test_what_is_too_complex_is_refused_by_name(shallow: sa.Engine) -> None:
    """How deep a statement nests, only the database knows; it says so, and others are answered."""
    deep = Segment.define("deep", _nested(12), SCHEMA)
    old = Segment.define("old", "age > 60", SCHEMA)
    source = Source(shallow, PEOPLE)
    told = r"too complex for SQLite \(Expression tree is too large\)"
    for ask in (source.members, source.count, source.evaluate, source.sizes):
        with pytest.raises(UnsupportedError, match=f"segment 'deep': .*{told}"):
            ask(deep, as_of=AS_OF)
    found = source.evaluate({"deep": deep, "old": old}, as_of=AS_OF, skip_broken=True)
    assert (found.names, list(found.broken)) == (("old",), ["deep"])
    prepare(shallow)
    with shallow.connect() as connection, pytest.raises(UnsupportedError, match=told):
        connection.execute(members(deep, PEOPLE, as_of=AS_OF))


@pytest.mark.parametrize("value", ["month(seen)", "hour(seen)", "weekday(seen)", "year(seen)"])
def test_what_is_looked_for_in_a_list_is_computed_once(value: str) -> None:
    """However long the list, the search among clock changes is written as often as for one."""

    def length(options: list[int]) -> int:
        text = f"{value} in ({', '.join(map(str, options))})"
        segment = Segment.define(None, text, SCHEMA)
        return len(str(members(segment, PEOPLE, as_of=AS_OF)))

    assert length(list(range(1, 12))) <= length([1, 2]) + 200


CLOCKS = Schema(
    [
        Entity(
            "size_people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("at", TIMESTAMP, nullable=True, zone="Europe/Kyiv"),
                Attribute("seen", TIMESTAMP, nullable=True),
                Attribute("born", DATE, nullable=True),
            ],
        )
    ],
    time_zone="America/New_York",
)
CLOCKED = sa.Table(
    "size_people",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.DateTime),
    sa.Column("seen", sa.DateTime),
    sa.Column("born", sa.Date),
)
CHOSEN = (
    "hour(default(at, seen)) = 3",
    "hour(default(default(at, seen), case when id > 3 then seen else at end)) = 3",
    "hour(default(at, seen) - 3 days + 1 hour) > 4",
    "day(at) + 1 month < seen",
    "day(default(at, seen)) + 1 month < seen",
    "default(day(at), born) + 3 days < seen",
    "default(day(at), 2026-01-01) + 1 month < seen",
)


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgresql", "mysql"])
@pytest.mark.parametrize("text", CHOSEN)
def test_clocks_of_times_that_are_chosen_are_looked_up_once_a_branch(
    dialect: str, text: str
) -> None:
    """No step of one clock stands beside each step of another."""
    chosen = Segment.define(None, text, CLOCKS)
    query = members(chosen, CLOCKED, as_of=AS_OF)
    assert len(str(query.compile(dialect=sa.dialects.registry.load(dialect)()))) < 300_000


def test_what_would_take_a_clock_within_a_clock_is_refused_by_name() -> None:
    """Where nothing can have a name, its text is not multiplied until the memory is full."""
    nested = Segment.define(None, "day(at + 1 hour) + 1 month + 3 days < seen", CLOCKS)
    query = members(nested, CLOCKED, as_of=AS_OF)
    with pytest.raises(UnsupportedError, match="keep what the clock shows in a column"):
        query.compile(dialect=sa.dialects.registry.load("mysql")())
    assert len(str(query.compile(dialect=sa.dialects.registry.load("postgresql")()))) < 300_000
