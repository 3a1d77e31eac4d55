"""How often values occur in segments: one statement a value, grouped in the database."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa

from segmentkit._planning import ir
from segmentkit._results.columns import tally_frame, values_index
from segmentkit.dtypes import Kind
from segmentkit.sqlalchemy.dialects.column_types import is_own
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled
from segmentkit.sqlalchemy.statements.batch_statement import Conditions, Pass
from segmentkit.sqlalchemy.statements.compiler import Sql
from segmentkit.sqlalchemy.tables import Tables


def select_tally(
    value: ir.Value, conditions: Conditions, tables: Tables, most: int | None
) -> sa.Select[Any]:
    """Each value, of how many of each condition it is, and how many different values there are.

    With ``most``, only values that are among so many most frequent ones of a condition, and what
    is missing.
    """
    one = Pass.of(conditions, tables, value)
    held: Sql = one.each.c.value
    is_text = value.dtype.kind is Kind.TEXT and not is_own(held.type)
    held = Spelled(Construct.EXACT_TEXT, held) if is_text else held
    counts = [
        sa.func.sum(sa.case((test, 1), else_=0)).label(f"count_{place}")
        for place, test in enumerate(one.tests)
    ]
    each = sa.select(held.label("value"), *counts).select_from(one.each).group_by(held).subquery()
    value_column, *columns = each.c
    met = sa.or_(*(column > 0 for column in columns))
    if most is None:
        return sa.select(*each.c).where(met)
    ranks = [
        sa.func.row_number()
        .over(order_by=(sa.case((value_column.is_(None), 1), else_=0), column.desc(), value_column))
        .label(f"rank_{place}")
        for place, column in enumerate(columns)
    ]
    different = sa.func.count(value_column).over().label("different")
    ranked = sa.select(*each.c, different, *ranks).where(met).subquery()
    near = [
        sa.and_(ranked.c[rank.name] <= most, ranked.c[column.name] > 0)
        for rank, column in zip(ranks, columns, strict=True)
    ]
    found = [ranked.c[column.name] for column in (*each.c, different)]
    return sa.select(*found).where(sa.or_(ranked.c.value.is_(None), *near))


def tally_of(columns: list[Any], value: ir.Value, names: list[str], most: int | None) -> Any:
    """What such a statement found, as a frame."""
    values, *counts = ([*column] for column in columns)
    different = None if most is None else next(map(int, counts.pop()), 0)
    told = np.array([[int(n) for n in column] for column in counts], dtype=np.int64)
    index = values_index(value.dtype, values)
    return tally_frame(index, told.reshape(len(names), -1).T, names, different=different)
