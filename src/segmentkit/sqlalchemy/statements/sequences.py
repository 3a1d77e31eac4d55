"""Rows that come after others, or before them, in the shape that suits an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import sqlalchemy as sa
from attrs import frozen

from segmentkit._planning import ir
from segmentkit._planning.plan import is_of_columns
from segmentkit.dtypes import DATE
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled, later
from segmentkit.sqlalchemy.dialects.shapes import Sequences
from segmentkit.sqlalchemy.dialects.stored_values import decoded, same_form
from segmentkit.sqlalchemy.dialects.written_times import on_one_clock
from segmentkit.sqlalchemy.statements.aggregate_subqueries import RowTests, Test
from segmentkit.sqlalchemy.statements.comparisons import equal, met
from segmentkit.sqlalchemy.statements.compiler import Sql, exactly


class Row(RowTests, Protocol):
    """Rows of a scan, and the holder within whose rows a sequence is.

    Attributes:
        beside: What rows that matter pass beside the sequence.
    """

    beside: list[Test]

    def owner(self, node: ir.Follows) -> Sql:
        """The key of the holder whose other rows can come after a row here."""
        ...

    def again(self) -> Row:
        """The same rows in another scan: those that matter to a sequence."""
        ...


@frozen
class Step:
    """A step of a sequence: rows here, and the rows that come after them or before.

    Attributes:
        node: What is asked.
        here: The rows of which it is asked.
        other: The rows that come after or before.
    """

    node: ir.Follows
    here: Row
    other: Row

    def holds(self, shape: Sequences, *, positive: bool) -> Sql:
        """The test that another row comes after the one here, or that none does."""
        chained = any(not is_of_columns(each) for each in ir.conjuncts(self.node.where))
        match shape:
            case Sequences.SORTED:
                return self._sorted(positive=positive)
            case Sequences.NAMED:
                found = self._named(_with_name)
            case Sequences.NAMED_CHAINS if chained:
                found = self._named(_kept_apart)
            case _:
                found = self._correlated()
        return found if positive else sa.not_(found)

    def _correlated(self) -> sa.Exists:
        """The other rows are looked up for each row."""
        other = self.other
        at, then = self._instants(self.here.value(self.node.at), other.scan.at)
        tests = [other.scan.owner == self.here.owner(self.node)]
        tests += [equal(of, mine, its) for of, mine, its in self._same(self.here, other)]
        tests += [*self._in_time(at, then), *self._passed(other)]
        return _exists(other.scan.source, tests, other.scan.finished)

    def _named(self, put_aside: Callable[[sa.Select[Any]], sa.FromClause]) -> sa.Exists:
        """The other rows that pass are found once, and looked up among themselves."""
        other = self.other
        at, then = self._instants(self.here.value(self.node.at), other.scan.at)
        tests = [*self._passed(other), *other.limits()]
        same = self._same(self.here, other)
        columns = [other.scan.owner.label("owner"), then.label("instant")]
        columns += [its.label(f"same_{i}") for i, (_, _, its) in enumerate(same)]
        query = sa.select(*columns).select_from(other.scan.source).where(*tests)
        named = put_aside(other.scan.finished(query))
        found = [named.c.owner == self.here.owner(self.node)]
        for (of, mine, _), its in zip(same, list(named.c)[2:], strict=True):
            found.append(equal(of, mine, its))
        return _exists(named, [*found, *self._in_time(at, named.c.instant)])

    def _sorted(self, *, positive: bool) -> Sql:
        """The rows here whose nearest other row is near enough, found in one pass over both.

        A row that can be both comes twice. At one instant, rows here stand first, so that none of
        the others has been seen yet.
        """
        node, here, other = self.node, self.here.again(), self.other
        at, then = self._instants(here.value(node.at), other.scan.at)
        same = [(exactly(of, a), exactly(of, b)) for of, a, b in self._same(here, other)]
        mine, its = [a for a, _ in same], [b for _, b in same]
        passed = [*here.passed(self.here.beside), *here.limits()]
        streams = [
            (here, [here.owner(node), *mine], at, passed),
            (other, [other.scan.owner, *its], then, [*self._passed(other), *other.limits()]),
        ]
        both = sa.union_all(
            *(
                row.scan.finished(
                    sa.select(
                        instant.label("instant"),
                        _number(step).label("step"),
                        *(value.label(f"same_{i}") for i, value in enumerate(values)),
                    )
                    .select_from(row.scan.source)
                    .where(*tests, *(value.is_not(None) for value in values[1:]))
                )
                for step, (row, values, instant, tests) in enumerate(streams)
            )
        ).subquery()
        instant, step, *values = both.c
        nearest = (sa.func.max if node.backward else sa.func.min)(
            sa.case((step == _number(1), instant))
        ).over(
            partition_by=values,
            order_by=(instant if node.backward else instant.desc(), step),
            rows=(None, 0),
        )
        placed = sa.select(instant, step, *values, nearest.label("nearest")).subquery()
        near = self._is_near(placed.c.instant, placed.c.nearest, positive=positive)
        # By an index on what is sorted, which MariaDB would make for it, each row is looked up.
        found = placed.c.instant, *list(placed.c)[2:-1]
        keys = sa.select(*(Spelled(Construct.OWNER, each) for each in found))
        keys = keys.where(placed.c.step == _number(0), near)
        at, _ = self._instants(self.here.value(node.at), other.scan.at)
        owner = self.here.owner(node)
        mine = [exactly(of, a) for of, a, _ in self._same(self.here, other)]
        holds = sa.tuple_(at, owner, *mine).in_(keys)
        # What has no key has no rows of its own, and what is missing is the same as nothing.
        without = [*([owner] if node.own else []), *mine]
        return holds if positive else sa.or_(holds, *(each.is_(None) for each in without))

    def _passed(self, other: Row) -> list[Sql]:
        tests: list[Test] = [(None, test) for test in ir.conjuncts(self.node.where)]
        return other.passed(tests)

    def _same(self, here: Row, other: Row) -> list[tuple[ir.Value, Sql, Sql]]:
        """What must be the same of a row here and of another row, in forms that compare."""
        return [(a, *met(a, here.value(a), other.value(b))) for a, b in self.node.same]

    def _instants(self, at: Sql, then: Sql) -> tuple[Sql, Sql]:
        """When the two rows are, so that it can be compared."""
        if not same_form(at, then, ordered=True):
            at, then = decoded(at), decoded(then)
        return on_one_clock(at), on_one_clock(then)

    def _in_time(self, at: Sql, then: Sql) -> list[Sql]:
        end = self._end(at)
        near = [] if end is None else [self._not_after(decoded(then), end)]
        return [self._after(at, then), *near]

    def _after(self, one: Sql, other: Sql) -> Sql:
        """Whether the other instant comes after the one, or before it if the node looks back."""
        found: Sql = other < one if self.node.backward else other > one
        return found

    def _not_after(self, one: Sql, other: Sql) -> Sql:
        found: Sql = one >= other if self.node.backward else one <= other
        return found

    def _is_near(self, at: Sql, nearest: Sql, *, positive: bool) -> Sql:
        """Whether the nearest other row, if there is one, is near enough, or is not."""
        end, then = self._end(at), decoded(nearest)
        if end is None:
            return nearest.is_not(None) if positive else nearest.is_(None)
        if positive:
            return self._not_after(then, end)
        return sa.or_(nearest.is_(None), self._after(end, then))

    def _end(self, at: Sql) -> Sql | None:
        """The instant as far away as another row may be, if there is a limit."""
        if self.node.within is None:
            return None
        seconds = -self.node.within if self.node.backward else self.node.within
        if self.node.at.dtype == DATE:
            days = sa.literal(int(seconds / _DAY), sa.Integer())
            return Spelled(Construct.DAYS_LATER, decoded(at), days)
        return later(decoded(at), seconds)


_DAY = 86_400


def _exists(
    source: sa.FromClause,
    tests: list[Sql],
    finished: Callable[[sa.Select[Any]], sa.Select[Any]] = lambda query: query,
) -> sa.Exists:
    query: sa.Select[Any] = sa.select(_number(1)).select_from(source).where(*tests)
    return finished(query).correlate_except(source).exists()


def _number(number: int) -> Sql:
    # The numbers are ours, and parameters are few.
    return sa.literal_column(str(number), sa.Integer())


def _with_name(query: sa.Select[Any]) -> sa.FromClause:
    """Rows that stand at the head of the whole statement, not deeper with every step."""
    return query.cte().prefix_with("MATERIALIZED")


def _kept_apart(query: sa.Select[Any]) -> sa.FromClause:
    """Rows that PostgreSQL does not mix with those of the query around them.

    It expects a ninth of a step's rows to have another within the limits, so at the end of a chain
    it expects one, for which it would read all rows for each of the others. Of the items of an
    array that it does not see, it expects ten.
    """
    items = sa.select(sa.literal_column("ARRAY[1]")).scalar_subquery()
    one = sa.func.unnest(items).table_valued("item", joins_implicitly=True)
    return query.select_from(one).offset(sa.literal_column("0")).subquery()
