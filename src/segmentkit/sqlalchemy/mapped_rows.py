"""The rows of a mapped class, as the ORM selects them."""

from __future__ import annotations

from types import SimpleNamespace
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
def _rows(element: MappedRows, compiler: Any, from_linter: Any = None, **kw: Any) -> str:
    query: Any = element.element
    mapper = query._propagate_attrs["plugin_subject"].mapper
    told = getattr(compiler, "_global_attributes", None)
    if told is None or (_CRITERIA, mapper) in told:
        return str(compiler.visit_subquery(element, from_linter=from_linter, **kw))
    plain: Any = element._clone()
    (plain.element,) = query.columns_clause_froms
    seen = None if from_linter is None else SimpleNamespace(froms={})
    words = str(compiler.visit_alias(plain, from_linter=seen, **kw))
    if seen is not None:
        # SQLAlchemy 2.0.0 would warn of a product with the copy, which nothing is joined to.
        for each, name in seen.froms.items():
            from_linter.froms[element if each is plain else each] = name
    return words


_CRITERIA = "additional_entity_criteria"
"""What SQLAlchemy keeps them by; in a version without it, every class is a sub-query."""
