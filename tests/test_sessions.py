"""Sessions, tenants and criteria of an app: the population and the rows that its own ORM sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    mapped_column,
    relationship,
    scoped_session,
    sessionmaker,
    with_loader_criteria,
)

import segmentkit.sqlalchemy as sql
from segmentkit import KeyList, Partition, SchemaError, Segment, Trait
from tests.targets.databases import postgresql_url

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[int]
    points: Mapped[int | None]
    deleted: Mapped[bool] = mapped_column(default=False)
    referrer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customers.id"))
    referrer: Mapped[Customer | None] = relationship(remote_side=[id])
    orders: Mapped[list[Order]] = relationship(back_populates="customer")
    large: Mapped[list[Order]] = relationship(
        primaryjoin="and_(Customer.id == Order.customer_id, Order.amount > 20)", viewonly=True
    )


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    amount: Mapped[int]
    deleted: Mapped[bool] = mapped_column(default=False)
    customer: Mapped[Customer] = relationship(back_populates="orders")


SCHEMA = sql.schema_from(Customer)


def _rows() -> list[Any]:
    """Twenty customers of two tenants; the odd ones are the first's, and have the most points."""
    people = [
        Customer(
            id=i,
            tenant=i % 2,
            points=None if i == 7 else i * (10 if i % 2 else 1),
            deleted=i in (3, 4, 19),
            referrer_id=None,
        )
        for i in range(1, 21)
    ]
    orders = [
        Order(id=i, customer_id=1 + i % 19, amount=i, deleted=i % 3 == 0 or i > 30)
        for i in range(1, 41)
    ]
    for person in people[1:]:
        person.referrer_id = person.id - 1
    return [*people, *orders]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    on_file = request.param == "postgresql"
    engine = sa.create_engine(postgresql_url() if on_file else "sqlite://")
    sql.prepare(engine)
    if on_file:
        with engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema("of_sessions"))
        engine = engine.execution_options(schema_translate_map={None: "of_sessions"})
    try:
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add_all(_rows())
            session.commit()
        yield engine
    finally:
        if on_file:
            with engine.begin() as connection:
                connection.execute(sa.schema.DropSchema("of_sessions", cascade=True))
        engine.dispose()


def _define(text: str) -> Segment:
    return Segment.define("x", text, SCHEMA)


def _keys(members: Any) -> list[int]:
    return sorted(int(key) for key in members)


def test_each_statement_a_transaction(engine: sa.Engine) -> None:
    """A connection in autocommit has no cursors on PostgreSQL, and gives the same answers."""
    segment = _define("points >= 0 and any(orders where amount = 5)")
    usual = _keys(sql.Source(engine, Customer).members(segment))
    with engine.connect() as connection:
        committing = connection.execution_options(isolation_level="AUTOCOMMIT")
        source = sql.Source(committing, Customer)
        assert _keys(source.members(segment)) == usual != []
        assert _keys(source.evaluate([segment]).members("x")) == usual


# -- a tenant -----------------------------------------------------------------------------------

MINE = Customer.tenant == 0
"""The even ones, who have the fewest points."""

RANKED = [
    ("top 20% by points", [18, 20]),
    ("not top 20% by points", [2, 4, 6, 8, 10, 12, 14, 16]),
    ("top 3 by points among (points < 15)", [10, 12, 14]),
    ("points > avg(points among everyone)", [12, 14, 16, 18, 20]),
    ("ntile(2, points) = 1", [2, 4, 6, 8, 10]),
    ("referrer.points > 100", [12, 14, 16, 18, 20]),
    ("points >= 0 and any(orders where amount = 5)", [6]),
    ("not (points >= 0)", []),
]


