"""Whether Spark's decimals can hold what is computed or compared: beyond 38 digits it rounds."""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from typing import TypeAlias

import sqlalchemy as sa

from segmentkit._planning import ir
from segmentkit.dtypes import Kind
from segmentkit.errors import UnsupportedError
from segmentkit.extension import Aggregate
from segmentkit.functions import FUNCTIONS
from segmentkit.schema import Entity
from segmentkit.sqlalchemy.tables import Tables, column_of

Digits: TypeAlias = tuple[int, int]
"""How many digits a decimal has, and how many of them after the point."""

_MOST = 38
_KEPT = 6
"""Of more digits than the most, Spark keeps so many after the point, if there are so many."""
_SUMMED = 10
"""By so many digits the sum of a column is longer than its values."""
_COMPUTED = (ir.Column, ir.Arithmetic, ir.Call, ir.Case)
_COUNT: Digits = (20, 0)
_WHOLE: Digits = (20, 0)
_INTEGERS: tuple[tuple[type[sa.Integer], int], ...] = (
    (sa.SmallInteger, 5),
    (sa.BigInteger, 20),
    (sa.Integer, 10),
)


def check_digits(node: ir.Condition | ir.Value, tables: Tables) -> None:
    """See that decimals in a condition or a value are computed and compared exactly on Spark.

    Raises:
        UnsupportedError: Some of it would be rounded.
    """
    _Digits(tables, tables.schema.entity).check(node)


