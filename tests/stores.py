"""Databases of their own for tests of stores, which open several connections."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from tests.targets.databases import mariadb_url, postgresql_url

ROOT = Path(__file__).parents[1]
ENGINES = ["sqlite", "duckdb", "postgresql"]
if os.environ.get("SEGMENTKIT_MARIADB_URL"):
    ENGINES.append("mariadb")


@contextmanager
def database(name: str, folder: Path) -> Iterator[sa.URL]:
    """The address of a database that is gone afterwards."""
    own = f"segmentkit_{uuid4().hex[:12]}"
    if name in ("sqlite", "duckdb"):
        yield sa.make_url(f"{name}:///{folder / own}")
        return
    if name == "postgresql":
        url = sa.make_url(postgresql_url())
        make, drop = f"CREATE SCHEMA {own}", f"DROP SCHEMA {own} CASCADE"
        found = url.update_query_dict({"options": f"-csearch_path={own}"})
    else:
        url = mariadb_url()
        make, drop = f"CREATE DATABASE {own} CHARACTER SET utf8mb4", f"DROP DATABASE {own}"
        found = url.set(database=own)
    server = sa.create_engine(url)
    with server.begin() as connection:
        connection.exec_driver_sql(make)
    try:
        yield found
    finally:
        with server.begin() as connection:
            connection.exec_driver_sql(drop)
        server.dispose()


def kill(url: sa.URL, every: int, task: str = "run") -> int:
    """Kill work at each so many-th statement, in processes of their own; how many were killed."""
    shown = url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.store_killer", shown, str(every), task]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[1])
