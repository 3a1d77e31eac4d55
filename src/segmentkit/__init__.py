"""Define customer segments in a small language; evaluate them in SQL, pandas, Spark or Python."""

from importlib import import_module

TYPE_CHECKING = False  # as in typing, which takes longer to load than all that is here
if TYPE_CHECKING:
    from segmentkit._catalog.json_schema import json_schema
    from segmentkit._checking.uses import Use
    from segmentkit._diagnostics.diagnostic import Diagnostic, Fix, Span
    from segmentkit._language.syntax import LANGUAGE
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
        RunRefused,
        SchemaError,
        SegmentkitError,
        SegmentSyntaxError,
        SegmentTypeError,
        UnsupportedError,
        UsageError,
    )
    from segmentkit.explanation import Clause, Explanation, Fact, Joined
    from segmentkit.expr import format_definition
    from segmentkit.extension import Aggregate, Function
    from segmentkit.goal import Goal
    from segmentkit.handover import Handover
    from segmentkit.keylist import KeyList
    from segmentkit.partition import Audit, PartAudit, Partition
    from segmentkit.schema import (
        Attribute,
        Channel,
        Document,
        Entity,
        Fresh,
        Link,
        Place,
        Relation,
        Schema,
    )
    from segmentkit.segment import Segment
    from segmentkit.trait import Trait

__all__ = [
    "BOOLEAN",
    "DATE",
    "FLOAT",
    "INTEGER",
    "LANGUAGE",
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
    "Clause",
    "DType",
    "DataError",
    "DefinitionError",
    "Diagnostic",
    "Document",
    "Entity",
    "Explanation",
    "Fact",
    "Fix",
    "Fresh",
    "Function",
    "Goal",
    "Handover",
    "Joined",
    "KeyList",
    "Kind",
    "Limits",
    "Link",
    "PartAudit",
    "Partition",
    "Place",
    "Problem",
    "Relation",
    "RunRefused",
    "Schema",
    "SchemaError",
    "Segment",
    "SegmentSyntaxError",
    "SegmentTypeError",
    "SegmentkitError",
    "Span",
    "Trait",
    "UnsupportedError",
    "UsageError",
    "Use",
    "complement",
    "decimal",
    "difference",
    "format_definition",
    "intersection",
    "json_schema",
    "union",
]

_NAMES = {
    "_checking.uses": "Use",
    "_diagnostics.diagnostic": "Diagnostic Fix Span",
    "_catalog.json_schema": "json_schema",
    "_language.syntax": "LANGUAGE",
    "algebra": "complement difference intersection union",
    "audience": "Audience",
    "catalog": "Catalog",
    "dtypes": "BOOLEAN DATE FLOAT INTEGER TEXT TEXTS TIMESTAMP DType Kind decimal",
    "errors": "CatalogError DataError DefinitionError Problem SchemaError SegmentSyntaxError "
    "SegmentTypeError SegmentkitError UnsupportedError RunRefused UsageError",
    "explanation": "Clause Explanation Fact Joined",
    "expr": "format_definition",
    "extension": "Aggregate Function",
    "goal": "Goal",
    "handover": "Handover",
    "keylist": "KeyList",
    "limits": "Limits",
    "partition": "Audit PartAudit Partition",
    "schema": "Attribute Channel Document Entity Fresh Link Place Relation Schema",
    "segment": "Segment",
    "trait": "Trait",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

if not TYPE_CHECKING:  # a type checker knows better than that every name is there

    def __getattr__(name):
        """What is public is loaded when it is first asked for: a start costs what is used."""
        if name == "__version__":
            return import_module("importlib.metadata").version("segmentkit")
        if name in _NAMES:
            return import_module(f"segmentkit.{name}")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"segmentkit.{_MODULES[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
