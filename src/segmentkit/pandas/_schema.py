"""A schema from data frames: types from dtypes and values; keys and relations from the author."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import UnionType
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
import pandas as pd
from attrs import evolve

from segmentkit._catalog.schema_table import (
    Declaration,
    RelationDeclaration,
    TableDeclaration,
    declare,
    read_attribute,
)
from segmentkit._diagnostics.diagnostic import Hint, did_you_mean
from segmentkit._language.formatter import is_writable
from segmentkit._record.convert import is_missing
from segmentkit.dtypes import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TEXTS,
    TIMESTAMP,
    DType,
    Kind,
    decimal,
)
from segmentkit.errors import DataError, SchemaError
from segmentkit.pandas._arrow import is_list_of_texts, objects
from segmentkit.pandas._columns import read, stored
from segmentkit.pandas._conversions import conversion
from segmentkit.pandas._given import Frames, frames_of
from segmentkit.pandas._lists import read_lists
from segmentkit.pandas._text import TextColumn
from segmentkit.pandas._unlinked import unlinked
from segmentkit.schema import Attribute, Entity, LeftOut, Link, Relation, Schema, parse_dtype

Ways: TypeAlias = Mapping[str, str | Mapping[str, str]] | None
Types: TypeAlias = Mapping[str, Mapping[str, DType | str]] | None

_DTYPES = {
    "b": BOOLEAN,
    "i": INTEGER,
    "u": INTEGER,
    "f": FLOAT,
    "M": TIMESTAMP,
}
"""The types of numpy's kinds."""
_OBJECTS: tuple[tuple[type | UnionType, DType], ...] = (
    (bool, BOOLEAN),
    (np.bool_, BOOLEAN),
    (int, INTEGER),
    (np.integer, INTEGER),
    (float, FLOAT),
    (np.floating, FLOAT),
    (Decimal, decimal()),
    (str | UUID, TEXT),
    (datetime, TIMESTAMP),
    (date, DATE),
    (list | tuple | set | frozenset | np.ndarray, TEXTS),
)
"""The types of Python's objects; the first that fits counts."""


def schema_from(  # noqa: PLR0913 - keywords, each of which says one thing
    frames: Frames,
    entity: str,
    *,
    keys: Mapping[str, str],
    events: Ways = None,
    relations: Ways = None,
    links: Ways = None,
    tables: Mapping[str, Any] | None = None,
    channels: Mapping[str, Mapping[str, str]] | None = None,
    types: Types = None,
    time_zone: str = "UTC",
    week_start: str = "monday",
) -> Schema:
    """Derive a schema from data frames.

    Every frame becomes an entity, and every column an attribute. Its type follows from the dtype
    or the objects: ``datetime64`` is a timestamp, Arrow's ``date32`` a date, and Arrow's
    ``decimal128(p, s)`` an exact decimal. Objects that are decimals become an exact decimal with
    the largest scale among them, and objects that are lists of texts a list of texts. A category
    of texts lists its categories as the possible values. A column in which a value is missing is
    nullable; if all objects are missing, it is text. Columns of other types (time spans, other
    lists) or of several types, and columns whose names are not texts, are left out and listed in
    the schema's ``left_out``, with the frames to which nothing leads. Declare what documents hold
    in ``tables``: ``{"customers": {"documents": …}}``.

    Args:
        frames: The frames by name, or only the entity's.
        entity: The name of the frame whose rows are segmented.
        keys: The column that identifies a row, by the frame's name. The entity and targets of
            links need one.
        events: Relations of the entity that have a time, by the names of their frames, with the
            column there that has the entity's key, and the column with the time:
            ``{"orders": {"key": "customer_id", "at": "placed_at"}}``.
        relations: Relations of the entity without a time: ``{"notes": "customer_id"}``.
        links: Links of the entity: ``{"company": {"key": "company_id", "to": "companies"}}``.
        tables: Everything else about the frames, such as links of other entities, in the form of
            ``[schema.tables]`` in a file.
        types: The types of columns whose dtype does not show them, by frame and column:
            ``{"customers": {"birth_date": DATE}}``.
        channels: Ways to reach a row of the entity:
            ``{"email": {"address": "email", "consent": "email_opt_in"}}``.
        time_zone: The zone in which days begin. Timestamps without a zone are in UTC.
        week_start: The day on which weeks begin: ``monday`` or ``sunday``.

    Returns:
        The schema.

    Raises:
        SchemaError: A frame, key or column that you name does not exist, or does not hold what
            you say.

    Example:
        >>> import pandas as pd
        >>> people = pd.DataFrame({"id": [1, 2], "age": [17, None]})
        >>> days = pd.to_datetime(["2026-05-01", "2026-05-09"])
        >>> visits = pd.DataFrame({"person": [1, 1], "at": days})
        >>> print(
        ...     schema_from(
        ...         {"people": people, "visits": visits},
        ...         "people",
        ...         keys={"people": "id"},
        ...         events={"visits": {"key": "person", "at": "at"}},
        ...         types={"people": {"age": "integer"}},
        ...     )
        ... )
        people (whose rows are segmented)
            id: integer
            age: integer?
            visits -> many of visits, by person, at at
        visits
            person: integer
            at: timestamp
    """
    given = frames_of(frames, entity, SchemaError)
    told = declare(
        entity,
        events=events,
        relations=relations,
        links=links,
        tables=tables,
        channels=channels,
        time_zone=time_zone,
        week_start=week_start,
    )
    return _FromFrames(given, told, keys, types or {}).schema()


