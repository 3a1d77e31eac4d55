"""Random definitions, of everything that the language has, over random worlds.

A `Writer` puts a definition together from what it draws. To let it write something new, add a
method to one of the tables: ``CONDITIONS`` of a customer, ``VALUES`` of a type or ``TESTS`` of a
type. What stands first in a table is what failures shrink to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from attrs import evolve, frozen
from hypothesis import strategies as st

from segmentkit import DATE, FLOAT, INTEGER, TEXT, TIMESTAMP, DType, Entity, Relation
from segmentkit._format import format_name, format_value
from segmentkit.dtypes import Kind
from tests.property.worlds import MONEY, World, parameter, worlds

UNITS = ["day", "week", "month", "quarter", "year"]
SHORT_UNITS = ["hour", "minute", "second"]
COMPARISONS = ["=", "!=", "<", "<=", ">", ">="]
NUMBERS = [INTEGER, FLOAT, MONEY]

_T = TypeVar("_T")


@st.composite
def definitions(draw: st.DrawFn, world: World) -> str:
    """A definition that the schema of a world makes sense of."""
    return Writer(draw, world).condition(draw(st.integers(0, 3)))


@st.composite
def leaves(draw: st.DrawFn, world: World) -> str:
    """A definition of one test."""
    return Writer(draw, world).condition(0)


@st.composite
def peopled_worlds(draw: st.DrawFn) -> World:
    """A world with named segments for definitions to refer to."""
    world = draw(worlds())
    named = {name: Writer(draw, world).condition(1) for name in ("vip", "press list")}
    return evolve(world, named=named)


@frozen
class Scope:
    """Where a test stands: of a customer (no relation), of a row, or in an aggregate's value."""

    relation: Relation | None = None
    prefixed: bool = False


CUSTOMER = Scope()


