"""Text to tree and back: grammar, places, escapes, names, the canonical form, places of errors."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from segmentkit import Entity, Schema, Segment, SegmentSyntaxError, format_definition
from segmentkit._diagnostics.diagnostic import Span, diagnostic
from segmentkit._language import syntax as t
from segmentkit._language.depth import too_deep
from segmentkit._language.formatter import format_name, format_text, format_tree
from segmentkit._language.keywords import RESERVED
from segmentkit._language.parser import MAX_LENGTH, parse

# -- trees ----------------------------------------------------------------------------------------


def name(*parts: str) -> t.Name:
    return t.Name(parts, NOWHERE)


def literal(value: object) -> t.Literal:
    return t.Literal(value, NOWHERE)  # type: ignore[arg-type]


NOWHERE = Span(0, 0)
A, B, C, ONE = name("a"), name("b"), name("c"), literal(1)
N = t.Parameter("n", NOWHERE)


def compare(operator: str, left: t.Expr, right: t.Expr) -> t.Compare:
    return t.Compare(operator, left, right, False, NOWHERE)


def rolling(direction: str, count: t.Count, unit: str) -> t.InWindow:
    return t.InWindow(A, t.Rolling(direction, count, unit, NOWHERE), False, NOWHERE)


def calendar(which: str, count: t.Count | None, unit: str) -> t.InWindow:
    return t.InWindow(A, t.Calendar(which, count, unit, NOWHERE), False, NOWHERE)


def moment(count: int, unit: str) -> t.Compare:
    return compare("=", A, t.Moment("now", count, unit, NOWHERE))


TREES = [
    ("a", A),
    ("a or b and c", t.Or((A, t.And((B, C), NOWHERE)), NOWHERE)),
    ("a and b or c", t.Or((t.And((A, B), NOWHERE), C), NOWHERE)),
    ("a and (b or c)", t.And((A, t.Or((B, C), NOWHERE)), NOWHERE)),
    ("a and (b and c)", t.And((A, B, C), NOWHERE)),
    ("(a or b) or c", t.Or((A, B, C), NOWHERE)),
    ("not a and b", t.And((t.Not(A, NOWHERE), B), NOWHERE)),
    ("not (a and b)", t.Not(t.And((A, B), NOWHERE), NOWHERE)),
    ("not not a", t.Not(t.Not(A, NOWHERE), NOWHERE)),
    ("not a = 1", t.Not(compare("=", A, ONE), NOWHERE)),
    ("a == 1", compare("=", A, ONE)),
    ("a <> 1", compare("!=", A, ONE)),
    ("a<=1", compare("<=", A, ONE)),
    ("a>=-1", compare(">=", A, literal(-1))),
    ("a = b - 1", compare("=", A, t.Arithmetic((B, ONE), ("-",), NOWHERE))),
    ("a = b -1", compare("=", A, t.Arithmetic((B, ONE), ("-",), NOWHERE))),
    ("a = - -1", compare("=", A, literal(1))),
    ("a = -b", compare("=", A, t.Negative(B, NOWHERE))),
    (
        "a + b * c - 1 = 1",
        compare(
            "=",
            t.Arithmetic((A, t.Arithmetic((B, C), ("*",), NOWHERE), ONE), ("+", "-"), NOWHERE),
            ONE,
        ),
    ),
    (
        "(a - b) - c = 1",
        compare(
            "=",
            t.Arithmetic((t.Arithmetic((A, B), ("-",), NOWHERE), C), ("-",), NOWHERE),
            ONE,
        ),
    ),
    ("a = 'x' ignoring case", t.Compare("=", A, literal("x"), True, NOWHERE)),
    ("a in (1)", t.InList(A, (ONE,), False, False, NOWHERE)),
    ("a is empty", t.IsEmpty(A, False, NOWHERE)),
    ("a IS NOT Empty", t.IsEmpty(A, True, NOWHERE)),
    ("a in ()", t.InList(A, (), False, False, NOWHERE)),
    ("a not in :x", t.InList(A, t.Parameter("x", NOWHERE), True, False, NOWHERE)),
    ("a not in (1, 1)", t.InList(A, (ONE, ONE), True, False, NOWHERE)),
    ("a in ('x') ignoring case", t.InList(A, (literal("x"),), False, True, NOWHERE)),
    ("a contains 'x'", t.TextTest("contains", A, None, (literal("x"),), False, False, NOWHERE)),
    (
        "a not starts with 'x' ignoring case",
        t.TextTest("starts with", A, None, (literal("x"),), True, True, NOWHERE),
    ),
    ("a ends with b", t.TextTest("ends with", A, None, (B,), False, False, NOWHERE)),
    ("a contains any (b, c)", t.TextTest("contains", A, "any", (B, C), False, False, NOWHERE)),
    ("a not contains ALL (b)", t.TextTest("contains", A, "all", (B,), True, False, NOWHERE)),
    ("a contains (b)", t.TextTest("contains", A, None, (B,), False, False, NOWHERE)),
    ("a is missing", t.IsMissing(A, False, NOWHERE)),
    ("a is not missing", t.IsMissing(A, True, NOWHERE)),
    ("a is present", t.IsMissing(A, True, NOWHERE)),
    ("a is not present", t.IsMissing(A, False, NOWHERE)),
    ("a is null", t.IsMissing(A, False, NOWHERE)),
    ("a is not null", t.IsMissing(A, True, NOWHERE)),
    ("a between 1 and b", t.InWindow(A, t.Range(ONE, B, NOWHERE), False, NOWHERE)),
    (
        "a not between 1 and b and c",
        t.And((t.InWindow(A, t.Range(ONE, B, NOWHERE), True, NOWHERE), C), NOWHERE),
    ),
    ("a in last 30 days", rolling("last", 30, "day")),
    ("a in next 1 hour", rolling("next", 1, "hour")),
    ("a in last 1_000 seconds", rolling("last", 1000, "second")),
    ("a in this month", calendar("this", None, "month")),
    ("a in previous quarters", calendar("previous", None, "quarter")),
    ("a in previous 3 years", calendar("previous", 3, "year")),
    ("a in 2026", t.InWindow(A, t.Period(2026, None, None, NOWHERE), False, NOWHERE)),
    ("a in 2026-05", t.InWindow(A, t.Period(2026, 5, None, NOWHERE), False, NOWHERE)),
    ("a not in 2026-05-09", t.InWindow(A, t.Period(2026, 5, 9, NOWHERE), True, NOWHERE)),
    ("a = 30 days ago", moment(-30, "day")),
    ("a = 1 week from now", moment(1, "week")),
    ("a = today", compare("=", A, t.Moment("today", 0, "day", NOWHERE))),
    ("a = now", compare("=", A, t.Moment("now", 0, "day", NOWHERE))),
    ("a = 2026-05-09", compare("=", A, literal(date(2026, 5, 9)))),
    ("a = 2026-05-09T12:00", compare("=", A, literal(datetime(2026, 5, 9, 12)))),
    ("a = 2026-05-09t12:00z", compare("=", A, literal(datetime(2026, 5, 9, 12, tzinfo=UTC)))),
    (
        "a = 2026-05-09T12:00:01.5+0230",
        compare(
            "=",
            A,
            literal(
                datetime(2026, 5, 9, 12, 0, 1, 500_000, timezone(timedelta(hours=2, minutes=30)))
            ),
        ),
    ),
    ("a = 2026", compare("=", A, literal(2026))),
    ("a = 1_000_000", compare("=", A, literal(1_000_000))),
    ("a = 0.50", compare("=", A, literal(Decimal("0.50")))),
    ("a = true", compare("=", A, literal(True))),
    (":p", t.Parameter("p", NOWHERE)),
    ("a.b.c", name("a", "b", "c")),
    ("a . b", name("a", "b")),
    ("`a b`.`c``d`", name("a b", "c`d")),
    ("in segment vip", t.InSegment("vip", NOWHERE, NOWHERE)),
    ("IN\n SEGMENT 'a \"b\"'", t.InSegment('a "b"', NOWHERE, NOWHERE)),
    ("not in segment `a b`", t.Not(t.InSegment("a b", NOWHERE, NOWHERE), NOWHERE)),
    ("COUNT(a)", t.Call("count", (A,), False, None, None, None, NOWHERE, NOWHERE)),
    ("`Count`(a)", t.Call("Count", (A,), False, None, None, None, NOWHERE, NOWHERE)),
    ("f(a, 1)", t.Call("f", (A, ONE), False, None, None, None, NOWHERE, NOWHERE)),
    (
        "avg(a AMONG everyone)",
        t.Call("avg", (A,), False, None, None, literal(True), NOWHERE, NOWHERE),
    ),
    ("f(a among (b))", t.Call("f", (A,), False, None, None, B, NOWHERE, NOWHERE)),
    ("TOP 10 % by a", t.Ranked("top", t.Percent(10, NOWHERE), A, literal(True), NOWHERE)),
    ("bottom 3 by a among (b)", t.Ranked("bottom", 3, A, B, NOWHERE)),
    ("TOP :n by a", t.Ranked("top", N, A, literal(True), NOWHERE)),
    ("bottom :n % by a", t.Ranked("bottom", t.Percent(N, NOWHERE), A, literal(True), NOWHERE)),
    ("at  most :n of (a, b)", t.Counted("at most", N, (A, B), NOWHERE)),
    ("a > :n DAYS ago", compare(">", A, t.Moment("now", N, "day", NOWHERE, ago=True))),
    ("a > :n week from now", compare(">", A, t.Moment("now", N, "week", NOWHERE))),
    ("a in last :n days", rolling("last", N, "day")),
    ("a in next :n days", rolling("next", N, "day")),
    ("a in previous :n months", calendar("previous", N, "month")),
    ("2.5 miles", t.Length(literal(Decimal("2.5")), "mile", NOWHERE)),
    (
        "count(distinct a.b in last 2 days where b)",
        t.Call(
            "count",
            (name("a", "b"),),
            True,
            t.Rolling("last", 2, "day", NOWHERE),
            B,
            None,
            NOWHERE,
            NOWHERE,
        ),
    ),
    (
        "last(a between 1 and b where c)",
        t.Call("last", (A,), False, t.Range(ONE, B, NOWHERE), C, None, NOWHERE, NOWHERE),
    ),
]


@pytest.mark.parametrize(("text", "tree"), TREES, ids=[text for text, _ in TREES])
def test_trees(text: str, tree: t.Expr) -> None:
    """Each form of the grammar gives its tree, and the tree's text gives it again."""
    assert parse(text) == tree
    assert parse(format_tree(tree)) == tree


