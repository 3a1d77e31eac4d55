"""What is measured of people: numbers by key, and what they were before a goal began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from segmentkit._definition import Defined, lowest_first
from segmentkit._results.freshness import LastRun
from segmentkit.dtypes import Kind
from segmentkit.errors import DataError
from segmentkit.goal import Goal, Measure, is_rate
from segmentkit.keylist import KeyList
from segmentkit.runs import ALLOW_STALE, stale_of
from segmentkit.segment import Segment
from segmentkit.source import Source
from segmentkit.trait import Trait

Numbers: TypeAlias = "pd.Series[float]"
"""A number of each person, by key; what is missing is not a number."""


def numbers_of(measures: Mapping[str, Measure], source: Source, at: datetime) -> dict[str, Numbers]:
    """The numbers of everyone: of a rate, ones and zeros.

    Args:
        measures: What is measured, by any names.
        source: The source of the population.
        at: The instant.
    """
    segments = {n: each.named(n) for n, each in measures.items() if isinstance(each, Segment)}
    traits = {n: each.named(n) for n, each in measures.items() if isinstance(each, Trait)}
    found: dict[str, Numbers] = {}
    if segments:
        frame = source.evaluate(segments, as_of=at).frame
        found |= {name: frame[name].astype(float) for name in segments}
    if traits:
        values = source.values(traits.values(), as_of=at)
        found |= {name: _floats(values[name]) for name in traits}
    return found


def numbers_among(
    measures: Mapping[str, Measure], source: Source, at: datetime, keys: pd.Index[Any]
) -> dict[str, Numbers]:
    """The numbers of some people, as far as they are there: so many at a time, and nobody else's.

    Args:
        measures: What is measured, by any names.
        source: The source of the population.
        at: The instant.
        keys: The keys of the people.
    """
    schema = next(iter(measures.values())).schema
    key = schema.entity.key_attribute
    if key is None or key.dtype.kind not in (Kind.INTEGER, Kind.TEXT):
        # They are no keys of a list.
        return numbers_of(measures, source, at)
    parts = [
        _of_page(measures, source, at, KeyList("page", keys[start : start + _AT_ONCE].tolist()))
        for start in range(0, max(len(keys), 1), _AT_ONCE)
    ]
    return {name: pd.concat([part[name] for part in parts]) for name in measures}


_AT_ONCE = 50_000


def _of_page(
    measures: Mapping[str, Measure], source: Source, at: datetime, page: KeyList
) -> dict[str, Numbers]:
    schema = next(iter(measures.values())).schema

    def within(measure: Segment | None) -> Segment:
        text = "in list page" + (" and in segment held" if measure is not None else "")
        others = {} if measure is None else {"held": measure}
        return Segment.define(None, text, schema, segments=others, lists={"page": page})

    there = source.members(within(None), as_of=at).keys
    found: dict[str, Numbers] = {}
    for name, each in measures.items():
        if isinstance(each, Segment):
            inside = there.isin(source.members(within(each), as_of=at).keys)
            found[name] = pd.Series(inside, index=there, dtype=float)
    traits = {n: each.named(n) for n, each in measures.items() if isinstance(each, Trait)}
    if traits:
        values = source.values(traits.values(), of=within(None), as_of=at)
        found |= {name: _floats(values[name]) for name in traits}
    return found


def _floats(values: pd.Series[Any]) -> Numbers:
    # Exact decimals are objects, and what is missing may be None or pandas' own.
    found = values.astype(object).where(values.notna(), None)
    return pd.Series(
        [np.nan if each is None else float(each) for each in found], index=values.index
    )


def knows_its_past(measure: Measure) -> bool:
    """Whether data says what was measured of people at an earlier instant.

    It does of events, which have a time; of an attribute of people it knows what it is now.
    """
    each: list[Defined] = lowest_first(measure, lambda one: one._uses())
    uses = [use for one in each for use in one.uses()]
    of_events = False
    for use in uses:
        entity, _, name = use.name.partition(".")
        if use.kind == "relation":
            relation = measure.schema.named(entity).relation(name)
            if relation is None or relation.at is None:
                return False
            of_events = True
        elif use.kind in _OF_NOW or (use.kind in _MEMBERS and entity == measure.schema.root):
            return False
    return of_events


_OF_NOW = ("list", "channel")
_MEMBERS = ("attribute", "link", "place")


def label_of(goal: Goal) -> str:
    """What to call the unit of what a goal measures."""
    return "rate" if is_rate(goal.measure) else "mean"


def check_fresh(goals: Iterable[Goal], source: Source, at: datetime, stale: str) -> tuple[str, ...]:
    """Refuse stale data, or say so.

    Raises:
        DataError: A table is stale, and that is not allowed.
    """
    allowed = stale_of(stale) == "allow"
    told = []
    parts = [part for goal in goals for part in (goal.held_out, *goal.parts)]
    segments = {f"{i}": part for i, part in enumerate(parts) if isinstance(part, Segment)}
    traits = [part for part in parts if isinstance(part, Trait)]
    for table in source.loaded(segments, traits=traits, as_of=at):
        # What is not known of stays is refused when it is asked.
        if table.state != "stale" or isinstance(table, LastRun):
            continue
        if not allowed:
            raise DataError(
                f"{table}, and the schema calls it stale from {table.fresh.stale} on: load the "
                f"data and ask again; to look at it all the same, {ALLOW_STALE}"
            )
        told.append(f"{table}: the numbers are of stale data")
    return tuple(told)
