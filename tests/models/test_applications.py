"""Small models of the shapes that public applications have, each with what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import field, frozen
from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, and_, or_
from sqlalchemy.orm import DeclarativeBase, aliased, foreign, relationship, remote

from segmentkit.sqlalchemy import schema_from
from tests.models.answers import Asked, opened, store

SHAPES: list[Callable[[Any], Shape]] = []


@frozen
class Shape:
    """A model, its rows, and what is asked.

    Attributes:
        root: The class that is segmented.
        rows: The objects.
        relations: Relations that are asked everything, with a number of theirs.
        picks: Definitions, and what they mean of an object.
        pairs: Rows of secondary tables.
        key: The attribute that tells the objects apart.
    """

    root: Any
    rows: list[object]
    relations: Mapping[str, str | None] = field(factory=dict)
    picks: Mapping[str, Callable[[Any], Any]] = field(factory=dict)
    pairs: Mapping[Any, list[tuple[Any, ...]]] = field(factory=dict)
    key: str = "id"


def shape(make: Callable[[Any], Shape]) -> Callable[[Any], Shape]:
    SHAPES.append(make)
    return make


def key(kind: Any = Integer) -> Any:
    return Column(kind, primary_key=True)


def to(target: str, **told: Any) -> Any:
    return Column(ForeignKey(target), **told)


@shape
def airflow(base: Any) -> Shape:
    """As in Airflow, keys are texts, and a task belongs to a run by two columns."""

    class Dag(base):
        __tablename__ = "dag"
        id = key(String(20))
        runs = relationship("Run", back_populates="dag")

    class Run(base):
        __tablename__ = "run"
        __table_args__ = (sa.UniqueConstraint("dag_id", "run_id"),)
        id = key()
        dag_id = to("dag.id")
        run_id = Column(String(20))
        length = Column(Integer)
        dag = relationship("Dag", back_populates="runs")
        tasks = relationship("Task", back_populates="run")

    class Task(base):
        __tablename__ = "task"
        __table_args__ = (
            sa.ForeignKeyConstraint(["dag_id", "run_id"], ["run.dag_id", "run.run_id"]),
        )
        task_id = key(String(20))
        dag_id = key(String(20))
        run_id = key(String(20))
        tries = Column(Integer)
        run = relationship("Run", back_populates="tasks")

    rows = [Dag(id="a"), Dag(id="b"), Run(id=1, dag_id="a", run_id="x", length=5),
            Run(id=2, dag_id="a", run_id="y", length=2), Run(id=3, dag_id="b", run_id="x", length=9),
            Task(task_id="t", dag_id="a", run_id="x", tries=2),
            Task(task_id="t", dag_id="b", run_id="x", tries=7)]  # fmt: skip
    return Shape(Dag, rows, {"runs": "length"}, {
        "sum(runs.tasks.tries) > 5": lambda d: sum(t.tries for r in d.runs for t in r.tasks) > 5,
        "any(runs where any(tasks where tries < 5))": lambda d: d.id == "a",
        "any(runs where any(tasks where run.length > 6))": lambda d: d.id == "b",
    })  # fmt: skip


@shape
def redash(base: Any) -> Shape:
    """As in Redash, a dashboard has widgets of visualizations of queries, some archived."""

    class Dashboard(base):
        __tablename__ = "dashboards"
        id = key()
        widgets = relationship("Widget")

    class Widget(base):
        __tablename__ = "widgets"
        id = key()
        width = Column(Integer)
        dashboard_id = to("dashboards.id")
        query_id = to("queries.id")
        query = relationship(
            "Query", primaryjoin="and_(Widget.query_id == Query.id, Query.is_archived == False)"
        )

    class Query(base):
        __tablename__ = "queries"
        id = key()
        runtime = Column(Integer)
        is_archived = Column(Boolean)

    rows = [Dashboard(id=1), Dashboard(id=2), Query(id=1, runtime=9, is_archived=True),
            Query(id=2, runtime=4, is_archived=False), Widget(id=1, width=3, dashboard_id=1, query_id=1),
            Widget(id=2, width=5, dashboard_id=2, query_id=2)]  # fmt: skip
    return Shape(Dashboard, rows, {"widgets": "width"}, {
        "any(widgets where query.runtime > 3)": lambda d: any(
            w.query and w.query.runtime > 3 for w in d.widgets),
        "any(widgets where query.runtime is missing)": lambda d: d.id == 1,
    })  # fmt: skip


@shape
def flask_appbuilder(base: Any) -> Shape:
    """As in Flask-AppBuilder, users have roles, and roles permissions, each through a table."""
    roles = sa.Table("user_role", base.metadata, Column("id", Integer, primary_key=True),
                     to_("user_id", "ab_user.id"), to_("role_id", "ab_role.id"))  # fmt: skip
    granted = sa.Table("role_permit", base.metadata, to_("role_id", "ab_role.id", primary_key=True),
                       to_("permit_id", "permit.id", primary_key=True))  # fmt: skip

    class User(base):
        __tablename__ = "ab_user"
        id = key()
        roles = relationship("Role", secondary="user_role", backref="users")

    class Role(base):
        __tablename__ = "ab_role"
        id = key()
        level = Column(Integer)
        permits = relationship("Permit", secondary=granted)

    class Permit(base):
        __tablename__ = "permit"
        id = key()
        weight = Column(Integer)

    rows = [User(id=1), User(id=2), User(id=3), Role(id=1, level=4), Role(id=2, level=6),
            Permit(id=1, weight=5), Permit(id=2, weight=6)]  # fmt: skip
    return Shape(User, rows, {"roles": "level"}, {
        "sum(roles.permits.weight) = 16": lambda u: sum(p.weight for r in u.roles for p in r.permits) == 16,
        "any(roles where none(permits))": lambda u: any(not r.permits for r in u.roles),
        "any(roles where count(users) > 1)": lambda u: any(len(r.users) > 1 for r in u.roles),
    }, {roles: [(1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 2, 2), (5, 3, 1)],
        granted: [(1, 1), (2, 1), (1, 2)]})  # fmt: skip


def to_(name: str, target: str, **told: Any) -> Any:
    return Column(name, ForeignKey(target), **told)


@shape
def mastodon_statuses(base: Any) -> Shape:
    """As in Mastodon, a status answers another and repeats another, and some are private."""

    class Status(base):
        __tablename__ = "statuses"
        id = key()
        likes = Column(Integer)
        visibility = Column(String(10))
        parent_id = to("statuses.id")
        reblog_id = to("statuses.id")
        parent = relationship(
            "Status", foreign_keys=parent_id, remote_side=id, back_populates="replies"
        )
        replies = relationship("Status", foreign_keys=parent_id, back_populates="parent")
        reblog = relationship("Status", foreign_keys=reblog_id, remote_side=id)
        public = relationship(
            "Status",
            primaryjoin=lambda: and_(Status.id == foreign(remote(Status.parent_id)),
                                     remote(Status.visibility) == "public"),
            viewonly=True,
        )  # fmt: skip

    rows = [Status(id=1, likes=1, visibility="public"),
            Status(id=2, likes=5, visibility="private", parent_id=1),
            Status(id=3, likes=7, visibility="public", parent_id=1, reblog_id=2),
            Status(id=4, likes=2, visibility="private", parent_id=3)]  # fmt: skip
    return Shape(Status, rows, {"replies": "likes", "public": "likes"}, {
        "reblog.likes > 3": lambda s: s.reblog and s.reblog.likes > 3,
        "parent.parent.likes = 1": lambda s: s.parent and s.parent.parent is not None,
        "any(replies where any(replies))": lambda s: any(r.replies for r in s.replies),
        "sum(replies.replies.likes) = 2": lambda s: s.id == 1,
    })  # fmt: skip


@shape
def gitea(base: Any) -> Shape:
    """As in Gitea, issues and pull requests are rows of one table, told apart by a boolean."""

    class Repository(base):
        __tablename__ = "repository"
        id = key()
        issues = relationship("Issue", primaryjoin="and_(Repository.id == Issue.repo_id, not_(Issue.is_pull))",
                              viewonly=True)  # fmt: skip
        pulls = relationship("Issue", primaryjoin="and_(Repository.id == Issue.repo_id, Issue.is_pull)",
                             viewonly=True)  # fmt: skip

    class Issue(base):
        __tablename__ = "issue"
        id = key()
        comments = Column(Integer)
        is_pull = Column(Boolean)
        repo_id = to("repository.id")

    rows = [Repository(id=1), Repository(id=2), Issue(id=1, comments=3, is_pull=False, repo_id=1),
            Issue(id=2, comments=4, is_pull=True, repo_id=1), Issue(id=3, comments=5, is_pull=True, repo_id=2)]  # fmt: skip
    return Shape(Repository, rows, {"issues": "comments", "pulls": "comments"}, {
        "count(issues) = 0 and count(pulls) = 1": lambda r: not r.issues and len(r.pulls) == 1,
        "sum(issues.comments) > sum(pulls.comments)": lambda r: sum(i.comments for i in r.issues)
        > sum(p.comments for p in r.pulls),
    })  # fmt: skip


@shape
def ckan(base: Any) -> Shape:
    """As in CKAN, one table says which packages and which users are members of which groups."""

    class Member(base):
        __tablename__ = "member"
        id = key()
        table_name = Column(String(10))
        table_id = Column(Integer)
        group_id = to("group.id")
        state = Column(String(10))

    class Package(base):
        __tablename__ = "package"
        id = key()
        size = Column(Integer)

    class Group(base):
        __tablename__ = "group"
        id = key()
        packages = relationship(
            Package,
            secondary=Member.__table__,
            primaryjoin=lambda: and_(Group.id == Member.group_id, Member.state == "active"),
            secondaryjoin=lambda: and_(
                Package.id == foreign(Member.table_id), Member.table_name == "package"
            ),
            viewonly=True,
        )

    rows = [Group(id=1), Group(id=2), Group(id=3), Package(id=1, size=5), Package(id=2, size=6),
            *(Member(id=i, table_name=n, table_id=t, group_id=g, state=s) for i, (n, t, g, s) in enumerate(
                [("package", 1, 1, "active"), ("package", 1, 1, "active"), ("package", 2, 1, "deleted"),
                 ("user", 2, 2, "active"), ("package", 2, 3, "active")], 1))]  # fmt: skip
    return Shape(Group, rows, {"packages": "size"})


@shape
def osm(base: Any) -> Shape:
    """As in OpenStreetMap, an element has tags whose key is the element's and a word."""

    class Element(base):
        __tablename__ = "element"
        id = key()
        tags = relationship("Tag")

    class Tag(base):
        __tablename__ = "tag"
        element_id = to("element.id", primary_key=True)
        k = key(String(20))
        v = Column(String(20))
        n = Column(Integer)

    rows = [Element(id=1), Element(id=2), Tag(element_id=1, k="highway", v="bus", n=1),
            Tag(element_id=1, k="name", v="bus", n=2), Tag(element_id=2, k="highway", v="path", n=3)]  # fmt: skip
    return Shape(Element, rows, {"tags": "n"}, {
        'any(tags where k = "highway" and v = "bus")': lambda e: e.id == 1,
        'any(tags where k = "name" and v = "path")': lambda e: False,
    })  # fmt: skip