@pytest.mark.parametrize("form", ["condition", "function", "table", "alias", "core alias"])
@pytest.mark.parametrize(("text", "expected"), RANKED)
def test_a_tenant_is_the_population_of_every_question(
    engine: sa.Engine, text: str, expected: list[int], form: str
) -> None:
    """Ranks, means and counts of everyone are of the tenant's customers, by all ways to ask."""
    table: Any = Customer.__table__
    other, core = aliased(Customer), table.alias()
    root, where = {
        "condition": (Customer, MINE),
        "function": (Customer, lambda customer: customer.tenant == 0),
        "table": (table, table.c.tenant == 0),
        "alias": (other, other.tenant == 0),
        "core alias": (core, lambda customers: customers.c.tenant == 0),
    }[form]
    segment = _define(text)
    key = root.c.id if hasattr(root, "c") else root.id
    with Session(engine) as session:
        own = session.scalars(
            sa.select(key).where(sql.predicate(segment, root, as_of=NOW, where=where))
        )
        assert _keys(own) == expected
        listed = session.scalars(sql.members(segment, root, as_of=NOW, where=where))
        assert _keys(listed) == expected
        source = sql.Source(session, root, where=where)
        assert _keys(source.members(segment, as_of=NOW)) == expected
        found = source.evaluate([segment, ~segment], as_of=NOW)
        assert len(found.population) == 10
        assert _keys(found["x"]) == expected
        assert sorted(set(range(2, 21, 2)) - set(expected)) == _keys(found[found.names[1]])
        sizes = source.sizes([segment, ~segment], as_of=NOW)
        assert (sizes["x"], sizes.population) == (len(expected), 10)
        assert source.sizes(segment, as_of=NOW).population == 10
        assert source.count(segment, as_of=NOW) == len(expected)
        assert [k for k in range(1, 21) if source.contains(segment, k, as_of=NOW)] == expected


def test_values_labels_and_audits_are_of_the_tenant(engine: sa.Engine) -> None:
    """Nobody else is in a table of values, a label or a count."""
    rich = Segment.define("rich", "top 20% by points", SCHEMA)
    parts = Partition.define("parts", [rich], rest="others")
    spent = Trait.define("spent", "sum(orders.amount)", SCHEMA)
    with Session(engine) as session:
        own = sa.select(Customer.id, sa.func.coalesce(sa.func.sum(Order.amount), 0))
        own = own.outerjoin(Customer.orders).where(MINE).group_by(Customer.id)
        expected = dict(map(tuple, session.execute(own).all()))
        query = sql.values([spent], Customer, where=MINE)
        assert dict(map(tuple, session.execute(query))) == expected
        source = sql.Source(session, Customer, where=MINE)
        assert source.values([spent])["spent"].to_dict() == expected
        assert source.tally([spent], [rich])["spent"]["rich"].sum() == 2
        query = sql.labels(parts, Customer, where=MINE)
        told = dict(map(tuple, session.execute(query)))
        assert told == {i: "rich" if i > 16 else "others" for i in range(2, 21, 2)}
        label = sql.label_of(parts, Customer, where=MINE)
        everyone = dict(map(tuple, session.execute(sa.select(Customer.id, label))))
        assert everyone == {**dict.fromkeys(range(1, 21)), **told}
        audit = sql.audit(parts, Customer, session, where=MINE)
        assert [part.got for part in audit.parts] == [2, 8]


def test_samples_are_of_the_tenant(engine: sa.Engine) -> None:
    """Whether someone is in a sample depends on the key alone; who is asked about is the tenant."""
    drawn = _define('sample(50%, "salt")')
    with Session(engine) as session:
        everyone = set(_keys(sql.Source(session, Customer).members(drawn)))
        mine = set(_keys(sql.Source(session, Customer, where=MINE).members(drawn)))
        assert mine == {key for key in everyone if key % 2 == 0}


