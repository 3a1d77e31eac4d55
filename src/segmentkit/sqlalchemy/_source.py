"""A database as a source: many segments in one pass, counted where the data is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations_with_replacement
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import sqlalchemy as sa
from attrs import define, field
from sqlalchemy.orm import Session

from segmentkit import _ir as ir
from segmentkit._columns import values_frame
from segmentkit._defined import AsOf
from segmentkit.errors import DataError, UnsupportedError
from segmentkit.evaluation import Evaluation, Members, Sizes, overlap_frame, pack, pairs
from segmentkit.extension import Target
from segmentkit.segment import Segment
from segmentkit.source import Question, Segments, asked_of, bound_traits, tallied_traits
from segmentkit.sqlalchemy._export import select_values
from segmentkit.sqlalchemy._pass import BITS, Pass, portions
from segmentkit.sqlalchemy._single import counted, explained, of_one, of_person, statements
from segmentkit.sqlalchemy._tables import Lists, Root, Tables
from segmentkit.sqlalchemy._tally import select_tally, tally_of
from segmentkit.trait import Trait

_T = TypeVar("_T")
_AT_ONCE = 1 << 16
"""Rows that are read at a time; a multiple of eight."""


@define(eq=False)
class Source:
    """A database that is asked about many segments at once.

    Every question is one statement, or a few where a database takes no longer ones; nothing is
    written, and what is read comes in portions. An engine lends a connection for the time of a
    question; a connection or a session of yours is used as it is, in its transaction.

    Args:
        bind: An engine, a connection or a session.
        entity: A mapped class, a table, or an alias of one.
        lists: Columns that hold the keys of static lists, by the lists' names.

    Example:
        >>> import sqlalchemy as sa
        >>> from segmentkit import Segment
        >>> from segmentkit.sqlalchemy import schema_from
        >>> people = sa.Table(
        ...     "people",
        ...     sa.MetaData(),
        ...     sa.Column("id", sa.Integer, primary_key=True),
        ...     sa.Column("age", sa.Integer),
        ... )
        >>> engine = sa.create_engine("sqlite://")
        >>> with engine.begin() as connection:
        ...     people.create(connection)
        ...     rows = [{"id": 7, "age": 17}, {"id": 8, "age": 40}]
        ...     _ = connection.execute(people.insert(), rows)
        >>> schema = schema_from(people)
        >>> minor = Segment.define("minor", "age < 18", schema)
        >>> adult = Segment.define("adult", "age >= 18", schema)
        >>> source = Source(engine, people)
        >>> source.evaluate([minor, adult]).frame
            minor  adult
        id
        7    True  False
        8   False   True
        >>> source.sizes([minor, adult])
        Sizes({'minor': 1, 'adult': 1}, population=2)
    """

    bind: sa.Engine | sa.Connection | Session
    entity: Root
    lists: Lists | None = field(default=None, kw_only=True)

    def evaluate(
        self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False
    ) -> Evaluation:
        """Say of everyone which segments they are in.

        Args:
            segments: A catalog, another mapping, several segments, or one.
            as_of: The instant to ask about; by default now. Without a zone, in the schema's.
            skip_broken: Leave out segments that cannot be computed, and tell of them in
                ``broken``; by default the first one is an error.

        Returns:
            The keys of everyone, and for each segment whether they are in it.

        Raises:
            DataError: A parameter of a segment has no value.
            SchemaError: A table or column is not there, or the segments are of different schemas.
            UnsupportedError: The database cannot compute a construct; names the segment.
        """

        def ask(connection: sa.Connection, question: Question, tables: Tables) -> Evaluation:
            rows = [
                _read(connection, Pass.of(portion, tables), len(portion))
                for portion in portions(question.conditions)
            ]
            keys = rows[0][0]
            bits = [_in_order(keys, *each) for each in rows]
            index = pd.Index(keys, name=tables.schema.entity.key, tupleize_cols=False)
            return question.answered(index, np.concatenate(bits))

        return self._asked(segments, as_of, skip_broken, ask)

    def sizes(self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False) -> Sizes:
        """Count the members of segments, in the database.

        Args:
            segments: A catalog, another mapping, several segments, or one.
            as_of: The instant to ask about; by default now.
            skip_broken: Leave out segments that cannot be computed.

        Returns:
            The number of members by the segment's name, and of everyone: ``population``.

        Raises:
            DataError: As `evaluate`.
            SchemaError: As `evaluate`.
            UnsupportedError: As `evaluate`.
        """

        def ask(connection: sa.Connection, question: Question, tables: Tables) -> Sizes:
            counts: list[int] = []
            population = 0
            for portion in portions(question.conditions):
                row = connection.execute(counted(portion, tables)).one()
                # Of nobody, a sum is NULL.
                population, *more = (int(number or 0) for number in row)
                counts += more
            return question.counted(counts, population)

        return self._asked(segments, as_of, skip_broken, ask)

    def overlap(
        self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False
    ) -> pd.DataFrame:
        """Count who is in each pair of segments; only numbers leave the database.

        Args:
            segments: A catalog, another mapping, several segments, or one.
            as_of: The instant to ask about; by default now.
            skip_broken: Leave out segments that cannot be computed.

        Returns:
            Names × names; a segment beside itself: its size. ``attrs`` has the ``population``
            and ``as_of``.

        Raises:
            DataError: As `evaluate`.
            SchemaError: As `evaluate`.
            UnsupportedError: As `evaluate`.
        """

        def ask(connection: sa.Connection, question: Question, tables: Tables) -> pd.DataFrame:
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
                found, population = _pairs(connection, Pass.of(both, tables), len(both))
                counts.loc[list(both), list(both)] = found
            return overlap_frame(counts.to_numpy(), names, population, question.as_of)

        return self._asked(segments, as_of, skip_broken, ask)

    def values(
        self, traits: Iterable[Trait], *, of: Segment | None = None, as_of: AsOf = None
    ) -> pd.DataFrame:
        """The values of traits.

        Args:
            traits: What to compute; at least one.
            of: Whom to compute it of; by default everyone.
            as_of: The instant to ask about; by default now.

        Returns:
            One column a trait, called as it is, by key. Integers are ``Int64``, booleans
            ``boolean``, texts ``string``, exact decimals objects, dates ``datetime64`` and
            timestamps ``datetime64`` in UTC; what is missing is missing there.

        Raises:
            DataError: A parameter has no value.
            SchemaError: A table or column is not there, or they are of different schemas.
            UnsupportedError: The database cannot compute a construct.
            ValueError: There are no traits.
        """
        traits = list(traits)
        schema, instant, bound, condition = bound_traits(traits, of, as_of, Target.SQL)
        tables = Tables.of(schema, self.entity, self.lists)
        query = select_values(bound, ir.TRUE if condition is None else condition, tables)
        with self._connected() as connection:
            rows = [row for part in _parts(connection, query) for row in part]
        keys, *columns = zip(*rows, strict=True) if rows else [()] * (len(bound) + 1)
        index = pd.Index(list(keys), name=schema.entity.key, tupleize_cols=False)
        dtypes = {name: value.dtype for name, value in bound.items()}
        return values_frame(dtypes, columns, index, instant)

    def tally(
        self,
        traits: Iterable[Trait],
        segments: Segments,
        *,
        most: int | None = None,
        as_of: AsOf = None,
    ) -> dict[str, pd.DataFrame]:
        """Count how often each value of traits occurs in segments, in the database.

        Args:
            traits: Whose values to count, with one statement each.
            segments: A catalog, another mapping, several segments, or one.
            most: Only so many most frequent values of each segment, and what is missing; by
                default all values that occur in one of them.
            as_of: The instant to ask about; by default now.

        Returns:
            For each trait, by its name, counts: values × segments, the most frequent first. Where
            a value is missing, so it is in the index. ``attrs`` has how many ``different`` values
            occur in one of the segments, and ``as_of``.

        Raises:
            DataError: As `evaluate`.
            SchemaError: As `evaluate`.
            UnsupportedError: As `evaluate`.
            ValueError: There are no traits.
        """
        traits = list(traits)

        def ask(
            connection: sa.Connection, question: Question, tables: Tables
        ) -> dict[str, pd.DataFrame]:
            values = tallied_traits(traits, question.schema, question.instant, Target.SQL)
            conditions = dict(question.conditions)
            found = {}
            for name, value in values.items():
                query = select_tally(value, conditions, tables, most)
                rows = [row for part in _parts(connection, query) for row in part]
                found[name] = tally_of(rows, value, list(conditions), most)
                found[name].attrs["as_of"] = question.as_of
            return found

        return self._asked(segments, as_of, False, ask)

    def members(self, segment: Segment, *, as_of: AsOf = None) -> Members:
        """The members of one segment; nobody else's key leaves the database.

        Args:
            segment: Whom to find.
            as_of: The instant to ask about; by default now.

        Returns:
            Their keys, as a set.

        Raises:
            DataError: As `evaluate`.
            SchemaError: As `evaluate`.
            UnsupportedError: As `evaluate`.
        """

        def ask(connection: sa.Connection, question: Question, tables: Tables) -> Members:
            query = of_one(_only(question), tables)
            keys = [row[0] for part in _parts(connection, query) for row in part]
            index = pd.Index(keys, name=tables.schema.entity.key, tupleize_cols=False)
            return Members.of(index, asked=asked_of(segment), as_of=question.as_of)

        return self._asked(segment, as_of, False, ask)

    def count(self, segment: Segment, *, as_of: AsOf = None) -> int:
        """How many members one segment has.

        Args:
            segment: Whom to count.
            as_of: The instant to ask about; by default now.

        Raises:
            DataError: As `evaluate`.
            SchemaError: As `evaluate`.
            UnsupportedError: As `evaluate`.
        """

        def ask(connection: sa.Connection, question: Question, tables: Tables) -> int:
            found = of_one(_only(question), tables).subquery()
            return int(connection.scalar(sa.select(sa.func.count()).select_from(found)) or 0)

        return self._asked(segment, as_of, False, ask)

    def contains(self, segment: Segment, key: Any, *, as_of: AsOf = None) -> bool:
        """Whether one person is a member; only that person's rows are looked at.

        Args:
            segment: Of what.
            key: The person's key; whoever is not there is no member.
            as_of: The instant to ask about; by default now.

        Raises:
            DataError: As `evaluate`.
            SchemaError: As `evaluate`.
            UnsupportedError: As `evaluate`.
        """

        def ask(connection: sa.Connection, question: Question, tables: Tables) -> bool:
            query = of_person(_only(question), key, tables)
            return connection.execute(query).first() is not None

        return self._asked(segment, as_of, False, ask)

    def explain(self, segments: Segments, *, as_of: AsOf = None) -> str:
        """Say how segments are asked about: the shape, what is scanned, and the statements.

        Args:
            segments: A catalog, another mapping, several segments, or one.
            as_of: The instant to ask about; by default now.

        Returns:
            The text; values are parameters in it.

        Raises:
            DataError: As `evaluate`.
            SchemaError: As `evaluate`.
            UnsupportedError: As `evaluate`.
        """

        def ask(connection: sa.Connection, question: Question, tables: Tables) -> str:
            lines = [f"-- {line}" for line in explained(question.plan, tables)]
            queries = statements(question.conditions, tables)
            told = {"render_postcompile": True}
            texts = [query.compile(connection, compile_kwargs=told) for query in queries]
            return "\n".join([*lines, *map(str, texts)])

        return self._asked(segments, as_of, False, ask)

    # -- how it is asked ------------------------------------------------------------------------

    def _asked(
        self,
        segments: Segments,
        as_of: AsOf,
        skip_broken: bool,
        ask: Callable[[sa.Connection, Question, Tables], _T],
    ) -> _T:
        """Ask; if a definition is refused, say which, or ask without it."""
        question = Question.of(segments, as_of, Target.SQL, skip_broken=skip_broken)
        tables = Tables.of(question.schema, self.entity, self.lists)
        with self._connected() as connection, _named(question):
            try:
                return ask(connection, question, tables)
            except UnsupportedError:
                refused = _refused(question.conditions, tables, connection.dialect)
                if not refused:
                    raise
            return ask(connection, question.without(refused, skip_broken=skip_broken), tables)

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        match self.bind:
            case sa.Engine():
                with self.bind.connect() as connection:
                    yield connection
            case sa.Connection():
                yield self.bind
            case _:
                yield self.bind.connection()


_FEW = 5


@contextmanager
def _named(question: Question) -> Iterator[None]:
    """Say of what goes wrong in the database, which segments it was asked about."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        names = [repr(name) for name in question.conditions]
        more = f" and {len(names) - _FEW:,} more" if len(names) > _FEW else ""
        of = f"segment{'s' if len(names) > 1 else ''} {', '.join(names[:_FEW])}{more}"
        error.add_note(f"while asking about {of}, as of {question.as_of.isoformat()}")
        raise


