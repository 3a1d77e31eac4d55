"""Types that compare in their own way, keep no order, or have no word in the language."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from segmentkit import KeyList, Segment, Trait, UnsupportedError
from segmentkit.sqlalchemy import Source, members, prepare, schema_from
from tests.column_types import zoo

AS_OF = datetime(2026, 5, 9, 12, tzinfo=UTC)
ID = uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
YESTERDAY, LONG_AGO = AS_OF - timedelta(days=1), AS_OF - timedelta(days=30)


class Base(orm.DeclarativeBase):
    """The app's."""


class M(Base):
    """A row of a column of each type."""

    __tablename__ = "more_typed"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
    any_case: orm.Mapped[str | None] = orm.mapped_column(zoo.AnyCase)
    cents: orm.Mapped[Decimal | None] = orm.mapped_column(zoo.CentsOfInts)
    salted: orm.Mapped[str | None] = orm.mapped_column(zoo.Salted)
    aware: orm.Mapped[datetime | None] = orm.mapped_column(zoo.AwareOnly)
    millis: orm.Mapped[datetime | None] = orm.mapped_column(zoo.Millis)
    inverted: orm.Mapped[int | None] = orm.mapped_column(zoo.Inverted)
    flag: orm.Mapped[bool | None] = orm.mapped_column(zoo.OneZero)
    plain: orm.Mapped[str | None] = orm.mapped_column(zoo.Email(50), info={"segmentkit": "plain"})
    as_text: orm.Mapped[str | None] = orm.mapped_column(sa.Uuid(as_uuid=False))
    as_char: orm.Mapped[uuid.UUID | None] = orm.mapped_column(sa.Uuid(native_uuid=False))
    listed: orm.Mapped[list[str] | None] = orm.mapped_column(zoo.Commas(50))
    anything: orm.Mapped[Any | None] = orm.mapped_column(zoo.AnyJson)
    length: orm.Mapped[timedelta | None] = orm.mapped_column(sa.Interval)
    big: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)


def rows() -> list[M]:
    return [
        M(id=1, any_case="Ann", cents=Decimal("100.01"), salted="x", aware=YESTERDAY,
          millis=YESTERDAY, inverted=5, flag=True, plain="Ann@Shop", as_text=str(ID), as_char=ID,
          big=2**53 + 1, anything=["vip"]),
        M(id=2, any_case="BOB", cents=Decimal(100), salted="y", aware=LONG_AGO, millis=LONG_AGO,
          inverted=7, flag=False, plain="b", as_text=str(uuid.uuid4()), as_char=uuid.uuid4(),
          big=2**53, anything=["new"]),
        M(id=3),
    ]  # fmt: skip


@pytest.fixture(scope="module", params=zoo.NAMES)
def session(request: pytest.FixtureRequest) -> Iterator[orm.Session]:
    """The app's session, on each database."""
    engine = prepare(zoo.opened(request.param))
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add_all(rows())
        session.commit()
        yield session
    Base.metadata.drop_all(engine)
    engine.dispose()


SCHEMA = schema_from(M)
FOUND: list[tuple[str, Any]] = [
    ('any_case = "ANN"', M.any_case == "ANN"),
    ('any_case in ("ann", "bob")', sa.or_(M.any_case == "ann", M.any_case == "bob")),
    ("cents > 99.99", M.id < 3),
    ("cents = 100.01", M.cents == Decimal("100.01")),
    ("salted is missing", M.salted.is_(None)),
    ("aware in last 7 days", M.aware > AS_OF - timedelta(days=7)),
    ("hour(aware) = 12", M.id < 3),
    ("millis in last 7 days", M.millis > AS_OF - timedelta(days=7)),
    ("top 1 by millis", M.id == 1),
    ("inverted = 5", M.inverted == 5),
    ("inverted > 5", M.id == 2),
    ("inverted + 1 = 6", M.id == 1),
    ("flag", M.flag == True),  # noqa: E712
    ("not flag", sa.or_(M.flag == False, M.flag.is_(None))),  # noqa: E712
    ('plain contains "ann"', M.plain.contains("ann")),
    (f'as_text = "{ID.hex}"', M.as_text == str(ID)),
    (f'as_char = "{str(ID).upper()}"', M.as_char == ID),
    ("as_text = as_char", M.id == 1),
    ('as_char starts with "a0eebc99-9c0b"', M.id == 1),
    ("big = 9007199254740993", M.big == 2**53 + 1),
    ("big > 9007199254740992", M.big > 2**53),
]


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=[text for text, _ in FOUND])
def test_as_the_orm(session: orm.Session, text: str, expected: Any) -> None:
    """A definition finds those whom the app's own query finds; its complement, all others."""
    segment = Segment.define("s", text, SCHEMA)
    wanted = set(session.scalars(sa.select(M.id).where(expected)))
    assert set(session.scalars(members(segment, M, as_of=AS_OF))) == wanted
    assert set(session.scalars(members(~segment, M, as_of=AS_OF))) == {1, 2, 3} - wanted
    assert set(Source(session, M).members(segment, as_of=AS_OF)) == wanted


