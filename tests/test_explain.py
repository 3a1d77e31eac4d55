"""What an explanation must say: of a record, clause by clause, and what would change it."""

from __future__ import annotations

import itertools
import json
import pickle
import random
import re
from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from segmentkit import (
    BOOLEAN,
    DATE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Channel,
    DataError,
    Entity,
    Fact,
    Joined,
    KeyList,
    Link,
    Place,
    Relation,
    Schema,
    Segment,
    Trait,
    UnsupportedError,
    decimal,
)
from segmentkit._explaining.minimal_changes import (
    Junction,
    Leaf,
    Opposite,
    Tally,
    fewest_changes,
    verdict,
)
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit.dtypes import FLOAT
from tests.conformance_cases import records
from tests.property.strategies import definitions, peopled_worlds

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHOP = Schema(
    [
        Entity(
            "customers",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("country", TEXT, nullable=True),
                Attribute("born", DATE, nullable=True),
                Attribute("vip", BOOLEAN, nullable=True),
                Attribute("email", TEXT, nullable=True),
                Attribute("north", FLOAT, nullable=True),
                Attribute("east", FLOAT, nullable=True),
            ],
            places=[Place("home", latitude="north", longitude="east")],
            links=[Link("store", to="stores", key="store_id")],
            relations=[
                Relation("orders", key="customer_id", at="placed_at"),
                Relation("carts", key="customer_id", at="placed_at"),
            ],
        ),
        Entity(
            "orders",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("placed_at", TIMESTAMP),
                Attribute("amount", decimal(2), nullable=True),
                Attribute("status", TEXT),
            ],
        ),
        Entity("carts", attributes=[Attribute("placed_at", TIMESTAMP)]),
        Entity("stores", key="id", attributes=[Attribute("city", TEXT)]),
    ],
    channels=[Channel("email", address="email", consent="vip")],
)
RECORD = {
    "id": 7,
    "country": "DK",
    "born": None,
    "vip": True,
    "email": "",
    "north": 55.7,
    "east": None,
    "store": {"city": "Aarhus"},
    "orders": [
        {"id": 1, "placed_at": datetime(2026, 4, 20), "amount": 12.5, "status": "paid"},
        {"id": 2, "placed_at": datetime(2026, 4, 21), "amount": 30, "status": "open"},
        {"id": 3, "placed_at": datetime(2024, 4, 21), "amount": 7, "status": "paid"},
    ],
    "carts": [
        {"placed_at": datetime(2026, 4, 19, 12)},
        {"placed_at": datetime(2026, 4, 28)},
    ],
}


def explained(text, record=RECORD, **others):
    return Segment.define("asked", text, SHOP, **others).explain(record, as_of=NOON)


def facts(text, **others):
    tests = explained(text, **others).clause.tests()
    return {fact.text: fact.value for test in tests for fact in test.facts}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('country = "NO"', {"country": "DK"}),
        ('country in ("NO", "SE")', {"country": "DK"}),
        ('country contains "x"', {"country": "DK"}),
        ("vip", {"vip": True}),
        ("born is missing", {"born": None}),
        ("age(born) < 18", {"age(born)": None, "born": None}),
        ("born between 2000-01-01 and 2001-01-01", {"born": None}),
        ("anniversary(born) in next 7 days", {"born": None}),
        ('store.city = "Aarhus"', {"store.city": "Aarhus"}),
        ("distance(home, point(50, 30)) < 3 km", {
            "distance(home, point(50, 30))": None, "north": 55.7, "east": None,
        }),
        ("home is missing", {"north": 55.7, "east": None}),
        ("any(carts)", {"count(carts)": 2}),
        ("none(carts in last 5 days)", {"count(carts in last 5 days)": 1}),
        ("last(orders.placed_at) in last 30 days", {
            "last(orders.placed_at)": datetime(2026, 4, 21, tzinfo=UTC),
        }),
        ("customers.vip", {"customers.vip": True}),
        ("count(customers.orders) > 1", {"count(customers.orders)": 3}),
        ("in list fair", {"id": 7}),
        ("true", {}),
        ('sample(50%, "x")', {}),
    ],
)  # fmt: skip
def test_a_test_tells_the_values_that_it_looked_at(text, expected):
    """Every kind of test names what it rests on, in the language, and constants are left out."""
    assert facts(text, lists=[KeyList("fair", [7])]) == expected


