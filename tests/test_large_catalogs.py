"""Catalogs of thousands of definitions: the work grows as their number does, and is done once."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import pytest

from segmentkit import (
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Catalog,
    Entity,
    Relation,
    Schema,
    Segment,
    decimal,
)
from segmentkit._record.compiler import Function

AS_OF = datetime(2026, 1, 1)
PEOPLE = Entity(
    "people",
    key="id",
    attributes=[
        Attribute("id", INTEGER),
        Attribute("age", INTEGER, nullable=True),
        Attribute("visits", INTEGER, nullable=True),
        Attribute("country", TEXT, nullable=True),
    ],
    relations=[Relation("orders", key="person", at="placed_at")],
)
ORDERS = Entity(
    "orders", attributes=[Attribute("amount", decimal(2)), Attribute("placed_at", TIMESTAMP)]
)
SCHEMA = Schema([PEOPLE, ORDERS])


def texts(count: int) -> dict[str, str]:
    """Definitions that are all different, of three tests each."""
    return {
        f"s{i}": f'age >= {i % 97} and country = "c{i}" and count(orders where amount > {i}) >= 1'
        for i in range(count)
    }


def file(definitions: dict[str, str]) -> str:
    """A catalog of segments."""
    entries = (f"[segments.{name}]\nwhere = '{text}'\n" for name, text in definitions.items())
    return "language = 1\n" + "".join(entries)


def entered(run: Callable[[], object]) -> int:
    """How many functions are entered, those of C included."""
    count = 0

    def note(frame: object, event: str, _: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def grows_as(make: Callable[[int], Callable[[], object]], sizes: Iterable[int]) -> list[float]:
    """How many times as much each size takes for one definition as the first."""
    each = [entered(make(size)) / size for size in sizes]
    return [one / each[0] for one in each]


def records() -> list[dict[str, Any]]:
    """People of all kinds, with and without orders."""
    draw = random.Random(1)
    found = []
    for number in range(60):
        orders = [
            {"amount": draw.randrange(300), "placed_at": datetime(2025, 1, 1 + draw.randrange(28))}
            for _ in range(draw.randrange(4))
        ]
        person = {"age": draw.choice([None, 7, 30, 70]), "visits": draw.choice([None, 0, 3])}
        country = draw.choice([None, *(f"c{i}" for i in range(9))])
        found.append({"id": number, **person, "country": country, "orders": orders})
    return found


def test_the_matcher_takes_time_by_the_number_of_definitions() -> None:
    """Of twice as many definitions, with as many aggregates, it does twice as much."""

    def make(size: int) -> Callable[[], object]:
        catalog = Catalog.loads(file(texts(size)), SCHEMA)
        return lambda: catalog.matcher(as_of=AS_OF)

    assert max(grows_as(make, (200, 400, 800))) < 1.1


def referring(count: int, draw: random.Random) -> dict[str, str]:
    """Definitions that refer to those before them in every way."""
    tests = [
        "age >= 18",
        "age < 65",
        "visits is missing",
        "visits > 1",
        'country in ("c1", "c2", "c3")',
        "count(orders where amount > 100) >= 1",
        "sum(orders.amount) > 200",
    ]
    found: dict[str, str] = {}
    for number in range(count):
        parts = draw.sample(tests, draw.randrange(1, 4))
        if number:
            for name in draw.sample(list(found), min(len(found), draw.randrange(3))):
                parts.append(draw.choice(["in segment", "not in segment"]) + f" {name}")
        draw.shuffle(parts)
        joint = draw.choice([" and ", " or "])
        text = joint.join(parts)
        if draw.random() < 0.4:
            text = f"({text}){draw.choice([' and ', ' or '])}{draw.choice(tests)}"
        found[f"s{number}"] = f"not ({text})" if draw.random() < 0.2 else text
    return found


@pytest.mark.parametrize("seed", range(12))
def test_answers_that_others_are_made_of_stay_the_same(seed: int) -> None:
    """What refers to other segments, near and far, has the members that it has alone."""
    catalog = Catalog.loads(file(referring(70, random.Random(seed))), SCHEMA)
    match = catalog.matcher(as_of=AS_OF)
    alone = {name: each.matcher(as_of=AS_OF) for name, each in catalog.items()}
    for record in records():
        assert match(record) == tuple(name for name, test in alone.items() if test(record))


def test_what_many_refer_to_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment of forty tests, to which a hundred refer, is forty tests in the matcher."""
    compiled: list[str] = []
    present = Function.present

    def counted(self: Function, test: str, /, **operands: Any) -> Any:
        compiled.append(test)
        return present(self, test, **operands)

    base = {"base": " and ".join(f'not (country contains "x{i}")' for i in range(40))}
    ways = ["in segment base", "not in segment base", "in segment base or in segment s0"]
    users = {f"s{i}": f"visits > {i} and ({ways[i % 3 if i else 0]})" for i in range(100)}
    catalog = Catalog.loads(file(base | users), SCHEMA)
    monkeypatch.setattr(Function, "present", counted)
    match = catalog.matcher(as_of=AS_OF)
    assert len(compiled) == 40 + 100
    assert match({"id": 1, "visits": 2, "country": "DK", "orders": []}) == ("base", "s0")


def test_a_reference_that_is_no_segment_of_the_catalog() -> None:
    """A catalog of segments that refer to others outside of it gives the same answers."""
    minor = Segment.define("minor", "age < 18 and age is present", SCHEMA)
    texts = {"a": "in segment minor and visits > 1", "b": "not in segment minor and visits > 1"}
    catalog = Catalog({n: Segment.define(n, t, SCHEMA, segments=[minor]) for n, t in texts.items()})
    for age, names in ((7, ("a",)), (30, ("b",)), (None, ("b",))):
        assert catalog.matches({"id": 1, "age": age, "visits": 2}, as_of=AS_OF) == names
