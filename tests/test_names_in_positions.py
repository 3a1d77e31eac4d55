"""Every kind of name in every position of the grammar: a segment, or an error that says why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    Attribute,
    Channel,
    DefinitionError,
    Document,
    Entity,
    KeyList,
    Link,
    Place,
    Relation,
    Schema,
    Segment,
    Trait,
    UnsupportedError,
    decimal,
)
from segmentkit.dtypes import Kind
from tests.extensions import DRAWN
from tests.targets import databases, frames, records

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

TYPES = {
    "flag": BOOLEAN, "number": INTEGER, "ratio": FLOAT, "money": decimal(2), "word": TEXT,
    "day_of": DATE, "moment_of": TIMESTAMP,
}  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "flag": [True, False], "number": [1, 3], "ratio": [0.5, 2.0],
    "money": [Decimal("1.00"), Decimal("2.50")], "word": ["a", "ab"],
    "day_of": [date(2026, 5, 1), date(2000, 2, 29)],
    "moment_of": [datetime(2026, 5, 1), datetime(2026, 4, 30, 13, 30)],
}  # fmt: skip


def _attributes(prefix: str = "") -> list[Attribute]:
    """An attribute of each type, and one of each that may be missing."""
    given = [(f"{prefix}{name}", dtype) for name, dtype in TYPES.items()]
    nullable = [Attribute(f"maybe_{name}", dtype, nullable=True) for name, dtype in given]
    return [*(Attribute(name, dtype) for name, dtype in given), *nullable]


def _row(key: int, prefix: str = "") -> dict[str, Any]:
    values = {f"{prefix}{name}": found[key % 2] for name, found in VALUES.items()}
    return (
        {"id": key}
        | values
        | {f"maybe_{n}": None if key % 3 == 0 else v for n, v in values.items()}
    )


SHOP = Schema(
    [
        Entity(
            "customers",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                *_attributes(),
                Attribute("status", TEXT, nullable=True, values=("new", "old")),
                Attribute("tags", TEXTS, nullable=True),
                Attribute("and", INTEGER, nullable=True),
                Attribute("order count", INTEGER, nullable=True),
                Attribute("count", INTEGER),
            ],
            documents=[
                Document("data", {"plan": TEXT, "inside": {"seats": INTEGER, "tags": TEXTS}})
            ],
            places=[Place("home", latitude="maybe_ratio", longitude="maybe_money")],
            links=[
                Link("store", to="stores", key="store_id"),
                Link("where", to="stores", key="store_id"),
            ],
            relations=[
                Relation("orders", key="customer_id", at="o_moment_of"),
                Relation("visits", to="orders", key="customer_id", at="o_day_of"),
                Relation("timeless", to="orders", key="customer_id"),
                Relation("labels", key="customer_id", value="label"),
                Relation("in", to="orders", key="customer_id", at="o_moment_of"),
            ],
        ),
        Entity(
            "orders",
            key="id",
            attributes=[Attribute("id", INTEGER), *_attributes("o_")],
            links=[
                Link("shop", to="stores", key="shop_id"),
                Link("buyer", to="customers", key="customer_id"),
            ],
            relations=[
                Relation("items", key="order_id", at="i_day_of"),
                Relation("orders", to="items", key="order_id"),
            ],
        ),
        Entity("items", key="id", attributes=[Attribute("id", INTEGER), *_attributes("i_")]),
        Entity(
            "stores",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("city", TEXT, nullable=True)],
            relations=[Relation("sales", to="orders", key="shop_id", at="o_moment_of")],
        ),
        Entity("labels", attributes=[Attribute("label", TEXT, nullable=True)]),
    ],
    channels=[Channel("mail", address="maybe_word", consent="flag")],
    functions=DRAWN,
)
# Here one name stands for many things: each of them is also what the root is called.
PEOPLE = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("number", INTEGER, nullable=True)],
            links=[Link("boss", to="people", key="boss_id")],
            relations=[Relation("people", key="boss_id"), Relation("reports", to="people", key="boss_id")],
        ),
    ],
)  # fmt: skip
PERSON = Schema(
    [
        Entity(
            "person",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("person", INTEGER, nullable=True)],
            documents=[Document("data", {"person": INTEGER})],
            relations=[Relation("number", to="person", key="boss_id")],
        ),
    ],
)  # fmt: skip

ROWS = {
    SHOP: {
        "customers": [
            _row(k)
            | {"status": "new", "tags": ["a"] if k == 1 else None, "and": k, "order count": None}
            | {"count": k, "store_id": 1 if k == 1 else None, "data": {"plan": "a", "inside": {"seats": k}}}
            for k in (1, 2, 3)
        ],
        "orders": [_row(k, "o_") | {"customer_id": 1 + k // 3, "shop_id": 1} for k in (1, 2, 3)],
        "items": [_row(k, "i_") | {"order_id": k} for k in (1, 2)],
        "stores": [{"id": 1, "city": "a"}],
        "labels": [{"id": 1, "label": "a", "customer_id": 2}],
    },
    PEOPLE: {"people": [{"id": k, "number": k % 3 or None, "boss_id": k - 1} for k in (1, 2, 3)]},
    PERSON: {"person": [{"id": k, "person": k, "boss_id": k - 1, "data": {"person": 1}} for k in (1, 2)]},
}  # fmt: skip
NAMES = {
    SHOP: [
        *TYPES, *(f"maybe_{name}" for name in TYPES), "id", "status", "tags", "`and`",
        "`order count`", "count", "`count`", "data", "home", "store", "`where`", "orders", "visits",
        "timeless", "labels", "`in`", "customers", "Customers", "items", "stores", "o_number",
        "vip", "ltv", "latest", "ranked", "fair", "mail", "nothing", ":given", "median", "abs",
        *(each.name for each in DRAWN), "any", "none", "everyone", "top", "last", "segment", "today",
        "null", "`today`", "`true`", "`not`", "``", "`a``b`",
    ],
    PEOPLE: ["people", "reports", "boss", "number", "id", "nothing"],
    PERSON: ["person", "number", "data", "id", "nothing"],
}  # fmt: skip
PATHS = [
    "customers.number", "customers.orders", "customers.ltv", "customers.customers", "customers.store",
    "customers.nothing", "customers.home", "customers.data.plan", "customers.tags", "customers.vip",
    "data.plan", "data.inside", "data.inside.seats", "data.inside.tags", "data.nothing", "store.city",
    "store.nothing", "store.city.more", "store.sales", "store.sales.o_number", "store.store",
    "orders.o_number", "orders.o_word", "orders.maybe_o_day_of", "orders.o_moment_of", "orders.shop.city",
    "orders.items", "orders.items.i_number", "orders.orders", "orders.buyer.number", "orders.buyer.orders",
    "orders.nothing", "orders.nothing.more", "orders.customers.number", "labels.label", "number.more",
    "visits.o_ratio", "timeless.o_flag", "customers.orders.o_money", "customers.orders.items", "nothing.more",
    "`in`.o_number", "`where`.city", "vip.number", "ltv.more", "items.i_number", "stores.city", "home.north",
]  # fmt: skip
PATHS_OF = {
    SHOP: PATHS,
    PEOPLE: [".".join(pair) for pair in product(NAMES[PEOPLE], repeat=2)],
    PERSON: [".".join(path) for n in (2, 3) for path in product(NAMES[PERSON], repeat=n)],
}

LISTED = (
    '"a"',
    "1",
    "2.5",
    "true",
    "2026-05-01",
    "2026-05-01T12:00Z",
    "now",
    "today",
    "3 km",
    "5%",
)
ROLES = [
    "{}", "not {}", "({})", "-{} < 0", "{} + 1 > 1", "1 - {} * 2 < 4", "{} / {} = 1",
    *(f"{{}} {operator} {constant}" for operator in ("=", "<") for constant in LISTED),
    *(f"{constant} != {{}}" for constant in LISTED), "{} >= {}", '{} = "A" ignoring case', "{} is missing",
    "not {} is present", *(f"{{}} in ({constant})" for constant in LISTED), "1 in ({})", "number in ({}, 1)",
    "{} between 1 and 2", "{} between 2026-05-01 and today", "3 between {} and {}", "{} between {} and {}",
    '{} contains "a"', '{} not contains "A" ignoring case', '"ab" contains {}', '{} starts with "a"',
    'word ends with {}', '{} contains any ("a", "b")', 'word not contains all ("a", {})',
    "{} in last 7 days", "{} in next 2 hours", "{} in this month", "{} in previous 2 weeks", "{} in 2026",
    "{} not in 2026-05-01", "day_of between {} and today", "in segment {}", "not in list {}", "reachable by {}", "{} in segment {}",
]  # fmt: skip
CALLS = [
    *(f"{f}({{}}) = 1" for f in ("abs", "year", "hour", "count", "sum", "median", "max", "nothing")),
    *(f"{f}({{}}) in last 7 days" for f in ("anniversary", "day", "week", "last", "min")),
    "age({}) >= 18", "any({})", "none({})", "not any({} where o_flag)", "count(distinct {}) = 1",
    "sum(distinct {}) = 1", "first({}) = last({})", "default({}, {}) = {}", "default({}, 1) = 1",
    "distance({}, point(1, 2)) < 1 km", "distance({}, {}) < 1 km", "point({}, 1) = 1",
    "distance(point({}, {}), home) < :far km", "{}(number) = 1", "{}(orders)", "count(orders, {}) = 1",
    "count(orders where {}) >= 1", "count(orders where {} = {}) = 1", 'any(orders where {} = "a" and o_flag)',
    "any(orders where {} is missing)", "any(orders where any({}))", "any(orders where count({}) = 1)",
    "any(orders where any(items where {} = i_number))", "any(orders where customers.{} = 1)",
    "sum(orders.{}) >= 1", "first(orders.{}) is present", "max(orders.{} + orders.o_number) > 1", "count({}.id) = 1",
    "sum({}.o_number) = 1", "count({} in last 7 days) = 1", "count({} in 2026 where o_number > 1) = 1",
    "count(orders between {} and now) >= 1", "count(orders between 2026-05-01 and {}) = 0",
    "any({} followed by orders)", "any(orders followed by {})", "any(orders not preceded by {} within 2 days)",
    "any(visits followed by visits where {} = 1 within 3 days)", "any(orders followed by {} not followed by {})",
    "any({} not followed by {})", "any(orders followed by customers.{})", "count({} where o_flag) = 1",
    "top 50% by {}", "bottom 1 by {}", "not top 2 by number among ({})", "top 1 by number among (not {})",
    "ntile(2, {}) = 1", "ntile({}, number) = 1", "ntile(2, number among ({})) = 1",
    "avg({} among everyone) > 1", "sum(number among ({})) > 1", "count({} among (flag)) = 1",
    "{}(number among everyone) > 1", "any(orders where top 1 by {})", "sample(10%, {})", "sample({}, \"a\")",
    "any(orders where in segment {})", "any({} among everyone)", "rows({}) = 1",
]  # fmt: skip

OTHERS: dict[str, Any] = {
    "segments": [
        Segment.define("vip", "number > 1", SHOP),
        Segment.define("number", "flag", SHOP),
        Segment.define("ranked", "top 1 by number", SHOP),
    ],
    "traits": [
        Trait.define("ltv", "sum(orders.o_money)", SHOP),
        Trait.define("latest", "last(orders.maybe_o_day_of)", SHOP),
        Trait.define("ranked", "ntile(2, number)", SHOP),
    ],
    "lists": [KeyList("fair", [1, 2]), KeyList("number", []), KeyList("vip", ["a"])],
}
TARGETS = [*records.TARGETS, databases.sqlite().target, frames.TARGETS[0]]
BOUND = {
    Kind.BOOLEAN: True, Kind.INTEGER: 1, Kind.FLOAT: 1.5, Kind.DECIMAL: Decimal("1.5"),
    Kind.TEXT: "a", Kind.DATE: date(2026, 5, 1), Kind.TIMESTAMP: NOON,
}  # fmt: skip


def _defined(text: str, schema: Schema) -> Segment | None:
    """The segment with values for its parameters; None where the text is refused as one of ours."""
    try:
        found = Segment.define(None, text, schema, **(OTHERS if schema is SHOP else {}))
    except DefinitionError as error:
        assert str(error)
        return None
    values = {name: BOUND[dtype.kind] for name, dtype in found.parameters.items()}
    return found.bind(**values) if values else found


def _answers(segment: Segment) -> Iterator[list[Any]]:
    # Where people have people, the tests make no records of them all.
    for target in TARGETS if segment.schema is SHOP else TARGETS[1:]:
        try:
            yield sorted(target.members(segment, ROWS[segment.schema], NOON))
        except UnsupportedError:
            # One record has no rank.
            assert target.family == "record"


def _check(texts: Iterable[str], schema: Schema) -> int:
    """Ask all of them; how many are definitions."""
    meant: dict[Segment, str] = {}
    for text in texts:
        segment = _defined(text, schema)
        if segment is not None:
            assert segment == _defined(segment.definition, schema)
            assert isinstance(segment.warnings, tuple)
            meant.setdefault(segment, text)
    for segment, text in meant.items():
        first, *others = _answers(segment)
        assert all(other == first for other in others), text
    return len(meant)


def _in(role: str, names: Iterable[str]) -> Iterator[str]:
    return (role.replace("{}", name) for name in names)


REFUSED = [
    *(f"{{}} {test}" for test in ("= 3 km", "= 5%", '< "a"', "< true", "< 3 km", "< 5%")),
    *(f"{{}} in ({constant})" for constant in ("now", "today", "3 km", "5%")),
    *("3 km != {}", "5% != {}", "{} in segment {}", "nothing({}) = 1", "sum(distinct {}) = 1"),
    *("point({}, 1) = 1", "count(orders, {}) = 1", "ntile({}, number) = 1", "rows({}) = 1"),
    *("any(orders where top 1 by {})", "sample(10%, {})", 'sample({}, "a")'),
    *("any(orders where in segment {})", "any({} among everyone)"),
]
"""Positions that no name can stand in."""


@pytest.mark.parametrize("role", [*ROLES, *CALLS])
def test_every_name_in_every_position(role: str) -> None:
    """A name, whatever it stands for, makes a definition that all targets answer alike, or an error."""
    found = {
        schema: _check(_in(role, [*names, *PATHS_OF[schema]]), schema)
        for schema, names in NAMES.items()
    }
    assert (found[SHOP] == 0) is (role in REFUSED)


@given(st.data())
def test_names_in_positions_within_positions(data: st.DataObject) -> None:
    """However positions are nested, there is a segment or an error, and never anything else."""
    schema = data.draw(st.sampled_from(list(NAMES)))
    roles = st.sampled_from([*ROLES, *CALLS])
    names = st.sampled_from([*NAMES[schema], *PATHS_OF[schema]])
    text = data.draw(roles)
    while "{}" in text:
        inner = data.draw(names if len(text) > 100 else st.one_of(names, names, roles))
        text = text.replace("{}", inner, 1)
    _defined(text, schema)
