"""What must be true of what changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentkit import Partition, SchemaError, Segment
from segmentkit import pandas as skp
from segmentkit._calendar import local, to_utc
from segmentkit._checking.context import Checked
from segmentkit._planning.snapshot import seen_until
from segmentkit.analysis import CAUSES, changes, history, movement
from tests.analysis.frames import EMPTY, FRAMES, NOON, SHOP, SOURCES, segment
from tests.analysis.test_understanding import shown
from tests.conformance_cases import records
from tests.property.strategies import definitions, peopled_worlds
from tests.property.worlds import instants

MARCH = datetime(2026, 3, 15, tzinfo=UTC)
EASTER = datetime(2026, 4, 10, tzinfo=UTC)


@pytest.fixture(params=list(SOURCES))
def kind(request):
    """What kind of source is asked."""
    return request.param


def causes(found):
    return {cause.name: (cause.entered, cause.left) for cause in found.causes}


@pytest.mark.parametrize(
    ("text", "since", "expected"),
    [
        # Orders of April came: customers 1, 2 and 3.
        ("any(orders in last 90 days)", MARCH, {"events": (3, 0)}),
        # Nothing happened to those whose last order grew old.
        ("any(orders in last 25 days)", datetime(2026, 4, 5, tzinfo=UTC), {"clock": (0, 2)}),
        # Someone's birthday in the data: joined is a date.
        ("joined < 2 days ago", datetime(2026, 4, 30, 12, tzinfo=UTC), {"clock": (0, 0)}),
        ("none(orders)", MARCH, {"events": (0, 2)}),
        ("count(orders) <= 1", MARCH, {"events": (0, 2)}),
        ("id > 3", MARCH, {}),
    ],
)
def test_what_made_them_enter_and_leave(kind, text, since, expected):
    """Each who enters or leaves is told by the one thing that made them."""
    found = changes(segment(text), SOURCES[kind], since=since, as_of=NOON)
    nothing = dict.fromkeys(["clock", "events", "definition"], (0, 0))
    assert causes(found) == {**nothing, **expected}
    assert found.after == found.before + len(found.entered) - len(found.left)
    assert found.stayed == found.before - len(found.left)
    shown(found)


def test_a_new_definition_is_a_cause(kind):
    """Two versions of a definition: whom only the new one holds, or only the old one held."""
    found = changes(
        segment("age >= 40"), SOURCES[kind], since=NOON, as_of=NOON, earlier=segment("age <= 40")
    )
    assert causes(found)["definition"] == (1, 2)
    assert sorted(found.left.index) == [1, 3]
    assert set(found.left) == {"definition"}


def test_kept_members_tell_of_changed_attributes(kind):
    """What a source said at the time, kept, tells that attributes have changed since."""
    moved = FRAMES["customers"].assign(country=["DK", "SE", "DK", None, "DK", "SE"])
    kept = skp.Source({**FRAMES, "customers": moved}).members(
        segment('country = "DK"'), as_of=MARCH
    )
    found = changes(segment('country = "DK"'), SOURCES[kind], since=MARCH, as_of=NOON, members=kept)
    assert causes(found)["data"] == (1, 1)
    assert (list(found.entered.index), list(found.left.index)) == ([2], [3])
    assert CAUSES["data"] in shown(found)


def test_changes_that_cannot_be_asked():
    """Instants in the wrong order and other schemas are errors; of nobody there are no changes."""
    with pytest.raises(ValueError, match="is after"):
        changes(segment("id > 3"), SOURCES["pandas"], since=NOON, as_of=MARCH)
    elsewhere = Segment.define(None, "id > 3", evolve(SHOP, time_zone="Europe/Kyiv"))
    with pytest.raises(SchemaError):
        changes(segment("id > 3"), SOURCES["pandas"], since=MARCH, earlier=elsewhere)
    found = changes(segment("any(orders)"), EMPTY["sqlite"], since=MARCH, as_of=NOON)
    assert "nobody was in it" in shown(found)


@settings(max_examples=60)
@given(st.data())
def test_rows_seen_until_an_instant_are_rows_up_to_it(data):
    """Limiting a definition to an instant is the same as taking away all later rows."""
    world = data.draw(peopled_worlds())
    edges = [each for each in instants(world.as_of, world.schema.zone) if each < world.as_of]
    then = data.draw(st.sampled_from(edges))
    for text in data.draw(st.lists(definitions(world), min_size=4, max_size=8)):
        asked = world.define(text)
        written = " ".join([asked.definition, *map(str, asked.references.values())])
        if any(word in written for word in (" by ", " among ", "ntile(")):
            continue
        condition = seen_until(asked._checked.condition, asked.schema, then)
        limited = evolve(asked, checked=Checked(condition))
        for record in records(world.schema, world.rows):
            earlier = without_later(record, world.schema, world.schema.entity, then)
            expected = asked.matches(earlier, as_of=world.as_of)
            assert limited.matches(record, as_of=world.as_of) is expected


def without_later(record, schema, entity, then):
    """A record without rows that are later than an instant."""
    found = dict(record)
    for relation in entity.relations:
        inner, at = schema.named(relation.to), relation.at
        rows = record.get(relation.name) or ()
        time = inner.attribute(at) if at else None
        seen = [row for row in rows if at is None or _is_seen(time, row.get(at), schema, then)]
        found[relation.name] = [without_later(row, schema, inner, then) for row in seen]
    return found


def _is_seen(attribute, at, schema, then):
    if at is not None and attribute.form is not None:
        at = attribute.form.read(at)
    match at:
        case None:
            return False
        case datetime():
            return to_utc(at, UTC) <= then
        case _:
            return at <= local(then, schema.zone).date()


# -- over time and between parts ----------------------------------------------------------------


def test_sizes_over_time(kind):
    """Each instant has its sizes, in order, however they were given."""
    segments = {"recent": segment("any(orders in last 30 days)"), "all": segment("true")}
    found = history(segments, SOURCES[kind], [NOON, MARCH, EASTER])
    assert found.frame["recent"].tolist() == [0, 3, 2]
    assert found.frame["as_of"].is_monotonic_increasing
    assert "recent: +2" in shown(found)
    shown(history(segments, EMPTY[kind], [NOON]))
    with pytest.raises(ValueError, match="at least one instant"):
        history(segments, SOURCES[kind], [])


def test_movement_between_parts(kind):
    """Everybody moves once, from a part to a part; rows are those of then, columns of now."""
    often = segment("count(orders) >= 2").named("often")
    once = segment("any(orders)").named("once")
    parts = Partition.define("how often", [often, once], rest="never")
    found = movement(parts, SOURCES[kind], since=MARCH, as_of=NOON)
    assert found.matrix.to_numpy().tolist() == [[0, 0, 0], [1, 1, 0], [1, 1, 2]]
    assert found.matrix.loc["never", "often"] == 1
    assert "3 stayed where they were, 3 moved" in shown(found)
    assert isinstance(found.frame, pd.DataFrame)
    assert "nobody to move" in shown(movement(parts, EMPTY[kind], since=MARCH, as_of=NOON))
