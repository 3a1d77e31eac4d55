"""Everyone's answers in temporary tables: each definition is computed once in a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from attrs import frozen

from segmentkit.errors import DataError, SchemaError, UnsupportedError
from segmentkit.segment import Segment
from segmentkit.source import Question
from segmentkit.sqlalchemy._source import Source
from segmentkit.sqlalchemy._store.tables import StoreTables
from segmentkit.sqlalchemy._store.temporary import Temporary
from segmentkit.sqlalchemy.sql_source import Engine, in_statements
from segmentkit.sqlalchemy.statements.batch_statement import Conditions, Pass
from segmentkit.sqlalchemy.statements.codes import BITS
from segmentkit.sqlalchemy.tables import Tables


@frozen
class Staged:
    """Where the answer to one definition is: one bit of a word, beside people's keys."""

    table: sa.Table
    word: int
    bit: int


class Staging:
    """Temporary tables with everyone's answers, on one connection.

    Args:
        connection: The connection, in a transaction.
        source: What is asked.
        tables: The tables of the store.
        temporary: What makes temporary tables.
    """

    def __init__(
        self,
        connection: sa.Connection,
        source: Source,
        tables: StoreTables,
        temporary: Temporary,
    ) -> None:
        self.connection = connection
        self.source = source
        self.tables = tables
        self.temporary = temporary

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
        words = [f"bits_{word}" for word in range(len(query.selected_columns) - 1)]
        table = self.temporary.make("staged", "key", self.tables.key, words)
        write = sa.insert(table).from_select([c.name for c in table.c], query)
        try:
            self.connection.execute(write)
        except sa.exc.IntegrityError as error:
            raise self._not_apart() from error
        self._check(table, tables)
        return {
            name: Staged(table, place // BITS, 1 << place % BITS)
            for place, name in enumerate(conditions)
        }

    def _check(self, table: sa.Table, tables: Tables) -> None:
        """See that no key is there twice, where the database did not."""
        if not len(table.primary_key) and not tables.is_unique(tables.schema.entity):
            twice = sa.select(table.c.key).group_by(table.c.key).having(sa.func.count() > 1)
            if self.connection.scalar(twice.limit(1)) is not None:
                raise self._not_apart()
        self.temporary.count(table)

    def _not_apart(self) -> DataError:
        return DataError(
            f"the store knows people by {self.source.entity!r:.80}'s key, but two have the same "
            "one, or somebody has none: a store needs a key that tells everyone apart"
        )
