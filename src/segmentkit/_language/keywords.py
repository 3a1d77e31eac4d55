"""The words of the language, as ``grammar.lark`` spells them."""

from __future__ import annotations

import re
from functools import cache
from pkgutil import get_data

RESERVED = frozenset(
    (
        *("and", "or", "not", "in", "is", "between", "where", "contains", "starts", "ends"),
        *("true", "false", "today", "now", "distinct", "ignoring"),
    )
)
"""Words that are never names, unless they stand in backquotes."""

UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")

_SPELLED = re.compile(r'^(\w+): "([a-z]+)"i$', re.MULTILINE)
_BY_PATTERN = {
    **dict.fromkeys((*UNITS, *(f"{unit}s" for unit in UNITS)), "UNIT"),
    **dict.fromkeys(("m", "km", "mile", "miles"), "LENGTH"),
    **dict.fromkeys(("followed", "preceded"), "STEP"),
}
"""The words of the tokens that are regular expressions."""


def grammar() -> str:
    """The text of ``grammar.lark``."""
    found = get_data(__package__, "grammar.lark")
    assert found is not None
    return found.decode()


@cache
def keywords() -> dict[str, str]:
    """Every word that can be a keyword, with the kind of token that it is then."""
    return {word: kind for kind, word in _SPELLED.findall(grammar())} | _BY_PATTERN