@pytest.mark.parametrize(
    "text",
    [
        "a in 1", "a = ", "= a", "a b", "a = 1 = 2", "a < b < c", "a in (1) in (2)",
        "not", "and", "a and", "a or or b", "(a", "a)", "()", "a is", "a is 1", "a is not",
        "a contains", "a contains any", "a contains any b", "a starts 'x'", "a ignoring case",
        "a = 'x' ignoring", "f(", "f()", "f(a,)", "f(,a)", "f(a where)",
        "f(a where b in last 3 days where c)", "f(a where b where c)", "f(distinct)", "a.", ".a",
        "a..b", "a.1", "a.'b'", ":", ":1", "::a", "a = +1", "a in last days",
        "a in last 1.5 days", "a in last x days", "a in last -1 days", "a in this 3 months",
        "a in month", "a between 1", "a between 1 or 2", "a = 007", "a = 1_", "a = 1__0",
        "a = _1 _", "a = .5", "a = 5.", "a = 1e5", "a = 0x1F", "a = 1,000", "a ! = 1", "a === 1",
        "a =< 1", "a => 1", "a % 2 = 1", "a ^ b", "a ** 2 = 1", "a // 2 = 1", "a; b", "{a}",
        "[a]", "a = [1]", "a = \\'x\\'", "a = “x”", "a = «x»", "@a", "$a = 1", "a? = 1",
        "a = b'x'", "``", "`a", "`a\nb`", "a`b`", "'a' 'b'", "a = 'it's'", "a = '\n'",
        "in segment", "in segment 1", "in segment a.b", "a in segment b", "count(*) > 1", "30d",
        "a in last 3d", "a = 2026-02-30", "a in 2026-13", "a in 2026-00", "a in 2026-00-05", "a in 2026-05-00", "a in 0000", "a = 0000-01-01",
        "a = 2026-05-09T25:00", "a = 2026-05-09 12:00", "a = 2026-05-09T12",
        "a = 9223372036854775808", "a = 0.1234567890123456789",
        "a in last 99999999999999999999 days",
    ],
)  # fmt: skip
def test_what_is_no_definition(text: str) -> None:
    """What the grammar does not have is a syntax error with one diagnostic, placed in the text."""
    with pytest.raises(SegmentSyntaxError) as caught:
        parse(text)
    (found,) = caught.value.diagnostics
    assert 0 <= found.span.start < found.span.end <= len(text) + 1
    assert caught.value.source == text
    assert found.render(text) == str(caught.value)


