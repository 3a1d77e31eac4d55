"""Engines, connections and sessions that can run a question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.orm import Mapper, Session, scoped_session, sessionmaker
from sqlalchemy.orm.util import AliasedInsp

from segmentkit._usage import described
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


def bind_of(given: Any, call: str = "Source({}, …).members(…)") -> Bind:
    """An engine, a connection or a session.

    Args:
        given: What a caller gave.
        call: What was called with it.

    Raises:
        SchemaError: It is no engine, connection or session, or an asynchronous one.
    """
    given = synchronous(given, call)
    if isinstance(given, sa.Engine | sa.Connection | Session | scoped_session):
        return given
    call = ": call it, for a session" if isinstance(given, sessionmaker) else ""
    if isinstance(getattr(given, "session", None), scoped_session):
        call = ": give its .session"  # as of Flask-SQLAlchemy
    raise SchemaError(
        "this takes an engine, a connection or a session of SQLAlchemy, and not "
        f"{described(given)}{call}"
    )


@frozen
class Connected:
    """What is asked for the time of a question.

    Attributes:
        connection: The connection.
        session: The session that must be asked in its place, as it adds to statements.
        arguments: What tells a session with several engines which of them has the entity.
    """

    connection: sa.Connection
    session: Session | None
    arguments: dict[str, Any]

    def execute(self, query: sa.Select[Any]) -> sa.Result[Any]:
        """The rows of a query."""
        if self.session is None:
            return self.connection.execute(query)
        if "mapper" in self.arguments:
            # A statement of classes, to which sessions add what holds of these.
            told = {"compile_state_plugin": "orm", "plugin_subject": self.arguments["mapper"]}
            query = query._set_propagate_attrs(told)
        found: sa.Result[Any] = self.session.execute(query, bind_arguments=self.arguments)
        return found


def is_autocommit(connection: sa.Connection) -> bool:
    """Whether each statement on a connection is a transaction of its own, as far as drivers say."""
    return getattr(connection.connection.dbapi_connection, "autocommit", False) is True


@contextmanager
def connected(bind: Bind, root: Any) -> Iterator[Connected]:
    """A connection for the time of a question."""
    inspected = sa.inspect(root, raiseerr=False)
    told: dict[str, Any] = {"clause": root}
    if isinstance(inspected, Mapper | AliasedInsp):
        told = {"mapper": inspected.mapper, "clause": sa.select(root)}
    match bind:
        case sa.Engine():
            with bind.connect() as connection:
                yield Connected(connection, None, told)
        case sa.Connection():
            yield Connected(bind, None, told)
        case _:
            session: Session = bind() if isinstance(bind, scoped_session) else bind
            if session.autoflush:
                session.flush()
            adds = session if session.dispatch.do_orm_execute else None
            yield Connected(_connection(session, told), adds, told)


def _connection(session: Session, told: dict[str, Any]) -> sa.Connection:
    try:
        return session.connection(bind_arguments=told)
    except sa.exc.UnboundExecutionError as error:
        raise SchemaError(
            f"the session has no engine for this: give it one, as in Session(engine) ({error})"
        ) from error
