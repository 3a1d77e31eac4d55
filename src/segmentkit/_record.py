"""Typed tree → one Python function of a record.

The function is built as a Python syntax tree from the fixed templates below; names and values of
the definition and of the schema are bound to it as objects and never become source text.
"""

from __future__ import annotations

import ast
import copy
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta, tzinfo
from functools import cache
from typing import Any, TypeAlias, assert_never

from attrs import frozen

from segmentkit import _ir as ir
from segmentkit import _lowered, _scalar
from segmentkit._loose import loose_reader
from segmentkit._reading import ABSENT, KINDS, reader
from segmentkit._time import first_instant, local
from segmentkit.dtypes import Kind
from segmentkit.errors import DataError, UnsupportedError
from segmentkit.schema import Entity, Schema

Record: TypeAlias = Mapping[str, Any]
_Memo: TypeAlias = dict[Any, Any]

COMPARISONS = {
    ir.Comparison.EQ: "left == right",
    ir.Comparison.LT: "left < right",
    ir.Comparison.LE: "left <= right",
    ir.Comparison.GT: "left > right",
    ir.Comparison.GE: "left >= right",
}
TEXT_TESTS = {
    ir.TextOperator.CONTAINS: "pattern in text",
    ir.TextOperator.STARTS: "text.startswith(pattern)",
    ir.TextOperator.ENDS: "text.endswith(pattern)",
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": _scalar.absolute,
    "age": _scalar.age,
    "default": _scalar.default,
    "bucket": _scalar.bucket,
    "distance": _scalar.distance,
    **_scalar.PARTS,
}
_OF_ZONE: dict[str, Callable[[Any, tzinfo], Any]] = {"instant": first_instant, "local": local}
AGGREGATES: dict[ir.AggregateFunction, Callable[[list[Any]], Any]] = {
    ir.AggregateFunction.COUNT: len,
    ir.AggregateFunction.COUNT_DISTINCT: lambda values: len(set(values)),
    ir.AggregateFunction.SUM: _scalar.total,
    ir.AggregateFunction.AVG: _scalar.mean,
    ir.AggregateFunction.MIN: lambda values: min(values, default=None),
    ir.AggregateFunction.MAX: lambda values: max(values, default=None),
    ir.AggregateFunction.MEDIAN: _scalar.median,
    ir.AggregateFunction.FIRST: lambda ordered: min(ordered, default=(None,))[-1],
    ir.AggregateFunction.LAST: lambda ordered: max(ordered, default=(None,))[-1],
}
_READS = {
    Kind.FLOAT: "raw if type(raw) is kind and raw == raw else read(raw, holder)",
    Kind.DECIMAL: "read(raw, holder)",
    Kind.TIMESTAMP: "read(raw, holder)",
    Kind.TEXTS: "read(raw, holder)",
}
_ORDERED = (ir.AggregateFunction.FIRST, ir.AggregateFunction.LAST)


def compile_record(node: ir.Condition | ir.Value, schema: Schema) -> Callable[[Record], Any]:
    """Make a function that says whether a condition holds of a record, or what a value of it is.

    Args:
        node: A normalized condition or value without parameters.
        schema: What its columns refer to.

    Returns:
        A function of a mapping: attributes and links by name, relations as lists of mappings.
        It raises ``DataError`` for a record that is not what the schema says.
    """
    function = _Function(schema)
    return function.build(function.either(node), ["record"])


