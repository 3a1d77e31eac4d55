"""Ranks and values of the population."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import sqlalchemy as sa

from segmentkit._planning import ir
from segmentkit._planning.plan import Wanted, wanted_by
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled
from segmentkit.sqlalchemy.dialects.stored_values import ordered as ordered_as_stored
from segmentkit.sqlalchemy.dialects.written_times import on_one_clock
from segmentkit.sqlalchemy.statements.aggregate_subqueries import aggregated, mean, middle
from segmentkit.sqlalchemy.statements.compiler import Compiler, Sql
from segmentkit.sqlalchemy.statements.joins import Rows
from segmentkit.sqlalchemy.tables import Tables

# -- one sub-query for each, of those who are compared ---------------------------------------------


def standing(customers: sa.Select[Any], value: Sql, node: ir.Standing) -> sa.Subquery:
    """``owner`` and ``value``: the rank or the tile of each of the customers."""
    value = on_one_clock(value)
    order = value.desc() if node.descending else value
    rank = _tiled(sa.func.rank().over(order_by=order), sa.func.count().over(), node)
    return customers.add_columns(rank.label("value")).subquery()


def overall(customers: sa.Select[Any], value: Sql, node: ir.Overall) -> Sql:
    """One value of those of all the customers, as a sub-query that depends on nothing outside."""
    value = Spelled(Construct.OF_SOME, value)
    if node.function is ir.AggregateFunction.MEDIAN:
        place, of = sa.func.row_number().over(order_by=value), sa.func.count().over()
        columns = value.label("value"), place.label("place"), of.label("of")
        placed = customers.with_only_columns(*columns).subquery()
        found = sa.select(mean(node, placed.c.value)).where(middle(placed.c.place, placed.c.of))
    else:
        found = customers.with_only_columns(aggregated(node, value))
    return found.scalar_subquery()


# -- all of them side by side, of everyone ---------------------------------------------------------

Beside: TypeAlias = Callable[[Rows, list[Wanted], list[ir.Condition]], dict[Wanted, Sql]]
"""Joins to rows what is computed of many rows, and gives its values."""


def side_by_side(
    wanted: list[Wanted], rows: Rows, key: Callable[[ir.Scope], Sql], beside: Beside
) -> dict[Wanted, Sql]:
    """Ranks as windows of one sub-query, joined by the customer's key, and totals as one row.

    A sub-query each, which Spark would broadcast, takes several times as long to plan and to run.
    """
    values: dict[Wanted, Sql] = {}
    if ranked := [node for node in wanted if isinstance(node, ir.Standing)]:
        ranks = _standings(_Everyone(rows.tables, ranked, beside), ranked)
        rows.join(ranks, ranks.c.owner == key(ir.Scope.ENTITY))
        values |= zip(ranked, list(ranks.c)[1:], strict=True)
    if summed := [node for node in wanted if isinstance(node, ir.Overall)]:
        totals = _totals(_Everyone(rows.tables, summed, beside), summed)
        rows.source = rows.source.join(totals, sa.true())
        values |= zip(summed, totals.c, strict=True)
    return values


class _Everyone:
    """Everyone, as ``owner``, and what they are compared by: NULL of those who are not compared."""

    def __init__(
        self, tables: Tables, nodes: Iterable[ir.Standing | ir.Overall], beside: Beside
    ) -> None:
        entity = tables.schema.entity
        rows = Rows(tables, entity, ir.Scope.ENTITY)
        pairs = list(dict.fromkeys((node.value, node.among) for node in nodes))
        known = beside(rows, wanted_by(node for pair in pairs for node in pair), [])
        compiler = Compiler(tables.schema, rows, known)
        columns: list[Sql] = [rows.key(entity.key or "").label("owner")]
        for place, (value, among) in enumerate(pairs):
            made = ordered_as_stored(compiler.value(value))
            if among != ir.TRUE:
                made = sa.case((compiler.condition(among), made))
            columns.append(made.label(f"value_{place}"))
        self.each = rows.finished(sa.select(*columns).select_from(rows.source)).subquery()
        self.columns = dict(zip(pairs, list(self.each.c)[1:], strict=True))

    def value(self, node: ir.Standing | ir.Overall) -> Sql:
        """The column of what people are compared by."""
        return self.columns[node.value, node.among]


def _standings(everyone: _Everyone, nodes: list[ir.Standing]) -> sa.Subquery:
    """``owner``, and the rank or the tile of each node, of all who have one."""
    ranks = []
    for place, node in enumerate(nodes):
        value = everyone.value(node)
        order = value.desc() if node.descending else value.asc()
        rank = sa.func.rank().over(order_by=order.nulls_last())
        told = _tiled(rank, sa.func.count(value).over(), node)
        ranks.append(sa.case((value.is_not(None), told)).label(f"rank_{place}"))
    present = sa.or_(*(value.is_not(None) for value in everyone.columns.values()))
    return sa.select(everyone.each.c.owner, *ranks).where(present).subquery()


def _totals(everyone: _Everyone, nodes: list[ir.Overall]) -> sa.Subquery:
    """One row of what each node computes of everyone."""
    median = ir.AggregateFunction.MEDIAN
    columns: list[Sql] = []
    for i, node in enumerate(nodes):
        value = everyone.value(node)
        if node.function is median:
            place = sa.func.row_number().over(order_by=value.asc().nulls_last())
            is_middle = middle(place, sa.func.count(value).over())
            value = sa.case((is_middle, value))
        columns.append(value.label(f"value_{i}"))
    each = sa.select(*columns).subquery()
    found = [
        (mean if node.function is median else aggregated)(node, value).label(f"total_{i}")
        for i, (node, value) in enumerate(zip(nodes, each.c, strict=True))
    ]
    return sa.select(*found).select_from(each).subquery()


def _tiled(rank: Sql, ranked: Sql, node: ir.Standing) -> Sql:
    """The tile that a rank is in, if tiles are asked for."""
    if node.tiles is None:
        return rank
    tiles = (rank - 1) * sa.literal(node.tiles, sa.BigInteger())
    return Spelled(Construct.QUOTIENT, tiles, ranked) + 1
