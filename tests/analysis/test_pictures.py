"""What must be true where matplotlib is not installed."""

import subprocess
import sys

import pytest

from segmentkit.analysis import attrition
from tests.analysis.frames import NOON, SOURCES, segment


def test_a_missing_extra_is_named(monkeypatch):
    """Without matplotlib, a picture says what to install, and everything else works."""
    found = attrition(segment("id > 1 and id > 2"), SOURCES["pandas"], as_of=NOON)
    monkeypatch.setitem(sys.modules, "segmentkit.analysis._figure", None)
    with pytest.raises(ImportError, match=r"pip install segmentkit\[plots\]"):
        found.plot()
    assert "id > 1" in str(found)


def test_analysis_does_not_import_matplotlib():
    """Only drawing needs matplotlib, so only drawing loads it."""
    program = "import sys, segmentkit.analysis; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
