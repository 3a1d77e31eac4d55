"""Segments as values: algebra, equality, copies, references, parameters, instants, threads."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from segmentkit import (
    BOOLEAN,
    DATE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    DataError,
    DefinitionError,
    Entity,
    Relation,
    Schema,
    SchemaError,
    Segment,
    SegmentSyntaxError,
    SegmentTypeError,
    complement,
    difference,
    intersection,
    union,
)
from segmentkit._language.formatter import format_name
from segmentkit.sqlalchemy import members, predicate, tables_from

ORDERS = Entity(
    "orders",
    key="id",
    attributes=[Attribute("id", INTEGER), Attribute("placed_at", TIMESTAMP, nullable=True)],
)
PEOPLE = Entity(
    "people",
    key="id",
    attributes=[
        Attribute("id", INTEGER),
        Attribute("age", INTEGER, nullable=True),
        Attribute("name", TEXT, nullable=True),
        Attribute("vip", BOOLEAN, nullable=True),
        Attribute("born", DATE, nullable=True),
        Attribute("seen", TIMESTAMP, nullable=True),
    ],
    relations=[Relation("orders", key="person_id", at="placed_at")],
)
CLUB = Schema([PEOPLE, ORDERS])
NOON = datetime(2026, 5, 1, 12)


def define(text: str, name: str | None = None, schema: Schema = CLUB) -> Segment:
    return Segment.define(name, text, schema)


ADULT, VIP, NAMED = define("age >= 18"), define("vip"), define("name is present")
RECORDS = [
    {"id": 1, "age": age, "vip": vip, "name": name, "orders": []}
    for age, vip, name in product([None, 17, 18], [None, False, True], [None, ""])
]


def who(segment: Segment) -> list[bool]:
    return [segment.matches(record, as_of=NOON) for record in RECORDS]


# -- algebra --------------------------------------------------------------------------------------

OPERATORS: list[tuple[str, Callable[[Segment, Segment], Segment], Callable[[bool, bool], bool]]] = [
    ("&", lambda a, b: a & b, lambda a, b: a and b),
    ("|", lambda a, b: a | b, lambda a, b: a or b),
    ("-", lambda a, b: a - b, lambda a, b: a and not b),
    ("^", lambda a, b: a ^ b, lambda a, b: a != b),
]


@pytest.mark.parametrize(
    ("join", "truth"), [o[1:] for o in OPERATORS], ids=[o[0] for o in OPERATORS]
)
def test_operators(
    join: Callable[[Segment, Segment], Segment], truth: Callable[[bool, bool], bool]
) -> None:
    """The operators are those of sets, of records with everything missing too."""
    for a, b in product([ADULT, VIP, ~NAMED], repeat=2):
        wanted = [truth(x, y) for x, y in zip(who(a), who(b), strict=True)]
        assert who(join(a, b)) == wanted


def test_complement() -> None:
    """The complement is everyone else, the unknown included."""
    assert who(~ADULT) == [not x for x in who(ADULT)]
    assert ~ADULT == define("not age >= 18") != define("age < 18")


def test_named_functions() -> None:
    """The functions do what the operators do, of any number of segments, under a name."""
    assert union("u", ADULT, VIP, NAMED) == ADULT | VIP | NAMED
    assert intersection("i", ADULT, VIP, NAMED) == ADULT & VIP & NAMED
    assert difference("d", ADULT, VIP, NAMED) == ADULT - VIP - NAMED
    assert complement("c", ADULT) == ~ADULT
    assert [f("it", ADULT).name for f in (union, intersection, difference, complement)] == [
        "it"
    ] * 4
    assert union("it", ADULT) == intersection("it", ADULT) == difference("it", ADULT) == ADULT
    assert union(None, ADULT, VIP).name is None


@pytest.mark.parametrize("join", [union, intersection])
def test_nothing_to_join(join: Callable[..., Segment]) -> None:
    """A union of nothing has no schema, so it is no segment."""
    with pytest.raises(ValueError, match="give at least one segment"):
        join("it")


def test_laws_by_structure() -> None:
    """What differs in order, repetition or double complement alone is equal, and hashes alike."""
    a, b, c = ADULT, VIP, NAMED
    for left, right in [
        (a & b, b & a),
        (a | b, b | a),
        (a ^ b, b ^ a),
        ((a & b) & c, a & (b & c)),
        ((a | b) | c, c | (b | a)),
        (a & a, a),
        (a | a, a),
        (~~a, a),
        (~(a & b), ~a | ~b),
        (~(a | b), ~a & ~b),
        (a - b, a & ~b),
        (~(a - b), ~a | b),
        (a & define("true"), a),
        (a | define("false"), a),
        (a & define("false"), define("false")),
        (a | define("true"), define("true")),
        (~define("true"), define("false")),
    ]:
        assert left == right
        assert hash(left) == hash(right)
    assert a & b != a | b
    assert a - b != b - a
    assert len({a, ~~a, a & a, define("  AGE>=18".lower()), a.named("x")}) == 1


conditions = st.recursive(
    st.sampled_from(["age >= 18", "vip", "name is present", "age = 17", "true", "not vip"]),
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
    ),
    max_leaves=6,
)


@given(conditions, conditions)
def test_text_and_python_are_one_algebra(a: str, b: str) -> None:
    """``and``, ``or`` and ``not`` in the text are ``&``, ``|`` and ``~`` in Python."""
    x, y = define(a), define(b)
    assert define(f"({a}) and ({b})") == x & y
    assert define(f"({a}) or ({b})") == x | y
    assert define(f"not ({a})") == ~x
    assert define(f"({a}) and not ({b})") == x - y
    for each in (x & y, x | y, ~x, x - y, x ^ y):
        assert define(each.definition) == each
        assert define(each.definition).definition == each.definition


@pytest.mark.parametrize("other", [None, 1, "age > 1", NotImplemented, object(), {"id": 1}])
def test_other_operands(other: object) -> None:
    """Segments join with segments only, and equal nothing else."""
    for join in (lambda: ADULT & other, lambda: other | ADULT, lambda: ADULT - other):  # type: ignore[operator]
        with pytest.raises(TypeError):
            join()
    assert other != ADULT


def test_different_schemas() -> None:
    """Segments of different schemas neither join nor refer nor compare equal."""
    other = Schema([PEOPLE, ORDERS], time_zone="Europe/Kyiv")
    there = define("age >= 18", "there", other)
    assert there != ADULT
    joins: list[Callable[[], Segment]] = [lambda: there & ADULT, lambda: union("u", ADULT, there)]
    for join in joins:
        with pytest.raises(SchemaError, match="of different schemas"):
            join()
    with pytest.raises(SchemaError, match="segment 'there' is of a different schema"):
        Segment.define("it", "in segment there", CLUB, segments=[there])


def test_equal_schemas() -> None:
    """Schemas are values too: declared again, in another order, they are the same."""
    again = Schema([ORDERS, PEOPLE], root="people")
    assert again == CLUB
    assert define("age >= 18", schema=again) == ADULT
    assert (define("age >= 18", schema=again) & VIP).schema == CLUB


# -- how they look --------------------------------------------------------------------------------


def test_text_forms() -> None:
    """``str`` is the canonical definition, ``repr`` has the name too."""
    segment = define("VIP  or age>1".lower(), "good")
    assert str(segment) == segment.definition == "vip or age > 1"
    assert repr(segment) == "Segment('good', 'vip or age > 1')"
    assert repr(ADULT & VIP) == "Segment(None, 'age >= 18 and vip')"
    assert segment.source == "vip  or age>1"


def test_facts_for_people() -> None:
    """Title, description, owner and goal stay with the segment and its copies under other names."""
    about = {"title": "T", "description": "D", "owner": "O", "goal": "G"}
    segment = Segment.define("it", "age > :x", CLUB, **about)  # type: ignore[arg-type]
    for each in (segment, segment.named("other"), segment.bind(x=1), copy.copy(segment)):
        assert {k: getattr(each, k) for k in about} == about
    assert segment.named("other").name == "other"
    assert (segment & segment).title is None


def test_segments_do_not_change() -> None:
    """No attribute of a segment can be set."""
    with pytest.raises(AttributeError):
        ADULT.name = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        ADULT.parameters["x"] = INTEGER  # type: ignore[index]
    with pytest.raises(TypeError):
        ADULT.references["x"] = VIP  # type: ignore[index]


# -- copies ---------------------------------------------------------------------------------------

SAMPLES = {
    "plain": ADULT,
    "named": Segment.define("it", "age > 1", CLUB, title="T", owner="O"),
    "joined": (ADULT ^ VIP) - NAMED,
    "with a parameter": define("age > :x"),
    "bound": define("seen > :x").bind(x=datetime(2026, 1, 1, tzinfo=UTC)),
    "with references": Segment.define(
        "it",
        "in segment a and not in segment b",
        CLUB,
        segments={"a": ADULT, "b": Segment.define("b", "in segment c", CLUB, segments={"c": VIP})},
    ),
    "with an aggregate": define("count(orders in last 3 days) > 1"),
}


@pytest.mark.parametrize("segment", SAMPLES.values(), ids=SAMPLES)
def test_copies(segment: Segment) -> None:
    """Pickled, copied and evaluated before or not, a segment stays what it is."""
    if not segment.parameters:
        segment.matches({"id": 1, "orders": []}, as_of=NOON)
    _ = segment.warnings, hash(segment)
    protocols = range(2, pickle.HIGHEST_PROTOCOL + 1)
    copies = [pickle.loads(pickle.dumps(segment, p)) for p in protocols]  # noqa: S301
    for each in (*copies, copy.copy(segment), copy.deepcopy(segment)):
        assert each == segment
        assert hash(each) == hash(segment)
        assert repr(each) == repr(segment)
        assert each.source == segment.source
        assert each.title == segment.title
        assert each.parameters == segment.parameters
        assert each.references == segment.references
        assert [str(w) for w in each.warnings] == [str(w) for w in segment.warnings]


def test_copies_in_another_process() -> None:
    """Equality and hashes do not depend on the process that made a segment."""
    data = pickle.dumps([*SAMPLES.values()])
    program = (
        "import pickle, sys; segments = pickle.loads(sys.stdin.buffer.read());"
        "again = [type(s).define(s.name, s.definition, s.schema, segments=s.references)"
        " for s in segments];"
        "assert again == segments and set(again) == set(segments);"
        "sys.stdout.buffer.write(pickle.dumps(again))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], input=data, capture_output=True, check=True
    )
    assert pickle.loads(run.stdout) == [*SAMPLES.values()]  # noqa: S301


@pytest.mark.parametrize("segment", SAMPLES.values(), ids=SAMPLES)
def test_defined_again(segment: Segment) -> None:
    """The canonical definition defines an equal segment."""
    again = Segment.define("again", segment.definition, CLUB, segments=segment.references)
    assert again == segment
    assert again.definition == segment.definition


# -- references -----------------------------------------------------------------------------------


def test_references() -> None:
    """``in segment`` is the segment's condition, by the name under which it is given."""
    good = Segment.define("good", "in segment adult and in segment vip", CLUB,
                          segments=[ADULT.named("adult"), VIP.named("vip"), NAMED])  # fmt: skip
    assert good == ADULT & VIP
    assert dict(good.references) == {"adult": ADULT, "vip": VIP}
    other = Segment.define("x", "not in segment `a b`", CLUB, segments={"a b": good})
    assert other == ~good
    both = good | other
    assert set(both.references) == {"adult", "vip", "a b"}
    assert both.definition == 'in segment adult and in segment vip or not in segment "a b"'


