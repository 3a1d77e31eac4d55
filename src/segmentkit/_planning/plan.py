"""What many segments and traits need, each distinct part once, in an order that saves memory.

Equal parts of definitions are found by equality of the typed tree: an aggregate that a hundred
segments compare is one aggregate, and all that is asked of one relation is one scan of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TypeAlias

from attrs import field, frozen

from segmentkit._planning import ir

Wanted: TypeAlias = ir.Aggregate | ir.Standing | ir.Overall
"""What is computed of more than one row."""

Group: TypeAlias = tuple[ir.Scope, tuple[str, ...], frozenset[ir.Condition]]
"""Whose rows, along which way, passing which tests of other rows: a group takes one scan."""

ORDERED = (
    ir.AggregateFunction.FIRST,
    ir.AggregateFunction.LAST,
    ir.AggregateFunction.MEDIAN,
    ir.AggregateFunction.MODE,
    ir.AggregateFunction.PERCENTILE,
    ir.AggregateFunction.STREAK,
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
    """Tests of the same values, and the conditions that can be answered after them.

    Attributes:
        tests: The tests, each of which many segments may share.
        answered: The names of the conditions whose last tests these are.
        last: What no later step looks at, of people and of the rows of relations.
    """

    tests: tuple[ir.Condition, ...]
    answered: tuple[str, ...]
    last: frozenset[ir.Condition | ir.Value]


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
        return tuple(dict.fromkeys(test for _, tests in self._parts.values() for test in tests))

    @cached_property
    def _parts(self) -> Mapping[str, tuple[list[ir.Condition], list[ir.Condition]]]:
        """The joints and the tests of each condition."""
        return {name: _taken_apart(condition) for name, condition in self.conditions.items()}

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The tests in an order in which little of many rows is kept at a time."""
        # Of the same rows one after the other: they are picked out once.
        rows: dict[object, list[Wanted]] = {}
        for node in self.wanted:
            same = (node.path, node.where) if isinstance(node, ir.Aggregate) else node
            rows.setdefault(same, []).append(node)
        places = {
            node: place for place, node in enumerate(n for nodes in rows.values() for n in nodes)
        }
        needs = {
            test: tuple(sorted((places[node] for node in wanted_by([test])), reverse=True))
            for test in self.tests
        }
        together: dict[tuple[int, ...], tuple[list[ir.Condition], list[str]]] = {}
        for test, need in needs.items():
            together.setdefault(need, ([], []))[0].append(test)
        for name, (_, tests) in self._parts.items():
            together[max(needs[test] for test in tests)][1].append(name)
        steps: list[Step] = []
        later = {node for value in self.values.values() for node in ir.walk(value)}
        for need in sorted(together, reverse=True):
            asked, names = together[need]
            here = {node for test in asked for node in ir.walk(test)}
            here.update(node for name in names for nodes in self._parts[name] for node in nodes)
            steps.append(Step(tuple(asked), tuple(names), frozenset(here - later)))
            later |= here
        return tuple(reversed(steps))


def _taken_apart(condition: ir.Condition) -> tuple[list[ir.Condition], list[ir.Condition]]:
    """The joints of a condition – and, or, not – and the tests that they join, each once."""
    joints: dict[ir.Condition, None] = {}
    tests: dict[ir.Condition, None] = {}
    stack = [condition]
    while stack:
        node = stack.pop()
        match node:
            case ir.And(operands) | ir.Or(operands) | ir.Counted(operands):
                if node not in joints:
                    stack += reversed(operands)
                joints[node] = None
            case ir.Not(operand):
                joints[node] = None
                stack.append(operand)
            case _:
                tests[node] = None
    return list(joints), list(tests)
