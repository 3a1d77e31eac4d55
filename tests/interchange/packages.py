"""The packages of other tools themselves: whether they still mean what is recorded.

The nox session "interchange" installs them and runs this.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from segmentkit import Segment
from segmentkit.interchange import from_react_querybuilder, to_react_querybuilder
from tests.interchange.people import SHOP, members
from tests.interchange.test_react_querybuilder import HANDED_ON, RECORDED, asked


def sql_of(queries: list[Any]) -> list[str]:
    """What react-querybuilder writes of queries; NODE_PATH says where it is."""
    program = str(Path(__file__).with_name("format_query.cjs"))
    run = subprocess.run(
        ["node", program], input=json.dumps(queries), capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(run.stdout)
    return found


def test_recorded_sql_is_what_is_written() -> None:
    """The SQL that the other tests compare with is that of the package."""
    assert sql_of([case["query"] for case in RECORDED]) == [case["sql"] for case in RECORDED]


def test_sql_of_what_is_handed_on() -> None:
    """The SQL of a segment that is handed on finds the people that its differences foresee."""
    asked_of_rows = ("tags", "company", "properties", ":", "ignoring case")
    plain = [d for d in HANDED_ON if not any(word in d for word in asked_of_rows)]
    exported = [to_react_querybuilder(Segment.define(None, d, SHOP)) for d in plain]
    for definition, each, sql in zip(
        plain, exported, sql_of([each.query for each in exported]), strict=True
    ):
        found = from_react_querybuilder(each.query, SHOP)
        theirs = asked(sql)
        if theirs is None or found.theirs is None:
            rules = {difference.rule for difference in each.differences}
            assert rules & {"names", "xor", "first-instant", "wildcard"}, definition
        else:
            assert members(found.theirs) == theirs, definition