@pytest.mark.parametrize("text", ["", " ", "\n", "#", "# a\n#b\n", "\t\r\n", "\u00a0\u2028\u3000"])
def test_nothing(text: str) -> None:
    """White space and comments alone are an empty definition."""
    with pytest.raises(SegmentSyntaxError) as caught:
        parse(text)
    assert [d.code for d in caught.value.diagnostics] == ["SK008"]


# -- places ---------------------------------------------------------------------------------------

PLACED = """
  `a b` . c >= -( 2 + x )  # a comment )
  and count( distinct orders.amount  in last  3 days where not  y ) = 2026-05-09
  or not name not contains any ( "(", 'b' ) IGNORING  CASE and in  segment "v p"
  or t between 1 day ago and now and p = :min_spend and z is  not missing
  or t in 2026-05 or t not in previous 2 weeks or t in this month or q in ( 1 , -2.5 )
"""


def everything(node: t.Node) -> Iterator[t.Node]:
    yield node
    for child in t.children(node):
        yield from everything(child)


@pytest.mark.parametrize("thing", [None, b"true", 3])
def test_what_is_no_text(thing: Any) -> None:
    """A definition that is no text is a mistake in a program, told in words."""
    schema = Schema([Entity("people", key="id")])
    for reads in (format_definition, lambda given: Segment.define("s", given, schema)):
        with pytest.raises(
            TypeError, match=f"^a definition is a text or a tree, not {type(thing).__name__}$"
        ):
            reads(thing)


