"""Times that move and lengths of time, beside the same in Python's own datetimes."""

from __future__ import annotations

import operator
import random
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import segmentkit as sk
from segmentkit.sqlalchemy import predicate, tables_from
from tests.answers import answer, expected
from tests.conformance_cases import Case, cases_in
from tests.targets import TARGETS, Hostile, Target

AT_THE_ENDS = """
language = 1
as_of = 2026-05-01T12:00:00Z

[schema]
entity = "customers"
time_zone = "UTC"
events.visits = { key = "customer_id", at = "at" }

[schema.tables.customers]
key = "id"
attributes = { id = "integer", joined = "timestamp?", left_at = "timestamp?", born = "date?", paid_on = "date?", weeks = "integer?", share = "float?" }
relations = { bills = { key = "customer_id" } }

[schema.tables.visits]
key = "id"
attributes = { id = "integer", customer_id = "integer?", at = "timestamp?", until = "timestamp?" }

[schema.tables.bills]
key = "id"
attributes = { id = "integer", customer_id = "integer?", due = "date?", paid = "date?" }

[[case]]
name = "the end of the calendar: what moves beyond it is missing"
where = "joined + 7 days > now"
rows.customers = [
    { id = 1, joined = 9999-12-31T00:00:00Z },
    { id = 2, joined = 9999-12-24T23:59:59.999999Z },
    { id = 3, joined = 9999-12-25T00:00:00Z },
    { id = 4, joined = 2026-04-24T12:00:00Z },
    { id = 5, joined = 2026-04-24T12:00:00.000001Z },
]
members = [2, 5]

[[case]]
name = "the end of the calendar, from the other side"
where = "not joined + 7 days > now"
rows.customers = [
    { id = 1, joined = 9999-12-31T00:00:00Z },
    { id = 2, joined = 9999-12-24T23:59:59.999999Z },
    { id = 3, joined = 9999-12-25T00:00:00Z },
    { id = 4, joined = 2026-04-24T12:00:00Z },
    { id = 5, joined = 2026-04-24T12:00:00.000001Z },
]
members = [1, 3, 4]

[[case]]
name = "the end of the calendar, of a difference of columns"
where = "left_at < joined + 7 days"
rows.customers = [
    { id = 1, joined = 9999-12-31T00:00:00Z, left_at = 2026-01-01T00:00:00Z },
    { id = 2, joined = 9999-12-24T23:59:59.999999Z, left_at = 2026-01-01T00:00:00Z },
    { id = 3, joined = 0001-01-01T00:00:00Z, left_at = 0001-01-08T00:00:00Z },
    { id = 4, joined = 0001-01-01T00:00:00Z, left_at = 0001-01-07T23:59:59.999999Z },
]
members = [2, 4]

[[case]]
name = "the end of the calendar, of dates"
where = "born + 7 days is missing or born - 7 days is missing"
rows.customers = [
    { id = 1, born = 9999-12-31 },
    { id = 2, born = 9999-12-24 },
    { id = 3, born = 9999-12-25 },
    { id = 4, born = 0001-01-07 },
    { id = 5, born = 0001-01-08 },
]
members = [1, 3, 4]

# --- months ----------------------------------------------------------------------------------

[[case]]
name = "months beyond the calendar are missing"
where = "born + 1 month is missing or born - 1 month is missing"
rows.customers = [
    { id = 1, born = 9999-12-31 },
    { id = 2, born = 9999-12-01 },
    { id = 3, born = 9999-11-30 },
    { id = 4, born = 0001-01-31 },
    { id = 5, born = 0001-02-01 },
]
members = [1, 2, 4]

[[case]]
name = "months beyond the calendar, compared"
where = "born + 1 month > today"
rows.customers = [
    { id = 1, born = 9999-12-31 },
    { id = 2, born = 9999-12-01 },
    { id = 3, born = 9999-11-30 },
    { id = 4, born = 2026-03-31 },
    { id = 5, born = 2026-04-01 },
    { id = 6, born = 2026-04-02 },
]
members = [3, 6]

# --- rows ------------------------------------------------------------------------------------
"""
_NEARER = ("chdb", "clickhouse", "sail cluster")
"""ClickHouse's calendar is shorter; Arrow's frames with a zone do not give the first day back."""
FAR = [t for t in TARGETS if Hostile.FAR_TIMES not in t.lacks and t.name not in _NEARER]


@pytest.mark.parametrize("case", list(cases_in(AT_THE_ENDS)), ids=lambda case: case.name)
@pytest.mark.parametrize("target", FAR, ids=lambda target: target.name)
def test_the_ends_of_the_calendar(target: Target, case: Case) -> None:
    """What would be before the year 1 or after 9999 is missing, on every target."""
    assert answer(target, case) == expected(case), case.where


