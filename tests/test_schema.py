"""Schemas by hand, from tables, mapped classes and databases; what contradicts itself is refused."""

from __future__ import annotations

import copy
import enum
import json
import pickle
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    column_property,
    mapped_column,
    relationship,
)
from sqlalchemy.pool import StaticPool

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Entity,
    Link,
    Place,
    Relation,
    Schema,
    SchemaError,
    Segment,
    decimal,
)
from segmentkit import pandas as frames
from segmentkit._catalog.schema_table import read_declaration
from segmentkit.schema import parse_dtype
from segmentkit.sqlalchemy import members, predicate, schema_from, tables_from, verify

ID = Attribute("id", INTEGER)


def refused(function: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(SchemaError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


# -- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schema([]), "a schema needs at least one entity"),
        (lambda: Schema([Entity("a")]), "the entity 'a' needs a key"),
        (lambda: Schema([Entity("a", key="id")], root="b"),
         "no entity 'b' in the schema; there are a"),
        (lambda: Schema([Entity("people", key="id")], root="peple"),
         "no entity 'peple' in the schema; did you mean 'people'?"),
        (lambda: Schema([Entity("a", key="id"), Entity("a", key="id")]), "'a' is declared twice"),
        (lambda: Entity("a", attributes=[ID, ID]), "'id' is declared twice"),
        (lambda: Entity("a", attributes=[ID], links=[Link("id", key="k")]),
         "entity 'a' declares 'id' twice"),
        (lambda: Entity("a", relations=[Relation("x", key="k")], links=[Link("x", key="k")]),
         "entity 'a' declares 'x' twice"),
        (lambda: Schema([Entity("a", key="id", links=[Link("b", key="b_id")])]),
         "no entity 'b' in the schema; there are a"),
        (lambda: Schema([Entity("a", key="id", links=[Link("b", key="b_id")]), Entity("b")]),
         "a.b leads to 'b', which declares no key: say which column tells its rows apart"),
        (lambda: Schema([Entity("a", key="id"), Entity("b", relations=[Relation("a", key="x")])]),
         "b.a needs a key of 'b'"),
        (lambda: Schema([Entity("a", key="id", relations=[Relation("b", key="x", at="t")]),
                         Entity("b")]),
         "a.b: 'b' has no attribute 't' to tell the time"),
        (lambda: Schema([Entity("a", key="id", relations=[Relation("b", key="x", at="t")]),
                         Entity("b", attributes=[Attribute("t", TEXT)])]),
         "a.b: 't' is text, not a time"),
        (lambda: Entity("a", attributes=[ID], places=[Place("x", latitude="id", longitude="y")]),
         "a.x: 'a' has no attribute 'y' that is a number of degrees"),
        (lambda: Entity("a", attributes=[ID], places=[Place("id", latitude="id", longitude="id")]),
         "entity 'a' declares 'id' twice"),
        (lambda: Attribute("x", "text"),  # type: ignore[arg-type]
         "x: the type must be one like TEXT, not 'text'"),
        (lambda: Attribute("x", TEXT, values="abc"),
         "the values of an attribute must be a list, not 'abc'"),
        (lambda: Attribute("x", INTEGER, values=[1, "2"]), "x is integer, and its value '2' is not"),
        (lambda: Attribute("x", INTEGER, values=[True]), "x is integer, and its value True is not"),
        (lambda: Attribute("x", BOOLEAN, values=[1]), "x is boolean, and its value 1 is not"),
        (lambda: Schema([Entity("", key="id")]), "'' is not a name: it must be a text"),
        (lambda: Schema([Entity("a\nb", key="id")]),
         "no definition can write the name 'a\\nb': give another, and say what it is called in the "
         "data by column= or table="),
        (lambda: Entity("a", attributes=[Attribute("x\ud800", TEXT)]),
         "no definition can write the name 'x\\ud800': give another, and say what it is called in "
         "the data by column= or table="),
        (lambda: Entity("a", attributes=[Attribute(3, TEXT)]), "3 is not a name: it must be a text"),
        (lambda: Schema([Entity("a", key="id")], time_zone=None), "unknown time zone None"),
        (lambda: parse_dtype("VARCHAR(20)"), "unknown type 'VARCHAR(20)'; did you mean 'text'?"),
        (lambda: parse_dtype("timestmp"), "unknown type 'timestmp'; did you mean 'timestamp'?"),
        (lambda: parse_dtype("date?"),
         "the type 'date?' stands alone only; beside others write type = \"date\", "
         "nullable = true"),
        (lambda: parse_dtype("uuid"),
         "unknown type 'uuid'; the types are boolean, integer, float, text, date, timestamp, "
         "text[] and decimal(digits)"),
    ],
)  # fmt: skip
def test_contradictions(make: Any, message: str) -> None:
    """A schema that contradicts itself is refused with the names."""
    assert refused(make) == message


