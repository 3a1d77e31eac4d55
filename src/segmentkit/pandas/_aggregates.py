"""Aggregates of rows by owner, without a loop over owners."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pandas as pd
from attrs import evolve, frozen

from segmentkit._operators import place_of
from segmentkit._planning.ir import AggregateFunction, Standing
from segmentkit.dtypes import Kind
from segmentkit.pandas._arrays import Array, Positions, Text, Values, Vector
from segmentkit.pandas._exact_numbers import EXACT_FLOAT, INT64, nearest_floats, size


@frozen(eq=False, slots=False)
class Rows:
    """The rows that an aggregate looks at.

    Attributes:
        owners: For each row the place of its owner.
        count: How many owners there are.
        values: The values of the rows, none of them missing; None to count rows.
        at: The times of the rows, where their order matters.
        ties: What settles the order at one instant.
    """

    owners: Positions
    count: int
    values: Values | None = None
    at: Vector | None = None
    ties: Values | None = None

    def each(self) -> Array:
        """How many rows each owner has."""
        return np.bincount(self.owners, minlength=self.count)


def _vector(rows: Rows) -> Vector:
    assert isinstance(rows.values, Vector)
    return rows.values


def _count(rows: Rows) -> Vector:
    return Vector(Kind.INTEGER, rows.each().astype(np.int64, copy=False))


def _count_distinct(rows: Rows) -> Vector:
    assert rows.values is not None
    values = rows.values
    if isinstance(values, Text):
        codes, many = values.codes, len(values.texts)
    else:
        codes, distinct = pd.factorize(_sortable(values.data))
        many = len(distinct)
    pairs = pd.unique(rows.owners * max(many, 1) + codes)
    found = np.bincount(pairs // max(many, 1), minlength=rows.count)
    return Vector(Kind.INTEGER, found.astype(np.int64, copy=False))


def _sortable(data: Array) -> Array:
    """Times as the numbers that they are stored as."""
    return data.view(np.int64) if data.dtype.kind == "M" else data


def _sum(rows: Rows) -> Vector:
    vector = _vector(rows)
    return evolve(vector, data=_sums(rows.owners, vector.data, rows.count), mask=None)


def _sums(owners: Positions, data: Array, count: int) -> Array:
    if data.dtype.kind == "f":
        # Of no rows at all, numpy counts in integers.
        return np.bincount(owners, weights=data, minlength=count).astype(np.float64, copy=False)
    greatest = size(data) * len(data)
    if greatest < EXACT_FLOAT:
        # Sums that floats hold exactly, also of what was made of larger numbers.
        weights = data.astype(np.float64, copy=False)
        return np.bincount(owners, weights=weights, minlength=count).astype(np.int64)
    small = data.dtype != object and greatest < INT64
    sums = np.zeros(count, dtype=np.int64 if small else object)
    np.add.at(sums, owners, data if small else data.astype(object))
    return sums


def _avg(rows: Rows) -> Vector:
    total = _sum(rows)
    numbers = total.data
    if total.kind is not Kind.FLOAT:
        numbers = nearest_floats(numbers, total.scale)
    each = rows.each()
    return Vector(Kind.FLOAT, np.where(each > 0, numbers / np.maximum(each, 1), np.nan))


def _min(rows: Rows) -> Values:
    return _vector(rows).take(_extreme(rows.owners, _vector(rows).data, rows.count, least=True))


def _max(rows: Rows) -> Values:
    return _vector(rows).take(_extreme(rows.owners, _vector(rows).data, rows.count, least=False))


def _extreme(owners: Positions, data: Array, count: int, *, least: bool) -> Positions:
    """For each owner the place of a row with the least, or the greatest, value."""
    places = np.full(count, -1, dtype=np.intp)
    if not len(owners):
        return places
    numbers = _sortable(data) if data.dtype != object else _ranks(data)
    best = np.empty(count, dtype=numbers.dtype)
    best[owners] = numbers
    (np.minimum if least else np.maximum).at(best, owners, numbers)
    found = np.flatnonzero(numbers == best[owners])
    places[owners[found]] = found
    return places


def _ranks(data: Array) -> Array:
    return np.unique(data, return_inverse=True)[1]


def _order(values: Values) -> Array:
    """Numbers that are in the order of the values; missing ones come first."""
    if isinstance(values, Text):
        return values.ranks
    return _ranks(values.data) if values.data.dtype == object else _sortable(values.data)


def _median(rows: Rows) -> Vector:
    vector, each = _vector(rows), rows.each()
    result = np.full(rows.count, np.nan)
    some = each > 0
    if not some.any():
        return Vector(Kind.FLOAT, result)
    order = np.lexsort((_order(vector), rows.owners))
    data = vector.data[order]
    start = (np.cumsum(each) - each)[some]
    low, high = (data[start + half[some]] for half in ((each - 1) // 2, each // 2))
    odd = each[some] % 2 == 1
    result[some] = np.where(
        odd, _floats(low, vector.scale), _floats(_added(low, high), vector.scale) / 2
    )
    return Vector(Kind.FLOAT, result)


def percentile(share: Fraction, rows: Rows) -> Vector:
    """For each owner the value at the nearest rank of a share."""
    vector, each = _vector(rows), rows.each()
    order = np.lexsort((_order(vector), rows.owners))
    # Few owners have as many rows as another: of each number, the place is computed once.
    counts, of = np.unique(each, return_inverse=True)
    places = np.array([place_of(share, int(count)) for count in counts], dtype=np.intp)
    at = np.cumsum(each) - each + places[of] - 1
    return vector.take(np.where(each > 0, np.append(order, -1)[np.where(each > 0, at, -1)], -1))


def _added(low: Array, high: Array) -> Array:
    if low.dtype.kind == "f":
        with np.errstate(all="ignore"):
            return np.asarray(low + high)
    wide = low.dtype == object or size(low) + size(high) >= INT64
    return np.asarray(low.astype(object) + high if wide else low + high)


def _floats(data: Array, scale: int) -> Array:
    return data if data.dtype.kind == "f" else nearest_floats(data, scale)


def _mode(rows: Rows) -> Values:
    """The value that each owner has most often; of several the least."""
    assert rows.values is not None
    size = len(rows.owners)
    order = _order(rows.values)
    sequence = np.lexsort((order, rows.owners))
    owners, order = rows.owners[sequence], order[sequence]
    begins = np.ones(size, dtype=np.bool_)
    begins[1:] = (owners[1:] != owners[:-1]) | (order[1:] != order[:-1])
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, size))
    # Of several groups of one owner, the one that is written last stays: the longest, or the least.
    last = np.lexsort((-starts, lengths, owners[starts]))
    places = np.full(rows.count, -1, dtype=np.intp)
    places[owners[starts[last]]] = sequence[starts[last]]
    return rows.values.take(places)


def _streak(rows: Rows) -> Vector:
    """The longest run of numbers, each the next one, that each owner has."""
    numbers = _vector(rows).data
    order = np.lexsort((numbers, rows.owners))
    owners, numbers = rows.owners[order], numbers[order]
    again = np.zeros(len(owners), dtype=np.bool_)
    again[1:] = (owners[1:] == owners[:-1]) & (numbers[1:] == numbers[:-1])
    owners, numbers = owners[~again], numbers[~again]
    begins = np.ones(len(owners), dtype=np.bool_)
    begins[1:] = (owners[1:] != owners[:-1]) | (numbers[1:] != numbers[:-1] + 1)
    starts = np.flatnonzero(begins)
    longest = np.zeros(rows.count, dtype=np.int64)
    np.maximum.at(longest, owners[starts], np.diff(np.append(starts, len(owners))))
    return Vector(Kind.INTEGER, longest)


def _first(rows: Rows) -> Values:
    return _outermost(rows, first=True)


def _last(rows: Rows) -> Values:
    return _outermost(rows, first=False)


def _outermost(rows: Rows, *, first: bool) -> Values:
    """The value of the earliest or the latest row; at one instant ties settle, then values."""
    assert rows.at is not None
    assert rows.values is not None
    best = _extreme(rows.owners, rows.at.data, rows.count, least=first)
    times = _sortable(rows.at.data)
    among = np.flatnonzero(times == times[best[rows.owners]])
    owners, values = rows.owners[among], rows.values.only(among)
    order = [_order(values)]
    if rows.ties is not None:
        ties = rows.ties.only(among)
        order += [_order(ties), ~ties.missing]
    order.append(owners)
    sequence = np.lexsort(order)
    if first:
        sequence = sequence[::-1]
    places = np.full(rows.count, -1, dtype=np.intp)
    # Of several rows of one owner, the one that is written last stays.
    places[owners[sequence]] = sequence
    return values.take(places)


AGGREGATES: dict[AggregateFunction, Callable[[Rows], Values]] = {
    AggregateFunction.COUNT: _count,
    AggregateFunction.COUNT_DISTINCT: _count_distinct,
    AggregateFunction.SUM: _sum,
    AggregateFunction.AVG: _avg,
    AggregateFunction.MIN: _min,
    AggregateFunction.MAX: _max,
    AggregateFunction.MEDIAN: _median,
    AggregateFunction.MODE: _mode,
    AggregateFunction.STREAK: _streak,
    AggregateFunction.FIRST: _first,
    AggregateFunction.LAST: _last,
}
"""How each aggregate is computed."""


def standing(values: Values, places: Positions, size: int, node: Standing) -> Vector:
    """Where the customers at some places stand by their values; of the others it is missing."""
    order = _order(values)
    ranked = np.sort(order)
    before = np.searchsorted(ranked, order, side="right" if node.descending else "left")
    found = len(ranked) - before if node.descending else before
    if node.tiles is not None:
        found = found * node.tiles // max(len(ranked), 1)
    data, mask = np.zeros(size, dtype=np.int64), np.ones(size, dtype=np.bool_)
    data[places], mask[places] = found + 1, False
    return Vector(Kind.INTEGER, data, mask)
