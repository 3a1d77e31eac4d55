"""Ten conditions of several kinds, and customers to ask them of: what the benchmarks share."""

from __future__ import annotations

import random
from typing import Any

from segmentkit import FLOAT, INTEGER, TEXT, Attribute, Entity, Schema

CITIES = ("Aarhus", "Bergen", "Gdynia", "Lviv", "Oslo")
COUNTRIES = ("DK", "NO", "PL", "SE", "UA")
PLANS = ("free", "plus", "pro")
CHANNELS = ("app", "shop", "web")

KINDS = {
    "age": INTEGER,
    "country": TEXT,
    "plan": TEXT,
    "visits": INTEGER,
    "score": FLOAT,
    "city": TEXT,
    "spend": FLOAT,
    "channel": TEXT,
}
"""The attributes of a customer."""

TEN = (
    "age >= 18 and age < 65"
    ' and country in ("DK", "NO", "SE")'
    ' and plan != "free"'
    " and not (visits < 3)"
    ' and (score > 2.5 or city = "Lviv")'
    " and spend <= 900.5"
    ' and channel = "web"'
    ' and not (city in ("Oslo", "Bergen"))'
)
"""Numbers, texts, sets, ``or``, ``not`` and ``!=``."""


def schema(*, nullable: bool) -> Schema:
    """Customers, with or without gaps."""
    attributes = [Attribute(name, dtype, nullable) for name, dtype in KINDS.items()]
    customers = Entity("customers", key="id", attributes=[Attribute("id", INTEGER), *attributes])
    return Schema([customers])


def records(count: int, *, gaps: float = 0.0) -> list[dict[str, Any]]:
    """Customers, of whose attributes a share is missing."""
    chance = random.Random(7)
    found: list[dict[str, Any]] = []
    for number in range(count):
        record = {
            "age": chance.randint(10, 80),
            "country": chance.choice(COUNTRIES),
            "plan": chance.choice(PLANS),
            "visits": chance.randint(0, 30),
            "score": chance.randint(0, 10) / 2,
            "city": chance.choice(CITIES),
            "spend": float(chance.randint(0, 1_000)),
            "channel": chance.choice(CHANNELS),
        }
        missing = {name: None for name in record if chance.random() < gaps}
        found.append({"id": number, **record, **missing})
    return found
