"""One writer at a time: transactions of a store, and what to do if two want to write."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from segmentkit.errors import UnsupportedError
from segmentkit.sqlalchemy._store.tables import StoreTables
from segmentkit.sqlalchemy.dialects.engine_setup import prepare_connection

_T = TypeVar("_T")

# What the statements of a run see. In PostgreSQL, all see the same; MariaDB would lock what it
# reads from people's tables, if it had to promise that.
_LEVELS = {
    "postgresql": "REPEATABLE READ",
    "mysql": "READ COMMITTED",
    "mariadb": "READ COMMITTED",
    "sqlite": None,
    "duckdb": None,
}
_ATTEMPTS = 20


class _Lock(Executable, ClauseElement):
    """PostgreSQL's lock of a table against other writers; who reads does not wait."""

    inherit_cache = False

    def __init__(self, table: sa.Table) -> None:
        self.table = table


@compiles(_Lock)
def _lock(element: _Lock, compiler: SQLCompiler, **_: Any) -> str:
    name = compiler.preparer.format_table(element.table)
    return f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE"


@contextmanager
def writing(engine: sa.Engine, tables: StoreTables) -> Iterator[sa.Connection]:
    """A transaction in which nobody else writes to the store.

    Raises:
        UnsupportedError: The store does not know the database.
    """
    name = engine.dialect.name
    if name not in _LEVELS:
        raise UnsupportedError(
            f"a store is for SQLite, PostgreSQL, DuckDB and MariaDB, and not for {name!r}"
        )
    level = _LEVELS[name]
    if level is not None:
        engine = engine.execution_options(isolation_level=level)
    with engine.connect() as connection:
        prepare_connection(connection)
        with connection.begin():
            _take_turn(connection, tables)
            yield connection


def _take_turn(connection: sa.Connection, tables: StoreTables) -> None:
    """Wait until nobody else writes; what is read from now on is what they have written."""
    match connection.dialect.name:
        case "postgresql":
            # Before anything is read: what a transaction sees is what was there at that time.
            connection.execute(_Lock(tables.segment))
        case "sqlite":
            driver: Any = connection.connection.dbapi_connection
            if driver.in_transaction:
                # It has begun, and has read nothing yet: to write is to wait.
                connection.execute(sa.delete(tables.cursor).where(sa.false()))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
        case "mysql" | "mariadb":
            connection.execute(sa.select(tables.segment.c.id).with_for_update()).all()
        case _:
            pass  # Of two that write, DuckDB lets the first commit.


def in_turn(write: Callable[[], _T]) -> _T:
    """Write in a transaction; if somebody else was faster, look at what they wrote, and again."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return write()
        except sa.exc.DBAPIError as error:
            if not _lost(error):
                raise
        time.sleep(random.uniform(0, 0.05) * attempt)
    return write()


_SQLSTATES = {"40001", "40P01", "55P03", "23505"}
_NUMBERS_OF_MARIADB = {1020, 1062, 1205, 1213}
_BUSY = {5, 6}


def _lost(error: sa.exc.DBAPIError) -> bool:
    """Whether an error only says that another transaction was faster."""
    raised: Any = error.orig
    if isinstance(error, sa.exc.IntegrityError):
        return True
    if getattr(raised, "sqlstate", None) in _SQLSTATES:
        return True
    if getattr(raised, "sqlite_errorcode", 0) & 0xFF in _BUSY:
        return True
    if type(raised).__name__ == "TransactionException":
        return True  # DuckDB's, at a statement or at the end
    return bool(raised.args) and raised.args[0] in _NUMBERS_OF_MARIADB
