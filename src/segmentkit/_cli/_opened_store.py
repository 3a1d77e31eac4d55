"""The store in a database, for commands that need one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from segmentkit._cli._database import Database, Prepared, connected, prepared
from segmentkit._cli._definitions import Definitions
from segmentkit._cli._errors import Failure
from segmentkit._cli._files import read_file
from segmentkit.sqlalchemy import Store


@contextmanager
def opened(file: Path, url: str) -> Iterator[tuple[Prepared, Store, Database]]:
    """A store of the people that a catalog is about."""
    with connected(url) as database:
        ready = prepared(Definitions(read_file(file), str(file)), database)
        store = Store(database.engine, ready.table, key=ready.schema.entity.key)
        yield ready, store, database


def check_there(store: Store, database: Database) -> None:
    """Refuse a database without the store's tables.

    Raises:
        Failure: It has none.
    """
    with database.asked("say what tables it has"):
        known = set(sa.inspect(database.engine).get_table_names())
    if missing := [name for name in store.metadata.tables if name not in known]:
        raise Failure(
            f"there is no store in this database (no table {missing[0]}); "
            "make one with segmentkit run --create"
        )
