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
Line: TypeAlias = tuple[Record, Any]
"""A record, and the line of the record whose list holds it; None where that is not asked for."""
Place: TypeAlias = tuple[Record, Line, Record, Memo]
"""What functions of a row take: the row, the line of its owner, the whole record and what is known
of it."""


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

    def __call__(self, holder: Record, line: Line | None, record: Record, memo: Memo) -> Any:
        found = [
            (row, owner, record, memo)
            for owner in self.owners((holder, line), record, memo)
            for row in self.rows(owner[0])
            if self.test(row, owner, record, memo)
        ]
        return self.of(found)

    def owners(self, holder: Line, record: Record, memo: Memo) -> Iterable[Line]:
        """Whose rows they are, at the end of the way from the holder."""
        owners: Iterable[Line] = (holder,)
        for rows, test in self.way:
            owners = [(r, o) for o in owners for r in rows(o[0]) if test(r, o, record, memo)]
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
    same: tuple[tuple[Callable[..., Any], Callable[..., Any]], ...]
    node: ir.Follows

    def __call__(self, at: Any, row: Record, owner: Line, record: Record, memo: Memo) -> bool:
        if at is None:
            return False
        wanted = tuple(here(row, owner, record, memo) for here, _ in self.same)
        times = self.times(row if self.own else owner[0], owner, record, memo).get(wanted, ())
        # The nearest one decides: if it is too far away, so are all others.
        place = bisect_left(times, at) - 1 if self.backward else bisect_right(times, at)
        if not 0 <= place < len(times):
            return False
        return self.within is None or abs(times[place] - at) <= self.within

    def times(
        self, holder: Record, owner: Line, record: Record, memo: Memo
    ) -> dict[tuple[Any, ...], list[Any]]:
        """When the other rows are, in order, by what must be the same of them and a row here.

        They are those of every row of one holder.
        """
        key = (self.node, id(holder))
        if key not in memo:
            times: dict[tuple[Any, ...], list[Any]] = {}
            for row in self.rows(holder):
                place = row, owner, record, memo
                if self.test(*place):
                    same = tuple(there(*place) for _, there in self.same)
                    # What is missing is the same as nothing.
                    if None not in same:
                        times.setdefault(same, []).append(self.at(*place))
            for found in times.values():
                found.sort()
            # The holder is kept with them: its id is its own as long as it is there.
            memo[key] = times, holder
        return memo[key][0]  # type: ignore[no-any-return]


def through(link: str, place: str) -> Callable[[Record | None], Record | None]:
    """Go through a link; nothing lies beyond a missing one."""

    def step(holder: Record | None) -> Record | None:
        found = None if holder is None else holder.get(link)
        if found is None or isinstance(found, Mapping):
            return found
        raise DataError(f"{place} must be a record or missing, not {type(found).__name__}")

    return step


def linked(holder: Record | None, name: str) -> Any:
    """What a record has under a name; a missing record has nothing."""
    return None if holder is None else holder.get(name)
