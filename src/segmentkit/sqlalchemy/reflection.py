"""A schema from tables, mapped classes or a database; tables from a schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Mapper

from segmentkit._catalog.schema_table import Declaration, Ways, declare
from segmentkit._catalog.toml_file import read_catalog_file
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._usage import described, expect
from segmentkit.catalog import Catalog
from segmentkit.dtypes import TEXT, TEXTS, DType, Kind
from segmentkit.errors import SchemaError
from segmentkit.limits import DEFAULT, Limits
from segmentkit.schema import Entity, Schema
from segmentkit.sqlalchemy._from_classes import FromClasses
from segmentkit.sqlalchemy._from_tables import FromTables
from segmentkit.sqlalchemy._selection import Selection
from segmentkit.sqlalchemy.binds import synchronous
from segmentkit.sqlalchemy.dialects.bind_types import TYPES
from segmentkit.sqlalchemy.dialects.engine_setup import engine_of, folds_case
from segmentkit.sqlalchemy.models import meant, table_of
from segmentkit.sqlalchemy.tables import Root, Tables, missing_parts
from segmentkit.sqlalchemy.verification import Place, Verification, findings

Source: TypeAlias = type[Any] | sa.Table | sa.MetaData | sa.Engine


def schema_from(  # noqa: PLR0913 - each says a thing of its own
    source: Source,
    entity: str | None = None,
    *,
    events: Ways = None,
    relations: Ways = None,
    links: Ways = None,
    tables: Mapping[str, Any] | None = None,
    channels: Mapping[str, Mapping[str, str]] | None = None,
    time_zone: str = "UTC",
    week_start: str = "monday",
    only: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
) -> Schema:
    """Derive a schema from SQLAlchemy classes, tables or a database.

    Entities have the names of their tables. The relationships of a mapped class become relations
    (to-many) and links (to-one) with their own names, and attributes have the class's names. For
    tables, foreign keys to the entity become relations with the name of their table, and foreign
    keys to other tables become links with the name of their column without ``_id``. Declare what
    a JSON column holds in ``tables``: ``{"customers": {"documents": …}}``. What cannot be part of
    a schema is left out, and `Schema.left_out` says what and why.

    Args:
        source: A mapped class, a table, a ``MetaData``, or an engine whose database is read.
        entity: The name of the table whose rows are segmented. A ``MetaData`` and an engine need
            it; a class or a table says it itself.
        events: The column with the time of each relation that has one, by the name of the
            relation: ``{"orders": "placed_at"}``, or, if no foreign key declares the relation,
            ``{"orders": {"key": "customer_id", "at": "placed_at"}}``.
        relations: Relations without a time that no foreign key declares, with their column.
        links: Links of the entity that no foreign key declares, with their column.
        tables: Everything else about the tables, in the form of ``[schema.tables]`` in a file.
        channels: Ways to reach a row of the entity:
            ``{"email": {"address": "email", "consent": "email_opt_in"}}``.
        time_zone: The zone in which days begin. Stored timestamps without a zone are in UTC.
        week_start: The day on which weeks begin: ``monday`` or ``sunday``.
        only: What definitions may use; by default everything. A name is that of an attribute, a
            relation or a link of the entity; ``owner.email`` is an attribute of the entity that
            ``owner`` leads to, and the name of a table or a class means all of it. ``*`` is any
            text.
        exclude: What definitions may not use, in the same form:
            ``["owner.password_hash", "*.ssn"]``.

    Returns:
        The schema.

    Raises:
        SchemaError: A table, column or relation that you name does not exist, or the entity has
            no key of one column.

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
    own = entity
    if mapper is not None:
        table = table_of(mapper)
        own = mapper.class_.__name__ if table is None else table.name
    elif isinstance(source, sa.Table):
        own = source.fullname
    if own is None:
        raise SchemaError("name the entity: the table whose rows are segmented")
    if entity not in (None, own):
        raise SchemaError(
            f"this source says itself whose rows are segmented: those of {own!r}. For those of "
            f"{entity!r}, give its class or table instead"
        )
    told = declare(
        own,
        events=events,
        relations=relations,
        links=links,
        tables=tables,
        channels=channels,
        time_zone=time_zone,
        week_start=week_start,
    )
    selection = Selection(only, exclude)
    if mapper is not None:
        return FromClasses(mapper, told, selection).schema()
    if isinstance(source, sa.Engine):
        return reflect(source, told, selection)[0]
    metadata = source.metadata if isinstance(source, sa.Table) else source
    assert isinstance(metadata, sa.MetaData)
    schema = FromTables(told, metadata, selection).schema()
    columns = {n: [c.name for c in table.c] for n, table in metadata.tables.items()}
    if lacking := missing_parts(schema, columns):
        raise SchemaError(f"the tables have {'; '.join(lacking)}")
    return schema


