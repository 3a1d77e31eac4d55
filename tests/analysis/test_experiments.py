"""Intervals of experiments must be those that others published, and hold as often as they say."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats as scipy

from segmentkit.analysis._experiments import (
    Effect,
    adjusted,
    people_for,
    ratio_p,
    sample_of,
    visible,
)
from segmentkit.analysis._statistics import Sample
from tests.analysis.test_statistics import SLEEP


def told(mean, deviation, size):
    """A sample of which only this is known."""
    return Sample(size, mean * size, mean, deviation**2)


def summed(total, squares, size):
    """A sample of which sums are known."""
    return Sample(size, total, total / size, (squares - total**2 / size) / (size - 1))


HELD_OUT, TREATED = told(0.41, 3.9, 3407), told(0.7, 6.2, 3461)


def test_the_difference_is_that_of_growthbook():
    """GrowthBook's own test of its two-sided t-test: 0.29, 0.04538 to 0.53462, p = 0.02016."""
    effect = Effect.of(TREATED, HELD_OUT, relative=False)
    assert effect.value == pytest.approx(0.29)
    assert effect.fixed(0.95) == pytest.approx((0.04538, 0.53462), abs=5e-6)
    assert effect.fixed_p() == pytest.approx(0.02016, abs=5e-6)


def test_the_lift_is_that_of_growthbook():
    """GrowthBook's own test of the same as a lift: 0.70732, -0.03526 to 1.44989, p = 0.06191."""
    effect = Effect.of(TREATED, HELD_OUT, relative=True)
    assert effect.value == pytest.approx(0.70732, abs=5e-6)
    assert effect.fixed(0.95) == pytest.approx((-0.03526, 1.44989), abs=5e-6)
    assert effect.fixed_p() == pytest.approx(0.06191, abs=5e-6)


def test_the_sequence_is_that_of_growthbook():
    """GrowthBook's own test of its sequential test, tuned for 1,000: 0.50336, -0.55844 to 1.56516."""
    held_out = summed(1396.87, 52377.9767, 3000)
    treated = summed(2422.7, 134698.29, 3461)
    effect = Effect.of(treated, held_out, relative=True)
    assert effect.value == pytest.approx(0.50336, abs=5e-6)
    assert effect.always(1000, 0.95) == pytest.approx((-0.55844, 1.56516), abs=5e-6)
    assert effect.always_p(1000, 0.95) == 1


def test_welch_is_that_of_r():
    """R's manual: t.test(extra ~ group, data = sleep)."""
    effect = Effect.of(*(sample_of(np.array(each)) for each in SLEEP), relative=False)
    assert effect.df == pytest.approx(17.776, abs=5e-4)
    assert effect.fixed(0.95) == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)
    assert effect.fixed_p() == pytest.approx(0.07939, abs=5e-6)


def test_what_is_visible_is_that_of_r():
    """R's manual: power.t.test(n = 20, delta = 1, sd = 1) has the power 0.8689528.

    That is by Student's t; with a thousand times as many people and a difference that is as much
    smaller, the normal distribution is as good. The hold-outs are those of any table of such.
    """
    many = 20_000
    delta = visible(2 * many, 0.5, 0.9, 0.95)
    free = 2 * many - 2
    power = scipy.nct.sf(scipy.t.isf(0.025, free), free, delta * sqrt(many / 2))
    assert power == pytest.approx(0.9, abs=1e-4)
    shares = {0.05: 0.129, 0.1: 0.093, 0.2: 0.070, 0.5: 0.056}
    for share, least in shares.items():
        assert visible(10_000, share, 0.8, 0.95) == pytest.approx(least, abs=5e-4)
        assert people_for(visible(10_000, share, 0.8, 0.95), share, 0.8, 0.95) == pytest.approx(1e4)
    assert visible(10, 0.1, 0.8, 0.95) is None


def test_p_is_where_the_interval_ends():
    """An always-valid p is the level at whose interval zero just lies, with the same mixture."""
    effect = Effect(0.2, 0.004, 1000.0, 1500)
    p = effect.always_p(1200, 0.95)
    spread = 1500 * (2 * np.log(20) + np.log(1 + 2 * np.log(20))) / 1200
    half = sqrt(0.004 * 1500) * sqrt(
        2 * (spread + 1) * np.log(sqrt(spread + 1) / p) / spread / 1500
    )
    assert half == pytest.approx(0.2)
    low, _ = effect.always(1200, 0.95)
    assert (p < 0.05) == (low > 0)


