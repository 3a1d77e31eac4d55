"""Forms in which columns keep values otherwise than the language has them.

A form says which type the column has, and what a stored value means. Instants rise with what is
stored of them: the least stored value that is not before an instant makes each bound on instants a
bound on the column.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias
from zoneinfo import ZoneInfo

from attrs import field, frozen

from segmentkit._calendar import FIRST_MICRO, LAST_MICRO, first_shown, instant_at, micros
from segmentkit.dtypes import INTEGER, TEXT, TIMESTAMP, DType

Constant: TypeAlias = bool | int | float | Decimal | str | date | datetime

UNITS: Mapping[str, int] = MappingProxyType({"seconds": 1_000_000, "milliseconds": 1_000})
"""What instants can be counted in, and how many microseconds that is."""


@frozen
class Counted:
    """Instants as whole seconds or milliseconds since 1970.

    Args:
        unit: What is counted.
    """

    unit: str
    stored: DType = field(default=INTEGER, init=False)

    @property
    def micros(self) -> int:
        """How many microseconds one of them is."""
        return UNITS[self.unit]

    def read(self, value: int) -> datetime:
        """The instant of a number; ``OverflowError`` beyond the calendar."""
        found = value * self.micros
        if not FIRST_MICRO <= found <= LAST_MICRO:
            raise OverflowError
        return instant_at(found)

    def least(self, instant: datetime) -> int | None:
        """The least number that is not before an instant."""
        return -(-micros(instant) // self.micros)

    def __str__(self) -> str:
        return f"whole {self.unit} since 1970"


@frozen
class LocalTime:
    """Instants as a clock showed them, without a zone.

    A time that the clock shows twice is the first of the two, and one that it skips is the instant
    at which it skips it.

    Args:
        zone: The IANA name of the clock's zone.
    """

    zone: str
    stored: DType = field(default=TIMESTAMP, init=False)

    @property
    def clock(self) -> ZoneInfo:
        """The zone of the clock."""
        return ZoneInfo(self.zone)

    def read(self, value: datetime) -> datetime:
        """The instant at which the clock showed a time."""
        return first_shown(value, self.clock)

    def least(self, instant: datetime) -> datetime | None:
        """The least time that was not shown before an instant; None if all were."""
        return _least_shown(self.zone, instant)

    def __str__(self) -> str:
        return f"local time of {self.zone}, without a zone"


_FARTHEST = timedelta(days=2) // timedelta.resolution
"""No clock is further from UTC."""


@lru_cache(maxsize=1024)
def _least_shown(zone: str, instant: datetime) -> datetime | None:
    at, clock = micros(instant), ZoneInfo(zone)
    low, high = max(FIRST_MICRO, at - _FARTHEST), min(LAST_MICRO, at + _FARTHEST)
    # The instant never goes back as the shown time goes on.
    found = low + bisect_left(
        range(low, high + 1), at, key=lambda shown: micros(first_shown(instant_at(shown), clock))
    )
    return instant_at(found) if found <= LAST_MICRO else None


@frozen
class Encoding:
    """Booleans or numbers as other texts, or other whole numbers; anything else is missing.

    Args:
        pairs: What is stored, and what it means.
    """

    pairs: tuple[tuple[str | int, Constant], ...] = field(eq=repr)

    @property
    def stored(self) -> DType:
        """What the column holds."""
        return TEXT if isinstance(self.pairs[0][0], str) else INTEGER

    def read(self, value: str | int) -> Constant | None:
        """What a stored value means, if it means anything."""
        return next((meant for told, meant in self.pairs if told == value), None)

    def __str__(self) -> str:
        return f"{self.stored}, of which {', '.join(repr(told) for told, _ in self.pairs)} are told"


Form: TypeAlias = Counted | LocalTime | Encoding
