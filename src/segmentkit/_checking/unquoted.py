"""Texts and values that stand where names do, or a condition: without quotes, or behind ``or``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import evolve

from segmentkit._checking.coercion import kind_of, literal_dtype
from segmentkit._checking.context import Context
from segmentkit._checking.hints import (
    compared,
    is_missing_word,
    is_stray,
    left_out,
    look_alike,
    one_step_away,
    truth,
    unquoted,
)
from segmentkit._diagnostics.diagnostic import Diagnostic, Hint, advice, hinted, suggest, write
from segmentkit._language import syntax as t
from segmentkit._language.foreign_words import NUMBERS
from segmentkit._language.formatter import format_text, format_tree
from segmentkit._language.look_alikes import in_latin
from segmentkit.dtypes import BOOLEAN, TEXT, DType
from segmentkit.schema import Entity


def quote_unknown(
    ctx: Context, node: t.Expr, dtype: DType | None, *, written_out: bool = False
) -> None:
    """Where a text must stand, an unknown name is one without quotes; or a word for a truth.

    Args:
        ctx: The pass.
        node: What stands there.
        dtype: What must.
        written_out: Whether no attribute can stand there.
    """
    if not ctx.errors or dtype is None:
        return  # a trait that is broken is a name without a meaning, and told of elsewhere
    last = ctx.errors[-1]
    if not node.span.start <= last.span.start < node.span.end:
        return
    if dtype == TEXT:
        if last.code == "SK101":
            _quote(ctx, node, last, written_out)
        return
    if isinstance(node, t.Name) and left_out(ctx, _here(ctx), node.parts[0]):
        return
    hint: Hint | None = None
    match node:
        case t.Name((word,)) if last.code == "SK101" and dtype == BOOLEAN and truth(word):
            hint = write(str(truth(word)))
        case t.Name((word,)) if (
            last.code == "SK101" and dtype.is_number and word.lower() in NUMBERS
        ):
            hint = write(str(NUMBERS[word.lower()]))
        case t.Duration(number) if dtype.is_number:
            text = format_tree(number)
            hint = advice("number_without_unit", text, number=text)
        case _:
            pass
    if hint is not None:
        ctx.errors[-1] = hinted(last, hint, node.span)


def meant_dtype(ctx: Context, node: t.Expr) -> DType | None:
    """The type of the attribute whose misspelled name this is."""
    if not isinstance(node, t.Name) or len(node.parts) > 1:
        return None
    entity = _here(ctx)
    close = suggest(node.parts[0], [a.name for a in entity.attributes], cutoff=0.75)
    attribute = entity.attribute(close) if close is not None else None
    return attribute.dtype if attribute is not None else None


def _quote(ctx: Context, node: t.Expr, last: Diagnostic, written_out: bool) -> None:
    text = _unquoted_text(ctx, node)
    if text is None:
        return
    if text.lower() in ("empty", "blank"):
        ctx.errors[-1] = hinted(last, advice("empty_or_missing"))
        return
    if is_missing_word(node):
        ctx.errors[-1] = hinted(last, advice("is_missing"))
        return
    if not written_out and isinstance(node, t.Name) and _is_nearly_known(ctx, node, last):
        return
    first = next(each for each in ctx.errors if each.span.start >= node.span.start)
    ctx.errors[:] = [each for each in ctx.errors if each.span.start < node.span.start]
    quoted = format_text(text)
    hint = advice("write_in_quotes", quoted, text=quoted)
    ctx.errors.append(hinted(first, hint, node.span))


def _here(ctx: Context) -> Entity:
    """The entity whose names stand without a prefix."""
    return ctx.row.entity if ctx.row else ctx.schema.entity


def _is_nearly_known(ctx: Context, node: t.Name, last: Diagnostic) -> bool:
    """Whether an unknown name is rather one that is misspelled, or in another place."""
    if len(node.parts) > 1 and (last.fix is not None or "write" in (last.hint or "")):
        return True
    entity = _here(ctx)
    name, *_ = node.parts
    known = [a.name for a in entity.attributes]
    if look_alike(name, known) or left_out(ctx, entity, name) or one_step_away(ctx, entity, name):
        return True
    return suggest(name, known, cutoff=0.75) is not None


def _names(node: t.Node) -> Iterator[t.Name]:
    return (each for each in t.every(node) if isinstance(each, t.Name))


def _is_known(ctx: Context, name: t.Name) -> bool:
    """Whether the first part of a name is one that can be seen here, or looks like one."""
    entity = _here(ctx)
    groups = (entity.attributes, entity.documents, entity.links, entity.relations, entity.places)
    known = [each.name for group in groups for each in group]
    known += [ctx.schema.entity.name, *ctx.names.traits]
    if ctx.row is not None:
        known += [ctx.row.relation.name, *ctx.row.names]
    return in_latin(name.parts[0]).casefold() in map(str.casefold, known)


def _unquoted_text(ctx: Context, node: t.Expr) -> str | None:
    """What is written at a place as if it were a name, or names with signs between them."""
    match node:
        case t.Name((name,)):
            return name
        case t.Name() | t.Arithmetic():
            text = ctx.source[node.span.start : node.span.end]
            if not re.fullmatch(r"[\w.@&/+-]+", text) or any(
                _is_known(ctx, n) for n in _names(node)
            ):
                return None
            return text
        case _:
            return None


def as_text(node: t.Expr) -> Hint | None:
    """A name that stands where only a text can is one without quotes."""
    if not isinstance(node, t.Name):
        return None
    text = format_text(".".join(node.parts))
    return advice("write_in_quotes", text, text=text)


def refuse_strays(ctx: Context, node: t.And | t.Or) -> tuple[t.Expr, ...]:
    """Refuse constants that stand after a test, as in ``age = 17 or 18``; the other operands."""
    left: list[t.Expr] = []
    operands = _quoted(ctx, node.operands)
    node = evolve(node, operands=operands)
    for i, operand in enumerate(operands):
        if not is_stray(operand):
            left.append(operand)
        elif i == 0 or not is_stray(operands[i - 1]):
            more = i + 1
            while more < len(operands) and is_stray(operands[more]):
                more += 1
            assert isinstance(operand, t.Literal)
            hint = unquoted(ctx, operand) or (_taken_in(node, i, more) if i else None)
            dtype = literal_dtype(operand.value)
            told = hint or compared(ctx, operand, dtype)
            place = hint.span if hint and hint.span else operand.span
            ctx.error("SK108", place, hint=told, what=kind_of(dtype))
    return tuple(left)


def _quoted(ctx: Context, operands: tuple[t.Expr, ...]) -> tuple[t.Expr, ...]:
    """The operands, where words without a meaning are texts if they follow a test of one."""
    found: list[t.Expr] = []
    for operand in operands:
        of_text = bool(found) and (_is_of_text(found[-1]) or is_stray(found[-1]))
        if of_text and isinstance(operand, t.Name) and _is_word(ctx, operand):
            found.append(t.Literal(operand.parts[0], operand.span))
        else:
            found.append(operand)
    return tuple(found)


def _is_word(ctx: Context, node: t.Expr) -> bool:
    """Whether something is a name of nothing, nor nearly one."""
    if not isinstance(node, t.Name) or len(node.parts) > 1 or _is_known(ctx, node):
        return False
    entity = ctx.row.entity if ctx.row else ctx.schema.entity
    known = [*(a.name for a in entity.attributes), *ctx.names.segments]
    return suggest(node.parts[0], known, cutoff=0.7) is None


def _is_of_text(test: t.Expr) -> bool:
    match test:
        case t.Compare("=" | "!=", _, t.Literal(str())):
            return True
        case t.TextTest() | t.InList(_, (t.Literal(str()), *_)):
            return True
        case _:
            return False


def _taken_in(node: t.And | t.Or, start: int, end: int) -> Hint | None:
    """The whole, with constants in the test before them."""
    test, values = node.operands[start - 1], node.operands[start:end]
    if values[0].span.start < test.span.start:
        return None
    meant = _with_strays(test, values, isinstance(node, t.Or))
    if meant is None or isinstance(meant, Hint):
        return meant
    return write(format_tree(meant), span=test.span.to(values[-1].span))


def _with_strays(test: t.Expr, values: tuple[t.Expr, ...], either: bool) -> t.Expr | Hint | None:
    """The test that takes the values in."""
    match test:
        case t.Compare("=" | "!=" as operator, left, t.Literal() as first, folded):
            meant: t.Expr = t.InList(left, (first, *values), operator == "!=", folded, test.span)
        case t.InList(_, tuple() as options):
            meant = evolve(test, options=(*options, *values))
        case t.TextTest("contains", _, quantifier, patterns, negated):
            wanted = "any" if either or negated else "all"
            if quantifier not in (None, wanted):
                return None
            meant = evolve(test, quantifier=wanted, patterns=(*patterns, *values))
        case t.TextTest():
            again = [evolve(test, patterns=(value,)) for value in values]
            if either and not test.negated:
                return t.Or((test, *again), test.span)
            return advice("repeat_the_test", text=format_tree(again[0]))
        case t.Compare():
            return advice("repeat_the_test", text=format_tree(evolve(test, right=values[0])))
        case _:
            return None
    return meant
