"""Engines, connections and sessions that can run a question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, Session, scoped_session
from sqlalchemy.orm.util import AliasedInsp

from segmentkit.errors import SchemaError

Bind: TypeAlias = sa.Engine | sa.Connection | Session | scoped_session[Any]


def synchronous(given: Any, call: str) -> Any:
    """An engine, a connection or a session, which must not be an asynchronous one.

    Args:
        given: What a caller gave.
        call: What was called with it, where ``x`` stands for it.

    Raises:
        SchemaError: It is asynchronous; says what to call.
    """
    kind = type(given)
    # Not by the classes: importing them needs greenlet.
    if not any(base.__module__.startswith("sqlalchemy.ext.asyncio") for base in kind.__mro__):
        return given
    name = kind.__name__.removeprefix("async_").removeprefix("Async")
    if name == "Engine":
        way, told = "async with engine.connect() as x: ", call.format("x.engine")
    else:
        way, told = "", call.format("x")
    raise SchemaError(
        f"{kind.__name__} is asynchronous and this is not: write "
        f"{way}await x.run_sync(lambda x: {told}); functions that set up the engine, such as "
        "prepare(), take its .sync_engine"
    )


def bind_of(given: Any) -> Bind:
    """What a source asks.

    Raises:
        SchemaError: It is no engine, connection or session, or an asynchronous one.
    """
    given = synchronous(given, "Source({}, …).members(…)")
    if isinstance(given, sa.Engine | sa.Connection | Session | scoped_session):
        return given
    raise SchemaError(
        "a source asks an engine, a connection or a session of SQLAlchemy, "
        f"not {type(given).__name__}"
    )


def arguments(root: Any) -> dict[str, Any]:
    """What tells a session with several engines which of them has the entity."""
    inspected = sa.inspect(root, raiseerr=False)
    if isinstance(inspected, Mapper | AliasedInsp):
        return {"mapper": inspected.mapper, "clause": sa.select(root)}
    return {"clause": root}


@contextmanager
def connected(bind: Bind, root: Any) -> Iterator[tuple[sa.Connection, Session | None]]:
    """A connection for the time of a question, and the session that must be asked in its place.

    A session is asked itself where it adds to statements, such as criteria of what is deleted.
    """
    match bind:
        case sa.Engine():
            with bind.connect() as connection:
                yield connection, None
        case sa.Connection():
            yield bind, None
        case _:
            session: Session = bind() if isinstance(bind, scoped_session) else bind
            if session.autoflush:
                session.flush()
            told = session.dispatch.do_orm_execute
            yield session.connection(bind_arguments=arguments(root)), session if told else None