def test_one_name_for_two_segments() -> None:
    """Two different segments under one name cannot meet in one definition."""
    first = Segment.define("x", "in segment s", CLUB, segments={"s": ADULT})
    second = Segment.define("y", "in segment s", CLUB, segments={"s": VIP})
    with pytest.raises(SchemaError, match="two different segments are referred to as 's'"):
        first & second
    assert first & Segment.define("z", "in segment s", CLUB, segments={"s": ~~ADULT}) == ADULT


def test_unknown_references() -> None:
    """A segment that is not given is an error with the place and a suggestion."""
    with pytest.raises(SegmentTypeError) as caught:
        Segment.define("x", "vip or in segment adlut", CLUB, segments=[ADULT.named("adult")])
    assert str(caught.value) == (
        "SK117 unknown segment 'adlut'\n"
        "    vip or in segment adlut\n"
        "                      ^^^^^\n"
        "    hint: did you mean 'adult'?"
    )


# -- parameters -----------------------------------------------------------------------------------


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("text", "value", "definition"),
    [
        ("age > :x", 3, "age > 3"),
        ("age > :x", -3, "age > -3"),
        ("age > :x", 2.5, "age > 2.5"),
        ("age > :x", 1e10, "age > 10000000000.0"),
        ("age > :x", 0.1, "age > 0.1"),
        ("age > :x", Decimal("1E+3"), "age > 1000"),
        ("age > :x", Decimal("1.50"), "age > 1.50"),
        ("age > :x", np.float64(0.5), "age > 0.5"),
        ("age > :x", Level.ONE, "age > 1"),
        ("age > 5 - :x", -3, "age > 5 - -3"),
        ("age > -:x", -3, "age > 3"),
        ("age in (:x, 3)", 17, "age in (17, 3)"),
        ("age between :x and :x", 17, "age between 17 and 17"),
        ("name = :x", Colour.RED, 'name = "red"'),
        ("name = :x", 'a"b\\c\n%?:x', 'name = "a\\"b\\\\c\\n%?:x"'),
        ("name contains any (:x)", "", 'name contains any ("")'),
        ("vip = :x", True, "vip = true"),
        ("vip and :x", False, "vip and false"),
        ("born > :x", date(2026, 1, 2), "born > 2026-01-02"),
        ("seen > :x", date(2026, 1, 2), "seen > 2026-01-02"),
        ("born > :x", datetime(2026, 1, 2, 3), "born > 2026-01-02T03:00"),
        ("seen > :x", datetime(2026, 1, 2, tzinfo=UTC), "seen > 2026-01-02T00:00Z"),
        ("name in :x", ["DK", 'say "NO"'], 'name in ("DK", "say \\"NO\\"")'),
        ("name not in :x ignoring case", ("dk",), 'name not in ("dk") ignoring case'),
        ("name in :x", [], "name in ()"),
        ("name in :x", {"b", "a", "c"}, 'name in ("a", "b", "c")'),
        ("age in :x", frozenset([2]), "age in (2)"),
        ("age in :x", [1, 2.5, Decimal("3.50")], "age in (1, 2.5, 3.50)"),
        ("born in :x", [date(2026, 1, 2)], "born in (2026-01-02)"),
        ("born in last :x days", 1, "born in last 1 day"),
        ("seen in next :x hours", 24, "seen in next 24 hours"),
        ("born in previous :x months", 2, "born in previous 2 months"),
        ("seen > :x days ago", 30, "seen > 30 days ago"),
        ("seen < :x weeks from now", 1, "seen < 1 week from now"),
        ("count(orders in last :x days) >= :x", 3, "count(orders in last 3 days) >= 3"),
        ("any(orders followed by orders within :x days)", 7,
         "any(orders followed by orders within 7 days)"),
        ("at least :x of (vip, age > 3)", 2, "at least 2 of (vip, age > 3)"),
        ("sample(:x%, 'a')", 12.5, 'sample(12.5%, "a")'),
        ("sample(:x%, 'a')", 0, 'sample(0%, "a")'),
        ("seen > :x", pd.Timestamp("2026-01-02 03:04:05.123456789"),
         "seen > 2026-01-02T03:04:05.123456"),
        ("seen > :x", datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Kyiv")),
         "seen > 2026-07-01T00:00+03:00"),
        ("seen > :x", datetime(2026, 7, 1, tzinfo=timezone(timedelta(seconds=3661))),
         "seen > 2026-06-30T22:58:59Z"),
    ],
)  # fmt: skip
def test_values(text: str, value: object, definition: str) -> None:
    """A value is written out in the definition, whatever Python type it has."""
    bound = define(text).bind(x=value)  # type: ignore[arg-type]
    assert bound.definition == definition
    assert bound == define(definition)
    assert not bound.parameters
    assert isinstance(who(bound), list)


