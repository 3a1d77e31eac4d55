"""Lookups that Django writes as names: ``age__gte=18``, ``email__isnull=True``."""

from __future__ import annotations

from segmentkit._language import syntax as t

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "exact": "=", "iexact": "=", "ne": "!="}
_TESTS = {"contains": "contains", "startswith": "starts with", "endswith": "ends with",
          "regex": "matches"}  # fmt: skip
_PARTS = {"year": "year", "month": "month", "quarter": "quarter", "week_day": "weekday",
          "hour": "hour", "day": "monthday", "date": "day"}  # fmt: skip


def lookup(node: t.Compare | t.InList) -> t.Expr | None:
    """What a test of such a name means."""
    name = node.left if isinstance(node, t.Compare) else node.operand
    if not isinstance(name, t.Name) or "__" not in name.parts[-1].strip("_"):
        return None
    *path, word = name.parts[-1].split("__")
    folded, own = word.startswith("i") and word not in ("isnull", "in"), word.lower()
    parts = (*name.parts[:-1], *path)
    operand: t.Expr = t.Name(parts, name.span)
    if isinstance(node, t.InList):
        return t.InList(operand, node.options, False, False, node.span) if own == "in" else None
    if node.operator != "=":
        return None
    if own in _SIGNS:
        return t.Compare(_SIGNS[own], operand, node.right, folded, node.span)
    if (test := own.removeprefix("i") if folded else own) in _TESTS:
        return t.TextTest(_TESTS[test], operand, None, (node.right,), False, folded, node.span)
    match own, node.right:
        case "isnull", t.Literal(bool() as missing) | t.Literal((0 | 1) as missing):
            return t.IsMissing(operand, not missing, node.span)
        case "in", _:
            return None
        case _:
            pass
    if own in _PARTS:
        return t.Compare("=", t.Call(_PARTS[own], (operand,)), node.right, False, node.span)
    return t.Compare("=", t.Name((*parts, word), name.span), node.right, False, node.span)
