"""Queries of react-querybuilder beside the SQL that it writes of them, as recorded.

The nox session "interchange" asks the package itself whether it still writes this SQL.
"""

from __future__ import annotations

import copy
import json
import pickle
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import segmentkit as sk
from segmentkit.interchange import (
    RULES,
    ConversionError,
    Converted,
    from_react_querybuilder,
    to_react_querybuilder,
)
from tests.interchange.people import PEOPLE, SHOP, database, members

RECORDED: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("react_querybuilder.json").read_text(encoding="utf-8")
)
TAKEN = [case for case in RECORDED if case["definition"] is not None]
EVERYBODY = {each["id"] for each in PEOPLE}


def rule(field: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value, **more}


def all_of(*rules: Any, **more: Any) -> dict[str, Any]:
    return {"combinator": "and", "rules": list(rules), **more}


def taken(query: Any, **more: Any) -> Converted:
    return from_react_querybuilder(query, SHOP, **more)


def refused(query: Any) -> list[tuple[str, str]]:
    """The codes and pointers of what is refused."""
    with pytest.raises(ConversionError) as caught:
        from_react_querybuilder(query, SHOP)
    codes = [each.code for each in caught.value.diagnostics]
    return list(zip(codes, caught.value.pointers, strict=True))


def asked(sql: str) -> set[int] | None:
    """Whom SQLite finds; None where it does not understand the question."""
    connection = database()
    try:
        return {key for (key,) in connection.execute(f"SELECT id FROM customers WHERE {sql}")}
    except sqlite3.OperationalError:
        return None
    finally:
        connection.close()


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case["sql"])
def test_differences_are_explained(case: dict[str, Any]) -> None:
    """Whom the SQL finds and the definition does not, or the other way round, a rule explains."""
    found = taken(case["query"])
    assert found.definition == case["definition"]
    assert sorted({each.rule for each in found.differences}) == case["rules"]
    ours, theirs = members(found.segment), asked(case["sql"])
    if theirs is None:
        assert {"names", "xor"} & set(case["rules"])
    elif found.theirs is not None:
        assert members(found.theirs) == theirs
        explained = [members(each.who) for each in found.differences if each.who is not None]
        assert ours ^ theirs <= set().union(*explained)
    else:
        assert {"wildcard", "first-instant"} & set(case["rules"])


def test_many_differ() -> None:
    """The recorded queries have each difference that there is, and those without any."""
    differ = [c for c in TAKEN if asked(c["sql"]) != members(taken(c["query"]).segment)]
    assert len(differ) >= 30
    assert all(case["rules"] for case in differ)
    told = {name for case in differ for name in case["rules"]}
    assert told == {
        *("case", "empty-group", "empty-list", "first-instant", "match", "missing", "names"),
        *("swapped-range", "wildcard", "xor"),
    }
    assert len([case for case in TAKEN if not case["rules"]]) >= 20


def test_what_is_missing_differs_exactly() -> None:
    """SQL leaves out exactly those who are in only because something is missing."""
    query = {
        "combinator": "or",
        "not": True,
        "rules": [rule("age", "<", 18), rule("vip", "=", True)],
    }
    found = taken(query)
    assert {each.rule for each in found.differences} == {"missing"}
    left_out = found.segment & found.segment.uncertain()
    assert members(found.segment) - members(left_out) == asked("NOT (age < 18 or vip = TRUE)")
    assert found.differences[0].who == left_out
    # Where the value cannot be missing, nothing differs.
    assert taken(all_of(rule("spent", "!=", 5))).differences == ()
    # And a positive test of a missing value is false in both.
    assert taken(all_of(rule("age", "<", 5))).differences == ()