@shape
def nested_sets(base: Any) -> Shape:
    """As in Kolibri's and django-mptt's trees, what is below a node lies within its bounds."""

    class Node(base):
        __tablename__ = "node"
        id = key()
        lft = Column(Integer)
        rgt = Column(Integer)
        size = Column(Integer)
        below = relationship(
            "Node",
            primaryjoin=lambda: and_(
                Node.lft < foreign(remote(Node.lft)), Node.rgt > remote(Node.rgt)
            ),
            viewonly=True,
            uselist=True,
        )

    rows = [Node(id=1, lft=1, rgt=8, size=1), Node(id=2, lft=2, rgt=5, size=2), Node(id=3, lft=3, rgt=4, size=3),
            Node(id=4, lft=6, rgt=7, size=4)]  # fmt: skip
    return Shape(Node, rows, {"below": "size"}, {
        "count(below) = 3 and sum(below.size) = 9": lambda n: n.id == 1,
    })  # fmt: skip


@shape
def paths(base: Any) -> Shape:
    """As in Wagtail's and Plone's catalogs, the path of a page begins with that of its ancestor."""

    class Page(base):
        __tablename__ = "page"
        id = key()
        path = Column(String(50))
        views = Column(Integer)
        below = relationship(
            "Page",
            primaryjoin=lambda: remote(foreign(Page.path)).like(Page.path.concat("/%")),
            viewonly=True,
            order_by=path,
        )

    rows = [Page(id=1, path="/a", views=1), Page(id=2, path="/a/b", views=2), Page(id=3, path="/a/b/c", views=4),
            Page(id=4, path="/ab", views=8)]  # fmt: skip
    return Shape(Page, rows, {"below": "views"})


