"""The patterns of ``matches``: whether one stands, and where it does not."""

from __future__ import annotations

import re
from typing import Any

from segmentkit._checking.context import Context
from segmentkit._diagnostics.diagnostic import Hint, Span, advice
from segmentkit._diagnostics.wording import Term, term
from segmentkit._language import syntax as t
from segmentkit._language.formatter import format_text
from segmentkit._patterns.ambiguity import ambiguous
from segmentkit._patterns.printing import both_cases, printed
from segmentkit._patterns.syntax import PatternError, parse
from segmentkit._planning import ir


def check_pattern(ctx: Context, node: t.TextTest, pattern: ir.Const | ir.Param) -> None:
    """Note what is wrong with a pattern; a parameter is looked at once it has a value."""
    (written,) = node.patterns
    if not isinstance(pattern, ir.Const):
        if node.ignoring_case:
            _refuse_folding(ctx, node, advice("cases_of_each_letter", text="[Aa]"))
        return
    text = str(pattern.value)
    try:
        found = ambiguous(text)
    except PatternError as error:
        span = _place(ctx, written, error.start, error.end)
        ctx.error("SK190", span, found=_found(error), hint=_hint(error))
        return
    if found is not None:
        ctx.error("SK191", _place(ctx, written, *found))
    elif node.ignoring_case and "[^" in text:
        # What must not be there in one case must not be there in the other.
        _refuse_folding(ctx, node, advice("cases_of_each_letter", text="[^Aa]"))
    elif node.ignoring_case:
        both = printed(both_cases(parse(text)))
        _refuse_folding(ctx, node, advice("cases_in_pattern", text=format_text(both)))


def _found(error: PatternError) -> Term:
    """What is wrong, as it is written in a text."""
    if "size" in error.values:
        return term("{size:,} characters", size=error.values["size"])
    return term(error.found.replace("\\", "\\\\"))


def _hint(error: PatternError) -> Hint:
    values: dict[str, Any] = {
        name: value.replace("\\", "\\\\") if isinstance(value, str) else value
        for name, value in error.values.items()
    }
    return advice(error.hint, **values)


def _refuse_folding(ctx: Context, node: t.TextTest, hint: Hint) -> None:
    span = Span(node.patterns[0].span.end + 1, node.span.end)
    ctx.error("SK190", span, found="'ignoring case'", hint=hint)


_CHARACTER = re.compile(r"\\u[0-9a-fA-F]{4}|\\?.", re.DOTALL)
_SECOND_HALF = re.compile(r"\\u[dD][c-fC-F]")


def _place(ctx: Context, written: t.Expr, start: int, end: int) -> Span:
    """Where a part of a text stands in the definition, which may write characters as escapes."""
    first = written.span.start + 1
    edges = [first]
    for each in _CHARACTER.finditer(ctx.source[first : written.span.end - 1]):
        # One character may be written in two halves, as in JSON.
        edges[len(edges) - bool(_SECOND_HALF.match(each[0])) :] = [first + each.end()]
    return Span(edges[start], edges[end]) if end < len(edges) else written.span
