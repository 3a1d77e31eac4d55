"""One segment: a statement in the shape that suits its definition, and one person by key."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from attrs import evolve

from segmentkit import _ir as ir
from segmentkit.sqlalchemy._predicate import compile_predicate
from segmentkit.sqlalchemy._scans import Rows
from segmentkit.sqlalchemy._tables import Tables


def of_one(condition: ir.Condition, tables: Tables) -> sa.Select[Any]:
    """The keys of those of whom a condition holds."""
    rows = Rows(tables, tables.schema.entity, ir.Scope.ENTITY)
    test = compile_predicate(condition, evolve(tables, root=rows.start, mapped=None))
    return sa.select(rows.key(tables.schema.entity.key or "")).select_from(rows.source).where(test)


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
