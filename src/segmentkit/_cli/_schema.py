"""``segmentkit schema``."""

from __future__ import annotations

import click

from segmentkit._catalog.schema_table import declare
from segmentkit._catalog.toml_writer import schema_text
from segmentkit._cli._database import connected, reflected, url_option
from segmentkit._cli._errors import Failure
from segmentkit.errors import SchemaError


@click.command
@url_option
@click.option(
    "--entity", metavar="TABLE", required=True, help="The table whose rows are segmented."
)
@click.option(
    "--event",
    "events",
    metavar="TABLE=COLUMN",
    multiple=True,
    help="A table of events and the column with their time. Can be repeated.",
)
@click.option(
    "--time-zone",
    metavar="ZONE",
    default="UTC",
    show_default=True,
    help="The zone in which days begin, such as Europe/Kyiv.",
)
def schema(url: str, entity: str, events: tuple[str, ...], time_zone: str) -> None:
    """Write the [schema] of a catalog file from a database.

    With it in the file, you can check the definitions without the database.
    """
    told = {}
    for event in events:
        table, equals, at = event.partition("=")
        if not (table and equals and at):
            raise click.BadParameter(
                f"{event!r} is not of the form TABLE=COLUMN", param_hint="'--event'"
            )
        told[table] = {"at": at}
    try:
        declaration = declare(entity, events=told, time_zone=time_zone)
    except SchemaError as error:
        raise Failure(str(error)) from None
    with connected(url) as database:
        found, _ = reflected(declaration, database)
    click.echo(schema_text(found), nl=False)
