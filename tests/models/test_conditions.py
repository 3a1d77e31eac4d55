"""Relationships with a condition of their own."""

from __future__ import annotations

from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship, remote

from segmentkit import SchemaError
from segmentkit.sqlalchemy import schema_from
from tests.models.answers import Asked, opened, store


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customers.id"))
    total: Mapped[int]
    status: Mapped[str]
    placed_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    lines: Mapped[list[Line]] = relationship(
        primaryjoin="and_(Order.id == Line.order_id, Line.voided == false())", viewonly=True
    )


class Line(Base):
    __tablename__ = "lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("orders.id"))
    quantity: Mapped[int]
    voided: Mapped[bool]


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    minimum: Mapped[int]
    orders: Mapped[list[Order]] = relationship(
        primaryjoin="and_(Customer.id == Order.customer_id, Order.deleted_at.is_(None))",
        order_by="Order.total.desc()",
    )
    drafts: Mapped[list[Order]] = relationship(
        primaryjoin="and_(Customer.id == Order.customer_id, Order.status == 'DRAFT')",
        viewonly=True,
    )
    large: Mapped[list[Order]] = relationship(
        primaryjoin="and_(Customer.id == Order.customer_id, Order.total >= Customer.minimum)",
        viewonly=True,
    )
    above: Mapped[list[Order]] = relationship(
        primaryjoin=lambda: Customer.minimum < foreign(remote(Order.total)), viewonly=True
    )
    draft: Mapped[Order | None] = relationship(
        primaryjoin="and_(Customer.id == Order.customer_id, Order.status == 'DRAFT')",
        viewonly=True,
        uselist=False,
    )


def rows() -> list[object]:
    day, gone = datetime(2026, 3, 1), datetime(2026, 4, 1)
    return [
        Customer(id=1, minimum=10),
        Customer(id=2, minimum=5),
        Customer(id=3, minimum=100),
        Customer(id=4, minimum=0),
        Order(id=1, customer_id=1, total=20, status="PAID", placed_at=day, deleted_at=gone),
        Order(id=2, customer_id=1, total=3, status="DRAFT", placed_at=day, deleted_at=gone),
        Order(id=3, customer_id=2, total=7, status="PAID", placed_at=day),
        Order(id=4, customer_id=2, total=8, status="PAID", placed_at=gone),
        Order(id=5, customer_id=2, total=90, status="DRAFT", placed_at=gone, deleted_at=gone),
        Order(id=6, customer_id=3, total=11, status="PAID", placed_at=gone),
        Order(id=7, customer_id=None, total=300, status="PAID", placed_at=gone),
        Line(id=1, order_id=1, quantity=2, voided=False),
        Line(id=2, order_id=3, quantity=5, voided=True),
        Line(id=3, order_id=3, quantity=1, voided=False),
        Line(id=4, order_id=6, quantity=4, voided=True),
    ]


def test_soft_deletes(database: str) -> None:
    """As in Saleor and many shops, a relationship that leaves out deleted rows has only the others."""
    with opened(database, Base.metadata) as session:
        store(session, rows())
        schema = schema_from(Customer, events={"orders": "placed_at", "above": "placed_at"})
        asked = Asked(session, schema, Customer)
        for name in ("orders", "drafts", "large", "above"):
            asked.relates(name, "total")
        asked.picks("last(orders.total) = 8", lambda c: c.id == 2)
        asked.picks("any(orders in 2026-03)", lambda c: c.id == 2)
        asked.picks("any(orders where any(lines))", lambda c: any(o.lines for o in c.orders))
        asked.computes(
            "sum(orders.lines.quantity)",
            lambda c: sum(line.quantity for o in c.orders for line in o.lines),
        )
        asked.computes(
            "sum(large.lines.quantity)",
            lambda c: sum(line.quantity for o in c.large for line in o.lines),
        )
        asked.picks("any(orders followed by orders)", lambda c: c.id == 2)
        asked.picks("draft.total > 50", lambda c: c.draft is not None and c.draft.total > 50)
        asked.picks("draft.total is missing", lambda c: c.draft is None)
        asked.picks(
            "any(draft where total < 50)", lambda c: c.draft is not None and c.draft.total < 50
        )
        asked.picks("count(orders) = 0 and any(drafts)", lambda c: not c.orders and bool(c.drafts))


def test_a_key_that_is_not_the_relationships() -> None:
    """A relationship with a condition is not read as one by the key that an author adds."""
    told = {"orders": {"key": "customer_id", "at": "placed_at"}}
    with pytest.raises(SchemaError, match="leave out the key, or give your relation another name"):
        schema_from(Customer, events=told)
    other = {"every": {"key": "customer_id", "at": "placed_at", "to": "orders"}}
    assert schema_from(Customer, events=other).entity.relation("every")
