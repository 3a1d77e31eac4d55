"""Columns as apps declare them mean what the app's own queries mean, on every database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from segmentkit import KeyList, Segment, Trait, UnsupportedError
from segmentkit._operators import bucket_of
from segmentkit.sqlalchemy import Source, members, prepare, schema_from
from tests.column_types import zoo

AS_OF = datetime(2026, 5, 9, 12, tzinfo=UTC)
IDS = [uuid.UUID(int=n << 96 | 0xABC, version=4) for n in (5, 17, 0xA0EEBC99)]


class Base(orm.DeclarativeBase):
    """The app's."""


class C(Base):
    """A customer with a column of each type."""

    __tablename__ = "typed_customers"
    id: orm.Mapped[uuid.UUID] = orm.mapped_column(zoo.Guid, primary_key=True)
    n: orm.Mapped[int]
    balance: orm.Mapped[Decimal | None] = orm.mapped_column(zoo.Cents)
    debt: orm.Mapped[Decimal | None] = orm.mapped_column(zoo.Chained)
    weight: orm.Mapped[float | None] = orm.mapped_column(zoo.MilliFloat)
    rate: orm.Mapped[Decimal | None] = orm.mapped_column(zoo.TextDecimal(30))
    seen: orm.Mapped[datetime | None] = orm.mapped_column(zoo.TZDateTime)
    born: orm.Mapped[datetime | None] = orm.mapped_column(zoo.Epoch)
    varied: orm.Mapped[datetime | None] = orm.mapped_column(
        sa.DateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
    )
    yes: orm.Mapped[bool | None] = orm.mapped_column(zoo.YesNo)
    plain_yes: orm.Mapped[bool | None]
    email: orm.Mapped[str | None] = orm.mapped_column(zoo.Email(100))
    secret: orm.Mapped[str | None] = orm.mapped_column(zoo.Encrypted(200))
    name: orm.Mapped[str | None] = orm.mapped_column(zoo.Name)
    ref: orm.Mapped[uuid.UUID | None]
    text_ref: orm.Mapped[uuid.UUID | None] = orm.mapped_column(zoo.TextGuid)
    status: orm.Mapped[zoo.Status | None]
    was: orm.Mapped[str | None] = orm.mapped_column(
        sa.Enum("PAID", "OPEN", "LOST", name="was_of_customer")
    )
    state: orm.Mapped[zoo.Status | None] = orm.mapped_column(
        sa.Enum(zoo.Status, values_callable=lambda e: [m.value for m in e], native_enum=False)
    )
    kept: orm.Mapped[zoo.Status | None] = orm.mapped_column(zoo.StringEnum(zoo.Status, 10))
    level: orm.Mapped[zoo.Level | None] = orm.mapped_column(zoo.LevelType)
    ip: orm.Mapped[Any | None] = orm.mapped_column(zoo.Address)
    shout: orm.Mapped[str | None] = orm.mapped_column(zoo.Upper(100))
    public: orm.Mapped[str | None] = orm.mapped_column(zoo.PublicId)
    tags: orm.Mapped[list[str] | None] = orm.mapped_column(zoo.JsonList)
    orders: orm.Mapped[list[O]] = orm.relationship()


class O(Base):  # noqa: E742
    """An order."""

    __tablename__ = "typed_orders"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
    c_id: orm.Mapped[uuid.UUID] = orm.mapped_column(zoo.Guid, sa.ForeignKey(C.id))
    amount: orm.Mapped[Decimal] = orm.mapped_column(zoo.Cents)
    at: orm.Mapped[datetime] = orm.mapped_column(zoo.TZDateTime)
    status: orm.Mapped[zoo.Status]


def at(days: float, hours: float = 0) -> datetime:
    return AS_OF - timedelta(days=days, hours=hours)


