"""How old the rows of one table are: the newest, and how many pass tests of their time."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from segmentkit._planning import ir
from segmentkit._results.freshness import Ageing
from segmentkit.sqlalchemy.dialects.stored_values import ordered, shown
from segmentkit.sqlalchemy.statements.compiler import Compiler, Sql
from segmentkit.sqlalchemy.statements.joins import Rows
from segmentkit.sqlalchemy.tables import Tables


def select_newest(asked: Ageing, tables: Tables) -> sa.Select[Any]:
    """The time of the newest row that is not later: one row, which an index finds."""
    rows, compiler = _read(asked, tables)
    newest = sa.func.max(ordered(compiler.value(asked.column)))
    query = sa.select(shown(newest)).select_from(rows.source)
    return query.where(compiler.condition(asked.past))


def select_ages(asked: Ageing, tables: Tables) -> sa.Select[Any]:
    """How many rows there are, and how many pass each test."""
    rows, compiler = _read(asked, tables)
    counts = [
        sa.func.sum(sa.case((compiler.condition(test), 1), else_=0))
        for test in asked.tests.values()
    ]
    columns: list[Sql] = [sa.func.count(), *counts]
    query: sa.Select[Any] = sa.select(*columns)
    return query.select_from(rows.source)


def _read(asked: Ageing, tables: Tables) -> tuple[Rows, Compiler]:
    # Of whom is asked about, only theirs; of other tables, all rows.
    is_root = asked.entity.name == tables.schema.root
    start = tables.everyone() if is_root else tables.rows(asked.entity)
    rows = Rows(tables, asked.entity, ir.Scope.ENTITY, start=start)
    return rows, Compiler(tables.schema, rows)
