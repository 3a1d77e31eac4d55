"""What must be true of rules that are found: they say what they say, of whom they say it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from sklearn import datasets

from segmentkit import (
    TEXTS,
    TIMESTAMP,
    Attribute,
    Catalog,
    DataError,
    DefinitionError,
    Document,
    Entity,
    Link,
    Partition,
    Schema,
    SchemaError,
    Segment,
    Trait,
)
from segmentkit import pandas as skp
from segmentkit.analysis import Estimate, discover
from segmentkit.analysis._discovery import sklearn_models as models
from segmentkit.analysis._discovery.estimates import estimate
from segmentkit.analysis._discovery.thresholds import between_numbers, between_times
from segmentkit.dtypes import INTEGER
from tests.analysis.frames import EMPTY, SHOP
from tests.analysis.people import FRAMES, NOON, PEOPLE, SOURCES, people
from tests.analysis.test_understanding import shown

SPENT = Trait.define("spent", "sum(orders.amount)", PEOPLE)
OF = [
    *("age", "score", "money", "vip", "city", "born", "seen", "mail"),
    *("last(orders.at)", "count(orders)", SPENT),
]


@pytest.fixture(params=list(SOURCES))
def kind(request):
    """What kind of source is asked."""
    return request.param


@pytest.fixture
def source(kind):
    """The people."""
    return SOURCES[kind]


def of_frame(columns, target, types=None, **arguments):
    """What is found of a frame's rows; a text that begins with @ is a value."""
    frame = pd.DataFrame(columns)
    if "id" not in frame:
        frame.insert(0, "id", range(len(frame)))
    schema = skp.schema_from(frame, "rows", keys={"rows": "id"}, types={"rows": types or {}})
    source = skp.Source(frame)
    asked = (
        Trait.define("what", target[1:], schema)
        if target.startswith("@")
        else Segment.define("target", target, schema)
    )
    found = discover(asked, source, as_of=NOON, **arguments)
    shown(found)
    check(found, source)
    return found


def check(found, source):
    """The definitions hold of as many as is said, and of everyone who was asked about once."""
    for name, segment in found.segments.items():
        again = Segment.define(name, segment.definition, segment.schema, traits=segment.traits)
        assert again == segment
        assert again.definition == segment.definition
    if found.rules:
        members = source.evaluate(found.segments, as_of=found.as_of).frame
        assert all(r.size == r.found.count for r in found.rules)
        held = found.held_out.count if found.held_out else 0
        unknown = found.population - found.base.count - held  # whose target is missing
        told = [r.size + (r.held_out.count if r.held_out else 0) for r in found.rules]
        beyond = members.sum().to_numpy() - told
        assert (beyond >= 0).all()
        assert beyond.sum() == unknown
        assert members.to_numpy().sum(axis=1).max() == 1
        assert members.to_numpy().sum() == found.population


