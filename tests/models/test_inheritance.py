"""Inheritance of all kinds, as the root, as what a link leads to, and as a relation."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.declarative import AbstractConcreteBase, ConcreteBase
from sqlalchemy.orm import DeclarativeBase, Mapped, configure_mappers, mapped_column, relationship

from segmentkit.sqlalchemy import schema_from
from tests.models.answers import Asked, opened, store


class Base(DeclarativeBase):
    pass


# -- one table ------------------------------------------------------------------------------------


class Company(Base):
    __tablename__ = "companies"
    id: Mapped[int] = mapped_column(primary_key=True)
    people: Mapped[list[Person]] = relationship(back_populates="company")
    managers: Mapped[list[Manager]] = relationship(viewonly=True)
    directors: Mapped[list[Director]] = relationship(viewonly=True)


class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    age: Mapped[int]
    company_id: Mapped[int | None] = mapped_column(sa.ForeignKey("companies.id"))
    boss_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    company: Mapped[Company | None] = relationship(back_populates="people")
    boss: Mapped[Manager | None] = relationship(
        remote_side=[id], back_populates="team", foreign_keys=[boss_id]
    )
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Manager(Person):
    budget: Mapped[int | None]
    team: Mapped[list[Person]] = relationship(
        back_populates="boss", foreign_keys=[Person.boss_id], remote_side=[Person.boss_id]
    )
    __mapper_args__ = {"polymorphic_identity": "manager"}


class Director(Manager):
    __mapper_args__ = {"polymorphic_identity": "director"}


class Clerk(Person):
    desk: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "clerk"}


@pytest.fixture
def people(database: str):
    with opened(database, Base.metadata) as session:
        store(
            session,
            [
                *(Company(id=i) for i in (1, 2, 3)),
                Person(id=1, age=50, company_id=1),
                Manager(id=2, age=70, company_id=1, budget=5),
                Director(id=3, age=45, company_id=1, budget=9, boss_id=2),
                Clerk(id=4, age=30, company_id=2, desk="a", boss_id=2),
                Clerk(id=5, age=20, company_id=2, boss_id=3),
                Manager(id=6, age=20, company_id=3, boss_id=3),
                # Somebody who is no manager has a team.
                Person(id=7, age=20, company_id=2, boss_id=1),
            ],
        )
        yield session


def test_a_relation_to_a_subclass_of_one_table(people) -> None:
    """As in Odoo's contacts, those of a kind are those of the kind and of the kinds below it."""
    asked = Asked(people, schema_from(Company), Company)
    for name in ("people", "managers", "directors"):
        asked.relates(name, "age")
    asked.relates("managers", "budget")
    asked.picks("any(managers where any(team where age < 25))",
                lambda c: any(any(p.age < 25 for p in m.team) for m in c.managers))  # fmt: skip
    asked.computes("count(managers.team)", lambda c: sum(len(m.team) for m in c.managers))


@pytest.mark.parametrize("root", [Person, Manager, Director, Clerk])
def test_a_class_of_one_table_is_a_population(people, root) -> None:
    """As in Redmine's users and groups, a class is segmented alone, ranks and shares included."""
    asked = Asked(people, schema_from(root), root)
    asked.picks("age > 40", lambda p: p.age > 40)
    everyone = [p.age for p in asked.people.values()]
    asked.picks("age >= avg(age among everyone)", lambda p: p.age >= sum(everyone) / len(everyone))
    asked.picks("top 1 by age", lambda p: p.age == max(everyone))
    asked.computes("boss.age", lambda p: p.boss and p.boss.age)
    asked.computes("boss.budget", lambda p: p.boss and p.boss.budget)
    if root in (Manager, Director):
        asked.relates("team", "age")


@pytest.mark.parametrize("root", [Manager, Clerk])
def test_a_subclass_is_asked_by_the_schema_of_its_base(people, root) -> None:
    """As in Plone, a schema of the base serves its subclasses, each with its own population."""
    asked = Asked(people, schema_from(Person), root)
    asked.picks("age > 25", lambda p: p.age > 25)
    asked.computes("boss.age", lambda p: p.boss and p.boss.age)
    asked.computes("company.id", lambda p: p.company_id)


# -- joined tables --------------------------------------------------------------------------------


