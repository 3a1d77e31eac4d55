"""What a schema adds to the language: the same everywhere, checked first, refused by name."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from attrs import evolve

import segmentkit as sk
from segmentkit import pandas as frames
from segmentkit import sqlalchemy as sql
from segmentkit.dtypes import DISTANCE, TEXTS
from segmentkit.testing import check_examples
from tests import extensions
from tests.extensions import CLAMP, DEVIATION, EVERY, INITIAL, KINDS, SPREAD
from tests.targets import DATABASES, TARGETS, Target

AS_OF = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHOP = sk.Schema(
    [
        sk.Entity(
            "customers",
            key="id",
            attributes=[
                sk.Attribute("id", sk.INTEGER),
                sk.Attribute("name", sk.TEXT, nullable=True),
                sk.Attribute("nick", sk.TEXT),
                sk.Attribute("age", sk.INTEGER, nullable=True),
                sk.Attribute("rating", sk.FLOAT, nullable=True),
                sk.Attribute("balance", sk.decimal(2), nullable=True),
                sk.Attribute("born", sk.DATE, nullable=True),
                sk.Attribute("seen", sk.TIMESTAMP, nullable=True),
            ],
            relations=[sk.Relation("orders", key="customer_id", at="at")],
        ),
        sk.Entity(
            "orders",
            key="id",
            attributes=[
                sk.Attribute("id", sk.INTEGER),
                sk.Attribute("at", sk.TIMESTAMP),
                sk.Attribute("amount", sk.decimal(2), nullable=True),
                sk.Attribute("status", sk.TEXT, nullable=True),
            ],
            relations=[sk.Relation("lines", key="order_id")],
        ),
        sk.Entity(
            "lines",
            key="id",
            attributes=[sk.Attribute("id", sk.INTEGER), sk.Attribute("quantity", sk.INTEGER)],
        ),
    ],
    channels=[sk.Channel("post", address="name", consent='initial(nick) = "y"')],
    functions=EVERY,
    time_zone="Europe/Kyiv",
)
PLAIN = sk.Schema(SHOP.entities)


def _customer(
    id: int, name: Any, nick: str, age: Any, rating: Any, balance: Any, *times: Any
) -> Any:
    born, seen = times
    return {
        "id": id, "name": name, "nick": nick, "age": age, "rating": rating,
        "balance": None if balance is None else Decimal(balance), "born": born, "seen": seen,
    }  # fmt: skip


def _order(id: int, customer: int | None, day: int, amount: Any, status: Any) -> dict[str, Any]:
    return {
        "id": id, "customer_id": customer, "at": datetime(2026, 4, day),
        "amount": None if amount is None else Decimal(amount), "status": status,
    }  # fmt: skip


ROWS = {
    "customers": [
        _customer(1, "Ada", "yes", 36, 4.0, "12.50", date(1990, 1, 2), datetime(2026, 4, 27, 22)),
        _customer(2, "Їжак", "no", 7, 2.0, "-3.25", date(2019, 1, 2), datetime(2026, 4, 27, 20)),
        _customer(3, None, "why", None, None, None, None, None),
        _customer(4, "", "y", 120, -1.0, "0", date(1906, 1, 2), datetime(2026, 4, 1)),
    ],
    "orders": [
        _order(1, 1, 1, "10.00", "paid"),
        _order(2, 1, 2, "30.00", None),
        _order(3, 1, 3, "20.00", "returned"),
        _order(4, 2, 1, "5.50", "paid"),
        _order(5, 2, 2, None, "paid"),
        _order(6, None, 3, "99.00", "paid"),
        _order(7, 4, 3, None, None),
    ],
    "lines": [
        {"id": 1, "order_id": 1, "quantity": 1},
        {"id": 2, "order_id": 1, "quantity": 4},
        {"id": 3, "order_id": 4, "quantity": 2},
    ],
}  # fmt: skip

MEMBERS = {
    # functions of attributes, in tests of every kind
    'initial(name) = "Ї"': [2],
    'initial(name) != "Ї"': [1, 3, 4],
    'initial(name) in ("A", "Ї")': [1, 2],
    'initial(name) not in ("A", "Ї")': [3, 4],
    'initial(name) = "ї" ignoring case': [2],
    'initial(name) = ""': [4],
    'initial(nick) contains "y"': [1, 4],
    "initial(name) is missing": [3],
    "initial(nick) is present": [1, 2, 3, 4],
    'initial("Bo") = "B"': [1, 2, 3, 4],
    'initial(default(name, "Z")) = "Z"': [3],
    "clamp(age, 18, 99) = 18": [2],
    "clamp(age, 18, 99) > 98.5": [4],
    "clamp(age, 18, 99.5) > 99": [4],
    "not (clamp(age, 18, 99) >= 18)": [3],
    "clamp(balance, 0, 10) = 10": [1],
    "clamp(balance, 0, 10.25) = 10.25": [1],
    "clamp(rating, age, 99) = 7": [2],
    "clamp(age, 18, 40) between 20 and 39": [1],
    "clamp(age, 0, 1 / 0) >= 0": [],
    "clamp(age, 18, 99) + 1 = 19": [2],
    "clamp(age, 18, 99) / 4 = 9": [1],
    "is_even(age)": [1, 4],
    "not is_even(age)": [2, 3],
    "is_even(age) = false": [2],
    "is_known(name)": [1, 2, 4],
    "not is_known(name)": [3],
    "is_known(age / 0)": [],
    "root(rating) = 2": [1],
    "root(rating) > 1.4": [1, 2],
    "root(rating) != 2": [2, 3, 4],
    "root(rating) is missing": [3, 4],
    "root(age) > 10": [4],
    "cents(age) = 0.36": [1],
    # times; the clock is the language's
    "same_day(born) in 1990": [1],
    "same_day(born) < 36 years ago": [1, 4],
    "age(same_day(born)) = 36": [1],
    "same_time(seen) in last 5 days": [1, 2],
    "same_time(seen) in 2026-04-28": [1],
    'day_name(weekday(seen)) = "Tue"': [1],
    'day_name(weekday(seen)) = "Mon"': [2],
    "day_name(age) is present": [2],
    # aggregates
    "spread(orders.amount) = 20": [1],
    "spread(orders.amount) = 0": [2],
    "spread(orders.amount) is missing": [3, 4],
    "spread(orders.amount) != 20": [2, 3, 4],
    "spread(orders.amount in last 30 days) = 10": [1],
    "spread(orders.amount where status is present) = 10": [1],
    "spread(orders.amount * 2 - 1) = 40": [1],
    "spread(orders.lines.quantity) = 3": [1],
    "stddev(orders.amount) = 10": [1],
    "stddev(orders.amount) is missing": [2, 3, 4],
    "longest(orders.status) = 0": [3, 4],
    "longest(orders.status) >= 8": [1],
    "longest(orders.status) < 8": [2, 3, 4],
    "longest(orders.status) + count(orders) = 11": [1],
    "kinds(orders.status) = 2": [1],
    "kinds(orders.status) is missing": [3, 4],
    "spread(orders.amount) > age": [],
    "spread(orders.amount) < age": [1, 2],
    "spread(orders.amount) > spread(orders.lines.quantity)": [1],
    # functions of aggregates and aggregates of functions
    "clamp(count(orders), 1, 2) = 1": [3, 4],
    "clamp(count(orders), 1, 2) = 2": [1, 2],
    "clamp(sum(orders.amount), 0, age) = age": [1],
    'initial(last(orders.status)) = "r"': [1],
    'initial(last(orders.status)) != "r"': [2, 3, 4],
    "spread(clamp(orders.amount, 0, 25)) = 15": [1],
    "spread(orders.amount where amount < 25) = 10": [1],
    "kinds(initial(orders.status)) = 1": [2],
    "longest(initial(orders.status)) = 1": [1, 2],
    # within rows
    'any(orders where initial(status) = "p")': [1, 2],
    'none(orders where initial(status) = "p")': [3, 4],
    "any(orders where spread(lines.quantity) = 3)": [1],
    "any(orders where clamp(count(lines), 0, 1) = 1 and amount < 6)": [2],
    "any(orders where initial(customers.name) = \"A\" and amount = 30)": [1],
    "any(orders where amount > spread(customers.orders.amount))": [1, 2],
    'any(orders followed by orders where initial(status) = "r" within 2 days)': [1],
    'any(orders where is_known(status) not followed by orders within 1 day)': [1, 2],
    # the population
    "age > clamp(avg(age among everyone), 0, 50)": [4],
    "spread(age among everyone) = 113": [1, 2, 3, 4],
    "stddev(rating among (rating > 0)) < rating": [1, 2],
    "longest(name among (age > 1000)) = 0": [1, 2, 3, 4],
    "top 1 by clamp(age, 0, 50)": [4],
    "reachable by post": [1],
}  # fmt: skip
OF_OTHERS = (" among ", "top ")


def _asked(target: Target, segment: sk.Segment) -> list[Any]:
    return sorted(target.members(segment, ROWS, AS_OF))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("text", MEMBERS)
def test_members(text: str, target: Target) -> None:
    """An added function means the same on every target, and its complement is everyone else."""
    segment = sk.Segment.define("s", text, SHOP)
    if target.family == "record" and any(word in text for word in OF_OTHERS):
        with pytest.raises(sk.UnsupportedError, match="SK401"):
            _asked(target, segment)
        return
    assert _asked(target, segment) == MEMBERS[text]
    assert _asked(target, ~segment) == [i for i in (1, 2, 3, 4) if i not in MEMBERS[text]]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_values(target: Target) -> None:
    """Traits of added functions have the values that Python computes."""
    if target.values is None:
        return
    found = {
        text: target.values(sk.Trait.define("found", text, SHOP), ROWS, AS_OF)
        for text in (
            "clamp(balance, 0, 10)",
            "longest(orders.status)",
            "initial(name)",
            "root(age)",
        )
    }
    assert found["clamp(balance, 0, 10)"] == pytest.approx(
        {1: 10, 2: 0, 3: None, 4: 0}, nan_ok=True
    )
    assert found["longest(orders.status)"] == {1: 8, 2: 4, 3: 0, 4: 0}
    assert {k: None if pd.isna(v) else v for k, v in found["initial(name)"].items()} == {
        1: "A", 2: "Ї", 3: None, 4: "",
    }  # fmt: skip
    assert found["root(age)"][1] == 6


@pytest.mark.parametrize("function", EVERY, ids=lambda function: function.name)
@pytest.mark.parametrize("database", DATABASES, ids=lambda database: database.name)
def test_examples(function: Any, database: Any) -> None:
    """The examples of a function hold of records, of frames and in a database."""
    # The one connection of a database in memory is in use.
    in_memory = database.name in ("sqlite", "duckdb")
    engine = database.open() if in_memory else database.connection.engine
    check_examples(function, engine)
    if in_memory:
        engine.dispose()


WRONG: list[tuple[Any, str]] = [
    (evolve(INITIAL, examples=[(["Ada"], "B")]), r"initial\('Ada'\) is 'A' in record"),
    (evolve(CLAMP, pandas=lambda x, low, high: x), r"clamp\(12, 0, 10\) is 12 in pandas"),
    (evolve(INITIAL, sql=lambda text: text), r"initial\('Ada'\) is 'Ada' in sqlite"),
    (evolve(SPREAD, sql=sa.func.max), r"spread\(\[1, 5, None, 3\]\) is 5 in sqlite"),
    (evolve(KINDS, record=len), r"kinds\(\[1, 1, 2\]\) is 3 in record, and should be 2"),
]


@pytest.mark.parametrize(("function", "message"), WRONG)
def test_wrong_examples_are_found(function: Any, message: str) -> None:
    """A lowering that gives something else than an example says is named."""
    with pytest.raises(AssertionError, match=message):
        check_examples(function)


def test_no_examples() -> None:
    """Nothing is proved by no examples."""
    with pytest.raises(ValueError, match="has no examples"):
        check_examples(evolve(INITIAL, examples=()))


# -- what has no lowering -------------------------------------------------------------------------


def _with(*functions: Any) -> sk.Schema:
    return sk.Schema(SHOP.entities, functions=functions, time_zone=SHOP.time_zone)


FRAMES = {name: pd.DataFrame(rows) for name, rows in ROWS.items()}
TABLE = sql.tables_from(SHOP).tables["customers"]


def test_refused_for_records() -> None:
    """A record refuses by name what is lowered for SQL and frames only, at its place."""
    schema = _with(evolve(CLAMP, record=None))
    segment = sk.Segment.define("s", "id > 0 and clamp(age, 1, 2) = 2", schema)
    with pytest.raises(sk.UnsupportedError) as caught:
        segment.matcher(as_of=AS_OF)
    assert str(caught.value) == (
        "SK170 clamp() has no lowering for record\n"
        "    id > 0 and clamp(age, 1, 2) = 2\n"
        "               ^^^^^\n"
        "    hint: give it one: Function('clamp', …, record=…)"
    )
    assert frames.members(segment, FRAMES, as_of=AS_OF).tolist() == [1, 2, 4]
    assert "CASE" in str(sql.members(segment, TABLE, as_of=AS_OF))


def test_refused_for_sql() -> None:
    """SQL refuses by name what it has no lowering of, wherever the definition mentions it."""
    schema = _with(evolve(SPREAD, sql=None))
    wide = sk.Segment.define("wide", "spread(orders.amount) > 5", schema)
    width = sk.Trait.define("width", "spread(orders.amount)", schema)
    both = sk.Segment.define("both", "in segment wide and id > 1", schema, segments=[wide])
    named = sk.Segment.define("named", "width > 5", schema, traits=[width])
    parted = sk.Partition.define("parts", [wide], rest="others")
    for ask in (
        lambda: sql.members(wide, TABLE),
        lambda: sql.predicate(both, TABLE),
        lambda: sql.members(named, TABLE),
        lambda: sql.values([width], TABLE),
        lambda: sql.labels(parted, TABLE),
    ):
        with pytest.raises(sk.UnsupportedError, match=r"SK170 spread\(\) has no lowering for sql"):
            ask()
    assert frames.members(both, FRAMES, as_of=AS_OF).tolist() == []


def test_refused_for_frames() -> None:
    """Frames refuse what only SQL computes; what records compute, they compute row by row."""
    only = evolve(INITIAL, record=None)
    segment = sk.Segment.define("s", 'initial(name) = "A"', _with(only))
    with pytest.raises(sk.UnsupportedError, match=r"SK170 initial\(\) has no lowering for pandas"):
        frames.members(segment, FRAMES)
    segment = sk.Segment.define("s", 'initial(name) = "A"', _with(INITIAL))
    assert frames.members(segment, FRAMES).tolist() == [1]


def test_refused_in_a_channel() -> None:
    """What the consent of a channel needs is refused by name too."""
    channel = sk.Channel("post", address="name", consent='initial(nick) = "y"')
    schema = sk.Schema(SHOP.entities, channels=[channel], functions=[evolve(INITIAL, sql=None)])
    segment = sk.Segment.define("s", "reachable by post", schema)
    with pytest.raises(sk.UnsupportedError, match=r"initial\(\) has no lowering for sql"):
        sql.members(segment, TABLE)


def test_refused_by_a_dialect() -> None:
    """A dialect for which there is no lowering refuses by name when the query is compiled."""
    named = {"postgresql": extensions.deviation_column}
    segment = sk.Segment.define(
        "s", "stddev(orders.amount) > 1", _with(evolve(DEVIATION, sql=named))
    )
    query = sql.members(segment, TABLE)
    from sqlalchemy.dialects import postgresql, sqlite

    assert "stddev_samp" in str(query.compile(dialect=postgresql.dialect()))
    with pytest.raises(sk.UnsupportedError, match=r"stddev\(\) has no lowering for SQLite"):
        query.compile(dialect=sqlite.dialect())


def test_dialects_are_told_apart_in_the_cache() -> None:
    """Two functions that differ by nothing but their dialects' names are not one statement."""
    first = {"sqlite": lambda x: x + 1, "default": lambda x: x + 2}
    second = {"aaa": lambda x: x + 1, "default": lambda x: x + 2}
    engine = sa.create_engine("sqlite://")
    metadata = sql.tables_from(SHOP)
    metadata.create_all(engine)
    found = []
    with engine.begin() as connection:
        connection.execute(metadata.tables["customers"].insert(), ROWS["customers"])
        for given in (first, second, first):
            function = sk.Function("f", ["integer"], sk.INTEGER, "Some more.", sql=given)
            trait = sk.Trait.define("found", "f(id)", _with(function))
            query = sql.values([trait], metadata.tables["customers"])
            found.append([value for _, value in connection.execute(query)])
    engine.dispose()
    assert found == [[2, 3, 4, 5], [3, 4, 5, 6], [2, 3, 4, 5]]


