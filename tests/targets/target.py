"""What a target is to the tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import frozen

from segmentkit import Audit, Partition, Segment, Trait
from tests.conformance_cases import Tables


@frozen
class Target:
    """One way to answer.

    Attributes:
        name: What the conformance cases and the compatibility table call it.
        family: ``record``, ``sql``, ``pandas`` …: a case may say that a whole family refuses it.
        members: The keys of a segment's members among rows, as of an instant.
        values: The values of a trait, by key.
        labels: The labels of a partition, by key.
        audit: What a partition's parts took from each other; None where there is no such thing.
    """

    name: str
    family: str
    members: Callable[[Segment, Tables, datetime], list[Any]]
    values: Callable[[Trait, Tables, datetime], dict[Any, Any]]
    labels: Callable[[Partition, Tables, datetime], dict[Any, str]]
    audit: Callable[[Partition, Tables, datetime], Audit] | None = None
