"""Objects of mapped classes as records: the ORM's own answer, and no query behind one's back."""

from __future__ import annotations

import enum
import gc
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm import DynamicMapped, Mapped, mapped_column, relationship

import segmentkit.sqlalchemy as sql
from segmentkit import Catalog, DataError, Segment, UsageError
from segmentkit.sqlalchemy import record

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Status(enum.Enum):
    PAID = "paid"
    OPEN = "open"


class Base(orm.DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    age: Mapped[int | None]
    email: Mapped[str | None] = mapped_column("mail_address")
    mail: Mapped[str | None] = orm.synonym("email")
    note: Mapped[str | None] = mapped_column(deferred=True)
    level: Mapped[int] = mapped_column(default=3)
    shop_id: Mapped[int | None] = mapped_column(sa.ForeignKey("shops.id"))
    shop: Mapped[Shop | None] = relationship()
    orders: Mapped[set[Order]] = relationship(back_populates="customer")
    events: DynamicMapped[Event] = relationship()


class Shop(Base):
    __tablename__ = "shops"
    id: Mapped[int] = mapped_column(primary_key=True)
    city: Mapped[str]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    amount: Mapped[Decimal] = mapped_column(sa.Numeric(10, 2))
    status: Mapped[Status]
    at: Mapped[datetime]
    customer: Mapped[Customer] = relationship(back_populates="orders")


class Event(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))


SCHEMA = sql.schema_from(Customer, events={"orders": "at"})
DAY = datetime(2026, 4, 20)
WHOLE = (
    orm.selectinload(Customer.orders),
    orm.joinedload(Customer.shop),
    orm.undefer(Customer.note),
)


@pytest.fixture
def session() -> Iterator[orm.Session]:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add(Shop(id=1, city="Kyiv"))
        for i in range(1, 8):
            orders = {
                Order(id=10 * i + n, amount=Decimal(n), status=list(Status)[n % 2], at=DAY)
                for n in range(i % 4)
            }
            age = None if i == 3 else 15 + i
            session.add(
                Customer(id=i, age=age, email=f"{i}@x", shop_id=i % 2 or None, orders=orders)
            )
        session.commit()
        session.expunge_all()
        yield session
    engine.dispose()