def test_nobody_is_taken_for_everybody() -> None:
    """What the SQL leaves out without a word is asked here, or refused."""
    assert members(taken(all_of(rule("age", "in", []))).segment) == set()
    paid = all_of(rule("status", "=", "paid"))
    for mode in ({"mode": "some"}, {"mode": "none"}, {"mode": "exactly", "threshold": 3}):
        assert members(taken(all_of(rule("orders", "=", paid, match=mode))).segment) < EVERYBODY
    assert refused(all_of(rule("age", "between", [18]))) == [("SK501", "/rules/0/value")]
    assert refused(all_of(rule("age", "between", ["", 18]))) == [("SK501", "/rules/0/value/0")]
    assert refused(all_of(rule("~", "=", 1))) == [("SK501", "")]
    assert refused(all_of(rule("age", "=", 1), muted=True)) == [("SK501", "")]
    unfinished = {"combinator": "or", "rules": [rule("age", ">", 39), all_of(rule("~", "=", 1))]}
    assert taken(unfinished).definition == "age > 39"
    assert taken(unfinished).left_out == ("/rules/1/rules/0",)


MATCHES = {
    ("all", None): {1, 3, 6, 7, 8, 9},
    ("some", None): {1, 4, 8},
    ("none", None): {2, 3, 5, 6, 7, 9},
    ("atLeast", 1): {1, 4, 8},
    ("atLeast", 2): {1, 8},
    ("atMost", 0): {2, 3, 5, 6, 7, 9},
    ("atMost", 2): {1, 2, 3, 4, 5, 6, 7, 9},
    ("exactly", 3): {8},
    ("atLeast", 0.5): {1, 3, 4, 6, 7, 8, 9},
    ("exactly", Decimal("0.5")): {3, 4, 6, 7, 9},
}


@pytest.mark.parametrize("mode", MATCHES, ids=str)
def test_match_modes(mode: tuple[str, Any]) -> None:
    """A match mode asks how many rows fit, or which share of them, as a filter of a list would."""
    name, threshold = mode
    paid = all_of(rule("status", "=", "paid"))
    query = all_of(rule("orders", "=", paid, match={"mode": name, "threshold": threshold}))
    assert members(taken(query).segment) == MATCHES[mode]


SAID = [
    (all_of(rule("tags", "contains", "press")), 'tags contains "press"'),
    (all_of(rule("company.industry", "=", "Retail")), 'company.industry = "Retail"'),
    (all_of(rule("properties.seats", ">", "2")), "properties.seats > 2"),
    (all_of(rule("customers.age", ">", 2)), "age > 2"),
    (all_of(rule("age", "=", "4e1")), "age = 40"),
    (all_of(rule("spent", "=", 99.9)), "spent = 99.9"),
    (all_of(rule("age", "=", ":least", valueSource="parameter")), "age = :least"),
    (all_of(rule("name", "in", r"a\,b, c,,")), 'name in ("a,b", "c")'),
    (all_of(rule("name", "=", "~")), 'name = "~"'),
    (all_of(rule("name", "contains", 5)), 'name contains "5"'),
    (all_of(rule("name", "containsIgnoringCase", "x")), 'name contains "x" ignoring case'),
    (all_of(rule("seen", ">", "2026-05-01T10:00:00.000Z")), "seen > 2026-05-01T10:00Z"),
    (all_of(rule("age", "notIn", ["credit", "limit"], valueSource="field")), "not (age = credit or age = limit)"),
    ('{"combinator": "and", "rules": [{"field": "spent", "operator": "=", "value": 0.10}]}', "spent = 0.10"),
    (all_of(rule("age", ">", 1, id="a", path=[0], disabled=True, meta={"mine": 1})), "age > 1"),
    (all_of(all_of(rule("age", ">", 1)), all_of(rule("vip", "=", True, valueSource="value"))), "age > 1 and vip = true"),
    ({"rules": [rule("age", ">", 1), "or", rule("age", "<", 9), "and", rule("vip", "=", False)]}, "age > 1 or age < 9 and vip = false"),
    (all_of(rule("orders", "=", all_of(rule("amount", "between", [1, 2])), match={"mode": "some"})), "any(orders where amount between 1 and 2)"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "definition"), SAID, ids=[text for _, text in SAID])
def test_said(query: Any, definition: str) -> None:
    """Values have the types of the schema, and names are those of definitions."""
    assert taken(query).definition == definition


