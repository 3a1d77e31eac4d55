"""One run: everyone's answers are staged once, and what has changed is written."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from attrs import evolve, frozen

from segmentkit._results.freshness import LastRun, Loaded, asked_stays, tables_of
from segmentkit._results.stored_definitions import lists_of, read_stored, stored
from segmentkit.errors import RunRefused, UsageError
from segmentkit.runs import Cause, Most, Run, Stale, check_names, refuse_earlier, refuse_stale
from segmentkit.segment import Segment
from segmentkit.sqlalchemy._source import Source
from segmentkit.sqlalchemy._store.changes import Changes, Step
from segmentkit.sqlalchemy._store.reading import Known, known
from segmentkit.sqlalchemy._store.staging import Staged, Staging
from segmentkit.sqlalchemy._store.tables import LONGEST_NAME, StoreTables
from segmentkit.sqlalchemy._store.temporary import Temporary

VERSION = 12
"""Digits of a fingerprint."""


def version_of(segment: Segment) -> str:
    """What tells a definition from another."""
    return segment.fingerprint[:VERSION]


def turns(segments: Mapping[str, Segment]) -> Iterator[dict[str, Segment]]:
    """Segments in the order in which they are run: after those whose stays they ask for.

    Of those that ask for each other's stays, all see what the run before has found.
    """
    asks = {name: asked_stays([each]) - {name} for name, each in segments.items()}
    left = dict(segments)
    while left:
        ready = [name for name in left if asks[name].isdisjoint(left)] or list(left)
        yield {name: left.pop(name) for name in ready}


@frozen
class Question:
    """What is to be run.

    Attributes:
        segments: The segments, by name.
        instant: When, naive, in UTC.
        most: How many may enter or leave.
        stale: What to do if the data is stale; None if nobody asks.
        cause: The cause of everything, if it is not what the runs before say.
    """

    segments: Mapping[str, Segment]
    instant: datetime
    most: Most | None = None
    stale: Stale | None = None
    cause: Cause | None = None

    @property
    def as_of(self) -> datetime:
        """When, in UTC."""
        return self.instant.replace(tzinfo=UTC)


class Running:
    """A run in a transaction.

    Args:
        connection: The connection, in the transaction.
        source: The people.
        tables: The tables of the store.
        asked: What is to be run.
    """

    def __init__(
        self, connection: sa.Connection, source: Source, tables: StoreTables, asked: Question
    ) -> None:
        self.connection = connection
        self.tables = tables
        self.asked = asked
        self.source = source
        self.temporary = Temporary(connection, tables)
        self.staging = Staging(connection, source, tables, self.temporary)
        self.changes = Changes(connection, tables, self.temporary)

    def run(self) -> dict[str, Run]:
        """Run what has not been run.

        Returns:
            The runs by the segments' names.

        Raises:
            RunRefused: It is not after the last run, or too many would enter or leave.
        """
        asked = self.asked
        check_names(asked.segments, LONGEST_NAME)
        found = self._renamed(known(self.connection, self.tables))
        last = {name: found[name].last for name in asked.segments if name in found}
        ran = {name: run.as_of for name, run in last.items() if run is not None}
        refuse_earlier({n: at for n, at in ran.items() if at > asked.as_of}, asked.as_of)
        done: dict[str, Run] = {}
        for name, run in last.items():
            version = version_of(asked.segments[name])
            if run is not None and (run.as_of, run.version) == (asked.as_of, version):
                done[name] = run
        left = {name: each for name, each in asked.segments.items() if name not in done}
        for turn in turns(left):
            stale = self._stale(turn)
            rounds, staged = self._steps(found, turn)
            places = self.staging.stage(staged, asked.as_of)
            for steps in rounds:
                done |= self._write(steps, places, stale)
            self.temporary.done()
        return {name: done[name] for name in asked.segments}

    def _stale(self, segments: Mapping[str, Segment]) -> set[str]:
        """Which segments read stale tables, or ask for stays of which nothing is known.

        Raises:
            RunRefused: There are any, and they are not allowed.
        """
        loaded = self.source.loaded(segments, as_of=self.asked.as_of)
        stale = [each for each in loaded if each.state == "stale" and self._matters(each)]
        if self.asked.stale != "allow":
            refuse_stale(stale, may_allow=self.asked.stale is not None)
        tables = {each.table for each in stale if not isinstance(each, LastRun)}
        runs = {each.segment for each in stale if isinstance(each, LastRun)}
        return {
            name
            for name, each in segments.items()
            if not (tables_of([each]).isdisjoint(tables) and asked_stays([each]).isdisjoint(runs))
        }

    def _matters(self, each: Loaded) -> bool:
        if isinstance(each, LastRun):
            # Of a segment that is run for the first time, nobody's stay is older.
            return bool(each.rows) or each.segment not in self.asked.segments
        return self.asked.stale is not None

    def _renamed(self, found: dict[str, Known]) -> dict[str, Known]:
        """The segments that are known, by the names that they have now."""
        for name, segment in self.asked.segments.items():
            was = segment.was
            if was is None:
                continue
            # As the check of a catalog does, whatever has been run.
            if was in self.asked.segments:
                raise UsageError(
                    f"segment {name!r} says that it was {was!r}, but there is a segment "
                    f"{was!r}, too: remove one of them, or was"
                )
            if was not in found or name in found:
                continue
            each = found.pop(was)
            self._change(each, name=name)
            last = None if each.last is None else evolve(each.last, segment=name)
            found[name] = evolve(each, name=name, last=last)
        return found

    def _change(self, each: Known, **values: str) -> None:
        of = self.tables.segment
        self.connection.execute(sa.update(of).where(of.c.id == each.id).values(values))

    # -- what is to be done ---------------------------------------------------------------------

    def _steps(
        self, found: dict[str, Known], segments: Mapping[str, Segment]
    ) -> tuple[list[list[Step]], dict[str, Segment]]:
        """What to write, first and then, and which definitions say it."""
        first: list[Step] = []
        then: list[Step] = []
        staged = dict(segments)
        lists = None
        for name, segment in segments.items():
            zone = segment.schema.time_zone
            if name not in found:
                new = max((each.id for each in found.values()), default=0) + 1
                row = {"id": new, "name": name, "time_zone": zone}
                self.connection.execute(sa.insert(self.tables.segment).values(row))
                found[name] = Known(new, name, zone, 1, None, "")
            elif found[name].time_zone != zone:
                self._change(found[name], time_zone=zone)
            of = found[name]
            if of.last is None:
                first.append(self._step(of, segment, "first", 1))
                continue
            number = of.last.number + 1
            if of.last.version == version_of(segment):
                first.append(self._step(of, segment, "data", number))
                continue
            here = first
            if of.last.as_of < self.asked.as_of:
                lists = lists_of(self.asked.segments.values()) if lists is None else lists
                before = read_stored(of.definition, segment.schema, lists)
                if before is not None and self.staging.compiles(before, self.asked.as_of):
                    told = f"{name} (before)"
                    while told in staged:
                        told += " (before)"
                    staged[told] = before
                    run = self._begun(of, of.last.version, "data", number)
                    first.append(Step(of.id, told, of.definition, run))
                    number += 1
                    here = then
            else:
                self._refuse_older(of, version_of(segment))
            here.append(self._step(of, segment, "definition", number))
        return [each for each in (first, then) if each], staged

    def _step(self, of: Known, segment: Segment, cause: Cause, number: int) -> Step:
        run = self._begun(of, version_of(segment), cause, number)
        return Step(of.id, of.name, stored(segment), run)

    def _begun(self, of: Known, version: str, cause: Cause, number: int) -> Run:
        cause = self.asked.cause or cause
        return Run(of.name, 0, 0, 0, cause, self.asked.as_of, number, version)

    def _refuse_older(self, of: Known, version: str) -> None:
        """Refuse a definition that another has replaced at the same instant."""
        run = self.tables.run
        query = sa.select(run.c.run).where(
            run.c.segment_id == of.id,
            run.c.as_of == self.asked.instant,
            run.c.version == version,
        )
        if self.connection.scalar(query) is not None:
            raise RunRefused(
                f"segment {of.name!r} was run as of {self.asked.as_of.isoformat()} with this "
                "definition, and after that with another: run as of a later instant"
            )

    # -- what is written ------------------------------------------------------------------------

    def _write(
        self, steps: Sequence[Step], places: Mapping[str, Staged], stale: Container[str]
    ) -> dict[str, Run]:
        """Write who left and who entered, and the runs."""
        counts = self.changes.write(steps, places)
        done: dict[str, Run] = {}
        rows = []
        for step in steps:
            run = evolve(step.run, stale=step.run.segment in stale, **counts[step.id])
            if self.asked.most is not None and run.cause == "data":
                self.asked.most.check(run)
            done[run.segment] = run
            rows.append(self._row(step, run))
        self.connection.execute(sa.insert(self.tables.run), rows)
        return done

    def _row(self, step: Step, run: Run) -> dict[str, Any]:
        return {
            "segment_id": step.id,
            "run": run.number,
            "as_of": self.asked.instant,
            "version": run.version,
            "definition": step.definition,
            "cause": run.cause,
            "size": run.size,
            "entered": run.entered,
            "left_count": run.left,
            "stale": run.stale,
        }