def test_a_condition_may_look_at_relationships(engine: sa.Engine) -> None:
    """A condition is any that SQLAlchemy has for the class, sub-queries included."""
    where = Customer.orders.any(Order.amount > 35)
    segment = _define("top 2 by points")
    with Session(engine) as session:
        ranked = sa.select(Customer.id).where(where, Customer.points.is_not(None))
        own = session.scalars(ranked.order_by(Customer.points.desc()).limit(2)).all()
        assert _keys(sql.Source(session, Customer, where=where).members(segment)) == sorted(own)
        listed = session.scalars(sql.members(segment, Customer, where=where)).all()
        assert _keys(listed) == sorted(own)


def test_a_condition_on_other_tables_is_refused() -> None:
    """Beside the entity they would multiply its rows; a sub-query says what is meant."""
    with pytest.raises(SchemaError, match=r"where= speaks of orders beside .*orders\.any"):
        sql.members(_define("points > 3"), Customer, where=Order.amount > 5)


@pytest.mark.parametrize("where", ["tenant = 0", {"tenant": 0}, lambda customer: None, 5])
def test_what_is_no_condition_is_refused(where: Any) -> None:
    """A text or a dictionary is none; the error says what one is."""
    with pytest.raises(SchemaError, match=r"where= must be a condition of SQLAlchemy"):
        sql.predicate(_define("points > 3"), Customer, where=where)


NO_CONDITIONS: list[tuple[Any, str]] = [
    (sa.text("tenant = 1"), "SQL as text does not say whose columns it names"),
    (sa.and_(Customer.points > 3, sa.text("tenant = 1")), "SQL as text"),
    (sa.literal_column("tenant = 1"), "SQL as text"),
    (sa.column("tenant") == 1, "the column 'tenant' is of no table"),
    (Customer.tenant, r"it is of the type Integer\(\); compare it with a value"),
    (sa.case((Customer.tenant == 1, 1), else_=0), "it is of the type"),
    (sa.select(Customer.id).where(Customer.tenant == 1), r"it selects rows; .* exists\(\)"),
    (sa.select(sa.func.count(Order.id)).scalar_subquery(), "it selects rows"),
    (Customer.tenant.desc(), "it is an order"),
    (sa.func.count(Customer.id) > 1, "it is of many rows; ask within a sub-query"),
    (sa.func.row_number().over(order_by=Customer.id) < 3, "it is of many rows"),
    ([Customer.tenant == 1, Customer.points > 3], r"combine several with and_\(\)"),
    (Customer, "and not <class"),
    (Customer.__table__, "and not Table"),
]


@pytest.mark.parametrize(("where", "why"), NO_CONDITIONS, ids=[why for _, why in NO_CONDITIONS])
def test_what_is_no_condition_on_the_customers_columns(where: Any, why: str) -> None:
    """SQL as text, values, orders and conditions on many rows are none; the error says why."""
    with pytest.raises(SchemaError, match=rf"where= must be a condition of SQLAlchemy.*{why}"):
        sql.predicate(_define("points > 3"), Customer, where=where)


@pytest.mark.parametrize(
    "where",
    [
        True,
        sa.false(),
        Customer.deleted,
        ~Customer.deleted,
        Customer.id.in_(sa.select(Order.customer_id)),
        sa.exists().where(Order.customer_id == Customer.id),
        sa.select(sa.func.count(Order.id) > 1)
        .where(Order.customer_id == Customer.id)
        .scalar_subquery(),
        sa.func.coalesce(Customer.tenant == 1, False),
        sa.case((Customer.tenant == 1, True), else_=False),
        sa.tuple_(Customer.tenant, Customer.id).in_([(1, 3), (1, 4)]),
        Customer.points.op(">")(5),
        (Customer.tenant == 1).label("x"),
        Customer.points > sa.text("3"),
    ],
)
def test_every_condition_of_sqlalchemy_is_taken(engine: sa.Engine, where: Any) -> None:
    """Whom the ORM selects by it, are the population."""
    segment = _define("id >= 0")
    with Session(engine) as session:
        own = sorted(session.scalars(sa.select(Customer.id).where(where)))
        assert _keys(sql.Source(session, Customer, where=where).members(segment)) == own
        assert _keys(session.scalars(sql.members(segment, Customer, where=where))) == own


