"""What must be true of lists of texts: what a test looked for is told, and what is missing."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import sqlalchemy as sa

from segmentkit import INTEGER, TEXT, TEXTS, Attribute, Entity, Relation, Schema, Segment
from segmentkit import pandas as skp
from segmentkit import sqlalchemy as sql
from segmentkit.analysis import explain, gaps
from segmentkit.explanation import Fact
from segmentkit.sqlalchemy import tables_from
from tests.analysis.frames import NOON

SHOP = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("tags", TEXTS, nullable=True)],
            relations=[Relation("likes", key="person_id", value="what")],
        ),
        Entity("likes", attributes=[Attribute("what", TEXT)]),
    ]
)
ROWS = [
    {"id": 1, "tags": ["vip", "Press"], "likes": [{"what": "jazz"}, {"what": "tea"}]},
    {"id": 2, "tags": [], "likes": []},
    {"id": 3, "tags": None, "likes": []},
]
PEOPLE = [{"id": row["id"], "tags": row["tags"]} for row in ROWS]
LIKES = [{"person_id": row["id"], **like} for row in ROWS for like in row["likes"]]


def _database():
    metadata = tables_from(SHOP)
    engine = sa.create_engine("sqlite://")
    sql.prepare(engine)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(metadata.tables["people"].insert(), PEOPLE)
        connection.execute(metadata.tables["likes"].insert(), LIKES)
    return sql.Source(engine, metadata.tables["people"])


SOURCES = {
    "pandas": skp.Source({"people": pd.DataFrame(PEOPLE), "likes": pd.DataFrame(LIKES)}),
    "sqlite": _database(),
}


@pytest.fixture(params=SOURCES)
def source(request):
    """Somewhere to ask."""
    return SOURCES[request.param]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('tags contains "vip"', ['tags has "vip"', "tags has none of these", "tags is missing"]),
        (
            'tags contains any ("vip", "x", "press") ignoring case',
            ['tags has "vip", "press"', "tags has none of these", "tags is missing"],
        ),
        (
            'not tags contains all ("press", "vip")',
            ['tags has "vip"', "tags has none of these", "tags is missing"],
        ),
        ("tags is missing", ["", "", "tags is missing"]),
        (
            'likes contains any ("tea", "chess")',
            ['likes has "tea"', "likes has none of these", "likes has none of these"],
        ),
    ],
)
def test_a_test_of_a_list_tells_which_of_its_texts_are_there(source, text, told):
    """Of a list an explanation has the texts that were looked for, from records and sources."""
    asked = Segment.define("asked", text, SHOP)
    for row, expected in zip(ROWS, told, strict=True):
        found = asked.explain(row, as_of=NOON)
        facts = [str(fact) for test in found.clause.tests() for fact in test.facts]
        assert facts == ([expected] if expected else [])
        assert explain(asked, source, row["id"], as_of=NOON) == found
        assert found.missing == (("tags",) if expected == "tags is missing" else ())


def test_of_hundreds_of_texts_none_is_told():
    """Where a test looks for very many texts, an explanation does not ask about each."""
    options = ", ".join(f'"{n}"' for n in range(200))
    asked = Segment.define("asked", f'tags contains any ({options}, "vip")', SHOP)
    found = [asked.explain(row, as_of=NOON) for row in ROWS]
    assert [each.holds for each in found] == [True, False, False]
    assert [each.clause.facts for each in found] == [(), (), (Fact("tags", None),)]


def test_a_list_is_a_list_in_json():
    """The texts of a fact are a list, for JSON."""
    found = Segment.define("asked", 'tags contains "vip"', SHOP).explain(ROWS[0], as_of=NOON)
    assert found.clause.facts == (Fact("tags", ("vip",)),)
    told = json.loads(json.dumps(found.to_dict()))
    assert told["clause"]["facts"] == [{"text": "tags", "value": ["vip"], "rows": []}]


def test_a_missing_list_is_a_gap(source):
    """Who is in, or out, only because a list is missing is counted with that list."""
    for text, inside, outside in [
        ('tags contains "vip"', 0, 1),
        ('not tags contains "vip"', 1, 0),
        ('tags is missing or tags contains "vip"', 0, 0),
        ('likes contains "tea"', 0, 0),
    ]:
        found = gaps(Segment.define("asked", text, SHOP), source, as_of=NOON)
        assert (found.in_only, found.out_only) == (inside, outside), text
        expected = [["tags", 1, inside, outside]] if "tags" in text else []
        assert found.frame.values.tolist() == expected
