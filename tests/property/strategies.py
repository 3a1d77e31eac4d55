"""Random definitions, of everything that the language has, over random worlds.

A `Writer` puts a definition together from what it draws. To let it write something new, add a
method to one of the tables: ``CONDITIONS`` of a customer, ``VALUES`` of a type or ``TESTS`` of a
type. What stands first in a table is what failures shrink to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from attrs import evolve, frozen
from hypothesis import strategies as st

from segmentkit import (
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    Channel,
    DefinitionError,
    DType,
    Entity,
    Relation,
)
from segmentkit._language.formatter import format_name, format_value
from segmentkit._patterns.ambiguity import ambiguous
from segmentkit.dtypes import ANNIVERSARY, VERSION, Kind
from segmentkit.functions import FUNCTIONS, WORDS
from tests.property.worlds import (
    KEYS,
    MONEY,
    SEGMENTS,
    VERSIONS,
    World,
    numbered,
    parameter,
    several,
    share,
    worlds,
)
from tests.targets import Hostile

PERCENTS = ["0", "100", "50", "25", "33.333333", "90", "99.9", "0.000001"]
UNITS = ["day", "week", "month", "quarter", "year"]
SHORT_UNITS = ["hour", "minute", "second"]
COMPARISONS = ["=", "!=", "<", "<=", ">", ">="]
NUMBERS = [INTEGER, FLOAT, MONEY]

_T = TypeVar("_T")


@st.composite
def definitions(draw: st.DrawFn, world: World) -> str:
    """A definition that the schema of a world makes sense of."""
    return _shallow(Writer(draw, world), draw(st.integers(0, 3)))


@st.composite
def leaves(draw: st.DrawFn, world: World) -> str:
    """A definition of one test."""
    return _shallow(Writer(draw, world), 0)


@st.composite
def peopled_worlds(draw: st.DrawFn) -> World:
    """A world with named segments for definitions to refer to."""
    world = draw(worlds())
    writer = Writer(draw, world)
    named = {name: _shallow(writer, 1) for name in ("vip", "press list")}
    traits = {name: _trait(writer) for name in ("ltv", "a trait")}
    schema = evolve(world.schema, channels=[writer.channel("email"), writer.channel("by post")])
    return evolve(world, schema=schema, named=named, traits=traits, lists=writer.lists())


@frozen
class Way:
    """What an aggregate is of: relations from a holder, and how they are written.

    Attributes:
        relations: The relations, outermost first.
        text: The way in the definition's words.
        holder: Whose relations they are.
        inner: How many more brackets may stand inside those of the aggregate.
        alias: The name of its row, if it has one.
        above: The names of the rows around it that are seen, and what they are.
    """

    relations: tuple[Relation, ...]
    text: str
    holder: Entity
    inner: int
    alias: str = ""
    above: tuple[tuple[str, Entity], ...] = ()

    @property
    def end(self) -> Relation:
        """The relation whose rows are looked at."""
        return self.relations[-1]


@frozen
class Scope:
    """Where a test stands: of a customer (no way), of a row, or in an aggregate's value."""

    way: Way | None = None
    prefixed: bool = False


CUSTOMER = Scope()


_LETTERS = [
    ".", "a", "[a-z]", "[^a]", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", "[А-я]", "[éſ😀]",
    "[\u212a-\u2fff]", r"[^\w\s]", r"[\[\]\\^%-]", r"[\s\S]",
]  # fmt: skip


def _escaped(text: str) -> str:
    """The pattern of a text alone."""
    return "".join(f"\\{c}" if c in ".^$*+?{}[]()|\\" else c for c in text)


