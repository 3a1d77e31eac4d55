"""``segmentkit check``."""

from __future__ import annotations

from pathlib import Path

import click

from segmentkit._catalog.check import check_syntax
from segmentkit._catalog.toml_file import CatalogText
from segmentkit._cli._errors import WRONG, definitions_of, each, printable
from segmentkit._cli._files import FILE, read_file
from segmentkit.catalog import Catalog


@click.command
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option("--url", metavar="URL", help="Check against this database (an SQLAlchemy URL).")
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], url: str | None, strict: bool) -> None:
    """Check the definitions in catalog files.

    With a complete [schema] in the file, or with a database, everything is checked. Otherwise
    only syntax and the references between segments are checked, and the command says so.
    """
    ctx.exit(each(files, lambda file: _check(file, url, strict)))


def _check(file: Path, url: str | None, strict: bool) -> int:
    text = read_file(file)
    catalog = _checked(text, str(file), url)
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
        click.echo(printable(warning), err=True)
    found = f", {_count(len(warnings), 'warning')}" if warnings else ""
    click.echo(f"{file}: {_contents(text)}, no mistakes{found}")
    return WRONG if strict and warnings else 0


def _checked(text: CatalogText, file: str, url: str | None) -> Catalog | None:
    if url is not None:
        from segmentkit._cli._database import (  # noqa: PLC0415 - loads SQLAlchemy, rarely needed
            connected,
            prepared,
        )

        with connected(url) as database:
            return prepared(text, file, database).catalog
    if text.declaration is None or not text.declaration.is_complete:
        return None
    with definitions_of(file):
        return Catalog.of(text, text.declaration.schema())


def _contents(text: CatalogText) -> str:
    """How many of each there are; of what there is none, nothing is said."""
    others = ((text.traits, "trait"), (text.lists, "list"), (text.partitions, "partition"))
    found = [_count(len(items), noun) for items, noun in others if items]
    return ", ".join([_count(len(text.entries), "segment"), *found])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
