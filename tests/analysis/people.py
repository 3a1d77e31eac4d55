"""Made people of whom much is missing, in data frames and in SQLite."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import sqlalchemy as sa

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Entity,
    Relation,
    Schema,
    Segment,
    decimal,
)
from segmentkit import pandas as skp
from segmentkit import sqlalchemy as sql
from segmentkit.sqlalchemy import tables_from

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SIZE = 900
PEOPLE = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("age", INTEGER, nullable=True),
                Attribute("score", FLOAT, nullable=True),
                Attribute("money", decimal(2), nullable=True),
                Attribute("vip", BOOLEAN, nullable=True),
                Attribute("city", TEXT, nullable=True),
                Attribute("born", DATE, nullable=True),
                Attribute("seen", TIMESTAMP, nullable=True),
                Attribute("mail", TEXT),
            ],
            relations=[Relation("orders", key="person", at="at")],
        ),
        Entity(
            "orders",
            key="number",
            attributes=[
                Attribute("number", INTEGER),
                Attribute("at", TIMESTAMP),
                Attribute("amount", decimal(2)),
            ],
        ),
    ],
    time_zone="America/New_York",
)
CITIES = ["Kyiv", "Lviv", 'Say "hi"', "", "O'Brien", "Одеса", "town 1", "town 2", "town 3"]


def frames() -> dict[str, pd.DataFrame]:
    """The people and what they ordered."""
    draw = np.random.default_rng(20260501)

    def holes(values):
        return [None if draw.random() < 0.2 else value for value in values]

    scores = np.where(draw.random(SIZE) < 0.05, np.inf, draw.normal(size=SIZE))
    days = draw.integers(0, 25_000, SIZE).tolist()
    seconds = draw.exponential(3e6, SIZE).tolist()
    people = {
        "id": range(SIZE),
        "age": pd.array(holes(draw.integers(10, 90, SIZE).tolist()), dtype="Int64"),
        "score": np.array(holes(scores.tolist()), dtype=float),
        "money": holes([Decimal(n) / 100 for n in draw.integers(-5000, 90_000, SIZE).tolist()]),
        "vip": pd.array(holes((draw.random(SIZE) < 0.4).tolist()), dtype="boolean"),
        "city": pd.array(holes(draw.choice(CITIES, SIZE).tolist()), dtype="string"),
        "born": pd.to_datetime(holes([date(1950, 1, 1) + timedelta(days=n) for n in days])),
        "seen": pd.to_datetime(
            holes([datetime(2026, 5, 1) - timedelta(seconds=n) for n in seconds])
        ),
        "mail": [f"m{number}" for number in range(SIZE)],
    }
    many = 2 * SIZE
    orders = {
        "number": range(many),
        "person": draw.integers(0, SIZE, many),
        "at": [
            datetime(2026, 4, 30) - timedelta(seconds=n)
            for n in draw.exponential(6e6, many).tolist()
        ],
        "amount": [Decimal(n) / 100 for n in draw.integers(100, 9000, many).tolist()],
    }
    return {"people": pd.DataFrame(people), "orders": pd.DataFrame(orders)}


def database(tables: dict[str, pd.DataFrame]) -> sql.Source:
    """The same in SQLite."""
    metadata = tables_from(PEOPLE)
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for name, frame in tables.items():
            rows = frame.astype(object).to_dict("records")
            stored = [{key: _stored(key, value) for key, value in row.items()} for row in rows]
            connection.execute(metadata.tables[name].insert(), stored)
    return sql.Source(engine, metadata.tables["people"])


def _stored(key, value):
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    return value.date() if key == "born" else value


FRAMES = frames()
SOURCES = {"pandas": skp.Source(FRAMES), "sqlite": database(FRAMES)}


def people(text: str, **others) -> Segment:
    """A segment of the people."""
    return Segment.define("target", text, PEOPLE, **others)
