"""Temporary tables of a run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

import sqlalchemy as sa

from segmentkit.sqlalchemy._store.tables import StoreTables


class Temporary:
    """Temporary tables, on one connection.

    Args:
        connection: The connection, in a transaction.
        tables: The tables of the store.
    """

    def __init__(self, connection: sa.Connection, tables: StoreTables) -> None:
        self.connection = connection
        self.prefix = tables.prefix
        self.made: list[sa.Table] = []
        self.numbers = count()

    def make(self, name: str, key: str, kind: Any, numbers: Iterable[str]) -> sa.Table:
        """Make a table.

        Args:
            name: What it is for.
            key: The column by which rows are known.
            kind: The type of the key.
            numbers: The other columns.
        """
        dialect = self.connection.dialect
        # Where rows are looked up one by one, by their key.
        by_key = dialect.name not in ("duckdb", "postgresql")
        table = sa.Table(
            f"{self.prefix}_{name}_{next(self.numbers)}",
            sa.MetaData(),
            sa.Column(key, kind, primary_key=by_key, autoincrement=False, nullable=False),
            *(sa.Column(each, sa.BigInteger, nullable=False) for each in numbers),
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

    def count(self, table: sa.Table) -> None:
        """Let PostgreSQL count the rows that it plans by: nobody else does."""
        if self.connection.dialect.name == "postgresql":
            name = self.connection.dialect.identifier_preparer.format_table(table)
            self.connection.exec_driver_sql(f"ANALYZE {name}")

    def done(self) -> None:
        """Drop the tables."""
        while self.made:
            self._drop(self.made.pop())

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
