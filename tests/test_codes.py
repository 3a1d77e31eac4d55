"""Many tests of one value are one number beside each row: the answers are those of each test."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from segmentkit import Schema, Segment
from segmentkit.sqlalchemy import Source, schema_from
from tests.targets.databases import postgresql_url

AS_OF = datetime(2026, 5, 1, tzinfo=UTC)
PEOPLE = sa.Table(
    "people_of_codes",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("age", sa.Integer),
    sa.Column("height", sa.Double),
    sa.Column("paid", sa.Numeric(12, 2)),
    sa.Column("born", sa.Date),
    sa.Column("seen", sa.DateTime),
    sa.Column("visits", sa.Integer, nullable=False),
)
SCHEMA = schema_from(PEOPLE)
CONSTANTS = {
    "age": [3, 4, 5, 6],
    "height": [0.5, 1.0, 1.5],
    "paid": ["2.00", "2.5", "3.00"],
    "born": ["2001-01-02", "2001-01-03", "2001-01-05"],
    "seen": ["2001-01-02T12:00", "2001-01-03", "2001-01-05T00:00:01"],
    "visits": [0, 1, 2],
}


def _rows() -> list[dict[str, object]]:
    draw = random.Random(5)

    def or_none(value: object) -> object:
        return None if draw.random() < 0.2 else value

    return [
        {
            "id": i,
            "age": or_none(draw.randrange(2, 8)),
            "height": or_none(draw.randrange(5) / 2),
            "paid": or_none(draw.randrange(3, 8) / 2),
            "born": or_none(date(2001, 1, draw.randrange(1, 7))),
            "seen": or_none(datetime(2001, 1, draw.randrange(1, 7), draw.choice([0, 12]))),
            "visits": draw.randrange(4),
        }
        for i in range(203)
    ]


@pytest.fixture(scope="module", params=["sqlite", "duckdb", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """The same people in each database."""
    url = {"sqlite": "sqlite://", "duckdb": "duckdb:///:memory:"}.get(request.param)
    pool = {} if url is None else {"poolclass": StaticPool}
    engine = sa.create_engine(url or postgresql_url(), **pool)
    PEOPLE.metadata.drop_all(engine)
    PEOPLE.create(engine)
    with engine.begin() as connection:
        connection.execute(PEOPLE.insert(), _rows())
    yield engine
    PEOPLE.metadata.drop_all(engine)
    engine.dispose()


def _define(texts: list[str], schema: Schema = SCHEMA) -> dict[str, Segment]:
    return {text: Segment.define(None, text, schema) for text in texts}


def _tests() -> list[str]:
    found = [
        f"{name} {operator} {constant}"
        for name, constants in CONSTANTS.items()
        for constant in constants
        for operator in ("<", "<=", ">", ">=")
    ]
    return [*found, *(f"not ({test})" for test in found), "age is missing", "age = 4"]


def test_each_test_is_answered_as_alone(engine: sa.Engine) -> None:
    """Each way to compare with each constant, and its complement, missing values included."""
    source = Source(engine, PEOPLE)
    segments = _define(_tests())
    found = source.evaluate(segments, as_of=AS_OF)
    sizes = source.sizes(segments, as_of=AS_OF)
    for text, segment in segments.items():
        alone = sorted(source.members(segment, as_of=AS_OF))
        assert sorted(found[text]) == alone, text
        assert sizes[text] == len(alone), text
    assert sizes.population == 203


def test_many_segments_of_few_numbers(engine: sa.Engine) -> None:
    """Hundreds of segments are counted from combinations of codes, those of few in the database."""
    source = Source(engine, PEOPLE)
    draw = random.Random(7)
    tests = _tests()
    texts = {f"({' or '.join(draw.sample(tests, 2))}) and {draw.choice(tests)}" for _ in range(400)}
    segments = _define(sorted(texts))
    sizes = source.sizes(segments, as_of=AS_OF)
    found = source.evaluate(segments, as_of=AS_OF).sizes()
    assert dict(sizes) == dict(found)
    for text in sorted(texts)[:40]:
        assert sizes[text] == source.count(segments[text], as_of=AS_OF), text
    pairs = sorted(texts)[:12]
    few = {text: segments[text] for text in pairs}
    together = source.overlap(few, as_of=AS_OF)
    assert [together.loc[text, text] for text in pairs] == [sizes[text] for text in pairs]


def test_one_column_a_value(engine: sa.Engine) -> None:
    """However many constants a value is compared with, it is one column, of a few comparisons."""
    texts = [f"age >= {bound}" for bound in range(100)]
    text = Source(engine, PEOPLE).explain(_define(texts), as_of=AS_OF)
    assert text.count(" AS rank_") == 1
    assert " AS test_" not in text


def test_constants_that_a_float_cannot_tell_apart(engine: sa.Engine) -> None:
    """They have no order that holds in every database: each test is a column."""
    texts = [f"visits > {2**53}", f"visits >= {2**53 + 1}", "visits < 3"]
    text = Source(engine, PEOPLE).explain(_define(texts), as_of=AS_OF)
    assert " AS rank_" not in text
