"""Nine people with missing values: as records, and as a table of SQLite without any help of ours."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import segmentkit as sk

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)

SHOP = sk.Schema(
    [
        sk.Entity(
            "customers",
            key="id",
            attributes=[
                sk.Attribute("id", sk.INTEGER),
                sk.Attribute("name", sk.TEXT, nullable=True),
                sk.Attribute("country", sk.TEXT, nullable=True),
                sk.Attribute("age", sk.INTEGER, nullable=True),
                sk.Attribute("limit", sk.INTEGER, nullable=True),
                sk.Attribute("credit", sk.INTEGER, nullable=True),
                sk.Attribute("spent", sk.decimal(2)),
                sk.Attribute("joined", sk.DATE, nullable=True),
                sk.Attribute("seen", sk.TIMESTAMP, nullable=True),
                sk.Attribute("vip", sk.BOOLEAN, nullable=True),
                sk.Attribute("tags", sk.TEXTS, nullable=True),
                sk.Attribute("app", sk.TEXT, nullable=True),
            ],
            documents=[sk.Document("properties", {"plan": sk.TEXT, "seats": sk.INTEGER})],
            links=[sk.Link("company", to="companies", key="company_id")],
            relations=[
                sk.Relation("orders", key="customer_id", at="at"),
                sk.Relation("notes", key="customer_id"),
            ],
        ),
        sk.Entity("companies", key="id", attributes=[sk.Attribute("industry", sk.TEXT)]),
        sk.Entity(
            "orders",
            key="id",
            attributes=[
                sk.Attribute("id", sk.INTEGER),
                sk.Attribute("at", sk.TIMESTAMP),
                sk.Attribute("status", sk.TEXT),
                sk.Attribute("amount", sk.decimal(2), nullable=True),
            ],
        ),
        sk.Entity("notes", attributes=[sk.Attribute("stars", sk.INTEGER, nullable=True)]),
    ]
)


def _paid(amount: int | None, status: str = "paid") -> dict[str, Any]:
    return {"id": 1, "at": datetime(2026, 3, 1), "status": status, "amount": amount}


_COLUMNS = ("id", "name", "country", "age", "limit", "credit", "spent", "joined", "seen", "vip")
_ROWS: list[tuple[Any, ...]] = [
    (1, "Ada", "DK", 17, 20, 20, "10.00", "2026-01-01", "2026-01-01 00:00:00", True),
    (2, "ada", "NO", 18, 18, 18, "99.90", "2026-01-31", "2026-01-31 10:00:00", False),
    (3, None, "US", None, 30, 30, "0.00", None, None, None),
    (4, "Bo 100%", None, 40, None, None, "40.50", "2026-02-01", "2026-02-01 00:00:00", True),
    (5, "snake_case", "dk", 30, 10, 10, "25.00", "2025-12-31", "2025-12-31 23:59:59", False),
    (6, "", "DK", 25, 25, 25, "18.00", "2026-01-15", None, None),
    (7, "ADAM", "NO", None, None, None, "5.00", None, "2026-01-15 12:00:00", True),
    (8, "Zoë Ada", None, 65, 50, 50, "300.00", "2024-02-29", "2026-01-31 00:00:00", False),
    (9, "Eve", "SE", 0, 1, 1, "1.00", "2026-04-30", "2026-04-30 08:30:00", None),
]
_ROWS_OF: dict[int, dict[str, Any]] = {
    1: {"tags": ["press", "vip"], "orders": [_paid(40), _paid(5)], "notes": [{"stars": 5}]},
    2: {"tags": [], "orders": [_paid(None, "open")]},
    4: {"tags": ["wholesale"], "orders": [_paid(90), _paid(70, "open")]},
    5: {"orders": [_paid(10, "open"), _paid(20, "open")], "notes": [{"stars": None}]},
    8: {"tags": ["Press"], "orders": [_paid(1), _paid(2), _paid(3)]},
}


def _record(row: tuple[Any, ...]) -> dict[str, Any]:
    found = dict(zip(_COLUMNS, row, strict=True))
    found["spent"] = Decimal(found["spent"])
    found["joined"] = found["joined"] and date.fromisoformat(found["joined"])
    found["seen"] = found["seen"] and datetime.fromisoformat(found["seen"])
    return {**found, "orders": [], "notes": [], **_ROWS_OF.get(row[0], {})}


PEOPLE = [_record(row) for row in _ROWS]


def members(segment: sk.Segment) -> set[int]:
    """The keys of the people in a segment, each asked as a record."""
    return {each["id"] for each in PEOPLE if segment.matches(each, as_of=NOW)}


def database() -> sqlite3.Connection:
    """The same people as a table."""
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE TABLE customers (id INTEGER, name TEXT, country TEXT, age INTEGER, "
        '"limit" INTEGER, credit INTEGER, spent NUMERIC, joined TEXT, seen TEXT, vip BOOLEAN, '
        "tags TEXT)"
    )
    marks = ", ".join("?" * len(_COLUMNS))
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    connection.executemany(f"INSERT INTO customers ({names}) VALUES ({marks})", _ROWS)
    connection.execute("CREATE TABLE orders (customer_id INTEGER, status TEXT, amount NUMERIC)")
    connection.execute("CREATE TABLE notes (customer_id INTEGER, stars INTEGER)")
    for each in PEOPLE:
        orders = [(each["id"], row["status"], row["amount"]) for row in each["orders"]]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
        notes = [(each["id"], row["stars"]) for row in each["notes"]]
        connection.executemany("INSERT INTO notes VALUES (?, ?)", notes)
    return connection
