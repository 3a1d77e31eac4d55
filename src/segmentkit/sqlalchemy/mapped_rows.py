"""The rows of a mapped class, as the ORM selects them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapper


class MappedRows(sa.Subquery):
    """What the ORM selects from a class: criteria of a session or a statement hold in it.

    Where there are none, it is the table.
    """

    inherit_cache = True

    @classmethod
    def of(cls, mapper: Mapper[Any], table: sa.Table) -> MappedRows:
        """The rows of a class that is mapped to a table."""
        query = sa.select(*table.c).select_from(mapper.class_)
        found: MappedRows = cls._construct(query, name=table.alias().name)
        return found


@compiles(MappedRows)
def _rows(element: MappedRows, compiler: Any, **kw: Any) -> str:
    query: Any = element.element
    mapper = query._propagate_attrs["plugin_subject"].mapper
    told = getattr(compiler, "_global_attributes", None)
    if told is None or (_CRITERIA, mapper) in told:
        return str(compiler.visit_subquery(element, **kw))
    plain: Any = element._clone()
    (plain.element,) = query.columns_clause_froms
    return str(compiler.visit_alias(plain, **kw))


_CRITERIA = "additional_entity_criteria"
"""What SQLAlchemy keeps them by; in a version without it, every class is a sub-query."""