@pytest.mark.parametrize(
    "zone", ["", "Mars", "Europe/Kiew", "Europe", "../../etc/passwd", "/etc/passwd", "a\0b", "é"]
)
def test_zones_that_are_not(zone: str) -> None:
    """A zone that nobody knows, or that is no name of a zone, is refused."""
    assert refused(Schema, [Entity("a", key="id")], time_zone=zone) == (
        f"unknown time zone {zone!r}"
    )


def shop(**changes: Any) -> Schema:
    return Schema(
        [
            Entity(
                "people",
                key="id",
                attributes=[ID, Attribute("kind", TEXT, True, ("a", "b"))],
                links=[Link("company", to="companies", key="company_id")],
                relations=[
                    Relation("orders", key="person_id", at="at"),
                    Relation("notes", key="person_id"),
                ],
            ),
            Entity("orders", attributes=[Attribute("at", TIMESTAMP), Attribute("x", decimal(2))]),
            Entity("notes"),
            Entity("companies", key="id", attributes=[ID, Attribute("x", decimal())]),
        ],
        **changes,
    )


def test_what_it_shows() -> None:
    """The text of a schema tells everything that definitions can name."""
    assert str(shop()) == (
        "people (whose rows are segmented)\n"
        "    id: integer\n"
        "    kind: text? in (a, b)\n"
        "    company -> one of companies, by company_id\n"
        "    orders -> many of orders, by person_id, at at\n"
        "    notes -> many of notes, by person_id\n"
        "orders\n"
        "    at: timestamp\n"
        "    x: decimal(2)\n"
        "notes\n"
        "companies\n"
        "    id: integer\n"
        "    x: decimal"
    )


def test_schemas_are_values() -> None:
    """Schemas compare by what they say, hash, copy and pickle."""
    first, second = shop(), shop()
    assert first == second
    assert hash(first) == hash(second)
    for each in (copy.copy(first), copy.deepcopy(first), pickle.loads(pickle.dumps(first))):  # noqa: S301
        assert each == first
        assert hash(each) == hash(first)
        assert each.entity.name == "people"
    assert first != shop(time_zone="Europe/Kyiv")
    assert first != shop(root="companies")
    assert first != "people"
    with pytest.raises(AttributeError):
        first.root = "orders"  # type: ignore[misc]


# -- in files -------------------------------------------------------------------------------------

