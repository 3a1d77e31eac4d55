"""``segmentkit goal``: whether goals of a catalog are reached, or what would show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pandas as pd

from segmentkit._cli._database import url_option
from segmentkit._cli._errors import Failure, definitions_of, say
from segmentkit._cli._files import FILE
from segmentkit._cli._opened_store import check_there, opened
from segmentkit._cli._output import show_json
from segmentkit._cli._values import as_of_option, bound, now_if_none, set_option
from segmentkit._definition import AsOf
from segmentkit._diagnostics.diagnostic import did_you_mean
from segmentkit.analysis import goals as of
from segmentkit.analysis import plan as planned
from segmentkit.catalog import Catalog
from segmentkit.goal import Goal
from segmentkit.sqlalchemy import Source


@click.command
@click.argument("file", type=FILE)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@url_option
@as_of_option
@set_option
@click.option("--plan", is_flag=True, help="Show which effect would show, before a goal starts.")
@click.option("--allow-stale", is_flag=True, help="Look at stale data all the same.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def goal(
    file: Path,
    names: tuple[str, ...],
    url: str,
    as_of: AsOf,
    pairs: tuple[tuple[str, str], ...],
    plan: bool,
    allow_stale: bool,
    as_json: bool,
) -> None:
    """Tell whether goals are reached, by those who were held out.

    This needs the runs of the goals' segments that a store keeps in the database. With --plan, it
    needs none.
    """
    at = now_if_none(as_of)
    stale = "allow" if allow_stale else "refuse"
    with opened(file, url) as (ready, store, database):
        asked = _chosen(bound(ready.catalog, pairs), names, str(file))
        source = Source(database.engine, ready.table)
        if not plan:
            check_there(store, database)
        with definitions_of(str(file)), database.asked("say whether goals are reached"):
            try:
                if plan:
                    found: Any = [planned(g, source, as_of=at, stale=stale) for g in asked]
                else:
                    found = [of(asked, store, source, as_of=at, stale=stale)]
            except ImportError as error:
                raise Failure(str(error)) from None
    if as_json:
        show_json([row for each in found for row in _rows(each.frame)])
        return
    for each in found:
        say(str(each))


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    known = frame.astype(object).where(frame.notna(), None)
    rows: list[dict[str, Any]] = known.to_dict(orient="records")  # type: ignore[assignment]
    return rows


def _chosen(catalog: Catalog, names: tuple[str, ...], file: str) -> list[Goal]:
    known = catalog.goals
    if not known:
        raise Failure(f"{file} has no [goals]")
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise Failure(f"no goal {name!r} in {file}" + (f"; {hint}" if hint else ""))
    return [known[name] for name in names or known]