def test_parts_of_a_value_are_told_too():
    """Of an expression both the whole and each of its attributes, aggregates and traits is told."""
    ltv = Trait.define("ltv", "sum(orders.amount) * 2", SHOP)
    found = facts("ltv - -id > count(orders)", traits=[ltv])
    assert [(k, float(v)) for k, v in found.items()] == [
        ("ltv - -id", 106),
        ("ltv", 99),
        ("sum(orders.amount) * 2", 99),
        ("sum(orders.amount)", 49.5),
        ("-id", -7),
        ("id", 7),
        ("count(orders)", 3),
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (
            'sum(orders.amount in last 90 days where status = "paid") > 100',
            [
                ("count(orders)", 3),
                ("count(orders in last 90 days)", 2),
                ('count(orders in last 90 days where status = "paid")', 1),
            ],
        ),
        ('count(orders where status = "paid") > 100', [("count(orders)", 3)]),
        ("count(orders) > 100", []),
        (
            "any(carts in last 30 days not followed by orders within 2 days)",
            [("count(carts)", 2), ("count(carts in last 30 days)", 2)],
        ),
        (
            "any(orders as o where amount > 1 preceded by orders where status = o.status)",
            [("count(orders)", 3), ("count(orders as o where amount > 1)", 3)],
        ),
        ("count(distinct orders.status) > 2", [("count(orders)", 3)]),
    ],
)
def test_an_aggregate_tells_how_its_rows_were_narrowed(text, rows):
    """Each limit of an aggregate, in the order of the text, has the count of rows it left."""
    (test,) = explained(text).clause.tests()
    assert list(test.facts[0].rows) == rows


def test_references_are_explained_in_their_own_words():
    """What a reference or a channel stands for is a part of it, with its own tests."""
    near = Segment.define("near", 'country = "DK"', SHOP)
    inner = Segment.define("inner", "in segment near and vip", SHOP, segments=[near])
    found = explained("in segment inner and not reachable by email", segments=[inner])
    reference, negation = found.clause.parts
    assert (reference.joined, reference.text) == (Joined.NAMED, "in segment inner")
    assert [test.text for test in reference.tests()] == ['country = "DK"', "vip"]
    (channel,) = negation.parts
    assert [(test.text, test.holds) for test in channel.tests()] == [
        ("email is present", True),
        ('email != ""', False),
        ("vip", True),
    ]
    assert found.holds


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ('country = "NO"', ['country = "NO"']),
        ('country = "DK"', ['country = "DK"']),
        ('country = "NO" and id = 8', ['country = "NO"', "id = 8"]),
        ('country = "NO" and id = 8 or vip and id = 9', ["id = 9"]),
        ('country = "DK" and vip', ['country = "DK"']),
        ("not (id = 7 or vip)", ["id = 7", "vip"]),
        # The same test twice changes once; a test and its complement change together.
        ('(id = 8 or country = "NO") and (id = 8 or not vip)', ["id = 8"]),
        ("id = 8 and (id != 8 or not vip) and count(carts) = 2", ["id = 8", "not vip"]),
        ("id = 8 and not (id = 8)", None),
        ("true or vip", None),
        ("true and not vip", ["vip"]),
    ],
)
def test_the_fewest_changes_are_found(text, changes):
    """The smallest set of tests is named; where none would do, that is said."""
    found = explained(text)
    told = None if found.changes is None else [c.text for c in found.changes]
    expected = None if changes is None else [c.removeprefix("not ") for c in changes]
    assert told == expected
    assert found.fewest