class Fleet(Base):
    __tablename__ = "fleets"
    id: Mapped[int] = mapped_column(primary_key=True)
    vehicles: Mapped[list[Vehicle]] = relationship(back_populates="fleet")
    trucks: Mapped[list[Truck]] = relationship(
        viewonly=True, foreign_keys="Vehicle.fleet_id", primaryjoin="Fleet.id == Vehicle.fleet_id"
    )
    tankers: Mapped[list[Tanker]] = relationship(
        viewonly=True, foreign_keys="Vehicle.fleet_id", primaryjoin="Fleet.id == Vehicle.fleet_id"
    )
    flagship_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trucks.id", use_alter=True))
    flagship: Mapped[Truck | None] = relationship(foreign_keys=[flagship_id], post_update=True)


class Vehicle(Base):
    __tablename__ = "vehicles"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    age: Mapped[int]
    fleet_id: Mapped[int | None] = mapped_column(sa.ForeignKey("fleets.id"))
    fleet: Mapped[Fleet | None] = relationship(back_populates="vehicles", foreign_keys=[fleet_id])
    trips: Mapped[list[Trip]] = relationship(back_populates="vehicle")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle"}


class Truck(Vehicle):
    __tablename__ = "trucks"
    id: Mapped[int] = mapped_column(sa.ForeignKey("vehicles.id"), primary_key=True)
    load: Mapped[int]
    truck_name: Mapped[str | None] = mapped_column("name")
    pulls: Mapped[list[Trailer]] = relationship(back_populates="truck")
    __mapper_args__ = {"polymorphic_identity": "truck"}


class Tanker(Truck):
    __tablename__ = "tankers"
    id: Mapped[int] = mapped_column(sa.ForeignKey("trucks.id"), primary_key=True)
    litres: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "tanker"}


class Loaned(Truck):
    """A class of one table below one of joined tables."""

    __mapper_args__ = {"polymorphic_identity": "loaned"}


class Trailer(Base):
    __tablename__ = "trailers"
    id: Mapped[int] = mapped_column(primary_key=True)
    axles: Mapped[int]
    truck_id: Mapped[int] = mapped_column(sa.ForeignKey("trucks.id"))
    truck: Mapped[Truck] = relationship(back_populates="pulls")


class Trip(Base):
    __tablename__ = "trips"
    id: Mapped[int] = mapped_column(primary_key=True)
    length: Mapped[int]
    vehicle_id: Mapped[int] = mapped_column(sa.ForeignKey("vehicles.id"))
    vehicle: Mapped[Vehicle] = relationship(back_populates="trips")


@pytest.fixture
def fleets(database: str):
    with opened(database, Base.metadata) as session:
        store(
            session,
            [
                *(Fleet(id=i) for i in (1, 2, 3)),
                Vehicle(id=1, name="bike", age=3, fleet_id=1),
                Truck(id=2, name="big", age=7, fleet_id=1, load=10, truck_name="TT"),
                Tanker(id=3, name="oil", age=9, fleet_id=2, load=20, litres=100),
                Loaned(id=4, name="lent", age=1, fleet_id=2, load=30, truck_name="L"),
                Vehicle(id=5, name="car", age=5, fleet_id=3),
                Trailer(id=1, axles=2, truck_id=2),
                Trailer(id=2, axles=3, truck_id=3),
                Trailer(id=3, axles=4, truck_id=3),
                Trip(id=1, length=5, vehicle_id=1),
                Trip(id=2, length=6, vehicle_id=2),
                Trip(id=3, length=7, vehicle_id=3),
                Trip(id=4, length=8, vehicle_id=3),
            ],
        )
        session.execute(sa.update(Fleet).where(Fleet.id == 2).values(flagship_id=3))
        yield session


def test_relations_and_links_to_joined_subclasses(fleets) -> None:
    """As in ERPNext's assets, a row of a subclass is in two tables or three, and is one row."""
    asked = Asked(fleets, schema_from(Fleet), Fleet)
    asked.relates("vehicles", "age")
    asked.relates("trucks", "load")
    asked.relates("trucks", "age")
    asked.relates("tankers", "litres")
    asked.computes("flagship.name", lambda f: f.flagship and f.flagship.name)
    asked.computes("flagship.load", lambda f: f.flagship and f.flagship.load)
    asked.computes(
        "sum(trucks.pulls.axles)", lambda f: sum(p.axles for t in f.trucks for p in t.pulls)
    )
    asked.computes(
        "sum(vehicles.trips.length)", lambda f: sum(t.length for v in f.vehicles for t in v.trips)
    )
    asked.picks("any(trucks where any(trips where length > 6))",
                lambda f: any(any(t.length > 6 for t in v.trips) for v in f.trucks))  # fmt: skip
    asked.picks('any(trucks where fleet.flagship.name = "oil")',
                lambda f: bool(f.trucks) and f.id == 2)  # fmt: skip