# -- what rules say -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "rules"),
    [
        ("vip", ["vip", "not vip"]),
        ("not vip", ["not vip", "vip"]),
        ("vip = false", ["vip = false", "vip or vip is missing"]),
        ("vip is missing", ["vip is missing", "vip is present"]),
        ("money is missing", ["money is missing", "money is present"]),
        ("city is present", ["city is present", "city is missing"]),
        ('city = "Lviv"', ['city = "Lviv"', 'city != "Lviv"']),
        (
            'city in ("", "Kyiv") or city is missing',
            ['city in ("", "Kyiv") or city is missing', 'city not in ("", "Kyiv") and city is present'],
        ),
        ("age >= 40", ["age >= 40", "age < 40 or age is missing"]),
        ("not age < 40", ["age >= 40 or age is missing", "age < 40"]),
        (
            "vip and age < 40",
            ["age < 40 and vip", "age >= 40 or age is missing", "age < 40 and not vip"],
        ),
        ("score > 5", ["score >= 5", "score < 5 or score is missing"]),
        ("born < 1990-01-01", ["born < 1990-01-01", "born >= 1990-01-01 or born is missing"]),
        ("not (born < 1990-01-01)", ["born >= 1990-01-01 or born is missing", "born < 1990-01-01"]),
        (
            "seen in last 30 days",
            ["seen >= 1 month ago", "seen < 1 month ago or seen is missing"],
        ),
        ("count(orders) >= 3", ["count(orders) >= 3", "count(orders) < 3"]),
    ],
)  # fmt: skip
def test_what_is_there_is_found(source, target, rules):
    """A definition made of what is looked at is found again, missing people on the right side."""
    found = discover(people(target), source, of=OF, as_of=NOON, holdout=0)
    assert {rule.condition for rule in found.rules} == set(rules)
    check(found, source)
    assert found.rules[0].condition == rules[0]
    assert [rule.found.value for rule in found.rules] == [1.0] + [0.0] * (len(rules) - 1)
    assert found.rules[0].lift == pytest.approx(1 / found.base.value)


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("among", [None, "age >= 18", 'city != "Lviv" or vip'])
@pytest.mark.parametrize(
    "target",
    [
        'city in ("Kyiv", "") and age > 40 or money > 500',
        "vip or age is missing or seen in last 10 days",
        "not (score < 0) and (vip = false or born < 1990-01-01)",
        'not (city contains "o") and money is present',
        "last(orders.at) in last 30 days and not (score >= 1)",
        "id < 300 or sum(orders.amount) > 100",
        "score > 5 or money < 0",
    ],
)
def test_rules_hold_of_whom_they_say(target, among, depth):
    """Whatever is found, on each source the definitions part everyone, and so many in each."""
    asked = None if among is None else Segment.define("asked", among, PEOPLE)
    told = set()
    for source in SOURCES.values():
        found = discover(
            people(target), source, of=OF, among=asked, as_of=NOON, depth=depth, least=8
        )
        assert found.rules
        check(found, source)
        told.add(str(found))
    assert len(told) == 1


def test_the_cuts_of_a_path_are_one_condition(source):
    """Of several bounds only the tightest are said, and values that were excluded once."""
    age = Trait.define("years", "age", PEOPLE)
    found = discover(age, source, of=["age", "city"], as_of=NOON, depth=5, least=10, holdout=0)
    check(found, source)
    assert len(found.rules) > 8
    for rule in found.rules:
        assert rule.condition.count("age >=") <= 1
        assert rule.condition.count("age <") <= 1
    assert found.rules[0].found.value > found.rules[-1].found.value


def test_numbers_have_means(source):
    """Of a number the mean is told, and who has none is left out of it but not of the sizes."""
    rate = Trait.define("rate", "money / 1", PEOPLE)
    found = discover(rate, source, of=["money"], as_of=NOON, depth=1)
    check(found, source)
    missing = int(FRAMES["people"]["money"].isna().sum())
    assert f"left out: {missing} of whom rate is missing" in found.notes
    assert sum(rule.size for rule in found.rules) == found.base.count
    known = [rule.found.count + rule.held_out.count for rule in found.rules]
    assert sum(known) == len(FRAMES["people"]) - missing
    high, low = found.rules
    column = source.values(
        [rate], of=high.segment & people("rate is present", traits=[rate]), as_of=NOON
    )
    everyone = column["rate"].astype(float)
    both = high.found.value * high.found.count + high.held_out.value * high.held_out.count
    assert everyone.mean() == pytest.approx(both / len(everyone))
    assert high.found.value > found.base.value > low.found.value


def test_who_was_asked_about_is_a_part_of_the_rules(source):
    """Definitions stand alone: they say among whom they were found."""
    adults = Segment.define("adults", "age >= 18", PEOPLE)
    found = discover(people("vip"), source, of=["vip"], among=adults, as_of=NOON)
    assert found.rules[0].condition == "vip"
    assert found.rules[0].segment.definition == "age >= 18 and vip"
    assert found.population == source.count(adults, as_of=NOON)


