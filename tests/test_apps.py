"""What an application needs beside answers: errors as JSON, and a key for its cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from segmentkit import (
    BOOLEAN,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Catalog,
    CatalogError,
    Channel,
    DataError,
    Entity,
    KeyList,
    Place,
    Relation,
    Schema,
    Segment,
    SegmentTypeError,
    Trait,
)
from segmentkit.dtypes import FLOAT

ORDERS = Entity("orders", key="id", attributes=[Attribute("placed_at", TIMESTAMP)])
PEOPLE = Entity(
    "people",
    key="id",
    attributes=[
        Attribute("id", INTEGER),
        Attribute("age", INTEGER, nullable=True),
        Attribute("city", TEXT),
        Attribute("email", TEXT, nullable=True),
        Attribute("opted_in", BOOLEAN),
        Attribute("lat", FLOAT),
        Attribute("lon", FLOAT),
        Attribute("spare", INTEGER),
    ],
    places=[Place("home", latitude="lat", longitude="lon")],
    relations=[Relation("orders", key="person_id", at="placed_at")],
)
SCHEMA = Schema([PEOPLE, ORDERS], channels=[Channel("email", address="email", consent="opted_in")])


def test_a_diagnostic_tells_json_where_it_is() -> None:
    """Lines and columns are of people, offsets are of Python and of JavaScript."""
    source = 'city = "😀" and\n  aeg > 3'
    with pytest.raises(SegmentTypeError) as caught:
        Segment.define("x", source, SCHEMA)
    (told,) = caught.value.to_dict()["diagnostics"]
    assert told["code"] == "SK101"
    assert told["severity"] == "error"
    assert "age" in told["hint"]
    assert told["start"] == {"line": 2, "column": 3, "offset": 17, "offset_utf16": 18}
    assert told["end"] == {"line": 2, "column": 6, "offset": 20, "offset_utf16": 21}
    javascript = source.encode("utf-16-le")
    assert javascript[2 * 18 : 2 * 21].decode("utf-16-le") == "aeg" == source[17:20]


def test_a_warning_says_that_it_is_one() -> None:
    """An editor draws warnings in another colour."""
    segment = Segment.define("x", "not age > 3", SCHEMA)
    told = [warning.to_dict(segment.source) for warning in segment.warnings]
    assert {each["severity"] for each in told} == {"warning"}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Segment.define("x", "age >\n", SCHEMA),
        lambda: Segment.define("x", 'city = "\ud800" and ag\ud800e > 1', SCHEMA),
        lambda: Catalog.loads('[segments]\n"a\ud83d" = "age > \\n nothing"\nb = "age"', SCHEMA),
        lambda: Catalog.loads("[segments\n", SCHEMA),
        lambda: Segment.define("x", "age > 1", SCHEMA).matches({"id": 1, "age": "\ud800"}),
    ],
)
def test_every_error_is_json_in_utf_8(make: Callable[[], Any]) -> None:
    """A web service writes UTF-8, which has no halves of characters."""
    with pytest.raises((SegmentTypeError, CatalogError, DataError, Exception)) as caught:
        make()
    told = caught.value.to_dict()  # type: ignore[attr-defined]
    assert json.loads(json.dumps(told, ensure_ascii=False).encode("utf-8")) == told
    assert told["error"] == type(caught.value).__name__


def test_a_mistake_in_a_catalog_tells_its_place_in_the_file() -> None:
    """The diagnostic's places are in the definition, which is told beside the line of the file."""
    with pytest.raises(CatalogError) as caught:
        Catalog.loads('language = 1\n[segments.grown]\nwhere = "aeg > 3"\n', SCHEMA)
    (told,) = caught.value.to_dict()["diagnostics"]
    assert (told["line"], told["name"], told["kind"]) == (3, "grown", "segment")
    assert told["source"][told["start"]["offset"] : told["end"]["offset"]] == "aeg"


def _defined(text: str, schema: Schema = SCHEMA, **given: Any) -> str:
    return Segment.define("x", text, schema, **given).fingerprint


