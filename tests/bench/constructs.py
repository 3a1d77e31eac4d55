"""Constructs of the language beside SQL that is written by hand for the same, of 300,000 events.

Both are statements that are ready. What is measured is processor time, of the process and of the
server together.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import databases
import events
import sqlalchemy as sa
from attrs import frozen
from holders import HOLDERS, PLAIN, tables
from shapes import statement
from timing import Row, compared, rounds

from segmentkit import KeyList, Segment
from segmentkit.sqlalchemy import prepare

BENCHMARK = "constructs"
EVENTS = 300_000
ENGINES = ("sqlite", "duckdb", "postgresql")
TARGET = 1.3
NOW = "2026-05-01 12:00:00"

_OWNERS = "SELECT e.customer_id FROM events e WHERE e.happened_at <= {now}"
_GROUPED = "SELECT customer_id FROM events WHERE happened_at <= {now} GROUP BY customer_id HAVING "
_NEAR = "f.customer_id = e.customer_id AND f.happened_at > e.happened_at AND f.happened_at <= {end}"
_CART = _OWNERS + " AND e.kind = 'cart'"
_NAMED = (
    "WITH f AS MATERIALIZED (SELECT customer_id, happened_at, cents FROM events"
    " WHERE kind = 'order' AND happened_at <= {now}) "
)
_SAME = (
    "EXISTS (SELECT 1 FROM f WHERE f.customer_id = e.customer_id AND f.cents = e.cents"
    " AND f.happened_at < e.happened_at AND f.happened_at >= {begin})"
)


def _of_customers(keys: str, named: str = "") -> str:
    """Rows of customers, as an app asks for them."""
    return f"{named}SELECT id FROM customers WHERE id IN ({keys})"


def _some(test: str) -> str:
    of_rows = f"SELECT customer_id FROM events WHERE happened_at <= {{now}} AND {test}"
    return _of_customers(f"{of_rows} GROUP BY customer_id HAVING count(*) >= 3")


@frozen
class Question:
    """What is asked of an engine.

    Attributes:
        text: The definition.
        by_hand: The same in SQL; ``{…}`` is what engines write in ways of their own.
    """

    text: str
    by_hand: str


QUESTIONS = {
    "a length of time": Question(
        "last(events.happened_at) - first(events.happened_at) > 20 days",
        _of_customers(_GROUPED + "max(happened_at) > {later}"),
    ),
    "followed by": Question(
        'any(events where kind = "cart" followed by events where kind = "order" within 1 day)',
        _of_customers(f"{_CART} AND EXISTS (SELECT 1 FROM f WHERE {_NEAR})", _NAMED),
    ),
    "not followed by": Question(
        'any(events where kind = "cart" not followed by events where kind = "order" within 1 day)',
        _of_customers(
            f"{_CART} AND {{end}} <= {{now}} AND NOT EXISTS (SELECT 1 FROM f WHERE {_NEAR})",
            _NAMED,
        ),
    ),
    "a name for a row": Question(
        'any(events as e where kind = "cart" preceded by events where kind = "order"'
        " and cents = e.cents within 7 days)",
        _of_customers(f"{_CART} AND {_SAME}", _NAMED),
    ),
    "two of three": Question(
        'at least 2 of (count(events where kind = "order") >= 3, sum(events.cents) > 5000,'
        " age < 40)",
        "SELECT c.id FROM customers c LEFT JOIN (SELECT customer_id,"
        " sum(CASE WHEN kind = 'order' THEN 1 ELSE 0 END) AS n, sum(cents) AS s FROM events"
        " WHERE happened_at <= {now} GROUP BY customer_id) e ON e.customer_id = c.id"
        " WHERE CASE WHEN n >= 3 THEN 1 ELSE 0 END + CASE WHEN s > 5000 THEN 1 ELSE 0 END"
        " + CASE WHEN age < 40 THEN 1 ELSE 0 END >= 2",
    ),
    "a pattern": Question(
        'count(events where kind matches "(ca|o)r(t|der)") >= 3', _some("kind {pattern}")
    ),
    "a saved list": Question(
        "count(events where kind in list bought) >= 3", _some("kind IN ('cart', 'order')")
    ),
    "a length of texts": Question(
        "count(events where length(kind) > 4) >= 3", _some("length(kind) > 4")
    ),
}

_OF_INTERVALS = {
    "now": f"TIMESTAMP '{NOW}'",
    "end": "e.happened_at + INTERVAL '1 day'",
    "begin": "e.happened_at - INTERVAL '7 days'",
    "later": "min(happened_at) + INTERVAL '20 days'",
}


def _moved(time: str, by: str) -> str:
    return f"(strftime('%Y-%m-%d %H:%M:%S', {time}, '{by}') || '.000000')"


WORDS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "now": f"'{NOW}.000000'",
        "end": _moved("e.happened_at", "+1 day"),
        "begin": _moved("e.happened_at", "-7 days"),
        "later": _moved("min(happened_at)", "+20 days"),
        "pattern": "REGEXP '(ca|o)r(t|der)'",
    },
    "duckdb": {**_OF_INTERVALS, "pattern": "SIMILAR TO '(ca|o)r(t|der)'"},
    "postgresql": {**_OF_INTERVALS, "pattern": "~ '^(ca|o)r(t|der)$'"},
}


def _regexp(connection: Any, _: object) -> None:
    """What people give SQLite, which has the word alone."""
    connection.create_function(
        "regexp", 2, lambda pattern, text: text is not None and bool(re.fullmatch(pattern, text))
    )


def _measured(name: str, data: Path, folder: Path, count: int) -> Iterator[Row]:
    holder = HOLDERS[name]
    bought = KeyList("bought", ["cart", "order"])
    with holder.place(folder) as address:
        holder.fill(address, data, PLAIN)
        opened = holder.open(address, data, 600)
        assert opened.engine is not None
        engine = prepare(opened.engine)
        if name == "sqlite":
            sa.event.listen(engine, "connect", _regexp)
            engine.dispose()
        root = tables().tables["customers"]
        with engine.connect() as connection:
            for case, asked in QUESTIONS.items():
                segment = Segment.define(case, asked.text, events.SCHEMA, lists=[bought])
                by_hand = asked.by_hand.format(**WORDS[name])
                sent = statement(connection, root, segment, events.AS_OF)
                contenders = {
                    "segmentkit": partial(_ask, connection, *sent),
                    "by hand": partial(_ask, connection, by_hand),
                }
                ours, theirs = (sorted(ask()) for ask in contenders.values())
                if ours != theirs:
                    raise AssertionError(f"{name}, {case}: {len(ours)}, by hand {len(theirs)}")
                found = rounds(contenders, count, clock=opened.clock)
                yield compared(BENCHMARK, f"{name}, {case}", found, beside="by hand", target=TARGET)
        engine.dispose()


def _ask(connection: sa.Connection, text: str, values: Any = None) -> list[Any]:
    return [row[0] for row in connection.exec_driver_sql(text, values)]


def run(*, quick: bool) -> Iterator[Row]:
    """Measure the engines that can be reached."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        data = events.make(folder, 3_000 if quick else EVENTS)
        for name in ENGINES:
            if name in databases.reachable():
                yield from _measured(name, data, folder, 2 if quick else 7)
