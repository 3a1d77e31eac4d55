"""Text → SQLAlchemy query, cold, beside odata-query doing the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import sqlalchemy as sa
from conditions import TEN, records
from odata_query.sqlalchemy.shorthand import apply_odata_core
from timing import Row, compared, rounds

from segmentkit import Schema, Segment, segment
from segmentkit import sqlalchemy as in_sql
from segmentkit._language import parser
from segmentkit.sqlalchemy import predicate, schema_from

BENCHMARK = "text to SQL"
PEER = "odata-query"
ROUNDS = {1: 3_000, 10: 2_000, 100: 250}

REMEMBERED = (
    parser._remembered,
    segment._MEANINGS,
    in_sql._PREDICATES,
)
"""What is kept between questions."""

TEN_IN_ODATA = (
    "age ge 18 and age lt 65"
    " and country in ('DK', 'NO', 'SE')"
    " and plan ne 'free'"
    " and not (visits lt 3)"
    " and (score gt 2.5 or city eq 'Lviv')"
    " and spend le 900.5"
    " and channel eq 'web'"
    " and not (city in ('Oslo', 'Bergen'))"
)


def definitions(size: int) -> tuple[str, str]:
    """The same conditions in both languages; a hundred are ten alternatives of ten."""
    if size == 1:
        return "age >= 18", "age ge 18"
    if size == 10:
        return TEN, TEN_IN_ODATA
    changes = [("18", f"{18 + i}", "900.5", f"{900 - 50 * i}.5") for i in range(size // 10)]
    ours, theirs = (
        " or ".join(f"({text.replace(a, b).replace(c, d)})" for a, b, c, d in changes)
        for text in (TEN, TEN_IN_ODATA)
    )
    return ours, theirs


def table(*, nullable: bool) -> sa.Table:
    """The table that is asked about."""
    kinds = {"age": sa.Integer, "visits": sa.Integer, "score": sa.Double, "spend": sa.Double}
    names = ("age", "country", "plan", "visits", "score", "city", "spend", "channel")
    columns: list[sa.Column[Any]] = [
        sa.Column(n, kinds.get(n, sa.String), nullable=nullable) for n in names
    ]
    key = sa.Column("id", sa.Integer, primary_key=True)
    return sa.Table("customers", sa.MetaData(), key, *columns)


def ours(text: str, schema: Schema, customers: sa.Table) -> sa.Select[Any]:
    """What a user of segmentkit writes."""
    found = Segment.define(None, text, schema)
    return sa.select(customers).where(predicate(found, customers))


def cold(text: str, schema: Schema, customers: sa.Table) -> sa.Select[Any]:
    """The same with nothing kept of what was asked before."""
    for remembered in REMEMBERED:
        remembered.cache_clear()
    return ours(text, schema, customers)


def theirs(text: str, customers: sa.Table) -> sa.Select[Any]:
    """What a user of odata-query writes."""
    found: Any = apply_odata_core(sa.select(customers), text)
    return found  # type: ignore[no-any-return]


def selected(size: int, gaps: float) -> tuple[set[int], set[int]]:
    """The keys that both select from one table, of whose other values a share is NULL."""
    customers = table(nullable=gaps > 0)
    text, odata = definitions(size)
    queries = ours(text, schema_from(customers), customers), theirs(odata, customers)
    engine = sa.create_engine("sqlite://")
    customers.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(customers.insert(), records(2_000, gaps=gaps))
        found, same = (set(connection.scalars(query)) for query in queries)
    engine.dispose()
    return found, same


def check(size: int) -> None:
    """Both select the same rows without NULL, and not none or all; with NULL we have more."""
    found, same = selected(size, 0.0)
    if found != same or not 0 < len(found) < 2_000:
        raise AssertionError(f"{size} conditions: {len(found)} rows, {PEER} has {len(same)}")
    found, same = selected(size, 0.05)
    if not (found > same if size > 1 else found == same):
        raise AssertionError(f"{size} conditions on NULL: {len(found)} rows, {PEER} {len(same)}")


def run(*, quick: bool) -> Iterator[Row]:
    """Measure both, on columns with and without NULL.

    All of it runs in one thread, so its CPU time is what counts.
    """
    for size, count in ROUNDS.items():
        check(size)
        text, odata = definitions(size)
        for nullable in (False, True):
            customers = table(nullable=nullable)
            schema = schema_from(customers)
            contenders = {
                "segmentkit": partial(cold, text, schema, customers),
                PEER: partial(theirs, odata, customers),
            }
            warm = 1 if quick else 20
            seconds = rounds(contenders, 3 if quick else count, warm=warm, clock=time.thread_time)
            columns = "nullable" if nullable else "NOT NULL"
            target = 1.4 if size == 10 else None
            note = "theirs loses rows with NULL" if nullable and size > 1 else ""
            case = f"{size} condition{'s' * (size > 1)}, columns {columns}"
            yield compared(BENCHMARK, case, seconds, beside=PEER, target=target, note=note)
            if size == 10 and not nullable:
                contenders["segmentkit"] = partial(ours, text, schema, customers)
                seconds = rounds(
                    contenders, 3 if quick else count // 4, warm=warm, clock=time.thread_time
                )
                yield compared(
                    BENCHMARK, "10 conditions, the same text again", seconds, beside=PEER
                )
