"""The syntax tree: what was written, with places. Spelling lives here; meaning does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar, get_args

from attrs import evolve, field, fields, frozen

from segmentkit._diagnostics.diagnostic import Span

NOWHERE = Span(0, 0)
"""The place of what was not written but made."""


def _span() -> Span:
    place: Span = field(default=NOWHERE, eq=False, repr=False)
    return place


def _constant() -> Any:
    """A field that tells constants apart: 1 is not true, 1.0 not 1.00, and times have offsets."""
    return field(eq=lambda value: (type(value), value if isinstance(value, int) else str(value)))


LANGUAGE = 1
"""The version of the language that this release reads."""


@frozen
class Literal:
    """A value written out: ``3``, ``"paid"``, ``true``, ``2026-05-09``."""

    value: bool | int | Decimal | str | date | datetime = _constant()
    span: Span = _span()


@frozen
class Name:
    """A path of names: ``country``, ``orders.store.city``."""

    parts: tuple[str, ...]
    span: Span = _span()


@frozen
class Parameter:
    """A value that is bound later: ``:min_spend``."""

    name: str
    span: Span = _span()


@frozen
class Length:
    """A distance: ``25 km``, ``:radius miles``; the unit is one of ``m km mile``."""

    number: Expr
    unit: str
    span: Span = _span()


@frozen
class Duration:
    """A length of time: ``7 days``, ``:trial weeks``; the unit is one of ``second`` … ``year``."""

    number: Expr
    unit: str
    span: Span = _span()


Count: TypeAlias = int | Parameter
"""A whole number that is written out, or bound later."""


@frozen
class Percent:
    """A share: ``10%``, ``2.5%``, ``:part%``."""

    number: Count | Decimal = _constant()
    span: Span = _span()


@frozen
class Moment:
    """A time told from ``as_of``: ``today``, ``30 days ago`` (a negative count).

    Where the count is a parameter, ``ago`` says which way it counts.
    """

    base: str
    count: Count
    unit: str
    span: Span = _span()
    ago: bool = False


@frozen
class Negative:
    """``-x``."""

    operand: Expr
    span: Span = _span()


@frozen
class Arithmetic:
    """``a + b - c`` or ``a * b / c``: operands of one precedence, read from left to right."""

    operands: tuple[Expr, ...]
    operators: tuple[str, ...]
    span: Span = _span()


@frozen
class Rolling:
    """``last 30 days``, ``next 7 days``."""

    direction: str
    count: Count
    unit: str
    span: Span = _span()


@frozen
class Calendar:
    """``this month``, ``previous quarter``, ``previous 3 months``."""

    which: str
    count: Count | None
    unit: str
    span: Span = _span()


@frozen
class Period:
    """``2026``, ``2026-05``, ``2026-05-09``."""

    year: int
    month: int | None
    day: int | None
    span: Span = _span()


@frozen
class Range:
    """``between a and b``, both ends in."""

    low: Expr
    high: Expr
    span: Span = _span()


Window: TypeAlias = Rolling | Calendar | Period | Range


@frozen
class Within:
    """``within 24 hours``."""

    count: Count
    unit: str
    span: Span = _span()


@frozen
class Step:
    """``followed by orders where status = "paid" within 24 hours``, and what comes after it.

    ``direction`` is ``followed`` or ``preceded``; ``alias``, as in ``orders as o``, names the row.
    """

    direction: str
    negated: bool
    relation: Name
    where: Expr | None = None
    within: Within | None = None
    then: Step | None = None
    span: Span = _span()
    alias: Name | None = None


@frozen
class Call:
    """A function or an aggregate: ``age(born)``, ``count(orders in last 30 days where …)``.

    With ``among``, of the population: ``avg(age among (country = "UA"))``; ``everyone`` is `true`.
    ``alias`` names the row that an aggregate looks at: ``any(orders as o where …)``.
    """

    name: str
    arguments: tuple[Expr, ...]
    distinct: bool = False
    window: Window | None = None
    where: Expr | None = None
    among: Expr | None = None
    name_span: Span = _span()
    span: Span = _span()
    then: Step | None = None
    alias: Name | None = None


@frozen
class When:
    """``when age < 18 then "child"``."""

    condition: Expr
    value: Expr
    span: Span = _span()


@frozen
class Case:
    """``case when a then x when b then y else z end``; without ``else`` it may be missing."""

    branches: tuple[When, ...]
    otherwise: Expr | None = None
    span: Span = _span()


@frozen
class Compare:
    """``a = b`` and its kin; the operator is one of ``= != < <= > >=``."""

    operator: str
    left: Expr
    right: Expr
    ignoring_case: bool = False
    span: Span = _span()


@frozen
class TextTest:
    """``contains``, ``starts with``, ``ends with``, ``matches``.

    ``contains any`` and ``contains all`` have a quantifier.
    """

    operator: str
    operand: Expr
    quantifier: str | None
    patterns: tuple[Expr, ...]
    negated: bool = False
    ignoring_case: bool = False
    span: Span = _span()


@frozen
class InList:
    """``x in (1, 2)``; ``x in :numbers``, whose options are bound later."""

    operand: Expr
    options: tuple[Expr, ...] | Parameter
    negated: bool = False
    ignoring_case: bool = False
    span: Span = _span()


@frozen
class InWindow:
    """``t in last 30 days``; ``x between a and b``, of numbers too."""

    operand: Expr
    window: Window
    negated: bool = False
    span: Span = _span()


@frozen
class IsMissing:
    """``x is missing``, ``x is present``."""

    operand: Expr
    negated: bool = False
    span: Span = _span()


@frozen
class IsEmpty:
    """``tags is empty``, ``tags is not empty``, of a list."""

    operand: Expr
    negated: bool = False
    span: Span = _span()


@frozen
class InSegment:
    """``in segment vip``."""

    name: str
    name_span: Span = _span()
    span: Span = _span()


@frozen
class Membership:
    """``in segment vip for 30 days``, ``entered segment vip in last 7 days``, ``left segment …``.

    The event is ``in``, ``entered`` or ``left``; of ``in``, the window is a length of time.
    """

    event: str
    name: str
    window: Window | Duration
    name_span: Span = _span()
    span: Span = _span()


@frozen
class InKeyList:
    """``in list june_fair``."""

    name: str
    name_span: Span = _span()
    span: Span = _span()


@frozen
class Listed:
    """``zip in list service_area``."""

    operand: Expr
    name: str
    negated: bool = False
    name_span: Span = _span()
    span: Span = _span()


@frozen
class Reachable:
    """``reachable by email``."""

    name: str
    name_span: Span = _span()
    span: Span = _span()


@frozen
class Ranked:
    """``top 10% by age among (vip)``, ``bottom 3 by age``; ``among`` is `true` for everyone."""

    direction: str
    limit: Percent | Count
    by: Expr
    among: Expr = Literal(True)
    span: Span = _span()


@frozen
class Counted:
    """``at least 2 of (a, b, c)``; the quantifier is ``at least``, ``at most`` or ``exactly``."""

    quantifier: str
    count: Count
    operands: tuple[Expr, ...]
    span: Span = _span()

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most operands that may hold, where that is known."""
        assert isinstance(self.count, int)
        least = 0 if self.quantifier == "at most" else self.count
        return least, len(self.operands) if self.quantifier == "at least" else self.count


