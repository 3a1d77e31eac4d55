"""What a database's planner expects of queries that it has not been asked yet.

It only ever changes how a question is asked, not its answer.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from segmentkit.sqlalchemy.binds import is_autocommit


@frozen
class Expected:
    """What the planner expects of a query.

    Attributes:
        cost: What the query costs, in units of the planner's own.
        rows: How many rows it finds.
        plan: How it is answered.
    """

    cost: float
    rows: float
    plan: tuple[str, ...] = ()

    @property
    def is_by_index(self) -> bool:
        """Whether rows are found by an index whose first column equals what a sub-query finds."""
        conditions = [line for line in self.plan if _INDEX_CONDITION in line]
        return bool(conditions) and all(map(_BY_SUBQUERY.search, conditions))

    @property
    def is_walk(self) -> bool:
        """Whether rows are joined in the order of an index, each read from another place."""
        plan = "\n".join(self.plan)
        return "Merge Join" in plan and "Index Scan using" in plan


_INDEX_CONDITION = "Index Cond: "
# Its parts stand in the order of the index's columns. Before version 17, sub-queries have numbers.
_BY_SUBQUERY = re.compile(_INDEX_CONDITION + r"[^=<>]* = [^=<>]*(InitPlan \d|\$\d)")
_EXPECTED = re.compile(r"cost=[\d.]+\.\.([\d.]+) rows=(\d+)")


class _Explain(Executable, ClauseElement):
    """How a database means to answer a query."""

    inherit_cache = False

    def __init__(self, query: sa.Select[Any]) -> None:
        self.query = query


@compiles(_Explain)
def _explain(element: _Explain, compiler: SQLCompiler, **kw: Any) -> str:
    return f"EXPLAIN {compiler.process(element.query, **kw)}"


@frozen
class Planner:
    """The planner of a database, asked on the connection on which the question will be.

    Nothing is kept: an index may be gone when the next question comes.
    """

    connection: sa.Connection

    def kept(self) -> AbstractContextManager[Any]:
        """While it is asked, what a refusal would end: the transaction."""
        autocommit = is_autocommit(self.connection)
        return nullcontext() if autocommit else self.connection.begin_nested()

    def expected(self, query: sa.Select[Any]) -> Expected:
        """What it expects of a query; no costs, if it does not name any."""
        # The result has the types of the query's columns, and lines of a plan have none of these.
        cursor = self.connection.execute(_Explain(query)).cursor
        plan = tuple(str(line) for line, *_ in cursor.fetchall())
        numbers = _EXPECTED.search("".join(plan[:1]))
        return Expected(float(numbers[1]), float(numbers[2]), plan) if numbers else Expected(0, 0)


def planner_of(connection: sa.Connection) -> Planner | None:
    """The planner to ask, if the database is PostgreSQL: elsewhere no other shape was faster."""
    # A connection that is told to stream cannot ask: there are cursors of queries only.
    streams = connection.get_execution_options().get("stream_results")
    return Planner(connection) if connection.dialect.name == "postgresql" and not streams else None
