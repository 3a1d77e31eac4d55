"""Many segments in one pass beside the same segments one by one."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pandas as pd

from segmentkit import Catalog, Schema, Segment
from segmentkit.pandas import schema_from

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
