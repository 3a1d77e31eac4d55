"""Runs of a store: what changed in a segment, and who was in it for how long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from attrs import frozen

from segmentkit._definition import all_of
from segmentkit._results.freshness import LastRun, Loaded
from segmentkit.errors import RunRefused, UsageError
from segmentkit.schema import Schema
from segmentkit.segment import Segment

__all__ = ["Cause", "Run", "Stay"]

Cause: TypeAlias = Literal["first", "data", "definition"]
"""Why people entered and left: the segment was new, the data changed, or the definition did."""


@frozen
class Run:
    """One run of a segment: what it found, and what changed since the run before.

    Attributes:
        segment: The name of the segment.
        size: The number of members.
        entered: How many entered.
        left: How many left.
        cause: Why: ``first`` if the segment was not run before, ``data`` if only the data changed,
            ``definition`` if the definition did.
        as_of: The instant, in UTC.
        number: The number of the run, from 1; each segment has its own.
        version: The first digits of the definition's fingerprint.
        stale: Whether the data was known to be stale.
    """

    segment: str
    size: int
    entered: int
    left: int
    cause: Cause
    as_of: datetime
    number: int
    version: str
    stale: bool = False

    def __str__(self) -> str:
        at = self.as_of.isoformat(" ", "seconds")
        members = f"{self.size:,} member{'s' * (self.size != 1)}"
        told = f"{members}, {self.entered:,} entered, {self.left:,} left"
        stale = ", of stale data" if self.stale else ""
        return f"{self.segment} as of {at}: {told} ({self.cause}{stale})"


@frozen
class Stay:
    """The time that somebody was in a segment.

    Attributes:
        segment: The name of the segment.
        entered_at: When they were first seen in it, in UTC.
        left_at: When they were first seen outside again; None if they are still in.
        observed: Whether the data let them in. If not, they were in when the segment was run for
            the first time, or when its definition had changed, and may have been for long; or the
            data was stale.
        left_observed: Whether they left since the data had changed, and not the definition, and
            the data was not stale.
    """

    segment: str
    entered_at: datetime
    left_at: datetime | None
    observed: bool
    left_observed: bool = False


_SHARE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_FEW = 100
"""A share of fewer members than these is one of so many."""


@frozen
class Most:
    """How many may enter or leave a segment in a run.

    Attributes:
        number: So many; None if it is a share.
        share: A share of the members before.
    """

    number: int | None
    share: Decimal

    @classmethod
    def of(cls, given: object) -> Most | None:
        """What a caller gives: a number, or a share such as ``"20%"``.

        Raises:
            UsageError: It is neither.
        """
        if given is None:
            return None
        if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
            return cls(given, Decimal(0))
        if isinstance(given, str) and (found := _SHARE.fullmatch(given)):
            return cls(None, Decimal(found[1]) / 100)
        raise UsageError(
            'most= takes a share of the members before, such as "20%", or a number of people, such '
            f"as 5000, and not {given!r:.60}"
        )

    def check(self, run: Run) -> None:
        """Make sure that not more entered or left.

        Raises:
            RunRefused: They did.
        """
        before = run.size - run.entered + run.left
        allowed = int(self.share * max(before, _FEW)) if self.number is None else self.number
        for count, word in ((run.entered, "enter"), (run.left, "leave")):
            if count > allowed:
                raise RunRefused(
                    f"segment {run.segment!r}: {count:,} of {before:,} members would {word} as of "
                    f"{run.as_of.isoformat()}, and most= allows {allowed:,}; nothing was written. "
                    "See whether the data is complete; if it is, run again with a larger most="
                )


def refuse_earlier(late: Mapping[str, datetime], instant: datetime) -> None:
    """Refuse a run that is not after the last run of segments.

    Args:
        late: Segments whose last run was later, and when.
        instant: The instant.

    Raises:
        RunRefused: There are any.
    """
    for name, last in late.items():
        raise RunRefused(
            f"segment {name!r} was run as of {last.isoformat()} already, which is after "
            f"{instant.isoformat()}: a store never rewrites its history, so run as of a later "
            "instant; if the clock was set back, wait until it has caught up"
        )


Stale: TypeAlias = Literal["refuse", "allow"]


def stale_of(given: object) -> Stale:
    """What a caller wants done with stale data.

    Raises:
        UsageError: It is neither of what can be done.
    """
    match given:
        case "refuse" | "allow":
            return given
        case _:
            raise UsageError(f'stale= takes "refuse" or "allow", and not {given!r:.60}')


ALLOW_STALE = 'pass stale="allow" (on the command line: --allow-stale)'
"""The way out of a refusal of stale data."""


def refuse_stale(tables: Iterable[Loaded], *, may_allow: bool = True) -> None:
    """Refuse a run of stale data, or of stays of which nothing is known.

    Raises:
        RunRefused: There is a table.
    """
    for each in tables:
        if isinstance(each, LastRun):
            way = f". To run all the same, {ALLOW_STALE}" if may_allow else ""
            raise RunRefused(f"{each.refusal}; nothing was written{way}")
        raise RunRefused(
            f"{each}, and the schema calls it stale from {each.fresh.stale} on; nothing was "
            f"written. Load the data and run again; to run all the same, {ALLOW_STALE}"
        )


def check_names(names: Iterable[Any], longest: int) -> None:
    """Make sure that names of segments can be kept.

    Raises:
        UsageError: One is too long.
    """
    for name in names:
        if len(name) > longest:
            raise UsageError(
                f"a store takes names of at most {longest} characters, and {name[:40]!r}… has "
                f"{len(name):,}: give the segment a short name"
            )


def refuse_changing(segments: Mapping[str, Segment], constant: frozenset[str]) -> None:
    """Refuse segments that test what the data only knows as it is now.

    Args:
        segments: The segments, by name.
        constant: Attributes and links that never change.

    Raises:
        UsageError: There are any; names what they test.
    """
    for name, segment in segments.items():
        root = segment.schema.entity
        constant_here = constant | {root.key_attribute.name if root.key_attribute else ""}
        uses = [use for each in all_of(segment) for use in each.uses()]
        for use in uses:
            entity, _, own = use.name.partition(".")
            timeless = use.kind == "relation" and not _has_time(segment.schema, entity, own)
            attribute = use.kind in _OF_NOW and entity == root.name and own not in constant_here
            if timeless or attribute:
                way = "" if timeless else f"; if it never changes, say so by constant=[{own!r}]"
                raise UsageError(
                    f"segment {name!r} tests the {use}, of which the data has no past: it would "
                    f"be judged as it is now{way}"
                )


_OF_NOW = ("attribute", "value", "link", "place")


def _has_time(schema: Schema, entity: str, name: str) -> bool:
    relations = schema.named(entity).relations
    return any(each.at is not None for each in relations if each.name == name)
