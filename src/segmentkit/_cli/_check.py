"""``segmentkit check``."""

from __future__ import annotations

from pathlib import Path

import click

from segmentkit._catalog.check import check_syntax
from segmentkit._catalog.toml_file import CatalogText
from segmentkit._cli._errors import WRONG, definitions_of, each, printable, show
from segmentkit._cli._files import FILE, read_file
from segmentkit.catalog import Catalog


@click.command
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option("--url", metavar="URL", help="Check against this database (an SQLAlchemy URL).")
@click.option(
    "--database",
    is_flag=True,
    help="Check the database too: its types, keys, links, times, indexes and statistics.",
)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.pass_context
def check(
    ctx: click.Context, files: tuple[Path, ...], url: str | None, database: bool, strict: bool
) -> None:
    """Check the definitions in catalog files.

    With a complete [schema] in the file, or with a database, everything is checked. Otherwise
    only syntax and the references between segments are checked, and the command says so.
    """
    if database and url is None:
        raise click.UsageError("--database needs a --url")
    ctx.exit(each(files, lambda file: _check(file, url, database, strict)))


def _check(file: Path, url: str | None, database: bool, strict: bool) -> int:
    text = read_file(file)
    catalog, wrong = _checked(text, str(file), url, database)
    if catalog is None:
        with definitions_of(str(file)):
            check_syntax(text)
        click.echo(
            f"{file}: {_contents(text)}, syntax and references are right; names and types were "
            "not checked: declare the attributes in [schema.tables], or give a --url"
        )
        return 0
    warnings = [
        text.problem(name, warning).render()
        for name in text.entries
        for warning in catalog.unbound(name).warnings
    ]
    for warning in warnings:
        show(printable(warning), error=True)
    found = f", {_count(len(warnings), 'warning')}" if warnings else ""
    click.echo(f"{file}: {_contents(text)}, no mistakes{found}")
    return WRONG if wrong or (strict and warnings) else 0


def _checked(
    text: CatalogText, file: str, url: str | None, database: bool
) -> tuple[Catalog | None, bool]:
    """The catalog, if what there is allows to check it; and whether the database is wrong."""
    if url is not None:
        from segmentkit._cli._database import (  # noqa: PLC0415 - loads SQLAlchemy, rarely needed
            connected,
            prepared,
            verified,
        )

        with connected(url) as reached:
            ready = prepared(text, file, reached)
            wrong = database and verified(ready, reached)
            return ready.catalog, wrong
    if text.declaration is None or not text.declaration.is_complete:
        return None, False
    with definitions_of(file):
        return Catalog.of(text, text.declaration.schema()), False


def _contents(text: CatalogText) -> str:
    """How many of each there are; of what there is none, nothing is said."""
    others = ((text.traits, "trait"), (text.lists, "list"), (text.partitions, "partition"))
    found = [_count(len(items), noun) for items, noun in others if items]
    return ", ".join([_count(len(text.entries), "segment"), *found])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