@pytest.mark.parametrize("text", ['salted = "x"', "cents > 100", "day(millis) = today"])
def test_refused(session: orm.Session, text: str) -> None:
    """What is not the same for the app's queries and its values is refused by name."""
    segment = Segment.define("s", text, SCHEMA)
    with pytest.raises(UnsupportedError, match=r"more_typed\.\w+ is kept by \w+"):
        session.scalars(members(segment, M, as_of=AS_OF))


def test_left_out() -> None:
    """Types whose values have no word in the language are listed, with why."""
    why = {each.what.partition(".")[2]: each.why for each in SCHEMA.left_out}
    assert why == {
        "listed": "Commas keeps lists in a form of its own",
        "anything": "AnyJson keeps values of any kind: say of which, in tables",
        "length": "the language has no word for lengths of time",
    }


def test_what_the_author_tells_of_json(session: orm.Session) -> None:
    """A text of JSON of any kind is the list of texts that the author says it is."""
    told = {"more_typed": {"attributes": {"anything": "text[]"}}}
    segment = Segment.define("s", 'anything contains "vip"', schema_from(M, tables=told))
    assert session.scalars(members(segment, M, as_of=AS_OF)).all() == [1]


def test_values_that_are_missing(session: orm.Session) -> None:
    """A UUID that is missing is missing, however it is kept."""
    traits = [Trait.define(f"the_{name}", name, SCHEMA) for name in ("as_text", "as_char")]
    found = Source(session, M).values(traits, as_of=AS_OF)
    assert found.loc[3].isna().all()
    assert found.loc[1].tolist() == [str(ID), str(ID)]


def test_tables_have_types_too() -> None:
    """Tables of SQLAlchemy's core are read as classes are, and lists in tables of theirs."""
    metadata = sa.MetaData()
    people = sa.Table("p", metadata, sa.Column("id", zoo.BinaryGuid, primary_key=True),
                      sa.Column("balance", zoo.Cents))  # fmt: skip
    stored = sa.Table("l", metadata, sa.Column("key", sa.String(36)))
    engine = prepare(sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool))
    metadata.create_all(engine)
    schema = schema_from(people)
    other = uuid.uuid4()
    with engine.connect() as connection:
        connection.execute(people.insert(), {"id": ID, "balance": Decimal("1.50")})
        connection.execute(people.insert(), {"id": other})
        connection.execute(stored.insert(), [{"key": str(ID)}])
        for text in ("balance > 1.49", f'id = "{ID}"', 'id starts with "a0eebc99"'):
            segment = Segment.define("s", text, schema)
            assert connection.scalars(members(segment, people)).all() == [ID]
        lists = {"l": KeyList("l", ["other"])}
        segment = Segment.define("s", "in list l", schema, lists=lists)
        found = connection.scalars(members(segment, people, lists={"l": stored.c.key})).all()
        assert found == [ID]
        source = Source(connection, people)
        everyone = Segment.define("s", "balance > 1", schema)
        assert source.contains(everyone, ID)
        assert source.contains(everyone, str(ID))
        assert not source.contains(everyone, str(other))
        assert not source.contains(everyone, "nobody")
    engine.dispose()
