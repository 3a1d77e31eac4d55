"""Typed tree → one Python function of a record.

The function is built as a Python syntax tree from the fixed templates below; names and values of
the definition and of the schema are bound to it as objects and never become source text.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import tzinfo
from functools import cache
from typing import Any, TypeAlias, assert_never

from attrs import frozen

from segmentkit import _ir as ir
from segmentkit import _scalar
from segmentkit._reading import ABSENT, KINDS, reader
from segmentkit._time import first_instant, local
from segmentkit.dtypes import Kind
from segmentkit.errors import DataError, UnsupportedError
from segmentkit.schema import Entity, Schema

Record: TypeAlias = Mapping[str, Any]

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
}
_ORDERED = (ir.AggregateFunction.FIRST, ir.AggregateFunction.LAST)


def compile_record(condition: ir.Condition, schema: Schema) -> Callable[[Record], bool]:
    """Make a function that says whether a record is in the set.

    Args:
        condition: A normalized condition without parameters.
        schema: What its columns refer to.

    Returns:
        A function of a mapping: attributes and links by name, relations as lists of mappings.
        It raises ``DataError`` for a record that is not what the schema says.
    """
    function = _Function(schema)
    body = function.condition(condition)
    return function.build(body)


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
    """One function under construction: of a record, or of a row and its record."""

    def __init__(self, schema: Schema, row_entity: Entity | None = None) -> None:
        self.schema = schema
        self.row_entity = row_entity
        self.bound: dict[str, Any] = {}
        self.columns: dict[ir.Column, ast.expr] = {}
        self.reads: list[ast.stmt] = []
        self.temporaries = 0

    def build(self, result: ast.expr) -> Callable[..., Any]:
        """The finished function; columns are read first, each once."""
        names = ["record"] if self.row_entity is None else ["row", "record"]
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
            case ir.TextTest(op, operand, pattern, folded):
                return self.present(TEXT_TESTS[op], folded=folded, text=operand, pattern=pattern)
            case ir.YearDayIn(operand, low, high):
                inside = self.bind(_scalar.year_day_in)
                return self.present(
                    "inside(day, low, high)", inside=inside, day=operand, low=low, high=high
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
            case ir.Call(name, arguments):
                if name in _OF_ZONE:
                    in_zone = self.bind(_in_zone(_OF_ZONE[name], self.schema.zone))
                    return _fill("f(a)", f=in_zone, a=self.value(arguments[0]))
                function = self.bind(FUNCTIONS[name])
                return ast.Call(function, [self.value(a) for a in arguments], [])
            case ir.Aggregate():
                return _fill("f(record)", f=self.bind(self.aggregate(node)))
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

    def aggregate(self, node: ir.Aggregate) -> Callable[[Record], Any]:
        relation = self.schema.entity.relation(node.relation)
        assert relation is not None
        entity = self.schema.named(relation.to)
        test = self.of_row(node.where, entity)
        value = None if node.value is None else self.of_row(node.value, entity)
        order = None
        if node.function in _ORDERED:
            assert relation.at is not None
            at = _own(entity, relation.at)
            key = entity.key_attribute
            tie = self.of_row(_own(entity, key.name), entity) if key else value
            order = (self.of_row(at, entity), tie)
        where = f"{self.schema.entity.name}.{relation.name}"
        return _Aggregate(relation.name, where, test, value, order, AGGREGATES[node.function])

    def of_row(self, node: ir.Condition | ir.Value, entity: Entity) -> Callable[..., Any]:
        """A function of a row and its record."""
        function = _Function(self.schema, entity)
        if isinstance(node, ir.Value):
            return function.build(function.value(node))
        return function.build(function.condition(node))


@frozen
class _Aggregate:
    """The rows of one relation of a record, made one value."""

    relation: str
    place: str
    test: Callable[..., bool]
    value: Callable[..., Any] | None
    order: tuple[Callable[..., Any], Callable[..., Any] | None] | None
    reduce: Callable[[list[Any]], Any]

    def __call__(self, record: Record) -> Any:
        rows = [row for row in self.rows(record) if self.test(row, record)]
        if self.value is None:
            return self.reduce(rows)
        values = [(self.value(row, record), row) for row in rows]
        if self.order is None:
            return self.reduce([value for value, _ in values if value is not None])
        at, tie = self.order
        assert tie is not None
        ties = [(tie(row, record), value, row) for value, row in values if value is not None]
        return self.reduce([(at(r, record), t is not None, t, v) for t, v, r in ties])

    def rows(self, record: Record) -> Iterable[Record]:
        rows = record.get(self.relation)
        if rows is None:
            raise DataError(
                f"the record has no rows {self.place!r} (an empty list says that there are none); "
                f"it has {', '.join(map(str, record)) or 'nothing'}"
            )
        # An iterator would be used up by the first aggregate, and the next would see nothing.
        unfit = isinstance(rows, str | bytes | Mapping | Iterator)
        if unfit or not isinstance(rows, Iterable):
            raise DataError(f"{self.place} must be a list of records, not {type(rows).__name__}")
        for row in rows:
            if not isinstance(row, Mapping):
                raise DataError(f"{self.place} must hold records, not {type(row).__name__}")
            yield row


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
