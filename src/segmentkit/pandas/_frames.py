"""The frames that a segment is asked of, read as the schema says: each thing once a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from segmentkit import _ir as ir
from segmentkit.dtypes import Kind
from segmentkit.errors import DataError
from segmentkit.pandas._columns import read
from segmentkit.pandas._keys import Keys, find, read_keys
from segmentkit.pandas._stored import Stored
from segmentkit.pandas._text import TextColumn
from segmentkit.pandas._vectors import Positions, Vector
from segmentkit.schema import Entity, Link, Relation, Schema

Frames: TypeAlias = "Mapping[str, pd.DataFrame] | pd.DataFrame"
Column: TypeAlias = Vector | Stored | TextColumn
ORDERED = (ir.AggregateFunction.FIRST, ir.AggregateFunction.LAST)
"""The aggregates that look at the order of rows."""


class Source:
    """Frames by their tables, and what was read from them during one call."""

    def __init__(self, frames: Frames, schema: Schema) -> None:
        if isinstance(frames, pd.DataFrame):
            frames = {schema.entity.table: frames}
        if not isinstance(frames, Mapping):
            raise DataError(
                "frames must be a DataFrame, or DataFrames by the names of their tables, "
                f"not {type(frames).__name__}"
            )
        self.frames = frames
        self.schema = schema
        self.tests: Counter[tuple[str, str]] = Counter()
        self._columns: dict[tuple[str, str], Column] = {}
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
        if not isinstance(frame, pd.DataFrame):
            raise DataError(
                f"the frame {entity.table!r} must be a DataFrame, not {type(frame).__name__}"
            )
        return frame

    def series(self, entity: Entity, column: str) -> pd.Series[Any]:
        """A column of an entity's frame.

        Raises:
            DataError: There is none, or more than one.
        """
        frame = self.frame(entity)
        if column not in frame.columns:
            there = ", ".join(map(str, frame.columns)) or "no columns"
            raise DataError(f"the frame {entity.table!r} has no column {column!r}; it has {there}")
        found: Any = frame[column]
        if not isinstance(found, pd.Series):
            raise DataError(f"the frame {entity.table!r} has more than one column {column!r}")
        return found

    def require(self, node: ir.Condition | ir.Value) -> None:
        """Check that all frames and columns are there, and count the tests of each.

        Raises:
            DataError: Something is missing; names it, and what is there.
        """
        for entity, column in self._needed(node):
            self.series(entity, column)

    def _needed(self, whole: ir.Condition | ir.Value) -> Iterable[tuple[Entity, str]]:
        """The entities and columns that a condition or a value is computed from."""
        nodes: list[tuple[ir.Condition | ir.Value, Entity]] = [(whole, self.schema.entity)]
        while nodes:
            node, row = nodes.pop()
            if isinstance(node, ir.Aggregate):
                relation = self.relation(node.relation)
                target = self.schema.named(relation.to)
                yield from self._needed_by(node, relation, target)
                nodes += [(part, target) for part in ir.parts(node)]
                continue
            if isinstance(node, ir.Column):
                start = row if node.scope is ir.Scope.ROW else self.schema.entity
                yield from self._needed_along(node, start)
            for part in ir.parts(node):
                nodes.append((part, row))

    def _needed_by(
        self, node: ir.Aggregate, relation: Relation, target: Entity
    ) -> Iterable[tuple[Entity, str]]:
        assert self.schema.entity.key is not None
        yield self.schema.entity, self.schema.entity.key
        yield target, relation.key
        if node.function in ORDERED and target.key_attribute is not None:
            yield target, target.key_attribute.column

    def _needed_along(self, node: ir.Column, entity: Entity) -> Iterable[tuple[Entity, str]]:
        for name in node.links:
            link, target = self.link(entity, name)
            assert target.key is not None
            yield entity, link.key
            yield target, target.key
            entity = target
        attribute = entity.attribute(node.name)
        assert attribute is not None
        self.tests[entity.name, node.name] += 1
        yield entity, attribute.column

    def relation(self, name: str) -> Relation:
        """The relation of the root entity."""
        relation = self.schema.entity.relation(name)
        assert relation is not None
        return relation

    def link(self, entity: Entity, name: str) -> tuple[Link, Entity]:
        """The link of an entity, and where it leads."""
        link = entity.link(name)
        assert link is not None
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
        values: Column
        if attribute.dtype.kind is Kind.TEXT:
            values = TextColumn(series, attribute, entity.name, self.tests[entity.name, name])
        else:
            values = read(series, attribute, entity.name)
        if not attribute.nullable and values.has_missing():
            raise DataError(
                f"{entity.name}.{name} is missing in {int(values.missing.sum())} rows, "
                "and the schema says that it never is"
            )
        return values

    def keys(self, entity: Entity, column: str) -> Keys:
        """The keys that a column of an entity's frame holds."""
        known = self._keys.get((entity.name, column))
        if known is None:
            keys = read_keys(self.series(entity, column), f"{entity.name}.{column}")
            known = self._keys[entity.name, column] = keys
        return known

    def places(self, entity: Entity, links: tuple[str, ...]) -> Positions:
        """For each row of an entity the place of the row at the end of links."""
        known = self._places.get((entity.name, links))
        if known is None:
            known = self._places[entity.name, links] = self._follow(entity, links)
        return known

    def _follow(self, entity: Entity, links: tuple[str, ...]) -> Positions:
        before = self.schema.follow(entity, links[:-1])
        link, target = self.link(before, links[-1])
        assert target.key is not None
        step = find(self.keys(before, link.key), self.keys(target, target.key))
        if len(links) == 1:
            return step
        # The place -1 of a missing row finds the last step, which leads nowhere.
        return np.append(step, -1)[self.places(entity, links[:-1])]

    def owners(self, relation: Relation) -> Positions:
        """For each row of a relation the place of the root's row that it belongs to."""
        root, target = self.schema.entity, self.schema.named(relation.to)
        assert root.key is not None
        return find(self.keys(target, relation.key), self.keys(root, root.key))