def test_rules_go_into_catalogs_and_partitions(source):
    """The segments have names, and what a trait is called stands in their definitions."""
    found = discover(people("sum(orders.amount) > 90"), source, of=[SPENT], as_of=NOON)
    assert list(found.segments) == ["target 1", "target 2"]
    assert found.rules[0].segment.definition.startswith("spent >= ")
    catalog = Catalog(found.segments, traits={"spent": SPENT})
    assert catalog["target 1"] == found.rules[0].segment
    parts = Partition.define("found", found.segments, rest="nobody")
    labels = skp.labels(parts, FRAMES, as_of=NOON).value_counts()
    told = {r.segment.name: r.size + r.held_out.count for r in found.rules}
    assert labels.to_dict() == {**told, "nobody": 0}


# -- bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1.9, 3.0, "2"), (40, 41, "41"), (17, 25, "20"), (1234, 1310, "1300"), (-5, 3, "0"),
        (-3, -2, "-2"), (0.3, 0.1 + 0.2, "0.30000000000000002"), (2**53, 2**53 + 1, "9007199254740993"),
        (Decimal("1.25"), Decimal("1.26"), "1.26"), (Decimal(0), Decimal("0.01"), "0.01"),
        (-float("inf"), float("inf"), "0"), (3.5, float("inf"), "5"), (-float("inf"), -3.5, "-5"),
        (99, 1001, "1000"), (95, 105, "100"), (0.0, 1e-300, None), (1e300, 2e300, None),
    ],
)  # fmt: skip
def test_bounds_are_round(low, high, text):
    """A bound has the fewest digits that lie above the one value and not above the other."""
    kind = float if isinstance(low, float) else Decimal
    found = between_numbers(kind)(low, high)
    assert (None if found is None else found.text) == text


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_bounds_part_numbers(one, other):
    """Whatever the numbers, a bound lies between them and can be written."""
    low, high = sorted([one, other])
    assume(low < high)
    found = between_numbers(float)(low, high)
    if found is not None:
        assert low < float(found.text) <= high
        assert low < found.value <= high


TIMED = Schema(
    [Entity("rows", key="id", attributes=[Attribute("id", INTEGER), Attribute("at", TIMESTAMP)])],
    time_zone="America/New_York",
)
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))


@given(INSTANTS, INSTANTS, INSTANTS)
def test_bounds_part_times(one, other, as_of):
    """A bound of times means in the language what it was chosen for, at any instant."""
    low, high = sorted([one, other])
    assume(low < high)
    found = between_times(as_of, ZoneInfo("America/New_York"))(low, high)
    assert low < found.value <= high
    later = Segment.define(None, f"at >= {found.text}", TIMED)
    answers = [
        later.matches({"id": 1, "at": at}, as_of=as_of.replace(tzinfo=UTC))
        for at in (found.value, found.value - timedelta(microseconds=1), high, low)
    ]
    assert answers == [True, False, True, False]


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        ("2024-02-01", "2024-06-01", "2 years ago"),
        ("2026-01-15", "2026-02-10", "3 months ago"),
        ("2026-04-09", "2026-04-12", "20 days ago"),
        ("2026-05-01T11:00", "2026-05-01T12:30", "now"),
        ("2026-05-01T12:00", "2026-05-02T11:00", "12 hours from now"),
        ("1989-12-03", "1990-01-09", "1990-01-01"),
        ("1989-12-03", "1989-12-04", "1989-12-04"),
        ("2026-05-01T11:59:59.5", "2026-05-01T11:59:59.6", "2026-05-01T11:59:59.600000Z"),
    ],
)
def test_bounds_of_times_are_round(low, high, text):
    """Times are parted so long ago in large units, and far ones where a year or a month begins."""
    between = between_times(NOON.replace(tzinfo=None), UTC)
    assert between(datetime.fromisoformat(low), datetime.fromisoformat(high)).text == text


# -- how sure it is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_rates_have_the_published_intervals(hits, count, low, high):
    """Wilson's intervals are those of Newcombe, Statistics in Medicine 17 (1998), 857-872."""
    found = estimate(rate(hits, count), 0.95, rate=True)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def rate(hits, count):
    """So many ones and zeros."""
    return np.repeat([1.0, 0.0], [hits, count - hits])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [((56, 70), (48, 80), False), ((9, 10), (3, 10), False), ((6, 7), (2, 7), False), ((5, 56), (0, 29), True)],
)  # fmt: skip
def test_differences_have_the_published_intervals(one, other, same):
    """Zero is where the intervals of the same author, page 873, method 10, have it."""
    found, held = (estimate(rate(*each), 0.95, rate=True) for each in (one, other))
    assert found.agrees(held) is held.agrees(found) is same


