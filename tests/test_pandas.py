"""Frames: what the conformance cases cannot show of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import segmentkit as sk
from segmentkit.pandas import mask, members, schema_from
from segmentkit.pandas._key_lookup import Finder

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY, MOMENT = date(2026, 5, 1), datetime(2026, 5, 1, 12)

ARROW = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "double": pa.float64(),
    "string": pa.string(),
    "large string": pa.large_string(),
    "dictionary": pa.dictionary(pa.int8(), pa.string()),
    "decimal": pa.decimal128(10, 2),
    "wide decimal": pa.decimal256(50, 2),
    "date32": pa.date32(),
    "date64": pa.date64(),
    "timestamp": pa.timestamp("us"),
    "timestamp of ns in a zone": pa.timestamp("ns", "Europe/Kyiv"),
}


def arrow(name: str, values: list[Any]) -> pd.Series[Any]:
    """A column that Arrow stores."""
    kind = ARROW[name]
    return pd.Series(pd.array(pa.array(values, type=kind), dtype=pd.ArrowDtype(kind)))


def people(dtype: sk.DType, *, nullable: bool = True) -> sk.Schema:
    """A schema of people of whom one thing is known: x."""
    known = [sk.Attribute("id", sk.INTEGER), sk.Attribute("x", dtype, nullable=nullable)]
    return sk.Schema([sk.Entity("people", key="id", attributes=known)])


def answer(column: Any, dtype: sk.DType, where: str, *, nullable: bool = True) -> list[bool]:
    """Of which values of a column a definition holds."""
    frame = pd.DataFrame({"id": range(len(column)), "x": column})
    segment = sk.Segment.define("s", where, people(dtype, nullable=nullable))
    return mask(segment, frame, as_of=NOON).tolist()


MONEY = sk.decimal(2)


def shop(amount: sk.DType = MONEY, *, key: bool = True) -> sk.Schema:
    """Customers, their orders, and the stores of those."""
    orders = [
        sk.Attribute("id", sk.INTEGER),
        sk.Attribute("at", sk.TIMESTAMP),
        sk.Attribute("amount", amount, nullable=True),
    ]
    return sk.Schema(
        [
            sk.Entity(
                "customers",
                key="id",
                attributes=[sk.Attribute("id", sk.INTEGER), sk.Attribute("vip", sk.BOOLEAN)],
                relations=[sk.Relation("orders", key="customer_id", at="at")],
            ),
            sk.Entity(
                "orders",
                key="id" if key else None,
                attributes=orders,
                links=[sk.Link("store", to="stores", key="store_id")],
            ),
            sk.Entity("stores", key="id", attributes=[sk.Attribute("city", sk.TEXT)]),
        ]
    )


def frames(amounts: Any, owners: Any = None, **changed: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Two customers, orders of the first unless told, two stores."""
    size = len(amounts)
    orders = pd.DataFrame(
        {
            "id": range(size),
            "customer_id": [1] * size if owners is None else owners,
            "store_id": [10] * size,
            "at": pd.to_datetime(["2026-01-01"] * size),
            "amount": amounts,
        }
    )
    customers = pd.DataFrame({"id": [1, 2], "vip": [True, False]})
    stores = pd.DataFrame({"id": [10, 20], "city": ["Kyiv", "Lviv"]})
    return {"customers": customers, "orders": orders, "stores": stores} | changed


def asked(where: str, given: Any, schema: sk.Schema | None = None) -> list[Any]:
    """The members of a definition."""
    return members(sk.Segment.define("s", where, schema or shop()), given, as_of=NOON).tolist()


# -- what comes back ------------------------------------------------------------------------------


class TestAnswers:
    def test_the_index_is_the_frames_own(self) -> None:
        """A mask selects from the frame whatever its index, one with duplicates too."""
        frame = pd.DataFrame({"id": [3, 1, 2], "x": [1.0, None, 3.0]}, index=["b", "a", "b"])
        segment = sk.Segment.define("big", "x > 1", people(sk.FLOAT))
        found = mask(segment, frame, as_of=NOON)
        expected = pd.Series([False, False, True], index=["b", "a", "b"], name="big")
        pd.testing.assert_series_equal(found, expected)
        assert frame[found]["id"].tolist() == [2]

    def test_the_instant_is_recorded(self) -> None:
        """The instant that was asked about, or the current one, is with the answer."""
        frame = pd.DataFrame({"id": [1], "x": [1]})
        segment = sk.Segment.define("s", "x = 1", people(sk.INTEGER))
        local = datetime(2026, 5, 1, 15, tzinfo=timezone(timedelta(hours=3)))
        assert mask(segment, frame, as_of=local).attrs == {"as_of": NOON}
        assert members(segment, frame, as_of=local).attrs == {"as_of": NOON}
        before = datetime.now(UTC)
        assert before <= mask(segment, frame).attrs["as_of"] <= datetime.now(UTC)
        assert mask(segment, frame).attrs["as_of"].tzinfo is UTC
        assert frame.attrs == frame["id"].attrs == {}

    def test_members_are_keys(self) -> None:
        """The members are the key's own values, with their index and dtype."""
        frame = pd.DataFrame({"id": arrow("int", [5, 6]).array, "x": [1, 2]}, index=[9, 9])
        found = members(sk.Segment.define("s", "x > 1", people(sk.INTEGER)), frame)
        pd.testing.assert_series_equal(found, frame["id"][[False, True]])

    def test_a_segment_without_a_name(self) -> None:
        """A segment from the algebra may have no name, and so has its mask none."""
        frame = pd.DataFrame({"id": [1], "x": [1]})
        segment = ~sk.Segment.define("s", "x = 1", people(sk.INTEGER))
        assert mask(segment, frame).name is None

    @pytest.mark.parametrize("where", ["x > 1", "not (x > 1)", "x is missing", "x in (1, 2)"])
    def test_nobody(self, where: str) -> None:
        """A frame without rows has no members."""
        frame = pd.DataFrame({"id": [], "x": []})
        found = mask(sk.Segment.define("s", where, people(sk.INTEGER)), frame)
        assert found.dtype == np.bool_
        assert len(found) == 0

    def test_frames_without_rows(self) -> None:
        """Relations and links to empty frames find nothing."""
        given = frames([])
        where = 'sum(orders.amount) = 0 and none(orders where store.city = "Kyiv")'
        assert asked(where, given) == [1, 2]
        empty = {"stores": given["stores"][:0]}
        assert asked('count(orders where store.city = "Kyiv") = 0', frames(["1"]) | empty) == [1, 2]
        assert asked("median(orders.amount) is missing", given) == [1, 2]
        assert asked("last(orders.amount) is missing", given) == [1, 2]

    def test_frames_are_not_changed(self) -> None:
        """What is given stays as it was, the masks that were answered before included."""
        given = frames([Decimal("1.00"), None], owners=[1.0, None])
        copies = {name: frame.copy(deep=True) for name, frame in given.items()}
        segment = sk.Segment.define("s", "vip", shop())
        found = mask(segment, given, as_of=NOON)
        found[:] = False
        assert asked("vip and sum(orders.amount) >= 1", given) == [1]
        for name, frame in given.items():
            pd.testing.assert_frame_equal(frame, copies[name])

    def test_a_parameter_needs_its_value(self) -> None:
        """A parameter without a value is an error that names it."""
        segment = sk.Segment.define("s", "x > :least", people(sk.INTEGER))
        with pytest.raises(sk.DataError, match=r"^s has no value for :least; call bind\(\)$"):
            mask(segment, pd.DataFrame({"id": [1], "x": [1]}))


# -- dtypes, one by one ---------------------------------------------------------------------------

