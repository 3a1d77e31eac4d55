"""Aggregates: whose rows they look at, which of them, and what comes before and after a row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import evolve, frozen

from segmentkit._calendar import EXACT_UNITS
from segmentkit._checking import row_names
from segmentkit._checking.calls import fitting, wrong_count
from segmentkit._checking.comparisons import between, bounds
from segmentkit._checking.context import Context, Row
from segmentkit._checking.hints import left_out, look_alike, with_attribute, write_some
from segmentkit._checking.names import is_behind_link, list_of_texts
from segmentkit._checking.parameters import number_of
from segmentkit._checking.rankings import overall
from segmentkit._checking.synonyms import synonym
from segmentkit._checking.windows import now
from segmentkit._diagnostics.diagnostic import Hint, advice, hinted, likely, write
from segmentkit._diagnostics.wording import Term, term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_name, format_tree
from segmentkit._planning import ir
from segmentkit.dtypes import BOOLEAN, DATE, INTEGER
from segmentkit.extension import Aggregate
from segmentkit.functions import AggregateFunction, AggregateSignature
from segmentkit.schema import Entity, Relation

_OF_ROWS = ("count", "any", "none")


@frozen
class _Way:
    """The way from a holder to the rows of an aggregate.

    Attributes:
        holder: Whose rows they are.
        prefix: The names that were written.
        relations: The relations that they lead through, outermost first.
        owners: The entities that have these relations.
    """

    holder: ir.Scope
    prefix: tuple[str, ...]
    relations: tuple[Relation, ...]
    owners: tuple[Entity, ...]


def aggregate(ctx: Context, node: t.Call, function: AggregateSignature) -> ir.Aggregate | None:
    """One value of the rows of a relation; None after an error."""
    if ctx.row is not None and ctx.row.prefix:
        ctx.error("SK113", node.span)
        return None
    if len(node.arguments) != 1:
        wrong_count(ctx, node, 1)
        return None
    if node.distinct and function.name != "count":
        told = {"expected": term("no 'distinct'"), "given": term("one")}
        hint = advice("distinct_of_count")
        ctx.error("SK111", node.span, hint=hint, name=function.name, **told)
        return None
    way = _way(ctx, node, function)
    if way is None:
        return None
    relation = way.relations[-1]
    for name in _names(node.arguments[0]):
        if name.parts[: len(way.prefix)] == way.prefix:
            _use(ctx, way, name)
    timed = isinstance(function, AggregateFunction) and function.needs_time
    if timed and relation.at is None:
        ctx.error("SK110", node.arguments[0].span, what=f"'{relation.name}'")
        return None
    names = row_names.in_brackets(ctx.row, way.holder, len(way.relations))
    row = Row(relation, ctx.schema.named(relation.to), way.owners[-1], inside=ctx.row, names=names)
    row = row_names.named(ctx, row, node.alias)
    argument = node.arguments[0]
    bare = isinstance(argument, t.Name) and argument.parts == way.prefix
    rows = bare and function.name in _OF_ROWS and not node.distinct
    value = None if rows else _aggregated(ctx, node, function, evolve(row, prefix=way.prefix))
    tests = _seen(ctx, node, way)
    where = _passed(ctx, row, node.where)
    steps = _steps(ctx, node, way, row, where or ir.TRUE)
    if tests is None or where is None or steps is None or (value is None and not rows):
        return None
    *outer, own = tests
    through = [ir.Through(r.name, c) for r, c in zip(way.relations, outer, strict=False)]
    condition = ir.conjunction([own, where, *steps])
    return _aggregate(node, function, way, value, condition, tuple(through))


# -- whose rows -----------------------------------------------------------------------------


def _way(ctx: Context, node: t.Call, function: AggregateSignature) -> _Way | None:
    """The one relation, or path of relations, whose rows the argument speaks of."""
    argument = node.arguments[0]
    names = list(_names(argument))
    ways = {way.prefix: way for way in map(partial(_leading, ctx), names) if way.relations}
    if len(ways) == 1:
        return next(iter(ways.values()))
    start = ctx.row.entity if ctx.row else ctx.schema.entity
    firsts = {n.parts[0]: n for n in names}
    known = (start.attribute, start.document, start.link, ctx.names.traits.get)
    unknown = [n for first, n in firsts.items() if not any(of(first) for of in known)]
    if not ways and len(unknown) == 1:
        _unknown_relation(ctx, unknown[0], start)
        return None
    if not ways and any(is_behind_link(ctx, each, start, each.parts) for each in names):
        return None
    if not ways and isinstance(argument, t.Name) and _is_of_link(ctx, argument, start):
        return None
    name = function.name
    pattern = function.pattern if isinstance(function, AggregateFunction) else "…"
    rows = [f"{format_name(r.name)}…" for r in start.relations[:1]]
    examples = [f"{name}({pattern.replace('…', each)})" for each in rows]
    if name == "count" and isinstance(argument, t.Name) and list_of_texts(ctx, argument):
        examples = [f"length({format_tree(argument)})"]
    elif not ways and not ctx.row:
        examples += _among_everyone(ctx, node, function)
    state = {"any": "present", "none": "missing"}.get(name)
    hint: Hint | None = None
    if (contained := _contained(ctx, node)) is not None:
        hint = write(format_tree(contained))
    elif state and isinstance(argument, t.Name) and not (node.where or node.window or node.then):
        examples = [f"{format_tree(argument)} is {state}"]
        if _is_boolean(ctx, argument):
            examples = [f"{'not ' if name == 'none' else ''}{format_tree(argument)}"]
        hint = write(examples[0])
    example = _example(examples)
    span = node.span if state else argument.span
    ctx.error("SK116", span, name=name, example=example, hint=hint)
    return None


def _contained(ctx: Context, node: t.Call) -> t.Expr | None:
    """``any(tags where tag = "x")`` is ``tags contains "x"``."""
    match node:
        case t.Call(
            "any" | "none" as word,
            (t.Name() as name,),
            where=t.Compare("=", t.Name(), t.Literal(str()) as text, folded),
        ) if list_of_texts(ctx, name):
            test = "contains", name, None, (text,), word == "none", folded
            return t.TextTest(*test, node.span)
        case _:
            return None


def _example(examples: list[str]) -> Term | str:
    """What to write, as messages say it."""
    match examples:
        case []:
            return term("the name of a relation")
        case [one]:
            return one
        case _:
            return term("{first}, or {last}", first=examples[0], last=examples[1])


def _is_boolean(ctx: Context, name: t.Name) -> bool:
    with ctx.attempt():
        value = ctx.value(name)
    return value is not None and value.dtype == BOOLEAN


def _is_of_link(ctx: Context, node: t.Name, start: Entity) -> bool:
    """Whether a name leads to one row, or from there to what is left out; that is an error."""
    *before, last = node.parts
    entity = start
    for part in before:
        link = entity.link(part)
        if link is None:
            return False
        entity = ctx.schema.named(link.to)
    text = format_tree(node)
    if hint := left_out(ctx, entity, last):
        ctx.error("SK102", node.span, name=text, hint=hint)
        return True
    link = entity.link(last)
    names = [a.name for a in ctx.schema.named(link.to).attributes] if link else []
    if names:
        hint = advice("one_row", name=text, example=f"{text}.{format_name(names[0])} …")
        ctx.error("SK116", node.span, name=term("an aggregate"), hint=hint)
    return bool(names)


def _among_everyone(ctx: Context, node: t.Call, function: AggregateSignature) -> Iterator[str]:
    """The same of the whole population, if that has a meaning."""
    among = evolve(node, among=t.Literal(True, t.NOWHERE))
    with ctx.attempt():
        found = overall(ctx, among, function)
    if found is not None:
        yield format_tree(among)


def _leading(ctx: Context, name: t.Name) -> _Way:
    """The relations that a name begins with."""
    root, parts = ctx.schema.entity, name.parts
    entity, holder, at = root, ir.Scope.ENTITY, 0
    if ctx.row is not None:
        entity, holder = ctx.row.entity, ir.Scope.ROW
    if len(parts) > 1 and parts[0] == root.name and not entity.relation(parts[0]):
        entity, holder, at = root, ir.Scope.ENTITY, 1
    relations: list[Relation] = []
    owners: list[Entity] = []
    while at < len(parts) and (relation := entity.relation(parts[at])) is not None:
        relations.append(relation)
        owners.append(entity)
        entity, at = ctx.schema.named(relation.to), at + 1
    return _Way(holder, parts[:at], tuple(relations), tuple(owners))


def table_of_texts(ctx: Context, node: t.Expr) -> Relation | None:
    """The relation that a name leads to, if it is one of texts."""
    if not isinstance(node, t.Name):
        return None
    way = _leading(ctx, node)
    found = way.relations[-1] if way.prefix == node.parts and way.relations else None
    if found is None or found.value is None:
        return None
    _use(ctx, way, node)
    ctx.use("attribute", ctx.schema.named(found.to), found.value, node.span)
    return found


def _use(ctx: Context, way: _Way, node: t.Name) -> None:
    """Note the relations that a name begins with."""
    first = len(way.prefix) - len(way.relations)
    for i, (owner, relation) in enumerate(zip(way.owners, way.relations, strict=True), first):
        ctx.use("relation", owner, relation.name, node.span, i)
        if relation.at is not None:
            ctx.use("attribute", ctx.schema.named(relation.to), relation.at, node.span)


def _unknown_relation(ctx: Context, node: t.Name, start: Entity) -> None:
    root, parts = ctx.schema.entity, node.parts
    if ctx.row is not None and (named := ctx.row.names.get(parts[0])) is not None:
        own = ".".join(map(format_name, parts[1:]))
        is_here = named.up == 0 and not named.followed
        told = advice("write" if is_here else "stands_in_own_brackets", text=own)
        ctx.error("SK102", node.span, name=format_tree(node), hint=told)
        return
    of_root = len(parts) > 1 and parts[0] == root.name
    place, name = (root, parts[1]) if of_root else (start, parts[0])
    known = [r.name for r in place.relations]
    before = (root.name,) if of_root else ()

    def whole(found: str) -> str:
        return ".".join(map(format_name, (*before, found, *parts[len(before) + 1 :])))

    hint = look_alike(name, known, whole)
    if hint is None and (same_thing := synonym(name, known)) is not None:
        hint = advice("did_you_mean", whole(same_thing), name=same_thing)
    hint = hint or likely(name, known, whole)
    if len(parts) == 1 and (rows := with_attribute(ctx, start, name)):
        there = [f"{format_name(each)}.{format_name(name)}" for each in rows]
        hint = write_some(there)
    if not of_root and start is not root and root.relation(name):
        path = f"{format_name(root.name)}.{format_name(name)}"
        hint = advice("relation_of_entity", relation=name, entity=root.name, name=path)
    ctx.error("SK102", node.span, name=name, hint=left_out(ctx, place, name) or hint)


# -- which of them --------------------------------------------------------------------------


def _seen(ctx: Context, node: t.Call, way: _Way) -> list[ir.Condition] | None:
    """Which rows of each relation on the way are of the window, and seen as of ``as_of``."""
    timed = [i for i, relation in enumerate(way.relations) if relation.at is not None]
    if node.window is not None and not timed:
        name = way.relations[-1].name
        hint = advice("drop_the_window", relation=name)
        ctx.error("SK110", node.window.span, what=f"'{name}'", hint=hint)
        return None
    tests: list[ir.Condition] = []
    for i, relation in enumerate(way.relations):
        time = _time(ctx, relation)
        window = node.window if timed and i == timed[-1] else None
        if time is None:
            tests.append(ir.TRUE)
            continue
        found = [] if window is None else _in_rows_window(ctx, node, window, time)
        if found is None:
            return None
        if not (isinstance(window, t.Rolling) and window.direction == "next"):
            found.append(_until_now(time))
        tests.append(ir.conjunction(found))
    return tests


def _in_rows_window(
    ctx: Context, node: t.Call, window: t.Window, time: ir.Column
) -> list[ir.Condition] | None:
    """The test of a row's time; the window's ends know nothing of any row."""
    root = ctx.schema.entity.name
    for name in _names(window) if ctx.row is not None else ():
        if name.parts[0] != root:
            ctx.error("SK123", name.span, text=format_tree(name))
            return None
    with ctx.inside(None):
        ends = bounds(ctx, window, time, node.arguments[0])
    return None if ends is None else [between(time, ends)]


def _time(ctx: Context, relation: Relation) -> ir.Column | None:
    """When a row happened."""
    if relation.at is None:
        return None
    at = ctx.schema.named(relation.to).attribute(relation.at)
    assert at is not None
    return ir.Column(ir.Scope.ROW, (), at.name, at.dtype, at.nullable)


def _passed(ctx: Context, row: Row, where: t.Expr | None) -> ir.Condition | None:
    """What ``where`` asks of a row."""
    if where is None:
        return ir.TRUE
    with ctx.inside(row):
        return ctx.condition(where)


def _aggregated(
    ctx: Context, node: t.Call, function: AggregateSignature, row: Row
) -> ir.Value | None:
    """The value inside the brackets; None after an error."""
    argument = node.arguments[0]
    if function.operand == "rows":
        rows = ".".join(map(format_name, row.prefix))
        hint = advice("rows_where", text=f"{function.name}({rows} where …)")
        if isinstance(argument, t.Name):
            beyond = argument.parts[len(row.prefix) :]
            if is_behind_link(ctx, argument, row.entity, beyond):
                return None
            hint = left_out(ctx, row.entity, ".".join(beyond[:1])) or hint
        told = {"expected": term("rows"), "what": term("a value")}
        ctx.error("SK112", argument.span, name=function.name, hint=hint, **told)
        return None
    with ctx.inside(row):
        value = ctx.value(argument)
    if value is None and isinstance(argument, t.Name) and argument.parts == row.prefix:
        _name_attribute(ctx, function, argument, row)
    return fitting(ctx, argument, value, function.name, function.operand)


def _name_attribute(ctx: Context, function: AggregateSignature, argument: t.Name, row: Row) -> None:
    """Which attribute of the rows was meant, if only one can be."""
    last = ctx.errors[-1] if ctx.errors else None
    if last is None or last.code != "SK114" or last.span != argument.span:
        return
    at = row.relation.at if function.name in ("first", "last", "min", "max", "streak") else None
    keys = ("id", row.entity.key, row.relation.key)
    attributes = row.entity.attributes if function.name != "streak" else ()
    numbers = [a.name for a in attributes if a.dtype.is_number and a.name not in keys]
    numbers = [name for name in numbers if not name.endswith("_id")]
    name = at or (numbers[0] if len(numbers) == 1 else None)
    if name is not None:
        value = format_tree(evolve(argument, parts=(*argument.parts, name)))
        hint = write(f"day({value})" if function.name == "streak" else value)
        ctx.errors[-1] = hinted(last, hint)


# -- sequences ------------------------------------------------------------------------------


def _steps(
    ctx: Context, node: t.Call, way: _Way, row: Row, known: ir.Condition
) -> list[ir.Condition] | None:
    """What must come after a row that passes what is known of it, or before it."""
    if node.then is None:
        return []
    if len(way.relations) > 1:
        path = ".".join(map(format_name, way.prefix))
        ctx.error("SK132", node.then.span, name=path)
        return None
    if row.relation.at is None:
        ctx.error("SK130", node.arguments[0].span, name=row.relation.name)
        return None
    return _following(ctx, node.then, row, known)


def _following(
    ctx: Context, step: t.Step, row: Row, known: ir.Condition
) -> list[ir.Condition] | None:
    """A step and those after it, as tests of the row that they speak of."""
    found = _step_relation(ctx, step, row)
    if found is None:
        return None
    relation, own = found
    at, time = _time(ctx, row.relation), _time(ctx, relation)
    assert at is not None
    if time is None:
        ctx.error("SK130", step.relation.span, name=relation.name)
        return None
    if not _comparable_times(ctx, step, row, at, relation, time):
        return None
    names = row_names.in_step(row)
    other = Row(relation, ctx.schema.named(relation.to), row.owner, follows=row, names=names)
    other = row_names.named(ctx, other, step.alias)
    passed = _passed(ctx, other, step.where)
    asked = None if passed is None else row_names.equalities(ctx, step, row, known, passed)
    # What comes after a step that was not found speaks of the row before it.
    speaks = (row, known) if step.negated else (other, passed or ir.TRUE)
    rest = [] if step.then is None else _following(ctx, step.then, *speaks)
    if asked is None or rest is None:
        return None
    if step.within and ctx.number(step.within.count, number_of(f"{step.within.unit}s")) is None:
        return None
    where, same = asked
    soon, seconds = _in_time(time, step.within)
    seen = [_until_now(time), where, *soon] + ([] if step.negated else rest)
    backward = step.direction == "preceded"
    test = ir.Follows(relation.name, own, at, ir.conjunction(seen), backward, seconds, same)
    if not step.negated:
        return [test]
    over = [] if backward or step.within is None else [_is_over(at, step.within)]
    return [*over, ir.complement(test), *rest]


def _step_relation(ctx: Context, step: t.Step, row: Row) -> tuple[Relation, bool] | None:
    """The relation that a step looks at, and whether it is one of the row itctx."""
    *before, name = step.relation.parts
    root = ctx.schema.entity
    if not before or (row.owner is root and before == [root.name]):
        if (relation := row.owner.relation(name)) is not None:
            _use_step(ctx, step, row.owner, relation)
            return relation, False
    elif before == [row.relation.name] and (relation := row.entity.relation(name)) is not None:
        ctx.use("relation", row.owner, row.relation.name, step.relation.span, 0)
        _use_step(ctx, step, row.entity, relation)
        return relation, True
    known = [format_name(r.name) for r in row.owner.relations]
    own = f"{format_name(row.relation.name)}.{format_name(name)}"
    hint = likely(name, known)
    if row.entity.relation(name) is not None:
        hint = advice("relation_of_same_row", relation=name, name=own)
    ctx.error("SK102", step.relation.span, name=format_tree(step.relation), hint=hint)
    return None


def _use_step(ctx: Context, step: t.Step, owner: Entity, relation: Relation) -> None:
    name = step.relation
    ctx.use("relation", owner, relation.name, name.span, len(name.parts) - 1)
    if relation.at is not None:
        ctx.use("attribute", ctx.schema.named(relation.to), relation.at, name.span)


def _comparable_times(
    ctx: Context, step: t.Step, row: Row, at: ir.Column, relation: Relation, time: ir.Column
) -> bool:
    if at.dtype != time.dtype:
        names = {"first": row.relation.name, "second": relation.name}
        kinds = {"first_type": term(str(at.dtype)), "second_type": term(str(time.dtype))}
        ctx.error("SK131", step.relation.span, hint=None, **names, **kinds)
        return False
    if step.within is not None and at.dtype == DATE and step.within.unit not in ("day", "week"):
        hint = advice("days_or_weeks")
        ctx.error("SK122", step.within.span, unit=term(f"{step.within.unit}s"), hint=hint)
        return False
    return True


def _until_now(time: ir.Column) -> ir.Condition:
    """That a row is seen: it has a time, and that is not later than ``as_of``."""
    return ir.Compare(ir.Comparison.LE, time, now(time.dtype))


def _is_over(at: ir.Column, within: t.Within) -> ir.Condition:
    """That nothing more can come within a time: it has passed, and of days the last one too."""
    operator = ir.Comparison.LT if at.dtype == DATE else ir.Comparison.LE
    return ir.Compare(operator, at, now(at.dtype, within.count, within.unit, back=True))


def _in_time(time: ir.Column, within: t.Within | None) -> tuple[list[ir.Condition], int | None]:
    """How many seconds may lie between two rows; as a condition as long as nobody knows."""
    if within is None:
        return [], None
    if isinstance(within.count, t.Parameter):
        open_end = ir.Param(f"{within.count.name} {within.unit} between", time.dtype)
        return [ir.Compare(ir.Comparison.LE, time, open_end)], None
    return [], within.count * EXACT_UNITS[within.unit]


def _aggregate(
    node: t.Call,
    function: AggregateSignature,
    way: _Way,
    value: ir.Value | None,
    where: ir.Condition,
    through: tuple[ir.Through, ...],
) -> ir.Aggregate:
    kinds, relation = ir.AggregateFunction, way.relations[-1]
    if isinstance(function, Aggregate):
        assert value is not None
        dtype = function.result_of(value.dtype)
        return ir.Aggregate(function, relation.name, value, where, dtype, way.holder, through)
    kind = {"any": kinds.COUNT, "none": kinds.COUNT}.get(function.name) or kinds(function.name)
    if node.distinct:
        kind = kinds.COUNT_DISTINCT
    if isinstance(value, ir.Column) and not value.links and value.name == relation.at:
        # The first time is the least one: no ordering of rows is needed for it.
        kind = {kinds.FIRST: kinds.MIN, kinds.LAST: kinds.MAX}.get(kind, kind)
    dtype = INTEGER
    if kind is not kinds.COUNT:
        assert value is not None
        dtype = function.result_of(value.dtype)
    return ir.Aggregate(kind, relation.name, value, where, dtype, way.holder, through)


def _names(node: t.Node) -> Iterator[t.Name]:
    return (each for each in t.every(node) if isinstance(each, t.Name))
