"""What people are told apart by: values, how a tree sees them, and how definitions say it.

A tree sees every value as a column of places: the place of a number among all numbers, that of a
category among categories. What is missing has a place too, so each cut of a column parts
everyone, and says in the language whom it takes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence, Set
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np
from attrs import define, evolve, frozen

from segmentkit._language.formatter import format_text
from segmentkit.analysis._discovery.thresholds import Between, Bound

Places: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]


@frozen(eq=False)
class Column:
    """One way in which a tree can part people by a feature.

    Attributes:
        places: A whole number for each of them, none below zero.
        parted: Says who of everyone is at a place up to a number, as some rows tell, and who is
            not; None if no definition can say it.
    """

    places: Places
    parted: Callable[[float, Places], tuple[Condition, Condition] | None]


# -- what has an order --------------------------------------------------------------------------


@define(frozen=True, slots=False, eq=False)
class Ordered:
    """A number or a time of each person.

    Attributes:
        text: How definitions say it.
        nullable: Whether it can be missing.
        places: The place of each person's value among all values; -1 where it is missing.
        values: The values, in order.
        between: Finds bounds between them.
    """

    text: str
    nullable: bool
    places: Places
    values: Sequence[Any]
    between: Between

    def columns(self, rows: Places, _target: Any) -> Iterator[Column]:
        """With what is missing last; and first, if rows have it."""
        missing = self.places < 0
        if not np.ptp(self.places[rows]):
            return
        yield Column(
            np.where(missing, len(self.values), self.places), partial(self._parted, first=False)
        )
        if missing[rows].any():
            yield Column(self.places + 1, partial(self._parted, first=True))

    def _parted(self, last: float, rows: Places, *, first: bool) -> tuple[Span, Span] | None:
        places = self.places[rows]
        places, last = places[places >= 0], last - first
        below, above = places[places <= last], places[places > last]
        if not len(below) or not len(above):
            both = Span(self, known=False), Span(self, missing=False)
            return both if first else (both[1], both[0])
        bound = self.between(self.values[below.max()], self.values[above.min()])
        if bound is None:
            return None
        return Span(self, high=bound, missing=first), Span(self, low=bound, missing=not first)


@frozen
class Span:
    """That a value is from one bound on and below another; or that it is missing.

    Attributes:
        feature: The value.
        low: From where on.
        high: Below which.
        known: Whether any value is within.
        missing: Whether who has none is within.
    """

    feature: Ordered
    low: Bound | None = None
    high: Bound | None = None
    known: bool = True
    missing: bool = True

    def __and__(self, other: Span) -> Span:
        lows = [each.low for each in (self, other) if each.low]
        highs = [each.high for each in (self, other) if each.high]
        return Span(
            self.feature,
            max(lows, key=lambda bound: bound.value, default=None),
            min(highs, key=lambda bound: bound.value, default=None),
            self.known and other.known,
            self.missing and other.missing,
        )

    @property
    def mask(self) -> Mask:
        """Whom it holds of."""
        places, values = self.feature.places, self.feature.values
        low = bisect_left(values, self.low.value) if self.low else 0
        high = bisect_left(values, self.high.value) if self.high else len(values)
        held = (places >= low) & (places < high) & self.known
        return np.asarray(held | ((places < 0) & self.missing))

    def tests(self) -> list[str]:
        """The tests that say it, all of which must hold."""
        text, nullable = self.feature.text, self.feature.nullable
        if not self.known:
            return [f"{text} is missing"]
        bounds = [f"{text} >= {self.low.text}"] if self.low else []
        bounds += [f"{text} < {self.high.text}"] if self.high else []
        if not bounds:
            return [f"{text} is present"] if nullable and not self.missing else []
        if nullable and self.missing:
            return [f"({' and '.join(bounds)} or {text} is missing)"]
        return bounds


# -- what has no order --------------------------------------------------------------------------


@define(frozen=True, slots=False, eq=False)
class Choice:
    """One of several values, or none, of each person.

    Attributes:
        text: How definitions say it.
        nullable: Whether it can be missing.
        places: Which of the values each person has; then come any other, and missing.
        values: The values that are told apart: texts, or false and true.
    """

    text: str
    nullable: bool
    places: Places
    values: tuple[Any, ...]

    @property
    def other(self) -> int:
        """The place of a value that is not told apart."""
        return len(self.values)

    @property
    def missing(self) -> int:
        """The place of who has none."""
        return len(self.values) + 1

    @cached_property
    def boolean(self) -> bool:
        """Whether the values are false and true."""
        return isinstance(self.values[0], bool)

    def columns(self, rows: Places, target: Any) -> Iterator[Column]:
        """The values in the order of the target's mean, which no other order can better."""
        places = self.places[rows]
        counts = np.bincount(places, minlength=self.missing + 1)
        if np.count_nonzero(counts) < 2:
            return
        sums = np.bincount(places, target[rows], minlength=self.missing + 1)
        means = np.where(counts, sums / np.maximum(counts, 1), np.inf)
        order = np.where(counts, np.searchsorted(np.unique(means), means), -1)
        # Whoever is held out, and of a kind that none of the others is of, is anywhere.
        yield Column(np.maximum(order, 0)[self.places], partial(self._parted, order))

    def _parted(self, order: Places, last: float, _rows: Places) -> tuple[Chosen, Chosen]:
        seen = np.flatnonzero(order >= 0).tolist()
        below = {place for place in seen if order[place] <= last}
        above = set(seen) - below
        # What nobody of these has goes where definitions are short: to the longer list, which is
        # written as the complement of the other; of booleans to the false ones.
        if order[self.other] < 0:
            max(above, below, key=len).add(self.other)
        if order[self.missing] < 0:
            like = 0 if self.boolean else self.other
            (below if like in below else above).add(self.missing)
        return Chosen(self, frozenset(below)), Chosen(self, frozenset(above))


