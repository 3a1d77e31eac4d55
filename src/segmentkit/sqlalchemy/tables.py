"""Where the schema's tables and columns are, in the user's own tables and mapped classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa
from attrs import field, frozen
from sqlalchemy.orm import DeclarativeBase, Mapper
from sqlalchemy.orm.util import AliasedClass, AliasedInsp

from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._planning import ir
from segmentkit.errors import SchemaError
from segmentkit.schema import Entity, Schema
from segmentkit.sqlalchemy.dialects.long_lists import portions, whole_list

Root: TypeAlias = sa.FromClause | type[DeclarativeBase] | type[Any] | AliasedClass[Any]
"""What stands for the entity in a query: a table, an alias, a mapped class or an alias of one."""

Lists: TypeAlias = Mapping[str, sa.ColumnElement[Any]]
"""Columns that hold keys, by the names of static lists."""


@frozen
class Tables:
    """The tables of a schema, and what stands for its entity in the user's query.

    Attributes:
        schema: The schema.
        metadata: Where the tables are.
        root: The selectable whose rows the predicate tests.
        mapped: The mapped class or its alias, when the user gave one.
        lists: Columns that hold the keys of static lists, by the lists' names.
        parameters: The keys of static lists as parameters; filled as they are asked for.
        joins: Whether relations are always joined to whom a query is of, and no ``IN`` asks about
            them: Spark broadcasts ``NOT IN``, and has no limit of joins.
    """

    schema: Schema
    metadata: sa.MetaData
    root: sa.FromClause
    mapped: Any = None
    lists: Lists = field(factory=dict)
    parameters: dict[frozenset[int | str], tuple[Any, list[Any]]] = field(factory=dict, eq=False)
    joins: bool = False

    @classmethod
    def of(cls, schema: Schema, root: Root, lists: Lists | None = None) -> Tables:
        """Find the tables of a schema, beginning from what the user selects from.

        Raises:
            SchemaError: The root is not what the schema segments.
        """
        inspected = sa.inspect(root, raiseerr=False)
        mapped = None
        selectable: Any = inspected
        if isinstance(inspected, Mapper | AliasedInsp):
            mapped, selectable = root, inspected.selectable
        if not isinstance(selectable, sa.FromClause):
            raise SchemaError(
                f"{root!r:.80} is neither a table nor a mapped class, nor an alias of one"
            )
        table = _table_below(selectable)
        if table is None or table.name != schema.entity.table:
            named = "a subquery" if table is None else repr(table.name)
            raise SchemaError(
                f"the schema segments {schema.entity.table!r}, and the query selects from {named}"
            )
        return cls(schema, table.metadata, selectable, mapped, lists or {})

    def table(self, entity: Entity) -> sa.Table:
        """The table of an entity.

        Raises:
            SchemaError: There is none of that name.
        """
        found = self.metadata.tables.get(entity.table)
        if found is None:
            known = ", ".join(sorted(self.metadata.tables)) or "none"
            raise SchemaError(f"there is no table {entity.table!r}; the tables are {known}")
        return found

    def linked(self, entity: Entity) -> sa.FromClause:
        """The rows of an entity to join by its key: at most one for each.

        Where nothing says that the key is unique, a row that is there twice is taken once.
        """
        table = self.table(entity)
        key = column_of(table, entity.key or "")
        if is_unique(table, key):
            return table.alias()
        rows = table.alias()
        named = [*entity.columns, *(link.key for link in entity.links)]
        named += [
            way.key for e in self.schema.entities for way in e.relations if way.to == entity.name
        ]
        names = [n for n in dict.fromkeys([entity.key or "", *named]) if n in rows.c]
        columns = [rows.c[name] for name in names]
        # JSON has no order.
        order = [c for c in columns if not isinstance(c.type, sa.JSON)]
        place = sa.func.row_number().over(partition_by=columns[0], order_by=order).label(_PLACE)
        placed = sa.select(*columns, place).subquery()
        kept = [c for c in placed.c if c.name != _PLACE]
        return sa.select(*kept).where(placed.c[_PLACE] == 1).subquery()

    def keys_of(self, node: ir.Listed, kind: Any) -> tuple[Any, list[Any]]:
        """The keys of a list as one parameter, and as several that every database takes.

        They are the same wherever a statement asks for the list, so that they travel once.
        """
        if node.keys not in self.parameters:
            keys = sorted(node.keys)
            parts = [
                sa.BindParameter(node.name, part, kind, unique=True, expanding=True)
                for part in portions(keys)
            ]
            self.parameters[node.keys] = whole_list(node.name, keys, kind), parts
        return self.parameters[node.keys]

    def root_column(self, name: str) -> sa.ColumnElement[Any]:
        """A column of the entity in the user's query."""
        if self.mapped is None:
            return column_of(self.root, name)
        mapper = sa.inspect(self.mapped).mapper
        # Not the class's own table, which holds a part of the row where classes inherit.
        column = column_of(self.table(self.schema.entity), name)
        attribute = mapper.get_property_by_column(column)
        found: sa.ColumnElement[Any] = getattr(self.mapped, attribute.key)
        return found


_PLACE = "segmentkit_place"


def is_unique(table: sa.Table, column: sa.ColumnElement[Any]) -> bool:
    """Whether the table says that no two rows have the same value."""
    sets: list[Any] = [c for c in table.constraints if isinstance(c, sa.UniqueConstraint)]
    sets += [table.primary_key, *(i for i in table.indexes if i.unique)]
    return any(list(each.columns) == [column] for each in sets)


def column_of(selectable: sa.FromClause, name: str) -> sa.ColumnElement[Any]:
    """A column of a table or of an alias of it.

    Raises:
        SchemaError: It has none of that name.
    """
    found = selectable.c.get(name)
    if found is None:
        hint = did_you_mean(name, selectable.c.keys())
        title = getattr(_table_below(selectable), "name", "the table")
        raise SchemaError(f"table {title!r} has no column {name!r}" + (f"; {hint}" if hint else ""))
    return found


def _table_below(selectable: sa.FromClause) -> sa.Table | None:
    """The table that an alias stands for; the first one of a join."""
    while isinstance(selectable, sa.Alias | sa.Join):
        selectable = selectable.left if isinstance(selectable, sa.Join) else selectable.element
    return selectable if isinstance(selectable, sa.Table) else None


def missing_parts(schema: Schema, columns: Mapping[str, Iterable[str]]) -> list[str]:
    """What the schema names and a database lacks, in words; ``columns`` are those of each table."""
    lacking = []
    for entity in schema.entities:
        if entity.table not in columns:
            hint = did_you_mean(entity.table, columns)
            lacking.append(f"no table {entity.table!r}" + (f" ({hint})" if hint else ""))
            continue
        there = set(columns[entity.table])
        named = [*entity.columns, *(i.key for i in entity.links)]
        named += [entity.key] if entity.key else []
        named += [
            way.key
            for other in schema.entities
            for way in other.relations
            if schema.named(way.to) is entity
        ]
        for name in dict.fromkeys(named):
            if name not in there:
                hint = did_you_mean(name, there)
                lacking.append(
                    f"no column {name!r} in table {entity.table!r}" + (f" ({hint})" if hint else "")
                )
    return lacking