class Writer:
    """Writes definitions, drawing whatever is a matter of choice."""

    def __init__(self, draw: st.DrawFn, world: World) -> None:
        self.draw = draw
        self.world = world
        self.schema = world.schema
        self.pool = world.pool
        self.named = 0

    def pick(self, options: Sequence[_T]) -> _T:
        return self.draw(st.sampled_from(options))

    def rarely(self) -> bool:
        return self.draw(st.integers(0, 7)) == 7

    # -- conditions -----------------------------------------------------------------------------

    def condition(self, depth: int, scope: Scope = CUSTOMER) -> str:
        """A condition, of the customer or, inside an aggregate's brackets, of a row."""
        form = self.pick(["leaf", "and", "or", "not", "of"]) if depth else "leaf"
        if form == "leaf":
            if scope.way is None:
                return self.pick(CONDITIONS)(self)
            deeper = scope.way.inner > 0 and self.rarely()
            return self.existence(scope) if deeper else self.test(scope)
        if form == "not":
            return f"not ({self.condition(depth - 1, scope)})"
        parts = [self.condition(depth - 1, scope) for _ in range(self.pick([2, 2, 3]))]
        if form == "of":
            quantifier = self.pick(["at least", "at most", "exactly"])
            return f"{quantifier} {self.whole([1, 2, len(parts)])} of ({', '.join(parts)})"
        return "({})".format(f" {form} ".join(parts))

    def of_customer(self) -> str:
        return self.test(CUSTOMER)

    def existence(self, scope: Scope = CUSTOMER) -> str:
        way = self.way(scope)
        return f"{self.pick(['any', 'none'])}({way.text}{self.brackets(way)})"

    def way(self, scope: Scope) -> Way:
        """A relation or a path of them, of a row or of the customer."""
        root = self.schema.entity
        inner = 1 if scope.way is None else scope.way.inner - 1
        holder, before = root, ""
        above: tuple[tuple[str, Entity], ...] = ()
        if scope.way is not None:
            own = self.schema.named(scope.way.end.to)
            if own.relations and not self.rarely():
                holder, above = own, scope.way.above
                if scope.way.alias:
                    above = (*above, (scope.way.alias, own))
            else:
                before = f"{root.name}."
        first = self.pick(holder.relations)
        further = self.schema.named(first.to).relations
        if further and self.rarely():
            last = self.pick(further)
            text = f"{before}{first.name}.{last.name}"
            return Way((first, last), text, holder, inner, above=above)
        return Way((first,), f"{before}{first.name}", holder, inner, above=above)

    def reference(self) -> str:
        if not self.world.named:
            return self.existence()
        name = self.pick(list(self.world.named))
        word = self.pick(["in segment", "not in segment"])
        return f"{word} {name if name.isidentifier() else format_value(name)}"

    def stay(self) -> str:
        if self.schema.entity.relation("memberships") is None:
            return self.existence()
        name = self.pick(SEGMENTS)
        shown = name if name.isidentifier() else format_value(name)
        event = self.pick(["in", "entered", "left"])
        if event == "in":
            count = self.pick(["0", self.whole([1, 7, 30])])
            length = f"{count} {self.pick(UNITS + SHORT_UNITS)}s"
            return f"{self.maybe_not()}in segment {shown} for {length}"
        return f"{self.maybe_not()}{event} segment {shown} in {self.window(TIMESTAMP)}"

    def on_list(self) -> str:
        if not self.world.lists:
            return self.existence()
        name = self.pick(list(self.world.lists))
        held = TEXT if any(isinstance(key, str) for key in self.world.lists[name]) else INTEGER
        of_key = f"{self.maybe_not()}in list {name}"
        if self.pick([True, False]):
            return of_key
        value, dtype = self.attribute(CUSTOMER, held)
        return f"{value} {of_key}" if dtype == held else of_key

    def reachable(self) -> str:
        if not self.schema.channels:
            return self.existence()
        name = self.pick(self.schema.channels).name
        word = f"{self.maybe_not()}reachable by"
        return f"{word} {name if name.isidentifier() else format_value(name)}"

    # -- names ----------------------------------------------------------------------------------

    def channel(self, name: str) -> Channel:
        """A channel: its address is any value, its consent a condition without parameters."""
        address, asked = (self.attribute(CUSTOMER, None)[0] for _ in range(2))
        consent = self.pick([f"{asked} is present", f"not {asked} is present", "none(notes)"])
        return Channel(name, address=address, consent=consent)

    def lists(self) -> dict[str, list[int | str]]:
        """Keys of some people and of strangers, few and many."""
        key = self.schema.entity.key_attribute
        assert key is not None
        strangers = [*range(7, 1_500)] if key.dtype == INTEGER else [*map(str, range(1_500))]
        some = self.draw(st.lists(st.sampled_from(KEYS[key.dtype]), max_size=4))
        return {"fair": some, "archive": [*some, *strangers]}

    # -- the population -------------------------------------------------------------------------

    def among(self) -> str:
        return self.pick(["", " among everyone", f" among ({self.test(CUSTOMER)})"])

    def ranked(self) -> str:
        value, _ = self.number(CUSTOMER, self.pick([0, 0, 1]), exact=True)
        word = self.pick(["top", "bottom"])
        limit = self.pick(["1", "2", "50%", "33.4%", numbered(2), share("33.4")])
        return f"{self.maybe_not()}{word} {limit} by {value}{self.among()}"

    def compared_with_others(self) -> str:
        value, _ = self.number(CUSTOMER, 0)
        operator = self.pick(COMPARISONS)
        if self.draw(st.booleans()):
            return f"ntile({self.pick([1, 2, 3])}, {value}{self.among()}) {operator} 2"
        word = self.pick(["avg", "count", "max", "median", "min", "sum"])
        return f"{value} {operator} {word}({value}{self.among() or ' among everyone'})"

    def sample(self) -> str:
        part = self.pick(["50%", "12.5%", "0%", "100%", share("12.5")])
        return f"sample({part}, {self.pick(['', 'сіль'])!r})"

    # -- tests ----------------------------------------------------------------------------------

    def test(self, scope: Scope) -> str:
        """A test of some value."""
        if (lists := self.tagged(scope)) and self.rarely():
            return self.pick(OF_LISTS)(self, self.pick(lists), TEXTS, scope)
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
        if self.rarely():
            known = len(self.pool.constants(dtype)) - 1
            places = self.draw(st.lists(st.integers(0, known), max_size=3))
            return f"{value} {self.maybe_not()}in {several(dtype, places)}{self.fold(dtype)}"
        options = [self.constant(dtype) for _ in range(self.draw(st.integers(1, 4)))]
        if dtype == INTEGER and self.rarely():
            options += map(str, range(300))
        return f"{value} {self.maybe_not()}in ({', '.join(options)}){self.fold(dtype)}"

    def between(self, value: str, dtype: DType, scope: Scope) -> str:
        return f"{value} {self.maybe_not()}{self.range_of(dtype)}"

    def contains(self, value: str, dtype: DType, scope: Scope) -> str:
        word = self.pick(["contains", "starts with", "ends with"])
        return f"{value} {self.maybe_not()}{word} {self.constant(TEXT)}{self.fold(TEXT)}"

    def contains_whole(self, value: str, dtype: DType, scope: Scope) -> str:
        return f"{value} {self.maybe_not()}contains {self.constant(TEXT)}{self.fold(TEXT)}"

    def matches(self, value: str, dtype: DType, scope: Scope) -> str:
        pattern = self.pattern(2)
        if ambiguous(pattern):
            pattern = _escaped(self.short_text())
        return f"{value} {self.maybe_not()}matches {format_value(pattern)}"

    def pattern(self, depth: int) -> str:
        """A pattern, of texts of the world and of what may stand for their characters."""
        form = self.pick(
            ["text", "like", "letter", "both", "either", "repeat"][: 6 if depth else 3]
        )
        match form:
            case "text":
                return _escaped(self.short_text())
            case "like":
                text = self.short_text()
                return "".join(self.pick([_escaped(c), self.letter()]) for c in text)
            case "letter":
                return self.letter()
            case "both":
                return self.group(depth) + self.group(depth)
            case "either":
                return f"{self.pattern(depth - 1)}|{self.pattern(depth - 1)}"
            case _:
                return self.group(depth) + self.pick(["?", "*", "+", "{2}", "{0,2}", "{1,}"])

    def short_text(self) -> str:
        """A text that a pattern has room for."""
        return self.pick([text for text in self.pool.constants(TEXT) if len(text) < 1_000])

    def group(self, depth: int) -> str:
        """A pattern in brackets."""
        return f"({self.pattern(depth - 1)})"

    def letter(self) -> str:
        """One character, or one of some."""
        return self.pick(_LETTERS)

    def in_version_order(self, value: str, dtype: DType, scope: Scope) -> str:
        """A test of the version that a text may be."""
        version = f"version({value})"
        match self.pick(["constant", "constant", "another", "several", "between", "missing"]):
            case "constant":
                return f"{version} {self.pick(COMPARISONS)} {self.version()}"
            case "another":
                return f"{version} {self.pick(COMPARISONS)} version({self.value(scope, TEXT)[0]})"
            case "several":
                return f"{version} {self.maybe_not()}in ({self.version()}, {self.version()})"
            case "between":
                return f"{version} {self.maybe_not()}between {self.version()} and {self.version()}"
            case _:
                return f"{version} is {self.pick(['missing', 'present'])}"

    def version(self) -> str:
        """A version that is written out."""
        return f"version({format_value(self.pick(VERSIONS))})"

    def contains_several(self, value: str, dtype: DType, scope: Scope) -> str:
        word = self.pick(["any", "all"])
        patterns = ", ".join(self.constant(TEXT) for _ in range(self.draw(st.integers(1, 3))))
        return f"{value} {self.maybe_not()}contains {word} ({patterns}){self.fold(TEXT)}"

    def sized(self, value: str, dtype: DType, scope: Scope) -> str:
        return f"length({value}) {self.pick(COMPARISONS)} {self.pick([0, 1, 2, 3])}"

    def empty(self, value: str, dtype: DType, scope: Scope) -> str:
        return f"{value} is {self.maybe_not()}empty"

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

    def called(self, scope: Scope, dtype: DType | None) -> tuple[str, DType]:
        """A function of the language; whoever wants a type that none gives gets an attribute."""
        known = {INTEGER, TEXT, *(a.dtype for a in self.schema.entity.attributes)} - {TEXTS}
        fitting = [
            (function, first)
            for function in FUNCTIONS.values()
            if WORDS.keys() >= set(function.parameters)
            for first in sorted(known, key=str)
            if WORDS[function.parameters[0]].accepts(first)
            if (function.result or first) not in (ANNIVERSARY, VERSION)
            if dtype in (None, function.result or first)
        ]
        if not fitting:
            return self.attribute(scope, dtype)
        function, first = self.pick(fitting)
        kinds = [self._kind_of(word, first, known) for word in function.parameters]
        arguments = ", ".join(self.attribute(scope, kind)[0] for kind in kinds)
        return f"{function.name}({arguments})", function.result or first

    def _kind_of(self, word: str, first: DType, known: set[DType]) -> DType:
        if WORDS[word].together and WORDS[word].accepts(first):
            return first
        return self.pick(sorted((d for d in known if WORDS[word].accepts(d)), key=str))

    def length(self) -> str:
        """A length of time; some are parameters' numbers of units."""
        unit = self.pick(["week", "day", "hour", "second"])
        return f"{self.pick(['', '', '-'])}{self.pick([0, 1, 7, 30, 1_000])} {unit}s"

    def step(self, dtype: DType) -> str:
        """How a time moves."""
        units = ["day", "week", *(UNITS if dtype == DATE else SHORT_UNITS)]
        return f"{self.pick('+-')} {self.pick([0, 1, 2, 13, 400])} {self.pick(units)}s"

    def another_time(self, scope: Scope) -> str:
        if self.rarely():
            return self.pick(["now", "today"])
        return self.attribute(scope, self.pick([DATE, TIMESTAMP]))[0]

    def apart(self, value: str, dtype: DType, scope: Scope) -> str:
        """How far two times are apart."""
        found = f"{value} - {self.another_time(scope)}"
        match self.pick(["length", "length", "days", "moved", "missing", "between", "half"]):
            case "days":
                return f"({found}) / 1 day {self.pick(COMPARISONS)} {self.pick([0, 1, -30, 2.5])}"
            case "moved":
                return f"{value} {self.pick(COMPARISONS)} now - ({found})"
            case "missing":
                return f"{found} is {self.pick(['missing', 'present'])}"
            case "between":
                return f"{found} {self.maybe_not()}between {self.length()} and {self.length()}"
            case "half":
                return f"({found}) / 2 + {self.length()} {self.pick(COMPARISONS)} {self.length()}"
            case _:
                return f"{found} {self.pick(COMPARISONS)} {self.length()}"

    def moved(self, value: str, dtype: DType, scope: Scope) -> str:
        """A test of a time some while later."""
        later = f"{value} {self.step(dtype)}"
        match self.pick(["another", "another", "constant", "window", "part", "missing", "default"]):
            case "another":
                return f"{later} {self.pick(COMPARISONS)} {self.another_time(scope)}"
            case "constant":
                return f"{later} {self.pick(COMPARISONS)} {self.constant(dtype)}"
            case "window":
                return f"{later} {self.maybe_not()}in {self.window(dtype)}"
            case "part":
                return f"day({later}) {self.pick(COMPARISONS)} {self.written(DATE)}"
            case "default":
                return f"default({later}, {self.written(dtype)}) {self.pick(COMPARISONS)} {value}"
            case _:
                return f"{later} is {self.pick(['missing', 'present'])}"

    def spans(self) -> str:
        """Lengths of time of many rows."""
        way = self.way(CUSTOMER)
        times = [name for name, dtype in self.own(way) if dtype.is_time]
        if not times:
            return self.existence()
        one, other = self.pick(times), self.pick([*times, "now"])
        word = self.pick(["sum", "avg", "min", "max", "median"])
        call = f"{word}({one} - {other}{self.brackets(way)})"
        return f"{call} {self.pick(COMPARISONS)} {self.length()}"

    def part(self, value: str, dtype: DType, scope: Scope) -> str:
        operator = self.pick(COMPARISONS)
        if self.draw(st.booleans()):
            return f"{self.pick(['day', 'week'])}({value}) {operator} {self.written(DATE)}"
        words = ["weekday", "monthday", "month", "quarter", "year"] + (
            ["hour"] if dtype == TIMESTAMP else []
        )
        return f"{self.pick(words)}({value}) {operator} {self.pick([1, 3, 4, 7, 12, 22, 2026])}"

    def near(self, value: str, dtype: DType, scope: Scope) -> str:
        far = self.pick(["1 m", "150.5 km", "200 miles", "19999 km"])
        other = f"point({self.pick([0, 2.5, -90])}, {self.pick([0.5, 180, -3])})"
        # A constant that is not on the globe would be refused.
        north = "2.5" if value.lstrip("-")[0].isdigit() else value
        return f"distance(point({north}, 1.5), {other}) {self.pick(['<', '>=', '!='])} {far}"

    def maybe_not(self) -> str:
        return self.pick(["", "not "])

    def fold(self, dtype: DType) -> str:
        return self.pick(["", "", " ignoring case"]) if dtype == TEXT else ""

    # -- values ---------------------------------------------------------------------------------

    def value(self, scope: Scope, dtype: DType | None = None) -> tuple[str, DType]:
        """A value, and its type; where none of the wanted type is there, a constant."""
        sources = [s for s in VALUES if s not in OF_ROWS or self.may_aggregate(scope)]
        return self.pick(sources)(self, scope, dtype)

    def may_aggregate(self, scope: Scope) -> bool:
        """Whether an aggregate may stand here: before ``where`` it may not."""
        if scope.way is None:
            return True
        return not scope.prefixed and scope.way.inner > 0 and self.rarely()

    def attribute(self, scope: Scope, dtype: DType | None) -> tuple[str, DType]:
        names = [(n, d) for n, d in self.names(scope) if dtype in (None, d)]
        if names:
            return self.pick(names)
        assert dtype is not None
        return self.written(dtype), dtype

    def names(self, scope: Scope) -> list[tuple[str, DType]]:
        """What can be named: own attributes, beyond links, and in a row those of rows around it."""
        root = self.schema.entity
        if scope.way is None:
            return _named(root, "")
        before = f"{scope.way.text}." if scope.prefixed else ""
        found = _named(self.schema.named(scope.way.end.to), before)
        for name, entity in ((root.name, root), *scope.way.above):
            found += _named(entity, f"{name}.")
        return found

    def tagged(self, scope: Scope) -> list[str]:
        """The lists of texts that can be named."""
        entity = self.schema.named(scope.way.end.to) if scope.way else self.schema.entity
        found = [a.name for a in entity.attributes if a.dtype == TEXTS]
        found += [a.name for d in entity.documents for a in d.attributes if a.dtype == TEXTS]
        return found

    def trait(self, scope: Scope, dtype: DType | None) -> tuple[str, DType]:
        """A named value; whoever wants a type that none has gets an attribute."""
        traits = self.world.traits.items()
        before = f"{self.schema.entity.name}." if scope.way else ""
        found = [
            (before + format_name(n), kind)
            for n, (text, kind) in traits
            # Of a row, nothing is asked that needs everyone.
            if dtype in (None, kind) and not (scope.way and OF_EVERYONE.search(text))
        ]
        return self.pick(found) if found else self.attribute(scope, dtype)

    def defaulted(self, scope: Scope, dtype: DType | None) -> tuple[str, DType]:
        value, dtype = self.attribute(scope, dtype)
        return f"default({value}, {self.written(dtype)})", dtype

    def chosen(
        self, scope: Scope, dtype: DType | None, own: str | None = None
    ) -> tuple[str, DType]:
        """A value that is chosen by tests, perhaps an own one; numbers can be of several types."""
        mixed = dtype is None and self.rarely()
        first, dtype = (own, dtype) if own and dtype else self.attribute(scope, dtype)
        others = [self.pick([self.written(dtype), self.attribute(scope, dtype)[0]]) for _ in "ab"]
        if mixed and dtype.is_number:
            others[0], kind = self.attribute(scope, self.pick(NUMBERS))
            dtype = dtype if kind == dtype else FLOAT if FLOAT in (kind, dtype) else MONEY
        branches = zip([first, *others], ["when", "when", "else"], strict=True)
        kept = list(branches)[0 if own else self.pick([0, 0, 1]) : self.pick([2, 3, 3])]
        words = [
            f"when {self.guard(scope)} then {value}" if word == "when" else f"else {value}"
            for value, word in kept
        ]
        return f"case {' '.join(words)} end", dtype

    def guard(self, scope: Scope) -> str:
        """A test in a value: before ``where``, of what can be named there."""
        if not scope.prefixed:
            return self.condition(self.pick([0, 0, 1]), scope)
        value, dtype = self.attribute(scope, None)
        return self.pick(_ANY)(self, value, dtype, scope)

    def computed(self, scope: Scope, dtype: DType | None) -> tuple[str, DType]:
        """A number made of others; whoever wants another type gets an attribute."""
        if self.has_infinities or (dtype is not None and not dtype.is_number):
            return self.attribute(scope, dtype)
        return self.number(scope, self.draw(st.integers(1, 2)))

    @property
    def has_infinities(self) -> bool:
        """What ∞ − ∞ and ∞ × 0 are is the engine's: such worlds are asked for no arithmetic."""
        return Hostile.INFINITY in self.pool.hostile

    def number(self, scope: Scope, depth: int, *, exact: bool = False) -> tuple[str, DType]:
        """A number; ``exact``: without a division, so that the order of a sum is no matter."""
        if depth == 0:
            source = self.attribute if scope.way or self.draw(st.booleans()) else self.aggregate
            return source(scope, self.pick(NUMBERS))
        form = self.pick(["+", "-", "*", *([] if exact else ["/"]), "sign", "abs", "age", "clamp"])
        if form == "age":
            return f"age({self.attribute(scope, DATE)[0]})", INTEGER
        left, dtype = self.number(scope, depth - 1, exact=exact)
        match form:
            case "sign":
                return f"-{left}" if left[0] != "-" else left, dtype
            case "abs":
                return f"abs({left})", dtype
            case "clamp":
                low, high = self.written(dtype), self.written(dtype)
                return f"clamp({left}, {low}, {high})", dtype
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
        way = self.way(scope)
        kinds = [a for a in AGGREGATES if way.end.at or a not in ORDERED]
        value, found = self.pick(kinds)(self, way, dtype)
        fits = dtype is None or dtype == found or (dtype.is_number and found.is_number)
        return (value, found) if fits else self.attribute(scope, dtype)

    # -- aggregates -----------------------------------------------------------------------------

    def count(self, way: Way, dtype: DType | None) -> tuple[str, DType]:
        value = self.perhaps_chosen(way, self.own(way))[0]
        what = self.pick([way.text, value, f"distinct {value}"])
        return f"count({what}{self.brackets(way)})", INTEGER

    def total(self, way: Way, dtype: DType | None) -> tuple[str, DType]:
        numbers = [(n, d) for n, d in self.own(way) if d.is_number]
        if self.has_infinities or not numbers:
            return self.count(way, dtype)
        value, found = self.perhaps_chosen(way, numbers)
        if self.pick([False, False, True]):
            scope = Scope(way, prefixed=True)
            other, kind = self.number(scope, self.pick([0, 1]), exact=True)
            value = f"{value} {self.pick('+-')} {other}"
            found = FLOAT if FLOAT in (found, kind) else found
        elif self.rarely():
            value = f"{value} * {self.factor(found)}"
        word = self.pick(["sum", "avg", "median"])
        return f"{word}({value}{self.brackets(way)})", found if word == "sum" else FLOAT

    def least(self, way: Way, dtype: DType | None) -> tuple[str, DType]:
        ordered = [(n, d) for n, d in self.own(way, dtype) if d.is_number or d.is_time]
        if not ordered:
            return self.count(way, dtype)
        value, found = self.perhaps_chosen(way, ordered)
        of = f"{value}{self.brackets(way)}"
        if self.rarely():
            return f"percentile({self.pick(PERCENTS)}, {of})", found
        return f"{self.pick(['min', 'max', 'peak'])}({of})", found

    def earliest(self, way: Way, dtype: DType | None) -> tuple[str, DType]:
        value, found = self.perhaps_chosen(way, self.own(way, dtype) or self.own(way))
        return f"{self.pick(['first', 'last'])}({value}{self.brackets(way)})", found

    def frequent(self, way: Way, dtype: DType | None) -> tuple[str, DType]:
        value, found = self.perhaps_chosen(way, self.own(way, dtype) or self.own(way))
        return f"mode({value}{self.brackets(way)})", found

    def streak(self, way: Way, dtype: DType | None) -> tuple[str, DType]:
        times = [(n, d) for n, d in self.own(way) if d.is_time]
        if not times:
            return self.count(way, dtype)
        value, _ = self.perhaps_chosen(way, times)
        return f"streak({self.pick(UNITS)}({value}){self.brackets(way)})", INTEGER

    def perhaps_chosen(self, way: Way, options: Sequence[tuple[str, DType]]) -> tuple[str, DType]:
        """One of the values of a row, or one of its type that is chosen by tests."""
        value, found = self.pick(options)
        scope = Scope(way, prefixed=True)
        return self.chosen(scope, found, value) if self.rarely() else (value, found)

    def own(self, way: Way, dtype: DType | None = None) -> list[tuple[str, DType]]:
        """What an aggregate of a relation can be of, if need be of one type."""
        found = _named(self.schema.named(way.end.to), f"{way.text}.")
        return [(n, d) for n, d in found if dtype in (None, d)]

    def brackets(self, way: Way) -> str:
        """The window, the condition and the steps inside an aggregate's brackets."""
        found = ""
        if self.pick([False, True]):
            way = evolve(way, alias=self.row_name())
            found = f" as {way.alias}"
        times = [self.time(r) for r in way.relations if r.at]
        if times:
            window = self.pick(["", "in", "between"])
            found += {
                "": lambda: "",
                "in": lambda: f" in {self.window(times[-1])}",
                "between": lambda: f" {self.range_of(DATE)}",
            }[window]()
        found += self.where(way)
        if way.end.at and len(way.relations) == 1 and self.pick([False, False, False, True]):
            found += self.steps(way)
        return found

    def time(self, relation: Relation) -> DType:
        """The type of an event's time."""
        at = self.schema.named(relation.to).attribute(relation.at or "")
        assert at is not None
        return at.dtype

    def where(self, way: Way) -> str:
        if self.pick([False, True]):
            return f" where {self.condition(self.pick([0, 0, 1]), Scope(way))}"
        return ""

    def steps(self, way: Way) -> str:
        """What comes before or after the rows at the end of a way."""
        found, row, alias = "", way.end, way.alias
        for _ in range(self.pick([1, 1, 2, 3])):
            own = self.schema.named(row.to).relations
            names = [(r.name, r) for r in way.holder.relations if r.at]
            names += [(f"{row.name}.{r.name}", r) for r in own if r.at]
            names = [(n, r) for n, r in names if self.time(r) == self.time(row)]
            name, relation = self.pick(names)
            negated, word = self.pick(["", "not "]), self.pick(["followed", "preceded"])
            found += f" {negated}{word} by {name}"
            step = evolve(way, relations=(relation,), alias="", above=())
            if self.pick([False, True]):
                step = evolve(step, alias=self.row_name())
                found += f" as {step.alias}"
            where = self.where(step)
            if alias and (same := self.same(alias, row, relation)):
                where = f" where {same}" + (f" and ({where[7:]})" if where else "")
            found += where
            if self.pick([False, True, True]):
                short = ["1 second", "0 seconds", "1440 minutes", f"{numbered(24)} hours"]
                units = [
                    "0 days",
                    f"{numbered(7)} days",
                    "1 day",
                    "6 days",
                    "7 days",
                    "23 days",
                    "30 days",
                    "5_000 weeks",
                ]
                found += f" within {self.pick(units + short * (self.time(row) == TIMESTAMP))}"
            row, alias = (row, alias) if negated else (relation, step.alias)
        return found

    def row_name(self) -> str:
        """A name that no other row has."""
        self.named += 1
        return self.pick([f"r{self.named}", f"`row {self.named}`"])

    def same(self, alias: str, row: Relation, other: Relation) -> str:
        """An equality of a row and of the one that it follows, where they have something alike."""
        names = _named(self.schema.named(row.to), f"{alias}.")
        pairs = [
            (mine, its)
            for its, dtype in _named(self.schema.named(other.to), "")
            for mine, found in names
            if dtype.family == found.family or (dtype.is_time and found.is_time)
        ]
        if not pairs or self.rarely():
            return ""
        return " = ".join(self.pick(self.pick([pairs, [p[::-1] for p in pairs]])))

    # -- constants and times --------------------------------------------------------------------

    def constant(self, dtype: DType) -> str:
        """A constant; some are parameters."""
        if self.rarely():
            constants = self.pool.constants(dtype)
            return parameter(dtype, self.draw(st.integers(0, len(constants) - 1)))
        return self.written(dtype)

    def whole(self, numbers: Sequence[int]) -> str:
        """A whole number; some are parameters."""
        number = self.pick(numbers)
        return numbered(number) if self.rarely() else str(number)

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
                count = self.whole([1, 7, 30, 90, 5_000])
                return f"{self.pick(['last', 'next'])} {count} {unit}s"
            case "this" | "previous":
                return f"{form} {unit}"
            case "several":
                return f"previous {self.whole([1, 2, 3, 20])} {unit}s"
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
        return f"{self.whole([1, 7, 30])} {unit}s {self.pick(['ago', 'from now'])}"


