"""Every analysis must ask about the very instant that it is asked about, in any time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from segmentkit import (
    INTEGER,
    TIMESTAMP,
    Attribute,
    Entity,
    Partition,
    Relation,
    Schema,
    Segment,
    Trait,
    analysis,
)
from segmentkit import pandas as skp
from segmentkit.analysis import Rfm

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ATTRIBUTES = [Attribute("id", INTEGER), Attribute("seen", TIMESTAMP)]
# Two people were seen before noon, and two after it; each bought when they were seen.
SEEN = [NOON + timedelta(hours=hours) for hours in (-1, -1, 1, 13)]
PEOPLE = pd.DataFrame({"id": range(4), "seen": pd.to_datetime(SEEN)})
ORDERS = pd.DataFrame({"person": range(4), "at": pd.to_datetime(SEEN)})
SOURCE = skp.Source({"people": PEOPLE, "orders": ORDERS})


def asked(zone):
    """The schema in a zone, and those who had been seen, or had bought."""
    entity = Entity("people", key="id", attributes=ATTRIBUTES, relations=[
        Relation("orders", key="person", at="at")
    ])  # fmt: skip
    orders = Entity("orders", attributes=[Attribute("at", TIMESTAMP)])
    schema = Schema([entity, orders], time_zone=zone)
    return schema, Segment.define("had bought", "seen <= now and any(orders)", schema)


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Asia/Tokyo"])
def test_the_instant_is_the_same_in_every_zone(zone):
    """Two had bought by noon in UTC, whatever the zone in which the schema counts its days."""
    schema, had = asked(zone)
    orders = Trait.define("bought", "count(orders)", schema)
    parts = Partition.define("parts", [had], rest="others")
    told = {"as_of": NOON}
    assert analysis.attrition(had, SOURCE, **told).size == 2
    assert analysis.gaps(had, SOURCE, **told).size == 2
    assert analysis.coverage(schema, SOURCE, **told).known[-1].present == 2
    assert analysis.overlap([had], SOURCE, **told).sizes == {"had bought": 2}
    assert analysis.explain(had, SOURCE, 0, **told).holds
    assert not analysis.explain(had, SOURCE, 2, **told).holds
    (sizes,) = analysis.history([had], SOURCE, [NOON]).sizes.items()
    assert sizes == (NOON, {"had bought": 2})
    moved = analysis.movement(parts, SOURCE, since=NOON - timedelta(hours=2), **told)
    assert moved.matrix.loc["others"].tolist() == [2, 2]
    changed = analysis.changes(had, SOURCE, since=NOON - timedelta(hours=2), **told)
    assert (changed.before, changed.after, changed.as_of) == (0, 2, NOON)
    rules = Rfm.define(
        schema, recency="last(orders.at)", frequency="count(orders)", monetary="count(orders)"
    )
    assert analysis.grid(rules, SOURCE, **told).scored == 2
    profiled = analysis.profile(had, SOURCE, traits=[orders], **told)
    assert (profiled.size, profiled.as_of) == (2, NOON)
    assert profiled.differences[0].members == 1
    assert [part.total for part in analysis.compare(parts, orders, SOURCE, **told).parts] == [2, 0]
    assessed = analysis.assess(had, SOURCE, metric=orders, **told)
    assert (assessed.size, assessed.sizes[NOON]) == (2, 2)
