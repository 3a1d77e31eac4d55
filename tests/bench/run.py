"""Measure segmentkit beside hand-written code and other libraries, in one run on one machine.

Nothing here passes or fails: the ratios are for people to read.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import catalogs
import constructs
import databases
import frames
import growth
import many
import memory
import objects
import orders
import runs
import scale
import shapes
import single
import sql
import starting
from attrs import asdict
from timing import Row

BENCHMARKS = (
    sql,
    shapes,
    constructs,
    frames,
    objects,
    orders,
    many,
    runs,
    growth,
    memory,
    single,
    catalogs,
    starting,
)
SIZED = (shapes, many, runs, growth, memory)
"""Those that can ask about more customers."""
PEERS = ("odata-query", "polars", "rule-engine", "zen-engine")
PACKAGES = ("segmentkit", "attrs", "pandas", "numpy", "SQLAlchemy", "duckdb", *PEERS)
COLUMNS = ("", "segmentkit", "beside", "its time", "ratio", "quartiles", "target", "")


def shown(seconds: float | None) -> str:
    """A time in a unit that fits."""
    if seconds is None:
        return ""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def digits(ratio: float) -> str:
    """A ratio with two digits that tell something."""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def line(row: Row) -> str:
    """A row of the table."""
    cells = [f"{row.benchmark}: {row.case}", shown(row.seconds), row.beside]
    cells.append(shown(row.beside_seconds))
    if row.ratio is None:
        cells += ["", ""]
    else:
        cells += [f"**{digits(row.ratio.median)}**"]
        cells += [f"{digits(row.ratio.low)}–{digits(row.ratio.high)}"]
    cells += ["" if row.target is None else f"≤ {row.target:.2g}", row.note]
    return f"| {' | '.join(cells)} |"


def machine() -> dict[str, Any]:
    """What it ran on, in general words."""
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"cores": os.cpu_count(), "python": platform.python_version(), "packages": versions}


def main(arguments: list[str]) -> None:
    """Run everything and print a table as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument("--quick", action="store_true", help="few rounds: only to see that it runs")
    parser.add_argument("--customers", type=int, metavar="N", help="of databases, ten orders each")
    parser.add_argument("--engines", metavar="NAMES", help="databases: duckdb,sqlite,postgresql,…")
    parser.add_argument("--only", metavar="NAMES", help="some: sql,shapes,frames,many,growth,…")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw how the cost grows there")
    scale.declare(parser)
    options = parser.parse_args(arguments)
    if options.scale:
        scale.main(options)
        return
    only = None if options.only is None else options.only.split(",")
    databases.only = None if options.engines is None else options.engines.split(",")
    about = machine()
    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    print(f"{about['cores']} cores, Python {about['python']}, {packages}\n")
    print(f"| {' | '.join(COLUMNS)} |")
    print(f"|{'---|' * len(COLUMNS)}")
    rows = []
    for benchmark in BENCHMARKS:
        if only is not None and benchmark.__name__ not in only:
            continue
        more = {"customers": options.customers} if benchmark in SIZED else {}
        for row in benchmark.run(quick=options.quick, **more):
            rows.append(row)
            print(line(row), flush=True)
    if options.png:
        growth.draw(rows, options.png)
    if options.json:
        results = {**about, "quick": options.quick, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
