"""The grammar of the language as a page, made of the file that the library itself reads."""

from __future__ import annotations

import re
from importlib.resources import files

_SECTION = re.compile(r"^// -- (.*?) -+$", re.MULTILINE)
_DEFINED = re.compile(r"^\??(_?[a-zA-Z]\w*)(?:\.\d+)?: *(.*(?:\n +\|.*)*)", re.MULTILINE)
_WORD = re.compile(r'"([^"\n]+)"i?')
_NAME = re.compile(r"\b_?[A-Za-z]\w*\b")


def grammar(_: str) -> str:
    """Every rule, with links between them, and every token, with what it looks like."""
    text = files("segmentkit").joinpath("_language", "grammar.lark").read_text(encoding="utf-8")
    _, *rest = _SECTION.split(text)
    sections = list(zip(rest[::2], rest[1::2], strict=True))
    *rules, (_, tokens) = sections
    found = {name: told.strip() for name, told in _DEFINED.findall(tokens)}
    words = {name: said[1] for name, told in found.items() if (said := _WORD.fullmatch(told))}
    lines: list[str] = []
    for title, body in rules:
        lines += [f"## {title[0].upper()}{title[1:].replace('`', '')}", ""]
        lines += ["```{eval-rst}", ".. productionlist:: segmentkit"]
        lines += [line for rule in _DEFINED.findall(body) for line in _rule(*rule, words)]
        lines += ["```", ""]
    lines += ["## Tokens", "", "| token | what it looks like |", "|---|---|"]
    lines += [
        f"| {name} | ``` {_pattern(told)} ``` |"
        for name, told in found.items()
        if name not in words
    ]
    return "\n".join(lines)


def _rule(name: str, told: str, words: dict[str, str]) -> list[str]:
    parts = [re.sub(r" *-> \w+ *$", "", part).strip() for part in told.split("\n")]
    named = [_NAME.sub(lambda each: _shown(each[0], words), part) for part in parts]
    first, *others = named
    return [f"   {name}: {first}", *(f"      : {other}" for other in others)]


def _shown(name: str, words: dict[str, str]) -> str:
    """A word of the language in quotes; a token by its name; a rule as a link to it."""
    if name in words:
        return f'"{words[name]}"'
    return name.strip("_") if name.isupper() else f"`{name}`"


def _pattern(told: str) -> str:
    """A pattern in a table: `++`, which only keeps Python from trying again, is left out."""
    pattern = re.sub(r"^/|/i?$", "", told)
    return re.sub(r"(?<=[+*?])\+", "", pattern).replace("|", "\\|")
