"""Constructs that dialects spell differently: their standard spelling, and the row of a dialect.

A spelling is a template: ``{0}``, ``{1}`` … are the operands, ``{type}`` is the type of the result
in the dialect's words, ``{letters}`` the collation that knows what small letters are. A dialect
without a spelling of its own takes the standard one; None is what it cannot do, and is refused by
name when a query is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

from attrs import Factory, field, frozen
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Integer,
    Numeric,
    String,
)
from sqlalchemy.types import TypeEngine

from segmentkit._calendar import SUNDAY_WEEK
from segmentkit.errors import UnsupportedError
from segmentkit.sqlalchemy.dialects.function_spellings import (
    FIRST_SUNDAY,
    FIRST_SUNDAYS,
    MODULO,
    MONDAYS,
    ORDINALS,
    SPLIT_BY_INDEX,
    WEEKDAYS,
    version_by,
)
from segmentkit.sqlalchemy.dialects.shapes import Length, Shapes

CASEFOLD = "segmentkit_casefold"
BUCKET = "segmentkit_bucket"
MATCHES = "segmentkit_matches"
VERSION = "segmentkit_version"
"""The names of functions that `prepare` adds to SQLite."""

LETTERS = "segmentkit_letters"
"""Where `prepare` leaves, with an engine's dialect, the collation that knows small letters."""


SENT_DIGITS = 15
"""How many digits after the point a decimal has where it is sent as text."""


_FLOAT: TypeEngine[Any] = Double()
_ISO_WEEKDAY = "CAST(extract(isodow from {0}) AS INTEGER)"
_UNTRIED: Mapping[str, None] = MappingProxyType(
    dict.fromkeys(("snowflake", "bigquery", "trino", "databricks", "redshift"))
)
"""Nobody has run these there."""