def test_missing_values_are_listed_once():
    """What was looked at and is missing is listed in the order of the text."""
    found = explained("age(born) < 18 and (born is missing or distance(home, home) < 1 km)")
    assert found.missing == ("age(born)", "born", "distance(home, home)", "east")


def test_an_explanation_is_a_value():
    """Explanations compare, hash, pickle, and are JSON, whatever the values in them."""
    found = explained("sum(orders.amount) > 3 and born is present and north < 99999")
    assert found == explained("sum(orders.amount) > 3 and born is present and north < 99999")
    again = pickle.loads(pickle.dumps(found))  # noqa: S301
    assert (again, hash(again)) == (found, hash(found))
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["holds"] is False
    assert told["missing"] == ["born"]
    assert told["changes"] == ["born is present"]
    assert told["clause"]["parts"][0]["facts"][0] == {
        "text": "sum(orders.amount)",
        "value": "49.50",
        "rows": [["count(orders)", 3]],
    }
    endless = explained("north > 3", {**RECORD, "north": float("inf")})
    json.dumps(endless.to_dict(), allow_nan=False)


def test_html_is_escaped():
    """Neither names, nor definitions, nor values of records are ever read as HTML."""
    evil = "<script>alert('&')</script>"
    segment = Segment.define(evil, f'country = "{evil}"', SHOP)
    shown = segment.explain({**RECORD, "country": evil, "id": evil}, as_of=NOON)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)" in shown


def test_a_long_value_is_cut_in_print():
    """A value of any length leaves the page readable; the fact itself has all of it."""
    found = explained('country = "x"', {**RECORD, "country": "a" * 5000})
    (fact,) = next(found.clause.tests()).facts
    assert len(str(fact)) < 120
    assert fact.value == "a" * 5000
    assert str(Fact("x", None)) == "x is missing"


def test_what_matches_refuses_is_refused():
    """Other records, open parameters and what is no record are refused as `matches` does it."""
    with pytest.raises(UnsupportedError):
        explained("top 10% by count(orders)")
    with pytest.raises(DataError, match=":least"):
        explained("id > :least")
    with pytest.raises(DataError):
        explained("id > 3", [RECORD])
    with pytest.raises(DataError):
        explained("id > 3", {**RECORD, "id": "seven"})


def flipped(segment, changes):
    """The segment with constants in the place of tests; references written out."""
    swap = {change.text: t.Literal(not change.holds, t.NOWHERE) for change in changes}

    def swapped(node):
        match node:
            case t.And(operands=parts) | t.Or(operands=parts):
                return type(node)(tuple(map(swapped, parts)), t.NOWHERE)
            case t.Counted(operands=parts):
                return evolve(node, operands=tuple(map(swapped, parts)))
            case t.Not(operand=part):
                return t.Not(swapped(part), t.NOWHERE)
            case _:
                return swap.get(format_tree(node), node)

    text = format_tree(swapped(segment._tree))
    names = {"traits": segment.traits, "lists": segment.lists}
    return Segment.define(None, text, segment.schema, **names)


@given(st.data())
def test_explanations_agree_with_matches(data):
    """For any definition and record the verdict is that of `matches`, and changes flip it."""
    world = data.draw(peopled_worlds())
    segment = world.define(data.draw(definitions(world)))
    named = [*segment.references.values(), *segment.traits.values()]
    written = " ".join([segment.definition, *map(str, named)])
    assume(not any(word in written for word in (" by ", " among ", "ntile(")))
    for record in records(world.schema, world.rows):
        found = segment.explain(record, as_of=world.as_of)
        assert found.holds is segment.matches(record, as_of=world.as_of)
        assert str(found)
        assert "<" in found._repr_html_()
        json.dumps(found.to_dict(), allow_nan=False)
        simple = not segment.references and "reachable" not in written
        # Tests that differ in the names of their rows only are one.
        texts = [re.sub(r" as (`[^`]*`|\w+)", "", test.text) for test in found.clause.tests()]
        if simple and found.changes and len(set(texts)) == len(texts):
            after = flipped(segment, found.changes).matches(record, as_of=world.as_of)
            assert after is not found.holds


