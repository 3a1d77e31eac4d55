"""Mistakes of the compiler of SQL, which SQLite shows."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from hashlib import md5, sha256
from typing import Any
from unittest import mock

import sqlalchemy as sa
from attrs import evolve

import segmentkit.sqlalchemy as sql
from segmentkit._calendar import micros
from segmentkit._planning import ir
from segmentkit._schema.stored_forms import Counted
from segmentkit.dtypes import TEXT
from segmentkit.sqlalchemy.dialects import distance, engine_setup, time_zones
from segmentkit.sqlalchemy.dialects.constructs import Construct
from segmentkit.sqlalchemy.dialects.elements import Spelled
from segmentkit.sqlalchemy.statements import (
    aggregate_subqueries,
    cases,
    compiler,
    joins,
    sequences,
    stored_forms,
)
from segmentkit.sqlalchemy.statements import population as population_sql
from segmentkit.sqlalchemy.statements import predicate as predicates
from tests.mutants.making import Mutant, Patch, both, method, spelled

# -- conditions -----------------------------------------------------------------------------------


def _of_what_is_known(real: Any, numbers: Any) -> Any:
    tests = [number.whens[0][0] for number in numbers]
    return real([sa.case((test, 1), (sa.not_(test), 0)) for test in tests])


# -- values and tests -----------------------------------------------------------------------------


def _rounded_down(real: Any, form: Any, instant: Any) -> Any:
    return micros(instant) // form.micros


def _small_too(real: Any, form: Any, op: Any, constants: Any) -> Any:
    some, ranges = real(form, op, constants)
    return [*some, *(each.lower() for each in some if isinstance(each, str))], ranges


def _others_too(real: Any, form: Any, op: Any, constants: Any) -> Any:
    some, ranges = real(form, op, constants)
    return [*some, *(["y", "n"] if "N" in some else [])], ranges


def _as_if_shown(real: Any, clock: Any, years: Any) -> Any:
    return [(since, since, ahead) for since, _, ahead in real(clock, years)]


def _collated(collation: str) -> Patch:
    def value(real: Any, compiler: Any, node: Any) -> Any:
        found = real(compiler, node)
        is_text = isinstance(node, ir.Column) and node.dtype == TEXT
        return sa.collate(found, collation) if is_text else found

    return method(compiler.Compiler, "value", value)


def _empty_as_null(real: Any, compiler: Any, node: Any) -> Any:
    found = real(compiler, node)
    is_text = isinstance(node, ir.Column) and node.dtype == TEXT
    return sa.func.nullif(found, "", type_=found.type) if is_text else found


def _as_text(real: Any, compiler: Any, node: Any) -> Any:
    texts = sa.type_coerce(compiler.value(node.operand), sa.String())
    return sa.or_(*(sa.func.instr(texts, each.value) > 0 for each in node.options))


def _swapped(north: Any, east: Any, north2: Any, east2: Any) -> Any:
    return distance.distance(east, north, east2, north2)


def _digest(made: Callable[[str], bytes]) -> Patch:
    def bucket_of(real: Any, text: str) -> int:
        return int.from_bytes(made(text))

    return method(engine_setup, "bucket_of", bucket_of)


def _md5(text: str) -> bytes:
    return md5(text.encode(), usedforsecurity=False).digest()


def _resalted(change: Callable[[str, str], str]) -> Patch:
    """Other texts of salt and key."""

    def bucket_of(real: Any, text: str) -> int:
        salt, _, key = text.rpartition(":")
        return int(real(change(salt, key)))

    return method(engine_setup, "bucket_of", bucket_of)


# -- rows of relations ----------------------------------------------------------------------------


def _with_nobodys_rows(real: Any, grouped: Any, *columns: Any, having: Any = None) -> Any:
    owned, joined = grouped.scan.owner.is_not(None), aggregate_subqueries.joined

    def without(tests: Any, *, conjunctive: bool) -> Any:
        rest = [test for test in tests if not test.compare(owned)]
        return joined(rest or [sa.true()], conjunctive=conjunctive)

    with mock.patch.object(aggregate_subqueries, "joined", without):
        return real(grouped, *columns, having=having)


def _never_of_nothing(real: Any, predicate: Any, node: Any, limits: Any) -> Any:
    group = predicates.only_group(node)
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
    named = [n.relation for n in ir.walk(condition) if isinstance(n, ir.Aggregate)]
    relation = asked.schema.entity.relation(named[0]) if named else None
    if relation is None:
        return query
    rows = entity.metadata.tables[asked.schema.named(relation.to).table].alias()
    key = entity.c[asked.schema.entity.key]
    return query.select_from(entity.outerjoin(rows, rows.c[relation.key] == key))


def _joined_rows(real: Any, rows: Any, node: Any, limits: Any) -> Any:
    """A test of a row's own rows as a join with each of them."""
    group = predicates.only_group(node)
    inside = isinstance(rows, predicates._OfRow) and group and group[0] is ir.Scope.ROW
    if not inside or rows.holds_of_nothing(node):
        return real(rows, node, limits)
    found = rows.having(node, group, limits).subquery()
    rows.scan.source = rows.scan.source.join(found, found.c.owner == rows.key(ir.Scope.ROW))
    return Spelled(Construct.EVERYONE)


