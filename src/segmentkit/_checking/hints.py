"""Hints: what was probably meant by something that does not fit."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from attrs import evolve

from segmentkit._checking.coercion import article, literal_dtype
from segmentkit._checking.context import Context
from segmentkit._diagnostics.diagnostic import diagnostic, suggest
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_name, format_text, format_tree
from segmentkit._patterns.versions import version_key
from segmentkit._planning import ir
from segmentkit.dtypes import BOOLEAN, DISTANCE, TEXT, VERSION, DType
from segmentkit.schema import Attribute, Entity

_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:\d\d)?)?")


def some(names: list[str], most: int = 6) -> str:
    """The first of many names."""
    shown = ", ".join(names[:most])
    return shown + (", …" if len(names) > most else "")


def one_of(names: list[str], most: int = 6) -> str:
    """The first of many names, of which one is to be written."""
    if len(names) > most or len(names) < 2:
        return some(names, most)
    return f"{', '.join(names[:-1])} or {names[-1]}"


def conversion(ctx: Context, node: t.Expr, other: ir.Value) -> str | None:
    """How a constant of the wrong type would be written in the right one."""
    if isinstance(other, ir.Call) and other.name == "day":
        return "day(…) is a date; monthday(…) is the day of the month, and weekday(…) of the week"
    if isinstance(other, ir.Call) and other.name == "week":
        return "week(…) is a date, the Monday of the week"
    if other.dtype.is_time and (digits := _DIGITS.fullmatch(format_tree(node))):
        return _of_digits(*map(int, digits.groups()))
    if other.dtype.is_time and format_tree(node).replace(" - ", "").isdecimal():
        return "write dates as 2026-05-09"
    if not isinstance(node, t.Literal):
        return None
    value = node.value
    if other.dtype == VERSION:
        return f"write {_version_of(node)}"
    if isinstance(value, str):
        return _of_text(ctx, value, other.dtype)
    if other.dtype == TEXT:
        return text_for(ctx, node, other)
    if other.dtype == DISTANCE and isinstance(value, int | Decimal):
        return f"write a unit: {format_tree(node)} km"
    if other.dtype.is_duration and isinstance(value, int | Decimal):
        return in_days(node)
    if other.dtype == BOOLEAN and value in (0, 1):
        return f"write {'true' if value else 'false'}"
    return None


def _version_of(node: t.Literal) -> str:
    """A constant as a version."""
    text = format_tree(node)
    return f"version({text if isinstance(node.value, str) else format_text(text)})"


def in_days(number: t.Literal) -> str:
    """The length of time that was probably meant by a number."""
    return f"write a unit: {format_tree(t.Duration(number, 'day', number.span))}"


_DIGITS = re.compile(r"(\d{4})(?: - )?(\d\d?)(?: - )?(\d\d?)")


def _of_digits(year: int, month: int, day: int) -> str:
    try:
        return f"write {date(year, month, day)}"
    except ValueError:
        return "write dates as 2026-05-09"


def text_for(ctx: Context, node: t.Expr, other: ir.Value | None) -> str | None:
    """How to write a constant as a text, or which texts there are, if it is none of them."""
    if not isinstance(node, t.Literal):
        return None
    attribute = None if other is None else ctx.declared.get(other)
    if attribute is not None and attribute.values and format_tree(node) not in attribute.values:
        return f"it has {some([format_text(v) for v in attribute.values])}"
    # Of what is true, texts have words of their own.
    if isinstance(node.value, bool):
        return "write the text that stands for it in quotes, as the column has it"
    return f'write "{format_tree(node)}" in quotes'


def _of_text(ctx: Context, text: str, dtype: DType) -> str | None:
    if (name := ctx.name_like(text)) is not None:
        return f"names stand without quotes: {format_name(name)}"
    if dtype.is_number and text.replace(".", "", 1).isdecimal():
        return f"write {text} without quotes"
    if dtype.is_time:
        return f"write dates without quotes: {text if _TIME.fullmatch(text) else '2026-05-09'}"
    if dtype == BOOLEAN and text.lower() in _TRUTHS:
        return f"write {_TRUTHS[text.lower()]} without quotes"
    return None


_TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), "true"),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), "false"),
}


def order(node: t.Compare) -> str | None:
    """What to compare in the place of a text that holds something with an order."""
    for side, other in ((node.left, node.right), (node.right, node.left)):
        match side:
            case t.Literal(str() as text) if version_key(text) and not text.isdecimal():
                left, right = (t.Call("version", (each,)) for each in (node.left, node.right))
                found = evolve(node, left=left, right=right)
                return f"to compare versions, write {format_tree(found)}"
            case t.Literal(str() as text) if text.isdecimal():
                return f"to compare numbers, declare '{format_tree(other)}' as one in the schema"
            case _:
                pass
    return None


def compared(node: t.Expr, dtype: DType, attribute: Attribute | None = None) -> str | None:
    """How a value becomes a condition."""
    text = format_tree(node)
    if dtype == TEXT and not isinstance(node, t.Literal):
        value = format_text(attribute.values[0]) if attribute and attribute.values else '"…"'
        return f"compare it, as in '{text} = {value}'"
    if isinstance(node, t.Literal):
        return f"compare something with it, as in 'name = {text}'"
    if dtype.is_number:
        return f"compare it, as in '{text} > 0'"
    if dtype.is_duration:
        return f"compare it, as in '{text} > 30 days'"
    if dtype == VERSION:
        return f"compare it, as in '{text} >= version(\"1.10\")'"
    return f"compare it, as in '{text} in last 30 days'" if dtype.is_time else None


def left_out(ctx: Context, entity: Entity, name: str) -> str | None:
    """Why a derived schema lacks a part of an entity, unless its author hides it."""
    what = f"{entity.name}.{name}"
    why = next((each.why for each in ctx.schema.left_out if each.what == what), "")
    return f"'{name}' is left out of the schema: {why}" if why and why not in _HIDDEN else None


_HIDDEN = ("excluded", "not in only")


def one_step_away(ctx: Context, entity: Entity, name: str) -> str | None:
    """Where an attribute is that the entity itself does not have: beyond a link, or in rows."""
    links = [link.name for link in entity.links if ctx.schema.named(link.to).attribute(name)]
    if links:
        return f"write {some([f'{format_name(each)}.{format_name(name)}' for each in links])}"
    attribute = format_name(name)
    rows = [f"any({format_name(r)} where {attribute} …)" for r in with_attribute(ctx, entity, name)]
    return f"write {some(rows)}" if rows else None


def with_attribute(ctx: Context, entity: Entity, name: str) -> list[str]:
    """The relations whose rows have an attribute of this name."""
    return [r.name for r in entity.relations if ctx.schema.named(r.to).attribute(name)]


def meant_by(ctx: Context, node: t.Compare, found: ir.Value | None) -> None:
    """Say what a comparison means that is refused for one of its sides.

    Args:
        ctx: The pass.
        node: The comparison.
        found: What the other side means, if it means anything.
    """
    last = ctx.errors[-1] if ctx.errors else None
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if last is None or not isinstance(side, t.Name) or last.span != side.span:
            continue
        if last.code == "SK101" and side.parts[-1].lower() in ("null", "none", "nan", "na"):
            state = "present" if node.operator == "!=" else "missing"
            if node.operator in ("=", "!="):
                hint = f"write {format_tree(other)} is {state}"
                ctx.errors[-1] = evolve(last, span=node.span, hint=hint)
        elif last.code == "SK128" and found is not None:
            entity: Entity | None = ctx.row.entity if ctx.row else ctx.schema.entity
            for part in side.parts:
                link = entity.link(part) if entity else None
                entity = ctx.schema.named(link.to) if link else None
            fitting = [each for each in entity.attributes if _fits(each, found)] if entity else []
            if fitting:
                names = [format_tree(evolve(side, parts=(*side.parts, a.name))) for a in fitting]
                ctx.errors[-1] = evolve(last, hint=f"write {one_of(names)}")
        elif last.code == "SK115" and last.hint and len(side.parts) == 2:
            rows = evolve(side, parts=side.parts[:-1])
            own = evolve(side, parts=side.parts[-1:])
            left, right = (own, other) if side is node.left else (other, own)
            test = format_tree(evolve(node, left=left, right=right))
            if not isinstance(other, t.Name) and "say which" in last.hint:
                hint = f"write any({format_tree(rows)} where {test}), or {last.hint}"
                ctx.errors[-1] = evolve(last, span=node.span, hint=hint)
    match node:
        case t.Compare("=" | "!=", t.Call("any", (t.Name() as name,)), t.Literal(str() as text)) | (
            t.Compare("=" | "!=", t.Literal(str() as text), t.Call("any", (t.Name() as name,)))
        ) if last is not None:
            no = "not " if node.operator == "!=" else ""
            hint = f"write {format_tree(name)} {no}contains {format_text(text)}"
            ctx.errors[-1] = evolve(last, span=node.span, hint=hint)
        case t.Compare("=" | "!=", left, t.Or(operands)) if all(map(_is_stray, operands)):
            within = t.InList(left, operands, node.operator == "!=", node.ignoring_case, node.span)
            hint = f"several values stand in a list: {format_tree(within)}"
            errors = [each for each in ctx.errors if each.span.start < node.right.span.start]
            told = diagnostic("SK109", node.right.span, hint=hint)
            ctx.errors[:] = [*errors, evolve(told, span=node.span)]
        case _:
            pass


def _fits(attribute: Attribute, value: ir.Value) -> bool:
    a, b = attribute.dtype, value.dtype
    return a.family == b.family or (a.is_time and b.is_time)


def quote_unknown(ctx: Context, node: t.Expr, dtype: DType | None) -> None:
    """Where a text must stand, an unknown name is one without quotes; or a word for a truth."""
    if dtype == BOOLEAN and isinstance(node, t.Name) and ctx.errors:
        truth = _TRUTHS.get(node.parts[0].lower())
        last = ctx.errors[-1]
        if truth and len(node.parts) == 1 and last.code == "SK101" and last.span == node.span:
            ctx.errors[-1] = evolve(last, hint=f"write {truth}")
        return
    if dtype != TEXT or not isinstance(node, t.Name) or len(node.parts) > 1 or not ctx.errors:
        return  # a trait that is broken is a name without a meaning, and told of elsewhere
    (name,), last = node.parts, ctx.errors[-1]
    entity = ctx.row.entity if ctx.row else ctx.schema.entity
    known = [a.name for a in entity.attributes]
    if left_out(ctx, entity, name) or one_step_away(ctx, entity, name):
        return
    if last.code == "SK101" and last.span == node.span and not suggest(name, known, cutoff=0.75):
        ctx.errors[-1] = evolve(last, hint=f"write it in quotes: {format_text(name)}")


def rows_meant(ctx: Context, node: t.Expr) -> None:
    """Where a test is of a relation, and so refused, say what tests whether there are rows."""
    match node:
        case t.InWindow(operand=t.Name() as name, negated=negated):
            rows = format_tree(evolve(node, negated=False))
        case t.IsMissing(t.Name() as name, present) | t.IsEmpty(t.Name() as name, present):
            rows, negated = format_tree(name), not present
        case t.Name() as name:
            rows, negated = format_tree(name), False
        case _:
            return
    last = ctx.errors[-1] if ctx.errors else None
    if last is not None and last.code == "SK114" and last.span == name.span:
        hint = f"write {'none' if negated else 'any'}({rows})"
        ctx.errors[-1] = evolve(last, span=node.span, hint=hint)


def refuse_strays(ctx: Context, node: t.And | t.Or) -> tuple[t.Expr, ...]:
    """Refuse constants that stand after a test, as in ``age = 17 or 18``; the other operands."""
    left: list[t.Expr] = []
    operands = node.operands
    for i, operand in enumerate(operands):
        if not _is_stray(operand):
            left.append(operand)
        elif i == 0 or not _is_stray(operands[i - 1]):
            more = i + 1
            while more < len(operands) and _is_stray(operands[more]):
                more += 1
            assert isinstance(operand, t.Literal)
            hint = (
                _with_strays(left[-1], operands[i:more], isinstance(node, t.Or)) if left else None
            )
            dtype = literal_dtype(operand.value)
            told = hint or compared(operand, dtype)
            ctx.error("SK108", operand.span, hint=told, **article(dtype))
    return tuple(left)


def _is_stray(node: t.Expr) -> bool:
    return isinstance(node, t.Literal) and not isinstance(node.value, bool)


def _with_strays(test: t.Expr, values: tuple[t.Expr, ...], either: bool) -> str | None:
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
            again = evolve(test, patterns=values[:1])
            return f"repeat the test: {format_tree(again)}"
        case t.Compare():
            return f"repeat the test: {format_tree(evolve(test, right=values[0]))}"
        case _:
            return None
    return f"write {format_tree(meant)}"
