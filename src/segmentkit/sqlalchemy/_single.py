"""One segment: a statement in the shape that suits its definition, and one person by key."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import sqlalchemy as sa
from attrs import evolve

from segmentkit import _ir as ir
from segmentkit._plan import Plan
from segmentkit.extension import Aggregate
from segmentkit.sqlalchemy._pass import Pass, is_alone, portions
from segmentkit.sqlalchemy._predicate import (
    compile_predicate,
    guarded,
    is_plain,
    joined_rows,
    only_group,
)
from segmentkit.sqlalchemy._scans import Rows
from segmentkit.sqlalchemy._tables import Tables


class Shape(Enum):
    """How the members of a segment are found; the value says it to people."""

    ATTRIBUTES = "tests of attributes; no relation is read"
    SURVIVORS = "tests of attributes first; of each relation, rows of those who pass, in one scan"
    JOINED = "one sub-query a scan, of those who pass the tests of attributes, joined to everyone"


def shape_of(condition: ir.Condition, *, joins: bool) -> Shape:
    """The shape in which a condition is asked; ``joins``: where relations are always joined."""
    if is_plain(condition):
        return Shape.ATTRIBUTES
    parts = [each for each in ir.conjuncts(condition) if not is_plain(each)]
    if not joins and (all(only_group(each) for each in parts) or is_alone(condition)):
        return Shape.SURVIVORS
    return Shape.JOINED


def of_one(condition: ir.Condition, tables: Tables) -> sa.Select[Any]:
    """The keys of those of whom a condition holds."""
    if tables.joins or shape_of(condition, joins=False) is Shape.JOINED:
        limits = [each for each in ir.conjuncts(condition) if is_plain(each)]
        rows, test = joined_rows(tables, condition, limits)
        test = guarded(test, ir.walk(condition))
    else:
        rows = Rows(tables, tables.schema.entity, ir.Scope.ENTITY)
        test = compile_predicate(condition, evolve(tables, root=rows.start, mapped=None))
    key = rows.key(tables.schema.entity.key or "")
    return rows.finished(sa.select(key).select_from(rows.source).where(test))


def of_person(condition: ir.Condition, key: Any, tables: Tables) -> sa.Select[Any]:
    """One row if a condition holds of the person with a key; else none.

    The key is a test of an attribute as others are, by which every scan is limited.
    """
    entity = tables.schema.entity
    attribute = entity.key_attribute
    if attribute is not None:
        column = ir.Column(ir.Scope.ENTITY, (), attribute.name, attribute.dtype, False)
        same = ir.Compare(ir.Comparison.EQ, column, ir.Const(key, attribute.dtype))
        return of_one(ir.conjunction([same, condition]), tables)
    query = of_one(condition, tables)
    (column_of_key,) = query.selected_columns
    return query.where(column_of_key == key)


def statements(conditions: Mapping[str, ir.Condition], tables: Tables) -> list[sa.Select[Any]]:
    """What is asked to find the members of one segment, or everyone's answers to several."""
    if len(conditions) == 1:
        return [of_one(condition, tables) for condition in conditions.values()]
    return [Pass.of(portion, tables).signed() for portion in portions(conditions)]


def explained(plan: Plan, *, joins: bool = False) -> list[str]:
    """What a plan reads and computes, one thing a line."""
    if len(plan.conditions) == 1:
        (condition,) = plan.conditions.values()
        lines = [shape_of(condition, joins=joins).value]
    else:
        lines = [f"{len(plan.conditions):,} segments in one pass over everyone"]
    for (_, path, tests), aggregates in plan.scans.items():
        kinds = ", ".join(dict.fromkeys(_called(each.function) for each in aggregates))
        beside = " of rows beside other rows" if tests else ""
        lines.append(f"{'.'.join(path)}: one scan{beside} for {_many(len(aggregates))}: {kinds}")
    for node in plan.apart:
        match node:
            case ir.Aggregate(function):
                lines.append(f"{'.'.join(node.path)}: a scan in order: {_called(function)}")
            case ir.Standing():
                lines.append("everyone in order: a rank")
            case ir.Overall(function):
                lines.append(f"everyone: {_called(function)}")
    return [*lines, f"distinct tests: {len(plan.tests):,}"]


def _called(function: ir.AggregateFunction | Aggregate) -> str:
    return function.name if isinstance(function, Aggregate) else function.value


def _many(count: int) -> str:
    return "one aggregate" if count == 1 else f"{count:,} aggregates"
