"""Intervals, tests and effects must be those that others published, and those of other programs."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from math import sqrt
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as scipy
from statsmodels.stats import meta_analysis, multitest, oneway, power, proportion, weightstats

from segmentkit.analysis import _statistics as stats
from segmentkit.analysis._statistics import Sample

# Student's data on two soporific drugs (Biometrika 6, 1908), R's `sleep`.
SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
# Dobson, An Introduction to Statistical Modelling (1983), R's `PlantGrowth`.
PLANTS = (
    [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14],
    [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
    [6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26],
)


def of(values):
    """A sample of values, each of which occurs once."""
    return Sample.of(values, [1] * len(values))


# -- what is published --------------------------------------------------------------------------


def test_welch_is_that_of_r():
    """R's manual: t.test(extra ~ group, data = sleep)."""
    test, interval = stats.welch(*map(of, SLEEP), 0.95)
    assert test.statistic == pytest.approx(-1.8608, abs=5e-5)
    assert test.df[0] == pytest.approx(17.776, abs=5e-4)
    assert test.p == pytest.approx(0.07939, abs=5e-6)
    assert interval == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)


def test_the_interval_of_a_mean_is_that_of_r():
    """R: t.test(sleep$extra), of both groups together: 0.5955845 to 2.4844155."""
    interval = stats.mean_interval(of([*SLEEP[0], *SLEEP[1]]), 0.95)
    assert interval == pytest.approx((0.5955845, 2.4844155), abs=5e-8)


def test_welch_anova_is_that_of_r():
    """R: oneway.test(weight ~ group, data = PlantGrowth)."""
    test = stats.means_test([of(values) for values in PLANTS])
    assert test.statistic == pytest.approx(5.181, abs=5e-4)
    assert test.df == pytest.approx((2.0, 17.128), abs=5e-4)
    assert test.p == pytest.approx(0.01739, abs=5e-6)


def test_variance_explained_is_that_of_the_published_table():
    """Dobson's table 7.4: 3.7663 between the groups with 2 degrees of freedom, 10.4921 within."""
    eta, omega = stats.explained([of(values) for values in PLANTS])
    assert eta == pytest.approx(3.7663 / (3.7663 + 10.4921), abs=5e-5)
    error = 10.4921 / 27
    assert omega == pytest.approx((3.7663 - 2 * error) / (3.7663 + 10.4921 + error), abs=5e-5)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_differences_of_shares_are_newcombes(one, other, low, high):
    """Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10."""
    interval = stats.newcombe((one[0], other[0]), (one[1], other[1]), 0.95)
    assert interval == pytest.approx((low, high), abs=5.1e-5)