@shape
def inventree(base: Any) -> Shape:
    """As in InvenTree's bills of materials, parts consist of parts, in quantities."""

    class Bom(base):
        __tablename__ = "bom"
        whole_id = to("parts.id", primary_key=True)
        part_id = to("parts.id", primary_key=True)
        quantity = Column(Integer)
        part = relationship("Part", foreign_keys=part_id)

    class Part(base):
        __tablename__ = "parts"
        id = key()
        price = Column(Integer)
        lines = relationship(Bom, foreign_keys=Bom.whole_id)
        used_in = relationship("Part", secondary="bom", viewonly=True,
                               primaryjoin=id == Bom.part_id, secondaryjoin=id == Bom.whole_id)  # fmt: skip

    rows = [Part(id=1, price=9), Part(id=2, price=1), Part(id=3, price=2), Bom(whole_id=1, part_id=2, quantity=4),
            Bom(whole_id=1, part_id=3, quantity=1), Bom(whole_id=3, part_id=2, quantity=2)]  # fmt: skip
    return Shape(Part, rows, {"lines": "quantity", "used_in": "price"}, {
        "any(lines where part.price > 1)":
            lambda p: any(i.part.price > 1 for i in p.lines),
        "count(used_in.used_in) = 1": lambda p: sum(len(u.used_in) for u in p.used_in) == 1,
    })  # fmt: skip


