"""Definitions built in Python: the same as their texts, and no operator that changes the meaning."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import segmentkit as sk
import segmentkit.demo
from segmentkit import UsageError, expr
from segmentkit import builder as b
from segmentkit.builder import fn
from tests.test_messages import SHOP

DEMO = sk.Catalog.loads(
    Path(sk.demo.__file__).with_name("segments.toml").read_text(encoding="utf-8")
)


def demo() -> dict[str, b.Condition]:
    """The segments of the demonstration."""
    c = DEMO.schema.row
    trips, baskets, campaigns, coupons = (
        c.transactions, c.baskets, c.campaigns, c.coupon_redemptions,
    )  # fmt: skip
    half, quarter = trips.in_last(days=180), trips.in_last(days=90)
    spent = b.trait("spent")
    product, line = trips.product, baskets.lines
    diapers = ["DIAPERS & DISPOSABLES", "INFANT FORMULA"]
    not_petrol = product.product_type.is_present() & (
        product.product_type != "GASOLINE-REG UNLEADED"
    )
    both = (
        line.where(line.product.department == "MEAT").any()
        & line.where(line.product.department == "PRODUCE").any()
    )
    one_segment = b.in_segment
    return {
        "regulars": quarter.count_distinct(trips.basket_id) >= b.param("min_visits"),
        "big_spenders": quarter.sum(trips.sales_value) > b.param("min_spend"),
        "full_trolleys": half.sum(trips.sales_value) / half.count_distinct(trips.basket_id) >= 50,
        "fine_palates": half.where(trips.quantity == 1).avg(trips.sales_value) > Decimal("3.5"),
        "big_tickets": trips.in_previous(months=12).where(not_petrol).max(trips.sales_value) >= 75,
        "lapsed": trips.last(trips.transaction_timestamp) < b.ago(days=45),
        "slipping": trips.in_last(days=30).any()
        & (
            quarter.sum(trips.sales_value)
            < trips.between(b.ago(days=180), b.ago(days=90)).sum(trips.sales_value) / 2
        ),
        "newcomers": trips.first(trips.transaction_timestamp) >= date(2017, 4, 1),
        "one_month_wonders": trips.in_previous("month").sum(trips.sales_value)
        > 0.5 * trips.in_previous(months=3).sum(trips.sales_value),
        "movers": trips.in_last(days=30).any()
        & (trips.first(trips.store_id) != trips.last(trips.store_id)),
        "families": c.kids_count.is_in(["1", "2", "3+"]),
        "young_non_owners": c.age.is_in(["19-24", "25-34"])
        & c.home_ownership.is_not_in(["Homeowner", "Probable Homeowner"]),
        "not_known_married": c.marital_status != "Married",
        "known_unmarried": one_segment("not_known_married") & c.marital_status.is_present(),
        "strangers": c.age.is_missing()
        & c.income.is_missing()
        & (trips.in_last(days=365).count_distinct(trips.basket_id) >= 100),
        "explorers": half.count_distinct(product.department) >= 12,
        "fresh_cooks": half.where(product.department.is_in(["PRODUCE", "MEAT", "SEAFOOD"])).sum(
            trips.sales_value
        )
        >= 200,
        "new_parents": half.where(product.product_category.is_in(diapers)).count() >= 3,
        "pizza_nights": quarter.where(
            product.product_type.contains("pizza", ignoring_case=True)
        ).sum(trips.quantity)
        >= 10,
        "own_brand": half.where(product.brand == "Private").sum(trips.sales_value)
        / half.sum(trips.sales_value)
        > 0.4,
        "bargain_hunters": half.sum(trips.retail_disc + trips.coupon_disc)
        > half.sum(trips.sales_value) / 4,
        "coupon_clippers": coupons.in_last(days=365).count() >= 5,
        "unmoved": (campaigns.in_last(days=365).count() >= 4) & coupons.none(),
        "in_campaign": campaigns.where(campaigns.campaign.end_date >= b.today).any(),
        "type_a_redeemers": coupons.in_last(days=60)
        .where(coupons.campaign.campaign_type == "Type A")
        .any(),
        "answered": campaigns.in_last(days=365).followed_by(coupons, days=14).any(),
        "left_unanswered": campaigns.in_last(days=180).not_followed_by(coupons, days=60).any(),
        "big_shops": baskets.in_last(days=90).where(line.sum(line.sales_value) >= 100).count() >= 3,
        "steak_nights": baskets.in_last(weeks=8)
        .where(both)
        .count_distinct(fn.week(baskets.transaction_timestamp))
        >= 4,
        "best_tenth": b.top(b.percent(10), spent),
        "above_average": spent > b.aggregate("avg", spent),
        "win_back": (one_segment("lapsed") | one_segment("slipping"))
        & ~one_segment("in_campaign")
        & ~one_segment("coupon_clippers"),
        "family_favourites": (one_segment("families") | one_segment("new_parents"))
        & (one_segment("regulars") | one_segment("big_spenders")),
    }


def test_the_demonstration() -> None:
    """Its segments, built in Python, as JSON and as texts: the same, letter for letter."""
    built, given = demo(), {"segments": DEMO._defined, "traits": DEMO._traits}
    assert list(built) == list(DEMO)
    for name, expression in built.items():
        by_text = DEMO.unbound(name)
        by_builder = sk.Segment.define(name, expression, DEMO.schema, **given)
        by_json = sk.Segment.from_json(by_text.to_json(), DEMO.schema, **given)
        assert by_builder == by_text == by_json
        assert repr(expression) == by_builder.definition == by_text.definition == by_json.definition
        assert expression.tree == by_text.tree


C = SHOP.row
ROWS = C.orders
PAID = ROWS.where(ROWS.status == "paid")


class Kind(StrEnum):
    A = "a"


class Rank(IntEnum):
    ONE = 1


SAME = [
    (C.country.is_in(["UA", "PL"]) & (ROWS.where(ROWS.status == "paid").count() >= 3),
     'country in ("UA", "PL") and count(orders where status = "paid") >= 3'),
    (~(C.age < 18), "not age < 18"),
    (ROWS.none() & C.seen.in_last(days=30), "none(orders) and seen in last 30 days"),
    (C.vip | (C.vip == True), "vip or vip = true"),  # noqa: E712
    (C.age > 5, "age > 5"),
    (ROWS.last(ROWS.placed_at) < b.ago(days=90), "last(orders.placed_at) < 90 days ago"),
    (b.ago(days=90) > C.seen, "90 days ago > seen"),
    (1 - C.age - 2 > C.age * 2 / 3, "1 - age - 2 > age * 2 / 3"),
    (1 - (C.age - 2) > -C.age, "1 - (age - 2) > -age"),
    (C.age == 0.1, "age = 0.1"),
    (C.company.industry.starts_with("Re"), 'company.industry starts with "Re"'),
    (C.name.equals("ada", ignoring_case=True), 'name = "ada" ignoring case'),
    (C.name.ends_with("a"), 'name ends with "a"'),
    (C.country.is_in([]) | C.country.is_not_in({"UA"}), 'country in () or country not in ("UA")'),
    (C.name.matches(r"\w+ \d{2}"), r'name matches "\\w+ \\d{2}"'),
    (C.tags.contains_any(["a", "b"]) & ~C.vip, 'tags contains any ("a", "b") and not vip'),
    (C.tags.contains_all(["a"]), 'tags contains all ("a")'),
    (C.tags.contains("press"), 'tags contains "press"'),
    (C.properties.billing.city == "Kyiv", 'properties.billing.city = "Kyiv"'),
    (C.properties.plan.is_present(), "properties.plan is present"),
    (C.born.in_this("month") | C.born.in_next(days=3), "born in this month or born in next 3 days"),
    (C.born.in_previous("year") | C.born.in_period("2026-05"), "born in previous year or born in 2026-05"),
    (C.born <= date(2026, 5, 9), "born <= 2026-05-09"),
    (C.seen < datetime(2026, 5, 9, 12, tzinfo=UTC), "seen < 2026-05-09T12:00Z"),
    (C.seen >= b.from_now(hours=2), "seen >= 2 hours from now"),
    (b.now - C.seen > b.duration(days=7), "now - seen > 7 days"),
    (ROWS.where(ROWS.amount > C.age).where(ROWS.status == "a").any(),
     'any(orders where amount > customers.age and status = "a")'),
    (ROWS.where(ROWS.parcels.in_last(days=3).any() & (C.stays.count() > 2)).any(),
     "any(orders where any(parcels in last 3 days) and count(customers.stays) > 2)"),
    (ROWS.parcels.count() > 3, "count(orders.parcels) > 3"),
    (ROWS.where(ROWS.status == "a").preceded_by(ROWS.where(ROWS.status == "b"), hours=2).any(),
     'any(orders where status = "a" preceded by orders where status = "b" within 2 hours)'),
    (ROWS.not_preceded_by(ROWS).not_followed_by(ROWS, days=1).none(),
     "none(orders not preceded by orders not followed by orders within 1 day)"),
    (ROWS.mode(ROWS.amount) == 3, "mode(orders.amount) = 3"),
    (ROWS.in_last(days=30).streak(fn.day(ROWS.placed_at)) >= 7, "streak(day(orders.placed_at) in last 30 days) >= 7"),
    (ROWS.percentile(90, ROWS.amount) > 3, "percentile(90, orders.amount) > 3"),
    (ROWS.in_last(days=9).percentile(b.param("p"), ROWS.amount) > 3, "percentile(:p, orders.amount in last 9 days) > 3"),
    (ROWS.min(ROWS.amount) + ROWS.max(ROWS.amount) > ROWS.median(ROWS.amount), "min(orders.amount) + max(orders.amount) > median(orders.amount)"),
    (ROWS.aggregate("count") > ROWS.aggregate("avg", ROWS.amount), "count(orders) > avg(orders.amount)"),
    (b.bottom(3, C.age, C.vip), "bottom 3 by age among (vip)"),
    (C.age > b.aggregate("max", C.age, C.vip), "age > max(age among (vip))"),
    (b.at_least(2, C.vip, C.age > 3, C.name == "a") & b.at_most(1, C.vip) & b.exactly(1, C.vip),
     'at least 2 of (vip, age > 3, name = "a") and at most 1 of (vip) and exactly 1 of (vip)'),
    (fn.sample(b.percent(2.5), "salt") == True, 'sample(2.5%, "salt") = true'),  # noqa: E712
    (b.in_list("june_fair") & b.reachable_by("email"), "in list june_fair and reachable by email"),
    (C.age.in_list("june_fair"), "age in list june_fair"),
    (b.in_segment("vip", days=30) & ~b.in_segment("a b", month=1),
     'in segment vip for 30 days and not in segment "a b" for 1 month'),
    (b.in_segment("vip", days=b.param("n")) | b.entered("vip").in_last(days=7) | b.left("vip").in_previous("month"),
     "in segment vip for :n days or entered segment vip in last 7 days or left segment vip in previous month"),
    (b.entered("vip").between(date(2026, 5, 1), date(2026, 5, 9)) | b.left("vip").in_period("2026-05"),
     "entered segment vip between 2026-05-01 and 2026-05-09 or left segment vip in 2026-05"),
    (b.call("age", C.born).between(18, 40), "age(born) between 18 and 40"),
    (ROWS.in_last(days=b.param("n")).where(C.country.is_in(b.param("some"))).any(),
     "any(orders in last :n days where customers.country in :some)"),
    (b.top(b.percent(b.param("p")), C.age) & (C.seen > b.ago(days=b.param("n"))), "top :p% by age and seen > :n days ago"),
    (b.top(b.param("n"), C.age) | b.at_least(b.param("n"), C.vip) | (b.now - C.seen > b.duration(days=b.param("n"))),
     "top :n by age or at least :n of (vip) or now - seen > :n days"),
    (C.country.is_in([]) | C.country.is_not_in({"UA"}), 'country in () or country not in ("UA")'),
    (C.name.matches("[A-Z]+"), 'name matches "[A-Z]+"'),
    (C["age"] != b.param("n"), "age != :n"),
    (b.case((C.vip, C.age + 1), (C.age > b.param("n"), 3), otherwise=b.param("m")) == 2,
     "case when vip then age + 1 when age > :n then 3 else :m end = 2"),
    (ROWS.sum(b.case((ROWS.status == "a", ROWS.amount))) > 2,
     'sum(case when orders.status = "a" then orders.amount end) > 2'),
    (C.tags.is_empty() | (fn.length(C.tags) >= 2), "tags is empty or length(tags) >= 2"),
    (PAID.sum(PAID.amount) + PAID.in_last(days=3).sum(PAID.amount) > PAID.where(PAID.amount > 3).sum(ROWS.amount),
     'sum(orders.amount where status = "paid") + sum(orders.amount in last 3 days where status = "paid")'
     ' > sum(orders.amount where status = "paid" and amount > 3)'),
    (PAID.where(PAID.parcels.any()).any(), 'any(orders where status = "paid" and any(parcels))'),
    # Values as Python, numpy and pandas have them.
    (C.age > Decimal(100), "age > 100"),
    (C.age > Decimal("1E+2"), "age > 100"),
    (C.age.is_in(np.array([1, 2])), "age in (1, 2)"),
    (C.age.is_in(pd.Series([1, 2])), "age in (1, 2)"),
    (C.age.is_in(range(2)), "age in (0, 1)"),
    (C.name == Kind.A, 'name = "a"'),
    (C.name == np.str_("a"), 'name = "a"'),
    (C.age == Rank.ONE, "age = 1"),
    (C.age == np.float64(1.5), "age = 1.5"),
    (C.seen < pd.Timestamp("2026-05-01 12:00", tz="Europe/Kyiv"), "seen < 2026-05-01T12:00+03:00"),
    (C.seen < datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(seconds=30))), "seen < 2026-05-01T11:59:30Z"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "text"), SAME, ids=lambda each: str(each)[:30])
def test_expressions_print_as_definitions(expression: b.Condition, text: str) -> None:
    """What is built prints as the canonical text, and is the tree of that."""
    assert repr(expression) == text == sk.format_definition(text)
    assert expression.tree == expr.parse(text)
    assert expr.format(expression.tree) == text


WRONG: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: C.vip & C.age == 3, UsageError, "& joins conditions, and this is age, a value"),
    (lambda: C.age == 3 & C.vip, UsageError, "& joins conditions, and this is an int"),
    (lambda: C.vip & C.vip == True, UsageError, "put comparisons beside & and | in brackets"),  # noqa: E712
    (lambda: (C.age > 3) | C.name, UsageError, "| joins conditions, and this is name, a value"),
    (lambda: C.vip & True, UsageError, "& joins conditions, and this is a bool"),
    (lambda: C.vip and C.age > 3, UsageError, "not by and, or, not"),
    (lambda: not C.vip, UsageError, "not by and, or, not"),
    (lambda: 1 < C.age < 5, UsageError, "a.between(1, 5) in place of 1 < a < 5"),
    (lambda: C.age in [1, 2], UsageError, "a.is_in([…]) in place of in"),
    (lambda: "a" in C.tags, UsageError, "value.contains(…) in place of in"),
    (lambda: {C.vip: 1}, UsageError, "is no key"),
    (lambda: list(C.age), UsageError, "has no items"),
    (lambda: max(C.age, 3), UsageError, "neither true nor false"),
    (lambda: ~C.age, UsageError, "~ is the complement of a condition"),
    (lambda: C.age == None, UsageError, "write value.is_missing()"),  # noqa: E711
    (lambda: C.age == [1], UsageError, "write value.is_in([…])"),
    (lambda: C.country.is_in("UA"), UsageError, "is_in takes several values"),
    (lambda: C.tags.contains_any([]), UsageError, "at least one value"),
    (lambda: C.contry, AttributeError, "customers has no 'contry'; did you mean 'country'?"),
    (lambda: ROWS.stats, AttributeError, "orders has no 'stats'; did you mean 'status'?"),
    (lambda: C["agee"], KeyError, "did you mean 'age'?"),
    (lambda: C.properties.plann, AttributeError, "did you mean 'plan'?"),
    (lambda: fn.agee(C.born), AttributeError, "did you mean 'age'?"),
    (lambda: C.age.contains("x"), AttributeError, "contains"),
    (lambda: ROWS.where(ROWS.amount), UsageError, "where takes a condition"),
    (lambda: ROWS.sum(C.age), UsageError, "age is no value of the rows of orders"),
    (lambda: ROWS.sum(C.stays.day), UsageError, "no value of the rows of orders"),
    (lambda: ROWS.where(C.stays.day == C.born), UsageError, "those of stays are not seen"),
    (lambda: ROWS.parcels.where(ROWS.amount > 3), UsageError, "those of orders are not seen"),
    (lambda: ROWS.in_last(dayz=30), UsageError, "in_last(days=30)"),
    (lambda: ROWS.in_last(days=1).in_last(days=3), UsageError, "rows are in one window"),
    (lambda: ROWS.followed_by(C), UsageError, "takes rows of a relation"),
    (lambda: ROWS.followed_by(ROWS.in_last(days=3)), UsageError, "no window or step of its own"),
    (lambda: C.born.in_period("2026-13"), UsageError, 'such as "2026-05"'),
    (lambda: b.at_least(1, C.age), UsageError, "counts conditions"),
    (lambda: b.in_segment("vip", dayz=3), UsageError, "in_segment(days=30)"),
    (lambda: b.entered("vip") & C.vip, UsageError, "Event"),
    (lambda: list(ROWS), UsageError, "not gone through"),
    (lambda: b.case((C.age, 1)), UsageError, "takes pairs of a condition and a value"),
    (b.case, UsageError, "at least one pair"),
    # What leaves out rows would be lost.
    (lambda: ROWS.sum(PAID.amount), UsageError, "'amount' is that of only some of the orders"),
    (lambda: ROWS.count_distinct(ROWS.in_last(days=3).status), UsageError, "'status' is that of only some"),
    (lambda: ROWS.sum(ROWS.followed_by(ROWS).amount + 1), UsageError, "only some of the orders: take"),
    (lambda: ROWS.where(PAID.amount > 3), UsageError, "only some of the orders: take the aggregate"),
    (lambda: PAID.parcels.count().tree, UsageError, "'parcels' is that of only some of the orders"),
    (lambda: b.aggregate("avg", PAID.amount).tree, UsageError, "as in rows.where(…).sum(rows.amount)"),
    (lambda: C.seen.in_previous("month", days=3), UsageError, "'month' or a length of time, not both"),
    # What Python would take for something else.
    (lambda: ROWS == 3, UsageError, "as in rows.count() == 3"),
    (lambda: C.company == None, UsageError, "a Row of segmentkit is no value"),  # noqa: E711
    (lambda: C.properties != 3, UsageError, "a Document of segmentkit is no value"),
    (lambda: not ROWS, UsageError, "a Rows of segmentkit is no value"),
    (lambda: setattr(ROWS, "amount", 3), UsageError, "columns are compared, and not set"),
    (lambda: C.age.is_in(b"DK"), UsageError, "several values, and not a bytes"),
    (lambda: C.age.is_in({1: 2}), UsageError, "several values, and not a dict"),
    (lambda: C.age.is_in(pd.DataFrame({"a": [1]})), UsageError, "not a DataFrame of pandas"),
    (lambda: C.seen > b.ago(days=True), UsageError, "ago(days=…) takes a whole number or a parameter, and not a bool"),
    (lambda: ROWS.in_last(days=1.5), UsageError, "and not a float"),
    (lambda: b.top(3, C.age, "vip"), UsageError, "among takes a condition, and not a str"),
    (lambda: C[0], KeyError, "customers has no 0; a name is a text"),
    (lambda: ROWS[["id"]], KeyError, "orders has no ['id']; a name is a text"),
    (lambda: C.properties[0], AttributeError, "properties has no 0; a name is a text"),
    (lambda: C.age == np.int64(3), UsageError, "an int64 of numpy: give its .item()"),
    (lambda: C.age == np.array([1]), UsageError, "write value.is_in([…])"),
    (lambda: C.age == np.datetime64("2026-05-01"), UsageError, "and not a datetime64 of numpy"),
    (lambda: C.age.__eq__(math.nan), UsageError, "and not nan: write value.is_missing()"),
    (lambda: C.age == Decimal("sNaN"), UsageError, "and not sNaN: write value.is_missing()"),
    (lambda: C.seen == pd.NaT, UsageError, "and not NaT: write value.is_missing()"),
    (lambda: C.age.is_in(pd.array([1, None])), UsageError, "NAType of pandas: write value.is_missing()"),
    (lambda: C.seen > timedelta(days=3), UsageError, "write builder.duration(days=…)"),
    (lambda: C.seen.in_period(" 2026"), UsageError, 'such as "2026-05"'),
]  # fmt: skip


@pytest.mark.parametrize(("build", "error", "said"), WRONG, ids=[said for _, _, said in WRONG])
def test_what_would_mean_something_else_is_refused(
    build: Callable[[], Any], error: type[Exception], said: str
) -> None:
    """Operators that Python binds in another way, and names that are not there, raise at once."""
    with pytest.raises(error) as caught:
        build()
    assert said in str(caught.value)


def test_the_schema_completes() -> None:
    """`dir` lists what the schema has, and of a value the methods of its type."""
    assert {"age", "company", "orders", "properties", "tags"} <= set(dir(C))
    assert {"amount", "parcels", "where", "sum"} <= set(dir(ROWS))
    assert dir(C.properties) == ["billing", "plan"]
    assert "contains" in dir(C.name)
    assert "in_last" not in dir(C.name)
    assert "in_last" in dir(C.seen)
    assert "contains" not in dir(C.age)
    assert "week" in dir(fn)
    assert C._ipython_key_completions_()[:2] == ["id", "country"]
    assert ROWS._ipython_key_completions_()[:2] == ["id", "amount"]


def test_names_that_are_methods_and_other_names() -> None:
    """Brackets give every column, whatever it is called."""
    rows = sk.Entity(
        "rows", attributes=[sk.Attribute("count", sk.INTEGER), sk.Attribute("a b", sk.TEXT)]
    )
    tags = sk.Entity("tags", attributes=[sk.Attribute("tag", sk.TEXT)])
    relations = [sk.Relation("rows", key="id"), sk.Relation("tags", key="id", value="tag")]
    own = [
        sk.Attribute("in", sk.INTEGER),
        sk.Attribute("_x", sk.INTEGER),
        sk.Attribute("lat", sk.FLOAT),
    ]
    places = [sk.Place("home", latitude="lat", longitude="lat")]
    people = sk.Entity("people", key="id", attributes=own, relations=relations, places=places)
    schema = sk.Schema([people, rows, tags])
    c = schema.row
    assert repr(c.rows.sum(c.rows["count"]) > 3) == "sum(rows.count) > 3"
    assert repr(c.rows.where(c.rows["a b"] == "x").any()) == 'any(rows where `a b` = "x")'
    assert repr(c["in"] == c["_x"]) == "`in` = _x"
    for made in (
        c.tags.contains("vip"), c.tags.contains_any(["a"]), c.tags.contains_all(["a"]),
        fn.distance(c.home, fn.point(50.45, 30.52)) < b.length(25, "km"),
    ):  # fmt: skip
        assert sk.Segment.define(None, made, schema).definition == repr(made)


def test_expressions_are_checked_as_texts_are() -> None:
    """Types are checked where the expression becomes a segment, with a place in its text."""
    with pytest.raises(sk.SegmentTypeError) as caught:
        sk.Segment.define("s", C.vip & (C.age == "x"), SHOP)
    assert str(caught.value).startswith(
        'SK104 cannot compare number with text\n    vip and age = "x"'
    )
    with pytest.raises(sk.SegmentSyntaxError, match="SK021"):
        sk.Segment.define("s", C.age.in_list(3), SHOP)  # type: ignore[arg-type]
    assert repr(C.age.in_list(3)) == "<no definition: a number is not expected here, but a text>"  # type: ignore[arg-type]
    assert sk.Trait.define("years", fn.age(C.born) + 1, SHOP).definition == "age(born) + 1"
    with pytest.raises(TypeError, match="a definition is a text or a tree"):
        sk.Segment.define("s", C, SHOP)  # type: ignore[arg-type]


def test_rows_can_be_copied() -> None:
    """Copies are the same; a copy of rows does not change them."""
    assert (
        repr(copy.deepcopy(ROWS).count() > 3)
        == repr(copy.copy(ROWS).count() > 3)
        == "count(orders) > 3"
    )
    ROWS.where(ROWS.status == "x").in_last(days=3)
    assert repr(ROWS.any()) == "any(orders)"
