"""What sets members apart must be what can be counted by hand, whatever the data is like."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    Attribute,
    DefinitionError,
    Document,
    Entity,
    Link,
    Relation,
    Schema,
    SchemaError,
    Segment,
    Trait,
    decimal,
)
from segmentkit import pandas as skp
from segmentkit.analysis import profile
from tests.analysis.frames import EMPTY, NOON, SHOP, SOURCES, database, segment, sources
from tests.analysis.test_understanding import shown

SPENT = Trait.define("spent", "sum(orders.amount)", SHOP)
ATTRIBUTES = [
    Attribute("id", INTEGER),
    Attribute("town", TEXT, nullable=True),
    Attribute("mail", TEXT, nullable=True),
    Attribute("age", INTEGER, nullable=True),
    Attribute("owes", decimal(2), nullable=True),
    Attribute("ratio", FLOAT, nullable=True),
    Attribute("vip", BOOLEAN, nullable=True),
    Attribute("born", DATE, nullable=True),
    Attribute("seen", TIMESTAMP, nullable=True),
]
PEOPLE = Schema([Entity("people", key="id", attributes=ATTRIBUTES)], time_zone="Asia/Tokyo")
OLD = Segment.define("old", "id >= 60", PEOPLE)


def people(count=100):
    """People whose values can be counted by hand."""
    rows = range(count)
    frame = {
        "id": rows,
        "town": [None if i % 10 == 9 else "AB"[i >= 60] if i % 3 else "C" for i in rows],
        "mail": [f"{i}@example.com" for i in rows],
        "age": pd.array([None if i % 7 == 0 else 20 + i % 5 + (i >= 60) for i in rows], "Int64"),
        "owes": [Decimal(i % 4) / 4 for i in rows],
        "ratio": [1.5] * count,
        "vip": pd.array([None if i % 11 == 0 else i % 2 == 0 for i in rows], "boolean"),
        "born": pd.to_datetime([date(2000, 1, 1 + i % 28) for i in rows]).astype("M8[s]"),
        "seen": pd.to_datetime(["2026-04-30 16:00" if i % 2 else None for i in rows]),
    }
    return pd.DataFrame(frame)


CROWD = sources({"people": people()}, PEOPLE)


@pytest.fixture(params=list(SOURCES))
def kind(request):
    """What kind of source is asked."""
    return request.param


def found_of(profiled):
    """The differences by what they are of."""
    found = {each.what: each for each in profiled.differences}
    assert len(found) == len(profiled.differences)
    return found


def test_shares_and_means_are_those_of_the_people(kind):
    """Of everything that is compared, the numbers are those that can be counted by hand."""
    profiled = profile(OLD, CROWD[kind], as_of=NOON)
    shown(profiled)
    frame = people()
    old, young = frame[frame.id >= 60], frame[frame.id < 60]
    found = found_of(profiled)
    assert (profiled.size, profiled.base_size, profiled.base) == (40, 60, "everyone")
    for town in "ABC":
        told = found[f'town = "{town}"']
        assert (told.members, told.base) == tuple(
            pytest.approx((part.town.dropna() == town).mean()) for part in (old, young)
        )
        assert told.sizes == (36, 54)
    assert found["town is missing"].sizes == (40, 60)
    assert found["town is missing"].members == found["town is missing"].base == 0.1
    age = found["age"]
    ages = [part.age.dropna().astype(float) for part in (old, young)]
    assert (age.members, age.base) == tuple(pytest.approx(part.mean()) for part in ages)
    test = scipy.ttest_ind(*ages, equal_var=False)
    assert (age.test.statistic, age.test.p) == pytest.approx((test.statistic, test.pvalue))
    low, high = test.confidence_interval(0.95)
    assert (age.low, age.high) == pytest.approx((low, high))
    assert found["vip"].members == pytest.approx(old.vip.dropna().astype(bool).mean())
    assert "not vip" not in found
    born = found["born (days ago)"]
    today = pd.Timestamp("2026-05-01")
    assert born.members == pytest.approx((today - old.born).dt.days.mean())
    assert "id" not in found
    assert "ratio: the same of everybody who has it" in profiled.notes
    # 16:00 in UTC is a day later in Tokyo: the first of May, which is today there.
    assert "seen: the same of everybody who has it" in profiled.notes
    assert "mail: 100 values, none of them twice; not compared by value" in profiled.notes


def test_what_is_more_than_chance_comes_first(kind):
    """What is certain stands above what is not, and each by the size of the effect."""
    profiled = profile(OLD, CROWD[kind], as_of=NOON)
    ranks = [(not profiled.is_certain(d), -abs(d.effect or 0)) for d in profiled.differences]
    assert ranks == sorted(ranks)
    assert profiled.is_certain(profiled.differences[0])
    assert not profiled.is_certain(profiled.differences[-1])
    tests = [d for d in profiled.differences if d.test is not None]
    assert all(d.p >= d.test.p for d in tests)
    least = min(tests, key=lambda d: d.test.p)
    assert least.p == pytest.approx(min(1, least.test.p * len(tests)))
    assert f"p is corrected for {len(tests)} tests (Holm)" in str(profiled)


def test_members_of_the_base_are_compared_as_members(kind):
    """Who is in both is a member; the rest of the base is what it is compared with."""
    base = Segment.define("later", "id >= 40", PEOPLE)
    profiled = profile(OLD, CROWD[kind], base=base, of=["id"], as_of=NOON)
    (told,) = profiled.differences
    assert (profiled.size, profiled.base_size) == (40, 20)
    assert (told.members, told.base) == (79.5, 49.5)
    assert "later: 40 of them are members of the segment, and compared as such" in profiled.notes
    assert "others of later" in shown(profiled)
    assert told.defining
    apart = profile(OLD, CROWD[kind], base=~OLD, of=["id"], as_of=NOON)
    assert "of the segment" not in str(apart)


def test_equal_segments_have_nothing_to_compare(kind):
    """A base that is the segment, an empty segment and everyone are told of in words."""
    source = CROWD[kind]
    for asked, base, words in [
        (OLD, OLD, "all of old are members"),
        (OLD, Segment.define("x", "id > 60 or id = 60", PEOPLE), "all of x are members"),
        (Segment.define("all", "true", PEOPLE), None, "all of everyone are members"),
        (Segment.define("none", "false", PEOPLE), None, "nobody is a member"),
        (Segment.define("none", "false", PEOPLE), OLD, "nobody is a member"),
    ]:
        profiled = profile(asked, source, base=base, as_of=NOON)
        assert words in shown(profiled)
        assert profiled.frame.empty
        assert list(profiled.frame)[:3] == ["what", "members", "base"]


def test_a_population_of_nobody(kind):
    """Of nobody there is nothing to say."""
    assert "nobody is a member" in shown(profile(segment("age > 3"), EMPTY[kind], as_of=NOON))


def test_one_member_has_no_intervals_of_means(kind):
    """Of one member means are told, without a test, and flagged as few."""
    profiled = profile(segment("id = 2"), SOURCES[kind], traits=[SPENT], as_of=NOON)
    found = found_of(profiled)
    assert (found["spent"].members, found["spent"].test) == (90, None)
    assert (found["spent"].low, found["spent"].effect, found["spent"].p) == (None, None, None)
    assert found["spent"].few
    assert "few: known of fewer than 30" in shown(profiled)
    assert "nickname: missing of everybody" in profiled.notes


def test_what_is_the_same_within_each_group_is_told(kind):
    """Where nobody differs from the group's mean, there is no test, and the notes say it."""
    frame = people(10).assign(owes=[Decimal(i >= 5) for i in range(10)])
    asked = Segment.define("later", "id >= 5", PEOPLE)
    profiled = profile(
        asked, sources({"people": frame}, PEOPLE)[kind], of=["owes", "age"], as_of=NOON
    )
    (first, *_) = profiled.differences
    assert (first.what, first.difference, first.test) == ("owes", 1, None)
    assert "owes is 1 of every member, and 0 of everybody else" in shown(profiled)


