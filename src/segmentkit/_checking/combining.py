"""Definitions that are checked already, put together: tree, text and meaning, and nothing read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from segmentkit._checking.sql_depth import MOST, is_deeper
from segmentkit._diagnostics.diagnostic import diagnostic
from segmentkit._language import syntax as t
from segmentkit._language.depth import too_deep
from segmentkit._language.formatter import format_tree
from segmentkit._language.parser import MAX_LENGTH
from segmentkit._language.three_valued import written_out
from segmentkit._planning import ir
from segmentkit.errors import SegmentTypeError


@frozen
class Part:
    """A definition that stands, or one made of such.

    Attributes:
        tree: Its tree; the places in it can be those of other texts.
        text: The same as a text.
        condition: What it means.
        deep: Whether it nests deeper than it may.
    """

    tree: t.Expr
    text: str
    condition: ir.Condition
    deep: bool = False


def junction(kind: type[t.And | t.Or], parts: Sequence[Part]) -> Part:
    """All of the parts, or any of them."""
    every = kind is t.And
    same: type[ir.And | ir.Or] = ir.And if every else ir.Or
    trees: list[t.Expr] = []
    texts: list[str] = []
    deep = False
    for part in parts:
        tree, text, meaning = part.tree, part.text, part.condition
        trees += tree.operands if isinstance(tree, kind) else (tree,)
        texts.append(f"({text})" if every and isinstance(tree, t.Or) else text)
        # What is such a junction already is as deep as before.
        deep |= type(tree) is not kind and bool(too_deep(kind((tree,), t.NOWHERE)))
        deep |= type(meaning) is not same and is_deeper(same((meaning,)), MOST)
    condition = (ir.conjunction if every else ir.disjunction)([p.condition for p in parts])
    text = (" and " if every else " or ").join(texts)
    return Part(kind(tuple(trees), t.NOWHERE), text, condition, deep)


def complement(part: Part) -> Part:
    """What the part does not hold of."""
    tree, text = part.tree, part.text
    match tree:
        case t.Not(operand):
            tree, text = operand, format_tree(operand)
        case t.And() | t.Or():
            tree, text = t.Not(tree, t.NOWHERE), f"not ({text})"
        case _:
            tree, text = t.Not(tree, t.NOWHERE), f"not {text}"
    condition = ir.complement(part.condition)
    return Part(tree, text, condition, bool(too_deep(tree)) or is_deeper(condition, MOST))


def spelled_out(segments: Sequence[Any]) -> t.Expr:
    """The last of some segments, with the definitions of those before it for their names.

    Raises:
        SegmentTypeError: That is longer than a definition may be.
    """
    trees: dict[int, t.Expr] = {}
    lengths: dict[int, int] = {}
    for segment in segments:
        tree, other = segment._tree, segment.references
        named = [node.name for node in t.every(tree) if isinstance(node, t.InSegment)]
        length = len(segment.definition)
        length += sum(lengths[id(other[n])] - len(f"in segment {n}") for n in named)
        if length > MAX_LENGTH:
            told = diagnostic("SK006", tree.span, length=length, limit=MAX_LENGTH)
            raise SegmentTypeError([told], segment.source)
        lengths[id(segment)] = length
        trees[id(segment)] = written_out(tree, {name: trees[id(o)] for name, o in other.items()})
    return trees[id(segments[-1])]
