"""``segmentkit uses`` and ``segmentkit refactor``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from segmentkit._catalog.refactoring import Contents, Renaming
from segmentkit._catalog.renaming import renamed_schema
from segmentkit._catalog.toml_file import CatalogText
from segmentkit._checking.uses import Use
from segmentkit._cli._errors import Failure, definitions_of, each, say
from segmentkit._cli._files import FILE, difference, read_file, writing
from segmentkit.catalog import Catalog
from segmentkit.schema import Schema

_url = click.option("--url", metavar="URL", help="Read the schema from this database.")


@click.command
@click.argument("name")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@_url
@click.pass_context
def uses(ctx: click.Context, name: str, files: tuple[Path, ...], url: str | None) -> None:
    """List where catalog files use something, itself or through others.

    NAME is an attribute, a link, a relation or a place of the schema, as in customers.country;
    for others it begins with the kind: 'segment loyal', 'trait spent', 'list june_fair',
    'parameter least', 'channel email'.
    """
    ctx.exit(each(files, lambda file: _uses(name, file, url)))


def _uses(name: str, file: Path, url: str | None) -> int:
    text = read_file(file)
    schema = _schema(text, file, url)
    with definitions_of(str(file)):
        found = Catalog.of(text, schema).users_of(name)
    for user, places in found.items():
        for use in places:
            say(f"{_place(text, user, use)} {use}")
    return 0


def _place(text: CatalogText, user: str, use: Use) -> str:
    """The file and the line of a use, and whose it is."""
    kind, _, name = user.partition(" ")
    without_places: dict[str, Mapping[str, Any]] = {
        "partition": text.partitions,
        "goal": text.goals,
        "handover": text.handovers,
    }
    if user not in text.entries and name in without_places.get(kind, {}):
        return f"{text.file}:{without_places[kind][name].line} {kind} {name!r}"
    entries = text.traits if user not in text.entries and kind == "trait" else text.entries
    entry = entries[name if entries is text.traits else user]
    line = entry.line + entry.text.count("\n", 0, use.span.start)
    return f"{text.file}:{line} {entry.kind} {entry.name!r}"


@click.group
def refactor() -> None:
    """Change catalog files without changing what they mean."""


@refactor.command
@click.argument("old")
@click.argument("new")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@_url
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.pass_context
def rename(
    ctx: click.Context, old: str, new: str, files: tuple[Path, ...], url: str | None, diff: bool
) -> None:
    """Give something another name wherever catalog files name it.

    OLD is named as for 'segmentkit uses', and NEW is its new name alone: customers.country land.
    Comments and layout stay as they are. With a database whose column has been renamed already,
    the definitions that it broke are mended.
    """
    ctx.exit(each(files, lambda file: _rename(old, new, file, url, diff)))


def _rename(old: str, new: str, file: Path, url: str | None, diff: bool) -> int:
    text = read_file(file)
    schema = _schema(text, file, url)
    with definitions_of(str(file)):
        before = Catalog.of(text, _before(schema, old, new))
        after = before.rename(old, new, schema=schema if before.schema != schema else None)
    if diff:
        with writing(None) as stream:
            stream.write(difference(before.dumps(), after.dumps(), str(file)))
    else:
        with writing(file) as stream:
            stream.write(after.dumps())
    users = ", ".join(before.users_of(old))
    would = "would rename" if diff else "renamed"
    say(f"{file}: {would} {old} to {new}" + (f", used by {users}" if users else ""), error=diff)
    return 0


def _schema(text: CatalogText, file: Path, url: str | None) -> Schema:
    """The schema that the file declares, or that a database has."""
    if url is not None:
        from segmentkit._cli._database import (  # noqa: PLC0415 - loads SQLAlchemy
            connected,
            described,
        )

        with connected(url) as database:
            return described(text, str(file), database)[0]
    if text.declaration is None or not text.declaration.is_complete:
        raise Failure(
            f"{file} does not declare the attributes of its tables: give the database by --url, "
            "or declare them under [schema.tables]"
        )
    with definitions_of(str(file)):
        return text.declaration.schema()


def _before(schema: Schema, old: str, new: str) -> Schema:
    """The schema before a database renamed a column, if it has; else this one."""
    entity, _, member = old.rpartition(".")
    known = Contents.of(schema).named()
    if old in known or f"{entity}.{new}" not in known:
        return schema
    back = Renaming.of(f"{entity}.{new}", member, Contents.of(schema))
    return renamed_schema(schema, back)
