"""How large statements may be, counted where they are sent; what is too large is not sent.

What cannot be counted, such as how deep a statement nests for its parser, the database tells.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import InvalidRequestError

from segmentkit.errors import UnsupportedError
from segmentkit.sqlalchemy.dialects.dialect import dialect_of

Values: TypeAlias = Mapping[str, Any] | Collection[Any]
"""The parameters of a statement, by names or by places."""

_IN_THE_TEXT = frozenset({"psycopg2", "psycopg2cffi"})
"""Drivers of PostgreSQL that write parameters into the text."""

_SMALL = 16
"""Texts so many times shorter than the usual limit are not worth a look at the database's own."""


_WAY_OUT = "make parts of the definition segments of their own and combine their members"


class StatementTooLargeError(UnsupportedError):
    """A statement that the database would refuse for its size."""


@contextmanager
def within_limits(connection: sa.Connection) -> Iterator[None]:
    """Raise of what is sent on a connection, if it is too large for the database."""

    def check(_: Any, __: Any, text: str, values: Any, ___: Any, is_many: bool) -> None:
        if not is_many:
            check_size(connection, text, values)

    try:
        sa.event.listen(connection, "before_cursor_execute", check)
    except InvalidRequestError:
        # The oldest SQLAlchemy tells nothing of the connections of an engine that has options.
        yield
        return
    try:
        yield
    finally:
        sa.event.remove(connection, "before_cursor_execute", check)


@contextmanager
def told_if_too_complex(dialect: sa.Dialect) -> Iterator[None]:
    """Raise of a statement that the database finds too complex as of one that is too large.

    Raises:
        StatementTooLargeError: It is.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise_if_too_complex(dialect, error.orig)
        raise


def raise_if_too_complex(dialect: sa.Dialect, error: BaseException | None) -> None:
    """See whether an error of a driver says that a statement is too complex.

    Raises:
        StatementTooLargeError: It does.
    """
    known, told = dialect_of(dialect), str(error)
    for words, helps in known.too_complex.items():
        if words in told:
            raise StatementTooLargeError(
                f"this statement is too complex for {known.title} ({words}): {helps}, or {_WAY_OUT}"
            ) from error


def check_size(connection: sa.Connection, text: str, values: Values) -> None:
    """See that a database takes a statement.

    Raises:
        StatementTooLargeError: It has too many parameters, or its text is too long.
    """
    dialect = dialect_of(connection.dialect)
    driver: Any = connection.connection.dbapi_connection
    if isinstance(driver, sqlite3.Connection):
        # How SQLite was built, and what the connection was told.
        most = driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        longest = driver.getlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH)
        _check(dialect.title, "parameters", len(values), most)
        _check(dialect.title, "bytes", _bytes(text), longest)
        return
    if dialect.parameters is not None and connection.dialect.driver not in _IN_THE_TEXT:
        _check(dialect.title, "parameters", len(values), dialect.parameters)
    if dialect.length is None:
        return
    written = values.values() if isinstance(values, Mapping) else values
    length = _bytes(text) + sum(_bytes(repr(value)) for value in written)
    if length * _SMALL > dialect.length.usual:
        most = int(connection.exec_driver_sql(dialect.length.asked).scalar_one())
        way_out = f"raise {dialect.length.setting}, or "
        _check(dialect.title, "bytes", length, most, way_out)


def _check(title: str, what: str, count: int, most: int, way_out: str = "") -> None:
    if count > most:
        raise StatementTooLargeError(
            f"{title} takes at most {most:,} {what} in one statement, and this one has {count:,}: "
            f"{way_out}{_WAY_OUT}; keep long lists in tables, as lists= takes them"
        )


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
