"""Names with signs and spaces, as columns of files have them, that stand without backquotes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from segmentkit._diagnostics.diagnostic import Diagnostic, Span, hinted, write
from segmentkit._language.formatter import format_name
from segmentkit._language.given import Definition, Read
from segmentkit.errors import SegmentSyntaxError
from segmentkit.schema import Schema


def read(given: Definition, schema: Schema) -> Read:
    """Read a text, or check a tree.

    Raises:
        SegmentSyntaxError: It is not a definition.
        TypeError: It is neither.
    """
    try:
        return Read.of(given)
    except SegmentSyntaxError as error:
        found = in_backquotes(error.diagnostics, error.source, schema)
        raise SegmentSyntaxError(found, error.source) from None


def in_backquotes(found: Iterable[Diagnostic], source: str, schema: Schema) -> list[Diagnostic]:
    """The mistakes, of which those within a name of the schema say how it is written."""
    names: set[str] = set()
    for entity in schema.entities:
        for parts in (entity.attributes, entity.links, entity.relations):
            names |= {part.name for part in parts if re.search(r"\W", part.name)}
    if not names:
        return list(found)
    known = "|".join(map(_pattern, sorted(names, key=len, reverse=True)))
    places = re.finditer(rf"(?P<name>{known})|{_QUOTED}", source)
    here = [each for each in places if each["name"]]
    kept: dict[object, Diagnostic] = {}
    for each in found:
        name = next((n for n in here if _is_within(each.span.start, n)), None)
        if name is None:
            kept[len(kept)] = each
        else:
            hint = write(format_name(name[0]))
            kept.setdefault(name.span(), hinted(each, hint, Span(*name.span())))
    return list(kept.values())


_QUOTED = r"""\"(?:[^"\\]|\\.)*"|`[^`]*`|'[^']*'|\[[^\]]*\]|\{[^}]*\}"""
"""What other hints are for, and what is right."""


def _is_within(place: int, name: re.Match[str]) -> bool:
    if name[0].startswith("#"):  # a comment, so that what is missing is missing before or after it
        return place >= len(name.string[: name.start()].rstrip())
    return name.start() <= place < name.end()


def _pattern(name: str) -> str:
    """What finds a name, but not within a word."""
    begins = r"(?<![\w`])" if re.match(r"\w", name) else ""
    ends = r"(?![\w`])" if re.match(r"\w", name[-1]) else ""
    return f"{begins}{re.escape(name)}{ends}"
