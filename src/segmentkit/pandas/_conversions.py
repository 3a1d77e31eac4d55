"""What makes values of a type, of a column that holds others: code for messages, tried first."""

from __future__ import annotations

import decimal
import json
import re
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from segmentkit._record.convert import is_missing
from segmentkit.dtypes import Kind
from segmentkit.pandas._arrow import objects

Column: TypeAlias = "pd.Series[Any]"
Ways: TypeAlias = Iterator[tuple[str, Callable[[Column], Any]]]
"""Code with a place for the column, and what it does."""

_YES = ("yes", "y", "true", "t", "1", "1.0", "on")
_UNITS = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
"""Since 1970, more than so many were counted in which unit: seconds reach 1e11 in the year 5138."""
_FORMS = (("%Y%m%d", 1800_01_01, 2200_12_31), ("%Y", 1800, 2200))
"""Numbers whose digits are a day or a year, between which two."""
_WORDS: tuple[dict[str, Any], ...] = (
    {},
    {"dayfirst": True},
    {"format": "ISO8601"},
    {"format": "ISO8601", "utc": True},
    {"errors": "coerce"},
)
_COMMA = re.compile(r"\s*[-+]?[0-9]+(?:,([0-9]+))?\s*")
_DAY = re.compile(r"\s*([0-9]{1,2})[./-]([0-9]{1,2})[./-][0-9]{2,4}(?![0-9])")
_EITHER = "  # or dayfirst=False, if the month is written first"
_LOSES = "  # what cannot be read becomes missing"


def conversion(name: str, column: Column, kind: Kind, fits: Callable[[Column], bool]) -> str | None:
    """The statement that makes a column one of a kind.

    Args:
        name: The column's name.
        column: What it holds.
        kind: What it should hold.
        fits: Whether a column can be read as such.

    Returns:
        The first that does it, and loses nothing unless it says so; None if none does.
    """
    missing = _count_missing(column)
    for code, made in _ways(column, kind):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                result = made(column)
                lost = _count_missing(result)
                done = fits(result) and lost < len(result)
            except Exception:
                continue
        if done and not told and (lost == missing or code.endswith(_LOSES)):
            return f"frame[{name!r}] = {code.replace('{}', f'frame[{name!r}]')}"
    return None


def _count_missing(column: Column) -> int:
    return sum(map(is_missing, objects(column)))


def _ways(column: Column, kind: Kind) -> Ways:
    present = [v for v in objects(column) if not is_missing(v)]
    are_texts = all(isinstance(v, str) for v in present)
    are_numbers = all(isinstance(v, int | float | np.number) and np.isfinite(v) for v in present)
    match kind:
        case Kind.BOOLEAN if are_texts or are_numbers:
            yield from _to_boolean(list(dict.fromkeys(present)))
        case Kind.DATE | Kind.TIMESTAMP:
            yield from _to_time(kind, present, are_numbers=are_numbers)
        case Kind.INTEGER if are_texts or are_numbers:
            yield 'pandas.to_numeric({}).astype("Int64")', lambda c: _numbers(c).astype("Int64")
            some = 'pandas.to_numeric({}, errors="coerce").astype("Int64")' + _LOSES
            if not _have_unread_digits(present):
                yield some, lambda c: _numbers(c, errors="coerce").astype("Int64")
        case Kind.FLOAT | Kind.DECIMAL if are_texts or are_numbers:
            if are_texts and _have_commas(present):
                with_points = '{}.str.replace(",", ".")'
                yield f"pandas.to_numeric({with_points})", lambda c: _numbers(_with_points(c))
                return
            if kind is Kind.DECIMAL:
                exactly = '{}.map(decimal.Decimal, na_action="ignore")'
                yield exactly, lambda c: c.map(decimal.Decimal, na_action="ignore")
            yield "pandas.to_numeric({})", _numbers
            some = 'pandas.to_numeric({}, errors="coerce")' + _LOSES
            if not _have_unread_digits(present):
                yield some, lambda c: _numbers(c, errors="coerce")
        case Kind.TEXT if not any(isinstance(v, list | dict | set | tuple) for v in present):
            yield from _to_text(column)
        case Kind.TEXTS if are_texts:
            listed = '{}.map(json.loads, na_action="ignore")'
            yield listed, lambda c: c.map(json.loads, na_action="ignore")
            yield '{}.str.split(",")', lambda c: c.str.split(",")
        case _:
            return


