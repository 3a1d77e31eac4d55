"""The tables of a store."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.util import AliasedInsp

from segmentkit._usage import described
from segmentkit.errors import SchemaError
from segmentkit.sqlalchemy.tables import Root

LONGEST_NAME = 255
_MYSQL = ("mysql", "mariadb")


def _text(length: int | None) -> Any:
    """Texts that differ as their characters do, whatever the database's own collation says."""
    found: Any = sa.String(length)
    for name, collation in (("mysql", "utf8mb4_bin"), ("mariadb", "utf8mb4_nopad_bin")):
        exact = mysql.VARCHAR(length or LONGEST_NAME, charset="utf8mb4", collation=collation)
        found = found.with_variant(exact, name)
    return found


_INSTANT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), *_MYSQL)
_LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(charset="utf8mb4"), *_MYSQL)


# A columnar database scans rows faster than it keeps indexes of them.
_NO_INDEXES = ("duckdb",)


def _has_indexes(*_: Any, dialect: Any, **__: Any) -> bool:
    return dialect.name not in _NO_INDEXES


@frozen
class StoreTables:
    """The tables, and the type of people's keys.

    Attributes:
        metadata: All of them.
        segment: The names of segments.
        run: One row of each run of a segment.
        member: Who is in now, and since which run.
        past: Who was in, from which run to which.
        cursor: How far consumers have read.
        handed: Who was handed over to which consumer, of which run.
        key: The type of people's keys.
        prefix: What the names begin with.
    """

    metadata: sa.MetaData
    segment: sa.Table
    run: sa.Table
    member: sa.Table
    past: sa.Table
    cursor: sa.Table
    handed: sa.Table
    key: Any
    prefix: str

    @classmethod
    def of(cls, key: Any, prefix: str) -> StoreTables:
        """The tables with a prefix, for keys of a type."""
        metadata = sa.MetaData()
        segment = sa.Table(
            f"{prefix}_segment",
            metadata,
            _number("id", primary_key=True),
            sa.Column("name", _text(LONGEST_NAME), nullable=False, unique=True),
            sa.Column("time_zone", sa.String(64), nullable=False),
            # Of earlier runs, the stays are no longer known.
            _number("known_from", server_default=sa.text("1")),
        )
        run = sa.Table(
            f"{prefix}_run",
            metadata,
            _number("segment_id", primary_key=True),
            _number("run", primary_key=True),
            sa.Column("as_of", _INSTANT, nullable=False),
            sa.Column("version", sa.CHAR(12), nullable=False),
            sa.Column("definition", _LONG_TEXT, nullable=False),
            sa.Column("cause", sa.String(12), nullable=False),
            _number("size"),
            _number("entered"),
            _number("left_count"),
            sa.Column("stale", sa.Boolean, nullable=False),
            sa.UniqueConstraint("segment_id", "as_of", "version"),
        )
        member = _of_people(f"{prefix}_member", metadata, key, "since_run")
        past = _of_people(f"{prefix}_past", metadata, key, "left_run", "since_run")
        cursor = sa.Table(
            f"{prefix}_cursor",
            metadata,
            sa.Column("consumer", _text(LONGEST_NAME), primary_key=True),
            _number("segment_id", primary_key=True),
            _number("run"),
        )
        handed = sa.Table(
            f"{prefix}_handed",
            metadata,
            sa.Column("consumer", _text(LONGEST_NAME), nullable=False),
            _number("segment_id"),
            sa.Column("key", key, nullable=False, autoincrement=False),
            _number("run"),
            sa.Column("at", _INSTANT, nullable=False),
            sa.PrimaryKeyConstraint("consumer", "key", "segment_id", "run").ddl_if(
                callable_=_has_indexes
            ),
        )
        return cls(metadata, segment, run, member, past, cursor, handed, key, prefix)


def _number(name: str, **more: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, autoincrement=False, nullable=False, **more)


def _of_people(name: str, metadata: sa.MetaData, key: Any, by_run: str, *in_key: str) -> sa.Table:
    """Rows of people, which are found by their keys and by a run."""
    columns = [_number("segment_id"), sa.Column("key", key, nullable=False, autoincrement=False)]
    columns += [_number(each) for each in dict.fromkeys((*in_key, by_run))]
    by_key = sa.PrimaryKeyConstraint("segment_id", "key", *in_key)
    index = sa.Index(f"ix_{name}_{by_run}", "segment_id", by_run)
    return sa.Table(
        name,
        metadata,
        *columns,
        by_key.ddl_if(callable_=_has_indexes),
        index.ddl_if(callable_=_has_indexes),
        # The key is the order of the rows, and not beside them.
        sqlite_with_rowid=False,
    )


def key_column(entity: Root, name: str | None) -> sa.ColumnElement[Any]:
    """The column with people's keys.

    Args:
        entity: What a user gave: a mapped class, a table, or an alias of one.
        name: Which column it is; by default the primary key.

    Raises:
        SchemaError: There is no such column, or the primary key has several.
    """
    inspected = sa.inspect(entity, raiseerr=False) if isinstance(entity, Hashable) else None
    if isinstance(inspected, Mapper | AliasedInsp):
        table: Any = inspected.mapper.local_table
        keys = [*inspected.mapper.primary_key]
    elif isinstance(inspected, sa.FromClause):
        table = inspected
        keys = [*inspected.primary_key]
    else:
        raise SchemaError(
            "a store takes a mapped class or a table of SQLAlchemy, as in Store(engine, Customer), "
            f"and not {described(entity)}"
        )
    if name is not None:
        if name not in table.c:
            raise SchemaError(f"key= names the column {name!r}, which {entity!r:.80} does not have")
        keys = [table.c[name]]
    if len(keys) != 1:
        many = "several columns" if keys else "no column"
        raise SchemaError(
            f"the primary key of {entity!r:.80} has {many}: say by which column people are known, "
            "as in Store(engine, Customer, key='number')"
        )
    (found,) = keys
    return found


def stored_key(column: sa.ColumnElement[Any]) -> Any:
    """The type of a key as a store keeps it."""
    kind: Any = column.type
    if type(kind) in (sa.String, sa.Text, sa.VARCHAR, sa.TEXT, mysql.VARCHAR):
        return _text(kind.length)
    if isinstance(kind, sa.Integer):
        # A key may outgrow the type of its column, and SQLite finds rows by INTEGER only.
        return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return kind
