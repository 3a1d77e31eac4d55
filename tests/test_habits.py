"""Habits of other languages: the hint, followed to the letter, says what was meant."""

from __future__ import annotations

import re

import pytest

from segmentkit import (
    BOOLEAN,
    DATE,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    Attribute,
    Entity,
    Link,
    Relation,
    Schema,
    Segment,
    SegmentSyntaxError,
    SegmentTypeError,
    format_definition,
)
from segmentkit._diagnostics.diagnostic import Diagnostic
from segmentkit._language.parser import parse

LETTERS = [
    # texts without quotes
    (
        "email = ann.lee+x@shop-one.example.com and a",
        'email = "ann.lee+x@shop-one.example.com" and a',
    ),
    ("email in (a@b.co, c@d.co)", 'email in ("a@b.co", "c@d.co")'),
    ("site = https://shop.example/a?b=1", 'site = "https://shop.example/a?b=1"'),
    ("(email = a@b.co)", '(email = "a@b.co")'),
    # numbers
    ("id % 10 = 3 and a", "mod(id, 10) = 3 and a"),
    ("a and orders.n%k = 0", "a and mod(orders.n, k) = 0"),
    # times
    ("joined + 7 days > now()", "joined > 7 days ago"),
    ("joined - 7 days <= now()", "joined <= 7 days from now"),
    ("a and joined + 1 week < now() or b", "a and joined < 1 week ago or b"),
    ("now() - 30 days < seen", "30 days ago < seen"),
    ("now() - seen > 30 days", "seen < 30 days ago"),
    ("now() - seen <= 3 hours and a", "seen >= 3 hours ago and a"),
    ("seen > now() - 30 days", "seen > 30 days ago"),
    ("seen > NOW() - INTERVAL '30 days'", "seen > 30 days ago"),
    ("seen > now - INTERVAL '30' DAY", "seen > 30 days ago"),
    ("seen > CURRENT_TIMESTAMP + INTERVAL 7 days", "seen > 7 days from now"),
    ("born > DATE '2020-01-31'", "born > 2020-01-31"),
    ("seen > TIMESTAMP '2020-01-31 10:00:00'", "seen > 2020-01-31T10:00:00"),
    ("seen between 2020-01-01 to 2020-02-01", "seen between 2020-01-01 and 2020-02-01"),
    # texts
    ('"a" in tags', 'tags contains "a"'),
    ("b and 'a' not in tags", 'b and tags not contains "a"'),
    ('name starts with ("x", "y")', '(name starts with "x" or name starts with "y")'),
    ('email ends with any (".de", ".at")', 'email ends with ".de" or email ends with ".at"'),
    (
        'a or email not ends with any (".de", ".at")',
        'a or not (email ends with ".de" or email ends with ".at")',
    ),
    ("name LIKE '%x%'", 'name contains "x"'),
    ("name LIKE 'x y%'", 'name starts with "x y"'),
    ("name NOT LIKE '%x'", 'name not ends with "x"'),
    ("name ILIKE '%x%' or a", 'name contains "x" ignoring case or a'),
    ("name not like 'x'", 'name != "x"'),
    ('contains(name, "x")', 'name contains "x"'),
    ('name.startswith("x")', 'name starts with "x"'),
    ('not name.str.endswith("x")', 'not name ends with "x"'),
    ("name.str.contains('x')", 'name contains "x"'),
    ('name.lower() == "x"', 'name = "x" ignoring case'),
    ('name icontains "x"', 'name contains "x" ignoring case'),
    ('tags has "x"', 'tags contains "x"'),
    # lists
    ("tags contains any ()", "false"),
    ("tags not contains all ()", "false"),
    ('country in ["UA", "PL"]', 'country in ("UA", "PL")'),
    ('country not in {"UA"}', 'country not in ("UA")'),
    ("n in 1, 2 and a", "n in (1, 2) and a"),
    ('country = ("UA", "PL")', 'country in ("UA", "PL")'),
    ('country != "UA", "PL"', 'country not in ("UA", "PL")'),
    ('country.isin(["UA", "PL"])', 'country in ("UA", "PL")'),
    ('country is not in ("UA", "PL")', 'country not in ("UA", "PL")'),
    ('country is one of ("UA", "PL")', 'country in ("UA", "PL")'),
    ("n in 1..3", "n between 1 and 3"),
    ("n between (1, 3)", "n between 1 and 3"),
    # what is missing
    ("a.isna()", "a is missing"),
    ("a.notnull() and b", "a is present and b"),
    ("a is not none", "a is not missing"),
    # comparisons
    ("n gt 3", "n > 3"),
    ("n ge 3 and n lt 5", "n >= 3 and n < 5"),
    ("n le 3 or m ne 4 or k eq 5", "n <= 3 or m != 4 or k = 5"),
    ("n === 3", "n = 3"),
    ("n !== 3", "n != 3"),
    ("n := 3", "n = 3"),
    ("n ! = 3 and m > = 4", "n != 3 and m >= 4"),
    ("n is greater than 3", "n > 3"),
    ("n less than or equal to 3", "n <= 3"),
    ("n is at least 3", "n >= 3"),
    ("n is equal to 3", "n = 3"),
    ('country is "UA"', 'country = "UA"'),
    ("vip is not true", "vip != true"),
    ('country not "UA"', 'country != "UA"'),
    ("n > 3 and < 5", "n > 3 and n < 5"),
    ("1 < n <= 5", "1 < n and n <= 5"),
    ("1 <= n <= 5", "n between 1 and 5"),
    ("5 >= n >= 1", "n between 1 and 5"),
    # logic
    ("!vip", "not vip"),
    ("!(n = 1) && b", "not (n = 1) and b"),
    ("~(a = 1)", "not (a = 1)"),
    ("~ a or b", "not a or b"),
    ("(n > 3) & (n < 5) | b", "(n > 3) and (n < 5) or b"),
    ("AND(n > 3, b)", "(n > 3 and b)"),
    ("OR(n in (1, 2), b, c and d)", "(n in (1, 2) or b or (c and d))"),
    ("IF(n > 3, a, b)", "(n > 3 and a or not (n > 3) and b)"),
    ("2 of (a, n > 3)", "at least 2 of (a, n > 3)"),
    ("at least two of (a, b, c)", "at least 2 of (a, b, c)"),
    ("at most 1 (a, b, c)", "at most 1 of (a, b, c)"),
    ("exactly one of (a, b or c)", "exactly 1 of (a, b or c)"),
    ("all of (a, b or c)", "(a and (b or c))"),
    ("none of (a, b)", "not (a or b)"),
    ("n > 3 xor b", "n > 3 and not b or not n > 3 and b"),
    ("a unless b", "a and not b"),
    # segments, relations, parameters, names
    ("customer in segment b", "in segment b"),
    ('a and id is not in list "c d"', 'a and id not in list "c d"'),
    ("exists orders", "any(orders)"),
    ("a and has orders", "a and any(orders)"),
    ("orders.count() > 3", "count(orders) > 3"),
    ("any(orders) where amount > 5", "any(orders where amount > 5)"),
    ("n > ${least}", "n > :least"),
    ("n > @least", "n > :least"),
    ('df["n"] > 3', "n > 3"),
    ("df['order count'] > 3 & df['b']", "`order count` > 3 and b"),
    ("[n] > 3", "n > 3"),
    ("Body Mass (g) > 4500", "`Body Mass (g)` > 4500"),
    ("a and Order Count = 3", "a and `Order Count` = 3"),
    ("[Body Mass (g)] > 3", "`Body Mass (g)` > 3"),
    # of which the nearest reading would be another definition
    ("n > 18,5 and a", "n > 18.5 and a"),
    ("n <= -1,25", "n <= -1.25"),
    ("IF(n > 3, true, false)", "(n > 3)"),
    ("orders/$count gt 3", "count(orders) > 3"),
    ("name = 'O''Brien'", 'name = "O\'Brien"'),
    ("n =! 3", "n != 3"),
    ('name does not equal "x"', 'name != "x"'),
    ('name not equal to "x"', 'name != "x"'),
    ('name equal to "x" or a', 'name = "x" or a'),
    ('name does not contain "x"', 'name not contains "x"'),
    ('name doesn\'t contain "x"', 'name not contains "x"'),
    ('name isn\'t "x"', 'name != "x"'),
    ('name begins with "x"', 'name starts with "x"'),
    ('name ends "x"', 'name ends with "x"'),
    ("name.str.len() > 3", "length(name) > 3"),
    ("country is UA", 'country = "UA"'),
    ("born is not today", "born != today"),
    ("name not null and a", "name is present and a"),
    ("name has value", "name is present"),
    ("name is unknown", "name is missing"),
    ("n over 18", "n > 18"),
    ("n is under :most", "n < :most"),
    ("n exactly 18", "n = 18"),
    ("n in 18-30", "n between 18 and 30"),
    ("n in [18..30] and a", "n between 18 and 30 and a"),
    # times
    ("seen within 30 days", "seen in last 30 days"),
    ("seen within the last 2 weeks", "seen in last 2 weeks"),
    ("seen in the past 30 days", "seen in last 30 days"),
    ("seen during last 30 days and a", "seen in last 30 days and a"),
    ("seen is older than 30 days", "seen < 30 days ago"),
    ("seen newer than 2 hours ago", "seen > 2 hours ago"),
    ("seen from 2026-01-01 to 2026-02-01", "seen between 2026-01-01 and 2026-02-01"),
    ("seen on 2026-01-01", "seen in 2026-01-01"),
    ("EXTRACT(YEAR FROM born) = 1990", "year(born) = 1990"),
    ("extract(day from born) = 1", "monthday(born) = 1"),
    ("CAST(seen AS DATE) = 2026-01-01", "day(seen) = 2026-01-01"),
    ("seen::date = 2026-01-01 and n::int > 3", "day(seen) = 2026-01-01 and n > 3"),
    # rows
    ("count(orders) > 3 in last 30 days", "count(orders in last 30 days) > 3"),
    ("a and count(orders) = 0 in this month", "a and count(orders in this month) = 0"),
    ('count(orders where status = "paid" > 2', 'count(orders where status = "paid") > 2'),
    ('count(orders[status = "paid"]) > 3', 'count(orders where status = "paid") > 3'),
    ("orders.sum(amount) > 3", "sum(orders.amount) > 3"),
    ("orders.amount.mean() > 3", "avg(orders.amount) > 3"),
    ("orders.any(amount > 3) and a", "any(orders where amount > 3) and a"),
    ("any(orders.amount > 3)", "any(orders where amount > 3)"),
    ("orders.exists()", "any(orders)"),
    ("no orders and a", "none(orders) and a"),
    ("a or without orders", "a or none(orders)"),
    ("properties->>'plan' = 'pro'", 'properties.plan = "pro"'),
    # segments
    ("segment b", "in segment b"),
    ("a and not segment b", "a and not in segment b"),
    ('in segment("b c")', 'in segment "b c"'),
    ("not in list(x)", "not in list x"),
    ("belongs to segment b", "in segment b"),
    ("in segment b since 30 days", "in segment b for 30 days"),
    ("in segment b for at least 2 weeks and a", "in segment b for 2 weeks and a"),
    ("in segment b for more than 1 year", "in segment b for 1 year"),
    ("entered b in last 7 days", "entered segment b in last 7 days"),
    ('a or left "b c" in this month', 'a or left segment "b c" in this month'),
]


