"""The JSON form: one-to-one with the canonical text, and safe whatever it is."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import segmentkit as sk
from segmentkit import DefinitionError, SegmentSyntaxError, expr
from segmentkit._language.json_form import from_json, schema_of, to_json
from tests.conformance_cases import Case, cases
from tests.property.strategies import definitions, peopled_worlds
from tests.test_expr import trees

SCHEMA = schema_of("where")
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
OF_TRAITS = jsonschema.Draft202012Validator(schema_of("value", ["name"]))
PEOPLE = sk.Schema(
    [
        sk.Entity(
            "people",
            key="id",
            attributes=[sk.Attribute("id", sk.INTEGER), sk.Attribute("age", sk.INTEGER, True)],
        )
    ]
)
SOUND = [case for case in cases() if case.error is None]


def document(where: Any) -> dict[str, Any]:
    return {"language": 1, "where": where}


# -- one-to-one ------------------------------------------------------------------------------------


def test_trees_and_json_are_one_to_one() -> None:
    """Each tree of the conformance cases has one JSON form, of which it is read again."""
    for tree in trees():
        data = json.loads(json.dumps(to_json(tree)))
        assert from_json(data) == (expr.format(tree), tree)
        VALIDATOR.validate(document(data))


@pytest.mark.parametrize("case", [c for c in SOUND if c.where], ids=lambda c: f"{c.file}/{c.name}")
def test_segments(case: Case) -> None:
    """A segment written as JSON and read again is the same one, with all that is known of it."""
    given: dict[str, Any] = {
        "segments": case.names.segments, "traits": case.names.traits, "lists": case.names.lists,
    }  # fmt: skip
    assert case.where is not None
    told = {"title": "A title", "description": "Words — of any kind", "owner": "me", "goal": "ok"}
    segment = sk.Segment.define(case.name, case.where, case.schema, **given, **told)
    for data in (segment.to_json(), segment.to_json(indent=2).encode(), segment.to_dict()):
        found = sk.Segment.from_json(data, case.schema, **given)
        assert found == segment
        assert (found.name, found.definition) == (segment.name, segment.definition)
        assert {key: getattr(found, key) for key in told} == told
        assert found.to_json() == segment.to_json()
    assert [w.render(found.source) for w in found.warnings] == [
        w.render(segment.definition)
        for w in sk.Segment.define(None, segment.definition, case.schema, **given).warnings
    ]
    tree = sk.Segment.define(case.name, segment.tree, case.schema, **given)
    assert tree == segment
    assert tree.definition == segment.definition
    assert tree.tree == segment.tree
    assert tree.fingerprint == segment.fingerprint


@pytest.mark.parametrize("case", [c for c in SOUND if c.value], ids=lambda c: f"{c.file}/{c.name}")
def test_traits(case: Case) -> None:
    """A trait written as JSON and read again is the same one."""
    assert case.value is not None
    given = case.names.traits
    trait = sk.Trait.define("a trait", case.value, case.schema, traits=given, title="Title")
    found = sk.Trait.from_json(trait.to_json(), case.schema, traits=given)
    assert found == trait
    assert found.to_dict() == trait.to_dict()
    assert sk.Trait.define("a trait", trait.tree, case.schema, traits=given) == trait
    OF_TRAITS.validate(trait.to_dict())


@given(st.data())
def test_random_definitions(data: st.DataObject) -> None:
    """What the fuzzer writes is the same segment through JSON and through a tree."""
    world = data.draw(peopled_worlds())
    segment = world.define(data.draw(definitions(world)))
    given = {"segments": segment.references, "traits": segment.traits, "lists": segment.lists}
    found = sk.Segment.from_json(segment.to_json(), segment.schema, **given)
    assert found == segment
    assert found.definition == segment.definition
    assert sk.Segment.define(None, segment.tree, segment.schema, **given) == segment
    VALIDATOR.validate(segment.to_dict())


# -- the schema describes what is read --------------------------------------------------------------

WORDS = ["age", "orders", "order count", "é", "any", "all", "in", "top", "Last", "`", "a.b", "²", "ſ", "K"]  # fmt: skip


def of_schema(  # noqa: PLR0911 - one case a form
    schema: dict[str, Any], depth: int = 3
) -> st.SearchStrategy[Any]:
    """JSON that a part of the schema describes."""
    match schema:
        case {"$ref": ref}:
            return st.deferred(
                lambda: of_schema(SCHEMA["$defs"][ref.rpartition("/")[2]], depth - 1)
            )
        case {"oneOf": options} if depth <= 0 and options[0].get("anyOf"):
            leaves = [each for each in options if "name" in each.get("properties", {})]
            return st.one_of(of_schema(options[0]), *(of_schema(each, depth) for each in leaves))
        case {"oneOf": options} | {"anyOf": options}:
            return st.one_of([of_schema(option, depth) for option in options])
        case {"enum": options}:
            return st.sampled_from(options)
        case {"const": value}:
            return st.just(value)
        case {"prefixItems": parts}:
            return st.tuples(*(of_schema(part, depth) for part in parts)).map(list)
        case {"type": "array", "items": items, "minItems": least}:
            return st.lists(of_schema(items, depth), min_size=least, max_size=least + 1)
        case {"type": "object", "required": required, "properties": parts}:
            needed = {key: of_schema(parts[key], depth) for key in required}
            more = {k: of_schema(each, depth) for k, each in parts.items() if k not in needed}
            return st.fixed_dictionaries(needed, optional=more if depth > 0 else None)
        case {"type": "object", "properties": parts}:
            return st.one_of(
                [st.fixed_dictionaries({k: of_schema(v, depth)}) for k, v in parts.items()]
            )
        case {"type": "string", "pattern": pattern} if "0-9" in pattern:
            return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
        case {"type": "string"}:
            return st.sampled_from(WORDS) | st.text(min_size=1, max_size=3)
        case {"type": "integer"}:
            return st.integers(0, 40) | st.sampled_from([2**53 - 1, -1])
        case {"type": ["boolean", "string"]}:
            return st.booleans() | st.sampled_from(WORDS) | st.text(max_size=4)
    raise AssertionError(schema)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(of_schema({"$ref": "#/$defs/expression"}))
def test_what_the_schema_describes_is_read(data: Any) -> None:
    """What is described is a definition, whose text is read as the same tree, or is refused."""
    try:
        text, tree = from_json(data)
    except SegmentSyntaxError as error:
        assert error.diagnostics[0].pointer is not None
        return
    assert expr.parse(text) == tree
    again = to_json(tree)
    assert from_json(again) == (text, tree)
    VALIDATOR.validate(document(again))


# -- whatever comes ---------------------------------------------------------------------------------

JUNK = st.sampled_from(
    [None, True, 0, -1, 1.5, float("nan"), float("inf"), 2**53, 2**70, "", "3", "a", "\ud800", "a\nb",
     [], {}, [[]], {"name": "age"}, {"and": []}, {"last": 3, "unit": "day"}, {"date": "2026-02-30"},
     {"decimal": "1"}, {"decimal": "1.5"}, {"integer": "99999999999999999999"}, {"__proto__": {}}]
)  # fmt: skip


def places(data: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data if isinstance(data, list) else ())
    )
    for key, value in items:
        yield from places(value, (*above, key))


def put(data: Any, way: tuple[Any, ...], value: Any) -> Any:
    if not way:
        return value
    data = copy.copy(data)
    data[way[0]] = put(data[way[0]], way[1:], value)
    return data


def at(data: Any, pointer: str) -> Any:
    """What a JSON pointer leads to; raises if it leads nowhere."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        data = data[int(key)] if isinstance(data, list) else data[key]
    return data


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([to_json(tree) for tree in trees()]), st.data())
def test_a_changed_document_is_read_or_refused(where: Any, data: st.DataObject) -> None:
    """A value, changed to any other or with another key: a segment, or a mistake with its place."""
    whole = document(where)
    way = data.draw(st.sampled_from(list(places(whole))))
    value = at(whole, "".join(f"/{step}" for step in way)) if "/" not in str(way) else None
    if isinstance(value, dict) and data.draw(st.booleans()):
        changed = {**value, data.draw(st.sampled_from(["and", "unit", "", "x", "not"])): 3}
    else:
        changed = data.draw(JUNK)
    told = put(whole, way, changed)
    try:
        segment = sk.Segment.from_json(told, PEOPLE)
    except DefinitionError as error:
        assert str(error)
        assert json.dumps(error.to_dict())
        for found in error.diagnostics:
            assert found.pointer is not None
            at(told, found.pointer)
    else:
        assert sk.Segment.from_json(segment.to_json(), PEOPLE) == segment
        if told != {}:
            VALIDATOR.validate(told)


