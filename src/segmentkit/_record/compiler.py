"""Typed tree → one Python function of a record.

The function is built as a Python syntax tree from the fixed templates below; names and values of
the definition and of the schema are bound to it as objects and never become source text.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import timedelta, tzinfo
from fractions import Fraction
from functools import partial
from typing import Any, assert_never

from segmentkit import _operators
from segmentkit._calendar import first_instant, local
from segmentkit._patterns.matcher import matcher
from segmentkit._planning import ir
from segmentkit._record import extensions
from segmentkit._record.convert import KINDS, reader
from segmentkit._record.expressions import LOAD, assigned, fill, made, named
from segmentkit._record.json_values import loose_reader
from segmentkit._record.rows import AggregateOf, Following, Record, RowsOf, linked, through
from segmentkit.dtypes import Kind
from segmentkit.errors import UnsupportedError
from segmentkit.schema import Entity, Schema

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
    ir.TextOperator.MATCHES: "pattern(text)",
}
_OF_ZONE: dict[str, Callable[[Any, tzinfo], Any]] = {"instant": first_instant, "local": local}
_FUNCTIONS = {**_operators.FUNCTIONS, **_operators.TIMES, **_operators.ORDINALS}
AGGREGATES: dict[ir.AggregateFunction, Callable[[list[Any]], Any]] = {
    ir.AggregateFunction.COUNT: len,
    ir.AggregateFunction.COUNT_DISTINCT: lambda values: len(set(values)),
    ir.AggregateFunction.SUM: _operators.total,
    ir.AggregateFunction.AVG: _operators.mean,
    ir.AggregateFunction.MIN: lambda values: min(values, default=None),
    ir.AggregateFunction.MAX: lambda values: max(values, default=None),
    ir.AggregateFunction.MEDIAN: _operators.median,
    ir.AggregateFunction.MODE: _operators.mode,
    ir.AggregateFunction.STREAK: _operators.streak,
    ir.AggregateFunction.FIRST: lambda ordered: min(ordered, default=(None,))[-1],
    ir.AggregateFunction.LAST: lambda ordered: max(ordered, default=(None,))[-1],
}


def _reduction(node: ir.Aggregate) -> Callable[[list[Any]], Any]:
    """What makes one value of the values of rows."""
    if isinstance(node.share, Fraction):
        return partial(_operators.percentile, node.share)
    if isinstance(node.function, ir.AggregateFunction):
        return AGGREGATES[node.function]
    return extensions.aggregate(node, node.function)


_AS_IT_IS = {
    Kind.FLOAT: "raw == raw",
    Kind.DECIMAL: "raw.is_finite() and -1000 <= raw.adjusted() <= 1000",
    Kind.TIMESTAMP: "raw.tzinfo is None",
    Kind.TEXTS: "False",
}
"""What else must be true of a value that needs no closer look, beside its type."""
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
    function = Function(schema)
    return function.build(function.either(node), ["record"])


class Function:
    """One function under construction: of a record, or of a row.

    A function of a row is also given the record whose list holds the row and those above it
    (``owner``), the whole record, and what is known already of it (``memo``).
    """

    def __init__(
        self, schema: Schema, row_entity: Entity | None = None, owner: Entity | None = None
    ) -> None:
        self.schema = schema
        self.row_entity = row_entity
        self.owner = owner
        self.bound: dict[str, Any] = {}
        self.temporaries = 0
        self.names: dict[object, str] = {}
        self.of_rows: dict[tuple[object, ...], Callable[..., Any]] = {}
        # Of the variables by name: those that are assigned wherever the next expression is
        # evaluated, and those of them that are not None there.
        self.ready: set[str] = set()
        self.sure: set[str] = set()

    def build(self, result: ast.expr, names: list[str]) -> Callable[..., Any]:
        """The finished function of a result."""
        return self.build_of([made(ast.Return, result)], names)

    def build_of(self, body: list[ast.stmt], names: list[str]) -> Callable[..., Any]:
        """The finished function of statements."""
        arguments = ast.arguments(
            [], [made(ast.arg, name) for name in names], None, [], [], None, []
        )
        definition = made(ast.FunctionDef, "matches", arguments, body, [], None, None)
        module = ast.Module([definition], [])
        namespace = dict(self.bound)
        exec(compile(module, "<segment>", "exec"), namespace)  # noqa: S102 - our templates only
        function: Callable[..., Any] = namespace["matches"]
        return function

    def bind(self, value: object) -> ast.expr:
        """A constant or a name for an object of the definition."""
        if isinstance(value, int | float | str) and type(value) in (int, float, str):
            return made(ast.Constant, value)
        name = f"k{len(self.bound)}"
        self.bound[name] = value
        return named(name)

    def held(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        """An expression that evaluates a value once, and the name that has it afterwards."""
        if isinstance(value, ast.Name):
            return value, value
        name = f"t{self.temporaries}"
        self.temporaries += 1
        return assigned(name, value), named(name)

    def either(self, node: ir.Condition | ir.Value) -> ast.expr:
        """An expression for whichever it is."""
        return self.value(node) if isinstance(node, ir.Value) else self.condition(node)

    # -- conditions -----------------------------------------------------------------------------

    def condition(self, node: ir.Condition) -> ast.expr:
        match node:
            case ir.Always(value):
                return made(ast.Constant, value)
            case ir.Not(operand):
                return fill("not operand", operand=self.condition(operand))
            case ir.And(operands) | ir.Or(operands):
                return self.chain(ast.And() if isinstance(node, ir.And) else ast.Or(), operands)
            case ir.Counted(operands, least, most):
                held = made(ast.Tuple, [self.condition(operand) for operand in operands], LOAD)
                low, high = made(ast.Constant, least), made(ast.Constant, most)
                return fill("low <= sum(held) <= high", low=low, held=held, high=high)
            case ir.Missing(operand):
                return fill("value is None", value=self.value(operand))
            case ir.Compare(op, left, right, folded):
                return self.present(COMPARISONS[op], folded=folded, left=left, right=right)
            case ir.OneOf(operand, options, folded):
                values = [_constant(option) for option in options]
                if folded:
                    values = [_operators.fold_case(v) for v in values]
                wanted = self.bind(frozenset(values))
                return self.present("value in wanted", folded=folded, wanted=wanted, value=operand)
            case ir.Listed(operand, _, keys):
                return self.present("value in wanted", wanted=self.bind(keys), value=operand)
            case ir.TextTest(op, operand, pattern, folded):
                found = self.function_of(pattern) if op is ir.TextOperator.MATCHES else pattern
                return self.present(TEXT_TESTS[op], folded=folded, text=operand, pattern=found)
            case ir.Contains(operand, options, folded):
                key = _operators.fold_case if folded else str
                wanted = self.bind(frozenset(key(_constant(option)) for option in options))
                test = "not wanted.isdisjoint(map(key, texts))"
                return self.present(test, wanted=wanted, key=self.bind(key), texts=operand)
            case ir.YearDayIn(operand, low, high):
                inside = self.bind(_operators.year_day_in)
                return self.present(
                    "inside(day, low, high)", inside=inside, day=operand, low=low, high=high
                )
            case ir.Follows():
                return fill(
                    "f(at, row, owner, record, memo)",
                    f=self.bind(self.follows(node)),
                    at=self.column(node.at),
                )
            case ir.AnniversaryIn():
                raise AssertionError("bound by normalize")
            case _:
                assert_never(node)

    def function_of(self, pattern: ir.Const | ir.Param) -> ast.expr:
        """The function of a text that says whether it matches a pattern."""
        return self.bind(matcher(_constant(pattern)))

    def chain(self, join: ast.boolop, operands: tuple[ir.Condition, ...]) -> ast.expr:
        """Operands of which each is evaluated only after those before it."""
        first, *others = operands
        sure = set(self.sure)
        parts = [self.condition(first)]
        ready = set(self.ready)
        for before, operand in zip(operands, others, strict=False):
            if isinstance(join, ast.And):
                self.sure |= {self.variable(column) for column in self.present_in(before)}
            parts.append(self.condition(operand))
        self.ready, self.sure = ready, sure
        return made(ast.BoolOp, join, parts)

    def present_in(self, test: ir.Condition) -> Iterator[ir.Column]:
        """The columns that are read, and not missing, where a test is true."""
        match test:
            case ir.Not(ir.Missing(ir.Column() as column)):
                yield column
            case ir.Compare() | ir.OneOf() | ir.Listed() | ir.TextTest() | ir.YearDayIn():
                yield from (part for part in ir.parts(test) if isinstance(part, ir.Column))
            case _:
                pass

    def present(
        self, test: str, /, *, folded: bool = False, **operands: ir.Value | ast.expr
    ) -> ast.expr:
        """A test that is false when one of its operands is missing."""
        guards: list[ast.expr] = []
        parts: dict[str, ast.expr] = {}
        ready: set[str] | None = None
        for name, operand in operands.items():
            if isinstance(operand, ast.expr):
                parts[name] = operand
                continue
            if isinstance(operand, ir.Const):
                value = operand.value
                if value is None:
                    return made(ast.Constant, False)
                parts[name] = self.bind(_operators.fold_case(str(value)) if folded else value)
                continue
            guard, again = self.guarded(operand)
            if guard is not None:
                guards.append(guard)
                # What comes after a guard may not be evaluated.
                ready = set(self.ready) if ready is None else ready
            if folded:
                again = fill("fold(value)", fold=self.bind(_operators.fold_case), value=again)
            parts[name] = again
        filled = fill(test, **parts)
        self.ready = self.ready if ready is None else ready
        return made(ast.BoolOp, ast.And(), [*guards, filled]) if guards else filled

    def guarded(self, value: ir.Value) -> tuple[ast.expr | None, ast.expr]:
        """A test that a value is not missing, if it needs one, and the value once it is passed."""
        if isinstance(value, ir.Column):
            guard = self.there(value)
            return guard, named(self.variable(value))
        once, again = self.held(self.value(value))
        return fill("value is not None", value=once), again

    # -- values ---------------------------------------------------------------------------------

    def value(self, node: ir.Value) -> ast.expr:
        """An expression for a value, None when it is missing."""
        match node:
            case ir.Const() | ir.Param():
                return self.bind(_constant(node))
            case ir.Column():
                return self.column(node)
            case ir.Arithmetic(op, left, right):
                function = self.bind(_operators.ARITHMETIC[op])
                return fill("f(a, b)", f=function, a=self.value(left), b=self.value(right))
            case ir.ToFloat(operand):
                return fill("f(a)", f=self.bind(_operators.to_float), a=self.value(operand))
            case ir.Call(name, arguments, _, added):
                if name in _OF_ZONE:
                    in_zone = self.bind(_in_zone(_OF_ZONE[name], self.schema.zone))
                    return fill("f(a)", f=in_zone, a=self.value(arguments[0]))
                own = extensions.scalar(node, added) if added else _FUNCTIONS[name]
                function = self.bind(own)
                return made(ast.Call, function, [self.value(a) for a in arguments], [])
            case ir.Case():
                return self.case(node)
            case ir.Aggregate():
                return self.aggregated(node)
            case ir.Standing() | ir.Overall():
                raise UnsupportedError("one record cannot be compared with the others")
            case ir.Moment():
                raise AssertionError("bound by normalize")
            case _:
                assert_never(node)

    def case(self, node: ir.Case) -> ast.expr:
        """The value of the first test that holds: ``(test and (a,) or … or (z,))[0]``."""
        branches: list[ast.expr] = []
        ready: set[str] | None = None
        for test, value in zip(node.tests, node.values, strict=False):
            holds = self.condition(test)
            # Whatever comes after the first test may not be evaluated.
            ready = set(self.ready) if ready is None else ready
            tested = set(self.ready)
            held = made(ast.Tuple, [self.value(value)], LOAD)
            self.ready = tested
            branches.append(made(ast.BoolOp, ast.And(), [holds, held]))
        branches.append(made(ast.Tuple, [self.value(node.values[-1])], LOAD))
        self.ready = self.ready if ready is None else ready
        return fill("found[0]", found=made(ast.BoolOp, ast.Or(), branches))

    def column(self, node: ir.Column) -> ast.expr:
        """An expression for a column, which is read where it is first needed."""
        name = self.variable(node)
        if name in self.ready:
            return named(name)
        as_it_is, read = self.reading(node, name)
        return made(ast.IfExp, as_it_is, named(name), read)

    def there(self, node: ir.Column) -> ast.expr | None:
        """A test that a column is not missing; None where that is known."""
        name = self.variable(node)
        if name in self.sure or (name in self.ready and not node.nullable):
            return None
        if name in self.ready:
            return fill("value is not None", value=named(name))
        as_it_is, read = self.reading(node, name)
        return fill("as_it_is or read is not None", as_it_is=as_it_is, read=read)

    def variable(self, of: object) -> str:
        return self.names.setdefault(of, f"v{len(self.names)}")

    def reading(self, node: ir.Column, name: str) -> tuple[ast.expr, ast.expr]:
        """Whether what a record has is the value as it is, and otherwise a closer look at it."""
        start, holder = self.origin(node)
        again = holder
        for depth, link in enumerate(node.links):
            follow = self.bind(through(link, f"{start.name}.{link}"))
            found = fill("follow(holder)", follow=follow, holder=holder)
            key = node.scope, node.up, node.links[: depth + 1]
            holder, again = self.once(key, found)
            start = self.schema.follow(start, [link])
        attribute = start.attribute(node.name)
        assert attribute is not None
        if attribute.path:
            look = self.bind(loose_reader(attribute, start.name))
            document = self.bind(attribute.path[0])
            get = "look(None if holder is None else again.get(name))"
            self.ready.add(name)
            value = fill(get, look=look, holder=holder, again=again, name=document)
            return made(ast.Constant, False), assigned(name, value)
        get = "linked(holder, name)" if node.links else "holder.get(name)"
        found = fill(get, holder=holder, name=self.bind(node.name), linked=self.bind(linked))
        look = self.bind(reader(attribute, start.name))
        if attribute.form is not None:
            self.ready.add(name)
            value = fill("look(found, of)", look=look, found=found, of=again)
            return made(ast.Constant, False), assigned(name, value)
        kind, raw = attribute.dtype.kind, named(name)
        as_it_is = fill(
            "type(read) is kind", read=assigned(name, found), kind=self.bind(KINDS[kind])
        )
        if kind in _AS_IT_IS:
            as_it_is = made(ast.BoolOp, ast.And(), [as_it_is, fill(_AS_IT_IS[kind], raw=raw)])
        self.ready.add(name)
        return as_it_is, assigned(name, fill("look(raw, of)", look=look, raw=raw, of=again))

    def origin(self, node: ir.Column) -> tuple[Entity, ast.expr]:
        """What a column is read from, before its links."""
        match node.scope:
            case ir.Scope.ENTITY:
                return self.schema.entity, named("record")
            case ir.Scope.ROW:
                assert self.row_entity is not None
                return self.row_entity, named("row")
            case ir.Scope.ABOVE:
                above = named("owner")
                for _ in range(node.up - 1):
                    above = fill("above[1]", above=above)
                return self.schema.named(node.entity), fill("above[0]", above=above)

    def once(self, of: object, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        """Something that is evaluated where it is first needed, and its name for afterwards."""
        name = self.variable(of)
        again = named(name)
        if name in self.ready:
            return again, again
        self.ready.add(name)
        return assigned(name, value), again

    # -- rows -----------------------------------------------------------------------------------

    def aggregated(self, node: ir.Aggregate) -> ast.expr:
        """An aggregate; of the whole record it is computed once, however many rows ask for it."""
        if self.row_entity is None:
            return fill("f(record, None, record, {})", f=self.bind(self.aggregate(node)))
        if node.holder is ir.Scope.ROW:
            return fill("f(row, owner, record, memo)", f=self.bind(self.aggregate(node)))
        return fill(
            "memo[key] if key in memo else memo.setdefault(key, f(record, None, record, memo))",
            f=self.bind(self.aggregate(node)),
            key=self.bind(node),
        )

    def aggregate(self, node: ir.Aggregate, *, tested: bool = True) -> AggregateOf:
        """The rows of an aggregate, made one value; or untested, if someone else picks them."""
        holder = self.schema.entity
        if node.holder is ir.Scope.ROW:
            assert self.row_entity is not None
            holder = self.row_entity
        way: list[tuple[RowsOf, Callable[..., bool]]] = []
        for step in node.through:
            rows, entity = self.rows(holder, step.relation)
            way.append((rows, self.of_row(step.where, entity, holder)))
            holder = entity
        rows, entity = self.rows(holder, node.relation)
        test = self.of_row(node.where if tested else ir.TRUE, entity, holder)
        value = None if node.value is None else self.of_row(node.value, entity, holder)
        order = None
        if node.function in _ORDERED:
            at = self.time(holder, node.relation)
            key = entity.key_attribute
            tie = self.of_row(_own(entity, key.name), entity, holder) if key else value
            order = (self.of_row(at, entity, holder), tie)
        return AggregateOf(tuple(way), rows, test, value, order, _reduction(node))

    def follows(self, node: ir.Follows) -> Following:
        holder = self.row_entity if node.own else self.owner
        assert holder is not None
        rows, entity = self.rows(holder, node.relation)
        # Steps that come after this one look at rows of the first row's owner again.
        at = self.of_row(self.time(holder, node.relation), entity, self.owner)
        test = self.of_row(node.where, entity, self.owner)
        within = None if node.within is None else timedelta(seconds=node.within)
        assert self.row_entity is not None
        same = tuple(
            (
                self.of_row(here, self.row_entity, self.owner),
                self.of_row(there, entity, self.owner),
            )
            for here, there in node.same
        )
        return Following(rows, node.own, test, at, node.backward, within, same, node)

    def rows(self, holder: Entity, name: str) -> tuple[RowsOf, Entity]:
        """The rows of a relation, and what they are."""
        relation = holder.relation(name)
        assert relation is not None
        return RowsOf(name, f"{holder.name}.{name}"), self.schema.named(relation.to)

    def time(self, holder: Entity, name: str) -> ir.Column:
        """When a row of a relation happened."""
        relation = holder.relation(name)
        assert relation is not None
        assert relation.at is not None
        return _own(self.schema.named(relation.to), relation.at)

    def of_row(
        self, node: ir.Condition | ir.Value, entity: Entity, owner: Entity | None
    ) -> Callable[..., Any]:
        """A function of a row, made once."""
        key = node, entity.name, owner and owner.name
        if key not in self.of_rows:
            function = Function(self.schema, entity, owner)
            names = ["row", "owner", "record", "memo"]
            self.of_rows[key] = function.build(function.either(node), names)
        return self.of_rows[key]


def _in_zone(convert: Callable[[Any, tzinfo], Any], zone: tzinfo) -> Callable[[Any], Any]:
    return lambda time: None if time is None else convert(time, zone)


def _own(entity: Entity, name: str) -> ir.Column:
    attribute = entity.attribute(name)
    assert attribute is not None
    return ir.Column(ir.Scope.ROW, (), name, attribute.dtype, attribute.nullable)


def _constant(node: ir.Const | ir.Param) -> Any:
    assert isinstance(node, ir.Const)
    return node.value
