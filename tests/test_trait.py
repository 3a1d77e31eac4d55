"""Traits as values: substitution, equality, copies, parameters, and what targets make of them."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest
import sqlalchemy as sa

from segmentkit import (
    DATE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    DataError,
    DefinitionError,
    Entity,
    Link,
    Relation,
    Schema,
    SchemaError,
    Segment,
    SegmentTypeError,
    Trait,
    decimal,
)
from segmentkit import pandas as frames
from segmentkit import sqlalchemy as sql

SHOP = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("name", TEXT, nullable=True),
                Attribute("born", DATE, nullable=True),
            ],
            links=[Link("firm", key="firm_id", to="firms")],
            relations=[Relation("orders", key="person_id", at="at")],
        ),
        Entity(
            "orders",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("at", TIMESTAMP),
                Attribute("amount", decimal(2)),
            ],
        ),
        Entity("firms", key="id", attributes=[Attribute("id", INTEGER)]),
    ]
)
NOON = datetime(2026, 5, 1, 12)
LTV = Trait.define("ltv", "sum(orders.amount)", SHOP, title="Lifetime value", owner="growth")
MEAN = Trait.define("mean", "ltv / count(orders)", SHOP, traits=[LTV])
BIG = Trait.define("big", "sum(orders.amount where amount >= :least)", SHOP)
RECORD = {
    "id": 1,
    "name": "Ada",
    "orders": [
        {"id": 1, "at": datetime(2026, 4, 1), "amount": 70},
        {"id": 2, "at": datetime(2026, 4, 2), "amount": 50.5},
    ],
}


def test_substitution() -> None:
    """A trait means what its expression means, so what is computed of both is computed once."""
    by_name = Segment.define(None, "mean > 3 and ltv > 100", SHOP, traits=[LTV, MEAN])
    written = "sum(orders.amount) / count(orders) > 3 and sum(orders.amount) > 100"
    assert by_name == Segment.define(None, written, SHOP)
    assert str(by_name) == "mean > 3 and ltv > 100"
    assert by_name.traits == {"mean": MEAN, "ltv": LTV}


def test_only_what_is_named_is_kept() -> None:
    """A segment keeps the traits that it names, and a trait those that it rests on."""
    assert list(Segment.define(None, "mean > 3", SHOP, traits=[LTV, MEAN]).traits) == ["mean"]
    assert list(MEAN.traits) == ["ltv"]
    assert list(Segment.define(None, "id > 3", SHOP, traits=[LTV]).traits) == []


def test_as_a_value() -> None:
    """Traits are equal when they mean the same; they hash, print, copy and pickle."""
    again = Trait.define("other", " SUM( orders.amount ) ", SHOP)
    assert again == LTV
    assert hash(again) == hash(LTV)
    assert LTV != MEAN
    assert repr(MEAN) == "Trait('mean', 'ltv / count(orders)')"
    for trait in (LTV, MEAN, BIG):
        for each in (pickle.loads(pickle.dumps(trait)), copy.deepcopy(trait)):  # noqa: S301
            assert each == trait
            assert (each.name, each.title, each.owner) == (trait.name, trait.title, trait.owner)
    segment = Segment.define("s", "mean > 3", SHOP, traits=[MEAN])
    assert pickle.loads(pickle.dumps(segment)) == segment  # noqa: S301


def test_type() -> None:
    """The type of a trait is that of its expression."""
    assert (LTV.dtype, LTV.nullable) == (decimal(2), False)
    assert (str(MEAN.dtype), MEAN.nullable) == ("float", True)


def test_of_a_record() -> None:
    """A record's value has the type that Python has for it; an instant is in UTC."""
    assert LTV.of(RECORD, as_of=NOON) == Decimal("120.50")
    assert MEAN.of({"id": 1, "orders": []}, as_of=NOON) is None
    last = Trait.define("last_order", "last(orders.at)", SHOP)
    assert last.of(RECORD, as_of=NOON) == datetime(2026, 4, 2, tzinfo=UTC)
    born = Trait.define("birthday", "born", SHOP)
    assert born.of({**RECORD, "born": date(2000, 1, 2)}) == date(2000, 1, 2)
    with pytest.raises(DataError, match="no rows"):
        LTV.of({"id": 1})
    with pytest.raises(DataError, match="a record is a mapping"):
        LTV.of([1])  # type: ignore[arg-type]


def test_parameters() -> None:
    """A parameter in a trait is bound with the trait, or with what names it."""
    assert {n: str(t) for n, t in BIG.parameters.items()} == {"least": "decimal(2)"}
    assert BIG.bind(least=60).of(RECORD, as_of=NOON) == 70
    segment = Segment.define("s", "big > 60", SHOP, traits=[BIG])
    assert list(segment.parameters) == ["least"]
    assert segment.bind(least=60).matches(RECORD, as_of=NOON)
    assert not segment.bind(least=80).matches(RECORD, as_of=NOON)
    both = Trait.define("both", "big + ltv", SHOP, traits=[BIG, LTV])
    assert both.bind(least=60).of(RECORD, as_of=NOON) == Decimal("190.50")
    with pytest.raises(DataError, match="big has no value for :least"):
        BIG.of(RECORD)
    with pytest.raises(SegmentTypeError, match="SK121"):
        BIG.bind(least="x")


