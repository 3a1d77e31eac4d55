"""What only MariaDB has: collations, modes of SQL, its types; asked by the nox session "mariadb"."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import define

from segmentkit import BOOLEAN, KeyList, Schema, Segment, UnsupportedError
from segmentkit._language.formatter import format_value
from segmentkit.sqlalchemy import Source, members, predicate, schema_from
from tests.targets.databases import mariadb_url

AS_OF = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def url() -> Iterator[sa.URL]:
    """A database of its own for a test."""
    name = f"segmentkit_own_{os.getpid()}"
    server = sa.create_engine(mariadb_url())
    with server.begin() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield server.url.set(database=name)
    with server.begin() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")
    server.dispose()


@pytest.fixture
def engine(url: sa.URL) -> Iterator[sa.Engine]:
    """An engine on it."""
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


def _run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@define
class Asked:
    """A table of a database, and its rows as records."""

    engine: sa.Engine
    table: sa.Table
    schema: Schema
    records: list[dict[str, Any]]

    @classmethod
    def of(cls, engine: sa.Engine, table: sa.Table | str) -> Asked:
        """A table, or one that is reflected."""
        if isinstance(table, str):
            table = sa.Table(table, sa.MetaData(), autoload_with=engine)
        schema = schema_from(table)
        with engine.connect() as connection:
            rows = connection.execute(sa.select(table)).mappings().all()
        flags = {a.name for a in schema.entity.attributes if a.dtype == BOOLEAN}
        records = [
            {n: bool(v) if n in flags and v is not None else v for n, v in row.items()}
            for row in rows
        ]
        return cls(engine, table, schema, records)

    def members(self, definition: str) -> list[Any]:
        """The members, which must be those of the same rows one by one."""
        segment = Segment.define("s", definition, self.schema)
        with self.engine.connect() as connection:
            found = sorted(connection.scalars(members(segment, self.table, as_of=AS_OF)))
        matches = segment.matcher(as_of=AS_OF)
        assert found == sorted(r["id"] for r in self.records if matches(r)), definition
        return found

    def plan(self, definition: str) -> list[tuple[Any, Any]]:
        """How the database gets at each table, and by which index."""
        segment = Segment.define("s", definition, self.schema)
        query = members(segment, self.table, as_of=AS_OF)
        compiled = query.compile(self.engine, compile_kwargs={"render_postcompile": True})
        with self.engine.connect() as connection:
            explained = connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params)
            return [(row.type, row.key) for row in explained]


# -- texts --------------------------------------------------------------------------------------

COLLATIONS = [
    "utf8mb4_general_ci",
    "utf8mb4_unicode_ci",
    "utf8mb4_bin",
    "utf8mb4_nopad_bin",
    "utf8mb3_general_ci",
    "ucs2_general_ci",
    "latin1_swedish_ci",
    "latin1_bin",
    "ascii_general_ci",
]
TEXTS = [
    "",
    " ",
    "a",
    "A",
    "a ",
    "á",
    "Á",
    "ab",
    "AB",
    "Київ",
    "київ",
    "😀",
    "😁",
    "\ufffd",
    "'",
    "\\",
]
TEXTS += ["\\'", '"', "%", "a_b", "?", "a\nb", "\x00"]
TESTS = [
    "t = {}",
    "t != {}",
    "{} = t",
    't in ({}, "ab")',
    't not in ({}, "ab")',
    "t contains {}",
    "t not contains {}",
    "t starts with {}",
    "t not starts with {}",
    "t ends with {}",
    "t not ends with {}",
    'default(t, {}) = "a"',
]


@pytest.fixture(params=COLLATIONS)
def texts(engine: sa.Engine, request: pytest.FixtureRequest) -> sa.Table:
    """A table with a column of each collation that holds all the texts that it can."""
    charset = request.param.partition("_")[0]
    columns = f"t VARCHAR(20) CHARACTER SET {charset} COLLATE {request.param}, INDEX (t)"
    _run(engine, f"CREATE TABLE texts (id INT PRIMARY KEY AUTO_INCREMENT, {columns})")
    table = sa.Table(
        "texts",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("t", sa.String),
    )
    with engine.begin() as connection:
        connection.execute(table.insert(), [{"t": None}])
        for text in TEXTS:
            try:
                with connection.begin_nested():
                    connection.execute(table.insert(), [{"t": text}])
            except sa.exc.DBAPIError:
                pass  # the character set has no such letters
    return table


@pytest.mark.parametrize("reflected", [False, True])
def test_texts_are_exact_in_every_collation(
    engine: sa.Engine, texts: sa.Table, reflected: bool
) -> None:
    """Case, accents, spaces at the end and letters that a column lacks all make a difference."""
    asked = Asked.of(engine, "texts" if reflected else texts)
    for text in TEXTS:
        for test in TESTS:
            asked.members(test.format(format_value(text)))


def test_columns_of_different_collations_are_compared_exactly(engine: sa.Engine) -> None:
    """Two columns are compared by code point, whatever the collations of each."""
    columns = [
        f"{c} VARCHAR(20) CHARACTER SET {c.partition('_')[0]} COLLATE {c}" for c in COLLATIONS
    ]
    values = ["('a', 'A')", "('a', 'a')", "('a ', 'a')", "('', ' ')"]
    _run(engine, f"CREATE TABLE texts (id INT PRIMARY KEY AUTO_INCREMENT, {', '.join(columns)})")
    for a, b in permutations(COLLATIONS, 2):
        _run(engine, f"INSERT INTO texts ({a}, {b}) VALUES {', '.join(values)}")
    asked = Asked.of(engine, "texts")
    for a, b in permutations(COLLATIONS, 2):
        for test in ("{} = {}", "{} != {}", '{} = {} or {} = "a"', 'default({}, {}) = "a"'):
            asked.members(test.format(a, b, a))


def test_distinct_texts_and_ties_are_exact(engine: sa.Engine) -> None:
    """What is distinct, and which of two texts comes first, goes by code points."""
    _run(
        engine,
        "CREATE TABLE people (id INT PRIMARY KEY)",
        "CREATE TABLE visits (person_id INT REFERENCES people (id), at DATETIME, page VARCHAR(9))",
        "INSERT INTO people VALUES (1), (2)",
        "INSERT INTO visits VALUES (1, '2026-01-01', 'a'), (1, '2026-01-01', 'A'),"
        " (1, '2026-01-01', 'a '), (1, '2026-01-01', 'á'), (2, '2026-01-01', 'b')",
    )
    schema = schema_from(engine, "people", events={"visits": {"key": "person_id", "at": "at"}})
    metadata = sa.MetaData()
    metadata.reflect(engine)
    for definition in (
        "count(distinct visits.page) = 4",
        'first(visits.page) = "A"',
        'last(visits.page) = "á"',
        'count(distinct visits.page where page starts with "a") = 2',
    ):
        segment = Segment.define("s", definition, schema)
        query = members(segment, metadata.tables["people"], as_of=AS_OF)
        with engine.connect() as connection:
            assert connection.scalars(query).all() == [1], definition


def test_a_negated_predicate_stays_exact(engine: sa.Engine, texts: sa.Table) -> None:
    """SQLAlchemy's own negation compares by code point too."""
    segment = Segment.define("s", 't = "a"', schema_from(texts))
    query = sa.select(sa.func.count()).where(~predicate(segment, texts))
    everyone = sa.select(sa.func.count()).where(texts.c.t.is_not(None))
    with engine.connect() as connection:
        assert connection.scalar(query) == connection.scalar(everyone) - 1