NUMBERS: list[tuple[sk.DType, Any]] = [
    (sk.INTEGER, pd.Series([5, None, 1], dtype="float64")),
    (sk.INTEGER, pd.Series([5, None, 1], dtype="float32")),
    (sk.INTEGER, pd.Series([5, None, 1], dtype="Int8")),
    (sk.INTEGER, pd.Series([5, None, 1], dtype="UInt64")),
    (sk.INTEGER, pd.Series([5, None, 1], dtype="Float64")),
    (sk.INTEGER, pd.Series([5, None, 1], dtype=object)),
    (sk.INTEGER, pd.Series([5, pd.NA, np.int16(1)], dtype=object)),
    (sk.INTEGER, pd.Series([5.0, np.nan, Decimal(1)], dtype=object)),
    (sk.INTEGER, pd.Series([5, None, 1]).astype("category")),
    (sk.INTEGER, pd.Series([5, None, 1], dtype=object).astype("category")),
    (sk.INTEGER, pd.Series(pd.arrays.SparseArray([5, np.nan, 1]))),
    (sk.INTEGER, arrow("int", [5, None, 1])),
    (sk.INTEGER, arrow("double", [5, None, 1])),
    (sk.INTEGER, arrow("decimal", [Decimal(5), None, Decimal(1)])),
    (sk.FLOAT, pd.Series([5, None, 1], dtype="float32")),
    (sk.FLOAT, pd.Series([5, None, 1], dtype="Float64")),
    (sk.FLOAT, pd.Series([5, None, 1], dtype="Int64")),
    (sk.FLOAT, pd.Series([5.0, pd.NA, 1], dtype=object)),
    (sk.FLOAT, pd.Series([Decimal(5), Decimal("NaN"), Decimal(1)], dtype=object)),
    (sk.FLOAT, arrow("double", [5, None, 1])),
    (sk.FLOAT, arrow("double", [5, float("nan"), 1])),
    (sk.FLOAT, arrow("decimal", [Decimal(5), None, Decimal(1)])),
    (sk.FLOAT, pd.Series([5.0, None, 1.0]).astype("category")),
    (sk.decimal(2), pd.Series([5, None, 1], dtype="float64")),
    (sk.decimal(2), pd.Series([5, None, 1], dtype="Int64")),
    (sk.decimal(2), pd.Series([Decimal("5.00"), None, Decimal(1)], dtype=object)),
    (sk.decimal(2), pd.Series([Decimal("5.0"), Decimal("NaN"), 1.0], dtype=object)),
    (sk.decimal(2), pd.Series([Decimal(5), None, Decimal(1)], dtype=object).astype("category")),
    (sk.decimal(2), arrow("decimal", [Decimal(5), None, Decimal(1)])),
    (sk.decimal(2), arrow("wide decimal", [Decimal(5), None, Decimal(1)])),
    (sk.decimal(2), arrow("int", [5, None, 1])),
    (sk.decimal(), pd.Series([5, None, 1], dtype="float64")),
    (sk.decimal(), arrow("decimal", [Decimal(5), None, Decimal(1)])),
]


def _name(value: Any) -> str:
    return str(value.dtype) if isinstance(value, pd.Series) else str(value)


@pytest.mark.parametrize(("dtype", "column"), NUMBERS, ids=_name)
class TestNumbers:
    def test_tests(self, dtype: sk.DType, column: Any) -> None:
        """Numbers compare by value, and a missing one passes no test but that it is missing."""
        assert answer(column, dtype, "x > 1") == [True, False, False]
        assert answer(column, dtype, "not (x > 1)") == [False, True, True]
        assert answer(column, dtype, "x = 1") == [False, False, True]
        assert answer(column, dtype, "x != 1") == [True, True, False]
        assert answer(column, dtype, "x in (5, 7)") == [True, False, False]
        assert answer(column, dtype, "x not in (5, 7)") == [False, True, True]
        assert answer(column, dtype, "x is missing") == [False, True, False]

    def test_values(self, dtype: sk.DType, column: Any) -> None:
        """They are computed with."""
        assert answer(column, dtype, "x * 2 + 1 = 11") == [True, False, False]
        assert answer(column, dtype, "x / 2 = 2.5") == [True, False, False]
        assert answer(column, dtype, "default(x, 5) = 5") == [True, True, False]
        assert answer(column, dtype, "abs(0 - x) >= x") == [True, False, True]


TEXTS: list[Any] = [
    pd.Series(["Київ", None, "a%"], dtype="str"),
    pd.Series(["Київ", None, "a%"], dtype="string[python]"),
    pd.Series(["Київ", None, "a%"], dtype="string[pyarrow]"),
    pd.Series(["Київ", None, "a%"], dtype=object),
    pd.Series(["Київ", np.nan, np.str_("a%")], dtype=object),
    pd.Series(["Київ", pd.NA, "a%"], dtype=object),
    pd.Series(["Київ", pd.NaT, "a%"], dtype=object),
    pd.Series(["Київ", None, "a%"]).astype("category"),
    pd.Series(["Київ", None, "a%"], dtype=object).astype("category"),
    arrow("string", ["Київ", None, "a%"]),
    arrow("large string", ["Київ", None, "a%"]),
    arrow("dictionary", ["Київ", None, "a%"]),
]


if pd.__version__ >= "3":
    without_arrow = pd.StringDtype("python", na_value=np.nan)
    TEXTS.append(pd.Series(["Київ", None, "a%"], dtype=without_arrow))


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
@pytest.mark.parametrize("column", TEXTS, ids=_name)
def test_texts(column: Any, many: bool) -> None:
    """Texts are tested exactly, whether they repeat, so that codes are made, or not."""
    if many:
        filler = pd.Series([f"_{i}" for i in range(5_000)], dtype=object)
        if isinstance(column.dtype, pd.CategoricalDtype):
            filler = filler.astype("category")
            column = pd.Series(pd.api.types.union_categoricals([column, filler]))
        else:
            dtype = object if "dictionary" in str(column.dtype) else column.dtype
            column = pd.concat([column.astype(dtype), filler.astype(dtype)], ignore_index=True)

    def found(where: str) -> list[bool]:
        return answer(column, sk.TEXT, where)[:3]

    assert found('x = "Київ"') == [True, False, False]
    assert found('x != "Київ"') == [False, True, True]
    assert found('x = "київ" ignoring case') == [True, False, False]
    assert found('x in ("Київ", "b")') == [True, False, False]
    assert found('x not in ("Київ", "a%")') == [False, True, False]
    assert found('x contains "и"') == [True, False, False]
    assert found('x not contains "%"') == [True, True, False]
    assert found('x starts with "a"') == [False, False, True]
    assert found('x ends with "%"') == [False, False, True]
    assert found('x ends with "Ї" ignoring case') == [False, False, False]
    assert found("x is missing") == [False, True, False]
    assert found('default(x, "a%") = "a%"') == [False, True, True]
    assert found("x = x") == [True, False, True]
    assert found('x = "no such"') == [False, False, False]


BOOLEANS: list[Any] = [
    pd.Series([True, None, False], dtype=object),
    pd.Series([True, pd.NA, np.False_], dtype=object),
    pd.Series([True, None, False], dtype="boolean"),
    pd.Series([True, None, False], dtype=object).astype("category"),
    arrow("bool", [True, None, False]),
]


@pytest.mark.parametrize("column", BOOLEANS, ids=_name)
def test_booleans(column: Any) -> None:
    """A missing boolean is neither true nor false."""
    assert answer(column, sk.BOOLEAN, "x") == [True, False, False]
    assert answer(column, sk.BOOLEAN, "not x") == [False, True, True]
    assert answer(column, sk.BOOLEAN, "x = false") == [False, False, True]
    assert answer(column, sk.BOOLEAN, "x is missing") == [False, True, False]
    assert answer(column, sk.BOOLEAN, "default(x, true)") == [True, True, False]
    assert answer(column, sk.BOOLEAN, "x in (true, false)") == [True, False, True]


DAYS = [date(2000, 2, 29), None, date(2026, 4, 30)]
MIDNIGHTS = [None if d is None else datetime(d.year, d.month, d.day) for d in DAYS]
DATES: list[Any] = [
    pd.Series(DAYS, dtype=object),
    pd.Series(DAYS, dtype=object).astype("category"),
    *(pd.Series(MIDNIGHTS, dtype=f"datetime64[{unit}]") for unit in ("s", "ms", "us", "ns")),
    pd.Series(MIDNIGHTS, dtype="datetime64[ns]") + pd.Timedelta(hours=23, nanoseconds=999),
    pd.Series(MIDNIGHTS, dtype="datetime64[us]").astype("category"),
    pd.Series(MIDNIGHTS, dtype=object),
    arrow("date32", DAYS),
    arrow("date64", DAYS),
    arrow("timestamp", MIDNIGHTS),
]