def test_means_have_intervals():
    """The interval of a mean is Student's, as SciPy has it."""
    values = np.random.default_rng(1).exponential(size=30)
    found = estimate(values, 0.9, rate=False)
    known = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((known.low, known.high))
    assert estimate(values[:1], 0.9, rate=False) == Estimate(1, values[0], None, None)
    assert estimate(values[:0], 0.9, rate=False) == Estimate(0, None, None, None)


def test_chance_is_counted():
    """Two of two against none of two are a third by chance, and a mean no less than its ways."""
    assert models.chance_of_rates(4, 2, 2, 2) == pytest.approx(1 / 3)
    assert models.chance_of_means(np.array([1.0, 1]), np.array([2.0, 2])) == pytest.approx(1 / 6)
    one, other = np.random.default_rng(2).normal(size=(2, 20))
    known = stats.mannwhitneyu(one, other).pvalue
    assert models.chance_of_means(one, other) == pytest.approx(known, rel=0.05)
    assert models.chance_of_means(np.exp(9 * one), np.exp(9 * other)) == pytest.approx(
        known, rel=0.05
    )


@pytest.mark.parametrize("what", ["k = 1", "x"])
def test_noise_has_no_rules(what):
    """Where there is nothing to find, what is found by chance is not told, but for few times."""
    told = 0
    for seed in range(30):
        draw = np.random.default_rng(seed)
        columns = {f"a{n}": draw.normal(size=200) for n in range(6)}
        frame = pd.DataFrame(
            {
                "id": range(200),
                "k": draw.integers(0, 2, 200),
                "x": draw.exponential(size=200),
                "city": draw.choice(list("abcdef"), 200),
                **columns,
            }
        )
        schema = skp.schema_from(frame, "rows", keys={"rows": "id"})
        target = (
            Trait.define("value", "x", schema)
            if what == "x"
            else Segment.define(None, what, schema)
        )
        found = discover(target, skp.Source(frame), of=[*columns, "city"])
        told += bool(found.rules)
        if not found.rules:
            assert found.notes[0] == "nothing that was looked at tells more than chance would"
    assert told <= 3


def test_a_rule_that_does_not_hold_of_others_is_told():
    """What is so of those that rules were found on, and not of the others, is said in words."""
    frame = {"id": range(400), "x": np.arange(400) % 40}
    found = of_frame(frame, "x >= 20", of=["x"])
    held = found.rules[0].held_out.count
    assert (held, found.rules[0].agrees) == (
        found.held_out.count - found.rules[1].held_out.count,
        True,
    )
    sample = skp.members(
        Segment.define(None, 'sample(30%, "discover 0")', found.rules[0].segment.schema),
        pd.DataFrame(frame),
    )
    assert len(sample) == found.held_out.count
    luck = np.where(
        np.isin(range(400), sample), (np.arange(400) // 40) % 2, np.arange(400) % 40 >= 20
    )
    found = of_frame({**frame, "k": luck.astype(int)}, "k = 1", of=["x"])
    assert [rule.agrees for rule in found.rules] == [False, False]
    assert "0 of 2 rules agree with those held out, within what chance allows" in found.notes
    assert found.notes[1].startswith("rule 1 differs: ")


def test_the_same_seed_finds_the_same():
    """Rules depend on the seed and the data, not on the order of rows."""
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in FRAMES.items()}
    target = people("id < 400 or vip")
    one = discover(target, SOURCES["pandas"], of=OF, as_of=NOON)
    other = discover(target, skp.Source(shuffled), of=OF, as_of=NOON)
    assert str(one) == str(other)
    assert str(one) != str(discover(target, SOURCES["pandas"], of=OF, as_of=NOON, seed=1))


# -- data of others -----------------------------------------------------------------------------


