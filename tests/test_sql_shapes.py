"""The SQL that comes out: how many scans, what is inside them, and what never is in the text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql, sqlite
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    mapped_column,
    relationship,
)

from segmentkit import SchemaError, Segment
from segmentkit.sqlalchemy import members, predicate, prepare, schema_from

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Base(DeclarativeBase):
    pass


class Company(Base):
    __tablename__ = "companies"
    id: Mapped[int] = mapped_column(primary_key=True)
    industry: Mapped[str | None]


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    land: Mapped[str | None] = mapped_column("country")
    age: Mapped[int | None]
    company_id: Mapped[int | None] = mapped_column(sa.ForeignKey("companies.id"))
    company: Mapped[Company | None] = relationship()
    orders: Mapped[list[Order]] = relationship()


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customers.id"))
    amount: Mapped[Any] = mapped_column(sa.Numeric(10, 2))
    status: Mapped[str | None]
    placed_at: Mapped[datetime | None]


SCHEMA = schema_from(Customer, events={"orders": "placed_at"})
LOYAL = """
land = "UA" and count(orders in last 90 days where status = "paid") >= 3
and sum(orders.amount in last 365 days) > 500 and none(orders in last 30 days where status = "back")
"""


def define(text: str) -> Segment:
    return Segment.define("it", text, SCHEMA)


def text_of(segment: Segment, dialect: Any = None, as_of: datetime = NOON) -> str:
    return str(members(segment, Customer, as_of=as_of).compile(dialect=dialect))


@pytest.fixture
def session() -> Any:
    engine = prepare(sa.create_engine("sqlite://"))
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        opened.add(Company(id=1, industry="toys"))
        for number, (land, age) in enumerate([("UA", 17), ("UA", 30), (None, None), ("PL", 40)], 1):
            opened.add(
                Customer(id=number, land=land, age=age, company_id=1 if number == 2 else None)
            )
        for number, owner in enumerate([1, 1, 2, None], 1):
            opened.add(
                Order(
                    id=number,
                    customer_id=owner,
                    amount=10,
                    status="paid",
                    placed_at=datetime(2026, 4, number),
                )
            )
        opened.commit()
        yield opened
    engine.dispose()


def test_one_scan_for_all_that_is_asked_of_a_relation() -> None:
    """Three aggregates that are joined by 'and' read the orders once."""
    text = text_of(define(LOYAL))
    assert text.count("FROM orders") == 1
    assert text.count("GROUP BY") == 1


def test_the_scan_is_limited_by_the_attributes() -> None:
    """The attribute test stands outside and, for the owners of rows, inside the scan."""
    text = text_of(define(LOYAL))
    inside = text[text.index("FROM orders") : text.index("GROUP BY")]
    assert "country = " in inside
    assert text.count("country = ") == 2


def test_a_customer_without_rows_decides_between_in_and_not_in() -> None:
    """What nobody's rows satisfy is NOT IN the complement; existence needs no groups."""
    assert "NOT IN" in text_of(define("count(orders) <= 2"))
    assert "NOT IN" not in text_of(define("count(orders) > 2"))
    assert "GROUP BY" not in text_of(define("any(orders)"))
    assert "GROUP BY" not in text_of(define("none(orders)"))


def test_nothing_is_correlated_but_links() -> None:
    """Sub-queries stand alone; a link is a look-up by key."""
    compiled = text_of(define(LOYAL))
    inside = compiled[compiled.index("FROM orders") :]
    assert "customers.id" not in inside
    assert "companies_1.id = customers.company_id" in text_of(define('company.industry = "toys"'))


def test_the_text_is_the_same_every_day() -> None:
    """Instants and values are parameters: the statement does not change with them."""
    segment = define(LOYAL)
    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert text_of(segment) == text_of(segment, as_of=later)
    assert text_of(define('land = "UA"')) == text_of(define('land = "PL"'))
    assert text_of(define("age > 1")) == text_of(define("age > 2"))


