"""Writes the parts of the pages that are generated from the library's own tables.

A comment such as ``<!-- index: between; not in -->`` is where a page explains these words. A page
names a part in a comment on a line of its own, such as ``<!-- generated: codes SK1 -->``,
and the comment is replaced when the page is read. The build also fails when a public name is
missing from the Python reference.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from grammar_page import grammar
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from segmentkit import functions
from segmentkit._diagnostics.messages import CODES, Code

_PUBLIC = (
    "segmentkit",
    "segmentkit.analysis",
    "segmentkit.pandas",
    "segmentkit.source",
    "segmentkit.sqlalchemy",
    "segmentkit.testing",
)
_INDEX = re.compile(r"^<!-- index: (.*) -->$", re.MULTILINE)
_PLACE = re.compile(r"^<!-- generated: (\w+)(?: (\w+))? -->$", re.MULTILINE)
_HIDDEN = re.compile(r"^<!--- .*?^-->\n", re.MULTILINE | re.DOTALL)
"""Code that is run with a page's examples and is of no interest to its readers."""
_SPECIAL = re.compile(r"([\\*_\[\]<>#+-])")
_LOGGER = logging.getLogger(__name__)


def _prose(text: str) -> str:
    """Plain text as Markdown; what stands in backticks stays as it is."""
    pieces = text.split("`")
    return "`".join(p if i % 2 else _SPECIAL.sub(r"\\\1", p) for i, p in enumerate(pieces))


def _wording(template: str) -> str:
    """A message with its gaps shown as ``<name>``."""
    filled = re.sub(r"\{(\w+)(?::,)?\}", r"<\1>", template)
    return f"`` {filled} ``" if "`" in filled else f"`{filled}`"


# -- diagnostics ----------------------------------------------------------------------------------


_HERE = Path(__file__).parent


@cache
def _examples_of_codes() -> dict[str, str]:
    """Of each code the first example that the tests pin, as it is shown."""
    told = tomllib.loads(_HERE.joinpath("../../tests/messages.toml").read_text("utf-8"))["message"]
    return {each["code"]: each["text"].strip("\n") for each in reversed(told)}


@cache
def _right() -> dict[str, str]:
    """What to write instead of them."""
    return tomllib.loads(_HERE.joinpath("right.toml").read_text("utf-8"))


def _code(entry: Code) -> Iterator[str]:
    yield f"({entry.id.lower()})="
    yield f"### {entry.id}: {_wording(entry.message)}"
    yield ""
    yield _prose(entry.meaning)
    if (shown := _examples_of_codes().get(entry.id)) is not None:
        yield from ("", "```text", shown, "```")
    if (right := _right().get(entry.id)) is not None:
        yield from ("", "Right:", "", "```segmentkit", right, "```")
    if entry.hint:
        yield ""
        yield f"Hint: {_wording(entry.hint)}"
    yield ""


def codes(prefix: str) -> str:
    """Every diagnostic code that begins so."""
    found = [entry for entry in CODES.values() if entry.id.startswith(prefix)]
    return "\n".join(line for entry in found for line in _code(entry))


# -- functions ------------------------------------------------------------------------------------


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _record(record: Mapping[str, Any]) -> str:
    parts = []
    for name, value in record.items():
        if isinstance(value, list):
            shown = ", ".join(_value(row["number"]) for row in value)
            parts.append(f"rows of number {shown}" if value else "no rows")
        else:
            shown = value.isoformat() if isinstance(value, date) else _value(value)
            parts.append(f"{name} = {shown}")
    return "; ".join(parts) or "nothing is present"


def _examples(examples: tuple[functions.Example, ...]) -> Iterator[str]:
    yield "| definition | customer | |"
    yield "|---|---|---|"
    for example in examples:
        answer = "yes" if example.holds else "no"
        yield f"| `{example.definition}` | {_record(example.record)} | {answer} |"
    yield ""


