"""Typed tree → SQL expressions, leaf by leaf; a complement is a leaf of its own, never ``NOT``.

Every operand that may be NULL is tested for it only in complements (``age >= 18 OR age IS NULL``),
so above the leaves UNKNOWN behaves as false, and indexes stay in use.
"""

from __future__ import annotations

import math
from calendar import isleap
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Protocol, TypeAlias, assert_never

import sqlalchemy as sa
from sqlalchemy.sql import operators

from segmentkit._calendar import month_day
from segmentkit._operators import PARTS, TIMES, fold_case, to_float
from segmentkit._planning import ir
from segmentkit.dtypes import DATE, FLOAT, Kind
from segmentkit.schema import Schema
from segmentkit.sqlalchemy.dialects.bind_types import CONSTANTS, TYPES
from segmentkit.sqlalchemy.dialects.column_types import NOTHING, codec_of, is_own
from segmentkit.sqlalchemy.dialects.constructs import FUNCTIONS, Construct
from segmentkit.sqlalchemy.dialects.distance import distance
from segmentkit.sqlalchemy.dialects.elements import (
    FoldedCase,
    Spelled,
    TextTest,
    bucket,
    exact,
    joined,
    matched,
    total,
    version_key,
)
from segmentkit.sqlalchemy.dialects.forms import InForm
from segmentkit.sqlalchemy.dialects.long_lists import among, on_list, portions
from segmentkit.sqlalchemy.dialects.stored_values import (
    InstantOf,
    all_bound,
    bound,
    by_code_point,
    compares_itself,
    decoded,
    is_compared,
    keeps_nan,
    kind_of,
    same_form,
    varies,
)
from segmentkit.sqlalchemy.dialects.time_zones import first_instant, local, part
from segmentkit.sqlalchemy.statements import cases, extension, stored_forms, time_arithmetic
from segmentkit.sqlalchemy.statements.comparisons import compared, met, settled
from segmentkit.sqlalchemy.statements.lists import has_any, has_item, is_plain_array, item, size
from segmentkit.sqlalchemy.statements.operators import (
    ARITHMETIC,
    MIRRORED,
    NEGATED,
    OPERATORS,
    OPPOSITES,
)
from segmentkit.sqlalchemy.tables import Tables

Sql: TypeAlias = sa.ColumnElement[Any]

_TRUTH = sa.Boolean()
_NULL = sa.null()
_EQUALITY = (operators.eq, operators.ne)
_TEXT_PARTS = {
    ir.TextOperator.STARTS: Construct.BEGINNING,
    ir.TextOperator.ENDS: Construct.ENDING,
}
"""What is compared with the wanted text, where that is a part of as many letters."""
_OF_OPERANDS: Mapping[str, Callable[..., Sql]] = {"distance": distance, "version": version_key}
_OWN_TYPE = (Kind.TEXT, Kind.DATE, Kind.TIMESTAMP)
_LARGEST = 2**63 - 1


class Resolver(Protocol):
    """Gives the columns of one query."""

    tables: Tables

    def column(self, node: ir.Column) -> Sql:
        """The expression for an attribute."""
        ...


