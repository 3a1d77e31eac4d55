"""How old data may be: what the schema says, what sources find, what commands do about it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import segmentkit as sk
from segmentkit.analysis import freshness, report
from segmentkit.errors import SchemaError
from tests.commands import Run
from tests.targets import TARGETS, Target

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOURCES = [target for target in TARGETS if target.source is not None]


def _schema(**fresh: sk.Fresh) -> sk.Schema:
    """People in New York, whose orders are loaded with an instant, and whose visits with a day."""
    return sk.Schema(
        [
            sk.Entity(
                "people",
                key="id",
                attributes=[sk.Attribute("id", sk.INTEGER), sk.Attribute("age", sk.INTEGER)],
                relations=[
                    sk.Relation("orders", key="person", at="placed"),
                    sk.Relation("visits", key="person", at="day"),
                ],
                links=[sk.Link("town", to="towns", key="town_id")],
            ),
            sk.Entity(
                "orders",
                key="id",
                attributes=[
                    sk.Attribute("id", sk.INTEGER),
                    sk.Attribute("placed", sk.TIMESTAMP, nullable=True),
                ],
                fresh=fresh.get("orders"),
            ),
            sk.Entity(
                "visits", attributes=[sk.Attribute("day", sk.DATE)], fresh=fresh.get("visits")
            ),
            sk.Entity(
                "towns",
                key="id",
                attributes=[
                    sk.Attribute("id", sk.INTEGER),
                    sk.Attribute("name", sk.TEXT),
                    sk.Attribute("loaded", sk.TIMESTAMP),
                ],
                fresh=fresh.get("towns"),
            ),
        ],
        time_zone="America/New_York",
    )


FRESH = {
    "orders": sk.Fresh("placed", warn="12 hours", stale="24 hours"),
    "visits": sk.Fresh("day", stale="2 days"),
    "towns": sk.Fresh("loaded", warn="1 week"),
}
SHOP = _schema(**FRESH)
ROWS: dict[str, list[dict[str, Any]]] = {
    "people": [{"id": 1, "age": 30, "town_id": 5}, {"id": 2, "age": 40, "town_id": None}],
    "orders": [
        {"id": 1, "person": 1, "placed": datetime(2026, 3, 1, 23)},
        {"id": 2, "person": 1, "placed": datetime(2026, 1, 1)},
        {"id": 3, "person": 2, "placed": datetime(2026, 3, 2, 12, 0, 1)},
        {"id": 4, "person": 2, "placed": None},
        {"id": 5, "person": 99, "placed": datetime(2020, 3, 1)},
    ],
    "visits": [{"person": 1, "day": date(2026, 3, 1)}, {"person": 1, "day": date(2026, 3, 2)}],
    "towns": [],
}


@pytest.mark.parametrize("target", SOURCES, ids=lambda target: target.name)
def test_the_newest_row_is_found(target: Target) -> None:
    """Rows after the instant do not count, those of nobody do, and days are those of the zone."""
    with target.source(SHOP, ROWS) as source:
        found = {each.table: each for each in source.loaded(SHOP, as_of=NOON)}
        # 03:00 in UTC is the day before in New York.
        night = {t.table: t for t in source.loaded(SHOP, as_of=datetime(2026, 3, 2, 3, tzinfo=UTC))}
    orders, visits, towns = (found[name] for name in ("orders", "visits", "towns"))
    assert (orders.newest, orders.age) == (
        datetime(2026, 3, 1, 23, tzinfo=UTC),
        timedelta(hours=13),
    )
    assert (orders.rows, orders.later, orders.within) == (5, 1, (1, 1, 1, 2))
    assert (visits.newest, visits.age, visits.later) == (date(2026, 3, 2), timedelta(0), 0)
    assert (towns.newest, towns.age, towns.rows) == (None, None, 0)
    assert [each.state for each in found.values()] == ["warn", "ok", "warn"]
    assert (night["visits"].newest, night["visits"].later) == (date(2026, 3, 1), 1)
    assert night["visits"].age == timedelta(0)


@pytest.mark.parametrize("target", SOURCES, ids=lambda target: target.name)
def test_only_what_is_read_counts(target: Target) -> None:
    """A segment answers for the tables that it reads, also through other segments and traits."""
    spent = sk.Trait.define("bought", "count(orders)", SHOP)
    buyers = sk.Segment.define("buyers", "any(orders)", SHOP)
    asked = {
        "age > 3": set(),
        "any(visits)": {"visits"},
        'town.name = "Aarhus"': {"towns"},
        "in segment buyers and age > 3": {"orders"},
        "bought > 2 or any(visits in last 3 days)": {"orders", "visits"},
        "count(orders) > avg(count(visits) among everyone)": {"orders", "visits"},
    }
    with target.source(SHOP, ROWS) as source:
        for text, tables in asked.items():
            segment = sk.Segment.define("x", text, SHOP, segments=[buyers], traits=[spent])
            assert {t.table for t in source.loaded(segment, as_of=NOON)} == tables, text
        grown = sk.Segment.define("grown", "age > 18", SHOP)
        assert [t.table for t in source.loaded(grown, traits=[spent], as_of=NOON)] == ["orders"]


@pytest.mark.parametrize(
    ("hours", "state"),
    [(11.99, "ok"), (12, "warn"), (23.99, "warn"), (24, "stale"), (None, "stale")],
)
def test_thresholds(hours: float | None, state: str) -> None:
    """From the length on that the schema says; no row at all is the oldest."""
    age = None if hours is None else timedelta(hours=hours)
    assert FRESH["orders"].state(age) == state


def test_the_result_says_what_is_wrong() -> None:
    """The worst table decides, and what did not count is told."""
    from segmentkit import pandas as skp
    from tests.targets.frames import as_nullable, frames_of

    source = skp.Source(frames_of(SHOP, ROWS, as_nullable))
    found = freshness(SHOP, source, as_of=NOON)
    assert found.state == "warn"
    assert found.of("orders").age == timedelta(hours=13)
    told = str(found)
    assert told.startswith("warn: 3 tables, as of 2026-03-02 12:00:00 UTC")
    assert "the newest row of orders is 13 hours old: warn from 12 hours on" in told
    assert "orders: 1 row with a later placed did not count" in told
    assert "towns has no row of this time or before: warn from 1 week on" in told
    assert ">orders</td>" in found._repr_html_()
    assert list(found.frame["state"]) == ["warn", "ok", "warn"]
    buyers = sk.Segment.define("buyers", "any(orders)", SHOP)
    page = report(sk.Catalog({"buyers": buyers}), source, as_of=NOON)
    assert page.freshness is not None
    assert "the newest row of orders is 13 hours old" in page.html
    assert "How fresh the data is" in page.html
    plain = _schema()
    bare = sk.Catalog({"buyers": sk.Segment.define("buyers", "any(orders)", plain)})
    assert report(bare, source, as_of=NOON).freshness is None


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: sk.Fresh("placed"), "fresh needs warn or stale"),
        (lambda: sk.Fresh("placed", stale="12"), "must be a length of time such as '12 hours'"),
        (lambda: sk.Fresh("placed", stale="1 month"), "the units are seconds, minutes, hours"),
        (lambda: sk.Fresh("placed", warn="2 days", stale="48 hours"), "must be shorter"),
        (lambda: _schema(orders=sk.Fresh("plced", stale="1 day")), "has no attribute 'plced'"),
        (lambda: _schema(orders=sk.Fresh("id", stale="1 day")), "'id' is integer, not a time"),
        (lambda: _schema(visits=sk.Fresh("day", stale="36 hours")), "is a date, so count in days"),
    ],
)
def test_wrong_thresholds_are_refused(make: Any, says: str) -> None:
    """The message names the table and what to write."""
    with pytest.raises(SchemaError, match=says):
        make()


FILE = """\
language = 1