@pytest.mark.parametrize(
    ("text", "value", "code"),
    [
        ("age > :x", "3", "SK121"),
        ("age > :x", None, "SK121"),
        ("age > :x", True, "SK121"),
        ("age > :x", [3], "SK121"),
        ("age > :x", np.int64(3), "SK121"),
        ("age > :x", 1j, "SK121"),
        ("age > :x", date(2026, 1, 1), "SK121"),
        ("age > :x", float("nan"), "SK013"),
        ("age > :x", float("-inf"), "SK013"),
        ("age > :x", Decimal("NaN"), "SK013"),
        ("age > :x", Decimal("sNaN"), "SK013"),
        ("age > :x", 2**63, "SK013"),
        ("age > :x", 1e300, "SK013"),
        ("age > :x", 1e-30, "SK013"),
        ("name = :x", 3, "SK121"),
        ("name = :x", b"x", "SK121"),
        ("name = :x", "\ud800", "SK011"),
        ("vip = :x", 1, "SK121"),
        ("born > :x", "2026-01-01", "SK121"),
        ("born > :x", 3, "SK121"),
        ("seen > :x", pd.NaT, "SK010"),
        ("name in :x", "DK", "SK121"),
        ("name in :x", {"DK": 1}, "SK121"),
        ("name in :x", iter(["DK"]), "SK121"),
        ("name in :x", np.array(["DK"]), "SK121"),
        ("name in :x", ["DK", 3], "SK121"),
        ("name in :x", ["DK", None], "SK121"),
        ("name in :x", ["\ud800"], "SK011"),
        ("name in :x", ["ten letters"] * 10_000, "SK006"),
        ("age in :x", [1, True], "SK121"),
        ("age in :x", {1, float("nan")}, "SK013"),
        ("age in :x", [2**63], "SK013"),
        ("seen in :x", {pd.NaT}, "SK010"),
        ("born in last :x days", "7", "SK121"),
        ("born in last :x days", [7], "SK121"),
        ("born in last :x days", True, "SK121"),
        ("born in last :x days", 0, "SK159"),
        ("born in last :x days", -7, "SK159"),
        ("born in last :x days", 7.0, "SK159"),
        ("born in last :x days", Decimal("7.5"), "SK159"),
        ("born in last :x days", 2**63, "SK159"),
        ("born in last :x days", float("inf"), "SK013"),
        ("born in previous :x months", 0, "SK159"),
        ("seen > :x hours ago", 0, "SK159"),
        ("now - seen > :x days", 3_652_501, "SK159"),
        ("any(orders followed by orders within :x hours)", 0, "SK159"),
        ("top :x by age", 0, "SK159"),
        ("top :x by age", 1.5, "SK159"),
        ("top :x% by age", -1, "SK159"),
        ("top :x% by age", 100.5, "SK159"),
        ("sample(:x%, 'a')", 1e-7, "SK159"),
        ("at least :x of (vip, age > 3)", 0, "SK159"),
        ("at most :x of (vip, age > 3)", 3, "SK159"),
        ("at least :x of (vip, age > 3) or born in last :x days", 3, "SK159"),
        ("age > :x or born in last :x days", 1.5, "SK159"),
        ("seen > :x", datetime.max.replace(tzinfo=timezone(-timedelta(hours=9))), "SK010"),
    ],
)
def test_wrong_values(text: str, value: object, code: str) -> None:
    """A value of another type, or one that no definition can write, is refused at its place."""
    with pytest.raises(SegmentTypeError) as caught:
        define(text).bind(x=value)  # type: ignore[arg-type]
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert text[found.span.start : found.span.end] == ":x"


