"""Verdicts on a segment must follow from numbers that can be computed elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import proportion_effectsize

from segmentkit import (
    FLOAT,
    INTEGER,
    TIMESTAMP,
    Attribute,
    DataError,
    Entity,
    Relation,
    Schema,
    SchemaError,
    Segment,
    Trait,
)
from segmentkit import pandas as skp
from segmentkit.analysis import QUESTIONS, Standard, assess
from tests.analysis.frames import EMPTY, NOON, SHOP, SOURCES, segment
from tests.analysis.test_compare import HALVES, MONEY, purse
from tests.analysis.test_understanding import shown

SPENT = Trait.define("spent", "sum(orders.amount)", SHOP)
PEOPLE = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("held", INTEGER),
                Attribute("height", FLOAT, nullable=True),
            ],
            relations=[Relation("visits", key="person", at="at")],
        ),
        Entity("visits", attributes=[Attribute("at", TIMESTAMP)]),
    ]
)
HEIGHT = Trait.define("tall", "height", PEOPLE)
HELD = Segment.define("held", "held = 1", PEOPLE)
NO_VISITS = pd.DataFrame({"person": np.array([], int), "at": pd.to_datetime([])})


def crowd(members, others, visits=NO_VISITS):
    """A population of members and others, with their heights."""
    heights = np.array([*members, *others], float)
    held = [1] * len(members) + [0] * len(others)
    frame = pd.DataFrame({"id": range(len(held)), "held": held, "height": heights})
    return skp.Source({"people": frame, "visits": visits})


@pytest.fixture(params=list(SOURCES))
def kind(request):
    """What kind of source is asked."""
    return request.param


def drawn(mean, deviation, size, seed=1):
    """Numbers drawn by chance."""
    return np.random.default_rng(seed).normal(mean, deviation, size)


def test_large_enough_is_what_a_test_would_show():
    """The least effect is that for which statsmodels says that half beside half has the power."""
    tall = drawn(180, 7, 200)
    found = assess(HELD, crowd(tall, drawn(170, 7, 300)), metric=HEIGHT, as_of=NOON)
    numbers = found["large enough"].numbers
    d = TTestIndPower().solve_power(nobs1=100, alpha=0.05, power=0.8, ratio=1)
    assert numbers["effect that would show"] == pytest.approx(d * tall.std(ddof=1), rel=1e-5)
    assert numbers["effect asked for"] == pytest.approx(0.2 * tall.std(ddof=1))
    assert found["large enough"].holds is False
    least = NormalIndPower().solve_power(effect_size=0.2, alpha=0.05, power=0.8, ratio=1)
    assert numbers["members needed"] == pytest.approx(2 * least, abs=1)
    asked = assess(HELD, crowd(tall, []), metric=HEIGHT, standard=Standard(effect=4), as_of=NOON)
    assert asked["large enough"].holds is True
    assert "4 matters" in shown(asked)


def test_a_rate_is_large_enough_by_its_own_scale():
    """Of a rate the effect is so many points, by statsmodels' power for Cohen's h."""
    source = crowd([1.9] * 40 + [1.7] * 360, [1.7] * 50)
    tall = Segment.define("tall", "height > 1.8", PEOPLE)
    found = assess(HELD, source, metric=tall, as_of=NOON)
    numbers = found["large enough"].numbers
    h = proportion_effectsize(0.1 + numbers["effect that would show"], 0.1)
    assert NormalIndPower().power(h, 200, 0.05) == pytest.approx(0.8, abs=1e-6)
    assert proportion_effectsize(0.1 + numbers["effect asked for"], 0.1) == pytest.approx(0.2)
    assert "pp in 80% of tests" in shown(found)
    assert (found.total, found.part) == (40, 1)
    # Nine of ten may sink by as much as one of ten may rise.
    other = assess(HELD, source, metric=~tall, as_of=NOON)
    assert other["large enough"].numbers == pytest.approx(numbers)
    wide = assess(HELD, source, metric=tall, standard=Standard(effect=0.95), as_of=NOON)
    assert wide["large enough"].holds is None
    assert "a rate cannot change by 95.0 pp" in shown(wide)


def test_homogeneous_is_less_spread_than_everyone():
    """The verdict compares deviations; eta² is the share of the variance between the groups."""
    members, others = drawn(180, 2, 100), drawn(165, 9, 200)
    found = assess(HELD, crowd(members, others), metric=HEIGHT, as_of=NOON)
    everyone = np.array([*members, *others])
    numbers = found["homogeneous"].numbers
    assert numbers["deviation within"] == pytest.approx(members.std(ddof=1))
    assert numbers["deviation of all"] == pytest.approx(everyone.std(ddof=1))
    f = scipy.f_oneway(members, others).statistic
    assert numbers["eta²"] == pytest.approx(f / (f + len(everyone) - 2))
    assert found["homogeneous"].holds is True
    turned = assess(HELD, crowd(drawn(180, 9, 200), members), metric=HEIGHT, as_of=NOON)
    assert turned["homogeneous"].holds is False
    shown(turned)


def test_different_is_more_than_chance_and_more_than_little():
    """What differs for certain but hardly at all does not count as different."""
    far = assess(HELD, crowd(drawn(180, 7, 50), drawn(170, 7, 50, 2)), metric=HEIGHT, as_of=NOON)
    assert far["different"].holds is True
    test = scipy.ttest_ind(drawn(180, 7, 50), drawn(170, 7, 50, 2), equal_var=False)
    assert far["different"].numbers["p"] == pytest.approx(test.pvalue)
    near = assess(HELD, crowd(np.arange(9000) + 300, np.arange(9000)), metric=HEIGHT, as_of=NOON)
    assert near["different"].holds is False
    assert "hardly any difference" in shown(near)
    alike = assess(HELD, crowd(drawn(180, 7, 50), drawn(180, 7, 50)), metric=HEIGHT, as_of=NOON)
    assert alike["different"].holds is False
    total = assess(HELD, crowd([2, 2, 2], [1, 1]), metric=HEIGHT, as_of=NOON)
    assert total["different"].holds is True
    assert "2 beside 1, without exception" in shown(total)


def test_stable_is_size_and_members():
    """Sizes at the last instants, and who was in it both times, are those of the events."""
    instants = [NOON - timedelta(days=days) for days in (1, 2, 31, 32, 45, 62, 65)]
    people = [0, 1, 0, 2, 3, 1, 0]
    visits = pd.DataFrame({"person": people, "at": pd.to_datetime(instants).tz_localize(None)})
    recent = Segment.define("recent", "any(visits in last 30 days)", PEOPLE)
    source = crowd([1, 2], [3, 4], visits)
    standard = Standard(periods=2)
    found = assess(recent, source, metric=HEIGHT, standard=standard, as_of=NOON)
    assert found.sizes == {
        NOON - timedelta(days=60): 2,
        NOON - timedelta(days=30): 3,
        NOON: 2,
    }
    numbers = found["stable"].numbers
    assert numbers["jaccard"] == 1 / 4
    assert numbers["drift"] == pytest.approx((3 - 7 / 3) / (7 / 3))
    assert found["stable"].holds is False
    lax = Standard(periods=2, alike=0.2, drift=0.5)
    assert assess(recent, source, metric=HEIGHT, standard=lax, as_of=NOON)["stable"].holds
    shown(found)


def test_what_cannot_move_is_said_to_be_so(kind):
    """A definition of attributes alone is stable as far as anybody can know."""
    found = assess(segment('country = "DK"'), SOURCES[kind], metric=SPENT, as_of=NOON)
    assert found["stable"].holds is True
    assert "attributes are known only as they are now" in shown(found)
    assert (found.total, found.part) == (100, pytest.approx(100 / 280))
    assert "100 of spent (35.7% of all)" in str(found)


def test_the_odd_has_words(kind):
    """Nobody, one, everyone, and what is the same or missing everywhere are told of."""
    source = SOURCES[kind]
    nobody = assess(segment("id > 100"), source, metric=SPENT, as_of=NOON)
    assert "nobody is a member" in shown(nobody)
    assert [verdict.holds for verdict in nobody.verdicts] == [None] * 4
    assert "nobody is a member" in shown(assess(DANE, EMPTY[kind], metric=SPENT, as_of=NOON))
    one = assess(segment("id = 2"), source, metric=SPENT, as_of=NOON)
    assert one["large enough"].holds is False
    assert one["homogeneous"].holds is one["different"].holds is None
    shown(one)
    everyone = assess(segment("true"), source, metric=SPENT, as_of=NOON)
    assert everyone["homogeneous"].holds is everyone["different"].holds is None
    assert "nobody else" in shown(everyone)
    same = assess(DANE, source, metric=Trait.define("one", "id - id + 1", SHOP), as_of=NOON)
    assert same["homogeneous"].holds is None
    assert same["different"].holds is False
    shown(same)
    unknown = assess(segment("id >= 5"), source, metric=Trait.define("of", "age", SHOP), as_of=NOON)
    assert "missing of every member" in shown(unknown)
    for rate in ("true", "false"):
        found = assess(DANE, source, metric=segment(rate), as_of=NOON)
        assert found["different"].holds is False
        shown(found)
    shown(assess(DANE, source, metric=Trait.define("since", "joined", SHOP), as_of=NOON))
    shown(assess(DANE, source, metric=SPENT, base=segment("id > 3").named("late"), as_of=NOON))
    shown(assess(DANE, source, metric=SPENT, base=DANE, as_of=NOON))


DANE = segment('country = "DK"')


def test_the_frame_has_the_numbers(kind):
    """One row a number, with the question and the verdict."""
    found = assess(DANE, SOURCES[kind], metric=SPENT, as_of=NOON)
    assert set(found.frame["question"]) <= set(QUESTIONS)
    assert found.frame["value"].notna().all()
    assert [verdict.question for verdict in found.verdicts] == list(QUESTIONS)
    with pytest.raises(KeyError, match="the questions are large enough"):
        found["big"]


def test_what_makes_no_sense_is_refused(kind):
    """Mistakes in what is asked are errors in words."""
    for wrong, words in [
        ({"effect": 0}, "greater than 0"),
        ({"power": 80}, "power must be between 0 and 1"),
        ({"power": 0.01}, "more than 1 - level"),
        ({"level": 2}, "level must be between"),
        ({"periods": 0}, "at least one period"),
        ({"every": timedelta(0)}, "longer than zero"),
    ]:
        with pytest.raises(ValueError, match=words):
            Standard(**wrong)
    with pytest.raises(SchemaError, match="is text"):
        assess(DANE, SOURCES[kind], metric=Trait.define("land", "country", SHOP))
    with pytest.raises(SchemaError, match="different schemas"):
        assess(DANE, SOURCES[kind], metric=SPENT, base=HELD)
    with pytest.raises(SchemaError, match="another schema"):
        assess(DANE, SOURCES[kind], metric=HEIGHT)


def test_amounts_of_several_currencies_are_refused():
    """A purchasing power in crowns and euros is none."""
    spent = Trait.define("spent", "sum(orders.amount)", MONEY)
    source = purse((1, "EUR"), (2, "DKK"))
    with pytest.raises(DataError, match="several units"):
        assess(HALVES["one"], source, metric=spent, as_of=NOON)
    assert assess(HALVES["one"], source, metric=spent, mixed=True, as_of=NOON).total == Decimal(5)


@settings(max_examples=40, deadline=None)
@given(*[st.lists(st.none() | st.floats(-1e6, 1e6), max_size=7)] * 2)
def test_anything_can_be_assessed(members, others):
    """Whatever the numbers, there are four verdicts, and no warning and no NaN."""
    source = crowd(*([np.nan if v is None else v for v in group] for group in (members, others)))
    for metric in (HEIGHT, Segment.define("tall", "height > 1", PEOPLE)):
        found = assess(HELD, source, metric=metric, as_of=datetime(2026, 5, 1, tzinfo=UTC))
        text = str(found) + found._repr_html_()
        assert "nan" not in text.lower()
        assert len(found.verdicts) == 4
        assert found.frame["value"].notna().all()
