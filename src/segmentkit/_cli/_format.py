"""``segmentkit format``: rewrites definitions and leaves every other byte alone."""

from __future__ import annotations

import re
from pathlib import Path

import click
from attrs import frozen

from segmentkit._catalog.toml_edits import TomlEdits, string_like
from segmentkit._catalog.toml_file import BYTE_ORDER_MARK, CatalogText, Entry, read_catalog
from segmentkit._cli._errors import WRONG, definitions_of, each, say
from segmentkit._cli._files import FILE, difference, read_bytes, writing
from segmentkit.errors import CatalogError, DefinitionError, Problem
from segmentkit.expr import format_definition

# Strings and names in backquotes, which may hold a "#", or the "#" that begins a comment.
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`(?:[^`]|``)+`|(#)', re.DOTALL)


@frozen
class Formatted:
    """What formatting makes of a file.

    Attributes:
        text: The file's text.
        changed: The names of what is rewritten.
        left: Definitions that are not canonical and stay so, and why.
    """

    text: str
    changed: list[str]
    left: list[tuple[Entry, str]]


@click.command
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.pass_context
def format(ctx: click.Context, files: tuple[Path, ...], check: bool, diff: bool) -> None:
    """Write definitions in catalog files in their canonical form.

    Everything else in the file stays as it is, byte for byte. Definitions with several lines or
    with comments are left alone too, and are named if they are not canonical.
    """
    ctx.exit(each(files, lambda file: _format(file, check, diff)))


def _format(file: Path, check: bool, diff: bool) -> int:
    content = read_bytes(file)
    with definitions_of(str(file)):
        read = read_catalog(content, file=str(file))
        text = content.decode("utf-8")
        mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
        text = text.removeprefix(mark)
        result = formatted(text, read)
    for entry, why in result.left:
        place = f"{file}:{entry.line} {entry.kind} {entry.name!r}"
        say(f"{place} left alone: {why}", error=True)
    if diff:
        with writing(None) as stream:
            stream.write(difference(text, result.text, str(file)))
    if result.changed and not (check or diff):
        with writing(file) as stream:
            stream.write(mark + result.text)
    would = "would rewrite" if check or diff else "rewrote"
    names = f"{would} {', '.join(result.changed)}" if result.changed else "nothing to rewrite"
    say(f"{file}: {names}", error=diff)
    return WRONG if check and result.changed else 0


def formatted(text: str, read: CatalogText) -> Formatted:
    """Rewrite the definitions of a file.

    Args:
        text: The file's text.
        read: The same file, read.

    Returns:
        The new text and what was done.

    Raises:
        CatalogError: Definitions do not follow the grammar.
        UsageError: The file is written in a way in which definitions cannot be replaced.
    """
    edits = TomlEdits(text)
    changed: list[tuple[Entry, str]] = []
    left: list[tuple[Entry, str]] = []
    for entry, canonical in _canonical(read):
        if entry.text == canonical:
            continue
        if any(match[1] for match in _COMMENT.finditer(entry.text)):
            left.append((entry, "its definition has a comment"))
        elif "\n" not in _written(edits, entry):
            changed.append((entry, canonical))
        elif "".join(entry.text.split()) != "".join(canonical.split()):
            left.append((entry, "its definition is on several lines"))
    for entry, canonical in changed:
        edits.put(*edits.place(entry), string_like(canonical, _written(edits, entry)))
    names = [entry.name for entry, _ in changed]
    return Formatted(edits.text() if changed else text, names, left)


def _written(edits: TomlEdits, entry: Entry) -> str:
    """The string of a definition, quotes and all."""
    table, key = edits.place(entry)
    written: str = table[key].as_string()
    return written


def _canonical(read: CatalogText) -> list[tuple[Entry, str]]:
    """The definitions of segments and traits, each with its canonical form."""
    found: list[tuple[Entry, str]] = []
    problems: list[Problem] = []
    for entry in (*read.entries.values(), *read.traits.values()):
        try:
            found.append((entry, format_definition(entry.text)))
        except DefinitionError as error:
            problems += [entry.problem(each, read.file) for each in error.diagnostics]
    if problems:
        raise CatalogError(problems)
    return found
