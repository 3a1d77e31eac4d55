"""The store: runs, and what they have left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from segmentkit._definition import AsOf, instant_of, utc_of
from segmentkit._results.batches import Batch
from segmentkit._results.contacts import form_of
from segmentkit._results.freshness import LastRun
from segmentkit._usage import expect
from segmentkit.errors import DataError, SchemaError, UsageError
from segmentkit.evaluation import Asked, Members
from segmentkit.handover import Handover
from segmentkit.runs import ALLOW_STALE, Most, Run, Stay, refuse_changing, stale_of
from segmentkit.schema import Fresh, Schema
from segmentkit.segment import Segment
from segmentkit.source import Segments, named
from segmentkit.sqlalchemy._source import Source
from segmentkit.sqlalchemy._store.entries import select_entries
from segmentkit.sqlalchemy._store.forgetting import erase, prune, retire
from segmentkit.sqlalchemy._store.memberships import known_views, remembering, with_view
from segmentkit.sqlalchemy._store.pulling import Pulling
from segmentkit.sqlalchemy._store.reading import (
    history_rows,
    keys_at,
    run_at,
    stays_of,
    the_segment,
)
from segmentkit.sqlalchemy._store.running import Question, Running
from segmentkit.sqlalchemy._store.tables import StoreTables, key_column, stored_key
from segmentkit.sqlalchemy._store.transaction import in_turn, writing
from segmentkit.sqlalchemy.dialects.engine_setup import engine_of, prepare
from segmentkit.sqlalchemy.given import Lists, Where
from segmentkit.sqlalchemy.tables import Root, Tables


class Store:
    """Who was in which segment since when, kept in the database that has the data.

    A run finds out who has entered and left each segment since the run before. That is computed
    within the database, in one transaction. Tables of the store hold who is in now, stays that have
    ended, and one row for each run of a segment.

    Args:
        engine: The engine of the database: SQLite, PostgreSQL, DuckDB or MariaDB.
        entity: A mapped class or a table.
        key: The column by which people are known; by default the primary key.
        lists: Columns with the keys of static lists, by the lists' names.
        where: The customers to look at, as for `Source`.
        prefix: What the names of the store's tables begin with.

    Attributes:
        metadata: The store's tables, for `create` or for a migration tool such as Alembic.

    Example:
        >>> import sqlalchemy as sa
        >>> from datetime import date
        >>> from segmentkit import Segment
        >>> from segmentkit.sqlalchemy import schema_from
        >>> people = sa.Table(
        ...     "people",
        ...     sa.MetaData(),
        ...     sa.Column("id", sa.Integer, primary_key=True),
        ...     sa.Column("age", sa.Integer),
        ... )
        >>> engine = sa.create_engine("sqlite://")
        >>> with engine.begin() as connection:
        ...     people.create(connection)
        ...     rows = [{"id": 7, "age": 17}, {"id": 8, "age": 40}]
        ...     _ = connection.execute(people.insert(), rows)
        >>> adults = Segment.define("adults", "age >= 18", schema_from(people))
        >>> store = Store(engine, people)
        >>> store.create()
        >>> print(store.run(adults, as_of=date(2026, 5, 1))["adults"])
        adults as of 2026-05-01 00:00:00+00:00: 1 member, 1 entered, 0 left (first)
        >>> with engine.begin() as connection:
        ...     _ = connection.execute(people.update().values(age=18).where(people.c.id == 7))
        >>> print(store.run(adults, as_of=date(2026, 5, 2))["adults"])
        adults as of 2026-05-02 00:00:00+00:00: 2 members, 1 entered, 0 left (data)
        >>> store.since("adults", 7)
        datetime.datetime(2026, 5, 2, 0, 0, tzinfo=datetime.timezone.utc)
        >>> sorted(store.members("adults", as_of=date(2026, 5, 1)))
        [8]
    """

    def __init__(
        self,
        engine: sa.Engine,
        entity: Root,
        *,
        key: str | None = None,
        lists: Lists | None = None,
        where: Where | None = None,
        prefix: str = "segmentkit",
    ) -> None:
        self._engine = prepare(engine_of(engine))
        self._entity = entity
        self._given: dict[str, Any] = {"lists": lists, "where": where}
        self._key = key_column(entity, key)
        self._tables = with_view(StoreTables.of(stored_key(self._key), prefix))

    @property
    def metadata(self) -> sa.MetaData:
        """The store's tables."""
        return self._tables.metadata

    def create(self) -> None:
        """Create the store's tables, where they are missing, and the views of stays and runs."""
        self.metadata.create_all(self._engine)

    def remember(self, schema: Schema, *, stale: str, warn: str | None = None) -> Schema:
        """Let definitions ask who was in which segment when.

        Args:
            schema: The schema of the people.
            stale: For how long it is known what a run has found, such as ``"36 hours"``. A
                definition that asks for stays of a segment is refused as of an instant before
                which no run of that segment is so near.
            warn: From which age of a run on to warn.

        Returns:
            The schema with the relation ``memberships``, which is the store's view of all stays,
            and the entity ``membership_runs``, which is that of all runs. With them,
            ``in segment vip for 30 days``, ``entered segment vip in last 7 days`` and
            ``left segment vip in last 7 days`` have a meaning.

        Raises:
            SchemaError: It has something of these names already, or a length of time is none.
        """
        known_views(Tables.of(schema, self._entity).metadata, self._tables)
        return remembering(schema, self._tables, Fresh("as_of", warn=warn, stale=stale))

    def __repr__(self) -> str:
        return f"Store({self._engine!r}, {self._entity!r:.80})"

    # -- runs -----------------------------------------------------------------------------------

    def run(
        self,
        segments: Segments,
        *,
        as_of: AsOf = None,
        most: str | int | None = None,
        stale: str = "refuse",
    ) -> dict[str, Run]:
        """Find out who has entered and left since the run before, and keep it.

        All segments are run in one transaction: if something goes wrong, nothing is written. The
        same run again changes nothing. If a definition has changed, the one before is run first,
        so that what the data changed is told apart from what the definition did.

        Args:
            segments: A catalog, another mapping, several segments, or one.
            as_of: The instant; by default now. It must be after the last run.
            most: How many may enter or leave a segment, if only the data changed: a share of the
                members before, such as ``"20%"``, or a number. A share of fewer than 100 members
                is one of 100.
            stale: What to do if a table that the segments read is stale, as the schema's ``fresh``
                says: ``"refuse"`` the run, or ``"allow"`` it and mark the runs of these segments.

        Returns:
            The runs, by the segments' names. Of a definition that has changed, it is the run of
            the new one.

        Raises:
            RunRefused: The last run was later, a table is stale, or more than ``most`` would
                enter or leave.
            SegmentkitError: A segment cannot be evaluated, as for `Source.evaluate`.
        """
        each, schema = self._segments(segments)
        instant = instant_of(as_of, schema)
        return self._run(Question(each, instant, Most.of(most), stale=stale_of(stale)))

    def backfill(
        self, segments: Segments, days: Iterable[AsOf], *, constant: Iterable[str] = ()
    ) -> dict[str, list[Run]]:
        """Run segments as of days that have passed, before their first run.

        This needs data that knows its past: relations with a time do. Attributes do not, so
        segments that test them are refused.

        Args:
            segments: A catalog, another mapping, several segments, or one.
            days: The instants, in any order.
            constant: Attributes that never change, such as ``"birthday"``.

        Returns:
            The runs, old to new, by the segments' names; the cause of all is ``first``.

        Raises:
            RunRefused: A segment was run already, as of a later instant.
            UsageError: A segment tests attributes that may have changed.
        """
        each, schema = self._segments(segments)
        refuse_changing(each, frozenset(constant))
        found: dict[str, list[Run]] = {name: [] for name in each}
        for instant in sorted({instant_of(day, schema) for day in days}):
            for name, run in self._run(Question(each, instant, cause="first")).items():
                found[name].append(run)
        return found

    def _run(self, asked: Question) -> dict[str, Run]:
        def write() -> dict[str, Run]:
            with writing(self._engine, self._tables) as connection:
                source = Source(connection, self._entity, **self._given)
                return Running(connection, source, self._tables, asked).run()

        return in_turn(write)

    def _segments(self, segments: Segments) -> tuple[Mapping[str, Segment], Schema]:
        """The segments by name, and their schema, whose people the store must know."""
        found = named(segments)
        broken = getattr(segments, "broken", {})
        for name, error in broken.items():
            raise UsageError(f"the catalog has left out {name!r}, which is wrong: {error}")
        schema = next(iter(found.values())).schema
        if schema.entity.key != self._key.name:
            raise SchemaError(
                f"the store knows people by {self._key.name!r}, and the schema by "
                f"{schema.entity.key!r}: make it by Store(engine, …, key={schema.entity.key!r})"
            )
        return found, schema

    # -- what is known --------------------------------------------------------------------------

    def members(self, name: str, *, as_of: AsOf = None) -> Members:
        """Find who was in a segment, as its last run until an instant has found.

        Args:
            name: The name of the segment.
            as_of: The instant; by default now. Without a zone, it is in the zone of the schema.

        Returns:
            The members' keys; their ``as_of`` is that of the run.

        Raises:
            DataError: There was no run until then, or its members were pruned.
        """
        with self._engine.connect() as connection:
            segment = the_segment(connection, self._tables, name)
            run = run_at(connection, self._tables, segment, segment.instant(as_of))
            keys = connection.scalars(keys_at(self._tables, segment, run.number)).all()
        asked = Asked(name, None, run.version)
        return Members.of(pd.Index(keys, name=self._key.name), asked=asked, as_of=run.as_of)

    def since(self, name: str, key: Any) -> datetime | None:
        """Find since when somebody is in a segment.

        Args:
            name: The name of the segment.
            key: The person's key.

        Returns:
            When a run first saw them in it, in UTC; None if the last run did not.

        Raises:
            DataError: The segment has never been run.
        """
        with self._engine.connect() as connection:
            segment = the_segment(connection, self._tables, name)
            found = stays_of(connection, self._tables, key, segment.name)
        return next((each.entered_at for each in found if each.left_at is None), None)

    def stays(self, key: Any) -> list[Stay]:
        """Find all that is known of one person, such as for an answer to their request.

        Args:
            key: The person's key.

        Returns:
            When they were in which segments, in the order in which they entered.
        """
        with self._engine.connect() as connection:
            return stays_of(connection, self._tables, key)

    def entered(
        self, name: str, *, since: AsOf = None, until: AsOf = None
    ) -> pd.Series[pd.Timestamp]:
        """Find who was seen to enter a segment.

        Who was in it when it was first run, or entered since its definition changed, or because
        data was stale, was not seen to enter.

        Args:
            name: The name of the segment.
            since: The earliest instant; by default any.
            until: They entered before this instant; by default any.

        Returns:
            When they first entered in this time, in UTC, by key.

        Raises:
            DataError: The segment has never been run.
        """
        with self._engine.connect() as connection:
            segment = the_segment(connection, self._tables, name)
            times = [None if each is None else segment.instant(each) for each in (since, until)]
            rows = connection.execute(select_entries(self._tables, segment, *times)).all()
        keys = pd.Index([key for key, _ in rows], name=self._key.name, tupleize_cols=False)
        first = [at for _, at in rows]
        return pd.Series(first, index=keys, dtype="datetime64[us]").dt.tz_localize("UTC")

    def runs(self, segments: Segments | Iterable[str] | None = None) -> list[Run]:
        """List the runs of segments.

        Args:
            segments: A catalog, another mapping, several segments or their names; by default all
                that were ever run.

        Returns:
            The runs, old to new.
        """
        names = None if segments is None else _names(segments)
        with self._engine.connect() as connection:
            return history_rows(connection, self._tables, names)

    def history(self, segments: Segments | Iterable[str] | None = None) -> pd.DataFrame:
        """Show how segments have changed from run to run.

        Args:
            segments: A catalog, another mapping, several segments or their names; by default all
                that were ever run.

        Returns:
            One row for each run, old to new: ``segment``, ``as_of``, ``run``, ``size``,
            ``entered``, ``left``, ``cause``, ``version`` and ``stale``.
        """
        found = self.runs(segments)
        columns = {
            "segment": pd.Series([r.segment for r in found], dtype="str"),
            "as_of": pd.Series([r.as_of for r in found], dtype="datetime64[us, UTC]"),
            "run": pd.Series([r.number for r in found], dtype="int64"),
            "size": pd.Series([r.size for r in found], dtype="int64"),
            "entered": pd.Series([r.entered for r in found], dtype="int64"),
            "left": pd.Series([r.left for r in found], dtype="int64"),
            "cause": pd.Series([r.cause for r in found], dtype="str"),
            "version": pd.Series([r.version for r in found], dtype="str"),
            "stale": pd.Series([r.stale for r in found], dtype="bool"),
        }
        return pd.DataFrame(columns)

    # -- handing over ---------------------------------------------------------------------------

    def pull(
        self, handover: Handover, *, size: int = 1000, as_of: AsOf = None, stale: str = "refuse"
    ) -> Iterator[Batch]:
        """Hand over who has entered or left a segment since it was last asked.

        Events come at least once: what is not acknowledged comes again, with the same ids. Who
        entered is handed over only if they are still in, reachable, and not held out *now*. Runs
        of stale data, first runs and new definitions hand nobody over. The first call begins with
        the last run.

        Args:
            handover: The hand-over, such as ``catalog.handovers["win_back_mail"]``.
            size: How many people to look at for one batch.
            as_of: The instant at which people are asked about; by default now.
            stale: ``"refuse"`` stale data, or ``"allow"`` it.

        Returns:
            Batches, one after the other. Acknowledge each before you ask for the next one.

        Raises:
            DataError: The segment was never run, or a table that it reads is stale.
            ImportError: A field is a phone number, and phonenumbers is not installed; the extra
                is `phones`.
            SegmentkitError: Something cannot be evaluated, as for `Source.evaluate`.
        """
        if size < 1:
            raise ValueError("size must be at least 1")
        pulling = self._pulling(handover, as_of)
        for each in handover.values.values():
            form_of(each)
        if stale_of(stale) == "refuse":
            traits = [each.value for each in handover.values.values()]
            for table in pulling.source.loaded(handover.segment, traits=traits, as_of=pulling.at):
                # What is not known of stays is refused when it is asked.
                if table.state == "stale" and not isinstance(table, LastRun):
                    raise DataError(
                        f"{table}, and the schema calls it stale from {table.fresh.stale} on; "
                        f"nobody was handed over. To do it all the same, {ALLOW_STALE}"
                    )
        return pulling.batches(size)

    def ack(self, handover: Handover, ids: Iterable[str]) -> int:
        """Acknowledge events by their ids, such as a file has them; see `Batch.ack`.

        Args:
            handover: The hand-over.
            ids: The ids of the rows that were taken over.

        Returns:
            How many of them had not been acknowledged before.

        Raises:
            DataError: One is no id of this hand-over, or the segment was never run.
        """
        return self._pulling(handover, None).acknowledge(ids)

    def retire(self, handover: Handover | str) -> int:
        """End a hand-over that nobody pulls any more.

        Who was due is not handed over, and `prune` no longer waits for it. What was handed over
        stays known, for `erase` and if it is pulled again: that begins with the last run then, as
        a new one does, and hands nobody over twice.

        Args:
            handover: The hand-over, or its name, if the catalog no longer has it.

        Returns:
            How many people it was told of, and may still hold.

        Raises:
            DataError: It was never pulled, or is retired.
        """
        name = handover if isinstance(handover, str) else handover.name
        return in_turn(lambda: self._retire(name))

    def _retire(self, name: str) -> int:
        with writing(self._engine, self._tables) as connection:
            return retire(connection, self._tables, name)

    def _pulling(self, handover: Handover, as_of: AsOf) -> Pulling:
        expect(handover, Handover, "pull(handover)")
        self._segments(handover.segment)
        source = Source(self._engine, self._entity, **self._given)
        at = utc_of(as_of, handover.schema)
        return Pulling(self._engine, self._tables, source, handover, at)

    # -- what is forgotten ----------------------------------------------------------------------

    def erase(self, keys: Iterable[Any]) -> dict[str, int]:
        """Forget people. The counts of runs stay as they are.

        Erase people after they are gone from the data: those who are still there enter again with
        the next run.

        Args:
            keys: Their keys.

        Returns:
            The hand-overs that were acknowledged of some of these people, whose consumers may
            still hold them, each with how many. Tell them before you erase: who is erased is not
            handed over as having left.
        """
        return in_turn(lambda: self._erase(list(keys)))

    def prune(self, *, before: AsOf) -> int:
        """Forget stays that had ended before an instant. Runs, and who is in now, are kept.

        Stays that a consumer has not read yet are kept, too.

        Args:
            before: The instant. Without a zone, it is in the zone of the schema.

        Returns:
            How many stays were forgotten. Who was in before their end is no longer known.
        """
        return in_turn(lambda: self._prune(before))

    def _erase(self, keys: list[Any]) -> dict[str, int]:
        with writing(self._engine, self._tables) as connection:
            return erase(connection, self._tables, keys)

    def _prune(self, before: AsOf) -> int:
        with writing(self._engine, self._tables) as connection:
            return prune(connection, self._tables, before)


def _names(segments: Any) -> frozenset[str]:
    if isinstance(segments, str):
        return frozenset([segments])
    if isinstance(segments, Segment | Mapping):
        return frozenset(named(segments))
    given = list(segments)
    return frozenset(given if all(isinstance(n, str) for n in given) else named(given))
