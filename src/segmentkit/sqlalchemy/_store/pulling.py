"""Handing over: who is still in, reachable and not held out now, some people at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd
import sqlalchemy as sa
from attrs import define, field, frozen

from segmentkit._language.formatter import format_reference
from segmentkit._results.batches import Batch, Row
from segmentkit._results.contacts import form_of
from segmentkit.dtypes import Kind
from segmentkit.errors import DataError, UsageError
from segmentkit.handover import Handover
from segmentkit.keylist import KeyList
from segmentkit.segment import Segment
from segmentkit.sqlalchemy._source import Source
from segmentkit.sqlalchemy._store.events import (
    Event,
    Span,
    acknowledge,
    begin,
    events,
    handed_before,
    last_waited,
    position,
    select_events,
)
from segmentkit.sqlalchemy._store.reading import Known, the_segment
from segmentkit.sqlalchemy._store.tables import StoreTables
from segmentkit.sqlalchemy._store.transaction import in_turn, writing
from segmentkit.trait import Trait


@frozen
class Pulling:
    """One hand-over of one store.

    Attributes:
        engine: The database.
        tables: The tables of the store.
        source: Whom to ask about people as they are now.
        handover: The hand-over.
        at: The instant, in UTC.
    """

    engine: sa.Engine
    tables: StoreTables
    source: Source
    handover: Handover
    at: datetime

    def batches(self, size: int) -> Iterator[Batch]:
        """Hand over everybody who is due, so many at a time."""
        with self.engine.connect() as connection:
            segment = self.segment(connection)
            known = position(connection, self.tables, segment, self.handover.name)
        if known is None:
            in_turn(self._begin)
        progress = Progress()
        for found, before, upto in self._pages(segment, self._span(segment), size):
            progress.upto.append(upto)
            yield self._batch(segment, found, before, progress)

    def _span(self, segment: Known) -> Span:
        """The runs whose events may be handed over."""
        with self.engine.connect() as connection:
            after = position(connection, self.tables, segment, self.handover.name)
            assert after is not None
            upto = last_waited(connection, self.tables, segment, self.handover.waits)
        return Span(after, max(upto, after))

    def _pages(
        self, segment: Known, span: Span, size: int
    ) -> Iterator[tuple[list[Event], dict[Any, datetime], int]]:
        """Events in order, when their people were handed over, and which run is read with them."""
        name = self.handover.name
        query = select_events(self.tables, segment, self.handover.on, name, span)
        last = None
        while True:
            with self.engine.connect() as connection:
                # One more, to know whether there are any.
                more = events(connection, query, last, size + 1)
                found = more[:size]
                keys = [each.key for each in found]
                before = handed_before(connection, self.tables, name, keys)
            if not found:
                break
            last = found[-1]
            # If there are more, they may be of the last run, too.
            upto = span.upto if len(more) <= size else last.run - 1
            yield found, before, max(upto, span.after)

    def segment(self, connection: sa.Connection) -> Known:
        """The segment, which must have been run."""
        return the_segment(connection, self.tables, str(self.handover.segment.name))

    def _begin(self) -> None:
        with writing(self.engine, self.tables) as connection:
            segment = self.segment(connection)
            begin(connection, self.tables, segment, self.handover.name)

    def _batch(
        self,
        segment: Known,
        found: Sequence[Event],
        before: dict[Any, datetime],
        progress: Progress,
    ) -> Batch:
        due, asked, skipped = self._sorted_out(found, before)
        rows = tuple(self._row(segment, each, asked) for each in due)
        taken = [(each.key, each.run) for each in due]
        place = len(progress.upto) - 1

        def acknowledged() -> None:
            self._acknowledge(taken, progress.read_with(place))
            progress.done.add(place)  # now that it is written

        return Batch(self.handover, rows, dict(skipped), acknowledged)

    def _sorted_out(
        self, found: Sequence[Event], before: dict[Any, datetime]
    ) -> tuple[list[Event], Now, Counter[str]]:
        """Who is handed over, what is known of them now, and how many are not, by the reason."""
        reasons = [self._passed(each, before) for each in found]
        skipped = Counter(reason for reason in reasons if reason is not None)
        left = [each for each, reason in zip(found, reasons, strict=True) if reason is None]
        asked = Now(self.source, self.handover, self.at, [each.key for each in left])
        now = [asked.passed(each.key) for each in left]
        skipped.update(reason for reason in now if reason is not None)
        return [e for e, reason in zip(left, now, strict=True) if reason is None], asked, skipped

    def _passed(self, each: Event, before: dict[Any, datetime]) -> str | None:
        """Why somebody is passed over, as far as the store knows."""
        if each.is_stale:
            return "stale data"
        if each.is_over:
            return "left again" if self.handover.on == "entered" else "entered again"
        if self.handover.on == "entered" and each.key in before:
            rest = self.handover.rests
            if rest is None or self.at - before[each.key] < rest:
                return "handed over before"
        return None

    def _row(self, segment: Known, each: Event, asked: Now) -> Row:
        task, told = self.handover.task, asked.told(each.key)
        return Row(
            f"{segment.name}:{_text(each.key)}:{each.run}:{self.handover.on}",
            each.key,
            self.handover.on,
            each.at,
            told.pop(_ADDRESS, None),
            {name: told.get(name) for name in self.handover.fields},
            None if task is None else task.title,
            None if task is None or task.time is None else each.at + task.time,
            None if task is None or task.owner is None else told.get(_OWNER),
        )

    def _acknowledge(self, taken: Sequence[tuple[Any, int]], upto: int | None) -> int:
        """Keep that people were taken over, and up to which run all was read, if it is known."""

        def write() -> int:
            with writing(self.engine, self.tables) as connection:
                segment, name = self.segment(connection), self.handover.name
                begin(connection, self.tables, segment, name)
                told = segment, name, taken, self.at.replace(tzinfo=None)
                return acknowledge(connection, self.tables, *told, upto)

        return in_turn(write)

    def acknowledge(self, ids: Iterable[str]) -> int:
        """Acknowledge events by their ids; how many of them were new.

        Raises:
            DataError: One is none of this hand-over.
        """
        taken = [self._parsed(each) for each in ids]
        count = self._acknowledge(taken, None)
        if taken:
            self._acknowledge((), self._read_until(max(run for _, run in taken)))
        return count

    def _read_until(self, run: int) -> int:
        """The last run, up to a given one, of which nobody is due any more."""
        with self.engine.connect() as connection:
            segment = self.segment(connection)
        span = self._span(segment)
        span = Span(span.after, min(run, span.upto))
        for found, before, _ in self._pages(segment, span, _AT_ONCE):
            due, _, _ = self._sorted_out(found, before)
            if due:
                return due[0].run - 1
        return span.upto

    def _parsed(self, text: str) -> tuple[Any, int]:
        start, end = f"{self.handover.segment.name}:", f":{self.handover.on}"
        inner = text.removeprefix(start).removesuffix(end)
        key, _, run = inner.rpartition(":")
        right = text.startswith(start) and text.endswith(end) and run.isdigit() and key
        try:
            if right:
                return _key_of(key, self.tables.key), int(run)
        except ValueError:
            pass
        raise DataError(
            f"{text!r:.80} is no id of the hand-over {self.handover.name!r}: they are such as "
            f"{start}KEY:RUN{end}"
        )


_ADDRESS, _OWNER = "the address", "the owner"
_AT_ONCE = 1000


@define
class Progress:
    """How far one call got: a batch counts when those before it were acknowledged, too.

    Attributes:
        upto: The run up to which all is read with each batch.
        done: Which batches were acknowledged.
    """

    upto: list[int] = field(factory=list)
    done: set[int] = field(factory=set)

    def read_with(self, place: int) -> int | None:
        """Up to which run all is read, once a batch is acknowledged; None if that is not known."""
        done = self.done | {place}
        first = next((each for each in range(len(self.upto)) if each not in done), len(self.upto))
        return self.upto[first - 1] if first else None


class Now:
    """What is true of some people now."""

    def __init__(
        self, source: Source, handover: Handover, at: datetime, keys: Sequence[Any]
    ) -> None:
        self.source = source
        self.handover = handover
        self.at = at
        self.keys = keys
        self.schema = handover.schema
        self.page = _page(handover, keys)
        checks = _checks(handover) if keys else {}
        self.held = {reason: self._members(check) for reason, check in checks.items()}
        self.values = self._values() if keys else {}

    def passed(self, key: Any) -> str | None:
        """Why somebody is passed over now."""
        for reason, keys in self.held.items():
            if (_plain(key) in keys) == (reason == "held out"):
                return reason
        return None

    def told(self, key: Any) -> dict[str, Any]:
        """The values of somebody, in the forms that are asked for; of nobody, none."""
        return dict(self.values.get(_plain(key), {}))

    def _within(self, held: Segment) -> Segment:
        if self.page is None:
            return held
        text = "in list page and in segment held"
        return Segment.define(
            None, text, self.schema, segments={"held": held}, lists={"page": self.page}
        )

    def _members(self, held: Segment) -> set[Any]:
        return {_plain(key) for key in self.source.members(self._within(held), as_of=self.at)}

    def _values(self) -> dict[Any, dict[str, Any]]:
        fields = dict(self.handover.fields)
        traits = {name: each.value for name, each in fields.items()}
        forms = {name: form_of(each) for name, each in fields.items()}
        task = self.handover.task
        if task is not None and task.owner is not None:
            traits[_OWNER], forms[_OWNER] = task.owner.value, form_of(task.owner)
        channel = self.handover.channel and self.schema.channel(self.handover.channel)
        if channel:
            traits[_ADDRESS] = Trait.define(_ADDRESS, channel.address, self.schema)
        if not traits:
            return {}
        everyone = Segment.define("held", "true", self.schema)
        named = [trait.named(f"handed {place}") for place, trait in enumerate(traits.values())]
        found = self.source.values(named, of=self._within(everyone), as_of=self.at)
        columns = [
            [forms.get(name, _same)(_python(value)) for value in found[f"handed {place}"]]
            for place, name in enumerate(traits)
        ]
        rows = zip(*columns, strict=True)
        return {
            _plain(key): dict(zip(traits, row, strict=True))
            for key, row in zip(found.index.tolist(), rows, strict=True)
        }


def _same(value: Any) -> Any:
    return value


def _python(value: Any) -> Any:
    """A value of pandas as one of Python; None if it is missing."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime() if value.tzinfo else value.date()
    if isinstance(value, pd.Timedelta):
        return value.to_pytimedelta()
    return value.item() if hasattr(value, "item") else value