def refused(text: str) -> Diagnostic:
    with pytest.raises(SegmentSyntaxError) as caught:
        parse(text)
    (found,) = caught.value.diagnostics
    return found


@pytest.mark.parametrize(("written", "meant"), LETTERS)
def test_the_hint_followed_to_the_letter(written: str, meant: str) -> None:
    """What the hint says, in the place of what is underlined, is what was meant."""
    text, steps = written, 0
    while text == written or not readable(text):
        found = refused(text)
        hint = re.match("write '(.*?)'(?:; |$)", found.hint or "", re.DOTALL)
        assert hint, found.render(text)
        text = text[: found.span.start] + hint[1] + text[found.span.end :]
        steps += 1
        assert steps < 5, text
    assert format_definition(text) == format_definition(meant)


def readable(text: str) -> bool:
    try:
        parse(text)
    except SegmentSyntaxError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("tags is blank", """write 'tags = ""' for a text, 'tags is empty' for a list, 'none(tags)' for a relation, or 'tags is missing'"""),
        ("orders is not blank", """write 'orders != ""' for a text, 'orders is not empty' for a list, 'any(orders)' for a relation, or 'orders is present'"""),
        ("name like 'a_b'", "write 'contains', 'starts with' or 'ends with'"),
        ("name like 'a%b'", "write 'contains', 'starts with' or 'ends with'"),
        (
            "home town = 3",
            "write tests with 'and' or 'or' between them, and a name of several words as `home town`",
        ),
    ],
)  # fmt: skip
def test_what_one_form_does_not_say(text: str, hint: str) -> None:
    """Where it depends on what a name is, or nothing says the same, the hint names the choices."""
    assert refused(text).hint == hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("count(*) > 3", "name a relation: count(orders)"),
        ("n > 5e3", "write numbers out: 5000"),
        ("n > 1e300", "numbers have no exponent, and 18 digits at most before and after the point"),
        ("n > 1.5e-3", "write numbers out: 0.0015"),
        ("n > 12k", "write 12000"),
        ("born > 2026/01/02", "write 2026-01-02"),
        ("born > 2026-02", "write 2026-02-01, or for the whole month 'in 2026-02'"),
        ("n > 3 ORDER BY n", "a definition is one condition: leave this out"),
        ("n > 3 limit 10", "a definition is one condition: leave this out"),
        (
            "name.size() > 3",
            "write 'length(name)' for a text or a list, or 'count(name)' for a relation",
        ),
        ("p['x'] = 1", "write 'x' for a column, or 'p.x' for a value in JSON"),
        ("count orders > 3", "write 'count(orders)'"),
        ("seen in 30 days", "write 'in last 30 days' or 'in next 30 days'"),
        ("name = 'df[\"n\"] > 3' 4", "'and', 'or' or the end can follow"),
        (
            "n in 1, " + ", ".join(map(str, range(200))),
            "a list '(…)', or a window such as 'last 30 days' or 'this month', must follow",
        ),
        ("name = 'a' 'now - 7 days'", "'and', 'or' or the end can follow"),
    ],
)
def test_what_is_no_habit(text: str, hint: str) -> None:
    """What only looks like one, or stands in quotes, has the hint of its own mistake."""
    assert refused(text).hint == hint


