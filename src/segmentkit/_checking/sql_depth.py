"""How deep a definition nests once it is SQL, counted in symbols that a parser keeps in mind.

SQLite's parser, the narrowest, keeps 100 of them before version 3.46 or so. The weights are what
the SQL of each node was seen to take of it: as many as the brackets that must be left out around
it until SQLite reads a statement again.
"""

from __future__ import annotations

from segmentkit._calendar import SUNDAY_WEEK
from segmentkit._planning import ir
from segmentkit.dtypes import Kind

MOST = 80
"""How deep a whole definition may be; the rest is for the statement that it stands in."""

_COLUMN_OF_TEXTS, _IN_DOCUMENT, _LINK = 22, 12, 10
_OUTERMOST, _AGGREGATE = 12, 7
_IN_ORDER: dict[ir.AnyAggregate, int] = {
    ir.AggregateFunction.MEDIAN: 11,
    ir.AggregateFunction.MODE: 16,
    ir.AggregateFunction.PERCENTILE: 14,
    ir.AggregateFunction.STREAK: 20,
    ir.AggregateFunction.FIRST: 16,
    ir.AggregateFunction.LAST: 16,
}
_CALLS = {
    **{"distance": 30, "age": 16, "weekday": 10, "week": 8, SUNDAY_WEEK: 9, "version": 14},
    **{"mod": 10, "micros": 14, "within": 8, "moved": 16, "later_month": 20},
}
_CALL, _QUOTIENT, _OPERATION = 7, 7, 4
_WEIGHTS: dict[type, int] = {
    **dict.fromkeys((ir.And, ir.Or, ir.ToFloat, ir.OneOf), 3),
    **dict.fromkeys((ir.Missing, ir.Compare), 2),
    **dict.fromkeys((ir.TextTest, ir.Counted), 6),
    ir.Follows: 8,
    ir.Case: 6,
    **dict.fromkeys((ir.AnniversaryIn, ir.YearDayIn, ir.Listed), 11),
    **dict.fromkeys((ir.Standing, ir.Overall), 14),
    # A complement is never refused.
    ir.Not: 0,
    **dict.fromkeys((ir.Always, ir.Const, ir.Param, ir.Moment, ir.Contains), 0),
}
_LEAVES = frozenset((ir.Always, ir.Const, ir.Param, ir.Moment, ir.Column))

_STARTS = (ir.And, ir.Or, ir.Follows, *ir.OF_MANY)
"""Below these, conditions stand for themselves."""


def is_deeper(tree: ir.Condition | ir.Value, most: int) -> bool:
    """Whether a typed tree nests deeper, found without recursion."""
    stack = [(tree, 0, 0, _OUTERMOST)]
    while stack:
        node, start, depth, outermost = stack.pop()
        kind = type(node)
        if kind in ir.OF_MANY:
            # It is joined where the condition stands, and not nested in its values.
            depth = start + outermost
            outermost = 0
        weight = _WEIGHTS.get(kind)
        depth += _weight(node) if weight is None else weight
        if depth > most:
            return True
        if kind not in _LEAVES:
            start = depth if kind in _STARTS else start
            stack += [(part, start, depth, outermost) for part in ir.parts(node)]
    return False


def _weight(node: ir.Condition | ir.Value) -> int:
    match node:
        case ir.Column():
            texts = _COLUMN_OF_TEXTS if node.dtype.kind is Kind.TEXTS else 0
            return (texts or _IN_DOCUMENT * ("." in node.name)) + _LINK * bool(node.links)
        case ir.Arithmetic(operator):
            return _QUOTIENT if operator == "/" else _OPERATION
        case ir.Call(name):
            return _CALLS.get(name, _CALL)
        case ir.Aggregate(function):
            return _IN_ORDER.get(function, _AGGREGATE)
        case _:
            raise AssertionError(f"{type(node).__name__} has no weight")
