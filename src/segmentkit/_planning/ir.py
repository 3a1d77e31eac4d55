"""The typed tree: what a definition means. Small, resolved and total, without windows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from typing import Any, TypeAlias

from attrs import field, frozen

from segmentkit._planning import operators
from segmentkit.dtypes import FLOAT, INTEGER, DType, Kind
from segmentkit.extension import Aggregate as AddedAggregate
from segmentkit.extension import Function as AddedFunction
from segmentkit.functions import FUNCTIONS

Constant: TypeAlias = bool | int | float | Decimal | str | date | datetime
Scope = operators.Scope
Comparison = operators.Comparison
MIRRORED = operators.MIRRORED
TextOperator = operators.TextOperator
AggregateFunction = operators.AggregateFunction
Anchor = operators.Anchor
AnyAggregate: TypeAlias = AggregateFunction | AddedAggregate
"""An aggregate of the language, or one that the schema adds."""


# -- values -------------------------------------------------------------------------------------


@frozen(cache_hash=True)
class Const:
    """A constant; ``None`` is missing. Timestamps are naive, in UTC."""

    value: Constant | None
    dtype: DType

    @property
    def nullable(self) -> bool:
        """Whether it is missing."""
        return self.value is None


@frozen(cache_hash=True)
class Param:
    """A parameter that has no value yet."""

    name: str
    dtype: DType
    nullable: bool = False


@frozen(cache_hash=True)
class Moment:
    """A date or a timestamp told from ``as_of``.

    From NOW and TODAY, ``count`` units away; from START, the beginning of the calendar unit
    ``count`` units away from the current one.
    """

    anchor: Anchor
    count: int
    unit: str
    dtype: DType
    nullable: bool = False


@frozen(cache_hash=True)
class Column:
    """An attribute, of the row itself or at the end of links from it.

    Of a row ABOVE, ``up`` says how many relations away it is, and ``entity`` what it is.
    """

    scope: Scope
    links: tuple[str, ...]
    name: str
    dtype: DType
    nullable: bool
    up: int = 0
    entity: str = ""


@frozen(cache_hash=True)
class Arithmetic:
    """``left op right``; ``/`` is of floats."""

    operator: str
    left: Value
    right: Value
    dtype: DType

    @property
    def nullable(self) -> bool:
        """Whether it can be missing."""
        by_zero = self.operator == "/" and _may_be_zero(self.right)
        return by_zero or self.left.nullable or self.right.nullable


@frozen(cache_hash=True)
class ToFloat:
    """An exact number as a float, where it meets floats."""

    operand: Value
    dtype: DType = FLOAT

    @property
    def nullable(self) -> bool:
        """Whether it can be missing."""
        return self.operand.nullable


def _may_be_zero(value: Value) -> bool:
    return not (isinstance(value, Const) and value.value)


_BEYOND_CALENDAR = ("moved", "later_month", "within")


@frozen(cache_hash=True)
class Call:
    """A scalar function: of ``functions``, by name, or one that the schema adds."""

    name: str
    arguments: tuple[Value, ...]
    dtype: DType
    added: AddedFunction | None = None

    @property
    def nullable(self) -> bool:
        """Whether it can be missing."""
        if self.added is not None and (self.added.nullable or self.added.takes_missing):
            return self.added.nullable
        by_zero = self.name == "mod" and _may_be_zero(self.arguments[1])
        rule = FUNCTIONS[self.name].missing if self.name in FUNCTIONS else any
        beyond = by_zero or self.name in _BEYOND_CALENDAR
        return beyond or rule(argument.nullable for argument in self.arguments)


_EMPTY_IS_ZERO = {AggregateFunction(word) for word in ("count", "count distinct", "sum", "streak")}


def over_nothing(function: AnyAggregate, dtype: DType) -> Const:
    """What an aggregate is over no values: missing, but for counts, sums and what says so."""
    if not isinstance(function, AddedAggregate):
        return Const(0 if function in _EMPTY_IS_ZERO else None, dtype)
    found = function.empty
    if dtype.kind is Kind.FLOAT and isinstance(found, int | Decimal):
        found = float(found)
    return Const(found, dtype)


@frozen(cache_hash=True)
class Through:
    """A relation on the way to the rows of an aggregate, and which of its rows are passed."""

    relation: str
    where: Condition


@frozen(cache_hash=True)
class Aggregate:
    """One value of the rows of a relation that pass ``where`` (windows and ``as_of`` included).

    ``value`` is None for a count of rows, and ``share`` is a percentile's. ``holder`` is whose rows
    they are: the customer's, or the row's that it stands beside. ``through`` leads from there to
    their owners, outermost first. In ``value`` and ``where``, ROW is the row of that relation.
    """

    function: AnyAggregate
    relation: str
    value: Value | None
    where: Condition
    dtype: DType
    holder: Scope = Scope.ENTITY
    through: tuple[Through, ...] = ()
    share: Fraction | Param | None = None

    @property
    def nullable(self) -> bool:
        """Whether it can be missing: not where it is something over no rows."""
        return self.empty.value is None

    @property
    def empty(self) -> Const:
        """Its value over no rows."""
        return over_nothing(self.function, self.dtype)

    @property
    def path(self) -> tuple[str, ...]:
        """The relations from the holder to the rows."""
        return (*(step.relation for step in self.through), self.relation)


@frozen(cache_hash=True)
class Standing:
    """Where a customer's value stands among those whose value is present, from 1, ties alike.

    ``among`` says who is ranked: of others, and of those without a value, it is missing. With
    ``tiles``, the ranks are parted evenly into so many: 1 + ⌊(rank - 1) * tiles / ranked⌋.
    """

    value: Value
    among: Condition
    descending: bool
    tiles: int | None
    dtype: DType = INTEGER
    nullable: bool = True


@frozen(cache_hash=True)
class Overall:
    """One value of the values of many customers: all those of whom ``among`` holds."""

    function: AnyAggregate
    value: Value
    among: Condition
    dtype: DType

    @property
    def nullable(self) -> bool:
        """Whether it can be missing: not where it is something over nobody."""
        return over_nothing(self.function, self.dtype).value is None


@frozen(cache_hash=True)
class Case:
    """The value of the first test that is true; the last value is that where none is."""

    tests: tuple[Condition, ...]
    values: tuple[Value, ...]
    dtype: DType

    @property
    def nullable(self) -> bool:
        """Whether it can be missing."""
        return any(value.nullable for value in self.values)


Value: TypeAlias = (
    Const | Param | Moment | Column | Arithmetic | ToFloat | Call | Case
    | Aggregate | Standing | Overall
)  # fmt: skip


# -- conditions: true or false of every row, never unknown -----------------------------------------


@frozen(cache_hash=True)
class Always:
    """Everyone, or nobody."""

    value: bool


@frozen(cache_hash=True)
class Compare:
    """True when both operands are present and compare so."""

    operator: Comparison
    left: Value
    right: Value
    ignoring_case: bool = False


@frozen(cache_hash=True)
class OneOf:
    """True when the operand is present and one of the options."""

    operand: Value
    options: tuple[Const | Param, ...] = field(eq=frozenset)
    ignoring_case: bool = False


@frozen(cache_hash=True)
class Listed:
    """True when the operand is present and one of the keys of a static list, however many."""

    operand: Value
    name: str = field(eq=False)
    keys: frozenset[int | str] = field(repr=lambda keys: f"<{len(keys)}>")


@frozen(cache_hash=True)
class TextTest:
    """True when the operand is present and has the pattern there."""

    operator: TextOperator
    operand: Value
    pattern: Const | Param
    ignoring_case: bool = False


@frozen(cache_hash=True)
class Contains:
    """True when the list of texts is present and one of its texts is one of the options."""

    operand: Value
    options: tuple[Const | Param, ...] = field(eq=frozenset)
    ignoring_case: bool = False


@frozen(cache_hash=True)
class AnniversaryIn:
    """True when the date is present and has an anniversary between two days told from ``as_of``."""

    operand: Value
    low: Value
    low_open: bool
    high: Value
    high_open: bool


@frozen(cache_hash=True)
class YearDayIn:
    """What binding makes of it: the day of the year is in a range, both ends in.

    The ends are from ``_calendar.month_day``; where ``low > high`` the range passes the year's end.
    """

    operand: Value
    low: Const
    high: Const


@frozen(cache_hash=True)
class Missing:
    """True when the operand is missing: the one test that sees it."""

    operand: Value


@frozen(cache_hash=True)
class Follows:
    """True of a row when another row, that passes ``where``, comes after it.

    Rows at one instant do not follow each other. The other rows belong to the same holder, the
    one that the enclosing aggregate has, or, if ``own``, to the row itself. In ``where``, ROW is
    the other row.

    Attributes:
        relation: Where the other row is from; it has a time.
        own: Whether the relation is one of the row itself.
        at: When the row is.
        where: What the other row must pass; that it is seen as of ``as_of`` is part of it.
        backward: Whether the other row comes before it instead.
        within: How many seconds may lie between them; None if any number.
        same: Values that are present and equal: one of the row, and one of the other row.
    """

    relation: str
    own: bool
    at: Column
    where: Condition
    backward: bool
    within: int | None
    same: tuple[tuple[Value, Value], ...] = ()


@frozen(cache_hash=True)
class Not:
    """The complement of a leaf; see ``complement``."""

    operand: Condition


@frozen(cache_hash=True)
class And:
    """All of them; equal in whatever order they stand."""

    operands: tuple[Condition, ...] = field(eq=frozenset)


@frozen(cache_hash=True)
class Or:
    """Any of them; equal in whatever order they stand."""

    operands: tuple[Condition, ...] = field(eq=frozenset)


@frozen(cache_hash=True)
class Counted:
    """At least and at most so many of them; see ``counted``.

    As long as a parameter stands for the number, ``open`` says where, and the bounds say nothing.
    """

    operands: tuple[Condition, ...]
    least: int
    most: int
    open: str | None = None


Condition: TypeAlias = (
    Always
    | Compare
    | OneOf
    | Listed
    | TextTest
    | Contains
    | AnniversaryIn
    | YearDayIn
    | Missing
    | Follows
    | Not
    | And
    | Or
    | Counted
)

TRUE = Always(True)
FALSE = Always(False)


def conjunction(operands: list[Condition]) -> Condition:
    """All of them, flattened; nothing left means everyone."""
    return _junction(And, operands, settled=False)


def disjunction(operands: list[Condition]) -> Condition:
    """Any of them, flattened; nothing left means nobody."""
    return _junction(Or, operands, settled=True)


def _junction(kind: type[And | Or], operands: list[Condition], *, settled: bool) -> Condition:
    """Each operand once, as far as it matters; ``settled``: what one operand says for all."""
    found: dict[Condition, None] = {}
    for operand in operands:
        for part in operand.operands if isinstance(operand, kind) else (operand,):
            if not isinstance(part, Always):
                found[part] = None
            elif part.value is settled:
                return Always(settled)
    return kind(tuple(found)) if len(found) > 1 else next(iter(found), Always(not settled))


def counted(operands: list[Condition], least: int, most: int) -> Condition:
    """At least and at most so many of them; a junction where that says the same."""
    held = sum(part == TRUE for part in operands)
    found: list[Condition] = [part for part in operands if not isinstance(part, Always)]
    least, most = max(least - held, 0), min(most - held, len(found))
    if least > most:
        return FALSE
    if least == 0:
        if most == len(found):
            return TRUE
        if most in (0, len(found) - 1):
            join = disjunction if most else conjunction
            return join([complement(part) for part in found])
    elif most == len(found) and least in (1, most):
        return (conjunction if least == most else disjunction)(found)
    return Counted(tuple(found), least, most)


def complement(operand: Condition) -> Condition:
    """The complement, by De Morgan's laws down to the leaves: ``Not`` stands on leaves only."""
    match operand:
        case Not(inner):
            return inner
        case Always(value):
            return Always(not value)
        case And(operands):
            return disjunction([complement(o) for o in operands])
        case Or(operands):
            return conjunction([complement(o) for o in operands])
        case Counted(parts, least, most, None):
            fewer = counted([*parts], 0, least - 1)
            return disjunction([fewer, counted([*parts], most + 1, len(parts))])
        case _:
            return Not(operand)


