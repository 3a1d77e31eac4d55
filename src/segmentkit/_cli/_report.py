"""``segmentkit report``: one page about a catalog, as of an instant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Table, inspect

from segmentkit._cli._database import Database, connected, described, url_option
from segmentkit._cli._errors import WRONG, Failure, definitions_of, one_line, say, show
from segmentkit._cli._files import FILE, is_standard, read_file, writing, wrote
from segmentkit._cli._output import warn_of
from segmentkit._cli._values import as_of_option, bound, now_if_none, set_option
from segmentkit._definition import AsOf
from segmentkit.analysis import Report
from segmentkit.analysis import report as of
from segmentkit.catalog import Catalog
from segmentkit.schema import Schema
from segmentkit.sqlalchemy import Source, Store


@click.command
@click.argument("file", type=FILE)
@url_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="Write to this file, which appears when it is complete. Default: standard output.",
)
@as_of_option
@set_option
@click.option("--title", help="The title of the page.")
@click.option(
    "--profiles",
    is_flag=True,
    help="Also say what sets the members of each segment apart. This takes longer.",
)
@click.pass_context
def report(
    ctx: click.Context,
    file: Path,
    url: str,
    output: Path | None,
    as_of: AsOf,
    pairs: tuple[tuple[str, str], ...],
    title: str | None,
    profiles: bool,
) -> None:
    """Write one HTML page about all segments of a catalog in a database.

    The page shows sizes, warnings, overlaps, how many members each clause costs, and what
    missing data does. If a segment is wrong, the page says so, and the exit code is 1.
    """
    if is_standard(output) and sys.stdout.isatty():
        raise click.UsageError("The page is HTML: write it to a file, as in -o report.html.")
    text = read_file(file)
    with connected(url) as database:
        schema, table = described(text, str(file), database)
        with definitions_of(str(file)):
            catalog = bound(Catalog.of(text, schema, skip_broken=True), pairs)
        problems = [each for error in catalog.broken.values() for each in error.problems]
        if not catalog:
            told = "\n".join([problem.render() for problem in problems])
            show(told, error=True)
            raise Failure(f"{file} has no segment that could be evaluated")
        with database.asked("be asked about all segments"), definitions_of(str(file)):
            found = _made(
                catalog,
                Source(database.engine, table),
                as_of=now_if_none(as_of),
                title=title,
                profiles=profiles,
                problems=problems,
                store=_store(database, table, schema),
            )
    with writing(output) as stream:
        stream.write(found.html)
    warn_of(found.freshness.tables if found.freshness else ())
    wrote(output, len(catalog) - len(found.broken), "segment")
    for problem in problems:
        show(problem.render(), error=True)
    for name, why in found.broken.items():
        say(f"{file}: segment {one_line(repr(name))} is left out: {one_line(why)}", error=True)
    if problems or found.broken:
        ctx.exit(WRONG)


def _store(database: Database, table: Table, schema: Schema) -> Store | None:
    """The store of the database, if there is one."""
    if schema.entity.key is None:
        return None
    store = Store(database.engine, table, key=schema.entity.key)
    known = set(inspect(database.engine).get_table_names())
    return store if known.issuperset(store.metadata.tables) else None


def _made(catalog: Catalog, source: Source, **asked: Any) -> Report:
    try:
        return of(catalog, source, **asked)
    except ImportError as error:
        raise Failure(str(error)) from None
