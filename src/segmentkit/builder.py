"""Build definitions in Python: ``c.country.is_in(["DK", "NO"]) & (c.orders.count() >= 3)``.

`Schema.row` is where you begin: it has the attributes, links and relations of a row, and completes
them. An expression prints as the text of a definition, and `Segment.define` takes it for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Never, Protocol, Self

from attrs import evolve

from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._expressions import (
    AnyValue,
    Condition,
    Document,
    Event,
    Expression,
    Number,
    Operand,
    Texts,
    Value,
    Windowed,
    count_of,
    duration_of,
    length_of,
    node_of,
    nodes_of,
    value_of,
)
from segmentkit._language import syntax as t
from segmentkit._language.scopes import Scope, scopes_in, within_rows, written
from segmentkit._schema.entities import Entity, Relation
from segmentkit._usage import NoValue, described, none_such
from segmentkit.errors import UsageError
from segmentkit.functions import FORMS, FUNCTIONS

__all__ = [
    "AnyValue",
    "Condition",
    "Expression",
    "Row",
    "Rows",
    "Value",
    "aggregate",
    "ago",
    "at_least",
    "at_most",
    "bottom",
    "call",
    "case",
    "duration",
    "entered",
    "exactly",
    "fn",
    "from_now",
    "in_list",
    "in_segment",
    "left",
    "length",
    "now",
    "param",
    "percent",
    "reachable_by",
    "today",
    "top",
    "trait",
]


class _Schema(Protocol):
    @property
    def entity(self) -> Entity: ...
    def named(self, name: str) -> Entity: ...


class Row(NoValue):
    """The row that is segmented, or one that a link leads to.

    Its attributes are what the schema declares; `dir` lists them. A name that Python cannot write
    stands in brackets: ``c["order count"]``.
    """

    __slots__ = ("_entity", "_narrowed", "_parts", "_path", "_schema")

    def __init__(
        self,
        schema: _Schema,
        entity: Entity | None = None,
        path: tuple[str, ...] = (),
        parts: tuple[str, ...] = (),
        narrowed: tuple[t.Node, ...] = (),
    ) -> None:
        self._schema = schema
        self._entity = schema.entity if entity is None else entity
        self._path = path
        self._parts = parts
        self._narrowed = narrowed

    def __dir__(self) -> list[str]:
        return sorted(_names(self._entity))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = self._found(name)
        if found is None:
            told = none_such(self._entity.name, name, _names(self._entity))
            raise AttributeError(told, name=name, obj=self)
        return found

    def __getitem__(self, name: str) -> Any:
        found = self._found(name)
        if found is None:
            raise KeyError(none_such(self._entity.name, name, _names(self._entity)))
        return found

    def _ipython_key_completions_(self) -> list[str]:
        return _names(self._entity)

    def __iter__(self) -> Never:
        raise UsageError(f"the columns of {self._entity.name} are attributes: dir(row) lists them")

    def __repr__(self) -> str:
        return f"<a row of {self._entity.name}: {', '.join(_names(self._entity))}>"

    def _found(self, name: object) -> Any:
        if not isinstance(name, str):
            return None
        entity, parts = self._entity, (*self._parts, name)
        if attribute := entity.attribute(name):
            return value_of(attribute.dtype, self._name(parts))
        if document := entity.document(name):
            return Document(self, document.attributes, (name,))
        if link := entity.link(name):
            to = self._schema.named(link.to)
            return Row(self._schema, to, self._path, parts, self._narrowed)
        if relation := entity.relation(name):
            return (Rows if relation.value is None else TextRows)(self, relation)
        return Expression(self._name(parts)) if entity.place(name) else None

    def _name(self, parts: tuple[str, ...]) -> t.Name:
        scope = Scope(self._path, self._schema.entity.name, self._narrowed)
        return t.Name((scope, *parts))  # type: ignore[arg-type]


def _names(entity: Entity) -> list[str]:
    groups = (
        entity.attributes, entity.documents, entity.links, entity.relations, entity.places,
    )  # fmt: skip
    return list(dict.fromkeys(each.name for group in groups for each in group))


class Rows(NoValue, Windowed["Rows"]):
    """The rows that a relation leads to.

    Its attributes are those of one of these rows, for `where` and for aggregates:
    ``o.where(o.status == "paid").sum(o.amount)``. A name that is a method here stands in brackets:
    ``o["count"]``.
    """

    def __init__(self, home: Row, relation: Relation) -> None:
        self._home = home
        self._relation = home._name((*home._parts, relation.name))
        self._path = (*home._path, *home._parts, relation.name)
        to = home._schema.named(relation.to)
        self._row = Row(home._schema, to, self._path, (), home._narrowed)
        self._where: t.Expr | None = None
        self._window: t.Window | None = None
        self._then: tuple[t.Step, ...] = ()
        self._narrowed = home._narrowed

    def __dir__(self) -> list[str]:
        return sorted({*_METHODS, *dir(self._row)})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._row, name)

    def __getitem__(self, name: str) -> Any:
        return self._row[name]

    def _ipython_key_completions_(self) -> list[str]:
        return self._row._ipython_key_completions_()

    def __iter__(self) -> Never:
        raise UsageError("the rows are counted and summed, and not gone through")

    def __repr__(self) -> str:
        return f"<rows of {'.'.join(self._path)}: {', '.join(_METHODS)}>"

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            raise UsageError(f"columns are compared, and not set: rows.{name} == …")
        super().__setattr__(name, value)

    def _with(self, narrower: t.Node, **changed: Any) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__ | changed)
        row = self._row
        copy._narrowed = (*self._narrowed, narrower)
        copy._row = Row(row._schema, row._entity, row._path, (), copy._narrowed)
        return copy

    def where(self, condition: Condition) -> Self:
        """Only the rows for which a condition holds; a second one is joined by ``and``."""
        if not isinstance(condition, Condition):
            raise UsageError(f"where takes a condition, and not {condition!r:.60}")
        one = written(condition._node, self._path, self._narrowed)
        both = one if self._where is None else t.joined(t.And, (self._where, one))
        return self._with(one, _where=both)

    def _in(self, window: t.Window) -> Self:
        if self._window is not None:
            raise UsageError("rows are in one window: join two by a condition in where(…)")
        return self._with(window, _window=window)

    def between(self, low: Operand, high: Operand) -> Self:
        """``between low and high``: only the rows of that time."""
        return self._in(t.Range(node_of(low), node_of(high)))

    def followed_by(self, rows: Rows, **within: int | Value) -> Self:
        """``followed by``: ``o.followed_by(c.returns, days=14)``."""
        return self._step("followed", False, rows, within)

    def not_followed_by(self, rows: Rows, **within: int | Value) -> Self:
        """``not followed by``, once the time has run out."""
        return self._step("followed", True, rows, within)

    def preceded_by(self, rows: Rows, **within: int | Value) -> Self:
        """``preceded by``."""
        return self._step("preceded", False, rows, within)

    def not_preceded_by(self, rows: Rows, **within: int | Value) -> Self:
        """``not preceded by``."""
        return self._step("preceded", True, rows, within)

    def _step(
        self, direction: str, negated: bool, rows: Rows, within: dict[str, int | Value]
    ) -> Self:
        if not isinstance(rows, Rows):
            raise UsageError(f"{direction}_by takes rows of a relation, and not {described(rows)}")
        if rows._window or rows._then:
            raise UsageError("a step has a where(…), and no window or step of its own")
        length = t.Within(*length_of(within, f"{direction}_by")) if within else None
        step = t.Step(direction, negated, rows._relation, rows._where, length, None)
        return self._with(step, _then=(*self._then, step))

    # -- aggregates -----------------------------------------------------------------------------

    def any(self) -> Condition:
        """Whether there is such a row."""
        return Condition(self._call("any", self._relation))

    def none(self) -> Condition:
        """Whether there is no such row."""
        return Condition(self._call("none", self._relation))

    def count(self) -> Number:
        """How many rows there are."""
        return Number(self._call("count", self._relation))

    def count_distinct(self, value: Value) -> Number:
        """How many different values there are."""
        return Number(self._call("count", self._of(value), distinct=True))

    def sum(self, value: Value) -> AnyValue:
        """The sum of the values."""
        return AnyValue(self._call("sum", self._of(value)))

    def avg(self, value: Value) -> AnyValue:
        """The mean of the values."""
        return AnyValue(self._call("avg", self._of(value)))

    def median(self, value: Value) -> AnyValue:
        """The middle of the values."""
        return AnyValue(self._call("median", self._of(value)))

    def percentile(self, percent: Operand, value: Value) -> Any:
        """The value that so many percent of the values do not exceed: ``percentile(90, …)``."""
        return type(value)(self._call("percentile", node_of(percent), self._of(value)))

    def mode(self, value: Value) -> Any:
        """The most frequent value; of several the least."""
        return type(value)(self._call("mode", self._of(value)))

    def streak(self, part: Value) -> Number:
        """How many of the parts of the calendar are in a row: ``streak(fn.day(…))``."""
        return Number(self._call("streak", self._of(part)))

    def min(self, value: Value) -> AnyValue:
        """The smallest value."""
        return AnyValue(self._call("min", self._of(value)))

    def max(self, value: Value) -> AnyValue:
        """The largest value."""
        return AnyValue(self._call("max", self._of(value)))

    def first(self, value: Value) -> Any:
        """The value of the earliest row that has one."""
        return type(value)(self._call("first", self._of(value)))

    def last(self, value: Value) -> Any:
        """The value of the latest row that has one."""
        return type(value)(self._call("last", self._of(value)))

    def aggregate(self, name: str, value: Value | None = None) -> AnyValue:
        """An aggregate by its name, such as one that the schema adds."""
        return AnyValue(self._call(name, self._relation if value is None else self._of(value)))

    def _of(self, value: Value) -> t.Expr:
        if not isinstance(value, Value):
            raise UsageError(f"an aggregate is of a value of the rows, and not {described(value)}")
        scopes = scopes_in(value._node)
        if self._path not in scopes or not scopes <= {self._path, ()}:
            raise UsageError(f"{value!r} is no value of the rows of {'.'.join(self._path)}")
        found: t.Expr = within_rows(value._node, self._narrowed)
        return found

    def _call(self, name: str, *of: t.Expr, distinct: bool = False) -> t.Call:
        then = None
        for step in reversed(self._then):
            then = evolve(step, then=then)
        return t.Call(name, of, distinct, self._window, self._where, then=then)


_METHODS = sorted(name for name in dir(Rows) if not name.startswith("_"))


class TextRows(Rows):
    """The rows of a table of texts, which is also tested like a list of texts."""

    def __dir__(self) -> list[str]:
        return sorted({"contains", "contains_all", "contains_any", *super().__dir__()})

    def contains(self, text: Operand, *, ignoring_case: bool = False) -> Condition:
        """``tags contains text``."""
        return Texts(self._relation).contains(text, ignoring_case=ignoring_case)

    def contains_any(self, texts: Iterable[Operand], *, ignoring_case: bool = False) -> Condition:
        """``tags contains any (…)``."""
        return Texts(self._relation).contains_any(texts, ignoring_case=ignoring_case)

    def contains_all(self, texts: Iterable[Operand], *, ignoring_case: bool = False) -> Condition:
        """``tags contains all (…)``."""
        return Texts(self._relation).contains_all(texts, ignoring_case=ignoring_case)


# -- what belongs to no row -----------------------------------------------------------------------


def param(name: str) -> AnyValue:
    """A value that is bound later: ``:name``."""
    return AnyValue(t.Parameter(name))


def trait(name: str) -> AnyValue:
    """A trait, which you give to `Segment.define`."""
    return AnyValue(t.Name((name,)))


def in_segment(name: str, **length: int | Value) -> Condition:
    """``in segment name``; with ``days=30``, ``in segment name for 30 days``."""
    lasting = duration_of(length, "in_segment") if length else None
    return Condition(t.Membership("in", name, lasting) if lasting else t.InSegment(name))


def entered(name: str) -> Event:
    """``entered segment name in last 7 days``: ``entered("vip").in_last(days=7)``."""
    return Event("entered", name)


def left(name: str) -> Event:
    """``left segment name in last 7 days``: ``left("vip").in_last(days=7)``."""
    return Event("left", name)


def in_list(name: str) -> Condition:
    """``in list name``: whether the row's key is in a static list."""
    return Condition(t.InKeyList(name))