class _FromFrames:
    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame],
        told: Declaration,
        keys: Mapping[str, str],
        types: Mapping[str, Mapping[str, DType | str]],
    ) -> None:
        if not isinstance(keys, Mapping):
            raise SchemaError(f'keys are by the names of frames, {{"{told.entity}": {keys!r:.60}}}')
        self.frames = frames
        self.told = told
        self.keys = keys
        self.types = types
        self.left_out: list[LeftOut] = []

    def schema(self) -> Schema:
        named = [("the entity", self.told.entity)]
        named += [("keys", name) for name in self.keys]
        named += [("types", name) for name in self.types]
        named += [("tables", name) for name in self.told.tables]
        for who, name in named:
            self.check_frame(name, who)
        found = self.told.made_of([self.entity(str(name)) for name in self.frames])
        return evolve(found, left_out=(*self.left_out, *unlinked(found)))

    def check_frame(self, name: str, who: str) -> None:
        if name not in self.frames:
            hint = did_you_mean(name, map(str, self.frames))
            raise SchemaError(f"there is no frame {name!r}, which {who} names" + _after(hint))

    def check_column(self, frame: str, column: str, who: str) -> None:
        there = self.frames[frame]
        if there.columns.nlevels > 1 or column not in there.columns:
            hint = _way_to_column(there, column)
            raise SchemaError(
                f"the frame {frame!r} has no column {column!r}, which {who} names" + _after(hint)
            )

    def check_time(self, frame: str, name: str, place: str) -> None:
        series = self.column(frame, name)
        told = self.types.get(frame, {}).get(name) or self.told.table(frame).attributes
        found = TIMESTAMP if told else _dtype_of(series)
        if isinstance(found, str):
            raise SchemaError(f"{place}: {name!r} is no time: {found}")
        if not found.is_time:
            time = Attribute(name, TIMESTAMP, nullable=True)
            way = conversion(name, series, Kind.TIMESTAMP, lambda c: bool(read(c, time, frame)))
            hint = way and f"change it first: {way}"
            raise SchemaError(f"{place}: {name!r} is {found}, not a time{_after(hint)}")

    def entity(self, name: str) -> Entity:
        told = self.told.table(name)
        key: Any = self.keys.get(name, told.key)
        if isinstance(key, int) and key in self.frames[name].columns:
            self.check_column(name, str(key), "keys")
        if key is not None and not isinstance(key, str):
            raise SchemaError(
                f"the key of {name!r} is the name of one column, not {key!r:.60}; of several, make "
                'one, as in frame["key"] = frame["a"].astype(str) + "/" + frame["b"].astype(str)'
            )
        if key is not None:
            self.check_column(name, key, "keys")
        attributes = self.attributes(name, told)
        for way in (*told.links, *told.relations):
            if way.name in {each.name for each in attributes}:
                raise _called_twice(name, way)
        return Entity(
            name,
            key=key,
            attributes=attributes,
            documents=told.documents,
            places=told.places,
            links=[self.link(name, way) for way in told.links],
            relations=[self.relation(name, way) for way in told.relations],
            fresh=told.fresh,
        )

    def attributes(self, name: str, told: TableDeclaration) -> list[Attribute]:
        types: Any = self.types.get(name, {})
        if not isinstance(types, Mapping):
            raise SchemaError(
                f'types of {name!r} are by its columns, as {{"x": "integer"}}, not {types!r:.60}'
            )
        for column in types:
            self.check_column(name, column, "types")
        declared = {a.column: a for a in told.attributes}
        documents = [d.name for d in told.documents]
        for column in (*declared, *documents):
            self.check_column(name, column, "tables")
        found = []
        columns: list[Any] = self.frames[name].columns.tolist()
        for column in columns:
            if column in declared:
                found.append(declared[column])
            elif not isinstance(column, str) or not column or not is_writable(column):
                is_text = isinstance(column, str)
                fault = "no definition can write its name" if is_text else "its name is no text"
                why = f"{fault}; rename it, by frame.rename(columns={{{column!r}: …}})"
                self.left_out.append(LeftOut(f"{name}.{column}", why))
            elif column not in documents:
                series, place = self.column(name, column), f"{name}.{column}"
                attribute = _attribute(place, str(column), series, types.get(column))
                if isinstance(attribute, str):
                    self.left_out.append(LeftOut(place, attribute))
                else:
                    found.append(attribute)
        return found

    def column(self, frame: str, column: str) -> pd.Series[Any]:
        series: Any = self.frames[frame][column]
        if not isinstance(series, pd.Series):
            raise SchemaError(
                f"the frame {frame!r} has more than one column {column!r}: keep one, "
                "by frame.loc[:, ~frame.columns.duplicated()]"
            )
        return series

    def link(self, frame: str, way: RelationDeclaration) -> Link:
        place, to = f"{frame}.{way.name}", way.to or way.name
        self.check_frame(to, place)
        self.check_column(frame, _key(way, place), place)
        return Link(way.name, to=to, key=_key(way, place))

    def relation(self, frame: str, way: RelationDeclaration) -> Relation:
        place, to = f"{frame}.{way.name}", way.to or way.name
        self.check_frame(to, place)
        self.check_column(to, _key(way, place), place)
        if way.at is not None:
            self.check_column(to, way.at, place)
            self.check_time(to, way.at, place)
        return Relation(way.name, to=to, key=_key(way, place), at=way.at, value=way.value)