AS_OF = datetime(2026, 5, 1, 12, tzinfo=UTC)
PEOPLE = sk.Schema(
    [
        sk.Entity(
            "people",
            key="id",
            attributes=[
                sk.Attribute("id", sk.INTEGER),
                sk.Attribute("at", sk.TIMESTAMP, nullable=True),
                sk.Attribute("day", sk.DATE, nullable=True),
                sk.Attribute("weeks", sk.INTEGER, nullable=True),
            ],
        )
    ]
)
COMPARE: dict[str, Any] = {
    "<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt,
    "!=": operator.ne,
}  # fmt: skip


def holds(definition: str, **record: Any) -> bool:
    """Whether a definition holds of somebody."""
    return sk.Segment.define(None, definition, PEOPLE).matches({"id": 1, **record}, as_of=AS_OF)


def months_later(day: date, months: int) -> date | None:
    """The same day of another month by counting: back from the day until the month has it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@pytest.mark.parametrize("sign", COMPARE)
def test_months_against_a_constant(sign: str) -> None:
    """A test of a date some months later is true just where that date passes it."""
    rng = random.Random(sign)
    for _ in range(300):
        day = date(2024, 1, 1) + timedelta(days=rng.randrange(900))
        months = rng.choice([-25, -12, -3, -1, 0, 1, 2, 3, 11, 12, 13])
        moved = months_later(day, months)
        assert moved is not None
        near = moved + timedelta(days=rng.choice([-3, -2, -1, 0, 1, 2, 3]))
        way = f"day {'-' if months < 0 else '+'} {abs(months)} months {sign} {near}"
        assert holds(way, day=day) == COMPARE[sign](moved, near), way


@pytest.mark.parametrize("sign", COMPARE)
def test_lengths_against_a_constant(sign: str) -> None:
    """A bound of the time itself says what the difference says, to the microsecond."""
    rng = random.Random(sign)
    now = AS_OF.replace(tzinfo=None)
    for _ in range(300):
        length = timedelta(seconds=rng.randrange(-(10**6), 10**6))
        at = now - length + timedelta(microseconds=rng.choice([-1, 0, 1]))
        wanted, seconds = COMPARE[sign], int(length.total_seconds())
        text = f"{'-' if seconds < 0 else ''}{abs(seconds)} seconds"
        assert holds(f"now - at {sign} {text}", at=at) == wanted(now - at, length)
        assert holds(f"at - now {sign} -({text})", at=at) == wanted(at - now, -length)
        assert holds(f"at + {text} {sign} now", at=at) == wanted(at + length, now)
        assert holds(f"now - ({text}) {sign} at", at=at) == wanted(now - length, at)
        day = at.date()
        midnight = datetime(day.year, day.month, day.day)
        assert holds(f"now - day {sign} {text}", day=day) == wanted(now - midnight, length)


BOUNDS = [
    ("now - at >= 30 days", "people.at <= :at_1"),
    ("at + 30 days <= now", "people.at <= :at_1"),
    ("at <= now - 30 days", "people.at <= :at_1"),
    ("at <= 30 days ago", "people.at <= :at_1"),
    ("today - day > 3 weeks", "people.day < :day_1"),
    ("day + 1 year <= today", "people.day <= :day_1"),
    ("at + 7 days > now", "people.at > :at_1 AND people.at <= :at_2"),
]


@pytest.mark.parametrize(("definition", "sql"), BOUNDS)
def test_one_time_keeps_its_bound(definition: str, sql: str) -> None:
    """Beside constants, the column stands alone: an index on it can serve."""
    segment = sk.Segment.define(None, definition, PEOPLE)
    assert str(predicate(segment, tables_from(PEOPLE).tables["people"], as_of=AS_OF)) == sql


def test_values() -> None:
    """A trait's length of time is a timedelta, for one record and in a frame."""
    pd = pytest.importorskip("pandas")
    from segmentkit import pandas as skp

    gap = sk.Trait.define("gap", "now - at", PEOPLE)
    half = sk.Trait.define("half", "(now - at) / 2", PEOPLE)
    at = datetime(2026, 5, 1, 11, 59, 59, 999_999)
    assert gap.of({"id": 1, "at": at}, as_of=AS_OF) == timedelta(microseconds=1)
    assert gap.of({"id": 1}, as_of=AS_OF) is None
    assert half.of({"id": 1, "at": datetime(2026, 5, 1)}, as_of=AS_OF) == timedelta(hours=6)
    frame = pd.DataFrame({"id": [1, 2], "at": [at, None], "day": None, "weeks": None})
    found = skp.values([gap, half], frame, as_of=AS_OF)
    assert found["gap"].tolist()[0] == pd.Timedelta(microseconds=1)
    assert found["gap"].isna().tolist() == [False, True]
    assert str(found["half"].dtype).startswith("timedelta64")