def test_of_nobody_in_sql_alone() -> None:
    """What a function makes of no rows is left to the database where Python cannot tell."""
    schema = _with(evolve(CLAMP, record=None))
    for target in TARGETS:
        if target.family == "sql":
            few = sk.Segment.define("few", "clamp(count(orders), 1, 2) = 1", schema)
            assert _asked(target, few) == [3, 4]
            assert _asked(target, ~few) == [1, 2]


# -- what a lowering is asked ---------------------------------------------------------------------


@pytest.mark.parametrize("target", [t for t in TARGETS if t.family != "sql"], ids=lambda t: t.name)
def test_no_lowering_sees_what_is_missing(target: Target) -> None:
    """Functions are asked about arguments that are all present, aggregates about some value."""

    def strict(*arguments: Any) -> Any:
        assert not any(pd.isna(a) for a in arguments)
        return arguments[0]

    def strict_series(*columns: Any) -> Any:
        assert all(len(c) and c.notna().all() for c in columns)
        return columns[0]

    def some(values: list[Any]) -> Any:
        assert values
        return strict(*values)

    def some_groups(groups: Any) -> Any:
        assert (groups.count() > 0).all()
        return groups.first()

    for kinds in ((strict, None, some, None), (strict, strict_series, some, some_groups)):
        f = sk.Function(
            "f", ["any", "integer"], None, "The first.", record=kinds[0], pandas=kinds[1]
        )
        g = sk.Aggregate("g", "any", None, "Any of them.", record=kinds[2], pandas=kinds[3])
        schema = _with(f, g)
        for text in (
            "f(name, age)",
            "f(balance, age)",
            "f(seen, age)",
            "f(born, id)",
            "f(rating, age)",
        ):
            segment = sk.Segment.define("s", f"{text} is missing", schema)
            assert _asked(target, segment) == [3]
        for text, without in (("amount", [3, 4]), ("status", [3, 4]), ("at", [3])):
            segment = sk.Segment.define("s", f"g(orders.{text}) is missing", schema)
            assert _asked(target, segment) == without