def test_many_values_are_folded(kind):
    """Of a text with many values the most frequent of each side are told, the rest together."""
    towns = ["only here"] * 20 + [f"town {i % 150}" for i in range(480)]
    frame = pd.DataFrame({"id": range(500), "town": towns})
    schema = Schema([Entity("people", key="id", attributes=ATTRIBUTES[:2])])
    asked = Segment.define("first", "id < 25", schema)
    profiled = profile(asked, sources({"people": frame}, schema)[kind], values=3, as_of=NOON)
    assert profiled.differences[0].what == 'town = "only here"'
    (others,) = [d for d in profiled.differences if "other values" in d.what]
    assert len(profiled.differences) <= 7
    listed = [d for d in profiled.differences if d is not others]
    assert others.members == pytest.approx(1 - sum(d.members for d in listed))
    assert others.base == pytest.approx(1 - sum(d.base for d in listed))
    assert others.what == f"town: {151 - len(listed)} other values"
    shown(profiled)


def test_of_two_values_one_tells_of_both(kind):
    """Of a text with two values one is compared; the other is its mirror."""
    frame = people().assign(town=["A" if i % 3 else "B" for i in range(100)])
    profiled = profile(OLD, sources({"people": frame}, PEOPLE)[kind], of=["town"], as_of=NOON)
    assert [each.what for each in profiled.differences] == ['town = "A"']


