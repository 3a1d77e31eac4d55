"""Ranks and values of the population."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from segmentkit._planning import ir
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled
from segmentkit.sqlalchemy.statements.aggregate_subqueries import aggregated, mean, middle
from segmentkit.sqlalchemy.statements.compiler import Sql


def standing(customers: sa.Select[Any], value: Sql, node: ir.Standing) -> sa.Subquery:
    """``owner`` and ``value``: the rank or the tile of each of the customers."""
    rank: Sql = sa.func.rank().over(order_by=value.desc() if node.descending else value)
    if node.tiles is not None:
        ranked: Sql = sa.func.count().over()
        tiles = (rank - 1) * sa.literal(node.tiles, sa.BigInteger())
        rank = Spelled(Construct.QUOTIENT, tiles, ranked) + 1
    return customers.add_columns(rank.label("value")).subquery()


def overall(customers: sa.Select[Any], value: Sql, node: ir.Overall) -> Sql:
    """One value of those of all the customers, as a sub-query that depends on nothing outside."""
    if node.function is ir.AggregateFunction.MEDIAN:
        place, of = sa.func.row_number().over(order_by=value), sa.func.count().over()
        columns = value.label("value"), place.label("place"), of.label("of")
        placed = customers.with_only_columns(*columns).subquery()
        found = sa.select(mean(node, placed.c.value)).where(middle(placed))
    else:
        found = customers.with_only_columns(aggregated(node, value))
    return found.scalar_subquery()
