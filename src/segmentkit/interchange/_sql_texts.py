"""Texts in conditions of SQL that a database compares without the spaces at their ends."""

from __future__ import annotations

import re
from collections.abc import Iterable

from segmentkit._diagnostics.diagnostic import Span
from segmentkit._language import syntax as t
from segmentkit._patterns.printing import both_cases, printed
from segmentkit._patterns.syntax import PatternError, parse

PADDED = frozenset({"mysql", "tsql", "fabric"})
"""Dialects whose databases do so, unless a collation says otherwise."""

LIKE_PADDED = frozenset({"tsql", "fabric"})
"""Those whose LIKE does, too."""


def padded(test: t.Expr) -> t.Expr | None:
    """A test for equality as such a database reads it; None if no definition can say it."""
    match test:
        case t.Compare("=" | "!=" as sign, t.Name() as name, t.Literal(str() as text)):
            return _matching(name, [text], test.span, sign == "!=", test.ignoring_case)
        case t.Compare("=" | "!=" as sign, t.Literal(str() as text), t.Name() as name):
            return _matching(name, [text], test.span, sign == "!=", test.ignoring_case)
        case t.InList(t.Name() as name, tuple() as options):
            texts = [o.value for o in options if isinstance(o, t.Literal)]
            known = [text for text in texts if isinstance(text, str)]
            if len(known) < len(options) or not known:
                return None
            return _matching(name, known, test.span, test.negated, test.ignoring_case)
        case _:
            return None


def _matching(
    name: t.Name, texts: Iterable[str], span: Span, negated: bool, folded: bool
) -> t.Expr | None:
    bare = [text.rstrip(" ") for text in texts]
    if folded and not all(text.isascii() for text in bare):
        return None
    pattern = "|".join(f"{re.escape(text)} *" for text in bare).replace(r"\ ", " ")
    try:
        tree = parse(pattern)
        pattern = printed(both_cases(tree) if folded else tree)
        parse(pattern)
    except PatternError:
        return None
    return t.TextTest("matches", name, None, (t.Literal(pattern, span),), negated, False, span)
