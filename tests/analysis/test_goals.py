"""Goals: what effect would show, and verdicts that the numbers by hand give."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from scipy import stats as scipy

import segmentkit as sk
from segmentkit import analysis
from segmentkit import pandas as skp
from segmentkit import sqlalchemy as sks
from segmentkit.analysis._goals import measuring
from segmentkit.errors import DataError
from segmentkit.runs import Run
from tests.analysis.test_understanding import shown

START, END = date(2026, 7, 1), date(2026, 9, 30)
PEOPLE = 4000
CHANCE = np.random.default_rng(5)
IDS = np.arange(1, PEOPLE + 1)


def frames(effect: float = 0.0, *, gone: int = 0) -> dict[str, pd.DataFrame]:
    """People with an order in June and one in August, larger by an effect for who is treated."""
    held = HELD
    before = CHANCE.gamma(4, 25, PEOPLE).round(2)
    after = (before * 0.8 + CHANCE.gamma(2, 10, PEOPLE) + np.where(held, 0, effect)).round(2)
    orders = pd.concat(
        [
            pd.DataFrame({"person": IDS, "placed": day, "amount": values})
            for day, values in (
                (pd.Timestamp("2026-06-20"), before),
                (pd.Timestamp("2026-08-15"), after),
            )
        ]
    )
    orders["amount"] = [Decimal(f"{value:.2f}") for value in orders["amount"]]
    return {
        "people": pd.DataFrame({"id": IDS, "unsubscribed": gone > IDS % 20}),
        "orders": orders,
    }


SHOP = sk.Schema(
    [
        sk.Entity(
            "people",
            key="id",
            attributes=[sk.Attribute("id", sk.INTEGER), sk.Attribute("unsubscribed", sk.BOOLEAN)],
            relations=[sk.Relation("orders", key="person", at="placed")],
        ),
        sk.Entity(
            "orders",
            attributes=[
                sk.Attribute("placed", sk.TIMESTAMP),
                sk.Attribute("amount", sk.decimal(2)),
            ],
        ),
    ]
)
RISKY = sk.Segment.define("at_risk", "id > 0", SHOP)
SPENT = sk.Trait.define("spent", "sum(orders.amount in last 60 days)", SHOP)
GONE = sk.Segment.define("gone", "unsubscribed", SHOP)
BIG = sk.Segment.define("big", "sum(orders.amount in last 60 days) >= 120", SHOP)


def goal_of(measure=SPENT, amount="5%", hold_out="20%", **more):
    """A goal that is like this."""
    told = {"starts": START, "by": END, "hold_out": hold_out, **more}
    return sk.Goal.define("win_back", RISKY, measure, amount, **told)


HELD = np.array([goal_of().held_out.matches({"id": int(key)}) for key in IDS])


class Entered:
    """A store in which these people entered in July."""

    def __init__(self, keys=IDS, size=PEOPLE, causes=()):
        self.keys, self.size, self.causes = keys, size, causes

    def entered(self, name, *, since=None, until=None):
        assert (name, since) == ("at_risk", datetime(2026, 7, 1, tzinfo=UTC))
        return pd.Series(pd.Timestamp("2026-07-03", tz="UTC"), index=pd.Index(self.keys, name="id"))

    def history(self, segments=None):
        rows = [("at_risk", pd.Timestamp("2026-06-30", tz="UTC"), self.size, "first")]
        rows += [("at_risk", pd.Timestamp("2026-07-09", tz="UTC"), 1, each) for each in self.causes]
        return pd.DataFrame(rows, columns=["segment", "as_of", "size", "cause"])


AFTER, DURING = datetime(2026, 10, 5), datetime(2026, 8, 20)


def spent_by_hand(data, day):
    """What everyone spent in the 60 days before a day, by pandas alone."""
    orders = data["orders"]
    recent = orders["placed"].between(day - pd.Timedelta(days=60), day)
    sums = orders[recent].astype({"amount": float}).groupby("person")["amount"].sum()
    return sums.reindex(IDS, fill_value=0.0).to_numpy()


def test_a_goal_is_reached_and_the_numbers_are_those_of_hand():
    """Means, the lift adjusted by what was before, and its interval, beside formulas written out."""
    data = frames(effect=12)
    found = analysis.goal(goal_of(), Entered(), skp.Source(data), as_of=AFTER)
    assert (found.verdict, found.is_final) == ("reached", True)
    assert (found.treated, found.held_out) == (int((~HELD).sum()), int(HELD.sum()))
    y, x = (spent_by_hand(data, pd.Timestamp(day)) for day in ("2026-10-01", "2026-07-01"))
    assert found.metric.treated == pytest.approx(y[~HELD].mean())
    assert found.metric.held_out == pytest.approx(y[HELD].mean())
    slope = np.cov(x, y)[0, 1] / np.var(x, ddof=1)
    assert found.metric.slope == pytest.approx(slope)
    z = y - slope * (x - x.mean())
    one, other = z[~HELD], z[HELD]
    lift = (one.mean() - other.mean()) / other.mean()
    parts = one.var(ddof=1) / len(one), other.var(ddof=1) / len(other)
    error = np.sqrt(parts[0] / other.mean() ** 2 + parts[1] * one.mean() ** 2 / other.mean() ** 4)
    df = scipy.ttest_ind(one, other, equal_var=False).df
    half = scipy.t.isf(0.025, df) * error
    assert found.metric.effect == pytest.approx(lift)
    assert found.metric.interval == pytest.approx((lift - half, lift + half))
    text = shown(found)
    assert text.startswith("win_back: reached; mean of spent")
    assert "fixed, since the goal has ended" in text
    # Asked later, the answer is the same.
    later = analysis.goal(goal_of(), Entered(), skp.Source(data), as_of=datetime(2027, 1, 1))
    assert later.metric == found.metric


def test_before_the_end_the_interval_is_wider():
    """And what is known at the end may not be known before."""
    source = skp.Source(frames(effect=6))
    early = analysis.goal(goal_of(), Entered(), source, as_of=DURING)
    late = analysis.goal(goal_of(), Entered(), source, as_of=AFTER)
    assert not early.is_final
    assert "valid at every look" in shown(early)
    widths = [each.metric.interval.high - each.metric.interval.low for each in (early, late)]
    assert widths[0] > 1.3 * widths[1]


@pytest.mark.parametrize(
    ("effect", "amount", "direction", "verdict"),
    [
        (0, "20%", "up", "missed"),
        (0, Decimal("0.5"), "up", "not yet known"),
        (12, 8, "up", "reached"),
        (12, 20, "up", "missed"),
        (-12, 8, "down", "reached"),
        (12, 8, "down", "missed"),
    ],
)
def test_verdicts(effect, amount, direction, verdict):
    """As the effect that is in the data, and the amount, say."""
    asked = goal_of(amount=amount, direction=direction)
    found = analysis.goal(asked, Entered(), skp.Source(frames(effect=effect)), as_of=AFTER)
    assert found.verdict == verdict
    shown(found)


def test_arms_that_are_not_as_planned_give_no_verdict():
    """Whoever was lost, was not lost by chance."""
    kept = IDS[~HELD | (IDS % 2 == 0)]
    found = analysis.goal(goal_of(), Entered(kept), skp.Source(frames(effect=12)), as_of=AFTER)
    assert found.verdict == "not comparable"
    assert "20% were to be held out, and" in shown(found)


def test_of_nobody_nothing_is_known():
    """No entries, one entry, and all with the same number."""
    source = skp.Source(frames())
    for keys in (IDS[:0], IDS[:1]):
        found = analysis.goal(goal_of(), Entered(keys), source, as_of=AFTER)
        assert found.verdict == "not yet known"
        assert "too few people" in shown(found)


def test_a_rate_at_the_end_is_newcombes():
    """Of what attributes say, nothing was known before; so shares are compared as they are."""
    data = frames()
    data["people"]["unsubscribed"] = (IDS % 10 == 0) & ~HELD
    asked = goal_of(GONE, "1 pp")
    found = analysis.goal(asked, Entered(), skp.Source(data), as_of=AFTER)
    assert found.metric.slope is None
    gone = data["people"]["unsubscribed"].to_numpy()
    counts = [int(gone[~HELD].sum()), int(gone[HELD].sum())]
    sizes = [int((~HELD).sum()), int(HELD.sum())]
    expected = analysis._statistics.newcombe(counts, sizes, 0.95)
    assert found.metric.interval == expected
    assert found.verdict == "reached"
    assert "rate of gone" in shown(found)
    # Of events, the rate when the goal began is known.
    assert analysis.goal(
        goal_of(BIG, "1 pp"), Entered(), skp.Source(frames()), as_of=AFTER
    ).metric.slope


@pytest.mark.parametrize(
    ("share", "margin", "state", "verdict"),
    [(0, "2 pp", "kept", "reached"), (10, "2 pp", "broken", "missed"),
     (10, "20 pp", "kept", "reached"), (1, "0.1 pp", "not yet known", "not yet known")],
)  # fmt: skip
def test_guards(share, margin, state, verdict):
    """What must not get worse, decides with the metric."""
    data = frames(effect=12)
    lost = (share * 10 > 100 * IDS % 997) & ~HELD if share != 1 else IDS % 50 == 0
    data["people"]["unsubscribed"] = lost
    asked = goal_of(guards={"gone": (GONE, margin)})
    found = analysis.goal(asked, Entered(), skp.Source(data), as_of=AFTER)
    assert found.guards[0].state == state
    assert found.verdict == verdict
    shown(found)


def test_a_guard_may_be_about_losing():
    """A negative margin says how much may be lost."""
    data = frames(effect=-12)
    asked = goal_of(GONE, "1 pp", direction="down", guards={"spent": (SPENT, "-2%")})
    found = analysis.goal(asked, Entered(), skp.Source(data), as_of=AFTER)
    assert found.guards[0].state == "broken"
    assert found.verdict == "missed"


def test_several_goals_are_corrected():
    """By Holm's method; one that seemed to be reached may not be."""
    source = skp.Source(frames(effect=12))
    several = {f"g{i}": goal_of(amount="5%", hold_out="20%") for i in range(3)}
    several = {n: sk.Goal.define(n, RISKY, SPENT, "5%", starts=START, by=END, hold_out="20%")
               for n in several}  # fmt: skip
    alone = {n: analysis.goal(each, Entered(), source, as_of=AFTER) for n, each in several.items()}
    together = analysis.goals(several, Entered(), source, as_of=AFTER)
    ps = [alone[name].metric.p for name in several]
    assert [o.metric.p for o in together.each.values()] == analysis._statistics.holm(ps)
    assert "3 goals, p corrected for their number" in shown(together)


