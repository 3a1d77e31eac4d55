"""``segmentkit explain``: why someone in a database is in a segment or not."""

from __future__ import annotations

import json
from pathlib import Path

import click

from segmentkit._cli._database import connected, prepared, url_option
from segmentkit._cli._errors import Failure, definitions_of, show
from segmentkit._cli._files import FILE, read_file
from segmentkit._cli._values import as_of_option, bound, chosen, now_if_none, set_option
from segmentkit._definition import AsOf
from segmentkit.analysis import explain as why
from segmentkit.dtypes import INTEGER
from segmentkit.errors import DataError
from segmentkit.schema import Schema
from segmentkit.sqlalchemy import Source


@click.command
@click.argument("file", type=FILE)
@click.argument("name")
@click.argument("key")
@url_option
@as_of_option
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(
    file: Path,
    name: str,
    key: str,
    url: str,
    as_of: AsOf,
    pairs: tuple[tuple[str, str], ...],
    as_json: bool,
) -> None:
    """Say why someone in a database is in a segment or not, and what would change that."""
    text = read_file(file)
    with connected(url) as database:
        ready = prepared(text, str(file), database)
        segment = chosen(bound(ready.catalog, pairs), [name], str(file))[name]
        asked, of_file = database.asked(f"explain {name!r}"), definitions_of(str(file))
        with asked, of_file:
            source, whom = Source(database.engine, ready.table), _key(key, ready.schema)
            try:
                found = why(segment, source, whom, as_of=now_if_none(as_of))
            except DataError as error:
                raise Failure(str(error)) from None
    if as_json:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
    else:
        show(str(found))


def _key(text: str, schema: Schema) -> int | str:
    """A key as the schema has it."""
    attribute = schema.entity.key_attribute
    if attribute is None or attribute.dtype != INTEGER:
        return text
    try:
        return int(text)
    except ValueError:
        raise Failure(f"the keys of {schema.root} are whole numbers, not {text!r}") from None
