"""What is compared across parts must be what can be counted by hand, and what others publish."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy

from segmentkit import (
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    DataError,
    DefinitionError,
    Entity,
    Partition,
    Relation,
    Schema,
    SchemaError,
    Segment,
    Trait,
    decimal,
)
from segmentkit import pandas as skp
from segmentkit.analysis import GROUPS, Rfm, compare, profile
from tests.analysis.frames import EMPTY, NOON, SHOP, SOURCES, segment
from tests.analysis.test_profile import CROWD, PEOPLE, people
from tests.analysis.test_statistics import PLANTS, SLEEP
from tests.analysis.test_understanding import shown

SPENT = Trait.define("spent", "sum(orders.amount)", SHOP)
AGE = Trait.define("years", "age", SHOP)
LANDS = Partition.define(
    "lands",
    {"danes": segment('country = "DK"'), "north": segment('country in ("DK", "NO", "SE")')},
    rest="others",
)
FIELD = Schema(
    [
        Entity(
            "plots",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("part", TEXT),
                Attribute("yields", FLOAT, nullable=True),
            ],
        )
    ]
)
YIELDS = Trait.define("yield", "yields", FIELD)


def field_of(groups):
    """A population in parts, and the partition."""
    rows = [(f"p{part}", value) for part, values in enumerate(groups) for value in values]
    frame = pd.DataFrame(rows, columns=["part", "yields"]).astype({"yields": float})
    frame.insert(0, "id", range(len(frame)))
    parts = {f"p{i}": Segment.define(None, f'part = "p{i}"', FIELD) for i in range(len(groups))}
    return parts, skp.Source({"plots": frame})


@pytest.fixture(params=list(SOURCES))
def kind(request):
    """What kind of source is asked."""
    return request.param


def test_plants_are_those_of_r():
    """R: oneway.test(weight ~ group, data = PlantGrowth), and its table of the means."""
    parts, source = field_of(PLANTS)
    found = compare(parts, YIELDS, source, as_of=NOON)
    assert [part.value for part in found.parts] == pytest.approx([5.032, 4.661, 5.526])
    assert found.test.statistic == pytest.approx(5.181, abs=5e-4)
    assert found.test.p == pytest.approx(0.01739, abs=5e-6)
    assert found.eta == pytest.approx(0.2641, abs=5e-5)
    assert found.is_certain
    assert "more than chance: Welch's ANOVA 5.181 (2, 17.13 df), p = 0.017" in shown(found)


def test_sleepers_are_those_of_r():
    """Of two parts Welch's ANOVA is his t-test: R's p of the sleep data is 0.07939."""
    found = compare(*field_of(SLEEP)[:1], YIELDS, field_of(SLEEP)[1], as_of=NOON)
    assert found.test.p == pytest.approx(0.07939, abs=5e-6)
    assert found.test.statistic == pytest.approx(1.8608**2, abs=5e-4)
    assert not found.is_certain
    assert "no more than chance" in shown(found)


def test_parts_have_their_means_and_sums(kind):
    """Everyone is in one part, and each part has its mean, or its sum with its share of all."""
    found = compare(LANDS, SPENT, SOURCES[kind], as_of=NOON)
    told = [(p.label, p.size, p.missing, p.value) for p in found.parts]
    assert told == [
        ("danes", 3, 0, pytest.approx(100 / 3)),
        ("north", 2, 0, 55),
        ("others", 1, 0, 70),
    ]
    assert (found.parts[2].low, found.parts[2].high) == (None, None)
    assert "others: left out of the test, there is only one" in shown(found)
    sums = compare(LANDS, SPENT, SOURCES[kind], how="sum", as_of=NOON)
    assert [part.value for part in sums.parts] == [100, 110, 70]
    assert sums.parts[0].low == pytest.approx(3 * found.parts[0].low)
    assert sums.frame["of all"].tolist() == pytest.approx([100 / 280, 110 / 280, 70 / 280])
    assert sums.test == found.test
    shown(sums)


def test_a_metric_may_be_a_text(kind):
    """A value or a condition in the language is what the trait or the segment of it is."""
    told = compare(LANDS, "sum(orders.amount)", SOURCES[kind], as_of=NOON)
    assert told.metric == "sum(orders.amount)"
    assert told.parts == compare(LANDS, SPENT, SOURCES[kind], as_of=NOON).parts
    rates = compare(LANDS, "any(orders)", SOURCES[kind], as_of=NOON)
    whose = compare(LANDS, segment("any(orders)"), SOURCES[kind], as_of=NOON)
    assert (rates.how, rates.parts) == ("rate", whose.parts)
    with pytest.raises(DefinitionError, match="unknown attribute 'spendings'"):
        compare(LANDS, "spendings", SOURCES[kind], as_of=NOON)


def test_what_is_missing_is_counted_and_left_out(kind):
    """Who has no value is counted as missing, and is not in the mean."""
    found = compare(LANDS, AGE, SOURCES[kind], as_of=NOON)
    assert [(p.size, p.missing, p.value) for p in found.parts] == [
        (3, 1, 28.5),
        (2, 1, 30),
        (1, 0, 50),
    ]
    assert "there is no test" in shown(found)


def test_rates_are_those_of_a_segment_or_of_a_truth(kind):
    """The rate of a segment is of everyone; of something true or false, of whom it is known."""
    found = compare(LANDS, segment("age > 18"), SOURCES[kind], as_of=NOON)
    assert (found.how, [part.value for part in found.parts]) == ("rate", [1 / 3, 1 / 2, 1])
    assert [part.missing for part in found.parts] == [0, 0, 0]
    shown(found)
    halves = {"old": Segment.define(None, "id >= 60", PEOPLE),
              "young": Segment.define(None, "id < 60", PEOPLE)}  # fmt: skip
    found = compare(halves, Trait.define("is_vip", "vip", PEOPLE), CROWD[kind], as_of=NOON)
    frame = people()
    for part, rows in zip(found.parts, (frame[60:], frame[:60]), strict=True):
        known = rows.vip.dropna().astype(bool)
        assert (part.size, part.known) == (len(rows), len(known))
        assert part.value == known.mean()
        assert 0 <= part.low < part.value < part.high <= 1
    table = [[p.total for p in found.parts], [p.known - p.total for p in found.parts]]
    expected = scipy.chi2_contingency(table, correction=False)
    assert found.test.p == pytest.approx(expected.pvalue)
    shown(found)


def test_times_are_so_many_days_ago(kind):
    """Of a time the mean is that of how many days ago it was."""
    since = Trait.define("since", "joined", SHOP)
    found = compare(LANDS, since, SOURCES[kind], as_of=NOON)
    days = (pd.Timestamp("2026-05-01") - pd.Timestamp("2020-01-01")).days
    assert found.parts[0].value == pytest.approx((1 + 2 * days) / 3)
    assert "since (days ago)" in shown(found)
    with pytest.raises(ValueError, match="how must be 'mean'"):
        compare(LANDS, since, SOURCES[kind], how="sum", as_of=NOON)


def test_groups_by_recency_can_be_compared(kind):
    """A partition of many parts that refer to ranks is compared, the rest too."""
    values = {
        "recency": "last(orders.placed_at)", "frequency": "count(orders)",
        "monetary": "sum(orders.amount)",
    }  # fmt: skip
    rules = Rfm.define(SHOP, **values)
    found = compare(rules.partition(), SPENT, SOURCES[kind], as_of=NOON)
    assert [part.label for part in found.parts] == [*GROUPS, "never bought"]
    assert sum(part.size for part in found.parts) == 6
    assert sum(part.total for part in found.parts) == 280
    shown(found)


def test_the_odd_has_words(kind):
    """Nobody, nothing known, and the same everywhere are told of, without a test."""
    missing = Trait.define("unknown", "age * 2", SHOP)
    nobody = {"a": segment("age > 100"), "b": segment("age > 200 and age < 100")}
    source = SOURCES[kind]
    assert "nobody is in any part" in shown(compare(nobody, AGE, source, as_of=NOON))
    assert "nobody is in any part" in shown(compare(LANDS, AGE, EMPTY[kind], as_of=NOON))
    assert "nobody is in any part" in shown(compare(LANDS, DANE, EMPTY[kind], as_of=NOON))
    ageless = {"a": segment("id = 5"), "b": segment("id = 6")}
    assert "missing of everybody" in shown(compare(ageless, missing, source, as_of=NOON))
    same = Trait.define("one", "id - id + 1", SHOP)
    found = compare(LANDS, same, source, as_of=NOON)
    assert "there is no test" in shown(found)
    assert (found.test, found.effect) == (None, None)
    for rate in ("true", "false"):
        found = compare(LANDS, segment(rate), source, as_of=NOON)
        assert "there is no test" in shown(found)
        assert found.effect is None
    one = compare({"all": segment("true")}, SPENT, source, as_of=NOON)
    assert "there is no test" in shown(one)


DANE = segment('country = "DK"')


def test_amounts_of_opposite_signs_have_no_shares(kind):
    """Of gains and losses no part is a share of the whole."""
    owed = Trait.define("owed", "spent - 100", SHOP, traits=[SPENT])
    found = compare(LANDS, owed, SOURCES[kind], how="sum", as_of=NOON)
    assert found.frame["of all"].tolist() == pytest.approx([200 / 320, 90 / 320, 30 / 320])
    mixed = Trait.define("owed", "spent - 40", SHOP, traits=[SPENT])
    found = compare(LANDS, mixed, SOURCES[kind], how="sum", as_of=NOON)
    assert found.frame["of all"].isna().all()
    shown(found)


def test_what_makes_no_sense_is_refused(kind):
    """Mistakes in what is asked are errors in words."""
    source = SOURCES[kind]
    with pytest.raises(ValueError, match="a and b have 2 members in common"):
        compare({"a": segment("id < 4"), "b": segment("id > 1 and id < 5")}, AGE, source)
    with pytest.raises(ValueError, match="how must be 'mean' or 'sum'"):
        compare(LANDS, AGE, source, how="rate")
    with pytest.raises(ValueError, match="how must be 'rate'"):
        compare(LANDS, DANE, source, how="mean")
    with pytest.raises(SchemaError, match=r'country = "…"'):
        compare(LANDS, Trait.define("land", "country", SHOP), source)
    with pytest.raises(SchemaError, match="another schema"):
        compare(LANDS, YIELDS, source)
    with pytest.raises(SchemaError, match="different schemas"):
        compare({"a": DANE, "b": Segment.define(None, "id > 1", FIELD)}, AGE, source)
    with pytest.raises(ValueError, match="at least one segment"):
        compare({}, AGE, source)
    with pytest.raises(ValueError, match="between 0 and 1"):
        compare(LANDS, AGE, source, level=1)


# -- amounts of several units -------------------------------------------------------------------

MONEY = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("currency", TEXT, nullable=True),
                Attribute("owes", decimal(2)),
                Attribute("age", INTEGER),
            ],
            relations=[
                Relation("orders", key="person", at="at"),
                Relation("gifts", to="orders", key="person"),
            ],
        ),
        Entity(
            "orders",
            attributes=[
                Attribute("at", TIMESTAMP),
                Attribute("amount", decimal(2)),
                Attribute("pieces", INTEGER),
                Attribute("order_currency", TEXT),
            ],
        ),
    ]
)
HALVES = {
    "one": Segment.define(None, "id = 1", MONEY),
    "two": Segment.define(None, "id = 2", MONEY),
}


def purse(*orders, lands=("EUR", "EUR", "EUR")):
    """Two people, and their orders: whose, and in what currency."""
    rows = [
        {"person": who, "at": pd.Timestamp("2026-04-01"), "amount": Decimal(5), "pieces": 1,
         "order_currency": currency}
        for who, currency in orders
    ]  # fmt: skip
    frame = pd.DataFrame({"id": [1, 2, 3], "currency": lands, "age": 40, "owes": [Decimal(1)] * 3})
    return skp.Source({"people": frame, "orders": pd.DataFrame(rows)})


def asked(text, source, **others):
    """A metric of money, compared."""
    return compare(HALVES, Trait.define("metric", text, MONEY), source, as_of=NOON, **others)


def test_amounts_of_several_currencies_are_refused():
    """Crowns and euros in one column are not added up, unless that is asked for."""
    source = purse((1, "EUR"), (2, "DKK"))
    with pytest.raises(DataError, match=r'orders.order_currency differs \("DKK", "EUR"\)'):
        asked("sum(orders.amount)", source)
    with pytest.raises(DataError, match="several units"):
        asked("avg(orders.amount in last 90 days) / 2", source)
    assert asked("sum(orders.amount)", source, mixed=True).parts[0].total == 5
    within = purse((1, "EUR"), (1, "DKK"), (1, "EUR"), (2, "EUR"))
    with pytest.raises(DataError, match="several units"):
        asked("sum(orders.amount)", within)
    with pytest.raises(DataError, match="several units"):
        asked("sum(gifts.amount)", within)
    with pytest.raises(DataError, match="currency differs"):
        asked("owes", purse((1, "EUR"), lands=("EUR", "DKK", None)))


def test_amounts_of_one_currency_are_compared():
    """One currency, a condition that chooses one, and what is no amount are no reason to refuse."""
    one = purse((1, "EUR"), (2, "EUR"), (3, "DKK"), lands=("EUR", None, "DKK"))
    two = purse((1, "EUR"), (2, "DKK"), lands=("EUR", "DKK", "SEK"))
    assert asked("sum(orders.amount)", one).parts[1].total == 5
    assert asked("owes", one).parts[1].total == 1
    chosen = asked('sum(orders.amount where order_currency = "EUR")', two)
    assert [part.total for part in chosen.parts] == [5, 0]
    for text in ("count(orders)", "sum(orders.pieces)", "age"):
        asked(text, two)


def test_a_profile_says_that_currencies_are_mixed():
    """A profile compares amounts of several currencies all the same, and says that it did."""
    source = purse((1, "EUR"), (2, "DKK"), lands=("EUR", "DKK", "DKK"))
    spent = Trait.define("spent", "sum(orders.amount)", MONEY)
    found = profile(HALVES["one"], source, traits=[spent], as_of=NOON)
    text = shown(found)
    assert "spent: sum(orders.amount) is of several units: orders.order_currency differs" in text
    assert "owes: owes is of several units: currency differs" in text


# -- whatever the data --------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.none() | st.integers(-3, 3), max_size=6), min_size=1, max_size=4))
def test_any_parts_can_be_compared(groups):
    """Whatever the parts hold, both ways of asking tell the same, without warnings and NaN."""
    parts, source = field_of([[float("nan") if v is None else v for v in g] for g in groups])
    for how in ("mean", "sum"):
        found = compare(parts, YIELDS, source, how=how, as_of=NOON)
        known = [[v for v in values if v is not None] for values in groups]
        assert [part.known for part in found.parts] == list(map(len, known))
        assert [part.total for part in found.parts] == list(map(sum, known))
        text = str(found) + found._repr_html_()
        assert "nan" not in text.lower()
    rate = compare(parts, Segment.define("many", "yields > 1", FIELD), source, as_of=NOON)
    assert "nan" not in str(rate).lower()