PEOPLE = {"people": {"key": "id", "attributes": {"id": "integer"}}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "schema.entity is missing"),
        ({"entity": 3}, "schema.entity must be text, not int"),
        ({"entity": "people", "entitys": 1},
         "unknown key 'entitys' in schema; did you mean 'entity'?"),
        ({"entity": "people", "tables": 3}, "schema.tables must be a table, not int"),
        ({"entity": "people", "tables": {"people": 3}},
         "schema.tables.people must be a table, not int"),
        ({"entity": "people", "tables": {"people": {"attributes": [1]}}},
         "schema.tables.people.attributes must be a table, not list"),
        ({"entity": "people", "tables": {"people": {"atributes": {}}}},
         "unknown key 'atributes' in schema.tables.people; did you mean 'attributes'?"),
        ({"entity": "people", "tables": {"people": {"attributes": {"x": "int"}}}},
         "schema.tables.people.attributes.x: unknown type 'int'; did you mean 'integer'?"),
        ({"entity": "people", "tables": {"people": {"attributes": {"x": 3}}}},
         "schema.tables.people.attributes.x must be a table, not int"),
        ({"entity": "people", "tables": {"people": {"attributes": {"x": {}}}}},
         "schema.tables.people.attributes.x.type is missing"),
        ({"entity": "people", "tables": {"people": {"attributes": {"x": {"typ": "text"}}}}},
         "unknown key 'typ' in schema.tables.people.attributes.x; did you mean 'type'?"),
        ({"entity": "people",
          "tables": {"people": {"attributes": {"x": {"type": "text", "nullable": "yes"}}}}},
         "schema.tables.people.attributes.x.nullable must be true or false"),
        ({"entity": "people",
          "tables": {"people": {"attributes": {"x": {"type": "text", "values": "ab"}}}}},
         "schema.tables.people.attributes.x.values must be a list"),
        ({"entity": "people"},
         "the schema does not declare the attributes of 'people': read them from a database, or "
         "declare them under [schema.tables.people]"),
        ({"entity": "people", "time_zone": 3, "tables": PEOPLE},
         "schema.time_zone must be text, not int"),
        ({"entity": "people", "time_zone": "Mars", "tables": PEOPLE}, "unknown time zone 'Mars'"),
        ({"entity": "people", "events": {"o": {"key": "k"}}, "tables": PEOPLE},
         "schema.tables.people.events.o needs 'at': the column that says when"),
        ({"entity": "people", "events": {"o": "at"}, "tables": PEOPLE},
         'people.o needs a key, the column that leads there: o = { key = "…", at = "at" }'),
        ({"entity": "people", "relations": {"o": {"key": "k", "at": "t"}}, "tables": PEOPLE},
         "unknown key 'at' in schema.tables.people.relations.o; there are by, key, to, value"),
        ({"entity": "people", "relations": {"o": {"key": 3}}, "tables": PEOPLE},
         "schema.tables.people.relations.o.key must be text, not int"),
        ({"entity": "people", "tables": {"people": {"places": {"x": "lat"}}}},
         "schema.tables.people.places.x must be a table, not str"),
        ({"entity": "people", "tables": {"people": {"places": {"x": {"latitude": "y"}}}}},
         "schema.tables.people.places.x.longitude is missing"),
        ({"entity": "people", "tables": {"people": {"places": {"x": {"lat": "y"}}}}},
         "unknown key 'lat' in schema.tables.people.places.x; there are latitude, longitude"),
        ({"entity": "people", "links": {"o": {}}, "tables": PEOPLE},
         'people.o needs a key, the column that leads there: o = { key = "…" }'),
        ({"entity": "people", "events": {"o": 3}, "tables": PEOPLE},
         "schema.tables.people.events.o must be the name of a column, or a table (a dict in Python) of key, to, by, at, value, not int"),
        ({"entity": "people", "relations": {"o": "k"}, "tables": PEOPLE},
         "no entity 'o' in the schema; there are people"),
    ],
)  # fmt: skip
def test_declarations_that_are_wrong(data: dict[str, Any], message: str) -> None:
    """What a file says of a schema is checked key by key, with the place."""
    assert refused(lambda: read_declaration(data).schema()) == message


def test_short_forms() -> None:
    """A text says the type, the key or the time; a question mark says that it may be missing."""
    schema = read_declaration(
        {
            "entity": "people",
            "relations": {"notes": "person_id"},
            "tables": {
                "people": {
                    "key": "id",
                    "attributes": {
                        "id": "integer",
                        "kind": {"type": "text", "nullable": True, "values": ["a"], "column": "k"},
                        "price": "decimal(3)?",
                    },
                },
                "notes": {},
            },
        }
    ).schema()
    assert schema.entity.attributes == (
        ID,
        Attribute("kind", TEXT, True, ("a",), column="k"),
        Attribute("price", decimal(3), True),
    )
    assert schema.entity.relations == (Relation("notes", key="person_id"),)


def test_places_of_tables() -> None:
    """A place is told beside what tables, or frames, know of its two attributes."""
    told: dict[str, Any] = {
        "tables": {"people": {"places": {"home": {"latitude": "lat", "longitude": "lon"}}}}
    }
    home = Place("home", latitude="lat", longitude="lon")
    columns = [sa.Column(name, sa.Float) for name in ("lat", "lon")]
    table = sa.Table(
        "people", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), *columns
    )
    frame = pd.DataFrame({"id": [1], "lat": [1.5], "lon": [2.5]})
    of_frame = frames.schema_from(frame, "people", keys={"people": "id"}, **told)
    for schema in (schema_from(table, **told), of_frame):
        assert schema.entity.places == (home,)
        assert "home: place at lat, lon" in str(schema)
        near = Segment.define("near", "distance(home, point(1, 2)) < 100 km", schema)
        assert near.matches({"id": 1, "lat": 1.5, "lon": 2.5})


# -- from tables ----------------------------------------------------------------------------------


