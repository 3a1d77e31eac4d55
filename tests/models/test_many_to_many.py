"""Relationships through a secondary table, and classes that stand between two others."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from segmentkit import Segment, UnsupportedError
from segmentkit.sqlalchemy import Source, schema_from
from tests.models.answers import Asked, opened, store


class Base(DeclarativeBase):
    pass


follows = sa.Table(
    "follows",
    Base.metadata,
    sa.Column("account_id", sa.ForeignKey("accounts.id"), primary_key=True),
    sa.Column("target_id", sa.ForeignKey("accounts.id"), primary_key=True),
    sa.Column("muted", sa.Boolean, nullable=False, default=False),
)
# Nothing keeps a pair from being there twice.
labels = sa.Table(
    "account_labels",
    Base.metadata,
    sa.Column("account", sa.ForeignKey("accounts.id")),
    sa.Column("label", sa.ForeignKey("labels.name")),
)
grants = sa.Table(
    "grants",
    Base.metadata,
    sa.Column("account_id", sa.ForeignKey("accounts.id"), primary_key=True),
    sa.Column("project_tenant", sa.Integer, primary_key=True),
    sa.Column("project_number", sa.Integer, primary_key=True),
    sa.ForeignKeyConstraint(
        ["project_tenant", "project_number"], ["projects.tenant", "projects.number"]
    ),
)


class Label(Base):
    __tablename__ = "labels"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    weight: Mapped[int | None]


class Project(Base):
    __tablename__ = "projects"
    tenant: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    stars: Mapped[int]


class Membership(Base):
    __tablename__ = "memberships"
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("groups.id"), primary_key=True)
    role: Mapped[str]
    level: Mapped[int]
    group: Mapped[Group] = relationship(back_populates="memberships")
    account: Mapped[Account] = relationship(back_populates="memberships")


class Group(Base):
    __tablename__ = "groups"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    size: Mapped[int]
    memberships: Mapped[list[Membership]] = relationship(back_populates="group")
    members: Mapped[list[Account]] = relationship(
        secondary="memberships", viewonly=True, back_populates="groups"
    )


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    age: Mapped[int] = mapped_column()
    following: Mapped[list[Account]] = relationship(
        secondary=follows,
        primaryjoin=id == follows.c.account_id,
        secondaryjoin=id == follows.c.target_id,
        back_populates="followers",
    )
    followers: Mapped[list[Account]] = relationship(
        secondary=follows,
        primaryjoin=id == follows.c.target_id,
        secondaryjoin=id == follows.c.account_id,
        back_populates="following",
    )
    heard: Mapped[list[Account]] = relationship(
        secondary=follows,
        primaryjoin=sa.and_(id == follows.c.account_id, follows.c.muted.is_(sa.false())),
        secondaryjoin=sa.and_(id == follows.c.target_id, age.column > 20),
        viewonly=True,
    )
    labels: Mapped[list[Label]] = relationship(secondary=labels)
    label_names: AssociationProxy[list[str]] = association_proxy("labels", "name")
    projects: Mapped[list[Project]] = relationship(secondary=grants)
    memberships: Mapped[list[Membership]] = relationship(back_populates="account")
    groups: Mapped[list[Group]] = relationship(
        secondary="memberships", viewonly=True, back_populates="members"
    )
    owned: Mapped[list[Group]] = relationship(
        secondary="memberships",
        primaryjoin="and_(Account.id == Membership.account_id, Membership.role == 'owner')",
        viewonly=True,
    )
    fellows: Mapped[list[Account]] = relationship(
        secondary=lambda: sa.join(Membership, Group, Membership.group_id == Group.id).join(
            follows, follows.c.account_id == Membership.account_id
        ),
        primaryjoin="Account.id == Membership.account_id",
        secondaryjoin=id == follows.c.target_id,
        viewonly=True,
    )


@pytest.fixture
def asked(database: str):
    with opened(database, Base.metadata) as session:
        store(
            session,
            [
                *(Account(id=i, age=a) for i, a in enumerate((10, 20, 30, 40, 50), 1)),
                *(
                    Label(id=i, name=n, weight=w)
                    for i, n, w in ((1, "a", 3), (2, "b", None), (3, "c", 9))
                ),
                Project(tenant=1, number=1, stars=5),
                Project(tenant=2, number=1, stars=7),
                Group(id=1, name="x", size=3),
                Group(id=2, name="y", size=8),
                Group(id=3, name="z", size=1),
            ],
        )
        for table, values in (
            (follows, [(1, 2, False), (1, 3, True), (1, 4, False), (2, 1, False), (5, 5, False)]),
            (labels, [(1, "a"), (1, "a"), (1, "c"), (2, "b"), (3, None), (None, "a")]),
            (grants, [(1, 1, 1), (1, 2, 1), (4, 2, 1)]),
        ):
            session.execute(table.insert().values(values))
        for account, group, role, level in (
            (1, 1, "owner", 3), (2, 1, "guest", 1), (2, 2, "owner", 2), (3, 2, "guest", 9),
        ):  # fmt: skip
            session.add(Membership(account_id=account, group_id=group, role=role, level=level))
        session.flush()
        yield Asked(session, schema_from(Account), Account)


def test_followers(asked: Asked) -> None:
    """As in Mastodon, accounts follow accounts, either way round, and some are muted."""
    for name in ("following", "followers", "heard"):
        asked.relates(name, "age")
    asked.computes(
        "count(following.followers)", lambda a: sum(len(f.followers) for f in a.following)
    )


def test_labels_that_are_there_twice(asked: Asked) -> None:
    """As in CKAN's tags, a table of pairs without a key counts each label once."""
    asked.relates("labels", "weight")
    asked.picks('any(labels where name = "a")', lambda a: any(x.name == "a" for x in a.labels))
    asked.picks("sum(labels.weight) = 12", lambda a: a.id == 1)