@shape
def warehouse(base: Any) -> Shape:
    """As in PyPI's Warehouse, releases refer to a project by its unique name."""

    class Project(base):
        __tablename__ = "projects"
        id = key()
        name = Column(String(20), unique=True)
        releases = relationship("Release", back_populates="project")

    class Release(base):
        __tablename__ = "releases"
        id = key()
        files = Column(Integer)
        yanked = Column(Boolean)
        project_name = to("projects.name")
        project = relationship("Project", back_populates="releases")

    rows = [Project(id=1, name="2"), Project(id=2, name="1"), Release(id=1, files=3, yanked=False, project_name="1"),
            Release(id=2, files=4, yanked=True, project_name="1")]  # fmt: skip
    return Shape(Project, rows, {"releases": "files"}, {
        "any(releases where yanked and project.id = 2)": lambda p: p.id == 2,
        "id = 2 and any(releases where project.name = '1')": lambda p: p.id == 2,
    })  # fmt: skip


@shape
def indico(base: Any) -> Shape:
    """As in Indico, registrations that are deleted, or of forms that are, are not there."""

    class Form(base):
        __tablename__ = "forms"
        id = key()
        is_deleted = Column(Boolean)
        event_id = to("events.id")

    class Registration(base):
        __tablename__ = "registrations"
        id = key()
        price = Column(Integer)
        is_deleted = Column(Boolean)
        event_id = to("events.id")
        form_id = to("forms.id")

    class Event(base):
        __tablename__ = "events"
        id = key()
        registrations = relationship(
            Registration,
            primaryjoin=lambda: and_(
                Event.id == Registration.event_id,
                ~Registration.is_deleted,
                Registration.form_id.in_(
                    sa.select(Form.id).where(~Form.is_deleted).scalar_subquery()
                ),
            ),
            viewonly=True,
        )

    rows = [Event(id=1), Event(id=2), Form(id=1, is_deleted=False), Form(id=2, is_deleted=True),
            *(Registration(id=i, price=p, is_deleted=d, event_id=e, form_id=f) for i, p, d, e, f in
              ((1, 5, False, 1, 1), (2, 6, True, 1, 1), (3, 7, False, 2, 2), (4, 8, False, 2, 1)))]  # fmt: skip
    return Shape(Event, rows, {"registrations": "price"})


@shape
def quay(base: Any) -> Shape:
    """As in Quay, a tag is alive as long as its life has no end."""

    class Tag(base):
        __tablename__ = "tag"
        id = key()
        size = Column(Integer)
        end = Column(Integer)
        repository_id = to("repository.id")

    class Repository(base):
        __tablename__ = "repository"
        id = key()
        tags = relationship(Tag)
        alive = relationship(
            Tag, primaryjoin=and_(id == Tag.repository_id, Tag.end == sa.null()), viewonly=True
        )

    rows = [Repository(id=1), Repository(id=2), Tag(id=1, size=2, end=5, repository_id=1),
            Tag(id=2, size=3, repository_id=1), Tag(id=3, size=4, end=6, repository_id=2)]  # fmt: skip
    return Shape(Repository, rows, {"tags": "size", "alive": "size"}, {
        "any(tags) and none(alive)": lambda r: bool(r.tags) and not r.alive,
        "count(tags) > count(alive)": lambda r: len(r.tags) > len(r.alive),
    })  # fmt: skip


@shape
def price_lists(base: Any) -> Shape:
    """As in ERPNext's price lists, a price holds for the orders between two days."""

    class Order(base):
        __tablename__ = "orders"
        id = key()
        day = Column(Integer)
        item = Column(String(10))
        prices = relationship(
            "Price",
            primaryjoin=lambda: and_(Order.item == foreign(Price.item), Order.day >= Price.valid_from,
                                     or_(Price.valid_to.is_(None), Order.day < Price.valid_to)),
            viewonly=True,
        )  # fmt: skip

    class Price(base):
        __tablename__ = "prices"
        id = key()
        item = Column(String(10))
        valid_from = Column(Integer)
        valid_to = Column(Integer)
        rate = Column(Integer)

    rows = [Order(id=1, day=5, item="a"), Order(id=2, day=15, item="a"), Order(id=3, day=5, item="b"),
            Price(id=1, item="a", valid_from=0, valid_to=10, rate=3),
            Price(id=2, item="a", valid_from=10, rate=4)]  # fmt: skip
    return Shape(Order, rows, {"prices": "rate"})


