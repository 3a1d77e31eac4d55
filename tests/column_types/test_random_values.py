"""Random values behind types of the app's own: SQL finds whom the record's own function finds."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import orm

from segmentkit import Segment, UnsupportedError
from segmentkit.sqlalchemy import Source, prepare, schema_from
from tests.column_types import zoo

AS_OF = datetime(2026, 5, 9, 12, tzinfo=UTC)


class Base(orm.DeclarativeBase):
    """The app's."""


class R(Base):
    """A row of values of types of the app's own."""

    __tablename__ = "random_rows"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    balance: orm.Mapped[Decimal | None] = orm.mapped_column(zoo.Cents)
    debt: orm.Mapped[Decimal | None] = orm.mapped_column(zoo.Chained)
    price: orm.Mapped[Decimal | None] = orm.mapped_column(sa.Numeric(12, 2))
    seen: orm.Mapped[datetime | None] = orm.mapped_column(zoo.TZDateTime)
    born: orm.Mapped[datetime | None] = orm.mapped_column(zoo.Epoch)
    yes: orm.Mapped[bool | None] = orm.mapped_column(zoo.YesNo)
    name: orm.Mapped[str | None] = orm.mapped_column(zoo.Name)
    secret: orm.Mapped[str | None] = orm.mapped_column(zoo.Encrypted)
    ref: orm.Mapped[uuid.UUID | None]
    other: orm.Mapped[uuid.UUID | None] = orm.mapped_column(zoo.TextGuid)


SCHEMA = schema_from(R)
FEW = 3
amounts = st.decimals(-5, 5, places=2)
moments = st.integers(-3 * 86_400, 3 * 86_400).map(lambda s: AS_OF + timedelta(seconds=s))
names = st.sampled_from(["Ann", "ann", "bob", "É", ""])
ids = st.sampled_from([uuid.UUID(int=n << 64 | n, version=4) for n in range(1, FEW)])
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "balance": amounts, "debt": amounts, "price": amounts, "seen": moments, "born": moments,
    "yes": st.booleans(), "name": names, "secret": names, "ref": ids, "other": ids,
}  # fmt: skip
rows = st.fixed_dictionaries({name: st.none() | each for name, each in COLUMNS.items()})
orders = st.sampled_from(["<", "<=", "=", "!=", ">", ">="])
numbers = st.sampled_from(
    ["balance", "debt", "price", "balance + debt", "debt * 2", "price - balance"]
)
constants = amounts | st.decimals(-5, 5, places=3)
times = st.sampled_from(["seen", "born"])
texts = st.sampled_from(["name", "secret"])
uuids = st.sampled_from(["ref", "other"])
quoted = names.map(lambda name: f'"{name}"')
written = moments.map(lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ"))
tests = st.one_of(
    st.tuples(numbers, orders, constants | numbers).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
    st.tuples(numbers, constants, constants).map(lambda t: f"{t[0]} in ({t[1]}, {t[2]}, 1)"),
    st.tuples(times, orders, written | times).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
    times.map(lambda t: f"{t} in last 1 day"),
    times.map(lambda t: f"day({t}) = 2026-05-09"),
    st.tuples(texts, st.sampled_from(["=", "!="]), quoted | texts).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
    st.tuples(texts, quoted, quoted).map(lambda t: f"{t[0]} in ({t[1]}, {t[2]})"),
    st.tuples(uuids, ids).map(lambda t: f'{t[0]} = "{t[1]}"'),
    st.just("ref = other"),
    st.sampled_from(["yes", "yes = false", "default(yes, true)"]),
    st.sampled_from(list(COLUMNS)).map(lambda name: f"{name} is missing"),
)  # fmt: skip
ENGINE = prepare(sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool))
Base.metadata.create_all(ENGINE)


@given(st.lists(rows, min_size=1, max_size=8), st.lists(tests, min_size=1, max_size=8))
def test_as_records(given_rows: list[dict[str, Any]], definitions: list[str]) -> None:
    """What a definition holds of is the same of the app's values and of what is stored."""
    people = [{"id": key, **row} for key, row in enumerate(given_rows)]
    with orm.Session(ENGINE) as session:
        session.add_all([R(**each) for each in people])
        session.flush()
        for each in people:
            for name in ("ref", "other"):
                each[name] = None if each[name] is None else str(each[name])
        for text in definitions:
            segment = Segment.define("s", text, SCHEMA)
            for asked in (segment, ~segment):
                try:
                    found = set(Source(session, R).members(asked, as_of=AS_OF))
                except UnsupportedError:
                    # What is encrypted is compared with constants only.
                    assert "secret" in text
                    assert text.count("secret") + text.count("name") > 1
                    continue
                assert found == {p["id"] for p in people if asked.matches(p, as_of=AS_OF)}, text
        session.rollback()