class Writer:
    """Writes definitions, drawing whatever is a matter of choice."""

    def __init__(self, draw: st.DrawFn, world: World) -> None:
        self.draw = draw
        self.world = world
        self.schema = world.schema
        self.pool = world.pool

    def pick(self, options: Sequence[_T]) -> _T:
        return self.draw(st.sampled_from(options))

    def rarely(self) -> bool:
        return self.draw(st.integers(0, 7)) == 7

    # -- conditions -----------------------------------------------------------------------------

    def condition(self, depth: int, scope: Scope = CUSTOMER) -> str:
        """A condition, of the customer or, inside an aggregate's brackets, of a row."""
        form = self.pick(["leaf", "and", "or", "not"]) if depth else "leaf"
        if form == "leaf":
            return self.test(scope) if scope.relation else self.pick(CONDITIONS)(self)
        if form == "not":
            return f"not ({self.condition(depth - 1, scope)})"
        parts = [self.condition(depth - 1, scope) for _ in range(self.pick([2, 2, 3]))]
        return "({})".format(f" {form} ".join(parts))

    def of_customer(self) -> str:
        return self.test(CUSTOMER)

    def existence(self) -> str:
        relation = self.pick(self.schema.entity.relations)
        return f"{self.pick(['any', 'none'])}({relation.name}{self.brackets(relation)})"

    def reference(self) -> str:
        if not self.world.named:
            return self.existence()
        name = self.pick(list(self.world.named))
        word = self.pick(["in segment", "not in segment"])
        return f"{word} {name if name.isidentifier() else format_value(name)}"

    # -- the population -------------------------------------------------------------------------

    def among(self) -> str:
        return self.pick(["", " among everyone", f" among ({self.test(CUSTOMER)})"])

    def ranked(self) -> str:
        value, _ = self.number(CUSTOMER, self.pick([0, 0, 1]), exact=True)
        word, limit = self.pick(["top", "bottom"]), self.pick(["1", "2", "50%", "33.4%"])
        return f"{self.maybe_not()}{word} {limit} by {value}{self.among()}"

    def compared_with_others(self) -> str:
        value, _ = self.number(CUSTOMER, 0)
        operator = self.pick(COMPARISONS)
        if self.draw(st.booleans()):
            return f"ntile({self.pick([1, 2, 3])}, {value}{self.among()}) {operator} 2"
        word = self.pick(["avg", "count", "max", "median", "min", "sum"])
        return f"{value} {operator} {word}({value}{self.among() or ' among everyone'})"

    def sample(self) -> str:
        return f"sample({self.pick(['50%', '12.5%', '0%', '100%'])}, {self.pick(['', 'сіль'])!r})"

    # -- tests ----------------------------------------------------------------------------------

    def test(self, scope: Scope) -> str:
        """A test of some value."""
        value, dtype = self.value(scope)
        return self.pick(TESTS[dtype.kind])(self, value, dtype, scope)

    def compared(self, value: str, dtype: DType, scope: Scope) -> str:
        operator = self.pick(COMPARISONS if dtype.is_number or dtype.is_time else ["=", "!="])
        constant = self.constant(dtype)
        if self.rarely():
            value, constant = constant, value
        return f"{value} {operator} {constant}{self.fold(dtype)}"

    def compared_with_another(self, value: str, dtype: DType, scope: Scope) -> str:
        operator = self.pick(COMPARISONS if dtype.is_number or dtype.is_time else ["=", "!="])
        return f"{value} {operator} {self.value(scope, dtype)[0]}{self.fold(dtype)}"

    def missing(self, value: str, dtype: DType, scope: Scope) -> str:
        return f"{value} is {self.pick(['missing', 'present'])}"

    def in_list(self, value: str, dtype: DType, scope: Scope) -> str:
        options = [self.constant(dtype) for _ in range(self.draw(st.integers(1, 4)))]
        if dtype == INTEGER and self.rarely():
            options += map(str, range(300))
        return f"{value} {self.maybe_not()}in ({', '.join(options)}){self.fold(dtype)}"

    def between(self, value: str, dtype: DType, scope: Scope) -> str:
        return f"{value} {self.maybe_not()}{self.range_of(dtype)}"

    def contains(self, value: str, dtype: DType, scope: Scope) -> str:
        word = self.pick(["contains", "starts with", "ends with"])
        return f"{value} {self.maybe_not()}{word} {self.constant(TEXT)}{self.fold(TEXT)}"

    def contains_several(self, value: str, dtype: DType, scope: Scope) -> str:
        word = self.pick(["any", "all"])
        patterns = ", ".join(self.constant(TEXT) for _ in range(self.draw(st.integers(1, 3))))
        return f"{value} {self.maybe_not()}contains {word} ({patterns}){self.fold(TEXT)}"

    def bare(self, value: str, dtype: DType, scope: Scope) -> str:
        return f"{self.maybe_not()}{value}"

    def in_window(self, value: str, dtype: DType, scope: Scope) -> str:
        return f"{value} {self.maybe_not()}in {self.window(dtype)}"

    def at_moment(self, value: str, dtype: DType, scope: Scope) -> str:
        return f"{value} {self.pick(COMPARISONS)} {self.moment()}"

    def at_other_kind_of_time(self, value: str, dtype: DType, scope: Scope) -> str:
        other = TIMESTAMP if dtype == DATE else DATE
        return f"{value} {self.pick(COMPARISONS)} {self.constant(other)}"

    def anniversary(self, value: str, dtype: DType, scope: Scope) -> str:
        return f"anniversary({value}) {self.maybe_not()}in {self.window(DATE)}"

    def part(self, value: str, dtype: DType, scope: Scope) -> str:
        operator = self.pick(COMPARISONS)
        if self.draw(st.booleans()):
            return f"{self.pick(['day', 'week'])}({value}) {operator} {self.written(DATE)}"
        words = ["weekday", "month", "year"] if dtype == DATE else ["hour", "weekday", "hour"]
        return f"{self.pick(words)}({value}) {operator} {self.pick([1, 3, 7, 12, 22, 2026])}"

    def near(self, value: str, dtype: DType, scope: Scope) -> str:
        far = self.pick(["1 m", "150.5 km", "200 miles", "19999 km"])
        other = f"point({self.pick([0, 2.5, -90])}, {self.pick([0.5, 180, -3])})"
        return f"distance(point({value}, 1.5), {other}) {self.pick(['<', '>=', '!='])} {far}"

    def maybe_not(self) -> str:
        return self.pick(["", "not "])

    def fold(self, dtype: DType) -> str:
        return self.pick(["", "", " ignoring case"]) if dtype == TEXT else ""

    # -- values ---------------------------------------------------------------------------------

    def value(self, scope: Scope, dtype: DType | None = None) -> tuple[str, DType]:
        """A value, and its type; where none of the wanted type is there, a constant."""
        sources = [s for s in VALUES if not (s in OF_CUSTOMER and scope.relation)]
        return self.pick(sources)(self, scope, dtype)

    def attribute(self, scope: Scope, dtype: DType | None) -> tuple[str, DType]:
        names = [(n, d) for n, d in self.names(scope) if dtype in (None, d)]
        if names:
            return self.pick(names)
        assert dtype is not None
        return self.written(dtype), dtype

    def names(self, scope: Scope) -> list[tuple[str, DType]]:
        """What can be named: own attributes, beyond links, and in a row the customer's too."""
        root = self.schema.entity
        if scope.relation is None:
            return _named(root, "")
        before = f"{scope.relation.name}." if scope.prefixed else ""
        return _named(self.schema.named(scope.relation.to), before) + _named(root, f"{root.name}.")

    def defaulted(self, scope: Scope, dtype: DType | None) -> tuple[str, DType]:
        value, dtype = self.attribute(scope, dtype)
        return f"default({value}, {self.written(dtype)})", dtype

    def computed(self, scope: Scope, dtype: DType | None) -> tuple[str, DType]:
        """A number made of others; whoever wants another type gets an attribute."""
        if dtype is not None and not dtype.is_number:
            return self.attribute(scope, dtype)
        return self.number(scope, self.draw(st.integers(1, 2)))

    def number(self, scope: Scope, depth: int, *, exact: bool = False) -> tuple[str, DType]:
        """A number; ``exact``: without a division, so that the order of a sum is no matter."""
        if depth == 0:
            source = (
                self.attribute if scope.relation or self.draw(st.booleans()) else self.aggregate
            )
            return source(scope, self.pick(NUMBERS))
        form = self.pick(["+", "-", "*", *([] if exact else ["/"]), "sign", "abs", "age"])
        if form == "age":
            return f"age({self.attribute(scope, DATE)[0]})", INTEGER
        left, dtype = self.number(scope, depth - 1, exact=exact)
        match form:
            case "sign":
                return f"-{left}" if left[0] != "-" else left, dtype
            case "abs":
                return f"abs({left})", dtype
            case "*":
                return f"({left} * {self.factor(dtype)})", dtype
            case "/":
                right = self.pick([self.written(dtype), self.attribute(scope, dtype)[0]])
                return f"({left} / {right})", FLOAT
            case _:
                right, other = self.number(scope, 0, exact=exact)
                return f"({left} {form} {right})", FLOAT if FLOAT in (dtype, other) else dtype

    def factor(self, dtype: DType) -> str:
        """What to multiply with: something small where products could leave what engines hold."""
        if dtype == FLOAT:
            return self.pick(["2", "0.5", "-1", "0"])
        return self.pick(["2", "-1", "0", "18"])

    def aggregate(self, scope: Scope, dtype: DType | None) -> tuple[str, DType]:
        """An aggregate, of the wanted type if there is a way to one."""
        relation = self.pick(self.schema.entity.relations)
        kinds = [a for a in AGGREGATES if relation.at or a not in ORDERED]
        value, found = self.pick(kinds)(self, relation, dtype)
        fits = dtype is None or dtype == found or (dtype.is_number and found.is_number)
        return (value, found) if fits else self.attribute(scope, dtype)

    # -- aggregates -----------------------------------------------------------------------------

    def count(self, relation: Relation, dtype: DType | None) -> tuple[str, DType]:
        value = self.pick(self.own(relation))[0]
        what = self.pick([relation.name, value, f"distinct {value}"])
        return f"count({what}{self.brackets(relation)})", INTEGER

    def total(self, relation: Relation, dtype: DType | None) -> tuple[str, DType]:
        numbers = [(n, d) for n, d in self.own(relation) if d.is_number]
        if not numbers:
            return self.count(relation, dtype)
        value, found = self.pick(numbers)
        if self.pick([False, False, True]):
            scope = Scope(relation, prefixed=True)
            other, kind = self.number(scope, self.pick([0, 1]), exact=True)
            value = f"{value} {self.pick('+-')} {other}"
            found = FLOAT if FLOAT in (found, kind) else found
        elif self.rarely():
            value = f"{value} * {self.factor(found)}"
        word = self.pick(["sum", "avg", "median"])
        return f"{word}({value}{self.brackets(relation)})", found if word == "sum" else FLOAT

    def least(self, relation: Relation, dtype: DType | None) -> tuple[str, DType]:
        ordered = [(n, d) for n, d in self.own(relation, dtype) if d.is_number or d.is_time]
        if not ordered:
            return self.count(relation, dtype)
        value, found = self.pick(ordered)
        return f"{self.pick(['min', 'max'])}({value}{self.brackets(relation)})", found

    def earliest(self, relation: Relation, dtype: DType | None) -> tuple[str, DType]:
        value, found = self.pick(self.own(relation, dtype) or self.own(relation))
        return f"{self.pick(['first', 'last'])}({value}{self.brackets(relation)})", found

    def own(self, relation: Relation, dtype: DType | None = None) -> list[tuple[str, DType]]:
        """What an aggregate of a relation can be of, if need be of one type."""
        found = _named(self.schema.named(relation.to), f"{relation.name}.")
        return [(n, d) for n, d in found if dtype in (None, d)]

    def brackets(self, relation: Relation) -> str:
        """The window and the condition inside an aggregate's brackets."""
        found = ""
        if relation.at:
            at = self.schema.named(relation.to).attribute(relation.at)
            assert at is not None
            window = self.pick(["", "in", "between"])
            found = {
                "": lambda: "",
                "in": lambda: f" in {self.window(at.dtype)}",
                "between": lambda: f" {self.range_of(DATE)}",
            }[window]()
        if self.pick([False, True]):
            found += f" where {self.condition(self.pick([0, 0, 1]), Scope(relation))}"
        return found

    # -- constants and times --------------------------------------------------------------------

    def constant(self, dtype: DType) -> str:
        """A constant; some are parameters."""
        if self.rarely():
            constants = self.pool.constants(dtype)
            return parameter(dtype, self.draw(st.integers(0, len(constants) - 1)))
        return self.written(dtype)

    def written(self, dtype: DType) -> str:
        value = self.pick(self.pool.constants(dtype))
        if isinstance(value, datetime):
            return format_value(value.replace(tzinfo=UTC))
        return format_value(Decimal(repr(value)) if isinstance(value, float) else value)

    def window(self, dtype: DType) -> str:
        unit = self.pick(UNITS if dtype == DATE else UNITS + SHORT_UNITS)
        form = self.pick(["rolling", "this", "previous", "several", "period"])
        match form:
            case "rolling":
                count = self.pick([1, 7, 30, 90, 5_000])
                return f"{self.pick(['last', 'next'])} {count} {unit}s"
            case "this" | "previous":
                return f"{form} {unit}"
            case "several":
                return f"previous {self.pick([1, 2, 3, 20])} {unit}s"
            case _:
                return self.pick(["2026", "2026-03", "2024-02-29", "2025-12-31"])

    def range_of(self, dtype: DType) -> str:
        low, high = (
            self.moment() if dtype.is_time and self.rarely() else self.constant(dtype)
            for _ in range(2)
        )
        return f"between {low} and {high}"

    def moment(self) -> str:
        if self.draw(st.booleans()):
            return self.pick(["today", "now"])
        unit = self.pick(UNITS + SHORT_UNITS)
        return f"{self.pick([1, 7, 30])} {unit}s {self.pick(['ago', 'from now'])}"


