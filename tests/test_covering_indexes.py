"""A source asks SQLite's planner, and asks in the shape that suits an index with all that is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from segmentkit import Segment
from segmentkit.sqlalchemy import Source, members, planner, prepare, schema_from
from tests.commands import Run
from tests.targets.databases import asks_planner

AS_OF = datetime(2026, 5, 1)
METADATA = sa.MetaData()
REGIONS = sa.Table("regions", METADATA, sa.Column("id", sa.Integer, primary_key=True))
REGIONS.append_column(sa.Column("size", sa.Integer))
PEOPLE = sa.Table(
    "people",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("score", sa.Integer),
    sa.Column("region_id", sa.ForeignKey(REGIONS.c.id)),
)
ORDERS = sa.Table(
    "orders",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person", sa.ForeignKey(PEOPLE.c.id)),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("cents", sa.Integer),
)
VISITS = sa.Table(
    "visits",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person", sa.ForeignKey(PEOPLE.c.id)),
    sa.Column("at", sa.DateTime, nullable=False),
)
SCHEMA = schema_from(PEOPLE, events={"orders": {"at": "at"}, "visits": {"at": "at"}})
COVERING = "(person, at, status, cents)"
INDEXES = [
    "",
    "(person)",
    "(person, at)",
    COVERING,
    "(person, status, cents, at)",
    "(status, person, at, cents)",
    "(at, person, status, cents)",
    "(person, at, status, cents) WHERE status = 'paid'",
]
SPENT = 'sum(orders.cents in last 60 days where status = "paid") > 100'
RECENT = "count(orders in last 9 days) >= 1"
MEASURES = [
    SPENT,
    RECENT,
    "any(orders)",
    "none(orders in last 30 days)",
    "count(orders) = 0",
    "not any(orders where cents > 200)",
    "avg(orders.cents) > 120",
    "avg(orders.cents) is missing",
    "max(orders.cents) is not missing",
    "not (sum(orders.cents) > 300)",
    "min(orders.at) < 40 days ago",
    "count(distinct orders.status) = 2",
    "count(orders) > 3 or sum(orders.cents) < 50",
    "last(orders.cents) > 100",
    "count(orders followed by visits) >= 1",
    "count(orders) > count(visits)",
]
DEFINITIONS = [
    *MEASURES,
    *(f"score < 30 and {each} and count(orders) <= 6" for each in MEASURES),
    f"region.size > 3 and {SPENT}",
    f"{SPENT} and count(visits) < 2",
    f"{RECENT} and none(visits) and {SPENT}",
    f"(score > 5 or {RECENT}) and {SPENT}",
    "top 30% by sum(orders.cents)",
]


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    """People, some without orders, in SQLite: instants in all forms, gaps, owners that are gone."""
    engine = prepare(sa.create_engine("sqlite://", poolclass=sa.StaticPool))
    METADATA.create_all(engine)
    forms = ["%Y-%m-%d %H:%M:%S.000000", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.5"]
    with engine.begin() as connection:
        connection.execute(REGIONS.insert(), [{"id": i, "size": i} for i in range(8)])
        score = [None if i % 9 == 0 else i for i in range(60)]
        people = [{"id": i, "score": score[i], "region_id": i % 8} for i in range(60)]
        connection.execute(PEOPLE.insert(), people)
        for i in range(300):
            at = AS_OF - timedelta(hours=6 * (i * 37 % 300))
            person = None if i % 31 == 0 else i * i * 7 % 83
            status = "paid" if i % 3 else "refunded"
            cents = None if i % 7 == 0 else i * 53 % 250
            row = (i, person, at.strftime(forms[i % 3]), status, cents)
            connection.exec_driver_sql("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", row)
            if i % 4 == 0:
                connection.exec_driver_sql("INSERT INTO visits VALUES (?, ?, ?)", row[:3])
    yield engine
    engine.dispose()


@contextmanager
def _indexed(engine: sa.Engine, index: str) -> Iterator[None]:
    with engine.begin() as connection:
        if index:
            connection.exec_driver_sql(f"CREATE INDEX of_person ON orders {index}")
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP INDEX IF EXISTS of_person")


def _define(text: str) -> Segment:
    return Segment.define(None, text, SCHEMA)


def _told(engine: sa.Engine, text: str) -> str:
    return Source(engine, PEOPLE).explain(_define(text), as_of=AS_OF)


def _plan(engine: sa.Engine, ask: Any) -> str:
    """How SQLite answers the one statement that is not about plans."""
    sent: list[tuple[str, Any]] = []
    with engine.connect() as connection:
        listened = (connection, "before_cursor_execute", lambda *call: sent.append(call[2:4]))
        sa.event.listen(*listened)
        ask(Source(connection, PEOPLE))
        sa.event.remove(*listened)
        ((text, values),) = [each for each in sent if not asks_planner(each[0])]
        lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
        return "\n".join(text for *_, text in lines)


APART = "those who pass the tests of attributes; of each, measure by measure in an index"


@pytest.mark.parametrize("index", INDEXES)
def test_the_members_are_the_same(engine: sa.Engine, index: str) -> None:
    """Whatever indexes there are, a source has the members of the statement that looks at none."""
    with engine.connect() as connection:
        alone = {
            text: sorted(connection.scalars(members(_define(text), PEOPLE, as_of=AS_OF)))
            for text in DEFINITIONS
        }
    assert sum(map(bool, alone.values())) > len(alone) - 3
    with _indexed(engine, index), Session(engine) as session:
        for source in (Source(engine, PEOPLE), Source(session, PEOPLE)):
            found = source.evaluate({text: _define(text) for text in DEFINITIONS}, as_of=AS_OF)
            for text, expected in alone.items():
                segment = _define(text)
                assert sorted(source.members(segment, as_of=AS_OF)) == expected, text
                assert source.count(segment, as_of=AS_OF) == len(expected), text
                assert sorted(found[text]) == expected, text


def test_each_measure_is_looked_up_in_an_index_that_covers_it(engine: sa.Engine) -> None:
    """Those that read little come first, and last those that most customers pass."""
    text = f"score > 3 and none(orders in last 9 days) and sum(orders.cents) > 5 and {SPENT}"
    with _indexed(engine, COVERING):
        plan = _plan(engine, lambda source: source.members(_define(text), as_of=AS_OF))
        told = _told(engine, text)
    assert plan.count("USING COVERING INDEX of_person (person=?") == 3
    assert "SCAN orders" not in plan
    assert APART in told
    assert "SQLite has an index in which all that is asked of one customer's orders is" in told
    marks = ("status = ?", "GROUP BY orders_2.person", "NOT (EXISTS")
    in_sixty_days, ever, in_nine_days = map(told.index, marks)
    assert in_sixty_days < ever < in_nine_days


@pytest.mark.parametrize("index", [i for i in INDEXES if not i.startswith("(person, ") or "W" in i])
def test_nobody_is_looked_up_without_such_an_index(engine: sa.Engine, index: str) -> None:
    """An index that begins with another column, or lacks one, would be read for each customer."""
    with _indexed(engine, index):
        told = _told(engine, f"score > 3 and count(orders) >= 2 and {SPENT}")
    assert APART not in told
    assert "-- SQLite has no index in which all that is asked of one customer's orders" in told


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{SPENT} and any(visits)", "more than one scan is asked"),
        (f"region.size > 3 and {SPENT}", "tests beyond links would come after a look-up"),
        (
            " and ".join(f"sum(orders.cents in last {i} days) > {i}" for i in range(1, 6)),
            "one scan is faster for more than 4 measures",
        ),
    ],
)
def test_what_is_grouped_all_the_same(engine: sa.Engine, text: str, why: str) -> None:
    """Explanations say why."""
    with _indexed(engine, COVERING):
        told = _told(engine, text)
    assert APART not in told
    assert f"-- {why}" in told


def test_rows_are_grouped_in_the_order_of_an_index_that_has_all(engine: sa.Engine) -> None:
    """Otherwise each row would be looked up by it, or sorted without it."""
    segments = {text: _define(text) for text in ("sum(orders.cents) > 5", RECENT)}
    last = _define("last(orders.cents) > 5")

    def sizes(source: Source) -> None:
        source.sizes(segments, as_of=AS_OF)

    def at_the_end(source: Source) -> None:
        source.members(last, as_of=AS_OF)

    with _indexed(engine, COVERING):
        plan = _plan(engine, sizes)
        assert "SEARCH orders_1 USING COVERING INDEX of_person (person>?)" in plan
        assert "FOR GROUP BY" not in plan
        assert "FOR GROUP BY" not in _plan(engine, at_the_end)
    with _indexed(engine, "(person, at)"):
        assert "SCAN orders_1\n" in _plan(engine, sizes)
        assert "FOR GROUP BY" in _plan(engine, at_the_end)


def test_nothing_is_kept_and_predicates_ask_nothing(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index counts from when it is there until it is gone; without a plan, rows are grouped."""
    text = f"score > 3 and {SPENT}"
    with _indexed(engine, COVERING):
        assert APART in _told(engine, text)
        alone = str(members(_define(text), PEOPLE, as_of=AS_OF).compile(engine))
        with monkeypatch.context() as patched:
            patched.setattr(planner, "_Explain", lambda _: sa.text("SELECT nothing FROM nowhere"))
            assert APART not in _told(engine, text)
    assert APART not in _told(engine, text)
    assert "IN (SELECT" in alone
    assert alone == str(members(_define(text), PEOPLE, as_of=AS_OF).compile(engine))


def test_explain_plan_says_why(tmp_path: Path, run: Run) -> None:
    """On the command line, too."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db")
    METADATA.create_all(engine)
    file = tmp_path / "segments.toml"
    file.write_text(
        'language = 1\n[schema]\nentity = "people"\nevents.orders = { at = "at" }\n'
        '[segments.buyers]\nwhere = "score < 30 and count(orders in last 9 days) >= 2"\n'
    )
    with _indexed(engine, COVERING):
        found = run("explain-plan", str(file), "buyers", "--url", str(engine.url))
    engine.dispose()
    assert f"-- {APART}" in found.out
    assert "-- SQLite has an index in which" in found.out