def test_types_of_parameters() -> None:
    """A parameter is typed by its use, one at a time or all together."""
    segment = define("age > :n and name = :t and born in last 3 days and vip = :b and seen > :s")
    assert list(segment.parameters) == ["n", "t", "b", "s"]
    assert [d.family for d in segment.parameters.values()] == [
        "number", "text", "boolean", "timestamp",
    ]  # fmt: skip
    half = segment.bind(n=1, b=True)
    assert list(half.parameters) == ["t", "s"]
    assert half.bind(t="x", s=NOON) == segment.bind(s=NOON, n=1, t="x", b=True)
    assert segment.bind() == segment


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name in :x", "list of text"),
        ("born not in :x", "list of date"),
        ("born in last :x days", "days"),
        ("seen in previous :x quarters", "quarters"),
        ("seen < :x hours ago", "hours"),
        ("now - seen > :x weeks", "weeks"),
        ("any(orders followed by orders within :x minutes)", "minutes"),
        ("top :x by age", "customers"),
        ("bottom :x% by age", "percent"),
        ("at least :x of (vip, age > 3)", "conditions"),
        ("born in last :x days and age > :x", "days"),
        ("age > :x and born in last :x days", "days"),
        ("born in last :x days and born in previous :x months", "integer"),
    ],
)
def test_what_a_parameter_counts(text: str, told: str) -> None:
    """A parameter says what it takes: a list, or a number of what."""
    (dtype,) = define(text).parameters.values()
    assert str(dtype) == told


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("born in last :x days", "born in last :y days"),
        ("born in last :x days", "born in next :x days"),
        ("seen > :x days ago", "seen > :x days from now"),
        ("born in previous :x months", "born in previous :x weeks"),
        ("name in :x", "name in (:x)"),
        ("at least :x of (vip, age > 3)", "at most :x of (vip, age > 3)"),
        ("at least :x of (vip, age > 3)", "at least :y of (vip, age > 3)"),
        ("not at least :x of (vip, age > 3)", "not at least :x of (vip, age > 4)"),
        ("top :x by age", "top :x% by age"),
        ("sample(:x%, 'a')", "sample(:y%, 'a')"),
        ("any(orders followed by orders within :x days)",
         "any(orders followed by orders within :x hours)"),
    ],
)  # fmt: skip
def test_open_numbers_are_told_apart(text: str, other: str) -> None:
    """Segments with open parameters are equal only where they mean the same."""
    assert define(text) == define(text)
    assert define(text) != define(other)
    assert define(text).fingerprint != define(other).fingerprint


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("name in :x", {"x": ["Ada"]}),
        ("name not in :x", {"x": []}),
        ("at least :x of (vip, age > 20, not name = 'Ada')", {"x": 2}),
        ("at most :x of (vip, age > 20, name = 'Ada')", {"x": 1}),
        ("exactly :x of (vip, age > 20, name = 'Ada')", {"x": 1}),
        ("not (born in last :x days)", {"x": 3}),
    ],
)
def test_bound_before_or_after(text: str, values: dict[str, Any]) -> None:
    """It does not matter whether a value is there before the algebra or after it."""
    late = (~define(text)).bind(**values)
    assert late == ~define(text).bind(**values)
    unsure = define(text).uncertain().bind(**values)
    assert who(unsure) == who(define(text).bind(**values).uncertain())