@pytest.mark.parametrize(
    ("count", "size", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
     (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_intervals_of_shares_are_wilsons(count, size, low, high):
    """Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3."""
    assert stats.wilson(count, size, 0.95) == pytest.approx((low, high), abs=5.1e-5)


def test_cramers_v_is_that_of_the_lsr_package():
    """The example of cramersV in the manual of R's package lsr: X-squared = 5.0317, V = 0.159."""
    counts, sizes = (30, 20, 50), (65, 50, 85)
    test = stats.shares_test(counts, sizes)
    assert test.statistic == pytest.approx(5.0317, abs=5e-5)
    assert test.df == (2.0,)
    assert test.p == pytest.approx(0.0808, abs=5e-5)
    assert stats.cramer(counts, sizes) == pytest.approx(0.159, abs=5e-4)


def test_fishers_test_is_that_of_the_lady_tasting_tea():
    """Agresti (1990), in R's manual of fisher.test: 3 of 4 and 1 of 4, p = 0.4857."""
    test = stats.shares_test((3, 1), (4, 4))
    assert test.name == "Fisher's exact test"
    assert test.p == pytest.approx(0.4857, abs=5e-5)


def test_what_is_detectable_is_that_of_r():
    """R's manual: power.t.test(power = .90, delta = 1) needs n = 22.02110 in each group."""
    assert stats.detectable_means(22.02110, 0.9, 0.95) == pytest.approx(1, abs=1e-6)


# -- what other programs find -------------------------------------------------------------------

NUMBERS = st.lists(st.integers(-1000, 1000), min_size=2, max_size=30)
LEVELS = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@given(NUMBERS, NUMBERS, LEVELS)
def test_two_means_are_compared_as_by_others(one, other, level):
    """Welch's test is scipy's, its interval statsmodels', and Hedges' g statsmodels', too."""
    assume(len(set(one)) > 1 and len(set(other)) > 1)  # of one value, scipy warns
    test, interval = stats.welch(of(one), of(other), level)
    found = scipy.ttest_ind(one, other, equal_var=False)
    assert (test.statistic, test.p) == pytest.approx((found.statistic, found.pvalue), abs=1e-12)
    compared = weightstats.CompareMeans.from_data(one, other)
    expected = compared.tconfint_diff(alpha=1 - level, usevar="unequal")
    assert interval == pytest.approx(expected, rel=1e-9, abs=1e-9)
    g, around = stats.means_effect(of(one), of(other), level)
    expected_g, variance = meta_analysis.effectsize_smd(
        np.mean(one),
        np.std(one, ddof=1),
        len(one),
        np.mean(other),
        np.std(other, ddof=1),
        len(other),
    )
    assert g == pytest.approx(expected_g, abs=1e-9)
    half = scipy.norm.isf((1 - level) / 2) * sqrt(variance)
    assert around == pytest.approx((g - half, g + half), abs=1e-9)


@given(st.lists(NUMBERS, min_size=2, max_size=6))
def test_several_means_are_compared_as_by_others(groups):
    """Welch's analysis of variance is statsmodels', of the numbers themselves; eta² is of sums."""
    assume(all(len(set(group)) > 1 for group in groups))
    samples = [of(group) for group in groups]
    test = stats.means_test(samples)
    found = oneway.anova_oneway([np.array(group, float) for group in groups], use_var="unequal")
    assert (test.statistic, test.p) == pytest.approx((found.statistic, found.pvalue), abs=1e-9)
    assert test.df == pytest.approx((found.df_num, found.df_denom))
    eta, omega = stats.explained(samples)
    f = scipy.f_oneway(*groups).statistic
    more, less = len(groups) - 1, sum(map(len, groups)) - len(groups)
    assert eta == pytest.approx(more * f / (more * f + less), abs=1e-9)
    expected = more * (f - 1) / (more * f + less + 1)
    assert omega == pytest.approx(max(0, expected), abs=1e-9)


@given(st.data(), LEVELS)
def test_shares_are_compared_as_by_others(data, level):
    """Chi-square and Fisher's test are scipy's, Cohen's h and the intervals statsmodels'."""
    sizes = data.draw(st.lists(st.integers(1, 400), min_size=2, max_size=5))
    counts = [data.draw(st.integers(0, size)) for size in sizes]
    test = stats.shares_test(counts, sizes)
    table = [counts, [size - count for count, size in zip(counts, sizes, strict=True)]]
    if sum(counts) in (0, sum(sizes)):
        assert test is stats.cramer(counts, sizes) is None
    else:
        least = round(scipy.contingency.expected_freq(table).min(), 9)
        assert stats.few_expected(counts, sizes) == (least < 5)
        if len(sizes) == 2 and least < 5:
            assert test.p == scipy.fisher_exact(table).pvalue
        else:
            found = scipy.chi2_contingency(table, correction=False)
            assert (test.statistic, test.p) == (found.statistic, found.pvalue)
        v = scipy.contingency.association(np.array(table), method="cramer")
        assert stats.cramer(counts, sizes) == pytest.approx(v, abs=1e-9)
    h, around = stats.shares_effect(counts[:2], sizes[:2], level)
    shares = [count / size for count, size in zip(counts[:2], sizes[:2], strict=True)]
    assert h == pytest.approx(proportion.proportion_effectsize(*shares), abs=1e-12)
    assert around.low <= h <= around.high
    found = proportion.confint_proportions_2indep(
        counts[0], sizes[0], counts[1], sizes[1], method="newcomb", alpha=1 - level
    )
    assert stats.newcombe(counts[:2], sizes[:2], level) == pytest.approx(found)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_many_tests_are_corrected_as_by_others(ps):
    """Holm's correction is statsmodels', never makes p less, and keeps the order."""
    found = stats.holm(ps)
    with mock.patch("gc.collect"):  # statsmodels calls it each time, and it takes seconds here
        others = multitest.multipletests(ps, method="holm")[1].tolist()
    assert found == pytest.approx(others)
    assert all(after >= before for before, after in zip(ps, found, strict=True))


@settings(max_examples=40)
@given(st.floats(2, 1e9) | st.floats(2, 50), st.sampled_from([0.5, 0.8, 0.9]), LEVELS)
def test_what_is_detectable_would_be_detected(size, wanted, level):
    """The power of a test for the least detectable difference is the power asked for."""
    least = stats.detectable_means(size, wanted, level)
    if size < 1e5:
        found = power.TTestIndPower().power(least, size, 1 - level)
        assume(found == found)  # it has holes where two or three are far apart
        assert found == pytest.approx(wanted, abs=1e-5)
    else:
        found = power.NormalIndPower().power(least, size, 1 - level)
        assert found == pytest.approx(wanted, abs=1e-4)
    for share in (0.0, 0.02, 0.5, 0.97):
        rise = stats.detectable_shares(share, size, wanted, level)
        if rise is not None:
            h = proportion.proportion_effectsize(share + rise, share)
            assert power.NormalIndPower().power(h, size, 1 - level) == pytest.approx(
                wanted, abs=1e-6
            )


# -- samples ------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(-(10**6), 10**6), st.integers(1, 9)), min_size=1, max_size=9))
def test_a_sample_is_that_of_the_numbers(pairs):
    """What counts of values sum up to is what the numbers one by one do."""
    values, counts = zip(*pairs, strict=True)
    found = Sample.of([Decimal(value) / 100 for value in values], counts)
    every = np.repeat(np.array(values) / 100, counts)
    assert (found.size, found.total) == (len(every), sum(Decimal(v) * n for v, n in pairs) / 100)
    assert found.mean == pytest.approx(every.mean(), abs=1e-9)
    if len(every) == 1:
        assert found.variance is None
    else:
        assert found.variance == pytest.approx(every.var(ddof=1), rel=1e-9, abs=1e-9)


def test_what_has_no_spread_has_none():
    """One value, however often and however written in binary, has no spread at all."""
    assert Sample.of([0.1], [7]) == Sample(7, pytest.approx(0.7), 0.1, 0.0)
    assert Sample.of([], []) == Sample(0, 0, None, None)
    assert Sample.of([3], [1]).variance is None
    assert Sample.of([float("inf"), 2, Decimal(4)], [1, 1, 1]).mean == 3


def test_what_cannot_be_told_is_none():
    """Nobody, one, and what is the same everywhere have no tests, and nothing warns of it."""
    nobody, one, same, others = of([]), of([1]), of([1, 1]), of([1, 2])
    for left in (nobody, one, same):
        for right in (nobody, one, same):
            assert stats.welch(left, right, 0.95) is None
            assert stats.means_effect(left, right, 0.95) is None
            assert stats.means_test([left, right]) is None
    assert stats.welch(same, others, 0.95) is not None
    assert stats.mean_interval(nobody, 0.95) is None
    assert stats.mean_interval(same, 0.95) == (1, 1)
    assert stats.explained([same, of([1, 1, 1])]) is None
    assert stats.explained([one, nobody]) is None
    assert stats.explained([same, of([2, 2])]) == (1, 1)
    assert stats.wilson(0, 0, 0.95) is None
    assert stats.newcombe((0, 0), (0, 3), 0.95) is None
    assert stats.shares_effect((0, 0), (0, 3), 0.95) is None
    assert stats.shares_test((0, 0), (3, 3)) is None
    assert stats.shares_test((3, 3), (3, 3)) is None
    assert stats.detectable_means(1.5, 0.8, 0.95) is None
    assert stats.detectable_shares(0.9, 3, 0.8, 0.95) is None
    assert stats.holm([]) == []


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, float("nan")])
def test_a_level_is_a_probability(level):
    """What is no probability is refused in words."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        stats.checked(level)


def test_a_missing_extra_is_named(monkeypatch):
    """Without scipy, statistics say what to install."""
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(ImportError, match=r'pip install "segmentkit\[stats\]"'):
        stats.mean_interval(of([1, 2]), 0.95)


def test_analysis_does_not_import_statistics():
    """Only intervals and tests need scipy and statsmodels, so only they load them."""
    program = (
        "import sys, segmentkit.analysis; "
        "sys.exit(bool({'scipy', 'statsmodels'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
