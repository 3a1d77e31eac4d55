"""Schemas, names and keys of columns, and tables of one name."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    mapped_column,
    relationship,
    synonym,
)
from sqlalchemy.pool import StaticPool

from segmentkit import SchemaError, Segment
from segmentkit.sqlalchemy import Source, members, schema_from, verify
from tests.models.answers import Asked, opened, store


class Crm(DeclarativeBase):
    metadata = sa.MetaData(schema="crm")


class Customer(Crm):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    country_id: Mapped[int | None] = mapped_column(sa.ForeignKey("crm.countries.id"))
    country: Mapped[Country | None] = relationship()
    orders: Mapped[list[Order]] = relationship()
    invoices: Mapped[list[Invoice]] = relationship()
    visits: Mapped[list[Visit]] = relationship(
        primaryjoin="Customer.id == foreign(Visit.customer_id)", viewonly=True
    )


class Country(Crm):
    __tablename__ = "countries"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]


class Order(Crm):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("crm.customers.id"))
    total: Mapped[int]


class Invoice(Crm):
    """Another table of the name, in another schema."""

    __tablename__ = "orders"
    __table_args__ = {"schema": "billing"}
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("crm.customers.id"))
    amount: Mapped[int]


class Visit(Crm):
    """In no schema."""

    __tablename__ = "orders"
    __table_args__ = {"schema": sa.BLANK_SCHEMA}
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int]
    seconds: Mapped[int]


def crm() -> list[object]:
    return [
        Country(id=1, code="DK"),
        *(Customer(id=i, country_id=c) for i, c in ((1, 1), (2, None), (3, 1))),
        Order(id=1, customer_id=1, total=5),
        Order(id=2, customer_id=1, total=6),
        Invoice(id=1, customer_id=2, amount=7),
        Invoice(id=2, customer_id=3, amount=8),
        Invoice(id=3, customer_id=3, amount=9),
        Visit(id=1, customer_id=1, seconds=3),
        Visit(id=2, customer_id=3, seconds=4),
    ]


def test_schemas_and_tables_of_one_name(database: str) -> None:
    """As in Superset's and Airflow's databases, tables are in schemas, and some share a name."""
    with opened(database, Crm.metadata, ["crm", "billing"]) as session:
        store(session, crm())
        schema = schema_from(Customer)
        assert {e.name for e in schema.entities} == {
            "customers", "countries", "orders", "crm.orders", "billing.orders",
        }  # fmt: skip
        asked = Asked(session, schema, Customer)
        for name, number in (("orders", "total"), ("invoices", "amount"), ("visits", "seconds")):
            asked.relates(name, number)
        asked.picks('country.code = "DK"', lambda c: c.country is not None)
        tables = schema_from(
            Crm.metadata, "customers", relations={"seen": {"key": "customer_id", "to": "orders"}}
        )
        segment = Segment.define(
            "it", "sum(`billing.orders`.amount) > 8 and sum(seen.seconds) > 3", tables
        )
        root = Crm.metadata.tables["crm.customers"]
        assert list(session.scalars(members(segment, root))) == [3]
        assert Source(session, root).members(segment).keys.tolist() == [3]
        with pytest.raises(SchemaError, match="the schema segments 'crm.customers', and the query"):
            members(segment, sa.Table("customers", sa.MetaData(), sa.Column("id", sa.Integer)))


def test_translated_schemas_are_not_read() -> None:
    """SQLAlchemy's inspector does not translate, so a table that queries find is not there."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("ATTACH ':memory:' AS tenant")
        connection.exec_driver_sql("CREATE TABLE tenant.people (id INTEGER PRIMARY KEY)")
    asked = engine.execution_options(schema_translate_map={None: "tenant"})
    table = sa.Table("people", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
    for call in (lambda: schema_from(asked, "people"), lambda: verify(schema_from(table), asked)):
        with pytest.raises(SchemaError, match="no table 'people'; .* without schema_translate_map"):
            call()
    engine.dispose()


def test_reflected_schemas() -> None:
    """As in Metabase's sources, tables of another schema are read from the database."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        for name in ("crm", "billing"):
            connection.exec_driver_sql(f"ATTACH ':memory:' AS {name}")
    Crm.metadata.create_all(engine)
    with Session(engine) as session:
        store(session, crm())
        session.commit()
    schema = schema_from(engine, "crm.customers")
    verify(schema, engine)
    root = Crm.metadata.tables["crm.customers"]
    segment = Segment.define("it", "sum(orders.total) > 8 and country.code = 'DK'", schema)
    assert Source(engine, root).members(segment).keys.tolist() == [1]
    assert {e.full_table for e in schema.entities} == {
        "crm.customers",
        "crm.orders",
        "crm.countries",
    }
    engine.dispose()


class Tenant(DeclarativeBase):
    pass


class User(Tenant):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list[Post]] = relationship()


class Post(Tenant):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    likes: Mapped[int]


def test_a_schema_for_each_tenant(database: str) -> None:
    """As in Apartment-style apps, a translated schema is that of a tenant."""
    with opened(database, [], ["one", "two"]) as session:
        for place, likes in (("one", 5), ("two", 50)):
            connection = session.connection().execution_options(schema_translate_map={None: place})
            Tenant.metadata.create_all(connection)
            connection.execute(sa.insert(User).values(id=1))
            connection.execute(sa.insert(Post).values(id=1, user_id=1, likes=likes))
            segment = Segment.define("it", "sum(posts.likes) > 10", schema_from(User))
            assert list(connection.scalars(members(segment, User))) == [1] * (likes > 10)
            assert len(Source(connection, User).members(segment).keys) == (likes > 10)
            connection.execution_options(schema_translate_map=None)


class Odd(DeclarativeBase):
    pass


class Thing(Odd):
    __tablename__ = "Tab le"
    id_: Mapped[int] = mapped_column("select", primary_key=True)
    v: Mapped[int] = mapped_column("v", key="vv")
    w: Mapped[int] = mapped_column("W w")
    order: Mapped[str | None] = mapped_column('or"der')
    name_: Mapped[str | None] = mapped_column("näme")
    Cap: Mapped[int] = mapped_column("From")
    per_cent: Mapped[int] = mapped_column("a%b")
    colon: Mapped[int] = mapped_column("a:b")
    label: Mapped[str | None] = synonym("name_")
    parts: Mapped[list[Part]] = relationship(back_populates="thing")


class Part(Odd):
    __tablename__ = "group"
    id: Mapped[int] = mapped_column("Id", primary_key=True)
    thing_key: Mapped[int] = mapped_column("thing key", sa.ForeignKey("Tab le.select"), key="tk")
    weight: Mapped[int] = mapped_column("where", key="we")
    thing: Mapped[Thing] = relationship(back_populates="parts")
    heavy: Mapped[list[Part]] = relationship(
        primaryjoin="and_(foreign(Part.thing_key) == remote(Part.thing_key), remote(Part.weight) > 5)",
        viewonly=True,
        uselist=True,
    )


def test_names_of_columns(database: str) -> None:
    """As in databases of SAP and of Excel's exports, columns have spaces, quotes and words of SQL."""
    with opened(database, Odd.metadata) as session:
        store(
            session,
            [
                Thing(id_=1, v=5, w=1, order="a", name_="x", Cap=1, per_cent=2, colon=3),
                Thing(id_=2, v=1, w=5, order=None, name_=None, Cap=2, per_cent=9, colon=4),
                Part(id=1, thing_key=1, weight=3),
                Part(id=2, thing_key=1, weight=8),
                Part(id=3, thing_key=2, weight=4),
            ],
        )
        schema = schema_from(Thing)
        asked = Asked(session, schema, Thing, key="id_")
        asked.relates("parts", "weight")
        for text, test in {
            "v > 2": lambda t: t.v > 2,
            "w > 2": lambda t: t.w > 2,
            '`order` = "a"': lambda t: t.order == "a",
            'name_ = "x"': lambda t: t.name_ == "x",
            'label = "x"': lambda t: t.name_ == "x",
            "Cap = 2 and per_cent = 9 and colon = 4": lambda t: t.id_ == 2,
            "any(parts where weight > 5 and thing.v > 2)": lambda t: t.id_ == 1,
            "any(parts where any(heavy where weight > 7))": lambda t: any(
                any(h.weight > 7 for h in p.heavy) for p in t.parts
            ),
            "top 1 by v": lambda t: t.v == 5,
        }.items():
            asked.picks(text, test)
        asked.computes("per_cent + colon", lambda t: t.per_cent + t.colon)
        segment = Segment.define("it", "v > 2 and any(parts where weight > 5)", schema)
        assert list(session.scalars(members(segment, Thing.__table__))) == [1]
        other = aliased(Thing, name="from")
        assert list(session.scalars(members(segment, other))) == [1]
        by_table = schema_from(Odd.metadata, "Tab le")
        segment = Segment.define("it", "v > 2 and any(`group` where `where` > 5)", by_table)
        assert list(session.scalars(members(segment, Thing.__table__))) == [1]


class Solo(DeclarativeBase):
    pass


fans = sa.Table(
    "fan",
    Solo.metadata,
    sa.Column("team_id", sa.ForeignKey("team.id"), primary_key=True),
    sa.Column("hero_id", sa.ForeignKey("hero.id"), primary_key=True),
)


class Team(Solo):
    __tablename__ = "team"
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    heroes: Mapped[list[Hero]] = relationship(back_populates="team")
    fans: Mapped[list[Hero]] = relationship(secondary=fans)


class Hero(Solo):
    __tablename__ = "hero"
    id: Mapped[int] = mapped_column(primary_key=True)
    age: Mapped[int]
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("team.id"))
    team: Mapped[Team | None] = relationship(back_populates="heroes")
    medals: Mapped[list[Medal]] = relationship(back_populates="hero")