def test_lists_do_not_change() -> None:
    """What a list was when it was bound is what the segment has, and its text is one segment."""
    names = ["Ada"]
    segment = define("name in :x").bind(x=names)
    names.append("Bo")
    assert segment.definition == 'name in ("Ada")'
    assert define("name in ()") == define("name in :x").bind(x=[])


def test_every_wrong_value_is_reported() -> None:
    """All mistakes of one call come together."""
    with pytest.raises(SegmentTypeError) as caught:
        define("age > :n and name = :t").bind(n="x", t=1, u=2)
    assert [d.code for d in caught.value.diagnostics] == ["SK121", "SK121", "SK119"]


def test_parameters_without_a_value() -> None:
    """Evaluating names what is not bound."""
    segment = define("age > :n and name = :t", "it").bind(t="x")
    table = tables_from(CLUB).tables["people"]
    for ask in (
        lambda: segment.matches({"id": 1}),
        segment.matcher,
        lambda: predicate(segment, table),
        lambda: members(segment, table),
    ):
        with pytest.raises(DataError) as caught:
            ask()
        assert str(caught.value) == "it has no value for :n; call bind()"


def test_parameters_of_references() -> None:
    """A value reaches the references, and the references of references."""
    inner = define("age > :x", "inner")
    middle = Segment.define("middle", "in segment inner or age = :y", CLUB, segments=[inner])
    outer = Segment.define("outer", "not in segment middle and age < :x", CLUB, segments=[middle])
    assert list(outer.parameters) == ["x", "y"]
    assert outer.bind(x=3, y=1) == define("not (age > 3 or age = 1) and age < 3")
    assert list(outer.bind(x=3).parameters) == ["y"]
    assert middle.parameters.keys() == {"x", "y"}