def _called_twice(frame: str, way: RelationDeclaration) -> SchemaError:
    """A frame of orders, beside a column that says how many there are."""
    told = {"key": way.key, "to": way.to or way.name} | ({} if way.at is None else {"at": way.at})
    return SchemaError(
        f"{frame}.{way.name} is a column, too: give the rows another name, as in "
        + str({f"{way.name}_rows": told})
    )


def _key(way: RelationDeclaration, place: str) -> str:
    if way.key is None:
        told = {way.name: {"key": "…"} if way.at is None else {"key": "…", "at": way.at}}
        raise SchemaError(f"{place} needs a key, the column that leads there: {told}")
    return way.key


_HEADER = 20
"""So many rows are looked at for the names of the columns."""


def _way_to_column(frame: pd.DataFrame, column: str) -> Hint | str | None:
    """What makes a column of a frame that has none of that name."""
    columns = list(map(str, frame.columns))
    if column in frame.index.names:
        return f"{column!r} is its index: give frame.reset_index()"
    if column in columns:
        return "names of columns are texts: give frame.rename(columns=str)"
    if separator := next((s for s in ";\t|" if columns and s in columns[0]), None):
        return f"its first one is {columns[0]!r:.60}: read the file with sep={separator!r}"
    if frame.columns.nlevels > 1:
        parts = 'str(part) for part in name if part == part and part != ""'
        return (
            f'names have one level: frame.columns = ["_".join({parts}) for name in frame.columns]'
        )
    if any(each.startswith(("\ufeff", "ï»¿")) for each in columns):
        return 'its names begin with a mark of UTF-8: read the file with encoding="utf-8-sig"'
    for row, cells in enumerate(frame.head(_HEADER).itertuples(index=False)):
        if any(isinstance(cell, str) and cell.strip() == column for cell in cells):
            header = row + (frame.columns.dtype.kind != "i")
            return f"a row of it has the names: read the file with header={header}"
    return did_you_mean(column, columns)