class Compiler:
    """Compiles conditions and values within one query."""

    def __init__(
        self,
        schema: Schema,
        columns: Resolver,
        known: Mapping[Any, Sql] | None = None,
    ) -> None:
        self.schema = schema
        self.columns = columns
        self.known = {} if known is None else known
        self._columns: dict[ir.Column, Sql] = {}

    # -- conditions -----------------------------------------------------------------------------

    def condition(self, node: ir.Condition) -> Sql:
        """A condition without sub-queries of its own."""
        match node:
            case ir.And(operands):
                return joined([self.condition(o) for o in operands], conjunctive=True)
            case ir.Or(operands):
                return joined([self.condition(o) for o in operands], conjunctive=False)
            case ir.Counted():
                return self.counted(node)
            case ir.Not(operand):
                return self.complement(operand)
            case _:
                return self.leaf(node)

    def leaf(self, node: ir.Condition) -> Sql:
        match node:
            case ir.Always(value):
                return settled(value)
            case ir.Compare(op, _, _):
                return self.compared(node, OPERATORS[op])
            case ir.OneOf():
                return self.membership(node, positive=True)
            case ir.Listed():
                return self.listed(node, positive=True)
            case ir.TextTest():
                return self.text_test(node, operators.eq)
            case ir.Contains():
                return self.contains(node)
            case ir.YearDayIn(operand, low, high):
                day = self.year_day(decoded(self.value(operand)))
                first, last = day >= self.value(low), day <= self.value(high)
                return sa.or_(first, last) if _wraps(node) else sa.and_(first, last)
            case ir.Missing(operand):
                return stored_forms.absent(self.value(operand))
            case ir.Follows():
                return self.follows(node, positive=True)
            case ir.And() | ir.Or() | ir.Counted() | ir.Not() | ir.AnniversaryIn():
                raise AssertionError("not a leaf")
            case _:
                assert_never(node)

    def complement(self, node: ir.Condition) -> Sql:
        """Everyone of whom the leaf does not hold, those with something missing included."""
        match node:
            case ir.Missing(operand):
                return stored_forms.absent(self.value(operand), operators.is_not)
            case ir.Compare(op, left, right):
                return self.or_missing(self.compared(node, OPPOSITES[op]), left, right)
            case ir.Listed(operand):
                return self.or_missing(self.listed(node, positive=False), operand)
            case ir.OneOf(operand, _, _):
                return self.or_missing(self.membership(node, positive=False), operand)
            case ir.TextTest(_, operand, _, _):
                return self.or_missing(self.text_test(node, operators.ne), operand)
            case ir.YearDayIn(operand, low, high):
                day = self.year_day(decoded(self.value(operand)))
                before, after = day < self.value(low), day > self.value(high)
                outside = sa.and_(before, after) if _wraps(node) else sa.or_(before, after)
                return self.or_missing(outside, operand)
            case ir.Contains():
                return self.or_missing(sa.not_(self.contains(node)), node.operand)
            case ir.Follows():
                return self.follows(node, positive=False)
            case ir.Always() | ir.And() | ir.Or() | ir.Counted() | ir.Not() | ir.AnniversaryIn():
                raise AssertionError("not a leaf")
            case _:
                assert_never(node)

    def counted(self, node: ir.Counted) -> Sql:
        """How many of some conditions hold; what is unknown does not."""
        held = total([sa.case((self.condition(o), 1), else_=0) for o in node.operands])
        least, most = (sa.literal(n, sa.Integer()) for n in (node.least, node.most))
        return held.between(least, most)

    def follows(self, node: ir.Follows, *, positive: bool) -> Sql:
        """That another row comes after the one here, or that none does."""
        raise AssertionError("only rows of relations follow each other")

    def or_missing(self, test: Sql, *operands: ir.Value) -> Sql:
        missing = [stored_forms.absent(self.value(o)) for o in operands if o.nullable]
        return sa.or_(test, *missing) if missing else test

    def compared(self, node: ir.Compare, op: Any) -> Sql:
        """A comparison of two values, of which neither is missing."""
        left, right = node.left, node.right
        if isinstance(left, ir.Const) and not isinstance(right, ir.Const):
            left, right, op = right, left, MIRRORED[op]
        if node.ignoring_case:
            return compared(left, op, self.folded(left, right), self.folded(right, left))
        if isinstance(right, ir.Const) and isinstance(value := self.value(left), InForm):
            return stored_forms.compared(self, value, op, [right])
        if isinstance(right, ir.Const) and is_compared((column := self.value(left)), op):
            return self.compared_as_stored(column, op, right)
        return compared(left, op, *self.pair(left, right, ordered=op not in _EQUALITY))

    def compared_as_stored(self, column: Sql, op: Any, constant: ir.Const) -> Sql:
        """A comparison with a constant in the form in which a column keeps values."""
        op, value = bound(column, op, constant.value)
        if value is NOTHING:
            return settled(op is not operators.eq)
        if compares_itself(column):
            found: Sql = sa.not_(column == value) if op is operators.ne else op(column, value)
            return found
        kind = kind_of(column, op, value)
        parameter = sa.BindParameter(_name(column), value, kind, unique=True)
        return compared(constant, op, column, parameter)

    def pair(self, left: ir.Value, right: ir.Value, *, ordered: bool = False) -> tuple[Sql, Sql]:
        """Two operands; a constant is bound in the type of the column it meets."""
        a = self.value(left)
        if isinstance(right, ir.Const):
            a = decoded(a)
            return a, self.constant(right, a)
        return met(left, a, self.value(right), ordered=ordered)

    def listed(self, node: ir.Listed, *, positive: bool) -> Sql:
        """Whether a key is on a list: in the table that the user names for it, or a parameter."""
        column = self.value(node.operand)
        op = operators.in_op if positive else operators.not_in_op
        tables = self.columns.tables
        if (stored := tables.lists.get(node.name)) is not None:
            if not same_form(column, stored, ordered=False):
                column, stored = decoded(column), decoded(stored)
            # The list can be of the very table that is asked about.
            keys = sa.select(stored).where(stored.is_not(None)).correlate(None)
            found = exactly(node.operand, column)
            return found.in_(keys) if positive else found.not_in(keys)
        values = all_bound(column, sorted(node.keys))
        if not values:
            return settled(not positive)
        found = exactly(node.operand, column)
        operand = Spelled(Construct.EMPTY_TEXT, column) if "" in node.keys else column
        whole, parts = tables.keys_of(node, values, _kind(node.operand, column))
        tests = [compared(node.operand, op, operand, part) for part in parts]
        return on_list(tests, found, whole, positive=positive)

    def membership(self, node: ir.OneOf, *, positive: bool) -> Sql:
        """Whether a value is one of several constants, or none of them."""
        value = self.value(node.operand)
        if isinstance(value, InForm):
            op = _EQUALITY[not positive]
            return stored_forms.compared(self, value, op, list(node.options))
        return self.one_of(value, node, positive=positive)

    def contains(self, node: ir.Contains) -> Sql:
        """Whether a list has one of several texts."""
        texts = self.value(node.operand)
        if is_plain_array(texts.type) and not node.ignoring_case:
            options = (o for o in node.options if isinstance(o, ir.Const))
            return has_any(texts, map(self.constant, options))
        return has_item(texts, self.one_of(item(), node, positive=True))

    def one_of(self, operand: Sql, node: ir.OneOf | ir.Contains, *, positive: bool) -> Sql:
        """Whether an expression is one of the constants, or none of them."""
        first, values = _alike(node)
        if node.ignoring_case:
            values = sorted({fold_case(str(v)) for v in values})
            operand = FoldedCase(decoded(operand), values)
        op = operators.in_op if positive else operators.not_in_op
        kind = _kind(first, operand)
        values = [_stored(v, kind) for v in all_bound(operand, values)]
        if not values:
            return settled(not positive)
        operand = zero_as_one(node.operand, operand)
        if first.dtype.kind is Kind.DECIMAL and node.operand.dtype.kind is Kind.INTEGER:
            operand = Spelled(Construct.SENT_DECIMAL, operand)
        if compares_itself(operand):
            found = joined([operand == value for value in values], conjunctive=False)
            return found if positive else sa.not_(found)
        if "" in values:
            operand = Spelled(Construct.EMPTY_TEXT, operand)
        parameter = _parameter(first, operand)
        tests = [
            compared(first, op, operand, parameter(None, each, kind, unique=True, expanding=True))
            for each in portions(values)
        ]
        return among(tests, operand, values, kind, positive=positive)

    def text_test(self, node: ir.TextTest, op: Any) -> Sql:
        """Whether a part of a text equals a wanted one; ``op`` says whether it should."""
        assert isinstance(node.pattern, ir.Const)
        pattern = str(node.pattern.value)
        text = decoded(self.value(node.operand))
        if node.operator is ir.TextOperator.MATCHES:
            return matched(text, pattern, positive=op is operators.eq)
        if node.ignoring_case:
            pattern = fold_case(pattern)
            text = FoldedCase(text, [pattern])
        wanted = sa.literal(pattern, sa.String())
        if node.operator is ir.TextOperator.CONTAINS:
            position = Spelled(Construct.POSITION, text, wanted)
            return position > 0 if op is operators.eq else position == 0
        length = sa.literal(len(pattern), sa.Integer())
        part = Spelled(_TEXT_PARTS[node.operator], text, length)
        return TextTest.of(op, part, wanted, NEGATED[op])

    def folded(self, node: ir.Value, other: ir.Value) -> Sql:
        if isinstance(node, ir.Const):
            return self.constant(ir.Const(fold_case(str(node.value)), node.dtype))
        others = [fold_case(str(other.value))] if isinstance(other, ir.Const) else None
        return FoldedCase(decoded(self.value(node)), others)

    def year_day(self, day: Sql) -> Sql:
        return sa.extract("month", day) * 100 + sa.extract("day", day)

    # -- values ---------------------------------------------------------------------------------

    def value(self, node: ir.Value) -> Sql:
        """An expression that is NULL when the value is missing."""
        match node:
            case ir.Const():
                return self.constant(node)
            case ir.Column():
                found = self._columns.get(node)
                if found is None:
                    found = by_code_point(self.columns.column(node))
                    if keeps_nan(node.dtype, found.type) and not isinstance(found, InForm):
                        found = Spelled(Construct.NAN_AS_NULL, found)
                    self._columns[node] = found
                return found
            case ir.Arithmetic():
                return self.arithmetic(node)
            case ir.ToFloat(operand):
                return Spelled(Construct.AS_FLOAT, decoded(self.value(operand)))
            case ir.Call():
                return self.call(node)
            case ir.Case():
                return cases.chosen(self, node)
            case ir.Aggregate() | ir.Standing() | ir.Overall():
                return self.known[node]
            case ir.Moment() | ir.Param():
                raise AssertionError("bound before")
            case _:
                assert_never(node)

    def constant(self, node: ir.Const, like: Sql | None = None) -> Sql:
        """A bound parameter, in the type and with the name of the column it meets."""
        if isinstance(node.value, int) and abs(node.value) > _LARGEST:
            # Constants can be computed beyond the integers of databases.
            node = ir.Const(to_float(node.value), FLOAT)
        value, kind = node.value, _kind(node, like)
        name = _name(like)
        parameter = CONSTANTS.get(node.dtype.kind, sa.BindParameter)
        bound = parameter(name, _stored(value, kind), kind, unique=True)
        if isinstance(value, float) and math.isinf(value):
            return Spelled(Construct.INFINITE, bound)
        return Spelled(Construct.EMPTY_TEXT, bound) if value == "" else bound

    def arithmetic(self, node: ir.Arithmetic) -> Sql:
        if node.operator == "/" and isinstance(node.right, ir.Const):
            return divided(self.operand(node.left), self.operand(node.right))
        if node.operator == "/":
            zero: Sql = sa.literal(0.0, sa.Double())
            right: Sql = sa.func.nullif(self.operand(node.right), zero, type_=sa.Double())
            return divided(self.operand(node.left), right)
        scale = node.dtype.scale
        if node.dtype.kind is Kind.DECIMAL and scale is not None:
            return exact(self.exact(node), scale)
        result: Sql = ARITHMETIC[node.operator](self.term(node.left), self.term(node.right))
        return result

    def operand(self, node: ir.Value) -> Sql:
        """A value that SQL computes with."""
        return decoded(self.value(node))

    def term(self, node: ir.Value) -> Sql:
        """An operand of arithmetic, whose result may be beyond an engine's type of the operand."""
        value = self.operand(node)
        # An age is small, and an expression that would lose its brackets.
        called = isinstance(node, ir.Call) and node.name != "age"
        stored = called or isinstance(node, ir.Column | ir.Aggregate | ir.Case)
        whole = stored and node.dtype.kind is Kind.INTEGER
        return Spelled(Construct.WHOLE, value) if whole else value

    def exact(self, node: ir.Arithmetic) -> Sql:
        """Exact arithmetic before it is rounded; within a chain rounding once is enough."""
        left, right = self.part(node, node.left), self.part(node, node.right)
        result: Sql = ARITHMETIC[node.operator](left, right)
        return result

    def part(self, node: ir.Arithmetic, operand: ir.Value) -> Sql:
        """An operand; no product magnifies the error of a sum that is not rounded."""
        if not isinstance(operand, ir.Arithmetic) or operand.dtype.kind is not Kind.DECIMAL:
            return self.term(operand)
        magnified = node.operator == "*" and operand.operator != "*"
        return self.value(operand) if magnified else self.exact(operand)

    def call(self, node: ir.Call) -> Sql:
        if node.added is not None:
            given = [(self.argument(a), a.nullable) for a in node.arguments]
            return extension.scalar(node.added, given, node.dtype)
        match node.name, node.arguments:
            case "abs", (number,):
                return sa.func.abs(self.operand(number), type_=TYPES[node.dtype.kind])
            case "default", (value, fallback):
                a = self.operand(value)  # constants do not meet it in the form of a column
                if isinstance(fallback, ir.Const):
                    b = self.constant(fallback, a)
                else:
                    a, b = met(value, a, self.operand(fallback))
                a = cases.in_one_form(value, a, node.dtype)
                b = cases.in_one_form(fallback, b, node.dtype)
                return sa.func.coalesce(a, b, type_=cases.in_digits(node.dtype, a.type))
            case "size", (texts,):
                return size(self.value(texts))
            case "bucket", (key, ir.Const(str() as salt)):
                return bucket(salt, self.operand(key))
            case name, arguments if name in _OF_OPERANDS:
                return _OF_OPERANDS[name](*map(self.operand, arguments))
            case "age", (birth, ir.Const(date() as today)):
                return self.age(self.operand(birth), today)
            case "instant", (day, ir.Const(datetime() as as_of)):
                told_by = time_arithmetic.told_by(self, day)
                return first_instant(self.operand(day), self.schema.zone, as_of, told_by)
            case _ if node.name in TIMES:
                return time_arithmetic.lowered(self, node)
            case "local", (at, ir.Const(datetime() as as_of)):
                moved = time_arithmetic.start_of(self, at)
                return local(self.operand(at), self.schema.zone, as_of, moved)
            case name, (time,) if name in PARTS:
                return part(name, self.operand(time), is_date=time.dtype == DATE)
            case name, arguments:
                # Numbers of which sums are made may be beyond an engine's type of them.
                lower = self.term if name == "mod" else self.argument
                return Spelled(FUNCTIONS[name], *map(lower, arguments))

    def argument(self, node: ir.Value) -> Sql:
        """An argument of a function; databases may not know a parameter's type."""
        if isinstance(node, ir.Const) and node.value is None:
            return sa.type_coerce(_NULL, TYPES[node.dtype.kind])
        return self.operand(node)

    def age(self, birth: Sql, today: date) -> Sql:
        """Whole years, from the parts of the date: 29 February counts as 28 in common years."""
        leap_too = month_day(today) + (month_day(today) == 228 and not isleap(today.year))
        not_yet = self.year_day(birth) > sa.literal(leap_too, sa.Integer())
        years = sa.literal(today.year, sa.Integer()) - sa.extract("year", birth)
        return years - sa.case((not_yet, 1), else_=0)


