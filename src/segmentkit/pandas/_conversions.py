"""What makes values of a type, of a column that holds others: code for messages, tried first."""

from __future__ import annotations

import ast
import decimal
import json
import re
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from segmentkit._record.convert import is_missing
from segmentkit.dtypes import Kind
from segmentkit.pandas._arrow import objects

Column: TypeAlias = "pd.Series[Any]"
Ways: TypeAlias = Iterator[tuple[str, Callable[[Column], Any]]]
"""Code with a place for the column, and what it does."""

_YES = {"yes", "y", "true", "t", "1", "1.0", "on", "ja", "oui", "si", "sí", "tak", "так", "да"}
_NO = {"no", "n", "false", "f", "0", "0.0", "off", "nein", "non", "nie", "ні", "нет"}
_UNITS = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
"""Since 1970, more than so many were counted in which unit: seconds reach 1e11 in the year 5138."""
_FORMS = (("%Y%m%d", 1800_01_01, 2200_12_31), ("%Y", 1800, 2200))
"""Numbers whose digits are a day or a year, between which two."""
_SPREADSHEET = 30_000, 80_000
"""Days as spreadsheets count them, from 1982 to 2119; since 1970, so many are later than 2050."""
_WORDS: tuple[dict[str, Any], ...] = (
    {},
    {"dayfirst": True},
    {"format": "ISO8601"},
    {"format": "ISO8601", "utc": True},
)
_DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y")
_FORMATS = (
    *(f"{day} {time}" for time in ("%I:%M %p", "%I:%M:%S %p") for day in ("%m/%d/%Y", "%d/%m/%Y")),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%d-%b-%y", "%Y-%m-%d %H:%M:%S,%f"),
)
"""Forms that pandas does not guess."""
_DAY = re.compile(r"\s*([0-9]{1,2})[./-]([0-9]{1,2})[./-][0-9]{2,4}(?![0-9])")
_EITHER = "  # or dayfirst=False, if the month is written first"
_LOSES = "  # what cannot be read becomes missing"
_OF_MONEY = "[A-Z]{3}|kr|zł|Kč|Ft|грн|[%$€£¥₴₹₺₽₩₪]"
_NUMBER = re.compile(
    rf"\s*[-+]?\s*(?P<before>{_OF_MONEY})?\s*[-+]?(?P<digits>[0-9]+(?:[.,'’\s][0-9]+)*)"
    rf"\s*(?P<after>{_OF_MONEY})?\s*"
)
_STYLES = {
    mark: re.compile(
        rf"[0-9]+(?:{re.escape(mark)}[0-9]+)?"
        rf"|[0-9]{{1,3}}(?P<group>[{other}'’\s])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*"
        rf"(?:{re.escape(mark)}[0-9]+)?"
    )
    for mark, other in ((".", ","), (",", "."))
}
"""Digits before and after a mark, by that mark; a sign between thousands is always the same."""


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
        if done and not told and (lost == missing or _LOSES in code):
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
        case Kind.INTEGER | Kind.FLOAT | Kind.DECIMAL if are_texts or are_numbers:
            yield from _to_number(kind, present, are_texts=are_texts)
        case Kind.TEXT if not any(isinstance(v, list | dict | set | tuple) for v in present):
            yield from _to_text(column)
        case Kind.TEXTS if are_texts:
            yield from _to_lists(present)
        case _:
            return


def _to_number(kind: Kind, present: list[Any], *, are_texts: bool) -> Ways:
    if kind is Kind.DECIMAL:
        yield "{}" + _EXACTLY, _decimals
    yield _number_of("{}", kind), partial(_numbers, kind=kind)
    if are_texts:
        for strip, mark in _strips(present, kind):
            told = f"  # {present[0]!r:.40} becomes {strip(pd.Series(present[:1]))[0]}"
            code = f'{{}}.str.replace(r"[^0-9{mark}-]", "", regex=True)'
            code += '.str.replace(",", ".")' if mark == "," else ""
            written = f"{code}{_EXACTLY}" if kind is Kind.DECIMAL else _number_of(code, kind)
            yield written + told, partial(_stripped_numbers, kind=kind, strip=strip)
    if not _have_unread_digits(present):
        some = partial(_numbers, kind=kind, errors="coerce")
        yield _number_of('{}, errors="coerce"', kind) + _LOSES, some


