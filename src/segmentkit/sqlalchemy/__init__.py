"""Segments in SQL, through SQLAlchemy: predicates for your own queries, and queries for members."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import sqlalchemy as sa

from segmentkit.segment import AsOf, Segment, bound_condition, instant_of
from segmentkit.sqlalchemy._predicate import compile_predicate
from segmentkit.sqlalchemy._prepare import prepare
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
        A ``SELECT`` of one column, the key. Its execution options ``segmentkit_as_of`` and
        ``segmentkit_segment`` are the instant and the segment's name.

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
    return query.execution_options(
        segmentkit_as_of=instant.replace(tzinfo=UTC), segmentkit_segment=segment.name
    )
