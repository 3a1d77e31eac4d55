"""What analyses must say of a small shop whose numbers can be counted by hand."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from segmentkit import (
    INTEGER,
    TEXT,
    TEXTS,
    Attribute,
    DataError,
    Document,
    Entity,
    KeyList,
    Relation,
    Schema,
    SchemaError,
    Segment,
    Trait,
)
from segmentkit import pandas as skp
from segmentkit.analysis import attrition, coverage, explain, gaps, overlap
from tests.analysis.frames import EMPTY, FRAMES, NOON, SHOP, SOURCES, Asked, segment

DANES = segment('country = "DK"')
PAID = 'country = "DK" and age >= 18 and any(orders in last 90 days where status = "paid")'


def shown(result):
    """Everything that a result can be asked for, so that no part of it fails or warns."""
    figure = result.plot() if hasattr(result, "plot") else None
    if figure is not None:
        assert figure._repr_png_().startswith(b"\x89PNG")
    html = result._repr_html_()
    assert html.count("<td") == html.count("</td>")
    assert isinstance(result.frame, pd.DataFrame)
    text = str(result)
    assert "nan" not in text.lower()
    assert "nan" not in html.lower()
    return text


@pytest.fixture(params=list(SOURCES))
def kind(request):
    """What kind of source is asked."""
    return request.param


@pytest.fixture
def source(kind):
    """The shop."""
    return SOURCES[kind]


@pytest.fixture
def nobody(kind):
    """A shop without customers."""
    return EMPTY[kind]


# -- why ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [1, 2, 3, 4, 5, 6])
def test_a_source_explains_as_a_record_does(source, key):
    """By key from a source, an explanation is the one that the record itself would give."""
    near = Segment.define("near", 'country in ("NO", "SE") or store.city = "Aarhus"', SHOP)
    spent = Trait.define("spent", "sum(orders.amount in last 90 days)", SHOP)
    asked = segment(
        "in segment near and (spent > 20 or joined in this year) and not reachable by post"
        ' and (last(orders.placed_at) in last 90 days or none(visits) or nickname = "x")',
        segments=[near],
        traits=[spent],
    )
    expected = asked.explain(record(key), as_of=NOON)
    assert explain(asked, source, key, as_of=NOON) == expected


def record(key):
    """One of the customers as a record."""
    row = FRAMES["customers"].set_index("id", drop=False).loc[key]
    found = {name: None if pd.isna(value) else value for name, value in row.items()}
    found["joined"] = found["joined"].date()
    found["id"] = int(found["id"])
    found["age"] = None if found["age"] is None else int(found["age"])
    found["store"] = None if found["store_id"] is None else {"id": 1, "city": "Aarhus"}
    for name in ("orders", "visits"):
        rows = FRAMES[name][FRAMES[name]["customer_id"] == key]
        found[name] = [
            {k: v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for k, v in each.items()}
            for each in rows.to_dict("records")
        ]
    return found


def test_what_rests_on_others_is_explained_too(source):
    """A rank and an average of everyone are told of one member, whom no record could tell."""
    found = explain(
        segment("top 2 by sum(orders.amount) and age > avg(age among everyone)"),
        source,
        np.int64(2),
        as_of=NOON,
    )
    assert found.holds
    facts = {f.text: f.value for test in found.clause.tests() for f in test.facts}
    assert facts["avg(age among everyone)"] == 34.25
    assert facts["age"] == 40


def test_nobody_of_a_key_is_said(source):
    """An unknown key, an impossible key, and a schema without one are errors in words."""
    with pytest.raises(DataError, match="none of the customers has the key 77"):
        explain(DANES, source, 77)
    with pytest.raises(DataError, match="not list"):
        explain(DANES, source, [1])
    people = Schema([Entity("people", key="id", attributes=[Attribute("age", INTEGER)])])
    with pytest.raises(SchemaError, match=r"people\.id"):
        explain(Segment.define(None, "age > 3", people), source, 1)


# -- attrition ----------------------------------------------------------------------------------


def test_attrition_counts_each_clause(source):
    """Each clause has its count alone, in order, and what it costs by itself."""
    found = attrition(segment(PAID), source, as_of=NOON)
    assert found.frame.values.tolist() == [
        ['country = "DK"', 3, 3, 3, 1],
        ["age >= 18", 3, 1, 2, 1],
        ['any(orders in last 90 days where status = "paid")', 3, 1, 0, 0],
    ]
    assert (found.population, found.size) == (6, 1)
    assert found.costliest.clause == 'country = "DK"'
    assert "without country" in shown(found)


def test_attrition_asks_once(source):
    """However many clauses there are, the source is asked one question."""
    asked = Asked(source)
    attrition(segment(PAID), asked, as_of=NOON)
    assert asked.asked == 1


def test_a_mere_reference_is_taken_apart(source):
    """A segment that only names another has the other's clauses, in the other's words."""
    inner = segment('country = "DK" and age >= 18').named("inner")
    outer = segment("in segment inner", segments=[inner])
    found = attrition(outer, source, as_of=NOON)
    assert [stage.clause for stage in found.stages] == ['country = "DK"', "age >= 18"]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("true", "one clause"),
        ("false", "one clause"),
        ("false and false", "no clause costs anybody"),
        ("true and true", "no clause costs anybody"),
    ],
)
def test_attrition_of_the_odd_has_words(source, nobody, text, note):
    """Where there is nothing to take apart, or nobody to lose, that is said."""
    assert note in shown(attrition(segment(text), source, as_of=NOON))
    assert "nobody to lose" in shown(attrition(segment(text), nobody, as_of=NOON))


# -- missing data -------------------------------------------------------------------------------


def test_gaps_are_counted_by_what_is_missing(source):
    """Who is in or out only because something is missing is counted, in all and by value."""
    asked = segment('not (age < 18) and country = "DK" and avg(orders.amount) < 100')
    found = gaps(asked, source, as_of=NOON)
    assert (found.size, found.in_only, found.out_only) == (1, 0, 2)
    assert found.frame.values.tolist() == [
        ["age", 2, 0, 1],
        ["country", 1, 0, 1],
        ["avg(orders.amount)", 2, 0, 1],
    ]
    shown(found)
    found = gaps(segment("age(joined) < 3 or not (age < 18)"), source, as_of=NOON)
    assert (found.in_only, found.out_only) == (2, 0)
    assert "'and age is present' leaves them out" in shown(found)


def test_gaps_look_through_traits_and_references(source):
    """What is missing behind a trait or a reference is told by its own name."""
    spent = Trait.define("mean", "avg(orders.amount)", SHOP)
    inner = Segment.define("inner", "mean > 15", SHOP, traits=[spent])
    asked = segment("not in segment inner", segments=[inner])
    found = gaps(asked, source, as_of=NOON)
    assert found.frame.values.tolist() == [["avg(orders.amount)", 2, 2, 0]]


def test_no_gaps_are_said_in_words(source, nobody):
    """A definition of what is always there, or of whom nothing is missing, says so."""
    assert "can be missing" in shown(gaps(segment("id > 3"), source, as_of=NOON))
    divided = segment("sum(orders.amount) / count(orders) > 15")
    assert "division by zero" in shown(gaps(divided, source, as_of=NOON))
    assert "no difference" in shown(gaps(segment("age > 3 and id > 100"), source, as_of=NOON))
    assert "no difference" in shown(gaps(segment("age > 3"), nobody, as_of=NOON))


def test_coverage_of_a_schema(source, nobody):
    """Every attribute and relation is counted, with its freshness, and what is empty is told."""
    found = coverage(SHOP, source, as_of=NOON)
    told = {k.name: (k.present, k.newest) for k in found.known}
    assert told == {
        "id": (6, None),
        "country": (5, None),
        "age": (4, None),
        "joined": (6, 7),
        "nickname": (0, None),
        "store.city": (2, None),
        "orders": (4, 30),
        "visits": (1, None),
    }
    text = shown(found)
    assert "nickname: it is missing of everybody" in text
    assert "visits: no row in 365 days" in text
    assert "there are no customers" in shown(coverage(SHOP, nobody, as_of=NOON))


def test_coverage_takes_any_names(source):
    """Names that need quotes, or have braces in them, are no matter."""
    odd = Attribute("a {0} `b`", TEXT, nullable=True, column="country")
    entity = Entity("customers", key="id", attributes=[odd], relations=[
        Relation("the {} orders", to="orders", key="customer_id", at="placed_at")
    ])  # fmt: skip
    found = coverage(Schema([entity, SHOP.named("orders")]), source, as_of=NOON)
    assert [each.present for each in found.known] == [5, 4]
    shown(found)


def test_lists_and_documents_are_understood():
    """Tags and values in JSON are covered, and clauses of them explained, by key and by record."""
    entity = Entity(
        "people",
        key="id",
        attributes=[Attribute("id", INTEGER), Attribute("likes", TEXTS, nullable=True)],
        documents=[Document("props", {"plan": TEXT, "billing": {"seats": INTEGER}})],
        relations=[Relation("tags", key="person", value="name")],
    )
    schema = Schema([entity, Entity("tags", attributes=[Attribute("name", TEXT)])])
    rows = [
        {"id": 1, "likes": ["a", "b"], "props": {"plan": "x", "billing": {"seats": 3}}},
        {"id": 2, "likes": None, "props": {}},
    ]
    tags = pd.DataFrame({"person": [1], "name": ["vip"]})
    shop = skp.Source({"people": pd.DataFrame(rows), "tags": tags})
    found = coverage(schema, shop, as_of=NOON)
    told = {each.name: each.present for each in found.known}
    assert told == {
        "id": 2, "likes": 1, "props.plan": 1, "props.billing.seats": 1, "tags": 1,
    }  # fmt: skip
    text = 'likes contains "a" and props.plan = "y" and tags contains "vip"'
    asked = Segment.define("asked", text, schema)
    record = {**rows[0], "tags": [{"name": "vip"}]}
    expected = asked.explain(record, as_of=NOON)
    assert explain(asked, shop, 1, as_of=NOON) == expected
    assert [change.text for change in expected.changes] == ['props.plan = "y"']


# -- overlap ------------------------------------------------------------------------------------


def test_overlap_counts_pairs_and_combinations(source, nobody):
    """Sizes, pairs, indices and combinations are those of sets."""
    segments = {
        "danes": DANES,
        "adults": segment("age >= 18"),
        "also danes": segment('not (country != "DK")'),
        "young danes": segment('country = "DK" and age < 18'),
        "nobody": segment("false"),
        "all": segment("true"),
    }
    found = overlap(segments, source, as_of=NOON)
    pairs = {(p.one, p.other): p for p in found.pairs}
    assert found.pairs[0] is pairs["danes", "also danes"]
    assert found.duplicates == (pairs["danes", "also danes"],)
    assert pairs["danes", "adults"].jaccard == 1 / 5
    assert pairs["danes", "nobody"].other_in_one is None
    assert found.combined[("adults", "all")] == 2
    assert sum(found.combined.values()) == found.population == 6
    matrix = found.matrix
    assert matrix.loc["danes", "adults"] == matrix.loc["adults", "danes"] == 1
    text = shown(found)
    assert "danes and also danes have the same 3 members" in text
    assert "young danes is within danes" in text
    assert "nobody: nobody is in it" in text
    assert "all: everybody is in it" in text


def test_overlap_agrees_with_sets():
    """For random segments every number is what Python's sets say."""
    dice = random.Random(5)
    people = pd.DataFrame({"id": range(300)})
    schema = skp.schema_from(people, "people", keys={"people": "id"})
    groups = {f"s{i}": {k for k in range(300) if dice.random() < 0.3} for i in range(6)}
    segments = {
        name: Segment.define(None, "in list it", schema, lists=[KeyList("it", keys)])
        for name, keys in groups.items()
    }
    found = overlap(segments, skp.Source(people), as_of=NOON)
    assert found.frame.equals(overlap(segments, skp.Source(people), pairs_only=True).frame)
    for pair in found.pairs:
        one, other = groups[pair.one], groups[pair.other]
        assert pair.both == len(one & other)
        assert pair.jaccard == len(one & other) / len(one | other)
        assert pair.one_in_other == len(one & other) / len(one)
    for names, count in found.combined.items():
        inside = set.intersection(set(range(300)), *(groups[name] for name in names))
        assert count == len(inside.difference(*(groups[n] for n in groups if n not in names)))


