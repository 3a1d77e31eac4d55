"""What stands side by side for people who know SQL, pandas or Excel means the same."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

import segmentkit as sk
from segmentkit.pandas import members
from tests.test_recipes import shop

PAGE = Path(__file__).parents[1].joinpath("docs", "coming-from.md").read_text(encoding="utf-8")
DAY = date(2026, 5, 1)


def rows(title: str) -> list[tuple[str, str]]:
    """The two columns of a section's table."""
    section = PAGE.partition(f"\n## From {title}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `(.+)` \| `(.+)` \|$", section, re.MULTILINE)
    assert len(found) == section.count("\n|") - 2
    return found


def found_by(definition: str) -> list[int]:
    made = shop()
    segment = sk.Segment.define("x", definition, made["shop"])
    return sorted(members(segment, made["frames"], as_of=DAY))


@cache
def database() -> sa.Engine:
    """The frames of the recipes as tables of SQLite."""
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    with engine.begin() as connection:
        for name, frame in shop()["frames"].items():
            frame.to_sql(name, connection, index=False)
    return engine


@pytest.mark.parametrize(("sql", "definition"), rows("SQL"))
def test_sql(sql: str, definition: str) -> None:
    """A condition of SQL finds in a database whom the definition finds."""
    query = sa.text(f"select c.id from customers c where {sql} order by 1")
    given = {"as_of": "2026-05-01 00:00:00"} if ":as_of" in sql else {}
    with database().connect() as connection:
        found = list(connection.scalars(query, given))
    assert 0 < len(found) < 8
    assert found == found_by(definition)


@pytest.mark.parametrize(("code", "definition"), rows("pandas"))
def test_pandas(code: str, definition: str) -> None:
    """A mask of pandas has whom the definition finds."""
    frames = shop()["frames"]
    mask = eval(code, {"pd": pd, "now": pd.Timestamp(DAY), **frames})  # noqa: S307 - our own page
    found = frames["customers"]["id"][mask].tolist()
    assert 0 < len(found) < 8
    assert found == found_by(definition)


@pytest.mark.parametrize(("formula", "definition"), rows("Excel"))
def test_excel(formula: str, definition: str) -> None:
    """What stands for a formula of Excel is a definition, and some are in it."""
    assert formula.startswith("=")
    assert 0 < len(found_by(definition)) < 8