def test_projects_with_a_key_of_two_columns(asked: Asked) -> None:
    """As in Taiga, what a table of grants leads to has a key of two columns."""
    asked.relates("projects", "stars")


def test_association_objects(asked: Asked) -> None:
    """As in Gitea and GitLab, a membership has a role, and groups are seen through it."""
    asked.relates("memberships", "level")
    asked.relates("groups", "size")
    asked.relates("owned", "size")
    asked.picks(
        'any(memberships where role = "owner" and group.size > 5)',
        lambda a: any(m.role == "owner" and m.group.size > 5 for m in a.memberships),
    )
    asked.computes(
        "sum(groups.members.age)", lambda a: sum(m.age for g in a.groups for m in g.members)
    )
    asked.picks(
        "any(groups where count(members) >= 2)", lambda a: any(len(g.members) > 1 for g in a.groups)
    )
    asked.picks(
        "any(groups where size > 2 and any(members where age > 25))",
        lambda a: any(g.size > 2 and any(m.age > 25 for m in g.members) for g in a.groups),
    )


def test_a_secondary_that_is_a_join(asked: Asked) -> None:
    """As in FreshRSS and Forem, a relationship can go through several tables."""
    asked.relates("fellows", "age")


def test_rows_that_several_share_do_not_know_whose_they_are(asked: Asked) -> None:
    """From rows of rows that several share, their holder is not compared with, and it is said."""
    text = "any(groups where any(members where age > accounts.age))"
    segment = Segment.define("it", text, asked.schema)
    with pytest.raises(UnsupportedError, match="a row of 'groups' can belong to several"):
        Source(asked.session, Account).members(segment)


def test_a_row_around_that_several_share(asked: Asked) -> None:
    """The rows of a row that several share are compared with that row, once each."""
    asked.picks(
        "any(groups as g where any(members where age > g.size * 4))",
        lambda a: any(any(m.age > g.size * 4 for m in g.members) for g in a.groups),
    )
    asked.picks(
        "sum(groups.size as g where count(members where age > g.size * 3) = 1) > 5",
        lambda a: (
            sum(g.size for g in a.groups if sum(m.age > g.size * 3 for m in g.members) == 1) > 5
        ),
    )
    asked.picks(
        "any(following as f where any(followers where age < f.age))",
        lambda a: any(any(x.age < f.age for x in f.followers) for f in a.following),
    )
    text = "any(following as f where any(followers.groups where size > f.age))"
    asked.picks(
        text,
        lambda a: any(g.size > f.age for f in a.following for x in f.followers for g in x.groups),
    )


def test_proxies_are_listed(asked: Asked) -> None:
    """A proxy is no relationship of its own, and the schema says what to ask for."""
    assert (
        "accounts.label_names",
        "it is a proxy: use the relationship that it goes through",
    ) in asked.schema.left_out