@pytest.mark.parametrize("root", [Vehicle, Truck, Tanker, Loaned])
def test_a_class_of_joined_tables_is_a_population(fleets, root) -> None:
    """As in Zope's content types, what is segmented has columns of several tables."""
    asked = Asked(fleets, schema_from(root), root)
    asked.picks("age > 2", lambda v: v.age > 2)
    everyone = [v.age for v in asked.people.values()]
    asked.picks("age >= avg(age among everyone)", lambda v: v.age >= sum(everyone) / len(everyone))
    asked.computes("name", lambda v: v.name)
    asked.computes(
        "fleet.flagship.load", lambda v: v.fleet and v.fleet.flagship and v.fleet.flagship.load
    )
    if root is not Loaned:
        asked.relates("trips", "length")
    if root is not Vehicle:
        asked.picks("load > 15", lambda v: v.load > 15)
        asked.computes("truck_name", lambda v: v.truck_name)
        asked.picks("count(pulls) = 0 and age < 9", lambda v: not v.pulls and v.age < 9)
    if root is Truck:
        asked.relates("pulls", "axles")


# -- concrete tables ------------------------------------------------------------------------------


class Park(Base):
    __tablename__ = "parks"
    id: Mapped[int] = mapped_column(primary_key=True)
    animals: Mapped[list[Animal]] = relationship()
    lions: Mapped[list[Lion]] = relationship()


class Animal(ConcreteBase, Base):
    __tablename__ = "animals"
    id: Mapped[int] = mapped_column(primary_key=True)
    age: Mapped[int]
    park_id: Mapped[int | None] = mapped_column(sa.ForeignKey("parks.id"))
    __mapper_args__ = {"polymorphic_identity": "animal", "concrete": True}


class Lion(Animal):
    __tablename__ = "lions"
    id: Mapped[int] = mapped_column(primary_key=True)
    age: Mapped[int]
    prey: Mapped[int]
    park_id: Mapped[int | None] = mapped_column(sa.ForeignKey("parks.id"))
    __mapper_args__ = {"polymorphic_identity": "lion", "concrete": True}


class Thing(AbstractConcreteBase, Base):
    strict_attrs = True
    id: Mapped[int] = mapped_column(primary_key=True)
    price: Mapped[int]


class Book(Thing):
    __tablename__ = "books"
    pages: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "book", "concrete": True}


class Disc(Thing):
    __tablename__ = "discs"
    tracks: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "disc", "concrete": True}


class Plain(Base):
    """Without a union of the tables: the base has only its own rows."""

    __tablename__ = "plain"
    id: Mapped[int] = mapped_column(primary_key=True)
    age: Mapped[int]


class Fancy(Plain):
    __tablename__ = "fancy"
    id: Mapped[int] = mapped_column(primary_key=True)
    age: Mapped[int]
    __mapper_args__ = {"concrete": True}


configure_mappers()


def test_concrete_tables(database: str) -> None:
    """As in Django-style abstract content, each class has its own table and the base has all rows."""
    with opened(database, Base.metadata) as session:
        store(
            session,
            [
                Park(id=1),
                Park(id=2),
                Animal(id=1, age=3, park_id=1),
                Lion(id=2, age=8, prey=5, park_id=1),
                Lion(id=3, age=9, prey=7, park_id=2),
                Book(id=1, price=3, pages=100),
                Disc(id=2, price=9, tracks=10),
                Plain(id=1, age=5),
                Fancy(id=2, age=6),
            ],
        )
        parks = Asked(session, schema_from(Park), Park)
        parks.relates("animals", "age")
        parks.relates("lions", "prey")
        for root in (Animal, Lion, Book, Plain, Fancy):
            name = "price" if root is Book else "age"
            asked = Asked(session, schema_from(root), root)
            asked.picks(f"{name} > 4", lambda o, name=name: getattr(o, name) > 4)
            asked.picks(f"top 1 by {name}", lambda o, asked=asked, name=name: getattr(o, name) == max(
                getattr(p, name) for p in asked.people.values()))  # fmt: skip
        asked = Asked(session, schema_from(Thing), Thing)
        asked.picks("price > 4", lambda o: o.price > 4)


# -- whole hierarchies at once --------------------------------------------------------------------


class Node(Base):
    __tablename__ = "nodes"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    score: Mapped[int]
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("nodes.id"))
    children: Mapped[list[Node]] = relationship(back_populates="parent")
    parent: Mapped[Node | None] = relationship(back_populates="children", remote_side=[id])
    __mapper_args__ = {
        "polymorphic_on": "kind",
        "polymorphic_abstract": True,
        "with_polymorphic": "*",
    }


