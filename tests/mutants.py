"""Compilers with one mistake each, of those that people make: the suite must notice every one.

``python -m tests.mutants`` prints a table of how many conformance cases each is noticed by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any
from unittest import mock

import sqlalchemy as sa
from attrs import evolve, frozen

import segmentkit.segment as segment_module
import segmentkit.sqlalchemy as sqlalchemy_module
from segmentkit import UnsupportedError, _rows, _values, _windows, segment
from segmentkit import _ir as ir
from segmentkit import sqlalchemy as sql
from segmentkit._ast import Rolling
from segmentkit.dtypes import TEXT
from segmentkit.sqlalchemy import _compile, _dialects, _groups, _predicate, _scans
from segmentkit.sqlalchemy._dialects import Construct
from tests.conformance_cases import Case, cases
from tests.targets import Target
from tests.targets.databases import sqlite

Patch = Callable[[], Any]


@frozen
class Mutant:
    """A mistake.

    Attributes:
        name: What it is called in reports.
        stands_for: The mistake that people make.
        patch: A context in which the library makes it, too.
        first: The file of conformance cases in which it should be noticed first.
        everywhere: Whether it is in what all targets share: no two of them disagree then, and
            only cases that say the answer notice it.
    """

    name: str
    stands_for: str
    patch: Patch
    first: str
    everywhere: bool = False


# -- how to make mistakes -------------------------------------------------------------------------


def method(owner: Any, name: str, made: Callable[..., Any]) -> Patch:
    """Put something else in a method's place; it gets the real one first."""
    real = getattr(owner, name)
    return lambda: mock.patch.object(
        owner, name, lambda *args, **kwargs: made(real, *args, **kwargs)
    )


def spelled(construct: Construct, template: str) -> Patch:
    """Spell something else on SQLite."""

    @contextmanager
    def patch() -> Iterator[None]:
        row = _dialects.DIALECTS["sqlite"]
        wrong = evolve(row, spellings={**row.spellings, construct: template})
        with mock.patch.object(_dialects, "DIALECTS", {**_dialects.DIALECTS, "sqlite": wrong}):
            yield

    return patch


# -- the mistakes ---------------------------------------------------------------------------------


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


def _collated(collation: str) -> Patch:
    def value(real: Any, compiler: Any, node: Any) -> Any:
        found = real(compiler, node)
        is_text = isinstance(node, ir.Column) and node.dtype == TEXT
        return sa.collate(found, collation) if is_text else found

    return method(_compile.Compiler, "value", value)


def _empty_as_null(real: Any, compiler: Any, node: Any) -> Any:
    found = real(compiler, node)
    is_text = isinstance(node, ir.Column) and node.dtype == TEXT
    return sa.func.nullif(found, "", type_=found.type) if is_text else found


def _with_nobodys_rows(real: Any, grouped: Any, *columns: Any, limits: Any) -> Any:
    owned, joined = grouped.scan.owner.is_not(None), _groups.joined

    def without(tests: Any, *, conjunctive: bool) -> Any:
        rest = [test for test in tests if not test.compare(owned)]
        return joined(rest or [sa.true()], conjunctive=conjunctive)

    with mock.patch.object(_groups, "joined", without):
        return real(grouped, *columns, limits=limits)


def _never_of_nothing(real: Any, predicate: Any, node: Any, limits: Any) -> Any:
    group = _predicate.only_group(node)
    if group is None:
        return real(predicate, node, limits)
    return predicate.key(group[0]).in_(predicate.having(node, group, limits))


def _fanned_out(real: Any, scan: Any, tables: Any, above: Any, way: Any) -> None:
    real(scan, tables, above, way)
    once_more = tables.table(scan.entity).alias()
    same = once_more.c[way[-1].key] == scan.key(way[-1].key)
    scan.source = scan.source.outerjoin(once_more, same)


def _joined_members(real: Any, asked: Any, entity: Any, **kwargs: Any) -> Any:
    query = real(asked, entity, **kwargs)
    condition = asked._checked.condition
    aggregates = [n for n in ir.walk(condition) if isinstance(n, ir.Aggregate)]
    if not aggregates:
        return query
    relation = asked.schema.entity.relation(aggregates[0].relation)
    rows = entity.metadata.tables[asked.schema.named(relation.to).table].alias()
    key = entity.c[asked.schema.entity.key]
    return query.select_from(entity.outerjoin(rows, rows.c[relation.key] == key))


def _linked_inside(real: Any, rows: Any, scope: Any, links: Any) -> Any:
    before = rows.source
    found = real(rows, scope, links)
    if rows.source is not before and links and isinstance(rows.source, sa.Join):
        rows.source.isouter = False
    return found


def _of_all_rows(real: Any, grouped: Any, node: Any, tests: Any) -> Any:
    return real(grouped, node, [])


def _of_all_values(real: Any, node: Any, value: Any) -> Any:
    if node.function is ir.AggregateFunction.COUNT_DISTINCT:
        return sa.func.count(value)
    return real(node, value)


def _in_utc(real: Any, condition: Any, as_of: Any, zone: Any) -> Any:
    return real(condition, as_of, UTC)


def _through_midnight(real: Any, last: Any, dtype: Any, zone: Any) -> Any:
    return ir.Comparison.LE, _windows._day(last, dtype, zone)


