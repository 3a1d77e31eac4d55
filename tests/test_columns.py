"""DuckDB's answers, which come in columns of Arrow, are those that come row by row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from segmentkit import Segment, Trait
from segmentkit.sqlalchemy import Source, schema_from
from segmentkit.sqlalchemy.dialects import dialect

SIZE = 150_003
"""More than are read at a time, and no multiple of eight is left at the end."""


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    engine = sa.create_engine("duckdb:///:memory:", poolclass=StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE TABLE people AS SELECT i AS id, i * i % 97 AS score, "
            f"CASE WHEN i % 7 <> 0 THEN 'town ' || i % 5 END AS town FROM range({SIZE}) t(i)"
        )
    yield engine
    engine.dispose()


def _people(key: Any) -> sa.Table:
    columns = [sa.Column("score", sa.BigInteger), sa.Column("town", sa.String)]
    return sa.Table("people", sa.MetaData(), sa.Column("id", key, primary_key=True), *columns)


def _by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "find_spec", lambda name: None)


def test_many_batches(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations, members and values are the same without pyarrow."""
    people = _people(sa.BigInteger)
    schema = schema_from(people)
    texts = ["score > 50", 'town = "town 1"', "town is missing or score = 3", "id < 0", "id >= 0"]
    segments = {text: Segment.define(text, text, schema) for text in texts}
    traits = [Trait.define("twice", "score * 2", schema), Trait.define("where", "town", schema)]
    source = Source(engine, people)

    def asked() -> list[Any]:
        found = source.evaluate(segments).frame.sort_index()
        members = sorted(source.members(segments["score > 50"]).keys)
        return [found, members, source.values(traits).sort_index()]

    columns = asked()
    assert "sign_" in source.explain(segments)
    _by_rows(monkeypatch)
    assert "sign_" not in source.explain(segments)
    rows = asked()
    pd.testing.assert_frame_equal(columns[0], rows[0])
    assert columns[1] == rows[1]
    pd.testing.assert_frame_equal(columns[2], rows[2])
    assert columns[0].sum().tolist() == [source.count(segment) for segment in segments.values()]


@pytest.mark.parametrize(
    ("declared", "stored", "expected"),
    [
        (sa.BigInteger, "i::HUGEINT", [0, 1, 2]),
        (sa.Integer, "i::UTINYINT", [0, 1, 2]),
        (
            sa.BigInteger,
            "i + 1000000000000000000000000000000::HUGEINT",
            [10**30, 10**30 + 1, 10**30 + 2],
        ),
        (sa.String, "'k' || i", ["k0", "k1", "k2"]),
        (sa.Date, "DATE '2026-01-01' + i::INTEGER", [date(2026, 1, d) for d in (1, 2, 3)]),
    ],
)
def test_keys_of_any_type(
    declared: Any, stored: str, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are what the driver gives row by row."""
    engine = sa.create_engine("duckdb:///:memory:", poolclass=StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE TABLE people AS SELECT {stored} AS id, i AS score, '' AS town FROM range(3) t(i)"
        )
    people = _people(declared)
    schema = schema_from(people)
    segments = [Segment.define(t, t, schema) for t in ("score >= 1", "score = 0")]
    source = Source(engine, people)
    for _ in range(2):
        found = source.evaluate(segments).frame
        assert dict(zip(found.index.tolist(), found.to_numpy().tolist(), strict=True)) == {
            expected[0]: [False, True],
            expected[1]: [True, False],
            expected[2]: [True, False],
        }
        assert [type(key) for key in found.index.tolist()] == [type(key) for key in expected]
        _by_rows(monkeypatch)
    engine.dispose()


def test_nothing_but_broken_segments(engine: sa.Engine) -> None:
    """Whoever has no answer is there nevertheless."""
    people = _people(sa.BigInteger)
    schema = schema_from(people)
    unbound = Segment.define("unbound", "score > :least", schema)
    found = Source(engine, people).evaluate([unbound], skip_broken=True)
    assert (len(found.population), list(found), list(found.broken)) == (SIZE, [], ["unbound"])