@shape
def inbox(base: Any) -> Shape:
    """As in Forem's and Discourse's messages, one has those that one sent and those that one got."""

    class Message(base):
        __tablename__ = "messages"
        id = key()
        length = Column(Integer)
        sender_id = to("users.id")
        recipient_id = to("users.id")

    class User(base):
        __tablename__ = "users"
        id = key()
        sent = relationship(Message, foreign_keys=Message.sender_id)
        messages = relationship(
            Message,
            primaryjoin=or_(id == foreign(Message.sender_id), id == foreign(Message.recipient_id)),
            viewonly=True,
        )

    rows = [User(id=1), User(id=2), User(id=3), Message(id=1, length=4, sender_id=1, recipient_id=2),
            Message(id=2, length=5, sender_id=2, recipient_id=2), Message(id=3, length=6, sender_id=3)]  # fmt: skip
    return Shape(User, rows, {"sent": "length", "messages": "length"})


@shape
def latest_visit(base: Any) -> Shape:
    """As in OpenMRS-like records, the latest of somebody's visits is a relationship of its own."""

    class Visit(base):
        __tablename__ = "visits"
        id = key()
        day = Column(Integer)
        weight = Column(Integer)
        patient_id = to("patients.id")

    class Patient(base):
        __tablename__ = "patients"
        id = key()
        visits = relationship(Visit)

    other = aliased(Visit)
    last = (
        sa.select(sa.func.max(other.day))
        .where(other.patient_id == Visit.patient_id)
        .scalar_subquery()
    )
    Patient.latest = relationship(
        Visit,
        primaryjoin=and_(Patient.id == Visit.patient_id, Visit.day == last),
        viewonly=True,
        uselist=False,
    )
    rows = [Patient(id=1), Patient(id=2), Patient(id=3), Visit(id=1, day=1, weight=60, patient_id=1),
            Visit(id=2, day=2, weight=70, patient_id=1), Visit(id=3, day=1, weight=80, patient_id=2)]  # fmt: skip
    return Shape(Patient, rows, {"visits": "weight", "latest": "weight"}, {
        "latest.weight < 75": lambda p: p.latest and p.latest.weight < 75,
        "latest.weight is missing": lambda p: p.latest is None,
        "latest.weight > min(visits.weight)": lambda p: p.id == 1,
    })  # fmt: skip


@shape
def bookings(base: Any) -> Shape:
    """As in room calendars such as Indico's, bookings of one room overlap."""

    class Booking(base):
        __tablename__ = "bookings"
        id = key()
        room = Column(Integer)
        first = Column(Integer)
        last = Column(Integer)
        overlapping = relationship(
            "Booking",
            primaryjoin=lambda: and_(
                foreign(remote(Booking.room)) == Booking.room,
                remote(Booking.id) != Booking.id,
                remote(Booking.first) <= Booking.last,
                remote(Booking.last) >= Booking.first,
            ),
            viewonly=True,
            uselist=True,
        )

    rows = [Booking(id=1, room=1, first=1, last=5), Booking(id=2, room=1, first=4, last=9),
            Booking(id=3, room=1, first=10, last=12), Booking(id=4, room=2, first=1, last=9)]  # fmt: skip
    return Shape(Booking, rows, {"overlapping": "first"})


@shape
def tenants(base: Any) -> Shape:
    """As in Citus-style apps, every join has the tenant beside the key."""

    class Account(base):
        __tablename__ = "accounts"
        __table_args__ = (sa.UniqueConstraint("tenant_id", "id"),)
        id = key()
        tenant_id = Column(Integer)
        orders = relationship("Order", back_populates="account")

    class Order(base):
        __tablename__ = "orders"
        __table_args__ = (
            sa.ForeignKeyConstraint(
                ["tenant_id", "account_id"], ["accounts.tenant_id", "accounts.id"]
            ),
        )
        id = key()
        total = Column(Integer)
        tenant_id = Column(Integer)
        account_id = Column(Integer)
        account = relationship("Account", back_populates="orders")

    rows = [Account(id=1, tenant_id=1), Account(id=2, tenant_id=2), Order(id=1, total=4, tenant_id=1, account_id=1),
            Order(id=2, total=5, tenant_id=2, account_id=2)]  # fmt: skip
    return Shape(Account, rows, {"orders": "total"}, {
        "any(orders where account.tenant_id = 2)": lambda a: a.id == 2,
    })  # fmt: skip


@shape
def translations(base: Any) -> Shape:
    """As in Saleor's translations, the text in one language is one row of many."""

    class Translation(base):
        __tablename__ = "translations"
        id = key()
        locale = Column(String(5))
        length = Column(Integer)
        product_id = to("products.id")

    class Product(base):
        __tablename__ = "products"
        id = key()
        english = relationship(
            Translation,
            primaryjoin=and_(id == Translation.product_id, Translation.locale == "en"),
            uselist=False,
            viewonly=True,
        )
        all = relationship(Translation)

    rows = [Product(id=1), Product(id=2), Translation(id=1, locale="en", length=5, product_id=1),
            Translation(id=2, locale="de", length=9, product_id=1), Translation(id=3, locale="de", length=7, product_id=2)]  # fmt: skip
    return Shape(Product, rows, {"english": "length", "all": "length"}, {
        "english.length = 5": lambda p: p.english is not None,
        "english.length < max(`all`.length)": lambda p: p.id == 1,
    })  # fmt: skip