def reflect(
    engine: sa.Engine, declaration: Declaration, selection: Selection | None = None
) -> tuple[Schema, sa.MetaData]:
    """Read from a database what a declaration leaves open.

    Args:
        engine: Where the tables are.
        declaration: What the author tells.
        selection: What of it goes into the schema; by default all.

    Returns:
        The schema, and the tables that were read.

    Raises:
        SchemaError: The database lacks a table or a column that the declaration names.
    """
    engine = engine_of(synchronous(engine, "schema_from({}, …)"))
    inspector = sa.inspect(engine)
    named = [declaration.entity, *declaration.tables, *_destinations(declaration)]
    present = _present(inspector, named)
    lacking = []
    for name in dict.fromkeys(named):
        if name not in present:
            hint = did_you_mean(name, present)
            lacking.append(f"no table {name!r}" + (f" ({hint})" if hint else ""))
    if lacking:
        raise SchemaError(f"the database has {'; '.join(lacking)}{_untranslated(engine)}")
    wanted = dict.fromkeys(present[name] for name in named)
    leads: dict[Any, set[Any]] = {}
    for schema in {schema for schema, _ in present.values()}:
        for (_, table), keys in inspector.get_multi_foreign_keys(schema=schema).items():
            leads[schema, table] = {(k["referred_schema"], k["referred_table"]) for k in keys}
            if present[declaration.entity] in leads[schema, table]:
                wanted[schema, table] = None
    metadata = sa.MetaData()
    for schema in sorted({schema for schema, _ in wanted}, key=str):
        only = [name for each, name in wanted if each == schema]
        metadata.reflect(engine, schema=schema, views=True, only=only)
    names = {place: name for name, place in present.items()}
    unread = {
        name: {names[each] for each in leads.get(place, set()) & names.keys()}
        for name, place in present.items()
        if place not in wanted and name not in metadata.tables
    }
    found = FromTables(declaration, metadata, selection or Selection(None, ()), unread).schema()
    _places(found, engine)
    return found, metadata


def _present(inspector: sa.Inspector, named: Iterable[str]) -> dict[str, tuple[str | None, str]]:
    """The tables and views of the default schema, and of those that are named, with where."""
    schemas = {name.rpartition(".")[0] for name in named} & {"", *inspector.get_schema_names()}
    return {
        f"{schema}.{table}" if schema else table: (schema or None, table)
        for schema in sorted({"", *schemas})
        for table in (
            *inspector.get_table_names(schema=schema or None),
            *inspector.get_view_names(schema=schema or None),
            *_materialized(inspector, schema or None),
        )
    }


def _untranslated(engine: sa.Engine) -> str:
    """Why tables may be absent that queries find."""
    if not engine.get_execution_options().get("schema_translate_map"):
        return ""
    return (
        "; SQLAlchemy reads which tables there are without schema_translate_map: give an engine "
        "whose default schema is the one that is meant"
    )


def _materialized(inspector: sa.Inspector, schema: str | None) -> Iterable[str]:
    try:
        return inspector.get_materialized_view_names(schema=schema)
    except NotImplementedError:  # the dialect has none
        return ()


def load_catalog(
    path: str | PathLike[str],
    engine: sa.Engine,
    *,
    skip_broken: bool = False,
    limits: Limits = DEFAULT,
) -> tuple[Catalog, sa.MetaData]:
    """Read a catalog file, and the parts of its schema that it does not declare from a database.

    Args:
        path: A TOML file.
        engine: The database that has the tables.
        skip_broken: Leave out wrong definitions, and those that refer to them, and list them in
            the catalog's ``broken``. By default they are an error.
        limits: Limits for the catalog.

    Returns:
        The catalog, and the tables that were read, for `members` and `predicate`.

    Raises:
        CatalogError: The file or its definitions are wrong; has all mistakes.
        SchemaError: The file has no ``[schema]``, or the database lacks what it names.
        OSError: The file cannot be read, or is not a regular file.
    """
    text = read_catalog_file(Path(path), limits)
    if text.declaration is None:
        raise SchemaError(f"{path} has no [schema] that names the entity")
    schema, metadata = reflect(engine, text.declaration)
    return Catalog.of(text, schema, skip_broken=skip_broken), metadata


def verify(
    schema: Schema, engine: sa.Engine, entity: Root | None = None, *, data: bool = True
) -> Verification:
    """Check a database before you go live.

    A missing table or column is an error at once. Otherwise this compares types, counts wrong
    keys, links and times, and gives advice on indexes and statistics. Each finding has the SQL or
    the code that fixes it.

    If the schema has text, this also checks that the database can fold case: a PostgreSQL
    database whose locale is C knows only ASCII, unless you gave the engine to `prepare`.

    Args:
        schema: The schema.
        engine: The database.
        entity: The class or table that you give to `Source`, if types of the app's own convert
            columns.
        data: Whether to count rows, for which each table is read a few times.

    Returns:
        The findings: ``errors``, which make answers wrong, and ``advice``.

    Raises:
        SchemaError: Something is absent; names all of it.

    Example:
        >>> import sqlalchemy as sa
        >>> engine = sa.create_engine("sqlite://")
        >>> with engine.begin() as connection:
        ...     _ = connection.exec_driver_sql("CREATE TABLE people (id INTEGER, age INTEGER)")
        ...     _ = connection.exec_driver_sql("INSERT INTO people VALUES (7, 17), (7, 40)")
        >>> from segmentkit import INTEGER, Attribute, Entity, Schema
        >>> people = Entity("people", key="id", attributes=[Attribute("age", INTEGER)])
        >>> print(verify(Schema([people]), engine))
        error: people.id: rows have the same key (2 rows)
            SELECT id, count(*) FROM people GROUP BY id HAVING count(*) > 1; -- keep one row of each
    """
    expect(schema, Schema, "verify(schema, engine)")
    engine = engine_of(synchronous(engine, "verify(schema, {})"))
    places = _places(schema, engine, entity)
    with engine.connect() as connection:
        return findings(schema, connection, places, data=data)


