"""The conformance cases, on every target."""

from __future__ import annotations

import pytest

from segmentkit import DefinitionError, SegmentSyntaxError, SegmentTypeError, UnsupportedError
from tests.conformance_cases import Case, cases
from tests.targets import TARGETS, Target

ALL = list(cases())
ANSWERED = [case for case in ALL if case.members is not None]
REFUSED = [case for case in ALL if case.error is not None]


def _id(case: Case) -> str:
    return f"{case.file}: {case.name}"


@pytest.mark.parametrize("case", ANSWERED, ids=_id)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_members(target: Target, case: Case) -> None:
    """A definition has the members that the case says, on every target that does not refuse it."""
    if {target.name, target.family} & set(case.unsupported):
        with pytest.raises(UnsupportedError):
            target.members(case.define(), case.rows, case.as_of)
        return
    found = target.members(case.define(), case.rows, case.as_of)
    assert sorted(found) == sorted(case.members), case.where


@pytest.mark.parametrize("case", [c for c in ANSWERED if c.warnings is not None], ids=_id)
def test_warnings(case: Case) -> None:
    """The checker warns of missing data exactly where the case says."""
    assert bool(case.define().warnings) == case.warnings


@pytest.mark.parametrize("case", REFUSED, ids=_id)
def test_refused(case: Case) -> None:
    """A wrong definition is refused with the words, and at the place, that the case says."""
    kind = {"syntax": SegmentSyntaxError, "type": SegmentTypeError}[case.error]
    with pytest.raises(DefinitionError) as caught:
        case.define()
    assert isinstance(caught.value, kind), str(caught.value)
    text = str(caught.value)
    if case.says is not None:
        assert case.says.lower() in text.lower(), text
    if case.at is not None:
        places = [case.where[d.span.start : d.span.end] for d in caught.value.diagnostics]
        assert any(case.at in place or place in case.at for place in places if place), (
            places,
            text,
        )


def test_every_case_says_what_it_expects() -> None:
    """A case has members or an error, never both or neither."""
    assert all((c.members is None) != (c.error is None) for c in ALL)
    assert len(ANSWERED) > 500
    assert len(REFUSED) > 50
