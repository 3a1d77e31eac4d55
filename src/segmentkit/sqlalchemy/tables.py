"""Where the schema's tables and columns are among the user's own tables and mapped classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa
from attrs import evolve, field, frozen
from sqlalchemy.orm import DeclarativeBase, Mapper, RelationshipProperty
from sqlalchemy.orm.util import AliasedClass, AliasedInsp

from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._planning import ir
from segmentkit._usage import described
from segmentkit.errors import SchemaError
from segmentkit.schema import Entity, Link, Relation, Schema
from segmentkit.sqlalchemy.dialects.long_lists import portions, whole_list
from segmentkit.sqlalchemy.dialects.shapes import Shapes
from segmentkit.sqlalchemy.given import Lists, Where, condition, keys_of_lists
from segmentkit.sqlalchemy.mapped_rows import MappedRows
from segmentkit.sqlalchemy.models import (
    OWNER,
    Models,
    equal_columns,
    is_of,
    is_unique,
    labelled,
    leads_to_one,
    meant,
    named_columns,
    related_rows,
    rows_of,
    table_of,
    whole_table,
)
from segmentkit.sqlalchemy.planner import Planner

VIEWS = "segmentkit_views"
"""Where metadata keeps views by name: none of its own tables, which it would create as such."""

Root: TypeAlias = sa.FromClause | type[DeclarativeBase] | type[Any] | AliasedClass[Any]
"""What stands for the entity in a query: a table, an alias, a mapped class or an alias of one."""


@frozen
class Tables:
    """The tables of a schema, and what stands for its entity in the user's query.

    Attributes:
        schema: The schema.
        metadata: Where the tables are.
        root: The selectable whose rows the predicate tests.
        mapped: The mapped class or its alias, when the user gave one.
        lists: Columns with the keys of static lists, by the lists' names.
        parameters: The keys of static lists as parameters; filled as they are asked for.
        scope: The condition of whom is asked about, if it is not everyone.
        within: The rows of whom is asked about, if that is not everyone.
        by_class: Whether rows of mapped classes are what the ORM selects: what a session adds to
            its statements (``with_loader_criteria``) holds in the tests of relations, too.
        joins: Whether relations are always joined to whom a query is of, and no ``IN`` asks about
            them: Spark broadcasts ``NOT IN``, and has no limit of joins.
        shapes: How the engine is asked about rows in order, if it is known.
        table_of_root: The table that the user's query selects from, if it is one.
        planner: Who tells what a query costs, if a source may ask.
        models: The mapped classes behind the entities.
    """

    schema: Schema
    metadata: sa.MetaData
    root: sa.FromClause
    mapped: Any = None
    lists: Lists = field(factory=dict)
    parameters: dict[tuple[frozenset[int | str], Any], tuple[Any, list[Any]]] = field(
        factory=dict, eq=False
    )
    scope: sa.ColumnElement[bool] | None = None
    within: sa.Select[Any] | None = None
    by_class: bool = True
    joins: bool = False
    shapes: Shapes | None = None
    table_of_root: sa.Table | None = None
    planner: Planner | None = field(default=None, eq=False)
    models: Models = field(eq=False)

    @models.default
    def _models(self) -> Models:
        return Models(self.schema, None)

    @classmethod
    def of(
        cls, schema: Schema, root: Root, lists: Lists | None = None, where: Where | None = None
    ) -> Tables:
        """Find the tables of a schema, beginning from what the user selects from.

        Args:
            schema: The schema.
            root: What the user selects from.
            lists: Columns that hold the keys of static lists.
            where: Who is asked about.

        Raises:
            SchemaError: The root is not what the schema segments, or ``where`` is no condition.
        """
        found = cls._of_root(schema, root, lists)
        if where is None and not _is_part(sa.inspect(root)):
            return found
        scope = (
            None
            if where is None
            else condition(where, root if found.mapped is None else found.mapped)
        )
        if found.mapped is None:
            assert scope is not None
            query = sa.select(*found.root.c).where(scope)
        else:
            names = named_columns(sa.inspect(root).mapper, found.table_of_root)
            query = sa.select(*labelled(found.mapped, names))
            query = query if scope is None else query.where(scope)
        if len(froms := query.get_final_froms()) > 1:
            others = ", ".join(map(_title, froms[1:]))
            raise SchemaError(
                f"where= speaks of {others} beside {described(root)}; ask within a sub-query, "
                "as in Customer.orders.any(…)"
            )
        return evolve(found, scope=scope, within=query)

    @classmethod
    def _of_root(cls, schema: Schema, root: Root, lists: Lists | None) -> Tables:
        inspected = sa.inspect(root, raiseerr=False)
        if isinstance(inspected, Mapper | AliasedInsp):
            mapper: Mapper[Any] = inspected.mapper
            _check_class(mapper, schema)
            return cls(
                schema,
                mapper.registry.metadata if (t := table_of(mapper)) is None else t.metadata,
                inspected.selectable,
                inspected.entity,
                keys_of_lists(lists),
                table_of_root=_named_by(mapper, schema.entity),
                models=Models(schema, mapper),
            )
        if not isinstance(inspected, sa.FromClause):
            raise SchemaError(
                f"{described(root)} is neither a table nor a mapped class, nor an alias of one"
                + (
                    "; frames are for segmentkit.pandas"
                    if hasattr(root, "columns")
                    else meant(root)
                )
            )
        table = _table_below(inspected)
        _check_table(table, schema)
        assert table is not None
        return cls(
            schema, table.metadata, inspected, None, keys_of_lists(lists), table_of_root=table
        )

    def table(self, entity: Entity) -> sa.Table:
        """The table of an entity.

        Raises:
            SchemaError: There is none of that name.
        """
        if entity.name == self.schema.root and self.table_of_root is not None:
            return self.table_of_root
        found = self.metadata.tables.get(entity.full_table)
        if found is None and entity.schema is None and self.table_of_root is not None:
            # The other tables are beside the root's, in its schema.
            found = self.metadata.tables.get(f"{self.table_of_root.schema}.{entity.table}")
        if found is None and (mapper := self.models.mapper(entity)) is not None:
            found = table_of(mapper)
        if found is None:
            found = self.metadata.info.get(VIEWS, {}).get(entity.full_table)
        if found is None:
            known = ", ".join(sorted(self.metadata.tables)) or "none"
            raise SchemaError(f"there is no table {entity.full_table!r}; the tables are {known}")
        return found

    def everyone(self, *, once: bool = False) -> sa.FromClause:
        """Those whom questions are about: the rows of the class that a query selects from.

        Where that is a class that inherits from the one that the schema is of, they are fewer.
        """
        root, mapper = self.schema.entity, self.models.root
        if self.within is not None:
            rows: sa.FromClause = self.within.subquery()
        elif mapper is not None and whole_table(mapper) is None:
            return rows_of(mapper, self.table_of_root)
        else:
            rows = self.rows(root)
        return self._once(root, rows, root.key or "") if once and not self.is_unique(root) else rows

    @property
    def rows_in_order(self) -> Shapes:
        """How they are asked for; in the standard way of an engine that is not known."""
        return self.shapes or Shapes()

    @property
    def asked(self) -> list[sa.ColumnElement[bool]]:
        """What holds of the rows of the user's query that are asked about."""
        return [] if self.scope is None else [self.scope]

    def rows(self, entity: Entity) -> sa.FromClause:
        """The rows of an entity, to select from or to join."""
        mapper = self._special(entity)
        if mapper is not None:
            return rows_of(mapper)
        table = self.table(entity)
        mapper = self.models.mapper(entity) if self.by_class else None
        if mapper is None or whole_table(mapper) is not table:
            return table.alias()
        return MappedRows.of(mapper, table)

    def _special(self, entity: Entity) -> Mapper[Any] | None:
        """The class of an entity, where its rows are not just those of a table."""
        if entity.model is None:
            return None
        mapper = self.models.mapper(entity)
        if mapper is None:
            raise SchemaError(
                f"the rows of {entity.name!r} are those of the class {entity.model}: {_GIVE_CLASS}"
            )
        return mapper if whole_table(mapper) is None else None

    def is_unique(self, entity: Entity, name: str | None = None) -> bool:
        """Whether no two rows of an entity have the same key, or the same of another column."""
        name = name or entity.key or ""
        if self._special(entity) is not None:
            return name == entity.key
        table = self.table(entity)
        return is_unique(table, column_of(table, name))

    def linked(self, entity: Entity, by: str | None = None) -> sa.FromClause:
        """The rows of an entity to join by its key, or by another column: at most one for each.

        Where nothing says that the key is unique, a row that is there twice is taken once.
        """
        rows = self.rows(entity)
        name = by or entity.key or ""
        return rows if self.is_unique(entity, name) else self._once(entity, rows, name)

    def _once(self, entity: Entity, rows: sa.FromClause, key: str) -> sa.FromClause:
        """Of several rows of a key, one."""
        known = {column.name for column in rows.c}
        names = dict.fromkeys([key, *columns_named(self.schema, entity)])
        columns = [column_of(rows, name) for name in names if name in known]
        # JSON has no order.
        order = [c for c in columns if not isinstance(c.type, sa.JSON)]
        place = sa.func.row_number().over(partition_by=columns[0], order_by=order).label(_PLACE)
        placed = sa.select(*columns, place).subquery()
        kept = [c for c in placed.c if c.name != _PLACE]
        return sa.select(*kept).where(placed.c[_PLACE] == 1).subquery()

    def led_to(self, entity: Entity, link: Link) -> tuple[sa.FromClause, list[tuple[Any, str]]]:
        """The rows that a link leads to: their columns, and the columns here of the same values."""
        target = self.schema.named(link.to)
        if link.join is None:
            rows = self.linked(target, link.by)
            return rows, [(column_of(rows, link.by or target.key or ""), link.key)]
        mapper, relationship = self._found(entity, link)
        names = equal_columns(mapper, relationship)
        if names is not None and leads_to_one(relationship, names):
            rows = self.rows(target)
            return rows, [(column_of(rows, there), here) for here, there in names.items()]
        rows = self._once(target, self._related(entity, link), OWNER)
        return rows, [(column_of(rows, OWNER), entity.key or "")]

    def related(
        self, holder: Entity, relation: Relation, *, once: bool = False
    ) -> tuple[sa.FromClause, Any]:
        """The rows of a relation, and in each the key of a row that it leads from.

        With ``once``, there is at most one row of a key, or of a key and a holder.
        """
        target = self.schema.named(relation.to)
        if relation.join is not None:
            rows = self._related(holder, relation)
            return rows, column_of(rows, OWNER)
        rows = self.linked(target) if once else self.rows(target)
        key = column_of(rows, relation.key)
        if relation.by is None:
            return rows, key
        other = self.linked(holder, None)
        owner = column_of(other, holder.key or "").label(OWNER)
        columns = [column.label(column.name) for column in rows.c]
        query = sa.select(owner, *columns).join_from(
            rows, other, column_of(other, relation.by) == key
        )
        found = query.subquery()
        return found, column_of(found, OWNER)

    def is_shared(self, holder: Entity, relation: Relation) -> bool:
        """Whether a row of a relation may be that of several rows that it leads from."""
        if relation.join is not None:
            return True
        return relation.by is not None and not self.is_unique(holder, relation.by)

    def _related(self, entity: Entity, way: Link | Relation) -> sa.FromClause:
        mapper, relationship = self._found(entity, way)
        return related_rows(mapper, relationship, entity.key or "")

    def _found(
        self, entity: Entity, way: Link | Relation
    ) -> tuple[Mapper[Any], RelationshipProperty[Any]]:
        found = self.models.relationship(entity, way)
        if found is None:
            raise SchemaError(f"{entity.name}.{way.name} is joined where {way.join}: {_GIVE_CLASS}")
        return found

    def keys_of(self, node: ir.Listed, keys: list[Any], kind: Any) -> tuple[Any, list[Any]]:
        """The keys of a list as one parameter, and as several that every database takes.

        They are the same wherever a statement asks for the list, so that they travel once.
        """
        if (node.keys, kind) not in self.parameters:
            parts = [
                sa.BindParameter(node.name, part, kind, unique=True, expanding=True)
                for part in portions(keys)
            ]
            self.parameters[node.keys, kind] = whole_list(node.name, keys, kind), parts
        return self.parameters[node.keys, kind]

    def root_column(self, name: str) -> sa.ColumnElement[Any]:
        """A column of the entity in the user's query."""
        if self.mapped is None:
            return column_of(self.root, name)
        mapper: Mapper[Any] = sa.inspect(self.mapped).mapper
        key = named_columns(mapper, self.table_of_root).get(name)
        if key is None:
            column = column_of(self.table(self.schema.entity), name)
            key = mapper.get_property_by_column(column).key
        found: sa.ColumnElement[Any] = getattr(self.mapped, key)
        return found

    @property
    def root_froms(self) -> list[sa.FromClause]:
        """What a sub-query that looks at the root's columns finds in the query around it."""
        return [self.root, *_leaves(self.root)]


