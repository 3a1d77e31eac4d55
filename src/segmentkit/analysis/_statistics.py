"""Intervals, tests and sizes of effects, from counts and sums; what the extra `stats` brings.

All that is asked here is answered of a few numbers about groups, never of the values themselves.
What cannot be computed, such as the spread of one value, is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from importlib import import_module
from math import asin, ceil, fsum, isfinite, pi, sin, sqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from attrs import frozen

_Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


LARGEST = 1e70
"""Up to it the squares of numbers' squares have sums that are finite, as tests of means need."""


class Interval(NamedTuple):
    """From where to where something may well be."""

    low: float
    high: float


@frozen
class Tested:
    """The result of a statistical test.

    Attributes:
        name: The name of the test.
        statistic: Its statistic.
        df: Its degrees of freedom, those of the numerator first; an exact test has none.
        p: How often chance alone would show as much.
    """

    name: str
    statistic: float
    df: tuple[float, ...]
    p: float


@frozen
class Sample:
    """Numbers of a group, summed up.

    Attributes:
        size: How many have a number.
        total: Their sum; exact where the numbers are.
        mean: Their mean; None of none.
        variance: The variance that they estimate; None of fewer than two.
    """

    size: int
    total: int | float | Decimal
    mean: float | None
    variance: float | None

    @classmethod
    def of(cls, values: Iterable[Any], counts: Iterable[int]) -> Sample:
        """Sum up numbers that occur so often each; what is infinite or `LARGEST` is left out."""
        pairs = [
            (value, int(count))
            for value, count in zip(values, counts, strict=True)
            if count and isfinite(value) and abs(value) < LARGEST
        ]
        size = sum(count for _, count in pairs)
        if not size:
            return cls(0, 0, None, None)
        if any(isinstance(value, float) for value, _ in pairs):
            total: Any = fsum(float(value) * count for value, count in pairs)
        else:
            total = sum(value * count for value, count in pairs)
        if len(pairs) == 1:  # so that rounding makes no spread where there is none
            mean, spread = float(pairs[0][0]), 0.0
        else:
            mean = float(total / size)
            spread = fsum((float(value) - mean) ** 2 * count for value, count in pairs)
        return cls(size, total, mean, spread / (size - 1) if size > 1 else None)

    def __or__(self, other: Sample) -> Sample:
        """Both groups as one."""
        size = self.size + other.size
        if not (self.size and other.size):
            return self if self.size else other
        assert self.mean is not None
        assert other.mean is not None
        apart = other.mean - self.mean
        mean = self.mean + apart * other.size / size
        spread = self.spread + other.spread + apart * apart * self.size * other.size / size
        total = float(self.total) + float(other.total)
        return Sample(size, total, mean, spread / (size - 1))

    @property
    def spread(self) -> float:
        """The sum of squared distances from the mean."""
        return (self.variance or 0.0) * (self.size - 1) if self.size else 0.0


# -- of one group -------------------------------------------------------------------------------


def wilson(count: int, size: int, level: float) -> Interval | None:
    """The interval of a share, by Wilson's score."""
    if not size:
        return None
    found = _need("statsmodels.stats.proportion").proportion_confint(
        count, size, alpha=1 - level, method="wilson"
    )
    return Interval(*map(float, found))


def mean_interval(sample: Sample, level: float) -> Interval | None:
    """The interval of a mean, by Student's t."""
    if sample.mean is None or sample.variance is None:
        return None
    t = _need("scipy.stats").t
    half = float(t.isf((1 - level) / 2, sample.size - 1)) * sqrt(sample.variance / sample.size)
    return Interval(sample.mean - half, sample.mean + half)


# -- of two groups ------------------------------------------------------------------------------


def newcombe(counts: Sequence[int], sizes: Sequence[int], level: float) -> Interval | None:
    """The interval of the difference of two shares, by Newcombe's hybrid score."""
    if not all(sizes):
        return None
    found = _need("statsmodels.stats.proportion").confint_proportions_2indep(
        counts[0], sizes[0], counts[1], sizes[1], method="newcomb", compare="diff", alpha=1 - level
    )
    return Interval(*map(float, found))


