"""GrowthBook's own published conditions through the converter: the same, refused, or explained."""

from __future__ import annotations

import json
import operator
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import segmentkit as sk
from segmentkit.interchange import RULES, ConversionError, Converted, from_conditions
from tests.interchange.people import SHOP, members
from tests.interchange.test_react_querybuilder import JSON

PUBLISHED: list[list[Any]] = json.loads(
    Path(__file__).with_name("growthbook.json").read_text(encoding="utf-8")
)["evalCondition"]
NOW = datetime(2026, 5, 1, tzinfo=UTC)


# -- a schema for each published case: from its attributes, and else from what is asked of them


def _asked(condition: Any) -> Iterator[tuple[str, Any]]:
    """The paths of a condition, each with what is asked of it."""
    for key, value in condition.items():
        if key in ("$and", "$or", "$nor"):
            for each in value:
                yield from _asked(each)
        elif key == "$not":
            yield from _asked(value)
        else:
            yield key, value


def _constants(asked: Any) -> Iterator[Any]:
    if isinstance(asked, Mapping):
        asked = list(asked.values())
    if isinstance(asked, list):
        for each in asked:
            yield from _constants(each)
    else:
        yield asked


def _type_of(value: Any) -> sk.DType | None:
    match value:
        case bool():
            return sk.BOOLEAN
        case int():
            return sk.INTEGER
        case float():
            return sk.FLOAT
        case str():
            return sk.TEXT
        case list() if all(isinstance(each, str) for each in value):
            return sk.TEXTS
        case _:
            return None


def _at(attributes: Any, path: list[str]) -> Any:
    for part in path:
        attributes = attributes.get(part) if isinstance(attributes, Mapping) else None
    return attributes


def _nested(paths: dict[tuple[str, ...], sk.DType]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, dtype in paths.items():
        inner = found
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = dtype
    return found


def _schema(condition: Any, attributes: Mapping[str, Any]) -> sk.Schema:
    types: dict[tuple[str, ...], sk.DType] = {}
    relations: dict[str, list[Mapping[str, Any]]] = {}
    for path, asked in _asked(condition):
        parts = path.split(".")
        value = _at(attributes, parts)
        if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
            relations[path] = value
            continue
        if value is not None and _type_of(value) is None:
            raise sk.SchemaError(f"no attribute holds {value!r}")
        known = [_type_of(value), *map(_type_of, _constants(asked))]
        types[tuple(parts)] = next((each for each in known if each), sk.TEXT)
    documents = {path[0] for path in types if len(path) > 1}
    declared = [
        sk.Attribute(path[0], dtype, nullable=path != ("id",))
        for path, dtype in types.items()
        if path[0] not in documents
    ]
    if ("id",) not in types:
        declared.append(sk.Attribute("id", sk.INTEGER))
    inner = {path: dtype for path, dtype in types.items() if path[0] in documents}
    root = sk.Entity(
        "users",
        key="id",
        attributes=declared,
        documents=[sk.Document(name, of) for name, of in _nested(inner).items()],
        relations=[sk.Relation(name, key="user_id") for name in relations],
    )
    rows = [
        sk.Entity(name, attributes=[sk.Attribute(key, sk.TEXT, nullable=True) for key in value[0]])
        for name, value in relations.items()
    ]
    return sk.Schema([root, *rows])


def answer(case: list[Any]) -> tuple[str, Converted | None, str]:
    """How a published case comes out: its kind, what it became, and why."""
    _, condition, attributes, expected, *groups = case
    try:
        schema = _schema(condition, attributes)
    except sk.SchemaError as error:
        return "other data", None, str(error)
    try:
        found = from_conditions(condition, schema, lists=groups[0] if groups else {})
    except ConversionError as error:
        return "refused", None, "; ".join(each.message for each in error.diagnostics)
    record = {"id": 1, **attributes}
    try:
        ours = found.segment.matches(record, as_of=NOW)
    except sk.DataError as error:
        return "other data", found, str(error)
    if ours == expected:
        return "same", found, ""
    rules = [each.rule for each in found.differences]
    if found.theirs is None:
        assert "version-forms" in rules, (case, found.definition)
        return "different", found, "version-forms"
    assert found.theirs.matches(record, as_of=NOW) == expected, (case, found.definition)
    return "different", found, ", ".join(rules)


ANSWERS = [(case, *answer(case)) for case in PUBLISHED]


def test_published_conditions() -> None:
    """Each published condition has the published answer, is refused, or differs by a named rule."""
    kinds = Counter(kind for _, kind, _, _ in ANSWERS)
    assert (len(ANSWERS), kinds["same"], kinds["different"]) == (248, 206, 6)
    different = [set(why.split(", ")) for _, kind, _, why in ANSWERS if kind == "different"]
    assert different == [{"missing-number"}, *[{"version-forms"}] * 5]


@pytest.mark.parametrize(
    ("reason", "count"),
    {
        "text has no order": 4,
        "$in and its kin take a list": 4,
        "how many elements something has that is no list": 1,
        "that a list or an object is equal to another": 6,
        "a pattern cannot have": 2,
        "unknown list": 2,
        "no attribute holds": 11,
    }.items(),
)
def test_what_is_refused(reason: str, count: int) -> None:
    """What cannot be said is refused by its name, however many cases there are of it."""
    assert sum(reason in why for _, kind, _, why in ANSWERS if kind != "same") == count


SAID = [
    ({}, "true"),
    ({"$or": []}, "true"),
    ({"$nor": []}, "not true"),
    ({"age": 0}, "age = 0"),
    ({"age": "40"}, "age = 40"),
    ({"age": None, "vip": False}, "age is missing and vip = false"),
    ({"age": {"$in": [1, None, "2"]}}, "age in (1) or age is missing"),
    ({"age": {"$in": []}}, "false"),
    ({"age": {"$nin": []}}, "true"),
    ({"name": {"$nini": ["A"]}}, 'name not in ("A") ignoring case'),
    ({"name": {"$regex": "^a.b$".replace(".", r"\.")}}, 'name = "a.b"'),
    ({"name": {"$regex": r"^(Ada|Eve)"}}, 'name starts with "Ada" or name starts with "Eve"'),
    ({"name": {"$not": {"$regexi": "x|y"}}}, 'not name contains any ("x", "y") ignoring case'),
    ({"name": {"$regex": r"^\d{4}-\d\d$"}}, r'name matches "\\d{4}-\\d\\d"'),
    ({"name": {"$regex": "b[ao]+?d"}}, r'name matches "(.|\\n)*b[ao]+d(.|\\n)*"'),
    ({"name": {"$not": {"$regexi": "^a[bc]$"}}}, 'not name matches "[Aa][B-Cb-c]"'),
    ({"tags": {"$elemMatch": {"$eq": "a"}}}, 'tags contains "a"'),
    ({"tags": {"$nin": ["a", "b"]}}, 'tags not contains any ("a", "b")'),
    ({"tags": {"$all": []}}, "tags is present"),
    ({"tags": {"$size": {"$lte": 2}}}, "length(tags) <= 2"),
    ({"name": {"$vgte": "1.2.3-rc.1"}}, 'version(name) >= version("1.2.3-rc.1")'),
    ({"orders": {"$elemMatch": {"amount": {"$gt": 5}}}}, "any(orders where amount > 5)"),
    ({"orders": {"$elemMatch": {}}}, "any(orders)"),
    ({"orders": {"$size": {"$gt": 1}}}, "count(orders) > 1"),
    ({"properties.seats": {"$exists": True}}, "properties.seats is present"),
    ({"joined": {"$lt": "2026-01-01"}}, "joined < 2026-01-01"),
    ({"id": {"$inGroup": "vips"}}, "id in list vips"),
    ({"age": {"$notInGroup": "vips"}}, "age not in list vips"),
    ('{"spent": {"$gte": 0.10}}', "spent >= 0.10"),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "definition"), SAID, ids=[text for _, text in SAID])