@pytest.fixture
def quiet(session: orm.Session) -> Iterator[orm.Session]:
    """A session that sends nothing from here on."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a query was sent")

    customers = session.scalars(sa.select(Customer).options(*WHOLE).order_by(Customer.id)).all()
    session.info["customers"] = customers
    sa.event.listen(session.get_bind(), "before_cursor_execute", refuse)
    yield session
    sa.event.remove(session.get_bind(), "before_cursor_execute", refuse)


QUESTIONS = [
    "age >= 18",
    "not (age >= 18)",
    "age is missing",
    'email starts with "2"',
    'mail starts with "2"',
    'shop.city = "Kyiv"',
    "shop.city is missing",
    "count(orders) > 1",
    "none(orders)",
    'sum(orders.amount where status = "PAID") >= 2',
    "any(orders in last 30 days)",
    "any(orders where customer.age > 17 and amount > 0)",
    "level = 3",
]


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_loaded_object_is_a_record(quiet: orm.Session, text: str) -> None:
    """The same members as in SQL, without a query more."""
    segment = Segment.define("s", text, SCHEMA)
    customers = quiet.info["customers"]
    found = [c.id for c in customers if segment.matches(record(c), as_of=NOW)]
    explained = [c.id for c in customers if segment.explain(record(c), as_of=NOW).holds]
    assert explained == found
    assert found == _by_sql(quiet, segment)


def _by_sql(session: orm.Session, segment: Segment) -> list[int]:
    raw = session.connection().connection.driver_connection
    assert raw is not None
    query = sql.members(segment, Customer, as_of=NOW).order_by(Customer.id)
    text = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    return [row[0] for row in raw.execute(str(text)).fetchall()]


def test_catalogs_take_records_of_objects(quiet: orm.Session) -> None:
    """All segments of one object, by one function."""
    catalog = Catalog.loads(
        'language = 1\n[segments.adult]\nwhere = "age >= 18"\n'
        '[segments.buyer]\nwhere = "any(orders)"',
        SCHEMA,
    )
    matcher = catalog.matcher(as_of=NOW)
    for customer in quiet.info["customers"]:
        expected = {"adult": (customer.age or 0) >= 18, "buyer": bool(customer.orders)}
        found = matcher(record(customer))
        assert {name: name in found for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("any(orders)", r"Customer.orders is not loaded.*selectinload\(Customer.orders\)"),
        ('shop.city = "Kyiv"', r"Customer.shop is not loaded.*selectinload\(Customer.shop\)"),
        ('note = "x"', r"Customer.note is not loaded.*undefer\(Customer.note\)"),
        ("any(events)", r"Customer.events is not loaded.*predicate\(segment"),
    ],
)
def test_what_is_not_loaded_is_named(session: orm.Session, text: str, message: str) -> None:
    """And how to load it; no query is sent for it."""
    customer = session.get(Customer, 1)
    before = len(sa.inspect(customer).dict)
    with pytest.raises(DataError, match=message):
        Segment.define("s", text, SCHEMA).matches(record(customer), as_of=NOW)
    assert len(sa.inspect(customer).dict) == before
    assert Segment.define("s", "age = 16", SCHEMA).matches(record(customer))
    # A foreign key that is missing leads to nobody, and an object of the session is there.
    segment = Segment.define("s", 'shop.city = "Kyiv"', SCHEMA)
    assert not segment.matches(record(session.get(Customer, 2)))
    shop = session.get(Shop, 1)
    assert segment.matches(record(customer)) is (shop.city == "Kyiv")


def test_an_expired_object_is_not_loaded(session: orm.Session) -> None:
    """After a commit, a session does not know what its objects are."""
    customer = session.get(Customer, 2)
    session.commit()
    segment = Segment.define("s", "age = 17", SCHEMA)
    with pytest.raises(DataError, match=r'Customer.age is not loaded.*refresh\(…, \["age"\]\)'):
        segment.matches(record(customer))
    session.refresh(customer, ["age"])
    assert segment.matches(record(customer))
    session.expunge(customer)
    assert segment.matches(record(customer))


def test_a_new_object_has_what_it_was_given() -> None:
    """What it was not given is missing, and a default is not there before a flush."""
    new = Customer(id=1, age=40)
    assert Segment.define("s", "age > 18 and email is missing", SCHEMA).matches(record(new))
    assert Segment.define("s", "none(orders)", SCHEMA).matches(record(new))
    assert Segment.define("s", "shop.city is missing", SCHEMA).matches(record(new))
    with pytest.raises(DataError, match=r"Customer.level has a default .* flush the session first"):
        Segment.define("s", "level = 3", SCHEMA).matches(record(new))
    new.orders.add(Order(id=1, amount=Decimal("2.50"), status=Status.PAID, at=DAY))
    bought = Segment.define("s", 'sum(orders.amount where status = "PAID") = 2.5', SCHEMA)
    assert bought.matches(record(new), as_of=NOW)


def test_a_new_object_has_its_foreign_key_and_not_the_other_object() -> None:
    """Where the key is known and the object is not, nothing is said of it."""
    segment = Segment.define("s", "shop.city is missing", SCHEMA)
    assert segment.matches(record(Customer(id=1)))
    with pytest.raises(DataError, match=r"Customer\.shop is not loaded"):
        segment.matches(record(Customer(id=1, shop_id=1)))
    assert not segment.matches(record(Customer(id=1, shop_id=1, shop=Shop(id=1, city="Kyiv"))))


def test_a_record_keeps_its_object(session: orm.Session) -> None:
    """An object that nobody else holds stays what it is."""
    segment = Segment.define("s", "age = 17", SCHEMA)
    assert segment.matches(record(Customer(id=1, age=17)))
    kept = record(session.scalars(sa.select(Customer).where(Customer.id == 2)).one())
    gc.collect()
    assert segment.matches(kept)


def test_an_object_without_a_session_is_not_loaded(session: orm.Session) -> None:
    """Nor is one of a query that asks for an error: both are told how to load, as others are."""
    segment = Segment.define("s", 'shop.city = "Kyiv"', SCHEMA)
    query = sa.select(Customer).where(Customer.id == 1)
    refusing = session.scalars(query.options(orm.raiseload(Customer.shop))).one()
    with pytest.raises(DataError, match=r"query with selectinload\(Customer.shop\)"):
        segment.matches(record(refusing))
    session.expunge_all()
    alone = session.scalars(query).one()
    session.expunge(alone)
    with pytest.raises(DataError, match=r"query with selectinload\(Customer.shop\)"):
        segment.matches(record(alone))


@pytest.mark.parametrize("given", [Customer, {"id": 1}, None, 5, "x"])
def test_other_things_are_no_objects_of_mapped_classes(given: Any) -> None:
    """A dictionary is a record already, and a class is none."""
    with pytest.raises(UsageError, match="takes an object of a mapped class"):
        record(given)


def test_a_record_prints_names_and_no_values() -> None:
    """A log is read by many."""
    told = repr(record(customer := Customer(id=1, email="ada@example.org")))
    assert set(told.removeprefix("record of Customer: ").split(", ")) == {"id", "email"}
    assert customer.email not in told


def test_an_object_is_no_record_by_itself() -> None:
    """The error says how to make one of it."""
    given: Any = Customer(id=1)
    with pytest.raises(DataError, match=r"not Customer; give segmentkit\.sqlalchemy\.record\(…\)"):
        Segment.define("s", "age > 1", SCHEMA).matches(given)
