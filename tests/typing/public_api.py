"""What a user's own type checker must see; never run, only checked."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, assert_type

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import segmentkit as sk
from segmentkit import builder, expr
from segmentkit import pandas as skp
from segmentkit import sqlalchemy as sks
from segmentkit.testing import check_examples


class Base(DeclarativeBase):
    """A user's own."""


class Customer(Base):
    """A user's own."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    age: Mapped[int | None]


noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
schema = sks.schema_from(Customer)
assert_type(schema, sk.Schema)

adults = sk.Segment.define("adults", "age >= :least", schema)
assert_type(adults, sk.Segment)
assert_type(adults.bind(least=18), sk.Segment)
assert_type(adults.parameters, Mapping[str, sk.DType])
assert_type(adults.warnings, tuple[sk.Diagnostic, ...])
assert_type(adults.matches({"id": 1, "age": 3}, as_of=noon), bool)
assert_type(adults.matcher(as_of=noon), Callable[[Mapping[str, Any]], bool])
assert_type(adults & ~adults, sk.Segment)
assert_type(sk.union("all", adults, adults), sk.Segment)

assert_type(sks.predicate(adults, Customer, as_of=noon), sa.ColumnElement[bool])
sa.select(Customer).where(sks.predicate(adults, Customer))
frames = {"customers": pd.DataFrame({"id": [1], "age": [3]})}
customers = frames["customers"]
assert_type(customers[skp.mask(adults, frames)], pd.DataFrame)

catalog = sk.Catalog.load("segments.toml", schema)
assert_type(catalog["adults"], sk.Segment)

age = sk.Trait.define("years", "age", schema)
assert_type(age, sk.Trait)
assert_type(age.bind(), sk.Trait)
assert_type(age.dtype, sk.DType)
staff = sk.KeyList("staff", [1, 2])
assert_type(sk.KeyList.load("staff.csv", schema), sk.KeyList)
old = sk.Segment.define("old", "years > 60 or in list staff", schema, traits=[age], lists=[staff])
ages = sk.Partition.define("ages", [old, adults.bind(least=18)], rest="others")
assert_type(ages, sk.Partition)
assert_type(ages.of({"id": 1, "age": 3}, as_of=noon), str)
assert_type(skp.audit(ages, frames), sk.Audit)
assert_type(skp.values([age], frames, segment=old), pd.DataFrame)
assert_type(sks.label_of(ages, Customer), sa.ColumnElement[str])
assert_type(sks.labels(ages, Customer), sa.Select[Any])
assert_type(sks.values([age], Customer, segment=old, as_of=noon), sa.Select[Any])
assert_type(catalog.traits["years"], sk.Trait)
assert_type(catalog.partitions["ages"], sk.Partition)
assert_type(sk.Audience(old, channel="email").segment, sk.Segment)


def half_of_column(x: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A lowering."""
    return x / 2


half = sk.Function(
    "half",
    ["number"],
    sk.FLOAT,
    "One half of it.",
    record=lambda x: x / 2,
    pandas=lambda x: x / 2,
    sql={"default": half_of_column, "sqlite": half_of_column},
    examples=[([3], 1.5), ((None,), None)],
)
peak = sk.Aggregate("peak", "ordered", None, "The most.", record=max, sql=sa.func.max, empty=0)
assert_type(schema.extended([half, peak]), sk.Schema)
check_examples(half)

# Definitions as data: expressions, trees and JSON.
row = schema.row
assert_type(row, builder.Row)
value = builder.param("least")
assert_type(value, builder.AnyValue)
assert_type(value > 3, builder.Condition)
assert_type((value > 3) & ~value.is_missing(), builder.Condition)
assert_type(value.in_last(days=3), builder.Condition)
built = sk.Segment.define("built", (value > 3) | builder.in_segment("adults"), schema)
assert_type(built, sk.Segment)
assert_type(built.tree, expr.Expr)
assert_type(sk.Segment.define("tree", expr.Not(built.tree), schema), sk.Segment)
assert_type(expr.format(expr.parse("age > 3")), str)
assert_type(built.to_json(), str)
assert_type(built.to_dict(), dict[str, Any])
assert_type(sk.Segment.from_json(built.to_dict(), schema), sk.Segment)
assert_type(sk.Trait.from_json(age.to_json(), schema), sk.Trait)
assert_type(sk.Catalog.from_json(catalog.to_json(indent=2)), sk.Catalog)
assert_type(sk.Schema.from_json(b"{}"), sk.Schema)
assert_type(sk.json_schema("catalog"), dict[str, Any])
for node in expr.walk(built.tree):
    if isinstance(node, expr.Name):
        assert_type(node.parts, tuple[str, ...])
