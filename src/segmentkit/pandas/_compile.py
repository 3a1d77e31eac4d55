"""Typed tree → numpy arrays with one entry for each row: booleans or values."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fractions import Fraction
from functools import cached_property, reduce
from typing import Any, assert_never

import numpy as np
from attrs import evolve

from segmentkit._planning import ir
from segmentkit._planning.traversal import is_of_population
from segmentkit.dtypes import Kind
from segmentkit.evaluation import Bits, ones, pack, unpack
from segmentkit.extension import Function
from segmentkit.pandas import _exact_numbers as exact
from segmentkit.pandas import _extension as extension
from segmentkit.pandas import _functions as functions
from segmentkit.pandas._aggregates import AGGREGATES, Rows, percentile, standing
from segmentkit.pandas._arrays import Mask, Positions, Values, Vector, constant, masked
from segmentkit.pandas._event_order import Moments, follows
from segmentkit.pandas._frames import ORDERED, Reader
from segmentkit.pandas._lists import Lists
from segmentkit.pandas._operands import (
    Operand,
    compare,
    compare_constant,
    has,
    is_listed,
    is_one_of,
    settled,
)
from segmentkit.pandas._same_values import together
from segmentkit.pandas._text import TextColumn
from segmentkit.schema import Entity, Relation

_FEW = 4
"""One of so many rows is few: to take their texts out costs less than to search the others."""


def evaluate(condition: ir.Condition, source: Reader) -> Mask:
    """Say of every row of the root entity's frame whether a condition holds.

    What costs little is asked first, and what costs more only of the rows that are left.

    Args:
        condition: A normalized condition without parameters.
        source: The frames.

    Returns:
        Booleans in the order of the rows.

    Raises:
        DataError: The frames are not what the schema says.
    """
    table = table_for([condition], source)
    if is_of_population(condition):
        return table.condition(condition)
    found = table.bits(ir.TRUE)
    for each in sorted(ir.conjuncts(condition), key=_cost):
        if _cost(each) == _OF_ROWS and table.among is None:
            # Of relations, only rows of those who pass the tests of attributes are looked at.
            table.among = unpack(found, table.size)
        found = found & table.bits_among(each, found)
    return unpack(found, table.size)


_OF_ROWS = 2


def _cost(test: ir.Condition) -> int:
    """What is asked first: tests of attributes, then searches in texts, then tests of rows."""
    kinds = {type(node) for node in ir.walk(test)}
    return _OF_ROWS if kinds & {ir.Aggregate, ir.Follows} else int(ir.TextTest in kinds)


def table_for(nodes: Iterable[ir.Condition | ir.Value], source: Reader) -> Table:
    """The rows of the root entity's frame, from which several things are computed at once.

    Raises:
        DataError: A frame or a column that one of them needs is not there.
    """
    for node in nodes:
        source.require(node)
    return Table(source, source.schema.entity)


class Table:
    """The rows of one frame; everything that is computed of them is computed once."""

    def __init__(self, source: Reader, entity: Entity) -> None:
        self.source = source
        self.entity = entity
        self.size = len(source.frame(entity))
        self.among: Mask | None = None
        self.conditions: dict[ir.Condition, Bits] = {}
        self.values: dict[ir.Value, Operand] = {}
        self.related: dict[tuple[str, bool], RelatedTable] = {}

    # -- conditions -----------------------------------------------------------------------------

    def condition(self, node: ir.Condition) -> Mask:
        """True where a condition holds; the array is the caller's own."""
        return unpack(self.bits(node), self.size)

    def bits_among(self, node: ir.Condition, some: Bits) -> Bits:
        """Where a condition holds, as far as some rows go: texts of few are searched alone."""
        match node:
            case ir.Not(ir.TextTest() as test):
                return ~self.bits_among(test, some)
            case ir.TextTest(op, operand, ir.Const(value=str() as pattern), False):
                column, few = self.value(operand), ones(some) * _FEW < self.size
                if few and isinstance(column, TextColumn) and not column.is_coded:
                    found = unpack(some, self.size)
                    found[found] = column.has(op, pattern, folded=False, rows=np.flatnonzero(found))
                    return pack(found)
            case _:
                pass
        return self.bits(node)

    def bits(self, node: ir.Condition) -> Bits:
        """Where a condition holds, as bits: what is kept takes little room."""
        known = self.conditions.get(node)
        if known is None:
            known = self.conditions[node] = self.compute(node)
        return known

    def compute(self, node: ir.Condition) -> Bits:
        match node:
            case ir.Always(value):
                return pack(np.full(self.size, value))
            case ir.Not(operand):
                return self.bits(operand) ^ self.bits(ir.TRUE)
            case ir.And(operands):
                return reduce(np.bitwise_and, map(self.bits, operands))
            case ir.Or(operands):
                return reduce(np.bitwise_or, map(self.bits, operands))
            case ir.Counted(operands, least, most):
                held = np.zeros(self.size, dtype=np.uint16)
                for operand in operands:
                    held += unpack(self.bits(operand), self.size)
                return pack((held >= least) & (held <= most))
            case _:
                return pack(np.broadcast_to(self.leaf(node), self.size))

    def forget(self, nodes: Collection[ir.Condition | ir.Value]) -> None:
        """Drop what was computed, here and of the rows of relations."""
        for node in nodes:
            known: dict[Any, Any] = self.values if isinstance(node, ir.Value) else self.conditions
            known.pop(node, None)
        for related in self.related.values():
            related.forget(nodes)

    def leaf(self, node: ir.Condition) -> Mask:
        match node:
            case ir.Compare(op, left, ir.Const(value=value), folded) if value is not None:
                return compare_constant(op, self.value(left), value, folded=folded)
            case ir.Compare(op, left, right, folded):
                return compare(op, self.value(left), self.value(right), folded=folded)
            case ir.OneOf(operand, options, folded):
                return is_one_of(self.value(operand), list(map(_value, options)), folded=folded)
            case ir.Listed(operand, _, keys):
                return is_listed(self.value(operand), keys)
            case ir.TextTest(op, operand, pattern, folded):
                return has(op, self.value(operand), _value(pattern), folded=folded)
            case ir.Contains(operand, options, folded):
                lists = self.value(operand)
                assert isinstance(lists, Lists)
                return lists.contains(list(map(_value, options)), folded=folded)
            case ir.YearDayIn(operand, low, high):
                return functions.year_day_in(self.vector(operand), _value(low), _value(high))
            case ir.Missing(operand):
                return self.value(operand).missing
            case ir.Follows():
                return self.follows(node)
            case ir.Always() | ir.Not() | ir.And() | ir.Or() | ir.Counted() | ir.AnniversaryIn():
                raise AssertionError("not a leaf that is bound")
            case _:
                assert_never(node)

    # -- values ---------------------------------------------------------------------------------

    def value(self, node: ir.Value) -> Operand:
        """The values of an expression."""
        known = self.values.get(node)
        if known is None:
            known = self.values[node] = self.calculate(node)
        return known

    def settled(self, node: ir.Value) -> Values:
        """The values of an expression, in the form that is computed with."""
        return settled(self.value(node))

    def vector(self, node: ir.Value) -> Vector:
        """The values of an expression that is no text."""
        found = self.settled(node)
        assert isinstance(found, Vector)
        return found

    def calculate(self, node: ir.Value) -> Operand:
        match node:
            case ir.Const(value, dtype):
                return constant(value, dtype)
            case ir.Column():
                return self.column(node)
            case ir.Arithmetic(sign, left, right):
                by_kind = (
                    exact.calculate_floats if node.dtype.kind is Kind.FLOAT else exact.calculate
                )
                return by_kind(sign, self.vector(left), self.vector(right))
            case ir.ToFloat(operand):
                return exact.to_float(self.vector(operand))
            case ir.Call(_, arguments, _, Function() as added):
                found = list(map(self.settled, arguments))
                return extension.scalar(node, added, found, self.size)
            case ir.Call(name, arguments):
                return self.call(name, arguments)
            case ir.Case(tests, results):
                holds, values_of = map(self.condition, tests), map(self.settled, results)
                return functions.chosen(list(holds), list(values_of))
            case ir.Aggregate():
                return self.aggregate(node)
            case ir.Standing():
                values, places = self.compared(node)
                return standing(values, places, self.size, node)
            case ir.Overall():
                values, places = self.compared(node)
                one = _reduced(node, Rows(np.zeros(len(places), np.intp), 1, values))
                return one.take(np.zeros(self.size, np.intp))
            case ir.Param() | ir.Moment():
                raise AssertionError("bound before it comes here")
            case _:
                assert_never(node)

    def compared(self, node: ir.Standing | ir.Overall) -> tuple[Values, Positions]:
        """The values of the customers that are compared, and their places."""
        values = self.settled(node.value).spread(self.size)
        places = np.flatnonzero(self.condition(node.among) & ~values.missing)
        return values.only(places), places

    def call(self, name: str, arguments: tuple[ir.Value, ...]) -> Values:
        match name:
            case "size":
                lists = self.value(arguments[0])
                assert isinstance(lists, Lists)
                return masked(Kind.INTEGER, lists.sizes.astype(np.int64), lists.missing)
            case "age":
                return functions.age(self.vector(arguments[0]), _value(arguments[1]))
            case "instant":
                return functions.instant(self.vector(arguments[0]), self.source.schema.zone)
            case "bucket":
                return functions.bucket(self.settled(arguments[0]), _value(arguments[1]))
            case "moved":
                return functions.moved(*map(self.vector, arguments))
            case "within":
                return functions.within(self.vector(arguments[0]), *map(_value, arguments[1:]))
            case "later_month":
                return functions.later_month(self.vector(arguments[0]), _value(arguments[1]))
            case "local":
                return functions.local(self.vector(arguments[0]), self.source.schema.zone)
            case _:
                return functions.FUNCTIONS[name](*map(self.settled, arguments))

    def column(self, node: ir.Column) -> Operand:
        """The values of an attribute, of these rows or of the rows at the end of links."""
        return self.follow(node, self.entity, None)

    def follow(self, node: ir.Column, start: Entity, places: Positions | None) -> Operand:
        """An attribute of the rows at some places of an entity, or at the end of their links."""
        if node.links:
            beyond = self.source.places(start, node.links)
            places = beyond if places is None else np.append(beyond, -1)[places]
            start = self.source.schema.follow(start, node.links)
        found = self.source.column(start, node.name)
        if places is None:
            return found
        return (found if isinstance(found, Lists) else settled(found)).take(places)

    # -- rows of relations ----------------------------------------------------------------------

    def aggregate(self, node: ir.Aggregate) -> Values:
        """One value for each row here, of the rows that belong to it."""
        table, owners = self, None
        for step in node.through:
            related = table.rows_of(step.relation)
            chosen = related.condition(step.where)
            owners = np.where(chosen, _composed(related.owners, owners), -1)
            table = related
        related = table.rows_of(node.relation)
        return _reduced(node, related.rows(node, owners, self.size))

    def follows(self, node: ir.Follows) -> Mask:
        """Where another row comes after, or before, the row here."""
        raise AssertionError("only rows of relations follow each other")

    def rows_of(self, name: str) -> RelatedTable:
        """The rows of a relation of these rows."""
        if (name, False) not in self.related:
            relation, _ = self.source.relation(self.entity, name)
            self.related[name, False] = RelatedTable(self, relation)
        return self.related[name, False]


