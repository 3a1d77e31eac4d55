"""Answers of sources: they combine, and can be saved and read again, without a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from attrs import asdict, evolve, field, frozen

from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._results.parquet import read, write
from segmentkit._usage import check_suffix
from segmentkit.errors import DataError, SegmentkitError

__all__ = ["Asked", "Evaluation", "Members", "Sizes"]

Bits: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
"""Booleans, eight in a byte, the first in the lowest bit; bits after the last one are zero."""
Keys: TypeAlias = "pd.Index[Any]"

_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.int64)
_AT_ONCE = 1 << 14
"""How many bytes of each row are looked at together: what a processor keeps close."""


def pack(held: np.ndarray[Any, np.dtype[np.bool_]]) -> Bits:
    """Booleans as bits."""
    held = np.ascontiguousarray(held)
    return np.packbits(held, axis=-1, bitorder="little")


def unpack(bits: Bits, size: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Bits as booleans."""
    return np.unpackbits(bits, axis=-1, count=size, bitorder="little").view(np.bool_)


def ones(bits: Bits) -> int:
    """How many are set."""
    return int(set_in_each(bits[None, :])[0])


def pairs(bits: Bits) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many are set in each pair of rows."""
    count, width = bits.shape
    together = np.zeros((count, count), dtype=np.int64)
    for start in range(0, width, _AT_ONCE):
        part = np.ascontiguousarray(bits[:, start : start + _AT_ONCE])
        for row in range(count):
            together[row, row:] += set_in_each(part[row] & part[row:])
    return np.triu(together) + np.triu(together, 1).T


def set_in_each(bits: Bits) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many are set in each row."""
    if hasattr(np, "bitwise_count"):
        whole = bits.shape[1] - bits.shape[1] % 8
        words = np.bitwise_count(bits[:, :whole].view(np.uint64)).sum(axis=1, dtype=np.int64)
        rest = np.bitwise_count(bits[:, whole:]).sum(axis=1, dtype=np.int64)
        return np.asarray(words + rest)
    return np.asarray(_ONES[bits].sum(axis=1))  # numpy 1


@frozen
class Asked:
    """A segment that was evaluated.

    Attributes:
        name: Its name.
        definition: Its definition in the canonical form; None if it has no single definition.
        version: The fingerprint of the segment, `Segment.fingerprint`.
    """

    name: str | None
    definition: str | None
    version: str | None


