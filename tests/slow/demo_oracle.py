"""The demo's segments once more, by hand: plain pandas, from what the language's page says.

Nothing of segmentkit's own evaluation is used here. Money is counted in whole cents, so that
every sum and every comparison is exact. The data is read straight from the package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

NEW_YORK = ZoneInfo("America/New_York")

Members = frozenset[int]


class Panel:
    """Complete Journey as it is seen at one instant."""

    def __init__(self, source: Mapping[str, pd.DataFrame], as_of: datetime) -> None:
        self.as_of = as_of
        self.today = as_of.astimezone(NEW_YORK).date()
        bought = pd.DataFrame({"household_id": sorted(set(source["transactions"]["household_id"]))})
        self.households = bought.merge(source["demographics"], how="left").set_index("household_id")
        self.everyone = frozenset(self.households.index)

        rows = source["transactions"].merge(source["products"], on="product_id", how="left")
        for name in ("sales_value", "retail_disc", "coupon_disc"):
            rows[name] = (rows[name] * 100).round().astype("int64")  # cents
        # A stable sort keeps the package's order within one instant, as the row's id does.
        rows = rows.sort_values("transaction_timestamp", kind="stable")
        self.transactions = rows[rows["transaction_timestamp"] <= self._stored(as_of)]

        kinds = source["campaign_descriptions"]
        today = pd.Timestamp(self.today)
        sent = source["campaigns"].merge(kinds, on="campaign_id").reset_index(names="id")
        self.campaigns = sent[sent["start_date"] <= today]
        used = source["coupon_redemptions"].merge(kinds, on="campaign_id")
        self.redemptions = used[used["redemption_date"] <= today]

    @staticmethod
    def _stored(instant: datetime) -> pd.Timestamp:
        """An instant as the data has it: UTC, without saying so."""
        return pd.Timestamp(instant.astimezone(UTC).replace(tzinfo=None))

    def ago(self, days: int) -> pd.Timestamp:
        return self._stored(self.as_of - timedelta(days=days))

    def last(self, days: int) -> pd.DataFrame:
        """Transactions with `as_of - days < t <= as_of`."""
        return self.transactions[self.transactions["transaction_timestamp"] > self.ago(days)]

    def months(self, count: int) -> pd.DataFrame:
        """Transactions of the calendar months, New York's, before the present one."""
        end = self.today.replace(day=1)
        start = (pd.Timestamp(end) - pd.DateOffset(months=count)).date()
        low, high = (
            self._stored(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK))
            for day in (start, end)
        )
        times = self.transactions["transaction_timestamp"]
        return self.transactions[(times >= low) & (times < high)]

    def last_days(self, frame: pd.DataFrame, at: str, days: int) -> pd.DataFrame:
        """Rows whose date is one of the calendar days that end today."""
        return frame[frame[at] > pd.Timestamp(self.today - timedelta(days=days))]

    def every(self, per_household: pd.Series[Any], otherwise: int = 0) -> pd.Series[Any]:
        """A measure for every household, also for those without a row."""
        return per_household.reindex(self.households.index, fill_value=otherwise)


def _by(rows: pd.DataFrame, column: str) -> Any:
    return rows.groupby("household_id")[column]


def _where(answer: pd.Series[Any]) -> Members:
    return frozenset(answer.index[answer.to_numpy(dtype=bool)])


def regulars(p: Panel) -> Members:
    return _where(_by(p.last(90), "basket_id").nunique() >= 24)


def big_spenders(p: Panel) -> Members:
    return _where(_by(p.last(90), "sales_value").sum() > 1000_00)


def full_trolleys(p: Panel) -> Members:
    rows = p.last(180)
    return _where(_by(rows, "sales_value").sum() >= 50_00 * _by(rows, "basket_id").nunique())


def fine_palates(p: Panel) -> Members:
    rows = p.last(180)
    singles = _by(rows[rows["quantity"] == 1], "sales_value")
    return _where(singles.sum() > 350 * singles.count())


