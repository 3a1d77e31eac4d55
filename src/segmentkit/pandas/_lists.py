"""Columns of lists of texts, and columns of JSON."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from attrs import frozen

from segmentkit._record.convert import is_missing, reader
from segmentkit._record.json_values import loose_reader, parsed
from segmentkit.dtypes import Kind
from segmentkit.pandas._arrays import Array, Mask, Positions, Text, Vector, object_array
from segmentkit.pandas._arrow import arrow_lists, objects
from segmentkit.pandas._columns import of_objects
from segmentkit.pandas._text import is_one_of
from segmentkit.schema import Attribute


@frozen(eq=False)
class Lists:
    """Lists of texts.

    Attributes:
        texts: The texts of all lists, one list after the other.
        lengths: How many texts each list has; none, where it is missing.
        missing: True where a list is missing.
    """

    texts: Text
    lengths: Positions
    missing: Mask

    @classmethod
    def of(cls, values: Sequence[Collection[str] | None]) -> Lists:
        """Lists as each row has one; None is missing."""
        present = [() if v is None else v for v in values]
        lengths = np.fromiter(map(len, present), dtype=np.intp, count=len(present))
        texts = _coded(object_array(list(chain.from_iterable(present))))
        return cls(texts, lengths, np.array([v is None for v in values], dtype=np.bool_))

    def has_missing(self) -> bool:
        """Whether any list is missing."""
        return bool(self.missing.any())

    def take(self, places: Positions) -> Lists:
        """The lists at some places; missing at -1."""
        lengths, missing = (np.append(a, end)[places] for a, end in
                            ((self.lengths, 0), (self.missing, True)))  # fmt: skip
        starts = np.append(np.cumsum(self.lengths) - self.lengths, 0)[places]
        # The place of each text among all, counted on from the first one of its list.
        offsets = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        return Lists(self.texts.only(offsets + np.arange(len(offsets))), lengths, missing)

    @property
    def sizes(self) -> Positions:
        """How many texts each list has, without those that are missing in it."""
        rows = np.repeat(np.arange(len(self.lengths)), self.lengths)
        return np.bincount(rows[self.texts.codes >= 0], minlength=len(self.lengths))

    def contains(self, texts: list[str], *, folded: bool) -> Mask:
        """Which lists have one of some texts."""
        has = is_one_of(self.texts, texts, folded=folded)
        rows = np.repeat(np.arange(len(self.lengths)), self.lengths)
        found = np.zeros(len(self.lengths), dtype=np.bool_)
        found[rows[has]] = True
        return found


def _coded(texts: Array) -> Text:
    codes, distinct = pd.factorize(texts)
    return Text(codes, object_array(list(distinct)))


def read_lists(column: pd.Series[Any], attribute: Attribute, entity: str) -> Lists:
    """A column of lists.

    Raises:
        DataError: Something else is in it, or in one of its lists.
    """
    if (arrow := arrow_lists(column)) is not None:
        codes, texts, lengths, missing = arrow
        return Lists(Text(codes, object_array(texts)), lengths, missing)
    stored = [None if _is_nothing(v) else v for v in objects(column)]
    if set(map(type, stored)) <= _COLLECTIONS:
        found = Lists.of(stored)
        if all(type(text) is str for text in found.texts.texts):
            return found
    look = reader(attribute, entity)
    return Lists.of([None if v is None else look(v, {}) for v in stored])


_COLLECTIONS = {list, tuple, set, frozenset, np.ndarray, type(None)}


def _is_nothing(value: Any) -> bool:
    return value is None or (type(value) not in _COLLECTIONS and is_missing(value))


def read_documents(column: pd.Series[Any], place: str) -> list[Any]:
    """A column of JSON: objects as they are, texts as what they tell.

    Raises:
        DataError: A text is not JSON.
    """
    return [parsed(dict(v) if _is_map(v) else v, place) for v in objects(column)]


def _is_map(value: Any) -> bool:
    """Whether a value is a map of Arrow's, which Python has as a list of pairs; JSON has none."""
    if not isinstance(value, list) or not value:
        return False
    return all(type(pair) is tuple and len(pair) == 2 for pair in value)


def read_loose(documents: list[Any], attribute: Attribute, entity: str) -> Vector | Text | Lists:
    """One value of each document."""
    look = loose_reader(attribute, entity)
    values = [look(document) for document in documents]
    match attribute.dtype.kind:
        case Kind.TEXTS:
            return Lists.of(values)
        case Kind.TEXT:
            return _coded(object_array(values))
        case _:
            mask = np.array([v is None for v in values], dtype=np.bool_)
            return of_objects(values, mask, attribute, entity)