@frozen
class Chosen:
    """That a value is among some.

    Attributes:
        feature: The value.
        places: The places of those.
    """

    feature: Choice
    places: frozenset[int]

    def __and__(self, other: Chosen) -> Chosen:
        return evolve(self, places=self.places & other.places)

    @property
    def mask(self) -> Mask:
        """Whom it holds of."""
        return np.isin(self.feature.places, list(self.places))

    def tests(self) -> list[str]:
        """The tests that say it, all of which must hold."""
        feature = self.feature
        missing = feature.nullable and feature.missing in self.places
        if feature.boolean:
            return self._of_boolean(missing)
        if feature.other in self.places:
            tests = self._among(set(range(feature.other)) - self.places, "!=", "not in")
            unknown = feature.nullable and not missing
            return [*tests, f"{feature.text} is present"] if unknown else tests
        tests = self._among(self.places - {feature.missing}, "=", "in")
        return _or_missing(tests, feature.text) if missing else tests

    def _among(self, places: Set[int], one: str, several: str) -> list[str]:
        texts = [format_text(self.feature.values[place]) for place in sorted(places)]
        if len(texts) < 2:
            return [f"{self.feature.text} {one} {text}" for text in texts]
        return [f"{self.feature.text} {several} ({', '.join(texts)})"]

    def _of_boolean(self, missing: bool) -> list[str]:
        text, nullable = self.feature.text, self.feature.nullable
        match 0 in self.places, 1 in self.places:
            case True, True:
                return [f"{text} is present"] if nullable and not missing else []
            case True, False:
                return [f"{text} = false"] if nullable and not missing else [f"not {text}"]
            case False, True:
                return _or_missing([text], text) if missing else [text]
            case _:
                return [f"{text} is missing"]


def _or_missing(tests: list[str], text: str) -> list[str]:
    return [f"({' or '.join([*tests, f'{text} is missing'])})"] if tests else [f"{text} is missing"]


Feature: TypeAlias = "Ordered | Choice"
Condition: TypeAlias = "Span | Chosen"
