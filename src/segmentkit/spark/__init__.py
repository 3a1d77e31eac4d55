"""Segments on Spark, and on what speaks Spark Connect: distributed, lazy, nothing collected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from segmentkit import _ir as ir
from segmentkit.errors import SchemaError
from segmentkit.schema import Schema
from segmentkit.segment import AsOf, Segment, bound_condition, instant_of
from segmentkit.spark._frames import Frames, Source
from segmentkit.sqlalchemy import schema_from as schema_from_tables
from segmentkit.sqlalchemy._predicate import joined_rows
from segmentkit.sqlalchemy._schema import Ways

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentkit.sqlalchemy._compile import Sql
    from segmentkit.sqlalchemy._scans import Rows

__all__ = ["count", "mask", "members", "schema_from"]


def members(segment: Segment, frames: Frames, *, as_of: AsOf = None) -> DataFrame:
    """The keys of a segment's members, as a frame that is computed when Spark is asked to."""
    source = Source.of(frames, segment.schema.entity.table)
    rows, test = _tested(segment, source, as_of)
    key = rows.key(segment.schema.entity.key or "")
    return source.run(sa.select(key).select_from(rows.source).where(test))


def count(segment: Segment, frames: Frames, *, as_of: AsOf = None) -> DataFrame:
    """How many members a segment has, as a frame of one row."""
    source = Source.of(frames, segment.schema.entity.table)
    rows, test = _tested(segment, source, as_of)
    return source.run(
        sa.select(sa.func.count().label("count")).select_from(rows.source).where(test)
    )


def mask(
    segment: Segment, frames: Frames, *, as_of: AsOf = None, column: str = "is_member"
) -> DataFrame:
    """The entity's frame with one more column: whether a row is in a segment."""
    source = Source.of(frames, segment.schema.entity.table)
    rows, test = _tested(segment, source, as_of)
    if column in rows.start.c:
        raise SchemaError(f"the frame {segment.schema.entity.table!r} has a column {column!r}")
    found = sa.func.coalesce(test, sa.false(), type_=sa.Boolean()).label(column)
    return source.run(sa.select(*rows.start.c, found).select_from(rows.source))


def _tested(segment: Segment, source: Source, as_of: AsOf) -> tuple[Rows, Sql]:
    """The entity's rows, joined to what the segment's test of them reads, and that test."""
    condition = bound_condition(segment, instant_of(as_of, segment.schema))
    tables = source.tables(segment.schema)
    limits = [part for part in ir.conjuncts(condition) if not ir.has_aggregates(part)]
    return joined_rows(tables, condition, limits)
