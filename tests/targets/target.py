"""What a target is to the tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import frozen

from segmentkit import Segment
from tests.conformance_cases import Tables


@frozen
class Target:
    """One way to answer.

    Attributes:
        name: What the conformance cases and the compatibility table call it.
        family: ``record``, ``sql``, ``pandas`` …: a case may say that a whole family refuses it.
        members: The keys of a segment's members among rows, as of an instant.
    """

    name: str
    family: str
    members: Callable[[Segment, Tables, datetime], list[Any]]
