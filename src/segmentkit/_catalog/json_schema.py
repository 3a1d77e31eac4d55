"""JSON Schemas of all that is written as JSON, from the tables that read and write it."""

from __future__ import annotations

from typing import Any

from segmentkit._catalog.json_file import schema_of_catalogs
from segmentkit._language.json_form import schema_of
from segmentkit._schema.json_form import schema_of_schemas
from segmentkit.errors import UsageError

_MAKERS = {
    "segment": lambda: schema_of("where"),
    "trait": lambda: schema_of("value", ["name"]),
    "catalog": schema_of_catalogs,
    "schema": schema_of_schemas,
}


def json_schema(of: str = "segment") -> dict[str, Any]:
    """The JSON Schema of what `to_json` writes and `from_json` reads.

    Args:
        of: What it describes: ``"segment"``, ``"trait"``, ``"catalog"`` or ``"schema"``.

    Returns:
        A JSON Schema, draft 2020-12. It describes the form; what names mean, and how deep and how
        large a definition may be, `from_json` checks.

    Raises:
        UsageError: There is no schema of this.

    Example:
        >>> json_schema()["required"]
        ['language', 'where']
    """
    if of not in _MAKERS:
        raise UsageError(f"json_schema(of) takes one of {', '.join(_MAKERS)}, and not {of!r:.60}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_MAKERS[of]()}
