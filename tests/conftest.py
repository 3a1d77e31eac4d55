"""Settings of the whole suite."""

from __future__ import annotations

import gc
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.commands import Result, Run

# Thousands of short tests leave little that cycles hold: looking for it after every 700 objects, as
# Python does, is a tenth of the time.
gc.set_threshold(50_000)

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

# "default" answers in moments and always tries the same cases.
# The nox session "property" runs "long".
settings.register_profile(
    "default", max_examples=100, deadline=None, derandomize=True, suppress_health_check=SLOW
)
settings.register_profile(
    "long", max_examples=5_000, deadline=timedelta(seconds=5), suppress_health_check=SLOW
)
settings.load_profile("default")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line in an empty folder."""
    from segmentkit import _cli  # which needs an extra that not every session has

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEGMENTKIT_URL", raising=False)
    monkeypatch.setenv("SEGMENTKIT_LANGUAGE", "en")  # whatever the shell speaks

    def call(*arguments: str) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            _cli.main(arguments)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        code = stopped.value.code
        assert isinstance(code, int)
        return Result(code, said.out, said.err)

    return call
