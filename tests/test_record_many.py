"""All segments of a catalog, asked of one record at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from segmentkit import (
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Catalog,
    DataError,
    Entity,
    Relation,
    Schema,
    SchemaError,
    Segment,
    UnsupportedError,
)
from tests.conformance_cases import Case, cases, records

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def shop() -> Schema:
    orders = [Attribute("id", INTEGER), Attribute("at", TIMESTAMP), Attribute("amount", FLOAT)]
    people = Entity(
        "people",
        key="id",
        attributes=[
            Attribute("id", INTEGER),
            Attribute("age", INTEGER, nullable=True),
            Attribute("country", TEXT),
        ],
        relations=[Relation("orders", to="orders", key="person_id", at="at")],
    )
    return Schema([people, Entity("orders", key="id", attributes=orders)])


def catalog(*texts: str) -> Catalog:
    schema = shop()
    return Catalog({text: Segment.define(text, text, schema) for text in texts})


def together() -> Iterator[tuple[list[Case], Schema]]:
    """The cases that ask about the same records at the same instant."""
    found: dict[str, list[Case]] = {}
    for case in cases():
        if case.members is not None and not {"record"} & set(case.unsupported):
            same = json.dumps([str(case.schema), case.as_of, case.rows], default=str)
            found.setdefault(same, []).append(case)
    for each in found.values():
        yield each, each[0].schema


def test_every_case_gets_the_same_answer_in_company() -> None:
    """Asked together, the segments of the cases hold of whom they hold each alone."""
    groups = list(together())
    assert max(len(each) for each, _ in groups) > 50
    for each, schema in groups:
        segments = {f"{i}: {case.name}": case.define() for i, case in enumerate(each)}
        matches = Catalog(segments).matcher(as_of=each[0].as_of)
        keys = [row[schema.entity.key] for row in each[0].rows[schema.entity.table]]
        for key, record in zip(keys, records(schema, each[0].rows), strict=True):
            expected = [n for n, c in zip(segments, each, strict=True) if key in c.members]
            assert list(matches(record)) == expected


class Counting(dict[str, Any]):
    """A record that counts what is asked of it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.append(name)
        return super().get(name, default)


def test_what_segments_share_is_read_once() -> None:
    """However many segments name an attribute or a relation, the record is asked for it once."""
    some = catalog(
        "count(orders) >= 2",
        "age >= 18 or country = 'DK'",
        "country = 'DK' and sum(orders.amount where amount > 1) > 10",
        "country = 'SE' or sum(orders.amount) > 5 or age < 10",
        "max(orders.amount in last 30 days) > 3 and age > 3",
    )
    order = Counting({"id": 1, "at": datetime(2025, 12, 24), "amount": 7.5})
    record = Counting({"id": 1, "age": None, "country": "DK", "orders": [order]})
    assert some.matches(record, as_of=AS_OF) == (
        "age >= 18 or country = 'DK'",
        "country = 'SE' or sum(orders.amount) > 5 or age < 10",
    )
    assert sorted(record.asked) == ["age", "country", "orders"]
    # The times and amounts that tests ask for are read once for all tests; values are read again.
    assert order.asked.count("at") == 1


def test_one_reading_of_the_rows_serves_all_aggregates() -> None:
    """The rows of a relation are gone through once, whatever is asked of them."""

    class Rows(list[Any]):
        passes = 0

        def __iter__(self) -> Iterator[Any]:
            self.passes += 1
            return super().__iter__()

    some = catalog(*(f"sum(orders.amount in last {n} days) > {n}" for n in range(1, 30)))
    rows = Rows([{"id": 1, "at": datetime(2025, 12, 24), "amount": 10.5}])
    found = some.matches({"id": 1, "age": 3, "country": "DK", "orders": rows}, as_of=AS_OF)
    assert found == tuple(f"sum(orders.amount in last {n} days) > {n}" for n in (9, 10))
    assert rows.passes == 1


def test_a_segment_of_other_records_is_named() -> None:
    """What needs the others cannot be asked of one record; the error says which segment it is."""
    some = catalog("age > 3", "top 10% by age")
    with pytest.raises(UnsupportedError, match="segment 'top 10% by age': SK401"):
        some.matcher()


def test_wrong_records_and_schemas_are_told() -> None:
    """A wrong value is a DataError; segments of two schemas have no record in common."""
    with pytest.raises(DataError, match=r"people\.age must be integer, not str '20'"):
        catalog("age > 3").matches({"id": 1, "age": "20", "country": "DK"})
    with pytest.raises(DataError, match="mapping of names"):
        catalog("age > 3").matches(3)  # type: ignore[arg-type]
    other = Schema([Entity("pets", key="id", attributes=[Attribute("age", INTEGER)])])
    mixed = Catalog(
        {
            "a": Segment.define("a", "age > 3", shop()),
            "b": Segment.define("b", "age > 3", other),
        }
    )
    with pytest.raises(SchemaError, match="different schemas"):
        mixed.matcher()
    assert Catalog({}).matches({}) == ()


def test_the_same_instant_is_compiled_once() -> None:
    """A catalog keeps the function of the last instant."""
    some = catalog("age > 3")
    assert some.matcher(as_of=AS_OF) is some.matcher(as_of=AS_OF)