def test_parameters_that_disagree() -> None:
    """One parameter cannot be a number here and a text there, across segments too."""
    with pytest.raises(DefinitionError, match="SK120 ':x' is used as number and as text"):
        define("age > :x") & define("name = :x")
    with pytest.raises(DefinitionError, match="SK120 ':x' is used as list of texts and as text"):
        define("name in :x") & define("name = :x")
    with pytest.raises(DefinitionError, match="SK120 ':x' is used as date and as list of dates"):
        define("born > :x or born in :x")
    both = define("top :x by age") & define("at least :x of (vip, age > 3)")
    with pytest.raises(DefinitionError, match="':x' takes a whole number from 1 to 2, and 3 is"):
        both.bind(x=3)


# -- instants -------------------------------------------------------------------------------------

KYIV = Schema([PEOPLE, ORDERS], time_zone="Europe/Kyiv")


@pytest.mark.parametrize(
    ("as_of", "instant"),
    [
        (datetime(2026, 5, 1, 12), datetime(2026, 5, 1, 9)),
        (datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 5, 1, 12)),
        (datetime(2026, 5, 1, 12, tzinfo=ZoneInfo("Asia/Tokyo")), datetime(2026, 5, 1, 3)),
        (datetime(2026, 10, 25, 3, 30), datetime(2026, 10, 25, 0, 30)),
        (datetime(2026, 10, 25, 3, 30, fold=1), datetime(2026, 10, 25, 1, 30)),
        (date(2026, 5, 1), datetime(2026, 4, 30, 21)),
        (pd.Timestamp("2026-05-01 12:00"), datetime(2026, 5, 1, 9)),
    ],
)
def test_forms_of_as_of(as_of: datetime | date, instant: datetime) -> None:
    """Without a zone an instant is read in the schema's, and a date is its first instant."""
    table = tables_from(KYIV).tables["people"]
    segment = define("seen in last 1 second", schema=KYIV)
    query = members(segment, table, as_of=as_of)
    assert query.get_execution_options()["segmentkit_as_of"] == instant.replace(tzinfo=UTC)
    tick = timedelta(microseconds=1)
    seen = [instant - timedelta(seconds=1), instant - timedelta(seconds=1) + tick, instant,
            instant + tick]  # fmt: skip
    found = [segment.matches({"id": 1, "seen": at}, as_of=as_of) for at in seen]
    assert found == [False, True, True, False]


