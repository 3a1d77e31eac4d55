"""The clocks of time zones in databases: columns that keep a zone, and the edges of what is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import evolve

from segmentkit import DATE, INTEGER, TIMESTAMP, Attribute, Entity, Schema, Segment
from segmentkit.sqlalchemy import members
from tests.targets import TARGETS
from tests.targets.databases import ENGINES

OPEN = {engine.name: engine.open for engine in ENGINES}

AS_OF = datetime(2026, 5, 1, 12)
SCHEMA = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("born", DATE),
                Attribute("seen", TIMESTAMP),
                Attribute("met", TIMESTAMP),
            ],
        )
    ],
    time_zone="Europe/Kyiv",
)
Ask = Callable[..., list[Any]]


def people(*, timezone: bool) -> sa.Table:
    """Of one of two times the column keeps a zone, if it is asked to."""
    return sa.Table(
        "people",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("born", sa.Date),
        sa.Column("seen", sa.DateTime(timezone=timezone)),
        sa.Column("met", sa.DateTime),
    )


def row(key: int, born: str, seen: datetime, met: datetime) -> dict[str, Any]:
    return {"id": key, "born": date.fromisoformat(born), "seen": seen, "met": met}


def answers(engine: sa.Engine, table: sa.Table, rows: list[dict[str, Any]]) -> Iterator[Ask]:
    """A function from a definition to its members among the rows."""
    with engine.connect() as connection:
        if engine.dialect.name in ("postgresql", "duckdb"):
            connection.exec_driver_sql("SET TimeZone = 'America/New_York'")
        table.create(connection)
        connection.execute(table.insert(), rows)

        def ask(definition: str, schema: Schema = SCHEMA) -> list[Any]:
            segment = Segment.define(None, definition, schema)
            return sorted(connection.scalars(members(segment, table, as_of=AS_OF)))

        yield ask
        connection.rollback()
    engine.dispose()


@pytest.fixture(params=[t.name for t in TARGETS if t.name in ("duckdb", "postgresql")])
def aware(request: pytest.FixtureRequest) -> Iterator[Ask]:
    seen = datetime(2026, 5, 8, 21, tzinfo=UTC)
    rows = [
        row(1, "2026-05-09", seen, datetime(2026, 5, 8, 21)),
        row(2, "2026-05-09", seen.replace(hour=20, minute=59), datetime(2026, 5, 8, 21)),
    ]
    yield from answers(OPEN[request.param](), people(timezone=True), rows)


@pytest.mark.parametrize(
    ("definition", "found"),
    [
        ("hour(seen) = 0 and day(seen) = 2026-05-09 and weekday(seen) = 6", [1]),
        ("hour(seen) = 23 and day(seen) = 2026-05-08 and weekday(seen) = 5", [2]),
        ("seen = born", [1]),
        ("seen < born", [2]),
        ("seen = met", [1]),
        ("seen < met", [2]),
    ],
)
def test_a_column_with_a_zone(aware: Ask, definition: str, found: list[int]) -> None:
    """An instant is the same in a column with a zone, whatever the session's zone is."""
    assert aware(definition) == found


@pytest.fixture(params=[t.name for t in TARGETS if t.name in ("sqlite", "duckdb", "postgresql")])
def extreme(request: pytest.FixtureRequest) -> Iterator[Ask]:
    last = datetime.max
    rows = [
        row(1, "9999-12-31", last, last.replace(hour=21)),
        row(2, "1000-01-01", datetime(1000, 1, 1), datetime(1000, 1, 1, 21, 57, 56)),
    ]
    yield from answers(OPEN[request.param](), people(timezone=False), rows)


@pytest.mark.parametrize(
    ("definition", "found"),
    [
        ("day(seen) = 9999-12-31 and hour(seen) = 23", [1]),
        ("hour(met) = 23 and day(met) = 9999-12-31", [1]),
        ("week(seen) = 9999-12-27 and weekday(born) = 5 and year(born) = 9999", [1]),
        ("hour(met) = 0 and day(met) = 1000-01-02 and month(met) = 1", [2]),
        ("weekday(born) = 3 and week(born) = 0999-12-30", [2]),
        ("seen > born", [1, 2]),
    ],
)
def test_the_ends_of_the_calendar(extreme: Ask, definition: str, found: list[int]) -> None:
    """Far from the present the clock is that of the sun; where the calendar ends, it is UTC."""
    assert extreme(definition) == found


FIRST = [date(1, 1, day) for day in range(1, 15)] + [date(9999, 12, day) for day in range(20, 32)]


@pytest.mark.parametrize(
    "engine", [t.name for t in TARGETS if t.name in OPEN and t.name != "clickhouse"]
)
def test_the_first_and_the_last_weeks_from_sunday(engine: str) -> None:
    """The calendar's first days are in a week that begins with them, and its last week is whole."""
    schema = evolve(SCHEMA, week_start="sunday")
    rows = [row(i, str(day), AS_OF, AS_OF) for i, day in enumerate(FIRST)]
    firsts = [max(1, day.toordinal() - day.isoweekday() % 7) for day in FIRST]
    for ask in answers(OPEN[engine](), people(timezone=False), rows):
        for first in set(firsts):
            found = [i for i, each in enumerate(firsts) if each == first]
            assert ask(f"week(born) = {date.fromordinal(first)}", schema) == found
