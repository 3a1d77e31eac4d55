"""A shop in data frames, and the sources over them: those of the core, and what else is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from weakref import finalize

import pandas as pd
import sqlalchemy as sa

from segmentkit import (
    DATE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Channel,
    Entity,
    Link,
    Relation,
    Schema,
    Segment,
    decimal,
)
from segmentkit import pandas as skp
from segmentkit import sqlalchemy as sql
from segmentkit.sqlalchemy import tables_from
from tests.targets import TARGETS, spark

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHOP = Schema(
    [
        Entity(
            "customers",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("country", TEXT, nullable=True),
                Attribute("age", INTEGER, nullable=True),
                Attribute("joined", DATE),
                Attribute("nickname", TEXT, nullable=True),
            ],
            links=[Link("store", to="stores", key="store_id")],
            relations=[
                Relation("orders", key="customer_id", at="placed_at"),
                Relation("visits", key="customer_id", at="at"),
            ],
        ),
        Entity(
            "orders",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("placed_at", TIMESTAMP),
                Attribute("amount", decimal(2)),
                Attribute("status", TEXT),
            ],
        ),
        Entity("visits", attributes=[Attribute("at", TIMESTAMP)]),
        Entity("stores", key="id", attributes=[Attribute("city", TEXT)]),
    ],
    channels=[Channel("post", address="country", consent="age >= 18")],
)
CUSTOMERS = pd.DataFrame(
    {
        "id": [1, 2, 3, 4, 5, 6],
        "country": ["DK", "DK", "NO", None, "DK", "SE"],
        "age": pd.array([17, 40, 30, 50, None, None], dtype="Int64"),
        "joined": pd.to_datetime(["2026-04-30"] + ["2020-01-01"] * 5).astype("datetime64[s]"),
        "nickname": pd.array([None] * 6, dtype="string"),
        "store_id": pd.array([1, 1, None, None, None, None], dtype="Int64"),
    }
)
ORDERS = pd.DataFrame(
    {
        "id": range(1, 8),
        "customer_id": [1, 2, 2, 2, 3, 3, 4],
        "placed_at": pd.to_datetime(
            ["2026-04-01", "2026-04-02", "2026-04-20", "2024-01-01", "2026-04-03", "2026-04-04",
             "2024-06-01"]
        ),
        "amount": [Decimal(n) for n in (10, 20, 30, 40, 50, 60, 70)],
        "status": ["paid", "paid", "open", "paid", "paid", "paid", "paid"],
    }
)  # fmt: skip
FRAMES = {
    "customers": CUSTOMERS,
    "orders": ORDERS,
    "visits": pd.DataFrame({"customer_id": [1], "at": pd.to_datetime(["2020-01-01"])}),
    "stores": pd.DataFrame({"id": [1], "city": ["Aarhus"]}),
}
NOBODY = {name: frame.iloc[:0] for name, frame in FRAMES.items()}


class Asked:
    """A source that counts what it is asked."""

    def __init__(self, source):
        self.source = source
        self.asked = 0

    def __getattr__(self, name):
        self.asked += 1
        return getattr(self.source, name)


def database(frames, schema=SHOP):
    """The same in SQLite, closed when nothing needs the source any more."""
    metadata = tables_from(schema)
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for name, rows in rows_of(frames).items():
            if rows:
                connection.execute(metadata.tables[name].insert(), rows)
    source = sql.Source(engine, metadata.tables[schema.entity.table])
    finalize(source, engine.dispose)
    return source


def sources(frames, schema=SHOP):
    """Every source over the frames, by its name."""
    found = {"pandas": skp.Source(frames), "sqlite": database(frames, schema)}
    for target in TARGETS:
        if target in spark.TARGETS:
            with target.source(schema, rows_of(frames)) as source:
                found[target.name] = source
    return found


def rows_of(frames):
    """The frames' rows as Python's values."""
    return {
        name: [
            {key: _stored(value) for key, value in row.items()} for row in frame.to_dict("records")
        ]
        for name, frame in frames.items()
    }


def _stored(value):
    if pd.isna(value):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


SOURCES = sources(FRAMES)
EMPTY = sources(NOBODY)


def segment(text, **others):
    """A segment of the shop."""
    return Segment.define("asked", text, SHOP, **others)