def test_no_value_is_in_the_text() -> None:
    """Whatever a value holds, it travels beside the statement."""
    hostile = "x'; DROP TABLE customers; --"
    query = members(define(f'land = "{hostile}" or land contains "{hostile}"'), Customer)
    compiled = query.compile()
    assert "DROP" not in str(compiled)
    assert list(compiled.params.values()).count(hostile) == 2


def test_complements_test_for_null_and_use_no_not() -> None:
    """A negative leaf is a leaf of its own, so that indexes serve it."""
    text = text_of(define("not (age < 18)"))
    assert "customers.age >= :age_1 OR customers.age IS NULL" in text
    assert "NOT" not in text


@pytest.mark.parametrize("dialect", [sqlite, postgresql, mysql, mssql, oracle])
def test_it_compiles_elsewhere(dialect: Any) -> None:
    """Other dialects have spellings for everything; that they run is tested apart."""
    texts = [
        LOYAL,
        'land contains "x" and land ends with "y"',
        'land = "ua" ignoring case',
        "age / 2 > 3",
    ]
    texts += [
        "median(orders.amount) > 3",
        'last(orders.status) = "paid"',
        "avg(orders.amount) > age",
    ]
    for text in texts:
        assert "SELECT" in text_of(define(text), dialect.dialect())


def test_in_the_users_own_query(session: Session) -> None:
    """A predicate is an ordinary expression: with joins, aliases, counts and updates."""
    buyers = define("any(orders in last 60 days)")
    by = predicate(buyers, Customer, as_of=NOON)
    assert session.scalars(sa.select(Customer.id).where(by).order_by(Customer.id)).all() == [1, 2]
    joined = sa.select(Order.id).join(Customer, Customer.id == Order.customer_id).where(by)
    assert sorted(session.scalars(joined)) == [1, 2, 3]
    other = aliased(Customer)
    assert set(
        session.scalars(sa.select(other.id).where(predicate(buyers, other, as_of=NOON)))
    ) == {1, 2}
    table = Customer.__table__.alias("c")
    assert set(
        session.scalars(sa.select(table.c.id).where(predicate(buyers, table, as_of=NOON)))
    ) == {1, 2}
    assert session.scalar(sa.select(sa.func.count()).select_from(Customer).where(by)) == 2
    session.execute(sa.update(Customer).where(by).values(age=99))
    assert set(session.scalars(sa.select(Customer.id).where(Customer.age == 99))) == {1, 2}


@pytest.mark.parametrize(
    "text",
    [
        "not (age < 18)",
        "land != 'UA'",
        "count(orders) <= 1",
        "company.industry = 'toys'",
        "median(orders.amount) > 3",
    ],
)
def test_counted_as_a_case_it_is_the_same(session: Session, text: str) -> None:
    """WHERE p selects as many rows as CASE WHEN p counts, and the complement the others."""
    segment = define(text)
    test, rest = (predicate(s, Customer, as_of=NOON) for s in (segment, ~segment))
    cases = sa.select(
        sa.func.sum(sa.case((test, 1), else_=0)), sa.func.sum(sa.case((rest, 1), else_=0))
    )
    inside, outside = session.execute(cases.select_from(Customer)).one()
    assert inside == len(session.scalars(sa.select(Customer.id).where(test)).all())
    assert inside + outside == 4


def test_names_of_the_class_are_the_names_of_the_language(session: Session) -> None:
    """An attribute that is called otherwise than its column is called as in the class."""
    found = session.scalars(members(define('land = "UA"'), Customer)).all()
    assert sorted(found) == [1, 2]


def test_what_the_query_selects_from_must_be_the_entity() -> None:
    """Another table, or none, is told apart before anything runs."""
    with pytest.raises(
        SchemaError, match="segments 'customers', and the query selects from 'orders'"
    ):
        predicate(define("age > 1"), Order)
    with pytest.raises(SchemaError, match="neither a table nor a mapped class"):
        predicate(define("age > 1"), "customers")  # type: ignore[arg-type]


def test_members_remember_the_instant() -> None:
    """The instant that was asked about is with the statement."""
    query = members(define("age > 1"), Customer, as_of=NOON)
    assert query.get_execution_options()["segmentkit_as_of"] == NOON