def big_tickets(p: Panel) -> Members:
    rows = p.months(12)
    known = rows["product_type"].notna()
    rows = rows[known & (rows["product_type"] != "GASOLINE-REG UNLEADED")]
    return _where(_by(rows, "sales_value").max() >= 75_00)


def lapsed(p: Panel) -> Members:
    return _where(_by(p.transactions, "transaction_timestamp").max() < p.ago(45))


def slipping(p: Panel) -> Members:
    times = p.transactions["transaction_timestamp"]
    before = p.transactions[(times >= p.ago(180)) & (times <= p.ago(90))]
    now = p.every(_by(p.last(90), "sales_value").sum())
    then = p.every(_by(before, "sales_value").sum())
    return _where(2 * now < then) & frozenset(p.last(30)["household_id"])


def newcomers(p: Panel) -> Members:
    april = p._stored(datetime(2017, 4, 1, tzinfo=NEW_YORK))
    return _where(_by(p.transactions, "transaction_timestamp").min() >= april)


def one_month_wonders(p: Panel) -> Members:
    one = p.every(_by(p.months(1), "sales_value").sum())
    three = p.every(_by(p.months(3), "sales_value").sum())
    return _where(2 * one > three)


def movers(p: Panel) -> Members:
    stores = _by(p.transactions, "store_id")
    return _where(stores.first() != stores.last()) & frozenset(p.last(30)["household_id"])


def families(p: Panel) -> Members:
    return _where(p.households["kids_count"].isin(["1", "2", "3+"]))


def young_non_owners(p: Panel) -> Members:
    young = p.households["age"].isin(["19-24", "25-34"])
    owner = p.households["home_ownership"].isin(["Homeowner", "Probable Homeowner"])
    return _where(young & ~owner)


def not_known_married(p: Panel) -> Members:
    return p.everyone - _where(p.households["marital_status"].isin(["Married"]))


def known_unmarried(p: Panel) -> Members:
    return _where(p.households["marital_status"].isin(["Unmarried"]))


def strangers(p: Panel) -> Members:
    unknown = p.households["age"].isna() & p.households["income"].isna()
    return _where(unknown) & _where(_by(p.last(365), "basket_id").nunique() >= 100)


def explorers(p: Panel) -> Members:
    return _where(_by(p.last(180), "department").nunique() >= 12)


def fresh_cooks(p: Panel) -> Members:
    rows = p.last(180)
    fresh = rows[rows["department"].isin(["PRODUCE", "MEAT", "SEAFOOD"])]
    return _where(_by(fresh, "sales_value").sum() >= 200_00)


def new_parents(p: Panel) -> Members:
    rows = p.last(180)
    nursery = rows["product_category"].isin(["DIAPERS & DISPOSABLES", "INFANT FORMULA"])
    return _where(rows[nursery].groupby("household_id").size() >= 3)


def pizza_nights(p: Panel) -> Members:
    rows = p.last(90)
    pizza = ["pizza" in kind.casefold() for kind in rows["product_type"].fillna("")]
    return _where(_by(rows[pizza], "quantity").sum() >= 10)


def own_brand(p: Panel) -> Members:
    rows = p.last(180)
    own = p.every(_by(rows[rows["brand"] == "Private"], "sales_value").sum())
    total = p.every(_by(rows, "sales_value").sum())
    return _where((total > 0) & (10 * own > 4 * total))


def bargain_hunters(p: Panel) -> Members:
    rows = p.last(180)
    off = _by(rows, "retail_disc").sum() + _by(rows, "coupon_disc").sum()
    return _where(4 * off > _by(rows, "sales_value").sum())


def coupon_clippers(p: Panel) -> Members:
    used = p.last_days(p.redemptions, "redemption_date", 365)
    return _where(used.groupby("household_id").size() >= 5)


