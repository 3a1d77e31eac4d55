"""``segmentkit schema``."""

from __future__ import annotations

import click

from segmentkit._calendar import WEEK_STARTS
from segmentkit._catalog.toml_writer import schema_text
from segmentkit._cli._database import connected, reflected, url_option
from segmentkit._cli._definitions import EVENT, WEEK_START, ZONE, declaration_of
from segmentkit._cli._files import writing


@click.command
@url_option
@click.option(
    "--entity", metavar="TABLE", required=True, help="The table whose rows are segmented."
)
@click.option("--event", "events", **EVENT)
@click.option("--time-zone", default="UTC", **ZONE)
@click.option("--week-start", default=WEEK_STARTS[0], **WEEK_START)
def schema(url: str, entity: str, events: tuple[str, ...], time_zone: str, week_start: str) -> None:
    """Write the [schema] of a catalog file from a database.

    With it in the file, you can check the definitions without the database.
    """
    declaration = declaration_of(entity, events, time_zone, week_start)
    with connected(url) as database:
        found, _ = reflected(declaration, database)
    with writing(None) as stream:
        stream.write(schema_text(found))
