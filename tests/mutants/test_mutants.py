"""The suite notices mistakes: every mutant is killed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from segmentkit.sqlalchemy.dialects.constructs import Construct
from tests.answers import answer, expected
from tests.conformance_cases import Case
from tests.mutants import of_functions, of_meaning, of_pandas, of_sql
from tests.mutants.making import Mutant, spelled
from tests.mutants.noticing import ANSWERED, noticed_by, pandas, sqlite
from tests.property.checks import Disagreement
from tests.property.fuzz import check, questions
from tests.targets import Target
from tests.targets.records import TARGETS as RECORD

OF_SQL = [*of_sql.MUTANTS, *of_functions.OF_SQL]
OF_PANDAS = [*of_pandas.MUTANTS, *of_functions.OF_PANDAS]
MUTANTS = [*of_meaning.MUTANTS, *OF_SQL, *OF_PANDAS]


def _killer(mutant: Mutant, target: Callable[[], Target]) -> Case:
    """The case that notices a mutant, which is in the file that is about it."""
    about = [case for case in ANSWERED if mutant.word in f"{case.where} {case.value}"]
    sooner = sorted(about, key=lambda case: case.file != mutant.first)
    killer = next(noticed_by(sooner, target()), None)
    assert killer is not None, mutant.stands_for
    if mutant.first is not None:
        assert killer.file == mutant.first, f"noticed by {killer.file}: {killer.name}"
    return killer


@pytest.mark.parametrize("mutant", OF_SQL, ids=lambda mutant: mutant.name)
def test_a_case_notices_what_sql_gets_wrong(mutant: Mutant) -> None:
    """Every mistake of the compiler of SQL makes an answer wrong, and frames do not share it."""
    with mutant.made():
        killer = _killer(mutant, sqlite)
        assert answer(pandas(), killer) == expected(killer)


@pytest.mark.parametrize("mutant", OF_PANDAS, ids=lambda mutant: mutant.name)
def test_a_case_notices_what_pandas_gets_wrong(mutant: Mutant) -> None:
    """Every mistake with frames makes an answer wrong, and SQL does not share it."""
    with mutant.made():
        killer = _killer(mutant, pandas)
        assert answer(sqlite(), killer) == expected(killer)


@pytest.mark.parametrize("mutant", of_meaning.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_case_notices_what_all_get_wrong(mutant: Mutant) -> None:
    """Every mistake in what targets share makes the same answer wrong everywhere."""
    with mutant.made():
        killer = _killer(mutant, sqlite)
        assert answer(pandas(), killer) == answer(sqlite(), killer)


def test_mistakes_are_undone() -> None:
    """Without a mistake no case notices anything, after every one was made."""
    for mutant in MUTANTS:
        with mutant.made():
            pass
    assert [case.name for case in noticed_by(ANSWERED, sqlite())] == []


REFUSAL = Mutant(
    "SQLite refuses",
    "a definition that one target refuses",
    spelled(Construct.EXACT_TEXT, None),
    "text",
)
NAIVE = next(mutant for mutant in of_sql.MUTANTS if mutant.name == "naive NOT")


@pytest.mark.parametrize("mutant", [NAIVE, REFUSAL], ids=lambda mutant: mutant.name)
def test_the_fuzzer_notices(mutant: Mutant) -> None:
    """Random definitions make SQLite and plain Python disagree, if only one has the mistake."""
    targets = [*RECORD, sqlite()]

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

    with mutant.made(), pytest.raises(Disagreement):
        run()
