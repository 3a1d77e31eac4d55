"""The target of each person, and who is held out to check rules."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from attrs import frozen

from segmentkit._diagnostics.languages import localized
from segmentkit._operators import BUCKETS, bucket_of
from segmentkit.analysis._discovery.features import Feature, Mask, Numbers, Ordered, Places
from segmentkit.analysis._discovery.models import models
from segmentkit.dtypes import INTEGER, TEXT, Kind
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait

if TYPE_CHECKING:
    from segmentkit.source import Source

LARGEST = 1e150
"""Numbers up to it have sums, and squares, that are finite."""


@frozen
class Target:
    """A number of each person, and who is held out.

    Attributes:
        values: The numbers; of a rate ones and zeros, and zero of whom nothing is known.
        known: Of whom it is known.
        held: Who is held out.
        rate: Whether its rate is told, or its mean.
        remarks: Who is left out, and who is held out.
    """

    values: Numbers
    known: Mask
    held: Mask
    rate: bool
    remarks: tuple[str, ...]

    @property
    def rows(self) -> Places:
        """Those that something is learnt of."""
        return np.flatnonzero(self.known & ~self.held)

    def of(self, mask: Mask, *, held: bool) -> Numbers:
        """The numbers of some people, of those that are held out or of the others."""
        return np.asarray(self.values[mask & self.known & (self.held == held)])

    def is_chance(self, one: Places, other: Places, cuts: int, level: float) -> bool:
        """Whether the clearest of so many cuts could be as clear as this one by chance."""
        mine, theirs = self.values[one], self.values[other]
        if self.rate:
            hits, part = int(mine.sum() + theirs.sum()), int(mine.sum())
            likely = models().chance_of_rates(len(one) + len(other), hits, len(one), part)
        else:
            likely = models().chance_of_means(mine, theirs)
        return bool(likely * cuts > 1 - level)

    def is_like(self, feature: Feature) -> bool:
        """Whether a feature tells the target itself: one cut of it parts who has it from who not.

        Of means, whether both have one order.
        """
        rows = self.rows
        values = self.values[rows]
        if not np.ptp(values):
            return False
        if self.rate:
            columns = feature.columns(rows, self.values)
            return any(_likeness(each.places[rows], values) >= _SAME for each in columns)
        if not isinstance(feature, Ordered):
            return False
        places = feature.places[rows]
        order = np.unique(values, return_inverse=True)[1]
        return bool(np.ptp(places)) and abs(np.corrcoef(places, order)[0, 1]) >= _SAME

    def why_none(self, least: int) -> str:
        """Why there is no rule."""
        if not len(self.values):
            return "there is nobody to ask about"
        values = self.values[self.rows]
        if not len(values):
            return "nobody is left to find rules on"
        if not np.ptp(values):
            told = {0.0: "nobody", 1.0: "everybody"} if self.rate else {}
            who = told.get(float(values[0]))
            if who:
                return (
                    f"{who} of the {localized(len(values))} that rules could be found on is in it"
                )
            return f"it is the same of all {localized(len(values))} that rules could be found on"
        if len(values) < 2 * least:
            needed = f"each side of a cut needs {localized(least)}"
            return f"{localized(len(values))} are too few to find rules on: {needed}"
        return "nothing that was looked at tells more than chance would"


_SAME = 0.95


def _likeness(places: Places, values: Numbers) -> float:
    """The greatest correlation of ones and zeros with a cut of places (phi)."""
    sizes = np.cumsum(np.bincount(places))[:-1]
    hits = np.cumsum(np.bincount(places, values))[:-1]
    size, all_hits = len(values), values.sum()
    parted = (sizes > 0) & (sizes < size)
    sizes, hits = sizes[parted], hits[parted]
    if not len(sizes):
        return 0.0
    spread = np.sqrt(sizes * (size - sizes) * all_hits * (size - all_hits))
    return float(np.max(np.abs(size * hits - sizes * all_hits) / spread))


def target_of(
    target: Segment | Trait,
    frame: pd.DataFrame,
    source: Source,
    instant: datetime,
    *,
    holdout: float,
    seed: int,
) -> Target:
    """Who is in the segment, or the trait's value of each, for those in a frame of values."""
    held, how = held_out(frame.index, target.schema, holdout, f"discover {seed}")
    if isinstance(target, Segment):
        within = source.evaluate({"target": target}, as_of=instant).frame["target"]
        values = within.reindex(frame.index, fill_value=False).to_numpy(np.float64)
        return Target(values, np.ones(len(frame), np.bool_), held, True, how)
    column = frame[str(target.name)]
    known = column.notna().to_numpy()
    values = np.zeros(len(frame))
    values[known] = column[known].astype(np.float64)
    finite = np.abs(values) < LARGEST
    remarks = [
        *_left_out(int((~known).sum()), f"{target.name} is missing"),
        *_left_out(int((~finite).sum()), f"{target.name} is infinite or beyond {LARGEST:g}"),
        *how,
    ]
    values = np.where(finite, values, 0.0)
    rate = target.dtype.kind is Kind.BOOLEAN
    return Target(values, known & finite, held, rate, tuple(remarks))


def _left_out(count: int, why: str) -> Iterator[str]:
    if count:
        yield f"left out: {localized(count)} of whom {why}"


def held_out(
    keys: pd.Index[Any], schema: Schema, share: float, salt: str
) -> tuple[Mask, tuple[str, ...]]:
    """Who is in the sample of a share, as the language draws it, and how that is said."""
    part = Fraction(Decimal(repr(share)))
    key = schema.entity.key_attribute
    drawn = key is not None and key.dtype in (INTEGER, TEXT)
    read = int if drawn and key is not None and key.dtype == INTEGER else str
    limit = math.ceil(part * BUCKETS)
    found = [bucket_of(f"{salt}:{read(key)}") < limit for key in keys.tolist()]
    percent = f"{(Decimal(repr(share)) * 100).normalize():f}%"
    how = (f'held out: sample({percent}, "{salt}")',) if drawn and share else ()
    return np.array(found, dtype=np.bool_), how
