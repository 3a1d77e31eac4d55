"""How old the newest rows of tables are, against what the schema allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from attrs import frozen

from segmentkit._definition import Defined, lowest_first
from segmentkit._planning import ir
from segmentkit.dtypes import DATE
from segmentkit.schema import Entity, Fresh, Schema

AGES = (1, 7, 30, 365)
"""Within how many days rows are counted."""


@frozen
class Loaded:
    """How old the newest row of a table is.

    Attributes:
        table: The entity whose rows these are.
        at: The attribute that says when a row was loaded or happened.
        fresh: What the schema allows.
        rows: The number of rows.
        later: How many of them are after the instant of the question; they say nothing of it.
        within: How many are at most 1, 7, 30 and 365 days old.
        newest: The time of the newest row that is not later, a date or an instant in UTC; None if
            there is no such row.
        age: How old that row is.
        state: ``ok``, ``warn`` or ``stale``.
    """

    table: str
    at: str
    fresh: Fresh
    rows: int
    later: int
    within: tuple[int, ...]
    newest: date | None
    age: timedelta | None

    @property
    def state(self) -> str:
        """``ok``, ``warn`` or ``stale``, as the schema says."""
        return self.fresh.state(self.age)

    def __str__(self) -> str:
        if self.newest is None:
            return f"{self.table} has no row of this time or before"
        return f"the newest row of {self.table} is {spoken(self.age)} old"


def spoken(age: timedelta | None) -> str:
    """An age as one says it.

    Example:
        >>> spoken(timedelta(hours=26)), spoken(timedelta(minutes=90)), spoken(timedelta(days=9))
        ('26 hours', '90 minutes', '9 days')
    """
    if age is None:
        return "–"
    if not age.seconds and age.days:
        return f"{age.days:,} day{'s' * (age.days != 1)}"
    for unit, seconds, most in (("minute", 60, 120), ("hour", 3600, 72), ("day", 86_400, None)):
        count = int(age.total_seconds()) // seconds
        if most is None or count < most:
            return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"
    raise AssertionError(age)


@frozen
class Ageing:
    """What is asked about the rows of one table.

    Attributes:
        entity: The table.
        fresh: What the schema allows of it.
        now: The instant, naive, in UTC; of dates, the day.
        schema: The schema.
    """

    entity: Entity
    fresh: Fresh
    now: date
    schema: Schema

    @classmethod
    def of(cls, entity: Entity, schema: Schema, instant: datetime) -> Ageing:
        """What is asked about a table that has thresholds, at an instant in UTC."""
        assert entity.fresh is not None
        at = entity.attribute(entity.fresh.at)
        assert at is not None
        today = instant.replace(tzinfo=UTC).astimezone(schema.zone).date()
        return cls(entity, entity.fresh, today if at.dtype == DATE else instant, schema)

    @property
    def column(self) -> ir.Column:
        """When a row was loaded."""
        at = self.entity.attribute(self.fresh.at)
        assert at is not None
        return ir.Column(ir.Scope.ENTITY, (), at.name, at.dtype, at.nullable)

    @property
    def past(self) -> ir.Condition:
        """That a row is not later than the instant."""
        return self._compared(ir.Comparison.LE, self.now)

    @property
    def tests(self) -> dict[str, ir.Condition]:
        """What is counted of the rows."""
        recent = {
            f"within {days}": ir.conjunction(
                [self.past, self._compared(ir.Comparison.GT, self.now - timedelta(days=days))]
            )
            for days in AGES
        }
        later = self._compared(ir.Comparison.GT, self.now)
        return {"past": self.past, "later": later, **recent}

    def _compared(self, operator: ir.Comparison, time: date) -> ir.Condition:
        return ir.Compare(operator, self.column, ir.Const(time, self.column.dtype))

    def found(self, newest: Any, rows: int, counts: Mapping[str, int]) -> Loaded:
        """The answer.

        Args:
            newest: The time of the newest row that is not later: a time of pandas or nothing.
            rows: How many there are.
            counts: How many pass each test.
        """
        # Of no rows, some engines give a maximum that is none.
        is_known = counts["past"] > 0
        time, age = None, None
        if is_known and isinstance(self.now, datetime):
            time = newest.to_pydatetime().astimezone(UTC)
            age = self.now.replace(tzinfo=UTC) - time
        elif is_known:
            time = newest.date()
            age = self.now - time
        within = tuple(counts[f"within {days}"] for days in AGES)
        told = self.entity.name, self.fresh.at, self.fresh, rows, counts["later"], within
        return Loaded(*told, time, age)


def tables_of(asked: Iterable[Defined]) -> set[str]:
    """The entities whose rows definitions read, that of the population among them."""
    found: set[str] = set()
    seen: set[int] = set()
    for whole in asked:
        found.add(whole.schema.root)
        for each in lowest_first(whole, lambda one: one._uses()):
            if id(each) not in seen:
                seen.add(id(each))
                found |= _tables(each)
    return found


def _tables(each: Defined) -> set[str]:
    schema = each.schema
    found = set()
    for use in each.uses():
        for entity in schema.entities:
            if use.kind in _MEMBERS and use.name.startswith(f"{entity.name}."):
                found.add(entity.name)
                name = use.name.removeprefix(f"{entity.name}.")
                ways = (entity.link(name), entity.relation(name))
                found |= {way.to for way in ways if way is not None}
    return found


_MEMBERS = ("attribute", "link", "relation", "place")


def ages_of(schema: Schema, read: set[str] | None, instant: datetime) -> list[Ageing]:
    """What is asked about the tables that have thresholds.

    Args:
        schema: The schema.
        read: The entities that are read; None for all.
        instant: The instant, naive, in UTC.
    """
    return [
        Ageing.of(entity, schema, instant)
        for entity in schema.entities
        if entity.fresh is not None and (read is None or entity.name in read)
    ]