def _strips(texts: list[str], kind: Kind) -> Iterator[tuple[Callable[[Column], Column], str]]:
    """What leaves digits and a point of texts such as ``€ 1.234,56``, by the mark they have."""
    found = [each for each in map(_NUMBER.fullmatch, texts) if each]
    digits = [each["digits"] for each in found]
    marks = [m for m, style in _STYLES.items() if all(map(style.fullmatch, digits))]
    if len(found) < len(texts) or len({(e["before"], e["after"]) for e in found}) > 1:
        return
    if len(marks) > 1 and not any(mark in each for each in digits for mark in marks):
        marks = ["."]
    if len(marks) == 1 or kind is Kind.INTEGER:  # of whole numbers, the mark is before thousands
        for mark in marks:
            yield partial(_stripped, mark=mark), mark


def _stripped_numbers(column: Column, kind: Kind, strip: Callable[[Column], Column]) -> Any:
    return _decimals(strip(column)) if kind is Kind.DECIMAL else _numbers(strip(column), kind)


def _stripped(column: Column, mark: str) -> Column:
    return column.str.replace(f"[^0-9{mark}-]", "", regex=True).str.replace(mark, ".")


def _have_unread_digits(values: list[Any]) -> bool:
    """Whether pandas does not read a text that has digits: it may well be a number."""
    column = pd.Series(values, dtype=object)
    unread = column[pd.to_numeric(column, errors="coerce").isna()]
    return any(each.isdigit() for text in unread for each in str(text))


_EXACTLY = '.map(decimal.Decimal, na_action="ignore")'


def _decimals(column: Column) -> Column:
    return column.map(decimal.Decimal, na_action="ignore")


def _number_of(code: str, kind: Kind) -> str:
    return f"pandas.to_numeric({code})" + ('.astype("Int64")' if kind is Kind.INTEGER else "")


def _numbers(column: Column, kind: Kind, **told: Any) -> Any:
    found = pd.to_numeric(column, **told)
    return found.astype("Int64") if kind is Kind.INTEGER else found


def _to_lists(texts: list[str]) -> Ways:
    listed = all(text.strip().startswith("[") for text in texts)
    if listed or any(text.strip()[:1] in "[{" for text in texts if text.strip()):
        if listed:
            for code, read in (("json.loads", json.loads), ("ast.literal_eval", ast.literal_eval)):
                yield f'{{}}.map({code}, na_action="ignore")', partial(_mapped, read=read)
        return
    marks = [mark for mark in ";|," if any(mark in text for text in texts)]
    have_blanks = any(re.search(r"^\s|\s$|\s[;|,]|[;|,]\s", text) for text in texts)
    if len(marks) > 1 or (not marks and any(map(re.compile(r"\s").search, texts))):
        return
    mark = marks[0] if marks else ","
    if not have_blanks:
        yield f'{{}}.str.split("{mark}")', lambda c: c.str.split(mark)
        return
    pattern = rf"\s*[{mark}]\s*"
    code = f'{{}}.str.strip().str.split(r"{pattern}", regex=True)'
    yield code, lambda c: c.str.strip().str.split(pattern, regex=True)


def _mapped(column: Column, read: Callable[[str], Any]) -> Column:
    return column.map(read, na_action="ignore")


def _to_boolean(distinct: list[Any]) -> Ways:
    words = {each: str(each).strip().casefold() for each in distinct}
    truths = {each: word in _YES for each, word in words.items() if word in _YES | _NO}
    if len(truths) == len(words):
        yield f"{{}}.map({truths})", lambda c: c.map(truths)
    yes = [each for each, holds in truths.items() if holds]
    if yes and isinstance(yes[0], str):
        yield f"{{}}.isin({yes})  # all else becomes False", lambda c: c.isin(yes)


def _to_time(kind: Kind, present: list[Any], *, are_numbers: bool) -> Ways:
    if kind is Kind.DATE:
        yield "{}.dt.tz_localize(None)", lambda c: c.dt.tz_localize(None)
    yield "{}.dt.to_timestamp()", lambda c: c.dt.to_timestamp()
    if are_numbers:
        yield from _to_time_of_numbers(present)
    elif not any(isinstance(v, int | float | np.number) or _is_moving(v) for v in present):
        yield from _to_time_of_words(kind, present)
        if all(isinstance(v, str) and _DIGITS.fullmatch(v) for v in present):
            for code, made in _to_time_of_numbers(list(map(float, present)), whole=False):
                numeric = code.replace("{}", "pandas.to_numeric({})")
                yield numeric, partial(_from_digits, made=made)


