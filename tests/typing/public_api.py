"""What a user's own type checker must see; never run, only checked."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, assert_type

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import segmentkit as sk
from segmentkit import pandas as skp
from segmentkit import sqlalchemy as sks


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
