"""Which row there belongs to a row here: keys of any dtype, found by value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
import pandas as pd
from attrs import evolve, frozen

from segmentkit.dtypes import Kind
from segmentkit.errors import DataError
from segmentkit.pandas._arrays import Array, Mask, Positions
from segmentkit.pandas._arrow import is_arrow_text, objects
from segmentkit.pandas._columns import check_exact, stored, whole
from segmentkit.pandas._native_compare import Stored

Column: TypeAlias = "pd.Series[Any]"
_Places: TypeAlias = Callable[[Array], Positions]
"""Where the rows of some keys are; a new array."""


@frozen(eq=False)
class Keys:
    """The keys in a column.

    Attributes:
        place: Where they are from, for messages.
        missing: True where a key is missing.
        whole: The keys as int64, if all of them are whole numbers.
        codes: Else, for each row the place of its key among the distinct ones.
        distinct: The distinct keys.
    """

    place: str
    missing: Mask
    whole: Array | None
    codes: Array
    distinct: list[Any]

    def objects(self) -> tuple[Array, list[Any]]:
        """The keys as codes of distinct Python objects."""
        if self.whole is None:
            return self.codes, self.distinct
        codes, distinct = pd.factorize(self.whole)
        return np.where(self.missing, -1, codes), distinct.tolist()

    def has_repeats(self) -> bool:
        """Whether two rows have the same key."""
        keys = self.codes if self.whole is None else self.whole
        return not pd.Index(keys[~self.missing]).is_unique

    def check_unique(self) -> None:
        """Make sure that every row has a key of its own.

        Raises:
            DataError: One has none, or two have the same; says what to do.
        """
        column = self.place.rpartition(".")[2]
        if count := int(self.missing.sum()):
            rows = "a row" if count == 1 else f"{count:,} rows"
            raise DataError(
                f"{self.place} tells rows apart, and it is missing in {rows}: "
                f"leave them out, by frame.dropna(subset=[{column!r}])"
            )
        codes = self.codes if self.whole is None else self.whole
        twice = pd.Index(codes).duplicated()
        if not twice.any():
            return
        place = int(np.argmax(twice))
        key = self.distinct[codes[place]] if self.whole is None else self.whole[place].item()
        raise DataError(
            f"{self.place} tells rows apart, and two of them have {key!r}. Give a frame of one row "
            f"a key: of a log, frame[[{column!r}]].drop_duplicates(), with the log as its relation"
        )

    def without(self, rows: Mask) -> Keys:
        """The keys of the other rows only."""
        codes = np.where(rows, -1, self.codes) if len(self.codes) else self.codes
        return evolve(self, missing=self.missing | rows, codes=codes)


def are_unique(column: Column) -> bool:
    """Whether no key is missing, and none is there twice or may be another; if in doubt, no."""
    kind: str = column.dtype.kind
    if kind == "f" or (kind == "O" and not _are_of_one_kind(column)):
        return False
    if kind in ("i", "u") and not column.isna().any():
        values = column.to_numpy(dtype=np.uint64 if kind == "u" else np.int64)
        # Most keys are in order, and putting numbers in order is faster than a table of them.
        ordered = (values[1:] > values[:-1]).all()
        return bool(ordered or not (np.diff(np.sort(values)) == 0).any())
    try:
        return bool(column.is_unique and not column.isna().any())
    except (TypeError, ValueError):
        return False  # what does not hash


def _are_of_one_kind(column: Column) -> bool:
    """Whether objects are all texts, or all whole numbers."""
    return pd.api.types.infer_dtype(column, skipna=True) in ("string", "integer", "empty")


def read_keys(column: Column, place: str) -> Keys:
    """The keys of a column.

    Args:
        column: A column of a frame.
        place: Where it is from, for messages.

    Raises:
        DataError: A value cannot be a key.
    """
    values = stored(column)
    numbers = whole(values) if values is not None else None
    if values is not None and values.kind is Kind.FLOAT:
        check_exact(place, values.data)
    if isinstance(numbers, Stored):
        numbers = numbers.settled
    if numbers is not None and numbers.data.dtype == np.int64:
        return Keys(place, numbers.missing, numbers.data, np.empty(0, np.intp), [])
    return _of_objects(column, place)


def _of_objects(column: Column, place: str) -> Keys:
    dtype = column.dtype
    kept = isinstance(dtype, pd.CategoricalDtype) or is_arrow_text(dtype)
    array: Any = column.array if kept else objects(column)
    try:
        codes, found = pd.factorize(array)
    except (TypeError, ValueError):
        raise DataError(f"{place} holds values that cannot be keys") from None
    distinct = [_plain(v) for v in np.asarray(found, dtype=object)]
    families = {each for each in map(_family_of, distinct) if each is not None}
    if len(families) > 1 and families != {"booleans", "numbers"}:
        name, told = place.rpartition(".")[2], " and ".join(sorted(families)[:2])
        frame = f"frame[{name!r}]"
        if families <= _TIMES:
            made = f"pandas.to_datetime({frame}, utc=True)"
        elif "bytes" in families:
            made = f"{frame}.map(lambda key: key.decode() if isinstance(key, bytes) else key)"
        else:
            made = f"{frame}.astype(str)"
        raise DataError(
            f"{place} holds {told}, and a key is never both: make them one, as in {made}"
        )
    numbers = _whole(distinct)
    check_exact(place, np.array([k for k in distinct if isinstance(k, float)], dtype=np.float64))
    missing = codes < 0
    if numbers is None:
        return Keys(place, missing, None, codes, distinct)
    return Keys(place, missing, np.append(numbers, 0)[codes], codes, distinct)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)  # elsewhere it may be a text
    return value.item() if isinstance(value, np.generic) else value


def _whole(distinct: list[Any]) -> Array | None:
    """Distinct keys as int64, if all of them are such numbers."""
    if any(isinstance(k, bool) or not isinstance(k, int | float | Decimal) for k in distinct):
        return None
    try:
        numbers = [int(key) for key in distinct]
        return np.array(numbers, dtype=np.int64) if numbers == distinct else None
    except OverflowError:
        return None


class Finder:
    """Finds the rows that have some keys.

    Args:
        wanted: The keys to look for.
        there: The keys to look among.
        among: Of the rows there, those that are looked for; by default all.

    Raises:
        DataError: Two rows there have one key, or the keys are of different types.
    """

    def __init__(self, wanted: Keys, there: Keys, among: Mask | None = None) -> None:
        self._missing = wanted.missing if wanted.missing.any() else None
        if wanted.whole is not None and there.whole is not None:
            self._keys, self._places = wanted.whole, _find_whole(there.whole, there, among)
        else:
            self._keys, self._places = _find_objects(wanted, there, among)

    def __call__(self, rows: Positions | None = None) -> Positions:
        """Where the rows are.

        Args:
            rows: Which of the wanted keys to look for; by default all.

        Returns:
            For each wanted key the place of its row there; -1 where it is missing or not there.
        """
        keys, missing = self._keys, self._missing
        if rows is not None:
            keys = keys[rows]
            missing = None if missing is None else missing[rows]
        found = self._places(keys)
        if missing is not None:
            found[missing] = -1
        return found


def _find_objects(wanted: Keys, there: Keys, among: Mask | None) -> tuple[Array, _Places]:
    """Codes of the wanted keys, and where the row of each code is."""
    _check_types(wanted, there)
    codes, distinct = there.objects()
    rows = _only(_rows_of(codes, there, distinct), among)
    index = dict(zip(distinct, rows.tolist(), strict=True))
    codes, distinct = wanted.objects()
    places = np.array([*(index.get(key, -1) for key in distinct), -1], dtype=np.intp)
    return codes, lambda codes: places[codes]


def _only(rows: Positions, among: Mask | None) -> Positions:
    """The same rows, with -1 for those that are not among some."""
    return rows if among is None else np.where(np.append(among, np.False_)[rows], rows, -1)


def _rows_of(codes: Array, there: Keys, distinct: list[Any]) -> Positions:
    """For each distinct key the place of its row."""
    rows = np.full(len(distinct) + 1, -1, dtype=np.intp)
    rows[codes] = np.arange(len(codes))
    rows[-1] = -1
    twice = ~there.missing & (rows[codes] != np.arange(len(codes)))
    if twice.any():
        raise _duplicate(there, distinct[codes[np.argmax(twice)]])
    return rows[:-1]


def _check_types(wanted: Keys, there: Keys) -> None:
    families = [_family(keys) for keys in (wanted, there)]
    if None not in families and families[0] != families[1]:
        raise DataError(
            f"{wanted.place} holds {families[0]} and {there.place} holds {families[1]}, "
            "so no key can be found: make both of one type, such as texts as they are in a file, "
            f"by pandas.read_csv(…, dtype={{{_name(wanted)!r}: str}}) and "
            f"dtype={{{_name(there)!r}: str}}"
        )


def _name(keys: Keys) -> str:
    return keys.place.rpartition(".")[2]


def _family(keys: Keys) -> str | None:
    if keys.whole is not None:
        return None if keys.missing.all() else "numbers"
    found = set(map(_family_of, keys.distinct))
    return found.pop() if len(found) == 1 else None


_TIMES = {"dates", "times", "times with a zone"}


def _family_of(key: object) -> str | None:
    match key:
        case bool():
            return "booleans"
        case str():
            return "texts"
        case int() | float() | Decimal():
            return "numbers"
        case datetime():
            return "times" if key.tzinfo is None else "times with a zone"
        case date():
            return "dates"
        case bytes():
            return "bytes"
        case _:
            return None


def _find_whole(whole: Array, there: Keys, among: Mask | None) -> _Places:
    rows = np.flatnonzero(~there.missing)
    keys = whole[rows]
    if not len(keys):
        return lambda wanted: np.full(len(wanted), -1, dtype=np.intp)
    low, high = int(keys.min()), int(keys.max())
    if high - low <= 4 * len(keys) + 2**16:
        return _by_table(keys, rows, (low, high), there, among)
    index = pd.Index(keys)
    if not index.is_unique:
        raise _duplicate(there, keys[np.argmax(index.duplicated())].item())
    places = np.append(_only(rows, among), -1)
    return lambda wanted: places[index.get_indexer(pd.Index(wanted))]


def _by_table(
    keys: Array, rows: Positions, ends: tuple[int, int], there: Keys, among: Mask | None
) -> _Places:
    """Keys that lie close together are found by their distance from the least."""
    low, high = ends
    # Four bytes where they suffice: the smaller the table, the more of it is close at hand.
    small = np.int32 if len(there.missing) < 2**31 else np.int64
    table = np.full(high - low + 3, -1, dtype=small)
    # As numbers without a sign, distances that do not fit wrap around, and are never near.
    before = np.uint64((low - 1) % 2**64)

    def distance(keys: Array) -> Array:
        away: Array = (keys.view(np.uint64) - before).view(np.int64)
        return away

    here = distance(keys)
    table[here] = rows
    twice = table[here] != rows
    if twice.any():
        raise _duplicate(there, keys[np.argmax(twice)].item())
    table[here] = _only(rows, among)
    # What lies outside finds one of the ends, which hold nobody.
    return lambda wanted: table.take(distance(wanted), mode="clip").astype(np.intp)


def _duplicate(there: Keys, key: Any) -> DataError:
    return DataError(f"{there.place} tells rows apart, and two of them have {key!r}")