@shape
def pulp(base: Any) -> Shape:
    """As in Pulp, content is of joined kinds, and in a repository from one version to another."""

    class Content(base):
        __tablename__ = "content"
        id = key()
        kind = Column(String(10))
        size = Column(Integer)
        __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "content"}

    class Rpm(Content):
        __tablename__ = "rpm"
        id = to("content.id", primary_key=True)
        epoch = Column(Integer)
        __mapper_args__ = {"polymorphic_identity": "rpm"}

    class InRepository(base):
        __tablename__ = "in_repository"
        id = key()
        content_id = to("content.id")
        repository_id = to("repositories.id")
        added = Column(Integer)
        removed = Column(Integer)

    class Repository(base):
        __tablename__ = "repositories"
        id = key()
        version = Column(Integer)
        rpms = relationship(
            Rpm,
            secondary="in_repository",
            primaryjoin=lambda: and_(
                Repository.id == InRepository.repository_id,
                InRepository.added <= Repository.version,
                or_(InRepository.removed.is_(None), InRepository.removed > Repository.version),
            ),
            secondaryjoin=lambda: Rpm.id == InRepository.content_id,
            viewonly=True,
        )

    rows = [Repository(id=1, version=5), Repository(id=2, version=1), Content(id=1, size=3), Rpm(id=2, size=4, epoch=0),
            Rpm(id=3, size=5, epoch=1),
            *(InRepository(id=i, content_id=c, repository_id=r, added=a, removed=e) for i, c, r, a, e in
              ((1, 1, 1, 1, None), (2, 2, 1, 1, 4), (3, 2, 1, 5, None), (4, 3, 1, 1, 3), (5, 3, 2, 1, None)))]  # fmt: skip
    return Shape(Repository, rows, {"rpms": "size"}, {
        "any(rpms where epoch = 1)": lambda r: r.id == 2,
    })  # fmt: skip


@shape
def zulip(base: Any) -> Shape:
    """As in Zulip, a recipient stands for a user or a stream, which its type says."""

    class Recipient(base):
        __tablename__ = "recipients"
        id = key()
        type = Column(Integer)
        type_id = Column(Integer)
        messages = relationship("Message")

    class Message(base):
        __tablename__ = "messages"
        id = key()
        length = Column(Integer)
        recipient_id = to("recipients.id")

    class Stream(base):
        __tablename__ = "streams"
        id = key()
        recipient = relationship(
            Recipient,
            primaryjoin=lambda: and_(Stream.id == foreign(Recipient.type_id), Recipient.type == 2),
            uselist=False,
            viewonly=True,
        )
        messages = relationship(
            Message,
            secondary="recipients",
            primaryjoin=lambda: and_(Stream.id == Recipient.type_id, Recipient.type == 2),
            secondaryjoin=lambda: Recipient.id == Message.recipient_id,
            foreign_keys=[Recipient.type_id, Message.recipient_id],
            viewonly=True,
        )

    rows = [Stream(id=1), Stream(id=2), Recipient(id=7, type=1, type_id=1), Recipient(id=8, type=2, type_id=1),
            Recipient(id=9, type=2, type_id=2), Message(id=1, length=3, recipient_id=7),
            Message(id=2, length=4, recipient_id=8)]  # fmt: skip
    return Shape(Stream, rows, {"messages": "length"}, {
        "recipient.id = 8": lambda s: s.id == 1,
        "any(recipient where any(messages))": lambda s: s.id == 1,
        "sum(recipient.messages.length) = 4": lambda s: s.id == 1,
    })  # fmt: skip


@shape
def mailman(base: Any) -> Shape:
    """As in Mailman, a member is an address, which may or may not have a user."""

    class User(base):
        __tablename__ = "users"
        id = key()
        age = Column(Integer)
        preferred_id = Column(ForeignKey("addresses.id", use_alter=True))
        preferred = relationship("Address", foreign_keys=preferred_id, post_update=True)
        addresses = relationship("Address", foreign_keys="Address.user_id", back_populates="user")

    class Address(base):
        __tablename__ = "addresses"
        id = key()
        email = Column(String(50))
        verified = Column(Integer)
        user_id = to("users.id")
        user = relationship("User", foreign_keys=user_id, back_populates="addresses")

    rows = [User(id=1, age=40), User(id=2, age=50), Address(id=1, email="a@x", verified=1, user_id=1),
            Address(id=2, email="b@x", verified=0, user_id=1), Address(id=3, email="c@x", verified=0)]  # fmt: skip
    return Shape(User, rows, {"addresses": "verified"}, {
        "preferred.email is missing": lambda u: u.preferred is None,
        "any(addresses where user.age = 40 and verified = 0)": lambda u: u.id == 1,
    })  # fmt: skip