def test_what_else_is_said():
    """A definition that changed, people who are gone, values that are missing, stale data."""
    data = frames(effect=12)
    keys = np.append(IDS, [90_001, 90_002])
    found = analysis.goal(
        goal_of(), Entered(keys, causes=["definition"]), skp.Source(data), as_of=AFTER
    )
    assert "the definition of at_risk changed 1 time meanwhile" in found.remarks
    assert "of those who entered, 2 are no longer in the data" in found.remarks
    average = sk.Trait.define("average", "avg(orders.amount in last 60 days)", SHOP)
    data["orders"] = data["orders"][data["orders"]["person"] != 7]
    found = analysis.goal(goal_of(average), Entered(), skp.Source(data), as_of=AFTER)
    assert "average is missing of 1, who do not count for it" in found.remarks


def test_stale_data_is_refused():
    """Or said, if that is wanted."""
    fresh = sk.Fresh("placed", stale="30 days")
    entities = [SHOP.entities[0], sk.Entity(
        "orders", attributes=SHOP.entities[1].attributes, fresh=fresh)]  # fmt: skip
    shop = sk.Schema(entities)
    risky = sk.Segment.define("at_risk", "id > 0", shop)
    spent = sk.Trait.define("spent", SPENT.source, shop)
    asked = sk.Goal.define("win_back", risky, spent, "5%", starts=START, by=END, hold_out="20%")
    source = skp.Source(frames(effect=12))
    with pytest.raises(DataError, match=r'stale from 30 days on.*stale="allow"'):
        analysis.goal(asked, Entered(), source, as_of=AFTER)
    found = analysis.goal(asked, Entered(), source, as_of=AFTER, stale="allow")
    assert any("the numbers are of stale data" in each for each in found.remarks)


