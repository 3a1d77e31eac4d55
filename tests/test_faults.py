"""What goes wrong while a database is asked: said with the segment's name, nothing half-done."""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from segmentkit import INTEGER, TEXT, TIMESTAMP, Attribute, Catalog, Entity, Relation, Schema, _cli
from segmentkit.pandas import members as members_in_frames
from segmentkit.sqlalchemy import Source, members, prepare, tables_from
from tests.targets import DATABASES
from tests.targets.databases import another

NOON = datetime(2026, 5, 1, 12)
SCHEMA = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[Attribute("id", INTEGER), Attribute("name", TEXT, nullable=True)],
            relations=[Relation("orders", key="person_id", at="at")],
        ),
        Entity(
            "orders",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("person_id", INTEGER),
                Attribute("at", TIMESTAMP),
            ],
        ),
    ]
)
FILE = """\
language = 1
[schema]
entity = "people"
events.orders = { key = "person_id", at = "at" }
[segments.buyers]
where = 'any(orders in last 90 days) and name contains "ß" ignoring case'
[segments.others]
where = 'not in segment buyers'
"""
TABLES = tables_from(SCHEMA)
PEOPLE = [{"id": i, "name": None if i % 7 == 0 else f"STRASSE {i}"} for i in range(50)]
ORDERS = [{"id": i, "person_id": i // 2, "at": datetime(2026, 4, 1)} for i in range(50)]
BUYERS = [i for i in range(25) if i % 7]


@pytest.fixture
def catalog() -> Catalog:
    return Catalog.loads(FILE, SCHEMA)


def filled(engine: sa.Engine) -> sa.Engine:
    with engine.begin() as connection:
        TABLES.create_all(connection)
        connection.execute(TABLES.tables["people"].insert(), PEOPLE)
        connection.execute(TABLES.tables["orders"].insert(), ORDERS)
    return engine


def listed(catalog: Catalog, name: str, engine: sa.Engine) -> list[int]:
    query = members(catalog[name], TABLES.tables["people"], as_of=NOON)
    with engine.connect() as connection:
        return sorted(connection.scalars(query))


# -- PostgreSQL -----------------------------------------------------------------------------------

POSTGRESQL = [d for d in DATABASES if d.name == "postgresql"]


@pytest.fixture(params=POSTGRESQL, ids=lambda database: database.name)
def server(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    with another(request.param) as url:
        engine = filled(prepare(sa.create_engine(url)))
        with engine.begin() as connection:
            # Behind a view, so that a lock is met by who reads rows and not by who asks for tables.
            connection.exec_driver_sql("ALTER TABLE orders RENAME TO stored")
            connection.exec_driver_sql("CREATE VIEW orders AS SELECT * FROM stored")
        yield engine
        engine.dispose()


def killed_while(server: sa.Engine, work: Callable[[], Any]) -> Any:
    """Do work that waits for a lock, and end its connection while it waits."""
    waiting = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    ended = []

    def end() -> None:
        until = time.monotonic() + 30
        while not ended and time.monotonic() < until:
            with server.connect() as connection:
                ended.extend(connection.scalars(waiting))
            time.sleep(0.02)

    with server.connect() as holder:
        holder.exec_driver_sql("LOCK TABLE stored IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=end)
        thread.start()
        try:
            return work()
        finally:
            thread.join()
            assert ended


def test_a_connection_that_dies(server: sa.Engine, catalog: Catalog) -> None:
    """The driver's error comes with a note of which segment it was; the next question is answered."""

    def work() -> BaseException:
        with pytest.raises(sa.exc.OperationalError) as caught:
            listed(catalog, "buyers", server)
        return caught.value

    error = killed_while(server, work)
    assert error.__notes__ == [
        "while listing the members of segment 'buyers', as of 2026-05-01T12:00:00+00:00"
    ]
    assert "terminat" in str(error) or "closed" in str(error)
    assert listed(catalog, "buyers", server) == BUYERS


@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
def test_a_source_whose_connection_dies(server: sa.Engine, catalog: Catalog) -> None:
    """The error says which segments were asked about; nothing stays open, and answers come again."""
    source = Source(server, TABLES.tables["people"])
    asked: dict[str, Callable[[], object]] = {
        "'buyers'": lambda: source.members(catalog["buyers"], as_of=NOON),
        "s 'buyers', 'others'": lambda: source.evaluate(catalog, as_of=NOON),
    }
    for names, ask in asked.items():

        def work(ask: Callable[[], object] = ask) -> BaseException:
            with pytest.raises(sa.exc.OperationalError) as caught:
                ask()
            return caught.value

        error = killed_while(server, work)
        assert names in error.__notes__[0]
        assert "terminat" in str(error) or "closed" in str(error)
        assert isinstance(server.pool, sa.QueuePool)
        assert server.pool.checkedout() == 0
    assert source.sizes(catalog, as_of=NOON)["buyers"] == len(BUYERS)
    gc.collect()


def test_a_question_that_takes_too_long(server: sa.Engine, catalog: Catalog) -> None:
    """A time-out of the statement is an error that names the segment; the connection is of use."""
    source = Source(server, TABLES.tables["people"])
    with server.connect() as holder, server.connect() as connection:
        holder.exec_driver_sql("LOCK TABLE stored IN ACCESS EXCLUSIVE MODE")
        connection.exec_driver_sql("SET statement_timeout = 50")
        connection.commit()
        own = Source(connection, TABLES.tables["people"])
        with pytest.raises(sa.exc.OperationalError, match="statement timeout") as caught:
            own.sizes(catalog["buyers"], as_of=NOON)
        assert "segment 'buyers'" in caught.value.__notes__[0]
        connection.rollback()
        holder.rollback()
        assert own.count(catalog["buyers"], as_of=NOON) == len(BUYERS)
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.commit()
    assert source.count(catalog["buyers"], as_of=NOON) == len(BUYERS)


@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
@pytest.mark.parametrize("command", ["members", "count"])
def test_the_command_line_when_a_connection_dies(
    server: sa.Engine,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One message with the segment's name and the driver's words; the file stays as it was."""
    monkeypatch.chdir(tmp_path)
    Path("shop.toml").write_text(FILE, encoding="utf-8")
    Path("out.csv").write_text("before", encoding="utf-8")
    url = server.url.render_as_string(hide_password=False)
    call = [command, "shop.toml", "buyers", "--url", url, "--as-of", "2026-05-01"]
    call += ["-o", "out.csv"] if command == "members" else []

    def work() -> object:
        with pytest.raises(SystemExit) as stopped:
            _cli.main(call)
        return stopped.value.code

    assert killed_while(server, work) == 2
    said = capsys.readouterr()
    assert "members of 'buyers'" in said.err
    assert "terminat" in said.err or "closed" in said.err
    assert "Traceback" not in said.err
    assert Path("out.csv").read_text(encoding="utf-8") == "before"
    assert sorted(os.listdir()) == ["out.csv", "shop.toml"]
    gc.collect()  # psycopg warns of a cursor that was open when its connection died


# -- SQLite ---------------------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[sa.Engine]:
    url = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    engine = filled(prepare(sa.create_engine(url, connect_args={"timeout": 0.1})))
    yield engine
    engine.dispose()


def test_a_file_that_is_locked(shop: sa.Engine, catalog: Catalog) -> None:
    """Who waits for a lock in vain is told so, and for which segment."""
    holder = sqlite3.connect(str(shop.url.database))
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sa.exc.OperationalError, match="locked") as caught:
        listed(catalog, "buyers", shop)
    assert "segment 'buyers'" in caught.value.__notes__[0]
    holder.close()
    assert listed(catalog, "buyers", shop) == BUYERS


def test_a_file_that_is_damaged(shop: sa.Engine, catalog: Catalog) -> None:
    """A damaged file is an error, not an answer."""
    shop.dispose()
    file = Path(str(shop.url.database))
    data = file.read_bytes()
    file.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    with pytest.raises(sa.exc.DatabaseError) as caught:
        listed(catalog, "buyers", shop)
    assert "segment 'buyers'" in caught.value.__notes__[0]


def test_a_file_that_vanishes(shop: sa.Engine, catalog: Catalog) -> None:
    """SQLite makes an empty file instead, whose tables are missing."""
    shop.dispose()
    Path(str(shop.url.database)).unlink()
    with pytest.raises(sa.exc.OperationalError, match="no such table") as caught:
        listed(catalog, "buyers", shop)
    assert "segment 'buyers'" in caught.value.__notes__[0]


def test_queries_of_ones_own_get_no_note(shop: sa.Engine) -> None:
    """Only the queries of `members` are about a segment."""
    with shop.connect() as connection, pytest.raises(sa.exc.OperationalError) as caught:
        connection.exec_driver_sql("SELECT * FROM nowhere")
    assert not getattr(caught.value, "__notes__", [])


# -- threads --------------------------------------------------------------------------------------


def in_threads(ask: Callable[[str], list[int]]) -> None:
    others = [p["id"] for p in PEOPLE if p["id"] not in BUYERS]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, ["buyers", "others"] * 40))
    assert answers == [BUYERS, others] * 40


def test_threads_with_records(catalog: Catalog) -> None:
    """Many threads share one catalog, and one matcher a segment."""
    records = [{**p, "orders": [o for o in ORDERS if o["person_id"] == p["id"]]} for p in PEOPLE]
    shared = {name: catalog[name].matcher(as_of=NOON) for name in ("buyers", "others")}
    in_threads(lambda name: [r["id"] for r in records if shared[name](r)])
    in_threads(lambda name: [r["id"] for r in records if catalog[name].matches(r, as_of=NOON)])


def test_threads_with_frames(catalog: Catalog) -> None:
    """Many threads share one catalog and the frames."""
    frames = {"people": pd.DataFrame(PEOPLE), "orders": pd.DataFrame(ORDERS)}
    in_threads(lambda name: members_in_frames(catalog[name], frames, as_of=NOON).tolist())


def test_threads_with_sqlite(shop: sa.Engine, catalog: Catalog) -> None:
    """Many threads share one catalog and one engine."""
    in_threads(lambda name: listed(catalog, name, shop))


def test_threads_with_postgresql(server: sa.Engine, catalog: Catalog) -> None:
    """Many threads share one catalog and one engine."""
    in_threads(lambda name: listed(catalog, name, server))


@pytest.mark.skipif("duckdb" not in {d.name for d in DATABASES}, reason="DuckDB is not asked")
def test_threads_with_duckdb(tmp_path: Path, catalog: Catalog) -> None:
    """Many threads share one catalog and one engine."""
    engine = filled(prepare(sa.create_engine(f"duckdb:///{tmp_path / 'shop.duckdb'}")))
    in_threads(lambda name: listed(catalog, name, engine))
    engine.dispose()