@pytest.mark.parametrize("column", DATES, ids=_name)
def test_dates(column: Any) -> None:
    """Of an instant without a zone in a column of dates, the day counts."""
    assert answer(column, sk.DATE, "x = 2026-04-30") == [False, False, True]
    assert answer(column, sk.DATE, "x != 2026-04-30") == [True, True, False]
    assert answer(column, sk.DATE, "x < 2026-04-30") == [True, False, False]
    assert answer(column, sk.DATE, "x <= 2026-04-30") == [True, False, True]
    assert answer(column, sk.DATE, "x > 2000-02-29") == [False, False, True]
    assert answer(column, sk.DATE, "x >= 2000-02-29") == [True, False, True]
    assert answer(column, sk.DATE, "x in (2026-04-30, 2000-01-01)") == [False, False, True]
    assert answer(column, sk.DATE, "x in last 2 days") == [False, False, True]
    assert answer(column, sk.DATE, "age(x) = 26") == [True, False, False]
    assert answer(column, sk.DATE, "age(x) * 2 = 52") == [True, False, False]
    assert answer(column, sk.DATE, "anniversary(x) in 2026-02") == [True, False, False]
    assert answer(column, sk.DATE, "x < now") == [True, False, True]
    assert answer(column, sk.DATE, "default(x, 2026-04-30) = 2026-04-30") == [False, True, True]
    assert answer(column, sk.DATE, "x is missing") == [False, True, False]
    assert answer(column, sk.DATE, "x > 0001-01-01 and x < 9999-12-31") == [True, False, True]
    assert answer(column, sk.DATE, "x < 0001-01-01 or x = 9999-12-31") == [False, False, False]


INSTANTS = [datetime(2026, 5, 1, 12), None, datetime(2026, 4, 30, 21)]
AWARE = [None if t is None else t.replace(tzinfo=UTC) for t in INSTANTS]
TIMES: list[Any] = [
    *(pd.Series(INSTANTS, dtype=f"datetime64[{unit}]") for unit in ("s", "ms", "us", "ns")),
    *(pd.Series(AWARE, dtype=f"datetime64[{unit}, Europe/Kyiv]") for unit in ("s", "us", "ns")),
    pd.Series(INSTANTS, dtype="datetime64[ns]") + pd.Timedelta(nanoseconds=999),
    pd.Series(AWARE, dtype="datetime64[us, Europe/Kyiv]").astype("category"),
    pd.Series(INSTANTS, dtype=object),
    pd.Series([AWARE[0], pd.NaT, pd.Timestamp(AWARE[2]).tz_convert("Asia/Tokyo")], dtype=object),
    arrow("timestamp", INSTANTS),
    arrow("timestamp of ns in a zone", AWARE),
]


@pytest.mark.parametrize("column", TIMES, ids=_name)
def test_timestamps(column: Any) -> None:
    """Instants are in UTC unless they say otherwise, and count microseconds."""
    assert answer(column, sk.TIMESTAMP, "x <= now") == [True, False, True]
    assert answer(column, sk.TIMESTAMP, "x < now") == [False, False, True]
    assert answer(column, sk.TIMESTAMP, "x = 2026-05-01T12:00Z") == [True, False, False]
    assert answer(column, sk.TIMESTAMP, "x > 2026-04-30T21:00Z") == [True, False, False]
    assert answer(column, sk.TIMESTAMP, "x >= 2026-04-30T21:00Z") == [True, False, True]
    assert answer(column, sk.TIMESTAMP, "x < 2026-05-01T12:00:00.000001Z") == [True, False, True]
    assert answer(column, sk.TIMESTAMP, "x = 2026-05-01T12:00:00.000001Z") == [False, False, False]
    assert answer(column, sk.TIMESTAMP, "x in 2026-05") == [True, False, False]
    assert answer(column, sk.TIMESTAMP, "not (x in 2026-05)") == [False, True, True]
    assert answer(column, sk.TIMESTAMP, "x is missing") == [False, True, False]
    assert answer(column, sk.TIMESTAMP, "x = x") == [True, False, True]
    assert answer(column, sk.TIMESTAMP, "x < 9999-12-31T00:00Z") == [True, False, True]
    assert answer(column, sk.TIMESTAMP, "x < 0001-01-02T00:00Z") == [False, False, False]


@pytest.mark.parametrize(
    "dtype",
    [sk.INTEGER, sk.FLOAT, sk.decimal(2), sk.TEXT, sk.DATE, sk.TIMESTAMP, sk.BOOLEAN],
    ids=str,
)
@pytest.mark.parametrize(
    "column",
    [
        pd.Series([None, None], dtype=object),
        pd.Series([None, None], dtype="float64"),
        pd.Series([None, None], dtype="str"),
        pd.Series([None, None], dtype="Int64"),
        pd.Series([None, None], dtype="datetime64[us]"),
        pd.Series([None, None], dtype="category"),
        pd.Series([None, None], dtype=pd.ArrowDtype(pa.null())),
        pd.Series([None, None], dtype=pd.ArrowDtype(pa.string())),
    ],
    ids=_name,
)
def test_nothing_but_missing_values(column: Any, dtype: sk.DType) -> None:
    """A column of missing values is of any type."""
    assert answer(column, dtype, "x is missing") == [True, True]
    assert answer(column, dtype, "not (x = x)") == [True, True]


# -- exactness ------------------------------------------------------------------------------------


