"""One segment by an index: those who pass the tests of attributes, and of each its own rows."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from attrs import evolve, frozen

from segmentkit._planning import ir
from segmentkit._planning.plan import Group
from segmentkit.sqlalchemy.dialects.elements import joined
from segmentkit.sqlalchemy.planner import PostgresqlPlanner, SqlitePlanner
from segmentkit.sqlalchemy.statements.aggregate_subqueries import Grouped
from segmentkit.sqlalchemy.statements.compiler import Compiler, Sql
from segmentkit.sqlalchemy.statements.joins import Rows
from segmentkit.sqlalchemy.statements.predicate import (
    OfCustomer,
    aggregates_of,
    guarded,
    is_existence,
    is_plain,
    limiting,
    only_group,
)
from segmentkit.sqlalchemy.tables import Tables

_LEAST, _MOST = 1.25, 8
"""Between which multiples of a join's cost it is faster to look up the rows of each customer.

PostgreSQL takes each look-up for a read of the disk. In memory, where most of the table is by the
end, they cost less: measured by processor time, both take the same at eight (5 rows a customer) to
fifteen (30). Below the least, it looks the rows up in a join, too.
"""

_MOST_APART = 4
"""Tests of which each is asked by itself: if all pass, each reads the rows again that others read.

Measured on SQLite, beside one scan in the order of the index: where few customers pass the first of
three, 0.4 to 0.9 of its time; where all pass all of four, 1.4.
"""

_QUICK = 1_000
"""The cost of a join, some milliseconds, beside which asking more takes too long."""


@frozen
class Choice:
    """Whether the rows of each customer are looked up, or those of all who are on a list, and why.

    Otherwise they are joined. ``apart``: looked up for one measure after the other.
    """

    by_key: bool
    why: str
    listed: bool = False
    apart: bool = False


# Before they have left few customers.
_BEYOND = "tests beyond links would come after a look-up"


@frozen
class _OfCustomers:
    """A condition of customers, of whom each one's own rows are looked up.

    Attributes:
        condition: The condition.
        tables: Where it is asked.
    """

    condition: ir.Condition
    tables: Tables

    @property
    def plain(self) -> list[ir.Condition]:
        """The tests of attributes."""
        return [each for each in ir.conjuncts(self.condition) if is_plain(each)]

    def customers(self) -> tuple[Rows, Sql, list[Sql]]:
        """The customers, the column of their keys, and the tests of their attributes."""
        rows = Rows(self.tables, self.tables.schema.entity, ir.Scope.ENTITY)
        compiler = Compiler(self.tables.schema, rows)
        tests = [compiler.condition(each) for each in self.plain]
        return rows, rows.key(rows.entity.key or ""), tests


@frozen
class Apart(_OfCustomers):
    """A condition of which each measure is looked up by itself, until one is not as asked."""

    @property
    def measures(self) -> list[ir.Condition]:
        """The tests of relations, first those that read little and that few customers pass."""
        found = [each for each in ir.conjuncts(self.condition) if not is_plain(each)]
        of_nothing = OfCustomer(self.tables).holds_of_nothing
        # Most customers pass what holds of nothing.
        return sorted(found, key=lambda each: (not of_nothing(each), _since(each)), reverse=True)

    def select(self) -> sa.Select[Any]:
        """The keys of those of whom the condition holds."""
        customers, key, where = self.customers()
        where += [self._of_one(each, key, customers.start) for each in self.measures]
        test = guarded(joined(where, conjunctive=True), ir.walk(self.condition))
        return customers.finished(sa.select(key).select_from(customers.source).where(test))

    def _of_one(self, node: ir.Condition, key: Sql, start: sa.FromClause) -> Sql:
        """That the rows of the customer with a key are as asked."""
        customer = OfCustomer(self.tables)
        absent = customer.holds_of_nothing(node)
        test = ir.complement(node) if absent else node
        group = only_group(test)
        assert group is not None
        grouped = Grouped(customer.rows_of(group, []), aggregates_of(test))
        if is_existence(test):
            query = grouped.owners(apart=False).where(grouped.scan.owner == key)
        else:
            compiler = Compiler(self.tables.schema, grouped.scan, grouped.values)
            query = grouped.of_one(key).having(compiler.condition(test))
        found = query.correlate(start).exists()
        return ~found if absent else found

    def choice(self, planner: SqlitePlanner) -> Choice:
        """Whether an index of one table has all that is asked of a customer's rows."""
        groups = {only_group(each) for each in self.measures}
        group = groups.pop()
        if groups or group is None:
            return Choice(False, "more than one scan is asked")
        if len(self.measures) > _MOST_APART:
            return Choice(False, f"one scan is faster for more than {_MOST_APART} measures")
        customers, key, _ = self.customers()
        if customers.source is not customers.start:
            return Choice(False, _BEYOND)
        tests = [self._of_one(each, key, customers.start) for each in self.measures]
        owner = OfCustomer(self.tables).rows_of(group, []).scan.owner
        found = planner.is_covered(sa.select(key).where(*tests), owner.name)
        told = f"in which all that is asked of one customer's {'.'.join(group[1])} is found"
        return Choice(found, f"SQLite has {'an' if found else 'no'} index {told}", apart=True)


