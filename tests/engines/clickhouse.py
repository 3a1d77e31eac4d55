"""What only ClickHouse has: rows without a partner, its calendar, its driver's parameters."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from segmentkit import (
    DATE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Entity,
    Link,
    Relation,
    Schema,
    Segment,
    UnsupportedError,
    decimal,
    dtypes,
)
from segmentkit._language.formatter import format_value
from segmentkit.sqlalchemy import Source, members
from tests.conformance_cases import Tables, records
from tests.targets.databases import ENGINES

AS_OF = datetime(2026, 5, 1, 12, tzinfo=UTC)
DATABASE = next(each for each in ENGINES if each.name == "clickhouse")
SCHEMA = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("name", TEXT),
                Attribute("born", DATE),
                Attribute("seen", TIMESTAMP),
                Attribute("spent", decimal(10)),
            ],
            links=[Link("shop", to="shops", key="shop_id")],
            relations=[Relation("visits", key="person_id", at="at")],
        ),
        Entity(
            "shops",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("size", INTEGER)],
        ),
        Entity(
            "visits",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("at", TIMESTAMP),
                Attribute("pages", INTEGER),
            ],
            links=[Link("shop", to="shops", key="shop_id")],
        ),
    ]
)
TEXTS = [
    "",
    "'",
    "\\",
    "\\'",
    "'\\",
    "\\\\",
    "?",
    "%s",
    "?'",
    "a\nb",
    "\x00",
    "\\n",
    "';--",
    "Київ",
]


def _person(number: int, **told: Any) -> dict[str, Any]:
    plain = {"name": "", "born": date(2000, 1, 1), "seen": datetime(2026, 1, 1), "shop_id": None}
    return {"id": number, **plain, "spent": Decimal(0), **told}


def _visit(number: int, person: int, shop: int | None) -> dict[str, Any]:
    at = datetime(2026, 4, number)
    return {"id": number, "person_id": person, "shop_id": shop, "at": at, "pages": number}


TABLES: Tables = {
    "people": [
        *(_person(i, name=text, shop_id=i % 3 or None) for i, text in enumerate(TEXTS, start=1)),
        _person(90, born=date(1900, 1, 1), seen=datetime(1900, 1, 1), shop_id=0),
        _person(91, born=date(1969, 12, 31), seen=datetime(1969, 12, 31, 23, 59, 59, 999999)),
        _person(92, born=date(1970, 1, 1), seen=datetime(1970, 1, 1), shop_id=77),
        _person(93, born=date(2299, 12, 31), seen=datetime(2299, 12, 31, 23, 59, 59, 999999)),
        _person(94, spent=Decimal("0.1000000001")),
        _person(95, spent=Decimal("123456789012345.1")),
    ],
    "shops": [{"id": 1, "size": 0}, {"id": 2, "size": 5}],
    "visits": [_visit(1, 90, 1), _visit(2, 90, None), _visit(3, 91, 77), _visit(4, 92, 0)],
}


def _agree(definition: str) -> list[Any]:
    """The members, which must be those of the same rows one by one."""
    segment = Segment.define("s", definition, SCHEMA)
    found = sorted(DATABASE.target.members(segment, TABLES, AS_OF))
    matches = segment.matcher(as_of=AS_OF)
    rows = zip(TABLES["people"], records(SCHEMA, TABLES), strict=True)
    assert found == [row["id"] for row, record in rows if matches(record)], definition
    return found


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_sent_as_they_are(text: str) -> None:
    """Quotes, backslashes and marks of parameters are plain characters, also one after another."""
    written, other = format_value(text), format_value("?'\\")
    for test in ("name = {}", "name != {}", "name in ({}, {})", "name contains {}"):
        _agree(test.format(written, other))
    _agree(f"name starts with {written} and not (name ends with {other})")
    assert len(_agree(f"name = {other} or name = {written}")) >= 1


@pytest.mark.parametrize(
    "definition",
    [
        "shop.size = 0",
        "shop.size != 0",
        "shop.size is missing",
        "shop.size in (0, 5)",
        "shop.size not in (5, 6)",
        "any(visits where shop.size = 0)",
        "any(visits where shop.size is missing)",
        "none(visits where shop.size > 0)",
        "max(visits.pages) is missing",
        "min(visits.pages) = 0",
        "not (max(visits.pages) = 0)",
        "count(visits) = shop.size",
        "sum(visits.pages) = count(visits where shop.size = 0)",
        "max(visits.pages) = sum(visits.pages) and shop.size is missing",
        "first(visits.shop.size) is missing",
        "last(visits.pages) = 0",
        "median(visits.pages) is missing",
    ],
)
def test_what_is_not_there_is_missing(definition: str) -> None:
    """What a link or a relation does not find is missing, not zero, whatever the settings."""
    _agree(definition)


@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">="])
def test_the_calendar_is_not_cut(operator: str) -> None:
    """Dates and instants before 1970 and to the microsecond are compared as they are."""
    for day in ("1900-01-02", "1969-12-31", "1970-01-01", "2105-12-31", "2299-12-30"):
        _agree(f"born {operator} {day}")
        _agree(f"seen {operator} {day}T00:00Z")
    _agree(f"seen {operator} 1969-12-31T23:59:59.999999Z")
    _agree(f"spent {operator} 0.1000000001")
    _agree(f"spent * 3 {operator} 0.3000000003")
    _agree(f"spent {operator} 123456789012345.1")


def test_a_statement_says_what_its_outer_joins_give() -> None:
    """The setting is in the statement, so that an engine needs none, and only where it matters."""
    metadata = DATABASE.tables(SCHEMA)
    for definition, told in (("count(visits) = shop.size", True), ("count(visits) > 1", False)):
        segment = Segment.define("s", definition, SCHEMA)
        query = members(segment, metadata.tables["people"], as_of=AS_OF)
        engine = sa.create_engine("chdb:///:memory:")
        assert ("join_use_nulls" in str(query.compile(engine))) == told
        assert "join_use_nulls" not in str(query.compile())


def test_arrays() -> None:
    """It asks its arrays, which are never missing."""
    from chdb_sqlalchemy import types as chdb

    tags = Attribute("tags", dtypes.TEXTS)
    schema = Schema([Entity("tagged", key="id", attributes=[Attribute("id", INTEGER), tags])])
    metadata, texts = sa.MetaData(), chdb.Array(chdb.Nullable(chdb.String()))
    key = sa.Column("id", sa.Integer, primary_key=True)
    table = sa.Table("tagged", metadata, key, sa.Column("tags", texts, nullable=False))
    # The driver sends a list as a tuple.
    rows = "(1, ['abc', 'a']), (2, ['abcd', NULL]), (3, [])"
    expected = {
        'tags contains "abc"': [1],
        'tags contains any ("abcd", "a")': [1, 2],
        'tags contains "ABC" ignoring case': [1],
        'tags not contains "abc"': [2, 3],
    }
    connection = DATABASE.connection
    metadata.create_all(connection)
    try:
        connection.exec_driver_sql(f"INSERT INTO tagged VALUES {rows}")
        for text, found in expected.items():
            segment = Segment.define(None, text, schema)
            assert sorted(connection.scalars(members(segment, table))) == found, text
    finally:
        metadata.drop_all(connection)


def test_statements_longer_than_it_reads_are_split() -> None:
    """What does not go into one text of ``max_query_size`` goes into several, or is refused."""
    texts = {f"s{n}": [f"{i}, {n}".ljust(40, "'") for i in range(500)] for n in range(4)}
    segments = {
        name: Segment.define(name, f"name in ({', '.join(map(format_value, each))})", SCHEMA)
        for name, each in texts.items()
    }
    people = [_person(n, name=each[7 * n]) for n, each in enumerate(texts.values())]
    with DATABASE.loaded(SCHEMA, TABLES | {"people": people}) as (connection, metadata):
        source = Source(connection, metadata.tables["people"])
        before = connection.exec_driver_sql("SELECT getSetting('max_query_size')").scalar_one()
        try:
            connection.exec_driver_sql("SET max_query_size = 80000")
            found = source.evaluate(segments, as_of=AS_OF)
            connection.exec_driver_sql("SET max_query_size = 20000")
            with pytest.raises(UnsupportedError, match="at most 20,000 bytes in one statement"):
                source.members(segments["s0"], as_of=AS_OF)
        finally:
            connection.exec_driver_sql(f"SET max_query_size = {before}")
    assert [list(found[name]) for name in segments] == [[0], [1], [2], [3]]
