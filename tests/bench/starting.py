"""What it costs to import the library in a fresh interpreter, and to read a first definition."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from conditions import TEN
from timing import Row, compared, rounds

BENCHMARK = "start"
HEAVY = ("pandas", "numpy", "sqlalchemy", "pyarrow")
ROUNDS = 30

PROGRAMS = {
    "segmentkit": "import segmentkit",
    "python alone": "pass",
    "import attrs": "import attrs",
    "all names": "from segmentkit import *",
}
LOADED = f"import sys, segmentkit; print(*(m for m in {HEAVY} if m in sys.modules))"
FIRST = f"""
import time
from segmentkit import format_definition
start = time.perf_counter()
format_definition({TEN!r})
print(time.perf_counter() - start)
"""


def python(program: str) -> str:
    """What a program prints in an interpreter of its own."""
    # Whoever installs a package has its modules compiled.
    kept = {n: v for n, v in os.environ.items() if n != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=kept)
    return run.stdout


def run(*, quick: bool) -> Iterator[Row]:
    """Measure whole processes, from start to end."""
    loaded = python(LOADED).strip() or "none"
    seconds = rounds(
        {name: partial(python, program) for name, program in PROGRAMS.items()},
        2 if quick else ROUNDS,
    )
    alone = statistics.median(seconds["python alone"])
    for beside in ("python alone", "import attrs"):
        yield compared(BENCHMARK, "import segmentkit", seconds, beside=beside)
    for program in ("segmentkit", "import attrs", "all names"):
        above = statistics.median(seconds[program]) - alone
        target = "≤ 60 ms" if program == "segmentkit" else ""
        case = f"{PROGRAMS[program]}, above python alone"
        yield Row(BENCHMARK, case, max(above, 0.0), note=target)
    yield Row(BENCHMARK, f"of {', '.join(HEAVY)} loaded", None, note=loaded)
    first = [float(python(FIRST)) for _ in range(2 if quick else 10)]
    case = "first definition"
    yield Row(BENCHMARK, case, statistics.median(first))
