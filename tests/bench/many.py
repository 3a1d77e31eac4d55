"""Many segments in one pass beside the same segments one by one."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import databases
import numpy as np
import pandas as pd
import sqlalchemy as sa
from attrs import frozen
from timing import Ratio, Row, compared

from segmentkit import Catalog, Schema, Segment
from segmentkit import pandas as frames
from segmentkit import sqlalchemy as sql
from segmentkit.pandas import schema_from
from segmentkit.source import Source

BENCHMARK = "many segments"
SEGMENTS, CUSTOMERS, EACH, ALONE = 200, 100_000, 10, 10
AS_OF = pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime()
COUNTRIES = ("DK", "NO", "SE", "FI", "UA", "PL", "DE", "FR")
STATUSES = ("paid", "refunded", "cancelled")
TIERS = ("gold", "silver", "bronze")
WINDOWS = (30, 90, 180, 365)


def population(customers: int, orders: int) -> dict[str, pd.DataFrame]:
    """Customers and their orders; amounts are cents, so that sums do not depend on order."""
    draw = np.random.default_rng(1)
    end = np.datetime64("2026-01-01", "s")

    def before(days: int, size: int) -> Any:
        return end - draw.integers(1, days * 86_400, size).astype("m8[s]")

    def choice(names: tuple[str, ...], size: int) -> Any:
        return pd.Categorical.from_codes(draw.integers(0, len(names), size), list(names))

    return {
        "customers": pd.DataFrame(
            {
                "id": np.arange(customers),
                "country": choice(COUNTRIES, customers),
                "tier": choice(TIERS, customers),
                "age": draw.integers(15, 90, customers),
                "signup": before(3_650, customers),
            }
        ),
        "orders": pd.DataFrame(
            {
                "id": np.arange(orders),
                "customer_id": draw.integers(0, customers, orders),
                "placed_at": before(1_000, orders),
                "status": choice(STATUSES, orders),
                "cents": draw.integers(100, 20_000, orders),
            }
        ),
    }


def schema_of(frames: dict[str, pd.DataFrame]) -> Schema:
    """What the definitions speak of."""
    return schema_from(
        frames,
        "customers",
        keys={"customers": "id", "orders": "id"},
        events={"orders": {"key": "customer_id", "at": "placed_at"}},
    )


def measures() -> list[str]:
    """The distinct aggregates, 24 of them."""
    found = []
    for days in WINDOWS:
        for status in STATUSES:
            rows = f'orders in last {days} days where status = "{status}"'
            found += [
                f"count({rows})",
                f'sum(orders.cents in last {days} days where status = "{status}")',
            ]
    return found


def catalog(schema: Schema, size: int) -> Catalog:
    """Segments of attributes and of one to three of the measures."""
    draw = random.Random(1)
    known = measures()
    segments = {}
    for number in range(size):
        countries = ", ".join(f'"{c}"' for c in sorted(draw.sample(COUNTRIES, 3)))
        parts = [f"country in ({countries})", f"age >= {draw.randrange(18, 60)}"]
        if draw.random() < 0.4:
            parts.append(f'tier = "{draw.choice(TIERS)}"')
        for measure in draw.sample(known, draw.randint(1, 3)):
            bound = (
                draw.randint(1, 3) if measure.startswith("count") else draw.randint(5, 300) * 100
            )
            parts.append(f"{measure} {draw.choice(['>=', '<'])} {bound}")
        name = f"segment_{number}"
        segments[name] = Segment.define(name, " and ".join(parts), schema)
    return Catalog(segments)


@frozen
class Contender:
    """A source; one segment alone in its best shape; the aggregates of all of them alone."""

    source: Source
    alone: Callable[[Segment], int]
    aggregates: Callable[[], object]


def of_frames(tables: dict[str, pd.DataFrame]) -> Contender:
    """Frames: one by one is a mask each."""
    return Contender(
        frames.Source(tables),
        lambda one: int(frames.mask(one, tables, as_of=AS_OF).sum()),
        partial(counted, tables),
    )


def counted(tables: dict[str, pd.DataFrame]) -> list[Any]:
    """The measures by hand, the way that is fastest: NumPy's weighted counts."""
    orders, size = tables["orders"], len(tables["customers"])
    owner, cents, at = (orders[c].to_numpy() for c in ("customer_id", "cents", "placed_at"))
    status = orders["status"].cat.codes.to_numpy()
    now, found = np.datetime64("2026-01-01", "s"), []
    for days in WINDOWS:
        recent = (at > now - np.timedelta64(days, "D")) & (at <= now)
        for code in range(len(STATUSES)):
            rows = np.flatnonzero(recent & (status == code))
            found.append(np.bincount(owner[rows], minlength=size))
            found.append(np.bincount(owner[rows], cents[rows], minlength=size))
    return found


