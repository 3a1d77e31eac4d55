"""The tables of docs/interchange.md, made from what the tests find."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segmentkit.interchange import RULES, from_react_querybuilder
from tests.interchange.people import SHOP, members
from tests.interchange.test_conditions import ANSWERS
from tests.interchange.test_react_querybuilder import RECORDED, asked

PAGE = Path(__file__).parents[2] / "docs" / "interchange.md"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _people(found: set[int] | None) -> str:
    if found is None:
        return "–"
    return ", ".join(map(str, sorted(found))) or "nobody"


def rules() -> str:
    """What each rule says."""
    return "\n".join([_row("rule", "why the answers differ"), "|---|---|", *_rules()])


def _rules() -> Iterator[str]:
    for name, told in RULES.items():
        yield _row(f"`{name}`", told)


def _shown(query: Any) -> str:
    if "rules" not in query:
        match = f" {json.dumps(query['match'])}" if "match" in query else ""
        source = f" ({query['valueSource']})" if "valueSource" in query else ""
        value = query["value"]
        inner = _shown(value) if isinstance(value, dict) else json.dumps(value)
        return f"{query['field']} {query['operator']}{match} {inner}{source}"
    word = f" {query.get('combinator')} "
    parts = [each if isinstance(each, str) else _shown(each) for each in query["rules"]]
    text = (word if "combinator" in query else " ").join(parts)
    return f"{'not ' * query.get('not', False)}({text})"


def differing() -> str:
    """The recorded queries whose SQL finds other people than the definition."""
    head = ("rules", "definition", "SQL finds", "the definition finds", "because of")
    rows = [_row(*head), "|---|---|---|---|---|"]
    for case in RECORDED:
        if case["definition"] is None:
            rows.append(
                _row(f"`{_shown(case['query'])}`", "refused", _people(asked(case["sql"])), "", "")
            )
            continue
        found = from_react_querybuilder(case["query"], SHOP)
        theirs, ours = asked(case["sql"]), members(found.segment)
        if theirs != ours:
            because = ", ".join(dict.fromkeys(f"`{each.rule}`" for each in found.differences))
            texts = f"`{_shown(case['query'])}`", f"`{found.definition}`"
            rows.append(
                _row(
                    *texts,
                    _people(theirs) if theirs is not None else "an error",
                    _people(ours),
                    because,
                )
            )
    return "\n".join(rows)


def published() -> str:
    """How GrowthBook's published conditions come out."""
    kinds = Counter(kind for _, kind, _, _ in ANSWERS)
    return (
        f"{kinds['same']} have the same answer here, {kinds['different'] - 1} differ by the rule "
        f"`version-forms` and one by `missing-number`, {kinds['refused']} are refused by name, and "
        f" {kinds['other data']} are about data that no schema here has, such as lists of numbers."
    )


BLOCKS = {"rules": rules, "published": published, "differing": differing}


def with_block(page: str, name: str, text: str) -> str:
    """The page with a text in the place of a block."""
    begin, end = f"<!--- begin {name} -->", f"<!--- end {name} -->"
    before, rest = page.split(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def main() -> None:
    """Write the tables anew."""
    page = PAGE.read_text(encoding="utf-8")
    for name, made in BLOCKS.items():
        page = with_block(page, name, made())
    PAGE.write_text(page, encoding="utf-8")
