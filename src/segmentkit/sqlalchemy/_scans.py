"""Sub-queries over relations: one scan answers all that is asked of a relation at once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from segmentkit import _ir as ir
from segmentkit.dtypes import Kind
from segmentkit.errors import UnsupportedError
from segmentkit.schema import Entity, Relation
from segmentkit.sqlalchemy._compile import Compiler, Sql, divided
from segmentkit.sqlalchemy._elements import (
    Addend,
    AsFloat,
    Divisor,
    Exact,
    ExactText,
    joined,
    keeping_gaps,
)
from segmentkit.sqlalchemy._tables import Tables, column_of

ORDERED = (
    ir.AggregateFunction.FIRST,
    ir.AggregateFunction.LAST,
    ir.AggregateFunction.MEDIAN,
)
"""Aggregates that need rows in order, which grouping alone does not give."""


class Rows:
    """The FROM clause of a query over an entity, joined to what its columns need.

    Links are left joins, so that a row whose link leads nowhere stays, its far values missing.
    """

    def __init__(self, tables: Tables, entity: Entity, scope: ir.Scope) -> None:
        self.tables = tables
        self.schema = tables.schema
        self.entity = entity
        self.scope = scope
        self.start = tables.table(entity).alias()
        self.source: sa.FromClause = self.start
        self.has_gaps = False
        self.linked: dict[tuple[ir.Scope, tuple[str, ...]], sa.FromClause] = {
            (scope, ()): self.start
        }

    def key(self, name: str) -> Sql:
        """A column of the row itself."""
        return column_of(self.start, name)

    def column(self, node: ir.Column) -> Sql:
        """The expression for an attribute, here or beyond links."""
        holder = self.holder(node.scope, node.links)
        start = self.entity if node.scope is self.scope else self.schema.entity
        attribute = self.schema.follow(start, node.links).attribute(node.name)
        assert attribute is not None
        return column_of(holder, attribute.column)

    def finished(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """A query of the rows, once all columns that it needs are known."""
        return keeping_gaps(query) if self.has_gaps else query

    def holder(self, scope: ir.Scope, links: tuple[str, ...]) -> sa.FromClause:
        if (scope, links) not in self.linked:
            *before, name = links
            holder = self.holder(scope, tuple(before))
            start = self.entity if scope is self.scope else self.schema.entity
            link = self.schema.follow(start, before).link(name)
            assert link is not None
            target = self.schema.named(link.to)
            other = self.tables.table(target).alias()
            same = column_of(other, target.key or "") == column_of(holder, link.key)
            self.source = self.source.outerjoin(other, same)
            self.has_gaps = True
            self.linked[scope, links] = other
        return self.linked[scope, links]


class Scan(Rows):
    """The rows of a relation, with the customer's own row joined when a condition reads it."""

    def __init__(self, tables: Tables, relation: Relation) -> None:
        super().__init__(tables, tables.schema.named(relation.to), ir.Scope.ROW)
        self.relation = relation
        self.owner = self.key(relation.key)

    def holder(self, scope: ir.Scope, links: tuple[str, ...]) -> sa.FromClause:
        if scope is ir.Scope.ENTITY and not links and (scope, links) not in self.linked:
            root = self.schema.entity
            customer = self.tables.table(root).alias()
            self.source = self.source.join(
                customer, column_of(customer, root.key or "") == self.owner
            )
            self.linked[scope, links] = customer
        return super().holder(scope, links)


def limited(tables: Tables, owner: Sql, limits: list[ir.Condition]) -> list[Sql]:
    """The test that a row's owner passes the customer's own tests, if there are any."""
    if not limits:
        return []
    entity = tables.schema.entity
    rows = Rows(tables, entity, ir.Scope.ENTITY)
    compiler = Compiler(tables.schema, rows)
    where = joined([compiler.condition(limit) for limit in limits], conjunctive=True)
    query = sa.select(rows.key(entity.key or "")).select_from(rows.source).where(where)
    return [owner.in_(rows.finished(query))]