def refused(data: Any, schema: sk.Schema = PEOPLE) -> tuple[str, str]:
    with pytest.raises(DefinitionError) as caught:
        sk.Segment.from_json(data, schema)
    found = caught.value.diagnostics[0]
    assert found.pointer is not None
    return found.code, found.pointer


AGED = '{"language": 1, "where": {"=": [{"name": "age"}, %s]}}'


@pytest.mark.parametrize(
    ("text", "code", "pointer"),
    [
        ("", "SK020", ""),
        ("{'language': 1}", "SK020", ""),
        (b"\xff", "SK020", ""),
        ("[" * 100_000, "SK020", ""),
        ('{"language": 1, "where": ' + '{"not": ' * 150 + "true" + "}" * 151, "SK007", None),
        ("[1]", "SK021", ""),
        ('{"language": 1}', "SK023", ""),
        ('{"where": true}', "SK303", ""),
        ('{"language": 1.0, "where": true}', "SK303", ""),
        ('{"language": 1, "where": "age > 3"}', "SK021", "/where"),
        ('{"language": 1, "where": true, "where": false}', "SK024", ""),
        ('{"language": 1, "where": {"not": true, "not": false}}', "SK024", "/where"),
        ('{"language": 1, "where": true, "name": 3}', "SK021", "/name"),
        ('{"language": 1, "where": true, "a/b~": 3}', "SK022", ""),
        (AGED % "NaN", "SK013", "/where/=/1"),
        (AGED % "-Infinity", "SK013", "/where/=/1"),
        (AGED % "0.1", "SK025", "/where/=/1"),
        (AGED % "1e400", "SK013", "/where/=/1"),
        (AGED % "9007199254740993", "SK025", "/where/=/1"),
        (AGED % ("9" * 10_000), "SK013", "/where/=/1"),
        (AGED % "null", "SK021", "/where/=/1"),
        (AGED % '{"integer": 3}', "SK021", "/where/=/1/integer"),
        (AGED % '{"decimal": "1e3"}', "SK021", "/where/=/1/decimal"),
        (AGED % '{"date": "2026-02-30"}', "SK010", "/where/=/1/date"),
        (AGED % '{"agee": 1}', "SK022", "/where/=/1"),
        (AGED % '"eighteen"', "SK104", "/where"),
        (AGED % '{"name": "agee"}', "SK101", "/where/=/1"),
        (AGED % '{"name": ["age", ""]}', "SK026", "/where/=/1/name/1"),
        (AGED % '"\\ud800"', "SK001", "/where/=/1"),
    ],
)
def test_mistakes_have_places(text: str | bytes, code: str, pointer: str | None) -> None:
    """JSON that is no segment is refused by its reason and its place."""
    found = refused(text)
    assert found[0] == code
    assert pointer is None or found[1] == pointer


