"""Streaks: how many days, weeks, months, quarters or years in a row have rows."""

from __future__ import annotations

import re

from attrs import evolve

from segmentkit._checking.aggregates import aggregate
from segmentkit._checking.context import Context
from segmentkit._diagnostics.diagnostic import Hint, advice, write
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import DATE, INTEGER
from segmentkit.functions import AggregateSignature

_PARTS = ("day", "week", "month", "quarter", "year")
"""The parts of the calendar that come one after the other; the shortest first."""
_NUMBERS = (t.Literal, t.Duration, t.Arithmetic, t.Negative)


def streak(ctx: Context, node: t.Call, function: AggregateSignature) -> ir.Aggregate | None:
    """``streak(day(visits.at))``; None after an error."""
    argument, *others = node.arguments
    if others:
        told = {"expected": term("one argument"), "given": len(node.arguments)}
        hint = _of_two(ctx, node) or _of_number(ctx, node) or advice("SK196")
        ctx.error("SK111", node.span, hint=hint, name=node.name, **told)
        return None
    found = aggregate(ctx, node, function)
    if found is None:
        return None
    match argument, found.value:
        case t.Call(name), ir.Call(part, times) if name in _PARTS:
            # Which day it is stands once, and its month or week is told by it.
            day = ir.Call("day", times, DATE)
            return evolve(found, value=ir.Call(f"ordinal of {part}", (day,), INTEGER))
        case _:
            meant = _meant(node, argument, found.value)
            ctx.error("SK196", argument.span, text=format_tree(argument), hint=meant)
            return None


def _meant(node: t.Call, argument: t.Expr, value: ir.Value | None) -> Hint | None:
    """What was probably meant by another value of a row."""
    calls = [each for each in t.every(argument) if isinstance(each, t.Call)]
    parts = [each for each in calls if each.name in _PARTS]
    if isinstance(argument, t.Arithmetic) and parts:
        # Months that are counted from some year on, or days that are moved alike.
        inside = [n for each in parts for n in t.every(each)]
        rest = [n for n in t.every(argument) if n not in inside]
        if all(isinstance(n, _NUMBERS) for n in rest):
            return _written(node, min(parts, key=lambda each: _PARTS.index(each.name)))
    if value is not None and value.dtype.is_time and not parts:
        return _written(node, _part("day", argument))
    return None


def _of_two(ctx: Context, node: t.Call) -> Hint | None:
    """What was probably meant by a time and a word for a part of the calendar."""
    for i, each in enumerate(node.arguments):
        match each:
            case t.Name((word,)) | t.Literal(str() as word) if word.removesuffix("s") in _PARTS:
                rest = (*node.arguments[:i], *node.arguments[i + 1 :])
                time = _time(ctx, rest[0]) if len(rest) == 1 else None
                return _written(node, _part(word.removesuffix("s"), time)) if time else None
            case _:
                pass
    return None


def _time(ctx: Context, node: t.Expr) -> t.Name | None:
    """The time of rows; the one that their relation declares, where only the rows are named."""
    match node:
        case t.Name((rows,)):
            relation = ctx.schema.entity.relation(rows)
            return t.Name((rows, relation.at)) if relation and relation.at else None
        case t.Name():
            return node
        case _:
            return None


def _of_number(ctx: Context, node: t.Call) -> Hint | None:
    """What was probably meant by a number behind the time: the shortest streak that passes."""
    match node.arguments:
        case (t.Call() | t.Name() as time, t.Literal(int() as least)) if not _COMPARED.match(
            ctx.source, node.span.end
        ):
            alone = evolve(node, arguments=(time,))
            return write(f"{format_tree(alone)} >= {least}", span=node.span)
        case _:
            return None


_COMPARED = re.compile(r"\s*(?:[<>=!+*/-]|(?:not|in|between|is)\b)", re.IGNORECASE)


def _part(name: str, time: t.Expr) -> t.Call:
    return t.Call(name, (time,), False, None, None, None, t.NOWHERE, t.NOWHERE)


def _written(node: t.Call, value: t.Expr) -> Hint:
    return write(format_tree(evolve(node, arguments=(value,))), span=node.span)
