"""What must be true of clusters, and of the definitions that come close to them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from segmentkit import DATE, DefinitionError, Partition, Segment, Trait
from segmentkit import pandas as skp
from segmentkit.analysis import clusters
from tests.analysis.frames import EMPTY, SHOP
from tests.analysis.people import NOON, PEOPLE, SOURCES
from tests.analysis.test_understanding import shown

OF = ["age", "money", "vip", "born", "seen", "city", "count(orders)"]


def of_frame(columns, of=None, **arguments):
    """The clusters of a frame's rows."""
    frame = pd.DataFrame(columns)
    frame.insert(0, "id", range(len(frame)))
    types = {"day": DATE} if "day" in frame else {}
    schema = skp.schema_from(frame, "rows", keys={"rows": "id"}, types={"rows": types})
    source = skp.Source(frame)
    found = clusters(of, source, schema=schema, as_of=NOON, **arguments)
    check(found, source)
    return found


def check(found, source):
    """Definitions hold of as many as is said, no two of one person, and all shares agree."""
    shown(found)
    assert sum(each.size for each in found.clusters) == len(found.members)
    if not found.clusters:
        assert found.remarks
        return
    held = source.evaluate(found.segments, as_of=found.as_of).frame
    assert held.sum().to_dict() == {c.segment.name: c.described for c in found.clusters}
    assert held.to_numpy().sum(axis=1).max() == 1
    for each in found.clusters:
        assert each.described or each.condition == "false"
        inside = set(found.members.index[found.members == each.segment.name])
        described = set(held.index[held[each.segment.name]]) & set(found.members.index)
        assert (each.size, each.known) == (len(inside), len(described))
        assert each.both == len(inside & described)
        assert each.recall == len(inside & described) / len(inside)
        assert each.jaccard == len(inside & described) / len(inside | described)


@pytest.mark.parametrize("model", ["k-means", "gaussian"])
@pytest.mark.parametrize("n", [2, 5])
def test_definitions_come_close(n, model):
    """On each source they hold of whom they say, and most are where their cluster is."""
    told = set()
    for source in SOURCES.values():
        found = clusters(OF, source, schema=PEOPLE, as_of=NOON, n=n, model=model)
        check(found, source)
        assert len(found.clusters) == n
        assert found.accuracy > 0.75
        assert "not looked at: city is a text" in found.notes
        told.add(str(found))
    assert len(told) == 1


def test_who_lacks_something_is_in_no_cluster():
    """Only those of whom all is known have a cluster; definitions ask what they need to know."""
    source = SOURCES["sqlite"]
    found = clusters(["age", "vip"], source, schema=PEOPLE, as_of=NOON, n=4)
    known = Segment.define("known", "age is present and vip is present", PEOPLE)
    assert set(found.members.index) == set(source.members(known, as_of=NOON).keys)
    lost = source.count(~known, as_of=NOON)
    assert any(note.startswith(f"left out: {lost} of whom something") for note in found.notes)
    for each in found.clusters:
        assert "missing" not in each.condition


def test_the_means_are_those_of_the_members():
    """Numbers have their mean, booleans the share that is true, times the middle of them."""
    source = SOURCES["pandas"]
    found = clusters(["age", "vip", "born", "seen"], source, schema=PEOPLE, as_of=NOON, n=3)
    traits = [Trait.define(f"the {name}", name, PEOPLE) for name in ("age", "vip", "born", "seen")]
    values = source.values(traits, as_of=NOON)
    for each in found.clusters:
        mine = values.loc[found.members.index[found.members == each.segment.name]]
        assert each.means["age"] == pytest.approx(mine["the age"].astype(float).mean())
        assert each.means["vip"] == pytest.approx(mine["the vip"].astype(float).mean())
        for name in ("born", "seen"):
            middle = mine[f"the {name}"].mean().to_pydatetime().replace(tzinfo=UTC)
            assert abs(each.means[name] - middle) < timedelta(seconds=1)


def test_clear_clusters_are_found_and_named():
    """Three crowds far apart are three clusters without being told, and are said exactly."""
    draw = np.random.default_rng(1)
    crowds = {"x": np.repeat([0, 100, 200], [50, 30, 20]) + draw.normal(size=100)}
    crowds |= {"y": np.repeat([0, 5, 0], [50, 30, 20]) + draw.normal(size=100) / 100}
    found = of_frame(crowds)
    assert [each.size for each in found.clusters] == [50, 30, 20]
    assert [each.jaccard for each in found.clusters] == [1, 1, 1]
    assert found.accuracy == 1
    assert found.clusters[0].condition == "x < 50"
    assert set(found.silhouettes) == {2, 3, 4, 5, 6, 7, 8}
    parts = Partition.define("crowds", found.segments, rest="others")
    frame = pd.DataFrame(crowds).assign(id=range(100))
    labels = skp.labels(parts, frame, as_of=NOON)
    assert labels.value_counts().to_dict() == {
        "cluster 1": 50, "cluster 2": 30, "cluster 3": 20, "others": 0,
    }  # fmt: skip


@pytest.mark.parametrize(("load", "n"), [(datasets.load_iris, 3), (datasets.load_wine, 3)])
def test_what_others_measured_has_its_clusters(load, n):
    """The clusters of bundled data are nearly the kinds of flower and of wine."""
    bundle = load(as_frame=True)
    names = {each: each.replace(" (cm)", "").replace(" ", "_") for each in bundle.data}
    found = of_frame(bundle.data.rename(columns=names), of=list(names.values()), n=n)
    assert found.accuracy > 0.9
    kinds = pd.crosstab(found.members.to_numpy(), bundle.target.to_numpy())
    assert kinds.max(axis=1).sum() / len(bundle.target) > 0.8


