"""The operators of SQLAlchemy for those of the language, and which is the opposite of which."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from sqlalchemy.sql import operators

from segmentkit._planning import ir

OPERATORS: dict[ir.Comparison, Any] = {
    ir.Comparison.EQ: operators.eq,
    ir.Comparison.LT: operators.lt,
    ir.Comparison.LE: operators.le,
    ir.Comparison.GT: operators.gt,
    ir.Comparison.GE: operators.ge,
}
OPPOSITES: dict[ir.Comparison, Any] = {
    ir.Comparison.EQ: operators.ne,
    ir.Comparison.LT: operators.ge,
    ir.Comparison.LE: operators.gt,
    ir.Comparison.GT: operators.le,
    ir.Comparison.GE: operators.lt,
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
_PAIRS = [
    *((OPERATORS[comparison], OPPOSITES[comparison]) for comparison in ir.Comparison),
    (operators.in_op, operators.not_in_op),
    (operators.is_, operators.is_not),
]
NEGATED = dict(_PAIRS) | {negative: positive for positive, negative in _PAIRS}
MIRRORED = {
    operators.eq: operators.eq,
    operators.ne: operators.ne,
    operators.lt: operators.gt,
    operators.le: operators.ge,
    operators.gt: operators.lt,
    operators.ge: operators.le,
}
