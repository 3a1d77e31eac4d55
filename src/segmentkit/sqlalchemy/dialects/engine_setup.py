"""What an engine needs once, before it evaluates segments."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from segmentkit._operators import bucket_of, fold_case
from segmentkit._patterns.matcher import matches_present
from segmentkit._patterns.versions import version_key
from segmentkit._record.json_values import instant
from segmentkit._usage import described
from segmentkit.errors import SchemaError
from segmentkit.sqlalchemy.dialects.constructs import BUCKET, CASEFOLD, LETTERS, MATCHES, VERSION
from segmentkit.sqlalchemy.dialects.dialect import dialect_of
from segmentkit.sqlalchemy.dialects.distance import CALL, FUNCTIONS
from segmentkit.sqlalchemy.dialects.elements import FoldedCase
from segmentkit.sqlalchemy.dialects.json_spellings import INSTANT
from segmentkit.sqlalchemy.dialects.statement_sizes import check_size, raise_if_too_complex

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_Engine = TypeVar("_Engine", bound="sa.Engine | AsyncEngine")

_PREPARED = "segmentkit_prepared"
_LETTERS = "IÀΣЯ"
_UTF8 = "SELECT getdatabaseencoding() = 'UTF8'"
_KNOWN = "SELECT collname FROM pg_collation WHERE collencoding IN (-1, pg_char_to_encoding('UTF8'))"


def prepare(engine: _Engine) -> _Engine:
    """Prepare an engine for segments.

    An error of the database while it lists members then has a note that names the segment, and a
    query of `members`, `values` or `labels` that is too large for the database is refused. SQLite
    has no Unicode case folding, patterns or digests, so functions for ``ignoring case``,
    ``matches``, ``version`` and ``sample`` are added to every new connection; so are those for
    ``distance`` if SQLite was built without them. For PostgreSQL, this finds out whether the
    database's locale knows lower-case letters beyond ASCII, and if not, which other collation does.
    Other databases need nothing.

    Args:
        engine: The engine, or an ``AsyncEngine``; connections that are open already are not
            changed.

    Returns:
        The engine.

    Raises:
        SchemaError: It is no engine.
    """
    told = engine
    # Of an asynchronous engine, the events are those of the one below.
    engine = engine_of(getattr(engine, "sync_engine", engine))
    # The dialect is that of this engine, and of what execution_options() make of it. SQLAlchemy
    # knows listeners by an engine's address only, which the next engine may have.
    if hasattr(engine.dialect, _PREPARED):
        return told
    setattr(engine.dialect, _PREPARED, True)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _add_functions)
    if dialect_of(engine.dialect).collations:
        sa.event.listen(engine, "connect", partial(_find_letters, engine.dialect), once=True)
    sa.event.listen(engine, "before_cursor_execute", _count)
    sa.event.listen(engine, "handle_error", _tell_more)
    return told


def prepare_connection(connection: sa.Connection) -> None:
    """Prepare one connection, which may have been opened before its engine was prepared."""
    driver = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        _add_functions(driver, None)
    if dialect_of(connection.dialect).collations and not hasattr(connection.dialect, LETTERS):
        _find_letters(connection.dialect, driver, None)


def engine_of(given: Any) -> Any:
    """An engine, and not something else of a database.

    Raises:
        SchemaError: It is no engine; says what to pass.
    """
    if isinstance(given, sa.Engine):
        return given
    made = "make one by sqlalchemy.create_engine(url)"
    told = _INSTEAD.get(type(given).__name__, made)
    raise SchemaError(f"this takes an engine of SQLAlchemy, and not {described(given)}: {told}")


_INSTEAD = {
    "Connection": "pass connection.engine",
    "Inspector": "pass the engine that it was made of",
    **dict.fromkeys(("Session", "scoped_session"), "pass session.get_bind().engine"),
}


def folds_case(engine: sa.Engine) -> bool:
    """Whether ``ignoring case`` knows letters beyond ASCII, where that is up to the database."""
    if not dialect_of(engine.dialect).collations:
        return True
    try:
        with engine.connect() as connection:
            found = connection.scalar(sa.select(FoldedCase(sa.literal(_LETTERS))))
    except (sa.exc.DBAPIError, UnicodeError):
        return False  # its encoding has no such letters
    return bool(found == fold_case(_LETTERS))


def _count(
    connection: sa.Connection, _: Any, text: str, values: Any, context: Any, is_many: bool
) -> None:
    """See that what was made for segments is not too large for the database."""
    if not is_many and context is not None and "segmentkit_as_of" in context.execution_options:
        check_size(connection, text, values)


def _tell_more(context: sa.engine.ExceptionContext) -> None:
    """Say which segment it is about, and what helps if a statement is too complex."""
    running = context.execution_context
    options = running.execution_options if running else {}
    raised = context.sqlalchemy_exception or context.original_exception
    if "segmentkit_as_of" in options:
        raise_if_too_complex(context.dialect, context.original_exception)
    if "segmentkit_segment" in options:
        name, as_of = options["segmentkit_segment"], options["segmentkit_as_of"]
        of = "a segment without a name" if name is None else f"segment {name!r}"
        raised.add_note(f"while listing the members of {of}, as of {as_of.isoformat()}")


def _add_functions(connection: Any, _: object) -> None:
    def fold(text: str | None) -> str | None:
        return None if text is None else fold_case(text)

    connection.create_function(CASEFOLD, 1, fold, deterministic=True)
    connection.create_function(BUCKET, 1, _of_present(bucket_of), deterministic=True)
    connection.create_function(MATCHES, 2, matches_present, deterministic=True)
    # Of many rows, few have a version of their own.
    key_of = lru_cache(maxsize=4096)(version_key)
    connection.create_function(VERSION, 1, key_of, deterministic=True)
    connection.create_function(INSTANT, 1, _stored_instant, deterministic=True)
    try:
        connection.cursor().execute(CALL)
    except sqlite3.OperationalError:
        for name, function in FUNCTIONS.items():
            connection.create_function(name, -1, _of_present(function), deterministic=True)


def _stored_instant(text: str | None) -> str | None:
    """An instant as SQLAlchemy stores it there."""
    found = instant(text)
    return None if found is None else found.replace(tzinfo=None).isoformat(" ", "microseconds")


def _of_present(function: Callable[..., float]) -> Callable[..., float | None]:
    def call(*arguments: float | None) -> float | None:
        present = [a for a in arguments if a is not None]
        return function(*present) if len(present) == len(arguments) else None

    return call


def _find_letters(dialect: sa.Dialect, connection: Any, _: object) -> None:
    """Leave with the dialect the first collation that knows small letters, if one does."""
    cursor = connection.cursor()

    def column(query: str) -> list[Any]:
        cursor.execute(query)
        return [row[0] for row in cursor.fetchall()]

    try:
        if column(_UTF8) == [True]:
            known = set(column(_KNOWN))
            for name in dialect_of(dialect).collations:
                wanted = f"lower('{_LETTERS}' COLLATE \"{name}\")"
                if name in known and column(f"SELECT {wanted}") == [_LETTERS.lower()]:
                    setattr(dialect, LETTERS, f'"{name}"')
                    break
    finally:
        cursor.close()
        connection.rollback()
