"""All targets agree, and sets obey their laws, over random schemas, definitions and data."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve
from hypothesis import assume, event, given, note
from hypothesis import strategies as st

from segmentkit import Segment, UnsupportedError, format_definition
from tests.property.strategies import Pool, World, definitions, worlds
from tests.targets import TARGETS, Target


def _members(target: Target, segment: Segment, world: World) -> list[Any] | None:
    """The sorted keys; None where the target refuses the construct by name."""
    try:
        return sorted(target.members(segment, world.rows, world.as_of))
    except UnsupportedError:
        event(f"refused by {target.name}")
        return None


@given(st.data())
def test_all_targets_have_the_same_members(data: st.DataObject) -> None:
    """A definition has the same members on every target."""
    world = data.draw(worlds())
    segment = Segment.define("s", data.draw(definitions(world)), world.schema)
    expected = _members(TARGETS[0], segment, world)
    event(
        "nobody"
        if not expected
        else "everybody"
        if len(expected) == len(world.rows["people"])
        else "some"
    )
    for target in TARGETS[1:]:
        found = _members(target, segment, world)
        note(f"{target.name}: {found}, before: {expected}")
        # One record knows nothing of the others, so then the next target is what is compared with.
        expected = found if expected is None else expected
        assert found is None or found == expected, segment.definition


@given(st.data())
def test_set_laws_hold_on_every_target(data: st.DataObject) -> None:
    """Union, intersection, difference and complement of segments are those of their members."""
    world = data.draw(worlds())
    a = Segment.define("a", data.draw(definitions(world)), world.schema)
    b = Segment.define("b", data.draw(definitions(world)), world.schema)
    everyone = {row["id"] for row in world.rows["people"]}
    for target in TARGETS:
        found = [
            _members(target, s, world) for s in (a, b, a & b, a | b, a - b, a ^ b, ~a, ~(a | b))
        ]
        if None in found:
            continue
        in_a, in_b, both, either, only_a, one, not_a, neither = (set(f or ()) for f in found)
        assert both == in_a & in_b
        assert either == in_a | in_b
        assert only_a == in_a - in_b
        assert one == in_a ^ in_b
        assert not_a == everyone - in_a
        assert neither == not_a - in_b


@given(st.data())
def test_format_and_parse_are_inverse(data: st.DataObject) -> None:
    """Canonical text means the same, and formatting it again changes nothing."""
    world = data.draw(worlds())
    text = data.draw(definitions(world))
    segment = Segment.define("s", text, world.schema)
    assert Segment.define("s", segment.definition, world.schema) == segment
    assert format_definition(segment.definition) == segment.definition


@given(st.data())
def test_whoever_is_certain_stays(data: st.DataObject) -> None:
    """Filling gaps in attributes changes the answer only of those who are uncertain."""
    world = data.draw(worlds())
    text = data.draw(definitions(world))
    # These ask for gaps themselves, or look at the person's gaps from within a row.
    assume(
        not any(word in text for word in ("missing", "present", "default(", "people.", "first("))
        # Other people's gaps change who is ranked.
        and not any(word in text for word in (" by ", " among "))
    )
    segment = Segment.define("s", text, world.schema)
    record = TARGETS[0]
    before = set(_members(record, segment, world) or [])
    uncertain = set(_members(record, segment.uncertain(), world) or [])
    pool = Pool(world.as_of, ZoneInfo(world.schema.time_zone))
    filled = [
        {
            a.column: data.draw(st.sampled_from(pool.of(a.dtype)))
            if a.name != "id" and row[a.column] is None
            else row[a.column]
            for a in world.schema.entity.attributes
        }
        | {"shop_id": row["shop_id"]}
        for row in world.rows["people"]
    ]
    after = set(
        _members(record, segment, evolve(world, rows={**world.rows, "people": filled})) or []
    )
    assert (before ^ after) <= uncertain
