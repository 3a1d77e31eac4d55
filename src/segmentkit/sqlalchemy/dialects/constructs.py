"""What dialects of SQL spell differently, the standard spelling, and what a dialect's row says.

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
from segmentkit.sqlalchemy.dialects.json_spellings import JSON_CONSTRUCTS

CASEFOLD = "segmentkit_casefold"
BUCKET = "segmentkit_bucket"
"""The names of functions that `prepare` adds to SQLite."""

LETTERS = "segmentkit_letters"
"""Where `prepare` leaves, with an engine's dialect, the collation that knows small letters."""


SENT_DIGITS = 15
"""How many digits after the point a decimal has where it is sent as text."""


class Construct(Enum):
    """What dialects spell differently."""

    POSITION = "contains"
    BEGINNING = "starts with"
    ENDING = "ends with"
    LETTERS = "letters whose case is known"
    FOLDED = "ignoring case"
    EXACT_TEXT = "comparing texts by code point"
    AMONG = "long lists of values"
    NOT_AMONG = "complements of long lists of values"
    EXACT = "sums and products of decimals"
    FLAG = "conditions as columns"
    IS_FLAGGED = "columns as conditions"
    TALLY = "counts of rows that pass a test"
    WHOLE = "arithmetic of whole numbers"
    ADDEND = "sums of whole numbers"
    AS_FLOAT = "arithmetic of floats"
    DIVISOR = "averages"
    NAN_AS_NULL = "floats that are not a number"
    FIRST_INSTANT = "dates against timestamps"
    DAYS_LATER = "dates followed by dates within"
    SECONDS_LATER = "times some seconds later"
    LISTED = "in list"
    NOT_LISTED = "not in list"
    IN_UTC = "timestamps with a time zone"
    DAY = "the day of a timestamp"
    WEEK = "week()"
    WEEKDAY = "weekday()"
    HOUR = "hour()"
    ANGLE = "distance()"
    BUCKET = "sample()"
    QUOTIENT = "tiles of ranks"
    LOOKED_UP = "attributes behind a link"
    SENT_INSTANT = "instants that are written out"
    SENT_DATE = "dates that are written out"
    SENT_DECIMAL = "decimals that are written out"
    EVERYONE = "conditions that hold of everyone"
    NOBODY = "conditions that hold of nobody"
    ONLY_ROW = "the one row behind a link"
    EMPTY_TEXT = 'the empty text ""'
    INFINITE = "numbers too large for a float"
    ZONED = "timestamps without a zone against timestamps with one"
    JSON_TEXT = "texts in JSON"
    JSON_BOOLEAN = "booleans in JSON"
    JSON_WHOLE = "whole numbers in JSON"
    JSON_FLOAT = "floats in JSON"
    JSON_DECIMAL = "decimals in JSON"
    JSON_DATE = "dates in JSON"
    JSON_INSTANT = "timestamps in JSON"
    JSON_LIST = "lists of texts in JSON"
    IN_JSON = "contains, of lists in JSON"
    HAS_ANY = "contains, of arrays"
    IN_ARRAY = "contains … ignoring case, of arrays"
    MANY_IN_JSON = "contains any of more than 1,000 texts, of lists in JSON"
    MANY_IN_ARRAY = "contains any of more than 1,000 texts ignoring case, of arrays"

    __hash__ = object.__hash__


