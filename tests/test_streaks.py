"""Streaks beside an oracle that walks from day to day, over the whole calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from segmentkit import DATE, INTEGER, Attribute, Entity, Relation, Schema, Trait
from segmentkit import pandas as frames
from segmentkit import sqlalchemy as sql
from segmentkit.sqlalchemy import tables_from

NOON = datetime(2026, 5, 1, 12)

_PEOPLE = [
    Entity("people", key="id", attributes=[Attribute("id", INTEGER)], relations=[Relation("visits", key="person")]),
    Entity("visits", key="id", attributes=[Attribute("id", INTEGER), Attribute("person", INTEGER), Attribute("on", DATE, True)]),
]  # fmt: skip
SCHEMAS = {start: Schema(_PEOPLE, week_start=start) for start in ("monday", "sunday")}


def _next(day: date, part: str, week_start: str) -> date | None:
    """The first day of the part of the calendar that comes after the one of a day."""
    here = _first(day, part, week_start)
    while _first(day, part, week_start) == here:
        if day == date.max:
            return None
        day += timedelta(days=1)
    return day


def _first(day: date, part: str, week_start: str) -> Any:
    if part == "week":
        back = day.weekday() if week_start == "monday" else day.isoweekday() % 7
        return max(day.toordinal() - back, 1)
    whole = {"year": (day.year,), "quarter": (day.year, (day.month - 1) // 3)}
    return {**whole, "month": (day.year, day.month), "day": day}[part]


def _longest(days: list[date], part: str, week_start: str) -> int:
    here = {_first(day, part, week_start) for day in days}
    longest = 0
    for day in days:
        length, at = 0, day
        while at is not None and _first(at, part, week_start) in here:
            length, at = length + 1, _next(at, part, week_start)
        longest = max(longest, length)
    return longest


def _histories() -> list[list[date]]:
    """Days around the ends of the calendar, of years and of what is counted from 1970 on."""
    random = Random(7)
    found: list[list[date]] = [[]]
    for begin in (
        date.min,
        date(9999, 10, 1),
        date(1969, 12, 1),
        date(2023, 12, 20),
        date(1999, 11, 3),
    ):
        for reach in (9, 40, 90):
            days = [begin + timedelta(days=random.randrange(reach)) for _ in range(reach // 3)]
            found.append(days + days[:2])
    found.append(
        [date(year, random.choice((1, 12)), 31) for year in (2020, 2021, 2022, 2024, 2025)]
    )
    found.append([date.min, date(1, 1, 7), date(1, 1, 14), date.max, date(9999, 12, 25)])
    return found


@pytest.mark.parametrize("week_start", SCHEMAS)
@pytest.mark.parametrize("part", ["day", "week", "month", "quarter", "year"])
@pytest.mark.parametrize("engine", ["record", "frames", "sqlite", "duckdb"])
def test_as_one_who_walks_from_day_to_day(engine: str, part: str, week_start: str) -> None:
    """The longest run is the one that a walk from each day finds, at the ends of the calendar too."""
    schema = SCHEMAS[week_start]
    histories = dict(enumerate(_histories()))
    trait = Trait.define("streak", f"streak({part}(visits.on))", schema)
    people = [{"id": owner} for owner in histories]
    pairs = [(owner, day) for owner, days in histories.items() for day in [*days, None]]
    visits = [{"id": i, "person": p, "on": on} for i, (p, on) in enumerate(pairs)]
    expected = [_longest(days, part, week_start) for days in histories.values()]
    assert _asked(engine, trait, people, visits) == expected


def _asked(engine: str, trait: Trait, people: list[Any], visits: list[Any]) -> list[int]:
    if engine == "record":
        records = [{**p, "visits": [v for v in visits if v["person"] == p["id"]]} for p in people]
        return [trait.of(record, as_of=NOON) for record in records]
    if engine == "frames":
        days = pd.Series([v["on"] for v in visits], dtype="object")
        given = {"people": pd.DataFrame(people), "visits": pd.DataFrame(visits).assign(on=days)}
        values: list[int] = frames.values([trait], given, as_of=NOON)["streak"].tolist()
        return values
    made = sa.create_engine("sqlite://" if engine == "sqlite" else "duckdb:///:memory:")
    tables = tables_from(trait.schema)
    with made.connect() as connection:
        tables.create_all(connection)
        connection.execute(tables.tables["people"].insert(), people)
        connection.execute(tables.tables["visits"].insert(), visits)
        query = sql.values([trait], tables.tables["people"], as_of=NOON)
        found = {row[0]: row[1] for row in connection.execute(query)}
    made.dispose()
    return [found[each["id"]] for each in people]
