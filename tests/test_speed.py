"""How much is done, counted: the same on every machine, unlike time."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from types import CodeType
from typing import Any

import sqlalchemy as sa

from segmentkit import (
    FLOAT,
    INTEGER,
    TEXT,
    Attribute,
    Entity,
    Schema,
    Segment,
    format_definition,
    segment,
)
from segmentkit._language import parser
from segmentkit.sqlalchemy import predicate, schema_from, tables_from

NAMES = {"age": INTEGER, "visits": INTEGER, "country": TEXT, "city": TEXT, "score": FLOAT}
PEOPLE = Entity(
    "people",
    key="id",
    attributes=[
        Attribute("id", INTEGER),
        *(Attribute(n, dtype, nullable=True) for n, dtype in NAMES.items()),
    ],
)
TEN = (
    'age >= 18 and age < 65 and country in ("DK", "NO") and country != "SE" and not (visits < 3)'
    ' and (score > 2.5 or city = "Lviv") and visits <= 90 and city != "Oslo" and score < 9'
)


def calls(run: Callable[[], object]) -> int:
    """How many Python functions are entered, comprehensions and generators included."""
    entered: list[CodeType] = []

    def note(frame: object, event: str, _: object) -> None:
        if event == "call":
            entered.append(frame.f_code)  # type: ignore[attr-defined]

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return len(entered)


def test_a_record_is_one_function() -> None:
    """A record with values of the types that the schema says takes one call: nothing helps it."""
    matches = Segment.define(None, TEN, Schema([PEOPLE])).matcher()
    record = {"id": 1, "age": 30, "visits": 5, "country": "DK", "city": "Bergen", "score": 5.5}
    assert matches(record)
    # The other one is the test's own function.
    assert calls(lambda: matches(record)) == 2
    assert calls(lambda: matches({**record, "age": None})) == 3 + 1  # a look, and is it missing


def test_what_a_record_is_not_asked_for() -> None:
    """What comes after a test that decides is not looked at: not read, not checked."""

    class Asked(dict[str, object]):
        names: tuple[str, ...] = ()

        def get(self, name: str, default: object = None) -> object:
            self.names += (name,)
            return super().get(name, default)

    record = Asked({"id": 1, "age": 3, "visits": "many"})
    assert not Segment.define(None, TEN, Schema([PEOPLE])).matches(record)
    assert record.names == ("age",)


def test_the_same_text_again_is_looked_up() -> None:
    """A text that was read before is neither read nor checked, nor compiled for its table."""
    schema = Schema([PEOPLE])
    table = tables_from(schema).tables["people"]

    def ask() -> object:
        return predicate(Segment.define(None, TEN, schema), table)

    first, again = calls(ask), calls(ask)
    assert again < first / 3
    assert ask() is ask()


def test_what_is_remembered_keeps_no_schema_alive() -> None:
    """A schema, and the table that was asked about, go when nobody else has them."""

    def used() -> list[weakref.ref[Any]]:
        table = sa.Table("people", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
        schema = schema_from(table)
        asked = Segment.define(None, "id > 3 and id in (4, 5)", schema)
        assert predicate(asked, table) is predicate(asked, table)
        return [weakref.ref(schema), weakref.ref(table)]

    kept = used()
    gc.collect()
    assert [each() for each in kept] == [None, None]


def test_what_is_remembered_is_bounded() -> None:
    """However many texts are read, only some are kept."""
    schema = Schema([PEOPLE])
    for number in range(1_000):
        Segment.define(None, f"age > {number}", schema)
    assert len(segment._MEANINGS._of[schema]) <= 512
    assert parser._remembered.cache_info().currsize <= 512
    long = "age > 1 or " * 1_000 + "age > 2"
    before = parser._remembered.cache_info()
    format_definition(long)
    assert parser._remembered.cache_info() == before