def _scalar(function: functions.Function) -> Iterator[str]:
    names = dict.fromkeys(function.parameters)
    words = function.parameters if len(names) == len(function.parameters) else ("x", "y")
    result = function.result or "of the type of the first argument"
    yield f"### {function.name}"
    yield ""
    yield _index(function.name)
    yield ""
    yield f"`{function.name}({', '.join(words)})`. The result is {result}."
    yield ""
    yield function.doc
    yield ""
    yield from _examples(function.examples)


_FORMS = {
    "rows": ("{f}(relation)",),
    "number": ("{f}(relation.number)",),
    "ordered": ("{f}(relation.value)",),
}


def _aggregate(function: functions.AggregateFunction) -> Iterator[str]:
    forms: tuple[str, ...] = _FORMS.get(function.operand, ("{f}(relation.value)",))
    if function.name == "count":
        forms = ("{f}(relation)", "{f}(relation.value)", "{f}(distinct relation.value)")
    written = ", ".join(f"`{form.format(f=function.name)}`" for form in forms)
    yield f"### {function.name}"
    yield ""
    yield f"{written}. The result is {function.result or 'of the type of the value'}."
    if function.operand == "ordered":
        yield "The value is a number, a date, a timestamp or a distance."
    if function.needs_time:
        yield "The relation must have a time."
    yield ""
    yield function.doc
    yield ""
    yield from _examples(function.examples)


def scalars(_: str) -> str:
    """Every scalar function."""
    return "\n".join(line for f in functions.FUNCTIONS.values() for line in _scalar(f))


def aggregates(_: str) -> str:
    """Every aggregate."""
    return "\n".join(line for f in functions.AGGREGATES.values() for line in _aggregate(f))


# -- the index ------------------------------------------------------------------------------------


def _index(names: str) -> str:
    """Entries of the index, which a search finds first; with a place in the page for each part."""
    entries = [f"   ! single: {name.strip().replace(', ', '; ')}" for name in names.split(";")]
    return "\n".join(["```{eval-rst}", ".. index::", *entries, "```"])


# -- engines --------------------------------------------------------------------------------------

_MARKS = {"yes": "✓", "compiles": "○", "refused": "✗", "in part": "◐"}


def exceptions(which: str) -> str:
    """The rows of a table of engines that have an exception, with who makes it."""
    page = _HERE.joinpath("../engines.md").read_text(encoding="utf-8")
    table = page.partition(f"<!--- begin {which} -->")[2].partition("<!--- end")[0].strip()
    head, _, *rows = (_cells(line) for line in table.split("\n"))
    lines = ["| construct | refused | in part |", "|---|---|---|"]
    for construct, _, *cells in rows:
        of = {
            word: ", ".join(name for name, c in zip(head[2:], cells, strict=True) if c == word)
            for word in ("refused", "in part")
        }
        if any(of.values()):
            lines.append(f"| {construct} | {of['refused']} | {of['in part']} |")
    return "\n".join(lines)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.removeprefix("| ").removesuffix(" |").split(" | ")]


def _marked(line: str) -> str:
    """A row of a table of engines with a mark for each word."""
    return f"| {' | '.join(_MARKS.get(cell, cell) for cell in _cells(line))} |"


# -- Sphinx ---------------------------------------------------------------------------------------

_PARTS = {
    "codes": codes,
    "functions": scalars,
    "aggregates": aggregates,
    "exceptions": exceptions,
    "grammar": grammar,
}


def _fill(_: Sphinx, name: str, source: list[str]) -> None:
    text = _HIDDEN.sub("", source[0])
    if name == "engines":
        lines = text.split("\n")
        text = "\n".join(_marked(each) if each.startswith("| ") else each for each in lines)
    text = _INDEX.sub(lambda place: _index(place[1]), text)
    source[0] = _PLACE.sub(lambda place: _PARTS[place[1]](place[2] or ""), text)


def _check_reference(_: Sphinx, environment: BuildEnvironment) -> None:
    """Warn of public names that the Python reference does not describe."""
    known = environment.domains.python_domain.objects
    for module in _PUBLIC:
        for name in import_module(module).__all__:
            if f"{module}.{name}" not in known:
                _LOGGER.warning("%s.%s is public, and no page describes it", module, name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("source-read", _fill)
    app.connect("env-check-consistency", _check_reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
