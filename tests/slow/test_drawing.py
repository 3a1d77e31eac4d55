"""What random definitions are made of."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from segmentkit._language import syntax as t
from segmentkit.functions import AGGREGATES, FUNCTIONS
from tests.extensions import DRAWN
from tests.property.strategies import definitions, peopled_worlds
from tests.property.tally import constructs, nodes


def test_every_construct_of_the_language_is_drawn() -> None:
    """No function, no aggregate and no kind of node is left out by the strategies."""
    added = [function.name for function in DRAWN]
    # Parameters have their values and references are written out when a segment is made.
    unseen: set[Any] = set(get_args(t.Node)) - {t.Parameter}
    unseen |= {f"{name}()" for name in (*FUNCTIONS, *AGGREGATES, *added)}
    unseen |= {"count distinct()", "where"}
    unseen |= {"ignoring case", "contains any", "not contains all", "today", "now", "between"}

    @settings(max_examples=10, phases=[Phase.generate], database=None)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        world = data.draw(peopled_worlds())
        for text in data.draw(st.lists(definitions(world), min_size=10, max_size=20)):
            segment = world.define(text)
            unseen.difference_update(constructs(segment), map(type, nodes(segment)))

    for number in range(40):
        if unseen:
            seed(number)(run)()
    assert not unseen