def people() -> list[Any]:
    first = C(
        id=IDS[0], n=1, balance=Decimal("100.01"), debt=Decimal("1.50"), weight=70.5,
        rate=Decimal("9.5"), seen=at(1), born=at(400), varied=at(1), yes=True, plain_yes=True,
        email="Ann@Shop.dk", secret="Alpha", name="Ann", ref=IDS[0], text_ref=IDS[0],
        status=zoo.Status.PAID, was="PAID", state=zoo.Status.PAID, kept=zoo.Status.PAID,
        level=zoo.Level.LOW, ip="10.0.0.1", shout="Hey", public="usr_7", tags=["vip", "new"],
    )  # fmt: skip
    second = C(
        id=IDS[1], n=2, balance=Decimal("100.00"), debt=Decimal("100.00"), weight=69.5,
        rate=Decimal(100), seen=at(30), born=at(1), varied=at(2, 1), yes=False, plain_yes=True,
        email="bob@shop.dk", secret="Beta", name="Bob", ref=IDS[2], text_ref=IDS[2],
        status=zoo.Status.OPEN, was="PAID", state=zoo.Status.OPEN, kept=zoo.Status.OPEN,
        level=zoo.Level.HIGH, ip="10.0.0.20", shout="ho", public="usr_8", tags=["new"],
    )  # fmt: skip
    third = C(id=IDS[2], n=3)
    orders = [
        O(id=1, c_id=IDS[0], amount=Decimal("10.10"), at=at(3), status=zoo.Status.OPEN),
        O(id=2, c_id=IDS[0], amount=Decimal("0.20"), at=at(2), status=zoo.Status.PAID),
        O(id=3, c_id=IDS[1], amount=Decimal("50.00"), at=at(40), status=zoo.Status.OPEN),
    ]
    return [first, second, third, *orders]


@pytest.fixture(scope="module", params=zoo.NAMES)
def session(request: pytest.FixtureRequest) -> Iterator[orm.Session]:
    """The app's session, on each database."""
    engine = prepare(zoo.opened(request.param))
    if request.param == "postgresql":
        sa.event.listen(
            engine, "connect", lambda c, _: c.execute("SET TIME ZONE 'America/New_York'")
        )
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        for each in people():
            # DuckDB looks for what a foreign key leads to, row by row.
            session.add(each)
            session.flush()
        session.commit()
        yield session
    Base.metadata.drop_all(engine)
    engine.dispose()


SCHEMA = schema_from(C, events={"orders": "at"})
ALL = sa.true()


def total(column: Any = O.amount) -> Any:
    return sa.select(sa.func.sum(column)).where(O.c_id == C.id).scalar_subquery()


