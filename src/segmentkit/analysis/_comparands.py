"""What two or more groups are compared in: attributes, traits and conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from attrs import frozen

from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit.analysis._missing_data import paths_of
from segmentkit.analysis._statistics import Sample
from segmentkit.dtypes import TEXTS, DType, Kind
from segmentkit.errors import SchemaError, SegmentTypeError
from segmentkit.schema import Schema
from segmentkit.segment import Segment, complement
from segmentkit.trait import Trait


class Scale(Enum):
    """How values are compared; the value says of what."""

    CATEGORY = "shares"
    NUMBER = "means"
    AGE = "means of days ago"


@frozen
class Comparand:
    """One thing to compare: a value of everyone, or a condition.

    Attributes:
        name: What it is called: an attribute in the language, or a trait.
        asked: A trait of it, or the condition.
        scale: How its values are compared.
    """

    name: str
    asked: Trait | Segment
    scale: Scale


def things_of(
    given: Iterable[str | Trait | Segment] | None, traits: Iterable[Trait], segment: Segment
) -> tuple[list[Comparand], list[Segment]]:
    """What is to be compared: what is given, or all attributes; and traits.

    Texts can name the traits, and those that the segment's definition names.

    Returns:
        The things, and of lists of texts, which have no one value, that they are missing.

    Raises:
        DefinitionError: A text is neither a value nor a condition of the schema.
        SchemaError: A trait is of another schema.
        ValueError: There is nothing to compare.
    """
    traits = list(traits)
    schema = segment.schema
    known = {**segment.traits, **{str(trait.name): trait for trait in traits}}
    lists: list[Segment] = []
    things: list[Comparand] = []
    if given is None:
        for path, attribute in paths_of(schema):
            name = format_tree(t.Name(path, t.NOWHERE))
            if attribute.dtype == TEXTS:
                text = f"{name} is missing"
                lists.append(Segment.define(text, text, schema))
            elif not _tells_apart(schema, path, attribute.column):
                things.append(_thing(name, schema, known, len(things)))
    else:
        for each in [given] if isinstance(given, str) else given:
            things.append(_thing(each, schema, known, len(things)))
    for trait in traits:
        things.append(_thing(trait, schema, known, len(things)))
    if not things and not lists:
        raise ValueError("there is nothing to compare: give at least one attribute or trait")
    return things, lists


def _tells_apart(schema: Schema, path: tuple[str, ...], column: str) -> bool:
    """Whether an attribute is a key, whose values say nothing of those who have them."""
    entity = schema.entity
    link = entity.link(path[0]) if len(path) > 1 else None
    if link is not None:
        return column == schema.named(link.to).key
    return column == entity.key or column in {each.key for each in entity.links}


def _thing(
    each: str | Trait | Segment, schema: Schema, traits: Mapping[str, Trait], place: int
) -> Comparand:
    if isinstance(each, Segment):
        return Comparand(each.name or each.definition, each, Scale.CATEGORY)
    if isinstance(each, Trait):
        return Comparand(str(each.name), countable(each), scale_of(each.dtype))
    found = meant(each, schema, traits, f"compared {place}")
    if isinstance(found, Segment):
        return Comparand(each, found, Scale.CATEGORY)
    return Comparand(format_tree(found._tree), countable(found), scale_of(found.dtype))


def meant(text: str, schema: Schema, traits: Mapping[str, Trait], name: str) -> Trait | Segment:
    """What a text in the language says: a value, which gets a name, or a condition.

    Raises:
        DefinitionError: It is neither.
    """
    try:
        return Trait.define(name, text, schema, traits=traits)
    except SegmentTypeError as error:
        if [problem.code for problem in error.diagnostics] != ["SK140"]:
            raise
        return Segment.define(text, text, schema, traits=traits)


def scale_of(dtype: DType) -> Scale:
    if dtype.is_time:
        return Scale.AGE
    return Scale.CATEGORY if dtype.kind in (Kind.TEXT, Kind.BOOLEAN) else Scale.NUMBER


def countable(trait: Trait) -> Trait:
    """The same, of a time its day: there are few days, and as many instants as people.

    Of a length of time its days, which are numbers.
    """
    told = format_tree(trait._tree)
    if trait.dtype.is_duration:
        text = f"({told}) / 1 day"
    elif trait.dtype.kind is Kind.TIMESTAMP:
        text = f"day({told})"
    else:
        return trait
    name = str(trait.name)
    return Trait.define(name, text, trait.schema, traits=trait.traits)


def meeting(held: Sequence[Segment], not_held: Sequence[Segment] = ()) -> Segment:
    """Those whom all of some segments hold, and none of others.

    It refers to them, so that what they refer to themselves may have the same names.
    """
    names = [f"s{place}" for place in range(len(held) + len(not_held))]
    tests = [f"in segment {name}" for name in names[: len(held)]]
    tests += [f"not in segment {name}" for name in names[len(held) :]]
    segments = dict(zip(names, (*held, *not_held), strict=True))
    return Segment.define(None, " and ".join(tests), segments["s0"].schema, segments=segments)


MEMBERS, BASE = "members", "base"


def groups_of(segment: Segment, base: Segment | None) -> dict[str, Segment]:
    """The members, and those of a base, or of everyone, who are no members.

    Raises:
        SchemaError: They are of different schemas.
    """
    if base is None:
        return {MEMBERS: segment, BASE: complement(None, segment)}
    if base.schema != segment.schema:
        raise SchemaError("the segment and its base are of different schemas")
    return {MEMBERS: segment, BASE: meeting([base], [segment])}


def today_of(instant: datetime, zone: ZoneInfo) -> date:
    """The day of an instant in a zone."""
    return instant.astimezone(zone).date()


def sample_of(tally: pd.DataFrame, name: str, scale: Scale, today: date) -> Sample:
    """What a group's numbers sum up to; of times, how many days ago they were."""
    values: list[Any] = tally.index.tolist()
    present = tally.index.notna()
    known = [value for value, there in zip(values, present, strict=True) if there]
    if scale is Scale.AGE:
        known = [(today - value.date()).days for value in known]
    return Sample.of(known, tally[name].to_numpy()[present].tolist())


def missing_of(tally: pd.DataFrame) -> Mapping[Any, int]:
    """Of how many of each group the value is missing."""
    return {name: int(tally[name].to_numpy()[tally.index.isna()].sum()) for name in tally}
