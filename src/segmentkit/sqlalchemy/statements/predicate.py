"""Condition → a predicate on the user's own query: uncorrelated, composable, without ``NOT``.

Whatever is asked of one relation by conditions that stand together is one sub-query:
``key IN (SELECT owner … GROUP BY owner HAVING …)``; where a customer without rows satisfies the
conditions, the complement: ``key NOT IN (… HAVING complement)``. What reads several relations, or
the customer's own attributes beside an aggregate, joins one sub-query a relation to the customers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property, partial
from typing import Any

import sqlalchemy as sa
from attrs import evolve

from segmentkit._checking.sql_depth import is_deeper
from segmentkit._planning import ir
from segmentkit._planning.normalize import normalize
from segmentkit._planning.plan import ORDERED, Group, Wanted, group_of, is_of_columns, wanted_by
from segmentkit._planning.traversal import has_aggregates, of_no_rows
from segmentkit._record.compiler import compile_record
from segmentkit.errors import UnsupportedError
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled, joined, shaped
from segmentkit.sqlalchemy.dialects.long_lists import WithNul
from segmentkit.sqlalchemy.dialects.stored_values import ordered as ordered_as_stored
from segmentkit.sqlalchemy.statements import population
from segmentkit.sqlalchemy.statements.aggregate_subqueries import (
    Grouped,
    Test,
    grouped,
    has_ends,
    is_counted_together,
    ordered,
)
from segmentkit.sqlalchemy.statements.compiler import Compiler, Sql
from segmentkit.sqlalchemy.statements.joins import Passed, Root, Rows, Scan, Way, way_of
from segmentkit.sqlalchemy.statements.sequences import Step
from segmentkit.sqlalchemy.tables import Tables


def compile_predicate(
    condition: ir.Condition, tables: Tables, nodes: list[ir.Condition | ir.Value] | None = None
) -> Sql:
    """Compile a normalized condition for the query that ``tables.root`` stands in.

    Args:
        condition: The condition.
        tables: Where it is asked.
        nodes: All nodes of the condition, by whom has them already.

    Raises:
        SchemaError: A table or a column is not there.
        UnsupportedError: SQL cannot compute a construct.
    """
    nodes = ir.walk(condition) if nodes is None else nodes
    if tables.shapes is None and any(map(_is_shaped, nodes)):
        return shaped(lambda shapes: compile_predicate(condition, evolve(tables, shapes=shapes)))
    customer = OfCustomer(tables)
    plain = frozenset(ir.OF_MANY).isdisjoint(map(type, nodes))
    test = customer.compiler.condition(condition) if plain else customer.condition(condition, [])
    return guarded(test, nodes)


def _is_shaped(node: ir.Condition | ir.Value) -> bool:
    """Whether engines are asked for it in different shapes."""
    ends = isinstance(node, ir.Aggregate) and has_ends(node)
    return ends or isinstance(node, ir.Follows) or _is_of_several(node)


def _is_of_several(node: ir.Condition | ir.Value) -> bool:
    """Whether these are alternatives that no single scan answers, and not too many to be joined."""
    several = isinstance(node, ir.Or) and not is_plain(node) and only_group(node) is None
    return several and len(wanted_by([node])) <= JOINS


def guarded(test: Sql, nodes: Iterable[ir.Condition | ir.Value]) -> Sql:
    """A test, refused where one of the texts in its nodes cannot be sent."""
    texts = [n.value for n in nodes if type(n) is ir.Const and type(n.value) is str]
    with_nul = "\0" in "".join(texts)
    return WithNul(None, test, type_=test.type) if with_nul else test


def joined_rows(tables: Tables, node: ir.Condition, limits: list[ir.Condition]) -> tuple[Rows, Sql]:
    """The entity's rows beside one sub-query a group, and a condition on what is there.

    ``limits`` are tests of attributes without which nobody satisfies the condition.
    """
    rows = Rows(tables, tables.schema.entity, ir.Scope.ENTITY)
    values = beside(rows, wanted_by([node]), limits)
    return rows, Compiler(tables.schema, rows, values).condition(node)


def beside(rows: Rows, wanted: list[Wanted], limits: list[ir.Condition]) -> dict[Wanted, Sql]:
    """Values of each of the entity's rows: one sub-query a group or a rank is joined to them."""
    key = rows.key(rows.entity.key or "")
    return OfCustomer(rows.tables).joined_values(wanted, rows, lambda _: key, limits)


