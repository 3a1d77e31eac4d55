"""The database behind a URL, and its errors as messages."""

from __future__ import annotations

import os
import re
import shlex
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

import click
from attrs import frozen
from sqlalchemy import URL, Engine, MetaData, Table, create_engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    InvalidRequestError,
    NoSuchModuleError,
    SAWarning,
    SQLAlchemyError,
)

from segmentkit._catalog.schema_table import Declaration
from segmentkit._catalog.toml_file import CatalogText
from segmentkit._cli._definitions import WHERE, Definitions
from segmentkit._cli._errors import Failure, Wrong
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit.catalog import Catalog
from segmentkit.errors import SchemaError
from segmentkit.schema import Schema
from segmentkit.sqlalchemy import prepare, verify
from segmentkit.sqlalchemy.dialects.dialect import DIALECTS
from segmentkit.sqlalchemy.reflection import reflect
from segmentkit.sqlalchemy.verification import Verification

_FILES = {"sqlite": "an SQLite", "duckdb": "a DuckDB"}
_DRIVERS = {
    "MySQLdb": "mysqlclient",
    "asyncpg": "asyncpg",
    "cx_Oracle": "cx_Oracle",
    "duckdb": "duckdb",
    "mariadb": "mariadb",
    "mysql": "mysql-connector-python",
    "oracledb": "oracledb",
    "pg8000": "pg8000",
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "psycopg2cffi": "psycopg2cffi",
    "pymssql": "pymssql",
    "pymysql": "pymysql",
    "pyodbc": "pyodbc",
}
"""What pip installs for the modules of the drivers that SQLAlchemy knows."""
_ELSEWHERE = ("file:", "md:", "motherduck:")
"""How the names begin of what is no file of that name."""
_SECRET_WORDS = ("pass", "pwd", "secret", "token", "key", "odbc_connect")

url_option = click.option(
    "--url",
    metavar="URL",
    required=True,
    envvar="SEGMENTKIT_URL",
    show_envvar=True,
    help="The database, as an SQLAlchemy URL.",
)


schema_url_option = click.option(
    "--url", metavar="URL", help="Read the schema from this database (an SQLAlchemy URL)."
)


@frozen
class Database:
    """A database that can be reached.

    Attributes:
        engine: How.
        url: Its address; holds the password.
    """

    engine: Engine
    url: URL

    @contextmanager
    def asked(self, what: str) -> Iterator[None]:
        """Turn what the database refuses into a message.

        Args:
            what: What it was asked to do, for the message.

        Raises:
            Failure: It refused.
        """
        try:
            yield
        except (SQLAlchemyError, ValueError, ArithmeticError) as error:
            raise Failure(f"{place(self.url)} could not {what}: {told(self.url, error)}") from None


@frozen
class Prepared:
    """A catalog that has been checked against a database.

    Attributes:
        catalog: The catalog.
        schema: What the database has.
        table: The table whose rows are segmented.
    """

    catalog: Catalog
    schema: Schema
    table: Table


@contextmanager
def connected(text: str) -> Iterator[Database]:
    """Reach a database, and let it go at the end.

    Args:
        text: An SQLAlchemy URL.

    Raises:
        Failure: The URL is wrong, its driver is missing, or the database cannot be reached.
    """
    url = _url(text)
    engine = _engine(url)
    prepare(engine)
    try:
        # What a driver raises when it cannot connect is its own affair.
        try:
            engine.connect().close()
        except Exception as error:
            raise Failure(f"cannot connect to {place(url)}: {told(url, error)}") from None
        with warnings.catch_warnings():
            # Of columns that no definition names, such as types that SQLAlchemy does not know.
            warnings.simplefilter("ignore", SAWarning)
            yield Database(engine, url)
    finally:
        engine.dispose()


def verified(schema: Schema, database: Database) -> Verification:
    """What a check of the database finds."""
    with database.asked("be checked"):
        return verify(schema, database.engine)


def prepared(
    definitions: Definitions, database: Database, *, skip_broken: bool = False
) -> Prepared:
    """Check definitions against a database; what is wrong in it may be left out.

    Raises:
        Failure: The database lacks something that the file's schema names.
        Wrong: Definitions do not fit the database.
    """
    schema, table = described(definitions.text, definitions.file, database)
    return Prepared(definitions.checked(schema, skip_broken=skip_broken), schema, table)


