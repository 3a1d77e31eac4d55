"""Differences between those who were treated and those who were held out.

An interval that is looked at once may be fixed: Welch's, or Newcombe's of shares. One that is
looked at every day must be valid at every look: that of a mixture of normal distributions, as in
I. Waudby-Smith et al., Time-uniform central limit theory and asymptotic confidence sequences,
Annals of Statistics 52 (2024), 2613-2640, equation 14. Fixed intervals alarm in 30 of 100 tests
without an effect, if one looks thirty times.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np
from attrs import frozen

from segmentkit.analysis._statistics import Interval, Sample, _distance, _need, _normal

_Numbers = np.ndarray[Any, np.dtype[np.float64]]


@frozen
class Effect:
    """A difference of two means, as a number or as a share of the second.

    Attributes:
        value: The difference.
        variance: Its variance.
        df: Its degrees of freedom, by Welch and Satterthwaite.
        size: Of how many people it is.
    """

    value: float
    variance: float
    df: float
    size: int

    @classmethod
    def of(cls, treated: Sample, held_out: Sample, *, relative: bool) -> Effect | None:
        """The difference; None if there are too few people, no spread, or nothing to share.

        The variance of a share is by the delta method.
        """
        one, other = treated, held_out
        if one.mean is None or other.mean is None:
            return None
        if one.variance is None or other.variance is None or not one.variance + other.variance:
            return None
        parts = one.variance / one.size, other.variance / other.size
        df = sum(parts) ** 2 / (parts[0] ** 2 / (one.size - 1) + parts[1] ** 2 / (other.size - 1))
        size, value, variance = one.size + other.size, one.mean - other.mean, sum(parts)
        if not relative:
            return cls(value, variance, df, size)
        if not other.mean:
            return None
        square = other.mean**2
        variance = parts[0] / square + parts[1] * one.mean**2 / square**2
        return cls(value / abs(other.mean), variance, df, size)

    @property
    def error(self) -> float:
        """The standard error."""
        return sqrt(self.variance)

    def fixed(self, level: float) -> Interval:
        """The interval for one look, by Student's t."""
        half = float(_need("scipy.stats").t.isf((1 - level) / 2, self.df)) * self.error
        return Interval(self.value - half, self.value + half)

    def fixed_p(self) -> float:
        """How often chance alone would show as much, in one look."""
        return 2 * float(_need("scipy.stats").t.sf(abs(self.value) / self.error, self.df))

    def always(self, planned: int, level: float) -> Interval:
        """The interval that holds whenever one looks, narrowest at the planned size."""
        spread = self.size * _mixing(planned, level)
        bound = 2 * (spread + 1) * log(sqrt(spread + 1) / (1 - level)) / (self.size * spread)
        half = sqrt(self.variance * self.size * bound)
        return Interval(self.value - half, self.value + half)

    def always_p(self, planned: int, level: float) -> float:
        """How often chance alone would ever show as much, however often one looks."""
        spread = self.size * _mixing(planned, level)
        square = self.value**2 / self.variance
        return min(1.0, sqrt(spread + 1) * exp(-square * spread / (2 * (spread + 1))))


def _mixing(planned: int, level: float) -> float:
    """The variance of the mixture for which the interval is narrowest at a size."""
    twice = -2 * log(1 - level)
    return (twice + log(1 + twice)) / planned


def adjusted(values: _Numbers, before: _Numbers) -> tuple[_Numbers, float]:
    """Values without what those of before explain (CUPED), and the slope.

    A. Deng et al., Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data, WSDM 2013. The slope is that of both arms together. What is missing before
    is taken for the mean, which changes nothing.
    """
    known = np.isfinite(before)
    if known.sum() < 2:
        return values, 0.0
    filled = np.where(known, before, before[known].mean())
    centred = filled - filled.mean()
    spread = float(centred @ centred)
    if not spread:
        return values, 0.0
    slope = float(centred @ (values - values.mean())) / spread
    return values - slope * centred, slope


def sample_of(values: _Numbers) -> Sample:
    """Numbers, summed up; all are finite."""
    size = len(values)
    if not size:
        return Sample(0, 0, None, None)
    # Of equal numbers, rounding makes no spread.
    spread = float(values.var(ddof=1)) if size > 1 and np.ptp(values) else 0.0
    return Sample(size, float(values.sum()), float(values.mean()), spread if size > 1 else None)


def ratio_p(held_out: int, treated: int, share: float) -> float | None:
    """How often chance alone would make the arms so unlike what was planned; None of nobody."""
    size = held_out + treated
    if not size:
        return None
    expected = (size * share, size * (1 - share))
    return float(_need("scipy.stats").chisquare([held_out, treated], expected).pvalue)


def visible(people: float, share: float, power: float, level: float) -> float | None:
    """The least difference, in standard deviations, that arms of unequal size would show."""
    if people * min(share, 1 - share) < 2:
        return None
    apart = _distance(np.array([_normal(level)]), np.ones(1), power)
    return apart * sqrt(1 / (people * share) + 1 / (people * (1 - share)))


def people_for(difference: float, share: float, power: float, level: float) -> float:
    """Of how many people arms would show a difference in standard deviations."""
    apart = _distance(np.array([_normal(level)]), np.ones(1), power)
    return (apart / difference) ** 2 / (share * (1 - share))
