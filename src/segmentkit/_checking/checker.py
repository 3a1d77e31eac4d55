"""Syntax tree × schema → typed tree. Finds every mistake; what is unknown is poisoned once."""

from __future__ import annotations

from collections.abc import Mapping

from segmentkit._checking import aggregates, foreign_forms, names, references
from segmentkit._checking.cases import is_condition
from segmentkit._checking.context import Checked, CheckedValue, Context, Names, in_brackets
from segmentkit._checking.dispatcher import context
from segmentkit._checking.durations import is_uneven
from segmentkit._checking.sql_depth import MOST, is_deeper
from segmentkit._diagnostics.diagnostic import Diagnostic, advice, hinted, write
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree, is_writable
from segmentkit._planning import ir
from segmentkit._planning.traversal import size_of
from segmentkit.dtypes import VERSION, Kind
from segmentkit.schema import Channel, Schema

MAX_SIZE = 50_000
"""Nodes of a typed tree, references written out."""


def check(tree: t.Expr, schema: Schema, source: str, known: Names) -> Checked:
    """What a definition means; ``source`` is the text that its places are in.

    Raises:
        SegmentTypeError: The definition does not fit the schema; carries every mistake.
        SchemaError: A channel that it names is declared wrongly.
    """
    ctx = context(schema, known, source=source)
    condition = ctx.condition(tree)
    _check_size(ctx, tree, condition)
    _translate(ctx, tree)
    ctx.raise_errors(source)
    parameters = tuple(ctx.parameters.items())
    return Checked(condition, parameters, tuple(ctx.used_traits), tuple(ctx.used_lists))


def check_trait(
    name: str, tree: t.Expr, schema: Schema, source: str, traits: Mapping[str, CheckedValue]
) -> CheckedValue:
    """What a trait of some name means.

    Raises:
        SegmentTypeError: It does not fit the schema, or is no value; carries every mistake.
    """
    ctx = context(schema, Names(traits=traits), source=source)
    _check_free(ctx, name)
    value = None
    if is_condition(tree):
        ctx.condition(tree)
        hint = advice("name_as_segment")
        ctx.error("SK140", tree.span, what=term("a condition"), hint=hint)
    else:
        value = ctx.value(tree)
    if value is not None and value.dtype.kind is Kind.ANNIVERSARY:
        ctx.error("SK140", tree.span, what=term("a day of the year"))
    if value is not None and value.dtype == VERSION:
        ctx.error("SK193", tree.span, text=format_tree(tree))
    if value is not None and is_uneven(value):
        ctx.error("SK184", tree.span, text=format_tree(tree))
    if value is not None:
        _check_size(ctx, tree, value)
    ctx.raise_errors(source)
    return CheckedValue(value, tuple(ctx.parameters.items()), tuple(ctx.used_traits))


def check_channel(channel: Channel, schema: Schema) -> None:
    """Make sure that a channel is declared as it must be.

    Raises:
        SchemaError: It is not.
    """
    references.channel_condition(context(schema, Names()), channel, t.NOWHERE)


def warnings_of(tree: t.Expr, schema: Schema, known: Names, source: str) -> tuple[Diagnostic, ...]:
    """What there is to say about a definition that stands, in the order of the text.

    A pass of its own, because most definitions are evaluated far more often than they are read.
    """
    ctx = context(schema, known, warn=True, source=source)
    ctx.condition(tree)
    found = (in_brackets(warning, source) for warning, _ in ctx.warnings)
    return tuple(sorted(found, key=lambda w: w.span.start))


# -- parts of a definition that stands ------------------------------------------------------------


def value_of(tree: t.Expr, schema: Schema, known: Names) -> ir.Value | None:
    """What a part of a definition that stands means; None if it is no value, as a place is none."""
    ctx = context(schema, known)
    value = names.tested(ctx, tree)
    if ctx.errors or value is None or value.dtype.kind is Kind.ANNIVERSARY:
        return None
    return value


def is_list(tree: t.Expr, schema: Schema, known: Names) -> bool:
    """Whether a part of a definition that stands is a list of texts: an attribute, or a table."""
    ctx = context(schema, known)
    if aggregates.table_of_texts(ctx, tree) is not None:
        return True
    value = names.tested(ctx, tree) if isinstance(tree, t.Name) else None
    return value is not None and value.dtype.kind is Kind.TEXTS


def coordinates_of(tree: t.Expr, schema: Schema) -> list[t.Expr]:
    """The attributes of a place of the schema; none if a part of a definition names no place."""
    columns = names.place(context(schema, Names()), tree) or ()
    return [t.Name((*c.links, c.name), t.NOWHERE) for c in columns if isinstance(c, ir.Column)]


# -- what else must hold --------------------------------------------------------------------------


def _check_size(ctx: Context, tree: t.Expr, meaning: ir.Condition | ir.Value) -> None:
    if ctx.errors:
        return
    # Without references a tree is no larger than its text.
    if (ctx.names.segments or ctx.names.traits) and size_of(meaning, MAX_SIZE) > MAX_SIZE:
        ctx.error("SK127", tree.span, limit=MAX_SIZE)
    elif is_deeper(meaning, MOST):
        ctx.error("SK007", tree.span)


def _translate(ctx: Context, tree: t.Expr) -> None:
    """Of what has another form elsewhere, one mistake is told: how it is written here."""
    if not ctx.errors:
        return
    for node, meant in foreign_forms.rewritten(ctx.schema, tree):
        place = node.span
        within = [e for e in ctx.errors if place.start <= e.span.start and e.span.end <= place.end]
        if not within:
            continue
        hint = write(format_tree(meant))
        ctx.errors[:] = [each for each in ctx.errors if each not in within]
        ctx.errors.append(hinted(within[0], hint, place))


def _check_free(ctx: Context, name: str) -> None:
    """A definition can write what a trait is called, and nothing else of the entity is."""
    if not is_writable(name):
        ctx.error("SK148", t.NOWHERE, name=repr(name))
    entity = ctx.schema.entity
    kinds = {"an attribute": entity.attribute, "a link": entity.link, "a relation": entity.relation}
    for what, of in kinds.items():
        if of(name) is not None:
            ctx.error("SK141", t.NOWHERE, name=name, what=term(what), entity=entity.name)
