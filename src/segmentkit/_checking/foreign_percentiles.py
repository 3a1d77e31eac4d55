"""Percentiles among customers, which are asked for by rank: ``age > percentile(0.9, age)``."""

from __future__ import annotations

from decimal import Decimal

from segmentkit._language import syntax as t


def ranked(node: t.Compare) -> t.Ranked | None:
    """``age > percentile(90, age)``: the top ten percent by age."""
    sign = node.operator[:1]
    match node.left, node.right:
        case of, t.Call("percentile", (percent, same)) if of == same and sign in ("<", ">"):
            return by_rank(percent, of, "top" if sign == ">" else "bottom")
        case t.Call("percentile", (percent, same)), of if of == same and sign in ("<", ">"):
            return by_rank(percent, of, "top" if sign == "<" else "bottom")
        case _:
            return None


def by_rank(percent: t.Expr, value: t.Expr, direction: str = "top") -> t.Ranked | None:
    """The customers whose value is above a percentile of it, or below it."""
    match percent:
        case t.Literal(int() | Decimal() as number) if 0 < number < 100:
            below = from_hundred(number)
            share = 100 - below if direction == "top" else below
            return t.Ranked(direction, t.Percent(share), value)
        case _:
            return None


def from_hundred(number: int | Decimal) -> int | Decimal:
    """A percentile from 0 to 100, which others count from 0 to 1."""
    if not 0 < number < 1:
        return number
    percent = (Decimal(number) * 100).normalize()
    return int(percent) if percent == int(percent) else percent
