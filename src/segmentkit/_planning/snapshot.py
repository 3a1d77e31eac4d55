"""Typed tree → the same with rows seen only up to an instant, whatever ``as_of`` is.

So a question of today can be asked as if nothing had happened since: what still changes is the
clock's doing.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar, get_args

from attrs import evolve, fields, frozen

from segmentkit._calendar import local
from segmentkit._planning import ir
from segmentkit.dtypes import DATE
from segmentkit.schema import Entity, Relation, Schema

_N = TypeVar("_N")
_NODES = (*get_args(ir.Value), *get_args(ir.Condition))


def seen_until(condition: ir.Condition, schema: Schema, instant: datetime) -> ir.Condition:
    """The condition in which no row counts that is later than an instant.

    Args:
        condition: What a definition means, not yet bound to ``as_of``.
        schema: What its columns refer to.
        instant: The instant, naive, in UTC.
    """
    return _Until(schema, instant).on(condition, _Place(schema.entity, schema.entity))


@frozen
class _Place:
    """Where a node stands: whose row it looks at, and who has the relation that the row is of."""

    owner: Entity
    row: Entity


@frozen
class _Until:
    schema: Schema
    instant: datetime

    def on(self, node: _N, place: _Place) -> _N:
        """The same node, and what is below it."""
        match node:
            case tuple():
                return tuple(self.on(each, place) for each in node)  # type: ignore[return-value]
            case ir.Aggregate():
                return self.aggregate(node, place)  # type: ignore[return-value]
            case ir.Follows():
                return self.follows(node, place)  # type: ignore[return-value]
            case ir.Standing() | ir.Overall():
                place = _Place(self.schema.entity, self.schema.entity)
            case _:
                pass
        if not isinstance(node, _NODES):
            return node
        named = {f.name: getattr(node, f.name) for f in fields(type(node))}
        return evolve(node, **{name: self.on(each, place) for name, each in named.items()})

    def aggregate(self, node: ir.Aggregate, place: _Place) -> ir.Aggregate:
        owner = self.schema.entity if node.holder is ir.Scope.ENTITY else place.row
        through = []
        for step in node.through:
            relation = owner.relation(step.relation)
            assert relation is not None
            inside = _Place(owner, self.schema.named(relation.to))
            through.append(evolve(step, where=self.limited(step.where, relation, inside)))
            owner = inside.row
        relation = owner.relation(node.relation)
        assert relation is not None
        inside = _Place(owner, self.schema.named(relation.to))
        where = self.limited(node.where, relation, inside)
        value = None if node.value is None else self.on(node.value, inside)
        return evolve(node, value=value, where=where, through=tuple(through))

    def follows(self, node: ir.Follows, place: _Place) -> ir.Follows:
        relation = (place.row if node.own else place.owner).relation(node.relation)
        assert relation is not None
        # What comes after the other row is again of the holder that the first row is of.
        inside = _Place(place.owner, self.schema.named(relation.to))
        return evolve(node, where=self.limited(node.where, relation, inside))

    def limited(self, where: ir.Condition, relation: Relation, inside: _Place) -> ir.Condition:
        where = self.on(where, inside)
        at = None if relation.at is None else inside.row.attribute(relation.at)
        if at is None:
            return where
        time = ir.Column(ir.Scope.ROW, (), at.name, at.dtype, at.nullable)
        day = at.dtype == DATE
        end = local(self.instant, self.schema.zone).date() if day else self.instant
        return ir.conjunction([where, ir.Compare(ir.Comparison.LE, time, ir.Const(end, at.dtype))])
