"""What looks like a number or a date, and is written so elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from segmentkit._diagnostics.diagnostic import Diagnostic, Hint, Span, advice, diagnostic, write
from segmentkit._diagnostics.wording import either
from segmentkit._language.foreign_words import CURRENCIES, MONTH, UNITS, dates_of, instant_of
from segmentkit._language.formatter import format_value

_MINUTES_OR_MONTHS = "m"
_UNITS = {
    "s": "seconds", "sec": "seconds", "min": "minutes", "m": _MINUTES_OR_MONTHS, "mo": "months",
    "h": "hours", "d": "days", "w": "weeks", "q": "quarters", "y": "years", "yr": "years",
}  # fmt: skip
_METRES_AGO = re.compile(r"(\d[\d_]*)\s+(m)\s+\Z", re.IGNORECASE)
_NEAR = 40  # how far to look around the place
_MOST_DIGITS = 18
_POWERS = {
    "k": 3,
    "mio": 6,
    "mln": 6,
    "m": 6,
    "mn": 6,
    "million": 6,
    "thousand": 3,
    "bn": 9,
    "тис": 3,
    "тыс": 3,
}


def _plain_number(found: re.Match[str]) -> Hint:
    whole = re.sub(r"\D", "", found["whole"])
    number = f"{whole}{'.' * bool(found['rest'])}{found['rest'] or ''}"
    return advice("number_without_separators", number, number=number)


def _written_out(found: re.Match[str]) -> Hint:
    power = int(found["power"])
    if abs(power) > _MOST_DIGITS:
        return advice("without_exponent")
    number = Decimal(found["number"].replace("_", "")).scaleb(power)
    return advice("number_written_out", f"{number:f}", number=f"{number:f}")


def _multiple(found: re.Match[str]) -> Hint:
    power = _POWERS[found["power"].strip().lower()]
    number = Decimal(found["number"].replace("_", "").replace(",", ".")).scaleb(power)
    text = f"{number.normalize():f}"
    return write(text)


def _date(found: re.Match[str]) -> Hint:
    """One day or instant; or the two that it can be."""
    text = found[0]
    moment = instant_of(text)
    if moment is not None:
        return write(_as_written(found, moment) if isinstance(moment, datetime) else str(moment))
    days = dates_of(re.sub(r"[ T,]+\d\d?:\d\d.*", "", text))
    if len(days) > 1:
        return advice("one_of_two_days", first=str(days[0]), second=str(days[1]))
    return _DATES


def _month(found: re.Match[str]) -> Hint:
    """A month: after ``in`` as it is written here, after ``=`` as a window."""
    month = f"{found['year']}-{int(found['month']):02}"
    before = found.string[max(0, found.start() - _NEAR) : found.start()]
    if re.search(r"\bin\s+\Z", before, re.IGNORECASE):
        return write(month)
    if equal := re.search(r"(?<![<>!=])={1,2}\s*\Z", before):
        text = f"in {month}"
        start = found.start() - len(before) + equal.start()
        return advice("whole_month", text, span=Span(start, found.end()), text=text)
    return advice("day_or_month", month=month)


def _as_written(found: re.Match[str], moment: datetime) -> str:
    """Seconds stay where they were written."""
    text = format_value(moment)
    return f"{text}:00" if re.search(r":\d\d:00", found[0]) and text.count(":") == 1 else text


_DATES = advice("dates_and_months")
_INSTANTS = advice("instants")
_CLOCK = r"(?:[ T,]+\d\d?:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?"
_NUMBERS: tuple[tuple[str, Hint | Callable[[re.Match[str]], Hint]], ...] = (
    (r"(?P<number>\d[\d_]*(?:\.\d+)?)[eE](?P<power>[+-]?\d{1,9})(?!\w)", _written_out),
    (
        r"(?P<number>\d[\d_]*(?:[.,]\d+)?)"
        r"(?P<power>[kK]|M|(?i:mio|mln|mn|bn)|\ ?(?i:million|thousand|тис|тыс))\b\.?"
        r"(?!\s*(?i:ago|from)\b)",
        _multiple,
    ),
    (rf"(?P<year>\d{{4}})[-/.–—−‐](?P<month>\d\d?)[-/.–—−‐](?P<day>\d\d?){_CLOCK}(?![\w-])", _date),
    (rf"\d\d?([/.-])\d\d?\1\d{{4}}{_CLOCK}(?![\w-])", _date),
    (rf"(?i:\d\d?(?:st|nd|rd|th|\.)?[ -]{MONTH}[ ,-]*\d{{4}}){_CLOCK}(?!\w)", _date),
    (rf"(?i:{MONTH}[ -]\d\d?(?:st|nd|rd|th)?[ ,-]+\d{{4}}){_CLOCK}(?!\w)", _date),
    (r"(?P<year>\d{4})[-/.](?P<month>0?[1-9]|1[0-2])(?![\w-])(?![/.]\d)", _month),
    (r"(?P<month>0?[1-9]|1[0-2])[/.](?P<year>\d{4})(?![\w-])(?![/.]\d)", _month),
    (r"(?:\d{4}([/.])\d\d?\1\d\d?|\d\d?([/.])\d\d?\2\d\d(?:\d\d)?)(?!\w)", _DATES),
    (r"(?:\d{4}-\d(?:-\d\d?)?|\d{4}-\d\d-\d|\d\d?-\d\d?-\d\d(?:\d\d)?)(?![\w-])", _DATES),
    (r"(\d{4}-\d\d-\d\d)\ +(?P<clock>\d\d?:\d\d)", _INSTANTS),
    (r"\d{4}-\d\d-\d\d(?![Tt]\d\d:\d\d)[a-zA-Z][\w:]*", _INSTANTS),
    (r"(?P<whole>\d{1,3}(?:[,' \u00a0\u202f]\d{3})+)(?:[.,](?P<rest>\d+))?(?!\w)", _plain_number),
    (r"(?P<whole>\d{1,3}(?:\.\d{3})+)(?:,(?P<rest>\d+)|(?<=\.\d{3}\.\d{3}))(?!\w)", _plain_number),
    (r"(\d[\d_]*),[-–—](?!\w)", lambda found: write(found[1])),
    (r"\.(\d+)(?!\w)", lambda found: write(f"0.{found[1]}")),
    (r"(\d[\d_]*)\.(?![\d.])", lambda found: write(found[1])),
    (r"0[xXoObB][\da-fA-F]+", advice("digits")),
    (
        r"0\d+(?!\w)",
        lambda found: advice("without_zeros", f"{int(found[0])}", number=f"{int(found[0])}"),
    ),
    (
        r"(?:[$€£¥₴₽]|zł|kr\.?|USD|EUR|UAH|PLN|DKK|GBP)\ ?(\d[\d_.]*\d|\d)",
        lambda found: advice("number_alone", found[1], number=found[1]),
    ),
    (
        r"(\d[\d_.]*)\ ?[$€£¥₴₽]",
        lambda found: advice("number_alone", found[1], number=found[1]),
    ),
    (
        r"(\d[\d_]*)(?i:km)(?!\w)",
        lambda found: advice("unit_apart", f"{found[1]} km", text=f"{found[1]} km"),
    ),
    (
        r"(\d[\d_]*)(?i:mi|miles?)(?!\w)",
        lambda found: advice("unit_apart", f"{found[1]} miles", text=f"{found[1]} miles"),
    ),
)
_COMPILED = tuple((re.compile(rf"(?<![\w.:-]){pattern}"), hint) for pattern, hint in _NUMBERS)


def number_or_date(text: str, start: int) -> Diagnostic | None:
    """Numbers and dates as they are written elsewhere."""
    first, last = max(0, start - _NEAR), start + _NEAR
    for pattern, hint in _COMPILED:
        for found in pattern.finditer(text, first, last):
            if found.start() <= start < found.end():
                told = hint if isinstance(hint, Hint) else hint(found)
                return diagnostic("SK001", Span(*found.span()), found=f"'{found[0]}'", hint=told)
    rest = text[start:]
    if re.match(r"(?:ago|from)\b", rest) and (metres := _METRES_AGO.search(text[:start])):
        return _length(metres[0].rstrip(), metres[1], metres[2], metres.start())
    if length := re.match(r"(\d[\d_]*)([^\W\d_]+)", rest):
        return _length(length[0], length[1], length[2], start)
    return None


def _length(written: str, number: str, unit: str, start: int) -> Diagnostic:
    word = _UNITS.get(unit.lower())
    if word is None and (known := UNITS.get(unit.lower().removesuffix("s"), unit.lower())) in (
        *UNITS.values(),
        "day",
        "days",
        "week",
        "month",
        "hour",
        "minute",
        "year",
    ):
        word = f"{known.removesuffix('s')}s"
    if joint := re.match(r"(and|or)(?!\w)", unit, re.IGNORECASE):
        text = f"{number} {joint[0].lower()}"
        span = Span(start, start + len(written))
        return diagnostic("SK001", span, found=f"'{written}'", hint=write(text))
    if re.fullmatch(CURRENCIES, unit, re.IGNORECASE):
        span = Span(start, start + len(written))
        return diagnostic("SK001", span, found=f"'{written}'", hint=write(number))
    span = Span(start, start + len(written))
    suggestion = f"{number} {word or 'days'}"
    if word == _MINUTES_OR_MONTHS:
        told = either([f"{number} minutes", "months"])
        return diagnostic("SK004", span, text=written, suggestion=told)
    hint = advice("SK004", suggestion if word else None, suggestion=suggestion)
    return diagnostic("SK004", span, text=written, suggestion=suggestion, hint=hint)