def metadata() -> sa.MetaData:
    found = sa.MetaData()
    key: tuple[Any, ...] = ("id", sa.Integer)
    sa.Table(
        "people",
        found,
        sa.Column(*key, primary_key=True),
        sa.Column("age", sa.SmallInteger),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("kind", sa.Enum("a", "b")),
        sa.Column("shop_id", sa.ForeignKey("shops.id")),
        sa.Column("home_shop_id", sa.ForeignKey("shops.id")),
        sa.Column("boss", sa.ForeignKey("people.id")),
    )
    sa.Table(
        "shops",
        found,
        sa.Column(*key, primary_key=True),
        sa.Column("owner_id", sa.ForeignKey("people.id"), nullable=False),
    )
    sa.Table(
        "orders",
        found,
        sa.Column("a", sa.Integer, primary_key=True),
        sa.Column("b", sa.Integer, primary_key=True),
        sa.Column("person_id", sa.ForeignKey("people.id")),
        sa.Column("at", sa.DateTime),
        sa.Column("total", sa.Numeric(10, 2)),
    )
    sa.Table(
        "gifts",
        found,
        sa.Column(*key, primary_key=True),
        sa.Column("giver_id", sa.ForeignKey("people.id")),
        sa.Column("taker_id", sa.ForeignKey("people.id")),
        sa.Column("day", sa.Date),
    )
    sa.Table("loose", found, sa.Column("person", sa.Integer), sa.Column("x", sa.Float))
    return found


def test_tables_and_foreign_keys() -> None:
    """Foreign keys become relations and links; circles of them, and two to one table, are no harm."""
    schema = schema_from(metadata().tables["people"], events={"orders": "at"})
    assert str(schema) == (
        "people (whose rows are segmented)\n"
        "    id: integer\n"
        "    age: integer?\n"
        "    name: text\n"
        "    kind: text? in (a, b)\n"
        "    shop_id: integer?\n"
        "    home_shop_id: integer?\n"
        "    boss: integer?\n"
        "    home_shop -> one of shops, by home_shop_id\n"
        "    shop -> one of shops, by shop_id\n"
        "    shops -> many of shops, by owner_id\n"
        "    orders -> many of orders, by person_id, at at\n"
        "shops\n"
        "    id: integer\n"
        "    owner_id: integer\n"
        "    owner -> one of people, by owner_id\n"
        "orders\n"
        "    a: integer\n"
        "    b: integer\n"
        "    person_id: integer?\n"
        "    at: timestamp?\n"
        "    total: decimal(2)?\n"
        "    person -> one of people, by person_id\n"
        "left out:\n"
        "    people.boss → people: something else goes by that name; declare it by another one\n"
        "    people.gifts: several foreign keys lead here from there; "
        "name one in relations or events\n"
        "    gifts: nothing that is in the schema leads to it\n"
        "    loose: nothing that is in the schema leads to it; if one of its columns holds keys of "
        'the entity, name it: relations={"loose": "…"}'
    )
    assert schema_from(metadata(), "people", events={"orders": "at"}) == schema


def test_a_foreign_key_of_several_columns_is_left_out() -> None:
    """One of its columns says less; it is not read as that, unless an author says so."""
    metadata = sa.MetaData()
    shops = sa.Table("shops", metadata, sa.Column("id", sa.Integer, primary_key=True),
                     sa.Column("tenant", sa.Integer), sa.UniqueConstraint("tenant", "id"))  # fmt: skip
    sales = sa.Table("sales", metadata, sa.Column("id", sa.Integer, primary_key=True),
                     sa.Column("tenant", sa.Integer), sa.Column("shop_id", sa.Integer),
                     sa.ForeignKeyConstraint(["tenant", "shop_id"], ["shops.tenant", "shops.id"]))  # fmt: skip
    for table, name in ((sales, "sales.shop"), (shops, "shops.sales")):
        schema = schema_from(table)
        assert (schema.entity.links, schema.entity.relations) == ((), ())
        assert "has several columns" in dict(schema.left_out)[name]
    schema = schema_from(sales, links={"shops": {"key": "shop_id"}})
    assert [link.key for link in schema.entity.links] == ["shop_id"]


def test_ways_that_no_foreign_key_declares() -> None:
    """The author names the column, and another name where one table serves twice."""
    schema = schema_from(
        metadata(),
        "people",
        events={
            "given": {"key": "giver_id", "at": "day", "to": "gifts"},
            "gifts": {"key": "taker_id", "at": "day"},
        },
        relations={"loose": "person"},
        links={"chief": {"key": "boss", "to": "people"}},
        time_zone="Europe/Kyiv",
    )
    every: list[Any] = [*schema.entity.relations, *schema.entity.links]
    ways = {way.name: way for way in every}
    assert ways["given"] == Relation("given", to="gifts", key="giver_id", at="day")
    assert ways["gifts"] == Relation("gifts", key="taker_id", at="day")
    assert ways["loose"] == Relation("loose", key="person")
    assert ways["chief"] == Link("chief", to="people", key="boss")
    assert schema.time_zone == "Europe/Kyiv"


