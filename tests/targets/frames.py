"""Frames, in every family of dtypes that pandas has."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
from attrs import define, field

from segmentkit import Audit, Partition, Schema, Segment, Trait
from segmentkit import pandas as frames
from segmentkit.dtypes import TEXT, DType, Kind
from segmentkit.schema import Entity
from segmentkit.source import Source
from tests.conformance_cases import Tables
from tests.targets.target import Hostile, Target

LOCAL = DType(Kind.TIMESTAMP, unit="as a clock shows it")
"""Times that have no zone, and are not in UTC."""

Column = Callable[[list[Any], DType | None], "pd.Series[Any]"]
"""Makes a column of some dtype family of Python values; the type of an undeclared key is None."""


def as_numpy(values: list[Any], dtype: DType | None) -> pd.Series[Any]:
    """What pandas makes of values unless told: text its own type, gaps in numbers NaN."""
    match dtype.kind if dtype else None:
        case Kind.INTEGER | Kind.BOOLEAN if None not in values:
            return pd.Series(values, dtype="int64" if dtype.kind is Kind.INTEGER else "bool")
        case Kind.INTEGER if all(v is None or abs(v) < 2**53 for v in values):
            return pd.Series(values, dtype="float64")
        case Kind.FLOAT:
            return pd.Series(values, dtype="float64")
        case Kind.DATE | Kind.TIMESTAMP:
            return pd.Series(values, dtype="datetime64[us]")
        case Kind.TEXT:
            return pd.Series(values, dtype="str")
        case _:
            return as_objects(values, dtype)


def as_objects(values: list[Any], _: DType | None) -> pd.Series[Any]:
    """Python's objects."""
    return pd.Series(values, dtype=object)


def as_nullable(values: list[Any], dtype: DType | None) -> pd.Series[Any]:
    """The dtypes of pandas that have NA; objects with NA for the rest."""
    names = {
        Kind.BOOLEAN: "boolean",
        Kind.INTEGER: "Int64",
        Kind.FLOAT: "Float64",
        Kind.TEXT: "string[python]",
        Kind.TIMESTAMP: "datetime64[ns]",
    }
    if dtype is None or dtype.kind not in names:
        return pd.Series([pd.NA if v is None else v for v in values], dtype=object)
    return pd.Series(values, dtype=names[dtype.kind])


def as_arrow(values: list[Any], dtype: DType | None) -> pd.Series[Any]:
    """Arrow's types."""
    if dtype is None:
        return as_objects(values, dtype)
    types: Mapping[Kind, Any] = {
        Kind.BOOLEAN: pa.bool_(),
        Kind.INTEGER: pa.int64(),
        Kind.FLOAT: pa.float64(),
        Kind.DECIMAL: pa.decimal128(38, dtype.scale or 6),
        Kind.TEXT: pa.string(),
        Kind.DATE: pa.date32(),
        Kind.TIMESTAMP: pa.timestamp("us", tz=None if dtype is LOCAL else "UTC"),
        Kind.TEXTS: pa.list_(pa.string()),
    }
    kind = types[dtype.kind]
    return pd.Series(pd.array(pa.array(values, type=kind), dtype=pd.ArrowDtype(kind)))


def as_categories(values: list[Any], dtype: DType | None) -> pd.Series[Any]:
    """Categories of what pandas makes of the values."""
    column = as_numpy(values, dtype)
    # What does not hash has no categories.
    return column if dtype is None or dtype.kind is Kind.TEXTS else column.astype("category")


def frames_of(schema: Schema, tables: Tables, column: Column) -> dict[str, pd.DataFrame]:
    """The rows as frames; a column that no row has is there too, and missing throughout."""
    return {
        entity.table: pd.DataFrame(
            {
                name: column([row.get(name) for row in tables[entity.table]], dtype)
                for name, dtype in columns_of(schema, entity).items()
            }
            | {d.name: documents(d.name, tables[entity.table], column) for d in entity.documents}
        )
        for entity in schema.entities
    }