def test_said(condition: Any, definition: str) -> None:
    """Conditions become the definitions that a person would write."""
    found = from_conditions(condition, SHOP, lists={"vips": [1, "x", 2, True]})
    assert found.definition == definition
    again = from_conditions(condition, SHOP, lists=[sk.KeyList("vips", [1, 2])])
    assert again.segment == found.segment
    assert all(each.keys == {1, 2} for each in found.segment.lists.values())


REFUSED = [
    ([], "SK501", ""),
    ({"age": {"$gt": None}}, "SK501", "/age/$gt"),
    ({"age": {"$gt": True}}, "SK501", "/age/$gt"),
    ({"age": {"$eq": "40"}}, "SK501", "/age/$eq"),
    ({"age": "40.0"}, "SK501", "/age"),
    ({"age": [1]}, "SK502", "/age"),
    ({"age": {"x": 1, "$gt": 2}}, "SK502", "/age"),
    ({"name": {"$in": [1]}}, "SK501", "/name/$in"),
    ({"name": {"$lt": "a"}}, "SK105", "/name/$lt"),
    ({"name": {"$regex": "^a|b"}}, "SK502", "/name/$regex"),
    ({"name": {"$regex": r"a\s"}}, "SK502", "/name/$regex"),
    ({"name": {"$regex": "a.\\"}}, "SK502", "/name/$regex"),
    ({"name": {"$regex": r"\bfoo"}}, "SK190", "/name/$regex"),
    ({"name": {"$regex": "(a+)+b"}}, "SK191", "/name/$regex"),
    ({"name": {"$regex": "[]a]"}}, "SK190", "/name/$regex"),
    ({"name": {"$regexi": "^[^a]*$"}}, "SK502", "/name/$regexi"),
    ({"name": {"$regex": 5}}, "SK501", "/name/$regex"),
    ({"age": {"$regex": "5"}}, "SK502", "/age/$regex"),
    ({"age": {"$vgt": "1.2.3"}}, "SK502", "/age/$vgt"),
    ({"name": {"$vgt": 1.2}}, "SK501", "/name/$vgt"),
    ({"name": {"$veq": "latest"}}, "SK192", "/name/$veq"),
    ({"age": {"$size": 2}}, "SK502", "/age/$size"),
    ({"$expr": {}}, "SK501", "/$expr"),
    ({"agee": 1}, "SK101", "/agee"),
    ({"$and": {"age": 1}}, "SK501", "/$and"),
    ({"$and": [{"age": 1}, 5]}, "SK501", "/$and/1"),
    ({"orders": {"$exists": True}}, "SK502", "/orders/$exists"),
    ({"orders": {"$size": "2"}}, "SK501", "/orders/$size"),
    ({"orders": 5}, "SK502", "/orders"),
    ({"tags": "a"}, "SK502", "/tags"),
    ({"tags": {"$elemMatch": {"$regex": "a"}}}, "SK502", "/tags/$elemMatch/$regex"),
    ({"id": {"$inGroup": "nobody"}}, "SK143", "/id/$inGroup"),
    ({"id": {"$inGroup": 5}}, "SK143", "/id/$inGroup"),
    ({"age": {"$gt": float("nan")}}, "SK501", "/age/$gt"),
    ({"age": {"$exists": 1}}, "SK501", "/age/$exists"),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "code", "pointer"), REFUSED, ids=range(len(REFUSED)))
