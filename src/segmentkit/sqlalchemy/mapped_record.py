"""Objects of mapped classes as records: their loaded values, without queries for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm.base import LoaderCallableStatus, PassiveFlag

from segmentkit._usage import described
from segmentkit.errors import DataError, UsageError
from segmentkit.sqlalchemy.dialects.column_types import codec_of


def record(instance: object) -> Mapping[str, Any]:
    """Use an object of a mapped class as a record.

    The record has what is loaded: columns by the names of the class's attributes, and
    relationships as records and lists of records. `Segment.matches`, `Segment.explain` and the
    matchers of catalogs take it. No query is sent: if a definition needs something that is not
    loaded, you get an error that names it.

    Args:
        instance: An object of a mapped class.

    Returns:
        A mapping that reads from the object.

    Raises:
        UsageError: It is not an object of a mapped class.

    Example:
        >>> import sqlalchemy as sa
        >>> from sqlalchemy.orm import DeclarativeBase, mapped_column
        >>> from segmentkit import Segment
        >>> from segmentkit.sqlalchemy import schema_from
        >>> class Base(DeclarativeBase):
        ...     pass
        >>> class Person(Base):
        ...     __tablename__ = "people"
        ...     id = mapped_column(sa.Integer, primary_key=True)
        ...     age = mapped_column(sa.Integer)
        >>> adult = Segment.define("adult", "age >= 18", schema_from(Person))
        >>> adult.matches(record(Person(id=7, age=40)))
        True
    """
    state = None if isinstance(instance, type) else sa.inspect(instance, raiseerr=False)
    if not isinstance(state, orm.InstanceState):
        raise UsageError(
            f"record(…) takes an object of a mapped class, and not {described(instance)}"
        )
    return _Loaded(state)


_ABSENT = object()
_NEVER = ("dynamic", "write_only")
"""Relationships whose rows a class never loads as a whole."""


class _Loaded(Mapping[str, Any]):
    """What is loaded of an object."""

    def __init__(self, state: orm.InstanceState[Any]) -> None:
        self._state = state
        # The state alone does not keep it: without it, nothing would be loaded.
        self._instance = state.obj()
        self._mapper = state.mapper
        self._related: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        key = name if name in self._mapper.attrs else self._key_of(name)
        while key in self._mapper.synonyms:
            key = self._mapper.synonyms[key].name
        value = self._state.dict.get(key, _ABSENT)
        if value is _ABSENT:
            value = self._absent(key)
        if key not in self._mapper.relationships:
            return self._told(key, value)
        if key not in self._related:
            self._related[key] = self._records(key, value)
        return self._related[key]

    def _told(self, key: str, value: Any) -> Any:
        """A value in the language's types, of a column whose type makes others."""
        attribute = self._mapper.column_attrs.get(key)
        codec = codec_of(attribute.columns[0].type) if attribute is not None else None
        return value if codec is None or value is None else codec.told(value)

    def _key_of(self, column: str) -> str:
        """The attribute of a column, by which a document goes."""
        for prop in self._mapper.column_attrs:
            if any(each.name == column for each in prop.columns):
                return prop.key
        raise KeyError(column)

    def _records(self, key: str, value: Any) -> Any:
        relationship = self._mapper.relationships[key]
        if relationship.lazy in _NEVER:
            raise self._unloaded(key)
        if relationship.uselist:
            found = () if value is None else orm.collections.collection_adapter(value)
            return [record(each) for each in found]
        return None if value is None else record(value)

    def _absent(self, key: str) -> Any:
        """What an object has not: of a new one it is missing, of others it is not loaded."""
        relates = key in self._mapper.relationships
        if self._state.key is not None:
            value = self._without_query(key) if relates else _ABSENT
            if value is _ABSENT:
                raise self._unloaded(key)
            return value
        if relates and self._refers(key):
            raise self._unloaded(key)
        columns = () if relates else self._mapper.column_attrs[key].columns
        if all(
            getattr(c, "default", 0) is getattr(c, "server_default", 0) is None for c in columns
        ):
            return None
        raise DataError(
            f"{self._name}.{key} has a default that a new object gets when it is flushed: "
            "flush the session first, or give it a value"
        )

    def _without_query(self, key: str) -> Any:
        """The other object, where the session has it or the foreign key is missing."""
        impl = self._state.manager[key].impl
        try:
            value = impl.get(self._state, self._state.dict, PassiveFlag.PASSIVE_NO_FETCH)
        except sa.exc.SQLAlchemyError:
            # There is no session, or the query has asked for an error: raiseload.
            return _ABSENT
        return _ABSENT if isinstance(value, LoaderCallableStatus) else value

    def _refers(self, key: str) -> bool:
        """Whether a new object has a foreign key, and not the object that it refers to."""
        relationship = self._mapper.relationships[key]
        if relationship.direction is not orm.RelationshipDirection.MANYTOONE:
            return False
        keys = [self._mapper.get_property_by_column(c).key for c in relationship.local_columns]
        return any(self._state.dict.get(each) is not None for each in keys)

    @property
    def _name(self) -> str:
        return str(self._mapper.class_.__name__)

    def _unloaded(self, key: str) -> DataError:
        place = f"{self._name}.{key}"
        if key not in self._mapper.relationships:
            deferred = self._mapper.column_attrs[key].deferred
            way = f"query with undefer({place})" if deferred else _REFRESH.format(key)
        elif self._mapper.relationships[key].lazy in _NEVER:
            way = "it is never loaded as a whole; ask the database, with predicate(segment, …)"
        else:
            way = f"query with selectinload({place})"
        return DataError(f"{place} is not loaded, and a record sends no query: {way}")

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._mapper.attrs.keys() if key in self._state.dict)  # noqa: SIM118

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"record of {self._name}: {', '.join(self)}"


_REFRESH = 'call session.refresh(…, ["{}"])'