def described(text: CatalogText, file: str, database: Database) -> tuple[Schema, Table]:
    """What a database tells of a catalog's schema, and the table whose rows are segmented.

    Raises:
        Failure: The database lacks something that the file's schema names.
        Wrong: The file names no entity.
    """
    if text.declaration is None:
        raise Wrong(
            f"{file}: there is no [schema]; it must at least name the entity, the table whose "
            "rows are segmented"
        )
    schema, tables = reflected(text.declaration, database, "" if file == WHERE else f"{file}: ")
    return schema, tables.tables[schema.entity.table]


def reflected(
    declaration: Declaration, database: Database, before: str = ""
) -> tuple[Schema, MetaData]:
    """Read from a database what a declaration leaves open.

    Args:
        declaration: What is told.
        database: What tells the rest.
        before: What to put before a message.

    Returns:
        The schema and its tables.

    Raises:
        Failure: The database lacks something that the declaration names.
    """
    try:
        with database.asked("say what tables it has"):
            return reflect(database.engine, declaration)
    except SchemaError as error:
        raise Failure(f"{before}{error}") from None


def place(url: URL) -> str:
    """A database's address without what may be secret in it."""
    return URL.create(
        url.drivername,
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
    ).render_as_string(hide_password=True)


def told(url: URL, error: BaseException) -> str:
    """What a driver says, on one line and without secrets."""
    origin = getattr(error, "orig", None)
    if origin is None and isinstance(error, SQLAlchemyError) and error.args:
        origin = error.args[0]  # without the address of a page about it
    text = " ".join(str(origin or error).split()) or type(error).__name__
    for secret in _secrets(url):
        # A short one is a part of many words.
        pattern = re.escape(secret) if len(secret) > 3 else rf"(?<!\w){re.escape(secret)}(?!\w)"
        text = re.sub(pattern, "***", text)
    return text if len(text) <= 500 else text[:500] + "…"


def _secrets(url: URL) -> list[str]:
    found = [] if url.password is None else [str(url.password)]
    for name, value in url.query.items():
        if any(word in name.lower() for word in _SECRET_WORDS):
            found += [value] if isinstance(value, str) else value
    spelled = {form for s in found for form in (s, quote(s, safe=""), quote_plus(s)) if form}
    return sorted(spelled, key=len, reverse=True)


def _url(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text is not shown, unless it is a file: there may be a password in it.
        like = f"sqlite:///{text}" if os.path.isfile(text) else "postgresql://user@host/database"
        raise Failure(f"--url is not a database URL, such as {like}") from None
    if (title := _FILES.get(url.get_backend_name())) is not None:
        file = url.database
        if not file or file == ":memory:":
            raise Failure(f"--url names {title} database in memory, which is empty")
        # A new one would be made without a word.
        if not file.startswith(_ELSEWHERE) and not os.path.isfile(file):
            raise Failure(f"there is no {title.split()[1]} file {file}")
    return url


def no_dialect(name: str) -> str:
    """What to do where SQLAlchemy has no dialect of a name."""
    known = DIALECTS.get(name)
    if known is not None and known.package is not None:
        return f"{name!r} needs {known.package}: pip install {known.package}"
    hint = did_you_mean(name, DIALECTS) or f"there are {', '.join(sorted(DIALECTS))}"
    return f"no dialect {name!r}; {hint}"


def _engine(url: URL) -> Engine:
    try:
        with warnings.catch_warnings():
            # An argument that the driver ignores may be one that was to protect something.
            warnings.simplefilter("error", SAWarning)
            engine = create_engine(url)
    except NoSuchModuleError:
        raise Failure(no_dialect(url.get_backend_name())) from None
    except ImportError as error:
        name = error.name or str(error)
        package = _DRIVERS.get(name.partition(".")[0])
        how = (
            ", which is not installed"
            if package is None
            else f": pip install {shlex.quote(package)}"
        )
        raise Failure(f"{url.drivername!r} needs the driver {name}{how}") from None
    except (ArgumentError, InvalidRequestError, SAWarning, TypeError, ValueError) as error:
        raise Failure(f"--url is wrong: {told(url, error)}") from None
    if engine.dialect.is_async:
        raise Failure(f"{url.drivername!r} is an asynchronous driver; name another one")
    return engine
