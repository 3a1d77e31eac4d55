"""One segment: a statement in the shape that suits its definition, and one person by key."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import sqlalchemy as sa
from attrs import evolve

from segmentkit._planning import ir
from segmentkit._planning.plan import Group, Plan
from segmentkit.extension import Aggregate
from segmentkit.sqlalchemy.planner import PostgresqlPlanner, SqlitePlanner
from segmentkit.sqlalchemy.statements.aggregate_subqueries import Grouped
from segmentkit.sqlalchemy.statements.batch_statement import Pass, is_alone, portions
from segmentkit.sqlalchemy.statements.by_key import Apart, ByKey, Choice
from segmentkit.sqlalchemy.statements.compiler import Compiler
from segmentkit.sqlalchemy.statements.joins import Rows
from segmentkit.sqlalchemy.statements.predicate import (
    OfCustomer,
    aggregates_of,
    compile_predicate,
    guarded,
    is_existence,
    is_plain,
    joined_rows,
    limiting,
    only_group,
)
from segmentkit.sqlalchemy.tables import Tables, column_of


class Shape(Enum):
    """How the members of a segment are found; the value says it to people."""

    ATTRIBUTES = "tests of attributes; no relation is read"
    BY_KEY = "those who pass the tests of attributes; of each, the rows that an index finds"
    APART = "those who pass the tests of attributes; of each, measure by measure in an index"
    GROUPED = "those who pass the tests of attributes, joined to their rows and grouped"
    EVERYONE = "of each relation, rows of everyone, in one scan"
    SURVIVORS = "tests of attributes first; of each relation, rows of those who pass, in one scan"
    JOINED = "one sub-query a scan, of those who pass the tests of attributes, joined to everyone"


def shape_of(condition: ir.Condition, tables: Tables) -> Shape:
    """The shape in which a condition is asked."""
    if is_plain(condition):
        return Shape.ATTRIBUTES
    if tables.joins:
        return Shape.JOINED
    parts = [each for each in ir.conjuncts(condition) if not is_plain(each)]
    if not is_alone(condition):
        if not all(only_group(each) for each in parts):
            return Shape.JOINED
        choice = _choice(condition, tables)
        if choice is not None and choice.by_key:
            return Shape.APART if choice.apart else Shape.BY_KEY
        # Of everyone, rows are grouped first: fewer are looked up than would be joined.
        listed = tables.rows_in_order.listed or (choice is not None and choice.listed)
        if not listed and _is_joinable(condition, tables):
            return Shape.GROUPED
    limited = len(parts) < len(ir.conjuncts(condition))
    return Shape.SURVIVORS if limited else Shape.EVERYONE


def of_one(condition: ir.Condition, tables: Tables) -> sa.Select[Any]:
    """The keys of those of whom a condition holds."""
    # Links are joined, too.
    match Shape.JOINED if tables.joins else shape_of(condition, tables):
        case Shape.GROUPED:
            return grouped_rows(condition, tables)
        case Shape.APART:
            return Apart(condition, tables).select()
        case Shape.BY_KEY:
            return by_key(condition, tables).select()
        case Shape.JOINED:
            rows, test = joined_rows(tables, condition, limiting(ir.conjuncts(condition)))
            test = guarded(test, ir.walk(condition))
        case Shape.ATTRIBUTES | Shape.EVERYONE | Shape.SURVIVORS:
            rows = Rows(tables, tables.schema.entity, ir.Scope.ENTITY)
            test = compile_predicate(condition, evolve(tables, root=rows.start, mapped=None))
    key = rows.key(tables.schema.entity.key or "")
    return rows.finished(sa.select(key).select_from(rows.source).where(test))


def groupable(condition: ir.Condition, tables: Tables) -> Group | None:
    """The scan that everyone of whom a condition holds must have rows in, if there is one.

    The entity can be joined to it and grouped: a row of the entity stands for itself only.
    """
    if not tables.is_unique(tables.schema.entity):
        return None
    customer = OfCustomer(tables)
    for group, parts in _by_group(condition).items():
        node = ir.conjunction(parts)
        # Who has rows is found without grouping any.
        if group is not None and not is_existence(node) and not customer.holds_of_nothing(node):
            return group
    return None


def grouped_rows(condition: ir.Condition, tables: Tables) -> sa.Select[Any]:
    """The keys of those of whom a groupable condition holds.

    Those who pass the tests of attributes are joined to their rows, which are then grouped.
    """
    asked = _by_group(condition)
    group = groupable(condition, tables)
    assert group is not None
    having = ir.conjunction(asked.pop(group))
    plain = [each for each in ir.conjuncts(condition) if is_plain(each)]
    rows = OfCustomer(tables).rows_of(group, [], limiting(plain))
    customer = rows.scan.holder(ir.Scope.ENTITY, ())
    grouped = Grouped(rows, aggregates_of(having))
    where = [*(rows.condition(each, []) for each in plain), *grouped.where]
    if rest := [each for parts in asked.values() for each in parts]:
        other = OfCustomer(evolve(tables, root=customer, mapped=None), joined=True)
        where.append(other.condition(ir.conjunction(rest), limiting(plain)))
    test = Compiler(tables.schema, rows.scan, grouped.values).condition(having)
    key = column_of(customer, tables.schema.entity.key or "")
    query = sa.select(key).select_from(rows.scan.source).where(*where)
    return rows.scan.finished(query.group_by(key).having(guarded(test, ir.walk(condition))))


def by_key(condition: ir.Condition, tables: Tables) -> ByKey:
    """A groupable condition, to be asked of each customer's own rows."""
    asked = _by_group(condition)
    group = groupable(condition, tables)
    assert group is not None
    having = ir.conjunction(asked.pop(group))
    rest = tuple(each for parts in asked.values() for each in parts)
    return ByKey(condition, tables, group, having, rest)


