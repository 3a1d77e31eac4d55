"""The suite notices mistakes: every mutant of the compiler is killed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from tests.conformance_cases import Case, cases
from tests.mutants import MUTANTS, Mutant, noticed_by, subject
from tests.property.checks import Disagreement
from tests.property.fuzz import check, questions
from tests.targets.records import TARGETS as RECORD

ANSWERED = [case for case in cases() if case.members is not None]


def _sooner(mutant: Mutant) -> list[Case]:
    """All cases; those that should notice a mutant come first."""
    return sorted(ANSWERED, key=lambda case: case.file != mutant.first)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_case_notices(mutant: Mutant) -> None:
    """Every mistake makes the answer of some conformance case wrong."""
    with mutant.patch():
        killer = next(noticed_by(_sooner(mutant), subject()), None)
    assert killer is not None, mutant.stands_for
    assert killer.file == mutant.first, f"noticed by {killer.file}: {killer.name}"


def test_no_case_notices_what_is_right() -> None:
    """Without a mistake the same search finds nothing, and mistakes are undone after it."""
    for mutant in MUTANTS:
        with mutant.patch():
            pass
    assert [case.name for case in noticed_by(ANSWERED, subject())] == []


def test_the_fuzzer_notices() -> None:
    """Random definitions make SQLite and plain Python disagree, if only one has the mistake."""
    mutant = next(m for m in MUTANTS if m.name == "naive NOT")
    targets = [*RECORD, subject()]

    @settings(
        max_examples=50,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        derandomize=True,
    )
    @given(questions(), st.data())
    def run(asked, data) -> None:  # type: ignore[no-untyped-def]
        check(data, *asked, targets)

    with mutant.patch(), pytest.raises(Disagreement):
        run()
