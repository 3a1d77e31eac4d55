"""How the time per event grows from one number of events to ten times as many, on each engine.

Each question has a time limit, so that what does not end is told as such. What was measured is
kept in a file, so that one engine can be measured anew; the page's tables and its picture are made
of that file.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import events
import holders
from attrs import asdict, fields, frozen

DOCS = Path(__file__).parents[2] / "docs"
KEPT = Path(__file__).with_name("scale.csv")
EVENTS = (30_000, 300_000, 3_000_000, 30_000_000)
MOST = dict.fromkeys(("sqlite", "postgresql", "mariadb", "record"), 3_000_000)
"""More takes these too long to be filled, or more memory than a small machine has."""
LIMIT = 60.0
STEEP = 2.0
"""Times as much per event as with a tenth of the events: from here on it is a cliff."""
OFTEN, LONG = 5, 1.0
"""How often a question is asked; what takes more seconds than that, once."""
ALL = (*events.QUESTIONS, events.TOGETHER)


@frozen
class Cell:
    """What was measured of a question on an engine.

    Attributes:
        engine: The engine.
        variant: What it had besides the rows.
        question: What was asked.
        events: Of how many events.
        members: How many it found.
        seconds: The processor's seconds: a median.
        wall: The seconds of the clock.
        megabytes: The most memory of the process that asked, which most engines are part of.
        note: Why there is nothing else.
    """

    engine: str
    variant: str
    question: str
    events: int
    members: int | None = None
    seconds: float | None = None
    wall: float | None = None
    megabytes: float | None = None
    note: str = ""

    @property
    def place(self) -> tuple[str, str, int, str]:
        """What only this cell is about."""
        return self.engine, self.variant, self.events, self.question


Cells = dict[tuple[str, str, int, str], Cell]


@frozen
class Worker:
    """A process that answers, until it is stopped."""

    process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def of(cls, name: str, address: str, data: Path, limit: float) -> Iterator[Worker]:
        """A process that has opened an engine."""
        pipe = subprocess.PIPE
        command = _command("ask", name, address, data, limit)
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()
                yield cls(process)
            finally:
                process.kill()

    def ask(self, question: str, limit: float) -> dict[str, Any]:
        """An answer, or that there was none in time: then the process is gone."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        begun, stop = time.monotonic(), threading.Timer(limit, self.process.kill)
        stop.start()
        try:
            print(question, file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            stop.cancel()
        if line:
            found: dict[str, Any] = json.loads(line)
            return found
        if self.process.wait() > 0:
            raise RuntimeError(f"{question}: see above")
        return {"note": f"> {limit:.0f} s" if time.monotonic() - begun >= limit else "memory"}

    def measure(self, question: str, limit: float, often: int) -> dict[str, Any]:
        """The median of some answers; the first is not counted if there are others."""
        found = [self.ask(question, limit)]
        if found[0].get("seconds", LONG) < LONG:
            found = [self.ask(question, limit) for _ in range(often)] or found
        if "members" not in found[-1]:
            return found[-1]
        told = {k: statistics.median(each[k] for each in found) for k in ("seconds", "wall")}
        most = max(each["megabytes"] for each in found)
        return {"members": sum(found[0]["members"]), **told, "megabytes": most}


def _command(*words: object) -> list[str]:
    return [sys.executable, holders.__file__, *map(str, words)]


@frozen
class Growth:
    """What is asked of whom.

    Attributes:
        sizes: Numbers of events.
        names: The engines.
        questions: What is asked.
        limit: The seconds that a question may take.
        often: How often a question that is not long is asked, after the first time.
        kept: Where what was measured is kept.
        data: Where the rows are kept, if they are.
    """

    sizes: list[int]
    names: list[str]
    questions: list[str]
    limit: float
    often: int
    kept: Path
    data: Path | None


def measured(
    growth: Growth, name: str, variant: str, data: Path, size: int, before: Cells
) -> Cells:
    """The questions to one engine with so many events."""
    holder, left = holders.HOLDERS[name], list(growth.questions)
    cells = dict(before)

    def note(question: str, told: dict[str, Any]) -> None:
        cell = Cell(name, variant, question, size, **told)
        cells[cell.place] = cell
        write(cells, growth.kept)
        print(_line(cell), flush=True)

    with holder.place(data.parent) as place:
        address = holders.settled(place, variant)
        fill = _command("fill", name, address, data, variant)
        subprocess.run(fill, check=True)
        while left:
            with Worker.of(name, address, data, growth.limit) as worker:
                while left and worker.process.poll() is None:
                    question = left.pop(0)
                    smaller = before.get((name, variant, size // 10, question))
                    if smaller is not None and smaller.note:
                        note(question, {"note": smaller.note})
                    else:
                        note(question, worker.measure(question, growth.limit, growth.often))
    return cells


def _line(cell: Cell) -> str:
    told = cell.note or f"{_short(_each(cell))} µs an event, {cell.megabytes:,.0f} MB"
    return f"{cell.engine}, {cell.variant}, {cell.events:,}: {cell.question}: {told}"


def _each(cell: Cell) -> float:
    """The microseconds an event."""
    assert cell.seconds is not None
    return cell.seconds / cell.events * 1e6


def _short(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def read(file: Path) -> Cells:
    """What was measured before."""
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        cells = [_cell_of(row) for row in csv.DictReader(lines)]
    return {cell.place: cell for cell in cells}


def _cell_of(row: dict[str, str]) -> Cell:
    numbers = {k: float(row[k]) if row[k] else None for k in ("seconds", "wall", "megabytes")}
    counts = {k: int(row[k]) if row[k] else None for k in ("events", "members")}
    return Cell(**{**row, **numbers, **counts})  # type: ignore[arg-type]


def write(cells: Cells, file: Path) -> None:
    """Keep what was measured, in the order of engines and questions."""
    engines, questions = list(holders.HOLDERS), list(ALL)

    def order(cell: Cell) -> tuple[Any, ...]:
        place = questions.index(cell.question) if cell.question in questions else len(questions)
        return engines.index(cell.engine), cell.variant, place, cell.events

    with file.open("w", encoding="utf-8", newline="") as lines:
        rows = csv.DictWriter(lines, [each.name for each in fields(Cell)], lineterminator="\n")
        rows.writeheader()
        for cell in sorted(cells.values(), key=order):
            rows.writerow({k: _rounded(v) for k, v in asdict(cell).items()})


def _rounded(value: Any) -> Any:
    return float(f"{value:.3g}") if isinstance(value, float) else value


def different(cells: Iterable[Cell]) -> list[str]:
    """What engines do not agree about."""
    known: dict[tuple[str, int], Cell] = {}
    found = []
    for cell in cells:
        if cell.members is None:
            continue
        other = known.setdefault((cell.question, cell.events), cell)
        if other.members != cell.members:
            found.append(f"{_line(cell)}: {cell.members}, {other.engine} {other.members} members")
    return found


def run(growth: Growth) -> Cells:
    """Measure engines with ever more events, and keep each as it comes."""
    cells = read(growth.kept)
    with ExitStack() as stack:
        folder = growth.data or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for size in growth.sizes:
            data = events.make(folder, size)
            for name in growth.names:
                if size > MOST.get(name, size):
                    print(f"{name}: not with {size:,} events", flush=True)
                    continue
                for variant in holders.HOLDERS[name].variants:
                    cells = measured(growth, name, variant, data, size, cells)
    if found := different(cells.values()):
        raise AssertionError("\n".join(found))
    return cells


def declare(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    own = parser.add_argument_group("growth", "how the time per event grows, and nothing else")
    own.add_argument(
        "--scale", action="store_true", help="measure it, on every engine that is here"
    )
    own.add_argument("--events", metavar="N,…", help=f"how many; {','.join(map(str, EVENTS))}")
    own.add_argument("--questions", metavar="TEXT; …", help="; ".join(ALL).replace("%", "%%"))
    own.add_argument("--limit", type=float, default=LIMIT, help="seconds that a question may take")
    own.add_argument("--often", type=int, default=OFTEN, help="times, of what takes no second")
    own.add_argument("--kept", type=Path, default=KEPT, metavar="FILE", help="where it is kept")
    own.add_argument("--data", type=Path, metavar="FOLDER", help="where to keep the rows")
    own.add_argument("--write", action="store_true", help="write docs/performance.md anew")


def main(options: argparse.Namespace) -> None:
    """Measure what is chosen, and show it."""
    here = [name for name, holder in holders.HOLDERS.items() if holder.is_here()]
    names = here if options.engines is None else [n for n in options.engines.split(",") if n]
    if missing := [name for name in names if name not in here]:
        raise SystemExit(f"not here: {', '.join(missing)}; here: {', '.join(here)}")
    sizes = [300, 3_000] if options.quick else list(EVENTS)
    if options.events:
        sizes = [int(each) for each in options.events.split(",")]
    questions = options.questions.split("; ") if options.questions else list(ALL)
    often = 1 if options.quick else options.often
    cells = run(Growth(sizes, names, questions, options.limit, often, options.kept, options.data))
    for name, block in blocks(cells).items():
        print(f"\n{name}\n\n{block}")
    if options.png:
        draw(cells, options.png)
    if options.write:
        publish(cells)


# The page.


def _number(count: int) -> str:
    return f"{count // 1_000_000}M" if count >= 1_000_000 else f"{count / 1000:g}k"


def _title(engine: str, variant: str) -> str:
    title = holders.HOLDERS[engine].title
    return title if variant == holders.PLAIN else f"{title}, {variant}"


def _row(cells: list[Cell]) -> str:
    """The microseconds an event, with ever more events; bold is what is steep."""
    before, told = None, []
    for cell in cells:
        if cell.seconds is None:
            told.append("–" if cell.note.startswith("SK") else f"**{cell.note}**")
            continue
        each = _each(cell)
        steep = before is not None and each >= STEEP * before
        told.append(f"**{_short(each)}**" if steep else _short(each))
        before = each
    return " · ".join(told)


def _of(cells: Cells, engine: str, variant: str, question: str) -> list[Cell]:
    found = [
        c
        for c in cells.values()
        if (c.engine, c.variant, c.question) == (engine, variant, question)
    ]
    return sorted((c for c in found if c.events <= EVENTS[-1]), key=lambda c: c.events)


def table(cells: Cells, variants: Container[str]) -> str:
    """A row a question, a column an engine."""
    asked = {(c.engine, c.variant) for c in cells.values() if c.events <= EVENTS[-1]}
    places = [
        (name, variant)
        for name, holder in holders.HOLDERS.items()
        for variant in holder.variants
        if variant in variants and (name, variant) in asked
    ]
    head = [_head(cells, *place) for place in places]
    rows = [
        [question, *(_row(_of(cells, *place, question)) for place in places)] for question in ALL
    ]
    return _table(["", *head], rows)


def _head(cells: Cells, engine: str, variant: str) -> str:
    sizes = sorted({c.events for c in cells.values() if (c.engine, c.variant) == (engine, variant)})
    told = " · ".join(_number(size) for size in sizes if size <= EVENTS[-1])
    more = {holders.WITH_MEMORY: ", 64 MB", holders.IN_MEMORY: ", 1 GB"}.get(variant, "")
    return f"{holders.HOLDERS[engine].title}{more}: {told}"


def large(cells: Cells) -> str:
    """A row a question of more events than the other tables have."""
    found = [c for c in cells.values() if c.events > EVENTS[-1]]
    names = [name for name in holders.HOLDERS if any(c.engine == name for c in found)]
    head = [h for n in names for h in (f"{holders.HOLDERS[n].title}: clock", "processor", "memory")]
    rows = []
    for question in dict.fromkeys(each for each in ALL if any(c.question == each for c in found)):
        asked = {c.engine: c for c in found if c.question == question}
        members = {c.members for c in asked.values()} - {None}
        told = [cell for name in names for cell in _taken(asked.get(name))]
        rows.append([question, *(f"{each:,}" for each in members or {0}), *told])
    return _table(["", "members", *head], rows)


def _taken(cell: Cell | None) -> list[str]:
    if cell is None or cell.seconds is None:
        return ["" if cell is None else cell.note, "", ""]
    assert cell.wall is not None
    assert cell.megabytes is not None
    return [f"{cell.wall:.3g} s", f"{cell.seconds:.3g} s", f"{cell.megabytes / 1000:.1f} GB"]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def steep(cells: Cells) -> list[str]:
    """Where the time per event grew too much, and what did not end."""
    found = []
    for engine, variant, question in dict.fromkeys(
        (c.engine, c.variant, c.question) for c in cells.values()
    ):
        asked = _of(cells, engine, variant, question)
        of = f"{_title(engine, variant)}: {question}"
        found += [
            f"{of}, {_number(c.events)}: {c.note}"
            for c in asked
            if c.note and not c.note.startswith("SK")
        ]
        told = [c for c in asked if c.seconds is not None]
        found += [
            f"{of}, {_number(a.events)} to {_number(b.events)}: × {_each(b) / _each(a):.2g}"
            for a, b in pairwise(told)
            if _each(b) >= STEEP * _each(a)
        ]
    return found


def draw(cells: Cells, file: Path) -> None:
    """A picture an engine, a line a question: the time per event."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    within = [c for c in cells.values() if c.seconds is not None and c.events <= EVENTS[-1]]
    places = sorted(
        {(c.engine, c.variant) for c in within},
        key=lambda place: (
            list(holders.HOLDERS).index(place[0]),
            holders.HOLDERS[place[0]].variants.index(place[1]),
        ),
    )
    columns = min(4, len(places))
    lines = -(-len(places) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(3.2 * columns, 2.8 * lines + 1.2), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    colours = plt.get_cmap("tab20").colors  # type: ignore[attr-defined]
    for (engine, variant), panel in zip(places, axes.flat, strict=False):
        for question, colour in zip(ALL, colours, strict=False):
            told = [c for c in _of(cells, engine, variant, question) if c.seconds is not None]
            xs, ys = [c.events for c in told], [_each(c) for c in told]
            panel.plot(xs, ys, marker="o", markersize=3, color=colour, label=question)
        panel.set(xscale="log", yscale="log")
        panel.set_title(_title(engine, variant), fontsize=9)
        panel.grid(visible=True, alpha=0.3)
    for panel in list(axes.flat)[len(places) :]:
        panel.set_visible(False)
    for panel in axes[-1]:
        panel.set_xlabel("events")
    figure.supylabel("µs of the processor for an event")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.savefig(file, dpi=80)
    plt.close(figure)


def publish(cells: Cells) -> None:
    """Write the tables of the page and its picture."""
    page = DOCS / "performance.md"
    text = page.read_text(encoding="utf-8")
    for name, block in blocks(cells).items():
        begin, end = f"<!--- begin {name} -->", f"<!--- end {name} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{block}\n{end}{rest.split(end)[1]}"
    page.write_text(text, encoding="utf-8")
    draw(cells, DOCS / "pictures" / "scale.png")


def blocks(cells: Cells) -> dict[str, str]:
    """What the page has between markers."""
    return {
        "scale": table(cells, [holders.PLAIN, holders.IN_MEMORY]),
        "scale-indexed": table(cells, [holders.INDEXED, holders.WITH_MEMORY]),
        "scale-steep": "\n".join(f"- {each}" for each in steep(cells)) or "None.",
        "scale-large": large(cells),
    }
