"""Sources that use SQL, in a database or Spark: many segments in one pass."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import reduce
from itertools import chain, combinations_with_replacement
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

import numpy as np
import pandas as pd
import sqlalchemy as sa

from segmentkit._definition import AsOf
from segmentkit._planning import ir
from segmentkit._results.columns import values_frame, values_index
from segmentkit._results.freshness import Ageing, Loaded
from segmentkit.errors import DataError, UnsupportedError
from segmentkit.evaluation import (
    Evaluation,
    Members,
    Sizes,
    overlap_frame,
    pack,
    pairs,
    set_in_each,
)
from segmentkit.extension import Target
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.source import EngineSource, Question, Segments, asked_of
from segmentkit.sqlalchemy.dialects.statement_sizes import StatementTooLargeError
from segmentkit.sqlalchemy.statements.batch_statement import Conditions, Pass, portions
from segmentkit.sqlalchemy.statements.codes import BITS, Integers
from segmentkit.sqlalchemy.statements.export import select_values
from segmentkit.sqlalchemy.statements.newest_rows import select_ages, select_newest
from segmentkit.sqlalchemy.statements.single_statement import (
    counted,
    explained,
    of_one,
    of_person,
)
from segmentkit.sqlalchemy.statements.value_counts import select_tally, tally_of
from segmentkit.sqlalchemy.tables import Tables

AT_ONCE = 1 << 16
"""Rows that are read at a time; a multiple of eight."""

Columns: TypeAlias = Sequence[Sequence[Any]]
"""Some rows of an answer, column by column; numbers that an array holds may be one."""


class Engine(Protocol):
    """What answers queries for the time of a question: a connection, a session.

    Attributes:
        errors: What it raises if something goes wrong.
    """

    errors: ClassVar[tuple[type[Exception], ...]]

    @property
    def columnar(self) -> bool:
        """Whether answers come column by column, so that a boolean takes no more than a bit."""
        ...

    def parts(self, query: sa.Select[Any]) -> Iterator[Columns]:
        """The rows of a query, some thousands at a time."""
        ...

    def row(self, query: sa.Select[Any]) -> Sequence[Any] | None:
        """The first row of a query."""
        ...

    def text(self, query: sa.Select[Any]) -> str:
        """A query as it is sent.

        Raises:
            UnsupportedError: It has no SQL.
        """
        ...

    def check(self, nodes: Iterable[ir.Condition | ir.Value], tables: Tables) -> None:
        """See that what can be sent is computed exactly.

        Raises:
            UnsupportedError: It is not.
        """
        ...


_Opened: TypeAlias = tuple[Engine, Tables]
_T = TypeVar("_T")


class SqlSource(EngineSource[_Opened]):
    """The questions of a source, in SQL."""

    __slots__ = ()

    _target = Target.SQL

    @abstractmethod
    def _connected(self, schema: Schema) -> AbstractContextManager[_Opened]:
        """What is asked, and the tables of a schema there."""

    @contextmanager
    def _opened(self, question: Question) -> Iterator[_Opened]:
        with self._connected(question.schema) as opened, _named(question, opened[0]):
            yield opened

    def _check(self, opened: _Opened, question: Question) -> None:
        engine, tables = opened
        engine.check(question.conditions.values(), tables)

    def _refused(self, opened: _Opened, question: Question) -> dict[str, UnsupportedError]:
        engine, tables = opened

        def refused(ask: Callable[[Pass], object]) -> dict[str, UnsupportedError]:
            found = {}
            for name, condition in question.conditions.items():
                try:
                    ask(Pass.of({name: condition}, tables))
                except UnsupportedError as error:
                    found[name] = error
            return found

        def compiled(one: Pass) -> None:
            engine.check(one.conditions.values(), tables)
            engine.text(one.counted())

        # Some databases only say when they are asked that a statement is too complex.
        return refused(compiled) or refused(lambda one: engine.row(one.counted().limit(0)))

    def _evaluated(self, opened: _Opened, question: Question) -> Evaluation:
        engine, tables = opened
        rows = in_statements(question, lambda portion: _read(engine, Pass.of(portion, tables)))
        keys = rows[0][0]
        bits = [_in_order(keys, *each) for each in rows]
        return question.answered(keys.rename(tables.schema.entity.key), np.concatenate(bits))

    def _counted(self, opened: _Opened, question: Question) -> Sizes:
        engine, tables = opened
        found = in_statements(question, lambda portion: _sizes(engine, portion, tables))
        counts = list(chain.from_iterable(each for each, _ in found))
        return question.counted(counts, found[-1][1])

    def _overlapped(self, opened: _Opened, question: Question) -> pd.DataFrame:
        engine, tables = opened
        names = list(question.conditions)
        counts = pd.DataFrame(0, index=names, columns=names)
        population = 0
        parts = portions(question.conditions)
        if len(parts) > 1:
            # Two of them must go into one statement.
            parts = portions(question.conditions, share=2)
        for one, other in combinations_with_replacement(parts, 2):
            # Pairs of portions; alone, a portion would be counted again with every other.
            if one is other and len(parts) > 1:
                continue
            both = {**one, **other}
            try:
                found, population = _pairs(engine, Pass.of(both, tables), len(both))
            except StatementTooLargeError:
                # Of one alone, there may be room.
                return super()._overlapped(opened, question)
            counts.loc[list(both), list(both)] = found
        return overlap_frame(counts.to_numpy(), names, population, question.as_of)

    def _valued(
        self,
        schema: Schema,
        instant: datetime,
        bound: Mapping[str, ir.Value],
        whom: ir.Condition | None,
    ) -> pd.DataFrame:
        whom = ir.TRUE if whom is None else whom
        with self._connected(schema) as (engine, tables):
            engine.check([*bound.values(), whom], tables)
            keys, *columns = _whole(engine, select_values(bound, whom, tables), len(bound) + 1)
        dtypes = {name: value.dtype for name, value in bound.items()}
        index = _index(keys).rename(schema.entity.key)
        return values_frame(dtypes, columns, index, instant)

    def _loaded(self, schema: Schema, asked: Iterable[Ageing]) -> tuple[Loaded, ...]:
        found = []
        with self._connected(schema) as (engine, tables):
            for each in asked:
                engine.check([each.column], tables)
                (newest,) = engine.row(select_newest(each, tables)) or (None,)
                rows, *counts = engine.row(select_ages(each, tables)) or ()
                (time,) = values_index(each.column.dtype, [newest])
                passed = dict(zip(each.tests, (int(n or 0) for n in counts), strict=True))
                found.append(each.found(time, int(rows), passed))
        return tuple(found)

    def _tallied(
        self, opened: _Opened, question: Question, values: Mapping[str, ir.Value], most: int | None
    ) -> dict[str, pd.DataFrame]:
        engine, tables = opened
        engine.check(values.values(), tables)
        conditions = dict(question.conditions)
        width = 1 + len(conditions) + (most is not None)
        found = {}
        for name, value in values.items():
            columns = _whole(engine, select_tally(value, conditions, tables, most), width)
            found[name] = tally_of(columns, value, list(conditions), most)
        return found

    def _found(self, opened: _Opened, question: Question, segment: Segment) -> Members:
        engine, tables = opened
        (keys,) = _whole(engine, of_one(_only(question), tables), 1)
        index = _index(keys).rename(tables.schema.entity.key)
        return Members.of(index, asked=asked_of(segment), as_of=question.as_of)

    def _number(self, opened: _Opened, question: Question, segment: Segment) -> int:
        engine, tables = opened
        found = of_one(_only(question), tables).subquery()
        row = engine.row(sa.select(sa.func.count()).select_from(found))
        assert row is not None
        return int(row[0])

    def _holds(self, opened: _Opened, question: Question, key: Any) -> bool:
        engine, tables = opened
        return engine.row(of_person(_only(question), key, tables)) is not None

    def explain(self, segments: Segments, *, as_of: AsOf = None) -> str:
        """Show how segments are evaluated: the shape, what is scanned, and the statements.

        Args:
            segments: A catalog, another mapping, several segments, or one.
            as_of: The instant; by default now.

        Returns:
            The text. Values are parameters in it.

        Raises:
            DataError: As for `evaluate`.
            SchemaError: As for `evaluate`.
            UnsupportedError: As for `evaluate`.
        """

        def ask(opened: _Opened, question: Question) -> str:
            engine, tables = opened
            lines = [f"-- {line}" for line in explained(question.plan, tables)]
            if len(question.conditions) == 1:
                texts = [engine.text(of_one(_only(question), tables))]
            else:
                columnar = engine.columnar
                texts = in_statements(
                    question,
                    lambda portion: engine.text(
                        Pass.of(portion, tables).signs.signed(columnar=columnar)
                    ),
                )
            return "\n".join([*lines, *texts])

        return self._asked(segments, as_of, ask, remembered=False)


_FEW = 5


@contextmanager
def _named(question: Question, engine: Engine) -> Iterator[None]:
    """Say of what goes wrong where the data is, which segments it was asked about."""
    try:
        yield
    except engine.errors as error:
        names = [repr(name) for name in question.conditions]
        more = f" and {len(names) - _FEW:,} more" if len(names) > _FEW else ""
        of = f"segment{'s' if len(names) > 1 else ''} {', '.join(names[:_FEW])}{more}"
        error.add_note(f"while asking about {of}, as of {question.as_of.isoformat()}")
        raise


def in_statements(question: Question, ask: Callable[[Conditions], _T]) -> list[_T]:
    """What is asked of the conditions, in about as few statements as the database takes.

    What goes into one is estimated; if it turns out to be too large, it is halved.
    """

    def asked(portion: Conditions) -> list[_T]:
        try:
            return [ask(portion)]
        except StatementTooLargeError:
            if len(portion) <= 1:
                raise
        each, middle = list(portion.items()), len(portion) // 2
        return [*asked(dict(each[:middle])), *asked(dict(each[middle:]))]

    return [answer for portion in portions(question.conditions) for answer in asked(portion)]


def _only(question: Question) -> ir.Condition:
    (condition,) = question.conditions.values()
    return condition


def _whole(engine: Engine, query: sa.Select[Any], width: int) -> list[Any]:
    """The columns of a query that has so many."""
    parts = list(engine.parts(query))
    return [_joined([part[place] for part in parts]) for place in range(width)]


def _joined(parts: list[Any]) -> Any:
    """Parts of a column as one: an array, if all of them are."""
    if parts and all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return list(chain.from_iterable(parts))


def _index(keys: Any) -> pd.Index[Any]:
    found: pd.Index[Any] = pd.Index(keys, tupleize_cols=False)
    return found


Bits: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
Signed: TypeAlias = "tuple[pd.Index[Any], np.ndarray[Any, Any]]"
"""Keys, and for each condition bits of those keys."""


def _read(engine: Engine, one: Pass) -> Signed:
    keys: list[Any] = []
    one, columnar = one.signs, engine.columnar
    # A flag may be NULL, which is false.
    kinds: list[Any] = [np.int64 for _ in one.packed[0]]
    if columnar:
        kinds = [np.int16 if code.most else np.bool_ for code in one.codes.values()]
    rest = [np.zeros(0, dtype=kind) for kind in kinds]
    parts, left = [], 0
    for column, *part in engine.parts(one.signed(columnar=columnar)):
        keys.append(column)
        # All but the last are whole bytes of bits.
        size = (left + len(column)) // 8 * 8
        left += len(column) - size
        held = [
            np.append(before, np.asarray(read, dtype=kind))
            for before, read, kind in zip(rest, part, kinds, strict=True)
        ]
        parts.append(_bits(one, [each[:size] for each in held], size, columnar=columnar))
        rest = [each[size:] for each in held]
    parts.append(_bits(one, rest, left, columnar=columnar))
    return _index(_joined(keys)), np.concatenate(parts, axis=1)


def _bits(one: Pass, read: list[Integers], size: int, *, columnar: bool = False) -> Bits:
    """Bits of each condition, of what was read of some people."""
    if columnar:
        codes = dict(zip(one.codes, read, strict=True))
    else:
        codes = {code: place.read(read) for code, place in one.packed[1].items()}
    known = {
        test: np.packbits(span.among(codes[code]), bitorder="little")
        for test, (code, span) in one.spans.items()
    }
    made = [_made_of(known, node) for node in one.conditions.values()]
    return np.stack(made) if made else np.zeros((0, (size + 7) // 8), dtype=np.uint8)


def _made_of(known: Mapping[ir.Condition, Bits], node: ir.Condition) -> Bits:
    """Bits of a condition, of those of the tests that it is made of."""
    if node in known:
        return known[node]
    assert isinstance(node, ir.And | ir.Or)
    join = np.bitwise_and if isinstance(node, ir.And) else np.bitwise_or
    return reduce(join, (_made_of(known, operand) for operand in node.operands))


def _held(signatures: Columns, count: int, size: int) -> np.ndarray[Any, Any]:
    """Signatures as booleans, one row a condition."""
    held = np.zeros((count, size), dtype=np.bool_)
    for place, signature in zip(range(0, count, BITS), signatures, strict=True):
        numbers = np.array(signature, dtype="<i8").view(np.uint8).reshape(-1, 8)
        bits = np.unpackbits(numbers, axis=1, bitorder="little")
        held[place : place + BITS] = bits[:, : min(BITS, count - place)].T
    return held


def _in_order(keys: pd.Index[Any], found: pd.Index[Any], bits: np.ndarray[Any, Any]) -> Any:
    """Bits in the order of other keys, which a second statement may give in another."""
    if keys is found or keys.equals(found):
        return bits
    places = found.get_indexer(keys) if found.is_unique else [-1]
    if len(keys) != len(found) or min(places) < 0:
        raise DataError(
            "the keys changed between two statements; use one transaction, "
            "or data that does not change"
        )
    held = np.unpackbits(bits, axis=1, count=len(keys), bitorder="little")[:, places]
    return pack(held.view(np.bool_))


def _sizes(engine: Engine, conditions: Conditions, tables: Tables) -> tuple[list[int], int]:
    """Of how many each condition holds, and how many there are."""
    if len(conditions) > 1 and not tables.joins:
        one = Pass.of(conditions, tables)
        if one.is_dense:
            return _gathered(engine, one)
    row = engine.row(counted(conditions, tables))
    assert row is not None
    # Of nobody, a sum is NULL.
    population, *counts = (int(number or 0) for number in row)
    return counts, population


def _gathered(engine: Engine, one: Pass) -> tuple[list[int], int]:
    """The sizes, of combinations of codes and how often each occurs."""
    counts = np.zeros(len(one.conditions), dtype=np.int64)
    population = 0
    for *read, numbers in engine.parts(one.gathered()):
        often = np.asarray(numbers, dtype=np.int64)
        population += int(often.sum())
        held = _bits(one, [np.asarray(each, dtype=np.int64) for each in read], len(often))
        # Bit by bit of how often; most combinations of many codes are rare.
        for bit in range(int(often.max()).bit_length()):
            chosen = np.packbits(often >> bit & 1, bitorder="little")
            counts += set_in_each(held & chosen) << bit
    return counts.tolist(), population


def _pairs(engine: Engine, one: Pass, count: int) -> tuple[np.ndarray[Any, Any], int]:
    """How many are in each pair, of combinations and how often each occurs."""
    together = np.zeros((count, count), dtype=np.int64)
    population = 0
    for *signatures, numbers in engine.parts(one.combined()):
        often = np.array(list(map(int, numbers)), dtype=np.int64)
        held = _held(signatures, count, len(often))
        # Bit by bit of how often; most combinations of many segments are rare.
        for bit in range(int(often.max()).bit_length()):
            together += pairs(pack(held[:, (often >> bit & 1).astype(np.bool_)])) << bit
        population += int(often.sum())
    return together, population
