"""A rate or a mean of some people, and its interval."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from segmentkit.analysis._discovery.features import Numbers
from segmentkit.analysis._statistics import Sample, mean_interval, wilson


@frozen
class Estimate:
    """A rate or a mean of some people, with its interval.

    Attributes:
        count: The number of people.
        value: The rate or the mean; None if there are no people.
        low: The lower end of its interval; None if it cannot be computed.
        high: The upper end of its interval.
    """

    count: int
    value: float | None
    low: float | None
    high: float | None

    def agrees(self, other: Estimate) -> bool | None:
        """Whether another differs by no more than chance; None if that is not known.

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
    """The mean of numbers with Student's interval, or the rate of ones with Wilson's."""
    count = len(values)
    if not count:
        return Estimate(0, None, None, None)
    mean = float(values.mean())
    if rate:
        interval = wilson(int(values.sum()), count, level)
    elif np.ptp(values):
        interval = mean_interval(Sample(count, 0, mean, float(np.var(values, ddof=1))), level)
    else:  # those who are all the same tell nothing of how much others may differ
        interval = None
    return Estimate(count, mean, *(interval or (None, None)))
