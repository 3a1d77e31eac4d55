"""What databases limit, and odd constants: the right answer, or refused by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from time import process_time

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, oracle

from segmentkit import (
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Catalog,
    DefinitionError,
    Entity,
    Schema,
    Segment,
    UnsupportedError,
    decimal,
    format_definition,
)
from segmentkit._planning import ir
from segmentkit.sqlalchemy import predicate, tables_from
from segmentkit.sqlalchemy.statements.predicate import compile_predicate
from segmentkit.sqlalchemy.tables import Tables
from tests.targets import DATABASES, TARGETS, Target, records
from tests.targets.databases import Database
from tests.test_hostile import TEXTS

NOON = datetime(2026, 5, 1, 12)
SCHEMA = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("name", TEXT, nullable=True),
                Attribute("price", decimal(2), nullable=True),
                Attribute("score", FLOAT, nullable=True),
                Attribute("born", DATE, nullable=True),
                Attribute("seen", TIMESTAMP, nullable=True),
            ],
        )
    ]
)
PEOPLE = SCHEMA.entity
RECORD = records.TARGETS[0]
ONE_OF_A_KIND = [t for t in TARGETS if not t.name.startswith("pandas ") and t != RECORD]
TABLE = tables_from(SCHEMA).tables["people"]


def define(text: str) -> Segment:
    return Segment.define("it", text, SCHEMA)


def row(key: int, **values: object) -> dict[str, object]:
    return dict.fromkeys(a.name for a in PEOPLE.attributes) | {"id": key} | values


# -- long lists -----------------------------------------------------------------------------------


def chosen(test: str, values: list[str]) -> Catalog:
    """A segment of one long list, and its complement: longer than one definition may be."""
    parts = [values[i : i + 4_000] for i in range(0, len(values), 4_000)]
    text = "language = 1\n"
    for i, part in enumerate(parts):
        text += f"[segments.part{i}]\nwhere = '''{test.format(', '.join(part))}'''\n"
    whole = " or ".join(f"in segment part{i}" for i in range(len(parts)))
    text += f"[segments.whole]\nwhere = '{whole}'\n"
    text += "[segments.rest]\nwhere = 'not in segment whole'\n"
    return Catalog.loads(text, SCHEMA)


DAY = date(2000, 1, 1)
LISTS: dict[str, tuple[str, Callable[[int], str], list[dict[str, object]]]] = {
    "whole numbers": ("id in ({})", str, [row(0), row(2_000), row(2_001), row(-1)]),
    "texts": (
        "name in ({})",
        lambda i: f'"n{i}\'\\\\{chr(0x400 + i % 90)}"',
        [row(1, name="n5'\\\u0405"), row(2, name="n5'\\"), row(3), row(4, name="N5'\\\u0405")],
    ),
    "texts ignoring case": (
        "name in ({}) ignoring case",
        lambda i: f'"ñ{i}"',
        [row(1, name="Ñ7"), row(2, name="N7"), row(3)],
    ),
    "decimals": (
        "price in ({})",
        lambda i: f"{i}.{i % 100:02}",
        [row(1, price=Decimal("1234.34")), row(2, price=Decimal("1234.35")), row(3)],
    ),
    "dates": (
        "born in ({})",
        lambda i: (DAY + timedelta(days=i)).isoformat(),
        [row(1, born=DAY + timedelta(days=77)), row(2, born=DAY - timedelta(days=1)), row(3)],
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_long_lists(name: str) -> None:
    """A list longer than the parameters that a statement may have is answered all the same."""
    test, value, people = LISTS[name]
    catalog = chosen(test, [value(i) for i in range(2_001)])
    tables = {"people": people}
    for segment in (catalog["whole"], catalog["rest"]):
        record = RECORD.members(segment, tables, NOON)
        assert 0 < len(record) < len(people)
        for database in DATABASES:
            found = database.members(segment, tables, NOON)
            assert sorted(found) == sorted(record), database.name


@pytest.mark.parametrize("database", DATABASES, ids=lambda database: database.name)
def test_longer_than_any_number_of_parameters(database: Database) -> None:
    """PostgreSQL takes 65,535 parameters, SQLite 32,766 unless it was built for more."""
    tables = {"people": [row(69_999), row(70_000)]}
    with database.loaded(SCHEMA, tables) as (connection, metadata):
        driver = connection.connection.driver_connection
        before = 0
        if isinstance(driver, sqlite3.Connection):
            before = driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        key = metadata.tables["people"].c.id
        for positive, wanted in ((True, [69_999]), (False, [70_000])):
            operand = ir.Column(ir.Scope.ENTITY, (), "id", INTEGER, False)
            asked: ir.Condition = ir.OneOf(
                operand, tuple(ir.Const(i, INTEGER) for i in range(70_000))
            )
            condition = asked if positive else ir.complement(asked)
            test = compile_predicate(condition, Tables.of(SCHEMA, metadata.tables["people"]))
            assert connection.scalars(sa.select(key).where(test)).all() == wanted
        if isinstance(driver, sqlite3.Connection):
            # Other tests use the connection again.
            driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)


def test_long_lists_of_other_dialects() -> None:
    """Oracle takes 1,000 values a list, and SQL Server 2,100 a statement."""
    catalog = chosen("id in ({})", [str(i) for i in range(2_500)])
    for name, word in (("whole", " OR "), ("rest", " AND ")):
        test = predicate(catalog[name], TABLE)
        text = str(test.compile(dialect=oracle.dialect()))
        assert text.count(" IN (") == 3
        assert text.count(word) == 2
        with pytest.raises(UnsupportedError, match="SQL Server takes 2,100 parameters"):
            test.compile(dialect=mssql.dialect())
    short = chosen("id in ({})", [str(i) for i in range(1_000)])["whole"]
    assert "IN" in str(predicate(short, TABLE).compile(dialect=mssql.dialect()))


@pytest.mark.parametrize("database", DATABASES, ids=lambda database: database.name)
def test_statements_of_long_lists_are_used_again(database: Database) -> None:
    """SQLAlchemy keeps the statement, and its values are those of the query at hand."""
    tables = {"people": [row(0), row(1), row(1_500), row(1_501)]}
    for start in (0, 1, 1_500):
        segment = chosen("id in ({})", [str(i) for i in range(start, start + 1_500)])["whole"]
        wanted = [r["id"] for r in tables["people"] if start <= int(str(r["id"])) < start + 1_500]
        assert sorted(database.members(segment, tables, NOON)) == wanted


# -- odd texts ------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


ODD = {
    "people": [
        row(2 * i + j, name=name)
        for i, t in enumerate(TEXTS)
        for j, name in enumerate([t, f"<{t}>"])
    ]
}
TESTS = [
    "name = {}", "name in ({}, 'another')", "name != {}", "name contains {}", "name starts with {}",
    "name not ends with {}", "name contains {} ignoring case", "default(name, {0}) = {0}",
]  # fmt: skip


@pytest.mark.parametrize("target", ONE_OF_A_KIND, ids=lambda target: target.name)
def test_odd_texts(target: Target) -> None:
    """Whatever a text says, every target compares it as it is."""
    for i, text in enumerate(TEXTS):
        for test in (TESTS[i % len(TESTS)], TESTS[(i + 3) % len(TESTS)], "name = {}"):
            segment = define(test.format(quoted(text)))
            found = sorted(target.members(segment, ODD, NOON))
            assert found == sorted(RECORD.members(segment, ODD, NOON)), segment.definition


LONG = "x" * 49_000 + "'\\%"


@pytest.mark.parametrize("target", [RECORD, *ONE_OF_A_KIND], ids=lambda target: target.name)
def test_a_long_text(target: Target) -> None:
    """Half of the longest definition in one constant is compared like any other."""
    if target.name == "mariadb":
        pytest.skip("the tests' columns hold 500 characters there")
    tables = {"people": [row(1, name=LONG), row(2, name=LONG + "."), row(3, name="x" * 1_000_000)]}
    assert target.members(define(f"name = {quoted(LONG)}"), tables, NOON) == [1]
    found = target.members(define(f"name starts with {quoted(LONG)} ignoring case"), tables, NOON)
    assert sorted(found) == [1, 2]


NUL = ["name = {}", "name in ({}, 'x')", "name contains {}", "name = {} ignoring case"]


@pytest.mark.parametrize("constant", ['"a\\u0000b"', '"a\\u0000"'])
@pytest.mark.parametrize("database", DATABASES, ids=lambda database: database.name)
@pytest.mark.parametrize("test", NUL)
def test_nul(test: str, database: Database, constant: str) -> None:
    """A constant with the character NUL is compared, or refused by name before the driver sees it."""
    tables = {"people": [row(1, name="ab"), row(2, name="a"), row(3)]}
    for form in (test, f"not ({test})", f"any of it or {test}".replace("any of it", "id = 7")):
        segment = define(form.format(constant))
        if database.name == "postgresql":
            with pytest.raises(UnsupportedError, match="PostgreSQL cannot hold the character NUL"):
                database.members(segment, tables, NOON)
            continue
        wanted = [1, 2, 3] if form.startswith("not") else []
        assert sorted(database.members(segment, tables, NOON)) == wanted


FRAMES = [target for target in TARGETS if target.family == "pandas"]


@pytest.mark.parametrize("target", FRAMES, ids=lambda target: target.name)
@pytest.mark.parametrize("test", [*NUL, "name in ({})", "name starts with {}", "{} = name"])
def test_nul_in_frames(test: str, target: Target) -> None:
    """NumPy's own texts end at their last NULs, so they are not what is compared."""
    names = ["", "a", "a\0", "\0", "\0\0", "a\0b", None]
    tables = {"people": [row(i, name=name) for i, name in enumerate(names)]}
    for constant in ('"\\u0000"', '"a\\u0000"', '"a"', '""', '"\\u0000\\u0000"'):
        for form in (test, f"not ({test})"):
            segment = define(form.format(constant))
            found = sorted(target.members(segment, tables, NOON))
            assert found == sorted(RECORD.members(segment, tables, NOON)), segment.definition


@pytest.mark.parametrize(
    "text",
    [
        lambda n: f"a in ({'10, ' * n}1)",
        lambda n: f"{'abc.' * n}a = 1",
        lambda n: " or ".join(["a = 1"] * n),
        lambda n: f"{'1 + ' * n}1 = a",
    ],
    ids=["list", "path", "or", "sum"],
)
def test_reading_takes_time_by_the_length(text: Callable[[int], str]) -> None:
    """Eight times the text is read in about eight times the time, and not in sixty-four."""

    def took(n: int) -> float:
        given, start = text(n), process_time()
        with suppress(DefinitionError):  # what is too deep is read before it is refused
            format_definition(given)
        return process_time() - start

    short = min(took(1_250) for _ in range(3))
    assert min(took(10_000) for _ in range(3)) < 24 * short