@shape
def buildbot(base: Any) -> Shape:
    """As in Buildbot, steps of builds of builders, three relations deep."""

    class Builder(base):
        __tablename__ = "builders"
        id = key()
        builds = relationship("Build", backref="builder")

    class Build(base):
        __tablename__ = "builds"
        id = key()
        results = Column(Integer)
        builder_id = to("builders.id")
        steps = relationship("Step", backref="build")

    class Step(base):
        __tablename__ = "steps"
        id = key()
        seconds = Column(Integer)
        build_id = to("builds.id")
        logs = relationship("Log", backref="step")

    class Log(base):
        __tablename__ = "logs"
        id = key()
        lines = Column(Integer)
        step_id = to("steps.id")

    rows = [Builder(id=1), Builder(id=2), Build(id=1, results=0, builder_id=1), Build(id=2, results=2, builder_id=2),
            Step(id=1, seconds=4, build_id=1), Step(id=2, seconds=5, build_id=2), Log(id=1, lines=9, step_id=2)]  # fmt: skip
    return Shape(Builder, rows, {"builds": "results"}, {
        "sum(builds.steps.logs.lines) = 9": lambda b: b.id == 2,
        "any(builds where any(steps where any(logs where step.build.builder.id = 2)))": lambda b: b.id == 2,
        "none(builds where any(steps where seconds > 4))": lambda b: b.id == 1,
    })  # fmt: skip


@shape
def friends(base: Any) -> Shape:
    """As in Friendica, a friendship is one row, whoever asked."""
    pairs = sa.Table("friends", base.metadata, to_("asker", "people.id"), to_("asked", "people.id"))

    class Person(base):
        __tablename__ = "people"
        id = key()
        age = Column(Integer)

    both = sa.union(
        sa.select(pairs.c.asker.label("one"), pairs.c.asked.label("other")),
        sa.select(pairs.c.asked, pairs.c.asker),
    ).subquery("both")
    Person.friends = relationship(
        Person,
        secondary=both,
        primaryjoin=Person.id == both.c.one,
        secondaryjoin=Person.id == both.c.other,
        viewonly=True,
    )
    rows = [*(Person(id=i, age=i * 10) for i in (1, 2, 3, 4))]
    return Shape(Person, rows, {"friends": "age"}, {}, {pairs: [(1, 2), (2, 1), (3, 1)]})


@shape
def ledgers(base: Any) -> Shape:
    """As in GnuCash, an entry has one of two sides, by its sign."""

    class Split(base):
        __tablename__ = "splits"
        id = key()
        value = Column(Integer)
        account_id = to("accounts.id")

    class Account(base):
        __tablename__ = "accounts"
        id = key()
        debits = relationship(
            Split, primaryjoin=and_(id == Split.account_id, Split.value > 0), viewonly=True
        )
        credits = relationship(
            Split, primaryjoin=and_(id == Split.account_id, Split.value < 0), viewonly=True
        )

    rows = [Account(id=1), Account(id=2), Split(id=1, value=5, account_id=1), Split(id=2, value=-7, account_id=1),
            Split(id=3, value=-2, account_id=2), Split(id=4, value=0, account_id=2)]  # fmt: skip
    return Shape(Account, rows, {"debits": "value", "credits": "value"}, {
        "sum(debits.value) + sum(credits.value) < 0": lambda a: True,
        "any(debits) and any(credits)": lambda a: a.id == 1,
    })  # fmt: skip


@shape
def sentry(base: Any) -> Shape:
    """As in Sentry, a group of events is resolved in a release, which came with deploys."""
    released = sa.Table("release_projects", base.metadata, to_("release", "releases.version"),
                        to_("project", "projects.slug"))  # fmt: skip

    class Project(base):
        __tablename__ = "projects"
        id = key()
        slug = Column(String(10), unique=True)
        releases = relationship("Release", secondary=released)
        groups = relationship("Group")

    class Release(base):
        __tablename__ = "releases"
        version = key(String(10))
        deploys = Column(Integer)

    class Group(base):
        __tablename__ = "groups"
        id = key()
        times_seen = Column(Integer)
        project_slug = to("projects.slug")
        resolved_in = to("releases.version")
        release = relationship(Release)

    rows = [Project(id=1, slug="p"), Project(id=2, slug="q"), Release(version="1", deploys=3), Release(version="2", deploys=4),
            Group(id=1, times_seen=5, project_slug="p", resolved_in="1"), Group(id=2, times_seen=7, project_slug="q")]  # fmt: skip
    return Shape(Project, rows, {"releases": "deploys", "groups": "times_seen"}, {
        'any(groups where release.version = "1")': lambda p: p.id == 1,
    }, {released: [("1", "p"), ("2", "p"), ("2", "q"), ("2", "q")]})  # fmt: skip