@frozen
class Not:
    """``not a``."""

    operand: Expr
    span: Span = _span()


@frozen
class And:
    """``a and b and c``."""

    operands: tuple[Expr, ...]
    span: Span = _span()


@frozen
class Or:
    """``a or b or c``."""

    operands: tuple[Expr, ...]
    span: Span = _span()


Expr: TypeAlias = (
    Literal
    | Name
    | Parameter
    | Percent
    | Length
    | Duration
    | Moment
    | Negative
    | Arithmetic
    | Call
    | Case
    | Compare
    | TextTest
    | InList
    | InWindow
    | IsMissing
    | IsEmpty
    | InSegment
    | Membership
    | InKeyList
    | Listed
    | Reachable
    | Ranked
    | Counted
    | Not
    | And
    | Or
)
"""The closed set of expressions: a match over it ends in ``assert_never``."""

Node: TypeAlias = Expr | Window | Step | Within | When

_HOLDS = re.compile("Expr|Window|Step|Within|When|Percent|Count").search
_FIELDS = {kind: tuple(f.name for f in fields(kind) if _HOLDS(f.type)) for kind in get_args(Node)}
_COUNTS = {kind: {f.name for f in fields(kind) if "Count" in f.type} for kind in get_args(Node)}
"""The fields of plain numbers, which a parameter stands for until it is bound."""


