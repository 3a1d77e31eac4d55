"""Every function and aggregate: on every target, by the examples of its own documentation."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    DefinitionError,
    Entity,
    Place,
    Relation,
    Schema,
    Segment,
)
from segmentkit.functions import AGGREGATES, FUNCTIONS, Example
from segmentkit.sqlalchemy.dialects.dialect import DIALECTS
from tests.targets import TARGETS, Target

AS_OF = datetime(2026, 5, 1, 12, tzinfo=UTC)
SCHEMA = Schema(
    [
        Entity(
            "things",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("number", INTEGER, nullable=True),
                Attribute("name", TEXT, nullable=True),
                Attribute("flag", BOOLEAN, nullable=True),
                Attribute("birth_date", DATE, nullable=True),
                Attribute("latitude", FLOAT, nullable=True),
                Attribute("longitude", FLOAT, nullable=True),
            ],
            places=[Place("home", latitude="latitude", longitude="longitude")],
            relations=[Relation("rows", key="thing_id", at="at")],
        ),
        Entity(
            "rows",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("at", TIMESTAMP),
                Attribute("number", INTEGER, nullable=True),
            ],
        ),
    ]
)
EXAMPLES = [
    pytest.param(example, id=example.definition)
    for function in (*FUNCTIONS.values(), *AGGREGATES.values())
    for example in function.examples
]


def _tables(example: Example) -> dict[str, list[dict[str, Any]]]:
    declared = {attribute.name: None for attribute in SCHEMA.entity.attributes}
    given = {"id": 1, **example.record}
    if "birth_date" in given:
        given["birth_date"] = date.fromisoformat(given["birth_date"])
    thing = {**declared, **{name: v for name, v in given.items() if name in declared}}
    assert given.keys() <= {*declared, "rows"}
    rows = [
        {
            "id": row["id"],
            "thing_id": 1,
            "at": datetime(2026, 4, 1) + timedelta(days=row["day"]),
            "number": row["number"],
        }
        for row in given.get("rows", [])
    ]
    return {"things": [thing], "rows": rows}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("example", EXAMPLES)
def test_example(example: Example, target: Target) -> None:
    """What the table of functions says of an example is so, on every target."""
    segment = Segment.define("example", example.definition, SCHEMA)
    found = target.members(segment, _tables(example), AS_OF)
    assert found == ([1] if example.holds else [])


WITH_NUL = [
    t
    for t in TARGETS
    # Before pandas 3, texts that differ only after a NUL are one category: docs/targets.md.
    if (DIALECTS[t.name].nul if t.name in DIALECTS else pd.__version__ >= "3" or t.name == "record")
]
TEXTS_WITH_NUL = ["\0", "a\0b", "a\0", "\0\0x\U0001f600", "ab", "", "\uffff\0\U0010ffff"]


@pytest.mark.parametrize("target", WITH_NUL, ids=lambda target: target.name)
def test_length_counts_what_python_counts(target: Target) -> None:
    """A NUL ends no text, and is a character like others, wherever a text can hold one."""
    blank = {attribute.name: None for attribute in SCHEMA.entity.attributes}
    things = [{**blank, "id": i, "name": text} for i, text in enumerate(TEXTS_WITH_NUL)]
    for wanted in range(5):
        segment = Segment.define("long", f"length(name) = {wanted}", SCHEMA)
        found = target.members(segment, {"things": things, "rows": []}, AS_OF)
        assert sorted(found) == [i for i, text in enumerate(TEXTS_WITH_NUL) if len(text) == wanted]


EVERY = [*FUNCTIONS.values(), *AGGREGATES.values()]


def test_every_function_has_examples() -> None:
    """A function without an example would be tested nowhere above."""
    assert all(f.examples for f in EVERY)


@pytest.mark.parametrize(("other", "here"), [(name, f.name) for f in EVERY for name in f.others])
def test_what_others_call_it(other: str, here: str) -> None:
    """The name that a function has elsewhere leads to the one that it has here."""
    with pytest.raises(DefinitionError) as error:
        Segment.define("other", f"{other}({'rows' if here == 'count' else 'number'}) = 1", SCHEMA)
    (found,) = error.value.diagnostics
    assert found.code == "SK103"
    assert f"{here}(" in (found.hint or "")
