"""Whether amounts can be added: a sum of different currencies means nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import evolve, frozen

from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree, format_value
from segmentkit.dtypes import Kind
from segmentkit.functions import AGGREGATES
from segmentkit.schema import Attribute, Entity, Schema
from segmentkit.segment import Segment
from segmentkit.source import Source
from segmentkit.trait import Trait

_UNIT = re.compile(r"(.*_)?(currency|unit|uom)(_?(code|iso|of_measure))?", re.IGNORECASE)
"""What an attribute is called that says of what amounts beside it are so many."""
_AMOUNTS = (Kind.DECIMAL, Kind.FLOAT)
_COUNTS = ("any", "none", "count")


@frozen
class _Probe:
    """An amount, and how to find out its units.

    Attributes:
        amount: The amount, or the aggregate of amounts, in the language.
        unit: The attribute that holds its unit, in the language.
        values: An expression of which each value is a unit.
        several: An expression that is more than 1 of whom there are several units.
    """

    amount: str
    unit: str
    values: t.Expr | None
    several: t.Expr | None = None


def mixed_units(
    trait: Trait, source: Source, segments: Mapping[str, Segment], instant: datetime
) -> str | None:
    """Say that a trait adds up or compares amounts of several units; None if none is known to.

    An amount has a unit where an attribute beside it is called so: ``currency``, ``unit``. A
    condition on it within the brackets of the aggregate is taken to choose one.
    """
    for probe in _probes(trait):
        units: set[str] = set()
        if probe.values is not None:
            latest = Trait.define("unit", format_tree(probe.values), trait.schema)
            (tally,) = source.tally([latest], segments, most=_TOLD, as_of=instant).values()
            units = {str(value) for value in tally.index[tally.index.notna()]}
        several = False
        if probe.several is not None:
            count = Trait.define("units", format_tree(probe.several), trait.schema)
            (tally,) = source.tally([count], segments, as_of=instant).values()
            several = any(value > 1 for value in tally.index)
        if several or len(units) > 1:
            told = ", ".join(format_value(unit) for unit in sorted(units)[:_TOLD])
            which = f" ({told})" if len(units) > 1 else ""
            return f"{probe.amount} is of several units: {probe.unit} differs{which}"
    return None


_TOLD = 5
"""Units that are named."""


def _probes(trait: Trait) -> Iterator[_Probe]:
    yield from _of(trait._tree, trait.schema)
    for other in trait.traits.values():
        yield from _probes(other)


def _of(node: t.Node, schema: Schema) -> Iterator[_Probe]:
    match node:
        case t.Call(name) if name in AGGREGATES:
            if node.among is None and name not in _COUNTS:
                yield from _of_rows(node, schema)
        case t.Name(parts):
            entity = schema.entity
            if len(parts) == 1 and _is_amount(entity.attribute(parts[0])):
                for unit in _units(entity):
                    there = t.Name((unit,), t.NOWHERE)
                    yield _Probe(format_tree(node), format_tree(there), there)
        case _:
            for child in t.children(node):
                yield from _of(child, schema)


def _of_rows(call: t.Call, schema: Schema) -> Iterator[_Probe]:
    """The probes of an aggregate of rows."""
    chosen = {name.parts[-1] for name in _names(call.where)}
    for argument in call.arguments:
        for name in _names(argument):
            *path, last = name.parts
            entity, timed = _end(schema, path)
            if entity is None or not _is_amount(entity.attribute(last)):
                continue
            for unit in _units(entity):
                if unit in chosen:
                    continue
                there = t.Name((*path, unit), t.NOWHERE)
                count = evolve(call, name="count", arguments=(there,), distinct=True)
                latest = evolve(call, name="last", arguments=(there,), distinct=False)
                values = latest if timed else None
                yield _Probe(format_tree(call), format_tree(there), values, count)


def _names(node: t.Node | None) -> Iterator[t.Name]:
    if isinstance(node, t.Name):
        yield node
    elif node is not None:
        for child in t.children(node):
            yield from _names(child)


def _end(schema: Schema, path: list[str]) -> tuple[Entity | None, bool]:
    """Where relations lead to, if nothing else is on the path, and whether the last has a time."""
    entity, timed = schema.entity, False
    for name in path:
        relation = entity.relation(name)
        if relation is None:
            return None, False
        entity, timed = schema.named(relation.to), relation.at is not None
    return (entity, timed) if path else (None, False)


def _is_amount(attribute: Attribute | None) -> bool:
    return attribute is not None and attribute.dtype.kind in _AMOUNTS


def _units(entity: Entity) -> Iterator[str]:
    for attribute in entity.attributes:
        if attribute.dtype.kind is Kind.TEXT and _UNIT.fullmatch(attribute.name):
            yield attribute.name
