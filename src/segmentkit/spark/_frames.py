"""Spark's data frames as the tables of a schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, ClassVar, TypeAlias

import sqlalchemy as sa
from attrs import frozen

from segmentkit._planning import ir
from segmentkit._results.columns import columns_of
from segmentkit.dtypes import DType, Kind
from segmentkit.errors import SchemaError, UnsupportedError
from segmentkit.schema import Schema
from segmentkit.spark._decimal_limits import check_digits
from segmentkit.spark._dialect import PLACEHOLDER, quoted, text_and_arguments
from segmentkit.sqlalchemy.sql_source import AT_ONCE, Columns
from segmentkit.sqlalchemy.tables import Tables

try:
    from pyspark.errors import PySparkException
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql import types as spark
except ImportError as error:
    raise ImportError(
        'segmentkit.spark needs pyspark, or pyspark-client: pip install "segmentkit[spark]"'
    ) from error

Frames: TypeAlias = "Mapping[str, DataFrame | str] | DataFrame | str"
"""Frames, or the names of tables in Spark's catalog, by the names of the schema's tables; or the
entity's only."""

_TYPES: tuple[tuple[type[spark.DataType], Any], ...] = (
    (spark.BooleanType, sa.Boolean()),
    (spark.ByteType, sa.SmallInteger()),
    (spark.ShortType, sa.SmallInteger()),
    (spark.IntegerType, sa.Integer()),
    (spark.LongType, sa.BigInteger()),
    (spark.FloatType, sa.Double()),
    (spark.DoubleType, sa.Double()),
    (spark.StringType, sa.String()),
    (spark.CharType, sa.String()),
    (spark.VarcharType, sa.String()),
    (spark.DateType, sa.Date()),
    (spark.TimestampNTZType, sa.DateTime()),
    (spark.TimestampType, sa.DateTime(timezone=True)),
)
_FITTING: Mapping[Kind, tuple[type[Any], ...]] = {
    Kind.BOOLEAN: (sa.Boolean,),
    Kind.INTEGER: (sa.Integer,),
    Kind.FLOAT: (sa.Double, sa.Integer),
    Kind.DECIMAL: (sa.Numeric, sa.Integer),
    Kind.TEXT: (sa.String,),
    Kind.DATE: (sa.Date,),
    Kind.TIMESTAMP: (sa.DateTime,),
    Kind.TEXTS: (sa.ARRAY,),
}
"""The types of columns that hold what a schema's type means, exactly."""


