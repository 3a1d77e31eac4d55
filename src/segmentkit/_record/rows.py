"""The rows of a record's relations, aggregated to one value: called by functions of records."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from attrs import frozen

from segmentkit._planning import ir
from segmentkit.errors import DataError

Record: TypeAlias = Mapping[str, Any]
Memo: TypeAlias = dict[Any, Any]
Place: TypeAlias = tuple[Record, Record, Record, Memo]
"""What functions of a row take: the row, its owner, the whole record and what is known of it."""


@frozen
class RowsOf:
    """The rows of one relation of a record."""

    relation: str
    place: str

    def __call__(self, holder: Record) -> Iterable[Record]:
        rows = holder.get(self.relation)
        if rows is None:
            raise DataError(
                f"the record has no rows {self.place!r} (an empty list says that there are none); "
                f"it has {', '.join(map(str, holder)) or 'nothing'}"
            )
        # An iterator would be used up by the first aggregate, and the next would see nothing.
        unfit = isinstance(rows, str | bytes | Mapping | Iterator)
        if unfit or not isinstance(rows, Iterable):
            raise DataError(f"{self.place} must be a list of records, not {type(rows).__name__}")
        for row in rows:
            if not isinstance(row, Mapping):
                raise DataError(f"{self.place} must hold records, not {type(row).__name__}")
            yield row


@frozen
class AggregateOf:
    """The rows of one relation of a record, made one value."""

    way: tuple[tuple[RowsOf, Callable[..., bool]], ...]
    rows: RowsOf
    test: Callable[..., bool]
    value: Callable[..., Any] | None
    order: tuple[Callable[..., Any], Callable[..., Any] | None] | None
    reduce: Callable[[list[Any]], Any]

    def __call__(self, holder: Record, record: Record, memo: Memo) -> Any:
        found = [
            (row, owner, record, memo)
            for owner in self.owners(holder, record, memo)
            for row in self.rows(owner)
            if self.test(row, owner, record, memo)
        ]
        return self.of(found)

    def owners(self, holder: Record, record: Record, memo: Memo) -> Iterable[Record]:
        """Whose rows they are, at the end of the way from the holder."""
        owners: Iterable[Record] = (holder,)
        for rows, test in self.way:
            owners = [r for o in owners for r in rows(o) if test(r, o, record, memo)]
        return owners

    def of(self, found: list[Place]) -> Any:
        """The value of rows that passed the test."""
        if self.value is None:
            return self.reduce(found)
        values = [(self.value(*row), row) for row in found]
        if self.order is None:
            return self.reduce([value for value, _ in values if value is not None])
        at, tie = self.order
        assert tie is not None
        ties = [(tie(*row), value, row) for value, row in values if value is not None]
        return self.reduce([(at(*r), t is not None, t, v) for t, v, r in ties])


@frozen
class Following:
    """Whether a row comes after, or before, another one."""

    rows: RowsOf
    own: bool
    test: Callable[..., bool]
    at: Callable[..., Any]
    backward: bool
    within: timedelta | None
    node: ir.Follows

    def __call__(self, at: Any, row: Record, owner: Record, record: Record, memo: Memo) -> bool:
        if at is None:
            return False
        times = self.times(row if self.own else owner, owner, record, memo)
        # The nearest one decides: if it is too far away, so are all others.
        place = bisect_left(times, at) - 1 if self.backward else bisect_right(times, at)
        if not 0 <= place < len(times):
            return False
        return self.within is None or abs(times[place] - at) <= self.within

    def times(self, holder: Record, owner: Record, record: Record, memo: Memo) -> list[Any]:
        """When the other rows are, in order; they are the same for every row of one holder."""
        key = (self.node, id(holder))
        if key not in memo:
            found = (r for r in self.rows(holder) if self.test(r, owner, record, memo))
            times = sorted(self.at(r, owner, record, memo) for r in found)
            # The holder is kept with them: its id is its own as long as it is there.
            memo[key] = times, holder
        return memo[key][0]  # type: ignore[no-any-return]