@pytest.mark.parametrize(
    ("entity", "told", "message"),
    [
        (None, {}, "name the entity: the table whose rows are segmented"),
        ("peple", {}, "there is no table 'peple'; did you mean 'people'?"),
        ("people", {"events": {"order": "at"}},
         "there is no table 'order'; did you mean 'orders'?"),
        ("people", {"events": {"gifts": "day"}},
         "no single foreign key declares people.gifts: name the column, as in {\"key\": \"…\"}"),
        ("people", {"events": {"orders": "when"}},
         "people.orders: 'orders' has no attribute 'when' to tell the time"),
        ("people", {"events": {"orders": "total"}},
         "people.orders: 'total' is decimal(2), not a time"),
        ("people", {"relations": {"loose": "persn"}},
         "the tables have no column 'persn' in table 'loose' (did you mean 'person'?)"),
        ("people", {"links": {"home": "home_shop_id"}},
         "there is no table 'home'; there are gifts, loose, orders, people, shops"),
        ("people", {"links": {"home": {"key": "hom_shop_id", "to": "shops"}}},
         "the tables have no column 'hom_shop_id' in table 'people' "
         "(did you mean 'home_shop_id'?)"),
        ("people", {"tables": {"people": {"attributes": {"shoe": "integer"}}}},
         "the tables have no column 'shoe' in table 'people' "
         "(there are age, boss, home_shop_id, id, kind, name, shop_id)"),
    ],
)  # fmt: skip
def test_what_the_tables_lack(entity: str | None, told: dict[str, Any], message: str) -> None:
    """What is named and not there is refused before anything is asked, with a suggestion."""
    assert refused(schema_from, metadata(), entity, **told) == message


class Sites(DeclarativeBase):
    pass


class Site(Sites):
    __tablename__ = "sites"
    id: Mapped[int] = mapped_column(primary_key=True)
    hits: Mapped[list[Hit]] = relationship()


class Hit(Sites):
    __tablename__ = "hits"
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("sites.id"))
    at: Mapped[datetime]


