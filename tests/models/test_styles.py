"""Classes mapped in every style that people use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    DynamicMapped,
    Mapped,
    MappedAsDataclass,
    WriteOnlyMapped,
    aliased,
    attribute_keyed_dict,
    backref,
    column_property,
    composite,
    declared_attr,
    foreign,
    mapped_column,
    query_expression,
    registry,
    relationship,
    remote,
)

from segmentkit import SchemaError, Segment
from segmentkit.sqlalchemy import members, schema_from
from tests.models.answers import Asked, opened, store


def ask(asked: Asked) -> None:
    """What all styles of the same two tables are asked."""
    asked.relates("items", "price")
    asked.picks("rank > 1", lambda o: o.rank > 1)
    asked.picks("any(items where owner.rank > 1)", lambda o: o.rank > 1 and bool(o.items))


def rows(owner: Any, item: Any) -> list[Any]:
    made = [owner(id=i, rank=r) for i, r in ((1, 1), (2, 2), (3, 3))]
    return [
        *made,
        *(item(id=i, price=p, owner_id=o) for i, p, o in ((1, 5, 1), (2, 6, 2), (3, 7, 2))),
    ]


class Data(MappedAsDataclass, DeclarativeBase):
    pass


class DataOwner(Data):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True)
    rank: Mapped[int]
    items: Mapped[list[DataItem]] = relationship(init=False, back_populates="owner")


class DataItem(Data):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    price: Mapped[int]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("owners.id"))
    owner: Mapped[DataOwner | None] = relationship(init=False, back_populates="items")


def imperative() -> tuple[Any, Any, sa.MetaData]:
    mapped = registry()

    @dataclass
    class Owner:
        id: int
        rank: int
        items: list[Any] = field(default_factory=list)

    @dataclass
    class Item:
        id: int
        price: int
        owner_id: int

    owners = sa.Table("owners", mapped.metadata, sa.Column("id", sa.Integer, primary_key=True),
                      sa.Column("stars", sa.Integer))  # fmt: skip
    items = sa.Table("items", mapped.metadata, sa.Column("id", sa.Integer, primary_key=True),
                     sa.Column("price", sa.Integer), sa.Column("owner_id", sa.ForeignKey("owners.id")))  # fmt: skip
    mapped.map_imperatively(
        Owner,
        owners,
        properties={"rank": owners.c.stars, "items": relationship(Item, back_populates="owner")},
    )
    mapped.map_imperatively(
        Item, items, properties={"owner": relationship(Owner, back_populates="items")}
    )
    return Owner, Item, mapped.metadata


def automapped() -> tuple[Any, Any, sa.MetaData]:
    metadata = sa.MetaData()
    sa.Table(
        "owner",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rank", sa.Integer),
    )
    sa.Table("item", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("price", sa.Integer),
             sa.Column("owner_id", sa.ForeignKey("owner.id")))  # fmt: skip
    base = automap_base(metadata=metadata)
    base.prepare(name_for_collection_relationship=lambda base, local, other, constraint: "items")
    return base.classes.owner, base.classes.item, metadata


def flask_like() -> tuple[Any, Any, sa.MetaData]:
    """A base that makes names of tables, without annotations, with a mixin of keys."""

    class Keyed:
        id = sa.Column(sa.Integer, primary_key=True)

        @declared_attr.directive
        def __tablename__(cls) -> str:
            return cls.__name__.lower()

    class Model(DeclarativeBaseNoMeta):
        __abstract__ = True

    class Owned:
        @declared_attr
        def owner_id(cls):
            return sa.Column(sa.ForeignKey("owner.id"))

        @declared_attr
        def owner(cls):
            return relationship("Owner", backref=backref("items", order_by="Item.price"))

    class Owner(Keyed, Model):
        rank = sa.Column(sa.Integer)

    class Item(Keyed, Owned, Model):
        price = sa.Column(sa.Integer)

    return Owner, Item, Model.metadata


STYLES = {
    "dataclasses, as in Litestar": lambda: (DataOwner, DataItem, Data.metadata),
    "imperative, as in Cosmic Python": imperative,
    "automap, as in SQLAdmin over a legacy database": automapped,
    "mixins and backrefs, as in Flask-SQLAlchemy": flask_like,
}


@pytest.mark.parametrize("style", STYLES)
def test_styles(database: str, style: str) -> None:
    """However two classes are mapped, as in Litestar, Cosmic Python or Flask apps, they are the same."""
    owner, item, metadata = STYLES[style]()
    with opened(database, metadata) as session:
        store(session, rows(owner, item))
        ask(Asked(session, schema_from(owner), owner))


def test_two_registries(database: str) -> None:
    """As in Flask apps with several binds, a class leads to one with tables of its own metadata."""

    class One(DeclarativeBase):
        pass

    class Two(DeclarativeBase):
        pass

    class Item(Two):
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
        price: Mapped[int]
        owner_id: Mapped[int]

    class Owner(One):
        __tablename__ = "owners"
        id: Mapped[int] = mapped_column(primary_key=True)
        rank: Mapped[int]
        items: Mapped[list[Any]] = relationship(
            Item, primaryjoin=lambda: Owner.id == foreign(Item.owner_id), viewonly=True
        )

    with opened(database, [One.metadata, Two.metadata]) as session:
        store(session, rows(Owner, Item))
        Asked(session, schema_from(Owner), Owner).relates("items", "price")


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[str]
    last: Mapped[str]
    x: Mapped[int | None] = mapped_column()
    y: Mapped[int | None] = mapped_column()
    note: Mapped[str | None] = mapped_column(deferred=True)
    entries: WriteOnlyMapped[Entry] = relationship(back_populates="account")
    dynamic: DynamicMapped[Entry] = relationship(viewonly=True)
    by_code: Mapped[dict[str, Entry]] = relationship(
        collection_class=attribute_keyed_dict("code"), viewonly=True
    )
    unique: Mapped[set[Entry]] = relationship(viewonly=True)
    detail: Mapped[Detail | None] = relationship(back_populates="account", uselist=False)
    profile: Mapped[Profile | None] = relationship(back_populates="account")
    point: Mapped[Any] = composite(lambda x, y: Point(x, y), x, y)  # noqa: PLW0108
    loaded: Mapped[int | None] = query_expression()

    @hybrid_property
    def full(self) -> str:
        return self.first + " " + self.last


@dataclass
class Point:
    x: int
    y: int

    def __composite_values__(self) -> tuple[int, int]:
        return self.x, self.y


class Entry(Base):
    __tablename__ = "entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    amount: Mapped[int]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id"))
    account: Mapped[Account] = relationship(back_populates="entries")


Account.total = column_property(
    sa.select(sa.func.sum(Entry.amount)).where(Entry.account_id == Account.id).scalar_subquery()
)


class Detail(Base):
    __tablename__ = "details"
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id"), unique=True)
    account: Mapped[Account] = relationship(back_populates="detail")


class Profile(Base):
    __tablename__ = "profiles"
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id"), primary_key=True)
    stars: Mapped[int]
    account: Mapped[Account] = relationship(back_populates="profile")
    badges: Mapped[list[Badge]] = relationship()


class Badge(Base):
    __tablename__ = "badges"
    id: Mapped[int] = mapped_column(primary_key=True)
    profile_id: Mapped[int] = mapped_column(sa.ForeignKey("profiles.account_id"))


def accounts() -> list[object]:
    return [
        *(Account(id=i, first="a", last="b", x=i, y=2, note="n" * i) for i in (1, 2, 3)),
        *(Entry(id=i, code=c, amount=a, account_id=k)
          for i, c, a, k in ((1, "p", 5, 1), (2, "q", 6, 1), (3, "p", 7, 2))),
        Detail(id=1, size=4, account_id=2),
        *(Profile(account_id=i, stars=i) for i in (2, 3)),
        Badge(id=1, profile_id=3),
    ]  # fmt: skip


def test_collections_of_all_kinds(database: str) -> None:
    """As in GnuCash-like ledgers, a collection is a list, a set, a dict, dynamic or write-only."""
    with opened(database, Base.metadata) as session:
        store(session, accounts())
        asked = Asked(session, schema_from(Account), Account)
        for name in ("entries", "dynamic", "by_code", "unique"):
            asked.relates(name, "amount")
        asked.picks('note starts with "nn"', lambda a: a.note.startswith("nn"))


def test_one_to_one_from_the_other_side(database: str) -> None:
    """As in Django-style profiles, the row that holds the key is one row, asked either way."""
    with opened(database, Base.metadata) as session:
        store(session, accounts())
        asked = Asked(session, schema_from(Account), Account)
        asked.relates("detail", "size")
        asked.computes("detail.size", lambda a: a.detail and a.detail.size)
        asked.picks("detail.size is missing", lambda a: a.detail is None)
        asked.picks("detail.account.detail.size = 4", lambda a: a.detail is not None)


def test_one_to_one_by_one_key(database: str) -> None:
    """As in Django's inherited tables, a profile has the key of its account, and is asked so."""
    with opened(database, Base.metadata) as session:
        store(session, accounts())
        asked = Asked(session, schema_from(Account), Account)
        asked.relates("profile", "stars")
        asked.computes("profile.stars", lambda a: a.profile and a.profile.stars)
        asked.picks("profile.stars is missing", lambda a: a.profile is None)
        asked.picks(
            "any(profile where count(badges) = 1)",
            lambda a: a.profile is not None and len(a.profile.badges) == 1,
        )
        asked.picks("profile.account.profile.stars = 3", lambda a: a.id == 3)


