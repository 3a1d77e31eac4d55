"""FROM clauses: the rows of an entity or a relation, with the joins that their columns need."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeAlias

import sqlalchemy as sa

from segmentkit._planning import ir
from segmentkit.errors import UnsupportedError
from segmentkit.schema import Entity, Relation
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled, keeping_gaps
from segmentkit.sqlalchemy.statements.compiler import Sql
from segmentkit.sqlalchemy.statements.lists import held
from segmentkit.sqlalchemy.tables import Tables, column_of

Way: TypeAlias = tuple[Relation, ...]
"""Relations one after the other, outermost first."""
Start: TypeAlias = ir.Scope | int
"""The row that a column is read from: of a row above, how many relations up."""


class Rows:
    """The FROM clause of a query over an entity, joined to what its columns need.

    Links are left joins, so that a row whose link leads nowhere stays, its far values missing.
    """

    def __init__(
        self,
        tables: Tables,
        entity: Entity,
        scope: ir.Scope,
        *,
        start: sa.FromClause | None = None,
    ) -> None:
        """The rows of an entity.

        Args:
            tables: Where they are.
            entity: What they are.
            scope: The scope of the columns that are their own.
            start: The rows; by default those of everyone.
        """
        self.tables = tables
        self.schema = tables.schema
        self.entity = entity
        self.scope = scope
        self.start = tables.everyone() if start is None else start
        self.source: sa.FromClause = self.start
        self.has_gaps = False
        self.linked: dict[tuple[Start, tuple[str, ...]], sa.FromClause] = {(scope, ()): self.start}

    def key(self, name: str) -> Sql:
        """A column of the row itself."""
        return column_of(self.start, name)

    def column(self, node: ir.Column) -> Sql:
        """The expression for an attribute, here or beyond links."""
        start = node.up if node.scope is ir.Scope.ABOVE else node.scope
        holder = self.holder(start, node.links)
        attribute = self.schema.follow(self.entity_of(start), node.links).attribute(node.name)
        assert attribute is not None
        return held(attribute, column_of(holder, attribute.column))

    def join(self, other: sa.FromClause, same: Sql) -> None:
        """Join another row to each row, or nothing where there is none."""
        self.source = self.source.outerjoin(other, same)
        self.has_gaps = True

    def finished(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """A query of the rows, once all that it needs is joined to them."""
        return keeping_gaps(query) if self.has_gaps else query

    def entity_of(self, start: Start) -> Entity:
        """What the row is that a column is read from."""
        return self.entity if start is self.scope else self.schema.entity

    def holder(self, start: Start, links: tuple[str, ...]) -> sa.FromClause:
        if (start, links) not in self.linked:
            *before, name = links
            holder = self.holder(start, tuple(before))
            entity = self.schema.follow(self.entity_of(start), before)
            link = entity.link(name)
            assert link is not None
            other, same = self.tables.led_to(entity, link)
            tests = [there == column_of(holder, here) for there, here in same]
            self.join(other, tests[0] if len(tests) == 1 else sa.and_(*tests))
            self.linked[start, links] = other
        return self.linked[start, links]


class Scan(Rows):
    """The rows at the end of a way of relations, with the customer's own row joined when needed.

    Attributes:
        above: The way from the customer to the holder of the rows.
        way: The way from the holder to the rows.
        owner: For each row its holder's key.
        between: The rows that the way passes, outermost first.
    """

    def __init__(self, tables: Tables, above: Way, way: Way) -> None:
        whole = (*above, *way)
        targets = [tables.schema.named(relation.to) for relation in whole]
        self.holders = [tables.schema.entity, *targets]
        self.owner: Sql
        start, self.owner = tables.related(self.holders[len(whole) - 1], whole[-1])
        super().__init__(tables, targets[-1], ir.Scope.ROW, start=start)
        self.above = above
        self.way = way
        self.between: tuple[sa.FromClause, ...] = ()
        for place in range(len(whole) - 2, len(above) - 1, -1):
            passed, self.owner = self._joined(whole[place], self.holders[place], self.owner)
            self.between = (passed, *self.between)

    def _joined(self, relation: Relation, holder: Entity, key: Sql) -> tuple[sa.FromClause, Sql]:
        """The row of a relation that has a key, and its own holder's key."""
        entity = self.schema.named(relation.to)
        row, owner = self.tables.related(holder, relation, once=True)
        self.source = self.source.join(row, column_of(row, entity.key or "") == key)
        return row, owner

    @cached_property
    def customer(self) -> Sql:
        """The key of the customer whose the row is in the end."""
        return self.climbed(self.above)

    def climbed(self, way: Way) -> Sql:
        """The key of the row from which a way leads to the rows' holder."""
        key: Sql = self.owner
        for place in range(len(self.above) - 1, len(self.above) - 1 - len(way), -1):
            relation, holder = self.above[place], self.holders[place]
            if self.tables.is_shared(holder, relation):
                raise UnsupportedError(
                    f"SQL cannot refer from inner rows of {relation.name!r} back to their owner: "
                    f"a row of {relation.name!r} can belong to several"
                )
            _, key = self._joined(relation, holder, key)
        return key

    @property
    def at(self) -> Sql:
        """When a row happened."""
        at = self.entity.attribute(self.way[-1].at or "")
        assert at is not None
        return held(at, self.key(at.column))

    def entity_of(self, start: Start) -> Entity:
        return self.holders[-1 - start] if isinstance(start, int) else super().entity_of(start)

    def holder(self, start: Start, links: tuple[str, ...]) -> sa.FromClause:
        if not links and (start, links) not in self.linked:
            self.linked[start, links] = self._above(start)
        return super().holder(start, links)

    def _above(self, start: Start) -> sa.FromClause:
        """The customer's row, or one on the way from there to the row here."""
        if not isinstance(start, int):
            row, key = self.tables.everyone(once=True), self.customer
        elif start < len(self.way):
            return self.between[-start]
        else:
            climb = start - len(self.way)
            key = self.climbed(self.above[len(self.above) - climb :])
            row = self.tables.linked(self.entity_of(start))
        self.source = self.source.join(row, column_of(row, self.entity_of(start).key or "") == key)
        return row