_MOST = 1_900
"""Aggregates of one scan: SQLite takes 2,000 terms or columns at most."""


class Grouped:
    """One scan of a relation, grouped by customer: every aggregate of it as one expression."""

    def __init__(self, tables: Tables, relation: Relation, aggregates: list[ir.Aggregate]) -> None:
        if len(aggregates) > _MOST:
            raise UnsupportedError(
                f"SQL cannot compute {len(aggregates):,} different aggregates of "
                f"{relation.name!r} in one definition; {_MOST:,} at most"
            )
        self.tables = tables
        self.scan = Scan(tables, relation)
        self.compiler = Compiler(tables.schema, self.scan)
        first = ir.conjuncts(aggregates[0].where)
        common = [c for c in first if all(c in ir.conjuncts(a.where) for a in aggregates)]
        self.where = [self.compiler.condition(c) for c in common]
        rest = {a: [c for c in ir.conjuncts(a.where) if c not in common] for a in aggregates}
        if all(rest.values()):
            # A row that no aggregate looks at need not be read.
            each = [self.compiler.condition(ir.conjunction(list(tests))) for tests in rest.values()]
            self.where.append(joined(each, conjunctive=False))
        self.values = {a: self.aggregate(a, rest[a]) for a in aggregates}

    def aggregate(self, node: ir.Aggregate, tests: list[ir.Condition]) -> Sql:
        """An aggregate of the rows that pass the tests of its own."""
        value: Any = (
            sa.literal_column("1") if node.value is None else self.compiler.value(node.value)
        )
        if tests:
            condition = self.compiler.condition(ir.conjunction(tests))
            value = sa.case((condition, value))
        elif node.value is None:
            return sa.func.count()
        return aggregated(node, value)

    def select(self, *columns: Sql, limits: list[ir.Condition]) -> sa.Select[Any]:
        """The scan, grouped; nobody's rows are left out."""
        owner = self.scan.owner
        tests = [owner.is_not(None), *self.where, *limited(self.tables, owner, limits)]
        return self.scan.finished(
            sa.select(owner.label("owner"), *columns)
            .select_from(self.scan.source)
            .where(joined(tests, conjunctive=True))
            .group_by(owner)
        )

    def owners(self, limits: list[ir.Condition]) -> sa.Select[Any]:
        """Just who has such rows, not grouped."""
        return self.select(limits=limits).group_by(None)


def aggregated(node: ir.Aggregate | ir.Overall, value: Sql) -> Sql:
    """One value of many, those that are NULL left out."""
    match node.function:
        case ir.AggregateFunction.COUNT:
            return sa.func.count(value)
        case ir.AggregateFunction.COUNT_DISTINCT:
            if node.value is not None and node.value.dtype.kind is Kind.TEXT:
                value = ExactText(value)
            return sa.func.count(value.distinct())
        case ir.AggregateFunction.SUM:
            total = _sum(node, value)
            return sa.func.coalesce(total, 0, type_=total.type)
        case ir.AggregateFunction.AVG:
            return mean(node, value)
        case ir.AggregateFunction.MIN:
            return sa.func.min(value)
        case ir.AggregateFunction.MAX:
            return sa.func.max(value)
        case _:
            raise AssertionError("needs rows in order")


def mean(node: ir.Aggregate | ir.Overall, value: Sql) -> Sql:
    """The exact sum over the count, as a float: engines' own averages have their own scales."""
    return divided(AsFloat(_sum(node, value)), Divisor(AsFloat(sa.func.count(value))))


def _sum(node: ir.Aggregate | ir.Overall, value: Sql) -> Sql:
    assert node.value is not None
    dtype = node.value.dtype
    if dtype.kind is Kind.INTEGER:
        value = Addend(value)
    total: Sql = sa.func.sum(value, type_=value.type)
    exact = dtype.kind is Kind.DECIMAL and dtype.scale is not None
    return Exact(total, dtype.scale or 0) if exact else total


