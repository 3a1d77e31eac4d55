"""Data frames as a source: many segments in one pass over each frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from attrs import define, field

from segmentkit._planning import ir
from segmentkit._planning.plan import Plan
from segmentkit._planning.traversal import is_of_population
from segmentkit._record.convert import is_missing
from segmentkit._results.freshness import Ageing, Loaded
from segmentkit.errors import DataError, UnsupportedError
from segmentkit.evaluation import Bits, Evaluation, Members, Sizes, ones, pack
from segmentkit.extension import Target
from segmentkit.pandas._compile import Table, evaluate, table_for
from segmentkit.pandas._export import series, tallied
from segmentkit.pandas._frames import Kept, Reader
from segmentkit.pandas._given import Frames, frames_of
from segmentkit.pandas._progress import Progress, telling
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.source import EngineSource, Question

_T = TypeVar("_T")


@define(eq=False, repr=False)
class Source(EngineSource[Reader]):
    """Data frames on which you evaluate many segments at once.

    Each call reads every column once, looks up every key once, and computes each distinct test,
    window and aggregate once, however many segments share it. Answers are kept as bits;
    everything else is dropped when no other segment needs it, except columns of Python objects
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

    _target = Target.PANDAS

    frames: Frames
    progress: Progress | bool | None = field(default=None, kw_only=True)
    _kept: Kept = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        frames_of(self.frames, "customers", DataError)

    def __repr__(self) -> str:
        frames = self.frames.items() if isinstance(self.frames, Mapping) else [("", self.frames)]
        told = [f"{name} {len(frame):,} × {len(frame.columns):,}" for name, frame in frames]
        return f"Source({', '.join(told)})".replace("( ", "(")

    @contextmanager
    def _opened(self, question: Question) -> Iterator[Reader]:
        reader = Reader(self.frames, question.schema, self._kept)
        reader.population()
        yield reader

    def _refused(self, reader: Reader, question: Question) -> dict[str, UnsupportedError]:
        empty = {name: frame[:0] for name, frame in reader.frames.items()}
        found = {}
        for name, condition in question.conditions.items():
            try:
                table_for([condition], Reader(empty, question.schema)).bits(condition)
            except UnsupportedError as error:
                found[name] = error
        return found

    def _evaluated(self, reader: Reader, question: Question) -> Evaluation:
        found = self._answers(question.plan, reader, lambda bits: bits)
        keys = _keys(reader)
        bits = np.zeros((len(question.conditions), -(-len(keys) // 8)), dtype=np.uint8)
        for row, name in zip(bits, question.conditions, strict=True):
            row[:] = found.pop(name)
        return question.answered(keys, bits)

    def _counted(self, reader: Reader, question: Question) -> Sizes:
        found = self._answers(question.plan, reader, ones)
        return question.counted((found[n] for n in question.conditions), len(_keys(reader)))

    def _valued(
        self,
        schema: Schema,
        instant: datetime,
        bound: Mapping[str, ir.Value],
        whom: ir.Condition | None,
    ) -> pd.DataFrame:
        reader = Reader(self.frames, schema, self._kept)
        keys = _keys(reader)
        table = table_for([*bound.values(), *([] if whom is None else [whom])], reader)
        columns = {
            name: series(table.settled(value), table.size, keys, value.dtype)
            for name, value in bound.items()
        }
        found = pd.DataFrame(columns, index=keys)
        if whom is not None:
            found = found[table.condition(whom)]
        found.attrs = {"as_of": instant.replace(tzinfo=UTC)}
        return found

    def _loaded(self, schema: Schema, asked: Iterable[Ageing]) -> tuple[Loaded, ...]:
        found = []
        reader = Reader(self.frames, schema, self._kept)
        for each in asked:
            table = Table(reader, each.entity)
            counts = {name: int(table.condition(test).sum()) for name, test in each.tests.items()}
            size, dtype = table.size, each.column.dtype
            times = series(table.settled(each.column), size, pd.RangeIndex(size), dtype)
            found.append(each.found(times[table.condition(each.past)].max(), size, counts))
        return tuple(found)

    def _tallied(
        self, reader: Reader, question: Question, values: Mapping[str, ir.Value], most: int | None
    ) -> dict[str, pd.DataFrame]:
        table = table_for([*values.values(), *question.conditions.values()], reader)
        held = {name: table.condition(each) for name, each in question.conditions.items()}
        return {
            name: tallied(table.settled(value), held, table.size, most, value.dtype)
            for name, value in values.items()
        }

    def _found(self, reader: Reader, question: Question, segment: Segment) -> Members:
        found = self._evaluated(reader, question)
        return found[found.names[0]]

    def _holds(self, reader: Reader, question: Question, key: Any) -> bool:
        entity = question.schema.entity
        place = _place_of(key, reader.population())
        if place is None:
            return False
        if _stand_alone(question):
            # Nobody else's row is looked at, so one row is the whole frame. Arrow slices columns
            # of any type, but takes rows of few.
            one = {**reader.frames, entity.table: reader.frame(entity).iloc[place : place + 1]}
            reader, place = Reader(one, question.schema), 0
        (condition,) = question.conditions.values()
        return bool(evaluate(condition, reader)[place])

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


def _place_of(key: Any, keys: pd.Series[Any]) -> int | None:
    """Where a key is; nowhere, if it cannot be one of those."""
    if is_missing(key):
        return None
    if not pd.api.types.is_scalar(key):  # pandas would look at each of its parts
        kind = type(key)
        return next((i for i, each in enumerate(keys) if type(each) is kind and each == key), None)
    try:
        here = np.flatnonzero((keys == key).to_numpy(dtype=np.bool_, na_value=False))
    except (TypeError, ValueError, OverflowError):  # of another type, or beyond all numbers there
        return None
    return int(here[0]) if len(here) else None


def _stand_alone(question: Question) -> bool:
    """Whether no row of the entity but a person's own is looked at."""
    root = question.schema.entity.name
    entities = question.schema.entities
    ways = [link.to for each in entities for link in each.links]
    ways += [relation.to for each in entities for relation in each.relations]
    return root not in ways and not any(map(is_of_population, question.conditions.values()))
