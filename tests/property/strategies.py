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
    Place,
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
    known = draw(_attributes())
    numbers = [a.name for a in known if a.dtype.is_number] or ["id"]
    people = Entity(
        "people",
        key="id",
        attributes=[_key(), *known],
        places=[Place("spot", latitude=numbers[0], longitude=numbers[-1])],
        links=[Link("shop", to="stores", key="shop_id")],
        relations=[
            Relation("orders", key="person_id", at="at"),
            Relation("notes", key="person_id"),
        ],
    )
    orders = Entity(
        "orders",
        key="id" if key_of_events else None,
        attributes=[_key(), Attribute("at", at, nullable=True), *draw(_attributes())],
        links=[Link("store", to="stores", key="store_id")],
    )
    notes = Entity("notes", attributes=draw(_attributes()))
    schema = Schema([people, orders, notes, stores], time_zone=zone)
    pool = Pool(as_of, ZoneInfo(zone))
    owners = st.sampled_from([1, 2, 3, 4, 5, None, 99])
    places = st.sampled_from([1, 2, None, 99])
    rows = {
        "people": draw(_rows(people, pool, {"shop_id": places}, most=5)),
        "orders": draw(_rows(orders, pool, {"person_id": owners, "store_id": places}, most=12)),
        "notes": draw(_rows(notes, pool, {"person_id": owners}, most=5)),
        "stores": draw(_rows(stores, pool, {}, most=2)),
    }
    return World(schema, rows, as_of)


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

    def condition(self, depth: int, row: Relation | None = None) -> st.SearchStrategy[str]:
        """A condition, of the entity or, inside an aggregate's brackets, of a row."""
        leaves = [self.test(row), self.test(row), self.of_place(row)]
        if row is None:
            leaves += [self.of_aggregate(), self.of_aggregate(), self.of_population(depth)]
        leaf = st.one_of(leaves)
        if depth == 0:
            return leaf
        deeper = self.condition(depth - 1, row)
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

    def of_place(self, row: Relation | None) -> st.SearchStrategy[str]:
        """A distance, or whether there can be one; no radius is that of two points of the pool."""
        spot = "spot" if row is None else "people.spot"
        point = st.builds(
            "point({}, {})".format, st.sampled_from([0, 2.5, -90]), st.sampled_from([0.5, 180, -3])
        )
        radius = st.sampled_from(["1 m", "150 km", "200.5 miles", "5000 km", "19999 km"])
        word = st.sampled_from(["<", ">=", "!="])
        near = st.builds("distance({}, {}) {} {}".format, st.just(spot), point, word, radius)
        return near | st.just(f"{spot} is missing") | near.map("not ({})".format)

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
        if dtype.is_time:
            tests.append(self.part(name, dtype, st.sampled_from(operators)))
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

    def part(
        self, name: str, dtype: DType, operators: st.SearchStrategy[str]
    ) -> st.SearchStrategy[str]:
        """A part of what calendar and clock show."""
        words = ["weekday", "month", "year", *(["hour"] if dtype == TIMESTAMP else [])]
        numbers = st.sampled_from([1, 2, 3, 5, 7, 12, 22, 2025, 2026])
        days = st.sampled_from(["day", "week"])
        return st.one_of(
            st.builds(
                "{}({}) {} {}".format, st.sampled_from(words), st.just(name), operators, numbers
            ),
            st.builds("{}({}) {} {}".format, days, st.just(name), operators, self.constant(DATE)),
        )

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

    # -- the population -------------------------------------------------------------------------

    def of_population(self, depth: int) -> st.SearchStrategy[str]:
        """Ranks, tiles, samples, and a value beside one of many customers."""
        relation = st.sampled_from(self.schema.entity.relations)
        own = [n for n, d in self.names(None) if d.is_number]
        aggregates = relation.flatmap(self.number).map(lambda drawn: drawn[0])
        value = st.one_of(st.sampled_from(own), aggregates)
        among = st.just("everyone")
        if depth:
            # Ranks within ranks would soon be too deep.
            among |= st.one_of(self.test(None), self.of_aggregate()).map("({})".format)
        operators = st.sampled_from(["=", "!=", "<", ">="])
        limit = st.sampled_from(["1", "2", "3", "20%", "33.4%", "50%", "100%"])
        word = st.sampled_from(["top", "bottom", "not top", "not bottom"])
        overall = st.sampled_from(["avg", "count", "max", "median", "min", "sum"])
        share = st.sampled_from(["0%", "12.5%", "50%", "100%"])
        return st.one_of(
            st.builds("{} {} by {} among {}".format, word, limit, value, among),
            st.builds(
                "ntile({}, {} among {}) {} 2".format, st.integers(1, 5), value, among, operators
            ),
            st.builds(
                lambda x, op, of, who: f"{x} {op} {of}({x} among {who})",
                value, operators, overall, among,
            ),
            st.builds("sample({}, '{}')".format, share, st.sampled_from(["", "сіль", "x"])),
        )  # fmt: skip

    # -- aggregates -----------------------------------------------------------------------------

    def of_aggregate(self) -> st.SearchStrategy[str]:
        relations = st.sampled_from(self.schema.entity.relations)
        return relations.flatmap(
            lambda r: st.one_of(self.existence(r), self.compared(r), self.joined_aggregates(r))
        )

    def brackets(self, relation: Relation) -> st.SearchStrategy[str]:
        """The window and the condition inside an aggregate's brackets."""
        windows = [st.just("")]
        if relation.at:
            windows.append(self.window().map(" in {}".format))
            days = self.constant(DATE)
            windows.append(st.builds(" between {} and {}".format, days, days))
        where = st.one_of(st.just(""), self.condition(1, relation).map(" where {}".format))
        return st.builds("{}{}".format, st.one_of(windows), where)

    def existence(self, relation: Relation) -> st.SearchStrategy[str]:
        word = st.sampled_from(["any", "none"])
        return st.builds("{}({}{})".format, word, st.just(relation.name), self.brackets(relation))

    def number(self, relation: Relation) -> st.SearchStrategy[tuple[str, DType]]:
        """An aggregate whose value is a number."""
        entity = self.schema.named(relation.to)
        own = [(f"{relation.name}.{format_name(a.name)}", a.dtype) for a in entity.attributes]
        own += [(f"{relation.name}.{link.name}.city", TEXT) for link in entity.links]
        choices = [st.just(("count", relation.name, INTEGER))]
        for name, dtype in own:
            choices.append(
                st.sampled_from([("count", name, INTEGER), ("count", f"distinct {name}", INTEGER)])
            )
            if dtype.is_time:
                choices += [
                    st.just(("count", f"distinct {p}({name})", INTEGER))
                    for p in ("day", "week", "weekday")
                ]
            if dtype.is_number:
                words = [(word, name, dtype) for word in ("sum", "min", "max")]
                choices.append(
                    st.sampled_from([*words, ("avg", name, FLOAT), ("median", name, FLOAT)])
                )
                if relation.at:
                    choices.append(st.sampled_from([("first", name, dtype), ("last", name, dtype)]))
        return st.tuples(st.one_of(choices), self.brackets(relation)).map(
            lambda drawn: (f"{drawn[0][0]}({drawn[0][1]}{drawn[1]})", drawn[0][2])
        )

    def compared(self, relation: Relation) -> st.SearchStrategy[str]:
        operators = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
        numbers = [n for n, d in self.names(None) if d.is_number]

        def test(drawn: tuple[str, DType]) -> st.SearchStrategy[str]:
            text, dtype = drawn
            others = [self.constant(dtype), st.sampled_from(numbers)]
            tests = [
                st.builds("{} {} {}".format, st.just(text), operators, st.one_of(others)),
                st.sampled_from([f"{text} is missing", f"not {text} is missing"]),
                st.builds("{} * 2 {} {}".format, st.just(text), operators, self.constant(dtype)),
            ]
            return st.one_of(tests)

        found = [self.number(relation).flatmap(test)]
        if relation.at:
            found.append(self.ordered(relation))
        return st.one_of(found)

    def ordered(self, relation: Relation) -> st.SearchStrategy[str]:
        """``first`` and ``last`` of anything, and the least and greatest time."""
        entity = self.schema.named(relation.to)

        def test(attribute: Attribute) -> st.SearchStrategy[str]:
            words = ["first", "last"] + (["min", "max"] if attribute.dtype.is_time else [])
            value = st.builds(
                "{}({}.{}{})".format,
                st.sampled_from(words),
                st.just(relation.name),
                st.just(format_name(attribute.name)),
                self.brackets(relation),
            )
            constant = self.constant(attribute.dtype)
            return st.builds("{} {} {}".format, value, st.sampled_from(["=", "!="]), constant)

        return st.sampled_from(entity.attributes).flatmap(test)

    def joined_aggregates(self, relation: Relation) -> st.SearchStrategy[str]:
        """Two aggregates in one test, of one relation or of two."""
        other = st.sampled_from(self.schema.entity.relations).flatmap(self.number)
        operators = st.sampled_from(["=", "<", ">="])
        return st.builds(
            lambda a, op, b: f"{a[0]} {op} {b[0]}", self.number(relation), operators, other
        )
