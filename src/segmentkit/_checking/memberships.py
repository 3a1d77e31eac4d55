"""``in segment x for 30 days``, ``entered segment x …``: tests of the relation of stays."""

from __future__ import annotations

from attrs import evolve

from segmentkit._checking.coercion import kind_of
from segmentkit._checking.context import Context
from segmentkit._diagnostics.wording import Term, term
from segmentkit._language import syntax as t
from segmentkit._planning import ir
from segmentkit.dtypes import BOOLEAN, TEXT, TIMESTAMP, DType
from segmentkit.schema import Schema

RELATION = "memberships"
"""What the relation of stays is called."""
RUNS = "membership_runs"
"""The entity with one row for each run of a segment, up to which its stays are known."""
RUN_ATTRIBUTES: dict[str, DType] = {"segment": TEXT, "as_of": TIMESTAMP}
"""What its rows have."""

ATTRIBUTES: dict[str, tuple[DType, bool]] = {
    "segment": (TEXT, False),
    "entered_at": (TIMESTAMP, False),
    "left_at": (TIMESTAMP, True),
    "observed": (BOOLEAN, False),
    "left_observed": (BOOLEAN, False),
}
"""What its rows have: types, and whether they may be missing."""


def membership(ctx: Context, node: t.Membership) -> ir.Condition:
    """A test of stays that a store has kept; it stands for a test of their relation."""
    if not ctx.of_customers(node):
        return ir.FALSE
    if (why := _lacks(ctx.schema) or _lacks_runs(ctx.schema)) is not None:
        ctx.error("SK194", node.span, why=why)
        return ir.FALSE
    return ctx.condition(spelled_out(node))


def _lacks(schema: Schema) -> Term | None:
    """What is wrong with the relation of stays; None if nothing is."""
    root, relation = schema.root, schema.entity.relation(RELATION)
    if relation is None:
        return term("'{entity}' has no relation 'memberships'", entity=root)
    if relation.at != "entered_at":
        wording = "'{entity}' has a relation 'memberships' whose time is not 'entered_at'"
        return term(wording, entity=root)
    entity = schema.named(relation.to)
    for name, (dtype, nullable) in ATTRIBUTES.items():
        found = entity.attribute(name)
        if found is None or found.dtype != dtype or (found.nullable and not nullable):
            wording = "'{entity}' has a relation 'memberships' without '{name}', {kind}"
            return term(wording, entity=root, name=name, kind=kind_of(dtype))
    return None


def _lacks_runs(schema: Schema) -> Term | None:
    """What is wrong with the entity of runs; None if nothing is."""
    runs = next((each for each in schema.entities if each.name == RUNS), None)
    if runs is None:
        return term("there is no entity '{entity}'", entity=RUNS)
    for name, dtype in RUN_ATTRIBUTES.items():
        found = runs.attribute(name)
        if found is None or found.dtype != dtype:
            told = {"entity": RUNS, "name": name, "kind": kind_of(dtype)}
            return term("'{entity}' has no '{name}', {kind}", **told)
    if runs.fresh is None or runs.fresh.at != "as_of" or runs.fresh.stale is None:
        wording = "'{entity}' does not say from which age of a run on nothing is known"
        return term(wording, entity=RUNS)
    return None


def spelled_out(node: t.Membership) -> t.Expr:
    """The test of the relation, all of which stands at the place of the node."""
    here = node.span

    def name(*parts: str) -> t.Name:
        return t.Name(parts, here)

    tests: list[t.Expr] = [t.Compare("=", name("segment"), t.Literal(node.name, here), span=here)]
    window: t.Window | None = None
    match node.event, node.window:
        case "in", t.Duration(number, unit):
            since = _ago(number, unit, node)
            # It may have ended since the instant that is asked about.
            left_later = t.Compare(">", name("left_at"), t.Moment("now", 0, "day", here), span=here)
            is_in = t.Or((t.IsMissing(name("left_at"), False, here), left_later), here)
            tests += [t.Compare("<=", name("entered_at"), since, span=here), is_in]
        case "entered", _:
            assert not isinstance(node.window, t.Duration)
            window = node.window
            tests.append(name("observed"))
        case _:
            assert not isinstance(node.window, t.Duration)
            left = t.InWindow(name("left_at"), node.window, False, here)
            tests += [left, name("left_observed")]
    where = t.And(tuple(tests), here)
    return t.Call("any", (name(RELATION),), False, window, where, None, here, here)


def _ago(number: t.Expr, unit: str, node: t.Membership) -> t.Moment:
    """The instant so long ago."""
    if isinstance(number, t.Parameter):
        return t.Moment("now", number, unit, node.span, ago=True)
    assert isinstance(number, t.Literal)
    assert isinstance(number.value, int)
    return t.Moment("now", -number.value, unit, node.span)


def counted(node: t.Membership) -> t.Expr:
    """How many stays pass the test: what an explanation shows."""
    test = spelled_out(node)
    assert isinstance(test, t.Call)
    return evolve(test, name="count")
