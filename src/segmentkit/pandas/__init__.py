"""Evaluate segments on data frames; the members are the same as in SQL and of single records."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from segmentkit._definition import AsOf, instant_of
from segmentkit._results.asked_traits import bound_traits
from segmentkit._results.freshness import refuse
from segmentkit._usage import expect
from segmentkit.extension import Target
from segmentkit.pandas._arrays import Mask
from segmentkit.pandas._compile import evaluate, table_for
from segmentkit.pandas._export import counted, first_of, series
from segmentkit.pandas._frames import Reader
from segmentkit.pandas._given import Frames
from segmentkit.pandas._schema import schema_from
from segmentkit.pandas._source import Source
from segmentkit.partition import Audit, Partition, audit_of
from segmentkit.segment import Segment, bound_condition
from segmentkit.trait import Trait

__all__ = ["Source", "audit", "labels", "mask", "members", "schema_from", "values"]


def mask(segment: Segment, frames: Frames, *, as_of: AsOf = None) -> pd.Series[bool]:
    """Mark the rows of the entity's frame that are in a segment.

    Args:
        segment: The segment.
        frames: The frames by the names of the entities' tables, with any dtypes that fit the
            schema's types; or the entity's frame, if no other is needed. They are not changed.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        A Series of True and False with the index of the entity's frame and the segment's name.
        ``attrs["as_of"]`` is the instant. It has no missing values, so ``~mask(…)`` is the
        complement.

    Raises:
        DataError: A frame or column is absent or does not fit the schema, two rows have
            the same key, or a parameter of the segment has no value.
        UnsupportedError: Frames cannot compute a construct.

    Example:
        >>> import pandas as pd
        >>> people = pd.DataFrame({"id": [7, 8, 9], "age": [17, 30, None]}, index=["a", "b", "c"])
        >>> shop = schema_from(people, "people", keys={"people": "id"})
        >>> mask(Segment.define("not a minor", "not (age < 18)", shop), people)
        a    False
        b     True
        c     True
        Name: not a minor, dtype: bool
    """
    expect(segment, Segment, "mask(segment, frames)")
    source = Reader(frames, segment.schema)
    index = source.index()
    found, instant = _answer(segment, source, as_of)
    series = pd.Series(found, index=index, name=segment.name)
    series.attrs = {"as_of": instant}
    return series


def members(segment: Segment, frames: Frames, *, as_of: AsOf = None) -> pd.Series[Any]:
    """Find the keys of a segment's members.

    Args:
        segment: The segment.
        frames: The frames by the names of the entities' tables; or the entity's.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        A Series of the members' keys, with the index and in the order of their rows.
        ``attrs["as_of"]`` is the instant.

    Raises:
        DataError: A frame or column is absent or does not fit the schema, two rows have
            the same key, or a parameter of the segment has no value.
        UnsupportedError: Frames cannot compute a construct.

    Example:
        >>> import pandas as pd
        >>> people = pd.DataFrame({"id": [7, 8, 9]})
        >>> visits = pd.DataFrame({"person": [9, 7, 9]})
        >>> site = schema_from(
        ...     {"people": people, "visits": visits},
        ...     "people",
        ...     keys={"people": "id"},
        ...     relations={"visits": "person"},
        ... )
        >>> frequent = Segment.define("frequent", "count(visits) > 1", site)
        >>> members(frequent, {"people": people, "visits": visits}).tolist()
        [9]
    """
    expect(segment, Segment, "members(segment, frames)")
    source = Reader(frames, segment.schema)
    keys = source.population()
    found, instant = _answer(segment, source, as_of)
    chosen = keys[found]
    chosen.attrs = {**chosen.attrs, "as_of": instant}
    return chosen


def values(
    traits: Iterable[Trait], frames: Frames, *, segment: Segment | None = None, as_of: AsOf = None
) -> pd.DataFrame:
    """Compute the values of traits, beside the key.

    Args:
        traits: The traits to compute; at least one.
        frames: The frames by the names of the entities' tables; or the entity's.
        segment: The segment whose members you want; by default everyone.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The key's column and one column for each trait, with the trait's name and the index of the
        entity's frame. Integers are ``Int64``, booleans ``boolean``, texts ``string``, exact
        decimals objects, dates ``datetime64`` and timestamps ``datetime64`` in UTC. Missing
        values are missing there too. ``attrs["as_of"]`` is the instant.

    Raises:
        DataError: A frame or column is absent or does not fit the schema, or a parameter has no
            value.
        SchemaError: The traits and the segment are of different schemas.
        UnsupportedError: Frames cannot compute a construct.
        ValueError: You gave no traits.

    Example:
        >>> import pandas as pd
        >>> people = pd.DataFrame({"id": [7, 8, 9]})
        >>> orders = pd.DataFrame({"person": [9, 7, 9], "price": [5, 6, 7]})
        >>> shop = schema_from(
        ...     {"people": people, "orders": orders},
        ...     "people",
        ...     keys={"people": "id"},
        ...     relations={"orders": "person"},
        ... )
        >>> spent = Trait.define("spent", "sum(orders.price)", shop)
        >>> values([spent], {"people": people, "orders": orders})
           id  spent
        0   7      6
        1   8      0
        2   9     12
    """
    schema, instant, bound, test = bound_traits(traits, segment, as_of, Target.PANDAS)
    source = Reader(frames, schema)
    keys = source.population()
    table = table_for([*bound.values(), *([] if test is None else [test])], source)
    columns = {keys.name: keys}
    for name, value in bound.items():
        columns[name] = series(table.settled(value), table.size, keys.index, value.dtype)
    found = pd.DataFrame(columns, index=keys.index)
    if test is not None:
        found = found[table.condition(test)]
    found.attrs = {"as_of": instant.replace(tzinfo=UTC)}
    return found


def labels(partition: Partition, frames: Frames, *, as_of: AsOf = None) -> pd.Series[Any]:
    """Label the rows of the entity's frame with the parts of a partition.

    Args:
        partition: The partition.
        frames: The frames by the names of the entities' tables; or the entity's.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        A categorical Series of the partition's labels, in its order, with the index of the
        entity's frame and the partition's name. No value is missing. ``attrs["as_of"]`` is the
        instant.

    Raises:
        DataError: A frame or column is absent or does not fit the schema, or a parameter has no
            value.
        UnsupportedError: Frames cannot compute a construct.

    Example:
        >>> import pandas as pd
        >>> from segmentkit import Partition
        >>> people = pd.DataFrame({"id": [7, 8, 9], "age": [17, 30, None]})
        >>> shop = schema_from(people, "people", keys={"people": "id"})
        >>> minor = Segment.define("minor", "age < 18", shop)
        >>> labels(Partition.define("ages", [minor], rest="others"), people).tolist()
        ['minor', 'others', 'others']
    """
    held, instant, index = _held(partition, frames, as_of)
    codes = first_of(held, len(index))
    dtype = pd.CategoricalDtype(list(partition.labels), ordered=True)
    chosen = pd.Categorical.from_codes(codes, dtype=dtype)
    found = pd.Series(chosen, index=index, name=partition.name)
    found.attrs = {"as_of": instant}
    return found


def audit(partition: Partition, frames: Frames, *, as_of: AsOf = None) -> Audit:
    """Count the members that each part of a partition would have alone, and where it lost some.

    Args:
        partition: The partition.
        frames: The frames by the names of the entities' tables; or the entity's.
        as_of: The instant; by default now. Without a zone, it is in the schema's zone.

    Returns:
        The audit; print it.

    Raises:
        DataError: A frame or column is absent or does not fit the schema, or a parameter has no
            value.
        UnsupportedError: Frames cannot compute a construct.
    """
    held, instant, index = _held(partition, frames, as_of)
    return audit_of(partition, counted(held, len(index)), instant)


def _held(
    partition: Partition, frames: Frames, as_of: AsOf
) -> tuple[list[Mask], datetime, pd.Index[Any]]:
    """Who is in each part as it stands alone."""
    expect(partition, Partition, "labels(partition, frames)")
    schema = partition.schema
    source, instant = Reader(frames, schema), instant_of(as_of, schema)
    parts = partition.parts.values()
    conditions = [bound_condition(part, instant, Target.PANDAS) for part in parts]
    table = table_for(conditions, source)
    held = [table.condition(condition) for condition in conditions]
    return held, instant.replace(tzinfo=UTC), source.index()


def _answer(segment: Segment, source: Reader, as_of: AsOf) -> tuple[Mask, datetime]:
    instant = instant_of(as_of, segment.schema)
    refuse([segment], instant, Source(source.frames)._loaded)
    found = evaluate(bound_condition(segment, instant, Target.PANDAS), source)
    return found, instant.replace(tzinfo=UTC)
