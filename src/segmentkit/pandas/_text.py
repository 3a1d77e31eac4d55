"""Columns of text, tested as they are stored or through codes of their distinct values."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, TypeAlias, assert_never

import numpy as np
import pandas as pd
from attrs import frozen

from segmentkit._operators import TEXT_TESTS, fold_case
from segmentkit._patterns.matcher import matcher
from segmentkit._patterns.printing import printed
from segmentkit._patterns.syntax import parse
from segmentkit._planning.ir import Comparison, TextOperator
from segmentkit._record.convert import reader
from segmentkit.pandas._arrays import Array, Mask, Positions, Text, object_array
from segmentkit.pandas._arrow import is_arrow_text, matched, objects
from segmentkit.pandas._exact_numbers import COMPARE
from segmentkit.schema import Attribute

Column: TypeAlias = "pd.Series[Any]"

_SAMPLE = 1_000
_FEW = 100
"""Distinct texts in a sample that are few enough for codes to be cheap to make."""

_SMALL = 127
"""So many codes fit a byte, which is read faster."""


@frozen(eq=False, slots=False)
class TextColumn:
    """A column of texts, tested as it is stored until codes are wanted.

    Attributes:
        column: The column; nobody has looked into it yet.
        attribute: What it is, according to the schema.
        entity: Whose it is, for messages.
        tests: How many passes over the column the segment asks for.
    """

    column: Column
    attribute: Attribute
    entity: str
    tests: int = 0

    @cached_property
    def settled(self) -> Text:
        """The texts as codes; raises ``DataError`` where something else is among them."""
        dtype = self.column.dtype
        codes: Array
        if isinstance(dtype, pd.CategoricalDtype):
            codes, distinct = self.column.cat.codes.to_numpy(), dtype.categories
        else:
            codes, distinct = self.factorized()
        found = [self.look(v) for v in distinct.astype(object)]
        if len(found) <= _SMALL:
            codes = codes.astype(np.int8, copy=False)
        text = Text(codes, object_array(found))
        return text if len(set(found)) == len(found) else _distinct(text)

    def factorized(self) -> tuple[Array, Any]:
        """Codes of the stored values, and those values."""
        try:
            return pd.factorize(self.stored)
        except (TypeError, ValueError):  # something that does not hash, so that it is no text
            for value in self.stored:
                self.look(value)
            raise

    @cached_property
    def stored(self) -> Any:
        """The column's array: Arrow's, or one of Python's objects."""
        if self.is_arrow:
            return self.column.array
        return objects(self.column)

    @property
    def is_arrow(self) -> bool:
        """Whether Arrow stores the texts, and so tests them fast."""
        return is_arrow_text(self.column.dtype)

    def look(self, value: Any) -> Any:
        """A text, as it is; ``DataError`` if it is none."""
        return value if type(value) is str else reader(self.attribute, self.entity)(value, {})

    @cached_property
    def is_coded(self) -> bool:
        """Whether tests go by codes: they do where codes cost less than the tests."""
        if isinstance(self.column.dtype, pd.CategoricalDtype):
            return True
        step = max(1, len(self.stored) // _SAMPLE)
        sample = np.asarray(self.stored[::step], dtype=object)
        few = len({v for v in sample if isinstance(v, str)}) <= _FEW
        return (few and (self.tests > 1 or not self.is_arrow)) or not self.is_plain

    @cached_property
    def is_plain(self) -> bool:
        """Whether nothing but texts and missing values is there."""
        if self.is_arrow:
            return True
        return pd.api.types.infer_dtype(self.stored, skipna=True) in ("string", "empty")

    def has_missing(self) -> bool:
        """Whether any text is missing."""
        if self.is_coded:
            return self.settled.has_missing()
        return bool(pd.isna(self.stored).any())

    @property
    def missing(self) -> Mask:
        """True where a text is missing."""
        return self.settled.missing if self.is_coded else pd.isna(self.stored)

    def is_one_of(self, values: list[str], *, folded: bool) -> Mask:
        """Which texts are among some."""
        if folded or self.is_coded:
            return is_one_of(self.settled, values, folded=folded)
        if len(values) == 1:
            if self.is_arrow:
                return _booleans(self.column == values[0])
            return _equal(self.stored, values[0])
        return _booleans(pd.Series(self.stored).isin(values))

    def has(
        self, operator: TextOperator, pattern: str, *, folded: bool, rows: Positions | None = None
    ) -> Mask:
        """Which texts, of all rows or of some of a column without codes, have a pattern there."""
        if folded or self.is_coded:
            return has(self.settled, operator, pattern, folded=folded)
        if not self.is_arrow:
            test = _test(operator, pattern)
            stored = self.stored if rows is None else self.stored[rows]
            found = [isinstance(v, str) and test(v) for v in stored]
            return np.array(found, dtype=np.bool_)
        column = self.column if rows is None else self.column.iloc[rows]
        methods = column.str
        match operator:
            case TextOperator.CONTAINS:
                return _booleans(methods.contains(pattern, regex=False))
            case TextOperator.STARTS:
                return _booleans(methods.startswith(pattern))
            case TextOperator.ENDS:
                return _booleans(methods.endswith(pattern))
            case TextOperator.MATCHES:
                return matched(column, rf"\A(?:{printed(parse(pattern))})\z")
            case _:
                assert_never(operator)


def is_one_of(text: Text, values: list[str], *, folded: bool) -> Mask:
    """Which texts are among some; false where missing."""
    if folded:
        wanted = set(map(fold_case, values))
        return text.test(lambda t: fold_case(t) in wanted)
    if len(values) != 1:
        return text.test(set(values).__contains__)
    code = np.flatnonzero(text.texts == _object(values[0]))
    found: Mask = np.equal(text.codes, int(code[0]) if len(code) else -2)
    return found


def has(text: Text, operator: TextOperator, pattern: str, *, folded: bool) -> Mask:
    """Which texts have a pattern there; false where missing."""
    if folded:
        test = _test(operator, fold_case(pattern))
        return text.test(lambda t: test(fold_case(t)))
    return text.test(_test(operator, pattern))


def _test(operator: TextOperator, pattern: str) -> Callable[[str], bool]:
    if operator is TextOperator.MATCHES:
        return matcher(pattern)
    test = TEXT_TESTS[operator.value]
    return lambda text: test(text, pattern)


def equal(left: Text, right: Text, *, folded: bool) -> Mask:
    """Where two texts are equal; false where either is missing."""
    numbers: dict[Hashable, int] = {}
    key = fold_case if folded else str
    a, b = left.numbered(numbers, key), right.numbered(numbers, key)
    found: Mask = (a == b) & (a >= 0)
    return found


def in_order(op: Comparison, left: Text, right: Text) -> Mask:
    """Where two texts are in order, by code point; false where either is missing."""
    numbers: dict[Hashable, int] = {}
    a, b = left.numbered(numbers, str), right.numbered(numbers, str)
    places = {text: place for place, text in enumerate(sorted(map(str, numbers)))}
    ranks = np.array([*map(places.__getitem__, map(str, numbers)), -1], dtype=np.intp)
    found: Mask = COMPARE[op](ranks[a], ranks[b]) & (a >= 0) & (b >= 0)
    return found


def _distinct(text: Text) -> Text:
    """Texts that became equal when they were read get one code."""
    numbers: dict[Hashable, int] = {}
    codes = text.numbered(numbers, str)
    return Text(codes, object_array(list(numbers)))


def _equal(stored: Array, value: str) -> Mask:
    try:
        return np.asarray(stored == _object(value), dtype=np.bool_)
    except TypeError:  # pandas' NA, which is neither equal nor unequal
        return np.array([isinstance(v, str) and v == value for v in stored], dtype=np.bool_)


def _object(text: str) -> Array:
    """A text to compare objects with: NumPy's own texts lose the NULs at their end."""
    return np.array(text, dtype=object)


def _booleans(found: Any) -> Mask:
    """An answer of pandas, whatever it uses for booleans; where it is missing it means no."""
    mask: Mask = found.array.to_numpy(dtype=np.bool_, na_value=False)
    return mask