def test_a_parameter_becomes_a_length() -> None:
    """A number that is bound stands before the unit; what is no whole number is refused."""
    segment = sk.Segment.define("new", "now - at < :n days", PEOPLE)
    assert {name: str(dtype) for name, dtype in segment.parameters.items()} == {"n": "days"}
    assert segment.bind(n=7).definition == "now - at < 7 days"
    with pytest.raises(sk.DefinitionError):
        segment.bind(n=10**15)
    with pytest.raises(sk.DefinitionError):
        segment.bind(n="7")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("NOW - at > 1 DAYS", "now - at > 1 day"),
        ("now-at>30 day", "now - at > 30 days"),
        ("(at + 2 hours) - 1 hour > now", "(at + 2 hours) - 1 hour > now"),
        ("at + (:n weeks) > now", "at + :n weeks > now"),
        ("-(7 days) < at - now", "-7 days < at - now"),
    ],
)
def test_the_canonical_form(text: str, canonical: str) -> None:
    """Lengths of time are formatted as windows are, and stay what they are."""
    assert sk.format_definition(text) == canonical
    assert sk.format_definition(canonical) == canonical


def test_functions_of_a_schema_take_no_lengths() -> None:
    """What a schema adds gets numbers and times, never a count of microseconds in secret."""
    twice = sk.Function("twice", ["ordered"], None, "Twice.", record=lambda value: value)
    with pytest.raises(sk.DefinitionError, match=r"write|\(now - at\) / 1 day"):
        sk.Segment.define(None, "twice(now - at) > 1 day", PEOPLE.extended([twice]))


def test_analyses_count_days() -> None:
    """The mean of a length of time is in days, and says so."""
    pd = pytest.importorskip("pandas")
    from segmentkit import analysis
    from segmentkit import pandas as skp

    days = [1, 2, 3, 4, 5, 6, 8, 9]
    at = [AS_OF.replace(tzinfo=None) - timedelta(days=each) for each in days]
    people = skp.Source(pd.DataFrame({"id": range(8), "at": at, "day": None, "weeks": None}))
    groups = {
        "few": sk.Segment.define("few", "id < 4", PEOPLE),
        "more": sk.Segment.define("more", "id >= 4", PEOPLE),
    }
    found = analysis.compare(
        groups, sk.Trait.define("gap", "now - at", PEOPLE), people, as_of=AS_OF
    )
    assert "gap (days)" in str(found)
    assert found.frame["mean"].tolist() == [2.5, 7.0]


def _later(at: datetime, by: timedelta) -> datetime | None:
    try:
        return at + by
    except OverflowError:
        return None


MOVES = [
    "+ 90 minutes",
    "- 90 minutes",
    "+ 40 weeks",
    "- 40 weeks",
    "+ 20000 weeks",
    "- 30000 weeks",
    "- 400000 weeks",
]


@pytest.mark.parametrize("move", MOVES)
def test_parts_of_what_moves_in_a_zone(move: str) -> None:
    """The hour and the day of an instant that moves are those that one record has, in SQL too."""
    sa = pytest.importorskip("sqlalchemy")
    schema = sk.Schema(
        [sk.Entity("people", key="id", attributes=PEOPLE.entity.attributes)],
        time_zone="America/New_York",
    )
    steps = [datetime(2026, 3, 8, 7), datetime(2026, 11, 1, 6), datetime(1995, 4, 2, 7)]
    sign, count, unit = move.split()
    by = timedelta(**{unit: int(count)}) * (1 if sign == "+" else -1)
    around = [timedelta(microseconds=each) for each in (-1, 0, 1)]
    times = [datetime(1, 1, 1), datetime(1, 9, 1, 12), datetime.max]
    times += [t + near for t in steps for near in around]
    times += [t - by + near for t in steps for near in around]
    # Later than that, SQL does not know the clocks.
    times = [at for at in times if (_later(at, by) or AS_OF).year <= 2036]
    rows = [{"id": i, "at": at, "day": None, "weeks": None} for i, at in enumerate(times)]
    metadata = tables_from(schema)
    people = metadata.tables["people"]
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    texts = [f"hour(at {move}) = {hour}" for hour in range(24)]
    texts += [f"day(at {move}) = {day}" for day in ("2026-03-08", "2026-11-01", "1995-04-02")]
    with engine.begin() as connection:
        connection.execute(people.insert(), rows)
        for text in texts:
            segment = sk.Segment.define(None, text, schema)
            wanted = [r["id"] for r in rows if segment.matches(r, as_of=AS_OF)]
            query = sa.select(people.c.id).where(predicate(segment, people, as_of=AS_OF))
            compiled = query.compile(connection)
            assert len(compiled.positiontup) < 1_500, "a step of the clocks has all that moves"
            assert sorted(connection.scalars(query)) == wanted, text
    engine.dispose()
