"""Prints how many conformance cases notice each mistake."""

from __future__ import annotations

from collections import Counter

from tests.mutants import of_functions, of_meaning, of_pandas, of_sql
from tests.mutants.noticing import ANSWERED, noticed_by, pandas, sqlite

for title, mutants, target in (
    ("what all targets share", of_meaning.MUTANTS, sqlite),
    ("SQL", [*of_sql.MUTANTS, *of_functions.OF_SQL], sqlite),
    ("frames", [*of_pandas.MUTANTS, *of_functions.OF_PANDAS], pandas),
):
    print(f"\n{title}")
    for mutant in mutants:
        with mutant.made():
            found = list(noticed_by(ANSWERED, target()))
        files = Counter(case.file for case in found)
        told = ", ".join(f"{name} {count}" for name, count in files.most_common())
        print(f"  {mutant.name:38} {len(found):4}  {told}", flush=True)
