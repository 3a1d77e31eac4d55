"""Conditions of SQL beside the answers of SQLite to the same text."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import segmentkit as sk
from segmentkit.interchange import ConversionError, from_sql
from tests.interchange.people import SHOP, members
from tests.interchange.test_react_querybuilder import RECORDED, asked

SAID = [
    ("NOT age < 18", "not age < 18"),
    ("age IS NOT NULL AND vip", "age is present and vip"),
    ("vip IS NOT TRUE", "not (vip = true and vip is present)"),
    ("age IS DISTINCT FROM 18", "age != 18 or age is missing"),
    ("name NOT LIKE '%a'", 'name not ends with "a"'),
    ("name LIKE 'A%a'", 'name starts with "A" and name ends with "a" and length(name) >= 2'),
    ("name LIKE 'Ada'", 'name = "Ada"'),
    ("name LIKE '%100!%%' ESCAPE '!'", 'name contains "100%"'),
    ("seen > now() - interval '30 days'", "seen > 30 days ago"),
    ("seen > CURRENT_TIMESTAMP", "seen > now"),
    ("joined >= current_date - interval '7' day", "joined >= today - 7 days"),
    ("joined = DATE '2026-01-01'", "joined = 2026-01-01"),
    ("seen > TIMESTAMP '2026-01-01 10:00:00'", "seen > 2026-01-01T10:00"),
    ("age NOT BETWEEN 1 AND 20", "age not between 1 and 20"),
    ("COALESCE(age, 0) < 18", "default(age, 0) < 18"),
    ("age + 1 > credit * 2", "age + 1 > credit * 2"),
    ("lower(name) = 'ada'", 'name = "ada" ignoring case'),
    ("1 = 0 OR -1 < AGE", "false or -1 < age"),
    ("customers.age > 3 AND company.industry = 'R'", 'age > 3 and company.industry = "R"'),
    ('"limit" <> 20', "limit != 20"),
    ("age > :least", "age > :least"),
    ("vip = 1", "vip = true"),
    ("spent >= 99.90", "spent >= 99.90"),
    (
        "NOT EXISTS (SELECT * FROM orders o WHERE o.customer_id = customers.id AND status = 'paid')",
        'none(orders where status = "paid")',
    ),
    (
        "EXISTS (SELECT 1 FROM notes WHERE customers.id = customer_id AND NOT stars > 3)",
        "any(notes where not stars > 3 and stars is present)",
    ),
    (
        "(SELECT COUNT(*) FROM orders WHERE customer_id = customers.id "
        "AND amount > customers.credit) >= 2",
        "count(orders where amount > customers.credit) >= 2",
    ),
    ("NOT (age > 1 OR (vip AND name = 'it''s'))", 'not (age > 1 or vip and name = "it\'s")'),
    ("seen BETWEEN '2026-01-01' AND current_date", "seen >= 2026-01-01T00:00 and seen <= today"),
    (
        "seen NOT BETWEEN '2026-01-01' AND current_date",
        "not (seen >= 2026-01-01T00:00 and seen <= today)",
    ),
    ("joined BETWEEN '2026-01-01' AND current_date", "joined between 2026-01-01 and today"),
    ("lower(name) LIKE 'a%'", 'name starts with "a" ignoring case'),
    ("-age < 3", "-age < 3"),
]


@pytest.mark.parametrize(("where", "definition"), SAID, ids=[text for text, _ in SAID])
def test_said(where: str, definition: str) -> None:
    """Conditions become the definitions that a person would write."""
    found = from_sql(where, SHOP)
    assert found.definition == definition
    assert sk.Segment.define(None, definition, SHOP) == found.segment


DIALECTS = ["postgres", "sqlite", "duckdb", "mysql", "tsql", "snowflake", "redshift", "trino"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_said_in_each_dialect(dialect: str) -> None:
    """A condition that dialects share means the same in each of them."""
    for where, definition in SAID:
        # A TIMESTAMP of T-SQL is a version of a row; MySQL takes double quotes for a text's.
        if (dialect, where.partition("'")[0]) not in {
            ("tsql", "seen > TIMESTAMP "),
            ("mysql", '"limit" <> 20'),
        }:
            assert from_sql(where, SHOP, dialect=dialect).definition == definition, where


MOVED = [
    ("tsql", "seen > DATEADD(day, -30, GETDATE())", "seen > 30 days ago"),
    ("mysql", "seen > DATE_SUB(NOW(), INTERVAL 30 DAY)", "seen > 30 days ago"),
    ("mysql", "joined > DATE_ADD(CURDATE(), INTERVAL -1 MONTH)", "joined > today - 1 month"),
    (
        "bigquery",
        "seen > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 2 HOUR)",
        "seen > 2 hours ago",
    ),
    ("bigquery", "joined > DATE_SUB(CURRENT_DATE(), INTERVAL 7 DAY)", "joined > today - 7 days"),
    ("snowflake", "seen < DATEADD('day', 3, CURRENT_DATE)", "seen < today + 3 days"),
    ("oracle", "joined = DATE '2026-01-01'", "joined = 2026-01-01"),
]


@pytest.mark.parametrize(("dialect", "where", "definition"), MOVED)
def test_times_that_move(dialect: str, where: str, definition: str) -> None:
    """Functions that move a time say what an INTERVAL beside it says."""
    assert from_sql(where, SHOP, dialect=dialect).definition == definition


@pytest.mark.parametrize("dialect", ["mysql", "tsql"])
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("name = 'ada'", {"ada", "ADA", "ada  "}),
        ("name = 'ada '", {"ada", "ADA", "ada  "}),
        ("name IN ('ada', 'x.')", {"ada", "ADA", "ada  ", "x. "}),
        ("name <> 'ada'", {" ada", "xy", "x. "}),
        ("name = 'x.'", {"x. "}),
    ],
)
def test_spaces_at_the_end(dialect: str, where: str, found: set[str]) -> None:
    """Databases that pad texts find those that differ in the spaces at their ends only."""
    read = from_sql(where, SHOP, dialect=dialect)
    names = ["ada", "ADA", "ada  ", " ada", "xy", "x. ", None]
    record = {"id": 1}
    theirs = read.theirs
    assert theirs is not None
    assert {n for n in names if theirs.matches({**record, "name": n})} == found
    (padded,) = [each for each in read.differences if each.rule == "trailing-spaces"]
    assert padded.who is not None
    assert padded.who.matches({**record, "name": "ada"}) is ("'ada '" in where)
    assert padded.who.matches({**record, "name": "x. " if "x." in where else "ada  "})


def test_spaces_that_no_definition_can_say() -> None:
    """Whom a test of two columns finds there, or of letters beyond ASCII, no segment says."""
    read = from_sql("name = 'Æ'", SHOP, dialect="tsql")
    assert read.theirs is None
    assert {each.rule for each in read.differences} == {"case", "trailing-spaces"}
    assert from_sql("name = 'ada'", SHOP, dialect="postgres").differences == ()


@pytest.mark.parametrize(
    ("constant", "rules"),
    [
        ("2026-01-31", {"<": None, ">=": None, "=": "first-instant", "<=": "first-instant"}),
        ("2026-01-31 15:00", {"<": None, ">=": None, "=": "times", ">": "times"}),
        ("2026-01-31T15:00:00", {"<": "times", ">=": "times", "=": "times"}),
        ("2026-01-31 15:00:00Z", {"<": "times", ">=": "times"}),
        ("2026-01-31 15:00:00.000000", {"<": None, ">": None, "=": None}),
    ],
)
def test_times_that_are_texts(constant: str, rules: dict[str, str | None]) -> None:
    """Where SQLite compares texts, and would find others than the instants, is told."""
    for sign, rule in rules.items():
        found = from_sql(f"seen {sign} '{constant}'", SHOP, dialect="sqlite").differences
        assert [each.rule for each in found] == ([] if rule is None else [rule]), sign
        assert not from_sql(f"seen {sign} '{constant}'", SHOP, dialect="postgres").differences


REFUSED = [
    ("age IN (17, NULL)", "SK502", "age IN (17"),
    ("age = NULL", "SK502", "age = NULL"),
    ("age / 2 > 3", "SK502", "age / 2"),
    ("age + 1 > '18'", "SK502", "'18'"),
    ("age % 2 = 0", "SK502", "age % 2"),
    ("vip AND date(seen) = '2026-01-01'", "SK502", None),
    ("lower(name) = 'Ada'", "SK502", "'Ada'"),
    ("name LIKE 'a_c'", "SK502", "name LIKE 'a_c'"),
    (r"name LIKE 'a\%c'", "SK502", r"name LIKE 'a\%c'"),
    ("name LIKE '%a%b%'", "SK502", "name LIKE '%a%b%'"),
    ("o.age > 3", "SK502", "o.age"),
    ("x.customers.age > 3", "SK502", "x.customers.age"),
    ("id IN (SELECT customer_id FROM orders)", "SK502", "id IN (SELECT customer_id FROM orders"),
    ("EXISTS (SELECT 1 FROM orders)", "SK502", None),
    ("EXISTS (SELECT 1 FROM orders WHERE customer_id = 5)", "SK502", None),
    ("EXISTS (SELECT 1 FROM orders WHERE customer_id = customers.id OR true)", "SK502", None),
    ("EXISTS (SELECT 1 FROM orders WHERE customer_id = customers.id LIMIT 0)", "SK502", None),
    ("EXISTS (SELECT 1 FROM orders o WHERE orders.customer_id = customers.id)", "SK502", None),
    ("EXISTS (SELECT 1 FROM orders WHERE customer_id = id)", "SK502", None),
    ("EXISTS (SELECT COUNT(*) FROM orders WHERE customer_id = customers.id)", "SK502", None),
    ("EXISTS (SELECT 1 FROM orders WHERE customer_id = customers.id AND age > 3)", "SK101", "age"),
    ("(SELECT MAX(amount) FROM orders WHERE customer_id = customers.id) > 5", "SK502", None),
    ("EXISTS (SELECT 1 FROM orders, notes WHERE customer_id = customers.id)", "SK502", None),
    ("age = ALL (SELECT 1)", "SK502", "1"),
    ("SELECT 1", "SK502", "1"),
    ("age = 1; DROP TABLE customers", "SK501", "age = 1; DROP TABLE customers"),
    ("age = 1 b", "SK502", "age = 1 b"),
    ("age > 3 ORDER BY 1", "SK501", "ORDER BY"),
    ("age = ", "SK501", "= "),
    ("age = ?", "SK502", "age = ?"),
    ("name = 5", "SK501", "5"),
    ("name < 'x'", "SK105", "name < 'x'"),
    ("nme = 'x'", "SK101", "nme"),
    ("vip = 'yes'", "SK501", "'yes'"),
    ("age > 1e400", "SK013", "1e400"),
    ("CASE WHEN vip THEN true END", "SK502", "vip"),
    ("", "SK501", ""),
    ("-- nothing", "SK501", "-- nothing"),
    ("age = 'x\ud800'", "SK001", "age = 'x�'"),
    ("not " * 3000 + "vip", "SK007", None),
    ("(" * 5000, "SK007", None),
    ("age" + " + 1" * 3000 + " > 3", "SK007", None),
    ("age > " + "- " * 3000 + "1", "SK007", None),
    ("1 = " * 3000 + "age", "SK502", None),
    ("abs(" * 150 + "age" + ")" * 150 + " > 1", "SK007", None),
    ("(" * 150 + "vip" + ")" * 150, "SK007", None),
    ("x" * 100_001, "SK006", None),
    (f"id IN ({', '.join(map(str, range(30_000)))})", "SK006", None),
]


@pytest.mark.parametrize(("where", "code", "place"), REFUSED, ids=range(len(REFUSED)))
def test_refused(where: str, code: str, place: str | None) -> None:
    """What cannot be said is refused at its place in the text."""
    with pytest.raises(ConversionError) as caught:
        from_sql(where, SHOP)
    found = caught.value.diagnostics[0]
    assert found.code == code
    if place is not None:
        assert caught.value.source[found.span.start : found.span.end].strip() == place.strip()
    assert "sqlglot" not in str(caught.value)


@pytest.mark.parametrize(
    ("dialect", "where", "told"),
    [
        ("tsql", "name LIKE '[AB]%'", "a class of letters in LIKE"),
        ("tsql", "name NOT LIKE 'A[%]b'", "a class of letters in LIKE"),
        ("oracle", "name = ''", "the empty text, which is NULL to this database"),
        ("oracle", "name NOT IN ('Ann', '')", "the empty text, which is NULL to this database"),
        ("oracle", "name LIKE ''", "the empty text, which is NULL to this database"),
        ("oracle", "COALESCE(name, '') = 'Ann'", "the empty text, which is NULL to this database"),
        (None, "vip = 2", "write true or false, without quotes"),
        (None, "joined = 2000", "write a day in quotes: '2026-05-09'"),
        (None, "seen > 1767225600", "write an instant in quotes: '2026-05-09T12:00:00Z'"),
    ],
)
def test_refused_of_a_dialect(dialect: str | None, where: str, told: str) -> None:
    """What one database means by a text is not what the others mean, and hints can be followed."""
    with pytest.raises(ConversionError, match=re.escape(told)):
        from_sql(where, SHOP, dialect=dialect)


def test_dialects() -> None:
    """The case of texts is as the dialect has it; one that nobody knows is refused."""
    where = "name = 'ada' AND country LIKE 'D%'"
    rules = {
        dialect: [
            (each.rule, each.pointer) for each in from_sql(where, SHOP, dialect=dialect).differences
        ]
        for dialect in (None, "sqlite", "postgres", "mysql")
    }
    like = ("case", "17-34")
    assert rules == {
        None: [like],
        "sqlite": [like],
        "postgres": [],
        "mysql": [("case", "0-12"), ("trailing-spaces", "0-12"), like],
    }
    assert from_sql("vip XOR age > 3", SHOP, dialect="mysql").definition == (
        "vip and not age > 3 or age > 3 and not vip"
    )
    with pytest.raises(ConversionError, match="SK501"):
        from_sql(where, SHOP, dialect="klingon")


def test_what_react_querybuilder_writes() -> None:
    """The SQL of a query finds the same people by way of the SQL as by itself."""
    read = 0
    for case in RECORDED:
        theirs = asked(case["sql"])
        try:
            found = from_sql(case["sql"], SHOP, dialect="sqlite")
        except ConversionError:
            continue
        if found.theirs is not None and theirs is not None:
            assert members(found.theirs) == theirs, case["sql"]
            read += 1
    assert read > 50


def _leaf(draw: random.Random) -> str:
    number = draw.choice(["age", "credit", "age + 1", "COALESCE(age, 18)", "abs(age - 20)"])
    constant = draw.choice([0, 17, 18, 20, 25.5, -1, "credit"])
    text = draw.choice(["name", "country"])
    pattern = draw.choice(
        ["A%", "%a", "%ada%", "%", "a%a", "Eve", "", "%100!%%", "s%_".replace("_", "e")]
    )
    stars = [
        "stars > 3",
        "NOT stars > 3",
        "stars IS NULL",
        "stars <> customers.age",
        "stars NOT IN (5)",
    ]
    rows = "".join(f" AND {each}" for each in draw.sample(stars, draw.randrange(3)))
    return draw.choice(
        [
            f"{number} {draw.choice(['=', '<>', '<', '<=', '>', '>='])} {constant}",
            f"{number} {draw.choice(['', 'NOT '])}BETWEEN {draw.choice([0, 18, 40])} AND {draw.choice([20, 65])}",
            f"{number} {draw.choice(['', 'NOT '])}IN (17, 18, 40)",
            f"{text} {draw.choice(['', 'NOT '])}LIKE '{pattern}' ESCAPE '!'",
            f"{text} {draw.choice(['=', '<>'])} '{draw.choice(['Ada', '', 'DK'])}'",
            f"{text} {draw.choice(['', 'NOT '])}IN ('Ada', 'DK')",
            f"{draw.choice(['name', 'age', 'vip'])} IS {draw.choice(['', 'NOT '])}NULL",
            f"vip{draw.choice(['', ' IS TRUE', ' IS NOT TRUE', ' IS FALSE', ' = 1', ' <> TRUE'])}",
            f"age IS {draw.choice(['', 'NOT '])}DISTINCT FROM 18",
            f"age {draw.choice(['<', '<>'])} '18'",
            f"EXISTS (SELECT 1 FROM notes n WHERE n.customer_id = customers.id{rows})",
            f"(SELECT COUNT(*) FROM notes WHERE customer_id = customers.id{rows}) {draw.choice(['=', '<>', '<', '>='])} 1",
            f"joined {draw.choice(['<', '>=', '<>'])} '2026-01-31'",
        ]
    )


def _where(draw: random.Random, depth: int = 0) -> str:
    roll = draw.random()
    if depth < 3 and roll < 0.5:
        word = draw.choice([" AND ", " OR "])
        parts = [_where(draw, depth + 1) for _ in range(draw.randrange(2, 4))]
        return f"({word.join(parts)})"
    if depth < 3 and roll < 0.7:
        return f"NOT ({_where(draw, depth + 1)})"
    return _leaf(draw)


def test_rows() -> None:
    """What is asked of rows is asked of those that refer to the customer, as of the instant."""
    paid = "FROM orders WHERE customer_id = customers.id AND status = 'paid'"
    for where in (f"EXISTS (SELECT 1 {paid})", f"(SELECT COUNT(*) {paid}) < 2"):
        found = from_sql(where, SHOP)
        assert [each.rule for each in found.differences] == ["later-rows"]
        assert members(found.segment) == asked(where)


def test_random_conditions() -> None:
    """Of random conditions, the people of `theirs` are just those whom SQLite finds."""
    draw = random.Random(2026)
    kinds = {"same": 0, "different": 0}
    for _ in range(400):
        where = _where(draw)
        found = from_sql(where, SHOP, dialect="sqlite")
        theirs = asked(where)
        assert theirs is not None, where
        assert found.theirs is not None, where
        assert members(found.theirs) == theirs, (where, found.definition)
        differ = members(found.segment) != theirs
        assert not differ or found.differences, where
        kinds["different" if differ else "same"] += 1
    assert min(kinds.values()) > 100, kinds


WORDS = st.sampled_from(
    [
        "age",
        "name",
        "vip",
        "seen",
        "NOT",
        "AND",
        "OR",
        "IN",
        "IS",
        "NULL",
        "LIKE",
        "BETWEEN",
        "(",
        ")",
        ",",
        "=",
        "<",
        ">",
        "'a%'",
        "'2026-01-01'",
        "18",
        "1e9",
        "TRUE",
        "SELECT",
        "FROM",
        "CASE",
        "WHEN",
        "END",
        "now()",
        "INTERVAL",
        "DATE",
        ":p",
        "?",
        '"',
        "'",
        ";",
        "--",
        "/*",
        "ESCAPE",
        "EXISTS",
        "||",
        "::",
        "[",
        "]",
    ]
)


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=20))
def test_any_text(where: str) -> None:
    """Any text at all gives a segment, which its text defines too, or a mistake with a place."""
    try:
        found: Any = from_sql(where, SHOP)
    except ConversionError as error:
        assert str(error)
    else:
        assert sk.Segment.define(None, found.definition, SHOP) == found.segment
