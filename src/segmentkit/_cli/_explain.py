"""``segmentkit explain``: why someone in a database is in a segment or not."""

from __future__ import annotations

import click

from segmentkit._cli._database import connected, prepared, url_option
from segmentkit._cli._definitions import Asked, AskedCommand, file_argument, name_argument
from segmentkit._cli._errors import Failure, definitions_of, show
from segmentkit._cli._output import show_json
from segmentkit._cli._values import as_of_option, bound, key_of, now_if_none, set_option, the_one
from segmentkit._definition import AsOf
from segmentkit.analysis import explain as why
from segmentkit.errors import DataError
from segmentkit.sqlalchemy import Source


@click.command(cls=AskedCommand)
@file_argument
@name_argument
@click.argument("key")
@url_option
@as_of_option
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(
    asked: Asked,
    key: str,
    url: str,
    as_of: AsOf,
    pairs: tuple[tuple[str, str], ...],
    as_json: bool,
) -> None:
    """Say why someone in a database is in a segment or not, and what would change that."""
    definitions = asked.read()
    with connected(url) as database:
        ready = prepared(definitions, database)
        name, segment = the_one(bound(ready.catalog, pairs), asked.names, asked.place)
        with database.asked(f"explain {name!r}"), definitions_of(asked.place):
            source, whom = Source(database.engine, ready.table), key_of(key, ready.schema)
            try:
                found = why(segment, source, whom, as_of=now_if_none(as_of))
            except DataError as error:
                raise Failure(str(error)) from None
    if as_json:
        show_json(found.to_dict())
    else:
        show(str(found))
