"""The page on interchange says what is so today."""

from __future__ import annotations

import pytest

from tests.interchange.page import BLOCKS, PAGE, with_block


@pytest.mark.parametrize("name", BLOCKS)
def test_the_page_is_what_is_generated(name: str) -> None:
    """A change of a rule or a recorded query writes the tables anew: python -m tests.interchange."""
    page = PAGE.read_text(encoding="utf-8")
    assert with_block(page, name, BLOCKS[name]()) == page