class _Digits:
    """Digits of values in one place: of the entity, or in the brackets of an aggregate."""

    def __init__(self, tables: Tables, here: Entity, holder: Entity | None = None) -> None:
        self.tables = tables
        self.here = here
        self.holder = holder

    def check(self, node: ir.Condition | ir.Value) -> None:
        for each in ir.walk(node, into_rows=False):
            if isinstance(each, ir.Aggregate):
                inside = self.inside(each)
                inside.check(each.where)
                if each.value is not None:
                    inside.check(each.value)
            elif isinstance(each, ir.Standing | ir.Overall):
                self.check(each.value)
                self.check(each.among)
            elif isinstance(each, ir.Follows):
                holder = self.here if each.own else self.holder
                assert holder is not None
                other = self.along(holder, (each.relation,))
                there = _Digits(self.tables, other, self.holder)
                there.check(each.where)
                for mine, its in each.same:
                    self.check(mine)
                    there.check(its)
            elif isinstance(each, ir.Arithmetic) and each.dtype.kind is Kind.DECIMAL:
                self.of(each)
            elif isinstance(each, ir.Compare):
                self.meet(each.left, each.right)
            elif isinstance(each, ir.OneOf):
                for option in each.options:
                    self.meet(each.operand, option)

    def meet(self, one: ir.Value, other: ir.Value) -> None:
        """See that a whole number is compared with a fraction as it is.

        Both become a decimal of as many digits before and after the point as either has; where
        they are too many, it is the fraction that Spark rounds.
        """
        if {one.dtype.kind, other.dtype.kind} != {Kind.INTEGER, Kind.DECIMAL}:
            return
        a, b = self.of(one), self.of(other)
        if max(a[0] - a[1], b[0] - b[1]) + max(a[1], b[1]) > _MOST:
            raise UnsupportedError(
                f"Spark cannot compare {_described(a)} with {_described(b)} exactly: its decimals "
                f"have {_MOST} digits in all; compare whole numbers with a whole number"
            )

    def inside(self, node: ir.Aggregate) -> _Digits:
        start = self.here if node.holder is ir.Scope.ROW else self.tables.schema.entity
        holder = self.along(start, node.path[:-1])
        return _Digits(self.tables, self.along(start, node.path), holder)

    def along(self, start: Entity, path: tuple[str, ...]) -> Entity:
        for name in path:
            relation = start.relation(name)
            assert relation is not None
            start = self.tables.schema.named(relation.to)
        return start

    def of(self, node: ir.Value) -> Digits:  # noqa: PLR0911
        """The digits of an exact number, as Spark counts them."""
        match node:
            case ir.Const(Decimal() as value):
                _, digits, exponent = value.as_tuple()
                after = max(0, -int(exponent))
                return max(after, len(digits) + max(0, int(exponent))), after
            case ir.Const(int() as value):
                return (10 if abs(value) < 2**31 else 20), 0
            case ir.Column():
                return self.of_column(node)
            case ir.Arithmetic(operator, left, right) if node.dtype.kind is Kind.DECIMAL:
                return _computed(operator, self.of(left), self.of(right))
            case ir.Arithmetic(operator, left, right) if node.dtype.kind is Kind.INTEGER:
                return _computed(operator, self.of_term(left), self.of_term(right))
            case ir.Call(name, arguments) if name in FUNCTIONS and FUNCTIONS[name].result is None:
                return reduce(_wider, map(self.of, arguments))
            case ir.Case(_, values):
                return reduce(_wider, map(self.of, values))
            case ir.Aggregate(Aggregate()):
                return _MOST, node.dtype.scale or 0
            case ir.Aggregate(function, _, value) if isinstance(value, _COMPUTED):
                return _of_aggregate(function, self.inside(node).of(value))
            case ir.Aggregate():
                return _COUNT
            case _ if node.dtype.kind is Kind.INTEGER:
                return _WHOLE
            case ir.Call():
                return _MOST, node.dtype.scale or 0
            case _:
                return _MOST, 0

    def of_term(self, node: ir.Value) -> Digits:
        """The digits of an operand of whole numbers' arithmetic, which is computed as a decimal."""
        return self.of(node) if isinstance(node, ir.Arithmetic | ir.Const) else _WHOLE

    def of_column(self, node: ir.Column) -> Digits:
        schema = self.tables.schema
        starts = {ir.Scope.ROW: self.here, ir.Scope.ENTITY: schema.entity}
        start = starts.get(node.scope) or schema.named(node.entity)
        entity = schema.follow(start, node.links)
        attribute = entity.attribute(node.name)
        assert attribute is not None
        if attribute.path:
            return 0, 0  # Spark cannot look into JSON, and says so when the query is compiled
        if attribute.form is not None:
            return _MOST, attribute.dtype.scale or 0
        type_ = column_of(self.tables.table(entity), attribute.column).type
        if isinstance(type_, sa.Numeric):
            return type_.precision or _MOST, type_.scale or 0
        return next((n for known, n in _INTEGERS if isinstance(type_, known)), _MOST), 0


def _of_aggregate(function: ir.AnyAggregate, digits: Digits) -> Digits:
    match function:
        case ir.AggregateFunction.COUNT | ir.AggregateFunction.COUNT_DISTINCT:
            return _COUNT
        case ir.AggregateFunction.SUM:
            return min(_MOST, digits[0] + _SUMMED), digits[1]
        case _:
            return digits


def _wider(a: Digits, b: Digits) -> Digits:
    after = max(a[1], b[1])
    return min(_MOST, max(a[0] - a[1], b[0] - b[1]) + after), after


def _computed(operator: str, a: Digits, b: Digits) -> Digits:
    if operator == "*":
        most, after = a[0] + b[0] + 1, a[1] + b[1]
    else:
        after = max(a[1], b[1])
        most = max(a[0] - a[1], b[0] - b[1]) + after + 1
    if most > _MOST and after > max(_MOST - (most - after), min(after, _KEPT)):
        raise UnsupportedError(
            f"Spark cannot compute {_described(a)} {operator} {_described(b)} exactly: its "
            f"decimals have {_MOST} digits in all; cast the columns to types of fewer digits"
        )
    return min(_MOST, most), after


def _described(digits: Digits) -> str:
    return f"DECIMAL({digits[0]}, {digits[1]})"
