"""Types that are no decorators, flags, and types that are another one in another dialect."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.types import TypeDecorator, UserDefinedType

from segmentkit import (
    INTEGER,
    TEXT,
    Attribute,
    KeyList,
    Schema,
    SchemaError,
    Segment,
    SegmentTypeError,
    Trait,
    UnsupportedError,
)
from segmentkit._catalog.schema_table import read_declaration
from segmentkit.sqlalchemy import Source, members, record, schema_from, values
from tests.models.answers import opened


class Hundreds(sa.Integer):
    """A subclass, whose processors SQLAlchemy uses where the dialect has none of its own."""

    def bind_processor(self, dialect: Any) -> Any:
        return lambda value: None if value is None else value * 100

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        return lambda value: None if value is None else value // 100


class Marked(UserDefinedType[str]):
    """A type that says all of itself."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "VARCHAR(20)"

    def bind_processor(self, dialect: Any) -> Any:
        return lambda value: None if value is None else f"x{value}"

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        return lambda value: None if value is None else value[1:]


class Shape(UserDefinedType[Any]):
    """A type that takes whatever it is given."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "VARCHAR(20)"


class Right(enum.IntFlag):
    READ = 1
    WRITE = 2


class Rights(TypeDecorator[Right]):
    """Flags, of which a value can be several."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Right(value)


class Instant:
    """A time of a library of its own."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __eq__(self, other: object) -> bool:
        return self.at == getattr(other, "at", other)

    def __hash__(self) -> int:
        return hash(self.at)


class InstantType(TypeDecorator[Instant]):
    """Such times, as those of Arrow and of Pendulum are kept."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        at = value.at if isinstance(value, Instant) else value
        return None if at is None else at.replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Instant(value.replace(tzinfo=UTC))


class Money:
    """An amount as an object, which is equal to a number and is none."""

    def __init__(self, amount: Decimal) -> None:
        self.amount = amount

    def __eq__(self, other: object) -> bool:
        return bool(self.amount == getattr(other, "amount", other))

    def __hash__(self) -> int:
        return hash(self.amount)


class MoneyType(TypeDecorator[Money]):
    impl = sa.Numeric(10, 2)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value.amount if isinstance(value, Money) else value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Money(value)


class Base(orm.DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "rows_of_types"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    points: orm.Mapped[int | None] = orm.mapped_column(Hundreds)
    word: orm.Mapped[str | None] = orm.mapped_column(Marked)
    shape: orm.Mapped[str | None] = orm.mapped_column(Shape)
    rights: orm.Mapped[Right | None] = orm.mapped_column(Rights)
    name: orm.Mapped[str | None] = orm.mapped_column(
        sa.String(20).with_variant(sa.Text(), "postgresql")
    )
    other: orm.Mapped[str | None]
    price: orm.Mapped[Any | None] = orm.mapped_column(
        sa.Numeric(10, 2).with_variant(sa.Float(), "sqlite")
    )
    money: orm.Mapped[Money | None] = orm.mapped_column(MoneyType)
    at: orm.Mapped[Instant | None] = orm.mapped_column(InstantType)
    tags: orm.Mapped[list[str] | None] = orm.mapped_column(
        sa.ARRAY(sa.String).with_variant(sa.JSON, "sqlite")
    )


ROWS = [
    Row(
        id=1,
        word="a",
        at=Instant(datetime(2026, 5, 9, 12, tzinfo=UTC)),
        rights=Right.READ,
        name="n",
        price=Decimal("1.5"),
        tags=["vip", "new"],
    ),
    Row(id=2, word="b", rights=Right.READ | Right.WRITE, other="o", price=Decimal("2.5"), tags=[]),
    Row(id=3),
]
SCHEMA: Schema = schema_from(Row)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def session(request: pytest.FixtureRequest) -> Iterator[orm.Session]:
    """A session with the rows."""
    with opened(request.param, Base.metadata) as session:
        session.add_all(session.merge(row) for row in ROWS)
        session.flush()
        yield session


FOUND: list[tuple[str, Any]] = [
    ('word = "a"', Row.word == "a"),
    ('word in ("b", "xb")', Row.word == "b"),
    ("word is missing", Row.word.is_(None)),
    ("rights = 3", Row.rights == Right(3)),
    ("rights > 1", Row.rights > Right.READ),
    ('default(name, other) = "o"', sa.func.coalesce(Row.name, Row.other) == "o"),
    ("name = other", Row.name == Row.other),
    ("price > 2", Row.price > 2),
    ("at > 2026-05-09", Row.at > Instant(datetime(2026, 5, 9, tzinfo=UTC))),
    ("hour(at) = 12", Row.id == 1),
    ("at is missing", Row.at.is_(None)),
    ('tags contains "vip"', Row.id == 1),
    ('tags contains any ("x", "new")', Row.id == 1),
    ("tags is missing", Row.id == 3),
    ("tags is present", Row.id < 3),
]


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=[text for text, _ in FOUND])
def test_as_the_orm(session: orm.Session, text: str, expected: Any) -> None:
    """A definition finds those whom the app's own query finds, in SQL and as records."""
    segment = Segment.define("s", text, SCHEMA)
    wanted = set(session.scalars(sa.select(Row.id).where(expected)))
    assert set(session.scalars(members(segment, Row))) == wanted
    assert set(session.scalars(members(~segment, Row))) == {1, 2, 3} - wanted
    assert set(Source(session, Row).members(segment)) == wanted
    rows = session.scalars(sa.select(Row)).all()
    assert {row.id for row in rows if segment.matches(record(row))} == wanted