REFUSED = [
    (all_of(rule("name", "contains", "country", valueSource="field")), "SK502", "/rules/0/value"),
    (all_of(rule("name", "=", None)), "SK501", "/rules/0/value"),
    (all_of(rule("age", "=", True)), "SK501", "/rules/0/value"),
    (all_of(rule("vip", "=", "true")), "SK501", "/rules/0/value"),
    (all_of(rule("age", "=", "0x10")), "SK501", "/rules/0/value"),
    (all_of(rule("age", "=", float("nan"))), "SK501", "/rules/0/value"),
    (all_of(rule("age", "=", float("inf"))), "SK501", "/rules/0/value"),
    (all_of(rule("age", "=", 2**63)), "SK013", "/rules/0/value"),
    (all_of(rule("age", "=", 10**5000)), "SK013", "/rules/0/value"),
    (all_of(rule("spent", "=", "1e-19")), "SK013", "/rules/0/value"),
    (all_of(rule("joined", "=", "2026-02-30")), "SK501", "/rules/0/value"),
    (all_of(rule("joined", "=", "2026-02-03T10:00Z")), "SK501", "/rules/0/value"),
    (all_of(rule("seen", "=", 1767225600)), "SK501", "/rules/0/value"),
    (all_of(rule("name", "=", "\ud800")), "SK501", "/rules/0/value"),
    (all_of(rule("name", "<", "x")), "SK105", "/rules/0"),
    (all_of(rule("tags", "=", "x")), "SK161", "/rules/0"),
    (all_of(rule("agee", "=", 1)), "SK101", "/rules/0/field"),
    (all_of(rule("age", "≥", 1)), "SK501", "/rules/0/operator"),
    (all_of(rule("age", "=", 1, lhs={"fn": "abs"})), "SK501", "/rules/0/lhs"),
    (all_of(rule("age", "=", 1, valueSource="expression")), "SK502", "/rules/0/valueSource"),
    (all_of(rule("age", "=", "a b", valueSource="parameter")), "SK501", "/rules/0/value"),
    (all_of(rule("orders", "=", "x")), "SK501", "/rules/0"),
    (all_of(rule("tags", "=", all_of(), match={"mode": "some"})), "SK502", "/rules/0/field"),
    (all_of(rule("orders", "=", all_of(), match={"mode": "most"})), "SK501", "/rules/0/match"),
    (all_of(rule("orders", "=", all_of(), match={"mode": "atLeast"})), "SK501", "/rules/0/match/threshold"),
    (all_of(rule("orders", "=", all_of(), match={"mode": "atLeast", "threshold": -1})), "SK501", "/rules/0/match/threshold"),
    (all_of(rule("orders", "=", "x", match={"mode": "some"})), "SK501", "/rules/0/value"),
    (all_of(rule("age", "=", 1), **{"not": "yes"}), "SK501", "/not"),
    ({"combinator": "nand", "rules": [rule("age", "=", 1)]}, "SK501", "/combinator"),
    ({"combinator": "xor", "rules": [rule("age", "=", n) for n in range(3)]}, "SK502", ""),
    ({"rules": [rule("age", "=", 1), "and"]}, "SK501", "/rules"),
    ({"rules": [rule("age", "=", 1), rule("age", "=", 2), "and"]}, "SK501", "/rules/1"),
    (all_of(5), "SK501", "/rules/0"),
    ({"combinator": "and", "rules": "age"}, "SK501", ""),
    ({"combinator": "and", "rules": [], "a/b~": 1}, "SK501", "/a~1b~0"),
    ([], "SK501", ""),
    (None, "SK501", ""),
    ("[", "SK501", ""),
    ("[" * 100_000, "SK007", ""),
    ('{"rules": [], "rules": []}', "SK501", ""),
    ('{"rules": [NaN]}', "SK501", ""),
    (f'{{"rules": [{"9" * 5000}]}}', "SK501", "/rules/0"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "code", "pointer"), REFUSED, ids=range(len(REFUSED)))