# -- columns of keys ----------------------------------------------------------------------------


def test_a_list_can_be_any_one_column(engine: sa.Engine) -> None:
    """A column, a sub-query of one, or a column of the very table that is asked about."""
    segment = Segment.define("it", "in list l", SCHEMA, lists={"l": KeyList("l", [])})
    with Session(engine) as session:
        for keys in (
            Order.customer_id,
            sa.select(Order.customer_id).where(Order.amount > 20),
            sa.select(Order.customer_id).subquery(),
            sa.select(Order.customer_id).scalar_subquery(),
            Customer.points,
            sa.func.abs(Order.customer_id),
        ):
            rows = keys.element if isinstance(keys, sa.ScalarSelect) else keys
            rows = rows if isinstance(rows, sa.SelectBase) else sa.select(rows)
            held = set(session.scalars(rows))
            own = sorted(key for key in session.scalars(sa.select(Customer.id)) if key in held)
            assert own, "a test of nothing"
            source = sql.Source(session, Customer, lists={"l": keys})
            assert _keys(source.members(segment)) == own
            assert _keys(session.scalars(sql.members(segment, Customer, lists={"l": keys}))) == own


@pytest.mark.parametrize(
    "lists",
    [
        [1], "customers.id", 5, Customer.id, {1: Customer.id}, {"l": [1]}, {"l": {1}},
        {"l": KeyList("l", [1])}, {"l": "customers.id"}, {"l": sa.text("id")}, {"l": None},
        {"l": Customer}, {"l": Customer.__table__}, {"l": Customer.orders}, {"l": sa.column("id")},
        {"l": sa.select(Customer)},
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", ["in list l", "points > 3"])
def test_lists_are_columns(engine: sa.Engine, text: str, lists: Any) -> None:
    """Anything else is refused, whether a definition uses a list or not."""
    segment = Segment.define("it", text, SCHEMA, lists={"l": KeyList("l", [1])})
    for call in (
        lambda: sql.predicate(segment, Customer, lists=lists),
        lambda: sql.members(segment, Customer, lists=lists),
        lambda: sql.Source(engine, Customer, lists=lists).members(segment),
    ):
        with pytest.raises(SchemaError, match=r"lists= (must be|needs for 'l'|has 1)"):
            call()


# -- what a session adds ------------------------------------------------------------------------

CRITERIA = [
    with_loader_criteria(Order, Order.deleted.is_(False)),
    with_loader_criteria(Customer, Customer.deleted.is_(False), include_aliases=True),
]

QUESTIONS: list[tuple[str, Callable[[], Any]]] = [
    ("any(orders)", Customer.orders.any),
    ("any(large)", Customer.large.any),
    ("none(large where amount > 30)", lambda: ~Customer.large.any(Order.amount > 30)),
    ("none(orders)", lambda: ~Customer.orders.any()),
    ("any(orders where amount > 20)", lambda: Customer.orders.any(Order.amount > 20)),
    (
        "count(orders) > 1",
        lambda: Customer.id.in_(
            sa.select(Order.customer_id).group_by(Order.customer_id).having(sa.func.count() > 1)
        ),
    ),
    (
        "sum(orders.amount) > points",
        lambda: Customer.id.in_(
            sa.select(Customer.id)
            .join(Customer.orders)
            .group_by(Customer.id, Customer.points)
            .having(sa.func.sum(Order.amount) > Customer.points)
        ),
    ),
    (
        "any(orders where customer.points > 20)",
        lambda: Customer.orders.any(Order.customer.has(Customer.points > 20)),
    ),
]


# Before SQLAlchemy 2.1, the ORM's own any() and has() leave criteria out: its selects say what is so.
SELECTED = [each for each in QUESTIONS if each[0].startswith(("count", "sum"))]


@pytest.mark.parametrize(
    ("text", "condition"), SELECTED if sa.__version__.startswith("2.0") else QUESTIONS
)
@pytest.mark.parametrize("how", ["options", "event"])
def test_criteria_of_loaders_hold_in_the_tests_of_relations(
    engine: sa.Engine, text: str, condition: Callable[[], Any], how: str
) -> None:
    """What is deleted for the ORM's own queries is deleted for a segment."""
    segment = _define(text)
    query = sa.select(Customer.id)
    test = sql.predicate(segment, Customer, as_of=NOW)
    with Session(engine) as session:
        before = _keys(session.scalars(query.where(test)))
        assert before == _keys(session.scalars(query.where(condition())))
        if how == "options":
            query = query.options(*CRITERIA)
        else:
            _delete_softly(session)
        own = _keys(session.scalars(query.where(condition())))
        assert own != before
        assert _keys(session.scalars(query.where(test))) == own
        if how == "event":
            source = sql.Source(session, Customer)
            assert _keys(source.members(segment, as_of=NOW)) == own
            found = source.evaluate([segment, ~segment], as_of=NOW)
            assert _keys(found["x"]) == own
            assert _keys(found.population) == _keys(session.scalars(sa.select(Customer.id)))
            assert source.sizes(segment, as_of=NOW).population == len(found.population)
            assert _keys(session.scalars(sql.members(segment, Customer, as_of=NOW))) == own


def test_ranks_are_of_those_whom_criteria_leave(engine: sa.Engine) -> None:
    """A deleted customer takes no place."""
    segment = _define("top 2 by points")
    with Session(engine) as session:
        assert _keys(session.scalars(sql.members(segment, Customer))) == [17, 19]
        parts = Partition.define("parts", [segment], rest="others")
        assert [p.got for p in sql.audit(parts, Customer, session).parts] == [2, 18]
        _delete_softly(session)
        assert _keys(session.scalars(sql.members(segment, Customer))) == [15, 17]
        assert [p.got for p in sql.audit(parts, Customer, session).parts] == [2, 15]
        assert [p.got for p in sql.audit(parts, Customer, engine).parts] == [2, 18]
        assert _keys(sql.Source(session, Customer).members(segment)) == [15, 17]
        both = sql.Source(session, Customer, where=MINE).evaluate([segment, ~segment])
        assert _keys(both["x"]) == [18, 20]
        assert len(both.population) == 9


def _delete_softly(session: Session) -> None:
    @event.listens_for(session, "do_orm_execute")
    def add(state: Any) -> None:
        if state.is_orm_statement and state.is_select and not state.is_column_load:
            state.statement = state.statement.options(*CRITERIA)


# -- which database -----------------------------------------------------------------------------


class Routing(Session):
    """Customers and orders are in a database that only their class tells."""

    elsewhere: sa.Engine

    def get_bind(self, mapper: Any = None, **arguments: Any) -> Any:
        if mapper is not None and issubclass(sa.inspect(mapper).class_, Base):
            return self.elsewhere
        raise AssertionError("nobody said of what class the statement is")


@pytest.mark.parametrize("kind", ["class", "table", "base", "routing", "scoped", "begun"])
def test_a_session_is_asked_where_the_class_lives(engine: sa.Engine, kind: str) -> None:
    """As the session's own statements of the class are."""
    empty = sa.create_engine("sqlite://")
    session: Any
    match kind:
        case "class":
            session = Session(binds={Customer: engine, Order: empty})
        case "table":
            session = Session(empty, binds={Customer.__table__: engine})
        case "base":
            session = Session(binds={Base: engine})
        case "routing":
            session = Routing()
            session.elsewhere = engine
        case "scoped":
            session = scoped_session(sessionmaker(engine))
        case _:
            session = Session(engine)
            session.begin()
    segment = _define("any(orders)")
    with closing(session):
        expected = _keys(session.scalars(sa.select(Customer.id).where(Customer.orders.any())))
        source = sql.Source(session, Customer)
        assert _keys(source.members(segment)) == expected
        assert source.sizes(segment).population == 20
        parts = Partition.define("parts", [segment], rest="others")
        assert sql.audit(parts, Customer, session).population == 20
    empty.dispose()


def test_what_a_session_has_pending_is_there(engine: sa.Engine) -> None:
    """As for the session's own queries: a source is asked in its transaction, which it leaves."""
    segment = _define("points = 999")
    with Session(engine) as session:
        session.add(Customer(id=99, tenant=1, points=999))
        source = sql.Source(session, Customer)
        assert _keys(source.members(segment)) == [99]
        with session.no_autoflush:
            session.add(Customer(id=98, tenant=1, points=999))
            assert _keys(source.members(segment)) == [99]
        with session.begin_nested() as savepoint:
            session.get(Customer, 99).points = 1
            assert _keys(source.members(segment)) == [98]
            savepoint.rollback()
        assert _keys(source.members(segment)) == [98, 99]
        session.rollback()
        assert _keys(source.members(segment)) == []
    with Session(engine, autobegin=False) as session, session.begin():
        assert _keys(sql.Source(session, Customer).members(segment)) == []


def test_a_source_is_printed_without_its_people(engine: sa.Engine) -> None:
    """Neither a password in a URL nor a condition's values are in it."""
    told = repr(sql.Source(engine, Customer, where=Customer.tenant == 424242))
    assert "424242" not in told
    assert "Customer" in told
    assert len(told) < 200


def test_what_a_source_asks_is_checked_at_once() -> None:
    """A URL is no engine."""
    with pytest.raises(
        SchemaError, match="takes an engine, a connection or a session of SQLAlchemy, and not a str"
    ):
        sql.Source("sqlite://", Customer)  # type: ignore[arg-type]


# -- classes that inherit -----------------------------------------------------------------------


class Other(DeclarativeBase):
    pass


class Person(Other):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    tenant: Mapped[int]
    points: Mapped[int]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}  # noqa: RUF012


class Member(Person):
    __mapper_args__ = {"polymorphic_identity": "member"}  # noqa: RUF012


class Patron(Person):
    __tablename__ = "patrons"
    id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    level: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "patron"}  # noqa: RUF012