def test_anything_can_be_compared(kind):
    """Values, conditions, traits and segments that are given, and nothing else."""
    often = Segment.define("often", "count(orders) >= 2", SHOP)
    asked = segment("age > 20 and spent > 0", traits=[SPENT])
    profiled = profile(
        asked,
        SOURCES[kind],
        of=["any(orders in last 30 days)", "spent / 10", "last(orders.placed_at)", often, SPENT],
        traits=[SPENT.define("age_of", "age(joined)", SHOP)],
        as_of=NOON,
    )
    found = found_of(profiled)
    assert set(found) == {
        "any(orders in last 30 days)", "spent / 10", "last(orders.placed_at) (days ago)",
        "last(orders.placed_at) is missing", "often", "spent", "age_of",
    }  # fmt: skip
    assert found["spent"].defining
    assert not found["often"].defining
    assert (found["often"].members, found["often"].base) == (2 / 3, 0)
    shown(profiled)


def test_a_text_alone_is_one_thing(kind):
    """`of` takes a text as it takes a list of one."""
    one = profile(OLD, CROWD[kind], of="age", as_of=NOON)
    assert one == profile(OLD, CROWD[kind], of=["age"], as_of=NOON)


def test_what_makes_no_sense_is_refused(kind):
    """Mistakes in what is asked are errors in words, before anything is counted."""
    source = CROWD[kind]
    with pytest.raises(DefinitionError, match="agee"):
        profile(OLD, source, of=["agee"])
    with pytest.raises(ValueError, match="nothing to compare"):
        profile(OLD, source, of=[])
    with pytest.raises(ValueError, match="between 0 and 1"):
        profile(OLD, source, level=95)
    with pytest.raises(ValueError, match="at least 1"):
        profile(OLD, source, values=0)
    with pytest.raises(SchemaError, match="different schemas"):
        profile(OLD, source, base=segment("age > 3"))
    with pytest.raises(SchemaError, match="different schemas"):
        profile(OLD, source, traits=[SPENT])