def test_overlap_of_the_odd(source, nobody):
    """One segment, nobody at all, many segments: an answer, and a picture that is not empty."""
    assert overlap([DANES], source, as_of=NOON).pairs == ()
    shown(overlap([DANES], source, as_of=NOON))
    shown(overlap([DANES], source, as_of=NOON, pairs_only=True))
    shown(overlap([DANES, segment("true").named("all")], nobody, as_of=NOON))
    many = {f"over {n}": segment(f"id > {n / 4}") for n in range(20)}
    text = shown(overlap(many, source, as_of=NOON))
    assert "more rows in `frame`" in text
    with pytest.raises(ValueError, match="at least one"):
        overlap([], source)
    with pytest.raises(ValueError, match="needs a name"):
        overlap([DANES & DANES], source)
    with pytest.raises(ValueError, match="one name"):
        overlap([DANES, segment("age > 3")], source)


def test_html_of_results_is_escaped(source):
    """What definitions and names say is never read as HTML, nor as a formula by a picture."""
    evil = "<b>$x$ & y</b>"
    asked = Segment.define(evil, f'country != "{evil}" and nickname != "{evil}"', SHOP)
    for result in (
        attrition(asked, source, as_of=NOON),
        gaps(asked, source, as_of=NOON),
        overlap({evil: asked, "other": DANES}, source, as_of=NOON),
    ):
        shown(result)
        assert "<b>$" not in result._repr_html_()
        assert "&lt;b&gt;" in result._repr_html_()
