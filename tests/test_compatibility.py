"""The page on databases says what is so today."""

from __future__ import annotations

import pytest

from segmentkit.sqlalchemy.dialects.dialect import DIALECTS
from tests import compatibility

PAGE = compatibility.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", compatibility.BLOCKS)
def test_the_page_is_what_is_generated(name: str) -> None:
    """Whoever changes a dialect or a case writes the tables anew."""
    made = compatibility.BLOCKS[name]()
    assert compatibility.block(PAGE, name) == made, "run python -m tests.compatibility"


def test_every_construct_has_cases() -> None:
    """A row of the tables rests on cases, and every case is in some row."""
    rows = [found for _, found in compatibility.rows()]
    assert all(len(found) >= 3 for found in rows)
    counted = {id(case) for found in rows for case in found}
    assert counted == {id(case) for case in compatibility.ANSWERED}


@pytest.mark.parametrize("name", [d.name for d in DIALECTS.values() if d.run])
def test_refusals_are_those_of_the_cases(name: str) -> None:
    """A dialect that is run refuses just those cases that say so, which its own run verifies."""
    for case in compatibility.ANSWERED:
        said = {name, DIALECTS[name].title.lower(), "sql"} & set(case.unsupported)
        assert compatibility.refused(case, DIALECTS[name]) == bool(said), case.where