def _to_time_of_words(kind: Kind, present: list[Any]) -> Ways:
    if any(_COMMA.search(each) for each in present if isinstance(each, str)):
        # Older versions of pandas take the seconds without their fraction.
        code = 'pandas.to_datetime({}.str.replace(",", "."))'
        yield code, lambda c: _times(c.str.replace(",", "."))
        return
    doubtful = _are_doubtful(present)
    forms: list[dict[str, Any]] = [{"format": form} for form in _FORMATS]
    for words in chain(_WORDS[doubtful:], forms, _partly(present)):
        told = "".join(f", {word}={_written(value)}" for word, value in words.items())
        note = _other_order(words) if doubtful else ""
        note += _LOSES if "errors" in words else ""
        code = f"pandas.to_datetime({{}}{told})"
        if kind is Kind.DATE and "utc" in words:
            days = "pandas.to_datetime({}.str[:10])  # the days that are written"
            yield days, lambda c: _times(c.str[:10])
            continue
        yield code + note, partial(_times, **words)
        if kind is Kind.DATE:
            yield f"{code}.dt.tz_localize(None){note}", partial(_days, **words)


def _from_digits(column: Column, made: Callable[[Column], Any]) -> Any:
    return made(pd.to_numeric(column))


_COMMA = re.compile(r":[0-9]{2},[0-9]")
_DIGITS = re.compile(r"[0-9]{5,}(?:\.[0-9]*)?")


def _is_moving(value: Any) -> bool:
    """Whether a text is another time whenever pandas reads it."""
    return isinstance(value, str) and value.strip().lower() in ("now", "today")


def _partly(present: list[Any]) -> Iterator[dict[str, Any]]:
    """Forms that read all texts but those that no digit of a time is in."""
    for form in ("ISO8601", *_DAYS, *_FORMATS):
        words = {"format": form, "errors": "coerce"}
        try:
            with warnings.catch_warnings(action="ignore"):
                unread = pd.Series(present, dtype=object)[_times(present, **words).isna()]
        except ValueError:  # such as several zones
            continue
        if not any(each in "123456789" for text in unread for each in str(text)):
            yield words


def _other_order(words: dict[str, Any]) -> str:
    form = words.get("format", "")
    if "%m" not in form or "%Y-" in form:
        return _EITHER if "dayfirst" in words else ""
    other = form.translate(str.maketrans("dm", "md"))
    first = "month" if other.startswith("%m") else "day"
    return f'  # or format="{other}", if the {first} is written first'


def _are_doubtful(texts: list[Any]) -> bool:
    """Whether days can be read whichever of their first two numbers is the month."""
    found = [_DAY.match(text) for text in texts if isinstance(text, str)]
    pairs = [(int(each[1]), int(each[2])) for each in found if each]
    return all(max(pair) <= 12 for pair in pairs) and any(one != other for one, other in pairs)


def _to_time_of_numbers(numbers: list[Any], *, whole: bool = True) -> Ways:
    least, most = min(numbers, default=0), max(numbers, default=0)
    for form, first, last in _FORMS if whole else ():
        if first <= least and most <= last:
            code = f'pandas.to_datetime({{}}.astype("Int64").astype("string"), format="{form}")'
            yield code, partial(_digits, form=form)
    if _SPREADSHEET[0] <= least and most <= _SPREADSHEET[1]:
        told: dict[str, Any] = {"unit": "D", "origin": "1899-12-30"}
        code = 'pandas.to_datetime({}, unit="D", origin="1899-12-30").dt.round("s")'
        yield f"{code}  # days as Excel counts them", lambda c: _times(c, **told).dt.round("s")
    units = [next((unit for limit, unit in _UNITS if v >= limit), None) for v in numbers]
    unit = next((unit for _, unit in _UNITS if unit in units), None)
    if unit is not None:
        note = f'  # if all are counted in "{unit}"' if len({*units} - {None}) > 1 else ""
        yield f'pandas.to_datetime({{}}, unit="{unit}"){note}', partial(_times, unit=unit)


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
