"""What a report shows of the runs that a store has kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import sqlalchemy as sa

from segmentkit import Catalog, Segment
from segmentkit.analysis import report
from segmentkit.sqlalchemy import Source, Store, schema_from

NAME = "a <b> & 'c'"


def _day(number: int) -> datetime:
    return datetime(2026, 5, number, tzinfo=UTC)


def test_sizes_over_time() -> None:
    """The page has a line of each segment's sizes, what the data changed, and what definitions did."""
    people = sa.Table(
        "people",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("age", sa.Integer),
    )
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    people.create(engine)
    schema, store = schema_from(people), Store(engine, people)
    store.create()

    def catalog(limit: int) -> Catalog:
        other = Segment.define("never run", "age > 1", schema)
        segment = Segment.define(NAME, f"age >= {limit}", schema)
        return Catalog({NAME: segment, "never run": other})

    def run(day: int, limit: int, *ages: int) -> None:
        with engine.begin() as connection:
            connection.execute(people.delete())
            rows = [{"id": number, "age": age} for number, age in enumerate(ages)]
            connection.execute(people.insert(), rows)
        store.run(catalog(limit)[NAME], as_of=_day(day))

    run(1, 18, 20, 30)
    run(2, 18, 20, 30, 40, 10)
    run(3, 18, 20, 10, 40, 10)
    run(4, 30, 20, 10, 40, 10)
    run(6, 30, 20, 10, 50, 50)
    source = Source(engine, people)
    page = report(catalog(30), source, as_of=_day(5), store=store).html
    section = page.partition('<h2 id="time">')[2].partition("</section>")[0]
    assert "<b>" not in section
    (row,) = re.findall(r"<tr><th scope=\"row\">.*?polyline.*?</tr>", section)
    cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", row)]
    assert cells[1:] == ["2", "1", "1", "1", "5", "1 change: +0, −1"]
    assert section.count("<polyline") == 1
    points = re.search(r'points="([^"]*)"', section)
    assert points is not None
    assert points[1].split() == ["2,10", "41,2", "80,10", "119,10", "158,18"]
    # The fifth run is after the instant; the fourth wrote two, of the old and of the new definition.
    assert section.count("<tr>") == 2 + 1 + 5
    without = report(catalog(30), source, as_of=_day(5)).html
    assert 'id="time"' not in without
    engine.dispose()