def test_kinds_of_arguments() -> None:
    """A lowering gets Python's own types, numbers in the one type that holds them all."""
    seen: list[tuple[type, ...]] = []

    def look(*arguments: Any) -> int:
        seen.append(tuple(type(each) for each in arguments))
        return 1

    words = [
        ("number", "age"), ("integer", "age"), ("float", "age"), ("number", "balance"),
        ("text", "name"), ("boolean", "is_even(age)"), ("date", "born"), ("timestamp", "seen"),
    ]  # fmt: skip
    record = ROWS["customers"][0]
    even = next(f for f in EVERY if f.name == "is_even")
    for word, argument in words:
        f = sk.Function("f", [word], sk.INTEGER, "One.", record=look)
        text = f"f({argument}) = 1"
        segment = sk.Segment.define("s", text, _with(f, even))
        assert segment.matches(record, as_of=AS_OF)
        assert frames.members(segment, FRAMES, as_of=AS_OF).tolist() == [1, 2, 4]
    wanted = [int, int, float, Decimal, str, bool, date, datetime]
    assert [kinds for kinds, *_ in seen[::4]] == wanted
    assert [kinds for kinds, *_ in seen[1::4]] == wanted
    seen.clear()
    f = sk.Function("f", ["number", "number"], sk.INTEGER, "One.", record=look)
    assert sk.Segment.define("s", "f(balance, rating) = 1", _with(f)).matches(record)
    assert sk.Segment.define("s", "f(balance, age) = 1", _with(f)).matches(record)
    assert frames.members(sk.Segment.define("s", "f(age, 0.5) = 1", _with(f)), FRAMES).any()
    assert seen == [(float, float), *[(Decimal, Decimal)] * 4]


