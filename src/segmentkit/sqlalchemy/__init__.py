"""Segments in SQL, through SQLAlchemy: predicates for your own queries, and queries for members."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from segmentkit._scalar import bucket_of, fold_case
from segmentkit.segment import AsOf, Segment, bound_condition, instant_of
from segmentkit.sqlalchemy._dialects import BUCKET, CASEFOLD
from segmentkit.sqlalchemy._globe import CALL, FUNCTIONS
from segmentkit.sqlalchemy._predicate import compile_predicate
from segmentkit.sqlalchemy._schema import load_catalog, schema_from, tables_from, verify
from segmentkit.sqlalchemy._tables import Root, Tables

__all__ = [
    "load_catalog",
    "members",
    "predicate",
    "prepare",
    "schema_from",
    "tables_from",
    "verify",
]


def predicate(segment: Segment, entity: Root, *, as_of: AsOf = None) -> sa.ColumnElement[bool]:
    """Make a predicate for a query of your own.

    It is true or not true of every row, so it belongs in ``WHERE``. SQLAlchemy's ``~`` turns it
    into a three-valued ``NOT``, which loses rows with missing values: take the complement of the
    segment instead (``predicate(~segment, …)``). To select it as a column, wrap it:
    ``case((predicate, 1), else_=0)``.

    Args:
        segment: Whom to select.
        entity: What the query selects from: a mapped class, a table, or an alias of one. The
            other tables of the schema are found beside it, in its ``MetaData``.
        as_of: The instant to ask about; by default now. Without a zone, in the schema's.

    Returns:
        An expression whose values are all bound parameters.

    Raises:
        DataError: A parameter of the segment has no value.
        SchemaError: A table or column of the schema is not there.
        UnsupportedError: SQL cannot compute a construct.

    Example:
        >>> import sqlalchemy as sa
        >>> from segmentkit import Segment
        >>> people = sa.Table(
        ...     "people",
        ...     sa.MetaData(),
        ...     sa.Column("id", sa.Integer, primary_key=True),
        ...     sa.Column("age", sa.Integer),
        ... )
        >>> grown_up = Segment.define("grown-up", "age >= 18", schema_from(people))
        >>> print(predicate(grown_up, people))
        people.age >= :age_1
        >>> print(predicate(~grown_up, people))
        people.age < :age_1 OR people.age IS NULL
    """
    tables = Tables.of(segment.schema, entity)
    condition = bound_condition(segment, instant_of(as_of, segment.schema))
    return compile_predicate(condition, tables)


def members(segment: Segment, entity: Root, *, as_of: AsOf = None) -> sa.Select[Any]:
    """Make a query for the keys of a segment's members.

    Args:
        segment: Whom to select.
        entity: A mapped class, a table, or an alias of one.
        as_of: The instant to ask about; by default now. Without a zone, in the schema's.

    Returns:
        A ``SELECT`` of one column, the key; its execution option ``segmentkit_as_of`` is the
        instant.

    Raises:
        DataError: A parameter of the segment has no value.
        SchemaError: A table or column of the schema is not there.
        UnsupportedError: SQL cannot compute a construct.
    """
    instant = instant_of(as_of, segment.schema)
    tables = Tables.of(segment.schema, entity)
    key = tables.root_column(segment.schema.entity.key or "")
    test = compile_predicate(bound_condition(segment, instant), tables)
    query = sa.select(key).where(test)
    return query.execution_options(segmentkit_as_of=instant.replace(tzinfo=UTC))


def prepare(engine: sa.Engine) -> sa.Engine:
    """Add to every new connection of an engine what its database lacks.

    SQLite has no Unicode case folding and no digests; ``ignoring case`` and ``sample`` call
    functions that this adds. Where it
    was built without mathematical functions, those that ``distance`` needs are added too. Other
    databases need nothing.

    Args:
        engine: The engine; connections that are open already are not changed.

    Returns:
        The engine.
    """
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _add_functions)
    return engine


def _add_functions(connection: Any, _: object) -> None:
    def fold(text: str | None) -> str | None:
        return None if text is None else fold_case(text)

    connection.create_function(CASEFOLD, 1, fold, deterministic=True)
    connection.create_function(BUCKET, 1, _of_present(bucket_of), deterministic=True)
    try:
        connection.cursor().execute(CALL)
    except sqlite3.OperationalError:
        for name, function in FUNCTIONS.items():
            connection.create_function(name, -1, _of_present(function), deterministic=True)


def _of_present(function: Callable[..., float]) -> Callable[..., float | None]:
    def call(*arguments: float | None) -> float | None:
        present = [a for a in arguments if a is not None]
        return function(*present) if len(present) == len(arguments) else None

    return call