[schema]
entity = "people"

[schema.tables.people]
key = "id"
attributes = { id = "integer", age = "integer?" }
events.orders = { key = "person", at = "placed" }

[schema.tables.orders]
attributes = { placed = "timestamp" }
fresh = { at = "placed", warn = "12 hours", stale = "24 hours" }  # as agreed

[segments.buyers]
where = "any(orders)"

[segments.grown]
where = "age > 18"
"""


def test_a_file_says_it() -> None:
    """TOML and JSON have it, it comes back as it was, and a new name of the time reaches it."""
    catalog = sk.Catalog.loads(FILE)
    orders = catalog.schema.named("orders")
    assert orders.fresh == FRESH["orders"]
    assert "fresh by placed: warn after 12 hours, stale after 24 hours" in str(catalog.schema)
    assert sk.Catalog.from_json(catalog.to_json()).schema == catalog.schema
    bare = sk.Catalog(dict(catalog))
    assert sk.Catalog.loads(bare.dumps()).schema == catalog.schema
    renamed = catalog.rename("orders.placed", "loaded")
    assert renamed.schema.named("orders").fresh == sk.Fresh(
        "loaded", warn="12 hours", stale="24 hours"
    )
    assert 'fresh = { at = "loaded", warn = "12 hours", stale = "24 hours" }' in renamed.dumps()


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ('"placed"', "schema.tables.orders.fresh must be a table, not str"),
        ('{ at = "placed", stall = "1 day" }', "unknown key 'stall'.*did you mean 'stale'"),
        ('{ stale = "1 day" }', "schema.tables.orders.fresh.at is missing"),
        ('{ at = "placed" }', "schema.tables.orders: fresh needs warn or stale"),
        ('{ at = "placed", stale = 24 }', "schema.tables.orders.fresh.stale must be text"),
    ],
)
def test_a_wrong_file_is_refused(told: str, says: str) -> None:
    """With the place in the schema."""
    text = FILE.replace('{ at = "placed", warn = "12 hours", stale = "24 hours" }', told)
    with pytest.raises(SchemaError, match=says):
        sk.Catalog.loads(text)


# -- the commands ---------------------------------------------------------------------------------


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A shop whose newest order is of 2026-03-01 12:00."""
    tmp_path.joinpath("shop.toml").write_text(FILE, encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection:
        connection.executescript(
            "create table people (id integer primary key, age integer);"
            "create table orders (person integer references people (id), placed datetime not null);"
            "insert into people values (1, 30), (2, 10);"
            "insert into orders values (1, '2026-03-01 12:00:00');"
        )
    return "sqlite:///shop.sqlite"


@pytest.mark.parametrize(
    ("at", "state", "code"), [("01T13:00Z", "ok", 0), ("02T00:00Z", "warn", 0), ("03", "stale", 1)]
)
def test_the_command_has_exit_codes(run: Run, url: str, at: str, state: str, code: int) -> None:
    """Only what is stale is an error."""
    asked = ("freshness", "shop.toml", "--url", url, "--as-of", f"2026-03-{at}")
    result = run(*asked)
    assert (result.code, result.err) == (code, "")
    assert result.out.startswith(f"{state}: 1 table, as of ")
    told = json.loads(run(*asked, "--json").out)
    assert (told["state"], told["tables"][0]["newest"]) == (state, "2026-03-01T12:00:00Z")
    # What a segment does not read, it does not answer for.
    assert run(*asked, "grown").code == 0
    assert run(*asked, "buyers").code == code


def test_other_commands_warn_and_mark(run: Run, url: str) -> None:
    """Stale data is never silent; the numbers stay what they are."""
    asked = ("--url", url, "--as-of", "2026-03-03")
    warning = "stale: the newest row of orders is 36 hours old\n"
    counted = run("count", "shop.toml", *asked)
    assert (counted.code, counted.err) == (0, warning)
    assert counted.out.splitlines()[0].endswith("; stale: orders")
    told = json.loads(run("count", "shop.toml", *asked, "--json").out)
    assert told["freshness"] == {"orders": "stale"}
    listed = run("members", "shop.toml", "buyers", *asked)
    assert (listed.code, listed.err, listed.out) == (0, warning, "id\n1\n")
    page = run("report", "shop.toml", *asked)
    assert (page.code, page.err) == (0, warning)
    assert "the newest row of orders is 36 hours old: stale from 24 hours on" in page.out
    assert run("members", "shop.toml", "grown", *asked).err == ""


def test_without_thresholds_the_command_says_what_to_write(run: Run, url: str) -> None:
    """A check that checks nothing would be taken for a good answer."""
    text = "\n".join(line for line in FILE.splitlines() if not line.startswith("fresh"))
    Path("shop.toml").write_text(text, encoding="utf-8")
    result = run("freshness", "shop.toml", "--url", url)
    assert (result.code, result.out) == (2, "")
    assert 'fresh = { at = "…", stale = "24 hours" } under [schema.tables.…]' in result.err
