"""Values of people, read from a source to train a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from attrs import frozen

from segmentkit._calendar import first_instant
from segmentkit._diagnostics.diagnostic import encodable
from segmentkit._language.formatter import format_name
from segmentkit.analysis._discovery.features import Choice, Feature, Ordered, Places
from segmentkit.analysis._discovery.thresholds import Between, between_numbers, between_times
from segmentkit.dtypes import DType, Kind
from segmentkit.errors import DataError, SchemaError
from segmentkit.schema import Attribute, Schema
from segmentkit.segment import Segment
from segmentkit.trait import Trait

if TYPE_CHECKING:
    from segmentkit.source import Source

Of: TypeAlias = Iterable[str | Trait] | None
"""What to look at: values in the language, such as names of attributes, and traits."""

_MOST_VALUES = 50
"""How many values of a text are told apart."""


@frozen
class Value:
    """What is looked at of everyone.

    Attributes:
        text: How definitions say it.
        trait: What a source computes.
        named: Whether definitions say it by the trait's name.
    """

    text: str
    trait: Trait
    named: bool


def looked_at(of: Of, schema: Schema) -> tuple[list[Value], list[str]]:
    """What to look at, and why not at the rest; by default every attribute but keys.

    Raises:
        DefinitionError: A text is not a value of the schema.
        SchemaError: A trait is of another one.
        ValueError: There is nothing to look at.
    """
    unfit: list[str] = []
    if isinstance(of, str):
        raise TypeError(f"give a list, as in of=[{of!r}]")
    if of is None:
        attributes = _attributes(schema)
        unfit = [f"{a.name} is a {a.dtype.family}" for a in attributes if not _is_fit(a.dtype)]
        of = [attribute.name for attribute in attributes if _is_fit(attribute.dtype)]
    found = [_value(number, each, schema) for number, each in enumerate(dict.fromkeys(of))]
    if any(each.trait.schema != schema for each in found):
        raise SchemaError("the values in `of` are of a different schema")
    unfit += [
        f"{each.text} is a {each.trait.dtype.family}"
        for each in found
        if not _is_fit(each.trait.dtype)
    ]
    fit = [each for each in found if _is_fit(each.trait.dtype)]
    if not fit:
        raise ValueError("; ".join(["there is nothing to divide people by: give of=[…]", *unfit]))
    return fit, unfit


def not_looked_at(why: Iterable[str]) -> list[str]:
    """What there is to say of what was not looked at."""
    told = "; ".join(why)
    return [f"not looked at: {told}"] if told else []


def _is_fit(dtype: DType) -> bool:
    return dtype.is_number or dtype.is_time or dtype.kind in (Kind.BOOLEAN, Kind.TEXT)


def _attributes(schema: Schema) -> list[Attribute]:
    entity = schema.entity
    keys = {entity.key, *(link.key for link in entity.links)}
    inner = [a for document in entity.documents for a in document.attributes]
    return [*(a for a in entity.attributes if a.column not in keys and a.name not in keys), *inner]


def _path(attribute: Attribute) -> str:
    return ".".join(map(format_name, attribute.path or (attribute.name,)))


def _value(number: int, each: str | Trait, schema: Schema) -> Value:
    if isinstance(each, Trait):
        return Value(format_name(str(each.name)), each, named=True)
    attribute = schema.entity.attribute(each)
    text = each if attribute is None else _path(attribute)
    trait = Trait.define(f"#{number}", text, schema)
    return Value(trait.definition, trait, named=False)


def values_of(
    traits: Iterable[Trait], source: Source, among: Segment | None, instant: datetime
) -> pd.DataFrame:
    """The values of traits by key, in the order of keys, whichever order the source has.

    Raises:
        DataError: Two people have one key.
        ValueError: Two different traits have one name.
    """
    named: dict[str, Trait] = {}
    for trait in traits:
        if named.setdefault(str(trait.name), trait) != trait:
            raise ValueError(f"two different traits are called {trait.name!r}")
    frame = source.values(named.values(), of=among, as_of=instant)
    if not frame.index.is_unique:
        twice = frame.index[frame.index.duplicated()].tolist()[0]
        raise DataError(f"two of the population have the key {twice!r}")
    return frame.sort_index()


# -- as a tree sees them ------------------------------------------------------------------------


@frozen
class Reader:
    """Makes features of values.

    Attributes:
        schema: What the values are of.
        instant: As of when they are, in UTC.
        rows: Those of whom something is learnt.
        least: How many there must be on each side of a cut.
    """

    schema: Schema
    instant: datetime
    rows: Places
    least: int

    def features(
        self, values: Iterable[Value], frame: pd.DataFrame
    ) -> tuple[list[Feature], list[str]]:
        """What people can be told apart by, and why they cannot be by the rest."""
        found: list[Feature] = []
        skipped = []
        for value in values if len(self.rows) else ():
            feature = self._feature(value, frame[str(value.trait.name)])
            if not np.ptp(feature.places[self.rows]):
                skipped.append(f"{value.text} {_alike(feature, self.rows)}")
            else:
                found.append(feature)
        return found, skipped

    def _feature(self, value: Value, column: pd.Series[Any]) -> Feature:
        missing = column.isna().to_numpy()
        nullable = value.trait.nullable or bool(missing.any())
        dtype = value.trait.dtype
        match dtype.kind:
            case Kind.BOOLEAN:
                places = np.full(len(column), 3)
                places[~missing] = column[~missing].astype(np.int64)
                return Choice(value.text, nullable, places, (False, True))
            case Kind.TEXT:
                return self._choice(value.text, nullable, column, missing)
            case _:
                kept = self._moments(column, dtype) if dtype.is_time else column
                places, values = pd.factorize(kept.to_numpy() if dtype.is_time else kept, sort=True)
                between = self._between(dtype)
                return Ordered(value.text, nullable, places, values.tolist(), between)

    def _choice(self, text: str, nullable: bool, column: Any, missing: Any) -> Choice:
        counts = column.iloc[self.rows].value_counts()
        frequent = counts[counts >= self.least].items()
        ordered = sorted(frequent, key=lambda each: (-each[1], each[0]))[:_MOST_VALUES]
        # Half a character cannot be written in a definition, so it is not told apart.
        values = tuple(sorted(str(v) for v, _ in ordered if encodable(str(v)) == v))
        texts = pd.Index(column.astype(object), dtype=object)
        places = pd.Index(values, dtype=object).get_indexer(texts)
        other, none = len(values), len(values) + 1
        return Choice(
            text, nullable, np.where(missing, none, np.where(places < 0, other, places)), values
        )

    def _moments(self, column: Any, dtype: DType) -> Any:
        """Times as instants in UTC; a day is its first."""
        if dtype.kind is Kind.TIMESTAMP:
            return column.dt.tz_convert(None).astype("datetime64[us]")
        days = {
            day: first_instant(day.date(), self.schema.zone) for day in column.dropna().unique()
        }
        return column.map(days).astype("datetime64[us]")

    def _between(self, dtype: DType) -> Between:
        if dtype.is_time:
            return between_times(self.instant.replace(tzinfo=None), self.schema.zone)
        return between_numbers(_KINDS[dtype.kind])


_KINDS: Mapping[Kind, Callable[[Decimal], Any]] = {
    Kind.INTEGER: Decimal,
    Kind.DECIMAL: Decimal,
    Kind.FLOAT: float,
}


def _alike(feature: Feature, rows: Places) -> str:
    """Why a feature does not tell anybody apart."""
    place = feature.places[rows[0]]
    match feature:
        case Ordered():
            return "is missing of everyone" if place < 0 else "is the same of everyone"
        case Choice():
            if place == feature.other:
                return "has no frequent value"
            missing = place == feature.missing
            return "is missing of everyone" if missing else "is the same of everyone"