def test_noise_is_not_called_clear():
    """Where there are no clusters, the silhouette says so in words."""
    found = of_frame({f"x{n}": np.random.default_rng(n).normal(size=300) for n in range(6)})
    assert any("may be none" in note for note in found.notes)


def test_the_same_seed_finds_the_same():
    """Clusters depend on the seed and the data, not on the order of rows."""
    draw = np.random.default_rng(4)
    frame = pd.DataFrame({"id": range(300), "x": draw.normal(size=300), "y": draw.normal(size=300)})
    schema = skp.schema_from(frame, "rows", keys={"rows": "id"})
    told = {
        str(clusters(["x", "y"], skp.Source(each), schema=schema, as_of=NOON, n=4))
        for each in (frame, frame.sample(frac=1, random_state=1))
    }
    assert len(told) == 1


def test_who_was_asked_about_is_a_part_of_the_definitions():
    """Definitions stand alone, and ``among`` and traits say what is spoken of."""
    vips = Segment.define("vips", "vip", PEOPLE)
    spent = Trait.define("spent", "sum(orders.amount)", PEOPLE)
    source = SOURCES["pandas"]
    found = clusters([spent, "age"], source, among=vips, as_of=NOON, n=2)
    check(found, source)
    assert found.population == source.count(vips, as_of=NOON)
    assert all(each.definition.startswith("vip and ") for each in found.segments.values())
    assert (
        found.clusters[0].segment.traits or found.clusters[1].segment.traits or "age" in str(found)
    )
    assert clusters([spent], source, as_of=NOON, n=2).population == 900


N = 60
ODD = np.arange(N) % 2


@pytest.mark.parametrize(
    ("columns", "arguments", "note"),
    [
        ({"x": [5.0] * N}, {}, "nobody differs"),
        ({"x": [np.nan] * N}, {}, "of nobody everything is known"),
        ({"x": [np.inf] * N}, {}, "of nobody everything is known"),
        ({"x": ODD}, {"n": 3}, "2 who differ are too few for 3 clusters"),
        ({"x": [1]}, {}, "nobody differs"),
        ({"x": pd.Series([], dtype=float)}, {}, "there is nobody to ask about"),
    ],
)
def test_where_there_are_no_clusters_it_is_said(columns, arguments, note):
    """Nobody, people who are all alike, and too few of them have words and no clusters."""
    found = of_frame(columns, of=["x"], **arguments)
    assert not found.clusters
    assert found.notes[0] == note
    assert found.segments == {}
    assert found.accuracy is None


@pytest.mark.parametrize(
    ("columns", "definitions"),
    [
        ({"x": ODD}, {"x < 1", "x >= 1"}),
        ({"x": [1, 2]}, {"x < 2", "x >= 2"}),
        ({"x": np.where(ODD, 1e140, -1e140), "y": [3] * N}, {"x < 0", "x >= 0"}),
        ({"x": np.where(np.arange(N) < 2, np.inf, ODD * 1.0)}, {"x < 1", "x >= 1"}),
        ({"x": pd.array(ODD == 1, dtype="boolean")}, {"x", "not x"}),
        ({"day": pd.to_datetime(["2020-01-01", "2026-01-01"] * 30)}, None),
        ({"x": [datetime(2026, 1, 1, hour=n) for n in ODD]}, None),
        ({"x": np.where(ODD, 2**60, 2**60 + 2**40)}, None),
    ],
)
def test_two_kinds_are_two_clusters(columns, definitions):
    """Whatever the values, those who are the same are together, and are said exactly."""
    found = of_frame(columns)
    assert len(found.clusters) == 2
    assert found.accuracy == 1
    if definitions:
        assert {each.condition for each in found.clusters} == definitions


def test_what_no_definition_can_say():
    """Numbers that are too large for the language make clusters, and that none is said is said."""
    found = of_frame({"x": np.where(ODD, 1e30, 2e30)})
    assert found.accuracy == 0.5
    assert "no definition says who is in cluster 2" in found.notes


def test_nobody_is_no_trouble():
    """An empty database has words, too."""
    for source in EMPTY.values():
        found = clusters(None, source, schema=SHOP, as_of=NOON)
        assert found.notes[0] == "there is nobody to ask about"
        shown(found)


@pytest.mark.parametrize(
    ("of", "arguments", "error", "match"),
    [
        (["age"], {"n": 1}, ValueError, "n must be from 2 to 50"),
        (["age"], {"seed": -1}, ValueError, "seed must be from 0"),
        (["age"], {"model": "magic"}, ValueError, "'k-means' or 'gaussian'"),
        (["age"], {"depth": 99}, ValueError, "depth must be from 1 to 12"),
        (["age"], {"schema": None}, ValueError, "give schema="),
        (["city"], {}, ValueError, "no number, time or boolean to look at.*city is a text"),
        ([], {}, ValueError, "nothing to divide people by"),
        ("age", {}, TypeError, r"of=\['age'\]"),
        (["agge"], {}, DefinitionError, "did you mean 'age'"),
    ],
)
def test_wrong_arguments_are_refused(of, arguments, error, match):
    """What is no argument is refused in words."""
    with pytest.raises(error, match=match):
        clusters(of, SOURCES["pandas"], **{"schema": PEOPLE, **arguments})


def test_a_missing_extra_is_named(monkeypatch):
    """Without scikit-learn, what to install is said."""
    monkeypatch.setitem(sys.modules, "segmentkit.analysis._discovery.sklearn_models", None)
    with pytest.raises(ImportError, match=r'pip install "segmentkit\[discover\]"'):
        clusters(["age"], SOURCES["pandas"], schema=PEOPLE)
