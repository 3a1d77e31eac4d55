"""Keys of several columns, keys that are not the primary one, and relations without a key."""

from __future__ import annotations

from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship

from segmentkit import SchemaError, Segment
from segmentkit.sqlalchemy import Source, members, schema_from
from tests.models.answers import Asked, opened, store


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    crm_no: Mapped[int] = mapped_column(unique=True)
    region_code: Mapped[str | None] = mapped_column(sa.ForeignKey("regions.code"))
    postcode: Mapped[str | None]
    orders: Mapped[list[Order]] = relationship(back_populates="customer")
    region: Mapped[Region | None] = relationship()
    nearby: Mapped[list[Shop]] = relationship(
        primaryjoin="Customer.postcode == foreign(Shop.postcode)", viewonly=True
    )
    home_shop: Mapped[Shop | None] = relationship(
        primaryjoin="foreign(Customer.postcode) == Shop.postcode", viewonly=True
    )
    notes: Mapped[list[Note]] = relationship(
        primaryjoin="and_(Customer.id == foreign(Note.target_id), Note.target_type == 'user')",
        viewonly=True,
    )
    references: Mapped[list[Reference]] = relationship(
        primaryjoin=lambda: foreign(Reference.ref) == sa.cast(Customer.id, sa.String),
        viewonly=True,
    )
    like: Mapped[list[Reference]] = relationship(
        primaryjoin=lambda: foreign(Reference.ref).like(
            sa.cast(Customer.id, sa.String).concat("%")
        ),
        viewonly=True,
    )
    lower: Mapped[list[Shop]] = relationship(
        primaryjoin=lambda: (
            sa.func.lower(Customer.postcode) == sa.func.lower(foreign(Shop.postcode))
        ),
        viewonly=True,
    )


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_no: Mapped[int] = mapped_column(sa.ForeignKey("customers.crm_no"))
    total: Mapped[int]
    customer: Mapped[Customer] = relationship(back_populates="orders")
    lines: Mapped[list[Line]] = relationship()


class Line(Base):
    __tablename__ = "lines"
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("orders.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    parts: Mapped[list[Part]] = relationship()


class Part(Base):
    """What leads here begins at a key of two columns."""

    __tablename__ = "parts"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int]
    number: Mapped[int]
    __table_args__ = (
        sa.ForeignKeyConstraint(["order_id", "number"], ["lines.order_id", "lines.number"]),
    )
    line: Mapped[Line] = relationship(viewonly=True)


class Region(Base):
    __tablename__ = "regions"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    tax: Mapped[int]


class Shop(Base):
    __tablename__ = "shops"
    id: Mapped[int] = mapped_column(primary_key=True)
    postcode: Mapped[str | None]
    size: Mapped[int]


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int]
    target_type: Mapped[str]
    stars: Mapped[int]


class Reference(Base):
    __tablename__ = "refs"
    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str]
    rank: Mapped[int]


@pytest.fixture
def asked(database: str):
    with opened(database, Base.metadata) as session:
        store(
            session,
            [
                Region(id=7, code="n", tax=20),
                Region(id=8, code="s", tax=5),
                Customer(id=1, crm_no=2, region_code="n", postcode="p1"),
                Customer(id=2, crm_no=1, region_code="s", postcode="P1"),
                Customer(id=3, crm_no=5, postcode="p1"),
                Order(id=1, customer_no=1, total=5),
                Order(id=2, customer_no=1, total=6),
                Order(id=3, customer_no=5, total=9),
                Line(order_id=1, number=1, quantity=3),
                Line(order_id=1, number=2, quantity=4),
                Line(order_id=3, number=1, quantity=5),
                Part(id=1, order_id=1, number=2),
                Shop(id=1, postcode="p1", size=3),
                Shop(id=2, postcode="p1", size=4),
                Note(id=1, target_id=1, target_type="group", stars=1),
                Note(id=2, target_id=2, target_type="user", stars=2),
                Reference(id=1, ref="1", rank=4),
                Reference(id=2, ref="21", rank=5),
            ],
        )
        yield Asked(session, schema_from(Customer), Customer)


def test_a_key_that_is_not_the_primary_one(asked: Asked) -> None:
    """As in Odoo's external identifiers, a foreign key refers to a unique number or code."""
    asked.relates("orders", "total")
    asked.computes("region.tax", lambda c: c.region and c.region.tax)
    asked.computes(
        "sum(orders.lines.quantity)", lambda c: sum(i.quantity for o in c.orders for i in o.lines)
    )
    asked.picks("any(orders where customer.region.tax < 10)", lambda c: c.id == 2)
    asked.picks("max(orders.total) = 6", lambda c: c.id == 2)