def documents(name: str, rows: list[dict[str, Any]], column: Column) -> pd.Series[Any]:
    """A column of documents: objects, or JSON as Arrow's texts."""
    values = [row.get(name) for row in rows]
    if column is not as_arrow:
        return column(values, None)
    return column([None if v is None else json.dumps(v) for v in values], TEXT)


def columns_of(schema: Schema, entity: Entity) -> dict[str, DType | None]:
    """The columns of an entity: its attributes, and keys that are no attributes."""
    keys = [entity.key, *(link.key for link in entity.links)]
    keys += [r.key for e in schema.entities for r in e.relations if r.to == entity.name]
    undeclared = {key: None for key in keys if key is not None}
    return undeclared | {a.column: LOCAL if a.zone else a.stored for a in entity.attributes}


def types_of_keys(schema: Schema, entity: Entity) -> dict[str, DType]:
    """The columns that hold keys of other rows, with the types of those keys."""
    ways = [(link.key, schema.named(link.to)) for link in entity.links]
    ways += [(r.key, e) for e in schema.entities for r in e.relations if r.to == entity.name]
    found = [(column, holder.key_attribute) for column, holder in ways]
    return {column: key.dtype for column, key in found if key is not None}


def shuffled(given: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The rows in another order, under an index that says nothing."""
    result = {}
    for name, frame in given.items():
        order = list(range(len(frame)))
        random.Random(name).shuffle(order)
        index = pd.Index([i // 2 for i in order])
        result[name] = frame.iloc[order].set_axis(index)
    return result


@define
class _Frames:
    """Keeps the frames of the last rows that it was given, for the questions to come."""

    column: Column
    change: Callable[..., Any] = dict
    _held: tuple[Schema, Tables, Any] | None = field(init=False, default=None)

    def given(self, schema: Schema, tables: Tables) -> dict[str, pd.DataFrame]:
        """The rows as frames."""
        if self._held is None or self._held[:2] != (schema, tables):
            self._held = schema, tables, self.change(frames_of(schema, tables, self.column))
        found: dict[str, pd.DataFrame] = self._held[2]
        return found

    def members(self, segment: Segment, tables: Tables, as_of: datetime) -> list[Any]:
        """The keys of the members."""
        return frames.members(segment, self.given(segment.schema, tables), as_of=as_of).tolist()

    def values(self, trait: Trait, tables: Tables, as_of: datetime) -> dict[Any, Any]:
        """The values, by key."""
        found = frames.values([trait], self.given(trait.schema, tables), as_of=as_of)
        keys, column = (found[name].astype(object) for name in found.columns)
        return dict(zip(keys, column, strict=True))

    @contextmanager
    def source(self, schema: Schema, tables: Tables) -> Iterator[Source]:
        """The rows as a source."""
        yield frames.Source(self.given(schema, tables))

    def labels(self, partition: Partition, tables: Tables, as_of: datetime) -> dict[Any, str]:
        """The labels, by key."""
        given, entity = self.given(partition.schema, tables), partition.schema.entity
        found = frames.labels(partition, given, as_of=as_of)
        return dict(zip(given[entity.table][entity.key], found, strict=True))

    def audit(self, partition: Partition, tables: Tables, as_of: datetime) -> Audit:
        """The audit."""
        return frames.audit(partition, self.given(partition.schema, tables), as_of=as_of)


def _target(name: str, column: Column, *change: Any, lacks: Iterable[Hostile] = ()) -> Target:
    made = _Frames(column, *change)
    return Target(
        name,
        "pandas",
        made.members,
        frozenset(lacks),
        values=made.values,
        labels=made.labels,
        audit=made.audit,
        source=made.source,
    )


TARGETS = [
    _target("pandas", as_numpy),
    _target("pandas of objects", as_objects),
    # Nanoseconds since 1970, in 64 bits, span 584 years.
    _target("pandas of nullable dtypes", as_nullable, lacks=[Hostile.FAR_TIMES]),
    _target("pandas of Arrow dtypes", as_arrow),
    _target("pandas of categories", as_categories),
    _target("pandas, rows shuffled", as_numpy, shuffled),
]
