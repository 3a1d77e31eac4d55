"""Weeks that begin on Sunday: every form of a schema says so, and windows stay bounds of the column."""

from __future__ import annotations

import pickle
from datetime import datetime
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from segmentkit import DATE, INTEGER, Attribute, Catalog, Entity, Schema, SchemaError, Segment
from segmentkit._catalog.schema_table import declare
from segmentkit._catalog.toml_file import read_catalog
from segmentkit._catalog.toml_writer import schema_text
from segmentkit._fingerprint import fingerprint
from segmentkit.pandas import schema_from as schema_from_frames
from segmentkit.sqlalchemy import members, schema_from, tables_from

PEOPLE = Entity(
    "people", key="id", attributes=[Attribute("id", INTEGER), Attribute("born", DATE, True)]
)
SUNDAY = Schema([PEOPLE], week_start="sunday")
MONDAY = Schema([PEOPLE])
CATALOG = Catalog({"a": Segment.define("a", "born in this week", SUNDAY)})


def _of_text(text: str) -> Schema:
    declaration = read_catalog(text).declaration
    assert declaration is not None
    return declaration.schema()


FORMS: dict[str, Any] = {
    "JSON": lambda: Schema.from_json(SUNDAY.to_json()),
    "JSON of a catalog": lambda: Catalog.from_json(CATALOG.to_json())["a"].schema,
    "a file": lambda: _of_text(schema_text(SUNDAY)),
    "keywords": lambda: declare("people", week_start="sunday"),
    "frames": lambda: schema_from_frames(
        pd.DataFrame({"id": [1]}), "people", keys={"people": "id"}, week_start="sunday"
    ),
    "tables": lambda: schema_from(tables_from(SUNDAY).tables["people"], week_start="sunday"),
    "a pickle": lambda: pickle.loads(pickle.dumps(SUNDAY)),  # noqa: S301 - our own
    "another root": lambda: SUNDAY.rooted("people"),
    "more functions": lambda: SUNDAY.extended([]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_schema_says_it(form: str) -> None:
    """On which day weeks begin is in what is written, and read again."""
    assert FORMS[form]().week_start == "sunday"


def test_a_schema_that_says_nothing_is_written_as_before() -> None:
    """Weeks from Monday are nowhere told, and change no signature."""
    assert "week_start" not in schema_text(MONDAY)
    assert "week_start" not in MONDAY.to_dict()
    assert MONDAY != SUNDAY


def test_signatures_differ() -> None:
    """What a definition means depends on the day, so its signature does."""
    told = [fingerprint(Segment.define("a", "born in this week", s)) for s in (MONDAY, SUNDAY)]
    assert told[0] != told[1]


@pytest.mark.parametrize("day", ["saturday", "Sunday", "", None, 7, ["sunday"]])
def test_other_days_are_refused(day: Any) -> None:
    """Weeks begin on one of two days; anything else is refused by name."""
    with pytest.raises(SchemaError, match="week_start is 'monday' or 'sunday', not"):
        Schema([PEOPLE], week_start=day)


@pytest.mark.parametrize("window", ["in this week", "in previous week", "in previous 3 weeks"])
def test_windows_are_bounds_of_the_column(window: str) -> None:
    """What an index serves it serves whatever the weeks are."""
    table = tables_from(SUNDAY).tables["people"]
    texts = {
        str(members(Segment.define(None, f"born {window}", s), table, as_of=datetime(2026, 5, 9)))
        for s in (MONDAY, SUNDAY)
    }
    assert len(texts) == 1
    engine = sa.create_engine("sqlite://")
    sa.Index("on_born", table.c.born)
    with engine.connect() as connection:
        table.metadata.create_all(connection)
        segment = Segment.define(None, f"born {window}", SUNDAY)
        query = members(segment, table, as_of=datetime(2026, 5, 9))
        bare = query.compile(engine, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {bare}").all()
        assert "USING INDEX on_born (born>? AND born<?)" in str(plan) or "COVERING INDEX" in str(
            plan
        )
    engine.dispose()
