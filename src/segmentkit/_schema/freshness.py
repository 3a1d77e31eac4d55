"""How old the newest row of a table may be."""

from __future__ import annotations

import re
from datetime import timedelta

from attrs import field, frozen

from segmentkit._calendar import EXACT_UNITS
from segmentkit.errors import SchemaError

_LENGTH = re.compile(rf"([1-9][0-9]{{0,5}}) ({'|'.join(EXACT_UNITS)})s?")


def length_of_time(text: object, place: str) -> timedelta:
    """A length of time as files and schemas write it: ``12 hours``.

    Raises:
        SchemaError: It is something else.
    """
    found = _LENGTH.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        units = ", ".join(f"{unit}s" for unit in EXACT_UNITS)
        raise SchemaError(
            f"{place} must be a length of time such as '12 hours', not {text!r:.60}; "
            f"the units are {units}"
        )
    return timedelta(seconds=int(found[1]) * EXACT_UNITS[found[2]])


@frozen
class Fresh:
    """How old the newest row of a table may be.

    Args:
        at: The attribute that says when a row was loaded, or when it happened: a timestamp, or a
            date if the lengths are whole days.
        warn: From which age on to warn, such as ``"12 hours"``.
        stale: From which age on the table is stale.

    Raises:
        SchemaError: A length of time is written wrongly, there is neither, or ``warn`` is not
            shorter than ``stale``.
    """

    at: str
    warn: str | None = field(default=None, kw_only=True)
    stale: str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not self.lengths:
            raise SchemaError(
                "fresh needs warn or stale, from which age on: "
                f'fresh = {{ at = "{self.at}", stale = "24 hours" }}'
            )
        if len(self.lengths) > 1 and self.lengths["warn"] >= self.lengths["stale"]:
            raise SchemaError(
                f"fresh warns after {self.warn}, which must be shorter than the {self.stale} "
                "after which it is stale"
            )

    @property
    def lengths(self) -> dict[str, timedelta]:
        """The lengths of time that are given, by what they begin: ``warn``, ``stale``."""
        told = {"warn": self.warn, "stale": self.stale}
        return {
            name: length_of_time(text, f"fresh.{name}")
            for name, text in told.items()
            if text is not None
        }

    def state(self, age: timedelta | None) -> str:
        """``ok``, ``warn`` or ``stale``; a table without a row is as old as can be."""
        reached = [name for name, least in self.lengths.items() if age is None or age >= least]
        return reached[-1] if reached else "ok"
