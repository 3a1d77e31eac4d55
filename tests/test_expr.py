"""Trees that programs make: what they may be, and that each is the tree of its own text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args

from attrs import evolve, fields
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import segmentkit as sk
from segmentkit import SegmentSyntaxError, expr
from segmentkit._language import syntax
from segmentkit._language.json_table import GROUPS
from segmentkit._language.keywords import RESERVED, keywords
from tests.conformance_cases import cases

PEOPLE = sk.Schema(
    [
        sk.Entity(
            "people",
            key="id",
            attributes=[sk.Attribute("id", sk.INTEGER), sk.Attribute("age", sk.INTEGER, True)],
        )
    ]
)
AGE = expr.Name(("age",))
ADULT = expr.Compare(">=", AGE, expr.Literal(18))
TEXTS = sorted({text for case in cases() for text in (case.where, case.value) if text})


def trees() -> list[expr.Expr]:
    """The trees of all conformance cases."""
    found = []
    for text in TEXTS:
        try:
            found.append(expr.parse(text))
        except SegmentSyntaxError:
            continue
    return found


# -- what is public -------------------------------------------------------------------------------

NODES = (*get_args(syntax.Node), *({syntax.Within} - set(get_args(syntax.Node))))


def test_every_node_is_public() -> None:
    """Each class of the tree can be had from the public module, and says what it is."""
    for kind in NODES:
        assert getattr(expr, kind.__name__) is kind
        assert kind.__name__ in expr.__all__
        assert kind.__doc__


def test_every_node_has_a_row() -> None:
    """Each class, and each of its fields, has its place in the table of the JSON form."""
    for kind in NODES:
        rows = [row for group in GROUPS for row in group.by_kind.get(kind, ())]
        assert rows, f"{kind.__name__} has no row in _language/json_table.py"
        own = {each.name for each in fields(kind) if each.eq}
        told = {name for row in rows for name in row.names}
        assert own == told, f"{kind.__name__}: {own ^ told} in _language/json_table.py"


def test_tags_are_no_other_keys() -> None:
    """An object has one tag, whatever else it has: no key beside a tag is one itself."""
    for group in GROUPS:
        beside = {one.key for row in group.rows.values() for one in row.beside}
        assert not beside & set(group.rows)


# -- texts ----------------------------------------------------------------------------------------


def test_a_tree_is_that_of_its_text() -> None:
    """The tree of a definition, written and read, is the same."""
    for tree in trees():
        assert expr.parse(expr.format(tree)) == tree


def test_trees_differ_where_texts_do() -> None:
    """What is equal for Python, such as 1 and true, makes trees that differ as their texts do."""
    at = datetime(2026, 5, 9, 12)
    constants = [
        1, True, Decimal("1.0"), Decimal("1.00"), "1", date(2026, 5, 9), at,
        at.replace(tzinfo=UTC), at.replace(hour=14, tzinfo=timezone(timedelta(hours=2))),
    ]  # fmt: skip
    made = [expr.Literal(value) for value in constants]
    assert [made.index(node) for node in made] == list(range(len(made)))
    assert len(set(made)) == len(made)
    assert sk.format_definition("top 3 by age among (1)") == "top 3 by age among (1)"


def test_places_do_not_count() -> None:
    """The same definition is the same tree, wherever it stands in a text."""
    assert expr.parse("age>=18") == expr.parse("  age   >= 18 # grown up") == ADULT
    assert expr.parse("  age >= 18").span == sk.Span(2, 11)


# -- trees that strangers make ---------------------------------------------------------------------

WORDS = sorted(
    {*RESERVED, *keywords(), "count", "age", "any", "all", "everyone", "segment", "list"}
)
NAMES = st.one_of(
    st.sampled_from(["age", "orders"]),
    st.sampled_from(["a", "orders", "order count", "a.b", "`", "``", "é", "²", "ſ", "K", "Ⅷ", "א"]),
    st.sampled_from(WORDS),
    st.sampled_from([word.title() for word in WORDS]),
    st.text(max_size=4),
    st.sampled_from(["", "a\nb", "\ud800", "a\rb", "a\u2028b", "\x00", "1", "_a", "_1"]),
)
ZONES = [None, UTC, timezone(timedelta(hours=-3, minutes=-30)), timezone(timedelta(seconds=5))]
CONSTANTS = st.one_of(
    st.booleans(), st.integers(-20, 20), st.sampled_from([2**53, 2**63 - 1, -(2**63), 2**63]),
    st.text(max_size=5), st.decimals(-100, 100, places=2),
    st.sampled_from([Decimal(5), Decimal("1e3"), Decimal("nan"), Decimal("-0.0"), Decimal("1E-19")]),
    st.dates(), st.datetimes(timezones=st.sampled_from(ZONES)), st.booleans(), st.integers(-9, 9),
    st.text(max_size=5), st.text(max_size=5), st.dates(),
    st.sampled_from([0.5, float("nan"), None, b"a", (), [1]]),
)  # fmt: skip
COUNTS = st.one_of(
    *[st.integers(0, 40)] * 10, st.sampled_from([-1, True, 2**63, Decimal(3), "3", None, 1.0])
)
TEXT_FIELDS = {
    "unit": ["day", "month", "hour", "second", "km", "m", "mile", "days"],
    "operator": ["=", "!=", "<", ">=", "=="],
    "direction": ["last", "next", "top", "bottom", "followed", "preceded"],
    "which": ["this", "previous", "next"],
    "base": ["now", "today"],
    "quantifier": ["at least", "at most", "exactly", "none"],
    "TextTest.operator": ["contains", "contains", "contains", "starts with", "ends with", "="],
    "TextTest.quantifier": ["any", "all", None, None, None],
    "Rolling.direction": ["last", "next"],
    "Step.direction": ["followed", "preceded"],
    "Ranked.direction": ["top", "bottom"],
    "Length.unit": ["km", "m", "mile", "miles"],
    "Duration.unit": ["day", "month", "hour", "second"],
    "Rolling.unit": ["day", "month", "hour", "second"],
    "Within.unit": ["day", "week", "hour", "month"],
}


def node_of(kind: type, inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Nodes of a class, whose fields are mostly of the right kind."""
    own = [each for each in fields(kind) if each.eq]
    return st.builds(kind, **{each.name: field_of(kind, each, inner) for each in own})


