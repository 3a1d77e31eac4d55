"""A pandas mask of ten conditions beside the mask that one would write by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from conditions import CHANNELS, CITIES, COUNTRIES, PLANS, TEN, schema
from timing import Row, compared, rounds

from segmentkit import Segment
from segmentkit.pandas import mask

BENCHMARK = "pandas mask"
PEER = "by hand"
SIZE = 1_000_000
ROUNDS = 25
GAPS = 0.05
TEXTS = ("country", "plan", "city", "channel")


def frame(size: int, gaps: float) -> pd.DataFrame:
    """Customers in pandas' default types, of whose attributes a share is missing."""
    chance = np.random.default_rng(7)

    def holes(values: Any) -> Any:
        column = pd.Series(values)
        return column.mask(chance.random(size) < gaps) if gaps else column

    return pd.DataFrame(
        {
            "id": np.arange(size),
            "age": holes(chance.integers(10, 81, size)),
            "country": holes(chance.choice(COUNTRIES, size)),
            "plan": holes(chance.choice(PLANS, size)),
            "visits": holes(chance.integers(0, 31, size)),
            "score": holes(chance.integers(0, 11, size) / 2),
            "city": holes(chance.choice(CITIES, size)),
            "spend": holes(chance.integers(0, 1_001, size).astype(float)),
            "channel": holes(chance.choice(CHANNELS, size)),
        }
    )


def by_hand(df: pd.DataFrame) -> pd.Series[bool]:
    """The ten conditions, as pandas' users write them."""
    return (
        (df["age"] >= 18)
        & (df["age"] < 65)
        & df["country"].isin(["DK", "NO", "SE"])
        & (df["plan"] != "free")
        & ~(df["visits"] < 3)
        & ((df["score"] > 2.5) | (df["city"] == "Lviv"))
        & (df["spend"] <= 900.5)
        & (df["channel"] == "web")
        & ~df["city"].isin(["Oslo", "Bergen"])
    )


def by_hand_with_na(df: pd.DataFrame) -> pd.Series[bool]:
    """The same where comparing with a missing value gives pandas' NA."""
    return (
        (df["age"] >= 18).fillna(False)
        & (df["age"] < 65).fillna(False)
        & df["country"].isin(["DK", "NO", "SE"])
        & (df["plan"] != "free").fillna(True)
        & ~(df["visits"] < 3).fillna(False)
        & ((df["score"] > 2.5).fillna(False) | (df["city"] == "Lviv").fillna(False))
        & (df["spend"] <= 900.5).fillna(False)
        & (df["channel"] == "web").fillna(False)
        & ~df["city"].isin(["Oslo", "Bergen"])
    )


def cases(size: int) -> Iterator[tuple[str, pd.DataFrame, Callable[[pd.DataFrame], Any]]]:
    """Frames of several types, each with its mask by hand."""
    for gaps, words in ((0.0, ""), (GAPS, ", with gaps")):
        default = frame(size, gaps)
        yield f"text as pandas has it by default{words}", default, by_hand
        yield f"text as objects{words}", default.astype(dict.fromkeys(TEXTS, object)), by_hand
        yield (
            f"text as categories{words}",
            default.astype(dict.fromkeys(TEXTS, "category")),
            by_hand,
        )
    yield f"pandas' nullable types{words}", default.convert_dtypes(), by_hand_with_na


def run(*, quick: bool) -> Iterator[Row]:
    """Measure masks, and what it costs to define the segment once before."""
    size = SIZE // 50 if quick else SIZE
    for case, df, wanted in cases(size):
        segment = Segment.define("ten", TEN, schema(nullable="gaps" in case or "nullable" in case))
        found, same = mask(segment, df), wanted(df)
        if found.tolist() != same.tolist() or not 0 < found.sum() < size:
            raise AssertionError(f"{case}: {found.sum()} rows, {PEER} {same.sum()}")
        contenders = {"segmentkit": partial(mask, segment, df), PEER: partial(wanted, df)}
        seconds = rounds(contenders, 3 if quick else ROUNDS)
        yield compared(BENCHMARK, case, seconds, beside=PEER, target=1.2)
    define = partial(Segment.define, "ten", TEN, schema(nullable=False))
    cost = rounds({"segmentkit": define}, 3 if quick else 500, warm=3)
    median = float(np.median(cost["segmentkit"]))
    yield Row(BENCHMARK, "Segment.define, once before", median)
