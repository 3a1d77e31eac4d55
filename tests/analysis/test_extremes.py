"""Extreme numbers, dates far away and odd texts: an answer, or words that say what was left out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from segmentkit import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Attribute,
    Catalog,
    Entity,
    Partition,
    Schema,
    Segment,
    Trait,
)
from segmentkit import pandas as skp
from segmentkit import sqlalchemy as sql
from segmentkit.analysis import assess, clusters, compare, coverage, discover, profile, report
from segmentkit.analysis._report import report as of_report
from segmentkit.source import Source
from segmentkit.sqlalchemy import tables_from

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SIZE = 120
SCHEMA = Schema(
    [
        Entity(
            "people",
            key="id",
            attributes=[
                Attribute("id", INTEGER),
                Attribute("ratio", FLOAT, nullable=True),
                Attribute("other", FLOAT),
                Attribute("vip", BOOLEAN),
                Attribute("town", TEXT, nullable=True),
                Attribute("seen", TIMESTAMP, nullable=True),
                Attribute("born", DATE, nullable=True),
            ],
        )
    ]
)
VIPS = Segment.define("vips", "vip and other > -1", SCHEMA)
PARTS = Partition.define("parts", [Segment.define("some", "vip", SCHEMA)], rest="others")
RATIO = Trait.define("the ratio", "ratio", SCHEMA)


def rows(**odd: list[Any]) -> list[dict[str, Any]]:
    """People of whom the first have odd values."""
    draw = np.random.default_rng(0)
    columns = {
        "id": list(range(SIZE)),
        "ratio": draw.normal(size=SIZE).tolist(),
        "other": draw.normal(size=SIZE).tolist(),
        "vip": (draw.random(SIZE) < 0.5).tolist(),
        "town": draw.choice(["a", "b", "c"], SIZE).tolist(),
        "seen": [
            datetime(2026, 1, 1) + timedelta(days=n) for n in draw.integers(0, 90, SIZE).tolist()
        ],
        "born": [
            date(1980, 1, 1) + timedelta(days=n) for n in draw.integers(0, 9000, SIZE).tolist()
        ],
    }
    columns |= {name: [*values, *columns[name][len(values) :]] for name, values in odd.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def in_pandas(people: list[dict[str, Any]]) -> Source:
    columns = {name: [row[name] for row in people] for name in people[0]}
    columns["town"] = pd.Series(columns["town"], dtype=object)
    frame = pd.DataFrame(columns)
    frame["seen"] = np.array([row["seen"] for row in people], dtype="M8[us]")
    frame["born"] = np.array([row["born"] for row in people], dtype="M8[s]")
    return skp.Source({"people": frame})


@pytest.fixture
def in_sqlite() -> Any:
    engine = sa.create_engine("sqlite://")

    def made(people: list[dict[str, Any]]) -> Source:
        metadata = tables_from(SCHEMA)
        metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(metadata.tables["people"].insert(), people)
        return sql.Source(engine, metadata.tables["people"])

    yield made
    engine.dispose()


ANALYSES: dict[str, Callable[[Source], Any]] = {
    "profile": lambda source: profile(VIPS, source, as_of=NOON),
    "compare": lambda source: compare(PARTS, "ratio", source, as_of=NOON),
    "sums": lambda source: compare(PARTS, "ratio", source, how="sum", as_of=NOON),
    "rates": lambda source: compare(PARTS, "ratio > 0", source, as_of=NOON),
    "days": lambda source: compare(PARTS, "born", source, as_of=NOON),
    "clusters": lambda source: clusters(None, source, schema=SCHEMA, as_of=NOON, n=3),
    "discover": lambda source: discover(VIPS, source, as_of=NOON),
    "discover a mean": lambda source: discover(RATIO, source, as_of=NOON),
    "assess": lambda source: assess(VIPS, source, metric=RATIO, as_of=NOON),
    "coverage": lambda source: coverage(SCHEMA, source, as_of=NOON),
    "report": lambda source: report(Catalog({"vips": VIPS}), source, as_of=NOON, profiles=True),
}
ODD: dict[str, dict[str, list[Any]]] = {
    "one largest": {"ratio": [1e308]},
    "the largest": {"ratio": [1e308, -1e308] * 20},
    "all the largest": {"ratio": [1e308, -1e308] * (SIZE // 2)},
    "one and the same": {"ratio": [1e308] * SIZE},
    "very large": {"ratio": [1e200, -1e200, 1e76] * 9},
    "nearly nothing": {"ratio": [5e-324, -5e-324] * 20},
    "infinite": {"ratio": [float("inf"), float("-inf")]},
    "far dates": {"born": [date(1, 1, 1), date(9999, 12, 31)] * 20},
    "far times": {"seen": [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59)] * 20},
    "all far": {"seen": [datetime(9999, 12, 31)] * SIZE, "born": [date(1, 1, 1)] * SIZE},
    "odd texts": {"town": ["", "\n", "\u202e<script>", "é" * 3000, "$x$", "\U0001f642"] * 9},
    "half characters": {"town": ["\ud800x", "\udfff", "ok"] * 30},
}


ABOUT = {
    "ratio": ["profile", "compare", "sums", "rates", "clusters", "discover a mean", "assess", "report"],
    "born": ["profile", "days", "clusters", "discover", "report"],
    "seen": ["profile", "clusters", "discover", "coverage"],
    "town": ["profile", "discover", "discover a mean", "report"],
}  # fmt: skip
ASKED = [(odd, analysis) for odd, columns in ODD.items() for analysis in ABOUT[next(iter(columns))]]


@pytest.mark.parametrize(("odd", "analysis"), ASKED)
def test_whatever_is_there_has_an_answer(
    odd: str, analysis: str, in_sqlite: Callable[[Any], Source]
) -> None:
    """Each analysis answers, as text, HTML and a picture, on every source alike."""
    people = rows(**ODD[odd])
    sources = [in_pandas(people)]
    if odd not in ("half characters", "infinite"):  # which SQLite cannot hold
        sources.append(in_sqlite(people))
    told = []
    for source in sources:
        found = ANALYSES[analysis](source)
        told.append(str(found))
        assert f"{found}\n{found._repr_html_()}".encode()
        if analysis == "report":
            assert not [each.trouble for each in found.chapters if each.trouble]
            assert found.html.encode()
    if analysis != "report":
        assert found.plot()._repr_png_()
    assert len(set(told)) == 1


def test_what_is_left_out_is_said() -> None:
    """Numbers whose squares have no sum are left out of means, and counted."""
    source = in_pandas(rows(ratio=[1e308, -1e308, 1e200, 1e69]))
    left_out = "infinite, or beyond 1e+70, of 3, who"
    assert any(left_out in note for note in compare(PARTS, "ratio", source, as_of=NOON).notes)
    assert any(left_out in note for note in profile(VIPS, source, as_of=NOON).notes)
    found = discover(RATIO, in_pandas(rows(ratio=[1e308])), as_of=NOON)
    assert "left out: 1 of whom the ratio is infinite or beyond 1e+150" in found.remarks


def test_clusters_of_far_times_keep_the_middle() -> None:
    """Times beyond nanoseconds count as the days that they are."""
    far = [datetime(9999, 12, 31)] * 60 + [datetime(1000, 1, 1)] * (SIZE - 60)
    found = clusters(["seen"], in_pandas(rows(seen=far)), schema=SCHEMA, as_of=NOON, n=2)
    assert {each.means["seen"] for each in found.clusters} == {
        datetime(9999, 12, 31, tzinfo=UTC),
        datetime(1000, 1, 1, tzinfo=UTC),
    }


@pytest.mark.parametrize("error", [ValueError, OverflowError, ZeroDivisionError])
def test_one_failing_part_does_not_take_the_report(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page leaves the part out, says so with the reason, and has everything else."""
    true = of_report.profile

    def failing(segment: Segment, source: Source, **given: Any) -> Any:
        if segment.name == "vips":
            raise error("no such number")
        return true(segment, source, **given)

    monkeypatch.setattr(of_report, "profile", failing)
    others = Segment.define("others", "not vip", SCHEMA)
    found = report(
        Catalog({"vips": VIPS, "others": others}), in_pandas(rows()), as_of=NOON, profiles=True
    )
    first, second = found.chapters
    assert (first.profile, first.trouble) == (None, ("profile: no such number",))
    assert first.attrition is not None
    assert second.profile is not None
    assert "profile: no such number" in found.html
