"""What a caller gives beside a class: a condition on whom is asked about, and columns of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import QueryableAttribute, RelationshipProperty
from sqlalchemy.sql import elements, operators
from sqlalchemy.types import TypeDecorator

from segmentkit._usage import described
from segmentkit.errors import SchemaError

Where: TypeAlias = sa.ColumnElement[bool] | Callable[[Any], Any]
"""Who is asked about: a condition on what stands for the entity, or a function that makes one."""

Lists: TypeAlias = Mapping[str, sa.ColumnElement[Any]]
"""Columns that hold keys, by the names of static lists."""


def condition(where: Where, root: Any) -> sa.ColumnElement[bool]:
    """The condition that a user gave, or that a function of theirs makes.

    Raises:
        SchemaError: It is none, or one that is not of the columns of a row.
    """
    is_clause = hasattr(where, "__clause_element__") or isinstance(where, type)
    given: Any = where(root) if callable(where) and not is_clause else where
    why = "combine several with and_()" if isinstance(given, list | tuple) else ""
    if isinstance(given, sa.SelectBase):
        why = _SELECTS
    elif given is not None and not isinstance(given, type) and not _has_rows(given):
        try:
            found = sa.and_(sa.true(), given)
        except sa.exc.ArgumentError:
            pass
        else:
            why = next((why for leaf in _leaves(found) if (why := _why_not(leaf))), "")
            if not why:
                return found
    raise SchemaError(
        f"where= must be a condition of SQLAlchemy on {root!r:.80}, such as "
        f"Customer.tenant_id == 5, and not {given!r:.60}" + (f": {why}" if why else "")
    )


def _has_rows(given: Any) -> bool:
    """Whether something is selected from, such as a table; functions can be values, too."""
    return isinstance(given, sa.FromClause) and not isinstance(given, sa.FunctionElement)


_SELECTS = "it selects rows; ask whether there is one, by exists(), or for a column's in_(…)"


def _leaves(clause: Any) -> Iterator[Any]:
    """The conditions that a condition is made of by AND, OR and NOT."""
    waiting = [clause]
    while waiting:
        each = waiting.pop()
        is_not = isinstance(each, sa.UnaryExpression) and each.operator is operators.inv
        if isinstance(each, elements.BooleanClauseList):
            waiting += each.clauses
        elif isinstance(each, elements.Grouping | sa.Label) or is_not:
            waiting.append(each.element)
        else:
            yield each


def _why_not(leaf: Any) -> str:
    """Why something is no condition on the columns of a row."""
    if isinstance(leaf, sa.TextClause) or (isinstance(leaf, sa.ColumnClause) and leaf.is_literal):
        return "SQL as text does not say whose columns it names"
    if isinstance(leaf, sa.ScalarSelect) and not isinstance(leaf.type, sa.Boolean):
        return _SELECTS
    if isinstance(leaf, sa.UnaryExpression) and leaf.modifier is not None:
        return "it is an order"
    for part in _parts(leaf):
        if isinstance(part, sa.ColumnClause) and part.table is None and not part.is_literal:
            return f"the column {part.name!r} is of no table"
        if isinstance(part, sa.Over | sa.FunctionFilter | sa.WithinGroup) or _aggregates(part):
            return "it is of many rows; ask within a sub-query"
    if not _may_be_true(leaf):
        return f"it is of the type {leaf.type!r}; compare it with a value"
    return ""


_SUB_QUERIES = (sa.SelectBase, sa.ScalarSelect, sa.Exists)


def _parts(clause: Any) -> Iterator[Any]:
    """An expression and what it is made of, without what is in its sub-queries."""
    waiting = [clause]
    while waiting:
        each = waiting.pop()
        yield each
        if not isinstance(each, _SUB_QUERIES) and not _has_rows(each):
            waiting += each.get_children()


def _aggregates(part: Any) -> bool:
    if not isinstance(part, sa.FunctionElement):
        return False
    name = getattr(part, "name", "")
    # SQLite's scalar ones have several arguments.
    one = len(part.clauses) < 2 and name in ("min", "max")
    return one or name in ("avg", "count", "sum")


def _may_be_true(leaf: Any) -> bool:
    """Whether databases take an expression for a condition, or SQLAlchemy does not know."""
    if isinstance(leaf, sa.sql.elements.OperatorExpression) and isinstance(
        leaf.operator, operators.custom_op
    ):
        return True
    kind = leaf.type
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    is_flag = getattr(kind, "display_width", None) == 1
    return is_flag or isinstance(kind, sa.Boolean | sa.types.NullType)


def keys_of_lists(lists: Any) -> Lists:
    """Columns with the keys of static lists.

    Raises:
        SchemaError: Something else was given.
    """
    if lists is None:
        return {}
    if not isinstance(lists, Mapping):
        raise SchemaError(
            'lists= must be columns by the names of lists, as in {"vip": Vip.customer_id}, and not '
            f"{described(lists)}"
        )
    return {name: _keys(name, given) for name, given in lists.items()}


def _keys(name: Any, given: Any) -> sa.ColumnElement[Any]:
    if not isinstance(name, str):
        raise SchemaError(f"lists= has {name!r:.60} where the name of a list must be")
    rows = given.element if isinstance(given, sa.ScalarSelect) else given
    if isinstance(rows, sa.SelectBase):
        rows = rows.subquery()
    if _has_rows(rows) and len(rows.c) == 1:
        (column,) = rows.c
        return column
    if isinstance(given, QueryableAttribute):
        is_column = not isinstance(given.property, RelationshipProperty)
    else:
        of_none = isinstance(given, sa.ColumnClause) and given.table is None
        is_column = isinstance(given, sa.ColumnElement) and not of_none
    if is_column:
        return given  # type: ignore[no-any-return]
    raise SchemaError(
        f"lists= needs for {name!r} a column that holds keys, such as Vip.customer_id, and not "
        f"{described(given)}"
    )
