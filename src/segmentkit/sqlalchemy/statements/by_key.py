"""One segment by an index: those who pass the tests of attributes, and of each its own rows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from attrs import evolve, frozen

from segmentkit._planning import ir
from segmentkit._planning.plan import Group
from segmentkit.sqlalchemy.planner import Planner
from segmentkit.sqlalchemy.statements.aggregate_subqueries import Grouped
from segmentkit.sqlalchemy.statements.compiler import Compiler, Sql
from segmentkit.sqlalchemy.statements.joins import Rows
from segmentkit.sqlalchemy.statements.predicate import (
    OfCustomer,
    aggregates_of,
    guarded,
    is_plain,
    limiting,
)
from segmentkit.sqlalchemy.tables import Tables

_LEAST, _MOST = 1.25, 6
"""Between which multiples of a join's cost it is faster to look up the rows of each customer.

PostgreSQL takes each look-up for a read of the disk. In memory, where most of the table is by the
end, they cost less: measured, both take the same time at ten to thirteen. Below the least, it looks
the rows up in a join, too.
"""

_QUICK = 1_000
"""The cost of a join, some milliseconds, beside which asking more takes too long."""


@frozen
class Choice:
    """Whether the rows of each customer are looked up, or those of all who are on a list, and why.

    Otherwise they are joined.
    """

    by_key: bool
    why: str
    listed: bool = False


@frozen
class ByKey:
    """A condition of which one group of aggregates is looked up customer by customer.

    Attributes:
        condition: The condition.
        group: The group.
        having: What is asked of the group.
        rest: What is asked of other relations.
        tables: Where it is asked.
    """

    condition: ir.Condition
    group: Group
    having: ir.Condition
    rest: tuple[ir.Condition, ...]
    tables: Tables

    @property
    def plain(self) -> list[ir.Condition]:
        """The tests of attributes."""
        return [each for each in ir.conjuncts(self.condition) if is_plain(each)]

    def select(self) -> sa.Select[Any]:
        """The keys of those of whom the condition holds."""
        customers, key, where = self.customers()
        if self.rest:
            other = OfCustomer(evolve(self.tables, root=customers.start, mapped=None))
            where.append(other.condition(ir.conjunction([*self.rest]), limiting(self.plain)))
        # Who has no rows is in no group, as in a join.
        own = self.rows_of(key).correlate(customers.start).exists()
        return customers.finished(sa.select(key).select_from(customers.source).where(*where, own))

    def customers(self) -> tuple[Rows, Sql, list[Sql]]:
        """The customers, the column of their keys, and the tests of their attributes."""
        rows = Rows(self.tables, self.tables.schema.entity, ir.Scope.ENTITY)
        compiler = Compiler(self.tables.schema, rows)
        tests = [compiler.condition(each) for each in self.plain]
        return rows, rows.key(rows.entity.key or ""), tests

    def rows_of(self, key: Sql) -> sa.Select[Any]:
        """The customer with a key, if the rows are as the group is asked to be."""
        rows = OfCustomer(self.tables).rows_of(self.group, [])
        grouped = Grouped(rows, aggregates_of(self.having))
        test = Compiler(self.tables.schema, rows.scan, grouped.values).condition(self.having)
        return grouped.of_one(key).having(guarded(test, ir.walk(self.condition)))

    def choice(self, planner: Planner, joined: sa.Select[Any]) -> Choice:
        """What the planner expects of it, beside a join."""
        try:
            with planner.kept():
                return self._choice(planner, joined)
        except sa.exc.SQLAlchemyError:
            return Choice(False, "PostgreSQL does not say what it expects")

    def _choice(self, planner: Planner, joined: sa.Select[Any]) -> Choice:
        expected = planner.expected(joined)
        whole = expected.cost
        if expected.is_walk:
            # It takes what it reads twice for read once, whatever the memory of the server.
            return Choice(False, "PostgreSQL would join in the order of an index", listed=True)
        if whole < _QUICK:
            return Choice(False, f"PostgreSQL expects: to join them costs {whole:,.0f}")
        names = ".".join(self.group[1])
        customers, key, tests = self.customers()
        if customers.source is not customers.start:
            # Rows would be looked up before the tests beyond links have left few customers.
            return Choice(False, "tests beyond links would come after a look-up")
        # A key that the planner does not know, as each is that a sub-query refers to.
        some = sa.select(key).where(sa.false()).scalar_subquery()
        one = planner.expected(self.rows_of(some))
        if not one.is_by_index:
            return Choice(False, f"PostgreSQL has no index for the {names} of one customer")
        passing = customers.finished(sa.select(key).select_from(customers.source).where(*tests))
        few = planner.expected(passing).rows
        told = f"to look up the {names} of {few:,.0f} customers costs {few * one.cost:,.0f}"
        by_key = _LEAST * whole < few * one.cost < _MOST * whole
        return Choice(by_key, f"PostgreSQL expects: {told}, to join them {whole:,.0f}")
