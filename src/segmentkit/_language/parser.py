"""Text → syntax tree, read by Lark; see ``grammar.lark`` for the language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, lru_cache

from lark import Lark, Token, UnexpectedInput, UnexpectedToken

from segmentkit._diagnostics.diagnostic import Diagnostic, Span, diagnostic
from segmentkit._diagnostics.wording import term
from segmentkit._language import syntax as t
from segmentkit._language.depth import too_deep
from segmentkit._language.grammar import UNREADABLE, parser
from segmentkit._language.tree_builder import Refused, TreeBuilder
from segmentkit.errors import SegmentSyntaxError

MAX_LENGTH = 100_000
"""Characters in a definition."""

MAX_REMEMBERED = 4_000
"""Characters: what became of longer texts is not kept for the next time."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(text: str) -> t.Expr:
    """Read a definition.

    Args:
        text: The definition.

    Returns:
        Its syntax tree.

    Raises:
        SegmentSyntaxError: The text is not a definition; carries one diagnostic.
        TypeError: It is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"a definition is a text or a tree, not {type(text).__name__}")
    return _remembered(text) if len(text) <= MAX_REMEMBERED else _parsed(text)


@lru_cache(maxsize=512)
def _remembered(text: str) -> t.Expr:
    return _parsed(text)


def _parsed(text: str) -> t.Expr:
    if len(text) > MAX_LENGTH:
        raise _failure(
            text[:80],
            diagnostic("SK006", Span(0, 1), length=len(text), limit=MAX_LENGTH),
        )
    if surrogate := _SURROGATE.search(text):
        raise _failure(
            text[: surrogate.start()],
            diagnostic("SK001", Span(*surrogate.span()), found=term("half of a character")),
        )
    try:
        tree: t.Expr = _lark().parse(text)  # type: ignore[assignment]
    except UnexpectedInput as error:
        raise _failure(text, _explained(text, error)) from None
    except Refused as error:
        raise _failure(text, error.diagnostic) from None
    if deep := too_deep(tree):
        raise _failure(text, diagnostic("SK007", deep.span))
    return tree


@cache
def _lark() -> Lark:
    return parser(TreeBuilder())


def _failure(text: str, found: Diagnostic) -> SegmentSyntaxError:
    return SegmentSyntaxError([found], text)


def _explained(text: str, error: UnexpectedInput) -> Diagnostic:
    # Most processes never read a text that is wrong, and the tables of habits take time to load.
    from segmentkit._language.syntax_errors import explain  # noqa: PLC0415

    start: int = error.pos_in_stream or 0  # type: ignore[redundant-expr]
    if not isinstance(error, UnexpectedToken) or error.token.type == UNREADABLE:
        return explain(text, start, None, frozenset())
    # What can stand here does not depend on what was read; old versions of Lark would copy that.
    error.interactive_parser.parser_state.value_stack.clear()
    return explain(text, start, error.token, frozenset(error.accepts))


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a definition, as far as it can be read."""
    reading = _lark().parse_interactive(text)
    with suppress(UnexpectedInput, Refused):
        yield from reading.iter_parse()