def test_refused(query: Any, code: str, pointer: str) -> None:
    """What cannot be said is refused at its place."""
    assert refused(query)[0] == (code, pointer)


def test_all_mistakes_are_told_at_once() -> None:
    """A mistake in a rule does not hide those of others; the error is for programs, too."""
    query = all_of(rule("agee", "=", 1), all_of(rule("age", "=", "x")), rule("name", "like", "x"))
    with pytest.raises(ConversionError) as caught:
        taken(query)
    told = caught.value.to_dict()["diagnostics"]
    pointers = ["/rules/0/field", "/rules/1/rules/0/value", "/rules/2/operator"]
    assert [each["pointer"] for each in told] == pointers
    assert told[0]["hint"] == "did you mean 'age'?"
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - ours
    assert (again.pointers, str(again)) == (caught.value.pointers, str(caught.value))


def test_a_document_is_no_field() -> None:
    """Its keys are; what is told can be followed."""
    for field, hint in (
        ("properties", "there are properties.plan, properties.seats"),
        ("properties.seat", "did you mean 'properties.seats'?"),
    ):
        with pytest.raises(ConversionError) as caught:
            taken(all_of(rule(field, "=", 1)))
        assert caught.value.to_dict()["diagnostics"][0]["hint"] == hint


def test_deep_and_large() -> None:
    """Depth and size have limits, and a query that holds itself is only deep."""
    deep: dict[str, Any] = all_of(rule("age", "=", 1))
    for _ in range(50_000):
        deep = all_of(deep)
    assert refused(deep)[0][0] == "SK007"
    while deep.get("rules"):
        deep = deep["rules"].pop()  # so that no recursion takes it apart
    circle = all_of()
    circle["rules"].append(circle)
    assert refused(circle)[0][0] == "SK007"
    rules = [rule("age", "=", 1)] * 60_000
    assert refused(all_of(*rules)) == [("SK127", "/rules/24999/value")]
    assert refused(all_of(rule("name", "=", "x" * 100_000))) == [("SK006", "")]
    alternating = all_of(rule("age", "=", 1), rule("age", "=", 2))
    for i in range(50):
        alternating = {
            "combinator": "or" if i % 2 else "and",
            "rules": [alternating, rule("age", "=", i)],
        }
    assert refused(alternating)[0][0] == "SK007"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [*(each.name for each in SHOP.entity.attributes), "orders", "~", "x", "company.industry"]
)
OPERATORS = st.sampled_from(
    [*["=", "!=", "<", "<=", ">", ">=", "in", "notIn", "between", "notBetween", "contains", "beginsWith", "endsWith", "null", "notNull"], "doesNotContain", "~", "like"]
)  # fmt: skip
VALUES = (
    JSON
    | st.integers(-50, 50)
    | st.sampled_from(["2026-01-31", "2026-01-31T10:00:00Z", "18", "DK, NO", "a", "", True])
    | st.lists(st.integers(0, 50) | st.sampled_from(["DK", "2026-01-31"]), max_size=3)
)
RULES_DRAWN = st.fixed_dictionaries(
    {"field": FIELDS, "operator": OPERATORS, "value": VALUES},
    optional={
        "valueSource": st.sampled_from(["value", "field", "parameter"]),
        "muted": st.booleans(),
    },
)
QUERIES = st.recursive(
    RULES_DRAWN,
    lambda inner: st.fixed_dictionaries(
        {"combinator": st.sampled_from(["and", "or", "xor"]), "rules": st.lists(inner, max_size=3)},
        optional={"not": st.booleans(), "muted": st.booleans()},
    ),
    max_leaves=6,
)


@given(JSON | QUERIES.map(lambda query: query if "rules" in query else all_of(query)))
def test_any_json(query: Any) -> None:
    """Any JSON at all gives a segment, which its text defines too, or a mistake with a place."""
    before = copy.deepcopy(query)
    try:
        found = taken(query)
    except ConversionError as error:
        assert error.diagnostics
        assert all(each == "" or each.startswith("/") for each in error.pointers)
    else:
        again = sk.Segment.define(None, found.definition, SHOP)
        assert again == found.segment
        assert again.definition == found.definition
        assert found.segment.warnings == again.warnings
        assert all(each.rule in RULES for each in found.differences)
    assert repr(query) == repr(before)


