"""Leaves of a tree as segments."""

from __future__ import annotations

from collections.abc import Iterable

from segmentkit.analysis._discovery.decision_tree import Leaf
from segmentkit.analysis._discovery.training_data import Value
from segmentkit.schema import Schema
from segmentkit.segment import Segment


def defined(leaves: Iterable[Leaf], values: Iterable[Value], schema: Schema) -> Segment:
    """Everyone at one of some leaves; nobody, if there are none."""
    ways = [" and ".join(leaf.tests) or "true" for leaf in leaves]
    text = " or ".join(ways) or "false"
    traits = [value.trait for value in values if value.named]
    return Segment.define(None, text, schema, traits=traits)


def within(segment: Segment, among: Segment | None) -> Segment:
    """The members who are among others, too."""
    return segment if among is None else among & segment
