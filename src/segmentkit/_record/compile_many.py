"""Many conditions → one Python function of a record that does what they share once."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, compress
from typing import Any, TypeAlias, TypeVar

from attrs import frozen

from segmentkit._planning import ir
from segmentkit._record.compiler import Function, compile_record
from segmentkit._record.expressions import LOAD, STORE, assigned, fill, made, named
from segmentkit._record.rows import AggregateOf, Memo, Place, Record
from segmentkit.schema import Entity, Schema

_T = TypeVar("_T")
_Way: TypeAlias = tuple[tuple[ir.Through, ...], str]
_Operands: TypeAlias = tuple[ir.Condition, ...]
_Joined: TypeAlias = dict[tuple[type[ast.boolop], ir.Condition], list[tuple[_Operands, ast.expr]]]
_FEW = 20
"""In so many conditions, a column is read on the spot; of more, it would be most of the code."""
_AT_ONCE, _ROW_TESTS_AT_ONCE = 50, 200
"""Conditions of a record, and tests of a row, in one function. The trees of small functions are
gone before the garbage collector looks at everything again and again."""
UNREAD = object()
"""What a variable holds before it is needed."""
_JOINS: dict[type, type[ast.boolop]] = {ir.And: ast.And, ir.Or: ast.Or}


def compile_many(
    conditions: Mapping[str, ir.Condition],
    schema: Schema,
    references: Mapping[str, Iterable[str]] | None = None,
) -> Callable[[Record], tuple[str, ...]]:
    """Make a function that says which of many conditions hold of a record.

    Args:
        conditions: Normalized conditions without parameters, by name.
        schema: What their columns refer to.
        references: The names of the conditions that one of them is made of, by its name.

    Returns:
        A function of a mapping, as from `compile_record`, that gives the names in their order.
        Of some dozens of conditions each, attributes are read once. Equal conditions, those that
        others are made of, and aggregates are computed once, and all aggregates of one relation
        in one loop over its rows.
    """
    names, whole = tuple(conditions), _Whole(schema, conditions, references or {})
    parts, places = whole.parts(), [whole.places[each] for each in conditions.values()]

    def matches(record: Record) -> tuple[str, ...]:
        held: list[bool] = []
        memo: Memo = {}
        for part in parts:
            held += part(record, memo, held)
        return tuple(compress(names, map(held.__getitem__, places)))

    return matches


class _Sharing(Function):
    """A function of several conditions, evaluated one after the other."""

    def __init__(
        self,
        schema: Schema,
        conditions: Iterable[ir.Condition],
        row_entity: Entity | None = None,
        owner: Entity | None = None,
    ) -> None:
        super().__init__(schema, row_entity, owner)
        self.distinct = list(dict.fromkeys(conditions))
        found = (set(ir.walk(each, into_rows=False)) for each in self.distinct)
        columns = (n for nodes in found for n in nodes if isinstance(n, ir.Column))
        self.uses = Counter(columns)
        self.shared = {n for n, count in self.uses.items() if count > 1}
        self.apart: dict[ir.Column, Callable[[Record], Any]] = {}
        self.begun: dict[str, None] = {}

    def kept(self, name: str, value: ast.expr) -> ast.expr:
        """A variable that is computed where it is first needed, on whatever way leads there."""
        self.begun[name] = None
        known = named(name)
        return fill(
            "known if known is not unread else value",
            known=known,
            unread=self.bind(UNREAD),
            value=value,
        )

    def column(self, node: ir.Column) -> ast.expr:
        name = self.variable(node)
        if name in self.ready or node not in self.shared:
            return super().column(node)
        if self.uses[node] <= _FEW:
            return self.kept(name, super().column(node))
        self.ready.add(name)
        return self.kept(name, assigned(name, self.read_apart(node)))

    def read_apart(self, node: ir.Column) -> ast.expr:
        """A column by a function of its own: the code of many conditions stays short."""
        if self.row_entity is not None:
            read = self.of_row(node, self.row_entity, self.owner)
            return fill("f(row, owner, record, memo)", f=self.bind(read))
        if node not in self.apart:
            self.apart[node] = compile_record(node, self.schema)
        return fill("f(record)", f=self.bind(self.apart[node]))

    def there(self, node: ir.Column) -> ast.expr | None:
        if node not in self.shared or self.variable(node) in self.ready:
            return super().there(node)
        return fill("value is not None", value=self.column(node))

    def begin(self) -> list[ast.stmt]:
        """What stands before everything else."""
        names: list[ast.expr] = [made(ast.Name, name, STORE) for name in self.begun]
        return [made(ast.Assign, names, self.bind(UNREAD))] if names else []


class _Whole:
    """All conditions, the smaller ones first: so each stands after those that it is made of."""

    def __init__(
        self,
        schema: Schema,
        conditions: Mapping[str, ir.Condition],
        references: Mapping[str, Iterable[str]],
    ) -> None:
        self.schema = schema
        nodes = {each: ir.walk(each, into_rows=False) for each in conditions.values()}
        # A complement is as large as what it is of.
        sizes = {c: sum(not isinstance(n, ir.Not) for n in below) for c, below in nodes.items()}
        self.places = {each: i for i, each in enumerate(sorted(nodes, key=sizes.__getitem__))}
        self.decided: dict[ir.Condition, int] = {}
        self.complements: dict[ir.Condition, ir.Condition] = {}
        self.below: dict[ir.Condition, dict[ir.Condition, None]] = {}
        for name, others in references.items():
            below = self.below.setdefault(conditions[name], {})
            below.update((conditions[other], None) for other in others)
        self.groups: dict[_Way, dict[ir.Aggregate, int]] = {}
        for node in chain.from_iterable(nodes.values()):
            if isinstance(node, ir.Aggregate):
                group = self.groups.setdefault((node.through, node.relation), {})
                group.setdefault(node, len(group))
        self.loops = {way: _loop(schema, list(group)) for way, group in self.groups.items()}

    def turned(self, condition: ir.Condition) -> ir.Condition:
        """The complement of a condition, made once."""
        if condition not in self.complements:
            self.complements[condition] = ir.complement(condition)
        return self.complements[condition]

    def parts(self) -> list[Callable[..., tuple[bool, ...]]]:
        """Functions of a record, of what is known of it, and of the answers so far."""
        return [_Part(self, some).function() for some in _pieces(list(self.places), _AT_ONCE)]


class _Part(_Sharing):
    """Some of the conditions as one function."""

    def __init__(self, whole: _Whole, conditions: list[ir.Condition]) -> None:
        super().__init__(whole.schema, conditions)
        self.whole = whole
        self.start = whole.places[conditions[0]]
        self.joined: _Joined = {}

    def function(self) -> Callable[..., Any]:
        body: list[ast.stmt] = []
        results: list[ast.expr] = []
        for each in self.distinct:
            place = self.whole.places[each]
            self.joined = self.joins_below(each)
            name = made(ast.Name, f"r{place}", STORE)
            body.append(made(ast.Assign, [name], self.condition(each)))
            self.whole.decided[each] = place
            results.append(named(f"r{place}"))
        found = made(ast.Return, made(ast.Tuple, results, LOAD))
        return self.build_of([*self.begin(), *body, found], ["record", "memo", "held"])

    def joins_below(self, condition: ir.Condition) -> _Joined:
        """What a condition is made of that is a part of some "and" or "or" in it, by one operand.

        Those of it that stand alone are found as they are.
        """
        joined: _Joined = {}
        for below in self.whole.below.get(condition, ()):
            place = self.whole.decided.get(below)
            if place is not None and isinstance(below, ir.And | ir.Or):
                held = self.result(place)
                for each, told in (
                    (below, held),
                    (self.whole.turned(below), fill("not held", held=held)),
                ):
                    assert isinstance(each, ir.And | ir.Or)
                    key = _JOINS[type(each)], each.operands[0]
                    joined.setdefault(key, []).append((each.operands, told))
        return joined

    def result(self, place: int) -> ast.expr:
        """An answer that is known by now: of this function, or of one before."""
        if place >= self.start:
            return named(f"r{place}")
        return fill("held[place]", place=self.bind(place))

    def condition(self, node: ir.Condition) -> ast.expr:
        place = self.whole.decided.get(node)
        return super().condition(node) if place is None else self.result(place)

    def chain(self, join: ast.boolop, operands: _Operands) -> ast.expr:
        every = frozenset(operands)
        found: list[ast.expr] = []
        done: set[ir.Condition] = set()
        for operand in operands if self.joined else ():
            for known, held in self.joined.get((type(join), operand), ()):
                if every.issuperset(known):
                    found.append(held)
                    done.update(known)
        if not found:
            return super().chain(join, operands)
        rest = tuple(each for each in operands if each not in done)
        ready = set(self.ready)
        if rest:
            found.append(super().chain(join, rest) if len(rest) > 1 else self.condition(rest[0]))
        # What comes after an answer may not be evaluated.
        self.ready = ready
        return made(ast.BoolOp, join, found) if len(found) > 1 else found[0]

    def present_in(self, test: ir.Condition) -> Iterator[ir.Column]:
        tested = test.operand if isinstance(test, ir.Not) else test
        # The columns of an answer that is known were read somewhere else.
        return iter(()) if tested in self.whole.decided else super().present_in(test)

    def aggregated(self, node: ir.Aggregate) -> ast.expr:
        way = node.through, node.relation
        name, loop = self.variable(way), self.bind(self.whole.loops[way])
        value = assigned(name, fill("loop(record, memo)", loop=loop))
        place = self.whole.groups[way][node]
        return fill("values[place]", values=self.kept(name, value), place=self.bind(place))


def _loop(schema: Schema, nodes: list[ir.Aggregate]) -> _Loop:
    """All aggregates of one relation: each distinct test of a row is asked once."""
    function = Function(schema)
    aggregates = tuple(function.aggregate(node, tested=False) for node in nodes)
    holder = schema.entity
    for step in nodes[0].through:
        holder = function.rows(holder, step.relation)[1]
    entity = function.rows(holder, nodes[0].relation)[1]
    tests = {where: place for place, where in enumerate(dict.fromkeys(n.where for n in nodes))}
    steps = tuple(
        (_step(_Sharing(schema, some, entity, holder)), slice(tests[some[0]], tests[some[-1]] + 1))
        for some in _pieces(list(tests), _ROW_TESTS_AT_ONCE)
    )
    return _Loop(aggregates, tuple(tests[node.where] for node in nodes), len(tests), steps)


def _step(row: _Sharing) -> Callable[..., None]:
    """A function of a row and of what adds it to the rows that pass each test."""
    adds = [f"add{i}" for i in range(len(row.distinct))]
    body: list[ast.stmt] = []
    for where, add in zip(row.distinct, adds, strict=True):
        call = fill("add((row, owner, record, memo))", add=named(add))
        body.append(made(ast.If, row.condition(where), [made(ast.Expr, call)], []))
    return row.build_of([*row.begin(), *body], ["row", "owner", "record", "memo", *adds])


@frozen(eq=False)
class _Loop:
    """Several aggregates of the rows of one relation."""

    aggregates: tuple[AggregateOf, ...]
    places: tuple[int, ...]
    tests: int
    steps: tuple[tuple[Callable[..., None], slice], ...]

    def __call__(self, record: Record, memo: Memo) -> list[Any]:
        if self in memo:
            return memo[self]  # type: ignore[no-any-return]
        first = self.aggregates[0]
        found: list[list[Place]] = [[] for _ in range(self.tests)]
        adds = [passed.append for passed in found]
        steps = [(step, adds[piece]) for step, piece in self.steps]
        for owner in first.owners((record, None), record, memo):
            for row in first.rows(owner[0]):
                for step, into in steps:
                    step(row, owner, record, memo, *into)
        pairs = zip(self.aggregates, self.places, strict=True)
        values = memo[self] = [aggregate.of(found[place]) for aggregate, place in pairs]
        return values


def _pieces(items: list[_T], size: int) -> list[list[_T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
