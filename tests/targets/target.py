"""What a target is to the tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from segmentkit import Audit, Partition, Schema, Segment, Trait
from segmentkit.source import Source
from tests.conformance_cases import Tables


class Hostile(Enum):
    """Data that not every engine holds: rows that have it are given only to those that do."""

    NAN = "floats that are not a number"
    INFINITY = "infinite floats"
    MANY_DIGITS = "decimals of more than 15 digits"
    FAR_TIMES = "the first and the last day of the calendar"
    LONG_TEXT = "texts of 10,000 characters"
    NUL = "NUL in texts"
    PLACEHOLDER_NAMES = "columns that are called like a driver's placeholder"


@frozen
class Target:
    """One way to answer.

    Attributes:
        name: What the conformance cases and the compatibility table call it.
        family: ``record``, ``sql``, ``pandas`` …: a case may say that a whole family refuses it.
        members: The keys of a segment's members among rows, as of an instant.
        lacks: What it cannot hold.
        loaded: For a database, a connection to one that holds rows, and its tables.
        version: What a server or an engine calls its version.
        values: The values of a trait, by key; None where it gives none.
        labels: The labels of a partition, by key.
        audit: What a partition's parts took from each other.
        source: A source that holds rows.
    """

    name: str
    family: str
    members: Callable[[Segment, Tables, datetime], list[Any]]
    lacks: frozenset[Hostile] = frozenset()
    loaded: (
        Callable[[Schema, Tables], AbstractContextManager[tuple[sa.Connection, sa.MetaData]]] | None
    ) = None
    version: Callable[[], str] | None = None
    values: Callable[[Trait, Tables, datetime], dict[Any, Any]] | None = None
    labels: Callable[[Partition, Tables, datetime], dict[Any, str]] | None = None
    audit: Callable[[Partition, Tables, datetime], Audit] | None = None
    source: Callable[[Schema, Tables], AbstractContextManager[Source]] | None = None
