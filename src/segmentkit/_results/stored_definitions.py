"""Definitions as a store keeps them: a segment and all that it refers to, to be run once more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from segmentkit._definition import Defined, all_of
from segmentkit.errors import SegmentkitError
from segmentkit.keylist import KeyList
from segmentkit.schema import Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait

_KINDS: Mapping[str, type[Segment] | type[Trait]] = {"segment": Segment, "trait": Trait}
_DIGITS = 16


def stored(segment: Segment) -> str:
    """A segment as a text.

    Each definition stands after those that it refers to, which it names by their places. Of static
    lists, whose keys are people, only digests are kept: then `read_stored` needs the lists.
    """
    each = all_of(segment)
    places = {id(one): place for place, one in enumerate(each)}
    told = [_told(one, places) for one in each]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _told(one: Defined, places: Mapping[int, int]) -> dict[str, Any]:
    kind = next(kind for kind, cls in _KINDS.items() if isinstance(one, cls))
    told: dict[str, Any] = {kind: one.definition}
    if one.name is not None:
        told["name"] = one.name
    for key in ("references", "traits"):
        if found := getattr(one, key, {}):
            told[key] = {name: places[id(other)] for name, other in found.items()}
    if found := getattr(one, "lists", {}):
        told["lists"] = {name: _digest(keys) for name, keys in found.items()}
    return told


def read_stored(text: str, schema: Schema, lists: Iterable[KeyList]) -> Segment | None:
    """The segment of a text; None if it no longer means anything.

    Args:
        text: What `stored` made.
        schema: The schema that there is now.
        lists: The lists that there are now.
    """
    known = {_digest(keys): keys for keys in lists}
    made: list[Any] = []
    try:
        for told in json.loads(text):
            made.append(_made(told, schema, made, known))
    except (SegmentkitError, LookupError, ValueError, TypeError, AttributeError):
        # Attributes may be gone, lists have other keys, or another version wrote it.
        return None
    return made[-1] if made and isinstance(made[-1], Segment) else None


def _made(
    told: Mapping[str, Any], schema: Schema, made: list[Any], known: Mapping[str, KeyList]
) -> Segment | Trait:
    name: Any = told.get("name")
    traits = {n: made[place] for n, place in told.get("traits", {}).items()}
    if "trait" in told:
        return Trait.define(name, told["trait"], schema, traits=traits)
    segments = {n: made[place] for n, place in told.get("references", {}).items()}
    lists = {n: known[digest] for n, digest in told.get("lists", {}).items()}
    return Segment.define(
        name, told["segment"], schema, segments=segments, traits=traits, lists=lists
    )


def _digest(keys: KeyList) -> str:
    text = repr((keys.name, sorted(keys.keys)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def lists_of(segments: Iterable[Segment]) -> list[KeyList]:
    """The static lists that segments refer to, near or far."""
    return [
        keys
        for segment in segments
        for each in all_of(segment)
        for keys in getattr(each, "lists", {}).values()
    ]
