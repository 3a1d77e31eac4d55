"""The most memory that many segments take; each source is asked in a process of its own."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import databases
import many
import pandas as pd
import sqlalchemy as sa
from timing import Row

from segmentkit import pandas as frames
from segmentkit import sqlalchemy as sql
from segmentkit.source import Source

BENCHMARK = "memory"
CUSTOMERS, EACH, SEGMENTS = 100_000, 10, 1_000
SOURCES = ("pandas", "duckdb", "sqlite")
QUESTIONS = ("sizes", "evaluate")


def run(*, quick: bool, customers: int | None = None) -> Iterator[Row]:
    """Ask a thousand segments of each source, which is in a file before."""
    customers = customers or (CUSTOMERS // 100 if quick else CUSTOMERS)
    count = SEGMENTS // 50 if quick else SEGMENTS
    with tempfile.TemporaryDirectory() as folder:
        tables = many.population(customers, customers * EACH)
        for name, frame in tables.items():
            frame.to_parquet(_file(folder, name))
        asked_of = [s for s in SOURCES if s == "pandas" or s in databases.reachable()]
        for name in asked_of[1:]:
            engine = sa.create_engine(f"{name}:///{_file(folder, name)}")
            many.of_database(tables, many.schema_of(tables), engine)
            engine.dispose()
        del tables
        for name in asked_of[1:2] if quick else asked_of:
            for question in QUESTIONS[1:] if quick else QUESTIONS:
                command = [sys.executable, __file__, name, question, folder, str(count)]
                asked = subprocess.run(command, capture_output=True, check=True)
                seconds, before, most = json.loads(asked.stdout)
                note = f"{most:,.0f} MB at most, of which {before:,.0f} MB before the question"
                yield Row(BENCHMARK, f"{name}, {question} of {count:,}", seconds, note=note)


def ask(name: str, question: str, folder: str, count: int) -> tuple[float, float, float]:
    """The seconds that a question takes, and the most megabytes before it and until its end."""
    schema = many.schema_of(many.population(10, 100))
    asked = many.catalog(schema, count)
    if name == "pandas":
        tables = {e.table: pd.read_parquet(_file(folder, e.table)) for e in schema.entities}
        source: Source = frames.Source(tables)
    else:
        engine = sa.create_engine(f"{name}:///{_file(folder, name)}")
        source = sql.Source(engine, sql.tables_from(schema).tables[schema.entity.table])
    before, start = most(), time.perf_counter()
    getattr(source, question)(asked, as_of=many.AS_OF)
    return time.perf_counter() - start, before, most()


def _file(folder: str, name: str) -> Path:
    return Path(folder, f"{name}.data")


def most() -> float:
    """The most that was resident; only Linux tells."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text("ascii") if status.exists() else "")
    return int(found[1]) / 1024 if found else math.nan


if __name__ == "__main__":
    name, question, folder, count = sys.argv[1:]
    print(json.dumps(ask(name, question, folder, int(count))))