OTHERS = sa.Table("others", Sites.metadata, sa.Column("id", sa.Integer, primary_key=True))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"events": {"hits": Hit.at}}, "of key, to, by, at, value, not InstrumentedAttribute; write 'at'"),
        ({"events": {"hits": {"at": Hit.at}}}, "must be text, not InstrumentedAttribute; write 'at'"),
        ({"events": {"hits": Hit.__table__.c.at}}, "not Column; write 'at'"),
        ({"events": {Hit: "at"}}, "sites.events: a name must be text, not <class "),
        ({"events": {Site.hits: "at"}}, "a name must be text, not an InstrumentedAttribute"),
        ({"relations": {Hit: "site_id"}}, "sites.relations: a name must be text, not <class "),
        ({"tables": {Hit: {}}}, "schema.tables: a name must be text, not <class "),
        ({"channels": {Hit: {}}}, "schema.channels: a name must be text, not <class "),
        ({"tables": {"hit": {}}}, "there is no table 'hit'; did you mean 'hits'?"),
        ({"entity": "hits"}, "this source says itself whose rows are segmented: those of 'sites'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("source", [Site, Site.__table__])
def test_parts_of_classes_in_the_place_of_names(
    source: Any, told: dict[str, Any], message: str
) -> None:
    """Classes, columns, and names of nothing are refused with what to write, and never dropped."""
    assert message in refused(schema_from, source, **told)
    assert schema_from(source, "sites", events={"hits": {"key": "site_id", "at": "at"}})
    assert schema_from(source, tables={"others": {"key": "id"}})


def test_a_base_of_classes_is_no_source() -> None:
    """The class that others are mapped by has no rows; its tables are a source."""
    assert "give Sites.metadata, or one of its mapped classes" in refused(schema_from, Sites)
    assert schema_from(Sites.metadata, "sites").entity.name == "sites"


@pytest.mark.parametrize("source", [3, "people", object, object(), None, int])
def test_what_is_no_source(source: object) -> None:
    """Other things are refused as what they are."""
    assert "is not a mapped class, a table, a MetaData or an engine" in refused(schema_from, source)


TYPES = [
    (sa.Integer, INTEGER),
    (sa.BigInteger, INTEGER),
    (sa.Boolean, BOOLEAN),
    (sa.Float, FLOAT),
    (sa.Double, FLOAT),
    (sa.REAL, FLOAT),
    (sa.Numeric(10, 3), decimal(3)),
    (sa.Numeric, decimal()),
    (sa.DECIMAL(5, 0), decimal(0)),
    (sa.String, TEXT),
    (sa.Text, TEXT),
    (sa.Unicode(3), TEXT),
    (sa.CHAR(3), TEXT),
    (sa.Date, DATE),
    (sa.DateTime, TIMESTAMP),
    (sa.DateTime(timezone=True), TIMESTAMP),
    (sa.TIMESTAMP, TIMESTAMP),
    (sa.LargeBinary, None),
    (sa.JSON, None),
    (sa.Time, None),
    (sa.Interval, None),
    (sa.Uuid, TEXT),
    (sa.PickleType, None),
    (sa.ARRAY(sa.Integer), None),
]


@pytest.mark.parametrize(("kind", "dtype"), TYPES, ids=[str(kind) for kind, _ in TYPES])
def test_types_of_columns(kind: Any, dtype: Any) -> None:
    """Each type of column has its type in the language, or none and is left out."""
    table = sa.Table(
        "t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("x", kind)
    )
    found = schema_from(table).entity.attribute("x")
    assert (found and found.dtype) == dtype


# -- from mapped classes --------------------------------------------------------------------------


class Base(DeclarativeBase):
    pass


class Tier(enum.Enum):
    GOLD = "g"
    SILVER = "s"


class Price(sa.types.TypeDecorator[Decimal]):
    impl = sa.Numeric(12, 2)
    cache_ok = True


customer_tags = sa.Table(
    "customer_tags",
    Base.metadata,
    sa.Column("customer_id", sa.ForeignKey("customers.pk"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("tags.id"), primary_key=True),
)


class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column("pk", primary_key=True)
    full_name: Mapped[str | None] = mapped_column("nm")
    tier: Mapped[Tier | None]
    kind: Mapped[str] = mapped_column(sa.Enum("a", "b", name="kinds"))
    price: Mapped[Decimal] = mapped_column(Price())
    picture: Mapped[bytes | None]
    born: Mapped[date | None]
    seen: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    type: Mapped[str]
    referrer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customers.pk"))
    referrer: Mapped[Customer | None] = relationship(remote_side=[id], back_populates="referred")
    referred: Mapped[list[Customer]] = relationship(back_populates="referrer")
    orders: Mapped[list[Order]] = relationship(back_populates="customer")
    profile: Mapped[Profile] = relationship(back_populates="customer")
    tags: Mapped[list[Tag]] = relationship(secondary=customer_tags)
    __mapper_args__ = {"polymorphic_on": "type", "polymorphic_identity": "customer"}  # noqa: RUF012


class Business(Customer):
    __tablename__ = "businesses"
    id: Mapped[int] = mapped_column(sa.ForeignKey("customers.pk"), primary_key=True)
    vat: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "business"}  # noqa: RUF012


class Profile(Base):
    __tablename__ = "profiles"
    id: Mapped[int] = mapped_column(primary_key=True)
    motto: Mapped[str | None]
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.pk"))
    customer: Mapped[Customer] = relationship(back_populates="profile")


class Order(Base):
    __tablename__ = "orders"
    a: Mapped[int] = mapped_column(primary_key=True)
    b: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column("placed_at")
    total: Mapped[Decimal] = mapped_column(sa.Numeric(10, 2))
    by: Mapped[int] = mapped_column("customer_id", sa.ForeignKey("customers.pk"))
    customer: Mapped[Customer] = relationship(back_populates="orders")
    twice = column_property(total * 2)


def customers() -> Schema:
    return schema_from(Customer, events={"orders": "at"})


def test_mapped_classes() -> None:
    """Names are the class's; nullability, enums and ways by one column come along."""
    assert str(customers()) == (
        "customers (whose rows are segmented)\n"
        "    id: integer\n"
        "    full_name: text?\n"
        "    tier: text? in (GOLD, SILVER)\n"
        "    kind: text in (a, b)\n"
        "    price: decimal(2)\n"
        "    born: date?\n"
        "    seen: timestamp?\n"
        "    type: text\n"
        "    referrer_id: integer?\n"
        "    referrer -> one of customers, by referrer_id\n"
        "    profile -> one of profiles, by pk = customer_id\n"
        "    referred -> many of customers, by referrer_id\n"
        "    orders -> many of orders, by customer_id, at at\n"
        "    profile -> many of profiles, by customer_id\n"
        "    tags -> many of tags, where customers.pk = customer_tags.customer_id "
        "AND tags.id = customer_tags.tag_id\n"
        "orders\n"
        "    a: integer\n"
        "    b: integer\n"
        "    at: timestamp\n"
        "    total: decimal(2)\n"
        "    by: integer\n"
        "    customer -> one of customers, by customer_id\n"
        "profiles\n"
        "    id: integer\n"
        "    motto: text?\n"
        "    customer_id: integer\n"
        "    customer -> one of customers, by customer_id\n"
        "tags\n"
        "    id: integer\n"
        "left out:\n"
        "    customers.picture: the language has no word for its type, BLOB\n"
        "    orders.twice: it is computed, and not a column"
    )


def test_relationships_that_are_not() -> None:
    """An event that is no relationship is refused with a suggestion."""
    assert refused(schema_from, Customer, events={"order": "at"}) == (
        "Customer has no relationship 'order'; did you mean 'orders'?"
    )


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        order = Order(a=1, b=1, at=datetime(2026, 1, 1), total=Decimal("3.10"))
        opened.add_all(
            [
                Customer(id=1, full_name="Ann", tier=Tier.GOLD, kind="a", price=Decimal("1.50"),
                         seen=datetime(2026, 1, 1), orders=[order], profile=Profile(motto="x")),
                Business(id=2, kind="b", price=Decimal(0), referrer_id=1, vat="UA1"),
            ]
        )  # fmt: skip
        opened.commit()
        yield opened
    engine.dispose()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("full_name = 'Ann'", [1]),
        ("full_name is missing", [2]),
        ("tier = 'GOLD'", [1]),
        ("tier in ('GOLD', 'SILVER')", [1]),
        ("tier != 'GOLD'", [2]),
        ("tier starts with 'GO'", [1]),
        ("kind = 'b'", [2]),
        ("price = 1.5", [1]),
        ("seen in 2026", [1]),
        ("count(orders) = 1", [1]),
        ("count(orders) = 0", [2]),
        ("sum(orders.total) = 3.1", [1]),
        ("last(orders.total) > price", [1]),
        ("any(orders where customer.full_name = 'Ann')", [1]),
        ("referrer.full_name = 'Ann'", [2]),
        ("referrer.referrer.full_name is missing", [1, 2]),
        ("count(referred) = 1 and any(referred where full_name is missing)", [1]),
        ("any(profile where motto = 'x')", [1]),
        ("profile.motto = 'x'", [1]),
        ("profile.motto is missing", [2]),
        ("type = 'business'", [2]),
    ],
)
def test_mapped_classes_are_evaluated(session: Session, text: str, ids: list[int]) -> None:
    """What a class's schema says is found in its tables, through aliases and subclasses too."""
    segment = Segment.define("it", text, customers())
    table = sa.inspect(Customer).local_table
    for root in (Customer, aliased(Customer), aliased(Customer, name="c")):
        query = sa.select(root).where(predicate(segment, root, as_of=datetime(2026, 5, 1)))
        assert sorted(c.id for c in session.scalars(query)) == ids
    business = sa.select(Business).where(predicate(segment, Business, as_of=datetime(2026, 5, 1)))
    assert [b.id for b in session.scalars(business)] == [i for i in ids if i == 2]
    roots: list[Any] = [Customer, table, table.alias()]
    for each in roots:
        keys = members(segment, each, as_of=datetime(2026, 5, 1))
        assert sorted(session.scalars(keys)) == ids


