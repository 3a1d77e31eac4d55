"""``segmentkit demo``: real data, a catalog, two engines, the same answer."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from attrs import frozen
from sqlalchemy import URL, create_engine, func, select

from segmentkit import demo as journey
from segmentkit._cli._errors import WRONG, Failure, say
from segmentkit._cli._output import Bars, bars, duration, percent, show_audit, show_table
from segmentkit._cli._values import instant_option, shown_instant
from segmentkit._definition import AsOf
from segmentkit._diagnostics.languages import localized
from segmentkit.catalog import Catalog
from segmentkit.pandas import audit as audit_in_frames
from segmentkit.pandas import members as members_in_frames
from segmentkit.partition import Audit
from segmentkit.segment import Segment
from segmentkit.sqlalchemy import audit as audit_in_sql
from segmentkit.sqlalchemy import members as members_in_sql
from segmentkit.sqlalchemy import prepare

_HOUSEHOLDS = journey.metadata.tables["households"]

_SHOWN = 5
"""How many of the keys on which the engines differ are named."""


@frozen
class Answer:
    """The keys that an engine finds for a segment, and how long it took."""

    keys: list[Any]
    seconds: float


@frozen
class Engine:
    """What an engine says of all segments and partitions, and how many households it knows."""

    name: str
    population: int
    answers: dict[str, Answer]
    audits: dict[str, Audit]


@click.command
@instant_option("the end of the data")
@click.option("--only", type=click.Choice(["sqlite", "pandas"]), help="Use only one of the two.")
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to keep the SQLite database; by default in your cache folder.",
)
@click.pass_context
def demo(ctx: click.Context, as_of: AsOf, only: str | None, file: Path | None) -> None:
    """Evaluate a catalog on real data, in SQLite and in pandas.

    The data is Complete Journey: a year of groceries bought by 2,469 households. The first call
    writes it into an SQLite file.
    """
    catalog = Catalog.loads(journey.segments(), file="segments.toml")
    at = journey.AS_OF if as_of is None else as_of
    try:
        with bars() as show:
            sqlite = None if only == "pandas" else _ask_sqlite(catalog, at, file, show)
            pandas = None if only == "sqlite" else _ask_pandas(catalog, at, show)
    except ImportError as error:
        raise Failure(str(error)) from None
    engines = [engine for engine in (sqlite, pandas) if engine is not None]
    _show(catalog, engines, at)
    ctx.exit(_verdict(engines))


def _ask_sqlite(catalog: Catalog, as_of: AsOf, file: Path | None, show: Bars) -> Engine:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        path = journey.load(file, _announced(show, file))
    for each in told:
        say(str(each.message), error=True)
    engine = create_engine(URL.create("sqlite", database=str(path)))
    prepare(engine)
    try:
        with engine.connect() as connection:
            population = connection.scalar(select(func.count()).select_from(_HOUSEHOLDS)) or 0

            def keys(segment: Segment) -> list[Any]:
                query = members_in_sql(segment, _HOUSEHOLDS, as_of=as_of)
                return list(connection.scalars(query))

            answers = _answers("SQLite", catalog, keys, show)
            audits = {
                name: audit_in_sql(each, _HOUSEHOLDS, connection, as_of=as_of)
                for name, each in catalog.partitions.items()
            }
            return Engine("SQLite", population, answers, audits)
    finally:
        engine.dispose()


def _announced(show: Bars, file: Path | None) -> Callable[[str, int, int], None]:
    """Progress that says first what is being done: it may take a while, and happens once."""
    said = False

    def step(name: str, done: int, total: int) -> None:
        nonlocal said
        if not said:
            said = True
            path = journey.default_path() if file is None else file
            show.say(f"Writing Complete Journey into {path}, once …")
        show(name, done, total)

    return step


def _ask_pandas(catalog: Catalog, as_of: AsOf, show: Bars) -> Engine:
    frames = journey.frames(lambda _, done, total: show("reading for pandas", done, total))

    def keys(segment: Segment) -> list[Any]:
        return list(members_in_frames(segment, frames, as_of=as_of))

    population = len(frames[_HOUSEHOLDS.name])
    answers = _answers("pandas", catalog, keys, show)
    audits = {
        name: audit_in_frames(each, frames, as_of=as_of)
        for name, each in catalog.partitions.items()
    }
    return Engine("pandas", population, answers, audits)


def _answers(
    name: str, catalog: Catalog, keys: Callable[[Segment], list[Any]], show: Bars
) -> dict[str, Answer]:
    answers = {}
    for done, (segment, definition) in enumerate(catalog.items(), start=1):
        start = time.perf_counter()
        found = keys(definition)
        answers[segment] = Answer(sorted(found), time.perf_counter() - start)
        show(f"asking {name}", done, len(catalog))
    return answers


def _show(catalog: Catalog, engines: list[Engine], as_of: AsOf) -> None:
    schema = next(iter(catalog.values())).schema
    population = engines[0].population
    who = f"{localized(population)} households"
    say(f"Complete Journey: {who}, as of {shown_instant(as_of, schema)}")
    names = [engine.name for engine in engines]
    head = ["Segment", "Title", "Members", "Share", *names]
    rows = [_row(name, segment, engines) for name, segment in catalog.items()]
    if len(engines) > 1:
        head.append("Same")
    show_table(head, rows, numbers=("Members", "Share", *names))
    for name, found in engines[0].audits.items():
        say(f"{name}: everyone in exactly one part, the first that fits")
        show_audit(found)


def _row(name: str, segment: Segment, engines: list[Engine]) -> list[str]:
    answers = [engine.answers[name] for engine in engines]
    size = len(answers[0].keys)
    times = [duration(answer.seconds) for answer in answers]
    same = [] if len(engines) == 1 else ["yes" if _agree(answers) else "NO"]
    title = segment.title or ""
    return [name, title, localized(size), percent(size, engines[0].population), *times, *same]


def _agree(answers: list[Answer]) -> bool:
    return all(answer.keys == answers[0].keys for answer in answers)


def _verdict(engines: list[Engine]) -> int:
    """Say whether the engines agree, and where they do not."""
    names = list(engines[0].answers)
    if len(engines) == 1:
        say(f"{engines[0].name} answered {len(names)} segments.")
        return 0
    left, right = engines
    apart = [n for n in names if not _agree([engine.answers[n] for engine in engines])]
    for name in apart:
        say(f"{name}: {_difference(name, *engines)}", error=True)
    parted = [n for n in left.audits if left.audits[n].parts != right.audits[n].parts]
    for name in parted:
        say(f"{name}: the parts differ", error=True)
    if apart or parted:
        say(f"SQLite and pandas differ on {len(apart)} of {len(names)} segments.")
        return WRONG
    say(f"SQLite and pandas gave the same members for all {len(names)} segments.")
    return 0


def _difference(name: str, left: Engine, right: Engine) -> str:
    here, there = (set(engine.answers[name].keys) for engine in (left, right))
    told = [
        f"only in {engine.name}: {', '.join(map(str, sorted(keys)[:_SHOWN]))}"
        f"{', …' if len(keys) > _SHOWN else ''}"
        for engine, keys in ((left, here - there), (right, there - here))
        if keys
    ]
    return "; ".join(told) or "the same households, but some more than once"
