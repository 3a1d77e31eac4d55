"""In one pass, segments have the members that each has alone, over random worlds."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segmentkit import Segment
from segmentkit.source import Evaluation, Source
from tests.property.checks import Checker, Refused, has_more_digits
from tests.property.strategies import definitions, peopled_worlds
from tests.targets import TARGETS, Target

SOURCES = [target for target in TARGETS if target.source]
# A world is asked for dozens of answers of each target.
SOME = settings(max_examples=settings().max_examples // 15)


def _alone(checker: Checker, target: Target, segments: dict[str, Segment]) -> dict[str, Any]:
    """What each segment's members are when nothing else is asked, or that it is refused."""
    found = {name: checker.answer(target, segment) for name, segment in segments.items()}
    errors = {name: answer for name, answer in found.items() if isinstance(answer, str)}
    assert not errors, (target.name, errors)
    return found


@SOME
@given(st.data())
def test_one_pass_answers_as_one_by_one(data: st.DataObject) -> None:
    """Members, sizes, pairs, counts and single persons are the same in one pass and alone."""
    world = data.draw(peopled_worlds())
    texts = data.draw(st.lists(definitions(world), min_size=2, max_size=8, unique=True))
    segments = {f"s{i}": world.define(text) for i, text in enumerate(texts)}
    # What two segments share, and what they do not, is shared by a third.
    segments["both"] = segments["s0"] & ~segments["s1"]
    assume(not any(has_more_digits(segment, world) for segment in segments.values()))
    checker = Checker(world, SOURCES)
    key = world.schema.entity.key
    people = sorted(row[key] for row in world.rows[world.schema.entity.table])
    person = data.draw(st.sampled_from(people)) if people else None
    for target in checker.targets:
        alone = _alone(checker, target, segments)
        refused = {name for name, answer in alone.items() if isinstance(answer, Refused)}
        assert target.source is not None
        with target.source(world.schema, world.rows) as source:
            found = source.evaluate(segments, as_of=world.as_of, skip_broken=True)
            assert set(found.broken) == refused
            assert sorted(found.population) == people
            members = {name: sorted(found[name]) for name in found}
            assert members == {n: a for n, a in alone.items() if n not in refused}, target.name
            _same_counts(source, found, segments, world.as_of)
            for name in list(found)[:2]:
                one = source.members(segments[name], as_of=world.as_of)
                assert sorted(one) == alone[name], (target.name, texts)
                if person is not None:
                    holds = source.contains(segments[name], person, as_of=world.as_of)
                    assert holds == (person in alone[name]), (target.name, texts)


def _same_counts(source: Source, found: Evaluation, asked: dict[str, Segment], as_of: Any) -> None:
    sizes = source.sizes(asked, as_of=as_of, skip_broken=True)
    assert dict(sizes) == dict(found.sizes())
    assert sizes.population == len(found.population)
    overlap = source.overlap(asked, as_of=as_of, skip_broken=True)
    pd.testing.assert_frame_equal(overlap, found.overlap())
