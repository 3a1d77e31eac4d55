"""What mapped classes mean: their rows, and the rows that a relationship leads to, by the ORM.

A schema that is derived from classes is plain data. Where a class says more than "these rows of one
table" or "this column holds that key", the schema only notes it (`Entity.model`, `Relation.join`),
and whoever makes SQL finds the class again: it begins with the class that a query selects from and
follows relationships by the names of the schema's ways. The class is then asked itself, through
SQLAlchemy's public `join` and `select`, so a condition, a secondary table, an aliased target or an
inheritance means here what it means to the ORM.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy import orm
from sqlalchemy.sql import operators

from segmentkit.schema import Entity, Link, Relation, Schema

OWNER = "segmentkit_owner"
"""The column, in rows that a way leads to, of the key of the row that the way leads from."""


class Unfit(Exception):
    """Why a relationship or a class cannot be part of a schema."""


def meant(given: object) -> str:
    """What to give in place of an object, an alias or an attribute of a mapped class, if it is one.

    Returns:
        The end of a message.
    """
    found = sa.inspect(given, raiseerr=False)
    mapper = getattr(found, "mapper", None) or getattr(found, "parent", None)
    if isinstance(mapper, orm.Mapper):
        return f": give its class, {mapper.class_.__name__}"
    table = getattr(found, "element", None)
    return f": give its table, {table.name}" if isinstance(table, sa.Table) else ""


def named_columns(mapper: orm.Mapper[Any], first: sa.Table | None = None) -> dict[str, str]:
    """The attributes of a class that are columns, by the names of the columns in its rows.

    A class can have columns of one name in several tables: the first keeps the name, those of
    ``first`` before others, and another one goes by the attribute's name.
    """
    found: dict[str, str] = {}
    attributes = [(p, p.columns) for p in mapper.column_attrs if _is_stored(mapper, p)]
    for prop, columns in attributes:
        for column in columns:
            if column.table is first:
                found.setdefault(column.name, prop.key)
    for prop, columns in attributes:
        if prop.key not in found.values():
            name = columns[0].name
            found[name if name not in found else prop.key] = prop.key
    return found


def _is_stored(mapper: orm.Mapper[Any], prop: orm.ColumnProperty[Any]) -> bool:
    column = prop.columns[0]
    # A class of concrete tables has no attribute for what tells them apart.
    is_column = isinstance(column, sa.ColumnClause) and column.table is not None
    return is_column and hasattr(mapper.class_, prop.key)


def name_of(mapper: orm.Mapper[Any], column: sa.ColumnElement[Any]) -> str | None:
    """The name that a column has in the rows of a class, if it is an attribute."""
    try:
        key = mapper.get_property_by_column(column).key
    except orm.exc.UnmappedColumnError:
        return None
    return next((name for name, each in named_columns(mapper).items() if each == key), None)


def key_of(mapper: orm.Mapper[Any]) -> str | None:
    """The column that tells the rows of a class apart, if it is one."""
    columns = mapper.primary_key
    return name_of(mapper, columns[0]) if len(columns) == 1 else None


def whole_table(mapper: orm.Mapper[Any]) -> sa.Table | None:
    """The table whose rows are just the rows of a class, if there is one."""
    table = mapper.local_table
    inherits = mapper.single and mapper.inherits is not None
    if not isinstance(table, sa.Table) or mapper.selectable is not table or inherits:
        return None
    return table


def table_of(mapper: orm.Mapper[Any]) -> sa.Table | None:
    """The table that a class names."""
    return mapper.local_table if isinstance(mapper.local_table, sa.Table) else None


def is_of(mapper: orm.Mapper[Any], entity: Entity) -> bool:
    """Whether an entity was, or could have been, made of a class."""
    if entity.model is not None:
        return mapper.class_.__name__ == entity.model
    table = table_of(mapper)
    if table is None:
        return False
    return entity.full_table == table.fullname or (
        entity.schema is None and entity.table == table.name
    )


def rows_of(mapper: orm.Mapper[Any], first: sa.Table | None = None) -> sa.FromClause:
    """The rows of a class, as the ORM selects them."""
    table = whole_table(mapper)
    if table is not None:
        return table.alias()
    return sa.select(*labelled(mapper.class_, named_columns(mapper, first))).subquery()


def labelled(entity: Any, names: dict[str, str]) -> list[sa.ColumnElement[Any]]:
    """The columns of a class or an alias of one, under their names."""
    return [getattr(entity, key).label(name) for name, key in names.items()]


def related_rows(
    mapper: orm.Mapper[Any], relationship: orm.RelationshipProperty[Any], key: str
) -> sa.FromClause:
    """The rows that a relationship leads to, each beside the key of a row it leads from.

    Of a pair of rows there is one row, as a collection of the ORM holds an object once, however
    often a secondary table or an aliased target has it.
    """
    parent: Any = orm.aliased(mapper.class_, flat=True)
    target = _target(relationship)
    joined = orm.join(parent, target, getattr(parent, relationship.key))
    owner = getattr(parent, named_columns(mapper)[key]).label(OWNER)
    there, names = relationship.mapper, named_columns(relationship.mapper)
    if _is_once(relationship):
        return sa.select(owner, *labelled(target, names)).select_from(joined).subquery()
    keys = [there.get_property_by_column(column).key for column in there.primary_key]
    items = [getattr(target, key).label(f"item_{place}") for place, key in enumerate(keys)]
    pairs = sa.select(owner, *items).select_from(joined).distinct().subquery()
    other: Any = there.class_
    same = [
        pairs.c[item.name] == getattr(other, key) for item, key in zip(items, keys, strict=True)
    ]
    query = sa.select(pairs.c[OWNER], *labelled(other, names))
    return query.join_from(pairs, other, sa.and_(*same)).subquery()


def _target(relationship: orm.RelationshipProperty[Any]) -> Any:
    entity: Any = relationship.entity
    # Not an alias of a class, of which criteria of loaders need not hold.
    return entity.class_ if isinstance(entity, orm.Mapper) else entity.entity


def _is_once(relationship: orm.RelationshipProperty[Any]) -> bool:
    """Whether a join of the two has each pair of rows once."""
    if not isinstance(relationship.entity, orm.Mapper):
        return False
    if relationship.secondary is None:
        return True
    secondary = relationship.secondary
    if not isinstance(secondary, sa.Table) or not all(
        map(_is_of_equalities, (relationship.primaryjoin, relationship.secondaryjoin))
    ):
        return False
    told = {c for pair in relationship.local_remote_pairs or () for c in pair}
    return any(
        len(each) > 0 and all(column in told for column in each) for each in unique_sets(secondary)
    )


def _is_of_equalities(condition: Any) -> bool:
    if _is_many(condition):
        return condition.operator is operators.and_ and all(
            isinstance(each, sa.BinaryExpression) and each.operator is operators.eq
            for each in condition.clauses
        )
    return isinstance(condition, sa.BinaryExpression) and condition.operator is operators.eq


def unique_sets(table: sa.Table) -> Iterator[list[Any]]:
    """The columns of which the table says that no two rows have the same values."""
    yield list(table.primary_key.columns)
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            yield list(constraint.columns)
    for index in table.indexes:
        # One of expressions, or of a part of the rows, says nothing of the columns.
        partial = any(name.endswith("_where") for name in index.dialect_kwargs)
        if index.unique and not partial and list(index.expressions) == list(index.columns):
            yield list(index.columns)


def is_unique(table: sa.Table, column: sa.ColumnElement[Any]) -> bool:
    """Whether the table says that no two rows have the same value."""
    return any(len(each) == 1 and each[0] is column for each in unique_sets(table))


# -- what a relationship is in a schema -----------------------------------------------------------


@frozen
class Way:
    """A relationship, as a schema can have it.

    Attributes:
        one: Whether it leads to one row at most.
        many: Whether its rows can be asked for as those of a relation.
        here: The column that it begins at; none if there is a ``join``.
        there: The column that has the same value.
        join: The condition in words, where two columns are not all that it says.
    """

    one: bool
    many: bool
    here: str = ""
    there: str = ""
    join: str | None = None


def way_of(
    mapper: orm.Mapper[Any],
    relationship: orm.RelationshipProperty[Any],
    key: str | None,
    other_key: str | None,
) -> Way:
    """What a relationship of a class is in a schema, where these columns are the keys.

    Raises:
        Unfit: Nothing of which the language could speak exactly.
    """
    one = not relationship.uselist
    many = not one or relationship.direction is not orm.RelationshipDirection.MANYTOONE
    names = equal_columns(mapper, relationship)
    if one and relationship.order_by and not (names and leads_to_one(relationship, names)):
        raise Unfit(
            "its order_by picks one of several rows: use a relationship to all of them, as in "
            "last(…) or first(…), or one to an alias that has only the row that is meant"
        )
    together = not many and names is not None and leads_to_one(relationship, names)
    if key is None and not together and (names is None or len(names) > 1 or not one):
        name = mapper.class_.__name__
        raise Unfit(
            f"{name} has no key of one column, by which rows are found: if one is unique alone, "
            f'name it, as in tables={{"{name}": {{"key": "…"}}}}'
        )
    if names is None or len(names) > 1:
        try:
            if key is not None:
                related_rows(mapper, relationship, key)
            return Way(one, many and key is not None, join=_in_words(relationship))
        except sa.exc.SQLAlchemyError as error:
            raise Unfit(f"SQLAlchemy cannot join it: {error}") from error
    ((here, there),) = names.items()
    if not many and there != other_key:
        _check_unique(relationship, there)
    return Way(one, many and key is not None, here, there)


def equal_columns(
    mapper: orm.Mapper[Any], relationship: orm.RelationshipProperty[Any]
) -> dict[str, str] | None:
    """Columns here and there whose equality is all that a relationship says."""
    pairs = relationship.local_remote_pairs or []
    condition: Any = relationship.primaryjoin
    parts = (
        condition.clauses if _is_of_equalities(condition) and _is_many(condition) else [condition]
    )
    if (
        relationship.secondary is not None
        or not isinstance(relationship.entity, orm.Mapper)
        or not _is_of_equalities(condition)
        or len(pairs) != len(parts)
        or not all(isinstance(c, sa.ColumnClause) for p in parts for c in (p.left, p.right))
    ):
        return None
    found = {
        name_of(mapper, local): name_of(relationship.mapper, remote) for local, remote in pairs
    }
    names = {here: there for here, there in found.items() if here and there}
    return names if len(names) == len(parts) else None


def leads_to_one(relationship: orm.RelationshipProperty[Any], names: dict[str, str]) -> bool:
    """Whether these columns together tell the rows apart that a relationship leads to."""
    target = relationship.mapper
    sets = [list(target.primary_key)]
    table = whole_table(target)
    sets += [] if table is None else [each for each in unique_sets(table) if each]
    return any({name_of(target, c) for c in each} <= {*names.values()} for each in sets)


def _is_many(condition: Any) -> bool:
    return isinstance(condition, sa.sql.elements.BooleanClauseList)


def _check_unique(relationship: orm.RelationshipProperty[Any], there: str) -> None:
    table = table_of(relationship.mapper)
    column = None if table is None else next((c for c in table.c if c.name == there), None)
    if table is not None and (column is None or not is_unique(table, column)):
        raise Unfit(
            f"it may lead to several rows: nothing says that {table.name}.{there} is unique"
        )


def _in_words(relationship: orm.RelationshipProperty[Any]) -> str:
    conditions = [relationship.primaryjoin, relationship.secondaryjoin]
    return " AND ".join(str(each) for each in conditions if each is not None)


# -- which class an entity of a schema was made of ------------------------------------------------


class Models:
    """The mapped classes behind the entities of a schema, found from the root's by names."""

    def __init__(self, schema: Schema, root: orm.Mapper[Any] | None) -> None:
        self.schema = schema
        self.root = root

    @cached_property
    def _found(self) -> dict[str, orm.Mapper[Any]]:
        if self.root is None:
            return {}
        # A query may select from a class that inherits from the one that the schema is of.
        own = next((m for m in self.root.iterate_to_root() if is_of(m, self.schema.entity)), None)
        found = {self.schema.root: own or self.root}
        waiting = [self.schema.entity]
        while waiting:
            entity = waiting.pop()
            relationships = found[entity.name].relationships
            ways: tuple[Link | Relation, ...] = (*entity.links, *entity.relations)
            for way in ways:
                target = self.schema.named(way.to)
                if way.name in relationships and target.name not in found:
                    mapper = relationships[way.name].mapper
                    if is_of(mapper, target):
                        found[target.name] = mapper
                        waiting.append(target)
                elif target.name not in found and (other := registered(self.root, target)):
                    found[target.name] = other
                    waiting.append(target)
        return found

    def mapper(self, entity: Entity) -> orm.Mapper[Any] | None:
        """The class of an entity, if it can be found."""
        return self._found.get(entity.name)

    def relationship(
        self, entity: Entity, way: Link | Relation
    ) -> tuple[orm.Mapper[Any], orm.RelationshipProperty[Any]] | None:
        """The class of an entity, and its relationship that a way was made of."""
        mapper = self.mapper(entity)
        if mapper is None or way.name not in mapper.relationships:
            return None
        return mapper, mapper.relationships[way.name]


def registered(mapper: orm.Mapper[Any], entity: Entity) -> orm.Mapper[Any] | None:
    """The class of an entity among all that are mapped together; of those of a table, the base."""
    found = [each for each in mapper.registry.mappers if is_of(each, entity)]
    bases = [each for each in found if each.inherits not in found]
    return bases[0] if len(bases) == 1 else None
