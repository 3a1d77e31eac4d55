"""Many segments in one pass on Spark: a source, and a lazy frame of everyone's segments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define

from segmentkit._definition import AsOf
from segmentkit.errors import SchemaError
from segmentkit.schema import Schema
from segmentkit.source import Question, Segments
from segmentkit.spark._frames import Frames, Stored
from segmentkit.sqlalchemy.sql_source import Engine, SqlSource
from segmentkit.sqlalchemy.statements.batch_statement import Pass
from segmentkit.sqlalchemy.statements.codes import BITS
from segmentkit.sqlalchemy.tables import Tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


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

    def _signed(self, opened: tuple[Engine, Tables], question: Question) -> DataFrame:
        stored, tables = opened
        assert isinstance(stored, Stored)
        key, names = tables.schema.entity.key or "", list(question.conditions)
        found = stored.run(Pass.of(dict(question.conditions), tables).signatures(key))
        for column in found.columns[1:]:
            if column == key:
                raise SchemaError(f"the key is called {key!r}, and so is a column of signatures")
            first = BITS * int(column.removeprefix("signature_"))
            found = found.withMetadata(column, {"segments": names[first : first + BITS]})
        return found


def signatures(segments: Segments, frames: Frames, *, as_of: AsOf = None) -> DataFrame:
    """Find out which segments everyone is in, without collecting anything.

    All segments are evaluated in one pass, which scans each relation once.

    Args:
        segments: A catalog, another mapping, several segments, or one.
        frames: Frames, or names of tables, by the names of the schema's tables; or the entity's.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        A frame of the key and of whole numbers, whose bits say in which segments a customer is.
        ``signature_0`` has the bits of the first 62 segments, ``signature_1`` those of the next
        62, and so on; the first segment is the lowest bit. The metadata of each column lists the
        names of its segments. Spark computes it when you ask for its rows.

    Raises:
        DataError: A parameter of a segment has no value.
        SchemaError: A frame or column does not exist or does not fit the schema, or the segments'
            schemas differ.
        UnsupportedError: Spark cannot compute a construct exactly; names the segment.
        ValueError: You gave no segments, or two of them have one name.

    Example:
        >>> from pyspark.sql import SparkSession
        >>> from segmentkit import Segment
        >>> from segmentkit.spark import schema_from
        >>> spark = SparkSession.builder.getOrCreate()
        >>> people = spark.createDataFrame([(7, 17), (8, 40)], "id bigint, age int")
        >>> schema = schema_from(people, "people", keys={"people": "id"})
        >>> minor = Segment.define("minor", "age < 18", schema)
        >>> adult = Segment.define("adult", "age >= 18", schema)
        >>> found = signatures([minor, adult], people)
        >>> found.orderBy("id").collect()
        [Row(id=7, signature_0=1), Row(id=8, signature_0=2)]
        >>> found.schema["signature_0"].metadata
        {'segments': ['minor', 'adult']}
    """
    source = Source(frames)
    return source._asked(segments, as_of, source._signed)
