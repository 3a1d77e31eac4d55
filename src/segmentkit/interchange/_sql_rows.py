"""Sub-queries in conditions of SQL: which rows of which relation they are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen
from sqlglot import exp

from segmentkit._diagnostics.diagnostic import advice
from segmentkit.interchange._sql_values import Values, same
from segmentkit.schema import Entity, Relation

_PARTS = frozenset({"expressions", "from", "from_", "where", "kind"})


@frozen
class Rows:
    """The rows of a relation, and the conditions on each that a sub-query has.

    Attributes:
        relation: The relation.
        alias: What columns of the rows can have before them.
        conditions: What holds of each row, beside that it belongs to the customer.
    """

    relation: Relation
    alias: str
    conditions: tuple[exp.Expression, ...]


def rows_of(values: Values, select: exp.Expression, at: str) -> Rows:
    """The rows that a sub-query looks at: those of one table that refer to the customer.

    Raises:
        Refusal: It looks at others.
    """
    reader = values.reader
    for key, value in select.args.items():
        if value not in (None, False, []) and key not in _PARTS:
            raise reader.unsayable(at, f"a sub-query with '{key.strip('_')}'")
    source = select.args.get("from_") or select.args.get("from")
    table: Any = source.this if source is not None else None
    plain = isinstance(table, exp.Table) and not {
        key for key, value in table.args.items() if value and key not in ("this", "alias")
    }
    if not plain or not isinstance(table.this, exp.Identifier):
        raise reader.unsayable(at, "a sub-query of what is no single table")
    conditions = list(_conjuncts(select.args.get("where")))
    alias = str(table.alias) or str(table.name)
    for relation in values.entity.relations:
        target = reader.schema.named(relation.to)
        if same(target.name, table.this) or same(target.table, table.this):
            joins = [c for c in conditions if _joins(c, values.entity, relation, alias)]
            if len(joins) == 1:
                rest = tuple(each for each in conditions if each is not joins[0])
                return Rows(relation, alias, rest)
    hint = advice("rows_of_customer", example=_example(values))
    raise reader.unsayable(at, "a sub-query of rows that are not the customer's", hint)


def _example(values: Values) -> str:
    relation = next(iter(values.entity.relations), None)
    if relation is None:
        return "a relation of the schema"
    return f"{relation.to}.{relation.key} = {values.entity.table}.{values.entity.key}"


def _conjuncts(where: exp.Expression | None) -> Iterator[exp.Expression]:
    if where is None:
        return
    condition = where.this
    if isinstance(condition, exp.And):
        yield from condition.flatten(unnest=False)
    else:
        yield condition


def _joins(node: exp.Expression, entity: Entity, relation: Relation, alias: str) -> bool:
    """Whether a condition says that a row belongs to the customer."""
    if not isinstance(node, exp.EQ):
        return False
    sides = node.this, node.expression
    if not all(isinstance(each, exp.Column) for each in sides):
        return False
    own = relation.by or entity.key or ""
    for row, customer in (sides, sides[::-1]):
        inner, outer = row.args.get("table"), customer.args.get("table")
        of_row = same(relation.key, row.this) and (inner is None or same(alias, inner))
        # Without a table it would be a column of the rows.
        known = outer is not None and (same(entity.name, outer) or same(entity.table, outer))
        if of_row and known and same(own, customer.this):
            return True
    return False