def of_bundle(bundle):
    """A bundle of scikit-learn as a frame, its classes by name."""
    frame = bundle.frame.rename(columns=lambda c: c.replace(" (cm)", "").replace(" ", "_"))
    names = np.array([str(name) for name in bundle.target_names])
    return frame.drop(columns="target").assign(kind=names[bundle.target.to_numpy()])


def test_iris_is_told_apart():
    """Setosa has the short petals that everybody finds, and virginica the wide ones."""
    frame = of_bundle(datasets.load_iris(as_frame=True))
    measures = [name for name in frame if name != "kind"]
    for measure, low, high in (("petal_length", 1.9, 3.0), ("petal_width", 0.6, 1.0)):
        found = of_frame(frame, 'kind = "setosa"', of=[measure])
        test, _, bound = found.rules[0].condition.rpartition(" ")
        assert test == f"{measure} <"
        assert low < float(bound) <= high
        setosa = found.rules[0]
        assert setosa.size + setosa.held_out.count == 50
        assert (setosa.found.value, setosa.agrees) == (1, True)
    found = of_frame(frame, 'kind = "virginica"', of=measures)
    assert found.rules[0].condition.startswith(("petal_width >= 1.", "petal_length >= "))
    assert found.rules[0].held_out.value > 0.8


@pytest.mark.parametrize(
    ("load", "kind"), [(datasets.load_wine, "class_0"), (datasets.load_breast_cancer, "malignant")]
)
def test_what_others_measured_is_told_apart(load, kind):
    """On bundled data, the rules say of nine in ten held out what they are."""
    frame = of_bundle(load(as_frame=True))
    measures = [name for name in frame if name != "kind"]
    found = of_frame(frame, f'kind = "{kind}"', of=measures)
    right = sum(
        rule.held_out.count * max(rule.held_out.value, 1 - rule.held_out.value)
        for rule in found.rules
        if rule.held_out.count
    )
    assert right / found.held_out.count > 0.9


# -- little, or odd -----------------------------------------------------------------------------

N = 200
ODD = np.arange(N) % 2


@pytest.mark.parametrize(
    ("columns", "target", "note"),
    [
        ({"x": range(N)}, "false", "nobody of the 140 that rules could be found on is in it"),
        ({"x": range(N)}, "true", "everybody of the 140 that rules could be found on is in it"),
        ({"x": range(N)}, "id = 17", "nothing that was looked at"),
        ({"x": [5.0] * N}, "id > 50", "x is the same of everyone"),
        ({"x": [np.nan] * N}, "id > 50", "x is missing of everyone"),
        ({"x": [f"name {n}" for n in range(N)]}, "id > 50", "x has no frequent value"),
        ({"x": ODD}, "@y", "it is the same of all 140 that rules could be found on"),
        ({"x": ODD}, "@z", "left out: 10 of whom what is infinite or beyond 1e+150"),
        ({"x": ODD}, "@w", "left out: 200 of whom what is missing"),
        ({"x": np.where(ODD, 1e300, 2e300)}, "x > 1", "everybody of the 140"),
        ({"x": np.where(ODD, 1e300, 2e300), "k": ODD}, "k = 1", "nothing that was looked at"),
    ],
)
def test_where_there_is_nothing_to_find_it_is_said(columns, target, note):
    """A target of nobody or everybody, and what is all alike, has words and no rules."""
    others = {
        "y": [4.5] * N,
        "z": np.where(np.arange(N) % 20, 1.5, np.inf),
        "w": pd.array([None] * N, dtype="Float64"),
    }
    found = of_frame({**columns, **others}, target, of=["x"])
    assert not found.rules
    assert found.segments == {}
    assert any(note in told for told in found.notes)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 8])
def test_few_people_are_no_trouble(size):
    """Of nobody, of one and of a few there are words, whatever the target."""
    columns = {"x": pd.Series(range(size), dtype="Int64"), "y": pd.Series(range(size), dtype=float)}
    for target in ("x >= 1", "x = 0", "@y"):
        for holdout in (0, 0.3, 0.9):
            found = of_frame(columns, target, of=["x", "y"], holdout=holdout)
            assert found.population == size
            assert found.rules or found.notes