def _only(question: Question) -> ir.Condition:
    (condition,) = question.conditions.values()
    return condition


def _refused(
    conditions: Mapping[str, ir.Condition], tables: Tables, dialect: sa.Dialect
) -> dict[str, UnsupportedError]:
    """The conditions that have no SQL, asked one by one."""
    found = {}
    for name, condition in conditions.items():
        try:
            Pass.of({name: condition}, tables).counted().compile(dialect=dialect)
        except UnsupportedError as error:
            found[name] = error
    return found


def _parts(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[list[Any]]:
    """The rows of a query, some thousands at a time."""
    query = query.execution_options(stream_results=True, yield_per=_AT_ONCE)
    with connection.execute(query) as result:
        for part in result.partitions():
            yield list(part)


Signed = tuple[list[Any], np.ndarray[Any, Any]]
"""Keys, and for each condition bits of those keys."""


def _read(connection: sa.Connection, one: Pass, count: int) -> Signed:
    keys: list[Any] = []
    parts = [np.zeros((count, 0), dtype=np.uint8)]
    rest: list[Any] = []
    for part in _parts(connection, one.signed()):
        # All but the last are whole bytes of bits.
        rows = [*rest, *part] if rest else part
        whole = len(rows) - len(rows) % 8
        rest = rows[whole:]
        keys += [row[0] for row in rows[:whole]]
        parts.append(_bits(rows[:whole], count))
    keys += [row[0] for row in rest]
    parts.append(_bits(rest, count))
    return keys, np.concatenate(parts, axis=1)


def _bits(rows: list[Any], count: int) -> np.ndarray[Any, Any]:
    """Signatures that stand behind keys as bits, one row a condition."""
    return pack(_held([row[1:] for row in rows], count))


def _held(signatures: list[Any], count: int) -> np.ndarray[Any, Any]:
    """Signatures as booleans, one row a condition."""
    held = np.zeros((count, len(signatures)), dtype=np.bool_)
    for place in range(0, count if signatures else 0, BITS):
        column = np.array([row[place // BITS] for row in signatures], dtype="<i8")
        bits = np.unpackbits(column.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
        held[place : place + BITS] = bits[:, : min(BITS, count - place)].T
    return held


def _in_order(keys: list[Any], found: list[Any], bits: np.ndarray[Any, Any]) -> Any:
    """Bits in the order of other keys, which a second statement may give in another."""
    if keys is found or keys == found:
        return bits
    index = pd.Index(found, tupleize_cols=False)
    places = index.get_indexer(pd.Index(keys, tupleize_cols=False)) if index.is_unique else [-1]
    if len(keys) != len(found) or min(places) < 0:
        raise DataError("the keys changed between two statements; ask within one transaction")
    held = np.unpackbits(bits, axis=1, count=len(keys), bitorder="little")[:, places]
    return pack(held.view(np.bool_))


def _pairs(connection: sa.Connection, one: Pass, count: int) -> tuple[np.ndarray[Any, Any], int]:
    """How many are in each pair, of combinations and how often each occurs."""
    together = np.zeros((count, count), dtype=np.int64)
    population = 0
    for part in _parts(connection, one.combined()):
        often = np.array([int(row[-1]) for row in part], dtype=np.int64)
        held = _held([row[:-1] for row in part], count)
        # Bit by bit of how often; most combinations of many segments are rare.
        for bit in range(int(often.max()).bit_length()):
            together += pairs(pack(held[:, (often >> bit & 1).astype(np.bool_)])) << bit
        population += int(often.sum())
    return together, population