def _places(schema: Schema, engine: sa.Engine, entity: Root | None = None) -> dict[str, Place]:
    """Where the tables of a schema are, once it is known that nothing is absent."""
    inspector = sa.inspect(engine)
    present = _present(inspector, [entity.full_table for entity in schema.entities])
    columns: dict[str, dict[str, Any]] = {name: {} for name in present}
    for name in dict.fromkeys(entity.full_table for entity in schema.entities):
        if name in present:
            place, table = present[name]
            found = inspector.get_columns(table, schema=place)
            columns[name] = {column["name"]: column["type"] for column in found}
    lacking = missing_parts(schema, columns)
    if lacking:
        raise SchemaError(f"the database has {'; '.join(lacking)}{_untranslated(engine)}")
    texts = any(a.dtype in (TEXT, TEXTS) for e in schema.entities for a in e.attributes)
    if texts and not folds_case(engine):
        raise SchemaError(
            "the database's locale or encoding knows only ASCII letters, so 'ignoring case' would "
            "not fold others; prepare(engine) looks for a collation that does"
        )
    declared = {} if entity is None else Tables.of(schema, entity).metadata.tables
    return {
        each.name: Place(
            each,
            sa.table(
                present[each.full_table][1],
                *(sa.column(name, kind) for name, kind in columns[each.full_table].items()),
                schema=present[each.full_table][0],
            ),
            columns[each.full_table],
            declared.get(each.full_table),
        )
        for each in schema.entities
        # The columns of a class may be in several tables.
        if each.model is None and each.full_table in present
    }


def _column_type(dtype: DType) -> Any:
    """A type with room for the digits; DuckDB keeps three after the point unless told."""
    return TYPES[dtype.kind] if dtype.scale is None else sa.Numeric(38, dtype.scale)


def tables_from(schema: Schema) -> sa.MetaData:
    """Make the tables that a schema describes, to write SQL without a database.

    Args:
        schema: The schema.

    Returns:
        A ``MetaData`` with one table for each entity.
    """
    expect(schema, Schema, "tables_from(schema)")
    metadata = sa.MetaData()
    for entity in schema.entities:
        columns: dict[str, sa.Column[Any]] = {
            a.column: sa.Column(
                a.column,
                _column_type(a.stored),
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
        # Classes that share a table by inheritance share it here.
        known = metadata.tables.get(entity.full_table)
        if known is None:
            known = sa.Table(entity.table, metadata, schema=entity.schema)
        for name, column in columns.items():
            if name not in known.c:
                known.append_column(column)
    return metadata


def _undeclared(schema: Schema, entity: Entity) -> Iterator[tuple[str, Entity]]:
    """The keys in the rows of an entity, which need not be attributes, and whose keys they are."""
    for link in entity.links:
        if link.key:
            yield link.key, schema.named(link.to)
    for other in schema.entities:
        for relation in other.relations:
            if relation.key and schema.named(relation.to) is entity:
                yield relation.key, other
        for link in other.links:
            if link.by and schema.named(link.to) is entity:
                yield link.by, other
    for relation in entity.relations:
        if relation.by:
            yield relation.by, entity
    if entity.key:
        yield entity.key, entity


def _type_of_key(entity: Entity) -> sa.types.TypeEngine[Any]:
    """The type of the column that tells rows apart; whole numbers, where no attribute tells."""
    key = entity.key_attribute
    found: sa.types.TypeEngine[Any] = TYPES[key.dtype.kind if key else Kind.INTEGER]
    return found


def _mapper(source: object) -> Mapper[Any]:
    try:
        inspected = sa.inspect(source, raiseerr=False)
    except sa.exc.SQLAlchemyError as error:
        raise SchemaError(f"{described(source)} is not mapped yet: {error}") from error
    if not isinstance(inspected, Mapper):
        metadata = getattr(source, "metadata", None)
        hint = meant(source)
        if isinstance(source, type) and isinstance(metadata, sa.MetaData):
            hint = f": give {source.__name__}.metadata, or one of its mapped classes"
        raise SchemaError(
            f"{described(source)} is not a mapped class, a table, a MetaData or an engine{hint}"
        )
    try:
        inspected.registry.configure()
    except sa.exc.SQLAlchemyError as error:
        raise SchemaError(f"SQLAlchemy cannot configure the mapped classes: {error}") from error
    return inspected


def _destinations(declaration: Declaration) -> list[str]:
    ways = [w for t in declaration.tables.values() for w in (*t.relations, *t.links)]
    return [way.to or way.name for way in ways]
