"""A goal: what a segment is to bring about, by when, and who is held out to see whether it did."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

from segmentkit._calendar import first_instant
from segmentkit._definition import Defined, frozen_mapping, instant_of, pickled
from segmentkit._language.formatter import format_value
from segmentkit._usage import WrongValue
from segmentkit.dtypes import Kind
from segmentkit.errors import SchemaError
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait

Measure: TypeAlias = Trait | Segment
"""What is measured: the mean of a trait, or the rate of a segment."""

_WRITTEN = re.compile(r"([+-]?\d+(?:\.\d+)?) ?(%|pp)")
_NUMBERS = (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT)


@frozen
class Amount:
    """How much something changes.

    Attributes:
        number: So much.
        unit: ``%`` of what it would be otherwise, ``pp`` for percentage points of a rate, or
            nothing for the unit of the trait.
    """

    number: Decimal
    unit: str = ""

    @classmethod
    def of(cls, given: object, measure: Measure, key: str) -> Amount:
        """An amount as files write it: ``"10%"``, ``"1 pp"``, or a number for a trait.

        Raises:
            WrongValue: It is something else, or is no change of what is measured.
        """
        if isinstance(given, Amount):
            given = str(given) if given.unit else given.number
        found = _WRITTEN.fullmatch(given) if isinstance(given, str) else None
        if found is not None:
            amount = cls(Decimal(found[1]), found[2])
        elif isinstance(given, int | Decimal) and not isinstance(given, bool):
            amount = cls(Decimal(given))
        else:
            raise WrongValue(key, 'such as "10%", "1 pp" for a rate, or a number for a trait')
        if not amount.number or not amount.number.is_finite():
            raise WrongValue(key, "another number than zero")
        if is_rate(measure) and not amount.unit:
            raise WrongValue(key, 'such as "1 pp" or "10%", since it is about a rate')
        if amount.unit == "pp" and not is_rate(measure):
            raise WrongValue(key, 'a number or such as "10%": only rates have percentage points')
        return amount

    @property
    def is_relative(self) -> bool:
        """Whether it is a share of what would be otherwise."""
        return self.unit == "%"

    @property
    def value(self) -> float:
        """The number to compare differences with: 0.1 for ``10%``, 0.01 for ``1 pp``."""
        return float(self.number / 100 if self.unit else self.number)

    def __str__(self) -> str:
        return f"{self.number}{' pp' if self.unit == 'pp' else self.unit}"


def is_rate(measure: Measure) -> bool:
    """Whether something is measured by a rate, and not by a mean."""
    return isinstance(measure, Segment) or measure.dtype.kind is Kind.BOOLEAN


def measure_name(measure: Measure) -> str:
    """What to call something that is measured."""
    return str(measure.name or measure.definition)


@frozen(eq=False)
class Guard:
    """Something that must not get worse by more than so much.

    Attributes:
        measure: What is measured.
        margin: How much worse it may get: a positive amount may be added, a negative one lost.
    """

    measure: Measure
    margin: Amount


@frozen(eq=False)
class Goal:
    """What a segment is to bring about, and by when.

    Make one with `Goal.define`, or take it from a `Catalog`. Whether it is reached shows when
    those who entered the segment are compared with others who entered too and were held out.

    Attributes:
        name: The name of the goal.
        segment: The segment whose new members are to change.
        measure: What is measured: the mean of a trait, or the rate of a segment.
        amount: The least effect that matters.
        starts: The first day; who enters from then on counts.
        by: The last day; or an instant.
        hold_out: How many per cent of the people are held out.
        direction: ``up`` or ``down``.
        guards: What must not get worse meanwhile, by name.
        title: A title for people.
        description: What it is.
        owner: Who is responsible for it.
    """

    name: str
    segment: Segment
    measure: Measure
    amount: Amount
    starts: date
    by: date
    hold_out: Decimal
    direction: str = "up"
    guards: Mapping[str, Guard] = field(factory=dict, converter=frozen_mapping)
    title: str | None = field(default=None, kw_only=True)
    description: str | None = field(default=None, kw_only=True)
    owner: str | None = field(default=None, kw_only=True)

    @classmethod
    def define(  # noqa: PLR0913 - one for each key of a file
        cls,
        name: str,
        segment: Segment,
        measure: Measure,
        amount: str | Decimal | int,
        *,
        starts: date,
        by: date,
        hold_out: str,
        direction: str = "up",
        guards: Mapping[str, tuple[Measure, str | Decimal | int]] | None = None,
        **about: str | None,
    ) -> Goal:
        """Check what a goal says.

        Args:
            name: The name of the goal. Who is held out depends on it.
            segment: The segment; it needs a name, by which a store knows it.
            measure: A trait that is a number or a boolean, or a segment whose rate is measured.
            amount: The least effect that matters: ``"10%"`` of what would be otherwise, ``"1 pp"``
                of a rate, or a number in the unit of the trait.
            starts: The first day, or an instant.
            by: The last day, or an instant.
            hold_out: The share of people who are held out, such as ``"10%"``.
            direction: ``"up"`` or ``"down"``.
            guards: What must not get worse, by name: what is measured, and by how much it may
                rise, or fall if that is negative.
            **about: ``title``, ``description`` and ``owner``.

        Returns:
            The goal.

        Raises:
            UsageError: A value is not what it must be.
            SchemaError: Something is of another schema.
            SegmentTypeError: The key of the schema is no attribute, so nobody can be held out.

        Example:
            >>> from segmentkit import INTEGER, Attribute, Entity, Schema
            >>> numbers = [Attribute("id", INTEGER), Attribute("spent", INTEGER)]
            >>> shop = Schema([Entity("people", key="id", attributes=numbers)])
            >>> risky = Segment.define("at_risk", "spent < 10", shop)
            >>> spent = Trait.define("amount", "spent", shop)
            >>> goal = Goal.define(
            ...     "win_back", risky, spent, "10%",
            ...     starts=date(2026, 7, 1), by=date(2026, 9, 30), hold_out="10%",
            ... )
            >>> print(goal)
            win_back: amount of at_risk up by 10%, from 2026-07-01 by 2026-09-30, 10% held out
            >>> goal.held_out.definition
            'sample(10%, "goal win_back")'
        """
        if segment.name is None:
            raise WrongValue("segment", "a segment that has a name")
        _check_measure("metric", measure)
        found = Amount.of(amount, measure, "amount")
        if found.number < 0:
            raise WrongValue("amount", 'positive; direction = "down" says that less is better')
        if direction not in ("up", "down"):
            raise WrongValue("direction", '"up" or "down"')
        for key, day in (("starts", starts), ("by", by)):
            if not isinstance(day, date):
                raise WrongValue(key, "a day such as 2026-09-30, or an instant")
        guarded = {}
        for each, (guard, margin) in (guards or {}).items():
            _check_measure(f"guards.{each}", guard)
            guarded[each] = Guard(guard, Amount.of(margin, guard, f"guards.{each}"))
        goal = cls(
            name, segment, measure, found, starts, by, _share(hold_out), direction, guarded, **about
        )
        goal._check()
        return goal

    def _check(self) -> None:
        measures = [self.measure, *(each.measure for each in self.guards.values())]
        if any(each.schema != self.schema for each in measures):
            raise SchemaError(f"goal {self.name!r} measures something of another schema")
        if self.begins >= self.ends:
            raise WrongValue("by", "after 'starts'")
        # The checker refuses a sample where the key is no attribute.
        _ = self.held_out

    def __reduce__(self) -> tuple[Any, ...]:
        return pickled(self)

    @property
    def schema(self) -> Schema:
        """The schema of the segment."""
        return self.segment.schema

    @property
    def begins(self) -> datetime:
        """From when on who enters counts, in UTC."""
        return instant_of(self.starts, self.schema).replace(tzinfo=UTC)

    @property
    def ends(self) -> datetime:
        """When it is decided, in UTC: at the end of the last day, or at the instant."""
        if isinstance(self.by, datetime):
            return instant_of(self.by, self.schema).replace(tzinfo=UTC)
        next_day = self.by + timedelta(days=1)
        return first_instant(next_day, self.schema.zone).replace(tzinfo=UTC)

    @property
    def held_out(self) -> Segment:
        """Those who are held out: a sample that depends on the key and the goal's name alone."""
        salt = format_value(f"goal {self.name}")
        text = f"sample({self.hold_out}%, {salt})"
        return Segment.define(f"held out of {self.name}", text, self.schema)

    @property
    def parts(self) -> tuple[Defined, ...]:
        """The segments and traits that it names, each once."""
        named = [self.segment, self.measure, *(each.measure for each in self.guards.values())]
        return tuple({id(each): each for each in named}.values())

    def _with(self, found: Mapping[int, Any]) -> Goal:
        """The same of segments and traits whose parameters have values."""
        guards = {
            name: evolve(guard, measure=found[id(guard.measure)])
            for name, guard in self.guards.items()
        }
        segment, measure = found[id(self.segment)], found[id(self.measure)]
        return evolve(self, segment=segment, measure=measure, guards=guards)

    def told(self) -> dict[str, Any]:
        """What a file says of it."""
        known: dict[str, Any] = {
            "segment": self.segment.name,
            "metric": _reference(self.measure),
            "amount": _written(self.amount),
            "starts": self.starts,
            "by": self.by,
            "hold_out": f"{self.hold_out}%",
        }
        if self.direction != "up":
            known["direction"] = self.direction
        if self.guards:
            known["guards"] = {name: _written(each.margin) for name, each in self.guards.items()}
        about = {"title": self.title, "description": self.description, "owner": self.owner}
        return {**known, **{name: text for name, text in about.items() if text is not None}}

    def __str__(self) -> str:
        return (
            f"{self.name}: {measure_name(self.measure)} of {self.segment.name} {self.direction} by "
            f"{self.amount}, from {self.starts} by {self.by}, {self.hold_out}% held out"
        )


def _reference(measure: Measure) -> str:
    return f"{'segment' if isinstance(measure, Segment) else 'trait'} {measure.name}"


def _written(amount: Amount) -> Any:
    if amount.unit:
        return str(amount)
    whole = amount.number == amount.number.to_integral_value()
    return int(amount.number) if whole else amount.number


def _check_measure(key: str, measure: object) -> None:
    if isinstance(measure, Segment):
        return
    known = isinstance(measure, Trait) and measure.dtype.kind in (*_NUMBERS, Kind.BOOLEAN)
    if not known or (isinstance(measure, Trait) and measure.dtype.is_duration):
        raise WrongValue(key, "a trait that is a number or a boolean, or a segment")


_SHARE = re.compile(r"(\d+(?:\.\d{1,6})?) ?%")


def _share(given: object) -> Decimal:
    found = _SHARE.fullmatch(given) if isinstance(given, str) else None
    if found is None or not 0 < Decimal(found[1]) < 100:
        raise WrongValue("hold_out", 'a share of the people such as "10%"')
    return Decimal(found[1])