def test_lists_documents_and_links_are_compared(kind):
    """Values in JSON and at the end of a link are compared, lists by whether they are missing."""
    entity = Entity(
        "people",
        key="id",
        attributes=[ATTRIBUTES[0], Attribute("likes", TEXTS, nullable=True)],
        documents=[Document("props", {"plan": TEXT, "seats": INTEGER})],
        links=[Link("store", to="stores", key="store_id")],
        relations=[Relation("people", key="store_id")],
    )
    stores = Entity("stores", key="id", attributes=[Attribute("id", INTEGER), ATTRIBUTES[1]])
    schema = Schema([entity, stores])
    frame = pd.DataFrame(
        [
            {"id": i, "likes": ["a"] if i % 2 else None, "store_id": i % 3,
             "props": {"plan": "xyz"[i % 3], "seats": i}}
            for i in range(12)
        ]
    )  # fmt: skip
    shops = pd.DataFrame({"id": [0, 1], "town": ["Aarhus", "Odense"]})
    source = skp.Source({"people": frame, "stores": shops})
    asked = Segment.define("some", "id < 5", schema)
    found = found_of(profile(asked, source, as_of=NOON))
    assert set(found) == {
        "likes is missing", 'props.plan = "x"', 'props.plan = "y"', 'props.plan = "z"',
        "props.seats", 'store.town = "Aarhus"', "store.town is missing",
    }  # fmt: skip
    assert found["props.seats"].members == 2
    assert kind in SOURCES


def test_infinite_numbers_are_left_out():
    """What is infinite has no mean; that it is left out is said."""
    frame = people(6).assign(ratio=[1.0, 2.0, math.inf, 4.0, math.nan, 6.0])
    asked = Segment.define("later", "id >= 3", PEOPLE)
    profiled = profile(asked, skp.Source({"people": frame}), of=["ratio"], as_of=NOON)
    found = found_of(profiled)
    assert (found["ratio"].members, found["ratio"].base) == (5, 1.5)
    assert "ratio: infinite, or beyond 1e+70, of 1, who are left out" in profiled.notes
    shown(profiled)


def test_names_are_text_and_nothing_else(kind):
    """What values and names say is never read as HTML, nor as a formula by a picture."""
    evil = '<b>$x$ & "y"</b>'
    frame = people(9).assign(town=[evil, "a", "b"] * 3)
    profiled = profile(
        Segment.define(evil, "id > 4", PEOPLE),
        sources({"people": frame}, PEOPLE)[kind],
        of=["town"],
        as_of=NOON,
    )
    shown(profiled)
    assert "<b>$" not in profiled._repr_html_()
    assert "&lt;b&gt;$x$ &amp; " in profiled._repr_html_()


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from(["a", "b", "c", None]),
            st.none() | st.integers(-3, 3),
            st.none() | st.floats(-1e6, 1e6),
            st.none() | st.booleans(),
        ),
        max_size=14,
    )
)
def test_any_people_have_a_profile(rows):
    """Whatever the people are like, both sources tell the same, without a warning and a NaN."""
    columns = ["held", "town", "age", "ratio", "vip"]
    frame = pd.DataFrame(rows, columns=columns).astype(
        {"held": bool, "town": "string", "age": "Int64", "ratio": float, "vip": "boolean"}
    )
    frame.insert(0, "id", np.arange(len(frame)))
    attributes = [ATTRIBUTES[0], Attribute("held", BOOLEAN), ATTRIBUTES[1], *ATTRIBUTES[3:4]]
    attributes += [ATTRIBUTES[5], ATTRIBUTES[6]]
    schema = Schema([Entity("people", key="id", attributes=attributes)])
    told = [
        profile(Segment.define("held", "held", schema), source, as_of=NOON)
        for source in (skp.Source(frame), database({"people": frame}, schema))
    ]
    for one, other in zip(*(found_of(each).items() for each in told), strict=True):
        assert one[0] == other[0]
        assert one[1].members == pytest.approx(other[1].members)
        assert one[1].p == pytest.approx(other[1].p)
    text = str(told[0]) + told[0]._repr_html_()
    assert "nan" not in text.lower()
    assert "inf" not in text.replace("infinite", "")