class _Conditions(ABC):
    """Compiles conditions of a row, whose tests of other rows become sub-queries by its key."""

    compiler: Compiler

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.schema = tables.schema

    @abstractmethod
    def key(self, holder: ir.Scope) -> Sql:
        """The key by which a holder's rows are found."""

    @abstractmethod
    def above(self, holder: ir.Scope) -> Way:
        """The way from the customer to a holder."""

    @abstractmethod
    def mixed(self, node: ir.Condition, limits: list[ir.Condition]) -> Sql:
        """A condition on several relations, or on attributes and aggregates."""

    def condition(self, node: ir.Condition, limits: list[ir.Condition]) -> Sql:
        """Compile; ``limits`` are tests of attributes that hold anyway of everyone who matters."""
        if is_plain(node):
            return self.compiler.condition(node)
        if self.tables.rows_in_order.joined and _is_of_several(node):
            return self.mixed(node, limits)
        if isinstance(node, ir.And | ir.Or):
            return self.joined(node, limits)
        return self.aggregated(node, limits)

    def joined(self, node: ir.And | ir.Or, limits: list[ir.Condition]) -> Sql:
        """Attribute tests as they are; of the rest, all that concerns one relation in one scan."""
        conjunctive = isinstance(node, ir.And)
        join = ir.conjunction if conjunctive else ir.disjunction
        plain = [o for o in node.operands if is_plain(o)]
        if conjunctive:
            limits = [*limits, *limiting(plain)]
        groups: dict[Group | None, list[ir.Condition]] = {}
        nested: list[ir.Condition] = []
        for operand in (o for o in node.operands if not is_plain(o)):
            group = only_group(operand)
            if group is None and isinstance(operand, ir.And | ir.Or):
                nested.append(operand)
            else:
                groups.setdefault(group, []).append(operand)
        parts = [self.compiler.condition(o) for o in plain]
        for each in groups.values():
            parts += [self.aggregated(join(portion), limits) for portion in _portions(each)]
        parts += [self.condition(o, limits) for o in nested]
        return joined(parts, conjunctive=conjunctive)

    def aggregated(self, node: ir.Condition, limits: list[ir.Condition]) -> Sql:
        group = only_group(node)
        if group is None or (self.tables.joins and not is_counted_together(aggregates_of(node))):
            return self.mixed(node, limits)
        key = self.key(group[0])
        # A holder without rows is in no group: what the condition says of nothing decides.
        if self.holds_of_nothing(node):
            keys = self.having(ir.complement(node), group, limits).scalar_subquery()
            return Spelled(Construct.ABSENT, key, keys)
        return key.in_(self.having(node, group, limits))

    def holds_of_nothing(self, node: ir.Condition) -> bool:
        """Whether a condition on aggregates of one group is true where there are no rows."""
        of_nothing = of_no_rows(node)
        folded = normalize(of_nothing, datetime.min, self.schema.zone)  # there is no time in it
        if isinstance(folded, ir.Always):
            return folded.value
        return bool(compile_record(of_nothing, self.schema)({}))

    def having(
        self, node: ir.Condition, group: Group, limits: list[ir.Condition]
    ) -> sa.Select[Any]:
        """Which holders, of those with rows, satisfy a condition on aggregates of one group."""
        rows = self.rows_of(group, limits)
        scan = Grouped(rows, aggregates_of(node))
        if is_existence(node):
            return scan.owners(apart=self.tables.rows_in_order.apart)
        compiler = Compiler(self.schema, scan.scan, scan.values)
        return scan.select(having=compiler.condition(node))

    def rows_of(
        self,
        group: Group,
        limits: list[ir.Condition],
        others: list[ir.Condition] | None = None,
    ) -> _OfRow:
        """The rows of a group, of those holders who pass ``limits``; ``others``: beside them."""
        holder, names, _ = group
        above = self.above(holder)
        entity = self.schema.named(above[-1].to) if above else self.schema.entity
        scan = Scan(self.tables, above, way_of(entity, names, self.schema.named))
        beside = limits if others is None else others
        return _OfRow(
            scan, limit=partial(self.limited, limits), others=partial(self.limited, beside)
        )

    @abstractmethod
    def limited(self, limits: list[ir.Condition], scan: Scan) -> list[Sql]:
        """The test that the owner of a scan's row passes ``limits``, if there are any."""

    def joined_values(
        self,
        wanted: list[Wanted],
        rows: Rows,
        key: Callable[[ir.Scope], Sql],
        limits: list[ir.Condition],
    ) -> dict[Wanted, Sql]:
        """What is computed of many rows as values beside each row, joined by the holder's key."""
        values: dict[Wanted, Sql] = {}
        if self.tables.joins:
            values |= population.side_by_side(wanted, rows, key, beside)
        plain: dict[Group, list[ir.Aggregate]] = {}
        for node in wanted:
            if node in values:
                continue
            if isinstance(node, ir.Overall):
                values[node] = population.overall(*_compared(self.tables, node), node)
                continue
            if isinstance(node, ir.Standing):
                holder = ir.Scope.ENTITY
                derived = population.standing(*_compared(self.tables, node), node)
            elif node.function in ORDERED:
                holder = node.holder
                make = partial(self.rows_of, group_of(node), limits)
                derived = ordered(make, node, self.tables.rows_in_order.ends)
            else:
                plain.setdefault(group_of(node), []).append(node)
                continue
            rows.join(derived, derived.c.owner == key(holder))
            values[node] = _or_empty(node, derived.c.value)
        for group, each in plain.items():
            of_group = partial(self.rows_of, group, limits)
            for nodes, derived in grouped(of_group, each, apart=self.tables.joins):
                rows.join(derived, derived.c.owner == key(group[0]))
                for aggregate, value in zip(nodes, list(derived.c)[1:], strict=True):
                    values[aggregate] = _or_empty(aggregate, value)
        return values


