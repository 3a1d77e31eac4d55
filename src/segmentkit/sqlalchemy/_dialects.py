"""How each dialect of SQL spells things, and what it cannot do: one row a dialect.

A spelling is a template: ``{0}``, ``{1}`` … are the operands, ``{type}`` is the type of the result
in the dialect's words. A dialect without a spelling of its own takes the standard one; None is
what it cannot do, and is refused by name when a query is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from attrs import field, frozen

from segmentkit.errors import UnsupportedError

CASEFOLD = "segmentkit_casefold"
BUCKET = "segmentkit_bucket"
"""The names of functions that `prepare` adds to SQLite."""


class Construct(Enum):
    """What dialects spell differently."""

    POSITION = "contains"
    BEGINNING = "starts with"
    ENDING = "ends with"
    FOLDED = "ignoring case"
    EXACT = "sums and products of decimals"
    AS_FLOAT = "arithmetic of floats"
    NAN_AS_NULL = "floats that are not a number"
    FIRST_INSTANT = "dates against timestamps"
    IN_UTC = "timestamps with a time zone"
    SHIFTED = "the clocks of a time zone"
    DAY = "the day of a timestamp"
    WEEK = "week()"
    WEEKDAY = "weekday()"
    HOUR = "hour()"
    ANGLE = "distance()"
    BUCKET = "sample()"
    QUOTIENT = "tiles of ranks"

    __hash__ = object.__hash__


_ISO_WEEKDAY = "CAST(extract(isodow from {0}) AS INTEGER)"
STANDARD: Mapping[Construct, str] = MappingProxyType(
    {
        Construct.POSITION: "position({1} in {0})",
        Construct.BEGINNING: "substr({0}, 1, {1})",
        # "right" is a reserved word of SQL and a function of most dialects.
        Construct.ENDING: "right({0}, {1})",
        Construct.FOLDED: "lower({0})",
        Construct.EXACT: "({0})",
        Construct.AS_FLOAT: "CAST({0} AS {type})",
        # Most hold no NaN.
        Construct.NAN_AS_NULL: "{0}",
        Construct.FIRST_INSTANT: "CAST({0} AS {type})",
        # Most keep no zone with an instant.
        Construct.IN_UTC: "{0}",
        # The seconds may be negative.
        Construct.SHIFTED: "({0} + {1} * interval '1' second)",
        Construct.DAY: "CAST({0} AS {type})",
        # Weeks begin on Monday, the first day of seven.
        Construct.WEEK: f"({{0}} - {_ISO_WEEKDAY} + 1)",
        Construct.WEEKDAY: _ISO_WEEKDAY,
        Construct.HOUR: "extract(hour from {0})",
        Construct.ANGLE: "atan2({0}, {1})",
        Construct.BUCKET: "conv(substr(md5({0}), 1, 8), 16, 10)",
        # Of whole numbers, rounded down.
        Construct.QUOTIENT: "({0} / {1})",
    }
)


@frozen
class Dialect:
    """A dialect of SQL.

    Attributes:
        name: What SQLAlchemy calls it.
        title: What its makers call it.
        run: Whether the tests run it; what is not run is only compiled.
        spellings: Where it differs from the standard.
    """

    name: str
    title: str
    run: bool = False
    spellings: Mapping[Construct, str | None] = field(factory=dict)

    def spelling(self, construct: Construct) -> str:
        """The template of a construct.

        Raises:
            UnsupportedError: The dialect cannot do it.
        """
        found = self.spellings.get(construct, STANDARD[construct])
        if found is None:
            raise UnsupportedError(f"{self.title} cannot do {construct.value!r}")
        return found


_SUBSTR_FROM_END = "substr({0}, -{1})"
_NULLIF_NAN = "nullif({0}, 'NaN')"
# There is no cast to a float; a sum with one is.
_PLUS_FLOAT = "({0} + 0e0)"
_IN_UTC = "timezone('UTC', {0})"
_DAYS_AFTER_MONDAY = "((datediff(day, '19000101', {0}) % 7 + 7) % 7)"
_OF_MYSQL: Mapping[Construct, str | None] = {
    Construct.AS_FLOAT: _PLUS_FLOAT,
    Construct.SHIFTED: "({0} + interval {1} second)",
    Construct.BUCKET: "CAST(conv(substr(md5({0}), 1, 8), 16, 10) AS UNSIGNED)",
    Construct.QUOTIENT: "({0} DIV {1})",
    Construct.WEEK: "({0} - interval weekday({0}) day)",
    Construct.WEEKDAY: "(weekday({0}) + 1)",
}

_ROWS = (
    Dialect(
        "sqlite",
        "SQLite",
        run=True,
        spellings={
            Construct.POSITION: "instr({0}, {1})",
            Construct.ENDING: _SUBSTR_FROM_END,
            # Its own lower() knows ASCII only.
            Construct.FOLDED: CASEFOLD + "({0})",
            # Decimals are floats there.
            Construct.EXACT: "round({0}, {1})",
            # Instants are text there, in the form that SQLAlchemy writes.
            Construct.FIRST_INSTANT: "({0} || ' 00:00:00.000000')",
            # Its functions of time know milliseconds at most, and round: they get whole seconds.
            Construct.SHIFTED: "(strftime('%Y-%m-%d %H:%M:%S', substr({0}, 1, 19), "
            "{1} || ' seconds') || substr({0}, 20))",
            Construct.DAY: "substr({0}, 1, 10)",
            # It has no digests.
            Construct.BUCKET: BUCKET + "({0})",
            Construct.WEEK: "date({0}, '-6 days', 'weekday 1')",
            Construct.WEEKDAY: "((strftime('%w', {0}) + 6) % 7 + 1)",
            Construct.HOUR: "CAST(substr({0}, 12, 2) AS INTEGER)",
        },
    ),
    Dialect(
        "duckdb",
        "DuckDB",
        run=True,
        spellings={
            Construct.POSITION: "instr({0}, {1})",
            Construct.NAN_AS_NULL: _NULLIF_NAN,
            Construct.IN_UTC: _IN_UTC,
            Construct.SHIFTED: "({0} + to_seconds({1}))",
            Construct.BUCKET: "CAST('0x' || substr(md5({0}), 1, 8) AS BIGINT)",
            Construct.QUOTIENT: "({0} // {1})",
        },
    ),
    Dialect(
        "postgresql",
        "PostgreSQL",
        run=True,
        spellings={
            Construct.NAN_AS_NULL: _NULLIF_NAN,
            Construct.IN_UTC: _IN_UTC,
            Construct.BUCKET: "CAST(CAST('x' || substr(md5({0}), 1, 8) AS BIT(32)) AS BIGINT)",
        },
    ),
    Dialect("mariadb", "MariaDB", run=True, spellings=_OF_MYSQL),
    Dialect("mysql", "MySQL", spellings=_OF_MYSQL),
    Dialect(
        "mssql",
        "SQL Server",
        spellings={
            Construct.POSITION: "charindex({1}, {0})",
            Construct.BEGINNING: "left({0}, {1})",
            Construct.SHIFTED: "dateadd(second, {1}, {0})",
            Construct.HOUR: "datepart(hour, {0})",
            Construct.ANGLE: "atn2({0}, {1})",
            # Its digests are of other bytes than those of UTF-8.
            Construct.BUCKET: None,
            # Its own weekdays depend on a setting; 1 January 1900 was a Monday.
            Construct.WEEKDAY: f"({_DAYS_AFTER_MONDAY} + 1)",
            Construct.WEEK: f"dateadd(day, -{_DAYS_AFTER_MONDAY}, {{0}})",
        },
    ),
    Dialect(
        "oracle",
        "Oracle",
        spellings={
            Construct.POSITION: "instr({0}, {1})",
            Construct.ENDING: _SUBSTR_FROM_END,
            Construct.SHIFTED: "({0} + numtodsinterval({1}, 'second'))",
            Construct.BUCKET: "to_number(substr(rawtohex(standard_hash({0}, 'MD5')), 1, 8), "
            "'XXXXXXXX')",
            Construct.QUOTIENT: "trunc({0} / {1})",
            Construct.WEEK: "trunc({0}, 'IW')",
            Construct.WEEKDAY: "(trunc({0}) - trunc({0}, 'IW') + 1)",
        },
    ),
)
DIALECTS: Mapping[str, Dialect] = MappingProxyType({each.name: each for each in _ROWS})


def dialect_named(name: str) -> Dialect:
    """The row of a dialect; one that is not in the table is taken to speak the standard."""
    return DIALECTS.get(name) or Dialect(name, name)