class RelatedTable(Table):
    """The rows of a relation: each belongs to a row of another table, or to nobody."""

    def __init__(
        self, parent: Table, relation: Relation, holder: RelatedTable | None = None
    ) -> None:
        """The rows of ``parent``'s relation.

        Args:
            parent: The table of the rows that these belong to.
            relation: The parent's relation.
            holder: The rows that were found before these in a sequence; whoever holds them holds
                what comes after. By default the parent holds these rows.
        """
        super().__init__(parent.source, parent.source.schema.named(relation.to))
        self.relation = relation
        self.parent = parent
        self.before = holder
        self.root: Table = parent.root if isinstance(parent, RelatedTable) else parent
        self.holder: Table = parent if holder is None else holder.holder
        self.find = self.source.owners(parent.entity, relation, parent.among)
        self.looked = 0
        self.latest: tuple[ir.Condition, tuple[Positions, Positions]] | None = None

    @cached_property
    def owners(self) -> Positions:
        """For each row the place of the row that it belongs to."""
        return self.find()

    @cached_property
    def roots(self) -> Positions:
        """For each row the place of the root's row."""
        before = self.parent.roots if isinstance(self.parent, RelatedTable) else None
        return _composed(self.owners, before)

    @cached_property
    def held(self) -> Positions:
        """For each row the place of the holder's row."""
        return self.owners if self.before is None else _composed(self.owners, self.before.held)

    def belonging(self, where: ir.Condition) -> tuple[Positions, Positions]:
        """The rows that pass a test and are somebody's, and whose; the last ones are kept."""
        if self.latest is None or self.latest[0] != where:
            places = np.flatnonzero(self.condition(where))
            # Of all rows at once, when as many as there are have been looked for.
            self.looked += len(places)
            owners = self.owners[places] if self.looked > self.size else self.find(places)
            self.latest = where, _kept(owners >= 0, places, owners)
        return self.latest[1]

    def forget(self, nodes: Collection[ir.Condition | ir.Value]) -> None:
        """Drop what was computed, here and of the rows of relations."""
        super().forget(nodes)
        if self.latest is not None and self.latest[0] in nodes:
            self.latest = None

    def column(self, node: ir.Column) -> Operand:
        """Also of the root's rows, and of those on the way to these."""
        match node.scope:
            case ir.Scope.ROW:
                return super().column(node)
            case ir.Scope.ABOVE:
                return self.follow(node, self.source.schema.named(node.entity), self.above(node.up))
            case ir.Scope.ENTITY:
                return self.follow(node, self.source.schema.entity, self.roots)

    def above(self, up: int) -> Positions:
        """For each row the place of the row that it belongs to, so many relations up."""
        if up == 1:
            return self.owners
        assert isinstance(self.parent, RelatedTable)
        return _composed(self.owners, self.parent.above(up - 1))

    def aggregate(self, node: ir.Aggregate) -> Values:
        """Also of the rows that belong to the root's."""
        if node.holder is ir.Scope.ROW:
            return super().aggregate(node)
        return self.root.settled(node).take(self.roots)

    def rows(self, node: ir.Aggregate, beyond: Positions | None, count: int) -> Rows:
        """What an aggregate looks at: rows that are chosen, somebody's, and have a value.

        Args:
            node: The aggregate.
            beyond: For each row of the parent the place of its owner; None if it is the owner.
            count: How many owners there are.
        """
        places, owners = self.belonging(node.where)
        if beyond is not None:
            owners = _composed(owners, beyond)
            places, owners = _kept(owners >= 0, places, owners)
        picked = None
        if node.value is not None:
            values = self.settled(node.value).spread(self.size)
            if values.has_missing():
                places, owners = _kept(~values.missing[places], places, owners)
            picked = values.only(places)
        if node.function not in ORDERED:
            return Rows(owners, count, picked)
        at, ties = self.at, None
        if self.entity.key_attribute is not None:
            ties = self.own(self.entity.key_attribute.name).only(places)
        return Rows(owners, count, picked, at.only(places), ties)

    def follows(self, node: ir.Follows) -> Mask:
        if node.own:
            others = self.next_of(node.relation)
            here = Moments(np.arange(self.size), self.vector(node.at).data)
        else:
            others = self.holder.rows_of(node.relation)
            here = Moments(self.held, self.vector(node.at).data)
        chosen = np.flatnonzero(others.condition(node.where))
        there = Moments(others.owners[chosen], others.at.data[chosen])
        for mine, other in node.same:
            values = self.settled(mine).spread(self.size)
            owners = together(here.owners, values, there.owners, others.picked(other, chosen))
            here, there = (evolve(m, owners=o) for m, o in zip((here, there), owners, strict=True))
        return follows(here, there, backward=node.backward, within=node.within)

    def picked(self, node: ir.Value, places: Positions) -> Values:
        """The values of some of the rows."""
        return self.settled(node).spread(self.size).only(places)

    def next_of(self, name: str) -> RelatedTable:
        """The rows of a relation of these rows, as the next step of a sequence."""
        if (name, True) not in self.related:
            relation, _ = self.source.relation(self.entity, name)
            self.related[name, True] = RelatedTable(self, relation, self)
        return self.related[name, True]

    @property
    def at(self) -> Vector:
        """When the rows happened."""
        assert self.relation.at is not None
        at = self.own(self.relation.at)
        assert isinstance(at, Vector)
        return at

    def own(self, name: str) -> Values:
        """An attribute of the rows."""
        attribute = self.entity.attribute(name)
        assert attribute is not None
        return self.settled(ir.Column(ir.Scope.ROW, (), name, attribute.dtype, attribute.nullable))


def _reduced(node: ir.Aggregate | ir.Overall, rows: Rows) -> Values:
    """One value for each owner of rows."""
    if isinstance(node, ir.Aggregate) and isinstance(node.share, Fraction):
        return percentile(node.share, rows)
    if isinstance(node.function, ir.AggregateFunction):
        return AGGREGATES[node.function](rows)
    return extension.aggregate(node, node.function, rows)


def _kept(held: Mask, places: Positions, owners: Positions) -> tuple[Positions, Positions]:
    """Some rows and their owners."""
    return (places, owners) if held.all() else (places[held], owners[held])


def _composed(places: Positions, beyond: Positions | None) -> Positions:
    """Where one finds what lies behind some places; None: they are the end."""
    return places if beyond is None else np.append(beyond, -1)[places]


def _value(node: ir.Value) -> Any:
    assert isinstance(node, ir.Const)
    return node.value
