"""Types of the app's own behind links and in relations, in documents and in long lists."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.types import TypeDecorator

from segmentkit import KeyList, Segment
from segmentkit.sqlalchemy import Source, members, prepare, schema_from
from tests.column_types import zoo

NOW = datetime(2026, 5, 9, 12, tzinfo=UTC)
SHOP = uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")


class Document(TypeDecorator[Any]):
    """An object of JSON in a text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else json.loads(value)


class Base(orm.DeclarativeBase):
    """The app's."""


class Shop(Base):
    """Where customers buy."""

    __tablename__ = "ways_shops"
    id: orm.Mapped[uuid.UUID] = orm.mapped_column(zoo.TextGuid, primary_key=True)
    fee: orm.Mapped[Decimal] = orm.mapped_column(zoo.Cents)
    mail: orm.Mapped[str] = orm.mapped_column(zoo.Email(50))
    status: orm.Mapped[zoo.Status]


class Customer(Base):
    """Who buys."""

    __tablename__ = "ways_customers"
    id: orm.Mapped[int] = orm.mapped_column(zoo.OneIntegerId, primary_key=True, autoincrement=False)
    shop_id: orm.Mapped[uuid.UUID | None] = orm.mapped_column(zoo.TextGuid, sa.ForeignKey(Shop.id))
    number: orm.Mapped[int]
    amount: orm.Mapped[Decimal] = orm.mapped_column(sa.Numeric(10, 2))
    rate: orm.Mapped[float]
    score: orm.Mapped[float] = orm.mapped_column(zoo.NoNan)
    told: orm.Mapped[Any | None] = orm.mapped_column(Document)
    day: orm.Mapped[date]
    shop: orm.Mapped[Shop | None] = orm.relationship()
    orders: orm.Mapped[list[Order]] = orm.relationship()


class Order(Base):
    """What they buy."""

    __tablename__ = "ways_orders"
    id: orm.Mapped[uuid.UUID] = orm.mapped_column(primary_key=True)
    customer_id: orm.Mapped[int] = orm.mapped_column(zoo.OneIntegerId, sa.ForeignKey(Customer.id))
    cost: orm.Mapped[Decimal] = orm.mapped_column(zoo.Cents)
    at: orm.Mapped[datetime] = orm.mapped_column(zoo.Epoch)
    status: orm.Mapped[zoo.Status]
    sent: orm.Mapped[bool] = orm.mapped_column(zoo.YesNo)


@pytest.fixture(scope="module", params=zoo.NAMES)
def session(request: pytest.FixtureRequest) -> Iterator[orm.Session]:
    """The app's session, on each database."""
    engine = prepare(zoo.opened(request.param))
    Base.metadata.create_all(engine)
    orders = [
        (1, "1.10", 2, zoo.Status.PAID, True),
        (1, "2.20", 1, zoo.Status.OPEN, False),
        (2, "9.99", 100, zoo.Status.OPEN, True),
    ]
    with orm.Session(engine) as session:
        session.add(Shop(id=SHOP, fee=Decimal("1.50"), mail="A@x", status=zoo.Status.PAID))
        session.flush()
        session.add(Customer(id=1, shop_id=SHOP, number=1, amount=Decimal("2.5"), rate=2.5, score=2.5,
                             told={"plan": "pro"}, day=date(2026, 5, 9)))  # fmt: skip
        session.add(
            Customer(id=2, number=2, amount=Decimal(1), rate=1.0, score=0.1, day=date(2026, 4, 1))
        )
        session.flush()
        for key, cost, hours, status, sent in orders:
            at = NOW - timedelta(hours=hours)
            session.add(Order(id=uuid.uuid4(), customer_id=key, cost=Decimal(cost), at=at,
                              status=status, sent=sent))  # fmt: skip
        session.commit()
        yield session
    Base.metadata.drop_all(engine)
    engine.dispose()


TOLD = {"ways_customers": {"documents": {"told": {"plan": "text"}}}}
SCHEMA = schema_from(Customer, events={"orders": "at"}, tables=TOLD)
LISTS = {"few": KeyList("few", [1, 99]), "many": KeyList("many", [1, *range(50, 1_300)])}
FOUND = {
    "shop.fee > 1.49": {1},
    "shop.fee * 2 = 3": {1},
    "default(shop.fee, 5) > 4": {2},
    'shop.mail = "a@X"': {1},
    'not shop.mail = "a@X"': {2},
    'shop.status = "PAID"': {1},
    'shop.status starts with "P"': {1},
    f'shop.id = "{SHOP}"': {1},
    'shop.id starts with "a0eebc99-"': {1},
    'told.plan = "pro"': {1},
    "number in (1, 2.5)": {1},
    "number = 1.5": set(),
    "number < 1.5": {1},
    "number between 0.5 and 1.5": {1},
    "amount in (2.5, 7)": {1},
    "rate in (2.5, 7)": {1},
    "score in (2.5, 7)": {1},
    "score * 2 > 4": {1},
    "score = 0.1": {2},
    "top 1 by score": {1},
    "day = 2026-05-09": {1},
    "sum(orders.cost) = 3.30": {1},
    "sum(orders.cost) > shop.fee": {1},
    "sum(orders.cost where sent) > 1": {1, 2},
    "count(orders where sent = false) = 1": {1},
    "max(orders.cost) - min(orders.cost) = 1.1": {1},
    "median(orders.cost) = 1.65": {1},
    "top 1 by sum(orders.cost)": {2},
    "first(orders.cost) = 1.1": {1},
    "last(orders.sent)": {2},
    'last(orders.status) = "OPEN"': {1, 2},
    "any(orders in last 2 hours)": {1},
    "any(orders where at >= 2 hours ago)": {1},
    "max(orders.at) > 3 hours ago": {1},
    "last(orders.at) < 3 hours ago": {2},
    "count(distinct day(orders.at)) = 1": {1, 2},
    "any(orders followed by orders within 90 minutes)": {1},
    "any(orders followed by orders within 30 minutes)": set(),
    "any(orders as o followed by orders where cost = o.cost * 2)": {1},
    "any(orders as o followed by orders where status = o.status)": set(),
    "count(orders as o not followed by orders where id = o.id) = 2": {1},
    "any(orders as o not followed by orders where sent = o.sent and status = o.status)": {1, 2},
    'count(orders where status in ("PAID", "OPEN")) = 2': {1},
    "in list few": {1},
    "in list many": {1},
}


@pytest.mark.parametrize("text", FOUND)
def test_found(session: orm.Session, text: str) -> None:
    """Whom a definition finds by hand, its SQL finds; its complement finds all others."""
    segment = Segment.define("s", text, SCHEMA, lists=LISTS)
    assert set(session.scalars(members(segment, Customer, as_of=NOW))) == FOUND[text]
    assert set(session.scalars(members(~segment, Customer, as_of=NOW))) == {1, 2} - FOUND[text]
    source = Source(session, Customer)
    assert set(source.members(segment, as_of=NOW)) == FOUND[text]
    assert source.sizes([segment], as_of=NOW)["s"] == len(FOUND[text])