@pytest.mark.parametrize("kind", [Person, Member, Patron])
@pytest.mark.parametrize("text", ["top 2 by points", "not top 2 by points", "points > 20"])
def test_a_tenant_of_a_class_that_inherits(kind: Any, text: str) -> None:
    """The rows of the class that are the tenant's, in every question."""
    engine = sa.create_engine("sqlite://")
    Other.metadata.create_all(engine)
    segment = Segment.define("x", text, sql.schema_from(Person if kind is Member else kind))
    with Session(engine) as session:
        for i in range(1, 13):
            made = (Person, Member, Patron)[i % 3]
            more = {"level": i} if made is Patron else {}
            session.add(made(id=i, tenant=i % 2, points=i * 10, **more))
        own = sa.select(kind.id).where(kind.tenant == 1)
        everyone = session.scalars(own.order_by(kind.points)).all()
        best = everyone[-2:] if "2 by" in text else [k for k in everyone if k > 2]
        expected = [k for k in everyone if k not in best] if text.startswith("not") else best
        where = kind.tenant == 1
        assert _keys(session.scalars(sql.members(segment, kind, where=where))) == sorted(expected)
        test = sql.predicate(segment, kind, where=where)
        assert _keys(session.scalars(sa.select(kind.id).where(test))) == sorted(expected)
        found = sql.Source(session, kind, where=where).evaluate([segment, ~segment])
        assert _keys(found["x"]) == sorted(expected)
        assert _keys(found.population) == sorted(everyone)
    engine.dispose()