def test_what_is_computed_is_listed() -> None:
    """As in Redash's and Indico's models, what is computed is left out, and the schema says so."""
    left = dict(schema_from(Account).left_out)
    assert left == {
        "accounts.total": "it is computed, and not a column",
        "accounts.loaded": "it is computed, and not a column",
        "accounts.point": "it stands for other attributes: use x, y",
        "accounts.full": "it is computed by a hybrid property, and not a column",
    }


class Paid(Base):
    """A class of a select."""

    large = sa.select(Entry.id, Entry.amount, Entry.account_id).where(Entry.amount > 5).subquery()
    __table__ = large
    __mapper_args__ = {"primary_key": [large.c.id]}


class Whole(Base):
    """A class of a join."""

    __table__ = sa.join(Account.__table__, Detail.__table__)
    id = column_property(Account.__table__.c.id, Detail.__table__.c.account_id)
    detail_id = Detail.__table__.c.id
    paid: Mapped[list[Paid]] = relationship(
        primaryjoin=lambda: Account.__table__.c.id == foreign(remote(Paid.account_id)),
        viewonly=True,
    )


class Totals(Base):
    """A class of groups."""

    sums = (
        sa.select(Entry.account_id.label("id"), sa.func.sum(Entry.amount).label("total"))
        .group_by(Entry.account_id)
        .subquery("sums")
    )
    __table__ = sums
    __mapper_args__ = {"primary_key": [sums.c.id]}
    paid: Mapped[list[Paid]] = relationship(
        primaryjoin=lambda: Totals.sums.c.id == foreign(remote(Paid.account_id)), viewonly=True
    )


