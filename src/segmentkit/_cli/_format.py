"""``segmentkit format``: rewrites definitions and leaves every other byte alone."""

from __future__ import annotations

import difflib
import io
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import tomlkit
from attrs import frozen
from tomlkit.exceptions import TOMLKitError

from segmentkit._catalog.toml_file import BYTE_ORDER_MARK, CatalogText, Entry, read_catalog
from segmentkit._cli._errors import WRONG, Failure, definitions_of, each
from segmentkit._cli._files import FILE, read_bytes, writing
from segmentkit.errors import CatalogError, DefinitionError, Problem
from segmentkit.segment import format_definition

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
        click.echo(f"{place} left alone: {why}", err=True)
    if diff:
        click.echo(_difference(text, result.text, str(file)), nl=False)
    if result.changed and not (check or diff):
        with writing(file) as stream:
            stream.write(mark + result.text)
    would = "would rewrite" if check or diff else "rewrote"
    names = f"{would} {', '.join(result.changed)}" if result.changed else "nothing to rewrite"
    click.echo(f"{file}: {names}", err=diff)
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
        Failure: The file is written in a way in which definitions cannot be replaced.
    """
    literals = _Literals(text)
    changed: list[tuple[Entry, str]] = []
    left: list[tuple[Entry, str]] = []
    for entry, canonical in _canonical(read):
        if entry.text == canonical:
            continue
        if any(match[1] for match in _COMMENT.finditer(entry.text)):
            left.append((entry, "its definition has a comment"))
        elif "\n" not in literals.of(entry):
            changed.append((entry, canonical))
        elif "".join(entry.text.split()) != "".join(canonical.split()):
            left.append((entry, "its definition is on several lines"))
    names = [entry.name for entry, _ in changed]
    return Formatted(literals.replaced(changed) if changed else text, names, left)


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


class _Literals:
    """The TOML strings in which a file writes its definitions."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._document = tomlkit.parse(text)
        except TOMLKitError as error:
            raise Failure(f"cannot find the definitions: {error}") from None

    def of(self, entry: Entry) -> str:
        """The string as it is written, quotes and all."""
        table, key = self._place(entry)
        written: str = table[key].as_string()
        return written

    def _place(self, entry: Entry) -> tuple[Any, str]:
        """The table that holds a definition, and under which key."""
        table: Any = self._document[f"{entry.kind}s"]
        if isinstance(table[entry.name], str):
            return table, entry.name
        return table[entry.name], "where" if entry.kind == "segment" else "value"

    def replaced(self, definitions: list[tuple[Entry, str]]) -> str:
        """The file's text with other definitions.

        Marks take the place of the strings, so that what stands between them is known to be
        as it was before anything is put there.
        """
        old: dict[str, str] = {}
        new: dict[str, str] = {}
        for entry, definition in definitions:
            mark = uuid4().hex
            old[f"'{mark}'"] = self.of(entry)
            new[f"'{mark}'"] = _literal(definition, like=self.of(entry))
            table, key = self._place(entry)
            table[key] = tomlkit.string(mark, literal=True)
        marked = self._document.as_string()
        if _filled(marked, old) != self.text:
            raise Failure("the definitions cannot be replaced without changing more of the file")
        return _filled(marked, new)


def _filled(marked: str, strings: dict[str, str]) -> str:
    pattern = re.compile("|".join(map(re.escape, strings)))
    return pattern.sub(lambda match: strings[match[0]], marked)


def _literal(definition: str, *, like: str) -> str:
    """A definition as a TOML string, in the quotes that it had if nothing needs escapes there."""
    had = like[:3] if like[:3] in ("'''", '"""') else like[0]
    plain = definition.isprintable()
    fits = {
        "'": plain and "'" not in definition,
        '"': plain and not {'"', "\\"} & set(definition),
        "'''": plain and "''" not in definition and not definition.endswith("'"),
        '"""': plain and '""' not in definition and not re.search(r'\\|"$', definition),
    }
    for quotes in (had, "'", '"', "'''"):
        if fits[quotes]:
            return f"{quotes}{definition}{quotes}"
    return tomlkit.string(definition).as_string()


def _difference(before: str, after: str, file: str) -> str:
    old, new = (list(io.StringIO(text, newline="\n")) for text in (before, after))
    lines = difflib.unified_diff(old, new, file, file)
    end = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + end for line in lines)