@pytest.mark.parametrize(
    ("dtype", "gives", "message"),
    [
        (sk.TEXT, 3, r"f\(\).result must be text, not int 3"),
        (sk.INTEGER, "x", r"f\(\).result must be integer, not str 'x'"),
        (sk.BOOLEAN, 1, r"f\(\).result must be boolean, not int 1"),
    ],
)
def test_results_of_another_type(dtype: sk.DType, gives: Any, message: str) -> None:
    """A lowering that gives something else than the function says is told so."""
    f = sk.Function("f", ["integer"], dtype, "Wrong.", record=lambda x: gives)
    schema = _with(
        f,
        sk.Function(
            "g",
            ["integer"],
            dtype,
            "Wrong.",
            record=lambda x: gives,
            pandas=lambda x: [gives] * len(x),
        ),
    )
    trait = sk.Trait.define("t", "f(id)", schema)
    with pytest.raises(sk.DataError, match=message):
        trait.of(ROWS["customers"][0])
    with pytest.raises(sk.DataError, match=message):
        frames.values([trait], FRAMES)
    with pytest.raises(sk.DataError, match=message.replace("f", "g", 1)):
        frames.values([sk.Trait.define("t", "g(id)", schema)], FRAMES)


def test_results_that_are_missing() -> None:
    """A function that never gives nothing, and does, is told so; NaN is missing."""
    never = sk.Function(
        "f", ["integer"], sk.FLOAT, "Nothing.", record=lambda x: None, nullable=False
    )
    with pytest.raises(sk.DataError, match=r"f\(\).result is missing"):
        sk.Trait.define("t", "f(id)", _with(never)).of(ROWS["customers"][0])
    with pytest.raises(sk.DataError, match=r"f\(\).result is missing|f\(\) is missing"):
        frames.values([sk.Trait.define("t", "f(id)", _with(never))], FRAMES)
    nan = sk.Function("f", ["integer"], sk.FLOAT, "Nothing.", record=lambda x: float("nan"))
    assert sk.Segment.define("s", "f(id) is missing", _with(nan)).matches(ROWS["customers"][0])


