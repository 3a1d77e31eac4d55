"""What must be true of recency, frequency and monetary value."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from segmentkit import DefinitionError, SchemaError, Trait
from segmentkit import pandas as skp
from segmentkit.analysis import GROUPS, Rfm, grid
from tests.analysis.frames import EMPTY, NOON, SHOP, SOURCES
from tests.analysis.test_understanding import shown

VALUES = {
    "recency": "last(orders.placed_at)",
    "frequency": "count(orders)",
    "monetary": "sum(orders.amount)",
}
THE_LAST_DAY = datetime(1997, 9, 30, 12, tzinfo=UTC)
"""Of the first 39 weeks; purchases are of the midnight that begins a day."""
RULES = Rfm.define(SHOP, **VALUES)
FIXED = Rfm.define(
    SHOP,
    **VALUES,
    recency_days=[365, 90, 30, 7],
    frequency_from=[2, 3, 4, 5],
    monetary_from=[20, 50, 100, 200],
)


@pytest.fixture(params=list(SOURCES))
def kind(request):
    """What kind of source is asked."""
    return request.param


def test_groups_take_every_pair_of_scores_once():
    """Whoever has scores is in exactly one group."""
    for recency in range(1, 6):
        for other in range(1, 6):
            held = [
                name
                for name, (down, across) in GROUPS.items()
                if down[0] <= recency <= down[1] and across[0] <= other <= across[1]
            ]
            assert len(held) == 1


@pytest.mark.parametrize("by", ["frequency", "monetary"])
@pytest.mark.parametrize("rules", [RULES, FIXED], ids=["tiles", "rules"])
def test_groups_part_those_who_bought(kind, rules, by):
    """The cells add up to those who ever bought, and so do the groups."""
    found = grid(rules, SOURCES[kind], by=by, as_of=NOON)
    assert found.scored == sum(found.groups.values()) == 4
    for name, size in found.groups.items():
        (down, across) = GROUPS[name]
        cells = [
            count
            for (r, f), count in found.cells.items()
            if down[0] <= r <= down[1] and across[0] <= f <= across[1]
        ]
        assert size == sum(cells)
    text = shown(found)
    assert "never bought: 2" in text
    assert found.matrix.to_numpy().sum() == 4


def test_fixed_rules_score_as_they_say(kind):
    """With declared thresholds, each customer has the scores that the numbers give."""
    found = grid(FIXED, SOURCES[kind], as_of=NOON)
    # 1: a day of April, one order; 2: 11 days ago, three; 3: 27 days ago, two; 4: in 2024, one.
    assert {cell: n for cell, n in found.cells.items() if n} == {
        (3, 1): 1,
        (4, 3): 1,
        (4, 2): 1,
        (1, 1): 1,
    }


def of_shop(people, **rules):
    """The grid of people with a last day, and a number that may be missing."""
    frame = pd.DataFrame(people, columns=["id", "last", "often"])
    frame = frame.astype({"last": "datetime64[s]", "often": "Int64"})
    schema = skp.schema_from(frame, "people", keys={"people": "id"})
    rfm = Rfm.define(schema, recency="last", frequency="often", monetary="often", **rules)
    return grid(rfm, skp.Source(frame), as_of=NOON)


def test_who_has_no_scores_is_told_why():
    """Who never bought is not who bought and whose frequency is missing."""
    people = [(n, f"2026-04-{n:02}", n) for n in range(1, 11)]
    people += [(11, "2026-04-20", None), (12, "2026-04-21", None), (13, None, 5)]
    found = of_shop(people)
    assert (found.scored, found.bought, found.lacking) == (10, 12, 2)
    assert "never bought: 1" in found.notes
    assert "bought, but frequency is missing: 2, who have no scores" in found.notes
    assert [note for note in found.notes if "nobody has" in note] == [
        "nobody has recency 5: equal values have one score, and 2 have no frequency"
    ]
    nobody = of_shop([(1, "2026-04-20", None), (2, None, 5)])
    assert nobody.notes == (
        "never bought: 1",
        "bought, but frequency is missing: 1, who have no scores",
    )
    assert shown(nobody)


def test_why_nobody_has_a_score():
    """Equal values, too few people, and a rule whose range nobody is in are three reasons."""
    day = "2026-04-20"
    same = of_shop([(n, f"2026-04-{n:02}", 1 if n < 9 else n) for n in range(1, 11)])
    assert "nobody has frequency 2: equal values have one score" in same.notes
    few = of_shop([(n, f"2026-04-{n:02}", n) for n in range(1, 4)])
    assert "nobody has frequency 5: there are 3 people for 5 scores" in few.notes
    ruled = of_shop(
        [(n, day, n) for n in range(1, 11)], frequency_from=[2, 3, 50], recency_days=[1]
    )
    assert "nobody has frequency 4: no value is in its range" in ruled.notes
    assert "nobody has recency 2: no value is in its range" in ruled.notes


def test_one_day_is_a_day():
    """A rule of one day is written as one day."""
    rules = Rfm.define(SHOP, **VALUES, recency_days=[30, 7, 2, 1])
    assert "in last 1 day " in f"{rules.scored((5, 5), (1, 5))} "


def test_definitions_are_readable():
    """A group is a segment like any other, and its text says the rule."""
    assert str(RULES.groups()["champions"]) == (
        "ntile(5, last(orders.placed_at)) = 5 and "
        "ntile(5, count(orders) among (last(orders.placed_at) is present)) >= 4"
    )
    assert str(FIXED.groups(by="monetary")["potential loyalists"]) == (
        "last(orders.placed_at) in last 30 days and "
        "sum(orders.amount) >= 20 and not sum(orders.amount) >= 100"
    )
    assert str(FIXED.groups()["hibernating"]) == (
        "last(orders.placed_at) is present and not last(orders.placed_at) in last 90 days and "
        "last(orders.placed_at) is present and not count(orders) >= 3"
    )
    partition = RULES.partition()
    assert partition.labels == (*GROUPS, "never bought")
    assert [trait.name for trait in RULES.traits] == ["recency", "frequency", "monetary"]


def test_wrong_rules_are_refused():
    """What is no rule is refused when it is declared, in words."""
    with pytest.raises(SchemaError, match="must be a time"):
        Rfm.define(SHOP, **{**VALUES, "recency": "count(orders)"})
    with pytest.raises(DefinitionError, match="oders"):
        Rfm.define(SHOP, **{**VALUES, "frequency": "count(oders)"})
    with pytest.raises(ValueError, match="must fall"):
        Rfm.define(SHOP, **VALUES, recency_days=[30, 90])
    with pytest.raises(ValueError, match="must rise"):
        Rfm.define(SHOP, **VALUES, monetary_from=[30, 30])
    with pytest.raises(ValueError, match="by must be"):
        grid(RULES, SOURCES["pandas"], by="recency")
    with pytest.raises(ValueError, match="from 0 to 3"):
        RULES.scored((0, 3), (1, 1))
    three = Rfm.define(SHOP, **VALUES, tiles=3)
    with pytest.raises(ValueError, match="5 scores"):
        three.groups()
    shown(grid(three, SOURCES["pandas"], as_of=NOON))


def test_nobody_bought(kind):
    """Of nobody there is nothing to score, and that is said."""
    assert "nobody has bought" in shown(grid(RULES, EMPTY[kind], as_of=NOON))


def test_cdnow_is_summed_up_as_by_others():
    """Of each CDNOW customer all is as in the summary that comes with the package ``lifetimes``.

    Its columns are, for the first 39 weeks: how many more days somebody bought on after the first
    (x), the weeks from the first purchase to the last (t_x) and from the first to the end (T), and
    what was spent on such a day on average, 0 without one (zbar).
    """
    package = find_spec("lifetimes")
    assert package is not None
    folder = Path(package.origin).parent / "datasets"
    columns = ["whole", "customer", "at", "quantity", "amount"]
    sample = pd.read_csv(folder / "CDNOW_sample.txt", sep=r"\s+", header=None, names=columns)
    told = pd.read_csv(folder / "cdnow_customers_summary_with_transactions.csv", index_col="ID")
    schema, source = bought(sample)
    asked = {
        "days": "count(distinct orders.at)",
        "first": "first(orders.at)",
        "last": "last(orders.at)",
        "later": "sum(orders.amount where at > first(customers.orders.at))",
    }
    traits = [Trait.define(name, text, schema) for name, text in asked.items()]
    found = source.values(traits, as_of=THE_LAST_DAY).sort_index()
    week, again = pd.Timedelta(weeks=1), found["days"] - 1
    assert found.index.tolist() == told.index.tolist()
    assert again.tolist() == told["x"].tolist()
    end = pd.Timestamp(THE_LAST_DAY).floor("D")
    for name, weeks in {
        "t_x": (found["last"] - found["first"]) / week,
        "T": (end - found["first"]) / week,
        "zbar": (found["later"].astype(float) / again.astype(float)).fillna(0),
    }.items():
        assert (weeks - told[name]).abs().max() < 0.0051, name  # it is rounded to cents
    rules = Rfm.define(
        schema,
        recency="last(orders.at)",
        frequency="count(distinct orders.at)",
        monetary="sum(orders.amount)",
        frequency_from=[2, 3, 4, 5],
    )
    cells = grid(rules, source, as_of=THE_LAST_DAY).matrix
    assert cells.sum().tolist() == told["x"].clip(upper=4).value_counts().sort_index().tolist()


def bought(frame):
    """A schema and a source of what CDNOW's customers bought."""
    days = pd.to_datetime(frame["at"].astype(str), format="%Y%m%d")
    frames = {
        "customers": frame[["customer"]].drop_duplicates(),
        "orders": frame[["customer", "amount"]].assign(at=days),
    }
    schema = skp.schema_from(
        frames,
        "customers",
        keys={"customers": "customer"},
        events={"orders": {"key": "customer", "at": "at"}},
    )
    return schema, skp.Source(frames)
