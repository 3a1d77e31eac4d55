"""A schema from tables, mapped classes or a database; tables from a schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa
from attrs import evolve
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty

from segmentkit._catalog.schema_table import (
    Declaration,
    RelationDeclaration,
    TableDeclaration,
    declare,
)
from segmentkit._catalog.toml_file import read_catalog
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit.catalog import Catalog
from segmentkit.dtypes import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    DType,
    Kind,
    decimal,
)
from segmentkit.errors import SchemaError
from segmentkit.schema import Attribute, Entity, Link, Relation, Schema
from segmentkit.sqlalchemy.binds import synchronous
from segmentkit.sqlalchemy.dialects.bind_types import TYPES
from segmentkit.sqlalchemy.dialects.engine_setup import folds_case
from segmentkit.sqlalchemy.tables import missing_parts

Source: TypeAlias = type[Any] | sa.Table | sa.MetaData | sa.Engine
Ways: TypeAlias = Mapping[str, str | Mapping[str, str]] | None


def schema_from(
    source: Source,
    entity: str | None = None,
    *,
    events: Ways = None,
    relations: Ways = None,
    links: Ways = None,
    tables: Mapping[str, Any] | None = None,
    channels: Mapping[str, Mapping[str, str]] | None = None,
    time_zone: str = "UTC",
) -> Schema:
    """Derive a schema from what SQLAlchemy knows.

    Names of entities are names of tables. Of a mapped class, relationships become relations
    (to-many) and links (to-one) under their own names, and attributes go by the class's names.
    Of tables, foreign keys that lead to the entity become relations named after their table, and
    foreign keys that lead away become links named after their column without ``_id``. Columns of
    types that the language has no word for (binary, arrays of other things than texts) are left
    out; what a column of JSON holds is for ``tables`` to tell: ``{"customers": {"documents": …}}``.

    Args:
        source: A mapped class, a table, a ``MetaData``, or an engine whose database is read.
        entity: The table whose rows are segmented; needed where the source is several tables.
        events: Which column tells the time of a relation: ``{"orders": "placed_at"}``, or, where
            no foreign key declares the relation,
            ``{"orders": {"key": "customer_id", "at": "placed_at"}}``.
        relations: Relations without a time that no foreign key declares, with their column.
        links: Links of the entity that no foreign key declares, with their column.
        tables: What else there is to say of tables, in the form of ``[schema.tables]`` in a file.
        channels: Ways to reach a row of the entity:
            ``{"email": {"address": "email", "consent": "email_opt_in"}}``.
        time_zone: The zone in which days are counted.

    Returns:
        The schema.

    Raises:
        SchemaError: A table, column or relation that is named is not there.

    Example:
        >>> import sqlalchemy as sa
        >>> people = sa.Table(
        ...     "people",
        ...     sa.MetaData(),
        ...     sa.Column("id", sa.Integer, primary_key=True),
        ...     sa.Column("age", sa.Integer),
        ... )
        >>> print(schema_from(people))
        people (whose rows are segmented)
            id: integer
            age: integer?
    """
    source = synchronous(source, "schema_from({}, …)")
    mapper = None if isinstance(source, sa.Table | sa.MetaData | sa.Engine) else _mapper(source)
    if mapper is not None:
        entity = entity or _table_of(mapper).name
    elif isinstance(source, sa.Table):
        entity = entity or source.name
    if entity is None:
        raise SchemaError("name the entity: the table whose rows are segmented")
    told = declare(
        entity,
        events=events,
        relations=relations,
        links=links,
        tables=tables,
        channels=channels,
        time_zone=time_zone,
    )
    if mapper is not None:
        return _FromClasses(told).schema(mapper)
    if isinstance(source, sa.Engine):
        return reflect(source, told)[0]
    metadata = source.metadata if isinstance(source, sa.Table) else source
    assert isinstance(metadata, sa.MetaData)
    schema = _FromTables(told, metadata).schema()
    columns = {name: table.columns.keys() for name, table in metadata.tables.items()}
    if lacking := missing_parts(schema, columns):
        raise SchemaError(f"the tables have {'; '.join(lacking)}")
    return schema


def reflect(engine: sa.Engine, declaration: Declaration) -> tuple[Schema, sa.MetaData]:
    """Read from a database what a declaration leaves open.

    Args:
        engine: Where the tables are.
        declaration: What the author tells.

    Returns:
        The schema, and the tables that were read.

    Raises:
        SchemaError: The database lacks a table or a column that the declaration names.
    """
    engine = synchronous(engine, "schema_from({}, …)")
    inspector = sa.inspect(engine)
    present = [*inspector.get_table_names(), *inspector.get_view_names()]
    foreign = inspector.get_multi_foreign_keys()
    beside = [
        table
        for (_, table), keys in foreign.items()
        if any(key["referred_table"] == declaration.entity for key in keys)
    ]
    named = [declaration.entity, *declaration.tables, *_destinations(declaration)]
    lacking = []
    for name in dict.fromkeys(named):
        if name not in present:
            hint = did_you_mean(name, present)
            lacking.append(f"no table {name!r}" + (f" ({hint})" if hint else ""))
    if lacking:
        raise SchemaError(f"the database has {'; '.join(lacking)}")
    metadata = sa.MetaData()
    metadata.reflect(engine, views=True, only=list(dict.fromkeys([*named, *beside])))
    schema = _FromTables(declaration, metadata).schema()
    verify(schema, engine)
    return schema, metadata


def load_catalog(
    path: str | PathLike[str], engine: sa.Engine, *, skip_broken: bool = False
) -> tuple[Catalog, sa.MetaData]:
    """Read a catalog file whose ``[schema]`` leaves to the database what the database knows.

    Args:
        path: A TOML file.
        engine: The database that has the tables.
        skip_broken: Leave out definitions that are wrong, and what refers to them, and tell of
            them in the catalog's ``broken``; by default they are an error.

    Returns:
        The catalog, and the tables that were read, for `members` and `predicate`.

    Raises:
        CatalogError: The file or its definitions are wrong; carries every mistake.
        SchemaError: The file has no ``[schema]``, or the database lacks what it names.
        OSError: The file cannot be read.
    """
    text = read_catalog(Path(path).read_bytes(), file=str(path), folder=Path(path).parent)
    if text.declaration is None:
        raise SchemaError(f"{path} has no [schema] that names the entity")
    schema, metadata = reflect(engine, text.declaration)
    return Catalog.of(text, schema, skip_broken=skip_broken), metadata


def verify(schema: Schema, engine: sa.Engine) -> None:
    """Make sure that a database has every table and column that a schema names.

    And that it can tell small letters from capitals, where the schema has text: a PostgreSQL
    database whose locale is C knows only ASCII, unless the engine was given to `prepare`.

    Args:
        schema: The schema.
        engine: The database.

    Raises:
        SchemaError: Something is not there; names all of it.
    """
    engine = synchronous(engine, "verify(schema, {})")
    inspector = sa.inspect(engine)
    present = {*inspector.get_table_names(), *inspector.get_view_names()}
    columns = {
        name: [column["name"] for column in inspector.get_columns(name)]
        for name in dict.fromkeys(e.table for e in schema.entities)
        if name in present
    }
    lacking = missing_parts(schema, {**dict.fromkeys(present - columns.keys(), ()), **columns})
    if lacking:
        raise SchemaError(f"the database has {'; '.join(lacking)}")
    texts = any(a.dtype in (TEXT, TEXTS) for e in schema.entities for a in e.attributes)
    if texts and not folds_case(engine):
        raise SchemaError(
            "the database's locale or encoding knows no letters but ASCII's, and 'ignoring case' "
            "would not know others; prepare(engine) looks for a collation that does"
        )


def _column_type(dtype: DType) -> Any:
    """A type with room for the digits; DuckDB keeps three after the point unless told."""
    return TYPES[dtype.kind] if dtype.scale is None else sa.Numeric(38, dtype.scale)


def tables_from(schema: Schema) -> sa.MetaData:
    """Tables as a schema describes them, for writing SQL without a database.

    Args:
        schema: The schema.

    Returns:
        A ``MetaData`` with one table an entity.
    """
    metadata = sa.MetaData()
    for entity in schema.entities:
        columns: dict[str, sa.Column[Any]] = {
            a.column: sa.Column(
                a.column,
                _column_type(a.dtype),
                nullable=a.nullable,
                primary_key=a.column == entity.key,
            )
            for a in entity.attributes
        }
        columns |= {d.name: sa.Column(d.name, TYPES[Kind.TEXTS]) for d in entity.documents}
        for name, leads_to in _undeclared(schema, entity):
            is_key = name == entity.key
            column = sa.Column(name, _type_of_key(leads_to), primary_key=is_key)
            columns.setdefault(name, column)
        sa.Table(entity.table, metadata, *columns.values())
    return metadata


def _undeclared(schema: Schema, entity: Entity) -> Iterator[tuple[str, Entity]]:
    """The keys in the rows of an entity, which need not be attributes, and whose keys they are."""
    for link in entity.links:
        yield link.key, schema.named(link.to)
    for other in schema.entities:
        for relation in other.relations:
            if schema.named(relation.to) is entity:
                yield relation.key, other
    if entity.key:
        yield entity.key, entity


def _type_of_key(entity: Entity) -> sa.types.TypeEngine[Any]:
    """The type of the column that tells rows apart; whole numbers, where no attribute tells."""
    key = entity.key_attribute
    found: sa.types.TypeEngine[Any] = TYPES[key.dtype.kind if key else Kind.INTEGER]
    return found


def _mapper(source: object) -> Mapper[Any]:
    inspected = sa.inspect(source, raiseerr=False)
    if not isinstance(inspected, Mapper):
        raise SchemaError(f"{source!r:.80} is not a mapped class, a table, a MetaData or an engine")
    return inspected


def _table_of(mapper: Mapper[Any]) -> sa.Table:
    table = mapper.local_table
    if not isinstance(table, sa.Table):
        raise SchemaError(f"{mapper.class_.__name__} is not mapped to a table")
    return table


def _destinations(declaration: Declaration) -> list[str]:
    ways = [w for t in declaration.tables.values() for w in (*t.relations, *t.links)]
    return [way.to or way.name for way in ways]


def dtype_of(column: sa.types.TypeEngine[Any]) -> DType | None:
    """The language's type for a column's, if there is one."""
    if isinstance(column, sa.Interval):
        # Some databases store these as instants; lengths of time have no word in the language.
        return None
    if isinstance(column, sa.types.TypeDecorator):
        column = column.impl_instance
    match column:
        case sa.Boolean():
            return BOOLEAN
        case sa.Integer() if _is_flag(column):
            return BOOLEAN
        case sa.Integer():
            return INTEGER
        case sa.Float():
            return FLOAT
        case sa.Numeric():
            return decimal(column.scale)
        case sa.String():
            return TEXT
        case sa.DateTime():
            return TIMESTAMP
        case sa.Date():
            return DATE
        case sa.ARRAY(item_type=sa.Enum()):
            return None
        case sa.ARRAY(item_type=sa.String(), dimensions=None | 1):
            return TEXTS
        case _:
            return None


def _is_flag(column: sa.types.TypeEngine[Any]) -> bool:
    """Whether it is what MariaDB and MySQL make of BOOLEAN: TINYINT(1)."""
    told = vars(column)
    return told.get("display_width") == 1 and not told.get("unsigned")


def _attribute(name: str, column: sa.Column[Any]) -> Attribute | None:
    dtype = dtype_of(column.type)
    if dtype is None:
        return None
    values: tuple[str, ...] = tuple(column.type.enums) if isinstance(column.type, sa.Enum) else ()
    nullable = bool(column.nullable) and not column.primary_key
    return Attribute(name, dtype, nullable, values, column=column.name)


def _key(table: sa.Table) -> str | None:
    columns = list(table.primary_key.columns)
    return columns[0].name if len(columns) == 1 else None


def _merged(told: TableDeclaration, found: list[Attribute | None]) -> list[Attribute]:
    """The attributes found, with what the author tells instead."""
    documents = {d.name for d in told.documents}
    attributes = {a.name: a for a in found if a is not None and a.column not in documents}
    attributes.update({a.name: a for a in told.attributes})
    return list(attributes.values())


class _FromTables:
    """A schema from tables and their foreign keys."""

    def __init__(self, told: Declaration, metadata: sa.MetaData) -> None:
        self.told = told
        self.metadata = metadata
        self.entities: dict[str, Entity] = {}

    def schema(self) -> Schema:
        self.add(self.told.entity)
        return self.told.made_of(self.entities.values())

    def table(self, name: str) -> sa.Table:
        if name not in self.metadata.tables:
            hint = did_you_mean(name, self.metadata.tables)
            raise SchemaError(f"there is no table {name!r}" + (f"; {hint}" if hint else ""))
        return self.metadata.tables[name]

    def add(self, name: str) -> None:
        """Take up a table and all that its links, and of the entity its relations, lead to."""
        if name in self.entities:
            return
        table, told = self.table(name), self.told.table(name)
        attributes = _merged(told, [_attribute(c.name, c) for c in table.columns])
        links = self.links(table, told, {a.name for a in attributes})
        relations = (
            self.relations(table, told) if name == self.told.entity or told.relations else []
        )
        taken = {a.name for a in attributes} | {i.name for i in links}
        relations = [r for r in relations if r.name not in taken]
        key = told.key or _key(table)
        self.entities[name] = Entity(
            name,
            key=key,
            attributes=attributes,
            documents=told.documents,
            places=told.places,
            links=links,
            relations=relations,
        )
        ways: tuple[Link | Relation, ...] = (*links, *relations)
        for way in ways:
            self.add(way.to)

    def links(self, table: sa.Table, told: TableDeclaration, taken: set[str]) -> list[Link]:
        found: dict[str, Link] = {}
        for foreign in table.foreign_keys:
            target = foreign.column.table
            if foreign.column.name != (self.told.table(target.name).key or _key(target)):
                continue
            column = foreign.parent.name
            name = column.removesuffix("_id")
            name = target.name if name == column else name
            # The entity's own name leads to its own row, so no link can go by it.
            if name not in taken and name not in found and name != self.told.entity:
                found[name] = Link(name, to=target.name, key=column)
        for way in told.links:
            to = way.to or (found[way.name].to if way.name in found else way.name)
            known = found.get(way.name)
            found[way.name] = Link(way.name, to=to, key=way.key or _known(known, way, table.name))
        return sorted(found.values(), key=lambda link: link.name)

    def relations(self, table: sa.Table, told: TableDeclaration) -> list[Relation]:
        found: dict[str, Relation] = {}
        for other in self.metadata.tables.values():
            columns = [
                f.parent.name
                for f in other.foreign_keys
                if f.column.table is table and other is not table
            ]
            if len(columns) == 1:
                found[other.name] = Relation(other.name, key=columns[0])
        for way in told.relations:
            known = found.get(way.to or way.name)
            key = way.key or _known(known, way, table.name)
            found[way.name] = Relation(
                way.name, to=way.to or way.name, key=key, at=way.at, value=way.value
            )
        return list(found.values())


def _known(found: Link | Relation | None, way: RelationDeclaration, table: str) -> str:
    if found is None:
        raise SchemaError(
            f"no single foreign key declares {table}.{way.name}: name the column, "
            f'as in {{"key": "…"}}'
        )
    return found.key


class _FromClasses:
    """A schema from mapped classes and their relationships."""

    def __init__(self, told: Declaration) -> None:
        self.told = told
        self.entities: dict[str, Entity] = {}

    def schema(self, mapper: Mapper[Any]) -> Schema:
        base = mapper.base_mapper
        if _table_of(mapper) is not _table_of(base):
            raise SchemaError(
                f"the rows of {mapper.class_.__name__} are in several tables: take the schema of "
                f"{base.class_.__name__}, and select from {mapper.class_.__name__}"
            )
        self.add(mapper)
        root = _table_of(mapper).name
        ways = {r.name for r in self.entities[root].relations}
        ways |= {link.name for link in self.entities[root].links}
        told = self.told.table(root)
        for way in (*told.relations, *told.links):
            if way.name not in ways:
                hint = did_you_mean(way.name, ways)
                raise SchemaError(
                    f"{mapper.class_.__name__} has no relationship {way.name!r}"
                    + (f"; {hint}" if hint else "")
                )
        return evolve(self.told, entity=root).made_of(self.entities.values())

    def add(self, mapper: Mapper[Any]) -> None:
        table = _table_of(mapper)
        name = table.name
        if name in self.entities:
            return
        told = self.told.table(name)
        # A class that inherits has columns of its base's table too, which are not in its own.
        found = [
            _attribute(p.key, column)
            for p in mapper.column_attrs
            for column in p.columns
            if isinstance(column, sa.Column) and column.table is table
        ]
        links: list[Link] = []
        relations: list[Relation] = []
        reached: list[Mapper[Any]] = []
        for relationship in mapper.relationships:
            way = self.way(relationship, told)
            if way is not None:
                (links if isinstance(way, Link) else relations).append(way)  # type: ignore[arg-type]
                reached.append(relationship.mapper)
        self.entities[name] = Entity(
            name,
            key=told.key or _key(table),
            attributes=_merged(told, found),
            documents=told.documents,
            places=told.places,
            links=links,
            relations=relations,
        )
        for other in reached:
            self.add(other)

    def way(
        self, relationship: RelationshipProperty[Any], told: TableDeclaration
    ) -> Link | Relation | None:
        """A relationship by one column; others have no word in the language."""
        to = _table_of(relationship.mapper)
        pairs = relationship.local_remote_pairs or []
        if len(pairs) != 1 or relationship.secondary is not None:
            return None
        local, remote = pairs[0]
        if relationship.direction is RelationshipDirection.MANYTOONE:
            fits = remote.name == _key(to)
            return Link(relationship.key, to=to.name, key=local.name) if fits else None
        declared = next((w for w in told.relations if w.name == relationship.key), None)
        at, value = (None, None) if declared is None else (declared.at, declared.value)
        return Relation(relationship.key, to=to.name, key=remote.name, at=at, value=value)
