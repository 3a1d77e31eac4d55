"""``case when … then … else … end``: what is beside its members, which the conformance cases tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest
import sqlalchemy as sa

import segmentkit as sk
from segmentkit import analysis
from segmentkit.pandas import Source
from segmentkit.sqlalchemy import members, tables_from

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHOP = sk.Schema(
    [
        sk.Entity(
            "people",
            key="id",
            attributes=[
                sk.Attribute("id", sk.INTEGER),
                sk.Attribute("age", sk.INTEGER, nullable=True),
                sk.Attribute("vip", sk.BOOLEAN, nullable=True),
                sk.Attribute("device", sk.TEXT, nullable=True, uuid=True),
                sk.Attribute("tablet", sk.TEXT, nullable=True, uuid=True),
            ],
            relations=[sk.Relation("orders", key="person")],
        ),
        sk.Entity("orders", attributes=[sk.Attribute("amount", sk.INTEGER, nullable=True)]),
    ]
)
STAGE = "case when age < 18 and vip then 1 when count(orders) > 3 then 2 else 3 end"
DEVICE = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"


def define(text: str, **names: object) -> sk.Segment:
    return sk.Segment.define("s", text, SHOP, **names)  # type: ignore[arg-type]


def person(**values: object) -> dict[str, object]:
    return {"id": 1, "orders": [], **values}


def test_an_explanation_names_the_branch():
    """It shows what was chosen and by which condition, and what the conditions looked at."""
    segment = define(f"{STAGE} >= 2")
    shown = [
        str(segment.explain(person(age=3, vip=vip, orders=orders), as_of=NOON)).splitlines()[2]
        for vip, orders in ((True, []), (False, [{"amount": 1}] * 4), (False, []))
    ]
    assert [line.rpartition(" is ")[2] for line in shown] == [
        "1 (when age < 18 and vip)",
        "2 (when count(orders) > 3)",
        "3 (else)",
    ]
    found = define("case when vip then 1 end is missing").explain(person(), as_of=NOON)
    assert [str(fact) for fact in found.clause.facts] == [
        "case when vip then 1 end is missing (no condition holds)",
        "vip is missing",
    ]
    assert found.to_dict()["clause"]["facts"][0]["branch"] == "no condition holds"


def test_somebody_found_by_key_is_explained_alike():
    """A source is asked for each condition, also for those that name segments."""
    frames = {"people": pd.DataFrame([{"id": 1, "age": 5, "vip": False}])}
    schema = sk.Schema([sk.Entity("people", key="id", attributes=SHOP.entity.attributes[:3])])
    loyal = sk.Segment.define("loyal", "vip", schema)
    text = "case when in segment loyal then 1 when age > 3 then 2 end = 2"
    segment = sk.Segment.define("s", text, schema, segments={"loyal": loyal})
    found = analysis.explain(segment, Source(frames), 1, as_of=NOON)
    assert found.holds
    assert [str(fact) for fact in found.clause.facts] == ["age is 5"]


@pytest.mark.parametrize(
    ("values", "unsure"),
    [
        ({}, True),
        ({"vip": False}, False),  # whatever the age is, the first condition does not hold
        ({"vip": True}, True),
        ({"age": 3}, True),
        ({"age": 3, "vip": True}, False),
        ({"age": 40}, False),
    ],
)
def test_who_is_uncertain(values: dict[str, object], unsure: bool):
    """Who of missing values cannot know the branch, and nobody else, is uncertain."""
    for text in (f"{STAGE} >= 2", f"not {STAGE} >= 2", f"{STAGE} in (2, 3)"):
        assert define(text).uncertain().matches(person(**values), as_of=NOON) is unsure


def test_a_chosen_default_is_certain():
    """What a default stands for is known, as in every other value."""
    segment = define("default(case when age < 18 then 1 end, 0) = 0").uncertain()
    assert not segment.matches(person(), as_of=NOON)


def test_a_missing_result_is_uncertain():
    """The branch that applies has no value."""
    segment = define("case when vip then age else 3 end > 2").uncertain()
    assert segment.matches(person(vip=True), as_of=NOON)
    assert not segment.matches(person(vip=False), as_of=NOON)


def test_hundreds_of_branches():
    """As many branches as a definition holds are chosen from, in Python and in SQL."""
    whens = " ".join(f"when id = {n} then {n % 7}" for n in range(700))
    segment = define(f"case {whens} else -1 end = 5")
    assert [n for n in (5, 6, 12, 699, 700) if segment.matches(person(id=n))] == [5, 12]
    engine = sa.create_engine("sqlite://")
    tables = tables_from(SHOP)
    people = tables.tables["people"]
    people.metadata.create_all(engine)
    with engine.begin() as connection:
        rows = [{"id": n} for n in (5, 6, 12, 699, 700)]
        connection.execute(sa.insert(people), rows)
        assert connection.scalars(members(segment, people)).all() == [5, 12]
    few = " ".join(f"when age = {n} then {n % 7}" for n in range(100))
    unsure = define(f"case {few} else -1 end = 5").uncertain()
    assert len(unsure.definition) < 20 * len(few)
    assert unsure.matches(person())
    assert not unsure.matches(person(age=5))


def test_chosen_uuids_are_in_one_form():
    """Where all results are UUIDs, constants are read as those of attributes are."""
    for text in (
        f'case when vip then device else tablet end = "{DEVICE.upper()}"',
        f'case when vip then device else "{DEVICE.upper()}" end = "{DEVICE}"',
    ):
        segment = define(text)
        assert segment.matches(person(vip=True, device=DEVICE))
        assert not segment.matches(person(vip=True, tablet=DEVICE))
    with pytest.raises(sk.SegmentTypeError, match="SK106"):
        define('case when vip then device else tablet end = "phone"')


def test_conditions_warn_as_they_do_elsewhere():
    """A negative condition in a branch has those of whom the value is missing."""
    found = define("case when not age >= 18 then 1 else 2 end = 1").warnings
    assert [warning.code for warning in found] == ["SK201"]
    assert define("case when not age >= 18 then 1 else 2 end = 1 and age is present").warnings == ()


def test_words_are_names_elsewhere():
    """Attributes can be called like the words, with the words around them."""
    names = ("case", "when", "then", "else", "end")
    schema = sk.Schema(
        [sk.Entity("t", key="id", attributes=[sk.Attribute(n, sk.INTEGER) for n in ("id", *names)])]
    )
    text = "case when when = 1 then then when case = 2 then case else else end = end"
    segment = sk.Segment.define(None, text, schema)
    assert segment.definition == text
    row = dict.fromkeys(names, 0) | {"id": 1}
    assert segment.matches(row)
    assert not segment.matches(row | {"when": 1, "then": 7})
    assert segment.matches(row | {"case": 2, "end": 2})
