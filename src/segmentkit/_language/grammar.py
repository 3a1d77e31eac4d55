"""``grammar.lark`` → ``_tables.py``: the LALR tables, made by Lark when the grammar changes.

``python -m segmentkit._language.grammar`` writes them. Reading a definition needs the tables alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from lark import Lark
from lark.lexer import Lexer
from lark.parsers.lalr_analysis import Shift

_HERE = Path(__file__).parent
_Row: TypeAlias = Mapping[str, tuple[object, Any]]

HEADER = '''\
"""The tables of ``grammar.lark``; ``python -m segmentkit._language.grammar`` writes them."""

from __future__ import annotations

'''


class _NoLexer(Lexer):
    """The tables do not depend on how the tokens are found."""

    def __init__(self, configuration: Any) -> None:
        """Lark passes its configuration."""

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Any]:
        """Nothing is read."""
        raise NotImplementedError


def tables() -> str:
    """The text of the module with the tables of the grammar."""
    grammar = (_HERE / "grammar.lark").read_text(encoding="utf-8")
    lark = Lark(grammar, parser="lalr", lexer=_NoLexer, maybe_placeholders=False)
    table = lark.parser.parser._parse_table
    (start,) = table.start_states.values()
    for row in table.states.values():
        row.pop("start", None)  # all is read: nothing comes after
    numbers = _numbered(table.states, start)
    rules = sorted({rule for row in table.states.values() for rule in _reductions(row)}, key=str)
    rules = [rule for rule in rules if rule.origin.name != "start"]
    rows = [_row(table.states[state], numbers, rules) for state in numbers]
    return HEADER + _tuple("RULES", map(_rule, rules)) + "\n" + _tuple("STATES", rows)


def _numbered(states: Mapping[Any, _Row], start: object) -> dict[Any, int]:
    """The states in an order of their own: Lark's depends on the hashes of texts."""
    numbers, found = {start: 0}, [start]
    for state in found:
        for _, (action, target) in sorted(states[state].items()):
            if action is Shift and target not in numbers:
                numbers[target] = len(numbers)
                found.append(target)
    return numbers


def _reductions(row: _Row) -> list[Any]:
    return [rule for action, rule in row.values() if action is not Shift]


def _row(row: _Row, numbers: Mapping[Any, int], rules: list[Any]) -> str:
    """``symbol symbol … action``, parted by ``|``.

    An action is the state to go to, the rule to reduce by after a minus (the first is -1), or
    ``!`` where all is read.
    """
    symbols: dict[str, list[str]] = {}
    for symbol, (action, target) in sorted(row.items()):
        if action is Shift:
            done = str(numbers[target])
        else:
            done = "!" if target.origin.name == "start" else str(-1 - rules.index(target))
        symbols.setdefault(done, []).append(symbol)
    return "|".join(" ".join([*names, done]) for done, names in symbols.items())


def _rule(rule: Any) -> str:
    """``origin length name kept…``.

    The name is that of the tree builder's method, ``=`` where the only child stands for the
    whole, ``+`` where a list is all there is. Of the children those are kept that the tree needs,
    ``*`` after the number of a list, whose items are kept instead.
    """
    origin, symbols = rule.origin.name, rule.expansion
    name = rule.alias or origin
    if rule.options.expand1 and not rule.alias:
        assert len(symbols) == 1, rule
        name = "="
    elif origin.startswith("_"):
        name = "+"
    kept = [
        f"{i}*" if not symbol.is_term and symbol.name.startswith("_") else str(i)
        for i, symbol in enumerate(symbols)
        if not (symbol.is_term and symbol.filter_out)
    ]
    return " ".join([origin, str(len(symbols)), name, *kept])


def _tuple(name: str, items: Any) -> str:
    lines = "".join(f'    "{item}",\n' for item in items)
    return f"{name} = (\n{lines})\n"


if __name__ == "__main__":
    (_HERE / "tables.py").write_text(tables(), encoding="utf-8")