class Sizes(Mapping[str, int]):
    """The number of members of each segment: a mapping from names to numbers.

    Attributes:
        population: The number of everyone.
        as_of: The instant of the answer, in UTC.
        broken: The segments that were left out, and why.
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        population: int,
        as_of: datetime | None,
        broken: Mapping[str, SegmentkitError] | None = None,
    ) -> None:
        self._counts = dict(counts)
        self.population = population
        self.as_of = as_of
        self.broken = dict(broken or {})

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        return f"Sizes({self._counts}, population={self.population})"


@frozen(eq=False, repr=False)
class Members:
    """The members of a segment among a population: a set of keys.

    Combine them with ``& | - ^ ~``; this reads no database. If the populations differ, the result
    covers everyone who is in either.

    Attributes:
        population: The keys of everyone whom it covers.
        asked: The segment that was evaluated.
        as_of: The instant of the answer, in UTC; None if the parts are of different instants.
    """

    population: Keys
    asked: Asked
    as_of: datetime | None
    _bits: Bits
    _of_everyone: bool = True

    @classmethod
    def of(cls, keys: Any, *, asked: Asked | None = None, as_of: datetime | None = None) -> Members:
        """Make members of keys from elsewhere, such as a list of people whom you contacted.

        Args:
            keys: The keys, each once.
            asked: The segment of which they are members, if there is one.
            as_of: The instant at which they were members.
        """
        population = pd.Index(keys)
        bits = pack(np.ones(len(population), dtype=np.bool_))
        return cls(population, asked or Asked(None, None, None), as_of, bits, of_everyone=False)

    @property
    def name(self) -> str | None:
        """The segment's name, if it has one."""
        return self.asked.name

    @property
    def mask(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """For each key of the population, whether it is a member."""
        return unpack(self._bits, len(self.population))

    @property
    def keys(self) -> Keys:
        """The keys of the members, in the population's order."""
        return self.population[self.mask]

    def __len__(self) -> int:
        return ones(self._bits)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.keys.tolist())

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    def __and__(self, other: object) -> Members:
        return self._combined(other, "and", np.bitwise_and)

    def __or__(self, other: object) -> Members:
        return self._combined(other, "or", np.bitwise_or)

    def __sub__(self, other: object) -> Members:
        return self._combined(other, "and not", lambda a, b: a & ~b)

    def __xor__(self, other: object) -> Members:
        return self._combined(other, None, np.bitwise_xor)

    def __invert__(self) -> Members:
        if not self._of_everyone:
            raise ValueError("the complement is not known: only the members are here")
        told = self.asked.definition
        asked = Asked(None, None if told is None else f"not ({told})", None)
        everyone = pack(np.ones(len(self.population), dtype=np.bool_))
        return evolve(self, asked=asked, bits=self._bits ^ everyone)

    def _combined(self, other: object, word: str | None, join: Any) -> Members:
        if not isinstance(other, Members):
            return NotImplemented  # type: ignore[no-any-return]
        population, (mine,), (theirs,) = _aligned(
            self.population, [self._bits], other.population, [other._bits]
        )
        asked = _both(self.asked, other.asked, word, same=self.as_of == other.as_of)
        as_of = self.as_of if self.as_of == other.as_of else None
        whole = self._of_everyone and other._of_everyone
        return Members(population, asked, as_of, join(mine, theirs), of_everyone=whole)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Members):
            return NotImplemented
        return set(self) == set(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        named = "" if self.name is None else f"{self.name!r}, "
        at = "" if self.as_of is None else f", as of {self.as_of.isoformat()}"
        of = f" of {len(self.population):,}" if self._of_everyone else ""
        return f"Members({named}{len(self):,}{of}{at})"


@frozen(eq=False, repr=False)
class Evaluation(Mapping[str, Members]):
    """Keys × segments: who was in which segment at an instant; a mapping from names to members.

    Evaluations of segments with the same names combine with ``& | - ^``, name by name, as members
    do: ``now - before`` are the people who joined each segment since.

    Attributes:
        population: The keys of everyone, in the order of the source.
        asked: The segments.
        as_of: The instant of the answer, in UTC; None if it has several.
        broken: The segments that were left out, and why.
    """

    population: Keys
    asked: tuple[Asked, ...]
    as_of: datetime | None
    _bits: Bits
    broken: Mapping[str, SegmentkitError] = field(factory=dict, kw_only=True)
    _places: Mapping[str, int] = field(init=False)

    @_places.default
    def _places_by_name(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the segments."""
        return tuple(str(each.name) for each in self.asked)

    def members(self, name: str) -> Members:
        """The members of a segment.

        Raises:
            KeyError: It was not evaluated.
        """
        place = self._places.get(name)
        if place is None:
            hint = did_you_mean(name, self.names)
            raise KeyError(f"there is no segment {name!r} here" + (f"; {hint}" if hint else ""))
        return Members(self.population, self.asked[place], self.as_of, self._bits[place])

    def __getitem__(self, name: str) -> Members:
        return self.members(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.asked)

    @property
    def frame(self) -> pd.DataFrame:
        """Everyone by key, with one boolean column for each segment."""
        held = unpack(self._bits, len(self.population)).T
        found = pd.DataFrame(held, index=self.population, columns=list(self.names), copy=True)
        found.attrs = {"as_of": self.as_of}
        return found

    @property
    def signatures(self) -> pd.Series[Any]:
        """One number for each key; its bit *i*, from the lowest, is the *i*-th segment."""
        wide = len(self.asked) > 63
        total: Any = np.zeros(len(self.population), dtype=object if wide else np.int64)
        for place, bits in enumerate(self._bits):
            total += unpack(bits, len(self.population)).astype(total.dtype) * (1 << place)
        return pd.Series(total, index=self.population, name="signature")

    def sizes(self) -> Sizes:
        """The number of members of each segment."""
        counts = {n: ones(bits) for n, bits in zip(self.names, self._bits, strict=True)}
        return Sizes(counts, len(self.population), self.as_of, self.broken)

    def overlap(self) -> pd.DataFrame:
        """The number of people in each pair of segments; a segment with itself gives its size."""
        counts = pairs(self._bits)
        return overlap_frame(counts, self.names, len(self.population), self.as_of)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a Parquet file: the keys, one boolean column for each segment, and the segments.

        The file appears when it is complete.

        Args:
            path: The file to write.

        Raises:
            ImportError: pyarrow is not installed: ``pip install "segmentkit[parquet]"``.
            OSError: The file cannot be written.
            UsageError: The name ends as that of another kind of file.
        """
        check_suffix(path, (".parquet", ".pq"), "call it so, or write .frame, a DataFrame")
        size = len(self.population)
        columns = ((n, unpack(row, size)) for n, row in zip(self.names, self._bits, strict=True))
        write(path, self.population, columns, _told(self))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Evaluation:
        """Read what `save` wrote.

        Args:
            path: The file to read.

        Returns:
            An equal evaluation, except that ``broken`` is empty.

        Raises:
            DataError: It is another kind of file.
            ImportError: pyarrow is not installed: ``pip install "segmentkit[parquet]"``.
            OSError: The file cannot be read.
        """
        keys, columns, told = read(path)
        asked = tuple(Asked(**each) for each in told["segments"])
        as_of = told["as_of"] and datetime.fromisoformat(told["as_of"])
        bits = np.zeros((len(asked), -(-len(keys) // 8)), dtype=np.uint8)
        for row, held in zip(bits, columns, strict=True):
            row[:] = pack(held)
        return cls(keys, asked, as_of, bits)

    def _combined(self, other: object, word: str | None, join: Any) -> Evaluation:
        if not isinstance(other, Evaluation):
            return NotImplemented  # type: ignore[no-any-return]
        if set(self.names) != set(other.names):
            differ = ", ".join(sorted(map(repr, set(self.names) ^ set(other.names))))
            raise ValueError(f"only one of the evaluations has {differ}")
        order = [other._places[name] for name in self.names]
        population, mine, theirs = _aligned(
            self.population, self._bits, other.population, other._bits[order]
        )
        same = self.as_of == other.as_of
        asked = tuple(
            evolve(_both(a, other.asked[i], word, same=same), name=a.name)
            for a, i in zip(self.asked, order, strict=True)
        )
        return Evaluation(population, asked, self.as_of if same else None, join(mine, theirs))

    def __and__(self, other: object) -> Evaluation:
        return self._combined(other, "and", np.bitwise_and)

    def __or__(self, other: object) -> Evaluation:
        return self._combined(other, "or", np.bitwise_or)

    def __sub__(self, other: object) -> Evaluation:
        return self._combined(other, "and not", lambda a, b: a & ~b)

    def __xor__(self, other: object) -> Evaluation:
        return self._combined(other, None, np.bitwise_xor)

    def __repr__(self) -> str:
        at = "" if self.as_of is None else f", as of {self.as_of.isoformat()}"
        return f"Evaluation({len(self)} segments of {len(self.population):,}{at})"


def _told(found: Evaluation) -> dict[str, Any]:
    """What is kept beside the members."""
    as_of = None if found.as_of is None else found.as_of.isoformat()
    return {"as_of": as_of, "segments": [asdict(each) for each in found.asked]}


def overlap_frame(
    counts: np.ndarray[Any, Any], names: Sequence[str], population: int, as_of: datetime | None
) -> pd.DataFrame:
    """Counts of pairs, by the names of segments."""
    found = pd.DataFrame(counts, index=list(names), columns=list(names))
    found.attrs = {"population": population, "as_of": as_of}
    return found


def _both(a: Asked, b: Asked, word: str | None, *, same: bool) -> Asked:
    """What two answers say together, if one definition can say it."""
    if not same or word is None or a.definition is None or b.definition is None:
        return Asked(None, None, None)
    return Asked(None, f"({a.definition}) {word} ({b.definition})", None)


def _aligned(a: Keys, mine: Any, b: Keys, theirs: Any) -> tuple[Keys, Bits, Bits]:
    """Bits of the same people in the same order; those whom one does not know are not in it."""
    if a is b or a.equals(b):
        return a, np.asarray(mine), np.asarray(theirs)
    for keys in (a, b):
        if not keys.is_unique:
            twice = keys[keys.duplicated()].tolist()[0]
            raise DataError(f"two of the population have the key {twice!r}")
    places = a.get_indexer(b)
    new = places < 0
    everyone = a.append(b[new])
    places[new] = np.arange(len(a), len(everyone))
    return (
        everyone,
        _moved(a, mine, slice(len(a)), len(everyone)),
        _moved(b, theirs, places, len(everyone)),
    )


def _moved(keys: Keys, rows: Any, places: slice | np.ndarray[Any, Any], size: int) -> Bits:
    """Bits of some keys as bits of more of them, among which they have these places."""
    found = np.zeros((len(rows), -(-size // 8)), dtype=np.uint8)
    for row, bits in zip(found, rows, strict=True):
        held = np.zeros(size, dtype=np.bool_)
        held[places] = unpack(bits, len(keys))
        row[:] = pack(held)
    return found