def test_places_are_exact() -> None:
    """The place of every node is its text, without the brackets and spaces around it."""
    tree = parse(PLACED)
    found = [PLACED[node.span.start : node.span.end] for node in everything(tree)]
    assert found[0] == PLACED.strip()
    assert set(found[1:]) == {
        "`a b` . c >= -( 2 + x",
        "`a b` . c >= -( 2 + x )  # a comment )\n"
        "  and count( distinct orders.amount  in last  3 days where not  y ) = 2026-05-09",
        "`a b` . c", "-( 2 + x", "2 + x", "2", "x",
        "count( distinct orders.amount  in last  3 days where not  y ) = 2026-05-09",
        "count( distinct orders.amount  in last  3 days where not  y )",
        "orders.amount", "last  3 days", "not  y", "y", "2026-05-09",
        'not name not contains any ( "(", \'b\' ) IGNORING  CASE and in  segment "v p"',
        "not name not contains any ( \"(\", 'b' ) IGNORING  CASE",
        "name not contains any ( \"(\", 'b' ) IGNORING  CASE",
        "name", '"("', "'b'", 'in  segment "v p"',
        "t between 1 day ago and now and p = :min_spend and z is  not missing",
        "t between 1 day ago and now", "1 day ago and now", "1 day ago", "now", "t",
        "p = :min_spend", "p", ":min_spend", "z is  not missing", "z",
        "t in 2026-05", "2026-05", "t not in previous 2 weeks", "previous 2 weeks",
        "t in this month", "this month", "q in ( 1 , -2.5 )", "q", "1", "-2.5",
    }  # fmt: skip


def test_places_of_names_in_calls_and_references() -> None:
    """The name in a call and in a reference have places of their own."""
    text = "  Count (x) > 1 and in segment  `v p`"
    places = [
        text[node.name_span.start : node.name_span.end]
        for node in everything(parse(text))
        if isinstance(node, t.Call | t.InSegment)
    ]
    assert places == ["Count", "`v p`"]


