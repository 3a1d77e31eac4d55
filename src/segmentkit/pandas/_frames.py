"""The frames of a question, read as the schema says, each column once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from segmentkit._planning import ir
from segmentkit.dtypes import TEXTS, Kind
from segmentkit.errors import DataError, UnsupportedError
from segmentkit.pandas._arrays import Mask, Positions, Text, Vector
from segmentkit.pandas._arrow import is_arrow_text, without_views
from segmentkit.pandas._columns import read
from segmentkit.pandas._given import Frames, frames_of
from segmentkit.pandas._key_lookup import Finder, Keys, are_unique, read_keys
from segmentkit.pandas._lists import Lists, read_documents, read_lists, read_loose
from segmentkit.pandas._native_compare import Stored
from segmentkit.pandas._text import TextColumn
from segmentkit.schema import Attribute, Entity, Link, Relation, Schema

Column: TypeAlias = Vector | Stored | TextColumn | Text | Lists
ORDERED = (ir.AggregateFunction.FIRST, ir.AggregateFunction.LAST)
"""The aggregates that look at the order of rows."""


Kept: TypeAlias = "dict[Hashable, tuple[pd.Series[Any], Any]]"
"""Columns, and what was made of them."""

_COPIES = int(pd.__version__.split(".")[0]) >= 3
"""Whether a column that is kept stays as it is, since pandas copies what is written to."""


def _is_same(one: pd.Series[Any], other: pd.Series[Any]) -> bool:
    """Whether two columns are the same place of the memory, which one of them keeps."""
    if one.dtype != other.dtype:
        return False
    if is_arrow_text(one.dtype):
        return one.array.__arrow_array__() is other.array.__arrow_array__()
    first, second = (each.to_numpy().__array_interface__ for each in (one, other))
    return all(first[part] == second[part] for part in ("data", "shape", "strides"))


class Reader:
    """Frames by their tables, and what was read from them during one call."""

    def __init__(self, frames: Frames, schema: Schema, kept: Kept | None = None) -> None:
        """Frames that a question is asked of.

        Args:
            frames: The frames.
            schema: What they are.
            kept: What earlier questions have made of columns of objects.
        """
        self.frames = frames_of(frames, schema.entity.table, DataError)
        self.kept = kept
        self.schema = schema
        self.tests: Counter[tuple[str, str]] = Counter()
        self._there: set[tuple[str, str]] = set()
        self._columns: dict[tuple[str, str], Column] = {}
        self._parsed: dict[tuple[str, str], list[Any]] = {}
        self._keys: dict[tuple[str, str], Keys] = {}
        self._places: dict[tuple[str, tuple[str, ...]], Positions] = {}

    def frame(self, entity: Entity) -> pd.DataFrame:
        """The frame of an entity.

        Raises:
            DataError: There is none.
        """
        frame = self.frames.get(entity.table)
        if frame is None:
            there = ", ".join(map(str, self.frames)) or "none"
            raise DataError(f"there is no frame {entity.table!r}; the frames are: {there}")
        return frame

    def population(self) -> pd.Series[Any]:
        """The keys of everyone, in the order of the rows.

        Raises:
            DataError: There is no such column, a key is missing, or two rows have the same one.
        """
        entity = self.schema.entity
        assert entity.key is not None
        series = self.series(entity, entity.key)
        told = entity.table, entity.key, "unique"
        if not self._once(told, series, lambda: are_unique(series), light=True):
            self.keys(entity, entity.key).check_unique()
        return series

    def series(self, entity: Entity, column: str) -> pd.Series[Any]:
        """A column of an entity's frame.

        Raises:
            DataError: There is none, or more than one.
        """
        frame = self.frame(entity)
        if column not in frame.columns:
            there = ", ".join(map(str, frame.columns)) or "no columns"
            hint = "; give frame.reset_index()" if column in frame.index.names else ""
            raise DataError(
                f"the frame {entity.table!r} has no column {column!r}; it has {there}{hint}"
            )
        found: Any = frame[column]
        if not isinstance(found, pd.Series):
            raise DataError(f"the frame {entity.table!r} has more than one column {column!r}")
        readable: pd.Series[Any] = without_views(found)
        return readable

    def index(self) -> pd.Index[Any]:
        """The index of the frame of everyone, whose keys are checked if they are there."""
        frame = self.frame(self.schema.entity)
        return self.population().index if self.schema.entity.key in frame.columns else frame.index

    def require(self, node: ir.Condition | ir.Value) -> None:
        """Check that all frames and columns are there, and count the tests of each.

        Raises:
            DataError: Something is missing; names it, and what is there.
        """
        for entity, column in self._needed(node):
            if (entity.name, column) not in self._there:
                self.series(entity, column)
                self._there.add((entity.name, column))

    def _needed(self, whole: ir.Condition | ir.Value) -> Iterable[tuple[Entity, str]]:
        """The entities and columns that a condition or a value is computed from."""
        root = self.schema.entity
        nodes: list[tuple[ir.Condition | ir.Value, Entity, Entity]] = [(whole, root, root)]
        while nodes:
            node, row, holder = nodes.pop()
            match node:
                case ir.Aggregate():
                    start = row if node.holder is ir.Scope.ROW else root
                    yield from self._needed_by(node, start, nodes)
                case ir.Follows():
                    start = row if node.own else holder
                    relation, target = self.relation(start, node.relation)
                    yield from self._needed_between(start, relation)
                    yield from self._needed_along(_time(relation, target), target)
                    nodes += [(node.at, row, holder), (node.where, target, holder)]
                    nodes += [(mine, row, holder) for mine, _ in node.same]
                    nodes += [(other, target, holder) for _, other in node.same]
                case ir.Column():
                    starts = {ir.Scope.ROW: row, ir.Scope.ENTITY: root}
                    start = starts.get(node.scope) or self.schema.named(node.entity)
                    yield from self._needed_along(node, start)
                case _:
                    nodes += [(part, row, holder) for part in ir.parts(node)]

    def _needed_by(
        self,
        node: ir.Aggregate,
        holder: Entity,
        nodes: list[tuple[ir.Condition | ir.Value, Entity, Entity]],
    ) -> Iterable[tuple[Entity, str]]:
        """What finds the rows of an aggregate; what is computed of them is added to the nodes."""
        for step in node.through:
            relation, target = self.relation(holder, step.relation)
            yield from self._needed_between(holder, relation)
            nodes.append((step.where, target, holder))
            holder = target
        relation, target = self.relation(holder, node.relation)
        yield from self._needed_between(holder, relation)
        nodes += [(part, target, holder) for part in (node.where, node.value) if part is not None]
        if node.function in ORDERED:
            yield from self._needed_along(_time(relation, target), target)
            if target.key_attribute is not None:
                yield target, target.key_attribute.column

    def _needed_between(self, holder: Entity, relation: Relation) -> Iterable[tuple[Entity, str]]:
        yield holder, _key(relation.by, holder)
        yield self.schema.named(relation.to), relation.key

    def _needed_along(self, node: ir.Column, entity: Entity) -> Iterable[tuple[Entity, str]]:
        for name in node.links:
            link, target = self.link(entity, name)
            yield entity, link.key
            yield target, _key(link.by, target)
            entity = target
        attribute = entity.attribute(node.name)
        assert attribute is not None
        self.tests[entity.name, node.name] += 1
        yield entity, attribute.column

    def relation(self, holder: Entity, name: str) -> tuple[Relation, Entity]:
        """The relation of an entity, and where it leads."""
        relation = holder.relation(name)
        assert relation is not None
        _check_joined(holder, relation)
        return relation, self.schema.named(relation.to)

    def link(self, entity: Entity, name: str) -> tuple[Link, Entity]:
        """The link of an entity, and where it leads."""
        link = entity.link(name)
        assert link is not None
        _check_joined(entity, link)
        return link, self.schema.named(link.to)

    def column(self, entity: Entity, name: str) -> Column:
        """The values of an attribute, in the order of the frame's rows.

        Raises:
            DataError: They are not what the schema says.
        """
        known = self._columns.get((entity.name, name))
        if known is None:
            known = self._columns[entity.name, name] = self._read(entity, name)
        return known

    def _read(self, entity: Entity, name: str) -> Column:
        attribute = entity.attribute(name)
        assert attribute is not None
        series = self.series(entity, attribute.column)
        told = entity.table, attribute.column
        values: Column
        if attribute.path:
            return read_loose(self._documents(entity, attribute), attribute, entity.name)
        if attribute.dtype.kind is Kind.TEXTS:
            values = read_lists(series, attribute, entity.name)
        elif attribute.dtype.kind is Kind.TEXT:
            values = TextColumn(series, attribute, entity.name, self.tests[entity.name, name])
        else:
            values = self._once(
                (*told, attribute.dtype, attribute.form),
                series,
                lambda: read(series, attribute, entity.name),
            )
        if not attribute.nullable and values.has_missing():
            count = int(values.missing.sum())
            rows = "a row" if count == 1 else f"{count:,} rows"
            raise DataError(
                f"{entity.name}.{name} is missing in {rows}, "
                "and the schema does not declare it nullable"
            )
        return values

    def _documents(self, entity: Entity, attribute: Attribute) -> list[Any]:
        """The documents that an attribute is in."""
        column = entity.name, attribute.column
        if column not in self._parsed:
            place = f"{entity.name}.{attribute.path[0]}"
            self._parsed[column] = read_documents(self.series(entity, attribute.column), place)
        return self._parsed[column]

    def keys(self, entity: Entity, column: str) -> Keys:
        """The keys that a column of an entity's frame holds."""
        known = self._keys.get((entity.name, column))
        if known is None:
            series, place = self.series(entity, column), f"{entity.name}.{column}"
            told = entity.table, column, None
            keys: Keys = self._once(told, series, lambda: read_keys(series, place))
            known = self._keys[entity.name, column] = keys
        return known

    def _once(
        self,
        told: Hashable,
        series: pd.Series[Any],
        make: Callable[[], Any],
        *,
        light: bool = False,
    ) -> Any:
        """What is made of a column, once as long as the column stays.

        Of columns of objects, which take long, or whatever takes no room.
        """
        dtype = series.dtype
        plain = isinstance(dtype, np.dtype)
        kept = (light and (plain or is_arrow_text(dtype))) or (plain and dtype.kind == "O")
        if self.kept is None or not kept or not _COPIES:
            return make()
        known = self.kept.get(told)
        if known is None or not _is_same(known[0], series):
            known = self.kept[told] = series, make()
        return known[1]

    def places(self, entity: Entity, links: tuple[str, ...]) -> Positions:
        """For each row of an entity the place of the row at the end of links."""
        known = self._places.get((entity.name, links))
        if known is None:
            known = self._places[entity.name, links] = self._follow(entity, links)
        return known

    def _follow(self, entity: Entity, links: tuple[str, ...]) -> Positions:
        before = self.schema.follow(entity, links[:-1])
        link, target = self.link(before, links[-1])
        step = self._find(self.keys(before, link.key), target, _key(link.by, target))
        if len(links) == 1:
            return step
        # The place -1 of a missing row finds the last step, which leads nowhere.
        return np.append(step, -1)[self.places(entity, links[:-1])]

    def _find(self, wanted: Keys, target: Entity, key: str) -> Positions:
        """Where the rows are that links lead to; a row that is there twice is one row."""
        there = self.keys(target, key)
        if there.has_repeats():
            frame = self.frame(target)
            # Lists do not hash.
            named = [key, *(a.column for a in target.attributes if a.dtype != TEXTS)]
            named += [link.key for link in target.links]
            columns = [c for c in dict.fromkeys(named) if c in frame.columns]
            there = there.without(frame.duplicated(columns).to_numpy())
        return Finder(wanted, there)()

    def owners(self, holder: Entity, relation: Relation, among: Mask | None = None) -> Finder:
        """Finds for rows of a relation the place of their holder's row, if it is among some."""
        target = self.schema.named(relation.to)
        here = self.keys(holder, _key(relation.by, holder))
        if relation.by is not None and here.has_repeats():
            raise DataError(
                f"{holder.name}.{relation.by} is in several rows the same, and "
                f"{relation.name!r} leads from it: it must be unique"
            )
        return Finder(self.keys(target, relation.key), here, among)


def _key(by: str | None, entity: Entity) -> str:
    """The column whose value a key is."""
    key = by or entity.key
    assert key is not None
    return key


def _check_joined(entity: Entity, way: Link | Relation) -> None:
    if way.join is not None:
        raise UnsupportedError(
            f"data frames cannot follow {entity.name}.{way.name}, which is joined where {way.join}"
        )


def _time(relation: Relation, target: Entity) -> ir.Column:
    """When a row of a relation happened."""
    assert relation.at is not None
    at = target.attribute(relation.at)
    assert at is not None
    return ir.Column(ir.Scope.ROW, (), at.name, at.dtype, at.nullable)