@shape
def mediawiki(base: Any) -> Shape:
    """As in MediaWiki, a page is in a category by the category's title."""

    class CategoryLink(base):
        __tablename__ = "categorylinks"
        page_id = to("page.id", primary_key=True)
        title = key(String(20))

    class Category(base):
        __tablename__ = "category"
        id = key()
        title = Column(String(20))
        pages = Column(Integer)

    class Page(base):
        __tablename__ = "page"
        id = key()
        title = Column(String(20))
        categories = relationship(
            Category,
            secondary=CategoryLink.__table__,
            secondaryjoin=lambda: foreign(CategoryLink.title) == Category.title,
            viewonly=True,
        )

    rows = [Page(id=1, title="A"), Page(id=2, title="B"), Category(id=1, title="x", pages=5), Category(id=2, title="y", pages=6),
            Category(id=3, title="y", pages=7), CategoryLink(page_id=1, title="x"), CategoryLink(page_id=1, title="y"),
            CategoryLink(page_id=2, title="none")]  # fmt: skip
    return Shape(Page, rows, {"categories": "pages"})


@shape
def home_assistant(base: Any) -> Shape:
    """As in Home Assistant's recorder, a state knows the state before it."""

    class Meta(base):
        __tablename__ = "states_meta"
        metadata_id = key()
        entity_id = Column(String(50))
        states = relationship("State", back_populates="meta")

    class State(base):
        __tablename__ = "states"
        state_id = key()
        value = Column(Integer)
        metadata_id = to("states_meta.metadata_id")
        old_state_id = to("states.state_id")
        meta = relationship("Meta", back_populates="states")
        old = relationship("State", remote_side=state_id)

    rows = [Meta(metadata_id=1, entity_id="sun"), Meta(metadata_id=2, entity_id="lamp"), State(state_id=1, value=3, metadata_id=1),
            State(state_id=2, value=5, metadata_id=1, old_state_id=1), State(state_id=3, value=1, metadata_id=2)]  # fmt: skip
    return Shape(Meta, rows, {"states": "value"}, {
        "any(states where value > old.value)": lambda m: m.metadata_id == 1,
        "any(states where old.meta.entity_id = 'sun')": lambda m: m.metadata_id == 1,
    }, key="metadata_id")  # fmt: skip


@shape
def votes(base: Any) -> Shape:
    """As in Discourse and Stack-like sites, what is voted for is named by its class."""

    class Vote(base):
        __tablename__ = "votes"
        id = key()
        value = Column(Integer)
        votable_type = Column(String(10))
        votable_id = Column(Integer)

    def votes_of(owner: Callable[[], Any], name: str) -> Any:
        return relationship(
            Vote,
            primaryjoin=lambda: and_(
                owner().id == foreign(Vote.votable_id), Vote.votable_type == name
            ),
            viewonly=True,
        )

    class Question(base):
        __tablename__ = "questions"
        id = key()
        answers = relationship("Answer", backref="question")
        votes = votes_of(lambda: Question, "question")

    class Answer(base):
        __tablename__ = "answers"
        id = key()
        words = Column(Integer)
        question_id = to("questions.id")
        votes = votes_of(lambda: Answer, "answer")

    rows = [Question(id=1), Question(id=2), Answer(id=1, words=9, question_id=2), Vote(id=1, value=1, votable_type="question", votable_id=1),
            Vote(id=2, value=-1, votable_type="answer", votable_id=1), Vote(id=3, value=1, votable_type="answer", votable_id=2)]  # fmt: skip
    return Shape(Question, rows, {"answers": "words", "votes": "value"}, {
        "sum(answers.votes.value) = -1": lambda q: q.id == 2,
        "any(answers where sum(votes.value) < 0)": lambda q: q.id == 2,
        "sum(votes.value) > sum(answers.votes.value)": lambda q: sum(v.value for v in q.votes)
        > sum(v.value for a in q.answers for v in a.votes),
    })  # fmt: skip


@pytest.mark.parametrize("make", SHAPES, ids=lambda make: make.__name__)
def test_applications(database: str, make: Callable[[Any], Shape]) -> None:
    """A shape as in a public application is asked everything beside the ORM's own answer."""

    class Base(DeclarativeBase):
        pass

    found = make(Base)
    with opened(database, Base.metadata) as session:
        store(session, found.rows)
        for table, pairs in found.pairs.items():
            session.execute(table.insert().values(pairs))
        asked = Asked(session, schema_from(found.root), found.root, found.key)
        for name, number in found.relations.items():
            asked.relates(name, number)
        for text, test in found.picks.items():
            asked.picks(text, lambda each, test=test: bool(test(each)))
    Base.registry.dispose()
