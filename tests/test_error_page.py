"""What the page of error codes tells to write is right."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import segmentkit as sk
from segmentkit._diagnostics.messages import CODES
from tests.test_messages import LISTS, MESSAGES, SHOP

RIGHT = tomllib.loads(
    Path(__file__).parents[1].joinpath("docs", "_extensions", "right.toml").read_text("utf-8")
)


@pytest.mark.parametrize("code", RIGHT)
def test_what_to_write_stands(code: str) -> None:
    """It is accepted without the mistake or the warning that it mends, and shown beside one."""
    assert code in CODES
    assert code in {message["code"] for message in MESSAGES}
    made = sk.Segment.define("s", RIGHT[code], SHOP, lists=LISTS)
    assert code not in {warning.code for warning in made.warnings}