def reachable_by(name: str) -> Condition:
    """``reachable by name``, a channel of the schema."""
    return Condition(t.Reachable(name))


def ago(**length: int | Value) -> AnyValue:
    """A time before now: ``ago(days=30)``."""
    count, unit = length_of(length, "ago")
    if isinstance(count, int):
        return AnyValue(t.Moment("now", -count, unit))
    return AnyValue(t.Moment("now", count, unit, ago=True))


def from_now(**length: int | Value) -> AnyValue:
    """A time after now: ``from_now(days=30)``."""
    return AnyValue(t.Moment("now", *length_of(length, "from_now")))


def duration(**length: int | Value) -> AnyValue:
    """A length of time: ``duration(days=30)``."""
    return AnyValue(duration_of(length, "duration"))


def length(number: Operand, unit: str) -> AnyValue:
    """A distance: ``length(25, "km")``; the unit is one of ``m km mile``."""
    return AnyValue(t.Length(node_of(number), unit))


now = AnyValue(t.Moment("now", 0, "day"))
"""The instant as of which you ask."""
today = AnyValue(t.Moment("today", 0, "day"))
"""The day as of which you ask."""


def percent(number: int | float | Decimal | AnyValue) -> AnyValue:
    """A share, for `top`, `bottom` and ``fn.sample``: ``percent(10)``."""
    exact = Decimal(repr(float(number))) if isinstance(number, float) else count_of(number)
    return AnyValue(t.Percent(exact))


