"""Sources: where you evaluate many segments at once, on any engine.

Analyses and the command line use only `Source`, so they work on every engine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

from attrs import frozen

from segmentkit._definition import AsOf, instant_of
from segmentkit._planning import ir
from segmentkit._planning.plan import Plan
from segmentkit._results.asked_traits import bound_traits, tallied_traits
from segmentkit._results.freshness import Ageing, Loaded, ages_of, ages_read, forgotten, refuse
from segmentkit._usage import described, expect, is_single
from segmentkit.catalog import Catalog
from segmentkit.errors import (
    DataError,
    SchemaError,
    SegmentkitError,
    UnsupportedError,
    UsageError,
)
from segmentkit.evaluation import Asked, Evaluation, Members, Sizes
from segmentkit.extension import Target
from segmentkit.schema import Schema
from segmentkit.segment import Segment, bound_condition
from segmentkit.trait import Trait

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Asked", "Evaluation", "Loaded", "Members", "Segments", "Sizes", "Source"]

_T = TypeVar("_T")
_Engine = TypeVar("_Engine")

Segments: TypeAlias = "Mapping[str, Segment] | Iterable[Segment] | Segment"
"""Segments to evaluate together: a catalog or another mapping, several, or one."""


def check_source(source: object) -> None:
    """Make sure that something is a source.

    Raises:
        UsageError: It is none; says how to make one.
    """
    kind = type(source)
    # What stands for a source, and hands on what it is asked, may be one.
    hands_on = hasattr(kind, "__getattr__") and not hasattr(kind, "columns")
    if not hasattr(kind, "evaluate") and not hands_on:
        raise UsageError(
            "this takes a source, such as segmentkit.pandas.Source(frames) or "
            f"segmentkit.sqlalchemy.Source(engine, Customer), and not {described(source)}"
        )


class Source(Protocol):
    """Where you evaluate segments: a database, data frames, Spark.

    Many segments are evaluated in one pass: each distinct aggregate is computed once, and all
    aggregates of one relation in one scan of it. ``as_of`` is the instant, by default now. With
    ``skip_broken``, a segment that cannot be computed is left out and listed in ``broken``;
    otherwise it is an error that names the segment.
    """

    def evaluate(
        self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False
    ) -> Evaluation:
        """Find out which segments everyone is in."""
        ...

    def sizes(self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False) -> Sizes:
        """Count members, where the data is."""
        ...

    def overlap(
        self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False
    ) -> pd.DataFrame:
        """Count the people in each pair of segments, where the data is."""
        ...

    def values(
        self, traits: Iterable[Trait], *, of: Segment | None = None, as_of: AsOf = None
    ) -> pd.DataFrame:
        """Compute the values of traits as columns, by key."""
        ...

    def tally(
        self,
        traits: Iterable[Trait],
        segments: Segments,
        *,
        most: int | None = None,
        as_of: AsOf = None,
    ) -> dict[str, pd.DataFrame]:
        """Count how often each value of traits occurs in segments, where the data is."""
        ...

    def members(self, segment: Segment, *, as_of: AsOf = None) -> Any:
        """Find the keys of one segment's members, as a pandas index."""
        ...

    def count(self, segment: Segment, *, as_of: AsOf = None) -> int:
        """Count the members of one segment."""
        ...

    def loaded(
        self, of: Segments | Schema, *, traits: Iterable[Trait] = (), as_of: AsOf = None
    ) -> tuple[Loaded, ...]:
        """See how old the newest rows of tables are."""
        ...

    def contains(self, segment: Segment, key: Any, *, as_of: AsOf = None) -> bool:
        """Test whether one person, found by key, is a member."""
        ...


