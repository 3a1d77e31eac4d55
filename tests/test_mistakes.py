"""Mistakes that people make: the first hint, followed to the letter, leads to what was meant."""

from __future__ import annotations

import re
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
FOR_NOBODY = ("SK204", "SK208", "SK209", "SK210", "SK212")


def define(text: str) -> Segment:
    return Segment.define(None, text, SHOP, segments=[LOYAL])


def steps(text: str) -> Iterator[str]:
    """The text after each hint that was followed: of mistakes, and of what is true of nobody."""
    written = text
    for _ in range(STEPS):
        try:
            found = define(text).warnings
            if text != written:
                found = tuple(each for each in found if each.code in FOR_NOBODY)
        except DefinitionError as error:
            found = error.diagnostics
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


FOLLOWED = [
    ("newsletter and ({})", "newsletter and ({})"),
    ("newsletter or {}", "newsletter or ({})"),
]


@pytest.mark.parametrize(("around", "meant"), FOLLOWED)
def test_a_mistake_beside_another_test(around: str, meant: str) -> None:
    """So it is where the mistake is a part of a definition; and nothing else becomes of the rest."""
    rows = [row for kind in KINDS[:3] + KINDS[8:] for row in kind["rows"] if row[1]]
    rows = [
        row
        for row in rows
        if not re.search(r"\b(?:or|all|both|either)\b|^\w+ (?:where|with|who)", row[0])
    ]
    found = [reached(around.format(written)) for written, _ in rows]
    right = [is_right(f, meant.format(m)) for f, (_, m) in zip(found, rows, strict=True)]
    wrong = [w for (w, _), f, r in zip(rows, found, right, strict=True) if f is not None and not r]
    assert wrong == []
    assert sum(right) >= AT_LEAST * len(rows)


@pytest.mark.parametrize(
    "written",
    ["age > \x1b[31m18", 'name = "\x1b[2J" or aeg > 3', "\u202eegа > 18", "a\u200fge > 1"],
)
def test_no_message_steers_a_terminal(written: str) -> None:
    """Control characters, and signs that turn the direction, are shown by another sign."""
    with pytest.raises(DefinitionError) as caught:
        define(written)
    assert not re.search("[\x00-\x09\x0b-\x1f\u200f\u202a-\u202e]", str(caught.value))


def test_a_message_shows_one_value_of_many() -> None:
    """A list that is bound to a parameter of one value is not printed."""
    with pytest.raises(DefinitionError) as caught:
        define("email = :mail").bind(mail=["ann@example.com", "bo@example.com"])
    assert "bo@example.com" not in str(caught.value)


@pytest.mark.parametrize(
    ("definition", "codes"),
    [
        ('"country" = "DK"', ["SK204"]),
        ("age = age", ["SK205"]),
        ('country = "DК"', ["SK210"]),
        ('country in ("DK", "N\u200bO")', ["SK208"]),
        ('country = "DK "', ["SK209"]),
        ('name contains " a"', []),
        ('city = "Київ" or city = "Αθήνα" or city = "Łódź"', []),
        ('name matches " a"', []),
        ('status = "active"', []),
    ],
)
def test_warnings_of_what_holds_for_nobody(definition: str, codes: list[str]) -> None:
    """Constants, a value beside itself, and texts that equal nothing which looks the same warn."""
    assert [warning.code for warning in define(definition).warnings] == codes