OF_EVERYONE = re.compile(r"\b(among|top|bottom|ntile)\b")
"""A value that compares somebody with others has one of these words."""

_X = "id is present"
_ROOM = f"{_X} or {_X} and not ({_X} or {_X} and not ({_X} or {_X} and not ({{}})))"
"""What operations on sets can put around a definition."""


def _shallow(writer: Writer, depth: int) -> str:
    """A definition with room for the operations on sets, though aggregates may be in aggregates."""
    drawn = (writer.condition(depth) for _ in range(3))
    return next((text for text in drawn if _has_room(writer.world, text)), "id is present")


def _trait(writer: Writer) -> tuple[str, DType]:
    """A value, and its type, with the same room."""
    drawn = (writer.value(CUSTOMER) for _ in range(3))
    fitting = (v for v in drawn if _has_room(writer.world, f"{v[0]} is present"))
    return next(fitting, ("0", INTEGER))


def _has_room(world: World, text: str) -> bool:
    try:
        world.define(_ROOM.format(text))
    except DefinitionError as error:
        if {each.code for each in error.diagnostics} != {"SK007"}:
            raise
        return False
    return True


def _named(entity: Entity, before: str) -> list[tuple[str, DType]]:
    found = [(before + format_name(a.name), a.dtype) for a in entity.attributes]
    loose = [a for document in entity.documents for a in document.attributes]
    found += [(before + a.name, a.dtype) for a in loose]
    found = [(name, dtype) for name, dtype in found if dtype != TEXTS]
    return found + [(f"{before}{link.name}.city", TEXT) for link in entity.links]


