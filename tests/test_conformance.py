"""The conformance cases, on every target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from segmentkit import (
    Audit,
    DefinitionError,
    SegmentSyntaxError,
    SegmentTypeError,
    UnsupportedError,
)
from tests.answers import answer, expected
from tests.conformance_cases import Case, cases
from tests.targets import TARGETS, Target

ALL = list(cases())
ANSWERED = [case for case in ALL if case.members is not None]
VALUED = [case for case in ALL if case.values is not None]
LABELLED = [case for case in ALL if case.labels is not None]
REFUSED = [case for case in ALL if case.error is not None]


def _id(case: Case) -> str:
    return f"{case.file}: {case.name}"


def _refuses(target: Target, case: Case, ask: Callable[[Target, Case], Any]) -> bool:
    """Whether the case names a target, or its family, as one that refuses; then it must."""
    if not {target.name, target.family} & set(case.unsupported):
        return False
    with pytest.raises(UnsupportedError):
        ask(target, case)
    return True


@pytest.mark.parametrize("case", ANSWERED, ids=_id)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_members(target: Target, case: Case) -> None:
    """A definition has the members that the case says, on every target that does not refuse it."""
    if not _refuses(target, case, answer):
        assert answer(target, case) == expected(case), case.where


@pytest.mark.parametrize("case", VALUED, ids=_id)
@pytest.mark.parametrize("target", [t for t in TARGETS if t.values], ids=lambda target: target.name)
def test_values(target: Target, case: Case) -> None:
    """A trait has the values that the case says, on every target; other keys have none."""
    if not _refuses(target, case, answer):
        assert answer(target, case) == expected(case), case.value


@pytest.mark.parametrize("case", LABELLED, ids=_id)
@pytest.mark.parametrize("target", [t for t in TARGETS if t.labels], ids=lambda target: target.name)
def test_labels(target: Target, case: Case) -> None:
    """Everyone is in exactly one part of a partition, the one that the case says."""
    if not _refuses(target, case, answer):
        assert answer(target, case) == expected(case), case.partition


def _audit(target: Target, case: Case) -> Audit:
    return target.audit(case.find_partition(), case.rows, case.as_of)


@pytest.mark.parametrize("case", [c for c in LABELLED if c.audit is not None], ids=_id)
@pytest.mark.parametrize("target", [t for t in TARGETS if t.audit], ids=lambda target: target.name)
def test_audit(target: Target, case: Case) -> None:
    """An audit says how many each part would have alone, and to whom it lost them."""
    if _refuses(target, case, _audit):
        return
    audit = _audit(target, case)
    found = {
        part.label: {"alone": part.alone, "got": part.got}
        | ({"lost": dict(part.lost)} if part.lost else {})
        for part in audit.parts
    }
    assert found == case.audit
    assert audit.population == len(case.rows[case.schema.entity.table])


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
    """A case has one answer: members, values, labels or an error."""
    for c in ALL:
        answers = [("where", c.members), ("where", c.error)]
        answers += [("value", c.values), ("partition", c.labels)]
        given = [question for question, answer in answers if answer is not None]
        assert len(given) == 1, c.name
        assert getattr(c, given[0]) is not None, c.name
    assert len(ANSWERED) > 500
    assert len(REFUSED) > 50