def test_nobody_is_no_trouble():
    """An empty database has words, too."""
    for source in EMPTY.values():
        found = discover(Segment.define(None, "age > 3", SHOP), source, as_of=NOON)
        assert found.notes[0] == "there is nobody to ask about"
        shown(found)


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        ({"x": np.where(ODD, np.inf, -np.inf)}, "x >= 0"),
        ({"x": np.where(ODD, np.inf, 3.5)}, "x >= 5"),
        ({"x": np.where(ODD, 0.1 + 0.2, 0.3)}, "x >= 0.30000000000000002"),
        ({"x": np.where(ODD, 2**53 + 1, 2**53)}, "x >= 9007199254740993"),
        ({"x": [datetime(2026, 1, 1, microsecond=n) for n in ODD]}, "x >= 2026-01-01T00:00:00.000001Z"),
        ({"x": [datetime(2100, 1, 1, n) for n in ODD]}, "x >= 2100-01-01T01:00Z"),
        ({"x": [["no", "yes"][n] for n in ODD]}, 'x != "no"'),
        ({"x": [[None, "yes"][n] for n in ODD]}, "x is present"),
        ({"x": [["", "a\nb"][n] for n in ODD]}, 'x != ""'),
    ],
)  # fmt: skip
def test_values_that_are_hard_to_part(columns, first):
    """Infinite numbers, numbers and times that are close, and odd texts are parted exactly."""
    found = of_frame({**columns, "k": ODD}, "k = 1", of=["x"])
    assert found.rules[0].condition == first
    assert found.rules[0].found.value == 1


def test_the_target_may_be_looked_at():
    """If you ask to look at what defines the target, the answer is the target."""
    frame = {"x": np.random.default_rng(1).integers(0, 90, 300), "y": range(300)}
    found = of_frame(frame, "x > 40", of=["x", "y"])
    assert found.rules[0].condition == "x >= 41"
    found = of_frame(frame, "@x", depth=1, of=["x", "y"])
    assert found.rules[0].condition.startswith("x >= ")


def test_what_defines_the_target_is_left_out():
    """By default neither the definition's own values are looked at, nor those that tell the same."""
    draw = np.random.default_rng(1)
    frame = {"Churn": draw.choice(["Yes", "No"], 300), "y": draw.integers(0, 9, 300)}
    left = frame["Churn"] == "Yes"
    frame["code"] = np.where(left, 7, 3)
    frame["nearly"] = left ^ (np.arange(300) < 4)
    frame["since"] = np.where(left, draw.integers(100, 200, 300), draw.integers(0, 99, 300))
    frame["linked"] = np.where(draw.random(300) < 0.8, left, ~left)
    found = of_frame(frame, 'Churn = "Yes"')
    assert [rule.condition for rule in found.rules] == ["linked", "not linked"]
    assert found.remarks[-1] == "not looked at: Churn is in the target's definition; " + "; ".join(
        f"{name} is nearly the same as the target" for name in ("code", "nearly", "since")
    )
    frame = {"euros": draw.integers(0, 900, 300), "y": draw.integers(0, 9, 300)}
    frame |= {"cents": frame["euros"] * 100, "half": 450 - frame["euros"] // 2}
    found = of_frame(frame, "@euros + 1")
    assert "euros is in the target's definition" in found.remarks[-1]
    for name in ("cents", "half"):
        assert f"{name} is nearly the same as the target" in found.remarks[-1]


def test_a_target_of_all_attributes_leaves_nothing():
    """Where the definition asks about everything, that is said, and nothing is found."""
    found = of_frame({"x": range(300)}, "x > 40")
    assert found.rules == ()
    assert "x is in the target's definition" in found.remarks[-1]


def test_by_default_every_attribute_is_looked_at_but_keys():
    """Neither the key nor those of links are looked at, and lists are said not to be."""
    rows = Schema(
        [
            Entity(
                "rows",
                key="id",
                attributes=[
                    *(Attribute(name, INTEGER) for name in ("id", "store", "x")),
                    Attribute("tags", TEXTS),
                ],
                documents=[Document("more", {"plan size": INTEGER})],
                links=[Link("shop", to="shops", key="store")],
            ),
            Entity("shops", key="id", attributes=[Attribute("id", INTEGER)]),
        ]
    )
    frame = pd.DataFrame(
        {
            "id": range(N),
            "store": ODD,
            "x": [5] * N,
            "tags": [["a"]] * N,
            "more": [{"plan size": int(n) ^ (place % 10 == 0)} for place, n in enumerate(ODD)],
        }
    )
    frames = {"rows": frame, "shops": pd.DataFrame({"id": [0, 1]})}
    target = Segment.define("target", "store = 1", rows)
    found = discover(target, skp.Source(frames), as_of=NOON)
    assert found.rules[0].condition == "more.`plan size` >= 1 or more.`plan size` is missing"
    assert "not looked at: tags is a list of texts; x is the same of everyone" in found.notes
    with pytest.raises(ValueError, match="nothing to divide people by"):
        discover(target, skp.Source(frames), of=[])


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"depth": 0}, ValueError, "depth must be from 1 to 12"),
        ({"depth": 2.5}, ValueError, "depth must be from 1 to 12"),
        ({"seed": -1}, ValueError, "seed must be from 0"),
        ({"least": float("inf")}, ValueError, "least must be above 0, and finite"),
        ({"least": 0}, ValueError, "least must be above 0"),
        ({"least": float("nan")}, ValueError, "least must be above 0"),
        ({"holdout": 1}, ValueError, "holdout must be a share"),
        ({"level": 95}, ValueError, "as in 0.95"),
        ({"of": "age"}, TypeError, r"of=\['age'\]"),
        ({"of": ["agge"]}, DefinitionError, "did you mean 'age'"),
        ({"of": ["age > 3"]}, DefinitionError, "this is a condition"),
        ({"of": [Trait.define("x", "age", SHOP)]}, SchemaError, "different schema"),
        ({"among": Segment.define(None, "age > 3", SHOP)}, SchemaError, "different schema"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, match):
    """What is no argument is refused in words."""
    with pytest.raises(error, match=match):
        discover(people("vip"), SOURCES["pandas"], **arguments)


