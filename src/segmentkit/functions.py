"""Every function of the language, once: what it takes, what it gives, what it means, an example.

Each target has a table of lowerings by these names; a test holds the tables complete and runs the
examples on all of them. What a schema adds to them brings its lowerings along, see `extension`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from segmentkit.dtypes import (
    ANNIVERSARY,
    BOOLEAN,
    DATE,
    DISTANCE,
    FLOAT,
    INTEGER,
    MEAN_DURATION,
    TEXT,
    TIMESTAMP,
    VERSION,
    DType,
)


@frozen
class Example:
    """A definition over ``number``, ``name``, ``flag``, ``birth_date``, ``home`` and ``rows``.

    Each of the ``rows`` has a ``number`` and is ``at`` the beginning of a day, from 1 April 2026 on.
    """

    definition: str
    record: Mapping[str, Any]
    holds: bool


def _examples(given: Iterable[Example]) -> tuple[Example, ...]:
    return tuple(given)


def _words(given: Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


@frozen
class Word:
    """What an argument can be.

    Attributes:
        accepts: Whether a type fits.
        expected: The words of a message.
        together: Whether all arguments of this word have one type.
    """

    accepts: Callable[[DType], bool]
    expected: str
    together: bool = False


WORDS: Mapping[str, Word] = MappingProxyType(
    {
        "number": Word(lambda dtype: dtype.is_number, "a number", together=True),
        "amount": Word(
            lambda dtype: dtype.is_number or dtype.is_duration,
            "a number or a length of time",
            together=True,
        ),
        "integer": Word(lambda dtype: dtype == INTEGER, "a whole number"),
        "float": Word(lambda dtype: dtype.is_number, "a number"),
        "text": Word(lambda dtype: dtype == TEXT, "a text"),
        "boolean": Word(lambda dtype: dtype == BOOLEAN, "a boolean"),
        "date": Word(lambda dtype: dtype == DATE, "a date"),
        "timestamp": Word(lambda dtype: dtype == TIMESTAMP, "a timestamp"),
        "time": Word(lambda dtype: dtype.is_time, "a date or a timestamp"),
        "ordered": Word(
            lambda dtype: dtype.is_ordered,
            "a number, a time, a length of time or a distance",
            together=True,
        ),
        "any": Word(lambda dtype: dtype != ANNIVERSARY, "a value", together=True),
    }
)
"""The words for what an argument can be."""


@frozen
class Signature:
    """What is known of a scalar function before it is computed.

    Attributes:
        name: The name that definitions use.
        parameters: What each argument must be, one of `WORDS`, or ``place``. Numbers are given
            as floats where ``float`` is asked for.
        result: Its type; None when it is that of the first argument.
        doc: What it means, in one or two sentences.
    """

    name: str
    parameters: tuple[str, ...] = field(converter=_words)
    result: DType | None
    doc: str


@frozen
class AggregateSignature:
    """What is known of an aggregate over the rows of a relation before it is computed.

    Attributes:
        name: The name that definitions use.
        operand: What the value must be, one of `WORDS`, or ``rows`` where there is no value,
            only rows.
        result: Its type; None when it is that of the value.
        doc: What it means, in one or two sentences.
    """

    name: str
    operand: str
    result: DType | None
    doc: str

    def result_of(self, dtype: DType) -> DType:
        """The type of the result, by that of the value: a mean of lengths of time is one, too."""
        if dtype.is_duration and self.result == FLOAT:
            return MEAN_DURATION
        return self.result or dtype


@frozen
class Function(Signature):
    """A scalar function that the language has, with definitions that hold or do not.

    Attributes:
        examples: The definitions.
        others: What it is called elsewhere; a message leads from there to here.
        missing: From whether each argument can be missing, whether the result can.
    """

    examples: tuple[Example, ...] = field(converter=_examples)
    others: tuple[str, ...] = ()
    missing: Callable[[Iterable[bool]], bool] = any

    @property
    def form(self) -> str:
        """How it is written."""
        return f"{self.name}({', '.join('…' for _ in self.parameters)})"


@frozen
class AggregateFunction(AggregateSignature):
    """An aggregate that the language has, with definitions that hold or do not.

    Attributes:
        examples: The definitions.
        others: What it is called elsewhere; a message leads from there to here.
        needs_time: Whether the relation must have a time.
        pattern: An example of what stands in the brackets, with … for the value.
    """

    examples: tuple[Example, ...] = field(converter=_examples)
    others: tuple[str, ...] = ()
    needs_time: bool = False
    pattern: str = "…"

    @property
    def form(self) -> str:
        """How it is written."""
        return f"{self.name}({self.pattern})"


def _rows(*numbers: int | None) -> Mapping[str, Any]:
    return {"rows": [{"id": i, "day": i, "number": n} for i, n in enumerate(numbers)]}


_SCALARS = (
    Function("abs", ("amount",), None, "The number, or the length of time, without its sign.",
             [Example("abs(number) = 3", {"number": -3}, True), Example("abs(number) >= 0", {}, False)]),
    Function("mod", ("integer", "integer"), INTEGER, "What is left of the first when it is divided by the second, with the sign of the second: `mod(-7, 3)` is 2. Missing if the second is 0.",
             [Example("mod(number, 10) = 3", {"number": -7}, True), Example("mod(number, -10) = -7", {"number": 3}, True),
              Example("mod(7, number) >= 0", {"number": 0}, False)],
             others=("modulo", "remainder")),
    Function("age", ("date",), INTEGER, "The whole years from the date to `as_of`. A person born on 29 February has the birthday on 28 February in common years.",
             [Example("age(birth_date) >= 18", {"birth_date": "2000-01-01"}, True),
              Example("age(birth_date) * 2 = 52", {"birth_date": "2000-01-01"}, True)]),
    Function("anniversary", ("date",), ANNIVERSARY, "The day and month of the date, for windows only: `anniversary(birth_date) in next 7 days`.",
             [Example("anniversary(birth_date) in this month", {"birth_date": "2000-05-31"}, True)]),
    Function("day", ("time",), DATE, "The calendar date, in the schema's time zone.",
             [Example("count(distinct day(rows.at)) = 3", _rows(1, 2, 3), True)], others=("date",)),
    Function("week", ("time",), DATE, "The date of the first day of its week: of the Monday, or of the Sunday if the [schema's weeks](schema.md#by-hand) begin on Sunday.",
             [Example("week(birth_date) = 2000-05-29", {"birth_date": "2000-06-04"}, True),
              Example("count(distinct week(rows.at)) >= 2", _rows(1, 2, 3, 4, 5), False)]),
    Function("monthday", ("time",), INTEGER, "The day of the month, from 1 to 31.",
             [Example("monthday(birth_date) = 15", {"birth_date": "2000-02-15"}, True), Example("monthday(birth_date) <= 31", {}, False)],
             others=("dayofmonth",)),
    Function("month", ("time",), INTEGER, "From 1 for January to 12 for December.",
             [Example("month(birth_date) in (12, 1, 2)", {"birth_date": "2000-02-29"}, True)]),
    Function("quarter", ("time",), INTEGER, "From 1 for January to March to 4 for October to December.",
             [Example("quarter(birth_date) = 4", {"birth_date": "2000-10-01"}, True), Example("quarter(birth_date) <= 4", {}, False)]),
    Function("year", ("time",), INTEGER, "The calendar year.",
             [Example("year(birth_date) = 2000", {"birth_date": "2000-12-31"}, True), Example("year(birth_date) != 2000", {}, True)]),
    Function("weekday", ("time",), INTEGER, "From 1 for Monday to 7 for Sunday.",
             [Example("weekday(birth_date) >= 6", {"birth_date": "2000-06-04"}, True),
              Example("any(rows where weekday(at) = 3)", _rows(1), True)]),
    Function("hour", ("timestamp",), INTEGER, "From 0 to 23, on the clock of the schema's time zone.",
             [Example("hour(last(rows.at)) < 9", _rows(1), True)]),
    Function("distance", ("place", "place"), DISTANCE, "The distance between two places, on a sphere. A place is one of the schema, or `point(latitude, longitude)`.",
             [Example("distance(home, point(50.45, 30.52)) < 25 km", {"latitude": 50.5, "longitude": 30.6}, True),
              Example("distance(home, point(50.45, 30.52)) < 25 km", {"latitude": 50.5}, False)],
             # Of what is not on the globe, no distance is known.
             missing=lambda _: True),
    Function("length", ("text",), INTEGER, "The number of characters in the text, by Unicode code point: `é` is one or, with a separate accent, two. 0 for the empty text. Of a [list](#lists-of-texts), the number of its items.",
             [Example("length(name) = 3", {"name": "Яна"}, True), Example("length(name) >= 0", {}, False)],
             others=("size", "len", "char_length", "character_length")),
    Function("version", ("text",), VERSION, "The [version](#versions) that the text is, to be compared with others. Missing if the text is no version.",
             [Example('version(name) >= version("1.10")', {"name": "1.10.0"}, True),
              Example('version(name) < version("1.10")', {"name": "1.9.3-beta.2"}, True),
              Example('version(name) < version("1.10")', {"name": "latest"}, False)],
             others=("semver",), missing=lambda _: True),
    Function("default", ("any", "any"), None, "The first argument, or the second if the first is missing.",
             [Example("default(number, 0) = 0", {}, True), Example("default(flag, false)", {"flag": True}, True)],
             others=("coalesce", "ifnull", "nvl"), missing=all),
)  # fmt: skip

_AGGREGATES = (
    AggregateFunction("count", "any", INTEGER, "The number of rows. For a value, the number of rows that have it; with `distinct`, the number of different values. 0 over no rows.",
                      [Example("count(rows) = 3", _rows(1, None, 1), True), Example("count(rows.number) = 2", _rows(1, None, 1), True),
                       Example("count(distinct rows.number) = 1", _rows(1, None, 1), True), Example("count(rows) <= 2", _rows(), True)],
                      others=("size", "len")),
    AggregateFunction("any", "rows", BOOLEAN, "Whether there is such a row.",
                      [Example("any(rows where number > 1)", _rows(1, 2), True), Example("any(rows)", _rows(), False)],
                      others=("exists", "some", "has")),
    AggregateFunction("none", "rows", BOOLEAN, "Whether there is no such row.",
                      [Example("none(rows where number > 1)", _rows(1, None), True)]),
    AggregateFunction("sum", "amount", None, "The sum of the present values; 0 over no rows.",
                      [Example("sum(rows.number) = 3", _rows(1, 2, None), True), Example("sum(rows.number) = 0", _rows(), True)], others=("total",)),
    AggregateFunction("avg", "amount", FLOAT, "The mean of the present values; missing if there are none.",
                      [Example("avg(rows.number) = 1.5", _rows(1, 2, None), True), Example("avg(rows.number) >= 0", _rows(None), False)],
                      others=("average", "mean")),
    AggregateFunction("min", "ordered", None, "The smallest of the present values; missing if there are none.",
                      [Example("min(rows.number) = 1", _rows(2, 1, None), True)]),
    AggregateFunction("max", "ordered", None, "The largest of the present values; missing if there are none.",
                      [Example("max(rows.number) = 2", _rows(2, 1, None), True)]),
    AggregateFunction("median", "amount", FLOAT, "The middle of the present values, or the mean of the two in the middle; missing if there are none.",
                      [Example("median(rows.number) = 2", _rows(5, 1, 2), True), Example("median(rows.number) = 1.5", _rows(2, 1, None), True)]),
    AggregateFunction("percentile", "ordered", None, "`percentile(90, x)` is the smallest of the present values that is at least as large as 90 % of them: in order, the value at the place ⌈90 · n / 100⌉ of n. It is always one of the values. 0 gives the smallest and 100 the largest. Missing if there are none.",
                      [Example("percentile(90, rows.number) = 9", _rows(10, 2, 3, 4, 5, 6, 7, 8, 9, 1), True), Example("percentile(50, rows.number) = 1", _rows(1, None, 2), True),
                       Example("percentile(90, rows.number) > 0", _rows(None), False)], pattern="90, …"),
    AggregateFunction("mode", "any", None, "The most frequent of the present values. Of several that are as frequent, the least: the smallest number, the earliest time, the first text by code point, or `false`. Missing if there are none.",
                      [Example("mode(rows.number) = 2", _rows(1, 2, 2, 3, None, None, None), True), Example("mode(rows.number) = 1", _rows(2, 1, 1, 2), True),
                       Example("mode(rows.number) > 0", _rows(None, None), False)], others=("most_frequent", "most_common", "top_value")),
    AggregateFunction("streak", "any", INTEGER, "The most days in a row on each of which there is a row: `streak(day(x))`. With `week(x)`, `month(x)`, `quarter(x)` or `year(x)`, the most of these in a row; December is followed by January. 0 over no rows.",
                      [Example("streak(day(rows.at)) = 3", _rows(1, 2, 3), True), Example("streak(day(rows.at) where number > 1) = 2", _rows(2, 1, 2, 2), True),
                       Example("streak(month(rows.at)) = 1", _rows(1, 2), True), Example("streak(day(rows.at)) = 0", _rows(), True)],
                      others=("longest_streak", "max_streak", "consecutive"), pattern="day(…)"),
    AggregateFunction("first", "any", None, "The value of the earliest row that has one; at the same instant, of the row with the smallest key. Missing if there is none.",
                      [Example("first(rows.number) = 7", _rows(None, 7, 8), True)], needs_time=True),
    AggregateFunction("last", "any", None, "The value of the latest row that has one; at the same instant, of the row with the largest key. Missing if there is none.",
                      [Example("last(rows.number) = 8", _rows(7, 8, None), True)], needs_time=True),
)  # fmt: skip

FUNCTIONS: Mapping[str, Function] = MappingProxyType({f.name: f for f in _SCALARS})
"""The scalar functions, by name."""

AGGREGATES: Mapping[str, AggregateFunction] = MappingProxyType({f.name: f for f in _AGGREGATES})
"""The aggregates, by name."""

FORMS = ("ntile", "point", "sample")
"""What is written as a function is, and is no function of values."""