@frozen(eq=False)
class Stored:
    """Frames that stand for tables, and the session that is asked about them.

    Attributes:
        frames: The frames by the names of tables.
        metadata: The tables, with the types that the frames' columns have.
    """

    frames: Mapping[str, DataFrame]
    metadata: sa.MetaData
    errors: ClassVar[tuple[type[Exception], ...]] = (PySparkException,)

    @classmethod
    def of(cls, given: Frames, entity: str, keys: Mapping[str, str] | None = None) -> Stored:
        """Take up frames; ``keys`` names the columns that tell rows apart.

        Raises:
            SchemaError: There is something else among them.
        """
        told = given if isinstance(given, Mapping) else {entity: given}
        frames = {name: _frame(name, frame) for name, frame in told.items()}
        metadata = sa.MetaData()
        for i, (name, frame) in enumerate(frames.items()):
            key = (keys or {}).get(name)
            _check_names(name, frame)
            columns = [
                sa.Column(field.name, _type(field.dataType), primary_key=field.name == key)
                for field in frame.schema.fields
            ]
            sa.Table(name, metadata, *columns, info={PLACEHOLDER: f"t{i}"})
        return cls(frames, metadata)

    def tables(self, schema: Schema) -> Tables:
        """The tables of a schema.

        Raises:
            SchemaError: The entity's frame is not there, or a column does not fit the schema.
            UnsupportedError: The texts of a column are compared by a collation.
        """
        for name, attribute, column in self._columns(schema):
            _check(f"{name}.{column.name}", attribute, column.type)
        root = self.metadata.tables.get(schema.entity.table)
        if root is None:
            known = ", ".join(sorted(self.metadata.tables)) or "none"
            raise SchemaError(f"there is no frame {schema.entity.table!r}; the frames are {known}")
        return Tables(schema, self.metadata, root, joins=True)

    def _columns(self, schema: Schema) -> Iterator[tuple[str, DType, sa.Column[Any]]]:
        for entity in schema.entities:
            table = self.metadata.tables.get(entity.table)
            for attribute in entity.attributes:
                if table is not None and attribute.column in table.c:
                    yield entity.table, attribute.stored, table.c[attribute.column]

    def run(self, query: sa.Select[Any]) -> DataFrame:
        """A query as a frame, which Spark computes when it is asked to."""
        text, arguments = text_and_arguments(query)
        session = next(iter(self.frames.values())).sparkSession
        frames = {t.info[PLACEHOLDER]: self.frames[t.name] for t in self.metadata.sorted_tables}
        return session.sql(text, arguments, **frames)

    # -- as an engine ---------------------------------------------------------------------------

    @property
    def columnar(self) -> bool:
        return hasattr(DataFrame, "toArrow") and find_spec("pyarrow") is not None

    def parts(self, query: sa.Select[Any]) -> Iterator[Columns]:
        frame = self.run(query)
        if self.columnar:
            for batch in frame.toArrow().to_batches(AT_ONCE):
                if batch.num_rows:
                    yield columns_of(batch)
        elif rows := frame.collect():
            yield list(zip(*rows, strict=True))

    def row(self, query: sa.Select[Any]) -> Sequence[Any] | None:
        found: Sequence[Any] | None = self.run(query).first()
        return found

    def text(self, query: sa.Select[Any]) -> str:
        text, _ = text_and_arguments(query)
        names = {t.info[PLACEHOLDER]: quoted(t.name) for t in self.metadata.sorted_tables}
        return text.format_map(names)

    def check(self, nodes: Iterable[ir.Condition | ir.Value], tables: Tables) -> None:
        for node in nodes:
            check_digits(node, tables)


def _frame(name: str, given: object) -> DataFrame:
    if isinstance(given, str):
        return SparkSession.active().table(given)
    if isinstance(given, DataFrame):
        return given
    raise SchemaError(f"{name!r} must be a DataFrame of Spark or a table's name, not {given!r:.80}")


def _check_names(name: str, frame: DataFrame) -> None:
    """See that every column has a name of its own, as Spark tells names apart."""
    seen: dict[str, str] = {}
    for column in frame.schema.names:
        other = seen.get(column.lower())
        seen[column.lower()] = column
        if other is None or (other != column and _tells_cases(frame)):
            continue
        raise SchemaError(
            f"the frame {name!r} has two columns that Spark takes for one: {other!r} and "
            f"{column!r}; rename or drop one, as with toDF()"
        )


def _tells_cases(frame: DataFrame) -> bool:
    return bool(frame.sparkSession.conf.get("spark.sql.caseSensitive", "false") == "true")


def _type(dtype: spark.DataType) -> Any:
    if isinstance(dtype, spark.DecimalType):
        return sa.Numeric(dtype.precision, dtype.scale)
    if isinstance(dtype, spark.ArrayType) and isinstance(dtype.elementType, spark.StringType):
        item = _type(dtype.elementType)
        return sa.ARRAY(item) if item.collation is None else sa.types.NullType()
    collation = getattr(dtype, "collation", None) or "UTF8_BINARY"
    if collation != "UTF8_BINARY":
        return sa.String(collation=collation)
    return next((type_ for known, type_ in _TYPES if type(dtype) is known), sa.types.NullType())


def _check(place: str, dtype: DType, column: Any) -> None:
    if not isinstance(column, _FITTING[dtype.kind]) or (
        dtype.kind is Kind.DECIMAL and isinstance(column, sa.Double)
    ):
        raise SchemaError(f"{place} is {dtype} in the schema, and {column!r} in Spark")
    if getattr(column, "collation", None):
        raise UnsupportedError(
            f"Spark compares {place} by the collation {column.collation}: the language compares "
            "text exactly"
        )