def holds_nodes(kind: type, name: str) -> bool:
    """Whether a field of a class has nodes."""
    return name in _FIELDS.get(kind, ())


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, in the order of the text."""
    for name in _FIELDS[type(node)]:
        value = getattr(node, name)
        for child in value if isinstance(value, tuple) else (value,):
            if type(child) in _FIELDS:
                yield child


_N = TypeVar("_N")


def joined(kind: type[And | Or], operands: Iterable[Expr], span: Span = NOWHERE) -> And | Or:
    """``a and (b and c)`` is ``a and b and c``: the tree keeps no brackets that mean nothing."""
    flat: list[Expr] = []
    for operand in operands:
        if isinstance(operand, kind):
            flat += operand.operands
        else:
            flat.append(operand)
    return kind(tuple(flat), span)


def negative(operand: Expr, span: Span = NOWHERE) -> Literal | Negative:
    """``-x``; of a number, that number: exactly, as an operator would round it."""
    match operand:
        case Literal(Decimal() as value):
            return Literal(value.copy_negate(), span)
        case Literal(int() as value) if not isinstance(value, bool):
            return Literal(-value, span)
        case _:
            return Negative(operand, span)


def rewritten(node: _N, change: Callable[[Any], Expr | tuple[Literal, ...] | None]) -> _N:
    """The same tree with other nodes in the place of those that change."""
    if isinstance(node, tuple):
        return tuple(rewritten(item, change) for item in node)  # type: ignore[return-value]
    if type(node) not in _FIELDS:
        return node
    replaced: Any = change(node)
    if replaced is not None:
        return replaced  # type: ignore[no-any-return]
    before = {name: getattr(node, name) for name in _FIELDS[type(node)]}
    after = {name: rewritten(part, change) for name, part in before.items()}
    changed = {n: a for n, a in after.items() if a is not before[n] and a != before[n]}
    return _evolved(node, changed)  # type: ignore[no-any-return]


def _evolved(node: Any, changed: dict[str, Any]) -> Any:
    """A node with other parts; what takes the place of a parameter for a number is plain."""
    for name in _COUNTS[type(node)]:
        part = changed.get(name)
        if isinstance(part, Literal):
            changed[name] = part.value
            if isinstance(node, Moment) and node.ago and isinstance(part.value, int):
                changed |= {name: -part.value, "ago": False}
    return evolve(node, **changed) if changed else node


def transformed(node: Any, change: Callable[[Any], Any]) -> Any:
    """The same tree, where each node is what a function gives for it, the lowest first."""
    if isinstance(node, tuple):
        return tuple(transformed(item, change) for item in node)
    if type(node) not in _FIELDS:
        return node
    changed = {n: transformed(getattr(node, n), change) for n in _FIELDS[type(node)]}
    node = change(_evolved(node, changed))
    if isinstance(node, And | Or):
        return joined(type(node), node.operands, node.span)
    return negative(node.operand, node.span) if isinstance(node, Negative) else node


def every(tree: Node) -> Iterator[Node]:
    """The nodes of a tree, in the order of the text."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(list(children(node))))
