"""Conditions of SQL → definitions, where an extra is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from segmentkit._definition import by_name
from segmentkit._usage import expect
from segmentkit.interchange._result import Converted
from segmentkit.schema import Schema
from segmentkit.trait import Trait


def from_sql(
    where: str,
    schema: Schema,
    *,
    dialect: str | None = None,
    name: str | None = None,
    traits: Mapping[str, Trait] | Iterable[Trait] = (),
) -> Converted:
    """Take over the condition of a ``WHERE``.

    Columns are attributes, by their names or by those of their columns, also behind links
    (``company.industry``). ``EXISTS`` and ``COUNT(*)`` of rows that refer to the customer are
    aggregates of a relation; other sub-queries are refused.

    Args:
        where: The condition, without the word ``WHERE``.
        schema: The schema that its columns refer to.
        dialect: The name that sqlglot has for the dialect, such as ``postgres`` or ``mysql``; by
            default, what dialects share.
        name: The name of the segment.
        traits: Traits that it can name like columns: by name, or as they are.

    Returns:
        The segment, and where SQL answers differently. The pointers of differences are the
        characters of the text, such as ``0-8``.

    Raises:
        ConversionError: Something in it cannot be said, or is no condition; has all mistakes, with
            their places in the text.
        ImportError: sqlglot is not installed: ``pip install "segmentkit[sql]"``.

    Example:
        >>> from segmentkit import INTEGER, TEXT, Attribute, Entity, Schema
        >>> attributes = [Attribute("age", INTEGER, True), Attribute("country", TEXT)]
        >>> people = Schema([Entity("people", key="id", attributes=attributes)])
        >>> found = from_sql("country IN ('DK', 'NO') AND NOT age < 18", people)
        >>> found.definition
        'country in ("DK", "NO") and not age < 18'
        >>> [(each.rule, each.pointer) for each in found.differences]
        [('missing', '32-40')]
    """
    expect(schema, Schema, "from_sql(where, schema)")
    expect(where, str, "from_sql(where, schema)")
    try:
        # The extra brings the parser.
        from segmentkit.interchange._sql import converted_sql  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "sqlglot":
            raise
        message = 'conditions of SQL need sqlglot: pip install "segmentkit[sql]"'
        raise ImportError(message) from error
    return converted_sql(where, schema, dialect, name, by_name(traits, Trait))