@frozen
class Question:
    """Segments that are evaluated together.

    Attributes:
        schema: Their schema.
        instant: When, naive, in UTC.
        segments: The segments that can be evaluated, by name.
        conditions: What they mean at the instant.
        broken: Segments that are left out, and why.
    """

    schema: Schema
    instant: datetime
    segments: Mapping[str, Segment]
    conditions: Mapping[str, ir.Condition]
    broken: Mapping[str, SegmentkitError]

    @classmethod
    def of(cls, segments: Segments, as_of: AsOf, target: Target, *, skip_broken: bool) -> Question:
        """Bind segments to an instant.

        Raises:
            DataError: A parameter has no value.
            SchemaError: They are of different schemas.
            UnsupportedError: What a schema adds has no lowering for the target.
            ValueError: There are none, or two have one name.
        """
        given = named(segments)
        schema = next(iter(given.values())).schema
        if any(segment.schema != schema for segment in given.values()):
            raise SchemaError("the segments are of different schemas")
        instant = instant_of(as_of, schema)
        conditions: dict[str, ir.Condition] = {}
        # What a catalog has left out already is told of with the rest.
        broken: dict[str, SegmentkitError] = {}
        if isinstance(segments, Catalog):
            broken.update(segments.broken)
        for name, segment in given.items():
            try:
                conditions[name] = bound_condition(segment, instant, target)
            except (DataError, UnsupportedError) as error:
                if not skip_broken:
                    raise _naming(name, error) from error
                broken[name] = error
        return cls(schema, instant, {n: given[n] for n in conditions}, conditions, broken)

    def without(
        self, refused: Mapping[str, DataError | UnsupportedError], *, skip_broken: bool
    ) -> Question:
        """The question without segments that cannot be answered.

        Raises:
            SegmentkitError: They are not to be skipped; names the first.
        """
        for name, error in refused.items():
            if not skip_broken:
                raise _naming(name, error) from error
        left = {name: each for name, each in self.segments.items() if name not in refused}
        conditions = {name: self.conditions[name] for name in left}
        broken = {**self.broken, **refused}
        return Question(self.schema, self.instant, left, conditions, broken)

    @property
    def plan(self) -> Plan:
        """What is to be computed."""
        return Plan(self.conditions)

    @property
    def as_of(self) -> datetime:
        """When, in UTC."""
        return self.instant.replace(tzinfo=UTC)

    def answered(self, population: Any, bits: Any) -> Evaluation:
        """The answer: of each segment, bits of the population."""
        asked = tuple(asked_of(segment, name) for name, segment in self.segments.items())
        return Evaluation(population, asked, self.as_of, bits, broken=self.broken)

    def counted(self, counts: Iterable[int], population: int) -> Sizes:
        """The answer: how many each segment has."""
        told = dict(zip(self.segments, counts, strict=True))
        return Sizes(told, population, self.as_of, self.broken)


def _naming(name: str, error: DataError | UnsupportedError) -> SegmentkitError:
    """The same error, with the segment that it is about."""
    return type(error)(f"segment {name!r}: {error}")


def named(segments: Segments) -> dict[str, Segment]:
    """Segments by their names.

    Raises:
        UsageError: Something is no segment.
        ValueError: There are none, or two different ones have one name.
    """
    if isinstance(segments, Segment):
        segments = [segments]
    elif is_single(segments):
        expect(segments, Segment, "a source")
    given = segments.items() if isinstance(segments, Mapping) else [(None, s) for s in segments]
    found: dict[str, Segment] = {}
    for told, segment in given:
        expect(segment, Segment, "a source")
        name = told or segment.name or segment.definition
        if found.setdefault(name, segment) != segment:
            raise ValueError(f"two different segments are called {name!r}")
    if not found:
        raise ValueError("give at least one segment")
    return found


def asked_of(segment: Segment, name: str | None = None) -> Asked:
    """What is told of a segment beside its members."""
    name = segment.name if name is None else name
    return Asked(name, segment.definition, segment.fingerprint)