def unmoved(p: Panel) -> Members:
    sent = p.last_days(p.campaigns, "start_date", 365)
    return _where(sent.groupby("household_id").size() >= 4) - frozenset(
        p.redemptions["household_id"]
    )


def in_campaign(p: Panel) -> Members:
    running = p.campaigns["end_date"] >= pd.Timestamp(p.today)
    return frozenset(p.campaigns[running]["household_id"])


def type_a_redeemers(p: Panel) -> Members:
    used = p.last_days(p.redemptions, "redemption_date", 60)
    return frozenset(used[used["campaign_type"] == "Type A"]["household_id"])


def answered(p: Panel) -> Members:
    return _followed(p, 365, 14)


def left_unanswered(p: Panel) -> Members:
    waited = p.last_days(p.campaigns, "start_date", 180)
    waited = waited[waited["start_date"] + pd.Timedelta(days=60) < pd.Timestamp(p.today)]
    return frozenset(waited[~waited["id"].isin(_used(p, waited, 60))]["household_id"])


def _followed(p: Panel, days: int, within: int) -> Members:
    sent = p.last_days(p.campaigns, "start_date", days)
    return frozenset(sent[sent["id"].isin(_used(p, sent, within))]["household_id"])


def _used(p: Panel, sent: pd.DataFrame, within: int) -> Any:
    """Which mailings a coupon was redeemed after, by the same household and so soon."""
    used = p.redemptions[["household_id", "redemption_date"]]
    pairs = sent[["id", "household_id", "start_date"]].merge(used, on="household_id")
    later = (pairs["redemption_date"] - pairs["start_date"]).dt.days
    return pairs[(later > 0) & (later <= within)]["id"]


def big_shops(p: Panel) -> Members:
    baskets = p.last(90).groupby(["household_id", "basket_id"])["sales_value"].sum()
    many = (baskets >= 100_00).groupby("household_id").sum() >= 3
    return _where(many)


def steak_nights(p: Panel) -> Members:
    first = pd.Timestamp(p.today - timedelta(days=p.today.weekday()))
    rows = p.last(56)
    meat, produce = (
        set(rows[rows["department"] == name]["basket_id"]) for name in ("MEAT", "PRODUCE")
    )
    both = rows[rows["basket_id"].isin(meat & produce)]
    local = both["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    days = local.dt.tz_localize(None).dt.normalize()
    weeks = (days - first).dt.days // 7
    return _where(weeks.groupby(both["household_id"]).nunique() >= 4)


def best_tenth(p: Panel) -> Members:
    spent = _spent(p)
    ahead = spent.rank(method="min", ascending=False) - 1
    return _where(ahead * 10 < len(spent))


def above_average(p: Panel) -> Members:
    spent = _spent(p)
    return _where(spent * len(spent) > spent.sum())


def _spent(p: Panel) -> pd.Series[Any]:
    return p.every(_by(p.last(365), "sales_value").sum())


def win_back(p: Panel) -> Members:
    return (lapsed(p) | slipping(p)) - in_campaign(p) - coupon_clippers(p)


def family_favourites(p: Panel) -> Members:
    return (families(p) | new_parents(p)) & (regulars(p) | big_spenders(p))


MEMBERS: dict[str, Callable[[Panel], Members]] = {
    function.__name__: function
    for function in (
        regulars,
        big_spenders,
        full_trolleys,
        fine_palates,
        big_tickets,
        lapsed,
        slipping,
        newcomers,
        one_month_wonders,
        movers,
        families,
        young_non_owners,
        not_known_married,
        known_unmarried,
        strangers,
        explorers,
        fresh_cooks,
        new_parents,
        pizza_nights,
        own_brand,
        bargain_hunters,
        coupon_clippers,
        unmoved,
        in_campaign,
        type_a_redeemers,
        answered,
        left_unanswered,
        big_shops,
        steak_nights,
        best_tenth,
        above_average,
        win_back,
        family_favourites,
    )
}
