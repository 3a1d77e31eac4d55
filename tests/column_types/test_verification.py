"""One check before going live finds what is wrong with a database, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import finalize

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.pool import StaticPool

from segmentkit import (
    DATE,
    INTEGER,
    TIMESTAMP,
    Attribute,
    Entity,
    Link,
    Relation,
    Schema,
    SchemaError,
    Segment,
)
from segmentkit.sqlalchemy import Source, Verification, members, schema_from, tables_from, verify
from tests.column_types import zoo
from tests.commands import Run
from tests.targets.databases import ENGINES

SHOP = Schema(
    [
        Entity(
            "v_people",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("age", INTEGER, nullable=True)],
            links=[Link("shop", to="v_shops", key="shop_id")],
            relations=[Relation("v_orders", key="p_id", at="done_at")],
        ),
        Entity("v_shops", key="id", attributes=[Attribute("id", INTEGER)]),
        Entity("v_orders", attributes=[Attribute("done_at", TIMESTAMP)]),
    ]
)
PEOPLE = "CREATE TABLE v_people (id INTEGER, age INTEGER, shop_id INTEGER)"
SHOPS = "CREATE TABLE v_shops (id INTEGER PRIMARY KEY)"
ORDERS = "CREATE TABLE v_orders (p_id INTEGER, done_at {time})"


@pytest.fixture(params=zoo.NAMES)
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """An empty database."""
    engine = zoo.opened(request.param)
    yield engine
    metadata = sa.MetaData()
    metadata.reflect(engine)
    metadata.drop_all(engine)
    engine.dispose()


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for each in statements:
            connection.exec_driver_sql(each)


def kinds(found: Verification) -> set[tuple[str, str, int | None]]:
    return {
        (each.kind, each.place.replace('"', "").replace("`", ""), each.count)
        for each in found.findings
    }


def time_of(engine: sa.Engine) -> str:
    return {"postgresql": "TIMESTAMPTZ", "duckdb": "TIMESTAMPTZ"}.get(engine.name, "DATETIME")


def test_nothing_to_mend(engine: sa.Engine) -> None:
    """A sound database is not found fault with."""
    run(engine, PEOPLE.replace("id INTEGER,", "id INTEGER PRIMARY KEY,", 1), SHOPS,
        ORDERS.format(time=time_of(engine)), "CREATE INDEX v_by_p ON v_orders (p_id, done_at)",
        "INSERT INTO v_shops VALUES (1)", "INSERT INTO v_people VALUES (1, 1, 1), (2, 1, NULL)",
        "INSERT INTO v_orders VALUES (1, '2026-05-01 10:00:00')")  # fmt: skip
    assert str(verify(SHOP, engine)) == "nothing to mend"


def test_keys_and_links(engine: sa.Engine) -> None:
    """Rows with one key, without a key, and keys that lead nowhere are counted."""
    run(engine, PEOPLE, SHOPS, ORDERS.format(time=time_of(engine)),
        "CREATE INDEX v_by_p ON v_orders (p_id, done_at)",
        "INSERT INTO v_people VALUES (1, 1, 7), (1, 2, NULL), (NULL, 3, NULL), (4, 4, NULL)",
        "INSERT INTO v_orders VALUES (1, '2026-05-01 10:00:00'), (99, '2026-05-01 10:00:00'), (NULL, '2026-05-01 10:00:00')")  # fmt: skip
    found = verify(SHOP, engine)
    assert kinds(found) == {
        ("duplicate-keys", "v_people.id", 2),
        ("missing-keys", "v_people.id", 1),
        ("dangling-keys", "v_people.shop_id", 1),
        ("dangling-keys", "v_orders.p_id", 1),
    }
    assert {each.kind for each in found.errors} == {"duplicate-keys", "missing-keys"}
    assert json.loads(json.dumps([each.to_dict() for each in found.findings]))


def test_the_fixes_are_sql(engine: sa.Engine) -> None:
    """What is told to be run, runs; afterwards it is no longer told."""
    run(engine, PEOPLE, SHOPS, ORDERS.format(time=time_of(engine)))
    found = verify(SHOP, engine)
    wanted = {("no-index", "v_people.id", None), ("no-index", "v_orders.p_id", None)}
    if engine.name == "duckdb":
        wanted = {("no-index", "v_people.id", None)}
    assert kinds(found) == wanted
    run(engine, *(each.fix for each in found.findings))
    assert verify(SHOP, engine).findings == ()


def test_types(engine: sa.Engine) -> None:
    """A column of another type than the schema says is an error; so is a key of another."""
    run(engine, PEOPLE.replace("age INTEGER", "age VARCHAR(20)").replace("shop_id INTEGER", "shop_id VARCHAR(20)"),
        SHOPS, ORDERS.format(time=time_of(engine)))  # fmt: skip
    errors = {
        (each.kind, each.place.split(".")[-1].strip('"`')) for each in verify(SHOP, engine).errors
    }
    assert errors == {("wrong-type", "age"), ("wrong-type", "shop_id")}


def test_absent(engine: sa.Engine) -> None:
    """What is absent is an error at once, all of it."""
    run(engine, PEOPLE.replace("age INTEGER, ", ""), SHOPS)
    with pytest.raises(
        SchemaError, match=r"no column 'age' in table 'v_people'.*no table 'v_orders'"
    ):
        verify(SHOP, engine)


def test_zones(engine: sa.Engine) -> None:
    """Where a database has times with a zone, it is told of those without one."""
    run(engine, PEOPLE, SHOPS, ORDERS.format(time="TIMESTAMP"))
    told = [each for each in verify(SHOP, engine).findings if each.kind == "no-zone"]
    assert len(told) == (engine.name in ("postgresql", "duckdb"))
    run(engine, *(each.fix for each in told))
    assert not [each for each in verify(SHOP, engine).findings if each.kind == "no-zone"]


TIMES = Schema([Entity("v_t", key="id", attributes=[
    Attribute("id", INTEGER), Attribute("at", TIMESTAMP, nullable=True), Attribute("day", DATE, nullable=True)])])  # fmt: skip


def sqlite_times(*values: Any) -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    run(engine, "CREATE TABLE v_t (id INTEGER PRIMARY KEY, at DATETIME, day DATE)")
    with engine.begin() as connection:
        for at, day in values:
            connection.exec_driver_sql("INSERT INTO v_t (at, day) VALUES (?, ?)", (at, day))
    finalize(engine, engine.pool.dispose)
    return engine


def test_times_that_cannot_be_read() -> None:
    """Times with a zone, of numbers and of other forms are counted; the fixes mend them."""
    engine = sqlite_times(
        ("2026-05-01 10:00:00.000000", "2026-05-01"),
        ("2026-05-01T10:00:00", None),
        ("2026-05-01 12:00:00+02:00", "2026-05-01 10:00:00"),
        ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00Z"),
        (1777629600, 1777629600),
        ("yesterday", None),
    )  # fmt: skip
    found = verify(TIMES, engine)
    counted = [
        (each.place, each.count) for each in found.findings if each.kind == "unreadable-times"
    ]
    assert sorted(counted) == [
        ("v_t.at", 1),
        ("v_t.at", 1),
        ("v_t.at", 2),
        ("v_t.day", 1),
        ("v_t.day", 2),
    ]
    assert ("mixed-times", "v_t.at", 2) in kinds(found)
    with engine.begin() as connection:
        for each in found.findings:
            connection.exec_driver_sql(each.fix)
    left = verify(TIMES, engine)
    assert kinds(left) == {("unreadable-times", "v_t.at", 1)}
    table = tables_from(TIMES).tables["v_t"]
    segment = Segment.define("s", "at = 2026-05-01T10:00", TIMES)
    day = Segment.define("s", "day = 2026-05-01", TIMES)
    with engine.connect() as connection:
        assert connection.scalars(members(segment, table, as_of=datetime(2026, 6, 1))).all() == [
            1,
            2,
            3,
            4,
            5,
        ]
        assert connection.scalars(members(day, table, as_of=datetime(2026, 6, 1))).all() == [
            1,
            3,
            4,
            5,
        ]


def _at(*parts: int) -> datetime:
    return datetime(2026, 5, 1, *parts)


TEN = _at(10)
NANO = _at(10, 0, 0, 123456)
WRITTEN: list[tuple[Any, datetime | None]] = [
    # understood as they are
    ("2026-05-01 10:00:00", TEN),
    ("2026-05-01 10:00:00.", TEN),
    ("2026-05-01T10:00:00.5", _at(10, 0, 0, 500000)),
    ("2026-05-01 10:00:00.123456789", NANO),
    ("2026-05-01 10:00:00.0000000000000000", TEN),
    ("0001-01-01 00:00:00", datetime(1, 1, 1)),
    ("9999-12-31 23:59:59.999999", datetime.max),
    # counted, and mended
    ("2026-05-01T10:00:00Z", TEN),
    ("2026-05-01T10:00:00.123456789z", NANO),
    ("2026-05-01 12:30:00.123456+02:30", NANO),
    ("2026-05-01T12:00:00+0200", TEN),
    ("2026-05-01 10:00:00.5+00", _at(10, 0, 0, 500000)),
    ("2026-04-30T22:00:00-12:00", TEN),
    ("2026-05-01 10:00:00 UTC", TEN),
    ("2026-05-01 06:30:00.123456 -0330", NANO),
    ("2026-05-01 10:00", TEN),
    ("2026-05-01T10:00Z", TEN),
    ("2026-05-01T10:00+03:00", _at(7)),
    ("2026-05-01", _at()),
    (1777629600, TEN),
    ("1777629600", TEN),  # of a numeric affinity, so that it is stored as a number
    (1777629600.5, _at(10, 0, 0, 500000)),
    (-631152000, datetime(1950, 1, 1)),
    (1777629600123, _at(10, 0, 0, 123000)),
    (1777629600123456, NANO),
    (1777629600123456789, NANO),
    (2461161.5, datetime(2026, 5, 1)),
    (20260501, _at()),
    # counted, and shown
    *[(each, None) for each in (
        1, 2026, 20261301, "20260501T100000", "2026/05/01 10:00:00", "now", "10:00",
        "2026-02-30 10:00:00", "2026-13-01 10:00:00", "0000-00-00 00:00:00", "2026-05-01 24:00:00",
        "2026-05-01 10:60:00", "2026-05-01 9:00:00", "2026-05-01 10:00:00 ", " 2026-05-01 10:00:00",
        "2026-05-01 10:00:00.12x", "2026-05-01 10:00:00.1.2", "2026-05-01 10:00:00,5", "", "?",
        "2026-05-01 10:00:00\0", b"2026-05-01 10:00:00", "2026-05-01 10:00:00 +0000 UTC",
        "12026-05-01 10:00:00", "2026-05-01 10:00:00 AM", "2026-05-01T10:00:00+25:00",
    )],
]  # fmt: skip
ASKED = [
    "at {} 2026-05-01T10:00:00.123456Z",
    "at {} 2026-05-01T10:00Z",
    "at {} 2026-05-01",
    "at {} 9999-12-31T23:59:59.999999Z",
]


@pytest.mark.parametrize(("written", "meant"), WRITTEN, ids=[repr(each[0]) for each in WRITTEN])
def test_a_time_is_understood_or_counted(written: Any, meant: datetime | None) -> None:
    """No form is wrong in silence: it answers as its instant does, or the statement mends it."""
    engine = sqlite_times((written, None))
    found = verify(TIMES, engine).errors
    assert {each.count for each in found} <= {1}
    assert len(found) <= 1
    if meant is None:
        assert [each.kind for each in found] == ["unreadable-times"]
        with engine.connect() as connection:
            assert connection.exec_driver_sql(found[0].fix).all() == [(written,)]
        return
    run(engine, *(each.fix for each in found))
    assert verify(TIMES, engine).errors == ()
    table = tables_from(TIMES).tables["v_t"]
    signs = ("=", "!=", "<", "<=", ">", ">=")
    others = ("at in 2026-05-01", "hour(at) = 10", "day(at) = 2026-05-01", "at in last 30 days")
    with engine.connect() as connection:
        for text in (*others, *(each.format(sign) for each in ASKED for sign in signs)):
            segment, as_of = Segment.define("s", text, TIMES), datetime(2026, 5, 10)
            right = segment.matches({"id": 1, "at": meant, "day": None}, as_of=as_of)
            got = connection.scalars(members(segment, table, as_of=as_of)).all()
            assert (text, got) == (text, [1] * right)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-05-01", "2026-05-01"),
        ("2026-05-01 10:00:00.000000", "2026-05-01"),
        ("2026-05-01T00:00:00+03:00", "2026-05-01"),
        (1777629600, "2026-05-01"),
        (1777629600000, "2026-05-01"),
        (2461161.5, "2026-05-01"),
        (20260501, "2026-05-01"),
        ("2026-02-30", None),
        ("2026-5-1", None),
        ("01.05.2026", None),
        (1, None),
    ],
)
def test_a_date_is_understood_or_counted(written: Any, day: str | None) -> None:
    """The same of dates: the statement leaves the day as it is written."""
    engine = sqlite_times((None, written))
    found = verify(TIMES, engine).errors
    assert len(found) == (written != day)
    assert all(each.count == 1 for each in found)
    if day is not None:
        run(engine, *(each.fix for each in found))
        assert verify(TIMES, engine).errors == ()
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT day FROM v_t").scalar() == day


def test_the_same_instant_with_more_digits() -> None:
    """It counts once, and ties in ranks; where rows are put in order, the fix makes it the same."""
    engine = sqlite_times(
        ("2026-05-01 10:00:00.000000", None),
        ("2026-05-01 10:00:00", None),
        ("2026-05-01 10:00:00.5", None),
        ("2026-05-01 10:00:00.50", None),
        ("2026-05-02 10:00:00", None),
    )
    table = tables_from(TIMES).tables["v_t"]
    with engine.connect() as connection:
        for text, expected in (("bottom 1 by at", [1, 2]), ("ntile(2, at) = 1", [1, 2, 3, 4])):
            segment = Segment.define("s", text, TIMES)
            found = connection.scalars(members(segment, table, as_of=datetime(2026, 6, 1))).all()
            assert found == expected
    assert kinds(verify(TIMES, engine)) == {("mixed-times", "v_t.at", 4)}
    run(engine, *(each.fix for each in verify(TIMES, engine).findings))
    assert verify(TIMES, engine).findings == ()
    with engine.connect() as connection:
        distinct = connection.exec_driver_sql("SELECT count(DISTINCT at) FROM v_t")
        assert distinct.scalar() == 3


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_statistics(name: str) -> None:
    """A database that has never counted a large table is told to."""
    engine = next(each for each in ENGINES if each.name == name).open()
    run(engine, "CREATE TABLE v_t (id INTEGER PRIMARY KEY, at TIMESTAMP, day DATE)")
    with engine.begin() as connection:
        rows = [{"id": n} for n in range(1_001)]
        connection.execute(sa.text("INSERT INTO v_t (id) VALUES (:id)"), rows)
    (found,) = [each for each in verify(TIMES, engine).findings if each.kind == "no-statistics"]
    run(engine, found.fix)
    assert "no-statistics" not in {each.kind for each in verify(TIMES, engine).findings}
    run(engine, "DROP TABLE v_t")
    engine.dispose()


def test_types_of_the_app() -> None:
    """Columns that a type of the app converts are right when the class is given."""

    class Base(orm.DeclarativeBase):
        pass

    class V(Base):
        __tablename__ = "v_own"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
        yes: orm.Mapped[bool] = orm.mapped_column(zoo.YesNo)
        at: orm.Mapped[datetime] = orm.mapped_column(zoo.Epoch)
        secret: orm.Mapped[str] = orm.mapped_column(zoo.Encrypted)

    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    Base.metadata.create_all(engine)
    assert {each.place for each in verify(schema_from(V), engine).errors} == {
        "v_own.yes",
        "v_own.at",
    }
    assert verify(schema_from(V), engine, V).findings == ()
    engine.dispose()


def test_the_command_shows_them(run: Run, tmp_path: Path) -> None:
    """``check --database`` prints errors and advice, and fails of errors."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.sqlite'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE people (id INTEGER, age INTEGER)")
        connection.exec_driver_sql("INSERT INTO people VALUES (1, 1), (1, 2)")
    engine.dispose()
    catalog = 'language = 1\n[schema]\nentity = "people"\n[schema.tables.people]\nkey = "id"\n[segments.a]\nwhere = "age > 1"\n'
    Path("shop.toml").write_text(catalog)
    found = run("check", "shop.toml", "--url", "sqlite:///shop.sqlite", "--database")
    assert found.code == 1
    assert "error: people.id: rows have the same key (2 rows)" in found.err
    assert run("check", "shop.toml", "--url", "sqlite:///shop.sqlite").code == 0
    assert run("check", "shop.toml", "--database").code == 2


def test_a_collation_that_only_the_database_knows_is_found() -> None:
    """SQLAlchemy does not read it; declared, as the finding says, texts are compared as they are."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            'CREATE TABLE people (id INTEGER PRIMARY KEY, last_name TEXT, "name" VARCHAR(20) '
            "NOT NULL COLLATE nocase, town TEXT)"
        )
        connection.exec_driver_sql(
            "INSERT INTO people VALUES (1, 'A', 'ann', 'X'), (2, 'A', 'Ann', 'X')"
        )
    schema = schema_from(engine, "people")
    found = [f for f in verify(schema, engine).errors if f.kind == "collation"]
    assert [f.place for f in found] == ["people.name"]
    assert found[0].fix.endswith('sqlalchemy.String(collation="NOCASE")')
    name = sa.Column("name", sa.String(collation="NOCASE"))
    people = sa.Table("people", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), name)
    declared = schema_from(people)
    assert not verify(declared, engine, people).errors
    ann = Segment.define("ann", 'name = "ann"', declared)
    assert set(Source(engine, people).members(ann)) == {1}
    engine.dispose()