class Construct(Enum):
    """What dialects spell differently.

    A title such as ``week()`` makes it what the function is lowered to, with the arguments as
    operands. Its spellings stand here, by the names of dialects or of their families; all others
    stand with the dialects.

    Attributes:
        title: What it is called in a refusal.
        standard: The spelling of a dialect that has no own one; None is refused.
        type: The type of the result; None is that of the first operand.
        own: How dialects spell a function.
    """

    POSITION = "contains", "position({1} in {0})", Integer()
    BEGINNING = "starts with", "substr({0}, 1, {1})", String()
    # A pattern whose end is \z (1) or \Z (2), as it is written (3), what it does not match (4), and
    # the pattern without its ends (5).
    MATCHES = (
        "matches",
        None,
        Boolean(),
        {
            # It has no regular expressions.
            "sqlite": f"{MATCHES}({{0}}, {{3}})",
            "duckdb": "regexp_full_match({0}, {5})",
            # Types and columns that ignore case do so here, too.
            "postgresql": '(CAST({0} AS TEXT) COLLATE "C" ~ {2})',
            "clickhouse": "match({0}, {1})",
            "spark": "({0} RLIKE {1})",
        },
    )
    # "right" is a reserved word of SQL and a function of most dialects.
    ENDING = "ends with", "right({0}, {1})", String()
    LETTERS = "letters whose case is known", "{0}", String()
    FOLDED = "ignoring case", "lower({0})", String()
    # Most compare texts by code point anyway.
    EXACT_TEXT = "comparing texts by code point", "{0}", String()
    TEXT_ORDER = (
        "the order of texts by code point",
        "{0}",
        String(),
        # Other databases compare so; here the order is that of the database's locale.
        {"postgresql": '(CAST({0} AS TEXT) COLLATE "C")'},
    )
    # As many short lists as it takes.
    AMONG = "long lists of values", "{0}", Boolean()
    NOT_AMONG = "complements of long lists of values", "{0}", Boolean()
    LISTED = "in list", "{0}", Boolean()
    NOT_LISTED = "not in list", "{0}", Boolean()
    # That a key is not among those of a query, {1}.
    ABSENT = "keys without rows", "({0} NOT IN {1})", Boolean()
    # A decimal as it is; rounded to its scale, {1}, where decimals are floats.
    EXACT = "sums and products of decimals", "({0})"
    FLAG = "conditions as columns", "({0})", Boolean()
    IS_FLAGGED = "columns as conditions", "{0}", Boolean()
    # With a number, {1}, that tells the count from others.
    TALLY = "counts of rows that pass a test", "count(CASE WHEN {0} THEN 1 END)", Integer()
    # In a type that results fit.
    WHOLE = "arithmetic of whole numbers", "{0}"
    ADDEND = "sums of whole numbers", "{0}"
    SIGNED = "choices of whole numbers", "{0}"
    AS_FLOAT = "arithmetic of floats", "CAST({0} AS {type})", _FLOAT
    # NULL where a count is zero.
    DIVISOR = "averages", "{0}", _FLOAT
    # Most hold no NaN; where there is one it is missing.
    NAN_AS_NULL = "floats that are not a number", "{0}"
    # Most take minus zero and zero for one value everywhere.
    ZERO_AS_ONE = "computed floats in lists and among distinct values", "{0}"
    FIRST_INSTANT = "dates against timestamps", "CAST({0} AS {type})", DateTime()
    # The days and the seconds may be negative.
    DAYS_LATER = "dates followed by dates within", "({0} + {1})"
    SECONDS_LATER = "times some seconds later", "({0} + {1} * INTERVAL '1' SECOND)"
    MONTHS_LATER = (
        "dates some months later",
        # At the end of a shorter month they stop.
        "CAST({0} + {1} * INTERVAL '1' MONTH AS DATE)",
        Date(),
        {
            "sqlite": "min(date({0}, 'start of month', {1} || ' months', "
            "(CAST(substr({0}, 9, 2) AS INTEGER) - 1) || ' days'), "
            # Its calendar ends with the year 9999, too.
            "coalesce(date({0}, 'start of month', ({1} + 1) || ' months', '-1 day'), "
            "'9999-12-31'))",
            "mysql": "timestampadd(MONTH, {1}, {0})",
            "clickhouse": "addMonths({0}, {1})",
            "mssql": "dateadd(month, {1}, {0})",
            "spark": "add_months({0}, CAST({1} AS INT))",
            # The last day of a month becomes the last one of the other.
            "oracle": None,
            **_UNTRIED,
        },
    )
    MICROS = (
        "lengths of time between two times",
        "CAST(extract(epoch FROM {0}) * 1000000 AS BIGINT)",
        BigInteger(),
        {
            # 1970 began that many seconds after the first Julian day. Of a float of days, seconds
            # are exact once they are rounded; strftime('%s') takes twice as long.
            "sqlite": "((CAST(round(julianday(substr({0}, 1, 19)) * 86400) AS INTEGER)"
            " - 210866760000) * 1000000 + CAST(substr({0}, 21, 6) AS INTEGER))",
            "duckdb": "epoch_us({0})",
            # The seconds of an instant are a decimal there, which takes three times as long; those
            # of a day are a float that has all its microseconds.
            "postgresql": "((CAST({0} AS DATE) - DATE '1970-01-01') * CAST(86400000000 AS BIGINT)"
            " + CAST(date_part('epoch', CAST({0} AS TIME)) * 1000000 AS BIGINT))",
            "mysql": "timestampdiff(MICROSECOND, '1970-01-01', {0})",
            "clickhouse": "toUnixTimestamp64Micro(toDateTime64({0}, 6, 'UTC'))",
            "mssql": "datediff_big(microsecond, '19700101', {0})",
            "spark": "unix_micros(CAST(concat(CAST({0} AS STRING), 'Z') AS TIMESTAMP))",
            "oracle": None,
            **_UNTRIED,
        },
    )
    # Of a parameter, which some take for a text.
    AS_INSTANT = "instants beside others", "{0}", DateTime(), {"mysql": "CAST({0} AS DATETIME(6))"}
    AS_DATE = "dates beside others", "{0}", Date(), {"mysql": "CAST({0} AS DATE)"}
    SINCE_1970 = (
        "instants as milliseconds",
        # The second operand is the begin of 1970.
        "({1} + {0} * INTERVAL '0.001' SECOND)",
        DateTime(),
        {
            # In the form that SQLAlchemy writes.
            "sqlite": "(datetime(({0} - ({0} % 1000 + 1000) % 1000) / 1000, "
            "'unixepoch') || printf('.%03d000', ({0} % 1000 + 1000) % 1000))",
            "duckdb": "make_timestamp({0} * 1000)",
            # The product with an interval is a float.
            "postgresql": "({1} + {0} / 86400000 * INTERVAL '1 day'"
            " + mod({0}, 86400000) * INTERVAL '0.001' SECOND)",
            "mysql": "timestampadd(MICROSECOND, {0} * 1000, CAST({1} AS DATETIME(6)))",
            "clickhouse": "toDateTime64(fromUnixTimestamp64Milli(toInt64({0}), 'UTC'), 6, 'UTC')",
            "mssql": "dateadd(millisecond, {0} % 86400000, dateadd(day, {0} / 86400000, {1}))",
            "spark": "(TIMESTAMP_NTZ '1970-01-01 00:00:00' + {0} * INTERVAL '0.001' SECOND)",
            "oracle": "({1} + numtodsinterval({0} / 1000, 'SECOND'))",
            **_UNTRIED,
        },
    )
    # However an instant is written, where it is a text.
    CLOCK = "comparing timestamps", "{0}"
    # The same for what is compared with the steps of a clock alone: with a space, and any digits.
    SPACED = "steps of clocks", "{0}", DateTime()
    # The same for the first and the last of instants, and then what makes the full form of one.
    IN_ORDER = "first and last instants", "{0}"
    IN_FULL = "the digits of instants", "{0}"
    # Asked for each row, not the rows for each on the list; and grouped, not by an index.
    PROBED = "keys on a list that a query makes", "{0}"
    OWNER = "owners of rows", "{0}"
    # Most keep no zone with an instant.
    IN_UTC = "timestamps with a time zone", "{0}", DateTime()
    DAY = (
        "the day of a timestamp",
        "CAST({0} AS {type})",
        Date(),
        {"sqlite": "substr({0}, 1, 10)", "clickhouse": "toDate32({0})", **_UNTRIED},
    )
    WEEK = (
        "week()",
        # Weeks begin on Monday, the first day of seven.
        f"({{0}} - {_ISO_WEEKDAY} + 1)",
        Date(),
        {**MONDAYS, **_UNTRIED},
    )
    SUNDAY_WEEK = (
        "weeks that begin on Sunday",
        FIRST_SUNDAY,
        Date(),
        {**FIRST_SUNDAYS, **_UNTRIED},
    )
    WEEKDAY = "weekday()", _ISO_WEEKDAY, Integer(), {**WEEKDAYS, **_UNTRIED}
    ORDINAL = (
        "streak",
        # What number a day has in the calendar, whose first one is 1.
        "({0} - DATE '0001-01-01' + 1)",
        BigInteger(),
        {**ORDINALS, **_UNTRIED},
    )
    HOUR = (
        "hour()",
        "extract(hour from {0})",
        Integer(),
        {
            "sqlite": "CAST(substr({0}, 12, 2) AS INTEGER)",
            "clickhouse": "toHour({0})",
            "mssql": "datepart(hour, {0})",
            **_UNTRIED,
        },
    )
    MODULO = (
        "mod()",
        MODULO.replace("~", "mod({0}, nullif({1}, 0))"),
        BigInteger(),
        {
            "mssql": MODULO.replace("~", "(({0}) % nullif({1}, 0))"),
            "sqlite": MODULO.replace("~", "(({0}) % nullif({1}, 0))"),
        },
    )
    LENGTH = (
        "length()",
        "char_length({0})",
        Integer(),
        {
            # Its length() ends at a NUL, and instr() does not. No text has these bytes.
            "sqlite": "CASE WHEN instr({0}, char(0)) THEN "
            "instr({0} || CAST(x'FFFF' AS TEXT), CAST(x'FFFF' AS TEXT)) - 1 ELSE length({0}) END",
            "duckdb": "length({0})",
            # The function without "UTF8" counts bytes.
            "clickhouse": "toInt64(lengthUTF8({0}))",
            # It leaves out blanks at the end, and counts characters beyond the basic plane as two
            # unless the collation says otherwise.
            "mssql": "(len(CAST({0} AS NVARCHAR(MAX)) COLLATE Latin1_General_100_CI_AS_SC"
            " + '.') - 1)",
            "oracle": "length4({0})",
            "snowflake": "length({0})",
            "trino": "length({0})",
        },
    )
    # Of a text that is a version where {1} holds. {2} and {5} find numbers among names; what takes
    # their place is after each, by a backslash and by a dollar.
    VERSION = (
        "version()",
        None,
        String(),
        {
            "sqlite": f"{VERSION}({{0}})",
            "duckdb": version_by("regexp_replace({}, {}, {}, 'g')", 3),
            # In the order of code points, whatever the database's own is.
            "postgresql": "("
            + version_by("regexp_replace({}, {}, {}, 'g')", 3, "CAST({0} AS TEXT)")
            + ' COLLATE "C")',
            "clickhouse": version_by(
                "replaceRegexpAll({}, {}, {})",
                3,
                split=SPLIT_BY_INDEX.replace("substring_index", "substringIndex"),
                padded="leftPad({0}, 18, '0')",
            ),
            "spark": version_by("regexp_replace({}, {}, {})", 4),
        },
    )
    # In radians, whose sine and cosine are in the proportion of two numbers.
    ANGLE = "distance()", "atan2({0}, {1})", _FLOAT, {"mssql": "atn2({0}, {1})", **_UNTRIED}
    BUCKET = (
        "sample()",
        # The first 32 bits of the MD5 digest of a text, as a number.
        "conv(substr(md5({0}), 1, 8), 16, 10)",
        BigInteger(),
        {
            # It has no digests.
            "sqlite": f"{BUCKET}({{0}})",
            "duckdb": "CAST('0x' || substr(md5({0}), 1, 8) AS BIGINT)",
            "postgresql": "CAST(CAST('x' || substr(md5({0}), 1, 8) AS BIT(32)) AS BIGINT)",
            "mysql": "CAST(conv(substr(md5({0}), 1, 8), 16, 10) AS UNSIGNED)",
            # The bytes are in the order of the digits.
            "clickhouse": "toInt64(reinterpretAsUInt32(reverse(substring(MD5({0}), 1, 4))))",
            # Its digests are of other bytes than those of UTF-8.
            "mssql": None,
            "spark": "CAST(conv(substr(md5({0}), 1, 8), 16, 10) AS BIGINT)",
            "oracle": "to_number(substr(rawtohex(standard_hash({0}, 'MD5')), 1, 8), 'XXXXXXXX')",
            **_UNTRIED,
        },
    )
    # Of whole numbers, rounded down; neither is negative.
    QUOTIENT = "tiles of ranks", "({0} / {1})", BigInteger(), _UNTRIED
    LOOKED_UP = "attributes behind a link", "{0}"
    # Of nobody most engines compute NULL.
    OF_SOME = "aggregates among people", "{0}"
    # Parameters have their types anyway.
    SENT_INSTANT = "instants that are written out", "{0}", DateTime()
    SENT_DATE = "dates that are written out", "{0}", Date()
    SENT_DECIMAL = "decimals that are written out", "{0}", Numeric()
    EVERYONE = "conditions that hold of everyone", "true", Boolean()
    NOBODY = "conditions that hold of nobody", "false", Boolean()
    # Of a sub-query that finds it by its key.
    ONLY_ROW = "the one row behind a link", "{0}"
    # The empty text, or what is compared with it among others.
    EMPTY_TEXT = 'the empty text ""', "{0}"
    INFINITE = "numbers too large for a float", "{0}", _FLOAT
    # Some have no two kinds of timestamps.
    ZONED = "timestamps without a zone against timestamps with one", "{0}", DateTime(timezone=True)
    # There is no word that all know.
    JSON_TEXT = "texts in JSON", None, String()
    JSON_BOOLEAN = "booleans in JSON", None, Boolean()
    JSON_WHOLE = "whole numbers in JSON", None, BigInteger()
    JSON_FLOAT = "floats in JSON", None, _FLOAT
    JSON_DECIMAL = "decimals in JSON", None, Numeric()
    JSON_DATE = "dates in JSON", None, Date()
    JSON_INSTANT = "timestamps in JSON", None, DateTime()
    JSON_LIST = "lists of texts in JSON", None, JSON()
    IN_JSON = "contains, of lists in JSON", None, Boolean()
    HAS_ANY = "contains, of arrays", None, Boolean()
    IN_ARRAY = "contains … ignoring case, of arrays", None, Boolean()
    ARRAY_SIZE = "length, of arrays", None, BigInteger()
    JSON_SIZE = "length, of lists in JSON", None, BigInteger()
    MANY_IN_JSON = "contains any of more than 1,000 texts, of lists in JSON", None, Boolean()
    MANY_IN_ARRAY = (
        "contains any of more than 1,000 texts ignoring case, of arrays",
        None,
        Boolean(),
    )

    def __init__(
        self,
        title: str,
        standard: str | None,
        type: TypeEngine[Any] | None = None,
        own: Mapping[str, str | None] = MappingProxyType({}),
    ) -> None:
        self.title = title
        self.standard = standard
        self.type = type
        self.own = own

    __hash__ = object.__hash__