class Page(Node):
    __tablename__ = "pages"
    id: Mapped[int] = mapped_column(sa.ForeignKey("nodes.id"), primary_key=True)
    words: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "page"}


class Menu(Node):
    __mapper_args__ = {"polymorphic_identity": "menu"}


def test_what_sqlalchemy_adds_is_not_listed() -> None:
    """An expression that tells classes apart is nobody's attribute; a base's is said to be its."""

    class Local(DeclarativeBase):
        pass

    class Price(Local):
        __tablename__ = "prices"
        id: Mapped[int] = mapped_column(primary_key=True)
        amount: Mapped[int] = mapped_column()
        __mapper_args__ = {
            "polymorphic_on": sa.case((amount.column > 100, "large"), else_="small"),
            "polymorphic_identity": "small",
        }

    class Large(Price):
        __mapper_args__ = {"polymorphic_identity": "large"}

    assert schema_from(Large).left_out == ()

    class Document(AbstractConcreteBase, Local):
        id: Mapped[int] = mapped_column(primary_key=True)

    class Invoice(Document):
        __tablename__ = "invoices"
        id: Mapped[int] = mapped_column(primary_key=True)
        __mapper_args__ = {"polymorphic_identity": "invoice", "concrete": True}

    Local.registry.configure()
    told = dict(schema_from(Invoice).left_out)
    assert told == {"invoices.type": "only its base class has it: its own table has no such column"}


@pytest.mark.parametrize("root", [Node, Page, Menu])
def test_hierarchies_that_are_loaded_at_once(database: str, root) -> None:
    """As in Kotti and Wagtail, nodes of several kinds are in a tree."""
    with opened(database, Base.metadata) as session:
        store(
            session,
            [
                Menu(id=1, score=1),
                Page(id=2, score=5, words=10, parent_id=1),
                Page(id=3, score=6, words=20, parent_id=1),
                Menu(id=4, score=7, parent_id=2),
            ],
        )
        asked = Asked(session, schema_from(root), root)
        asked.picks("score > 2", lambda n: n.score > 2)
        asked.relates("children", "score")
        asked.computes("parent.score", lambda n: n.parent and n.parent.score)


class Worker(Base):
    """One table; bosses lead to engineers, and engineers to bosses."""

    __tablename__ = "workers"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    pay: Mapped[int]
    boss_id: Mapped[int | None] = mapped_column(sa.ForeignKey("workers.id"))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "worker"}


class Engineer(Worker):
    __mapper_args__ = {"polymorphic_identity": "engineer"}
    boss: Mapped[Boss | None] = relationship(remote_side=[Worker.id], back_populates="team")


class Boss(Worker):
    __mapper_args__ = {"polymorphic_identity": "boss"}
    team: Mapped[list[Engineer]] = relationship(back_populates="boss")


def test_two_subclasses_of_one_table_lead_to_each_other(database: str) -> None:
    """As in SQLAlchemy's examples of companies, what is loaded counts: `any()` of the ORM finds none.

    SQLAlchemy puts the other class's criterion on the table of the query around, too.
    """
    with opened(database, [Base.metadata]) as session:
        store(
            session,
            [
                Worker(id=1, pay=1), Boss(id=2, pay=9), Boss(id=3, pay=8), Boss(id=4, pay=7),
                Engineer(id=5, pay=5, boss_id=2), Engineer(id=6, pay=3, boss_id=2),
                Engineer(id=7, pay=5, boss_id=1), Boss(id=8, pay=2, boss_id=3),
                Engineer(id=9, pay=4, boss_id=4),
            ],
        )  # fmt: skip
        bosses = Asked(session, schema_from(Boss), Boss)
        bosses.picks("any(team)", lambda b: bool(b.team))
        bosses.picks("none(team)", lambda b: not b.team)
        bosses.picks("count(team where pay > 3) = 1", lambda b: sum(w.pay > 3 for w in b.team) == 1)
        bosses.computes("sum(team.pay)", lambda b: sum(w.pay for w in b.team))
        engineers = Asked(session, schema_from(Engineer), Engineer)
        engineers.picks("boss.pay > 8", lambda w: w.boss is not None and w.boss.pay > 8)
        engineers.picks("boss.pay is missing", lambda w: w.boss is None)
        own = session.scalars(sa.select(Boss.id).where(Boss.team.any())).all()
        if sa.__version__ != "2.0.20":  # the lowest, which does not leave the criteria out
            assert own == [], "SQLAlchemy answers otherwise now"