def test_a_server_that_is_called_mysql(url: sa.URL) -> None:
    """MariaDB is known by what it says of itself, not by the name in the URL."""
    engine = sa.create_engine(url.set(drivername="mysql+pymysql"))
    _run(
        engine,
        "CREATE TABLE texts (id INT PRIMARY KEY, t VARCHAR(9))",
        "INSERT INTO texts VALUES (1, 'a'), (2, 'A'), (3, 'a ')",
    )
    assert Asked.of(engine, "texts").members('t = "a"') == [1]
    engine.dispose()


# -- modes --------------------------------------------------------------------------------------

MODES = [
    "",
    "NO_BACKSLASH_ESCAPES",
    "ANSI_QUOTES",
    "ANSI,ONLY_FULL_GROUP_BY",
    "PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION",
    "ORACLE",
    "TRADITIONAL",
]


@pytest.mark.parametrize("mode", MODES)
def test_modes_of_sql_change_nothing(url: sa.URL, mode: str) -> None:
    """Whatever the session's mode, the members are the same."""
    engine = sa.create_engine(url, connect_args={"sql_mode": mode})
    _run(
        engine,
        "CREATE TABLE people (id INT PRIMARY KEY, t VARCHAR(20), age INT)",
        "CREATE TABLE orders (id INT PRIMARY KEY, person_id INT, at DATETIME, amount DECIMAL(9, 2))",
    )
    metadata = sa.MetaData()
    metadata.reflect(engine)
    people, orders = metadata.tables["people"], metadata.tables["orders"]
    with engine.begin() as connection:
        texts = ["a\\", "a'b", '"', "\\'", "a\nb", "%"]
        rows = [{"id": i, "t": text, "age": i % 3 * 20} for i, text in enumerate(texts)]
        connection.execute(people.insert(), rows)
        connection.execute(
            orders.insert(),
            [
                {"id": i, "person_id": i % 3, "at": datetime(2026, 4, i), "amount": Decimal(i) / 4}
                for i in range(1, 9)
            ],
        )
    asked = Asked.of(engine, people)
    for text in texts:
        for test in TESTS:
            asked.members(test.format(format_value(text)))
    asked.members("age / (age - 20) > 1 or not (age < 30)")
    schema = schema_from(people, events={"orders": {"key": "person_id", "at": "at"}})
    for definition, expected in (
        ("count(orders in last 30 days) >= 3", [2]),
        ("not (sum(orders.amount) > 2 and last(orders.amount) > 1.75)", [0, 1, 3, 4, 5]),
        ("median(orders.amount) = 1 and count(orders) < age", [1]),
    ):
        query = members(Segment.define("s", definition, schema), people, as_of=AS_OF)
        with engine.connect() as connection:
            assert sorted(connection.scalars(query)) == expected, definition
    engine.dispose()


