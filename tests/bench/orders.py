"""One segment of customers and their orders beside pandas written by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from many import AS_OF, EACH, population, schema_of
from timing import Row, compared, rounds

from segmentkit import Segment
from segmentkit.pandas import members

BENCHMARK = "customers × orders"
SIZE = 1_000_000
ROUNDS = 7

OF_ORDERS = """
    and count(orders in last 90 days where status = "paid") >= 2
    and sum(orders.cents in last 365 days) > 40000
    and count(orders in last 30 days where status = "refunded") = 0
"""
DEFINITIONS = {
    "broad": 'country in ("DK", "NO", "SE", "FI")' + OF_ORDERS,
    "narrow": 'country = "DK" and age >= 30 and age < 36' + OF_ORDERS,
}
NOW = pd.Timestamp(AS_OF).tz_localize(None)
MONTH, QUARTER, YEAR = (NOW - pd.Timedelta(days=days) for days in (30, 90, 365))

Frames: TypeAlias = "dict[str, pd.DataFrame]"


def candidates(customers: pd.DataFrame, name: str) -> pd.DataFrame:
    """Who passes the tests of attributes."""
    if name == "broad":
        return customers[customers.country.isin(["DK", "NO", "SE", "FI"])]
    c = customers
    return c[(c.country == "DK") & (c.age >= 30) & (c.age < 36)]


def one_measure_each(frames: Frames, name: str) -> Any:
    """A filter, a groupby and a test of membership for each measure."""
    c, o = candidates(frames["customers"], name), frames["orders"]
    past = o.placed_at <= NOW
    paid = o[past & (o.placed_at > QUARTER) & (o.status == "paid")].groupby("customer_id").size()
    spent = o[past & (o.placed_at > YEAR)].groupby("customer_id").cents.sum()
    refunded = o[past & (o.placed_at > MONTH) & (o.status == "refunded")].customer_id.unique()
    held = c.id.isin(paid.index[paid >= 2]) & c.id.isin(spent.index[spent > 40_000])
    return c.id[held & ~c.id.isin(refunded)]


def _one_groupby(c: pd.DataFrame, o: pd.DataFrame) -> Any:
    """Indicators as columns, and one groupby of them all."""
    indicators = pd.DataFrame(
        {
            "customer_id": o.customer_id,
            "paid": (o.status == "paid") & (o.placed_at > QUARTER),
            "spent": o.cents,
            "refunded": (o.status == "refunded") & (o.placed_at > MONTH),
        }
    )
    sums = indicators.groupby("customer_id").sum()
    held = sums.index[(sums.paid >= 2) & (sums.spent > 40_000) & (sums.refunded == 0)]
    return c.id[c.id.isin(held)]


def candidates_first(frames: Frames, name: str) -> Any:
    """The orders of those who pass the tests of attributes, of the year, in one groupby."""
    c, o = candidates(frames["customers"], name), frames["orders"]
    o = o[o.customer_id.isin(c.id)]
    return _one_groupby(c, o[(o.placed_at > YEAR) & (o.placed_at <= NOW)])


def year_first(frames: Frames, name: str) -> Any:
    """The orders of the year, of those who pass the tests of attributes, in one groupby."""
    c, o = candidates(frames["customers"], name), frames["orders"]
    o = o[(o.placed_at > YEAR) & (o.placed_at <= NOW)]
    return _one_groupby(c, o[o.customer_id.isin(c.id)])


BY_HAND: Mapping[str, Callable[[Frames, str], Any]] = {
    "a groupby each": one_measure_each,
    "candidates first": candidates_first,
    "the year first": year_first,
}


def run(*, quick: bool) -> Iterator[Row]:
    """Measure a broad and a narrow segment beside each way; the fastest is what counts."""
    customers = SIZE // 100 if quick else SIZE
    frames = population(customers, customers * EACH)
    schema = schema_of(frames)
    for name, definition in DEFINITIONS.items():
        segment = Segment.define(name, definition, schema)
        ours = partial(members, segment, frames, as_of=AS_OF)
        ways = {way: partial(run, frames, name) for way, run in BY_HAND.items()}
        expected = sorted(ours())
        for way, by_hand in ways.items():
            if sorted(by_hand()) != expected or not (expected or quick):
                raise AssertionError(f"{name}, {way}: others are members")
        taken = rounds(
            {"segmentkit": ours, **ways}, 2 if quick else ROUNDS, clock=time.process_time
        )
        fastest = min(ways, key=lambda way: float(np.median(taken[way])))
        for way in ways:
            target = 0.4 if way == fastest else None
            yield compared(BENCHMARK, f"pandas, {name}", taken, beside=way, target=target)
