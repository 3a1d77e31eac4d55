"""How each dialect of SQL spells things, and what it cannot do: one row a dialect.

A spelling is a template: ``{0}``, ``{1}`` … are the operands, ``{type}`` is the type of the result
in the dialect's words, ``{letters}`` the collation that knows what small letters are. A dialect
without a spelling of its own takes the standard one; None is what it cannot do, and is refused by
name when a query is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from attrs import field, frozen

from segmentkit.errors import UnsupportedError

CASEFOLD = "segmentkit_casefold"
"""The name of the function that `prepare` adds to SQLite."""

LETTERS = "segmentkit_letters"
"""Where `prepare` leaves, with an engine's dialect, the collation that knows small letters."""


class Construct(Enum):
    """What dialects spell differently."""

    POSITION = "contains"
    BEGINNING = "starts with"
    ENDING = "ends with"
    LETTERS = "letters whose case is known"
    FOLDED = "ignoring case"
    AMONG = "long lists of values"
    NOT_AMONG = "complements of long lists of values"
    EXACT = "sums and products of decimals"
    AS_FLOAT = "arithmetic of floats"
    NAN_AS_NULL = "floats that are not a number"
    FIRST_INSTANT = "dates against timestamps"

    __hash__ = object.__hash__


STANDARD: Mapping[Construct, str] = MappingProxyType(
    {
        Construct.POSITION: "position({1} in {0})",
        Construct.BEGINNING: "substr({0}, 1, {1})",
        # "right" is a reserved word of SQL and a function of most dialects.
        Construct.ENDING: "right({0}, {1})",
        Construct.LETTERS: "{0}",
        Construct.FOLDED: "lower({0})",
        # As many short lists as it takes.
        Construct.AMONG: "{0}",
        Construct.NOT_AMONG: "{0}",
        Construct.EXACT: "({0})",
        Construct.AS_FLOAT: "CAST({0} AS {type})",
        # Most hold no NaN.
        Construct.NAN_AS_NULL: "{0}",
        Construct.FIRST_INSTANT: "CAST({0} AS {type})",
    }
)


class RareLetters(Enum):
    """How a dialect folds the letters that ``lower`` does not fold."""

    LEFT = "not at all, or with the others"
    TRANSLATED = "by translate(), and replace() where one becomes several"
    REPLACED = "by replace()"


@frozen
class Dialect:
    """A dialect of SQL.

    Attributes:
        name: What SQLAlchemy calls it.
        title: What its makers call it.
        run: Whether the tests run it; what is not run is only compiled.
        spellings: Where it differs from the standard.
        rare_letters: How it folds the letters that ``lower`` does not fold.
        parameters: How many a statement may have, where that is less than a definition can ask.
        arrays: Whether a list can be bound as an array; otherwise it is JSON.
        nul: Whether a text can hold the character NUL.
        collations: Those that may know small letters beyond ASCII, the first that does is taken;
            empty where it is not up to the database.
    """

    name: str
    title: str
    run: bool = False
    spellings: Mapping[Construct, str | None] = field(factory=dict)
    rare_letters: RareLetters = RareLetters.LEFT
    parameters: int | None = None
    arrays: bool = False
    nul: bool = True
    collations: tuple[str, ...] = ()

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
            Construct.AMONG: "{1} IN (SELECT value FROM json_each({2}))",
            Construct.NOT_AMONG: "{1} NOT IN (SELECT value FROM json_each({2}))",
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
            Construct.AMONG: "{1} IN (SELECT unnest({2}))",
            Construct.NOT_AMONG: "{1} NOT IN (SELECT unnest({2}))",
            Construct.NAN_AS_NULL: _NULLIF_NAN,
        },
        rare_letters=RareLetters.TRANSLATED,
        arrays=True,
    ),
    Dialect(
        "postgresql",
        "PostgreSQL",
        run=True,
        spellings={
            # The cast, for types that ignore case in their own way; the collation, for columns
            # and databases whose own one knows ASCII only.
            Construct.LETTERS: "CAST({0} AS TEXT) COLLATE {letters}",
            Construct.AMONG: "{1} = ANY ({2})",
            Construct.NOT_AMONG: "{1} <> ALL ({2})",
            Construct.NAN_AS_NULL: _NULLIF_NAN,
        },
        rare_letters=RareLetters.TRANSLATED,
        arrays=True,
        nul=False,
        collations=("default", "und-x-icu", "pg_c_utf8", "C.utf8", "en_US.utf8"),
    ),
    Dialect(
        "mariadb",
        "MariaDB",
        run=True,
        spellings={
            # What is small depends on the collation, and so would what replace() finds.
            Construct.LETTERS: "CONVERT({0} USING utf8mb4) COLLATE utf8mb4_uca1400_as_cs",
            Construct.FOLDED: "lower({0}) COLLATE utf8mb4_nopad_bin",
            Construct.AS_FLOAT: _PLUS_FLOAT,
        },
        rare_letters=RareLetters.REPLACED,
    ),
    Dialect("mysql", "MySQL", spellings={Construct.AS_FLOAT: _PLUS_FLOAT}),
    Dialect(
        "mssql",
        "SQL Server",
        spellings={
            Construct.POSITION: "charindex({1}, {0})",
            Construct.BEGINNING: "left({0}, {1})",
        },
        parameters=2_100,
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


def dialect_named(name: str) -> Dialect:
    """The row of a dialect; one that is not in the table is taken to speak the standard."""
    return DIALECTS.get(name) or Dialect(name, name)
