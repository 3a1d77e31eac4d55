"""Say which customers in one small language; the same answer from SQL, pandas and one record."""

from segmentkit._diagnostics import Diagnostic, Span
from segmentkit.algebra import complement, difference, intersection, union
from segmentkit.catalog import Catalog
from segmentkit.dtypes import BOOLEAN, DATE, FLOAT, INTEGER, TEXT, TIMESTAMP, DType, Kind, decimal
from segmentkit.errors import (
    CatalogError,
    DataError,
    DefinitionError,
    Problem,
    SchemaError,
    SegmentkitError,
    SegmentSyntaxError,
    SegmentTypeError,
    UnsupportedError,
)
from segmentkit.schema import Attribute, Entity, Link, Place, Relation, Schema
from segmentkit.segment import Segment, format_definition

__all__ = [
    "BOOLEAN",
    "DATE",
    "FLOAT",
    "INTEGER",
    "TEXT",
    "TIMESTAMP",
    "Attribute",
    "Catalog",
    "CatalogError",
    "DType",
    "DataError",
    "DefinitionError",
    "Diagnostic",
    "Entity",
    "Kind",
    "Link",
    "Place",
    "Problem",
    "Relation",
    "Schema",
    "SchemaError",
    "Segment",
    "SegmentSyntaxError",
    "SegmentTypeError",
    "SegmentkitError",
    "Span",
    "UnsupportedError",
    "complement",
    "decimal",
    "difference",
    "format_definition",
    "intersection",
    "union",
]