Value = Callable[[Writer, Scope, DType | None], tuple[str, DType]]
Test = Callable[[Writer, str, DType, Scope], str]

CONDITIONS: list[Callable[[Writer], str]] = [
    Writer.of_customer, Writer.of_customer, Writer.of_customer, Writer.existence, Writer.reference,
    Writer.on_list, Writer.reachable, Writer.stay,
    Writer.of_customer, Writer.of_customer, Writer.existence, Writer.sample, Writer.ranked,
    Writer.compared_with_others, Writer.spans,
]  # fmt: skip
"""What a condition of a customer can be; what stands twice is drawn twice as often."""

VALUES: list[Value] = [
    Writer.attribute, Writer.attribute, Writer.aggregate, Writer.aggregate, Writer.defaulted,
    Writer.computed, Writer.trait, Writer.called, Writer.chosen,
]  # fmt: skip
"""What a value can be."""

OF_ROWS: list[Value] = [Writer.aggregate, Writer.trait]
"""Values that are made of rows."""

AGGREGATES: list[Callable[[Writer, Way, DType | None], tuple[str, DType]]] = [
    Writer.count, Writer.total, Writer.least, Writer.earliest, Writer.frequent, Writer.streak,
]  # fmt: skip
"""What an aggregate can be."""

ORDERED = [Writer.earliest]
"""Aggregates that a relation without a time does not have."""

