"""Many segments in one pass: the answers of each alone, on every target that is a source."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd
import pytest

from segmentkit import UnsupportedError
from tests.conformance_cases import Case, cases
from tests.targets import TARGETS, Target

SOURCES = [target for target in TARGETS if target.source]


def _together() -> list[list[Case]]:
    """The cases that ask about the same rows at the same instant."""
    found: dict[Any, list[Case]] = defaultdict(list)
    for case in cases():
        if case.members is not None:
            found[case.file, case.schema.root, case.as_of, repr(case.rows)].append(case)
    return list(found.values())


TOGETHER = _together()


def _id(together: list[Case]) -> str:
    return f"{together[0].file}, {len(together)} cases"


@pytest.mark.parametrize("together", TOGETHER, ids=_id)
@pytest.mark.parametrize("target", SOURCES, ids=lambda target: target.name)
def test_all_cases_at_once(target: Target, together: list[Case]) -> None:
    """Cases of the same rows have their members in one evaluation, too; refusals are told of."""
    first = together[0]
    # What ends in an error of the engine's own ends a whole pass.
    together = [case for case in together if target.name not in case.broken]
    segments = {f"{i}: {case.name}": case.define() for i, case in enumerate(together)}
    expected = dict(zip(segments, (sorted(case.members or []) for case in together), strict=True))
    refused = {
        name
        for name, case in zip(segments, together, strict=True)
        if {target.name, target.family} & set(case.unsupported)
    }
    with target.source(first.schema, first.rows) as source:
        found = source.evaluate(segments, as_of=first.as_of, skip_broken=True)
        sizes = source.sizes(segments, as_of=first.as_of, skip_broken=True)
        overlap = source.overlap(segments, as_of=first.as_of, skip_broken=True)
    assert set(found.broken) == set(sizes.broken) == refused
    assert all(isinstance(error, UnsupportedError) for error in found.broken.values())
    assert sorted(found.population) == sorted(
        row[first.schema.entity.key] for row in first.rows[first.schema.entity.table]
    )
    members = {name: sorted(found[name]) for name in found}
    assert members == {name: keys for name, keys in expected.items() if name not in refused}
    assert dict(sizes) == {name: len(keys) for name, keys in members.items()}
    assert sizes.population == len(found.population)
    pd.testing.assert_frame_equal(overlap, found.overlap())
