"""Traits that a source is asked for, bound to an instant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from segmentkit._definition import AsOf, instant_of
from segmentkit._planning import ir
from segmentkit._usage import expect
from segmentkit.errors import SchemaError
from segmentkit.extension import Target
from segmentkit.schema import Schema
from segmentkit.segment import Segment, bound_condition
from segmentkit.trait import Trait, bound_value, traits_of


def bound_traits(
    traits: Iterable[Trait], of: Segment | None, as_of: AsOf, target: Target
) -> tuple[Schema, datetime, dict[str, ir.Value], ir.Condition | None]:
    """Bind traits to an instant: their schema, the instant, their values, and whom to ask.

    Raises:
        DataError: A parameter has no value.
        SchemaError: They are of different schemas.
        ValueError: You gave none.
    """
    traits = traits_of(traits)
    if of is not None:
        expect(of, Segment, "values(traits, …)")
    schema = traits[0].schema
    if any(each.schema != schema for each in (*traits, *([of] if of is not None else ()))):
        raise SchemaError("the traits and the segment are of different schemas")
    instant = instant_of(as_of, schema)
    bound = {str(trait.name): bound_value(trait, instant, target) for trait in traits}
    return schema, instant, bound, None if of is None else bound_condition(of, instant, target)


def tallied_traits(
    traits: Iterable[Trait], schema: Schema, instant: datetime, target: Target
) -> dict[str, ir.Value]:
    """Bind traits whose values are to be counted.

    Raises:
        DataError: A parameter has no value.
        SchemaError: They are of another schema than the segments.
        ValueError: You gave none.
    """
    given = traits_of(traits)
    for trait in given:
        if trait.schema != schema:
            raise SchemaError("the traits and the segments are of different schemas")
    return {str(trait.name): bound_value(trait, instant, target) for trait in given}