def zero_as_one(node: ir.Value, value: Sql) -> Sql:
    """A value for a list or for distinct ones, some of which tell minus zero from zero.

    What is stored has no minus zero any more.
    """
    is_computed = node.dtype.kind is Kind.FLOAT and not isinstance(node, ir.Column)
    return Spelled(Construct.ZERO_AS_ONE, value) if is_computed else value


def divided(left: Sql, right: Sql) -> Sql:
    """The quotient of two floats, without the casts that keep whole numbers from rounding."""
    return left.op("/", precedence=8, return_type=sa.Double())(right)


def _name(like: Sql | None) -> str | None:
    """What a constant is called beside a column: as it is."""
    return getattr(like, "key", None)


def _parameter(value: ir.Value, like: Sql) -> type[sa.BindParameter[Any]]:
    """How a constant is bound; a type of the app's own sends it as it does."""
    plain = sa.BindParameter
    return plain if is_own(like.type) else CONSTANTS.get(value.dtype.kind, plain)


def exactly(value: ir.Value, column: Sql) -> Sql:
    """A value as it is looked for among others: a text to the letter."""
    codec = codec_of(column.type)
    is_text = codec is None or (isinstance(codec.stored, sa.String) and not codec.in_sql)
    if value.dtype.kind is not Kind.TEXT or not is_text:
        return column
    return Spelled(Construct.EXACT_TEXT, column)


