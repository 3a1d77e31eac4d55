"""Random schemas, hostile data for them, and definitions that fit them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen
from hypothesis import strategies as st

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    DType,
    Entity,
    Link,
    Relation,
    Schema,
    decimal,
)
from segmentkit._format import format_name, format_value

MONEY = decimal(2)
TYPES = [BOOLEAN, INTEGER, FLOAT, MONEY, TEXT, DATE, TIMESTAMP]
NAMES = ["age", "місто", "order count", "and", "a'b", 'q"t', "x", "where", "Vip", "name"]

INTEGERS = [-3, 0, 1, 2, 3, 7, 18, 10**12]
# Halves and quarters: their sums are exact in whatever order an engine takes them.
FLOATS = [-1.5, 0.0, 0.25, 2.5, 3.0, 1024.75]
DECIMALS = [Decimal(d) for d in ("-1.05", "0.00", "0.10", "0.20", "0.30", "9.99", "10.00")]
TEXTS = [
    "", "a", "A", "ab", "b", "ä", "Ä", "Київ", "київ", "ß", "ss", "Σας", "σας", "a%b", "a_b", "%",
    "_", "\\", "\\n",
    "a'b", '"q"', "l\nb", "😀", " a", "a ", "NULL", ":x", "?", "--", "İ", "e\u0301", "é",
]  # fmt: skip


@frozen
class World:
    """A schema, rows for its tables, and the instant to ask about."""

    schema: Schema
    rows: dict[str, list[dict[str, Any]]]
    as_of: datetime


def instants(as_of: datetime, zone: ZoneInfo) -> list[datetime]:
    """Instants at, just before and just after the edges of windows."""
    here = as_of.replace(tzinfo=UTC).astimezone(zone)
    midnights = [
        datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None)
        for day in (here.date(), here.date().replace(day=1), here.date().replace(month=1, day=1))
    ]
    edges = [as_of, *midnights, *(as_of - timedelta(days=d) for d in (1, 7, 30))]
    tick = timedelta(microseconds=1)
    return [moved for edge in edges for moved in (edge - tick, edge, edge + tick)]


def days(as_of: datetime) -> list[date]:
    """Dates at the edges of windows, and births that make ages and birthdays interesting."""
    today = as_of.date()
    near = [today + timedelta(days=d) for d in (-366, -31, -30, -7, -1, 0, 1, 7)]
    return [*near, date(2000, 2, 29), date(2008, 2, 28), date(1990, 12, 31), date(2007, 1, 1)]


@frozen
class Pool:
    """The constants to draw from, by type."""

    as_of: datetime
    zone: ZoneInfo

    def of(self, dtype: DType) -> list[Any]:
        """Values of a type."""
        if dtype == TIMESTAMP:
            return instants(self.as_of, self.zone)
        if dtype == DATE:
            return days(self.as_of)
        table = {
            BOOLEAN: [True, False],
            INTEGER: INTEGERS,
            FLOAT: FLOATS,
            MONEY: DECIMALS,
            TEXT: TEXTS,
        }
        return table[dtype]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A schema with a relation of events, a plain relation and links; rows with every gap."""
    zone = draw(st.sampled_from(["UTC", "Europe/Kyiv", "America/New_York"]))
    as_of = draw(
        st.sampled_from(
            [
                datetime(2026, 3, 31, 12),
                datetime(2024, 2, 29),
                datetime(2026, 2, 28, 23, 30),
                datetime(2025, 12, 31, 22, 0, 0, 1),
                datetime(2026, 3, 29, 1),
            ]
        )
    )
    at = draw(st.sampled_from([TIMESTAMP, TIMESTAMP, DATE]))
    key_of_events = draw(st.booleans())
    stores = Entity("stores", key="id", attributes=[_key(), Attribute("city", TEXT, nullable=True)])
    lines = Entity("lines", attributes=[_at(at), *draw(_attributes())])
    people = Entity(
        "people",
        key="id",
        attributes=[_key(), *draw(_attributes())],
        links=[Link("shop", to="stores", key="shop_id")],
        relations=[
            Relation("orders", key="person_id", at="at"),
            Relation("visits", key="person_id", at="at"),
            Relation("notes", key="person_id"),
        ],
    )
    of_orders = Relation("lines", key="order_id", at=draw(st.sampled_from([None, "at"])))
    orders = Entity(
        "orders",
        key="id" if key_of_events else None,
        attributes=[_key(), _at(at), *draw(_attributes())],
        links=[Link("store", to="stores", key="store_id")],
        relations=[of_orders] if key_of_events else [],
    )
    visits = Entity("visits", attributes=[_at(at), *draw(_attributes())])
    notes = Entity("notes", attributes=draw(_attributes()))
    schema = Schema([people, orders, visits, notes, lines, stores], time_zone=zone)
    pool = Pool(as_of, ZoneInfo(zone))
    owners = st.sampled_from([1, 2, 3, 4, 5, None, 99])
    places = st.sampled_from([1, 2, None, 99])
    holders = st.sampled_from([*range(1, 9), None, 99])
    rows = {
        "people": draw(_rows(people, pool, {"shop_id": places}, most=5)),
        "orders": draw(_rows(orders, pool, {"person_id": owners, "store_id": places}, most=12)),
        "visits": draw(_rows(visits, pool, {"person_id": owners}, most=8)),
        "notes": draw(_rows(notes, pool, {"person_id": owners}, most=5)),
        "lines": draw(_rows(lines, pool, {"order_id": holders}, most=12)),
        "stores": draw(_rows(stores, pool, {}, most=2)),
    }
    return World(schema, rows, as_of)