def conjuncts(condition: Condition) -> tuple[Condition, ...]:
    """The parts of which all must hold."""
    if isinstance(condition, And):
        return condition.operands
    return () if condition == TRUE else (condition,)


_PARTS: dict[type, Callable[[Any], tuple[Condition | Value, ...]]] = {
    **dict.fromkeys((Compare, Arithmetic), lambda n: (n.left, n.right)),
    **dict.fromkeys((And, Or, Counted), lambda n: n.operands),
    **dict.fromkeys((Listed, Missing, Not, ToFloat), lambda n: (n.operand,)),
    **dict.fromkeys((Standing, Overall), lambda n: (n.value, n.among)),
    **dict.fromkeys((AnniversaryIn, YearDayIn), lambda n: (n.operand, n.low, n.high)),
    **dict.fromkeys((OneOf, Contains), lambda n: (n.operand, *n.options)),
    TextTest: lambda n: (n.operand, n.pattern),
    Call: lambda n: n.arguments,
    Case: lambda n: (*n.tests, *n.values),
    Follows: lambda n: (n.at, n.where, *chain.from_iterable(n.same)),
    Aggregate: lambda n: (*filter(None, (n.value, n.where)), *(s.where for s in n.through)),
    **dict.fromkeys((Always, Const, Param, Moment, Column), lambda _: ()),
}


def parts(node: Condition | Value) -> tuple[Condition | Value, ...]:
    """The nodes directly below."""
    return _PARTS[type(node)](node)


POPULATION = (Standing, Overall)
"""Values that rest on other customers."""
OF_MANY = (Aggregate, *POPULATION)
"""Values that rest on more than one row."""
OF_OTHER_ROWS = (Follows, *OF_MANY)
"""Nodes below which ROW is another row, or the columns are another customer's."""


def walk(node: Condition | Value, *, into_rows: bool = True) -> list[Condition | Value]:
    """The node and everything below it, parents first; or just what is of the same row."""
    found, stack = [], [node]
    while stack:
        found.append(node := stack.pop())
        below = _PARTS[type(node)](node)
        if below and (into_rows or not isinstance(node, OF_OTHER_ROWS)):
            stack += below[::-1]
    return found
