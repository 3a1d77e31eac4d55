"""The same questions asked of segmentkit and of the ORM's own collections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pandas as pd
import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.orm import Session, aliased
from sqlalchemy.pool import StaticPool

from segmentkit import Schema, Segment, Trait
from segmentkit.sqlalchemy import Source, members, predicate, values
from tests.targets.databases import ENGINES

DATABASES = ["sqlite", "postgresql"]


@contextmanager
def opened(
    database: str, metadata: sa.MetaData | Iterable[sa.MetaData], schemas: Iterable[str] = ()
) -> Iterator[Session]:
    """A session on a database that has these tables, in these schemas, and nothing else."""
    every = [metadata] if isinstance(metadata, sa.MetaData) else [*metadata]
    if database == "sqlite":
        engine = sa.create_engine("sqlite://", poolclass=StaticPool)
        with engine.connect() as connection:
            for schema in schemas:
                connection.exec_driver_sql(f"ATTACH ':memory:' AS \"{schema}\"")
            with _tables(connection, every) as session:
                yield session
        engine.dispose()
        return
    connection = next(each for each in ENGINES if each.name == database).emptied()
    for schema in schemas:
        connection.exec_driver_sql(f'CREATE SCHEMA "{schema}"')
    with _tables(connection, every) as session:
        yield session


@contextmanager
def _tables(connection: sa.Connection, every: list[sa.MetaData]) -> Iterator[Session]:
    for metadata in every:
        metadata.create_all(connection)
    with Session(connection) as session:
        yield session
    connection.rollback()


def store(session: Session, objects: Iterable[object]) -> None:
    """Keep objects in this order, whatever their relationships say of it."""
    for each in objects:
        session.add(each)
        session.flush()
    session.expunge_all()


@frozen
class Asked:
    """A class and its schema, on a database that has rows.

    Attributes:
        session: The database.
        schema: The schema.
        root: The class.
        key: The attribute that tells its objects apart.
    """

    session: Session
    schema: Schema
    root: Any
    key: str = "id"

    @property
    def people(self) -> dict[Any, Any]:
        """All objects of the class, by key."""
        self.session.expire_all()
        return {getattr(o, self.key): o for o in self.session.scalars(sa.select(self.root))}

    def members(self, text: str) -> set[Any]:
        """Whom a definition picks, however it is asked."""
        segment = Segment.define("it", text, self.schema)
        key = getattr(self.root, self.key)
        source = Source(self.session, self.root)
        other = aliased(self.root)
        query = sa.select(other).where(predicate(segment, other))
        found = {
            "predicate": self.session.scalars(sa.select(key).where(predicate(segment, self.root))),
            "alias": [getattr(o, self.key) for o in self.session.scalars(query)],
            "members": self.session.scalars(members(segment, self.root)),
            "source": source.members(segment).keys,
            "complement": self.people.keys() - source.members(~segment).keys,
        }
        held = source.evaluate({"it": segment, "no": ~segment}).frame
        found["evaluate"] = held.index[held["it"]]
        assert len(held) == len(self.people)
        answers = {way: sorted(keys, key=repr) for way, keys in found.items()}
        assert all(answer == answers["predicate"] for answer in answers.values()), answers
        sizes = source.sizes({"it": segment, "no": ~segment})
        assert dict(sizes) == {"it": len(answers["predicate"]), "no": int(held["no"].sum())}
        assert sizes.population == len(self.people)
        assert "SELECT" in source.explain(segment)
        return set(answers["predicate"])

    def picks(self, text: str, test: Callable[[Any], bool]) -> None:
        """That a definition picks just those of whom the ORM's objects say that it holds."""
        expected = {key for key, each in self.people.items() if test(each)}
        assert self.members(text) == expected, text

    def computes(self, text: str, value: Callable[[Any], Any]) -> None:
        """That a trait has the values that the ORM's objects have."""
        trait = Trait.define("it", text, self.schema)
        expected = {key: _plain(value(each)) for key, each in self.people.items()}
        rows = self.session.execute(values([trait], self.root)).all()
        found = {key: _plain(value) for key, value in rows}
        assert found == expected, text
        frame = Source(self.session, self.root).values([trait])
        assert {k: _plain(v) for k, v in frame["it"].items()} == expected, text

    def relates(self, name: str, number: str | None = None) -> None:
        """That everything that is asked of a relation is what the ORM's collection has."""
        held = {key: _collection(self.session, each, name) for key, each in self.people.items()}
        some = {key for key, rows in held.items() if rows}
        assert some, "a test of nothing"
        own = getattr(self.root, name)
        exists = own.any() if own.property.uselist else own.has()
        orm = self.session.scalars(sa.select(getattr(self.root, self.key)).where(exists))
        assert set(orm) == some
        assert self.members(f"any({name})") == some
        assert self.members(f"none({name})") == held.keys() - some
        assert self.members(f"count({name}) >= 2") == {k for k, v in held.items() if len(v) > 1}
        self.computes(f"count({name})", lambda o: len(held[getattr(o, self.key)]))
        if number is None:
            return
        numbers = {
            key: [v for v in (getattr(r, number) for r in rows) if v is not None]
            for key, rows in held.items()
        }
        for function, python in _AGGREGATES.items():
            self.computes(
                f"{function}({name}.{number})",
                lambda o, python=python: python(numbers[getattr(o, self.key)]),
            )
        middle = sorted(value for each in numbers.values() for value in each)[0]
        self.picks(
            f"any({name} where {number} > {middle})",
            lambda o: any(value > middle for value in numbers[getattr(o, self.key)]),
        )
        self.picks(
            f"none({name} where {number} > {middle})",
            lambda o: not any(value > middle for value in numbers[getattr(o, self.key)]),
        )
        self.picks(
            f"any({name}) and sum({name}.{number}) > {middle}",
            lambda o: (
                sum(numbers[getattr(o, self.key)]) > middle and bool(held[getattr(o, self.key)])
            ),
        )


_AGGREGATES: Mapping[str, Callable[[list[Any]], Any]] = {
    "sum": sum,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "avg": lambda values: sum(values) / len(values) if values else None,
}


def _collection(session: Session, each: Any, name: str) -> list[Any]:
    held = getattr(each, name)
    if held is None:
        return []
    if hasattr(held, "select"):
        return list(session.scalars(held.select()))
    if isinstance(held, dict):
        return list(held.values())
    return list(held) if hasattr(held, "__iter__") else [held]


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    return round(float(value), 6) if isinstance(value, float | int | Decimal) else value