def _compared(tables: Tables, node: ir.Standing | ir.Overall) -> tuple[sa.Select[Any], Sql]:
    """Those who are compared with each other, as ``owner``, and the value of each."""
    entity = tables.schema.entity
    rows = Rows(tables, entity, ir.Scope.ENTITY)
    known = beside(rows, wanted_by([node.value]), [])
    value = ordered_as_stored(Compiler(tables.schema, rows, known).value(node.value))
    # Who they are is a predicate of its own, on a query of ours.
    inner = OfCustomer(evolve(tables, root=rows.start, mapped=None))
    tests = value.is_not(None), inner.condition(node.among, [])
    owner = rows.key(entity.key or "").label("owner")
    return rows.finished(sa.select(owner).select_from(rows.source).where(*tests)), value


class OfCustomer(_Conditions):
    """Conditions of a customer in the user's own query, which nothing can be joined to.

    ``joined``: beside rows that are joined to the customer, and are not to be read for each.
    """

    def __init__(self, tables: Tables, *, joined: bool = False) -> None:
        super().__init__(tables)
        self.is_joined = joined
        self.compiler = Compiler(self.schema, Root(tables))

    @cached_property
    def _key(self) -> Sql:
        key = self.tables.root_column(self.schema.entity.key or "")
        return Spelled(Construct.PROBED, key) if self.is_joined else key

    def key(self, holder: ir.Scope) -> Sql:
        return self._key

    def above(self, holder: ir.Scope) -> Way:
        return ()

    def limited(self, limits: list[ir.Condition], scan: Scan) -> list[Sql]:
        if not limits:
            return []
        entity = self.schema.entity
        rows = Rows(self.tables, entity, ir.Scope.ENTITY)
        compiler = Compiler(self.schema, rows)
        where = joined([compiler.condition(limit) for limit in limits], conjunctive=True)
        keys = sa.select(rows.key(entity.key or "")).select_from(rows.source).where(where)
        return [scan.owner.in_(rows.finished(keys))]

    def mixed(self, node: ir.Condition, limits: list[ir.Condition]) -> Sql:
        return self._key.in_(self.across(node, limits))

    def across(self, node: ir.Condition, limits: list[ir.Condition]) -> sa.Select[Any]:
        """Who satisfies a condition on several relations, or on attributes and aggregates."""
        rows, test = joined_rows(self.tables, ir.conjunction([*limits, node]), limits)
        key = rows.key(self.schema.entity.key or "")
        return rows.finished(sa.select(key).select_from(rows.source).where(test))


