"""How the cost of one pass grows with customers, events and segments, and a picture of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import databases
import many
from timing import Row

BENCHMARK = "growth"
CUSTOMERS, EACH, SEGMENTS = 20_000, 10, 50
TIMES = (1, 2, 4, 8)


def run(*, quick: bool, customers: int | None = None) -> Iterator[Row]:
    """Let one of them grow at a time: each row is sizes in one pass on DuckDB."""
    customers = customers or (CUSTOMERS // 100 if quick else CUSTOMERS)
    for what in ("customers", "events", "segments"):
        for times in TIMES[:2] if quick else TIMES:
            grown = {"customers": 1, "events": 1, "segments": 1, what: times}
            people = customers * grown["customers"]
            tables = many.population(people, people * EACH * grown["events"])
            schema = many.schema_of(tables)
            asked = many.catalog(schema, SEGMENTS * grown["segments"])
            with databases.opened("duckdb") as engine:
                source = many.of_database(tables, schema, engine).source
                found = [
                    many.seconds(
                        lambda source=source, asked=asked: source.sizes(asked, as_of=many.AS_OF)
                    )  # type: ignore[misc]
                    for _ in range(1 if quick else 3)
                ]
            events = len(tables["orders"])
            case = (
                f"{what} × {times}: {people:,} customers, {events:,} events, {len(asked)} segments"
            )
            yield Row(BENCHMARK, case, statistics.median(found))


def draw(rows: list[Row], file: Path) -> None:
    """A line for what grows, of all rows of this benchmark."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    lines: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        if row.benchmark == BENCHMARK and row.seconds is not None:
            what, times = row.case.split(":")[0].split(" × ")
            lines.setdefault(what, []).append((int(times), row.seconds))
    for what, points in lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=what)
    axes.set(xlabel="times as many", ylabel="seconds of the processor", ylim=(0, None))
    axes.legend()
    figure.savefig(file, dpi=120, bbox_inches="tight")
    plt.close(figure)
