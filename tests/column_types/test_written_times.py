"""Instants on SQLite are what they are, however whoever stored them has written them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from segmentkit import Segment, Trait
from segmentkit.sqlalchemy import Source, members, predicate, schema_from

AS_OF = datetime(2026, 5, 2, 12, tzinfo=UTC)
FORMS = {
    "SQLAlchemy": "%Y-%m-%d %H:%M:%S.%f",
    "CURRENT_TIMESTAMP": "%Y-%m-%d %H:%M:%S",
    "ISO": "%Y-%m-%dT%H:%M:%S",
    "ISO with a fraction": "%Y-%m-%dT%H:%M:%S.%f",
    "milliseconds": "%Y-%m-%d %H:%M:%S.000",
}
MIDNIGHT = datetime(2026, 5, 1)
INSTANTS = [
    MIDNIGHT + timedelta(seconds=s)
    for s in (-86_400, -1, 0, 1, 43_200, 86_399, 86_400, 86_401, 129_599, 129_600, 129_601, 400_000)
]


class Base(orm.DeclarativeBase):
    """The app's."""


class P(Base):
    """Someone who was seen."""

    __tablename__ = "seen_people"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    seen: orm.Mapped[datetime | None]
    other: orm.Mapped[datetime | None]
    events: orm.Mapped[list[E]] = orm.relationship()


class E(Base):
    """Something that happened."""

    __tablename__ = "seen_events"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    p_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey(P.id))
    at: orm.Mapped[datetime]


SCHEMA = schema_from(P, events={"events": "at"})
LOCAL = schema_from(P, time_zone="Europe/Copenhagen")
ROWS = dict(enumerate(product(FORMS, INSTANTS)))


@pytest.fixture(scope="module")
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    Base.metadata.create_all(engine)
    connection = engine.connect()
    insert = sa.text("INSERT INTO seen_people VALUES (:id, :seen, :other)")
    for key, (form, instant) in ROWS.items():
        texts = {"seen": instant.strftime(FORMS[form]), "other": str(instant)}
        connection.execute(insert, {"id": key, **texts})
    yield connection
    connection.close()
    engine.dispose()


DAY = timedelta(days=1)
NOON = MIDNIGHT + DAY * 1.5
TESTS = {
    "seen in 2026-05-01": lambda t: MIDNIGHT <= t < MIDNIGHT + DAY,
    "seen <= now": lambda t: t <= NOON,
    "seen < now": lambda t: t < NOON,
    "seen > now": lambda t: t > NOON,
    "seen >= now": lambda t: t >= NOON,
    "seen = now": lambda t: t == NOON,
    "not seen = now": lambda t: t != NOON,
    "seen in last 1 days": lambda t: NOON - DAY < t <= NOON,
    "not seen in last 1 days": lambda t: not NOON - DAY < t <= NOON,
    "seen in (2026-05-02T12:00, 2026-05-01T00:00)": lambda t: t in (NOON, MIDNIGHT),
    "not seen in (2026-05-02T12:00, 2026-05-01T00:00)": lambda t: t not in (NOON, MIDNIGHT),
    "seen = other": lambda t: True,
    "seen < other": lambda t: False,
    "day(seen) = 2026-05-01": lambda t: t.date() == MIDNIGHT.date(),
    "hour(seen) = 12": lambda t: t.hour == 12,
}


@pytest.mark.parametrize("text", TESTS)
def test_however_written(connection: sa.Connection, text: str) -> None:
    """Each form of an instant passes a test just when the instant does."""
    segment = Segment.define("s", text, SCHEMA)
    wanted = {key for key, (_, t) in ROWS.items() if TESTS[text](t)}
    found = set(connection.scalars(members(segment, P, as_of=AS_OF)))
    assert {ROWS[key] for key in found ^ wanted} == set()
    assert set(Source(connection, P).members(segment, as_of=AS_OF)) == wanted


def test_local_days(connection: sa.Connection) -> None:
    """Clocks of a zone are read off each form, too."""
    segment = Segment.define("s", "hour(seen) = 14", LOCAL)
    wanted = {key for key, (_, t) in ROWS.items() if t.hour == 12}
    assert set(connection.scalars(members(segment, P, as_of=AS_OF))) == wanted


def test_the_index_serves(connection: sa.Connection) -> None:
    """A window is still one range of an index."""
    connection.execute(sa.text("CREATE INDEX by_seen ON seen_people (seen)"))
    test = predicate(Segment.define("s", "seen in last 1 days", SCHEMA), P, as_of=AS_OF)
    asked = sa.select(P.id).where(test)
    plan = connection.execute(
        sa.text(
            f"EXPLAIN QUERY PLAN {asked.compile(connection, compile_kwargs={'literal_binds': True})}"
        )
    ).all()
    assert "USING COVERING INDEX by_seen (seen>? AND seen<?)" in plan[0][3]


@pytest.mark.parametrize("form", FORMS)
def test_sequences(form: str) -> None:
    """Rows that follow each other within a time are found in each form."""
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    Base.metadata.create_all(engine)
    hours = {1: (0, 2), 2: (0, 3), 3: (0,)}
    with engine.begin() as connection:
        for key, each in hours.items():
            connection.execute(sa.insert(P).values(id=key))
            for hour in each:
                at = (MIDNIGHT + timedelta(hours=hour)).strftime(FORMS[form])
                insert = "INSERT INTO seen_events (p_id, at) VALUES (:p, :at)"
                connection.execute(sa.text(insert), {"p": key, "at": at})
    text = "any(events followed by events within 2 hours)"
    segment = Segment.define("s", text, SCHEMA)
    with engine.connect() as connection:
        assert set(connection.scalars(members(segment, P, as_of=AS_OF))) == {1}
    engine.dispose()


TEN = datetime(2026, 5, 1, 10, tzinfo=UTC)
TENTH = timedelta(milliseconds=100)
WRITTEN = {
    "2026-05-01 10:00:00.000000": timedelta(),
    "2026-05-01T10:00:00": timedelta(),
    "2026-05-01 10:00:00.1": TENTH,
    "2026-05-01T10:00:00.100": TENTH,
    "2026-05-01 10:00:00.100001": TENTH + datetime.resolution,
    "2026-05-01T10:00:00.099999999": TENTH - datetime.resolution,
    "2026-05-01 10:00:01": timedelta(seconds=1),
    "2026-05-02T10:00:00.5": timedelta(days=1, milliseconds=500),
}
"""Ways to write instants, and how much after ten o'clock they are."""


def test_first_and_last_of_several_forms() -> None:
    """The first and the last of instants are found among several forms, to the microsecond."""
    pairs = dict(enumerate(product(WRITTEN, WRITTEN)))
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(P), [{"id": i} for i in pairs])
        rows = [{"p": i, "at": text} for i, pair in pairs.items() for text in pair]
        insert = sa.text("INSERT INTO seen_events (p_id, at) VALUES (:p, :at)")
        connection.execute(insert, rows)
        texts = {"first": "min(events.at)", "apart": "max(events.at) - min(events.at)"}
        asked = [Trait.define(name, text, SCHEMA) for name, text in texts.items()]
        found = Source(connection, P).values(asked, as_of=AS_OF)
    for i, times in enumerate(product(WRITTEN.values(), repeat=2)):
        assert found["first"][i] == TEN + min(times)
        assert found["apart"][i] == max(times) - min(times)
    engine.dispose()
