"""``segmentkit partition``: how a database's rows fall into the parts of a partition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from attrs import asdict

from segmentkit._cli._database import connected, prepared, url_option
from segmentkit._cli._definitions import Definitions
from segmentkit._cli._errors import Failure, definitions_of, say
from segmentkit._cli._files import FILE, read_file
from segmentkit._cli._output import show_audit, show_json
from segmentkit._cli._values import as_of_option, bound, now_if_none, set_option, shown_instant
from segmentkit._definition import AsOf
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit._diagnostics.languages import localized
from segmentkit.catalog import Catalog
from segmentkit.partition import Audit, Partition
from segmentkit.sqlalchemy import audit


@click.command
@click.argument("file", type=FILE)
@click.argument("name")
@url_option
@as_of_option
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def partition(
    file: Path,
    name: str,
    url: str,
    as_of: AsOf,
    pairs: tuple[tuple[str, str], ...],
    as_json: bool,
) -> None:
    """Count each part of a partition in a database, and what it lost to earlier parts."""
    definitions = Definitions(read_file(file), str(file))
    at = now_if_none(as_of)
    with connected(url) as database:
        ready = prepared(definitions, database)
        chosen = _chosen(bound(ready.catalog, pairs), name, str(file))
        asked, of_file = database.asked("count"), definitions_of(str(file))
        with asked, database.engine.connect() as connection, of_file:
            found = audit(chosen, ready.table, connection, as_of=at)
    if as_json:
        show_json(_told(found))
        return
    who = f"{localized(found.population)} {ready.schema.root}"
    head = f"{who}, as of {shown_instant(at, ready.schema)}"
    say(head)
    show_audit(found)


def _chosen(catalog: Catalog, name: str, file: str) -> Partition:
    if name not in catalog.partitions:
        hint = did_you_mean(name, catalog.partitions)
        raise Failure(f"no partition {name!r} in {file}" + (f"; {hint}" if hint else ""))
    found = catalog.partitions[name]
    if missing := list(found.parameters):
        raise Failure(
            f"partition {name!r} has no value for :{', :'.join(missing)}; "
            f"give one with --set {missing[0]}=…"
        )
    return found


def _told(found: Audit) -> dict[str, Any]:
    parts = [{**asdict(part), "lost": dict(part.lost)} for part in found.parts]
    return {
        "as_of": found.as_of.replace(tzinfo=None).isoformat() + "Z",
        "population": found.population,
        "parts": parts,
    }
