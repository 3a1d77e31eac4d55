"""What to declare of a frame to which nothing leads."""

from __future__ import annotations

import json
from collections.abc import Iterable

from segmentkit.schema import Entity, LeftOut, Schema


def unlinked(schema: Schema) -> list[LeftOut]:
    """The entities that no definition can name, each with what would lead to it."""
    reached = {schema.root}
    waiting = [schema.entity]
    while waiting:
        entity = waiting.pop()
        near = {link.to for link in entity.links} | {many.to for many in entity.relations}
        waiting += map(schema.named, near - reached)
        reached |= near
    lost = [entity for entity in schema.entities if entity.name not in reached]
    return [LeftOut(entity.name, _why(entity, schema)) for entity in lost]


def _why(entity: Entity, schema: Schema) -> str:
    holder = _pointing(schema.entities, entity)
    key = _named_after(entity, schema.entity)
    if key is None and holder is not None:
        told = {_singular(entity.name): {"key": holder[1], "to": entity.name}}
        way = _links(told, holder[0], schema)
    else:
        time = next((a.name for a in entity.attributes if a.dtype.is_time), None)
        named = {"key": key or "…"}
        way = (
            f"relations={json.dumps({entity.name: key or '…'}, ensure_ascii=False)}"
            if time is None
            else f"events={json.dumps({entity.name: named | {'at': time}}, ensure_ascii=False)}"
        )
    return f"nothing leads to it; say which column does, as in {way}"


def _links(told: dict[str, dict[str, str]], holder: str, schema: Schema) -> str:
    if holder == schema.root:
        return f"links={json.dumps(told, ensure_ascii=False)}"
    return f"tables={json.dumps({holder: {'links': told}}, ensure_ascii=False)}"


def _pointing(holders: Iterable[Entity], target: Entity) -> tuple[str, str] | None:
    """The entity and the column that seem to name rows of another one."""
    for each in holders:
        if each is not target and (column := _named_after(each, target)) is not None:
            return each.name, column
    return None


def _named_after(holder: Entity, target: Entity) -> str | None:
    """The column of an entity that is called like the key of another one."""
    one = _singular(target.name)
    keys = {f"{one}_id", f"{target.name}_id", f"{one}id", one}
    names = [a.name for a in holder.attributes if a.name != holder.key]
    return next((name for name in names if name.casefold() in keys), None)


def _singular(name: str) -> str:
    name = name.casefold()
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")
