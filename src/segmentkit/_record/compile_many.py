"""Many conditions → one Python function of a record that does what they share once."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import compress
from typing import Any, TypeAlias

from attrs import frozen

from segmentkit._planning import ir
from segmentkit._record.compiler import Function, assigned, fill
from segmentkit._record.rows import AggregateOf, Place, Record
from segmentkit.schema import Entity, Schema

_Way: TypeAlias = tuple[tuple[ir.Through, ...], str]
UNREAD = object()
"""What a variable holds before it is needed."""


def compile_many(
    conditions: Mapping[str, ir.Condition], schema: Schema
) -> Callable[[Record], tuple[str, ...]]:
    """Make a function that says which of many conditions hold of a record.

    Args:
        conditions: Normalized conditions without parameters, by name.
        schema: What their columns refer to.

    Returns:
        A function of a mapping, as from `compile_record`, that gives the names in their order.
        Attributes are read once, equal conditions and aggregates are computed once, and all
        aggregates of one relation in one loop over its rows.
    """
    return _Matches(schema, conditions).function(conditions)


class _Sharing(Function):
    """A function of several conditions, evaluated one after the other."""

    def __init__(
        self,
        schema: Schema,
        conditions: Iterable[ir.Condition],
        row_entity: Entity | None = None,
        owner: Entity | None = None,
    ) -> None:
        super().__init__(schema, row_entity, owner)
        self.distinct = list(dict.fromkeys(conditions))
        found = (set(ir.walk(each, into_rows=False)) for each in self.distinct)
        uses = Counter(node for nodes in found for node in nodes)
        self.shared = {n for n, count in uses.items() if count > 1 and isinstance(n, ir.Column)}
        self.begun: dict[str, None] = {}

    def kept(self, name: str, value: ast.expr) -> ast.expr:
        """A variable that is computed where it is first needed, on whatever way leads there."""
        self.begun[name] = None
        known = ast.Name(name, ast.Load())
        return fill(
            "known if known is not unread else value",
            known=known,
            unread=self.bind(UNREAD),
            value=value,
        )

    def column(self, node: ir.Column) -> ast.expr:
        first = super().column(node)
        return (
            first
            if isinstance(first, ast.Name) or node not in self.shared
            else self.kept(self.variable(node), first)
        )

    def there(self, node: ir.Column) -> ast.expr | None:
        if node not in self.shared or self.variable(node) in self.ready:
            return super().there(node)
        return fill("value is not None", value=self.column(node))

    def begin(self) -> list[ast.stmt]:
        """What stands before everything else."""
        names: list[ast.expr] = [ast.Name(name, ast.Store()) for name in self.begun]
        return [ast.Assign(names, self.bind(UNREAD))] if names else []


class _Matches(_Sharing):
    """The function of a record."""

    def __init__(self, schema: Schema, conditions: Mapping[str, ir.Condition]) -> None:
        super().__init__(schema, conditions.values())
        self.groups: dict[_Way, dict[ir.Aggregate, None]] = {}
        for condition in self.distinct:
            for node in ir.walk(condition, into_rows=False):
                if isinstance(node, ir.Aggregate):
                    self.groups.setdefault((node.through, node.relation), {})[node] = None
        self.functions = {way: self.bind(self.loop(list(g))) for way, g in self.groups.items()}

    def function(self, conditions: Mapping[str, ir.Condition]) -> Callable[..., Any]:
        results = {each: f"r{i}" for i, each in enumerate(self.distinct)}
        body: list[ast.stmt] = [
            ast.Assign([ast.Name(name, ast.Store())], self.condition(each))
            for each, name in results.items()
        ]
        held: list[ast.expr] = [ast.Name(results[c], ast.Load()) for c in conditions.values()]
        found = fill(
            "chosen(names, held)",
            chosen=self.bind(_chosen),
            names=self.bind(tuple(conditions)),
            held=ast.Tuple(held, ast.Load()),
        )
        return self.build_of([*self.begin(), *body, ast.Return(found)], ["record"])

    def aggregated(self, node: ir.Aggregate) -> ast.expr:
        way = node.through, node.relation
        name = self.variable(way)
        value = assigned(name, fill("f(record)", f=self.functions[way]))
        place = list(self.groups[way]).index(node)
        return fill("values[place]", values=self.kept(name, value), place=self.bind(place))

    def loop(self, nodes: list[ir.Aggregate]) -> _Loop:
        """All aggregates of one relation: each distinct test of a row is asked once."""
        aggregates = tuple(self.aggregate(node) for node in nodes)
        holder = self.schema.entity
        for step in nodes[0].through:
            holder = self.rows(holder, step.relation)[1]
        entity = self.rows(holder, nodes[0].relation)[1]
        row = _Sharing(self.schema, [node.where for node in nodes], entity, holder)
        adds = [f"add{i}" for i in range(len(row.distinct))]
        body: list[ast.stmt] = []
        for where, add in zip(row.distinct, adds, strict=True):
            call = fill("add((row, owner, record, memo))", add=ast.Name(add, ast.Load()))
            body.append(ast.If(row.condition(where), [ast.Expr(call)], []))
        names = ["row", "owner", "record", "memo", *adds]
        step_of = row.build_of([*row.begin(), *body], names)
        places = tuple(row.distinct.index(node.where) for node in nodes)
        return _Loop(aggregates, places, len(adds), step_of)


@frozen
class _Loop:
    """Several aggregates of the rows of one relation."""

    aggregates: tuple[AggregateOf, ...]
    places: tuple[int, ...]
    tests: int
    step: Callable[..., None]

    def __call__(self, record: Record) -> list[Any]:
        first, step = self.aggregates[0], self.step
        memo: dict[Any, Any] = {}
        found: list[list[Place]] = [[] for _ in range(self.tests)]
        adds = [passed.append for passed in found]
        for owner in first.owners(record, record, memo):
            for row in first.rows(owner):
                step(row, owner, record, memo, *adds)
        pairs = zip(self.aggregates, self.places, strict=True)
        return [aggregate.of(found[place]) for aggregate, place in pairs]


def _chosen(names: tuple[str, ...], held: tuple[bool, ...]) -> tuple[str, ...]:
    return tuple(compress(names, held))
