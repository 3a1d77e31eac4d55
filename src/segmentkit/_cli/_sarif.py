"""What a check finds, as a log in SARIF 2.1.0, the form in which CI systems take findings."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from segmentkit._cli._definitions import WHERE
from segmentkit._diagnostics.messages import CODES
from segmentkit.errors import Problem

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
    for file, problems, failed in found:
        results += [_result(file, problem) for problem in problems]
        if failed is not None:
            results.append(_of(_UNPLACED, "error", failed, file, None))
    driver = {
        "name": "segmentkit",
        "version": version("segmentkit"),
        "rules": [_rule(code) for code in sorted({each["ruleId"] for each in results})],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    meaning = CODES[code].meaning if code in CODES else "What a file says of its schema is right."
    return {"id": code, "shortDescription": {"text": meaning}}


def _result(file: str, problem: Problem) -> dict[str, Any]:
    found = problem.to_dict()
    text = found["message"] + (f" (hint: {found['hint']})" if found["hint"] else "")
    of = f"{problem.kind} {problem.name!r}: " if problem.name else ""
    return _of(found["code"], found["severity"], of + text, file, problem.line)


def _of(code: str, level: str, text: str, file: str, line: int | None) -> dict[str, Any]:
    result: dict[str, Any] = {"ruleId": code, "level": level, "message": {"text": text}}
    if file != WHERE:
        # The column in the file is not known: that of a definition is none of its line.
        place: dict[str, Any] = {"artifactLocation": {"uri": quote(Path(file).as_posix())}}
        if line is not None:
            place["region"] = {"startLine": line}
        result["locations"] = [{"physicalLocation": place}]
    return result
