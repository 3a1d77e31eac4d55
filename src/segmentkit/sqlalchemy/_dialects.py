"""How each dialect of SQL spells things, and what it cannot do: one row a dialect.

A spelling is a template: ``{0}``, ``{1}`` … are the operands, ``{type}`` is the type of the result
in the dialect's words, ``{letters}`` the collation that knows small letters. A dialect without a
spelling of its own takes the standard one; None is what it cannot do, and is refused by name when a
query is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

import sqlalchemy as sa
from attrs import field, frozen

from segmentkit.errors import UnsupportedError
from segmentkit.sqlalchemy._folding import SPECIAL, lowered, replaced, sparingly, translated

CASEFOLD = "segmentkit_casefold"
"""The name of the function that `prepare` adds to SQLite."""

LETTERS = "segmentkit_letters"
"""Where `prepare` leaves, with an engine's dialect, the collation that knows small letters."""


class Construct(Enum):
    """What dialects spell differently."""

    POSITION = "contains"
    BEGINNING = "starts with"
    ENDING = "ends with"
    FOLDED = "ignoring case"
    EXACT_TEXT = "comparing texts by code point"
    EXACT = "sums and products of decimals"
    WHOLE = "arithmetic of whole numbers"
    ADDEND = "sums of whole numbers"
    AS_FLOAT = "arithmetic of floats"
    DIVISOR = "averages"
    NAN_AS_NULL = "floats that are not a number"
    FIRST_INSTANT = "dates against timestamps"
    ZONED = "timestamps without a zone against timestamps with one"

    __hash__ = object.__hash__