_PLACE = "segmentkit_place"
_GIVE_CLASS = "give the mapped class that the schema segments, and not its table"


def _leaves(selectable: sa.FromClause) -> list[sa.FromClause]:
    if isinstance(selectable, sa.Join):
        return [*_leaves(selectable.left), *_leaves(selectable.right)]
    return [selectable]


def _title(rows: Any) -> str:
    """What messages call rows: aliases without a name are those of a table."""
    name = str(getattr(rows, "name", "another"))
    table = _table_below(rows)
    return name if "%(" not in name else f"an alias of {'rows' if table is None else table.name}"


def _is_part(inspected: Any) -> bool:
    """Whether an alias of a class may have other rows than the class, such as a sub-query's."""
    if not isinstance(inspected, AliasedInsp):
        return False
    table, selectable = whole_table(inspected.mapper), inspected.selectable
    return table is None or not (
        isinstance(selectable, sa.Join)
        or (isinstance(selectable, sa.Alias) and selectable.element is table)
    )


def _check_class(mapper: Mapper[Any], schema: Schema) -> None:
    if not any(is_of(each, schema.entity) for each in mapper.iterate_to_root()):
        wanted = schema.entity.model or schema.entity.full_table
        table = table_of(mapper)
        named = mapper.class_.__name__ if table is None or schema.entity.model else table.fullname
        raise SchemaError(f"the schema segments {wanted!r}, and the query selects from {named!r}")


