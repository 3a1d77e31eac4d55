"""What the tests add to the language: lowerings are functions of a module, so that they pickle."""

from __future__ import annotations

import math
import statistics
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import sqlalchemy as sa
from attrs import evolve

from segmentkit import BOOLEAN, DATE, FLOAT, INTEGER, TEXT, TIMESTAMP, Aggregate, Function, decimal

Column = sa.ColumnElement[Any]
Series = pd.Series


def first_character(text: str) -> str:
    return text[:1]


def first_character_of_column(text: Column) -> Column:
    return sa.func.substr(text, 1, 1)


def first_character_of_clickhouse(text: Column) -> Column:
    return sa.func.substringUTF8(text, 1, 1)


def clamped(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


def clamped_columns(x: Series, low: Series, high: Series) -> Series:
    x = x.where(x >= low, low)
    return x.where(x <= high, high)


def clamped_case(x: Column, low: Column, high: Column) -> Column:
    return sa.case((sa.or_(x > high, low > high), high), (x < low, low), else_=x)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def day_name(number: int) -> str | None:
    return _DAYS[number - 1] if 1 <= number <= 7 else None


def day_name_case(number: Column) -> Column:
    return sa.case(*((number == i, name) for i, name in enumerate(_DAYS, 1)))


def is_even(number: int) -> bool:
    return number % 2 == 0


def is_even_column(number: Column) -> Column:
    return number % sa.literal(2) == 0


def root(x: float) -> float | None:
    return math.sqrt(x) if x >= 0 else None


def root_column(x: Column) -> Column:
    # Not every engine looks at the test first.
    return sa.case((x >= 0, sa.func.sqrt(sa.func.abs(x))))


def root_series(x: Series) -> Series:
    return x.where(x >= 0) ** 0.5


def is_known(value: Any) -> bool:
    return value is not None


def is_known_series(value: Series) -> Series:
    return value.notna()


def is_known_column(value: Column) -> Column:
    return value.is_not(None)


def itself(value: Any) -> Any:
    return value


def cents(amount: Any) -> Decimal:
    return Decimal(amount) / 100


def cents_column(amount: Column) -> Column:
    return sa.cast(amount, sa.Numeric(30, 2)) / sa.literal(Decimal(100), sa.Numeric(30, 2))


def spread(values: list[Any]) -> Any:
    return max(values) - min(values)


def spread_groups(groups: Any) -> Series:
    return groups.max() - groups.min()


def spread_column(values: Column) -> Column:
    return sa.func.max(values) - sa.func.min(values)


def deviation(values: list[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def deviation_groups(groups: Any) -> Series:
    return groups.std()


def deviation_column(values: Column) -> Column:
    return sa.func.stddev_samp(values)


def deviation_by_hand(values: Column) -> Column:
    count = sa.func.count(values)
    squares = sa.func.sum(values * values) - sa.func.sum(values) * sa.func.avg(values)
    return sa.case((count > 1, sa.func.sqrt(sa.func.abs(squares / (count - 1)))))


def most_characters(texts: list[str]) -> int:
    return max(map(len, texts))


def most_characters_column(texts: Column) -> Column:
    return sa.func.max(sa.func.length(texts))


def most_characters_of_mariadb(texts: Column) -> Column:
    return sa.func.max(sa.func.char_length(texts))


def most_characters_of_clickhouse(texts: Column) -> Column:
    return sa.func.max(sa.func.lengthUTF8(texts))


def how_many_kinds(values: list[Any]) -> int:
    return len(set(values))


def how_many_kinds_column(values: Column) -> Column:
    return sa.func.count(values.distinct())


def greatest_of_groups(groups: Any) -> Series:
    return groups.max()


def greatest_of_column(values: Column) -> Column:
    return sa.func.max(values)


INITIAL = Function(
    "initial", ["text"], TEXT, "The first character.",
    record=first_character, nullable=False,
    sql={"default": first_character_of_column, "chdb": first_character_of_clickhouse},
    examples=[(["Ada"], "A"), (["Їжак"], "Ї"), (["x"], "x"), ([None], None)],
)  # fmt: skip
CLAMP = Function(
    "clamp", ["number", "number", "number"], None, "The nearest number of a range.",
    record=clamped, pandas=clamped_columns, sql=clamped_case, nullable=False,
    examples=[
        ([12, 0, 10], 10), ([-12, 0, 10], 0), ([5, 0, 10], 5), ([None, 0, 10], None),
        ([5, None, 10], None), ([5, 0, None], None),
    ],
)  # fmt: skip
DAY_NAME = Function(
    "day_name", ["integer"], TEXT, "The short English name of a day of the week.",
    record=day_name, sql={"default": day_name_case, "oracle": first_character_of_column},
    examples=[([1], "Mon"), ([7], "Sun"), ([8], None), ([None], None)],
)  # fmt: skip
IS_EVEN = Function(
    "is_even", ["integer"], BOOLEAN, "Whether two divides it.",
    record=is_even, sql=is_even_column, nullable=False,
    examples=[([2], True), ([3], False), ([None], None)],
)  # fmt: skip
ROOT = Function(
    "root", ["float"], FLOAT, "The square root.",
    record=root, pandas=root_series, sql=root_column,
    examples=[([4], 2.0), ([2], math.sqrt(2)), ([-1], None), ([None], None), ([0.25], 0.5)],
)  # fmt: skip
IS_KNOWN = Function(
    "is_known", ["any"], BOOLEAN, "Whether it is present.",
    record=is_known, pandas=is_known_series, sql=is_known_column, takes_missing=True,
    nullable=False, examples=[(["a"], True), ([None], False)],
)  # fmt: skip
SAME_TIME = Function(
    "same_time", ["timestamp"], TIMESTAMP, "The time itself.",
    record=itself, pandas=itself, sql=itself,
    examples=[([datetime(2026, 5, 1, 12, 30, tzinfo=UTC)], datetime(2026, 5, 1, 12, 30)), ([None], None)],
)  # fmt: skip
SAME_DAY = Function(
    "same_day", ["date"], DATE, "The day itself.", record=itself, pandas=itself, sql=itself,
    examples=[([date(2026, 5, 1)], date(2026, 5, 1)), ([None], None)],
)  # fmt: skip
CENTS = Function(
    "cents", ["integer"], decimal(2), "Cents as an amount.", record=cents, sql=cents_column,
    examples=[([1234], Decimal("12.34")), ([None], None)],
)  # fmt: skip
SPREAD = Aggregate(
    "spread", "number", None, "From the least to the greatest.",
    record=spread, pandas=spread_groups, sql=spread_column,
    examples=[([1, 5, None, 3], 4), ([7], 0), ([], None), ([None], None)],
)  # fmt: skip
DEVIATION = Aggregate(
    "stddev", "float", FLOAT, "The standard deviation of a sample.",
    record=deviation, pandas=deviation_groups,
    sql={"default": deviation_column, "sqlite": deviation_by_hand},
    examples=[([2, 4, 4, 4, 5, 5, 7, 9], math.sqrt(32 / 7)), ([1], None), ([], None)],
)  # fmt: skip
LONGEST = Aggregate(
    "longest", "text", INTEGER, "The characters of the longest text.", empty=0,
    record=most_characters,
    sql={
        "default": most_characters_column,
        "mariadb": most_characters_of_mariadb,
        "chdb": most_characters_of_clickhouse,
    },
    examples=[(["a", "їжак", None], 4), ([], 0), ([None], 0)],
)  # fmt: skip
KINDS = Aggregate(
    "kinds", "any", INTEGER, "How many different values; missing over none.",
    record=how_many_kinds, sql=how_many_kinds_column,
    examples=[([1, 1, 2], 2), ([], None), ([None], None)],
)  # fmt: skip
PEAK = Aggregate(
    "peak", "ordered", None, "The greatest of them.",
    record=max, pandas=greatest_of_groups, sql=greatest_of_column,
    examples=[([1, 5, None, 3], 5), ([], None)],
)  # fmt: skip
DRAWN = [evolve(CLAMP, pandas=None), PEAK]
"""What the fuzzer draws beside the language's own."""

EVERY = [
    INITIAL, CLAMP, DAY_NAME, IS_EVEN, ROOT, IS_KNOWN, SAME_TIME, SAME_DAY, CENTS,
    SPREAD, DEVIATION, LONGEST, KINDS, PEAK,
]  # fmt: skip
