"""Types that a database alone has, read from it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from segmentkit import Segment
from segmentkit.sqlalchemy import Source, members, record, schema_from, verify
from tests.column_types import zoo

pytestmark = pytest.mark.filterwarnings("ignore:Did not recognize type")


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    """PostgreSQL, with a table of its types."""
    engine = zoo.opened("postgresql")
    with engine.begin() as connection:
        for each in (
            "CREATE DOMAIN n_mail AS text CHECK (position('@' in value) > 0)",
            "CREATE DOMAIN n_whole AS int CHECK (value > 0)",
            "CREATE TYPE n_mood AS ENUM ('sad', 'ok')",
            "CREATE TYPE n_state AS ENUM ('ok', 'lost')",
            "CREATE TABLE n_types (id int PRIMARY KEY, mail n_mail, whole n_whole, mood n_mood, "
            "state n_state, padded char(5), price money, ip inet, spent interval, bits bit(3), "
            "numbers int[], at time, words text[], hundreds numeric(10, -2))",
            "INSERT INTO n_types VALUES (1, 'Ann@x', 5, 'ok', 'ok', 'ab', 5, '10.0.0.1', '1 day', "
            "'101', '{1}', '10:00', '{a}', 1234)",
            "INSERT INTO n_types VALUES (2, 'b@x', 7, 'sad', 'ok', 'abc')",
            "CREATE MATERIALIZED VIEW n_kept AS SELECT id, mood FROM n_types",
        ):
            connection.exec_driver_sql(each)
    yield engine
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP MATERIALIZED VIEW n_kept")
        connection.exec_driver_sql("DROP TABLE n_types")
        connection.exec_driver_sql("DROP DOMAIN n_mail, n_whole")
        connection.exec_driver_sql("DROP TYPE n_mood, n_state")
    engine.dispose()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('mail = "Ann@x"', {1}),
        ('mail = "nonsense"', set()),
        ('mail starts with "Ann"', {1}),
        ("whole > 5", {2}),
        ("whole = -1", set()),
        ("whole in (5, 2.5)", {1}),
        ("mood = state", {1}),
        ("mood = mail", set()),
        ('default(mood, "none") = "ok"', {1}),
        ('padded = "ab"', {1}),
        ('padded ends with "b"', {1}),
        ('words contains "a"', {1}),
        ("hundreds = 1200", {1}),
        ("hundreds + 0.5 > 1200", {1}),
    ],
)
def test_postgresql(engine: sa.Engine, text: str, expected: set[int]) -> None:
    """Domains are what is below them, enums are texts, and blanks that fill up do not count."""
    schema = schema_from(engine, "n_types")
    metadata = sa.MetaData()
    metadata.reflect(engine, only=["n_types"])
    table = metadata.tables["n_types"]
    segment = Segment.define("s", text, schema)
    with engine.connect() as connection:
        assert set(connection.scalars(members(segment, table))) == expected
        assert set(connection.scalars(members(~segment, table))) == {1, 2} - expected
        assert set(Source(connection, table).members(segment)) == expected


def test_a_materialized_view(engine: sa.Engine) -> None:
    """It is read as a view is, and verified."""
    schema = schema_from(engine, "n_kept", tables={"n_kept": {"key": "id"}})
    segment = Segment.define("s", 'mood = "ok"', schema)
    table = sa.Table("n_kept", sa.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        assert set(connection.scalars(members(segment, table))) == {1}
    assert not verify(schema, engine).errors


def test_what_is_left_out(engine: sa.Engine) -> None:
    """What has no word is listed."""
    left = {each.what for each in schema_from(engine, "n_types").left_out}
    assert {f"n_types.{name}" for name in ("price", "ip", "spent", "bits", "numbers", "at")} <= left


def test_objects_are_records_in_the_languages_types() -> None:
    """Members of enumerations, UUIDs and addresses of an object are what SQL takes them for."""

    class Base(orm.DeclarativeBase):
        pass

    class N(Base):
        __tablename__ = "n_objects"
        id: orm.Mapped[str] = orm.mapped_column(zoo.TextGuid, primary_key=True)
        status: orm.Mapped[zoo.Status]
        kept: orm.Mapped[zoo.Status] = orm.mapped_column(zoo.StringEnum(zoo.Status))
        level: orm.Mapped[zoo.Level] = orm.mapped_column(zoo.LevelType)
        balance: orm.Mapped[Decimal] = orm.mapped_column(zoo.Cents)

    key = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    one = N(id=sa.Uuid().python_type(key), status=zoo.Status.PAID, kept=zoo.Status.PAID,
            level=zoo.Level.HIGH, balance=Decimal("1.50"))  # fmt: skip
    schema = schema_from(N)
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add(one)
        session.flush()
        for text in (
            f'id = "{key}"',
            'status = "PAID"',
            'kept = "paid"',
            "level > 1",
            "balance = 1.5",
        ):
            segment = Segment.define("s", text, schema)
            assert segment.matches(record(one)), text
            assert len(Source(session, N).members(segment)) == 1, text
    engine.dispose()