# -- types --------------------------------------------------------------------------------------


def test_a_database_is_read(engine: sa.Engine) -> None:
    """Types, gaps, keys, relations and links of a schema are those of the database."""
    _run(
        engine,
        "CREATE TABLE shops (id INT UNSIGNED PRIMARY KEY, city VARCHAR(50))",
        "CREATE TABLE people (id BIGINT PRIMARY KEY AUTO_INCREMENT, vip BOOLEAN NOT NULL,"
        " flags TINYINT, level TINYINT(1) UNSIGNED, age SMALLINT, share DOUBLE, weight FLOAT,"
        " spent DECIMAL(12, 2), name TEXT, tier ENUM ('gold', 'tin') NOT NULL, born DATE,"
        " seen DATETIME, since TIMESTAMP NULL, at_noon TIME, made YEAR, photo BLOB, bits BIT(4),"
        " shop_id INT UNSIGNED, FOREIGN KEY (shop_id) REFERENCES shops (id))",
        "CREATE TABLE orders (id INT PRIMARY KEY, person_id BIGINT NOT NULL, at DATETIME NOT NULL,"
        " FOREIGN KEY (person_id) REFERENCES people (id))",
    )
    schema = schema_from(engine, "people", events={"orders": "at"})
    people = schema.entity
    assert {a.name: f"{a.dtype}{'?' * a.nullable}" for a in people.attributes} == {
        "id": "integer",
        "vip": "boolean",
        "flags": "integer?",
        "level": "integer?",
        "age": "integer?",
        "share": "float?",
        "weight": "float?",
        "spent": "decimal(2)?",
        "name": "text?",
        "tier": "text",
        "born": "date?",
        "seen": "timestamp?",
        "since": "timestamp?",
        "made": "integer?",
        "shop_id": "integer?",
    }
    assert people.key == "id"
    assert [(r.name, r.to, r.key, r.at) for r in people.relations] == [
        ("orders", "orders", "person_id", "at")
    ]
    tier = people.attribute("tier")
    assert tier is not None
    assert tier.values == ("gold", "tin")