def test_classes_of_selects_and_joins(database: str) -> None:
    """As in Superset's virtual datasets, a class is mapped to a select, a join or groups."""
    with opened(database, Base.metadata) as session:
        store(session, [*accounts(), Entry(id=4, code="r", amount=9, account_id=2)])
        paid = Asked(session, schema_from(Paid), Paid)
        paid.picks("amount > 6", lambda p: p.amount > 6)
        paid.picks("top 1 by amount", lambda p: p.amount == 9)
        totals = Asked(session, schema_from(Totals), Totals)
        totals.picks("total > 11", lambda t: t.total > 11)
        totals.relates("paid", "amount")
        with pytest.raises(SchemaError, match=r"has a key of 2 columns \(id, detail_id\)"):
            schema_from(Whole)
        whole = Asked(session, schema_from(Whole, tables={"Whole": {"key": "id"}}), Whole)
        whole.picks("size = 4 and x = 2", lambda w: w.size == 4 and w.x == 2)
        whole.relates("paid", "amount")


def test_aliased_targets(database: str) -> None:
    """As in dashboards of the latest rows, a relationship leads to an alias, a join or a window."""

    class Other(DeclarativeBase):
        pass

    class Item(Other):
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
        price: Mapped[int]
        owner_id: Mapped[int] = mapped_column(sa.ForeignKey("owners.id"))

    class Tag(Other):
        __tablename__ = "tags"
        id: Mapped[int] = mapped_column(primary_key=True)
        item_id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"))

    class Owner(Other):
        __tablename__ = "owners"
        id: Mapped[int] = mapped_column(primary_key=True)
        rank: Mapped[int]

    other = aliased(Item)
    Owner.items = relationship(
        other, primaryjoin=Owner.id == foreign(other.owner_id), viewonly=True
    )
    place = sa.func.row_number().over(order_by=Item.price.desc(), partition_by=Item.owner_id)
    window = sa.select(Item, place.label("place")).subquery()
    best = aliased(Item, window)
    Owner.best = relationship(
        best,
        primaryjoin=sa.and_(foreign(best.owner_id) == Owner.id, window.c.place <= 1),
        viewonly=True,
    )
    tagged_items = sa.join(Item, Tag, Tag.item_id == Item.id)
    tagged = aliased(Item, tagged_items, flat=True)
    Owner.tagged = relationship(
        tagged, primaryjoin=Owner.id == foreign(tagged.owner_id), viewonly=True
    )
    with opened(database, Other.metadata) as session:
        store(session, [*rows(Owner, Item), Tag(id=1, item_id=2), Tag(id=2, item_id=2)])
        schema = schema_from(Owner)
        asked = Asked(session, schema, Owner)
        for name in ("items", "best", "tagged"):
            asked.relates(name, "price")
        segment = Segment.define("it", "sum(best.price) = 7 and sum(tagged.price) = 6", schema)
        assert list(session.scalars(members(segment, Owner))) == [2]
