"""A store whose processes and servers are killed at statements, on each engine."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from segmentkit.sqlalchemy import Store
from tests import store_killer as killer
from tests.servers import SERVERS, Server, server
from tests.stores import ENGINES, database, kill


@pytest.mark.parametrize("task", killer.TASKS)
@pytest.mark.parametrize("name", ENGINES)
def test_killed_processes_leave_nothing_half_written(name: str, task: str, tmp_path: Path) -> None:
    """Whatever statement is killed, the next run or pull finds the store as it was before."""
    with database(name, tmp_path) as url:
        # There are more statements in handing over, and pages of it are like one another.
        assert kill(url, 1 if task == "run" else 4, task) > 8


@pytest.mark.parametrize("name", SERVERS)
def test_killed_servers_leave_nothing_half_written(name: str, tmp_path: Path) -> None:
    """When the server comes again, all is as before the run or the batch, and the next is right."""
    with server(name, tmp_path) as found:
        assert _killed_runs(found, every=6) > 3
        assert _killed_letters(found, every=12) > 3


def _killed_runs(found: Server, every: int) -> int:
    place, killed = 1, 0
    while True:
        engine, store = _emptied(found)
        killer.begin(engine, store)
        before = killer.rows(store, engine)
        if not _work(found, place, lambda it: it.run(killer.segments(11), as_of=killer.SECOND)):
            killer.complete(engine, store)
            return killed
        killed += 1
        assert killer.rows(store, engine) == before
        store.run(killer.segments(11), as_of=killer.SECOND)
        killer.complete(engine, store)
        place += every


def _killed_letters(found: Server, every: int) -> int:
    engine, store = _emptied(found)
    killer.begin_letters(engine, store)
    place, killed = 1, 0
    while _work(found, place, killer.hand_over):
        killed += 1
        killer.rest_comes(engine, store)
        place += every
    killer.rest_comes(engine, store)
    return killed


def _emptied(found: Server) -> tuple[sa.Engine, Store]:
    engine = sa.create_engine(found.url, poolclass=NullPool)
    store = Store(engine, killer.PEOPLE)
    store.metadata.drop_all(engine)
    killer.PEOPLE.drop(engine, checkfirst=True)
    return engine, store


def _work(found: Server, place: int, work: Callable[[Store], object]) -> bool:
    """Work while the server is killed before a statement; whether it was."""
    engine = sa.create_engine(found.url, poolclass=NullPool)
    dead = []

    def stop() -> None:
        found.kill()
        dead.append(place)

    killer.stopped_at(engine, place, stop)
    try:
        work(Store(engine, killer.PEOPLE))
    except sa.exc.DBAPIError:
        assert dead
        found.come_again()
    with warnings.catch_warnings():
        # A driver leaves open what led to a server that is gone.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return bool(dead)