def test_a_fingerprint_rests_on_meaning_and_not_on_spelling() -> None:
    """White space, the name and what is told to people change nothing."""
    assert _defined("age>=18") == _defined("age   >= 18", title="Adults")
    assert Segment.define("a", "age > 1", SCHEMA).fingerprint == _defined("age > 1")
    assert _defined("age >= 18") != _defined("age >= 19")


def test_a_fingerprint_changes_with_all_that_is_referred_to() -> None:
    """Segments, traits, lists and bound parameters are parts of a meaning."""
    for low in ("1", "2"):
        base = Segment.define("base", f"age > {low}", SCHEMA)
        trait = Trait.define("much", f"age + {low}", SCHEMA)
        keys = KeyList("fair", [1, int(low) + 1])
        found = [
            _defined("in segment base", segments=[base]),
            _defined("much > 5", traits=[trait]),
            _defined("in list fair", lists=[keys]),
            Segment.define("x", "age > :low", SCHEMA).bind(low=int(low)).fingerprint,
        ]
        if low == "1":
            first = found
    assert len({*first, *found, _defined("age > :low")}) == 9


def _with(entity: Entity, **changed: Any) -> Schema:
    people = evolve(PEOPLE, **changed) if entity is PEOPLE else PEOPLE
    orders = evolve(ORDERS, **changed) if entity is ORDERS else ORDERS
    return Schema([people, orders], channels=SCHEMA.channels)


def _attribute(name: str, **changed: Any) -> tuple[Attribute, ...]:
    return tuple(evolve(a, **changed) if a.name == name else a for a in PEOPLE.attributes)


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("age > 1", evolve(SCHEMA, time_zone="Europe/Berlin")),
        ("age > 1", _with(PEOPLE, attributes=_attribute("age", nullable=False))),
        ("age > 1", _with(PEOPLE, attributes=_attribute("age", dtype=FLOAT))),
        ("age > 1", _with(PEOPLE, attributes=_attribute("age", column="years"))),
        ("age > 1", _with(PEOPLE, table="customers")),
        ("age > 1", _with(PEOPLE, key="spare")),
        ("any(orders)", _with(PEOPLE, relations=[Relation("orders", key="buyer_id")])),
        ("any(orders)", _with(ORDERS, table="purchases")),
        (
            "any(orders in last 3 days)",
            _with(ORDERS, attributes=[Attribute("placed_at", TIMESTAMP, column="at")]),
        ),
        (
            "distance(home, point(1, 2)) < 3 km",
            _with(PEOPLE, attributes=_attribute("lat", column="y")),
        ),
        ("reachable by email", _with(PEOPLE, attributes=_attribute("opted_in", nullable=True))),
        (
            "reachable by email",
            evolve(SCHEMA, channels=[Channel("email", address="email", consent="age > 3")]),
        ),
    ],
)
def test_a_fingerprint_changes_with_the_part_of_the_schema_that_is_named(
    text: str, schema: Schema
) -> None:
    """What a column, a way or a zone means, a definition means too."""
    assert _defined(text) != _defined(text, schema)


def test_a_fingerprint_does_not_change_with_other_parts_of_the_schema() -> None:
    """A new column of no concern leaves a cache as it is."""
    more = _with(PEOPLE, attributes=[*PEOPLE.attributes, Attribute("new", TEXT)])
    assert _defined("age > 1") == _defined("age > 1", more)
    assert _defined("any(orders)") == _defined("any(orders)", more)


def test_a_fingerprint_is_the_same_in_another_process() -> None:
    """Sets have another order there."""
    told = (
        "from tests.test_apps import SCHEMA;"
        "from segmentkit import KeyList, Segment;"
        "lists = [KeyList('fair', ['a', 'b', 'c', 'd'])];"
        "from attrs import evolve;"
        "print(Segment.define('x', 'age > 1 and city = \"Å\" and any(orders)', SCHEMA).fingerprint)"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", told],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {_defined('age > 1 and city = "Å" and any(orders)') + "\n"}
