"""Condition → a predicate on the user's own query: uncorrelated, composable, without ``NOT``.

Whatever is asked of one relation by conditions that stand together is one sub-query:
``key IN (SELECT owner … GROUP BY owner HAVING …)``; where a customer without rows satisfies the
conditions, the complement: ``key NOT IN (… HAVING complement)``. What reads several relations, or
the customer's own attributes beside an aggregate, joins one sub-query a relation to the customers.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeAlias

import sqlalchemy as sa
from attrs import evolve

from segmentkit import _ir as ir
from segmentkit._record import compile_record
from segmentkit.schema import Relation
from segmentkit.sqlalchemy import _population as population
from segmentkit.sqlalchemy._compile import Compiler, Sql
from segmentkit.sqlalchemy._constants import WithNul
from segmentkit.sqlalchemy._elements import LookedUp, OnlyRow, joined, keeping_gaps
from segmentkit.sqlalchemy._scans import ORDERED, Grouped, Rows, ordered
from segmentkit.sqlalchemy._tables import Tables, column_of


def compile_predicate(condition: ir.Condition, tables: Tables) -> Sql:
    """Compile a normalized condition for the query that ``tables.root`` stands in.

    Raises:
        SchemaError: A table or a column is not there.
        UnsupportedError: SQL cannot compute a construct.
    """
    test = _Predicate(tables).condition(condition, limits=[])
    texts = (n.value for n in ir.walk(condition) if isinstance(n, ir.Const))
    return WithNul(test) if any(isinstance(t, str) and "\0" in t for t in texts) else test


class _Predicate:
    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.schema = tables.schema
        self.compiler = Compiler(self.schema, _Root(tables))

    @cached_property
    def key(self) -> Sql:
        """The entity's key in the user's query."""
        assert self.schema.entity.key is not None
        return self.tables.root_column(self.schema.entity.key)

    def condition(self, node: ir.Condition, limits: list[ir.Condition]) -> Sql:
        """Compile; ``limits`` are tests of attributes that hold anyway of everyone who matters."""
        if _is_plain(node):
            return self.compiler.condition(node)
        if isinstance(node, ir.And):
            return self.joined(node, limits)
        if isinstance(node, ir.Or):
            return self.joined(node, limits)
        return self.aggregated(node, limits)

    def joined(self, node: ir.And | ir.Or, limits: list[ir.Condition]) -> Sql:
        """Attribute tests as they are; of the rest, all that concerns one relation in one scan."""
        conjunctive = isinstance(node, ir.And)
        join = ir.conjunction if conjunctive else ir.disjunction
        plain = [o for o in node.operands if _is_plain(o)]
        if conjunctive:
            limits = [*limits, *plain]
        groups: dict[str | None, list[ir.Condition]] = {}
        nested: list[ir.Condition] = []
        for operand in node.operands:
            if _is_plain(operand):
                continue
            relation = _only_relation(operand)
            if relation is None and isinstance(operand, ir.And | ir.Or):
                nested.append(operand)
            else:
                groups.setdefault(relation, []).append(operand)
        parts = [self.compiler.condition(o) for o in plain]
        for group in groups.values():
            parts += [self.aggregated(join(each), limits) for each in _portions(group)]
        parts += [self.condition(o, limits) for o in nested]
        return joined(parts, conjunctive=conjunctive)

    def aggregated(self, node: ir.Condition, limits: list[ir.Condition]) -> Sql:
        name = _only_relation(node)
        if name is None:
            return self.key.in_(self.across(node, limits))
        relation = self.schema.entity.relation(name)
        assert relation is not None
        # A customer without rows is in no group: what the condition says of nothing decides.
        if compile_record(node, self.schema)({name: []}):
            return self.key.not_in(self.having(ir.complement(node), relation, limits))
        return self.key.in_(self.having(node, relation, limits))

    def having(
        self, node: ir.Condition, relation: Relation, limits: list[ir.Condition]
    ) -> sa.Select[Any]:
        """Who, of those with rows, satisfies a condition on aggregates of one relation."""
        grouped = Grouped(self.tables, relation, _aggregates(node))
        if _is_existence(node):
            return grouped.owners(limits)
        compiler = Compiler(self.schema, grouped.scan, grouped.values)
        return grouped.select(limits=limits).having(compiler.condition(node))

    def across(self, node: ir.Condition, limits: list[ir.Condition]) -> sa.Select[Any]:
        """Who satisfies a condition on several relations, or on attributes and aggregates."""
        rows, test = joined_rows(self.tables, ir.conjunction([*limits, node]), limits)
        key = rows.key(self.schema.entity.key or "")
        return keeping_gaps(sa.select(key).select_from(rows.source).where(test))


def joined_rows(tables: Tables, node: ir.Condition, limits: list[ir.Condition]) -> tuple[Rows, Sql]:
    """The entity's rows beside all that a condition rests on, and the condition on what is there.

    ``limits`` are tests of attributes without which nobody satisfies the condition.
    """
    rows, compiler = _gathered(tables, node, limits)
    return rows, compiler.condition(node)


def _gathered(
    tables: Tables, node: ir.Condition | ir.Value, limits: list[ir.Condition]
) -> tuple[Rows, Compiler]:
    """The customers, joined to one sub-query a relation and one a rank."""
    entity = tables.schema.entity
    rows = Rows(tables, entity, ir.Scope.ENTITY)
    key = rows.key(entity.key or "")
    values: dict[ir.Value, Sql] = {}
    plain: dict[str, list[ir.Aggregate]] = {}
    for found in _found(node):
        derived: sa.Subquery | None = None
        match found:
            case ir.Overall():
                values[found] = population.overall(*_compared(tables, found), found)
            case ir.Standing():
                derived = population.standing(*_compared(tables, found), found)
            case ir.Aggregate(function, relation) if function in ORDERED:
                way = entity.relation(relation)
                assert way is not None
                derived = ordered(tables, way, found, limits)
            case ir.Aggregate(_, relation):
                plain.setdefault(relation, []).append(found)
        if derived is not None:
            rows.source = rows.source.outerjoin(derived, derived.c.owner == key)
            values[found] = derived.c.value
    for name, aggregates in plain.items():
        relation_of = entity.relation(name)
        assert relation_of is not None
        grouped = Grouped(tables, relation_of, aggregates)
        labels = [grouped.values[a].label(f"a{i}") for i, a in enumerate(aggregates)]
        derived = grouped.select(*labels, limits=limits).subquery()
        rows.source = rows.source.outerjoin(derived, derived.c.owner == key)
        for aggregate, label in zip(aggregates, labels, strict=True):
            values[aggregate] = _or_empty(aggregate, derived.c[label.name])
    return rows, Compiler(tables.schema, rows, values)


def _compared(tables: Tables, node: ir.Standing | ir.Overall) -> tuple[sa.Select[Any], Sql]:
    """Those who are compared with each other, as ``owner``, and the value of each."""
    rows, compiler = _gathered(tables, node.value, [])
    value = compiler.value(node.value)
    # Who they are is a predicate of its own, on a query of ours.
    inner = _Predicate(evolve(tables, root=rows.start, mapped=None))
    tests = value.is_not(None), inner.condition(node.among, [])
    owner = rows.key(tables.schema.entity.key or "").label("owner")
    return keeping_gaps(sa.select(owner).select_from(rows.source).where(*tests)), value


def _or_empty(aggregate: ir.Aggregate, value: Sql) -> Sql:
    """An aggregate of a customer who may have no rows."""
    if aggregate.nullable:
        return value
    return sa.func.coalesce(value, 0, type_=value.type)


class _Root:
    """Columns of the entity in the user's own query; a link is a look-up by key."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.schema = tables.schema

    def column(self, node: ir.Column) -> Sql:
        attribute = self.schema.follow(self.schema.entity, node.links).attribute(node.name)
        assert attribute is not None
        if not node.links:
            return self.tables.root_column(attribute.column)
        first, *rest = node.links
        link = self.schema.entity.link(first)
        assert link is not None
        target = self.schema.named(link.to)
        rows = Rows(self.tables, target, ir.Scope.ENTITY)
        column = column_of(rows.holder(ir.Scope.ENTITY, tuple(rest)), attribute.column)
        same = rows.key(target.key or "") == self.tables.root_column(link.key)
        query = sa.select(OnlyRow(column)).select_from(rows.source).where(same)
        return LookedUp(rows.finished(query).correlate(self.tables.root))


