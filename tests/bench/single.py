"""One record at a time, beside a function that one would write by hand and other engines."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import rule_engine
import zen
from attrs import evolve
from conditions import TEN, records, schema
from timing import Row, compared, rounds

from segmentkit import Catalog, Segment

BENCHMARK = "one record"
PEER = "lambda"
ROUNDS = 200
SLOW = 40
"""Of other engines fewer rounds are run: they take longer."""

# The least speed that is promised, as a ratio of times.
TARGETS = {"lambda": 1 / 0.65, "rule-engine": 1 / 50, "zen-engine": 1 / 3}

Test = Callable[[dict[str, Any]], bool]

by_hand: Test = lambda r: (  # noqa: E731 - this is what it is
    (age := r.get("age")) is not None
    and 18 <= age < 65
    and r.get("country") in {"DK", "NO", "SE"}
    and r.get("plan") != "free"
    and not ((visits := r.get("visits")) is not None and visits < 3)
    and (((score := r.get("score")) is not None and score > 2.5) or r.get("city") == "Lviv")
    and (spend := r.get("spend")) is not None
    and spend <= 900.5
    and r.get("channel") == "web"
    and r.get("city") not in {"Oslo", "Bergen"}
)
"""The ten conditions, safe where something is missing."""

IN_RULE_ENGINE = """
    age != null and age >= 18 and age < 65 and (country in ["DK", "NO", "SE"]) and plan != "free"
    and not (visits != null and visits < 3)
    and ((score != null and score > 2.5) or city == "Lviv")
    and spend != null and spend <= 900.5 and channel == "web" and not (city in ["Oslo", "Bergen"])
"""
IN_ZEN = (
    'age != null and age >= 18 and age < 65 and country in ["DK", "NO", "SE"] and plan != "free"'
    " and not (visits != null and visits < 3)"
    ' and ((score != null and score > 2.5) or city == "Lviv")'
    ' and spend != null and spend <= 900.5 and channel == "web"'
    ' and not (city in ["Oslo", "Bergen"])'
)


def peers() -> dict[str, Test]:
    """The same conditions in other engines, compiled once."""
    compiled = zen.compile_expression(IN_ZEN)
    rule = rule_engine.Rule(IN_RULE_ENGINE)
    return {"rule-engine": rule.matches, "zen-engine": lambda r: bool(compiled.evaluate(r))}


def count(test: Test, people: list[dict[str, Any]]) -> int:
    """How many are in."""
    return sum(map(test, people))


def run(*, quick: bool) -> Iterator[Row]:
    """Measure a thousand records a round: any, and those who are in and so pass every test."""
    test = Segment.define("ten", TEN, schema(nullable=True)).matcher()
    many = records(2_000 if quick else 100_000, gaps=0.05)
    inside = [record for record in many if by_hand(record)]
    everyone = {PEER: by_hand, **peers()}
    for name, peer in everyone.items():
        asked = many if name == PEER else many[:2_000]
        if list(map(test, asked)) != list(map(peer, asked)) or not inside:
            raise AssertionError(f"{name} and segmentkit do not agree")
    for case, chosen in (("records, few in", many[:1_000]), ("records, all in", inside[:1_000])):
        for name, peer in everyone.items():
            contenders = {
                "segmentkit": partial(count, test, chosen),
                name: partial(count, peer, chosen),
            }
            seconds = rounds(contenders, 3 if quick else ROUNDS if name == PEER else SLOW)
            rates = [len(chosen) / statistics.median(seconds[each]) for each in contenders]
            note = "{:,.0f} and {:,.0f} thousand a second".format(*(rate / 1_000 for rate in rates))
            target = TARGETS[name]
            row = compared(BENCHMARK, case, seconds, beside=name, target=target, note=note)
            yield evolve(row, case=f"{len(chosen):,} {case}")
    yield together(many[:1_000], quick=quick)


def together(people: list[dict[str, Any]], *, quick: bool) -> Row:
    """A hundred segments of one record: in one function, and each by its own."""
    of = schema(nullable=True)
    texts = [TEN.replace("18", f"{10 + i}").replace("900.5", f"{900 - i}.5") for i in range(100)]
    catalog = Catalog({f"s{i}": Segment.define(f"s{i}", text, of) for i, text in enumerate(texts)})
    matches = catalog.matcher()
    each = [(name, segment.matcher()) for name, segment in catalog.items()]

    def one_by_one(record: dict[str, Any]) -> tuple[str, ...]:
        return tuple([name for name, test in each if test(record)])

    if list(map(matches, people)) != list(map(one_by_one, people)):
        raise AssertionError("together and one by one do not agree")
    contenders = {
        "segmentkit": lambda: list(map(matches, people)),
        "one by one": lambda: list(map(one_by_one, people)),
    }
    seconds = rounds(contenders, 3 if quick else SLOW)
    return compared(BENCHMARK, "Catalog.matches, 100 segments", seconds, beside="one by one")
