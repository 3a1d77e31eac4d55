"""The demo: Complete Journey, a year of 2,469 households' groceries, and segments of them."""

from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

from segmentkit.demo._frames import Progress, frames
from segmentkit.demo._load import default_path, load
from segmentkit.demo._tables import metadata

__all__ = ["AS_OF", "Progress", "default_path", "frames", "load", "metadata", "segments"]

AS_OF: Final = datetime(2018, 1, 1, 5, tzinfo=UTC)
"""The instant that the demo asks about: the data ends with 2017."""


def segments() -> str:
    """The text of the demo's `segments.toml`."""
    return files(__name__).joinpath("segments.toml").read_text(encoding="utf-8")
