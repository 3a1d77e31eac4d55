"""Mistakes in what all targets share: no two disagree, and only cases with answers notice them."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from unittest import mock

from attrs import evolve

from segmentkit import _calendar, segment
from segmentkit._calendar import add_days, month_day
from segmentkit._checking import (
    aggregates,
    calls,
    lists,
    literals,
    rankings,
    references,
    row_names,
    windows,
)
from segmentkit._checking import binding as _binding
from segmentkit._language import syntax as t
from segmentkit._language.syntax import Counted, Rolling
from segmentkit._patterns import syntax as patterns
from segmentkit._planning import ir, normalize, time_arithmetic
from tests.mutants.making import Mutant, Patch, both, method

# -- time -----------------------------------------------------------------------------------------


def _with_start(real: Any, window: Any, *args: Any) -> Any:
    found = real(window, *args)
    if isinstance(window, Rolling) and isinstance(found, tuple):
        (_, low), high = found
        return (ir.Comparison.GE, low), high
    return found


def _without_end(real: Any, window: Any, *args: Any) -> Any:
    found = real(window, *args)
    if isinstance(window, Rolling) and isinstance(found, tuple):
        low, (_, high) = found
        return low, (ir.Comparison.LT, high)
    return found


def _in_utc(real: Any, condition: Any, as_of: Any, zone: Any) -> Any:
    return real(condition, as_of, UTC)


def _through_midnight(real: Any, last: Any, dtype: Any, zone: Any) -> Any:
    return ir.Comparison.LE, windows._day(last, dtype, zone)


def _for_the_rest(real: Any, normalizer: Any, node: Any) -> Any:
    *values, rest = node.values
    rest = values[-1] if rest == ir.Const(None, rest.dtype) else rest
    return real(normalizer, evolve(node, values=(*values, rest)))


def _with_this_one(real: Any, dtype: Any, unit: Any, first: Any, after: Any) -> Any:
    return real(dtype, unit, first, 1)


def _of_thirty_days(real: Any, when: Any, count: Any, unit: Any, *zone: Any) -> Any:
    return (
        real(when, count * 30, "day", *zone) if unit == "month" else real(when, count, unit, *zone)
    )


def _from_sunday(real: Any, today: Any, count: Any, unit: Any) -> Any:
    if unit != "week":
        return real(today, count, unit)
    return add_days(today, 7 * count - today.isoweekday() % 7)


def _from_monday(real: Any, day: Any) -> Any:
    return add_days(day, -day.weekday())


def _unclamped(real: Any, day: Any, months: Any) -> Any:
    found = real(day, months)
    return min(found, real(day.replace(day=min(day.day, 28)), months) + max(day.day - 28, 0))


def _in_march(real: Any, first: Any, last: Any) -> Any:
    return None if real(first, last) is None else (month_day(first), month_day(last))


# -- patterns -------------------------------------------------------------------------------------


def _endless(real: Any, reader: Any) -> Any:
    found = real(reader)
    return found if found is None or found[0] == found[1] else (found[0], None)


def _set_of(name: str, *parts: str) -> Patch:
    return lambda: mock.patch.dict(patterns._SETS, {name: patterns._of(*parts)})


# -- sequences ------------------------------------------------------------------------------------


def _over(operator: ir.Comparison) -> Any:
    def is_over(real: Any, at: Any, within: Any) -> Any:
        return evolve(real(at, within), operator=operator)

    return method(aggregates, "_is_over", is_over)


def _of_anything(real: Any, *given: Any) -> Any:
    found = real(*given)
    return found and (found[0], ())


# -- the population -------------------------------------------------------------------------------


def _of_everyone(real: Any, ctx: Any, node: Any) -> Any:
    found = real(ctx, node)
    if found is None:
        return None
    test, value = found
    return evolve(test, left=evolve(test.left, among=ir.TRUE)), value


def _no_consent(real: Any, ctx: Any, channel: Any, place: Any) -> Any:
    return references._address(ctx, channel)


def _no_address(real: Any, ctx: Any, channel: Any, place: Any) -> Any:
    with mock.patch.object(references, "_address", return_value=ir.TRUE):
        return real(ctx, channel, place)


def _forgetting(real: Any, values: Any) -> Any:
    return tuple(real(values)[1:])


MUTANTS = [
    Mutant("an empty list is anything", "a list of nothing leaves the test out",
           method(literals, "_one_of", lambda real, ctx, x, options, folded:
                  real(ctx, x, options, folded) if options else ir.TRUE), "parameters"),
    Mutant("ago is from now", "the direction of a number that is bound is forgotten",
           method(t, "_evolved", lambda real, node, changed: real(
               evolve(node, ago=False) if isinstance(node, t.Moment) else node, changed)),
           "parameters"),
    Mutant("an empty list is a missing one", "a list without texts is taken for none",
           method(lists, "is_empty", lambda real, ctx, node, negative:
                  ctx.condition(t.IsMissing(node.operand, node.negated))), "tags"),
    Mutant("lists without their first", "a value of a list is lost when it is bound",
           method(_binding, "in_order", _forgetting), "parameters"),
    Mutant("a dot is anything", "a pattern goes on behind the end of a line",
           lambda: mock.patch.object(patterns, "_ANY", ((0, patterns.LAST),)), "patterns"),
    Mutant("digits of all scripts", "Python's \\d, of texts",
           _set_of("d", "09", "٠٩"), "patterns"),
    Mutant("blanks of Unicode", "Python's \\s, of texts",
           _set_of("s", "\t\r", " ", "\x85\xa0", "\u2028\u2029"), "patterns"),
    Mutant("letters of Unicode", "Python's \\w, of texts",
           _set_of("w", "09", "AZ", "az", "_", "à\U0001f600"), "patterns"),
    Mutant("repeats without an end", "a{1,2} is a{1,}",
           method(patterns._Reader, "counts", _endless), "patterns"),
    Mutant("constants without a pre-release", "1.10.0-rc.1 is taken for 1.10.0",
           method(calls, "version_key", lambda real, text: real(text.partition("-")[0])), "versions"),
    Mutant("something for the rest", "without else, the last branch has whom no other has",
           method(normalize._Normalizer, "case", _for_the_rest), "chosen-values"),
    Mutant("exactly two may be three", "the most that may hold is forgotten",
           lambda: mock.patch.object(Counted, "bounds", property(lambda n: (n.count, len(n.operands)))), "counted"),
    Mutant("window with its start", "BETWEEN now - 7 days AND now counts an instant twice",
           method(windows, "bounds", _with_start), "time"),
    Mutant("window without its end", "what happens at this very instant is not seen",
           method(windows, "bounds", _without_end), "time"),
    Mutant("days begin in UTC", "the schema's time zone is forgotten",
           method(segment, "normalize", _in_utc), "zones"),
    Mutant("through midnight only", "between two days leaves the last day out but its first instant",
           method(windows, "_through", _through_midnight), "time"),
    Mutant("previous with this one", "the previous three months are this one and two before",
           method(windows, "_calendar", _with_this_one), "time"),
    Mutant("months of 30 days", "a month ago is 30 days ago",
           both(method(normalize, "shift", _of_thirty_days),
                method(normalize, "shift_date", _of_thirty_days)), "time"),
    Mutant("weeks from Sunday", "this week has begun the day before",
           both(method(_calendar, "start_date", _from_sunday),
                method(normalize, "start_date", _from_sunday)), "time"),
    Mutant("weeks from Monday in a schema with weeks from Sunday", "a window forgets the schema",
           method(windows, "begun", lambda real, unit, schema: unit), "sunday-weeks"),
    Mutant("Sunday is the last day of its week", "weeks from Sunday begin six days before it",
           method(_calendar, "first_of_sunday_week", _from_monday), "sunday-weeks"),
    Mutant("months without their last days", "a bound of a date some months later forgets the clamp",
           method(time_arithmetic, "_last", _unclamped), "durations"),
    Mutant("moved to the day before", "a date since noon is taken for one since midnight",
           lambda: mock.patch.object(time_arithmetic, "_TO_ITS_DAY", {}), "durations"),
    Mutant("anniversary on 1 March", "29 February has no anniversary in common years",
           method(normalize, "anniversaries", _in_march), "dates-of-people"),
    Mutant("of age on 1 March", "born on 29 February, 18 a day late",
           method(_calendar, "_reached", lambda real, today: (today.month, today.day)),
           "dates-of-people"),
    Mutant("the future is seen", "an order of tomorrow counts today",
           method(aggregates, "_until_now", lambda real, time: ir.TRUE), "aggregates"),
    Mutant("within forgotten", "whatever comes later follows, however late",
           method(aggregates, "_in_time", lambda real, time, within: ([], None)), "sequences"),
    Mutant("absences count at once", "a cart of three hours ago is abandoned already",
           method(aggregates, "_is_over", lambda real, *_: ir.TRUE), "sequences"),
    Mutant("absences count on their last day", "of days, nothing more comes on the last one",
           _over(ir.Comparison.LE), "sequences"),
    Mutant("absences count late", "at the very end of their time nothing is said",
           _over(ir.Comparison.LT), "sequences"),
    Mutant("ranks of everyone", "`top … among` ranks those beside the group too",
           method(rankings, "ranked", _of_everyone), "population"),
    Mutant("values of everyone", "`among` in ntile and in a value of the population",
           method(rankings, "_among", lambda real, *_: ir.TRUE), "population"),
    Mutant("of anything", "the product of a step is forgotten",
           method(row_names, "equalities", _of_anything), "named-rows"),
    Mutant("consent forgotten", "everyone with an address is reachable",
           method(references, "channel_condition", _no_consent), "channels"),
    Mutant("address forgotten", "everyone who has consented is reachable",
           method(references, "channel_condition", _no_address), "channels"),
]  # fmt: skip