def top(limit: Any, by: Value, among: Condition | None = None) -> Condition:
    """``top 10 by value among (…)``; without ``among``, of everyone."""
    return _ranked("top", limit, by, among)


def bottom(limit: Any, by: Value, among: Condition | None = None) -> Condition:
    """``bottom 10 by value among (…)``; without ``among``, of everyone."""
    return _ranked("bottom", limit, by, among)


def _ranked(direction: str, limit: Any, by: Value, among: Condition | None) -> Condition:
    return Condition(t.Ranked(direction, count_of(limit), node_of(by), _everyone(among)))


def aggregate(name: str, value: Value, among: Condition | None = None) -> AnyValue:
    """One value of everyone: ``aggregate("avg", c.age)``, or of some, by ``among``."""
    return AnyValue(t.Call(name, (node_of(value),), among=_everyone(among)))


def _everyone(among: Condition | None) -> t.Expr:
    if among is not None and not isinstance(among, Condition):
        raise UsageError(f"among takes a condition, and not {described(among)}")
    return t.Literal(True) if among is None else among._node


def at_least(count: int, *conditions: Condition) -> Condition:
    """``at least 2 of (…)``."""
    return _counted("at least", count, conditions)


def at_most(count: int, *conditions: Condition) -> Condition:
    """``at most 2 of (…)``."""
    return _counted("at most", count, conditions)