def test_before_it_begins_there_is_nothing_to_compare():
    """The error says what to ask instead."""
    with pytest.raises(ValueError, match=r"begins at 2026-07-01 .*plan\(goal, source\)"):
        analysis.goal(goal_of(), Entered(), skp.Source(frames()), as_of=date(2026, 7, 1))


# -- before ---------------------------------------------------------------------------------------


def test_a_plan_tells_what_would_show():
    """The smallest effect, by the normal distribution written out."""
    data = frames()
    found = analysis.plan(goal_of(amount="5%"), skp.Source(data), as_of=date(2026, 7, 1))
    spent = spent_by_hand(data, pd.Timestamp("2026-07-01"))
    assert found.mean == pytest.approx(spent.mean())
    apart = scipy.norm.isf(0.025) + scipy.norm.isf(0.2)
    error = spent.std(ddof=1) * np.sqrt(1 / (0.2 * PEOPLE) + 1 / (0.8 * PEOPLE))
    own = found.options[0]
    assert own.hold_out == 0.2
    assert own.effect == pytest.approx(apart * error, rel=1e-3)
    needed = (apart * spent.std(ddof=1) / (0.05 * spent.mean())) ** 2 / 0.16
    assert own.people == pytest.approx(needed, rel=1e-3)
    assert found.shows == (needed <= PEOPLE)
    assert [each.hold_out for each in found.options] == [0.2, 0.05, 0.1, 0.5]
    assert "an effect of 5%" in shown(found)
    fewer = analysis.plan(goal_of(amount="5%"), skp.Source(data), people=100, as_of=START)
    assert fewer.shows is False
    assert "would not show" in shown(fewer)
    nobody = sk.Goal.define(
        "n", sk.Segment.define("nobody", "id < 0", SHOP), SPENT, 5, starts=START, by=END,
        hold_out="10%",
    )  # fmt: skip
    assert analysis.plan(nobody, skp.Source(data), as_of=START).shows is None


