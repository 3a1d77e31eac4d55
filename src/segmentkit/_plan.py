"""What many segments and traits need, each distinct thing once, in an order that saves memory.

Equal parts of definitions are found by equality of the typed tree: an aggregate that a hundred
segments compare is one aggregate, and all that is asked of one relation is one scan of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TypeAlias

from attrs import field, frozen

from segmentkit import _ir as ir

Wanted: TypeAlias = ir.Aggregate | ir.Standing | ir.Overall
"""What is computed of more than one row."""

Group: TypeAlias = tuple[ir.Scope, tuple[str, ...], frozenset[ir.Condition]]
"""Whose rows, along which way, passing which tests of other rows: a group takes one scan."""

ORDERED = (
    ir.AggregateFunction.FIRST,
    ir.AggregateFunction.LAST,
    ir.AggregateFunction.MEDIAN,
)
"""Aggregates that need rows in order, which grouping alone does not give."""


def wanted_by(nodes: Iterable[ir.Condition | ir.Value]) -> list[Wanted]:
    """What conditions and values rest on beside the columns of their row, each once."""
    found = (n for node in nodes for n in ir.walk(node, into_rows=False))
    return list(dict.fromkeys(n for n in found if isinstance(n, Wanted)))


def is_of_columns(test: ir.Condition) -> bool:
    """Whether a test needs no rows but the one it is of."""
    return not any(isinstance(n, ir.Aggregate | ir.Follows) for n in ir.walk(test))


def group_of(node: ir.Aggregate) -> Group:
    """The scan that an aggregate is computed in."""
    # Not every engine takes sub-queries inside an aggregate, so they are tests of a scan.
    tests = frozenset(c for c in ir.conjuncts(node.where) if not is_of_columns(c))
    return node.holder, node.path, tests


@frozen
class Step:
    """Tests of the same values.

    Attributes:
        tests: The tests, each of which many segments may share.
        needed: What is computed of many rows and looked at again in later steps.
    """

    tests: tuple[ir.Condition, ...]
    needed: frozenset[Wanted]


@frozen(slots=False)
class Plan:
    """What conditions and values need together.

    Attributes:
        conditions: The conditions, normalized for an instant, by the names of their segments.
        values: Values that are wanted beside them.
    """

    conditions: Mapping[str, ir.Condition]
    values: Mapping[str, ir.Value] = field(factory=dict)

    @cached_property
    def wanted(self) -> tuple[Wanted, ...]:
        """What is computed of many rows, each once; what one scan computes stands together."""
        found = wanted_by((*self.conditions.values(), *self.values.values()))
        scans: dict[Group | None, list[Wanted]] = {}
        for node in found:
            group = group_of(node) if isinstance(node, ir.Aggregate) else None
            scans.setdefault(group, []).append(node)
        return tuple(node for nodes in scans.values() for node in nodes)

    @cached_property
    def scans(self) -> Mapping[Group, tuple[ir.Aggregate, ...]]:
        """The aggregates that grouping gives, by the scan that computes them all."""
        found: dict[Group, list[ir.Aggregate]] = {}
        for node in self.wanted:
            if isinstance(node, ir.Aggregate) and node.function not in ORDERED:
                found.setdefault(group_of(node), []).append(node)
        return {group: tuple(nodes) for group, nodes in found.items()}

    @cached_property
    def apart(self) -> tuple[Wanted, ...]:
        """What needs a scan of its own: rows in order, or everyone's values."""
        together = {node for nodes in self.scans.values() for node in nodes}
        return tuple(node for node in self.wanted if node not in together)

    @cached_property
    def tests(self) -> tuple[ir.Condition, ...]:
        """The distinct tests of one person that the conditions are made of."""
        found: dict[ir.Condition, None] = {}
        stack = list(self.conditions.values())[::-1]
        seen: set[ir.Condition] = set()
        while stack:
            node = stack.pop()
            match node:
                case ir.And(operands) | ir.Or(operands):
                    if node not in seen:
                        seen.add(node)
                        stack.extend(reversed(operands))
                case ir.Not(operand):
                    stack.append(operand)
                case _:
                    found[node] = None
        return tuple(found)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The tests in an order in which few values of many rows are kept at a time."""
        places = {node: place for place, node in enumerate(self.wanted)}
        together: dict[tuple[int, ...], list[ir.Condition]] = {}
        for test in self.tests:
            needs = sorted((places[node] for node in wanted_by([test])), reverse=True)
            together.setdefault(tuple(needs), []).append(test)
        steps: list[Step] = []
        needed: set[Wanted] = set(wanted_by(self.values.values()))
        for places_needed in sorted(together, reverse=True):
            steps.append(Step(tuple(together[places_needed]), frozenset(needed)))
            needed |= {self.wanted[place] for place in places_needed}
        return tuple(reversed(steps))
