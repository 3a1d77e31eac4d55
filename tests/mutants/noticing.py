"""Who notices a mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from segmentkit import UnsupportedError
from tests.answers import answer, can_answer, expected
from tests.conformance_cases import Case, cases
from tests.targets import Target, databases, frames

ANSWERED = [case for case in cases() if case.error is None]


def noticed_by(asked: Iterable[Case], target: Target) -> Iterator[Case]:
    """The cases whose answers a target gets wrong, one by one."""
    for case in asked:
        if {target.name, target.family} & set(case.unsupported) or not can_answer(target, case):
            continue
        try:
            found = answer(target, case)
        except UnsupportedError:
            continue
        except AssertionError:
            # A target asks in two ways, and they differ.
            found = None
        if found != expected(case):
            yield case


def sqlite() -> Target:
    """SQLite with nothing in its caches: compiled statements do not see a mutant."""
    return databases.sqlite().target


def pandas() -> Target:
    """Frames of NumPy's types."""
    return frames.TARGETS[0]
