"""Runs of a store that are killed at every statement, on each engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores import ENGINES, database, kill


@pytest.mark.parametrize("name", ENGINES)
def test_killed_processes_leave_nothing_half_written(name: str, tmp_path: Path) -> None:
    """Whatever statement a run is killed at, the next finds the store as it was before."""
    with database(name, tmp_path) as url:
        assert kill(url, 1) > 15
