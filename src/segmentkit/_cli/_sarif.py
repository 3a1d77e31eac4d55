"""What a check finds, as a log in SARIF 2.1.0, the form in which CI systems take findings."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import click

from segmentkit._catalog.toml_edits import TomlEdits
from segmentkit._catalog.toml_file import BYTE_ORDER_MARK
from segmentkit._cli._definitions import WHERE
from segmentkit._cli._files import read_file
from segmentkit._diagnostics.messages import CODES
from segmentkit.errors import Problem, SegmentkitError

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_UNPLACED = "schema"
"""The rule of what has no code: a [schema] that is wrong."""


def sarif_log(found: Iterable[tuple[str, Iterable[Problem], str | None]]) -> dict[str, Any]:
    """Make the log.

    Args:
        found: Of each file its name, its mistakes and warnings, and what else is wrong with it.

    Returns:
        Values that JSON has.
    """
    results = []
    for file, told, failed in found:
        problems = list(told)
        regions = _regions(file, problems)
        results += [_result(file, *each) for each in zip(problems, regions, strict=True)]
        if failed is not None:
            results.append(_of(_UNPLACED, "error", failed, file, None))
    driver = {
        "name": "segmentkit",
        "version": version("segmentkit"),
        "rules": [_rule(code) for code in sorted({each["ruleId"] for each in results})],
    }
    run = {"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    meaning = CODES[code].meaning if code in CODES else "What a file says of its schema is right."
    return {"id": code, "shortDescription": {"text": meaning}}


_Region: TypeAlias = dict[str, int]


def _result(file: str, problem: Problem, region: _Region | None) -> dict[str, Any]:
    found = problem.to_dict()
    text = found["message"] + (f" (hint: {found['hint']})" if found["hint"] else "")
    of = f"{problem.kind} {problem.name!r}: " if problem.name else ""
    return _of(found["code"], found["severity"], of + text, file, region)


def _of(code: str, level: str, text: str, file: str, region: _Region | None) -> dict[str, Any]:
    result: dict[str, Any] = {"ruleId": code, "level": level, "message": {"text": text}}
    if file != WHERE:
        place: dict[str, Any] = {"artifactLocation": {"uri": quote(Path(file).as_posix())}}
        if region is not None:
            place["region"] = region
        result["locations"] = [{"physicalLocation": place}]
    return result


def _regions(file: str, problems: list[Problem]) -> list[_Region | None]:
    """Where problems are in a file; with columns, if it can be looked at again."""
    content = ""
    characters: dict[Any, list[tuple[int, int]]] = {}
    if file != WHERE and any(each.name for each in problems):
        with suppress(click.ClickException, SegmentkitError):
            content, characters = _characters(Path(file))
    regions: list[_Region | None] = []
    for each in problems:
        span, key = each.diagnostic.span, (each.kind, each.name, each.source)
        if each.source is not None and each.name is None:  # the file itself is wrong
            regions.append(_region(each.source, span.start, span.end))
        elif key in characters:
            places = characters[key]
            start = places[span.start][0]
            end = places[span.end - 1][1] if span.end > span.start else start
            regions.append(_region(content, start, end))
        else:
            regions.append(None if each.line is None else {"startLine": each.line})
    return regions


def _characters(file: Path) -> tuple[str, dict[Any, list[tuple[int, int]]]]:
    """The text of a file, and where in it each character of its definitions stands."""
    text = read_file(file)
    entries = [*text.entries.values(), *text.traits.values()]
    content = text.content.removeprefix(BYTE_ORDER_MARK)
    places = TomlEdits(content).characters(entries)
    keys = [(each.kind, each.name, each.text) for each in entries]
    return content, dict(zip(keys, places, strict=True))


def _region(text: str, start: int, end: int) -> _Region:
    """A part of a text by lines and columns from one; SARIF counts units of UTF-16."""
    (line, column), (last, after) = _place(text, start), _place(text, end)
    return {"startLine": line, "startColumn": column, "endLine": last, "endColumn": after}


def _place(text: str, offset: int) -> tuple[int, int]:
    begun = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, len(text[begun:offset].encode("utf-16-le")) // 2 + 1