def test_refused(condition: Any, code: str, pointer: str) -> None:
    """What cannot be said is refused at its place."""
    with pytest.raises(ConversionError) as caught:
        from_conditions(condition, SHOP)
    assert (caught.value.diagnostics[0].code, caught.value.pointers[0]) == (code, pointer)


def test_missing_numbers() -> None:
    """A missing number compares as zero there: a test that zero passes has these people, too."""
    found = from_conditions({"age": {"$lt": 10}}, SHOP)
    (difference,) = found.differences
    assert (difference.rule, difference.pointer) == ("missing-number", "/age/$lt")
    assert members(found.segment) == {9}
    assert found.theirs is not None
    assert difference.who is not None
    assert members(found.theirs) == {3, 7, 9}
    assert members(difference.who) == {3, 7}
    assert from_conditions({"age": {"$gt": 10}}, SHOP).differences == ()


def _padded(text: str | None) -> str:
    """A version as GrowthBook compares it: parts in a text, numbers in five places."""
    parts = re.split(r"[-.]", re.sub(r"^v|\+.*$", "", text or "0"))
    parts += ["~"] if len(parts) == 3 else []
    return "-".join(part.rjust(5) if part.isdecimal() else part for part in parts)


_NUMBERS = st.lists(st.sampled_from(["0", "1", "9", "10", "99999"]), min_size=3, max_size=3)
_NAMES = st.lists(st.sampled_from(["0", "2", "11", "a", "A", "rc", "rc1"]), max_size=3)
VERSIONS = st.builds(
    lambda v, numbers, names, mark: (
        v + ".".join(numbers) + "-" * bool(names) + ".".join(names) + mark
    ),
    st.sampled_from(["", "v"]),
    _NUMBERS,
    _NAMES,
    st.sampled_from(["", "+b", "+a.-1"]),
)


@given(VERSIONS | st.none(), VERSIONS, st.sampled_from(["eq", "ne", "lt", "lte", "gt", "gte"]))
def test_versions(given: str | None, wanted: str, word: str) -> None:
    """Versions of three numbers are in the same order there; missing ones come before all."""
    found = from_conditions({"name": {f"$v{word}": wanted}}, SHOP)
    holds = {"ne": operator.ne, "lte": operator.le, "gte": operator.ge}
    expected = holds.get(word, getattr(operator, word, None))(_padded(given), _padded(wanted))
    applied = {(d.rule, d.pointer) for d in found.differences if d.rule == "missing-version"}
    theirs = found._again(applied)
    assert theirs is not None
    assert theirs.matches({"name": given}) is expected
    if given is not None:
        assert found.segment.matches({"name": given}) is expected


KEYS = st.sampled_from(["age", "name", "tags", "vip", "orders", "status", "$and", "$or", "$not"])
OPERATORS = st.sampled_from(
    [
        "$eq",
        "$ne",
        "$lt",
        "$gte",
        "$in",
        "$nin",
        "$ini",
        "$all",
        "$alli",
        "$exists",
        "$type",
        "$elemMatch",
        "$size",
        "$regex",
        "$not",
        "$vgt",
        "$x",
    ]
)
CONDITIONS = st.recursive(
    JSON | st.integers(-5, 5) | st.sampled_from(["DK", "null", "^a", "string", True, None]),
    lambda inner: (
        st.dictionaries(KEYS | OPERATORS, inner, max_size=3) | st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


@given(CONDITIONS)
def test_any_json(condition: Any) -> None:
    """Any JSON at all gives a segment, which its text defines too, or a mistake with a place."""
    try:
        found = from_conditions(condition, SHOP)
    except ConversionError as error:
        assert all(each == "" or each.startswith("/") for each in error.pointers)
    else:
        assert sk.Segment.define(None, found.definition, SHOP) == found.segment
        assert all(each.rule in RULES for each in found.differences)
