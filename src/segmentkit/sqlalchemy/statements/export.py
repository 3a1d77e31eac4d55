"""Queries for more than keys: values of traits, labels of a partition, counts of combinations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from attrs import evolve

from segmentkit._planning import ir
from segmentkit._planning.plan import wanted_by
from segmentkit.sqlalchemy.dialects.stored_values import shown
from segmentkit.sqlalchemy.statements.compiler import Compiler, Sql
from segmentkit.sqlalchemy.statements.joins import Rows
from segmentkit.sqlalchemy.statements.predicate import beside, compile_predicate, limiting
from segmentkit.sqlalchemy.tables import Tables


def select_values(
    values: Mapping[str, ir.Value], of: ir.Condition, tables: Tables
) -> sa.Select[Any]:
    """The key and values of everyone of whom a condition holds."""
    entity = tables.schema.entity
    rows = Rows(tables, entity, ir.Scope.ENTITY)
    nodes = [*values.values(), *([of] if tables.joins else ())]
    aggregates = beside(rows, wanted_by(nodes), limiting(ir.conjuncts(of)))
    compiler = Compiler(tables.schema, rows, aggregates)
    if tables.joins:
        where = compiler.condition(of)
    else:
        where = compile_predicate(of, evolve(tables, root=rows.start, mapped=None))
    columns = [shown(compiler.value(value)).label(name) for name, value in values.items()]
    query: sa.Select[Any] = sa.select(rows.key(entity.key or ""), *columns)
    query = rows.finished(query.select_from(rows.source))
    return query if of == ir.TRUE else query.where(where)


def case_of(parts: Iterable[tuple[str, ir.Condition]], rest: str, tables: Tables) -> Sql:
    """The label of the first part that holds a row, as one CASE."""
    kind = sa.String()
    tests = [(compile_predicate(part, tables), sa.literal(label, kind)) for label, part in parts]
    return sa.case(*tests, else_=sa.literal(rest, kind))


def count_combinations(parts: Iterable[ir.Condition], tables: Tables) -> sa.Select[Any]:
    """Each combination of parts that occurs, as ones and zeros, and how many rows it has."""
    rows = Rows(tables, tables.schema.entity, ir.Scope.ENTITY)
    here = evolve(tables, root=rows.start, mapped=None)
    held = [
        sa.case((compile_predicate(part, here), 1), else_=0).label(f"p{place}")
        for place, part in enumerate(parts)
    ]
    each = rows.finished(sa.select(*held).select_from(rows.source)).subquery()
    return sa.select(*each.c, sa.func.count()).group_by(*each.c)