def shares_test(counts: Sequence[int], sizes: Sequence[int]) -> Tested | None:
    """Whether shares differ: a chi-square test; of two, where few are expected, Fisher's."""
    yes, all_of = sum(counts), sum(sizes)
    if not all(sizes) or yes in (0, all_of) or len(sizes) < 2:
        return None
    stats = _need("scipy.stats")
    table = [list(counts), [size - count for count, size in zip(counts, sizes, strict=True)]]
    if len(sizes) == 2 and few_expected(counts, sizes):
        odds, p = stats.fisher_exact(table)
        return Tested("Fisher's exact test", float(odds), (), float(p))
    found = stats.chi2_contingency(table, correction=False)
    return Tested("chi-square test", float(found[0]), (float(found[2]),), float(found[1]))


_FEW_EXPECTED = 5
"""Fewer expected than that in a cell, and a chi-square test is only roughly right."""


def few_expected(counts: Sequence[int], sizes: Sequence[int]) -> bool:
    """Whether one would expect only few in some cell, were all shares alike."""
    yes, all_of = sum(counts), sum(sizes)
    return min(sizes) * min(yes, all_of - yes) < _FEW_EXPECTED * all_of


def shares_effect(
    counts: Sequence[int], sizes: Sequence[int], level: float
) -> tuple[float, Interval] | None:
    """Cohen's h, the distance of two shares on a scale where it is as easy to see everywhere."""
    if not all(sizes):
        return None
    h = h_of(counts[1] / sizes[1], counts[0] / sizes[0])
    half = _normal(level) * sqrt(1 / sizes[0] + 1 / sizes[1])
    return h, Interval(h - half, h + half)


def welch(one: Sample, other: Sample, level: float) -> tuple[Tested, Interval] | None:
    """Whether two means differ, and the interval of their difference, by Welch's t-test."""
    if one.mean is None or one.variance is None or other.mean is None or other.variance is None:
        return None
    parts = one.variance / one.size, other.variance / other.size
    error = sqrt(sum(parts))
    if not error:
        return None
    df = sum(parts) ** 2 / (parts[0] ** 2 / (one.size - 1) + parts[1] ** 2 / (other.size - 1))
    t = _need("scipy.stats").t
    apart = one.mean - other.mean
    half = float(t.isf((1 - level) / 2, df)) * error
    p = 2 * float(t.sf(abs(apart) / error, df))
    return Tested("Welch's t-test", apart / error, (df,), p), Interval(apart - half, apart + half)


def means_effect(one: Sample, other: Sample, level: float) -> tuple[float, Interval] | None:
    """Hedges' g: the difference of two means in standard deviations, without the bias of few."""
    if one.mean is None or other.mean is None or one.size < 2 or other.size < 2:
        return None
    size = one.size + other.size
    deviation = sqrt((one.spread + other.spread) / (size - 2))
    if not deviation:
        return None
    g = (1 - 3 / (4 * size - 9)) * (one.mean - other.mean) / deviation
    half = _normal(level) * sqrt(size / one.size / other.size + g * g / 2 / (size - 3.94))
    return g, Interval(g - half, g + half)


# -- of several groups --------------------------------------------------------------------------


def means_test(samples: Sequence[Sample]) -> Tested | None:
    """Whether several means differ, by Welch's analysis of variance.

    Every sample needs a spread.
    """
    if len(samples) < 2 or not all(sample.variance for sample in samples):
        return None
    found = _need("statsmodels.stats.oneway").anova_generic(
        *(
            np.array(column, dtype=np.float64)
            for column in zip(*((s.mean, s.variance, s.size) for s in samples), strict=True)
        ),
        use_var="unequal",
    )
    df = (float(found.df_num), float(found.df_denom))
    return Tested("Welch's ANOVA", float(found.statistic), df, float(found.pvalue))


