"""``segmentkit pull``, ``ack`` and ``retire``: who is handed over, taken over, and no longer."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from segmentkit._cli._database import url_option
from segmentkit._cli._errors import Failure, definitions_of, one_line, say
from segmentkit._cli._files import FILE, writing
from segmentkit._cli._opened_store import check_there, opened
from segmentkit._cli._values import as_of_option, bound, now_if_none, set_option
from segmentkit._definition import AsOf
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._diagnostics.languages import localized
from segmentkit._results.batches import plain
from segmentkit.catalog import Catalog
from segmentkit.errors import DataError
from segmentkit.handover import Handover


@click.command
@click.argument("file", type=FILE)
@click.argument("name")
@url_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="Write to this file, which appears when it is complete: CSV if its name ends in .csv, "
    "else JSON lines. Default: JSON lines on standard output.",
)
@click.option("--size", default=1000, show_default=True, help="How many people to look at at once.")
@click.option("--allow-stale", is_flag=True, help="Hand over people of stale data all the same.")
@as_of_option
@set_option
def pull(
    file: Path,
    name: str,
    url: str,
    output: Path | None,
    size: int,
    allow_stale: bool,
    as_of: AsOf,
    pairs: tuple[tuple[str, str], ...],
) -> None:
    """Hand over who has entered or left a segment, as a hand-over says.

    They come again until they are acknowledged: give the file to 'segmentkit ack' when it has been
    taken over.
    """
    skipped: Counter[str] = Counter()
    with opened(file, url) as (ready, store, database):
        asked = _chosen(bound(ready.catalog, pairs), name, str(file))
        check_there(store, database)
        stale = "allow" if allow_stale else "refuse"
        with definitions_of(str(file)), database.asked(f"hand over {name!r}"):
            try:
                batches = store.pull(asked, size=size, as_of=now_if_none(as_of), stale=stale)
                found = list(batches)
            except (ImportError, ValueError) as error:
                raise Failure(str(error)) from None
    with writing(output) as stream:
        is_csv = output is not None and output.suffix.lower() == ".csv"
        table = csv.writer(stream, lineterminator="\n")
        for place, batch in enumerate(found):
            if is_csv and not place:
                table.writerow(batch.columns)
            for row, line in zip(batch.rows, batch.lines(), strict=True):
                if is_csv:
                    table.writerow([plain(row.to_dict().get(n)) for n in batch.columns])
                else:
                    stream.write(f"{line}\n")
            skipped.update(batch.skipped)
    if skipped:
        told = ", ".join(f"{localized(count)} {reason}" for reason, count in skipped.items())
        say(f"skipped: {told}", error=True)


@click.command
@click.argument("file", type=FILE)
@click.argument("name")
@click.argument("rows", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@url_option
def ack(file: Path, name: str, rows: Path, url: str) -> None:
    """Acknowledge the people of a file that 'segmentkit pull' has written.

    Only their ids are read. They are not handed over again.
    """
    with opened(file, url) as (ready, store, database):
        asked = _chosen(ready.catalog, name, str(file))
        check_there(store, database)
        with definitions_of(str(file)), database.asked("keep what was acknowledged"):
            count = store.ack(asked, _ids(rows))
    say(f"{localized(count)} acknowledged")


@click.command
@click.argument("file", type=FILE)
@click.argument("name")
@url_option
def retire(file: Path, name: str, url: str) -> None:
    """End a hand-over that nobody pulls any more.

    Who was due is not handed over. What was handed over stays known. The file need not have the
    hand-over any more.
    """
    with opened(file, url) as (_, store, database):
        check_there(store, database)
        with database.asked(f"retire {name!r}"):
            try:
                count = store.retire(name)
            except DataError as error:
                raise Failure(str(error)) from None
    many = "1 person" if count == 1 else f"{localized(count)} people"
    say(f"{one_line(name)} is retired; it was told of {many}")


def _ids(rows: Path) -> Iterator[str]:
    with rows.open(encoding="utf-8", newline="") as stream:
        try:
            if rows.suffix.lower() == ".csv":
                yield from (str(row["id"]) for row in csv.DictReader(stream))
            else:
                yield from (str(json.loads(line)["id"]) for line in stream if line.strip())
        except (ValueError, KeyError, TypeError, csv.Error):
            raise Failure(f"{rows} is no file that 'segmentkit pull' has written") from None


def _chosen(catalog: Catalog, name: str, file: str) -> Handover:
    known = catalog.handovers
    if name not in known:
        hint = did_you_mean(name, known) if known else "it has no [handovers]"
        raise Failure(f"no hand-over {name!r} in {file}" + (f"; {hint}" if hint else ""))
    return known[name]
