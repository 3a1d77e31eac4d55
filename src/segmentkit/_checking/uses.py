"""What a definition uses: everything that it names, or reads without naming it, with places."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

from segmentkit._checking.context import Names, NameUse
from segmentkit._checking.dispatcher import context
from segmentkit._diagnostics.diagnostic import Span
from segmentkit._language import syntax as t
from segmentkit.schema import Schema


@frozen(order=False)
class Use:
    """One place where a definition uses something.

    Attributes:
        kind: ``attribute``, ``link``, ``relation``, ``place``, ``channel``, ``function``,
            ``segment``, ``trait``, ``list`` or ``parameter``.
        name: What it is called; of an attribute, a link, a relation or a place with its entity, as
            in ``customers.country``.
        span: Where the definition names it, in its ``source``. Where ``implied``, the place of
            what reads it.
        implied: Whether it is read without being named: the time of a relation's rows, the key
            that a list or a sample looks at, the attributes of a place or of a channel.
    """

    kind: str
    name: str
    span: Span
    implied: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def uses_of(
    tree: t.Expr, schema: Schema, known: Names, source: str, *, is_value: bool
) -> tuple[Use, ...]:
    """What a definition that stands uses, in the order of the text.

    Args:
        tree: The definition.
        schema: What its names refer to.
        known: What they refer to beside it.
        source: The text that its places are in.
        is_value: Whether it is the value of a trait, and no condition.
    """
    ctx = context(schema, known)
    ctx.uses = []
    if is_value:
        ctx.value(tree)
    else:
        ctx.condition(tree)
    found = [_placed(each, source) for each in ctx.uses]
    found += _named(tree, schema)
    return tuple(sorted(dict.fromkeys(found), key=lambda use: (use.span.start, use.implied)))


def _placed(use: NameUse, source: str) -> Use:
    """Where a use is written; the checker also reads what stands for something else."""
    parts = parts_of(source, use.place)
    if use.part is not None and use.part < len(parts):
        part = parts[use.part]
        written = source[part.start : part.end]
        if written[0] == "`":
            written = written[1:-1].replace("``", "`")
        if f".{use.name}".endswith(f".{written}"):
            return Use(use.kind, use.name, part)
    return Use(use.kind, use.name, use.place, implied=True)


def _named(tree: t.Expr, schema: Schema) -> Iterator[Use]:
    """What is no name of an attribute, but has a place of its own in the text."""
    for node in t.every(tree):
        match node:
            case t.InSegment(name, place) | t.Membership(_, name, _, place):
                yield Use("segment", name, place)
            case t.InKeyList(name, place):
                yield Use("list", name, place)
            case t.Listed(_, name, _, place):
                yield Use("list", name, place)
            case t.Reachable(name, place):
                yield Use("channel", name, place)
            case t.Parameter(name, place):
                yield Use("parameter", name, place)
            case t.Call(name) if schema.function(name) is not None:
                yield Use("function", name, node.name_span)


_PART = re.compile(r"#[^\n]*+|(`(?:[^`\n]|``)++`|[^\W\d](?:\w|[^\x00-\x7f\s])*+)")


def parts_of(source: str, place: Span) -> list[Span]:
    """Where the parts of a name are, between which there may be points, space and comments."""
    found = _PART.finditer(source, place.start, place.end)
    return [Span(*match.span(1)) for match in found if match[1]]
