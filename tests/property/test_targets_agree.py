"""All targets agree, and sets obey their laws, over random schemas, definitions and data.

The first test is the fuzzer with few worlds; see `tests.property.fuzz` for a run with many.
"""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segmentkit import format_definition
from tests.conformance_cases import cases_in
from tests.extensions import DRAWN
from tests.property.checks import Checker, with_plans
from tests.property.fuzz import check, questions
from tests.property.printed import as_case
from tests.property.strategies import definitions, peopled_worlds
from tests.property.worlds import World, without_gaps, worlds
from tests.targets import TARGETS

# A world is asked for about a hundred answers of each target.
SOME = settings(max_examples=settings().max_examples // 15)


def _of_one(text: str) -> bool:
    """Whether one record can answer: nothing in it is about others."""
    return not any(word in text for word in (" by ", " among ", "ntile("))


@SOME
@given(questions(least=2, most=6), st.data())
def test_definitions_mean_the_same_everywhere(
    asked: tuple[World, list[str]], data: st.DataObject
) -> None:
    """All targets agree, complements are exact, laws of sets hold, pivots are found."""
    check(data, *asked, with_plans(TARGETS))


@given(st.data())
def test_format_and_parse_are_inverse(data: st.DataObject) -> None:
    """Canonical text means the same, and formatting it again changes nothing."""
    world = data.draw(peopled_worlds())
    segment = world.define(data.draw(definitions(world)))
    assert world.define(segment.definition) == segment
    assert format_definition(segment.definition) == segment.definition


@given(st.data())
def test_whoever_is_certain_stays(data: st.DataObject) -> None:
    """Filling gaps in attributes changes the answer only of those who are uncertain."""
    world = data.draw(worlds())
    text = data.draw(definitions(world))
    # These ask for gaps themselves, or look at the person's gaps from within a row.
    assume(
        not any(word in text for word in ("missing", "present", "default(", "people.", "first("))
        and _of_one(text)
    )
    segment = world.define(text)
    record = Checker(world, TARGETS[:1])
    before, uncertain = record.truth(segment), record.truth(segment.uncertain())
    after = Checker(without_gaps(world, data.draw), TARGETS[:1]).truth(segment)
    assert (before ^ after) <= uncertain


@given(st.data())
def test_a_printed_case_can_be_pasted(data: st.DataObject) -> None:
    """What a disagreement prints reads back as the same rows and the same answer."""
    world = data.draw(peopled_worlds())
    segment = world.define(data.draw(definitions(world)))
    checker = Checker(world, TARGETS[:1])
    members = checker.truth(segment)
    (case,) = cases_in(as_case(world, segment, sorted(members)), functions=DRAWN)
    target = checker.targets[-1]
    assert sorted(target.members(case.define(), case.rows, case.as_of)) == sorted(members)
    assert case.members == sorted(members)
