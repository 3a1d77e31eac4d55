"""Mistakes of the target that computes with frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
from attrs import evolve

import segmentkit.pandas as frames
from segmentkit._planning import ir
from segmentkit.pandas import (
    _aggregates,
    _columns,
    _compile,
    _functions,
    _same_values,
    _text,
)
from tests.mutants.making import Mutant, Patch, method


def _aggregated(function: ir.AggregateFunction, made: Callable[[Any], Any]) -> Patch:
    """Compute an aggregate in another way."""
    wrong = {**_aggregates.AGGREGATES, function: made}
    return lambda: mock.patch.object(_compile, "AGGREGATES", wrong)


def _sum_or_missing(rows: Any) -> Any:
    found = _aggregates._sum(rows)
    return evolve(found, mask=rows.each() == 0)


def _by_place(rows: Any) -> Any:
    return _aggregates._last(evolve(rows, ties=None))


def _shared_ranks(real: Any, values: Any, places: Any, size: int, node: Any) -> Any:
    found = real(values, places, size, node)
    _, dense = np.unique(found.data[places], return_inverse=True)
    if node.tiles is None:
        found.data[places] = dense + 1
    return found


def _negation(real: Any, op: Any, left: Any, value: Any, *, folded: bool) -> Any:
    """A comparison that holds of what is missing, as ``!=`` of NaN does."""
    return real(op, left, value, folded=folded) | left.missing


def _at_once(real: Any, here: Any, there: Any, **how: Any) -> Any:
    tick = np.timedelta64(-1 if how["backward"] else 1, np.datetime_data(here.at.dtype)[0])
    return real(evolve(here, at=here.at - tick), there, **how)


def _anybodys(real: Any, here: Any, there: Any, **how: Any) -> Any:
    one = evolve(here, owners=np.zeros_like(here.owners))
    return real(one, evolve(there, owners=np.zeros_like(there.owners)), **how)


def _whatever_value(_: Any, owners: Any, values: Any, others: Any, of_others: Any) -> Any:
    return owners, others


def _missing_is_a_value(real: Any, here: Any, there: Any) -> Any:
    codes = real(here, there)
    return np.where(codes < 0, codes.max(initial=0) + 1, codes)


def _next_above(real: Any, table: Any, up: int) -> Any:
    return np.minimum(real(table, 1), table.parent.parent.size - 1) if up > 1 else real(table, up)


def _last_match(real: Any, held: Any, size: int) -> Any:
    codes = real(held[::-1], size)
    return np.where(codes < len(held), len(held) - 1 - codes, codes)


def _from_zero(clock: Any) -> Any:
    found = _functions.part("weekday", clock)
    return evolve(found, data=found.data - 1)


def _without_jumps(real: Any, zone: Any, years: Any) -> Any:
    return [(since, since, ahead) for since, _, ahead in real(zone, years)]


def _unmasked(times: Any) -> Any:
    return evolve(_functions.micros(times), mask=None)


def _filled(text: Any) -> Any:
    """Texts of which a missing one is empty."""
    return evolve(
        text,
        codes=np.where(text.codes < 0, len(text.texts), text.codes),
        texts=np.append(text.texts, ""),
    )


def _with_repeats(rows: Any) -> Any:
    order = np.lexsort((rows.values.data, rows.owners))
    owners, numbers = rows.owners[order], rows.values.data[order]
    begins = np.ones(len(owners), dtype=np.bool_)
    begins[1:] = (owners[1:] != owners[:-1]) | (numbers[1:] != numbers[:-1] + 1)
    starts = np.flatnonzero(begins)
    longest = np.zeros(rows.count, dtype=np.int64)
    np.maximum.at(longest, owners[starts], np.diff(np.append(starts, len(owners))))
    return _aggregates.Vector(_aggregates.Kind.INTEGER, longest)


def _last_choice(real: Any, tests: Any, values: Any) -> Any:
    *chosen, rest = values
    return real(tests[::-1], [*chosen[::-1], rest])


MUTANTS = [
    Mutant("the last choice wins", "numpy.select with its conditions turned round",
           method(_functions, "chosen", _last_choice), "chosen-values"),
    Mutant("missing lists have a length", "the length of a list that is not there is 0",
           method(_compile, "masked", lambda real, kind, data, missing:
                  real(kind, data, np.zeros_like(missing))), "tags"),
    Mutant("the first of several", "mode() of a Series, and of several the one that comes first",
           _aggregated(ir.AggregateFunction.MODE, _aggregates._min), "modes"),
    Mutant("a percentile between two", "the place is rounded down, as by int()",
           method(_aggregates, "place_of", lambda real, share, count: max(1, int(share * count))),
           "percentiles"),
    Mutant("days that come twice end a run", "drop_duplicates() is forgotten before diff()",
           _aggregated(ir.AggregateFunction.STREAK, _with_repeats), "streaks"),
    Mutant("missing versions come first", "the code -1 of what is missing is the least",
           method(_text, "in_order", lambda real, op, a, b: real(op, _filled(a), _filled(b))),
           "versions"),
    Mutant("NaN compares as true", "what is missing passes a test",
           method(_compile, "compare_constant", _negation), "missing"),
    Mutant("sum of nothing is missing", "min_count=1",
           _aggregated(ir.AggregateFunction.SUM, _sum_or_missing), "aggregates"),
    Mutant("count distinct counts all", "size() for nunique()",
           _aggregated(ir.AggregateFunction.COUNT_DISTINCT, _aggregates._count), "aggregates"),
    Mutant("ties left open", "the last of two rows at one instant is not that of the greater key",
           _aggregated(ir.AggregateFunction.LAST, _by_place), "aggregates"),
    Mutant("ties leave no gap", "rank(method='dense')",
           method(_compile, "standing", _shared_ranks), "population"),
    Mutant("what is at once follows", "merge_asof with allow_exact_matches",
           method(_compile, "follows", _at_once), "sequences"),
    Mutant("anybody's rows follow", "merge_asof without by",
           method(_compile, "follows", _anybodys), "sequences"),
    Mutant("of anything", "merge_asof without the product in by",
           method(_compile, "together", _whatever_value), "named-rows"),
    Mutant("the missing are the same", "factorize(use_na_sentinel=False), as pandas joins NaN",
           method(_same_values, "_codes", _missing_is_a_value), "named-rows"),
    Mutant("the wrong row above", "the owner's place taken for that of its own owner",
           method(_compile.RelatedTable, "above", _next_above), "named-rows"),
    Mutant("what is missing is a number", "NaT as the number that stands for it",
           lambda: mock.patch.dict(_functions.FUNCTIONS, micros=_unmasked), "durations"),
    Mutant("an hour later", "a time that the clock skips as if it had not",
           method(_columns, "shown_steps", _without_jumps), "local-times"),
    Mutant("Monday is 0", "weekdays from 0 to 6, as pandas has them",
           lambda: mock.patch.dict(_functions.FUNCTIONS, weekday=_from_zero), "parts-of-dates"),
    Mutant("the last match wins", "assigned in order, later parts take from earlier ones",
           method(frames, "first_of", _last_match), "partitions"),
]  # fmt: skip
