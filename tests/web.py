"""Asynchronous engines: what is refused in a sentence, and that what it says to call works.

The nox session "web" runs it, with the drivers and the page of the docs.
"""

from __future__ import annotations

import asyncio
import gc
import re
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import selectinload
from sqlalchemy.pool import StaticPool

import segmentkit.sqlalchemy as sql
from segmentkit import Partition, SchemaError, Segment, Trait
from tests.targets.databases import postgresql_url
from tests.test_sessions import CRITERIA, MINE, NOW, SCHEMA, Base, Customer, _delete_softly, _rows

SEGMENT = Segment.define("x", "any(orders)", SCHEMA)
PARTS = Partition.define("parts", [SEGMENT], rest="others")


def _url(name: str) -> Any:
    if name == "aiosqlite":
        return "sqlite+aiosqlite://"
    url = sa.make_url(postgresql_url())
    query = dict(url.query)
    host = query.pop("host", url.host)
    return url.set(drivername="postgresql+asyncpg", host=None, query={"host": host} if host else {})


@asynccontextmanager
async def _engine(name: str) -> AsyncIterator[AsyncEngine]:
    pool = {"poolclass": StaticPool} if name == "aiosqlite" else {}
    engine = create_async_engine(_url(name), **pool)
    assert sql.prepare(engine) is engine
    told = engine
    if name == "asyncpg":
        async with engine.begin() as connection:
            await connection.execute(sa.schema.CreateSchema("of_web"))
        told = engine.execution_options(schema_translate_map={None: "of_web"})
    try:
        async with told.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(told) as session:
            session.add_all(_rows())
            await session.commit()
        yield told
    finally:
        if name == "asyncpg":
            async with engine.begin() as connection:
                await connection.execute(sa.schema.DropSchema("of_web", cascade=True))
        await engine.dispose()


def _run(name: str, ask: Callable[[AsyncEngine], Any]) -> Any:
    async def run() -> Any:
        async with _engine(name) as engine:
            return await ask(engine)

    return asyncio.run(run())


DRIVERS = pytest.mark.parametrize("driver", ["aiosqlite", "asyncpg"])


@DRIVERS
@pytest.mark.parametrize(
    "text", ["any(orders)", "top 3 by points", "not (sum(orders.amount) > 40)"]
)
def test_answers_within_run_sync(driver: str, text: str) -> None:
    """The same by a session, a connection, an engine and a query of one's own."""
    segment = Segment.define("x", text, SCHEMA)

    async def ask(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            test = sql.predicate(segment, Customer, as_of=NOW)
            own = sorted(await session.scalars(sa.select(Customer.id).where(test)))
            found = await session.run_sync(
                lambda s: sql.Source(s, Customer).evaluate([segment, ~segment], as_of=NOW)
            )
            assert sorted(found["x"]) == own
            assert len(found.population) == 20
            mine = await session.run_sync(
                lambda s: sql.Source(s, Customer, where=MINE).members(segment, as_of=NOW)
            )
            listed = sql.members(segment, Customer, as_of=NOW, where=MINE)
            assert sorted(mine) == sorted(await session.scalars(listed))
            more = Trait.define("more", "points + 1", SCHEMA)
            values = await session.run_sync(lambda s: sql.Source(s, Customer).values([more]))
            assert values.loc[1, "more"] == 11
            audit = await session.run_sync(lambda s: sql.audit(PARTS, Customer, s))
            assert sum(part.got for part in audit.parts) == 20
        async with engine.connect() as connection:
            sizes = await connection.run_sync(
                lambda c: sql.Source(c, Customer).sizes(segment, as_of=NOW)
            )
            assert (sizes["x"], sizes.population) == (len(own), 20)
            count = await connection.run_sync(
                lambda c: sql.Source(c.engine, Customer).count(segment, as_of=NOW)
            )
            assert count == len(own)

    _run(driver, ask)


@DRIVERS
def test_criteria_of_a_session_hold(driver: str) -> None:
    """As for synchronous sessions."""

    async def ask(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            own = sa.select(Customer.id).where(Customer.orders.any())
            expected = sorted(await session.scalars(own.options(*CRITERIA)))
            assert expected != sorted(await session.scalars(own))
            _delete_softly(session.sync_session)
            found = await session.run_sync(lambda s: sql.Source(s, Customer).members(SEGMENT))
            assert sorted(found) == expected

    _run(driver, ask)


@DRIVERS
def test_loaded_objects_are_records(driver: str) -> None:
    """What is loaded is there, and an object does not ask the loop for more."""

    async def ask(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            query = sa.select(Customer).options(selectinload(Customer.orders))
            customers = (await session.scalars(query)).all()
            found = [c.id for c in customers if SEGMENT.matches(sql.record(c))]
            assert sorted(found) == sorted(await session.scalars(sql.members(SEGMENT, Customer)))

    _run(driver, ask)


@DRIVERS
def test_databases_are_read_and_verified_within_run_sync(driver: str) -> None:
    """By the synchronous engine of the connection."""

    async def ask(engine: AsyncEngine) -> None:
        if driver == "asyncpg":
            engine = create_async_engine(
                _url(driver), connect_args={"server_settings": {"search_path": "of_web"}}
            )
        async with engine.connect() as connection:
            await connection.run_sync(lambda c: sql.verify(SCHEMA, c.engine))
            read = await connection.run_sync(lambda c: sql.schema_from(c.engine, "customers"))
            assert read.entity.relation("orders") is not None
        if driver == "asyncpg":
            await engine.dispose()

    _run(driver, ask)


REFUSED: dict[str, Callable[[Any], Any]] = {
    "Source": lambda given: sql.Source(given, Customer),
    "audit": lambda given: sql.audit(PARTS, Customer, given),
    "verify": lambda given: sql.verify(SCHEMA, given),
    "schema_from": lambda given: sql.schema_from(given, "customers"),
}


@pytest.mark.parametrize("call", REFUSED)
@pytest.mark.parametrize("kind", ["engine", "connection", "session", "scoped", "maker"])
def test_what_is_asynchronous_is_told_what_to_call(call: str, kind: str) -> None:
    """One sentence that names run_sync and .sync_engine, and nothing that is never awaited."""

    async def ask(engine: AsyncEngine) -> None:
        maker = async_sessionmaker(engine)
        async with engine.connect() as connection, maker() as session:
            given = {
                "engine": engine,
                "connection": connection,
                "session": session,
                "scoped": async_scoped_session(maker, asyncio.current_task),
                "maker": maker,
            }[kind]
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                with pytest.raises(SchemaError) as caught:
                    REFUSED[call](given)
                gc.collect()
            told = str(caught.value)
            assert re.search(r"await x\.run_sync\(lambda x: \w+\(.*x", told)
            assert ".sync_engine" in told
            assert "\n" not in told

    _run("aiosqlite", ask)
