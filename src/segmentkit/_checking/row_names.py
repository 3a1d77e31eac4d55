"""Names of rows: where they are seen, and what a step asks with them of the row that it follows."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from segmentkit._checking.context import Context, NamedRow, Row
from segmentkit._checking.surprises import of_key
from segmentkit._diagnostics.diagnostic import advice
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_name, format_tree
from segmentkit._planning import ir
from segmentkit._planning.traversal import has_aggregates, rewritten

Equalities = tuple[tuple[ir.Value, ir.Value], ...]
"""Values of the row that a step follows, and of the step's own row, that must be the same."""

_OF_OTHERS = term(
    "a row's name is seen in the brackets of its own rows, and in the step that follows it"
)
_IN_STEP = term("a step sees just the row that it follows, and not within further brackets")


def named(ctx: Context, row: Row, alias: t.Name | None) -> Row:
    """The same row, with its name."""
    if alias is None:
        return row
    (name,) = alias.parts
    what = term("another row") if name in row.names else ctx.taken(name)
    if what is not None:
        hint = advice("call_row_otherwise", name=format_name(ctx.name_for(row)))
        ctx.error("SK134", alias.span, name=name, what=what, hint=hint)
        return row
    own = NamedRow(row.relation.name, row.entity, 0)
    return evolve(row, alias=name, names={**row.names, name: own})


def in_brackets(outer: Row | None, holder: ir.Scope, far: int) -> Mapping[str, NamedRow]:
    """The names seen of an aggregate's rows, which are so many relations from the row around it."""
    found = {} if outer is None else dict(outer.names)
    for name, row in found.items():
        why = row.why or (_OF_OTHERS if holder is ir.Scope.ENTITY else None)
        why = why or (_IN_STEP if row.followed else None)
        found[name] = evolve(row, up=row.up + far, why=why)
    return found


def in_step(row: Row) -> Mapping[str, NamedRow]:
    """The names seen of a row that follows another."""
    return {
        name: evolve(each, followed=True, why=None)
        if name == row.alias
        else evolve(each, why=each.why or _IN_STEP)
        for name, each in row.names.items()
    }


def equalities(
    ctx: Context, step: t.Step, row: Row, known: ir.Condition, where: ir.Condition
) -> tuple[ir.Condition, Equalities] | None:
    """What a step asks of its own row, and which values must be those of the row it follows.

    ``known`` is what that row passes.
    """
    rest: list[ir.Condition] = []
    same: list[tuple[ir.Value, ir.Value]] = []
    for test in ir.conjuncts(where) if where != ir.FALSE else (where,):
        if not any(map(_is_followed, ir.walk(test))):
            rest.append(test)
        elif (pair := _pair(test)) is not None:
            same.append(pair)
        else:
            _refuse(ctx, step, row)
            return None
    if step.negated:
        for here, _ in same:
            of_key(ctx, row, step.span, here, known)
    return ir.conjunction(rest), tuple(same)


def _pair(test: ir.Condition) -> tuple[ir.Value, ir.Value] | None:
    match test:
        case ir.Compare(ir.Comparison.EQ, left, right, False):
            here, there = (left, right) if any(map(_is_followed, ir.walk(left))) else (right, left)
        case _:
            return None
    if has_aggregates(here) or has_aggregates(there):
        return None
    if any(map(_is_own, ir.walk(here))) or not any(map(_is_own, ir.walk(there))):
        return None
    if any(map(_is_followed, ir.walk(there))):
        return None
    return rewritten(here, _as_own), there


def _is_followed(node: ir.Condition | ir.Value) -> bool:
    """Whether it is of the row that a step follows."""
    return isinstance(node, ir.Column) and node.scope is ir.Scope.ABOVE and node.up == 0


def _is_own(node: ir.Condition | ir.Value) -> bool:
    return isinstance(node, ir.Column) and node.scope is ir.Scope.ROW


def _as_own(node: object) -> ir.Column | None:
    """A column of the row that a step follows, as that row itself has it."""
    if not isinstance(node, ir.Column):
        return None
    return evolve(node, scope=ir.Scope.ROW, entity="") if _is_followed(node) else node


def _refuse(ctx: Context, step: t.Step, row: Row) -> None:
    """Point at the first test that is no equality of the two rows, and say what could be meant."""
    assert step.where is not None
    alias = row.alias or ""
    operands = step.where.operands if isinstance(step.where, t.And) else (step.where,)
    using = [each for each in operands if _uses(each, alias)]
    root = ctx.schema.entity.name
    wrong = next((each for each in using if not _is_equality(each, alias, root)), using[0])
    hint = None
    names = [each for each in t.every(wrong) if isinstance(each, t.Name)]
    if all(len(each.parts) > 1 and each.parts[0] in (alias, root) for each in names):
        own = t.rewritten(wrong, lambda n: _bare(n, alias))
        rows = f"{format_name(row.relation.name)} as {format_name(alias)}"
        hint = advice("test_where_chosen", text=f"{rows} where {format_tree(own)}")
    elif isinstance(wrong, t.Compare) and wrong.ignoring_case:
        hint = advice("without_ignoring_case")
    elif isinstance(wrong, t.Or):
        hint = advice("join_whole_tests")
    ctx.error("SK135", wrong.span, name=alias, hint=hint)


def _bare(node: object, alias: str | None) -> t.Expr | None:
    if isinstance(node, t.Name) and node.parts[0] == alias:
        return evolve(node, parts=node.parts[1:])
    return None


def _is_equality(node: t.Expr, alias: str, root: str) -> bool:
    """Whether a test is one of both rows, as far as its words tell."""
    match node:
        case t.Compare("=", left, right, False):
            its = right if _uses(left, alias) else left
            names = [each for each in t.every(its) if isinstance(each, t.Name)]
            return any(len(each.parts) == 1 or each.parts[0] not in (alias, root) for each in names)
        case _:
            return False


def _uses(node: t.Node, alias: str) -> list[t.Name]:
    """Where a part of the row of a name is named."""
    names = (each for each in t.every(node) if isinstance(each, t.Name))
    return [each for each in names if len(each.parts) > 1 and each.parts[0] == alias]