def test_a_column_of_another_length() -> None:
    """A lowering for frames must give a value for each row."""
    f = sk.Function("f", ["integer"], sk.INTEGER, "Wrong.", pandas=lambda x: x[:1])
    with pytest.raises(sk.DataError, match=r"f\(\) must give 4 values for as many rows"):
        frames.values([sk.Trait.define("t", "f(id)", _with(f))], FRAMES)
    g = sk.Aggregate("g", "integer", sk.INTEGER, "Wrong.", pandas=lambda groups: 5)
    with pytest.raises(sk.DataError, match=r"g\(\) must give 3 values"):
        frames.values([sk.Trait.define("t", "g(orders.id)", _with(g))], FRAMES)


def test_frames_without_rows() -> None:
    """No lowering for frames has to cope with no rows in a way of its own."""
    empty = {name: frame.iloc[:0] for name, frame in FRAMES.items()}
    for text in ('initial(name) = "A"', "clamp(balance, 0, 1) > 0", "longest(orders.status) = 0",
                 "spread(orders.amount) > 1", "stddev(orders.amount) > 1"):  # fmt: skip
        assert frames.members(sk.Segment.define("s", text, SHOP), empty, as_of=AS_OF).tolist() == []


# -- checking -------------------------------------------------------------------------------------