_ANY: list[Test] = [Writer.compared, Writer.compared_with_another, Writer.missing, Writer.in_list]
_TIME: list[Test] = [
    *_ANY, Writer.between, Writer.in_window, Writer.in_window, Writer.at_moment,
    Writer.at_other_kind_of_time, Writer.part, Writer.apart, Writer.moved,
]  # fmt: skip

OF_LISTS: list[Test] = [
    Writer.contains_whole, Writer.contains_whole, Writer.contains_several, Writer.missing,
    Writer.sized, Writer.empty,
]  # fmt: skip
"""How a list of texts can be tested."""

TESTS: Mapping[Kind, list[Test]] = {
    Kind.BOOLEAN: [Writer.bare, *_ANY],
    Kind.INTEGER: [*_ANY, Writer.between, Writer.near],
    Kind.FLOAT: [*_ANY, Writer.between, Writer.near],
    Kind.DECIMAL: [*_ANY, Writer.between, Writer.near],
    Kind.TEXT: [
        *_ANY,
        Writer.contains,
        Writer.contains,
        Writer.contains_several,
        Writer.matches,
        Writer.in_version_order,
    ],
    Kind.DATE: [*_TIME, Writer.anniversary],
    Kind.TIMESTAMP: _TIME,
}
"""How a value of each kind can be tested."""