def _after(hint: Hint | str | None) -> str:
    return f"; {hint}" if hint else ""


def _attribute(
    place: str, name: str, series: pd.Series[Any], told: DType | str | Mapping[str, Any] | None
) -> Attribute | str:
    """What a column is, or why the language has no word for it."""
    if isinstance(told, Mapping):
        return _declared(place, name, series, told)
    dtype = parse_dtype(told) if isinstance(told, str) else told
    if not isinstance(dtype, DType | None):
        raise SchemaError(f'types: {place} is one such as INTEGER or "integer", not {told!r:.60}')
    if dtype is not None:
        _check_values(place, series, Attribute(name, dtype, nullable=True))
    found = dtype or _dtype_of(series)
    if isinstance(found, str):
        return found
    kind = series.dtype
    values: Iterable[Any] = ()
    if isinstance(kind, pd.CategoricalDtype) and found == TEXT:
        values = [str(v) if isinstance(v, UUID) else v for v in kind.categories]
    return Attribute(
        name, found, _has_missing(series), tuple(values), uuid=_has_uuids(series, found)
    )


def _declared(place: str, name: str, series: pd.Series[Any], told: Mapping[str, Any]) -> Attribute:
    """What a column is whose author says more than its type, in the form of files."""
    entity = place.removesuffix(f".{name}")
    found = read_attribute(entity, name, {"nullable": True, "column": name, **told})
    _check_values(place, series, evolve(found, nullable=True))
    if "nullable" in told:
        return found
    gaps = _has_missing(series) if found.form is None else read(series, found, entity).has_missing()
    return evolve(found, nullable=gaps)


def _has_uuids(series: pd.Series[Any], dtype: DType) -> bool:
    """Whether texts are UUIDs, as drivers of databases give them: a definition has their text."""
    if dtype != TEXT or series.dtype.kind != "O":
        return False
    return all(isinstance(v, UUID) or is_missing(v) for v in series) and bool(len(series.dropna()))


def _check_values(place: str, series: pd.Series[Any], attribute: Attribute) -> None:
    """Make sure that the values of a column can be read as what its author says.

    Raises:
        SchemaError: They cannot; says how to change them.
    """
    dtype, name = attribute.dtype, attribute.column
    entity = place.removesuffix(f".{name}")

    def look(values: pd.Series[Any]) -> bool:
        if dtype.kind is Kind.TEXTS:
            read_lists(values, attribute, entity)
        elif dtype.kind is Kind.TEXT:
            _ = TextColumn(values, attribute, entity).settled
        else:
            read(values, attribute, entity)
        return True

    try:
        look(series)
    except DataError as error:
        way = None if attribute.form else conversion(name, series, dtype.kind, look)
        raise SchemaError(f"{error}{_after(way and f'change it first: {way}')}") from None


def _has_missing(series: pd.Series[Any]) -> bool:
    values = stored(series)
    # A float can be missing by being NaN, of which its dtype may know nothing.
    if values is not None and values.kind is Kind.FLOAT:
        return values.has_missing()
    if series.dtype.kind == "O" and isinstance(series.dtype, np.dtype):
        return bool(_are_missing(series.to_numpy()).any())
    return bool(series.isna().any())


