"""What a derived schema leaves out, and arguments that are no engines, are told in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import ForeignKey
from sqlalchemy.ext.declarative import DeferredReflection
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    mapped_column,
    relationship,
    scoped_session,
    sessionmaker,
)

from segmentkit import SchemaError, Segment, SegmentkitError, SegmentTypeError
from segmentkit.sqlalchemy import (
    Source,
    members,
    predicate,
    prepare,
    schema_from,
    tables_from,
    verify,
)
from tests.models.answers import opened, store


class Base(DeclarativeBase):
    """What the classes share."""


class Site(Base):
    """A place, with a key of two columns."""

    __tablename__ = "sites"
    country: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    kids: Mapped[list[Kid]] = relationship(viewonly=True)


class Kid(Base):
    """Who is asked about."""

    __tablename__ = "kids"
    id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str | None]
    number: Mapped[int | None]
    photo: Mapped[bytes | None]
    secret: Mapped[str | None]
    twice = column_property(id * 2)
    site: Mapped[Site | None] = relationship()
    toys: Mapped[list[Toy]] = relationship()
    __table_args__ = (
        sa.ForeignKeyConstraint(["country", "number"], ["sites.country", "sites.number"]),
    )


class Toy(Base):
    """A thing of a kid, with a key of two columns."""

    __tablename__ = "toys"
    kid_id: Mapped[int] = mapped_column(ForeignKey("kids.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    parts: Mapped[list[Part]] = relationship(viewonly=True)


class Part(Base):
    """A part of a toy."""

    __tablename__ = "parts"
    id: Mapped[int] = mapped_column(primary_key=True)
    kid_id: Mapped[int]
    number: Mapped[int]
    __table_args__ = (
        sa.ForeignKeyConstraint(["kid_id", "number"], ["toys.kid_id", "toys.number"]),
    )


SCHEMA = schema_from(Kid, exclude=["secret"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("photo is missing", "'photo' is left out of the schema: the language has no word"),
        ("twice > 3", "'twice' is left out of the schema: it is computed"),
        ('photo = "x"', "'photo' is left out of the schema: the language has no word"),
        ('"x" = photo', "'photo' is left out of the schema: the language has no word"),
        ("any(photo)", "'photo' is left out of the schema: the language has no word"),
        ("any(site.kids)", "'kids' is left out of the schema: Site has no key of one column"),
        ("site.kids is missing", "'kids' is left out of the schema: Site has no key"),
        ("count(site.kids where id > 3) > 1", "'kids' is left out of the schema: Site has no"),
        ("any(toys where any(parts))", "'parts' is left out of the schema: Toy has no key"),
        ("any(toys.parts)", "'parts' is left out of the schema: Toy has no key"),
        ("any(toys.parts where id = 1)", "'parts' is left out of the schema: Toy has no key"),
        ("any(site)", "'site' is one row: test an attribute, as in 'site.country …'"),
        ("count(site where number = 1) > 0", "'site' is one row: test an attribute"),
    ],
)
def test_a_name_that_is_left_out(text: str, why: str) -> None:
    """Whoever names what a schema lacks is told that it was left out, and why."""
    with pytest.raises(SegmentTypeError) as caught:
        Segment.define("it", text, SCHEMA)
    assert why in str(caught.value)


def test_what_the_author_hides_is_not_told() -> None:
    """Who writes definitions does not learn of columns that the author excludes."""
    with pytest.raises(SegmentTypeError) as caught:
        Segment.define("it", 'secret = "x"', SCHEMA)
    assert "left out" not in str(caught.value)
    assert "exclu" not in str(caught.value)


ENGINE = sa.create_engine("sqlite://")
GIVEN: dict[str, tuple[Callable[[sa.Connection], Any], str]] = {
    "url": (lambda _: "postgresql://me:secret@there/db", "create_engine"),
    "class": (lambda _: Kid, "create_engine"),
    "nothing": (lambda _: None, "create_engine"),
    "session": (Session, "session.get_bind().engine"),
    "connection": (lambda connection: connection, "connection.engine"),
    "inspector": (sa.inspect, "pass the engine"),
}


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("call", [prepare, lambda given: verify(SCHEMA, given)])
def test_what_is_no_engine(given: str, call: Callable[[Any], Any]) -> None:
    """Verify and prepare say what to pass, and no password."""
    make, told = GIVEN[given]
    with ENGINE.connect() as connection, pytest.raises(SegmentkitError) as caught:
        call(make(connection))
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_url_is_no_source_of_a_schema() -> None:
    """Nor is its password shown."""
    with pytest.raises(SegmentkitError) as caught:
        schema_from("postgresql://me:secret@there/db", "kids")  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("given", [Kid, ENGINE, None, "kids"])
def test_what_is_no_schema(given: Any) -> None:
    """A class, or an engine, in the place of a schema."""
    for call in (tables_from, lambda each: verify(each, ENGINE)):
        with pytest.raises(SegmentkitError, match="takes a Schema here"):
            call(given)


def test_a_name_that_no_definition_can_write() -> None:
    """One such column is left out, of a class and of a table, and the others are there."""
    table = sa.Table("odd", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True),
                     sa.Column("two\nlines", sa.Integer))  # fmt: skip

    class Own(DeclarativeBase):
        pass

    class Odd(Own):
        __table__ = table

    for source in (table, Odd):
        schema = schema_from(source)
        assert [a.name for a in schema.entity.attributes] == ["id"]
        assert "no definition can write its name" in dict(schema.left_out)["odd.two\nlines"]
        told = {"attributes": {"lines": {"type": "integer", "column": "two\nlines"}}}
        named = schema_from(source, tables={"odd": told})
        assert [a.name for a in named.entity.attributes] == ["id", "lines"]


def test_a_class_that_waits_for_its_table() -> None:
    """What SQLAlchemy maps only later is said not to be mapped yet."""

    class Own(DeclarativeBase):
        pass

    class Late(DeferredReflection, Own):
        __tablename__ = "late"

    with pytest.raises(SchemaError, match=r"Late'> is not mapped yet: .*prepare"):
        schema_from(Late)


def test_a_mapper_stands_for_its_class() -> None:
    """What SQLAlchemy gives for a class, is as good as the class."""
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Kid(id=1), Kid(id=2)])
        session.flush()
        segment = Segment.define("it", "id > 1 and none(toys)", SCHEMA)
        mapper: Any = sa.inspect(Kid)
        expected = session.scalars(sa.select(Kid.id).where(Kid.id > 1, ~Kid.toys.any())).all()
        asked = sa.select(Kid.id).where(predicate(segment, mapper))
        assert session.scalars(asked).all() == expected
        scoped = Source(session, mapper, where=lambda kid: kid.id > 0)
        assert list(scoped.members(segment).keys) == expected
    engine.dispose()


def test_one_of_several_by_an_order() -> None:
    """A link would lead to all the rows of which the relationship shows the first."""

    class Own(DeclarativeBase):
        pass

    class Flat(Own):
        __tablename__ = "flats"
        id: Mapped[int] = mapped_column(primary_key=True)
        last: Mapped[Rent | None] = relationship(order_by="Rent.since.desc()", viewonly=True)
        only: Mapped[Deed | None] = relationship(order_by="Deed.id")

    class Rent(Own):
        __tablename__ = "rents"
        id: Mapped[int] = mapped_column(primary_key=True)
        flat_id: Mapped[int] = mapped_column(ForeignKey("flats.id"))
        since: Mapped[int]

    class Deed(Own):
        __tablename__ = "deeds"
        id: Mapped[int] = mapped_column(primary_key=True)
        flat_id: Mapped[int] = mapped_column(ForeignKey("flats.id"), unique=True)

    schema = schema_from(Flat)
    assert [link.name for link in schema.entity.links] == ["only"]
    assert "order_by picks one of several rows" in dict(schema.left_out)["flats.last"]


def test_an_extension_of_flask() -> None:
    """It has a session, which is told."""

    class SQLAlchemy:
        session = scoped_session(sessionmaker(ENGINE))

    with pytest.raises(SchemaError, match=r"not a SQLAlchemy of \w+: give its \.session"):
        Source(SQLAlchemy(), Kid)  # type: ignore[arg-type]


class Comma(sa.types.TypeDecorator[Any]):
    """Lists of texts with commas between."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: object) -> Any:
        """A text of the items."""
        return None if value is None else ",".join(value)

    def process_result_value(self, value: Any, dialect: object) -> Any:
        """The items of the text."""
        return None if value is None else value.split(",")


