"""Messages are wordings with values: all stand in one catalog, and nothing in it is left over."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import segmentkit
from segmentkit import DefinitionError, Segment
from segmentkit._checking.coercion import kind_of
from segmentkit._diagnostics.diagnostic import visible
from segmentkit._diagnostics.messages import CODES, HINTS
from segmentkit._diagnostics.terms import TERMS
from segmentkit._diagnostics.wording import Term, filled
from segmentkit._patterns.syntax import PatternError, parse
from segmentkit.dtypes import DType, Kind
from tests.test_messages import LISTS, MESSAGES, SHOP
from tests.test_mistakes import KINDS
from tests.test_mistakes import define as define_mistake
from tests.test_patterns import REFUSED

PACKAGE = Path(segmentkit.__file__).parent


@cache
def found() -> tuple[segmentkit.Diagnostic, ...]:
    """What is told of the mistakes that the tests have, each once."""
    return tuple(dict.fromkeys(_told()))


def _told() -> Iterator[segmentkit.Diagnostic]:
    for text, define in [
        *((m["where"], define_shop) for m in MESSAGES),
        *((text, define_mistake) for kind in KINDS for text, _ in kind["rows"][::3]),
        *((f"name matches {segmentkit.expr.literal(p)}", define_shop) for p in REFUSED),
    ]:
        try:
            yield from define(text).warnings
        except DefinitionError as error:
            yield from error.diagnostics


def define_shop(text: str) -> Segment:
    return Segment.define("s", text, SHOP, lists=LISTS)


def called(name: str) -> Iterator[str]:
    """The wordings that calls of a function name."""
    for node in calls():
        if isinstance(node.func, ast.Name) and node.func.id == name and node.args:
            yield from constants(node.args[0])


@cache
def calls() -> tuple[ast.Call, ...]:
    """All calls of the package."""
    trees = (ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py"))
    return tuple(n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call))


def constants(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(str() as text):
            yield text
        case ast.IfExp():
            yield from constants(node.body)
            yield from constants(node.orelse)


def test_there_is_something_to_look_at() -> None:
    """The corpora give messages, and the sources name hints and terms."""
    assert len(found()) > 400
    assert len(set(called("advice"))) > 100
    assert len(set(called("term"))) > 50


def test_the_message_is_the_wording_with_its_values() -> None:
    """Code and values give the message again, and the hint's id and values the hint."""
    for each in found():
        assert each.message == visible(filled(CODES[each.code].message, each.values))
        if each.hint is None:
            assert each.hint_id is None
            assert not each.hint_values
        else:
            assert each.hint_id is not None
            assert each.hint == visible(filled(HINTS[each.hint_id], each.hint_values))


def test_every_wording_is_in_the_catalog() -> None:
    """What the sources name is there."""
    assert set(called("advice")) | set(called("Hint")) <= set(HINTS)
    assert {*called("term"), *called("unexpected")} <= set(TERMS)
    for kind in Kind:
        assert kind_of(DType(kind)).wording in TERMS
        assert DType(kind).family in TERMS


def test_every_hint_is_used() -> None:
    """None is left over: a name of it stands in the sources."""
    own = PACKAGE / "_diagnostics" / "hints.py"
    text = "\n".join(p.read_text("utf-8") for p in PACKAGE.rglob("*.py") if p != own)
    assert [each for each in HINTS if f'"{each}"' not in text] == []


def test_terms_of_messages_are_in_the_catalog() -> None:
    """Of what the corpora bring, no term is free text but signs in quotes."""
    used = {v for d in found() for v in [*d.values.values(), *d.hint_values.values()]}
    terms = {each.wording for each in used if isinstance(each, Term)}
    assert {each for each in terms - set(TERMS) if not each.startswith("'")} == set()


@pytest.mark.parametrize("pattern", REFUSED)
def test_hints_of_patterns(pattern: str) -> None:
    """They are in the catalog, too, with all that they name."""
    with pytest.raises(PatternError) as caught:
        parse(pattern)
    assert filled(HINTS[caught.value.hint], caught.value.values)


def test_a_diagnostic_is_pickled_with_its_values() -> None:
    """What comes back is equal, and has the same values."""
    for each in found():
        back = pickle.loads(pickle.dumps(each))  # noqa: S301 - its own bytes
        assert back == each
        assert hash(back) == hash(each)
        assert (back.values, back.hint_id, back.hint_values) == (
            each.values,
            each.hint_id,
            each.hint_values,
        )


def test_json_has_what_a_message_names() -> None:
    """A program can make a message of its own from it."""
    with pytest.raises(DefinitionError) as caught:
        Segment.define("s", "aeg > 3", SHOP)
    told = caught.value.to_dict()["diagnostics"][0]
    assert told["values"] == {"name": "aeg"}
    assert told["hint_id"] == "did_you_mean"
    assert told["hint_values"] == {"name": "age"}