def test_flags_and_named_values(engine: sa.Engine) -> None:
    """Booleans that are tiny integers, and ENUMs, answer as booleans and texts."""
    _run(
        engine,
        "CREATE TABLE people (id INT PRIMARY KEY, vip BOOLEAN, tier ENUM ('gold', 'tin'))",
        "INSERT INTO people VALUES (1, TRUE, 'gold'), (2, FALSE, 'tin'), (3, NULL, NULL)",
    )
    asked = Asked.of(engine, "people")
    assert asked.members("vip") == [1]
    assert asked.members("not vip") == [2, 3]
    assert asked.members("vip = false or default(vip, true)") == [1, 2, 3]
    assert asked.members('tier = "gold" or tier starts with "ti"') == [1, 2]
    assert asked.members('tier != "gold"') == [2, 3]
    assert asked.members('tier in ("tin") or default(tier, "tin") = "gold"') == [1, 2]


def test_unsigned_numbers_may_be_subtracted(engine: sa.Engine) -> None:
    """A difference of unsigned columns may be below zero."""
    _run(
        engine,
        "CREATE TABLE people (id INT PRIMARY KEY, a INT UNSIGNED, b BIGINT UNSIGNED,"
        " c DECIMAL(9, 2) UNSIGNED, d DOUBLE UNSIGNED)",
        "INSERT INTO people VALUES (1, 1, 2, 1, 1.5), (2, 3, 1, 3, 2.5), (3, 1, NULL, NULL, NULL)",
    )
    asked = Asked.of(engine, "people")
    assert asked.members("a - b < 0") == [1]
    assert asked.members("-a < 0 and a * -1 < 0") == [1, 2, 3]
    assert asked.members("c - 2 < 0 or -c > 0") == [1]
    assert asked.members("d - 2 < 0") == [1]
    assert asked.members("abs(a - 2) = 1 and abs(c - 2) = 1") == [1, 2]


def test_decimals_are_exact(engine: sa.Engine) -> None:
    """Sums, products and quotients of large decimals of many digits are those of Python."""
    _run(
        engine,
        "CREATE TABLE people (id INT PRIMARY KEY, a DECIMAL(38, 10), b DECIMAL(30, 15))",
        "INSERT INTO people VALUES"
        " (1, 123456789.0000000001, 0.000000000000001),"
        " (2, 0.1, 0.2), (3, -0.0000000001, 3), (4, NULL, 1), (5, 7, 2)",
    )
    asked = Asked.of(engine, "people")
    assert asked.members("a = 123456789.0000000001") == [1]
    assert asked.members("a + b = 0.3") == [2]
    assert asked.members("a * b = 0.02") == [2]
    assert asked.members("a * 3 = 0.3") == [2]
    assert asked.members("a / b = 3.5") == [5]
    assert asked.members("a - b < 0") == [2, 3]
    assert asked.members("a * b * b = 0.004") == [2]


def test_times_are_compared_as_they_are_stored(engine: sa.Engine) -> None:
    """A column of whole seconds holds whole seconds; edges of windows are not rounded to them."""
    _run(
        engine,
        "CREATE TABLE people (id INT PRIMARY KEY, seen DATETIME, exactly DATETIME(6))",
        "INSERT INTO people VALUES"
        " (1, '2026-05-01 11:59:59.9', '2026-05-01 11:59:59.9'),"
        " (2, '2026-05-01 12:00:00', '2026-05-01 12:00:00.000001'),"
        " (3, '2026-04-30 12:00:00', '2026-04-30 12:00:00.000001'),"
        " (4, '1000-01-01', '9999-12-31 23:59:59.999999')",
    )
    asked = Asked.of(engine, "people")
    assert asked.members("seen in last 1 day") == [1, 2]
    assert asked.members("exactly in last 1 day") == [1, 3]
    assert asked.members("seen = 2026-05-01T11:59:59Z") == [1]
    assert asked.members("seen > 2026-05-01T11:59:59.5Z") == [2]
    assert asked.members("seen <= 2026-05-01T11:59:59.5Z") == [1, 3, 4]
    assert asked.members("seen < exactly") == [1, 2, 3, 4]