def test_names_are_told_apart():
    """Names that are no plain words are in backquotes; one name for two values is refused."""
    count = Trait.define("how often", "count(orders)", PEOPLE)
    target = people("count(orders) > 2")
    found = discover(target, SOURCES["sqlite"], of=[count, count], as_of=NOON)
    check(found, SOURCES["sqlite"])
    assert found.rules[0].condition == "`how often` >= 3"
    other = Trait.define("how often", "age", PEOPLE)
    with pytest.raises(ValueError, match="two different traits are called 'how often'"):
        discover(target, SOURCES["sqlite"], of=[count, other])
    with pytest.raises(ValueError, match="two different traits are called 'how often'"):
        discover(count, SOURCES["sqlite"], of=[other])


def test_wrong_targets_are_refused():
    """A target must be a segment, a number or a boolean, and each key a person's."""
    with pytest.raises(ValueError, match="home is a text"):
        discover(Trait.define("home", "city", PEOPLE), SOURCES["pandas"])
    with pytest.raises(TypeError, match="must be a Segment or a Trait, not str"):
        discover("vip", SOURCES["pandas"])
    with pytest.raises(DataError, match="tells rows apart, and two of them have 1"):
        of_frame({"id": [1] * N, "x": range(N)}, "x > 3")


def test_a_missing_extra_is_named(monkeypatch):
    """Without scikit-learn, what to install is said before anything is asked."""
    monkeypatch.setitem(sys.modules, "segmentkit.analysis._discovery.sklearn_models", None)
    with pytest.raises(ImportError, match=r'pip install "segmentkit\[discover\]"'):
        discover(people("vip"), SOURCES["pandas"])


def test_analysis_does_not_import_scikit_learn():
    """Only discovery needs scikit-learn, so only discovery loads it."""
    program = (
        "import sys, segmentkit.analysis as _; sys.exit({'sklearn', 'scipy'} & set(sys.modules))"
    )
    subprocess.run(
        [sys.executable, "-c", program.replace("sys.exit(", "sys.exit(bool(") + ")"], check=True
    )