def _since(node: ir.Condition) -> str:
    """From when a test of aggregates looks at rows, as a text in the order of time."""
    tests = [ir.conjuncts(each.where) for each in aggregates_of(node)]
    return min(max(map(_bound, each), default="") for each in tests)


def _bound(test: ir.Condition) -> str:
    match test:
        case ir.Compare(
            ir.Comparison.GT | ir.Comparison.GE, ir.Column(), ir.Const(date() as earliest)
        ):
            return earliest.isoformat()
        case _:
            return ""


@frozen
class ByKey(_OfCustomers):
    """A condition of which one group of aggregates is looked up customer by customer.

    Attributes:
        group: The group.
        having: What is asked of the group.
        rest: What is asked of other relations.
    """

    group: Group
    having: ir.Condition
    rest: tuple[ir.Condition, ...]

    def select(self) -> sa.Select[Any]:
        """The keys of those of whom the condition holds."""
        customers, key, where = self.customers()
        if self.rest:
            other = OfCustomer(evolve(self.tables, root=customers.start, mapped=None))
            where.append(other.condition(ir.conjunction([*self.rest]), limiting(self.plain)))
        # Who has no rows is in no group, as in a join.
        own = self.rows_of(key).correlate(customers.start).exists()
        return customers.finished(sa.select(key).select_from(customers.source).where(*where, own))

    def rows_of(self, key: Sql) -> sa.Select[Any]:
        """The customer with a key, if the rows are as the group is asked to be."""
        rows = OfCustomer(self.tables).rows_of(self.group, [])
        grouped = Grouped(rows, aggregates_of(self.having))
        test = Compiler(self.tables.schema, rows.scan, grouped.values).condition(self.having)
        return grouped.of_one(key).having(guarded(test, ir.walk(self.condition)))

    def choice(self, planner: PostgresqlPlanner, join: sa.Select[Any]) -> Choice:
        """What the planner expects of it, beside a join."""
        try:
            with planner.kept():
                return self._choice(planner, join)
        except sa.exc.SQLAlchemyError:
            return Choice(False, "PostgreSQL does not say what it expects")

    def _choice(self, planner: PostgresqlPlanner, join: sa.Select[Any]) -> Choice:
        expected = planner.expected(join)
        whole = expected.cost
        if expected.is_walk:
            # It takes what it reads twice for read once, whatever the memory of the server.
            return Choice(False, "PostgreSQL would join in the order of an index", listed=True)
        if whole < _QUICK:
            return Choice(False, f"PostgreSQL expects: to join them costs {whole:,.0f}")
        names = ".".join(self.group[1])
        customers, key, tests = self.customers()
        if customers.source is not customers.start:
            return Choice(False, _BEYOND)
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
