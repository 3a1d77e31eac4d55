"""References of the customer as a whole: segments, static lists, channels."""

from __future__ import annotations

from typing import Any, assert_never

from attrs import evolve

from segmentkit._checking import surprises
from segmentkit._checking.coercion import as_uuid
from segmentkit._checking.context import Context, Names
from segmentkit._diagnostics.diagnostic import Span, advice, likely
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_reference, format_tree
from segmentkit._language.parser import parse
from segmentkit._planning import ir
from segmentkit.dtypes import INTEGER, TEXT
from segmentkit.errors import DefinitionError, SchemaError
from segmentkit.keylist import KeyList, kind_of_key
from segmentkit.schema import Channel


def reference(ctx: Context, node: t.InSegment | t.InKeyList | t.Reachable) -> ir.Condition:
    """``in segment``, ``in list`` and ``reachable by``."""
    if ctx.row is not None:
        ctx.error("SK113", node.span, hint=advice("join_outside"))
        return ir.FALSE
    match node:
        case t.InSegment():
            return _in_segment(ctx, node)
        case t.InKeyList():
            return _in_key_list(ctx, node)
        case t.Reachable():
            return _reachable(ctx, node)
        case _:
            assert_never(node)


def _in_segment(ctx: Context, node: t.InSegment) -> ir.Condition:
    found = ctx.names.segments.get(node.name)
    if found is None:
        hint = likely(node.name, ctx.names.segments, format_reference) or advice("no_segments")
        ctx.error("SK117", node.name_span, name=node.name, hint=hint)
        return ir.FALSE
    ctx.adopt(found.parameters, node.span)
    return found.condition


def _in_key_list(ctx: Context, node: t.InKeyList) -> ir.Condition:
    found = _list(ctx, node)
    entity = ctx.schema.entity
    key = entity.key_attribute
    if found is None:
        return ir.FALSE
    if key is None or key.dtype not in (INTEGER, TEXT):
        expected = term("an attribute" if key is None else "an integer or a text")
        values: dict[str, Any] = {"entity": entity.name, "key": entity.key, "expected": expected}
        ctx.error("SK145", node.span, **values)
        return ir.FALSE
    ctx.use("attribute", entity, key.name, node.span)
    column = ir.Column(ir.Scope.ENTITY, (), key.name, key.dtype, key.nullable)
    return _on_list(ctx, node, f"{entity.name}.{key.name}", column, found, uuid=key.uuid)


def listed(ctx: Context, node: t.Listed, negative: bool) -> ir.Condition:
    """``zip in list service_area``, of the customer or of a row."""
    value, found = ctx.value(node.operand), _list(ctx, node)
    if value is None or found is None:
        return ir.FALSE
    if negative is not node.negated:
        surprises.of_missing(ctx, node.operand, value)
    attribute = ctx.declared.get(value)
    uuid = attribute is not None and attribute.uuid
    test = _on_list(ctx, node, format_tree(node.operand), value, found, uuid=uuid)
    return ir.complement(test) if node.negated else test


def _list(ctx: Context, node: t.InKeyList | t.Listed) -> KeyList | None:
    found = ctx.names.lists.get(node.name)
    if found is None:
        hint = likely(node.name, ctx.names.lists, format_reference) or advice("no_lists")
        ctx.error("SK143", node.name_span, name=node.name, hint=hint)
        return None
    ctx.used_lists[node.name] = None
    return found


def _on_list(
    ctx: Context,
    node: t.InKeyList | t.Listed,
    place: str,
    value: ir.Value,
    found: KeyList,
    *,
    uuid: bool,
) -> ir.Condition:
    fits = value.dtype in (INTEGER, TEXT)
    if not fits or (found.keys and found.dtype != value.dtype):
        held = term({INTEGER: "integers", TEXT: "texts"}[found.dtype])
        told: dict[str, Any] = {
            "name": node.name,
            "held": held,
            "key": place,
            "what": kind_of_key(value.dtype),
        }
        ctx.error("SK144", node.span, **told)
        return ir.FALSE
    keys = frozenset(as_uuid(each) or each for each in found.keys) if uuid else found.keys
    return ir.Listed(value, found.name, keys)


def _reachable(ctx: Context, node: t.Reachable) -> ir.Condition:
    channel = ctx.schema.channel(node.name)
    if channel is None:
        names = [c.name for c in ctx.schema.channels]
        hint = likely(node.name, names, format_reference) or advice("no_channels")
        ctx.error("SK146", node.name_span, name=node.name, hint=hint)
        return ir.FALSE
    return channel_condition(ctx, channel, node.span)


def channel_condition(ctx: Context, channel: Channel, place: Span) -> ir.Condition:
    """That there is an address, and that there is consent; both are named by the schema alone.

    Raises:
        SchemaError: The channel is declared wrongly.
    """
    alone = ctx.afresh(evolve(ctx.schema, channels=()), Names())
    alone.uses = None if ctx.uses is None else []
    try:
        address = _address(alone, channel)
        consent = alone.condition(parse(channel.consent))
        alone.raise_errors(channel.consent)
    except DefinitionError as error:
        raise SchemaError(f"channel {channel.name!r} is declared wrongly\n{error}") from None
    if alone.parameters:
        raise SchemaError(f"channel {channel.name!r}: a channel has no parameters")
    for each in alone.uses or ():
        ctx.use(each.kind, None, each.name, place)
    return ir.conjunction([address, consent])


def _address(ctx: Context, channel: Channel) -> ir.Condition:
    """That there is an address; the empty text is none."""
    value = ctx.value(parse(channel.address))
    ctx.raise_errors(channel.address)
    assert value is not None
    present = ir.Not(ir.Missing(value))
    if value.dtype != TEXT:
        return present
    empty = ir.Compare(ir.Comparison.EQ, value, ir.Const("", TEXT))
    return ir.conjunction([present, ir.complement(empty)])