# -- from databases -------------------------------------------------------------------------------


@pytest.fixture
def engine() -> Iterator[sa.Engine]:
    made = sa.create_engine("sqlite://", poolclass=StaticPool)
    metadata().create_all(made)
    yield made
    made.dispose()


def test_a_database(engine: sa.Engine) -> None:
    """A database tells what its tables tell, but for what it does not keep, such as enums."""
    schema = schema_from(engine, "people", events={"orders": "at"})
    tables = schema_from(metadata(), "people", events={"orders": "at"})
    assert str(schema) == str(tables).replace("text? in (a, b)", "text?")
    verify(schema, engine)


@pytest.mark.parametrize(
    ("entity", "told", "message"),
    [
        (None, {}, "name the entity: the table whose rows are segmented"),
        ("peple", {"events": {"ordrs": "at"}},
         "the database has no table 'peple' (did you mean 'people'?); "
         "no table 'ordrs' (did you mean 'orders'?)"),
        ("people", {"events": {"orders": "when"}},
         "people.orders: 'orders' has no attribute 'when' to tell the time"),
        ("people", {"relations": {"loose": "persn"}},
         "the database has no column 'persn' in table 'loose' (did you mean 'person'?)"),
    ],
)  # fmt: skip
def test_what_the_database_lacks(
    engine: sa.Engine, entity: str | None, told: dict[str, Any], message: str
) -> None:
    """All that the author names and the database lacks is told at once."""
    assert refused(schema_from, engine, entity, **told) == message