@pytest.mark.parametrize(
    ("text", "position", "shown"),
    [
        ("a = 1 and\n  b = = 2", (2, 7), ["  b = = 2", "      ^"]),
        ("a = 1 and\r\n  b = = 2\r\n  or c", (2, 7), ["  b = = 2", "      ^"]),
        ("a\tand\tb\t= =", (1, 11), ["a\tand\tb\t= =", " \t   \t \t  ^"]),
        ("# один\nмісто = = 2", (2, 9), ["місто = = 2", "        ^"]),
        ("a and\n\n\n", (1, 6), ["a and", "     ^"]),
        ("a = 'x\nand b", (1, 5), ["a = 'x", "    ^^"]),
        ("x = 1 # ok\n\n ) y", (3, 2), [" ) y", " ^"]),
    ],
)
def test_places_of_errors(text: str, position: tuple[int, int], shown: list[str]) -> None:
    """Errors show their line alone, with carets below, whatever the line ends and tabs."""
    with pytest.raises(SegmentSyntaxError) as caught:
        parse(text)
    (found,) = caught.value.diagnostics
    assert found.position(text) == position
    assert str(caught.value).split("\n")[1:3] == [f"    {line}" for line in shown]


def test_long_lines_are_cut() -> None:
    """Of a long line the part around the mistake is shown, with the caret in its place."""
    for before in (0, 1, 49, 50, 51, 150, 5000):
        text = "a" * before + " ) = = 1 " + " " * 500
        with pytest.raises(SegmentSyntaxError) as caught:
            parse(text if before == 0 else "x or " + text)
        _, shown, carets, *_ = str(caught.value).split("\n")
        assert len(shown) <= 120
        assert shown[carets.index("^")] == ")"
        assert carets.count("^") == 1


def test_a_place_of_many_lines() -> None:
    """A place that spans lines is underlined to the end of its first line."""
    text = "a = 1 or (b\nand c) = 2"
    span = Span(10, 17)
    assert diagnostic("SK109", span).render(text) == (
        "SK109 a condition cannot be used as a value here\n    a = 1 or (b\n              ^"
    )


# -- texts and names ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a"', "a"),
        (r"'a'", "a"),
        (r"'\"'", '"'),
        (r"'\''", "'"),
        (r'"\\n"', "\\n"),
        (r'"\n\r\t"', "\n\r\t"),
        (r'"\u0041\u00e9"', "Aé"),
        (r'"\uD83D\uDE00"', "😀"),
        ('"😀"', "😀"),
        ('"e\u0301"', "e\u0301"),
        ('"\u202eabc"', "\u202eabc"),
        ('"# no comment"', "# no comment"),
        ("'\"'", '"'),
        ('"\t"', "\t"),
        ('"\r"', "\r"),
        ('"\u2028\x0b\x0c\x85"', "\u2028\x0b\x0c\x85"),
        ('""', ""),
        ('"\ufeff"', "\ufeff"),
        (r'"\u0000"', "\x00"),
    ],
)
def test_texts(text: str, value: str) -> None:
    """A text in quotes is what stands between them, escapes replaced."""
    assert parse(text) == literal(value)
    assert parse(format_text(value)) == literal(value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r'"\a"', r"'\a'"),
        (r'"\x41"', r"'\x'"),
        (r'"\u12"', r"'\u'"),
        (r'"\U0001F600"', r"'\U'"),
        (r'"\0"', r"'\0'"),
        (r'"\ud83d"', r"""'"\ud83d"'"""),
        (r'"\ude00\ud83d"', r"""'"\ude00\ud83d"'"""),
    ],
)
def test_wrong_escapes(text: str, shown: str) -> None:
    """Other escapes, and halves of characters, are refused by name."""
    with pytest.raises(SegmentSyntaxError) as caught:
        parse(text)
    (found,) = caught.value.diagnostics
    assert found.code == "SK011"
    assert found.message == f"{shown} is not an escape"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_written_and_read(value: str) -> None:
    """Every text has a literal on one line, of printable characters, that reads as it."""
    written = format_text(value)
    assert parse(written) == literal(value)
    assert written.isprintable()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), min_size=1))