def test_timestamps_need_a_session_in_utc(url: sa.URL) -> None:
    """A column of type TIMESTAMP shows the session's time, which must be that of UTC."""
    utc = sa.create_engine(url, connect_args={"init_command": "SET time_zone = '+00:00'"})
    _run(
        utc,
        "CREATE TABLE people (id INT PRIMARY KEY, seen TIMESTAMP NULL)",
        "INSERT INTO people VALUES (1, '2026-05-01 11:00:00'), (2, '2026-05-01 13:00:00')",
    )
    assert Asked.of(utc, "people").members("seen in last 1 day") == [1]
    utc.dispose()


# -- indexes ------------------------------------------------------------------------------------


@pytest.fixture
def many(engine: sa.Engine) -> Asked:
    """Rows enough for an index to be worth it."""
    _run(
        engine,
        "CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(40), city VARCHAR(40),"
        " old VARCHAR(40) CHARACTER SET latin1, exact VARCHAR(40) COLLATE utf8mb4_nopad_bin,"
        " age INT, seen DATETIME, born DATE, INDEX (name), INDEX (city), INDEX (old),"
        " INDEX (exact), INDEX (age), INDEX (seen), INDEX (born))",
        "INSERT INTO people SELECT seq, CONCAT('n', seq), CONCAT('к', seq), CONCAT('o', seq),"
        " CONCAT('e', seq), seq, '2026-04-01' - INTERVAL seq HOUR, '2026-04-01' - INTERVAL seq DAY"
        " FROM seq_1_to_5000",
        "CREATE TABLE orders (id INT PRIMARY KEY, person_id INT, at DATETIME, INDEX (person_id))",
        "INSERT INTO orders SELECT seq, seq MOD 5000 + 1, '2026-04-01' FROM seq_1_to_10000",
        "ANALYZE TABLE people, orders",
    )
    return Asked.of(engine, "people")


@pytest.mark.parametrize(
    ("definition", "index"),
    [
        ('name = "n7"', "name"),
        ('"n7" = name', "name"),
        ('name in ("n7", "n8", "N9")', "name"),
        ('city = "к7"', "city"),
        ('city in ("к7", "к8")', "city"),
        ('old = "o7"', "old"),
        ('old in ("o7", "o8")', "old"),
        ('exact = "e7"', "exact"),
        ("age = 7", "age"),
        ("age in (7, 8, 9)", "age"),
        ("age < 9", "age"),
        ("seen in last 31 days", "seen"),
        ("born in 2026-03-09", "born"),
        ("id in (3, 4)", "PRIMARY"),
    ],
)
def test_indexes_are_used(many: Asked, definition: str, index: str) -> None:
    """A test of an attribute reads the rows that it finds in the column's index, not all."""
    many.members(definition)
    [(way, key)] = many.plan(definition)
    assert way in ("ref", "range", "const")
    assert key == index


def test_an_index_narrows_an_aggregate(many: Asked) -> None:
    """Beside an aggregate the attribute's index is used too, in the query and in its scan."""
    metadata = sa.MetaData()
    metadata.reflect(many.engine)
    schema = schema_from(many.engine, "people", events={"orders": {"key": "person_id", "at": "at"}})
    both = Asked(many.engine, metadata.tables["people"], schema, [])
    plan = both.plan('name = "n7" and count(orders) = 2')
    assert "ALL" not in [way for way, _ in plan], plan
    assert ("ref", "name") in plan


