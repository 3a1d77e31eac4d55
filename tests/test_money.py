"""Exact numbers are exact on every target, or the database says that they are too large for it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from segmentkit import (
    FLOAT,
    INTEGER,
    Attribute,
    DataError,
    Entity,
    Relation,
    Schema,
    Segment,
    decimal,
)
from segmentkit.sqlalchemy import members, tables_from
from tests.targets import DATABASES, TARGETS, Target, records
from tests.targets.databases import Database, another

NOON = datetime(2026, 5, 1, 12)
NUMBERS = [
    Attribute("whole", INTEGER, nullable=True),
    Attribute("money", decimal(2), nullable=True),
    Attribute("fine", decimal(9), nullable=True),
    Attribute("real", FLOAT, nullable=True),
]
SCHEMA = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[Attribute("id", INTEGER), *NUMBERS],
            relations=[Relation("orders", key="person_id")],
        ),
        Entity(
            "orders",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("person_id", INTEGER), *NUMBERS],
        ),
    ]
)


def row(key: int, whole: int, money: str, fine: str, real: float, **more: int) -> dict[str, object]:
    values = {"whole": whole, "money": Decimal(money), "fine": Decimal(fine), "real": real}
    return {"id": key, **values, **more}


EXACT = {
    "people": [
        row(1, 2**53 + 1, "0.10", "0.000000001", float(2**53)),
        row(2, -(2**53) - 1, "-0.00", "-0.000000001", -0.0),
        row(3, 3, "999999999999.99", "12345.123456789", 0.1),
    ],
    "orders": [
        *(row(i, 1, "0.10", "0.000000001", 0.5, person_id=1) for i in range(1, 11)),
        *(row(i, 2**52, "0.01", "0.1", -0.0, person_id=2) for i in range(11, 14)),
        *(row(i, -1, "999999999.99", "1.1", 1e15, person_id=3) for i in range(14, 17)),
    ],
}
QUESTIONS = [
    "sum(orders.money) = 1", "sum(orders.money) = 1.00", "sum(orders.money) = 2999999999.97",
    "avg(orders.money) = 0.1", "sum(orders.money * 3) = 3", "sum(orders.money * orders.whole) = 1",
    "sum(orders.money * orders.money) = 0.1", "sum(orders.fine) = 0.00000001",
    "sum(orders.fine) = 0.3", "sum(orders.fine * orders.fine) = 0.00000000000000001",
    "max(orders.money) - min(orders.money) = 0", "median(orders.money) = 0.1",
    "money + 0.2 = 0.3", "money * 3 = 0.3", "money = 0.1", "money in (0.1, 7)", "money != 0.10",
    "money = 0", "money < 0", "-money = 0", "money >= 0.00", "money = 0.100", "money > 0.099",
    "fine * fine = 0.000000000000000001", "fine > 0", "abs(fine) = 0.000000001",
    "fine = 12345.123456789", "money = 999999999999.99", "money - 0.01 = 999999999999.98",
    "money / 3 > 0.0333", "real = 0", "real < 0", "real = 0.1", "real >= 0", "-real = 0",
    "whole = 9007199254740993", "whole = 9007199254740992", "whole > 9007199254740992",
    "whole = real", "whole > real", "whole >= real", "whole != real", "real in (0.1, 2)",
    "sum(orders.whole) = 13510798882111488", "avg(orders.whole) = 4503599627370496",
    "sum(orders.whole) > sum(orders.money)", "default(money, 0) = 0.1", "fine < money",
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_exact_numbers(target: Target) -> None:
    """Sums, products, averages and comparisons are exact within fifteen digits, everywhere."""
    for question in QUESTIONS:
        for text in (question, f"not ({question})"):
            segment = Segment.define("it", text, SCHEMA)
            wanted = sorted(records.TARGETS[0].members(segment, EXACT, NOON))
            assert sorted(target.members(segment, EXACT, NOON)) == wanted, text


LARGE = {
    "people": [row(1, 2**63 - 1, "9" * 20 + ".99", "9" * 20 + ".5", 1e308), row(2, 3, "1", "1", 2)],
    "orders": [
        row(i, 2**63 - 1, "9" * 26 + ".99", "9" * 20 + ".5", 1e308, person_id=1) for i in (1, 2, 3)
    ],
}
TOO_LARGE = [
    "whole + whole > 5", "whole * whole > 10", "-whole < -3", "whole - (0 - whole) > 6",
    "sum(orders.whole) > 5", "avg(orders.whole) > 5", "median(orders.whole) > 5",
    "sum(orders.whole * 2) > 5", "sum(orders.money) > 5", "sum(orders.money * orders.money) > 5",
    "money * money > 5", "money * money * money > 5", "fine * fine * fine > 5",
    "fine * money > 5", "money + fine > 5", "sum(orders.fine * orders.fine) > 5",
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_numbers_that_are_too_large(target: Target) -> None:
    """Beyond what a database can hold it raises an error; its answer is never another one."""
    for text in TOO_LARGE:
        segment = Segment.define("it", text, SCHEMA)
        wanted = sorted(records.TARGETS[0].members(segment, LARGE, NOON))
        try:
            found = sorted(target.members(segment, LARGE, NOON))
        except sa.exc.DBAPIError as error:
            assert any(word in str(error).lower() for word in ("overflow", "out of range")), error
        except DataError:
            assert target.family == "pandas"
        else:
            assert found == wanted, text


@pytest.mark.parametrize(
    "database", [d for d in DATABASES if d.name == "postgresql"], ids=lambda database: database.name
)
def test_numeric_that_is_no_number(database: Database) -> None:
    """PostgreSQL's NUMERIC can be NaN and infinite; there, both are values above all others."""
    table = tables_from(SCHEMA).tables["people"]
    with another(database) as url:
        engine = sa.create_engine(url)
        table.create(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE people ALTER money TYPE numeric")
            connection.exec_driver_sql(
                "INSERT INTO people (id, money) VALUES (1, 'NaN'), (2, 'Infinity'), (3, 1)"
            )
            for text, wanted in (("money > 5", [1, 2]), ("money is missing", [])):
                query = members(Segment.define("it", text, SCHEMA), table)
                assert sorted(connection.scalars(query)) == wanted
        engine.dispose()


@pytest.mark.parametrize("database", DATABASES, ids=lambda database: database.name)
def test_tables_have_room_for_all_digits(database: Database) -> None:
    """A column of a table made from a schema keeps the digits after the point that it declares."""
    entity = Entity("fines", key="id", attributes=[Attribute("id", INTEGER), NUMBERS[2]])
    table = tables_from(Schema([entity])).tables["fines"]
    for column in table.c:
        column.autoincrement = False
    value = Decimal("123456.123456789")
    with database.loaded(SCHEMA, EXACT) as (connection, _):
        table.create(connection)
        connection.execute(table.insert(), {"id": 1, "fine": value})
        found = connection.scalar(sa.select(sa.cast(table.c.fine, sa.String())))
        table.drop(connection)
    assert Decimal(found) == value