HANDED_ON = [
    "age >= 18", "18 < age", "not age < 18", "not (age < 18 or vip)", "vip", "true", "not true",
    'name contains any ("a", "b")', 'name not contains all ("a", "b") ignoring case',
    'name != "x" ignoring case', 'name in ("a, b", "c") ignoring case', "age between 1 and 2",
    "seen between 2026-01-01 and 2026-01-31", "joined not between 2026-01-01 and 2026-01-31",
    "seen >= 2026-01-01T10:00:00.5+02:00", "age <= credit", "age between credit and limit",
    "age > :least", "spent >= 99.90", "name is missing or age is present", 'company.industry = "R"',
    'properties.plan != "x"', 'tags contains all ("a", "b")', "any(orders)", "none(orders)",
    'none(orders where status = "paid")', 'none(orders where not status = "paid")',
    'count(orders where status = "paid") > 2', "count(orders) < 1", "count(orders) != 2",
    "count(orders where amount > 5) >= 0.5 * count(orders)", "not not vip", "credit >= limit",
]  # fmt: skip


@pytest.mark.parametrize("definition", HANDED_ON)
def test_handed_on(definition: str) -> None:
    """A segment that is handed on as a query comes back with the same people; JSON holds it."""
    segment = sk.Segment.define(None, definition, SHOP)
    exported = to_react_querybuilder(segment)
    back = taken(json.dumps(exported.query))
    assert to_react_querybuilder(back.segment).query == exported.query
    if not segment.parameters:
        assert members(back.segment) == members(segment)
    assert [(d.rule, d.pointer) for d in back.differences] == [
        (d.rule, d.pointer) for d in exported.differences
    ]


KEPT = [
    "false", "count(orders in last 3 days) > 2", "top 10% by age", "seen < now", "age + 1 > 3",
    "any(orders where amount > customers.age)", "seen in last 3 days", "count(orders) < 0",
    "sum(orders.amount) > 5", "at least 1 of (vip, age > 3)", "count(orders) > 1.5",
    "any(orders followed by orders)", "age between credit and 5",
]  # fmt: skip


@pytest.mark.parametrize("definition", KEPT)
def test_kept(definition: str) -> None:
    """What no rule can say is refused, with its place in the definition."""
    segment = sk.Segment.define(None, f"vip and ({definition})", SHOP)
    with pytest.raises(sk.DefinitionError, match="SK503") as caught:
        to_react_querybuilder(segment)
    assert all(each.span.start > 7 for each in caught.value.diagnostics)


def test_traits() -> None:
    """A trait is a field like others, on the way in and on the way out."""
    spent = sk.Trait.define("paid", "sum(orders.amount)", SHOP)
    found = taken(all_of(rule("paid", ">", "50"), rule("age", ">", 0)), traits=[spent], name="x")
    assert (found.segment.name, found.definition) == ("x", "paid > 50 and age > 0")
    assert found.segment.traits == {"paid": spent}
    assert to_react_querybuilder(found.segment).query["rules"][0]["value"] == 50


def test_a_muted_group_alone() -> None:
    """SQL has everybody in a muted group that stands alone, even under a not."""
    muted = all_of(rule("age", ">", 1), muted=True)
    found = taken(
        {"combinator": "or", "rules": [rule("age", ">", 39), all_of(muted, **{"not": True})]}
    )
    assert found.definition == "age > 39"
    assert found.left_out == ("/rules/1/rules/0",)
    assert found.theirs is not None
    assert members(found.theirs) == asked("(age > 39 or NOT ((1 = 1)))")


def test_ignoring_case() -> None:
    """Where the database ignores case, the definition can do so from the start."""
    found = taken(all_of(rule("name", "contains", "ADA")), ignoring_case=True)
    assert found.definition == 'name contains "ADA" ignoring case'
    assert found.differences == ()