def test_what_is_counted_shows_its_tally():
    """The head says how many hold, and the changes are as few as the count needs."""
    text = 'at least 2 of (id > 3, vip, country = "UA" and id > 1)'
    segment = Segment.define("s", text, SHOP)
    found = segment.explain({"id": 9, "country": "PL"}, as_of=NOON)
    assert str(found).splitlines()[1:] == [
        "✗ at least 2 of: 1 of 3 holds",
        "  ✓ id > 3",
        "      id is 9",
        "  ✗ vip",
        "      vip is missing",
        "  ✗ all of",
        '    ✗ country = "UA"',
        '        country is "PL"',
        "    ✓ id > 1",
        "        id is 9",
        "",
        "to be in, at least 1 test would have to come out otherwise:",
        "  vip would have to hold",
    ]


# -- the search ---------------------------------------------------------------------------------


def formulas(keys):
    tests = st.builds(Leaf, st.sampled_from([*keys, None]), st.booleans())
    junctions = lambda below: st.builds(  # noqa: E731
        Junction, st.booleans(), st.lists(below, min_size=1, max_size=4).map(tuple)
    )
    count = st.integers(0, 4)
    tallies = lambda below: st.builds(  # noqa: E731
        Tally, count, count, st.lists(below, min_size=1, max_size=4).map(tuple)
    )
    grown = st.recursive(
        tests, lambda b: st.one_of(junctions(b), tallies(b), st.builds(Opposite, b))
    )
    return grown.map(lambda formula: settled(formula, {}))


def settled(formula, known):
    """The same with one verdict a key."""
    match formula:
        case Leaf(None):
            return formula
        case Leaf(key, holds):
            return Leaf(key, known.setdefault(key, holds))
        case Opposite(part):
            return Opposite(settled(part, known))
        case Junction(every, parts):
            return Junction(every, tuple(settled(part, known) for part in parts))
        case Tally(least, most, parts):
            return Tally(least, most, tuple(settled(part, known) for part in parts))


def leaves_of(formula):
    match formula:
        case Leaf():
            return [] if formula.key is None else [formula]
        case Opposite(part):
            return leaves_of(part)
        case Junction(_, parts) | Tally(_, _, parts):
            return [test for part in parts for test in leaves_of(part)]


@given(st.one_of(formulas("abc"), formulas("abcdefgh")))
def test_no_fewer_tests_would_do(formula):
    """The changes found flip the formula, and no smaller set of tests does, tried one by one."""
    found = fewest_changes(formula)
    holds = {test.key: test.holds for test in leaves_of(formula)}
    before = verdict(formula, {})

    def flips(keys):
        return verdict(formula, {key: not holds[key] for key in keys}) is not before

    sizes = range(len(holds) + 1 if found.keys is None else len(found.keys))
    # Of a few formulas of many tests the search ends early, and says so.
    assert not found.fewest or not any(
        flips(keys) for n in sizes for keys in itertools.combinations(holds, n)
    )
    assert found.keys is None or flips(found.keys)


def test_thousands_of_tests_are_no_matter():
    """Where each test stands once, any number of them is exact; where not, it is said."""
    each = tuple(Junction(False, (Leaf(i, False), Leaf(-i, False))) for i in range(1, 2000))
    found = fewest_changes(Junction(True, each))
    assert (len(found.keys), found.fewest) == (1999, True)
    dice = random.Random(7)
    clauses = [
        Junction(False, tuple(Leaf(dice.randrange(150), False) for _ in range(3)))
        for _ in range(400)
    ]
    found = fewest_changes(Junction(True, tuple(clauses)))
    assert not found.fewest
    assert found.keys is not None
