"""The shapes that statements can have, and how long they may be."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Sequences(Enum):
    """How it is found whether another row comes after a row, or before it."""

    CORRELATED = "a look-up for each row, which the engine may make a join of"
    NAMED = "a look-up among the rows of the step, which are put aside first"
    NAMED_CHAINS = "the same where what comes after has something to come after it, too"
    SORTED = "one pass over the rows of both steps, sorted by owner and instant"


class Ends(Enum):
    """How the row at the first or the last instant is found."""

    JOINED = "rows joined to the instants of their owners"
    PAIRED = "rows whose owner and instant are among those"
    SORTED = "rows sorted by owner and instant"


@frozen
class Shapes:
    """The shapes of what a planner may make a product of, where it has no index or statistics.

    Attributes:
        sequences: How it is found whether another row comes after a row, or before it.
        ends: How the row at the first or the last instant is found.
        joined: Whether alternatives are tests of what is joined, not sets of keys beside others.
        apart: Whether a HAVING of no other use keeps who has rows apart from who is asked.
        listed: Whether a list of those who pass, and no join, says whose rows are grouped.
        unsorted: Whether rows are grouped by a value of which there is no index.
    """

    sequences: Sequences = Sequences.CORRELATED
    ends: Ends = Ends.JOINED
    joined: bool = False
    apart: bool = False
    listed: bool = False
    unsorted: bool = False


@frozen
class Length:
    """How long a statement may be, with its parameters, which drivers write into it.

    Attributes:
        usual: How many bytes it may have, unless a database is told otherwise.
        setting: What tells it.
        asked: The query that finds what it was told.
    """

    usual: int
    setting: str
    asked: str