def _is_joinable(condition: ir.Condition, tables: Tables) -> bool:
    """Whether those who pass tests of attributes can be joined to rows that they must have."""
    limited = any(map(is_plain, ir.conjuncts(condition)))
    return limited and groupable(condition, tables) is not None


def _choice(condition: ir.Condition, tables: Tables) -> Choice | None:
    """Whether each customer's rows are looked up; None if there is no planner to ask, or no way."""
    match tables.planner:
        case SqlitePlanner() as planner:
            return Apart(condition, tables).choice(planner)
        case PostgresqlPlanner() as planner if _is_joinable(condition, tables):
            return by_key(condition, tables).choice(planner, grouped_rows(condition, tables))
        case _:
            return None


def _by_group(condition: ir.Condition) -> dict[Group | None, list[ir.Condition]]:
    """What a condition asks of relations, by the scan that answers it."""
    found: dict[Group | None, list[ir.Condition]] = {}
    for each in ir.conjuncts(condition):
        if not is_plain(each):
            found.setdefault(only_group(each), []).append(each)
    return found


def of_person(condition: ir.Condition, key: Any, tables: Tables) -> sa.Select[Any]:
    """One row if a condition holds of the person with a key; else none.

    The key is a test of an attribute as others are, by which every scan is limited.
    """
    # By a key, every shape finds its row at once.
    tables = evolve(tables, planner=None)
    entity = tables.schema.entity
    attribute = entity.key_attribute
    if attribute is not None:
        column = ir.Column(ir.Scope.ENTITY, (), attribute.name, attribute.dtype, False)
        same = ir.Compare(ir.Comparison.EQ, column, ir.Const(key, attribute.dtype))
        return of_one(ir.conjunction([same, condition]), tables)
    query = of_one(condition, tables)
    (column_of_key,) = query.selected_columns
    return query.where(column_of_key == key)


def statements(
    conditions: Mapping[str, ir.Condition], tables: Tables, *, columnar: bool
) -> list[sa.Select[Any]]:
    """What is asked to find the members of one segment, or everyone's answers to several."""
    if len(conditions) == 1:
        return [of_one(condition, tables) for condition in conditions.values()]
    each = [Pass.of(portion, tables) for portion in portions(conditions)]
    return [one.signs.signed(columnar=columnar) for one in each]


def counted(conditions: Mapping[str, ir.Condition], tables: Tables) -> sa.Select[Any]:
    """One row: how many there are, and of how many each condition holds."""
    if len(conditions) != 1 or tables.joins:
        return Pass.of(dict(conditions), tables).counted()
    (condition,) = conditions.values()
    found = of_one(condition, tables).subquery()
    rows = Rows(tables, tables.schema.entity, ir.Scope.ENTITY)
    everyone = sa.select(sa.func.count()).select_from(rows.source)
    members = sa.select(sa.func.count()).select_from(found)
    return sa.select(everyone.scalar_subquery(), members.scalar_subquery())


_CHOSEN = Shape.APART, Shape.BY_KEY, Shape.GROUPED, Shape.SURVIVORS, Shape.EVERYONE


def explained(plan: Plan, tables: Tables) -> list[str]:
    """What a plan reads and computes, one thing a line."""
    if len(plan.conditions) == 1:
        (condition,) = plan.conditions.values()
        shape = shape_of(condition, tables)
        lines = [shape.value]
        if shape in _CHOSEN:
            choice = _choice(condition, tables)
            lines += [] if choice is None else [choice.why]
    else:
        lines = [f"{len(plan.conditions):,} segments in one pass over everyone"]
    for (_, path, tests), aggregates in plan.scans.items():
        kinds = ", ".join(dict.fromkeys(_called(each.function) for each in aggregates))
        beside = " of rows beside other rows" if tests else ""
        lines.append(f"{'.'.join(path)}: one scan{beside} for {_many(len(aggregates))}: {kinds}")
    for node in plan.apart:
        match node:
            case ir.Aggregate(function):
                lines.append(f"{'.'.join(node.path)}: a scan in order: {_called(function)}")
            case ir.Standing():
                lines.append("everyone in order: a rank")
            case ir.Overall(function):
                lines.append(f"everyone: {_called(function)}")
    return [*lines, f"distinct tests: {len(plan.tests):,}"]


def _called(function: ir.AggregateFunction | Aggregate) -> str:
    return function.name if isinstance(function, Aggregate) else function.value


def _many(count: int) -> str:
    return "one aggregate" if count == 1 else f"{count:,} aggregates"