def _linked_inside(real: Any, rows: Any, scope: Any, links: Any) -> Any:
    before = rows.source
    found = real(rows, scope, links)
    if rows.source is not before and links and isinstance(rows.source, sa.Join):
        rows.source.isouter = False
    return found


def _of_all_rows(real: Any, grouped: Any, node: Any, tests: Any) -> Any:
    return real(grouped, node, [])


def _of_any_way(real: Any, node: Any) -> Any:
    return [(place, test) for place, test in real(node) if place is None]


def _of_all_values(real: Any, node: Any, value: Any) -> Any:
    if node.function is ir.AggregateFunction.COUNT_DISTINCT:
        return sa.func.count(value)
    return real(node, value)


def _lower_middle(real: Any, place: Any, of: Any) -> Any:
    return sa.and_(real(place, of), 2 * place <= of + 1)


# -- sequences ------------------------------------------------------------------------------------


def _at_once(_: Any, step: Any, one: Any, other: Any) -> Any:
    return other <= one if step.node.backward else other >= one


def _before_the_end(_: Any, step: Any, one: Any, other: Any) -> Any:
    return one > other if step.node.backward else one < other


def _of_anybody(real: Any, source: Any, tests: Any, *finished: Any) -> Any:
    return real(source, tests[1:], *finished)


def _always_after(real: Any, rows: Any, node: Any, **how: Any) -> Any:
    return real(rows, evolve(node, backward=False), **how)


def _whatever_follows(real: Any, rows: Any, node: Any, **how: Any) -> Any:
    return real(rows, evolve(node, where=ir.TRUE), **how)


def _of_anything(real: Any, rows: Any, node: Any, **how: Any) -> Any:
    return real(rows, evolve(node, same=()), **how)


def _one_equality(real: Any, rows: Any, node: Any, **how: Any) -> Any:
    return real(rows, evolve(node, same=node.same[:1]), **how)


def _with_the_same_null(_: Any, value: Any, one: Any, other: Any) -> Any:
    return one.is_not_distinct_from(other)


def _any_row_above(_: Any, scan: Any, start: Any) -> Any:
    rows = scan.tables.linked(scan.entity_of(start))
    scan.source = scan.source.join(rows, sa.true())
    return rows


# -- the population -------------------------------------------------------------------------------


def _ranked_by(name: str) -> Patch:
    return lambda: mock.patch.object(sa.func, "rank", getattr(sa.func, name), create=True)


def _in_equal_parts(real: Any, customers: Any, value: Any, node: Any) -> Any:
    if node.tiles is None:
        return real(customers, value, node)
    tile = sa.func.ntile(node.tiles).over(order_by=value.desc() if node.descending else value)
    return customers.add_columns(tile.label("value")).subquery()


def _with_the_missing(real: Any, tables: Any, node: Any) -> Any:
    query, value = real(tables, node)
    present, *others = query._where_criteria
    assert present.compare(value.is_not(None))
    everyone = query._generate()
    everyone._where_criteria = tuple(others)
    return everyone, value


def _last_match(real: Any, parts: Any, rest: Any, tables: Any) -> Any:
    return real(list(parts)[::-1], rest, tables)


def _last_choice(real: Any, of: Any, node: Any) -> Any:
    *values, rest = node.values
    return real(of, evolve(node, tests=node.tests[::-1], values=(*values[::-1], rest)))