def field_of(kind: type, field: Any, inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What a field can have, and now and then something else."""
    told, options = field.type, []
    words = TEXT_FIELDS.get(f"{kind.__name__}.{field.name}", TEXT_FIELDS.get(field.name))
    if words is not None:
        options.append(st.sampled_from(words))
    elif told == "str":
        options.append(NAMES)
    if field.name == "parts":
        options.append(st.lists(NAMES, min_size=0, max_size=3).map(tuple))
    elif field.name == "operators":
        options += [
            st.lists(st.sampled_from(["+", "-", "*", "/"]), min_size=1, max_size=2).map(tuple)
        ]
        options.append(st.just(("+",)))
    elif "tuple" in told:
        options.append(st.lists(inner, min_size=1, max_size=3).map(tuple))
    elif "Expr" in told and kind in (syntax.Length, syntax.Duration):
        options.append(st.builds(expr.Literal, COUNTS) | st.builds(expr.Parameter, NAMES))
    elif "Expr" in told:
        options.append(inner)
    for name in ("Window", "Step", "Within", "Percent", "Name", "Parameter"):
        if name in told:
            kinds = get_args(getattr(syntax, name)) or (getattr(syntax, name),)
            options.append(st.one_of([st.deferred(lambda k=k: node_of(k, inner)) for k in kinds]))
    if "None" in told:
        options.append(st.none())
    if "bool" in told and field.name != "value":
        options.append(st.booleans())
    if field.name == "value":
        options.append(CONSTANTS)
    elif "int" in told or "Count" in told:
        options.append(COUNTS)
    return st.one_of([*(options * 10), st.sampled_from([None, 3, "x", [], ADULT])])


SIMPLE = st.one_of(
    st.builds(expr.Name, NAMES.map(lambda name: (name,))), st.builds(expr.Literal, CONSTANTS)
)
STRANGE = st.recursive(
    SIMPLE,
    lambda inner: st.one_of([node_of(kind, inner) for kind in get_args(syntax.Expr)]),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(STRANGE)
@example(expr.Compare("=", expr.Literal(True), expr.Literal(1)))
@example(expr.TextTest("contains", AGE, None, (expr.Call("any", (AGE,)),)))
def test_a_strange_tree_is_that_of_its_text_or_refused(tree: expr.Expr) -> None:
    """Whatever tree a program makes: it is the tree of its canonical text, or refused."""
    try:
        text = expr.format(tree)
    except SegmentSyntaxError as error:
        assert str(error)
        (found,) = error.diagnostics
        assert found.pointer is not None
    else:
        assert expr.parse(text) == tree


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(trees()), st.data())
def test_a_changed_tree_is_that_of_its_text_or_refused(
    tree: expr.Expr, data: st.DataObject
) -> None:
    """A field of a definition's tree, changed to anything: the tree of its text, or refused."""
    nodes = [node for node in expr.walk(tree) if any(each.eq for each in fields(type(node)))]
    node = data.draw(st.sampled_from(nodes))
    field = data.draw(st.sampled_from([each for each in fields(type(node)) if each.eq]))
    value = data.draw(st.one_of(field_of(type(node), field, SIMPLE), st.sampled_from(nodes)))
    changed = evolve(node, **{field.name: value})
    whole = syntax.rewritten(tree, lambda each: changed if each is node else None)
    try:
        text = expr.format(whole)
    except SegmentSyntaxError:
        return
    assert expr.parse(text) == whole