def _check_table(table: sa.Table | None, schema: Schema) -> None:
    entity = schema.entity
    named = "a subquery" if table is None else repr(table.fullname)
    if table is None or table.name != entity.table or entity.schema not in (None, table.schema):
        raise SchemaError(
            f"the schema segments {entity.full_table!r}, and the query selects from {named}"
        )
    if entity.model is not None:
        raise SchemaError(
            f"the schema segments the class {entity.model}, and the query selects from {named}: "
            "give the class"
        )


def _named_by(mapper: Mapper[Any], entity: Entity) -> sa.Table | None:
    """The table of a class, or of a class it inherits from, that an entity names."""
    if entity.model is not None:
        return None
    return next((table_of(each) for each in mapper.iterate_to_root() if is_of(each, entity)), None)


def column_of(selectable: sa.FromClause, name: str) -> sa.ColumnElement[Any]:
    """A column of a table or of an alias of it.

    Raises:
        SchemaError: It has none of that name.
    """
    found = selectable.c.get(name)
    if found is None or found.name != name:
        # SQLAlchemy knows columns by their keys, which can be other names.
        found = next((column for column in selectable.c if column.name == name), found)
    if found is None:
        hint = did_you_mean(name, [column.name for column in selectable.c])
        title = getattr(_table_below(selectable), "name", "the table")
        raise SchemaError(f"table {title!r} has no column {name!r}" + (f"; {hint}" if hint else ""))
    return found