def _have_commas(texts: list[str]) -> bool:
    """Whether numbers have commas where others have points; three digits may be thousands."""
    found = [_COMMA.fullmatch(text) for text in texts]
    return all(found) and any(each and each[1] and len(each[1]) != 3 for each in found)


def _have_unread_digits(values: list[Any]) -> bool:
    """Whether pandas does not read a text that has digits: it may well be a number."""
    column = pd.Series(values, dtype=object)
    unread = column[pd.to_numeric(column, errors="coerce").isna()]
    return any(each.isdigit() for text in unread for each in str(text))


def _with_points(column: Column) -> Column:
    return column.str.replace(",", ".")


def _numbers(column: Column, **told: Any) -> Any:
    return pd.to_numeric(column, **told)


def _to_boolean(distinct: list[Any]) -> Ways:
    yes = next((v for v in distinct if str(v).lower() in _YES), None)
    if yes is None:
        return
    if len(distinct) <= 2:
        truths = {each: each == yes for each in distinct}
        yield f"{{}}.map({truths})", lambda c: c.map(truths)
    yield f"{{}} == {yes!r}", lambda c: c == yes


def _to_time(kind: Kind, present: list[Any], *, are_numbers: bool) -> Ways:
    if kind is Kind.DATE:
        yield "{}.dt.tz_localize(None)", lambda c: c.dt.tz_localize(None)
    yield "{}.dt.to_timestamp()", lambda c: c.dt.to_timestamp()
    if are_numbers:
        yield from _to_time_of_numbers(present)
    elif not any(isinstance(v, int | float | np.number) for v in present):
        doubtful = _are_doubtful(present)
        for words in _WORDS[doubtful:]:
            told = "".join(f", {word}={_written(value)}" for word, value in words.items())
            loses = _LOSES if "errors" in words else _EITHER if doubtful else ""
            code = f"pandas.to_datetime({{}}{told})"
            yield code + loses, partial(_times, **words)
            if kind is Kind.DATE:
                yield f"{code}.dt.tz_localize(None){loses}", partial(_days, **words)


def _are_doubtful(texts: list[Any]) -> bool:
    """Whether each text is a day whichever of its first two numbers is the month."""
    found = [_DAY.match(text) if isinstance(text, str) else None for text in texts]
    pairs = [each and (int(each[1]), int(each[2])) for each in found]
    return all(each and max(each) <= 12 for each in pairs) and any(
        each and each[0] != each[1] for each in pairs
    )


def _to_time_of_numbers(numbers: list[Any]) -> Ways:
    least, most = min(numbers, default=0), max(numbers, default=0)
    for form, first, last in _FORMS:
        if first <= least and most <= last:
            code = f'pandas.to_datetime({{}}.astype("Int64").astype("string"), format="{form}")'
            yield code, partial(_digits, form=form)
    unit = next((unit for limit, unit in _UNITS if most >= limit), None)
    if unit is not None:
        yield f'pandas.to_datetime({{}}, unit="{unit}")', partial(_times, unit=unit)


def _times(column: Any, **told: Any) -> Any:
    return pd.to_datetime(column, **told)


def _days(column: Column, **told: Any) -> Any:
    return _times(column, **told).dt.tz_localize(None)


def _digits(column: Column, form: str) -> Any:
    return _times(column.astype("Int64").astype("string"), format=form)


def _to_text(column: Column) -> Ways:
    yield '{}.str.decode("utf-8")', lambda c: c.str.decode("utf-8")
    if column.dtype.kind == "f":
        whole = '{}.astype("Int64").astype("string")'
        yield whole, lambda c: c.astype("Int64").astype("string")
    yield '{}.astype("string")', lambda c: c.astype("string")


def _written(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
