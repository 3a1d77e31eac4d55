"""What a database's planner says of queries that it has not been asked yet.

It only ever changes how a question is asked, not its answer.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias
from uuid import uuid4

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from segmentkit.sqlalchemy.binds import is_autocommit
from segmentkit.sqlalchemy.dialects.dialect import shapes_of


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


@compiles(_Explain, "sqlite")
def _explain_plan(element: _Explain, compiler: SQLCompiler, **kw: Any) -> str:
    # A statement of the same text, which drivers keep, would give the plan that it had once.
    return f"EXPLAIN QUERY PLAN /* {uuid4().hex} */ {compiler.process(element.query, **kw)}"


@frozen
class PostgresqlPlanner:
    """The planner of PostgreSQL, asked on the connection on which the question will be.

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


@frozen
class SqlitePlanner:
    """The planner of SQLite, asked on the connection on which the question will be.

    It has no statistics unless somebody made them; but indexes that cover a query it names.
    """

    connection: sa.Connection

    def is_grouped_by_index(self, query: sa.Select[Any]) -> bool:
        """Whether a query reads its groups one after the other, in an index that has all of it."""
        own = [text for parent, text in self._plan(query) if not parent and not _LIST.match(text)]
        return bool(own) and all(_COVERING in text for text in own)

    def is_covered(self, query: sa.Select[Any], owner: str) -> bool:
        """Whether all that a query of a table asks of each row is in an index, by a column's value.

        Args:
            query: The query, whose sub-queries look at one other table each.
            owner: The column of those tables that is the same as one of the row.
        """
        lines = [text for _, text in self._plan(query)[1:] if not text.startswith("CORRELATED")]
        return bool(lines) and all(_COVERING in text and f"({owner}=?" in text for text in lines)

    def _plan(self, query: sa.Select[Any]) -> list[tuple[int, str]]:
        """The lines of a plan, each with the number of the one above it; none if it has none."""
        try:
            # To read looks for indexes that others made or dropped; to explain does not.
            self.connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 0")
            cursor = self.connection.execute(_Explain(query)).cursor
        except sa.exc.SQLAlchemyError:
            return []
        return [(parent, str(text)) for _, parent, _, text in cursor.fetchall()]


_COVERING = " USING COVERING INDEX "
_LIST = re.compile("(REUSE )?LIST SUBQUERY|USING .* FOR IN-OPERATOR")

Planner: TypeAlias = PostgresqlPlanner | SqlitePlanner


def planner_of(connection: sa.Connection) -> Planner | None:
    """The planner to ask: of PostgreSQL or SQLite; elsewhere no other shape was faster."""
    dialect = connection.dialect
    if dialect.name == "sqlite" and shapes_of(dialect).listed:
        return SqlitePlanner(connection)
    # A connection that is told to stream cannot ask: there are cursors of queries only.
    streams = connection.get_execution_options().get("stream_results")
    return PostgresqlPlanner(connection) if dialect.name == "postgresql" and not streams else None
