"""What a store hands over: rows, some at a time, and why others are none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from attrs import define, field, frozen

from segmentkit._usage import check_suffix
from segmentkit.handover import OWN, Handover


@frozen
class Row:
    """One person who is handed over.

    Attributes:
        id: What tells this event apart from all others: drop what you have had already.
        key: The key of the person.
        event: ``entered`` or ``left``.
        at: When it was first seen, in UTC.
        address: The address in the channel, if there is one.
        fields: The fields of the hand-over, by name.
        title: What is to be done, if it is a task.
        due: Until when, in UTC.
        owner: Whose task it is.
    """

    id: str
    key: Any
    event: str
    at: datetime
    address: Any = None
    fields: Mapping[str, Any] = field(factory=dict)
    title: str | None = None
    due: datetime | None = None
    owner: Any = None

    def to_dict(self) -> dict[str, Any]:
        """The row as one flat dictionary; what the hand-over does not have is left out."""
        own = {name: getattr(self, name) for name in OWN}
        return {n: v for n, v in own.items() if v is not None or n in _ALWAYS} | dict(self.fields)


_ALWAYS = ("id", "key", "event", "at")


@define(eq=False)
class Batch:
    """Some people who are handed over together.

    Send or store them, and then acknowledge them. What is not acknowledged is handed over again,
    with the same ids.

    Attributes:
        handover: The hand-over.
        rows: The people; none if all of them were skipped.
        skipped: How many others were passed over, by the reason. They are not asked about again.
    """

    handover: Handover
    rows: tuple[Row, ...]
    skipped: Mapping[str, int]
    _acknowledge: Callable[[], None] = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def ack(self) -> None:
        """Say that these people were taken over; it can be said twice."""
        self._acknowledge()

    @property
    def columns(self) -> tuple[str, ...]:
        """What a row has, in order, whether it is missing or not."""
        own = [*_ALWAYS]
        own += ["address"] if self.handover.channel else []
        task = self.handover.task
        told = {"title": task, "due": task and task.due, "owner": task and task.owner}
        own += [name for name, known in told.items() if known]
        return (*own, *self.handover.fields)

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a data frame."""
        rows = [[each.to_dict().get(name) for name in self.columns] for each in self.rows]
        found = pd.DataFrame(rows, columns=list(self.columns), dtype=object)
        for name in ("at", "due"):
            if name in found:
                found[name] = pd.to_datetime(found[name], utc=True)
        return found

    def save(self, path: str | PathLike[str]) -> None:
        """Write the rows into a file, which appears when it is complete.

        Args:
            path: Where to: a name that ends in ``.csv``, ``.jsonl`` or ``.parquet``.

        Raises:
            ImportError: Parquet is wanted, and pyarrow is not installed; the extra is `parquet`.
            OSError: The file cannot be written.
            UsageError: The name ends otherwise.
        """
        path = Path(path)
        write = _WRITERS.get(path.suffix.lower())
        if write is None:
            check_suffix(Path(f"{path}.unknown"), tuple(_WRITERS), "or .jsonl or .parquet")
            raise AssertionError(path)
        beside = path.with_name(f".{path.name}.part")
        try:
            write(self, beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def lines(self) -> list[str]:
        """The rows in JSON, one a line."""
        return [
            json.dumps({name: plain(each.to_dict().get(name)) for name in self.columns})
            for each in self.rows
        ]


def plain(value: Any) -> Any:
    """A value as JSON has it: exact decimals and times are texts."""
    match value:
        case None | bool() | int() | float() | str():
            return value if value == value else None
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return str(value)
        case list() | tuple():
            return [plain(each) for each in value]
        case bytes():
            return value.hex()
        case _:
            return str(value)


def _csv(batch: Batch, path: Path) -> None:
    rows = [[plain(each.to_dict().get(n)) for n in batch.columns] for each in batch.rows]
    frame = pd.DataFrame(rows, columns=list(batch.columns), dtype=object)
    frame.to_csv(path, index=False, lineterminator="\n")


def _jsonl(batch: Batch, path: Path) -> None:
    path.write_text("".join(f"{line}\n" for line in batch.lines()), encoding="utf-8", newline="\n")


def _parquet(batch: Batch, path: Path) -> None:
    try:
        batch.frame.convert_dtypes().to_parquet(path, index=False)
    except ImportError as error:
        raise ImportError(
            'Parquet files need pyarrow: pip install "segmentkit[parquet]"'
        ) from error


_WRITERS: Mapping[str, Callable[[Batch, Path], None]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