def _table_below(selectable: sa.FromClause) -> sa.Table | None:
    """The table that an alias stands for; the first one of a join."""
    while isinstance(selectable, sa.Alias | sa.Join):
        selectable = selectable.left if isinstance(selectable, sa.Join) else selectable.element
    return selectable if isinstance(selectable, sa.Table) else None


def columns_named(schema: Schema, entity: Entity) -> list[str]:
    """The columns that a schema names in the rows of an entity."""
    named = [*entity.columns, *(i.key for i in entity.links), *(r.by for r in entity.relations)]
    named.append(entity.key)
    for other in schema.entities:
        named += [way.key for way in other.relations if way.to == entity.name]
        named += [way.by for way in other.links if way.to == entity.name]
    return [name for name in dict.fromkeys(named) if name]


def missing_parts(schema: Schema, columns: Mapping[str, Iterable[str]]) -> list[str]:
    """What the schema names and a database lacks, in words; ``columns`` are those of each table."""
    lacking = []
    for entity in schema.entities:
        table = entity.full_table
        if entity.model is not None:
            continue  # Its columns may be in several tables.
        if table not in columns:
            hint = did_you_mean(table, columns)
            lacking.append(f"no table {table!r}" + (f" ({hint})" if hint else ""))
            continue
        there = set(columns[table])
        for name in columns_named(schema, entity):
            if name not in there:
                hint = did_you_mean(name, there)
                lacking.append(
                    f"no column {name!r} in table {table!r}" + (f" ({hint})" if hint else "")
                )
    return lacking
