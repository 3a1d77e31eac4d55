"""Evaluate segments on Spark and Spark Connect: distributed and lazy, nothing is collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from segmentkit._catalog.schema_table import Ways
from segmentkit._definition import AsOf, instant_of
from segmentkit._planning import ir
from segmentkit._planning.plan import wanted_by
from segmentkit._planning.traversal import has_aggregates
from segmentkit._results.asked_traits import bound_traits
from segmentkit._usage import expect, is_single
from segmentkit.errors import SchemaError
from segmentkit.extension import Target
from segmentkit.partition import Audit, Partition, audit_of
from segmentkit.schema import Schema
from segmentkit.segment import Segment, bound_condition
from segmentkit.spark._frames import Frames, Stored
from segmentkit.spark._source import Source, signatures
from segmentkit.sqlalchemy import schema_from as schema_from_tables
from segmentkit.sqlalchemy.statements.compiler import Compiler
from segmentkit.sqlalchemy.statements.export import select_values
from segmentkit.sqlalchemy.statements.joins import Rows
from segmentkit.sqlalchemy.statements.predicate import beside, joined_rows
from segmentkit.trait import Trait

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentkit.sqlalchemy.statements.compiler import Sql

__all__ = [
    "Source",
    "audit",
    "count",
    "labels",
    "mask",
    "members",
    "schema_from",
    "signatures",
    "values",
]


def members(segment: Segment, frames: Frames, *, as_of: AsOf = None) -> DataFrame:
    """Find the keys of a segment's members.

    Args:
        segment: The segment.
        frames: Frames, or names of tables in Spark's catalog, by the names of the schema's
            tables; or the entity's, if no other is needed.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        A frame of one column, the key. Spark computes it when you ask for its rows.

    Raises:
        DataError: A parameter of the segment has no value.
        SchemaError: A frame or column does not exist or does not fit the schema.
        UnsupportedError: Spark cannot compute a construct exactly.

    Example:
        >>> from pyspark.sql import SparkSession
        >>> spark = SparkSession.builder.getOrCreate()
        >>> people = spark.createDataFrame([(7, 17), (8, 30), (9, None)], "id bigint, age int")
        >>> site = schema_from(people, "people", keys={"people": "id"})
        >>> not_minor = Segment.define("not a minor", "not (age < 18)", site)
        >>> members(not_minor, people).orderBy("id").collect()
        [Row(id=8), Row(id=9)]
    """
    stored = Stored.of(frames, segment.schema.entity.table)
    rows, test = _tested(segment, stored, as_of)
    key = rows.key(segment.schema.entity.key or "")
    return stored.run(sa.select(key).select_from(rows.source).where(test))


def count(segment: Segment, frames: Frames, *, as_of: AsOf = None) -> DataFrame:
    """Count a segment's members.

    Args:
        segment: The segment.
        frames: Frames, or names of tables, by the names of the schema's tables; or the entity's.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        A frame of one row and one column, ``count``.

    Raises:
        DataError: A parameter of the segment has no value.
        SchemaError: A frame or column does not exist or does not fit the schema.
        UnsupportedError: Spark cannot compute a construct exactly.

    Example:
        >>> from pyspark.sql import SparkSession
        >>> spark = SparkSession.builder.getOrCreate()
        >>> frames = {
        ...     "people": spark.createDataFrame([(7,), (8,)], "id bigint"),
        ...     "visits": spark.createDataFrame([(8,), (8,)], "person bigint"),
        ... }
        >>> site = schema_from(
        ...     frames, "people", keys={"people": "id"}, relations={"visits": "person"}
        ... )
        >>> count(Segment.define("frequent", "count(visits) > 1", site), frames).collect()
        [Row(count=1)]
    """
    stored = Stored.of(frames, segment.schema.entity.table)
    rows, test = _tested(segment, stored, as_of)
    number = sa.func.count().label("count")
    return stored.run(sa.select(number).select_from(rows.source).where(test))


def mask(
    segment: Segment, frames: Frames, *, as_of: AsOf = None, column: str = "is_member"
) -> DataFrame:
    """Mark the rows of the entity's frame that are in a segment.

    Args:
        segment: The segment.
        frames: Frames, or names of tables, by the names of the schema's tables; or the entity's.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.
        column: The name of the new column.

    Returns:
        The entity's columns and one more, which is true or false and never ``NULL``.

    Raises:
        DataError: A parameter of the segment has no value.
        SchemaError: A frame or column does not exist or does not fit the schema, or the entity's
            frame already has a column with the new name.
        UnsupportedError: Spark cannot compute a construct exactly.

    Example:
        >>> from pyspark.sql import SparkSession
        >>> spark = SparkSession.builder.getOrCreate()
        >>> people = spark.createDataFrame([(7, 17), (9, None)], "id bigint, age int")
        >>> site = schema_from(people, "people", keys={"people": "id"})
        >>> minors = Segment.define("minors", "age < 18", site)
        >>> mask(minors, people, column="minor").orderBy("id").collect()
        [Row(id=7, age=17, minor=True), Row(id=9, age=None, minor=False)]
    """
    stored = Stored.of(frames, segment.schema.entity.table)
    rows, test = _tested(segment, stored, as_of)
    if column in rows.start.c:
        raise SchemaError(f"the frame {segment.schema.entity.table!r} has a column {column!r}")
    found = sa.func.coalesce(test, sa.false(), type_=sa.Boolean()).label(column)
    return stored.run(sa.select(*rows.start.c, found).select_from(rows.source))


def values(
    traits: Iterable[Trait], frames: Frames, *, segment: Segment | None = None, as_of: AsOf = None
) -> DataFrame:
    """Compute the values of traits, beside the key.

    Args:
        traits: The traits to compute; at least one.
        frames: Frames, or names of tables, by the names of the schema's tables; or the entity's.
        segment: The segment whose members you want; by default everyone.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The key and one column for each trait, with the trait's name. Missing values are
        ``NULL``, and timestamps are in UTC, without a zone.

    Raises:
        DataError: A parameter has no value.
        SchemaError: A frame or column does not exist or does not fit the schema, or the traits
            and the segment are of different schemas.
        UnsupportedError: Spark cannot compute a construct exactly.
        ValueError: You gave no traits.

    Example:
        >>> from pyspark.sql import SparkSession
        >>> spark = SparkSession.builder.getOrCreate()
        >>> frames = {
        ...     "people": spark.createDataFrame([(7,), (8,)], "id bigint"),
        ...     "visits": spark.createDataFrame([(8,), (8,)], "person bigint"),
        ... }
        >>> site = schema_from(
        ...     frames, "people", keys={"people": "id"}, relations={"visits": "person"}
        ... )
        >>> often = Trait.define("often", "count(visits)", site)
        >>> values([often], frames).orderBy("id").collect()
        [Row(id=7, often=0), Row(id=8, often=2)]
    """
    schema, _, bound, condition = bound_traits(traits, segment, as_of, Target.SQL)
    stored = Stored.of(frames, schema.entity.table)
    tables = stored.tables(schema)
    whom = ir.TRUE if condition is None else condition
    stored.check([*bound.values(), whom], tables)
    return stored.run(select_values(bound, whom, tables))


def labels(
    partition: Partition | Iterable[Partition], frames: Frames, *, as_of: AsOf = None
) -> DataFrame:
    """Label everyone with the parts of a partition, or of several in one pass.

    Args:
        partition: The partition, or several.
        frames: Frames, or names of tables, by the names of the schema's tables; or the entity's.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The key, and the label in a column with the partition's name; for several partitions, a
        column each.

    Raises:
        DataError: A parameter of a partition has no value.
        SchemaError: A frame or column does not exist or does not fit the schema, or the partitions
            are of different schemas.
        UnsupportedError: Spark cannot compute a construct exactly.
        ValueError: You gave no partitions, or two columns would have one name.

    Example:
        >>> from pyspark.sql import SparkSession
        >>> from segmentkit import Partition
        >>> spark = SparkSession.builder.getOrCreate()
        >>> people = spark.createDataFrame([(7, 17), (9, None)], "id bigint, age int")
        >>> site = schema_from(people, "people", keys={"people": "id"})
        >>> minors = Segment.define("minors", "age < 18", site)
        >>> ages = Partition.define("ages", [minors], rest="others")
        >>> labels(ages, people).orderBy("id").collect()
        [Row(id=7, ages='minors'), Row(id=9, ages='others')]
    """
    partitions = _several(partition)
    schema = partitions[0].schema
    stored = Stored.of(frames, schema.entity.table)
    rows, tests = _parted(partitions, stored, instant_of(as_of, schema))
    columns = [rows.key(schema.entity.key or "")]
    for each, own in zip(partitions, tests, strict=True):
        whens = [(test, _label(label)) for label, test in own.items()]
        columns.append(sa.case(*whens, else_=_label(each.rest)).label(each.name))
    return stored.run(sa.select(*columns).select_from(rows.source))


def audit(partition: Partition, frames: Frames, *, as_of: AsOf = None) -> Audit:
    """Count the members that each part of a partition would have alone, and where it lost some.

    Args:
        partition: The partition.
        frames: Frames, or names of tables, by the names of the schema's tables; or the entity's.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The audit; print it. Spark computes it at once, and one row for each combination of parts
        that occurs is collected.

    Raises:
        DataError: A parameter of the partition has no value.
        SchemaError: A frame or column does not exist or does not fit the schema.
        UnsupportedError: Spark cannot compute a construct exactly.
    """
    instant = instant_of(as_of, partition.schema)
    stored = Stored.of(frames, partition.schema.entity.table)
    rows, (tests,) = _parted([partition], stored, instant)
    held = [sa.case((t, 1), else_=0).label(f"p{i}") for i, t in enumerate(tests.values())]
    each = sa.select(*held).select_from(rows.source).subquery()
    found = stored.run(sa.select(*each.c, sa.func.count()).group_by(*each.c)).collect()
    counts = [(tuple(map(bool, row[:-1])), row[-1]) for row in found]
    return audit_of(partition, counts, instant.replace(tzinfo=UTC))


def schema_from(  # noqa: PLR0913 - each says a thing of its own
    frames: Frames,
    entity: str,
    *,
    keys: Mapping[str, str],
    events: Ways = None,
    relations: Ways = None,
    links: Ways = None,
    tables: Mapping[str, Any] | None = None,
    time_zone: str = "UTC",
    week_start: str = "monday",
) -> Schema:
    """Derive a schema from Spark's frames.

    The types of attributes follow from those of the columns. Columns of types that the language
    does not have (binary, arrays, maps, structs) are left out. No rows are read, so every column
    except the keys is nullable.

    Args:
        frames: Frames, or names of tables, by name; or only the entity's.
        entity: The name of the frame whose rows are segmented.
        keys: The column that identifies a row, by the frame's name. The entity and targets of
            links need one.
        events: Relations of the entity that have a time:
            ``{"orders": {"key": "customer_id", "at": "placed_at"}}``.
        relations: Relations of the entity without a time: ``{"notes": "customer_id"}``.
        links: Links of the entity: ``{"company": {"key": "company_id", "to": "companies"}}``.
        tables: Everything else about the frames, such as links of other entities, in the form of
            ``[schema.tables]`` in a file.
        time_zone: The zone in which days begin.
        week_start: The day on which weeks begin: ``monday`` or ``sunday``.

    Returns:
        The schema.

    Raises:
        SchemaError: A frame or column that you name does not exist.

    Example:
        >>> from pyspark.sql import SparkSession
        >>> spark = SparkSession.builder.getOrCreate()
        >>> people = spark.createDataFrame([], "id bigint, born date, balance decimal(12, 2)")
        >>> print(schema_from(people, "people", keys={"people": "id"}))
        people (whose rows are segmented)
            id: integer
            born: date?
            balance: decimal(2)?
    """
    stored = Stored.of(frames, entity, keys)
    return schema_from_tables(
        stored.metadata,
        entity,
        events=events,
        relations=relations,
        links=links,
        tables=tables,
        time_zone=time_zone,
        week_start=week_start,
    )


def _several(given: Partition | Iterable[Partition]) -> list[Partition]:
    """One or more partitions of one schema, each with a name of its own."""
    several: Any = [given] if is_single(given) else given
    partitions: list[Partition] = list(several)
    for each in partitions:
        expect(each, Partition, "labels(partition, frames)")
    if not partitions:
        raise ValueError("give at least one partition")
    schema = partitions[0].schema
    if any(each.schema != schema for each in partitions):
        raise SchemaError("the partitions are of different schemas")
    names = [schema.entity.key, *(each.name for each in partitions)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two columns would be called {name!r}: rename a partition")
    return partitions


def _label(label: str) -> sa.ColumnElement[str]:
    return sa.literal(label, sa.String())


def _parted(
    partitions: list[Partition], stored: Stored, instant: datetime
) -> tuple[Rows, list[dict[str, Sql]]]:
    """The entity's rows, and of each part of each partition the test that it would be alone."""
    bound = [
        {label: bound_condition(part, instant, Target.SQL) for label, part in each.parts.items()}
        for each in partitions
    ]
    conditions = [condition for own in bound for condition in own.values()]
    tables = stored.tables(partitions[0].schema)
    stored.check(conditions, tables)
    rows = Rows(tables, tables.schema.entity, ir.Scope.ENTITY)
    compiler = Compiler(tables.schema, rows, beside(rows, wanted_by(conditions), []))
    tests = [{label: compiler.condition(each) for label, each in own.items()} for own in bound]
    return rows, tests


def _tested(segment: Segment, stored: Stored, as_of: AsOf) -> tuple[Rows, Sql]:
    """The entity's rows, joined to what the segment's test of them reads, and that test."""
    condition = bound_condition(segment, instant_of(as_of, segment.schema), Target.SQL)
    tables = stored.tables(segment.schema)
    stored.check([condition], tables)
    limits = [part for part in ir.conjuncts(condition) if not has_aggregates(part)]
    return joined_rows(tables, condition, limits)