# -- with a store ---------------------------------------------------------------------------------


def test_a_store_knows_who_entered(tmp_path):
    """Only who was seen to enter since the goal began counts, once, and not by a new definition."""
    metadata = sa.MetaData()
    people = sa.Table(
        "people",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("n", sa.Integer),
    )
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop'}")
    metadata.create_all(engine)
    schema = sks.schema_from(people)
    store = sks.Store(engine, people)
    store.create()

    def run(day, least, **numbers):
        with engine.begin() as connection:
            connection.execute(people.delete())
            rows = [{"id": int(k[1:]), "n": n} for k, n in numbers.items()]
            connection.execute(people.insert(), rows)
        risky = sk.Segment.define("at_risk", f"n >= {least}", schema)
        at = datetime(2026, 7, 1, tzinfo=UTC) + timedelta(days=day)
        found = store.run(risky, as_of=at)["at_risk"]
        assert isinstance(found, Run)

    run(-2, 5, p1=9, p2=1, p3=1, p4=1)  # p1 was there
    run(-1, 5, p1=9, p2=9, p3=1, p4=1)  # p2 entered too early
    run(1, 5, p1=9, p2=1, p3=9, p4=1)  # p3 enters, p2 leaves
    run(2, 5, p1=1, p2=9, p3=1, p4=2)  # p2 enters again
    run(3, 2, p1=1, p2=9, p3=9, p4=2)  # p3 enters again; p4 by the definition
    run(9, 2, p1=9, p2=9, p3=9, p4=2)  # p1 enters, late
    found = store.entered("at_risk", since=START, until=date(2026, 7, 8))
    assert {key: at.day for key, at in found.items()} == {3: 2, 2: 3}
    assert set(store.entered("at_risk").index) == {1, 2, 3}
    number = sk.Trait.define("number", "n", schema)
    asked = sk.Goal.define(
        "g", sk.Segment.define("at_risk", "n >= 2", schema), number, 1,
        starts=START, by=date(2026, 7, 20), hold_out="50%",
    )  # fmt: skip
    outcome = analysis.goal(asked, store, sks.Source(engine, people), as_of=date(2026, 7, 19))
    assert outcome.treated + outcome.held_out == 3
    assert "the definition of at_risk changed 1 time meanwhile" in outcome.remarks