def _at(dtype: DType) -> Attribute:
    return Attribute("at", dtype, nullable=True)


def _key() -> Attribute:
    return Attribute("id", INTEGER)


def _attributes() -> st.SearchStrategy[list[Attribute]]:
    each = st.builds(Attribute, st.sampled_from(NAMES), st.sampled_from(TYPES), st.booleans())
    return st.lists(each, min_size=1, max_size=5, unique_by=lambda a: a.name)


@st.composite
def _rows(
    draw: st.DrawFn, entity: Entity, pool: Pool, ways: dict[str, Any], most: int
) -> list[dict[str, Any]]:
    count = draw(st.integers(0, most))
    found = []
    for number in range(1, count + 1):
        row: dict[str, Any] = {}
        for a in entity.attributes:
            values = st.sampled_from(pool.of(a.dtype)) if a.name != "id" else st.just(number)
            row[a.column] = draw(st.one_of(st.none(), values) if a.nullable else values)
        row.update({name: draw(values) for name, values in ways.items()})
        found.append(row)
    return found


# -- definitions --------------------------------------------------------------------------------

UNITS = ["day", "week", "month", "quarter", "year"]


@st.composite
def definitions(draw: st.DrawFn, world: World) -> str:
    """A definition that the schema of a world makes sense of."""
    return draw(_Definitions(world).condition(depth=draw(st.integers(0, 3))))


