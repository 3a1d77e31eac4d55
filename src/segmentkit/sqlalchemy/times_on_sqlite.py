"""How dates and instants are written on SQLite, which keeps them as it is given them.

Each form that is not read has a test, and a statement that makes the usual form of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

_PAIR = "[0-9][0-9]"
_DAY = f"{_PAIR * 2}-{_PAIR}-{_PAIR}"
_CLOCK = f"{_DAY}[ T]{_PAIR}:{_PAIR}:{_PAIR}"
_OFFSETS = (f"*[-+]{_PAIR}:{_PAIR}", f"*[-+]{_PAIR * 2}", f"*[-+]{_PAIR}")


@frozen
class Form:
    """Values of a column that are written otherwise than they are read.

    Attributes:
        what: What they are, in words.
        test: SQL that is true of them.
        made: SQL that makes the usual form; None if nobody knows what they mean.
        left: SQL that is true of those that nobody knows once all others are mended.
    """

    what: str
    test: str
    made: str | None
    left: str = ""


def forms(x: str, *, is_day: bool) -> Iterator[Form]:
    """The forms that a column is not read in; no value is in two of them.

    Args:
        x: The column, as SQL writes it.
        is_day: Whether it is of dates.
    """
    told = "dates" if is_day else "times"
    counts = dict(_counts(x))
    numbers = f"typeof({x}) IN ('integer', 'real')"
    for what, test in _numbers(x):
        made = f"date({x})" if what == _JULIAN else _of_digits(x)
        if what in counts:
            made = _since_1970(counts[what])
        elif what == _JULIAN and not is_day:
            made = f"strftime('%Y-%m-%d %H:%M:%f', {x})"
        elif not is_day:
            made = f"{made} || ' 00:00:00'"
        made = f"date({made})" if is_day and what in counts else made
        yield Form(f"{told} are {what}", f"{numbers} AND {test}", made)
    every = " OR ".join(f"({test})" for _, test in _numbers(x))
    unknown = f"{told} are numbers that are no usual count of time"
    yield Form(unknown, f"{numbers} AND NOT ({every})", None, numbers)
    text = f"typeof({x}) = 'text'"
    others: list[str] = []
    for what, test, made in _days(x) if is_day else _instants(x):
        others.append(test)
        yield Form(f"{told} {what}", f"{text} AND {test}", made)
    read = f"{x} GLOB '{_DAY}' AND {_is_day(x)}" if is_day else is_read(x)
    odd = f"{text} AND NOT ({read}) AND NOT ({' OR '.join(f'({each})' for each in others)})"
    yield Form(f"{told} cannot be read", f"{odd} OR typeof({x}) = 'blob'", None, f"NOT ({read})")


# -- numbers --------------------------------------------------------------------------------------

_JULIAN = "days of the Julian calendar, as julianday() writes them"
_DIGITS = "numbers whose digits are a day, as 20260501"


def _numbers(x: str) -> Iterator[tuple[str, str]]:
    """What numbers are, by their size: each kind has a range that the others hardly reach."""
    is_julian = f"{x} BETWEEN 2000000 AND 3000000"
    are_eight = f"typeof({x}) = 'integer' AND {x} BETWEEN 18000101 AND 22001231"
    yield _JULIAN, is_julian
    yield _DIGITS, f"{are_eight} AND {_is_day(_of_digits(x))}"
    for (what, _), (least, most) in zip(_counts(x), _RANGES, strict=True):
        test = f"abs({x}) >= {least} AND abs({x}) < {most}"
        if what.startswith("seconds"):
            test += f" AND NOT ({is_julian}) AND NOT ({are_eight})"
        yield what, test


_RANGES = ((10**5, 10**11), (10**11, 10**14), (10**14, 10**17), (10**17, 2**63 - 1))


def _counts(x: str) -> Iterator[tuple[str, str]]:
    """What is counted since 1970, and how many microseconds it is."""
    yield "seconds since 1970", f"CAST(round({x} * 1000000.0) AS INTEGER)"
    yield "milliseconds since 1970", f"CAST(round({x} * 1000.0) AS INTEGER)"
    yield "microseconds since 1970", f"CAST({x} AS INTEGER)"
    yield "nanoseconds since 1970", f"CAST({x} AS INTEGER) / 1000"


def _since_1970(microseconds: str) -> str:
    rest = f"((({microseconds}) % 1000000 + 1000000) % 1000000)"
    seconds = f"((({microseconds}) - {rest}) / 1000000)"
    clock = f"strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch')"
    return f"{clock} || printf('.%06d', {rest})"


def _of_digits(x: str) -> str:
    return f"printf('%04d-%02d-%02d', {x} / 10000, {x} / 100 % 100, {x} % 100)"


# -- texts ----------------------------------------------------------------------------------------


def is_read(x: str) -> str:
    """SQL that is true of instants in one of the forms that are understood."""
    fraction = f"substr({x}, 20)"
    return (
        f"{x} GLOB '{_CLOCK}*' AND {_is_fraction(fraction)} "
        f"AND length(CAST({x} AS BLOB)) = length({x}) AND {_is_instant(x)}"
    )


def usual(x: str) -> str:
    """SQL that makes one form of all those that are understood."""
    digits = f"CASE WHEN length({x}) < 20 THEN '.000000' ELSE '000000' END"
    return f"substr(replace({x}, 'T', ' ') || {digits}, 1, 26)"


def has_t(x: str) -> str:
    """SQL that is true of instants with a letter between the day and the clock."""
    return f"{x} GLOB '{_DAY}T*'"


def _is_fraction(x: str) -> str:
    return f"({x} = '' OR {x} GLOB '.*' AND substr({x}, 2) NOT GLOB '*[^0-9]*')"


def _is_day(x: str) -> str:
    """Whether a text begins with a day that the calendar has: others are counted on by SQLite."""
    return f"date(substr({x}, 1, 10), '+0 days') IS substr({x}, 1, 10)"


def _is_instant(x: str) -> str:
    clock = f"substr({x}, 12, 8)"
    return f"{_is_day(x)} AND {clock} < '24' AND time({clock}) IS NOT NULL"


def _days(x: str) -> Iterator[tuple[str, str, str]]:
    longer = f"{x} GLOB '{_DAY}[ T]*' AND {_is_day(x)} AND {_near(x)} IS NOT NULL"
    yield "have a clock", longer, f"substr({x}, 1, 10)"


def _near(x: str) -> str:
    """What SQLite makes of an instant, zone or not, fraction or not."""
    return f"strftime('%Y-%m-%d %H:%M', {x})"


def _instants(x: str) -> Iterator[tuple[str, str, str]]:
    # Ruby writes a space before the zone, and UTC for Z.
    plain = f"replace(replace(replace({x}, ' UTC', 'Z'), ' +', '+'), ' -', '-')"
    long, short, hours = (f"{plain} GLOB '{each}'" for each in _OFFSETS)
    length = f"CASE WHEN {long} THEN 6 WHEN {short} THEN 5 WHEN {hours} THEN 3 ELSE 1 END"
    offset = (
        f"CASE WHEN {long} THEN substr({plain}, -6) "
        f"WHEN {short} THEN substr({plain}, -5, 3) || ':' || substr({plain}, -2) "
        f"WHEN {hours} THEN substr({plain}, -3) || ':00' ELSE 'Z' END"
    )
    fraction = f"substr({plain}, 20, length({plain}) - 19 - ({length}))"
    made = f"strftime('%Y-%m-%d %H:%M:%S', substr({plain}, 1, 19) || {offset}) || {fraction}"
    ends = f"({plain} GLOB '*Z' OR {plain} GLOB '*z' OR {long} OR {short} OR {hours})"
    is_clock = f"{x} GLOB '{_CLOCK}*'"
    zoned = f"{is_clock} AND {ends} AND {_is_fraction(fraction)} AND {_is_instant(x)}"
    yield "have a zone, such as Z", f"{zoned} AND {made} IS NOT NULL", made
    made = f"strftime('%Y-%m-%d %H:%M:%S', {x})"
    coarse = f"{x} GLOB '{_DAY}*' AND NOT ({is_clock}) AND {_is_day(x)} AND {made} IS NOT NULL"
    yield "have no seconds, or no clock", coarse, made
