"""Conditions joined as the language writes them: flat, and without needless brackets."""

from __future__ import annotations

from collections.abc import Iterable

from segmentkit._language import syntax as t


def all_of(operands: Iterable[t.Expr]) -> t.Expr:
    """All of at least one condition."""
    return _joined(t.And, operands)


def any_of(operands: Iterable[t.Expr]) -> t.Expr:
    """Any of at least one condition."""
    return _joined(t.Or, operands)


def negation(operand: t.Expr) -> t.Expr:
    """The complement."""
    match operand:
        case t.Not(inner):
            return inner
        case _:
            return t.Not(operand, operand.span)


def either(one: t.Expr, other: t.Expr) -> t.Expr:
    """One of two conditions, and not both."""
    return any_of([all_of([one, negation(other)]), all_of([other, negation(one)])])


def _joined(kind: type[t.And | t.Or], operands: Iterable[t.Expr]) -> t.Expr:
    several = list(operands)
    if len(several) == 1:
        return several[0]
    return t.joined(kind, several, several[0].span.to(several[-1].span))