STANDARD: Mapping[Construct, str] = MappingProxyType(
    {
        Construct.POSITION: "position({1} in {0})",
        Construct.BEGINNING: "substr({0}, 1, {1})",
        # "right" is a reserved word of SQL and a function of most dialects.
        Construct.ENDING: "right({0}, {1})",
        Construct.FOLDED: "lower({0})",
        # Most compare texts by code point anyway.
        Construct.EXACT_TEXT: "{0}",
        Construct.EXACT: "({0})",
        Construct.WHOLE: "{0}",
        Construct.ADDEND: "{0}",
        Construct.AS_FLOAT: "CAST({0} AS {type})",
        Construct.DIVISOR: "{0}",
        # Most hold no NaN.
        Construct.NAN_AS_NULL: "{0}",
        Construct.FIRST_INSTANT: "CAST({0} AS {type})",
        Construct.ZONED: "({0} AT TIME ZONE 'UTC')",
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
        collations: Those that may know small letters beyond ASCII, the first that does is taken;
            empty where it is not up to the database.
        exact_collations: Those of columns that it compares by code point, where not all do.
    """

    name: str
    title: str
    run: bool = False
    spellings: Mapping[Construct, str | None] = field(factory=dict)
    collations: tuple[str, ...] = ()
    exact_collations: tuple[str, ...] = ()

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
_DECIMAL = "CAST({0} AS DECIMAL(38, 0))"
# Java's and Rust's lower() makes another letter of it at the end of a word.
_NO_SIGMA = "replace({0}, 'Σ', 'σ')"
_AS_TEXT = "CAST({0} AS TEXT) COLLATE {letters}"
_AS_UTF8 = "CONVERT({0} USING utf8mb4)"
_OF_UNICODE_14 = " COLLATE utf8mb4_uca1400_as_cs"
# "bin" alone does not do: all but a few collations take no notice of spaces at the end.
_BY_CODE_POINT = " COLLATE utf8mb4_nopad_bin"
_BY_CODE_POINT_OF_MYSQL = " COLLATE utf8mb4_0900_bin"

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
        },
    ),
    Dialect(
        "duckdb",
        "DuckDB",
        run=True,
        spellings={
            Construct.POSITION: "instr({0}, {1})",
            Construct.FOLDED: sparingly(
                f"regexp_matches({{0}}, '{SPECIAL}')", translated(lowered("{0}")), "lower({0})"
            ),
            Construct.NAN_AS_NULL: _NULLIF_NAN,
        },
    ),
    Dialect(
        "postgresql",
        "PostgreSQL",
        run=True,
        spellings={
            # The cast, for types that ignore case in their own way; the collation, for columns
            # and databases whose own one knows ASCII only.
            Construct.FOLDED: sparingly(
                f"{_AS_TEXT} ~ '{SPECIAL}'", translated(lowered(_AS_TEXT)), f"lower({_AS_TEXT})"
            ),
            Construct.NAN_AS_NULL: _NULLIF_NAN,
        },
        collations=("default", "und-x-icu", "pg_c_utf8", "C.utf8", "en_US.utf8"),
    ),
    Dialect(
        "mariadb",
        "MariaDB",
        run=True,
        spellings={
            # What is small depends on the collation, and so would what replace() finds.
            Construct.FOLDED: sparingly(
                f"{_AS_UTF8}{_BY_CODE_POINT} REGEXP '{SPECIAL}'",
                replaced(lowered(_AS_UTF8 + _OF_UNICODE_14) + _BY_CODE_POINT),
                f"lower({_AS_UTF8}{_OF_UNICODE_14}){_BY_CODE_POINT}",
            ),
            Construct.POSITION: f"locate({{1}}, {_AS_UTF8}{_BY_CODE_POINT})",
            Construct.EXACT_TEXT: _AS_UTF8 + _BY_CODE_POINT,
            # Numbers without a sign have nothing below zero.
            Construct.WHOLE: "CAST({0} AS SIGNED)",
            Construct.AS_FLOAT: _PLUS_FLOAT,
        },
        exact_collations=("utf8mb4_nopad_bin",),
    ),
    Dialect(
        "mysql",
        "MySQL",
        spellings={
            Construct.POSITION: f"locate({{1}}, {_AS_UTF8}{_BY_CODE_POINT_OF_MYSQL})",
            Construct.EXACT_TEXT: _AS_UTF8 + _BY_CODE_POINT_OF_MYSQL,
            # Numbers without a sign have nothing below zero.
            Construct.WHOLE: "CAST({0} AS SIGNED)",
            Construct.AS_FLOAT: _PLUS_FLOAT,
        },
        exact_collations=("utf8mb4_0900_bin",),
    ),
    Dialect(
        "mssql",
        "SQL Server",
        spellings={
            Construct.POSITION: "charindex({1}, {0})",
            Construct.BEGINNING: "left({0}, {1})",
        },
    ),
    Dialect(
        "spark",
        "Spark SQL",
        run=True,
        spellings={
            Construct.FOLDED: sparingly(
                f"{{0}} RLIKE '{SPECIAL}'", translated(lowered(_NO_SIGMA)), f"lower({_NO_SIGMA})"
            ),
            # Sail divides nothing by zero too.
            Construct.DIVISOR: "nullif({0}, 0)",
            # NaN equals NaN there.
            Construct.NAN_AS_NULL: "nullif({0}, double('NaN'))",
            # Sail's integers wrap around; a decimal of 38 digits holds what they are computed to.
            Construct.WHOLE: _DECIMAL,
            Construct.ADDEND: _DECIMAL,
            # A cast between the two would be in the session's zone.
            Construct.ZONED: "CAST(concat(CAST({0} AS STRING), 'Z') AS {type})",
        },
    ),
    Dialect(
        "oracle",
        "Oracle",
        spellings={
            Construct.POSITION: "instr({0}, {1})",
            Construct.ENDING: _SUBSTR_FROM_END,
        },
    ),
)
DIALECTS: Mapping[str, Dialect] = MappingProxyType({each.name: each for each in _ROWS})


def dialect_of(spoken: sa.Dialect) -> Dialect:
    """The row of a dialect; one that is not in the table is taken to speak the standard."""
    # MariaDB may be reached by the name of MySQL, and tells who it is when it is connected.
    name = "mariadb" if getattr(spoken, "is_mariadb", False) else spoken.name
    return DIALECTS.get(name) or Dialect(name, name)
