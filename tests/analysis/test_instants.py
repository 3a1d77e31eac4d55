"""What must be true of the instant that analyses ask about."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from attrs import evolve

from segmentkit import Catalog, Partition, Segment, Trait, analysis
from segmentkit import pandas as skp
from tests.analysis.frames import FRAMES, NOON, SHOP

ZONES = ["America/New_York", "Asia/Tokyo"]
SOON, LATER = pd.Timestamp("2026-05-01 12:00"), pd.Timestamp("2026-05-01 12:01")
"""An order that is seen at noon, and one that is not: a zone's offset from it would show."""
ORDERS = FRAMES["orders"].iloc[:2].assign(customer_id=[5, 6], placed_at=[SOON, LATER])
SOURCE = skp.Source(FRAMES | {"orders": ORDERS})
BEFORE = datetime(2026, 5, 1, 11, 59, tzinfo=ZoneInfo("UTC"))


def _since(zone, text="any(orders in last 1 hour)"):
    return Segment.define("fresh", text, evolve(SHOP, time_zone=zone))


QUESTIONS = {
    "attrition": lambda s, at: analysis.attrition(s, SOURCE, as_of=at).size,
    "gaps": lambda s, at: analysis.gaps(s, SOURCE, as_of=at).size,
    "coverage": lambda s, at: analysis.coverage(s.schema, SOURCE, as_of=at).known[-2].present,
    "overlap": lambda s, at: analysis.overlap([s], SOURCE, as_of=at).sizes["fresh"],
    "pairs": lambda s, at: analysis.overlap([s], SOURCE, as_of=at, pairs_only=True).sizes["fresh"],
    "explain": lambda s, at: sum(
        analysis.explain(s, SOURCE, key, as_of=at).holds for key in range(1, 7)
    ),
    "changes": lambda s, at: len(analysis.changes(s, SOURCE, since=BEFORE, as_of=at).entered),
    "history": lambda s, at: next(iter(analysis.history([s], SOURCE, [at]).sizes.values()))[
        "fresh"
    ],
    "movement": lambda s, at: analysis.movement(
        Partition.define("parts", [s], rest="others"), SOURCE, since=BEFORE, as_of=at
    ).matrix.loc["others", "fresh"],
    "discover": lambda s, at: round(
        6 * analysis.discover(s, SOURCE, of=["age"], as_of=at, holdout=0).base.value
    ),
    "profile": lambda s, at: analysis.profile(s, SOURCE, of=["age"], as_of=at).size,
    "compare": lambda s, at: (
        analysis.compare(
            Partition.define("parts", [s], rest="others"),
            Trait.define("years", "age", s.schema),
            SOURCE,
            as_of=at,
        )
        .parts[0]
        .size
    ),
    "assess": lambda s, at: list(
        analysis.assess(
            s, SOURCE, metric=Trait.define("years", "age", s.schema), as_of=at
        ).sizes.values()
    )[-1],
    "report": lambda s, at: (
        analysis.report(Catalog({"fresh": s}), SOURCE, as_of=at).chapters[0].size
    ),
}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_instant_is_the_callers(zone, question):
    """A zone of the schema's moves no instant that has a zone, and is that of one without."""
    segment = _since(zone)
    clock = NOON.astimezone(ZoneInfo(zone))
    for same in (NOON, clock, clock.replace(tzinfo=None)):
        assert QUESTIONS[question](segment, same) == 1


@pytest.mark.parametrize("zone", ZONES)
def test_a_grid_is_of_the_callers_instant(zone):
    """The scores of recency are as of the instant that was given."""
    rules = analysis.Rfm.define(
        evolve(SHOP, time_zone=zone),
        recency="last(orders.placed_at)",
        frequency="count(orders)",
        monetary="sum(orders.amount)",
        recency_days=[4, 3, 2, 1],
        frequency_from=[2, 3, 4, 5],
    )
    assert analysis.grid(rules, SOURCE, as_of=NOON).scored == 1


def test_a_day_begins_in_the_schemas_zone():
    """A date is its first instant there, for an analysis as for its source."""
    segment = _since("Asia/Tokyo", "any(orders in last 1 day)")
    assert SOURCE.sizes([segment], as_of=date(2026, 5, 2))["fresh"] == 2
    assert analysis.attrition(segment, SOURCE, as_of=date(2026, 5, 2)).size == 2
    assert analysis.attrition(segment, SOURCE, as_of=date(2026, 5, 1)).size == 0