FUNCTIONS: Mapping[str, Construct] = MappingProxyType(
    {c.title.removesuffix("()"): c for c in Construct if c.title.endswith("()")}
    | {SUNDAY_WEEK: Construct.SUNDAY_WEEK}
)
"""What functions of the language are lowered to, by their names."""


@frozen
class Dialect:
    """A dialect of SQL.

    Attributes:
        name: What SQLAlchemy calls it.
        title: What its makers call it.
        run: Whether the tests run it; what is not run is only compiled.
        family: The name under which functions are spelled for it; by default its own.
        spellings: Where it differs from the standard.
        rare_letters: The test that a text, {0}, holds one of the letters that ``lower`` does not
            fold, {1}; None where they are not folded, or by the same function as the others.
        translates: Whether it has ``translate``.
        parameters: How many a statement may have, where there is a limit.
        length: How long a statement may be, where there is a limit.
        too_complex: What its errors say of a statement that is too complex, with what helps.
        arrays: Whether a list can be bound as an array; otherwise it is JSON.
        arrow: Whether its driver gives answers in columns of Arrow.
        nul: Whether a text can hold the character NUL.
        collations: Those that may know small letters beyond ASCII, the first that does is taken;
            empty where it is not up to the database.
        exact_collations: Those of columns that it compares by code point, where not all do.
        after_outer_joins: What follows a query whose rows without a partner are to have NULL.
        after_columns: What follows a query each of whose columns is to be computed once.
        naming: How a value, {1}, has a name, {name}, in what is made of it, {0}; empty where it
            is written as often as it is used.
        named_from: Of how many characters on a value has a name: a name takes its time, too.
        shapes: How a source asks about rows in order.
        predicate_shapes: The same in a predicate, to which the user's query adds tests of its own.
        shapes_since: The first version that takes these shapes.
        package: What teaches it to SQLAlchemy, where SQLAlchemy does not know it itself.
        notes: What a user of it should know; the documentation shows them.
    """

    name: str
    title: str
    run: bool = False
    family: str = field(default=Factory(lambda self: self.name, takes_self=True))
    spellings: Mapping[Construct, str | None] = field(factory=dict)
    rare_letters: str | None = None
    translates: bool = False
    parameters: int | None = None
    length: Length | None = None
    too_complex: Mapping[str, str] = field(factory=dict)
    arrays: bool = False
    arrow: bool = False
    nul: bool = True
    collations: tuple[str, ...] = ()
    exact_collations: tuple[str, ...] = ()
    after_outer_joins: str | None = None
    after_columns: str | None = None
    naming: str = ""
    named_from: int = 1_000
    shapes: Shapes = field(factory=Shapes)
    predicate_shapes: Shapes = field(default=Factory(lambda self: self.shapes, takes_self=True))
    shapes_since: tuple[int, ...] = ()
    package: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def refuses(self) -> frozenset[Construct]:
        """What it cannot do."""
        return frozenset(each for each in Construct if self.template(each) is None)

    def spelling(self, construct: Construct) -> str:
        """The template of a construct.

        Raises:
            UnsupportedError: The dialect cannot do it.
        """
        found = self.template(construct)
        if found is None:
            raise UnsupportedError(f"{self.title} cannot do {construct.title!r}")
        return found

    def template(self, construct: Construct) -> str | None:
        """The template of a construct; None where it is refused."""
        standard = construct.own.get(self.family, construct.standard)
        return self.spellings.get(construct, standard)
