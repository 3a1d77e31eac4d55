"""Mistakes that people make: the first hint, followed to the letter, leads to what was meant."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    Attribute,
    Channel,
    DefinitionError,
    Document,
    Entity,
    Link,
    Relation,
    Schema,
    Segment,
    decimal,
)
from segmentkit._planning import ir
from segmentkit._planning.normalize import normalize

NOON = datetime(2026, 5, 1, 12)

SHOP = Schema(
    [
        Entity(
            "customers",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("name", TEXT),
                Attribute("email", TEXT, True),
                Attribute("country", TEXT, True),
                Attribute("city", TEXT, True),
                Attribute("status", TEXT, values=("active", "paused", "closed")),
                Attribute("plan", TEXT, True),
                Attribute("age", INTEGER, True),
                Attribute("score", FLOAT, True),
                Attribute("balance", decimal(2), True),
                Attribute("birth_date", DATE, True),
                Attribute("signed_up", TIMESTAMP),
                Attribute("last_login", TIMESTAMP, True),
                Attribute("vip", BOOLEAN),
                Attribute("newsletter", BOOLEAN),
                Attribute("tags", TEXTS),
            ],
            documents=[Document("properties", {"theme": TEXT, "seats": INTEGER})],
            links=[Link("company", to="companies", key="company_id")],
            relations=[
                Relation("orders", key="customer_id", at="placed_at"),
                Relation("visits", key="customer_id", at="at"),
                Relation("tickets", key="customer_id"),
            ],
        ),
        Entity("companies", key="id", attributes=[Attribute("industry", TEXT)]),
        Entity(
            "orders",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("amount", decimal(2), True),
                Attribute("status", TEXT, values=("paid", "open", "cancelled")),
                Attribute("placed_at", TIMESTAMP),
                Attribute("product", TEXT),
                Attribute("category", TEXT),
            ],
        ),
        Entity("visits", attributes=[Attribute("at", TIMESTAMP), Attribute("page", TEXT)]),
        Entity("tickets", attributes=[Attribute("stars", INTEGER)]),
    ],
    channels=[Channel("email", address="email", consent="newsletter")],
)
LOYAL = Segment.define("loyal", "count(orders) >= 5", SHOP)
KINDS = tomllib.loads(Path(__file__).with_name("mistakes.toml").read_text(encoding="utf-8"))["kind"]
STEPS = 8
AT_LEAST = 0.8


def define(text: str) -> Segment:
    return Segment.define(None, text, SHOP, segments=[LOYAL])


def steps(text: str) -> Iterator[str]:
    """The text after each hint that was followed: of mistakes, and then of the first warning."""
    warned = False
    for _ in range(STEPS):
        try:
            segment = define(text)
            found = () if warned else segment.warnings
            warned = True
        except DefinitionError as error:
            found = error.diagnostics
            warned = True
        fix = found[0].fix if found else None
        if fix is None:
            return
        text = fix.apply(text)
        yield text


def reached(written: str) -> Segment | None:
    """The definition that the hints lead to; None if they lead to none."""
    *_, last = (written, *steps(written))
    try:
        return define(last) if last != written else None
    except DefinitionError:
        return None


def meaning(segment: Segment) -> ir.Condition:
    """What a definition means at one instant: the same for all that say the same."""
    return normalize(segment._checked.condition, NOON, UTC)


def is_right(found: Segment | None, meant: str) -> bool:
    """Whether a definition is the one that was meant."""
    return bool(meant) and found is not None and meaning(found) == meaning(define(meant))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
def test_no_hint_leads_to_another_meaning(kind: dict[str, list[tuple[str, str]]]) -> None:
    """What the hints lead to is what was meant, or nothing."""
    wrong = {
        written: found.definition
        for written, meant in kind["rows"]
        if (found := reached(written)) is not None and not is_right(found, meant)
    }
    assert wrong == {}


def test_the_hints_lead_to_what_was_meant() -> None:
    """Of the mistakes with one meaning, the hints mend at least four of five."""
    rows = [(written, meant) for kind in KINDS for written, meant in kind["rows"] if meant]
    right = [written for written, meant in rows if is_right(reached(written), meant)]
    assert len(right) >= AT_LEAST * len(rows)
