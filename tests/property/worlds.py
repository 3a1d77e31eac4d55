"""Random schemas, hostile rows for them, and the constants to ask about."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve, frozen
from hypothesis import strategies as st

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Document,
    DType,
    Entity,
    Fresh,
    KeyList,
    Link,
    Relation,
    Schema,
    Segment,
    Trait,
    decimal,
    dtypes,
)
from segmentkit._calendar import local, micros
from segmentkit._schema.stored_forms import Counted, Encoding, LocalTime
from tests.extensions import DRAWN
from tests.targets import Hostile

LIST = dtypes.TEXTS
MONEY = decimal(2)
TYPES = [BOOLEAN, INTEGER, FLOAT, MONEY, TEXT, DATE, TIMESTAMP]
DOCUMENT = Document("data", {t.kind.value: t for t in TYPES} | {"inside": {"tags": LIST}})
TAGS = Attribute("tags", LIST, nullable=True)
NAMES = [
    "age", "місто", "order count", "and", "a'b", 'q"t', "x", "where", "Vip", "name", "last", "%s",
]  # fmt: skip

# Products of these, and sums of such products, are within the integers of databases.
INTEGERS = [0, 1, 2, 3, -3, 7, 18, 1000]
# These go beyond 32 bits and beyond what floats count by ones.
WIDE = [2**31, 10**12, 2**53 + 1, -(2**53) - 1]
# Halves and quarters: their sums are exact in whatever order an engine takes them. Sums beyond
# the range of floats are an error in some databases, so no number here is near its end.
FLOATS = [0.0, 0.25, 1.0, 2.5, 3.0, -1.5, 1024.75, -0.0]
DECIMALS = [
    Decimal(d) for d in ("0.00", "0.10", "0.20", "0.30", "-1.05", "9.99", "10.00", "123456789.01")
]
VERSIONS = ["1.10", "1.9.3", "v1.10.0", "1.10.0-rc.2", "1.10.0-rc.10", "1.10.0-a", "1.10.0+b", "2"]
TEXTS = [
    "", "a", "A", "ab", "b", "ä", "Ä", "Київ", "київ", "ss", "a%b", "a_b", "%", "_", "a*b", "[a]",
    "\\", "\\n", "a'b", '"q"', "`", "l\nb", "\t", "😀", "é", "e\u0301", "\u200b", " a", "a ",
    "ß", "ẞ", "Σας", "σας", "ΣΑΣ", "İ", "i\u0307", "ﬁ", "ſ", "\u212a", "k",
    *VERSIONS, "1.2.3.4.5", "1.0-",
    "NULL", ":x", "%s", "%(x)s", "?", "--", "$1", "{0}", "0", "1e1",
]  # fmt: skip

LISTS = [[], ["a"], ["A", "ab"], ["a", "a", "b"], ["", None], [None], ["ß", "a'b", "\\n"], ["ΣΑΣ"]]
# What JSON can hold where something else is expected.
STRAY = [
    None,
    True,
    0,
    1,
    1.5,
    "",
    "a",
    "1",
    "true",
    "2026-02-30",
    "2026-05-01",
    [],
    ["a"],
    {"a": 1},
]

HOSTILE: Mapping[Hostile, tuple[DType, Sequence[Any]]] = {
    Hostile.NAN: (FLOAT, [math.nan]),
    Hostile.INFINITY: (FLOAT, [math.inf, -math.inf]),
    Hostile.MANY_DIGITS: (MONEY, [Decimal("1234567890123456789.12"), Decimal("-99999999999999999.99")]),
    Hostile.LONG_TEXT: (TEXT, ["ab" * 5_000, "ab" * 5_000 + "c"]),
    Hostile.NUL: (TEXT, ["\0", "a\0b", "a\0"]),
}  # fmt: skip
"""What each kind of hostile data adds to the values of a type; far times add to two."""

# Of no use as constants: what is not a finite number cannot be written down.
_UNWRITABLE = (math.inf, -math.inf)

ZONES = ["UTC", "Europe/Kyiv", "America/New_York", "America/Havana", "Asia/Kathmandu"]
INSTANTS = [
    datetime(2026, 3, 31, 12),
    datetime(2024, 2, 29),
    datetime(2026, 2, 28, 23, 30),
    datetime(2025, 12, 31, 22, 0, 0, 1),
    # Clocks change: in Kyiv, in New York, in Havana at midnight.
    datetime(2026, 3, 29, 1),
    datetime(2026, 10, 25, 1),
    datetime(2026, 11, 1, 5, 30),
    datetime(2026, 3, 8, 5),
]
KEYS: Mapping[DType, Sequence[Any]] = {
    INTEGER: [1, 2, 3, 4, 2**53 + 1],
    TEXT: ["a", "A", "a ", "é", "a'b"],
}


@frozen
class Pool:
    """The values of each type, to draw from."""

    as_of: datetime
    zone: ZoneInfo
    hostile: frozenset[Hostile] = frozenset()
    wide: bool = False

    def of(self, dtype: DType) -> list[Any]:
        """Values of a type."""
        table = {
            BOOLEAN: [True, False],
            INTEGER: INTEGERS + (WIDE if self.wide else []),
            FLOAT: FLOATS,
            MONEY: DECIMALS,
            TEXT: TEXTS,
            DATE: days(self.as_of),
            TIMESTAMP: instants(self.as_of, self.zone),
            LIST: LISTS,
        }
        more = [v for kind in HOSTILE if kind in self.hostile and HOSTILE[kind][0] == dtype
                for v in HOSTILE[kind][1]]  # fmt: skip
        if Hostile.FAR_TIMES in self.hostile and dtype.is_time:
            more = [date.min, date.max] if dtype == DATE else [datetime.min, datetime.max]
        return [*table[dtype], *more]

    def constants(self, dtype: DType) -> list[Any]:
        """Values of a type that can be written in a definition."""
        return [v for v in self.of(dtype) if v == v and v not in _UNWRITABLE]


def instants(as_of: datetime, zone: ZoneInfo) -> list[datetime]:
    """Instants at, just before and just after the edges of windows, and of changes of clocks."""
    here = as_of.replace(tzinfo=UTC).astimezone(zone)
    first_days = (here.date(), here.date().replace(day=1), here.date().replace(month=1, day=1))
    midnights = [
        datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None)
        for day in first_days
    ]
    edges = [as_of, *midnights, *(as_of - timedelta(days=d) for d in (1, 7, 30))]
    edges += [datetime(2026, 3, 29, 1), datetime(2026, 3, 8, 7), datetime(2026, 11, 1, 5)]
    tick = timedelta(microseconds=1)
    return [moved for edge in edges for moved in (edge - tick, edge, edge + tick)]


def days(as_of: datetime) -> list[date]:
    """Dates at the edges of windows, and births that make ages and birthdays interesting."""
    today = as_of.date()
    near = [today + timedelta(days=d) for d in (-366, -31, -30, -7, -1, 0, 1, 7)]
    return [*near, date(2000, 2, 29), date(2008, 2, 28), date(1990, 12, 31), date(2007, 1, 1)]


@frozen
class World:
    """A schema, rows for its tables, and the instant to ask about.

    Attributes:
        schema: The schema.
        rows: The rows of every table.
        as_of: The instant.
        pool: Where its values come from.
        named: Definitions that others can refer to, by name.
        traits: Traits that definitions can use: their expressions and types, by name.
        lists: Static lists of keys, by name.
    """

    schema: Schema
    rows: dict[str, list[dict[str, Any]]]
    as_of: datetime
    pool: Pool
    named: Mapping[str, str] = {}
    traits: Mapping[str, tuple[str, DType]] = {}
    lists: Mapping[str, list[Any]] = {}

    @property
    def hostile(self) -> frozenset[Hostile]:
        """What not every engine holds."""
        names = (name for rows in self.rows.values() for row in rows for name in row)
        placeholders = {Hostile.PLACEHOLDER_NAMES} if any("%s" in name for name in names) else ()
        return self.pool.hostile.union(placeholders)

    @property
    def everyone(self) -> set[Any]:
        """The keys of the people."""
        return {row["id"] for row in self.rows["people"]}

    def define(self, text: str) -> Segment:
        """A segment; parameters get the values that their names tell, as `parameter` made them."""
        others = {
            name: self._bound(Segment.define(name, definition, self.schema))
            for name, definition in self.named.items()
            if name in text
        }
        traits = {
            name: Trait.define(name, value, self.schema)
            for name, (value, _) in self.traits.items()
            if name in text
        }
        lists = [KeyList(name, keys) for name, keys in self.lists.items()]
        segment = Segment.define(
            "s", text, self.schema, segments=others, traits=traits, lists=lists
        )
        return self._bound(segment)

    def _bound(self, segment: Segment) -> Segment:
        kinds = {str(dtype.kind.value): dtype for dtype in TYPES}
        values: dict[str, Any] = {}
        for name in segment.parameters:
            match name.split("_"):
                case "number", number:
                    values[name] = int(number)
                case "share", whole, digits:
                    values[name] = Decimal(f"{whole}.{digits}")
                case "several", kind, *places:
                    known = self.pool.constants(kinds[kind])
                    values[name] = [known[int(place)] for place in places]
                case kind, place:
                    values[name] = self.pool.constants(kinds[kind])[int(place)]
        return segment.bind(**values) if values else segment


def parameter(dtype: DType, number: int) -> str:
    """A parameter whose name says its value: the constant of that number."""
    return f":{dtype.kind.value}_{number}"


def several(dtype: DType, places: Sequence[int]) -> str:
    """A parameter for a list, whose name says its values."""
    return "_".join([f":several_{dtype.kind.value}", *map(str, places)])


def numbered(count: int) -> str:
    """A parameter for a number of something."""
    return f":number_{count}"


def share(percent: str) -> str:
    """A parameter for a percentage with digits after the point."""
    return f":share_{percent.replace('.', '_')}%"


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """People, their orders and visits (events), notes (no time), lines of orders, and stores."""
    zone = draw(st.sampled_from(ZONES))
    hostile = draw(
        st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from(Hostile), max_size=2))
    )
    pool = Pool(draw(st.sampled_from(INSTANTS)), ZoneInfo(zone), hostile, draw(st.booleans()))
    at = draw(st.sampled_from([TIMESTAMP, TIMESTAMP, DATE]))
    key = draw(st.sampled_from([INTEGER, INTEGER, TEXT]))
    stores = Entity("stores", key="id", attributes=[_key(), Attribute("city", TEXT, nullable=True)])
    people = Entity(
        "people",
        key="id",
        attributes=[_key(key), *draw(_attributes()), *draw(st.sampled_from([[], [TAGS]]))],
        documents=draw(st.sampled_from([[], [DOCUMENT]])),
        links=[Link("shop", to="stores", key="shop_id")],
        relations=[
            Relation("orders", key="person_id", at="at"),
            Relation("visits", key="person_id", at="at"),
            Relation("notes", key="person_id"),
        ],
    )
    time = evolve(Attribute("at", at, nullable=True), **draw(_forms(at)))
    has_key = draw(st.booleans())
    of_orders = Relation("lines", key="order_id", at=draw(st.sampled_from([None, "at"])))
    orders = Entity(
        "orders",
        key="id" if has_key else None,
        attributes=[_key(), time, *draw(_attributes()), *draw(st.sampled_from([[], [], [TAGS]]))],
        links=[Link("store", to="stores", key="store_id")],
        relations=[of_orders] if has_key else [],
    )
    lines = Entity("lines", attributes=[time, *draw(_attributes(3))])
    visits = Entity("visits", attributes=[time, *draw(_attributes(3))])
    notes = Entity("notes", attributes=draw(_attributes()))
    keys = KEYS[key]
    # Some belong to nobody, and some to somebody who does not exist.
    owners = st.sampled_from([*keys, None, 99 if key == INTEGER else "A "])
    places = st.sampled_from([1, 2, None, 99])
    holders = st.sampled_from([*range(8), None, 99])
    rows = {
        "people": draw(_rows(people, pool, {"shop_id": places}, keys)),
        "orders": draw(_rows(orders, pool, {"person_id": owners, "store_id": places}, range(12))),
        "visits": draw(_rows(visits, pool, {"person_id": owners}, range(8))),
        "notes": draw(_rows(notes, pool, {"person_id": owners}, range(5))),
        "lines": draw(_rows(lines, pool, {"order_id": holders}, range(12))),
        "stores": draw(_rows(stores, pool, {}, [1, 2])),
    }
    entities = [people, orders, visits, notes, lines, stores]
    if draw(st.sampled_from([False, False, True])):
        entities = [_remembering(people), *entities[1:], STAYS, RUNS]
        stays = {"person_id": owners, "segment": st.sampled_from(SEGMENTS)}
        rows["memberships"] = draw(_rows(STAYS, pool, stays, range(5)))
        long_ago = pool.as_of - timedelta(days=400)
        rows["membership_runs"] = [{"segment": name, "as_of": long_ago} for name in SEGMENTS]
    begins = draw(st.sampled_from(["monday", "sunday"]))
    schema = Schema(entities, functions=DRAWN, time_zone=zone, week_start=begins)
    return World(schema, rows, pool.as_of, pool)


SEGMENTS = ["vip", "press list", "VIP"]
"""Those whose stays are known."""
STAYS = Entity(
    "memberships",
    attributes=[
        Attribute("segment", TEXT),
        Attribute("entered_at", TIMESTAMP),
        Attribute("left_at", TIMESTAMP, nullable=True),
        Attribute("observed", BOOLEAN),
        Attribute("left_observed", BOOLEAN),
    ],
)
RUNS = Entity(
    "membership_runs",
    attributes=[Attribute("segment", TEXT), Attribute("as_of", TIMESTAMP)],
    fresh=Fresh("as_of", stale="401 days"),
)


def _remembering(people: Entity) -> Entity:
    """The people, of whom it is known when they were in segments."""
    stays = Relation("memberships", key="person_id", at="entered_at")
    return evolve(people, relations=[*people.relations, stays])


def _key(dtype: DType = INTEGER) -> Attribute:
    return Attribute("id", dtype)


def _attributes(most: int = 6) -> st.SearchStrategy[list[Attribute]]:
    plain = st.builds(Attribute, st.sampled_from(NAMES), st.sampled_from(TYPES), st.booleans())
    each = plain.flatmap(lambda a: _forms(a.dtype).map(lambda form: evolve(a, **form)))
    return st.lists(each, min_size=1, max_size=most, unique_by=lambda a: a.name)


@st.composite
def _rows(
    draw: st.DrawFn,
    entity: Entity,
    pool: Pool,
    ways: Mapping[str, st.SearchStrategy[Any]],
    keys: Sequence[Any],
) -> list[dict[str, Any]]:
    """Rows with the first of some keys; none, one or many."""
    columns = {a.column: _values(a, pool) for a in entity.attributes if a.name != "id"} | ways
    columns |= {d.name: _documents(pool) for d in entity.documents}
    own_key = any(a.name == "id" for a in entity.attributes)
    most = len(keys)
    return [
        ({"id": key} if own_key else {}) | {name: draw(each) for name, each in columns.items()}
        for key in keys[: draw(st.sampled_from([0, 1, 2, *[most] * 9]))]
    ]


FORMS: Mapping[DType, Sequence[Mapping[str, Any]]] = {
    TIMESTAMP: [
        {"unit": "seconds"},
        {"unit": "milliseconds"},
        {"zone": "Europe/Kyiv"},
        {"zone": "Australia/Lord_Howe"},
    ],
    BOOLEAN: [{"encoding": {"Y": True, "N": False}}, {"encoding": {1: True, 2: False, 0: False}}],
    INTEGER: [{"encoding": {"a": 1, "A": -3, "a ": 18, "ß": 0}}, {"encoding": {7: 2, -1: 1000}}],
    FLOAT: [{"encoding": {"a": 0.25, "A": 3}}],
    MONEY: [{"encoding": {"a": 0.1, "A": 9.99}}],
}
"""How columns may store values otherwise."""
SHOWN = [
    *(datetime(2026, 3, 29, 3, minute) for minute in (0, 30, 59)),
    *(datetime(2026, 10, 25, 3, minute) for minute in (0, 30)),
    *(datetime(2026, 10, 4, 2, minute) for minute in (0, 15, 30)),
    *(datetime(2026, 4, 5, 1, minute) for minute in (29, 30, 59)),
]
"""What clocks skip and repeat."""


def _forms(dtype: DType) -> st.SearchStrategy[Mapping[str, Any]]:
    """Mostly none."""
    return st.sampled_from([{}] * 8 + [*FORMS.get(dtype, ())])


def _stored(attribute: Attribute, pool: Pool) -> list[Any]:
    """What a column can hold."""
    values = pool.of(attribute.dtype)
    match attribute.form:
        case Counted() as form:
            return [micros(value) // form.micros for value in values]
        case LocalTime() as form:
            return [*(local(value, form.clock) for value in values), *SHOWN]
        case Encoding(pairs):
            others = ["y", "Y ", "b", ""] if attribute.stored == TEXT else [5, -7]
            return [*(told for told, _ in pairs), *(others if attribute.nullable else [])]
        case _:
            return values


def _values(attribute: Attribute, pool: Pool) -> st.SearchStrategy[Any]:
    values = _stored(attribute, pool)
    if attribute.nullable:
        return st.one_of(st.none(), st.sampled_from(values))
    # What is not a number is missing.
    return st.sampled_from([v for v in values if v == v])


def _documents(pool: Pool) -> st.SearchStrategy[Any]:
    """Objects of JSON, some of whose values are what the schema says."""
    plain = evolve(pool, hostile=frozenset())
    fields = {t.kind.value: _of_json([_json(v) for v in plain.of(t)]) for t in TYPES}
    inside = st.fixed_dictionaries({}, optional={"tags": _of_json(LISTS)})
    every = st.fixed_dictionaries({}, optional=fields | {"inside": st.one_of(inside, _of_json([]))})
    return st.one_of(st.none(), every, every, every)


def _of_json(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([*values, *STRAY])


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _is_missing(attribute: Attribute, value: Any) -> bool:
    if value is not None and isinstance(attribute.form, Encoding):
        return attribute.form.read(value) is None
    return value is None or bool(value != value)


def without_gaps(world: World, draw: st.DrawFn) -> World:
    """The same world, but everything about its people is known."""
    filled = [
        {
            name: draw(_values(evolve(a, nullable=False), world.pool))
            if (a := world.schema.entity.attribute(name)) and _is_missing(a, value)
            else value
            for name, value in row.items()
        }
        for row in world.rows["people"]
    ]
    return evolve(world, rows={**world.rows, "people": filled})
