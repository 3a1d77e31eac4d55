"""Typed tree × ``as_of`` → typed tree that targets lower leaf by leaf.

Time becomes constants, constants are folded, and tests of one value against several constants
become one membership.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from functools import cached_property, partial
from typing import Any, assert_never

from attrs import evolve

from segmentkit import _operators
from segmentkit._calendar import (
    add_days,
    anniversaries,
    first_instant,
    latest_birth,
    local,
    micros,
    shift,
    shift_date,
    start_date,
    start_of,
)
from segmentkit._patterns.syntax import only_text, parse
from segmentkit._planning import ir
from segmentkit._planning.time_arithmetic import (
    between,
    bounded,
    by_branches,
    dates_within,
    instant_of,
    is_moved,
    number,
)
from segmentkit.dtypes import DATE, DURATION, INTEGER, TIMESTAMP

COMPARE: dict[ir.Comparison, Callable[[Any, Any], bool]] = {
    ir.Comparison.EQ: operator.eq,
    ir.Comparison.LT: operator.lt,
    ir.Comparison.LE: operator.le,
    ir.Comparison.GT: operator.gt,
    ir.Comparison.GE: operator.ge,
}
"""The comparisons as functions of two present values."""


_AGELESS = 20_000


def normalize(condition: ir.Condition, as_of: datetime, zone: tzinfo) -> ir.Condition:
    """Bind a condition to an instant.

    Args:
        condition: What a definition means.
        as_of: The instant, naive, in UTC.
        zone: Where days begin.

    Returns:
        An equivalent condition of constants, in which ``Not`` stands on leaves only.
    """
    return _Normalizer(as_of, zone).condition(condition)


def normalize_value(value: ir.Value, as_of: datetime, zone: tzinfo) -> ir.Value:
    """Bind a value to an instant, as `normalize` does a condition."""
    return _Normalizer(as_of, zone).value(value)


class _Normalizer:
    def __init__(self, as_of: datetime, zone: tzinfo) -> None:
        self.as_of = as_of
        self.zone = zone

    @cached_property
    def today(self) -> date:
        return local(self.as_of, self.zone).date()

    @cached_property
    def since_the_beginning(self) -> float:
        """The seconds from the calendar's first instant to ``as_of``."""
        return (self.as_of - datetime.min).total_seconds()

    def condition(self, node: ir.Condition) -> ir.Condition:
        match node:
            case ir.Not(operand):
                test = self.leaf(operand)
                return node if test is operand else _complement(test)
            case ir.And(operands):
                bound = [self.condition(o) for o in operands]
                return _memberships(node) if _same(bound, operands) else _all_of(bound)
            case ir.Or(operands):
                bound = [self.condition(o) for o in operands]
                return _memberships(node) if _same(bound, operands) else _any_of(bound)
            case ir.Counted(operands, least, most):
                bound = [self.condition(o) for o in operands]
                return node if _same(bound, operands) else ir.counted(bound, least, most)
            case _:
                return self.leaf(node)

    def leaf(self, node: ir.Condition) -> ir.Condition:
        match node:
            case ir.Always() | ir.Contains() | ir.YearDayIn():
                return node
            case ir.Compare():
                return self.compare(node)
            case ir.OneOf(operand, options, folded):
                value = self.value(operand)
                if isinstance(value, (ir.Const, ir.Call)):
                    # A constant folds, and ages become dates of birth, by way of comparisons.
                    tests = [ir.Compare(ir.Comparison.EQ, operand, o, folded) for o in options]
                    return _any_of([self.compare(test) for test in tests])
                return node if value is operand else evolve(node, operand=value)
            case ir.TextTest():
                return _fold_text_test(evolve(node, operand=self.value(node.operand)))
            case ir.AnniversaryIn():
                return self.anniversary(node)
            case ir.Missing(operand):
                value = self.value(operand)
                if isinstance(value, ir.Const):
                    return ir.Always(value.value is None)
                if is_moved(value):
                    return ir.Missing(number(value))
                return ir.Missing(value) if value.nullable else ir.FALSE
            case ir.Listed(operand, _, keys):
                value = self.value(operand)
                if isinstance(value, ir.Const):
                    return ir.Always(value.value in keys)
                return node if value is operand else evolve(node, operand=value)
            case ir.Follows():
                return self.follows(node)
            case ir.And() | ir.Or() | ir.Counted() | ir.Not():
                raise AssertionError("not a leaf")
            case _:
                assert_never(node)

    def follows(self, node: ir.Follows) -> ir.Condition:
        same = tuple(self.met(*map(self.value, pair)) for pair in node.same)
        if any(value == ir.Const(None, value.dtype) for pair in same for value in pair):
            return ir.FALSE
        # Rows are seen up to as_of, so a time as long as the calendar is no limit.
        limited = node.within is not None and node.within < self.since_the_beginning
        within = node.within if limited else None
        return evolve(node, where=self.condition(node.where), within=within, same=same)

    def met(self, left: ir.Value, right: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Two values that are bound, in one form: a date stands for its first instant."""
        if left.dtype != right.dtype and left.dtype.is_time:
            left, right = self.instant(left), self.instant(right)
        if is_moved(left) or is_moved(right):
            left, right = number(left), number(right)
        return left, right

    def compare(self, node: ir.Compare) -> ir.Condition:
        op, left, right = node.operator, self.value(node.left), self.value(node.right)
        if (
            isinstance(left, ir.Column)
            and isinstance(right, ir.Const)
            and right.value is not None
            and left.dtype.kind is right.dtype.kind
        ):
            # Most tests are of this kind; nodes that stay the same keep their hash.
            same = left is node.left and right is node.right
            return node if same else ir.Compare(op, left, right, node.ignoring_case)
        return self.compare_bound(op, left, right, folded=node.ignoring_case)

    def compare_bound(
        self, op: ir.Comparison, left: ir.Value, right: ir.Value, *, folded: bool = False
    ) -> ir.Condition:
        """The same of operands that are bound already: nothing is bound twice."""
        if isinstance(left, ir.Const) and not isinstance(right, ir.Const):
            op, left, right = ir.MIRRORED[op], right, left
        if is_moved(left) or is_moved(right):
            return self.compare_moved(op, left, right)
        if left.dtype != right.dtype and left.dtype.is_time:
            return self.compare_times(op, left, right)
        if left.dtype == DURATION and not isinstance(left, ir.Const):
            match right:
                case ir.Const(int() as limit):
                    return bounded(op, left, limit)
                case _:
                    pass
        if isinstance(right, ir.Const):
            if right.value is None:
                return ir.FALSE
            if isinstance(left, ir.Const):
                return _fold_compare(op, left, right, folded=folded)
            if isinstance(left, ir.Call) and left.name == "age":
                return self.compare_age(op, left.arguments[0], right.value)
        return ir.Compare(op, left, right, folded)

    def compare_times(self, op: ir.Comparison, left: ir.Value, right: ir.Value) -> ir.Condition:
        """A date against an instant: the date stands for its first instant."""
        if left.dtype == DATE and isinstance(right, ir.Const):
            if right.value is None:
                return ir.FALSE
            return self.compare_date(op, left, right.value)
        left, right = self.instant(left), self.instant(right)
        if isinstance(left, ir.Const) and isinstance(right, ir.Const):
            return _fold_compare(op, left, right, folded=False)
        return ir.Compare(op, left, right)

    def compare_moved(self, op: ir.Comparison, left: ir.Value, right: ir.Value) -> ir.Condition:
        """Times of which one is moved: as bounds of the other, or as numbers."""
        if left.dtype != right.dtype:
            if left.dtype == DATE and isinstance(right, ir.Const):
                of_days = self.compare_times(op, left, right)
                if not isinstance(of_days, ir.Compare):
                    return of_days
                op, right = of_days.operator, of_days.right
                return self.compare_bound(op, left, right)
            left, right = self.instant(left), self.instant(right)
        if isinstance(right, ir.Const):
            if right.value is None:
                return ir.FALSE
            if isinstance(left, ir.Call) and left.name == "later_month":
                return self.compare_month(op, left, right)
            return bounded(op, number(left), micros(right.value))  # type: ignore[arg-type]
        return ir.Compare(op, number(left), number(right))

    def compare_month(self, op: ir.Comparison, left: ir.Call, day: ir.Const) -> ir.Condition:
        """``d + 1 month <= day`` as bounds of the date; days later are months later, or alike."""
        start, months = left.arguments
        assert isinstance(day.value, date)
        assert isinstance(months, ir.Const)
        assert isinstance(months.value, int)
        low, high = dates_within(op, day.value, months.value)
        if low > high:
            return ir.FALSE
        tests = between(start, low, high)
        if not tests:
            return _present(start)
        return _all_of([self.compare_bound(each.operator, start, each.right) for each in tests])

    def compare_date(self, op: ir.Comparison, left: ir.Value, instant: Any) -> ir.Condition:
        """``left`` against an instant as a test of days, which an index on dates can serve."""
        day = local(instant, self.zone).date()
        exact = first_instant(day, self.zone) == instant
        if not exact:
            if op is ir.Comparison.EQ:
                return ir.FALSE
            # Days that begin before the instant are those up to its own day.
            op = {
                ir.Comparison.LT: ir.Comparison.LE,
                ir.Comparison.GE: ir.Comparison.GT,
            }.get(op, op)
        day_const = ir.Const(day, DATE)
        if isinstance(left, ir.Const):
            return _fold_compare(op, left, day_const, folded=False)
        return ir.Compare(op, left, day_const)

    def instant(self, value: ir.Value) -> ir.Value:
        return instant_of(value, self.as_of, self.zone)

    def compare_age(self, op: ir.Comparison, birth: ir.Value, years: Any) -> ir.Condition:
        """``age(d) >= 18`` as a test of the date itself, which an index can serve."""
        # Beyond the calendar's length all ages are alike; infinity is no whole number.
        years = min(max(years, -_AGELESS), _AGELESS)
        whole = years == math.floor(years)
        match op:
            case ir.Comparison.GE:
                return self.at_least(birth, math.ceil(years))
            case ir.Comparison.GT:
                return self.at_least(birth, math.floor(years) + 1)
            case ir.Comparison.LT:
                return self.younger(birth, math.ceil(years))
            case ir.Comparison.LE:
                return self.younger(birth, math.floor(years) + 1)
            case ir.Comparison.EQ:
                if not whole:
                    return ir.FALSE
                years = int(years)
                return _all_of([self.at_least(birth, years), self.younger(birth, years + 1)])
            case _:
                assert_never(op)

    def at_least(self, birth: ir.Value, years: int) -> ir.Condition:
        latest = latest_birth(years, self.today)
        if latest is None:
            return ir.FALSE
        return ir.Compare(ir.Comparison.LE, birth, ir.Const(latest, DATE))

    def younger(self, birth: ir.Value, years: int) -> ir.Condition:
        latest = latest_birth(years, self.today)
        if latest is None:
            return _present(birth)
        return ir.Compare(ir.Comparison.GT, birth, ir.Const(latest, DATE))

    def anniversary(self, node: ir.AnniversaryIn) -> ir.Condition:
        operand, low, high = map(self.value, (node.operand, node.low, node.high))
        assert isinstance(low, ir.Const)
        assert isinstance(high, ir.Const)
        first, last = low.value, high.value
        assert isinstance(first, date)
        assert isinstance(last, date)
        first = add_days(first, 1) if node.low_open else first
        last = add_days(last, -1) if node.high_open else last
        if first > last:
            return ir.FALSE
        days = anniversaries(first, last)
        if days is None:
            return _present(operand)
        if isinstance(operand, ir.Const):
            day = operand.value
            return ir.Always(isinstance(day, date) and _operators.year_day_in(day, *days))
        return ir.YearDayIn(operand, *(ir.Const(day, INTEGER) for day in days))

    def value(self, node: ir.Value) -> ir.Value:
        match node:
            case ir.Const() | ir.Param() | ir.Column():
                return node
            case ir.Moment():
                return ir.Const(self.moment(node), node.dtype)
            case ir.Arithmetic(op, left, right):
                return _fold_arithmetic(
                    evolve(node, left=self.value(left), right=self.value(right)), op
                )
            case ir.ToFloat(operand):
                operand = self.value(operand)
                if isinstance(operand, ir.Const):
                    return ir.Const(_operators.to_float(operand.value), node.dtype)
                return ir.ToFloat(operand)
            case ir.Call():
                return self.call(node)
            case ir.Case():
                return self.case(node)
            case ir.Standing(value, among) | ir.Overall(_, value, among):
                return evolve(node, value=self.value(value), among=self.condition(among))
            case ir.Aggregate(_, _, value, where):
                inner = None if value is None else self.value(value)
                way = tuple(evolve(t, where=self.condition(t.where)) for t in node.through)
                return evolve(node, value=inner, where=self.condition(where), through=way)
            case _:
                assert_never(node)

    def case(self, node: ir.Case) -> ir.Value:
        """Without the branches that nobody comes to."""
        tests: list[ir.Condition] = []
        values: list[ir.Value] = []
        for test, value in zip((*node.tests, ir.TRUE), node.values, strict=True):
            bound = self.condition(test)
            if bound == ir.FALSE:
                continue
            values.append(self.value(value))
            if bound == ir.TRUE:
                break
            tests.append(bound)
        return evolve(node, tests=tuple(tests), values=tuple(values)) if tests else values[0]

    def call(self, node: ir.Call) -> ir.Value:
        arguments = tuple(self.value(a) for a in node.arguments)
        if node.name == "default" and (
            isinstance(arguments[0], ir.Const) or not arguments[0].nullable
        ):
            missing = isinstance(arguments[0], ir.Const) and arguments[0].value is None
            return arguments[1] if missing else arguments[0]
        if node.name == "age":
            arguments = (arguments[0], ir.Const(self.today, DATE))
        if node.name in _operators.PARTS:
            return self.part(node, arguments[0])
        if node.name == "micros":
            return number(arguments[0])
        if node.name == "instant" and len(arguments) == 1:
            return self.instant(arguments[0])
        if node.name in _operators.TIMES and all(isinstance(a, ir.Const) for a in arguments):
            values = (a.value for a in arguments if isinstance(a, ir.Const))
            return ir.Const(_operators.TIMES[node.name](*values), node.dtype)
        constants = [a.value for a in arguments if isinstance(a, ir.Const)]
        if node.name in _operators.FUNCTIONS and len(constants) == len(arguments):
            return ir.Const(_operators.FUNCTIONS[node.name](*constants), node.dtype)
        passes = node.added is not None and not node.added.takes_missing
        if passes and any(isinstance(a, ir.Const) and a.value is None for a in arguments):
            return ir.Const(None, node.dtype)
        return evolve(node, arguments=arguments)

    def part(self, node: ir.Call, value: ir.Value) -> ir.Value:
        """A part of what the clock of the zone shows; dates are the same everywhere."""
        if isinstance(value, ir.Const):
            at = local(value.value, self.zone) if isinstance(value.value, datetime) else value.value
            shown = None if at is None else _operators.PARTS[node.name](at)
            return evolve(value, value=shown, dtype=node.dtype)
        if value.dtype == TIMESTAMP:
            if each := by_branches(value, partial(self.part, node), node.dtype):
                return each
            value = ir.Call("local", (value, ir.Const(self.as_of, TIMESTAMP)), TIMESTAMP)
        elif node.name == "day":
            return value
        return evolve(node, arguments=(value,))

    def moment(self, node: ir.Moment) -> date:
        if node.dtype == TIMESTAMP:
            move = start_of if node.anchor is ir.Anchor.START else shift
            return move(self.as_of, node.count, node.unit, self.zone)
        move_date = start_date if node.anchor is ir.Anchor.START else shift_date
        return move_date(self.today, node.count, node.unit)


def _present(value: ir.Value) -> ir.Condition:
    if isinstance(value, ir.Const):
        return ir.Always(value.value is not None)
    return ir.Not(ir.Missing(value)) if value.nullable else ir.TRUE


def _fold_compare(
    op: ir.Comparison, left: ir.Const, right: ir.Const, *, folded: bool
) -> ir.Condition:
    a, b = left.value, right.value
    if a is None or b is None:
        return ir.FALSE
    if folded:
        a, b = _operators.fold_case(str(a)), _operators.fold_case(str(b))
    return ir.Always(COMPARE[op](a, b))


def _fold_text_test(node: ir.TextTest) -> ir.Condition:
    """Everything present contains the empty text; a constant is tested now."""
    pattern, operand = node.pattern, node.operand
    if isinstance(pattern, ir.Const) and node.operator is ir.TextOperator.MATCHES:
        text = only_text(parse(str(pattern.value)))
        if text is not None and not isinstance(operand, ir.Const):
            return ir.Compare(ir.Comparison.EQ, operand, evolve(pattern, value=text))
    elif isinstance(pattern, ir.Const) and pattern.value == "":
        return _present(operand)
    if isinstance(pattern, ir.Const) and isinstance(operand, ir.Const):
        text, wanted = str(operand.value), str(pattern.value)
        if node.ignoring_case:
            text, wanted = _operators.fold_case(text), _operators.fold_case(wanted)
        found = _operators.TEXT_TESTS[node.operator.value](text, wanted)
        return ir.Always(operand.value is not None and found)
    return node


def _fold_arithmetic(node: ir.Arithmetic, op: str) -> ir.Value:
    left, right = node.left, node.right
    if isinstance(left, ir.Const) and isinstance(right, ir.Const):
        return ir.Const(_operators.ARITHMETIC[op](left.value, right.value), node.dtype)
    if op == "/" and isinstance(right, ir.Const) and not right.value:
        return ir.Const(None, node.dtype)
    return node


def _complement(test: ir.Condition) -> ir.Condition:
    """Binding can turn one leaf into several, whose complements can be one membership again."""
    match ir.complement(test):
        case ir.And(operands):
            return _all_of(list(operands))
        case ir.Or(operands):
            return _any_of(list(operands))
        case other:
            return other


def _same(bound: list[ir.Condition], operands: tuple[ir.Condition, ...]) -> bool:
    """Whether nothing was bound: nodes that stay the same keep their hash."""
    return all(map(operator.is_, bound, operands))


def _all_of(operands: list[ir.Condition]) -> ir.Condition:
    return _memberships(ir.conjunction(operands))


def _any_of(operands: list[ir.Condition]) -> ir.Condition:
    return _memberships(ir.disjunction(operands))


def _memberships(node: ir.Condition) -> ir.Condition:
    """The same with tests of one value against several constants as one membership."""
    if not isinstance(node, (ir.And, ir.Or)):
        return node
    negated = isinstance(node, ir.And)
    merged = _merged(node, negated=negated)
    if merged is None:
        return node
    return ir.conjunction(merged) if negated else ir.disjunction(merged)


def _merged(node: ir.And | ir.Or, *, negated: bool) -> list[ir.Condition] | None:
    """Tests of one value against several constants as one membership; None if there are none.

    ``x = 1 or x = 2`` is ``x in (1, 2)``; ``x != 1 and x != 2`` is its complement.
    """
    groups: dict[tuple[ir.Value, bool], list[ir.Const | ir.Param]] = {}
    members: dict[ir.Condition, tuple[ir.Value, bool]] = {}
    for part in node.operands:
        test = part.operand if negated and isinstance(part, ir.Not) else part
        found = _membership(test) if negated == isinstance(part, ir.Not) else None
        if found is not None:
            key, options = found
            members[part] = key
            groups.setdefault(key, []).extend(options)
    if len(groups) == len(members):
        return None
    result: list[ir.Condition] = []
    for part in node.operands:
        if part not in members:
            result.append(part)
            continue
        (operand, folded) = members[part]
        if all_options := groups.pop((operand, folded), None):
            one_of = ir.OneOf(operand, tuple(dict.fromkeys(all_options)), folded)
            result.append(ir.Not(one_of) if negated else one_of)
    return result


def _membership(
    test: ir.Condition,
) -> tuple[tuple[ir.Value, bool], list[ir.Const | ir.Param]] | None:
    match test:
        case ir.Compare(ir.Comparison.EQ, left, ir.Const() as right, folded):
            return (left, folded), [right]
        case ir.OneOf(operand, options, folded):
            return (operand, folded), list(options)
        case _:
            return None