def ordered(
    tables: Tables, relation: Relation, node: ir.Aggregate, limits: list[ir.Condition]
) -> sa.Subquery:
    """``owner`` and ``value`` of an aggregate that needs rows in order."""
    if node.function is ir.AggregateFunction.MEDIAN:
        return _median(_Candidates(tables, relation, node, limits), node)
    return _at_the_end(
        _Candidates(tables, relation, node, limits),
        _Candidates(tables, relation, node, limits),
        node,
    )


class _Candidates:
    """The rows that an ordered aggregate chooses from: those that pass and have a value."""

    def __init__(
        self, tables: Tables, relation: Relation, node: ir.Aggregate, limits: list[ir.Condition]
    ) -> None:
        self.scan = Scan(tables, relation)
        compiler = Compiler(tables.schema, self.scan)
        assert node.value is not None
        self.kind = node.value.dtype.kind
        self.owner = self.scan.owner
        self.value = compiler.value(node.value)
        tests = compiler.condition(node.where), self.value.is_not(None)
        self.where = [self.owner.is_not(None), *tests, *limited(tables, self.owner, limits)]

    def query(self, *columns: Sql) -> sa.Select[Any]:
        """Columns of the candidates."""
        query = sa.select(*columns).select_from(self.scan.source).where(*self.where)
        return self.scan.finished(query)

    @property
    def at(self) -> Sql:
        """When a row happened."""
        at = self.scan.entity.attribute(self.scan.relation.at or "")
        assert at is not None
        return self.scan.key(at.column)

    @property
    def tie(self) -> Sql:
        """What settles the order of rows at one instant."""
        key = self.scan.entity.key_attribute
        tie = self.scan.key(key.column) if key else self.value
        is_text = (key.dtype.kind if key else self.kind) is Kind.TEXT
        return ExactText(tie) if is_text else tie


def _median(rows: _Candidates, node: ir.Aggregate) -> sa.Subquery:
    """The middle row of an odd number of rows, the mean of two in the middle of an even one."""
    place = sa.func.row_number().over(partition_by=rows.owner, order_by=rows.value)
    of = sa.func.count().over(partition_by=rows.owner)
    placed = rows.query(
        rows.owner.label("owner"),
        rows.value.label("value"),
        place.label("place"),
        of.label("of"),
    ).subquery()
    median = mean(node, placed.c.value).label("value")
    chosen = sa.select(placed.c.owner, median).where(middle(placed))
    return chosen.group_by(placed.c.owner).subquery()


def middle(placed: sa.Subquery) -> Sql:
    """Of rows that know their ``place``, and ``of`` how many: the one in the middle, or the two."""
    twice = 2 * placed.c.place
    return sa.and_(twice >= placed.c.of, twice <= placed.c.of + 2)


def _at_the_end(all_rows: _Candidates, rows: _Candidates, node: ir.Aggregate) -> sa.Subquery:
    """The value at the first or last instant; only rows of that one instant are put in order."""
    last = node.function is ir.AggregateFunction.LAST
    end = (sa.func.max if last else sa.func.min)(all_rows.at)
    ends = (
        all_rows.query(all_rows.owner.label("owner"), end.label("instant"))
        .group_by(all_rows.owner)
        .subquery()
    )
    place = sa.func.row_number().over(
        partition_by=rows.owner, order_by=rows.tie.desc() if last else rows.tie
    )
    same = sa.and_(ends.c.owner == rows.owner, ends.c.instant == rows.at)
    rows.scan.source = rows.scan.source.join(ends, same)
    placed = rows.query(
        rows.owner.label("owner"), rows.value.label("value"), place.label("place")
    ).subquery()
    return sa.select(placed.c.owner, placed.c.value).where(placed.c.place == 1).subquery()