def test_looking_often_does_not_alarm():
    """Of tests without an effect, thirty looks alarm in hardly any; fixed intervals in many."""
    chance = np.random.default_rng(7)
    runs, looks = 300, np.linspace(100, 3000, 30).astype(int)
    alarms = {"fixed": 0, "always": 0}
    for _ in range(runs):
        values = chance.lognormal(0, 1, 3000)
        held = chance.random(3000) < 0.2
        found = [
            Effect.of(
                sample_of(values[:n][~held[:n]]), sample_of(values[:n][held[:n]]), relative=False
            )
            for n in looks
        ]
        alarms["fixed"] += any(not e.fixed(0.95).low <= 0 <= e.fixed(0.95).high for e in found)
        alarms["always"] += any(e.always_p(3000, 0.95) < 0.05 for e in found)
    assert alarms["always"] <= 0.05 * runs
    assert alarms["fixed"] >= 0.15 * runs


def test_what_was_before_narrows_the_interval_and_moves_nothing():
    """The slope is that of a regression, and the mean of both arms together stays."""
    chance = np.random.default_rng(3)
    before = chance.normal(10, 3, 4000)
    values = 2 + 0.7 * before + chance.normal(0, 2, 4000)
    found, slope = adjusted(values, before)
    assert slope == pytest.approx(np.polyfit(before, values, 1)[0])
    assert found.mean() == pytest.approx(values.mean())
    narrower = found.std() / values.std()
    assert narrower == pytest.approx(sqrt(1 - np.corrcoef(before, values)[0, 1] ** 2), rel=1e-3)
    # Who was not known before takes part as anybody.
    before[:500] = np.nan
    again, _ = adjusted(values, before)
    assert again[:500] == pytest.approx(values[:500])
    same, slope = adjusted(values, np.ones(4000))
    assert slope == 0
    assert (same == values).all()


def test_intervals_hold_as_often_as_they_say():
    """Of skewed values, adjusted by what was before, 95 of 100 intervals have the effect."""
    chance = np.random.default_rng(11)
    covered, ratios = 0, []
    for _ in range(400):
        before = chance.lognormal(0, 0.8, 2000)
        held = chance.random(2000) < 0.3
        values = before * chance.lognormal(0, 0.5, 2000) + np.where(held, 0, 0.2)
        found, _ = adjusted(values, before)
        effect = Effect.of(sample_of(found[~held]), sample_of(found[held]), relative=False)
        low, high = effect.fixed(0.95)
        covered += low <= 0.2 <= high
        plain = Effect.of(sample_of(values[~held]), sample_of(values[held]), relative=False)
        ratios.append(effect.error / plain.error)
    assert covered / 400 == pytest.approx(0.95, abs=0.03)
    assert np.mean(ratios) < 0.85


@pytest.mark.parametrize(
    ("held", "treated", "share", "p"),
    [(100, 900, 0.1, 1.0), (50, 950, 0.1, 1.4e-7), (15, 85, 0.1, 0.0956), (0, 0, 0.1, None)],
)
def test_sizes_of_arms_are_tested(held, treated, share, p):
    """Against the share that was planned: 5² / 10 + 5² / 90 = 2.78 of one degree of freedom."""
    found = ratio_p(held, treated, share)
    assert found == (None if p is None else pytest.approx(p, rel=0.05))


def test_of_too_few_there_is_no_effect():
    """Of one person, of nobody, of values without any spread, and of a share of nothing."""
    some, one = sample_of(np.array([1.0, 2.0])), sample_of(np.array([1.0]))
    nobody, same = sample_of(np.array([])), sample_of(np.array([3.0, 3.0]))
    for other in (one, nobody):
        assert Effect.of(some, other, relative=False) is None
        assert Effect.of(other, some, relative=False) is None
    assert Effect.of(same, same, relative=False) is None
    assert Effect.of(some, same, relative=False).df == 1
    zero = sample_of(np.array([-1.0, 1.0]))
    assert Effect.of(some, zero, relative=True) is None