_Found: TypeAlias = ir.Aggregate | ir.Standing | ir.Overall


def _found(node: ir.Condition | ir.Value) -> list[_Found]:
    """What a condition or a value rests on beside attributes, each once."""
    found = (n for n in ir.walk(node, into_aggregates=False) if isinstance(n, _Found))
    return list(dict.fromkeys(found))


def _aggregates(node: ir.Condition) -> list[ir.Aggregate]:
    return [n for n in _found(node) if isinstance(n, ir.Aggregate)]


def _is_plain(node: ir.Condition) -> bool:
    return not ir.has_aggregates(node)


def _only_relation(node: ir.Condition) -> str | None:
    """The relation, if the condition rests on plain aggregates of one relation and nothing else."""
    nodes = ir.walk(node, into_aggregates=False)
    aggregates = [n for n in nodes if isinstance(n, ir.Aggregate)]
    relations = {a.relation for a in aggregates}
    others = (ir.Column, *ir.POPULATION)
    if len(relations) != 1 or any(isinstance(n, others) for n in nodes):
        return None
    if any(a.function in ORDERED for a in aggregates):
        return None

    return next(iter(relations))


_JOINS = 50


def _joins(node: _Found) -> bool:
    """Whether it is joined as a sub-query of its own."""
    if isinstance(node, ir.Aggregate):
        return node.function in ORDERED
    return isinstance(node, ir.Standing)


def _portions(group: list[ir.Condition]) -> list[list[ir.Condition]]:
    """The conditions in as few lists as can be: SQLite joins at most 64 tables."""
    portions: list[list[ir.Condition]] = [[]]
    joins = 0
    for condition in group:
        more = sum(map(_joins, _found(condition)))
        if portions[-1] and joins + more > _JOINS:
            portions.append([])
            joins = 0
        portions[-1].append(condition)
        joins += more
    return portions


def _is_existence(node: ir.Condition) -> bool:
    """Whether it asks just for one row or more."""
    match node:
        case ir.Compare(op, ir.Aggregate(ir.AggregateFunction.COUNT, _, None, _), ir.Const(bound)):
            return (op, bound) in ((ir.Comparison.GE, 1), (ir.Comparison.GT, 0))
        case _:
            return False