class _OfRow(_Conditions):
    """Conditions of the rows of a scan.

    Attributes:
        scan: The rows; what their conditions need is joined to them.
        climb: The way to the rows from the holder whose other rows can come before or after,
            as far as it is beyond the rows' own holder.
        limit: Gives tests of whose rows are looked at.
        others: The same of other rows of that holder; by default, ``limit``.
        beside: Tests of columns that hold of every row that matters.
    """

    def __init__(
        self,
        scan: Scan,
        climb: Way = (),
        limit: Callable[[Scan], list[Sql]] = lambda _: [],
        others: Callable[[Scan], list[Sql]] | None = None,
    ) -> None:
        super().__init__(scan.tables)
        self.scan = scan
        self.climb = climb
        self.limit = limit
        self.others = others or limit
        self.beside: list[Test] = []
        self.known: dict[Wanted, Sql] = {}
        self.compiler = _RowCompiler(self)

    @cached_property
    def held(self) -> Sql:
        """The key of the holder whose other rows can come before or after."""
        return self.scan.climbed(self.climb)

    def value(self, node: ir.Value) -> Sql:
        return self.compiler.value(node)

    def passed(self, tests: list[Test], *, limited: bool = False) -> list[Sql]:
        own = sorted((node for place, node in tests if place is None), key=self.turn)
        self.beside = [(None, node) for node in limiting(own) if is_of_columns(node)]
        found = [
            Compiler(self.schema, Passed(self.scan, place)).condition(node)
            for place, node in tests
            if place is not None
        ]
        # Few rows are of those who are asked about, and nearly all of the past.
        first = [node for node in own if not self.turn(node)] if limited else own
        if first:
            found.append(self.condition(ir.conjunction(first), []))
        found += self.limits() if limited else []
        if rest := own[len(first) :]:
            found.append(self.condition(ir.conjunction(rest), limiting(first)))
        return found

    def limits(self) -> list[Sql]:
        return self.limit(self.scan)

    def key(self, holder: ir.Scope) -> Sql:
        if holder is ir.Scope.ENTITY:
            return self.scan.customer
        return self.scan.key(self.scan.entity.key or "")

    def above(self, holder: ir.Scope) -> Way:
        return () if holder is ir.Scope.ENTITY else (*self.scan.above, *self.scan.way)

    def limited(self, limits: list[ir.Condition], scan: Scan) -> list[Sql]:
        if not scan.above:
            # Rows of the customer, of whom what a row must pass says nothing.
            return self.limit(scan)
        rows = _OfRow(Scan(self.tables, self.scan.above, self.scan.way), limit=self.limit)
        above = rows.limits()
        tests = [each for each in limits if is_of_columns(each)]
        if not above and all(map(self.is_of_the_past, tests)):
            return []
        passed = [rows.condition(each, []) for each in tests]
        keys = sa.select(rows.scan.key(rows.scan.entity.key or ""))
        keys = keys.select_from(rows.scan.source).where(*passed, *above)
        return [scan.owner.in_(rows.scan.finished(keys))]

    def turn(self, test: ir.Condition) -> int:
        """When a test is asked: one that nearly all rows pass after others of columns."""
        return 1 if self.is_of_the_past(test) else 2 * (not is_of_columns(test))

    def is_of_the_past(self, test: ir.Condition) -> bool:
        """Whether a test only says that the row has happened, as nearly all rows have."""
        match test:
            case ir.Compare(ir.Comparison.LE, ir.Column(ir.Scope.ROW, (), name), ir.Const()):
                return name == self.scan.way[-1].at
            case _:
                return False

    def mixed(self, node: ir.Condition, limits: list[ir.Condition]) -> Sql:
        new = [a for a in wanted_by([node]) if a not in self.known]
        # Without limits: what is known here, other conditions of the row look at too.
        self.known |= self.joined_values(new, self.scan, self.key, [])
        if len(self.known) > JOINS and not self.tables.joins:
            raise UnsupportedError(
                f"SQL cannot compare rows of {self.scan.way[-1].name!r} with "
                f"{len(self.known)} different aggregates; {JOINS} at most"
            )
        return self.compiler.condition(node)

    def follows(self, node: ir.Follows, *, positive: bool) -> Sql:
        """That another row of the same holder comes after, or before, the row here; or that not."""
        step = Step(
            node, self, self._own(node.relation) if node.own else self._sibling(node.relation)
        )
        return step.holds(self.tables.rows_in_order.sequences, positive=positive)

    def owner(self, node: ir.Follows) -> Sql:
        return self.key(ir.Scope.ROW) if node.own else self.held

    def again(self) -> _OfRow:
        scan = Scan(self.tables, self.scan.above, self.scan.way)
        return _OfRow(scan, self.climb, self.limit if self.climb else self.others)

    def _own(self, name: str) -> _OfRow:
        way = way_of(self.scan.entity, (name,), self.schema.named)
        scan = Scan(self.tables, self.above(ir.Scope.ROW), way)
        # What comes after these rows is again of the holder of the row here.
        return _OfRow(scan, (*self.climb, *self.scan.way), self._owned, self.others)

    def _owned(self, scan: Scan) -> list[Sql]:
        """The test that the owner of a row is one of the rows here that are looked at."""
        rows = self.again()
        limits = rows.limits()
        if not limits:
            return []
        keys = sa.select(rows.key(ir.Scope.ROW)).select_from(rows.scan.source).where(*limits)
        return [scan.owner.in_(rows.scan.finished(keys))]

    def _sibling(self, name: str) -> _OfRow:
        above = self.scan.above[: len(self.scan.above) - len(self.climb)]
        entity = self.schema.named(above[-1].to) if above else self.schema.entity
        scan = Scan(self.tables, above, way_of(entity, (name,), self.schema.named))
        return _OfRow(scan, limit=self.others)


