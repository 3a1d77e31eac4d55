"""Hints: what was probably meant by something that does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from attrs import evolve

from segmentkit._calendar import SUNDAY_WEEK
from segmentkit._checking.context import Context
from segmentkit._diagnostics.diagnostic import Hint, advice, diagnostic, hinted, suggest, write
from segmentkit._diagnostics.wording import either
from segmentkit._language import syntax as t
from segmentkit._language.foreign_words import NUMBERS, TRUTHS, dates_of, instant_of
from segmentkit._language.formatter import (
    format_name,
    format_reference,
    format_text,
    format_tree,
    format_value,
)
from segmentkit._language.look_alikes import in_latin, named
from segmentkit._patterns.versions import version_key
from segmentkit._planning import ir
from segmentkit.dtypes import BOOLEAN, DATE, DISTANCE, TEXT, VERSION, DType
from segmentkit.schema import Attribute, Entity

_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:\d\d)?)?")


def some(names: list[str], most: int = 6) -> str:
    """The first of many names."""
    shown = ", ".join(names[:most])
    return shown + (", …" if len(names) > most else "")


def one_of(names: list[str], most: int = 6) -> Hint:
    """To write one name of many: the first of them."""
    if len(names) == 1:
        return write(names[0])
    return advice("write", text=some(names, most) if len(names) > most else either(names))


_WEEKS = {"week": "week_is_a_date", SUNDAY_WEEK: "sunday_week_is_a_date"}


def conversion(ctx: Context, node: t.Expr, other: ir.Value) -> Hint | None:
    """How a constant of the wrong type would be written in the right one."""
    text = isinstance(node, t.Literal) and isinstance(node.value, str)
    if isinstance(other, ir.Call) and other.name == "day" and not text:
        return advice("day_is_a_date")
    if isinstance(other, ir.Call) and other.name in _WEEKS and not text:
        return advice(_WEEKS[other.name])
    if other.dtype.is_time and (hint := _of_time(ctx, node)) is not None:
        return hint
    if other.dtype.is_number and isinstance(node, t.Duration):
        number = format_tree(node.number)
        return advice("number_without_unit", number, span=node.span, number=number)
    if not isinstance(node, t.Literal):
        return None
    if other.dtype == VERSION:
        return write(_version_of(node), span=node.span)
    if isinstance(node.value, str):
        return _of_text(ctx, node, node.value, other.dtype)
    return text_for(ctx, node, other) if other.dtype == TEXT else _of_number(node, other.dtype)


def _of_time(ctx: Context, node: t.Expr) -> Hint | None:
    """What was meant by a number or a length of time where a time must stand."""
    text = format_tree(node)
    match node:
        case t.Negative(t.Duration() as length):
            return write(f"{format_tree(length)} ago", span=node.span)
        case t.Duration():
            return advice("ago_or_from_now", length=text)
        case t.Arithmetic() if days := dates_of(ctx.source[node.span.start : node.span.end]):
            if len(days) == 1:
                return write(str(days[0]), span=node.span)
            return advice("one_of_two_days", first=str(days[0]), second=str(days[1]))
        case _ if digits := _DIGITS.fullmatch(text):
            return _of_digits(node, *map(int, digits.groups()))
        case _:
            return advice("dates") if text.replace(" - ", "").isdecimal() else None


def _of_number(node: t.Literal, dtype: DType) -> Hint | None:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if dtype == DISTANCE:
        text = f"{format_tree(node)} km"
        return advice("write_unit", text, span=node.span, text=text)
    if dtype.is_duration:
        return in_days(node)
    if dtype == BOOLEAN and value in (0, 1):
        return write("true" if value else "false", span=node.span)
    return None


def _version_of(node: t.Literal) -> str:
    """A constant as a version."""
    text = format_tree(node)
    return f"version({text if isinstance(node.value, str) else format_text(text)})"


def in_days(number: t.Literal) -> Hint:
    """The length of time that was probably meant by a number."""
    text = format_tree(t.Duration(number, "day", number.span))
    return advice("write_unit", text, span=number.span, text=text)


_DIGITS = re.compile(r"(\d{4})(?: - )?(\d\d?)(?: - )?(\d\d?)")


def _of_digits(node: t.Expr, year: int, month: int, day: int) -> Hint:
    try:
        return write(str(date(year, month, day)), span=node.span)
    except ValueError:
        return advice("dates")


def text_for(ctx: Context, node: t.Expr, other: ir.Value | None) -> Hint | None:
    """How to write a constant as a text, or which texts there are, if it is none of them."""
    if not isinstance(node, t.Literal):
        return None
    attribute = None if other is None else ctx.declared.get(other)
    if attribute is not None and attribute.values and format_tree(node) not in attribute.values:
        return advice("it_has", values=some([format_text(v) for v in attribute.values]))
    # Of what is true, texts have words of their own.
    if isinstance(node.value, bool):
        return advice("text_of_column")
    text = f'"{format_tree(node)}"'
    return advice("write_in_quotes", text, span=node.span, text=text)


def _of_text(ctx: Context, node: t.Literal, text: str, dtype: DType) -> Hint | None:
    if (name := unquoted(ctx, node)) is not None:
        return name
    if dtype.is_number and re.fullmatch(r"-?\d+(\.\d+)?", text.strip()):
        return advice("write_without_quotes", text.strip(), span=node.span, text=text.strip())
    if dtype.is_number and text.strip().lower() in NUMBERS:
        return write(str(NUMBERS[text.strip().lower()]), span=node.span)
    if dtype.is_time:
        if _TIME.fullmatch(text):
            return advice("dates_without_quotes", text, span=node.span, text=text)
        if (moment := instant_of(text)) is not None:
            said = format_value(moment)
            return advice("dates_without_quotes", said, span=node.span, text=said)
        days = either(list(map(str, dates_of(text))))
        return advice("dates_without_quotes", text=days or "2026-05-09")
    if dtype == BOOLEAN and (word := truth(text)):
        return advice("write_without_quotes", word, span=node.span, text=word)
    return None


def unquoted(ctx: Context, node: t.Expr) -> Hint | None:
    """How to name an attribute, where a text stands for one."""
    if not isinstance(node, t.Literal) or not isinstance(node.value, str):
        return None
    name = ctx.name_like(node.value)
    if name is None:
        return None
    text = format_tree(name)
    return advice("names_without_quotes", text, span=node.span, name=text)


def truth(word: str) -> str | None:
    return _TRUTHS.get(word.lower()) or TRUTHS.get(word.lower())


_TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), "true"),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), "false"),
}


def of_values(value: str, values: tuple[bool | int | str, ...]) -> Hint:
    """Which of the listed values was meant, or which there are."""
    looks = {in_latin(str(v)).strip().casefold(): v for v in values}
    known = {str(v): v for v in values}
    close = suggest(value, known, cutoff=0.65)
    found = known[close] if close else looks.get(in_latin(value).strip().casefold())
    names = list(known)
    if found is None:
        return advice("it_has", values=some(names))
    written = format_value(found)
    if 1 < len(names) <= _FEW:
        return advice("did_you_mean_of", written, name=found, values=some(names))
    return advice("did_you_mean", written, name=found)


_FEW = 4


def order(ctx: Context, node: t.Compare) -> Hint | None:
    """What to compare in the place of a text that holds something with an order."""
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if (name := unquoted(ctx, side)) is not None:
            return name
        match side:
            case t.Literal(str() as text) if _TIME.fullmatch(text) or dates_of(text):
                return advice("declare_date", name=format_tree(other))
            case t.Literal(str() as text) if version_key(text) and not text.isdecimal():
                left, right = (t.Call("version", (each,)) for each in (node.left, node.right))
                found = evolve(node, left=left, right=right)
                return advice("compare_versions", text=format_tree(found))
            case t.Literal(str() as text) if text.isdecimal():
                return advice("declare_number", name=format_tree(other))
            case _:
                pass
    return None


def undeclared(ctx: Context, node: t.Expr, value: ir.Value, wanted: DType) -> Hint | None:
    """To declare an attribute as what it is tested as: files keep days and numbers as texts."""
    if not isinstance(node, t.Name) or not isinstance(value, ir.Column):
        return None
    dtype: DType = value.dtype
    attribute = ctx.declared.get(value)
    if attribute is not None and (attribute.values or attribute.uuid):
        return None
    if wanted.is_time and (dtype == TEXT or dtype.is_number):
        # What is kept as a number counts from an instant.
        kind = "declare_date" if wanted == DATE and dtype == TEXT else "declare_timestamp"
        return advice(kind, name=format_tree(node))
    is_number = wanted.is_number and dtype == TEXT
    return advice("declare_number", name=format_tree(node)) if is_number else None


def compared(
    ctx: Context, node: t.Expr, dtype: DType, attribute: Attribute | None = None
) -> Hint | None:
    """How a value becomes a condition."""
    text = format_tree(node)
    if (name := unquoted(ctx, node)) is not None:
        return name
    if dtype == TEXT and not isinstance(node, t.Literal):
        value = format_text(attribute.values[0]) if attribute and attribute.values else '"…"'
        return advice("compare_it", text=f"{text} = {value}")
    if isinstance(node, t.Literal):
        return advice("compare_with_it", text=f"name = {text}")
    if dtype.is_number:
        return advice("compare_it", text=f"{text} > 0")
    if dtype.is_duration:
        return advice("compare_it", text=f"{text} > 30 days")
    if dtype == VERSION:
        return advice("compare_it", text=f'{text} >= version("1.10")')
    return advice("compare_it", text=f"{text} in last 30 days") if dtype.is_time else None


def left_out(ctx: Context, entity: Entity, name: str) -> Hint | None:
    """Why a derived schema lacks a part of an entity, unless its author hides it."""
    what = (f"{entity.name}.{name}", name)  # an attribute, or a table
    why = next((each.why for each in ctx.schema.left_out if each.what in what), "")
    return advice("left_out", name=name, why=why) if why and why not in _HIDDEN else None


_HIDDEN = ("excluded", "not in only")


def look_alike(word: str, known: Iterable[str], written: Callable[[str], str] = str) -> Hint | None:
    """The known word that another one looks like: some of its letters are of another script."""
    plain = in_latin(word)
    if plain == word:
        return None
    name = next((each for each in known if in_latin(each).casefold() == plain.casefold()), None)
    if name is None:
        return None
    text = written(name)
    return advice("write_without_sign", text, text=text, sign=named(word))


def one_step_away(ctx: Context, entity: Entity, name: str) -> Hint | None:
    """Where an attribute is that the entity itself does not have: beyond a link, or in rows."""
    links = [link.name for link in entity.links if ctx.schema.named(link.to).attribute(name)]
    if links:
        there = [f"{format_name(each)}.{format_name(name)}" for each in links]
        return write_some(there)
    inside = [d for d in entity.documents if any(a.path[1:] == (name,) for a in d.attributes)]
    if inside:
        return write_some([f"{format_name(d.name)}.{format_name(name)}" for d in inside])
    attribute = format_name(name)
    rows = [f"any({format_name(r)} where {attribute} …)" for r in with_attribute(ctx, entity, name)]
    return advice("write", text=some(rows)) if rows else None


def write_some(names: list[str]) -> Hint:
    """To write a name, or one of several."""
    return write(names[0]) if len(names) == 1 else advice("write", text=some(names))


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
    if isinstance(node.left, t.Name) and isinstance(node.right, t.Name) and len(ctx.errors) > 1:
        before = ctx.errors[-2]
        if before.code == "SK128" and before.span == node.left.span:
            _of_link(ctx, node.left, TEXT, -2)  # an unknown name is a text without quotes
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if last is None or not isinstance(side, t.Name) or last.span != side.span:
            continue
        match last.code:
            case "SK101":
                _of_unknown(ctx, node, side, other)
            case "SK128" if found is not None:
                _of_link(ctx, side, found.dtype)
            case "SK115" if last.fix is None and last.hint and len(side.parts) > 1:
                _of_some_row(ctx, node, side, other)
            case _:
                pass
    match node:
        case t.Compare("=" | "!=", t.Call("any", (t.Name() as name,)), t.Literal(str() as text)) | (
            t.Compare("=" | "!=", t.Literal(str() as text), t.Call("any", (t.Name() as name,)))
        ) if last is not None:
            no = "not " if node.operator == "!=" else ""
            hint = write(f"{format_tree(name)} {no}contains {format_text(text)}")
            ctx.errors[-1] = hinted(last, hint, node.span)
        case t.Compare("=" | "!=", left, t.Or(operands)) if all(map(is_stray, operands)):
            within = t.InList(left, operands, node.operator == "!=", node.ignoring_case, node.span)
            text = format_tree(within)
            hint = advice("several_in_a_list", text, span=node.span, text=text)
            errors = [each for each in ctx.errors if each.span.start < node.right.span.start]
            ctx.errors[:] = [*errors, diagnostic("SK109", node.span, hint=hint)]
        case _:
            pass
    if last is not None and last.code == "SK161":
        _of_list(ctx, node)


def _of_unknown(ctx: Context, node: t.Compare, side: t.Name, other: t.Expr) -> None:
    """What ``= null``, ``= yesterday`` and ``amount > 5`` mean, where nothing has the name."""
    last, equal = ctx.errors[-1], node.operator in ("=", "!=")
    if side.parts[-1].lower() == "yesterday" and equal:
        no = "not " if node.operator == "!=" else ""
        text = f"{format_tree(other)} {no}in previous day"
        hint = advice("in_previous_day", text, text=text)
        ctx.errors[-1] = hinted(last, hint, node.span)
    elif is_missing_word(side) and equal:
        state = "present" if node.operator == "!=" else "missing"
        ctx.errors[-1] = hinted(last, write(f"{format_tree(other)} is {state}"), node.span)
    elif left_out(ctx, ctx.schema.entity, side.parts[0]) is not None:
        return
    elif ctx.row is None and len(side.parts) == 1 and not is_missing_word(side):
        ways = with_attribute(ctx, ctx.schema.entity, side.parts[0])
        known = one_step_away(ctx, ctx.schema.entity, side.parts[0])
        if len(ways) == 1 and known is not None and known.written is None:
            _of_some_row(ctx, node, evolve(side, parts=(*ways, *side.parts)), other)


def _of_link(ctx: Context, side: t.Name, dtype: DType, place: int = -1) -> None:
    """The attributes beyond a link that can be compared with a value."""
    entity: Entity | None = ctx.row.entity if ctx.row else ctx.schema.entity
    for part in side.parts:
        link = entity.link(part) if entity else None
        entity = ctx.schema.named(link.to) if link else None
    fitting = [each for each in entity.attributes if _fits(each, dtype)] if entity else []
    if fitting:
        names = [format_tree(evolve(side, parts=(*side.parts, a.name))) for a in fitting]
        ctx.errors[place] = hinted(ctx.errors[place], one_of(names))


def compared_otherwise(ctx: Context, node: t.Compare, left: ir.Value, right: ir.Value) -> None:
    """The test that was meant where a hint for one side would not do."""
    last = ctx.errors[-1]
    for side, value, other in ((node.left, left, node.right), (node.right, right, node.left)):
        match other, node.operator:
            case t.Literal(int() as year), sign if value.dtype.is_time and 1900 < year < 2200:
                text = f"{format_tree(side)} {sign} {year}-01-01"
                if sign in ("=", "!="):
                    text = f"{format_tree(side)} {'not ' if sign == '!=' else ''}in {year}"
                # Whether the year itself is in, is clear of '>= 2026' and '< 2026' only.
                if sign in ("=", "!=") or (side is node.left and sign in (">=", "<")):
                    ctx.errors[-1] = hinted(last, write(text), node.span)
            case t.Literal(""), "=" | "!=" if value.dtype != TEXT:
                state = "missing" if node.operator == "=" else "present"
                ctx.errors[-1] = hinted(last, write(f"{format_tree(side)} is {state}"), node.span)
            case t.Literal(int() as number), sign if value.dtype == BOOLEAN and sign not in (
                "=",
                "!=",
            ):
                meant = (sign, number) in ((">", 0), (">=", 1)) and side is node.left
                hint = write(format_tree(side)) if meant else advice("compare_with_truth")
                ctx.errors[-1] = hinted(last, hint, node.span)
            case _, sign if sign not in ("=", "!=") or value.dtype.is_number:
                against = right if value is left else left
                declare = undeclared(ctx, side, value, against.dtype)
                if declare is not None and not isinstance(other, t.Name):
                    ctx.errors[-1] = hinted(last, declare)
            case _:
                pass


def _of_some_row(ctx: Context, node: t.Compare, side: t.Name, other: t.Expr) -> None:
    """Say that one of many rows passes a test, where an attribute of rows stands alone."""
    *path, own = side.parts
    at = 1 if path[0] == ctx.schema.entity.name else 0
    entity: Entity | None = ctx.row.entity if ctx.row and not at else ctx.schema.entity
    for part in path[at:]:
        relation = entity.relation(part) if entity else None
        entity = ctx.schema.named(relation.to) if relation else None
    if entity is None or (isinstance(other, t.Name) and entity.attribute(other.parts[0])):
        return
    if not any(of(own) for of in (entity.attribute, entity.link, entity.document)):
        return
    name = evolve(side, parts=(own,))
    left, right = (name, other) if side.span == node.left.span else (other, name)
    test = format_tree(evolve(node, left=left, right=right))
    last, text = ctx.errors[-1], f"any({format_tree(evolve(side, parts=tuple(path)))} where {test})"
    hint = write(text)
    if last.hint_id == "SK115":
        hint = advice("some_row_or_which", text, **{"text": text, **last.hint_values})
    ctx.errors[-1] = hinted(last, hint, node.span)


def _of_list(ctx: Context, node: t.Compare | t.InList) -> None:
    """Say what a list of texts contains, where it is compared with a text, or with several."""
    match node:
        case t.Compare("=" | "!=" as sign, t.Name() as name, t.Name((word,))):
            text = t.Literal(word, node.right.span)
            test = t.TextTest("contains", name, None, (text,), sign == "!=", node.ignoring_case)
        case t.Compare("=" | "!=" as sign, t.Name() as name, t.Literal(str()) as text):
            test = t.TextTest("contains", name, None, (text,), sign == "!=", node.ignoring_case)
        case t.InList(t.Name() as name, tuple() as options, negated, folded) if options:
            test = t.TextTest("contains", name, "any", options, negated, folded)
        case _:
            return
    ctx.errors[-1] = hinted(ctx.errors[-1], write(format_tree(test)), node.span)


def list_in_list(ctx: Context, node: t.InList) -> None:
    """The same of ``tags in ("a", "b")``."""
    if ctx.errors and ctx.errors[-1].code == "SK161":
        _of_list(ctx, node)


def _fits(attribute: Attribute, b: DType) -> bool:
    a = attribute.dtype
    return a.family == b.family or (a.is_time and b.is_time)


def is_missing_word(node: t.Expr) -> bool:
    return isinstance(node, t.Name) and node.parts[-1].lower() in _MISSING_WORDS


_MISSING_WORDS = ("null", "none", "nan", "na", "undefined", "nil")


def segment_meant(ctx: Context, node: t.Expr) -> None:
    """A segment that stands alone, as if it were a boolean."""
    match node:
        case t.Name((name,)) if ctx.row is None and name in ctx.names.segments and ctx.errors:
            hint = write(f"in segment {format_reference(name)}")
            ctx.errors[-1] = hinted(ctx.errors[-1], hint)
        case _:
            pass


def rows_meant(ctx: Context, node: t.Expr) -> None:
    """Where a test is of a relation, and so refused, say what tests whether there are rows."""
    match node:
        case t.InWindow(t.Name() as name, t.Range(t.Literal(int()), t.Literal(int() as high))) if (
            high < 1900
        ):
            counted = evolve(node, operand=t.Call("count", (name,)))
            if ctx.errors and ctx.errors[-1].code == "SK114":
                ctx.errors[-1] = hinted(ctx.errors[-1], write(format_tree(counted)), node.span)
            return
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
        hint = write(f"{'none' if negated else 'any'}({rows})")
        ctx.errors[-1] = hinted(last, hint, node.span)


def years_meant(ctx: Context, window: t.Range, dtype: DType) -> None:
    """``between 2020 and 2022`` of a time is from the first day to the last."""
    match window:
        case t.Range(t.Literal(int() as low), t.Literal(int() as high)) if (
            dtype.is_time and 1900 < low <= high < 2200
        ):
            span = window.low.span.to(window.high.span)
            days = f"{low}-01-01 and {high}-12-31"
            ctx.errors[-1] = hinted(ctx.errors[-1], write(days), span)
        case _:
            pass


def is_stray(node: t.Expr) -> bool:
    return isinstance(node, t.Literal) and not isinstance(node.value, bool)
