"""``segmentkit check --fix``: the hints that say one thing to write, followed in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import click
from attrs import evolve, field, frozen

from segmentkit._catalog.check import check_syntax
from segmentkit._catalog.toml_edits import TomlEdits, string_like
from segmentkit._catalog.toml_file import CatalogText, Entry, read_catalog
from segmentkit._cli._definitions import Definitions
from segmentkit._cli._errors import definitions_of, say
from segmentkit._cli._files import difference, writing
from segmentkit._diagnostics.diagnostic import Fix
from segmentkit.catalog import Catalog
from segmentkit.errors import CatalogError, Problem, UsageError
from segmentkit.schema import Schema

Look: TypeAlias = Callable[[CatalogText], Iterable[Problem]]
"""Finds all mistakes and warnings in a file."""
_Key: TypeAlias = tuple[str, str]
"""The kind and the name of a definition."""
_STEPS = 50
_OF_NOBODY = ("SK204", "SK205", "SK208", "SK209", "SK210", "SK212")
"""Warnings that tell that a fix has led to what nobody can have meant."""


@frozen
class Fixing:
    """How hints are followed.

    Attributes:
        warnings: Those of warnings, too.
        diff: What would change is shown, and nothing is written.
    """

    warnings: bool
    diff: bool


def fixing_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say how hints are followed, together as ``fixing``."""

    @wraps(command)
    def told(*args: Any, fix: bool, fix_warnings: bool, diff: bool, **others: Any) -> None:
        if diff and not (fix or fix_warnings):
            raise click.UsageError("--diff goes with --fix.")
        how = Fixing(warnings=fix_warnings, diff=diff) if fix or fix_warnings else None
        command(*args, fixing=how, **others)

    for name, does in (
        ("--diff", "With --fix: write nothing, and show what would change."),
        ("--fix-warnings", "Follow the hints of warnings, too."),
        ("--fix", "Follow the hints that say one thing to write, in the file."),
    ):
        told = click.option(name, is_flag=True, help=does)(told)
    return told


def fixed(definitions: Definitions, schema: Schema | None, how: Fixing | None) -> Definitions:
    """The definitions after their hints, which are then in the file, too; or as they are.

    Args:
        definitions: Those of a file.
        schema: What they are checked with; without one, their syntax is.
        how: How hints are followed, if they are.
    """
    if how is None:
        return definitions
    file, before = definitions.file, definitions.text
    with definitions_of(file):
        found = mended(before, lambda text: _problems(text, schema), warnings=how.warnings)
    for (kind, name), why in found.left.items():
        entry = _entries(before)[kind, name]
        say(f"{file}:{entry.line} {kind} {name!r} left alone: {why}", error=True)
    names = ", ".join(entry.name for entry in found.fixed)
    if how.diff:
        with writing(None) as stream:
            stream.write(difference(before.content, found.text.content, file))
    elif names:
        with writing(Path(file)) as stream:
            stream.write(found.text.content)
    if names:
        say(f"{file}: {'would fix' if how.diff else 'fixed'} {names}", error=True)
    return definitions if how.diff else evolve(definitions, text=found.text)


def _problems(text: CatalogText, schema: Schema | None) -> Iterable[Problem]:
    """All mistakes in a file, and the warnings of what is right."""
    try:
        if schema is None:
            check_syntax(text)
            return ()
        return warnings_of(text, Catalog.of(text, schema))
    except CatalogError as error:
        if schema is None:
            return error.problems
        standing = Catalog.of(text, schema, skip_broken=True)
        return [*error.problems, *warnings_of(text, standing)]


def warnings_of(text: CatalogText, catalog: Catalog) -> list[Problem]:
    """The warnings of a file's segments, as far as a catalog has them."""
    return [
        text.problem(name, warning)
        for name in text.entries
        if name in catalog
        for warning in catalog.unbound(name).warnings
    ]


@frozen
class Mended:
    """What the hints make of a file.

    Attributes:
        text: The file.
        fixed: The definitions that are other now.
        left: The definitions that stay as they are, and why.
    """

    text: CatalogText
    fixed: list[Entry] = field(factory=list)
    left: dict[_Key, str] = field(factory=dict)


def mended(text: CatalogText, look: Look, *, warnings: bool) -> Mended:
    """Follow the hints of mistakes, each to the letter, until nothing is left to follow.

    A definition whose hints lead to another mistake stays as it is.

    Args:
        text: The file.
        look: Finds what is wrong with a file.
        warnings: Whether the hints of warnings are followed, too.

    Returns:
        The file, with comments and layout as they were.
    """
    left: dict[_Key, str] = {}
    while True:
        found, more = _followed(text, look, left, warnings=warnings)
        if not more:
            pairs = zip(_entries(text).values(), _entries(found).values(), strict=True)
            return Mended(found, [old for old, new in pairs if old.text != new.text], left)
        left |= more


def _followed(
    text: CatalogText, look: Look, left: Iterable[_Key], *, warnings: bool
) -> tuple[CatalogText, dict[_Key, str]]:
    """The file after all hints but those of some definitions; and which of it is no good."""
    changed: set[_Key] = set()
    for _ in range(_STEPS):
        fixes: dict[_Key, Fix | None] = {}
        wrong: dict[_Key, str] = {}
        for each in look(text):
            key, found = (each.kind, str(each.name)), each.diagnostic
            if key not in _entries(text) or key in left:
                continue
            if not found.is_warning or warnings:
                fixes[key] = fixes.get(key) or found.fix
            if not found.is_warning or found.code in _OF_NOBODY:
                wrong.setdefault(key, f"its hints end at {found.code}")
        fixes = {key: fix for key, fix in fixes.items() if fix is not None}
        if not fixes:
            return text, {key: why for key, why in wrong.items() if key in changed}
        for key, fix in fixes.items():
            assert fix is not None
            try:
                text = _with(text, _entries(text)[key], fix)
            except UsageError as error:
                return text, {key: str(error)}
        changed |= set(fixes)
    return text, dict.fromkeys(fixes, "its hints have no end")


def _entries(text: CatalogText) -> dict[_Key, Entry]:
    return {(e.kind, e.name): e for e in (*text.entries.values(), *text.traits.values())}


def _with(text: CatalogText, entry: Entry, fix: Fix) -> CatalogText:
    """The file with one definition changed, and nothing else.

    Raises:
        UsageError: It is written in a way in which this cannot be done.
    """
    edits, after = TomlEdits(text.content), fix.apply(entry.text)
    table, key = edits.place(entry)
    written = table[key].as_string()
    if written[0] == "'" in fix.text and "\n" not in written:  # where it needs other quotes
        edits.put(table, key, string_like(after, written))
    else:
        edits.change(table, key, [(fix.span, fix.text)])
    try:
        found = read_catalog(edits.text(), file=text.file, folder=text.folder, limits=text.limits)
    except CatalogError:
        found = text
    if _entries(found)[entry.kind, entry.name].text != after:
        raise UsageError("it cannot be changed where it stands")
    return found
