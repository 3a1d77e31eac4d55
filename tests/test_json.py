"""The JSON form: one-to-one with the canonical text, and safe whatever it is."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import fields
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import segmentkit as sk
import segmentkit.demo
from segmentkit import DefinitionError, SegmentSyntaxError, expr
from segmentkit._language.json_form import from_json, to_json
from segmentkit._schema.json_form import RECORDS
from tests.conformance_cases import Case, cases
from tests.property.strategies import definitions, peopled_worlds
from tests.test_expr import trees

SCHEMA = sk.json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
OF_TRAITS = jsonschema.Draft202012Validator(sk.json_schema("trait"))
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
    for i, tree in enumerate(trees()):
        data = json.loads(json.dumps(to_json(tree)))
        assert from_json(data) == (expr.format(tree), tree)
        if i % 8 == 0:  # which takes most of the time
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


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
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


PAGE = Path(__file__).parents[1] / "docs" / "definitions-as-data.md"


def told() -> Iterator[tuple[str, str]]:
    """The texts and the JSON of the table in the docs."""
    page = PAGE.read_text(encoding="utf-8").partition("| text | JSON |")[2].partition("\n\n")[0]
    for line in page.splitlines()[2:]:
        found = [re.findall(r"``.+?``|`[^`]+`", each) for each in line.strip("| ").split(" | ")]
        assert len(found[0]) == len(found[1]), line
        yield from zip(*([one.strip("` ") for one in each] for each in found), strict=True)


@pytest.mark.parametrize(("text", "form"), list(told()), ids=lambda each: each)
def test_the_table_is_true(text: str, form: str) -> None:
    """Each text of the table in the docs has the JSON that stands beside it."""
    if text == "a.b":
        text = "`a.b`"
    data = json.loads(re.sub(r"(?<=[\[ ])([abc])(?=[],}])", r'{"name": "\1"}', form))
    if text.startswith(("in last", "in this", "in previous", "in 2", "between")):
        text, data = f"count(r {text})", {"call": "count", "of": [{"name": "r"}], "window": data}
    assert to_json(expr.parse(text)) == data
    assert expr.parse(from_json(data)[0]) == expr.parse(text)


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


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
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
        (AGED % "1e999999999999999999", "SK013", "/where/=/1"),
        (AGED % "1e-19", "SK013", "/where/=/1"),
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


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("0.1", "0.1"),
        ("1E2", "100.0"),
        ("-0.0", "-0.0"),
        ("19.990000000000000001", "19.990000000000000001"),
        ("12345678901234567.89", "12345678901234567.89"),
        ("0.30000000000000004", "0.30000000000000004"),
    ],
)
def test_the_hint_for_a_number_has_all_its_digits(number: str, written: str) -> None:
    """The hint is what stands there, and not the binary fraction that is next to it."""
    hint = f'{{"decimal": "{written}"}}'
    with pytest.raises(SegmentSyntaxError, match=re.escape(f"write {hint}")):
        sk.Segment.from_json(AGED % number, PEOPLE)
    assert sk.Segment.from_json(AGED % hint, PEOPLE).definition == f"age = {written}"


@pytest.mark.parametrize(
    ("name", "text", "kind", "written"),
    [
        ("born", "2026-05-09", "date", "2026-05-09"),
        ("born", "2026-5-9", "date", "2026-05-09"),
        ("seen", "2026-05-09T12:00Z", "timestamp", "2026-05-09T12:00Z"),
    ],
)
def test_the_hint_for_a_date_is_json(name: str, text: str, kind: str, written: str) -> None:
    """JSON has no dates without quotes: the hint is the object, which is then read."""
    kinds = {"id": sk.INTEGER, "born": sk.DATE, "seen": sk.TIMESTAMP}
    own = [sk.Attribute(each, dtype) for each, dtype in kinds.items()]
    schema = sk.Schema([sk.Entity("people", key="id", attributes=own)])
    with pytest.raises(sk.SegmentTypeError) as caught:
        sk.Segment.from_json(document({"<": [{"name": name}, text]}), schema)
    hint = str(caught.value.diagnostics[0].hint)
    assert hint == f'write {{"{kind}": "{written}"}}'
    told = json.loads(hint.removeprefix("write "))
    found = sk.Segment.from_json(document({"<": [{"name": name}, told]}), schema)
    assert found.definition == f"{name} < {written}"


class Own(dict):  # type: ignore[type-arg]
    """What some readers of YAML and TOML give."""


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (document(Own({"name": "age"})), "an Own is not expected here"),
        (document({"=": [{"name": "age"}, Decimal("1.50")]}), 'write {"decimal": "1.50"}'),
        ({"language": 10**10_000, "where": True}, "version … of the language"),
        (document({"\ud800": 1}), "unknown key '\N{REPLACEMENT CHARACTER}'"),
    ],
)
def test_what_is_wrong_is_called_by_its_name(told: dict[str, Any], said: str) -> None:
    """Types of Python that JSON has not, very long numbers and halves of characters can be told."""
    with pytest.raises(SegmentSyntaxError, match=re.escape(said)) as caught:
        sk.Segment.from_json(told, PEOPLE)
    assert str(caught.value).encode()


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


# -- schemas and catalogs ---------------------------------------------------------------------------

OF_SCHEMAS = jsonschema.Draft202012Validator(sk.json_schema("schema"))
OF_CATALOGS = jsonschema.Draft202012Validator(sk.json_schema("catalog"))


def all_kinds() -> sk.Schema:
    """A schema that has something of everything."""
    half = sk.Function("half", ["float"], sk.FLOAT, "Half.", record=lambda x: x / 2)
    listed = [
        (sk.INTEGER, [1, 2**60]), (sk.FLOAT, [0.1, 1e300, -2.0, Decimal("0.1")]), (sk.TEXT, ["a", "é"]),
        (sk.decimal(2), [Decimal("1.50"), Decimal(3)]), (sk.DATE, [date(2026, 5, 9)]),
        (sk.TIMESTAMP, [datetime(2026, 5, 9, 12), datetime(2026, 5, 9, tzinfo=UTC)]), (sk.BOOLEAN, [True]),
    ]  # fmt: skip
    attributes = [
        sk.Attribute(f"a{n}", dtype, True, some) for n, (dtype, some) in enumerate(listed)
    ]
    return sk.Schema(
        [
            sk.Entity(
                "people",
                key="id",
                attributes=[
                    sk.Attribute("id", sk.INTEGER),
                    sk.Attribute("code", sk.TEXT, column="the code", uuid=True),
                    sk.Attribute("lat", sk.FLOAT),
                    sk.Attribute("long", sk.FLOAT),
                    *attributes,
                ],
                documents=[
                    sk.Document("facts", {"plan": sk.TEXT, "billing": {"seats": sk.INTEGER}})
                ],
                places=[sk.Place("home", latitude="lat", longitude="long")],
                links=[sk.Link("firm", to="firms", key="firm_id", by="code", join="a = b")],
                relations=[
                    sk.Relation("visits", key="person", at="at"),
                    sk.Relation("tags", key="p", value="tag"),
                ],
                table="all people",
                schema="crm",
                model="Person",
            ),
            sk.Entity("firms", key="id", attributes=[sk.Attribute("code", sk.TEXT)]),
            sk.Entity("visits", attributes=[sk.Attribute("at", sk.TIMESTAMP)]),
            sk.Entity("tags", attributes=[sk.Attribute("tag", sk.TEXT)]),
        ],
        channels=[sk.Channel("email", address="code", consent="id > 3")],
        functions=[half],
        time_zone="Europe/Kyiv",
        week_start="sunday",
        left_out=[("people.picture", "it is binary")],
    )


def test_every_part_of_a_schema_has_a_row() -> None:
    """All that a schema can say is in the table of its JSON form."""
    for record in RECORDS:
        kind = sk.Schema if record.kind is dict else record.kind
        own = {each.name for each in fields(kind) if each.init and each.name != "path"}
        assert {one.name for one in record.parts} == own


def test_schemas() -> None:
    """A schema written as JSON and read again is the same one."""
    for schema in [all_kinds(), *{id(case.schema): case.schema for case in cases()}.values()]:
        for data in (schema.to_json(), schema.to_dict()):
            found = sk.Schema.from_json(data, functions=schema.functions)
            assert found == schema
            assert found.to_dict() == schema.to_dict()
            assert found.left_out == schema.left_out
        OF_SCHEMAS.validate(schema.to_dict())
    values = [
        each.values
        for each in sk.Schema.from_json(
            all_kinds().to_json(), functions=all_kinds().functions
        ).entity.attributes
    ]
    assert [list(map(type, each)) for each in values] == [
        list(map(type, a.values)) for a in all_kinds().entity.attributes
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"functions": ["halve"]}, "SK103 unknown function 'halve'\n    at /functions"),
        ({"time_zone": "Kyiv"}, "unknown time zone 'Kyiv'"),
        ({"root": "persons"}, "no entity 'persons'"),
        ({"entities": [{"name": "a", "key": "id", "atributes": []}]}, "SK022 unknown key 'atributes'\n    at /entities/0"),
        ({"entities": [{"name": "a", "attributes": [{"name": "b", "type": "txt"}]}]}, "at /entities/0/attributes/0/type"),
    ],
)  # fmt: skip
def test_wrong_schemas(change: dict[str, Any], said: str) -> None:
    """A schema that is wrong is refused with its reason, and where it is its form, the place."""
    with pytest.raises(sk.SchemaError, match=re.escape(said)):
        sk.Schema.from_json(all_kinds().to_dict() | change, functions=all_kinds().functions)


def everything() -> sk.Catalog:
    """A catalog that has something of everything."""
    return sk.Catalog.loads(
        """