def explained(samples: Sequence[Sample]) -> tuple[float, float] | None:
    """Eta² and omega²: which share of all variance is between the groups, and its estimate."""
    known = [sample for sample in samples if sample.mean is not None]
    size = sum(sample.size for sample in known)
    if len(known) < 2 or size <= len(known):
        return None
    middle = fsum(s.size * s.mean for s in known if s.mean is not None) / size
    between = fsum(s.size * (s.mean - middle) ** 2 for s in known if s.mean is not None)
    within = fsum(sample.spread for sample in known)
    # What is left of equal means by rounding is no difference.
    if len({sample.mean for sample in known}) == 1:
        between = 0.0
    if not between + within:
        return None
    error = within / (size - len(known))
    omega = (between - (len(known) - 1) * error) / (between + within + error)
    return between / (between + within), max(0.0, omega)


def cramer(counts: Sequence[int], sizes: Sequence[int]) -> float | None:
    """Cramér's V of shares: how much who is in which group tells of yes or no."""
    yes, all_of = sum(counts), sum(sizes)
    if yes in (0, all_of):
        return None
    share = yes / all_of
    squares = fsum((n - size * share) ** 2 / size for n, size in zip(counts, sizes, strict=True))
    return sqrt(squares / (share * (1 - share)) / all_of)


# -- of many tests, and of tests to come --------------------------------------------------------


def holm(ps: Sequence[float]) -> list[float]:
    """Values of p corrected for their number by Holm's method, whatever they have in common.

    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6 (1979), 65-70. That of statsmodels collects garbage at each call, which takes
    seconds in a process that holds much.
    """
    found = [0.0] * len(ps)
    least = 0.0
    for place, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        least = max(least, min(1.0, (len(ps) - place) * ps[i]))
        found[i] = least
    return found


def detectable_means(size: float, power: float, level: float) -> float | None:
    """The least difference, in standard deviations, that two groups of a size would show."""
    if size < 2:
        return None
    df = 2 * size - 2
    stats = _need("scipy.stats")
    # How much the estimated deviation may be off; the non-central t has no values everywhere.
    places, weights = np.polynomial.legendre.leggauss(_NODES)
    off = np.sqrt(stats.chi2.ppf((places + 1) / 2, df) / df)
    least = float(stats.t.isf((1 - level) / 2, df))
    return _distance(least * off, weights / 2, power) / sqrt(size / 2)


_NODES = 400


def detectable_shares(share: float, size: float, power: float, level: float) -> float | None:
    """The least rise of a share that two groups of a size would show; None if none would."""
    if size < 2:
        return None
    h = _distance(np.array([_normal(level)]), np.ones(1), power) / sqrt(size / 2)
    return None if asin(sqrt(share)) + h / 2 > pi / 2 else raised(share, h) - share


def raised(share: float, h: float) -> float:
    """The share that is Cohen's h above another, or all."""
    return sin(min(asin(sqrt(share)) + h / 2, pi / 2)) ** 2


def h_of(share: float, other: float) -> float:
    """Cohen's h from one share to another."""
    return 2 * (asin(sqrt(other)) - asin(sqrt(share)))


def needed(distance: float, power: float, level: float) -> int:
    """Of about how many the halves would show a distance, in standard deviations or Cohen's h."""
    apart = _distance(np.array([_normal(level)]), np.ones(1), power)
    return ceil(4 * (apart / distance) ** 2)


def _distance(least: _Numbers, weights: _Numbers, power: float) -> float:
    """How many standard errors apart two groups must be for a test to find it so often."""
    stats = _need("scipy.stats")

    def lacking(apart: float) -> float:
        found = stats.norm.sf(least - apart) + stats.norm.cdf(-least - apart)
        return float(found @ weights) - power

    most = 2.0
    while lacking(most) < 0:
        most *= 2
    return float(_need("scipy.optimize").brentq(lacking, 0, most, xtol=1e-12))


def _normal(level: float) -> float:
    return float(_need("scipy.stats").norm.isf((1 - level) / 2))


def checked(level: float, what: str = "level") -> float:
    """A probability strictly between nothing and certainty.

    Raises:
        ValueError: It is none.
    """
    if not 0 < level < 1:
        raise ValueError(f"{what} must be between 0 and 1, as in 0.95, not {level!r}")
    return level


def _need(name: str) -> Any:
    """A module that only the extra `stats` brings.

    Raises:
        ImportError: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        message = 'statistics need scipy and statsmodels: pip install "segmentkit[stats]"'
        raise ImportError(message, name=error.name) from error
