"""Draw the pictures of docs/understanding.md from the demo's data.

``python -m tests.pictures`` draws all of them, ``python -m tests.pictures profile`` one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from segmentkit import Catalog, Partition, Schema, Segment, Trait, analysis, demo
from segmentkit import pandas as skp

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
END = datetime(2018, 1, 1)
"""The end of the demo's year, in its zone."""


@cache
def source() -> skp.Source:
    """The demo's frames."""
    return skp.Source(demo.frames())


@cache
def catalog() -> Catalog:
    """The demo's segments."""
    return Catalog.loads(demo.segments())


def schema() -> Schema:
    return catalog()["regulars"].schema


def spent() -> Trait:
    return Trait.define("spent", "sum(transactions.sales_value)", schema())


def attrition() -> Any:
    clauses = (
        "any(transactions in last 30 days)",
        "count(distinct transactions.basket_id in last 90 days) >= 12",
        'age in ("19-24", "25-34", "35-44")',
        "none(coupon_redemptions)",
    )
    asked = Segment.define("young regulars", " and ".join(clauses), schema())
    return analysis.attrition(asked, source(), as_of=END).plot()


def coverage() -> Any:
    return analysis.coverage(schema(), source(), as_of=END).plot()


def overlap() -> Any:
    names = (
        "regulars", "big_spenders", "full_trolleys", "fine_palates", "big_tickets", "lapsed",
        "slipping", "newcomers",
    )  # fmt: skip
    asked = {name: catalog()[name] for name in names}
    return analysis.overlap(asked, source(), as_of=END).plot(most=20)


def rules() -> analysis.Rfm:
    return analysis.Rfm.define(
        schema(),
        recency="last(transactions.transaction_timestamp)",
        frequency="count(distinct transactions.basket_id)",
        monetary="sum(transactions.sales_value)",
    )


def grid() -> Any:
    return analysis.grid(rules(), source(), as_of=END).plot()


def movement() -> Any:
    since = datetime(2017, 10, 1)
    return analysis.movement(rules().partition(), source(), since=since, as_of=END).plot()


def profile() -> Any:
    visits = Trait.define("visits", "count(distinct transactions.basket_id)", schema())
    traits = [spent(), visits]
    found = analysis.profile(catalog()["big_spenders"], source(), traits=traits, as_of=END)
    return found.plot()


def discover() -> Any:
    users = Segment.define("coupon users", "any(coupon_redemptions)", schema())
    told = ["age", "income", "kids_count", "home_ownership"]
    of = [*told, spent(), "count(baskets)", "count(campaigns)"]
    return analysis.discover(users, source(), of=of, as_of=END).plot()


def clusters() -> Any:
    visits = Trait.define("visits", "count(baskets)", schema())
    recent = Trait.define("recent", "count(baskets in last 90 days)", schema())
    return analysis.clusters([visits, recent, spent()], source(), as_of=END, n=4).plot()


def compare() -> Any:
    asked = ("19-24", "25-34", "35-44", "45-54", "55-64", "65+")
    bands = {age: Segment.define(age, f'age = "{age}"', schema()) for age in asked}
    ages = Partition.define("age", bands, rest="unknown")
    return analysis.compare(ages, spent(), source(), as_of=END).plot()


def assess() -> Any:
    regulars = catalog()["regulars"]
    return analysis.assess(regulars, source(), metric=spent(), as_of=END).plot()


PICTURES: Mapping[str, Callable[[], Any]] = {
    each.__name__: each
    for each in (
        *(attrition, coverage, overlap, grid, movement),
        *(profile, compare, assess, discover, clusters),
    )
}


def main(names: list[str]) -> None:
    for name in names or list(PICTURES):
        figure = PICTURES[name]()
        figure.savefig(FOLDER / f"{name}.png", dpi=80)


if __name__ == "__main__":
    main(sys.argv[1:])