class Medal(Solo):
    __tablename__ = "medal"
    id: Mapped[int] = mapped_column(primary_key=True)
    hero_id: Mapped[int] = mapped_column(sa.ForeignKey("hero.id"))
    weight: Mapped[int]
    hero: Mapped[Hero] = relationship(back_populates="medals")


def test_a_relationship_of_the_name_of_the_table(database: str) -> None:
    """As in SQLModel's tutorial, tables are called in the singular, as links to them are."""
    with opened(database, Solo.metadata) as session:
        store(
            session,
            [
                Team(id=1, size=1),
                Team(id=2, size=2),
                Hero(id=1, age=5, team_id=1),
                Hero(id=2, age=50, team_id=2),
                Medal(id=1, hero_id=1, weight=3),
            ],
        )
        session.execute(fans.insert().values([(2, 1), (2, 2)]))
        schema = schema_from(Team)
        assert schema.root == "Team"
        asked = Asked(session, schema, Team)
        asked.picks(
            "any(fans where team.size = 1)", lambda t: any(f.team.size == 1 for f in t.fans)
        )
        asked.picks(
            "any(fans where team.size < Team.size)",
            lambda t: any(f.team.size < t.size for f in t.fans),
        )
        # Where both are the same row, the table's name stays.
        heroes = schema_from(Hero)
        assert heroes.root == "hero"
        Asked(session, heroes, Hero).picks("any(medals where hero.age = 5)", lambda h: h.id == 1)
