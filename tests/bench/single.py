"""One record at a time, beside a function that one would write by hand."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from attrs import evolve
from conditions import TEN, records, schema
from timing import Row, compared, rounds

from segmentkit import Segment

BENCHMARK = "one record"
PEER = "lambda"
ROUNDS = 200

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


def count(test: Test, people: list[dict[str, Any]]) -> int:
    """How many are in."""
    return sum(map(test, people))


def run(*, quick: bool) -> Iterator[Row]:
    """Measure a thousand records a round: any, and those who are in and so pass every test."""
    test = Segment.define("ten", TEN, schema(nullable=True)).matcher()
    many = records(2_000 if quick else 100_000, gaps=0.05)
    inside = [record for record in many if by_hand(record)]
    if list(map(test, many)) != list(map(by_hand, many)) or not inside:
        raise AssertionError("the two do not agree")
    for case, chosen in (("records, few in", many[:1_000]), ("records, all in", inside[:1_000])):
        contenders = {
            "segmentkit": partial(count, test, chosen),
            PEER: partial(count, by_hand, chosen),
        }
        seconds = rounds(contenders, 3 if quick else ROUNDS)
        rates = [len(chosen) / statistics.median(seconds[name]) for name in contenders]
        note = "{:,.0f} and {:,.0f} thousand a second".format(*(rate / 1_000 for rate in rates))
        row = compared(BENCHMARK, case, seconds, beside=PEER, note=note)
        yield evolve(row, case=f"{len(chosen):,} {case}")