def test_now_is_the_default() -> None:
    """Without ``as_of`` the question is about now."""
    now = datetime.now(UTC)
    segment = define("seen in last 1 hour")
    assert segment.matches({"id": 1, "seen": now})
    assert not segment.matches({"id": 1, "seen": now - timedelta(hours=2)})
    assert segment.matches({"id": 1, "seen": now}, as_of=None)


@pytest.mark.parametrize("as_of", ["2026-05-01", 20260501, 1.5, np.datetime64("2026-05-01"), []])
def test_what_is_no_instant(as_of: object) -> None:
    """Anything else is a type error that names its type."""
    table = tables_from(CLUB).tables["people"]
    for ask in (ADULT.matcher, lambda as_of: predicate(ADULT, table, as_of=as_of)):
        with pytest.raises(TypeError, match=f"not {type(as_of).__name__}"):
            ask(as_of=as_of)  # type: ignore[arg-type]


def test_other_instants_give_other_answers() -> None:
    """What was compiled for one instant is not used for another."""
    segment = define("seen in last 1 day")
    record = {"id": 1, "seen": NOON}
    day = timedelta(days=1)
    for _ in range(3):
        assert segment.matches(record, as_of=NOON)
        assert segment.matches(record, as_of=NOON + day / 2)
        assert not segment.matches(record, as_of=NOON + day)
        assert not segment.matches(record, as_of=NOON - day)
    matches = segment.matcher(as_of=NOON)
    segment.matches(record, as_of=NOON + day)
    assert matches(record)