class EngineSource(ABC, Generic[_Engine]):
    """The methods of a source, on any engine; subclasses run them on one engine."""

    __slots__ = ()
    _target: ClassVar[Target]

    def evaluate(
        self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False
    ) -> Evaluation:
        """Find out which segments everyone is in.

        Args:
            segments: A catalog, another mapping, several segments, or one.
            as_of: The instant; by default now. Without a zone, it is in the schema's zone.
            skip_broken: Leave out segments that cannot be computed, and list them in ``broken``.
                By default the first one is an error.

        Returns:
            The keys of everyone, and for each segment whether they are in it.

        Raises:
            DataError: A parameter of a segment has no value, or a frame or column is absent or does
                not fit the schema.
            SchemaError: A table or column does not exist, or the segments' schemas differ.
            UnsupportedError: The engine cannot compute a construct; names the segment.
        """
        return self._asked(segments, as_of, self._evaluated, skip_broken=skip_broken)

    def sizes(self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False) -> Sizes:
        """Count the members of segments, where the data is.

        Args:
            segments: A catalog, another mapping, several segments, or one.
            as_of: The instant; by default now.
            skip_broken: Leave out segments that cannot be computed.

        Returns:
            The number of members by the segment's name; ``population`` is the number of everyone.

        Raises:
            DataError: As for `evaluate`.
            SchemaError: As for `evaluate`.
            UnsupportedError: As for `evaluate`.
        """
        return self._asked(segments, as_of, self._counted, skip_broken=skip_broken)

    def overlap(
        self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False
    ) -> pd.DataFrame:
        """Count the people in each pair of segments; from a database, only numbers are read.

        Args:
            segments: A catalog, another mapping, several segments, or one.
            as_of: The instant; by default now.
            skip_broken: Leave out segments that cannot be computed.

        Returns:
            Names × names; a segment with itself gives its size. ``attrs`` has the ``population``
            and ``as_of``.

        Raises:
            DataError: As for `evaluate`.
            SchemaError: As for `evaluate`.
            UnsupportedError: As for `evaluate`.
        """
        return self._asked(segments, as_of, self._overlapped, skip_broken=skip_broken)

    def values(
        self, traits: Iterable[Trait], *, of: Segment | None = None, as_of: AsOf = None
    ) -> pd.DataFrame:
        """Compute the values of traits.

        Args:
            traits: The traits to compute; at least one.
            of: The segment whose members you want; by default everyone.
            as_of: The instant; by default now.

        Returns:
            One column for each trait, with its name, by key. Integers are ``Int64``, booleans
            ``boolean``, texts ``string``, exact decimals objects, dates ``datetime64`` and
            timestamps ``datetime64`` in UTC. Missing values are missing there too.

        Raises:
            DataError: A parameter has no value, or a frame or column is absent or does not fit.
            SchemaError: A table or column does not exist, or the schemas differ.
            UnsupportedError: The engine cannot compute a construct.
            ValueError: You gave no traits.
        """
        traits = list(traits)
        schema, instant, bound, of_whom = bound_traits(traits, of, as_of, self._target)
        refuse([*traits, of], instant, self._loaded)
        return self._valued(schema, instant, bound, of_whom)

    def tally(
        self,
        traits: Iterable[Trait],
        segments: Segments,
        *,
        most: int | None = None,
        as_of: AsOf = None,
    ) -> dict[str, pd.DataFrame]:
        """Count how often each value of traits occurs in segments, where the data is.

        Args:
            traits: The traits whose values to count; a database runs one query for each.
            segments: A catalog, another mapping, several segments, or one.
            most: Count only this number of most frequent values of each segment, and the missing
                ones. By default, count all values that occur in one of them.
            as_of: The instant; by default now.

        Returns:
            For each trait, by name, the counts: values × segments, the most frequent first. A
            missing value is missing in the index. ``attrs`` has the number of ``different``
            values that occur in one of the segments, and ``as_of``.

        Raises:
            DataError: As for `evaluate`.
            SchemaError: As for `evaluate`.
            UnsupportedError: As for `evaluate`.
            ValueError: You gave no traits.
        """
        traits = list(traits)

        def tallied(engine: _Engine, question: Question) -> dict[str, pd.DataFrame]:
            given = tallied_traits(traits, question.schema, question.instant, self._target)
            refuse(traits, question.instant, self._loaded)
            found = self._tallied(engine, question, given, most)
            for frame in found.values():
                frame.attrs["as_of"] = question.as_of
            return found

        return self._asked(segments, as_of, tallied)

    def members(self, segment: Segment, *, as_of: AsOf = None) -> Members:
        """Find the members of one segment; from a database, only their keys are read.

        Args:
            segment: The segment.
            as_of: The instant; by default now.

        Returns:
            The members' keys, as a set.

        Raises:
            SegmentkitError: As for `evaluate`.
        """
        return self._asked(segment, as_of, lambda e, question: self._found(e, question, segment))

    def count(self, segment: Segment, *, as_of: AsOf = None) -> int:
        """Count the members of one segment.

        Args:
            segment: The segment.
            as_of: The instant; by default now.

        Raises:
            SegmentkitError: As for `evaluate`.
        """
        return self._asked(segment, as_of, lambda e, q: self._number(e, q, segment))

    def contains(self, segment: Segment, key: Any, *, as_of: AsOf = None) -> bool:
        """Test whether one person is a member; from a database, only their rows are read.

        Args:
            segment: The segment.
            key: The person's key; a key that does not exist is not a member.
            as_of: The instant; by default now.

        Raises:
            SegmentkitError: As for `evaluate`.
        """
        return self._asked(segment, as_of, lambda e, question: self._holds(e, question, key))

    def loaded(
        self,
        of: Segments | Schema,
        *,
        traits: Iterable[Trait] = (),
        as_of: AsOf = None,
    ) -> tuple[Loaded, ...]:
        """See how old the newest rows of tables are, of those that have thresholds.

        Args:
            of: Segments whose tables count; or a schema, for all its tables.
            traits: Traits whose tables count, too.
            as_of: The instant; by default now. Rows after it are not taken for the newest.

        Returns:
            One for each table whose entity says how ``fresh`` it is to be, in the schema's order;
            then one for each segment whose stays are asked for, with its last run.

        Raises:
            SegmentkitError: As for `evaluate`.
        """
        if isinstance(of, Schema):
            schema, found = of, ages_of(of, None, instant_of(as_of, of))
        else:
            asked = [*named(of).values(), *traits]
            schema, found = asked[0].schema, ages_read(asked, instant_of(as_of, asked[0].schema))
        return self._loaded(schema, found) if found else ()

    def _asked(
        self,
        segments: Segments,
        as_of: AsOf,
        answer: Callable[[_Engine, Question], _T],
        *,
        skip_broken: bool = False,
        remembered: bool = True,
    ) -> _T:
        """Ask; if a definition is refused, say which, or ask without it."""
        question = Question.of(segments, as_of, self._target, skip_broken=skip_broken)
        if remembered:
            lost = forgotten(question.segments, question.instant, self._loaded)
            question = question.without(lost, skip_broken=skip_broken) if lost else question
        with self._opened(question) as engine:
            try:
                self._check(engine, question)
                return answer(engine, question)
            except UnsupportedError:
                refused = self._refused(engine, question)
                if not refused:
                    raise
            return answer(engine, question.without(refused, skip_broken=skip_broken))

    @abstractmethod
    def _opened(self, question: Question) -> AbstractContextManager[_Engine]:
        """What answers a question, for as long as it takes."""

    def _check(self, engine: _Engine, question: Question) -> None:
        """See that what can be asked is computed exactly.

        Raises:
            UnsupportedError: It is not.
        """

    @abstractmethod
    def _refused(self, engine: _Engine, question: Question) -> dict[str, UnsupportedError]:
        """The conditions that cannot be computed, tried one by one."""

    @abstractmethod
    def _evaluated(self, engine: _Engine, question: Question) -> Evaluation: ...

    @abstractmethod
    def _counted(self, engine: _Engine, question: Question) -> Sizes: ...

    def _overlapped(self, engine: _Engine, question: Question) -> pd.DataFrame:
        return self._evaluated(engine, question).overlap()

    @abstractmethod
    def _valued(
        self,
        schema: Schema,
        instant: datetime,
        bound: Mapping[str, ir.Value],
        whom: ir.Condition | None,
    ) -> pd.DataFrame: ...

    @abstractmethod
    def _loaded(self, schema: Schema, asked: Iterable[Ageing]) -> tuple[Loaded, ...]: ...

    @abstractmethod
    def _tallied(
        self, engine: _Engine, question: Question, values: Mapping[str, ir.Value], most: int | None
    ) -> dict[str, pd.DataFrame]: ...

    @abstractmethod
    def _found(self, engine: _Engine, question: Question, segment: Segment) -> Members: ...

    def _number(self, engine: _Engine, question: Question, segment: Segment) -> int:
        return len(self._found(engine, question, segment))

    @abstractmethod
    def _holds(self, engine: _Engine, question: Question, key: Any) -> bool: ...