def test_exact_numbers() -> None:
    """Numbers that JSON readers change are written in quotes, and stay what they are."""
    for value in ("9007199254740993", "-9223372036854775807", "0.1", "-0.10", "9007199254740991"):
        segment = sk.Segment.define(None, f"age < {value}", PEOPLE)
        told = json.loads(segment.to_json())
        assert sk.Segment.from_json(told, PEOPLE).definition == f"age < {value}"
        numbers = [each for each in json.dumps(told).split() if "." in each and '"' not in each]
        assert not numbers
    hint = 'write {"decimal": "0.1"}'
    with pytest.raises(SegmentSyntaxError, match=re.escape(hint)):
        sk.Segment.from_json(AGED % "0.1", PEOPLE)


def test_what_is_built_of_itself_ends() -> None:
    """Values that hold themselves, or one value very often, are refused and take no time."""
    endless: dict[str, Any] = {}
    endless["not"] = endless
    assert refused(document(endless))[0] == "SK007"
    doubled: Any = {"name": "age"}
    for _ in range(60):
        doubled = {"and": [doubled, doubled]}
    assert refused(document(doubled))[0] == "SK006"
    node: Any = expr.Name(("age",))
    for _ in range(60):
        node = expr.Arithmetic((node, node), ("+",))
    with pytest.raises(SegmentSyntaxError, match="SK006"):
        expr.format(expr.Compare("=", node, node))
    assert refused(document({"name": "a" * 200_000}))[0] == "SK006"


def test_more_readers_of_the_same() -> None:
    """Nested junctions and unusual spellings are read as their text would be."""
    data = {
        "and": [{"and": [True, {"name": ["age"]}]}, {"negative": 5}, {"from now": 0, "unit": "day"}]
    }
    assert from_json(data)[0] == "true and age and -5 and now"
