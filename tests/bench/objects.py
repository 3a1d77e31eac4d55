"""Questions to one source of frames from Parquet: columns of objects beside columns of Arrow."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd
from timing import Row, compared, rounds

from segmentkit import Schema, Segment
from segmentkit.pandas import Source, schema_from

BENCHMARK = "frames from Parquet"
CUSTOMERS, ORDERS, ROUNDS = 100_000, 300_000, 9
ARROW = "Arrow columns"
QUESTIONS = (
    "born < 1990-01-01",
    "sum(orders.amount) > 1500",
    "count(orders where amount > 500) >= 3",
    "count(orders where day > 2025-01-01) >= 3",
)


def population(customers: int, orders: int) -> dict[str, bytes]:
    """Customers and their orders as files, with dates and decimals."""
    draw = np.random.default_rng(1)

    def days(first: str, count: int, size: int) -> list[object]:
        found: list[object] = (np.datetime64(first, "D") + draw.integers(0, count, size)).tolist()
        return found

    cents = draw.integers(100, 100_000, orders).tolist()
    frames = {
        "customers": {"id": np.arange(customers), "born": days("1940-01-01", 25_000, customers)},
        "orders": {
            "id": np.arange(orders),
            "customer": draw.integers(0, customers, orders),
            "amount": [Decimal(each).scaleb(-2) for each in cents],
            "day": days("2024-01-01", 700, orders),
        },
    }
    files = {}
    for name, columns in frames.items():
        buffer = io.BytesIO()
        pd.DataFrame(columns).to_parquet(buffer)
        files[name] = buffer.getvalue()
    return files


def schema_of(frames: dict[str, pd.DataFrame]) -> Schema:
    """What the questions speak of."""
    events = {"orders": {"key": "customer", "at": "day"}}
    keys = {"customers": "id", "orders": "id"}
    return schema_from(frames, "customers", keys=keys, events=events)


def run(*, quick: bool) -> Iterator[Row]:
    """Count the members of segments, on a source that has been asked before."""
    smaller = 50 if quick else 1
    files = population(CUSTOMERS // smaller, ORDERS // smaller)
    objects = {name: pd.read_parquet(io.BytesIO(file)) for name, file in files.items()}
    arrow = {
        name: pd.read_parquet(io.BytesIO(file), dtype_backend="pyarrow")
        for name, file in files.items()
    }
    here, there = Source(objects), Source(arrow)
    for question in QUESTIONS:
        ours = Segment.define(None, question, schema_of(objects))
        theirs = Segment.define(None, question, schema_of(arrow))
        if here.count(ours) != there.count(theirs):
            raise AssertionError(f"{question}: {here.count(ours)}, {there.count(theirs)}")
        contenders = {"segmentkit": partial(here.count, ours), ARROW: partial(there.count, theirs)}
        seconds = rounds(contenders, 2 if quick else ROUNDS, clock=time.process_time)
        yield compared(BENCHMARK, f"{question}, again", seconds, beside=ARROW, target=1.5)
        anew = {"segmentkit": lambda ours=ours: Source(objects).count(ours)}
        first = rounds(anew, 2 if quick else 3, clock=time.process_time)  # type: ignore[arg-type]
        yield Row(BENCHMARK, f"{question}, first", min(first["segmentkit"]))
