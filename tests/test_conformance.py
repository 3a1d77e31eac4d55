"""The conformance cases, on every target."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pandas as pd
import pytest

from segmentkit import DefinitionError, SegmentSyntaxError, SegmentTypeError, UnsupportedError
from segmentkit.dtypes import DATE, TIMESTAMP, DType
from tests.conformance_cases import Case, cases
from tests.targets import TARGETS, Target

ALL = list(cases())
ANSWERED = [case for case in ALL if case.members is not None]
VALUED = [case for case in ALL if case.values is not None]
LABELLED = [case for case in ALL if case.labels is not None]
REFUSED = [case for case in ALL if case.error is not None]

_Answer = TypeVar("_Answer")


def _id(case: Case) -> str:
    return f"{case.file}: {case.name}"


def _asked(target: Target, case: Case, ask: Callable[[], _Answer]) -> _Answer | None:
    """What a target answers; None after a refusal, which the case must name."""
    if not {target.name, target.family} & set(case.unsupported):
        return ask()
    with pytest.raises(UnsupportedError):
        ask()
    return None


@pytest.mark.parametrize("case", ANSWERED, ids=_id)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_members(target: Target, case: Case) -> None:
    """A definition has the members that the case says, on every target that does not refuse it."""
    if target.name in case.broken:
        with pytest.raises(Exception, match="Internal error"):
            target.members(case.define(), case.rows, case.as_of)
        return
    found = _asked(target, case, lambda: target.members(case.define(), case.rows, case.as_of))
    if found is None:
        return
    assert sorted(found) == sorted(case.members), case.where


@pytest.mark.parametrize("case", VALUED, ids=_id)
@pytest.mark.parametrize("target", [t for t in TARGETS if t.values], ids=lambda target: target.name)
def test_values(target: Target, case: Case) -> None:
    """A trait has the values that the case says, on every target; other keys have none."""
    trait = case.define_trait()
    found = _asked(target, case, lambda: target.values(trait, case.rows, case.as_of))
    if found is None:
        return
    plain = {key: _plain(value, trait.dtype) for key, value in found.items() if not pd.isna(value)}
    assert plain == case.values, case.value


def _plain(value: Any, dtype: DType) -> Any:
    """A value as TOML writes it."""
    if dtype == TIMESTAMP and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value.date() if dtype == DATE and isinstance(value, datetime) else value


@pytest.mark.parametrize("case", LABELLED, ids=_id)
@pytest.mark.parametrize("target", [t for t in TARGETS if t.labels], ids=lambda target: target.name)
def test_labels(target: Target, case: Case) -> None:
    """Everyone is in exactly one part of a partition, the one that the case says."""
    partition = case.find_partition()
    found = _asked(target, case, lambda: target.labels(partition, case.rows, case.as_of))
    if found is None:
        return
    assert found == {key: label for label, keys in case.labels.items() for key in keys}


@pytest.mark.parametrize("case", [c for c in LABELLED if c.audit is not None], ids=_id)
@pytest.mark.parametrize("target", [t for t in TARGETS if t.audit], ids=lambda target: target.name)
def test_audit(target: Target, case: Case) -> None:
    """An audit says how many each part would have alone, and to whom it lost them."""
    partition = case.find_partition()
    audit = _asked(target, case, lambda: target.audit(partition, case.rows, case.as_of))
    if audit is None:
        return
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