def test_segments_and_parameters_of_a_population() -> None:
    """What stands among brackets can refer to segments, and be bound later."""
    rich = define("count(orders) > :least", "rich")
    top = Segment.define(
        "top", "top 1 by age among (in segment rich) or age > avg(age among (vip = :of))", CLUB,
        segments=[rich],
    )  # fmt: skip
    assert set(top.parameters) == {"least", "of"}
    bound = top.bind(least=1, of=True)
    assert bound.references["rich"] == define("count(orders) > 1")
    written = "top 1 by age among (count(orders) > 1) or age > avg(age among (vip = true))"
    assert bound == define(written)
    assert pickle.loads(pickle.dumps(bound)) == bound  # noqa: S301
    assert define(bound.uncertain().definition.replace("in segment rich", "true")) is not None


def test_who_is_uncertain_of_a_rank() -> None:
    """A rank rests on the value that is ranked by; a sample on nothing that can be missing."""
    assert define("top 3 by age").uncertain() == define(
        "not (top 3 by age and age is present) and not (not top 3 by age and age is present)"
    )
    assert define('sample(10%, "x")').uncertain() == define('sample(10%, "x")') & ~define(
        'sample(10%, "x")'
    )


def test_many_threads() -> None:
    """Threads that ask one segment about different instants each get their own answer."""
    segment = define("seen in last 1 day or count(orders in this month) > 1")
    table = tables_from(CLUB).tables["people"]
    record = {"id": 1, "seen": NOON, "orders": []}

    def ask(number: int) -> tuple[bool, object]:
        as_of = NOON + timedelta(days=number % 3)
        text = f"age > {number % 5} and in segment it"
        other = Segment.define("x", text, CLUB, segments={"it": segment})
        found = predicate(other, table, as_of=as_of).compile()
        edge = as_of.replace(hour=12) in found.params.values()
        return segment.matches(record, as_of=as_of), edge

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(ask, range(400)))
    finally:
        sys.setswitchinterval(interval)
    assert found == [(number % 3 == 0, True) for number in range(400)]


def test_records_are_mappings() -> None:
    """A record of another kind is a data error that says what it is."""
    for record in ([1], "x", None, 3, object()):
        with pytest.raises(DataError, match=f"not {type(record).__name__}"):
            ADULT.matches(record)  # type: ignore[arg-type]


def test_the_engine_is_not_needed() -> None:
    """A predicate is made without a connection, and compiles for any dialect."""
    table = tables_from(CLUB).tables["people"]
    query = sa.select(table.c.id).where(predicate(ADULT & VIP, table))
    assert "people.age >=" in str(query)


def test_bind_raises_what_it_says() -> None:
    """A value that makes the definition too long is refused as a text that is too long."""
    attributes = [Attribute("name", TEXT), Attribute("kind", TEXT, values=("a", "b"))]
    people = Schema([Entity("people", key="id", attributes=attributes)])
    named = Segment.define(None, "name in (:a, :b)", people)
    with pytest.raises(SegmentTypeError, match="SK006"):
        named.bind(a="x" * 100_001)
    with pytest.raises(SegmentSyntaxError, match="SK006"):
        named.bind(a="x" * 60_000, b="y" * 60_000)
    with pytest.raises(SegmentTypeError, match="SK106"):
        Segment.define(None, "kind = :kind", people).bind(kind="c")


@given(st.text(min_size=1, max_size=3))
def test_names_can_be_written_or_are_refused(name: str) -> None:
    """Whatever an attribute is called, a definition can name it, or the schema refuses it."""
    try:
        schema = Schema([Entity("people", key="id", attributes=[Attribute(name, INTEGER)])])
    except SchemaError:
        assert "\n" in name or any("\ud800" <= c <= "\udfff" for c in name)
        return
    text = f"{format_name(name)} = 1"
    assert Segment.define(None, text, schema).definition == text