def test_columns_that_many_rows_share(asked: Asked) -> None:
    """As in store finders, rows on both sides have one postcode."""
    asked.relates("nearby", "size")
    asked.relates("lower", "size")
    assert dict(asked.schema.left_out)["customers.home_shop"] == (
        "it may lead to several rows: nothing says that shops.postcode is unique"
    )


def test_generic_relations(asked: Asked) -> None:
    """As in Redmine's and Rails' polymorphic tables, a type stands beside the key."""
    asked.relates("notes", "stars")


def test_casts_and_patterns(asked: Asked) -> None:
    """As in Superset's tags and audit logs, keys are kept as text, or as the beginning of one."""
    asked.relates("references", "rank")
    asked.relates("like", "rank")


def test_a_key_of_several_columns_two_hops_away(asked: Asked) -> None:
    """As in ERPNext's line items, rows have a key of two columns, and what is below them is listed."""
    assert any(what == "lines.parts" for what, _ in asked.schema.left_out)
    asked.picks(
        "any(orders where count(lines) = 2)", lambda c: any(len(o.lines) == 2 for o in c.orders)
    )


def test_a_root_with_a_key_of_several_columns(asked: Asked) -> None:
    """As in multi-tenant tables, the way out of a key of two columns is named, and works."""
    with pytest.raises(SchemaError, match=r"Line has a key of 2 columns \(order_id, number\)"):
        schema_from(Line)
    with pytest.raises(SchemaError, match=r"'lines' has a key of 2 columns"):
        schema_from(Base.metadata, "lines")
    schema = schema_from(Line, tables={"lines": {"key": "quantity"}})
    segment = Segment.define("it", "quantity > 3", schema)
    assert sorted(asked.session.scalars(members(segment, Line))) == [4, 5]
    assert sorted(Source(asked.session, Line).members(segment).keys) == [4, 5]
    # To one row, by both columns.
    segment = Segment.define("it", "line.quantity > 3", schema_from(Part))
    assert list(asked.session.scalars(members(segment, Part))) == [1]
    assert list(Source(asked.session, Part).members(segment).keys) == [1]


class Solo(DeclarativeBase):
    pass


class Person(Solo):
    """Nothing of what leads here is declared on this side."""

    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)


class Visit(Solo):
    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[int] = mapped_column("person", sa.ForeignKey("people.id"))
    person: Mapped[Person] = relationship()
    at: Mapped[datetime]
    seconds: Mapped[int]


class Call(Solo):
    __tablename__ = "calls"
    id: Mapped[int] = mapped_column(primary_key=True)
    callee: Mapped[int] = mapped_column(sa.ForeignKey("people.number"))
    caller: Mapped[int] = mapped_column(sa.ForeignKey("people.number"))
    cost: Mapped[int]


sa.Table(
    "clicks",
    Solo.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person_id", sa.ForeignKey("people.id")),
    sa.Column("n", sa.Integer),
)


def test_only_the_other_side_declares_it(database: str) -> None:
    """As in Airflow's logs, a table leads to a class that does not know of it."""
    with opened(database, Solo.metadata) as session:
        store(
            session,
            [
                Person(id=1, number=2),
                Person(id=2, number=1),
                Visit(id=1, who=1, at=datetime(2026, 1, 1), seconds=4),
                Visit(id=2, who=1, at=datetime(2026, 1, 2), seconds=5),
                Call(id=1, callee=1, caller=2, cost=7),
            ],
        )
        session.execute(Solo.metadata.tables["clicks"].insert().values(id=1, person_id=2, n=9))
        for events in (
            {"visits": "at"},
            {"visits": {"key": "who", "at": "at"}},
            {"visits": {"key": "person", "at": "at"}},
            {"visits": {"to": "Visit", "at": "at"}},
        ):
            schema = schema_from(Person, events=events, relations={"clicks": "person_id"})
            asked = Asked(session, schema, Person)
            asked.picks("last(visits.seconds) = 5", lambda p: p.id == 1)
            asked.picks("any(visits where person.number = 2)", lambda p: p.id == 1)
            asked.picks("sum(clicks.n) = 9", lambda p: p.id == 2)
        with pytest.raises(SchemaError, match="no single foreign key declares people.calls"):
            schema_from(Person, relations={"calls": {}})
        schema = schema_from(
            Person, tables={"people": {"relations": {"calls": {"key": "caller", "by": "number"}}}}
        )
        Asked(session, schema, Person).picks("sum(calls.cost) = 7", lambda p: p.number == 2)
        with pytest.raises(SchemaError, match="Person has no relationship 'visit'; "):
            schema_from(Person, events={"visit": "at"})