class Passed:
    """Columns of the rows that the way of a scan passes at one place, and of the customer."""

    def __init__(self, scan: Scan, place: int) -> None:
        self.tables = scan.tables
        self.scan = scan
        self.place = place

    def column(self, node: ir.Column) -> Sql:
        """The expression for an attribute."""
        if node.scope is ir.Scope.ENTITY:
            return self.scan.column(node)
        attribute = self.scan.schema.named(self.scan.way[self.place].to).attribute(node.name)
        assert attribute is not None
        return held(attribute, column_of(self.scan.between[self.place], attribute.column))


class Root:
    """Columns of the entity in the user's own query; a link is a look-up by key."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.schema = tables.schema

    def column(self, node: ir.Column) -> Sql:
        attribute = self.schema.follow(self.schema.entity, node.links).attribute(node.name)
        assert attribute is not None
        if not node.links:
            return held(attribute, self.tables.root_column(attribute.column))
        first, *rest = node.links
        link = self.schema.entity.link(first)
        assert link is not None
        start, same = self.tables.led_to(self.schema.entity, link)
        rows = Rows(self.tables, self.schema.named(link.to), ir.Scope.ENTITY, start=start)
        column = column_of(rows.holder(ir.Scope.ENTITY, tuple(rest)), attribute.column)
        tests = [there == self.tables.root_column(here) for there, here in same]
        found = Spelled(Construct.ONLY_ROW, held(attribute, column))
        query = rows.finished(sa.select(found).select_from(rows.source).where(*tests))
        looked_up = query.correlate(*self.tables.root_froms).scalar_subquery()
        return Spelled(Construct.LOOKED_UP, looked_up)


def way_of(entity: Entity, names: tuple[str, ...], named: Callable[[str], Entity]) -> Way:
    """The relations of a path from an entity."""
    way: list[Relation] = []
    for name in names:
        relation = entity.relation(name)
        assert relation is not None
        way.append(relation)
        entity = named(relation.to)
    return tuple(way)