ORM: list[tuple[str, Any]] = [
    ("balance > 100", C.balance > 100),
    ("balance >= 100", C.balance >= 100),
    ("100 < balance", C.balance > 100),
    ("balance = 100.01", C.balance == Decimal("100.01")),
    ("balance in (100.01, 5)", C.balance.in_([Decimal("100.01"), Decimal(5)])),
    ("balance between 100 and 100.005", C.balance.between(100, 100)),
    ("not balance < 100.01", sa.or_(C.balance >= Decimal("100.01"), C.balance.is_(None))),
    ("balance is missing", C.balance.is_(None)),
    ("balance < debt", C.balance < C.debt),
    ("balance <= debt", C.balance <= C.debt),
    ("balance + debt > 150", C.n == 2),
    ("balance * 2 = 200.02", C.balance == Decimal("100.01")),
    ("balance / 2 > 50", C.balance > 100),
    ("weight >= 70", C.weight >= 70),
    ("weight * 2 > 140", C.weight > 70),
    ("seen in last 7 days", C.seen > at(7)),
    ("not seen in last 7 days", sa.or_(C.seen <= at(7), C.seen.is_(None))),
    ("seen in 2026-05-08", C.seen.between(at(1, 12), at(0, 12))),
    ("day(seen) = 2026-05-08", C.seen == at(1)),
    ("seen < born", C.n == 2),
    ("born in last 7 days", C.born > at(7)),
    ("born > 1 year ago", C.born > at(365)),
    ("hour(born) = 12", C.born.is_not(None)),
    ("varied >= 1 day ago", C.n == 1),
    ("varied < 2 days ago", C.n == 2),
    ("hour(varied) = 11", C.n == 2),
    ("varied = seen", C.n == 1),
    ("yes", C.yes == True),  # noqa: E712
    ("not yes", sa.or_(C.yes == False, C.yes.is_(None))),  # noqa: E712
    ("yes = false", C.yes == False),  # noqa: E712
    ("yes = plain_yes", C.n == 1),
    ('email = "ANN@shop.dk"', C.email == "ANN@shop.dk"),
    ('email in ("ANN@shop.dk", "x")', C.email.in_(["ANN@shop.dk", "x"])),
    ('not email = "ANN@shop.dk"', sa.or_(C.email != "ANN@shop.dk", C.email.is_(None))),
    ('secret = "Alpha"', C.secret == "Alpha"),
    ('secret in ("Alpha", "Beta")', C.secret.in_(["Alpha", "Beta"])),
    ('name starts with "A"', C.name.startswith("A")),
    ('name contains "NN" ignoring case', C.n == 1),
    (f'ref = "{IDS[2]}"', C.ref == IDS[2]),
    (f'ref = "{IDS[2].hex.upper()}"', C.ref == IDS[2]),
    (f'ref in ("{IDS[0]}", "{IDS[1]}")', C.ref.in_(IDS[:2])),
    ('ref starts with "a0eebc99-"', C.ref == IDS[2]),
    ("ref = text_ref", C.ref.is_not(None)),
    ("ref = id", C.n == 1),
    ("text_ref = id", C.n == 1),
    ('status = "PAID"', C.status == zoo.Status.PAID),
    ('status in ("OPEN", "PAID")', C.status.in_(list(zoo.Status))),
    ('status starts with "P"', C.n == 1),
    ("status = was", C.n == 1),
    ("was = name", sa.false()),
    ('default(status, "none") = "none"', C.n == 3),
    ('state = "paid"', C.state == zoo.Status.PAID),
    ('kept = "paid"', C.kept == zoo.Status.PAID),
    ("kept = state", C.kept.is_not(None)),
    ("level > 1", C.level > zoo.Level.LOW),
    ("level in (1, 5)", C.level.is_not(None)),
    ("level + 1 = 6", C.n == 2),
    ('ip = "10.0.0.1"', C.ip == "10.0.0.1"),
    ('ip starts with "10.0.0.2"', C.n == 2),
    ('shout = "HEY"', C.shout == "HEY"),
    ('shout starts with "H"', C.shout.is_not(None)),
    ('public = "usr_7"', C.public == "usr_7"),
    ('public = "nonsense"', sa.false()),
    ('tags contains "vip"', C.n == 1),
    ('not tags contains "vip"', C.n != 1),
    ("n in (1, 2.5)", C.n == 1),
    ("n = 1 or n = 2.0", C.n.in_([1, 2])),
    ("not n in (1, 2.5)", C.n != 1),
    ("balance in (1, 100)", C.n == 2),
    ("weight in (70.5, 1)", C.n == 1),
    ("any(orders where amount > 10)", C.orders.any(O.amount > 10)),
    ("sum(orders.amount) > 10.25", sa.and_(C.n <= 2, total() > Decimal("10.25"))),
    ("sum(orders.amount) = 10.30", C.n == 1),
    ("sum(orders.amount) < 10.31", C.n != 2),
    ("avg(orders.amount) > 5.1", C.n <= 2),
    ("min(orders.amount) < 0.5", C.n == 1),
    ("max(orders.amount) = 10.10", C.n == 1),
    ("median(orders.amount) < 6", C.n == 1),
    ("last(orders.amount) = 0.2", C.n == 1),
    ("first(orders.amount) >= 10.1", C.n <= 2),
    ("last(orders.at) in last 7 days", C.n == 1),
    ('last(orders.status) = "PAID"', C.n == 1),
    ('count(orders where status = "OPEN") = 1', C.n <= 2),
    ("count(distinct orders.amount) = 2", C.n == 1),
    ("any(orders followed by orders within 2 days)", C.n == 1),
    ("top 1 by balance", C.n == 1),
    ("ntile(2, debt) = 2", C.n == 2),
    ("balance > avg(balance among everyone)", C.n == 1),
    ("balance = median(balance among everyone)", sa.false()),
]


@pytest.mark.parametrize(("text", "expected"), ORM, ids=[text for text, _ in ORM])
def test_as_the_orm(session: orm.Session, text: str, expected: Any) -> None:
    """A definition finds those whom the app's own query finds; its complement, all others."""
    segment = Segment.define("s", text, SCHEMA)
    wanted = set(session.scalars(sa.select(C.id).where(expected)))
    assert set(session.scalars(members(segment, C, as_of=AS_OF))) == wanted
    assert set(session.scalars(members(~segment, C, as_of=AS_OF))) == set(IDS) - wanted
    source = Source(session, C)
    assert set(source.members(segment, as_of=AS_OF)) == wanted
    assert source.sizes([segment], as_of=AS_OF)["s"] == len(wanted)
    for key in IDS:
        assert source.contains(segment, key, as_of=AS_OF) is (key in wanted)


