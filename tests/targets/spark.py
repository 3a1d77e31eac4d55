"""Spark, and Sail, which speaks its protocol: each keeps the last rows that it was given.

The session's time zone is one with jumps: no answer may depend on it.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import define, field

from segmentkit import Audit, Partition, Schema, Segment, Trait
from segmentkit.dtypes import DType, Kind
from segmentkit.schema import Entity
from segmentkit.source import Source
from tests.conformance_cases import Tables
from tests.targets.frames import LOCAL, columns_of, types_of_keys
from tests.targets.target import Target

SESSION_ZONE = "America/New_York"

_ZONED = pa.timestamp("us", tz="UTC")
_NAIVE = pa.timestamp("us")


@define(eq=False)
class Spark:
    """A session, opened when it is first asked.

    Attributes:
        name: The target's name.
        open: Makes the session.
        instants: How timestamps are stored: instants with a zone, or without.
        masked: Whether the members are read off the mask.
    """

    name: str
    open: Callable[[], Any]
    instants: Any = _NAIVE
    masked: bool = False
    _session: Any = field(init=False, default=None)
    _held: tuple[Schema, Tables, Mapping[str, Any]] | None = field(init=False, default=None)
    _folder: Path = field(init=False, factory=lambda: Path(tempfile.mkdtemp(prefix="segmentkit")))
    _numbers: Any = field(init=False, factory=itertools.count)

    @property
    def target(self) -> Target:
        """The target that asks this session."""
        return Target(
            self.name,
            "sql",
            self.members,
            values=self.values,
            labels=self.labels,
            audit=self.audit,
            source=self.source,
        )

    def members(self, segment: Segment, tables: Tables, as_of: datetime) -> list[Any]:
        """The keys of the members."""
        from segmentkit import spark

        frames = self.loaded(segment.schema, tables)
        if not self.masked:
            found = spark.members(segment, frames, as_of=as_of).collect()
            return [row[0] for row in found]
        key = segment.schema.entity.key
        masked = spark.mask(segment, frames, as_of=as_of, column="it's in")
        return [row[key] for row in masked.collect() if row["it's in"]]

    def values(self, trait: Trait, tables: Tables, as_of: datetime) -> dict[Any, Any]:
        """The values, by key."""
        from segmentkit import spark

        found = spark.values([trait], self.loaded(trait.schema, tables), as_of=as_of)
        return dict(map(tuple, found.collect()))

    def labels(self, partition: Partition, tables: Tables, as_of: datetime) -> dict[Any, str]:
        """The labels, by key."""
        from segmentkit import spark

        found = spark.labels(partition, self.loaded(partition.schema, tables), as_of=as_of)
        return dict(map(tuple, found.collect()))

    def audit(self, partition: Partition, tables: Tables, as_of: datetime) -> Audit:
        """The audit."""
        from segmentkit import spark

        return spark.audit(partition, self.loaded(partition.schema, tables), as_of=as_of)

    @contextmanager
    def source(self, schema: Schema, tables: Tables) -> Iterator[Source]:
        """The rows as a source."""
        from segmentkit import spark

        yield spark.Source(self.loaded(schema, tables))

    @property
    def session(self) -> Any:
        """The session."""
        if self._session is None:
            self._session = self.open()
            self._session.conf.set("spark.sql.session.timeZone", SESSION_ZONE)
            atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        return self._session

    def loaded(self, schema: Schema, tables: Tables) -> Mapping[str, Any]:
        """Frames of the rows, which are files that workers can read."""
        if self._held is None or self._held[:2] != (schema, tables):
            frames = {e.table: self.frame(schema, e, tables[e.table]) for e in schema.entities}
            self._held = schema, tables, frames
        return self._held[2]

    def frame(self, schema: Schema, entity: Entity, rows: list[dict[str, Any]]) -> Any:
        """A frame of one table's rows."""
        keys = types_of_keys(schema, entity)
        table = pa.table(
            {
                name: pa.array([row.get(name) for row in rows], self.type(dtype or keys.get(name)))
                for name, dtype in columns_of(schema, entity).items()
            }
            | {d.name: documents(d.name, rows) for d in entity.documents}
        )
        path = self._folder / f"{next(self._numbers)}.parquet"
        pq.write_table(table, path)
        from pyspark.sql.pandas.types import from_arrow_schema

        # To find the types out Spark would run a job.
        types = from_arrow_schema(table.schema, prefer_timestamp_ntz=True)
        return self.session.read.schema(types).parquet(str(path))

    def type(self, dtype: DType | None) -> Any:
        """Arrow's type for a column; keys of which nothing is said are whole numbers."""
        match dtype.kind if dtype else Kind.INTEGER:
            case Kind.BOOLEAN:
                return pa.bool_()
            case Kind.INTEGER:
                return pa.int64()
            case Kind.FLOAT:
                return pa.float64()
            case Kind.DECIMAL:
                scale = dtype.scale if dtype else None
                return pa.decimal128(28, 6 if scale is None else scale)
            case Kind.TEXT:
                return pa.string()
            case Kind.DATE:
                return pa.date32()
            case Kind.TIMESTAMP:
                return _NAIVE if dtype is LOCAL else self.instants
            case Kind.TEXTS:
                return pa.list_(pa.string())
            case kind:
                raise AssertionError(kind)


def documents(name: str, rows: list[dict[str, Any]]) -> Any:
    """A column of JSON as texts."""
    values = [row.get(name) for row in rows]
    return pa.array([None if v is None else json.dumps(v) for v in values], pa.string())


def _sail(mode: str) -> Any:
    """A session of a server of its own within this process."""
    os.environ.setdefault("RUST_LOG", "error")
    # Of a main module without a file, as pytest-xdist's, PySpark thinks that it runs doctests.
    sys.modules["__main__"].__dict__.setdefault("__file__", "pytest")
    os.environ["SAIL_MODE"] = mode
    os.environ["SAIL_CLUSTER__WORKER_INITIAL_COUNT"] = "2"
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    atexit.register(server.stop)
    url = f"sc://localhost:{server.listening_address[1]}"
    # Where examples find a session.
    os.environ["SPARK_REMOTE"] = url
    return SparkSession.builder.remote(url).create()


def _spark() -> Any:
    """A session of Spark Connect, in a Java process of its own."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote("local[2]").getOrCreate()
    session.conf.set("spark.sql.shuffle.partitions", "1")
    atexit.register(session.stop)
    return session


EVERY = [
    Spark("sail", lambda: _sail("local")),
    Spark("sail cluster", lambda: _sail("local-cluster"), instants=_ZONED, masked=True),
    Spark("spark", _spark),
    Spark("spark zoned", _spark, instants=_ZONED, masked=True),
]
TARGETS = [each.target for each in EVERY]