class TestExactness:
    def test_floats_of_money(self) -> None:
        """Floats that stand for cents sum exactly where the schema says that they are decimals."""
        assert asked("sum(orders.amount) = 0.30", frames([0.1, 0.2])) == [1]
        assert asked("sum(orders.amount) = 1000000.10", frames([999_999.99, 0.11])) == [1]
        assert asked("sum(orders.amount) = 0.30", frames([0.1, 0.2]), shop(sk.FLOAT)) == []
        assert asked("sum(orders.amount) = 0.30", frames([0.1, 0.2]), shop(sk.decimal())) == [1]

    def test_floats_between_cents(self) -> None:
        """A float with more digits than the scale is rounded by its digits, half to even."""
        values = [0.575, 0.125, 1.005, -0.575, 2.5e11 + 0.0625, 0.994999]
        rounded = ["0.58", "0.12", "1.00", "-0.58", "250000000000.06", "0.99"]
        for column in (pd.Series(values), pd.Series(values, dtype=object)):
            for i, cents in enumerate(rounded):
                found = answer(column, MONEY, f"x = {cents}")
                assert found == [j == i for j in range(len(values))]

    @pytest.mark.parametrize(
        "amounts",
        [
            pd.Series([Decimal("0.10"), Decimal("0.2"), None], dtype=object),
            arrow("decimal", [Decimal("0.10"), Decimal("0.20"), None]),
            arrow("wide decimal", [Decimal("0.10"), Decimal("0.20"), None]),
        ],
        ids=_name,
    )
    def test_decimals(self, amounts: Any) -> None:
        """Decimals stay exact through sums, means and medians."""
        given = frames(amounts)
        assert asked("sum(orders.amount) = 0.30 and avg(orders.amount) = 0.15", given) == [1]
        assert asked("median(orders.amount) = 0.15 and max(orders.amount) = 0.2", given) == [1]
        assert asked("sum(orders.amount * 3) = 0.90", given) == [1]

    def test_slices_of_arrow_decimals(self) -> None:
        """Chunks and slices of Arrow's arrays are read from where they begin."""
        parts = [arrow("decimal", [Decimal(i), None]) for i in range(3)]
        whole = pd.concat(parts, ignore_index=True)[1:5].reset_index(drop=True)
        assert answer(whole, sk.decimal(2), "x = 1") == [False, True, False, False]
        assert answer(whole, sk.decimal(2), "x is missing") == [True, False, True, False]

    @pytest.mark.parametrize("family", ["object", "decimal"])
    def test_decimals_beyond_64_bits(self, family: str) -> None:
        """Decimals of any size are compared and summed exactly."""
        values = [Decimal("-99999999999999999999.01"), Decimal("99999999999999999999.02"), None]
        column: Any = pd.Series(values, dtype=object)
        if family == "decimal":
            kind = pa.decimal128(38, 2)
            column = pd.Series(pd.array(pa.array(values, kind), dtype=pd.ArrowDtype(kind)))
        given = frames(column)
        assert asked("sum(orders.amount) = 0.01", given) == [1]
        assert asked("min(orders.amount) < -9000000000000000000", given) == [1]
        assert asked("max(orders.amount) - min(orders.amount) > 1.5", given) == [1]
        assert asked("count(distinct orders.amount) = 2", given) == [1]
        assert asked("median(orders.amount) = 0.005", given) == [1]
        assert asked("last(orders.amount) > 0 and first(orders.amount) < 0", given) == [1]
        assert answer(column, sk.decimal(2), "x > 0") == [False, True, False]
        assert answer(column, sk.decimal(2), "x in (1, 2)") == [False, False, False]
        assert answer(column, sk.decimal(2), "abs(x) > 1") == [
            True,
            True,
            False,
        ]

    def test_a_float_of_a_decimal_is_the_nearest(self) -> None:
        """Where decimals meet floats, they are the floats that Python makes of them."""
        values = ["0.07", "0.57", "1.13", "2675.01", "90071992547409.93", "-0.29"]
        schema = people(sk.decimal(2))
        attributes = [*schema.entity.attributes, sk.Attribute("y", sk.FLOAT)]
        schema = sk.Schema([sk.Entity("people", key="id", attributes=attributes)])
        segment = sk.Segment.define("s", "x = y", schema)
        for column in (arrow_money(values), pd.Series(list(map(Decimal, values)), dtype=object)):
            frame = pd.DataFrame({"id": range(6), "x": column, "y": list(map(float, values))})
            assert mask(segment, frame).all()

    def test_integers_beyond_floats(self) -> None:
        """Integers that floats cannot tell apart are told apart."""
        values = [2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
        for dtype in ("int64", "Int64", object):
            column = pd.Series(values, dtype=dtype)
            assert answer(column, sk.INTEGER, f"x = {2**53 + 1}") == [False, True, False, False]
            assert answer(column, sk.INTEGER, f"x > {2**53}") == [False, True, True, False]
            assert answer(column, sk.INTEGER, "x + 1 > 0") == [True, True, True, False]
            assert answer(column, sk.INTEGER, "x - 1 < 0") == [False, False, False, True]
            assert answer(column, sk.INTEGER, f"x * x > {2**62}") == [True] * 4
            assert answer(column, sk.INTEGER, "abs(x) > 0") == [True] * 4
            assert answer(column, sk.INTEGER, f"x in ({2**53}, 1)") == [True, False, False, False]

    def test_integers_beyond_64_bits(self) -> None:
        """Python's integers have no end, and unsigned ones a later one."""
        column = pd.Series([2**64, None, 1], dtype=object)
        assert answer(column, sk.INTEGER, "x > 1") == [True, False, False]
        assert answer(column, sk.INTEGER, "x in (1, 3)") == [False, False, True]
        assert answer(column, sk.INTEGER, "x / 2 > 1") == [True, False, False]
        unsigned = pd.Series([2**64 - 1, 1], dtype="uint64")
        assert answer(unsigned, sk.INTEGER, "x > 9000000000000000000") == [True, False]

    @pytest.mark.parametrize("dtype", ["float64", "Float64", object])
    def test_whole_numbers_that_were_read_as_floats(self, dtype: Any) -> None:
        """From 2**53 on, a float stands for several whole numbers; a file has one of them."""
        read = pd.Series([float(2**53 + 1), None], dtype=dtype)
        with pytest.raises(sk.DataError, match=r"people\.x holds floats, .* by dtype=\"Int64\""):
            answer(read, sk.INTEGER, f"x = {2**53 + 1}")
        assert answer(read.where(read < 1), sk.INTEGER, "x is missing") == [True, True]
        last = pd.Series([float(2**53 - 1), None], dtype=dtype)
        assert answer(last, sk.INTEGER, f"x = {2**53 - 1}") == [True, False]

    def test_constants_between_integers(self) -> None:
        """An integer is compared with a fraction exactly, even one that no float can hold."""
        for dtype in ("int64", "float64", object):
            column = pd.Series([18, 19], dtype=dtype)
            assert answer(column, sk.INTEGER, "x < 18.99999999999999999") == [True, False]
            assert answer(column, sk.INTEGER, "x <= 18.5") == [True, False]
            assert answer(column, sk.INTEGER, "x > 18.5") == [False, True]
            assert answer(column, sk.INTEGER, "x >= 18.5") == [False, True]
            assert answer(column, sk.INTEGER, "x = 18.5") == [False, False]
            assert answer(column, sk.INTEGER, "x > 9000000000000000000") == [False, False]
            assert answer(column, sk.INTEGER, "x > -9000000000000000000") == [True, True]
            assert answer(column, sk.INTEGER, "x < 8000000000 * 8000000000") == [True, True]

    @pytest.mark.parametrize("dtype", ["int64", object])
    def test_sums_beyond_floats_and_64_bits(self, dtype: Any) -> None:
        """Sums of integers are exact, however large."""
        schema = shop(sk.INTEGER)
        given = frames(pd.Series([2**53, 1, 1], dtype=dtype))
        assert asked(f"sum(orders.amount) = {2**53 + 2}", given, schema) == [1]
        given = frames(pd.Series([2**62, 2**62, 2**62], dtype=dtype))
        assert asked("sum(orders.amount) > 9000000000000000000", given, schema) == [1]
        assert asked(f"avg(orders.amount) = {2**62}", given, schema) == [1]
        assert asked(f"median(orders.amount) = {2**62}", given, schema) == [1]
        given = frames(pd.Series([2**62, 2**62 + 2], dtype=dtype))
        assert asked(f"median(orders.amount) = {2**62}", given, schema) == [1]

    def test_small_sums_of_a_column_of_wide_numbers(self) -> None:
        """A column that int64 cannot hold can have small numbers too."""
        attributes = [sk.Attribute("id", sk.INTEGER), sk.Attribute("n", sk.decimal(2))]
        rows = sk.Entity("rows", attributes=attributes)
        people = sk.Entity("people", key="id", relations=[sk.Relation("rows", key="of")])
        schema = sk.Schema([people, rows])
        given = {
            "people": pd.DataFrame({"id": [1, 2]}),
            "rows": pd.DataFrame(
                {"id": [1, 2, 3], "of": [1, 1, 2], "n": [Decimal(1), Decimal(2), Decimal(10**25)]}
            ),
        }
        segment = sk.Segment.define("s", "sum(rows.n where n < 9) = 3", schema)
        assert mask(segment, given).tolist() == [True, False]

    def test_an_integer_meets_a_float(self) -> None:
        """An integer that a float cannot hold is rounded where it is compared with floats."""
        attributes = [
            sk.Attribute("id", sk.INTEGER),
            sk.Attribute("x", sk.INTEGER, nullable=True),
            sk.Attribute("y", sk.FLOAT, nullable=True),
        ]
        schema = sk.Schema([sk.Entity("people", key="id", attributes=attributes)])
        frame = pd.DataFrame({"id": range(3), "x": [2**53 + 1, 2, 3], "y": [2.0**53, 2, np.nan]})
        segment = sk.Segment.define("s", "x = y", schema)
        assert mask(segment, frame).tolist() == [True, True, False]
        assert mask(segment, frame[1:]).tolist() == [True, False]

    def test_infinities(self) -> None:
        """An infinity is a value; what has no value is missing."""
        column = pd.Series([np.inf, -np.inf, 0.0, np.nan])
        assert answer(column, sk.FLOAT, "x > 0") == [True, False, False, False]
        assert answer(column, sk.FLOAT, "x - x is missing") == [True, True, False, True]
        assert answer(column, sk.FLOAT, "1 / x is missing") == [False, False, True, True]
        schema = shop(sk.FLOAT)
        assert asked("avg(orders.amount) is missing", frames([np.inf, -np.inf]), schema) == [1, 2]
        assert asked("median(orders.amount) is missing", frames([np.inf, -np.inf]), schema) == [
            1,
            2,
        ]


def arrow_money(values: list[str]) -> pd.Series[Any]:
    kind = pa.decimal128(20, 2)
    return pd.Series(
        pd.array(pa.array(list(map(Decimal, values)), kind), dtype=pd.ArrowDtype(kind))
    )


# -- keys -----------------------------------------------------------------------------------------

KEYS: list[tuple[str, Any, Any]] = [
    ("integers and floats", [1, 2], [1.0, 1.0, None]),
    ("far apart", [1, 10**15], [1, 1, 10**15 + 1]),
    ("negative", [-5, 2], [-5, -5, 99]),
    ("nullable", pd.array([1, 2], dtype="Int64"), pd.array([1, 1, None], dtype="Int64")),
    ("Arrow", arrow("int", [1, 2]), arrow("int", [1, 1, None])),
    ("decimals", pd.Series([Decimal(1), Decimal(2)], dtype=object), [1, 1, 3]),
    ("objects", pd.Series([1, 2], dtype=object), pd.Series([1, 1, None], dtype=object)),
    (
        "beyond 64 bits",
        pd.Series([2**70, 1], dtype=object),
        pd.Series([2**70, 2**70, 3], dtype=object),
    ),
    ("texts", ["a", "b"], ["a", "a", None]),
    (
        "texts of two kinds",
        pd.array(["a", "b"], dtype="string"),
        pd.Series(["a", "a", None], dtype=object),
    ),
    ("Arrow texts", arrow("string", ["a", "b"]), pd.Categorical(["a", "a", None])),
    ("floats", [1.5, 2.5], [1.5, 1.5, None]),
    (
        "dates",
        pd.to_datetime(["2026-01-01", "2026-01-02"]),
        arrow("timestamp", [datetime(2026, 1, 1)] * 2 + [None]),
    ),
]


class TestKeys:
    @pytest.mark.parametrize(("keys", "owners"), [k[1:] for k in KEYS], ids=[k[0] for k in KEYS])
    def test_of_any_dtype(self, keys: Any, owners: Any) -> None:
        """Rows find their owner by the key's value, whatever the dtypes; missing ones find none."""
        given = frames([1, 2, 3], owners=owners)
        given["customers"] = pd.DataFrame({"id": keys, "vip": [True, False]})
        found = mask(sk.Segment.define("s", "count(orders) = 2", shop()), given, as_of=NOON)
        assert found.tolist() == [True, False]
        found = mask(sk.Segment.define("s", "count(orders) = 0", shop()), given, as_of=NOON)
        assert found.tolist() == [False, True]

    def test_missing_everywhere(self) -> None:
        """Rows without any owner belong to nobody, and customers without a key are refused."""
        given = frames([1, 2], owners=[None, None])
        given["customers"] = pd.DataFrame({"id": [1, 2], "vip": [True, False]})
        schema = shop()
        found = mask(sk.Segment.define("s", "count(orders) = 0", schema), given, as_of=NOON)
        assert found.tolist() == [True, True]
        given["customers"] = pd.DataFrame({"id": [None, None], "vip": [True, False]})
        with pytest.raises(
            sk.DataError, match=r"missing in 2 rows: leave them out, by frame\.dropna"
        ):
            mask(sk.Segment.define("s", "vip", schema), given, as_of=NOON)

    @pytest.mark.parametrize("keys", [[1, 1], [10**15, 10**15], ["a", "a"], [1.5, 1.5]], ids=str)
    def test_twice_in_the_entity(self, keys: list[Any]) -> None:
        """Two customers with one key are an error where rows look for their customer."""
        given = frames(["1"], owners=keys[:1])
        given["customers"] = pd.DataFrame({"id": keys, "vip": [True, False]})
        with pytest.raises(sk.DataError) as caught:
            asked("count(orders) > 0", given)
        told = (
            f"customers.id tells rows apart, and two of them have {keys[0]!r}. Give a frame of one "
            "row a key: of a log, frame[['id']].drop_duplicates(), with the log as its relation"
        )
        assert str(caught.value) == told
        # Also if no row of theirs is looked for.
        with pytest.raises(sk.DataError) as caught:
            asked("vip and not vip and count(orders) > 0", given)
        assert str(caught.value) == told

    def test_twice_behind_a_link(self) -> None:
        """So are two rows with one key behind a link."""
        given = frames(["1"], stores=pd.DataFrame({"id": [10, 10], "city": ["Kyiv", "Lviv"]}))
        with pytest.raises(sk.DataError) as caught:
            asked('any(orders where store.city = "Kyiv")', given)
        assert str(caught.value) == "stores.id tells rows apart, and two of them have 10"

    def test_of_different_types(self) -> None:
        """Texts never equal numbers: nobody would have rows, which is no answer."""
        with pytest.raises(sk.DataError) as caught:
            asked("count(orders) > 0", frames(["1"], owners=["1"]))
        message = (
            "orders.customer_id holds texts and customers.id holds numbers, so no key can be found: "
            "make both of one type, such as texts as they are in a file, by "
            "pandas.read_csv(…, dtype={'customer_id': str}) and dtype={'id': str}"
        )
        assert str(caught.value) == message

    @pytest.mark.parametrize(
        ("owners", "message"),
        [
            (pd.Series([1, "1"], dtype=object), "holds numbers and texts, and a key is never both"),
            ([True, False], "holds booleans and customers.id holds numbers"),
            ([2.0**53, 1], r"floats, which are not exact from 2\*\*53 on"),
            (pd.array([2.0**53, None], dtype="Float64"), "floats, which are not exact"),
            (pd.Series([-(2.0**60), 1], dtype=object), "floats, which are not exact"),
        ],
        ids=["mixed", "booleans", "large floats", "large Floats", "large objects"],
    )
    def test_that_may_be_others(self, owners: Any, message: str) -> None:
        """Keys that a reader of files has changed, or that no key there is like, are refused."""
        with pytest.raises(sk.DataError, match=message):
            asked("count(orders) > 0", frames(["1", "2"], owners=owners))

    @pytest.mark.parametrize(
        ("ids", "owners", "message"),
        [
            ([DAY, MOMENT], [DAY], "customers.id holds dates and times, and a key is never both"),
            ([DAY], [MOMENT], "orders.customer_id holds times and customers.id holds dates"),
            (pd.to_datetime([DAY]), [DAY], "holds dates and customers.id holds times"),
            (
                pd.to_datetime([DAY]).tz_localize("UTC"),
                pd.to_datetime([DAY]),
                "holds times and customers.id holds times with a zone",
            ),
            ([b"a"], ["a"], "holds texts and customers.id holds bytes"),
        ],
        ids=["mixed", "a time of a date", "a date of a time", "zones", "bytes"],
    )
    def test_of_other_kinds(self, ids: Any, owners: Any, message: str) -> None:
        """Python takes none of these for equal, so nobody would have rows."""
        customers = pd.DataFrame({"id": ids, "vip": True})
        with pytest.raises(sk.DataError, match=message):
            asked("count(orders) > 0", frames(["1"], owners=owners, customers=customers))

    def test_mixed_times_are_made_one_as_the_error_says(self) -> None:
        """What the error says, done to both frames, finds the rows."""
        customers = pd.DataFrame({"id": pd.Series([DAY, NOON], dtype=object), "vip": True})
        owners = pd.Series([NOON], dtype=object)
        with pytest.raises(sk.DataError, match=r"pandas\.to_datetime\(frame\['id'\], utc=True\)"):
            asked("count(orders) > 0", frames(["1"], owners=owners, customers=customers))
        customers["id"] = pd.to_datetime(customers["id"], utc=True)
        given = frames(["1"], owners=pd.to_datetime(owners, utc=True), customers=customers)
        assert asked("count(orders) > 0", given) == [NOON]

    def test_bytes_among_texts_are_made_texts_as_the_error_says(self) -> None:
        """What the error says, done to the frame, finds the rows."""
        customers = pd.DataFrame({"id": pd.Series([b"a", "b"], dtype=object), "vip": True})
        with pytest.raises(sk.DataError, match=r"map\(lambda key: key\.decode\(\)"):
            asked("count(orders) > 0", frames(["1"], owners=["a"], customers=customers))
        decoded = customers["id"].map(lambda key: key.decode() if isinstance(key, bytes) else key)
        given = frames(["1"], owners=["a"], customers=customers.assign(id=decoded))
        assert asked("count(orders) > 0", given) == ["a"]

    def test_that_are_times(self) -> None:
        """Times of one kind are keys, and a missing one is nobody's."""
        customers = pd.DataFrame({"id": pd.to_datetime([DAY, MOMENT]), "vip": True})
        owners = pd.to_datetime([MOMENT, None])
        found = asked("count(orders) > 0", frames(["1", "2"], owners=owners, customers=customers))
        assert found == [MOMENT]

    def test_that_are_no_keys(self) -> None:
        """Values that do not hash cannot be looked up."""
        with pytest.raises(sk.DataError) as caught:
            asked("count(orders) > 0", frames(["1"], owners=[[1]]))
        assert str(caught.value) == "orders.customer_id holds values that cannot be keys"


# -- data that contradicts the schema -------------------------------------------------------------

WRONG: list[tuple[sk.DType, Any, str]] = [
    (sk.INTEGER, [1.5, None], "people.x must be integer, not float 1.5"),
    (sk.INTEGER, [np.inf], "people.x must be integer, not float inf"),
    (sk.INTEGER, ["1"], "people.x must be integer, not str '1'"),
    (sk.INTEGER, [True], "people.x must be integer, not bool True"),
    (sk.INTEGER, pd.Series([1, "b"], dtype=object), "people.x must be integer, not str 'b'"),
    (
        sk.INTEGER,
        arrow("decimal", [Decimal("1.50")]),
        "people.x must be integer, not Decimal Decimal('1.50')",
    ),
    (sk.FLOAT, ["1"], "people.x must be float, not str '1'"),
    (sk.FLOAT, [1j], "people.x must be float, not complex 1j"),
    (sk.decimal(2), ["1.00"], "people.x must be decimal(2), not str '1.00'"),
    (sk.decimal(2), [Decimal("Infinity")], "people.x must be finite, not Infinity"),
    (sk.decimal(2), [np.inf], "people.x must be decimal(2), not float inf"),
    (sk.TEXT, [1], "people.x must be text, not int 1"),
    (sk.TEXT, ["a", 1], "people.x must be text, not int 1"),
    (sk.TEXT, [b"a"], "people.x must be text, not bytes b'a'"),
    (sk.TEXT, [["a"]], "people.x must be text, not list ['a']"),
    (sk.TEXT, pd.Series([1, 2]).astype("category"), "people.x must be text, not int 1"),
    (
        sk.TEXT,
        pd.to_datetime(["2026-01-01"]),
        "people.x must be text, not Timestamp Timestamp('2026-01-01 00:00:00')",
    ),
    (sk.BOOLEAN, [1, 0], "people.x must be boolean, not int 1"),
    (sk.BOOLEAN, ["yes"], "people.x must be boolean, not str 'yes'"),
    (sk.DATE, ["2026-01-01"], "people.x must be date, not str '2026-01-01'"),
    (sk.DATE, [1], "people.x must be date, not int 1"),
    (
        sk.DATE,
        pd.to_datetime(["2026-01-01"], utc=True),
        "people.x must be date, not Timestamp Timestamp('2026-01-01 00:00:00+0000', tz='UTC')",
    ),
    (
        sk.TIMESTAMP,
        [date(2026, 1, 1)],
        "people.x must be timestamp, not date datetime.date(2026, 1, 1)",
    ),
    (
        sk.TIMESTAMP,
        arrow("date32", [date(2026, 1, 1)]),
        "people.x must be timestamp, not date datetime.date(2026, 1, 1)",
    ),
    (
        sk.TIMESTAMP,
        pd.to_timedelta([1], unit="D"),
        "people.x must be timestamp, not Timedelta Timedelta('1 days 00:00:00')",
    ),
    (
        sk.TIMESTAMP,
        pd.period_range("2026-01", periods=1, freq="M"),
        "people.x must be timestamp, not Period Period('2026-01', 'M')",
    ),
]


class TestWrongData:
    @pytest.mark.parametrize(("dtype", "column", "message"), WRONG)
    def test_values_of_another_type(self, dtype: sk.DType, column: Any, message: str) -> None:
        """A value that is not what the schema says is named with its column and its type."""
        for where in ("x = x", "x is missing"):
            with pytest.raises(sk.DataError) as caught:
                answer(pd.Series(column), dtype, where)
            assert str(caught.value) == message

    @pytest.mark.parametrize(
        ("dtype", "column"),
        [
            (sk.INTEGER, [1, None]),
            (sk.INTEGER, pd.array([1, None], dtype="Int64")),
            (sk.FLOAT, [1.0, np.nan]),
            (sk.FLOAT, arrow("double", [1.0, np.nan])),
            (sk.TEXT, ["a", None]),
            (sk.TEXT, pd.Series(["a", pd.NA], dtype=object)),
            (sk.TEXT, pd.Categorical(["a", None])),
            (sk.DATE, [date(2026, 1, 1), None]),
            (sk.TIMESTAMP, pd.to_datetime(["2026-01-01", None])),
            (sk.BOOLEAN, [True, None]),
        ],
        ids=str,
    )
    def test_a_value_that_must_not_be_missing(self, dtype: sk.DType, column: Any) -> None:
        """What the schema says is never missing is an error where it is."""
        with pytest.raises(sk.DataError) as caught:
            answer(pd.Series(column), dtype, "x = x", nullable=False)
        assert str(caught.value) == (
            "people.x is missing in a row, and the schema does not declare it nullable"
        )

    def test_many_texts_that_must_not_be_missing(self) -> None:
        """So are texts among so many that no codes are made of them."""
        texts = [f"_{i}" for i in range(2_000)]
        for dtype in (object, "str"):
            column = pd.Series([*texts, None, None], dtype=dtype)
            with pytest.raises(sk.DataError, match="missing in 2 rows"):
                answer(column, sk.TEXT, 'x = "a"', nullable=False)
            assert not any(
                answer(pd.Series(texts, dtype=dtype), sk.TEXT, 'x = "a"', nullable=False)
            )

    @pytest.mark.parametrize(
        ("where", "change", "message"),
        [
            (
                "vip",
                lambda f: f.pop("customers"),
                "there is no frame 'customers'; the frames are: orders, stores",
            ),
            (
                "count(orders) > 0",
                lambda f: f.pop("orders"),
                "there is no frame 'orders'; the frames are: customers, stores",
            ),
            (
                'any(orders where store.city = "Kyiv")',
                lambda f: f.pop("stores"),
                "there is no frame 'stores'; the frames are: customers, orders",
            ),
            (
                "vip",
                lambda f: f["customers"].pop("vip"),
                "the frame 'customers' has no column 'vip'; it has id",
            ),
            (
                "vip",
                lambda f: f["customers"].pop("id"),
                "the frame 'customers' has no column 'id'; it has vip",
            ),
            (
                "count(orders) > 0",
                lambda f: f["orders"].pop("customer_id"),
                "the frame 'orders' has no column 'customer_id'; it has id, store_id, at, amount",
            ),
            (
                "count(orders) > 0",
                lambda f: f["orders"].pop("at"),
                "the frame 'orders' has no column 'at'; it has id, customer_id, store_id, amount",
            ),
            (
                "last(orders.amount) > 0",
                lambda f: f["orders"].pop("id"),
                "the frame 'orders' has no column 'id'; it has customer_id, store_id, at, amount",
            ),
            (
                'any(orders where store.city = "Kyiv")',
                lambda f: f["orders"].pop("store_id"),
                "the frame 'orders' has no column 'store_id'; it has id, customer_id, at, amount",
            ),
            (
                'any(orders where store.city = "Kyiv")',
                lambda f: f["stores"].pop("id"),
                "the frame 'stores' has no column 'id'; it has city",
            ),
            (
                "vip",
                lambda f: f.update(customers=f["customers"][["id", "vip", "vip"]]),
                "the frame 'customers' has more than one column 'vip'",
            ),
            (
                "vip",
                lambda f: f.update(customers=[1]),
                "the frame 'customers' must be a DataFrame of pandas, not a list: "
                "give pandas.DataFrame(…) of it",
            ),
        ],
    )
    def test_frames_and_columns_that_are_not_there(
        self, where: str, change: Callable[[dict[str, Any]], Any], message: str
    ) -> None:
        """What a segment needs and the frames lack is named, with what is there."""
        given = frames(["1"])
        change(given)
        with pytest.raises(sk.DataError) as caught:
            asked(where, given)
        assert str(caught.value) == message

    def test_columns_that_are_not_needed(self) -> None:
        """Frames need only what the segment speaks of."""
        frame = pd.DataFrame({"vip": [True, False]})
        assert mask(sk.Segment.define("s", "vip", shop()), frame).tolist() == [True, False]

    def test_no_frames(self) -> None:
        """Something that is no frame at all is an error too."""
        message = (
            "frames must be a DataFrame of pandas, or a dictionary of them by the names of their "
            "tables, not a list: give pandas.DataFrame(…) of it"
        )
        with pytest.raises(sk.DataError) as caught:
            asked("vip", [])
        assert str(caught.value) == message

    def test_what_is_missing_is_said_before_anything_is_computed(self) -> None:
        """A column of wrong values does not hide that another is not there."""
        given = frames(["x"])
        del given["stores"]
        with pytest.raises(sk.DataError, match="no frame 'stores'"):
            asked('sum(orders.amount) > 0 and any(orders where store.city = "Kyiv")', given)


# -- relations ------------------------------------------------------------------------------------


class TestRelations:
    def test_the_order_of_rows_does_not_matter(self) -> None:
        """First and last go by time, then by key, however the rows lie."""
        given = frames([5.0, 1.0, 3.0], owners=[1, 1, 1])
        given["orders"]["at"] = pd.to_datetime(["2026-01-02", "2026-01-01", "2026-01-02"])
        for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
            turned = given | {"orders": given["orders"].iloc[order]}
            assert asked("first(orders.amount) = 1 and last(orders.amount) = 3", turned) == [1]
            assert asked("last(orders.amount) = 5", turned, shop(key=False)) == [1]

    def test_the_customer_in_where(self) -> None:
        """Inside where, an attribute of the customer is that of the row's own customer."""
        given = frames([1.0, 2.0, 3.0], owners=[1, 2, 9])
        assert asked("count(orders where customers.vip) = 1", given) == [1]
        assert asked("count(orders where not customers.vip) = 1", given) == [2]
        assert asked("count(orders where amount = customers.id) = 1", given) == [1, 2]

    def test_a_link_that_leads_nowhere(self) -> None:
        """Behind a missing or a dangling key everything is missing."""
        given = frames([1.0, 2.0, 3.0], owners=[1, 1, 2])
        given["orders"]["store_id"] = [10, None, 99]
        assert asked('count(orders where store.city = "Kyiv") = 1', given) == [1]
        assert asked("count(orders where store.city is missing) = 1", given) == [1, 2]
        assert asked("count(orders.store.city) = 0", given) == [2]


# -- schemas from frames --------------------------------------------------------------------------


def derived(column: Any, **about: Any) -> sk.Attribute | None:
    """What a column becomes."""
    frame = pd.DataFrame({"id": range(len(column)), "x": column})
    schema = schema_from({"people": frame}, "people", keys={"people": "id"}, **about)
    assert schema.entity.attributes[0] == sk.Attribute("id", sk.INTEGER)
    return schema.entity.attribute("x")


DERIVED: list[tuple[Any, sk.DType, bool]] = [
    ([1, 2], sk.INTEGER, False),
    ([1, None], sk.FLOAT, True),
    (pd.array([1, None], dtype="Int8"), sk.INTEGER, True),
    (pd.array([1, 2], dtype="uint8"), sk.INTEGER, False),
    (pd.array([1.0, np.nan], dtype="Float32"), sk.FLOAT, True),
    ([True, False], sk.BOOLEAN, False),
    (pd.array([True, None], dtype="boolean"), sk.BOOLEAN, True),
    (["a", None], sk.TEXT, True),
    (pd.array(["a"], dtype="string"), sk.TEXT, False),
    (pd.to_datetime(["2026-01-01", None]), sk.TIMESTAMP, True),
    (pd.to_datetime(["2026-01-01"], utc=True), sk.TIMESTAMP, False),
    (pd.arrays.SparseArray([1, 2]), sk.INTEGER, False),
    (pd.Series(["a", "b"], dtype=object), sk.TEXT, False),
    (pd.Series([Decimal("1.5"), Decimal("2.25"), None], dtype=object), sk.decimal(2), True),
    (pd.Series([Decimal("1E+2"), 3], dtype=object), sk.decimal(0), False),
    (pd.Series([date(2026, 1, 1), None], dtype=object), sk.DATE, True),
    (pd.Series([datetime(2026, 1, 1), pd.NaT], dtype=object), sk.TIMESTAMP, True),
    (pd.Series([True, None], dtype=object), sk.BOOLEAN, True),
    (pd.Series([1, 2.5], dtype=object), sk.FLOAT, False),
    (pd.Series([1, pd.NA], dtype=object), sk.INTEGER, True),
    (pd.Series([None, None], dtype=object), sk.TEXT, True),
    (pd.Categorical([1, 2]), sk.INTEGER, False),
    (arrow("bool", [True]), sk.BOOLEAN, False),
    (arrow("int", [1, None]), sk.INTEGER, True),
    (arrow("double", [1.0, float("nan")]), sk.FLOAT, True),
    (arrow("string", ["a"]), sk.TEXT, False),
    (arrow("large string", ["a"]), sk.TEXT, False),
    (arrow("dictionary", ["a", None]), sk.TEXT, True),
    (arrow("decimal", [Decimal(1)]), sk.decimal(2), False),
    (arrow("wide decimal", [Decimal(1)]), sk.decimal(2), False),
    (arrow("date32", [date(2026, 1, 1)]), sk.DATE, False),
    (arrow("date64", [date(2026, 1, 1)]), sk.DATE, False),
    (arrow("timestamp", [datetime(2026, 1, 1), None]), sk.TIMESTAMP, True),
    (arrow("timestamp of ns in a zone", [datetime(2026, 1, 1)]), sk.TIMESTAMP, False),
]


class TestSchemas:
    @pytest.mark.parametrize(("column", "dtype", "nullable"), DERIVED, ids=str)
    def test_types(self, column: Any, dtype: sk.DType, nullable: bool) -> None:
        """A column's dtype or values tell its type, and gaps that it may be missing."""
        assert derived(column) == sk.Attribute("x", dtype, nullable)

    def test_categories(self) -> None:
        """The categories of a text are the values that it can have."""
        column = pd.Categorical(["b", None], categories=["b", "a"])
        assert derived(column) == sk.Attribute("x", sk.TEXT, nullable=True, values=("b", "a"))

    @pytest.mark.parametrize(
        "column", [pd.to_timedelta([1]), [1j], [[1]], pd.period_range("2026", periods=1, freq="Y")]
    )
    def test_types_that_the_language_lacks(self, column: Any) -> None:
        """A column of a type that the language has no word for is left out."""
        assert derived(column) is None

    def test_types_that_the_author_tells(self) -> None:
        """The author knows better than a dtype; gaps are still found."""
        column = pd.to_datetime(["2026-01-01", None])
        told = {"people": {"x": sk.DATE}}
        assert derived(column, types=told) == sk.Attribute("x", sk.DATE, nullable=True)
        told_by_name = {"people": {"x": "decimal(2)"}}
        assert derived([0.5], types=told_by_name) == sk.Attribute("x", sk.decimal(2))
        tables = {"people": {"attributes": {"x": {"type": "text", "values": ["a", "b"]}}}}
        expected = sk.Attribute("x", sk.TEXT, values=("a", "b"))
        assert derived(["a"], tables=tables) == expected

    def test_ways(self) -> None:
        """Relations and links have the shapes that files give them."""
        given = frames([1.0, None])
        given["notes"] = pd.DataFrame({"customer": [1]})
        schema = schema_from(
            given,
            "customers",
            keys={"customers": "id", "orders": "id", "stores": "id"},
            events={"orders": {"key": "customer_id", "at": "at"}},
            relations={"remarks": {"key": "customer", "to": "notes"}},
            links={"twin": {"key": "id", "to": "customers"}},
            tables={"orders": {"links": {"store": {"key": "store_id", "to": "stores"}}}},
            types={"orders": {"amount": sk.decimal(2)}},
            time_zone="Europe/Kyiv",
        )
        assert schema.time_zone == "Europe/Kyiv"
        assert schema.entity.relations == (
            sk.Relation("orders", key="customer_id", at="at"),
            sk.Relation("remarks", to="notes", key="customer"),
        )
        assert schema.entity.links == (sk.Link("twin", to="customers", key="id"),)
        assert schema.named("orders").links == (sk.Link("store", to="stores", key="store_id"),)
        assert schema.named("notes").key is None
        where = 'sum(orders.amount where store.city = "Kyiv") = 1 and any(remarks) and twin.vip'
        assert asked(where, given, schema) == [1]

    @pytest.mark.parametrize(
        ("about", "message"),
        [
            (
                {"entity": "custmers"},
                "there is no frame 'custmers', which the entity names; did you mean 'customers'?",
            ),
            (
                {"keys": {"customers": "id", "order": "id"}},
                "there is no frame 'order', which keys names; did you mean 'orders'?",
            ),
            (
                {"keys": {"customers": "ids"}},
                "the frame 'customers' has no column 'ids', which keys names; did you mean 'id'?",
            ),
            ({"keys": {}}, "the entity 'customers' needs a key"),
            (
                {"types": {"customers": {"vp": sk.TEXT}}},
                "the frame 'customers' has no column 'vp', which types names; did you mean 'vip'?",
            ),
            (
                {"types": {"x": {}}},
                "there is no frame 'x', which types names; there are customers, orders, stores",
            ),
            (
                {"types": {"customers": {"vip": "txt"}}},
                "unknown type 'txt'; did you mean 'text'?",
            ),
            (
                {"tables": {"stores": {"attributes": {"town": "text"}}}},
                "the frame 'stores' has no column 'town', which tables names; there are city, id",
            ),
            (
                {"relations": {"visits": "customer_id"}},
                "there is no frame 'visits', which customers.visits names; there are "
                "customers, orders, stores",
            ),
            (
                {"relations": {"orders": "customer"}},
                "the frame 'orders' has no column 'customer', which customers.orders "
                "names; did you mean 'customer_id'?",
            ),
            (
                {"events": {"orders": "at"}},
                "customers.orders needs a key, the column that leads there: "
                "{'orders': {'key': '…', 'at': 'at'}}",
            ),
            (
                {"events": {"orders": {"key": "customer_id", "at": "on"}}},
                "the frame 'orders' has no column 'on', which customers.orders names; "
                "there are amount, at, customer_id, id, store_id",
            ),
            (
                {"events": {"orders": {"key": "customer_id", "at": "amount"}}},
                "customers.orders: 'amount' is float, not a time",
            ),
            (
                {"links": {"store": {"key": "store_id", "to": "stores"}}},
                "the frame 'customers' has no column 'store_id', which "
                "customers.store names; there are id, vip",
            ),
            (
                {"links": {"store": {"key": "id", "to": "stores"}}},
                "customers.store leads to 'stores', which declares no key: say which column tells its "
                "rows apart",
            ),
        ],
    )
    def test_what_frames_lack(self, about: dict[str, Any], message: str) -> None:
        """What is named and not there is an error that says so."""
        told: dict[str, Any] = {"entity": "customers", "keys": {"customers": "id"}} | about
        with pytest.raises(sk.SchemaError) as caught:
            schema_from(frames([1.0]), **told)
        assert str(caught.value) == message

    def test_one_frame(self) -> None:
        """One frame is that of the entity; columns whose names are no texts cannot be named."""
        frame = pd.DataFrame({"id": [1], 7: [1]})
        schema = schema_from(frame, "people", keys={"people": "id"})
        assert schema.entity.attributes == (sk.Attribute("id", sk.INTEGER),)
        twice = pd.DataFrame([[1, 2, 3]], columns=["id", "x", "x"])
        with pytest.raises(
            sk.SchemaError, match=r"^the frame 'people' has more than one column 'x': keep one, by"
        ):
            schema_from(twice, "people", keys={"people": "id"})


# -- what is asked first --------------------------------------------------------------------------


def test_rows_of_those_who_pass_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """One segment looks for the owners of the rows that its tests of rows let through, only."""
    looked: list[int] = []
    found_by = Finder.__call__

    def counting(self: Finder, rows: Any = None) -> Any:
        looked.append(-1 if rows is None else len(rows))
        return found_by(self, rows)

    monkeypatch.setattr(Finder, "__call__", counting)
    given = frames(list(range(100)), owners=[1 + i % 2 for i in range(100)])
    schema = shop(sk.INTEGER)
    few = sk.Segment.define("s", "vip and count(orders where amount < 10) = 5", schema)
    assert mask(few, given, as_of=NOON).tolist() == [True, False]
    assert looked == [10]
    looked.clear()
    others = " and ".join(f"count(orders where amount >= {i}) > 0" for i in range(5))
    mask(sk.Segment.define("s", others, schema), given, as_of=NOON)
    assert looked == [100, -1]  # once for all rows, when so many are looked for


@pytest.mark.parametrize("where", ["vip and {}", "{} and vip", "vip and not ({})", "vip or {}"])
def test_others_rows_do_not_count(where: str) -> None:
    """Whoever fails a test of attributes is not in it, whatever their rows say."""
    given = frames([1, 2, 3], owners=[1, 1, 2])
    wanted = where.format("sum(orders.amount) > 2")
    expected = {
        "vip and {}": [True, False],
        "{} and vip": [True, False],
        "vip and not ({})": [False, False],
        "vip or {}": [True, True],
    }
    found = mask(sk.Segment.define("s", wanted, shop(sk.INTEGER)), given, as_of=NOON)
    assert found.tolist() == expected[where]


@pytest.mark.parametrize("dtype", ["str", "object", pd.ArrowDtype(pa.string()), "category"])
@pytest.mark.parametrize("where", ["x contains 'a'", "x starts with 'a'", "x ends with 'b'"])
def test_texts_of_few(dtype: Any, where: str) -> None:
    """Of few rows only their texts are searched, and the answer is that of searching all."""
    texts = [f"{'ab'[i % 2]}{i}{'ab'[i // 2 % 2]}" if i % 7 else None for i in range(400)]
    frame = pd.DataFrame({"id": range(400), "x": pd.Series(texts, dtype=dtype)})
    for test in (where, f"not ({where})", f"({where} or id = 3)"):
        segment = sk.Segment.define("s", test.replace("'", '"'), people(sk.TEXT))
        few = sk.Segment.define("s", f"id < 40 and {segment.definition}", people(sk.TEXT))
        everyone = mask(segment, frame, as_of=NOON)
        assert 0 < everyone[:40].sum() < 40
        assert mask(few, frame, as_of=NOON).tolist() == (everyone & (frame.id < 40)).tolist()


def test_no_text_where_none_is_searched() -> None:
    """What is no text is an error, also in a row whose text nobody searches."""
    texts: list[Any] = [f"u{i}" for i in range(400)]
    texts[300] = 5
    frame = pd.DataFrame({"id": range(400), "x": pd.Series(texts, dtype=object)})
    segment = sk.Segment.define("s", 'id < 40 and x contains "1"', people(sk.TEXT))
    with pytest.raises(sk.DataError, match=r"people\.x must be text, not int 5"):
        mask(segment, frame, as_of=NOON)