FILE = """\
language = 1
[schema]
entity = "people"
[schema.tables.people]
key = "id"
attributes = { id = "integer", n = "integer" }
[traits]
number = "n"
[segments.at_risk]
where = "n >= 5"
[goals.g]
segment = "at_risk"
metric = "number"
amount = 1
starts = 2026-07-01
by = 2026-07-20
hold_out = "50%"
"""


def test_the_command(run, tmp_path):
    """Before, what would show; then, whether it is reached."""
    tmp_path.joinpath("shop.toml").write_text(FILE, encoding="utf-8")
    metadata = sa.MetaData()
    people = sa.Table(
        "people",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("n", sa.Integer),
    )
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.sqlite'}")
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(people.insert(), [{"id": i, "n": i % 4} for i in range(1, 301)])
    catalog = sk.Catalog.loads(FILE)
    store = sks.Store(engine, people)
    store.create()
    store.run(catalog, as_of=date(2026, 6, 30))
    asked = ("goal", "shop.toml", "--url", "sqlite:///shop.sqlite", "--as-of")
    held = catalog.goals["g"].held_out
    with engine.begin() as connection:
        for key in range(1, 301):
            number = 5 + key % 3 + (0 if held.matches({"id": key}) else 3)
            connection.execute(people.update().where(people.c.id == key).values(n=number))
    store.run(catalog, as_of=date(2026, 7, 2))
    planned = run(*asked, "2026-07-02", "g", "--plan")
    assert (planned.code, planned.err) == (0, "")
    assert "g: mean of number" in planned.out
    found = run(*asked, "2026-08-01")
    assert found.code == 0
    assert "g: reached: the effect lies between" in found.out
    assert '"verdict": "reached"' in run(*asked, "2026-08-01", "--json").out
    page = run("report", "shop.toml", "--url", "sqlite:///shop.sqlite", "--as-of", "2026-08-01").out
    section = page.partition('<h2 id="goals">')[2].partition("</section>")[0]
    assert '<span class="tag">reached</span>' in section
    assert section.count("<svg") == section.count("<circle") == 1
    assert "reached: the effect lies between" in section
    early = run(
        "report", "shop.toml", "--url", "sqlite:///shop.sqlite", "--as-of", "2026-06-30"
    ).out
    assert '<h2 id="goals">' not in early
    assert run(*asked, "2026-08-01", "h").err == "Error: no goal 'h' in shop.toml; there are g\n"
    engine.dispose()


def test_people_are_measured_in_portions(monkeypatch):
    """Only those who entered are asked about, some at a time, and the numbers are the same."""
    keys = np.concatenate([IDS[500:3000], [10**9]])
    asked = goal_of(guards={"gone": (GONE, "1 pp"), "big": (BIG, "1 pp")})
    source = skp.Source(frames(effect=12, gone=3))
    whole = measuring.numbers_of({"m": SPENT, "g": BIG}, source, AFTER)
    once = analysis.goal(asked, Entered(keys), source, as_of=AFTER)
    asked_for = []
    values = skp.Source.values

    def counted(self, *told, **more):
        found = values(self, *told, **more)
        asked_for.append(len(found))
        return found

    monkeypatch.setattr(skp.Source, "values", counted)
    monkeypatch.setattr(measuring, "_AT_ONCE", 700)
    found = analysis.goal(asked, Entered(keys), source, as_of=AFTER)
    assert asked_for == 2 * [700, 700, 700, 400]  # at the end, and before it began
    pd.testing.assert_frame_equal(found.frame, once.frame)
    assert found.remarks == once.remarks
    assert (found.treated + found.held_out, "1 are no longer" in str(found.remarks)) == (2500, True)
    portions = measuring.numbers_among({"m": SPENT, "g": BIG}, source, AFTER, pd.Index(keys))
    for name, numbers in portions.items():
        assert numbers.to_dict() == whole[name].loc[501:3000].to_dict()