class _Definitions:
    def __init__(self, world: World) -> None:
        self.schema = world.schema
        self.pool = Pool(world.as_of, ZoneInfo(world.schema.time_zone))

    def condition(
        self, depth: int, row: Relation | None = None, inner: int = 2
    ) -> st.SearchStrategy[str]:
        """A condition, of the entity or of a row inside so many more brackets of aggregates."""
        leaves = [self.test(row)] if row is None else [self.test(row)] * 4
        if inner:
            leaves.append(self.of_aggregate(row, inner - 1))
        leaf = st.one_of(leaves)
        if depth == 0:
            return leaf
        deeper = self.condition(depth - 1, row, inner)
        joined = st.lists(deeper, min_size=2, max_size=3).flatmap(
            lambda parts: st.sampled_from([f"({' and '.join(parts)})", f"({' or '.join(parts)})"])
        )
        return st.one_of(leaf, joined, deeper.map(lambda c: f"not ({c})"))

    def names(self, row: Relation | None) -> list[tuple[str, DType]]:
        """What can be named: own attributes, beyond links, and in a row the entity's too."""
        root = self.schema.entity
        entity = root if row is None else self.schema.named(row.to)
        found = [(format_name(a.name), a.dtype) for a in entity.attributes]
        found += [(f"{link.name}.city", TEXT) for link in entity.links]
        if row is not None:
            found += [(f"{root.name}.{format_name(a.name)}", a.dtype) for a in root.attributes]
        return found

    def test(self, row: Relation | None) -> st.SearchStrategy[str]:
        return st.sampled_from(self.names(row)).flatmap(lambda n: self.test_of(*n, row))

    def constant(self, dtype: DType) -> st.SearchStrategy[str]:
        def written(value: Any) -> str:
            if isinstance(value, datetime):
                return format_value(value.replace(tzinfo=UTC))
            return format_value(Decimal(repr(value)) if isinstance(value, float) else value)

        return st.sampled_from(self.pool.of(dtype)).map(written)

    def test_of(self, name: str, dtype: DType, row: Relation | None) -> st.SearchStrategy[str]:
        constant = self.constant(dtype)
        fold = st.sampled_from(["", " ignoring case"]) if dtype == TEXT else st.just("")
        several = st.lists(constant, min_size=1, max_size=3).map(", ".join)
        same = [n for n, d in self.names(row) if d == dtype]
        operators = ["=", "!="] if dtype in (TEXT, BOOLEAN) else ["=", "!=", "<", "<=", ">", ">="]
        tests = [
            st.sampled_from([f"{name} is missing", f"{name} is present"]),
            st.builds(
                "{} {} {}{}".format, st.just(name), st.sampled_from(operators), constant, fold
            ),
            st.builds(
                "{} {} {}".format, st.just(name), st.sampled_from(operators), st.sampled_from(same)
            ),
            st.builds(
                "{} {} ({}){}".format,
                st.just(name),
                st.sampled_from(["in", "not in"]),
                several,
                fold,
            ),
        ]
        if dtype.is_number:
            tests.append(self.arithmetic(name, dtype, row))
        if dtype.is_number or dtype.is_time:
            word = st.sampled_from(["between", "not between"])
            tests.append(
                st.builds("{} {} {} and {}".format, st.just(name), word, constant, constant)
            )
        if dtype == TEXT:
            word = st.sampled_from(
                [
                    "contains",
                    "not contains",
                    "starts with",
                    "not starts with",
                    "ends with",
                    "not ends with",
                ]
            )
            tests.append(st.builds("{} {} {}{}".format, st.just(name), word, constant, fold))
        if dtype.is_time:
            word = st.sampled_from(["in", "not in"])
            tests.append(st.builds("{} {} {}".format, st.just(name), word, self.window()))
            tests.append(
                st.builds(
                    "{} {} {}".format, st.just(name), st.sampled_from(operators), self.moment()
                )
            )
            other = DATE if dtype == TIMESTAMP else TIMESTAMP
            tests.append(
                st.builds(
                    "{} {} {}".format,
                    st.just(name),
                    st.sampled_from(operators),
                    self.constant(other),
                )
            )
        if dtype == DATE:
            tests.append(
                st.builds(
                    "age({}) {} {}".format,
                    st.just(name),
                    st.sampled_from(operators),
                    st.integers(-1, 40),
                )
            )
            tests.append(st.builds("age({}) * 2 > {}".format, st.just(name), st.integers(-1, 80)))
            tests.append(st.builds("anniversary({}) in {}".format, st.just(name), self.window()))
        if dtype == BOOLEAN:
            tests.append(st.sampled_from([name, f"not {name}", f"default({name}, true)"]))
        return st.one_of(tests)

    def arithmetic(self, name: str, dtype: DType, row: Relation | None) -> st.SearchStrategy[str]:
        numbers = [n for n, d in self.names(row) if d == dtype]
        other = st.one_of(st.sampled_from(numbers), self.constant(dtype))
        left = st.one_of(
            st.builds("{} {} {}".format, st.just(name), st.sampled_from("+-*/"), other),
            st.builds("default({}, {})".format, st.just(name), self.constant(dtype)),
            st.sampled_from([f"abs({name})", f"-{name}"]),
        )
        operators = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
        return st.builds("{} {} {}".format, left, operators, self.constant(dtype))

    def window(self) -> st.SearchStrategy[str]:
        unit = st.sampled_from(UNITS)
        return st.one_of(
            st.builds(
                "{} {} {}s".format,
                st.sampled_from(["last", "next"]),
                st.sampled_from([1, 7, 30]),
                unit,
            ),
            st.builds("{} {}".format, st.sampled_from(["this", "previous"]), unit),
            st.builds("previous {} {}s".format, st.integers(1, 3), unit),
            st.sampled_from(["2026", "2026-03", "2024-02-29", "2025-12-31"]),
        )

    def moment(self) -> st.SearchStrategy[str]:
        distance = st.builds(
            "{} {}s {}".format,
            st.sampled_from([1, 7, 30]),
            st.sampled_from(UNITS),
            st.sampled_from(["ago", "from now"]),
        )
        return st.one_of(st.sampled_from(["today", "now"]), distance)

    # -- aggregates -----------------------------------------------------------------------------

    # -- aggregates -----------------------------------------------------------------------------

    def ways(self, row: Relation | None) -> list[_Way]:
        """What an aggregate can be of: relations, paths, and in a row the entity's too."""
        root = self.schema.entity
        holder = root if row is None else self.schema.named(row.to)
        found = [_Way((r,), r.name, holder) for r in holder.relations]
        if row is not None:
            found += [_Way((r,), f"{root.name}.{r.name}", root) for r in root.relations]
        for way in list(found):
            (first,) = way.relations
            found += [
                _Way((first, r), f"{way.text}.{r.name}", holder)
                for r in self.schema.named(first.to).relations
            ]
        return found

    def of_aggregate(self, row: Relation | None, inner: int) -> st.SearchStrategy[str]:
        return st.sampled_from(self.ways(row)).flatmap(
            lambda way: st.one_of(
                self.existence(way, inner),
                self.compared(way, row, inner),
                self.joined_aggregates(way, row, inner),
            )
        )

    def brackets(self, way: _Way, inner: int) -> st.SearchStrategy[str]:
        """The window, the condition and the steps inside an aggregate's brackets."""
        windows = [st.just("")]
        if any(r.at for r in way.relations):
            windows.append(self.window().map(" in {}".format))
            days = self.constant(DATE)
            windows.append(st.builds(" between {} and {}".format, days, days))
        where = st.one_of(st.just(""), self.where(way.end, inner))
        steps = [st.just(""), st.just("")]
        if way.end.at and len(way.relations) == 1:
            steps.append(self.steps(way.end, way.holder, inner, most=2))
        return st.builds("{}{}{}".format, st.one_of(windows), where, st.one_of(steps))

    def where(self, row: Relation, inner: int) -> st.SearchStrategy[str]:
        return self.condition(1, row, inner).map(" where {}".format)

    def steps(self, row: Relation, holder: Entity, inner: int, most: int) -> st.SearchStrategy[str]:
        """What comes before or after a row, and what before or after that."""
        siblings = [(r.name, r, False) for r in holder.relations if r.at]
        own = self.schema.named(row.to).relations
        siblings += [(f"{row.name}.{r.name}", r, True) for r in own if r.at]
        units = ["0 days", "1 day", "6 days", "7 days", "23 days", "30 days", "52 weeks"]
        if self.schema.named(row.to).attribute(row.at or "").dtype == TIMESTAMP:
            units += ["0 seconds", "1 second", "24 hours", "1440 minutes"]

        def step(drawn: tuple[str, Relation, bool]) -> st.SearchStrategy[str]:
            name, relation, _ = drawn
            word = st.sampled_from(["", "not "])
            direction = st.sampled_from(["followed by", "preceded by"])
            within = st.sampled_from(["", *(f" within {unit}" for unit in units)])
            where = st.one_of(st.just(""), self.where(relation, inner))

            def then(negated: str) -> st.SearchStrategy[str]:
                found = row if negated else relation
                rest = [st.just("")]
                if most > 1:
                    rest.append(self.steps(found, holder, inner, most - 1))
                return st.builds(
                    " {}{} {}{}{}{}".format,
                    st.just(negated), direction, st.just(name), where, within, st.one_of(rest),
                )  # fmt: skip

            return word.flatmap(then)

        return st.sampled_from(siblings).flatmap(step)

    def existence(self, way: _Way, inner: int) -> st.SearchStrategy[str]:
        word = st.sampled_from(["any", "none"])
        return st.builds("{}({}{})".format, word, st.just(way.text), self.brackets(way, inner))

    def number(self, way: _Way, inner: int) -> st.SearchStrategy[tuple[str, DType]]:
        """An aggregate whose value is a number."""
        entity = self.schema.named(way.end.to)
        own = [(f"{way.text}.{format_name(a.name)}", a.dtype) for a in entity.attributes]
        own += [(f"{way.text}.{link.name}.city", TEXT) for link in entity.links]
        choices = [st.just(("count", way.text, INTEGER))]
        for name, dtype in own:
            choices.append(
                st.sampled_from([("count", name, INTEGER), ("count", f"distinct {name}", INTEGER)])
            )
            if dtype.is_number:
                words = [(word, name, dtype) for word in ("sum", "min", "max")]
                choices.append(
                    st.sampled_from([*words, ("avg", name, FLOAT), ("median", name, FLOAT)])
                )
                if way.end.at:
                    choices.append(st.sampled_from([("first", name, dtype), ("last", name, dtype)]))
        return st.tuples(st.one_of(choices), self.brackets(way, inner)).map(
            lambda drawn: (f"{drawn[0][0]}({drawn[0][1]}{drawn[1]})", drawn[0][2])
        )

    def compared(self, way: _Way, row: Relation | None, inner: int) -> st.SearchStrategy[str]:
        operators = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
        numbers = [n for n, d in self.names(row) if d.is_number]

        def test(drawn: tuple[str, DType]) -> st.SearchStrategy[str]:
            text, dtype = drawn
            others = [self.constant(dtype)]
            if numbers:
                others.append(st.sampled_from(numbers))
            tests = [
                st.builds("{} {} {}".format, st.just(text), operators, st.one_of(others)),
                st.sampled_from([f"{text} is missing", f"not {text} is missing"]),
                st.builds("{} * 2 {} {}".format, st.just(text), operators, self.constant(dtype)),
            ]
            return st.one_of(tests)

        found = [self.number(way, inner).flatmap(test)]
        if way.end.at:
            found.append(self.ordered(way, inner))
        return st.one_of(found)

    def ordered(self, way: _Way, inner: int) -> st.SearchStrategy[str]:
        """``first`` and ``last`` of anything, and the least and greatest time."""
        entity = self.schema.named(way.end.to)

        def test(attribute: Attribute) -> st.SearchStrategy[str]:
            words = ["first", "last"] + (["min", "max"] if attribute.dtype.is_time else [])
            value = st.builds(
                "{}({}.{}{})".format,
                st.sampled_from(words),
                st.just(way.text),
                st.just(format_name(attribute.name)),
                self.brackets(way, inner),
            )
            constant = self.constant(attribute.dtype)
            return st.builds("{} {} {}".format, value, st.sampled_from(["=", "!="]), constant)

        return st.sampled_from(entity.attributes).flatmap(test)

    def joined_aggregates(
        self, way: _Way, row: Relation | None, inner: int
    ) -> st.SearchStrategy[str]:
        """Two aggregates in one test, of one relation or of two."""
        other = st.sampled_from(self.ways(row)).flatmap(lambda w: self.number(w, inner))
        operators = st.sampled_from(["=", "<", ">="])
        return st.builds(
            lambda a, op, b: f"{a[0]} {op} {b[0]}", self.number(way, inner), operators, other
        )


@frozen
class _Way:
    """What an aggregate is of: relations from a holder, and how they are written."""

    relations: tuple[Relation, ...]
    text: str
    holder: Entity

    @property
    def end(self) -> Relation:
        """The relation whose rows are looked at."""
        return self.relations[-1]