def _without_gaps(real: Any, of: Any, node: Any) -> Any:
    found = real(of, node)
    return sa.func.coalesce(found, of.operand(node.values[0]), type_=found.type)


MUTANTS = [
    Mutant("the last choice wins", "UPDATE after UPDATE in the place of CASE",
           method(cases, "chosen", _last_choice), "chosen-values"),
    Mutant("a choice without gaps", "coalesce: a missing choice is the first that is there",
           method(cases, "chosen", _without_gaps), "chosen-values"),
    Mutant("NULL has a length", "coalesce(length, 0) of lists",
           method(compiler, "size", lambda real, texts: sa.func.coalesce(real(texts), 0)), "tags"),
    Mutant("naive NOT", "NOT (age < 18) loses those of unknown age",
           method(compiler.Compiler, "or_missing", lambda real, c, test, *_: test), "missing"),
    Mutant("collation that ignores case", "MySQL's default: 'a' = 'A'",
           _collated("NOCASE"), "text"),
    Mutant("collation that pads", "MySQL's and SQL Server's default: 'a' = 'a '",
           _collated("RTRIM"), "text"),
    Mutant("LIKE for contains", "% and _ of a user's text are wildcards, and case is ignored",
           spelled(Construct.POSITION, "({0} LIKE '%' || {1} || '%')"), "text"),
    Mutant("GLOB for contains", "* and [ of a user's text are wildcards",
           spelled(Construct.POSITION, "({0} GLOB '*' || {1} || '*')"), "text"),
    Mutant("a pattern found anywhere", "~ and REGEXP search",
           spelled(Construct.MATCHES, r"segmentkit_matches({0}, '[\s\S]*(' || {3} || ')[\s\S]*')"),
           "patterns"),
    Mutant("$ before a line feed", "in most engines $ is not the end of the text",
           spelled(Construct.MATCHES, "segmentkit_matches(rtrim({0}, char(10)), {3})"), "patterns"),
    Mutant("patterns ignore case", "MySQL's default",
           spelled(Construct.MATCHES, "segmentkit_matches(lower({0}), lower({3}))"), "patterns"),
    Mutant("texts grouped by a collation", "GROUP BY takes a and A for one",
           method(aggregate_subqueries, "_by_code_point", lambda real, text: sa.func.lower(text)),
           "modes"),
    Mutant("days of a month", "extract(day): the first does not follow the last of the month before",
           method(aggregate_subqueries, "ordinal", lambda real, name, day:
                  sa.extract("day", day) if name.endswith("day") else real(name, day)), "streaks"),
    Mutant("days from noon", "julianday() without the half of a day: weeks begin on another day",
           spelled(Construct.ORDINAL, "CAST(julianday({0}) - 1721424.5 - 3 AS INTEGER)"), "streaks"),
    Mutant("months without their year", "extract(month): January does not follow December",
           method(aggregate_subqueries, "ordinal", lambda real, name, day:
                  sa.extract("month", day) if "month" in name else real(name, day)), "streaks"),
    Mutant("a percentile above others", "as many values as the share must be smaller",
           method(aggregate_subqueries, "_percentile", lambda real, rows, share:
                  real(rows, min(share + Fraction(1, 100), Fraction(1)))), "percentiles"),
    Mutant("the remainder of SQL", "% has the sign of the dividend",
           spelled(Construct.MODULO, "(({0}) % nullif({1}, 0))"), "remainders"),
    Mutant("build marks count", "versions are compared as they are written",
           spelled(Construct.VERSION, "segmentkit_version({0}) || substr({0}, instr({0} || '+', '+'))"),
           "versions"),
    Mutant("what is no version comes first", "the key of no version is the empty text",
           spelled(Construct.VERSION, "coalesce(segmentkit_version({0}), '')"), "versions"),
    Mutant("pre-releases do not count", "a pre-release is its release",
           spelled(Construct.VERSION, "segmentkit_version(substr({0}, 1, instr({0} || '-', '-') - 1))"),
           "versions"),
    Mutant("lower case of ASCII only", "SQLite's lower() leaves Я as it is",
           spelled(Construct.FOLDED, "lower({0})"), "text"),
    Mutant("empty text is NULL", "Oracle's texts",
           method(compiler.Compiler, "value", _empty_as_null), "missing"),
    Mutant("NULL in NOT IN", "one row of nobody makes NOT IN unknown of everyone",
           method(aggregate_subqueries.Grouped, "select", _with_nobodys_rows), "aggregates"),
    Mutant("nothing is no group", "count(orders) <= 2 loses those who never ordered",
           method(predicates._Conditions, "aggregated", _never_of_nothing), "aggregates"),
    Mutant("sum of nothing is NULL", "sum(…) of those without rows is not 0 in comparisons across",
           method(predicates, "_or_empty", lambda real, node, value: value), "aggregates"),
    Mutant("rows fan out", "joining a second relation counts each row once for each of its rows",
           method(joins.Scan, "__init__", _fanned_out), "aggregates"),
    Mutant("members fan out", "a join instead of IN gives a customer once for each order",
           method(sql, "members", _joined_members), "aggregates"),
    Mutant("orders fan out by their lines", "a join instead of IN counts an order for each line",
           method(predicates._Conditions, "aggregated", _joined_rows), "relations"),
    Mutant("an unknown test makes the count unknown", "TRUE + NULL is NULL",
           method(compiler, "total", _of_what_is_known), "counted"),
    Mutant("inner join of links", "a row whose link leads nowhere is lost",
           method(joins.Rows, "holder", _linked_inside), "links"),
    Mutant("conditions of a shared scan forgotten", "two aggregates in one scan count all its rows",
           method(aggregate_subqueries.Grouped, "aggregate", _of_all_rows), "aggregates"),
    Mutant("the way forgotten", "lines of an order to come count today",
           method(aggregate_subqueries, "_tests", _of_any_way), "relations"),
    Mutant("count distinct counts all", "COUNT(x) for COUNT(DISTINCT x)",
           method(aggregate_subqueries, "aggregated", _of_all_values), "aggregates"),
    Mutant("the lower of two in the middle", "PERCENTILE_DISC for the median",
           both(method(aggregate_subqueries, "middle", _lower_middle),
                method(population_sql, "middle", _lower_middle)), "aggregates"),
    Mutant("decimals as floats", "0.1 + 0.2 is not 0.3",
           spelled(Construct.EXACT, "({0})"), "numbers"),
    Mutant("division of integers", "7 / 2 is 3",
           spelled(Construct.AS_FLOAT, "CAST({0} AS INTEGER)"), "numbers"),
    Mutant("ties left open", "the last of two rows at one instant is not that of the greater key",
           lambda: mock.patch.object(aggregate_subqueries._Candidates, "tie", property(lambda rows: rows.value)),
           "aggregates"),
    Mutant("birthdays do not pass the year's end", "28 December to 4 January is an empty range",
           method(compiler, "_wraps", lambda real, node: False), "dates-of-people"),
    Mutant("every fourth year is a leap year", "1900 and 2100 were and will be none",
           method(compiler, "isleap", lambda real, year: year % 4 == 0), "dates-of-people"),
    Mutant("types in JSON forgotten", "the number 5 is the text 5",
           spelled(Construct.JSON_TEXT, "CAST(json_extract({0}, {1}) AS TEXT)"), "json"),
    Mutant("weekdays from Sunday", "1 is Sunday, as in MySQL and BigQuery",
           spelled(Construct.WEEKDAY, "(strftime('%w', {0}) + 1)"), "parts-of-dates"),
    Mutant("Sunday is 0", "weekdays from 0 to 6, as in PostgreSQL's dow",
           spelled(Construct.WEEKDAY, "CAST(strftime('%w', {0}) AS INTEGER)"), "parts-of-dates"),
    Mutant("Monday is 0", "weekdays from 0 to 6, as in Python and pandas",
           spelled(Construct.WEEKDAY, "((strftime('%w', {0}) + 6) % 7)"), "parts-of-dates"),
    Mutant("week() from Sunday", "the first day of a week is Sunday",
           spelled(Construct.WEEK, "date({0}, '-6 days', 'weekday 0')"), "parts-of-dates"),
    Mutant("week() from Monday", "the first day of a week is Monday, whatever the schema says",
           spelled(Construct.SUNDAY_WEEK, "date({0}, '-6 days', 'weekday 1')"), "sunday-weeks"),
    Mutant("a Sunday is in the week before", "the Sunday before is the first day of its week",
           spelled(Construct.SUNDAY_WEEK, "date({0}, '-7 days', 'weekday 0')"), "sunday-weeks"),
    Mutant("distance on a map", "a degree of longitude is as long everywhere",
           method(distance, "_cos", lambda real, angle: sa.literal(1.0)), "places"),
    Mutant("longitude first", "as GeoJSON has it",
           lambda: mock.patch.dict(compiler._OF_OPERANDS, distance=_swapped), "places"),
    Mutant("lists as texts", "'vi' is in the list of 'vip'",
           method(compiler.Compiler, "contains", _as_text), "tags"),
    Mutant("another digest", "SHA-256 for MD5", _digest(
           lambda text: sha256(text.encode()).digest()[:4]), "samples"),
    Mutant("bytes in the other order", "reinterpret as an integer of a little-endian machine",
           _digest(lambda text: _md5(text)[:4][::-1]), "samples"),
    Mutant("the digest's end", "the last 32 bits for the first",
           _digest(lambda text: _md5(text)[-4:]), "samples"),
    Mutant("salt forgotten", "every sample is of the same people",
           _resalted(lambda salt, key: key), "samples"),
    Mutant("salt behind the key", "key:salt for salt:key",
           _resalted(lambda salt, key: f"{key}:{salt}"), "samples"),
    Mutant("salt without its colon", "salt and key run into each other",
           _resalted(lambda salt, key: salt + key), "samples"),
    Mutant("what is at once follows", "rows at one instant follow each other",
           method(sequences.Step, "_after", _at_once), "sequences"),
    Mutant("within without its end", "exactly 24 hours later is too late",
           method(sequences.Step, "_not_after", _before_the_end), "sequences"),
    Mutant("anybody's rows follow", "a purchase of another customer follows",
           method(sequences, "_exists", _of_anybody), "sequences"),
    Mutant("preceded is followed", "the direction of a step is forgotten",
           method(predicates._OfRow, "follows", _always_after), "sequences"),
    Mutant("whatever follows", "the condition of a step is forgotten",
           method(predicates._OfRow, "follows", _whatever_follows), "sequences"),
    Mutant("of anything", "the product of a step is forgotten",
           method(predicates._OfRow, "follows", _of_anything), "named-rows"),
    Mutant("one equality of several", "only the first is asked",
           method(predicates._OfRow, "follows", _one_equality), "named-rows"),
    Mutant("the missing are the same", "IS NOT DISTINCT FROM",
           method(sequences, "equal", _with_the_same_null), "named-rows"),
    Mutant("any row above", "a join to rows around without a key",
           method(joins.Scan, "_above", _any_row_above), "named-rows", "as o"),
    Mutant("ties one after the other", "ROW_NUMBER: of two equals one is in the top 2",
           _ranked_by("row_number"), "population"),
    Mutant("ties leave no gap", "DENSE_RANK: after two who are first, there is a second",
           _ranked_by("dense_rank"), "population"),
    Mutant("tiles of equal size", "NTILE parts equals from each other",
           method(population_sql, "standing", _in_equal_parts), "population"),
    Mutant("lengths in whole seconds", "strftime('%s') forgets what is less than a second",
           spelled(Construct.MICROS, "(CAST(strftime('%s', {0}) AS INTEGER) * 1000000)"),
           "durations"),
    Mutant("milliseconds forgotten", "seconds since 1970, whatever is left of them",
           spelled(Construct.SINCE_1970, "strftime('%Y-%m-%d %H:%M:%S.000000', {0} / 1000, 'unixepoch')"),
           "stored-forms"),
    Mutant("seconds rounded down", "a bound between two seconds takes the earlier one, too",
           method(Counted, "least", _rounded_down), "stored-forms"),
    Mutant("letters of either case", "a column whose collation ignores case",
           method(stored_forms, "kept_of", _small_too), "stored-forms"),
    Mutant("whatever is not Y", "unequal to what means true is false",
           method(stored_forms, "kept_of", _others_too), "stored-forms"),
    Mutant("an hour later", "a time that the clock skips as if it had not",
           method(time_zones, "shown_steps", _as_if_shown), "local-times"),
    Mutant("months run over", "31 January and a month is 2 March, as SQLite has it",
           spelled(Construct.MONTHS_LATER, "date({0}, {1} || ' months')"), "durations"),
    Mutant("the missing are ranked", "NULL is the least, or the greatest, and is counted",
           method(predicates, "_compared", _with_the_missing), "population"),
    Mutant("the last match wins", "a CASE in the other order",
           method(sql, "case_of", _last_match), "partitions"),
]  # fmt: skip
