"""How deep definitions nest through the names that they use: SQLite reads what is accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from segmentkit import (
    DATE,
    FLOAT,
    INTEGER,
    TEXTS,
    TIMESTAMP,
    Attribute,
    DefinitionError,
    Document,
    Entity,
    Relation,
    Schema,
    Segment,
    Trait,
)
from segmentkit.sqlalchemy import predicate, prepare, tables_from

T = TypeVar("T")
NOON = datetime(2026, 5, 1, 12)
WIDE = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("score", FLOAT, nullable=True),
                Attribute("born", DATE, nullable=True),
                Attribute("tags", TEXTS, nullable=True),
            ],
            documents=[Document("data", {"n": INTEGER, "day": DATE})],
            relations=[Relation("visits", key="person", at="at")],
        ),
        Entity(
            "visits",
            attributes=[
                Attribute("person", INTEGER),
                Attribute("at", TIMESTAMP),
                Attribute("n", INTEGER, nullable=True),
            ],
        ),
    ]
)
PLACE = "distance(point({}, 1.5), point(0, -3)) != 1 m"
GROWING_VALUES = {
    "quotients": "1 / t",
    "sums": "score - (t + 1)",
    "defaults": "default(t / data.n, score)",
    "ages": "age(data.day) - t",
    "all of them": "abs(default(-(t / data.n), age(data.day)))",
}
GROWING_CONDITIONS = {
    "either": "in segment s and data.n = {0} or score = {0}",
    "beside visits": "(in segment s or any(visits where n = {0})) and score != {0}",
    "beside a place": "(in segment s or none(visits where n = {0})) and "
    + PLACE.format("age(data.day) - {0}"),
    "visits of both": "not in segment s and sum(visits.n where people.data.n = {0}) > score",
}
VISITED = [
    "{}",
    'any(visits where {}) and tags contains all ("a", "b")',
    "first(visits.n where {}) > data.n or not " + PLACE.format("age(data.day)"),
    "top 2 by sum(visits.n where {}) among (" + PLACE.format("data.n") + ")",
]


def parsed(segment: Segment) -> None:
    """Have SQLite read the statements of a segment and of its complement."""
    engine = prepare(sa.create_engine("sqlite://"))
    metadata = tables_from(WIDE)
    metadata.create_all(engine)
    people = metadata.tables["people"]
    with engine.connect() as connection:
        for each in (segment, ~segment):
            inside = predicate(each, people, as_of=NOON)
            of_all = sa.func.sum(sa.case((inside, 1), else_=0))
            connection.execute(sa.select(sa.func.coalesce(of_all, 0)))
    engine.dispose()


def accepted(make: Callable[..., T], text: str, **named: Mapping[str, Any]) -> T | None:
    """What a text defines; None if it is too deep."""
    try:
        return make("it", text, WIDE, **named)
    except DefinitionError as error:
        assert {each.code for each in error.diagnostics} == {"SK007"}
        return None


@pytest.mark.parametrize("around", VISITED)
@pytest.mark.parametrize("name", GROWING_VALUES)
def test_traits_of_traits(name: str, around: str) -> None:
    """However traits are nested, SQLite reads what is accepted, and what is deeper is refused."""
    text = around.format("people.t > 1" if "visits" in around else "t > 1")
    trait: Trait | None = Trait.define("t", "score", WIDE)
    depth = 0
    while (
        trait is not None
        and (segment := accepted(Segment.define, text, traits={"t": trait})) is not None
    ):
        parsed(segment)
        trait = accepted(Trait.define, GROWING_VALUES[name], traits={"t": trait})
        depth += 1
    assert 1 <= depth < 50


@pytest.mark.parametrize("name", GROWING_CONDITIONS)
def test_segments_of_segments(name: str) -> None:
    """However segments are nested, SQLite reads what is accepted, and what is deeper is refused."""
    segment: Segment | None = Segment.define("s", 'tags contains "a"', WIDE)
    depth = 0
    while segment is not None:
        parsed(segment)
        text = GROWING_CONDITIONS[name].format(depth)
        segment = accepted(Segment.define, text, segments={"s": segment})
        depth += 1
    assert 1 <= depth < 50


@pytest.mark.parametrize("value", ["month(people.seen)", "hour(people.shown)", "day(people.shown)"])
def test_clocks_of_zones(value: str) -> None:
    """What a clock shows of someone is read deep within rows, too."""
    schema = Schema(
        [
            Entity(
                "people",
                key="id",
                attributes=[
                    Attribute("id", INTEGER),
                    Attribute("seen", TIMESTAMP, nullable=True),
                    Attribute("shown", TIMESTAMP, zone="Europe/Kyiv", nullable=True),
                ],
                relations=[Relation("visits", key="person", at="at")],
            ),
            Entity(
                "visits",
                key="id",
                attributes=[
                    Attribute("id", INTEGER),
                    Attribute("person", INTEGER),
                    Attribute("at", TIMESTAMP),
                ],
                relations=[Relation("steps", key="visit", at="at")],
            ),
            Entity("steps", attributes=[Attribute("visit", INTEGER), Attribute("at", TIMESTAMP)]),
        ],
        time_zone="America/New_York",
    )
    metadata = tables_from(schema)
    people = metadata.tables["people"]
    text = f"last(visits.id where none(steps where {value} is missing)) > 1 or {value} is missing"
    segment = Segment.define("it", text, schema)
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(people.insert(), {"id": 1})
        for each, found in ((segment, [1]), (~segment, [])):
            inside = predicate(each, people, as_of=NOON)
            assert connection.scalars(sa.select(people.c.id).where(inside)).all() == found
    engine.dispose()
