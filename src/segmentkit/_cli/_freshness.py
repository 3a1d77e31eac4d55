"""``segmentkit freshness``: whether a database's tables are as fresh as the schema says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from segmentkit._cli._database import connected, prepared, url_option
from segmentkit._cli._definitions import Definitions, names_argument
from segmentkit._cli._errors import Failure, definitions_of, say
from segmentkit._cli._files import FILE, read_file
from segmentkit._cli._output import show_json
from segmentkit._cli._values import as_of_option, bound, chosen, now_if_none, set_option
from segmentkit._definition import AsOf
from segmentkit.analysis import Freshness
from segmentkit.analysis import freshness as of
from segmentkit.sqlalchemy import Source

STALE = 1
"""The exit code when a table is stale."""


@click.command
@click.argument("file", type=FILE)
@names_argument
@url_option
@as_of_option
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def freshness(
    ctx: click.Context,
    file: Path,
    names: tuple[str, ...],
    url: str,
    as_of: AsOf,
    pairs: tuple[tuple[str, str], ...],
    as_json: bool,
) -> None:
    """Check how old the newest rows of tables are, by the thresholds in the schema.

    Checked are the tables that the segments you name read, or all. The exit code is 1 if one is
    stale, and 0 if all are fresh or only a warning is due.
    """
    text = read_file(file)
    at = now_if_none(as_of)
    with connected(url) as database:
        ready = prepared(Definitions(text, str(file)), database)
        asked: Any = ready.schema
        if not any(entity.fresh for entity in ready.schema.entities):
            raise Failure(
                f"{file}: no table of the schema says how fresh it is to be: "
                'fresh = { at = "…", stale = "24 hours" } under [schema.tables.…]'
            )
        if names:
            asked = chosen(bound(ready.catalog, pairs), names, str(file))
        with definitions_of(str(file)), database.asked("say how fresh its tables are"):
            found = of(asked, Source(database.engine, ready.table), as_of=at)
    if as_json:
        show_json(_told(found))
    else:
        say(str(found))
    if found.state == "stale":
        ctx.exit(STALE)


def _told(found: Freshness) -> dict[str, Any]:
    tables = [
        {
            "table": each.table,
            "state": each.state,
            "at": each.at,
            "newest": None
            if each.newest is None
            else each.newest.isoformat().replace("+00:00", "Z"),
            "age_seconds": None if each.age is None else int(each.age.total_seconds()),
            "warn": each.fresh.warn,
            "stale": each.fresh.stale,
            "rows": each.rows,
            "later": each.later,
        }
        for each in found.tables
    ]
    as_of = found.as_of.replace(tzinfo=None).isoformat() + "Z"
    return {"as_of": as_of, "state": found.state, "tables": tables}
