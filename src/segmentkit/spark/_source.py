"""Spark as a source: many segments in one pass, counted on the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define

from segmentkit.schema import Schema
from segmentkit.spark._frames import Frames, Stored
from segmentkit.sqlalchemy.sql_source import SqlSource
from segmentkit.sqlalchemy.tables import Tables


@define(eq=False)
class Source(SqlSource):
    """Spark frames on which you evaluate many segments at once.

    Each call runs one query at once, or a few if there are more than a thousand distinct tests.
    It collects only the numbers or keys that you ask for, as Arrow data.

    Args:
        frames: Frames, or names of tables in Spark's catalog, by the names of the schema's tables;
            or the entity's, if no other is needed.

    Example:
        >>> from pyspark.sql import SparkSession
        >>> from segmentkit import Segment
        >>> from segmentkit.spark import schema_from
        >>> spark = SparkSession.builder.getOrCreate()
        >>> people = spark.createDataFrame([(7, 17), (8, 40), (9, None)], "id bigint, age int")
        >>> schema = schema_from(people, "people", keys={"people": "id"})
        >>> minor = Segment.define("minor", "age < 18", schema)
        >>> adult = Segment.define("adult", "age >= 18", schema)
        >>> source = Source(people)
        >>> source.evaluate([minor, adult]).frame.sort_index()
            minor  adult
        id
        7    True  False
        8   False   True
        9   False  False
        >>> source.sizes([minor, adult])
        Sizes({'minor': 1, 'adult': 1}, population=3)
    """

    frames: Frames

    @contextmanager
    def _connected(self, schema: Schema) -> Iterator[tuple[Stored, Tables]]:
        stored = Stored.of(self.frames, schema.entity.table)
        yield stored, stored.tables(schema)