def exactly(count: int, *conditions: Condition) -> Condition:
    """``exactly 2 of (…)``."""
    return _counted("exactly", count, conditions)


def _counted(quantifier: str, count: int, conditions: Iterable[Condition]) -> Condition:
    for each in conditions:
        if not isinstance(each, Condition):
            raise UsageError(f"{quantifier} counts conditions, and this is {each!r:.60}")
    return Condition(t.Counted(quantifier, count_of(count), nodes_of(conditions, quantifier)))


def case(*branches: tuple[Condition, Operand], otherwise: Operand | None = None) -> AnyValue:
    """``case when a then x when b then y else z end``: ``case((a, x), (b, y), otherwise=z)``.

    Args:
        branches: Conditions and values; the value of the first condition that holds is taken.
        otherwise: The value where none holds; by default, it is missing then.
    """
    whens = []
    given: tuple[Any, ...] = branches
    for each in given:
        match each:
            case (Condition() as condition, value):
                whens.append(t.When(condition._node, node_of(value)))
            case _:
                raise UsageError(f"case takes pairs of a condition and a value, not {each!r:.60}")
    if not whens:
        raise UsageError("case takes at least one pair of a condition and a value")
    return AnyValue(t.Case(tuple(whens), None if otherwise is None else node_of(otherwise)))


def call(name: str, *arguments: Operand) -> AnyValue:
    """A function by its name, such as one that the schema adds: ``call("half", c.age)``."""
    return AnyValue(t.Call(name, nodes_of(arguments, f"{name}(…)")))


class _Functions:
    """The functions of the language: ``fn.week(o.placed_at)``."""

    def __dir__(self) -> Iterator[str]:
        return iter(sorted((*FUNCTIONS, *FORMS)))

    def __getattr__(self, name: str) -> Any:
        if name not in FUNCTIONS and name not in FORMS:
            hint = did_you_mean(name, [*FUNCTIONS, *FORMS])
            raise AttributeError(f"no function {name!r}; {hint or 'call(name, …) calls others'}")
        return lambda *arguments: call(name, *arguments)


fn = _Functions()