MUTANTS = [
    Mutant("naive NOT", "NOT (age < 18) loses those of unknown age",
           method(_compile.Compiler, "or_missing", lambda real, c, test, *_: test), "missing"),
    Mutant("window with its start", "BETWEEN now - 7 days AND now counts an instant twice",
           method(_values, "bounds", _with_start), "time", everywhere=True),
    Mutant("window without its end", "what happens at this very instant is not seen",
           method(_values, "bounds", _without_end), "time", everywhere=True),
    Mutant("collation that ignores case", "MySQL's default: 'a' = 'A'",
           _collated("NOCASE"), "text"),
    Mutant("collation that pads", "MySQL's and SQL Server's default: 'a' = 'a '",
           _collated("RTRIM"), "text"),
    Mutant("LIKE for contains", "% and _ of a user's text are wildcards, and case is ignored",
           spelled(Construct.POSITION, "({0} LIKE '%' || {1} || '%')"), "text"),
    Mutant("GLOB for contains", "* and [ of a user's text are wildcards",
           spelled(Construct.POSITION, "({0} GLOB '*' || {1} || '*')"), "text"),
    Mutant("lower case of ASCII only", "SQLite's lower() leaves Я as it is",
           spelled(Construct.FOLDED, "lower({0})"), "text"),
    Mutant("empty text is NULL", "Oracle's texts",
           method(_compile.Compiler, "value", _empty_as_null), "missing"),
    Mutant("NULL in NOT IN", "one row of nobody makes NOT IN unknown of everyone",
           method(_groups.Grouped, "select", _with_nobodys_rows), "aggregates"),
    Mutant("nothing is no group", "count(orders) <= 2 loses those who never ordered",
           method(_predicate._Conditions, "aggregated", _never_of_nothing), "aggregates"),
    Mutant("sum of nothing is NULL", "sum(…) of those without rows is not 0 in comparisons across",
           method(_predicate, "_or_empty", lambda real, node, value: value), "aggregates"),
    Mutant("rows fan out", "joining a second relation counts each row once for each of its rows",
           method(_scans.Scan, "__init__", _fanned_out), "aggregates"),
    Mutant("members fan out", "a join instead of IN gives a customer once for each order",
           method(sql, "members", _joined_members), "aggregates"),
    Mutant("inner join of links", "a row whose link leads nowhere is lost",
           method(_scans.Rows, "holder", _linked_inside), "links"),
    Mutant("conditions of a shared scan forgotten", "two aggregates in one scan count all its rows",
           method(_groups.Grouped, "aggregate", _of_all_rows), "aggregates"),
    Mutant("count distinct counts all", "COUNT(x) for COUNT(DISTINCT x)",
           method(_groups, "aggregated", _of_all_values), "aggregates"),
    Mutant("decimals as floats", "0.1 + 0.2 is not 0.3",
           spelled(Construct.EXACT, "({0})"), "numbers"),
    Mutant("division of integers", "7 / 2 is 3",
           spelled(Construct.AS_FLOAT, "CAST({0} AS INTEGER)"), "numbers"),
    Mutant("ties left open", "the last of two rows at one instant is not that of the greater key",
           lambda: mock.patch.object(_groups._Candidates, "tie", property(lambda rows: rows.value)),
           "aggregates"),
    Mutant("birthdays do not pass the year's end", "28 December to 4 January is an empty range",
           method(_compile, "_wraps", lambda real, node: False), "dates-of-people"),
    Mutant("the future is seen", "an order of tomorrow counts today",
           method(_rows, "_until_now", lambda real, time: ir.TRUE), "aggregates", everywhere=True),
    Mutant("absences count at once", "a cart of three hours ago is abandoned already",
           method(_rows, "_is_over", lambda real, *_: ir.TRUE), "sequences", everywhere=True),
    Mutant("days begin in UTC", "the schema's time zone is forgotten",
           method(segment, "normalize", _in_utc), "zones", everywhere=True),
    Mutant("types in JSON forgotten", "the number 5 is the text 5",
           spelled(Construct.JSON_TEXT, "CAST(json_extract({0}, {1}) AS TEXT)"), "json"),
    Mutant("through midnight only", "between two days leaves the last day out but its first instant",
           method(_windows, "_through", _through_midnight), "time", everywhere=True),
]  # fmt: skip
"""Every mistake; a new one goes here, and if nobody notices it, a case is missing."""


# -- who notices ----------------------------------------------------------------------------------


def noticed_by(asked: Iterable[Case], target: Target) -> Iterator[Case]:
    """The cases whose members a target gets wrong, one by one."""
    # What is remembered does not see a mutant, or has seen one.
    segment_module._meaning.cache_clear()
    sqlalchemy_module._remembered.cache_clear()
    for case in asked:
        assert case.members is not None
        if {target.name, target.family} & set(case.unsupported):
            continue
        try:
            found = target.members(case.define(), case.rows, case.as_of)
        except UnsupportedError:
            continue
        if sorted(found) != sorted(case.members):
            yield case


def subject() -> Target:
    """SQLite with nothing in its caches: compiled statements do not see a mutant."""
    return sqlite().target


def main() -> None:
    """Print who notices what."""
    answered = [case for case in cases() if case.members is not None]
    for mutant in MUTANTS:
        with mutant.patch():
            found = list(noticed_by(answered, subject()))
        files = Counter(case.file for case in found)
        told = ", ".join(f"{name} {count}" for name, count in files.most_common())
        print(f"{mutant.name:36} {len(found):4}  {told}", flush=True)


if __name__ == "__main__":
    main()