PEOPLE = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("name", TEXT, True),
                Attribute("tags", TEXTS, True),
                Attribute("born", DATE, True),
                Attribute("seen", TIMESTAMP, True),
                Attribute("vip", BOOLEAN, True),
            ],
            links=[Link("gym", to="gyms", key="gym_id")],
            relations=[Relation("visits", key="person", at="at")],
        ),
        Entity("visits", attributes=[Attribute("at", TIMESTAMP)]),
        Entity("gyms", key="id", attributes=[Attribute("id", INTEGER), Attribute("name", TEXT)]),
    ]
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("visits in last 3 days and id > 1", "any(visits in last 3 days) and id > 1"),
        ("visits not in last 3 days", "none(visits in last 3 days)"),
        ("visits between 2026-01-01 and today", "any(visits between 2026-01-01 and today)"),
        ("visits is missing", "none(visits)"),
        ("visits is present or id > 1", "any(visits) or id > 1"),
        ("id > 1 and not visits", "id > 1 and not any(visits)"),
        ("visits > 5", "count(visits) > 5"),
        ("visits in (1, 2)", "count(visits) in (1, 2)"),
        ('startswith(name, "x")', 'name starts with "x"'),
        ('not ends_with(name, "x")', 'not name ends with "x"'),
        ("ISNULL(born) or id = 3", "born is missing or id = 3"),
        ("notna(born)", "born is present"),
        ("born < CURRENT_DATE", "born < today"),
        ("seen < current_timestamp", "seen < now"),
        ("born = null", "born is missing"),
        ("id > 1 and born != None", "id > 1 and born is present"),
        ("seen.dt.year = 2026", "year(seen) = 2026"),
        ("born.day = 3", "monthday(born) = 3"),
        ("name.length > 3", "length(name) > 3"),
        ("any(name)", "name is present"),
        ("vip = T and id > 1", "vip = true and id > 1"),
        ("vip = off", "vip = false"),
        ('gym = "A"', 'gym.name = "A"'),
        ("gym > 3", "gym.id > 3"),
    ],
)
def test_the_hint_of_the_schema_followed_to_the_letter(written: str, meant: str) -> None:
    """So it is where the text can be read, but a schema has nothing of that name or type."""
    with pytest.raises(SegmentTypeError) as caught:
        Segment.define(None, written, PEOPLE)
    (found,) = caught.value.diagnostics
    hint = re.fullmatch("write (.*)", found.hint or "")
    assert hint, found.render(written)
    text = written[: found.span.start] + hint[1] + written[found.span.end :]
    assert Segment.define(None, text, PEOPLE) == Segment.define(None, meant, PEOPLE)