REFUSED = [
    'email contains "shop"', 'secret starts with "A"', 'secret = "alpha" ignoring case',
    "rate = 9.5", "rate > 10", "rate + 1 = 2", "secret = name",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_refused(session: orm.Session, text: str) -> None:
    """What SQL cannot tell of what is stored is refused, and the column and its type named."""
    segment = Segment.define("s", text, SCHEMA)
    with pytest.raises(UnsupportedError, match=r"typed_customers\.\w+ is kept by \w+"):
        session.scalars(members(segment, C, as_of=AS_OF))


def test_values(session: orm.Session) -> None:
    """Values are those of the language: labels of enumerations, texts of UUIDs, amounts."""
    names = ["balance", "seen", "yes", "email", "secret", "ref", "text_ref", "status", "state",
             "kept", "level", "ip", "shout", "public", "was"]  # fmt: skip
    traits = [Trait.define(f"the_{name}", name, SCHEMA) for name in names]
    found = Source(session, C).values(traits, as_of=AS_OF).loc[IDS[0]].to_dict()
    found = {name.removeprefix("the_"): value for name, value in found.items()}
    assert found["seen"] == at(1)
    del found["seen"]
    assert found == {
        "balance": Decimal("100.01"), "yes": True, "email": "ann@shop.dk", "secret": "Alpha",
        "ref": str(IDS[0]), "text_ref": str(IDS[0]), "status": "PAID", "state": "paid",
        "kept": "paid", "level": 1, "ip": "10.0.0.1", "shout": "HEY", "public": "usr_7",
        "was": "PAID",
    }  # fmt: skip


def test_tally(session: orm.Session) -> None:
    """So are values that are counted."""
    everyone = Segment.define("all", "n > 0", SCHEMA)
    traits = [
        Trait.define(f"the_{name}", name, SCHEMA) for name in ("status", "ref", "secret", "kept")
    ]
    found = Source(session, C).tally(traits, [everyone], as_of=AS_OF)
    found = {name.removeprefix("the_"): each for name, each in found.items()}
    assert set(found["status"].index.dropna()) == {"PAID", "OPEN"}
    assert set(found["ref"].index.dropna()) == {str(IDS[0]), str(IDS[2])}
    assert set(found["secret"].index.dropna()) == {"Alpha", "Beta"}
    assert set(found["kept"].index.dropna()) == {"paid", "open"}


@pytest.mark.parametrize("count", [2, 1_201])
def test_lists(session: orm.Session, count: int) -> None:
    """Keys of a static list are the texts of UUIDs, however many; other texts are nobody's."""
    keys = [str(IDS[0]), IDS[2].hex, "nonsense", *(str(uuid.UUID(int=n)) for n in range(count))]
    lists = {"l": KeyList("l", keys)}
    segment = Segment.define("s", "in list l", SCHEMA, lists=lists)
    for each, wanted in ((segment, {IDS[0], IDS[2]}), (~segment, {IDS[1]})):
        assert set(session.scalars(members(each, C, as_of=AS_OF))) == wanted
        assert set(Source(session, C).members(each, as_of=AS_OF)) == wanted


def test_a_long_list_of_constants(session: orm.Session) -> None:
    """So are constants of which there are thousands."""
    amounts = ", ".join(f"{n}.01" for n in range(1_500))
    segment = Segment.define("s", f"balance in ({amounts})", SCHEMA)
    assert set(session.scalars(members(segment, C, as_of=AS_OF))) == {IDS[0]}


@pytest.mark.parametrize("salt", ["x", "y", "z"])
def test_sample(session: orm.Session, salt: str) -> None:
    """A sample looks at the whole text of a UUID: what a record of it gives, every database gives."""
    segment = Segment.define("s", f'sample(50%, "{salt}")', SCHEMA)
    wanted = {key for key in IDS if bucket_of(f"{salt}:{key}") < 1 << 31}
    assert set(session.scalars(members(segment, C, as_of=AS_OF))) == wanted


def test_schema() -> None:
    """The schema has the language's types, and the values of enumerations as they are stored."""
    found = {a.name: (str(a.dtype), a.values) for a in SCHEMA.entity.attributes}
    assert found["balance"] == ("decimal(2)", ())
    assert found["id"] == ("text", ())
    assert found["status"] == ("text", ("PAID", "OPEN"))
    assert found["state"] == ("text", ("paid", "open"))
    assert found["level"] == ("integer", (1, 5))
    assert found["tags"] == ("text[]", ())