class Flag(sa.types.TypeDecorator[bool]):
    """Truth as a letter."""

    impl = sa.CHAR(1)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: object) -> Any:
        """The letter."""
        return None if value is None else "Y" if value else "N"

    def process_result_value(self, value: Any, dialect: object) -> Any:
        """What the letter says."""
        return None if value is None else value == "Y"


class Box(Base):
    """A class whose attributes have other names than their columns."""

    __tablename__ = "boxes"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str | None] = mapped_column("box label")
    title: Mapped[str | None] = mapped_column("name")
    name: Mapped[str | None] = mapped_column("title")
    more: Mapped[Any | None] = mapped_column("more data", sa.JSON)
    tags: Mapped[Any | None] = mapped_column(Comma, nullable=True)
    kept: Mapped[Any | None] = mapped_column(sa.PickleType, nullable=True)
    open: Mapped[bool | None] = mapped_column(Flag)


def test_what_the_author_tells_of_an_attribute() -> None:
    """It is told of the attribute of the class, in whatever column that is."""
    told = {
        "label": {"type": "text", "nullable": True, "values": ["a", "b"]},
        "title": "text?",
        "more": {"type": "text", "nullable": True, "column": "box label"},
    }
    schema = schema_from(Box, tables={"boxes": {"attributes": told}})
    with opened("sqlite", Base.metadata) as session:
        store(
            session,
            [
                Box(id=1, label="a", title="t", name="n", more={}),
                Box(id=2, label="b", title="n", more={}),
            ],
        )
        for text, expected in (
            ('label = "a"', Box.label == "a"),
            ('title = "n"', Box.title == "n"),
            ('more = "b"', Box.label == "b"),
        ):
            found = session.scalars(members(Segment.define("it", text, schema), Box)).all()
            assert found == list(session.scalars(sa.select(Box.id).where(expected))), text


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (
            {"attributes": {"lable": "text"}},
            "boxes has no column 'lable'; did you mean 'label'",
        ),
        ({"key": "nr"}, "boxes has no column 'nr'"),
        ({"documents": {"mor": {"a": "text"}}}, "boxes has no column 'mor'"),
        ({"documents": {"more": {"a": "text"}}}, "write 'more data', not 'more'"),
        ({"attributes": {"open": "text?"}}, "'open' is declared as text, .* Flag are boolean"),
        ({"attributes": {"tags": "text[]"}}, "'tags' cannot be declared: Comma keeps lists"),
        ({"attributes": {"kept": "text[]"}}, "'kept' cannot be declared: PickleType keeps"),
    ],
)
def test_what_no_class_has(told: dict[str, Any], why: str) -> None:
    """What the author tells is compared with the class when the schema is made."""
    with pytest.raises(SchemaError, match=why):
        schema_from(Box, tables={"boxes": told})