def test_any_name_is_written_and_read(value: str) -> None:
    """Every name without a line break can be written, plainly or in backquotes."""
    assert parse(format_name(value)) == name(value)
    assert parse(f"{format_name(value)}.{format_name(value)}") == name(value, value)


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_words(word: str) -> None:
    """A reserved word is a name in backquotes only, in any case."""
    for spelled in (word, word.upper(), word.title()):
        assert format_name(spelled) == f"`{spelled}`"
        assert parse(f"`{spelled}` = 1") == compare("=", name(spelled), ONE)


WORDS = [
    "any", "all", "last", "next", "this", "previous", "with", "case", "missing", "present", "null",
    "ago", "from", "segment", "day", "days", "month", "years", "count", "sum", "none", "first",
    "top", "bottom", "by", "among", "everyone", "m", "km", "miles", "sample", "ntile", "point",
]  # fmt: skip


PLACES_OF_NAMES = [
    "{0} = 1", "1 = {0}", "{0}.{0} in (1)", "f({0} where {0})", "{0}({0})", "x contains `{0}`",
    "x in ({0})", "not {0}", "in segment {0}", "x starts with {0}", "x between {0} and {0}",
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_words_that_are_also_names(word: str) -> None:
    """Other words of the language are names wherever a name can stand."""
    for template in PLACES_OF_NAMES:
        tree = parse(template.format(word))
        assert parse(format_tree(tree)) == tree


@pytest.mark.parametrize(
    "plain",
    [
        "місто",
        "naïve",
        "名前",
        "x²",
        "_x",
        "K",
        "ſum",
        "İd",
        "a1",
        "е",
        "اسم",
        "किताब",
        "ชื่อ",
        "e\u0301",
    ],
)
def test_unicode_names(plain: str) -> None:
    """Names of any script need no backquotes, and are compared as they are written."""
    assert parse(f"{plain} = 1") == compare("=", name(plain), ONE)
    assert format_name(plain) == plain


def test_names_are_not_normalized() -> None:
    """Composed and decomposed letters are different names, as they are different columns."""
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    assert parse(f"`{composed}`") != parse(f"`{decomposed}`")
    assert parse(f"'{composed}'") != parse(f"'{decomposed}'")


# -- the canonical form ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("A  AND\n(b OR NOT(c))", "A and (b or not c)"),
        ("((a)) and ((b and c))", "a and b and c"),
        ("not (not a)", "not not a"),
        ("not (a = 1)", "not a = 1"),
        ("(a + b) + c = ((1))", "(a + b) + c = 1"),
        ("a + (b * c) = 1", "a + b * c = 1"),
        ("(a + b) * c = 1", "(a + b) * c = 1"),
        ("a - (b - c) = 1", "a - (b - c) = 1"),
        ("a / (b * c) = 1", "a / (b * c) = 1"),
        ("-(a) = - 1", "-a = -1"),
        ("-(a + b) = -(-1)", "-(a + b) = 1"),
        ("-(-a) = 1", "-(-a) = 1"),
        ("a<>1", "a != 1"),
        ("a==1_000.50", "a = 1000.50"),
        ("a IN('x',\"y\")", 'a in ("x", "y")'),
        ("a NOT CONTAINS ANY('x')", 'a not contains any ("x")'),
        ("a STARTS   WITH 'it\\'s'", 'a starts with "it\'s"'),
        ("a contains 'x' IGNORING CASE", 'a contains "x" ignoring case'),
        ("a contains `all`", "a contains `all`"),
        ("a is null and b is not NULL", "a is missing and b is present"),
        ("a in LAST 1 DAYS", "a in last 1 day"),
        ("a in last 2 day", "a in last 2 days"),
        ("a in previous 1 months", "a in previous 1 month"),
        ("a in Previous Months", "a in previous month"),
        ("a > 1 DAYS AGO", "a > 1 day ago"),
        ("a > 0 days ago", "a > now"),
        ("a < 3 WEEK FROM NOW", "a < 3 weeks from now"),
        ("a = 2026-05-09T12:00:00.000000Z", "a = 2026-05-09T12:00Z"),
        ("a = 2026-05-09t12:00:30-0330", "a = 2026-05-09T12:00:30-03:30"),
        ("COUNT(Orders WHERE x)>1", "count(Orders where x) > 1"),
        ("`count`(`orders`) > 1", "count(orders) > 1"),
        ("`a` = `or`", "a = `or`"),
        ('IN SEGMENT "vip"', "in segment vip"),
        ("in segment 'a b'", 'in segment "a b"'),
        ("in segment `and`", 'in segment "and"'),
        ("a # comment\nor b", "a or b"),
        ("a\u00a0=\u30001", "a = 1"),
        ("'\u00a0\u202e\u2028'", '"\\u00a0\\u202e\\u2028"'),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    """One canonical spelling: lower case, double quotes, the fewest brackets, one line."""
    assert format_definition(text) == canonical
    assert format_definition(canonical) == canonical


def test_numbers_are_exact_whatever_the_context() -> None:
    """The precision that a thread has set for decimals does not change what is read."""
    digits = "1234567890123456789.123456789012345678"
    with localcontext(prec=5):
        assert parse(f"-{digits}") == literal(Decimal(f"-{digits}"))
        assert format_definition(f"a = -{digits}") == f"a = -{digits}"


@pytest.mark.parametrize("length", [MAX_LENGTH, MAX_LENGTH + 1])
def test_the_longest_definition(length: int) -> None:
    """The limit of length is where it is said to be."""
    text = "a".ljust(length)
    if length > MAX_LENGTH:
        with pytest.raises(SegmentSyntaxError, match="SK006"):
            parse(text)
    else:
        assert parse(text) == A


# -- any tree -------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [*WORDS, *RESERVED, "a", "Sum", "a b", "місто", "x`y", "1a", "``", "#", "iſ"]
)
UNITS = st.sampled_from(["second", "minute", "hour", "day", "week", "month", "quarter", "year"])
INSTANTS = st.datetimes(
    timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=-3, minutes=-30))]),
    min_value=datetime(1, 1, 3),
    max_value=datetime(9999, 12, 29),
)
LITERALS = st.one_of(
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.decimals(-(10**15), 10**15, places=3),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    st.dates(),
    INSTANTS,
).map(literal)
NUMBERS = st.integers(0, 10**6) | st.decimals(0, 10**6, places=2)
OPEN = st.just(N)
PERCENTS = st.builds(t.Percent, NUMBERS | OPEN, st.just(NOWHERE))
LENGTHS = st.builds(
    t.Length,
    NUMBERS.map(literal) | st.just(t.Parameter("far", NOWHERE)),
    st.sampled_from(["m", "km", "mile"]),
    st.just(NOWHERE),
)
PLAIN_VALUES: st.SearchStrategy[t.Expr] = st.one_of(
    LITERALS,
    st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: name(*parts)),
    st.just(t.Parameter("any", NOWHERE)),
    PERCENTS,
    LENGTHS,
    st.builds(
        lambda count, unit: t.Moment("now", count, unit, NOWHERE) if count else A,
        st.integers(-9, 9),
        UNITS,
    ),
    st.builds(lambda unit, ago: t.Moment("now", N, unit, NOWHERE, ago=ago), UNITS, st.booleans()),
    st.sampled_from(["now", "today"]).map(lambda base: t.Moment(base, 0, "day", NOWHERE)),
)