MISTAKES = {
    'initail(name) = "A"': ("SK103", "did you mean 'initial'?"),
    "sprad(orders.amount) > 1": ("SK103", "did you mean 'spread'?"),
    "clamp(age, 1) = 1": ("SK111", "write clamp(age, 1, …)"),
    'initial(age) = "A"': ("SK112", None),
    'day_name(rating) = "A"': ("SK112", None),
    "same_day(seen) = 2026-05-01": ("SK112", "declare 'seen' as a date in the schema"),
    "clamp(age, name, 1) = 1": (
        "SK112",
        "to compare numbers, declare 'name' as one in the schema",
    ),
    "is_known(anniversary(born))": ("SK112", None),
    'initial(name where age > 1) = "A"': ("SK126", None),
    'initial(name among everyone) = "A"': (
        "SK153",
        "write avg, count, max, median, min or sum: avg(age among everyone)",
    ),
    "spread(orders.status) > 1": (
        "SK112",
        "to compare numbers, declare 'orders.status' as one in the schema",
    ),
    "spread(orders) > 1": ("SK114", "write orders.amount"),
    "spread(distinct orders.amount) > 1": ("SK111", "'distinct' belongs to count"),
    "spread(age) > 1": ("SK116", "write spread(orders…), or spread(age among everyone)"),
    "longest(age among everyone) > 1": ("SK112", None),
    "initial(name)": ("SK108", "compare it, as in 'initial(name) = \"…\"'"),
    'spread(orders.amount) = "x"': ("SK104", None),
    "is_known(:x)": ("SK125", None),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes(text: str) -> None:
    """Added functions are checked as the language's own are."""
    with pytest.raises(sk.SegmentTypeError) as caught:
        sk.Segment.define("s", text, SHOP)
    (found,) = caught.value.diagnostics
    assert (found.code, found.hint) == MISTAKES[text]


def test_arguments_of_one_type() -> None:
    """All arguments that may be of any type are of the same one."""
    f = sk.Function("f", ["any", "any"], None, "The first.", record=lambda a, b: a)
    schema = _with(f)
    assert sk.Trait.define("t", "f(age, rating)", schema).dtype == sk.FLOAT
    assert sk.Trait.define("t", "f(age, balance)", schema).dtype == sk.decimal(2)
    assert sk.Trait.define("t", "f(name, nick)", schema).dtype == sk.TEXT
    for text in ("f(age, name)", "f(born, seen)"):
        with pytest.raises(sk.SegmentTypeError, match="SK104"):
            sk.Trait.define("t", text, schema)


def test_parameters_get_their_type() -> None:
    """A parameter of a definition is typed by the argument that it is."""
    segment = sk.Segment.define("s", 'clamp(age, :low, 99) = 40 and initial(:who) = "A"', SHOP)
    assert {name: dtype.family for name, dtype in segment.parameters.items()} == {
        "low": "number",
        "who": "text",
    }
    bound = segment.bind(low=40, who="Ada")
    assert [bound.matches(row, as_of=AS_OF) for row in ROWS["customers"]] == [
        True,
        True,
        False,
        False,
    ]


def test_warnings_know_what_may_be_missing() -> None:
    """A negative form of a function warns where the function may be missing, and only there."""
    named = {
        'initial(nick) != "A"': 0,
        'initial(name) != "A"': 1,
        'day_name(id) != "Mon"': 1,
        "not is_known(name)": 0,
        "longest(orders.status) != 1": 0,
        "spread(orders.amount) != 1": 1,
    }
    found = {text: len(sk.Segment.define("s", text, SHOP).warnings) for text in named}
    assert found == named


def test_who_is_uncertain() -> None:
    """An answer rests on something missing where the result of a function is missing."""
    for text, uncertain in (
        ('initial(name) = "A"', [3]),
        ("not is_even(age)", [3]),
        ("is_known(name)", []),
        ("stddev(orders.amount) > 1", [2, 3, 4]),
        ("longest(orders.status) > 1", []),
    ):
        segment = sk.Segment.define("s", text, SHOP).uncertain()
        for target in TARGETS:
            assert _asked(target, segment) == uncertain, (text, target.name)


# -- as values ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", MEMBERS)
def test_definitions_are_values(text: str) -> None:
    """Definitions with added functions print, parse, compare, hash and pickle."""
    segment = sk.Segment.define("s", text, SHOP)
    again = sk.Segment.define("t", segment.definition, SHOP)
    assert again == segment
    assert again.definition == segment.definition
    restored = pickle.loads(pickle.dumps(segment))  # noqa: S301
    assert restored == segment
    assert hash(restored) == hash(segment)


def test_another_lowering_is_another_schema() -> None:
    """What is computed otherwise does not compare equal, nor join."""
    text = 'initial(name) = "A"'
    one = sk.Segment.define("s", text, _with(INITIAL))
    other = sk.Segment.define("s", text, _with(evolve(INITIAL, record=lambda x: x)))
    assert one == sk.Segment.define("s", text, _with(INITIAL))
    assert one != other
    with pytest.raises(sk.SchemaError, match="different schemas"):
        one & other


def test_functions_are_values() -> None:
    """Functions and aggregates compare, hash, pickle and print."""
    for function in EVERY:
        assert pickle.loads(pickle.dumps(function)) == function  # noqa: S301
        assert hash(evolve(function)) == hash(function)
    assert str(CLAMP) == "clamp(number, number, number) -> type of the number"
    assert str(DEVIATION) == "stddev(rows of float) -> float"
    assert set(CLAMP.sql) == {"default"}
    assert set(DEVIATION.sql) == {"default", "sqlite"}
    assert str(_with(INITIAL)).endswith("\ninitial(text) -> text")


def test_schemas_keep_their_functions() -> None:
    """Functions go along where a schema is made from another."""
    assert PLAIN.extended([INITIAL]).extended([CLAMP]).functions == (INITIAL, CLAMP)
    assert PLAIN.extended([INITIAL]) != PLAIN
    assert _with(INITIAL, CLAMP) == _with(CLAMP, INITIAL)
    assert _with(INITIAL).rooted("orders").function("initial") == INITIAL
    assert PLAIN.function("initial") is None
    with pytest.raises(sk.SchemaError, match="'initial' is declared twice"):
        _with(INITIAL).extended([INITIAL])
    with pytest.raises(sk.SchemaError, match="neither a Function nor an Aggregate"):
        PLAIN.extended([len])  # type: ignore[list-item]


def test_a_catalog_uses_the_functions_of_its_schema() -> None:
    """A file names what the schema adds, and traits in it are not mistaken for rows' names."""
    text = """
    language = 1
    [traits]
    amount = "stddev(orders.amount where status = \\"paid\\")"
    status = "initial(last(orders.status))"
    [segments]
    few = {where = 'status = "p" and clamp(age, 1, 2) = 2'}
    """
    catalog = sk.Catalog.loads(text, SHOP)
    assert frames.members(catalog["few"], FRAMES, as_of=AS_OF).tolist() == [2]
    with pytest.raises(sk.CatalogError, match="unknown function 'stddev'"):
        sk.Catalog.loads(text, PLAIN)


# -- declarations ---------------------------------------------------------------------------------

WRONGLY: list[tuple[dict[str, Any], str]] = [
    ({"name": "abs"}, r"the language has a abs\(\) already"),
    ({"name": "sum"}, "already"),
    ({"name": "ntile"}, "already"),
    ({"name": "where"}, "is a word of the language itself"),
    ({"name": "Initial"}, "a word of lower-case letters"),
    ({"name": "two words"}, "a word of lower-case letters"),
    ({"parameters": ["texts"]}, "cannot take 'texts'; arguments are number, integer"),
    ({"parameters": ["place"]}, "cannot take 'place'"),
    ({"parameters": []}, "needs a parameter"),
    ({"result": "text"}, "must be a type like TEXT, not 'text'"),
    ({"result": TEXTS}, "must be a type like TEXT"),
    ({"result": DISTANCE}, "must be a type like TEXT"),
    ({"record": None}, "has no lowering"),
    ({"record": "upper"}, "must be functions"),
    ({"sql": {"default": 3}}, "must be functions"),
    ({"examples": [(["a", "b"], "a")]}, r"an example of f\(\) has 2 arguments"),
    ({"examples": [("a", "a")]}, "a list of values and a result"),
]


@pytest.mark.parametrize(("told", "message"), WRONGLY)
def test_wrong_declarations(told: dict[str, Any], message: str) -> None:
    """A declaration that contradicts the language or itself is refused when it is made."""
    plain = {"name": "f", "parameters": ["text"], "result": sk.TEXT, "doc": "Some.", "record": len}
    with pytest.raises(sk.SchemaError, match=message):
        sk.Function(**{**plain, **told})


@pytest.mark.parametrize(
    ("operand", "result", "empty"),
    [
        ("number", None, "x"), ("text", sk.INTEGER, 1.5), ("text", sk.TEXT, 0), ("any", None, 0),
        ("number", sk.INTEGER, True), ("integer", None, 0.5),
    ],
)  # fmt: skip
def test_wrong_values_over_no_rows(operand: str, result: sk.DType | None, empty: Any) -> None:
    """What an aggregate is over no rows must be of its type."""
    with pytest.raises(sk.SchemaError, match="over no rows"):
        sk.Aggregate("f", operand, result, "Some.", record=len, empty=empty)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_values_over_no_rows(target: Target) -> None:
    """What an aggregate is over no values counts also where there are rows without any."""
    cases: list[tuple[str, sk.DType | None, Any, str]] = [
        ("amount", None, 7, "f(orders.amount) = 7"),
        ("amount", sk.FLOAT, 7, "f(orders.amount) = 7 and f(orders.amount) / 2 = 3.5"),
        ("amount", None, Decimal("7.25"), "f(orders.amount) = 7.25"),
    ]
    if target.name == "clickhouse":
        # It joins no decimals of two scales, neither here nor in default().
        cases.pop()
    for _, result, empty, text in cases:
        f = sk.Aggregate(
            "f", "number", result, "The least.", empty=empty,
            record=min, sql=sa.func.min,
        )  # fmt: skip
        assert _asked(target, sk.Segment.define("s", text, _with(f))) == [3, 4]
    f = sk.Aggregate("f", "any", sk.TEXT, "X.", empty="-", record=min, sql=sa.func.min)
    segment = sk.Segment.define("s", 'f(orders.status) = "-"', _with(f))
    assert _asked(target, segment) == [3, 4]
