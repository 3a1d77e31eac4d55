"""Whether the tables that segments read are as fresh as the schema says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import ClassVar

import pandas as pd
from attrs import define

from segmentkit._definition import AsOf, utc_of
from segmentkit._results.freshness import AGES, Loaded, spoken
from segmentkit.analysis._result import Result, moment, number, plural
from segmentkit.schema import Schema
from segmentkit.source import Segments, Source, check_source, named
from segmentkit.trait import Trait

STATES = ("ok", "warn", "stale")
"""The states of a table, the best first."""


@define(frozen=True, slots=False)
class Freshness(Result):
    """How old the newest rows of tables are, against what the schema allows.

    Attributes:
        as_of: The instant of the answer, in UTC.
        tables: The tables that have thresholds, in the schema's order.
    """

    as_of: datetime
    tables: tuple[Loaded, ...]

    _formats: ClassVar = {
        "rows": number,
        "later": number,
        **{f"in {plural(days, 'day')}": number for days in AGES},
    }

    @property
    def state(self) -> str:
        """The worst state of a table: ``ok``, ``warn`` or ``stale``."""
        return max((each.state for each in self.tables), key=STATES.index, default="ok")

    def of(self, table: str) -> Loaded:
        """One table.

        Raises:
            KeyError: It has no thresholds, or nothing reads it.
        """
        return {each.table: each for each in self.tables}[table]

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each table."""
        heads = ["table", "state", "newest", "age", "rows", "later"]
        heads += [f"in {plural(days, 'day')}" for days in AGES]
        rows = [
            (t.table, t.state, t.newest, spoken(t.age), t.rows, t.later, *t.within)
            for t in self.tables
        ]
        return pd.DataFrame(rows, columns=heads, dtype=object)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What is wrong, and where a table may only look fresh."""
        if not self.tables:
            return ("no table that is read says in the schema how fresh it is to be",)
        notes = []
        for each in self.tables:
            if each.state != "ok":
                least = getattr(each.fresh, each.state)
                notes.append(f"{each}: {each.state} from {least} on")
            if each.later:
                rows = plural(each.later, "row")
                notes.append(f"{each.table}: {rows} with a later {each.at} did not count")
        return tuple(notes)

    @property
    def _title(self) -> str:
        return f"{self.state}: {plural(len(self.tables), 'table')}, as of {moment(self.as_of)}"


def freshness(
    of: Schema | Segments,
    source: Source,
    *,
    traits: Iterable[Trait] = (),
    as_of: AsOf = None,
) -> Freshness:
    """See whether tables are as fresh as the schema says.

    A table's ``fresh`` in the schema names the time of its rows and from which age on to warn, or
    to call it stale. Rows later than the instant do not count: they would hide that loading has
    stopped. A table without a row of then or before is stale.

    Args:
        of: A schema, for all its tables; or segments, for those that they read.
        source: The source of the population.
        traits: Traits whose tables count, too.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The state of each table that has thresholds.

    Raises:
        SegmentkitError: As for `segmentkit.source.EngineSource.loaded`.

    Example:
        >>> import pandas as pd
        >>> import segmentkit as sk
        >>> import segmentkit.pandas as skp
        >>> seen = sk.Attribute("seen", sk.TIMESTAMP, nullable=True)
        >>> fresh = sk.Fresh("seen", warn="12 hours", stale="24 hours")
        >>> people = sk.Entity("people", key="id", attributes=[seen], fresh=fresh)
        >>> frame = pd.DataFrame({"id": [7], "seen": pd.to_datetime(["2026-03-01 12:00"])})
        >>> at = datetime(2026, 3, 2, 13)
        >>> found = freshness(sk.Schema([people]), skp.Source(frame), as_of=at)
        >>> found.state
        'stale'
        >>> print(*found.notes)
        the newest row of people is 25 hours old: stale from 24 hours on
    """
    check_source(source)
    schema = of if isinstance(of, Schema) else next(iter(named(of).values())).schema
    at = utc_of(as_of, schema)
    return Freshness(at, source.loaded(of, traits=traits, as_of=at))