def _alike(node: ir.OneOf | ir.Contains) -> tuple[ir.Value, list[Any]]:
    """Constants of one type, and one of them that has it; whole numbers are no other numbers."""
    options = [o for o in node.options if isinstance(o, ir.Const)]
    values: list[Any] = [o.value for o in options]
    kinds = {o.dtype.kind for o in options}
    if len(kinds) == 1:
        return options[0], values
    if node.operand.dtype.kind is Kind.INTEGER:
        whole = next(o for o in options if o.dtype.kind is Kind.INTEGER)
        return whole, [int(v) for v in values if v == v // 1]
    if node.operand.dtype.kind is Kind.FLOAT:
        return ir.Const(0.0, FLOAT), [to_float(v) for v in values]
    return next(o for o in options if o.dtype.kind is not Kind.INTEGER), values


def _wraps(node: ir.YearDayIn) -> bool:
    low, high = node.low.value, node.high.value
    assert isinstance(low, int)
    assert isinstance(high, int)
    return low > high


def _kind(value: ir.Value, like: Sql | None) -> Any:
    """The type in which a constant is bound; text and times take that of the column they meet."""
    kind = value.dtype.kind
    if like is not None and is_own(like.type):
        return like.type
    if kind is Kind.TIMESTAMP and like is not None and varies(like.type):
        return InstantOf(like.type)
    if like is None or kind not in _OWN_TYPE or isinstance(like.type, sa.types.NullType):
        return TYPES[kind]
    return like.type


def _stored(value: Any, kind: Any) -> Any:
    """A constant as the column stores it: instants with a zone where the column has one."""
    if isinstance(value, datetime) and getattr(kind, "timezone", False):
        return value.replace(tzinfo=UTC)
    # Some lists tell minus zero from zero, and the sum is never minus zero.
    return value + 0.0 if isinstance(value, float) else value