def _named(entity: Entity, before: str) -> list[tuple[str, DType]]:
    found = [(before + format_name(a.name), a.dtype) for a in entity.attributes]
    return found + [(f"{before}{link.name}.city", TEXT) for link in entity.links]


Value = Callable[[Writer, Scope, DType | None], tuple[str, DType]]
Test = Callable[[Writer, str, DType, Scope], str]

CONDITIONS: list[Callable[[Writer], str]] = [
    Writer.of_customer, Writer.of_customer, Writer.of_customer, Writer.existence, Writer.reference,
    Writer.of_customer, Writer.of_customer, Writer.existence, Writer.sample, Writer.ranked,
    Writer.compared_with_others,
]  # fmt: skip
"""What a condition of a customer can be; what stands twice is drawn twice as often."""

VALUES: list[Value] = [
    Writer.attribute, Writer.attribute, Writer.aggregate, Writer.aggregate, Writer.defaulted,
    Writer.computed,
]  # fmt: skip
"""What a value can be."""

OF_CUSTOMER: list[Value] = [Writer.aggregate]
"""Values that rows do not have."""

AGGREGATES: list[Callable[[Writer, Relation, DType | None], tuple[str, DType]]] = [
    Writer.count, Writer.total, Writer.least, Writer.earliest,
]  # fmt: skip
"""What an aggregate can be."""

ORDERED = [Writer.earliest]
"""Aggregates that a relation without a time does not have."""

_ANY: list[Test] = [Writer.compared, Writer.compared_with_another, Writer.missing, Writer.in_list]
_TIME: list[Test] = [
    *_ANY, Writer.between, Writer.in_window, Writer.in_window, Writer.at_moment,
    Writer.at_other_kind_of_time, Writer.part,
]  # fmt: skip

TESTS: Mapping[Kind, list[Test]] = {
    Kind.BOOLEAN: [Writer.bare, *_ANY],
    Kind.INTEGER: [*_ANY, Writer.between, Writer.near],
    Kind.FLOAT: [*_ANY, Writer.between, Writer.near],
    Kind.DECIMAL: [*_ANY, Writer.between, Writer.near],
    Kind.TEXT: [*_ANY, Writer.contains, Writer.contains, Writer.contains_several],
    Kind.DATE: [*_TIME, Writer.anniversary],
    Kind.TIMESTAMP: _TIME,
}
"""How a value of each kind can be tested."""
