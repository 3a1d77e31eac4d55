"""A rate or a mean of some people, and how sure it is."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from attrs import frozen

from segmentkit.analysis._extra import models
from segmentkit.analysis._features import Numbers


@frozen
class Estimate:
    """A rate or a mean of some people.

    Attributes:
        count: Of how many.
        value: The rate or the mean; None of nobody.
        low: Where its interval begins; None if these tell nothing of it.
        high: Where it ends.
    """

    count: int
    value: float | None
    low: float | None
    high: float | None

    def agrees(self, other: Estimate) -> bool | None:
        """Whether another differs by no more than chance; None if that cannot be told.

        The interval of the difference is made of both intervals (Newcombe's way): it holds zero.
        """
        if None in (self.low, other.low):
            return None
        (value, low, high), (theirs, start, end) = (
            (each.value or 0.0, each.low or 0.0, each.high or 0.0) for each in (self, other)
        )
        if theirs >= value:
            return theirs - value <= math.hypot(high - value, theirs - start)
        return value - theirs <= math.hypot(value - low, end - theirs)


def estimate(values: Numbers, level: float, *, rate: bool) -> Estimate:
    """The mean of numbers with its t interval, or the rate of ones with Wilson's."""
    count = len(values)
    if not count:
        return Estimate(0, None, None, None)
    mean = float(values.mean())
    if rate:
        return Estimate(count, mean, *_wilson(mean, count, NormalDist().inv_cdf((1 + level) / 2)))
    # Those who are all the same tell nothing of how much others may differ.
    if not np.ptp(values):
        return Estimate(count, mean, None, None)
    reach = models().spread(level, count - 1) * float(np.std(values, ddof=1)) / math.sqrt(count)
    return Estimate(count, mean, mean - reach, mean + reach)


def _wilson(rate: float, count: int, z: float) -> tuple[float, float]:
    whole = 1 + z * z / count
    middle = (rate + z * z / (2 * count)) / whole
    reach = z / whole * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return max(0.0, min(rate, middle - reach)), min(1.0, max(rate, middle + reach))
