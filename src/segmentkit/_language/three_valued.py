"""Syntax tree → syntax tree: of whom an answer rests on something that is missing.

A definition is asked a second time in Kleene's three-valued logic, in which a test of a missing
value is unknown (S. C. Kleene, Introduction to Metamathematics, 1952, § 64). Whoever is neither
certainly in nor certainly out is in, or out, only because something is missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from segmentkit._language import syntax as t
from segmentkit.functions import FUNCTIONS


def uncertain(tree: t.Expr) -> t.Expr:
    """The condition of those whose answer is unknown in three-valued logic.

    Args:
        tree: A definition, references written out.

    Returns:
        Another definition.
    """
    certainly_in, certainly_out = _certain(tree, holds=True), _certain(tree, holds=False)
    return _all([t.Not(certainly_in, t.NOWHERE), t.Not(certainly_out, t.NOWHERE)])


def certain(tree: t.Expr) -> t.Expr:
    """The condition of those for whom a definition certainly holds, as it must in a ``WHERE``.

    Args:
        tree: A definition, references written out.

    Returns:
        Another definition.
    """
    return _certain(tree, holds=True)


def written_out(tree: t.Expr, references: Mapping[str, t.Expr]) -> t.Expr:
    """The tree with the definitions of referenced segments in the place of their names."""
    match tree:
        case t.InSegment(name):
            return references[name]
        case t.Not(operand):
            inner = written_out(operand, references)
            return inner.operand if isinstance(inner, t.Not) else t.Not(inner, t.NOWHERE)
        case t.And(operands):
            return _all([written_out(o, references) for o in operands])
        case t.Or(operands):
            return _any([written_out(o, references) for o in operands])
        case _:
            return t.rewritten(
                tree, lambda n: references[n.name] if isinstance(n, t.InSegment) else None
            )


def _certain(tree: t.Expr, *, holds: bool) -> t.Expr:
    """The condition under which a condition certainly holds, or certainly does not."""
    match tree:
        case t.Not(operand):
            return _certain(operand, holds=not holds)
        case t.And(operands):
            return (_all if holds else _any)([_certain(o, holds=holds) for o in operands])
        case t.Or(operands):
            return (_any if holds else _all)([_certain(o, holds=holds) for o in operands])
        case t.Counted():
            return _certainly_counted(tree, holds=holds)
        case _:
            test = tree if holds else t.Not(tree, t.NOWHERE)
            values = t.rewritten(tuple(rests_on(tree)), _surely_chosen)
            return _all([test, *(t.IsMissing(o, True, t.NOWHERE) for o in values)])


def _surely_chosen(node: t.Node) -> t.Expr | None:
    """A case that is missing where it is not known which branch applies; rows are left alone."""
    match node:
        case t.Call() if node.name not in FUNCTIONS:
            return node
        case t.Case(branches, otherwise):
            unknown = _missing_value(node)
            whens = []
            for branch in branches:
                value = t.rewritten(branch.value, _surely_chosen)
                sure = _certain(branch.condition, holds=True)
                possible = _not(_certain(branch.condition, holds=False))
                whens.append(t.When(sure, value))
                if possible != sure:
                    whens.append(t.When(possible, unknown))
            return t.Case(tuple(whens), t.rewritten(otherwise, _surely_chosen))
        case _:
            return None


def _missing_value(node: t.Case) -> t.Case:
    """A value of the type of a case that nobody has."""
    results = [branch.value for branch in node.branches]
    results += [] if node.otherwise is None else [node.otherwise]
    typed: t.Expr = next(each for each in results if not isinstance(each, t.Parameter))
    if isinstance(typed, t.Case):
        return _missing_value(typed)
    return t.Case((t.When(t.Literal(False), typed),))


def _certainly_counted(tree: t.Counted, *, holds: bool) -> t.Expr:
    """Enough certainly hold and few enough may hold; or too few may hold, or too many do."""
    certain = tuple(_certain(o, holds=True) for o in tree.operands)
    possible = tuple(_not(_certain(o, holds=False)) for o in tree.operands)
    quantifiers = ("at least", "at most") if tree.quantifier == "exactly" else (tree.quantifier,)
    tests: list[t.Expr] = []
    for quantifier in quantifiers:
        operands = certain if (quantifier == "at least") == holds else possible
        test = t.Counted(quantifier, tree.count, operands, t.NOWHERE)
        tests.append(test if holds else t.Not(test, t.NOWHERE))
    return (_all if holds else _any)(tests)


def _not(tree: t.Expr) -> t.Expr:
    return tree.operand if isinstance(tree, t.Not) else t.Not(tree, t.NOWHERE)


def rests_on(leaf: t.Expr) -> list[t.Expr]:
    """The values that a test rests on, but constants.

    Args:
        leaf: A condition that is no junction of others.

    Returns:
        The values. None of ``any``, ``none`` and ``sample``, whose answer is always known, nor of
        what is not written out: of everyone it is known who is on a list.
    """
    match leaf:
        case t.Compare(_, left, right):
            values = [left, right]
        case t.InWindow(operand, t.Range(low, high)):
            values = [operand, low, high]
        case t.TextTest(_, operand) | t.InList(operand) | t.InWindow(operand) | t.Listed(operand):
            values = [operand]
        case t.IsEmpty(operand):
            values = [operand]
        case t.Ranked(_, _, by):
            values = [by]
        case t.Name():
            values = [leaf]
        case t.Call(name) if name not in ("any", "none", "sample"):
            values = [leaf]
        case _:
            values = []
    return [v for v in values if not isinstance(v, _CONSTANTS)]


_CONSTANTS = (t.Literal, t.Parameter, t.Length, t.Duration, t.Moment)


def _all(operands: list[t.Expr]) -> t.Expr:
    return operands[0] if len(operands) == 1 else t.And(_flat(operands, t.And), t.NOWHERE)


def _any(operands: list[t.Expr]) -> t.Expr:
    return operands[0] if len(operands) == 1 else t.Or(_flat(operands, t.Or), t.NOWHERE)


def _flat(operands: list[t.Expr], kind: type[t.And | t.Or]) -> tuple[t.Expr, ...]:
    flat: list[t.Expr] = []
    for operand in operands:
        flat += operand.operands if isinstance(operand, kind) else (operand,)
    return tuple(flat)
