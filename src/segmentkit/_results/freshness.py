"""How old the newest rows of tables are, against what the schema allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

from attrs import frozen

from segmentkit._checking.memberships import RELATION, RUNS
from segmentkit._definition import Defined, lowest_first
from segmentkit._language import syntax as t
from segmentkit._planning import ir
from segmentkit.dtypes import DATE, TEXT
from segmentkit.errors import DataError
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


@frozen
class LastRun(Loaded):
    """How old the last run of a segment is, up to which it is known who was in it.

    Attributes:
        segment: The segment that a definition asks about.
    """

    segment: str = ""

    def __str__(self) -> str:
        if self.newest is None:
            return f"segment {self.segment!r} was not run by then"
        return f"the last run of segment {self.segment!r} is {spoken(self.age)} old"

    @property
    def refusal(self) -> str:
        """Why a definition is refused that asks who has long been in, entered or left."""
        if self.newest is None:
            return f"{self}, so it is not known who was in it: run it in the store first"
        return (
            f"{self}, and the schema takes what a run has found for known until {self.fresh.stale} "
            "after it: run the segment again, or say in the schema that it may be older, as by "
            'store.remember(schema, stale="30 days")'
        )


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
        segment: The segment whose runs the rows are; None for all rows.
    """

    entity: Entity
    fresh: Fresh
    now: date
    schema: Schema
    segment: str | None = None

    @classmethod
    def of(
        cls, entity: Entity, schema: Schema, instant: datetime, segment: str | None = None
    ) -> Ageing:
        """What is asked about a table that has thresholds, at an instant in UTC."""
        assert entity.fresh is not None
        at = entity.attribute(entity.fresh.at)
        assert at is not None
        today = instant.replace(tzinfo=UTC).astimezone(schema.zone).date()
        return cls(entity, entity.fresh, today if at.dtype == DATE else instant, schema, segment)

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
        test = ir.Compare(operator, self.column, ir.Const(time, self.column.dtype))
        if self.segment is None:
            return test
        name = ir.Column(ir.Scope.ENTITY, (), "segment", TEXT, nullable=False)
        own = ir.Compare(ir.Comparison.EQ, name, ir.Const(self.segment, TEXT))
        return ir.conjunction([own, test])

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
        told = self.fresh.at, self.fresh
        if self.segment is None:
            return Loaded(self.entity.name, *told, rows, counts["later"], within, time, age)
        name, own = f"{self.entity.name} of {self.segment}", counts["past"] + counts["later"]
        return LastRun(name, *told, own, counts["later"], within, time, age, self.segment)


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


def asked_stays(asked: Iterable[Defined]) -> set[str]:
    """The segments whose stays definitions ask for: who has long been in, entered or left."""
    found: set[str] = set()
    for whole in asked:
        if whole.schema.entity.relation(RELATION) is None:
            continue
        for each in lowest_first(whole, lambda one: one._uses()):
            nodes = t.every(each._made)
            found |= {node.name for node in nodes if isinstance(node, t.Membership)}
    return found


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


def ages_read(asked: Sequence[Defined], instant: datetime) -> list[Ageing]:
    """What is asked about the tables that definitions read, and about runs of segments.

    Args:
        asked: Definitions of one schema.
        instant: The instant, naive, in UTC.
    """
    schema = asked[0].schema
    read = tables_of(asked) if any(each.fresh for each in schema.entities) else set()
    return [*ages_of(schema, read, instant), *_ages_of_runs(schema, asked_stays(asked), instant)]


def _ages_of_runs(schema: Schema, segments: Iterable[str], instant: datetime) -> list[Ageing]:
    return [Ageing.of(schema.named(RUNS), schema, instant, name) for name in sorted(segments)]


Load: TypeAlias = "Callable[[Schema, list[Ageing]], Iterable[Loaded]]"
"""What finds the newest rows of tables."""


def forgotten(asked: Mapping[str, Defined], instant: datetime, load: Load) -> dict[str, DataError]:
    """The definitions that ask for stays of a segment that no run has seen lately, and why.

    Args:
        asked: Definitions of one schema, by any names.
        instant: The instant, naive, in UTC.
        load: Finds when the segments were run.
    """
    stays = {name: asked_stays([each]) for name, each in asked.items()}
    names = set().union(*stays.values())
    if not names:
        return {}
    schema = next(iter(asked.values())).schema
    runs = load(schema, _ages_of_runs(schema, names, instant))
    stale = {
        each.segment: each for each in runs if isinstance(each, LastRun) and each.state == "stale"
    }
    return {
        name: DataError(stale[min(own & stale.keys())].refusal)
        for name, own in stays.items()
        if not own.isdisjoint(stale)
    }


def refuse(asked: Iterable[Defined | None], instant: datetime, load: Load) -> None:
    """Refuse definitions that ask for stays of a segment that no run has seen lately.

    Raises:
        DataError: There is one.
    """
    named = {f"{i}": each for i, each in enumerate(asked) if each is not None}
    for error in forgotten(named, instant, load).values():
        raise error
