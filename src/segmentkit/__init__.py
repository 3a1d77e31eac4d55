"""Say which customers in one small language; the same answer from SQL, pandas and one record."""

from segmentkit._diagnostics import Diagnostic, Span
from segmentkit.algebra import complement, difference, intersection, union
from segmentkit.audience import Audience
from segmentkit.catalog import Catalog
from segmentkit.dtypes import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    DType,
    Kind,
    decimal,
)
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
from segmentkit.extension import Aggregate, Function
from segmentkit.keylist import KeyList
from segmentkit.partition import Audit, PartAudit, Partition
from segmentkit.schema import Attribute, Channel, Document, Entity, Link, Place, Relation, Schema
from segmentkit.segment import Segment, format_definition
from segmentkit.trait import Trait

__all__ = [
    "BOOLEAN",
    "DATE",
    "FLOAT",
    "INTEGER",
    "TEXT",
    "TEXTS",
    "TIMESTAMP",
    "Aggregate",
    "Attribute",
    "Audience",
    "Audit",
    "Catalog",
    "CatalogError",
    "Channel",
    "DType",
    "DataError",
    "DefinitionError",
    "Diagnostic",
    "Document",
    "Entity",
    "Function",
    "KeyList",
    "Kind",
    "Link",
    "PartAudit",
    "Partition",
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
    "Trait",
    "UnsupportedError",
    "complement",
    "decimal",
    "difference",
    "format_definition",
    "intersection",
    "union",
]
