"""What nodes of the typed tree are told apart by: comparisons, tests of texts, aggregates."""

from __future__ import annotations

from enum import Enum

# Members of these are single objects, so their identity is hash enough, and faster.


class Scope(Enum):
    """Whose row a column is read from: the customer's, or the row an aggregate looks at.

    ABOVE is a row that the latter belongs to: so many relations up.
    """

    ENTITY = "entity"
    ROW = "row"
    ABOVE = "above"

    __hash__ = object.__hash__


class Comparison(Enum):
    """The positive comparisons; ``!=`` is the complement of EQ."""

    EQ = "="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    __hash__ = object.__hash__


MIRRORED = {
    Comparison.EQ: Comparison.EQ,
    Comparison.LT: Comparison.GT,
    Comparison.LE: Comparison.GE,
    Comparison.GT: Comparison.LT,
    Comparison.GE: Comparison.LE,
}
"""The comparison that holds when the operands change sides."""


class TextOperator(Enum):
    """How a text and a pattern are compared."""

    CONTAINS = "contains"
    STARTS = "starts with"
    ENDS = "ends with"
    MATCHES = "matches"

    __hash__ = object.__hash__


class AggregateFunction(Enum):
    """What one value is made of many rows. ``any`` and ``none`` are counts."""

    COUNT = "count"
    COUNT_DISTINCT = "count distinct"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    MEDIAN = "median"
    MODE = "mode"
    STREAK = "streak"
    PERCENTILE = "percentile"
    FIRST = "first"
    LAST = "last"

    __hash__ = object.__hash__


class Anchor(Enum):
    """What a moment is told from."""

    NOW = "now"
    TODAY = "today"
    START = "start of the unit"

    __hash__ = object.__hash__