def _chain(operators: str, operands: list[t.Expr], choice: list[int]) -> t.Expr:
    signs = tuple(operators[i % 2] for i in choice[: len(operands) - 1])
    return t.Arithmetic(tuple(operands), signs, NOWHERE)


def _values(inner: st.SearchStrategy[t.Expr]) -> st.SearchStrategy[t.Expr]:
    choices = st.lists(st.integers(0, 1), min_size=3, max_size=3)
    windows = st.one_of(
        st.builds(
            t.Rolling,
            st.sampled_from(["last", "next"]),
            st.integers(0, 9) | OPEN,
            UNITS,
            st.just(NOWHERE),
        ),
        st.builds(lambda unit: t.Calendar("this", None, unit, NOWHERE), UNITS),
        st.builds(
            lambda n, unit: t.Calendar("previous", n, unit, NOWHERE),
            st.none() | st.integers(0, 3) | OPEN,
            UNITS,
        ),
        st.dates().map(lambda d: t.Period(d.year, d.month, d.day, NOWHERE)),
        st.dates().map(lambda d: t.Period(d.year, d.month, None, NOWHERE)),
        st.dates().map(lambda d: t.Period(d.year, None, None, NOWHERE)),
        st.builds(t.Range, inner, inner, st.just(NOWHERE)),
    )
    numbers = inner.filter(
        lambda e: not (isinstance(e, t.Literal) and type(e.value) in (int, Decimal))
    )
    pairs = st.lists(inner, min_size=2, max_size=4)
    texts = st.sampled_from(["contains", "starts with", "ends with"])
    flags = st.booleans()
    return st.one_of(
        st.builds(
            t.Compare,
            st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
            inner,
            inner,
            flags,
            st.just(NOWHERE),
        ),
        st.builds(
            lambda op, x, y, n, f: t.TextTest(op, x, None, (y,), n, f, NOWHERE),
            texts,
            inner,
            inner,
            flags,
            flags,
        ),
        st.builds(
            lambda x, how, ys, n, f: t.TextTest("contains", x, how, tuple(ys), n, f, NOWHERE),
            inner,
            st.sampled_from(["any", "all"]),
            pairs,
            flags,
            flags,
        ),
        st.builds(
            lambda x, ys, n, f: t.InList(x, ys, n, f, NOWHERE),
            inner,
            st.lists(inner, max_size=4).map(tuple) | OPEN,
            flags,
            flags,
        ),
        st.builds(t.InWindow, inner, windows, flags, st.just(NOWHERE)),
        st.builds(t.IsMissing, inner, flags, st.just(NOWHERE)),
        st.builds(t.IsEmpty, inner, flags, st.just(NOWHERE)),
        st.builds(t.InSegment, NAMES, st.just(NOWHERE), st.just(NOWHERE)),
        st.builds(t.Not, inner, st.just(NOWHERE)),
        pairs.filter(lambda xs: not any(isinstance(x, t.And) for x in xs)).map(
            lambda xs: t.And(tuple(xs), NOWHERE)
        ),
        pairs.filter(lambda xs: not any(isinstance(x, t.Or) for x in xs)).map(
            lambda xs: t.Or(tuple(xs), NOWHERE)
        ),
        st.builds(lambda xs, c: _chain("+-", xs, c), pairs, choices),
        st.builds(lambda xs, c: _chain("*/", xs, c), pairs, choices),
        st.builds(t.Negative, numbers, st.just(NOWHERE)),
        st.builds(
            lambda n, xs, d, w, c: t.Call(n, tuple(xs), d, w, c, None, NOWHERE, NOWHERE),
            NAMES,
            st.lists(inner, min_size=1, max_size=2),
            flags,
            st.none() | windows,
            st.none() | inner,
        ),
        st.builds(
            lambda n, xs, d, a: t.Call(n, tuple(xs), d, None, None, a, NOWHERE, NOWHERE),
            NAMES,
            st.lists(inner, min_size=1, max_size=2),
            flags,
            inner,
        ),
        st.builds(
            t.Counted,
            st.sampled_from(["at least", "at most", "exactly"]),
            st.integers(1, 9) | OPEN,
            pairs.map(tuple),
            st.just(NOWHERE),
        ),
        st.builds(
            t.Ranked,
            st.sampled_from(["top", "bottom"]),
            st.integers(0, 10**6) | PERCENTS,
            inner,
            inner | st.just(literal(True)),
            st.just(NOWHERE),
        ),
    )


ANY_TREE = st.recursive(PLAIN_VALUES, _values, max_leaves=8)


@given(ANY_TREE)
def test_any_tree_is_written_and_read(tree: t.Expr) -> None:
    """The canonical text of a tree reads as the tree, and is canonical itself."""
    text = format_tree(tree)
    assume(too_deep(tree) is None)
    again = parse(text)
    assert again == tree, text
    assert format_tree(again) == text