def filtered() -> str:
    """The measures by hand, in SQL; one row is brought home."""
    columns = []
    for days in WINDOWS:
        since = f"{np.datetime64('2026-01-01') - days} 00:00:00"
        for status in STATUSES:
            where = f"FILTER (WHERE placed_at > '{since}' AND status = '{status}')"
            columns += [f"count(*) {where}", f"sum(cents) {where}"]
    named = ", ".join(f"{column} AS m{i}" for i, column in enumerate(columns))
    longest = f"{np.datetime64('2026-01-01') - max(WINDOWS)} 00:00:00"
    return (
        f"SELECT {', '.join(f'sum(m{i})' for i in range(len(columns)))} FROM (SELECT {named}"
        f" FROM orders WHERE placed_at > '{longest}' AND placed_at <= '2026-01-01 00:00:00'"
        " GROUP BY customer_id) AS measures"
    )


def of_database(tables: dict[str, pd.DataFrame], schema: Schema, engine: sa.Engine) -> Contender:
    """A database: one by one is a count of members each."""
    metadata = sql.tables_from(schema)
    texts = {
        name: frame.astype({c: str for c in frame if frame[c].dtype == "category"})
        for name, frame in tables.items()
    }
    databases.fill(engine, metadata, texts)
    source = sql.Source(engine, metadata.tables[schema.entity.table])

    def aggregates() -> object:
        with engine.connect() as connection:
            return connection.exec_driver_sql(filtered()).one()

    return Contender(source, lambda one: source.count(one, as_of=AS_OF), aggregates)


def seconds(run: Callable[[], object]) -> float:
    """How long something takes, of the processor: others may use the machine."""
    start = time.process_time()
    run()
    return time.process_time() - start


def measured(case: str, contender: Contender, asked: Catalog, rounds: int) -> Iterator[Row]:
    """All segments in one pass beside a sample of them one by one, scaled up."""
    sample = list(asked.items())[:: max(1, len(asked) // ALONE)][:ALONE]
    found = contender.source.sizes(asked, as_of=AS_OF)
    if any(found[name] != contender.alone(segment) for name, segment in sample):
        raise AssertionError(f"{case}: one pass and one by one differ")
    together, apart = [], []
    for _ in range(rounds):
        together.append(seconds(lambda: contender.source.evaluate(asked, as_of=AS_OF)))
        alone = seconds(lambda: [contender.alone(segment) for _, segment in sample])
        apart.append(alone * len(asked) / len(sample))
    ratios = sorted(a / b for a, b in zip(together, apart, strict=True))
    ratio = Ratio(ratios[0], statistics.median(ratios), ratios[-1])
    note = f"{1 / ratio.median:.0f} times as fast; one by one from {len(sample)} of them"
    medians = statistics.median(together), statistics.median(apart)
    yield Row(
        BENCHMARK, f"{case}, everyone", medians[0], "one by one", medians[1], ratio, None, note
    )
    counts, shared = [], []
    for _ in range(rounds):
        counts.append(seconds(lambda: contender.source.sizes(asked, as_of=AS_OF)))
        shared.append(seconds(contender.aggregates))
    taken = {"segmentkit": counts, "aggregates": shared}
    note = f"the {len(measures())} measures by hand"
    yield compared(BENCHMARK, f"{case}, sizes", taken, beside="aggregates", target=10, note=note)


def grown(case: str, contender: Contender, schema: Schema, rounds: int, few: int) -> Row:
    """The sizes of ten times as many segments beside those of few."""
    asked = {size: catalog(schema, size) for size in (few * 10, few)}
    found: dict[int, list[float]] = {size: [] for size in asked}
    for _ in range(rounds):
        for size, each in asked.items():
            found[size].append(seconds(partial(contender.source.sizes, each, as_of=AS_OF)))
    ratios = sorted(a / b for a, b in zip(*found.values(), strict=True))
    ratio = Ratio(ratios[0], statistics.median(ratios), ratios[-1])
    many, one = (statistics.median(each) for each in found.values())
    case = f"{case}, sizes of {few * 10:,}"
    return Row(BENCHMARK, case, many, f"sizes of {few:,}", one, ratio, 4.0)


def run(*, quick: bool, customers: int | None = None) -> Iterator[Row]:
    """Measure two hundred segments over customers and ten orders of each."""
    customers = customers or (CUSTOMERS // 100 if quick else CUSTOMERS)
    tables = population(customers, customers * EACH)
    schema = schema_of(tables)
    asked = catalog(schema, SEGMENTS // 10 if quick else SEGMENTS)
    rounds, few = (2, 5) if quick else (3, 100)
    yield from measured("pandas", of_frames(tables), asked, rounds)
    for name, title in (("duckdb", "DuckDB"), ("sqlite", "SQLite")):
        if name not in databases.reachable():
            continue
        with databases.opened(name) as engine:
            contender = of_database(tables, schema, engine)
            yield from measured(title, contender, asked, rounds)
            yield grown(title, contender, schema, rounds, few)
