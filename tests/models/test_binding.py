"""A schema of classes is plain data, and finds the classes again wherever SQL is made."""

from __future__ import annotations

import pickle
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, with_polymorphic

from segmentkit import SchemaError, Segment, UnsupportedError
from segmentkit import pandas as frames
from segmentkit.sqlalchemy import Source, members, predicate, schema_from, tables_from, verify
from tests.models import test_conditions as shop
from tests.models import test_inheritance as kinds
from tests.models import test_left_out as left
from tests.models.answers import opened, store


def test_a_pickled_schema_finds_its_classes() -> None:
    """What a schema says comes back from a pickle, and its relations are joined as before."""
    schema = pickle.loads(pickle.dumps(schema_from(shop.Customer)))  # noqa: S301
    assert schema == schema_from(shop.Customer)
    segment = Segment.define("it", "any(orders) and none(drafts)", schema)
    with opened("sqlite", shop.Base.metadata) as session:
        store(session, shop.rows())
        expected = [
            c.id for c in session.scalars(sa.select(shop.Customer)) if c.orders and not c.drafts
        ]
        assert sorted(session.scalars(members(segment, shop.Customer))) == expected


def test_a_table_in_the_place_of_a_class_is_refused() -> None:
    """A table cannot say how a class joins, or which of its rows are a class's."""
    segment = Segment.define("it", "any(orders)", schema_from(shop.Customer))
    with pytest.raises(
        SchemaError, match=r"customers.orders is joined where .* give the mapped class"
    ):
        members(segment, shop.Customer.__table__)
    segment = Segment.define("it", "age > 3", schema_from(kinds.Manager))
    with pytest.raises(
        SchemaError, match="segments the class Manager, and the query selects from 'people'"
    ):
        members(segment, kinds.Person.__table__)
    with pytest.raises(SchemaError, match="the schema segments 'Manager'.*selects from 'Person'"):
        members(segment, kinds.Person)


def test_data_frames_refuse_what_only_a_class_joins() -> None:
    """Frames have no classes, so a condition of a relationship is refused there by name."""
    schema = schema_from(shop.Customer)
    tables = {
        e.name: pd.DataFrame({c: [1] for c in ("id", "customer_id", "total", "minimum")})
        for e in schema.entities
    }
    with pytest.raises(
        UnsupportedError, match=r"data frames cannot follow customers.orders, which is joined where"
    ):
        frames.mask(Segment.define("it", "any(orders)", schema), tables)


def test_an_alias_of_a_part_is_the_population() -> None:
    """As in filtered views, an alias of a sub-query has the rows of the sub-query and no others."""
    segment = Segment.define(
        "it", "minimum >= avg(minimum among everyone)", schema_from(shop.Customer)
    )
    with opened("sqlite", shop.Base.metadata) as session:
        store(session, shop.rows())
        small = sa.select(shop.Customer).where(shop.Customer.minimum < 50).subquery()
        root: Any = aliased(shop.Customer, small)
        source = Source(session, root)
        assert source.sizes(segment) == {"it": 2}
        assert source.sizes(segment).population == 3
        assert sorted(source.members(segment).keys) == [1, 2]
        assert sorted(session.scalars(members(segment, root))) == [1, 2]
        query = sa.select(root.id).where(predicate(segment, root))
        assert sorted(session.scalars(query)) == [1, 2]


def test_with_polymorphic() -> None:
    """As in Kotti, all kinds of a hierarchy are selected at once, and segmented as their base."""
    segment = Segment.define("it", "age >= avg(age among everyone)", schema_from(kinds.Vehicle))
    with opened("sqlite", kinds.Base.metadata) as session:
        store(
            session,
            [kinds.Vehicle(id=1, name="a", age=1), kinds.Truck(id=2, name="b", age=5, load=1)],
        )
        root = with_polymorphic(kinds.Vehicle, [kinds.Truck])
        assert list(session.scalars(members(segment, root))) == [2]
        assert list(Source(session, root).members(segment).keys) == [2]
        query = sa.select(root).where(predicate(segment, root))
        assert [v.id for v in session.scalars(query)] == [2]


@pytest.mark.parametrize(
    "root", [kinds.Company, kinds.Manager, kinds.Truck, kinds.Thing, shop.Customer]
)
def test_schemas_of_classes_are_verified_and_made_into_tables(root: Any) -> None:
    """A database that has the tables of classes is what their schema needs."""
    schema = schema_from(root)
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    kinds.Base.metadata.create_all(engine)
    shop.Base.metadata.create_all(engine)
    verify(schema, engine)
    assert {e.table for e in schema.entities} <= {t.name for t in tables_from(schema).sorted_tables}
    engine.dispose()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (shop.Customer(), "give its class, Customer"),
        (aliased(shop.Customer), "give its class, Customer"),
        (shop.Customer.id, "give its class, Customer"),
        (shop.Customer.__table__.alias(), "give its table, customers"),
    ],
)
def test_what_stands_beside_a_class(given: Any, told: str) -> None:
    """An object, an alias or an attribute in its place: the message says what to give."""
    with pytest.raises(SchemaError, match=told):
        schema_from(given)


def test_an_object_is_no_entity_and_a_session_needs_an_engine() -> None:
    """What SQLAlchemy would say of its own classes is said of what was given."""
    segment = Segment.define("it", "id = 1", schema_from(shop.Customer))
    with opened("sqlite", shop.Base.metadata) as session, Session() as unbound:
        with pytest.raises(SchemaError, match="give its class, Customer"):
            Source(session, shop.Customer()).members(segment)
        with pytest.raises(SchemaError, match=r"no engine for this: .* Session\(engine\)"):
            Source(unbound, shop.Customer).members(segment)


def test_a_key_that_is_unique_alone() -> None:
    """What leads from rows with a key of two columns is there once the hint is followed."""
    (why,) = [why for what, why in schema_from(left.Kid).left_out if what.endswith(".parts")]
    assert 'tables={"Toy": {"key": "…"}}' in why
    followed = schema_from(left.Kid, tables={"Toy": {"key": "number"}})
    assert not [what for what, _ in followed.left_out if what.endswith(".parts")]
