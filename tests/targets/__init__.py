"""The targets, behind one call: a segment, rows and an instant in; the members' keys out.

``SEGMENTKIT_TARGETS`` names those to run, parted by commas; without it, all that need nothing but
pip. A target that is asked for and cannot run is an error, never skipped.
"""

from __future__ import annotations

import os

from tests.targets import databases, frames, records, spark
from tests.targets.target import Hostile, Target

CORE = [*records.TARGETS, *databases.CORE, *frames.TARGETS]
"""What every run of the tests asks."""

EVERY = [*CORE, *databases.OTHERS, *spark.TARGETS]
"""All there are; those beside the core need an installation of their own."""


def _chosen(names: str) -> list[Target]:
    known = {target.name: target for target in EVERY}
    return [known[name.strip()] for name in names.split(",")] if names else CORE


TARGETS = _chosen(os.environ.get("SEGMENTKIT_TARGETS", ""))
DATABASES = [each for each in databases.ENGINES if each.name in {t.name for t in TARGETS}]
"""The databases among them."""

__all__ = ["CORE", "DATABASES", "EVERY", "TARGETS", "Hostile", "Target"]