language = 1
[schema]
entity = "people"
[schema.tables.people]
key = "id"
attributes = { id = "integer", age = "integer?", born = "date?", spent = "decimal(2)" }
[parameters]
least = 18
since = 2026-05-09
much = 99.90
[traits.years]
value = "default(age, 0) + 1"
title = "Years"
[lists.fair]
keys = [3, 1, 9007199254740993]
owner = "me"
[segments."grown up/s"]
where = "years > :least"
description = "Adults"
[segments.rich]
where = 'spent > :much and in segment "grown up/s" and not in list fair or born > :since'
goal = "x"
[partitions.all]
parts = ["rich", "grown up/s"]
rest = "others"
title = "All"
"""
    )


def test_catalogs() -> None:
    """A catalog written as JSON and read again is the same one, and so is its file."""
    told = Path(sk.demo.__file__).with_name("segments.toml").read_text(encoding="utf-8")
    for catalog in (everything(), sk.Catalog.loads(told), everything().bind(much=0.5)):
        for data in (catalog.to_json(), catalog.to_json(indent=1).encode(), catalog.to_dict()):
            found = sk.Catalog.from_json(data)
            assert found == catalog
            assert dict(found.partitions["all"].parts if "all" in found.partitions else {}) == dict(
                catalog.partitions["all"].parts if "all" in catalog.partitions else {}
            )
            assert found.to_dict() == catalog.to_dict()
            assert sk.Catalog.loads(found.dumps()) == catalog
            assert {n: type(v) for n, v in found.parameters.items()} == {
                n: type(v) for n, v in catalog.parameters.items()
            }
        OF_CATALOGS.validate(catalog.to_dict())


def test_parameters_of_catalogs() -> None:
    """Lists are arrays, as in files; times and texts stay exact, or are refused at their place."""
    odd = datetime(2026, 5, 1, tzinfo=timezone(timedelta(seconds=30)))
    told = {"p": ("DK", "NO"), "q": (), "d": date(2026, 5, 1), "f": Decimal("1.50"), "t": odd}
    segment = sk.Segment.define("all", "true", PEOPLE)
    catalog = sk.Catalog({"all": segment}, parameters=told)
    OF_CATALOGS.validate(catalog.to_dict())
    assert sk.Catalog.from_json(catalog.to_json()).parameters == told
    for value in (float("nan"), Decimal("Infinity"), 10**5000, "\ud800", [1, None]):
        wrong: Any = sk.Catalog({"all": segment}, parameters={"p": value})  # type: ignore[dict-item]
        with pytest.raises(SegmentSyntaxError) as caught:
            wrong.to_json()
        assert str(caught.value.diagnostics[0].pointer).startswith("/parameters/p")
    listed = sk.Catalog.loads(
        'language = 1\n[parameters]\np = [17, 18]\n[segments.a]\nwhere = "age in :p"', PEOPLE
    )
    assert sk.Catalog.from_json(listed.to_json()) == listed


@pytest.mark.parametrize("values", [[10**5000], [Decimal("1E+30")], [2**63]])
def test_numbers_of_attributes_that_are_too_long(values: list[Any]) -> None:
    """A number that no definition has is refused, by the attribute or where it is written."""

    def written() -> str:
        attributes = [
            sk.Attribute("id", sk.INTEGER),
            sk.Attribute("n", sk.decimal(2), values=values),
        ]
        return sk.Schema([sk.Entity("people", key="id", attributes=attributes)]).to_json()

    with pytest.raises(sk.SchemaError):
        written()


@pytest.mark.parametrize("name", ["\ud800", "a\nb", "\u202e", "a" * 100_000])
def test_names_of_strangers_in_messages(name: str) -> None:
    """A message with a name can be encoded, has no more lines and does not grow with the name."""
    told = {"language": 1, "segments": {name: {"where": {"name": "agee"}}}}
    with pytest.raises(sk.CatalogError) as caught:
        sk.Catalog.from_json(told, schema=PEOPLE)
    message = str(caught.value)
    assert message.encode()
    assert len(message) < 1000
    assert "\u202e" not in message
    assert "\nb" not in message


def test_a_catalog_takes_a_schema() -> None:
    """The schema that is given goes before that of the JSON, and one of them there must be."""
    told = everything().to_dict()
    other = everything().schema.rooted("people")
    assert sk.Catalog.from_json(told, other).schema is other
    del told["schema"]
    with pytest.raises(sk.SchemaError, match="no \\[schema\\], and none was given"):
        sk.Catalog.from_json(told)


def test_broken_definitions_are_left_out() -> None:
    """Of a catalog in JSON, too, the rest stands; what is left out has its place."""
    told = everything().to_dict()
    told["segments"]["rich"]["where"] = {">": [{"name": "spend"}, 3]}
    told["partitions"] = {}
    found = sk.Catalog.from_json(told, skip_broken=True)
    assert list(found) == ["grown up/s"]
    (problem,) = found.broken["rich"].problems
    assert problem.diagnostic.pointer == "/segments/rich/where/>/0"
    with pytest.raises(sk.CatalogError, match="SK307"):
        sk.Catalog.from_json(everything().to_dict(), limits=sk.Limits(definitions=3))
    with pytest.raises(sk.CatalogError, match="SK307 more than 100 bytes in the catalog's file"):
        sk.Catalog.from_json(everything().to_json(), limits=sk.Limits(bytes=100))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_changed_catalog_is_read_or_refused(data: st.DataObject) -> None:
    """Any value of a catalog, changed to any other: a catalog, or mistakes with places."""
    whole = everything().to_dict()
    way = data.draw(st.sampled_from(list(places(whole))))
    told = put(whole, way, data.draw(JUNK))
    try:
        found = sk.Catalog.from_json(told, skip_broken=data.draw(st.booleans()))
    except sk.CatalogError as error:
        assert json.dumps(error.to_dict())
        for problem in error.problems:
            assert problem.diagnostic.pointer is not None
            at(told, problem.diagnostic.pointer)
    except sk.SchemaError as error:
        assert str(error)
    else:
        # What was left out may be what others refer to.
        if not found.broken:
            assert sk.Catalog.from_json(found.to_json()) == found
