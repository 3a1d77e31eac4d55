"""Warnings about valid definitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from attrs import evolve

from segmentkit._calendar import first_instant, local, to_utc
from segmentkit._checking.context import Context, Row
from segmentkit._checking.windows import Bound
from segmentkit._diagnostics.diagnostic import Diagnostic, Hint, Span, advice, diagnostic, write
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_name, format_text, format_tree
from segmentkit._language.look_alikes import cleaned, described, is_mixed, is_unseen, named
from segmentkit._planning import ir
from segmentkit._planning.normalize import normalize, normalize_value
from segmentkit.dtypes import DATE, TIMESTAMP, DType

# -- what is missing ------------------------------------------------------------------------------


def of_missing(ctx: Context, node: t.Expr, value: ir.Value) -> None:
    """A negative form holds of what is missing."""
    if ctx.warn and _may_be_missing(value):
        whose = ctx.row.relation.name if ctx.row else ctx.schema.entity.name
        if isinstance(node, t.Name) and ctx.row and node.parts[0] in ctx.row.names:
            whose = ctx.row.names[node.parts[0]].relation
        found = diagnostic("SK201", node.span, entity=whose, operand=format_tree(node))
        ctx.warnings.append((found, value))


def of_key(ctx: Context, row: Row, span: Span, value: ir.Value, known: ir.Condition) -> None:
    """A row whose value is missing has the same as no other, so none follows it."""
    columns = [n for n in ir.walk(value) if isinstance(n, ir.Column) and n.nullable]
    if not ctx.warn or not columns or columns[0] in _proven(known):
        return
    whose = ctx.schema.entity.name if columns[0].scope is ir.Scope.ENTITY else row.relation.name
    operand = ".".join(map(format_name, (*columns[0].links, columns[0].name)))
    hint = advice("present_before_step", name=operand)
    found = diagnostic("SK201", span, hint=hint, entity=whose, operand=operand)
    ctx.warnings.append((found, None))


def _may_be_missing(value: ir.Value) -> bool:
    """Whether the data may lack it: that a time moves out of the calendar surprises nobody."""
    match value:
        case ir.Call("moved" | "within" | "later_month" | "micros" | "instant", arguments):
            return any(map(_may_be_missing, arguments))
        case ir.Arithmetic("+" | "-" | "*", left, right):
            return _may_be_missing(left) or _may_be_missing(right)
        case ir.ToFloat(operand):
            return _may_be_missing(operand)
        case ir.Case(_, values):
            return any(map(_may_be_missing, values))
        case _:
            return value.nullable


def keep_unexpected(
    ctx: Context, starts: Sequence[int], tests: Sequence[ir.Condition], *, every: bool
) -> None:
    """Forget what is missing in one test of a junction where the others speak of it.

    Where every test must hold, they may prove that the value is present; where one is enough,
    they may say that it can be missing.

    Args:
        ctx: The context.
        starts: How many warnings there were before each test.
        tests: The tests, turned round under ``not``.
        every: Whether all of them must hold.
    """
    ends = [*starts[1:], len(ctx.warnings)]
    if ends[-1] == starts[0]:
        return
    spoken = [_proven(test) if every else _missing(test) for test in tests]
    kept = ctx.warnings[: starts[0]]
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        known = frozenset().union(*spoken[:i], *spoken[i + 1 :])
        kept += [w for w in ctx.warnings[start:end] if w[1] is None or not _is_in(w[1], known)]
    ctx.warnings[:] = kept


def _proven(condition: ir.Condition) -> frozenset[ir.Value]:
    """The values that are present where a condition holds."""
    match condition:
        case ir.Compare(_, left, right):
            return frozenset([*_strict(left), *_strict(right)])
        case ir.TextTest(_, operand) | ir.Not(ir.Missing(operand)):
            return frozenset(_strict(operand))
        case (
            ir.OneOf(operand)
            | ir.Contains(operand)
            | ir.Listed(operand)
            | ir.AnniversaryIn(operand)
        ):
            return frozenset(_strict(operand))
        case ir.And(operands):
            return frozenset().union(*map(_proven, operands))
        case ir.Or((first, *others)):
            return _proven(first).intersection(*map(_proven, others))
        case _:
            return frozenset()


def _missing(condition: ir.Condition) -> frozenset[ir.Value]:
    """The values that a condition holds of whenever they are missing."""
    match condition:
        case ir.Missing(operand):
            return frozenset([operand])
        case ir.Or(operands):
            return frozenset().union(*map(_missing, operands))
        case _:
            return frozenset()


def _strict(value: ir.Value) -> list[ir.Value]:
    """The value, and what is present where it is."""
    match value:
        case ir.Arithmetic(_, left, right):
            return [value, *_strict(left), *_strict(right)]
        case ir.ToFloat(operand) | ir.Standing(operand):
            return [value, *_strict(operand)]
        case ir.Call(name, arguments, _, None) if name != "default":
            return [value, *(each for part in arguments for each in _strict(part))]
        case _:
            return [value]


def _is_in(value: ir.Value, known: frozenset[ir.Value]) -> bool:
    """Whether a value is one of those known, or there whenever some of those are."""
    if value in known or not value.nullable:
        return True
    match value:
        case ir.Arithmetic(operator, left, right) if operator != "/":
            return _is_in(left, known) and _is_in(right, known)
        case ir.ToFloat(operand):
            return _is_in(operand, known)
        case ir.Case(_, values):
            return all(_is_in(value, known) for value in values)
        case ir.Call("default", arguments):
            return any(_is_in(argument, known) for argument in arguments)
        case ir.Call("mod", (_, by)) if not (isinstance(by, ir.Const) and by.value):
            return False
        case ir.Call(name, arguments, _, None) if name not in ("distance", "version"):
            return all(_is_in(argument, known) for argument in arguments)
        case _:
            return False


# -- days and instants ----------------------------------------------------------------------------

_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def of_comparison(
    ctx: Context, node: t.Compare, left: ir.Value, right: ir.Value, negative: bool
) -> None:
    """What may surprise of ``a = b`` and its kin."""
    if left == right and not isinstance(left, ir.Const):
        _of_itself(ctx, node, left)
        return
    if negative:
        of_missing(ctx, node.left, left)
        of_missing(ctx, node.right, right)
    if any(_begins_a_day(ctx, side) for side in (left, right)):
        return
    if left.dtype == DATE and right.dtype == TIMESTAMP:
        _of_day(ctx, node, node.left, node.right, _MIRRORED.get(node.operator, node.operator))
    elif left.dtype == TIMESTAMP and right.dtype == DATE:
        _of_day(ctx, node, node.right, node.left, node.operator)
    elif node.operator in ("=", "!=") and left.dtype == TIMESTAMP:
        moment = next(
            (side for side in (node.left, node.right) if isinstance(side, t.Moment)), None
        )
        if moment is not None:
            days = evolve(node, left=_day_of(node.left), right=_day_of(node.right))
            told = {"moment": format_tree(moment), "days": format_tree(days)}
            hint = advice("SK206", told["days"], days=told["days"])
            _warn(ctx, diagnostic("SK206", node.span, hint=hint, **told))


def _of_itself(ctx: Context, node: t.Compare, value: ir.Value) -> None:
    operand = format_tree(node.left)
    hint: Hint | None = None
    if ctx.row is not None:
        hint = _of_one_row(ctx, node.right, ctx.row)
    elif node.operator not in ("<", ">") and value.nullable:
        state = f"{operand} is {'missing' if node.operator == '!=' else 'present'}"
        hint = advice("write_quoted", state, text=state)
    _warn(ctx, diagnostic("SK205", node.span, hint=hint, operand=operand))


def _of_one_row(ctx: Context, node: t.Expr, row: Row) -> Hint:
    """That both are of one row, and how to write a name so that it is of the row before it."""
    told: dict[str, Any] = {"relation": row.relation.name}
    before = row.follows
    if before is None or not isinstance(node, t.Name):
        return advice("both_of_one_row", **told)
    if before.entity.attribute(node.parts[0]) is None:
        return advice("both_of_one_row", **told)
    alias = format_name(before.alias or ctx.name_for(before))
    told["name"] = f"{alias}.{format_tree(node)}"
    if before.alias:
        return advice("one_row_or_earlier", **told)
    known = f"{format_name(before.relation.name)} as {alias}"
    return advice("one_row_or_named", alias=known, **told)


def _of_day(ctx: Context, node: t.Compare, day: t.Expr, instant: t.Expr, operator: str) -> None:
    """A day stands for its first instant: an instant is that one at midnight only.

    Nor is any other instant of the day "up to" it, and all of them are "after" it.
    """
    if operator not in ("=", "!=", "<=", ">"):
        return
    written = day.value if isinstance(day, t.Literal) else None
    meant: t.Expr
    if not isinstance(written, date) or written == date.max:
        days = {id(day): day, id(instant): _day_of(instant)}
        meant = evolve(node, left=days[id(node.left)], right=days[id(node.right)])
    elif operator in ("=", "!="):
        period = t.Period(written.year, written.month, written.day, day.span)
        meant = t.InWindow(instant, period, operator == "!=", node.span)
    else:
        after = t.Literal(written + timedelta(days=1), day.span)
        meant = t.Compare("<" if operator == "<=" else ">=", instant, after, False, node.span)
    _whole_day(ctx, node.span, meant)


def _whole_day(ctx: Context, span: Span, meant: t.Expr) -> None:
    text = format_tree(meant)
    hint = advice("SK202", text, meant=text)
    _warn(ctx, diagnostic("SK202", span, hint=hint, meant=text))


def of_days_in_list(
    ctx: Context, node: t.InList, operand: ir.Value, options: Sequence[ir.Value]
) -> None:
    """The same of a list: whether an instant is one of some days, or a day one of some instants."""
    written = node.options
    if isinstance(written, t.Parameter) or not operand.dtype.is_time:
        return
    if all(option.dtype == operand.dtype for option in options):
        return
    if operand.dtype == DATE:
        if all(option.dtype == DATE or _begins_a_day(ctx, option) for option in options):
            return
        days = [_written_day(ctx, option) for option in written]
        meant: t.Expr = evolve(node, options=tuple(days))
    else:
        pairs = list(zip(written, options, strict=True))
        days = [option for option, value in pairs if value.dtype == DATE]
        rest = tuple(option for option, value in pairs if value.dtype != DATE)
        meant = evolve(node, operand=_day_of(node.operand), options=tuple(days))
        if rest:
            join = t.And if node.negated else t.Or
            meant = join((meant, evolve(node, options=rest)), node.span)
    _whole_day(ctx, node.span, meant)


def _begins_a_day(ctx: Context, value: ir.Value) -> bool:
    """Whether an instant is written out that is the first of a day: it stands for that day."""
    if not isinstance(value, ir.Const) or not isinstance(value.value, datetime):
        return False
    zone = ctx.schema.zone
    return first_instant(local(value.value, zone).date(), zone) == value.value


def _day_of(node: t.Expr) -> t.Expr:
    if isinstance(node, t.Moment) and node.base == "now" and node.count == 0:
        return t.Moment("today", 0, "day", node.span)
    return t.Call("day", (node,), False, None, None, None, node.span, node.span)


def _written_day(ctx: Context, node: t.Expr) -> t.Expr:
    if isinstance(node, t.Literal) and isinstance(node.value, datetime):
        zone = ctx.schema.zone
        return t.Literal(local(to_utc(node.value, zone), zone).date(), node.span)
    return node


# -- signs in texts -------------------------------------------------------------------------------


def of_texts(ctx: Context, node: t.Expr) -> None:
    """A text that equals nothing which looks the same."""
    if not ctx.warn:
        return
    match node:
        case t.Compare(_, left, right):
            texts: tuple[t.Expr, ...] = (left, right)
        case t.InList(_, tuple() as texts):
            pass
        case t.TextTest(operator, _, _, texts) if operator != "matches":
            pass
        case _:
            return
    for text in texts:
        if isinstance(text, t.Literal) and isinstance(text.value, str):
            _of_signs(ctx, text, text.value, inner=isinstance(node, t.TextTest))


def _of_signs(ctx: Context, node: t.Literal, text: str, *, inner: bool) -> None:
    meant = cleaned(text)
    if meant is None:
        return
    hint = write(format_text(meant))
    unseen = [c for c in text if is_unseen(c) and c not in "\n\r\t"]
    if unseen:
        _warn(ctx, diagnostic("SK208", node.span, hint=hint, sign=described(unseen[0])))
    elif is_mixed(text):
        _warn(ctx, diagnostic("SK210", node.span, hint=hint, sign=named(text)))
    elif not inner:
        _warn(ctx, diagnostic("SK209", node.span, hint=hint))


def of_small_percent(ctx: Context, node: t.Literal, number: Decimal) -> None:
    """Others count percentiles from 0 to 1."""
    if 0 < number < 1:
        hint = write(f"{(number * 100).normalize():f}")
        _warn(ctx, diagnostic("SK211", node.span, hint=hint, text=format_tree(node)))


def of_difference(ctx: Context, node: t.Compare) -> None:
    """``age = 18-30`` subtracts, where others write a range so."""
    match node:
        case t.Compare(
            "=" | "!=",
            left,
            t.Arithmetic(
                (
                    t.Literal(int() | Decimal() as low) as a,
                    t.Literal(int() | Decimal() as high) as b,
                ),
                ("-",),
            ) as both,
        ) if low < high:
            window = t.Range(a, b, both.span)
            within = t.InWindow(left, window, node.operator == "!=", node.span)
            hint, text = write(format_tree(within)), format_tree(both)
            _warn(ctx, diagnostic("SK212", node.span, hint=hint, text=text, number=low - high))
        case _:
            pass


# -- what never changes ---------------------------------------------------------------------------

_SAMPLES = (datetime(2024, 2, 29, 12), datetime(2025, 12, 31, 23), datetime(2026, 3, 1))
"""What is so at all of these instants is taken to be so at all."""
_TESTS = (t.Compare, t.TextTest, t.InList, t.InWindow, t.IsMissing, t.IsEmpty)
_VARYING = (ir.Column, ir.Param, ir.Moment, *ir.OF_MANY)


def of_range(
    ctx: Context, node: t.Expr, window: t.Window, ends: tuple[Bound, Bound], dtype: DType
) -> None:
    """Nothing is in a range that ends before it begins; and a day is not in one since noon."""
    if isinstance(window, t.Range) and dtype == DATE and ends[0][1].dtype == TIMESTAMP:
        days = evolve(window, low=_day_of(window.low))
        meant = format_tree(t.InWindow(node, days, False, node.span))
        _warn(ctx, diagnostic("SK202", window.span, meant=meant))
    if not all(_is_empty(ends, instant, ctx.schema.zone) for instant in _SAMPLES):
        return
    match window:
        case t.Range():
            other: t.Window = evolve(window, low=window.high, high=window.low)
        case t.Period():
            return
        case _:
            other = evolve(window, count=1)
    texts = [format_tree(t.InWindow(node, each, False, node.span)) for each in (window, other)]
    _warn(ctx, diagnostic("SK203", window.span, text=texts[0], meant=texts[1]))


def _is_empty(ends: tuple[Bound, Bound], instant: datetime, zone: tzinfo) -> bool:
    (after, low), (before, high) = ((op, normalize_value(v, instant, zone)) for op, v in ends)
    if not (isinstance(low, ir.Const) and isinstance(high, ir.Const)):
        return False
    a, b = (_comparable(end.value, zone) for end in (low, high))
    strict = after is ir.Comparison.GT or before is ir.Comparison.LT
    return bool(a > b or (strict and a == b))


def _comparable(value: Any, zone: tzinfo) -> Any:
    day = isinstance(value, date) and not isinstance(value, datetime)
    return first_instant(value, zone) if day else value


def of_constants(ctx: Context, node: t.Expr, test: ir.Condition) -> None:
    """A test that looks at nothing says the same of everyone."""
    if not isinstance(node, _TESTS) or any(map(_varies, ir.walk(test))):
        return
    match normalize(test, _SAMPLES[0], ctx.schema.zone):
        case ir.Always(verdict):
            hint = _name_in_quotes(ctx, node)
            _warn(ctx, diagnostic("SK204", node.span, hint=hint, verdict=str(verdict).lower()))
        case _:
            pass


def _varies(node: ir.Condition | ir.Value) -> bool:
    return isinstance(node, _VARYING) or (isinstance(node, ir.Call) and node.name == "age")


def _name_in_quotes(ctx: Context, node: t.Expr) -> Hint | None:
    """How to name an attribute, where a text stands for one."""
    other = None
    for place in ("left", "right", "operand"):
        text: Any = getattr(node, place, None)
        if not isinstance(text, t.Literal) or not isinstance(text.value, str):
            continue
        name = ctx.name_like(text.value)
        if name is None:
            other = advice("backquotes_for_names")
            continue
        changed: Any = {place: name}
        meant = format_tree(evolve(node, **changed))
        return advice("name_without_quotes", format_tree(name), span=text.span, text=meant)
    return other


def _warn(ctx: Context, found: Diagnostic) -> None:
    if ctx.warn:
        ctx.warnings.append((found, None))