def test_algebra() -> None:
    """Segments made of segments keep their traits; two of one name must mean the same."""
    rich = Segment.define("rich", "ltv > 100", SHOP, traits=[LTV])
    steady = Segment.define("steady", "mean > 3", SHOP, traits=[MEAN])
    for made in (rich & steady, rich - steady, ~rich | steady, (rich ^ steady).uncertain()):
        assert set(made.traits) == {"ltv", "mean"}
    other = Trait.define("ltv", "count(orders)", SHOP)
    with pytest.raises(SchemaError, match="two different traits are referred to as 'ltv'"):
        rich & Segment.define("x", "ltv > 1", SHOP, traits=[other])


def test_uncertain_behind_a_reference() -> None:
    """Whose answer rests on something missing can be asked through references, too."""
    steady = Segment.define("steady", "mean > 3", SHOP, traits=[MEAN])
    outer = Segment.define("outer", "in segment steady", SHOP, segments=[steady])
    assert outer.uncertain().matches({"id": 1, "orders": []}, as_of=NOON)
    assert not outer.uncertain().matches(RECORD, as_of=NOON)


def test_of_another_schema() -> None:
    """A trait of another schema is refused, not misread."""
    other = Schema([Entity("people", key="id", attributes=[Attribute("id", INTEGER)])])
    with pytest.raises(SchemaError, match="trait 'ltv' is of a different schema"):
        Segment.define(None, "ltv > 1", other, traits=[LTV])


def test_wrong_argument() -> None:
    """What is no trait is refused where it is given."""
    with pytest.raises(TypeError, match="is not a Trait"):
        Segment.define(None, "ltv > 1", SHOP, traits=["sum(orders.amount)"])  # type: ignore[list-item]


def test_an_attribute_goes_first() -> None:
    """A trait that is given under the name of an attribute does not take its place."""
    segment = Segment.define(None, 'name = "Ada"', SHOP, traits={"name": LTV})
    assert segment == Segment.define(None, 'name = "Ada"', SHOP)


def test_traits_that_double() -> None:
    """Traits that double at each step are refused before they fill the memory."""

    def doubled(times: int) -> Trait:
        if not times:
            return LTV
        return Trait.define("doubled", "a * a", SHOP, traits={"a": doubled(times - 1)})

    with pytest.raises(DefinitionError, match="SK127"):
        doubled(60)


def test_frame_of_values() -> None:
    """Each type of value has its dtype in a frame, on the index of the entity's frame."""
    people = pd.DataFrame(
        {"id": [1, 2], "name": ["Ada", None], "born": [date(2000, 1, 2), None]}, index=["x", "y"]
    )
    orders = pd.DataFrame(
        {"id": [5], "person_id": [1], "at": [datetime(2026, 4, 1)], "amount": [Decimal("1.10")]}
    )
    given = {"people": people, "orders": orders}
    made = {
        "total": ("sum(orders.amount)", "object"),
        "number": ("count(orders)", "Int64"),
        "per_order": ("sum(orders.amount) / count(orders)", "float64"),
        "called": ("name", "string"),
        "birthday": ("born", "datetime64[s]"),
        "latest": ("last(orders.at)", "datetime64[us, UTC]"),
        "always": ("true", "boolean"),
    }
    traits = [Trait.define(name, text, SHOP) for name, (text, _) in made.items()]
    found = frames.values(traits, given, as_of=NOON)
    assert found.index.tolist() == ["x", "y"]
    assert list(found.columns) == ["id", *made]
    for name, (_, dtype) in made.items():
        assert found[name].dtype == dtype, name
    assert found.loc["x", "total"] == Decimal("1.10")
    assert found["per_order"].isna().tolist() == [False, True]
    assert found["latest"].isna().tolist() == [False, True]
    assert found.attrs["as_of"] == NOON.replace(tzinfo=UTC)
    rich = Segment.define(None, "ltv > 1", SHOP, traits=[LTV])
    assert frames.values(traits[:1], given, segment=rich, as_of=NOON)["id"].tolist() == [1]


def test_columns_of_values() -> None:
    """A query selects the key and each trait, of everyone or of a segment's members."""
    metadata = sql.tables_from(SHOP)
    people, orders = metadata.tables["people"], metadata.tables["orders"]
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(people.insert(), [{"id": n, "name": f"p{n}"} for n in (1, 2, 3)])
        rows = [(1, 1, 70), (2, 1, 50), (3, 2, 5)]
        at = datetime(2026, 4, 1)
        connection.execute(
            orders.insert(),
            [{"id": i, "person_id": p, "at": at, "amount": Decimal(a)} for i, p, a in rows],
        )
        query = sql.values([LTV, MEAN], people, as_of=NOON)
        assert query.selected_columns.keys() == ["id", "ltv", "mean"]
        assert query.get_execution_options()["segmentkit_as_of"] == NOON.replace(tzinfo=UTC)
        assert sorted(connection.execute(query).all()) == [
            (1, 120, 60.0),
            (2, 5, 5.0),
            (3, 0, None),
        ]
        some = Segment.define(None, 'ltv < 100 and name != "p3"', SHOP, traits=[LTV])
        query = sql.values([LTV], people, segment=some, as_of=NOON)
        assert connection.execute(query).all() == [(2, 5)]
    engine.dispose()


@pytest.mark.parametrize("target", [frames, sql])
def test_nothing_to_compute(target: object) -> None:
    """Values of no traits, or of traits of two schemas, are refused."""
    with pytest.raises(ValueError, match="at least one trait"):
        target.values([], None)  # type: ignore[attr-defined]
    other = Schema([Entity("people", key="id", attributes=[Attribute("id", INTEGER)])])
    number = Trait.define("number", "id", other)
    with pytest.raises(SchemaError, match="different schemas"):
        target.values([LTV, number], None)  # type: ignore[attr-defined]
