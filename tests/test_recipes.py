"""The recipes of the docs have the members that the page says, in frames and as single records."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import segmentkit as sk
from segmentkit.pandas import members

PAGE = Path(__file__).parents[1].joinpath("docs", "recipes.md").read_text(encoding="utf-8")
RECIPES = re.findall(
    r"^### (.+)\n\n.+\n\n```segmentkit\n([^`]+)\n```\n\nMembers: (.*)$", PAGE, re.MULTILINE
)
DAY = date(2026, 5, 1)


@cache
def shop() -> dict[str, Any]:
    """What the code of the page makes."""
    code = PAGE.partition("</summary>")[2].partition("</details>")[0]
    made: dict[str, Any] = {}
    exec(re.search(r"```python\n(.*?)```", code, re.DOTALL)[1], made)  # noqa: S102 - our own page
    return made


@cache
def records() -> list[dict[str, Any]]:
    """The customers of the page, each with what they did."""
    made = shop()
    frames = {
        name: frame.astype(object).where(frame.notna(), None).to_dict("records")
        for name, frame in made["frames"].items()
    }
    zoned = {
        name: [{column: _plain(value) for column, value in row.items()} for row in rows]
        for name, rows in frames.items()
    }
    return [
        customer
        | {
            name: [row for row in rows if row["customer_id"] == customer["id"]]
            for name, rows in zoned.items()
            if name != "customers"
        }
        for customer in zoned["customers"]
    ]


def _plain(value: Any) -> Any:
    """What a record has where a frame has an instant of pandas, of which some are only days."""
    return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value


def test_there_are_forty() -> None:
    """No recipe of the page escapes the tests."""
    assert len(RECIPES) == PAGE.count("\n### ") >= 40
    assert len({title for title, *_ in RECIPES}) == len(RECIPES)


@pytest.mark.parametrize(("title", "definition", "told"), RECIPES, ids=[r[0] for r in RECIPES])
def test_recipes(title: str, definition: str, told: str) -> None:
    """A recipe has the members that stand below it, without a warning."""
    made = shop()
    segment = sk.Segment.define(title, definition, made["shop"])
    assert segment.warnings == ()
    assert ", ".join(map(str, members(segment, made["frames"], as_of=DAY))) == told
    if definition.startswith("top "):
        return  # one record cannot be compared with all the others
    found = [each["id"] for each in records() if segment.matches(_typed(each), as_of=DAY)]
    assert ", ".join(map(str, found)) == told


def _typed(record: dict[str, Any]) -> dict[str, Any]:
    """The record with dates where the schema has them: frames have instants there."""
    born = record["birth_date"]
    plans = [
        row | {"until": row["until"] and row["until"].date()} for row in record["subscriptions"]
    ]
    return record | {"birth_date": born and born.date(), "subscriptions": plans}
