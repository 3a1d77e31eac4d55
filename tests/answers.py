"""What a target answers to a case, and what the case says, in one form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from segmentkit.dtypes import DATE, TIMESTAMP, DType
from tests.conformance_cases import Case
from tests.targets import Target


def can_answer(target: Target, case: Case) -> bool:
    """Whether a target gives answers of the kind that a case asks for."""
    if case.labels is not None:
        return target.labels is not None
    return case.values is None or target.values is not None


def answer(target: Target, case: Case) -> Any:
    """The sorted keys of the members, the values by key, or the labels by key."""
    if case.labels is not None:
        assert target.labels is not None
        return target.labels(case.find_partition(), case.rows, case.as_of)
    if case.values is not None:
        assert target.values is not None
        trait = case.define_trait()
        found = target.values(trait, case.rows, case.as_of)
        return {k: _plain(value, trait.dtype) for k, value in found.items() if not pd.isna(value)}
    return sorted(target.members(case.define(), case.rows, case.as_of))


def expected(case: Case) -> Any:
    """What the answer should be; keys that have no value are not there."""
    if case.labels is not None:
        return {key: label for label, keys in case.labels.items() for key in keys}
    if case.values is not None:
        return case.values
    assert case.members is not None
    return sorted(case.members)


def _plain(value: Any, dtype: DType) -> Any:
    """A value as TOML writes it."""
    if dtype.is_duration:
        # SQL's own columns have microseconds.
        return value / timedelta(microseconds=1) if isinstance(value, timedelta) else value
    if dtype == TIMESTAMP and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value.date() if dtype == DATE and isinstance(value, datetime) else value
