"""What must be true of the package as installed."""

import json
import subprocess
import sys
from importlib.resources import files

import pytest


@pytest.mark.parametrize("name", ["py.typed", "grammar.lark"])
def test_data_files_are_installed(name):
    """What the code and type checkers read beside the modules comes with every installation."""
    assert files("segmentkit").joinpath(name).is_file()


def test_import_is_light():
    """``import segmentkit`` loads neither pandas nor SQLAlchemy, nor builds the parser."""
    program = "import json, sys, segmentkit; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    loaded = json.loads(run.stdout)
    heavy = {"pandas", "numpy", "pyarrow", "sqlalchemy", "click", "rich", "tomlkit"}
    heavy |= {"matplotlib", "segmentkit.analysis"}
    assert heavy.isdisjoint(loaded)