def _checks(handover: Handover) -> dict[str, Segment]:
    """What must hold now, or not hold, by the reason if it is otherwise; who left, leaves."""
    if handover.on == "left":
        return {}
    found = {"no longer in": handover.segment}
    if handover.goal is not None:
        found["held out"] = handover.goal.held_out
    if handover.channel is not None:
        text = f"reachable by {format_reference(handover.channel)}"
        found["not reachable"] = Segment.define("reachable", text, handover.schema)
    return found


def _page(handover: Handover, keys: Sequence[Any]) -> KeyList | None:
    """People as a list, by which a database finds them; None where it cannot be one."""
    attribute = handover.schema.entity.key_attribute
    if attribute is None or attribute.dtype.kind not in (Kind.INTEGER, Kind.TEXT):
        return None
    return KeyList("page", [_plain(key) for key in keys])


def _plain(key: Any) -> Any:
    return str(key) if isinstance(key, UUID) else key


def _text(key: Any) -> str:
    return key.hex() if isinstance(key, bytes) else str(key)


def _key_of(text: str, kind: Any) -> Any:
    """A key that was written out, as its column has it."""
    wanted = kind.python_type
    if wanted is bytes:
        return bytes.fromhex(text)
    if wanted in (int, UUID):
        return wanted(text)
    if wanted is not str:
        raise UsageError(f"keys of the type {kind} cannot be read from ids")
    return text
