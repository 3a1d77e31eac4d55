"""Types of which only the app knows what they store, or whose None is a value to SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.types import TypeDecorator

from segmentkit import Segment
from segmentkit.errors import UnsupportedError
from segmentkit.sqlalchemy import members, schema_from
from tests.models.answers import DATABASES, opened, store


def made(name: str, below: Any, bind: Any, read: Any) -> Any:
    """A type that changes values on both ways."""
    both = {
        "process_bind_param": lambda self, value, dialect: bind(value),
        "process_result_value": lambda self, value, dialect: read(value),
    }
    return type(name, (TypeDecorator,), {"impl": below, "cache_ok": True, **both})


Written = made(
    "Written", sa.String, lambda v: v and v.isoformat(), lambda v: v and datetime.fromisoformat(v)
)
AsText = made("AsText", sa.String, lambda v: v and str(v), lambda v: v and Decimal(v))
Fixed = made("Fixed", sa.String, lambda v: v and f"{v:.2f}", lambda v: v and Decimal(v))
Ordinal = made(
    "Ordinal", sa.Integer, lambda v: v and v.toordinal(), lambda v: v and date.fromordinal(v)
)
Minus = made(
    "Minus", sa.Integer, lambda v: -1 if v is None else v, lambda v: None if v == -1 else v
)
Absent = made(
    "Absent", sa.String, lambda v: "N/A" if v is None else v, lambda v: None if v == "N/A" else v
)


class Base(orm.DeclarativeBase):
    """The app's."""


class D(Base):
    """A row with a column of each type."""

    __tablename__ = "doubtful"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    at = orm.mapped_column(Written)
    told = orm.mapped_column(AsText, info={"segmentkit": "plain"})
    fixed = orm.mapped_column(Fixed)
    day = orm.mapped_column(Ordinal)
    minus = orm.mapped_column(Minus)
    absent = orm.mapped_column(Absent)


SCHEMA = schema_from(D)
NOON = datetime(2026, 7, 1, 12)


@pytest.fixture(params=[(name, zone) for name in DATABASES for zone in (None, UTC)], ids=str)
def session(request: pytest.FixtureRequest) -> Iterator[orm.Session]:
    """The app's session, on each database; its instants have a zone or none."""
    database, zone = request.param
    noon = NOON.replace(tzinfo=zone)
    rows = [
        D(id=1, at=noon, told=Decimal("10.00"), fixed=Decimal(10), day=date(2026, 1, 1)),
        D(id=2, at=noon.replace(microsecond=5), fixed=Decimal("9.5"), day=date(2025, 1, 1)),
        D(id=3),
    ]
    with opened(database, Base.metadata) as found:
        store(found, rows)
        yield found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at >= 2026-07-01T12:00Z", {1, 2}),
        ("at > 2026-07-01T12:00Z", {2}),
        ("at <= 2026-07-01T12:00Z", {1}),
        ("at < 2026-07-01T12:00Z", set()),
        ("at between 2026-07-01T12:00Z and 2026-07-01T12:00Z", {1}),
        ("at in 2026-07-01", {1, 2}),
        ("fixed = 10", {1}),
        ("fixed in (9.5, 10.0)", {1, 2}),
        ("day > 2025-06-01", {1}),
        ("day = 2025-01-01", {2}),
    ],
)
def test_found(session: orm.Session, text: str, expected: set[int]) -> None:
    """Bounds are exact whether the app's instants have zones, and a date is no boolean."""
    segment = Segment.define("s", text, SCHEMA)
    assert set(session.scalars(members(segment, D))) == expected
    assert set(session.scalars(members(~segment, D))) == {1, 2, 3} - expected


@pytest.mark.parametrize(
    ("text", "can"),
    [
        ("at = 2026-07-01T12:00Z", "<, <=, >, >=, windows and is missing. To ask more"),
        ("told = 10", "is missing. To ask more"),
        ("told > 9.6", "is missing. To ask more"),
        ("fixed > 9.6", "=, in and is missing. To ask more"),
    ],
)
def test_refused(session: orm.Session, text: str, can: str) -> None:
    """What would depend on how the app wrote a value is refused, and what can be asked is said."""
    segment = Segment.define("s", text, SCHEMA)
    with pytest.raises(UnsupportedError, match=rf"doubtful\.\w+ is kept by .*asked {can}"):
        session.scalars(members(segment, D))


def test_left_out() -> None:
    """A value that stands for None would be compared like others."""
    assert [str(each.why) for each in SCHEMA.left_out] == [
        "Minus keeps -1 where a value is missing: SQL knows only NULL",
        "Absent keeps 'N/A' where a value is missing: SQL knows only NULL",
    ]


def test_collations_that_take_texts_for_equal() -> None:
    """A text is compared by code point, whatever the column's collation takes for equal."""

    class Own(orm.DeclarativeBase):
        pass

    class Word(Own):
        __tablename__ = "words"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
        text = orm.mapped_column(sa.String(collation="NOCASE"))
        end = orm.mapped_column(sa.String(collation="RTRIM"))

    schema = schema_from(Word)
    with opened("sqlite", Own.metadata) as session:
        store(session, [Word(id=1, text="Ab", end="x"), Word(id=2, text="ab", end="x ")])
        for text, expected in (
            ('text = "ab"', {2}),
            ('text != "ab"', {1}),
            ('text in ("AB", "Ab")', {1}),
            ('end = "x"', {1}),
            ('end = "x "', {2}),
        ):
            segment = Segment.define("s", text, schema)
            assert set(session.scalars(members(segment, Word))) == expected, text


@pytest.mark.parametrize("database", DATABASES)
def test_lists_that_are_arrays_in_one_dialect(database: str) -> None:
    """It does not matter whether JSON or the array is said first."""

    class Own(orm.DeclarativeBase):
        pass

    class Note(Own):
        __tablename__ = "notes"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
        one = orm.mapped_column(sa.JSON().with_variant(sa.ARRAY(sa.String), "postgresql"))
        two = orm.mapped_column(sa.ARRAY(sa.String).with_variant(sa.JSON, "sqlite"))

    schema = schema_from(Note, tables={"notes": {"attributes": {"one": "text[]?"}}})
    with opened(database, Own.metadata) as session:
        store(session, [Note(id=1, one=["a"], two=["a", "b"]), Note(id=2, one=[], two=[])])
        for name in ("one", "two"):
            for text, expected in (
                (f'{name} contains "a"', {1}),
                (f'{name} contains any ("a", "c")', {1}),
                (f"{name} is empty", {2}),
                (f"length({name}) >= 1", {1}),
            ):
                segment = Segment.define("s", text, schema)
                assert set(session.scalars(members(segment, Note))) == expected, text
