"""Definitions as trees: read, walk, change and write them in a program.

A tree is made of the classes below, which never change. `parse` makes one of a text, and
`Segment.tree` is that of a segment. You can also make the nodes yourself, and give the tree to
`Segment.define`. Two trees are equal when their canonical texts are; where a node stands in a
text (its ``span``) does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from segmentkit._checking.binding import check_constant
from segmentkit._language import json_form
from segmentkit._language.formatter import format_name, format_tree, format_value, is_writable
from segmentkit._language.given import Constant, exact
from segmentkit._language.parser import parse
from segmentkit._language.syntax import (
    And,
    Arithmetic,
    Calendar,
    Call,
    Case,
    Compare,
    Counted,
    Duration,
    Expr,
    InKeyList,
    InList,
    InSegment,
    InWindow,
    IsEmpty,
    IsMissing,
    Length,
    Listed,
    Literal,
    Membership,
    Moment,
    Name,
    Negative,
    Node,
    Not,
    Or,
    Parameter,
    Percent,
    Period,
    Range,
    Ranked,
    Reachable,
    Rolling,
    Step,
    TextTest,
    When,
    Window,
    Within,
    every,
    transformed,
)
from segmentkit._usage import described
from segmentkit.errors import UsageError

__all__ = [
    "And",
    "Arithmetic",
    "Calendar",
    "Call",
    "Case",
    "Compare",
    "Counted",
    "Duration",
    "Expr",
    "InKeyList",
    "InList",
    "InSegment",
    "InWindow",
    "IsEmpty",
    "IsMissing",
    "Length",
    "Listed",
    "Literal",
    "Membership",
    "Moment",
    "Name",
    "Negative",
    "Node",
    "Not",
    "Or",
    "Parameter",
    "Percent",
    "Period",
    "Range",
    "Ranked",
    "Reachable",
    "Rolling",
    "Step",
    "TextTest",
    "When",
    "Window",
    "Within",
    "format",
    "literal",
    "parse",
    "quote_name",
    "transform",
    "walk",
]

_Change: TypeAlias = Callable[[Node], Node | None]


def format(tree: Expr) -> str:
    """Write a tree as the canonical text of a definition.

    Args:
        tree: The tree.

    Returns:
        The text. `parse` gives the same tree for it.

    Raises:
        SegmentSyntaxError: No text gives this tree. The place is a JSON pointer into its JSON form.

    Example:
        >>> format(Compare(">=", Name(("age",)), Literal(18)))
        'age >= 18'
        >>> format(Compare("=", Name(("order count",)), Literal(18)))
        '`order count` = 18'
    """
    return json_form.checked(tree)[0]


def format_definition(text: str) -> str:
    """Write a definition in its canonical form, without a schema.

    Args:
        text: A definition.

    Returns:
        The canonical text, on one line and without comments.

    Raises:
        SegmentSyntaxError: The text is not a definition.

    Example:
        >>> format_definition("Country IN ('UA','PL')  AND NOT vip")
        'Country in ("UA", "PL") and not vip'
    """
    return format_tree(parse(text))


def walk(tree: Node) -> Iterator[Node]:
    """Go through a tree.

    Args:
        tree: The tree, or a part of one.

    Returns:
        The node and all nodes below it, in the order of the text.

    Example:
        >>> tree = parse('age >= 18 and count(orders where status = "paid") > 3')
        >>> [node.parts for node in walk(tree) if isinstance(node, Name)]
        [('age',), ('orders',), ('status',)]
    """
    if not isinstance(tree, Node):
        raise UsageError(f"walk(tree) takes a node of segmentkit.expr, and not {described(tree)}")
    return every(tree)


def transform(tree: Expr, function: _Change) -> Expr:
    """Make a changed copy of a tree.

    Args:
        tree: The tree.
        function: Called with each node, after the nodes below it have been changed. It returns the
            node to put in its place, or None to keep it.

    Returns:
        The tree, with the nodes that the function gave. ``and`` in ``and``, and ``or`` in ``or``,
        are joined into one.

    Raises:
        SegmentSyntaxError: No text gives the tree that results.

    Example:
        >>> def older(node):
        ...     return Literal(21) if node == Literal(18) else None
        >>> format(transform(parse("age >= 18 or age is missing"), older))
        'age >= 21 or age is missing'
    """
    if not isinstance(tree, Expr):
        raise UsageError(
            f"transform(tree, function) takes an expression, and not {described(tree)}"
        )

    def change(node: Node) -> Node:
        changed = function(node)
        if changed is None:
            return node
        if not isinstance(changed, Node):
            raise UsageError(f"the function gives a node, or None, and not {described(changed)}")
        return changed

    json_form.checked(tree)
    return json_form.checked(transformed(tree, change))[1]


def quote_name(name: str) -> str:
    """Write a name as definitions have it.

    Args:
        name: One name: of an attribute, a link, a relation, a trait or a function.

    Returns:
        The name, in backquotes if it is not a plain word or is a keyword.

    Raises:
        UsageError: It is not a text.
        ValueError: No definition can write it: it is empty, or has a line break or half of a
            character.

    Example:
        >>> quote_name("country"), quote_name("order count"), quote_name("in")
        ('country', '`order count`', '`in`')
    """
    if not isinstance(name, str):
        raise UsageError(f"a name is a text, and not {described(name)}")
    if not is_writable(name):
        raise ValueError(f"no definition can write the name {name!r:.60}")
    return format_name(name)


def literal(value: Constant) -> str:
    r"""Write a value as definitions have it.

    Args:
        value: A text, a number, a truth value, a date or a time.

    Returns:
        The text of the value. A float is written with the fewest digits that tell it from others.

    Raises:
        UsageError: It is of another kind.
        SegmentSyntaxError: No definition can write it: it is infinite, too large, not a number, or
            has half of a character.

    Example:
        >>> from datetime import date
        >>> [literal(value) for value in ('say "hi"', 0.1, True, date(2026, 5, 9))]
        ['"say \\"hi\\""', '0.1', 'true', '2026-05-09']
    """
    if not isinstance(value, Constant):
        raise UsageError(f"literal(value) takes a constant, and not {described(value)}")
    check_constant(value)
    return format_value(exact(value))