def test_values(session: orm.Session) -> None:
    """Values are those of the objects."""
    traits = [Trait.define(f"the_{n}", n, SCHEMA) for n in ("word", "name", "rights")]
    found = session.execute(values(traits, Row)).all()
    assert sorted(found) == [(1, "a", "n", 1), (2, "b", None, 3), (3, None, None, None)]


def test_what_sql_does_not_know(session: orm.Session) -> None:
    """A part of what is stored is no part of the value."""
    segment = Segment.define("s", 'word starts with "a"', SCHEMA)
    with pytest.raises(UnsupportedError, match=r"rows_of_types\.word is kept by Marked"):
        session.scalars(members(segment, Row))


KEY = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
OTHER = "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12"


class Holder(Base):
    __tablename__ = "holders_of_uuids"
    id: orm.Mapped[uuid.UUID] = orm.mapped_column(primary_key=True)
    text: orm.Mapped[str | None] = orm.mapped_column(sa.Uuid(as_uuid=False))
    char: orm.Mapped[uuid.UUID | None] = orm.mapped_column(sa.Uuid(native_uuid=False))
    digits: orm.Mapped[str | None] = orm.mapped_column(sa.Uuid(native_uuid=False, as_uuid=False))
    items: orm.Mapped[list[Item]] = orm.relationship()


class Item(Base):
    __tablename__ = "items_of_uuids"
    id: orm.Mapped[uuid.UUID] = orm.mapped_column(primary_key=True)
    holder_id: orm.Mapped[uuid.UUID] = orm.mapped_column(sa.ForeignKey("holders_of_uuids.id"))


UUIDS = schema_from(Holder)
FORMS = [KEY, KEY.upper(), f"{{{KEY}}}", f"urn:uuid:{KEY}", KEY.replace("-", "")]


@pytest.mark.parametrize("form", FORMS)
def test_a_uuid_is_written_in_any_form(session: orm.Session, form: str) -> None:
    """However a UUID is kept, and however it is written, it is found: in SQL and in records."""
    for key, item in ((KEY, KEY), (OTHER, OTHER)):
        holder = Holder(id=uuid.UUID(key), text=key, char=uuid.UUID(key), digits=key)
        holder.items.append(Item(id=uuid.UUID(item)))
        session.merge(holder)
    session.flush()
    holders = session.scalars(sa.select(Holder).options(orm.selectinload(Holder.items))).all()
    lists = {"l": KeyList("l", [form, "nobody"])}
    texts = [f'{name} = "{form}"' for name in ("id", "text", "char", "digits")]
    texts += [f'{name} in ("{form}")' for name in ("id", "text", "char", "digits")]
    texts += [f'any(items where holder_id = "{form}")', "in list l", "id = :key"]
    for text in texts:
        segment = Segment.define("s", text, UUIDS, lists=lists)
        segment = segment.bind(key=form) if segment.parameters else segment
        found = [str(key) for key in session.scalars(members(segment, Holder))]
        assert found == [KEY], text
        assert [str(h.id) for h in holders if segment.matches(record(h))] == [KEY], text
        assert [str(key) for key in Source(session, Holder).members(segment)] == [KEY], text


@pytest.mark.parametrize("text", ['id = "nobody"', 'text in ("5", "x")', 'id = "a0eebc99"'])
def test_a_text_that_is_no_uuid(text: str) -> None:
    """It would be nobody's, and is an error with an example."""
    with pytest.raises(
        SegmentTypeError, match=r"is not a value of \w+[\s\S]*it has UUIDs, such as"
    ):
        Segment.define("s", text, UUIDS)
    with pytest.raises(SegmentTypeError, match="it has UUIDs"):
        Segment.define("s", "id = :key", UUIDS).bind(key="nobody")


def test_a_schema_says_which_texts_are_uuids() -> None:
    """It is shown, and kept in files; other types are none."""
    assert "    id: text (UUID)" in str(UUIDS).splitlines()
    told = {"t": {"key": "id", "attributes": {"id": {"type": "text", "uuid": True}}}}
    declared = read_declaration({"entity": "t", "tables": told}).schema()
    assert declared.entity.attribute("id") == Attribute("id", TEXT, uuid=True)
    with pytest.raises(SchemaError, match="id is integer, and UUIDs are texts"):
        Attribute("id", INTEGER, uuid=True)


def test_left_out() -> None:
    """Processors that a database may pass over are no ground to answer on."""
    assert dict(SCHEMA.left_out) == {
        "rows_of_types.points": (
            "Hundreds has processors that some databases do not use: make it a TypeDecorator"
        ),
        "rows_of_types.money": (
            "its type MoneyType makes values that the language has no word for"
        ),
        "rows_of_types.shape": "the language has no word for its type, Shape",
    }
