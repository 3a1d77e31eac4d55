"""``segmentkit run``, ``history`` and ``erase``: a store in the database that has the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from segmentkit._cli._database import url_option
from segmentkit._cli._definitions import names_argument
from segmentkit._cli._errors import Failure, definitions_of, one_line, say
from segmentkit._cli._files import FILE
from segmentkit._cli._opened_store import check_there, opened
from segmentkit._cli._output import show_json, show_table
from segmentkit._cli._values import as_of_option, bound, chosen, key_of, set_option
from segmentkit._definition import AsOf
from segmentkit._diagnostics.languages import dated, localized
from segmentkit.errors import DataError, RunRefused, UsageError
from segmentkit.runs import Run

REFUSED = 1
"""The exit code when a run is refused."""


@click.command
@click.argument("file", type=FILE)
@names_argument
@url_option
@as_of_option
@set_option
@click.option(
    "--most",
    metavar="SHARE",
    help="Refuse the run if more than this share of a segment, such as 20%, or more than this "
    "number of people, would enter or leave.",
)
@click.option("--allow-stale", is_flag=True, help="Run on stale data, and mark the runs.")
@click.option("--create", is_flag=True, help="Make the store's tables if they are missing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def run(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: click.Context,
    file: Path,
    names: tuple[str, ...],
    url: str,
    as_of: AsOf,
    pairs: tuple[tuple[str, str], ...],
    most: str | None,
    allow_stale: bool,
    create: bool,
    as_json: bool,
) -> None:
    """Keep in the database who entered and left segments since the last run.

    All segments are run together: all or none is written. The same run again changes nothing. The
    exit code is 1 if the run is refused.
    """
    with opened(file, url) as (ready, store, database):
        segments = chosen(bound(ready.catalog, pairs), names, str(file))
        if not create:
            check_there(store, database)
        limit = int(most) if most is not None and most.isdecimal() else most
        with definitions_of(str(file)), database.asked("run segments"):
            try:
                if create:
                    store.create()
                stale = "allow" if allow_stale else "refuse"
                found = store.run(segments, as_of=as_of, most=limit, stale=stale)
            except RunRefused as error:
                say(f"refused: {error}", error=True)
                ctx.exit(REFUSED)
            except (DataError, UsageError) as error:
                raise Failure(str(error)) from None
    if as_json:
        show_json([_told(each) for each in found.values()])
        return
    _show(found.values())


@click.command
@click.argument("file", type=FILE)
@names_argument
@url_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def history(file: Path, names: tuple[str, ...], url: str, as_json: bool) -> None:
    """List the runs of segments: sizes, who entered and left, and why."""
    with opened(file, url) as (_, store, database):
        check_there(store, database)
        with database.asked("tell the history of segments"):
            found = store.runs(names or None)
    if names and (unknown := set(names) - {each.segment for each in found}):
        raise Failure(f"segment {min(unknown)!r} was never run here")
    if as_json:
        show_json([_told(each) for each in found])
        return
    _show(found)


@click.command
@click.argument("file", type=FILE)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@url_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def erase(file: Path, keys: tuple[str, ...], url: str, as_json: bool) -> None:
    """Forget people in the store of a database.

    Do so once they are gone from the data. It says which consumers were told of them, and may
    still hold them.
    """
    with opened(file, url) as (ready, store, database):
        check_there(store, database)
        whom = [key_of(each, ready.schema) for each in keys]
        with database.asked("erase people"):
            told = store.erase(whom)
    if as_json:
        show_json(told)
        return
    many = "1 person was" if len(whom) == 1 else f"{localized(len(whom))} people were"
    say(f"{many} erased")
    for consumer, count in told.items():
        say(f"{one_line(consumer)} was told of {localized(count)} of them: erase them there, too")


def _show(found: Any) -> None:
    head = ("As of", "Segment", "Size", "Entered", "Left", "Cause")
    rows = (
        (
            dated(each.as_of.replace(tzinfo=None).isoformat(" ", "minutes")),
            each.segment,
            localized(each.size),
            localized(each.entered),
            localized(each.left),
            f"{each.cause}, stale" if each.stale else each.cause,
        )
        for each in found
    )
    show_table(head, rows, numbers=("Size", "Entered", "Left"))


def _told(each: Run) -> dict[str, Any]:
    return {
        "segment": each.segment,
        "as_of": each.as_of.replace(tzinfo=None).isoformat() + "Z",
        "run": each.number,
        "size": each.size,
        "entered": each.entered,
        "left": each.left,
        "cause": each.cause,
        "version": each.version,
        "stale": each.stale,
    }