def test_verify() -> None:
    """A database is compared with a schema: every table and column, views included."""
    schema = schema_from(metadata(), "people", relations={"loose": "person"})
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    assert refused(verify, schema, engine) == (
        "the database has no table 'people'; no table 'shops'; no table 'orders'; no table 'loose'"
    )
    metadata().create_all(engine)
    verify(schema, engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE loose")
        connection.exec_driver_sql("ALTER TABLE people RENAME COLUMN age TO ages")
        connection.exec_driver_sql("CREATE VIEW loose AS SELECT 1 AS person, 2 AS x")
    assert refused(verify, schema, engine) == (
        "the database has no column 'age' in table 'people' (did you mean 'ages'?)"
    )
    engine.dispose()


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (lambda m: m.tables["shops"],
         "the schema segments 'people', and the query selects from 'shops'"),
        (lambda m: sa.select(m.tables["people"]).subquery(),
         "the schema segments 'people', and the query selects from a subquery"),
        (lambda _: sa.Table("people", sa.MetaData(), sa.Column("id", sa.Integer)),
         "table 'people' has no column 'age'; there are id"),
        (lambda _: 3, "an int is neither a table nor a mapped class, nor an alias of one"),
    ],
)  # fmt: skip
def test_roots_that_do_not_fit(root: Any, message: str) -> None:
    """A predicate is for the table that the schema segments."""
    tables = metadata()
    segment = Segment.define("it", "age > 3", schema_from(tables, "people"))
    assert refused(predicate, segment, root(tables)) == message


def test_tables_of_a_schema() -> None:
    """Tables can be made from a schema; the schema read from them is the same but for keys."""
    made = tables_from(shop())
    assert {t.name: t.columns.keys() for t in made.sorted_tables} == {
        "people": ["id", "kind", "company_id"],
        "orders": ["at", "x", "person_id"],
        "notes": ["person_id"],
        "companies": ["id", "x"],
    }
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    made.create_all(engine)
    verify(shop(), engine)
    engine.dispose()


def test_keys_in_made_tables_have_the_type_of_what_they_lead_to() -> None:
    """A key that is no attribute is of the type of the key that it leads to."""
    shops = Entity("shops", key="code", attributes=[Attribute("code", TEXT)])
    people = Entity(
        "people",
        key="name",
        attributes=[Attribute("name", TEXT)],
        links=[Link("shop", to="shops", key="shop_code")],
        relations=[Relation("notes", key="person")],
    )
    notes = Entity("notes", attributes=[Attribute("stars", INTEGER)])
    made = tables_from(Schema([people, notes, shops])).tables
    assert isinstance(made["notes"].c.person.type, sa.String)
    assert isinstance(made["people"].c.shop_code.type, sa.String)


def test_a_table_that_nothing_leads_to_says_what_to_declare() -> None:
    """What is declared as it says is found, in tables and in a database."""
    tables = sa.MetaData()
    sa.Table("people", tables, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "orders",
        tables,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("person_id", sa.ForeignKey("people.id")),
    )
    sa.Table(
        "lines",
        tables,
        sa.Column("order_id", sa.ForeignKey("orders.id")),
        sa.Column("person", sa.Integer),
    )
    sa.Table("visits", tables, sa.Column("who", sa.Integer))
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    tables.create_all(engine)
    for source in (tables, engine):
        told = {each.what: each.why for each in schema_from(source, "people").left_out}
        lines = '{"orders": {"relations": {"lines": {}}}}'
        assert told["lines"].endswith(f"declare tables={lines}")
        assert told["visits"].endswith('name it: relations={"visits": "…"}')
        found = schema_from(source, "people", tables=json.loads(lines), relations={"visits": "who"})
        assert not found.left_out
        both = "any(orders.lines) and none(visits)"
        assert Segment.define("both", both, found).definition == both
    engine.dispose()