def test_statements_longer_than_a_packet_are_split(url: sa.URL) -> None:
    """What does not go into one packet goes into several, or is refused; the connection stays."""
    table = sa.Table("people", sa.MetaData(), sa.Column("id", sa.BigInteger, primary_key=True))
    schema = schema_from(table)
    lists = [KeyList(f"l{n}", range(10**12 + n, 10**12 + 120_000, 4)) for n in range(4)]
    segments = {
        each.name: Segment.define(each.name, f"id in list {each.name}", schema, lists=[each])
        for each in lists
    }
    server = sa.create_engine(url)
    before = server.connect().exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
    try:
        _run(server, f"SET GLOBAL max_allowed_packet = {1 << 20}")
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            table.create(connection)
            connection.execute(table.insert(), [{"id": 10**12 + 4 * n + n} for n in range(4)])
            source = Source(connection, table)
            found = source.evaluate(segments, as_of=AS_OF)
            every = Segment.define(
                None,
                "id in list every",
                schema,
                lists=[KeyList("every", range(10**12, 10**12 + 120_000))],
            )
            with pytest.raises(
                UnsupportedError, match=r"at most 1,048,576 bytes.*raise max_allowed_packet"
            ):
                source.members(every, as_of=AS_OF)
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 4
        engine.dispose()
    finally:
        _run(server, f"SET GLOBAL max_allowed_packet = {before}")
        server.dispose()
    assert [list(found[f"l{n}"]) for n in range(4)] == [[10**12 + 5 * n] for n in range(4)]


# -- patterns -----------------------------------------------------------------------------------


@pytest.mark.parametrize("test", ["matches", "not matches"])
def test_a_match_of_too_many_steps_is_an_error(engine: sa.Engine, test: str) -> None:
    """Where the server gives up it would say no: neither test lets such a row in."""
    _run(engine, "CREATE TABLE t (id INT PRIMARY KEY, x TEXT)", "INSERT INTO t VALUES (1, 'aab')")
    asked = Asked.of(engine, "t")
    definition = f'x {test} "a*a*a*a*b"'
    assert asked.members(definition) == [1] * (test == "matches")
    _run(engine, "INSERT INTO t VALUES (2, repeat('a', 1500)), (3, NULL)")
    with pytest.raises(sa.exc.OperationalError, match="too_many_steps_for_a_pattern"):
        asked.members(definition)


@pytest.mark.parametrize("collation", COLLATIONS)
def test_patterns_of_columns(engine: sa.Engine, collation: str) -> None:
    """Patterns tell characters apart by code point, whatever a column's own collation does."""
    _run(
        engine,
        f"CREATE TABLE t (id INT PRIMARY KEY, x VARCHAR(20) COLLATE {collation})",
        "INSERT INTO t VALUES (1, 'a'), (2, 'A'), (3, 'a '), (4, 'ab'), (5, NULL)",
    )
    asked = Asked.of(engine, "t")
    assert asked.members('x matches "[a-z]"') == [1]
    assert asked.members('x not matches "[a-z]|A"') == [3, 4, 5]
    assert asked.members('x matches "[^b ]. ?"') == [3, 4]


@pytest.mark.parametrize("definition", ["count(orders) <= 1", 'first(orders.kind) = "a"'])
def test_rows_are_not_looked_up_to_be_grouped(engine: sa.Engine, definition: str) -> None:
    """The index that a foreign key has is not gone through row by row, where all are grouped."""
    _run(
        engine,
        "CREATE TABLE people (id INT PRIMARY KEY)",
        "CREATE TABLE orders (id INT PRIMARY KEY, person_id INT, kind VARCHAR(9), at DATETIME,"
        " FOREIGN KEY (person_id) REFERENCES people (id))",
        "INSERT INTO people SELECT seq FROM seq_1_to_1000",
        "INSERT INTO orders SELECT seq, 1 + seq MOD 999, 'a', '2026-01-01' FROM seq_1_to_20000",
        "ANALYZE TABLE people, orders",
    )
    metadata = sa.MetaData()
    metadata.reflect(engine)
    schema = schema_from(metadata.tables["people"], events={"orders": {"at": "at"}})
    segment = Segment.define(None, definition, schema)
    sent: list[tuple[str, Any]] = []

    def keep(_: Any, __: Any, text: str, parameters: Any, *___: Any) -> None:
        sent.append((text, parameters))

    with engine.connect() as connection:
        sa.event.listen(connection, "before_cursor_execute", keep)
        found = Source(connection, metadata.tables["people"]).members(segment, as_of=AS_OF)
        text, parameters = sent[-1]
        plan = connection.exec_driver_sql(f"EXPLAIN {text}", parameters).mappings().all()
    assert len(found) == (1 if "<=" in definition else 999)
    kinds = [each["type"] for each in plan if each["table"].startswith("orders")]
    assert kinds
    assert set(kinds) == {"ALL"}
