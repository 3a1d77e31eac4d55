"""What a run changes: who entered and who left, of all segments at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, TypeAlias

import sqlalchemy as sa
from attrs import frozen

from segmentkit.runs import Run
from segmentkit.sqlalchemy._store.staging import Staged
from segmentkit.sqlalchemy._store.tables import StoreTables
from segmentkit.sqlalchemy._store.temporary import Temporary

Counts: TypeAlias = Mapping[str, Any]
"""How many are in a segment, entered it and left it: ``size``, ``entered`` and ``left``."""

_NUMBER = sa.BigInteger()


@frozen
class Step:
    """What a run does with one segment: write what one definition changes.

    Attributes:
        id: The number of the segment.
        staged: The name under which the definition is staged.
        definition: The definition as it is kept.
        run: What is known of the run: not yet the counts.
    """

    id: int
    staged: str
    definition: str
    run: Run


class Changes:
    """Writes who entered and who left, on one connection.

    Who was in is put into bits, as the answers are. So one look at all stays and answers finds the
    few people of whom anything has changed, and only they are taken apart, segment by segment.

    Args:
        connection: The connection, in a transaction.
        tables: The tables of the store.
        temporary: What makes temporary tables.
    """

    def __init__(
        self, connection: sa.Connection, tables: StoreTables, temporary: Temporary
    ) -> None:
        self.connection = connection
        self.tables = tables
        self.temporary = temporary

    def write(self, steps: Sequence[Step], places: Mapping[str, Staged]) -> dict[int, Counts]:
        """Write what has changed.

        Args:
            steps: What is done, with each segment once.
            places: Where the answers are.

        Returns:
            The counts, by the numbers of the segments.
        """
        counts: dict[int, Counts] = {}
        for _, beside in groupby(steps, lambda each: places[each.staged].table.name):
            counts |= self._write({step: places[step.staged] for step in beside})
        return counts

    def _write(self, steps: Mapping[Step, Staged]) -> dict[int, Counts]:
        """Write what has changed; the answers are in one table."""
        member, past = self.tables.member, self.tables.past
        step = self._told(steps)
        changed = self._changed(step, [*steps.values()])
        left = sa.select(member.c.segment_id, member.c.key, member.c.since_run, step.c.run)
        stay = sa.and_(member.c.segment_id == step.c.segment_id, member.c.key == changed.c.key)
        gone = changed.join(step, _has(changed, "left", step)).join(member, stay)
        self._insert(past, left.select_from(gone))
        self._delete(step)
        entered = sa.select(step.c.segment_id, changed.c.key, step.c.run)
        came = entered.join_from(changed, step, _has(changed, "entered", step))
        # The rows of a segment stand together, as they are read.
        self._insert(member, came.order_by(step.c.segment_id, changed.c.key))
        return self._counts(step)

    def _delete(self, step: sa.Table) -> None:
        """Let those whose stays have just ended no longer be in."""
        member, past = self.tables.member, self.tables.past
        ended = sa.and_(past.c.segment_id == step.c.segment_id, past.c.left_run == step.c.run)
        delete = sa.delete(member)
        if self.connection.dialect.name == "sqlite":
            # It deletes from no join; others look everyone up whom a sub-query has, or may have.
            who = sa.select(past.c.segment_id, past.c.key).join_from(step, past, ended)
            delete = delete.where(sa.tuple_(member.c.segment_id, member.c.key).in_(who))
        else:
            same = member.c.segment_id == past.c.segment_id, member.c.key == past.c.key
            delete = delete.where(ended, *same)
        self.connection.execute(delete)

    def _told(self, steps: Mapping[Step, Staged]) -> sa.Table:
        """A row of each step: the segment, the number of the run, and where its bit is."""
        columns = ("run", "word", "bit")
        table = self.temporary.make("steps", "segment_id", sa.Integer(), columns)
        rows = [
            {"segment_id": each.id, "run": each.run.number, "word": at.word, "bit": at.bit}
            for each, at in steps.items()
        ]
        self.connection.execute(sa.insert(table), rows)
        self.temporary.count(table)
        return table

    def _changed(self, step: sa.Table, places: list[Staged]) -> sa.Table:
        """Those who entered or left anything, with bits of what."""
        masks: dict[int, int] = {}
        for at in places:
            masks[at.word] = masks.get(at.word, 0) | at.bit
        names = [f"{what}_{word}" for word in masks for what in ("entered", "left")]
        table = self.temporary.make("changed", "key", self.tables.key, names)
        member, staged = self.tables.member, places[0].table
        nothing = sa.literal_column("0", _NUMBER)
        was: list[sa.ColumnElement[Any]] = [member.c.key]
        now: list[sa.ColumnElement[Any]] = [staged.c.key]
        for word, mask in masks.items():
            bit = sa.case((step.c.word == word, step.c.bit), else_=nothing)
            was += [self._gathered(bit).label(f"was_{word}"), nothing.label(f"is_{word}")]
            bits = staged.c[f"bits_{word}"].bitwise_and(sa.literal(mask, _NUMBER))
            now += [nothing.label(f"was_{word}"), bits.label(f"is_{word}")]
        stays = member.join(step, step.c.segment_id == member.c.segment_id)
        # Of many rows of each, few are left to be put beside the answers.
        before = sa.select(*was).select_from(stays).group_by(member.c.key)
        each = before.union_all(sa.select(*now)).subquery()
        columns: list[sa.ColumnElement[Any]] = [each.c.key]
        differ: list[sa.ColumnElement[bool]] = []
        for word in masks:
            was_in, is_in = (self._gathered(each.c[f"{what}_{word}"]) for what in ("was", "is"))
            stayed = was_in.bitwise_and(is_in)
            columns += [is_in - stayed, was_in - stayed]
            differ.append(was_in != is_in)
        query = sa.select(*columns).group_by(each.c.key).having(sa.or_(*differ))
        self._insert(table, query)
        self.temporary.count(table)
        return table

    def _gathered(self, bits: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """Bits of several rows as one number; those of SQLite are never twice the same."""
        if self.connection.dialect.name == "sqlite":
            return sa.func.sum(bits, type_=_NUMBER)
        return sa.func.bit_or(bits, type_=_NUMBER)

    def _insert(self, table: sa.Table, query: sa.Select[Any]) -> None:
        self.connection.execute(sa.insert(table).from_select([c.name for c in table.c], query))

    def _counts(self, step: sa.Table) -> dict[int, Counts]:
        """How many are in, entered and left: not every driver tells what a statement wrote."""

        def count(rows: sa.Table, *more: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
            found = sa.select(sa.func.count()).select_from(rows)
            return found.where(rows.c.segment_id == step.c.segment_id, *more).scalar_subquery()

        member, past = self.tables.member, self.tables.past
        query = sa.select(
            step.c.segment_id,
            count(member).label("size"),
            count(member, member.c.since_run == step.c.run).label("entered"),
            count(past, past.c.left_run == step.c.run).label("left"),
        )
        rows = [dict(row) for row in self.connection.execute(query).mappings()]
        return {row.pop("segment_id"): row for row in rows}


def _has(changed: sa.Table, what: str, step: sa.Table) -> sa.ColumnElement[bool]:
    """Whether somebody did it by a step."""
    tests = [
        sa.and_(step.c.word == int(word), column.bitwise_and(step.c.bit) != 0)
        for name, column in changed.c.items()
        for kind, _, word in [name.partition("_")]
        if kind == what
    ]
    return sa.or_(*tests)