def test_one_of_several_values_after_a_sign() -> None:
    """Brackets are no part of a definition's tree, so the hint says the whole test."""
    for sign, word in (("=", "in"), ("!=", "not in")):
        with pytest.raises(SegmentTypeError) as caught:
            Segment.define(None, f'name {sign} ("x" or "y")', PEOPLE)
        (found,) = caught.value.diagnostics
        assert found.hint == f'several values stand in a list: name {word} ("x", "y")'


def test_what_is_asked_of_rows_without_an_attribute() -> None:
    """Aggregates behind the name of a relation are calls, and no attribute is made up."""
    orders = [Attribute("id", INTEGER), Attribute("amount", INTEGER), Attribute("status", TEXT)]
    root = Entity(
        "customers",
        key="id",
        attributes=[Attribute("id", INTEGER)],
        relations=[Relation("orders", key="customer_id")],
    )
    schema = Schema([root, Entity("orders", key="id", attributes=orders)])
    hints = {
        "orders.max > 2": "write max(orders.amount)",
        "orders.exists": "write any(orders)",
        "orders.count > 2": "write count(orders)",
        "orders.last.amount > 2": "write last(orders.amount)",
        "orders.price > 2": "did you mean 'amount'?",
        "orders.total > 2": "write sum(orders.amount)",
        "orders.foo > 2": "there are amount, id, status",
    }
    for text, hint in hints.items():
        with pytest.raises(SegmentTypeError) as caught:
            Segment.define(None, text, schema)
        assert caught.value.diagnostics[0].hint == hint
