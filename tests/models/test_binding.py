"""A schema of classes is plain data, and finds the classes again wherever SQL is made."""

from __future__ import annotations

import pickle
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased, with_polymorphic

from segmentkit import SchemaError, Segment, UnsupportedError
from segmentkit import pandas as frames
from segmentkit.sqlalchemy import Source, members, predicate, schema_from, tables_from, verify
from tests.models import test_conditions as shop
from tests.models import test_inheritance as kinds
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
