"""Everyone's answers in temporary tables: each definition is computed once in a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from segmentkit.errors import DataError, SchemaError, UnsupportedError
from segmentkit.segment import Segment
from segmentkit.source import Question
from segmentkit.sqlalchemy._source import Source
from segmentkit.sqlalchemy._store.tables import StoreTables
from segmentkit.sqlalchemy.sql_source import Engine, in_statements
from segmentkit.sqlalchemy.statements.batch_statement import Conditions, Pass
from segmentkit.sqlalchemy.statements.codes import BITS
from segmentkit.sqlalchemy.tables import Tables


@frozen
class Staged:
    """Where the answer to one definition is: in a column of bits, beside people's keys."""

    table: sa.Table
    bits: sa.Column[int]
    bit: int

    @property
    def key(self) -> sa.Column[Any]:
        """People's keys."""
        return self.table.c.key

    @property
    def holds(self) -> sa.ColumnElement[bool]:
        """Whether somebody is in."""
        # The number is ours.
        return self.bits.bitwise_and(sa.literal(self.bit, sa.BigInteger())) != 0


class Staging:
    """Temporary tables with everyone's answers, on one connection.

    Args:
        connection: The connection, in a transaction.
        source: What is asked.
        tables: The tables of the store.
    """

    def __init__(self, connection: sa.Connection, source: Source, tables: StoreTables) -> None:
        self.connection = connection
        self.source = source
        self.tables = tables
        self.made: list[sa.Table] = []
        self.numbers = count()

    def compiles(self, segment: Segment, as_of: datetime) -> bool:
        """Whether a definition can be asked at all."""

        def answer(opened: tuple[Engine, Tables], question: Question) -> None:
            engine, tables = opened
            engine.text(Pass.of(dict(question.conditions), tables).counted())

        try:
            self.source._asked(segment, as_of, answer, remembered=False)
        except (UnsupportedError, SchemaError, DataError):
            return False
        return True

    def stage(self, segments: Mapping[str, Segment], as_of: datetime) -> dict[str, Staged]:
        """Ask about everyone.

        Args:
            segments: The segments, by name.
            as_of: The instant.

        Returns:
            Where the answers are, by the segments' names.

        Raises:
            DataError: Two people have one key, or somebody has none.
        """

        def answer(opened: tuple[Engine, Tables], question: Question) -> list[dict[str, Staged]]:
            _, tables = opened
            return in_statements(question, lambda portion: self._portion(portion, tables))

        # A run has seen to it what is known of stays.
        found = self.source._asked(segments, as_of, answer, remembered=False)
        return {name: staged for portion in found for name, staged in portion.items()}

    def _portion(self, conditions: Conditions, tables: Tables) -> dict[str, Staged]:
        query = Pass.of(conditions, tables).signatures("key")
        table = self._table(next(self.numbers), len(query.selected_columns) - 1)
        write = sa.insert(table).from_select([c.name for c in table.c], query)
        try:
            self.connection.execute(write)
        except sa.exc.IntegrityError as error:
            raise self._not_apart() from error
        self._check(table, tables)
        places = ((i // BITS, 1 << i % BITS) for i in count())
        return {
            name: Staged(table, table.c[f"bits_{column}"], bit)
            for name, (column, bit) in zip(conditions, places, strict=False)
        }

    def _table(self, number: int, width: int) -> sa.Table:
        dialect = self.connection.dialect
        # Where rows are looked up one by one, by their key.
        by_key = dialect.name not in ("duckdb", "postgresql")
        table = sa.Table(
            f"{self.tables.prefix}_staged_{number}",
            sa.MetaData(),
            sa.Column(
                "key", self.tables.key, primary_key=by_key, autoincrement=False, nullable=False
            ),
            *(sa.Column(f"bits_{i}", sa.BigInteger, nullable=False) for i in range(width)),
            prefixes=["TEMPORARY"],
            # SQLite would number those who have no key.
            sqlite_with_rowid=False,
            # DuckDB's dialect takes the words of PostgreSQL's for its own.
            postgresql_on_commit="DROP" if dialect.name == "postgresql" else None,
        )
        self._drop(table)
        table.create(self.connection, checkfirst=False)
        self.made.append(table)
        return table

    def _check(self, table: sa.Table, tables: Tables) -> None:
        """See that no key is there twice, where the database did not."""
        if not len(table.primary_key) and not tables.is_unique(tables.schema.entity):
            twice = sa.select(table.c.key).group_by(table.c.key).having(sa.func.count() > 1)
            if self.connection.scalar(twice.limit(1)) is not None:
                raise self._not_apart()
        if self.connection.dialect.name == "postgresql":
            name = self.connection.dialect.identifier_preparer.format_table(table)
            self.connection.exec_driver_sql(f"ANALYZE {name}")

    def _not_apart(self) -> DataError:
        return DataError(
            f"the store knows people by {self.source.entity!r:.80}'s key, but two have the same "
            "one, or somebody has none: a store needs a key that tells everyone apart"
        )

    def _drop(self, table: sa.Table) -> None:
        """Drop what an earlier run has left: not every database takes back temporary tables."""
        name = self.connection.dialect.identifier_preparer.format_table(table)
        match self.connection.dialect.name:
            case "mysql" | "mariadb":
                # Only this way does it not commit.
                self.connection.exec_driver_sql(f"DROP TEMPORARY TABLE IF EXISTS {name}")
            case "sqlite" | "duckdb":
                self.connection.exec_driver_sql(f"DROP TABLE IF EXISTS temp.{name}")
            case _:
                pass  # PostgreSQL drops them at the end of the transaction.

    def done(self) -> None:
        """Drop the tables."""
        while self.made:
            self._drop(self.made.pop())