def _are_missing(objects: Any) -> Any:
    try:
        return pd.isna(objects)
    except InvalidOperation:  # of decimals, one kind of NaN cannot even be compared
        return np.array(list(map(is_missing, objects)), dtype=np.bool_)


def _dtype_of(series: pd.Series[Any]) -> DType | str:
    """The type of a column, or why it has none."""
    dtype: Any = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _dtype_of(pd.Series(dtype.categories))
    if isinstance(dtype, pd.StringDtype):
        return TEXT
    if isinstance(dtype, pd.ArrowDtype):
        return _of_arrow(dtype.pyarrow_dtype, series) or _no_type(dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return TIMESTAMP
    if isinstance(dtype, pd.SparseDtype):
        return _dtype_of(pd.Series(np.asarray(series.array)))
    if pd.api.types.is_object_dtype(dtype):
        return _of_objects(series.to_numpy())
    if isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        return _no_type(dtype)
    return _DTYPES.get(dtype.kind) or _no_type(dtype)


def _no_type(what: object) -> str:
    return f"there is no type for {what}"


def _of_arrow(dtype: Any, series: pd.Series[Any]) -> DType | str | None:
    name = str(dtype)
    if name.startswith("decimal"):
        return decimal(max(0, dtype.scale))
    if name.startswith(("list<", "large_list<")):
        return TEXTS if is_list_of_texts(dtype) else None
    if name.startswith("dictionary"):
        return _of_objects(objects(series))
    names = {
        "bool": BOOLEAN,
        "float": FLOAT,
        "double": FLOAT,
        "halffloat": FLOAT,
        "string": TEXT,
        "large_string": TEXT,
        "string_view": TEXT,
        "null": TEXT,
    }
    starts = {"int": INTEGER, "uint": INTEGER, "date": DATE, "timestamp": TIMESTAMP}
    starting = (found for start, found in starts.items() if name.startswith(start))
    return names.get(name) or next(starting, None)


def _of_objects(objects: Any) -> DType | str:
    """The one type that Python's objects have, or why there is none."""
    present = objects[~_are_missing(objects)]
    kinds = set(map(type, present))
    found = {_of_object(kind) for kind in kinds}
    if not found:
        return TEXT
    if found <= {INTEGER, FLOAT} and len(found) > 1:
        if not all(map(_is_float, present)):
            return "it holds floats, and whole numbers that no float is; make them one type"
        return FLOAT
    if found <= {INTEGER, decimal()} and decimal() in found:
        return _of_decimals(present)
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    is_mixed = found == {TEXT} and 0 < sum(issubclass(kind, UUID) for kind in kinds) < len(kinds)
    if len(found) > 1 or is_mixed:
        return f"it holds several types, {names}; make them one"
    if found == {TEXTS} and not all(map(_is_of_texts, present)):
        return f"{_no_type('objects of')} {names} that hold something other than texts"
    return found.pop() or f"{_no_type('objects of')} {names}"


def _of_object(kind: type) -> DType | None:
    return next((dtype for known, dtype in _OBJECTS if issubclass(kind, known)), None)


def _is_float(value: float) -> bool:
    try:
        return float(value) == value
    except OverflowError:
        return False


def _is_of_texts(values: Any) -> bool:
    """Whether a list, or what is like one, holds texts only, or what is missing."""
    if isinstance(values, np.ndarray) and values.ndim != 1:
        return False
    return all(isinstance(each, str) or is_missing(each) for each in values)


def _of_decimals(values: Iterable[Any]) -> DType | str:
    """Exact decimals of the largest scale among them."""
    exponents = {v.as_tuple().exponent for v in values if isinstance(v, Decimal)}
    digits = [-e for e in exponents if isinstance(e, int)]
    if len(digits) < len(exponents):
        return "it holds decimals that are not finite"
    return decimal(max(0, *digits))