@cache
def _template(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class _Fill(ast.NodeTransformer):
    def __init__(self, parts: Mapping[str, ast.expr]) -> None:
        self.parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.parts.get(node.id, node)


def _fill(text: str, /, **parts: ast.expr) -> ast.expr:
    """A template of ours with expressions in the place of its names."""
    filled: ast.expr = _Fill(parts).visit(copy.deepcopy(_template(text)))
    return filled


class _Function:
    """One function under construction: of a record, or of a row.

    A function of a row is also given the record whose list holds the row (``owner``), the whole
    record, and what is known already of it (``memo``).
    """

    def __init__(
        self, schema: Schema, row_entity: Entity | None = None, owner: Entity | None = None
    ) -> None:
        self.schema = schema
        self.row_entity = row_entity
        self.owner = owner
        self.bound: dict[str, Any] = {}
        self.columns: dict[ir.Column, ast.expr] = {}
        self.reads: list[ast.stmt] = []
        self.temporaries = 0

    def build(self, result: ast.expr, names: list[str]) -> Callable[..., Any]:
        """The finished function; columns are read first, each once."""
        arguments = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
        body = [*self.reads, ast.Return(result)]
        definition = ast.FunctionDef("matches", arguments, body, [], None, None)
        module = ast.fix_missing_locations(ast.Module([definition], []))
        namespace = dict(self.bound)
        exec(compile(module, "<segment>", "exec"), namespace)  # noqa: S102 - our templates only
        function: Callable[..., Any] = namespace["matches"]
        return function

    def bind(self, value: object) -> ast.expr:
        """A name for an object of the definition."""
        name = f"k{len(self.bound)}"
        self.bound[name] = value
        return ast.Name(name, ast.Load())

    def held(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        """An expression that evaluates a value once, and the name that has it afterwards."""
        if isinstance(value, ast.Name):
            return value, value
        name = f"t{self.temporaries}"
        self.temporaries += 1
        return ast.NamedExpr(ast.Name(name, ast.Store()), value), ast.Name(name, ast.Load())

    def either(self, node: ir.Condition | ir.Value) -> ast.expr:
        """An expression for whichever it is."""
        return self.value(node) if isinstance(node, ir.Value) else self.condition(node)

    # -- conditions -----------------------------------------------------------------------------

    def condition(self, node: ir.Condition) -> ast.expr:
        match node:
            case ir.Always(value):
                return ast.Constant(value)
            case ir.Not(operand):
                return _fill("not operand", operand=self.condition(operand))
            case ir.And(operands):
                return ast.BoolOp(ast.And(), [self.condition(o) for o in operands])
            case ir.Or(operands):
                return ast.BoolOp(ast.Or(), [self.condition(o) for o in operands])
            case ir.Missing(operand):
                return _fill("value is None", value=self.value(operand))
            case ir.Compare(op, left, right, folded):
                return self.present(COMPARISONS[op], folded=folded, left=left, right=right)
            case ir.OneOf(operand, options, folded):
                values = [_constant(option) for option in options]
                if folded:
                    values = [_scalar.fold_case(v) for v in values]
                wanted = self.bind(frozenset(values))
                return self.present("value in wanted", folded=folded, wanted=wanted, value=operand)
            case ir.Listed(operand, _, keys):
                return self.present("value in wanted", wanted=self.bind(keys), value=operand)
            case ir.TextTest(op, operand, pattern, folded):
                return self.present(TEXT_TESTS[op], folded=folded, text=operand, pattern=pattern)
            case ir.Contains(operand, options, folded):
                key = _scalar.fold_case if folded else str
                wanted = self.bind(frozenset(key(_constant(option)) for option in options))
                test = "not wanted.isdisjoint(map(key, texts))"
                return self.present(test, wanted=wanted, key=self.bind(key), texts=operand)
            case ir.YearDayIn(operand, low, high):
                inside = self.bind(_scalar.year_day_in)
                return self.present(
                    "inside(day, low, high)", inside=inside, day=operand, low=low, high=high
                )
            case ir.Follows():
                return _fill(
                    "f(at, row, owner, record, memo)",
                    f=self.bind(self.follows(node)),
                    at=self.column(node.at),
                )
            case ir.AnniversaryIn():
                raise AssertionError("bound by normalize")
            case _:
                assert_never(node)

    def present(
        self, test: str, /, *, folded: bool = False, **operands: ir.Value | ast.expr
    ) -> ast.expr:
        """A test that is false when one of its operands is missing."""
        guards: list[ast.expr] = []
        parts: dict[str, ast.expr] = {}
        for name, operand in operands.items():
            if isinstance(operand, ast.expr):
                parts[name] = operand
            elif isinstance(operand, ir.Const):
                value = operand.value
                if value is None:
                    return ast.Constant(False)
                parts[name] = self.bind(_scalar.fold_case(str(value)) if folded else value)
            else:
                value_once, value_again = self.held(self.value(operand))
                guards.append(_fill("value is not None", value=value_once))
                if folded:
                    fold = self.bind(_scalar.fold_case)
                    value_again = _fill("fold(value)", fold=fold, value=value_again)
                parts[name] = value_again
        filled = _fill(test, **parts)
        return ast.BoolOp(ast.And(), [*guards, filled]) if guards else filled

    # -- values ---------------------------------------------------------------------------------

    def value(self, node: ir.Value) -> ast.expr:
        """An expression for a value, None when it is missing."""
        match node:
            case ir.Const() | ir.Param():
                return self.bind(_constant(node))
            case ir.Column():
                return self.column(node)
            case ir.Arithmetic(op, left, right):
                function = self.bind(_scalar.ARITHMETIC[op])
                return _fill("f(a, b)", f=function, a=self.value(left), b=self.value(right))
            case ir.ToFloat(operand):
                return _fill("f(a)", f=self.bind(_scalar.to_float), a=self.value(operand))
            case ir.Call(name, arguments, _, added):
                if name in _OF_ZONE:
                    in_zone = self.bind(_in_zone(_OF_ZONE[name], self.schema.zone))
                    return _fill("f(a)", f=in_zone, a=self.value(arguments[0]))
                own = FUNCTIONS[name] if added is None else _lowered.scalar(node, added)
                function = self.bind(own)
                return ast.Call(function, [self.value(a) for a in arguments], [])
            case ir.Aggregate():
                return self.aggregated(node)
            case ir.Standing() | ir.Overall():
                raise UnsupportedError("one record cannot be compared with the others")
            case ir.Moment():
                raise AssertionError("bound by normalize")
            case _:
                assert_never(node)

    def column(self, node: ir.Column) -> ast.expr:
        """The name that holds a column; reading it is put at the function's beginning."""
        if node not in self.columns:
            self.columns[node] = self.read(node)
        return self.columns[node]

    def read(self, node: ir.Column) -> ast.expr:
        in_row = node.scope is ir.Scope.ROW
        start = self.row_entity if in_row else self.schema.entity
        assert start is not None
        holder: ast.expr = ast.Name("row" if in_row else "record", ast.Load())
        for link in node.links:
            follow = self.bind(_follow(link, f"{start.name}.{link}"))
            holder = self.assign(_fill("follow(holder)", follow=follow, holder=holder))
            start = self.schema.follow(start, [link])
        attribute = start.attribute(node.name)
        assert attribute is not None
        if attribute.path:
            look = self.bind(loose_reader(attribute, start.name))
            document = self.bind(attribute.path[0])
            get = "look(None if holder is None else holder.get(name))"
            return self.assign(_fill(get, look=look, holder=holder, name=document))
        get = "holder.get(name, absent)" if not node.links else "linked(holder, name, absent)"
        raw = self.assign(
            _fill(get, holder=holder, name=self.bind(node.name), absent=self.bind(ABSENT),
                  linked=self.bind(_linked))
        )  # fmt: skip
        read = self.bind(reader(attribute, start.name))
        kind = self.bind(KINDS[attribute.dtype.kind])
        # Most values are of the very type that the schema says; everything else is looked at.
        text = _READS.get(attribute.dtype.kind, "raw if type(raw) is kind else read(raw, holder)")
        if attribute.nullable:
            text = f"None if raw is None else {text}"
        return self.assign(_fill(text, raw=raw, kind=kind, read=read, holder=holder))

    def assign(self, value: ast.expr) -> ast.expr:
        name = f"v{len(self.reads)}"
        self.reads.append(ast.Assign([ast.Name(name, ast.Store())], value))
        return ast.Name(name, ast.Load())

    # -- rows -----------------------------------------------------------------------------------

    def aggregated(self, node: ir.Aggregate) -> ast.expr:
        """An aggregate; of the whole record it is computed once, however many rows ask for it."""
        if self.row_entity is None:
            return _fill("f(record, record, {})", f=self.bind(self.aggregate(node)))
        if node.holder is ir.Scope.ROW:
            return _fill("f(row, record, memo)", f=self.bind(self.aggregate(node)))
        return _fill(
            "memo[key] if key in memo else memo.setdefault(key, f(record, record, memo))",
            f=self.bind(self.aggregate(node)),
            key=self.bind(node),
        )

    def aggregate(self, node: ir.Aggregate) -> Callable[[Record, Record, _Memo], Any]:
        holder = self.schema.entity
        if node.holder is ir.Scope.ROW:
            assert self.row_entity is not None
            holder = self.row_entity
        way: list[tuple[_Rows, Callable[..., bool]]] = []
        for step in node.through:
            rows, entity = self.rows(holder, step.relation)
            way.append((rows, self.of_row(step.where, entity, holder)))
            holder = entity
        rows, entity = self.rows(holder, node.relation)
        test = self.of_row(node.where, entity, holder)
        value = None if node.value is None else self.of_row(node.value, entity, holder)
        order = None
        if node.function in _ORDERED:
            at = self.time(holder, node.relation)
            key = entity.key_attribute
            tie = self.of_row(_own(entity, key.name), entity, holder) if key else value
            order = (self.of_row(at, entity, holder), tie)
        reduce = (
            AGGREGATES[node.function]
            if isinstance(node.function, ir.AggregateFunction)
            else _lowered.aggregate(node, node.function)
        )
        return _Aggregate(tuple(way), rows, test, value, order, reduce)

    def follows(self, node: ir.Follows) -> _Following:
        holder = self.row_entity if node.own else self.owner
        assert holder is not None
        rows, entity = self.rows(holder, node.relation)
        # Steps that come after this one look at rows of the first row's owner again.
        at = self.of_row(self.time(holder, node.relation), entity, self.owner)
        test = self.of_row(node.where, entity, self.owner)
        within = None if node.within is None else timedelta(seconds=node.within)
        return _Following(rows, node.own, test, at, node.backward, within, node)

    def rows(self, holder: Entity, name: str) -> tuple[_Rows, Entity]:
        """The rows of a relation, and what they are."""
        relation = holder.relation(name)
        assert relation is not None
        return _Rows(name, f"{holder.name}.{name}"), self.schema.named(relation.to)

    def time(self, holder: Entity, name: str) -> ir.Column:
        """When a row of a relation happened."""
        relation = holder.relation(name)
        assert relation is not None
        assert relation.at is not None
        return _own(self.schema.named(relation.to), relation.at)

    def of_row(
        self, node: ir.Condition | ir.Value, entity: Entity, owner: Entity | None
    ) -> Callable[..., Any]:
        """A function of a row."""
        function = _Function(self.schema, entity, owner)
        return function.build(function.either(node), ["row", "owner", "record", "memo"])


@frozen
class _Rows:
    """The rows of one relation of a record."""

    relation: str
    place: str

    def __call__(self, holder: Record) -> Iterable[Record]:
        rows = holder.get(self.relation)
        if rows is None:
            raise DataError(
                f"the record has no rows {self.place!r} (an empty list says that there are none); "
                f"it has {', '.join(map(str, holder)) or 'nothing'}"
            )
        # An iterator would be used up by the first aggregate, and the next would see nothing.
        unfit = isinstance(rows, str | bytes | Mapping | Iterator)
        if unfit or not isinstance(rows, Iterable):
            raise DataError(f"{self.place} must be a list of records, not {type(rows).__name__}")
        for row in rows:
            if not isinstance(row, Mapping):
                raise DataError(f"{self.place} must hold records, not {type(row).__name__}")
            yield row


@frozen
class _Aggregate:
    """The rows of one relation of a record, made one value."""

    way: tuple[tuple[_Rows, Callable[..., bool]], ...]
    rows: _Rows
    test: Callable[..., bool]
    value: Callable[..., Any] | None
    order: tuple[Callable[..., Any], Callable[..., Any] | None] | None
    reduce: Callable[[list[Any]], Any]

    def __call__(self, holder: Record, record: Record, memo: _Memo) -> Any:
        owners: Iterable[Record] = (holder,)
        for rows, test in self.way:
            owners = [r for o in owners for r in rows(o) if test(r, o, record, memo)]
        found = [
            (row, owner, record, memo)
            for owner in owners
            for row in self.rows(owner)
            if self.test(row, owner, record, memo)
        ]
        if self.value is None:
            return self.reduce(found)
        values = [(self.value(*row), row) for row in found]
        if self.order is None:
            return self.reduce([value for value, _ in values if value is not None])
        at, tie = self.order
        assert tie is not None
        ties = [(tie(*row), value, row) for value, row in values if value is not None]
        return self.reduce([(at(*r), t is not None, t, v) for t, v, r in ties])


@frozen
class _Following:
    """Whether a row comes after, or before, another one."""

    rows: _Rows
    own: bool
    test: Callable[..., bool]
    at: Callable[..., Any]
    backward: bool
    within: timedelta | None
    node: ir.Follows

    def __call__(self, at: Any, row: Record, owner: Record, record: Record, memo: _Memo) -> bool:
        if at is None:
            return False
        times = self.times(row if self.own else owner, owner, record, memo)
        # The nearest one decides: if it is too far away, so are all others.
        place = bisect_left(times, at) - 1 if self.backward else bisect_right(times, at)
        if not 0 <= place < len(times):
            return False
        return self.within is None or abs(times[place] - at) <= self.within

    def times(self, holder: Record, owner: Record, record: Record, memo: _Memo) -> list[Any]:
        """When the other rows are, in order; they are the same for every row of one holder."""
        key = (self.node, id(holder))
        if key not in memo:
            found = (r for r in self.rows(holder) if self.test(r, owner, record, memo))
            times = sorted(self.at(r, owner, record, memo) for r in found)
            # The holder is kept with them: its id is its own as long as it is there.
            memo[key] = times, holder
        return memo[key][0]  # type: ignore[no-any-return]


def _in_zone(convert: Callable[[Any, tzinfo], Any], zone: tzinfo) -> Callable[[Any], Any]:
    return lambda time: None if time is None else convert(time, zone)


def _own(entity: Entity, name: str) -> ir.Column:
    attribute = entity.attribute(name)
    assert attribute is not None
    return ir.Column(ir.Scope.ROW, (), name, attribute.dtype, attribute.nullable)


def _constant(node: ir.Const | ir.Param) -> Any:
    assert isinstance(node, ir.Const)
    return node.value


def _follow(link: str, place: str) -> Callable[[Record | None], Record | None]:
    """Go through a link; nothing lies beyond a missing one."""

    def follow(holder: Record | None) -> Record | None:
        found = None if holder is None else holder.get(link)
        if found is None or isinstance(found, Mapping):
            return found
        raise DataError(f"{place} must be a record or missing, not {type(found).__name__}")

    return follow


def _linked(holder: Record | None, name: str, absent: object) -> Any:
    return None if holder is None else holder.get(name, absent)