_ISO_WEEKDAY = "CAST(extract(isodow from {0}) AS INTEGER)"
STANDARD: Mapping[Construct, str | None] = MappingProxyType(
    {
        # There is no word that all know.
        **dict.fromkeys(map(Construct.__getitem__, JSON_CONSTRUCTS)),
        Construct.POSITION: "position({1} in {0})",
        Construct.BEGINNING: "substr({0}, 1, {1})",
        # "right" is a reserved word of SQL and a function of most dialects.
        Construct.ENDING: "right({0}, {1})",
        Construct.LETTERS: "{0}",
        Construct.FOLDED: "lower({0})",
        # Most compare texts by code point anyway.
        Construct.EXACT_TEXT: "{0}",
        # As many short lists as it takes.
        Construct.AMONG: "{0}",
        Construct.NOT_AMONG: "{0}",
        Construct.EXACT: "({0})",
        Construct.FLAG: "({0})",
        Construct.IS_FLAGGED: "{0}",
        Construct.TALLY: "count(CASE WHEN {0} THEN 1 END)",
        Construct.WHOLE: "{0}",
        Construct.ADDEND: "{0}",
        Construct.AS_FLOAT: "CAST({0} AS {type})",
        Construct.DIVISOR: "{0}",
        # Most hold no NaN.
        Construct.NAN_AS_NULL: "{0}",
        Construct.FIRST_INSTANT: "CAST({0} AS {type})",
        # The seconds and the days may be negative.
        Construct.SECONDS_LATER: "({0} + {1} * INTERVAL '1' SECOND)",
        Construct.DAYS_LATER: "({0} + {1})",
        Construct.LISTED: "{0}",
        Construct.NOT_LISTED: "{0}",
        # Most keep no zone with an instant.
        Construct.IN_UTC: "{0}",
        Construct.DAY: "CAST({0} AS {type})",
        # Weeks begin on Monday, the first day of seven.
        Construct.WEEK: f"({{0}} - {_ISO_WEEKDAY} + 1)",
        Construct.WEEKDAY: _ISO_WEEKDAY,
        Construct.HOUR: "extract(hour from {0})",
        Construct.ANGLE: "atan2({0}, {1})",
        Construct.BUCKET: "conv(substr(md5({0}), 1, 8), 16, 10)",
        # Of whole numbers, rounded down.
        Construct.QUOTIENT: "({0} / {1})",
        Construct.LOOKED_UP: "{0}",
        # Parameters have their types anyway.
        Construct.SENT_INSTANT: "{0}",
        Construct.SENT_DATE: "{0}",
        Construct.SENT_DECIMAL: "{0}",
        Construct.EVERYONE: "true",
        Construct.NOBODY: "false",
        Construct.ONLY_ROW: "{0}",
        Construct.EMPTY_TEXT: "{0}",
        Construct.INFINITE: "{0}",
        # Some have no two kinds of timestamps.
        Construct.ZONED: "{0}",
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
        rare_letters: The test that a text, {0}, holds one of the letters that ``lower`` does not
            fold, {1}; None where they are not folded, or by the same function as the others.
        translates: Whether it has ``translate``.
        parameters: How many a statement may have, where that is less than a definition can ask.
        arrays: Whether a list can be bound as an array; otherwise it is JSON.
        arrow: Whether its driver gives answers in columns of Arrow.
        nul: Whether a text can hold the character NUL.
        collations: Those that may know small letters beyond ASCII, the first that does is taken;
            empty where it is not up to the database.
        exact_collations: Those of columns that it compares by code point, where not all do.
        after_outer_joins: What follows a query with outer joins, for rows without a partner to
            have NULL.
        after_columns: What follows a query whose columns are used many times, for each to be
            computed once.
        package: What teaches it to SQLAlchemy, where SQLAlchemy does not know it itself.
        notes: What a user of it should know; the documentation shows them.
    """

    name: str
    title: str
    run: bool = False
    spellings: Mapping[Construct, str | None] = field(factory=dict)
    rare_letters: str | None = None
    translates: bool = False
    parameters: int | None = None
    arrays: bool = False
    arrow: bool = False
    nul: bool = True
    collations: tuple[str, ...] = ()
    exact_collations: tuple[str, ...] = ()
    after_outer_joins: str | None = None
    after_columns: str | None = None
    package: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def refuses(self) -> frozenset[Construct]:
        """What it cannot do."""
        spelled = {**STANDARD, **self.spellings}
        return frozenset(c for c, template in spelled.items() if template is None)

    def spelling(self, construct: Construct) -> str:
        """The template of a construct.

        Raises:
            UnsupportedError: The dialect cannot do it.
        """
        found = self.spellings.get(construct, STANDARD[construct])
        if found is None:
            raise UnsupportedError(f"{self.title} cannot do {construct.value!r}")
        return found
