"""The least and the greatest value of an attribute: what is said of it, warned of, and counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

import segmentkit as sk
from segmentkit import pandas as skp
from segmentkit import sqlalchemy as sql
from segmentkit._catalog.schema_table import read_declaration
from segmentkit._catalog.toml_writer import schema_text

BOUNDS: list[dict[str, Any]] = [
    {"type": "integer", "min": 0},
    {"type": "integer", "max": -1, "nullable": True},
    {"type": "decimal(2)", "min": Decimal("0.50"), "max": 3},
    {"type": "float", "min": -0.5, "max": 1, "column": "c"},
    {"type": "integer", "values": [1, 2], "min": 1, "max": 2},
    {"type": "integer", "encoding": {"one": 1}, "min": 0},
]


def schema_of(**told: Any) -> sk.Schema:
    """A schema of one attribute, ``x``."""
    x = sk.Attribute("x", told.pop("dtype", sk.INTEGER), **told)
    people = sk.Entity("people", key="id", attributes=[sk.Attribute("id", sk.INTEGER), x])
    return sk.Schema([people])


@pytest.mark.parametrize("told", BOUNDS)
def test_files_and_json_say_bounds(told: dict[str, Any]) -> None:
    """What is told in a file is what is written of the schema."""
    table = {"key": "id", "attributes": {"id": "integer", "x": told}}
    schema = read_declaration({"entity": "people", "tables": {"people": table}}).schema()
    x = schema.entity.attribute("x")
    assert x is not None
    assert (x.min, x.max) == (told.get("min"), told.get("max"))
    again = sk.Catalog.loads(schema_text(schema) + '[segments.x]\nwhere = "id = 1"').schema
    assert again == schema
    assert sk.Schema.from_json(schema.to_json()) == schema


@pytest.mark.parametrize(
    ("dtype", "told", "says"),
    [
        (sk.TEXT, {"min": 1}, "min and max are of numbers"),
        (sk.DATE, {"max": 1}, "min and max are of numbers"),
        (sk.INTEGER, {"min": "1"}, "its value '1' is not"),
        (sk.INTEGER, {"min": 1.5}, "its value 1.5 is not"),
        (sk.INTEGER, {"max": True}, "its value True is not"),
        (sk.FLOAT, {"max": float("nan")}, "its value nan is not"),
        (sk.decimal(1), {"max": Decimal("0.25")}, "is not"),
        (sk.INTEGER, {"min": 2, "max": 1}, "x is from 2 to 1"),
        (sk.INTEGER, {"values": [3], "max": 2}, "3 is not within"),
        (sk.INTEGER, {"encoding": {"a": 3}, "max": 2}, "3 is not within"),
    ],
)
def test_what_bounds_nothing_is_refused(dtype: Any, told: dict[str, Any], says: str) -> None:
    """Bounds that make no sense are an error that says why."""
    with pytest.raises(sk.SchemaError) as error:
        schema_of(dtype=dtype, **told)
    assert says in str(error.value)


TESTS = ["x {op} {n}", "{n} {op} x", "not x {op} {n}", "x between {n} and {m}",
         "x not between {n} and {m}", "x in ({n})", "x in ({n}, {m})"]  # fmt: skip


@given(
    st.sampled_from(TESTS),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
    *[st.integers(-4, 4)] * 2,
    *[st.none() | st.integers(-2, 0), st.none() | st.integers(1, 2)],
    st.booleans(),
)
def test_warnings_are_true(
    form: str, op: str, n: int, m: int, low: int | None, high: int | None, nullable: bool
) -> None:
    """What a warning says of a test is so for everything within the bounds."""
    schema = schema_of(nullable=nullable, min=low, max=high)
    definition = form.format(op=op, n=n, m=m)
    segment = sk.Segment.define(None, definition, schema)
    found = [each.message for each in segment.warnings if each.code == "SK207"]
    values = range(-9 if low is None else low, (9 if high is None else high) + 1)
    asked: dict[str, list[Any]] = {"present": list(values), "missing": [None] * nullable}
    for message in found:
        told = message.split("'")[1]
        answers = {
            state: {sk.Segment.define(None, told, schema).matches({"id": 1, "x": v}) for v in each}
            for state, each in asked.items()
        }
        if "never true" in message:
            assert True not in answers["present"] | answers["missing"], definition
        elif "always true" in message:
            assert False not in answers["present"] | answers["missing"], definition
        else:
            state = "present" if "is present" in message else "missing"
            other = ({"present", "missing"} - {state}).pop()
            assert (answers[state], answers[other]) == ({True}, {False}), definition
    if form in TESTS[:2] and not found:
        assert len({segment.matches({"id": 1, "x": v}) for v in values}) == 2, definition


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ("x < 0", "'x < 0' is never true: the schema says that 'x' is from 0 to 120"),
        ("x >= -5", "'x >= -5' is true of all whose 'x' is present: the schema says"),
        ("x != 121", "'x != 121' is always true: the schema says"),
        ("not x < 121", "'x < 121' is true of all whose 'x' is present: the schema says"),
        ("x not between 0 and 120", "is true of all whose 'x' is missing: the schema says"),
        ("x in (7, 150)", "'x = 150' is never true"),
        ("x between 121 and 130", "is never true"),
    ],
)
def test_the_words(definition: str, told: str) -> None:
    """A warning says what the test comes to, and why."""
    schema = schema_of(nullable=True, min=0, max=120)
    found = sk.Segment.define(None, definition, schema).warnings
    assert any(told in each.message for each in found)
    assert "from 0 up to 120" in str(schema)


def test_answers_are_those_of_the_data() -> None:
    """Bounds change no answer, and no fingerprint."""
    plain, bounded = (schema_of(**told) for told in ({}, {"min": 0, "max": 9}))
    segments = [sk.Segment.define(None, "x > 5", schema) for schema in (plain, bounded)]
    assert [each.matches({"id": 1, "x": 99}) for each in segments] == [True, True]
    assert len({each.fingerprint for each in segments}) == 1


@pytest.mark.parametrize("bound", [{"min": 1}, {"max": 1}, {"min": 1, "max": 1}])
def test_verify_counts_what_is_outside(bound: dict[str, int]) -> None:
    """The check of a database counts the rows beyond the bounds, and says what to look at."""
    engine = sql.prepare(sa.create_engine("sqlite://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE people (id INTEGER PRIMARY KEY, x INTEGER)")
        connection.exec_driver_sql("INSERT INTO people VALUES (1, 0), (2, 1), (3, 2), (4, NULL)")
    told = {"people": {"attributes": {"x": {"type": "integer", "nullable": True, **bound}}}}
    schema = sql.schema_from(engine, "people", tables=told)
    found = [f for f in sql.verify(schema, engine).advice if f.kind == "out-of-bounds"]
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(found[0].fix.removesuffix(";")).all()
    assert [each.count for each in found] == [len(rows)] == [len(bound)]
    inside = sql.schema_from(engine, "people", tables={
        "people": {"attributes": {"x": {"type": "integer", "min": 0, "max": 2}}}})  # fmt: skip
    assert not [f for f in sql.verify(inside, engine).findings if f.kind == "out-of-bounds"]
    engine.dispose()


def test_frames_take_bounds() -> None:
    """What the author says of a frame's column can have bounds, too."""
    import pandas as pd

    frame = pd.DataFrame({"id": [1, 2], "x": [3, 4]})
    told = {"people": {"x": {"type": "integer", "max": 9}}}
    schema = skp.schema_from({"people": frame}, "people", keys={"people": "id"}, types=told)
    assert [w.code for w in sk.Segment.define(None, "x > 9", schema).warnings] == ["SK207"]
