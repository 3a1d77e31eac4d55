"""Data frames as a source: many segments in one pass over each frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from attrs import define, field

from segmentkit._definition import AsOf
from segmentkit._planning import ir
from segmentkit._planning.plan import Plan
from segmentkit.errors import DataError, UnsupportedError
from segmentkit.evaluation import Bits, Evaluation, Members, Sizes, ones, pack
from segmentkit.extension import Target
from segmentkit.pandas._compile import evaluate, table_for
from segmentkit.pandas._export import series, tallied
from segmentkit.pandas._frames import Kept, Reader
from segmentkit.pandas._given import Frames, frames_of
from segmentkit.pandas._progress import Progress, telling
from segmentkit.segment import Segment
from segmentkit.source import Question, Segments, bound_traits, tallied_traits
from segmentkit.trait import Trait

_T = TypeVar("_T")


@define(eq=False, repr=False)
class Source:
    """Data frames on which you evaluate many segments at once.

    Each call reads every column once, looks up every key once, and computes each distinct test,
    window and aggregate once, however many segments share it. Answers are kept as bits;
    everything else is dropped when no other segment needs it, but columns of Python's objects
    (decimals, dates), which are read once as long as they do not change.

    Args:
        frames: The frames by the names of the entities' tables; or the entity's.
        progress: ``True`` shows a progress bar, which needs the extra ``progress``. A function is
            called with the number of steps that are done, and the number of all steps.

    Example:
        >>> import pandas as pd
        >>> from segmentkit import Segment
        >>> from segmentkit.pandas import schema_from
        >>> people = pd.DataFrame({"id": [7, 8, 9], "age": [17, 40, 16]})
        >>> schema = schema_from(people, "people", keys={"people": "id"})
        >>> minor = Segment.define("minor", "age < 18", schema)
        >>> young = Segment.define("young", "age < 50", schema)
        >>> source = Source(people)
        >>> found = source.evaluate([minor, young])
        >>> found["minor"].keys.tolist()
        [7, 9]
        >>> source.overlap([minor, young])
               minor  young
        minor      2      2
        young      2      3
    """

    frames: Frames
    progress: Progress | bool | None = field(default=None, kw_only=True)
    _kept: Kept = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        frames_of(self.frames, "customers", DataError)

    def __repr__(self) -> str:
        frames = self.frames.items() if isinstance(self.frames, Mapping) else [("", self.frames)]
        told = [f"{name} {len(frame):,} × {len(frame.columns):,}" for name, frame in frames]
        return f"Source({', '.join(told)})".replace("( ", "(")

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
            DataError: A frame or column is absent or does not fit the schema, or a parameter of a
                segment has no value.
            SchemaError: The segments are of different schemas.
            UnsupportedError: Frames cannot compute a construct; names the segment.
        """
        question, keys, found = self._asked(segments, as_of, lambda bits: bits, skip=skip_broken)
        bits = np.zeros((len(question.conditions), -(-len(keys) // 8)), dtype=np.uint8)
        for row, name in zip(bits, question.conditions, strict=True):
            row[:] = found.pop(name)
        return question.answered(keys, bits)

    def sizes(self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False) -> Sizes:
        """Count the members of segments.

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
        question, keys, found = self._asked(segments, as_of, ones, skip=skip_broken)
        counts = {name: found[name] for name in question.conditions}
        return Sizes(counts, len(keys), question.as_of, question.broken)

    def overlap(
        self, segments: Segments, *, as_of: AsOf = None, skip_broken: bool = False
    ) -> pd.DataFrame:
        """Count who is in each pair of segments.

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
        return self.evaluate(segments, as_of=as_of, skip_broken=skip_broken).overlap()

    def values(
        self, traits: Iterable[Trait], *, of: Segment | None = None, as_of: AsOf = None
    ) -> pd.DataFrame:
        """Compute the values of traits.

        Args:
            traits: The traits to compute; at least one.
            of: Whom to compute it of; by default everyone.
            as_of: The instant; by default now.

        Returns:
            One column for each trait, with its name, by key. Integers are ``Int64``, booleans
            ``boolean``, texts ``string``, exact decimals objects, dates ``datetime64`` and
            timestamps ``datetime64`` in UTC. Missing values are missing there too.

        Raises:
            DataError: A frame or column is absent or does not fit the schema, or a parameter has
                no value.
            SchemaError: They are of different schemas.
            UnsupportedError: Frames cannot compute a construct.
            ValueError: You gave no traits.
        """
        schema, instant, bound, condition = bound_traits(traits, of, as_of, Target.PANDAS)
        reader = Reader(self.frames, schema, self._kept)
        keys = _keys(reader)
        tests = [] if condition is None else [condition]
        table = table_for([*bound.values(), *tests], reader)
        columns = {
            name: series(table.settled(value), table.size, keys) for name, value in bound.items()
        }
        found = pd.DataFrame(columns, index=keys)
        if condition is not None:
            found = found[table.condition(condition)]
        found.attrs = {"as_of": instant.replace(tzinfo=UTC)}
        return found

    def tally(
        self,
        traits: Iterable[Trait],
        segments: Segments,
        *,
        most: int | None = None,
        as_of: AsOf = None,
    ) -> dict[str, pd.DataFrame]:
        """Count how often each value of traits occurs in segments.

        Args:
            traits: The traits whose values to count.
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
        question = Question.of(segments, as_of, Target.PANDAS, skip_broken=False)
        values = tallied_traits(traits, question.schema, question.instant, Target.PANDAS)
        reader = Reader(self.frames, question.schema, self._kept)
        reader.population()
        table = table_for([*values.values(), *question.conditions.values()], reader)
        held = {name: table.condition(each) for name, each in question.conditions.items()}
        found = {}
        for name, value in values.items():
            found[name] = tallied(table.settled(value), held, table.size, most)
            found[name].attrs["as_of"] = question.as_of
        return found

    def members(self, segment: Segment, *, as_of: AsOf = None) -> Members:
        """Find the members of one segment.

        Args:
            segment: The segment.
            as_of: The instant; by default now.

        Returns:
            The members' keys, as a set.

        Raises:
            DataError: As for `evaluate`.
            UnsupportedError: As for `evaluate`.
        """
        found = self.evaluate([segment], as_of=as_of)
        return found[found.names[0]]

    def count(self, segment: Segment, *, as_of: AsOf = None) -> int:
        """Count the members of one segment.

        Args:
            segment: The segment.
            as_of: The instant; by default now.

        Raises:
            DataError: As for `evaluate`.
            UnsupportedError: As for `evaluate`.
        """
        return len(self.members(segment, as_of=as_of))

    def contains(self, segment: Segment, key: Any, *, as_of: AsOf = None) -> bool:
        """Test whether one person is a member.

        Args:
            segment: The segment.
            key: The person's key; a key that does not exist is not a member.
            as_of: The instant; by default now.

        Raises:
            DataError: As for `evaluate`.
            UnsupportedError: As for `evaluate`.
        """
        question = Question.of(segment, as_of, Target.PANDAS, skip_broken=False)
        reader = Reader(self.frames, question.schema, self._kept)
        entity = question.schema.entity
        here = reader.population() == key
        if _stand_alone(question):
            # Nobody else's row is looked at, so one row is the whole frame.
            one = {**reader.frames, entity.table: reader.frame(entity)[here.to_numpy(bool)]}
            reader, here = Reader(one, question.schema), here[here.to_numpy(bool)]
        (condition,) = question.conditions.values()
        found = evaluate(condition, reader)
        return bool((found & here.to_numpy(bool)).any())

    def _asked(
        self, segments: Segments, as_of: AsOf, kept: Callable[[Bits], _T], *, skip: bool
    ) -> tuple[Question, pd.Index[Any], dict[str, _T]]:
        """What was asked, the keys of everyone, and what is kept of each segment's bits."""
        question = Question.of(segments, as_of, Target.PANDAS, skip_broken=skip)
        reader = Reader(self.frames, question.schema, self._kept)
        keys = _keys(reader)
        try:
            found = self._answers(question.plan, reader, kept)
        except UnsupportedError:
            refused = _refused(question, self.frames)
            if not refused:
                raise
            question = question.without(refused, skip_broken=skip)
            found = self._answers(question.plan, reader, kept)
        return question, keys, found

    def _answers(self, plan: Plan, reader: Reader, kept: Callable[[Bits], _T]) -> dict[str, _T]:
        """What is kept of each condition; all else is forgotten when nothing looks at it again."""
        if len(plan.conditions) == 1:
            return {n: kept(pack(evaluate(each, reader))) for n, each in plan.conditions.items()}
        table = table_for(plan.tests, reader)
        found = {}
        with telling(self.progress) as tell:
            for done, step in enumerate(plan.steps, start=1):
                for test in step.tests:
                    table.bits(test)
                for name in step.answered:
                    found[name] = kept(table.bits(plan.conditions[name]))
                table.forget(step.last)
                tell(done, len(plan.steps))
        return found


def _keys(reader: Reader) -> pd.Index[Any]:
    keys = reader.population()
    found: pd.Index[Any] = pd.Index(keys, name=reader.schema.entity.key, tupleize_cols=False)
    return found


def _refused(question: Question, frames: Frames) -> dict[str, UnsupportedError]:
    """The conditions that frames cannot compute, asked one by one of no rows."""
    reader = Reader(frames, question.schema)
    empty = {name: frame[:0] for name, frame in reader.frames.items()}
    found = {}
    for name, condition in question.conditions.items():
        try:
            table_for([condition], Reader(empty, question.schema)).bits(condition)
        except UnsupportedError as error:
            found[name] = error
    return found


def _stand_alone(question: Question) -> bool:
    """Whether no row of the entity but a person's own is looked at."""
    root = question.schema.entity.name
    entities = question.schema.entities
    ways = [link.to for each in entities for link in each.links]
    ways += [relation.to for each in entities for relation in each.relations]
    return root not in ways and not any(map(ir.is_of_population, question.conditions.values()))