class _RowCompiler(Compiler):
    """Compiles what stands beside the columns of a row."""

    def __init__(self, rows: _OfRow) -> None:
        super().__init__(rows.schema, rows.scan, rows.known)
        self.rows = rows

    def follows(self, node: ir.Follows, *, positive: bool) -> Sql:
        return self.rows.follows(node, positive=positive)


def _or_empty(node: ir.Aggregate | ir.Standing, value: Sql) -> Sql:
    """An aggregate of a holder who may have no rows."""
    if isinstance(node, ir.Standing) or node.nullable:
        return value
    return sa.func.coalesce(value, node.empty.value, type_=value.type)


def aggregates_of(node: ir.Condition) -> list[ir.Aggregate]:
    return [n for n in wanted_by([node]) if isinstance(n, ir.Aggregate)]


def is_plain(node: ir.Condition) -> bool:
    """Whether it looks at the columns of its row and nothing else."""
    return not has_aggregates(node)


_CHEAP = 15
"""How deep a test of attributes may be that is asked a second time, to limit a scan."""


def limiting(tests: Iterable[ir.Condition]) -> list[ir.Condition]:
    """The tests that are asked first of all: of attributes, and cheap enough to be asked twice."""
    return [test for test in tests if is_plain(test) and not is_deeper(test, _CHEAP)]


def only_group(node: ir.Condition) -> Group | None:
    """The group, if the condition rests on plain aggregates of one group and nothing else."""
    nodes = ir.walk(node, into_rows=False)
    aggregates = [n for n in nodes if isinstance(n, ir.Aggregate)]
    groups = set(map(group_of, aggregates))
    others = (ir.Column, ir.Follows, *ir.POPULATION)
    if len(groups) != 1 or any(isinstance(n, others) for n in nodes):
        return None
    if any(isinstance(n, ir.Call) and n.added and not n.added.record for n in nodes):
        # What it is of a holder without rows, only the database can tell.
        return None
    if any(a.function in ORDERED for a in aggregates):
        return None
    return next(iter(groups))


JOINS = 50
"""Sub-queries that one query is joined to: SQLite takes 64 tables."""


def joins_alone(node: Wanted) -> bool:
    """Whether it is joined as a sub-query of its own."""
    if isinstance(node, ir.Aggregate):
        return node.function in ORDERED
    return isinstance(node, ir.Standing)


def _portions(group: list[ir.Condition]) -> list[list[ir.Condition]]:
    """The conditions in as few lists as can be: SQLite joins at most 64 tables."""
    portions: list[list[ir.Condition]] = [[]]
    joins = 0
    for condition in group:
        more = sum(map(joins_alone, wanted_by([condition])))
        if portions[-1] and joins + more > JOINS:
            portions.append([])
            joins = 0
        portions[-1].append(condition)
        joins += more
    return portions


def is_existence(node: ir.Condition) -> bool:
    """Whether it asks just for one row or more."""
    match node:
        case ir.Compare(op, ir.Aggregate(ir.AggregateFunction.COUNT, _, None, _), ir.Const(bound)):
            return (op, bound) in ((ir.Comparison.GE, 1), (ir.Comparison.GT, 0))
        case _:
            return False
